"""The JSON form in which Arrow's integration files are written down a second time, as pyarrow's record batches.

Arrays are made of the buffers that the text spells out; no IPC reader takes part. Two kinds of interval have no arrays in
pyarrow: their months are int32 here, their days and milliseconds 8 bytes.
"""

import gzip
import json
import struct

import pyarrow as pa

UNITS = {"SECOND": "s", "MILLISECOND": "ms", "MICROSECOND": "us", "NANOSECOND": "ns"}
SIMPLE = {
    "null": pa.null, "bool": pa.bool_, "utf8": pa.string, "largeutf8": pa.large_string, "utf8view": pa.string_view,
    "binary": pa.binary, "largebinary": pa.large_binary, "binaryview": pa.binary_view,
}
LISTS = {
    "list": pa.list_, "largelist": pa.large_list, "listview": pa.list_view, "largelistview": pa.large_list_view,
}


def read(path):
    """The schema and the batches of a `.json.gz`."""
    with gzip.open(path) as file:
        content = json.load(file)
    return Twin(content).schema, Twin(content).batches


def integer(spec):
    return getattr(pa, ("" if spec["isSigned"] else "u") + f"int{spec['bitWidth']}")()


def data_type(spec, children):
    """A type without its dictionary."""
    name = spec["name"]
    if name in SIMPLE:
        return SIMPLE[name]()
    if name in LISTS:
        return LISTS[name](children[0])
    if name == "int":
        return integer(spec)
    if name == "floatingpoint":
        return {"HALF": pa.float16, "SINGLE": pa.float32, "DOUBLE": pa.float64}[spec["precision"]]()
    if name == "decimal":
        return getattr(pa, f"decimal{spec.get('bitWidth', 128)}")(spec["precision"], spec["scale"])
    if name == "date":
        return pa.date32() if spec["unit"] == "DAY" else pa.date64()
    if name == "time":
        return getattr(pa, f"time{spec['bitWidth']}")(UNITS[spec["unit"]])
    if name == "timestamp":
        return pa.timestamp(UNITS[spec["unit"]], spec.get("timezone"))
    if name == "duration":
        return pa.duration(UNITS[spec["unit"]])
    if name == "interval":
        if spec["unit"] == "MONTH_DAY_NANO":
            return pa.month_day_nano_interval()
        return pa.int32() if spec["unit"] == "YEAR_MONTH" else pa.binary(8)
    if name == "fixedsizebinary":
        return pa.binary(spec["byteWidth"])
    if name == "fixedsizelist":
        return pa.list_(children[0], spec["listSize"])
    if name == "struct":
        return pa.struct(children)
    if name == "map":
        # Other names were lost when the files were made.
        key, item = children[0].type.field(0).with_name("key"), children[0].type.field(1).with_name("value")
        return pa.map_(key, item, keys_sorted=spec["keysSorted"])
    if name == "union":
        make = pa.sparse_union if spec["mode"] == "SPARSE" else pa.dense_union
        return make(children, spec["typeIds"])
    if name == "runendencoded":
        return pa.run_end_encoded(children[0].type, children[1].type)
    raise ValueError(f"unknown type {name}")


