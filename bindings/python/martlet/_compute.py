"""Calls of the engine's functions on arrays, chunked arrays, scalars and tables; `compute` shows them to users."""

from . import _abi
from . import _types as t
from ._array import Array, type_of, wrap
from ._builders import array, asarray
from ._chunked import ChunkedArray, aligned, make_chunked
from ._errors import ArrowException, ArrowInvalid, ArrowNotImplementedError, ArrowTypeError
from ._field import field as _field
from ._options import reference_text, sort_keys_of
from ._schema import schema as _schema
from ._scalar import Scalar, scalar, wrap_scalar
from ._table import RecordBatch, Table

_lib = _abi.lib


# ---- calling the engine ----------------------------------------------------------------------------------------------


def argument(value):
    """An Array, ChunkedArray, Scalar, RecordBatch or Table for an argument; other Python values become scalars.

    Errors: TypeError for what is nothing of these.
    """
    if isinstance(value, (Array, ChunkedArray, Scalar, RecordBatch, Table)):
        return value
    if isinstance(value, (list, tuple)) or hasattr(value, "__array__") and getattr(value, "ndim", 0) == 1 or hasattr(
            value, "__arrow_c_array__") or hasattr(value, "__arrow_c_stream__"):
        return asarray(value)
    try:
        return scalar(value)
    except (ArrowException, TypeError, ValueError):
        raise TypeError(f"Got unexpected argument type {type(value)} for compute function") from None


def call(name, arguments, type=None, options=None):
    """Calls an engine's function of this name: arrays in, an Array, ChunkedArray or Scalar out.

    Scalars go with every row. With chunked arguments the result is chunked. Errors: ArrowKeyError for an unknown
    function, ArrowInvalid and ArrowNotImplementedError as the function says.
    """
    arguments = [argument(a) for a in arguments]
    for one in arguments:
        if isinstance(one, (RecordBatch, Table)):
            raise ArrowTypeError(
                f"Tried executing function with non-array, non-scalar type: {one.__class__.__name__}; call it with its "
                "columns")
    chunked = [a for a in arguments if isinstance(a, ChunkedArray)]
    if not chunked:
        return _call_arrays(name, arguments, type, options)
    if name in _AGGREGATES and len(arguments) == 1 and arguments[0]._chunks:
        return _call_aggregate(name, arguments[0]._chunks, options)
    if name in _WHOLE or name in _WHOLE_CHUNKED:
        whole = [a.combine_chunks() if isinstance(a, ChunkedArray) else a for a in arguments]
        result = _call_arrays(name, whole, type, options)
        return make_chunked([result], result.type) if name in _WHOLE_CHUNKED else result
    return _call_chunks(name, arguments, chunked, type, options)


def _call_arrays(name, arguments, type, options):
    arrays = [a._array if isinstance(a, Scalar) else a for a in arguments]
    scalars = sum(1 << i for i, a in enumerate(arguments) if isinstance(a, Scalar))
    pointer, is_scalar = _abi.new_flagged(
        _lib.martlet_compute_call, name.encode(), _abi.handle_array(arrays), len(arrays), scalars,
        None if type is None else type._handle, *_abi.pack_options(options))
    # What failed has a type of its own.
    if type is None or (options and options.get("errors") == "collect"):
        type = type_of(pointer)
        if type.id == t.Type_EXTENSION:
            type = _as_given(type, arguments)
    result = wrap(pointer, type)
    return wrap_scalar(result) if is_scalar else result


def _as_given(type, arguments):
    """The extension type of an argument, where the result has the same: its class need not be registered."""
    for given in (a.type for a in arguments):
        if given.id == t.Type_EXTENSION and given._extension_pairs == type._extension_pairs:
            return given
    return type


def _call_aggregate(name, chunks, options):
    """The aggregate of chunks, which are read where they lie."""
    return wrap_scalar(wrap(_abi.new(
        _lib.martlet_compute_aggregate, name.encode(), _abi.handle_array(chunks), len(chunks),
        *_abi.pack_options(options))))


