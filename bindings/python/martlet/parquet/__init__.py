"""Parquet files and partitioned datasets with pyarrow's names.

Writers commit on close: until then, and when an exception leaves their `with` block, an older file stays as it is.
Small batches are gathered into row groups. Page checksums are written and verified. Whatever takes a table takes any
object with `__arrow_c_stream__` or `__arrow_c_array__`, and pandas' DataFrames.
"""

import os

from .. import _abi, _io
from .._filters import filters_to_expression
from .._parquet_file import ParquetFile, _index_columns, read_metadata, read_schema
from .._parquet_metadata import (
    ColumnChunkMetaData, ColumnSchema, FileMetaData, ParquetLogicalType, ParquetSchema, RowGroupMetaData, Statistics)
from .._parquet_options import (
    SortingColumn, _WriterOptions, _check_columns, _file_options, _unsupported, check_names)
from .._parquet_writer import ParquetWriter, _spark_name, write_table
from .._reader import RecordBatchReader
from .._schema import schema as _as_schema
from .._streams import is_tabular, reader_of
from .._table import RecordBatch

__all__ = [
    "ColumnChunkMetaData", "ColumnSchema", "FileMetaData", "ParquetDataset", "ParquetFile", "ParquetLogicalType",
    "ParquetSchema", "ParquetWriter", "RowGroupMetaData", "SortingColumn", "Statistics", "filters_to_expression",
    "read_metadata", "read_pandas", "read_schema", "read_table", "recover", "write_metadata", "write_table", "write_to_dataset",
]


