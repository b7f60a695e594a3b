"""Parquet files made byte by byte: schemas, encodings and pages that no writer at hand makes."""

import struct
import zlib

BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED = range(8)
REQUIRED, OPTIONAL, REPEATED = range(3)
PLAIN, PLAIN_DICTIONARY, RLE, BIT_PACKED = 0, 2, 3, 4
DELTA_BINARY_PACKED, DELTA_LENGTH, DELTA_BYTES, RLE_DICTIONARY, SPLIT, ALP = 5, 6, 7, 8, 9, 10
UNCOMPRESSED, SNAPPY, GZIP, LZO, BROTLI, LZ4, ZSTD, LZ4_RAW = range(8)

# Converted types.
UTF8, MAP, MAP_KEY_VALUE, LIST, ENUM, DECIMAL, DATE, TIME_MILLIS, TIME_MICROS, TIMESTAMP_MILLIS, TIMESTAMP_MICROS = range(11)
UINT_8, UINT_16, UINT_32, UINT_64, INT_8, INT_16, INT_32, INT_64, JSON, BSON, INTERVAL = range(11, 22)


# ---- Thrift's compact protocol: int is i32, the classes are the others ----------------------------------------------


class I8(int):
    pass


class I64(int):
    pass


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return varint((value << 1) ^ (value >> 127))


def _kind(value):
    if isinstance(value, bool):
        return 1 if value else 2
    for kind, types in ((3, I8), (6, I64), (5, int), (8, (bytes, str)), (9, list), (12, dict)):
        if isinstance(value, types):
            return kind
    raise TypeError(value)


def _value(value):
    if isinstance(value, bool):
        return b""
    if isinstance(value, I8):
        return struct.pack("b", value)
    if isinstance(value, int):
        return zigzag(value)
    if isinstance(value, (bytes, str)):
        data = value.encode() if isinstance(value, str) else value
        return varint(len(data)) + data
    if isinstance(value, list):
        kind = _kind(value[0]) if value else 5
        head = bytes([len(value) << 4 | kind]) if len(value) < 15 else bytes([0xF0 | kind]) + varint(len(value))
        return head + b"".join(map(_value, value))
    return thrift(value)


def thrift(fields):
    """A struct: {field id: value}; fields that are None are left out."""
    out, last = b"", 0
    for number, value in sorted(fields.items()):
        if value is None:
            continue
        step = number - last
        out += bytes([step << 4 | _kind(value)]) if step < 16 else bytes([_kind(value)]) + zigzag(number)
        out += _value(value)
        last = number
    return out + b"\0"


# ---- schema ----------------------------------------------------------------------------------------------------------


def leaf(name, type, repetition=REQUIRED, length=None, converted=None, logical=None, precision=None, scale=None):
    return [{
        1: type, 2: length, 3: repetition, 4: name, 6: converted, 7: scale, 8: precision, 10: logical}]


def group(name, *children, repetition=REQUIRED, converted=None, logical=None):
    elements = [element for child in children for element in child]
    return [{3: repetition, 4: name, 5: len(children), 6: converted, 10: logical}] + elements


STRING, MAP_TYPE, LIST_TYPE, ENUM_TYPE, DATE_TYPE = {1: {}}, {2: {}}, {3: {}}, {4: {}}, {6: {}}
NULL_TYPE, JSON_TYPE, BSON_TYPE, UUID_TYPE, FLOAT16_TYPE = {11: {}}, {12: {}}, {13: {}}, {14: {}}, {15: {}}
VARIANT_TYPE, GEOMETRY, GEOGRAPHY, FILE_TYPE = {16: {1: I8(1)}}, {17: {}}, {18: {}}, {19: {}}
UNITS = {"ms": {1: {}}, "us": {2: {}}, "ns": {3: {}}}


def decimal_type(precision, scale):
    return {5: {1: scale, 2: precision}}


def time_type(unit, utc):
    return {7: {1: utc, 2: UNITS[unit]}}


def timestamp_type(unit, utc):
    return {8: {1: utc, 2: UNITS[unit]}}


def integer_type(width, signed):
    return {10: {1: I8(width), 2: signed}}


# ---- encodings -------------------------------------------------------------------------------------------------------


