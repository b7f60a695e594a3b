"""Random filters over files of five engines: what is pushed down gives what filtering the whole gives, and what pyarrow
and plain numbers give. Files hold NaN, nulls, both zeros, infinities, the ends of the integers' ranges and text whose bounds are
cut. MARTLET_ROUNDS makes more of them: a round is a table of random types, five files and 40 filters."""

import datetime
import os
import random

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pc = pytest.importorskip("pyarrow.compute")

import numpy as np

import martlet as ma
import martlet.compute as mc
import martlet.dataset as md
import martlet.parquet as mq
from predicate_cases import Cases as ManyCases

NAN = float("nan")
EPOCH = datetime.datetime(1970, 1, 1)
COMPARISONS = ["__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"]


class Cases:
    """Tables, literals and conditions, the same for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def maybe(self, value):
        return None if self.random.random() < 0.1 else value

    def table(self, count):
        pick, maybe = self.random.choice, self.maybe
        places = sorted(self.random.randint(0, 1000) for _ in range(count))
        return pa.table({
            "i": pa.array([maybe(p) for p in places], pa.int32()),
            "l": pa.array([maybe(pick([-2**63, 2**63 - 1, 0, 5, self.random.randint(-9, 9)])) for p in places], pa.int64()),
            "u": pa.array([maybe(pick([2**64 - 1, 0, 3, 2**63])) for p in places], pa.uint64()),
            "f": pa.array([maybe(pick([NAN, -0.0, 0.0, 1.5, float("inf"), p / 10])) for p in places], pa.float64()),
            "g": pa.array([maybe(pick([NAN, 7.0])) if p < 500 else NAN for p in places], pa.float32()),
            "s": pa.array([maybe("k%04d" % p + "x" * pick([0, 0, 100])) for p in places], pa.string()),
            "b": pa.array([maybe(p > 400) for p in places], pa.bool_()),
            "t": pa.array([maybe(p * 86_400_000) for p in places], pa.timestamp("ms")),
            "d": pa.array([maybe(p) for p in places], pa.date32()),
        })

    def literal(self, column):
        pick, number = self.random.choice, self.random.randint
        days = datetime.timedelta(days=number(-1, 1001))
        return {
            "i": lambda: pick([number(-5, 1005), self.random.random() * 1000]),
            "l": lambda: pick([0, 5, -2**63, 2**63 - 1, 3.5]),
            "u": lambda: pick([0, 3]),
            "f": lambda: pick([0.0, -0.0, 1.5, NAN, float("inf"), self.random.random() * 100, 3]),
            "g": lambda: pick([7.0, NAN, 0.1]),
            "s": lambda: pick(["k%04d" % number(0, 1000), "", "z"]),
            "t": lambda: EPOCH + days,
            "d": lambda: (EPOCH + days).date(),
        }[column]()

    def condition(self, depth):
        """A function from a module with `field` to an expression."""
        if depth:
            kind = self.random.randrange(4)
            a = self.condition(depth - 1)
            if kind == 0:
                return lambda m: ~a(m)
            b = self.condition(depth - 1)
            return (lambda m: a(m) | b(m)) if kind == 1 else (lambda m: a(m) & b(m))
        column = self.random.choice("ilufgsbtd")
        kind = self.random.randrange(10)
        if kind == 0:
            return lambda m: m.field(column).is_null()
        if kind == 1:
            return lambda m: m.field(column).is_valid()
        if column == "b":
            return lambda m: m.field("b")
        if kind == 2:
            values = [self.literal(column) for _ in range(3)]
            values = [v for v in values if type(v) is type(values[0]) and not (column in "il" and isinstance(v, float))]
            return lambda m: m.field(column).isin(values or [0])
        if kind == 3 and column in "fg":
            return lambda m: m.field(column).is_nan()
        comparison, value = self.random.choice(COMPARISONS), self.literal(column)
        return lambda m: getattr(m.field(column), comparison)(value)


def files(table, folder, cases):
    row_group = cases.random.choice([100, 1000])
    pq.write_table(table, folder / "pyarrow", row_group_size=row_group, write_page_index=True, data_page_size=500,
                   write_batch_size=64)
    mq.write_table(ma.table(table), folder / "martlet", row_group_size=row_group)
    written = ["pyarrow", "martlet"]
    try:
        import polars
        polars.from_arrow(table).write_parquet(folder / "polars", row_group_size=500)
        written.append("polars")
    except ImportError:
        pass
    try:
        import duckdb
        source = table  # noqa: F841  (duckdb finds it by its name)
        duckdb.sql(f"copy (select * from source) to '{folder / 'duckdb'}' (format parquet, row_group_size 2048)")
        written.append("duckdb")
    except ImportError:
        pass
    return [folder / name for name in written]


def values(table):
    """Rows as text, in which NaN is equal to NaN and the zeros differ."""
    return repr(pa.table(table).to_pylist())


@pytest.mark.parametrize("count", [1, 50, 2500])
@pytest.mark.parametrize("seed", [1, 2])
def test_pushed_down_is_filtered(tmp_path, seed, count):
    cases = Cases(seed * 1000 + count)
    table = cases.table(count)
    paths = files(table, tmp_path, cases)
    whole = {path: mq.read_table(path) for path in paths}
    for _ in range(40):
        condition = cases.condition(cases.random.randrange(3))
        expression = condition(mc)
        for path in paths:
            pushed = mq.read_table(path, filters=expression)
            assert values(pushed) == values(whole[path].filter(expression)), (path.name, str(expression))
        try:
            expected = table.filter(condition(pc))
        except pa.ArrowInvalid:
            continue
        assert values(mq.read_table(paths[0], filters=expression)) == values(expected), str(expression)


@pytest.mark.parametrize("seed", range(3))
def test_pushed_down_into_partitions(tmp_path, seed):
    """The same over a partitioned dataset, whose keys are known from the paths."""
    cases = Cases(seed)
    table = ma.table(cases.table(300).append_column("k", pa.array([cases.maybe("%03d" % (p % 5)) for p in range(300)])))
    mq.write_to_dataset(table, tmp_path, partition_cols=["k"])
    whole = mq.read_table(tmp_path)
    for _ in range(40):
        condition = cases.condition(cases.random.randrange(3))
        key = cases.random.choice(["000", "003", "3", ""])
        comparison = cases.random.choice(COMPARISONS)
        expression = getattr(mc.field("k"), comparison)(key)
        expression = expression & condition(mc) if cases.random.random() < 0.5 else expression | condition(mc)
        pushed = mq.read_table(tmp_path, filters=expression)
        assert values(pushed) == values(whole.filter(expression)), str(expression)


@pytest.mark.parametrize("seed", range(int(os.environ.get("MARTLET_ROUNDS", 12))))
def test_pushed_down_is_what_the_ranks_say(tmp_path, seed):
    """Rows are known by their numbers; every eighth filter goes through all doors and looks at all columns."""
    cases = ManyCases(seed)
    files = [(path, mq.ParquetFile(path)) for path in cases.files(tmp_path)]
    whole = {path: file.read() for path, file in files}
    for number in range(40):
        expression, truth, _ = cases.condition(cases.choice.randrange(3))
        expected = np.flatnonzero(truth)
        for path, file in files:
            found = file._read(["id"], None, expression, True).column("id").to_numpy()
            assert np.array_equal(found, expected), (path.name, str(expression))
        if number % 8:
            continue
        for path, _ in files:
            pushed = mq.read_table(path, filters=expression)
            kept = repr(whole[path].take(ma.array(expected, ma.int64())).to_pydict())
            assert repr(pushed.to_pydict()) == kept, (path.name, str(expression))
            scanned = md.dataset(path).scanner(filter=expression).to_table()
            assert repr(scanned.to_pydict()) == kept, (path.name, str(expression))
