"""Arrays and scalars of extension types."""

from . import _abi
from . import _types as t
from ._array import Array, _lib, wrap
from ._chunked import ChunkedArray, make_chunked
from ._errors import ArrowInvalid, ArrowTypeError
from ._extension_types import BaseExtensionType, fixed_shape_tensor
from ._scalar import Scalar


def _viewed(array, type):
    """The same memory as another type of the same storage."""
    return wrap(_abi.new(_lib.martlet_array_with_schema, array, type._handle), type)


def wrap_storage(type, storage):
    """The Array or ChunkedArray of the extension type over its storage."""
    if not isinstance(storage, (Array, ChunkedArray)):
        raise TypeError(f"Expected array or chunked array, got {storage.__class__.__name__}")
    if storage.type != type.storage_type:
        raise TypeError(f"Incompatible storage type for {type}: expected {type.storage_type}, got {storage.type}")
    if isinstance(storage, ChunkedArray):
        return make_chunked([_viewed(c, type) for c in storage._chunks], type)
    return _viewed(storage, type)


class ExtensionArray(Array):
    """Values of an extension type; `storage` are the values behind them."""

    __slots__ = ()

    @staticmethod
    def from_storage(typ, storage):
        """The storage as values of the type."""
        if not isinstance(typ, BaseExtensionType):
            raise TypeError(
                "Argument 'typ' has incorrect type (expected martlet.lib.BaseExtensionType, got "
                f"{type(typ).__name__})")
        if storage.type != typ.storage_type:
            raise TypeError(f"Incompatible storage type {storage.type} for extension type {typ}")
        return _viewed(storage, typ)

    @property
    def storage(self):
        """The values behind these."""
        return _viewed(self, self.type.storage_type)

    def equals(self, other):
        """Whether both have the same type and values; where the type was told makes no difference."""
        if not isinstance(other, ExtensionArray):
            return super().equals(other)
        return self.type == other.type and self.storage.equals(other.storage)

    def _children(self):
        return self.storage._children()

    def buffers(self):
        return self.storage.buffers()

    def _scalar(self, i):
        return scalar_over(self.type, self.storage[i])

    def __iter__(self):
        for value in self.storage:
            yield scalar_over(self.type, value)

    def to_pylist(self, *, maps_as_pydicts=None):
        """A list of Python values, None for null."""
        made_by = self.type.__arrow_ext_scalar_class__()
        if made_by.as_py is ExtensionScalar.as_py:
            return self.storage.to_pylist(maps_as_pydicts=maps_as_pydicts)
        return [made.as_py(maps_as_pydicts=maps_as_pydicts) if maps_as_pydicts else made.as_py() for made in self]

    tolist = to_pylist

    def cast(self, target_type=None, safe=None, options=None, memory_pool=None):
        """The values as another type: those behind them are cast."""
        target = options.target_type if target_type is None and options is not None else t.ensure_type(target_type)
        if target == self.type:
            return self
        if isinstance(target, BaseExtensionType):
            raise ArrowTypeError(f"Casting from '{self.type}' to different extension type '{target}' not permitted. One can "
                                 "first cast to the storage type, then to the extension type.")
        return self.storage.cast(target, safe, options)

    def to_numpy(self, zero_copy_only=True, writable=False):
        return self.storage.to_numpy(zero_copy_only, writable)

    def __array__(self, dtype=None, copy=None):
        return self.storage.__array__(dtype, copy)


class UuidArray(ExtensionArray):
    """UUIDs."""

    __slots__ = ()


class JsonArray(ExtensionArray):
    """Texts that are JSON."""

    __slots__ = ()


class OpaqueArray(ExtensionArray):
    """Values that only another system understands."""

    __slots__ = ()


class ParquetVariantArray(ExtensionArray):
    """Values of Parquet's Variant encoding."""

    __slots__ = ()


class TimestampWithOffsetArray(ExtensionArray):
    """Moments with their own offsets from UTC."""

    __slots__ = ()


