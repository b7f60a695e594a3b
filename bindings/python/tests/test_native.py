"""martlet_python_*: Python objects as arrays and back, judged against pyarrow value by value and text by text.

The functions are called as the header says, through `ctypes.PyDLL`, so that nothing else stands between.
"""

import collections
import ctypes
import datetime as dt
import decimal
import enum
import gc
import os
import subprocess
import sys
import threading
import weakref

import pytest

pa = pytest.importorskip("pyarrow")
np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")

from zoneinfo import ZoneInfo

from martlet import _abi

lib = ctypes.PyDLL(_abi.lib.path)
drop = ctypes.PyDLL(None).Py_DecRef
drop.argtypes, drop.restype = [ctypes.c_void_p], None
Pointer = ctypes.c_void_p
Decimal = decimal.Decimal


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int32), ("system_error", ctypes.c_int32), ("message", ctypes.c_char * 4088)]


class Option(ctypes.Structure):
    _fields_ = [("key", ctypes.c_char_p), ("value", ctypes.c_char_p)]


class NativeError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


def call(name, *arguments):
    error = Error()
    function = getattr(lib, name)
    function.restype = ctypes.c_int32
    code = function(*arguments, ctypes.byref(error))
    if code:
        raise NativeError(code, error.message.decode())


class Handle:
    def __init__(self, pointer, kind):
        self.pointer, self.kind = pointer.value, kind

    def __del__(self):
        getattr(lib, f"martlet_{self.kind}_release")(Pointer(self.pointer))


def pack(options):
    pairs = [Option(k.encode(), (str(v).lower() if isinstance(v, bool) else v).encode()) for k, v in options.items()]
    return (Option * len(pairs))(*pairs), ctypes.c_int64(len(pairs))


def schema_of(type):
    structure = ctypes.create_string_buffer(72)
    pa.field("", type)._export_to_c(ctypes.addressof(structure))
    out = Pointer()
    call("martlet_schema_import", structure, ctypes.byref(out))
    return Handle(out, "schema")


def native(values, type=None, mask=None, **options):
    """What the library makes of `values`."""
    schema = None if type is None else schema_of(type)
    out = Pointer()
    call(
        "martlet_python_array_from_sequence", ctypes.py_object(values),
        Pointer() if mask is None else ctypes.py_object(mask), Pointer(schema.pointer if schema else None), *pack(options),
        ctypes.byref(out))
    return Handle(out, "array")


def to_arrow(handle):
    array, schema = ctypes.create_string_buffer(80), ctypes.create_string_buffer(72)
    call("martlet_array_export", Pointer(handle.pointer), array, schema)
    return pa.Array._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))


def from_arrow(array):
    out_array, schema = ctypes.create_string_buffer(80), ctypes.create_string_buffer(72)
    array._export_to_c(ctypes.addressof(out_array), ctypes.addressof(schema))
    handle, out = Pointer(), Pointer()
    call("martlet_schema_import", schema, ctypes.byref(handle))
    schema = Handle(handle, "schema")
    call("martlet_array_import", out_array, Pointer(schema.pointer), ctypes.byref(out))
    return Handle(out, "array")


def to_list(handle, **options):
    out = Pointer()
    call("martlet_python_array_to_list", Pointer(handle.pointer), *pack(options), ctypes.byref(out))
    value = ctypes.cast(out, ctypes.py_object).value
    drop(out)
    return value


# ---- values against pyarrow ----------------------------------------------------------------------------------------

