"""Ways of calling functions that programs written for pyarrow know; pyarrow itself says what comes out."""

import datetime
import decimal

import pyarrow
import pyarrow.compute
import pytest

import martlet as pa
import martlet.compute as pc


def outcome(call, pa, pc):
    """The values that a call gives, or what kind of error it is."""
    try:
        result = call(pa, pc)
    except (TypeError, ValueError, NotImplementedError, LookupError) as problem:
        kinds = (TypeError, NotImplementedError, IndexError, KeyError, ValueError)
        return next(kind for kind in kinds if isinstance(problem, kind)), problem
    values = result.to_pylist() if hasattr(result, "to_pylist") else result.as_py()
    return str(result.type) if hasattr(result, "type") else None, values


def unions(m):
    ids = m.array([0, 1, 0, 1], type=m.int8())
    sparse = m.UnionArray.from_sparse(ids, [m.array([0.5, 99.0, None, 1.0]), m.array([False, None, True, True])])
    dense = m.UnionArray.from_dense(ids, m.array([0, 0, 1, 1], type=m.int32()), [m.array([0.5, None]), m.array([None, True])])
    return sparse, dense


LISTS = [[1, 2, 3], [4, 5], [6], None, []]
HOURS = [datetime.timedelta(hours=h, minutes=m) for h in (-7, -4, 0, 5) for m in (0, 31)] + [None]
CALLS = [
    *[lambda m, c, k=k, f=f, i=i: getattr(c, f)(unions(m)[k][i:]) for k in (0, 1) for f in ("is_null", "is_valid", "count")
      for i in (0, 1)],
    *[lambda m, c, s=s, e=e, n=n, f=f, t=t: c.list_slice(m.array(LISTS, t(m)), s, e, n, f)
      for s in (0, 1, 2) for e in (None, 2, 5) for n in (1, 2) for f in (None, True, False)
      for t in (lambda m: m.list_(m.int16()), lambda m: m.large_list(m.int8()))],
    *[lambda m, c, s=s, e=e, n=n, f=f: c.list_slice(m.array([[1, 2, 3], None], m.list_(m.int8(), 3)), s, e, n, f)
      for s in (0, 1) for e in (None, 2, 5) for n in (1, 2) for f in (None, True, False)],
    lambda m, c: c.list_slice(m.array([[1]]), 2, 1), lambda m, c: c.list_slice(m.array([[1]]), 0, 1, 0),
    *[lambda m, c, f=f, n=n, u=u, t=t: getattr(c, f + "_temporal")(m.array(HOURS, m.duration(t)), n, u)
      for f in ("floor", "ceil", "round") for n in (1, 4) for u in ("second", "minute", "hour", "day", "week")
      for t in ("s", "us")],
    lambda m, c: c.floor_temporal(m.array(HOURS), 1, "month"),
    *[lambda m, c, s=s: c.binary_slice(m.array([b"abcd", None], m.binary(4)), *s)
      for s in ((0, 2), (1, None), (-1, None, -1), (3, 1), (0, 9))],
    *[lambda m, c, v=v, f=f: m.array(v).fill_null(f) for v, f in (
        ([1, None], "5"), ([1.5, None], "5"), ([1, None], 5), (["a", None], 5), ([1, None], 5.5))],
    lambda m, c: m.array([1, 2]).filter(m.array([0, 1])), lambda m, c: m.table({"a": [1]}).filter(m.array([0])),
    lambda m, c: m.table({"a": [1]}).filter(m.scalar(True)), lambda m, c: m.table({"a": [1]}).filter(m.table({"a": [True]})),
    lambda m, c: m.array([[1, 2]], m.list_(m.int8(), 2)).cast(m.list_(m.int8(), 3)),
    lambda m, c: c.inverse_permutation(m.chunked_array([[1], [0]])),
    lambda m, c: c.inverse_permutation(m.array([1, 0]), options=c.InversePermutationOptions(output_type=m.int64())),
    lambda m, c: c.round_to_multiple(m.array([1.3, 7.9]), m.scalar(2.5)), lambda m, c: c.round_to_multiple([1.5], object),
    lambda m, c: c.round_to_multiple([1.5], 10**30), lambda m, c: c.partition_nth_indices([1]),
    lambda m, c: c.round_to_multiple([1.5], m.scalar(decimal.Decimal("0.5"))),
    lambda m, c: c.select_k_unstable(m.table({"a": [3, 1, 2], "b": [1, 2, 3]}), 2, [("a", "ascending")]),
    lambda m, c: c.top_k_unstable(m.table({"a": [3, 1, 2], "b": [1, 2, 3]}), 2, ["a"], ["at_end"]),
    lambda m, c: c.bottom_k_unstable(m.array([3, 1, 2]), 2), lambda m, c: c.select_k_unstable(m.array([1]), -1, [("a", "ascending")]),
    lambda m, c: c.select_k_unstable(m.array([1]), 1, []), lambda m, c: c.select_k_unstable(m.array([1])),
    lambda m, c: c.sort_indices(m.array([2, 1]), options=c.SortOptions(sort_keys=[("x", "descending")])),
    lambda m, c: c.sort_indices(m.table({"a": [1]}), sort_keys=[("u", "ascending")]),
    lambda m, c: c.array_sort_indices(m.array([1]), order="x"),
    lambda m, c: c.search_sorted(m.array([1]), m.array([1]), side="x"), lambda m, c: c.rank([1], tiebreaker="x"),
    lambda m, c: c.utf8_normalize(m.array(["a"]), form="x"), lambda m, c: c.cast(m.table({"a": [1]}), m.int8()),
    lambda m, c: c.random(3, initializer=[]), lambda m, c: c.pivot_wider(["a"], [1]),
    lambda m, c: c.min_max([1], options=c.ScalarAggregateOptions(), skip_nulls=True), lambda m, c: c.min_max(),
    lambda m, c: c.cast(m.array([1]), "int32", options=c.CastOptions(m.int8())),
    *[lambda m, c, p=p: c.struct_field(m.array([{"a": 4, "c": {"a": 1, "b": "x"}}]), p) for p in (
        ".c.b", b".c.b", ["c", "b"], [1, "b"], (b"c", "b"), ".a", "a", [], (1, 1), "foo", ".c.foo", ".a.foo")],
    lambda m, c: c.struct_field(m.array([{"a": 4}])), lambda m, c: c.utf8_zero_fill(m.array(["a"]), 4, "xy"),
    lambda m, c: c.count(m.array([1]), mode="x"), lambda m, c: c.quantile(m.array([1]), interpolation="x"),
]