def _call_chunks(name, arguments, chunked, type, options):
    length = len(chunked[0])
    pieces = {}
    for i, a in enumerate(arguments):
        if isinstance(a, Array):
            a = make_chunked([a], a.type)
        if isinstance(a, ChunkedArray):
            if len(a) != length:
                raise ArrowInvalid(f"Array arguments must all be the same length: {length} vs {len(a)}")
            pieces[i] = a._chunks
    if len(pieces) == 2:
        (i, a), (j, b) = pieces.items()
        rows = [{i: x, j: y} for x, y in aligned(a, b)]
    elif len(pieces) == 1:
        ((i, a),) = pieces.items()
        rows = [{i: x} for x in a if len(x)]
    else:
        from ._array import concatenate
        rows = [{i: concatenate(a) for i, a in pieces.items()}] if length else []
    if not rows:
        empty = [a if isinstance(a, Scalar) else a.slice(0, 0).combine_chunks() if isinstance(a, ChunkedArray)
                 else a.slice(0, 0) for a in arguments]
        results = [_call_arrays(name, empty, type, options)]
    else:
        results = [_call_arrays(name, [row.get(i, a) for i, a in enumerate(arguments)], type, options) for row in rows]
    return make_chunked(results, results[0].type)


# Functions of one column whose result is a scalar.
_AGGREGATES = frozenset("""
sum product mean min max min_max count count_distinct any all stddev variance first last
""".split())

# Functions that want all rows at once; for the others chunks go through one by one.
_WHOLE = frozenset("""
all any approximate_median array_filter array_sort_indices array_take count count_distinct dictionary_encode drop_null
filter first first_last index indices_nonzero inverse_permutation kurtosis last max mean min min_max mode
partition_nth_indices product quantile rank rank_normal rank_quantile reverse select_k_unstable skew sort_indices stddev sum take tdigest unique
value_counts variance run_end_encode winsorize
""".split())
# The same, with chunked results.
_WHOLE_CHUNKED = frozenset("""
cumulative_max cumulative_mean cumulative_min cumulative_prod cumulative_prod_checked cumulative_sum
cumulative_sum_checked fill_null_backward fill_null_forward list_flatten list_parent_indices pairwise_diff
pairwise_diff_checked replace_with_mask
""".split())


def call_function(name, args, options=None, memory_pool=None):
    """Calls a function by its name; `options` is a mapping."""
    return call(name, list(args), options=options if options is None or hasattr(options, "items") else None)


_names = None


def list_functions():
    """The names of all functions, sorted."""
    global _names
    if _names is None:
        _names = sorted(_abi.buffer_text(_abi.new(_lib.martlet_compute_functions)).split())
    return list(_names)


# ---- functions with arguments of their own ---------------------------------------------------------------------------


def cast(arr, target_type=None, safe=None, options=None, memory_pool=None, *, errors="raise"):
    """`arr` as another type. safe (the default) refuses what would lose data; `options` is a CastOptions.

    errors: "raise" (the default) ends at the first value that cannot be converted; "null" makes such values null;
    "collect" does too, and returns a pair: the values, and a Table of the rows that failed with their values and reasons.
    """
    if errors not in ("raise", "null", "collect"):
        raise ValueError(f"errors is 'raise', 'null' or 'collect', not {errors!r}")
    if options is not None and (safe is not None or None not in (target_type, options.target_type)):
        raise ValueError("Must either pass values for 'target_type' and 'safe' or pass a value for 'options'")
    if isinstance(arr, Expression):
        return arr.cast(target_type, safe, options)
    if target_type is None:
        if options is None or options.target_type is None:
            raise TypeError("DataType expected, got <class 'NoneType'>: pass the target_type to cast to")
        target_type = options.target_type
    target = t.ensure_type(target_type)
    if isinstance(arr, (RecordBatch, Table)):
        raise ArrowTypeError(f"Tried executing function with non-array, non-scalar type: {arr.__class__.__name__}; its own "
                             "cast takes a schema")
    arr = argument(arr)
    values = options._options if options is not None else {"safe": False} if safe is False else None
    if errors != "raise":
        return _tolerant_cast(arr, target, values or {}, errors)
    if arr.type == target:
        return arr
    if isinstance(arr, Scalar):
        result = _call_arrays("cast", [arr._array], target, values)
        return wrap_scalar(result)
    return call("cast", (arr,), target, values)