class ParquetDataset:
    """A file, or a tree of files partitioned by the names of their directories, to be read as one table."""

    def __init__(
        self,
        path_or_paths,
        filesystem=None,
        schema=None,
        *,
        filters=None,
        read_dictionary=None,
        binary_type=None,
        list_type=None,
        memory_map=False,
        buffer_size=None,
        partitioning="hive",
        ignore_prefixes=None,
        pre_buffer=True,
        coerce_int96_timestamp_unit=None,
        decryption_properties=None,
        thrift_string_size_limit=None,
        thrift_container_size_limit=None,
        schema_depth_limit=None,
        page_checksum_verification=None,
        arrow_extensions_enabled=True,
        unshred_variants=False,
    ):
        if buffer_size is not None and buffer_size < 0:
            raise ValueError(f"Buffer size must be larger than zero, not {buffer_size}")
        self._filter = None if filters is None else filters_to_expression(filters)
        self._file = None
        self._dataset = None
        options = {
            "read_dictionary": read_dictionary,
            "binary_type": binary_type,
            "list_type": list_type,
            "coerce_int96_timestamp_unit": coerce_int96_timestamp_unit,
            "decryption_properties": decryption_properties,
            "page_checksum_verification": page_checksum_verification,
            "arrow_extensions_enabled": arrow_extensions_enabled,
            "unshred_variants": unshred_variants,
            "thrift_string_size_limit": thrift_string_size_limit,
            "thrift_container_size_limit": thrift_container_size_limit,
            "schema_depth_limit": schema_depth_limit,
        }
        if isinstance(path_or_paths, (list, tuple)) and len(path_or_paths) == 1:
            path_or_paths = path_or_paths[0]
        is_path = isinstance(path_or_paths, (str, os.PathLike))
        is_list = isinstance(path_or_paths, (list, tuple))
        elsewhere = None
        if filesystem is not None or (isinstance(path_or_paths, str) and "://" in path_or_paths):
            if is_list:
                elsewhere = filesystem
            else:
                from .._fs_resolve import located

                path_or_paths, elsewhere = located(path_or_paths, filesystem)
                is_path = is_path and elsewhere is None
                if elsewhere is not None and elsewhere.get_file_info(path_or_paths).is_file and schema is None:
                    path_or_paths, elsewhere = elsewhere.open_input_file(path_or_paths), None
        self._base = None if is_list else (path_or_paths, elsewhere)
        if elsewhere is not None or not (partitioning is None or partitioning == "hive"):
            self._dataset = self._found(
                path_or_paths, schema, elsewhere, partitioning, ignore_prefixes, options, memory_map)
            return
        is_single = is_path and not os.path.isdir(_io._path_text(path_or_paths))
        if is_single and not os.path.exists(path_or_paths):
            raise FileNotFoundError(os.fspath(path_or_paths))
        if is_path and not is_single and schema is None:
            from ..dataset import _has_files

            if not _has_files(_io._path_text(path_or_paths), ignore_prefixes):
                self._dataset = self._found(path_or_paths, None, None, None, ignore_prefixes, options, memory_map)
                return
        if not is_path and not is_list and not isinstance(path_or_paths, _io.NativeFile):
            if not _io._is_bytes(path_or_paths) and not hasattr(path_or_paths, "read"):
                raise TypeError(
                    f"cannot construct a FileSource from {path_or_paths!r}: expected a path, a file object or bytes"
                )
        if not is_list and (is_single or not is_path) and schema is None:
            self._file = ParquetFile(path_or_paths, memory_map=memory_map, **options)
            self._paths = [os.fspath(path_or_paths)] if is_path else []
        else:
            if not is_path and not is_list:
                _unsupported("schema", schema, "read the file object first, then cast: read_table(file).cast(schema)")
            engine_options = _file_options(**options)
            engine_options["memory_map"] = True if memory_map else None
            from ..dataset import Dataset

            self._dataset = Dataset._open(
                path_or_paths, schema, None if is_single else partitioning, ignore_prefixes, "parquet", engine_options
            )

    @staticmethod
    def _found(paths, schema, filesystem, partitioning, ignore_prefixes, options, memory_map):
        """A dataset of files on another file system, or by another partitioning than hive's."""
        from .. import dataset as ds

        if isinstance(partitioning, str) and partitioning == "hive":
            partitioning = ds.HivePartitioning.discover(infer_dictionary=True)
        format = ds.ParquetFileFormat()
        format._options = _file_options(**options) | {"memory_map": True if memory_map else None}
        return ds.dataset(
            paths, schema=schema, format=format, filesystem=filesystem, partitioning=partitioning,
            ignore_prefixes=ignore_prefixes)

    @property
    def filesystem(self):
        """The FileSystem on which the files lie."""
        if self._dataset is not None:
            return self._dataset.filesystem
        from ..fs import LocalFileSystem

        return LocalFileSystem()

    @property
    def partitioning(self):
        """The Partitioning by which the files were found, or None."""
        return None if self._dataset is None else self._dataset.partitioning

    @property
    def schema(self):
        return self._dataset.schema if self._file is None else self._file.schema_arrow

    @property
    def files(self):
        """The paths of the files that can match the filters."""
        if self._dataset is None:
            return self._paths
        return self._dataset._files(self._filter)

    @property
    def fragments(self):
        """The files as fragments, which can be scanned alone."""
        if self._dataset is not None:
            return list(self._dataset.get_fragments(self._filter))
        from .. import dataset as ds

        return [ds.ParquetFileFormat().make_fragment(path) for path in self._paths]

    def read(self, columns=None, use_threads=True, use_pandas_metadata=False, progress=None):
        """The rows that match the filters, as a Table with the columns in the order asked for."""
        columns = _check_columns(columns)
        common = self._common_metadata() if use_pandas_metadata else None
        if columns is not None and use_pandas_metadata:
            columns = columns + _index_columns(self.schema if common is None else common, columns, self.schema)
        try:
            if self._file is not None:
                total = self._file.metadata.num_rows if self._filter is None else None
                table = self._file._read(columns, None, self._filter, use_threads, progress, total)
            else:
                table = self._dataset._read(columns, self._filter, use_threads, progress)
        except KeyError:
            # Files may have thousands of columns: only the engine looks for names, unless it misses one.
            check_names(columns, self.schema)
            raise
        if columns is not None and table.column_names != columns and all(n in table.column_names for n in columns):
            table = table.select(columns)
        if common is not None:
            table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"pandas": common.metadata[b"pandas"]})
        return table

    def _common_metadata(self):
        """The schema in `_common_metadata` or `_metadata` of a directory, where it tells of pandas and the files do not."""
        if self._file is not None or self._base is None or b"pandas" in (self.schema.metadata or {}):
            return None
        base, elsewhere = self._base
        if elsewhere is None:
            from ..fs import LocalFileSystem

            elsewhere, base = LocalFileSystem(), _io._path_text(base)
        for name in ("_common_metadata", "_metadata"):
            path = f"{base.rstrip('/')}/{name}"
            if elsewhere.get_file_info(path).is_file:
                found = read_schema(path, filesystem=elsewhere)
                if b"pandas" in (found.metadata or {}):
                    return found
        return None

    def read_pandas(self, **kwargs):
        """As `read`, with the columns that make up the index of the DataFrame that was written."""
        return self.read(use_pandas_metadata=True, **kwargs)

    def equals(self, other):
        if not isinstance(other, ParquetDataset):
            raise TypeError("`other` must be an instance of ParquetDataset")
        return self.schema == other.schema and self.files == other.files

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, ParquetDataset) else NotImplemented

    __hash__ = object.__hash__


