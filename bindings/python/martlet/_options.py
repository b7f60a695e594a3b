"""The options of functions as classes, with pyarrow's names, defaults and texts.

An object holds its options as attributes, checked. `_options` has them as the engine reads them.
"""

import operator

from . import _types as t
from ._errors import ArrowInvalid, ArrowNotImplementedError

_CLASSES = """
ArraySortOptions: order='ascending', *, null_placement='at_end'
AssumeTimezoneOptions: timezone, *, ambiguous='raise', nonexistent='raise'
CountOptions: mode='only_valid'
CumulativeOptions: start=None, *, skip_nulls=False
CumulativeSumOptions: start=None, *, skip_nulls=False
DayOfWeekOptions: *, count_from_zero=True, week_start=1
DictionaryEncodeOptions: null_encoding='mask'
ElementWiseAggregateOptions: *, skip_nulls=True
ExtractRegexOptions: pattern
ExtractRegexSpanOptions: pattern
FilterOptions: null_selection_behavior='drop'
IndexOptions: value
InversePermutationOptions: max_index=-1, output_type=None
JoinOptions: null_handling='emit_null', null_replacement=''
ListFlattenOptions: recursive=False
ListSliceOptions: start, stop=None, step=1, return_fixed_size_list=None
MakeStructOptions: field_names=(), *, field_nullability=None, field_metadata=None
MapLookupOptions: query_key, occurrence
MatchSubstringOptions: pattern, *, ignore_case=False
ModeOptions: n=1, *, skip_nulls=True, min_count=0
NullOptions: *, nan_is_null=False
PadOptions: width, padding=' ', lean_left_on_odd_padding=True
PairwiseOptions: period=1
PartitionNthOptions: pivot, *, null_placement='at_end'
PivotWiderOptions: key_names, *, unexpected_key_behavior='ignore'
QuantileOptions: q=0.5, *, interpolation='linear', skip_nulls=True, min_count=0
RandomOptions: *, initializer='system'
RankOptions: sort_keys='ascending', *, null_placement=None, tiebreaker='first'
RankQuantileOptions: sort_keys='ascending', *, null_placement=None
ReplaceSliceOptions: start, stop, replacement
ReplaceSubstringOptions: pattern, replacement, *, max_replacements=None
RoundBinaryOptions: round_mode='half_to_even'
RoundOptions: ndigits=0, round_mode='half_to_even'
RoundTemporalOptions: multiple=1, unit='day', *, week_starts_monday=True, ceil_is_strictly_greater=False, \
calendar_based_origin=False
RoundToMultipleOptions: multiple=1.0, round_mode='half_to_even'
RunEndEncodeOptions: run_end_type=int32
ScalarAggregateOptions: *, skip_nulls=True, min_count=1
ScatterOptions: max_index=-1
SearchSortedOptions: side='left'
SelectKOptions: k, sort_keys
SetLookupOptions: value_set, *, skip_nulls=False
SkewOptions: *, skip_nulls=True, biased=True, min_count=0
SliceOptions: start, stop=None, step=1
SortOptions: sort_keys=(), *, null_placement=None
SplitOptions: *, max_splits=None, reverse=False
SplitPatternOptions: pattern, *, max_splits=None, reverse=False
StrftimeOptions: format='%Y-%m-%dT%H:%M:%S', locale='C'
StrptimeOptions: format, unit, error_is_null=False
StructFieldOptions: indices
TDigestOptions: q=0.5, *, delta=100, buffer_size=500, skip_nulls=True, min_count=0
TakeOptions: *, boundscheck=True
TrimOptions: characters
Utf8NormalizeOptions: form
VarianceOptions: *, ddof=0, skip_nulls=True, min_count=0
WeekOptions: *, week_starts_monday=True, count_from_zero=False, first_week_is_fully_in_year=False
WinsorizeOptions: lower_limit, upper_limit
ZeroFillOptions: width, padding='0'
"""
PARAMETERS = dict(line.split(": ", 1) for line in _CLASSES.strip().splitlines())

