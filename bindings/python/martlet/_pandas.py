"""pandas in and out, without pyarrow."""

import json

import numpy as np
import pandas as pd

from . import _abi, _numpy
from . import _types as t
from ._array import Array, DictionaryArray, concatenate
from ._chunked import ChunkedArray, make_chunked
from ._errors import ArrowException, ArrowInvalid, ArrowNotImplementedError, ArrowTypeError
from ._field import field
from ._schema import _make_schema

# ---- one column in ---------------------------------------------------------------------------------------------------


def array_from(values, type, mask, from_pandas, safe):
    """An Array of a Series, Index, Categorical or other extension array; None for objects of other kinds."""
    if isinstance(values, (pd.Series, pd.Index)):
        if from_pandas is None:
            from_pandas = True
        if isinstance(mask, pd.Series):
            mask = mask.to_numpy()
        if isinstance(values, pd.MultiIndex):
            raise TypeError("a MultiIndex has several columns: convert each of its levels")
        values = values.array if not isinstance(values.dtype, np.dtype) else values.to_numpy()
        if isinstance(values, np.ndarray):
            return _numpy.to_array(values, type, mask, from_pandas, safe)
    if isinstance(values, pd.DataFrame):
        raise TypeError("a DataFrame has several columns: use Table.from_pandas")
    if not isinstance(values, pd.api.extensions.ExtensionArray):
        return None
    return _from_extension(values, type, mask, from_pandas, safe)


def _from_extension(values, type, mask, from_pandas, safe):
    if isinstance(values, pd.Categorical):
        return _from_categorical(values, type, mask, safe)
    if isinstance(values.dtype, pd.SparseDtype):
        raise TypeError("Sparse pandas data is not supported: call .sparse.to_dense() first")
    if hasattr(values, "_pa_array"):
        return _from_arrow_memory(values, type, mask, safe)
    if hasattr(values, "_mask") and hasattr(values, "_data"):  # Int64, Float64, boolean
        nulls = values._mask if mask is None else values._mask | mask
        return _numpy.to_array(values._data, type, nulls, False, safe)
    if isinstance(values, (pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray)):
        moments = values.to_numpy(dtype=f"M8[{values.unit}]" if values.dtype.kind == "M" else None)
        if getattr(values, "tz", None) is not None:
            moments = values.asi8.view(f"M8[{values.unit}]")
            zone = t.timestamp(values.unit, values.tz)
            if type is None or (type.id == t.Type_TIMESTAMP and type.tz is None):
                type = type or zone
            made = _numpy.to_array(moments, zone, mask, True, safe)
            return made if made.type == type else made.cast(type, safe=safe)
        return _numpy.to_array(moments, type, mask, True, safe)
    if isinstance(values.dtype, pd.StringDtype):
        return _numpy.to_array(values.to_numpy(dtype=object), type or t.large_string(), mask, True, safe)
    if isinstance(values.dtype, (pd.PeriodDtype, pd.IntervalDtype)):
        raise ArrowNotImplementedError(
            f"pandas values of dtype {values.dtype} have no Arrow type: convert them to timestamps or strings")
    return _numpy.to_array(np.asarray(values), type, mask, True, safe)


def _from_arrow_memory(values, type, mask, safe):
    """The Arrow memory behind pandas' strings, shared."""
    from ._chunked import chunked_array
    made = chunked_array(values._pa_array)
    if mask is not None:
        return _numpy.to_array(np.asarray(values, dtype=object), type or made.type, mask, True, safe)
    if type is not None and made.type != type:
        made = made.cast(type, safe=safe)
    return made.chunks[0] if made.num_chunks == 1 else made.combine_chunks()


def _from_categorical(values, type, mask, safe):
    from ._builders import array
    missing = values.codes < 0
    if mask is not None:
        missing = missing | mask
    if type is not None and not isinstance(type, t.DictionaryType):
        decoded = _from_categorical(values, None, mask, safe).dictionary_decode()
        return decoded if decoded.type == type else decoded.cast(type, safe=safe)
    index_type = None if type is None else type.index_type
    indices = array(np.where(missing, 0, values.codes).astype(values.codes.dtype),
                    mask=missing if missing.any() else None, type=index_type)
    categories = array(values.categories, type=None if type is None else type.value_type)
    if isinstance(categories, ChunkedArray):
        categories = categories.combine_chunks()
    return DictionaryArray.from_arrays(indices, categories, ordered=values.ordered, safe=False)