class Bool8Array(ExtensionArray):
    """Booleans of 8 bits each."""

    __slots__ = ()

    def to_numpy(self, zero_copy_only=True, writable=False):
        """Booleans; objects where nulls are among them."""
        if self.null_count == 0:
            numbers = self.storage.to_numpy(zero_copy_only, writable)
            import numpy as np
            # A byte other than 0 and 1 is no boolean of NumPy's.
            if not len(numbers) or (numbers.min() >= 0 and numbers.max() <= 1):
                return numbers.view(np.bool_)
            if not zero_copy_only:
                return numbers != 0
            raise ArrowInvalid("Needed to copy values other than 0 and 1, but zero_copy_only was True")
        if zero_copy_only:
            raise ArrowInvalid(f"Needed to copy 1 chunks with {self.null_count} nulls, but zero_copy_only was True")
        import numpy as np
        made = np.empty(len(self), dtype=object)
        made[:] = self.to_pylist()
        return made

    @staticmethod
    def from_storage(storage):
        """int8 numbers as booleans."""
        from ._extension_types import bool8
        return ExtensionArray.from_storage(bool8(), storage)

    @staticmethod
    def from_numpy(obj):
        """A NumPy array of bool or int8, without a copy."""
        import numpy as np
        if obj.ndim != 1:
            raise ValueError(f"Cannot convert {obj.ndim}-D array to bool8 array")
        if obj.dtype not in (np.bool_, np.int8):
            raise TypeError(f"Array dtype {obj.dtype} incompatible with bool8 storage")
        from ._builders import array
        return Bool8Array.from_storage(array(obj.view(np.int8), t.int8()))


class FixedShapeTensorArray(ExtensionArray):
    """Tensors of one shape."""

    __slots__ = ()

    def to_numpy_ndarray(self):
        """An ndarray whose first dimension counts the tensors, over this memory."""
        if self.null_count:
            raise ArrowInvalid("Array contains nulls, explicitly pass `allow_nulls=true` to leave them undefined.")
        import numpy as np
        type = self.type
        values = self.storage.flatten().to_numpy(zero_copy_only=True)
        made = values.reshape([len(self)] + type.shape)
        if type.permutation is not None:
            made = np.transpose(made, [0] + [i + 1 for i in type.permutation])
        return made

    def to_tensor(self):
        """A Tensor whose first dimension counts the tensors."""
        from ._tensor import Tensor
        names = self.type.dim_names
        if names is not None and self.type.permutation is not None:
            names = [names[i] for i in self.type.permutation]
        return Tensor.from_numpy(self.to_numpy_ndarray(), None if names is None else [""] + names)

    @staticmethod
    def from_tensor(tensor):
        """A Tensor as tensors: its first dimension counts them, and is the slowest in memory."""
        names = getattr(tensor, "dim_names", None)
        try:
            return FixedShapeTensorArray.from_numpy_ndarray(tensor.to_numpy(), list(names[1:]) if names else None)
        except ValueError as problem:
            raise ArrowInvalid(f"Only first-major tensors can be zero-copy converted to arrays: {problem}") from None

    @staticmethod
    def from_numpy_ndarray(obj, dim_names=None):
        """An ndarray as tensors: its first dimension counts them, and is the slowest in memory."""
        if obj.ndim < 2:
            raise ValueError("Cannot convert 1D array or scalar to fixed shape tensor array")
        if not obj.size:
            raise ValueError("Expected a non-empty ndarray")
        if dim_names is not None:
            if not isinstance(dim_names, (list, tuple)):
                raise TypeError("dim_names must be a tuple or list")
            if len(dim_names) != obj.ndim - 1:
                raise ValueError(f"The length of dim_names ({len(dim_names)}) does not match the dimensions of each tensor "
                                 f"({obj.ndim - 1})")
            if not all(isinstance(name, str) for name in dim_names):
                raise TypeError("Each element of dim_names must be a string")
        import numpy as np
        from ._builders import array
        from ._numpy import from_numpy_dtype
        permutation = [int(i) for i in np.argsort(np.array(obj.strides) * -1, kind="stable")]
        if permutation[0] != 0:
            raise ValueError("First stride needs to be largest to ensure that individual tensor data is contiguous in "
                             "memory.")
        physical = obj.transpose(permutation)
        shape = list(physical.shape[1:])
        order = [int(i) for i in np.argsort(permutation[1:])]
        size = 1
        for n in shape:
            size *= n
        value_type = from_numpy_dtype(obj.dtype)
        values = array(np.ravel(physical, order="C"), value_type)
        type = fixed_shape_tensor(value_type, shape, dim_names, order)
        from ._array_classes import FixedSizeListArray
        return ExtensionArray.from_storage(type, FixedSizeListArray.from_arrays(values, size))


