"""The functions of `compute`: what they take, how they are called, and functions as values."""

from . import _compute
from ._errors import ArrowException, ArrowInvalid, ArrowKeyError, ArrowNotImplementedError
from ._expression import Expression
from ._options import CLASSES, PARAMETERS, FunctionOptions

# Functions by the names of their arguments (* for any number of them) and the class of their options. Those that are not
# here take `strings` where their name says so and `values` otherwise; checked ones take what the unchecked take.
_SIGNATURES = {
    "x": """abs acos acosh asin asinh atan atanh bit_wise_not ceil cos cosh floor ln log10 log1p log2 negate sign sin sinh
        sqrt tan tanh trunc""",
    "x y": """add and and_kleene and_not and_not_kleene bit_wise_and bit_wise_or bit_wise_xor equal greater greater_equal
        hypot less less_equal multiply not_equal or or_kleene shift_left shift_right subtract xor""",
    "y x": "atan2",
    "x b": "logb",
    "base exponent": "power",
    "dividend divisor": "divide modulo remainder",
    "exponent": "exp expm1",
    "x RoundOptions": "round",
    "x RoundToMultipleOptions": "round_to_multiple",
    "x s RoundBinaryOptions": "round_binary",
    "array": "run_end_decode unique value_counts",
    "array ScalarAggregateOptions": "all any approximate_median first first_last last max mean min min_max product sum",
    "array VarianceOptions": "stddev variance",
    "array SkewOptions": "kurtosis skew",
    "array CountOptions": "count count_distinct",
    "array DictionaryEncodeOptions": "dictionary_encode",
    "array ArraySortOptions": "array_sort_indices",
    "array PartitionNthOptions": "partition_nth_indices",
    "array QuantileOptions": "quantile",
    "array TDigestOptions": "tdigest",
    "array WinsorizeOptions": "winsorize",
    "array ModeOptions": "mode",
    "array RunEndEncodeOptions": "run_end_encode",
    "array selection_filter FilterOptions": "array_filter",
    "array indices TakeOptions": "array_take take",
    "input": "drop_null",
    "input selection_filter FilterOptions": "filter",
    "input RankOptions": "rank",
    "input RankQuantileOptions": "rank_normal rank_quantile",
    "input SelectKOptions": "select_k_unstable",
    "input SortOptions": "sort_indices",
    "input PairwiseOptions": "pairwise_diff",
    "pivot_keys pivot_values PivotWiderOptions": "pivot_wider",
    "indices InversePermutationOptions": "inverse_permutation",
    "values indices ScatterOptions": "scatter",
    "values needles SearchSortedOptions": "search_sorted",
    "values mask replacements": "replace_with_mask",
    "values fill_value": "fill_null",
    "values value_set": "index_in_meta_binary is_in_meta_binary",
    "values SetLookupOptions": "index_in is_in",
    "values NullOptions": "is_null",
    "values StructFieldOptions": "struct_field",
    "values CumulativeOptions": "cumulative_max cumulative_mean cumulative_min cumulative_prod cumulative_sum",
    "values WeekOptions": "week",
    "values DayOfWeekOptions": "day_of_week",
    "values IndexOptions": "index",
    "start end": " ".join(f"{unit}_between" for unit in """day_time_interval days hours microseconds milliseconds minutes
        month_day_nano_interval month_interval nanoseconds quarters seconds years""".split()),
    "start end DayOfWeekOptions": "weeks_between",
    "timestamps StrftimeOptions": "strftime",
    "timestamps RoundTemporalOptions": "ceil_temporal floor_temporal round_temporal",
    "timestamps AssumeTimezoneOptions": "assume_timezone",
    "cond left right": "if_else",
    "cond *cases": "case_when",
    "indices *values": "choose",
    "*values": "coalesce",
    "*args ElementWiseAggregateOptions": "max_element_wise min_element_wise",
    "*args MakeStructOptions": "make_struct",
    "*strings JoinOptions": "binary_join_element_wise",
    "container MapLookupOptions": "map_lookup",
    "dictionary_array": "dictionary_decode",
    "lists": "list_parent_indices list_value_length",
    "lists index": "list_element",
    "lists ListFlattenOptions": "list_flatten",
    "lists ListSliceOptions": "list_slice",
    "strings num_repeats": "binary_repeat",
    "strings separator": "binary_join",
    "strings PadOptions": "ascii_center ascii_lpad ascii_rpad utf8_center utf8_lpad utf8_rpad",
    "strings ZeroFillOptions": "utf8_zero_fill utf8_zfill",
    "strings SplitOptions": "ascii_split_whitespace utf8_split_whitespace",
    "strings TrimOptions": "ascii_ltrim ascii_rtrim ascii_trim utf8_ltrim utf8_rtrim utf8_trim",
    "strings Utf8NormalizeOptions": "utf8_normalize",
    "strings StrptimeOptions": "strptime",
    "strings MatchSubstringOptions": """count_substring count_substring_regex ends_with find_substring
        find_substring_regex match_like match_substring match_substring_regex starts_with""",
    "strings SplitPatternOptions": "split_pattern split_pattern_regex",
    "strings ExtractRegexOptions": "extract_regex",
    "strings ExtractRegexSpanOptions": "extract_regex_span",
    "strings ReplaceSubstringOptions": "replace_substring replace_substring_regex",
    "strings ReplaceSliceOptions": "binary_replace_slice utf8_replace_slice",
    "strings SliceOptions": "binary_slice utf8_slice_codeunits",
    " RandomOptions": "random", "": "count_all",
}
_KINDS = {
    "scalar_aggregate": """
        all any approximate_median count count_all count_distinct first first_last index kurtosis last max mean min min_max
        pivot_wider product skew stddev sum tdigest variance""",
    "vector": """
        array_filter array_sort_indices array_take cumulative_max cumulative_mean cumulative_min cumulative_prod
        cumulative_prod_checked cumulative_sum cumulative_sum_checked dictionary_encode fill_null_backward
        fill_null_forward indices_nonzero inverse_permutation list_flatten mode pairwise_diff pairwise_diff_checked
        partition_nth_indices quantile replace_with_mask reverse run_end_decode run_end_encode unique value_counts
        winsorize""",
    "meta": """
        cast dictionary_decode drop_null filter index_in_meta_binary is_in_meta_binary list_parent_indices rank
        rank_normal rank_quantile scatter search_sorted select_k_unstable sort_indices take""",
    "hash_aggregate": " ".join("hash_" + name for name in """
        all any approximate_median count count_all count_distinct distinct first first_last kurtosis last list max mean min
        min_max one pivot_wider product skew stddev sum tdigest variance""".split()),
}
_KINDS = {name: kind for kind, names in _KINDS.items() for name in names.split()}


