"""Partitioned datasets: keys that keep their types, few open files, pruning, and what pyarrow's dataset module offers."""

import datetime
import decimal

import duckdb
import polars
import pyarrow
import pyarrow.dataset
import pyarrow.parquet
import pytest
from arrow_cases import to_martlet, to_pyarrow

import martlet as pa
import martlet.compute as pc
import martlet.dataset as ds
import martlet.parquet as pq

KEYS = {
    "string": (pyarrow.string(), ["007", "a/b", "ü %", "train"]),
    "int32": (pyarrow.int32(), [-1, 0, 7, 2013]),
    "int64": (pyarrow.int64(), [2**40, 0, -5, 1]),
    "int8": (pyarrow.int8(), [1, 2, 3, 4]),
    "uint16": (pyarrow.uint16(), [1, 2, 3, 65535]),
    "bool": (pyarrow.bool_(), [True, False, True, False]),
    "date32": (pyarrow.date32(), [datetime.date(2013, 1, d) for d in (1, 2, 3, 4)]),
    "timestamp": (pyarrow.timestamp("ms"), [datetime.datetime(2013, 1, 1, h) for h in (1, 2, 3, 4)]),
    "float64": (pyarrow.float64(), [0.5, -1.25, 1e10, 3.0]),
    "large_string": (pyarrow.large_string(), ["x", "y", "z", "w"]),
    "decimal": (pyarrow.decimal128(9, 2), [decimal.Decimal(v) for v in ("1.50", "-2.25", "0.00", "7.00")]),
    "dictionary": (pyarrow.dictionary(pyarrow.int32(), pyarrow.string()), ["p", "q", "r", "s"]),
}


def keyed(type, values, nulls=False) -> pyarrow.Table:
    rows = [values[i % len(values)] for i in range(20)]
    if nulls:
        rows[3] = rows[7] = None
    if pyarrow.types.is_dictionary(type):
        key = pyarrow.array(rows, type.value_type).dictionary_encode()
    else:
        key = pyarrow.array(rows, type)
    return pyarrow.table({"first": list(range(20)), "key": key, "last": [f"v{i}" for i in range(20)]})


def rows_by(table, name="first"):
    return table.sort_by(name).to_pylist()


@pytest.mark.parametrize("nulls", [False, True], ids=["no nulls", "nulls"])
@pytest.mark.parametrize("kind", KEYS)
def test_keys_keep_type_value_and_place(kind, nulls, tmp_path):
    type, values = KEYS[kind]
    data = keyed(type, values, nulls)
    pq.write_to_dataset(to_martlet(data), tmp_path / "d", partition_cols=["key"])
    got = to_pyarrow(pq.read_table(tmp_path / "d"))
    assert got.schema.names == data.schema.names
    expected_type = type.value_type if pyarrow.types.is_dictionary(type) else type
    got_type = got.schema.field("key").type
    if pyarrow.types.is_dictionary(got_type):
        got_type = got_type.value_type
    assert got_type == expected_type
    assert rows_by(got) == rows_by(data)


def test_several_keys(tmp_path):
    data = pyarrow.table(
        {
            "year": pyarrow.array([2012, 2013] * 50, pyarrow.int32()),
            "origin": ["JFK", "LGA", "EWR", "JFK"] * 25,
            "n": list(range(100)),
        }
    )
    pq.write_to_dataset(to_martlet(data), tmp_path / "d", partition_cols=["year", "origin"])
    assert rows_by(to_pyarrow(pq.read_table(tmp_path / "d")), "n") == rows_by(data, "n")
    judge = pyarrow.parquet.read_table(tmp_path / "d")
    assert sorted(judge["n"].to_pylist()) == list(range(100))
    assert (tmp_path / "d" / "year=2012" / "origin=JFK").is_dir()
    for filters in (
        [("year", "=", 2012)],
        [("origin", "in", ["JFK", "LGA"]), ("year", ">", 2012)],
        [[("year", "=", 2012), ("n", "<", 10)], [("origin", "=", "EWR")]],
        [("origin", "!=", "JFK")],
        [("year", ">", 2020)],
    ):
        got = to_pyarrow(pq.read_table(tmp_path / "d", filters=filters))
        expected = data.filter(pyarrow.parquet.filters_to_expression(filters))
        assert rows_by(got, "n") == rows_by(expected, "n"), filters


