"""Functions on the types that lie in memory in ways of their own: views, runs, unions, extensions, wide and narrow decimals."""

import decimal

import pytest

pa = pytest.importorskip("pyarrow")

import martlet as ma
import martlet.compute as mc

D = decimal.Decimal
TEXTS = ["a", None, "a long string of more than twelve", "b", "a"] * 3
DECIMALS = [D("1.23"), None, D("-4.50"), D("0.00"), D("1.23")] * 3
CASES = {
    "string_view": pa.array(TEXTS, pa.string_view()),
    "binary_view": pa.array([t and t.encode() for t in TEXTS], pa.binary_view()),
    "list_view": pa.array([[1, 2], None, [], [3], [1, 2]] * 3, pa.list_view(pa.int64())),
    "large_list_view": pa.array([["a", "b"], None, [], ["c"], ["a"]] * 3, pa.large_list_view(pa.string())),
    "decimal32": pa.array(DECIMALS, pa.decimal32(7, 2)), "decimal64": pa.array(DECIMALS, pa.decimal64(15, 2)),
    "decimal256": pa.array(DECIMALS, pa.decimal256(50, 2)),
    "run_end_encoded": pa.compute.run_end_encode(pa.array([1, 1, 2, 2, 2, None, None, 3, 3, 3, 3, 1, 1, 1, 1])),
    "sparse_union": pa.UnionArray.from_sparse(pa.array([0, 1, 0, 1, 0] * 3, pa.int8()),
                                              [pa.array(range(15)), pa.array([str(i) for i in range(15)])]),
    "dense_union": pa.UnionArray.from_dense(pa.array([0, 1, 0, 1, 0], pa.int8()), pa.array([0, 0, 1, 1, 2], pa.int32()),
                                            [pa.array([1, 2, 3]), pa.array(["a", "b"])]),
    "month_day_nano": pa.array([(1, 2, 3), None, (0, 0, 0), (4, 5, 6), (1, 2, 3)] * 3, pa.month_day_nano_interval()),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"a" * 16, None, b"b" * 16, b"c" * 16, b"a" * 16] * 3, pa.binary(16))),
    "fixed_size_list": pa.array([[1, 2], None, [3, 4], [5, 6], [1, 2]] * 3, pa.list_(pa.int64(), 2)),
    "map": pa.array([[("a", 1)], None, [], [("b", 2)], [("a", 1)]] * 3, pa.map_(pa.string(), pa.int64())),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "x"}, {"a": 1, "b": "x"}] * 3),
    "dictionary": pa.array(TEXTS).dictionary_encode(),
}


def values(array):
    """The values, as pyarrow sees the memory that Martlet made."""
    theirs = pa.array(array) if isinstance(array, ma.Array) else array
    theirs.validate(full=True)
    return theirs.to_pylist()


@pytest.fixture(params=list(CASES))
def theirs(request):
    return CASES[request.param]


