"""Row groups behind those of a file, files whose writer died, and summaries of many files."""

import os
import random
import signal
import struct
import subprocess
import sys
import time

import arro3.io
import duckdb
import numpy as np
import polars
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as papq
import pytest

import martlet as ma
import martlet.parquet as pq

ROUNDS = int(os.environ.get("MARTLET_ROUNDS", "30"))


def part(start, count=100):
    numbers = range(start, start + count)
    return pa.table({
        "i": pa.array(numbers, pa.int64()),
        "f": pa.array([n / 4 if n % 5 else None for n in numbers]),
        "s": pa.array([f"text {n % 17}" if n % 7 else None for n in numbers]),
        "l": pa.array([[n, None] * (n % 3) if n % 4 else None for n in numbers], pa.list_(pa.int32())),
    })


def append(path, data, **options):
    with pq.ParquetWriter(str(path), ma.table(data).schema, append=True, **options) as writer:
        writer.write_table(ma.table(data))


def remains(directory):
    return sorted(name for name in os.listdir(directory) if name.startswith("."))


def test_rows_follow_rows(tmp_path):
    path = tmp_path / "f.parquet"
    append(path, part(0))  # there is none yet
    old = path.read_bytes()
    append(path, part(100), compression="zstd", data_page_version="2.0")
    append(path, part(200), use_dictionary=False, max_rows_per_page=30)
    assert path.read_bytes().startswith(old) and remains(tmp_path) == []
    whole = pa.concat_tables([part(0), part(100), part(200)])
    assert papq.read_table(path).equals(whole)
    assert pa.table(pq.read_table(path)).equals(whole)
    assert polars.read_parquet(path).to_arrow().column("i").to_pylist() == list(range(300))
    assert duckdb.sql(f"select sum(i), count(f), count(s), sum(len(l)) from '{path}'").fetchall() == [
        (sum(range(300)), 240, 257, sum(len(l or ()) for l in whole["l"].to_pylist()))
    ]
    assert pa.table(arro3.io.read_parquet(path).read_all()).column("l").to_pylist() == whole["l"].to_pylist()
    metadata = papq.read_metadata(path)
    assert metadata.num_rows == 300 and metadata.num_row_groups == 3
    for i in range(3):
        assert metadata.row_group(i).column(0).statistics.min == 100 * i
        assert metadata.row_group(i).column(0).has_column_index and metadata.row_group(i).column(0).has_offset_index
    assert pq.read_table(path, filters=[("i", ">=", 250), ("i", "<", 260)]).column("i").to_pylist() == list(range(250, 260))


def test_key_values_and_schema_stay(tmp_path):
    path = tmp_path / "f"
    papq.write_table(part(0).replace_schema_metadata({"a": "old", "b": "old"}), path)
    with pq.ParquetWriter(path, None, append=True) as writer:
        writer.write_table(ma.table(part(100)))
        writer.add_key_value_metadata({"b": "new", "c": "new"})
    metadata = papq.read_metadata(path).metadata
    assert (metadata[b"a"], metadata[b"b"], metadata[b"c"]) == (b"old", b"new", b"new")
    assert papq.read_metadata(path).created_by.startswith("parquet-cpp-arrow")
    assert papq.read_table(path).num_rows == 200


def other_files(directory):
    data = part(0)
    papq.write_table(data, directory / "pyarrow")
    polars.from_arrow(data).write_parquet(directory / "polars")
    arro3.io.write_parquet(data, str(directory / "arro3"))
    duckdb.sql("select i, f, s, l from data").write_parquet(str(directory / "duckdb"))
    return ["pyarrow", "polars", "arro3", "duckdb"]


def test_files_of_others(tmp_path):
    """A file of anyone goes on, if lists are stored the same way; if not, an error says so."""
    for name in other_files(tmp_path):
        path = tmp_path / name
        before = path.read_bytes()
        try:
            append(path, part(100))
        except ValueError as problem:
            assert "does not match" in str(problem) and path.read_bytes() == before, name
            assert name not in ("pyarrow", "arro3"), problem
            continue
        assert papq.read_table(path).to_pydict() == pa.concat_tables([part(0), part(100)]).to_pydict(), name


