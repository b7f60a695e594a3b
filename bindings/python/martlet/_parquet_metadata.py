"""What the footer of a Parquet file says: file, row groups, columns, statistics, schema."""

import os
import re
import struct

from . import _abi, _abi_io, _io
from ._abi import lib
from ._array import wrap
from ._parquet_options import SortingColumn
from ._schema import Schema


class FileMetaData:
    """The footer of a file."""

    @classmethod
    def _from_handle(cls, handle):
        self = object.__new__(cls)
        self._handle = handle
        self._info = _abi_io.parquet_file_info(handle)
        return self

    def __init__(self):
        raise TypeError("Do not call FileMetaData's constructor directly, use `read_metadata` instead.")

    @property
    def schema(self):
        """The ParquetSchema."""
        return ParquetSchema(self)

    @property
    def metadata(self):
        """The file's own key-value metadata: a dictionary bytes -> bytes, or None."""
        return Schema._from_handle(_abi.new(lib.martlet_parquet_file_metadata, self._handle)).metadata

    @property
    def num_rows(self):
        return self._info.row_count

    @property
    def num_row_groups(self):
        return self._info.row_group_count

    @property
    def num_columns(self):
        """The number of leaf columns."""
        return self._info.column_count

    @property
    def created_by(self):
        return _abi_io.text(self._info.created_by)

    @property
    def format_version(self):
        """'1.0' or '2.6'."""
        return _abi_io.text(self._info.version)

    @property
    def serialized_size(self):
        """The bytes of the footer."""
        return self._info.serialized_size

    def row_group(self, i):
        if not 0 <= i < self.num_row_groups:
            raise IndexError(f"{i} out of bounds: the file has {self.num_row_groups} row groups")
        return RowGroupMetaData(self, i)

    def set_file_path(self, path):
        """Says in which file, from the dataset's root, all column chunks lie."""
        path = _abi.encode(os.fspath(path))
        self._become(_abi.new(lib.martlet_parquet_metadata_with_path, self._handle, path))

    def append_row_groups(self, other):
        """Adds the row groups of another file with the same columns."""
        if not isinstance(other, FileMetaData):
            raise TypeError(_wrong_other("FileMetaData", other))
        differs = _schemas_differ(self.schema, other.schema)
        if differs:
            raise RuntimeError(f"AppendRowGroups requires equal schemas.\n{differs}")
        self._become(_abi.new(lib.martlet_parquet_metadata_concatenate, self._handle, other._handle))

    def write_metadata_file(self, where):
        """Writes a file that is all footer, such as a dataset's `_metadata`."""
        sink = _io.open_sink(where)
        with sink.callbacks.raising():
            _abi.check(lib.martlet_parquet_metadata_write, self._handle, sink.handle)
        sink.finish()

    def _become(self, pointer):
        self._handle = _abi.ParquetFileHandle(pointer)
        self._info = _abi_io.parquet_file_info(self._handle)

    def to_dict(self):
        return {
            "created_by": self.created_by,
            "num_columns": self.num_columns,
            "num_rows": self.num_rows,
            "num_row_groups": self.num_row_groups,
            "row_groups": [self.row_group(i).to_dict() for i in range(self.num_row_groups)],
            "format_version": self.format_version,
            "serialized_size": self.serialized_size,
        }

    def equals(self, other):
        if not isinstance(other, FileMetaData):
            raise TypeError(_wrong_other("FileMetaData", other))
        return self.to_dict() == other.to_dict() and self.metadata == other.metadata

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, FileMetaData) else NotImplemented

    def __hash__(self):
        return hash((self.schema, self.num_rows, self.num_row_groups, self.format_version))

    def __reduce__(self):
        sink = _io.BufferOutputStream()
        self.write_metadata_file(sink)
        return _reread, (sink.getvalue(),)

    def __repr__(self):
        return (
            f"<martlet.parquet.FileMetaData object at {hex(id(self))}>\n  created_by: {self.created_by}\n"
            f"  num_columns: {self.num_columns}\n  num_rows: {self.num_rows}\n  num_row_groups: {self.num_row_groups}\n"
            f"  format_version: {self.format_version}\n  serialized_size: {self.serialized_size}"
        )


def _reread(footer):
    from ._parquet_file import read_metadata
    return read_metadata(footer)