# ---- a frame in ------------------------------------------------------------------------------------------------------


def columns_from_frame(df, schema, preserve_index, columns, safe, chunked):
    """The columns of a DataFrame, its schema with pandas' metadata, and the number of rows."""
    if not isinstance(df, pd.DataFrame):
        raise TypeError(f"Expected a pandas DataFrame, got {type(df).__name__}")
    if not df.columns.is_unique:
        raise ValueError(f"Duplicate column names found: {list(df.columns)}")
    if schema is not None and columns is not None:
        raise ValueError("Schema and columns arguments are mutually exclusive, pass only one of them")
    picked, levels, descriptors = (
        _picked_by_schema(df, schema, preserve_index) if schema is not None
        else _picked(df, preserve_index, columns))
    arrays, members, notes = [], [], []
    for name, logical, values, wanted in picked + [(n, v.name, v, w) for n, v, w in levels]:
        made = _converted(name, values, wanted, safe)
        if chunked:
            made = make_chunked([made], made.type)
        arrays.append(made)
        members.append(wanted or field(name, made.type))
        notes.append(_column_note(values, _text_name(logical), name, made.type))
    if schema is not None:
        order = {f.name: i for i, f in enumerate(members)}
        arrays, members = [arrays[order[n]] for n in schema.names], [members[order[n]] for n in schema.names]
    pairs = dict(schema._pairs or {}) if schema is not None else {}
    pairs[b"pandas"] = _frame_note(df, notes, len(picked), descriptors, preserve_index)
    return arrays, _make_schema(members, pairs), len(df)


def schema_from_pandas(df, preserve_index):
    """The schema that the table of a DataFrame has."""
    return columns_from_frame(df, None, preserve_index, None, True, False)[1]


def _picked(df, preserve_index, columns):
    """(field name, logical name, values, None) of the columns, (name, values, None) of index levels, descriptors."""
    names = df.columns if columns is None else [c for c in columns if c in df.columns]
    picked = [(str(_text_name(name)), name, df[name], None) for name in names]
    taken = [p[0] for p in picked]
    levels, descriptors = [], []
    if preserve_index is False:
        return picked, levels, descriptors
    for i in range(df.index.nlevels):
        level = df.index.get_level_values(i)
        if isinstance(level, pd.RangeIndex) and preserve_index is None:
            descriptors.append({"kind": "range", "name": _plain_name(level.name), "start": level.start,
                                "stop": level.stop, "step": level.step})
            continue
        name = _level_name(level.name, i, taken)
        taken.append(name)
        levels.append((name, level, None))
        descriptors.append(name)
    return picked, levels, descriptors


def _picked_by_schema(df, schema, preserve_index):
    """As `_picked`, with the columns and levels that a schema names."""
    picked, levels, descriptors = [], [], []
    for f in schema:
        if f.name in df.columns:
            picked.append((f.name, f.name, df[f.name], f))
            continue
        level = _index_level(df, f.name)
        if level is None:
            raise KeyError(f"name '{f.name}' present in the specified schema is not found in the columns or index")
        if preserve_index is False:
            raise ValueError(f"name '{f.name}' present in the specified schema corresponds to the index, but "
                             "'preserve_index=False' was specified")
        if preserve_index is None and isinstance(level, pd.RangeIndex):
            raise ValueError(f"name '{f.name}' is present in the schema, but it is a RangeIndex which will not be "
                             "converted as a column in the Table, but saved as metadata-only not in columns. Specify "
                             "'preserve_index=True' to force it being added as a column, or remove it from the "
                             "specified schema")
        levels.append((f.name, level, f))
        descriptors.append(f.name)
    return picked, levels, descriptors


def _index_level(df, name):
    if name in df.index.names:
        return df.index.get_level_values(name)
    number = _generated_number(name)
    if number is not None and number < df.index.nlevels:
        return df.index.get_level_values(number)
    return None


def _generated_number(name):
    """The number in `__index_level_<number>__`, else None."""
    if isinstance(name, str) and name.startswith("__index_level_") and name.endswith("__"):
        digits = name[14:-2]
        return int(digits) if digits.isdigit() else None
    return None