class Shape:
    """What a function takes: the names of its arguments, how many (Ellipsis: any number), and its class of options."""

    def __init__(self, words):
        *names, kind = words if words and words[-1].endswith("Options") else (*words, None)
        self.names, self.kind, self.options = names, kind, CLASSES.get(kind)
        self.arity = ... if any(name.startswith("*") for name in names) else len(names)
        self.least = len(names) - (self.arity is ...)
        # The PivotWiderOptions of no keys are what that function has without any.
        self.needs_options = kind in PARAMETERS and kind != "PivotWiderOptions" and not (
            "*" == PARAMETERS[kind][0] or "=" in PARAMETERS[kind].split(", ")[0])

    def signature(self):
        """The parameters as Python writes them: arguments, options, `options` and `memory_pool`."""
        parts = [name for name in self.names if name[0] != "*"]
        parts += ["/"] * bool(parts) + [name for name in self.names if name[0] == "*"]
        options = PARAMETERS[self.kind].split(", ") + ["options=None"] if self.kind else []
        if self.arity is ...:
            options = [one for one in options if one != "*"]
        elif "*" not in options:
            options.insert(-1, "*") if options else options.append("*")
        return ", ".join([*parts, *options, "memory_pool=None"])


def _shapes():
    """What each function takes, by its name."""
    shapes = {
        name: shape for words, names in _SIGNATURES.items() for shape in [Shape(words.split())] for name in names.split()}
    strings, values = Shape(["strings"]), Shape(["values"])
    for name in _compute.list_functions():
        shapes.setdefault(name, shapes.get(name.removesuffix("_checked")) or (
            strings if name.startswith(("ascii_", "utf8_", "binary_", "string_")) else values))
    del shapes["cast"]  # it takes a type besides
    return shapes


SHAPES = _shapes()
# What this package puts together from several calls, or reads in its own way: by names of functions.
IMPLEMENTED = {}


def options_of(name, options, shape):
    """Options as an object of the function's class. Errors: TypeError for those of another function."""
    if options is None or shape is None:
        return None
    if shape.options is None:
        if options:
            raise TypeError(f"Function {name!r} takes no options, got {options!r}")
        return None
    if hasattr(options, "items"):
        return shape.options(**options)
    if not isinstance(options, shape.options) and options._kind != shape.options._kind:
        raise TypeError(f"Function {name!r} expected a {shape.options} parameter, got {type(options)}")
    return options


