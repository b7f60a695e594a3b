"""Many small objects: what the engine does for Python without `ctypes`, and that it forgets nothing and keeps nothing."""

import gc
import pickle
import sys
import weakref

import pyarrow
import pytest

import martlet


class Shown:
    """An object with nothing but Arrow's C interface."""

    def __init__(self, data):
        self.data = data

    def __arrow_c_array__(self, requested_schema=None):
        return self.data.__arrow_c_array__(requested_schema)


def batches(library):
    """Batches whose schemas differ in one thing each."""
    array = library.array
    numbers, texts = array([1, 2, None], library.int64()), array(["x", None, "z"])
    field = library.field
    plain = [field("a", library.int64()), field("b", library.string())]
    yield library.record_batch([numbers, texts], schema=library.schema(plain))
    yield library.record_batch([numbers, texts], schema=library.schema(plain, metadata={"k": "v"}))
    yield library.record_batch([numbers, texts], schema=library.schema(plain, metadata={"k": "w"}))
    yield library.record_batch([numbers, texts], names=["a", "c"])
    yield library.record_batch(
        [numbers, texts], schema=library.schema([field("a", library.int64(), metadata={"x": "y"}), plain[1]]))
    yield library.record_batch([numbers.slice(1), texts.slice(1)], names=["a", "b"])
    yield library.record_batch([numbers], names=["a"])
    yield library.record_batch([texts.dictionary_encode(), array([[1], None, []])], names=["a", "b"])
    yield library.record_batch([array([{"p": 1}, None, {"p": 3}])], names=["a"])
    yield library.record_batch([array([], library.int64())], names=["a"])


@pytest.mark.parametrize("library", [martlet, pyarrow], ids=["martlet", "pyarrow"])
def test_schemas_that_alternate(library):
    all = list(batches(library))
    judged = [pyarrow.record_batch(b) for b in all]
    for _ in range(3):
        for batch, wanted in zip(all, judged):
            found = martlet.record_batch(Shown(batch))
            assert pyarrow.record_batch(found).equals(wanted, check_metadata=True)
            assert found.schema.equals(martlet.schema(wanted.schema), check_metadata=True)
            for column, other in zip(batch.columns, wanted.columns):
                assert pyarrow.array(martlet.array(Shown(column))).equals(other)


def test_children_outlive_the_schema():
    schema = martlet.schema([martlet.field("a", martlet.struct([("b", martlet.list_(martlet.int8()))]))])
    # pyarrow moves nothing out, nanoarrow does: both must read the same, whatever was released before.
    import nanoarrow
    capsule = schema.__arrow_c_schema__()
    read = nanoarrow.Schema(schema)
    del capsule
    assert pyarrow.schema(schema).field("a").type == pyarrow.struct([("b", pyarrow.list_(pyarrow.int8()))])
    assert "list" in str(read.field(0).field(0))


def test_requested_schemas():
    batch = martlet.record_batch({"a": [1, 2]})
    wanted = martlet.schema([("a", martlet.int32())])
    for capsules in (
        batch.__arrow_c_array__(wanted.__arrow_c_schema__()),
        batch.__arrow_c_array__(requested_schema=wanted.__arrow_c_schema__()),
    ):
        class Held:
            def __arrow_c_array__(self, requested_schema=None):
                return capsules
        assert martlet.record_batch(Held()).schema == wanted
    assert martlet.array(batch.column(0), martlet.int8()).type == martlet.int8()
    with pytest.raises(TypeError):
        batch.__arrow_c_array__(other=None)
    with pytest.raises(TypeError):
        batch.__arrow_c_array__(None, None)


class Raising:
    def __arrow_c_array__(self, requested_schema=None):
        raise KeyError("mine")


class Wrong:
    def __init__(self, value):
        self.value = value

    def __arrow_c_array__(self, requested_schema=None):
        return self.value


