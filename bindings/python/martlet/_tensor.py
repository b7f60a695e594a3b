"""Tensors, dense and sparse: matrices of numbers that travel as IPC messages. They are NumPy arrays with names."""

from . import _abi, _io
from ._abi import lib
from ._errors import ArrowInvalid
from ._ipc_message import read_message
from ._numpy import from_numpy_dtype
from ._schema import Schema, schema as _as_schema
from ._types import int64, null


def _numpy():
    import numpy
    return numpy


def _names(names, count):
    kind = tuple if isinstance(names, tuple) else list
    names = kind() if names is None else kind(str(name) for name in names)
    if names and len(names) != count:
        raise ArrowInvalid(f"dim_names has {len(names)} names, expected {count}")
    return names


class _Tensor:
    """What dense and sparse tensors have in common."""

    __slots__ = ("type", "shape", "dim_names")
    is_mutable = False

    def __init__(self):
        raise TypeError(
            f"Do not call {type(self).__name__}'s constructor directly, use one of the "
            f"`martlet.{type(self).__name__}.from_*` functions instead.")

    def _fill(self, dtype, shape, names):
        self.type = from_numpy_dtype(dtype)
        self.shape = tuple(int(size) for size in shape)
        self.dim_names = _names(names, len(self.shape))

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        """How many values there would be if all were stored."""
        total = 1
        for size in self.shape:
            total *= size
        return total

    def dim_name(self, i):
        """The name of dimension `i`, "" when it has none."""
        return self.dim_names[i] if self.dim_names else ""

    def __eq__(self, other):
        return self.equals(other) if type(self) is type(other) else NotImplemented

    __hash__ = None

    def __repr__(self):
        return f"<martlet.{type(self).__name__}>\ntype: {self.type}\nshape: {self.shape}"

    # ---- messages ----

    def _describe(self, kind, indices, pointers, arrays, **numbers):
        """The message's head, and the contiguous arrays of its body."""
        np = _numpy()
        arrays = [np.ascontiguousarray(array) for array in arrays]
        start, ranges = 0, []
        for array in arrays:
            start += -start % 8
            ranges += [start, array.nbytes]
            start += array.nbytes
        fields = [("values", self.type), ("indices", indices), ("pointers", pointers)]
        fields += [(self.dim_name(i), null()) for i in range(self.ndim)]
        numbers = {"shape": self.shape, "ranges": ranges, **numbers}
        metadata = {key: ",".join(str(int(n)) for n in value) for key, value in numbers.items()}
        described = _as_schema(fields, metadata={"kind": kind, **metadata})
        head = _abi.new(lib.martlet_ipc_tensor_message, described._handle)
        return _io.Buffer._from_pointer(head), arrays


class Tensor(_Tensor):
    """A dense tensor: a NumPy array of numbers whose dimensions may have names."""

    __slots__ = ("_array",)

    @staticmethod
    def from_numpy(obj, dim_names=None):
        """Over a NumPy array, which is not copied."""
        self = object.__new__(Tensor)
        self._array = _numpy().asarray(obj)
        self._fill(self._array.dtype, self._array.shape, dim_names)
        return self

    @staticmethod
    def from_dlpack(x, /, *, device=None, copy=None):
        """Over whatever gives its memory through DLPack."""
        return Tensor.from_numpy(_numpy().from_dlpack(x))

    @property
    def strides(self):
        """The bytes between neighbours along each dimension."""
        return self._array.strides

    @property
    def is_contiguous(self):
        return self._array.flags.c_contiguous or self._array.flags.f_contiguous

    @property
    def is_mutable(self):
        return self._array.flags.writeable

    def to_numpy(self):
        """The NumPy array; no copy."""
        return self._array

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return 1, 0

    def __array__(self, dtype=None, copy=None):
        return _numpy().array(self._array, dtype=dtype) if copy else self._array.astype(dtype or self._array.dtype, copy=False)

    def equals(self, other):
        """Whether the shape and all values are equal."""
        return self.type.equals(other.type) and bool(_numpy().array_equal(self._array, other._array))

    def _message(self):
        array = self._array
        if not array.flags.c_contiguous and array.flags.f_contiguous:
            # The bytes as they lie are those of the transposed tensor.
            return self._describe("dense", int64(), int64(), [array.T], strides=array.strides)
        array = array.copy(order="C")
        return self._describe("dense", int64(), int64(), [array], strides=array.strides)


