"""What files that Martlet writes say of their values: bounds, counts, sizes, page indexes. A bound may be wide, never
wrong."""

import decimal
import math
import os
import random
import struct

import arro3.io
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as papq
import pytest
from thrift_twin import footer, pages, struct_at

import martlet as ma
import martlet.parquet as pq

ROUNDS = int(os.environ.get("MARTLET_ROUNDS", "30"))
EXACT = decimal.Context(prec=60)


def write(data, path, **options):
    pq.write_table(ma.table(data), str(path), **options)
    return str(path)


NESTED = pa.table({
    "flat": pa.array([1, None, 3, 4, None, 6] * 50),
    "texts": pa.array([None, "", "a", "bc", "cde", "é"] * 50),
    "lists": pa.array([[1, None], [], None, [2], [3, 4, 5], [None]] * 50),
    "deep": pa.array([[["x", None], []], None, [None], [], [["yy"]], [["z", "zz", "zzz"]]] * 50),
    "pairs": pa.array([{"a": 1, "b": "p"}, None, {"a": None, "b": None}, {"a": 2, "b": "qq"}, None, {"a": 3, "b": ""}] * 50),
})


@pytest.mark.parametrize("dictionary", [True, False])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_size_statistics(version, dictionary, tmp_path):
    path = write(NESTED, tmp_path / "f", use_dictionary=dictionary, data_page_version=version, max_rows_per_page=70)
    group = footer(path)[4][0]
    by_path = {b".".join(c[3][3]): (c, c[3]) for c in group[1]}
    assert 16 not in by_path[b"flat"][1]
    texts = by_path[b"texts"][1][16]
    assert texts == {1: 50 * (0 + 1 + 2 + 3 + 2)}
    lists = by_path[b"lists.list.element"][1][16]
    assert lists == {2: [300, 50 * 3], 3: [50, 50, 100, 250]}
    deep = by_path[b"deep.list.element.list.element"][1][16]
    assert deep[1] == 50 * 9 and sum(deep[2]) == sum(deep[3]) == by_path[b"deep.list.element.list.element"][1][5]
    assert deep[2] == [300, 50, 150] and deep[3] == [50, 50, 50, 50, 50, 250]
    assert by_path[b"pairs.a"][1][16] == {3: [100, 50, 150]}
    for chunk, meta in by_path.values():
        offsets = struct_at(path, chunk[4])
        index = struct_at(path, chunk[6])
        sizes = meta.get(16, {})
        assert len(offsets[1]) == 5
        if 1 in sizes:
            assert sum(offsets[2]) == sizes[1] and len(offsets[2]) == 5
        for histogram, each in ((2, 6), (3, 7)):
            if histogram in sizes:
                levels = len(sizes[histogram])
                assert [sum(index[each][k::levels]) for k in range(levels)] == sizes[histogram]
                assert len(index[each]) == 5 * levels
            else:
                assert each not in index


def test_distinct_counts_where_they_are_known(tmp_path):
    data = pa.table({"few": [1, 2, 3, None] * 1000, "all": np.arange(4000) * 7919 % 4001, "real": [0.0, -0.0] * 2000})
    metadata = papq.read_metadata(write(data, tmp_path / "f")).row_group(0)
    assert metadata.column(0).statistics.distinct_count == 3
    assert metadata.column(1).statistics.distinct_count in (None, 4000)
    assert metadata.column(2).statistics.distinct_count is None


def ordered(value):
    """A real by its place in IEEE 754's total order."""
    bits = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits ^ 0x7FFFFFFFFFFFFFFF if bits < 0 else bits


@pytest.mark.parametrize("kind,layout,nans", [
    (np.float64, "<d", [0x7FF8000000000000, 0xFFF8000000000000, 0x7FF0000000000001, 0xFFFFFFFFFFFFFFFF]),
    (np.float32, "<f", [0x7FC00000, 0xFFC00000, 0x7F800001, 0xFFFFFFFF]),
    (np.float16, "<e", [0x7E00, 0xFE00, 0x7C01, 0xFFFF]),
])
@pytest.mark.parametrize("dictionary", [True, False])
def test_total_order(kind, layout, nans, dictionary, tmp_path):
    """With ieee754_total_order: zeros as they are, the outermost NaN where there is nothing else."""
    bits = {8: np.uint64, 4: np.uint32, 2: np.uint16}[np.dtype(kind).itemsize]
    only = np.array(nans, bits).view(kind)
    cases = {
        "zeros": (np.array([0.0, -0.0, 0.0, -0.0], kind), (-0.0, 0.0), 0),
        "plus": (np.array([0.0, 0.0, 1.0, 2.0], kind), (0.0, 2.0), 0),
        "some": (np.array([-1.5, np.nan, np.inf, -np.nan], kind), (-1.5, math.inf), 2),
        "only": (only, None, 4),
    }
    data = pa.table({name: pa.array(values) for name, (values, _, _) in cases.items()})
    path = write(data, tmp_path / "f", ieee754_total_order=True, use_dictionary=dictionary)
    told = footer(path)
    assert told[7] == [{2: {}}] * 4
    for chunk, (name, (values, expected, count)) in zip(told[4][0][1], cases.items()):
        found = chunk[3][12]
        index = struct_at(path, chunk[6])
        assert found[9] == count and index[8] == [count] and 1 not in found and 2 not in found, name
        assert found[5] == index[3][0] and found[6] == index[2][0]
        if expected is None:
            assert found[6] == np.array([max(nans)], bits).tobytes()
            assert found[5] == np.array([sorted(nans)[1]], bits).tobytes()
        else:
            assert found[6] == struct.pack(layout, expected[0]) and found[5] == struct.pack(layout, expected[1]), name
    assert papq.read_table(path).equals(data) or str(papq.read_table(path).to_pydict()) == str(data.to_pydict())
    assert str(pq.read_table(path).to_pydict()) == str(data.to_pydict())