def _level_name(name, i, taken):
    if name is not None and name not in taken:
        return str(_text_name(name))
    while f"__index_level_{i}__" in taken:
        i += 1
    return f"__index_level_{i}__"


def _converted(name, values, wanted, safe):
    """The Array of a column; errors name it."""
    from ._builders import array
    kind = None if wanted is None else wanted.type
    try:
        made = array(values, type=kind, from_pandas=True, safe=safe)
    except (ArrowException, TypeError) as problem:
        fix = ""
        if "lose data" in str(problem) or "truncated" in str(problem) or "not in range" in str(problem):
            fix = "; give the column a type that holds its values, or pass safe=False where losing it is wanted"
        text = f"Conversion failed for column {name} with type {values.dtype}"
        problem.args = (f"{problem} ({text}{fix})",)
        raise
    if isinstance(made, ChunkedArray):
        made = made.combine_chunks()
    if wanted is not None and not wanted.nullable and made.null_count:
        raise ValueError(f"Field {wanted} was non-nullable but pandas column had {made.null_count} null values")
    return made


# ---- pandas' metadata ------------------------------------------------------------------------------------------------

_LOGICAL = {
    t.Type_NA: "empty", t.Type_BOOL: "bool", t.Type_INT8: "int8", t.Type_INT16: "int16", t.Type_INT32: "int32",
    t.Type_INT64: "int64", t.Type_UINT8: "uint8", t.Type_UINT16: "uint16", t.Type_UINT32: "uint32",
    t.Type_UINT64: "uint64", t.Type_HALF_FLOAT: "float16", t.Type_FLOAT: "float32", t.Type_DOUBLE: "float64",
    t.Type_DATE32: "date", t.Type_DATE64: "date", t.Type_TIME32: "time", t.Type_TIME64: "time",
    t.Type_BINARY: "bytes", t.Type_FIXED_SIZE_BINARY: "bytes", t.Type_STRING: "unicode",
    t.Type_DICTIONARY: "categorical", t.Type_DECIMAL128: "decimal",
}


def _logical_type(type):
    """The name that pandas' metadata has for a type."""
    if type.id == t.Type_TIMESTAMP:
        return "datetimetz" if type.tz else "datetime"
    if type.id == t.Type_LIST:
        return f"list[{_logical_type(type.value_type)}]"
    return _LOGICAL.get(type.id, "object")


def _text_name(name):
    """A column's name as text; tuples as the text of a tuple of texts, None as None."""
    if isinstance(name, str) or name is None:
        return name
    if isinstance(name, bytes):
        return name.decode("utf-8")
    if isinstance(name, tuple):
        return str(tuple(map(_text_name, name)))
    if isinstance(name, float) and np.isnan(name):
        return None
    return str(name)


def _plain_name(name):
    try:
        json.dumps(name)
        return name
    except TypeError:
        return str(name)


def _dtype_note(values):
    """The text of a dtype as pandas' metadata has it, and what is noted beside it."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        codes = values.cat.codes if isinstance(values, pd.Series) else values.codes
        return str(codes.dtype), {"num_categories": len(dtype.categories), "ordered": bool(dtype.ordered)}
    if isinstance(dtype, pd.DatetimeTZDtype):
        return f"datetime64[{dtype.unit}]", {"timezone": t.tzinfo_to_string(dtype.tz)}
    return str(dtype), None


def _column_note(values, name, field_name, type):
    text, extra = _dtype_note(values)
    if type.id == t.Type_DECIMAL128:
        text, extra = "object", {"precision": type.precision, "scale": type.scale}
    return {"name": name, "field_name": field_name, "pandas_type": _logical_type(type), "numpy_type": text,
            "metadata": extra}


def _level_note(level, name):
    """The note on one level of the columns' index."""
    text, extra = _dtype_note(level)
    if isinstance(level.dtype, pd.DatetimeTZDtype):
        kind = "datetimetz"
    elif isinstance(level.dtype, np.dtype) and level.dtype.kind in "biuf" or text.startswith("datetime64"):
        kind = text
    else:
        kind = pd.api.types.infer_dtype(level)
        kind = "unicode" if kind == "string" else kind
        if "mixed" in kind:
            import warnings
            warnings.warn("The DataFrame has column names of mixed type. They will be converted to strings and not "
                          "roundtrip correctly.", UserWarning, stacklevel=6)
    if kind == "unicode":
        extra = {"encoding": "UTF-8"}
    return {"name": _plain_name(name), "field_name": _plain_name(name), "pandas_type": kind, "numpy_type": text,
            "metadata": extra}


