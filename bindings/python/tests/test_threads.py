"""Readers and writers that several threads use at once: each call has its turn, nothing is lost, and no process ends."""

import io
import threading
import time

import pytest

import martlet as ma
import martlet.dataset as ds
import martlet.ipc as ipc
import martlet.parquet as pq

ROWS = 60_000
TABLE = ma.table({"a": list(range(ROWS)), "s": [f"v{i % 1000}" for i in range(ROWS)]})


def in_threads(work, count=6):
    """Runs `work` in threads that begin together; what any of them raises is raised."""
    problems, start = [], threading.Barrier(count)

    def run():
        start.wait()
        try:
            work()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("threads") / "f.parquet"
    pq.write_table(TABLE, path, row_group_size=5_000)
    return path


def stream():
    sink = io.BytesIO()
    with ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE, 100)
    return sink.getvalue()


STREAM = stream()
READERS = {
    "parquet": lambda path: pq.ParquetFile(path).iter_batches(300),
    "dataset": lambda path: ds.dataset(path).scanner(batch_size=300).to_reader(),
    "ipc": lambda path: ipc.open_stream(STREAM),
    "ipc from a file object": lambda path: ipc.open_stream(io.BytesIO(STREAM)),
    "imported": lambda path: ma.RecordBatchReader.from_stream(ipc.open_stream(STREAM)),
}


@pytest.mark.parametrize("name", READERS)
def test_readers_are_shared(name, path):
    reader, found = READERS[name](path), []

    def take():
        while True:
            try:
                found.append(reader.read_next_batch())
            except StopIteration:
                return

    in_threads(take)
    assert sorted(value for batch in found for value in batch.column("a").to_pylist()) == list(range(ROWS))


@pytest.mark.parametrize("name", READERS)
def test_readers_are_closed_while_they_read(name, path):
    for _ in range(10):
        reader = READERS[name](path)

        def take():
            try:
                while True:
                    reader.read_next_batch()
            except (StopIteration, ma.ArrowInvalid):
                pass

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        reader.close()
        for thread in threads:
            thread.join()


def test_one_file_is_read_by_many(path):
    file = pq.ParquetFile(path)

    def read():
        for group in range(file.num_row_groups):
            assert file.read_row_group(group).column("a").to_pylist()[0] == group * 5_000

    in_threads(read)


class Slow(io.BytesIO):
    """A file that lets other threads in between the seek and the read."""

    def seek(self, *place):
        found = super().seek(*place)
        time.sleep(0)
        return found


@pytest.mark.parametrize("wrap", [Slow, lambda data: ma.PythonFile(Slow(data), "r")], ids=["file object", "PythonFile"])
def test_one_file_object_is_read_by_many(wrap, path):
    """A file has one place."""
    file = pq.ParquetFile(wrap(path.read_bytes()))

    def read():
        for group in range(file.num_row_groups):
            assert file.read_row_group(group).column("a").to_pylist() == list(range(group * 5_000, group * 5_000 + 5_000))

    in_threads(read)
    sink = io.BytesIO()
    with ipc.new_file(sink, TABLE.schema) as writer:
        writer.write_table(TABLE, 1_000)
    batches = ipc.open_file(wrap(sink.getvalue()))

    def read_batches():
        for i in range(batches.num_record_batches):
            assert batches.get_batch(i).column("a").to_pylist() == list(range(i * 1_000, i * 1_000 + 1_000))

    in_threads(read_batches)


def test_one_file_object_has_many_readers(path):
    shared = Slow(path.read_bytes())

    def read():
        assert pq.ParquetFile(shared).read().equals(TABLE)

    in_threads(read)


class Moody:
    """A file that some threads cannot read."""

    def __init__(self, data):
        self._file = io.BytesIO(data)
        self.seek, self.tell = self._file.seek, self._file.tell

    def read(self, *size):
        time.sleep(0.001)
        if threading.current_thread().name == "unlucky":
            raise OSError("not for you")
        return self._file.read(*size)


def test_what_a_file_raises_is_raised_in_its_thread():
    # Larger than what is read with the footer.
    sink = io.BytesIO()
    pq.write_table(TABLE, sink, row_group_size=5_000, use_dictionary=False, compression="none", column_encoding="PLAIN")
    file, seen = pq.ParquetFile(Moody(sink.getvalue())), []

    def read():
        unlucky = threading.current_thread().name == "unlucky"
        for group in range(4):
            try:
                file.read_row_group(group)
            except OSError as problem:
                assert str(problem) == "not for you"
                seen.append(unlucky)
            else:
                assert not unlucky

    threads = [threading.Thread(target=read, name="unlucky" if i % 2 else "lucky") for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 8


def test_writers_are_shared(tmp_path):
    with pq.ParquetWriter(tmp_path / "f.parquet", TABLE.schema) as writer:
        in_threads(lambda: [writer.write_table(TABLE.slice(i, 777)) for i in range(20)])
    assert pq.read_table(tmp_path / "f.parquet").num_rows == 6 * 20 * 777
    with ipc.new_file(tmp_path / "f.arrow", TABLE.schema) as writer:
        in_threads(lambda: [writer.write_batch(TABLE.slice(i, 77).to_batches()[0]) for i in range(200)])
    assert ipc.open_file(tmp_path / "f.arrow").read_all().num_rows == 6 * 200 * 77


def test_files_are_shared(tmp_path):
    with ma.OSFile(str(tmp_path / "f"), "wb") as file:
        in_threads(lambda: [file.write(b"x" * 1000) for _ in range(300)])
    assert (tmp_path / "f").stat().st_size == 6 * 300 * 1000
