"""Functions by pyarrow's names that are not about one row alone, judged by pyarrow."""

import datetime
import decimal
import math
import pickle
import random

import pyarrow
import pyarrow.compute
import pytest

import martlet
import martlet.compute

# What is not a function of arrays, or is made for registering functions of users.
NOT_OURS = {
    "UdfContext", "call_tabular_function", "dedent", "docscrape", "inspect", "namedtuple", "pa",
    "register_aggregate_function", "register_scalar_function", "register_tabular_function", "register_vector_function",
    "warnings",
}


def test_no_name_is_absent():
    names = {name for name in dir(pyarrow.compute) if not name.startswith("_")} - NOT_OURS
    assert sorted(name for name in names if not hasattr(martlet.compute, name)) == []


def test_every_function_is_listed_and_described():
    assert {*pyarrow.compute.list_functions()} - {*martlet.compute.list_functions()} == set()
    for name in pyarrow.compute.list_functions():
        ours, theirs = martlet.compute.get_function(name), pyarrow.compute.get_function(name)
        assert (ours.name, ours.kind, ours.arity) == (theirs.name, theirs.kind, theirs.arity)
    assert {*martlet.compute.function_registry().list_functions()} == {*martlet.compute.list_functions()}
    with pytest.raises(martlet.ArrowKeyError, match="No function registered with name: nope"):
        martlet.compute.get_function("nope")


@pytest.mark.parametrize("name, arguments, options", [
    ("count_all", [], None),
    ("index", [[1, 2, None, 2]], ("IndexOptions", pyarrow.scalar(2))),
    ("utf8_normalize", [["a", "e\u0301", None]], ("Utf8NormalizeOptions", "NFC")),
    ("pivot_wider", [["a", "b", "x"], [1, None, 3]], ("PivotWiderOptions", ["a", "b"])),
    ("pivot_wider", [["a", "b"], [1, 2]], None),
    ("utf8_normalize", [["a"]], None), ("count_all", [[1]], None), ("index", [], None),
    ("hash_sum", [[1], [0]], None), ("hash_pivot_wider", [], None), ("hash_count_all", [[0]], None),
    ("add", [[1, None], [2, 3]], None), ("add", [[1]], None), ("nope", [[1]], None),
])
def test_calls_by_name(name, arguments, options):
    def outcome(library, error):
        given = getattr(library.compute, options[0])(options[1]) if options else None
        try:
            result = library.compute.call_function(name, [library.array(a) for a in arguments], given)
        except error as problem:
            return type(problem).__name__
        return result.to_pylist() if hasattr(result, "to_pylist") else result.as_py()
    assert outcome(martlet, martlet.ArrowException) == outcome(pyarrow, pyarrow.ArrowException)


def test_functions_call_and_pickle():
    function = pickle.loads(pickle.dumps(martlet.compute.get_function("add")))
    assert isinstance(function, martlet.compute.ScalarFunction)
    assert function.call([martlet.array([1]), martlet.array([2])]).to_pylist() == [3]
    assert martlet.compute.get_function("count_all").call([], length=7).as_py() == 7
    with pytest.raises(TypeError):
        martlet.compute.Function()


def same(name, *arguments, exact=True, **options):
    """Both agree, in values and type, or both refuse."""
    def ours(x):
        if isinstance(x, (pyarrow.Array, pyarrow.ChunkedArray)):
            return martlet.array(x) if isinstance(x, pyarrow.Array) else martlet.chunked_array(x)
        return martlet.scalar(x.as_py(), martlet.array(pyarrow.array([x])).type) if isinstance(x, pyarrow.Scalar) else x
    try:
        wanted = getattr(pyarrow.compute, name)(*arguments, **options)
    except (pyarrow.ArrowException, ValueError, KeyError) as problem:
        with pytest.raises((martlet.ArrowException, ValueError, KeyError)):
            getattr(martlet.compute, name)(*map(ours, arguments), **options)
        return problem
    found = getattr(martlet.compute, name)(*map(ours, arguments), **options)
    if isinstance(wanted, pyarrow.Scalar):
        assert found.as_py() == wanted.as_py()
        return None
    found.validate(full=True)
    back = pyarrow.array(found) if isinstance(wanted, pyarrow.Array) else pyarrow.chunked_array(found)
    assert back.type == wanted.type
    if exact:
        assert str(back.to_pylist()) == str(wanted.to_pylist())
    else:
        for a, b in zip(back.to_pylist(), wanted.to_pylist()):
            assert (a is None and b is None) or math.isclose(a, b, rel_tol=1e-12) or (a != a and b != b)
    return None


