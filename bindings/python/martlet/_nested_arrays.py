"""The classes of arrays of structs, unions, runs and dictionaries."""

from . import _abi
from . import _types as t
from ._array import Array, _lib, buffer_handles, concatenate, make, wrap
from ._errors import ArrowInvalid, ArrowTypeError
from ._list_arrays import validity_from_mask


class StructArray(Array):
    __slots__ = ()

    def _place(self, index):
        if isinstance(index, (str, bytes)):
            place = self.type.get_field_index(index)
            if place < 0:
                raise KeyError(index)
            return place
        if not isinstance(index, int):
            raise TypeError("Expected integer or string index")
        if not -self.type.num_fields <= index < self.type.num_fields:
            raise IndexError(f"index out of bounds: {index}")
        return index % self.type.num_fields

    def field(self, index):
        """The child of a name or a position, without this array's own nulls."""
        index = self._place(index)
        return self._child(index, self.type._members[index].type)

    def _flattened_field(self, index, memory_pool=None):
        """The child of a name or a position, null also where this array is null."""
        return self.flatten()[self._place(index)]

    def flatten(self, memory_pool=None):
        """The children, null also where this array is null."""
        children = [self.field(i) for i in range(self.type.num_fields)]
        if self.null_count == 0:
            return children
        from ._compute import call
        from ._scalar import scalar
        valid = self.is_valid()
        return [call("if_else", (valid, child, scalar(None, child.type))) for child in children]

    @staticmethod
    def from_arrays(arrays, names=None, fields=None, mask=None, memory_pool=None, type=None):
        """Records of `arrays`, with `names`, `fields` or a struct type."""
        from ._builders import asarray
        from ._chunked import ChunkedArray
        from ._field import field
        if any(isinstance(a, ChunkedArray) for a in arrays):
            raise TypeError("Expected Array, got ChunkedArray: call combine_chunks() on it")
        if type is not None:
            if names is not None or fields is not None:
                raise ValueError("Must pass only one of names, fields or type")
            fields = type.fields
        if (names is None) == (fields is None):
            raise ValueError("Must pass either names or fields" if names is None else
                             "Must pass either names or fields, not both")
        count = len(arrays)
        if len(names if fields is None else fields) != count:
            raise ValueError("Must pass same number of arrays as fields" if names is None else
                             "Must pass same number of names as arrays")
        length = len(arrays[0]) if arrays else (0 if mask is None else len(mask))
        validity = None if mask is None else validity_from_mask(mask, length)
        arrays = [a if isinstance(a, Array) else asarray(a, None if fields is None else fields[i].type)
                  for i, a in enumerate(arrays)]
        if fields is None:
            fields = [field(name, a.type) for name, a in zip(names, arrays)]
        for f, a in zip(fields, arrays):
            if f.type != a.type:
                raise ValueError(f"Mismatching field type for {f.name}: {a.type} vs {f.type}; cast the array first")
            if not f.nullable and a.null_count:
                raise ValueError(f"field {f.name} is not nullable but has {a.null_count} nulls")
        if any(len(a) != length for a in arrays):
            raise ValueError(f"Mismatching child array lengths: {[len(a) for a in arrays]}")
        return make(t.struct(fields), length, [validity], -1, 0, arrays)

    def sort(self, order="ascending", by=None, **kwargs):
        from ._table import RecordBatch
        from ._compute import sort_indices
        keys = [(name, order) for name in ([by] if by else self.type.names)] if not by or isinstance(by, str) else by
        return self.take(sort_indices(RecordBatch.from_struct_array(self), sort_keys=keys, **kwargs))