def plain(values, type):
    if type == BOOLEAN:
        return sum(bool(v) << i for i, v in enumerate(values)).to_bytes((len(values) + 7) // 8, "little")
    if type == BYTE_ARRAY:
        return b"".join(struct.pack("<I", len(v)) + v for v in values)
    if type in (FIXED, INT96):
        return b"".join(values)
    return b"".join(struct.pack({INT32: "<i", INT64: "<q", FLOAT: "<f", DOUBLE: "<d"}[type], v) for v in values)


def packed(values, width):
    """Bits from the lowest up, a whole number of bytes."""
    number = sum(v << i * width for i, v in enumerate(values))
    return number.to_bytes((len(values) * width + 7) // 8, "little")


def hybrid(values, width, runs=True):
    """Runs and packed groups by turns."""
    if runs:
        out, i = b"", 0
        while i < len(values):
            end = i
            while end < len(values) and values[end] == values[i]:
                end += 1
            out += varint(end - i << 1) + values[i].to_bytes((width + 7) // 8, "little")
            i = end
        return out
    values = list(values) + [0] * (-len(values) % 8)
    return varint(len(values) // 8 << 1 | 1) + packed(values, width)


def bit_packed(levels, width):
    """The deprecated encoding of levels, from the highest bit down."""
    bits = "".join(f"{level:0{width}b}" for level in levels) if width else ""
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def level_width(maximum):
    return maximum.bit_length()


# ---- pages -----------------------------------------------------------------------------------------------------------


def page(header, body, size=None, crc=False, **more):
    fields = {1: more.get("type"), 2: len(body) if size is None else size, 3: len(body)}
    if crc:
        check = zlib.crc32(body)
        fields[4] = check - (1 << 32) if check >> 31 else check
    fields.update(header)
    return thrift(fields) + body


def data_page(values, body, encoding=PLAIN, definitions=None, repetitions=None, maxima=(0, 0), levels=RLE, compress=None, **more):
    """A page of version 1. `maxima` are the largest definition and repetition level; `body` the encoded values."""
    parts = []
    for found, maximum in ((repetitions, maxima[1]), (definitions, maxima[0])):
        if maximum == 0:
            continue
        width = level_width(maximum)
        if levels == BIT_PACKED:
            parts.append(bit_packed(found, width))
        else:
            data = hybrid(found, width, runs=more.get("runs", True))
            parts.append(struct.pack("<I", len(data)) + data)
    body = b"".join(parts) + body
    return page(
        {1: 0, 5: {1: values, 2: encoding, 3: levels, 4: levels}}, compress(body) if compress else body, len(body),
        more.get("crc", False))


def data_page_v2(
    values, body, encoding=PLAIN, definitions=None, repetitions=None, maxima=(0, 0), rows=None, nulls=None, compress=None,
    flag=None, **more
):
    reps = hybrid(repetitions, level_width(maxima[1])) if maxima[1] else b""
    defs = hybrid(definitions, level_width(maxima[0])) if maxima[0] else b""
    nulls = sum(level < maxima[0] for level in definitions or []) if nulls is None else nulls
    header = {1: values, 2: nulls, 3: values if rows is None else rows, 4: encoding, 5: len(defs), 6: len(reps), 7: flag}
    stored = compress(body) if compress else body
    return page({1: 3, 8: header}, reps + defs + stored, len(reps + defs + body), more.get("crc", False))


def dictionary_page(count, body, encoding=PLAIN, compress=None, **more):
    return page({1: 2, 7: {1: count, 2: encoding}}, compress(body) if compress else body, len(body), more.get("crc", False))


# ---- files -----------------------------------------------------------------------------------------------------------


def chunk(path, type, pages, values, codec=UNCOMPRESSED, has_dictionary=False, dictionary_offset=None, encodings=(PLAIN,), **more):
    """A column chunk; `file` places it."""
    return {
        "path": path.split("."), "type": type, "pages": pages, "values": values, "codec": codec,
        "has_dictionary": has_dictionary, "dictionary_offset": dictionary_offset, "encodings": list(encodings), **more}


def file(schema, chunks, rows, key_values=None, name="schema", created_by=None, groups=None):
    """A file of one row group, or of `groups`: pairs of rows and chunks."""
    out = b"PAR1"
    found = []
    for count, columns in groups or [(rows, chunks)]:
        metadata = []
        for one in columns:
            start = len(out)
            out += b"".join(one["pages"])
            size = len(out) - start
            first = start + len(one["pages"][0]) if one["has_dictionary"] else start
            where = start if one["has_dictionary"] else None
            if one["dictionary_offset"] is not None:
                where = one["dictionary_offset"]
            metadata.append({2: I64(start), 3: {
                1: one["type"], 2: one["encodings"], 3: one["path"], 4: one["codec"], 5: I64(one["values"]),
                6: I64(one.get("uncompressed", size)), 7: I64(size), 9: I64(one.get("data_offset", first)),
                11: None if where is None else I64(where)}})
        found.append({1: metadata, 2: I64(len(out) - 4), 3: I64(count)})
    total = sum(count for count, _ in groups) if groups else rows
    footer = thrift({
        1: 1, 2: [{4: name, 5: _children(schema)}] + [element for one in schema for element in one], 3: I64(total),
        4: found, 5: None if not key_values else [{1: k, 2: v} for k, v in key_values.items()], 6: created_by})
    return out + footer + struct.pack("<I", len(footer)) + b"PAR1"


def _children(schema):
    return len(schema)


def flat(element, values, **more):
    """A file of one plain column; values that are None are null."""
    type, repetition = element[0][1], element[0][3]
    there = [v for v in values if v is not None]
    definitions = [int(v is not None) for v in values]
    maxima = (1 if repetition == OPTIONAL else 0, 0)
    pages = [data_page(len(values), plain(there, type), definitions=definitions, maxima=maxima)]
    return file([element], [chunk(element[0][4], type, pages, len(values))], len(values), **more)
