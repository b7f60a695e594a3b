"""Extension types: a storage type with a name and a meaning. Those that Arrow itself names, and those of users."""

import json

from . import _abi, _metadata
from . import _types as t
from ._errors import ArrowInvalid, ArrowKeyError, ArrowNotImplementedError
from ._type_classes import DataType

_NAME, _METADATA = b"ARROW:extension:name", b"ARROW:extension:metadata"


class BaseExtensionType(DataType):
    """What all extension types have in common."""

    __slots__ = ("storage_type", "_name")

    def _fill(self, storage_type, name):
        self.id, self._format, self._bits, self._native = (
            t.Type_EXTENSION, storage_type._format, storage_type._bits, None)
        self._handle_ = self._hash = None
        self.storage_type, self._name = storage_type, name

    def _check_items(self, items):
        """Errors for Python values that the type cannot be made of, though its storage could."""

    @classmethod
    def _over(cls, storage_type, name):
        self = object.__new__(cls)
        self._fill(storage_type, name)
        return self

    @property
    def extension_name(self):
        return self._name

    @property
    def _text(self):
        return f"extension<{self._name}{self._details()}>"

    def _details(self):
        return ""

    def _serialized(self):
        """The parameters, in the bytes of `ARROW:extension:metadata`."""
        return b""

    @property
    def _extension_pairs(self):
        return {_NAME: self._name.encode(), _METADATA: self._serialized()}

    def _tree(self, name="", nullable=True, metadata=None):
        pairs = (_metadata.from_c(metadata) or {}) | self._extension_pairs
        format, name, _, flags, children, dictionary = self.storage_type._tree(name, nullable)
        return format, name, _metadata.to_c(pairs), flags, children, dictionary

    @property
    def num_buffers(self):
        return self.storage_type.num_buffers

    @property
    def has_variadic_buffers(self):
        return self.storage_type.has_variadic_buffers

    def _equal_parts(self, other, check_metadata):
        return (
            self._name == other._name and self.storage_type.equals(other.storage_type, check_metadata=check_metadata)
            and self._serialized() == other._serialized())

    def _hash_parts(self):
        return self._name, self.storage_type, self._serialized()

    def __arrow_ext_class__(self):
        """The class of arrays of this type."""
        from . import _extension_arrays
        return getattr(_extension_arrays, type(self).__name__.replace("Type", "Array"), _extension_arrays.ExtensionArray)

    def __arrow_ext_scalar_class__(self):
        """The class of scalars of this type."""
        from . import _extension_arrays
        return getattr(
            _extension_arrays, type(self).__name__.replace("Type", "Scalar"), _extension_arrays.ExtensionScalar)

    def wrap_array(self, storage):
        """The values of an Array or ChunkedArray of the storage type as this type."""
        from ._extension_arrays import wrap_storage
        return wrap_storage(self, storage)


class ExtensionType(BaseExtensionType):
    """Base class of users' types: `super().__init__(storage_type, name)`, `__arrow_ext_serialize__(self)` that gives the
    parameters as bytes, and the class method `__arrow_ext_deserialize__(cls, storage_type, serialized)`."""

    __slots__ = ()

    def __init__(self, storage_type, extension_name):
        if type(self) is ExtensionType:
            raise TypeError("Can only instantiate subclasses of ExtensionType")
        if not isinstance(storage_type, DataType):
            raise TypeError(
                "Argument 'storage_type' has incorrect type (expected martlet.lib.DataType, got "
                f"{type(storage_type).__name__})")
        if isinstance(extension_name, bytes):
            extension_name = extension_name.decode()
        self._fill(storage_type, extension_name)

    def __arrow_ext_serialize__(self):
        raise NotImplementedError

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        raise NotImplementedError

    def __arrow_ext_class__(self):
        from ._extension_arrays import ExtensionArray
        return ExtensionArray

    def __arrow_ext_scalar_class__(self):
        from ._extension_arrays import ExtensionScalar
        return ExtensionScalar

    def _serialized(self):
        return bytes(self.__arrow_ext_serialize__())

    def _details(self):
        return f"<{type(self).__name__}>"

    def __repr__(self):
        return f"{type(self).__name__}({self.storage_type!r})"

    def __reduce__(self):
        return type(self).__arrow_ext_deserialize__, (self.storage_type, self._serialized())