def test_other_columns_are_refused(tmp_path):
    path = tmp_path / "f"
    append(path, part(0))
    before = path.read_bytes()
    for wrong, what in (
        (part(0).select(["i"]), "4 leaf columns, got 1"),
        (part(0).set_column(0, "i", pa.array(range(100), pa.int32())), "as INT64.*got 'i' as INT32"),
        (part(0).rename_columns(["i", "g", "s", "l"]), "column 'f'.*got 'g'"),
    ):
        with pytest.raises(ValueError, match=what):
            append(path, wrong)
    assert path.read_bytes() == before and remains(tmp_path) == []
    (tmp_path / "bad").write_bytes(b"PAR1 nothing")
    with pytest.raises(ValueError):
        append(tmp_path / "bad", part(0))
    with pytest.raises(TypeError, match="append=True needs the path"):
        pq.ParquetWriter(ma.BufferOutputStream(), ma.table(part(0)).schema, append=True)


def test_the_old_file_stays_until_close(tmp_path):
    path = tmp_path / "f"
    append(path, part(0))
    before = path.read_bytes()
    writer = pq.ParquetWriter(path, None, append=True)
    writer.write_table(ma.table(part(100)), row_group_size=10)
    assert path.read_bytes() == before and len(remains(tmp_path)) == 1
    with pytest.raises(OSError, match="another writer appends"):
        pq.ParquetWriter(path, None, append=True)
    assert papq.read_table(path).num_rows == 100
    writer.close()
    assert papq.read_table(path).num_rows == 200 and remains(tmp_path) == []
    with pytest.raises(RuntimeError, match="stop"):
        with pq.ParquetWriter(path, None, append=True) as writer:
            writer.write_table(ma.table(part(200)))
            raise RuntimeError("stop")
    assert papq.read_table(path).num_rows == 200 and remains(tmp_path) == []


def test_through_a_link(tmp_path):
    append(tmp_path / "f", part(0))
    (tmp_path / "link").symlink_to("f")
    append(tmp_path / "link", part(100))
    assert os.path.islink(tmp_path / "link") and papq.read_table(tmp_path / "f").num_rows == 200


def torn(tmp_path):
    """The bytes of a file before an append and after, and the journal in between."""
    path = tmp_path / "f"
    append(path, part(0))
    old = path.read_bytes()
    append(path, part(100, 3000))
    new = path.read_bytes()
    added = len(new) - len(old)
    trailer = struct.pack("<QQQQ", 0x4150_5045_4E44_4D4C, len(old), added, os.stat(path).st_ino)
    return path, old, new, new[len(old) :] + trailer


def put(path, data):
    """Other bytes in the same file."""
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(data)


def test_every_place_of_a_kill(tmp_path):
    path, old, new, journal = torn(tmp_path)
    beside = tmp_path / ".f.martlet-append"
    chance = random.Random(1)
    cuts = {0, 1, len(new) - len(old) - 1, len(new) - len(old)} | {chance.randrange(len(new) - len(old)) for _ in range(ROUNDS)}
    for cut in sorted(cuts):
        # While the journal is being written: the file is whole, and the journal is cleared away.
        put(path, old)
        beside.write_bytes(journal[:cut])
        pq.recover(path)
        assert path.read_bytes() == old and remains(tmp_path) == []
        # While the journal is copied: the copy is completed ...
        put(path, old + new[len(old) : len(old) + cut])
        beside.write_bytes(journal)
        assert pq.recover(path).num_rows == 3100
        assert path.read_bytes() == new and remains(tmp_path) == []
        # ... by the next append too ...
        put(path, old + new[len(old) : len(old) + cut])
        beside.write_bytes(journal)
        with pq.ParquetWriter(path, ma.table(part(0)).schema, append=True):
            pass
        assert papq.read_table(path).num_rows == 3100
        # ... or, with the journal lost, never was.
        put(path, old + new[len(old) : len(old) + cut])
        assert pq.recover(path).num_rows == (100 if cut < len(new) - len(old) else 3100)
        assert papq.read_table(path).num_rows in (100, 3100) and path.stat().st_size in (len(old), len(new))
    # A journal of a file that another has taken the place of says nothing.
    put(path, old)
    beside.write_bytes(journal[:-8] + bytes(8))
    pq.recover(path)
    assert path.read_bytes() == old and remains(tmp_path) == []