PARIS = ZoneInfo("Europe/Paris")
VALUES = {
    pa.null(): [None],
    pa.bool_(): [True, False, np.bool_(True)],
    pa.int8(): [0, 1, -128, 127, np.int64(5)],
    pa.int16(): [0, -32768, 32767],
    pa.int32(): [0, -(2**31), 2**31 - 1, 2**30, -(2**30)],
    pa.int64(): [0, 5, -5, 2**30 - 1, 2**30, 2**60 - 1, 2**60, -(2**60), 2**63 - 1, -(2**63), np.int8(3), 2.5, Decimal(7)],
    pa.uint8(): [0, 255],
    pa.uint16(): [0, 65535],
    pa.uint32(): [0, 2**32 - 1],
    pa.uint64(): [0, 2**63, 2**64 - 1, np.uint64(2**64 - 1)],
    pa.float16(): [0.0, -1.5, 1e10, 3, float("inf"), np.float16(2)],
    pa.float32(): [0.0, 0.1, 3, True, 1e300, np.float32(0.1)],
    pa.float64(): [0.0, -0.0, 0.1, 2**53, float("-inf"), np.float64(0.5), np.float32(0.5), np.int16(3)],
    pa.string(): ["", "a", "ab", "abc", "abcd", "abcdefg", "abcdefgh", "x" * 15, "x" * 16, "x" * 17, "x" * 5000, "grün",
                  "ł€😀", "nul\0inside", np.str_("n"), b"bytes", bytearray(b"b"), memoryview(b"m")],
    pa.large_string(): ["", "a", "日本", b"utf8"],
    pa.binary(): [b"", b"\xff\0", "text", bytearray(b"xy"), memoryview(b"abcdef")[::2], np.bytes_(b"n")],
    pa.large_binary(): [b"", b"\xff" * 20],
    pa.binary(2): [b"ab", "cd", bytearray(b"\0\0")],
    pa.date32(): [dt.date(1, 1, 1), dt.date(1970, 1, 1), dt.date(9999, 12, 31), dt.datetime(2020, 2, 29, 23), 5],
    pa.date64(): [dt.date(1, 1, 1), dt.date(2020, 2, 29), dt.datetime(2020, 2, 29, 23)],
    pa.time32("s"): [dt.time(0), dt.time(23, 59, 59, 999999), 5],
    pa.time32("ms"): [dt.time(0), dt.time(23, 59, 59, 999999)],
    pa.time64("us"): [dt.time(0), dt.time(23, 59, 59, 999999), dt.time(1, tzinfo=PARIS)],
    pa.time64("ns"): [dt.time(0), dt.time(23, 59, 59, 999999)],
    pa.timestamp("s"): [dt.datetime(1, 1, 1), dt.datetime(1969, 12, 31, 23, 59, 59, 999999), dt.datetime(9999, 12, 31)],
    pa.timestamp("ms"): [dt.datetime(2020, 1, 2, 3, 4, 5, 678901), np.datetime64("2020-01-01", "ms"), 17],
    pa.timestamp("us"): [dt.datetime(2020, 1, 2, 3, 4, 5, 6), dt.datetime(2020, 7, 1, tzinfo=PARIS),
                         pd.Timestamp("2020-01-01T00:00:00.123456"), np.datetime64("NaT", "us")],
    pa.timestamp("ns"): [dt.datetime(2020, 1, 2), pd.Timestamp("2020-01-01T00:00:00.123456789"), -1],
    pa.timestamp("us", "UTC"): [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)],
    pa.timestamp("s", "Europe/Paris"): [dt.datetime(2020, 7, 1), dt.datetime(2020, 10, 25, 1, 30), dt.datetime(1900, 1, 1)],
    pa.timestamp("ms", "+05:30"): [dt.datetime(2020, 7, 1)],
    pa.timestamp("ns", "-01:00"): [dt.datetime(2020, 7, 1)],
    pa.duration("s"): [dt.timedelta(0), dt.timedelta(-1, 5, 999999), 7],
    pa.duration("ms"): [dt.timedelta(999999999), dt.timedelta(microseconds=-1), np.timedelta64(5, "ms")],
    pa.duration("us"): [dt.timedelta(microseconds=-1), dt.timedelta(100000), np.timedelta64("NaT", "us")],
    pa.duration("ns"): [dt.timedelta(1, 2, 3), pd.Timedelta(5)],
    pa.decimal128(38, 10): [Decimal("0"), Decimal("-1.5"), Decimal("1E+5"), Decimal("1e-10"), 7, Decimal("9" * 28)],
    pa.decimal128(5, -2): [Decimal("12300"), 100],
    pa.list_(pa.int64()): [[], [1, None, 3], (4,), {5}, np.array([6, 7]), np.array([8.0]), {1: 9}.values(), range(3)],
    pa.large_list(pa.string()): [[], ["a", None], ("b",), "cd"],
    pa.list_(pa.float32(), 2): [[1.0, None], (2, 3), np.array([4, 5])],
    pa.list_(pa.timestamp("us")): [np.array(["2020-01-01", "NaT"], dtype="M8[us]"), [dt.datetime(2020, 1, 1)]],
    pa.struct([("a", pa.int32()), ("b", pa.string())]): [{"a": 1, "b": "x"}, {"b": "y", "a": 2}, {"a": None}, {}, {"c": 1}],
    pa.map_(pa.string(), pa.int64()): [[("a", 1), ("b", None)], [], {"c": 3}, (("d", 4),), [{"key": "e", "value": 5}][:0]],
    pa.list_(pa.list_(pa.struct([("x", pa.list_(pa.decimal128(4, 1)))]))): [[[{"x": [Decimal("1.5")]}, None], None, []], []],
    pa.struct([]): [{}, {"ignored": 1}],
    pa.dictionary(pa.int8(), pa.string()): ["a", "b", "a", b"b", ""],
    pa.dictionary(pa.int32(), pa.int64()): [5, 6, 5],
    pa.dictionary(pa.uint16(), pa.bool_()): [True, False, True],
    pa.dictionary(pa.int16(), pa.binary(2)): [b"ab", b"cd", b"ab"],
}
LAYOUTS = {
    "plain": lambda v: v,
    "nulls": lambda v: [x for value in v for x in (value, None)],
    "null": lambda v: [None] * 9,
    "empty": lambda v: [],
    "tuple": tuple,
    "long": lambda v: (v + [None]) * 70,
}