def read_table(
    source,
    *,
    columns=None,
    use_threads=True,
    schema=None,
    use_pandas_metadata=False,
    read_dictionary=None,
    binary_type=None,
    list_type=None,
    memory_map=False,
    buffer_size=0,
    partitioning="hive",
    filesystem=None,
    filters=None,
    ignore_prefixes=None,
    pre_buffer=True,
    coerce_int96_timestamp_unit=None,
    decryption_properties=None,
    thrift_string_size_limit=None,
    thrift_container_size_limit=None,
    schema_depth_limit=None,
    page_checksum_verification=None,
    arrow_extensions_enabled=True,
    progress=None,
    unshred_variants=False,
):
    """A file or a directory of files as a Table; `filters` decide which files, row groups and pages are read at all."""
    dataset = ParquetDataset(
        source,
        filesystem,
        schema,
        filters=filters,
        read_dictionary=read_dictionary,
        binary_type=binary_type,
        list_type=list_type,
        memory_map=memory_map,
        partitioning=partitioning,
        ignore_prefixes=ignore_prefixes,
        coerce_int96_timestamp_unit=coerce_int96_timestamp_unit,
        decryption_properties=decryption_properties,
        thrift_string_size_limit=thrift_string_size_limit,
        thrift_container_size_limit=thrift_container_size_limit,
        schema_depth_limit=schema_depth_limit,
        page_checksum_verification=page_checksum_verification,
        arrow_extensions_enabled=arrow_extensions_enabled,
        unshred_variants=unshred_variants,
    )
    return dataset.read(columns, use_threads, use_pandas_metadata, progress)


def read_pandas(source, columns=None, **kwargs):
    """As `read_table`, with the columns that make up the index of the DataFrame that was written."""
    return read_table(source, columns=columns, use_pandas_metadata=True, **kwargs)


def write_to_dataset(
    table,
    root_path,
    partition_cols=None,
    filesystem=None,
    schema=None,
    partitioning=None,
    basename_template=None,
    use_threads=None,
    file_visitor=None,
    existing_data_behavior=None,
    progress=None,
    **kwargs,
):
    """Writes a table, or anything with `__arrow_c_stream__`, below `root_path`: one directory for each value of
    `partition_cols`, one file in each.

    Files appear together when all are written, or not at all. Keys keep their types when they are read back here.
    """
    from .. import _dataset_write as ds

    names = {"metadata_collector", "create_dir", "format", "preserve_order", *ds._WRITE_NAMES, *_WriterOptions.names, "chunk_size"}
    for name in kwargs:
        if name not in names:
            raise TypeError(f"unexpected parquet write option: {name}")
    if partitioning is None:
        partitioning = list(partition_cols or [])
    elif partition_cols:
        raise ValueError("partition_cols and partitioning exclude each other")
    if isinstance(partitioning, (list, tuple)) and not partition_cols:
        from ..dataset import _for_writing
        from .._streams import schema_of

        partitioning = _for_writing(partitioning, None, schema_of(table) if schema is None else schema) or []
    if "chunk_size" in kwargs:
        kwargs["row_group_size"] = kwargs.pop("chunk_size")
    collector = kwargs.pop("metadata_collector", None)
    flavor = kwargs.pop("flavor", None)
    if flavor is not None and "spark" in flavor:
        table, schema, partitioning = _for_spark(table, schema, partitioning)
        if kwargs.get("use_deprecated_int96_timestamps") is None:
            kwargs["use_deprecated_int96_timestamps"] = True

    def visit(file):
        if collector is not None:
            file.metadata.set_file_path(os.path.relpath(file.path, root_path))
            collector.append(file.metadata)
        if file_visitor is not None:
            file_visitor(file)

    if basename_template is None:
        import uuid

        basename_template = uuid.uuid4().hex + "-{i}.parquet"
    dataset_options = {name: kwargs.pop(name) for name in list(kwargs) if name in ds._WRITE_NAMES}
    kwargs.pop("create_dir", None)
    kwargs.pop("format", None)
    kwargs.pop("preserve_order", None)
    ds._write(
        table,
        root_path,
        schema=schema,
        partitioning=partitioning,
        filesystem=filesystem,
        basename_template=basename_template,
        existing_data_behavior=existing_data_behavior or "overwrite_or_ignore",
        file_options=_WriterOptions("write_to_dataset", {"compression": "snappy", "use_threads": use_threads} | kwargs),
        file_visitor=visit if collector is not None or file_visitor is not None else None,
        progress=progress,
        **dataset_options,
    )


