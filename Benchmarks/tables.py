"""The tables of Parquet's own jobs: numbers, text, nested values, and a long stream of numbers. Made and written by pyarrow."""

from __future__ import annotations

# The stream is this many times the main table.
STREAM_TIMES = 20


def make_shapes(folder, rows: int) -> None:
    """The tables as uncompressed IPC files, and as Parquet."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.ipc as ipc
    import pyarrow.parquet as pq

    rng = np.random.default_rng(5)
    words = np.array(["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "haven", "inlet", "jetty"])
    missing = rng.random(rows) < 0.1
    tables = {
        "numbers": pa.table(
            {
                "id": np.arange(rows),
                "time": pa.array(1_700_000_000_000 + np.cumsum(rng.integers(0, 50, rows)), pa.timestamp("ms")),
                "price": np.round(rng.lognormal(3, 1, rows), 2),
                "noise": rng.standard_normal(rows),
                "level": pa.array(rng.integers(0, 100, rows).astype(np.int32), mask=missing),
                "score": rng.standard_normal(rows).astype(np.float32),
                "flag": rng.random(rows) < 0.5,
            }
        ),
        "text": pa.table(
            {
                "city": pa.array(words[rng.integers(0, 10, rows)]),
                "name": pa.array(np.char.add("user-", rng.integers(0, 10**7, rows).astype(str))),
                "note": pa.array(np.char.add(words[rng.integers(0, 10, rows)], words[rng.integers(0, 10, rows)]), mask=missing),
            }
        ),
        "nested": nested(rng, rows, words),
    }
    for name, table in tables.items():
        with ipc.new_file(str(folder / f"{name}.arrow"), table.schema) as writer:
            writer.write_table(table, max_chunksize=1 << 17)
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd", compression_level=1)
    numbers = tables["numbers"]
    with pq.ParquetWriter(
        folder / "stream.parquet", numbers.schema, compression="zstd", compression_level=1
    ) as writer:
        for _ in range(STREAM_TIMES // 2):
            writer.write_table(numbers, row_group_size=1 << 20)


def nested(rng, rows: int, words):
    import numpy as np
    import pyarrow as pa

    lengths = rng.integers(0, 4, rows)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    count = int(lengths.sum())
    # Very many strings come from NumPy in chunks.
    label = pa.array(words[rng.integers(0, 10, rows)])
    if isinstance(label, pa.ChunkedArray):
        label = label.combine_chunks()
    point = pa.StructArray.from_arrays([pa.array(rng.standard_normal(rows)), label], ["x", "label"])
    pairs = pa.StructArray.from_arrays(
        [pa.array(rng.integers(0, 1000, count).astype(np.int32)), pa.array(rng.standard_normal(count))], ["key", "value"]
    )
    items = pa.ListArray.from_arrays(offsets, pa.array(rng.integers(0, 10**6, count)))
    return pa.table({"items": items, "point": point, "pairs": pa.ListArray.from_arrays(offsets, pairs)})