def test_what_producers_do_wrong():
    with pytest.raises(KeyError, match="mine"):
        martlet.record_batch(Raising())
    batch = martlet.record_batch({"a": [1]})
    schema, array = batch.__arrow_c_array__()
    for value in (None, 5, (), (schema,), (array, schema), (schema, schema), [schema, array]):
        with pytest.raises((TypeError, ValueError)):
            martlet.record_batch(Wrong(value))
    assert martlet.record_batch(Wrong((schema, array))).num_rows == 1
    # What was taken is taken.
    with pytest.raises(martlet.ArrowInvalid, match="released"):
        martlet.record_batch(Wrong((schema, array)))


def test_references():
    batch = martlet.record_batch({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    shown = Shown(batch)
    array = batch.column(0)
    made = martlet.record_batch(shown)
    seen = weakref.ref(made), weakref.ref(made.column(1)), weakref.ref(made.column(0)[1])
    assert seen[0]() is made and seen[2]() is None
    del made
    gc.collect()
    assert [ref() for ref in seen] == [None, None, None]
    counted = (type(batch), type(array), type(array[0]), array.type, batch.schema, array, None)

    def counts():
        gc.collect()
        return [sys.getrefcount(x) for x in counted]

    def work():
        for _ in range(500):
            martlet.record_batch(shown).slice(1).column(1)[0].as_py()
            array.slice(1, 1)[0].as_py()
            list(array)
            batch.column(0)

    work()
    before = counts()
    work()
    assert all(abs(a - b) < 50 for a, b in zip(before, counts()))


def test_slices_and_values():
    array = martlet.array([1, None, 3, 4])
    assert array.slice(1, 2).to_pylist() == [None, 3] and array.slice(1).to_pylist() == [None, 3, 4]
    assert array.slice(offset=2, length=9).to_pylist() == [3, 4] and array.slice(4).to_pylist() == []
    assert array.slice().to_pylist() == array.slice(0, None).to_pylist() == [1, None, 3, 4]
    assert array.slice(100).to_pylist() == []
    with pytest.raises(IndexError):
        array.slice(-1)
    with pytest.raises(ValueError):
        array.slice(0, -1)
    for key in (4, -5, 1 << 70):
        with pytest.raises(IndexError):
            array[key]
    with pytest.raises(TypeError):
        array["a"]
    assert array[True].as_py() is None and array[-1].as_py() == 4 and array[::2].to_pylist() == [1, 3]
    assert [x.as_py() for x in array] == [1, None, 3, 4] and len(array) == 4 and 3 in [x.as_py() for x in array]
    with pytest.raises(TypeError):
        array[0].as_py("lossy")
    with pytest.raises(TypeError):
        array[0].as_py(other=1)
    maps = martlet.array([[("a", 1)]], martlet.map_(martlet.string(), martlet.int8()))
    assert maps[0].as_py(maps_as_pydicts="strict") == {"a": 1} and maps[0].as_py() == [("a", 1)]
    assert pickle.loads(pickle.dumps(array[2])).as_py() == 3


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 100])
def test_pieces_of_tables(rows):
    columns = {"a": list(range(10)), "b": [str(i) for i in range(10)]}
    for library_table in (martlet.table(columns), martlet.concat_tables([martlet.table(columns)] * 3)):
        wanted = pyarrow.table(library_table).to_batches(max_chunksize=rows)
        found = library_table.to_batches(max_chunksize=rows)
        assert [b.to_pydict() for b in found] == [b.to_pydict() for b in wanted]
        read = martlet.RecordBatchReader.from_stream(library_table)
        assert [b.num_rows for b in read] == [b.num_rows for b in library_table.to_batches()]


class Batch(martlet.RecordBatch):
    """A class of a user's, which has a dictionary and may be part of a cycle."""


def test_classes_of_users():
    made = Batch.from_pydict({"a": [1]})
    assert made.to_pydict() == {"a": [1]}
    one = Batch._make(made.columns, made.schema, 1)
    one.itself = one
    seen = weakref.ref(one)
    del one
    gc.collect()
    assert seen() is None
