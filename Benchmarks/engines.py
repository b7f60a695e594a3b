"""The jobs over files and Python lists, written for each engine as its own users would."""

from __future__ import annotations

import importlib
import os
import tempfile
from pathlib import Path

from columns import Arro3Columns, PolarsColumns, PyArrowLikeColumns
from inputs import BATCH_ROWS, ENCRYPTION_KEY, Data, Job, Skip, pipe_job, set_aside
from shapes import Arro3Shapes, DuckDBShapes, PolarsShapes, PyArrowLikeShapes


class PyArrowLike(PyArrowLikeColumns, PyArrowLikeShapes):
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

    def parquet_read_1_of_5000(self):
        pq, path = self.lib("parquet"), self.data.folder / "many.parquet"
        return Job(lambda: pq.read_table(path, columns=["column_2500"]), rows=lambda t: t.num_rows == 1000)

    def parquet_encrypted_write(self):
        pq, table, path = self.lib("parquet"), self.table(), self.work / "out.parquet"
        keys = self.lib("parquet.encryption")

        def write():
            properties = keys.create_encryption_properties(ENCRYPTION_KEY)
            pq.write_table(table, path, compression="zstd", compression_level=1, encryption_properties=properties)

        return Job(write, output=path)

    def parquet_encrypted_read(self):
        pq, path = self.lib("parquet"), self.data.folder / "encrypted.parquet"
        properties = self.lib("parquet.encryption").create_decryption_properties(ENCRYPTION_KEY)
        return Job(
            lambda: pq.read_table(path, decryption_properties=properties), rows=lambda t: t.num_rows == self.data.rows)

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
        if name.startswith("_"):
            raise AttributeError(name)
        raise Skip(name)


class Polars(PolarsColumns, PolarsShapes, Peer):
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

    def parquet_read_1_of_5000(self):
        path = self.data.folder / "many.parquet"
        return Job(lambda: self.pl.read_parquet(path, columns=["column_2500"]), rows=lambda t: t.height == 1000)

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


class DuckDB(DuckDBShapes, Peer):
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

    def parquet_read_1_of_5000(self):
        return self._query(f"select column_2500 from read_parquet('{self.data.folder}/many.parquet')", 1000)

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


class Arro3(Arro3Columns, Arro3Shapes, Peer):
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
