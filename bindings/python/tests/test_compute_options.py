"""Options of functions as objects, signatures, kernels and references to fields; pyarrow itself says what comes out."""

import inspect
import pickle
import warnings

import pyarrow
import pyarrow.compute
import pytest

import martlet
import martlet.compute

SIDES = [(martlet, martlet.compute), (pyarrow, pyarrow.compute)]
OPTIONS = [
    lambda m, c: c.ArraySortOptions(), lambda m, c: c.ArraySortOptions("descending", null_placement="at_start"),
    lambda m, c: c.AssumeTimezoneOptions("UTC", ambiguous="latest", nonexistent="earliest"),
    lambda m, c: c.CastOptions.safe(m.int8()), lambda m, c: c.CastOptions.unsafe(m.list_(m.string())),
    lambda m, c: c.CastOptions(m.int8(), allow_int_overflow=True), lambda m, c: c.CastOptions(),
    lambda m, c: c.CumulativeOptions(), lambda m, c: c.CountOptions(), lambda m, c: c.CountOptions("only_null"),
    lambda m, c: c.DayOfWeekOptions(count_from_zero=False, week_start=0), lambda m, c: c.DictionaryEncodeOptions("encode"),
    lambda m, c: c.RunEndEncodeOptions(), lambda m, c: c.RunEndEncodeOptions("int16"),
    lambda m, c: c.ElementWiseAggregateOptions(skip_nulls=False), lambda m, c: c.ExtractRegexOptions("(?P<a>.)"),
    lambda m, c: c.ExtractRegexSpanOptions("(?P<a>.)"), lambda m, c: c.FilterOptions("emit_null"),
    lambda m, c: c.IndexOptions(m.scalar(1)), lambda m, c: c.IndexOptions(m.scalar("a")), lambda m, c: c.JoinOptions("replace", "x"),
    lambda m, c: c.ListSliceOptions(0, 1, 1, True), lambda m, c: c.ListSliceOptions(1), lambda m, c: c.ListFlattenOptions(True),
    lambda m, c: c.InversePermutationOptions(3), lambda m, c: c.ScatterOptions(4), lambda m, c: c.SearchSortedOptions("right"),
    lambda m, c: c.MakeStructOptions(["a", "b c"], field_nullability=[True, False], field_metadata=[
        m.KeyValueMetadata({"x": "1"}), m.KeyValueMetadata({"y": "2"})]),
    lambda m, c: c.MapLookupOptions(m.scalar(1), "all"), lambda m, c: c.MatchSubstringOptions(b"abc", ignore_case=True),
    lambda m, c: c.ModeOptions(3), lambda m, c: c.NullOptions(nan_is_null=True), lambda m, c: c.PadOptions(5, "*"),
    lambda m, c: c.PairwiseOptions(-2), lambda m, c: c.PartitionNthOptions(1, null_placement="at_start"),
    lambda m, c: c.PivotWiderOptions(["a"], unexpected_key_behavior="raise"),
    lambda m, c: c.QuantileOptions([0.25, 0.5], interpolation="nearest"), lambda m, c: c.RandomOptions(initializer=5),
    lambda m, c: c.RandomOptions(), lambda m, c: c.RankOptions(), lambda m, c: c.RankOptions("descending", tiebreaker="max"),
    lambda m, c: c.RankOptions([("a", "descending", "at_start")], tiebreaker="dense"),
    lambda m, c: c.RankQuantileOptions([("", "ascending")]), lambda m, c: c.ReplaceSliceOptions(0, 1, "x"),
    lambda m, c: c.ReplaceSubstringOptions("a", "b"), lambda m, c: c.ReplaceSubstringOptions("a", "b", max_replacements=2),
    lambda m, c: c.RoundOptions(2, "towards_infinity"), lambda m, c: c.RoundBinaryOptions("half_up"),
    lambda m, c: c.RoundTemporalOptions(1, "second", week_starts_monday=False), lambda m, c: c.RoundToMultipleOptions(100),
    lambda m, c: c.RoundToMultipleOptions(m.scalar(2.5), "down"), lambda m, c: c.ScalarAggregateOptions(min_count=5),
    lambda m, c: c.SelectKOptions(3, [("a", "ascending"), ("b", "descending", "at_start")]),
    lambda m, c: c.SkewOptions(biased=False), lambda m, c: c.SliceOptions(1, 3), lambda m, c: c.SortOptions(),
    lambda m, c: c.SortOptions([("a", "descending"), (c.field("b", "c"), "ascending", "at_start"), (0, "ascending")]),
    lambda m, c: c.SortOptions([(".a.b", "ascending")], null_placement="at_start"), lambda m, c: c.SplitOptions(max_splits=2),
    lambda m, c: c.SplitPatternOptions("a", reverse=True), lambda m, c: c.StrftimeOptions("%Y"),
    lambda m, c: c.StrptimeOptions("%Y", "ns", True), *[lambda m, c, p=p: c.StructFieldOptions(p) for p in (
        [], "a", b"a", ".a.b", ["a", "b", 1], 2, (1, 2), "a.b")], lambda m, c: c.StructFieldOptions(c.field("a", 1)),
    lambda m, c: c.TakeOptions(boundscheck=False), lambda m, c: c.TDigestOptions(0.25), lambda m, c: c.TrimOptions(" x"),
    lambda m, c: c.Utf8NormalizeOptions("NFKC"), lambda m, c: c.VarianceOptions(ddof=1), lambda m, c: c.WinsorizeOptions(0.05, 0.9),
    lambda m, c: c.WeekOptions(count_from_zero=True), lambda m, c: c.ZeroFillOptions(4), lambda m, c: c.SetLookupOptions(m.array([1])),
]
# Texts that say less in pyarrow: addresses, seeds, and the order or the default of a few.
OWN_TEXT = ("MapLookupOptions", "RandomOptions", "SetLookupOptions", "SliceOptions(start=1, stop=3", "InversePermutation")


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("make", OPTIONS)
def test_texts_equality_and_bytes(make):
    mine, theirs = make(*SIDES[0]), make(*SIDES[1])
    if not repr(theirs).startswith(OWN_TEXT):
        assert repr(mine) == repr(theirs)
    assert mine == make(*SIDES[0]) and mine != martlet.compute.ZeroFillOptions(99) and isinstance(
        mine, martlet.compute.FunctionOptions)
    for back in (martlet.compute.FunctionOptions.deserialize(mine.serialize()), pickle.loads(pickle.dumps(mine))):
        assert back == mine and repr(back) == repr(mine) and type(back) is type(mine)
    with pytest.raises(TypeError):
        hash(mine)


