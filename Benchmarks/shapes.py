"""Parquet's own jobs: tables of numbers, of text and of nested values, and a stream that no memory holds. Each engine
writes what it holds in its own structures, and reads what pyarrow wrote."""

from __future__ import annotations

from inputs import Job, Skip
from tables import STREAM_TIMES


class Shapes:
    """Every engine says how it `_load`s a table, `_store`s and `_fetch`es one, `_store_stream`s and `_fetch_stream`s."""

    def _write_shape(self, shape: str) -> Job:
        table, path = self._load(self.data.folder / f"{shape}.arrow"), self.work / f"out-{shape}.parquet"
        return Job(lambda: self._store(table, path), rows=lambda _: parquet_rows(path) == 2 * self.data.rows, output=path)

    def _read_shape(self, shape: str, columns: list[str] | None = None) -> Job:
        path = self.data.folder / f"{shape}.parquet"
        return Job(lambda: self._fetch(path, columns), rows=lambda t: self._height(t) == 2 * self.data.rows)

    def write_numbers(self):
        return self._write_shape("numbers")

    def write_text(self):
        return self._write_shape("text")

    def write_nested(self):
        return self._write_shape("nested")

    def read_numbers(self):
        return self._read_shape("numbers")

    def read_text(self):
        return self._read_shape("text")

    def read_nested(self):
        return self._read_shape("nested")

    def read_nested_leaf(self):
        return self._read_shape("nested", ["items"])

    def write_stream(self):
        # Batches of a tenth of the table, over and over.
        table, path = self._load(self.data.folder / "numbers.arrow"), self.work / "out-stream.parquet"
        size = 2 * self.data.rows // 10
        slices = [table[i * size : (i + 1) * size] for i in range(10)]
        rounds = STREAM_TIMES // 2
        return Job(
            lambda: self._store_stream(slices, rounds, path),
            rows=lambda _: parquet_rows(path) == rounds * 10 * size,
            output=path,
        )

    def read_stream(self):
        path = self.data.folder / "stream.parquet"
        return Job(lambda: self._fetch_stream(path), rows=lambda count: count == STREAM_TIMES * self.data.rows)


def parquet_rows(path) -> int:
    import pyarrow.parquet as pq

    return pq.read_metadata(path).num_rows


class PyArrowLikeShapes(Shapes):
    def _load(self, path):
        source = self.pa.OSFile(str(path))
        table = self.lib("ipc").open_file(source).read_all()
        return table.combine_chunks()

    def _store(self, table, path):
        self.lib("parquet").write_table(table, path, compression="zstd", compression_level=1)

    def _fetch(self, path, columns):
        return self.lib("parquet").read_table(path, columns=columns)

    def _height(self, table):
        return table.num_rows

    def _store_stream(self, slices, rounds, path):
        pq = self.lib("parquet")
        with pq.ParquetWriter(path, slices[0].schema, compression="zstd", compression_level=1) as writer:
            for _ in range(rounds):
                for part in slices:
                    writer.write_table(part)

    def _fetch_stream(self, path):
        return sum(batch.num_rows for batch in self.lib("parquet").ParquetFile(path).iter_batches(batch_size=1 << 16))

    def pass_stream(self, direction: str, share: int) -> int:
        """A stream of a `share`th of the long stream's rows, of which no more than a batch is ever held here: each is made
        when it is its turn. Reading takes the file that writing left, and stops when it has had enough."""
        import numpy as np

        pa, pq = self.pa, self.lib("parquet")
        path, rows, size = self.work / "long.parquet", STREAM_TIMES * self.data.rows // share, 1 << 17
        if direction == "read":
            if not path.exists():
                self.pass_stream("write", 1)
            count = 0
            for batch in pq.ParquetFile(path).iter_batches(batch_size=1 << 16):
                count += batch.num_rows
                if count >= rows:
                    break
            return count
        schema = pa.schema([("id", pa.int64()), ("price", pa.float64()), ("noise", pa.float32()), ("level", pa.int32())])
        rng = np.random.default_rng(3)
        with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
            for start in range(0, rows, size):
                count = min(size, rows - start)
                columns = [
                    np.arange(start, start + count),
                    np.round(rng.random(count) * 1000, 2),
                    rng.random(count, dtype=np.float32),
                    rng.integers(0, 100, count, dtype=np.int32),
                ]
                arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema)]
                writer.write_batch(pa.record_batch(arrays, schema=schema))
        return pq.read_metadata(path).num_rows


class PolarsShapes(Shapes):
    def _load(self, path):
        return self.pl.read_ipc(path).rechunk()

    def _store(self, table, path):
        table.write_parquet(path, compression="zstd", compression_level=1)

    def _fetch(self, path, columns):
        return self.pl.read_parquet(path, columns=columns)

    def _height(self, table):
        return table.height

    def _store_stream(self, slices, rounds, path):
        frames = self.pl.concat([part.lazy() for part in slices] * rounds)
        frames.sink_parquet(path, compression="zstd", compression_level=1)

    def _fetch_stream(self, path):
        frames = self.pl.scan_parquet(path).collect_batches()
        return sum(frame.height for frame in frames)


class DuckDBShapes(Shapes):
    def _load(self, path):
        import pyarrow.ipc as ipc

        self.con.register("source", ipc.open_file(str(path)).read_all())
        self.con.execute("create table shape as from source")
        self.con.unregister("source")
        return "shape"

    def _store(self, table, path):
        self._copy(f"from {table}", path)()

    def _fetch(self, path, columns):
        names = ", ".join(columns or "*")
        return self.con.execute(f"select {names} from read_parquet('{path}')").to_arrow_table()

    def _height(self, table):
        return table.num_rows

    def write_stream(self):
        table, path = self._load(self.data.folder / "numbers.arrow"), self.work / "out-stream.parquet"
        query = " union all ".join([f"from {table}"] * (STREAM_TIMES // 2))
        return Job(
            self._copy(query, path), rows=lambda _: parquet_rows(path) == STREAM_TIMES * self.data.rows, output=path
        )

    def _fetch_stream(self, path):
        reader = self.con.execute(f"from read_parquet('{path}')").to_arrow_reader(1 << 16)
        return sum(batch.num_rows for batch in reader)


class Arro3Shapes(Shapes):
    def _load(self, path):
        return self.io.read_ipc(path).read_all().combine_chunks()

    def _store(self, table, path):
        self.io.write_parquet(table, path, compression="zstd(1)")

    def _fetch(self, path, columns):
        if columns:
            raise Skip("no columns argument")
        return self.io.read_parquet(path, batch_size=65536).read_all()

    def read_nested_leaf(self):
        raise Skip("no columns argument")

    def _height(self, table):
        return table.num_rows

    def write_stream(self):
        batch = self._load(self.data.folder / "numbers.arrow").to_batches()[0]
        size, rounds, path = 2 * self.data.rows // 10, STREAM_TIMES // 2, self.work / "out-stream.parquet"

        def run():
            batches = [batch.slice(i * size, size) for i in range(10)] * rounds
            reader = self.core.RecordBatchReader.from_batches(batch.schema, batches)
            self.io.write_parquet(reader, path, compression="zstd(1)")

        return Job(run, rows=lambda _: parquet_rows(path) == rounds * 10 * size, output=path)

    def _fetch_stream(self, path):
        return sum(batch.num_rows for batch in self.io.read_parquet(path, batch_size=1 << 16))
