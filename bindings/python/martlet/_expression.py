"""Expressions: computations on columns that are not there yet, for filters and projections."""

import ctypes

from . import _abi
from . import _types as t
from ._errors import ArrowInvalid

_lib = _abi.lib


class Expression:
    """A column, a literal or a function of expressions. Operators combine them: `(field("a") > 1) & ~field("b")`."""

    __slots__ = ("_handle", "_rebuild", "__weakref__")

    def __init__(self):
        raise TypeError(
            "Do not call Expression's constructor directly, use martlet.compute.field, scalar and operators instead.")

    @classmethod
    def _make(cls, pointer, rebuild):
        self = object.__new__(cls)
        self._handle, self._rebuild = _abi.ExpressionHandle(pointer), rebuild
        return self

    @classmethod
    def _field(cls, path):
        if len(path) == 1:
            path = path[0] if isinstance(path[0], tuple) else path
            if len(path) == 1 and not isinstance(path[0], (str, int)):
                raise TypeError("field reference should be str, multiple str, tuple or integer, got "
                                f"{type(path[0])}: the name of a column, or its position")
        if not path:
            raise ValueError("nested field reference should be non-empty: names or positions of columns")
        path = tuple(
            step.decode() if isinstance(step, bytes) else int(step) if isinstance(step, int) else step for step in path)
        for step in path:
            if not isinstance(step, (str, int)):
                raise TypeError(f"expected bytes, {type(step).__name__} found: field() takes names and positions of columns")
        names = _abi.text_array([step if isinstance(step, str) else None for step in path])
        if any(isinstance(step, int) for step in path):
            positions = (ctypes.c_int64 * len(path))(*[step if isinstance(step, int) else 0 for step in path])
            pointer = _abi.new(_lib.martlet_expression_reference, names, positions, len(path))
        else:
            pointer = _abi.new(_lib.martlet_expression_field, names, len(path))
        return cls._make(pointer, ("field", path))

    def _named(self, schema):
        """The expression with names for positions of columns, as the schema has them."""
        kind, *parts = self._rebuild
        if kind == "call":
            name, arguments, value_set, type, options = parts
            inner = [one._named(schema) for one in arguments]
            same = all(a is b for a, b in zip(inner, arguments))
            return self if same else self._call(name, inner, value_set, type, options)
        if kind == "scalar" or not any(isinstance(step, int) for step in parts[0]):
            return self
        names, fields = [], schema
        for step in parts[0]:
            try:
                found = fields.field(step)
            except (LookupError, AttributeError):
                raise ArrowInvalid(f"No match for {self} in {schema.names}") from None
            names.append(found.name)
            fields = found.type
        return self._field(tuple(names))

    @classmethod
    def _scalar(cls, value):
        from ._scalar import Scalar, scalar
        value = value if isinstance(value, Scalar) else scalar(value)
        return cls._make(_abi.new(_lib.martlet_expression_literal, value._array), ("scalar", value))

    @classmethod
    def _of(cls, value):
        return value if isinstance(value, Expression) else cls._scalar(value)

    @classmethod
    def _call(cls, name, arguments, value_set=None, type=None, options=None):
        arguments = [cls._of(a) for a in arguments]
        handles = [a._handle for a in arguments]
        pointer = _abi.new(
            _lib.martlet_expression_call, name.encode(), _abi.handle_array(handles), len(handles), value_set,
            None if type is None else type._handle, *_abi.pack_options(options))
        return cls._make(pointer, ("call", name, arguments, value_set, type, options))

    def _evaluate(self, batch):
        """The Array of the expression's value for each row of a RecordBatch."""
        from ._array import wrap
        return wrap(_abi.new(_lib.martlet_expression_evaluate, self._handle, batch._handle))

    # ---- operators ----

    def __eq__(self, other):
        return self._call("equal", (self, other))

    def __ne__(self, other):
        return self._call("not_equal", (self, other))

    def __lt__(self, other):
        return self._call("less", (self, other))

    def __le__(self, other):
        return self._call("less_equal", (self, other))

    def __gt__(self, other):
        return self._call("greater", (self, other))

    def __ge__(self, other):
        return self._call("greater_equal", (self, other))

    def __and__(self, other):
        return self._call("and_kleene", (self, other))

    def __rand__(self, other):
        return self._call("and_kleene", (other, self))

    def __or__(self, other):
        return self._call("or_kleene", (self, other))

    def __ror__(self, other):
        return self._call("or_kleene", (other, self))

    def __invert__(self):
        return self._call("invert", (self,))

    def __add__(self, other):
        return self._call("add_checked", (self, other))

    def __radd__(self, other):
        return self._call("add_checked", (other, self))

    def __sub__(self, other):
        return self._call("subtract_checked", (self, other))

    def __rsub__(self, other):
        return self._call("subtract_checked", (other, self))

    def __mul__(self, other):
        return self._call("multiply_checked", (self, other))

    def __rmul__(self, other):
        return self._call("multiply_checked", (other, self))

    def __truediv__(self, other):
        return self._call("divide_checked", (self, other))

    def __rtruediv__(self, other):
        return self._call("divide_checked", (other, self))

    def __neg__(self):
        return self._call("negate_checked", (self,))

    def __bool__(self):
        raise ValueError("An Expression cannot be evaluated to python True or False. If you are using the 'and', 'or' or "
                         "'not' operators, use '&', '|' or '~' instead.")

    __hash__ = object.__hash__

    # ---- functions ----

    def equals(self, other):
        """Whether both are the same expression."""
        return isinstance(other, Expression) and str(self) == str(other)

    def isin(self, values):
        """Whether the value is among `values`."""
        from ._array import Array
        from ._builders import array
        return self._call("is_in", (self,), value_set=values if isinstance(values, Array) else array(list(values)))

    def is_null(self, nan_is_null=False):
        return self._call("is_null", (self,), options={"nan_is_null": bool(nan_is_null)})

    def is_valid(self):
        return self._call("is_valid", (self,))

    def is_nan(self):
        return self._call("is_nan", (self,))

    def cast(self, type=None, safe=None, options=None):
        named = options._options if options is not None else {"safe": False} if safe is False else None
        return self._call("cast", (self,), type=t.ensure_type(type or options.target_type), options=named)

    @staticmethod
    def from_substrait(message):
        raise NotImplementedError("Substrait is not supported")

    def __str__(self):
        return _abi.buffer_text(_abi.new(_lib.martlet_expression_to_string, self._handle))

    def __repr__(self):
        return f"<martlet.compute.Expression {self}>"

    def __reduce__(self):
        return _rebuilt, self._rebuild


def _rebuilt(kind, *parts):
    if kind == "field":
        return Expression._field(parts[0])
    if kind == "scalar":
        return Expression._scalar(parts[0])
    name, arguments, value_set, type, options = parts
    return Expression._call(name, arguments, value_set, type, options)