def test_bytes_that_hold_no_options():
    for value in (None, 1, [], b""):
        with pytest.raises(TypeError, match="incorrect type"):
            martlet.compute.FunctionOptions.deserialize(value)
    for value in (b"", b"nonsense", martlet.schema([]).serialize()):
        with pytest.raises(martlet.ArrowException):
            martlet.compute.FunctionOptions.deserialize(martlet.py_buffer(value))
    older = martlet.compute.FunctionOptions.deserialize(martlet.compute.CumulativeSumOptions(1).serialize())
    assert type(older) is martlet.compute.CumulativeOptions and older == martlet.compute.CumulativeSumOptions(1)


def exported():
    """The functions of pyarrow's module by their names."""
    for name in sorted(dir(pyarrow.compute)):
        theirs = getattr(pyarrow.compute, name)
        if hasattr(theirs, "__arrow_compute_function__") or name in ("random", "cast", "take", "index"):
            yield name, theirs


@pytest.mark.parametrize("name, theirs", [*exported()])
def test_signatures(name, theirs):
    mine = getattr(martlet.compute, name)
    if name in ("cast", "take", "index"):
        assert [*inspect.signature(theirs).parameters] == [*inspect.signature(mine).parameters][:len(inspect.signature(theirs).parameters)]
        return
    assert str(inspect.signature(mine)).replace("DataType(int32)", "int32") == str(inspect.signature(theirs)).replace(
        "DataType(int32)", "int32")
    assert getattr(mine, "__arrow_compute_function__", None) == getattr(theirs, "__arrow_compute_function__", None)
    assert pickle.loads(pickle.dumps(mine)) is mine