def same(ours, theirs):
    assert ours.type == theirs.type
    assert ours.null_count == theirs.null_count
    assert repr(ours.to_pylist()) == repr(theirs.to_pylist())
    if not any(word in str(ours.type) for word in ("float", "double")):
        assert ours.equals(theirs)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("type", VALUES, ids=str)
def test_from_sequence_and_to_list(type, layout):
    values = LAYOUTS[layout](VALUES[type])
    expected = pa.array(values, type)
    ours = to_arrow(native(values, type))
    ours.validate(full=True)
    same(ours, expected)
    assert repr(to_list(from_arrow(expected))) == repr(expected.to_pylist())
    if len(expected) > 2:
        piece = expected[1:-1]
        assert repr(to_list(from_arrow(piece))) == repr(piece.to_pylist())


class Color(enum.IntEnum):
    RED = 1


class Text(str):
    pass


class Number(float):
    pass


Point = collections.namedtuple("Point", "x y")

INFERRED = [
    [], [None], [1, None, -5], [1, 2.5], [2.5, 1], [1.0, True], [True, None], ["a", None], [b"a", "b"], ["a", b"\xff"],
    [[b"\xff", "a"]], [{"a": b"\xff"}, {"a": "x"}], [Color.RED, 2], [Text("t"), "u"], [Number(1.5)], [2**62, -(2**63)],
    [dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 5)], [dt.datetime(2020, 1, 1), None], [dt.time(1)], [dt.timedelta(1)],
    [dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)], [dt.datetime(2020, 1, 1, tzinfo=PARIS)],
    [dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-5, minutes=-30)))],
    [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=PARIS)], [Decimal("1.5"), Decimal("100")], [Decimal("1e5"), 2],
    [Decimal("0.001"), Decimal("12")], [[1], [2.5]], [[1], None, []], [[]], [[], [None]], [(1, 2), [3]], [Point(1, 2)],
    [{"b": 1, "a": 2}, {"c": "x"}], [{}], [{b"a": 1}], [{"a": {"b": [1, None]}}, {"a": None}, None], [{1, 2}],
    [collections.OrderedDict(a=1)], [{"a": 1}.values()], [bytearray(b"x")], [memoryview(b"x")],
    [np.int32(5), np.int64(6)], [np.int8(1), None], [np.float32(1)], [np.float16(1)], [np.int64(1), 2], [np.int32(1), 2.5],
    [np.float32(2), float("nan")], [np.bool_(True)], [np.str_("x"), "y"], [np.bytes_(b"x")], [np.uint64(2**63)],
    [np.datetime64("2020-01-01", "ns"), None], [np.datetime64("NaT", "ns")], [np.timedelta64(5, "s")],
    [np.array([1, 2], dtype="i4"), [3]], [np.array([1, 2], dtype="i4"), np.array([1.5])], [np.array(["a", "b"])],
    [np.array([1, None], dtype=object)], [np.array(["2020-01-01"], dtype="M8[ns]"), None], [pd.Timestamp("2020-01-01")],
    [pd.Timestamp("2020-01-01", tz="UTC")], [pd.Timedelta(5)], [float("nan"), 1], [1] * 300 + [2.5],
]