# Options that are one of some words: what pyarrow calls them, the words, and what is shown for those that are not shown
# in capitals.
_CHOICES = {
    "order": "sort order|ascending=Ascending descending=Descending",
    "null_placement": "null placement|at_start=AtStart at_end=AtEnd",
    "tiebreaker": "tiebreaker|min=Min max=Max first=First dense=Dense",
    "side": "search sorted side|left=Left right=Right",
    "mode": "count mode|only_valid=NON_NULL only_null=NULLS all",
    "null_encoding": "null encoding|mask encode",
    "null_selection_behavior": "null selection behavior|drop emit_null",
    "null_handling": "null handling|emit_null skip replace",
    "occurrence": "Should either be first, last, or all|first last all",
    "interpolation": "quantile interpolation|linear lower higher nearest midpoint",
    "round_mode": "round mode|down up towards_zero towards_infinity half_down half_up half_towards_zero "
                  "half_towards_infinity half_to_even half_to_odd",
    "unit": "Calendar unit|nanosecond microsecond millisecond second minute hour day week month quarter year",
    "StrptimeOptions.unit": "time unit|s=SECOND ms=MILLI us=MICRO ns=NANO",
    "ambiguous": "'ambiguous' timestamp handling|" + " ".join(
        f"{word}=AMBIGUOUS_{word.upper()}" for word in ("raise", "earliest", "latest")),
    "nonexistent": "'nonexistent' timestamp handling|" + " ".join(
        f"{word}=NONEXISTENT_{word.upper()}" for word in ("raise", "earliest", "latest")),
    "form": "Unicode normalization form|NFC NFKC NFD NFKD",
    "unexpected_key_behavior": "behavior for unexpected keys|ignore=kIgnore raise=kRaise",
}


def _choices(name, kind):
    words, _, values = (_CHOICES.get(f"{kind}.{name}") or _CHOICES.get(name, "")).partition("|")
    return words, dict(value.split("=") if "=" in value else (value, value.upper()) for value in values.split())


def _choice(value, name, kind):
    words, shown = _choices(name, kind)
    if value not in shown:
        if name == "unexpected_key_behavior":
            raise ValueError(f"Unsupported value for {name}: expected 'ignore' or 'raise', got {value!r}")
        raise ValueError(f'"{value}" is not a valid {words}; expected {", ".join(shown)}')
    return value


def _integer(value, *_):
    try:
        return operator.index(value.as_py() if hasattr(value, "as_py") else value)
    except TypeError:
        if isinstance(value, float) and value == value and abs(value) != float("inf"):
            return int(value)
        raise TypeError(f"an integer is required, got {value!r}") from None


def _text(value, name, *_):
    if not isinstance(value, (str, bytes)):
        raise TypeError(f"expected bytes, {type(value).__name__} found: {name} is a text")
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value


def _number(value, name, *_):
    if hasattr(value, "as_py"):
        value = value.as_py()
    if not hasattr(value, "__float__"):
        raise TypeError(f"must be real number, not {type(value).__name__}: {name}")
    return float(value)


def _numbers(value, name, *_):
    many = isinstance(value, (list, tuple)) or getattr(value, "ndim", 0)
    return [_number(one, name) for one in (value if many else [value])]


def _scalar(value, *_):
    from ._scalar import Scalar, scalar
    return value if value is None or isinstance(value, Scalar) else scalar(value)


def _multiple(value, name, kind):
    if kind != "RoundToMultipleOptions":
        return _integer(value)
    from ._scalar import Scalar
    number = value.as_py() if isinstance(value, Scalar) else value
    if isinstance(number, type) or not hasattr(number, "__float__") or not -(2**64) < number < 2**64:
        raise TypeError(f'"{value}" is not a valid multiple type for RoundToMultipleOptions')
    return _scalar(value)


