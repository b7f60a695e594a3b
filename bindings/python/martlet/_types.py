"""Data types: immutable Python values with pyarrow's names and texts; handles of the engine are made when needed."""

from . import _abi, _metadata

# The numbers of pyarrow's `DataType.id`.
Type_NA, Type_BOOL, Type_UINT8, Type_INT8, Type_UINT16, Type_INT16, Type_UINT32, Type_INT32 = range(8)
Type_UINT64, Type_INT64, Type_HALF_FLOAT, Type_FLOAT, Type_DOUBLE, Type_STRING, Type_BINARY = range(8, 15)
Type_FIXED_SIZE_BINARY, Type_DATE32, Type_DATE64, Type_TIMESTAMP, Type_TIME32, Type_TIME64 = range(15, 21)
Type_DECIMAL128, Type_LIST, Type_STRUCT, Type_DICTIONARY, Type_MAP = 23, 25, 26, 29, 30
Type_FIXED_SIZE_LIST, Type_DURATION, Type_LARGE_STRING, Type_LARGE_BINARY, Type_LARGE_LIST = 32, 33, 34, 35, 36

_NULLABLE = 2
_ORDERED = 1
_SORTED = 4


class DataType:
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
        if self.id in (Type_STRING, Type_BINARY, Type_LARGE_STRING, Type_LARGE_BINARY):
            return 3
        return 1 if self.id in (Type_NA, Type_STRUCT, Type_FIXED_SIZE_LIST) else 2

    has_variadic_buffers = False

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
        other = _as_type_or_none(other)
        if other is None:
            return False
        if self is other:
            return True
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


class Decimal128Type(DataType):
    """Decimal numbers of `precision` digits, `scale` of them after the point."""

    __slots__ = ("precision", "scale")
    _parts = ("precision", "scale")


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


# ---- types without parameters ----------------------------------------------------------------------------------------


def _flat(id, text, format, bits=None, native=None):
    return DataType._make(id, text, format, bits, native)


# The last value names the native kind: a letter of the `struct` module.
_NULL = _flat(Type_NA, "null", "n")
_BOOL = _flat(Type_BOOL, "bool", "b", 1)
_INT8 = _flat(Type_INT8, "int8", "c", 8, "b")
_UINT8 = _flat(Type_UINT8, "uint8", "C", 8, "B")
_INT16 = _flat(Type_INT16, "int16", "s", 16, "h")
_UINT16 = _flat(Type_UINT16, "uint16", "S", 16, "H")
_INT32 = _flat(Type_INT32, "int32", "i", 32, "i")
_UINT32 = _flat(Type_UINT32, "uint32", "I", 32, "I")
_INT64 = _flat(Type_INT64, "int64", "l", 64, "q")
_UINT64 = _flat(Type_UINT64, "uint64", "L", 64, "Q")
_FLOAT16 = _flat(Type_HALF_FLOAT, "halffloat", "e", 16, "e")
_FLOAT32 = _flat(Type_FLOAT, "float", "f", 32, "f")
_FLOAT64 = _flat(Type_DOUBLE, "double", "g", 64, "d")
_STRING = _flat(Type_STRING, "string", "u")
_LARGE_STRING = _flat(Type_LARGE_STRING, "large_string", "U")
_BINARY = _flat(Type_BINARY, "binary", "z")
_LARGE_BINARY = _flat(Type_LARGE_BINARY, "large_binary", "Z")
_DATE32 = _flat(Type_DATE32, "date32[day]", "tdD", 32, "i")
_DATE64 = _flat(Type_DATE64, "date64[ms]", "tdm", 64, "q")


def null():
    """The type of arrays that hold nulls only."""
    return _NULL


def bool_():
    """Booleans, one bit a value."""
    return _BOOL


def int8():
    return _INT8


def uint8():
    return _UINT8


def int16():
    return _INT16


def uint16():
    return _UINT16


def int32():
    return _INT32


def uint32():
    return _UINT32


def int64():
    return _INT64


def uint64():
    return _UINT64


def float16():
    return _FLOAT16


def float32():
    return _FLOAT32


def float64():
    return _FLOAT64


def string():
    """UTF-8 text, at most 2 GiB an array."""
    return _STRING


utf8 = string


def large_string():
    """UTF-8 text with 64-bit offsets."""
    return _LARGE_STRING


