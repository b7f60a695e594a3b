"""Ways of making and showing arrays that programs written for pyarrow know; pyarrow itself says what comes out."""

import datetime
import pickle

import numpy as np
import pandas as pd
import pyarrow
import pytest

import martlet as pa

LONG = ["x" * 99, "é" * 60, "y" * 250, None, ""]


@pytest.mark.parametrize("kind", ["string", "binary", "large_string", "string_view"])
@pytest.mark.parametrize("limit", [0, 10, 99, 100, 101])
def test_long_values_are_cut_when_shown(kind, limit):
    mine, theirs = pa.array(LONG, kind), pyarrow.array(LONG, kind)
    if limit > 1 and limit % 2 == 0:  # pyarrow cuts within characters, and runs over its own buffers
        assert mine.to_string(element_size_limit=limit) == theirs.to_string(element_size_limit=limit)
    assert str(mine) == str(theirs)
    assert str(pa.chunked_array([mine])) == str(pyarrow.chunked_array([theirs]))
    assert len(repr(pa.table({"a": mine}))) < 1000


def both(items, type=None):
    """What both libraries make of items that hold their own scalars: the same values of the same type."""
    made = []
    for lib in (pa, pyarrow):
        def of(x, lib=lib):
            return lib.scalar(x.value, x.kind) if isinstance(x, Of) else x
        made.append(lib.array([of(x) for x in items], type))
    return made


class Of:
    def __init__(self, value, kind=None):
        self.value, self.kind = value, kind


DAY = datetime.date(2026, 1, 1)


@pytest.mark.parametrize("items, type", [
    ([None, Of(1, "int8")], None), ([Of("a"), None, Of("b")], None), ([None, Of(DAY, "date32")], None),
    ([None, Of(DAY, "date32")], "date32"), ([Of(None), Of(None)], None),
    ([1, Of(2)], "int64")])
def test_scalars_as_items(items, type):
    mine, theirs = both(items, type)
    assert str(mine.type) == str(theirs.type) and mine.to_pylist() == theirs.to_pylist()
    scalars = np.empty(len(items), dtype=object)
    scalars[:] = [pa.scalar(x.value, x.kind) if isinstance(x, Of) else x for x in items]
    assert pa.array(scalars, type).equals(mine)


@pytest.mark.parametrize("items, type, match", [
    ([Of(1), Of("a")], None, "cannot mix scalars with different types"),
    ([1, Of("a")], None, "cannot be mixed with other Python scalar values"),
    ([Of("a")], "int32", "Cannot append scalar of type string to builder for type int32"),
    ([Of(1)], "null", "Cannot append scalar of type int64 to builder for type null")])
def test_scalars_that_do_not_fit(items, type, match):
    with pytest.raises(pa.ArrowInvalid, match=match):
        pa.array([pa.scalar(x.value) if isinstance(x, Of) else x for x in items], type)


@pytest.mark.parametrize("index", ["int8", "uint8", "int16", "uint16", "int64"])
@pytest.mark.parametrize("count", [128, 129, 40_000])
def test_indices_widen(index, count):
    kinds = [lib.dictionary(index, "int64") for lib in (pa, pyarrow)]
    mine, theirs = pa.array(list(range(count)), kinds[0]), pyarrow.array(range(count), kinds[1])
    if not index.startswith("u"):  # those of pyarrow 26 do not
        assert str(mine.type) == str(theirs.type)
    assert mine.to_pylist() == theirs.to_pylist()
    assert pa.array(np.arange(count), kinds[0]).equals(mine)


@pytest.mark.parametrize("arrays, type", [
    ([np.array([[1, 2], [3, 4]]), np.array([[5, 6]])], None), ([np.zeros((2, 2, 2))], None), ([np.array([[1, 2]])], "list2"),
    ([np.array([[1, 2]])], "fixed2"), ([np.array(1)], "fixed1"), ([np.array([["a"]], dtype=object)], None)])