@pytest.mark.parametrize("values", INFERRED, ids=lambda v: repr(v)[:60])
def test_inference(values):
    expected = pa.array(values)
    ours = to_arrow(native(values))
    ours.validate(full=True)
    same(ours, expected)


@pytest.mark.parametrize("values", [
    [float("nan"), 1], [pd.NA, 1], [pd.NaT], [pd.NaT, pd.Timestamp("2020")], [Decimal("NaN"), Decimal("1")],
    [[float("nan"), 1.0]], ["a", float("nan")], [np.float64("nan"), 1.0], [np.float32("nan"), np.float32(1)],
    [np.datetime64("NaT", "ns")], [True, pd.NA], [{"a": float("nan")}],
], ids=repr)
def test_from_pandas(values):
    same(to_arrow(native(values, from_pandas=True)), pa.array(values, from_pandas=True))


@pytest.mark.parametrize("make", [
    lambda: (i for i in range(5)), lambda: {1, 2}, lambda: {"a": 1}.values(), lambda: {"a": 1, "b": 2}, lambda: range(4),
    lambda: iter([1, None]), lambda: collections.deque([1.5]), lambda: np.array([1, 2]), lambda: (), lambda: map(str, [1, 2]),
])
def test_iterables(make):
    same(to_arrow(native(make())), pa.array(make()))


@pytest.mark.parametrize("mask", [[True, False], (False, True), np.array([True, False]), pa.array([False, True])], ids=repr)
def test_mask(mask):
    same(to_arrow(native([1, 2], mask=mask)), pa.array([1, 2], mask=np.array(mask)))
    same(to_arrow(native(["a", 2], pa.string(), mask=[False, True])), pa.array(["a", None]))
    same(to_arrow(native([{"a": 1}, 5], mask=[False, True])), pa.array([{"a": 1}, None]))


def test_random_nesting():
    import random
    chance = random.Random(7)

    def value(depth):
        if chance.random() < 0.15:
            return None
        return {"n": chance.randrange(-(2**40), 2**40), "s": "ü" * chance.randrange(4),
                "l": [value(depth - 1) for _ in range(chance.randrange(4))] if depth else None}

    values = [value(3) for _ in range(500)]
    expected = pa.array(values)
    same(to_arrow(native(values)), expected)
    assert to_list(from_arrow(expected)) == expected.to_pylist()


# ---- errors: pyarrow's words, then the item ------------------------------------------------------------------------

