"""Arrays and chunked arrays of every type in every layout, judged by pyarrow."""

import copy
import pickle

import pytest

pa = pytest.importorskip("pyarrow")

import martlet as ma
from arrow_cases import LAYOUTS, TYPES, column
from judged import check, told


@pytest.fixture(params=LAYOUTS)
def layout(request):
    return request.param


@pytest.fixture(params=TYPES)
def pair(request, layout):
    """A chunked array of both libraries."""
    theirs = column(request.param, layout)
    return ma.chunked_array(theirs), theirs


def chunks(pair):
    return zip(pair[0].chunks, pair[1].chunks)


def test_values(pair):
    mine, theirs = pair
    assert repr(mine.to_pylist()) == repr(theirs.to_pylist())
    assert str(mine.type) == str(theirs.type) and len(mine) == len(theirs)
    assert mine.null_count == theirs.null_count and mine.num_chunks == theirs.num_chunks
    for a, b in chunks(pair):
        assert repr(a.to_pylist()) == repr(b.to_pylist())
        assert type(a).__name__ == type(b).__name__ and a.offset == b.offset
        assert repr([x.as_py() for x in a]) == repr([x.as_py() for x in b])
        assert [repr(x).replace("martlet", "pyarrow") for x in a] == [repr(x) for x in b]


def test_text(pair):
    longest = max([len(x) for x in pair[1].to_pylist() if isinstance(x, (str, bytes))], default=0)
    if longest > 100:
        pytest.skip("long texts are not cut")
    if "struct" in str(pair[1].type):
        pytest.skip("pyarrow indents the validity of nested structs in its own way")
    assert str(pair[0]) == str(pair[1])
    for a, b in chunks(pair):
        assert str(a) == str(b)


def test_exchange(pair):
    mine, theirs = pair
    assert pa.chunked_array(mine).equals(theirs)
    for a, b in chunks(pair):
        back = pa.array(a)
        back.validate(full=True)
        assert back.equals(b)
        again = ma.array(b)
        again.validate(full=True)
        assert again.equals(a) and a == again


def test_slices(pair):
    mine, theirs = pair
    for part in (slice(1, 3), slice(0, 0), slice(2, None), slice(-2, None), slice(None, None, 3), slice(None, None, -1)):
        assert repr(mine[part].to_pylist()) == repr(theirs.to_pylist()[part])
        for a, b in chunks(pair):
            assert repr(a[part].to_pylist()) == repr(b.to_pylist()[part])


def test_pickles_and_copies(pair):
    for a, b in chunks(pair):
        again = pickle.loads(pickle.dumps(a))
        again.validate(full=True)
        assert again.equals(a) and copy.deepcopy(a).equals(a)
    assert pickle.loads(pickle.dumps(pair[0])).equals(pair[0])


def test_from_python(pair):
    mine, theirs = pair
    again = ma.array(theirs.to_pylist(), type=mine.type)
    assert repr(again.to_pylist()) == repr(theirs.to_pylist())


def test_buffers(pair):
    for a, b in chunks(pair):
        assert len(a.buffers()) == len(b.buffers())
        if len(a):
            assert [x is None for x in a.buffers()] == [x is None for x in b.buffers()]
        if not a.type.num_fields and not isinstance(a.type, ma.DictionaryType) and a.type.id:
            again = ma.Array.from_buffers(a.type, len(a), a.buffers(), offset=a.offset)
            assert again.equals(a)


def test_concatenation(pair):
    mine, theirs = pair
    whole = mine.combine_chunks()
    assert repr(whole.to_pylist()) == repr(theirs.to_pylist())
    assert ma.chunked_array([whole], type=mine.type).equals(mine)


def test_hashes_of_scalars(pair):
    for a, _ in chunks(pair):
        assert [hash(x) for x in a] == [hash(x) for x in pickle.loads(pickle.dumps(a))]
        assert all(x == y for x, y in zip(a, pickle.loads(pickle.dumps(a))))


