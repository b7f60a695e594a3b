"""The formats of files in a dataset: how they are read and written."""

from ._errors import ArrowNotImplementedError


class FragmentScanOptions:
    """How the files of a dataset are read."""


class FileWriteOptions:
    """How the files of a dataset are written."""

    def __init__(self):
        raise TypeError("Do not call FileWriteOptions's constructor directly, use make_write_options of a format instead.")


class ParquetEncryptionConfig:
    """How the files of a dataset that is written are encrypted: `make_write_options(encryption_config=...)`. All files of
    one writing have the same keys, which the service wraps once; numbers of their own keep them apart."""

    def __init__(self, crypto_factory, kms_connection_config, encryption_config):
        if encryption_config is None:
            raise ValueError("encryption_config cannot be None")
        self._parts = crypto_factory, kms_connection_config, encryption_config

    def _engine_options(self, source=None):
        factory, connection, config = self._parts
        if not config.internal_key_material:
            raise ArrowNotImplementedError(
                "internal_key_material=False is not supported for datasets: key material lies beside a file whose name is "
                "known before it is written; write file by file, with CryptoFactory.file_encryption_properties(..., path)")
        return factory.file_encryption_properties(connection, config)._engine_options()


class ParquetDecryptionConfig:
    """How the files of a dataset are decrypted whose keys a key management service wraps."""

    def __init__(self, crypto_factory, kms_connection_config, decryption_config):
        if decryption_config is None:
            raise ValueError("decryption_config cannot be None")
        self._parts = crypto_factory, kms_connection_config, decryption_config

    def _engine_options(self, source=None):
        return self._parts[0].file_decryption_properties(*self._parts[1:])._engine_options(source)


class ParquetFragmentScanOptions(FragmentScanOptions):
    """How the files of a dataset are read; what concerns reading ahead and limits of Thrift is accepted and not needed."""

    def __init__(
        self, use_buffered_stream=False, *, buffer_size=8192, pre_buffer=True, cache_options=None,
        thrift_string_size_limit=None, thrift_container_size_limit=None, schema_depth_limit=None, decryption_config=None,
        decryption_properties=None, page_checksum_verification=None, arrow_extensions_enabled=True,
    ):
        if decryption_config is not None and decryption_properties is not None:
            raise ValueError("decryption_config and decryption_properties exclude each other")
        self.parquet_decryption_config = decryption_config
        self.decryption_properties = decryption_properties
        self.use_buffered_stream = use_buffered_stream
        self.buffer_size = buffer_size
        self.pre_buffer = pre_buffer
        self.cache_options = cache_options
        self.thrift_string_size_limit = 100_000_000 if thrift_string_size_limit is None else thrift_string_size_limit
        self.thrift_container_size_limit = (
            1_000_000 if thrift_container_size_limit is None else thrift_container_size_limit)
        self.schema_depth_limit = schema_depth_limit
        self.page_checksum_verification = page_checksum_verification
        self.arrow_extensions_enabled = arrow_extensions_enabled

    def equals(self, other):
        return isinstance(other, ParquetFragmentScanOptions) and self.__dict__ == other.__dict__

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, ParquetFragmentScanOptions) else NotImplemented

    __hash__ = object.__hash__

    def _file_options(self):
        return {
            "decryption_properties": self.parquet_decryption_config or self.decryption_properties,
            "page_checksum_verification": self.page_checksum_verification,
            "arrow_extensions_enabled": self.arrow_extensions_enabled,
            "thrift_string_size_limit": self.thrift_string_size_limit,
            "thrift_container_size_limit": self.thrift_container_size_limit,
            "schema_depth_limit": self.schema_depth_limit,
        }