def test_arrays_of_several_dimensions(arrays, type):
    kinds = {"list2": lambda lib: lib.list_(lib.list_(lib.int32())), "fixed2": lambda lib: lib.list_(lib.int64(), 2),
             "fixed1": lambda lib: lib.list_(lib.int64(), 1), None: lambda lib: None}
    mine = pa.array(arrays, kinds[type](pa))
    lists = [a.ravel().tolist() if type and "fixed" in type else a.tolist() for a in arrays]
    theirs = pyarrow.array(lists, kinds[type](pyarrow))
    assert str(mine.type) == str(theirs.type) and mine.to_pylist() == theirs.to_pylist()


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy 2 has it")
def test_strings_of_numpy_in_lists():
    arrays = [np.array(["a", "bb"], dtype=np.dtypes.StringDType()), np.array(["ccc"], dtype=np.dtypes.StringDType())]
    assert pa.array(arrays).type == pa.list_(pa.string()) and pa.array(arrays).to_pylist() == [["a", "bb"], ["ccc"]]
    with pytest.raises(TypeError, match="Expected an Arrow string type"):
        pa.array(arrays[0], type="binary")


def test_units_do_not_mix():
    moments = [np.datetime64("2020-01-01", "s"), np.datetime64("2020-01-01", "ms")]
    for lib in (pa, pyarrow):
        with pytest.raises(lib.ArrowInvalid, match="Cannot mix NumPy datetime64 units s and ms"):
            lib.array(moments)


def test_all_nan_is_null_from_pandas():
    column = pd.Series([np.nan, np.nan])
    for kind in ("string", "int32", "date32", "binary"):
        assert pa.array(column, type=kind).equals(pa.nulls(2, kind))
    with pytest.raises(TypeError):
        pa.array(column.to_numpy(), type="string")


def test_empty_offsets_of_dates():
    assert pa.array([None, pd.DateOffset()]).to_pylist() == pyarrow.array([None, pd.DateOffset()]).to_pylist()


# Arrays from their parts.

PARTS = [
    lambda m: m.ListArray.from_arrays([0, 1], [1], m.list_(m.binary())),
    lambda m: m.ListViewArray.from_arrays([0], [1], [1], m.list_view(m.binary())),
    lambda m: m.FixedSizeListArray.from_arrays([1, 2], type=m.list_(m.float64(), 2)),
    lambda m: m.FixedSizeListArray.from_arrays([1, 2], -1),
    lambda m: m.FixedSizeListArray.from_arrays([1, 2], 0),
    lambda m: m.MapArray.from_arrays([0, 1], ["a"], [1], m.string()),
    lambda m: m.MapArray.from_arrays([0, 1], ["a"], [1], m.map_(m.string(), m.int8())),
    lambda m: m.MapArray.from_arrays([0, 1], [None], [1]),
    lambda m: m.MapArray.from_arrays([0, 1], ["a"], [1, 2]),
    lambda m: m.MapArray.from_arrays([0, 5], ["a"], [1]),
    lambda m: m.StructArray.from_arrays([m.array([1])], fields=[m.field("a", m.int8())]),
    lambda m: m.StructArray.from_arrays([m.chunked_array([[1]])], ["a"]),
    lambda m: m.StructArray.from_arrays([m.array([1])], ["a"], mask=[True]),
    lambda m: m.ListArray.from_arrays([0, 1], [1], mask=[False]),
    lambda m: m.Array.from_buffers(m.int8(), 1, ["", ""]),
    lambda m: m.RunEndEncodedArray.from_buffers(m.run_end_encoded("int32", "int8"), 1, [None], 1, 0, [[1], [1]]),
    lambda m: m.RunEndEncodedArray.from_buffers(m.run_end_encoded("int32", "int8"), 1, [None], 0, 0, [[1]]),
    lambda m: m.arange(0, 5, 0), lambda m: m.array([1]).slice(0, m.scalar(2**63, m.uint64())),
    lambda m: m.array([1]).slice(m.scalar(None, m.int8())),
    lambda m: m.array(["a"]).view("int32"),
    lambda m: m.Table.from_struct_array(m.chunked_array([[1]])),
    lambda m: m.Table.from_pydict([1], schema=m.schema([("a", "int8")])),
    lambda m: m.Table.from_pylist([{"a": 1}], schema={}), lambda m: m.Table.from_pydict({"a": [1]}, schema={}),
]