class _SparseTensor(_Tensor):
    """Values that are not zero, and where they are."""

    __slots__ = ("_values", "_pointers", "_indices", "_axes")
    _kind = ""

    @classmethod
    def _make(cls, values, pointers, indices, shape, names, axes=None):
        np = _numpy()
        self = object.__new__(cls)
        self._values = np.asarray(values).reshape(-1)
        self._pointers = [np.asarray(array) for array in pointers]
        self._indices = [np.asarray(array) for array in indices]
        names = None if names is None else tuple(names)
        for array in self._pointers + self._indices:
            if array.dtype.kind not in "iu":
                raise TypeError(f"indices of sparse tensors are integers, not {array.dtype}")
        self._fill(self._values.dtype, shape, names)
        self._axes = list(range(self.ndim)) if axes is None else [int(axis) for axis in axes]
        return self

    @property
    def non_zero_length(self):
        """How many values are stored."""
        return len(self._values)

    def equals(self, other):
        """Whether the shape, the values that are stored and their places are equal."""
        np = _numpy()
        mine, theirs = ([t._values, *t._pointers, *t._indices] for t in (self, other))
        return (self.type.equals(other.type) and self.shape == other.shape and self._axes == other._axes
                and len(mine) == len(theirs) and all(np.array_equal(a, b) for a, b in zip(mine, theirs)))

    @classmethod
    def from_dense_numpy(cls, obj, dim_names=None):
        """The values of a NumPy array that are not zero."""
        array = _numpy().asarray(obj)
        return cls._from_places(_numpy().stack(array.nonzero(), axis=-1), array[array.nonzero()], array.shape, dim_names)

    @classmethod
    def from_tensor(cls, obj):
        """The values of a Tensor that are not zero."""
        return cls.from_dense_numpy(obj.to_numpy(), obj.dim_names or None)

    def to_tensor(self):
        """All values, in a dense Tensor."""
        np = _numpy()
        dense = np.zeros(self.shape, self._values.dtype)
        places = self._places()
        for axis, place in enumerate(places):
            if len(place) and (place.min() < 0 or place.max() >= self.shape[axis]):
                raise ArrowInvalid(f"an index of dimension {axis} is out of bounds: 0 to {self.shape[axis] - 1} are in")
        dense[tuple(places)] = self._values
        return Tensor.from_numpy(dense, self.dim_names or None)

    def _expanded(self, pointers, children):
        """How many children each node has."""
        counts = _numpy().diff(pointers.astype("int64"))
        if len(pointers) < 1 or pointers[0] != 0 or int(pointers[-1]) != children or (counts < 0).any():
            raise ArrowInvalid(f"indptr does not go from 0 up to {children}")
        return counts

    def _message(self):
        np = _numpy()
        types = [from_numpy_dtype(group[0].dtype) if group else int64() for group in (self._indices, self._pointers)]
        numbers = {"values": [len(self._values)]}
        if self._kind == "coo":
            rows = np.ascontiguousarray(self._indices[0])
            numbers.update(strides=rows.strides if rows.size else (rows.itemsize * self.ndim, rows.itemsize))
        if self._kind == "csf":
            numbers.update(axis_order=self._axes)
        head, arrays = self._describe(
            self._kind, *types, [*self._pointers, *self._indices, self._values], **numbers)
        return head, arrays