def test_signatures_of_options():
    for name in dir(pyarrow.compute):
        theirs = getattr(pyarrow.compute, name)
        if inspect.isclass(theirs) and issubclass(theirs, pyarrow.compute.FunctionOptions) and name != "FunctionOptions":
            mine = getattr(martlet.compute, name)
            assert str(inspect.signature(mine)) == str(inspect.signature(theirs))


@pytest.mark.parametrize("name", [name for name, theirs in exported() if name not in ("random", "cast", "take", "index")])
def test_defaults_are_the_engines(name):
    """An object of default options asks for what no options ask for."""
    described = getattr(martlet.compute, name).__arrow_compute_function__
    if described["options_required"] or not described["options_class"] or name == "pivot_wider":
        return
    options = getattr(martlet.compute, described["options_class"])()
    numbers, texts = martlet.array([3, 0, None, 1, 2]), martlet.array(["b", None, "a", "c", "b"])
    times, truth = numbers.cast(martlet.timestamp("s")), martlet.array([True, None, False, True, False])
    rows = martlet.array([[1, 2], None, [], [3], [4]])
    results = []
    for given in (None, options):
        for value in (numbers, numbers.cast("double"), texts, times, truth, rows):
            count = 1 if described["arity"] is ... else described["arity"]
            second = {"filter": truth, "array_filter": truth, "take": numbers, "array_take": numbers,
                      "scatter": martlet.array([4, 3, 2, 1, 0])}.get(name, value)
            try:
                results.append(str(getattr(martlet.compute, name)(*[value, second][:count], options=given)))
            except (martlet.ArrowException, TypeError) as problem:
                results.append(str(problem))
    assert results[:6] == results[6:]


def outcome(call, side):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = call(*side)
        except (TypeError, ValueError, KeyError, NotImplementedError) as problem:
            kinds = (TypeError, NotImplementedError, KeyError, ValueError)
            return next(kind for kind in kinds if isinstance(problem, kind)), str(problem)
    if isinstance(result, side[1].Expression):
        return None, str(result)
    return None, result.to_pylist() if hasattr(result, "to_pylist") else result.as_py() if hasattr(result, "as_py") else repr(result)


