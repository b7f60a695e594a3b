"""INTERVAL (LogicalTypes.md): written from Arrow's three interval types and read as them. pyarrow has only the bytes."""

import struct

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as papq
import pytest
from parquet_maker import FIXED, INTERVAL, OPTIONAL, flat, leaf

import martlet as ma
import martlet.compute as pc
import martlet.parquet as pq

MS = 10**6
VALUES = [(0, 0, 0), (1, 2, 3 * MS), None, (2**31 - 1, 2**31 - 1, (2**32 - 1) * MS), (14, 0, 86_400_000 * MS), (14, 0, 86_400_000 * MS)]


def stored(values):
    return [v and struct.pack("<III", v[0], v[1], v[2] // MS) for v in values]


@pytest.mark.parametrize("options", [
    {}, {"use_dictionary": False}, {"column_encoding": {"i": "BYTE_STREAM_SPLIT"}, "use_dictionary": False},
    {"column_encoding": {"i": "DELTA_BYTE_ARRAY"}, "use_dictionary": False}, {"max_rows_per_page": 1, "data_page_version": "2.0"},
])
@pytest.mark.parametrize("store_schema", [True, False])
def test_round_trip(options, store_schema, tmp_path):
    table = ma.table({"i": ma.array(VALUES * 50, ma.month_day_nano_interval())})
    pq.write_table(table, tmp_path / "f", store_schema=store_schema, **options)
    assert pq.read_table(tmp_path / "f").equals(table)
    assert ma.concat_tables(ma.table([b]) for b in pq.ParquetFile(tmp_path / "f").iter_batches(7)).equals(table)
    theirs = papq.ParquetFile(tmp_path / "f")
    assert theirs.schema.column(0).converted_type == "INTERVAL" and theirs.read().column(0).to_pylist() == stored(VALUES) * 50
    assert not theirs.metadata.row_group(0).column(0).statistics.has_min_max
    assert pq.ParquetFile(tmp_path / "f").schema.column(0).converted_type == "INTERVAL"


def test_nested_and_sliced(tmp_path):
    type = pa.struct([("i", pa.month_day_nano_interval()), ("l", pa.list_(pa.month_day_nano_interval()))])
    rows = [{"i": v, "l": [v, None]} for v in VALUES] + [None, {"i": None, "l": None}]
    array = pa.array(rows * 20, type)[3:-5]
    table = ma.table(pa.table({"s": pa.chunked_array([array, array[:0], array[7:]])}))
    pq.write_table(table, tmp_path / "f", max_rows_per_page=3)
    assert pq.read_table(tmp_path / "f").equals(table)


def test_duckdb(tmp_path):
    duckdb.sql(f"""copy (select * from (values (interval '1 month 2 days 3.5 seconds'), (null), (interval '40 days 3 hours')) t(i))
        to '{tmp_path / "theirs.parquet"}' (format parquet)""")
    got = pq.read_table(tmp_path / "theirs.parquet").column("i")
    assert got.type == ma.month_day_nano_interval()
    assert got.to_pylist() == [(1, 2, 3500 * MS), None, (0, 40, 3 * 3600 * 1000 * MS)]
    pq.write_table(ma.table({"i": got}), tmp_path / "ours.parquet")
    rows = f"select i::varchar from '{tmp_path}/%s.parquet'"
    assert duckdb.sql(rows % "ours").fetchall() == duckdb.sql(rows % "theirs").fetchall()


def test_other_units(tmp_path):
    start = ma.array(np.array([0, 5, 10], "datetime64[D]").astype("datetime64[ms]"))
    end = ma.array(np.array([70, 5, 500], "datetime64[D]").astype("datetime64[ms]"))
    table = ma.table({
        "months": pc.month_interval_between(start, end), "days": pc.day_time_interval_between(start, end),
        "both": ma.array([(1, 2, 0), None, (0, 5, 7 * MS)], ma.month_day_nano_interval())})
    pq.write_table(table, tmp_path / "f")
    assert pq.read_table(tmp_path / "f").equals(table)
    pq.write_table(table, tmp_path / "g", store_schema=False)
    months, days, _ = pq.read_table(tmp_path / "g").columns
    assert [v[0] for v in months.to_pylist()] == table["months"].to_pylist()
    assert [(v.days, v.nanoseconds) for v in days.to_pylist()] == [(v.days, v.milliseconds * MS) for v in table["days"].to_pylist()]


@pytest.mark.parametrize("wrong", [(-1, 0, 0), (0, -1, 0), (0, 0, -MS), (0, 0, 1), (0, 0, 2**32 * MS), (0, 0, MS + 1)])
def test_what_the_format_does_not_have(wrong, tmp_path):
    table = ma.table({"i": ma.array([None, wrong], ma.month_day_nano_interval())})
    with pytest.raises(ma.ArrowInvalid, match=r"value 1: Parquet's INTERVAL has whole milliseconds.*store durations"):
        pq.write_table(table, tmp_path / "f")
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize("nulls", [False, True])
def test_numbers_with_the_highest_bit(nulls):
    """Some writers keep the sign of what is below zero."""
    values = [struct.pack("<iiI", -1, -2, 2**32 - 1)] + [None] * nulls
    got = pq.ParquetFile(flat(leaf("c", FIXED, OPTIONAL, 12, INTERVAL), values)).read().column(0)
    assert got.to_pylist() == [(-1, -2, (2**32 - 1) * MS)] + [None] * nulls


def test_bytes_of_another_length_stay_bytes():
    got = pq.ParquetFile(flat(leaf("c", FIXED, OPTIONAL, 5, INTERVAL), [b"01234"])).read().column(0)
    assert got.to_pylist() == [b"01234"]


def test_filters(tmp_path):
    table = ma.table({"i": ma.array(VALUES, ma.month_day_nano_interval()), "n": ma.array(range(6))})
    pq.write_table(table, tmp_path / "f")
    got = pq.read_table(tmp_path / "f", filters=pc.field("i").is_valid() & (pc.field("n") > 1))
    assert got.column("n").to_pylist() == [3, 4, 5] and got.column("i").to_pylist() == table.column("i").to_pylist()[3:]
