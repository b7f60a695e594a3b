"""Opened files of a dataset: the same questions for Parquet files and files of Arrow IPC."""

from ._parquet_file import ParquetFile


class ParquetInput:
    """One Parquet file, opened with the options of a format."""

    def __init__(self, source, options):
        self._file = ParquetFile._with_options(source, options)
        self.schema_arrow = self._file.schema_arrow

    def row_count(self, row_groups):
        metadata = self._file.metadata
        if row_groups is None:
            return metadata.num_rows
        return sum(metadata.row_group(i).num_rows for i in row_groups)

    def _batches(self, names, row_groups, filter, batch_size, use_threads):
        if not names and filter is None:
            yield from _without_columns(self.row_count(row_groups), batch_size)
            return
        yield from self._file._scan(names, row_groups, filter, batch_size, use_threads)


class IpcInput:
    """One file of Arrow IPC."""

    def __init__(self, source, options):
        from . import ipc
        self._file = ipc.open_file(source)
        self.schema_arrow = self._file.schema

    def row_count(self, row_groups):
        return self._file.count_rows()

    def _batches(self, names, row_groups, filter, batch_size, use_threads):
        for i in range(self._file.num_record_batches):
            batch = self._file.get_batch(i)
            if filter is not None:
                batch = batch.filter(filter)
            if names != batch.schema.names:
                batch = batch.select(names)
            step = batch_size or max(batch.num_rows, 1)
            for start in range(0, max(batch.num_rows, 1), step):
                yield batch.slice(start, step)


def _without_columns(count, batch_size):
    """Batches of as many rows, and no columns: the column that makes them is not looked at."""
    from ._builders import nulls, record_batch
    step = batch_size or 1 << 17
    for start in range(0, count, step):
        yield record_batch({"": nulls(min(step, count - start))})