FAILING = [
    ([1, "a"], None), (["a", 1], None), ([True, 1], None), ([1, True], None), ([2**63], None), ([1.0, 2**63], None),
    ([1.0, 2**53 + 1], None), ([[1], 2], None), ([{"a": 1}, 2], None), ([{1: 2}], None), ([object], None), ([1j], None),
    ([pd.NA], None), ([pd.NaT], None), ([Decimal("1.5"), 2.5], None), ([np.datetime64("2020-01-01", "us"), dt.datetime(2020, 1, 1)], None),
    (["\ud800"], None), ([frozenset([1])], None), ([dt.datetime(2020, 1, 1), dt.date(2020, 1, 1)], None),
    ([300], pa.int8()), ([-1], pa.uint8()), ([2**64], pa.uint64()), (["a"], pa.int64()), ([True], pa.int32()),
    ([float("nan")], pa.int64()), (["x"], pa.float64()), (["x"], pa.float32()), ([np.float32(1)], pa.float16()),
    ([2**24 + 1], pa.float32()), ([2**70], pa.float64()), ([1], pa.bool_()), ([1], pa.null()), ([1], pa.string()),
    ([b"\xff"], pa.string()), ([1.5], pa.binary()), ([b"abc"], pa.binary(2)), (["a"], pa.date32()), ([2**40], pa.date32()),
    ([2**40], pa.time32("s")), (["a"], pa.time64("us")), (["a"], pa.timestamp("us")), ([np.int32(5)], pa.timestamp("us")),
    ([dt.datetime(9999, 1, 1)], pa.timestamp("ns")), ([dt.timedelta(200000)], pa.duration("ns")),
    ([1.5], pa.decimal128(5, 2)), ([Decimal("1.555")], pa.decimal128(5, 2)), ([10**38], pa.decimal128(38, 0)),
    ([Decimal("NaN")], pa.decimal128(5, 2)), ([Decimal("1e40")], pa.decimal128(38, 0)), ([1], pa.list_(pa.int64())),
    ([[1, "x"]], pa.list_(pa.int64())), ([[1]], pa.list_(pa.int64(), 2)), ([1], pa.struct([("a", pa.int64())])),
    ([{"a": 1}, (1,)], pa.struct([("a", pa.int64())])), ([(1, 2)], pa.struct([("a", pa.int64())])),
    ([[(None, 1)]], pa.map_(pa.string(), pa.int64())), ([[1]], pa.map_(pa.string(), pa.int64())),
    ([[1]], pa.dictionary(pa.int8(), pa.list_(pa.int64()))), ([1], pa.dictionary(pa.int8(), pa.string())),
]
CODES = {"ArrowInvalid": 4, "ArrowTypeError": 3, "ArrowNotImplementedError": 10, "ArrowCapacityError": 6}


@pytest.mark.parametrize("values, type", FAILING, ids=lambda v: str(v)[:50])
def test_error_texts(values, type):
    with pytest.raises(Exception) as theirs:
        pa.array(values, type)
    with pytest.raises(NativeError) as ours:
        native(values, type)
    expected, name = str(theirs.value), theirs.type.__name__
    assert ours.value.code == CODES.get(name, 9)
    # Errors that are Python's own say their class first.
    assert ours.value.message.startswith(expected if name in CODES else f"{name}: {expected}")


def test_errors_say_where():
    def told(values, type=None):
        with pytest.raises(NativeError) as error:
            native(values, type)
        return error.value.message

    assert "; item 1;" in told([1, "a"])
    assert "; item 2 at .a[1].b" in told([None, {"a": None}, {"a": [None, {"b": "x"}]}], pa.struct([("a", pa.list_(pa.struct([("b", pa.int8())])))]))
    assert "; item 3 at [1]" in told([[], [1], None, [2, 300], []], pa.list_(pa.int8()))
    assert "; item 1 at [0].value" in told([None, {"k": "x"}], pa.map_(pa.string(), pa.int8()))


def test_mask_errors():
    for mask, text in [([True], "Mask was a different length from sequence being converted"), ([1, 0], "Mask must be a sequence of booleans"),
                       (np.array([1, 0]), "Mask must be boolean dtype"), (np.array([[True, False]]), "Mask must be 1D array")]:
        with pytest.raises(NativeError, match=text):
            native([1, 2], mask=mask)


class Raises:
    def __init__(self, error):
        self.error = error

    def __iter__(self):
        raise self.error

    def __index__(self):
        raise self.error

    def __repr__(self):
        raise self.error


