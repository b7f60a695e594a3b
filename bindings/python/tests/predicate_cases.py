"""Random tables, files of five writers, and random conditions whose outcome is known from plain numbers: every distinct value
of a column, literals included, gets a rank, so that one comparison of NumPy serves every type."""

import datetime
import decimal
import math
import random
import warnings

import arro3.io
import duckdb
import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq

import martlet as ma
import martlet.compute as mc
import martlet.parquet as mq

NAN = float("nan")
EPOCH = datetime.datetime(1970, 1, 1)
OPERATORS = {
    "__eq__": ("==", np.equal), "__ne__": ("!=", np.not_equal), "__lt__": ("<", np.less),
    "__le__": ("<=", np.less_equal), "__gt__": (">", np.greater), "__ge__": (">=", np.greater_equal),
}


def _integer(bits, signed):
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    span = min(high - low, 4000)
    start = -span // 2 if signed else 0
    kind = getattr(pa, f"{'' if signed else 'u'}int{bits}")()
    # Reals beside 64-bit integers compare as reals do, which is not what exact ranks say at the ends.
    odd = [0.5, -0.5 if signed else 7.5] if bits < 64 else [0.5]
    return kind, lambda u: start + int(u * span), [low, high, 0, 1, low + 1, high - 1], odd


def _real(kind, scale):
    return kind, lambda u: (u - 0.5) * scale, [0.0, -0.0, NAN, NAN, float("inf"), float("-inf"), 1.0], [1]


def _text(kind, stem, encode):
    def make(u):
        return encode(stem + "%05d" % int(u * 3000))

    special = ["", "a", stem, stem[:60], stem + "\U0010ffff" * 3, "\U0010ffff" * 30, "\ud7ff" * 25, "é" * 40, "\x7f" * 70, "~"]
    return kind, make, [encode(text) for text in special], []


def _bytes(kind, width):
    def make(u):
        return int(u * 60000).to_bytes(2, "big").ljust(width, b"\xff")

    return kind, make, [b"\x00" * width, b"\xff" * width, b"\x7f" + b"\xff" * (width - 1), b"\x80".ljust(width, b"\0")], []


def _moment(unit, zone=None):
    digits = {"ms": 3, "us": 6}[unit]
    step = datetime.timedelta(microseconds=10 ** (6 - digits))
    zero = EPOCH if zone is None else EPOCH.replace(tzinfo=datetime.timezone.utc)

    def make(u):
        return zero + step * int((u - 0.5) * 10**9)

    return pa.timestamp(unit, zone), make, [zero, zero - step, make(0.9)], []


def _decimal(precision, scale):
    high = decimal.Decimal(10**precision - 1).scaleb(-scale, decimal.Context(prec=60))

    def make(u):
        return decimal.Decimal(int((u - 0.5) * 10 ** min(precision, 12))).scaleb(-scale, decimal.Context(prec=60))

    return pa.decimal128(precision, scale), make, [high, high.copy_negate(), decimal.Decimal(0).scaleb(-scale)], []


KINDS = {
    **{f"i{b}": _integer(b, True) for b in (8, 16, 32, 64)},
    **{f"u{b}": _integer(b, False) for b in (8, 16, 32, 64)},
    "f32": _real(pa.float32(), 30.0), "f64": _real(pa.float64(), 1e300), "f64s": _real(pa.float64(), 4.0),
    "short": _text(pa.string(), "", str), "long": _text(pa.string(), "p" * 70, str),
    "wide": _text(pa.string(), "é" * 31 + "\U0010ffff", str), "large": _text(pa.large_string(), "k", str),
    "bytes": _text(pa.binary(), "b", lambda text: text.encode("utf-8", "surrogatepass")),
    "high": _bytes(pa.binary(), 80), "fixed": _bytes(pa.binary(8), 8),
    "date": (pa.date32(), lambda u: datetime.date(1970, 1, 1) + datetime.timedelta(days=int((u - 0.5) * 9000)),
             [datetime.date(1970, 1, 1), datetime.date(1969, 12, 31), datetime.date(9999, 12, 31)], []),
    "ts_ms": _moment("ms"), "ts_us": _moment("us"), "ts_utc": _moment("us", "UTC"),
    "time": (pa.time64("us"), lambda u: (EPOCH + datetime.timedelta(microseconds=int(u * 86_399_999_999))).time(),
             [datetime.time(0), datetime.time(23, 59, 59, 999999)], []),
    "d5": _decimal(5, 2), "d15": _decimal(15, 3), "d30": _decimal(30, 5),
    "flag": (pa.bool_(), lambda u: u > 0.5, [True, False], []),
    "codes": (pa.dictionary(pa.int32(), pa.string()), lambda u: "c%02d" % int(u * 40), ["", "c", "zz"], []),
}


