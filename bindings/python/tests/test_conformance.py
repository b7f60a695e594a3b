"""The open conformance files read as pyarrow reads them, or say which type is not there yet."""

import os
from pathlib import Path

import pytest

import martlet as pa
import martlet.parquet as pq

pyarrow = pytest.importorskip("pyarrow")
import pyarrow.ipc  # noqa: E402
import pyarrow.parquet  # noqa: E402


def folder(variable):
    """The directory that an environment variable names, None when there is none."""
    path = os.environ.get(variable)
    return path if path and os.path.isdir(path) else None


ARROW = folder("ARROW_TEST_DATA")
PARQUET = folder("PARQUET_TEST_DATA")


def files(root, folder, *endings):
    if not root:
        return []
    return sorted(path for path in Path(root, folder).rglob("*") if path.name.endswith(endings))


def name(path):
    return "/".join(path.parts[-2:])


def same(got, expected):
    """Equal, whatever the chunks, with NaN equal to NaN."""
    got = pyarrow.table(got)
    assert got.schema.equals(expected.schema), f"{got.schema}\n!=\n{expected.schema}"
    assert got.num_rows == expected.num_rows
    for field, left, right in zip(expected.schema, got.columns, expected.columns):
        if not left.equals(right):
            assert repr(left.to_pylist()) == repr(right.to_pylist()), field


def compare(read, read_with_pyarrow):
    try:
        expected = read_with_pyarrow()
    except (pyarrow.ArrowException, OSError) as problem:
        # What pyarrow refuses we may refuse or read, but not die of.
        try:
            read()
        except (pa.ArrowException, OSError):
            pass
        pytest.skip(f"pyarrow cannot read it: {problem}".splitlines()[0][:150])
    try:
        got = read()
    except pa.ArrowNotImplementedError as problem:
        pytest.skip(f"not there yet: {problem}")
    same(got, expected)


# One file holds gigabytes of the same letter, which pyarrow refuses and we read; it takes too long here.
PARQUET_FILES = [path for path in files(PARQUET, ".", ".parquet") if "large_string_map" not in path.name]


@pytest.mark.skipif(not PARQUET, reason="PARQUET_TEST_DATA names no directory")
@pytest.mark.parametrize("path", PARQUET_FILES, ids=name)
def test_parquet(path):
    verify = "corrupt-checksum" not in path.name
    if not verify:
        # Wrong on purpose: noticed unless nobody looks.
        with pytest.raises(OSError, match="CRC checksum verification failed"):
            pq.read_table(path)
    compare(
        lambda: pq.ParquetFile(path, page_checksum_verification=verify).read(),
        lambda: pyarrow.parquet.ParquetFile(path).read(),
    )


@pytest.mark.skipif(not ARROW, reason="ARROW_TEST_DATA names no directory")
@pytest.mark.parametrize("path", files(ARROW, "arrow-ipc-stream/integration", ".arrow_file"), ids=name)
def test_ipc_file(path):
    compare(
        lambda: pa.ipc.open_file(pa.memory_map(str(path))).read_all(),
        lambda: pyarrow.ipc.open_file(str(path)).read_all(),
    )


@pytest.mark.skipif(not ARROW, reason="ARROW_TEST_DATA names no directory")
@pytest.mark.parametrize("path", files(ARROW, "arrow-ipc-stream/integration", ".stream"), ids=name)
def test_ipc_stream(path):
    def read():
        with open(path, "rb") as source:
            return pa.ipc.open_stream(source).read_all()

    def expected():
        with open(path, "rb") as source:
            return pyarrow.ipc.open_stream(source).read_all()

    compare(read, expected)