INTEGERS = [0, 1, -1, 7, -7, 127, -128, None, 3, -3, 100]
FLOATS = [0.0, -0.0, 1.5, -1.5, math.inf, -math.inf, math.nan, None, 7.25, -7.25, 1e300]


@pytest.mark.parametrize("name", ["modulo", "remainder", "modulo_checked", "remainder_checked"])
@pytest.mark.parametrize("type", ["int8", "int32", "int64", "uint8", "uint64", "float32", "float64"])
def test_rests(name, type):
    kind = getattr(pyarrow, type)()
    values = FLOATS if type.startswith("float") else [v for v in INTEGERS if type[0] != "u" or v is None or v >= 0]
    values = pyarrow.array(values).cast(kind, safe=False)
    for divisor in values.to_pylist():
        same(name, values, pyarrow.scalar(divisor, kind))
    same(name, values.slice(1), values.slice(1).take(pyarrow.array(range(len(values) - 2, -1, -1))))


def test_hypot():
    for a in FLOATS:
        same("hypot", pyarrow.array(FLOATS), pyarrow.scalar(a, pyarrow.float64()))
    same("hypot", pyarrow.array([3, 5]), pyarrow.array([4, 12]))


def test_binary_reverse():
    for type in (pyarrow.binary(), pyarrow.large_binary()):
        same("binary_reverse", pyarrow.array([b"abc", b"", None, b"\xff\x00"], type))
    assert same("binary_reverse", pyarrow.array(["a"])) is not None


@pytest.mark.parametrize("type", [
    pyarrow.timestamp("s"), pyarrow.timestamp("ms"), pyarrow.timestamp("us"), pyarrow.timestamp("ns"), pyarrow.date32(),
    pyarrow.time32("s"), pyarrow.time64("us")])
def test_month_day_nano_between(type):
    chance = random.Random(5)
    per = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}.get(getattr(type, "unit", None), 1)
    span = 86400 * per if pyarrow.types.is_time(type) else 40000 if type == pyarrow.date32() else 4 * 10**9 * per
    low = 0 if pyarrow.types.is_time(type) else -span
    width = pyarrow.int32() if type.bit_width == 32 else pyarrow.int64()

    def values():
        return pyarrow.array([None if chance.random() < 0.1 else chance.randrange(low, span) for _ in range(50)], width)
    same("month_day_nano_interval_between", values().cast(type), values().cast(type))


def test_months_and_days_between():
    # pyarrow has no Python values for these intervals.
    start = martlet.array([datetime.datetime(2020, 1, 31, 12), None, datetime.datetime(2021, 3, 1, 1, 0, 0, 5999)])
    end = martlet.array([datetime.datetime(2021, 3, 1, 1), datetime.datetime(2021, 3, 1), datetime.datetime(2020, 1, 31, 12)])
    months = martlet.compute.month_interval_between(start, end)
    assert str(months.type) == "month_interval" and months.to_pylist() == [14, None, -14]
    days = martlet.compute.day_time_interval_between(start, end)
    assert [v and tuple(v) for v in days.to_pylist()] == [(395, -39600000), None, (-395, 39600000 - 5)]


@pytest.mark.parametrize("occurrence", ["first", "last", "all"])
def test_map_lookup(occurrence):
    type = pyarrow.map_(pyarrow.string(), pyarrow.int64())
    maps = pyarrow.array([[("a", 1), ("b", 2), ("a", 3)], None, [], [("b", None)], [("c", 5), ("a", None)]], type)
    for key in ("a", "b", "zz"):
        same("map_lookup", maps, key, occurrence)
        same("map_lookup", maps.slice(1), key, occurrence)
    numbers = pyarrow.array([[(1, "x")], [(2, "y"), (1, "z")]], pyarrow.map_(pyarrow.int32(), pyarrow.string()))
    same("map_lookup", numbers, pyarrow.scalar(1, pyarrow.int32()), occurrence)


