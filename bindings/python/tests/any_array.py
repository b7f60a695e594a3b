"""Arrays of every type of Arrow, made by pyarrow: of a given type, in a given layout, and of random types."""

import datetime
import decimal
import uuid

import pyarrow as pa

_EPOCH = datetime.datetime(1970, 1, 1)
_UTC = datetime.timezone.utc


def _decimal(precision, scale):
    def value(rng):
        number = rng.randrange(-(10**precision) + 1, 10**precision)
        return decimal.Decimal(number).scaleb(-scale, decimal.Context(prec=80))

    return value


def _text(rng):
    return "".join(rng.choice("aüx日😀 \0z") for _ in range(rng.choice((0, 1, 3, 12, 13, 40))))


def _bytes(rng):
    return rng.randbytes(rng.choice((0, 1, 4, 12, 13, 40)))


def _integer(bits, signed):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    return lambda rng: rng.choice((low, high - 1, 0, rng.randrange(low, high), rng.randrange(0, 100)))


def _moment(unit):
    per = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    # pandas' Timestamp, which stands for nanoseconds, goes from 1678 to 2261.
    return lambda rng: rng.randrange(-9 * 10**9 * per, 9 * 10**9 * per)


def _interval(rng):
    return (rng.randrange(-(2**31), 2**31), rng.randrange(-(2**31), 2**31), rng.randrange(-(2**63), 2**63))


# name: (type, a function that makes a value of a source of random numbers)
FLAT = {
    "null": (pa.null(), lambda rng: None),
    "bool": (pa.bool_(), lambda rng: rng.random() < 0.5),
    "float16": (pa.float16(), lambda rng: float(rng.randrange(-2048, 2048)) / 4),
    "float32": (pa.float32(), lambda rng: rng.choice((0.0, -0.0, float("inf"), float(rng.randrange(-999, 999)) / 8))),
    "float64": (pa.float64(), lambda rng: rng.choice((0.0, float("-inf"), rng.random() * 1e300, rng.random()))),
    "string": (pa.string(), _text),
    "large_string": (pa.large_string(), _text),
    "string_view": (pa.string_view(), _text),
    "binary": (pa.binary(), _bytes),
    "large_binary": (pa.large_binary(), _bytes),
    "binary_view": (pa.binary_view(), _bytes),
    "fixed_size_binary": (pa.binary(5), lambda rng: rng.randbytes(5)),
    "date32": (pa.date32(), lambda rng: (_EPOCH + datetime.timedelta(days=rng.randrange(-99999, 99999))).date()),
    "date64": (pa.date64(), lambda rng: (_EPOCH + datetime.timedelta(days=rng.randrange(-99999, 99999))).date()),
    "time32[s]": (pa.time32("s"), lambda rng: rng.randrange(86400)),
    "time32[ms]": (pa.time32("ms"), lambda rng: rng.randrange(86400 * 10**3)),
    "time64[us]": (pa.time64("us"), lambda rng: rng.randrange(86400 * 10**6)),
    "time64[ns]": (pa.time64("ns"), lambda rng: rng.randrange(86400 * 10**6) * 1000),
    "month_day_nano_interval": (pa.month_day_nano_interval(), _interval),
    "uuid": (pa.uuid(), lambda rng: uuid.UUID(int=rng.getrandbits(128)).bytes),
    "bool8": (pa.bool8(), lambda rng: rng.choice((0, 1))),
    "json": (pa.json_(), lambda rng: rng.choice(("{}", "[1, 2]", "null"))),
    "opaque": (pa.opaque(pa.binary(), "geometry", "PostGIS"), _bytes),
    "fixed_shape_tensor": (
        pa.fixed_shape_tensor(pa.int16(), [2, 3], permutation=[1, 0]), lambda rng: [rng.randrange(99) for _ in range(6)]),
}
for _bits in (8, 16, 32, 64):
    FLAT[f"int{_bits}"] = (getattr(pa, f"int{_bits}")(), _integer(_bits, True))
    FLAT[f"uint{_bits}"] = (getattr(pa, f"uint{_bits}")(), _integer(_bits, False))
for _unit in ("s", "ms", "us", "ns"):
    FLAT[f"timestamp[{_unit}]"] = (pa.timestamp(_unit), _moment(_unit))
    FLAT[f"duration[{_unit}]"] = (pa.duration(_unit), _moment(_unit))
FLAT["timestamp[us, Europe/Berlin]"] = (pa.timestamp("us", "Europe/Berlin"), _moment("us"))
FLAT["timestamp[s, +05:30]"] = (pa.timestamp("s", "+05:30"), _moment("s"))
for _make, _precision, _scale in (
    (pa.decimal32, 9, 3), (pa.decimal64, 18, 5), (pa.decimal128, 38, 10), (pa.decimal256, 76, 20), (pa.decimal128, 5, -2)):
    FLAT[str(_make(_precision, _scale))] = (_make(_precision, _scale), _decimal(_precision, _scale))