class RowGroupMetaData:
    """What the footer says about a row group."""

    def __init__(self, file=None, index=None):
        _check_made_inside(self, file)
        self._file = file
        self._index = index
        self._info = _abi_io.parquet_row_group_info(file._handle, index)

    @property
    def num_columns(self):
        return self._info.column_count

    @property
    def num_rows(self):
        return self._info.row_count

    @property
    def total_byte_size(self):
        """The bytes of all column chunks before compression."""
        return self._info.total_byte_size

    @property
    def total_compressed_size(self):
        return self._info.total_compressed_size

    @property
    def sorting_columns(self):
        """The columns by which the writer says that the rows are sorted: a tuple of SortingColumn."""
        found = []
        for column in filter(None, _abi_io.text(self._info.sorting_columns).split(",")):
            index, order, nulls = column.split(":")
            found.append(SortingColumn(int(index), order == "descending", nulls == "nulls_first"))
        return tuple(found)

    def column(self, i):
        if not 0 <= i < self.num_columns:
            raise IndexError(f"{i} out of bounds: the row group has {self.num_columns} columns")
        return ColumnChunkMetaData(self._file, self._index, i)

    def to_dict(self):
        return {
            "num_columns": self.num_columns,
            "num_rows": self.num_rows,
            "total_byte_size": self.total_byte_size,
            "columns": [self.column(i).to_dict() for i in range(self.num_columns)],
            "sorting_columns": [column.to_dict() for column in self.sorting_columns],
        }

    def equals(self, other):
        return isinstance(other, RowGroupMetaData) and self.to_dict() == other.to_dict()

    def __eq__(self, other):
        return self.equals(other)

    __hash__ = object.__hash__

    def __repr__(self):
        return (
            f"<martlet.parquet.RowGroupMetaData object at {hex(id(self))}>\n  num_columns: {self.num_columns}\n"
            f"  num_rows: {self.num_rows}\n  total_byte_size: {self.total_byte_size}"
        )


def _check_made_inside(new, argument):
    if argument is None:
        raise TypeError(f"Do not call {type(new).__name__}'s constructor directly: it is an attribute of a file's metadata")


def _wrong_other(expected, other):
    return f"Argument 'other' has incorrect type (expected martlet.parquet.{expected}, got {type(other).__name__})"


def _schemas_differ(one, other):
    """What is different in two ParquetSchemas, or None."""
    if len(one) != len(other):
        return f"This schema has {len(one)} columns, other has {len(other)}"
    for i in range(len(one)):
        if one.column(i) != other.column(i):
            return f"The two columns with index {i} differ.\n{one.column(i)!r}\n{other.column(i)!r}"
    return None


def _known(number):
    return None if number < 0 else number


class ColumnChunkMetaData:
    """What the footer says about one column in one row group."""

    def __init__(self, file=None, row_group=None, index=None):
        _check_made_inside(self, file)
        self._file = file
        self._row_group = row_group
        self._index = index
        self._info = _abi_io.parquet_column_info(file._handle, row_group, index)

    file_offset = property(lambda self: self._info.file_offset)
    file_path = property(lambda self: _abi_io.text(self._info.file_path))
    physical_type = property(lambda self: _abi_io.text(self._info.physical_type))
    num_values = property(lambda self: self._info.value_count)
    path_in_schema = property(lambda self: _abi_io.text(self._info.path))
    is_stats_set = property(lambda self: self._info.has_statistics)
    compression = property(lambda self: _abi_io.text(self._info.compression))
    encodings = property(lambda self: tuple(filter(None, _abi_io.text(self._info.encodings).split(","))))
    has_dictionary_page = property(lambda self: self._info.dictionary_page_offset >= 0)
    dictionary_page_offset = property(lambda self: _known(self._info.dictionary_page_offset))
    data_page_offset = property(lambda self: self._info.data_page_offset)
    has_index_page = property(lambda self: self._info.index_page_offset >= 0)
    index_page_offset = property(lambda self: _known(self._info.index_page_offset))
    is_geo_stats_set = property(lambda self: self._info.has_geospatial_statistics)
    total_compressed_size = property(lambda self: self._info.total_compressed_size)
    total_uncompressed_size = property(lambda self: self._info.total_uncompressed_size)
    has_offset_index = property(lambda self: self._info.has_offset_index)
    has_column_index = property(lambda self: self._info.has_column_index)
    bloom_filter_offset = property(lambda self: _known(self._info.bloom_filter_offset))
    bloom_filter_length = property(lambda self: _known(self._info.bloom_filter_length))

    def _stored(self):
        pointer = _abi.new(lib.martlet_parquet_column_stored, self._file._handle, self._row_group, self._index)
        return Schema._from_handle(pointer).metadata

    @property
    def metadata(self):
        """The chunk's own key-value metadata: a dictionary bytes -> bytes, or None."""
        return {key[4:]: value for key, value in self._stored().items() if key.startswith(b"key:")} or None

    @property
    def statistics(self):
        """Statistics, or None when the file has none."""
        return Statistics(self) if self.is_stats_set else None

    @property
    def geo_statistics(self):
        """GeoStatistics of a column of geometries or geographies, or None when the file has none."""
        return GeoStatistics(self) if self.is_geo_stats_set else None

    def to_dict(self):
        statistics, geospatial = self.statistics, self.geo_statistics
        return {
            "file_offset": self.file_offset,
            "file_path": self.file_path,
            "physical_type": self.physical_type,
            "num_values": self.num_values,
            "path_in_schema": self.path_in_schema,
            "is_stats_set": self.is_stats_set,
            "statistics": statistics.to_dict() if statistics else None,
            "geo_statistics": geospatial.to_dict() if geospatial else None,
            "compression": self.compression,
            "encodings": self.encodings,
            "has_dictionary_page": self.has_dictionary_page,
            "dictionary_page_offset": self.dictionary_page_offset,
            "data_page_offset": self.data_page_offset,
            "total_compressed_size": self.total_compressed_size,
            "total_uncompressed_size": self.total_uncompressed_size,
            "bloom_filter_offset": self.bloom_filter_offset,
            "bloom_filter_length": self.bloom_filter_length,
        }

    def equals(self, other):
        return isinstance(other, ColumnChunkMetaData) and self.to_dict() == other.to_dict()

    def __eq__(self, other):
        return self.equals(other)

    __hash__ = object.__hash__

    def __repr__(self):
        lines = [f"  {name}: {value}" for name, value in self.to_dict().items()]
        return "\n".join([f"<martlet.parquet.ColumnChunkMetaData object at {hex(id(self))}>"] + lines)


