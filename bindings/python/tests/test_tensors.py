"""Tensors and sparse tensors: as NumPy arrays, and as IPC messages, judged by pyarrow where it reads them."""

import io

import numpy as np
import pyarrow
import pyarrow.ipc
import pytest

import martlet as pa
import martlet.ipc as ipc

RANDOM = np.random.default_rng(5)
DTYPES = ["int8", "uint16", "int32", "int64", "uint64", "float16", "float32", "float64"]
DENSE = [
    np.arange(6, dtype="i4").reshape(2, 3), np.arange(6, dtype="f8").reshape(2, 3).T, np.arange(60).reshape(6, 10)[::2, ::3],
    np.zeros((0, 3)), np.arange(24, dtype="u1").reshape(2, 3, 4)[:, ::2],
]
SPARSE = [pa.SparseCOOTensor, pa.SparseCSRMatrix, pa.SparseCSCMatrix, pa.SparseCSFTensor]


def message(tensor):
    sink = pa.BufferOutputStream()
    size = ipc.write_tensor(tensor, sink)
    data = sink.getvalue().to_pybytes()
    assert size == ipc.get_tensor_size(tensor) == len(data)
    return data


@pytest.mark.parametrize("array", DENSE, ids=lambda array: str(array.shape))
def test_dense(array):
    names = [f"dimension {i}" for i in range(array.ndim)]
    ours, theirs = pa.Tensor.from_numpy(array, names), pyarrow.Tensor.from_numpy(array, names)
    assert ours.to_numpy() is array and ours.shape == theirs.shape and ours.strides == theirs.strides
    assert ours.dim_names == theirs.dim_names and ours.size == theirs.size and ours.ndim == theirs.ndim
    assert str(ours.type) == str(theirs.type)
    assert ours.is_contiguous == theirs.is_contiguous or not array.size
    data = message(ours)
    by_pyarrow = pyarrow.ipc.read_tensor(pyarrow.BufferReader(data))
    assert by_pyarrow.equals(theirs) and by_pyarrow.dim_names == names
    sink = pyarrow.BufferOutputStream()
    pyarrow.ipc.write_tensor(theirs, sink)
    for found in data, sink.getvalue().to_pybytes():
        again = ipc.read_tensor(pa.BufferReader(found))
        assert again == ours and (again.dim_names == names or not theirs.is_contiguous)
        by_pyarrow = pyarrow.ipc.read_tensor(pyarrow.BufferReader(found))
        assert again.strides == by_pyarrow.strides or not array.size


def test_no_dimension():
    assert ipc.read_tensor(message(pa.Tensor.from_numpy(np.array(7.5)))).to_numpy() == 7.5


