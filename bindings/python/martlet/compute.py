"""The engine's functions by pyarrow's names, and expressions over columns.

Every function takes arrays, chunked arrays, scalars, Python values or expressions. Functions are made when they are first
used; `list_functions()` names them all.
"""

from ._compute import (  # noqa: F401
    CastOptions, Expression, array_sort_indices, cast, drop_null, expression_or_call, field, fill_null, filter, if_else,
    index, index_in, is_in, sort_indices, take)
from ._compute import list_functions as _engine_names
from ._functions import (  # noqa: F401
    Function, FunctionRegistry, HashAggregateFunction, ScalarAggregateFunction, ScalarFunction, VectorFunction,
    call_function, function_registry, get_function, list_functions)
from ._builders import array as _array, asarray as _asarray
from ._chunked import make_chunked as _make_chunked
from ._errors import ArrowInvalid, ArrowKeyError
from ._nested_arrays import StructArray as _StructArray
from ._scalar import scalar as _scalar_of
from ._types import struct as _struct

# pyarrow's names for functions that are keywords of Python.
_RENAMED = {"and_": "and", "or_": "or"}
_ALIASES = {"utf8_zfill": "utf8_zero_fill"}
# The options of functions in the order of positional arguments, which come after one array, or as many as `_ARITY` says.
_ARITY = {"round_binary": 2}
_POSITIONAL = {
    "ascii_ltrim ascii_rtrim ascii_trim utf8_ltrim utf8_rtrim utf8_trim": "characters",
    "strftime": "format locale", "strptime": "format unit error_is_null", "struct_field": "indices",
    "select_k_unstable": "k sort_keys", "inverse_permutation": "max_index", "count count_distinct": "mode",
    "round_to_multiple": "multiple round_mode",
    "ceil_temporal floor_temporal round_temporal":
        "multiple unit week_starts_monday ceil_is_strictly_greater calendar_based_origin",
    "mode": "n skip_nulls min_count", "round": "ndigits round_mode", "dictionary_encode": "null_encoding",
    "count_substring ends_with find_substring match_like match_substring starts_with count_substring_regex "
    "find_substring_regex match_substring_regex": "pattern ignore_case", "extract_regex extract_regex_span": "pattern",
    "split_pattern split_pattern_regex": "pattern max_splits reverse",
    "replace_substring replace_substring_regex": "pattern replacement max_replacements",
    "pairwise_diff pairwise_diff_checked": "period", "partition_nth_indices": "pivot null_placement",
    "quantile tdigest": "q interpolation skip_nulls min_count", "list_flatten": "recursive",
    "rank": "sort_keys null_placement tiebreaker",
    "cumulative_max cumulative_mean cumulative_min cumulative_prod cumulative_prod_checked cumulative_sum "
    "cumulative_sum_checked": "start skip_nulls",
    "binary_replace_slice utf8_replace_slice": "start stop replacement",
    "binary_slice utf8_slice_codeunits": "start stop step", "list_slice": "start stop step return_fixed_size_list",
    "assume_timezone": "timezone ambiguous nonexistent", "utf8_zfill": "width padding",
    "ascii_center ascii_lpad ascii_rpad utf8_center utf8_lpad utf8_rpad": "width padding lean_left_on_odd_padding",
    "day_of_week": "count_from_zero week_start", "run_end_encode": "run_end_type",
    "round_binary": "round_mode", "winsorize": "lower_limit upper_limit", "utf8_zero_fill": "width padding",
    "rank_quantile rank_normal": "sort_keys null_placement",
    "week": "week_starts_monday count_from_zero first_week_is_fully_in_year",
}
_POSITIONAL = {name: tuple(options.split()) for names, options in _POSITIONAL.items() for name in names.split()}