def _value_set(value, *_):
    from ._builders import asarray
    if isinstance(value, (str, bytes)) or hasattr(value, "as_py") or not hasattr(value, "__len__"):
        raise TypeError(f'"{value}" is not a valid value set: pass an array')
    value = asarray(value)
    return value.combine_chunks() if hasattr(value, "chunks") else value


def _initializer(value, *_):
    if value != "system" and not isinstance(value, int):
        try:
            return hash(value)
        except TypeError:
            raise TypeError(f"initializer should be 'system', an integer, or a hashable object; got {value!r}") from None
    return value


def _start(value, name, kind):
    return _scalar(value) if kind.startswith("Cumulative") else _integer(value)


def field_path(value):
    """The names and positions that lead to a field: those of an Expression, a name, a path `.a.b`, a position or several."""
    from ._expression import Expression
    if isinstance(value, Expression) and value._rebuild[0] == "field":
        return tuple(value._rebuild[1])
    if isinstance(value, (str, bytes)):
        value = _text(value, "indices")
        if not value.startswith((".", "[")):
            return (value,)
        steps = value.replace("[", ".[").split(".")
        return tuple(int(s[1:-1]) if s.startswith("[") else s for s in steps if s)
    if isinstance(value, (list, tuple)):
        return tuple(one if isinstance(one, int) else _text(one, "indices") for one in value)
    try:
        return (operator.index(value),)
    except TypeError:
        raise TypeError("Expected a field reference as a str or int, list of str or int, or Expression. "
                        f"Got {type(value)} instead.") from None


def sort_keys_of(keys, null_placement=None):
    """Sort keys as (path, order, null placement), whatever the user gave; `null_placement` counts more than theirs."""
    if isinstance(keys, str):
        keys = [("", keys)]
    if null_placement is not None:
        _choice(null_placement, "null_placement", "")
    made = []
    for key in keys:
        name, order, *rest = key if isinstance(key, (list, tuple)) else (key, "ascending")
        placement = null_placement or (rest[0] if rest else "at_end")
        made.append((field_path(name), _choice(order, "order", ""), _choice(placement, "null_placement", "")))
    return made


def _list(value, *_):
    return None if value is None else list(value)


def _metadata(value, *_):
    from ._metadata import KeyValueMetadata
    return None if value is None else [KeyValueMetadata(one) for one in value]


def _names(value, name, *_):
    return [_text(one, name) for one in value]


def _bool(value, *_):
    return value if value is None else bool(value)


_CHECKS = {name: check for names, check in [
    ("ndigits n min_count width period pivot k step max_index ddof delta buffer_size week_start", _integer),
    ("pattern characters padding replacement null_replacement format locale timezone", _text),
    ("count_from_zero skip_nulls recursive ignore_case nan_is_null lean_left_on_odd_padding week_starts_monday "
     "ceil_is_strictly_greater calendar_based_origin biased reverse error_is_null boundscheck return_fixed_size_list "
     "first_week_is_fully_in_year", _bool),
    ("lower_limit upper_limit", _number), ("q", _numbers), ("start", _start), ("query_key value", _scalar),
    ("multiple", _multiple), ("value_set", _value_set), ("initializer", _initializer), ("field_names key_names", _names),
    ("field_nullability", _list), ("field_metadata", _metadata), ("run_end_type", lambda value, *_: t.ensure_type(value)),
    ("output_type target_type", lambda value, *_: t.ensure_type(value, allow_none=True)),
    ("stop", lambda value, *_: None if value is None else _integer(value)),
    ("max_splits max_replacements", lambda value, *_: -1 if value is None else _integer(value)),
    ("indices", lambda value, *_: field_path(value)), (" ".join(n for n in _CHOICES if "." not in n), _choice),
] for name in names.split()}


