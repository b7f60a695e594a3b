"""The classes of arrays, one a type, with what each type can do beyond the others."""

from . import _abi
from . import _types as t
from ._array import _CLASSES, Array, _lib, buffer_handles, concatenate, make, wrap
from ._errors import ArrowInvalid

class NullArray(Array):
    __slots__ = ()

    def buffers(self):
        return [None]


class BooleanArray(Array):
    __slots__ = ()

    @property
    def true_count(self):
        return self._call("sum").as_py() or 0

    @property
    def false_count(self):
        return len(self) - self.null_count - self.true_count


class NumericArray(Array):
    __slots__ = ()


class IntegerArray(NumericArray):
    __slots__ = ()


class FloatingPointArray(NumericArray):
    __slots__ = ()


def _subclasses(base, names):
    for name in names.split():
        yield type(name, (base,), {"__slots__": (), "__module__": __name__})


(Int8Array, UInt8Array, Int16Array, UInt16Array, Int32Array, UInt32Array, Int64Array, UInt64Array) = _subclasses(
    IntegerArray, "Int8Array UInt8Array Int16Array UInt16Array Int32Array UInt32Array Int64Array UInt64Array")
(HalfFloatArray, FloatArray, DoubleArray) = _subclasses(FloatingPointArray, "HalfFloatArray FloatArray DoubleArray")
(Date32Array, Date64Array, TimestampArray, Time32Array, Time64Array, DurationArray) = _subclasses(
    NumericArray, "Date32Array Date64Array TimestampArray Time32Array Time64Array DurationArray")
(FixedSizeBinaryArray,) = _subclasses(Array, "FixedSizeBinaryArray")
(Decimal128Array,) = _subclasses(FixedSizeBinaryArray, "Decimal128Array")


class _BytesArray(Array):
    __slots__ = ()
    _offset_type = t.int32()

    @property
    def total_values_length(self):
        """Bytes of all values together."""
        from ._compute import call
        return call("sum", (call("binary_length", (self,)),)).as_py() or 0


class StringArray(_BytesArray):
    __slots__ = ()

    @staticmethod
    def from_buffers(length, value_offsets, data, null_bitmap=None, null_count=-1, offset=0):
        return Array.from_buffers(t.string(), length, [null_bitmap, value_offsets, data], null_count, offset)


class LargeStringArray(_BytesArray):
    __slots__ = ()

    @staticmethod
    def from_buffers(length, value_offsets, data, null_bitmap=None, null_count=-1, offset=0):
        return Array.from_buffers(t.large_string(), length, [null_bitmap, value_offsets, data], null_count, offset)


class BinaryArray(_BytesArray):
    __slots__ = ()


class LargeBinaryArray(_BytesArray):
    __slots__ = ()


class BaseListArray(Array):
    __slots__ = ()

    @property
    def values(self):
        """All values, also those that no list of this array uses."""
        return self._child(0, self.type.value_type)

    def flatten(self, recursive=False):
        """The values of all lists that are not null, in one array."""
        result = self._flat()
        while recursive and isinstance(result, BaseListArray):
            result = result._flat()
        return result

    def _flat(self):
        offsets = self.offsets.to_pylist()
        if self.null_count == 0:
            return self.values.slice(offsets[0], offsets[-1] - offsets[0])
        values, valid = self.values, self.is_valid().to_pylist()
        parts = [values.slice(a, b - a) for a, b, ok in zip(offsets, offsets[1:], valid) if ok and b > a]
        return concatenate(parts) if parts else values.slice(0, 0)

    def value_lengths(self):
        """The length of each list, null for null."""
        from ._compute import call
        from ._scalar import scalar
        offsets = self.offsets
        lengths = call("subtract", (offsets.slice(1), offsets.slice(0, len(self))))
        if not self.null_count:
            return lengths
        return call("if_else", (self.is_valid(), lengths, scalar(None, lengths.type)))

    def value_parent_indices(self):
        """For each value of `flatten()` the position of its list."""
        from ._builders import array
        lengths = self.value_lengths().to_pylist()
        return array([i for i, n in enumerate(lengths) for _ in range(n or 0)], type=t.int64())


