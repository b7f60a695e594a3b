"""Types x layouts, made by pyarrow, and ways between Martlet and pyarrow. pyarrow is the judge in these tests."""

import datetime
import decimal

import pyarrow as pa
import pyarrow.ipc

import martlet

D = decimal.Decimal

# name: (type, values). Every list has an odd length above 8, so that bitmaps do not end on a byte.
TYPES = {
    "null": (pa.null(), [None] * 11),
    "bool": (pa.bool_(), [True, False, True, True, False, False, True, False, True, True, False]),
    "int8": (pa.int8(), [0, 1, -1, 127, -128, 5, 6, 7, 8, 9, 10]),
    "int16": (pa.int16(), [0, 1, -1, 32767, -32768, 5, 6, 7, 8, 9, 10]),
    "int32": (pa.int32(), [0, 1, -1, 2**31 - 1, -(2**31), 5, 6, 7, 8, 9, 10]),
    "int64": (pa.int64(), [0, 1, -1, 2**63 - 1, -(2**63), 5, 6, 7, 8, 9, 10]),
    "uint8": (pa.uint8(), [0, 1, 255, 3, 4, 5, 6, 7, 8, 9, 10]),
    "uint16": (pa.uint16(), [0, 1, 2**16 - 1, 3, 4, 5, 6, 7, 8, 9, 10]),
    "uint32": (pa.uint32(), [0, 1, 2**32 - 1, 3, 4, 5, 6, 7, 8, 9, 10]),
    "uint64": (pa.uint64(), [0, 1, 2**64 - 1, 3, 4, 5, 6, 7, 8, 9, 10]),
    "float16": (pa.float16(), [0.0, 1.5, -2.25, 65504.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]),
    "float32": (pa.float32(), [0.0, 1.5, -2.25, 3.0e38, 4.0, 5.0, float("inf"), 7.0, 8.0, 9.0, 10.0]),
    "float64": (pa.float64(), [0.0, 1.5, -2.25, 1.0e308, 4.0, 5.0, float("-inf"), 7.0, 8.0, 9.0, 10.0]),
    "string": (pa.string(), ["", "a", "ü", "日本語", "a longer text than any inline one", "b", "b", "b", "c", "d", "😀"]),
    "large_string": (pa.large_string(), ["", "a", "ü", "日本語", "x" * 300, "b", "b", "b", "c", "d", "e"]),
    "binary": (pa.binary(), [b"", b"\x00", b"\xff\xfe", b"abc", b"y" * 300, b"5", b"6", b"7", b"8", b"9", b"10"]),
    "large_binary": (pa.large_binary(), [b"", b"\x00", b"\xff", b"abc", b"4", b"5", b"6", b"7", b"8", b"9", b"10"]),
    "fixed_size_binary": (pa.binary(3), [bytes([i, 255 - i, 0]) for i in range(11)]),
    "date32": (pa.date32(), [datetime.date(1970, 1, 1) + datetime.timedelta(days=i * 1000 - 3000) for i in range(11)]),
    "date64": (pa.date64(), [datetime.date(1970, 1, 1) + datetime.timedelta(days=i * 1000 - 3000) for i in range(11)]),
    "time32[s]": (pa.time32("s"), [datetime.time(i, i, i) for i in range(11)]),
    "time32[ms]": (pa.time32("ms"), [datetime.time(i, i, i, 1000 * i) for i in range(11)]),
    "time64[us]": (pa.time64("us"), [datetime.time(i, i, i, i) for i in range(11)]),
    "time64[ns]": (pa.time64("ns"), [datetime.time(i, i, i, i) for i in range(11)]),
    "timestamp[s]": (pa.timestamp("s"), [i * 10**8 - 5 for i in range(11)]),
    "timestamp[ms]": (pa.timestamp("ms"), [i * 10**11 - 5 for i in range(11)]),
    "timestamp[us]": (pa.timestamp("us"), [i * 10**14 - 5 for i in range(11)]),
    "timestamp[ns]": (pa.timestamp("ns"), [i * 10**17 - 5 for i in range(11)]),
    "timestamp[ms, UTC]": (pa.timestamp("ms", tz="UTC"), [i * 10**11 - 5 for i in range(11)]),
    "timestamp[us, Europe/Berlin]": (pa.timestamp("us", tz="Europe/Berlin"), [i * 10**14 for i in range(11)]),
    "duration[s]": (pa.duration("s"), [i - 5 for i in range(11)]),
    "duration[ms]": (pa.duration("ms"), [i - 5 for i in range(11)]),
    "duration[us]": (pa.duration("us"), [i - 5 for i in range(11)]),
    "duration[ns]": (pa.duration("ns"), [i - 5 for i in range(11)]),
    "decimal128(7,2)": (pa.decimal128(7, 2), [D(i * 12345 - 50000).scaleb(-2) for i in range(11)]),
    "decimal128(18,4)": (pa.decimal128(18, 4), [D(i * 10**13 - 5).scaleb(-4) for i in range(11)]),
    "decimal128(38,9)": (pa.decimal128(38, 9), [D(i * 10**27 - 5).scaleb(-9) for i in range(11)]),
    "list<int64>": (pa.list_(pa.int64()), [[1], [], [2, 3], [None], [4, None, 5], [], [6], [7], [8, 9], [10], [11]]),
    "list<string>": (pa.list_(pa.string()), [["a"], [], ["b", ""], [None], ["c", None]] + [["d"]] * 6),
    "large_list<float32>": (pa.large_list(pa.float32()), [[1.5], [], [2, 3], [None], [4, None]] + [[5.5]] * 6),
    "list<list<int32>>": (
        pa.list_(pa.list_(pa.int32())),
        [[[1], []], [], [[2, 3]], [None], [[4, None], [5]], [[]], [[6]], [[7]], [[8, 9]], [], [[11]]],
    ),
    "struct": (
        pa.struct([("a", pa.int32()), ("b", pa.string())]),
        [{"a": i, "b": None if i % 3 == 0 else f"v{i}"} for i in range(10)] + [{"a": None, "b": None}],
    ),
    "struct<list>": (
        pa.struct([("l", pa.list_(pa.int16())), ("s", pa.struct([("x", pa.float64())]))]),
        [{"l": list(range(i % 4)), "s": {"x": i / 2} if i % 5 else None} for i in range(11)],
    ),
    "list<struct>": (
        pa.list_(pa.struct([("a", pa.int64()), ("b", pa.bool_())])),
        [[{"a": j, "b": j % 2 == 0} for j in range(i % 4)] for i in range(11)],
    ),
    "dictionary<string>": (pa.dictionary(pa.int32(), pa.string()), list("abcabcabcab")),
    "dictionary<int8, large_string>": (pa.dictionary(pa.int8(), pa.large_string()), list("abcabcabcab")),
}