def test_one_file_for_each_key(tmp_path):
    data = pyarrow.table({"key": [i % 30 for i in range(3000)], "n": list(range(3000))})
    pq.write_to_dataset(to_martlet(data), tmp_path / "d", partition_cols=["key"])
    files = sorted((tmp_path / "d").glob("*/*.parquet"))
    assert len(files) == 30
    # The order of rows within a key is kept.
    assert pyarrow.parquet.ParquetFile(files[0]).read()["n"].to_pylist()[:2] != []
    for file in files:
        values = pyarrow.parquet.ParquetFile(file).read()["n"].to_pylist()
        assert values == sorted(values)


def test_only_matching_files_are_opened(tmp_path):
    data = pyarrow.table({"key": ["a", "b", "c"] * 10, "n": list(range(30))})
    pq.write_to_dataset(to_martlet(data), tmp_path / "d", partition_cols=["key"])
    for file in (tmp_path / "d").glob("key=[bc]/*.parquet"):
        file.write_bytes(b"damaged")
    assert pq.read_table(tmp_path / "d", filters=[("key", "=", "a")]).num_rows == 10
    with pytest.raises(pa.ArrowInvalid) as error:
        pq.read_table(tmp_path / "d")
    assert "key=" in str(error.value)


def test_existing_data(tmp_path):
    data = to_martlet(pyarrow.table({"key": ["a", "b"], "n": [1, 2]}))
    root = tmp_path / "d"
    pq.write_to_dataset(data, root, partition_cols=["key"])
    pq.write_to_dataset(data, root, partition_cols=["key"])
    assert pq.read_table(root).num_rows == 4
    with pytest.raises(pa.ArrowInvalid, match="not empty"):
        pq.write_to_dataset(data, root, partition_cols=["key"], existing_data_behavior="error")
    pq.write_to_dataset(data.slice(0, 1), root, partition_cols=["key"], existing_data_behavior="delete_matching")
    assert sorted(pq.read_table(root)["key"].to_pylist()) == ["a", "b", "b"]
    with pytest.raises(ValueError, match="existing_data_behavior"):
        pq.write_to_dataset(data, root, partition_cols=["key"], existing_data_behavior="zz")


def test_bad_partitioned_writes(tmp_path):
    data = to_martlet(pyarrow.table({"key": ["a"], "n": [1]}))
    with pytest.raises(KeyError, match="zz"):
        pq.write_to_dataset(data, tmp_path / "d", partition_cols=["zz"])
    with pytest.raises(TypeError, match="foo"):
        pq.write_to_dataset(data, tmp_path / "d", partition_cols=["key"], foo=1)
    nested = pa.table({"key": pa.array([[1]], type=pa.list_(pa.int64())), "n": [1]})
    with pytest.raises((pa.ArrowException, TypeError)) as error:
        pq.write_to_dataset(nested, tmp_path / "d", partition_cols=["key"])
    assert "key" in str(error.value)
    assert not list(tmp_path.glob("**/*.parquet"))


def test_write_options_and_collectors(tmp_path):
    data = to_martlet(pyarrow.table({"key": ["a", "b"] * 50, "n": list(range(100))}))
    collected, visited = [], []
    pq.write_to_dataset(
        data,
        tmp_path / "d",
        partition_cols=["key"],
        compression="zstd",
        basename_template="x-{i}.parquet",
        metadata_collector=collected,
        file_visitor=visited.append,
    )
    assert sorted(p.name for p in (tmp_path / "d").glob("*/*.parquet")) == ["x-0.parquet"] * 2
    assert sorted(m.row_group(0).column(0).file_path for m in collected) == ["key=a/x-0.parquet", "key=b/x-0.parquet"]
    assert sum(f.metadata.num_rows for f in visited) == 100 and all(f.size > 0 for f in visited)
    assert collected[0].row_group(0).column(0).compression == "ZSTD"
    pq.write_to_dataset(data, tmp_path / "plain")
    assert pq.read_table(tmp_path / "plain").equals(data)
    pq.write_to_dataset(data, tmp_path / "many", max_rows_per_file=30)
    assert len(list((tmp_path / "many").glob("*.parquet"))) == 4
    assert sorted(pq.read_table(tmp_path / "many")["n"].to_pylist()) == list(range(100))


def test_streams_in(tmp_path):
    batch = pa.record_batch({"key": ["a", "b"], "n": [1, 2]})
    reader = pa.RecordBatchReader.from_batches(batch.schema, (batch for _ in range(100)))
    pq.write_to_dataset(reader, tmp_path / "d", partition_cols=["key"])
    assert pq.read_table(tmp_path / "d").num_rows == 200
    pq.write_to_dataset(polars.DataFrame({"key": [1, 2], "n": [3.5, None]}), tmp_path / "p", partition_cols=["key"])
    assert pq.read_table(tmp_path / "p", filters=[("key", "=", 2)])["n"].to_pylist() == [None]

    def failing():
        yield batch
        raise ZeroDivisionError("from the generator")

    reader = pa.RecordBatchReader.from_batches(batch.schema, failing())
    with pytest.raises((ZeroDivisionError, pa.ArrowException, OSError), match="from the generator"):
        pq.write_to_dataset(reader, tmp_path / "failed", partition_cols=["key"])
    assert not list(tmp_path.glob("failed/**/*.parquet"))