@pytest.mark.parametrize("code", [
    lambda m, c: m.array([1, 2, None]), lambda m, c: m.array([1.5, None]), lambda m, c: m.array(["a", None, "é"]),
    lambda m, c: m.array([[1], None, [2, 3]]), lambda m, c: m.array([{"a": 1, "b": "x"}, None]), lambda m, c: m.array([]),
    lambda m, c: m.array(5), lambda m, c: m.array("abc"), lambda m, c: m.array({1}), lambda m, c: m.array(range(3)),
    lambda m, c: m.array(x for x in "ab"), lambda m, c: m.array(iter([1, 2, 3]), size=2), lambda m, c: m.array([1, "a"]),
    lambda m, c: m.array(None), lambda m, c: m.array([1], type=m.binary()), lambda m, c: m.array([1.5], m.int64()),
    lambda m, c: m.array([1, 2], m.int8(), mask=[True, False]), lambda m, c: m.array([m.scalar(1)]),
    lambda m, c: m.array(["a", "b", "a"], m.dictionary(m.int8(), m.string())), lambda m, c: m.array([300], m.int8()),
    lambda m, c: m.array(["a"], m.int8()), lambda m, c: m.array([1, 2])[5], lambda m, c: m.array([1, 2])["x"],
    lambda m, c: m.nulls(2), lambda m, c: m.nulls(2, m.string()), lambda m, c: m.repeat(3, 4),
    lambda m, c: m.ListArray.from_arrays([0, 2, 3], [1, 2, 3]), lambda m, c: m.ListArray.from_arrays([0, None, 3], [1, 2, 3]),
    lambda m, c: m.ListArray.from_arrays(m.array([0, 2, 3], m.int32()), m.array([1, 2, 3]), mask=m.array([True, False])),
    lambda m, c: m.StructArray.from_arrays([[1, 2], ["a", "b"]], names=["x", "y"]),
    lambda m, c: m.StructArray.from_arrays([[1, 2], ["a", "b"]], names=["x", "y"], mask=m.array([True, False])),
    lambda m, c: m.DictionaryArray.from_arrays([0, 1, None], ["a", "b"]),
    lambda m, c: m.DictionaryArray.from_arrays([0, 1, None], ["a", "b"]).indices,
    lambda m, c: m.DictionaryArray.from_arrays([0, 1, None], ["a", "b"]).dictionary,
    lambda m, c: m.MapArray.from_arrays([0, 1, 2], ["a", "b"], [1, 2]),
    lambda m, c: m.MapArray.from_arrays([0, 1, 2], ["a", "b"], [1, 2]).keys,
    lambda m, c: m.FixedSizeListArray.from_arrays([1, 2, 3, 4], 2),
    lambda m, c: m.FixedSizeListArray.from_arrays([1, 2, 3], 2),
    lambda m, c: m.array([[1], None, [2, 3]]).flatten(), lambda m, c: m.array([[1], None, [2, 3]])[1:].offsets,
    lambda m, c: m.array([[1], None, [2, 3]])[1:].values, lambda m, c: m.array([[1], None, [2, 3]]).value_lengths(),
    lambda m, c: m.array([[1], None, [2, 3]]).value_parent_indices(),
    lambda m, c: m.array([{"a": 1}, {"a": 2}]).field("a"), lambda m, c: m.array([{"a": 1}, None]).flatten()[0],
    lambda m, c: m.array([{"a": 1}]).field("b"), lambda m, c: m.chunked_array([[1, 2], [3]]), lambda m, c: m.chunked_array([]),
    lambda m, c: m.chunked_array([[1], ["x"]]), lambda m, c: m.chunked_array([m.array([1]), m.array(["x"])]),
    lambda m, c: m.chunked_array([[1], [2]]).chunk(3), lambda m, c: m.concat_arrays([]),
    lambda m, c: m.concat_arrays([m.array([1]), m.array(["x"])]), lambda m, c: m.infer_type([1, 2.5]),
    lambda m, c: m.scalar(5), lambda m, c: m.scalar([1, 2])[1], lambda m, c: m.scalar({"a": 1})["a"],
    lambda m, c: m.scalar({"a": 1})["b"], lambda m, c: m.scalar("x", m.int8()), lambda m, c: m.scalar(1) == m.scalar(1),
    lambda m, c: m.scalar(None), lambda m, c: m.array([1, 2]).equals(3), lambda m, c: m.array([1, 2]) == m.array([1, 2]),
    lambda m, c: m.array([1, 2]).slice(-1), lambda m, c: m.array([1, 2]).slice(1, 9), lambda m, c: m.Int64Array(),
    lambda m, c: m.array([1, 2]).view(m.float64()),
])
def test_behaviour(code):
    check(code)


def test_slices_share_memory():
    whole = ma.array(list(range(100)))
    assert whole[10:20].buffers()[1].address == whole.buffers()[1].address


def test_long_texts_are_bounded_in_html():
    page = ma.table({f"c{i}": ["<b>" * 1000] * 100 for i in range(50)})._repr_html_()
    assert len(page) < 100_000 and "<b>" not in page.replace("<b>", "", 0) or "&lt;b&gt;" in page
