"""NumPy in and out, judged by pyarrow: values, dtypes, what is shared and what is refused."""

import datetime
import decimal

import pytest

np = pytest.importorskip("numpy")
pa = pytest.importorskip("pyarrow")

import martlet as ma

pytestmark = pytest.mark.filterwarnings("ignore:Exporting an unversioned DLPack")
from arrow_cases import LAYOUTS, TYPES, column
from judged import check

INTO = {
    "int": lambda: np.arange(5), "int32": lambda: np.arange(5, dtype="i4"), "uint8": lambda: np.arange(5, dtype="u1"),
    "float": lambda: np.array([1.5, np.nan]), "float16": lambda: np.array([1.5], dtype="f2"),
    "strided": lambda: np.arange(10)[::3], "reversed": lambda: np.arange(10)[::-1], "empty": lambda: np.array([], dtype="f4"),
    "column of a matrix": lambda: np.arange(12.0).reshape(4, 3)[:, 1], "bool": lambda: np.array([True, False, True] * 5),
    "strided bool": lambda: np.array([True, False, True] * 5)[::2], "unicode": lambda: np.array(["a", "bcé", "", "日本"]),
    "strided unicode": lambda: np.array(["a", "b", "c", "d"])[::2], "bytes": lambda: np.array([b"a", b"bc", b""]),
    "text objects": lambda: np.array(["a", None, "c"], dtype=object), "objects with NaN": lambda: np.array(["a", np.nan], dtype=object),
    "mixed objects": lambda: np.array([1, "a", None], dtype=object), "no objects": lambda: np.array([], dtype=object),
    "strided objects": lambda: np.array(["a", "b", "c"], dtype=object)[::2], "StringDType": lambda: np.array(["x", "yy"], dtype=np.dtypes.StringDType()),
    "datetime ns": lambda: np.array(["2020", "NaT"], dtype="M8[ns]"), "datetime s": lambda: np.array(["2020-01-01T01"], dtype="M8[s]"),
    "days": lambda: np.array(["2020-01-01", "NaT"], dtype="M8[D]"), "years": lambda: np.array(["2020"], dtype="M8[Y]"),
    "hours": lambda: np.array(["2020"], dtype="M8[h]"), "timedelta": lambda: np.array([5, "NaT"], dtype="m8[s]"),
    "matrix": lambda: np.zeros((2, 2)), "scalar array": lambda: np.array(5), "complex": lambda: np.array([1 + 2j]),
    "masked": lambda: np.ma.masked_array([1, 2, 3], mask=[1, 0, 0]), "number": lambda: np.float64(3),
    "read-only": lambda: np.frombuffer(bytes(16), dtype="i8"),
}


@pytest.mark.parametrize("from_pandas", [None, True])
@pytest.mark.parametrize("name", INTO)
def test_in(name, from_pandas):
    check(lambda m, c: m.array(INTO[name](), from_pandas=from_pandas))


def test_byte_swapped_is_copied():
    assert ma.array(np.array([1, 2, 300], dtype=">i4")).to_pylist() == [1, 2, 300]


