"""The classes of data types: immutable Python values; handles of the engine are made when needed."""

from . import _abi
from ._c_pointers import SchemaPointers

# The numbers of pyarrow's `DataType.id`.
Type_NA, Type_BOOL, Type_UINT8, Type_INT8, Type_UINT16, Type_INT16, Type_UINT32, Type_INT32 = range(8)
Type_UINT64, Type_INT64, Type_HALF_FLOAT, Type_FLOAT, Type_DOUBLE, Type_STRING, Type_BINARY = range(8, 15)
Type_FIXED_SIZE_BINARY, Type_DATE32, Type_DATE64, Type_TIMESTAMP, Type_TIME32, Type_TIME64 = range(15, 21)
Type_INTERVAL_MONTHS, Type_INTERVAL_DAY_TIME, Type_DECIMAL128, Type_DECIMAL256, Type_LIST, Type_STRUCT = range(21, 27)
Type_SPARSE_UNION, Type_DENSE_UNION, Type_DICTIONARY, Type_MAP, Type_EXTENSION, Type_FIXED_SIZE_LIST = range(27, 33)
Type_DURATION, Type_LARGE_STRING, Type_LARGE_BINARY, Type_LARGE_LIST, Type_INTERVAL_MONTH_DAY_NANO = range(33, 38)
Type_RUN_END_ENCODED, Type_STRING_VIEW, Type_BINARY_VIEW, Type_LIST_VIEW, Type_LARGE_LIST_VIEW = range(38, 43)
Type_DECIMAL32, Type_DECIMAL64 = 43, 44

_ONE_BUFFER = (Type_NA, Type_STRUCT, Type_FIXED_SIZE_LIST, Type_RUN_END_ENCODED)
_THREE_BUFFERS = (
    Type_STRING, Type_BINARY, Type_LARGE_STRING, Type_LARGE_BINARY, Type_LIST_VIEW, Type_LARGE_LIST_VIEW,
    Type_DENSE_UNION)

_NULLABLE = 2
_ORDERED = 1
_SORTED = 4


class DataType(SchemaPointers):
    """Base class of all types; compare with `==`, also with a text such as "int64"."""

    __slots__ = ("id", "_text", "_format", "_bits", "_native", "_handle_", "_hash", "__weakref__")
    # Names of the attributes that make two types of one class equal.
    _parts = ()

    def __init__(self):
        raise TypeError(
            f"Do not call {type(self).__name__}'s constructor directly, use public functions like martlet.int64, "
            "martlet.list_, etc. instead."
        )

    @classmethod
    def _make(cls, id, text, format, bits=None, native=None, **parts):
        self = object.__new__(cls)
        self.id, self._text, self._format, self._bits, self._native = id, text, format, bits, native
        self._handle_ = self._hash = None
        for name, value in parts.items():
            setattr(self, name, value)
        return self

    # ---- the engine's side ----

    @staticmethod
    def _lent_by(lender):
        from ._types import ensure_type
        return ensure_type(lender)

    def _tree(self, name="", nullable=True, metadata=None):
        """The type's field as a tree of the C Data interface."""
        flags = (_NULLABLE if nullable else 0) | self._flags()
        return self._format, name, metadata, flags, tuple(f._tree() for f in self._fields()), self._dictionary_tree()

    def _flags(self):
        return 0

    def _fields(self):
        return ()

    def _dictionary_tree(self):
        return None

    @property
    def _handle(self):
        """The SchemaHandle of a nullable field without a name of this type."""
        handle = self._handle_
        if handle is None:
            handle = self._handle_ = _abi.schema_from_tree(self._tree())
        return handle

    # ---- pyarrow's side ----

    @property
    def bit_width(self):
        """Bits of one value; ValueError for types without a fixed width."""
        if self._bits is None:
            raise ValueError("Non-fixed width type")
        return self._bits

    @property
    def byte_width(self):
        """Bytes of one value; ValueError for types without a fixed width and for booleans."""
        if self.bit_width < 8 and self.id != Type_FIXED_SIZE_BINARY:
            raise ValueError("Less than one byte")
        return self._bits // 8

    @property
    def num_fields(self):
        return len(self._fields())

    @property
    def num_buffers(self):
        """Buffers of an array of this type, the validity bitmap included."""
        if self.id in _THREE_BUFFERS:
            return 3
        return 1 if self.id in _ONE_BUFFER else 2

    @property
    def has_variadic_buffers(self):
        """Whether an array of this type may have any number of buffers after these."""
        return self.id in (Type_STRING_VIEW, Type_BINARY_VIEW)

    def field(self, i):
        """The child field at position `i` (nested types), or of this name (structs)."""
        if not isinstance(i, int):
            raise TypeError(f"Expected integer index, got {type(i)}")
        fields = self._fields()
        if not 0 <= i < len(fields):
            raise IndexError("Field index out of bounds")
        return fields[i]

    def equals(self, other, *, check_metadata=False):
        """Whether both types are the same; names inside lists and maps count only with `check_metadata`."""
        if self is other:
            return True
        if not isinstance(other, DataType):
            from ._types import type_or_none
            other = type_or_none(other)
            if other is None:
                return False
        return type(self) is type(other) and self.id == other.id and self._equal_parts(other, check_metadata)

    def _equal_parts(self, other, check_metadata):
        return all(getattr(self, name) == getattr(other, name) for name in self._parts)

    def __eq__(self, other):
        if self is other:
            return True
        if not isinstance(other, (DataType, str)):
            return NotImplemented
        try:
            return self.equals(other)
        except (TypeError, ValueError):
            return NotImplemented

    def __hash__(self):
        if self._hash is None:
            self._hash = hash((self.id,) + self._hash_parts())
        return self._hash

    def _hash_parts(self):
        return tuple(getattr(self, name) for name in self._parts)

    def __str__(self):
        return self._text

    def __repr__(self):
        return f"{type(self).__name__}({self._text})"

    def __reduce__(self):
        from ._types import _type_from_tree
        return _type_from_tree, (self._tree(),)

    def __arrow_c_schema__(self):
        return _abi.new_object(_abi.lib.martlet_python_schema_capsule, self._handle)

    def to_pandas_dtype(self):
        """The NumPy (or pandas) type that holds values without nulls."""
        from . import _numpy
        return _numpy.pandas_dtype(self)


