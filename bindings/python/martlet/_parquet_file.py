"""Reading one Parquet file."""

import contextlib
import os

from . import _abi, _abi_io, _io
from ._abi import lib
from ._errors import ArrowInvalid, ArrowNotImplementedError
from ._parquet_metadata import FileMetaData
from ._parquet_options import _check_columns, _file_options
from ._progress import Progress
from ._streams import SourceReader


class ParquetFile:
    """One Parquet file: its metadata, and reading all of it or parts.

    `source` is a path, a file object, a Buffer or bytes. Page checksums are verified unless
    `page_checksum_verification=False`. `pre_buffer`, `buffer_size` and the limits of Thrift are accepted and not needed.
    `unshred_variants` puts shredded variants together: `typed_value` becomes part of the binary `value`.
    """

    def __init__(
        self,
        source,
        *,
        metadata=None,
        common_metadata=None,
        read_dictionary=None,
        binary_type=None,
        list_type=None,
        memory_map=False,
        buffer_size=0,
        pre_buffer=True,
        coerce_int96_timestamp_unit=None,
        decryption_properties=None,
        thrift_string_size_limit=None,
        thrift_container_size_limit=None,
        schema_depth_limit=None,
        filesystem=None,
        page_checksum_verification=None,
        arrow_extensions_enabled=True,
        unshred_variants=False,
    ):
        self._closes = isinstance(source, (str, os.PathLike))
        if filesystem is not None or (isinstance(source, str) and "://" in source):
            from ._fs_resolve import opened
            source = opened(source, filesystem)
        self._begin(source, memory_map, lambda source: _file_options(
            read_dictionary, binary_type, list_type, coerce_int96_timestamp_unit, decryption_properties,
            page_checksum_verification, arrow_extensions_enabled, unshred_variants, source, thrift_string_size_limit,
            thrift_container_size_limit, schema_depth_limit))

    @classmethod
    def _with_options(cls, source, options):
        """A file opened with options of the engine, among which a service for keys may be."""
        self = cls.__new__(cls)
        self._closes = True

        def complete(opened):
            known = dict(options)
            service = known.pop("key_service", None)
            if service is None:
                return known
            keys = {name: value for name, value in known.items() if name.startswith("decryption_")}
            return known | service(keys, opened, opened.name, True)

        self._begin(source, bool(options.get("memory_map")), complete)
        return self

    def _begin(self, source, memory_map, options_for):
        self._source = _io.open_source(source, memory_map)
        self._handle = None
        with self._source.callbacks.raising():
            options = options_for(self._source)
            self._handle = _abi.ParquetFileHandle(
                _abi.new(lib.martlet_parquet_file_open, self._source.handle, *_abi.pack_options(options))
            )
        self._metadata = FileMetaData._from_handle(self._handle)
        self._arrow_schema = None

    @property
    def metadata(self):
        """The FileMetaData."""
        return self._metadata

    @property
    def schema(self):
        """The ParquetSchema; `schema_arrow` is the Arrow schema."""
        return self._metadata.schema

    @property
    def schema_arrow(self):
        if self._arrow_schema is None:
            self._arrow_schema = self.schema.to_arrow_schema()
        return self._arrow_schema

    @property
    def num_row_groups(self):
        return self._metadata.num_row_groups

    @property
    def closed(self):
        """Whether the file was closed; a file object that was given is open until its owner closes it."""
        return self._handle is None or bool(getattr(self._source.owner, "closed", False))

    def close(self, force=False):
        """Lets go of the file; a file object that was given stays open, and can be read on, unless `force`."""
        if self._handle is None or (hasattr(self._source.owner, "closed") and not force and not self._closes):
            return
        self._handle = None
        owner, self._source = self._source.owner, None
        if hasattr(owner, "close"):
            owner.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        self.close()

    def _check_open(self):
        if self.closed:
            raise ArrowInvalid("Invalid operation on closed file")

    def _scan(
        self, columns=None, row_groups=None, filter=None, batch_size=0, use_threads=True, step=None, row_ranges=None,
        ignore_missing=False,
    ):
        """A reader of the columns; with `ignore_missing` those that the file has, in its order, as pyarrow's ParquetFile does."""
        self._check_open()
        if row_groups is not None:
            row_groups = [int(i) for i in row_groups]
            for i in row_groups:
                if not 0 <= i < self.num_row_groups:
                    raise ArrowInvalid(
                        f"Some index in row_group_indices is {i}, which is either < 0 or >= "
                        f"num_row_groups({self.num_row_groups})"
                    )
        options = {
            "batch_size": int(batch_size) or None, "use_threads": None if use_threads else False,
            "ignore_missing_columns": ignore_missing or None}
        if row_ranges is not None:
            options["row_ranges"] = ",".join(f"{start}:{stop}" for start, stop in map(_row_range, row_ranges))
        with self._source.callbacks.raising():
            pointer = _abi.new(
                lib.martlet_parquet_file_scan,
                self._handle,
                # An empty array and NULL differ: nothing, and everything.
                _abi.text_array(columns),
                0 if columns is None else len(columns),
                _abi_io.int32_array(row_groups),
                0 if row_groups is None else len(row_groups),
                None if filter is None else filter._handle,
                *_abi.pack_options(options),
                step,
            )
        return SourceReader._over(pointer, self._source)

    def _read(
        self, columns, row_groups, filter, use_threads, progress=None, total=None, row_ranges=None, ignore_missing=False
    ):
        self._check_open()
        watch = Progress(progress, "reading", total)
        with _naming(filter), watch.call() as step:
            reader = self._scan(columns, row_groups, filter, 0, use_threads, step, row_ranges, ignore_missing)
            table = reader.read_all()
            del reader
        watch.end()
        return table

    def _with_index(self, columns, use_pandas_metadata):
        columns = _check_columns(columns)
        if columns is None or not use_pandas_metadata:
            return columns
        return list(columns) + _index_columns(self.schema_arrow, columns)

    def read(self, columns=None, use_threads=True, use_pandas_metadata=False, progress=None, row_ranges=None):
        """The file as a Table; `columns` are names or dotted paths.

        row_ranges: the rows that are wanted, as (start, stop) pairs or ranges in ascending order, counted over the whole file;
        only the pages that hold them are read where the file has an offset index.
        """
        columns = self._with_index(columns, use_pandas_metadata)
        return self._read(columns, None, None, use_threads, progress, self._metadata.num_rows, row_ranges, True)

    def read_row_group(self, i, columns=None, use_threads=True, use_pandas_metadata=False):
        return self.read_row_groups([i], columns, use_threads, use_pandas_metadata)

    def read_row_groups(self, row_groups, columns=None, use_threads=True, use_pandas_metadata=False):
        """Some row groups, in the order given, as a Table."""
        self._check_open()
        columns = self._with_index(columns, use_pandas_metadata)
        return self._read(columns, list(row_groups), None, use_threads, ignore_missing=True)

    def iter_batches(
        self, batch_size=65536, row_groups=None, columns=None, use_threads=True, use_pandas_metadata=False, row_ranges=None
    ):
        """Record batches of at most `batch_size` rows, with no more in memory than they need; `row_ranges` as in `read`."""
        self._check_open()
        if batch_size <= 0:
            raise ValueError(f"batch_size must be above 0, not {batch_size}")
        columns = self._with_index(columns, use_pandas_metadata)
        return iter(self._scan(columns, row_groups, None, batch_size, use_threads, None, row_ranges, True))

    def scan_contents(self, columns=None, batch_size=65536):
        """Reads and checks the columns (names, or positions of leaf columns); the number of rows."""
        self._check_open()
        if columns is not None:
            names = self.schema.names
            columns = _check_columns([names[c] if isinstance(c, int) else c for c in columns])
        return sum(batch.num_rows for batch in self._scan(columns, None, None, batch_size, ignore_missing=True))

    def __arrow_c_schema__(self):
        return self.schema_arrow.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema=None):
        return self._scan(batch_size=65536).__arrow_c_stream__(requested_schema)


