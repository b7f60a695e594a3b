"""Scalars: one value with its type, held as a place in an array."""

import operator
from collections.abc import Mapping, Sequence

from . import _abi
from . import _types as t
from . import _array, _array_classes  # noqa: F401  (the classes of arrays are known then)
from ._array import maps_options, wrap_known
from ._operators import Operators


class Scalar(Operators, _abi.native.ScalarCells):
    """One value of a type, or null.

    as_py(*, maps_as_pydicts=None): the Python value, None for null.
    """

    __slots__ = ()

    def __init__(self):
        raise TypeError(f"Do not call {type(self).__name__}'s constructor directly, use martlet.scalar() instead.")

    @property
    def type(self):
        return self._source.type

    @property
    def _array(self):
        """The value as an array of length 1."""
        try:
            return self._cut
        except AttributeError:
            cut = self._source
            if len(cut) != 1:
                cut = wrap_known(_abi.new(_abi.lib.martlet_array_slice, cut, self._slot, 1), self.type, 1)
            self._cut = cut
            return cut

    @property
    def is_valid(self):
        return self._array.null_count == 0 and self.type.id != t.Type_NA

    def _as_py(self, maps_as_pydicts=None):
        """`as_py` for maps with options, and where it fails: this says why."""
        options = maps_options(maps_as_pydicts)
        return _abi.new_object(_abi.lib.martlet_python_array_to_list, self._array, *options)[0]

    def cast(self, target_type=None, safe=None, options=None, memory_pool=None):
        return wrap_scalar(self._array.cast(target_type, safe, options))

    def equals(self, other):
        if not isinstance(other, Scalar):
            raise TypeError(
                f"Argument 'other' has incorrect type (expected martlet.lib.Scalar, got {type(other).__name__})")
        return self._array.equals(other._array)

    def validate(self, *, full=False):
        self._array.validate(full=full)

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, Scalar) else NotImplemented

    def __hash__(self):
        value = self.as_py()
        try:
            return hash((self.type, value))
        except TypeError:
            return hash((self.type, repr(value)))

    def __str__(self):
        return str(self.as_py())

    def __repr__(self):
        return f"<martlet.{type(self).__name__}: {self.as_py()!r}>"

    def __reduce__(self):
        return wrap_scalar, (self._array,)

    def __int__(self):
        return int(self.as_py())

    def __float__(self):
        return float(self.as_py())

    def __bool__(self):
        return bool(self.as_py())


class _IndexableScalar(Scalar):
    __slots__ = ()

    def __index__(self):
        return operator.index(self.as_py())


def _subclasses(base, names):
    for name in names.split():
        yield type(name, (base,), {"__slots__": (), "__module__": __name__})


(NullScalar, BooleanScalar, HalfFloatScalar, FloatScalar, DoubleScalar) = _subclasses(
    Scalar, "NullScalar BooleanScalar HalfFloatScalar FloatScalar DoubleScalar")
(Decimal32Scalar, Decimal64Scalar, Decimal128Scalar, Decimal256Scalar) = _subclasses(
    Scalar, "Decimal32Scalar Decimal64Scalar Decimal128Scalar Decimal256Scalar")
(Int8Scalar, UInt8Scalar, Int16Scalar, UInt16Scalar, Int32Scalar, UInt32Scalar, Int64Scalar, UInt64Scalar) = (
    _subclasses(_IndexableScalar, "Int8Scalar UInt8Scalar Int16Scalar UInt16Scalar Int32Scalar UInt32Scalar "
                "Int64Scalar UInt64Scalar"))


class _CountedScalar(Scalar):
    __slots__ = ()

    @property
    def value(self):
        """The number behind the value, None for null."""
        number = t.int32() if self.type._bits == 32 else t.int64()
        return self._array.view(number).to_pylist()[0]


(Date32Scalar, Date64Scalar, Time32Scalar, Time64Scalar, DurationScalar) = _subclasses(
    _CountedScalar, "Date32Scalar Date64Scalar Time32Scalar Time64Scalar DurationScalar")