# Options as classes: their names are those of keyword arguments, in the order of positional ones.
_OPTIONS = {
    "ArraySortOptions": "order null_placement", "AssumeTimezoneOptions": "timezone ambiguous nonexistent",
    "CountOptions": "mode", "CumulativeOptions": "start skip_nulls", "CumulativeSumOptions": "start skip_nulls",
    "DayOfWeekOptions": "count_from_zero week_start", "DictionaryEncodeOptions": "null_encoding",
    "ElementWiseAggregateOptions": "skip_nulls", "ExtractRegexOptions": "pattern", "ExtractRegexSpanOptions": "pattern", "FilterOptions": "null_selection_behavior", "IndexOptions": "value",
    "InversePermutationOptions": "max_index output_type", "JoinOptions": "null_handling null_replacement",
    "ListFlattenOptions": "recursive", "ListSliceOptions": "start stop step return_fixed_size_list",
    "MapLookupOptions": "query_key occurrence", "PivotWiderOptions": "key_names unexpected_key_behavior",
    "RandomOptions": "initializer", "RankQuantileOptions": "sort_keys null_placement", "RoundBinaryOptions": "round_mode",
    "ScatterOptions": "max_index", "SearchSortedOptions": "side", "Utf8NormalizeOptions": "form",
    "WinsorizeOptions": "lower_limit upper_limit",
    "MakeStructOptions": "field_names field_nullability", "MatchSubstringOptions": "pattern ignore_case",
    "ModeOptions": "n skip_nulls min_count", "NullOptions": "nan_is_null",
    "PadOptions": "width padding lean_left_on_odd_padding", "PairwiseOptions": "period",
    "PartitionNthOptions": "pivot null_placement", "QuantileOptions": "q interpolation skip_nulls min_count",
    "RankOptions": "sort_keys null_placement tiebreaker", "ReplaceSliceOptions": "start stop replacement",
    "ReplaceSubstringOptions": "pattern replacement max_replacements", "RoundOptions": "ndigits round_mode",
    "RoundTemporalOptions": "multiple unit week_starts_monday ceil_is_strictly_greater calendar_based_origin",
    "RoundToMultipleOptions": "multiple round_mode", "RunEndEncodeOptions": "run_end_type",
    "ScalarAggregateOptions": "skip_nulls min_count", "SelectKOptions": "k sort_keys",
    "SetLookupOptions": "value_set skip_nulls", "SkewOptions": "skip_nulls biased min_count",
    "SliceOptions": "start stop step", "SortOptions": "sort_keys null_placement", "SplitOptions": "max_splits reverse",
    "SplitPatternOptions": "pattern max_splits reverse", "StrftimeOptions": "format locale",
    "StrptimeOptions": "format unit error_is_null", "StructFieldOptions": "indices",
    "TDigestOptions": "q delta buffer_size skip_nulls min_count", "TakeOptions": "boundscheck",
    "TrimOptions": "characters", "VarianceOptions": "ddof skip_nulls min_count",
    "WeekOptions": "week_starts_monday count_from_zero first_week_is_fully_in_year", "ZeroFillOptions": "width padding",
}


def _make_options(name, parts):
    def __init__(self, *values, **named):
        named.update(zip(parts, values))
        unknown = {*named} - {*parts}
        if unknown:
            raise TypeError(f"{name}() got an unexpected keyword argument {unknown.pop()!r}; it takes {', '.join(parts)}")
        self._options = named

    def __repr__(self):
        return f"{name}({', '.join(f'{k}={v!r}' for k, v in self._options.items())})"

    doc = f"Options {', '.join(parts)} of a function, for its `options` argument."
    return type(name, (FunctionOptions,), {
        "__init__": __init__, "__repr__": __repr__, "__doc__": doc, "__module__": __name__})


class FunctionOptions:
    """What all classes of options have in common."""

    def __eq__(self, other):
        return self.__class__ is other.__class__ and self._options == other._options

    __hash__ = None


