"""Extension types: those of users, those that Arrow names, and those that nobody here knows."""

import copy
import itertools
import pickle
import uuid

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import martlet as ma
import martlet.compute as pc
import martlet.dataset
import martlet.ipc
import martlet.parquet


class Period(ma.ExtensionType):
    """Periods of a frequency, as pyarrow's documentation has them."""

    def __init__(self, freq="D"):
        self.freq = freq
        super().__init__(ma.int64(), "test.period")

    def __arrow_ext_serialize__(self):
        return f"freq={self.freq}".encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        assert storage_type == ma.int64()
        return cls(serialized.decode().split("=")[1])


class Point(ma.ExtensionType):
    """A type with arrays and scalars of its own."""

    def __init__(self):
        super().__init__(ma.list_(ma.float64(), 2), "test.point")

    def __arrow_ext_serialize__(self):
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        return cls()

    def __arrow_ext_class__(self):
        return PointArray

    def __arrow_ext_scalar_class__(self):
        return PointScalar


class PointArray(ma.ExtensionArray):
    def x(self):
        return self.storage.flatten().to_numpy()[::2]


class PointScalar(ma.ExtensionScalar):
    def as_py(self, **options):
        value = self.value
        return None if value is None else tuple(value.as_py())


@pytest.fixture
def registered():
    ma.register_extension_type(Period())
    ma.register_extension_type(Point())
    yield
    ma.unregister_extension_type("test.period")
    ma.unregister_extension_type("test.point")


def test_type():
    day = Period("D")
    assert (day.id, day.storage_type, day.extension_name) == (31, ma.int64(), "test.period")
    assert str(day) == "extension<test.period<Period>>" and repr(day) == "Period(DataType(int64))"
    assert day == Period("D") and day != Period("H") and day != ma.int64()
    assert hash(day) == hash(Period("D"))
    assert (day.num_fields, day.num_buffers, day.bit_width) == (0, 2, 64)
    assert pickle.loads(pickle.dumps(day)) == day
    with pytest.raises(TypeError, match="Can only instantiate subclasses"):
        ma.ExtensionType(ma.int8(), "x")
    assert ma.schema([("p", day)]).to_string() == "p: extension<test.period<Period>>"


def test_arrays():
    day = Period()
    array = ma.ExtensionArray.from_storage(day, ma.array([1, None, 3]))
    assert type(array) is ma.ExtensionArray and array.type is day
    assert array.storage.equals(ma.array([1, None, 3]))
    assert array.to_pylist() == [1, None, 3] and array[1:].to_pylist() == [None, 3]
    assert (array.null_count, len(array), array.nbytes) == (1, 3, ma.array([1, None, 3]).nbytes)
    assert array[0].value.equals(ma.scalar(1)) and array[1].value is None and array[0].type == day
    assert array.equals(ma.array([1, None, 3], day)) and not array.equals(ma.array([1, None, 3]))
    assert array.cast(ma.int32()).equals(ma.array([1, None, 3], ma.int32()))
    assert ma.array([1, None, 3]).cast(day).equals(array)
    assert array.take(ma.array([2])).equals(ma.array([3], day))
    assert ma.concat_arrays([array, array]).to_pylist() == [1, None, 3] * 2
    assert ma.nulls(2, day).to_pylist() == [None, None] and ma.scalar(5, day).as_py() == 5
    assert pickle.loads(pickle.dumps(array)).equals(array) and copy.deepcopy(array).equals(array)
    assert pickle.loads(pickle.dumps(array[0])).as_py() == 1
    assert ma.array([array[0], array[2]]).equals(ma.array([1, 3], day))
    with pytest.raises(TypeError, match="Incompatible storage type string for extension type"):
        ma.ExtensionArray.from_storage(day, ma.array(["x"]))
    chunked = day.wrap_array(ma.chunked_array([[1], [2, 3]]))
    assert chunked.type == day and chunked.to_pylist() == [1, 2, 3]
    assert chunked.cast(ma.int8()).type == ma.int8()


def test_classes_of_users(registered):
    array = ma.array([[1.0, 2.0], None, [3.0, 4.0]], Point())
    assert type(array) is PointArray and array.x().tolist() == [1.0, 3.0]
    assert array.to_pylist() == [(1.0, 2.0), None, (3.0, 4.0)] == [s.as_py() for s in array]
    assert ma.table({"p": array})["p"].to_pylist() == array.to_pylist()


def test_registry(registered):
    with pytest.raises(KeyError, match="already defined"):
        ma.register_extension_type(Period())
    with pytest.raises(KeyError, match="already defined"):
        ma.register_extension_type(ma.uuid())
    with pytest.raises(KeyError, match="No type extension"):
        ma.unregister_extension_type("none.such")
    with pytest.raises(TypeError):
        ma.register_extension_type(ma.int8())