large_utf8 = large_string


def large_binary():
    """Bytes with 64-bit offsets."""
    return _LARGE_BINARY


def date32():
    """Days since 1970-01-01."""
    return _DATE32


def date64():
    """Milliseconds since 1970-01-01, whole days."""
    return _DATE64


# ---- types with parameters -------------------------------------------------------------------------------------------

_UNIT_LETTERS = {"s": "s", "ms": "m", "us": "u", "ns": "n"}
_made = {}


def _cached(key, make):
    """One object for each flat type with parameters."""
    found = _made.get(key)
    if found is None:
        if len(_made) > 4096:
            _made.clear()
        found = _made[key] = make()
    return found


def _check_unit(unit, allowed, context=""):
    if unit not in allowed:
        raise ValueError(f"Invalid time unit{context}: {unit!r}")


def binary(length=-1):
    """Bytes: of any size (the default), or of exactly `length` bytes each."""
    if length == -1:
        return _BINARY
    if not isinstance(length, int):
        raise TypeError("an integer is required")
    if length < -1:
        raise ValueError(f"binary length is -1 (any) or at least 0, not {length}")
    return _cached(("w", length), lambda: FixedSizeBinaryType._make(
        Type_FIXED_SIZE_BINARY, f"fixed_size_binary[{length}]", f"w:{length}", 8 * length))


def time32(unit):
    """Time of day; `unit` is "s" or "ms"."""
    _check_unit(unit, ("s", "ms"), " for time32")
    return _cached(("tt", unit), lambda: Time32Type._make(
        Type_TIME32, f"time32[{unit}]", "tt" + _UNIT_LETTERS[unit], 32, "i", unit=unit))


def time64(unit):
    """Time of day; `unit` is "us" or "ns"."""
    _check_unit(unit, ("us", "ns"), " for time64")
    return _cached(("tt", unit), lambda: Time64Type._make(
        Type_TIME64, f"time64[{unit}]", "tt" + _UNIT_LETTERS[unit], 64, "q", unit=unit))


def timestamp(unit, tz=None):
    """Moments; `unit` is "s", "ms", "us" or "ns", `tz` a time zone's name, a tzinfo or None."""
    _check_unit(unit, _UNIT_LETTERS)
    if tz is not None and not isinstance(tz, str):
        tz = tzinfo_to_string(tz)
    text = f"timestamp[{unit}, tz={tz}]" if tz else f"timestamp[{unit}]"
    return _cached(("ts", unit, tz), lambda: TimestampType._make(
        Type_TIMESTAMP, text, f"ts{_UNIT_LETTERS[unit]}:{tz or ''}", 64, "q", unit=unit, tz=tz or None))


def duration(unit):
    """Spans of time; `unit` is "s", "ms", "us" or "ns"."""
    _check_unit(unit, _UNIT_LETTERS)
    return _cached(("tD", unit), lambda: DurationType._make(
        Type_DURATION, f"duration[{unit}]", "tD" + _UNIT_LETTERS[unit], 64, "q", unit=unit))


def decimal128(precision, scale=0):
    """Decimal numbers of 1 ... 38 digits, `scale` of them after the point."""
    if not 1 <= precision <= 38:
        raise ValueError("precision should be between 1 and 38")
    return _cached(("d", precision, scale), lambda: Decimal128Type._make(
        Type_DECIMAL128, f"decimal128({precision}, {scale})", f"d:{precision},{scale}", 128,
        precision=precision, scale=scale))


def _item_field(value, name, nullable=True):
    from ._field import Field, field
    if isinstance(value, DataType):
        return field(name, value, nullable)
    return value if isinstance(value, Field) else None


def _list_item(value_type):
    item = _item_field(value_type, "item")
    if item is None:
        raise TypeError("List requires DataType or Field")
    return item


def list_(value_type, list_size=-1):
    """Lists of a type (or Field); all of `list_size` values when that is at least 0."""
    item = _list_item(value_type)
    if list_size == -1:
        return ListType._make(Type_LIST, f"list<{item._text()}>", "+l", value_field=item)
    if not isinstance(list_size, int) or list_size < 0:
        raise ValueError(f"list_size is -1 (any) or at least 0, not {list_size}")
    return FixedSizeListType._make(
        Type_FIXED_SIZE_LIST, f"fixed_size_list<{item._text()}>[{list_size}]", f"+w:{list_size}",
        value_field=item, list_size=list_size)