class FixedSizeBinaryType(DataType):
    """Binary values of `byte_width` bytes."""

    __slots__ = ()
    _parts = ("_bits",)


class Time32Type(DataType):
    """Time of day in 32 bits; `unit` is "s" or "ms"."""

    __slots__ = ("unit",)
    _parts = ("unit",)


class Time64Type(DataType):
    """Time of day in 64 bits; `unit` is "us" or "ns"."""

    __slots__ = ("unit",)
    _parts = ("unit",)


class TimestampType(DataType):
    """Moments since 1970-01-01; `unit` is "s", "ms", "us" or "ns", `tz` a time zone's name or None."""

    __slots__ = ("unit", "tz")
    _parts = ("unit", "tz")


class DurationType(DataType):
    """Spans of time; `unit` is "s", "ms", "us" or "ns"."""

    __slots__ = ("unit",)
    _parts = ("unit",)


class _DecimalType(FixedSizeBinaryType):
    __slots__ = ("precision", "scale")
    _parts = ("precision", "scale")


class Decimal32Type(_DecimalType):
    """Decimal numbers of at most 9 digits; `scale` of the `precision` digits are behind the point."""

    __slots__ = ()


class Decimal64Type(_DecimalType):
    """Decimal numbers of at most 18 digits; `scale` of the `precision` digits are behind the point."""

    __slots__ = ()


class Decimal128Type(_DecimalType):
    """Decimal numbers of at most 38 digits; `scale` of the `precision` digits are behind the point."""

    __slots__ = ()


class Decimal256Type(_DecimalType):
    """Decimal numbers of at most 76 digits; `scale` of the `precision` digits are behind the point."""

    __slots__ = ()


class _ListLike(DataType):
    __slots__ = ("value_field",)

    @property
    def value_type(self):
        return self.value_field.type

    def _fields(self):
        return (self.value_field,)

    def _equal_parts(self, other, check_metadata):
        mine, theirs = self.value_field, other.value_field
        if check_metadata and not mine.equals(theirs, check_metadata=True):
            return False
        return DataType._equal_parts(self, other, check_metadata) and _equal_but_names(mine, theirs)

    def _hash_parts(self):
        return self.value_field.type, self.value_field.nullable


class ListType(_ListLike):
    """Lists with 32-bit offsets."""

    __slots__ = ()


class LargeListType(_ListLike):
    """Lists with 64-bit offsets."""

    __slots__ = ()


class ListViewType(_ListLike):
    """Lists with 32-bit offsets and sizes, which lie in any order and may share values."""

    __slots__ = ()


class LargeListViewType(_ListLike):
    """Lists with 64-bit offsets and sizes, which lie in any order and may share values."""

    __slots__ = ()


