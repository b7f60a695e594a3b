"""The listings and the common errors of the document, each listing in a fresh process."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.dataset
import pyarrow.ipc
import pyarrow.parquet
import pytest

import martlet as pa
import martlet.compute as pc
import martlet.parquet as pq
from conftest import BINDINGS

LISTINGS = Path(__file__).resolve().parent / "listings"


def run(name: str, prelude: str = "", epilogue: str = "") -> list[str]:
    """The lines that the listing prints in a process of its own."""
    program = prelude + (LISTINGS / f"{name}.py").read_text() + epilogue
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture(autouse=True)
def outputs():
    """The listings write to fixed names below /tmp: nothing may be there before, nothing is left behind."""
    paths = [Path("/tmp/ml_dataset"), Path("/tmp/streamed_output.parquet"), Path("/tmp/pipeline_output.arrow")]

    def remove():
        for path in paths:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    remove()
    yield
    remove()


def test_record_batch():
    rows, size = run("01_record_batch")
    assert rows == "5"
    assert int(size) == 5 * (8 + 8 + 8 + 4 + 8)


def test_streaming_batches():
    assert run("02_streaming_batches") == ["Processed 10000 rows in streaming fashion"]


def test_partitioned_parquet():
    rng = np.random.default_rng(42)
    splits = rng.choice(["train", "val", "test"], size=5000, p=[0.7, 0.15, 0.15])
    user_ids = rng.integers(1000, 9999, size=5000)

    lines = run("03_partitioned_parquet")
    assert lines[0] == f"Training rows: {(splits == 'train').sum()}"
    names = re.fullmatch(r"Columns: \[(.*)\]", lines[1]).group(1).replace("'", "").split(", ")
    assert sorted(names) == ["feature_a", "feature_b", "label", "split", "user_id"]

    assert sorted(p.name for p in Path("/tmp/ml_dataset").iterdir() if p.is_dir()) == [
        "split=test",
        "split=train",
        "split=val",
    ]
    judge = pyarrow.parquet.read_table("/tmp/ml_dataset").to_pandas().astype({"split": str})
    expected = pd.DataFrame({"user_id": user_ids, "split": splits})
    for split in ["train", "val", "test"]:
        got = judge[judge.split == split].user_id.to_numpy()
        assert (got == expected[expected.split == split].user_id.to_numpy()).all()


def test_parquet_writer():
    lines = run("04_parquet_writer")
    assert lines[0] == "Total rows written: 10000"
    size = pyarrow.parquet.read_metadata("/tmp/streamed_output.parquet").serialized_size
    assert lines[1] == f"File size: {size} bytes"

    judge = pyarrow.parquet.read_table("/tmp/streamed_output.parquet")
    judge.validate(full=True)
    rng = np.random.default_rng(42)
    for i in range(20):
        part = judge.slice(i * 500, 500)
        assert (part["user_id"].to_numpy() == rng.integers(1000, 9999, size=500)).all()
        assert (part["feature_a"].to_numpy() == rng.standard_normal(500)).all()
        assert (part["feature_b"].to_numpy() == rng.uniform(0, 10, size=500)).all()
        assert (part["label"].to_numpy() == rng.integers(0, 2, size=500)).all()
    assert judge.schema.types == [pyarrow.int64(), pyarrow.float64(), pyarrow.float64(), pyarrow.int32()]
    assert pyarrow.parquet.read_metadata("/tmp/streamed_output.parquet").num_row_groups == 1


def test_ipc_file():
    assert run("05_ipc_file") == ["Number of record batches: 5", "First batch rows: 1000"]
    judge = pyarrow.ipc.open_file("/tmp/pipeline_output.arrow").read_all()
    judge.validate(full=True)
    rng = np.random.default_rng(42)
    for i in range(5):
        part = judge.slice(i * 1000, 1000)
        assert (part["feature_a"].to_numpy() == rng.standard_normal(1000)).all()
        assert (part["feature_b"].to_numpy() == rng.uniform(0, 10, size=1000)).all()
        assert (part["label"].to_numpy() == rng.integers(0, 2, size=1000)).all()


def test_ipc_stream(tmp_path):
    keep = f"\nopen({str(tmp_path / 'stream')!r}, 'wb').write(buf)\n"
    assert run("06_ipc_stream", epilogue=keep) == ["Received 3 batches", "Total rows: 1500"]
    judge = pyarrow.ipc.open_stream((tmp_path / "stream").read_bytes()).read_all()
    judge.validate(full=True)
    assert judge.num_rows == 1500
    assert (judge["feature_a"].to_numpy()[:500] == np.random.default_rng(42).standard_normal(500)).all()


def test_pandas_and_numpy():
    borrowed = "\nassert not features_a.flags.owndata and not labels.flags.owndata\n"
    assert run("07_pandas_numpy", epilogue=borrowed) == [
        "Pandas shape: (10000, 3)",
        "Feature matrix shape: (10000, 2)",
        "Labels shape: (10000,)",
        "Round-trip columns: ['feature_a', 'feature_b', 'label']",
    ]


# ---- common errors ---------------------------------------------------------------------------------------------------


def test_unequal_lengths_name_the_column():
    columns = [pa.array(range(1000), type=pa.int64()), pa.array([0.5] * 999, type=pa.float64())]
    for make in (pa.record_batch, pa.table):
        with pytest.raises(pa.ArrowInvalid) as error:
            make(columns, names=["user_id", "feature_a"])
        text = str(error.value)
        assert "feature_a" in text and "1000" in text and "999" in text


def test_the_fix_for_unequal_lengths():
    prelude = "import martlet as pa\ncol_a, col_b, col_c = pa.array(range(10)), pa.array(range(9)), pa.array(range(8))\n"
    epilogue = "\nprint(pa.record_batch(arrays, names=['a', 'b', 'c']).num_rows)\n"
    assert run("08_equal_lengths", prelude, epilogue) == ["8"]


def test_int_for_bytes_is_a_type_error():
    with pytest.raises(pa.ArrowTypeError, match="Expected bytes, got a 'int' object"):
        pa.array([1, 2, 3], type=pa.string())
    with pytest.raises(pa.ArrowTypeError, match="Expected bytes, got a 'int' object"):
        pa.array([b"a", 2], type=pa.binary())
    with pytest.raises(pa.ArrowTypeError) as error:
        pa.record_batch([[1, 2], ["x", 5]], schema=pa.schema([("id", pa.int64()), ("name", pa.string())]))
    assert "name" in str(error.value)


def test_the_fix_for_the_type_error():
    assert run("09_explicit_type", epilogue="\nprint(arr.type, arr.to_pylist())\n") == ["int64 [1, 2, 3]"]


def test_unsupported_cast_names_the_types():
    nested = pa.array([[1, 2], [3]], type=pa.list_(pa.int64()))
    with pytest.raises(pa.ArrowNotImplementedError, match="Unsupported cast from list<item: int64> to int64"):
        pc.cast(nested, pa.int64())
    table = pa.table({"nested": nested})
    with pytest.raises(pa.ArrowNotImplementedError) as error:
        table.cast(pa.schema([("nested", pa.int64())]))
    assert "nested" in str(error.value)


def test_strings_that_are_no_numbers():
    with pytest.raises(pa.ArrowInvalid, match="Failed to parse string: 'xx' as a scalar of type int64"):
        pc.cast(pa.array(["1", "xx"]), pa.int64())


def test_the_fix_for_the_cast():
    assert run("10_explicit_cast", epilogue="\nprint(int_arr.type, int_arr.to_pylist())\n") == ["int64 [1, 2, 3]"]


def test_many_partitions_under_a_low_limit_of_open_files(tmp_path):
    program = f"""
