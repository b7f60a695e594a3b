"""The functions that make data: array, nulls, record_batch, table and concatenations."""

from . import _abi, _metadata
from . import _types as t
from ._abi_capsules import Requested, device_array_of, is_array, is_stream
from ._array import Array, class_of, concatenate, nulls_of, wrap
from ._chunked import ChunkedArray, chunked_array, make_chunked
from ._errors import ArrowException, ArrowInvalid
from ._field import field
from ._nested_arrays import encoded_as
from ._schema import Schema, _make_schema, schema as make_schema, unify_schemas
from ._table import RecordBatch, Table

_lib = _abi.lib

# ---- arrays ----------------------------------------------------------------------------------------------------------


def array(obj, type=None, mask=None, size=None, from_pandas=None, safe=True, memory_pool=None):
    """An Array (or ChunkedArray) of a sequence, iterable, NumPy array, pandas Series or Arrow-like object.

    type: a DataType or its name; found out from the values when it is None. mask: booleans, true makes null.
    from_pandas: NaN is null; the default is true for pandas objects. safe: refuse what would lose data.
    Errors: ArrowInvalid for values that do not fit, ArrowTypeError for values of another type.
    """
    if type is not None and not isinstance(type, t.DataType):
        type = t.ensure_type(type)
    kind = obj.__class__
    if kind is list or kind is tuple:
        return _from_sequence(obj, type, mask, from_pandas, safe)
    if isinstance(obj, (Array, ChunkedArray)):
        return obj if type is None or obj.type == type else obj.cast(type, safe=safe)
    module = kind.__module__.partition(".")[0]
    if module == "numpy":
        from . import _numpy_in
        return _numpy_in.to_array(obj, type, mask, from_pandas, safe)
    if module == "pandas":
        from . import _pandas
        found = _pandas.array_from(obj, type, mask, from_pandas, safe)
        if found is not None:
            return found
    imported = _from_protocols(obj, type, safe)
    if imported is not None:
        if mask is not None or size is not None:
            raise ValueError("Cannot specify a mask or a size when passing an object that is converted with the "
                             "__arrow_array__ or __arrow_c_array__ protocols: mask or slice the result")
        return imported
    if hasattr(kind, "__array__") and not hasattr(kind, "__iter__"):
        import numpy as np
        return array(np.asarray(obj), type, mask, size, from_pandas, safe)
    return _from_sequence(_as_sequence(obj, size), type, mask, from_pandas, safe)


def _describe_batch(address):
    return Schema._from_handle(address), RecordBatch


def _describe_array(address):
    type = t._type_from_handle(_abi.SchemaHandle(address))
    return type, class_of(type)


_abi.native.configure(_abi.exception_of, _describe_batch, _describe_array)
_imported_batch, _imported_array = _abi.native.imported_batch, _abi.native.imported_array


def _from_protocols(obj, type, safe):
    """From `__arrow_c_array__`, `__arrow_c_stream__` or `__arrow_array__`, else None."""
    found = None
    if type is None:
        found = _imported_array(obj)
    elif hasattr(obj, "__arrow_c_array__"):
        found = _imported_array(Requested(obj, type.__arrow_c_schema__()))
    if found is not None:
        pass
    elif hasattr(obj, "__arrow_c_device_array__"):
        pointer, schema = device_array_of(obj, None if type is None else type.__arrow_c_schema__())
        found = wrap(pointer, t._type_from_handle(schema))
    elif is_stream(obj):
        found = chunked_array(obj, type=type)
    elif hasattr(obj, "__arrow_array__"):
        found = _one_chunk(obj.__arrow_array__(type=type), obj)
    else:
        return None
    return found if type is None or found.type == type else found.cast(type, safe=safe)


def _one_chunk(found, obj):
    """What `__arrow_array__` returned, as an Array where it is in one chunk."""
    if not isinstance(found, (Array, ChunkedArray)):
        if not hasattr(found, "__arrow_c_array__") and not is_stream(found):
            raise TypeError(f"The object's __arrow_array__ method does not return a martlet Array or ChunkedArray, but a "
                            f"{type(found).__name__} (the object is a {type(obj).__name__})")
        found = array(found)
    return found.chunks[0] if isinstance(found, ChunkedArray) and found.num_chunks == 1 else found


def _as_sequence(obj, size):
    if hasattr(obj, "__len__") and not isinstance(obj, (set, frozenset, dict)):
        if not isinstance(obj, (list, tuple)):
            obj = list(obj)
        return obj if size is None else obj[:size]
    if not hasattr(obj, "__iter__"):
        what = "object of type {!r} has no len()" if hasattr(obj, "__getitem__") else "{!r} object is not iterable"
        raise TypeError(what.format(type(obj).__name__) + ": an array is made of a sequence or iterable")
    if size is None:
        return list(obj)
    import itertools
    return list(itertools.islice(obj, size))