class TimestampScalar(_CountedScalar):
    __slots__ = ()

    def __repr__(self):
        return f"<martlet.TimestampScalar: {self._iso()!r}>"

    def _iso(self):
        """ISO 8601 with the digits of the unit."""
        number = self.value
        if number is None:
            return "None"
        import datetime
        digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[self.type.unit]
        seconds, fraction = divmod(number, 10**digits)
        try:
            moment = datetime.datetime.fromtimestamp(0, datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
            if self.type.tz:
                moment = moment.astimezone(t.string_to_tzinfo(self.type.tz))
        except (OverflowError, ValueError):
            return str(number)
        text = moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction:0{digits}d}" if digits else "")
        return text + (moment.strftime("%z") if self.type.tz else "")


class BinaryScalar(Scalar):
    __slots__ = ()

    def __bytes__(self):
        value = self.as_py()
        if value is None:
            raise ValueError("a null has no bytes")
        return value.encode("utf-8") if isinstance(value, str) else value

    def as_buffer(self):
        """The bytes as a Buffer, None for null."""
        value = self.as_py()
        if value is None:
            return None
        from ._io import py_buffer
        return py_buffer(value.encode("utf-8") if isinstance(value, str) else value)


(LargeBinaryScalar, FixedSizeBinaryScalar, StringScalar, LargeStringScalar, BinaryViewScalar, StringViewScalar) = (
    _subclasses(BinaryScalar, "LargeBinaryScalar FixedSizeBinaryScalar StringScalar LargeStringScalar BinaryViewScalar "
                "StringViewScalar"))


class _IntervalScalar(Scalar):
    __slots__ = ()

    @property
    def value(self):
        """The Python value, None for null."""
        return self.as_py()


(MonthIntervalScalar, DayTimeIntervalScalar, MonthDayNanoIntervalScalar) = _subclasses(
    _IntervalScalar, "MonthIntervalScalar DayTimeIntervalScalar MonthDayNanoIntervalScalar")


class ListScalar(Scalar):
    """A list: `values` is an Array, None for null."""

    __slots__ = ()

    @property
    def values(self):
        return self._array.flatten() if self.is_valid else None

    def __len__(self):
        values = self.values
        return 0 if values is None else len(values)

    def __getitem__(self, i):
        return self.values[i]

    def __iter__(self):
        return iter(self.values)


(LargeListScalar, FixedSizeListScalar, ListViewScalar, LargeListViewScalar) = _subclasses(
    ListScalar, "LargeListScalar FixedSizeListScalar ListViewScalar LargeListViewScalar")


class MapScalar(ListScalar):
    __slots__ = ()

    def __getitem__(self, i):
        entries = self.values
        if isinstance(i, int):
            entry = entries[i]
            return entry[0], entry[1]
        keys = entries.field(0).to_pylist()
        if i not in keys:
            raise KeyError(i)
        return entries.field(1)[keys.index(i)]

    def __iter__(self):
        for entry in self.values or ():
            yield entry[0].as_py(), entry[1].as_py()

    def keys(self):
        return self.values.field(0)


class StructScalar(Scalar):
    """A record, as a mapping of names to scalars."""

    __slots__ = ()

    def __getitem__(self, key):
        try:
            return wrap_scalar(self._array.flatten()[self._place(key)])
        except IndexError:
            raise IndexError("Struct field index out of range") from None

    def _place(self, key):
        if isinstance(key, (str, bytes)):
            place = self.type.get_field_index(key)
            if place < 0:
                raise KeyError(key)
            return place
        return key

    def get(self, key, default=None):
        try:
            return self[key]
        except (KeyError, IndexError):
            return default

    def keys(self):
        return self.type.names

    def values(self):
        return [wrap_scalar(child) for child in self._array.flatten()]

    def items(self):
        return list(zip(self.keys(), self.values()))

    def __len__(self):
        return self.type.num_fields

    def __iter__(self):
        return iter(self.type.names)

    def __contains__(self, key):
        return key in self.type.names

    def __repr__(self):
        return f"<martlet.StructScalar: {self}>"

    def __str__(self):
        return str([(k, v.as_py()) for k, v in self.items()] if self.is_valid else None)


Sequence.register(ListScalar)
Mapping.register(StructScalar)
Mapping.register(MapScalar)


