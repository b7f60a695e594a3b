"""Decimals of 256 bits with up to 76 digits, judged by Python's decimal module and by pyarrow."""

import random
from decimal import ROUND_DOWN, Context, Decimal

import pytest

pa = pytest.importorskip("pyarrow")
import pyarrow.compute as pc

import martlet as ma
import martlet.compute as mc

EXACT = Context(prec=400, rounding=ROUND_DOWN)


def number(random, digits, scale):
    """A decimal of 0 ... `digits` digits."""
    whole = random.randrange(10 ** random.randrange(digits + 1))
    return Decimal(random.choice([whole, -whole])).scaleb(-scale, EXACT)


def column(random, type, count=60, zeros=True):
    values = [number(random, type.precision, type.scale) for _ in range(count - 2)]
    values += [Decimal(10 ** type.precision - 1).scaleb(-type.scale, EXACT), Decimal(1 - 10 ** type.precision).scaleb(-type.scale, EXACT)]
    random.shuffle(values)
    return pa.array([None if random.random() < 0.2 else v if v or zeros else Decimal(1).scaleb(-type.scale, EXACT) for v in values], type)


def outcome(call):
    try:
        return call()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ma.ArrowInvalid, ma.ArrowNotImplementedError) as error:
        return str(error)


def types(random, precision):
    wide = pa.decimal256(precision, random.randrange(precision + 1))
    digits, some = random.randint(1, 38), random.randint(1, 76)
    other = random.choice([
        pa.decimal256(some, random.randint(0, some)), pa.decimal256(max(1, 75 - precision), 0),
        pa.decimal256(max(1, 75 - precision), 0), pa.decimal128(digits, random.randint(0, digits)), pa.decimal64(18, 3), pa.decimal32(9, 1)])
    return random.sample([wide, other], 2)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
@pytest.mark.parametrize("suffix", ["", "_checked"])
def test_arithmetic(name, suffix):
    chance = random.Random(name)
    computed = 0
    for precision in range(1, 77):
        a, b = types(chance, precision)
        x, y = column(chance, a).slice(3, 50), column(chance, b, zeros=name != "divide").slice(5, 50)
        for left, right in ((x, y), (x[7], y), (x, y[9])):
            ours = outcome(lambda: getattr(mc, name + suffix)(*map(moved, (left, right))))
            theirs = outcome(lambda: getattr(pc, name + suffix)(left, right))
            if isinstance(theirs, str):
                assert isinstance(ours, str) and ours.startswith(theirs), (a, b, ours, theirs)
                continue
            assert str(ours.type) == str(theirs.type), (a, b, ours)
            assert ours.to_pylist() == theirs.to_pylist(), (a, b)
            computed += 1
        if isinstance(theirs, str):
            continue
        for p, q, r in zip(x.to_pylist(), [y[9].as_py()] * 50, ours.to_pylist()):
            if p is None or q is None:
                assert r is None
                continue
            exact = getattr(EXACT, name)(p, q)
            assert r == exact.quantize(Decimal(1).scaleb(-theirs.type.scale, EXACT), context=EXACT)
    assert computed > 60


def moved(value):
    """The same array or scalar as ours."""
    return ma.array(value) if isinstance(value, pa.Array) else ma.scalar(value.as_py(), ma.array(pa.array([None], value.type)).type)


def test_integers_and_doubles():
    wide = pa.array([Decimal(10) ** 40 + 7, None, Decimal(-3)], pa.decimal256(45, 2))
    for type in (pa.int8(), pa.uint16(), pa.int32(), pa.int64(), pa.uint64()):
        other = pa.array([7, 5, 100], type)
        for name in ("add", "subtract", "multiply", "divide"):
            for pair in ((wide, other), (other, wide)):
                ours, theirs = getattr(mc, name)(*map(moved, pair)), getattr(pc, name)(*pair)
                assert (str(ours.type), ours.to_pylist()) == (str(theirs.type), theirs.to_pylist())
    small, doubles = wide.slice(1), pa.array([0.5, 2.5])
    ours = mc.multiply(moved(small), moved(doubles))
    assert str(ours.type) == "double" and ours.to_pylist() == [None, -7.5]