_VALUE = {type: value for type, value in FLAT.values()}
_INDICES = [getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)]

# Types of types, each with one child.
NESTED = {
    "list": pa.list_(pa.field("element", pa.int32(), metadata={"unit": "m"})),
    "large_list": pa.large_list(pa.string()),
    "list_view": pa.list_view(pa.int64()),
    "large_list_view": pa.large_list_view(pa.string_view()),
    "fixed_size_list": pa.list_(pa.float32(), 3),
    "fixed_size_list of nothing": pa.list_(pa.int8(), 0),
    "struct": pa.struct([pa.field("a", pa.int32(), False), pa.field("b", pa.string())]),
    "struct of nothing": pa.struct([]),
    "map": pa.map_(pa.string(), pa.int32()),
    "map, sorted": pa.map_(pa.int16(), pa.binary(), keys_sorted=True),
    "dense_union": pa.dense_union([pa.field("a", pa.int32()), pa.field("b", pa.string())], [5, 2]),
    "sparse_union": pa.sparse_union([pa.field("a", pa.int32()), pa.field("b", pa.bool_(), False)]),
    "run_end_encoded": pa.run_end_encoded(pa.int32(), pa.string()),
    "run_end_encoded[int16]": pa.run_end_encoded(pa.int16(), pa.float64()),
    "run_end_encoded[int64]": pa.run_end_encoded(pa.int64(), pa.list_(pa.int8())),
    "dictionary of lists": pa.dictionary(pa.int16(), pa.list_(pa.int32())),
    "dictionary of dictionaries": pa.dictionary(pa.int8(), pa.struct([("x", pa.dictionary(pa.int32(), pa.string()))])),
    "list of uuid": pa.list_(pa.uuid()),
    "list of unions": pa.list_(pa.dense_union([pa.field("a", pa.int8()), pa.field("b", pa.list_(pa.string()))])),
}
NESTED |= {f"dictionary[{index}]": pa.dictionary(index, pa.string(), ordered=index.bit_width == 8) for index in _INDICES}

TYPES = {name: type for name, (type, _) in FLAT.items()} | NESTED
LAYOUTS = ("no nulls", "some nulls", "all null", "empty", "sliced", "chunked", "offset in children")


def random_type(rng, depth):
    """A type that is nested at most `depth` levels deep."""
    if depth <= 1 or rng.random() < 0.25:
        return rng.choice(list(FLAT.values()))[0]

    def child(name="item", nullable=True):
        inner = random_type(rng, depth - 1)
        metadata = {"k": "v"} if rng.random() < 0.1 else None
        return pa.field(name, inner, nullable and rng.random() < 0.9 or inner.id == 0, metadata)

    kind = rng.randrange(11)
    if kind < 5:
        return (pa.list_, pa.large_list, pa.list_view, pa.large_list_view, lambda f: pa.list_(f, rng.randrange(4)))[kind](child())
    if kind == 5:
        return pa.map_(rng.choice((pa.string(), pa.int32(), pa.date32())), child("value"))
    if kind < 8:
        return pa.struct([child(f"f{i}") for i in range(rng.randrange(4))])
    if kind == 8:
        codes = rng.sample(range(100), rng.randrange(1, 4))
        return pa.union([child(f"u{i}") for i in range(len(codes))], rng.choice(("dense", "sparse")), codes)
    if kind == 9:
        values = random_type(rng, depth - 1)
        while values.id in (0, 38):  # runs of nothing, and of runs, mean nothing
            values = random_type(rng, depth - 1)
        return pa.run_end_encoded(rng.choice((pa.int16(), pa.int32(), pa.int64())), values)
    values = random_type(rng, depth - 1)
    while values.id in (0, 29, 38):
        values = random_type(rng, depth - 1)
    return pa.dictionary(rng.choice(_INDICES), values, rng.random() < 0.2)


def make(rng, type, count, nulls=0.2):
    """`count` random values, of which about the share `nulls` is null, in an array that may be a slice of a longer one."""
    if rng.random() < 0.25:
        before, after = rng.randrange(1, 12), rng.randrange(3)
        return _make(rng, type, before + count + after, nulls).slice(before, count)
    return _make(rng, type, count, nulls)


def _valid(rng, count, nulls):
    """A mask that is true for null, or None."""
    mask = [rng.random() < nulls for _ in range(count)]
    return pa.array(mask, pa.bool_()) if any(mask) else None


def _child(rng, field, count, nulls):
    return make(rng, field.type, count, nulls if field.nullable else 0)


