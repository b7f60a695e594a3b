"""Ways of calling that programs written for pyarrow know; pyarrow itself says what comes out."""

import ctypes
import decimal
import operator
import random

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute  # noqa: F401  (its operators need it)
import pytest

import martlet as pa
import martlet.compute as pc


@pytest.mark.parametrize("make", [
    lambda m, s: m.record_batch([[1, 2]], s), lambda m, s: m.table([[1, 2]], s),
    lambda m, s: m.record_batch([m.array([1, 2])], s), lambda m, s: m.RecordBatch.from_arrays([[1, None]], schema=s)])
@pytest.mark.parametrize("kind", ["int8", "float64"])
def test_a_schema_in_the_place_of_names(make, kind):
    theirs = make(pyarrow, pyarrow.schema([("a", kind)]))
    mine = make(pa, pa.schema([("a", kind)]))
    mine.validate(full=True)
    assert mine.schema.equals(pa.schema(theirs.schema))
    assert mine.column(0).type == kind and mine.to_pydict() == theirs.to_pydict()


def test_each_sort_key_places_its_own_nulls():
    columns = {"a": [7, 35, 7, 5, None, None, 6, 5], "b": [4, 1, 3, 2, None, 1, None, 8], "row": list(range(8))}
    for first in ("at_start", "at_end"):
        for second in ("at_start", "at_end"):
            keys = [("a", "descending", first), ("b", "ascending", second)]
            expected = pyarrow.table(columns).sort_by(keys).to_pydict()
            assert pa.table(columns).sort_by(keys).to_pydict() == expected
            assert pa.record_batch(columns).sort_by(keys).to_pydict() == expected


def test_the_key_of_an_array_places_its_nulls():
    values = [1.2, 0.0, None, 5.3, None]
    for order in ("ascending", "descending"):
        for placement in ("at_start", "at_end"):
            keys = [("", order, placement)]
            for function in ("sort_indices", "rank", "rank_quantile", "rank_normal"):
                expected = getattr(pyarrow.compute, function)(pyarrow.array(values), sort_keys=keys).to_pylist()
                assert getattr(pc, function)(pa.array(values), sort_keys=keys).to_pylist() == pytest.approx(expected)
    table = {"a": [2, None, 1]}
    keys = [("a", "ascending", "at_start")]
    expected = pyarrow.compute.sort_indices(pyarrow.table(table), sort_keys=keys).to_pylist()
    assert pc.sort_indices(pa.table(table), sort_keys=[(pc.field("a"), *keys[0][1:])]).to_pylist() == expected


@pytest.mark.parametrize("precision, scale", [(38, 4), (19, 4), (38, 20), (18, 2), (38, 0), (5, 3)])
def test_doubles_as_decimals_are_exact(precision, scale):
    rng = random.Random(precision)
    values = [rng.choice((1, -1)) * rng.random() * 10.0 ** rng.randint(-3, precision - scale - 1) for _ in range(500)]
    values += [2.5, -0.5, 1.0005, 0.00005, float(2**53), 285549749402851.75 if precision - scale > 15 else 1.75]
    context = decimal.Context(prec=80, rounding=decimal.ROUND_HALF_EVEN)
    digit = decimal.Decimal(1).scaleb(-scale)
    values = [v for v in values if abs(v) < 10 ** (precision - scale) - 1]
    expected = [context.quantize(decimal.Decimal(v), digit) for v in values]
    assert pa.array(values).cast(pa.decimal128(precision, scale)).to_pylist() == expected


OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]


@pytest.mark.parametrize("operation", OPERATORS + BITS)
def test_operators(operation):
    left, right = [5, 2, None], [3, 1, 4]
    expected = pa.array(operation(pyarrow.array(left), pyarrow.array(right)))
    by_two = pa.array(operation(pyarrow.array(left), 2))
    assert operation(pa.array(left), pa.array(right)).equals(expected)
    assert operation(pa.array(left), 2).equals(by_two)
    # pyarrow has no operators for chunked arrays.
    chunked = operation(pa.chunked_array([left, left]), pa.chunked_array([right, right]))
    assert chunked.equals(pa.chunked_array([expected, expected]))
    assert operation(pa.scalar(left[0]), pa.scalar(right[0])).equals(expected[0])
    assert operation(pa.scalar(left[0]), 2).equals(by_two[0])
    with pytest.raises(TypeError):
        operation(pa.array([1]), object())


def test_operators_check():
    with pytest.raises(pa.ArrowInvalid, match="overflow"):
        pa.array([127], pa.int8()) + pa.scalar(1, pa.int8())
    with pytest.raises(pa.ArrowInvalid, match="divide by zero"):
        pa.scalar(1) / pa.scalar(0)
    assert (-pa.array([1, -2])).to_pylist() == [-1, 2]


def test_slices_at_numbers_of_all_kinds():
    for data in (pa.array([1, 2, 3]), pa.chunked_array([[1, 2, 3]]), pa.table({"a": [1, 2, 3]}), pa.record_batch({"a": [1, 2, 3]})):
        for one in (np.int64(1), np.uint8(1), pa.scalar(1, pa.int8()), pa.scalar(1, pa.uint64())):
            assert data.slice(one).equals(data.slice(1)) and data.slice(one, one).equals(data.slice(1, 1))