class Statistics:
    """Minimum, maximum and counts of one column chunk; what the file does not say is None."""

    def __init__(self, chunk=None):
        _check_made_inside(self, chunk)
        self._chunk = chunk
        self._info = chunk._info
        self._bounds = None

    def _bound(self, i):
        if not self.has_min_max:
            return None
        if self._bounds is None:
            chunk = self._chunk
            pointer = _abi.new(
                lib.martlet_parquet_column_min_max, chunk._file._handle, chunk._row_group, chunk._index
            )
            self._bounds = [None, None] if pointer is None else wrap(pointer).to_pylist()
        return self._bounds[i]

    def _raw(self, which):
        """The bound as a value of the physical type."""
        stored = self._chunk._stored().get(which) if self.has_min_max else None
        layout = {"INT32": "<i", "INT64": "<q", "FLOAT": "<f", "DOUBLE": "<d", "BOOLEAN": "<?"}.get(self.physical_type)
        return stored if layout is None or not stored else struct.unpack(layout, stored)[0]

    has_min_max = property(lambda self: self._info.has_min_max)
    has_null_count = property(lambda self: self._info.null_count >= 0)
    has_distinct_count = property(lambda self: self._info.distinct_count >= 0)
    null_count = property(lambda self: _known(self._info.null_count))
    distinct_count = property(lambda self: _known(self._info.distinct_count))
    nan_count = property(lambda self: _known(self._info.nan_count))
    is_min_value_exact = property(lambda self: self._info.is_min_exact)
    is_max_value_exact = property(lambda self: self._info.is_max_exact)
    min_raw = property(lambda self: self._raw(b"min"))
    max_raw = property(lambda self: self._raw(b"max"))
    min = property(lambda self: self._bound(0))
    max = property(lambda self: self._bound(1))
    physical_type = property(lambda self: _abi_io.text(self._info.physical_type))
    converted_type = property(lambda self: _abi_io.text(self._info.converted_type))
    logical_type = property(lambda self: ParquetLogicalType(_abi_io.text(self._info.logical_type) or ""))

    @property
    def num_values(self):
        """The values that are not null."""
        return self._info.value_count - max(self._info.null_count, 0)

    def to_dict(self):
        return {
            "has_min_max": self.has_min_max,
            "min": self.min,
            "max": self.max,
            "null_count": self.null_count,
            "distinct_count": self.distinct_count,
            "num_values": self.num_values,
            "physical_type": self.physical_type,
        }

    def equals(self, other):
        return isinstance(other, Statistics) and self.to_dict() == other.to_dict()

    def __eq__(self, other):
        return self.equals(other)

    __hash__ = object.__hash__

    def __repr__(self):
        lines = [f"  {name}: {value}" for name, value in self.to_dict().items()]
        lines += [f"  logical_type: {self.logical_type}", f"  converted_type (legacy): {self.converted_type}"]
        return "\n".join([f"<martlet.parquet.Statistics object at {hex(id(self))}>"] + lines)


class ParquetLogicalType:
    """The logical type of a column: `type` is its name, `str()` all of it."""

    def __init__(self, text=None):
        _check_made_inside(self, text)
        self._text = text or "None"

    @property
    def type(self):
        return re.split(r"[(]", self._text)[0].upper()

    def to_json(self):
        import json

        name, _, rest = self._text.partition("(")
        document = {"Type": name}
        for key, value in re.findall(r"(\w+)=([^,)]+)", rest):
            document[key] = {"true": True, "false": False}.get(value, int(value) if value.isdigit() else value)
        return json.dumps(document)

    def __str__(self):
        return self._text

    def __eq__(self, other):
        return isinstance(other, ParquetLogicalType) and self._text == other._text

    __hash__ = object.__hash__

    def __repr__(self):
        return f"<martlet.parquet.ParquetLogicalType object at {hex(id(self))}>\n  {self._text}"