class UnknownExtensionType(ExtensionType):
    """A type whose name is not registered; name and parameters go on as they came."""

    __slots__ = ("_bytes",)

    def __init__(self, storage_type, serialized, extension_name="martlet.unknown"):
        self._bytes = serialized
        super().__init__(storage_type, extension_name)

    def __arrow_ext_serialize__(self):
        return self._bytes

    def _details(self):
        return ""

    def __reduce__(self):
        return UnknownExtensionType, (self.storage_type, self._bytes, self._name)


# ---- registered names ------------------------------------------------------------------------------------------------

_registered = {}


def register_extension_type(ext_type):
    """Makes data whose fields have this type's name come in as this type."""
    if not isinstance(ext_type, BaseExtensionType):
        raise TypeError(f"Argument 'ext_type' has incorrect type (expected martlet.lib.BaseExtensionType, got "
                        f"{type(ext_type).__name__})")
    name = ext_type.extension_name
    if name in _registered or name in _CANONICAL:
        raise ArrowKeyError(f"A type extension with name {name} already defined")
    _registered[name] = type(ext_type)
    # What came in before a name was known comes in anew.
    _abi.native.forget()


def unregister_extension_type(type_name):
    """Forgets a registered name."""
    if isinstance(type_name, bytes):
        type_name = type_name.decode()
    if _registered.pop(type_name, None) is None:
        raise ArrowKeyError(f"No type extension with name {type_name} found")
    _abi.native.forget()


def extension_from_tree(tree):
    """The extension type that the metadata of a tree of the C Data interface names, or None."""
    pairs = _metadata.from_c(tree[2]) or {}
    return extension_of(t._storage_from_tree(tree), pairs) if _NAME in pairs else None


def extension_of(storage, pairs):
    """The extension type over `storage` that the metadata of a field names."""
    name, serialized = pairs[_NAME].decode("utf-8", "replace"), pairs.get(_METADATA, b"")
    known = _registered.get(name)
    if known is not None:
        return known.__arrow_ext_deserialize__(storage, serialized)
    canonical = _CANONICAL.get(name)
    if canonical is not None:
        try:
            return canonical._read(storage, serialized)
        except (ArrowInvalid, ValueError, TypeError, KeyError):
            pass  # not as the specification has it: it goes on under its name
    return UnknownExtensionType(storage, serialized, name)


def without_extension(pairs):
    """Metadata of a field without what its extension type says by itself."""
    left = {k: v for k, v in (pairs or {}).items() if k not in (_NAME, _METADATA)}
    return left or None


# ---- the types that Arrow names --------------------------------------------------------------------------------------


class _Plain(BaseExtensionType):
    """A type without parameters. Metadata that came with one goes on, and does not count."""

    __slots__ = ("_bytes",)

    @classmethod
    def _read(cls, storage, serialized=b""):
        if not cls._allows(storage):
            raise ArrowInvalid(f"Invalid storage type for {cls.__name__.replace('Type', 'ExtensionType')}: {storage}")
        self = cls._over(storage, cls._extension_name)
        self._bytes = serialized
        return self

    def _serialized(self):
        return self._bytes

    def _equal_parts(self, other, check_metadata):
        return self.storage_type.equals(other.storage_type, check_metadata=check_metadata)

    def _hash_parts(self):
        return self._name, self.storage_type


class UuidType(_Plain):
    """UUIDs: 16 bytes each."""

    __slots__ = ()
    _extension_name = "arrow.uuid"

    @staticmethod
    def _allows(storage):
        return storage.id == t.Type_FIXED_SIZE_BINARY and storage.byte_width == 16


class Bool8Type(_Plain):
    """Booleans of 8 bits each; all but 0 is true."""

    __slots__ = ()
    _extension_name = "arrow.bool8"

    @staticmethod
    def _allows(storage):
        return storage.id == t.Type_INT8


class JsonType(_Plain):
    """Texts that are JSON."""

    __slots__ = ()
    _extension_name = "arrow.json"

    @staticmethod
    def _allows(storage):
        return storage.id in (t.Type_STRING, t.Type_LARGE_STRING, t.Type_STRING_VIEW)


class ParquetVariantType(_Plain):
    """Values of Parquet's Variant encoding: a struct of `metadata` and `value`, of `typed_value` or of both."""

    __slots__ = ()
    _extension_name = "arrow.parquet.variant"

    @staticmethod
    def _allows(storage):
        if storage.id != t.Type_STRUCT:
            return False
        names = storage.names
        return "metadata" in names and ("value" in names or "typed_value" in names)


