"""Python objects to arrays and back, type by type: Martlet beside pyarrow.

    python Benchmarks/python_objects.py [NAME ...]

Times are the best of several calls, in milliseconds, for a million items (a quarter of that for nested types).
"""

import datetime as dt
import decimal
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bindings" / "python"))

import martlet
import pyarrow

ITEMS = 1_000_000
FEW = ITEMS // 4


def shuffled(items):
    random.shuffle(items)
    return items


CASES = {
    "ints": lambda: [random.randrange(-(2**40), 2**40) for _ in range(ITEMS)],
    "ints, shuffled": lambda: shuffled(list(range(ITEMS))),
    "floats, 10 % None": lambda: [None if random.random() < 0.1 else random.random() for _ in range(ITEMS)],
    "bools": lambda: [random.random() < 0.5 for _ in range(ITEMS)],
    "texts": lambda: [f"value {random.randrange(10**6)}" for _ in range(ITEMS)],
    "texts beyond ASCII": lambda: [f"grün {i}" for i in range(ITEMS)],
    "bytes": lambda: [b"%d" % i for i in range(ITEMS)],
    "dates": lambda: [dt.date(1980, 1, 1) + dt.timedelta(days=i % 10_000) for i in range(ITEMS)],
    "datetimes": lambda: [dt.datetime(2020, 1, 1) + dt.timedelta(seconds=i) for i in range(ITEMS)],
    "datetimes, UTC": lambda: [dt.datetime(2020, 1, 1, i % 24, tzinfo=dt.timezone.utc) for i in range(FEW)],
    "decimals": lambda: [decimal.Decimal(i) / 100 for i in range(FEW)],
    "lists": lambda: [[1.0 * i, 2.0, 3.0] for i in range(FEW)],
    "NumPy arrays": lambda: [__import__("numpy").arange(i % 7) for i in range(FEW)],
    "dicts": lambda: [{"a": i, "b": str(i)} for i in range(FEW)],
}


def best(call, seconds=1.5):
    least, end = float("inf"), time.perf_counter() + seconds
    while True:
        start = time.perf_counter()
        result = call()
        least = min(least, time.perf_counter() - start)
        del result
        if time.perf_counter() > end:
            return least * 1e3


def main():
    random.seed(1)
    print(f"{'':20}{'to array':>12}{'pyarrow':>10}{'to list':>12}{'pyarrow':>10}")
    for name, make in CASES.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        values = make()
        ours, theirs = martlet.array(values), pyarrow.array(values)
        if ours.to_pylist() != theirs.to_pylist():
            raise SystemExit(f"{name}: the values differ")
        print(
            f"{name:20}{best(lambda: martlet.array(values)):12.1f}{best(lambda: pyarrow.array(values)):10.1f}"
            f"{best(ours.to_pylist):12.1f}{best(theirs.to_pylist):10.1f}", flush=True)


if __name__ == "__main__":
    main()