def test_scatter_and_inverse():
    for indices in ([2, 0, 1], [1, 1, 0], [2, None, 0], [0, 3, 1], [-1, 0, 1]):
        for limit in (-1, 3, 5):
            same("scatter", pyarrow.array(["x", None, "z"]), pyarrow.array(indices), max_index=limit)
            same("inverse_permutation", pyarrow.array(indices), max_index=limit)
    same("inverse_permutation", pyarrow.array([2, 0, 1], pyarrow.int8()), output_type=pyarrow.int8())
    assert same("scatter", pyarrow.array([1, 2]), pyarrow.array([0])) is not None


@pytest.mark.parametrize("side", ["left", "right"])
def test_search_sorted(side):
    chance = random.Random(2)
    for values in ([], [1, 3, 5], [1, 1, 1, 2, 2, 9], [None, None, 1, 3], [1, 3, None], sorted(chance.choices(range(50), k=300))):
        needles = pyarrow.array([0, 1, 2, 3, 9, 10, None, 5, 1], pyarrow.int64())
        same("search_sorted", pyarrow.array(values, pyarrow.int64()), needles, side=side)
        same("search_sorted", pyarrow.array(values, pyarrow.int64()), pyarrow.scalar(3), side=side)
    same("search_sorted", pyarrow.array(["a", "b", "b", "d"]), pyarrow.array(["b", "", "z", None, "c"]), side=side)
    same("search_sorted", pyarrow.array([1.0, 2.5]), pyarrow.array([2.5, 0.0]), side=side)
    same("search_sorted", pyarrow.chunked_array([[1, 2], [3]]).combine_chunks(), pyarrow.array([2]), side=side)
    assert same("search_sorted", pyarrow.array([1]), pyarrow.array([1], pyarrow.int8()), side=side) is not None


def test_winsorize():
    chance = random.Random(9)
    for values in (list(range(10)), [5], [1.0, None, math.nan, 5.0, 100.0], [chance.random() for _ in range(101)], [3, 1, 2, None]):
        for low, high in ((0.1, 0.9), (0.0, 1.0), (0.25, 0.75), (0.5, 0.5), (0.33, 0.34), (0.04, 0.96), (0.05, 0.95)):
            same("winsorize", pyarrow.array(values), low, high)
    assert same("winsorize", pyarrow.array([1]), 0.9, 0.1) is not None
    assert same("winsorize", pyarrow.array([1]), -0.1, 0.5) is not None


@pytest.mark.parametrize("name", ["rank_quantile", "rank_normal"])
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_ranks(name, order):
    chance = random.Random(4)
    for values in ([3, 1, None, 1], [1.5, math.nan, None, -1.0], chance.choices(range(40), k=200), ["b", "a", "a", None], [7]):
        same(name, pyarrow.array(values), order, exact=False)
    many = pyarrow.array(range(100_000))
    same(name, many, order, exact=False)


def test_round_binary():
    values = pyarrow.array([1.2345, 99.55, -2.5, None, 1e10])
    for mode in ("half_to_even", "down", "up", "half_up"):
        same("round_binary", values, pyarrow.array([1, 1, 0, 2, -3], pyarrow.int32()), round_mode=mode)
        same("round_binary", values, pyarrow.scalar(2, pyarrow.int32()), round_mode=mode)
    same("round_binary", pyarrow.array([12345, -55]), pyarrow.array([-2, -1], pyarrow.int32()))
    same("round_binary", values, pyarrow.array([None, 1, 1, 1, 1], pyarrow.int32()))


def test_random():
    made = martlet.compute.random(10_000, initializer=5)
    assert made.type == martlet.float64() and made.equals(martlet.compute.random(10_000, initializer=5))
    assert not made.equals(martlet.compute.random(10_000)) and not made.equals(martlet.compute.random(10_000, initializer=6))
    values = made.to_pylist()
    assert all(0 <= v < 1 for v in values) and 0.48 < sum(values) / len(values) < 0.52
    assert len(martlet.compute.random(0)) == 0
    for wrong in (-1, 1 << 62):
        with pytest.raises((martlet.ArrowException, ValueError, MemoryError)):
            martlet.compute.random(wrong)
    with pytest.raises(TypeError, match="hashable"):
        martlet.compute.random(1, initializer=[])