class FunctionOptions:
    """What all classes of options have in common: equality, texts and `serialize`."""

    def _set(self, given):
        """Takes the arguments of `__init__` as attributes. Errors: TypeError and ValueError for what is none of its kind."""
        del given["self"]
        if "sort_keys" in given:
            placement = given.pop("null_placement", None)
            given["sort_keys"] = sort_keys_of(given["sort_keys"], placement)
            if placement and not given["sort_keys"]:
                given["null_placement"] = placement
        kind = type(self).__name__
        for name, value in given.items():
            check = _CHECKS.get(name)
            self.__dict__[name] = check(value, name, kind) if check else value

    @property
    def _options(self):
        options = dict(self.__dict__)
        keys = options.get("sort_keys")
        if keys is not None:
            options["sort_keys"] = ",".join(f"{'.'.join(map(str, path))}:{order}" for path, order, _ in keys)
            if keys:
                options["null_placement"] = keys[0][2]
        if "field_names" in options:
            options["field_names"] = "".join("\x1f" + name for name in options["field_names"]) or None
            if any(options.pop("field_metadata") or ()):
                raise ArrowNotImplementedError("make_struct: field_metadata; cast the result to a type that has it")
        if "indices" in options:
            options["indices"] = ",".join(map(str, options["indices"]))
        return options

    def __eq__(self, other):
        if not isinstance(other, FunctionOptions):
            return NotImplemented
        return self._kind == other._kind and vars(self) == vars(other)

    __hash__ = None

    def __repr__(self):
        kind = type(self).__name__
        hidden = {"SortOptions": "null_placement", "StrftimeOptions": "locale"}.get(kind)
        return f"{kind}({', '.join(_shown(name, value, kind) for name, value in vars(self).items() if name != hidden)})"

    def serialize(self):
        """The options as a Buffer for `FunctionOptions.deserialize`: an IPC stream with one row."""
        import json

        from ._array import Array, nulls_of
        from ._builders import array
        from ._field import field
        from ._io import BufferOutputStream
        from ._list_arrays import ListArray
        from ._schema import schema
        from ._table import RecordBatch
        from .ipc import new_stream
        fields, columns = [], []
        for name, value in vars(self).items():
            if hasattr(value, "as_py"):
                kind, column = "scalar", value._array
            elif isinstance(value, t.DataType):
                kind, column = "type", nulls_of(value, 1)
            elif isinstance(value, Array):
                kind, column = "array", ListArray.from_arrays(array([0, len(value)], "int32"), value)
            else:
                kind, column = "json", array([json.dumps(value, default=_texts)])
            fields.append(field(name, column.type, metadata={"kind": kind}))
            columns.append(column)
        batch = RecordBatch.from_arrays(
            columns or [nulls_of(t.null(), 1)],
            schema=schema(fields or [field("", "null")], metadata={"options": self._kind}))
        sink = BufferOutputStream()
        with new_stream(sink, batch.schema) as writer:
            writer.write(batch)
        return sink.getvalue()

    @staticmethod
    def deserialize(buf):
        """The options in a Buffer from `serialize`. Errors: TypeError for no Buffer, ArrowInvalid for other bytes."""
        import json

        from ._buffer import Buffer
        from .ipc import open_stream
        if not isinstance(buf, Buffer):
            raise TypeError(f"Argument 'buf' has incorrect type (expected Buffer, got {type(buf).__name__})")
        batch = next(iter(open_stream(buf)), None)
        if batch is None:
            raise ArrowInvalid("Deserializing FunctionOptions failed: an empty stream; serialize() makes them")
        kind = CLASSES.get(((batch.schema.metadata or {}).get(b"options") or b"").decode())
        if kind is None or batch.num_rows != 1:
            raise ArrowInvalid("Deserializing FunctionOptions failed: the bytes hold no options; serialize() makes them")
        values = {}
        for one, column in zip(batch.schema, batch.columns):
            how = (one.metadata or {}).get(b"kind")
            if how:
                values[one.name] = {b"scalar": lambda c: c[0], b"type": lambda c: c.type, b"array": lambda c: c[0].values,
                                    b"json": lambda c: json.loads(c[0].as_py())}[how](column)
        return kind(**values)


