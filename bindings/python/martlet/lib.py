"""pyarrow's `lib`: every class and function of the package in one place."""

from ._array import Array  # noqa: F401
from ._array_classes import *  # noqa: F401,F403
from ._builders import *  # noqa: F401,F403
from ._chunked import ChunkedArray, chunked_array  # noqa: F401
from ._errors import *  # noqa: F401,F403
from ._field import Field, field  # noqa: F401
from ._reader import RecordBatchReader  # noqa: F401
from ._scalar import *  # noqa: F401,F403
from ._schema import Schema, schema, unify_schemas  # noqa: F401
from ._table import RecordBatch, Table  # noqa: F401
from ._types import *  # noqa: F401,F403
from ._types import ensure_type, string_to_tzinfo, type_for_alias, tzinfo_to_string  # noqa: F401


def __getattr__(name):
    # Files and extension types live in modules of their own, which are loaded when they are needed.
    import martlet
    try:
        return getattr(martlet, name)
    except AttributeError:
        raise AttributeError(f"module 'martlet.lib' has no attribute {name!r}") from None