@pytest.mark.parametrize("row_major", [True, False])
def test_tables_as_tensors(row_major):
    columns = {"a": np.array([1, 2, 3], "i2"), "b": np.array([1.5, 2.5, 3.5], "f4"), "c": np.array([7, 8, 9], "i4")}
    for names in (["a"], ["a", "b"], ["a", "c"], ["a", "b", "c"]):
        chosen = {name: columns[name] for name in names}
        expected = pyarrow.record_batch(chosen).to_tensor(row_major=row_major)
        for mine in (pa.record_batch(chosen), pa.table(chosen)):
            tensor = mine.to_tensor(row_major=row_major)
            assert str(tensor.type) == str(expected.type) and tensor.shape == expected.shape
            assert tensor.strides == expected.strides
            assert np.array_equal(tensor.to_numpy(), expected.to_numpy())
    holed = {"a": [1, None, 3], "b": [1.0, 2.0, None]}
    with pytest.raises(pa.ArrowTypeError, match="Can only convert a Table or RecordBatch with no nulls"):
        pa.table(holed).to_tensor()
    expected = pyarrow.record_batch(holed).to_tensor(null_to_nan=True).to_numpy()
    np.testing.assert_array_equal(pa.table(holed).to_tensor(null_to_nan=True).to_numpy(), expected)
    with pytest.raises(pa.ArrowTypeError, match="DataType is not supported"):
        pa.table({"a": ["x"]}).to_tensor()


def test_a_series_has_its_column_s_name():
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    for name in ("a", "b"):
        expected = pyarrow.table({"a": [1, 2], "b": ["x", None]})[name].to_pandas()
        pd.testing.assert_series_equal(table[name].to_pandas(), expected)
    assert pa.chunked_array([[1]]).to_pandas().name is None


def test_names_and_metadata_beside_a_frame_are_refused():
    for make in (pa.table, pa.record_batch):
        with pytest.raises(ValueError):
            make(pd.DataFrame({"a": [1]}), names=["a"])
        with pytest.raises(ValueError):
            make(pd.DataFrame({"a": [1]}), metadata={"a": "b"})


# ---- the C interfaces at addresses -----------------------------------------------------------------------------------


def room(words=16):
    memory = (ctypes.c_uint64 * words)()
    return memory, ctypes.addressof(memory)


@pytest.mark.parametrize("sender, receiver", [(pa, pyarrow), (pyarrow, pa), (pa, pa)])
def test_structures_at_addresses(sender, receiver):
    (one, array), (two, schema), (three, stream) = room(), room(), room()
    values = sender.array([1, None, 3])
    values._export_to_c(array, schema)
    assert receiver.Array._import_from_c(array, schema).to_pylist() == [1, None, 3]
    values._export_to_c(array)
    assert receiver.Array._import_from_c(array, receiver.int64()).to_pylist() == [1, None, 3]
    batch = sender.record_batch({"a": [1, 2], "b": ["x", None]})
    batch._export_to_c(array, schema)
    assert receiver.RecordBatch._import_from_c(array, schema).to_pydict() == {"a": [1, 2], "b": ["x", None]}
    batch._export_to_c_device(array, schema)
    assert receiver.RecordBatch._import_from_c_device(array, schema).to_pydict() == {"a": [1, 2], "b": ["x", None]}
    sender.list_(sender.int8())._export_to_c(schema)
    assert receiver.DataType._import_from_c(schema) == receiver.list_(receiver.int8())
    sender.field("f", "int8", False)._export_to_c(schema)
    assert receiver.Field._import_from_c(schema) == receiver.field("f", receiver.int8(), False)
    batch.schema._export_to_c(schema)
    assert receiver.Schema._import_from_c(schema).names == ["a", "b"]
    sender.RecordBatchReader.from_batches(batch.schema, [batch, batch])._export_to_c(stream)
    assert receiver.RecordBatchReader._import_from_c(stream).read_all().num_rows == 4


def test_structures_are_taken_once():
    (one, array), (two, schema) = room(), room()
    pa.array([1])._export_to_c(array, schema)
    pa.Array._import_from_c(array, schema)
    with pytest.raises(pa.ArrowInvalid, match="released"):
        pa.Array._import_from_c(array, schema)
    with pytest.raises(pa.ArrowInvalid, match="released"):
        pa.Array._import_from_c(array, pa.int64())
    with pytest.raises(ValueError, match="NULL"):
        pa.Array._import_from_c(0, pa.int64())
    with pytest.raises(TypeError, match="integer"):
        pa.array([1])._export_to_c("here")


def test_bytes_of_scalars():
    assert bytes(pa.scalar(b"abc")) == b"abc" and bytes(pa.scalar("é")) == "é".encode()
    with pytest.raises(ValueError):
        bytes(pa.scalar(None, pa.binary()))
