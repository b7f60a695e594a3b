"""Arrow types and what Parquet makes of them, beside pyarrow: the schema of the file, the types that come back with and
without the stored Arrow schema, and the values."""

import decimal
import operator
import uuid

import pyarrow as pa
import pyarrow.parquet as papq
import pytest

import martlet as ma
import martlet.parquet as pq

D = decimal.Decimal
LONG = "longer than the twelve bytes of a view"


def numbers(type, digits, scale, count=11):
    """Decimals of up to so many digits, both signs, the largest and the smallest among them."""
    values = [(10 ** (i * digits // count) * (-1) ** i + i) % 10**digits * (-1) ** i for i in range(count - 2)]
    with decimal.localcontext(decimal.Context(prec=80)):
        return pa.array([D(v).scaleb(-scale) for v in values + [10**digits - 1, 1 - 10**digits]], type)


def extension(type, values):
    return pa.ExtensionArray.from_storage(type, pa.array(values, type.storage_type))


ARRAYS = {
    **{f"decimal32({p})": numbers(pa.decimal32(p, 2), p, 2) for p in (2, 4, 7, 9)},
    **{f"decimal64({p})": numbers(pa.decimal64(p, 3), p, 3) for p in (3, 9, 10, 18)},
    **{f"decimal128({p})": numbers(pa.decimal128(p, 1), p, 1) for p in (1, 9, 18, 19, 38)},
    **{f"decimal256({p})": numbers(pa.decimal256(p, 5), p, 5) for p in (5, 18, 19, 38, 39, 57, 76)},
    "string_view": pa.array(["", "a", LONG, "twelve bytes", LONG * 3, "b"], pa.string_view()),
    "binary_view": pa.array([b"", b"\xff\0", LONG.encode(), b"c" * 13, b"b"], pa.binary_view()),
    "list_view": pa.array([[1], [], [2, None, 3], [4]], pa.list_view(pa.int32())),
    "large_list_view": pa.array([["a"], [], [LONG, None], ["d"]], pa.large_list_view(pa.string_view())),
    "list<list_view>": pa.array([[[1], []], [], [[2, None]], [None]], pa.list_(pa.list_view(pa.int64()))),
    "list<string_view>": pa.array([["a"], [], [LONG, None], ["d"]], pa.list_(pa.string_view())),
    "struct<string_view>": pa.array(
        [{"a": "x", "b": [D("1.5")]}, {"a": LONG, "b": None}, {"a": None, "b": []}],
        pa.struct([("a", pa.string_view()), ("b", pa.list_view(pa.decimal32(5, 1)))])),
    "map<string_view>": pa.array([[("a", LONG)], [], [("b", None)]], pa.map_(pa.string_view(), pa.string_view())),
    "list<decimal256>": pa.array([[D("1.5")], [], [None, D("-2.5")]], pa.list_(pa.decimal256(50, 1))),
    "uuid": extension(pa.uuid(), [uuid.UUID(int=i << 99).bytes for i in range(5)]),
    "json": extension(pa.json_(), ["{}", "[1]", "null", '"x"']),
    "json large": extension(pa.json_(pa.large_string()), ["{}", "[1]", "null", '"x"']),
    "json view": extension(pa.json_(pa.string_view()), ["{}", "[1]", "null", f'"{LONG}"']),
    "bool8": extension(pa.bool8(), [0, 1, 0]),
    "opaque": extension(pa.opaque(pa.binary(), "name", "vendor"), [b"a", b"b"]),
    "list<uuid>": pa.ListArray.from_arrays([0, 1, 1, 3], extension(pa.uuid(), [uuid.UUID(int=1).bytes, None, b"16 bytes of uuid"])),
    "float16": pa.array([0.0, -0.0, 1.5, float("inf"), 6e-8], pa.float16()),
    "time32[s]": pa.array([0, 86399, 5], pa.time32("s")),
    "time64[ns]": pa.array([0, 86399999999999, 5], pa.time64("ns")),
    "timestamp[ns, zone]": pa.array([0, -1000, 10**18], pa.timestamp("ns", "Europe/Berlin")),
    "duration[ns]": pa.array([0, -1, 2**62], pa.duration("ns")),
}
WITH_NULLS = {
    f"{name} with nulls": pa.concat_arrays([
        pa.nulls(2, array.type), array, pa.nulls(1, array.type), array.slice(1), pa.nulls(3, array.type)])
    for name, array in ARRAYS.items()}
WITH_NULLS.update({f"{name} all null": pa.nulls(4, array.type) for name, array in ARRAYS.items()})
EVERY = ARRAYS | WITH_NULLS

WRITER_OPTIONS = [
    {}, {"use_dictionary": False, "data_page_version": "2.0"}, {"store_schema": False}, {"version": "1.0"},
    {"store_decimal_as_integer": True}, {"write_time_adjusted_to_utc": True}, {"use_deprecated_int96_timestamps": True},
]


def schema_text(path):
    with papq.ParquetFile(path) as file:
        return str(file.schema).split("\n", 1)[1]


def same(got, expected):
    got = pa.table(got)
    got.validate(full=True)
    assert got.schema.equals(expected.schema, check_metadata=False), f"{got.schema}\n!=\n{expected.schema}"
    assert got.equals(expected) or str(got.to_pydict()) == str(expected.to_pydict()), f"{got}\n!=\n{expected}"


@pytest.mark.parametrize("name", EVERY)
def test_beside_pyarrow(name, tmp_path):
    """Our file has the schema of pyarrow's, and each reads both files as the same."""
    for options in WRITER_OPTIONS[:1] if name.endswith("all null") else WRITER_OPTIONS:
        check_beside_pyarrow(EVERY[name], options, tmp_path / "ours", tmp_path / "theirs")


def check_beside_pyarrow(array, options, ours, theirs):
    table = pa.table({"column": array, "required": pa.array(range(len(array)))})
    papq.write_table(table, theirs, **options)
    pq.write_table(ma.table(table), ours, **options)
    assert schema_text(ours) == schema_text(theirs)
    expected = papq.read_table(theirs)
    same(papq.read_table(ours), expected)
    for path in ours, theirs:
        same(pq.read_table(path), expected)
        same(pa.Table.from_batches(
            [pa.record_batch(batch) for batch in pq.ParquetFile(path).iter_batches(3)], expected.schema), expected)
    without = papq.read_table(theirs, arrow_extensions_enabled=False)
    same(pq.read_table(ours, arrow_extensions_enabled=False), without)


@pytest.mark.parametrize("name", ["decimal128(38)", "decimal256(76)", "string_view", "float16", "list_view"])
def test_chunks_and_slices(name, tmp_path):
    """Slices of arrays, several chunks and several row groups come back as what they show."""
    array = pa.concat_arrays([EVERY[name + " with nulls"]] * 9)
    table = pa.table({"column": pa.chunked_array([array.slice(3, 20), array.slice(1, 0), array.slice(40)])})
    pq.write_table(ma.table(table), tmp_path / "file", row_group_size=7)
    same(pq.read_table(tmp_path / "file"), table)
    same(pq.read_table(tmp_path / "file", filters=~ma.compute.field("column").is_null()),
         pa.table({"column": pa.array([v for v in table["column"].to_pylist() if v is not None], array.type)}))


OPERATORS = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize("name", [name for name in ARRAYS if name.startswith("decimal")] + ["string_view", "binary_view", "float16"])
def test_filters(name, integers, tmp_path):
    """What a filter leaves of many small row groups is what it leaves of the column; the bounds are pyarrow's."""
    values = ARRAYS[name].to_pylist()
    table = pa.table({"c": ARRAYS[name]})
    for write, path in ((pq.write_table, tmp_path / "ours"), (papq.write_table, tmp_path / "theirs")):
        write(
            ma.table(table) if write is pq.write_table else table, path, row_group_size=2, store_decimal_as_integer=integers)
        for value in values[::2]:
            for symbol, holds in OPERATORS.items():
                got = pq.read_table(path, filters=[("c", symbol, value)])["c"].to_pylist()
                assert got == [v for v in values if holds(v, value)], f"{symbol} {value}"
        bounds = []
        for library in pq, papq:
            metadata = library.ParquetFile(path).metadata
            found = [metadata.row_group(i).column(0).statistics for i in range(metadata.num_row_groups)]
            bounds.append([(s.has_min_max, s.min, s.max) for s in found])
        if name != "float16":
            assert bounds[0] == bounds[1]


@pytest.mark.parametrize("store_schema", [True, False])
@pytest.mark.parametrize("binary_type", ["binary", "large_binary", "binary_view"])
def test_binary_type(binary_type, store_schema, tmp_path):
    table = pa.table({
        "text": ["a", None, LONG], "bytes": [b"a", None, LONG.encode()], "texts": [["a"], None, [LONG, None]]})
    papq.write_table(table, tmp_path / "file", store_schema=store_schema)
    expected = papq.read_table(tmp_path / "file", binary_type=getattr(pa, binary_type)())
    same(pq.read_table(tmp_path / "file", binary_type=getattr(ma, binary_type)()), expected)


@pytest.mark.parametrize("store_schema", [True, False])
@pytest.mark.parametrize("list_type", ["ListType", "LargeListType", "ListViewType", "LargeListViewType"])
def test_list_type(list_type, store_schema, tmp_path):
    table = pa.table({
        "list": [[[1]], None, [[], [2]]], "map": pa.array([[("a", [1])], None, []], pa.map_(pa.string(), pa.list_(pa.int8())))})
    papq.write_table(table, tmp_path / "file", store_schema=store_schema)
    try:
        expected = papq.read_table(tmp_path / "file", list_type=getattr(pa, list_type))
    except TypeError:
        # pyarrow knows lists and large lists; views are ours.
        assert "View" in list_type
        view = pa.list_view if list_type == "ListViewType" else pa.large_list_view
        expected = table if store_schema else pa.table({
            "list": pa.array(table["list"].to_pylist(), view(view(pa.int64()))),
            "map": pa.array(table["map"].to_pylist(), pa.map_(pa.string(), view(pa.int8())))})
    same(pq.read_table(tmp_path / "file", list_type=getattr(ma, list_type)), expected)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_int96(unit, tmp_path):
    """Written as pyarrow writes them, read in any unit."""
    values = [0, -1, 1, -(10**9) * 86400 * 365, 10**9 * 86400 * 365 + 123456789, None]
    table = pa.table({"t": pa.array(values, pa.timestamp("ns")), "us": pa.array([v and v // 1000 for v in values], pa.timestamp("us"))})
    for write, name in ((pq.write_table, "ours"), (papq.write_table, "theirs")):
        write(ma.table(table) if write is pq.write_table else table, tmp_path / name, use_deprecated_int96_timestamps=True)
        expected = papq.read_table(tmp_path / name, coerce_int96_timestamp_unit=unit)
        same(pq.read_table(tmp_path / name, coerce_int96_timestamp_unit=unit), expected)


def test_what_parquet_cannot_hold(tmp_path):
    """As pyarrow, with a word of what to do."""
    union = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])
    for array, words in (
        (union, "write its fields as columns"), (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "whole milliseconds"),
        (pa.array([b""], pa.binary(0)), "cast"), (pa.array([{}], pa.struct([])), "dummy child"),
    ):
        with pytest.raises((pa.ArrowException, OSError)):
            papq.write_table(pa.table({"c": array}), tmp_path / "theirs")
        with pytest.raises(ma.ArrowException, match=words):
            pq.write_table(ma.table(pa.table({"c": array})), tmp_path / "ours")
        assert not (tmp_path / "ours").exists()


def test_digits_that_do_not_fit(tmp_path):
    """Values beyond their type's digits are no silent loss."""
    for type, wrong in ((pa.decimal32(2, 0), 200), (pa.decimal64(2, 0), -1000), (pa.decimal128(2, 0), 2**100), (pa.decimal256(2, 0), 2**200)):
        data = wrong.to_bytes(type.byte_width, "little", signed=True)
        array = pa.Array.from_buffers(type, 1, [None, pa.py_buffer(data)])
        with pytest.raises(ma.ArrowInvalid, match="does not fit"):
            pq.write_table(ma.table(pa.table({"c": array})), tmp_path / "file")


# ---- categories ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["none", "zstd"])
@pytest.mark.parametrize("rows", [1, 7, 10_000])
@pytest.mark.parametrize("ordered", [True, False])
def test_categories_keep_their_order(tmp_path, codec, rows, ordered):
    """Those that no value has, too: pandas compares by the order."""
    import pandas as pd
    categories = ["small", "medium", "large", "none has it", "été"]
    values = [categories[i] for i in (2, 0, 4, 2, 1)] * (rows // 5 + 1)
    values = [None if i % 6 == 3 else v for i, v in enumerate(values[:rows])]
    frame = pd.DataFrame({"size": pd.Categorical(values, categories=categories, ordered=ordered)})
    path = tmp_path / "categories.parquet"
    pq.write_table(ma.table(frame), path, compression=codec, row_group_size=4_000)
    for reader in (pq, papq):
        pd.testing.assert_frame_equal(reader.read_table(path).to_pandas(), frame)
    distinct = len({v for v in values[:4_000] if v is not None})
    statistics = pq.read_metadata(path).row_group(0).column(0).statistics
    assert statistics is None or statistics.distinct_count in (None, distinct)


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("rows, count", [(10_000, 10_000), (3_000, 5_000), (100, 900), (20_000, 7)])
def test_categories_keep_their_order(rows, count, ordered, tmp_path):
    """As with pyarrow, those that no value has too."""
    indices = pa.array([(i * 7) % count for i in range(rows)], pa.int32())
    dictionary = pa.array([f"{count - i:05}" for i in range(count)])
    table = pa.table({"c": pa.DictionaryArray.from_arrays(indices, dictionary, ordered=ordered)})
    pq.write_table(ma.table(table), tmp_path / "ours")
    for read in papq.read_table(tmp_path / "ours"), pa.table(pq.read_table(tmp_path / "ours")):
        column = read.column("c").combine_chunks()
        assert column.dictionary.equals(dictionary) and column.type == table.schema.field("c").type
        assert column.indices.equals(indices)


def test_ordered_categories_of_few_rows(tmp_path):
    dictionary = pa.array([f"{i:05}" for i in range(9_000, 0, -1)])
    table = pa.table({"c": pa.DictionaryArray.from_arrays(pa.array([8_000, 3], pa.int32()), dictionary, ordered=True)})
    pq.write_table(ma.table(table), tmp_path / "ours", row_group_size=1)
    assert pq.read_table(tmp_path / "ours").column("c").unify_dictionaries().chunk(0).dictionary.to_pylist() == dictionary.to_pylist()


def test_field_ids_that_are_none(tmp_path):
    key = b"PARQUET:field_id"
    fields = [pa.field("a", pa.int8(), metadata={key: b"xyz"}), pa.field("b", pa.int8(), metadata={key: b"-9"}), pa.field("c", pa.int8(), metadata={key: b"7"})]
    pq.write_table(ma.table(pa.table([[1]] * 3, schema=pa.schema(fields))), tmp_path / "f")
    assert [field.metadata[key] for field in pq.read_schema(tmp_path / "f")] == [b"xyz", b"-9", b"7"]
    assert [field.metadata[key] for field in papq.read_schema(tmp_path / "f")] == [b"xyz", b"-9", b"7"]
