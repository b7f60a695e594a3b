"""pandas in, without pyarrow; what goes out is in `_pandas_out`."""

import json

import numpy as np
import pandas as pd

from . import _numpy_in
from . import _types as t
from ._array_classes import DictionaryArray
from ._chunked import ChunkedArray, make_chunked
from ._errors import ArrowException
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
            return _numpy_in.to_array(values, type, mask, from_pandas, safe)
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
        return _numpy_in.to_array(values._data, type, nulls, False, safe)
    if isinstance(values, (pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray)):
        moments = values.to_numpy(dtype=f"M8[{values.unit}]" if values.dtype.kind == "M" else None)
        if getattr(values, "tz", None) is not None:
            moments = values.asi8.view(f"M8[{values.unit}]")
            zone = t.timestamp(values.unit, values.tz)
            if type is None or (type.id == t.Type_TIMESTAMP and type.tz is None):
                type = type or zone
            made = _numpy_in.to_array(moments, zone, mask, True, safe)
            return made if made.type == type else made.cast(type, safe=safe)
        return _numpy_in.to_array(moments, type, mask, True, safe)
    if isinstance(values.dtype, pd.StringDtype):
        return _numpy_in.to_array(values.to_numpy(dtype=object), type or t.large_string(), mask, True, safe)
    if isinstance(values.dtype, (pd.PeriodDtype, pd.IntervalDtype)):
        from . import _pandas_extensions
        made = _pandas_extensions.to_arrow(values)
        return made if type is None or made.type == type else made.storage.cast(type, safe=safe)
    return _numpy_in.to_array(np.asarray(values), type, mask, True, safe)


def _from_arrow_memory(values, type, mask, safe):
    """The Arrow memory behind pandas' strings, shared."""
    from ._chunked import chunked_array
    made = chunked_array(values._pa_array)
    if mask is not None:
        return _numpy_in.to_array(np.asarray(values, dtype=object), type or made.type, mask, True, safe)
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
    if type is not None and bool(type.ordered) != bool(values.ordered):
        raise ValueError(f"The 'ordered' flag of the passed categorical values does not match that of the specified type: "
                         f"{values.ordered} and {type.ordered}")
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
    number = generated_number(name)
    if number is not None and number < df.index.nlevels:
        return df.index.get_level_values(number)
    return None


def generated_number(name):
    """The number in `__index_level_<number>__`, else None."""
    if isinstance(name, str) and name.startswith("__index_level_") and name.endswith("__"):
        digits = name[14:-2]
        return int(digits) if digits.isdigit() else None
    return None


def _level_name(name, i, taken):
    if name is not None and name not in taken:
        if not isinstance(name, str):
            import warnings
            warnings.warn(f"The DataFrame has non-str index name `{name}` which will be converted to string and not "
                          "roundtrip correctly.", UserWarning, stacklevel=6)
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
    t.Type_DICTIONARY: "categorical", t.Type_DECIMAL32: "decimal", t.Type_DECIMAL64: "decimal",
    t.Type_DECIMAL128: "decimal", t.Type_DECIMAL256: "decimal",
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
    if _LOGICAL.get(type.id) == "decimal":
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