def test_pivot_wider():
    keys = pyarrow.array(["h", "w", "x", "h", None])
    for values in ([1, 2, 3, None, 5], [None, 2, 3, 4, 5], [1, 2, 3, 4, 5]):
        for names in (["w", "h"], ["h"], ["q"], []):
            for behavior in ("ignore", "raise"):
                for data in (keys, keys.slice(0, 4), keys.slice(0, 2)):
                    same("pivot_wider", data, pyarrow.array(values).slice(0, len(data)), key_names=names,
                         unexpected_key_behavior=behavior)
    same("pivot_wider", pyarrow.array([1, 2]), pyarrow.array(["a", "b"]), key_names=["2", "1"])


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_normal_forms(form):
    same("utf8_normalize", pyarrow.array(["e\u0301", "\u00e9\ufb01", None, "plain", "가", "Å"]), form=form)
    same("utf8_normalize", pyarrow.array(["plain", None]), form=form)
    same("utf8_normalize", pyarrow.chunked_array([["é"], ["b"]]), form=form)


def test_other_names():
    same("utf8_zero_fill", pyarrow.array(["-1", "2", None, "12345"]), 4)
    same("is_in_meta_binary", pyarrow.array([1, 2, None]), pyarrow.array([2]))
    same("index_in_meta_binary", pyarrow.array([1, 2, None]), pyarrow.array([2]))


@pytest.mark.parametrize("unit", ["nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day", "month",
                                  "quarter", "year"])
@pytest.mark.parametrize("name", ["floor_temporal", "ceil_temporal", "round_temporal"])
def test_times_rounded_from_the_start_of_their_period(name, unit):
    generator = random.Random(5)
    scales = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
    # What is finer than the type is left to other tests.
    fine = {"nanosecond": 10**9, "microsecond": 10**6, "millisecond": 10**3}.get(unit, 1)
    for type in [pyarrow.timestamp(part) for part in scales if scales[part] >= fine]:
        scale = scales[type.unit]
        values = pyarrow.array(
            [generator.randrange(-10**9 * scale, 4 * 10**9 * scale) for _ in range(60)]
            + [1609415400 * scale, 1577836800 * scale, 0, None], pyarrow.int64()).cast(type)
        for multiple in (1, 2, 5, 7, 13):
            for strictly in (True, False):
                same(name, values.slice(1), multiple=multiple, unit=unit, calendar_based_origin=True,
                     **({"ceil_is_strictly_greater": strictly} if name == "ceil_temporal" else {}))