def large_list(value_type):
    """Lists with 64-bit offsets."""
    item = _list_item(value_type)
    return LargeListType._make(Type_LARGE_LIST, f"large_list<{item._text()}>", "+L", value_field=item)


def map_(key_type, item_type, keys_sorted=False):
    """Maps: lists of keys, which are never null, and items."""
    if isinstance(key_type, str):
        key_type = ensure_type(key_type)
    if isinstance(item_type, str):
        item_type = ensure_type(item_type)
    key, item = _item_field(key_type, "key", False), _item_field(item_type, "value")
    if key is None or item is None:
        raise TypeError("Map requires DataType or Field")
    if key.nullable:
        raise TypeError("Map key field should be non-nullable")
    return _make_map(_item_field(struct([key, item]), "entries", False), keys_sorted)


def _make_map(entries, keys_sorted):
    key, item = entries.type._members
    # pyarrow names fields only where they are not called as usual.
    def text(f, usual):
        name = "" if f.name == usual else f" ('{f.name}')"
        return f"{f.type}{name}"
    tail = ", keys_sorted" if keys_sorted else ""
    return MapType._make(
        Type_MAP, f"map<{text(key, 'key')}, {text(item, 'value')}{tail}>", "+m", key_field=key, item_field=item,
        keys_sorted=bool(keys_sorted), _entries=entries)


def struct(fields):
    """Records: an iterable of Fields or (name, type) pairs, or a mapping of names to types."""
    from ._field import as_fields
    members = tuple(as_fields(fields))
    text = ", ".join(f._text() for f in members)
    return StructType._make(Type_STRUCT, f"struct<{text}>", "+s", _members=members)


def dictionary(index_type, value_type, ordered=False):
    """Integers of `index_type` that point into distinct values of `value_type`."""
    index_type, value_type = ensure_type(index_type), ensure_type(value_type)
    if not Type_UINT8 <= index_type.id <= Type_INT64:
        raise TypeError("The dictionary index type should be integer.")
    ordered = bool(ordered)
    return DictionaryType._make(
        Type_DICTIONARY, f"dictionary<values={value_type}, indices={index_type}, ordered={int(ordered)}>",
        index_type._format, index_type._bits, index_type=index_type, value_type=value_type, ordered=ordered)


# ---- names of types --------------------------------------------------------------------------------------------------


def _aliases():
    table = {
        "null": _NULL, "bool": _BOOL, "boolean": _BOOL, "i1": _INT8, "int8": _INT8, "i2": _INT16, "int16": _INT16,
        "i4": _INT32, "int32": _INT32, "i8": _INT64, "int64": _INT64, "u1": _UINT8, "uint8": _UINT8, "u2": _UINT16,
        "uint16": _UINT16, "u4": _UINT32, "uint32": _UINT32, "u8": _UINT64, "uint64": _UINT64, "f2": _FLOAT16,
        "halffloat": _FLOAT16, "float16": _FLOAT16, "f4": _FLOAT32, "float": _FLOAT32, "float32": _FLOAT32,
        "f8": _FLOAT64, "double": _FLOAT64, "float64": _FLOAT64, "string": _STRING, "str": _STRING, "utf8": _STRING,
        "binary": _BINARY, "large_string": _LARGE_STRING, "large_str": _LARGE_STRING, "large_utf8": _LARGE_STRING,
        "large_binary": _LARGE_BINARY, "date32": _DATE32, "date64": _DATE64, "date32[day]": _DATE32,
        "date64[ms]": _DATE64,
    }
    for unit in _UNIT_LETTERS:
        table[f"timestamp[{unit}]"] = timestamp(unit)
        table[f"duration[{unit}]"] = duration(unit)
    for unit in ("s", "ms"):
        table[f"time32[{unit}]"] = time32(unit)
    for unit in ("us", "ns"):
        table[f"time64[{unit}]"] = time64(unit)
    return table


_alias_table = None


def type_for_alias(name):
    """The type that a text such as "int64" or "timestamp[ms]" names; ValueError when none."""
    global _alias_table
    if _alias_table is None:
        _alias_table = _aliases()
    found = _alias_table.get(name)
    if found is None:
        raise ValueError(f"No type alias for {name}")
    return found