def test_division_by_zero():
    a = ma.array(pa.array([Decimal(1), Decimal(10) ** 39], pa.decimal256(40, 0)))
    b = ma.array(pa.array([Decimal(2), Decimal(0)], pa.decimal256(20, 0)))
    with pytest.raises(ma.ArrowInvalid, match=r"Divide by zero \(row 1\)"):
        mc.divide(a, b)
    with pytest.raises(ma.ArrowNotImplementedError, match="negative scales"):
        mc.add(a, ma.array(pa.array([Decimal(100), None], pa.decimal256(20, -2))))


@pytest.mark.parametrize("name", ["abs", "negate", "abs_checked", "negate_checked"])
def test_signs(name):
    chance = random.Random(name)
    for precision in (1, 38, 39, 60, 76):
        x = column(chance, pa.decimal256(precision, precision // 3)).slice(2, 41)
        ours, theirs = getattr(mc, name)(moved(x)), getattr(pc, name)(x)
        assert str(ours.type) == str(theirs.type) and ours.to_pylist() == theirs.to_pylist()


@pytest.mark.parametrize("kind, digits", [("decimal128", 38), ("decimal256", 76), ("decimal256", 20)])
@pytest.mark.parametrize("scale", [0, 5, 20])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 300])
def test_sums_and_means(kind, digits, scale, count):
    """Every digit of sums, means rounded half away from zero; in one piece and in chunks."""
    rng = random.Random(count)
    most = 10 ** (digits - 4)
    values = [None if rng.random() < 0.2 else Decimal(rng.randint(-most, most)).scaleb(-scale) for _ in range(count)]
    values += [Decimal(x).scaleb(-scale) for x in (1, 2)] if count == 2 else []
    theirs = pa.array(values, getattr(pa, kind)(digits, scale))
    mine = ma.array(theirs)
    half = len(values) // 2
    for function in ("sum", "mean"):
        expected = getattr(pc, function)(theirs)
        for given in (mine, ma.chunked_array([mine.slice(0, half), mine.slice(half)])):
            got = getattr(mc, function)(given)
            assert str(got.type) == str(expected.type) and got.as_py() == expected.as_py()
    if values and digits < 40:
        grouped = ma.table({"k": ["x"] * len(values), "v": mine}).group_by("k").aggregate([("v", "mean")])
        assert grouped["v_mean"][0].as_py() == pc.mean(theirs).as_py()


def near(ours, theirs, places):
    """Whether doubles, or lists of them with nulls, are equal but for the last digits."""
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(near(a, b, places) for a, b in zip(ours, theirs))
    return ours is theirs is None or ours == pytest.approx(theirs, rel=10**-places, nan_ok=True)


def target(random, source):
    """A type to cast `source` to: any other decimal, number or text."""
    precision = random.randint(1, 76)
    narrow = min(precision, 38)
    wide = pa.decimal256(precision, random.randrange(precision + 1))
    if not pa.types.is_decimal256(source):
        return wide
    return random.choice([
        wide, pa.decimal256(precision, min(precision, random.randrange(5))), pa.decimal128(narrow, random.randint(0, narrow)),
        pa.int8(), pa.int64(), pa.uint64(), pa.float64(), pa.string()])


def source(random):
    precision = random.randint(1, 76)
    scale = random.randint(0, precision)
    kind = random.randrange(10)
    if kind == 0:
        return pa.array([random.randint(-2**63, 2**63 - 1), None, 0, random.randrange(100)], pa.int64())
    if kind == 1:
        numbers = [0.0, -0.0, 0.1, random.uniform(-1, 1) * 10.0 ** random.randint(-80, 80), 5e-324, None]
        return pa.array(random.sample(numbers, 4) + [random.randint(-9**15, 9**15) / 2 ** random.randint(0, 60)], pa.float64())
    if kind == 2:
        return pa.array([format(number(random, precision, scale), random.choice("fe")), None])
    if kind == 3:
        precision = min(precision, 38)
        return column(random, pa.decimal128(precision, min(scale, precision)), 4)
    values = [number(random, random.randint(0, precision), scale) for _ in range(3)]
    return pa.array(values + [None], pa.decimal256(precision, scale))