def _texts(metadata):
    return {key.decode(): value.decode() for key, value in metadata.items()}


class CastOptions(FunctionOptions):
    """What casts may lose; `CastOptions.safe(type)` nothing, `CastOptions.unsafe(type)` everything."""

    _kind = "CastOptions"

    def __init__(self, target_type=None, *, allow_int_overflow=None, allow_time_truncate=None, allow_time_overflow=None,
                 allow_decimal_truncate=None, allow_float_truncate=None, allow_invalid_utf8=None):
        self._set(locals())

    @staticmethod
    def safe(target_type=None):
        return CastOptions(target_type)

    @staticmethod
    def unsafe(target_type=None):
        made = CastOptions(target_type)
        made.__dict__.update((name, True) for name in made._options)
        return made

    def is_safe(self):
        return not any(self._options.values())

    @property
    def _options(self):
        return {name: value for name, value in vars(self).items() if name != "target_type"}


def _text_of(value, name, kind):
    if isinstance(value, str):
        shown = _choices(name, kind)[1] if name in _CHOICES else {}
        return shown.get(value, f'"{value}"')
    if value is None:
        return "<NULLPTR>" if name == "target_type" else "false" if kind == "CastOptions" else "nullopt"
    if isinstance(value, bool):
        return str(int(value)) if name == "return_fixed_size_list" else str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return f"[{', '.join(_text_of(one, '', kind) for one in value)}]"
    if hasattr(value, "items"):
        return "KeyValueMetadata{%s}" % ", ".join(f"{k.decode()}:{v.decode()}" for k, v in value.items())
    if hasattr(value, "type"):
        return f"{value.type}:{value}"
    return str(value)


def reference_text(path):
    """A path of names and positions as pyarrow prints it."""
    if all(isinstance(step, int) for step in path):
        return f"FieldRef.FieldPath({' '.join(map(str, path)) or 'empty'})"
    texts = [f"FieldRef.FieldPath({step})" if isinstance(step, int) else f"FieldRef.Name({step})" for step in path]
    return texts[0] if len(texts) == 1 else f"FieldRef.Nested({' '.join(texts)})"


_NAMES = {"target_type": "to_type", "null_encoding": "null_encoding_behavior", "period": "periods", "indices": "field_ref"}


def _shown(name, value, kind):
    if name == "sort_keys":
        value = ", ".join(
            f"{reference_text(path)} {order[:-6].upper()} NULLS {'LAST' if placement == 'at_end' else 'FIRST'}"
            for path, order, placement in value)
        return f"sort_keys=[{value}]"
    if name == "indices":
        return f"field_ref={reference_text(value)}"
    if name == "skip_nulls" and kind == "SetLookupOptions":
        return f"null_matching_behavior={'SKIP' if value else 'MATCH'}"
    return f"{_NAMES.get(name, name)}={_text_of(value, name, kind)}"


def _made():
    """The classes of `PARAMETERS`, whose constructors have signatures of their own."""
    source = "".join(
        f"def {name}(self, {parameters}):\n    self._set(locals())\n" for name, parameters in PARAMETERS.items())
    made = {"int32": t.int32()}
    exec(source, made)
    for name in PARAMETERS:
        init = made[name]
        init.__name__, init.__qualname__ = "__init__", f"{name}.__init__"
        yield name, type(name, (FunctionOptions,), {
            "__init__": init, "__module__": f"{__package__}.compute",
            "_kind": name.replace("SumOptions", "Options"),  # CumulativeSumOptions is an older name
            "__doc__": "Options of functions, for their `options` argument."})


CLASSES = {**dict(_made()), "CastOptions": CastOptions}