def ensure_type(value, allow_none=False):
    """A type as it is, from its name, or None where that is allowed."""
    if isinstance(value, DataType) or (value is None and allow_none):
        return value
    if isinstance(value, str):
        return type_for_alias(value)
    if hasattr(value, "__arrow_c_schema__"):
        return _type_from_handle(_abi.schema_from_capsule(value.__arrow_c_schema__()))
    raise TypeError(f"DataType expected, got {type(value)}")


def _as_type_or_none(value):
    if isinstance(value, DataType):
        return value
    if isinstance(value, str):
        try:
            return type_for_alias(value)
        except ValueError:
            return None
    raise TypeError(f"DataType expected, got {type(value)}")


# ---- time zones ------------------------------------------------------------------------------------------------------


def tzinfo_to_string(tz):
    """The name of a tzinfo: "UTC", "Europe/Paris", "+02:00"."""
    import datetime

    from ._errors import ArrowInvalid, ArrowTypeError
    if not isinstance(tz, datetime.tzinfo):
        raise ArrowTypeError("Not an instance of datetime.tzinfo")
    if tz is datetime.timezone.utc:
        return "UTC"
    for attribute in ("key", "zone"):  # zoneinfo, pytz
        name = getattr(tz, attribute, None)
        if isinstance(name, str):
            return name
    offset = tz.utcoffset(None)
    if offset is None:
        name = getattr(tz, "_filename", None)  # dateutil
        if name and "zoneinfo/" in name:
            return name.split("zoneinfo/", 1)[1]
        if type(tz).__name__ == "tzutc":
            return "UTC"
        raise ArrowInvalid("Object returned by tzinfo.utcoffset(None) is not an instance of datetime.timedelta")
    minutes = round(offset.total_seconds() / 60)
    if minutes == 0 and type(tz).__name__ == "tzutc":
        return "UTC"
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def string_to_tzinfo(name):
    """The tzinfo of a time zone's name, or of an offset such as "+02:00"."""
    import datetime
    if name in ("UTC", "utc", "Z"):
        return datetime.timezone.utc
    if len(name) == 6 and name[0] in "+-" and name[3] == ":":
        minutes = int(name[1:3]) * 60 + int(name[4:6])
        return datetime.timezone(datetime.timedelta(minutes=-minutes if name[0] == "-" else minutes))
    import zoneinfo
    return zoneinfo.ZoneInfo(name)


# ---- from the engine -------------------------------------------------------------------------------------------------

_UNITS = {letter: unit for unit, letter in _UNIT_LETTERS.items()}
_by_format = {
    t._format: t for t in (
        _NULL, _BOOL, _INT8, _UINT8, _INT16, _UINT16, _INT32, _UINT32, _INT64, _UINT64, _FLOAT16, _FLOAT32, _FLOAT64,
        _STRING, _LARGE_STRING, _BINARY, _LARGE_BINARY, _DATE32, _DATE64)
}


def _type_from_tree(tree):
    """The type of a tree of the C Data interface."""
    from ._field import field_from_tree
    format, _, _, flags, children, values = tree
    if values is not None:
        return dictionary(_by_format[format], _type_from_tree(values), flags & _ORDERED)
    flat = _by_format.get(format)
    if flat is not None:
        return flat
    if format[0] == "t":
        return _temporal_from_format(format)
    if format[:2] == "w:":
        return binary(int(format[2:]))
    if format[:2] == "d:":
        return decimal128(*map(int, format[2:].split(",")[:2]))
    fields = [field_from_tree(child) for child in children]
    if format == "+s":
        return struct(fields)
    if format == "+m":
        return _make_map(fields[0], flags & _SORTED)
    if format == "+L":
        return large_list(fields[0])
    return list_(fields[0], int(format[3:]) if format[:3] == "+w:" else -1)


def _temporal_from_format(format):
    unit = _UNITS[format[2]]
    if format[1] == "t":
        return time32(unit) if unit in ("s", "ms") else time64(unit)
    return duration(unit) if format[1] == "D" else timestamp(unit, format[4:] or None)


def _type_from_handle(handle):
    """The type of a SchemaHandle, which becomes the type's own when it can."""
    return _type_from_tree(_abi.schema_to_tree(handle))
