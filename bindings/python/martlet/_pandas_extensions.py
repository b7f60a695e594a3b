"""pandas' periods and intervals, as extension types with the names and parameters that pandas itself has for them."""

import json

import numpy as np
import pandas as pd

from . import _numpy
from . import _types as t
from ._builders import array
from ._extension_types import UnknownExtensionType
from ._nested_arrays import StructArray

PERIOD, INTERVAL = "pandas.period", "pandas.interval"


def to_arrow(values):
    """The ExtensionArray of a PeriodArray or an IntervalArray."""
    missing = np.asarray(values.isna())
    mask = missing if missing.any() else None
    if isinstance(values.dtype, pd.PeriodDtype):
        return _extension(PERIOD, {"freq": str(values.dtype)[7:-1]}, array(values.asi8, mask=mask))
    ends = [array(end, from_pandas=True) for end in (values.left, values.right)]
    storage = StructArray.from_arrays(ends, ["left", "right"], mask=None if mask is None else array(mask))
    return _extension(INTERVAL, {"subtype": str(values.dtype.subtype), "closed": values.closed}, storage)


def _extension(name, parameters, storage):
    return UnknownExtensionType(storage.type, json.dumps(parameters).encode(), name).wrap_array(storage)


def name_of(type):
    """`PERIOD` or `INTERVAL` for the types of this module, else None."""
    name = type.extension_name if type.id == t.Type_EXTENSION else None
    return name if name in (PERIOD, INTERVAL) else None


def to_pandas(chunks, type):
    """A pandas extension array of chunks of one of these types."""
    parameters, kind = json.loads(type.__arrow_ext_serialize__()), name_of(type)
    parts = [c.storage for c in chunks]
    if kind == PERIOD:
        return periods(parts, pd.PeriodDtype(parameters["freq"]))
    make, arrays = pd.arrays.IntervalArray.from_arrays, []
    for part in parts:
        ends = [_numpy.copied(end, end.null_count > 0) for end in part.flatten()]
        arrays.append(make(*ends, closed=parameters["closed"]))
    return pd.arrays.IntervalArray._concat_same_type(arrays) if len(arrays) > 1 else arrays[0]


def periods(chunks, dtype):
    """A PeriodArray of chunks of integers that count periods."""
    counts = np.concatenate([np.asarray(c.fill_null(np.iinfo("i8").min).cast("int64")) for c in chunks])
    return pd.arrays.PeriodArray(counts, dtype=dtype)
