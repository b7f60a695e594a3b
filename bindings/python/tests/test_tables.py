"""Record batches, tables and readers, judged by pyarrow."""

import gc
import pickle
import weakref

import pytest

pa = pytest.importorskip("pyarrow")

import martlet as ma
from arrow_cases import LAYOUTS, TYPES, assert_equal, table
from judged import check


def schema(m):
    return m.schema([("a", m.int64()), ("b", m.string())])


def batch(m):
    return m.record_batch({"a": [1, 2, 3], "b": ["x", None, "z"]})


def rows(m):
    return m.table({"a": [1, 2, 3], "b": ["x", None, "z"]})


@pytest.mark.parametrize("code", [
    lambda m, c: m.record_batch([[1, 2], ["x"]], schema=schema(m)), lambda m, c: m.record_batch([[1, 2]], schema=schema(m)),
    lambda m, c: m.record_batch([m.array([1, 2]), m.array(["x"])], names=["a", "b"]),
    lambda m, c: m.table({"a": [1, 2], "b": ["x"]}), lambda m, c: m.table([m.array([1]), m.array(["x"])], names=["a"]),
    lambda m, c: m.record_batch([m.array([1, 2])]), lambda m, c: m.record_batch([[1.5], ["x"]], schema=schema(m)),
    lambda m, c: m.record_batch([m.array([1.5]), m.array(["x"])], schema=schema(m)),
    lambda m, c: m.record_batch([["q"], ["x"]], schema=schema(m)), lambda m, c: m.record_batch([[1], [2]], schema=schema(m)),
    lambda m, c: m.record_batch([[1], ["x"]], schema=schema(m), names=["a", "b"]),
    lambda m, c: m.record_batch([[1], ["x"]], names=["a", "b"]), lambda m, c: m.record_batch({"a": [1]}, schema=schema(m)),
    lambda m, c: m.record_batch({"a": [1], "b": ["x"], "c": [3]}, schema=schema(m)), lambda m, c: m.record_batch(3),
    lambda m, c: m.table(3), lambda m, c: m.table([]), lambda m, c: m.table([], schema=schema(m)),
    lambda m, c: m.RecordBatch.from_arrays([m.array([1])], names=["a"], metadata={"x": "y"}).schema.metadata,
    lambda m, c: batch(m).column("q"), lambda m, c: batch(m).column(7), lambda m, c: batch(m).column(-1),
    lambda m, c: batch(m)[0:2], lambda m, c: batch(m).column(1.5), lambda m, c: batch(m).select(["b", 0]),
    lambda m, c: batch(m).select(["q"]), lambda m, c: batch(m).rename_columns(["x"]),
    lambda m, c: batch(m).rename_columns({"a": "z"}), lambda m, c: batch(m).rename_columns({"q": "z"}),
    lambda m, c: batch(m).set_column(0, "n", [1, 2]), lambda m, c: batch(m).set_column(0, "n", [1, 2, 5]),
    lambda m, c: batch(m).add_column(1, m.field("n", m.int8()), m.array([1, 2, 3], m.int8())),
    lambda m, c: batch(m).append_column("n", [7, 8, 9]), lambda m, c: batch(m).remove_column(5),
    lambda m, c: batch(m).remove_column(1), lambda m, c: batch(m).drop_columns(["zz"]), lambda m, c: batch(m).slice(5),
    lambda m, c: batch(m).slice(-1), lambda m, c: batch(m).shape, lambda m, c: batch(m).to_pylist(),
    lambda m, c: batch(m).to_pydict(), lambda m, c: batch(m).equals(3), lambda m, c: batch(m) == batch(m),
    lambda m, c: batch(m).cast(m.schema([("a", m.int8()), ("b", m.string())])),
    lambda m, c: batch(m).cast(m.schema([("q", m.int8()), ("b", m.string())])), lambda m, c: batch(m).to_struct_array(),
    lambda m, c: batch(m).nbytes, lambda m, c: batch(m).sort_by("a"), lambda m, c: batch(m).sort_by([("a", "descending")]),
    lambda m, c: rows(m).sort_by([("b", "descending"), ("a", "ascending")]),
    lambda m, c: rows(m).set_column(0, "n", [[1, 2, 3]]), lambda m, c: rows(m).append_column("n", m.array([7, 8])),
    lambda m, c: rows(m).cast(m.schema([("a", m.int8())])),
    lambda m, c: m.concat_tables([rows(m), m.table({"a": [1]})]),
    lambda m, c: m.concat_tables([rows(m), m.table({"a": [1]})], promote_options="default"),
    lambda m, c: m.concat_tables([]), lambda m, c: m.concat_batches([]), lambda m, c: m.concat_batches([batch(m)] * 2),
    lambda m, c: m.concat_batches([batch(m), m.record_batch({"a": [1]})]), lambda m, c: m.Table.from_batches([]),
    lambda m, c: m.Table.from_batches([batch(m), m.record_batch({"a": [1]})]),
    lambda m, c: m.Table.from_pylist([{"a": 1}, {"b": 2}]), lambda m, c: m.Table.from_pylist([]),
    lambda m, c: m.Table.from_pylist([{"a": 1}, {"b": "q"}], schema=schema(m)), lambda m, c: rows(m).select([5]),
    lambda m, c: rows(m)["a"][5], lambda m, c: rows(m).filter(m.array([True, False])),
    lambda m, c: rows(m).filter(m.array([True, False, None])), lambda m, c: batch(m).filter([True, False, True]),
    lambda m, c: rows(m).take([5]), lambda m, c: rows(m).take([2, 0, None]), lambda m, c: rows(m).drop_null(),
    lambda m, c: len(m.concat_tables([rows(m)] * 3).to_batches(max_chunksize=2)), lambda m, c: rows(m).to_batches(0),
    lambda m, c: rows(m).to_reader(2).read_all(), lambda m, c: m.table({"s": [{"x": 1, "y": "a"}]}).flatten(),
    lambda m, c: m.Table.from_struct_array(m.array([{"a": 1}, {"a": 2}])),
    lambda m, c: m.table({"k": ["a", "b", "a"], "v": [1, 2, 3]}).group_by("k").aggregate([("v", "sum"), ("v", "max")]),
    lambda m, c: m.RecordBatchReader.from_batches(schema(m), [batch(m)]).read_all(),
    lambda m, c: m.RecordBatchReader.from_batches(schema(m), [m.record_batch({"a": [1]})]).read_all(),
    lambda m, c: m.RecordBatchReader.from_batches(schema(m), iter([])).read_next_batch(),
    lambda m, c: str(rows(m)), lambda m, c: str(batch(m)), lambda m, c: str(rows(m).slice(0, 0)),
    lambda m, c: str(m.table({f"c{i}": [1] for i in range(20)})), lambda m, c: str(m.table({"a": m.chunked_array([[1]] * 20)})),
    lambda m, c: m.table({"a": [1, 2], "b": [1.5, 2.5]}).__array__(), lambda m, c: len(rows(m)),
])
def test_behaviour(code):
    check(code)


