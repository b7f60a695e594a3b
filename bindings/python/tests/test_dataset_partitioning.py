"""Keys in the names of directories and files, and fragments: pyarrow says what comes out, and reads what is written."""

import datetime
import io
import pickle

import pyarrow
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
import pytest

import martlet as pa
import martlet.dataset as ds
import martlet.fs as fs
import martlet.parquet as pq

MODULES = [(pyarrow, pyarrow.dataset), (pa, ds)]
BOTH = pytest.mark.parametrize("module, ds", MODULES, ids=["pyarrow", "martlet"])

DAY = datetime.date(2024, 2, 29)
KEYS = {
    "one": {"year": [2023, 2024, 2023, 2025] * 5},
    "two": {"year": [2023, 2024, 2023, 2025] * 5, "city": ["Bern", "Oslo", "La Paz", "Bern"] * 5},
    "dates": {"day": [DAY, DAY + datetime.timedelta(1)] * 10, "flag": [True, False, False, True] * 5},
}


def table_of(module, keys):
    return module.table({"n": list(range(20)), "x": [i / 2 for i in range(20)], **keys})


def files_below(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def rows(table):
    return table.sort_by("n").to_pylist()


@pytest.mark.parametrize("format", ["parquet", "ipc"])
@pytest.mark.parametrize("flavor", [None, "filename", "hive"])
@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_written_and_read_as_by_pyarrow(keys, flavor, format, tmp_path):
    theirs, mine = table_of(pyarrow, keys), table_of(pa, keys)
    for name, table, module, ds_ in (("theirs", theirs, pyarrow, pyarrow.dataset), ("mine", mine, pa, ds)):
        made = ds_.partitioning(table.select(list(keys)).schema, flavor=flavor)
        (tmp_path / name).mkdir()
        ds_.write_dataset(
            table, tmp_path / name, format=format, partitioning=made, basename_template="part-{i}.x")
    assert files_below(tmp_path / "mine") == files_below(tmp_path / "theirs")
    for name in ("mine", "theirs"):
        for module, ds_ in MODULES:
            made = ds_.partitioning(table_of(module, keys).select(list(keys)).schema, flavor=flavor)
            found = ds_.dataset(tmp_path / name, format=format, partitioning=made)
            assert found.schema.names == ["n", "x", *keys]
            assert rows(found.to_table()) == rows(theirs)
            assert found.count_rows() == 20
            first = next(iter(keys))
            condition = ds_.field(first) == keys[first][0]
            expected = [row for row in rows(theirs) if row[first] == keys[first][0]]
            assert rows(found.to_table(filter=condition)) == expected
            assert rows(found.to_table(filter=condition & (ds_.field("n") > 5), columns=["n"])) == [
                {"n": row["n"]} for row in expected if row["n"] > 5]
            assert found.count_rows(filter=condition) == len(expected)
            assert len(list(found.get_fragments(filter=condition))) < len(found.files)


@BOTH
@pytest.mark.parametrize("infers", [False, True])
def test_types_of_keys_are_found(module, ds, infers, tmp_path):
    table = table_of(module, KEYS["two"])
    ds.write_dataset(table, tmp_path, format="parquet", partitioning=["year", "city"])
    kinds = ["dictionary<values=int32, indices=int32, ordered=0>", "dictionary<values=string, indices=int32, ordered=0>"]
    for factory in (["year", "city"], ds.DirectoryPartitioning.discover(["year", "city"], infer_dictionary=infers)):
        found = ds.dataset(tmp_path, partitioning=factory)
        dictionaries = infers and not isinstance(factory, list)
        assert [str(f.type) for f in found.schema][2:] == (kinds if dictionaries else ["int32", "string"])
        assert rows(found.to_table()) == rows(table)
    hive = tmp_path / "hive"
    pyarrow.parquet.write_to_dataset(table_of(pyarrow, KEYS["two"]), hive, partition_cols=["year", "city"])
    for given, dictionaries in (("hive", False), (ds.HivePartitioning.discover(infer_dictionary=True), True)):
        found = ds.dataset(hive, partitioning=given)
        assert [str(f.type) for f in found.schema][2:] == (kinds if dictionaries else ["int32", "string"])
        assert rows(found.to_table()) == rows(table)
        assert found.partitioning.schema.names == ["year", "city"]


@BOTH
def test_partitionings_parse_and_format(module, ds):
    schema = module.schema([("f", module.int32()), ("g", module.string())])
    both = (ds.field("f") == 3) & (ds.field("g") == "a b")
    plain, hive = ds.partitioning(schema), ds.partitioning(schema, flavor="hive")
    names = ds.partitioning(schema, flavor="filename")
    assert plain.format(both) == ("3/a b", "") and plain.format(ds.field("f") == 3) == ("3", "")
    assert names.format(both) == ("", "3_a b_")
    assert hive.format(both) == ("f=3/g=a%20b", "") and hive.format(ds.field("g") == "a b") == ("g=a%20b", "")
    assert ds.get_partition_keys(plain.parse("/3/x%20y/z")) == {"f": 3, "g": "x y"}
    assert ds.get_partition_keys(plain.parse("/3/z")) == {"f": 3}
    assert ds.get_partition_keys(names.parse("dir/3_x_part-0")) == {"f": 3, "g": "x"}
    assert ds.get_partition_keys(hive.parse("f=3/g=__HIVE_DEFAULT_PARTITION__/h=3/file")) == {"f": 3, "g": None}
    assert plain.dictionaries == [None, None] and plain.schema == schema
    assert plain == ds.partitioning(schema) != hive
    with pytest.raises(module.ArrowInvalid, match="No partition key for f but a key was provided subsequently for g"):
        plain.format(ds.field("g") == "x")
    with pytest.raises(module.ArrowInvalid, match="abc"):
        plain.parse("abc/x")
    for arguments, text in (
        ({}, "For the default directory flavor"), ({"flavor": "filename"}, "For the filename flavor"),
        ({"flavor": "x", "schema": schema}, "Unsupported flavor"), ({"field_names": "a"}, "Expected list of field names"),
        ({"schema": schema, "field_names": ["a"]}, "both 'schema' and 'field_names'"),
        ({"flavor": "hive", "field_names": ["a"]}, "'field_names' for flavor 'hive'"),
    ):
        with pytest.raises(ValueError, match=text):
            ds.partitioning(**arguments)


def test_keys_that_pyarrow_cannot_write(tmp_path):
    values = ["a/b", "100%", "_b", "é", "."]
    table = pa.table({"n": list(range(20)), "x": [0.0] * 20, "k": values * 4})
    for flavor in (None, "filename"):
        made = ds.partitioning(pa.schema([("k", pa.string())]), flavor=flavor)
        root = tmp_path / str(flavor)
        ds.write_dataset(table, root, format="parquet", partitioning=made)
        assert rows(ds.dataset(root, partitioning=made).to_table()) == rows(table)
        theirs = pyarrow.dataset.partitioning(pyarrow.schema([("k", "string")]), flavor=flavor)
        assert rows(pyarrow.dataset.dataset(root, partitioning=theirs).to_table()) == rows(table)
    with pytest.raises(pa.ArrowInvalid, match="an empty string cannot be the name of a directory"):
        ds.write_dataset(pa.table({"k": ["a", ""], "n": [1, 2]}), tmp_path / "e", format="parquet", partitioning=["k"])
    assert not files_below(tmp_path / "e")


@pytest.mark.parametrize("keys", [
    pa.array([b"a", b"b/=%", None]), pa.array([b"ab", b"/=", None], pa.binary(2)), pa.array([b"a", "\u00e9".encode(), None], pa.binary_view()),
    pa.array([b"a", b"", b"a"]).dictionary_encode(), pa.array([1.5, float("inf"), None], pa.float16()),
    pa.array([datetime.timedelta(1), datetime.timedelta(-1), None]),
], ids=lambda keys: str(keys.type))
def test_keys_come_back(keys, tmp_path):
    table = pa.table({"k": keys, "n": [0, 1, 2]})
    pq.write_to_dataset(table, tmp_path, partition_cols=["k"])
    assert pq.read_table(tmp_path).sort_by("n").equals(table)
    assert pyarrow.dataset.dataset(tmp_path, partitioning="hive").to_table().num_rows == 3


@pytest.mark.parametrize("keys, words", [
    (pa.array([b"a", b"\xff"]), "make text of the key first"), (pa.array([b"\xff\xfe"] * 2, pa.binary(2)), "make text of the key first"),
    (pa.array([(1, 2, 3)] * 2, pa.month_day_nano_interval()), "read from their text"), (pa.array([[1], [2]]), "read from their text"),
])
def test_keys_that_could_not_come_back(keys, words, tmp_path):
    with pytest.raises(pa.ArrowException, match=f'"k".*{words}'):
        pq.write_to_dataset(pa.table({"k": keys, "n": [0, 1]}), tmp_path / "d", partition_cols=["k"])
    assert not list(tmp_path.rglob("*.parquet"))


@BOTH
def test_nulls_end_a_path(module, ds, tmp_path):
    table = module.table({"n": [0, 1], "a": [1, 2], "b": ["x", None]})
    made = ds.partitioning(table.select(["a", "b"]).schema)
    ds.write_dataset(table, tmp_path, format="parquet", partitioning=made, basename_template="f{i}")
    assert files_below(tmp_path) == ["1/x/f0", "2/f0"]
    assert rows(ds.dataset(tmp_path, partitioning=made).to_table()) == rows(table)


@BOTH
def test_limits_of_writing(module, ds, tmp_path):
    table = table_of(module, KEYS["one"])
    ds.write_dataset(table, tmp_path / "a", format="ipc", max_rows_per_file=8, max_rows_per_group=8, basename_template="p{i}")
    assert files_below(tmp_path / "a") == ["p0", "p1", "p2"]
    assert rows(ds.dataset(tmp_path / "a", format="ipc").to_table()) == rows(table)
    with pytest.raises(module.ArrowInvalid, match="partitions"):
        ds.write_dataset(table, tmp_path / "b", format="parquet", partitioning=["year"], max_partitions=2)
    ds.write_dataset(table, tmp_path / "c", format="parquet", partitioning=["year"], max_open_files=1)
    assert rows(ds.dataset(tmp_path / "c", partitioning=["year"]).to_table()) == rows(table)
    with pytest.raises(module.ArrowInvalid, match="existing_data_behavior"):
        ds.write_dataset(table, tmp_path / "c", format="parquet", partitioning=["year"])
    few = table.slice(0, 1)
    ds.write_dataset(few, tmp_path / "c", format="parquet", partitioning=["year"], existing_data_behavior="delete_matching")
    assert ds.dataset(tmp_path / "c" / "2023").count_rows() == 1 and ds.dataset(tmp_path / "c" / "2024").count_rows() == 5
    seen = []
    ds.write_dataset(table, tmp_path / "d", format="parquet", partitioning=["year"], file_visitor=seen.append)
    assert sorted(file.metadata.num_rows for file in seen) == [5, 5, 10] and all(file.size > 0 for file in seen)


@BOTH
def test_fragments(module, ds, tmp_path):
    table = table_of(module, KEYS["one"])
    ds.write_dataset(
        table, tmp_path, format="parquet", partitioning=["year"], partitioning_flavor="hive", max_rows_per_group=2)
    found = ds.dataset(tmp_path, partitioning="hive")
    fragments = list(found.get_fragments(filter=ds.field("year") == 2023))
    assert len(fragments) == 1
    fragment = fragments[0]
    assert ds.get_partition_keys(fragment.partition_expression) == {"year": 2023}
    assert fragment.physical_schema.names == ["n", "x"] == fragment.to_table().column_names
    assert fragment.to_table(schema=found.schema).column_names == ["n", "x", "year"]
    assert fragment.count_rows() == 10 and fragment.count_rows(filter=ds.field("n") > 10) == 4
    assert fragment.num_row_groups == 5 == len(fragment.row_groups) and fragment.row_groups[0].num_rows == 2
    assert fragment.row_groups[0].statistics["n"] == {"min": 0, "max": 2}
    assert fragment.subset(row_group_ids=[1, 2]).to_table(columns=["n"]).to_pydict() == {"n": [4, 6, 8, 10]}
    assert fragment.subset(filter=ds.field("n") > 13).num_row_groups == 2
    assert [part.to_table().num_rows for part in fragment.split_by_row_group()] == [2] * 5
    assert fragment.head(3, columns=["n"]).num_rows == 3
    assert isinstance(fragment, ds.ParquetFileFragment) and isinstance(fragment, ds.Fragment)
    again = pickle.loads(pickle.dumps(fragment))
    assert again.to_table().equals(fragment.to_table()) and again.path == fragment.path
    with fragment.open() as file:
        assert file.read(4) == b"PAR1"
    built = ds.FileSystemDataset.from_paths(
        [f.path for f in found.get_fragments()], schema=found.schema, format=ds.ParquetFileFormat(),
        filesystem=(pyarrow.fs if module is pyarrow else fs).LocalFileSystem(),
        partitions=[f.partition_expression for f in found.get_fragments()])
    assert rows(built.to_table()) == rows(table)
    assert rows(ds.FileSystemDataset(
        list(found.get_fragments()), found.schema, found.format).to_table()) == rows(table)


@BOTH
def test_fragments_of_buffers_and_some_row_groups(module, ds):
    sink = io.BytesIO()
    write = pyarrow.parquet.write_table if module is pyarrow else pq.write_table
    write(table_of(module, {}), sink, row_group_size=5)
    buffer = module.py_buffer(sink.getvalue())
    fragment = ds.ParquetFileFormat().make_fragment(buffer, row_groups=[1, 3])
    assert fragment.to_table()["n"].to_pylist() == [5, 6, 7, 8, 9, 15, 16, 17, 18, 19]
    assert fragment.buffer.equals(buffer)
    assert ds.ParquetFileFormat().inspect(buffer).names == ["n", "x"]


@BOTH
def test_unions_and_columns_of_the_scan(module, ds, tmp_path):
    table = table_of(module, KEYS["one"])
    for name, part in (("a", table.slice(0, 7)), ("b", table.slice(7))):
        ds.write_dataset(part, tmp_path / name, format="parquet")
    union = ds.dataset([ds.dataset(tmp_path / "a"), ds.dataset(tmp_path / "b")])
    assert isinstance(union, ds.UnionDataset) and len(union.children) == 2
    assert rows(union.to_table()) == rows(table) and union.count_rows(filter=ds.field("n") > 3) == 16
    assert len(list(union.get_fragments())) == 2
    batches = list(union.scanner(columns=["n"]).scan_batches())
    assert sum(tagged.record_batch.num_rows for tagged in batches) == 20 and batches[0].fragment.path.startswith(
        str(tmp_path / "a"))
    found = ds.dataset(tmp_path / "a")
    told = found.to_table(columns=["n", "__filename", "__fragment_index", "__last_in_fragment"])
    assert set(told["__filename"].to_pylist()) == set(found.files) and told["__fragment_index"].to_pylist() == [0] * 7
    named = found.to_table(columns={"double": ds.field("n") + ds.field("n")})
    assert named["double"].to_pylist() == list(range(0, 14, 2))
    with pytest.raises(ValueError, match="No match for FieldRef.Name"):
        found.to_table(columns=["nothing"])


@BOTH
def test_summary_files(module, ds, tmp_path):
    papq = pyarrow.parquet if module is pyarrow else pq
    table, collector = table_of(module, KEYS["one"]), []
    papq.write_to_dataset(table, tmp_path, partition_cols=["year"], metadata_collector=collector)
    papq.write_metadata(table.drop_columns(["year"]).schema, tmp_path / "_metadata", metadata_collector=collector)
    found = ds.parquet_dataset(tmp_path / "_metadata", partitioning="hive")
    assert len(found.files) == 3 and found.count_rows() == 20
    assert rows(found.to_table()) == rows(table)
    papq.write_metadata(table.schema, tmp_path / "nothing")


@BOTH
def test_factories(module, ds, tmp_path):
    files = pyarrow.fs if module is pyarrow else fs
    table = table_of(module, KEYS["two"])
    ds.write_dataset(table, tmp_path, format="parquet", partitioning=["year", "city"], partitioning_flavor="hive")
    options = ds.FileSystemFactoryOptions(str(tmp_path))
    options.partitioning_factory = ds.HivePartitioning.discover()
    selector = files.FileSelector(str(tmp_path), recursive=True)
    factory = ds.FileSystemDatasetFactory(files.LocalFileSystem(), selector, ds.ParquetFileFormat(), options)
    assert factory.inspect().names == ["n", "x", "year", "city"]
    assert rows(factory.finish().to_table()) == rows(table)
    assert options.selector_ignore_prefixes == [".", "_"]


@BOTH
def test_what_is_refused(module, ds, tmp_path):
    table = table_of(module, KEYS["one"])
    ds.write_dataset(table, tmp_path / "d", format="parquet", partitioning=["year"])
    found = ds.dataset(tmp_path / "d", partitioning=["year"])
    with pytest.raises(TypeError, match="must evaluate to bool"):
        found.to_table(filter=ds.field("n"))
    with pytest.raises(module.ArrowInvalid, match="No match for FieldRef.Name"):
        found.to_table(filter=ds.field("nothing") == 3)
    with pytest.raises(TypeError):
        found.filter(None)
    with pytest.raises(IndexError, match="row group .*7"):
        next(found.get_fragments()).subset(row_group_ids=[7]).to_table()
    with pytest.raises(ValueError, match="Cannot specify a schema when writing a Scanner"):
        ds.write_dataset(found.scanner(), tmp_path / "e", schema=table.schema, format="parquet")
    with pytest.raises(ValueError, match="Must provide schema"):
        ds.write_dataset((batch for batch in table.to_batches()), tmp_path / "e", format="parquet")
    keys = module.schema([("year", module.timestamp("s"))])
    with pytest.raises(module.ArrowInvalid, match="Could not cast segments for partition field year"):
        ds.dataset(tmp_path / "d", partitioning=ds.DirectoryPartitioning.discover(["year"], schema=keys))
    for source, error in ((3, TypeError), ([3], TypeError), (tmp_path / "none", FileNotFoundError)):
        with pytest.raises(error):
            ds.dataset(source)
    with pytest.raises(ValueError, match="Expected Partitioning or PartitioningFactory"):
        ds.dataset(tmp_path / "d", partitioning=3)
    with pytest.raises(ValueError, match="format 'x' is not supported"):
        ds.dataset(tmp_path / "d", format="x")


@BOTH
def test_partitionings_of_datasets(module, ds, tmp_path):
    table = table_of(module, KEYS["one"])
    ds.write_dataset(table, tmp_path, format="parquet", partitioning=["year"], partitioning_flavor="hive")
    plain = ds.dataset(tmp_path).partitioning
    assert isinstance(plain, ds.DirectoryPartitioning) and plain.schema.names == []
    hive = ds.dataset(tmp_path, partitioning="hive").partitioning
    assert isinstance(hive, ds.HivePartitioning) and hive.schema.names == ["year"]
    assert sorted(hive.dictionaries[0].to_pylist()) == [2023, 2024, 2025]


@BOTH
@pytest.mark.parametrize("flavor", [None, "hive"])
def test_dictionaries_of_keys_are_whole(module, ds, flavor, tmp_path):
    table = table_of(module, KEYS["one"])
    made = ds.partitioning(table.select(["year"]).schema, flavor=flavor)
    ds.write_dataset(table, tmp_path, format="ipc", partitioning=made)
    kind = ds.HivePartitioning if flavor else ds.DirectoryPartitioning
    factory = kind.discover(infer_dictionary=True) if flavor else kind.discover(["year"], infer_dictionary=True)
    found = ds.dataset(tmp_path, format="ipc", partitioning=factory)
    read = found.to_table()["year"]
    assert sorted(read.to_pylist()) == sorted(KEYS["one"]["year"])
    assert all(sorted(chunk.dictionary.to_pylist()) == [2023, 2024, 2025] for chunk in read.chunks)
    for fragment in pickle.loads(pickle.dumps(list(found.get_fragments()))):
        assert len(fragment.to_table(schema=found.schema)["year"].chunk(0).dictionary) == 3
    assert found.to_table(filter=ds.field("year") == 2024)["year"].to_pylist() == [2024] * 5


@BOTH
def test_datasets_of_nothing(module, ds, tmp_path):
    papq = pyarrow.parquet if module is pyarrow else pq
    (tmp_path / "empty").mkdir()
    for found in (papq.read_table(tmp_path / "empty"), ds.dataset(tmp_path / "empty").to_table()):
        assert found.num_rows == 0 and found.num_columns == 0
    batch = module.record_batch({"a": [1]})
    with pytest.raises(ValueError, match="Must provide schema to construct in-memory dataset from an empty list"):
        ds.InMemoryDataset([])
    with pytest.raises(TypeError, match="which does not match expected schema"):
        ds.dataset([batch, module.record_batch({"b": [1]})])
    for source in (None, (b for b in [batch])):
        with pytest.raises(TypeError, match="Expected a path-like, list of path-likes or a list of Datasets"):
            ds.dataset(source)
