"""Every type, in every layout, through every door, judged by pyarrow and by the peers that have the type; and random
schemas in which all types are mixed. MARTLET_ROUNDS says how many of those (200)."""

import io
import os
import pickle
import random
import zlib

import pyarrow as pa
import pyarrow.ipc
import pytest

import any_array
import martlet as ma
import martlet.ipc

ROUNDS = int(os.environ.get("MARTLET_ROUNDS", "200"))
CASES = [(name, layout) for name in any_array.TYPES for layout in any_array.LAYOUTS]


def column(name, layout):
    rng = random.Random(zlib.crc32(f"{name}, {layout}".encode()))
    return any_array.column(rng, any_array.TYPES[name], layout)


def same(got, expected):
    """Equal types, values and validity; pyarrow checks what came out of Martlet."""
    if len(got):  # pyarrow finds its own empty slices of views too short
        got.validate(full=True)
    assert got.type.equals(expected.type, check_metadata=True), f"{got.type}, expected {expected.type}"
    assert got.equals(expected), f"{got}\n\nexpected\n\n{expected}"


def same_table(got, expected, number=None):
    if got.num_rows:
        got.validate(full=True)
    assert got.schema.equals(expected.schema, check_metadata=True), (
        f"{number} {got.schema}\n\nexpected\n\n{expected.schema}")
    assert got.num_rows == expected.num_rows
    for name, a, b in zip(got.column_names, got.columns, expected.columns):
        if not a.equals(b):
            assert a.to_pylist() == b.to_pylist(), (number, name)


def stream_of(data):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data)
    return sink.getvalue()


def file_of(data):
    sink = pa.BufferOutputStream()
    # One file holds one dictionary a column.
    with pa.ipc.new_file(sink, data.schema, options=pa.ipc.IpcWriteOptions(unify_dictionaries=True)) as writer:
        writer.write_table(data)
    return sink.getvalue()


def through_file(table):
    """Whether pyarrow can write the table to one file: its chunks may need one dictionary."""
    try:
        return file_of(table)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


# ---- one type --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", any_array.TYPES)
def test_type(name):
    theirs = any_array.TYPES[name]
    mine = ma.field(pa.field("x", theirs)).type
    assert str(mine) == str(theirs)
    assert repr(mine).replace("martlet", "pyarrow") == repr(theirs)
    assert (mine.id, mine.num_fields, mine.num_buffers) == (theirs.id, theirs.num_fields, theirs.num_buffers)
    assert mine.has_variadic_buffers == theirs.has_variadic_buffers
    assert type(mine).__name__ == type(theirs).__name__
    again = pickle.loads(pickle.dumps(mine))
    assert again == mine and hash(again) == hash(mine) and mine != ma.int8() or name == "int8"
    assert pa.field(ma.field("x", mine)).type.equals(theirs, check_metadata=True)
    for question in dir(pa.types):
        if question.startswith("is_") and not question.endswith("_value"):
            assert getattr(ma.types, question)(mine) == getattr(pa.types, question)(theirs), question
    nulls = ma.nulls(5, mine)
    nulls.validate(full=True)
    same(pa.array(nulls), pa.nulls(5, theirs) if name != "sparse_union" else pa.array(nulls))


@pytest.mark.parametrize("name, layout", CASES)
def test_c_data(name, layout):
    for chunk in column(name, layout).chunks:
        mine = ma.array(chunk)
        mine.validate(full=True)
        assert (len(mine), mine.null_count, type(mine).__name__) == (len(chunk), chunk.null_count, type(chunk).__name__)
        same(pa.array(mine), chunk)
        same(pa.array(mine[1:]), chunk[1:])
        assert mine == ma.array(chunk)
        same(pa.Array._import_from_c_device_capsule(*mine.__arrow_c_device_array__()), chunk)
        batch = pa.record_batch([chunk], ["x"])
        assert pa.record_batch(ma.record_batch(batch)).equals(batch)


@pytest.mark.parametrize("name, layout", CASES)
def test_c_stream(name, layout):
    theirs = column(name, layout)
    mine = ma.chunked_array(theirs)
    same(pa.chunked_array(mine), theirs)
    table = pa.table({"x": theirs})
    same_table(pa.table(ma.table(table)), table)