class VariableShapeTensorArray(ExtensionArray):
    """Tensors of one number of dimensions."""

    __slots__ = ()


# ---- scalars ---------------------------------------------------------------------------------------------------------


class ExtensionScalar(Scalar):
    """One value of an extension type; `value` is the Scalar of its storage."""

    __slots__ = ("_storage", "_type")
    type = property(lambda self: self._type)

    @property
    def _array(self):
        return _viewed(self._storage._array, self.type)

    @property
    def value(self):
        """The Scalar of the storage, None for null."""
        return self._storage if self._storage.is_valid else None

    @property
    def is_valid(self):
        return self._storage.is_valid

    def as_py(self, *, maps_as_pydicts=None):
        return self._storage.as_py(maps_as_pydicts=maps_as_pydicts)

    @staticmethod
    def from_storage(typ, value):
        """A Scalar of the type from one of its storage, or from a Python value."""
        if not isinstance(typ, BaseExtensionType):
            raise TypeError("typ must be an extension type")
        from ._scalar import scalar
        if isinstance(value, Scalar) and value.type != typ.storage_type:
            raise TypeError(f"Incompatible storage type {value.type} for extension type {typ}")
        return scalar_over(typ, scalar(value, typ.storage_type))

    def cast(self, target_type=None, safe=None, options=None, memory_pool=None):
        return self._storage.cast(target_type, safe, options)

    def __reduce__(self):
        return scalar_over, (self.type, self._storage)


def scalar_over(type, storage):
    """The Scalar of an extension type over the Scalar of its storage."""
    self = object.__new__(type.__arrow_ext_scalar_class__())
    self._type, self._storage = type, storage
    return self


class UuidScalar(ExtensionScalar):
    """A UUID."""

    __slots__ = ()

    def as_py(self, *, maps_as_pydicts=None):
        value = self._storage.as_py()
        if value is None:
            return None
        from uuid import UUID
        return UUID(bytes=value)


class Bool8Scalar(ExtensionScalar):
    """A boolean."""

    __slots__ = ()

    def as_py(self, *, maps_as_pydicts=None):
        value = self._storage.as_py()
        return None if value is None else value != 0


class JsonScalar(ExtensionScalar):
    """A text that is JSON."""

    __slots__ = ()


class OpaqueScalar(ExtensionScalar):
    """A value that only another system understands."""

    __slots__ = ()


class ParquetVariantScalar(ExtensionScalar):
    """A value of Parquet's Variant encoding."""

    __slots__ = ()


class TimestampWithOffsetScalar(ExtensionScalar):
    """A moment with its own offset from UTC."""

    __slots__ = ()

    def to_datetime(self):
        """The moment as a `datetime` in its own offset, None for null."""
        value = self._storage.as_py()
        if value is None:
            return None
        import datetime
        return value["timestamp"].astimezone(
            datetime.timezone(datetime.timedelta(minutes=value["offset_minutes"])))


class FixedShapeTensorScalar(ExtensionScalar):
    """A tensor."""

    __slots__ = ()

    def to_numpy(self):
        """An ndarray."""
        return self._array.to_numpy_ndarray()[0]

    def to_tensor(self):
        from ._tensor import Tensor
        return Tensor.from_numpy(self.to_numpy())


class VariableShapeTensorScalar(ExtensionScalar):
    """A tensor."""

    __slots__ = ()

    def to_numpy(self):
        """An ndarray."""
        data, shape = self._storage["data"], self._storage["shape"].as_py()
        made = data.values.to_numpy(zero_copy_only=False).reshape(shape)
        return made if self.type.permutation is None else made.transpose(self.type.permutation)
