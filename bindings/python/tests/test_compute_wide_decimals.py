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