class _OffsetListArray(BaseListArray):
    __slots__ = ()
    _offset_type = t.int32()

    @property
    def offsets(self):
        """Where each list starts in `values`, and where the last one ends."""
        _, offsets = buffer_handles(self)
        if offsets is None or _lib.martlet_buffer_size(offsets) == 0:
            from ._builders import array
            return array([0], type=self._offset_type)
        return make(self._offset_type, len(self) + 1, [None, offsets], 0, self.offset)


def _list_from_arrays(cls, offsets, values, type, mask):
    from ._builders import asarray
    offsets, values = asarray(offsets, cls._offset_type), asarray(values)
    if type is None:
        type = t.large_list(values.type) if cls is LargeListArray else t.list_(values.type)
    if len(offsets) == 0:
        raise ArrowInvalid("List offsets must have non-zero length")
    length = len(offsets) - 1
    validity, offsets = _validity_of_offsets(offsets, mask, length)
    result = make(type, length, [validity, buffer_handles(offsets)[1]], -1, offsets.offset, [values])
    result.validate()
    return result


def _validity_of_offsets(offsets, mask, length):
    """A null offset makes its list null; so does a true in `mask`."""
    if mask is not None:
        if offsets.null_count:
            raise ValueError("Ambiguous to specify both validity map and offsets with nulls")
        if offsets.offset:
            raise NotImplementedError("Null bitmap with offsets slice not supported.")
        return validity_from_mask(mask, length), offsets
    if not offsets.null_count:
        return None, offsets
    from ._builders import array
    items = offsets.to_pylist()
    if items[-1] is None:
        raise ArrowInvalid("Last list offset should be non-null")
    valid = array([x is not None for x in items[:-1]])
    for i in range(len(items) - 1, -1, -1):
        items[i] = items[i + 1] if items[i] is None else items[i]
    return buffer_handles(valid)[1], array(items, type=offsets.type)


def validity_from_mask(mask, length):
    """A BufferHandle with a bit for each value that is not masked (true in `mask` is null)."""
    from ._builders import asarray
    mask = asarray(mask, t.bool_())
    if len(mask) != length:
        raise ArrowInvalid(f"Mask has different length ({len(mask)}) than the array ({length})")
    if mask.null_count:
        raise ValueError("Mask must not contain nulls")
    return buffer_handles(mask._call("invert"))[1]


class ListArray(_OffsetListArray):
    __slots__ = ()

    @classmethod
    def from_arrays(cls, offsets, values, type=None, pool=None, mask=None):
        """Lists that start at `offsets` (one more than lists) of `values`."""
        return _list_from_arrays(cls, offsets, values, type, mask)


class LargeListArray(_OffsetListArray):
    __slots__ = ()
    _offset_type = t.int64()

    @classmethod
    def from_arrays(cls, offsets, values, type=None, pool=None, mask=None):
        """Lists that start at `offsets` (one more than lists) of `values`."""
        return _list_from_arrays(cls, offsets, values, type, mask)


class MapArray(_OffsetListArray):
    __slots__ = ()

    @property
    def values(self):
        return self._child(0, self.type._entries.type)

    @property
    def keys(self):
        return self.values.field(0)

    @property
    def items(self):
        return self.values.field(1)

    @staticmethod
    def from_arrays(offsets, keys, items, type=None, pool=None, mask=None):
        """Maps whose entries start at `offsets` (one more than maps) of `keys` and `items`."""
        from ._builders import asarray
        keys, items = asarray(keys), asarray(items)
        type = type or t.map_(keys.type, items.type)
        entries = make(type._entries.type, len(keys), [None], 0, 0, [keys, items])
        offsets = asarray(offsets, t.int32())
        validity, offsets = _validity_of_offsets(offsets, mask, len(offsets) - 1)
        return make(type, len(offsets) - 1, [validity, buffer_handles(offsets)[1]], -1, offsets.offset, [entries])


