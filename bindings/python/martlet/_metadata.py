"""Key-value metadata: dictionaries of bytes for users, one byte string for the C Data interface."""

import sys


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