@pytest.mark.parametrize("call", CALLS)
def test_calls(call):
    theirs, mine = outcome(call, pyarrow, pyarrow.compute), outcome(call, pa, pc)
    assert mine[0] == theirs[0]
    if isinstance(theirs[0], type):
        text = str(theirs[1]).splitlines()[0]
        for words in ("not a valid", "cannot be called without options", "No match for FieldRef", "should be greater", "takes 1"):
            assert (words in text) <= (words in str(mine[1])), (text, str(mine[1]))
    else:
        assert mine[1] == theirs[1]


@pytest.mark.parametrize("step", [1, 2**63 - 1])
def test_slices_too_long_to_hold(step):
    lists = pa.array([[1, 2], [3]])
    for stop in (2**63 - 1, 2**62):
        if step > 1:
            assert pc.list_slice(lists, 0, stop, step, True).to_pylist() == [[1], [3]]
        else:
            with pytest.raises((pa.ArrowInvalid, pa.ArrowMemoryError, pa.ArrowCapacityError)):
                pc.list_slice(lists, 0, stop, step, True)


def test_options_are_values():
    assert pc.RoundOptions(2) == pc.RoundOptions(2) != pc.RoundOptions(3)
    assert pc.RoundOptions(2) != pc.ModeOptions(2) and isinstance(pc.RoundOptions(2), pc.FunctionOptions)
    assert pc.utf8_zfill is pc.utf8_zero_fill
    numbers = pc.random(3, initializer="a name")
    assert numbers.equals(pc.random(3, initializer="a name")) and len(set(numbers.to_pylist())) == 3