class SparseCOOTensor(_SparseTensor):
    """A sparse tensor with a matrix of coordinates: one row a value, one column a dimension."""

    __slots__ = ()
    _kind = "coo"

    @staticmethod
    def from_numpy(data, coords, shape, dim_names=None):
        """From values and their coordinates, an array of shape (values, dimensions)."""
        np = _numpy()
        coords = np.asarray(coords)
        if coords.shape != (np.asarray(data).size, len(shape)):
            raise ArrowInvalid(f"coords has shape {coords.shape}, expected {(np.asarray(data).size, len(shape))}")
        return SparseCOOTensor._make(data, [], [coords], shape, dim_names)

    @classmethod
    def _from_places(cls, places, values, shape, names):
        return cls._make(values, [], [places], shape, names)

    def _places(self):
        return list(self._indices[0].reshape(-1, self.ndim).T)

    @property
    def has_canonical_format(self):
        """Whether the coordinates are sorted, and none comes twice."""
        np = _numpy()
        places = self._indices[0]
        order = np.lexsort(places.T[::-1]) if places.size else np.arange(0)
        return bool((order == np.arange(len(order))).all() and len(np.unique(places, axis=0)) == len(places))

    def to_numpy(self):
        """The values as a column, and the coordinates."""
        return self._values.reshape(-1, 1), self._indices[0]

    @staticmethod
    def from_scipy(obj, dim_names=None):
        """From a scipy.sparse.coo_array or coo_matrix."""
        places = _numpy().stack([obj.row, obj.col], axis=-1)
        return SparseCOOTensor._make(obj.data, [], [places], obj.shape, dim_names)

    def to_scipy(self):
        """A scipy.sparse.coo_array."""
        from scipy.sparse import coo_array
        return coo_array((self._values, tuple(self._places())), shape=self.shape)

    @staticmethod
    def from_pydata_sparse(obj, dim_names=None):
        """From a sparse.COO."""
        return SparseCOOTensor._make(obj.data, [], [obj.coords.T], obj.shape, dim_names)

    def to_pydata_sparse(self):
        """A sparse.COO."""
        from sparse import COO
        return COO(_numpy().stack(self._places()), self._values, shape=self.shape)


class _SparseMatrix(_SparseTensor):
    """A matrix of compressed rows, or columns."""

    __slots__ = ()
    _axis = 0
    _scipy = ""

    @classmethod
    def from_numpy(cls, data, indptr, indices, shape, dim_names=None):
        """From values, where those of each row (column) begin, and their columns (rows)."""
        return cls._make(data, [indptr], [indices], shape, dim_names)

    @classmethod
    def _from_places(cls, places, values, shape, names):
        np = _numpy()
        if len(shape) != 2:
            raise ArrowInvalid(f"a compressed matrix has 2 dimensions, not {len(shape)}")
        main, other = places[:, cls._axis], places[:, 1 - cls._axis]
        order = np.lexsort((other, main))
        pointers = np.zeros(shape[cls._axis] + 1, "int64")
        np.cumsum(np.bincount(main, minlength=shape[cls._axis]), out=pointers[1:])
        return cls._make(values[order], [pointers], [other[order]], shape, names)

    def _places(self):
        np = _numpy()
        counts = self._expanded(self._pointers[0], len(self._indices[0]))
        places = [np.repeat(np.arange(len(counts)), counts), self._indices[0]]
        return places if self._axis == 0 else places[::-1]

    def to_numpy(self):
        """The values as a column, where those of each row (column) begin, and their columns (rows)."""
        return self._values.reshape(-1, 1), self._pointers[0], self._indices[0]

    @classmethod
    def from_scipy(cls, obj, dim_names=None):
        """From the scipy.sparse array or matrix of this kind."""
        return cls._make(obj.data, [obj.indptr], [obj.indices], obj.shape, dim_names)

    def to_scipy(self):
        """The scipy.sparse array of this kind."""
        import scipy.sparse
        parts = (self._values, self._indices[0], self._pointers[0])
        return getattr(scipy.sparse, self._scipy)(parts, shape=self.shape)


class SparseCSRMatrix(_SparseMatrix):
    """A sparse matrix of compressed rows."""

    __slots__ = ()
    _kind, _axis, _scipy = "csr", 0, "csr_array"


class SparseCSCMatrix(_SparseMatrix):
    """A sparse matrix of compressed columns."""

    __slots__ = ()
    _kind, _axis, _scipy = "csc", 1, "csc_array"