class ParquetReadOptions:
    """Which types Parquet columns get: those in `dictionary_columns` stay dictionaries."""

    _names = ("dictionary_columns", "coerce_int96_timestamp_unit", "binary_type", "list_type")

    def __init__(self, dictionary_columns=None, coerce_int96_timestamp_unit=None, binary_type=None, list_type=None):
        self.dictionary_columns = set(dictionary_columns or ())
        self.coerce_int96_timestamp_unit = "ns" if coerce_int96_timestamp_unit is None else coerce_int96_timestamp_unit
        if self.coerce_int96_timestamp_unit not in ("s", "ms", "us", "ns"):
            raise ValueError(f"Invalid value for coerce_int96_timestamp_unit: {coerce_int96_timestamp_unit!r}")
        from ._types import ListType, binary

        self.binary_type = binary() if binary_type is None else binary_type
        self.list_type = ListType if list_type is None else list_type

    def _file_options(self):
        unit = None if self.coerce_int96_timestamp_unit == "ns" else self.coerce_int96_timestamp_unit
        return {
            "read_dictionary": sorted(self.dictionary_columns) or None, "coerce_int96_timestamp_unit": unit,
            "binary_type": None if str(self.binary_type) == "binary" else self.binary_type,
            "list_type": None if self.list_type.__name__ == "ListType" else self.list_type,
        }

    def equals(self, other):
        return isinstance(other, ParquetReadOptions) and self.__dict__ == other.__dict__

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, ParquetReadOptions) else NotImplemented

    __hash__ = object.__hash__

    def __repr__(self):
        return (f"<ParquetReadOptions dictionary_columns={self.dictionary_columns} "
                f"coerce_int96_timestamp_unit={self.coerce_int96_timestamp_unit} binary_type={self.binary_type} "
                f"list_type={self.list_type}>")


class FileFormat:
    """A format of files in a dataset."""

    _options = {}

    def __init__(self):
        raise TypeError("Do not call FileFormat's constructor directly, use ParquetFileFormat or IpcFileFormat instead.")

    def inspect(self, file, filesystem=None):
        """The schema of a file."""
        return self.make_fragment(file, filesystem).physical_schema

    def is_supported(self, file, filesystem=None):
        """Whether a file can be read in this format."""
        try:
            self.inspect(file, filesystem)
        except (ValueError, OSError):
            return False
        return True

    def make_fragment(self, file, filesystem=None, partition_expression=None, *, file_size=None):
        """A fragment of one file: a path, a Buffer or a file object."""
        from ._dataset_fragment import FileFragment
        from ._fs_resolve import located

        place, elsewhere = located(file, filesystem)
        return FileFragment._of(self, place, elsewhere, partition_expression)

    def equals(self, other):
        return type(self) is type(other) and self._options == other._options

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, FileFormat) else NotImplemented

    __hash__ = object.__hash__

    def __repr__(self):
        return f"<{type(self).__name__}>"


class ParquetFileFormat(FileFormat):
    """Parquet as the format of a dataset; `make_write_options` takes the options of `parquet.write_table`, and
    `encryption_config`."""

    default_extname = "parquet"
    _name = "parquet"
    _title = "Parquet"

    def __init__(self, read_options=None, default_fragment_scan_options=None, **kwargs):
        from ._parquet_options import _file_options

        mine = ("read_dictionary", "page_checksum_verification", *ParquetReadOptions._names)
        scan = {name: kwargs.pop(name) for name in list(kwargs) if name not in mine}
        if default_fragment_scan_options is None:
            try:
                default_fragment_scan_options = ParquetFragmentScanOptions(**scan)
            except TypeError:
                raise TypeError(
                    f"ParquetFileFormat() got an unexpected keyword argument '{next(iter(scan), '')}'") from None
        elif scan:
            raise ValueError("If `default_fragment_scan_options` is given, cannot specify further scan options")
        read = {name: kwargs.pop(name) for name in ParquetReadOptions._names if name in kwargs}
        if "read_dictionary" in kwargs:
            read["dictionary_columns"] = kwargs.pop("read_dictionary")
        if read_options is None:
            read_options = ParquetReadOptions(**read)
        elif isinstance(read_options, dict):
            read_options = ParquetReadOptions(**read_options)
        elif read:
            raise ValueError("If `read_options` is given, cannot specify keywords")
        self.read_options = read_options
        self.default_fragment_scan_options = default_fragment_scan_options
        self._options = _file_options(
            **default_fragment_scan_options._file_options() | kwargs | read_options._file_options())

    def make_write_options(self, **kwargs):
        config = kwargs.pop("encryption_config", None)
        if config is not None:
            kwargs["encryption_properties"] = config
        return ParquetFileWriteOptions._of({"compression": "snappy"} | kwargs)

    def make_fragment(self, file, filesystem=None, partition_expression=None, row_groups=None, *, file_size=None):
        """A fragment of one file, or of some of its row groups."""
        made = super().make_fragment(file, filesystem, partition_expression)
        made._row_groups = None if row_groups is None else [int(i) for i in row_groups]
        return made

    @staticmethod
    def _fragment_class():
        from ._dataset_fragment import ParquetFileFragment

        return ParquetFileFragment

    def _opened(self, source):
        from ._dataset_inputs import ParquetInput

        return ParquetInput(source, self._options)

    def __reduce__(self):
        return _parquet_format, (self.read_options, self.default_fragment_scan_options, self._options)

    def __repr__(self):
        return f"<ParquetFileFormat read_options={self.read_options}>"