class TimestampWithOffsetType(_Plain):
    """Moments in UTC, each with the minutes that its own time zone is ahead."""

    __slots__ = ()
    _extension_name = "arrow.timestamp_with_offset"

    @staticmethod
    def _allows(storage):
        if storage.id != t.Type_STRUCT or storage.names != ["timestamp", "offset_minutes"]:
            return False
        moment, offset = (f.type for f in storage)
        plain = getattr(offset, "value_type", offset)
        return moment.id == t.Type_TIMESTAMP and moment.tz is not None and plain.id == t.Type_INT16


class OpaqueType(BaseExtensionType):
    """Values of a type of another system that nobody here understands."""

    __slots__ = ("type_name", "vendor_name", "_bytes")
    _extension_name = "arrow.opaque"

    @classmethod
    def _read(cls, storage, serialized):
        described = json.loads(serialized)
        return cls._named(storage, described["type_name"], described["vendor_name"], serialized)

    @classmethod
    def _named(cls, storage, type_name, vendor_name, serialized=None):
        self = cls._over(storage, cls._extension_name)
        self.type_name, self.vendor_name = type_name, vendor_name
        self._bytes = serialized or _json({"type_name": type_name, "vendor_name": vendor_name})
        return self

    def _serialized(self):
        return self._bytes

    def _details(self):
        return f"[storage_type={self.storage_type}, type_name={self.type_name}, vendor_name={self.vendor_name}]"

    def _equal_parts(self, other, check_metadata):
        return self._hash_parts() == other._hash_parts()

    def _hash_parts(self):
        return self.storage_type, self.type_name, self.vendor_name


class _TensorType(BaseExtensionType):
    __slots__ = ("_described", "_bytes")

    def _serialized(self):
        return self._bytes

    @property
    def dim_names(self):
        """The names of the dimensions, or None."""
        return self._described.get("dim_names")

    @property
    def permutation(self):
        """For each dimension of the logical layout the dimension in memory, or None."""
        return self._described.get("permutation")

    def _details(self):
        parts = [f"value_type={self.value_type}"] + [
            f"{key}=[{','.join('null' if x is None else str(x) for x in self._described[key])}]"
            for key in ("shape", "permutation", "dim_names", "uniform_shape") if self._described.get(key) is not None]
        return f"[{', '.join(parts)}]"

    def _equal_parts(self, other, check_metadata):
        return self.storage_type == other.storage_type and self._described == other._described

    def _hash_parts(self):
        return self.storage_type, json.dumps(self._described, sort_keys=True)

    def _check(self, dimensions):
        for key in ("dim_names", "permutation", "uniform_shape"):
            found = self._described.get(key)
            if found is not None and len(found) != dimensions:
                raise ArrowInvalid(
                    f"{key} size must match shape size. Expected: {dimensions} Got: {len(found)}")
        if self.permutation is not None and sorted(self.permutation) != list(range(dimensions)):
            raise ArrowInvalid(
                f"Permutation indices for {dimensions} dimensional tensors must be unique and within "
                f"[0, {dimensions - 1}] range. Got: [{','.join(map(str, self.permutation))}]")


class FixedShapeTensorType(_TensorType):
    """Tensors of one shape."""

    __slots__ = ()
    _extension_name = "arrow.fixed_shape_tensor"

    @classmethod
    def _read(cls, storage, serialized):
        return cls._shaped(storage, json.loads(serialized), serialized)

    @classmethod
    def _shaped(cls, storage, described, serialized=None):
        if storage.id != t.Type_FIXED_SIZE_LIST:
            raise ArrowInvalid(f"Expected FixedSizeList storage type, got {storage}")
        self = cls._over(storage, cls._extension_name)
        described = {k: v for k, v in described.items() if v is not None}
        described["shape"] = [int(n) for n in described["shape"]]
        self._described, self._bytes = described, serialized or _json(described)
        for n in self.shape:
            if n < 0:
                raise ArrowInvalid(f"shape must have non-negative values, got {n}")
        self._check(len(self.shape))
        size = 1
        for n in self.shape:
            size *= n
        if size != storage.list_size:
            raise ArrowInvalid(f"a list of {storage.list_size} values does not have the shape {self.shape}")
        return self

    @property
    def value_type(self):
        return self.storage_type.value_type

    @property
    def shape(self):
        return self._described["shape"]

    def _check_items(self, items):
        """Errors: an ndarray of more than one dimension that does not have the shape of this type."""
        for i, item in enumerate(items):
            if getattr(item, "ndim", 1) == 1:
                continue
            if self.permutation not in (None, sorted(self.permutation or ())):
                raise ArrowNotImplementedError(f"arrays for {self}, which has a permutation: pass its items flat, or see "
                                               "FixedShapeTensorArray.from_numpy_ndarray")
            if list(item.shape) != self.shape:
                raise ArrowInvalid(f"Expected a tensor of shape {self.shape}, got one of shape {list(item.shape)}; item {i}")


