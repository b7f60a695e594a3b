"""The classes of arrays, one a type, with what each type can do beyond the others."""

from . import _types as t
from ._array import _CLASSES, Array
from ._list_arrays import (  # noqa: F401
    BaseListArray, FixedSizeListArray, LargeListArray, LargeListViewArray, ListArray, ListViewArray, MapArray,
    _OffsetListArray)
from ._nested_arrays import DictionaryArray, RunEndEncodedArray, StructArray, UnionArray

class NullArray(Array):
    __slots__ = ()

    def buffers(self):
        return [None]


class BooleanArray(Array):
    __slots__ = ()

    @property
    def true_count(self):
        return self._call("sum").as_py() or 0

    @property
    def false_count(self):
        return len(self) - self.null_count - self.true_count


class NumericArray(Array):
    __slots__ = ()


class IntegerArray(NumericArray):
    __slots__ = ()


class FloatingPointArray(NumericArray):
    __slots__ = ()


def _subclasses(base, names):
    for name in names.split():
        yield type(name, (base,), {"__slots__": (), "__module__": __name__})


(Int8Array, UInt8Array, Int16Array, UInt16Array, Int32Array, UInt32Array, Int64Array, UInt64Array) = _subclasses(
    IntegerArray, "Int8Array UInt8Array Int16Array UInt16Array Int32Array UInt32Array Int64Array UInt64Array")
(HalfFloatArray, FloatArray, DoubleArray) = _subclasses(FloatingPointArray, "HalfFloatArray FloatArray DoubleArray")
(Date32Array, Date64Array, TimestampArray, Time32Array, Time64Array, DurationArray) = _subclasses(
    NumericArray, "Date32Array Date64Array TimestampArray Time32Array Time64Array DurationArray")
(FixedSizeBinaryArray,) = _subclasses(Array, "FixedSizeBinaryArray")
(Decimal32Array, Decimal64Array, Decimal128Array, Decimal256Array) = _subclasses(
    FixedSizeBinaryArray, "Decimal32Array Decimal64Array Decimal128Array Decimal256Array")
(MonthIntervalArray, DayTimeIntervalArray, MonthDayNanoIntervalArray, BinaryViewArray, StringViewArray) = _subclasses(
    Array, "MonthIntervalArray DayTimeIntervalArray MonthDayNanoIntervalArray BinaryViewArray StringViewArray")


class _BytesArray(Array):
    __slots__ = ()
    _offset_type = t.int32()

    @property
    def total_values_length(self):
        """Bytes of all values together."""
        from ._compute import call
        return call("sum", (call("binary_length", (self,)),)).as_py() or 0


class StringArray(_BytesArray):
    __slots__ = ()

    @staticmethod
    def from_buffers(length, value_offsets, data, null_bitmap=None, null_count=-1, offset=0):
        return Array.from_buffers(t.string(), length, [null_bitmap, value_offsets, data], null_count, offset)


class LargeStringArray(_BytesArray):
    __slots__ = ()

    @staticmethod
    def from_buffers(length, value_offsets, data, null_bitmap=None, null_count=-1, offset=0):
        return Array.from_buffers(t.large_string(), length, [null_bitmap, value_offsets, data], null_count, offset)


class BinaryArray(_BytesArray):
    __slots__ = ()


class LargeBinaryArray(_BytesArray):
    __slots__ = ()


_CLASSES.update({
    t.Type_NA: NullArray, t.Type_BOOL: BooleanArray, t.Type_UINT8: UInt8Array, t.Type_INT8: Int8Array,
    t.Type_UINT16: UInt16Array, t.Type_INT16: Int16Array, t.Type_UINT32: UInt32Array, t.Type_INT32: Int32Array,
    t.Type_UINT64: UInt64Array, t.Type_INT64: Int64Array, t.Type_HALF_FLOAT: HalfFloatArray,
    t.Type_FLOAT: FloatArray, t.Type_DOUBLE: DoubleArray, t.Type_STRING: StringArray, t.Type_BINARY: BinaryArray,
    t.Type_FIXED_SIZE_BINARY: FixedSizeBinaryArray, t.Type_DATE32: Date32Array, t.Type_DATE64: Date64Array,
    t.Type_TIMESTAMP: TimestampArray, t.Type_TIME32: Time32Array, t.Type_TIME64: Time64Array,
    t.Type_DECIMAL128: Decimal128Array, t.Type_LIST: ListArray, t.Type_STRUCT: StructArray,
    t.Type_DICTIONARY: DictionaryArray, t.Type_MAP: MapArray, t.Type_FIXED_SIZE_LIST: FixedSizeListArray,
    t.Type_DURATION: DurationArray, t.Type_LARGE_STRING: LargeStringArray,
    t.Type_LARGE_BINARY: LargeBinaryArray, t.Type_LARGE_LIST: LargeListArray,
    t.Type_DECIMAL32: Decimal32Array, t.Type_DECIMAL64: Decimal64Array, t.Type_DECIMAL256: Decimal256Array,
    t.Type_INTERVAL_MONTHS: MonthIntervalArray, t.Type_INTERVAL_DAY_TIME: DayTimeIntervalArray,
    t.Type_INTERVAL_MONTH_DAY_NANO: MonthDayNanoIntervalArray, t.Type_BINARY_VIEW: BinaryViewArray,
    t.Type_STRING_VIEW: StringViewArray, t.Type_LIST_VIEW: ListViewArray,
    t.Type_LARGE_LIST_VIEW: LargeListViewArray, t.Type_DENSE_UNION: UnionArray, t.Type_SPARSE_UNION: UnionArray,
    t.Type_RUN_END_ENCODED: RunEndEncodedArray,
    t.Type_EXTENSION: None,  # as the type says
})
