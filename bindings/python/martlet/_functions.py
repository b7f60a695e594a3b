"""Functions as values: what `get_function` and `function_registry` give, and calls by name of every function that pyarrow
names, those included that this package puts together itself."""

from . import _compute
from ._errors import ArrowInvalid, ArrowKeyError, ArrowNotImplementedError

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
# How many arguments functions take that do not take one; hash_aggregate functions take the group besides. Ellipsis: any
# number.
_ARITIES = {
    0: "count_all random",
    2: """add add_checked and and_kleene and_not and_not_kleene atan2 binary_join binary_repeat bit_wise_and bit_wise_or
        bit_wise_xor day_time_interval_between days_between divide divide_checked equal fill_null greater greater_equal
        hours_between hypot less less_equal list_element logb logb_checked microseconds_between milliseconds_between
        minutes_between modulo modulo_checked month_day_nano_interval_between month_interval_between multiply
        multiply_checked nanoseconds_between not_equal or or_kleene power power_checked quarters_between remainder
        remainder_checked round_binary seconds_between shift_left shift_left_checked shift_right shift_right_checked
        subtract subtract_checked weeks_between xor years_between array_filter array_take filter index_in_meta_binary
        is_in_meta_binary pivot_wider scatter search_sorted take""",
    3: "if_else replace_with_mask hash_pivot_wider",
    ...: "binary_join_element_wise case_when choose coalesce make_struct max_element_wise min_element_wise",
}
_ARITIES = {name: arity for arity, names in _ARITIES.items() for name in names.split()}
_ARITIES.update({name: 1 if name == "hash_count_all" else 2
                 for name, kind in _KINDS.items() if kind == "hash_aggregate" and name not in _ARITIES})


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


ScalarFunction, VectorFunction, ScalarAggregateFunction, HashAggregateFunction, MetaFunction = (
    type(name, (Function,), {"__doc__": f"A function of kind {kind}.", "__module__": __name__})
    for name, kind in [("ScalarFunction", "scalar"), ("VectorFunction", "vector"),
                       ("ScalarAggregateFunction", "scalar_aggregate"), ("HashAggregateFunction", "hash_aggregate"),
                       ("MetaFunction", "meta")])
_CLASSES = {"scalar": ScalarFunction, "vector": VectorFunction, "scalar_aggregate": ScalarAggregateFunction,
            "hash_aggregate": HashAggregateFunction, "meta": MetaFunction}
_names = None


def list_functions():
    """The names of all functions, sorted."""
    global _names
    if _names is None:
        _names = sorted({*_compute.list_functions(), *_KINDS, "utf8_normalize"})
    return list(_names)


def get_function(name):
    """The function of that name. Errors: ArrowKeyError when there is none."""
    if name not in list_functions():
        raise ArrowKeyError(f"No function registered with name: {name}")
    kind = _KINDS.get(name, "scalar")
    function = object.__new__(_CLASSES[kind])
    function.name, function.kind, function.arity = name, kind, _ARITIES.get(name, 1)
    return function


def call_function(name, args, options=None, memory_pool=None, length=None):
    """Calls a function by its name. `options`: a mapping, or options of the function's class; `length`: the number of
    rows for functions without arguments."""
    args = list(args)
    if _KINDS.get(name) == "hash_aggregate":
        raise ArrowNotImplementedError("Direct execution of HASH_AGGREGATE functions; use Table.group_by")
    if name in ("count_all", "index", "pivot_wider", "utf8_normalize"):
        arity = _ARITIES.get(name, 1)
        if len(args) != arity:
            raise ArrowInvalid(f"Function '{name}' accepts {arity} arguments but {len(args)} passed")
        if name == "count_all":
            from ._scalar import scalar
            return scalar(length or 0, "int64")
        if options is None and name != "pivot_wider":
            raise ArrowInvalid(f"Function '{name}' cannot be called without options")
        from . import compute
        if name == "pivot_wider":
            return compute.pivot_wider(*args, key_names=[], options=options)
        values = options if hasattr(options, "items") else options._options
        return getattr(compute, name)(*args, **values)
    if name == "random" and length is not None:
        values = {} if options is None else options if hasattr(options, "items") else options._options
        return _compute.call_function(name, args, {**values, "length": length})
    return _compute.call_function(name, args, options, memory_pool)


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