def test_unequal_lengths_name_column_and_fix():
    for make in (lambda: ma.record_batch([[1] * 1000, [1] * 999], names=["a", "b"]),
                 lambda: ma.table({"a": [1] * 1000, "b": [1] * 999})):
        with pytest.raises(ma.ArrowInvalid) as caught:
            make()
        text = str(caught.value)
        assert "length 1000 but got length 999" in text and "named b" in text and "slice" in text


def test_wrong_values_name_the_column():
    with pytest.raises(ma.ArrowTypeError, match="Expected bytes, got a 'int' object.*column 'b'"):
        ma.record_batch([[1], [2]], schema=schema(ma))
    with pytest.raises(ma.ArrowInvalid, match="was truncated.*column 'a'"):
        ma.table({"a": ma.array([1.5]), "b": ["x"]}, schema=schema(ma))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", TYPES)
def test_exchange(name, layout):
    theirs = table(name, layout)
    mine = ma.table(theirs)
    assert_equal(pa.table(mine), theirs)
    assert_equal(pa.table(pickle.loads(pickle.dumps(mine))), theirs)
    for b in mine.to_batches():
        assert pa.record_batch(b).num_rows == b.num_rows
        assert pa.record_batch(pickle.loads(pickle.dumps(b))).equals(pa.record_batch(b))
    reader = pa.RecordBatchReader.from_stream(mine.to_reader())
    assert_equal(reader.read_all(), theirs)
    assert_equal(pa.table(ma.RecordBatchReader.from_stream(theirs)), theirs)


def test_generators_are_asked_one_batch_at_a_time():
    asked = []

    def batches():
        for i in range(5):
            asked.append(i)
            yield ma.record_batch({"a": [i]})

    reader = ma.RecordBatchReader.from_batches(ma.schema([("a", ma.int64())]), batches())
    assert asked == []
    assert reader.read_next_batch().to_pylist() == [{"a": 0}] and asked == [0]
    theirs = pa.RecordBatchReader.from_stream(reader)
    assert theirs.read_next_batch().to_pylist() == [{"a": 1}] and asked == [0, 1]
    assert theirs.read_all().to_pylist() == [{"a": 2}, {"a": 3}, {"a": 4}]


def test_errors_of_generators_come_through_a_stream():
    def batches():
        yield ma.record_batch({"a": [1]})
        raise RuntimeError("the source broke")

    reader = pa.RecordBatchReader.from_stream(ma.RecordBatchReader.from_batches(ma.schema([("a", ma.int64())]), batches()))
    reader.read_next_batch()
    with pytest.raises(Exception, match="the source broke"):
        reader.read_next_batch()


def test_closed_readers_say_so():
    reader = ma.RecordBatchReader.from_batches(schema(ma), [batch(ma)])
    with reader:
        pass
    with pytest.raises(ma.ArrowInvalid, match="closed"):
        reader.read_next_batch()


def test_memory_goes_with_its_last_user():
    np = pytest.importorskip("numpy")
    values = np.arange(1000.0)
    alive = weakref.ref(values)
    column = ma.array(values)
    part = ma.table({"a": column})["a"].chunk(0)[10:20].to_numpy()
    del values, column
    gc.collect()
    assert alive() is not None and part[0] == 10.0
    del part
    gc.collect()
    ma.array(np.arange(3.0))
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("name", ["polars", "duckdb", "arro3.core", "nanoarrow"])
def test_other_libraries(name):
    other = pytest.importorskip(name)
    mine = ma.table({"a": [1, 2, None], "s": ["x", None, "z"], "f": [1.5, 2.5, None]})
    expected = mine.to_pydict()
    if name == "polars":
        frame = other.DataFrame(mine)
        assert frame.to_dict(as_series=False) == expected and ma.table(frame).to_pydict() == expected
        assert ma.array(frame["a"]).to_pylist() == expected["a"]
    elif name == "duckdb":
        found = other.connect().sql("select 1 as a, 'x' as s")
        assert ma.table(found).to_pydict() == {"a": [1], "s": ["x"]}
    elif name == "arro3.core":
        theirs = other.Table(mine)
        assert ma.table(theirs).to_pydict() == expected
        assert ma.array(other.Array(mine["a"].chunk(0))).to_pylist() == expected["a"]
    else:
        assert ma.table(other.ArrayStream(mine)).to_pydict() == expected