@pytest.mark.parametrize("seed", range(10))
def test_casts(seed):
    """Casts from and to 256 bits give what pyarrow gives: values, or an error of the same class."""
    chance = random.Random(seed)
    for _ in range(150):
        values = source(chance)
        type = target(chance, values.type)
        # Without checks, numbers and text that do not fit become zeros in pyarrow; here they are errors.
        safe = not pa.types.is_decimal(values.type) or chance.random() < 0.8
        theirs = outcome(lambda: values.cast(type, safe=safe))
        ours = outcome(lambda: pa.array(moved(values).cast(moved(pa.array([], type)).type, safe=safe)))
        if isinstance(theirs, str):
            assert isinstance(ours, str) and "row " in ours or "Precision" in ours, (values, type, theirs, ours)
        elif type == pa.float64():
            assert near(ours.to_pylist(), theirs.to_pylist(), 14), (values, type)
        else:
            assert ours.equals(theirs), (values, type, safe, theirs, ours)


def test_cast_to_narrow_decimals():
    wide = pa.array([Decimal("-1234567.25"), None, Decimal("99999.5")], pa.decimal256(60, 20))
    for type in (pa.decimal32(9, 2), pa.decimal64(18, 4)):
        assert pa.array(moved(wide).cast(moved(pa.array([], type)).type)).equals(wide.cast(pa.decimal128(18, type.scale)).cast(type))
    with pytest.raises(ma.ArrowInvalid, match=r"does not fit in precision 8.*row 0"):
        moved(wide).cast(ma.decimal32(8, 2))


@pytest.mark.parametrize("name", [
    "sign", "floor", "ceil", "trunc", "round", "round_to_multiple", "product", "variance", "stddev", "sqrt", "mode",
    "quantile", "min_max"])
@pytest.mark.parametrize("kind, digits", [("decimal128", 38), ("decimal256", 76)])
def test_functions(name, kind, digits):
    chance = random.Random(name)
    modes = ["down", "up", "towards_zero", "towards_infinity", "half_down", "half_up", "half_towards_zero",
             "half_towards_infinity", "half_to_even", "half_to_odd"]
    for _ in range(60):
        # A multiple that does not fit becomes 0 in pyarrow: there is room for it.
        room = 4 if name == "round_to_multiple" else 0
        precision = chance.randint(room + 1, digits)
        type = getattr(pa, kind)(precision, chance.randint(0, precision - room))
        values = [number(chance, chance.randint(0, precision - room), type.scale) for _ in range(chance.randint(0, 6))]
        if chance.random() < 0.5:
            values = [v.quantize(Decimal(5).scaleb(1 - type.scale), context=EXACT) + Decimal(5).scaleb(-type.scale) for v in values]
            values = [v for v in values if abs(v) < Decimal(10) ** (precision - room - type.scale)]
        if name == "product":  # pyarrow's begins with 1, which wraps where the first value is long.
            values = [v for v in values if abs(v) < Decimal(10) ** ((digits - type.scale) // 5 - type.scale)][:4]
        values = pa.array(values + [None], type)
        options = {}
        if name.startswith("round"):
            options["round_mode"] = chance.choice(modes)
        if name == "round":
            options["ndigits"] = chance.randint(-20, 20)
        if name == "round_to_multiple":
            options["multiple"] = Decimal(chance.choice(["0.5", "3", "1000", "0.007"]))
        theirs = outcome(lambda: getattr(pc, name)(values, **options))
        ours = outcome(lambda: getattr(mc, name)(moved(values), **options))
        if isinstance(theirs, str):
            assert isinstance(ours, str), (values, options, theirs, ours)
            continue
        assert str(ours.type) == str(theirs.type)
        ours, theirs = (x.to_pylist() if hasattr(x, "to_pylist") else x.as_py() for x in (ours, theirs))
        if name in ("variance", "stddev", "sqrt", "quantile"):
            assert near(ours, theirs, 9), (values, options)
        else:
            assert ours == theirs, (values, options)