@pytest.mark.parametrize("multiple", [2, 5])
def test_weeks_rounded_from_the_start_of_their_year(multiple):
    days = [datetime.date(1960, 1, 1) + datetime.timedelta(37 * i) for i in range(1000)]
    stamps = martlet.array([datetime.datetime.combine(day, datetime.time(23, 59)) for day in days])
    expected = []
    for day in days:
        year, week, _ = day.isocalendar()
        expected.append(datetime.datetime.fromisocalendar(year, (week - 1) // multiple * multiple + 1, 1))
    found = martlet.compute.floor_temporal(stamps, multiple=multiple, unit="week", calendar_based_origin=True)
    assert found.to_pylist() == expected
    above = martlet.compute.ceil_temporal(stamps, multiple=multiple, unit="week", calendar_based_origin=True)
    assert above.to_pylist() == [time + datetime.timedelta(7 * multiple) for time in expected]


def test_long_texts_are_joined_from_parts():
    for count in (65536, 65537, 65539, 131072, 200001):
        for type in (pyarrow.string(), pyarrow.large_string()):
            texts = pyarrow.array([None if i % 11 == 3 else str(i) for i in range(count)], type)
            same("utf8_reverse", texts.slice(1))


@pytest.mark.parametrize("type", [
    pyarrow.int8(), pyarrow.uint8(), pyarrow.int16(), pyarrow.uint16(), pyarrow.int32(), pyarrow.uint32(),
    pyarrow.int64(), pyarrow.uint64(), pyarrow.float32(), pyarrow.float64()], ids=str)
def test_comparisons_of_words_and_what_is_left(type):
    generator = random.Random(7)
    ends = [0.0, -0.0, math.nan, math.inf, -math.inf, 1.5] if pyarrow.types.is_floating(type) else [
        0, 1, 2**(type.bit_width - 1) - 1,
        *([2**type.bit_width - 1] if pyarrow.types.is_unsigned_integer(type) else [-1, -2**(type.bit_width - 1)])]
    a, b = (pyarrow.array([generator.choice([*ends, None]) for _ in range(300)], type) for _ in range(2))
    for start, length in [(0, 300), (3, 64), (5, 128), (9, 63), (1, 1), (7, 0)]:
        x, y = a.slice(start, length), b.slice(start, length)
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
            same(name, x, y)
            for end in ends:
                same(name, x, pyarrow.scalar(end, type))
                same(name, pyarrow.scalar(end, type), x)


@pytest.mark.parametrize("type", [pyarrow.string(), pyarrow.large_string()], ids=str)
def test_strings_against_one_and_patterns(type):
    words = ["", "a", "ab", "abc", "abcdefg", "abcdefgh", "abcdefghi", "abcdefg\0", "abc\0", "zz", "abcdefghij", "\u00fc",
             "55", "x55y", "%", "_", "a\\b"]
    texts = pyarrow.array((words + [None]) * 4, type)
    for start, length in [(0, 72), (3, 64), (71, 1), (16, 1), (10, 0)]:
        x = texts.slice(start, length)
        for word in words:
            for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
                same(name, x, pyarrow.scalar(word, type))
        for pattern in ["%", "%%", "a%", "%b", "%55%", "%bc%", "_", "a_%", "ab\\%", "abc", "", "%%a", "%a%b%", "abcdefghi%",
                        "%efghij", "\\%%"]:
            same("match_like", x, pattern=pattern)


@pytest.mark.parametrize("name", ["hour", "minute", "second", "millisecond", "microsecond", "nanosecond", "subsecond"])
def test_parts_of_times_at_the_ends(name):
    generator = random.Random(9)
    for unit, scale in {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}.items():
        end = 2**63 if unit == "ns" else 10**10 * scale
        values = [generator.randrange(-end, end) for _ in range(300)] + [-end, end - 1, 0, -1, 86400 * scale, None]
        same(name, pyarrow.array(values, pyarrow.timestamp(unit)).slice(1))
        type = pyarrow.time32(unit) if unit in ("s", "ms") else pyarrow.time64(unit)
        same(name, pyarrow.array([generator.randrange(86400 * scale) for _ in range(300)], type))


@pytest.mark.parametrize("mode", ["sparse", "dense"])
def test_distinct_values_of_unions(mode):
    generator = random.Random(3)
    ids = [generator.choice([0, 5]) for _ in range(200)]
    numbers = [generator.choice([1, 2, None, 3]) for _ in range(200)]
    texts = [generator.choice(["1", "a", None]) for _ in range(200)]
    children = [pyarrow.array(numbers, pyarrow.int32()), pyarrow.array(texts)]
    if mode == "sparse":
        union = pyarrow.UnionArray.from_sparse(pyarrow.array(ids, pyarrow.int8()), children, type_codes=[0, 5])
    else:
        union = pyarrow.UnionArray.from_dense(
            pyarrow.array(ids, pyarrow.int8()), pyarrow.array([199 - i for i in range(200)], pyarrow.int32()), children,
            type_codes=[0, 5])
    for part in (union, union.slice(7, 100), union.slice(3, 1), union.slice(0, 0)):
        # The kind of value tells None of one child from None of the other.
        kinds = [0 if id == 0 else 1 for id in ids][part.offset:part.offset + len(part)]
        rows = list(zip(kinds, part.to_pylist()))
        ours = martlet.array(part)
        counts = {}
        for row in rows:
            counts[row] = counts.get(row, 0) + 1
        distinct = martlet.compute.unique(ours)
        distinct.validate(full=True)
        assert distinct.type == ours.type and distinct.to_pylist() == [value for _, value in counts]
        found = martlet.compute.value_counts(ours)
        assert found.field(0).to_pylist() == [value for _, value in counts]
        assert found.field(1).to_pylist() == list(counts.values())
        encoded = martlet.compute.dictionary_encode(ours)
        encoded.validate(full=True)
        assert encoded.to_pylist() == part.to_pylist()
        assert encoded.indices.to_pylist() == [list(counts).index(row) for row in rows]


@pytest.mark.parametrize("type", [pyarrow.decimal128(10, 2), pyarrow.decimal128(20, 0), pyarrow.decimal256(10, 2)], ids=str)
def test_products_of_decimals(type):
    scale = decimal.Decimal(1).scaleb(-type.scale)
    for values in ([], [5], [5, 10], [-5, 10], [125, None, -340, 1999], [None], [9999999] * 3, [-15, 10], [100, 0, 7]):
        array = pyarrow.array([value if value is None else value * scale for value in values], type)
        for options in ({}, {"min_count": 0}, {"skip_nulls": False}):
            same("product", array, **options)
            same("product", pyarrow.chunked_array([array, array.slice(1)]), **options)