class FixedSizeListType(_ListLike):
    """Lists of `list_size` values each."""

    __slots__ = ("list_size",)
    _parts = ("list_size",)


class MapType(DataType):
    """Lists of keys and items."""

    __slots__ = ("key_field", "item_field", "keys_sorted", "_entries")
    _parts = ("keys_sorted",)

    @property
    def key_type(self):
        return self.key_field.type

    @property
    def item_type(self):
        return self.item_field.type

    def _fields(self):
        return (self._entries,)

    def _flags(self):
        return _SORTED if self.keys_sorted else 0

    def _equal_parts(self, other, check_metadata):
        pairs = ((self.key_field, other.key_field), (self.item_field, other.item_field))
        if check_metadata and not all(a.equals(b, check_metadata=True) for a, b in pairs):
            return False
        return self.keys_sorted == other.keys_sorted and all(_equal_but_names(a, b) for a, b in pairs)

    def _hash_parts(self):
        return self.key_type, self.item_type, self.keys_sorted


class StructType(DataType):
    """Records of named fields; iterable, and indexed by position or name."""

    __slots__ = ("_members",)

    def _fields(self):
        return self._members

    @property
    def fields(self):
        return list(self._members)

    @property
    def names(self):
        return [f.name for f in self._members]

    def field(self, i):
        if isinstance(i, (str, bytes)):
            name = i.decode() if isinstance(i, bytes) else i
            found = self.get_all_field_indices(name)
            if len(found) > 1:
                import warnings
                warnings.warn("Struct field name corresponds to more than one field", UserWarning)
            if len(found) != 1:
                raise KeyError(i)
            return self._members[found[0]]
        if not isinstance(i, int):
            raise TypeError("Expected integer or string index")
        if not -len(self._members) <= i < len(self._members):
            raise IndexError("index out of bounds")
        return self._members[i]

    def get_field_index(self, name):
        """The position of the only field of this name, else -1."""
        found = self.get_all_field_indices(name)
        return found[0] if len(found) == 1 else -1

    def get_all_field_indices(self, name):
        if isinstance(name, bytes):
            name = name.decode()
        return [i for i, f in enumerate(self._members) if f.name == name]

    def __len__(self):
        return len(self._members)

    def __iter__(self):
        return iter(self._members)

    def __getitem__(self, i):
        return self.field(i)

    def _equal_parts(self, other, check_metadata):
        return len(self._members) == len(other._members) and all(
            a.equals(b, check_metadata=check_metadata) for a, b in zip(self._members, other._members))

    def _hash_parts(self):
        return self._members


class UnionType(DataType):
    """Values of one of some types each; `type_codes` are the numbers that tell which."""

    __slots__ = ("_members", "_codes")
    mode = None

    @property
    def type_codes(self):
        return list(self._codes)

    def _fields(self):
        return self._members

    def __len__(self):
        return len(self._members)

    def __iter__(self):
        return iter(self._members)

    def __getitem__(self, i):
        return self.field(i)

    def _equal_parts(self, other, check_metadata):
        return self._codes == other._codes and len(self._members) == len(other._members) and all(
            a.equals(b, check_metadata=check_metadata) for a, b in zip(self._members, other._members))

    def _hash_parts(self):
        return self._members + self._codes


class DenseUnionType(UnionType):
    """Unions whose children hold only the values that are theirs."""

    __slots__ = ()
    mode = "dense"


class SparseUnionType(UnionType):
    """Unions whose children are all as long as the union."""

    __slots__ = ()
    mode = "sparse"


class RunEndEncodedType(DataType):
    """Runs of equal values: each value once, and where its run ends."""

    __slots__ = ("_members",)

    @property
    def run_end_type(self):
        return self._members[0].type

    @property
    def value_type(self):
        return self._members[1].type

    def _fields(self):
        return self._members

    def _equal_parts(self, other, check_metadata):
        return self.run_end_type == other.run_end_type and _equal_but_names(self._members[1], other._members[1])

    def _hash_parts(self):
        return self.run_end_type, self.value_type


class DictionaryType(DataType):
    """Integers of `index_type` that point into distinct values of `value_type`."""

    __slots__ = ("index_type", "value_type", "ordered")
    _parts = ("index_type", "value_type", "ordered")

    def _flags(self):
        return _ORDERED if self.ordered else 0

    def _dictionary_tree(self):
        return self.value_type._tree()


def _equal_but_names(a, b):
    return a.nullable == b.nullable and a.type.equals(b.type)
