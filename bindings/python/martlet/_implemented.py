"""Functions of `compute` that are put together from several calls, or whose arguments need more than the engine's reading.

Each takes the arguments of the function, and the options of its class by name.
"""

from . import _compute
from ._array import nulls_of
from ._builders import array, asarray
from ._chunked import make_chunked
from ._compute import call
from ._errors import ArrowInvalid, ArrowKeyError
from ._functions import IMPLEMENTED
from ._nested_arrays import StructArray
from ._scalar import scalar
from ._types import struct


def _whole(values):
    """An Array of what may be an Array, a ChunkedArray or a sequence."""
    values = asarray(values)
    return values.combine_chunks() if hasattr(values, "chunks") else values


def random(n, *, initializer="system"):
    return call("random", [], options={"length": n, "initializer": initializer})


def map_lookup(container, query_key, occurrence):
    if query_key.type != container.type.key_type:
        query_key = scalar(query_key.as_py(), type=container.type.key_type)
    return call("map_lookup", (container, query_key), options={"occurrence": occurrence})


def scatter(values, indices, max_index=-1):
    return call("scatter", [_whole(values), _whole(indices)], options={"max_index": max_index})


def inverse_permutation(indices, max_index=-1, output_type=None):
    whole = _whole(indices)
    if output_type is not None:
        whole = whole.cast(output_type)
    result = call("inverse_permutation", [whole], options={"max_index": max_index})
    return make_chunked([result], result.type) if hasattr(indices, "chunks") else result


def search_sorted(values, needles, side="left"):
    values = _whole(values)
    needles = _whole(needles) if hasattr(needles, "chunks") else needles
    return call("search_sorted", [values, needles], options={"side": side})


def pivot_places(keys, names, unexpected_key_behavior):
    """The names as values of the keys' type, and the place of each key among them. Errors: ArrowKeyError for names that come
    twice, null keys, and other keys when these are to "raise"."""
    known = array(names, "string").cast(keys.type)
    if len(known.unique()) != len(names):
        raise ArrowKeyError(f"Duplicate key name in PivotWiderOptions: {names}")
    places = _compute.index_in(keys, known)
    if places.null_count:
        unexpected = _compute.filter(keys, places.is_null())
        if unexpected.null_count:
            raise ArrowKeyError("pivot key name cannot be null")
        if unexpected_key_behavior == "raise":
            raise ArrowKeyError(f"Unexpected pivot key: {unexpected[0]}")
    return known, places


def pivot_wider(pivot_keys, pivot_values, key_names=(), unexpected_key_behavior="ignore"):
    """A struct with a field for each of `key_names`: the value beside that key, null where there is none.

    Errors: ArrowInvalid for two values of one key, ArrowKeyError for other keys when these are to "raise".
    """
    names, keys = [*key_names], _whole(pivot_keys)
    _, places = pivot_places(keys, names, unexpected_key_behavior)
    values = pivot_values._array.take(array([0] * len(keys))) if hasattr(pivot_values, "as_py") else _whole(pivot_values)
    used = _compute.filter(array(list(range(len(keys)))), call("and", [places.is_valid(), values.is_valid()]))
    found = {}
    for row in used.slice(0, len(names) + 1):
        place = places[row.as_py()].as_py()
        if place in found:
            raise ArrowInvalid(
                f"Encountered more than one non-null value for the same pivot key (key {names[place]!r}, rows "
                f"{found[place]} and {row.as_py()})")
        found[place] = row.as_py()
    children = [
        values.slice(found[i], 1) if i in found else nulls_of(values.type, 1) for i in range(len(names))]
    if not names:
        return scalar({}, struct([]))
    return StructArray.from_arrays(children, names=names)[0]


def utf8_normalize(strings, form):
    import unicodedata
    if hasattr(strings, "chunks"):
        return make_chunked([utf8_normalize(c, form) for c in strings.chunks], strings.type)
    if hasattr(strings, "as_py"):
        return utf8_normalize(strings._array, form)[0]
    # What is ASCII has one form; the tables of the others are Python's.
    if call("all", [call("string_is_ascii", [strings])]).as_py() is not False:
        return strings
    normalize = unicodedata.normalize
    return array([None if s is None else normalize(form, s) for s in strings.to_pylist()], strings.type)


def select_k_unstable(values, k, sort_keys):
    if k < 0:
        raise ArrowInvalid(f"select_k_unstable requires a nonnegative `k`, got {k}")
    if not sort_keys:
        raise ArrowInvalid("select_k_unstable requires a non-empty `sort_keys`")
    return _compute.sort_indices(values, sort_keys).slice(0, k)


IMPLEMENTED.update((f.__name__, f) for f in (
    _compute.array_sort_indices, _compute.drop_null, _compute.fill_null, _compute.filter, _compute.index,
    _compute.index_in, _compute.is_in, _compute.sort_indices, _compute.take, inverse_permutation, map_lookup, pivot_wider,
    random, scatter, search_sorted, select_k_unstable, utf8_normalize))
IMPLEMENTED["array_filter"], IMPLEMENTED["array_take"] = _compute.filter, _compute.take
