"""group_by against pyarrow: keys that are hashed and keys that are counted, in one piece and in several."""

import numpy as np
import pyarrow as pa
import pytest

import martlet

ROWS = 300_000
AGGREGATES = ["sum", "mean", "min", "max", "count", "product"]


def keys(kind, rng, rows):
    if kind == "narrow":
        return pa.array(rng.integers(-40, 40, rows))
    if kind == "narrow, nulls":
        return pa.array(rng.integers(0, 9, rows).astype("uint8"), mask=rng.random(rows) < 0.2)
    if kind == "wide":
        return pa.array(rng.integers(-(2**62), 2**62, 500)[rng.integers(0, 500, rows)])
    if kind == "edges":
        return pa.array(np.array([-(2**63), 2**63 - 1, 0])[rng.integers(0, 3, rows)])
    if kind == "uint64":
        return pa.array(np.array([2**64 - 1, 2**64 - 3, 2**63], dtype="uint64")[rng.integers(0, 3, rows)])
    if kind == "floats":
        return pa.array(np.array([np.nan, 1.5, -2.0, 1e300])[rng.integers(0, 4, rows)])
    if kind == "strings":
        return pa.array([None, "a", "bb", "a long value, told by its hash", ""]).take(pa.array(rng.integers(0, 5, rows)))
    if kind == "booleans":
        return pa.array(rng.random(rows) < 0.5, mask=rng.random(rows) < 0.1)
    return pa.array(np.arange(rows))


def values(kind, rng, rows):
    if kind == "int16":
        return pa.array(rng.integers(-300, 300, rows).astype("int16"))
    if kind == "uint64":
        return pa.array(rng.integers(0, 2**63, rows).astype("uint64") * np.uint64(2))
    if kind == "nulls":
        return pa.array(rng.integers(-(2**40), 2**40, rows), mask=rng.random(rows) < 0.9)
    floats = rng.integers(-1000, 1000, rows) / 8.0
    floats[rng.random(rows) < 0.01] = np.nan
    return pa.array(floats)


def shown(table):
    """Rows by key; NaN, which equals nothing, as a word."""
    def plain(value):
        return "NaN" if isinstance(value, float) and value != value else value
    rows = [tuple(plain(v) for v in row.values()) for row in table.to_pylist()]
    return sorted(rows, key=lambda row: str(row[0]))


@pytest.mark.parametrize("rows", [0, 1, 1000, ROWS])
@pytest.mark.parametrize("key", ["narrow", "narrow, nulls", "wide", "edges", "uint64", "floats", "strings", "booleans", "unique"])
@pytest.mark.parametrize("value", ["int16", "uint64", "nulls", "floats"])
def test_group_by(rows, key, value):
    if key == "unique" and rows == ROWS and value != "nulls":
        pytest.skip("one value will do for many groups")
    rng = np.random.default_rng(5)
    table = pa.table({"k": keys(key, rng, rows), "v": values(value, rng, rows)})
    wanted = [("v", name) for name in AGGREGATES if not (name == "product" and (rows > 1000 or value == "floats"))]
    if key == "unique" and rows == ROWS:
        wanted = wanted[:4]
    expected = table.group_by("k").aggregate(wanted)
    result = martlet.table(table).group_by("k").aggregate(wanted)
    assert result.schema.names == expected.schema.names
    ours, theirs = shown(pa.table(result)), shown(expected)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert a == b or all(x == y or isinstance(x, float) and abs(x - y) <= 1e-9 * abs(y) for x, y in zip(a, b)), (a, b)