def doors(table, tmp_path):
    """The table through every door, and back."""
    yield ma.table(pa.table(table))
    for name in ("stream", "file"):
        sink = ma.BufferOutputStream()
        with getattr(martlet.ipc, f"new_{name}")(sink, table.schema) as writer:
            writer.write_table(table)
        yield getattr(martlet.ipc, f"open_{name}")(sink.getvalue()).read_all()
    martlet.parquet.write_table(table, tmp_path / "x.parquet")
    yield martlet.parquet.read_table(tmp_path / "x.parquet")


@pytest.mark.parametrize("known", [True, False])
def test_doors(known, tmp_path, request):
    if known:
        request.getfixturevalue("registered")
    table = ma.table({
        "a": ma.array([1, None], Period("H")),
        "b": ma.array([[7], None], ma.list_(ma.field("p", Period("M"), metadata={"k": "v"}))),
        "c": ma.array([{"u": 3}, None], ma.struct([("u", Period())])),
    })
    if known:
        assert pickle.loads(pickle.dumps(table)).schema == table.schema
    for again in doors(table, tmp_path):
        types = [again.schema.field("a").type, again["b"].type.value_type, again["c"].type.field(0).type]
        for found, freq in zip(types, ("H", "M", "D")):
            if known:
                assert type(found) is Period and found.freq == freq
            else:
                assert type(found) is ma.UnknownExtensionType and found.extension_name == "test.period"
                assert found.storage_type == ma.int64()
                assert found.__arrow_ext_serialize__() == f"freq={freq}".encode()
        assert again.to_pylist() == table.to_pylist()
        assert pa.table(again).schema.field("a").metadata == {
            b"ARROW:extension:name": b"test.period", b"ARROW:extension:metadata": b"freq=H"}


def test_unknown_names_in_metadata():
    named = {b"ARROW:extension:name": b"geoarrow.wkb", b"ARROW:extension:metadata": b"{}"}
    field = ma.field("geometry", ma.binary(), metadata=named | {b"k": b"v"})
    assert isinstance(field.type, ma.UnknownExtensionType) and str(field.type) == "extension<geoarrow.wkb>"
    assert field.metadata == named | {b"k": b"v"}
    assert field.remove_metadata() == ma.field("geometry", ma.binary())
    assert ma.field(pa.field("geometry", pa.binary(), metadata=named)).metadata == named
    table = ma.table({"geometry": [b"x", None]}, schema=ma.schema([field]))
    assert table["geometry"].to_pylist() == [b"x", None]
    assert pa.table(table).schema.field(0).metadata == field.metadata
    assert table.cast(ma.schema([("geometry", ma.binary())])).schema.field(0).type == ma.binary()


def test_names_that_do_not_fit():
    """A canonical name over a storage that it does not allow is an unknown type, not an error."""
    field = ma.field("x", ma.int8(), metadata={"ARROW:extension:name": "arrow.uuid"})
    assert isinstance(field.type, ma.UnknownExtensionType)
    broken = {"ARROW:extension:name": "arrow.fixed_shape_tensor", "ARROW:extension:metadata": "{"}
    assert isinstance(ma.field("x", ma.list_(ma.int8(), 2), metadata=broken).type, ma.UnknownExtensionType)


# ---- the types that Arrow names --------------------------------------------------------------------------------------


def test_uuid():
    values = [uuid.UUID(int=5), None, uuid.UUID(int=2**128 - 1)]
    for array in (ma.array(values), ma.array(values, ma.uuid()), ma.array([v and v.bytes for v in values], ma.uuid())):
        assert type(array) is ma.UuidArray and array.to_pylist() == values == [s.as_py() for s in array]
        assert pa.array(array).equals(pa.array(values))
    assert ma.array([values]).to_pylist() == [values] and ma.scalar(values[0]).as_py() == values[0]
    assert ma.array([{"id": values[0]}]).type == ma.struct([("id", ma.uuid())])
    assert ma.array(values).to_pandas().tolist() == pa.array(values).to_pandas().tolist()


def test_bool8():
    array = ma.array([1, 0, None, -3], ma.bool8())
    assert array.to_pylist() == [True, False, None, True] and array[3].as_py() is True
    assert array.equals(ma.array([1, 0, None, -3], ma.int8()).cast(ma.bool8()))
    assert ma.array([True, None], ma.bool8()).storage.to_pylist() == [1, None]
    numpy = np.array([True, False, True])
    made = ma.Bool8Array.from_numpy(numpy)
    assert made.to_numpy().dtype == bool and made.to_numpy().tolist() == numpy.tolist()
    assert np.shares_memory(made.to_numpy(), numpy)
    assert array.to_numpy(zero_copy_only=False).tolist() == [True, False, None, True]
    with pytest.raises(ma.ArrowInvalid, match="zero_copy_only"):
        array.to_numpy()
    with pytest.raises(TypeError, match="incompatible with bool8 storage"):
        ma.Bool8Array.from_numpy(np.array([1], "i2"))