def _row_range(given):
    """(start, stop) of a pair or of a range with step 1."""
    if isinstance(given, range):
        if given.step != 1:
            raise ValueError(f"a range of rows has step 1, not {given.step}")
        return given.start, max(given.start, given.stop)
    start, stop = (number.__index__() for number in given)
    if not 0 <= start <= stop:
        raise ValueError(f"a range of rows begins at 0 or later and does not end before it begins, not {given}")
    return start, stop


@contextlib.contextmanager
def _naming(filter):
    """Says which filter it was when a comparison in it is not possible."""
    try:
        yield
    except ArrowNotImplementedError as problem:
        if filter is None or "Function '" not in str(problem):
            raise
        raise ArrowNotImplementedError(f"{problem}; in the filter {filter}") from None


def _index_columns(described, columns, schema=None):
    """The columns that hold the index of a DataFrame, as the metadata of a schema says, those in `columns` excepted."""
    schema = described if schema is None else schema
    index = [name for name in (described.pandas_metadata or {}).get("index_columns", []) if isinstance(name, str)]
    return [name for name in index if name not in columns and name in schema.names]


def read_metadata(
    where, memory_map=False, decryption_properties=None, filesystem=None, arrow_extensions_enabled=True
):
    """The FileMetaData of a file."""
    with ParquetFile(
        where, memory_map=memory_map, decryption_properties=decryption_properties, filesystem=filesystem,
        arrow_extensions_enabled=arrow_extensions_enabled,
    ) as file:
        return file.metadata


def read_schema(where, memory_map=False, decryption_properties=None, filesystem=None, arrow_extensions_enabled=True):
    """The Arrow schema of a file."""
    with ParquetFile(
        where, memory_map=memory_map, decryption_properties=decryption_properties, filesystem=filesystem,
        arrow_extensions_enabled=arrow_extensions_enabled,
    ) as file:
        return file.schema_arrow