class UnionArray(Array):
    """Values of one of some types each."""

    __slots__ = ()

    @property
    def type_codes(self):
        """For each value the number of its type."""
        return make(t.int8(), len(self), [None, buffer_handles(self)[0]], 0, self.offset)

    @property
    def offsets(self):
        """For each value its place in the child of its type; dense unions only."""
        if self.type.mode != "dense":
            raise ArrowTypeError("Can only get value offsets for dense arrays")
        return make(t.int32(), len(self), [None, buffer_handles(self)[1]], 0, self.offset)

    def buffers(self):
        return [None] + Array.buffers(self)

    def field(self, pos):
        """The child at a position."""
        if not 0 <= pos < self.type.num_fields:
            raise KeyError(f"the union has {self.type.num_fields} children, no number {pos}")
        return self._child(pos, self.type._members[pos].type)

    def child(self, pos):
        return self.field(pos)

    @staticmethod
    def _from(make_type, types, buffers, children, names, codes):
        from ._builders import asarray
        from ._field import field
        types, children = asarray(types, t.int8()), [asarray(c) for c in children]
        if types.null_count:
            raise ArrowInvalid("Union type ids cannot have nulls")
        names = list(map(str, range(len(children)))) if not names else names
        if len(names) != len(children):
            raise ArrowInvalid(f"field_names must have the same length as children: {len(names)} and {len(children)}")
        if codes and len(codes) != len(children):
            raise ArrowInvalid(f"type_codes must have the same length as children: {len(codes)} and {len(children)}")
        type = make_type([field(n, c.type) for n, c in zip(names, children)], codes or None)
        handles = []
        for b in [types] + buffers:
            if b.null_count:
                raise ArrowInvalid("Make does not allow nulls in value_offsets")
            if len(b) != len(types):
                raise ArrowInvalid(f"{len(types)} type ids, but {len(b)} offsets")
            if b.offset:  # arrays of other offsets do not go together
                b = asarray(b.to_pylist(), b.type)
            handles.append(buffer_handles(b)[1])
        return make(type, len(types), handles, 0, 0, children)

    @staticmethod
    def from_dense(types, value_offsets, children, field_names=None, type_codes=None):
        """From the number of each value's type, its place in that type's child, and the children."""
        from ._builders import asarray
        return UnionArray._from(
            t.dense_union, types, [asarray(value_offsets, t.int32())], children, field_names, type_codes)

    @staticmethod
    def from_sparse(types, children, field_names=None, type_codes=None):
        """From the number of each value's type, and children that are all as long."""
        if any(len(c) != len(types) for c in children):
            raise ArrowInvalid("Sparse UnionArray must have len(child) == len(type_ids) for all children")
        return UnionArray._from(t.sparse_union, types, [], children, field_names, type_codes)


class RunEndEncodedArray(Array):
    """Runs of equal values."""

    __slots__ = ()

    @property
    def run_ends(self):
        """Where each run ends, also those outside a slice."""
        return self._child(0, self.type.run_end_type)

    @property
    def values(self):
        """The value of each run."""
        return self._child(1, self.type.value_type)

    def buffers(self):
        return [None] + Array.buffers(self)

    @staticmethod
    def from_buffers(type, length, buffers, null_count=-1, offset=0, children=None):
        """From run ends and values, the children; the array has no buffers of its own."""
        type = t.ensure_type(type)
        if len(buffers) > 1 or any(b is not None for b in buffers):
            raise ValueError(f"RunEndEncodedArray has no buffers of its own, got {len(buffers)}")
        if not children or len(children) != 2:
            raise ValueError("RunEndEncodedArray expects the run ends and the values as its two children, got "
                             f"{len(children or ())}")
        if null_count > 0:
            raise ValueError(f"RunEndEncodedArray has no nulls of its own, got a null_count of {null_count}")
        whole = RunEndEncodedArray.from_arrays(*children, type)
        if offset + length > len(whole):
            raise ArrowInvalid(f"The last run ends at {len(whole)}, before the array does: {offset} + {length}")
        return whole.slice(offset, length)

    def find_physical_offset(self):
        """The run that the first value lies in."""
        return self._run_of(self.offset)

    def find_physical_length(self):
        """How many runs the values lie in."""
        return self._run_of(self.offset + len(self) - 1) + 1 - self._run_of(self.offset) if len(self) else 0

    def _run_of(self, place):
        ends = self.run_ends
        low, high = 0, len(ends)
        while low < high:
            middle = (low + high) // 2
            if ends[middle].as_py() > place:
                high = middle
            else:
                low = middle + 1
        return low

    @staticmethod
    def from_arrays(run_ends, values, type=None):
        """From where each run ends, and its value."""
        from ._builders import asarray
        from ._types import run_end_encoded
        if type is None:
            run_ends, values = asarray(run_ends), asarray(values)
            if run_ends.type.id not in (t.Type_INT16, t.Type_INT32, t.Type_INT64):
                raise ArrowInvalid("Run end type must be int16, int32 or int64")
            type = run_end_encoded(run_ends.type, values.type)
        else:
            run_ends, values = asarray(run_ends, type.run_end_type), asarray(values, type.value_type)
        if len(run_ends) > len(values):
            raise ArrowInvalid(
                f"Length of run_ends is greater than the length of values: {len(run_ends)} > {len(values)}")
        if run_ends.null_count:
            raise ArrowInvalid(f"Run ends array cannot contain null values: {run_ends.null_count}")
        length = run_ends[len(run_ends) - 1].as_py() if len(run_ends) else 0
        result = make(type, max(length, 0), [], 0, 0, [run_ends, values.slice(0, len(run_ends))])
        result.validate(full=True)
        return result