def test_the_usual_order_covers_both_zeros(tmp_path):
    data = pa.table({"a": [0.0, 1.0], "b": [-1.0, -0.0], "c": [math.nan, math.nan], "d": [math.nan, 2.0]})
    told = footer(write(data, tmp_path / "f"))
    assert told[7] == [{1: {}}] * 4
    a, b, c, d = (chunk[3][12] for chunk in told[4][0][1])
    assert math.copysign(1, struct.unpack("<d", a[6])[0]) == -1 and math.copysign(1, struct.unpack("<d", b[5])[0]) == 1
    assert 5 not in c and 6 not in c and c[9] == 2 and 6 not in told[4][0][1][2]
    assert struct.unpack("<d", d[6])[0] == 2.0 and d[9] == 1


def random_column(chance, count):
    kind = chance.choice(["int", "uint", "float", "half", "text", "bytes", "fixed", "bool", "decimal", "date"])
    sorting = chance.choice(["", "up", "down"])
    long = chance.random() < 0.3

    def one():
        if kind == "int":
            return chance.randint(-(2**63), 2**63 - 1) if long else chance.randint(-5, 5)
        if kind == "uint":
            return chance.randint(0, 2**64 - 1) if long else chance.randint(0, 9)
        if kind in ("float", "half"):
            return chance.choice([chance.uniform(-9, 9), 0.0, -0.0, math.inf, -math.inf, math.nan])
        if kind == "text":
            return "".join(chance.choices("a\x7f\u00e9\ud7ff\U0010ffff", k=chance.randint(0, 200 if long else 4)))
        if kind in ("bytes", "fixed"):
            length = 16 if kind == "fixed" else chance.randint(0, 400 if long else 5)
            return bytes(chance.choices([0, 1, 254, 255], k=length))
        if kind == "bool":
            return chance.random() < 0.5
        if kind == "decimal":
            return chance.randint(-(10**30), 10**30)
        return chance.randint(-40000, 40000)

    values = [one() for _ in range(count)]
    if sorting:
        values.sort(key=lambda v: -math.inf if v != v else v, reverse=sorting == "down")
    if chance.random() < 0.6:
        start = chance.randrange(count)
        values = [None if chance.random() < 0.1 or start <= i < start + 40 else v for i, v in enumerate(values)]
    if kind == "decimal":
        made = [None if v is None else decimal.Decimal(v).scaleb(-3, EXACT) for v in values]
        return pa.array(made, pa.decimal128(38, 3))
    if kind == "half":
        return pa.array([None if v is None else np.float16(v) for v in values], pa.float16())
    types = {
        "int": pa.int64(), "uint": pa.uint64(), "float": pa.float64(), "text": pa.string(), "bytes": pa.binary(),
        "fixed": pa.binary(16), "bool": pa.bool_(), "date": pa.date32(),
    }
    return pa.array(values, types[kind])


def comparable(value, kind):
    """What a bound in PLAIN form, or a value, compares by."""
    if isinstance(value, (bytes, bytearray)) and not (pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind)):
        if pa.types.is_boolean(kind):
            return value != b"\0"
        if pa.types.is_date32(kind):
            return struct.unpack("<i", value)[0]
        if pa.types.is_int64(kind):
            return struct.unpack("<q", value)[0]
        if pa.types.is_uint64(kind):
            return struct.unpack("<Q", value)[0]
        if pa.types.is_float64(kind):
            return struct.unpack("<d", value)[0]
        if pa.types.is_float16(kind):
            return float(np.frombuffer(value, np.float16)[0])
        if pa.types.is_decimal(kind):
            return int.from_bytes(value, "big", signed=True)
        return bytes(value)
    if pa.types.is_string(kind):
        return value.encode()
    if pa.types.is_date32(kind):
        return value.toordinal() - 719163
    if pa.types.is_decimal(kind):
        return int(value.scaleb(3, EXACT))
    if pa.types.is_float16(kind):
        return float(value)
    return value


def check_bounds(low, high, exact, values, kind, place):
    known = [comparable(v, kind) for v in values if v is not None and v == v]
    low, high = comparable(low, kind), comparable(high, kind)
    assert all(low <= v <= high for v in known), place
    if exact[0]:
        assert min(known) == low, place
    if exact[1]:
        assert max(known) == high, place
    if pa.types.is_string(kind):
        low.decode(), high.decode()