def _make(rng, type, count, nulls):
    if type in _VALUE:
        value = _VALUE[type]
        items = [None if rng.random() < nulls else value(rng) for _ in range(count)]
        if isinstance(type, pa.BaseExtensionType):
            return type.wrap_array(pa.array(items, type.storage_type))
        return pa.array(items, type)
    mask = _valid(rng, count, nulls)
    if pa.types.is_list(type) or pa.types.is_large_list(type) or pa.types.is_map(type):
        offsets = [rng.randrange(3)]
        for _ in range(count):
            offsets.append(offsets[-1] + rng.choice((0, 1, 2, 5)))
        if pa.types.is_map(type):
            keys = make(rng, type.key_type, offsets[-1], 0)
            items = _child(rng, type.item_field, offsets[-1], nulls)
            return pa.MapArray.from_arrays(offsets, keys, items, type, mask=mask)
        cls = pa.ListArray if pa.types.is_list(type) else pa.LargeListArray
        return cls.from_arrays(
            pa.array(offsets, pa.int32() if cls is pa.ListArray else pa.int64()),
            _child(rng, type.value_field, offsets[-1], nulls), type, mask=mask)
    if pa.types.is_list_view(type) or pa.types.is_large_list_view(type):
        cls, index = (
            (pa.ListViewArray, pa.int32()) if pa.types.is_list_view(type) else (pa.LargeListViewArray, pa.int64()))
        total = 2 * count
        starts = [rng.randrange(total) for _ in range(count)]
        sizes = [rng.randrange(min(4, total - s + 1)) for s in starts]
        return cls.from_arrays(
            pa.array(starts, index), pa.array(sizes, index), _child(rng, type.value_field, total, nulls), type, mask=mask)
    if pa.types.is_fixed_size_list(type):
        values = _child(rng, type.value_field, count * type.list_size, nulls)
        if type.list_size == 0:
            bitmap = None if mask is None else pa.compute.invert(mask).buffers()[1]
            return pa.Array.from_buffers(type, count, [bitmap], children=[values])
        return pa.FixedSizeListArray.from_arrays(values, type=type, mask=mask)
    if pa.types.is_struct(type):
        if type.num_fields == 0:
            bitmap = None if mask is None else pa.compute.invert(mask).buffers()[1]
            return pa.Array.from_buffers(type, count, [bitmap])
        return pa.StructArray.from_arrays(
            [_child(rng, f, count, nulls) for f in type], fields=list(type), mask=mask)
    if pa.types.is_union(type):
        return _union(rng, type, count, nulls)
    if pa.types.is_run_end_encoded(type):
        ends, end = [], 0
        while end < count:
            end = min(count, end + rng.choice((1, 1, 2, 7)))
            ends.append(end)
        values = make(rng, type.value_type, len(ends), nulls)
        return pa.RunEndEncodedArray.from_arrays(pa.array(ends, type.run_end_type), values, type)
    assert pa.types.is_dictionary(type), type
    values = make(rng, type.value_type, rng.randrange(1, 6), 0)
    indices = [None if rng.random() < nulls else rng.randrange(len(values)) for _ in range(count)]
    return pa.DictionaryArray.from_arrays(pa.array(indices, type.index_type), values, ordered=type.ordered)


def _union(rng, type, count, nulls):
    codes = type.type_codes
    chosen = [rng.randrange(len(codes)) for _ in range(count)]
    ids = pa.array([codes[k] for k in chosen], pa.int8())
    if type.mode == "sparse":
        children = [_child(rng, f, count, nulls) for f in type]
        return pa.Array.from_buffers(type, count, [None, ids.buffers()[1]], children=children)
    offsets, used = [], [0] * len(codes)
    for k in chosen:
        offsets.append(used[k])
        used[k] += 1
    children = [_child(rng, f, n, nulls) for f, n in zip(type, used)]
    starts = pa.array(offsets, pa.int32())
    return pa.Array.from_buffers(type, count, [None, ids.buffers()[1], starts.buffers()[1]], children=children)


def column(rng, type, layout):
    """A ChunkedArray of the type in the layout."""
    if layout == "no nulls":
        chunks = [_make(rng, type, 11, 0)]
    elif layout == "some nulls":
        chunks = [_make(rng, type, 13, 0.4)]
    elif layout == "all null":
        chunks = [_make(rng, type, 9, 1.0)]
    elif layout == "empty":
        chunks = [_make(rng, type, 0, 0)]
    elif layout == "sliced":
        chunks = [_make(rng, type, 30, 0.3).slice(7, 11)]
    elif layout == "chunked":
        whole = _make(rng, type, 20, 0.3)
        chunks = [whole.slice(0, 3), whole.slice(3, 0), whole.slice(3, 17), _make(rng, type, 4, 0)]
    else:
        chunks = [make(rng, type, 10, 0.3) for _ in range(4)]
    return pa.chunked_array(chunks, type)