@pytest.mark.parametrize("name, layout", CASES)
def test_python_objects(name, layout):
    theirs = column(name, layout)
    mine = ma.chunked_array(theirs)
    expected = theirs.to_pylist()
    got = mine.to_pylist()
    assert got == expected and [type(x).__name__ for x in got] == [type(x).__name__ for x in expected]
    assert [x.as_py() for x in mine] == expected
    for a, b in zip(mine, theirs):
        assert type(a).__name__ == type(b).__name__ and a.is_valid == b.is_valid
    try:
        again = pa.array(expected, theirs.type)
    except (pa.ArrowException, TypeError, NotImplementedError):
        # Martlet takes more: what it takes is what it gave.
        try:
            made = ma.array(expected, mine.type)
        except (ma.ArrowException, TypeError, NotImplementedError):
            return
        made.validate(full=True)
        assert made.to_pylist() == expected
        return
    made = ma.array(expected, mine.type)
    if pa.types.is_dictionary(theirs.type):
        made.validate(full=True)
        assert made.to_pylist() == expected
        return
    same(pa.array(made), again)


@pytest.mark.parametrize("name, layout", CASES)
def test_pickle(name, layout):
    for chunk in column(name, layout).chunks:
        mine = ma.array(chunk)
        again = pickle.loads(pickle.dumps(mine))
        again.validate(full=True)
        assert again == mine and again.type == mine.type
        same(pa.array(again), chunk)


@pytest.mark.parametrize("name, layout", CASES)
def test_ipc_stream(name, layout):
    table = pa.table({"x": column(name, layout)})
    same_table(pa.table(martlet.ipc.open_stream(stream_of(table)).read_all()), table)
    sink = ma.BufferOutputStream()
    with martlet.ipc.new_stream(sink, ma.schema(table.schema)) as writer:
        writer.write_table(ma.table(table))
    same_table(pa.ipc.open_stream(sink.getvalue().to_pybytes()).read_all(), table)


@pytest.mark.parametrize("name, layout", CASES)
def test_ipc_file(name, layout):
    table = pa.table({"x": column(name, layout)})
    theirs = through_file(table)
    if theirs is None:
        table = table.slice(0, len(table["x"].chunk(0)))
        theirs = file_of(table)
    same_table(pa.table(martlet.ipc.open_file(theirs).read_all()), table)
    sink = ma.BufferOutputStream()
    one_dictionary = martlet.ipc.IpcWriteOptions(unify_dictionaries=True)
    with martlet.ipc.new_file(sink, ma.schema(table.schema), options=one_dictionary) as writer:
        writer.write_table(ma.table(table))
    same_table(pa.ipc.open_file(sink.getvalue().to_pybytes()).read_all(), table)


class OnDevice:
    """Shows nothing but the device protocol."""

    def __init__(self, data):
        for name in ("__arrow_c_device_array__", "__arrow_c_device_stream__"):
            if hasattr(data, name):
                setattr(OnDevice, name, staticmethod(getattr(data, name)))
            elif hasattr(OnDevice, name):
                delattr(OnDevice, name)


@pytest.mark.parametrize("name", any_array.TYPES)
def test_device_protocol(name):
    theirs = column(name, "chunked")
    chunk, table = theirs.chunk(2), pa.table({"x": theirs})
    same(pa.array(ma.array(OnDevice(chunk))), chunk)
    same(pa.array(OnDevice(ma.array(chunk))), chunk)
    same_table(pa.table(ma.table(OnDevice(pa.RecordBatchReader.from_stream(table)))) if hasattr(
        pa.RecordBatchReader, "__arrow_c_device_stream__") else table, table)
    capsule = ma.table(table).__arrow_c_device_stream__()
    assert "arrow_device_array_stream" in repr(capsule)
    mine = ma.chunked_array(theirs)
    same(pa.chunked_array(ma.chunked_array(OnDevice(mine))), theirs)
    same_table(pa.table(ma.table(OnDevice(ma.table(table)))), table)


def test_device_keywords():
    data = ma.table({"x": [1]})
    assert data.__arrow_c_device_stream__(None, stream=None) is not None
    for call in (data.__arrow_c_device_stream__, data.to_batches()[0].__arrow_c_device_array__, ma.array([1]).__arrow_c_device_array__):
        with pytest.raises(NotImplementedError, match="Received unsupported keyword argument"):
            call(stream=1)