@pytest.mark.parametrize("error, code", [
    (ValueError("no"), 9), (KeyboardInterrupt("stop"), 8), (MemoryError("full"), 1), (ZeroDivisionError(), 9), (SystemExit(3), 9),
])
def test_python_errors_are_told_not_left_behind(error, code):
    with pytest.raises(NativeError) as told:
        native(Raises(error))
    assert told.value.code == code
    assert told.value.message.startswith(type(error).__name__)
    with pytest.raises(NativeError) as told:
        native([1, Raises(error)], pa.date32())
    assert "item 1" in told.value.message


def test_a_list_within_itself():
    deep = []
    deep.append(deep)
    with pytest.raises(NativeError, match="nested more than 64 levels"):
        native(deep)


def test_unknown_options_are_named():
    with pytest.raises(NativeError, match="surprise"):
        native([1], surprise="1")
    with pytest.raises(NativeError, match="maps_as_pydicts"):
        to_list(native([1]), maps_as_pydicts="x")


# ---- to lists ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("array", [
    pa.array([2**62], pa.timestamp("us")), pa.array([-(2**62)], pa.timestamp("s", "UTC")), pa.array([2**62], pa.duration("s")),
    pa.array([2**31 - 1], pa.date32()), pa.array([2**60], pa.date64()), pa.array([0], pa.timestamp("us", "Nowhere/Land")),
    pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
    pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(np.array([0, 1], "i4")), pa.py_buffer(b"\xff")]),
], ids=lambda a: str(a.type))
def test_values_that_python_cannot_hold(array):
    with pytest.raises(Exception):
        array.to_pylist()
    with pytest.raises(NativeError):
        to_list(from_arrow(array))


def test_maps_as_dicts():
    array = pa.array([[("a", 1), ("a", 2)], None, []], pa.map_(pa.string(), pa.int64()))
    assert to_list(from_arrow(array), maps_as_pydicts="lossy") == [{"a": 2}, None, {}]
    with pytest.raises(NativeError, match="duplicate key was 'a'") as error:
        to_list(from_arrow(array), maps_as_pydicts="strict")
    assert error.value.code == 2


def test_sliced_and_overlapping_lists():
    array = pa.array([[1, 2], None, [3], [], [4, 5, 6]])
    for start in range(5):
        for stop in range(start, 6):
            assert to_list(from_arrow(array[start:stop])) == array[start:stop].to_pylist()
    # A null list with items under it.
    under = pa.ListArray.from_arrays(pa.array([0, 2, 4]), pa.array([1, 2, 3, 4]), mask=pa.array([True, False]))
    assert to_list(from_arrow(under)) == [None, [3, 4]]


def test_texts_of_every_length():
    texts = ["x" * n for n in range(70)] + ["x" * n + "ü" for n in range(70)] + [chr(n) for n in range(1, 400)]
    assert to_list(native(texts)) == texts


# ---- NumPy ---------------------------------------------------------------------------------------------------------

def from_objects(array, type=None, **options):
    schema = None if type is None else schema_of(type)
    out = Pointer()
    call(
        "martlet_python_array_from_objects", Pointer(array.ctypes.data), ctypes.c_int64(array.strides[0]),
        ctypes.c_int64(len(array)), Pointer(), Pointer(schema.pointer if schema else None), *pack(options), ctypes.byref(out))
    return to_arrow(Handle(out, "array"))


def test_object_arrays():
    values = np.array(["a", None, "b", 1.5, "c", 7], dtype=object)
    same(from_objects(values[:3]), pa.array(["a", None, "b"]))
    same(from_objects(values[::2]), pa.array(["a", "b", "c"]))
    same(from_objects(values[3::2][::-1]), pa.array([7, 1.5]))
    same(from_objects(np.array([np.nan, "x"], dtype=object), from_pandas=True), pa.array([None, "x"]))
    same(from_objects(np.array([], dtype=object)), pa.array([]))


def from_unicode(array, type=pa.string()):
    schema, out = schema_of(type), Pointer()
    call(
        "martlet_python_array_from_unicode", Pointer(array.ctypes.data), ctypes.c_int64(array.strides[0]),
        ctypes.c_int64(array.dtype.itemsize), ctypes.c_int64(len(array)), Pointer(schema.pointer), ctypes.byref(out))
    return to_arrow(Handle(out, "array"))


