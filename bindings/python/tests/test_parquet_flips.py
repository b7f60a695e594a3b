"""One flipped bit in a file whose pages have checksums: an error, the same values, or a footer that is visibly another one;
never a crash, a hang, or other values in silence. MARTLET_FLIPS says how many."""

import os
import random
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as papq
import pytest
from any_array import _make

import martlet as ma
import martlet.parquet as pq

FLIPS = int(os.environ.get("MARTLET_FLIPS", "400"))
FIRST = int(os.environ.get("MARTLET_FIRST_ROUND", "0"))

TYPES = {
    "numbers": pa.struct([
        ("a", pa.int8()), ("b", pa.uint32()), ("c", pa.int64()), ("d", pa.float32()), ("e", pa.float64()), ("f", pa.bool_())]),
    "times": pa.struct([
        ("a", pa.date32()), ("b", pa.timestamp("us", "Europe/Berlin")), ("c", pa.time64("us")), ("d", pa.duration("ms"))]),
    "texts": pa.struct([
        ("a", pa.string()), ("b", pa.large_binary()), ("c", pa.string_view()), ("d", pa.dictionary(pa.int8(), pa.string()))]),
    "fixed": pa.struct([
        ("a", pa.decimal128(38, 10)), ("b", pa.binary(5)), ("c", pa.float16()), ("d", pa.uuid()), ("e", pa.decimal64(18, 5))]),
    "nested": pa.struct([
        ("a", pa.list_(pa.list_(pa.string()))), ("b", pa.map_(pa.string(), pa.int32())),
        ("c", pa.struct([("x", pa.large_list(pa.int64())), ("y", pa.bool_())]))]),
}
WAYS = [
    {"compression": "none"}, {"compression": "none", "use_dictionary": False, "data_page_version": "2.0"},
    {"compression": "zstd", "data_page_version": "2.0"}, {"compression": "snappy", "use_dictionary": False},
    {"compression": "lz4", "data_page_size": 100, "row_group_size": 40}, {"compression": "gzip", "store_schema": False},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Thirty files, half of them by pyarrow."""
    folder = tmp_path_factory.mktemp("flips")
    for i, (name, type) in enumerate(TYPES.items()):
        for k, way in enumerate(WAYS):
            rng = random.Random(i * 100 + k)
            array = _make(rng, type, 100, 0.2 if k % 3 else 0)
            table = pa.table([array.field(j) for j in range(type.num_fields)], [field.name for field in type])
            path = folder / f"{name}-{k}.parquet"
            if (i + k) % 2:
                papq.write_table(table, path, write_page_checksum=True, **way)
            else:
                pq.write_table(ma.table(table), path, write_page_checksum=True, **way)
    return folder


def footer_start(path):
    data = path.read_bytes()
    return len(data) - 8 - struct.unpack("<I", data[-8:-4])[0]


def chunks(path):
    """The bytes of the column chunks."""
    with papq.ParquetFile(path) as file:
        groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        columns = [group.column(i) for group in groups for i in range(group.num_columns)]
    found = []
    for column in columns:
        start = min(filter(None, (column.dictionary_page_offset, column.data_page_offset)))
        found.append(range(start, start + column.total_compressed_size))
    return found


def test_flipped_bits(folder):
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("flipped.py")), str(folder), str(FIRST), str(FLIPS)],
        capture_output=True, text=True, timeout=60 + FLIPS)
    lines = run.stdout.splitlines()
    assert run.returncode == 0 and len(lines) == FLIPS, f"died of {lines[-1]}\n{run.stderr[-2000:]}"
    footers = {path.name: footer_start(path) for path in folder.iterdir()}
    pages = {path.name: chunks(path) for path in folder.iterdir()}
    total = Counter()
    wrong = []
    for line in lines:
        trial, name, position, outcome = line.split()
        byte = int(position) // 8
        in_page = any(byte in chunk for chunk in pages[name])
        place = "pages" if in_page else "footer" if byte >= footers[name] else "indexes"
        total[place, outcome] += 1
        allowed = {"pages": ("error", "equal"), "footer": ("error", "equal", "visible"), "indexes": ("error", "equal")}[place]
        if outcome not in allowed:
            wrong.append(line)
    print(dict(total))
    assert not wrong, f"{len(wrong)} of {total}: {wrong[:20]}"
    assert total["pages", "error"] > total["pages", "equal"]