class Column:
    """The values of a column, and their ranks among themselves and the literals."""

    def __init__(self, choice, kind, count, name):
        self.name, self.path = name, (name,)
        self.type, make, special, odd = KINDS[kind]
        if "\ud7ff" * 25 in special and not choice.random() < 0.5:
            special = [one for one in special if one != "\ud7ff" * 25]
        self.kind = kind
        order = choice.choice(["ascending", "descending", "random", "blocks", "clustered"])
        places = [choice.random() for _ in range(count)]
        if order == "ascending":
            places.sort()
        elif order == "descending":
            places.sort(reverse=True)
        elif order == "blocks":
            places = [places[row // 40] for row in range(count)]
        elif order == "clustered":
            places = [(row // 25 % 7 + place) / 7 for row, place in enumerate(places)]
        values = [make(place) for place in places]
        for share in (choice.choice([0, 0, 0.02, 0.2]),):
            values = [choice.choice(special) if choice.random() < share else value for value in values]
        nulls = choice.choice([0, 0, 0.05, 0.5, 1])
        block = choice.choice([1, 30])
        gone = {b for b in range(count // block + 1) if choice.random() < nulls * (1 if block == 1 else 0.5)}
        values = [None if row // block in gone else value for row, value in enumerate(values)]
        self.array = pa.array(values, self.type)
        # Values as they are stored: reals of 32 bits.
        self.values = self.array.to_pylist() if kind in ("f32",) else values
        present = [value for value in self.values if value is not None][:: max(1, count // 8)]
        literals = special + odd + [make(choice.random()) for _ in range(8)] + present
        if kind in ("short", "long", "wide", "large"):
            literals += [value[:64] for value in present] + [value + "\0" for value in present[:3]]
        self.literals = [one for one in literals if kind != "u64" or one >= 0]
        self.is_real = kind.startswith("f") and kind[1:2].isdigit()
        known = [value for value in self.values + self.literals if value is not None and value == value]
        ranks = {value: rank for rank, value in enumerate(sorted(set(known), key=self._key))}
        self._rank = ranks
        self.null = np.array([value is None for value in self.values], bool)
        self.nan = np.array([value is not None and value != value for value in self.values], bool)
        self.negative = np.array([isinstance(value, float) and math.copysign(1, value) < 0 for value in self.values], bool)
        self.ranks = np.array([ranks.get(value, -1) if value == value else -1 for value in self.values], np.int64)

    def _key(self, value):
        return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value

    def nest(self):
        """The column becomes the member of a struct."""
        self.path = (self.name, "x")
        self.array = pa.StructArray.from_arrays([self.array], ["x"])

    def field(self):
        return mc.field(*self.path)

    def scalar(self, literal):
        """The literal as conditions take it: integers are of 64 bits with sign unless it is said."""
        return ma.scalar(literal, ma.uint64()) if self.kind == "u64" and isinstance(literal, int) else literal

    def values_of(self, literals):
        wide = self.kind == "u64" and any(isinstance(one, int) for one in literals)
        return ma.array(literals, ma.uint64()) if wide else literals

    def compared(self, operator, literal):
        """Where the comparison is true, and where it is null."""
        if literal is None:
            return np.zeros(len(self.null), bool), np.ones(len(self.null), bool)
        if literal != literal:
            truth = np.full(len(self.null), operator == "__ne__")
        else:
            truth = OPERATORS[operator][1](self.ranks, self._rank[literal])
            truth = np.where(self.nan, operator == "__ne__", truth)
        return truth & ~self.null, self.null

    def within(self, literals):
        truth = np.zeros(len(self.null), bool)
        for literal in literals:
            if literal is None:
                truth |= self.null
            elif literal != literal:
                truth |= self.nan
            elif self.is_real and literal == 0:
                # Sets tell the zeros apart.
                truth |= (self.ranks == self._rank[literal]) & (self.negative == (math.copysign(1, literal) < 0)) & ~self.null & ~self.nan
            else:
                truth |= (self.ranks == self._rank[literal]) & ~self.null & ~self.nan
        return truth, np.zeros(len(self.null), bool)


class Cases:
    """A random table and conditions on it; all the same for the same seed."""

    def __init__(self, seed):
        self.choice = random.Random(seed)
        pick = self.choice
        self.count = pick.choice([1, 7, 60, 200, 300, 600])
        self.columns = []
        for i, kind in enumerate(pick.sample(sorted(KINDS), 8)):
            column = Column(pick, kind, self.count, f"c{i}")
            if pick.random() < 0.15:
                column.nest()
            self.columns.append(column)
        self.table = pa.table({
            "id": pa.array(range(self.count), pa.int32()), **{column.name: column.array for column in self.columns}})

    def files(self, folder):
        """The paths of the table written by each writer, with random options."""
        pick, table = self.choice, self.table
        group = pick.choice([20, 50, 128, 10_000])
        page = pick.choice([64, 300, 2000])
        codec = pick.choice(["none", "snappy", "zstd"])
        dictionary = pick.random() < 0.6
        version = pick.choice(["1.0", "2.0"])
        blooms = {".".join(column.path): True for column in self.columns
                  if pick.random() < 0.5 and column.kind != "flag" and column.kind != "codes"}
        writers = {
            "martlet": lambda path: mq.write_table(
                ma.table(table), path, row_group_size=group, data_page_size=page, max_rows_per_page=pick.choice([9, 1000]),
                compression=codec, use_dictionary=dictionary, data_page_version=version,
                bloom_filter_options=blooms or None, ieee754_total_order=pick.random() < 0.3, write_page_index=pick.random() < 0.8),
            "pyarrow": lambda path: pq.write_table(
                table, path, row_group_size=group, data_page_size=page, write_batch_size=16, compression=codec,
                use_dictionary=dictionary, data_page_version=version, write_page_index=pick.random() < 0.8,
                store_decimal_as_integer=pick.random() < 0.5,
                bloom_filter_options={name: {"ndv": 100} for name in blooms} or None),
            "polars": lambda path: polars.from_arrow(table).write_parquet(
                path, row_group_size=group, data_page_size=page, compression=codec.replace("none", "uncompressed")),
            "duckdb": lambda path: duckdb.from_arrow(table).write_parquet(
                str(path), row_group_size=group, compression=codec.replace("none", "uncompressed")),
            "arro3": lambda path: arro3.io.write_parquet(
                table, path, max_row_group_size=group, data_page_size_limit=page, write_batch_size=pick.choice([4, 16]),
                compression="zstd(1)" if codec == "zstd" else codec.replace("none", "uncompressed"),
                dictionary_enabled=dictionary, bloom_filter_enabled=pick.random() < 0.5, bloom_filter_ndv=100,
                max_statistics_size=pick.choice([None, 4, 64]),
                writer_version="parquet_1_0" if version == "1.0" else "parquet_2_0"),
        }
        for name, write in writers.items():
            path = folder / f"{name}.parquet"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                write(path)
            yield path

    def condition(self, depth):
        """(Expression, where it is true, where it is null)."""
        pick = self.choice
        if depth:
            kind = pick.randrange(5)
            a, truth, null = self.condition(depth - 1)
            if kind == 0:
                return ~a, ~truth & ~null, null
            b, other, other_null = self.condition(depth - 1)
            false, other_false = ~truth & ~null, ~other & ~other_null
            if kind < 3:
                return a & b, truth & other, (null | other_null) & ~false & ~other_false
            return a | b, truth | other, (null | other_null) & ~truth & ~other
        column = pick.choice(self.columns)
        field = column.field()
        kind = pick.randrange(12)
        nothing = np.zeros(self.count, bool)
        if kind == 0:
            return field.is_null(), column.null, nothing
        if kind == 1:
            return field.is_valid(), ~column.null, nothing
        if kind == 2 and column.is_real:
            return field.is_nan(), column.nan, column.null
        if column.kind == "flag" and pick.random() < 0.5:
            return field, np.array([value is True for value in column.values], bool), column.null
        if kind in (3, 4):
            literals = [one for one in pick.choices(column.literals, k=pick.choice([1, 2, 5]))]
            first = type(literals[0])
            literals = [one for one in literals if type(one) is first]
            if pick.random() < 0.15:
                literals.append(None)
            return field.isin(column.values_of(literals)), *column.within(literals)
        operator, literal = pick.choice(list(OPERATORS)), pick.choice(column.literals)
        return getattr(field, operator)(column.scalar(literal)), *column.compared(operator, literal)
