"""One piece of code run on Martlet and on pyarrow: the same value, or the same error with a text that starts alike."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import martlet as ma
import martlet.compute as mc


def told(value):
    """A value as text that both libraries share."""
    if hasattr(value, "to_pylist"):
        kind = str(value.type) if hasattr(value, "type") else f"{value.schema.names} {[str(t) for t in value.schema.types]}"
        return f"{kind} {value.to_pylist()!r}"
    if hasattr(value, "as_py"):
        return f"{value.type} {value.as_py()!r}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.tolist()!r}"
    return re.sub(r"\bmartlet\b", "pyarrow", repr(value))


def run(code, library, compute):
    try:
        return code(library, compute)
    except Exception as problem:
        return problem


def check(code):
    """`code(library, compute)` must do the same with both libraries."""
    mine, theirs = run(code, ma, mc), run(code, pa, pc)
    if isinstance(theirs, Exception):
        assert isinstance(mine, Exception), f"expected {theirs!r}, got {told(mine)}"
        assert any(c.__name__ == type(theirs).__name__ for c in type(mine).__mro__), (mine, theirs)
        head = str(theirs).strip("\"'").replace("pyarrow", "martlet")[:40]
        assert head in str(mine), (str(mine), str(theirs))
        return
    if isinstance(mine, Exception):
        raise mine
    assert told(mine) == told(theirs)