def bitmap(bits):
    data = bytearray((len(bits) + 7) // 8)
    for i, bit in enumerate(bits):
        data[i // 8] |= bool(bit) << i % 8
    return pa.py_buffer(bytes(data))


def numbers(values, width, signed=True):
    return pa.py_buffer(b"".join(int(value).to_bytes(width, "little", signed=signed) for value in values))


def view(entry, is_text):
    size = entry["SIZE"]
    if size <= 12:
        value = entry["INLINED"].encode() if is_text else bytes.fromhex(entry["INLINED"])
        return struct.pack("<i12s", size, value)
    return struct.pack("<i4sii", size, bytes.fromhex(entry["PREFIX_HEX"]), entry["BUFFER_INDEX"], entry["OFFSET"])


class Twin:
    def __init__(self, content):
        self.dictionaries = {d["id"]: d["data"] for d in content.get("dictionaries", [])}
        self.values = {}
        specs = content["schema"]["fields"]
        self.schema = pa.schema(
            [self.field(spec) for spec in specs], metadata=self.metadata(content["schema"].get("metadata")))
        self.batches = [
            pa.RecordBatch.from_arrays(
                [self.array(spec, column) for spec, column in zip(specs, batch["columns"])], schema=self.schema)
            for batch in content["batches"]
        ]

    @staticmethod
    def metadata(pairs):
        return {pair["key"]: pair["value"] for pair in pairs} if pairs else None

    def field(self, spec):
        type = data_type(spec["type"], [self.field(child) for child in spec.get("children", [])])
        encoding = spec.get("dictionary")
        if encoding:
            type = pa.dictionary(integer(encoding["indexType"]), type, encoding["isOrdered"])
        metadata = self.metadata(spec.get("metadata"))
        if self.is_uuid(spec):
            type, metadata = pa.uuid(), None
        return pa.field(spec["name"], type, spec["nullable"], metadata)

    @staticmethod
    def is_uuid(spec):
        return {"key": "ARROW:extension:name", "value": "arrow.uuid"} in spec.get("metadata", [])

    def array(self, spec, column):
        encoding = spec.get("dictionary")
        if self.is_uuid(spec):
            return pa.ExtensionArray.from_storage(pa.uuid(), self.plain(spec, column))
        if not encoding:
            return self.plain(spec, column)
        plain = {key: value for key, value in spec.items() if key != "dictionary"}
        id = encoding["id"]
        if id not in self.values:
            self.values[id] = self.plain(plain, self.dictionaries[id]["columns"][0])
        indices = self.plain({"type": encoding["indexType"]}, column)
        return pa.DictionaryArray.from_arrays(indices, self.values[id], ordered=encoding["isOrdered"], safe=False)

    def plain(self, spec, column):
        name, count = spec["type"]["name"], column["count"]
        children = [self.array(s, c) for s, c in zip(spec.get("children", []), column.get("children", []))]
        type = data_type(spec["type"], [self.field(child) for child in spec.get("children", [])])
        data = column.get("DATA", [])
        if name == "null":
            return pa.nulls(count)
        if name == "runendencoded":
            return pa.RunEndEncodedArray.from_buffers(type, count, [None], children=children)
        if name == "union":
            buffers = [None, numbers(column["TYPE_ID"], 1)]
            if spec["type"]["mode"] == "DENSE":
                buffers.append(numbers(column["OFFSET"], 4))
            return pa.Array.from_buffers(type, count, buffers, children=children)
        validity = bitmap(column["VALIDITY"]) if 0 in column["VALIDITY"] else None
        if name in ("struct", "fixedsizelist"):
            buffers = [validity]
        elif name in ("list", "map", "largelist"):
            width = 8 if name == "largelist" else 4
            buffers = [validity, numbers(column["OFFSET"] or [0], width)]
        elif name in ("listview", "largelistview"):
            width = 8 if name == "largelistview" else 4
            buffers = [validity, numbers(column["OFFSET"], width), numbers(column["SIZE"], width)]
        elif name in ("utf8", "largeutf8", "binary", "largebinary"):
            values = [text.encode() if "utf8" in name else bytes.fromhex(text) for text in data]
            width = 8 if name.startswith("large") else 4
            buffers = [validity, numbers(column["OFFSET"] or [0], width), pa.py_buffer(b"".join(values))]
        elif name in ("utf8view", "binaryview"):
            views = b"".join(view(entry, name == "utf8view") for entry in column["VIEWS"])
            variadic = [pa.py_buffer(bytes.fromhex(text)) for text in column["VARIADIC_DATA_BUFFERS"]]
            buffers = [validity, pa.py_buffer(views), *variadic]
        elif name == "bool":
            buffers = [validity, bitmap(data)]
        elif name == "fixedsizebinary":
            buffers = [validity, pa.py_buffer(b"".join(bytes.fromhex(text) for text in data))]
        elif name == "floatingpoint":
            letter = {"HALF": "e", "SINGLE": "f", "DOUBLE": "d"}[spec["type"]["precision"]]
            buffers = [validity, pa.py_buffer(struct.pack(f"<{count}{letter}", *data))]
        elif name == "interval" and spec["type"]["unit"] == "DAY_TIME":
            packed = [struct.pack("<ii", value["days"], value["milliseconds"]) for value in data]
            buffers = [validity, pa.py_buffer(b"".join(packed))]
        elif name == "interval" and spec["type"]["unit"] == "MONTH_DAY_NANO":
            packed = [struct.pack("<iiq", value["months"], value["days"], value["nanoseconds"]) for value in data]
            buffers = [validity, pa.py_buffer(b"".join(packed))]
        else:
            buffers = [validity, numbers(data, type.bit_width // 8, spec["type"].get("isSigned", True))]
        return pa.Array.from_buffers(type, count, buffers, children=children or None)
