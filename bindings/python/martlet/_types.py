"""Data types by pyarrow's names: the functions that make them, their aliases, and the way from the engine."""

from . import _abi
from ._type_classes import *  # noqa: F401,F403  (the numbers of types)
from ._type_classes import (
    _NULLABLE, _ORDERED, _SORTED, DataType, FixedSizeBinaryType, Time32Type, Time64Type, TimestampType,
    DurationType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, ListType, LargeListType, ListViewType,
    LargeListViewType, FixedSizeListType, MapType, StructType, UnionType, DenseUnionType, SparseUnionType,
    RunEndEncodedType, DictionaryType)

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
_MONTHS = _flat(Type_INTERVAL_MONTHS, "month_interval", "tiM", 32)
_DAY_TIME = _flat(Type_INTERVAL_DAY_TIME, "day_time_interval", "tiD", 64)
_MONTH_DAY_NANO = _flat(Type_INTERVAL_MONTH_DAY_NANO, "month_day_nano_interval", "tin", 128)
_STRING_VIEW = _flat(Type_STRING_VIEW, "string_view", "vu")
_BINARY_VIEW = _flat(Type_BINARY_VIEW, "binary_view", "vz")


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


def month_day_nano_interval():
    """Spans of months, days and nanoseconds, which do not add up to each other."""
    return _MONTH_DAY_NANO


def month_interval():
    """Spans of whole months."""
    return _MONTHS


def day_time_interval():
    """Spans of days and milliseconds, which do not add up to each other."""
    return _DAY_TIME


def string_view():
    """UTF-8 text; short ones lie in place, others in any of several buffers."""
    return _STRING_VIEW


def binary_view():
    """Bytes; short ones lie in place, others in any of several buffers."""
    return _BINARY_VIEW


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


def _decimal(id, cls, bits, digits, precision, scale):
    if not 1 <= precision <= digits:
        raise ValueError(f"precision should be between 1 and {digits}")
    tail = "" if bits == 128 else f",{bits}"
    return _cached(("d", bits, precision, scale), lambda: cls._make(
        id, f"decimal{bits}({precision}, {scale})", f"d:{precision},{scale}{tail}", bits, precision=precision,
        scale=scale))


def decimal32(precision, scale=0):
    """Decimal numbers of 1 ... 9 digits, `scale` of them after the point."""
    return _decimal(Type_DECIMAL32, Decimal32Type, 32, 9, precision, scale)


def decimal64(precision, scale=0):
    """Decimal numbers of 1 ... 18 digits, `scale` of them after the point."""
    return _decimal(Type_DECIMAL64, Decimal64Type, 64, 18, precision, scale)


def decimal128(precision, scale=0):
    """Decimal numbers of 1 ... 38 digits, `scale` of them after the point."""
    return _decimal(Type_DECIMAL128, Decimal128Type, 128, 38, precision, scale)


def decimal256(precision, scale=0):
    """Decimal numbers of 1 ... 76 digits, `scale` of them after the point."""
    return _decimal(Type_DECIMAL256, Decimal256Type, 256, 76, precision, scale)


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


def list_view(value_type):
    """Lists that have an offset and a size each, so that they lie in any order and may share values."""
    item = _list_item(value_type)
    return ListViewType._make(Type_LIST_VIEW, f"list_view<{item._text()}>", "+vl", value_field=item)


def large_list_view(value_type):
    """As `list_view`, with 64-bit offsets and sizes."""
    item = _list_item(value_type)
    return LargeListViewType._make(Type_LARGE_LIST_VIEW, f"large_list_view<{item._text()}>", "+vL", value_field=item)


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


def _union(id, cls, fields, codes):
    from ._field import Field
    members = tuple(fields)
    for f in members:
        if not isinstance(f, Field):
            raise TypeError(f"Cannot convert {type(f).__name__} to martlet.lib.Field: pass Fields")
    codes = tuple(range(len(members)) if codes is None else map(int, codes))
    if len(codes) != len(members):
        raise ValueError("type_codes should have the same length as fields")
    for code in codes:
        if not 0 <= code <= 127:
            raise OverflowError(f"type codes are from 0 to 127, not {code}")
    text = ", ".join(f"{f._text()}={code}" for f, code in zip(members, codes))
    kind = f"+u{cls.mode[0]}:" + ",".join(map(str, codes))
    return cls._make(id, f"{cls.mode}_union<{text}>", kind, _members=members, _codes=codes)