def _frame_note(df, notes, column_count, descriptors, preserve_index):
    """The JSON under the metadata key "pandas"."""
    from . import __version__
    column_indexes = []
    if preserve_index is False:
        notes, descriptors = notes[:column_count], []
    else:
        levels = getattr(df.columns, "levels", [df.columns])
        column_indexes = [_level_note(level, name) for level, name in zip(levels, df.columns.names)]
    attributes = df.attrs
    try:
        json.dumps(attributes)
    except (TypeError, ValueError) as problem:
        import warnings
        warnings.warn(f"Could not serialize pd.DataFrame.attrs: {problem}, defaulting to empty attributes.", UserWarning)
        attributes = {}
    return json.dumps({
        "index_columns": descriptors, "column_indexes": column_indexes, "columns": notes, "attributes": attributes,
        "creator": {"library": "martlet", "version": __version__}, "pandas_version": pd.__version__,
    }).encode("utf-8")


# ---- one column out --------------------------------------------------------------------------------------------------


def series_from_array(data, options):
    """What `Array.to_pandas` and `ChunkedArray.to_pandas` return."""
    if options["strings_to_categorical"] and data.type.id in _TEXTS:
        data = data.dictionary_encode()
    mapper = options["types_mapper"]
    dtype = mapper(data.type) if mapper else None
    values = column_values(data, options, dtype)
    # Objects stay objects: pandas would make timestamps of datetimes.
    dtype = object if isinstance(values, np.ndarray) and values.dtype == object else None
    return pd.Series(values, dtype=dtype, copy=False)


_STRINGS = frozenset((t.Type_STRING, t.Type_LARGE_STRING))
_TEXTS = _STRINGS | {t.Type_BINARY, t.Type_LARGE_BINARY}


def column_values(data, options, dtype=None):
    """An ndarray or pandas extension array of an Array or ChunkedArray; `dtype` is an extension dtype wished for."""
    chunks = data._chunks if isinstance(data, ChunkedArray) else [data]
    chunks = [c for c in chunks if len(c)] or chunks[:1] or [data.combine_chunks()]
    if dtype is not None:
        return _extension_values(chunks, dtype, data)
    kind = data.type
    if kind.id in _STRINGS and not options["zero_copy_only"]:
        return _extension_values(chunks, pd.StringDtype(na_value=np.nan), data)
    if kind.id == t.Type_DICTIONARY:
        return _categorical(chunks, options)
    if kind.id == t.Type_TIMESTAMP and kind.tz and (kind.unit == "ns" or not options["timestamp_as_object"]):
        return _zoned(chunks, kind, options)
    return plain_values(chunks, options)


def plain_values(chunks, options):
    """An ndarray; with one chunk without nulls a view of its memory."""
    kind, nulls = chunks[0].type, any(c.null_count for c in chunks)
    if options["zero_copy_only"]:
        if len(chunks) > 1:
            raise _numpy._refused(len(chunks), sum(c.null_count for c in chunks))
        return _numpy.from_array(chunks[0], True)
    if kind.id in (t.Type_DATE32, t.Type_DATE64):
        if options["date_as_object"]:
            return _object_values(chunks, options)
        values = _numpy.gathered(chunks).astype("M8[ms]")
    elif kind.id == t.Type_TIMESTAMP and options["timestamp_as_object"] and kind.unit != "ns":
        return _object_values(chunks, options)
    elif nulls and options["integer_object_nulls"] and t.Type_UINT8 <= kind.id <= t.Type_INT64:
        return _object_values(chunks, options)
    elif _numpy._copy_dtype(kind, nulls) == object and kind.id != t.Type_BOOL:
        return _object_values(chunks, options)
    elif len(chunks) == 1:
        values = _numpy.from_array(chunks[0], False)
    else:
        values = _numpy.gathered(chunks)
    if options["coerce_temporal_nanoseconds"] and values.dtype.kind in "mM":
        values = values.astype(f"{values.dtype.kind}8[ns]")
    return values


