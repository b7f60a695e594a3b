"""Shredded variants put together again, against the files of apache/parquet-testing that say what comes out."""

import decimal
import json
import os
import struct
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as papq
import pytest
from parquet_maker import *

import martlet as ma
import martlet.parquet as pq

DATA = os.environ.get("PARQUET_TEST_DATA")
FOLDER = Path(DATA).parent / "shredded_variant" if DATA and os.path.isdir(DATA) else None
CASES = [case for case in json.loads((FOLDER / "cases.json").read_text()) if "parquet_file" in case] if FOLDER else []


# ---- what a variant says (VariantEncoding.md) ------------------------------------------------------------------------


def number(data, place, width, signed=False):
    assert place + width <= len(data)
    return int.from_bytes(data[place : place + width], "little", signed=signed)


def names_of(metadata):
    """The names, and where the metadata ends."""
    assert metadata[0] & 15 == 1
    width = (metadata[0] >> 6) + 1
    count = number(metadata, 1, width)
    offsets = [number(metadata, 1 + width * (i + 1), width) for i in range(count + 1)]
    base = 1 + width * (count + 2)
    names = [metadata[base + a : base + b].decode() for a, b in zip(offsets, offsets[1:])]
    return names, base + offsets[-1]


def decimal_of(data, place, width):
    return decimal.Decimal(number(data, place + 1, width, True)).scaleb(-data[place], decimal.Context(prec=50))


PRIMITIVES = {
    0: lambda d, p: None, 1: lambda d, p: True, 2: lambda d, p: False,
    3: lambda d, p: number(d, p, 1, True), 4: lambda d, p: number(d, p, 2, True), 5: lambda d, p: number(d, p, 4, True),
    6: lambda d, p: number(d, p, 8, True), 7: lambda d, p: struct.unpack_from("<d", d, p)[0],
    8: lambda d, p: decimal_of(d, p, 4), 9: lambda d, p: decimal_of(d, p, 8), 10: lambda d, p: decimal_of(d, p, 16),
    11: lambda d, p: number(d, p, 4, True), 12: lambda d, p: number(d, p, 8, True), 13: lambda d, p: number(d, p, 8, True),
    14: lambda d, p: struct.unpack_from("<f", d, p)[0], 15: lambda d, p: d[p + 4 : p + 4 + number(d, p, 4)],
    16: lambda d, p: d[p + 4 : p + 4 + number(d, p, 4)].decode(), 17: lambda d, p: number(d, p, 8, True),
    18: lambda d, p: number(d, p, 8, True), 19: lambda d, p: number(d, p, 8, True), 20: lambda d, p: uuid.UUID(bytes=d[p : p + 16]),
}


def decoded(names, data, place=0):
    """A value with its type: (type, value); objects as dictionaries, arrays as lists. Order is checked."""
    head = data[place]
    kind, more = head & 3, head >> 2
    if kind == 0:
        return more, PRIMITIVES[more](data, place + 1)
    if kind == 1:
        return 16, data[place + 1 : place + 1 + more].decode()
    large = more >> (4 if kind == 2 else 2) & 1
    count = number(data, place + 1, 4 if large else 1)
    place += 5 if large else 2
    width = (more & 3) + 1
    ids = []
    if kind == 2:
        id_width = (more >> 2 & 3) + 1
        ids = [number(data, place + i * id_width, id_width) for i in range(count)]
        place += count * id_width
    offsets = [number(data, place + i * width, width) for i in range(count + 1)]
    place += (count + 1) * width
    values = [decoded(names, data, place + offset) for offset in offsets[:-1]]
    if kind == 3:
        return "array", values
    keys = [names[i] for i in ids]
    assert keys == sorted(set(keys), key=str.encode)
    return "object", dict(zip(keys, values))


def same_value(left, right):
    return repr(left) == repr(right)


# ---- the cases -------------------------------------------------------------------------------------------------------


def rows(path, **options):
    """The variants of a file: (metadata, value), None for null."""
    table = pq.read_table(path, columns=["var"], unshred_variants=True, **options)
    type = table.schema.field("var").type
    assert type.extension_name == "arrow.parquet.variant"
    plain = pa.table(table)
    plain.validate(full=True)
    assert [(field.name, str(field.type)) for field in plain.schema.field("var").type] == [
        ("metadata", "binary"), ("value", "binary")]
    return [row and (row["metadata"], row["value"]) for row in plain["var"].to_pylist()]


