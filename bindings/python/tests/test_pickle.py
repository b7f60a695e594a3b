"""What goes to other processes: copies that stand by themselves, or a refusal, never an address of this process."""

import copy
import multiprocessing
import pickle

import pyarrow.parquet
import pytest

import martlet as pa
import martlet.compute as pc
import martlet.dataset as ds
import martlet.ipc as ipc
import martlet.parquet as pq

TABLE = pa.table({"key": ["a", "b", "a", "c"] * 25, "value": list(range(100))})


def written(folder):
    pq.write_to_dataset(TABLE, folder, partition_cols=["key"])
    return ds.dataset(folder, partitioning="hive")


def rows(data):
    return data.to_table().sort_by("value").select(["value", "key"]).to_pydict()


@pytest.mark.parametrize("again", [lambda v: pickle.loads(pickle.dumps(v)), copy.copy, copy.deepcopy])
def test_datasets(tmp_path, again):
    dataset = written(tmp_path)
    expected = rows(dataset)
    for given in (dataset, dataset.filter(pc.field("value") > 50), ds.dataset(TABLE).filter(pc.field("value") < 5)):
        other, want = again(given), rows(given)
        assert other.schema.equals(given.schema)
        del given
        assert rows(other) == want
    parts = [again(fragment) for fragment in dataset.get_fragments()]
    assert sum(part.count_rows() for part in parts) == 100
    scanner = again(dataset.scanner(columns=["value"], filter=pc.field("key") == "a"))
    del dataset
    assert scanner.count_rows() == 50
    assert rows(written(tmp_path / "other")) == expected


def count(dataset):
    return dataset.count_rows()


def test_datasets_in_other_processes(tmp_path):
    dataset = written(tmp_path)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(count, [dataset, dataset.filter(pc.field("key") == "a")]) == [100, 50]


@pytest.mark.parametrize("writer", [pq, pyarrow.parquet])
def test_footers(tmp_path, writer):
    path = tmp_path / "x.parquet"
    table = TABLE if writer is pq else pyarrow.table(TABLE)
    writer.write_table(table, path, row_group_size=30)
    metadata = pq.read_metadata(path)
    other = pickle.loads(pickle.dumps(metadata))
    assert other.equals(metadata)
    assert other.num_row_groups == 4
    schema = pickle.loads(pickle.dumps(metadata.schema))
    assert schema.equals(metadata.schema) and schema.to_arrow_schema().equals(TABLE.schema)


@pytest.mark.parametrize("again", [lambda v: pickle.loads(pickle.dumps(v)), copy.deepcopy])
def test_what_lives_in_this_process_is_refused(tmp_path, again):
    path = tmp_path / "x.parquet"
    pq.write_table(TABLE, path)
    sink = pa.BufferOutputStream()
    opened = [
        pq.ParquetFile(path), pq.ParquetFile(path).iter_batches(), pa.OSFile(str(path)), pa.memory_map(str(path)),
        ipc.open_stream(TABLE.schema.serialize()), ipc.new_stream(sink, TABLE.schema), sink,
    ]
    for value in opened:
        with pytest.raises((TypeError, ValueError), match="pickle"):
            again(value)
    with pq.ParquetWriter(tmp_path / "y.parquet", TABLE.schema) as writer:
        with pytest.raises((TypeError, ValueError), match="pickle"):
            again(writer)


@pytest.mark.parametrize("data", [
    pa.array(range(1000)), pa.array(["a", None, "c"] * 100), pa.array([[1, 2], None, []] * 50), TABLE, TABLE.to_batches()[0],
    pa.chunked_array([["x", "y"], ["z"]]).dictionary_encode(), pa.array([{"a": 1}, None]), pa.py_buffer(b"bytes" * 100)])
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_buffers_beside_the_pickle(data, protocol):
    """Protocol 5 hands out the memory itself; older ones carry it along."""
    beside = []
    options = {"buffer_callback": beside.append} if protocol >= 5 else {}
    found = pickle.loads(pickle.dumps(data, protocol, **options), buffers=beside)
    assert found.equals(data)
    assert bool(beside) == (protocol >= 5)


def test_no_copy_in_protocol_5():
    array = pa.array(range(1000))
    beside = []
    text = pickle.dumps(array, 5, buffer_callback=beside.append)
    assert len(text) < 500
    assert pickle.loads(text, buffers=beside).buffers()[1].address == array.buffers()[1].address
    odd = [memoryview(b"." + bytes(buffer.raw()))[1:] for buffer in beside]
    assert pickle.loads(text, buffers=odd).equals(array)


@pytest.mark.parametrize("kind", ["list", "large_list", "map", "string", "large_binary", "list_of_lists"])
def test_arrays_of_nothing_have_their_offset(kind):
    """Whatever an empty array lacks, those who take it find an offset of 0."""
    types = {"list": pa.list_(pa.int8()), "large_list": pa.large_list(pa.int8()), "map": pa.map_(pa.string(), pa.int8()),
             "string": pa.string(), "large_binary": pa.large_binary(), "list_of_lists": pa.list_(pa.list_(pa.int8()))}
    kept = []
    for round in range(200):
        empty = pa.array([], types[kind])
        children = [pa.array([], f.type) for f in types[kind]._fields()]
        bare = pa.Array.from_buffers(types[kind], 0, [None] + [pa.py_buffer(b"")] * (types[kind].num_buffers - 1),
                                     children=children)
        kept.append(bytes([255]) * (round % 40 + 1))
        for made in (bare, pickle.loads(pickle.dumps(empty)), pickle.loads(pickle.dumps(bare))):
            pyarrow.array(made).validate(full=True)
