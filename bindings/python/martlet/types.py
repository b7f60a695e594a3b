"""Questions about data types: `is_integer(t)`, `is_list(t)`."""

from . import _types as t

_SIGNED = {t.Type_INT8, t.Type_INT16, t.Type_INT32, t.Type_INT64}
_UNSIGNED = {t.Type_UINT8, t.Type_UINT16, t.Type_UINT32, t.Type_UINT64}
_FLOATING = {t.Type_HALF_FLOAT, t.Type_FLOAT, t.Type_DOUBLE}
_TIMES = {t.Type_TIME32, t.Type_TIME64}
_DATES = {t.Type_DATE32, t.Type_DATE64}
_INTERVALS = {t.Type_INTERVAL_MONTHS, t.Type_INTERVAL_DAY_TIME, t.Type_INTERVAL_MONTH_DAY_NANO}
_TEMPORAL = _TIMES | _DATES | _INTERVALS | {t.Type_TIMESTAMP, t.Type_DURATION}
_LISTS = {t.Type_LIST, t.Type_LARGE_LIST, t.Type_FIXED_SIZE_LIST, t.Type_LIST_VIEW, t.Type_LARGE_LIST_VIEW}
_UNIONS = {t.Type_DENSE_UNION, t.Type_SPARSE_UNION}
_DECIMALS = {t.Type_DECIMAL32, t.Type_DECIMAL64, t.Type_DECIMAL128, t.Type_DECIMAL256}


def _asks(ids, doc):
    ids = frozenset(ids)

    def question(t):
        return t.id in ids

    question.__doc__ = f"Whether the type is {doc}."
    return question


is_null = _asks([t.Type_NA], "null")
is_boolean = _asks([t.Type_BOOL], "bool")
is_integer = _asks(_SIGNED | _UNSIGNED, "an integer")
is_signed_integer = _asks(_SIGNED, "a signed integer")
is_unsigned_integer = _asks(_UNSIGNED, "an unsigned integer")
is_int8 = _asks([t.Type_INT8], "int8")
is_int16 = _asks([t.Type_INT16], "int16")
is_int32 = _asks([t.Type_INT32], "int32")
is_int64 = _asks([t.Type_INT64], "int64")
is_uint8 = _asks([t.Type_UINT8], "uint8")
is_uint16 = _asks([t.Type_UINT16], "uint16")
is_uint32 = _asks([t.Type_UINT32], "uint32")
is_uint64 = _asks([t.Type_UINT64], "uint64")
is_floating = _asks(_FLOATING, "a float")
is_float16 = _asks([t.Type_HALF_FLOAT], "float16")
is_float32 = _asks([t.Type_FLOAT], "float32")
is_float64 = _asks([t.Type_DOUBLE], "float64")
is_list = _asks([t.Type_LIST], "list")
is_large_list = _asks([t.Type_LARGE_LIST], "large_list")
is_fixed_size_list = _asks([t.Type_FIXED_SIZE_LIST], "fixed_size_list")
is_list_view = _asks([t.Type_LIST_VIEW], "list_view")
is_large_list_view = _asks([t.Type_LARGE_LIST_VIEW], "large_list_view")
is_struct = _asks([t.Type_STRUCT], "struct")
is_union = _asks(_UNIONS, "union")
is_nested = _asks(_LISTS | _UNIONS | {t.Type_STRUCT, t.Type_MAP, t.Type_RUN_END_ENCODED}, "nested")
is_run_end_encoded = _asks([t.Type_RUN_END_ENCODED], "run_end_encoded")
is_temporal = _asks(_TEMPORAL, "a time, date, timestamp or duration")
is_timestamp = _asks([t.Type_TIMESTAMP], "timestamp")
is_duration = _asks([t.Type_DURATION], "duration")
is_time = _asks(_TIMES, "a time of day")
is_time32 = _asks([t.Type_TIME32], "time32")
is_time64 = _asks([t.Type_TIME64], "time64")
is_date = _asks(_DATES, "a date")
is_date32 = _asks([t.Type_DATE32], "date32")
is_date64 = _asks([t.Type_DATE64], "date64")
is_interval = _asks(_INTERVALS, "an interval")
is_map = _asks([t.Type_MAP], "map")
is_binary = _asks([t.Type_BINARY], "binary")
is_large_binary = _asks([t.Type_LARGE_BINARY], "large_binary")
is_binary_view = _asks([t.Type_BINARY_VIEW], "binary_view")
is_string = is_unicode = _asks([t.Type_STRING], "string")
is_large_string = is_large_unicode = _asks([t.Type_LARGE_STRING], "large_string")
is_string_view = _asks([t.Type_STRING_VIEW], "string_view")
is_fixed_size_binary = _asks([t.Type_FIXED_SIZE_BINARY], "fixed_size_binary")
is_decimal = _asks(_DECIMALS, "a decimal")
is_decimal32 = _asks([t.Type_DECIMAL32], "decimal32")
is_decimal64 = _asks([t.Type_DECIMAL64], "decimal64")
is_decimal128 = _asks([t.Type_DECIMAL128], "decimal128")
is_decimal256 = _asks([t.Type_DECIMAL256], "decimal256")
is_dictionary = _asks([t.Type_DICTIONARY], "dictionary")
is_primitive = _asks(_SIGNED | _UNSIGNED | _FLOATING | _TEMPORAL | {t.Type_BOOL}, "of one value of fixed width")


def is_boolean_value(obj):
    """Whether a Python object is a boolean."""
    return type(obj).__name__ in ("bool", "bool_")


def is_integer_value(obj):
    """Whether a Python object is an integer."""
    return hasattr(obj, "__index__") and not is_boolean_value(obj)


def is_float_value(obj):
    """Whether a Python object is a float."""
    return isinstance(obj, float) or type(obj).__name__ in ("float16", "float32")