CHILD = """
import sys, martlet as ma, martlet.parquet as pq
path, start = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
while True:
    with pq.ParquetWriter(path, None, append=True) as writer:
        for _ in range(3):
            writer.write_table(ma.table({"i": list(range(start, start + 20000))}))
            writer._flush()
            start += 20000
    print(start, flush=True)
"""


def test_killed_while_it_appends(tmp_path):
    path = tmp_path / "f"
    pq.write_table(ma.table({"i": list(range(20000))}), path)
    chance = random.Random(2)
    for _ in range(max(ROUNDS // 10, 3)):
        count = pq.recover(path).num_rows
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(path), str(count)], stdout=subprocess.PIPE, text=True)
        child.stdout.readline()
        time.sleep(chance.random() * 0.2)
        child.send_signal(signal.SIGKILL)
        told = child.communicate()[0].split()
        assert child.wait() == -signal.SIGKILL
        committed = int(told[-1]) if told else count
        metadata = pq.recover(path)
        # What was closed is there; of what was not, all or nothing.
        assert metadata.num_rows in (committed, committed + 60000)
        assert papq.read_table(path)["i"].to_pylist() == list(range(metadata.num_rows))
        assert remains(tmp_path) == []


DYING = """
import os, sys, martlet as ma, martlet.parquet as pq
writer = pq.ParquetWriter(sys.argv[1], ma.schema([("i", ma.int64()), ("s", ma.string())]), recoverable=True)
for k in range(int(sys.argv[2])):
    writer.write_table(ma.table({"i": list(range(k * 1000, k * 1000 + 1000)), "s": ["PAR1"] * 1000}), row_group_size=500)
writer.write_table(ma.table({"i": [1], "s": ["lost"]}))
print("ready", flush=True)
sys.stdin.read()
"""