def test_what_peers_wrote(tmp_path):
    data = pyarrow.table({"n": list(range(100)), "key": ["a", "b", "c", "d"] * 25})
    pyarrow.parquet.write_to_dataset(data, tmp_path / "pyarrow", partition_cols=["key"])
    polars.from_arrow(data).write_parquet(tmp_path / "polars", partition_by="key", mkdir=True)
    duckdb.from_arrow(data).to_parquet(str(tmp_path / "duckdb"), partition_by=["key"])
    for peer in ("pyarrow", "polars", "duckdb"):
        got = to_pyarrow(pq.read_table(tmp_path / peer))
        got = got.set_column(got.schema.get_field_index("key"), "key", got["key"].cast("string")).select(["n", "key"])
        assert rows_by(got, "n") == rows_by(data, "n"), peer
        assert pq.read_table(tmp_path / peer, filters=[("key", "=", "b")]).num_rows == 25


def test_peers_read_it(tmp_path):
    data = pyarrow.table({"n": list(range(100)), "key": ["a", "b", "c", "d"] * 25})
    pq.write_to_dataset(to_martlet(data), tmp_path / "d", partition_cols=["key"])
    assert polars.scan_parquet(tmp_path / "d", hive_partitioning=True).filter(polars.col("key") == "b").collect().height == 25
    count = duckdb.sql(f"select count(*) from read_parquet('{tmp_path}/d/**/*.parquet') where key = 'c'").fetchall()
    assert count == [(25,)]
    assert pyarrow.dataset.dataset(tmp_path / "d", partitioning="hive").count_rows() == 100


# ---- martlet.dataset -------------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path):
    data = pyarrow.table({"key": ["a", "b", "c", "d"] * 250, "n": list(range(1000)), "x": [i / 2 for i in range(1000)]})
    pq.write_to_dataset(to_martlet(data), tmp_path / "d", partition_cols=["key"])
    return tmp_path / "d"


def test_dataset(root):
    data = ds.dataset(root, partitioning="hive")
    assert isinstance(data, ds.Dataset) and set(data.schema.names) == {"key", "n", "x"}
    assert len(data.files) == 4
    assert data.count_rows() == 1000
    assert data.count_rows(filter=ds.field("key") == "a") == 250
    assert data.to_table(columns=["n"], filter=ds.field("n") < 10).column_names == ["n"]
    assert data.filter(ds.field("n") < 10).to_table().num_rows == 10
    assert data.head(7).num_rows == 7
    assert sum(b.num_rows for b in data.to_batches(batch_size=100)) == 1000
    assert max(b.num_rows for b in data.to_batches(batch_size=100)) <= 100
    scanner = data.scanner(columns=["x", "n"], filter=ds.field("key").isin(["a", "b"]))
    assert scanner.count_rows() == 500
    assert scanner.to_table().column_names == ["x", "n"]
    assert scanner.to_reader().read_all().num_rows == 500
    assert data.to_table(columns={"twice": ds.field("n") * 2}).column_names == ["twice"]
    assert pyarrow.table(data).num_rows == 1000
    assert sum(f.count_rows() for f in data.get_fragments()) == 1000
    with pytest.raises(pa.ArrowInvalid, match="zz"):
        data.to_table(columns=["zz"])


def test_dataset_with_a_schema(root, tmp_path):
    typed = ds.dataset(root, partitioning=ds.partitioning(pa.schema([("key", pa.large_string())]), flavor="hive"))
    assert typed.schema.field("key").type == pa.large_string()
    schema = pa.schema([("n", pa.int64()), ("missing", pa.string()), ("x", pa.float64())])
    got = pq.read_table(sorted(root.glob("*/*.parquet"))[0], schema=schema)
    assert got.schema.equals(schema) and got["missing"].null_count == 250


def test_datasets_in_memory():
    table = pa.table({"n": [1, 2, 3]})
    assert ds.dataset(table).to_table(filter=ds.field("n") > 1).num_rows == 2
    assert ds.dataset([table.to_batches()[0]] * 3).count_rows() == 9


