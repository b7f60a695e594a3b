"""The classes of arrays of lists, list views and maps."""

from . import _types as t
from ._array import Array, _lib, buffer_handles, concatenate, make
from ._errors import ArrowInvalid, ArrowNotImplementedError, ArrowTypeError


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
    expect_values(values, type)
    length = len(offsets) - 1
    validity, offsets = _validity_of_offsets(offsets, mask, length)
    result = make(type, length, [validity, buffer_handles(offsets)[1]], -1, offsets.offset, [values])
    result.validate()
    return result


def expect_values(values, type):
    """ArrowTypeError where values are not those of a list type."""
    if values.type != type.value_type:
        raise ArrowTypeError(f"Mismatching list value type: {values.type} vs {type.value_type}; cast the values first")


def _validity_of_offsets(offsets, mask, length):
    """A null offset makes its list null; so does a true in `mask`."""
    if mask is not None:
        if offsets.null_count:
            raise ArrowInvalid("Ambiguous to specify both validity map and offsets with nulls")
        if offsets.offset:
            raise ArrowNotImplementedError("Null bitmap with offsets slice not supported.")
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
    if not isinstance(mask, Array) or mask.type.id != t.Type_BOOL:
        raise TypeError(f"Mask must be a martlet.Array of type boolean, got {getattr(mask, 'type', type(mask).__name__)}")
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


class _ViewListArray(BaseListArray):
    __slots__ = ()

    @property
    def offsets(self):
        """Where each list starts in `values`."""
        return make(self._offset_type, len(self), [None, buffer_handles(self)[1]], 0, self.offset)

    @property
    def sizes(self):
        """How many values each list has."""
        return make(self._offset_type, len(self), [None, buffer_handles(self)[2]], 0, self.offset)

    def _flat(self):
        values, valid = self.values, self.is_valid().to_pylist()
        spans = zip(self.offsets.to_pylist(), self.sizes.to_pylist(), valid)
        parts = [values.slice(start, size) for start, size, ok in spans if ok and size]
        return concatenate(parts) if parts else values.slice(0, 0)

    def value_lengths(self):
        """The length of each list, null for null."""
        validity, _, sizes = buffer_handles(self)
        return make(self._offset_type, len(self), [validity, sizes], -1, self.offset)

    @classmethod
    def from_arrays(cls, offsets, sizes, values, type=None, pool=None, mask=None):
        """Lists that start at `offsets` of `values` and have `sizes` values each."""
        from ._builders import asarray
        offsets, sizes, values = asarray(offsets, cls._offset_type), asarray(sizes, cls._offset_type), asarray(values)
        if type is None:
            type = t.list_view(values.type) if cls is ListViewArray else t.large_list_view(values.type)
        length = len(offsets)
        expect_values(values, type)
        if len(sizes) != length:
            raise ArrowInvalid(f"List offsets and sizes must have the same length, not {length} and {len(sizes)}")
        validity = None
        if mask is not None:
            if offsets.null_count:
                raise ArrowInvalid("Ambiguous to specify both validity map and offsets with nulls")
            if offsets.offset or sizes.offset:
                raise ArrowInvalid("List offsets and sizes must not be slices if a validity map is specified")
            validity = validity_from_mask(mask, length)
        elif offsets.null_count:
            validity = buffer_handles(offsets.is_valid())[1]
        elif sizes.null_count:
            validity = buffer_handles(sizes.is_valid())[1]
        if validity is not None or offsets.offset != sizes.offset:
            # What nulls have as offset and size is never looked at, but has to be in bounds.
            offsets, sizes = (asarray([n or 0 for n in x.to_pylist()], cls._offset_type) for x in (offsets, sizes))
        return make(
            type, length, [validity, buffer_handles(offsets)[1], buffer_handles(sizes)[1]], -1, offsets.offset, [values])


class ListViewArray(_ViewListArray):
    """Lists with 32-bit offsets and sizes."""

    __slots__ = ()
    _offset_type = t.int32()


class LargeListViewArray(_ViewListArray):
    """Lists with 64-bit offsets and sizes."""

    __slots__ = ()
    _offset_type = t.int64()


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
        if type.id != t.Type_MAP:
            raise ArrowTypeError(f"Expected map type, got {type}")
        for what, given, wanted in ("keys", keys.type, type.key_type), ("items", items.type, type.item_type):
            if given != wanted:
                raise ArrowTypeError(f"Mismatching map {what} type: {given} vs {wanted}; cast the {what} first")
        if keys.null_count:
            raise ArrowInvalid(f"Map cannot contain NULL valued keys: there are {keys.null_count}")
        if len(keys) != len(items):
            raise ArrowInvalid(f"Map key and item arrays must be equal length, not {len(keys)} and {len(items)}")
        entries = make(type._entries.type, len(keys), [None], 0, 0, [keys, items])
        offsets = asarray(offsets, t.int32())
        validity, offsets = _validity_of_offsets(offsets, mask, len(offsets) - 1)
        result = make(type, len(offsets) - 1, [validity, buffer_handles(offsets)[1]], -1, offsets.offset, [entries])
        result.validate()
        return result


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
        if list_size is not None and list_size <= 0:
            raise ArrowInvalid(f"list_size needs to be a strict positive value, not {list_size}")
        type = type or t.list_(values.type, list_size)
        expect_values(values, type)
        size = type.list_size
        if size and len(values) % size:
            raise ArrowInvalid(f"The length of the values Array needs to be a multiple of the list size ({size})")
        length = len(values) // size if size else 0
        validity = None if mask is None else validity_from_mask(mask, length)
        return make(type, length, [validity], -1, 0, [values])
