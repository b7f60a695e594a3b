"""Options and counts of IPC readers and writers."""

import enum
from collections import namedtuple

from ._errors import ArrowNotImplementedError

_Stats = namedtuple(
    "_Stats",
    ["num_messages", "num_record_batches", "num_dictionary_batches", "num_dictionary_deltas", "num_replaced_dictionaries"],
)


class WriteStats(_Stats):
    """How many messages of each kind were written."""

    __slots__ = ()


class ReadStats(_Stats):
    """How many messages of each kind were read."""

    __slots__ = ()


class MetadataVersion(enum.IntEnum):
    """The versions of the format's metadata; V4 and V5 are read and written."""

    V1 = 0
    V2 = 1
    V3 = 2
    V4 = 3
    V5 = 4


class Alignment(enum.IntEnum):
    """What `IpcReadOptions.ensure_alignment` may be. Buffers are aligned for their types in any case."""

    Any = 0
    At64Byte = 1
    DataTypeSpecific = 2


class IpcWriteOptions:
    """Options of writers: `compression` of buffers ('lz4', 'zstd', None, or a codec with a level), dictionary deltas and
    unification, and forms for old readers: `metadata_version` V4 (before Arrow 1.0), `use_legacy_format` (before 0.15).
    `alignment` of buffers is 8, or 64 for readers that want it."""

    __slots__ = (
        "_version", "allow_64bit", "use_legacy_format", "_compression", "_level", "use_threads",
        "emit_dictionary_deltas", "unify_dictionaries", "alignment",
    )

    def __init__(
        self,
        metadata_version=MetadataVersion.V5,
        *,
        allow_64bit=False,
        use_legacy_format=False,
        compression=None,
        use_threads=True,
        emit_dictionary_deltas=False,
        unify_dictionaries=False,
        alignment=8,
    ):
        self.metadata_version = metadata_version
        self.allow_64bit = allow_64bit
        self.use_legacy_format = use_legacy_format
        self.compression = compression
        self.use_threads = use_threads
        self.emit_dictionary_deltas = emit_dictionary_deltas
        self.unify_dictionaries = unify_dictionaries
        self.alignment = alignment

    @property
    def metadata_version(self):
        return self._version

    @metadata_version.setter
    def metadata_version(self, value):
        if not isinstance(value, int):
            raise TypeError(f"expected MetadataVersion, got {type(value).__name__}")
        if value not in (MetadataVersion.V4, MetadataVersion.V5):
            kind = ArrowNotImplementedError if value in tuple(MetadataVersion) else ValueError
            raise kind(f"metadata_version={value!r}: V4 and V5 are written")
        self._version = MetadataVersion(value)

    @property
    def compression(self):
        return self._compression

    @compression.setter
    def compression(self, value):
        self._level = None
        if value is not None and not isinstance(value, str):  # pyarrow.Codec("zstd", level)
            self._level = getattr(value, "compression_level", None)
            value = getattr(value, "name", value)
        if value is not None and (not isinstance(value, str) or value.lower() not in ("lz4", "lz4_frame", "zstd")):
            raise ValueError(f"Invalid value for compression: {value!r}; the format knows 'lz4' and 'zstd'")
        self._compression = value if value is None else value.lower().replace("_frame", "")

    def _options(self):
        return {
            "metadata_version": MetadataVersion(self.metadata_version).name,
            "use_legacy_format": bool(self.use_legacy_format),
            "allow_64bit": bool(self.allow_64bit),
            "alignment": self.alignment,
            "compression": self._compression,
            "compression_level": self._level,
            "use_threads": bool(self.use_threads),
            "emit_dictionary_deltas": bool(self.emit_dictionary_deltas),
        }

    def __repr__(self):
        compression = f'"{self._compression}"' if self._compression else "None"
        return (
            f"<martlet.ipc.IpcWriteOptions allow_64bit={self.allow_64bit} use_legacy_format={self.use_legacy_format} "
            f"metadata_version={MetadataVersion(self.metadata_version).name} compression={compression} use_threads={self.use_threads} "
            f"emit_dictionary_deltas={self.emit_dictionary_deltas} unify_dictionaries={self.unify_dictionaries}>"
        )


class IpcReadOptions:
    """Options of readers: `included_fields` are the positions of the top-level fields to read, all when empty."""

    __slots__ = ("ensure_native_endian", "ensure_alignment", "use_threads", "_fields")

    def __init__(
        self, ensure_native_endian=True, *, ensure_alignment=Alignment.Any, use_threads=True, included_fields=None
    ):
        self.ensure_native_endian = ensure_native_endian
        self.ensure_alignment = Alignment(ensure_alignment)
        self.use_threads = use_threads
        self.included_fields = list(included_fields or [])

    @property
    def included_fields(self):
        return self._fields

    @included_fields.setter
    def included_fields(self, value):
        self._fields = list(value)

    def _options(self):
        fields = ",".join(str(int(i)) for i in self.included_fields)
        return {
            "use_threads": bool(self.use_threads),
            "included_fields": fields or None,
            "ensure_native_endian": bool(self.ensure_native_endian),
            "alignment": 64 if self.ensure_alignment == Alignment.At64Byte else None,
        }

    def __repr__(self):
        return (
            f"<martlet.ipc.IpcReadOptions ensure_native_endian={self.ensure_native_endian} "
            f"ensure_alignment={self.ensure_alignment.name} use_threads={self.use_threads} "
            f"included_fields={self.included_fields}>"
        )


def checked(options, kind):
    """`options`, or new ones of their class for None."""
    if options is None:
        return kind()
    if not isinstance(options, kind):
        raise TypeError(f"expected {kind.__name__}, got {type(options)}")
    return options
