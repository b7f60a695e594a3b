"""Filters as lists of (column, operator, value)."""

_OPERATORS = {
    "=": lambda field, value: field == value,
    "==": lambda field, value: field == value,
    "!=": lambda field, value: field != value,
    "<": lambda field, value: field < value,
    ">": lambda field, value: field > value,
    "<=": lambda field, value: field <= value,
    ">=": lambda field, value: field >= value,
    "in": lambda field, value: field.isin(value),
    "not in": lambda field, value: ~field.isin(value),
}


def filters_to_expression(filters):
    """An Expression from (column, operator, value) triples.

    A list of triples means all of them; a list of lists of triples means all of any inner list. Operators are =, ==, !=,
    <, >, <=, >=, in, not in.
    """
    from .compute import Expression, field

    if isinstance(filters, Expression):
        return filters

    def term(one):
        if not isinstance(one, (tuple, list)) or len(one) != 3:
            raise ValueError(f"Malformed filters: expected (column, operator, value), got {one!r}")
        column, operator, value = one
        if operator not in _OPERATORS:
            raise ValueError(
                f'"{operator}" is not a valid operator in predicates. Column \'{column}\': use one of '
                f"{', '.join(_OPERATORS)}"
            )
        if operator in ("in", "not in"):
            if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
                raise TypeError(
                    f"column '{column}': the operator '{operator}' needs a list of values, got {type(value).__name__}"
                )
            value = list(value)
        return _OPERATORS[operator](field(column), value)

    def all_of(terms):
        if not terms:
            raise ValueError("Malformed filters: an empty list")
        result = term(terms[0])
        for one in terms[1:]:
            result = result & term(one)
        return result

    if isinstance(filters, (str, bytes)) or not hasattr(filters, "__iter__"):
        raise TypeError(f"filters must be an Expression or a list of (column, operator, value), got {filters!r}")
    filters = list(filters)
    if not filters:
        raise ValueError("Malformed filters: an empty list; use None to read everything")
    if all(isinstance(one, tuple) and one and isinstance(one[0], str) for one in filters):
        return all_of(filters)
    if len(filters) == 3 and isinstance(filters[0], str):
        return all_of([tuple(filters)])
    if not all(isinstance(one, (list, tuple)) for one in filters):
        raise ValueError(f"Malformed filters: {filters!r}")
    result = all_of(list(filters[0]))
    for one in filters[1:]:
        result = result | all_of(list(one))
    return result
