"""Reads the files named on standard input, one a line, and says of each what came of it.

Runs as a process of its own, because the question is whether it stays alive: `kind path` in, `begin path` and
`end path outcome` out. A read that takes more than 20 seconds is ended by SIGALRM, and memory is bounded.
"""

import resource
import signal
import sys
import warnings

import martlet as pa
import martlet.parquet as pq

resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
warnings.simplefilter("ignore")


def use(table):
    """Walks over everything: what a reader returns must be valid."""
    table.validate(full=True)
    for column in table.columns:
        column.slice(0, 100).to_pylist()
    return f"{table.num_rows} rows"


def read(kind, path):
    if kind == "parquet":
        return use(pq.read_table(path))
    if kind == "file":
        with pa.memory_map(path) as source:
            return use(pa.ipc.open_file(source).read_all())
    with pa.OSFile(path) as source:
        return use(pa.ipc.open_stream(source).read_all())


for line in sys.stdin:
    kind, path = line.rstrip("\n").split(" ", 1)
    print("begin", path, flush=True)
    signal.alarm(20)
    try:
        outcome = read(kind, path)
    except (pa.ArrowException, OSError, MemoryError, OverflowError, UnicodeDecodeError) as problem:
        # The last two: values that a Python date or text cannot hold.
        outcome = f"{type(problem).__name__}: {problem}".replace("\n", " ")
    signal.alarm(0)
    print("end", path, outcome, flush=True)