WRONG = [
    lambda m, c: c.min_max([1], options=c.TakeOptions()), lambda m, c: c.is_valid([1], options=None), lambda m, c: c.min_max(),
    lambda m, c: c.min_max([1], True), lambda m, c: c.min_max([1], foo=1), lambda m, c: c.add(1), lambda m, c: c.add(1, 2, 3),
    lambda m, c: c.add(object(), 1), lambda m, c: c.call_function("add", [1]), lambda m, c: c.call_function("add", [object(), 1]),
    lambda m, c: c.call_function("nope", [1]), lambda m, c: c.RankOptions(tiebreaker="x"), lambda m, c: c.RankOptions("x"),
    lambda m, c: c.rank([1], sort_keys="XXX"), lambda m, c: c.rank([1], sort_keys=[("a", "b")]),
    *[lambda m, c, k=k, a=a, n=n: getattr(c, k)(*a, **n) for k, a, n in (
        ("ArraySortOptions", "x", {}), ("ArraySortOptions", (), {"null_placement": "x"}), ("CountOptions", "x", {}),
        ("RoundOptions", (1, "x"), {}), ("RoundTemporalOptions", (1, "x"), {}), ("RoundTemporalOptions", (1, "s"), {}),
        ("AssumeTimezoneOptions", ("UTC",), {"ambiguous": "x"}), ("AssumeTimezoneOptions", ("UTC",), {"nonexistent": "x"}),
        ("DictionaryEncodeOptions", "x", {}), ("FilterOptions", "x", {}), ("JoinOptions", "x", {}),
        ("MapLookupOptions", (1, "x"), {}), ("QuantileOptions", (), {"interpolation": "x"}), ("QuantileOptions", "x", {}),
        ("Utf8NormalizeOptions", "x", {}), ("StrptimeOptions", ("%Y", "x"), {}), ("StrptimeOptions", ("%Y", "second"), {}),
        ("PivotWiderOptions", (["a"],), {"unexpected_key_behavior": "x"}), ("PivotWiderOptions", ([1],), {}),
        ("MatchSubstringOptions", (5,), {}), ("MatchSubstringOptions", (), {}), ("PadOptions", ("x",), {}),
        ("PadOptions", (5, 5), {}), ("TakeOptions", (1, 2), {}), ("TakeOptions", (), {"foo": 1}), ("SplitOptions", "x", {}),
        ("SetLookupOptions", (5,), {}), ("ModeOptions", (None,), {}), ("SearchSortedOptions", "x", {}),
        ("WinsorizeOptions", (1, "x"), {}), ("RunEndEncodeOptions", (5,), {}), ("StructFieldOptions", (1.5,), {}),
        ("RandomOptions", (), {"initializer": []}), ("SortOptions", ([("a", "x")],), {}),
        ("SortOptions", ([("a", "descending", "x")],), {}), ("SelectKOptions", (1,), {}))],
    lambda m, c: c.index_in(m.array([1]), value_set=5), lambda m, c: c.is_in(m.array([1])), lambda m, c: c.strptime(["x"]),
    lambda m, c: c.strptime(["x"], format="%Y"), lambda m, c: c.struct_field(m.array([{"a": 1}]), "b"),
    lambda m, c: c.field(1.5), lambda m, c: c.field(), lambda m, c: c.field(None), lambda m, c: c.field([1, 2]),
    lambda m, c: c.field((0, "b"), "c"), lambda m, c: c.field("f").isin(1), lambda m, c: c.field("f") != object(),
    lambda m, c: c.add(c.field("f"), object), lambda m, c: c.ScalarFunction(), lambda m, c: c.ScalarKernel(),
]
# What Python's own words say, whose numbers differ.
PYTHONS_WORDS = "positional argument", "unexpected keyword"


@pytest.mark.parametrize("call", WRONG)
def test_refusals_begin_with_the_same_words(call):
    (kind, mine), (wanted, theirs) = outcome(call, SIDES[0]), outcome(call, SIDES[1])
    assert kind is wanted
    if not any(words in theirs for words in PYTHONS_WORDS):
        theirs = theirs.replace("pyarrow._compute", "martlet.compute").replace("pyarrow", "martlet").split(" object at ")[0]
        assert mine.strip("'\"").startswith(theirs.strip("'\"")[:60])


