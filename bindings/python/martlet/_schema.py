"""Schemas: the fields of a record batch or table, and metadata."""

from . import _abi, _metadata
from ._c_pointers import SchemaPointers
from ._errors import ArrowInvalid, ArrowTypeError
from ._field import Field, _make_field, as_fields, field_from_tree
from ._types import StructType


class Schema(SchemaPointers):
    """An immutable sequence of fields with metadata."""

    __slots__ = ("_members", "_pairs", "_handle_", "_places", "_kinds_", "__weakref__")

    def __init__(self):
        raise TypeError("Do not call Schema's constructor directly, use martlet.schema instead.")

    @staticmethod
    def _lent_by(lender):
        return schema(lender)

    # ---- looking at it ----

    @property
    def names(self):
        return [f.name for f in self._members]

    @property
    def types(self):
        return [f.type for f in self._members]

    @property
    def metadata(self):
        """A dictionary bytes -> bytes, or None."""
        return None if self._pairs is None else dict(self._pairs)

    @property
    def pandas_metadata(self):
        """What pandas noted about columns and index, as a dictionary, or None."""
        text = (self._pairs or {}).get(b"pandas")
        if text is None:
            return None
        import json
        return json.loads(text.decode("utf-8"))

    def field(self, i):
        """The field at a position (negative from the end) or of a name."""
        if isinstance(i, (bytes, str)):
            place = self.get_field_index(i)
            if place < 0:
                raise KeyError(f"Column {i if isinstance(i, str) else i.decode()} does not exist in schema")
            return self._members[place]
        if not hasattr(i, "__index__"):
            raise TypeError("Index must either be string or integer")
        i = i.__index__()
        if not -len(self._members) <= i < len(self._members):
            raise IndexError("index out of bounds")
        return self._members[i]

    def field_by_name(self, name):
        """The field of a name, or None."""
        place = self.get_field_index(name)
        return None if place < 0 else self._members[place]

    def get_field_index(self, name):
        """The position of the only field of this name; -1 when there is none, or more than one."""
        places = self._places
        if places is None:
            places = {}
            for i, f in enumerate(self._members):
                places[f.name] = -1 if f.name in places else i
            self._places = places
        return places.get(name.decode() if isinstance(name, bytes) else name, -1)

    def get_all_field_indices(self, name):
        name = name.decode() if isinstance(name, bytes) else name
        return [i for i, f in enumerate(self._members) if f.name == name]

    def __len__(self):
        return len(self._members)

    def __iter__(self):
        return iter(self._members)

    def __getitem__(self, key):
        if isinstance(key, slice):
            raise TypeError("an integer is required")
        return self.field(key)

    def __contains__(self, name):
        return name in (self._members if isinstance(name, Field) else self.names)

    # ---- equality ----

    def equals(self, other, check_metadata=False):
        if not isinstance(other, Schema):
            raise TypeError(
                f"Argument 'other' has incorrect type (expected martlet.lib.Schema, got {type(other).__name__})")
        if self is other:
            return True
        return (
            len(self) == len(other)
            and all(a.equals(b, check_metadata=check_metadata) for a, b in zip(self._members, other._members))
            and (not check_metadata or (self._pairs or None) == (other._pairs or None)))

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, Schema) else NotImplemented

    def __hash__(self):
        return hash((self._members, frozenset((self._pairs or {}).items())))

    # ---- making others ----

    def _with(self, members):
        return _make_schema(members, self._pairs)

    def append(self, field):
        return self.insert(len(self._members), field)

    def insert(self, i, field):
        self._check_field(field)
        if not 0 <= i <= len(self._members):
            raise ArrowInvalid("Invalid column index to add field.")
        return self._with(self._members[:i] + (field,) + self._members[i:])

    def remove(self, i):
        if not 0 <= i < len(self._members):
            raise ArrowInvalid("Invalid column index to remove field.")
        return self._with(self._members[:i] + self._members[i + 1:])

    def set(self, i, field):
        self._check_field(field)
        if not 0 <= i < len(self._members):
            raise ArrowInvalid("Invalid column index to set field.")
        return self._with(self._members[:i] + (field,) + self._members[i + 1:])

    @staticmethod
    def _check_field(field):
        if not isinstance(field, Field):
            raise TypeError(
                f"Argument 'field' has incorrect type (expected martlet.lib.Field, got {type(field).__name__})")

    def with_metadata(self, metadata):
        return _make_schema(self._members, _metadata.normalize(metadata))

    add_metadata = with_metadata

    def remove_metadata(self):
        return _make_schema(self._members, None)

    def empty_table(self):
        """A table of this schema without rows."""
        from ._builders import empty_table
        return empty_table(self)

    @classmethod
    def from_pandas(cls, df, preserve_index=None):
        """The schema that `Table.from_pandas(df)` would have."""
        from . import _pandas
        return _pandas.schema_from_pandas(df, preserve_index)

    def serialize(self, memory_pool=None):
        """The schema as an encapsulated IPC message, in a Buffer."""
        from ._io import Buffer
        return Buffer._from_pointer(_abi.new(_abi.lib.martlet_schema_serialize, self._handle))

    # ---- text ----

    def to_string(self, truncate_metadata=True, show_field_metadata=True, show_schema_metadata=True,
                  element_size_limit=None):
        """Fields, their children and metadata, one a line."""
        lines = []
        for f in self._members:
            lines.append(f._text())
            lines += _child_lines(f.type, 2)
            if show_field_metadata and f._pairs:
                lines.append("  -- field metadata --")
                lines += _metadata.lines(f._pairs, 2, truncate_metadata)
        if show_schema_metadata and self._pairs:
            lines.append("-- schema metadata --")
            lines += _metadata.lines(self._pairs, 0, truncate_metadata)
        return "\n".join(lines)

    def __str__(self):
        return self.to_string()

    __repr__ = __str__

    # ---- the engine's side ----

    @property
    def _handle(self):
        """The SchemaHandle of the batches that have this schema."""
        handle = self._handle_
        if handle is None:
            tree = ("+s", "", _metadata.to_c(self._pairs), 0, tuple(f._tree() for f in self._members), None)
            handle = self._handle_ = _abi.schema_from_tree(tree)
        return handle

    @classmethod
    def _from_handle(cls, handle):
        """From a SchemaHandle, or a raw `martlet_schema *` that is then owned."""
        if not isinstance(handle, _abi.SchemaHandle):
            handle = _abi.SchemaHandle(handle)
        made = schema_from_tree(_abi.schema_to_tree(handle))
        made._handle_ = handle
        return made

    @property
    def _kinds(self):
        """The type of each column and the class of its arrays, in one tuple."""
        kinds = self._kinds_
        if kinds is None:
            from ._array import class_of
            kinds = self._kinds_ = tuple(kind for f in self._members for kind in (f.type, class_of(f.type)))
        return kinds

    @property
    def _struct(self):
        """The struct type of the batches that have this schema."""
        return StructType._make(
            26, f"struct<{', '.join(f._text() for f in self._members)}>", "+s", _members=self._members)

    def __reduce__(self):
        return _make_schema, (self._members, self._pairs)

    def __arrow_c_schema__(self):
        return _abi.new_object(_abi.lib.martlet_python_schema_capsule, self._handle)


