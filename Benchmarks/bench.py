"""Martlet beside pyarrow, polars, duckdb and arro3: one run, one table.

    python Benchmarks/bench.py [--quick] [--jobs NAME,...] [--engines NAME,...] [--json FILE]

Every job runs in a fresh process for every engine, the engines one after the other and that several times, so that a busy
moment of the machine does not fall on one of them alone. A process makes its inputs in its engine's own structures, runs
the job once to warm up (that run measures the memory), then repeats it. All engines use their default threads, and the
same codec at the same level. `best` is the fastest repetition, `median` the middle one; memory is the peak of the process (VmHWM),
and what of it the job added on top of its inputs.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ENGINES = ["martlet", "pyarrow", "polars", "duckdb", "arro3"]
BATCH_ROWS = 5_000

# name: (title, goal). A goal compares with pyarrow ("2.5x pyarrow") or with the fastest peer ("best").
JOBS = {
    "parquet_write": ("Parquet write, zstd 1", "2.5x pyarrow"),
    "parquet_stream_write": ("batches of 5,000 rows through a writer, zstd 1", "5x pyarrow"),
    "parquet_read": ("Parquet read all, zstd 1", "best"),
    "parquet_read_2_of_50": ("Parquet read 2 of 50 columns", "best"),
    "parquet_filter": ("Parquet 1 % filter on a sorted column", "2x pyarrow"),
    "dataset_write_3": ("partitioned write, 3 keys", "3x pyarrow"),
    "dataset_write_1000": ("partitioned write, 1,000 keys", "25x pyarrow"),
    "dataset_read_1_of_3": ("partitioned read, one key of three", "1.3x pyarrow"),
    "ipc_write": ("IPC file write", "best"),
    "ipc_mmap_sum": ("IPC file mmap, sum all columns", "best"),
    "ipc_pipe": ("IPC stream through a pipe", "best"),
    "list_to_array_ints": ("list to array, ints", "1x pyarrow"),
    "list_to_array_floats": ("list to array, floats with None", "1x pyarrow"),
    "list_to_array_strings": ("list to array, strings", "1x pyarrow"),
    "array_to_list_ints": ("array to list, ints", "1x pyarrow"),
    "array_to_list_floats": ("array to list, floats with None", "1x pyarrow"),
    "array_to_list_strings": ("array to list, strings", "1x pyarrow"),
}


# ---- inputs ----------------------------------------------------------------------------------------------------------


class Data:
    """The document's schema as NumPy arrays in files, so that no engine is needed to make its rivals' inputs."""

    def __init__(self, folder: Path, rows: int):
        self.folder = folder
        self.rows = rows
        self.list_rows = max(rows // 5, 1)
        self.keyed_rows = rows * 2 // 5

    def prepare(self) -> None:
        import numpy as np

        self.folder.mkdir(parents=True, exist_ok=True)
        done = self.folder / "done"
        if done.exists() and done.read_text() == str(self.rows):
            return
        rng = np.random.default_rng(42)
        columns = {
            "user_id": rng.integers(1000, 9999, size=self.rows),
            "feature_a": rng.standard_normal(self.rows),
            "feature_b": rng.uniform(0.0, 10.0, size=self.rows),
            "label": rng.integers(0, 2, size=self.rows).astype(np.int32),
            "timestamp": np.arange(1708000000000, 1708000000000 + self.rows, dtype=np.int64),
            "split": rng.choice(3, size=self.rows, p=[0.7, 0.15, 0.15]).astype(np.int8),
            "key": rng.integers(0, 1000, size=self.keyed_rows).astype(np.int32),
        }
        for name, values in columns.items():
            np.save(self.folder / f"{name}.npy", values)
        self._prepare_files(columns)
        done.write_text(str(self.rows))

    def _prepare_files(self, columns) -> None:
        """The files that all engines read, written by pyarrow."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.dataset as ds
        import pyarrow.ipc as ipc
        import pyarrow.parquet as pq

        table = PyArrow(self).table()
        pq.write_table(table, self.folder / "all.parquet", compression="zstd", compression_level=1)
        with pa.OSFile(str(self.folder / "all.arrow"), "wb") as sink:
            with ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table, max_chunksize=65536)

        filler = np.tile(np.arange(100, dtype=np.float64), self.rows // 100 + 1)[: self.rows]
        wide = pa.table(
            [table["feature_a"], table["feature_b"]] + [pa.array(filler)] * 48,
            names=["feature_a", "feature_b"] + [f"filler_{i}" for i in range(48)],
        )
        pq.write_table(wide, self.folder / "wide.parquet", compression="zstd", compression_level=1)

        keyed = table.append_column("split", PyArrow(self).splits())
        target = self.folder / "partitioned"
        shutil.rmtree(target, ignore_errors=True)
        options = ds.ParquetFileFormat().make_write_options(compression="zstd", compression_level=1)
        ds.write_dataset(
            keyed,
            target,
            format="parquet",
            file_options=options,
            partitioning=ds.partitioning(pa.schema([("split", pa.string())]), flavor="hive"),
        )

    def column(self, name: str):
        import numpy as np

        return np.load(self.folder / f"{name}.npy")

    def columns(self) -> dict:
        names = ["user_id", "feature_a", "feature_b", "label", "timestamp"]
        return {name: self.column(name) for name in names}

    def split_words(self):
        import numpy as np

        return np.array(["train", "val", "test"])[self.column("split")]

    def python_list(self, kind: str) -> list:
        import numpy as np

        rng = np.random.default_rng(7)
        if kind == "ints":
            return rng.integers(-(10**12), 10**12, size=self.list_rows).tolist()
        if kind == "floats":
            values = rng.standard_normal(self.list_rows).tolist()
            return [None if i % 10 == 0 else value for i, value in enumerate(values)]
        return [f"user {value}" for value in rng.integers(0, 10**9, size=self.list_rows).tolist()]

    def filter_bounds(self) -> tuple[int, int]:
        low = 1708000000000 + self.rows // 2
        return low, low + self.rows // 100


def set_aside(folder: Path) -> None:
    """Makes room for a new folder of this name. Nothing is deleted before the end of the run: file systems that keep
    the numbers of files deleted in the last minutes free would make the next thousand files pay for it."""
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name}-{time.time_ns()}"))