def encoded_as(values, type):
    """Values as a dictionary array of a type, whose indices widen where they must."""
    if isinstance(values.type, t.DictionaryType):
        return values.cast(type)
    encoded = values.dictionary_encode()
    # As in pyarrow, unsigned indices widen where signed ones would.
    top, widths = len(encoded.dictionary) - 1, _UNSIGNED if type.index_type in _UNSIGNED else _SIGNED
    index_type = next(w for w in widths[widths.index(type.index_type):] if top >> w.bit_width - 1 <= 0)
    return encoded.cast(t.dictionary(index_type, type.value_type, type.ordered))


_SIGNED = (t.int8(), t.int16(), t.int32(), t.int64())
_UNSIGNED = (t.uint8(), t.uint16(), t.uint32(), t.uint64())


def unified(arrays):
    """Dictionary arrays of one type, all with the same dictionary, where each value is once."""
    from ._compute import index_in
    dictionaries = [a.dictionary for a in arrays]
    if all(d.equals(dictionaries[0]) for d in dictionaries[1:]):
        return arrays
    values = concatenate(dictionaries).unique()
    result = []
    for array, dictionary in zip(arrays, dictionaries):
        indices = index_in(dictionary, values).take(array.indices).cast(array.type.index_type)
        result.append(make(array.type, len(array), buffer_handles(indices), -1, indices.offset, (), values))
    return result


class DictionaryArray(Array):
    __slots__ = ()

    @staticmethod
    def from_buffers(type, length, buffers, dictionary, null_count=-1, offset=0):
        """From the Buffers of the indices, validity first, and the values that they point to."""
        type = t.ensure_type(type)
        indices = Array.from_buffers(type.index_type, length, buffers, null_count, offset)
        if dictionary.type != type.value_type:
            raise ArrowTypeError(f"The dictionary is of {dictionary.type}, not of {type.value_type}")
        return make(type, length, buffer_handles(indices), null_count, offset, (), dictionary)

    @property
    def indices(self):
        """The positions in `dictionary`, null where the value is null."""
        return make(self.type.index_type, self._length, buffer_handles(self), -1, self.offset)

    @property
    def dictionary(self):
        """The distinct values."""
        return wrap(_abi.new(_lib.martlet_array_dictionary, self), self.type.value_type)

    def dictionary_decode(self):
        """The values themselves."""
        return self.cast(self.type.value_type)

    def dictionary_encode(self, null_encoding="mask"):
        return self

    @staticmethod
    def from_arrays(indices, dictionary, mask=None, ordered=False, from_pandas=False, safe=True, memory_pool=None):
        """From positions (int64 unless they are an array) and the values that they point to."""
        from ._builders import array
        if not isinstance(indices, Array):
            if from_pandas and mask is None:
                mask = [i is None or i < 0 for i in (indices.tolist() if hasattr(indices, "tolist") else indices)]
            indices = array(indices, mask=mask)
        elif mask is not None:
            raise NotImplementedError("mask not implemented with Arrow array inputs yet")
        dictionary = dictionary if isinstance(dictionary, Array) else array(dictionary)
        type = t.dictionary(indices.type, dictionary.type, ordered)
        result = make(type, len(indices), buffer_handles(indices), -1, indices.offset, (), dictionary)
        if safe:
            result.validate(full=True)
        return result
