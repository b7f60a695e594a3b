"""What datasets ask of expressions: which columns they name, which keys they fix, and what is left once keys are known."""

from ._expression import Expression


def fields_of(expression):
    """The names of the top-level columns in an expression."""
    kind, *parts = expression._rebuild
    if kind == "field":
        return {parts[0][0]}
    if kind == "scalar":
        return set()
    return set().union(*(fields_of(one) for one in parts[1]))


def conjuncts(expression):
    """The expressions that are all true where this one is."""
    kind, *parts = expression._rebuild
    if kind == "call" and parts[0] == "and_kleene":
        return [one for argument in parts[1] for one in conjuncts(argument)]
    return [expression]


def all_of(expressions):
    """One expression for several that must all be true; None for none."""
    made = None
    for one in expressions:
        made = one if made is None else made & one
    return made


def _with_values(expression, values):
    kind, *parts = expression._rebuild
    if kind == "field":
        path = parts[0]
        return Expression._scalar(values[path[0]]) if len(path) == 1 and path[0] in values else expression
    if kind == "scalar" or not fields_of(expression) & values.keys():
        return expression
    name, arguments, value_set, type, options = parts
    return Expression._call(name, [_with_values(one, values) for one in arguments], value_set, type, options)


def remaining(filter, values):
    """What a filter still asks of rows whose columns in `values` (names to Scalars) are constant: an Expression, True when
    all rows match, or False when none does."""
    if filter is None:
        return True
    left = []
    for one in conjuncts(filter):
        if values and fields_of(one) & values.keys():
            one = _with_values(one, values)
        if fields_of(one):
            left.append(one)
        elif not _constant(one):
            return False
    return all_of(left) if left else True


def _constant(expression):
    from ._builders import record_batch
    return expression._evaluate(record_batch({"": [0]}))[0].as_py() is True


def fixed(expression):
    """The columns that an expression fixes by `==` or `is_null`: names to Scalars, None for null."""
    found = {}
    for one in conjuncts(expression):
        kind, *parts = one._rebuild
        if kind != "call" or parts[0] not in ("equal", "is_null"):
            continue
        field, *rest = (argument._rebuild for argument in parts[1])
        if parts[0] == "equal" and field[0] == "scalar" and rest[0][0] == "field":
            field, rest = rest[0], [field]
        if field[0] != "field" or len(field[1]) != 1:
            continue
        if parts[0] == "is_null":
            found[field[1][0]] = None
        elif rest[0][0] == "scalar":
            found[field[1][0]] = rest[0][1]
    return found


def get_partition_keys(partition_expression):
    """The keys of a fragment as Python values: `{"year": 2024}` of `field("year") == 2024`."""
    if not isinstance(partition_expression, Expression):
        raise TypeError(f"expected an Expression, got {type(partition_expression).__name__}")
    found = fixed(partition_expression)
    return {name: None if value is None else value.as_py() for name, value in found.items()}