class Skip(Exception):
    """The engine does not offer this job."""


class Job:
    """`run` is what is timed; `rows` checks a result; `output` is the file or folder whose size counts."""

    def __init__(self, run, rows=None, output: Path | None = None, before=None):
        self.run = run
        self.rows = rows
        self.output = output
        self.before = before


# ---- engines ---------------------------------------------------------------------------------------------------------


class PyArrowLike:
    """Martlet takes pyarrow's calls, so both run the same lines; only the module differs."""

    module = ""

    def __init__(self, data: Data):
        self.data = data
        self.pa = importlib.import_module(self.module)
        self.work = Path(os.environ.get("MARTLET_BENCH_WORK", tempfile.gettempdir()))

    def lib(self, name: str):
        return importlib.import_module(f"{self.module}.{name}")

    def schema(self):
        pa = self.pa
        return pa.schema(
            [
                ("user_id", pa.int64()),
                ("feature_a", pa.float64()),
                ("feature_b", pa.float64()),
                ("label", pa.int32()),
                ("timestamp", pa.timestamp("ms")),
            ]
        )

    def table(self):
        columns = self.data.columns()
        schema = self.schema()
        arrays = [self.pa.array(columns[field.name], type=field.type) for field in schema]
        return self.pa.table(arrays, schema=schema)

    def splits(self):
        return self.pa.array(self.data.split_words(), type=self.pa.string())

    def parquet_write(self):
        pq, table, path = self.lib("parquet"), self.table(), self.work / "out.parquet"
        return Job(
            lambda: pq.write_table(table, path, compression="zstd", compression_level=1),
            rows=lambda _: pq.read_metadata(path).num_rows == self.data.rows,
            output=path,
        )

    def parquet_stream_write(self):
        pq, path = self.lib("parquet"), self.work / "out.parquet"
        batch = self.table().combine_chunks().to_batches()[0]
        per_table = self.data.rows // BATCH_ROWS

        def run():
            with pq.ParquetWriter(path, batch.schema, compression="zstd", compression_level=1) as writer:
                for i in range(2 * per_table):
                    writer.write_batch(batch.slice((i % per_table) * BATCH_ROWS, BATCH_ROWS))

        expected = 2 * per_table * BATCH_ROWS
        return Job(run, rows=lambda _: pq.read_metadata(path).num_rows == expected, output=path)

    def parquet_read(self):
        pq, path = self.lib("parquet"), self.data.folder / "all.parquet"
        return Job(lambda: pq.read_table(path), rows=lambda t: t.num_rows == self.data.rows)

    def parquet_read_2_of_50(self):
        pq, path = self.lib("parquet"), self.data.folder / "wide.parquet"
        return Job(
            lambda: pq.read_table(path, columns=["feature_a", "feature_b"]),
            rows=lambda t: t.num_rows == self.data.rows and t.num_columns == 2,
        )

    def parquet_filter(self):
        import datetime

        pq, path = self.lib("parquet"), self.data.folder / "all.parquet"
        zero = datetime.datetime(1970, 1, 1)
        low, high = (zero + datetime.timedelta(milliseconds=bound) for bound in self.data.filter_bounds())
        filters = [("timestamp", ">=", low), ("timestamp", "<", high)]
        return Job(
            lambda: pq.read_table(path, filters=filters), rows=lambda t: t.num_rows == self.data.rows // 100
        )

    def _dataset_write(self, table, key: str, rows: int):
        pq, target = self.lib("parquet"), self.work / "dataset"

        def before():
            set_aside(target)

        return Job(
            lambda: pq.write_to_dataset(table, target, partition_cols=[key], compression="zstd", compression_level=1),
            rows=lambda _: sum(pq.read_metadata(p).num_rows for p in target.glob("**/*.parquet")) == rows,
            output=target,
            before=before,
        )

    def dataset_write_3(self):
        return self._dataset_write(self.table().append_column("split", self.splits()), "split", self.data.rows)

    def dataset_write_1000(self):
        rows = self.data.keyed_rows
        table = self.table().slice(0, rows)
        table = table.append_column("key", self.pa.array(self.data.column("key"), type=self.pa.int32()))
        return self._dataset_write(table, "key", rows)

    def dataset_read_1_of_3(self):
        pq, path = self.lib("parquet"), self.data.folder / "partitioned"
        expected = int((self.data.column("split") == 0).sum())
        return Job(
            lambda: pq.read_table(path, filters=[("split", "=", "train")]), rows=lambda t: t.num_rows == expected
        )

    def ipc_write(self):
        pa, ipc, table, path = self.pa, self.lib("ipc"), self.table(), str(self.work / "out.arrow")

        def run():
            with pa.OSFile(path, "wb") as sink, ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table, max_chunksize=65536)

        def rows(_):
            return ipc.open_file(pa.memory_map(path)).read_all().num_rows == self.data.rows

        return Job(run, rows=rows, output=Path(path))

    def ipc_mmap_sum(self):
        pa, ipc, pc, path = self.pa, self.lib("ipc"), self.lib("compute"), str(self.data.folder / "all.arrow")

        def run():
            with pa.memory_map(path, "r") as source:
                table = ipc.open_file(source).read_all()
                return [
                    pc.sum(column.cast(pa.int64()) if column.type == pa.timestamp("ms") else column).as_py()
                    for column in table.columns
                ]

        return Job(run, rows=lambda sums: sums[3] == int(self.data.column("label").sum()))

    def ipc_pipe(self):
        ipc = self.lib("ipc")

        def read(stream):
            return ipc.open_stream(stream).read_all().num_rows

        return pipe_job(self.module, self.data, read)

    def pipe_writer(self, stream):
        ipc, table = self.lib("ipc"), self.table()

        def write():
            with ipc.new_stream(stream, table.schema) as writer:
                writer.write_table(table, max_chunksize=65536)
            stream.flush()

        return write

    def _to_array(self, kind, type):
        values = self.data.python_list(kind)
        return Job(lambda: self.pa.array(values, type=type), rows=lambda a: len(a) == self.data.list_rows)

    def _to_list(self, kind, type):
        array = self.pa.array(self.data.python_list(kind), type=type)
        return Job(lambda: array.to_pylist(), rows=lambda v: len(v) == self.data.list_rows)

    def list_to_array_ints(self):
        return self._to_array("ints", self.pa.int64())

    def list_to_array_floats(self):
        return self._to_array("floats", self.pa.float64())

    def list_to_array_strings(self):
        return self._to_array("strings", self.pa.string())

    def array_to_list_ints(self):
        return self._to_list("ints", self.pa.int64())

    def array_to_list_floats(self):
        return self._to_list("floats", self.pa.float64())

    def array_to_list_strings(self):
        return self._to_list("strings", self.pa.string())


