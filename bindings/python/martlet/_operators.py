"""The operators of arrays, chunked arrays and scalars: functions of `compute` that check for overflow."""


def _binary(name):
    def operate(self, other):
        from . import compute
        from ._errors import ArrowException
        if not hasattr(other, "as_py") and not hasattr(other, "__arrow_c_array__") and not hasattr(
                other, "__arrow_c_stream__"):
            from ._scalar import scalar
            try:
                other = scalar(other)
            except (ArrowException, TypeError, ValueError):
                return NotImplemented
        return getattr(compute, name)(self, other)

    return operate


class Operators:
    __slots__ = ()

    __add__ = _binary("add_checked")
    __sub__ = _binary("subtract_checked")
    __mul__ = _binary("multiply_checked")
    __truediv__ = _binary("divide_checked")
    __pow__ = _binary("power_checked")
    __and__ = _binary("bit_wise_and")
    __or__ = _binary("bit_wise_or")
    __xor__ = _binary("bit_wise_xor")
    __lshift__ = _binary("shift_left_checked")
    __rshift__ = _binary("shift_right_checked")

    def __neg__(self):
        from . import compute
        return compute.negate_checked(self)