@pytest.mark.parametrize("given, wanted", [
    ("int32", "int64"), ("string", "large_string"), ("string_view", "string"), ("timestamp('s')", "timestamp('ms')"),
    ("list_(pa.int8())", "list_(pa.int32())"), ("list_view(pa.int8())", "list_(pa.int8())"),
    ("dictionary(pa.int8(), pa.string())", "string"), ("decimal128(5, 1)", "decimal128(9, 2)")])
def test_requested_schema(given, wanted):
    """Who asks for another type gets it, where it can be cast."""
    given, wanted = (eval(f"pa.{kind}" if "(" in kind else f"pa.{kind}()") for kind in (given, wanted))
    mine = ma.array(pa.nulls(3, given))
    assert pa.array(mine, wanted).type == wanted
    capsules = mine.__arrow_c_array__(wanted.__arrow_c_schema__())
    assert pa.Array._import_from_c_capsule(*capsules).type == wanted
    schema = pa.schema([("x", wanted)], {"k": "v"})
    for data in (ma.table({"x": mine}), ma.record_batch({"x": mine})):
        assert pa.RecordBatchReader.from_stream(data, schema).schema == schema
    batch = ma.record_batch({"x": mine})
    assert pa.RecordBatch._import_from_c_capsule(*batch.__arrow_c_array__(schema.__arrow_c_schema__())).schema == schema
    assert ma.array(mine, ma.field(pa.field("x", wanted)).type).type == ma.field(pa.field("x", wanted)).type


# ---- peers -----------------------------------------------------------------------------------------------------------


# What polars does not take; of some of these its process ends.
NOT_IN_POLARS = (
    "month_day_nano_interval", "timestamp[s, +05:30]", "decimal32(9, 3)", "decimal64(18, 5)", "decimal256(76, 20)",
    "decimal128(5, -2)", "list_view",
    "large_list_view", "fixed_size_list of nothing", "dense_union", "sparse_union", "run_end_encoded",
    "run_end_encoded[int16]", "run_end_encoded[int64]", "list of unions")


@pytest.mark.parametrize("name", [name for name in any_array.TYPES if name not in NOT_IN_POLARS])
def test_polars(name):
    polars = pytest.importorskip("polars")
    table = pa.table({"x": column(name, "some nulls")})
    frame = polars.DataFrame(table)
    expected = pa.table(frame)
    same_table(pa.table(ma.table(frame)), expected)
    same_table(pa.table(polars.DataFrame(ma.table(table))), expected)


@pytest.mark.parametrize("name", any_array.TYPES)
def test_duckdb(name):
    duckdb = pytest.importorskip("duckdb")
    table = pa.table({"x": column(name, "some nulls")})
    connection = duckdb.connect()
    try:
        connection.register("given", table)
        expected = connection.sql("from given").to_arrow_table()
    except Exception as problem:
        pytest.skip(f"duckdb does not take it: {problem}")
    mine = ma.table(table)
    connection.register("mine", mine)
    result = connection.sql("from mine")
    same_table(pa.table(ma.table(result)), expected)


@pytest.mark.parametrize("name", any_array.TYPES)
def test_arro3(name):
    arro3 = pytest.importorskip("arro3.core")
    chunk = column(name, "some nulls").chunk(0)
    try:
        theirs = arro3.Array.from_arrow(chunk)
        expected = pa.array(theirs)
    except BaseException as problem:
        pytest.skip(f"arro3 does not take it: {problem}")
    same(pa.array(ma.array(theirs)), expected)
    same(pa.array(arro3.Array.from_arrow(ma.array(chunk))), expected)


# nanoarrow's own process ends of these, whoever made the arrays.
NOT_IN_NANOARROW = ("string_view", "binary_view", "large_list_view")


@pytest.mark.parametrize("name, layout", [case for case in CASES if case[0] not in NOT_IN_NANOARROW])
def test_nanoarrow(name, layout):
    nanoarrow = pytest.importorskip("nanoarrow")
    for chunk in column(name, layout).chunks:
        same(pa.array(ma.array(nanoarrow.c_array(chunk))), chunk)
        same(pa.array(nanoarrow.c_array(ma.array(chunk))), chunk)