def _tolerant_cast(arr, target, options, errors):
    """`cast` for errors="null" and "collect", chunk by chunk; rows count through all chunks."""
    chunks = arr._chunks if isinstance(arr, ChunkedArray) else [arr._array if isinstance(arr, Scalar) else arr]
    results = [_call_arrays("cast", [c], target, {**options, "errors": "null"}) for c in chunks]
    if isinstance(arr, ChunkedArray):
        result = make_chunked(results, target)
    else:
        result = wrap_scalar(results[0]) if isinstance(arr, Scalar) else results[0]
    if errors == "null":
        return result
    names, start, failures = ["row", "value", "reason"], 0, []
    for chunk, made in zip(chunks, results):
        if made.null_count != chunk.null_count:
            parts = _call_arrays("cast", [chunk], target, {**options, "errors": "collect", "row_offset": start})
            failures.append(RecordBatch.from_arrays([parts.field(i) for i in range(3)], names))
        start += len(chunk)
    kinds = [("row", t.int64()), ("value", arr.type), ("reason", t.string())]
    return result, Table.from_batches(failures, _schema([_field(name, kind) for name, kind in kinds]))


def fill_null(values, fill_value):
    """`values` with nulls replaced by a scalar, or by the values of an array of the same length."""
    values = argument(values)
    if not isinstance(fill_value, (Array, ChunkedArray, Scalar)):
        if isinstance(fill_value, (list, tuple)):
            fill_value = array(fill_value, type=values.type)
        else:
            fill_value = scalar(fill_value, type=values.type)
    if fill_value.type != values.type:
        fill_value = fill_value.cast(values.type)
    return call("fill_null", (values, fill_value))


def _tabular(data, each):
    """`each` of every column of a batch or table."""
    columns = [each(c) for c in data._arrays()]
    count = len(columns[0]) if columns else 0
    if isinstance(data, Table):
        columns = [c if isinstance(c, ChunkedArray) else make_chunked([c], c.type) for c in columns]
        return Table._make(columns, data.schema, count)
    return RecordBatch._make(columns, data.schema, count)


def filter(input, selection_filter, null_selection_behavior="drop"):
    """The values (or rows) where the filter, booleans of the same length, is true."""
    if isinstance(selection_filter, (Scalar, RecordBatch, Table)):
        raise TypeError(f"A filter is an array of booleans, not a {selection_filter.__class__.__name__}")
    mask = asarray(selection_filter)
    if mask.type.id == t.Type_NA:
        mask = mask.cast(t.bool_())
    if mask.type.id != t.Type_BOOL:
        raise ArrowNotImplementedError(f"Filter argument must be boolean type, got {mask.type}: compare it, or cast it")
    if len(mask) != len(input):
        words = ("Filter inputs must all be the same length" if isinstance(input, (RecordBatch, Table)) else
                 "Arguments for execution of vector kernel function 'array_filter' must all be the same length")
        raise ArrowInvalid(f"{words}: {len(input)} and {len(mask)}")
    if isinstance(input, (RecordBatch, Table)):
        if isinstance(input, RecordBatch) and isinstance(mask, ChunkedArray):
            mask = mask.combine_chunks()
        if not input.num_columns:
            count = call("sum", (fill_null(mask, False),)).as_py() or 0
            return type(input)._make([], input.schema, count)
        return _tabular(input, lambda c: filter(c, mask, null_selection_behavior))
    options = {"null_selection_behavior": null_selection_behavior}
    if isinstance(input, ChunkedArray) or isinstance(mask, ChunkedArray):
        a = input._chunks if isinstance(input, ChunkedArray) else [input]
        b = mask._chunks if isinstance(mask, ChunkedArray) else [mask]
        parts = [_call_arrays("filter", [x, y], None, options) for x, y in aligned(a, b)]
        return make_chunked(parts or [input.slice(0, 0)] if isinstance(input, Array) else parts, input.type)
    return _call_arrays("filter", [input, mask], None, options)


def filter_rows(data, expression):
    """The rows of a batch or table for which an expression is true."""
    if isinstance(data, RecordBatch):
        return data.filter(expression._evaluate(data))
    batches = [b.filter(expression._evaluate(b)) for b in data.to_batches()]
    return Table.from_batches(batches, data.schema)