_EXACT = frozenset((t.Type_DATE32, t.Type_DATE64, t.Type_TIMESTAMP)) | frozenset(
    range(t.Type_UINT8, t.Type_INT64 + 1))


def _object_values(chunks, options):
    """Python objects; None for nulls."""
    if chunks[0].type.id not in _EXACT:
        return _numpy.all_objects(chunks, options.get("maps_as_pydicts"))
    result = np.empty(sum(len(c) for c in chunks), dtype=object)
    result[:] = [x for c in chunks for x in c.to_pylist()]
    return result


def _zoned(chunks, kind, options):
    """Moments with a time zone."""
    values = plain_values(chunks, options)
    unit = np.datetime_data(values.dtype)[0]
    dtype = pd.DatetimeTZDtype(unit, t.string_to_tzinfo(kind.tz))
    return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(dtype.tz)._data


def _categorical(chunks, options):
    """Codes and categories."""
    unified = make_chunked(chunks, chunks[0].type).unify_dictionaries()._chunks
    kind = unified[0].type
    values = unified[0].dictionary
    categories = column_values(values, {**options, "zero_copy_only": False})
    categories = pd.Index(categories) if len(values) else pd.Index([], dtype=object)
    codes = []
    for c in unified:
        indices = c.indices
        missing = _numpy.null_mask(indices)
        places = _numpy.values_view(indices, _numpy.dtype_of(indices.type))
        if places.dtype.kind == "u":
            if places.dtype.itemsize == 8 or len(categories) > np.iinfo(f"i{places.dtype.itemsize}").max:
                places = places.astype("i8")
            else:
                places = places.astype(f"i{places.dtype.itemsize}")
        codes.append(places if missing is None else np.where(missing, -1, places).astype(places.dtype))
    codes = codes[0] if len(codes) == 1 else np.concatenate(codes)
    if not categories.is_unique or categories.hasnans:
        # pandas wants distinct categories without missing ones.
        spots, distinct = pd.factorize(categories)
        codes = np.where(codes < 0, -1, spots.take(codes)) if len(spots) else codes
        categories = pd.Index(distinct)
    return pd.Categorical.from_codes(codes, categories=categories, ordered=bool(kind.ordered), validate=False)


def _extension_values(chunks, dtype, data):
    """A pandas extension array of `dtype`."""
    if isinstance(dtype, pd.StringDtype):
        return _string_values(chunks, dtype)
    cls = dtype.construct_array_type()
    if hasattr(dtype, "numpy_dtype") and issubclass(cls, pd.api.extensions.ExtensionArray) and hasattr(
            cls, "_from_sequence") and cls.__module__.startswith("pandas.core.arrays.") and not isinstance(
            dtype, pd.CategoricalDtype) and hasattr(dtype, "_is_numeric") and _is_masked(cls):
        return _masked_values(chunks, dtype, cls)
    if isinstance(dtype, pd.DatetimeTZDtype):
        whole = concatenate(chunks)
        values = _numpy.copied(whole, whole.null_count > 0).astype(f"M8[{dtype.unit}]")
        return pd.DatetimeIndex(values).tz_localize("UTC").tz_convert(dtype.tz)._data
    if hasattr(dtype, "pyarrow_dtype") or not cls.__module__.startswith("pandas."):
        source = data if isinstance(data, ChunkedArray) else make_chunked(chunks, data.type)
        return dtype.__from_arrow__(_foreign(source))
    whole = concatenate(chunks)
    return cls._from_sequence(_numpy.objects(whole) if whole.type.id not in _numpy._DTYPES else whole.to_pylist(), dtype=dtype)


def _is_masked(cls):
    return any(base.__name__ == "BaseMaskedArray" for base in cls.__mro__)


def _masked_values(chunks, dtype, cls):
    """pandas' nullable numbers and booleans: values and a mask."""
    whole = concatenate(chunks)
    wanted = np.dtype(dtype.numpy_dtype)
    if wanted.kind == "b":
        if whole.type.id != t.Type_BOOL:
            whole = whole.cast(t.bool_())
        values = _numpy.boolean_values(whole)
    else:
        kind = _numpy.from_numpy_dtype(wanted)
        if whole.type != kind:
            whole = whole.cast(kind)
        values = _numpy.values_view(whole, wanted).copy()
    missing = _numpy.null_mask(whole)
    if missing is None:
        missing = np.zeros(len(whole), dtype=bool)
    values[missing] = np.ones((), values.dtype)
    return cls(values, missing)


