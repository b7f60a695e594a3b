"""The formats of files in a dataset, and how the names of its directories give columns."""

from ._errors import ArrowNotImplementedError
from ._schema import Schema, schema as _as_schema


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


class ParquetFragmentScanOptions:
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
        self.page_checksum_verification = page_checksum_verification
        self.arrow_extensions_enabled = arrow_extensions_enabled

    def _file_options(self):
        return {
            "decryption_properties": self.parquet_decryption_config or self.decryption_properties,
            "page_checksum_verification": self.page_checksum_verification,
            "arrow_extensions_enabled": self.arrow_extensions_enabled,
        }


class ParquetFileFormat:
    """Parquet as the format of a dataset; `make_write_options` takes the options of `parquet.write_table`, and
    `encryption_config`."""

    default_extname = "parquet"
    _name = "parquet"

    def __init__(self, read_options=None, default_fragment_scan_options=None, **kwargs):
        from ._parquet_options import _file_options

        names = ("read_dictionary", "coerce_int96_timestamp_unit", "page_checksum_verification", "dictionary_columns")
        for name in kwargs:
            if name not in names:
                raise TypeError(f"ParquetFileFormat() got an unexpected keyword argument '{name}'")
        kwargs["read_dictionary"] = kwargs.pop("dictionary_columns", None) or kwargs.get("read_dictionary")
        self.default_fragment_scan_options = default_fragment_scan_options
        if default_fragment_scan_options is not None:
            kwargs = default_fragment_scan_options._file_options() | kwargs
        self._options = _file_options(**kwargs)

    def make_write_options(self, **kwargs):
        from ._parquet_options import _WriterOptions

        config = kwargs.pop("encryption_config", None)
        if config is not None:
            kwargs["encryption_properties"] = config
        return _WriterOptions("make_write_options", {"compression": "snappy"} | kwargs)

    def __eq__(self, other):
        return isinstance(other, ParquetFileFormat) and self._options == other._options

    __hash__ = object.__hash__

    def __repr__(self):
        return "<ParquetFileFormat>"


class IpcFileFormat:
    """Arrow IPC files as the format of a dataset."""

    default_extname = "arrow"
    _name = "ipc"
    _options = {}

    def make_write_options(self, **kwargs):
        from .ipc import IpcWriteOptions

        return IpcWriteOptions(**kwargs)

    def __eq__(self, other):
        return isinstance(other, IpcFileFormat)

    __hash__ = object.__hash__

    def __repr__(self):
        return "<IpcFileFormat>"


def _format(value):
    if value is None:
        return ParquetFileFormat()
    if isinstance(value, (ParquetFileFormat, IpcFileFormat)):
        return value
    if value == "parquet":
        return ParquetFileFormat()
    if value in ("ipc", "arrow", "feather"):
        return IpcFileFormat()
    if value in ("csv", "json", "orc"):
        raise ArrowNotImplementedError(f"format={value!r} is not supported; 'parquet' and 'ipc' are")
    raise ValueError(f"format '{value}' is not supported; 'parquet' and 'ipc' are")


class Partitioning:
    """How the names of directories give the values of columns."""

    _flavor = "none"

    def __init__(self, schema):
        self.schema = schema


class HivePartitioning(Partitioning):
    """Directories named `key=value`."""

    _flavor = "hive"

    def __init__(self, schema=None, dictionaries=None, null_fallback="__HIVE_DEFAULT_PARTITION__", segment_encoding="uri"):
        if null_fallback != "__HIVE_DEFAULT_PARTITION__":
            raise ArrowNotImplementedError("null_fallback: only '__HIVE_DEFAULT_PARTITION__' is supported")
        if segment_encoding != "uri":
            raise ArrowNotImplementedError("segment_encoding: only 'uri' is supported")
        super().__init__(schema)
        self.null_fallback = null_fallback

    @staticmethod
    def discover(*args, **kwargs):
        return HivePartitioning()

    def __repr__(self):
        return f"<HivePartitioning {self.schema.names if self.schema else ''}>"


def partitioning(schema=None, field_names=None, flavor=None, dictionaries=None):
    """A partitioning; `flavor='hive'` is supported: directories named `key=value`."""
    if flavor != "hive":
        raise ArrowNotImplementedError(
            f"partitioning(flavor={flavor!r}) is not supported; use flavor='hive': directories named key=value"
        )
    if field_names is not None:
        raise ValueError("Cannot specify 'field_names' for flavor 'hive'")
    if schema is not None and not isinstance(schema, Schema):
        if not hasattr(schema, "__arrow_c_schema__"):
            raise ValueError(f"Expected Schema for 'schema', got {type(schema)}")
        schema = _as_schema(schema)
    return HivePartitioning(schema)


def _flavor(value):
    """The engine's name of a partitioning for reading, and the schema of its keys if it has one."""
    if value is None:
        return "none", None
    if isinstance(value, str):
        if value != "hive":
            raise ValueError(f"partitioning={value!r} is not supported; use 'hive' or None")
        return "hive", None
    if isinstance(value, Partitioning):
        return value._flavor, value.schema
    if isinstance(value, (list, tuple)):
        raise ArrowNotImplementedError(
            "partitioning by a list of names (directories without keys) is not supported for reading; use 'hive'"
        )
    raise TypeError(f"partitioning must be 'hive', None or a Partitioning, got {type(value).__name__}")