@pytest.mark.parametrize("storage", ["string", "large_string", "string_view"])
def test_json(storage):
    kind = ma.json_(getattr(ma, storage)())
    array = ma.array(['{"a": 1}', None], kind)
    assert type(array) is ma.JsonArray and array.storage.type == getattr(ma, storage)()
    assert pa.array(array).equals(pa.array(['{"a": 1}', None], pa.json_(getattr(pa, storage)())))
    with pytest.raises(ma.ArrowInvalid, match="Invalid storage type"):
        ma.json_(ma.int8())


def test_opaque():
    kind = ma.opaque(ma.binary(), "geometry", "PostGIS")
    assert (kind.type_name, kind.vendor_name) == ("geometry", "PostGIS")
    theirs = pa.opaque(pa.binary(), "geometry", "PostGIS")
    assert str(kind) == str(theirs) and kind == ma.field(pa.field("x", theirs)).type
    assert ma.array([b"x"], kind).to_pylist() == [b"x"]


@pytest.mark.parametrize("shape, order, names", [
    ((4, 2, 3), None, None), ((4, 2, 3), (0, 2, 1), None), ((3, 2, 4, 5), (0, 3, 2, 1), ["a", "b", "c"]),
    ((1, 5), None, ["only"]), ((2, 3, 1, 2), None, None)])
def test_fixed_shape_tensor(shape, order, names):
    values = np.arange(np.prod(shape), dtype="f4").reshape(shape)
    if order is not None:
        values = values.transpose(order)
    mine = ma.FixedShapeTensorArray.from_numpy_ndarray(values, dim_names=names)
    theirs = pa.FixedShapeTensorArray.from_numpy_ndarray(values, dim_names=names)
    assert str(mine.type) == str(theirs.type) and pa.array(mine).equals(theirs)
    assert (mine.type.shape, mine.type.permutation, mine.type.dim_names) == (
        theirs.type.shape, theirs.type.permutation, theirs.type.dim_names)
    assert np.array_equal(mine.to_numpy_ndarray(), theirs.to_numpy_ndarray())
    assert np.array_equal(mine.to_numpy_ndarray(), values)
    assert np.array_equal(mine[0].to_numpy(), values[0])
    assert np.array_equal(mine[1:].to_numpy_ndarray(), values[1:])
    assert np.array_equal(mine.to_tensor().to_numpy(), values)
    assert mine.to_pylist() == theirs.to_pylist()


def test_fixed_shape_tensors_in_any_order():
    """Dimension i of what is seen is dimension `permutation[i]` in memory, as the specification has it."""
    values = np.arange(120).reshape(3, 2, 4, 5)
    for order in itertools.permutations((1, 2, 3)):
        seen = values.transpose((0, *order))
        made = ma.FixedShapeTensorArray.from_numpy_ndarray(seen)
        assert made.type.shape == [2, 4, 5] and made.type.permutation == [i - 1 for i in order]
        assert np.array_equal(made.to_numpy_ndarray(), seen) and np.shares_memory(made.to_numpy_ndarray(), values)


def test_fixed_shape_tensor_errors():
    for arguments, text in (
        (((2, 2), ["a"]), "dim_names size must match shape size. Expected: 2 Got: 1"),
        (((2, 2), None, [0]), "permutation size must match shape size. Expected: 2 Got: 1"),
        (((2, -2),), "shape must have non-negative values, got -2"),
        (((2, 2), None, [0, 0]), "must be unique"),
    ):
        with pytest.raises(ma.ArrowInvalid, match=text):
            ma.fixed_shape_tensor(ma.int8(), *arguments)
    with pytest.raises(ma.ArrowInvalid, match="Array contains nulls"):
        ma.nulls(2, ma.fixed_shape_tensor(ma.int8(), [2, 2])).to_numpy_ndarray()


