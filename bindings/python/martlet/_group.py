"""Grouping the rows of a table."""

from . import _abi
from ._array import concatenate, nulls_of
from ._builders import array
from ._errors import ArrowInvalid
from ._implemented import pivot_places
from ._nested_arrays import StructArray
from ._scalar import scalar
from ._table import RecordBatch, Table
from ._types import null, struct


class TableGroupBy:
    """Groups of a table's rows with equal values in `keys`."""

    def __init__(self, table, keys, use_threads=True):
        self._table = table
        self.keys = [keys] if isinstance(keys, str) else list(keys)

    def aggregate(self, aggregations):
        """A Table with a row a group: the keys, then (column, function) pairs as columns `column_function`."""
        aggregations = [
            (a[0][0] if isinstance(a[0], (list, tuple)) and len(a[0]) == 1 else a[0], *a[1:]) for a in aggregations]
        pairs = [(a[0], a[1].removeprefix("hash_")) for a in aggregations]
        if any(name == "pivot_wider" for _, name in pairs):
            return self._one_by_one(aggregations) if len(pairs) > 1 else self._pivoted(*aggregations[0])
        if any(not isinstance(column, str) and not (name.endswith("count_all") and not len(column)) for column, name in pairs):
            raise ArrowInvalid("aggregations are (column name, function name) or (column, function, options)")
        options = [a[2] for a in aggregations if len(a) > 2 and a[2] is not None]
        if options and len(pairs) > 1:
            return self._one_by_one(aggregations)
        options = options[0] if options else None
        keys = _struct(self._table.select(self.keys))
        # count_all counts rows, of no column.
        rows = nulls_of(null(), self._table.num_rows)
        values = RecordBatch.from_arrays(
            [_whole(self._table.column(column)) if isinstance(column, str) else rows for column, _ in pairs],
            [column if isinstance(column, str) else "" for column, _ in pairs])
        functions = [name for _, name in pairs]
        pointer = _abi.new(
            _abi.lib.martlet_compute_group, keys._handle, values._handle, _abi.text_array(functions), len(functions),
            *_abi.pack_options(getattr(options, "_options", options)))
        batch = RecordBatch._from_pointer(pointer)
        names = self.keys + [
            f"{column}_{name}" if isinstance(column, str) else name for (column, _), name in zip(pairs, functions)]
        return Table.from_batches([batch.rename_columns(names)])

    def _one_by_one(self, aggregations):
        """Aggregations with options of their own: groups come out in the same order each time."""
        parts = [self.aggregate([a]) for a in aggregations]
        result = parts[0]
        for part in parts[1:]:
            result = result.append_column(part.schema.field(len(self.keys)), part.column(len(self.keys)))
        return result

    def _pivoted(self, columns, _, options=None):
        """A struct for each group, with a field for each of the options' `key_names`: the one value beside that key."""
        from . import compute
        if isinstance(columns, str) or len(columns) != 2:
            count = 2 if isinstance(columns, str) else len(columns) + 1
            raise ArrowInvalid(f"Function 'hash_pivot_wider' accepts 3 arguments but {count} passed: name the columns of "
                               "keys and of values")
        options = options or compute.PivotWiderOptions([])
        keys, values = (_whole(self._table.column(column)) for column in columns)
        names, _ = pivot_places(keys, options.key_names, options.unexpected_key_behavior)
        nothing = scalar(None, values.type)
        chosen = [compute.if_else(compute.equal(keys, one), values, nothing) for one in names]
        count = len(self.keys)
        table = Table.from_arrays([*(self._table.column(key) for key in self.keys), *chosen],
                                  names=[*self.keys, *(f"\0{i}" for i in range(len(names)))])
        found = TableGroupBy(table, self.keys).aggregate([
            (f"\0{i}", function) for i in range(len(names)) for function in ("first", "count")])
        for i, one in enumerate(options.key_names):
            if (compute.max(found.column(count + 2 * i + 1)).as_py() or 0) > 1:
                raise ArrowInvalid(f"Encountered more than one non-null value for the same grouped pivot key: {one!r}")
        parts = [_whole(found.column(count + 2 * i)) for i in range(len(names))]
        pivoted = StructArray.from_arrays(parts, names=options.key_names) if parts else array(
            [{}] * found.num_rows, struct([]))
        return found.select(range(count)).append_column("_".join([*columns, "pivot_wider"]), pivoted)

    def __repr__(self):
        return f"<martlet.TableGroupBy of {self.keys}>"


def _struct(table):
    return RecordBatch._make([_whole(c) for c in table._arrays()], table.schema, table.num_rows)


def _whole(column):
    return concatenate(column._chunks) if column.num_chunks else nulls_of(column.type, 0)