def _from_sequence(obj, type, mask, from_pandas, safe):
    if obj and hasattr(obj[0], "as_py"):
        obj, type = unwrapped(obj, type)
    if isinstance(type, t.DictionaryType):
        return encoded_as(_from_sequence(obj, type.value_type, mask, from_pandas, safe), type)
    if type is not None and type.id == t.Type_EXTENSION:
        type._check_items(obj)
    try:
        return _from_plain_sequence(obj, type, mask, from_pandas, safe)
    except (ArrowException, TypeError):
        # Scalars behind the first item are looked for only where they are in the way.
        if not any(hasattr(x, "as_py") for x in obj):
            raise
    return _from_plain_sequence(*unwrapped(obj, type), mask, from_pandas, safe)


def _from_plain_sequence(obj, type, mask, from_pandas, safe):
    count, options = 0, None
    if from_pandas or not safe:
        options, count = _abi.pack_options({"from_pandas": bool(from_pandas), "safe": bool(safe)})
    pointer = _abi.new(
        _lib.martlet_python_array_from_sequence, id(obj), None if mask is None else id(mask),
        None if type is None else type._handle, options, count)
    return wrap(pointer, type)


def unwrapped(items, type):
    """The Python values of items that are Scalars (of this library or another), and their type."""
    kinds = {x.type for x in items if isinstance(getattr(x, "type", None), t.DataType)} - {t.null()}
    if type is None:
        if len(kinds) > 1:
            raise ArrowInvalid(f"cannot mix scalars with different types: {', '.join(map(str, kinds))}; cast them to one")
        if any(x is not None and not hasattr(x, "as_py") for x in items):
            raise ArrowInvalid("martlet scalars cannot be mixed with other Python scalar values currently; call as_py() "
                               "on them, or give the type")
        type = kinds.pop() if kinds else None
    for kind in kinds:
        if kind != type and not (isinstance(type, t.DictionaryType) and kind == type.value_type):
            raise ArrowInvalid(f"Cannot append scalar of type {kind} to builder for type {type}; cast it first")
    return [x.as_py() if hasattr(x, "as_py") else x for x in items], type


def asarray(values, type=None):
    """An array as it is (cast if it must be), or made from values."""
    if isinstance(values, (Array, ChunkedArray)):
        type = t.ensure_type(type, allow_none=True)
        return values if type is None or values.type == type else values.cast(type)
    return array(values, type=type)


def infer_type(values, mask=None, from_pandas=False):
    """The type that `array(values)` would have."""
    return array(values, mask=mask, from_pandas=from_pandas).type


def nulls(size, type=None, memory_pool=None):
    """An array of `size` nulls."""
    if size < 0:
        raise ArrowInvalid(f"size is at least 0, not {size}")
    return nulls_of(t.null() if type is None else t.ensure_type(type), size)


def repeat(value, size, memory_pool=None):
    """An array of `size` times the same value."""
    from ._scalar import scalar
    one = value._array if hasattr(value, "_array") else scalar(value)._array
    return one.take(array([0] * size, type=t.int64()))


def arange(start, stop, step=1, *, memory_pool=None):
    """int64 numbers from `start` to before `stop`."""
    if step == 0:
        raise ArrowInvalid("Step must not be zero")
    return array(range(start, stop, step), type=t.int64())


def concat_arrays(arrays, memory_pool=None):
    """One array with the values of all, which have one type."""
    arrays = list(arrays)
    if not arrays:
        raise ArrowInvalid("Must pass at least one array")
    for a in arrays:
        if not isinstance(a, Array):
            raise TypeError(f"Iterable should contain Array objects, got {a.__class__} instead")
        if a.type != arrays[0].type:
            raise ArrowInvalid("arrays to be concatenated must be identically typed, but "
                               f"{arrays[0].type} and {a.type} were encountered.")
    return concatenate(arrays)


# ---- columns ---------------------------------------------------------------------------------------------------------


def in_column(problem, name):
    """The same kind of error whose text ends with the column and what helps."""
    text = str(problem)
    if "column " in text and repr(name) in text:
        return problem
    fix = ""
    if isinstance(problem, TypeError):
        fix = "; convert the values, or give the column a type that holds them"
    elif "lose data" in text or "truncated" in text or "not in range" in text:
        fix = "; choose a wider type, or pass safe=False where losing it is wanted"
    elif isinstance(problem, ValueError):
        fix = "; fix the value, or give the column a type that holds it"
    try:
        return problem.__class__(f"{text} (in column {name!r}{fix})")
    except Exception:
        return problem