def _child_lines(type, indent):
    for i, child in enumerate(type._fields()):
        yield f"{' ' * indent}child {i}, {child._text()}"
        yield from _child_lines(child.type, indent + 4)


def _make_schema(members, pairs=None):
    self = object.__new__(Schema)
    self._members, self._pairs, self._handle_, self._places, self._kinds_ = tuple(members), pairs, None, None, None
    return self


def schema_from_tree(tree):
    if tree[0] != "+s":
        raise ArrowTypeError(f"a schema of record batches is a struct, not format {tree[0]!r}")
    return _make_schema([field_from_tree(child) for child in tree[4]], _metadata.from_c(tree[2]))


def schema(fields, metadata=None):
    """A schema from Fields, (name, type) pairs, a mapping of names to types, or any `__arrow_c_schema__`."""
    pairs = _metadata.normalize(metadata)
    if isinstance(fields, Schema):
        return fields if metadata is None else fields.with_metadata(metadata)
    if hasattr(fields, "__arrow_c_schema__") and not isinstance(fields, StructType):
        found = Schema._from_handle(_abi.schema_from_capsule(fields.__arrow_c_schema__()))
        return found if metadata is None else found.with_metadata(metadata)
    return _make_schema(as_fields(fields), pairs)


def unify_schemas(schemas, *, promote_options="default"):
    """One schema with the fields of all; types of one name must be equal, or null in some, or be promotable."""
    if promote_options not in ("default", "permissive"):
        raise ValueError(f"Invalid promote_options: {promote_options}")
    merged = {}
    first = None
    for s in schemas:
        if not isinstance(s, Schema):
            raise TypeError(f"Expected Schema, got {type(s)}")
        first = first or s
        for f in s:
            merged[f.name] = _merge_fields(merged[f.name], f, promote_options) if f.name in merged else f
    if first is None:
        raise ArrowInvalid("Must provide at least one schema to unify.")
    return _make_schema(merged.values(), first._pairs)


def _merge_fields(a, b, promote):
    nullable = a.nullable or b.nullable
    type = a.type if a.type == b.type else _common_type(a.type, b.type, promote)
    if type is None:
        raise ArrowTypeError(f"Unable to merge: Field {a.name} has incompatible types: {a.type} vs {b.type}")
    return _make_field(a.name, type, nullable or a.type.id == 0 or b.type.id == 0, a._pairs)


def _common_type(a, b, promote):
    """The type that holds the values of both, or None."""
    from . import _types as t
    if a.id == t.Type_NA or b.id == t.Type_NA:
        return b if a.id == t.Type_NA else a
    if promote != "permissive":
        return None
    signed, unsigned = (3, 5, 7, 9), (2, 4, 6, 8)
    floats = (10, 11, 12)
    numbers = {k: v for k, v in zip(signed + unsigned + floats, "int8 int16 int32 int64 uint8 uint16 uint32 uint64 "
                                    "float16 float32 float64".split())}
    if a.id in numbers and b.id in numbers:
        low, high = sorted((a, b), key=lambda x: x._bits)
        if (a.id in floats) or (b.id in floats):
            both = a.id in floats and b.id in floats
            if both:
                return high
            wanted = {8: 16, 16: 32, 32: 64, 64: 64}[(b if a.id in floats else a)._bits]
            return {16: t.float16(), 32: t.float32(), 64: t.float64()}[max(wanted, (a if a.id in floats else b)._bits)]
        if (a.id in signed) == (b.id in signed):
            return high
        mixed = max(a._bits if a.id in signed else 0, b._bits if b.id in signed else 0,
                    2 * (a._bits if a.id in unsigned else b._bits))
        return {8: t.int8(), 16: t.int16(), 32: t.int32()}.get(mixed, t.int64())
    texts = {13: 0, 34: 1, 14: 2, 35: 3}
    if a.id in texts and b.id in texts:
        code = texts[a.id] | texts[b.id]
        return (t.string(), t.large_string(), t.binary(), t.large_binary())[code]
    if isinstance(a, t.TimestampType) and isinstance(b, t.TimestampType) and a.tz == b.tz:
        return max(a, b, key=lambda x: "s ms us ns".split().index(x.unit))
    return None
