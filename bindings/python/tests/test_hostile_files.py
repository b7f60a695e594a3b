"""Damaged and forged files give an exception or valid values: never a crash, a hang or a balloon of memory."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import martlet as pa
import martlet.parquet as pq
import parquet_maker
from hostile import deaths, outcomes


def folder(variable):
    """The directory that an environment variable names, None when there is none."""
    path = os.environ.get(variable)
    return path if path and os.path.isdir(path) else None


ARROW = folder("ARROW_TEST_DATA")
PARQUET = folder("PARQUET_TEST_DATA")
needs_arrow = pytest.mark.skipif(not ARROW, reason="ARROW_TEST_DATA names no directory")
needs_parquet = pytest.mark.skipif(not PARQUET, reason="PARQUET_TEST_DATA names no directory")


def below(*parts):
    return sorted(path for path in Path(*parts).rglob("*") if path.is_file())


@needs_arrow
@pytest.mark.parametrize("kind, folder", [("file", "arrow-ipc-file"), ("stream", "arrow-ipc-stream")])
def test_fuzzed_ipc(kind, folder):
    files = [path for path in below(ARROW, folder) if "integration" not in path.parts]
    assert files
    assert deaths(outcomes([(kind, path) for path in files])) == {}


@needs_arrow
def test_fuzzed_parquet():
    files = below(ARROW, "parquet")
    assert files
    assert deaths(outcomes([("parquet", path) for path in files])) == {}


@needs_parquet
def test_bad_parquet():
    files = [path for folder in ("bad_data", "shredded_variant", "data") for path in below(PARQUET, "..", folder)]
    # One honest file holds gigabytes of the same letter: reading it takes long, and that is right.
    files = [path for path in files if path.suffix == ".parquet" and "large_string_map" not in path.name]
    assert files
    assert deaths(outcomes([("parquet", path) for path in files])) == {}


@pytest.mark.parametrize("path", below(Path(__file__).parent, "fuzz", "parquet-footer"), ids=lambda path: path.name)
def test_found_footers(path):
    """Footers that fuzzing found, behind pages of zeros."""
    footer = path.read_bytes()
    file = b"PAR1" + bytes(1 << 12) + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(pa.ArrowInvalid, match="Column 'inc' of row group 0"):  # And no lack of memory.
        pq.ParquetFile(file).read()


@needs_arrow
def test_a_version_from_the_future():
    found = outcomes([("stream", Path(ARROW, "forward-compatibility/schema_v6.arrow"))])
    assert all("Error" in outcome or "Invalid" in outcome or "NotImpl" in outcome for outcome in found.values()), found


def sample_table():
    words = ["martlet", "swift", "", None, "swallow"]
    return pa.table(
        {
            "id": list(range(2_000)),
            "name": [words[i % 5] for i in range(2_000)],
            "value": [None if i % 7 == 0 else i / 3 for i in range(2_000)],
            "tags": [[words[j % 5] for j in range(i % 4)] for i in range(2_000)],
            "place": [{"x": i, "y": float(i)} for i in range(2_000)],
        }
    )


def damaged(content, seed):
    """A few flipped bits, overwritten bytes, a cut or a doubled piece."""
    dice = random.Random(seed)
    content = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(content))
        # Most of what can be broken in an interesting way stands near the ends.
        if dice.random() < 0.6:
            place = max(0, len(content) - 1 - dice.randrange(min(4_000, len(content))))
        match dice.randrange(4):
            case 0 | 1:
                content[place] ^= 1 << dice.randrange(8)
            case 2:
                content[place : place + 4] = dice.choice([b"\xff" * 4, b"\x00" * 4, b"\x7f\xff\xff\xff", b"\x80" * 4])
            case 3:
                end = place + dice.randrange(64)
                content[place:end] = content[place:end] * dice.choice([0, 2])
        if not content:
            break
    return bytes(content)


ROUNDS = int(os.environ.get("MARTLET_HOSTILE_ROUNDS", "150"))


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
@pytest.mark.parametrize("compression", [None, "zstd"])
def test_damaged_files(tmp_path, kind, compression):
    table = sample_table()
    good = tmp_path / "good"
    if kind == "parquet":
        pq.write_table(table, good, compression=compression or "none", row_group_size=700)
    else:
        options = pa.ipc.IpcWriteOptions(compression=compression)
        make = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
        with pa.OSFile(str(good), "wb") as sink, make(sink, table.schema, options=options) as writer:
            writer.write_table(table)
    content = good.read_bytes()
    files = [(kind, good)]
    for seed in range(ROUNDS):
        path = tmp_path / f"damaged-{seed}"
        path.write_bytes(damaged(content, seed))
        files.append((kind, path))
    for size in list(range(0, 64, 7)) + [len(content) // 2, len(content) - 1, len(content) - 9]:
        path = tmp_path / f"cut-{size}"
        path.write_bytes(content[:size])
        files.append((kind, path))
    found = outcomes(files)
    assert found[str(good)] == "2000 rows"
    assert deaths(found) == {}
    cuts = [outcome for path, outcome in found.items() if "/cut-" in path]
    if kind != "stream":
        assert all("rows" not in outcome.split(":")[0] for outcome in cuts), cuts


def test_flipped_bits_are_noticed(tmp_path):
    """With the page checksums on, as they are by default, no flipped bit of a page gives a wrong value."""
    table = pa.table({"id": list(range(5_000)), "value": [i * 0.37 for i in range(5_000)]})
    good = tmp_path / "good.parquet"
    pq.write_table(table, good, compression="snappy")
    content = good.read_bytes()
    expected = table.to_pydict()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    dice = random.Random(3)
    wrong = []
    for _ in range(150):
        place = dice.randrange(4, len(content) - footer)
        bit = dice.randrange(8)
        bad = bytearray(content)
        bad[place] ^= 1 << bit
        good.write_bytes(bad)
        try:
            if pq.read_table(good).to_pydict() != expected:
                wrong.append((place, bit))
        except (pa.ArrowException, OSError):
            pass
    assert wrong == []


@pytest.mark.parametrize("size", [2**63 - 1, -2**63, 2**62])
def test_column_chunks_of_any_said_size(tmp_path, size):
    """What a chunk says of its unpacked size is added up and multiplied: no number may end the process."""
    columns = [parquet_maker.leaf(name, parquet_maker.INT64) for name in "abc"]
    pages = [parquet_maker.data_page(1, parquet_maker.plain([7], parquet_maker.INT64))]
    chunks = [parquet_maker.chunk(name, parquet_maker.INT64, pages, 1, uncompressed=size) for name in "abc"]
    path = tmp_path / "said.parquet"
    path.write_bytes(parquet_maker.file(columns, chunks, 1))
    code = ("import sys, martlet as pa, martlet.parquet as pq\n"
            "try:\n    rows = sum(b.num_rows for b in pq.ParquetFile(sys.argv[1]).iter_batches(batch_size=1 << 20))\n"
            "except (pa.ArrowException, OSError):\n    rows = 1\nprint(rows)")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "1\n", done.stderr[-500:]