@pytest.mark.parametrize("make", PARTS)
def test_parts_that_do_not_fit(make):
    with pytest.raises(Exception) as theirs:
        make(pyarrow)
    with pytest.raises(tuple(c for c in (TypeError, ValueError, NotImplementedError, OverflowError)
                             if isinstance(theirs.value, c))):
        make(pa)


def test_arrays_from_their_buffers():
    made = pa.array(["one", "two", "three", "two"]).dictionary_encode()
    again = pa.DictionaryArray.from_buffers(made.type, 3, made.indices.buffers(), made.dictionary, offset=1)
    assert again.equals(made[1:])
    runs = pa.RunEndEncodedArray.from_buffers(pa.run_end_encoded("int32", "uint8"), 5, [None], 0, 2, [[3, 8], [1, 2]])
    assert runs.to_pylist() == [1, 2, 2, 2, 2]
    text = pa.array(["a", None])
    assert text.view("binary").equals(pa.array([b"a", None])) and text.view("binary").view("string").equals(text)
    views = pa.ListViewArray.from_arrays([0, 0], [None, 0], pa.array([], "int64"))
    assert views.to_pylist() == [None, []]


def test_records_sort_by_all_fields_and_place_nulls():
    columns = [[5, 7, 7, 35], ["foo", "car", "bar", "foobar"]]
    for mask in (None, [False, False, True, False]):
        made = [lib.StructArray.from_arrays([lib.array(c) for c in columns], ["a", "b"],
                                            mask=None if mask is None else lib.array(mask)) for lib in (pa, pyarrow)]
        for ways in ({}, {"order": "descending", "by": "a"}, {"order": "descending", "by": "a", "null_placement": "at_start"}):
            mine, theirs = (x.sort(**ways).to_pylist() for x in made)
            assert mine == theirs


def test_one_dictionary():
    chunks = [["foo", "bar", None], ["quux", None, "foo"]]
    mine, theirs = (lib.chunked_array([lib.array(c).dictionary_encode() for c in chunks]) for lib in (pa, pyarrow))
    for a, b in zip(mine.unify_dictionaries().chunks, theirs.unify_dictionaries().chunks):
        assert a.dictionary.to_pylist() == b.dictionary.to_pylist() and a.to_pylist() == b.to_pylist()
    assert mine.combine_chunks().dictionary.to_pylist() == theirs.combine_chunks().dictionary.to_pylist()
    assert mine.to_pandas().tolist()[0] == "foo"
    assert pa.chunked_array([], pa.string()).dictionary_encode().num_chunks == 0


def test_pickles_share_memory():
    for array in (pa.array(["a", None, "foo"]), pa.array([[1, 2], None, [3]]), pa.array([b"a"] * 9, pa.binary())):
        buffers = []
        data = pickle.dumps(array, 5, buffer_callback=buffers.append)
        again = pickle.loads(data, buffers=buffers)
        assert again.equals(array)
        assert [b and b.address for b in again.buffers()] == [b and b.address for b in array.buffers()]
    small = pa.array(["x" * 1000] * 1000)[5:6]
    assert len(pickle.dumps(small)) < 3000  # a slice does not carry the rest along


def test_arrays_of_others():
    class Other:
        def __init__(self, made):
            self.made = made

        def __arrow_array__(self, type=None):
            return self.made

    one = pa.chunked_array([[1, 2]])
    assert isinstance(pa.array(Other(one)), pa.Array) and pa.array(Other(pyarrow.array([1]))).to_pylist() == [1]
    with pytest.raises(TypeError, match="__arrow_array__"):
        pa.array(Other(np.array([1])))
    for ways in ({"mask": np.array([True, False])}, {"size": 1}):
        with pytest.raises(ValueError, match="Cannot specify a mask or a size"):
            pa.array(Other(one), **ways)


def test_sizes_in_memory():
    import sys
    for data in (pa.array([1, 2]), pa.chunked_array([[1], [2]]), pa.table({"a": [1, 2]}), pa.record_batch({"a": [1, 2]})):
        assert sys.getsizeof(data) >= object.__sizeof__(data) + 16