@pytest.mark.parametrize("case", [c for c in CASES if "error_message" not in c], ids=lambda case: case["parquet_file"])
def test_case(case):
    path = FOLDER / case["parquet_file"]
    expected = case.get("variant_files") or [case["variant_file"]]
    found = rows(path)
    assert len(found) == len(expected)
    for got, name in zip(found, expected):
        if name is None:
            assert got is None
            continue
        data = (FOLDER / name).read_bytes()
        names, end = names_of(data)
        assert got[0] == data[:end]
        assert same_value(decoded(names, got[1]), decoded(names, data[end:]))
    batches = pq.ParquetFile(path, unshred_variants=True).iter_batches(1)
    assert [row and row["value"] for b in batches for row in pa.record_batch(b)["var"].to_pylist()] == [
        row and row[1] for row in found]


@pytest.mark.parametrize("case", [c for c in CASES if "error_message" in c], ids=lambda case: case["parquet_file"])
def test_case_that_contradicts_itself(case):
    with pytest.raises(ma.ArrowException) as problem:
        rows(FOLDER / case["parquet_file"])
    assert case["error_message"].split(":")[0] in str(problem.value)


@pytest.mark.skipif(not FOLDER, reason="PARQUET_TEST_DATA names no directory")
def test_without_the_option_and_with_parts():
    """Shredded columns stay as they are unless asked; a part of a variant is not put together; what was put together is
    written as a variant that others read."""
    path = FOLDER / "case-001.parquet"
    assert "typed_value" in str(pa.table(pq.read_table(path)).schema.field("var").type)
    part = pa.table(pq.read_table(path, columns=["var.typed_value"], unshred_variants=True))
    assert str(part.schema.field("var").type).startswith("struct<typed_value: list")
    whole = pq.read_table(path, unshred_variants=True, arrow_extensions_enabled=False)
    assert pa.table(whole).schema.field("var").metadata == {b"PARQUET:field_id": b"2"}
    sink = ma.BufferOutputStream()
    pq.write_table(pq.read_table(path, unshred_variants=True), sink)
    again = sink.getvalue().to_pybytes()
    assert "(Variant(1))" in str(papq.ParquetFile(pa.BufferReader(again)).schema)
    assert papq.read_table(pa.BufferReader(again))["var"].to_pylist() == pa.table(whole)["var"].to_pylist()


# ---- of our own ------------------------------------------------------------------------------------------------------


def shredded(typed, columns, count, metadata=b"\x01\x02\x00\x01\x02ab"):
    """A file of a required variant; `typed` is the element typed_value, `columns` as in `nested` files below it."""
    element = group(
        "var", leaf("metadata", BYTE_ARRAY), leaf("value", BYTE_ARRAY, OPTIONAL), typed, logical=VARIANT_TYPE)
    chunks = [chunk("var.metadata", BYTE_ARRAY, [data_page(count, plain([metadata] * count, BYTE_ARRAY))], count)]
    for path, (type, values, definitions, maximum) in columns.items():
        pages = [data_page(len(definitions), plain(values, type), definitions=definitions, maxima=(maximum, 0))]
        chunks.append(chunk("var." + path, type, pages, len(definitions)))
    return file([element], chunks, count)


