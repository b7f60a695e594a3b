"""Logical types that fields ask for by their metadata: geometries by GeoArrow's extension types, FILE, BSON and ENUM."""

import io
import json
import struct

import duckdb
import pyarrow as pa
import pyarrow.parquet as papq
import pytest

import martlet as ma
import martlet.parquet as pq

POINTS = [struct.pack("<BIdd", 1, 1, float(i), -float(i)) if i % 4 else None for i in range(40)]
PROJJSON = {"type": "GeographicCRS", "name": "a \"name\"\n\x01 é", "id": {"authority": "EPSG", "code": 3857}, "n": [1, 2.5, None, True]}


def described(metadata):
    metadata = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
    return {b"ARROW:extension:name": b"geoarrow.wkb", b"ARROW:extension:metadata": metadata}


def geometries(metadata, storage=pa.binary()):
    field = pa.field("shape", storage, metadata=described(metadata))
    return pa.table([pa.array(POINTS, storage)], schema=pa.schema([field]))


def written(table, **options):
    sink = io.BytesIO()
    pq.write_table(ma.table(table), sink, **options)
    return sink


class TheirGeometry(pa.ExtensionType):
    """pyarrow writes the annotation for registered types alone."""

    def __init__(self, storage, metadata):
        self.metadata = metadata
        super().__init__(storage, "geoarrow.wkb")

    def __arrow_ext_serialize__(self):
        return self.metadata

    @classmethod
    def __arrow_ext_deserialize__(cls, storage, metadata):
        return cls(storage, metadata)


@pytest.mark.parametrize("metadata", [
    b"", {}, {"crs": None}, {"crs": ""}, {"crs": "OGC:CRS84"}, {"crs": "EPSG:4326"}, {"crs": "EPSG:3857"},
    {"crs": "EPSG:3857", "crs_type": "authority_code"}, {"edges": "spherical"}, {"edges": "planar"},
    {"crs": "x y", "edges": "spherical"}, {"crs": {"id": {"authority": "OGC", "code": "CRS84"}}},
    {"crs": {"id": {"authority": "EPSG", "code": 4326}}}, {"crs": {"type": "x", "id": {"authority": "EPSG", "code": 3857}}},
])
@pytest.mark.parametrize("storage", [pa.binary(), pa.large_binary()], ids=str)
def test_geometry_is_annotated_as_pyarrow_does(metadata, storage):
    table = geometries(metadata, storage)
    ours = papq.ParquetFile(written(table)).schema.column(0)
    kind = TheirGeometry(storage, described(metadata)[b"ARROW:extension:metadata"])
    sink = io.BytesIO()
    papq.write_table(pa.table({"shape": pa.ExtensionArray.from_storage(kind, table["shape"].combine_chunks())}), sink)
    theirs = papq.ParquetFile(sink).schema.column(0)
    assert str(ours.logical_type) == str(theirs.logical_type)
    assert str(pq.ParquetFile(sink).schema.column(0).logical_type) == str(theirs.logical_type)


@pytest.mark.parametrize("store_schema", [True, False])
@pytest.mark.parametrize("storage", [pa.binary(), pa.large_binary(), pa.binary_view()], ids=str)
@pytest.mark.parametrize("edges", ["planar", "spherical", "vincenty", "thomas", "andoyer", "karney"])
def test_geometry_round_trips(edges, storage, store_schema):
    table = geometries({"crs": PROJJSON, "edges": edges}, storage)
    sink = written(table, store_schema=store_schema)
    file = pq.ParquetFile(sink)
    text = str(file.schema.column(0).logical_type)
    kind = "Geometry" if edges == "planar" else "Geography"
    assert text.startswith(kind + "(crs=")
    system = text[len(kind) + 5:text.rindex("}") + 1]
    assert json.loads(system) == PROJJSON
    assert edges == "planar" or text.endswith(f", algorithm={edges})")
    assert str(papq.ParquetFile(sink).schema.column(0).logical_type) == text
    statistics = file.metadata.row_group(0).column(0).statistics
    assert statistics is None or not statistics.has_min_max
    back = file.read()
    assert back["shape"].to_pylist() == POINTS
    if store_schema:
        assert pa.schema(back.schema).equals(table.schema, check_metadata=True)