def column_array(values, type, name, chunked=False):
    """`asarray` for a column: errors name it."""
    try:
        made = asarray(values, type)
    except (ArrowException, TypeError, ValueError) as problem:
        raise in_column(problem, name) from None
    if chunked:
        return made if isinstance(made, ChunkedArray) else make_chunked([made], made.type)
    return made.combine_chunks() if isinstance(made, ChunkedArray) else made


def as_schema(schema):
    """A Schema as it is or of a list of fields; None stays None."""
    if schema is None or isinstance(schema, Schema):
        return schema
    if isinstance(schema, dict):
        raise TypeError("Schema must be an instance of martlet.Schema, got dict: see martlet.schema")
    return make_schema(schema)


def checked_columns(arrays, names, schema, metadata, chunked):
    """Arrays (ChunkedArrays when `chunked`) and the schema of a batch or table."""
    if isinstance(arrays, (Array, ChunkedArray)) or not hasattr(arrays, "__len__"):
        arrays = list(arrays)
    if schema is not None:
        if names is not None:
            raise ValueError("Cannot pass both schema and names")
        if metadata is not None:
            raise ValueError("Cannot pass both schema and metadata")
        schema = as_schema(schema)
        if len(schema) != len(arrays):
            raise ValueError(f"Schema and number of arrays unequal: {len(schema)} fields, {len(arrays)} arrays")
        arrays = [column_array(a, f.type, f.name, chunked) for a, f in zip(arrays, schema)]
        return arrays, schema
    if names is None:
        if len(arrays):
            raise ValueError("Must pass names or schema when constructing Table or RecordBatch.")
        names = []
    names = list(names)
    if any(hasattr(n, "nullable") for n in names):
        return checked_columns(arrays, None, make_schema(names, metadata), None, chunked)
    if len(names) != len(arrays):
        raise ValueError(f"Length of names ({len(names)}) does not match length of arrays ({len(arrays)})")
    arrays = [column_array(a, None, n, chunked) for a, n in zip(arrays, names)]
    members = [field(n, a.type) for n, a in zip(names, arrays)]
    return arrays, _make_schema(members, _metadata.normalize(metadata))


def columns_from_dict(mapping, schema, metadata):
    """The arguments of `from_arrays` for a mapping of names to values."""
    if not hasattr(mapping, "keys"):
        raise TypeError(f"Expected a mapping of names to values, got {type(mapping).__name__}: see from_arrays")
    if schema is None:
        return list(mapping.values()), list(mapping.keys()), None, metadata
    schema = as_schema(schema)
    missing = [f.name for f in schema if f.name not in mapping and f.name.encode() not in mapping]
    if missing:
        raise KeyError("The passed mapping doesn't contain the following field(s) of the schema: " + ", ".join(missing))
    arrays = [mapping[f.name] if f.name in mapping else mapping[f.name.encode()] for f in schema]
    return arrays, None, schema, metadata


# ---- batches and tables ----------------------------------------------------------------------------------------------


def _is_frame(data):
    # Subclasses (of geopandas, say) count, without importing pandas for other data.
    return any(c.__name__ == "DataFrame" and c.__module__.partition(".")[0] == "pandas" for c in type(data).__mro__)


def _schema_in_second_place(names, schema):
    """`names` and `schema`, where a schema may have been given in the place of the names."""
    return (None, names) if isinstance(names, Schema) and schema is None else (names, schema)


def record_batch(data, names=None, schema=None, metadata=None):
    """A RecordBatch of a list of arrays or lists, a mapping, a pandas DataFrame or an Arrow-like object."""
    names, schema = _schema_in_second_place(names, schema)
    if names is None and not isinstance(data, (list, tuple, dict)):
        if schema is None:
            found = data if isinstance(data, RecordBatch) else _imported_batch(data)
            if found is not None:
                return found
        elif hasattr(data, "__arrow_c_array__"):
            return _batch_from_capsules(data, schema)
    if isinstance(data, (list, tuple)):
        return RecordBatch.from_arrays(data, names=names, schema=schema, metadata=metadata)
    if hasattr(data, "keys") and hasattr(data, "__getitem__") and not hasattr(data, "dtypes"):
        if names is not None:
            raise ValueError("The 'names' argument is not valid when passing a dictionary")
        return RecordBatch.from_pydict(data, schema=schema, metadata=metadata)
    if _is_frame(data):
        _refuse_beside_frame(names, metadata)
        return RecordBatch.from_pandas(data, schema=schema)
    if hasattr(data, "__arrow_c_device_array__"):
        return _batch_from_capsules(data, schema)
    if is_stream(data):
        batches = table(data, schema=schema).combine_chunks().to_batches()
        if len(batches) == 1:
            return batches[0]
        found = table(data, schema=schema).schema
        return RecordBatch.from_arrays([nulls_of(f.type, 0) for f in found], schema=found)
    raise TypeError("Expected pandas DataFrame or list of arrays")