class Martlet(PyArrowLike):
    module = "martlet"


class PyArrow(PyArrowLike):
    module = "pyarrow"


class Peer:
    """What the other engines share: a job that they do not define is skipped."""

    def __init__(self, data: Data):
        self.data = data
        self.work = Path(os.environ.get("MARTLET_BENCH_WORK", tempfile.gettempdir()))

    def __getattr__(self, name: str):
        if name in JOBS or name == "pipe_writer":
            raise Skip(name)
        raise AttributeError(name)


class Polars(Peer):
    def __init__(self, data: Data):
        super().__init__(data)
        self.pl = importlib.import_module("polars")

    def table(self):
        pl = self.pl
        return pl.DataFrame(self.data.columns()).with_columns(pl.col("timestamp").cast(pl.Datetime("ms")))

    def _count(self, path) -> int:
        return self.pl.scan_parquet(path).select(self.pl.len()).collect().item()

    def parquet_write(self):
        table, path = self.table(), self.work / "out.parquet"
        return Job(
            lambda: table.write_parquet(path, compression="zstd", compression_level=1),
            rows=lambda _: self._count(path) == self.data.rows,
            output=path,
        )

    def parquet_stream_write(self):
        # polars has no writer that takes batches: its nearest is one sink over the batches' concatenation.
        pl, table, path = self.pl, self.table(), self.work / "out.parquet"
        per_table = self.data.rows // BATCH_ROWS

        def run():
            batches = [table.slice((i % per_table) * BATCH_ROWS, BATCH_ROWS) for i in range(2 * per_table)]
            pl.concat(batches, rechunk=False).write_parquet(path, compression="zstd", compression_level=1)

        return Job(run, rows=lambda _: self._count(path) == 2 * per_table * BATCH_ROWS, output=path)

    def parquet_read(self):
        path = self.data.folder / "all.parquet"
        return Job(lambda: self.pl.read_parquet(path), rows=lambda t: t.height == self.data.rows)

    def parquet_read_2_of_50(self):
        path = self.data.folder / "wide.parquet"
        return Job(
            lambda: self.pl.read_parquet(path, columns=["feature_a", "feature_b"]),
            rows=lambda t: t.height == self.data.rows,
        )

    def parquet_filter(self):
        pl, path = self.pl, self.data.folder / "all.parquet"
        low, high = (pl.lit(bound).cast(pl.Datetime("ms")) for bound in self.data.filter_bounds())
        wanted = (pl.col("timestamp") >= low) & (pl.col("timestamp") < high)
        return Job(
            lambda: pl.scan_parquet(path).filter(wanted).collect(),
            rows=lambda t: t.height == self.data.rows // 100,
        )

    def _dataset_write(self, table, key: str, rows: int):
        pl, target = self.pl, self.work / "dataset"

        def before():
            set_aside(target)

        def run():
            table.lazy().sink_parquet(
                pl.PartitionBy(target, key=key), compression="zstd", compression_level=1, mkdir=True
            )

        return Job(
            run,
            rows=lambda _: self._count(str(target / "**" / "*.parquet")) == rows,
            output=target,
            before=before,
        )

    def dataset_write_3(self):
        pl = self.pl
        table = self.table().with_columns(pl.Series("split", self.data.split_words().tolist(), dtype=pl.String))
        return self._dataset_write(table, "split", self.data.rows)

    def dataset_write_1000(self):
        rows = self.data.keyed_rows
        table = self.table().slice(0, rows).with_columns(self.pl.Series("key", self.data.column("key")))
        return self._dataset_write(table, "key", rows)

    def dataset_read_1_of_3(self):
        pl, path = self.pl, self.data.folder / "partitioned"
        expected = int((self.data.column("split") == 0).sum())
        return Job(
            lambda: pl.scan_parquet(path, hive_partitioning=True).filter(pl.col("split") == "train").collect(),
            rows=lambda t: t.height == expected,
        )

    def ipc_write(self):
        table, path = self.table(), self.work / "out.arrow"
        return Job(
            lambda: table.write_ipc(path, compression="uncompressed"),
            rows=lambda _: self.pl.read_ipc(path).height == self.data.rows,
            output=path,
        )

    def ipc_mmap_sum(self):
        pl, path = self.pl, self.data.folder / "all.arrow"
        sums = [pl.all().exclude("timestamp").sum(), pl.col("timestamp").to_physical().sum()]
        return Job(
            lambda: pl.scan_ipc(path).select(sums).collect(),
            rows=lambda t: t["label"].item() == int(self.data.column("label").sum()),
        )

    def ipc_pipe(self):
        return pipe_job("polars", self.data, lambda stream: self.pl.read_ipc_stream(stream).height)

    def pipe_writer(self, stream):
        table = self.table()

        def write():
            table.write_ipc_stream(stream)
            stream.flush()

        return write

    def _to_array(self, kind, dtype):
        values = self.data.python_list(kind)
        return Job(
            lambda: self.pl.Series(values, dtype=dtype), rows=lambda a: len(a) == self.data.list_rows
        )

    def _to_list(self, kind, dtype):
        series = self.pl.Series(self.data.python_list(kind), dtype=dtype)
        return Job(lambda: series.to_list(), rows=lambda v: len(v) == self.data.list_rows)

    def list_to_array_ints(self):
        return self._to_array("ints", self.pl.Int64)

    def list_to_array_floats(self):
        return self._to_array("floats", self.pl.Float64)

    def list_to_array_strings(self):
        return self._to_array("strings", self.pl.String)

    def array_to_list_ints(self):
        return self._to_list("ints", self.pl.Int64)

    def array_to_list_floats(self):
        return self._to_list("floats", self.pl.Float64)

    def array_to_list_strings(self):
        return self._to_list("strings", self.pl.String)


