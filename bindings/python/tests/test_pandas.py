"""pandas in and out, judged by pyarrow; also where pyarrow is not there."""

import datetime
import decimal
import subprocess
import sys

import pytest

pd = pytest.importorskip("pandas")
np = pytest.importorskip("numpy")
pa = pytest.importorskip("pyarrow")

from pandas.testing import assert_frame_equal, assert_series_equal

import martlet as ma

pytestmark = pytest.mark.filterwarnings("ignore:The DataFrame has column names of mixed type")
from arrow_cases import LAYOUTS, TYPES, table
from judged import check

COLUMNS = {
    "ints": lambda: [1, 2, 3], "floats": lambda: [1.5, np.nan, 3], "texts": lambda: ["a", None, "c"],
    "moments": lambda: pd.to_datetime(["2020", "2021", None]), "ns": lambda: pd.to_datetime(["2020", "2021", None]).as_unit("ns"),
    "zoned": lambda: pd.to_datetime(["2020", "2021", "2022"]).tz_localize("Europe/Paris"),
    "categories": lambda: pd.Categorical(["x", "y", None]), "ordered": lambda: pd.Categorical([3, 1, 3], ordered=True),
    "Int64": lambda: pd.array([1, None, 3], dtype="Int64"), "UInt8": lambda: pd.array([1, None, 3], dtype="UInt8"),
    "boolean": lambda: pd.array([True, None, False], dtype="boolean"), "Float32": lambda: pd.array([1.5, None, 2], dtype="Float32"),
    "bytes": lambda: [b"a", None, b"c"], "dates": lambda: [datetime.date(2020, 1, 1)] * 3, "lists": lambda: [[1], [2, 3], None],
    "spans": lambda: pd.to_timedelta([1, 2, 3], unit="s"), "string": lambda: pd.array(["a", None, "b"], dtype="string"),
    "python strings": lambda: pd.array(["a", None, "b"], dtype=pd.StringDtype("python")),
    "decimals": lambda: [decimal.Decimal("1.5"), None, decimal.Decimal("2")], "bools": lambda: [True, False, True],
    "object ints": lambda: pd.Series([1, None, 3], dtype=object), "object texts": lambda: pd.Series(["a", None, "q"], dtype=object),
    "bytes of 8": lambda: np.array([1, 2, 3], dtype="u1"), "times": lambda: [datetime.time(3, 4), None, datetime.time(5)],
    "records": lambda: [{"a": 1}, {"a": 2}, None],
}


def frame(name):
    return pd.DataFrame({name: COLUMNS[name]()})


def notes(t):
    found = t.schema.pandas_metadata
    found.pop("creator")
    return found


@pytest.mark.parametrize("name", COLUMNS)
def test_in(name):
    mine, theirs = ma.Table.from_pandas(frame(name)), pa.Table.from_pandas(frame(name))
    kinds = [str(t).replace("large_string", "string") for t in mine.schema.types]
    assert kinds == [str(t).replace("large_string", "string") for t in theirs.schema.types]
    assert mine.to_pydict() == theirs.to_pydict()
    if "python" not in name:
        assert notes(mine) == notes(theirs)
    assert_frame_equal(pa.table(mine).to_pandas(), theirs.to_pandas())
    assert ma.array(frame(name)[name]).to_pylist() == pa.array(frame(name)[name]).to_pylist()


@pytest.mark.parametrize("options", [
    {}, {"split_blocks": True}, {"ignore_metadata": True}, {"date_as_object": False}, {"integer_object_nulls": True},
    {"timestamp_as_object": True}, {"strings_to_categorical": True}, {"coerce_temporal_nanoseconds": True}], ids=str)
@pytest.mark.parametrize("name", COLUMNS)
def test_out(name, options):
    theirs = pa.Table.from_pandas(frame(name))
    mine = ma.table(theirs)
    assert mine.schema.pandas_metadata == theirs.schema.pandas_metadata
    assert_frame_equal(mine.to_pandas(**options), theirs.to_pandas(**options))
    if name == "ns" and "timestamp_as_object" in options:
        return  # pyarrow makes objects of a series, but not of a frame
    assert_series_equal(mine[name].to_pandas(**options), theirs[name].to_pandas(**options), check_names=False)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", TYPES)
def test_every_type_out(name, layout):
    theirs = table(name, layout)
    assert_frame_equal(ma.table(theirs).to_pandas(), theirs.to_pandas())


FRAMES = {
    "range": lambda: pd.DataFrame({"a": [1, 2]}), "range with steps": lambda: pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(5, 9, 2, name="r")),
    "numbers as names": lambda: pd.DataFrame({0: [1], 1: [2]}),
    "levels": lambda: pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]),
                                   index=pd.MultiIndex.from_tuples([(1, "z")], names=["p", None])),
    "moments as index": lambda: pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2020", periods=2, tz="UTC")),
    "texts as index": lambda: pd.DataFrame({"a": [1, 2]}, index=["x", "y"]), "nothing": lambda: pd.DataFrame(),
    "no rows": lambda: pd.DataFrame({"a": pd.Series([], dtype="f8")}),
    "index named like a column": lambda: pd.DataFrame({"a": [1]}, index=pd.Index([3], name="a")),
    "moments as names": lambda: pd.DataFrame([[1, 2]], columns=pd.date_range("2020", periods=2)),
    "named columns": lambda: pd.DataFrame([[1.5]], columns=pd.Index(["a"], name="cc")),
    "many columns": lambda: pd.DataFrame(np.arange(20.0).reshape(2, 10)).assign(t="x", n=1, m=2),
}


