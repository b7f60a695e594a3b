"""ALP, which has no other reader yet: files made by hand after the specification, and damaged ones."""

import struct

import numpy as np
import pyarrow as pa
import pytest

import martlet as ma
import martlet.parquet as pq
from parquet_maker import *


def alp_page(kind, count, vectors, logarithm=10, mode=0, integers=0):
    """`vectors`: (exponent, factor, base, bits, deltas, {position: value})."""
    form = "<f" if kind == FLOAT else "<d"
    parts = []
    for exponent, factor, base, bits, deltas, exceptions in vectors:
        parts.append(
            struct.pack("<BBH", exponent, factor, len(exceptions)) + struct.pack("<i" if kind == FLOAT else "<q", base)
            + bytes([bits]) + packed(deltas, bits) + b"".join(struct.pack("<H", p) for p in exceptions)
            + b"".join(struct.pack(form, v) for v in exceptions.values()))
    offsets, place = b"", len(parts) * 4
    for part in parts:
        offsets += struct.pack("<I", place)
        place += len(part)
    return bytes([mode, integers, logarithm]) + struct.pack("<i", count) + offsets + b"".join(parts)


def alp_file(kind, body, count):
    return file([leaf("c", kind)], [chunk("c", kind, [data_page(count, body, ALP)], count)], count)


def test_alp_worked_example():
    vector = (4, 3, 3335, 15, [11665, 11665, 21665, 0], {1: float("nan")})
    body = alp_page(DOUBLE, 4, [vector])
    assert len(body) == 7 + 4 + 31
    got = pa.table(pq.ParquetFile(alp_file(DOUBLE, body, 4)).read())["c"].to_pylist()
    assert str(got) == "[1500.0, nan, 2500.0, 333.5]"


@pytest.mark.parametrize("kind", [FLOAT, DOUBLE])
@pytest.mark.parametrize("logarithm", [3, 10, 15])
def test_alp_vectors(logarithm, kind):
    """Vectors of every size, read whole, in batches and by row."""
    random = np.random.default_rng(logarithm)
    size, count = 1 << logarithm, (1 << logarithm) * 2 + 3
    real = np.float32 if kind == FLOAT else np.float64
    vectors, expected = [], []
    for start in range(0, count, size):
        length = min(size, count - start)
        deltas = [int(v) for v in random.integers(0, 1000, length)]
        exceptions = {int(p): float("-inf") for p in sorted(set(random.integers(0, length, 3)))}
        values = (np.array(deltas) - 500).astype(real) * real(1e1) * real(1e-3)
        for place in exceptions:
            values[place] = real("-inf")
        vectors.append((3, 1, -500, 10, deltas, exceptions))
        expected += values.tolist()
    data = alp_file(kind, alp_page(kind, count, vectors, logarithm), count)
    assert pa.table(pq.ParquetFile(data).read())["c"].to_pylist() == expected
    batches = [pa.record_batch(b)["c"].to_pylist() for b in pq.ParquetFile(data).iter_batches(size // 2 + 1)]
    assert sum(batches, []) == expected


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_alp_as_we_write_it(version, kind):
    """Prices, what is no decimal number, both zeros, NaN with a message: all bits come back."""
    random = np.random.default_rng(1)
    values = np.round(random.uniform(-100, 100, 5_000), 2).astype(kind)
    spots = random.integers(0, len(values), 300)
    with np.errstate(over="ignore"):
        values[spots] = random.choice(np.array([0.0, -0.0, np.nan, np.inf, 1e300, 5e-324, np.pi]), 300).astype(kind)
    values.view(np.uint32 if kind is np.float32 else np.uint64)[7] = 0x7F800001 if kind is np.float32 else 0xFFF0000000000123
    table = pa.table({"a": values, "nulls": pa.array(values, mask=np.arange(len(values)) % 3 == 0), "list": pa.array(
        [values[i : i + 5] if i % 4 else None for i in range(len(values))])})
    sink = ma.BufferOutputStream()
    pq.write_table(
        ma.table(table), sink, column_encoding="ALP", use_dictionary=False, data_page_version=version, max_rows_per_page=1500)
    data = sink.getvalue().to_pybytes()
    assert "ALP" in pq.ParquetFile(data).metadata.row_group(0).column(0).encodings
    bits = lambda array: array.combine_chunks().fill_null(1.0).to_numpy().tobytes()
    got = pa.table(pq.ParquetFile(data).read())
    for name in ("a", "nulls"):
        assert bits(got[name]) == bits(table[name])
    assert bits(pa.chunked_array([got["list"].combine_chunks().flatten()])) == bits(
        pa.chunked_array([table["list"].combine_chunks().flatten()]))
    some = pa.table(pq.read_table(data, filters=[("a", ">", 99.0)]))
    assert bits(some["a"]) == table["a"].to_numpy()[table["a"].to_numpy() > 99.0].tobytes()


@pytest.mark.parametrize("name, change", [
    ("mode", lambda b: b"\x01" + b[1:]), ("integers", lambda b: b[:1] + b"\x01" + b[2:]),
    ("vector size", lambda b: b[:2] + b"\x02" + b[3:]), ("vector size", lambda b: b[:2] + b"\x10" + b[3:]),
    ("count", lambda b: b[:3] + b"\x05" + b[4:]), ("negative", lambda b: b[:6] + b"\xff" + b[7:]),
    ("offset", lambda b: b[:7] + b"\xff\xff\xff\xff" + b[11:]), ("exponent", lambda b: b[:11] + b"\x13" + b[12:]),
    ("factor", lambda b: b[:12] + b"\x05" + b[13:]), ("exceptions", lambda b: b[:13] + b"\x09" + b[14:]),
    ("bits", lambda b: b[:23] + b"\x41" + b[24:]), ("position", lambda b: b[:32] + b"\x04" + b[33:]),
    ("short", lambda b: b[:-1]), ("empty", lambda b: b[:6]), ("no vectors", lambda b: b[:9]),
])
def test_alp_damage(name, change):
    body = alp_page(DOUBLE, 4, [(4, 3, 3335, 15, [11665, 11665, 21665, 0], {1: 5.0})])
    with pytest.raises((ma.ArrowException, OSError)):
        pq.ParquetFile(alp_file(DOUBLE, change(body), 4)).read()
