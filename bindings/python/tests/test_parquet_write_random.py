"""Random tables with random options: type x encoding x codec x page version x nulls x nesting. Each peer must see in
Martlet's file what it sees in pyarrow's file of the same table, and so must Martlet.

MARTLET_ROUNDS tables of each seed; a failure tells its seed and options.
"""

import datetime
import decimal
import os
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as papq
import pytest
from test_parquet_write import read_arro3, read_duckdb, read_polars, read_pyarrow, same

import martlet as ma
import martlet.parquet as pq

ROUNDS = int(os.environ.get("MARTLET_ROUNDS", "30"))

ENCODINGS = {
    "BOOLEAN": ["PLAIN", "RLE"],
    "INT32": ["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
    "INT64": ["PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
    "FLOAT": ["PLAIN", "BYTE_STREAM_SPLIT"],
    "DOUBLE": ["PLAIN", "BYTE_STREAM_SPLIT"],
    "BYTE_ARRAY": ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"],
    "FIXED_LEN_BYTE_ARRAY": ["PLAIN", "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"],
    "INT96": ["PLAIN"],
}
CODECS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]


class Maker:
    def __init__(self, seed):
        self.chance = random.Random(seed)

    def leaf(self):
        """A type and a function that makes its values."""
        c = self.chance
        wide = c.random() < 0.5
        kind = c.choice(["bool", "int", "uint", "float", "text", "bytes", "fixed", "decimal", "date", "time", "timestamp", "half"])
        if kind == "bool":
            share = c.random()
            return pa.bool_(), lambda: c.random() < share
        if kind in ("int", "uint"):
            bits = c.choice([8, 16, 32, 64])
            low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind == "int" else (0, 2**bits - 1)
            if not wide:
                low, high = max(low, -5), min(high, 5)
            state = [low]

            def climbing():
                state[0] = min(state[0] + c.randint(0, 3), high)
                return state[0]

            return getattr(pa, f"{kind}{bits}")(), c.choice([lambda: c.randint(low, high), climbing])
        if kind in ("float", "half"):
            special = [0.0, -0.0, float("inf"), float("-inf")]
            type_ = pa.float16() if kind == "half" else c.choice([pa.float32(), pa.float64()])
            convert = np.float16 if kind == "half" else (lambda v: float(np.float32(v))) if type_ == pa.float32() else float
            return type_, lambda: convert(c.choice(special) if c.random() < 0.1 else round(c.uniform(-99, 99), 9 if wide else 0))
        if kind == "text":
            longest = c.choice([3, 30, 300])
            letters = "ab\u00e9\u65e5\U0001f600"
            stem = "".join(c.choices(letters, k=c.choice([0, 20])))
            return c.choice([pa.string(), pa.large_string()]), lambda: stem + "".join(c.choices(letters, k=c.randint(0, longest)))
        if kind == "bytes":
            return c.choice([pa.binary(), pa.large_binary()]), lambda: c.randbytes(c.randint(0, 40 if wide else 1))
        if kind == "fixed":
            width = c.choice([1, 2, 3, 4, 8, 16, 21])
            return pa.binary(width), lambda: c.randbytes(width) if wide else bytes([c.randint(0, 3)] * width)
        if kind == "decimal":
            precision = c.choice([1, 9, 10, 18, 19, 38, 39, 76])
            scale = c.randint(0, precision)
            most = 10**precision - 1 if wide else min(9, 10**precision - 1)
            exact = decimal.Context(prec=90)
            type_ = pa.decimal128(precision, scale) if precision < 39 else pa.decimal256(precision, scale)
            return type_, lambda: decimal.Decimal(c.randint(-most, most)).scaleb(-scale, exact)
        if kind == "date":
            return pa.date32(), lambda: datetime.date(1970, 1, 1) + datetime.timedelta(days=c.randint(-20000, 20000))
        if kind == "time":
            return c.choice([
                (pa.time32("ms"), lambda: c.randint(0, 86399999)), (pa.time64("us"), lambda: c.randint(0, 86399999999)),
            ])
        unit, zone = c.choice(["ms", "us"]), c.choice([None, "UTC"])
        return pa.timestamp(unit, zone), lambda: c.randint(-(10**12), 10**12)

    def type(self, depth):
        """A type, and a function that makes a value of it or None."""
        c = self.chance
        kind = c.choice(["leaf", "leaf", "list", "struct", "map"]) if depth else "leaf"
        nulls = c.choice([0, 0, 0.1, 0.5, 1]) if c.random() < 0.9 else 0.02
        if kind == "leaf":
            type_, make = self.leaf()
        elif kind == "list":
            inner, item = self.type(depth - 1)
            type_ = c.choice([pa.list_, pa.large_list])(inner)
            longest = c.choice([1, 3, 12])

            def make():
                return [item() for _ in range(c.randint(0, longest))]
        elif kind == "struct":
            parts = [self.type(depth - 1) for _ in range(c.randint(1, 3))]
            type_ = pa.struct([(f"m{i}", part[0]) for i, part in enumerate(parts)])

            def make():
                return {f"m{i}": part[1]() for i, part in enumerate(parts)}
        else:
            inner, item = self.type(depth - 1)
            type_ = pa.map_(pa.string(), inner)

            def make():
                return [(f"k{i}", item()) for i in range(c.randint(0, 3))]
        return type_, lambda: None if nulls and c.random() < nulls else make()

    def table(self):
        c = self.chance
        count = c.choice([0, 1, 7, 64, 300, 1000, 3000])
        columns = {}
        for i in range(c.randint(1, 4)):
            type_, make = self.type(c.choice([0, 0, 1, 2, 3]))
            if not pa.types.is_nested(type_) or c.random() < 0.5:
                values = [make() for _ in range(count)]
            else:
                values = [make() for _ in range(min(count, 300))] * (count // 300 + 1)
            if c.random() < 0.2 and not pa.types.is_nested(type_) and type_ != pa.float16():
                values = sorted((v for v in values if v is not None)) or values
            values = (values * (count // max(len(values), 1) + 1))[:count]
            array = pa.array(values, type_)
            if c.random() < 0.15 and type_ in (pa.string(), pa.int64(), pa.binary()):
                array = array.dictionary_encode()
            spots = sorted(c.sample(range(count + 1), min(c.choice([0, 0, 2]), count)))
            columns[f"c{i}"] = pa.chunked_array(
                [array[a:b] for a, b in zip([0] + spots, spots + [count])], type=array.type)
        return pa.table(columns)

    def options(self, path):
        """Options for the table whose file by pyarrow is at `path`."""
        c = self.chance
        schema = papq.ParquetFile(path).schema
        leaves = [schema.column(i) for i in range(len(schema.names))]
        options = {
            "data_page_version": c.choice(["1.0", "2.0"]), "max_rows_per_page": c.choice([1, 10, 100, 20000]),
            "data_page_size": c.choice([50, 5000, 1 << 20]), "row_group_size": c.choice([100, 1001, 100000]),
            "dictionary_pagesize_limit": c.choice([20, 1000, 1 << 20]), "write_page_checksum": c.random() < 0.8,
            "write_page_index": c.random() < 0.8, "store_schema": True, "use_threads": c.random() < 0.7,
        }
        codec = c.choice(CODECS)
        options["compression"] = {leaf.path: c.choice(CODECS) for leaf in leaves} if c.random() < 0.3 else codec
        mode = c.choice(["usual", "plain", "asked", "mixed"])
        if mode == "plain":
            options["use_dictionary"] = False
        elif mode in ("asked", "mixed"):
            coded = [leaf.path for leaf in leaves if mode == "mixed" and c.random() < 0.4]
            options["use_dictionary"] = coded or False
            options["column_encoding"] = {
                leaf.path: c.choice(ENCODINGS[leaf.physical_type]) for leaf in leaves if leaf.path not in coded
            }
        if c.random() < 0.2:
            options["use_content_defined_chunking"] = {"min_chunk_size": 100, "max_chunk_size": 1000}
        return options


def pyarrows(options):
    return {name: value for name, value in options.items() if name != "use_threads"}


READERS = [read_pyarrow, read_polars, read_duckdb, read_arro3]


@pytest.mark.parametrize("seed", range(max(ROUNDS // 5, 6)))
def test_random_tables_are_read_equal(seed, tmp_path):
    for turn in range(5):
        maker = Maker(seed * 1000 + turn)
        data = maker.table()
        theirs, mine = tmp_path / f"theirs{turn}", tmp_path / f"mine{turn}"
        papq.write_table(data, theirs, compression="none")
        options = maker.options(theirs)
        place = f"seed {seed} turn {turn}: {data.schema} {data.num_rows} rows {options}"
        size = options.pop("row_group_size")
        pq.write_table(ma.table(data), str(mine), row_group_size=size, **options)
        for reader in READERS:
            try:
                expected = reader(str(theirs))
                same(expected, expected)
            except BaseException:
                continue  # it cannot read such a table at all, or not compare it
            try:
                got = reader(str(mine))
            except BaseException as problem:
                # Then it must not know what was asked for in pyarrow's files either.
                papq.write_table(data, tmp_path / "asked", row_group_size=size, **pyarrows(options))
                try:
                    reader(str(tmp_path / "asked"))
                except BaseException:
                    continue
                raise AssertionError(f"{reader.__name__}: {problem!r}: {place}") from problem
            assert same(got, expected), f"{reader.__name__}: {place}"
        ours = pa.table(pq.read_table(str(mine)))
        ours.validate(full=True)
        assert same(ours, read_pyarrow(str(theirs))), f"martlet: {place}"