class SparseCSFTensor(_SparseTensor):
    """A sparse tensor as a tree: one level for each dimension, equal beginnings stored once."""

    __slots__ = ()
    _kind = "csf"

    @staticmethod
    def from_numpy(data, indptr, indices, shape, axis_order=None, dim_names=None):
        """From values, and for each level where the children of its nodes begin and the nodes' indices."""
        if len(indices) != len(shape) or len(indptr) != max(len(shape) - 1, 0):
            raise ArrowInvalid(f"{len(indptr)} indptr and {len(indices)} indices do not fit {len(shape)} dimensions")
        return SparseCSFTensor._make(data, indptr, indices, shape, dim_names, axis_order)

    @classmethod
    def _from_places(cls, places, values, shape, names):
        np = _numpy()
        axes = np.argsort(shape, kind="stable")
        order = np.lexsort(places[:, axes].T[::-1]) if len(places) else np.arange(0)
        sorted_places = places[order][:, axes]
        pointers, indices, below = [], [], None
        for level in reversed(range(len(shape))):
            heads = np.ones(len(sorted_places), bool)
            heads[1:] = (np.diff(sorted_places[:, : level + 1], axis=0) != 0).any(axis=1)
            starts = np.flatnonzero(heads)
            indices.insert(0, sorted_places[starts, level])
            if below is not None:
                pointers.insert(0, np.append(np.searchsorted(below, starts), len(below)))
            below = starts
        return cls._make(values[order], pointers, indices, shape, names, axes)

    def _places(self):
        np = _numpy()
        levels = [self._indices[0]] if self._indices else []
        for pointers, indices in zip(self._pointers, self._indices[1:]):
            counts = self._expanded(pointers, len(indices))
            levels = [np.repeat(level, counts) for level in levels] + [indices]
        places = [None] * self.ndim
        for axis, level in zip(self._axes, levels):
            places[axis] = level
        return places

    def to_numpy(self):
        """The values as a column, and for each level where the children of its nodes begin and the nodes' indices."""
        return self._values.reshape(-1, 1), list(self._pointers), list(self._indices)


# ---- messages --------------------------------------------------------------------------------------------------------


def write_tensor(tensor, dest):
    """Writes a tensor, dense or sparse, as a message to a file; the bytes that it takes."""
    if not isinstance(tensor, _Tensor):
        raise TypeError(f"Argument 'tensor' has incorrect type (expected martlet.Tensor, got {type(tensor).__name__})")
    head, arrays = tensor._message()
    dest.write(head)
    written = 0
    for array in arrays:
        padding = -written % 8
        dest.write(bytes(padding))
        dest.write(memoryview(array.reshape(-1).view("uint8")))
        written += padding + array.nbytes
    return head.size + written


def get_tensor_size(tensor):
    """The bytes that `write_tensor` writes."""
    head, arrays = tensor._message()
    written = 0
    for array in arrays:
        written += -written % 8 + array.nbytes
    return head.size + written


def read_tensor(source):
    """The tensor that a file or bytes go on with; a Tensor, or one of the sparse ones. Memory and maps are not copied."""
    np = _numpy()
    message = read_message(source)
    described = Schema._from_handle(_abi.new(lib.martlet_ipc_tensor_describe, message.metadata._handle))
    values, indices, pointers = (np.dtype(described.field(i).type.to_pandas_dtype()) for i in range(3))
    names = [field.name for field in list(described)[3:]]
    texts = {key.decode(): value.decode() for key, value in described.metadata.items()}

    def numbers(key):
        return [int(number) for number in texts.get(key, "").split(",") if number]

    shape, count, kind = numbers("shape"), numbers("values")[0], texts["kind"]
    names = names if any(names) else None
    ranges = numbers("ranges")
    parts = [memoryview(message.body)[start:start + size] for start, size in zip(ranges[::2], ranges[1::2])]

    def array(part, dtype, length=None):
        whole = len(part) // dtype.itemsize
        return np.frombuffer(part, dtype, whole if length is None else length)

    if kind == "dense":
        if 0 in shape:
            return Tensor.from_numpy(np.empty(shape, values), names)
        return Tensor.from_numpy(np.ndarray(shape, values, parts[0], strides=numbers("strides")), names)
    data = array(parts[-1], values, count)
    if kind == "coo":
        places = np.empty((0, len(shape)), indices)
        if count:
            places = np.ndarray((count, len(shape)), indices, parts[0], strides=numbers("strides"))
        return SparseCOOTensor._make(data, [], [places], shape, names)
    if kind == "csf":
        split = len(shape) - 1
        levels = [array(part, indices) for part in parts[split:-1]]
        starts = [array(part, pointers, len(level) + 1) for part, level in zip(parts[:split], levels)]
        return SparseCSFTensor._make(data, starts, levels, shape, names, numbers("axis_order"))
    made = SparseCSRMatrix if kind == "csr" else SparseCSCMatrix
    lines = shape[made._axis]
    return made._make(data, [array(parts[0], pointers, lines + 1)], [array(parts[1], indices, count)], shape, names)