@pytest.mark.parametrize("name, layout", CASES)
def test_nanoarrow_reads_streams(name, layout):
    nanoarrow = pytest.importorskip("nanoarrow.ipc")

    def read(data):
        with nanoarrow.InputStream.from_readable(io.BytesIO(data)) as stream:
            return pa.RecordBatchReader.from_stream(stream).read_all()

    table = pa.table({"x": column(name, layout)})
    try:
        expected = read(stream_of(table))
    except Exception as problem:
        pytest.skip(f"nanoarrow does not read it: {problem}")
    sink = ma.BufferOutputStream()
    with ma.ipc.new_stream(sink, ma.table(table).schema) as writer:
        writer.write_table(ma.table(table))
    same_table(read(sink.getvalue()), expected)


@pytest.mark.parametrize("name, layout", CASES)
def test_nanoarrow_writes_streams(name, layout):
    nanoarrow = pytest.importorskip("nanoarrow.ipc")
    written = io.BytesIO()
    try:
        with nanoarrow.StreamWriter.from_writable(written) as writer:
            writer.write_stream(pa.table({"x": column(name, layout)}))
        expected = pa.ipc.open_stream(written.getvalue()).read_all()
    except Exception as problem:
        pytest.skip(f"nanoarrow does not write it: {problem}")
    same_table(pa.table(ma.ipc.open_stream(written.getvalue()).read_all()), expected)


# ---- all types mixed -------------------------------------------------------------------------------------------------


def random_batches(block):
    """Record batches of random schemas, nested at most six levels deep; a tenth of the rounds."""
    for number in range(block, ROUNDS, 10):
        rng = random.Random(number)
        fields = [
            pa.field(f"c{i}", any_array.random_type(rng, rng.randrange(1, 7)), metadata=rng.choice((None, {"a": "b"})))
            for i in range(rng.randrange(1, 5))
        ]
        schema = pa.schema(fields, rng.choice((None, {"round": str(number)})))
        rows = rng.randrange(0, 30)
        batch = pa.record_batch([any_array.make(rng, f.type, rows) for f in fields], schema=schema)
        batch.validate(full=True)
        yield number, batch


@pytest.mark.parametrize("block", range(10))
def test_random_schemas_through_c_data(block):
    for number, batch in random_batches(block):
        mine = ma.record_batch(batch)
        mine.validate(full=True)
        table = pa.Table.from_batches([batch])
        same_table(pa.Table.from_batches([pa.record_batch(mine)]), table, number)
        same_table(pa.table(ma.table(table)), table, number)
        again = pickle.loads(pickle.dumps(mine))
        again.validate(full=True)
        same_table(pa.Table.from_batches([pa.record_batch(again)]), table, number)
        for field, a, b in zip(batch.schema, mine.columns, batch.columns):
            text = str(field.type)
            # pyarrow's process ends over runs of values that have dictionaries or extension types in them.
            if "run_end_encoded<" in text and ("dictionary<" in text or "extension<" in text):
                a.to_pylist()
            else:
                assert a.to_pylist() == b.to_pylist(), (number, field)


@pytest.mark.parametrize("block", range(10))
def test_random_schemas_through_ipc(block):
    for number, batch in random_batches(block):
        # Dictionaries of extension types are extension types of dictionaries when pyarrow reads what it wrote.
        if any("<values=extension" in str(field.type) for field in batch.schema):
            continue
        mine, table = ma.record_batch(batch), pa.Table.from_batches([batch])
        same_table(pa.table(martlet.ipc.open_stream(stream_of(table)).read_all()), table, number)
        theirs = through_file(table)
        if theirs is not None:
            same_table(pa.table(martlet.ipc.open_file(theirs).read_all()), table, number)
        for new, reopen in ((martlet.ipc.new_stream, pa.ipc.open_stream), (martlet.ipc.new_file, pa.ipc.open_file)):
            sink = ma.BufferOutputStream()
            with new(sink, mine.schema) as writer:
                writer.write_batch(mine)
            same_table(reopen(sink.getvalue().to_pybytes()).read_all(), table, number)
