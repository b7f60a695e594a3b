"""pandas out, without pyarrow (which pandas itself may keep its strings in)."""

import numpy as np
import pandas as pd

from . import _numpy
from . import _types as t
from ._array import concatenate
from ._chunked import ChunkedArray, make_chunked
from ._errors import ArrowInvalid
from ._pandas import generated_number

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
    return pd.Series(values, dtype=dtype, copy=False, name=getattr(data, "_name", None))


_STRINGS = frozenset((t.Type_STRING, t.Type_LARGE_STRING))
_TEXTS = _STRINGS | {t.Type_BINARY, t.Type_LARGE_BINARY, t.Type_STRING_VIEW, t.Type_BINARY_VIEW}


def column_values(data, options, dtype=None):
    """An ndarray or pandas extension array of an Array or ChunkedArray; `dtype` is an extension dtype wished for."""
    chunks = data._chunks if isinstance(data, ChunkedArray) else [data]
    chunks = [c for c in chunks if len(c)] or chunks[:1] or [data.combine_chunks()]
    if dtype is not None:
        return _extension_values(chunks, dtype, data)
    if data.type.id in _numpy._INDIRECT:
        if options["zero_copy_only"] and data.type.id != t.Type_EXTENSION:
            raise _numpy._refused(len(chunks), data.null_count)
        if type(data.type).__name__ == "UuidType":
            values = np.empty(sum(len(c) for c in chunks), dtype=object)
            values[:] = [x for c in chunks for x in c.to_pylist()]
            return values
        if data.type.id == t.Type_EXTENSION:
            from . import _pandas_extensions
            if _pandas_extensions.name_of(data.type):
                return _pandas_extensions.to_pandas(chunks, data.type)
            own = data.type.to_pandas_dtype()
            if hasattr(own, "__from_arrow__"):
                masked = _is_masked(own.construct_array_type())
                return _extension_values([c.storage for c in chunks] if masked else chunks, own, data)
        chunks = [_numpy.plain(c) for c in chunks]
    kind = chunks[0].type
    if kind.id in _STRINGS and not options["zero_copy_only"] and not options["types_mapper"]:
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
        values = _nanoseconds(values, kind, options["safe"])
    return values


def _nanoseconds(values, kind, safe):
    """Moments and durations in nanoseconds. Errors: ArrowInvalid for what does not fit, unless it may overflow."""
    result = values.astype(f"{values.dtype.kind}8[ns]")
    if safe:
        wrong = np.flatnonzero((result.astype(values.dtype) != values) & ~np.isnat(values))
        if len(wrong):
            raise ArrowInvalid(f"Casting from {kind} to nanoseconds would result in out of bounds timestamp: "
                               f"{values.view('i8')[wrong[0]]} (row {wrong[0]}); pass coerce_temporal_nanoseconds=False")
    return result


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
    categories = pd.Index(categories) if len(values) else pd.Index([], dtype=_numpy._copy_dtype(values.type, False))
    codes = []
    for c in unified:
        indices = c.indices
        missing = _numpy.null_mask(indices)
        places = _numpy.checked_places(indices, missing, len(values))
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
    if isinstance(dtype, (pd.PeriodDtype, pd.IntervalDtype)):
        from . import _pandas_extensions
        if _pandas_extensions.name_of(data.type):
            return _pandas_extensions.to_pandas(chunks, data.type)
        if isinstance(dtype, pd.PeriodDtype):
            return _pandas_extensions.periods(chunks, dtype)
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
        columns = [(f, _in_zone(f, data, notes)) for f, data in columns if f.name not in gone]
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


def _in_zone(f, data, notes):
    """The column in the time zone that pandas' metadata has for it: older files have no other word of zones."""
    note = notes.get(f.name) or {}
    zone = (note.get("metadata") or {}).get("timezone") if note.get("pandas_type") == "datetimetz" else None
    if f.type.id != t.Type_TIMESTAMP or not zone or zone == f.type.tz:
        return data
    return data.cast(t.timestamp("ns", zone))


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
            if logical == descriptor and generated_number(descriptor) is not None:
                logical = None
            f = table.schema.field(place)
            data = _in_zone(f, table._arrays()[place], notes)
            level = column_values(data, options, _wished_dtype(f, notes, options))
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
    index = pd.Index(values, name=described[0]["name"] if described else None,
                     dtype="str" if described and not values and described[0].get("numpy_type") == "str" else None)
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