def take(data, indices, *, boundscheck=True, memory_pool=None):
    """The values (or rows) at the positions `indices`; a null position gives null."""
    indices = asarray(indices)
    if isinstance(indices, ChunkedArray) and not isinstance(data, (ChunkedArray, Table)):
        indices = indices.combine_chunks()
    if isinstance(data, (RecordBatch, Table)):
        return _tabular(data, lambda c: take(c, indices))
    values = data.combine_chunks() if isinstance(data, ChunkedArray) else data
    where = indices.combine_chunks() if isinstance(indices, ChunkedArray) else indices
    if where.type.id == t.Type_NA:
        where = where.cast(t.int64())
    result = _call_arrays("take", [values, where], None, None)
    return make_chunked([result], result.type) if isinstance(data, ChunkedArray) else result


def drop_null(input):
    """The values that are not null, or the rows without any null."""
    if not isinstance(input, (RecordBatch, Table)):
        return asarray(input).drop_null()
    mask = None
    for c in input._arrays():
        valid = c.is_valid()
        mask = valid if mask is None else call("and", (mask, valid))
    return input if mask is None else filter(input, mask)


def index(data, value, start=None, end=None, *, memory_pool=None):
    """The position of the first value equal to `value`, an Int64Scalar; -1 for none."""
    if not isinstance(value, Scalar):
        value = scalar(value, type=data.type)
    start = start or 0
    part = data.slice(start, None if end is None else max(0, end - start))
    places = call("indices_nonzero", (call("equal", (part, value)),))
    return scalar(places[0].as_py() + start if len(places) else -1, type=t.int64())


def is_in(values, value_set, skip_nulls=False):
    """For each value whether it is among `value_set`."""
    values = argument(values)
    value_set = asarray(value_set)
    if value_set.type != values.type:
        value_set = value_set.cast(values.type)
    if isinstance(value_set, ChunkedArray):
        value_set = value_set.combine_chunks()
    return _with_set("is_in", values, value_set, skip_nulls)


def index_in(values, value_set, skip_nulls=False):
    """For each value its position in `value_set`, null when it is not there."""
    values = argument(values)
    value_set = asarray(value_set, values.type)
    return _with_set("index_in", values, value_set, skip_nulls)


def _with_set(name, values, value_set, skip_nulls):
    options = {"skip_nulls": skip_nulls}
    if isinstance(values, ChunkedArray):
        parts = [_call_arrays(name, [c, value_set], None, options) for c in values._chunks]
        return make_chunked(parts, t.bool_() if name == "is_in" else t.int32())
    return _call_arrays(name, [values, value_set], None, options)


def array_sort_indices(array, order="ascending", null_placement="at_end"):
    """The positions that sort an array."""
    data = array.combine_chunks() if isinstance(array, ChunkedArray) else array
    return _call_arrays("array_sort_indices", [data], None, {"order": order, "null_placement": null_placement})


def sort_indices(input, sort_keys=(), null_placement=None):
    """The positions that sort an array, or the rows of a batch or table by (name, order) or (name, order, null placement)."""
    keys = sort_keys_of(sort_keys, null_placement)
    if isinstance(input, (Array, ChunkedArray)):
        _, order, placement = keys[0] if keys else ((), "ascending", null_placement or "at_end")
        return array_sort_indices(input, order, placement)
    if not keys:
        raise ArrowInvalid("Must specify one or more sort keys")
    # Sorting by the last key first, each sort stable, gives the order of all keys.
    order = None
    for path, direction, placement in reversed(keys):
        column = _column(input, path)
        column = column.combine_chunks() if isinstance(column, ChunkedArray) else column
        if order is not None:
            column = take(column, order)
        places = array_sort_indices(column, direction, placement)
        order = places if order is None else take(order, places)
    return order


def _column(data, path):
    """The column of a batch or table that names and positions lead to."""
    try:
        column = data.column(path[0])
        for step in path[1:]:
            column = call("struct_field", (column,), options={"indices": step})
        return column
    except (ArrowInvalid, LookupError):
        raise ArrowInvalid(f"Invalid sort key column: No match for {reference_text(path)} in columns "
                           f"{', '.join(data.column_names)}") from None


def field(*name_or_index):
    """An Expression for a column: its name or position, or a path of these into structs."""
    return Expression._field(name_or_index)


from ._expression import Expression  # noqa: E402  (expressions call functions of this module)
