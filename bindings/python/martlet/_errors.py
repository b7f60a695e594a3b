"""The exception classes, with pyarrow's names and bases, and the way from a status to an exception."""

import builtins
from errno import EBADMSG

__all__ = [
    "ArrowException", "ArrowInvalid", "ArrowTypeError", "ArrowNotImplementedError", "ArrowKeyError", "ArrowIndexError",
    "ArrowIOError", "ArrowCorruptedError", "ArrowMemoryError", "ArrowCapacityError", "ArrowSerializationError", "ArrowCancelled",
]


class ArrowException(Exception):
    """Base of all errors of this package that are not errors of the operating system."""


class ArrowInvalid(ValueError, ArrowException):
    """A value, a length or a file is not what it must be."""


class ArrowCorruptedError(ArrowInvalid, OSError):
    """Bytes are damaged: pyarrow raises now the one, now the other."""


class ArrowMemoryError(MemoryError, ArrowException):
    """Memory ran out, or a limit on it was met."""


class ArrowKeyError(KeyError, ArrowException):
    """A name is not known."""

    def __str__(self):
        return ArrowException.__str__(self)


class ArrowTypeError(TypeError, ArrowException):
    """An object or a column is of another type than needed."""


class ArrowNotImplementedError(NotImplementedError, ArrowException):
    """The types, or the options, are valid but not supported together."""


class ArrowCapacityError(ArrowException):
    """More data than 32-bit offsets can address."""


class ArrowIndexError(IndexError, ArrowException):
    """A position is out of bounds."""


class ArrowSerializationError(ArrowException):
    """Data cannot be written in the format."""


class ArrowCancelled(ArrowException):
    """The operation was cancelled by its progress callback."""

    def __init__(self, message, signum=None):
        super().__init__(message)
        self.signum = signum


ArrowIOError = IOError

for _name in __all__:
    if _name != "ArrowIOError":
        globals()[_name].__module__ = "martlet.lib"

_UNKNOWN = ArrowException
_CLASSES = {
    1: ArrowMemoryError,
    2: ArrowKeyError,
    3: ArrowTypeError,
    4: ArrowInvalid,
    6: ArrowCapacityError,
    7: ArrowIndexError,
    8: ArrowCancelled,
    10: ArrowNotImplementedError,
    11: ArrowSerializationError,
}


def exception_for(code, system_error, message):
    """The exception for a `martlet_status`, an `errno` (0 for none) and a text."""
    if code == 5:
        # OSError's constructor picks FileNotFoundError, PermissionError ... by the number.
        return OSError(system_error, message) if system_error else OSError(message)
    if code == 4 and system_error == EBADMSG:
        return ArrowCorruptedError(message)
    if code in (8, 9):
        # An exception of Python's own that was raised inside: "OverflowError: too large".
        name, _, text = message.partition(": ")
        raised = getattr(builtins, name, None)
        if isinstance(raised, type) and issubclass(raised, BaseException):
            # Some classes ask for more than a text; the nearest base that does not stands in for them.
            for cls in raised.__mro__:
                try:
                    return cls(text)
                except TypeError:
                    continue
    if code == 45:
        return FileExistsError(17, message)
    return _CLASSES.get(code, _UNKNOWN)(message)