@pytest.mark.parametrize("type", [pa.string(), pa.large_string()], ids=str)
def test_fixed_width_unicode(type):
    values = np.array(["", "a", "grün", "ł€😀", "a\0b", "x" * 40, "\0"])
    same(from_unicode(values, type), pa.array([str(v) for v in values], type))
    same(from_unicode(values[::-2], type), pa.array([str(v) for v in values[::-2]], type))
    broken = np.frombuffer(np.array([0xD800, 0], "u4"), "<U2")
    with pytest.raises(NativeError, match="D800"):
        from_unicode(broken)


@pytest.mark.parametrize("dtype", ["i1", "u2", "i4", "i8", "f4", "f8", "?", "M8[us]", "m8[ns]", "U3", "f2", "O"])
def test_lists_of_arrays(dtype):
    one = np.array([1, 0, 1, 1], dtype="i8").astype(dtype)
    for arrays in ([one, one[:0], one[1:]], [one[::2], None, one[::-1]], [one, [one[0]], one], [None, None, one]):
        expected = pa.array(arrays)
        ours = to_arrow(native(arrays))
        ours.validate(full=True)
        same(ours, expected)
        if dtype not in ("O", "U3"):
            same(to_arrow(native(arrays, expected.type)), expected)
    fixed = pa.list_(pa.array(one).type, 4)
    same(to_arrow(native([one, None, one[::-1]], fixed)), pa.array([one, None, one[::-1]], fixed))
    with pytest.raises(NativeError, match="Length of item not correct"):
        native([one, one[1:]], fixed)
    with pytest.raises(NativeError, match="1-dimensional"):
        native([one, one.reshape(2, 2)], pa.list_(pa.array(one).type))


def test_fill_objects():
    array = from_arrow(pa.array(["a", None, "b"]))
    target = np.array([object(), None, [1]], dtype=object)
    nones = sys.getrefcount(None)
    call("martlet_python_fill_objects", Pointer(array.pointer), Pointer(target.ctypes.data), ctypes.py_object(np.nan))
    assert target[0] == "a" and target[1] is np.nan and target[2] == "b"
    assert abs(sys.getrefcount(None) - nones) < 10


def test_a_buffer_keeps_its_owner_until_a_call_from_python():
    class Owner(bytearray):
        pass

    def make():
        owner = Owner(b"hello")
        view = (ctypes.c_char * 5).from_buffer(owner)
        out = Pointer()
        call("martlet_python_buffer", ctypes.py_object(owner), Pointer(ctypes.addressof(view)), ctypes.c_int64(5), ctypes.byref(out))
        del view
        return Handle(out, "buffer"), weakref.ref(owner)

    buffer, owner = make()
    gc.collect()
    assert owner() is not None
    lib.martlet_buffer_address.restype = Pointer
    assert ctypes.string_at(lib.martlet_buffer_address(Pointer(buffer.pointer)), 5) == b"hello"
    holder = [buffer]
    del buffer
    thread = threading.Thread(target=holder.clear)
    thread.start()
    thread.join()
    lib.martlet_python_drain()
    gc.collect()
    assert owner() is None


# ---- nothing leaks -------------------------------------------------------------------------------------------------

def references(run):
    """Objects that one `run` leaves alive, and references to None: the least of some rounds, since caches fill up."""
    rounds = []
    while len(rounds) < 12 and not (rounds and max(rounds[-1]) < 0.5):
        gc.collect()
        before, nones = sys.getallocatedblocks(), sys.getrefcount(None)
        for _ in range(60):
            run()
        gc.collect()
        rounds.append(((sys.getallocatedblocks() - before) / 60, abs(sys.getrefcount(None) - nones) / 60))
    return min(r[0] for r in rounds), min(r[1] for r in rounds)


@pytest.mark.parametrize("type", VALUES, ids=str)
def test_conversions_leave_nothing_behind(type):
    values = VALUES[type] * 3 + [None]
    array = from_arrow(pa.array(values, type))

    def run():
        native(values, type)
        to_list(array)

    blocks, nones = references(run)
    assert blocks < 0.9 and nones < 0.9