@pytest.mark.parametrize("window", [slice(0, None), slice(2, 4)])
def test_take_and_filter(theirs, window):
    theirs = theirs.slice(window.start, None if window.stop is None else window.stop - window.start)
    mine, rows = ma.array(theirs), theirs.to_pylist()
    count = len(rows)
    places = [count - 1, 0, 0, None, count // 2]
    taken = mc.take(mine, ma.array(places, ma.int32()))
    assert str(taken.type) == str(mine.type)
    assert values(taken) == [None if i is None else rows[i] for i in places]
    for mask in ([i % 3 != 1 for i in range(count)], [i < count // 2 for i in range(count)], [False] * count, [True] * count):
        assert values(mc.filter(mine, ma.array(mask, ma.bool_()))) == [r for r, keep in zip(rows, mask) if keep]
    mask = [[True, None, False][i % 3] for i in range(count)]
    expected = [r if keep else None for r, keep in zip(rows, mask) if keep is not False]
    assert values(mc.filter(mine, ma.array(mask, ma.bool_()), null_selection_behavior="emit_null")) == expected


def test_choices(theirs):
    if pa.types.is_union(theirs.type):
        pytest.skip("a union has no nulls of its own")
    mine, rows = ma.array(theirs), theirs.to_pylist()
    turned = mine.take(ma.array(list(range(len(rows) - 1, -1, -1))))
    condition = [[True, False, None][i % 3] for i in range(len(rows))]
    chosen = mc.if_else(ma.array(condition), mine, turned)
    assert values(chosen) == [None if c is None else a if c else b for c, a, b in zip(condition, rows, rows[::-1])]
    assert values(mc.coalesce(mine, turned)) == [b if a is None else a for a, b in zip(rows, rows[::-1])]
    assert values(mc.is_null(mine)) == [r is None for r in rows]
    assert values(mc.drop_null(mine)) == [r for r in rows if r is not None]
    last, filled = None, []
    for row in rows:
        last = last if row is None else row
        filled.append(last)
    assert values(mc.fill_null_forward(mine)) == filled


def test_distinct(theirs):
    if pa.types.is_union(theirs.type):
        pytest.skip("values of unions are not told apart")
    mine, rows = ma.array(theirs), theirs.to_pylist()
    known = []
    for row in rows:
        if row not in known:
            known.append(row)
    assert values(mc.unique(mine)) == known
    counted = values(mc.value_counts(mine))
    assert [c["values"] for c in counted] == known and [c["counts"] for c in counted] == [rows.count(k) for k in known]
    if not pa.types.is_run_end_encoded(theirs.type) and not pa.types.is_dictionary(theirs.type):
        encoded = mc.run_end_encode(mine)
        assert values(mc.run_end_decode(encoded)) == rows
        assert pa.array(encoded).to_pylist() == rows


@pytest.mark.parametrize("name", ["string_view", "binary_view", "decimal32", "decimal64", "decimal256"])
def test_order(name):
    theirs = CASES[name]
    mine, rows = ma.array(theirs), theirs.to_pylist()
    present = sorted(r for r in rows if r is not None)
    assert values(mine.take(mc.sort_indices(mine)))[:len(present)] == present
    turned = mine.take(ma.array(list(range(len(rows) - 1, -1, -1))))
    pairs = list(zip(rows, rows[::-1]))
    for function, test in [(mc.equal, lambda a, b: a == b), (mc.less, lambda a, b: a < b), (mc.greater_equal, lambda a, b: a >= b)]:
        assert values(function(mine, turned)) == [None if a is None or b is None else test(a, b) for a, b in pairs]
    assert pa.scalar(mc.min_max(mine).as_py() if name.endswith("view") else None) is not None
    assert values(mc.is_in(mine, value_set=mine.slice(0, 2))) == [r in rows[:2] for r in rows]


TARGETS = [
    lambda m: m.string(), lambda m: m.large_string(), lambda m: m.string_view(), lambda m: m.binary_view(), lambda m: m.float64(),
    lambda m: m.decimal32(9, 2), lambda m: m.decimal64(16, 3), lambda m: m.decimal128(20, 4), lambda m: m.decimal256(60, 3),
    lambda m: m.list_(m.int64()), lambda m: m.large_list(m.string()), lambda m: m.list_view(m.int32()), lambda m: m.list_(m.int32(), 2),
]


@pytest.mark.parametrize("target", range(len(TARGETS)))
def test_casts(theirs, target):
    """What pyarrow casts, Martlet casts to the same values."""
    kind = TARGETS[target]
    rows = theirs.slice(0, 4) if "list_view" in str(theirs.type) else theirs
    try:
        expected = rows.cast(kind(pa))
        expected.validate(full=True)
    except (pa.ArrowException, ValueError):
        pytest.skip("pyarrow has no such cast")
    mine = ma.array(rows).cast(kind(ma))
    assert str(mine.type) == str(expected.type) and values(mine) == expected.to_pylist()


@pytest.mark.parametrize("source", [["a", None, "a long string of more than twelve"], [1, None, 3], [1.5, None], ["1.25", None, "-3"], [[1], None, [2, 3]]])
@pytest.mark.parametrize("target", range(len(TARGETS)))
def test_casts_from_plain_types(source, target):
    test_casts(pa.array(source), target)


def test_runs_and_views_come_back():
    numbers = ma.array([1, 1, None, None, 2])
    runs = numbers.cast(ma.run_end_encoded(ma.int16(), ma.int64()))
    assert values(runs) == [1, 1, None, None, 2] and values(runs.cast(ma.int32())) == [1, 1, None, None, 2]
    assert str(mc.run_end_encode(numbers, run_end_type=ma.int64()).type) == "run_end_encoded<run_ends: int64, values: int64>"
    assert str(mc.utf8_upper(ma.array(["a"], ma.string_view())).type) == "string_view"
    assert str(mc.dictionary_encode(ma.array(["a"], ma.string_view())).type).startswith("dictionary<values=string_view")


def test_errors_null_and_collect():
    texts = ma.chunked_array([["1", "x", None], ["3", "yy"]])
    assert mc.cast(texts, ma.int64(), errors="null").to_pylist() == [1, None, None, 3, None]
    made, failed = mc.cast(texts, ma.int64(), errors="collect")
    assert made.to_pylist() == [1, None, None, 3, None]
    assert failed.column_names == ["row", "value", "reason"]
    assert failed.column("row").to_pylist() == [1, 4] and failed.column("value").to_pylist() == ["x", "yy"]
    assert failed.column("reason").to_pylist()[1] == "Failed to parse string: 'yy' as a scalar of type int64 (row 4)"
    assert mc.cast(ma.array([300, 1, -5]), ma.uint8(), errors="null").to_pylist() == [None, 1, None]
    made, failed = mc.cast(ma.array([["1"], ["x", "2"], None]), ma.list_(ma.int64()), errors="collect")
    assert made.to_pylist() == [[1], None, None] and failed.column("row").to_pylist() == [1]
    made, failed = mc.cast(ma.array(["a", "1", "a"]).dictionary_encode(), ma.int8(), errors="collect")
    assert made.to_pylist() == [None, 1, None] and failed.column("value").to_pylist() == ["a", "a"]
    made, failed = mc.cast(ma.array(["1", "2"]), ma.int64(), errors="collect")
    assert failed.num_rows == 0 and made.to_pylist() == [1, 2]
    with pytest.raises(ma.ArrowNotImplementedError, match="Unsupported cast from list"):
        mc.cast(ma.array([[1]]), ma.int64(), errors="null")
    with pytest.raises(ValueError, match="errors is"):
        mc.cast(ma.array([1]), ma.int8(), errors="ignore")


GROUPED = {"k": ["a", "b", "a", None, "b", "a"], "j": [1, 1, 2, 1, 1, 1], "v": [1, 2, None, 4, 5, 6],
           "f": [1.5, None, 2.5, 3.5, float("nan"), 1.0], "s": ["x", "y", None, "z", "x", "x"], "b": [True, None, False, True, True, True]}


@pytest.mark.parametrize("name", """sum mean product min max min_max count count_distinct stddev variance any all first last first_last list
    distinct""".split())
@pytest.mark.parametrize("column", ["v", "f", "s", "b"])
def test_grouped(name, column):
    theirs = pa.table(GROUPED)
    try:
        expected = theirs.group_by("k", use_threads=False).aggregate([(column, name)])
    except pa.ArrowException:
        pytest.skip("pyarrow has no such aggregate")
    mine = ma.table(theirs).group_by("k", use_threads=False).aggregate([(column, name)])
    assert repr(mine.to_pydict()) == repr(expected.to_pydict())
    assert [str(t) for t in mine.schema.types] == [str(t) for t in expected.schema.types]


@pytest.mark.parametrize("keys", [["k"], [], ["k", "j"]])
def test_grouped_rows_are_counted(keys):
    theirs = pa.table(GROUPED)
    pairs = [([], "count_all"), ("v", "sum")]
    expected = theirs.group_by(keys, use_threads=False).aggregate(pairs)
    assert ma.table(theirs).group_by(keys).aggregate(pairs).to_pydict() == expected.to_pydict()


@pytest.mark.parametrize("kind", ["binary", "large_binary"])
@pytest.mark.parametrize("target", ["int8", "uint64", "float32", "float64", "bool", "decimal128(5, 2)"])
def test_bytes_as_numbers(kind, target):
    def made(m, values):
        to = m.decimal128(5, 2) if "decimal" in target else m.type_for_alias(target)
        return m.array(values, kind).cast(to).to_pylist()
    good = [b"1", None, b"0"]
    assert made(ma, good) == made(pa, good)
    for bad in (b"x", b"\xff", b""):
        with pytest.raises(pa.ArrowInvalid):
            made(pa, [bad])
        with pytest.raises(ma.ArrowInvalid):
            made(ma, [bad])