class DuckDB(Peer):
    def __init__(self, data: Data):
        super().__init__(data)
        self.con = importlib.import_module("duckdb").connect()

    def table(self, rows: int | None = None, extra: dict | None = None) -> str:
        columns = self.data.columns() | (extra or {})
        rows = rows or self.data.rows
        columns = {name: values[:rows] for name, values in columns.items()}
        select = "* replace (epoch_ms(timestamp)::timestamp_ms as timestamp)"
        if "split" in columns:
            select = (
                "* replace (epoch_ms(timestamp)::timestamp_ms as timestamp, "
                "['train', 'val', 'test'][split + 1] as split)"
            )
        self.con.register("source", columns)
        self.con.execute(f"create table data as select {select} from source")
        self.con.unregister("source")
        return "data"

    def _count(self, path) -> int:
        return self.con.execute(f"select count(*) from read_parquet('{path}')").fetchone()[0]

    def _copy(self, query: str, path: Path, extra: str = ""):
        options = f"format parquet, compression zstd, compression_level 1{extra}"
        return lambda: self.con.execute(f"copy ({query}) to '{path}' ({options})").fetchall()

    def parquet_write(self):
        self.table()
        path = self.work / "out.parquet"
        return Job(
            self._copy("from data", path), rows=lambda _: self._count(path) == self.data.rows, output=path
        )

    def parquet_stream_write(self):
        # duckdb takes a stream of Arrow batches; they come from pyarrow.
        import pyarrow as pa

        arrow = PyArrow(self.data)
        batch = arrow.table().combine_chunks().to_batches()[0]
        per_table = self.data.rows // BATCH_ROWS
        path = self.work / "out.parquet"

        def run():
            batches = (batch.slice((i % per_table) * BATCH_ROWS, BATCH_ROWS) for i in range(2 * per_table))
            reader = pa.RecordBatchReader.from_batches(batch.schema, batches)
            connection = self.con.cursor()
            connection.register("stream", reader)
            options = "format parquet, compression zstd, compression_level 1"
            connection.execute(f"copy (from stream) to '{path}' ({options})").fetchall()
            connection.close()

        return Job(run, rows=lambda _: self._count(path) == 2 * per_table * BATCH_ROWS, output=path)

    def _query(self, sql: str, rows: int):
        return Job(lambda: self.con.execute(sql).to_arrow_table(), rows=lambda t: t.num_rows == rows)

    def parquet_read(self):
        return self._query(f"from read_parquet('{self.data.folder}/all.parquet')", self.data.rows)

    def parquet_read_2_of_50(self):
        sql = f"select feature_a, feature_b from read_parquet('{self.data.folder}/wide.parquet')"
        return self._query(sql, self.data.rows)

    def parquet_filter(self):
        low, high = self.data.filter_bounds()
        sql = (
            f"from read_parquet('{self.data.folder}/all.parquet') "
            f"where timestamp >= epoch_ms({low}) and timestamp < epoch_ms({high})"
        )
        return self._query(sql, self.data.rows // 100)

    def _dataset_write(self, key: str, rows: int):
        target = self.work / "dataset"

        def before():
            set_aside(target)

        return Job(
            self._copy("from data", target, f", partition_by ({key})"),
            rows=lambda _: self._count(f"{target}/**/*.parquet") == rows,
            output=target,
            before=before,
        )

    def dataset_write_3(self):
        self.table(extra={"split": self.data.column("split")})
        return self._dataset_write("split", self.data.rows)

    def dataset_write_1000(self):
        rows = self.data.keyed_rows
        self.table(rows, {"key": self.data.column("key")})
        return self._dataset_write("key", rows)

    def dataset_read_1_of_3(self):
        expected = int((self.data.column("split") == 0).sum())
        sql = (
            f"from read_parquet('{self.data.folder}/partitioned/**/*.parquet', hive_partitioning = true) "
            "where split = 'train'"
        )
        return self._query(sql, expected)


class Arro3(Peer):
    def __init__(self, data: Data):
        super().__init__(data)
        self.core = importlib.import_module("arro3.core")
        self.io = importlib.import_module("arro3.io")

    def table(self):
        columns = self.data.columns()
        arrays = {name: self.core.Array.from_numpy(values) for name, values in columns.items()}
        arrays["timestamp"] = arrays["timestamp"].cast(self.core.DataType.timestamp("ms"))
        return self.core.Table.from_pydict(arrays)

    def _write(self, source, path: Path, rows: int):
        def run():
            self.io.write_parquet(source(), path, compression="zstd(1)")

        def count(_):
            import pyarrow.parquet as pq

            return pq.read_metadata(path).num_rows == rows

        return Job(run, rows=count, output=path)

    def parquet_write(self):
        table = self.table()
        return self._write(lambda: table, self.work / "out.parquet", self.data.rows)

    def parquet_stream_write(self):
        table = self.table()
        batch = table.combine_chunks().to_batches()[0]
        per_table = self.data.rows // BATCH_ROWS

        def source():
            batches = [batch.slice((i % per_table) * BATCH_ROWS, BATCH_ROWS) for i in range(2 * per_table)]
            return self.core.RecordBatchReader.from_batches(batch.schema, batches)

        return self._write(source, self.work / "out.parquet", 2 * per_table * BATCH_ROWS)

    def parquet_read(self):
        path = self.data.folder / "all.parquet"
        return Job(
            lambda: self.io.read_parquet(path, batch_size=65536).read_all(),
            rows=lambda t: t.num_rows == self.data.rows,
        )

    def ipc_write(self):
        table, path = self.table(), self.work / "out.arrow"
        return Job(lambda: self.io.write_ipc(table, path, compression=None), output=path)

    def ipc_pipe(self):
        return pipe_job("arro3", self.data, lambda stream: self.io.read_ipc_stream(stream).read_all().num_rows)

    def pipe_writer(self, stream):
        table = self.table()

        def write():
            self.io.write_ipc_stream(table, stream, compression=None)
            stream.flush()

        return write

    def _to_array(self, kind, type):
        values = self.data.python_list(kind)
        return Job(lambda: self.core.Array(values, type), rows=lambda a: len(a) == self.data.list_rows)

    def _to_list(self, kind, type):
        array = self.core.Array(self.data.python_list(kind), type)
        return Job(lambda: array.to_pylist(), rows=lambda v: len(v) == self.data.list_rows)

    def list_to_array_ints(self):
        return self._to_array("ints", self.core.DataType.int64())

    def list_to_array_floats(self):
        return self._to_array("floats", self.core.DataType.float64())

    def list_to_array_strings(self):
        return self._to_array("strings", self.core.DataType.string())

    def array_to_list_ints(self):
        return self._to_list("ints", self.core.DataType.int64())

    def array_to_list_floats(self):
        return self._to_list("floats", self.core.DataType.float64())

    def array_to_list_strings(self):
        return self._to_list("strings", self.core.DataType.string())


CLASSES = {"martlet": Martlet, "pyarrow": PyArrow, "polars": Polars, "duckdb": DuckDB, "arro3": Arro3}


# ---- one process: one engine, one job --------------------------------------------------------------------------------


def pipe_job(engine: str, data: Data, read) -> Job:
    """A second process of the same engine writes the stream when told; what is timed is until all of it is read."""
    command = [sys.executable, __file__, "--pipe-writer", engine, "--data", str(data.folder), "--rows", str(data.rows)]

    def before():
        nonlocal child
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if child.stdout.read(1) != b"R":
            raise RuntimeError(f"the {engine} writer did not start")

    def run():
        child.stdin.write(b"G")
        child.stdin.flush()
        rows = read(child.stdout)
        return rows

    def check(rows):
        child.stdin.close()
        child.stdout.close()
        return child.wait() == 0 and rows == data.rows

    child = None
    return Job(run, rows=check, before=before)


def pipe_writer(engine: str, data: Data) -> None:
    stream = os.fdopen(os.dup(1), "wb")
    write = CLASSES[engine](data).pipe_writer(stream)
    stream.write(b"R")
    stream.flush()
    if sys.stdin.buffer.read(1) == b"G":
        write()
    stream.close()


def memory(key: str) -> int:
    """Bytes from /proc/self/status: VmRSS, VmHWM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    return 0


def size_of(path: Path | None) -> int | None:
    if path is None:
        return None
    if path.is_dir():
        return sum(file.stat().st_size for file in path.glob("**/*") if file.is_file())
    return path.stat().st_size


def measure(engine: str, name: str, data: Data, repeat: int) -> dict:
    try:
        job = getattr(CLASSES[engine](data), name)()
    except Skip:
        return {"skipped": "not offered"}

    times, added, peak = [], 0, 0
    for i in range(repeat + 1):
        if job.before:
            job.before()
        if job.output:
            # What the last repetition left for the disk is not this one's work.
            os.sync()
        gc.collect()
        if i == 0:
            # Makes the peak of the process start again from what it holds now.
            Path("/proc/self/clear_refs").write_text("5")
            start = memory("VmRSS")
        begin = time.perf_counter()
        result = job.run()
        elapsed = time.perf_counter() - begin
        if i == 0:
            peak = memory("VmHWM")
            added = max(peak - start, 0)
        else:
            times.append(elapsed)
        if job.rows and not job.rows(result):
            raise SystemExit(f"{engine} {name}: wrong result")
        del result
    return {"times": times, "added": added, "peak": peak, "size": size_of(job.output)}


# ---- all of them -----------------------------------------------------------------------------------------------------


def run_child(engine: str, job: str, data: Data, repeat: int, work: Path) -> dict:
    command = [sys.executable, __file__, "--child", engine, job, "--repeat", str(repeat)]
    command += ["--data", str(data.folder), "--rows", str(data.rows)]
    environment = os.environ | {"MARTLET_BENCH_WORK": str(work)}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    except subprocess.TimeoutExpired:
        return {"failed": "more than 600 s"}
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line.removeprefix("RESULT "))
    lines = (done.stderr or done.stdout).strip().splitlines()
    return {"failed": lines[-1] if lines else f"exit status {done.returncode}"}


def merge(rounds: list[dict]) -> dict:
    good = [r for r in rounds if "times" in r]
    if not good:
        return rounds[-1]
    times = [t for r in good for t in r["times"]]
    return {
        "best": min(times),
        "median": statistics.median(times),
        "added": min(r["added"] for r in good),
        "peak": min(r["peak"] for r in good),
        "size": good[-1]["size"],
    }


def verdict(name: str, results: dict) -> tuple[str, str, str]:
    """Ratios of pyarrow and of the best peer to Martlet (above 1: Martlet is faster), and whether the goal is met."""
    ours = results.get("martlet", {})
    peers = {e: r["best"] for e, r in results.items() if e != "martlet" and "best" in r}
    if "best" not in ours or not peers:
        return "", "", "-"
    best_peer = min(peers, key=peers.get)
    to_best = peers[best_peer] / ours["best"]
    to_pyarrow = peers["pyarrow"] / ours["best"] if "pyarrow" in peers else None
    goal = JOBS[name][1]
    if goal == "best":
        met = to_best >= 1
    else:
        met = to_pyarrow is not None and to_pyarrow >= float(goal.split("x")[0])
    return (
        f"{to_pyarrow:.2f}" if to_pyarrow else "",
        f"{to_best:.2f} {best_peer}",
        f"{'yes' if met else 'NO'} ({goal})",
    )


def cell(result: dict | None, key: str) -> str:
    if not result or "skipped" in result:
        return "-"
    if "failed" in result:
        return "failed"
    value = result.get(key)
    if value is None:
        return "-"
    if key in ("best", "median"):
        return f"{value * 1000:.1f}"
    return f"{value / 1e6:.1f}"


def print_table(title: str, results: dict, engines: list[str], key: str) -> None:
    width = max(len(JOBS[name][0]) for name in results) + 1
    print(f"\n{title}")
    print(" " * width + "".join(f"{engine:>10}" for engine in engines))
    for name, row in results.items():
        if any(cell(row.get(engine), key) not in ("-", "failed") for engine in engines):
            print(JOBS[name][0].ljust(width) + "".join(f"{cell(row.get(e), key):>10}" for e in engines))


def import_times(engines: list[str]) -> dict:
    """Milliseconds that `import` adds to a bare interpreter, the best of seven."""

    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def best(code: str) -> float:
        times = []
        for _ in range(8):
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
            times.append(time.perf_counter() - begin)
        return min(times[1:])

    # Compiled modules count, as after an installation.
    with tempfile.TemporaryDirectory() as compiled:
        environment["PYTHONPYCACHEPREFIX"] = compiled
        bare = best("pass")
        modules = {"arro3": "arro3.core"}
        result = {}
        for engine in engines:
            module = modules.get(engine, engine)
            if importlib.util.find_spec(module.split(".")[0]):
                result[engine] = best(f"import {module}") - bare
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, one round")
    parser.add_argument("--rows", type=int, help="rows of the main table (5,000,000)")
    parser.add_argument("--rounds", type=int, help="processes for each engine and job (2)")
    parser.add_argument("--repeat", type=int, default=3, help="timed repetitions in each process (3)")
    parser.add_argument("--jobs", help="only these, comma-separated: " + ", ".join(JOBS))
    parser.add_argument("--engines", default=",".join(ENGINES), help="only these, comma-separated")
    parser.add_argument("--json", help="also write all numbers to this file")
    parser.add_argument("--dir", help="where to keep inputs and write outputs (the system's temporary directory)")
    parser.add_argument("--child", nargs=2, metavar=("ENGINE", "JOB"), help=argparse.SUPPRESS)
    parser.add_argument("--pipe-writer", metavar="ENGINE", help=argparse.SUPPRESS)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    arguments = parser.parse_args()

    # The package of this checkout comes before an installed one.
    bindings = str(Path(__file__).resolve().parent.parent / "bindings" / "python")
    sys.path.insert(0, bindings)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [bindings, os.environ.get("PYTHONPATH")]))

    if arguments.child:
        engine, job = arguments.child
        result = measure(engine, job, Data(Path(arguments.data), arguments.rows), arguments.repeat)
        print("RESULT " + json.dumps(result), flush=True)
        return 0
    if arguments.pipe_writer:
        pipe_writer(arguments.pipe_writer, Data(Path(arguments.data), arguments.rows))
        return 0

    rows = arguments.rows or (500_000 if arguments.quick else 5_000_000)
    rounds = arguments.rounds or (1 if arguments.quick else 2)
    engines = [e for e in arguments.engines.split(",") if e]
    jobs = [j for j in (arguments.jobs or ",".join(JOBS)).split(",") if j]
    for name in jobs:
        if name not in JOBS:
            parser.error(f"no job {name!r}; the jobs are {', '.join(JOBS)}")
    base = Path(arguments.dir or tempfile.gettempdir()) / f"martlet-bench-{os.getuid()}"
    data = Data(base / f"inputs-{rows}", rows)
    print(f"preparing {rows:,} rows in {data.folder}", flush=True)
    data.prepare()
    work = base / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)

    results: dict[str, dict[str, dict]] = {}
    width = max(len(JOBS[name][0]) for name in jobs) + 1
    print(f"\nbest of {rounds * arguments.repeat}, milliseconds; ratios above 1: Martlet is faster\n")
    header = "".join(f"{engine:>10}" for engine in engines)
    print(" " * width + header + f"{'vs pyarrow':>12}  {'vs best':<14}{'goal met':<20}")
    for name in jobs:
        collected: dict[str, list[dict]] = {engine: [] for engine in engines}
        for _ in range(rounds):
            for engine in engines:
                collected[engine].append(run_child(engine, name, data, arguments.repeat, work))
        results[name] = {engine: merge(runs) for engine, runs in collected.items()}
        to_pyarrow, to_best, met = verdict(name, results[name])
        cells = "".join(f"{cell(results[name][engine], 'best'):>10}" for engine in engines)
        print(JOBS[name][0].ljust(width) + cells + f"{to_pyarrow:>12}  {to_best:<14}{met:<20}", flush=True)
    shutil.rmtree(work, ignore_errors=True)

    print_table("median, milliseconds", results, engines, "median")
    print_table("peak memory of the process, MB", results, engines, "peak")
    print_table("of that, what the job added to its inputs, MB", results, engines, "added")
    print_table("size of what was written, MB", results, engines, "size")
    imports = import_times(engines)
    print("\nimport over a bare interpreter, ms: " + ", ".join(f"{e} {t * 1000:.0f}" for e, t in imports.items()))
    for name, row in results.items():
        for engine, result in row.items():
            if "failed" in result:
                print(f"failed: {engine}, {JOBS[name][0]}: {result['failed']}")

    if arguments.json:
        document = {"rows": rows, "rounds": rounds, "repeat": arguments.repeat, "jobs": results, "import": imports}
        Path(arguments.json).write_text(json.dumps(document, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