def _string_values(chunks, dtype):
    """pandas' strings: over shared Arrow memory where pandas keeps them so, else Python texts."""
    if dtype.storage == "pyarrow":
        return dtype.__from_arrow__(_foreign(make_chunked(chunks, chunks[0].type)))
    parts = [_numpy.objects(c) for c in chunks]
    values = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return dtype.construct_array_type()._from_sequence(values, dtype=dtype)


def _foreign(chunked):
    """The library that pandas keeps its own Arrow memory with takes ours over, without a copy."""
    import pyarrow
    return pyarrow.chunked_array(chunked)


# ---- a frame out -----------------------------------------------------------------------------------------------------


def frame_from_table(table, options):
    """What `Table.to_pandas` and `RecordBatch.to_pandas` return."""
    note = None if options["ignore_metadata"] else table.schema.pandas_metadata
    columns = list(zip(table.schema, table._arrays()))
    notes = {}
    attributes = {}
    if note:
        notes = {c.get("field_name") or c["name"]: c for c in note["columns"]}
        attributes = note.get("attributes") or {}
        index, gone = _index_from(note, table, notes, options)
        columns = [pair for pair in columns if pair[0].name not in gone]
    else:
        index = pd.RangeIndex(table.num_rows)
    if options["split_blocks"] or options["zero_copy_only"]:
        blocks = _split_blocks(columns, notes, options)
    else:
        blocks = _merged_blocks(columns, notes, options, table.num_rows)
    names = _column_index([f.name for f, _ in columns], note, notes)
    frame = _frame_from_blocks(blocks, index, names)
    frame.attrs = attributes
    return frame


def _frame_from_blocks(blocks, index, names):
    try:
        from pandas.api.internals import create_dataframe_from_blocks
    except ImportError:
        made = {}
        for values, places in blocks:
            for row, place in enumerate(places):
                made[place] = values[row] if values.ndim == 2 else values
        frame = pd.DataFrame({i: made[i] for i in sorted(made)}, index=index, copy=False)
        frame.columns = names
        return frame
    return create_dataframe_from_blocks(blocks, index=index, columns=names)


def _wished_dtype(f, notes, options):
    """The extension dtype that a mapper or pandas' metadata wishes for a column, else None."""
    mapper = options["types_mapper"]
    if mapper:
        found = mapper(f.type)
        if found is not None:
            return found
    text = (notes.get(f.name) or {}).get("numpy_type")
    if text is None or text == "object" or text.startswith(("int", "uint", "float", "bool", "datetime64", "timedelta64")):
        if text != "boolean":
            return None
    try:
        dtype = pd.api.types.pandas_dtype(text)
    except TypeError:
        return None
    if isinstance(dtype, pd.StringDtype):
        categorical = options["strings_to_categorical"] or f.name in (options["categories"] or ())
        return None if categorical or f.type.id == t.Type_DICTIONARY else dtype
    return dtype if isinstance(dtype, pd.api.extensions.ExtensionDtype) and hasattr(dtype, "__from_arrow__") else None


def _prepared(f, data, options):
    """Texts as categories, where that is wished."""
    if f.name in (options["categories"] or ()) or (options["strings_to_categorical"] and f.type.id in _TEXTS):
        return data if f.type.id == t.Type_DICTIONARY else data.dictionary_encode()
    return data


def _split_blocks(columns, notes, options):
    """A block a column, views of the engine's memory where that is possible."""
    blocks = []
    for i, (f, data) in enumerate(columns):
        values = column_values(_prepared(f, data, options), options, _wished_dtype(f, notes, options))
        if isinstance(values, np.ndarray):
            values = values.reshape(1, -1)
        blocks.append((values, np.array([i], dtype=np.intp)))
    return blocks


