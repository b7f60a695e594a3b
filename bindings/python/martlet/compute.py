"""The engine's functions by pyarrow's names, and expressions over columns.

Every function takes arrays, chunked arrays, scalars, Python values or expressions. `list_functions()` names them all.
"""

from . import _implemented as _more  # noqa: F401  (fills _functions.IMPLEMENTED)
from ._compute import Expression, cast, field, fill_null, index, take  # noqa: F401
from ._functions import (  # noqa: F401
    Function, FunctionRegistry, HashAggregateFunction, HashAggregateKernel, Kernel, MetaFunction, ScalarAggregateFunction,
    ScalarAggregateKernel, ScalarFunction, ScalarKernel, SHAPES as _SHAPES, VectorFunction, VectorKernel, call_function,
    function_registry, get_function, list_functions, make_functions as _make_functions)
from ._options import CLASSES as _CLASSES, FunctionOptions  # noqa: F401
from ._scalar import scalar as _scalar_of

globals().update(_CLASSES)
# Those that are keywords of Python have pyarrow's names; some functions are written out here and in `_compute`.
globals().update(_make_functions(
    {"and": "and_", "or": "or_"}, _SHAPES.keys() - {"count_all", "fill_null", "index", "random", "take"}))
globals().update({"and": and_, "or": or_, "utf8_zfill": utf8_zero_fill})  # noqa: F821  (made above)


def scalar(value):
    """An Expression of a constant."""
    return Expression._scalar(_scalar_of(value))


def random(n, *, initializer="system", options=None, memory_pool=None):
    """`n` numbers from 0 to below 1. initializer: "system", or an integer (or what has a hash) for the same each time."""
    return call_function("random", [], options or {"initializer": initializer}, length=n)


def top_k_unstable(values, k, sort_keys=None, null_placements=None, *, memory_pool=None):
    """The positions of the k largest values, or of the rows that come last by the sort keys."""
    return _select_k(values, k, sort_keys, null_placements, "descending")


def bottom_k_unstable(values, k, sort_keys=None, null_placements=None, *, memory_pool=None):
    """The positions of the k smallest values, or of the rows that come first by the sort keys."""
    return _select_k(values, k, sort_keys, null_placements, "ascending")


def _select_k(values, k, sort_keys, placements, order):
    keys = [(key, order, placement) for key, placement in zip(
        sort_keys or ("dummy",), placements or ["at_end"] * len(sort_keys or "1"))]
    return call_function("select_k_unstable", [values], {"k": k, "sort_keys": keys})


def __getattr__(name):
    import difflib
    near = () if name.startswith("__") else difflib.get_close_matches(name, list_functions(), 3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    raise AttributeError(f"module 'martlet.compute' has no attribute {name!r}{hint}")
