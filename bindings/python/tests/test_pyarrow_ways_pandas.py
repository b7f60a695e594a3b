"""What becomes of pandas' own kinds of values; pyarrow says what comes out."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest

import martlet as pa
import martlet.parquet as pq

PERIODS = [pd.period_range("2020-01", periods=3, freq=freq) for freq in ("M", "D", "Y")]
INTERVALS = [pd.interval_range(0, 3), pd.interval_range(0.5, periods=2, closed="left"),
             pd.interval_range(pd.Timestamp("2020"), periods=2)]


@pytest.mark.parametrize("values", PERIODS + INTERVALS, ids=str)
def test_periods_and_intervals(values, tmp_path):
    frame = pd.DataFrame({"a": values, "b": range(len(values))})
    missing = frame.copy()
    if "int" not in str(values.dtype).split(",")[0].removeprefix("interval"):  # intervals of integers have no room for it
        missing.loc[0, "a"] = None
    for whole in (frame, frame[:0], missing, frame.set_index("a"), pd.concat([frame, frame], ignore_index=True)):
        mine, theirs = pa.table(whole), pyarrow.table(whole)
        assert pyarrow.table(mine).equals(theirs)
        pd.testing.assert_frame_equal(mine.to_pandas(), whole)
        assert mine.schema.pandas_metadata["columns"] == theirs.schema.pandas_metadata["columns"]
        pq.write_table(mine, tmp_path / "a.parquet")
        pd.testing.assert_frame_equal(pq.read_table(tmp_path / "a.parquet").to_pandas(), whole)
        pd.testing.assert_frame_equal(pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pandas(), whole)
    assert pa.array(values).type.extension_name == pyarrow.array(values).type.extension_name


def test_nanoseconds_are_not_wrapped():
    for unit in ("s", "ms", "us"):
        for zone in (None, "America/New_York"):
            moments = pa.array([datetime.datetime(1, 1, 1), None], pa.timestamp(unit, tz=zone))
            for data in (moments, pa.chunked_array([moments]), pa.table({"a": moments})):
                with pytest.raises(pa.ArrowInvalid, match="would result in out of bounds timestamp"):
                    data.to_pandas(coerce_temporal_nanoseconds=True)
                data.to_pandas(coerce_temporal_nanoseconds=True, safe=False)
    fine = pa.array([datetime.datetime(2020, 1, 1), None], pa.timestamp("s"))
    assert fine.to_pandas(coerce_temporal_nanoseconds=True).dtype == "M8[ns]"


@pytest.mark.parametrize("places", [[0, -1], [0, 1], [-5]])
def test_places_outside_the_dictionary(places):
    broken = pa.DictionaryArray.from_arrays(pa.array(places), pa.array(["a"]), safe=False)
    for convert in (broken.to_pandas, lambda: broken.to_numpy(zero_copy_only=False), pa.table({"a": broken}).to_pandas):
        with pytest.raises(IndexError, match="out of bounds"):
            convert()


@pytest.mark.parametrize("kind", ["string", "int64"])
def test_no_categories(kind):
    for library in (pa, pyarrow):
        empty = library.chunked_array([], library.dictionary(library.int8(), kind)).to_pandas()
        assert len(empty) == 0 and empty.dtype.categories.dtype in (np.dtype(object), np.dtype("int64"))
    assert pa.chunked_array([], pa.dictionary("int8", kind)).to_pandas().dtype == pyarrow.chunked_array(
        [], pyarrow.dictionary("int8", kind)).to_pandas().dtype


def test_the_order_of_categories_counts():
    for library in (pa, pyarrow):
        with pytest.raises(ValueError, match="The 'ordered' flag"):
            library.array(pd.Categorical(["a"]), type=library.dictionary(library.int8(), library.string(), ordered=True))


def test_names_that_are_no_strings_are_told():
    frame = pd.DataFrame({0: [1.0], 1: [2.0]}).set_index(0)
    for library in (pa, pyarrow):
        with pytest.warns(UserWarning):
            assert library.Table.from_pandas(frame).schema.names == ["1", "0"]


def test_a_frame_of_nothing_but_an_index():
    frame = pd.DataFrame({"a": pd.date_range("2017", periods=3, tz="America/New_York")}).set_index("a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pd.testing.assert_frame_equal(pa.table(frame).to_pandas(), frame)


def test_mappers_go_before_notes():
    frame = pa.table(pd.DataFrame({"a": pd.array([1, 2], dtype="Int64")}))
    assert isinstance(frame.to_pandas(types_mapper={pa.int64(): pd.PeriodDtype("D")}.get)["a"].dtype, pd.PeriodDtype)
    assert pa.array(["a"]).to_pandas(types_mapper={pa.string(): None}.get).dtype == object
    assert pa.array(["a"], "string_view").to_pandas(strings_to_categorical=True).dtype == "category"


class Counts(pa.ExtensionType):
    def __init__(self):
        super().__init__(pa.int64(), "counts")

    def __arrow_ext_serialize__(self):
        return b""

    def to_pandas_dtype(self):
        return pd.Int64Dtype()


def test_types_that_know_their_dtype():
    counts = pa.ExtensionArray.from_storage(Counts(), pa.array([1, None, 3]))
    expected = pd.array([1, None, 3], dtype="Int64")
    pd.testing.assert_series_equal(counts.to_pandas(), pd.Series(expected))
    pd.testing.assert_frame_equal(pa.table({"a": counts}).to_pandas(), pd.DataFrame({"a": expected}))


def test_records_of_numpy():
    assert pa.array(np.zeros(2, dtype=[]), pa.struct([])).to_pylist() == [{}, {}]
    records = np.zeros(1, dtype=[("x", "i4"), ("z", "?")])
    for library in (pa, pyarrow):
        kind = library.struct([("x", library.int32()), ("y", library.bool_())])
        with pytest.raises(ValueError, match="Missing field 'y'"):
            library.array(records, type=kind)
        with pytest.raises(TypeError, match="Expected struct array"):
            library.array(np.int32([]), type=kind)


def test_series_within_lists():
    assert pa.array([pd.Series([1, 2]), None]).to_pylist() == [[1, 2], None]
    assert pa.scalar(pd.Series([1, 2, 3])).as_py() == [1, 2, 3]


@pytest.mark.parametrize("width", [32, 64, 128, 256])
def test_the_note_on_decimals(width):
    import decimal
    frame = pd.DataFrame({"a": [decimal.Decimal("1.25")]})
    notes = [library.Table.from_pandas(frame, library.schema([("a", getattr(library, f"decimal{width}")(5, 2))]))
             .schema.pandas_metadata["columns"] for library in (pa, pyarrow)]
    assert notes[0] == notes[1]