def _refuse_beside_frame(names, metadata):
    if names is not None or metadata is not None:
        raise ValueError("The 'names' and 'metadata' arguments are not valid when passing a pandas DataFrame")


def _batch_from_capsules(data, schema):
    capsule = None if schema is None else schema.__arrow_c_schema__()
    batch = None
    if hasattr(data, "__arrow_c_array__"):
        batch = _imported_batch(data if capsule is None else Requested(data, capsule))
    if batch is None:
        pointer, found = device_array_of(data, capsule)
        batch = RecordBatch._from_pointer(pointer, Schema._from_handle(found))
    if schema is not None and not batch.schema.equals(schema):
        return batch.cast(schema)
    return batch


def table(data, names=None, schema=None, metadata=None, nthreads=None):
    """A Table of a mapping, a list of arrays or batches, a pandas DataFrame or an Arrow-like object."""
    names, schema = _schema_in_second_place(names, schema)
    if isinstance(data, (list, tuple)):
        if data and all(isinstance(x, RecordBatch) for x in data):
            return Table.from_batches(data, schema)
        return Table.from_arrays(data, names=names, schema=schema, metadata=metadata)
    if isinstance(data, Table) and schema is None and names is None:
        return data
    if _is_frame(data):
        _refuse_beside_frame(names, metadata)
        return Table.from_pandas(data, schema=schema, nthreads=nthreads)
    if is_stream(data):
        if names is not None or metadata is not None:
            raise ValueError("The 'names' and 'metadata' arguments are not valid when passing an Arrow stream")
        from ._reader import RecordBatchReader
        return RecordBatchReader.from_stream(data, schema).read_all()
    if is_array(data):
        return Table.from_batches([_batch_from_capsules(data, schema)])
    if hasattr(data, "keys") and hasattr(data, "__getitem__"):
        if names is not None:
            raise ValueError("The 'names' argument is not valid when passing a dictionary")
        return Table.from_pydict(data, schema=schema, metadata=metadata)
    raise TypeError("Expected pandas DataFrame, python dictionary or list of arrays")


def empty_table(schema):
    columns = [make_chunked([nulls_of(f.type, 0)], f.type) for f in schema]
    return Table._make(columns, schema, 0)


def concat_batches(recordbatches, memory_pool=None):
    """One RecordBatch with the rows of all, which have one schema."""
    batches = list(recordbatches)
    if not batches:
        raise ArrowInvalid("Must pass at least one recordbatch")
    first = batches[0].schema
    for i, b in enumerate(batches):
        if not b.schema.equals(first):
            raise ArrowInvalid(f"Schema of RecordBatch index {i} is {b.schema}, which does not match index 0 recordbatch "
                               f"schema: {first}")
    columns = [concatenate([b._arrays()[i] for b in batches]) for i in range(len(first))]
    return RecordBatch._make(columns, first, sum(b.num_rows for b in batches))


def concat_tables(tables, memory_pool=None, promote_options="none", **kwargs):
    """One Table with the rows of all; no copy.

    promote_options: "none": schemas must be equal; "default": columns that a table lacks are null there; "permissive":
    types are also widened.
    """
    if "promote" in kwargs:
        import warnings
        warnings.warn("promote has been superseded by promote_options='default'.", FutureWarning, stacklevel=2)
        promote_options = "default" if kwargs["promote"] else "none"
    tables = list(tables)
    if not tables:
        raise ArrowInvalid("Must pass at least one table")
    if promote_options not in ("none", "default", "permissive"):
        raise ValueError(f"Invalid promote_options: {promote_options}")
    first = tables[0].schema
    if promote_options == "none":
        for i, x in enumerate(tables):
            if x.schema is not first and not x.schema.equals(first):
                raise ArrowInvalid(f"Schema at index {i} was different: \n{first}\nvs\n{x.schema}")
    else:
        first = unify_schemas([x.schema for x in tables], promote_options=promote_options)
        tables = [_promoted(x, first) for x in tables]
    columns = [
        make_chunked([c for x in tables for c in x._arrays()[i]._chunks], f.type) for i, f in enumerate(first)
    ]
    return Table._make(columns, first, sum(x.num_rows for x in tables))


def _promoted(data, schema):
    """The table with exactly the columns of `schema`."""
    columns = []
    for f in schema:
        place = data.schema.get_field_index(f.name)
        if place < 0:
            columns.append(make_chunked([nulls_of(f.type, data.num_rows)], f.type))
        else:
            column = data._arrays()[place]
            columns.append(column if column.type == f.type else column.cast(f.type))
    return Table._make(columns, schema, data.num_rows)