def run(name, arguments, options):
    """Calls a function with arguments of the right number and an object of options or None."""
    if any(isinstance(one, Expression) for one in arguments):
        return _expression(name, arguments, options)
    own = IMPLEMENTED.get(name)
    if own is None:
        return _compute.call(name, arguments, options=options and options._options)
    return own(*map(_compute.argument, arguments), **(vars(options) if options else {}))


def _expression(name, arguments, options):
    try:
        arguments = [Expression._of(one) for one in arguments]
    except (ArrowException, TypeError, ValueError):
        raise TypeError("only other expressions allowed as arguments: expressions, scalars and what scalars are made of") \
            from None
    if name in ("is_in", "index_in") and options is not None:
        return Expression._call(
            name, arguments, value_set=options.value_set, options={"skip_nulls": True} if options.skip_nulls else None)
    if name == "map_lookup" and options is not None:
        return Expression._call(name, [*arguments, options.query_key], options={"occurrence": options.occurrence})
    return Expression._call(name, arguments, options=options and options._options)


def make_function(name, engine_name, signature):
    """The function of a module by a name: arguments in order, options after them or by name, or as `options`."""
    shape = SHAPES[engine_name]
    least, arity = shape.least, shape.arity

    def function(*arguments, memory_pool=None, **named):
        count = len(arguments)
        if count < least or (shape.options is None and count != arity is not ...):
            raise TypeError(f"{name} takes {least} positional argument(s), but {count} were given")
        if shape.options is None:
            if named:
                raise TypeError(f"{name}() got an unexpected keyword argument {[*named][0]!r}")
            return run(engine_name, arguments, None)
        options = named.pop("options", None)
        more = arguments[arity:] if arity is not ... else ()
        if more or named:
            if options is not None:
                raise TypeError(f"Function {name!r} called with both an 'options' argument and additional arguments")
            options = shape.options(*more, **named)
        elif options is None:
            _check_needed(name, shape)
        else:
            options = options_of(name, options, shape)
        return run(engine_name, arguments[:arity] if more else arguments, options)

    function.__name__ = function.__qualname__ = name
    function.__module__, function.__wrapped__ = f"{__package__}.compute", signature
    function.__doc__ = f"The engine's function {engine_name!r} of arrays, chunked arrays, scalars or expressions" + (
        f", with {shape.kind}." if shape.kind else ".")
    function.__arrow_compute_function__ = {
        "name": engine_name, "arity": arity, "options_class": shape.kind or "", "options_required": shape.needs_options}
    return function


def _check_needed(name, shape):
    if shape is not None and shape.needs_options:
        raise ArrowInvalid(f"Function '{name}' cannot be called without options: it needs "
                           f"{shape.kind}({PARAMETERS[shape.kind]})")


def make_functions(renamed, names):
    """All functions by their names; `renamed` has the names in Python of those that are called otherwise."""
    texts = {name: SHAPES[name].signature() for name in names}
    # Functions of these parameters, for `inspect.signature`: one for all functions that have the same.
    distinct = [*set(texts.values())]
    made = {"int32": CLASSES["RunEndEncodeOptions"]().run_end_type}
    exec(f"made = [{', '.join(f'lambda {text}: None' for text in distinct)}]", made)
    signatures = dict(zip(distinct, made["made"]))
    return {renamed.get(name, name): make_function(renamed.get(name, name), name, signatures[texts[name]]) for name in names}


class Kernel:
    """The types that a function takes, and the type that it gives for them."""

    def __init__(self):
        raise TypeError(f"Do not call {type(self).__name__}'s constructor directly, use Function.kernels instead.")

    def __repr__(self):
        return f"{type(self).__name__}<{self._text}>"


class Function:
    """A function of the engine: its name, its kind and how many arguments it takes (Ellipsis: any number)."""

    def __init__(self):
        raise TypeError(f"Do not call {type(self).__name__}'s constructor directly, use get_function instead.")

    def __repr__(self):
        return f"martlet.compute.Function<name={self.name}, kind={self.kind}, arity={self.arity}>"

    def __reduce__(self):
        return get_function, (self.name,)

    def call(self, args, options=None, memory_pool=None, length=None):
        """Calls the function; `length` is the number of rows for functions without arguments."""
        return call_function(self.name, args, options, memory_pool, length)

    @property
    def kernels(self):
        """The simple types that the function takes, as Kernels: found out by calling it with no rows of each."""
        return [] if self.kind == "meta" else _kernels(self)

    @property
    def num_kernels(self):
        return len(self.kernels)


