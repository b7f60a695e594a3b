"""Files appear whole or not at all: killed, failing and forked writers leave what was there before."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

import martlet as pa
import martlet.parquet as pq

WRITERS = {
    "parquet": """
import martlet as pa, martlet.parquet as pq
batch = pa.record_batch({"id": list(range(20_000)), "value": [i / 7 for i in range(20_000)]})
print("ready", flush=True)
with pq.ParquetWriter(PATH, batch.schema, compression="none") as writer:
    for _ in range(60): writer.write_batch(batch, row_group_size=20_000)
""",
    "dataset": """
import martlet as pa, martlet.parquet as pq
table = pa.table({"key": [i % 50 for i in range(100_000)], "value": [i / 7 for i in range(100_000)]})
print("ready", flush=True)
pq.write_to_dataset(table, PATH, partition_cols=["key"])
""",
}


def start(kind, path):
    program = f"PATH = {str(path)!r}\n" + WRITERS[kind]
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n", process.stderr.read().decode()
    return process


def finish(process):
    process.wait()
    process.stdout.close()
    process.stderr.close()
    return process.returncode


@pytest.mark.parametrize("had_one", [True, False])
def test_a_killed_parquet_writer(tmp_path, had_one):
    path = tmp_path / "file.parquet"
    old = pa.table({"old": [1]})
    begun = time.monotonic()
    assert finish(start("parquet", path)) == 0
    length = time.monotonic() - begun
    dice = random.Random(had_one)
    for _ in range(15):
        if had_one:
            pq.write_table(old, path)
        else:
            path.unlink(missing_ok=True)
        process = start("parquet", path)
        time.sleep(dice.uniform(0, min(length, 0.3)))
        process.kill()
        status = finish(process)
        assert status in (0, -signal.SIGKILL)
        if path.exists():
            found = pq.read_table(path)
            assert found.num_rows == 1_200_000 or (had_one and status != 0 and found.equals(old))
        else:
            assert not had_one and status != 0


def test_a_killed_partitioned_write(tmp_path):
    dice = random.Random(5)
    for i in range(8):
        root = tmp_path / str(i)
        process = start("dataset", root)
        time.sleep(dice.uniform(0, 0.1))
        process.kill()
        finish(process)
        for path in root.rglob("*.parquet"):
            if not path.name.startswith("."):
                assert pq.read_table(path).num_rows == 2_000


def test_an_exception_in_with_keeps_the_old_file(tmp_path):
    path = tmp_path / "file.parquet"
    old = pa.table({"old": [1, 2, 3]})
    pq.write_table(old, path)
    batch = pa.record_batch({"id": [1, 2]})
    with pytest.raises(ZeroDivisionError):
        with pq.ParquetWriter(path, batch.schema) as writer:
            writer.write_batch(batch)
            1 / 0
    assert pq.read_table(path).equals(old)
    assert os.listdir(tmp_path) == ["file.parquet"]


def test_a_full_disk_keeps_the_old_file(tmp_path):
    path = tmp_path / "file.parquet"
    old = pa.table({"old": [1, 2, 3]})
    pq.write_table(old, path)
    program = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    exec(WRITER)
except OSError as problem:
    assert problem.errno == 27, problem
    print("refused", flush=True)
"""
    program = f"PATH = {str(path)!r}\nWRITER = {WRITERS['parquet']!r}\n" + program
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["ready", "refused"], done.stderr
    assert pq.read_table(path).equals(old)
    assert os.listdir(tmp_path) == ["file.parquet"]


def test_the_same_file_can_be_read_and_replaced(tmp_path):
    path = tmp_path / "file.parquet"
    pq.write_table(pa.table({"a": [1, 2, 3]}), path)
    file = pq.ParquetFile(path)
    pq.write_table(pa.table({"a": [4]}), path)
    assert file.read().to_pydict() == {"a": [1, 2, 3]}
    assert pq.read_table(path).to_pydict() == {"a": [4]}


def in_child(body):
    """The exit status of `body` in a forked child."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            status = body()
        finally:
            os._exit(status)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("the forked child hangs")


def test_forked_children_read_and_write(tmp_path):
    """The engine is warm in the parent, with its threads parked, when the children are made."""
    path = tmp_path / "file.parquet"
    table = pa.table({"id": list(range(200_000)), "value": [i / 3 for i in range(200_000)]})
    pq.write_table(table, path, row_group_size=20_000)
    file = pq.ParquetFile(path)
    assert file.read().num_rows == 200_000
    for i in range(10):

        def child():
            assert file.read().num_rows == 200_000
            assert pq.read_table(path, filters=[("id", "<", 10)]).num_rows == 10
            pq.write_table(table, tmp_path / f"child-{i}.parquet")
            return 0

        assert in_child(child) == 0
    assert file.read().num_rows == 200_000


def test_threads_of_forked_children_meet_at_locks(tmp_path):
    """Many threads and many small pages: the locks of the writer are met by several threads at once."""
    table = pa.table({f"c{i}": list(range(20_000)) for i in range(40)})
    threads = pa.cpu_count()
    pa.set_cpu_count(8)
    try:
        pq.write_table(table, tmp_path / "file.parquet")
        for i in range(20):

            def child():
                path = tmp_path / f"child-{i}.parquet"
                pq.write_table(table, path, data_page_size=2_000, row_group_size=5_000, write_batch_size=500)
                return 0

            assert in_child(child) == 0
    finally:
        pa.set_cpu_count(threads)


def test_a_writer_in_a_forked_child_refuses(tmp_path):
    path = tmp_path / "file.parquet"
    batch = pa.record_batch({"id": list(range(1_000))})
    writer = pq.ParquetWriter(path, batch.schema)
    writer.write_batch(batch)

    def child():
        try:
            writer.close()
        except (pa.ArrowException, OSError):
            return 7
        return 0

    assert in_child(child) == 7
    writer.write_batch(batch)
    writer.close()
    assert pq.read_table(path).num_rows == 2_000
    assert os.listdir(tmp_path) == ["file.parquet"]