LAYOUTS = ["no nulls", "some nulls", "all null", "empty", "sliced", "chunked"]


def column(type_name: str, layout: str) -> pa.ChunkedArray:
    """A column of the type in the layout."""
    type_, values = TYPES[type_name]

    def array(items):
        if pa.types.is_dictionary(type_):
            return pa.array(items, type=type_.value_type).dictionary_encode().cast(type_)
        return pa.array(items, type=type_)

    if layout == "no nulls":
        chunks = [array(values)]
    elif layout == "some nulls":
        chunks = [array([None if i % 3 == 1 else value for i, value in enumerate(values)])]
    elif layout == "all null":
        chunks = [array([None] * len(values))]
    elif layout == "empty":
        chunks = [array([])]
    elif layout == "sliced":
        chunks = [array([None if i % 4 == 1 else value for i, value in enumerate(values + values)]).slice(5, 11)]
    elif layout == "chunked":
        whole = array([None if i % 4 == 1 else value for i, value in enumerate(values)])
        chunks = [whole.slice(0, 3), whole.slice(3, 0), whole.slice(3, 5), array(values)]
    return pa.chunked_array(chunks, type=type_)


def table(type_name: str, layout: str) -> pa.Table:
    return pa.table({"x": column(type_name, layout)})


def every_type(layout: str, without=()) -> pa.Table:
    names = [name for name in TYPES if name not in without]
    return pa.table({name: column(name, layout) for name in names})


def compact(data: pa.Table) -> pa.Table:
    """The same table without slices and offsets: some peers refuse them."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data)
    return pa.ipc.open_stream(sink.getvalue()).read_all()


def to_martlet(data) -> "martlet.Table":
    return martlet.table(data)


def to_pyarrow(data) -> pa.Table:
    result = pa.table(data)
    result.validate(full=True)
    return result


def decoded(data: pa.Table) -> pa.Table:
    """Dictionaries as their values: files may choose other indices for equal values."""
    for i, field in enumerate(data.schema):
        if pa.types.is_dictionary(field.type):
            data = data.set_column(i, field.name, data.column(i).cast(field.type.value_type))
    return data


def assert_equal(got: pa.Table, expected: pa.Table) -> None:
    """Equal schemas and values; chunks and indices of dictionaries may differ."""
    assert got.schema.equals(expected.schema), f"{got.schema}\n\nexpected\n\n{expected.schema}"
    assert got.num_rows == expected.num_rows
    got, expected = decoded(got), decoded(expected)
    for name in expected.column_names:
        assert got[name].equals(expected[name]), f"{name}: {got[name]}\n\nexpected\n\n{expected[name]}"