def test_the_row_groups_of_a_dead_writer(tmp_path):
    path = tmp_path / "f.parquet"
    child = subprocess.Popen([sys.executable, "-c", DYING, str(path), "3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    with pytest.raises(ValueError, match="is being written by process"):
        pq.recover(path)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    metadata = pq.recover(path)
    assert metadata.num_rows == 3000 and metadata.num_row_groups == 6 and remains(tmp_path) == []
    assert papq.read_table(path)["i"].to_pylist() == list(range(3000))
    assert pq.read_table(path).num_rows == 3000
    with pytest.raises(ValueError, match="neither a file"):
        pq.recover(tmp_path / "other")


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_recoverable_files_cut_anywhere(version, tmp_path):
    path = tmp_path / "f"
    # Whole Parquet files as values, whose footers are none of the file's.
    small = ma.BufferOutputStream()
    pq.write_table(ma.table({"i": [1, 2, 3]}), small)
    blob = small.getvalue().to_pybytes()
    groups = [pa.table({"i": pa.array(range(n * 50, n * 50 + 50)), "b": pa.array([blob] * 50)}) for n in range(5)]
    with pq.ParquetWriter(
        path, ma.table(groups[0]).schema, recoverable=True, compression="none", use_dictionary=False, data_page_version=version
    ) as writer:
        for group in groups:
            writer.write_table(ma.table(group), row_group_size=50)
    data = path.read_bytes()
    whole = papq.read_table(path)
    assert whole.num_rows == 250
    chance = random.Random(3)
    seen = set()
    for cut in [len(data)] + [chance.randrange(len(data)) for _ in range(2 * ROUNDS)]:
        path.write_bytes(data[:cut])
        try:
            rows = pq.recover(path).num_rows
        except ValueError as problem:
            assert "no whole footer" in str(problem) or "smaller than" in str(problem) or "0 bytes" in str(problem)
            assert path.read_bytes() == data[:cut] and cut < len(data) / 4
            continue
        seen.add(rows)
        assert rows % 50 == 0 and papq.read_table(path).equals(whole.slice(0, rows))
    assert len(seen) >= 4


def test_whole_files_stay(tmp_path):
    path = tmp_path / "f"
    papq.write_table(part(0), path)
    before = path.read_bytes()
    assert pq.recover(path).num_rows == 100
    assert path.read_bytes() == before and remains(tmp_path) == []


# ---- summaries -------------------------------------------------------------------------------------------------------


def test_summary_of_a_dataset(tmp_path):
    collector, theirs = [], []
    root = tmp_path / "set"
    data = part(0, 400)
    data = data.append_column("key", pa.array([f"k{n % 3}" for n in range(400)]))
    pq.write_to_dataset(ma.table(data), str(root), partition_cols=["key"], metadata_collector=collector)
    schema = ma.table(data.drop_columns(["key"])).schema
    pq.write_metadata(schema, str(root / "_common_metadata"))
    pq.write_metadata(schema, str(root / "_metadata"), metadata_collector=collector)
    summary = papq.read_metadata(root / "_metadata")
    assert summary.num_rows == 400 and summary.num_row_groups == len(collector) == 3
    for i in range(3):
        name = summary.row_group(i).column(0).file_path
        theirs.append(papq.read_metadata(root / name))
        assert summary.row_group(i).num_rows == theirs[i].num_rows
        assert summary.row_group(i).column(2).statistics == theirs[i].row_group(0).column(2).statistics
    read = pads.parquet_dataset(root / "_metadata", partitioning=pads.partitioning(flavor="hive")).to_table()
    assert read.sort_by("i").select(data.column_names).to_pydict() == data.to_pydict()
    ours = pq.read_metadata(str(root / "_metadata"))
    assert ours.row_group(1).column(0).file_path == summary.row_group(1).column(0).file_path
    assert papq.read_metadata(root / "_common_metadata").num_rows == 0
    assert pq.read_table(str(root)).num_rows == 400


def test_metadata_as_pyarrows(tmp_path):
    """The same calls on both sides' metadata of the same files give the same."""
    for name, start in (("a", 0), ("b", 100)):
        papq.write_table(part(start), tmp_path / name, row_group_size=40)
    mine = [pq.read_metadata(str(tmp_path / name)) for name in "ab"]
    theirs = [papq.read_metadata(tmp_path / name) for name in "ab"]
    for one in (mine, theirs):
        one[0].set_file_path("dir/a")
        one[1].set_file_path("dir/b")
        one[0].append_row_groups(one[1])
        one[0].write_metadata_file(str(tmp_path / ("mine" if one is mine else "theirs")))
    assert mine[0].num_rows == 200 and mine[0].num_row_groups == 6
    assert [mine[0].row_group(i).column(0).file_path for i in range(6)] == ["dir/a"] * 3 + ["dir/b"] * 3
    read = [papq.read_metadata(tmp_path / name).to_dict() for name in ("mine", "theirs")]
    read[0].pop("serialized_size"), read[1].pop("serialized_size")
    assert read[0] == read[1]
    assert mine[0].schema.to_arrow_schema().names == theirs[0].schema.names[:3] + ["l"]
    with pytest.raises(RuntimeError, match="requires equal schemas"):
        papq.write_table(pa.table({"x": [1]}), tmp_path / "x")
        mine[0].append_row_groups(pq.read_metadata(str(tmp_path / "x")))


def test_what_close_returns_knows_bounds(tmp_path):
    collector = []
    columns = [pq.SortingColumn(0), pq.SortingColumn(2, descending=True, nulls_first=True)]
    pq.write_table(ma.table(part(5)), str(tmp_path / "f"), metadata_collector=collector, sorting_columns=columns)
    group = collector[0].row_group(0)
    assert (group.column(0).statistics.min, group.column(0).statistics.max) == (5, 104)
    assert group.sorting_columns == tuple(columns) == pq.read_metadata(str(tmp_path / "f")).row_group(0).sorting_columns
    assert papq.read_metadata(tmp_path / "f").row_group(0).to_dict()["sorting_columns"] == (
        group.to_dict()["sorting_columns"]
    ) or papq.read_metadata(tmp_path / "f").row_group(0).sorting_columns == tuple(
        papq.SortingColumn(*column) for column in columns
    )
    assert collector[0].schema.to_arrow_schema().equals(ma.table(part(5)).schema)