def _for_spark(table, schema, partitioning):
    """The rows, their schema and the keys with names that Spark takes."""
    if not is_tabular(table):
        raise TypeError(f"expected a Table or an object with __arrow_c_stream__, got {type(table)}")
    reader = reader_of(table)
    if schema is not None and not reader.schema.equals(schema):
        reader = reader.cast(schema)
    given = reader.schema
    renamed = _as_schema([field.with_name(_spark_name(field.name)) for field in given], metadata=given.metadata)
    if len(set(renamed.names)) < len(renamed.names):
        raise ValueError(f"columns have the same names without what Spark does not take in them: {', '.join(given.names)}")
    batches = (RecordBatch.from_arrays(batch.columns, schema=renamed) for batch in reader)
    if isinstance(partitioning, (list, tuple)):
        for name in partitioning:
            if name not in given.names:
                raise KeyError(f'Field "{name}" does not exist in schema; its columns are {", ".join(given.names)}')
        partitioning = [_spark_name(name) for name in partitioning]
    return RecordBatchReader.from_batches(renamed, batches), None, partitioning


def write_metadata(schema, where, metadata_collector=None, filesystem=None, **kwargs):
    """Writes a file with a schema and without rows, such as `_common_metadata`; with the row groups of the FileMetaData in
    `metadata_collector`, the summary `_metadata` of a dataset.
    """
    if metadata_collector is None:
        with ParquetWriter(where, schema, filesystem, **kwargs):
            pass
        return
    with ParquetWriter(_io.BufferOutputStream(), schema, **kwargs) as writer:
        pass
    metadata = writer._metadata
    for one in metadata_collector:
        metadata.append_row_groups(one)
    if filesystem is not None or (isinstance(where, str) and "://" in where):
        from .._fs_resolve import created
        where, is_file = created(where, filesystem)
        if is_file:
            with where:
                metadata.write_metadata_file(where)
            return
    metadata.write_metadata_file(where)


def recover(path, decryption_properties=None):
    """Makes a Parquet file readable whose writer died, and returns its FileMetaData.

    What is needed is a whole footer before the place where the file breaks off:

    - An append (`ParquetWriter(..., append=True)`) that died is completed from the journal beside the file, or never was.
      Should the journal be lost, the file ends with its old footer again.
    - `ParquetWriter(..., recoverable=True)` writes a footer behind each row group: the file has the row groups up to the
      last one. As long as such a file is not closed it has another name, and gets `path` here if nothing has that name
      yet and its writer's process is gone.

    A file that is whole stays as it is. One without any footer raises ArrowInvalid and stays as it is too. Encrypted files need
    no keys for that; their FileMetaData does, and is None without `decryption_properties` where the footer is encrypted.
    """
    pointer = _abi.new(_abi.lib.martlet_parquet_recover, _abi.encode(_io._path_text(path)))
    if decryption_properties is not None:
        if pointer:
            _abi.ParquetFileHandle(pointer)
        return read_metadata(path, decryption_properties=decryption_properties)
    return FileMetaData._from_handle(_abi.ParquetFileHandle(pointer)) if pointer else None