@pytest.mark.parametrize("preserve_index", [None, True, False])
@pytest.mark.parametrize("name", FRAMES)
def test_frames(name, preserve_index):
    made = FRAMES[name]()
    mine = ma.Table.from_pandas(made, preserve_index=preserve_index)
    theirs = pa.Table.from_pandas(made, preserve_index=preserve_index)
    assert notes(mine) == notes(theirs) and mine.schema.names == theirs.schema.names and mine.num_rows == theirs.num_rows
    assert_frame_equal(mine.to_pandas(), theirs.to_pandas())


def test_attributes_survive():
    made = pd.DataFrame({"a": [1]})
    made.attrs = {"x": [1, 2]}
    assert ma.Table.from_pandas(made).to_pandas().attrs == {"x": [1, 2]}


TS = pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02"]))
FINE = pd.Series(pd.to_datetime(["2024-01-01 00:00:00.000001"]).as_unit("ns"))


@pytest.mark.parametrize("code", [
    lambda m, c: m.array(TS, type=m.timestamp("ms")), lambda m, c: m.array(FINE, type=m.timestamp("ms")),
    lambda m, c: m.Table.from_pandas(pd.DataFrame([[1, 2]], columns=["a", "a"])),
    lambda m, c: m.Table.from_pandas(pd.DataFrame({"a": [1]}), schema=m.schema([("b", m.int8())])),
    lambda m, c: m.Table.from_pandas(pd.DataFrame({"a": [1], "b": [2]}), columns=["b"]).schema.names,
    lambda m, c: m.Table.from_pandas(pd.DataFrame({"a": [1]}), schema=m.schema([("a", m.int8())])).schema.types,
    lambda m, c: m.array(pd.Categorical(["a", "b", "a"])), lambda m, c: m.table({"a": ["x", "y"]}).to_pandas(categories=["a"]).dtypes.to_dict(),
    lambda m, c: m.table({"a": [1, None]}).to_pandas(types_mapper={m.int64(): pd.Int64Dtype()}.get)["a"].tolist(),
    lambda m, c: m.table({"a": [1, None]}).to_pandas(types_mapper=lambda t: pd.Float64Dtype())["a"].tolist(),
    lambda m, c: m.table({"a": ["x", None]}).to_pandas(types_mapper=lambda t: pd.StringDtype())["a"].tolist(),
    lambda m, c: m.Schema.from_pandas(pd.DataFrame({"a": [1]})).remove_metadata(), lambda m, c: m.array(pd.Series([1, 2]), type=m.int8()),
    lambda m, c: m.array(pd.Series([1, 300]), type=m.int8()), lambda m, c: m.array(pd.Series([1.5, np.nan])),
    lambda m, c: m.array(pd.Series([1.5, np.nan]), from_pandas=False), lambda m, c: m.array(pd.Index([1, 2])), lambda m, c: m.array(pd.RangeIndex(3)),
    lambda m, c: m.array(pd.Series([1, 2]), mask=np.array([True, False])), lambda m, c: m.Array.from_pandas(pd.Series([1, None])),
    lambda m, c: m.RecordBatch.from_pandas(pd.DataFrame({"a": [1, 2]})), lambda m, c: m.table(pd.DataFrame({"a": [1, 2]})),
    lambda m, c: m.record_batch(pd.DataFrame({"a": [1, 2]})),
])
def test_behaviour(code):
    check(code)


def test_errors_name_the_column_and_the_fix():
    with pytest.raises(ma.ArrowInvalid, match="would lose data.*column t.*safe=False"):
        ma.Table.from_pandas(pd.DataFrame({"t": FINE}), schema=ma.schema([("t", ma.timestamp("ms"))]))
    mine = ma.Table.from_pandas(pd.DataFrame({"t": FINE}), schema=ma.schema([("t", ma.timestamp("ms"))]), safe=False)
    assert mine["t"].to_pylist() == [datetime.datetime(2024, 1, 1)]


def test_numbers_are_shared():
    made = pd.DataFrame(np.arange(30.0).reshape(10, 3), columns=list("abc"))
    mine = ma.Table.from_pandas(pd.DataFrame({"a": np.arange(10), "b": np.arange(10)}))
    assert mine.to_pandas(split_blocks=True, zero_copy_only=True)["a"].to_numpy().ctypes.data == mine["a"].chunk(0).buffers()[1].address
    values = np.arange(10.0)
    assert ma.array(pd.Series(values, copy=False)).buffers()[1].address == values.ctypes.data
    assert_frame_equal(ma.Table.from_pandas(made).to_pandas(), made)
    with pytest.raises(ma.ArrowInvalid, match="zero_copy_only"):
        ma.table({"a": [1, None]}).to_pandas(zero_copy_only=True)


def test_frames_can_be_written_to():
    made = ma.table({"a": [1, 2], "b": [1.5, 2.5], "c": [True, False]}).to_pandas()
    made.loc[0, "a"] = 5
    made["b"] += 1
    assert made.to_dict("list") == {"a": [5, 2], "b": [2.5, 3.5], "c": [True, False]}


def test_without_pyarrow():
    code = """
import sys
sys.modules["pyarrow"] = None
import martlet as ma, pandas as pd
from pandas.testing import assert_frame_equal
made = pd.DataFrame({"i": [1, 2, 3], "s": ["a", None, "c"], "c": pd.Categorical(["x", "y", None]), "t": pd.to_datetime(["2020", "2021", None]),
    "I": pd.array([1, None, 3], dtype="Int64"), "st": pd.array(["a", None, "b"], dtype="string"), "b": pd.array([True, None, False], dtype="boolean"),
    "z": pd.to_datetime(["2020", "2021", None]).tz_localize("UTC"), "o": [b"a", None, b"c"]}, index=pd.Index(["p", "q", "r"], name="k"))
assert_frame_equal(ma.Table.from_pandas(made).to_pandas(), made)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
