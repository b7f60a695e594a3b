"""The engine's functions by pyarrow's names, and expressions over columns.

Every function takes arrays, chunked arrays, scalars, Python values or expressions. Functions are made when they are first
used; `list_functions()` names them all.
"""

from ._compute import (  # noqa: F401
    CastOptions, Expression, array_sort_indices, call_function, cast, drop_null, expression_or_call, field, fill_null,
    filter, if_else, index, index_in, is_in, list_functions, sort_indices, take)
from ._scalar import scalar as _scalar_of

# pyarrow's names for functions that are keywords of Python.
_RENAMED = {"and_": "and", "or_": "or"}
# The positional options of functions that have some.
_POSITIONAL = {
    "round": ("ndigits", "round_mode"), "strptime": ("format", "unit", "error_is_null"), "strftime": ("format", "locale"),
    "starts_with": ("pattern",), "ends_with": ("pattern",), "match_substring": ("pattern",), "quantile": ("q",),
    "count": ("mode",), "mode": ("n", "skip_nulls", "min_count"), "struct_field": ("indices",),
}


# Options as classes: their names are those of keyword arguments, in the order of positional ones.
_OPTIONS = {
    "ScalarAggregateOptions": ("skip_nulls", "min_count"), "CountOptions": ("mode",), "NullOptions": ("nan_is_null",),
    "VarianceOptions": ("ddof", "skip_nulls", "min_count"), "FilterOptions": ("null_selection_behavior",),
    "TakeOptions": ("boundscheck",), "DictionaryEncodeOptions": ("null_encoding",),
    "ArraySortOptions": ("order", "null_placement"),
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
    return type(name, (), {"__init__": __init__, "__repr__": __repr__, "__doc__": doc, "__module__": __name__})


def scalar(value):
    """An Expression of a constant."""
    return Expression._scalar(_scalar_of(value))


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    if name in _OPTIONS:
        made = globals()[name] = _make_options(name, _OPTIONS[name])
        return made
    engine_name = _RENAMED.get(name, name)
    if engine_name not in list_functions():
        import difflib
        near = difflib.get_close_matches(name, list_functions(), 3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise AttributeError(f"module 'martlet.compute' has no attribute {name!r}{hint}")
    made = globals()[name] = _make_function(name, engine_name)
    return made


def _make_function(name, engine_name):
    positional = _POSITIONAL.get(name)

    def function(*arguments, options=None, memory_pool=None, **named):
        if positional and len(arguments) > 1:
            named.update(zip(positional, arguments[1:]))
            arguments = arguments[:1]
        if options is not None:
            named.update(options if hasattr(options, "items") else options._options)
        return expression_or_call(engine_name, arguments, named)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The engine's function {engine_name!r} of arrays, chunked arrays, scalars or expressions."
    return function


def __dir__():
    return list({*globals(), *list_functions()})