def _parquet_format(read_options, scan_options, options):
    made = ParquetFileFormat(read_options, scan_options)
    made._options = options
    return made


class ParquetFileWriteOptions(FileWriteOptions):
    """How the Parquet files of a dataset are written."""

    @classmethod
    def _of(cls, options):
        from ._parquet_options import _WriterOptions

        self = object.__new__(cls)
        self._writer_options = _WriterOptions("make_write_options", options)
        return self

    format = property(lambda self: ParquetFileFormat())

    def update(self, **kwargs):
        """Changes some options."""
        self._writer_options = type(self)._of(self._writer_options._given | kwargs)._writer_options

    def engine(self):
        return self._writer_options.engine()

    def __repr__(self):
        given = " ".join(f"{name}={value}" for name, value in self._writer_options._given.items())
        return f"<martlet.dataset.ParquetFileWriteOptions {given}>"


class IpcFileWriteOptions(FileWriteOptions):
    """How the Arrow IPC files of a dataset are written."""

    @classmethod
    def _of(cls, options):
        from .ipc import IpcWriteOptions

        self = object.__new__(cls)
        self.write_options = IpcWriteOptions(**options)
        return self

    format = property(lambda self: IpcFileFormat())

    def __repr__(self):
        return f"<martlet.dataset.IpcFileWriteOptions {self.write_options}>"


class IpcFileFormat(FileFormat):
    """Arrow IPC files as the format of a dataset."""

    default_extname = "arrow"
    default_fragment_scan_options = None
    _name = "ipc"
    _title = "IPC"

    def __init__(self):
        pass

    def make_write_options(self, **kwargs):
        return IpcFileWriteOptions._of(kwargs)

    @staticmethod
    def _fragment_class():
        from ._dataset_fragment import FileFragment

        return FileFragment

    def _opened(self, source):
        from ._dataset_inputs import IpcInput

        return IpcInput(source, self._options)

    def __reduce__(self):
        return IpcFileFormat, ()


class FeatherFileFormat(IpcFileFormat):
    """Feather files, which are Arrow IPC files with another ending."""

    default_extname = "feather"

    def __reduce__(self):
        return FeatherFileFormat, ()


def _format(value):
    if value is None:
        return ParquetFileFormat()
    if isinstance(value, FileFormat):
        return value
    if value == "parquet":
        return ParquetFileFormat()
    if value in ("ipc", "arrow"):
        return IpcFileFormat()
    if value == "feather":
        return FeatherFileFormat()
    if value in ("csv", "json", "orc"):
        raise ArrowNotImplementedError(f"format={value!r} is not supported; 'parquet' and 'ipc' are")
    raise ValueError(f"format '{value}' is not supported; 'parquet' and 'ipc' are")
