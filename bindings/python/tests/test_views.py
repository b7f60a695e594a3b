"""String and binary views of other libraries stay views."""

import pytest

pa = pytest.importorskip("pyarrow")

import martlet as ma

TEXTS = ["", "short", None, "exactly 12 b", "thirteen byte", "x" * 1000, "日本語のとても長いテキスト", None, "e"]


def arrays():
    whole = pa.array(TEXTS, pa.string_view())
    several = pa.concat_arrays([whole, pa.array(["another long text in its own memory"] * 3, pa.string_view()), whole])
    yield "whole", whole
    yield "sliced", whole.slice(3, 5)
    yield "several buffers", several.slice(2, 15)
    yield "inline only", pa.array(["a", "b", None], pa.string_view())
    yield "no nulls", pa.array(["a" * 20, "b"], pa.string_view())
    yield "empty", pa.array([], pa.string_view())
    yield "all null", pa.array([None, None], pa.string_view())
    yield "binary", pa.array([None if t is None else t.encode() for t in TEXTS], pa.binary_view())
    yield "struct", pa.array([{"s": t, "n": 1} for t in TEXTS], pa.struct([("s", pa.string_view()), ("n", pa.int8())])).slice(2)
    yield "list", pa.array([TEXTS, None, [], ["y" * 50]], pa.list_(pa.string_view())).slice(0, 3)


CASES = dict(arrays())


@pytest.mark.parametrize("name", CASES)
def test_array(name):
    theirs = CASES[name]
    mine = ma.array(theirs)
    mine.validate(full=True)
    assert mine.to_pylist() == theirs.to_pylist()
    assert str(mine.type) == str(theirs.type)
    assert pa.array(mine).equals(theirs)


@pytest.mark.parametrize("name", CASES)
def test_stream(name):
    theirs = pa.table({"x": CASES[name], "n": range(len(CASES[name]))})
    assert ma.table(theirs).to_pydict() == theirs.to_pydict()
    batch = theirs.to_batches()
    if batch:
        assert ma.record_batch(batch[0]).to_pydict() == batch[0].to_pydict()


def test_types():
    assert ma.field(pa.field("x", pa.string_view())).type == ma.string_view()
    assert ma.schema(pa.schema([("x", pa.binary_view())])).types == [ma.binary_view()]


def test_polars():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"s": TEXTS, "l": [[t] for t in TEXTS], "i": range(len(TEXTS))})
    assert ma.table(frame).to_pydict() == frame.to_dict(as_series=False)
    assert pl.DataFrame(ma.table(frame)).equals(frame)