def test_unaligned_is_copied():
    raw = np.zeros(8 * 5 + 1, dtype="u1")
    values = raw[1:].view("i8")
    values[:] = range(5)
    assert ma.array(values).to_pylist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("code", [
    lambda m, c: m.array(np.array([1, 2]), mask=np.array([True, False])), lambda m, c: m.array(np.array([1, 2]), mask=[True, False]),
    lambda m, c: m.array(np.array([1, 2]), mask=np.array([True])), lambda m, c: m.array(np.array([True, False]), mask=np.array([True, False])),
    lambda m, c: m.array(np.array(["a", "b"]), mask=np.array([True, False])), lambda m, c: m.array([1, 2], mask=np.array([True, False])),
    lambda m, c: m.array(np.array(["a", None], dtype=object), mask=np.array([True, False])),
    lambda m, c: m.array(np.arange(5), m.timestamp("ms")), lambda m, c: m.array(np.arange(5), m.duration("s")),
    lambda m, c: m.array(np.arange(5), m.int8()), lambda m, c: m.array(np.array([300]), m.int8()),
    lambda m, c: m.array(np.array([300]), m.int8(), safe=False), lambda m, c: m.array(np.array([1.5]), m.int8()),
    lambda m, c: m.array(np.array([np.nan]), m.int8()), lambda m, c: m.array(np.array([1.5, np.nan]), m.float32(), from_pandas=True),
    lambda m, c: m.array(np.array([1, 2]), m.string()), lambda m, c: m.array(np.array([1, 2]), m.bool_()),
    lambda m, c: m.array(np.array([True]), m.int8()), lambda m, c: m.array(np.array(["a"]), m.large_string()),
    lambda m, c: m.array(np.array(["a"]), m.binary()), lambda m, c: m.array(np.array([b"a"]), m.string()),
    lambda m, c: m.array(np.array([b"ab", b"cd"]), m.binary(2)),
    lambda m, c: m.array(np.array(["2020-01-01T00:00:01"], dtype="M8[ns]"), m.timestamp("ms", "UTC")),
    lambda m, c: m.array(np.array([1500], dtype="M8[ns]"), m.timestamp("ms")),
    lambda m, c: m.array(np.array([1500], dtype="M8[ns]"), m.timestamp("ms"), safe=False),
    lambda m, c: m.array([np.array([1, 2]), np.array([3])]), lambda m, c: m.array([np.float32(1.5), np.int8(3)]),
    lambda m, c: m.from_numpy_dtype("M8[ms]"), lambda m, c: m.from_numpy_dtype("i2"), lambda m, c: m.from_numpy_dtype(object),
    lambda m, c: m.array([1]).to_numpy(writable=True), lambda m, c: m.array([1]).to_numpy(zero_copy_only=False, writable=True),
    lambda m, c: np.asarray(m.array([1, None])), lambda m, c: np.array(m.array([1]), copy=False),
    lambda m, c: np.array(m.array([1, None]), copy=False), lambda m, c: np.asarray(m.array([1]), dtype="f4"),
    lambda m, c: m.array([1, None]).__dlpack__(), lambda m, c: m.array([True]).__dlpack__(),
    lambda m, c: m.array(["a"]).__dlpack__(), lambda m, c: np.from_dlpack(m.array([1, 2, 3])[1:]),
    lambda m, c: m.chunked_array([[1], [None]]).to_numpy(), lambda m, c: m.chunked_array([[1], [2]]).to_numpy(),
    lambda m, c: m.chunked_array([], m.int8()).to_numpy(), lambda m, c: m.chunked_array([[True], [None]]).to_numpy(),
])
def test_behaviour(code):
    check(code)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", TYPES)
def test_out(name, layout):
    theirs = column(name, layout)
    mine = ma.chunked_array(theirs)
    if name.startswith("dictionary"):
        # pyarrow takes the last value of the dictionary for null.
        assert [None if x is None else x for x in mine.to_numpy()] == theirs.to_pylist()
        return
    assert repr(mine.to_numpy()) == repr(theirs.to_numpy())
    for a, b in zip(mine.chunks, theirs.chunks):
        assert repr(a.to_numpy(zero_copy_only=False)) == repr(b.to_numpy(zero_copy_only=False))
        try:
            expected = b.to_numpy()
        except pa.ArrowInvalid as problem:
            with pytest.raises(ma.ArrowInvalid, match=str(problem)):
                a.to_numpy()
        else:
            got = a.to_numpy()
            assert repr(got) == repr(expected) and not got.flags.writeable


def test_memory_is_shared_both_ways():
    values = np.arange(1000.0)
    mine = ma.array(values)
    assert mine.buffers()[1].address == values.ctypes.data
    out = mine.to_numpy()
    assert out.ctypes.data == values.ctypes.data and not out.flags.writeable
    assert mine[10:].to_numpy().ctypes.data == values.ctypes.data + 80


def test_one_chunk_is_a_view():
    values = np.arange(10)
    one = ma.chunked_array([values])
    assert one.to_numpy(zero_copy_only=True).ctypes.data == values.ctypes.data
    assert ma.chunked_array([], ma.int64()).to_numpy().dtype == np.dtype("i8")
    with pytest.raises(ma.ArrowInvalid, match="zero_copy_only.*combine_chunks"):
        ma.chunked_array([values, values]).to_numpy(zero_copy_only=True)


def test_records():
    values = np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "i4"), ("b", "f8")])
    assert ma.array(values).to_pylist() == [{"a": 1, "b": 2.5}, {"a": 3, "b": 4.5}]


def test_objects_of_python():
    values = [datetime.date(2020, 1, 1), None], [decimal.Decimal("1.25"), None], [datetime.timedelta(1), None]
    for items in values:
        check(lambda m, c: m.array(np.array(items, dtype=object)))
