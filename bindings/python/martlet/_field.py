"""Fields: a name, a type, whether nulls may occur, and metadata."""

from . import _abi, _metadata
from ._c_pointers import SchemaPointers
from ._types import DataType, StructType, Type_EXTENSION, Type_NA, _NULLABLE, _type_from_tree, ensure_type


class Field(SchemaPointers):
    """One column's name, type, nullability and metadata; immutable."""

    __slots__ = ("name", "type", "nullable", "_pairs", "__weakref__")

    def __init__(self):
        raise TypeError("Do not call Field's constructor directly, use martlet.field instead.")

    @staticmethod
    def _lent_by(lender):
        return field(lender)

    @property
    def metadata(self):
        """A dictionary bytes -> bytes, or None. The name of an extension type that is not registered is in it."""
        pairs = self._pairs
        if _is_unknown(self.type):
            return (pairs or {}) | self.type._extension_pairs
        return None if pairs is None else dict(pairs)

    def equals(self, other, check_metadata=False):
        if not isinstance(other, Field):
            raise TypeError(
                f"Argument 'other' has incorrect type (expected martlet.lib.Field, got {type(other).__name__})")
        return (
            self.name == other.name and self.nullable == other.nullable
            and self.type.equals(other.type, check_metadata=check_metadata)
            and (not check_metadata or (self._pairs or None) == (other._pairs or None)))

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, Field) else NotImplemented

    def __hash__(self):
        return hash((self.name, self.type, self.nullable))

    def with_metadata(self, metadata):
        return _described(self.name, self.type, self.nullable, _metadata.normalize(metadata))

    def remove_metadata(self):
        return _described(self.name, self.type, self.nullable, None)

    def with_type(self, new_type):
        return _make_field(self.name, ensure_type(new_type), self.nullable, self._pairs)

    def with_name(self, name):
        return _make_field(_name(name), self.type, self.nullable, self._pairs)

    def with_nullable(self, nullable):
        return _make_field(self.name, self.type, bool(nullable), self._pairs)

    def flatten(self):
        """The fields of a struct, named `parent.child`; any other field alone."""
        if not isinstance(self.type, StructType):
            return [self]
        return [
            _make_field(f"{self.name}.{f.name}", f.type, f.nullable or self.nullable, f._pairs) for f in self.type
        ]

    def _text(self):
        return f"{self.name}: {self.type}{'' if self.nullable else ' not null'}"

    def _tree(self):
        return self.type._tree(self.name, self.nullable, _metadata.to_c(self._pairs))

    def __str__(self):
        return f"martlet.Field<{self._text()}>"

    __repr__ = __str__

    def __reduce__(self):
        return _make_field, (self.name, self.type, self.nullable, self._pairs)

    def __arrow_c_schema__(self):
        return _abi.new_object(_abi.lib.martlet_python_schema_capsule, _abi.schema_from_tree(self._tree()))


def _make_field(name, type, nullable=True, pairs=None):
    self = object.__new__(Field)
    self.name, self.type, self.nullable, self._pairs = name, type, nullable, pairs
    return self


def _is_unknown(type):
    return type.id == Type_EXTENSION and type.__class__.__name__ == "UnknownExtensionType"


def _described(name, type, nullable, pairs):
    """The field whose metadata is `pairs`, which may name an extension type."""
    if _is_unknown(type):
        type = type.storage_type
    if pairs and b"ARROW:extension:name" in pairs and type.id != Type_EXTENSION:
        from ._extension_types import extension_of, without_extension
        type, pairs = extension_of(type, pairs), without_extension(pairs)
    return _make_field(name, type, nullable, pairs)


def _name(name):
    return _metadata.as_bytes(name).decode("utf-8")


def field(name, type=None, nullable=None, metadata=None):
    """A field from a name and a type (or the name of one), or from any object with `__arrow_c_schema__`."""
    if isinstance(name, Field):
        result = name
    elif hasattr(name, "__arrow_c_schema__"):
        result = field_from_tree(_abi.schema_to_tree(_abi.schema_from_capsule(name.__arrow_c_schema__())))
    else:
        pairs, type = _metadata.normalize(metadata), ensure_type(type)
        if type.id == Type_NA and nullable is False:
            raise ValueError(f"A null type field may not be non-nullable: {name}")
        if _is_unknown(type):
            pairs = (pairs or {}) | type._extension_pairs
        return _described(_name(name), type, True if nullable is None else bool(nullable), pairs)
    if type is not None:
        raise ValueError("cannot specify 'type' when creating a Field from an ArrowSchema")
    if nullable is not None:
        result = result.with_nullable(nullable)
    return result if metadata is None else result.with_metadata(metadata)


def field_from_tree(tree):
    """The field of a tree of the C Data interface."""
    type, pairs = _type_from_tree(tree), _metadata.from_c(tree[2])
    if type.id == Type_EXTENSION:
        from ._extension_types import without_extension
        pairs = without_extension(pairs)
    return _make_field(tree[1], type, bool(tree[3] & _NULLABLE), pairs)


def as_fields(fields):
    """Fields from Fields, (name, type) pairs, or a mapping of names to types."""
    if hasattr(fields, "items"):
        fields = fields.items()
    return [_as_field(item) for item in fields]


def _as_field(item):
    if isinstance(item, Field):
        return item
    if isinstance(item, tuple):
        return field(*item)
    if item is None:
        raise TypeError("field or tuple expected, got None")
    if hasattr(item, "__arrow_c_schema__") and not isinstance(item, DataType):
        return field(item)
    raise TypeError(f"Cannot convert {type(item).__name__} to martlet.lib.Field: pass a Field or a (name, type) pair")