RIGHT = [
    *[lambda m, c, p=p: c.field(*p) for p in (
        ("a",), (0,), (("a", 1),), (b"a", "b"), ("a.b",), (-1,), (True,), (("a",),), (0, 0), (b"a", 1, "b"))],
    lambda m, c: c.round(c.field("f"), ndigits=1), lambda m, c: c.count_substring(c.field("f"), "a"),
    lambda m, c: c.field("f").is_null(), lambda m, c: c.is_null(c.field("f")), lambda m, c: c.strftime(c.field("f")),
    lambda m, c: c.make_struct(c.field("f"), c.field("g"), field_names=["x y", "z"]), lambda m, c: c.if_else(c.field("f"), 1, 2),
    lambda m, c: c.round_temporal(c.field("f"), unit="hour"), lambda m, c: c.min_element_wise(c.field("f"), 1),
    lambda m, c: c.field("f").cast("int32"), lambda m, c: c.is_in(c.field("f"), value_set=m.array([1])),
    lambda m, c: c.field(0, 0).equals(c.field((0, 0))), lambda m, c: c.field(0).equals(c.field("0")),
    lambda m, c: c.make_struct(m.array([1]), m.array(["x"]), field_names=["a b", "c,d"]),
    lambda m, c: c.make_struct(m.array([1]), field_names=["a"], field_nullability=[False]).type.field(0).nullable,
    lambda m, c: c.make_struct(m.array([1, None]), field_names=["a"], field_nullability=[False]),
    lambda m, c: c.sort_indices(m.array([1, None, 0]), null_placement="at_start"),
    lambda m, c: c.sort_indices(m.table({"a": [{"x": 2}, {"x": 1}, None]}), [(c.field("a", "x"), "ascending", "at_start")]),
    *[lambda m, c, k=k, p=p: c.select_k_unstable(m.array([3.0, None, float("nan"), 1.0]), k, [("", "ascending", p)])
      for k in (1, 3, 9) for p in ("at_end", "at_start")],
    *[lambda m, c, e=e: m.table({"a": [1, 2, 9], "b": [{"c": 5}, {"c": 6}, None]}).filter(e(c)) for e in (
        lambda c: c.field(0) + 1 > 2, lambda c: c.field(1, 0) > 5, lambda c: c.field("b", 0) > 5, lambda c: c.field(7) > 5,
        lambda c: c.field(1, 3) > 5, lambda c: c.field(0, 0) > 5, lambda c: c.field(-1) > 5, lambda c: c.field(0).isin([1, 9]))],
    lambda m, c: m.table([[1, 2], [3, 4]], names=["a", "a"]).filter(c.field(1) > 3)[0],
    lambda m, c: c.call_function("filter", [m.table({"a": [1, 2]}), m.array([True, False])]),
    lambda m, c: c.call_function("is_in", [m.array([1, 2])], c.SetLookupOptions(m.array([2]))),
    lambda m, c: c.call_function("cast", [m.array([1, 300])], c.CastOptions(m.int8(), allow_int_overflow=True)),
]


@pytest.mark.parametrize("call", RIGHT)
def test_what_comes_out(call):
    (kind, mine), (wanted, theirs) = outcome(call, SIDES[0]), outcome(call, SIDES[1])
    assert kind is wanted and (mine == theirs if kind is None else mine.startswith(theirs.split(" in ")[0].split("0x")[0]))


def test_positions_in_scans(tmp_path):
    martlet.parquet.write_table(martlet.table({"a": [1, 2, 3], "b": ["x", "y", "z"]}), tmp_path / "x.parquet")
    data = martlet.dataset.dataset(tmp_path / "x.parquet")
    field = martlet.compute.field
    assert data.to_table(filter=field(0) > 1).to_pydict() == {"a": [2, 3], "b": ["y", "z"]}
    assert data.to_table(columns={"n": field(0) * 2, "s": field("b")}, filter=field(1) == "z").to_pydict() == {"n": [6], "s": ["z"]}
    assert martlet.parquet.read_table(tmp_path / "x.parquet", filters=field(1) != "x").num_rows == 2
    for one in (field(1), pickle.loads(pickle.dumps(field(1)))):
        assert data.to_table(filter=one == "x").num_rows == 1


def test_kernels():
    for name, kind, count in (("add", "Scalar", 8), ("unique", "Vector", 8), ("mean", "ScalarAggregate", 8), ("hash_sum", "HashAggregate", 1)):
        function = martlet.compute.get_function(name)
        assert function.num_kernels >= count
        assert all(isinstance(one, getattr(martlet.compute, kind + "Kernel")) for one in function.kernels)
    assert "ScalarKernel<(int8, int8) -> int8>" in map(repr, martlet.compute.get_function("add").kernels)
    assert "ScalarKernel<(string) -> bool>" in map(repr, martlet.compute.get_function("starts_with").kernels)
    assert martlet.compute.get_function("filter").kernels == []


