"""Writing datasets from here, for what the engine's own writer does not know: Arrow IPC files, directories without keys, keys
in the names of files, and other file systems."""

import os

from ._dataset_write import WrittenFile
from ._errors import ArrowInvalid
from ._fs_files import FileSelector, FileType


def groups_of(batch, names):
    """The rows of a batch for each combination of keys: ({name: Scalar}, RecordBatch)."""
    from . import compute as pc

    ids, count = None, 1
    for name in names:
        column = batch.column(name)
        if hasattr(column.type, "index_type"):
            column = column.cast(column.type.value_type)
        encoded = column.dictionary_encode()
        size = len(encoded.dictionary)
        codes = pc.fill_null(encoded.indices.cast("int64"), size)
        if ids is None:
            ids, count = codes, size + 1
            continue
        count *= size + 1
        if count >= 1 << 62:
            # The combinations that exist are few; their numbers begin anew.
            ids = ids.dictionary_encode().indices.cast("int64")
            count = (len(ids) + 1) * (size + 1)
        ids = pc.add(pc.multiply(ids, size + 1), codes)
    order = pc.sort_indices(ids)
    counted = pc.value_counts(ids.take(order))
    if len(counted) > 1:
        batch = batch.take(order)
    start = 0
    for length in counted.field("counts").to_pylist():
        yield {name: batch.column(name)[start] for name in names}, batch.slice(start, length)
        start += length


class _OpenFile:
    """A file that is being written."""

    def __init__(self, path, writer, stream):
        self.path, self.writer, self.stream, self.rows = path, writer, stream, 0


class GroupWriter:
    """Writes batches below a directory, one file or more for each combination of keys."""

    def __init__(
        self, filesystem, root, schema, partitioning, template, behavior, format, options, limits, visitor, creates
    ):
        self._filesystem = filesystem
        self._root = root.rstrip("/") or root
        self._partitioning = partitioning
        self._names = [] if partitioning is None else list(partitioning.schema.names)
        kept = [field for field in schema if field.name not in self._names]
        from ._schema import schema as make_schema

        self._schema = make_schema(kept, metadata=schema.metadata)
        self._template, self._behavior = template, behavior
        self._format, self._options, self._visitor, self._creates = format, options, visitor, creates
        self._row_limit = limits.get("max_rows_per_file") or 0
        self._open_limit = limits.get("max_open_files") or 512
        self._partition_limit = limits.get("max_partitions") or 1024
        self._group_rows = limits.get("max_rows_per_group")
        self._files = {}
        self._numbers = {}
        self._seen = set()
        self._done = []
        if behavior == "error" and any(
            info.type == FileType.File
            for info in filesystem.get_file_info(FileSelector(root, allow_not_found=True, recursive=True))
        ):
            raise ArrowInvalid(f"Could not write to {root} as the directory is not empty and existing_data_behavior is to "
                               "error")

    def write(self, batch):
        if not self._names:
            self._append(("", ""), batch)
            return
        from ._dataset_fragment import expression_of

        for keys, rows in groups_of(batch, self._names):
            keys = {name: None if value.as_py() is None else value for name, value in keys.items()}
            place = self._partitioning.format(expression_of(keys))
            self._append(place, rows.select(self._schema.names))

    def _append(self, place, rows):
        start = 0
        while start < rows.num_rows or not rows.num_rows:
            file = self._files.get(place) or self._opened(place)
            part = rows.slice(start, self._row_limit - file.rows if self._row_limit else None)
            file.writer.write_batch(part)
            file.rows += part.num_rows
            start += part.num_rows
            if self._row_limit and file.rows >= self._row_limit:
                self._end(self._files.pop(place))
            if not rows.num_rows:
                return

    def _opened(self, place):
        if len(self._files) >= self._open_limit:
            # The one with the most rows is closed: what comes for it later goes into another file.
            largest = max(self._files, key=lambda one: self._files[one].rows)
            self._end(self._files.pop(largest))
        folder, prefix = place
        if place not in self._numbers and len(self._numbers) >= self._partition_limit:
            raise ArrowInvalid(f"Fragment would be written into {len(self._numbers) + 1} partitions. This exceeds the "
                               f"maximum of {self._partition_limit}")
        number = self._numbers.get(place, 0)
        self._numbers[place] = number + 1
        directory = "/".join(filter(None, (self._root, folder))) if folder else self._root
        if directory not in self._seen:
            self._seen.add(directory)
            if self._creates:
                self._filesystem.create_dir(directory)
            if self._behavior == "delete_matching":
                self._filesystem.delete_dir_contents(directory, missing_dir_ok=True)
        path = f"{directory.rstrip('/')}/{prefix}{self._template.replace('{i}', str(number))}"
        file = self._files[place] = _OpenFile(path, *self._writer(path))
        return file

    def _writer(self, path):
        local = self._filesystem._local_path(path)
        stream = None if local is not None else self._filesystem.open_output_stream(path, compression=None)
        target = local if local is not None else stream
        if self._format == "ipc":
            from .ipc import new_file

            return new_file(target, self._schema, options=self._options.write_options), stream
        from ._parquet_writer import ParquetWriter

        given = dict(self._options._writer_options._given)
        if self._group_rows:
            given["row_group_size"] = self._group_rows
        return ParquetWriter(target, self._schema, **given), stream

    def _end(self, file):
        file.writer.close()
        if file.stream is not None:
            file.stream.close()
        self._done.append(file)

    def finish(self):
        """Closes all files; the visitor is told of each."""
        if not self._done and not self._files and not self._names:
            self._append(("", ""), _nothing(self._schema))
        for place in list(self._files):
            self._end(self._files.pop(place))
        for file in self._done if self._visitor is not None else ():
            size = self._filesystem.get_file_info(file.path).size
            self._visitor(WrittenFile(file.path, getattr(file.writer, "_metadata", None), size))

    def abort(self):
        """Drops what is open, and takes away what was closed."""
        for file in self._files.values():
            file.writer._abort()
            if file.stream is not None:
                file.stream.close()
        for file in [*self._done, *(one for one in self._files.values() if one.stream is not None)]:
            if self._filesystem.get_file_info(file.path).is_file:
                self._filesystem.delete_file(file.path)


def _nothing(schema):
    from ._builders import nulls
    from ._table import RecordBatch

    return RecordBatch.from_arrays([nulls(0, field.type) for field in schema], schema=schema)


def write_groups(reader, filesystem, root, **how):
    """Writes all batches of a reader; nothing new is left behind when that fails."""
    writer = GroupWriter(filesystem, os.fspath(root), reader.schema, **how)
    try:
        for batch in reader:
            writer.write(batch)
        writer.finish()
    except BaseException:
        writer.abort()
        raise
