"""Every file of apache/parquet-testing, read as pyarrow reads it, or where pyarrow cannot, as another peer or the file's
own documentation says; every damaged one an error. Encrypted files have their own tests."""

import csv
import os
from pathlib import Path

import pytest

import martlet as pa
import martlet.parquet as pq

pyarrow = pytest.importorskip("pyarrow")
import arro3.io  # noqa: E402
import pyarrow.parquet  # noqa: E402

DATA = os.environ.get("PARQUET_TEST_DATA")
ROOT = Path(DATA).parent if DATA and os.path.isdir(DATA) else None

pytestmark = pytest.mark.skipif(not ROOT, reason="PARQUET_TEST_DATA names no directory")


def files(*patterns):
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern)) if ROOT else []


def name(path):
    return path.name


# Two rows of a gigabyte each, read by itself below.
LARGE = "large_string_map.brotli.parquet"
VALID = [
    path for path in files("data/*.parquet", "data/geospatial/*.parquet", "shredded_variant/*.parquet")
    if path.name != LARGE]
CORRUPT_CHECKSUMS = [path for path in VALID if "corrupt-checksum" in path.name]


def read_arro3(path):
    return pyarrow.table(arro3.io.read_parquet(str(path)).read_all())


# What pyarrow refuses ("Map keys must be annotated as required.").
OTHER_JUDGES = {"incorrect_map_schema.parquet": read_arro3}


def expected_of(path):
    return OTHER_JUDGES.get(path.name, lambda path: pyarrow.parquet.ParquetFile(path).read())(path)


def same(got, expected):
    """Equal in schema with metadata, and in every value, whatever the chunks, with NaN equal to NaN."""
    got = pyarrow.table(got)
    got.validate(full=True)
    assert got.schema.equals(expected.schema), f"{got.schema}\n!=\n{expected.schema}"
    assert (got.schema.metadata or {}) == (expected.schema.metadata or {})
    for left, right in zip(got.schema, expected.schema):
        assert left.nullable == right.nullable and plain(left) == plain(right), f"{left} != {right}"
    assert got.num_rows == expected.num_rows
    for field, left, right in zip(expected.schema, got.columns, expected.columns):
        if not left.equals(right):
            assert repr(left.to_pylist()) == repr(right.to_pylist()), field


def plain(field):
    """The metadata of a field but for the extension type that we know and pyarrow does not: variant."""
    pairs = dict(field.metadata or {})
    if pairs.get(b"ARROW:extension:name") == b"arrow.parquet.variant":
        del pairs[b"ARROW:extension:name"]
        del pairs[b"ARROW:extension:metadata"]
    return pairs


@pytest.mark.parametrize("path", VALID, ids=name)
def test_valid_file(path):
    file = pq.ParquetFile(path, page_checksum_verification=path not in CORRUPT_CHECKSUMS)
    expected = expected_of(path)
    # One writer's footers have no rows, only its row groups do.
    assert file.metadata.num_rows == (0 if path.name == "repeated_no_annotation.parquet" else expected.num_rows)
    same(file.read(), expected)
    batches = list(file.iter_batches(batch_size=3))
    assert all(batch.num_rows == 3 for batch in batches[:-1])
    same(pa.Table.from_batches(batches, schema=file.schema_arrow), expected)
    same(file.read(use_threads=False), expected)
    same(pq.ParquetFile(path.read_bytes(), page_checksum_verification=path not in CORRUPT_CHECKSUMS).read(), expected)
    for column in expected.column_names:
        if expected.column_names.count(column) == 1:
            same(file.read([column]), expected.select([column]))


@pytest.mark.parametrize("path", VALID, ids=name)
def test_valid_file_is_written_again(path, tmp_path):
    """What was read is written, and read back by pyarrow and by Martlet as the same."""
    table = pq.read_table(path, page_checksum_verification=path not in CORRUPT_CHECKSUMS)
    pq.write_table(table, tmp_path / "again", max_rows_per_page=5)
    same(pq.read_table(tmp_path / "again"), pyarrow.table(table))
    same(pyarrow.parquet.read_table(tmp_path / "again"), pyarrow.table(table))


@pytest.mark.parametrize("path", CORRUPT_CHECKSUMS, ids=name)
def test_corrupt_checksum(path):
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        pq.read_table(path, page_checksum_verification=True)
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        pq.read_table(path)


@pytest.mark.parametrize("path", files("bad_data/*"), ids=name)
def test_bad_file(path):
    with pytest.raises((pa.ArrowException, OSError)) as problem:
        pq.read_table(path)
    assert path.name in str(problem.value)
    with pytest.raises((pa.ArrowException, OSError)):
        list(pq.ParquetFile(path).iter_batches(batch_size=2))


def text(value):
    return "" if value is None else str(value)


@pytest.mark.parametrize("path", files("data/*_expect.csv"), ids=name)
def test_csv_of_expectations(path):
    """The lines that stand beside the files of delta encodings."""
    table = pq.read_table(path.with_name(path.name.replace("_expect.csv", ".parquet")))
    with open(path, newline="") as source:
        header, *lines = csv.reader(source)
    assert len(header) == table.num_columns and len(lines) == table.num_rows
    columns = [column.to_pylist() for column in table.columns]
    assert lines == [[text(column[i]) for column in columns] for i in range(table.num_rows)]


def test_more_bytes_than_offsets_reach(tmp_path):
    """A row group of 2.2 gigabytes of text in a file of three megabytes: chunks, as pyarrow makes them."""
    words = [letter * (1 << 20) for letter in "abc"]
    indices = pyarrow.array([i % 3 for i in range(2200)], pyarrow.int8())
    column = pyarrow.DictionaryArray.from_arrays(indices, pyarrow.array(words))
    pyarrow.parquet.write_table(
        pyarrow.table({"text": column, "number": range(2200)}), tmp_path / "file", store_schema=False,
        dictionary_pagesize_limit=1 << 23)
    table = pq.read_table(tmp_path / "file")
    assert str(table.schema.field("text").type) == "string" and table.column("text").num_chunks > 1
    assert table.num_rows == 2200 and table.column("number").to_pylist() == list(range(2200))
    text = pyarrow.chunked_array(table.column("text"))
    assert pyarrow.compute.binary_length(text).unique().to_pylist() == [1 << 20]
    assert [text[i].as_py()[0] for i in (0, 1, 2, 1098, 2199)] == ["a", "b", "c", "a", "a"]


def test_strings_of_a_gigabyte():
    """Each of the two rows has a key of 2^30 bytes: together more than 32-bit offsets reach."""
    path = ROOT / "data" / LARGE
    lengths = []
    for batch in pq.ParquetFile(path).iter_batches(batch_size=1):
        keys = pyarrow.record_batch(batch).column(0).keys
        lengths.append((batch.num_rows, [int(n) for n in pyarrow.compute.binary_length(keys)]))
        batch.validate(full=False)
    assert lengths == [(1, [1 << 30]), (1, [1 << 30])]
