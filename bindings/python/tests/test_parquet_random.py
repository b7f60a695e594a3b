"""Random tables in random encodings, codecs, pages and nesting, written by pyarrow, polars, duckdb and arro3, and read by
Martlet in random ways as pyarrow reads them. MARTLET_ROUNDS says how many."""

import ctypes
import os
import random
import re
import struct

import arro3.core
import arro3.io
import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as papq
import pytest
from any_array import _make, random_type

import martlet as ma
import martlet.parquet as pq

ROUNDS = int(os.environ.get("MARTLET_ROUNDS", "60"))
FIRST = int(os.environ.get("MARTLET_FIRST_ROUND", "0"))

ENCODINGS = {
    "BOOLEAN": ["PLAIN", "RLE"],
    "INT32": ["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
    "INT64": ["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
    "INT96": ["PLAIN"],
    "FLOAT": ["PLAIN", "BYTE_STREAM_SPLIT"],
    "DOUBLE": ["PLAIN", "BYTE_STREAM_SPLIT"],
    "BYTE_ARRAY": ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"],
    "FIXED_LEN_BYTE_ARRAY": ["PLAIN", "BYTE_STREAM_SPLIT", "DELTA_BYTE_ARRAY"],
}


def parquet_type(rng, depth):
    """A random type without lists of length 0 and dictionaries of views, of which pyarrow's writer dies."""
    while True:
        type = random_type(rng, depth)
        text = str(type)
        if "[0]" not in text and "..." not in text and not ("dictionary" in text and "_view" in text):
            return type


def random_table(rng):
    rows = rng.choice((0, 1, 7, 60, 300))
    columns = {}
    for i in range(rng.randrange(1, 4)):
        nulls = rng.choice((0, 0.1, 0.5, 1))
        values = _make(rng, parquet_type(rng, rng.choice((1, 1, 2, 3, 4))), rows, nulls)
        columns[f"c{i}"] = values
    fields = [
        pa.field(name, array.type, nullable=array.null_count > 0 or array.type.id == 0 or rng.random() < 0.7)
        for name, array in columns.items()]
    return pa.table(list(columns.values()), pa.schema(fields))


def leaves(path):
    """The leaf columns of a file and their physical types."""
    schema = papq.ParquetFile(path).schema
    return [(schema.column(i).path, schema.column(i).physical_type) for i in range(len(schema))]


def write_pyarrow(rng, table, path):
    options = {
        "compression": rng.choice(("none", "snappy", "gzip", "brotli", "zstd", "lz4")),
        "use_dictionary": rng.random() < 0.5,
        "data_page_version": rng.choice(("1.0", "2.0")),
        "data_page_size": rng.choice((1, 50, 500, 1 << 20)),
        "write_batch_size": rng.choice((1, 5, 64, 1024)),
        "dictionary_pagesize_limit": rng.choice((1, 30, 1 << 20)),
        "row_group_size": rng.choice((5, 64, 1 << 20)),
        "store_schema": rng.random() < 0.7,
        "write_page_index": rng.random() < 0.5,
        "write_page_checksum": rng.random() < 0.5,
        "store_decimal_as_integer": rng.random() < 0.5,
        "use_deprecated_int96_timestamps": rng.random() < 0.2,
        "write_time_adjusted_to_utc": rng.random() < 0.2,
        "use_compliant_nested_type": rng.random() < 0.8,
        "version": rng.choice(("1.0", "2.4", "2.6")),
        "write_statistics": rng.random() < 0.8,
    }
    if rng.random() < 0.3:
        options["max_rows_per_page"] = rng.choice((1, 3, 20))
    if not options["use_dictionary"]:
        papq.write_table(table.slice(0, 0), path, **options)
        options["column_encoding"] = {name: rng.choice(ENCODINGS[kind]) for name, kind in leaves(path)}
    papq.write_table(table, path, **options)
    return options


def write_polars(rng, table, path):
    options = {
        "compression": rng.choice(("uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4")),
        "row_group_size": rng.choice((5, 64, None)), "data_page_size": rng.choice((50, 500, None)),
        "statistics": rng.random() < 0.7,
    }
    polars.from_arrow(table).write_parquet(path, **options)
    return options


def write_duckdb(rng, table, path):
    options = {
        "compression": rng.choice(("uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4_raw")),
        "row_group_size": rng.choice((2048, 122880)), "parquet_version": rng.choice(("v1", "v2")),
    }
    # What it takes from others without crashing.
    if any(word in str(table.schema) for word in ("union", "run_end", "view", "dictionary", "extension", "decimal256", "[0]")):
        raise ValueError("not for duckdb")
    with duckdb.connect() as connection:
        connection.register("t", table)
        connection.sql("SELECT * FROM t").write_parquet(
            str(path), compression=options["compression"], row_group_size=options["row_group_size"])
    return options


def write_arro3(rng, table, path):
    options = {
        "compression": rng.choice(("uncompressed", "snappy", "gzip(6)", "brotli(3)", "zstd(3)", "lz4_raw")),
        "writer_version": rng.choice(("parquet_1_0", "parquet_2_0")), "dictionary_enabled": rng.random() < 0.5,
        "max_row_group_size": rng.choice((5, 64, 100_000)), "data_page_size_limit": rng.choice((10, 500, 1 << 20)),
        "write_batch_size": rng.choice((1, 7, 1024)), "skip_arrow_metadata": rng.random() < 0.3,
    }
    if not options["dictionary_enabled"]:
        options["encoding"] = rng.choice(("plain", "delta_binary_packed", "delta_byte_array", "byte_stream_split"))
    arro3.io.write_parquet(arro3.core.Table.from_arrow(table), str(path), **options)
    return options


WRITERS = {"pyarrow": write_pyarrow, "polars": write_polars, "duckdb": write_duckdb, "arro3": write_arro3}


def read_options(rng, path, table):
    options = {"use_threads": rng.random() < 0.5}
    names = papq.read_schema(path).names
    if rng.random() < 0.3:
        options["columns"] = [name for name in names if rng.random() < 0.6]
    open_options = {"page_checksum_verification": True}
    # Together with dictionaries pyarrow gives now these, now those.
    has_dictionaries = "dictionary" in str(table.schema)
    if rng.random() < 0.3 and not has_dictionaries:
        open_options["binary_type"] = rng.choice(("binary", "large_binary", "binary_view"))
    if rng.random() < 0.3 and not has_dictionaries:
        open_options["list_type"] = rng.choice(("ListType", "LargeListType"))
    if rng.random() < 0.3:
        open_options["coerce_int96_timestamp_unit"] = rng.choice(("s", "ms", "us", "ns"))
    if rng.random() < 0.3 and "binary_type" not in open_options:
        # pyarrow reads what was stored as a large string or a view as that, asked for dictionaries or not.
        open_options["read_dictionary"] = [
            field.name for field in papq.read_schema(path) if field.type in (pa.string(), pa.binary())]
    if rng.random() < 0.2:
        open_options["arrow_extensions_enabled"] = False
    return open_options, options


def opened(library, path, options):
    package, module = (pa, papq) if library == "pyarrow" else (ma, pq)
    options = dict(options)
    if "binary_type" in options:
        options["binary_type"] = getattr(package, options["binary_type"])()
    if "list_type" in options:
        options["list_type"] = getattr(package, options["list_type"])
    return module.ParquetFile(path, **options)


def differences(got, expected):
    """Words for what differs in type or value, NaN being equal to NaN."""
    if not got.schema.equals(expected.schema):
        return f"{got.schema}\n!=\n{expected.schema}"
    for field, left, right in zip(expected.schema, got.columns, expected.columns):
        if not left.equals(right) and str(left.to_pylist()) != str(right.to_pylist()):
            return f"{field}:\n{left}\n!=\n{right}"
    return None


def plain(table):
    """Dictionaries as their values: readers may have them in another order."""
    return pa.table([
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column for column in table.columns
    ], table.column_names)


def text(type):
    """The type without the names that maps give to their entries."""
    return re.sub(r" \('.*?'\)", "", str(type))


def with_units(table, schema):
    """The table with the types of `schema` where they have its layout. Parquet has no seconds and no date64: arro3 stores
    bare integers beside the Arrow schema; pyarrow leaves them so, we give what they were."""
    address = ctypes.create_string_buffer(80)  # A struct ArrowArray.

    def retyped(chunk, type):
        chunk._export_to_c(ctypes.addressof(address))
        return pa.Array._import_from_c(ctypes.addressof(address), type)

    def bare(type):
        return re.sub(r"time32\[s\]", "int32", re.sub(r"timestamp\[s[^]]*\]|date64(\[ms\])?", "int64", text(type)))

    for i, (field, column) in enumerate(zip(schema, table.columns)):
        if field.type != column.type and bare(field.type) == text(column.type):
            chunks = [retyped(chunk, field.type) for chunk in column.chunks]
            table = table.set_column(i, field, pa.chunked_array(chunks, field.type))
    return table


def with_bytes(table, schema):
    """The table with the bytes of intervals where `schema` has bytes: pyarrow knows no more of them (DuckDB makes intervals of
    durations)."""
    def stored(value):
        if isinstance(value, pa.MonthDayNano):
            return struct.pack("<iiI", value.months, value.days, value.nanoseconds // 10**6)
        if isinstance(value, dict):
            return {name: stored(member) for name, member in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(map(stored, value))
        return value

    for i, (mine, theirs) in enumerate(zip(table.schema, schema)):
        if text(mine.type) != text(theirs.type) == text(mine.type).replace("month_day_nano_interval", "fixed_size_binary[12]"):
            values = pa.array(map(stored, table.column(i).to_pylist()), theirs.type)
            table = table.set_column(i, theirs, pa.chunked_array([values]))
    return table


def made(seed, path):
    """A random file: who wrote it, how. Nobody can write some types; then others are tried."""
    rng = random.Random(seed)
    writer = rng.choice(["pyarrow"] * 4 + list(WRITERS))
    while True:
        table = random_table(rng)
        try:
            options = WRITERS[writer](rng, table, path)
            papq.ParquetFile(path)
            return rng, writer, options, table
        except BaseException as problem:
            if isinstance(problem, KeyboardInterrupt):
                raise


@pytest.mark.parametrize("seed", range(FIRST, FIRST + ROUNDS))
def test_random_file(seed, tmp_path):
    path = tmp_path / "file.parquet"
    rng, writer, options, table = made(seed, path)
    open_options, how = read_options(rng, path, table)
    what = f"{writer} {options}\n{open_options} {how}\n{table.schema}"
    try:
        expected = opened("pyarrow", path, open_options).read(**how)
        expected.validate(full=True)
        expected.to_pylist()
    except (pa.ArrowException, OSError, ValueError, OverflowError, NotImplementedError):
        # What pyarrow cannot read, or reads as what cannot be, we may refuse, and read if we can.
        try:
            pa.table(opened("martlet", path, open_options).read(**how)).validate(full=True)
        except (ma.ArrowException, OSError):
            pass
        return
    read = pa.table(opened("martlet", path, open_options).read(**how))
    got = with_bytes(read, expected.schema)
    got.validate(full=True)
    if expected.num_rows != table.num_rows:
        # pyarrow sometimes loses the only row of a nested column.
        assert got.num_rows == table.num_rows == 1 and expected.num_rows == 0, what
        return
    if writer == "arro3":
        expected = with_units(expected, got.schema)
    same_types = got.schema.equals(expected.schema)
    assert same_types, f"{what}\n{got.schema}\n!=\n{expected.schema}"
    problem = differences(plain(got), plain(expected))
    assert problem is None, f"{what}\n{problem}"

    batches = list(opened("martlet", path, open_options).iter_batches(rng.choice((1, 3, 64, 1000)), **how))
    again = pa.Table.from_batches([pa.record_batch(batch) for batch in batches], read.schema)
    again = with_bytes(again, expected.schema)
    problem = differences(plain(again), plain(expected))
    assert problem is None, f"{what}\nin batches: {problem}"

    file = opened("martlet", path, open_options)
    groups = [i for i in range(file.num_row_groups) if rng.random() < 0.5]
    if groups:
        judge = opened("pyarrow", path, open_options).read_row_groups(groups, **how)
        judge = with_units(judge, expected.schema) if writer == "arro3" else judge
        some = with_bytes(pa.table(file.read_row_groups(groups, **how)), judge.schema)
        problem = differences(plain(some), plain(judge))
        assert problem is None, f"{what}\nrow groups {groups}: {problem}"


@pytest.mark.parametrize("seed", range(FIRST, FIRST + ROUNDS))
def test_random_file_of_ours(seed, tmp_path):
    """What Martlet writes of a random table in random ways, pyarrow reads as what it writes of it."""
    rng = random.Random(seed)
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    options = {
        "store_schema": rng.random() < 0.8, "store_decimal_as_integer": rng.random() < 0.5,
        "use_deprecated_int96_timestamps": rng.random() < 0.2, "version": rng.choice(("1.0", "2.4", "2.6")),
        "data_page_version": rng.choice(("1.0", "2.0")),
    }
    while True:
        table = random_table(rng)
        try:
            papq.write_table(table, theirs, **options)
            expected = papq.read_table(theirs)
            expected.validate(full=True)
            expected.to_pylist()
            break
        except (pa.ArrowException, OSError, ValueError, OverflowError):
            continue
    more = {
        "compression": rng.choice(("none", "snappy", "gzip", "brotli", "zstd", "lz4")), "use_dictionary": rng.random() < 0.5,
        "data_page_size": rng.choice((1, 50, 500, 1 << 20)), "dictionary_pagesize_limit": rng.choice((1, 30, 1 << 20)),
        "row_group_size": rng.choice((5, 64, 1 << 20)), "max_rows_per_page": rng.choice((1, 3, 20, 1000)),
        "write_page_index": rng.random() < 0.8,
    }
    # pyarrow cannot read delta strings as dictionaries.
    if not more["use_dictionary"] and rng.random() < 0.5 and "dictionary" not in str(table.schema):
        more["column_encoding"] = {name: rng.choice(ENCODINGS[kind]) for name, kind in leaves(theirs)}
    what = f"{options} {more}\n{table.schema}"
    pq.write_table(ma.table(table), ours, **options, **more)
    for got in papq.read_table(ours, page_checksum_verification=True), pa.table(pq.read_table(ours)):
        got.validate(full=True)
        assert got.schema.equals(expected.schema), f"{what}\n{got.schema}\n!=\n{expected.schema}"
        problem = differences(plain(got), plain(expected))
        assert problem is None, f"{what}\n{problem}"