class FixedSizeListArray(BaseListArray):
    __slots__ = ()

    @property
    def offsets(self):
        from ._builders import array
        size = self.type.list_size
        return array([i * size for i in range(len(self) + 1)], type=t.int32())

    @classmethod
    def from_arrays(cls, values, list_size=None, type=None, mask=None):
        """Lists of `list_size` values each."""
        from ._builders import asarray
        values = asarray(values)
        if (list_size is None) == (type is None):
            raise ValueError("Cannot specify both list_size and type" if type else
                             "Either list_size or type must be specified")
        type = type or t.list_(values.type, list_size)
        size = type.list_size
        if size and len(values) % size:
            raise ArrowInvalid(f"The length of the values Array needs to be a multiple of the list size ({size})")
        length = len(values) // size if size else 0
        validity = None if mask is None else validity_from_mask(mask, length)
        return make(type, length, [validity], -1, 0, [values])


class StructArray(Array):
    __slots__ = ()

    def field(self, index):
        """The child of a name or a position, without this array's own nulls."""
        if isinstance(index, (str, bytes)):
            place = self.type.get_field_index(index)
            if place < 0:
                raise KeyError(index)
            index = place
        elif not isinstance(index, int):
            raise TypeError("Expected integer or string index")
        if not -self.type.num_fields <= index < self.type.num_fields:
            raise IndexError(f"index out of bounds: {index}")
        index %= self.type.num_fields
        return self._child(index, self.type._members[index].type)

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
        from ._field import field
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
        arrays = [asarray(a, None if fields is None else fields[i].type) for i, a in enumerate(arrays)]
        if fields is None:
            fields = [field(name, a.type) for name, a in zip(names, arrays)]
        for f, a in zip(fields, arrays):
            if f.type != a.type:
                raise ValueError(f"Field {f.name} is of type {f.type}, its array of {a.type}")
            if not f.nullable and a.null_count:
                raise ValueError(f"field {f.name} is not nullable but has {a.null_count} nulls")
        length = len(arrays[0]) if arrays else (0 if mask is None else len(mask))
        if any(len(a) != length for a in arrays):
            raise ValueError(f"Mismatching child array lengths: {[len(a) for a in arrays]}")
        validity = None if mask is None else validity_from_mask(mask, length)
        return make(t.struct(fields), length, [validity], -1, 0, arrays)

    def sort(self, order="ascending", by=None, **kwargs):
        from ._table import RecordBatch
        from ._compute import sort_indices
        keys = [(by or self.type.names[0], order)] if not by or isinstance(by, str) else by
        return self.take(sort_indices(RecordBatch.from_struct_array(self), sort_keys=keys))


class DictionaryArray(Array):
    __slots__ = ()

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
        from ._builders import array, asarray
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


_CLASSES.update({
    t.Type_NA: NullArray, t.Type_BOOL: BooleanArray, t.Type_UINT8: UInt8Array, t.Type_INT8: Int8Array,
    t.Type_UINT16: UInt16Array, t.Type_INT16: Int16Array, t.Type_UINT32: UInt32Array, t.Type_INT32: Int32Array,
    t.Type_UINT64: UInt64Array, t.Type_INT64: Int64Array, t.Type_HALF_FLOAT: HalfFloatArray,
    t.Type_FLOAT: FloatArray, t.Type_DOUBLE: DoubleArray, t.Type_STRING: StringArray, t.Type_BINARY: BinaryArray,
    t.Type_FIXED_SIZE_BINARY: FixedSizeBinaryArray, t.Type_DATE32: Date32Array, t.Type_DATE64: Date64Array,
    t.Type_TIMESTAMP: TimestampArray, t.Type_TIME32: Time32Array, t.Type_TIME64: Time64Array,
    t.Type_DECIMAL128: Decimal128Array, t.Type_LIST: ListArray, t.Type_STRUCT: StructArray,
    t.Type_DICTIONARY: DictionaryArray, t.Type_MAP: MapArray, t.Type_FIXED_SIZE_LIST: FixedSizeListArray,
    t.Type_DURATION: DurationArray, t.Type_LARGE_STRING: LargeStringArray,
    t.Type_LARGE_BINARY: LargeBinaryArray, t.Type_LARGE_LIST: LargeListArray,
})