def dense_union(child_fields, type_codes=None):
    """Values of one of some types each; the children hold only the values that are theirs."""
    return _union(Type_DENSE_UNION, DenseUnionType, child_fields, type_codes)


def sparse_union(child_fields, type_codes=None):
    """Values of one of some types each; the children are all as long as the union."""
    return _union(Type_SPARSE_UNION, SparseUnionType, child_fields, type_codes)


def union(child_fields, mode, type_codes=None):
    """A dense or a sparse union, as `mode` says: "dense" and "sparse", or 1 and 0."""
    mode = {0: "sparse", 1: "dense"}.get(mode, mode)
    if mode not in ("dense", "sparse"):
        raise ValueError(f"Invalid union mode {mode!r}")
    return (dense_union if mode == "dense" else sparse_union)(child_fields, type_codes)


def run_end_encoded(run_end_type, value_type):
    """Runs of equal values; `run_end_type` is int16, int32 or int64."""
    from ._field import field
    run_end_type, value_type = ensure_type(run_end_type), ensure_type(value_type)
    if run_end_type.id not in (Type_INT16, Type_INT32, Type_INT64):
        raise ValueError("The run_end_type should be 'int16', 'int32', or 'int64'")
    return _make_run_ends((field("run_ends", run_end_type, False), field("values", value_type)))


def _make_run_ends(members):
    text = ", ".join(f._text().replace(" not null", "") for f in members)
    return RunEndEncodedType._make(Type_RUN_END_ENCODED, f"run_end_encoded<{text}>", "+r", _members=members)


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
        "date64[ms]": _DATE64, "string_view": _STRING_VIEW, "binary_view": _BINARY_VIEW,
        "month_day_nano_interval": _MONTH_DAY_NANO,
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


def type_or_none(value):
    """The type of a name, None for an unknown name."""
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
    if not isinstance(offset, datetime.timedelta):
        name = getattr(tz, "_filename", None)  # dateutil
        if name and "zoneinfo/" in name:
            return name.split("zoneinfo/", 1)[1]
        if type(tz).__name__ == "tzutc":
            return "UTC"
        raise ArrowInvalid("Object returned by tzinfo.utcoffset(None) is not an instance of datetime.timedelta")
    minutes, rest = divmod(offset.total_seconds(), 60)
    if rest:
        raise ArrowInvalid(f"Offset must represent whole number of minutes, not {offset}")
    minutes = int(minutes)
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
        _STRING, _LARGE_STRING, _BINARY, _LARGE_BINARY, _DATE32, _DATE64, _MONTHS, _DAY_TIME, _MONTH_DAY_NANO,
        _STRING_VIEW, _BINARY_VIEW)
}
_DECIMALS = {32: decimal32, 64: decimal64, 128: decimal128, 256: decimal256}
_LISTS = {"+l": list_, "+L": large_list, "+vl": list_view, "+vL": large_list_view}


def _type_from_tree(tree):
    """The type of a tree of the C Data interface."""
    metadata = tree[2]
    if metadata and b"ARROW:extension:name" in metadata:
        from ._extension_types import extension_from_tree
        found = extension_from_tree(tree)
        if found is not None:
            return found
    return _storage_from_tree(tree)


def _storage_from_tree(tree):
    """As `_type_from_tree`, without a look at the metadata."""
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
        precision, scale, *bits = map(int, format[2:].split(","))
        return _DECIMALS[bits[0] if bits else 128](precision, scale)
    fields = [field_from_tree(child) for child in children]
    if format == "+s":
        return struct(fields)
    if format == "+m":
        return _make_map(fields[0], flags & _SORTED)
    if format == "+r":
        return _make_run_ends(tuple(fields))
    if format[:2] == "+u":
        return union(fields, "dense" if format[2] == "d" else "sparse", [c for c in format[4:].split(",") if c])
    if format[:3] == "+w:":
        return list_(fields[0], int(format[3:]))
    return _LISTS[format](fields[0])


def _temporal_from_format(format):
    unit = _UNITS[format[2]]
    if format[1] == "t":
        return time32(unit) if unit in ("s", "ms") else time64(unit)
    return duration(unit) if format[1] == "D" else timestamp(unit, format[4:] or None)


def _type_from_handle(handle):
    """The type of a SchemaHandle, which becomes the type's own when it can."""
    return _type_from_tree(_abi.schema_to_tree(handle))
