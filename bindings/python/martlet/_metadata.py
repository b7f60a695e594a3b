"""Key-value metadata: dictionaries of bytes for users, one byte string for the C Data interface."""

import sys
from collections.abc import Mapping


def as_bytes(value, what="bytes"):
    """UTF-8 of a text, or bytes as they are."""
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, bytes):
        return value
    raise TypeError(f"expected bytes, {type(value).__name__} found")


def normalize(metadata):
    """A dictionary bytes -> bytes, or None for None and for nothing."""
    if metadata is None:
        return None
    if not hasattr(metadata, "items"):
        raise TypeError(f"Metadata must be a dict, got {type(metadata).__name__}")
    return {as_bytes(k): as_bytes(v) for k, v in metadata.items()}


class KeyValueMetadata(Mapping):
    """Pairs of bytes in their order, among which a key may be more than once: `KeyValueMetadata(mapping_or_pairs, **pairs)`.

    Schemas and fields take it as metadata, and keep the last value of each key.
    """

    def __init__(self, __arg0__=None, **kwargs):
        given = () if __arg0__ is None else __arg0__
        self._pairs = [(as_bytes(k), as_bytes(v)) for k, v in (given.items() if hasattr(given, "items") else given)]
        for key, value in kwargs.items():
            if key in self:
                raise KeyError(f"Duplicate key {key}, pass all items as list of tuples if you intend to have duplicate keys")
            self._pairs.append((as_bytes(key), as_bytes(value)))

    def __getitem__(self, key):
        for k, value in self._pairs:
            if k == as_bytes(key):
                return value
        raise KeyError(key)

    def __contains__(self, key):
        return any(k == as_bytes(key) for k, _ in self._pairs)

    def __len__(self):
        return len(self._pairs)

    def __iter__(self):
        return self.keys()

    def keys(self):
        return (k for k, _ in self._pairs)

    def values(self):
        return (v for _, v in self._pairs)

    def items(self):
        return iter(self._pairs)

    def get_all(self, key):
        """All values of a key."""
        return [v for k, v in self._pairs if k == as_bytes(key)]

    def to_dict(self):
        return dict(self._pairs)

    def equals(self, other):
        return self._pairs == other._pairs

    def __eq__(self, other):
        try:
            return self._pairs == KeyValueMetadata(other)._pairs
        except TypeError:
            return NotImplemented

    def __repr__(self):
        return f"<martlet.KeyValueMetadata {self._pairs}>"


def to_c(metadata):
    """The encoding of the C Data interface, or None for no metadata."""
    if not metadata:
        return None
    parts = [len(metadata).to_bytes(4, sys.byteorder)]
    for pair in metadata.items():
        for text in pair:
            parts += (len(text).to_bytes(4, sys.byteorder), text)
    return b"".join(parts)


def from_c(data):
    """The dictionary that an encoding of the C Data interface holds, or None."""
    if not data:
        return None
    position = 4

    def take():
        nonlocal position
        size = int.from_bytes(data[position:position + 4], sys.byteorder)
        position += 4 + size
        return data[position - size:position]

    result = {}
    for _ in range(int.from_bytes(data[:4], sys.byteorder)):
        key = take()
        result[key] = take()
    return result or None


def lines(metadata, indent, truncate):
    """The lines of `key: 'value'` that schemas print."""
    for key, value in metadata.items():
        key, value = key.decode("utf-8", "replace"), value.decode("utf-8", "replace")
        limit = max(10, 70 - len(key) - indent) if truncate else len(value)
        tail = f" + {len(value) - limit}" if len(value) > limit else ""
        yield f"{' ' * indent}{key}: '{value[:limit]}'{tail}"