def test_write_dataset(tmp_path):
    table = to_martlet(pyarrow.table({"key": ["a", "b"] * 10, "n": list(range(20))}))
    ds.write_dataset(table, tmp_path / "d", format="parquet", partitioning=["key"], partitioning_flavor="hive")
    assert pyarrow.dataset.dataset(tmp_path / "d", partitioning="hive").count_rows() == 20
    with pytest.raises(pa.ArrowInvalid, match="not empty"):
        ds.write_dataset(table, tmp_path / "d", format="parquet", partitioning=["key"], partitioning_flavor="hive")
    options = ds.ParquetFileFormat().make_write_options(compression="zstd")
    flavored = ds.partitioning(pa.schema([("key", pa.string())]), flavor="hive")
    ds.write_dataset(ds.dataset(table), tmp_path / "e", format="parquet", partitioning=flavored, file_options=options)
    file = next((tmp_path / "e").glob("key=a/*.parquet"))
    assert pyarrow.parquet.read_metadata(file).row_group(0).column(0).compression == "ZSTD"
    ds.write_dataset(table, tmp_path / "f", format="parquet", partitioning=["key"])
    assert sorted(path.name for path in (tmp_path / "f").iterdir()) == ["a", "b"]


def test_progress(root, tmp_path):
    seen = []
    pq.read_table(root, progress=lambda *now: seen.append(now))
    table = to_martlet(pyarrow.table({"key": ["a", "b"] * 1000, "n": list(range(2000))}))
    pq.write_to_dataset(table, tmp_path / "w", partition_cols=["key"], progress=lambda *now: seen.append(now))
    with pytest.raises(pa.ArrowCancelled):
        pq.write_to_dataset(table, tmp_path / "c", partition_cols=["key"], progress=lambda *now: False)
    assert not list(tmp_path.glob("c/**/*.parquet"))


def test_a_filter_with_field_of_compute(root):
    assert pq.read_table(root, filters=pc.field("key") == "a").num_rows == 250


def test_names_with_dots(tmp_path):
    """A column's own name comes before a path into a struct."""
    data = {"a.b": [1, 2, 3], "a": [{"b": 10}, {"b": 11}, {"b": 12}], "x.y.z": ["p", "q", "p"]}
    pq.write_table(pa.table(data), tmp_path / "f.parquet")
    found = ds.dataset(tmp_path / "f.parquet")
    assert found.to_table(columns=["x.y.z", "a.b"]).to_pydict() == {"x.y.z": data["x.y.z"], "a.b": data["a.b"]}
    assert found.to_table(columns=["a.b"], filter=pc.field("x.y.z") == "q").to_pydict() == {"a.b": [2]}
    assert pq.read_table(tmp_path / "f.parquet", columns=["a.b"]).to_pydict() == {"a.b": data["a.b"]}


@pytest.mark.parametrize("format", ["parquet", "ipc"])
def test_datasets_of_keys_alone(format, tmp_path):
    """Files without columns count the rows; pyarrow writes none."""
    table = pa.table({"k": ["a", "b", "a", None], "n": [1, 2, 1, 3]})
    for i, partitioning in enumerate([["k", "n"], ds.partitioning(table.schema, flavor="hive"), ds.partitioning(pa.schema([table.schema.field(1)]))]):
        part = table if i < 2 else table.select(["n"])
        ds.write_dataset(part, tmp_path / str(i), format=format, partitioning=partitioning, partitioning_flavor="hive" if i == 0 else None)
        found = ds.dataset(tmp_path / str(i), format=format, partitioning="hive" if i == 0 else partitioning)
        assert found.count_rows() == 4 and found.to_table().num_rows == 4
        rows = found.to_table(columns=part.column_names).sort_by([(name, "ascending") for name in part.column_names])
        assert rows.to_pylist() == part.sort_by([(name, "ascending") for name in part.column_names]).to_pylist()
        assert found.to_table(filter=pc.field("n") == 1).num_rows == 2
        if format == "parquet":
            files = list((tmp_path / str(i)).rglob("*.parquet"))
            assert sum(pyarrow.parquet.read_table(file, partitioning=None).num_rows for file in files) == 4


def test_tables_without_columns(tmp_path):
    """Their rows are counted."""
    table = pa.table({"a": [1, 2, 3]}).select([])
    assert [batch.num_rows for batch in table.to_batches()] == [3] and table.to_reader().read_all().num_rows == 3
    pq.write_table(table, tmp_path / "f")
    assert pq.read_table(tmp_path / "f").num_rows == 3 == pyarrow.parquet.read_table(tmp_path / "f").num_rows
    assert [batch.num_rows for batch in pq.ParquetFile(tmp_path / "f").iter_batches(2)] == [2, 1]
