"""Rows of a Parquet file by their numbers and in batches: always those of the whole table, and no pages beside theirs."""

import io
import itertools
import os
import random

import pyarrow as pa
import pyarrow.parquet as papq
import pytest

import martlet
import martlet.compute as pc
import martlet.dataset as ds
import martlet.parquet as mq

ROWS = 5_000
TABLE = pa.table({
    "number": pa.array(range(ROWS)), "text": pa.array([None if i % 7 == 0 else f"text {i}" for i in range(ROWS)]),
    "list": pa.array([[j for j in range(i % 4)] if i % 5 else None for i in range(ROWS)]),
    "struct": pa.array([{"a": i, "b": [str(i)] * (i % 3)} for i in range(ROWS)]),
})


@pytest.fixture(scope="module", params=["pages", "no index", "v1"])
def path(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("ranges") / "file.parquet"
    options = {"write_page_index": request.param != "no index", "data_page_version": "1.0" if request.param == "v1" else "2.0"}
    papq.write_table(TABLE, path, row_group_size=1_300, data_page_size=500, write_batch_size=100, **options)
    return path


def random_ranges(rng):
    cuts = sorted(rng.sample(range(ROWS + 1), 2 * rng.randint(0, 6)))
    ranges = list(zip(cuts[::2], cuts[1::2]))
    return [(start, min(stop, start + rng.choice((1, 10, 5_000)))) for start, stop in ranges]


def rows_of(table, ranges):
    return pa.concat_tables([table.slice(start, stop - start) for start, stop in ranges] or [table.slice(0, 0)])


@pytest.mark.parametrize("seed", range(20))
def test_rows_are_those_of_the_table(path, seed):
    rng = random.Random(seed)
    columns = rng.choice((None, ["number"], ["struct", "text"]))
    ranges = random_ranges(rng)
    expected = rows_of(TABLE if columns is None else TABLE.select(sorted(columns, key=TABLE.column_names.index)), ranges)
    for source in (path, io.BytesIO(path.read_bytes())):
        file = mq.ParquetFile(source)
        assert pa.table(file.read(columns, row_ranges=ranges)).equals(expected)
        batches = [pa.record_batch(b) for b in file.iter_batches(77, columns=columns, row_ranges=ranges)]
        assert pa.Table.from_batches(batches, expected.schema).equals(expected)
        assert all(b.num_rows == 77 for b in batches[:-1])


def test_ranges_of_python(path):
    file = mq.ParquetFile(path)
    assert file.read(["number"], row_ranges=[range(3), range(4_998, 5_000)])["number"].to_pylist() == [0, 1, 2, 4_998, 4_999]
    assert file.read(["number"], row_ranges=[]).num_rows == 0
    assert file.read(["number"], row_ranges=[(7, 7), (7, 8)])["number"].to_pylist() == [7]


@pytest.mark.parametrize("ranges, kind, message", [
    ([(0, 5_001)], IndexError, "5000"), ([(5, 8), (7, 9)], ValueError, "not overlap"), ([(9, 10), (1, 2)], ValueError, "in order"),
    ([(3, 1)], ValueError, "before it begins"), ([(-1, 1)], ValueError, "at 0 or later"), ([range(0, 9, 2)], ValueError, "step 1"),
    ([(0.5, 1)], (TypeError, AttributeError), "index")])
def test_ranges_that_are_none(path, ranges, kind, message):
    file = mq.ParquetFile(path)
    for read in (lambda: file.read(row_ranges=ranges), lambda: list(file.iter_batches(row_ranges=ranges))):
        with pytest.raises(kind, match=message):
            read()


class Counted(io.BytesIO):
    """Bytes that know how many of them were read."""

    count = 0

    def readinto(self, target):
        got = super().readinto(target)
        self.count += got
        return got

    def read(self, size=-1):
        data = super().read(size)
        self.count += len(data)
        return data


def test_only_the_pages_of_the_rows_are_read(tmp_path):
    path = tmp_path / "numbers.parquet"
    table = pa.table({"a": pa.array([i * 7_919 % 1_000_003 for i in range(200_000)])})
    papq.write_table(table, path, use_dictionary=False, compression="none", data_page_size=8_000, write_page_index=True)
    source = Counted(path.read_bytes())
    file = mq.ParquetFile(source)
    source.count = 0
    assert pa.table(file.read(row_ranges=[(100_000, 100_010)])).equals(table.slice(100_000, 10))
    assert source.count < 200_000
    source.count = 0
    # The pages of other columns where some row matches, by the bounds of pages.
    wide = pa.table({"key": pa.array(range(200_000)), "a": table["a"]})
    papq.write_table(wide, path, use_dictionary=False, compression="none", data_page_size=8_000, write_page_index=True)
    source = Counted(path.read_bytes())
    found = pa.table(mq.read_table(source, filters=pc.field("key") == 100_000))
    assert found.equals(wide.slice(100_000, 1))
    assert source.count < 600_000 < path.stat().st_size


# ---- reading ahead ---------------------------------------------------------------------------------------------------


def batches_of(path, kind, use_threads=True):
    if kind == "file":
        return mq.ParquetFile(path).iter_batches(500, use_threads=use_threads)
    dataset = ds.dataset(path.parent)
    return dataset.to_batches(batch_size=500, use_threads=use_threads, filter=pc.field("number") >= 0 if kind == "filter" else None)


@pytest.mark.parametrize("kind", ["file", "dataset", "filter"])
@pytest.mark.parametrize("threads", [1, 2, 8])
def test_reading_ahead_changes_nothing(path, kind, threads):
    before = martlet.cpu_count()
    martlet.set_cpu_count(threads)
    try:
        for use_threads in (True, False):
            for stop in (0, 1, 3, 1_000):
                found = [pa.record_batch(b) for b in itertools.islice(batches_of(path, kind, use_threads), stop)]
                rows = sum(b.num_rows for b in found)
                assert pa.Table.from_batches(found, TABLE.schema).equals(TABLE.slice(0, rows))
            assert rows == ROWS
    finally:
        martlet.set_cpu_count(before)


def test_errors_come_behind_the_batches_before_them(tmp_path):
    path = tmp_path / "damaged.parquet"
    papq.write_table(TABLE.select(["number"]), path, row_group_size=1_000, use_dictionary=False, compression="none")
    data = bytearray(path.read_bytes())
    chunk = papq.read_metadata(path).row_group(3).column(0)
    data[chunk.data_page_offset:chunk.data_page_offset + 10] = b"\xff" * 10
    path.write_bytes(data)
    rows = 0
    with pytest.raises(martlet.ArrowInvalid, match="row group 3"):
        for batch in mq.ParquetFile(path).iter_batches(500):
            rows += batch.num_rows
    assert rows == 3_000


def test_a_reader_that_is_shared_with_a_forked_child(path):
    """The child reads on, or is told that it cannot; the parent never notices."""
    for skip in range(6):
        reader = mq.ParquetFile(path).iter_batches(500)
        first = [next(reader) for _ in range(skip)]
        child = os.fork()
        if child == 0:
            status = 1
            try:
                rest = list(reader)
                status = 0 if sum(b.num_rows for b in first + rest) == ROWS else 2
            except martlet.ArrowInvalid as problem:
                status = 0 if "forked" in str(problem) else 3
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert sum(b.num_rows for b in [*first, *reader]) == ROWS
