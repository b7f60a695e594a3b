"""The open conformance files of IPC, as their JSON twins say and as pyarrow reads them again."""

import os
from pathlib import Path

import pytest

import martlet as pa

pyarrow = pytest.importorskip("pyarrow")
import pyarrow.ipc  # noqa: E402
import json_twin  # noqa: E402


def folder(variable):
    """The directory that an environment variable names, None when there is none."""
    path = os.environ.get(variable)
    return path if path and os.path.isdir(path) else None


ARROW = folder("ARROW_TEST_DATA")


def files(root, folder, *endings):
    if not root:
        return []
    return sorted(
        path for path in Path(root, folder).rglob("*") if path.is_file() and path.name.endswith(endings or ""))


def name(path):
    return "/".join(path.parts[-2:])


# ---- IPC -------------------------------------------------------------------------------------------------------------

needs_arrow = pytest.mark.skipif(not ARROW, reason="ARROW_TEST_DATA names no directory")
GOLDEN = files(ARROW, "arrow-ipc-stream/integration", ".arrow_file", ".stream")
# These intervals have no arrays in pyarrow; the twin has their months as int32, their days and milliseconds as 8 bytes.
BARE = {"month_interval", "day_time_interval"}


def opened(path):
    """The schema and the batches of a golden file, as it is meant to be read: mapped, or as a stream."""
    if path.suffix == ".stream":
        with open(path, "rb") as source:
            reader = pa.ipc.open_stream(source)
            return reader.schema, list(reader)
    reader = pa.ipc.open_file(pa.memory_map(str(path)))
    return reader.schema, [reader.get_batch(i) for i in range(reader.num_record_batches)]


def opened_by_pyarrow(source):
    try:
        return pyarrow.ipc.open_stream(source).read_all()
    except pyarrow.ArrowInvalid:
        return pyarrow.ipc.open_file(source).read_all()


def twin_of(path):
    return json_twin.read(path.with_name(path.name.split(".")[0] + ".json.gz"))


def check_against_twin(schema, batches, twin):
    expected_schema, expected_batches = twin
    got_schema = pyarrow.schema(schema)
    assert got_schema.names == expected_schema.names and got_schema.metadata == expected_schema.metadata
    for got, expected in zip(got_schema, expected_schema):
        assert str(got.type) in BARE or got.equals(expected, check_metadata=True)
    assert len(batches) == len(expected_batches)
    for batch, expected in zip(batches, expected_batches):
        assert batch.num_rows == expected.num_rows
        for field, column, twin_column in zip(expected_schema, batch.columns, expected.columns):
            if str(column.type) in BARE:
                buffers = [buffer and pyarrow.py_buffer(buffer) for buffer in column.buffers()]
                got = pyarrow.Array.from_buffers(field.type, len(column), buffers, offset=column.offset)
            else:
                got = pyarrow.array(column)
            assert got.equals(twin_column), f"{field}: {got} != {twin_column}"


@needs_arrow
@pytest.mark.parametrize("path", GOLDEN, ids=name)
def test_golden_file(path):
    """It is what its twin says, and what is written of it is read by pyarrow and again by Martlet as the same."""
    twin = twin_of(path)
    schema, batches = opened(path)
    check_against_twin(schema, batches, twin)
    golden = opened_by_pyarrow(path.read_bytes()) if "bigendian" not in path.parts[-2] else None
    # Not all are valid in full: some decimals have too many digits.
    for new, options in (
        (pa.ipc.new_stream, {}), (pa.ipc.new_file, {"alignment": 64}), (pa.ipc.new_file, {"compression": "zstd"}),
        (pa.ipc.new_stream, {"metadata_version": pa.ipc.MetadataVersion.V4, "use_legacy_format": True}),
    ):
        sink = pa.BufferOutputStream()
        with new(sink, schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
            for batch in batches:
                writer.write_batch(batch)
        data = sink.getvalue()
        again = pa.ipc.open_stream(data) if new is pa.ipc.new_stream else pa.ipc.open_file(data)
        found = list(again) if new is pa.ipc.new_stream else [
            again.get_batch(i) for i in range(again.num_record_batches)]
        check_against_twin(again.schema, found, twin)
        by_pyarrow = opened_by_pyarrow(data.to_pybytes())
        assert golden is None or by_pyarrow.equals(golden, check_metadata=True)


@needs_arrow
@pytest.mark.parametrize("path", GOLDEN, ids=name)
def test_golden_file_in_parts(path):
    """Slices of golden batches are written as what they show."""
    schema, batches = opened(path)
    for batch in batches:
        for start in range(0, batch.num_rows, 3):
            part = batch.slice(start, 3)
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, schema) as writer:
                writer.write_batch(part)
            (again,) = pa.ipc.open_stream(sink.getvalue())
            again.validate(full="decimal" not in path.name)
            assert again.equals(part)
            assert pyarrow.ipc.open_stream(sink.getvalue().to_pybytes()).read_all().equals(pyarrow.table(part))


# ---- damaged files ---------------------------------------------------------------------------------------------------

DAMAGED = files(ARROW, "arrow-ipc-file") + [
    path for path in files(ARROW, "arrow-ipc-stream") if "integration" not in path.parts]
# What fuzzing found.
DAMAGED += files(Path(__file__).parent, "fuzz")


@pytest.mark.parametrize("path", DAMAGED, ids=lambda path: path.name[-24:])
def test_damaged_file(path):
    """An error or a batch that holds together, without much memory."""
    data = path.read_bytes()
    before = pa.total_allocated_bytes()
    for read in pa.ipc.open_stream, pa.ipc.open_file, pa.ipc.recover:
        try:
            source = read(data)
            table = source.table if read is pa.ipc.recover else source.read_all()
            assert pa.total_allocated_bytes() - before < 1 << 28
            table.validate(full=True)
            str(table)
        except (pa.ArrowException, OSError):
            pass


@needs_arrow
def test_versions_to_come():
    path = Path(ARROW, "forward-compatibility", "schema_v6.arrow")
    with pytest.raises(pa.ArrowInvalid, match="Unsupported future MetadataVersion"):
        pa.ipc.open_stream(path.read_bytes())