@pytest.mark.parametrize("values, type", FAILING, ids=lambda v: str(v)[:50])
def test_failures_leave_nothing_behind(values, type):
    good = {None: [1]}.get(type, [None]) * 50

    def run():
        try:
            native(good + values + good, type)
        except NativeError:
            pass

    blocks, nones = references(run)
    assert blocks < 0.9 and nones < 0.9


def test_references_of_items_come_back():
    item, row = object(), {"k": ["text" * 10, "more"]}
    rows = [row, [row], (row,)]
    before = [sys.getrefcount(x) for x in (row, row["k"], row["k"][0])]
    for _ in range(10):
        native([row, row, None])
        native([[row], [row, None]])
        native([row, row], pa.struct([("k", pa.list_(pa.string()))]), mask=[True, False])
        with pytest.raises(NativeError):
            native([row, 5])
        with pytest.raises(NativeError):
            native([item])
    assert [sys.getrefcount(x) for x in (row, row["k"], row["k"][0])] == before
    assert len(rows) == 3


def test_half_made_lists_are_dropped():
    array = from_arrow(pa.array([1] * 1000 + [2**62], pa.timestamp("us")))

    def run():
        with pytest.raises(NativeError):
            to_list(array)

    blocks, _ = references(run)
    assert blocks < 0.9


# ---- Python code in the middle --------------------------------------------------------------------------------------

def test_items_that_change_the_list_they_come_from():
    for type in (pa.int64(), pa.string(), pa.date32(), pa.list_(pa.int64())):
        values = []

        class Clears:
            def __index__(self):
                values.clear()
                gc.collect()
                return 7

            def __repr__(self):
                values.clear()
                return "gone"

        values.extend([[1, 2] if pa.types.is_list(type) else "x" * 3 if pa.types.is_string(type) else 5] * 50)
        values.insert(25, [Clears()] if pa.types.is_list(type) else Clears())
        try:
            assert len(to_arrow(native(values, type))) == 51
        except NativeError as error:
            assert "item 25" in error.message


def test_interrupts_end_long_work():
    program = f"""
import os, signal, sys, threading, time
sys.path.insert(0, {os.path.dirname(os.path.dirname(__file__))!r})
import martlet
class Slow:
    def __index__(self): return 1
values = [Slow()] * 20_000_000
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
start = time.time()
code = 0
try:
    martlet.array(values, type=martlet.int64())
except BaseException as e:
    code = type(e).__name__
print(code, time.time() - start < 20)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1] == "True" and done.stdout.split()[0] in ("KeyboardInterrupt", "ArrowCancelled")


def test_capsules_release_what_nobody_took():
    array = native(["text"] * 1000)
    lib.martlet_memory_live.restype = ctypes.c_int64
    before = lib.martlet_memory_live()
    for is_device in (False, True):
        for _ in range(5):
            pair = Pointer()
            call("martlet_python_array_capsules", Pointer(array.pointer), is_device, ctypes.byref(pair))
            drop(pair)
    assert lib.martlet_memory_live() == before
    pair = Pointer()
    call("martlet_python_array_capsules", Pointer(array.pointer), False, ctypes.byref(pair))
    objects = ctypes.cast(pair, ctypes.py_object).value
    assert ["arrow_schema" in repr(objects[0]), '"arrow_array"' in repr(objects[1])] == [True, True]
    drop(pair)
    taken = pa.Array._import_from_c_capsule(*objects)
    del objects, array
    gc.collect()
    assert taken.to_pylist() == ["text"] * 1000


def test_without_proven_layouts():
    """Once more with every object read through functions, as on builds that lay their objects out otherwise."""
    chosen = "sequence_and or inference or from_pandas or iterables or mask or error_texts or nesting or arrays"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--maxfail=5", "-p", "no:cacheprovider", "-k", chosen, __file__], capture_output=True, text=True,
        timeout=900, env={**os.environ, "MARTLET_PYTHON_LAYOUT": "0"})
    assert done.returncode == 0, done.stdout[-3000:]