def scalar(value):
    """An Expression of a constant."""
    return Expression._scalar(_scalar_of(value))


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    if name in _OPTIONS:
        made = globals()[name] = _make_options(name, tuple(_OPTIONS[name].split()))
        return made
    if name in _ALIASES:
        return __getattr__(_ALIASES[name])
    engine_name = _RENAMED.get(name, name)
    if engine_name not in _engine_names():
        import difflib
        near = difflib.get_close_matches(name, _engine_names(), 3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise AttributeError(f"module 'martlet.compute' has no attribute {name!r}{hint}")
    if name not in globals():
        globals()[name] = _make_function(name, engine_name)
    return globals()[name]


def _make_function(name, engine_name):
    positional, arity = _POSITIONAL.get(name), _ARITY.get(name, 1)
    least = get_function(engine_name).arity
    least = 0 if least is Ellipsis else least

    def function(*arguments, options=None, memory_pool=None, **named):
        if positional and len(arguments) > arity:
            named.update(zip(positional, arguments[arity:]))
            arguments = arguments[:arity]
        if options is not None:
            if named:
                raise TypeError(f"Function {name!r} called with both an 'options' argument and additional arguments")
            named.update(options if hasattr(options, "items") else options._options)
        if not arguments and least:
            raise TypeError(f"{name} takes {least} positional argument(s), but 0 were given")
        for key in ("sort_keys", "indices"):
            if key in named:
                if "null_placement" in (positional or ()) and isinstance(named[key], (list, tuple)) and len(named[key][0]) > 2:
                    named["null_placement"] = named[key][0][2]
                named[key] = _key_text(named[key])
        return expression_or_call(engine_name, arguments, named)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The engine's function {engine_name!r} of arrays, chunked arrays, scalars or expressions."
    return function


def _key_text(keys):
    """Sort keys and paths as the engine reads them: `name:order,...`, or the names alone."""
    if isinstance(keys, bytes):
        keys = keys.decode()
    if isinstance(keys, str) and keys.startswith("."):  # the path of a field, with points before its parts
        return ",".join(keys[1:].split("."))
    if isinstance(keys, (str, int)):
        return keys
    if isinstance(keys, Expression):
        return ",".join(keys._rebuild[1])
    texts = (k.decode() if isinstance(k, bytes) else k for k in keys)
    return ",".join(f"{k[0]}:{k[1]}" if isinstance(k, tuple) else str(k) for k in texts)


def _chosen(options, **given):
    """The options of a function that has parameters of its own for them."""
    if options is None:
        return given
    return {**given, **(options if hasattr(options, "items") else options._options)}


def _whole(values):
    """An Array of what may be an Array, a ChunkedArray or a sequence."""
    values = _asarray(values)
    return values.combine_chunks() if hasattr(values, "chunks") else values


def random(n, *, initializer="system", options=None, memory_pool=None):
    """`n` numbers from 0 to below 1. initializer: "system", or an integer (or what has a hash) for the same each time."""
    initializer = _chosen(options, initializer=initializer).get("initializer", "system")
    if initializer != "system" and not isinstance(initializer, int):
        try:
            initializer = hash(initializer)
        except TypeError:
            raise TypeError("initializer should be 'system', an integer, or a hashable object; got "
                            f"{initializer!r}") from None
    return call_function("random", [], {"length": n, "initializer": initializer})


def map_lookup(container, query_key=None, occurrence=None, *, options=None, memory_pool=None):
    """The items of a key in each map: those that are "first" or "last", or a list of "all"."""
    chosen = _chosen(options, query_key=query_key, occurrence=occurrence)
    key = chosen["query_key"]
    if not hasattr(key, "as_py"):
        key = _scalar_of(key, type=container.type.key_type)
    return expression_or_call("map_lookup", (container, key), {"occurrence": chosen["occurrence"]})


def round_to_multiple(x, /, multiple=1.0, round_mode="half_to_even", *, options=None, memory_pool=None):
    """Numbers rounded to the nearest multiple of `multiple`, a positive number or scalar."""
    chosen = _chosen(options, multiple=multiple, round_mode=round_mode)
    number = chosen["multiple"].as_py() if hasattr(chosen["multiple"], "as_py") else chosen["multiple"]
    if isinstance(number, type) or not hasattr(number, "__float__") or not -(2**64) < number < 2**64:
        raise TypeError(f'"{number}" is not a valid multiple type for RoundToMultipleOptions')
    return expression_or_call("round_to_multiple", (x,), {**chosen, "multiple": number})


def scatter(values, indices, /, *, max_index=-1, options=None, memory_pool=None):
    """Value `i` goes to position `indices[i]`; positions that nothing goes to are null."""
    chosen = _chosen(options, max_index=max_index)
    return call_function("scatter", [_whole(values), _whole(indices)], chosen)


def inverse_permutation(indices, /, max_index=-1, output_type=None, *, options=None, memory_pool=None):
    """Position `indices[i]` of the result holds `i`; positions that nothing points to are null."""
    chosen = _chosen(options, max_index=max_index, output_type=output_type)
    whole, output_type = _whole(indices), chosen.get("output_type")
    if output_type is not None:
        whole = whole.cast(output_type)
    result = call_function("inverse_permutation", [whole], {"max_index": chosen["max_index"]})
    return _make_chunked([result], result.type) if hasattr(indices, "chunks") else result


def search_sorted(values, needles, side="left", *, options=None, memory_pool=None):
    """Where each needle goes in sorted values: before its equals ("left"), or behind them ("right")."""
    values, chosen = _whole(values), _chosen(options, side=side)
    if not hasattr(needles, "type"):
        needles = _array(needles, values.type) if isinstance(needles, (list, tuple)) else _scalar_of(needles, values.type)
    return call_function("search_sorted", [values, _whole(needles) if hasattr(needles, "chunks") else needles], chosen)


def pivot_wider(pivot_keys, pivot_values, key_names=None, unexpected_key_behavior="ignore", *, options=None, memory_pool=None):
    """A struct with a field for each of `key_names`: the value beside that key, null where there is none.

    Errors: ArrowInvalid for two values of one key, ArrowKeyError for other keys when these are to "raise".
    """
    from ._array import nulls_of
    chosen = _chosen(options, key_names=key_names, unexpected_key_behavior=unexpected_key_behavior)
    names, keys = [str(name) for name in chosen["key_names"] or ()], _whole(pivot_keys)
    known = _array(names, "string").cast(keys.type)
    if known.unique().__len__() != len(names):
        raise ArrowKeyError(f"Duplicate key name in PivotWiderOptions: {names}")
    values = pivot_values._array.take(_array([0] * len(keys))) if hasattr(pivot_values, "as_py") else _whole(pivot_values)
    places = index_in(keys, known)
    if places.null_count:
        unexpected = filter(keys, places.is_null())
        if unexpected.null_count:
            raise ArrowKeyError("pivot key name cannot be null")
        if chosen["unexpected_key_behavior"] == "raise":
            raise ArrowKeyError(f"Unexpected pivot key: {unexpected[0]}")
    used = filter(_array(list(range(len(keys)))), call_function("and", [places.is_valid(), values.is_valid()]))
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
        return _scalar_of({}, _struct([]))
    return _StructArray.from_arrays(children, names=names)[0]


def utf8_normalize(strings, /, form=None, *, options=None, memory_pool=None):
    """Strings in a normal form of Unicode: "NFC", "NFKC", "NFD" or "NFKD"."""
    import unicodedata
    form = _chosen(options, form=form)["form"]
    if form not in ("NFC", "NFKC", "NFD", "NFKD"):
        raise ValueError(f'"{form}" is not a valid Unicode normalization form: NFC, NFKC, NFD or NFKD')
    if hasattr(strings, "chunks"):
        return _make_chunked([utf8_normalize(c, form) for c in strings.chunks], strings.type)
    if hasattr(strings, "as_py"):
        return utf8_normalize(strings._array, form)[0]
    strings = _asarray(strings)
    # What is ASCII has one form; the tables of the others are Python's.
    if call_function("all", [call_function("string_is_ascii", [strings])]).as_py() is not False:
        return strings
    normalize = unicodedata.normalize
    return _array([None if s is None else normalize(form, s) for s in strings.to_pylist()], strings.type)


def top_k_unstable(values, k, sort_keys=None, null_placements=None, *, memory_pool=None):
    """The positions of the k largest values, or of the rows that come last by the sort keys."""
    return _select_k(values, k, sort_keys, null_placements, "descending")


def bottom_k_unstable(values, k, sort_keys=None, null_placements=None, *, memory_pool=None):
    """The positions of the k smallest values, or of the rows that come first by the sort keys."""
    return _select_k(values, k, sort_keys, null_placements, "ascending")


def _select_k(values, k, sort_keys, placements, order):
    keys = [(key, order, placement) for key, placement in zip(
        sort_keys or ("dummy",), placements or ["at_end"] * len(sort_keys or "1"))]
    return select_k_unstable(values, k, keys)


def select_k_unstable(values, k=None, sort_keys=None, *, options=None, memory_pool=None):
    """The positions of the first k values, or rows, in the order of the sort keys."""
    chosen = _chosen(options, k=k, sort_keys=sort_keys)
    k, keys = chosen["k"], chosen["sort_keys"]
    if k is None:
        raise ArrowInvalid("Function 'select_k_unstable' cannot be called without options: it needs k and sort_keys")
    if k < 0:
        raise ArrowInvalid(f"select_k_unstable requires a nonnegative `k`, got {k}")
    if keys is not None and not len(keys):
        raise ArrowInvalid("select_k_unstable requires a non-empty `sort_keys`")
    if hasattr(values, "schema"):
        return sort_indices(values, keys).slice(0, k)
    options = {"k": k, "sort_keys": _key_text([key[:2] for key in keys] if keys else [("dummy", "ascending")])}
    return call_function("select_k_unstable", [_whole(values)], options)


def __dir__():
    return list({*globals(), *list_functions()})
