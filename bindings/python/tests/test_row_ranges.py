"""Rows of a Parquet file by their numbers: always those of the whole table, and no pages beside theirs."""

import io
import random

import pyarrow as pa
import pyarrow.parquet as papq
import pytest

import martlet.compute as pc
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
