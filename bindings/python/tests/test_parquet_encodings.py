"""Encodings that are asked for, looked at with other eyes than the engine's."""

import math
import os
import struct

import numpy as np
import pyarrow as pa
import pytest
from thrift_twin import footer, pages

import martlet as ma
import martlet.parquet as pq

ROUNDS = int(os.environ.get("MARTLET_ROUNDS", "30"))


def write(data, path, **options):
    pq.write_table(ma.table(data), str(path), **options)
    return str(path)


def unpack(data, width, count):
    """Integers of `width` bits each, lowest bit first."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[: count * width].reshape(count, width)
    return [sum(int(bit) << k for k, bit in enumerate(row)) for row in bits]


def alp(data, kind):
    """The decoder of AlpEncoding.md, step by step."""
    size = np.dtype(kind).itemsize
    mode, integers, log, count = struct.unpack_from("<BBBi", data)
    assert (mode, integers) == (0, 0) and 3 <= log <= 15
    length = 1 << log
    vectors = -(-count // length)
    offsets = struct.unpack_from(f"<{vectors}I", data, 7)
    expected = vectors * 4
    values = []
    for i, offset in enumerate(offsets):
        assert offset == expected
        place = 7 + offset
        here = min(length, count - i * length)
        exponent, factor, exceptions = struct.unpack_from("<BBH", data, place)
        assert factor <= exponent <= (18 if size == 8 else 10)
        (base,) = struct.unpack_from("<q" if size == 8 else "<i", data, place + 4)
        width = data[place + 4 + size]
        assert width <= size * 8
        place += 5 + size
        packed = -(-here * width // 8)
        deltas = unpack(data[place : place + packed], width, here) if width else [0] * here
        if here * width % 8:
            assert data[place + packed - 1] >> (here * width % 8) == 0
        assert min(deltas) == 0
        place += packed
        wholes = [(base + d + 2 ** (8 * size - 1)) % 2 ** (8 * size) - 2 ** (8 * size - 1) for d in deltas]
        made = np.array([kind(w) * kind(float(f"1e{factor}")) * kind(f"1e-{exponent}") for w in wholes], kind)
        positions = struct.unpack_from(f"<{exceptions}H", data, place)
        place += exceptions * 2
        made[list(positions)] = np.frombuffer(data[place : place + exceptions * size], kind)
        assert list(positions) == sorted(set(positions))
        expected = place + exceptions * size - 7
        values.append(made)
    assert expected == len(data) - 7
    return np.concatenate(values) if values else np.array([], kind)


def reals(kind, seed):
    random = np.random.default_rng(seed)
    count = int(random.choice([1, 7, 8, 1023, 1024, 1025, 3000]))
    special = np.array([0.0, -0.0, math.inf, -math.inf, math.nan, 1e30, -1e30, 1e-30, 2.0**31, 2.0**62, 2.0**63, -(2.0**63)])
    values = {
        0: np.round(random.uniform(-1000, 1000, count), int(random.integers(0, 6))),
        1: random.standard_normal(count),
        2: random.integers(-(2**50), 2**50, count) * 1.0,
        3: np.full(count, 12.5),
        4: np.round(random.uniform(0, 100, count), 2),
        5: random.choice(special, count),
    }[seed % 6].astype(kind)
    if seed % 2:
        spots = random.integers(0, count, max(count // 20, 1))
        with np.errstate(over="ignore"):
            values[spots] = random.choice(special, len(spots)).astype(kind)
    if seed % 5 == 0:
        bits = values.view({4: np.uint32, 8: np.uint64}[np.dtype(kind).itemsize])
        bits[random.integers(0, count)] = 0x7F800001 if kind is np.float32 else 0xFFF0000000000123
    return values


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(max(ROUNDS // 2, 12)))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_alp(kind, seed, tmp_path):
    values = reals(kind, seed)
    version = "1.0" if seed % 3 else "2.0"
    data = pa.table({"a": pa.array(values, mask=np.arange(len(values)) % 7 == 3 if seed % 4 == 1 else None)})
    path = write(
        data, tmp_path / "f", column_encoding={"a": "ALP"}, use_dictionary=False, compression="none",
        data_page_version=version, max_rows_per_page=2000,
    )
    kept = values[np.arange(len(values)) % 7 != 3] if seed % 4 == 1 else values
    chunk = footer(path)[4][0][1][0][3]
    assert 10 in chunk[2]
    raw = open(path, "rb").read()
    decoded = []
    for header, start in pages(path, chunk):
        body = raw[start : start + header[3]]
        if version == "2.0":
            assert header[8][4] == 10
            body = body[header[8][5] + header[8][6] :]
        else:
            assert header[5][2] == 10
            body = body[4 + int.from_bytes(body[:4], "little") :]
        decoded.append(alp(body, kind))
    assert np.concatenate(decoded).tobytes() == kept.tobytes()


def test_alp_makes_prices_small(tmp_path):
    prices = np.round(np.random.default_rng(1).uniform(0, 100, 100_000), 2)
    data = pa.table({"a": prices})
    small = write(data, tmp_path / "alp", column_encoding="ALP", use_dictionary=False, compression="none")
    # 14 bits each.
    assert os.path.getsize(small) < 100_000 * 15 / 8
    noise = pa.table({"a": np.random.default_rng(1).standard_normal(100_000)})
    large = write(noise, tmp_path / "noise", column_encoding="ALP", use_dictionary=False, compression="none")
    assert os.path.getsize(large) < 100_000 * 10.2


def test_alp_is_for_reals(tmp_path):
    with pytest.raises(OSError, match="ALP only supports FLOAT, DOUBLE, not INT64"):
        write(pa.table({"a": [1]}), tmp_path / "f", column_encoding={"a": "ALP"}, use_dictionary=False)


def encodings(path):
    return [set(chunk[3][2]) - {3} for chunk in footer(path)[4][0][1]]


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd"])
def test_what_samples_choose(codec, tmp_path):
    """PLAIN 0, DELTA_BINARY_PACKED 5, DELTA_BYTE_ARRAY 7, RLE_DICTIONARY 8, BYTE_STREAM_SPLIT 9."""
    random = np.random.default_rng(7)
    count = 50_000
    keys = [f"order-2024-{i:09d}" for i in range(count)]
    data = pa.table({
        "climbing": np.arange(count), "few": random.integers(0, 50, count) * 10**12, "noise": random.integers(-(2**62), 2**62, count),
        "keys": keys, "shuffled": random.permutation(keys), "names": np.char.add("city ", random.integers(0, 99, count).astype(str)),
        "coded": pa.array(keys).dictionary_encode(), "walk": np.cumsum(random.standard_normal(count)),
    })
    path = write(data, tmp_path / "f", compression=codec)
    found = dict(zip(data.column_names, encodings(path)))
    assert found["climbing"] == {5} and found["few"] == {0, 8} and found["noise"] == {0} and found["names"] == {0, 8}
    # Shared prefixes where they save most of it, and where no reader wants dictionaries.
    assert found["keys"] == {7} and 7 not in found["coded"] and found["shuffled"] == ({7} if codec == "none" else {0})
    assert found["walk"] == ({0} if codec == "none" else {9} if codec == "zstd" else found["walk"])
    assert pa.table(pq.read_table(path)).equals(data)
    assert encodings(write(data, tmp_path / "old", compression=codec, version="1.0"))[3] == {0}