def _merged_blocks(columns, notes, options, num_rows):
    """A two-dimensional block for all columns of one NumPy dtype, an own block for each extension array."""
    blocks, groups = [], {}
    for i, (f, data) in enumerate(columns):
        data = _prepared(f, data, options)
        wished = _wished_dtype(f, notes, options)
        dtype = None if wished is not None else _direct_dtype(data)
        if dtype is not None:
            groups.setdefault(dtype, []).append((i, data, None))
            continue
        values = column_values(data, options, wished)
        if isinstance(values, np.ndarray):
            groups.setdefault(values.dtype, []).append((i, data, values))
        else:
            blocks.append((values, np.array([i], dtype=np.intp)))
    for dtype, members in groups.items():
        places = np.array([m[0] for m in members], dtype=np.intp)
        if len(members) == 1 and members[0][2] is not None and members[0][2].flags.writeable:
            blocks.append((members[0][2].reshape(1, -1), places))
            continue
        block = np.empty((len(members), num_rows), dtype=dtype)
        for row, (_, data, values) in zip(block, members):
            if values is None:
                _fill_direct(row, data, dtype)
            else:
                row[:] = values
        blocks.append((block, places))
    return blocks


def _direct_dtype(data):
    """The dtype of numbers without nulls, which go straight into their block; None for all others."""
    dtype = _numpy._DTYPES.get(data.type.id)
    return None if dtype is None or data.null_count else dtype


def _fill_direct(row, data, dtype):
    start = 0
    for c in data._chunks if isinstance(data, ChunkedArray) else [data]:
        row[start:start + len(c)] = _numpy.values_view(c, dtype)
        start += len(c)


def _index_from(note, table, notes, options):
    """The index that pandas' metadata tells of, and the names of the columns that it took."""
    levels, names, gone = [], [], []
    for descriptor in note["index_columns"]:
        if isinstance(descriptor, str):
            place = table.schema.get_field_index(descriptor)
            if place < 0:
                continue
            logical = notes[descriptor]["name"] if descriptor in notes else descriptor
            if logical == descriptor and _generated_number(descriptor) is not None:
                logical = None
            f = table.schema.field(place)
            level = column_values(table._arrays()[place], options, _wished_dtype(f, notes, options))
            levels.append(level)
            gone.append(descriptor)
            names.append(logical)
        elif descriptor.get("kind") == "range":
            level = pd.RangeIndex(descriptor["start"], descriptor["stop"], step=descriptor["step"],
                                  name=descriptor["name"])
            if len(level) == table.num_rows:
                levels.append(level)
                names.append(descriptor["name"])
        else:
            raise ValueError(f"Unrecognized index kind: {descriptor.get('kind')}")
    if len(levels) > 1:
        return pd.MultiIndex.from_arrays(levels, names=names), gone
    if not levels:
        return pd.RangeIndex(table.num_rows), gone
    index = levels[0] if isinstance(levels[0], pd.Index) else pd.Index(levels[0], name=names[0])
    return index, gone


def _column_index(field_names, note, notes):
    """The columns' index: names as pandas had them, with their types."""
    described = (note or {}).get("column_indexes") or []
    values = [notes[n]["name"] if n in notes else n for n in field_names]
    if len(described) > 1:
        import ast
        index = pd.MultiIndex.from_tuples([ast.literal_eval(v) for v in values], names=[d["name"] for d in described])
        levels = [_level_as(level, d) for level, d in zip(index.levels, described)]
        return pd.MultiIndex(levels, index.codes, names=index.names)
    index = pd.Index(values, name=described[0]["name"] if described else None)
    return _level_as(index, described[0]) if described else index


_LEVEL_TYPES = {
    "date": "datetime64[s]", "datetime": "datetime64[ns]", "integer": "int64", "floating": "float64", "boolean": "bool",
}


def _level_as(level, described):
    """A level of the columns' index with the type that pandas' metadata tells."""
    kind, wanted = described.get("pandas_type") or "", described.get("numpy_type")
    if kind in ("unicode", "string", "empty", "object") or "mixed" in kind or wanted is None:
        return level
    if kind == "bytes":
        return level.map(lambda x: x.encode("utf-8"))
    if kind == "datetimetz":
        zone = t.string_to_tzinfo((described.get("metadata") or {}).get("timezone", "UTC"))
        return pd.to_datetime(level, utc=True).tz_convert(zone).as_unit(np.datetime_data(wanted)[0])
    if kind == "decimal":
        import decimal
        return pd.Index([decimal.Decimal(x) for x in level], name=level.name)
    kind = _LEVEL_TYPES.get(kind, kind)
    if str(level.dtype) != kind:
        level = level.astype(kind)
    return level if str(level.dtype) == wanted else level.astype(wanted)
