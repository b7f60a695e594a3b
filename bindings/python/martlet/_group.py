"""Grouping the rows of a table."""

from . import _abi
from ._array import concatenate, nulls_of
from ._errors import ArrowInvalid
from ._table import RecordBatch, Table
from ._types import null


class TableGroupBy:
    """Groups of a table's rows with equal values in `keys`."""

    def __init__(self, table, keys, use_threads=True):
        self._table = table
        self.keys = [keys] if isinstance(keys, str) else list(keys)

    def aggregate(self, aggregations):
        """A Table with a row a group: the keys, then (column, function) pairs as columns `column_function`."""
        pairs = [(a[0], a[1]) for a in aggregations]
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
        functions = [name[5:] if name.startswith("hash_") else name for _, name in pairs]
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

    def __repr__(self):
        return f"<martlet.TableGroupBy of {self.keys}>"


def _struct(table):
    return RecordBatch._make([_whole(c) for c in table._arrays()], table.schema, table.num_rows)


def _whole(column):
    return concatenate(column._chunks) if column.num_chunks else nulls_of(column.type, 0)
