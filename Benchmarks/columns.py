"""The jobs over columns in memory and over IPC, written for each engine as its own users would."""

from __future__ import annotations

from inputs import Job

SMALL_BATCHES = 100_000


class Exported:
    """An object that shows nothing but Arrow's C interface, so that no engine recognises its own."""

    def __init__(self, batch):
        self.batch = batch

    def __arrow_c_array__(self, requested_schema=None):
        return self.batch.__arrow_c_array__(requested_schema)


class PyArrowLikeColumns:
    """Martlet takes pyarrow's calls, so both run the same lines."""

    def _ipc_compressed(self, codec):
        pa, ipc, table, path = self.pa, self.lib("ipc"), self.table(), self.work / f"out-{codec}.arrow"
        options = ipc.IpcWriteOptions(compression=codec)

        def run():
            with pa.OSFile(str(path), "wb") as sink, ipc.new_file(sink, table.schema, options=options) as writer:
                writer.write_table(table, max_chunksize=65536)

        def rows(_):
            return ipc.open_file(pa.memory_map(str(path))).read_all().num_rows == self.data.rows

        return Job(run, rows=rows, output=path)

    def ipc_zstd(self):
        return self._ipc_compressed("zstd")

    def ipc_lz4(self):
        return self._ipc_compressed("lz4")

    def ipc_open(self):
        pa, ipc, path = self.pa, self.lib("ipc"), str(self.data.folder / "batches.arrow")

        def run():
            with pa.memory_map(path) as source:
                return ipc.open_file(source).read_all()

        return Job(run, rows=lambda table: table.num_rows == self.data.rows // 10_000 * 10_000)

    def share_batches(self):
        pa = self.pa
        batch = pa.record_batch({"a": pa.array([1, 2, 3]), "b": pa.array(["x", "y", None])})
        exported = Exported(batch)

        def run():
            for _ in range(SMALL_BATCHES):
                last = pa.record_batch(exported)
            return last

        return Job(run, rows=lambda last: last.num_rows == 3 and last.num_columns == 2)

    def _columns(self, *names):
        pa, ipc = self.pa, self.lib("ipc")
        with pa.memory_map(str(self.data.folder / "columns.arrow")) as source:
            # Into memory of the process: mapped pages would be part of what is timed.
            table = ipc.open_file(source).read_all().select(names)
            copy = ipc.open_stream(self._stream(table)).read_all()
            return [column.combine_chunks() for column in copy.columns]

    def _stream(self, table):
        sink = self.pa.BufferOutputStream()
        with self.lib("ipc").new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return sink.getvalue()

    def cast_text(self):
        pc, pa = self.lib("compute"), self.pa
        (text,) = self._columns("text")
        return Job(lambda: pc.cast(text, pa.int64()), rows=lambda a: len(a) == 2 * self.data.rows)

    def cast_time(self):
        pc, pa = self.lib("compute"), self.pa
        (time,) = self._columns("time")
        return Job(
            lambda: pc.cast(time, pa.timestamp("ms")), rows=lambda a: len(a) == 2 * self.data.rows,
            moved=2 * self.data.rows * 16,
        )

    def filter(self):
        pa = self.pa
        number, value, text, mask = self._columns("number", "value", "text", "mask")
        table = pa.table({"number": number, "value": value, "text": text})
        return Job(lambda: table.filter(mask), rows=lambda t: 0 < t.num_rows < 2 * self.data.rows)

    def take(self):
        pa = self.pa
        number, value, order = self._columns("number", "value", "order")
        table = pa.table({"number": number, "value": value})
        return Job(lambda: table.take(order), rows=lambda t: t.num_rows == 2 * self.data.rows)

    def _words(self):
        """Strings of some dozen bytes, of 1,000 kinds."""
        (key,) = self._columns("key")
        return self.pa.array([f"{'alpha Beta gamma'[: 5 + i % 12]}, word {i}" for i in range(1000)]).take(key)

    def _mapped(self, function, *columns):
        """A job that makes one value of each row."""
        pc = self.lib("compute")
        return Job(lambda: function(pc, *columns), rows=lambda a: len(a) == 2 * self.data.rows)

    def compare_scalar(self):
        return self._mapped(lambda pc, a: pc.greater(a, 500_000_000), *self._columns("number"))

    def is_in_text(self):
        some = self.pa.array([f"alpha Bet, word {i}" for i in range(4, 1000, 12)])
        return self._mapped(lambda pc, a: pc.is_in(a, value_set=some), self._words())

    def starts_with(self):
        return self._mapped(lambda pc, a: pc.starts_with(a, pattern="alpha Beta"), self._words())

    def match_substring(self):
        return self._mapped(lambda pc, a: pc.match_substring(a, pattern="word 77"), self._words())

    def compare_text(self):
        return self._mapped(lambda pc, a: pc.less(a, "alpha Beta, word 5"), self._words())

    def match_like(self):
        return self._mapped(lambda pc, a: pc.match_like(a, "%word 77%"), self._words())

    def trim_text(self):
        return self._mapped(lambda pc, a: pc.utf8_trim_whitespace(a), self._words())

    def text_upper(self):
        return self._mapped(lambda pc, a: pc.utf8_upper(a), self._words())

    def split_text(self):
        return self._mapped(lambda pc, a: pc.split_pattern(a, pattern=", "), self._words())

    def year(self):
        return self._mapped(lambda pc, a: pc.year(a), *self._columns("time"))

    def hour(self):
        return self._mapped(lambda pc, a: pc.hour(a), *self._columns("time"))

    def float_text(self):
        text = self.pa.string()
        return self._mapped(lambda pc, a: pc.cast(a, text), *self._columns("value"))

    def stddev(self):
        pc, (value,) = self.lib("compute"), self._columns("value")
        return Job(lambda: pc.stddev(value), rows=lambda s: 0.9 < s.as_py() < 1.1)

    def group_by(self):
        pa = self.pa
        key, value, number = self._columns("key", "value", "number")
        table = pa.table({"key": key, "value": value, "number": number})
        wanted = [("value", "mean"), ("number", "sum"), ("value", "max")]
        return Job(lambda: table.group_by("key").aggregate(wanted), rows=lambda t: t.num_rows == 1000)


class PolarsColumns:
    def _ipc_compressed(self, codec):
        table, path = self.table(), self.work / f"out-{codec}.arrow"
        return Job(
            lambda: table.write_ipc(path, compression=codec),
            rows=lambda _: self.pl.read_ipc(path).height == self.data.rows, output=path,
        )

    def ipc_zstd(self):
        return self._ipc_compressed("zstd")

    def ipc_lz4(self):
        return self._ipc_compressed("lz4")

    def ipc_open(self):
        path = self.data.folder / "batches.arrow"
        return Job(
            lambda: self.pl.read_ipc(path),
            rows=lambda t: t.height == self.data.rows // 10_000 * 10_000,
        )

    def _columns(self, *names):
        frame = self.pl.read_ipc(self.data.folder / "columns.arrow", columns=list(names))
        return frame.select(names).rechunk()

    def cast_text(self):
        text = self._columns("text")["text"]
        return Job(lambda: text.cast(self.pl.Int64), rows=lambda a: len(a) == 2 * self.data.rows)

    def cast_time(self):
        time = self._columns("time")["time"]
        return Job(lambda: time.dt.cast_time_unit("ms"), rows=lambda a: len(a) == 2 * self.data.rows)

    def filter(self):
        frame = self._columns("number", "value", "text", "mask")
        mask = frame["mask"]
        frame = frame.drop("mask")
        return Job(lambda: frame.filter(mask), rows=lambda t: 0 < t.height < 2 * self.data.rows)

    def take(self):
        frame = self._columns("number", "value", "order")
        order = frame["order"]
        frame = frame.drop("order")
        return Job(lambda: frame[order], rows=lambda t: t.height == 2 * self.data.rows)

    def group_by(self):
        pl, frame = self.pl, self._columns("key", "value", "number")
        wanted = [pl.col("value").mean(), pl.col("number").sum(), pl.col("value").max().alias("max")]
        return Job(lambda: frame.group_by("key").agg(wanted), rows=lambda t: t.height == 1000)


class Arro3Columns:
    def _ipc_compressed(self, codec):
        table, path = self.table(), self.work / f"out-{codec}.arrow"
        return Job(lambda: self.io.write_ipc(table, path, compression=codec), output=path)

    def ipc_zstd(self):
        return self._ipc_compressed("zstd")

    def ipc_lz4(self):
        return self._ipc_compressed("lz4")

    def ipc_open(self):
        path = self.data.folder / "batches.arrow"
        return Job(
            lambda: self.io.read_ipc(path).read_all(), rows=lambda t: t.num_rows == self.data.rows // 10_000 * 10_000
        )

    def share_batches(self):
        core = self.core
        arrays = [core.Array([1, 2, 3], core.DataType.int64()), core.Array(["x", "y", None], core.DataType.string())]
        exported = Exported(core.RecordBatch.from_arrays(arrays, names=["a", "b"]))

        def run():
            for _ in range(SMALL_BATCHES):
                last = core.RecordBatch.from_arrow(exported)
            return last

        return Job(run, rows=lambda last: last.num_rows == 3)

    def _columns(self, *names):
        table = self.io.read_ipc(self.data.folder / "columns.arrow").read_all().select(list(names)).combine_chunks()
        return [table.column(name).chunk(0) for name in names]

    def cast_text(self):
        import arro3.compute as compute

        (text,) = self._columns("text")
        target = self.core.DataType.int64()
        return Job(lambda: compute.cast(text, target), rows=lambda a: len(a) == 2 * self.data.rows)

    def cast_time(self):
        import arro3.compute as compute

        (time,) = self._columns("time")
        target = self.core.DataType.timestamp("ms")
        return Job(lambda: compute.cast(time, target), rows=lambda a: len(a) == 2 * self.data.rows)

    def filter(self):
        import arro3.compute as compute

        *columns, mask = self._columns("number", "value", "text", "mask")
        return Job(lambda: [compute.filter(column, mask) for column in columns], rows=lambda all: len(all) == 3)

    def take(self):
        import arro3.compute as compute

        number, value, order = self._columns("number", "value", "order")
        order = compute.cast(order, self.core.DataType.uint64())
        return Job(lambda: [compute.take(column, order) for column in (number, value)], rows=lambda all: len(all) == 2)