@pytest.mark.parametrize("seed", range(max(ROUNDS // 10, 3)))
def test_bounds_hold_what_they_bound(seed, tmp_path):
    """Bounds, null counts and orders of chunks and pages against the values themselves."""
    chance = random.Random(seed)
    for turn in range(10):
        count = chance.choice([1, 50, 300])
        data = pa.table({f"c{i}": random_column(chance, count) for i in range(4)})
        options = {
            "max_rows_per_page": chance.choice([7, 60, 1000]), "use_dictionary": chance.random() < 0.5,
            "data_page_version": chance.choice(["1.0", "2.0"]), "row_group_size": chance.choice([40, 1000]),
        }
        path = write(data, tmp_path / "f", **options)
        place = (seed, turn, options)
        row = 0
        for group in footer(path)[4]:
            rows = group[3]
            for chunk, name in zip(group[1], data.column_names):
                kind = data.schema.field(name).type
                values = data[name].slice(row, rows).to_pylist()
                found = chunk[3][12]
                assert found[3] == sum(v is None for v in values), place
                if 9 in found:
                    assert found[9] == sum(v is not None and v != v for v in values), place
                if 4 in found:
                    assert found[4] == pc.count_distinct(data[name].slice(row, rows)).as_py(), place
                if 6 in found:
                    check_bounds(found[6], found[5], (found[8], found[7]), values, kind, place)
                if 6 not in chunk:
                    assert any(v is not None and v != v for v in values), place
                    continue
                index, offsets = struct_at(path, chunk[6]), struct_at(path, chunk[4])
                starts = [page[3] for page in offsets[1]] + [rows]
                assert len(index[1]) == len(starts) - 1
                bounds = []
                for i, is_null in enumerate(index[1]):
                    part = values[starts[i] : starts[i + 1]]
                    assert is_null == all(v is None for v in part) and index[5][i] == sum(v is None for v in part), place
                    if not is_null:
                        check_bounds(index[2][i], index[3][i], (False, False), part, kind, place)
                        bounds.append((comparable(index[2][i], kind), comparable(index[3][i], kind)))
                for order, wrong in ((1, lambda a, b: b < a), (2, lambda a, b: a < b)):
                    if index[4] == order:
                        assert not any(wrong(a[k], b[k]) for a, b in zip(bounds, bounds[1:]) for k in (0, 1)), place
                # The offset index leads to the pages.
                data_pages = [(h, s) for h, s in pages(path, chunk[3]) if h[1] != 2]
                assert len(data_pages) == len(offsets[1])
            row += rows
        ours = papq.read_table(path)
        assert ours.equals(data) or str(ours.to_pydict()) == str(data.to_pydict()), place


def test_long_values_never_lie(tmp_path):
    """Values that cannot be cut from above keep their bound whole, or have none."""
    data = pa.table({"top": [b"\xff" * 300, b"\xff" * 299], "huge": [b"\xff" * 9000, b"a"]})
    top, huge = (chunk[3][12] for chunk in footer(write(data, tmp_path / "f"))[4][0][1])
    assert top[5] == b"\xff" * 300 and top[7] is True
    assert 5 not in huge or huge[5] >= b"\xff" * 9000


def test_statistics_off(tmp_path):
    path = write(NESTED, tmp_path / "f", write_statistics=["flat"])
    for chunk in footer(path)[4][0][1]:
        is_flat = chunk[3][3] == [b"flat"]
        assert (12 in chunk[3]) == is_flat == (6 in chunk) and 16 not in chunk[3] and 4 in chunk
        assert 2 not in struct_at(path, chunk[4])
    assert len(arro3.io.read_parquet(path).read_all()) == 300


def test_bounds_as_they_are_stored(tmp_path):
    data = pa.table({
        "i": pa.array([1, -5], pa.int32()), "f": [1.5, 2.5], "s": ["a", "b"], "b": [True, False], "n": pa.array([None, None], pa.int8()),
        "d": pa.array([decimal.Decimal("1.5"), None], pa.decimal128(30, 1)), "t": pa.array([5, 9], pa.timestamp("us")),
        "day": pa.array([3, 4], pa.date32()), "x": pa.array([b"ab", b"cd"], pa.binary(2)), "g": pa.array([1, 2], pa.float32()),
    })
    columns = [pq.SortingColumn(0), pq.SortingColumn(2, descending=True)]
    path = write(data, tmp_path / "f", sorting_columns=columns)
    mine, theirs = pq.read_metadata(path).row_group(0), papq.read_metadata(path).row_group(0)
    for i in range(theirs.num_columns):
        a, b = mine.column(i), theirs.column(i)
        assert (a.statistics.min_raw, a.statistics.max_raw) == (b.statistics.min_raw, b.statistics.max_raw)
        assert (a.metadata, a.is_geo_stats_set, a.geo_statistics) == (b.metadata, b.is_geo_stats_set, b.geo_statistics)
    ordering = pq.SortingColumn.to_ordering(ma.table(data).schema, columns)
    assert ordering == papq.SortingColumn.to_ordering(data.schema, tuple(papq.SortingColumn(*column) for column in columns))