import martlet as pa, martlet.parquet as pq
table = pa.table({{"key": pa.array(range(4000), type=pa.int64()).take(pa.array([i % 2000 for i in range(4000)])),
                  "value": pa.array([i / 2 for i in range(4000)], type=pa.float64())}})
pq.write_to_dataset(table, {str(tmp_path / "many")!r}, partition_cols=["key"])
print(pq.read_table({str(tmp_path / "many")!r}).num_rows)
print(pq.read_table({str(tmp_path / "many")!r}, filters=[("key", "=", 1234)]).num_rows)
"""
    command = ["bash", "-c", 'ulimit -n 64 && exec "$0" -c "$1"', sys.executable, program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["4000", "2"]
    files = [p for p in (tmp_path / "many").glob("**/*") if p.is_file() and p.suffix == ".parquet"]
    assert len(files) == 2000
    judge = pyarrow.dataset.dataset(tmp_path / "many", partitioning="hive").to_table()
    assert judge.num_rows == 4000
    assert sorted(judge["key"].to_pylist()) == sorted([i % 2000 for i in range(4000)])


def test_lossy_timestamps_name_the_column_and_the_fix(tmp_path):
    fine = pa.array([1, 1_000_000], type=pa.timestamp("ns"))
    with pytest.raises(pa.ArrowInvalid, match=r"Casting from timestamp\[ns\] to timestamp\[ms\] would lose data: 1"):
        pc.cast(fine, pa.timestamp("ms"))
    with pytest.raises(pa.ArrowInvalid, match=r"would lose data") as error:
        pa.table({"when": fine}).cast(pa.schema([("when", pa.timestamp("ms"))]))
    assert "when" in str(error.value)
    with pytest.raises(pa.ArrowInvalid, match=r"would lose data") as error:
        pq.write_table(pa.table({"when": fine}), tmp_path / "lossy.parquet", coerce_timestamps="ms")
    assert "when" in str(error.value)
    assert not (tmp_path / "lossy.parquet").exists()
    pq.write_table(
        pa.table({"when": fine}), tmp_path / "lossy.parquet", coerce_timestamps="ms", allow_truncated_timestamps=True
    )
    assert pyarrow.parquet.read_table(tmp_path / "lossy.parquet")["when"].cast("int64").to_pylist() == [0, 1]
    assert pc.cast(fine, pa.timestamp("ms"), safe=False).cast(pa.int64()).to_pylist() == [0, 1]


def test_the_fix_for_lossy_timestamps():
    lines = run("12_timestamp_resolution", epilogue="\nprint(arr.type)\nprint(arr.cast(pa.int64()).to_pylist())\n")
    assert lines == ["timestamp[ms]", "[1704067200000, 1704153600000]"]


def test_zero_copy_is_asserted():
    with pytest.raises(pa.ArrowInvalid, match="Needed to copy 1 chunks with 1 nulls, but zero_copy_only was True"):
        pa.array([1, None], type=pa.int64()).to_numpy(zero_copy_only=True)
    assert np.isnan(pa.array([1, None], type=pa.int64()).to_numpy(zero_copy_only=False)[1])


def test_listings_do_not_load_pyarrow():
    environment = os.environ | {"PYTHONPATH": str(BINDINGS)}
    program = "import sys, martlet, martlet.parquet, martlet.ipc, martlet.compute, martlet.dataset\n"
    program += "print([m for m in ('pyarrow', 'numpy', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "[]", done.stderr