@pytest.mark.parametrize("metadata", [b"[", b"[]", b'"text"', {"edges": "round"}, {"edges": 1}, {"crs": 5}, {"crs": []}])
def test_damaged_geometry_metadata(metadata):
    with pytest.raises(ma.ArrowInvalid, match="GeoArrow"):
        written(geometries(metadata))


FILE = {b"PARQUET:logical_type": b"FILE"}
FILE_FIELDS = [
    ("uri", pa.string()), ("offset", pa.int64()), ("size", pa.int64()), ("content_type", pa.string()), ("checksum", pa.string()),
    ("inline", pa.binary())]
FILES = [
    {"uri": "s3://b/k", "offset": 5, "size": 2, "content_type": "image/png", "checksum": "CRC32:00000000", "inline": None},
    None,
    {"uri": None, "offset": None, "size": None, "content_type": None, "checksum": None, "inline": b"abc"}]


@pytest.mark.parametrize("fields", [FILE_FIELDS, FILE_FIELDS[:1], FILE_FIELDS[5:]], ids=["all", "uri", "inline"])
@pytest.mark.parametrize("store_schema", [True, False])
@pytest.mark.parametrize("in_list", [False, True])
def test_file_annotation(tmp_path, fields, store_schema, in_list):
    kind = pa.struct(fields)
    rows = [row and {name: row[name] for name, _ in fields} for row in FILES]
    field = pa.field("f", kind, metadata=FILE)
    if in_list:
        field, rows = pa.field("f", pa.list_(pa.field("element", kind, metadata=FILE))), [rows, None, []]
    table = pa.table([pa.array(rows, field.type)], schema=pa.schema([field]))
    sink, path = written(table, store_schema=store_schema), tmp_path / "file.parquet"
    assert "(File)" in str(pq.ParquetFile(sink).schema)
    back = pq.read_table(sink)
    assert back["f"].to_pylist() == rows
    # What was read is written again as what it was.
    assert "(File)" in str(pq.ParquetFile(written(pa.table(back), store_schema=False)).schema)
    # DuckDB does not know the annotation and sees the group; pyarrow and polars refuse the file.
    path.write_bytes(sink.getvalue())
    assert [row for row, in duckdb.sql(f"from '{path}'").fetchall()] == rows


@pytest.mark.parametrize("field", [
    pa.field("path", pa.string()), pa.field("offset", pa.int32()), pa.field("uri", pa.binary()),
    pa.field("inline", pa.binary(), nullable=False)], ids=str)
def test_file_with_wrong_fields(field):
    schema = pa.schema([pa.field("f", pa.struct([field]), metadata=FILE)])
    with pytest.raises(ma.ArrowInvalid, match="cannot be a FILE"):
        written(schema.empty_table())


@pytest.mark.parametrize("name, text", [("BSON", "BSON"), ("ENUM", "Enum")])
def test_bson_and_enum(name, text):
    schema = pa.schema([pa.field("v", pa.binary(), metadata={"PARQUET:logical_type": name})])
    table = pa.table([pa.array([b"a", None, b"b"])], schema=schema)
    sink = written(table)
    ours, theirs = pq.ParquetFile(sink).schema.column(0), papq.ParquetFile(sink).schema.column(0)
    assert str(ours.logical_type) == text == str(theirs.logical_type)
    assert ours.converted_type == name == theirs.converted_type
    assert pa.table(pq.read_table(sink)).equals(table, check_metadata=True)
    assert papq.read_table(sink)["v"].to_pylist() == [b"a", None, b"b"]