class VariableShapeTensorType(_TensorType):
    """Tensors of one number of dimensions: a struct of `data` and `shape`."""

    __slots__ = ()
    _extension_name = "arrow.variable_shape_tensor"

    @classmethod
    def _read(cls, storage, serialized):
        return cls._described_as(storage, json.loads(serialized or b"{}"), serialized)

    @classmethod
    def _described_as(cls, storage, described, serialized=None):
        if storage.id != t.Type_STRUCT or sorted(storage.names) != ["data", "shape"]:
            raise ArrowInvalid(f"Expected a struct of data and shape as storage type, got {storage}")
        self = cls._over(storage, cls._extension_name)
        if storage.field("data").type.id != t.Type_LIST or storage.field("shape").type.id != t.Type_FIXED_SIZE_LIST:
            raise ArrowInvalid(f"Expected data to be a list and shape a fixed size list, got {storage}")
        self._described = {k: v for k, v in described.items() if v is not None}
        self._bytes = serialized if serialized is not None else _json(self._described) if self._described else b""
        self._check(self.dimensions)
        return self

    @property
    def value_type(self):
        return self.storage_type.field("data").type.value_type

    @property
    def dimensions(self):
        """How many dimensions each tensor has."""
        return self.storage_type.field("shape").type.list_size

    @property
    def uniform_shape(self):
        """The sizes that all tensors share, None where they differ; None when nothing is said."""
        return self._described.get("uniform_shape")


def _json(described):
    return json.dumps(described, separators=(",", ":")).encode()


_CANONICAL = {
    cls._extension_name: cls for cls in (
        FixedShapeTensorType, VariableShapeTensorType, JsonType, UuidType, Bool8Type, OpaqueType, ParquetVariantType,
        TimestampWithOffsetType)
}

_UUID = UuidType._read(t.binary(16))
_BOOL8 = Bool8Type._read(t.int8())


def uuid():
    """UUIDs: 16 bytes each."""
    return _UUID


def bool8():
    """Booleans of 8 bits each."""
    return _BOOL8


def json_(storage_type=None):
    """Texts that are JSON; stored as string (the default), large_string or string_view."""
    return JsonType._read(t.string() if storage_type is None else storage_type)


def opaque(storage_type, type_name, vendor_name):
    """Values of the type `type_name` of the system `vendor_name`, stored as `storage_type`."""
    if not isinstance(storage_type, DataType):
        raise TypeError(
            "Argument 'storage_type' has incorrect type (expected martlet.lib.DataType, got "
            f"{type(storage_type).__name__})")
    return OpaqueType._named(storage_type, type_name, vendor_name)


def fixed_shape_tensor(value_type, shape, dim_names=None, permutation=None):
    """Tensors of the shape `shape`; `permutation` says which dimension in memory each logical one is."""
    shape, size = [int(n) for n in shape], 1
    for n in shape:
        if n < 0:
            raise ArrowInvalid(f"shape must have non-negative values, got {n}")
        size *= n
    described = {
        "shape": shape, "permutation": None if permutation is None else [int(n) for n in permutation],
        "dim_names": None if dim_names is None else list(dim_names),
    }
    return FixedShapeTensorType._shaped(t.list_(value_type, size), described)


def variable_shape_tensor(value_type, dimensions, dim_names=None, permutation=None, uniform_shape=None):
    """Tensors of `dimensions` dimensions each."""
    described = {"permutation": permutation, "dim_names": dim_names, "uniform_shape": uniform_shape}
    storage = t.struct([("data", t.list_(value_type)), ("shape", t.list_(t.int32(), dimensions))])
    return VariableShapeTensorType._described_as(
        storage, {k: None if v is None else list(v) for k, v in described.items()})


def parquet_variant(storage_type=None):
    """Values of Parquet's Variant encoding."""
    from ._field import field
    plain = t.struct([field("metadata", t.binary(), False), field("value", t.binary(), False)])
    return ParquetVariantType._read(plain if storage_type is None else storage_type)


def timestamp_with_offset(unit="us"):
    """Moments in UTC, each with the minutes that its own time zone is ahead."""
    from ._field import field
    return TimestampWithOffsetType._read(t.struct([
        field("timestamp", t.timestamp(unit, "UTC"), False), field("offset_minutes", t.int16(), False)]))
