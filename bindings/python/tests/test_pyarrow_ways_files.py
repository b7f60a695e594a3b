"""Ways of calling that programs written for pyarrow know, where files are concerned; pyarrow itself says what comes out."""

import io

import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest

import martlet as pa
import martlet.parquet as pq

BOTH = pytest.mark.parametrize("module", [pyarrow, pa], ids=["pyarrow", "martlet"])


def parquet_of(module):
    return pyarrow.parquet if module is pyarrow else pq


def written(module, **options):
    """The bytes of a file of ten rows that a module wrote."""
    sink = io.BytesIO()
    parquet_of(module).write_table(module.table({"a": list(range(10)), "s": list("abcdefghij")}), sink, **options)
    return sink.getvalue()


@BOTH
@pytest.mark.parametrize("size, groups", [(2.5, 5), (3, 4), (-1, 1), (None, 1)])
def test_sizes_of_row_groups(module, size, groups):
    for options in ({"row_group_size": size}, {"chunk_size": size}):
        data = written(module, **options)
        assert parquet_of(module).ParquetFile(io.BytesIO(data)).num_row_groups == groups


@BOTH
@pytest.mark.parametrize("options, error, text", [
    ({"row_group_size": 0}, ValueError, "Row group size cannot be 0"),
    ({"row_group_size": -7}, ValueError, "chunk size per row_group must be greater than 0"),
    ({"row_group_size": "a"}, TypeError, "an integer is required"),
    ({"data_page_size": "a"}, TypeError, "an integer is required"),
    ({"compression": "snappy", "compression_level": 4}, ValueError, "Codec 'snappy' doesn't support setting a compression"),
    ({"compression": "none", "compression_level": 4}, ValueError, "Codec 'uncompressed' doesn't support setting"),
    ({"bloom_filter_options": {"a": {"ndv": "9"}}}, TypeError, "'bloom_filter_options:ndv' for column 'a' must be an int"),
    ({"bloom_filter_options": {"a": {"ndv": -9}}}, ValueError, "for column 'a' must be greater than zero, got -9"),
    ({"bloom_filter_options": {"a": {"fpp": "1"}}}, TypeError, "'bloom_filter_options:fpp' for column 'a' must be a float"),
    ({"bloom_filter_options": {"a": {"fpp": 2.0}}}, ValueError, r"must be in \(0.0, 1.0\), got 2.0"),
])
def test_options_that_are_refused(module, options, error, text):
    with pytest.raises(error, match=text):
        written(module, **options)


@BOTH
def test_metadata_that_is_hashed_and_appended(module, tmp_path):
    pq = parquet_of(module)
    for name, types in (("one", "int64"), ("same", "int64"), ("other", "int32")):
        pq.write_metadata(module.schema([("a", types)]), tmp_path / name)
    one, same, other = (pq.read_metadata(tmp_path / name) for name in ("one", "same", "other"))
    assert hash(one) == hash(same) != hash(other) and hash(one.schema) == hash(same.schema)
    with pytest.raises(RuntimeError, match="AppendRowGroups requires equal schemas.\nThe two columns with index 0 differ"):
        one.append_row_groups(other)
    with pytest.raises(RuntimeError, match="This schema has 1 columns, other has 2"):
        one.append_row_groups(pq.read_metadata(io.BytesIO(written(module))))
    with pytest.raises(TypeError, match="Argument 'other' has incorrect type"):
        one.equals(None)
    for kind in (pq.FileMetaData, pq.RowGroupMetaData, pq.ColumnChunkMetaData, pq.Statistics, pq.ParquetLogicalType):
        with pytest.raises(TypeError, match=f"Do not call {kind.__name__}'s constructor directly"):
            kind()
    found = pq.read_metadata(io.BytesIO(written(module, bloom_filter_options={"a": {"ndv": 10}}))).row_group(0)
    assert found.column(0).to_dict()["bloom_filter_offset"] == found.column(0).bloom_filter_offset > 0
    assert found.column(1).to_dict()["bloom_filter_length"] is None