def test_variable_shape_tensor():
    kind = ma.variable_shape_tensor(ma.float32(), 2, dim_names=["h", "w"], uniform_shape=[None, 3])
    assert (kind.dimensions, kind.value_type, kind.uniform_shape) == (2, ma.float32(), [None, 3])
    rows = [{"data": list(range(6)), "shape": [2, 3]}, None, {"data": [1.0, 2, 3], "shape": [1, 3]}]
    array = ma.array(rows, kind)
    assert array.to_pylist() == rows and array[0].to_numpy().tolist() == [[0, 1, 2], [3, 4, 5]]
    again = ma.array(pa.array(array.storage)).cast(kind)
    assert again.equals(array)
    assert ma.field(ma.field("x", kind)).type == kind == pickle.loads(pickle.dumps(kind))
    with pytest.raises(ma.ArrowInvalid, match="dim_names size"):
        ma.variable_shape_tensor(ma.int8(), 2, dim_names=["a"])


def test_parquet_variant_and_timestamp_with_offset():
    variant = ma.parquet_variant()
    array = ma.array([{"metadata": b"\x01\0\0", "value": b"\x0c\x01"}, None], variant)
    assert array.type.extension_name == "arrow.parquet.variant" and array.null_count == 1
    with pytest.raises(ma.ArrowInvalid):
        ma.parquet_variant(ma.struct([("value", ma.binary())]))
    moments = ma.array([{"timestamp": 0, "offset_minutes": -90}, None], ma.timestamp_with_offset("ms"))
    assert moments[0].to_datetime().isoformat() == "1969-12-31T22:30:00-01:30" and moments[1].to_datetime() is None
    for kind in (variant, ma.timestamp_with_offset()):
        assert type(ma.field(pa.field(ma.field("x", kind))).type) is type(kind)


def test_casts_between_extension_types_go_through_the_storage():
    numbers = ma.array([0, 1], ma.bool8())
    with pytest.raises(TypeError, match="Casting from .* to different extension type .* not permitted"):
        numbers.cast(ma.uuid())
    assert numbers.cast(ma.bool8()).equals(numbers)
    with pytest.raises(TypeError, match="Expected array or chunked array"):
        ma.bool8().wrap_array(None)


def test_parquet_gives_them_back_at_every_level(tmp_path):
    """Fields say so in a file; values must know it too, inside of lists and structs and for what is computed of them."""
    uuids = ma.ExtensionArray.from_storage(ma.uuid(), ma.array([bytes(16), None, b"\1" * 16], ma.binary(16)))
    lists = ma.ListArray.from_arrays(ma.array([0, 2, 3, 3], ma.int32()), uuids)
    table = ma.table({
        "u": uuids, "l": lists, "s": ma.StructArray.from_arrays([uuids, lists], ["u", "l"]), "n": [1, 2, 3],
        "m": ma.MapArray.from_arrays([0, 1, 2, 3], ma.array(["a", "b", "c"]), uuids)})
    martlet.parquet.write_table(table, tmp_path / "f")
    file = martlet.parquet.ParquetFile(tmp_path / "f")
    batches = ma.Table.from_batches(file.iter_batches(batch_size=2))
    scanned = martlet.dataset.dataset(tmp_path / "f").to_table()
    for read in (martlet.parquet.read_table(tmp_path / "f"), file.read(), file.read(columns=table.column_names), batches, scanned):
        assert read.equals(table) and table.equals(read)
        assert read.to_pylist() == table.to_pylist()
        assert read.group_by("u").aggregate([("n", "sum")]).num_rows == 3
        assert read.filter(pc.field("u") == uuids[2]).column("n").to_pylist() == [3]
        assert pa.table(read).to_pylist() == pa.table(table).to_pylist()
    for field in pc.field("u"), pc.field("s", "u"):
        for literal in uuids[2], b"\1" * 16:
            assert martlet.parquet.read_table(tmp_path / "f", filters=field == literal).column("n").to_pylist() == [3]
    part = martlet.parquet.read_table(tmp_path / "f", columns=["s.u"]).column("s")
    assert part.to_pylist() == [{"u": one} for one in uuids.to_pylist()]


@pytest.mark.parametrize("store_schema", [True, False])
def test_parquet_looks_dictionaries_of_them_up(store_schema, tmp_path):
    """Only fields name extension types in a file: pyarrow writes what it cannot read again."""
    uuids = ma.ExtensionArray.from_storage(ma.uuid(), ma.array([bytes(16), b"\1" * 16], ma.binary(16)))
    coded = ma.DictionaryArray.from_arrays(ma.array([1, 0, None, 1]), uuids)
    table = ma.table({"u": coded, "s": ma.StructArray.from_arrays([coded], ["u"])})
    martlet.parquet.write_table(table, tmp_path / "f", store_schema=store_schema)
    for read in martlet.parquet.read_table(tmp_path / "f"), pyarrow.parquet.read_table(tmp_path / "f"):
        assert str(read.schema.field("u").type) == "extension<arrow.uuid>"
        assert read.to_pylist() == table.to_pylist()