@pytest.mark.parametrize("name, element, value, type, expected", [
    ("bool", leaf("typed_value", BOOLEAN, OPTIONAL), True, BOOLEAN, (1, True)),
    ("int8", leaf("typed_value", INT32, OPTIONAL, logical=integer_type(8, True)), -5, INT32, (3, -5)),
    ("int64", leaf("typed_value", INT64, OPTIONAL), -(2**60), INT64, (6, -(2**60))),
    ("float", leaf("typed_value", FLOAT, OPTIONAL), 1.5, FLOAT, (14, 1.5)),
    ("decimal4", leaf("typed_value", INT32, OPTIONAL, logical=decimal_type(9, 2)), -150, INT32, (8, decimal.Decimal("-1.50"))),
    ("time", leaf("typed_value", INT64, OPTIONAL, logical=time_type("us", False)), 7, INT64, (17, 7)),
    ("ns", leaf("typed_value", INT64, OPTIONAL, logical=timestamp_type("ns", True)), 7, INT64, (18, 7)),
    ("uuid", leaf("typed_value", FIXED, OPTIONAL, 16, logical=UUID_TYPE), uuid.UUID(int=9).bytes, FIXED, (20, uuid.UUID(int=9))),
    ("short", leaf("typed_value", BYTE_ARRAY, OPTIONAL, converted=UTF8), b"x" * 63, BYTE_ARRAY, (16, "x" * 63)),
    ("long", leaf("typed_value", BYTE_ARRAY, OPTIONAL, converted=UTF8), b"x" * 64, BYTE_ARRAY, (16, "x" * 64)),
    ("bytes", leaf("typed_value", BYTE_ARRAY, OPTIONAL), b"", BYTE_ARRAY, (15, b"")),
])
def test_primitive(name, element, value, type, expected):
    """There, in the other column, and missing, which is the variant's null."""
    data = shredded(
        element, {"value": (BYTE_ARRAY, [b"\x04"], [0, 1, 0], 1), "typed_value": (type, [value], [1, 0, 0], 1)}, 3)
    found = pa.table(pq.ParquetFile(data, unshred_variants=True).read())["var"].to_pylist()
    assert [decoded(["a", "b"], row["value"]) for row in found] == [expected, (1, True), (0, None)]


@pytest.mark.parametrize("name, value", [
    ("no bytes", b""), ("no object", b"\x0c\x01"), ("ends in its head", b"\x02"), ("too many fields", b"\x02\xff"),
    ("a name that is not there", b"\x02\x01\x09\x00\x01\x00"), ("a field that ends behind", b"\x02\x01\x01\x00\x09\x00"),
    ("a field without end", b"\x02\x01\x01\x05\x01\x00"),
])
def test_damaged_objects(name, value):
    """What lies beside a shredded object and is none."""
    typed = group("typed_value", group("a", leaf("typed_value", INT32, OPTIONAL)), repetition=OPTIONAL)
    columns = {"value": (BYTE_ARRAY, [value], [1], 1), "typed_value.a.typed_value": (INT32, [1], [2], 2)}
    with pytest.raises((ma.ArrowException, OSError)):
        pq.ParquetFile(shredded(typed, columns, 1), unshred_variants=True).read()


@pytest.mark.parametrize("metadata", [b"", b"\x02\x00\x00", b"\x01\xff\x00", b"\x01\x01\x00\x05a", b"\x01\x01\x01\x00a", b"\xc1\xff\xff\xff\xff"])
def test_damaged_metadata(metadata):
    typed = group("typed_value", group("a", leaf("typed_value", INT32, OPTIONAL)), repetition=OPTIONAL)
    columns = {"value": (BYTE_ARRAY, [], [0], 1), "typed_value.a.typed_value": (INT32, [1], [2], 2)}
    with pytest.raises((ma.ArrowException, OSError)):
        pq.ParquetFile(shredded(typed, columns, 1, metadata), unshred_variants=True).read()


def test_objects_with_very_many_fields():
    """More than 255 fields, names of two bytes, in an order that is not theirs."""
    names = sorted((f"n{i}" for i in range(300)), reverse=True)
    offsets, text = [0], ""
    for one in names:
        text += one
        offsets.append(len(text))
    metadata = b"\x41" + struct.pack("<H", 300) + b"".join(struct.pack("<H", o) for o in offsets) + text.encode()
    typed = group("typed_value", *[group(n, leaf("typed_value", INT32, OPTIONAL)) for n in names], repetition=OPTIONAL)
    columns = {"value": (BYTE_ARRAY, [], [0], 1)}
    columns |= {f"typed_value.{n}.typed_value": (INT32, [i], [2], 2) for i, n in enumerate(names)}
    (row,) = pa.table(pq.ParquetFile(shredded(typed, columns, 1, metadata), unshred_variants=True).read())["var"].to_pylist()
    kind, fields = decoded(names, row["value"])
    assert kind == "object" and fields == {n: (5, i) for i, n in enumerate(names)}