class UnionScalar(Scalar):
    """A value of one of the types of a union."""

    __slots__ = ()

    @property
    def type_code(self):
        """The number of the value's type."""
        return self._array.type_codes[0].as_py()

    @property
    def value(self):
        """The Scalar of the value's own type, None for null."""
        place = self.type._codes.index(self.type_code)
        child = self._array.field(place)
        made = child[self._array.offsets[0].as_py() if self.type.mode == "dense" else 0]
        return made if made.is_valid else None

    @property
    def is_valid(self):
        return self.value is not None


class RunEndEncodedScalar(Scalar):
    """A value of a run."""

    __slots__ = ()

    @property
    def value(self):
        """The Scalar of the run's value."""
        return self._array.values[self._array.find_physical_offset()]

    @property
    def is_valid(self):
        return self.value.is_valid


class DictionaryScalar(Scalar):
    __slots__ = ()

    @property
    def index(self):
        return wrap_scalar(self._array.indices)

    @property
    def dictionary(self):
        return self._array.dictionary

    @property
    def value(self):
        i = self.index.as_py()
        return scalar(None, self.type.value_type) if i is None else self.dictionary[i]


_CLASSES = {
    t.Type_NA: NullScalar, t.Type_BOOL: BooleanScalar, t.Type_UINT8: UInt8Scalar, t.Type_INT8: Int8Scalar,
    t.Type_UINT16: UInt16Scalar, t.Type_INT16: Int16Scalar, t.Type_UINT32: UInt32Scalar, t.Type_INT32: Int32Scalar,
    t.Type_UINT64: UInt64Scalar, t.Type_INT64: Int64Scalar, t.Type_HALF_FLOAT: HalfFloatScalar,
    t.Type_FLOAT: FloatScalar, t.Type_DOUBLE: DoubleScalar, t.Type_STRING: StringScalar, t.Type_BINARY: BinaryScalar,
    t.Type_FIXED_SIZE_BINARY: FixedSizeBinaryScalar, t.Type_DATE32: Date32Scalar, t.Type_DATE64: Date64Scalar,
    t.Type_TIMESTAMP: TimestampScalar, t.Type_TIME32: Time32Scalar, t.Type_TIME64: Time64Scalar,
    t.Type_DECIMAL128: Decimal128Scalar, t.Type_LIST: ListScalar, t.Type_STRUCT: StructScalar,
    t.Type_DICTIONARY: DictionaryScalar, t.Type_MAP: MapScalar, t.Type_FIXED_SIZE_LIST: FixedSizeListScalar,
    t.Type_DURATION: DurationScalar, t.Type_LARGE_STRING: LargeStringScalar, t.Type_LARGE_BINARY: LargeBinaryScalar,
    t.Type_LARGE_LIST: LargeListScalar, t.Type_DECIMAL32: Decimal32Scalar, t.Type_DECIMAL64: Decimal64Scalar,
    t.Type_DECIMAL256: Decimal256Scalar, t.Type_INTERVAL_MONTHS: MonthIntervalScalar,
    t.Type_INTERVAL_DAY_TIME: DayTimeIntervalScalar, t.Type_INTERVAL_MONTH_DAY_NANO: MonthDayNanoIntervalScalar,
    t.Type_BINARY_VIEW: BinaryViewScalar, t.Type_STRING_VIEW: StringViewScalar, t.Type_LIST_VIEW: ListViewScalar,
    t.Type_LARGE_LIST_VIEW: LargeListViewScalar, t.Type_DENSE_UNION: UnionScalar, t.Type_SPARSE_UNION: UnionScalar,
    t.Type_RUN_END_ENCODED: RunEndEncodedScalar,
}


def wrap_scalar(array):
    """The Scalar of an array of length 1."""
    return array._scalar(0)


for _id, _class in _CLASSES.items():
    _array._CLASSES[_id]._scalar_class = _class
    _abi.native.set_scalar_class(_array._CLASSES[_id], _class)


def scalar(value, type=None, *, from_pandas=None, memory_pool=None):
    """A Scalar of a Python value, of `type` or of the type that the value suggests."""
    if isinstance(value, Scalar):
        return value if type is None or value.type == t.ensure_type(type) else value.cast(type)
    from ._builders import array
    return wrap_scalar(array([value], type=type, from_pandas=from_pandas))
