"""What all engines are given: the same rows, the same files, and the shape of a job."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from tables import make_shapes

BATCH_ROWS = 5_000
ENCRYPTION_KEY = b"0123456789012345"
SCRIPT = Path(__file__).with_name("bench.py")


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
        stamp = f"{self.rows} rows, form 4"
        if done.exists() and done.read_text() == stamp:
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
        make_shapes(self.folder, 2 * self.rows)
        done.write_text(stamp)

    def _prepare_files(self, columns) -> None:
        """The files that all engines read, written by pyarrow."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.dataset as ds
        import pyarrow.ipc as ipc
        import pyarrow.parquet as pq

        table = pa.table({**self.columns(), "timestamp": pa.array(self.column("timestamp"), type=pa.timestamp("ms"))})
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

        # Mostly footer: a hundred thousand column chunks.
        many = pa.table({f"column_{i:04}": np.arange(50) + i for i in range(5_000)})
        with pq.ParquetWriter(self.folder / "many.parquet", many.schema, compression="none", use_dictionary=False) as writer:
            for _ in range(20):
                writer.write_table(many)

        import pyarrow.parquet.encryption as encryption

        pq.write_table(
            table, self.folder / "encrypted.parquet", compression="zstd", compression_level=1,
            encryption_properties=encryption.create_encryption_properties(ENCRYPTION_KEY))

        # Ten thousand batches.
        size = max(self.rows // 10_000, 1)
        with ipc.new_file(str(self.folder / "batches.arrow"), table.schema) as writer:
            writer.write_table(table.slice(0, 10_000 * size), max_chunksize=size)

        # Twice the rows, for kernels: numbers as text, a key, values.
        rng = np.random.default_rng(11)
        count = 2 * self.rows
        numbers = rng.integers(0, 10**9, size=count)
        columns = pa.table(
            {
                "number": numbers,
                "text": pa.array(numbers).cast(pa.string()),
                "value": rng.standard_normal(count),
                "key": rng.integers(0, 1000, size=count),
                "time": pa.array(numbers * 1_000_000, type=pa.timestamp("ns")),
                "mask": rng.random(count) < 0.5,
                "order": rng.permutation(count),
            }
        )
        with ipc.new_file(str(self.folder / "columns.arrow"), columns.schema) as writer:
            writer.write_table(columns)

        keyed = table.append_column("split", pa.array(self.split_words(), type=pa.string()))
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
    """`run` is what is timed; `rows` checks a result; `output` is the file or folder whose size counts; `moved` are the
    bytes that have to be read and written, where nothing else is to be done."""

    def __init__(self, run, rows=None, output: Path | None = None, before=None, moved: int | None = None):
        self.run = run
        self.rows = rows
        self.output = output
        self.before = before
        self.moved = moved


def pipe_job(engine: str, data: Data, read) -> Job:
    """A second process of the same engine writes the stream when told; what is timed is until all of it is read."""
    command = [sys.executable, str(SCRIPT), "--pipe-writer", engine, "--data", str(data.folder), "--rows", str(data.rows)]

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