# Those with no first and last in pyarrow's threads; its quantiles of few values are those of a digest.
GROUPED = [("sum", "ScalarAggregateOptions", {"min_count": 2}), ("mean", "ScalarAggregateOptions", {}),
           ("product", "ScalarAggregateOptions", {"skip_nulls": False}), ("min_max", "ScalarAggregateOptions", {}),
           ("approximate_median", "ScalarAggregateOptions", {}), ("count", "CountOptions", {"mode": "all"}),
           ("count_distinct", "CountOptions", {}), ("distinct", "CountOptions", {"mode": "only_null"}),
           ("variance", "VarianceOptions", {}), ("stddev", "VarianceOptions", {"ddof": 1}), ("skew", "SkewOptions", {}),
           ("kurtosis", "SkewOptions", {"biased": False}), ("skew", "SkewOptions", {"min_count": 3}),
           ("tdigest", "TDigestOptions", {}), ("tdigest", "TDigestOptions", {"q": [0.5, 1.0]})]


@pytest.mark.parametrize("name, kind, options", GROUPED)
def test_options_in_groups(name, kind, options):
    found = []
    for m, c in SIDES:
        table = m.table({"k": [1, 1, 2, 2, 2], "v": [1.0, None, 3.0, 4.0, 4.5]})
        found.append(str(table.group_by("k").aggregate([("v", name, getattr(c, kind)(**options))]).to_pydict()))
    assert found[0] == found[1]


def test_first_of_groups_has_options():
    table = martlet.table({"k": [1, 1, 2], "v": [None, 3, 4]})
    for options, wanted in (({}, [3, 4]), ({"skip_nulls": False}, [None, 4]), ({"min_count": 2}, [None, None])):
        options = martlet.compute.ScalarAggregateOptions(**options)
        assert table.group_by("k").aggregate([("v", "first", options)])["v_first"].to_pylist() == wanted


PIVOTS = [
    lambda m, c: (("key", "value"), "pivot_wider"), lambda m, c: (["key", "value"], "hash_pivot_wider", c.PivotWiderOptions(("h", "w"))),
    lambda m, c: (("key", "value"), "pivot_wider", c.PivotWiderOptions(["w"])), lambda m, c: ("key", "pivot_wider"),
    lambda m, c: (("key", "value"), "pivot_wider", c.PivotWiderOptions(["w"], unexpected_key_behavior="raise")),
    lambda m, c: (("key", "value"), "pivot_wider", c.PivotWiderOptions(["w", "w"])),
    lambda m, c: (("key", "text"), "pivot_wider", c.PivotWiderOptions(["x", "w", "h"])),
    lambda m, c: (("key", "more"), "pivot_wider", c.PivotWiderOptions(["x", "w", "h"])),
    lambda m, c: (("none", "value"), "pivot_wider", c.PivotWiderOptions(["x", "w", "h"])),
]


@pytest.mark.parametrize("pivot", PIVOTS)
@pytest.mark.parametrize("others", [[], [("value", "sum")]])
def test_pivots_in_groups(pivot, others):
    def pivoted(m, c):
        table = m.table({"g": [1, 2, 3, 1, 2, 3, 3], "key": ["h", "h", "h", "w", "w", "w", "x"],
                         "value": [10, 20, 30, 40, 50, None, 7], "text": [*"abcdefg"], "more": [1] * 7,
                         "none": ["h", None, "w", "w", "h", "x", "h"]})
        return table.group_by("g").aggregate([*others, pivot(m, c)])

    def told(side):
        try:
            result = pivoted(*side)
            return result.schema.names, [str(one) for one in result.schema.types], result.to_pylist()
        except (ValueError, KeyError) as problem:
            return type(problem).__name__
    assert told(SIDES[0]) == told(SIDES[1])
