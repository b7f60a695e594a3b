"""Functions of the engine on arrays, chunked arrays, scalars, tables and expressions, judged by pyarrow."""

import pickle

import pytest

pa = pytest.importorskip("pyarrow")

import martlet as ma
import martlet.compute as mc
from judged import check


def rows(m):
    return m.table({"a": [1, 2, 3], "b": ["x", None, "z"]})


@pytest.mark.parametrize("code", [
    lambda m, c: c.equal(m.array([1, 2, None]), 2), lambda m, c: c.not_equal(m.array([1, 2, None]), 2),
    lambda m, c: c.less(m.array([1, 2, None]), m.array([2, 2, 2])), lambda m, c: c.greater_equal(m.array([1.5]), 1),
    lambda m, c: c.and_(m.array([True, None]), m.array([False, True])), lambda m, c: c.or_(m.array([True, None]), m.array([False, True])),
    lambda m, c: c.invert(m.array([True, None])), lambda m, c: c.sum(m.array([1, 2, None])), lambda m, c: c.sum(m.array([1.5])),
    lambda m, c: c.min(m.array([3, 1, None])), lambda m, c: c.max(m.array([3, 1, None])), lambda m, c: c.min_max(m.array([3, 1, None])),
    lambda m, c: c.mean(m.array([1, 2, None])), lambda m, c: c.count(m.array([1, 2, None])),
    lambda m, c: c.count(m.array([1, 2, None]), mode="only_null"), lambda m, c: c.unique(m.array([1, 2, 1])),
    lambda m, c: c.value_counts(m.array(["a", "b", "a"])), lambda m, c: c.is_in(m.array([1, 2, None]), value_set=m.array([1])),
    lambda m, c: c.is_null(m.array([1, None])), lambda m, c: c.is_valid(m.array([1, None])),
    lambda m, c: m.array([1.5, float("nan")]).is_null(nan_is_null=True), lambda m, c: c.cast(m.array(["1", "2"]), m.int64()),
    lambda m, c: c.cast(m.array(["1", "xx"]), m.int64()), lambda m, c: c.cast(m.array([[1]]), m.int64()),
    lambda m, c: c.cast(m.array([300]), m.int8()), lambda m, c: c.cast(m.array([300]), m.int8(), safe=False),
    lambda m, c: m.array([1.5]).cast("int8"), lambda m, c: m.array([1500], m.timestamp("ns")).cast(m.timestamp("ms")),
    lambda m, c: m.chunked_array([[1], [2]]).cast(m.string()), lambda m, c: m.scalar(5).cast(m.string()),
    lambda m, c: c.cast(m.array([1.5]), options=c.CastOptions.unsafe(m.int8())), lambda m, c: c.cast(m.array([1])),
    lambda m, c: m.array([1, None]).fill_null(0), lambda m, c: m.chunked_array([[1, None], [None]]).fill_null(7),
    lambda m, c: c.if_else(m.array([True, False]), 1, 2), lambda m, c: c.sum(m.chunked_array([[1], [2, 3]])),
    lambda m, c: c.add(m.chunked_array([[1], [2, 3]]), m.chunked_array([[1, 2], [3]])), lambda m, c: c.add(m.array([1, 2]), 1),
    lambda m, c: c.multiply(m.array([1.5]), 2), lambda m, c: c.divide(m.array([5]), 2), lambda m, c: c.subtract(5, m.array([1])),
    lambda m, c: c.sort_indices(m.array([3, 1, None, 2])), lambda m, c: m.array([3, 1, 2]).sort("descending"),
    lambda m, c: m.array(["a", "b", "a"]).dictionary_encode(), lambda m, c: m.chunked_array([["a"], ["b"]]).dictionary_encode(),
    lambda m, c: m.array(["a", "b", "a"]).dictionary_encode().dictionary_decode(), lambda m, c: m.array([1, 2, 3]).index(2),
    lambda m, c: m.array([1, 2, 3]).filter(m.array([True, None, True]), null_selection_behavior="emit_null"),
    lambda m, c: m.array([1, 2, 3]).filter(m.array([True])), lambda m, c: m.array([1, 2, 3]).take([0, 2]), lambda m, c: m.array([1]).take([5]),
    lambda m, c: m.chunked_array([[1], [2]]).take([1]), lambda m, c: m.array([1, None]).drop_null(),
    lambda m, c: m.chunked_array([[1], [1, 2]]).unique(), lambda m, c: m.array([True, None, False, True]).true_count,
    lambda m, c: m.array(["a", "b"]).cast(m.dictionary(m.int8(), m.string())), lambda m, c: c.nope_function,
    lambda m, c: m.chunked_array([m.array(["a"]).dictionary_encode(), m.array(["b", "a"]).dictionary_encode()]).unify_dictionaries(),
    lambda m, c: rows(m).filter(c.field("a") > 1), lambda m, c: rows(m).filter((c.field("a") > 1) & c.field("b").is_valid()),
    lambda m, c: rows(m).filter(c.field("b").isin(["x", "q"])), lambda m, c: rows(m).filter(~(c.field("a") == 2) | c.field("b").is_null()),
    lambda m, c: rows(m).filter(c.field("q") > 1), lambda m, c: str(c.field("a") > 1), lambda m, c: bool(c.field("a") == 1),
    lambda m, c: str((c.field("a") > 1) & (c.field("b") == "x")), lambda m, c: rows(m).filter(c.field("a") + 1 > 3),
    lambda m, c: rows(m).to_batches()[0].filter(c.field("a") <= 2), lambda m, c: rows(m).filter(c.field("a").cast(m.float64()) > 1.5),
])
def test_behaviour(code):
    check(code)


def test_python_functions_stay_python_functions():
    assert mc.sum(ma.array([1, 2])).as_py() == 3
    assert mc.add(ma.array([1, 2]), ma.array([3, 4])).to_pylist() == [4, 6]


def test_near_names_are_told():
    with pytest.raises(AttributeError, match="did you mean.*equal"):
        mc.equl


def test_expressions_pickle():
    made = (mc.field("a") > 1) & mc.field("b").isin(["x"])
    assert str(pickle.loads(pickle.dumps(made))) == str(made) and made.equals(pickle.loads(pickle.dumps(made)))