def _of_kinds(base):
    titles = {"scalar": "Scalar", "vector": "Vector", "scalar_aggregate": "ScalarAggregate",
              "hash_aggregate": "HashAggregate", "meta": "Meta"}
    return {kind: type(title + base.__name__, (base,), {
        "__doc__": f"A {base.__name__.lower()} of kind {kind}.", "__module__": f"{__package__}.compute"})
        for kind, title in titles.items()}


_CLASSES, _KERNELS = _of_kinds(Function), _of_kinds(Kernel)
ScalarFunction, VectorFunction, ScalarAggregateFunction, HashAggregateFunction, MetaFunction = _CLASSES.values()
ScalarKernel, VectorKernel, ScalarAggregateKernel, HashAggregateKernel, _ = _KERNELS.values()
# Values for options that have no default, so that a function without rows can be called.
_ANY = {"timezone": "UTC", "occurrence": "first", "pattern": "a", "width": 1, "pivot": 0, "start": 0, "stop": 1,
        "replacement": "", "format": "%Y", "unit": "s", "indices": [], "characters": " ", "form": "NFC",
        "lower_limit": 0, "upper_limit": 1, "query_key": 0}
_TYPES = """null bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 date32 date64 time32[s]
    time64[us] timestamp[us] duration[us] string large_string binary large_binary""".split()


def _kernels(function):
    from ._array import nulls_of
    from ._types import ensure_type
    name = function.name.removeprefix("hash_")
    shape = SHAPES.get(name)
    options, found = None, []
    if shape is not None and shape.needs_options:
        needed = [one for one in PARAMETERS[shape.kind].split(", ") if "=" not in one and one != "*"]
        if not {*needed} <= {*_ANY}:
            return []
        options = shape.options(**{one: _ANY[one] for one in needed})
    count = 1 if shape is None or shape.arity is ... else shape.arity
    for text in _TYPES if count else ():
        arguments = [nulls_of(ensure_type(text), 0)] * count
        try:
            result = _compute.call(name, arguments, options=options and options._options)
        except (ArrowException, TypeError, ValueError):
            continue
        kernel = object.__new__(_KERNELS[function.kind])
        kernel._text = f"({', '.join([text] * count)}) -> {result.type}"
        found.append(kernel)
    return found


_names = None


def list_functions():
    """The names of all functions, sorted."""
    global _names
    if _names is None:
        _names = sorted({*_compute.list_functions(), *_KINDS, *SHAPES})
    return list(_names)


def get_function(name):
    """The function of that name. Errors: ArrowKeyError when there is none."""
    if name not in list_functions():
        raise ArrowKeyError(f"No function registered with name: {name}")
    kind = _KINDS.get(name, "scalar")
    function = object.__new__(_CLASSES[kind])
    shape = SHAPES.get(name)
    if kind == "hash_aggregate":  # these take the group besides
        shape = SHAPES.get(name.removeprefix("hash_"))
    arity = 1 if shape is None else shape.arity
    function.name, function.kind, function.arity = name, kind, arity + 1 if kind == "hash_aggregate" else arity
    return function


def call_function(name, args, options=None, memory_pool=None, length=None):
    """Calls a function by its name. `options`: a mapping, or options of the function's class; `length`: the number of
    rows for functions without arguments."""
    args, shape = list(args), SHAPES.get(name)
    if _KINDS.get(name) == "hash_aggregate":
        raise ArrowNotImplementedError("Direct execution of HASH_AGGREGATE functions; use Table.group_by")
    if shape is not None and (len(args) < shape.least if shape.arity is ... else len(args) != shape.arity):
        more = "at least " if shape.arity is ... else ""
        raise ArrowInvalid(f"Function '{name}' accepts {more}{shape.least} arguments but {len(args)} passed")
    if name == "count_all":
        from ._scalar import scalar
        return scalar(length or 0, "int64")
    if name == "cast":
        return _compute.cast(args[0], options=options_of(name, options, Shape(["input", "CastOptions"])))
    if name == "random":
        return IMPLEMENTED[name](length, **(vars(options_of(name, options, shape)) if options else {}))
    if options is None:
        _check_needed(name, shape)
    return run(name, args, options_of(name, options, shape))


class FunctionRegistry:
    """All functions by name."""

    def list_functions(self):
        """Their names, sorted."""
        return list_functions()

    def get_function(self, name):
        """The function of that name. Errors: ArrowKeyError when there is none."""
        return get_function(name)


_registry = FunctionRegistry()


def function_registry():
    """The registry of all functions."""
    return _registry