@BOTH
def test_files_of_others_are_not_closed(module, tmp_path):
    path = tmp_path / "x.parquet"
    path.write_bytes(written(module))
    with open(path, "rb") as file:
        with parquet_of(module).ParquetFile(file) as reader:
            assert not reader.closed
        assert not file.closed and not reader.closed and reader.read().num_rows == 10
    assert reader.closed
    with parquet_of(module).ParquetFile(path) as reader:
        assert not reader.closed
    assert reader.closed


@BOTH
def test_casts_of_readers(module):
    batch = module.record_batch({"a": [1, None]})

    def reader():
        return module.RecordBatchReader.from_batches(batch.schema, [batch])

    with pytest.raises(ValueError, match="Target schema's field names are not matching"):
        reader().cast(module.schema([]))
    with pytest.raises(module.lib.ArrowTypeError, match="Field 0 cannot be cast"):
        reader().cast(module.schema([("a", module.list_(module.int32()))]))
    strict = reader().cast(module.schema([module.field("a", module.int32(), nullable=False)]))
    with pytest.raises(module.ArrowInvalid, match="Can't cast array"):
        strict.read_all()
    assert reader().cast(module.schema([("a", "int8")])).read_all()["a"].to_pylist() == [1, None]


@BOTH
@pytest.mark.parametrize("name", ["_metadata", "_common_metadata"])
@pytest.mark.parametrize("preserve_index", [True, None, False])
def test_the_index_that_a_summary_tells_of(module, name, preserve_index, tmp_path):
    papq, frames = parquet_of(module), []
    for i in range(3):
        frame = pd.DataFrame({"a": [i, i + 1], "b": ["x", "y"]}, index=pd.Index([2 * i, 2 * i + 1], name="where"))
        table = module.Table.from_pandas(frame, preserve_index=preserve_index)
        papq.write_table(table.replace_schema_metadata(None), tmp_path / f"{i}.parquet")
        frames.append(frame)
    papq.write_metadata(table.schema, tmp_path / name)
    got = papq.ParquetDataset(tmp_path).read_pandas(columns=["b"]).to_pandas()
    assert got.columns.tolist() == ["b"] and got["b"].tolist() == ["x", "y"] * 3
    assert got.index.name == (None if preserve_index is False else "where")
    if preserve_index:
        assert got.index.tolist() == list(range(6))


@BOTH
def test_options_of_ipc_are_checked_when_they_are_set(module):
    options = module.ipc.IpcWriteOptions()
    options.metadata_version = module.ipc.MetadataVersion.V4
    assert options.metadata_version == module.ipc.MetadataVersion.V4
    for value in ("V5", 42):
        with pytest.raises((TypeError, ValueError)):
            options.metadata_version = value
    options = module.ipc.IpcReadOptions()
    options.included_fields = [0, 2]
    assert options.included_fields == [0, 2]
    with pytest.raises(TypeError):
        options.included_fields = None


@BOTH
def test_directories_are_no_files(module, tmp_path):
    with pytest.raises(OSError, match=f"Cannot open for reading: path '{tmp_path}' is a directory"):
        parquet_of(module).ParquetFile(tmp_path)


@BOTH
@pytest.mark.parametrize("options", [{}, {"store_schema": False}], ids=str)
def test_extension_types_are_equal_after_a_round_trip(module, options):
    pq = parquet_of(module)
    table = module.table({
        "id": module.array([bytes(range(16)), None], module.uuid()),
        "document": module.array(['{"a": 1}', None], module.json_(module.string()))})
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    read = pq.read_table(io.BytesIO(sink.getvalue()))
    assert read.equals(table) and table.equals(read) and read["id"].chunk(0).equals(table["id"].chunk(0))
    other = module.array([None, bytes(range(16))], module.uuid())
    assert not read["id"].chunk(0).equals(other) and not other.equals(other.storage)