@pytest.mark.parametrize("dtype", DTYPES)
def test_types(dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    assert ipc.read_tensor(message(pa.Tensor.from_numpy(array))) == pa.Tensor.from_numpy(array)
    for kind in SPARSE:
        sparse = kind.from_dense_numpy(array)
        assert ipc.read_tensor(message(sparse)) == sparse
        assert (sparse.to_tensor().to_numpy() == array).all()


@pytest.mark.parametrize("shape", [(2, 3), (5, 4), (1, 1), (3, 0), (4, 3, 5)], ids=str)
@pytest.mark.parametrize("name", ["SparseCOOTensor", "SparseCSRMatrix", "SparseCSCMatrix", "SparseCSFTensor"])
def test_sparse(name, shape):
    if "Matrix" in name and len(shape) != 2:
        with pytest.raises(pa.ArrowInvalid):
            getattr(pa, name).from_dense_numpy(np.ones(shape))
        return
    array = RANDOM.integers(0, 3, shape) * (RANDOM.random(shape) < 0.5)
    names = [str(i) for i in range(len(shape))]
    ours, theirs = (getattr(m, name).from_dense_numpy(array, dim_names=names) for m in (pa, pyarrow))
    assert ours.shape == theirs.shape and ours.dim_names == theirs.dim_names and ours.size == theirs.size
    assert ours.non_zero_length == theirs.non_zero_length and str(ours.type) == str(theirs.type)
    if array.size:
        for mine, other in zip(flat(ours.to_numpy()), flat(theirs.to_numpy())):
            assert np.array_equal(mine, other)
    assert np.array_equal(ours.to_tensor().to_numpy(), array)
    assert getattr(pa, name).from_tensor(pa.Tensor.from_numpy(array)) == ours
    again = ipc.read_tensor(message(ours))
    assert type(again) is type(ours) and again == ours and again.dim_names == tuple(names)
    assert pyarrow.ipc.read_message(message(ours)).type == "sparse tensor"


def flat(parts):
    for part in parts:
        if isinstance(part, list):
            yield from part
        else:
            yield part


def test_sparse_parts():
    data, places = np.array([1.5, 2.5]), np.array([[0, 1], [2, 0]], "i4")
    coo = pa.SparseCOOTensor.from_numpy(data, places, (3, 2))
    assert coo.has_canonical_format and coo.to_tensor().to_numpy().tolist() == [[0, 1.5], [0, 0], [2.5, 0]]
    assert not pa.SparseCOOTensor.from_numpy(data, places[::-1], (3, 2)).has_canonical_format
    csr = pa.SparseCSRMatrix.from_numpy(data, np.array([0, 1, 1, 2], "i2"), np.array([1, 0], "u1"), (3, 2))
    assert csr.to_tensor() == coo.to_tensor() and ipc.read_tensor(message(csr)) == csr
    with pytest.raises(pa.ArrowInvalid, match="out of bounds"):
        pa.SparseCOOTensor.from_numpy(data, places, (2, 2)).to_tensor()
    with pytest.raises(pa.ArrowInvalid, match="indptr"):
        pa.SparseCSRMatrix.from_numpy(data, np.array([0, 3, 1, 2]), np.array([1, 0]), (3, 2)).to_tensor()


def test_messages_one_after_the_other(tmp_path):
    tensors = [pa.Tensor.from_numpy(np.arange(5)), pa.Tensor.from_numpy(np.ones((2, 2)))]
    path = tmp_path / "tensors"
    path.write_bytes(b"".join(message(tensor) for tensor in tensors))
    for file in pa.memory_map(str(path)), open(path, "rb"), io.BytesIO(path.read_bytes()):
        with file:
            assert [ipc.read_tensor(file) for _ in tensors] == tensors
    with pytest.raises(pa.ArrowInvalid, match="Message not expected type: tensor, was: schema"):
        ipc.read_tensor(pa.schema([]).serialize())


@pytest.mark.parametrize("kind", ["dense", *SPARSE])
def test_damaged_messages(kind):
    array = RANDOM.integers(0, 3, (6, 5))
    tensor = pa.Tensor.from_numpy(array) if kind == "dense" else kind.from_dense_numpy(array)
    data = message(tensor)
    for _ in range(300):
        broken = bytearray(data)
        for place in RANDOM.integers(0, 256, 3):
            broken[place] = RANDOM.integers(0, 256)
        try:
            read = ipc.read_tensor(bytes(broken))
            if read.size < 1 << 16:
                np.asarray(read.to_numpy() if isinstance(read, pa.Tensor) else read.to_tensor().to_numpy()).sum()
        except (pa.ArrowException, ValueError, TypeError, EOFError, OSError):
            pass


def test_dlpack_of_both_versions():
    for data in (pa.array([1, 2, 3], "int32"), pa.array([1, 2, 3], "int32")[1:], pa.array([], "float64"),
                 pa.chunked_array([[1.5]]), pa.Tensor.from_numpy(np.arange(6.0).reshape(2, 3))):
        expected = np.asarray(data)
        taken = np.from_dlpack(data)
        np.testing.assert_array_equal(taken, expected)
        assert not taken.size or np.shares_memory(taken, expected)
        np.testing.assert_array_equal(np.from_dlpack(data, copy=True), expected)
        assert data.__dlpack_device__() == (1, 0)
    values = pa.array([1, 2, 3])
    assert not np.from_dlpack(values).flags.writeable  # memory of arrays is never written to
    for options in ({"max_version": (1, 0)}, {"max_version": None}, {"max_version": (0, 8)}, {"copy": True}):
        assert "PyCapsule" in type(values.__dlpack__(**options)).__name__
    with pytest.raises(BufferError):
        values.__dlpack__(dl_device=(2, 0))
    with pytest.raises(NotImplementedError):
        values.__dlpack__(stream=1)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)])
def test_tensors_as_arrays(order):
    values = np.arange(24, dtype=np.int32).reshape(2, 3, 4).transpose(order)
    made = pa.FixedShapeTensorArray.from_tensor(pa.Tensor.from_numpy(values))
    made.validate(full=True)
    assert made.type.shape == [3, 4] and made.type.permutation == [i - 1 for i in order[1:]] and len(made) == 2
    np.testing.assert_array_equal(made.to_numpy_ndarray(), values)
    with pytest.raises(pa.ArrowInvalid, match="Only first-major tensors can be zero-copy"):
        pa.FixedShapeTensorArray.from_tensor(pa.Tensor.from_numpy(values.transpose(1, 0, 2)))


def test_arrays_as_tensors_of_a_shape():
    kind = pa.fixed_shape_tensor(pa.int64(), (2, 3))
    values = [np.arange(6).reshape(2, 3), None, np.arange(6), [0, 1, 2, 3, 4, 5]]
    made = pa.array(values, kind)
    assert made.type == kind and made.storage.to_pylist() == [[0, 1, 2, 3, 4, 5], None, [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]]
    np.testing.assert_array_equal(made[0].to_numpy(), values[0])
    with pytest.raises(ValueError, match=r"shape \[2, 3\], got one of shape \[3, 2\]; item 1"):
        pa.array([None, values[0].reshape(3, 2)], kind)
    with pytest.raises(NotImplementedError, match="permutation"):
        pa.array([values[0]], pa.fixed_shape_tensor(pa.int64(), (2, 3), permutation=[1, 0]))


@pytest.mark.parametrize("values, names, match", [
    (np.zeros((0, 2)), None, "non-empty"), (np.zeros((2, 0)), None, "non-empty"), (np.zeros(2), None, "1D array"),
    (np.zeros((2, 2)), ["a", "b"], "length of dim_names"), (np.zeros((2, 2)), [1], "must be a string"),
    (np.zeros((2, 2)), 1, "tuple or list"), (np.zeros((2, 3), order="F"), None, "First stride")])
def test_what_is_no_array_of_tensors(values, names, match):
    with pytest.raises((ValueError, TypeError), match=match):
        pa.FixedShapeTensorArray.from_numpy_ndarray(values, names)