class ParquetSchema:
    """The leaf columns of a file."""

    def __init__(self, file):
        self._file = file

    @property
    def names(self):
        return [self.column(i).name for i in range(len(self))]

    def column(self, i):
        if not 0 <= i < len(self):
            raise IndexError(f"{i} out of bounds: the schema has {len(self)} leaf columns")
        return ColumnSchema(self._file, i)

    def to_arrow_schema(self):
        return Schema._from_handle(_abi.new(lib.martlet_parquet_file_schema, self._file._handle))

    def __len__(self):
        return self._file.num_columns

    def __getitem__(self, i):
        return self.column(i)

    def _text(self):
        return _abi.buffer_text(_abi.new(lib.martlet_parquet_file_schema_text, self._file._handle))

    def equals(self, other):
        return isinstance(other, ParquetSchema) and self._text() == other._text()

    def __eq__(self, other):
        return self.equals(other)

    def __hash__(self):
        return hash(self._text())

    def __repr__(self):
        return f"<martlet.parquet.ParquetSchema object at {hex(id(self))}>\n{self._text()}"


class ColumnSchema:
    """One leaf column of a file."""

    def __init__(self, file, index):
        self._info = _abi_io.parquet_column_info(file._handle, -1, index)
        self._keep = file

    path = property(lambda self: _abi_io.text(self._info.path))
    name = property(lambda self: self.path.rsplit(".", 1)[-1])
    max_definition_level = property(lambda self: self._info.max_definition_level)
    max_repetition_level = property(lambda self: self._info.max_repetition_level)
    physical_type = property(lambda self: _abi_io.text(self._info.physical_type))
    logical_type = property(lambda self: ParquetLogicalType(_abi_io.text(self._info.logical_type) or ""))
    converted_type = property(lambda self: _abi_io.text(self._info.converted_type))

    @property
    def length(self):
        """The bytes of a fixed-length value, or None."""
        return _known(self._info.type_length)

    def _decimal(self, key):
        found = re.search(rf"{key}=(-?\d+)", str(self.logical_type)) if self.logical_type.type == "DECIMAL" else None
        return int(found.group(1)) if found else None

    precision = property(lambda self: self._decimal("precision"))
    scale = property(lambda self: self._decimal("scale"))

    def _key(self):
        return (
            self.path, self.max_definition_level, self.max_repetition_level, self.physical_type,
            str(self.logical_type), self.length,
        )

    def equals(self, other):
        return isinstance(other, ColumnSchema) and self._key() == other._key()

    def __eq__(self, other):
        return self.equals(other)

    __hash__ = object.__hash__

    def __repr__(self):
        return (
            f"<ParquetColumnSchema>\n  name: {self.name}\n  path: {self.path}\n"
            f"  max_definition_level: {self.max_definition_level}\n  max_repetition_level: {self.max_repetition_level}\n"
            f"  physical_type: {self.physical_type}\n  logical_type: {self.logical_type}\n"
            f"  converted_type (legacy): {self.converted_type}"
        )


_GEO_BOUNDS = ("xmin", "xmax", "ymin", "ymax", "zmin", "zmax", "mmin", "mmax")


class GeoStatistics:
    """Where the geometries of one column chunk lie: the ranges of x, y, z and m, and the kinds of geometries as codes of ISO WKB.
    What the file does not say is None. Where xmin is more than xmax, they lie around the antimeridian."""

    def __init__(self, chunk=None):
        _check_made_inside(self, chunk)
        self._info = chunk._info

    @property
    def geospatial_types(self):
        codes = _abi_io.text(self._info.geospatial_types)
        return [int(code) for code in codes.split(",")] if codes else None

    xmin, xmax, ymin, ymax, zmin, zmax, mmin, mmax = (
        property(lambda self, name=name: _unless_nan(getattr(self._info, name)))
        for name in _GEO_BOUNDS)

    def to_dict(self):
        return {"geospatial_types": self.geospatial_types, **{name: getattr(self, name) for name in _GEO_BOUNDS}}

    def __repr__(self):
        lines = [f"  geospatial_types: {self.geospatial_types}"]
        lines += [f"  {a}min: {getattr(self, a + 'min')}, {a}max: {getattr(self, a + 'max')}" for a in "xyzm"]
        return "\n".join([f"<martlet.parquet.GeoStatistics object at {hex(id(self))}>"] + lines)


def _unless_nan(number):
    return None if number != number else number
