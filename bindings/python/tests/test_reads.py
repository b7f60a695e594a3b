"""How often a Python file is read: a request over a network costs more than the bytes do."""

import io

import numpy as np
import pytest

import martlet as ma
import martlet.compute as mc
import martlet.parquet as mq

ROWS, GROUPS, COLUMNS = 20_000, 5, 12
RANDOM = np.random.default_rng(1)
TABLE = ma.table({
    "sorted": np.arange(ROWS), **{f"c{i}": RANDOM.integers(0, 2**60, ROWS) for i in range(COLUMNS)}})


class Counted(io.BytesIO):
    def __init__(self, data):
        super().__init__(data)
        self.reads = []

    def readinto(self, target):
        count = super().readinto(target)
        self.reads.append(count)
        return count

    def read(self, count=-1):
        data = super().read(count)
        self.reads.append(len(data))
        return data


def file_of(table, **options):
    target = io.BytesIO()
    mq.write_table(table, target, row_group_size=ROWS // GROUPS, **options)
    return target.getvalue()


DATA = file_of(TABLE, max_rows_per_page=500)
WIDE = file_of(ma.table({f"column {i:04}": np.arange(20) + i for i in range(1500)}), max_rows_per_page=5)


@pytest.mark.parametrize("data, read, most, share", [
    (DATA, lambda file: mq.ParquetFile(file), 1, 0.04),
    (DATA, lambda file: mq.read_metadata(file), 1, 0.04),
    (DATA, lambda file: mq.read_table(file), 2, 1.1),
    # One for each row group, of neighbours too.
    (DATA, lambda file: mq.read_table(file, columns=["c3"]), 1 + GROUPS, 0.15),
    (DATA, lambda file: mq.read_table(file, columns=["c3", "c4"]), 1 + GROUPS, 0.25),
    (DATA, lambda file: list(mq.ParquetFile(file).iter_batches(batch_size=100, columns=["c1"])), 1 + GROUPS, 0.15),
    # One column of one row group tells the rows, then the others.
    (DATA, lambda file: mq.read_table(file, filters=mc.field("sorted") == 7777), 3, 0.3),
    (DATA, lambda file: mq.read_table(file, filters=mc.field("sorted") == -1), 1, 0.04),
    (WIDE, lambda file: mq.read_table(file, filters=mc.field("column 0007") == 999), 3, 1.1),
    (WIDE, lambda file: mq.read_table(
        file, columns=["column 0100"], filters=(mc.field("column 0007") == 12) & (mc.field("column 1400") > 5)), 6, 1.1),
], ids=range(10))
def test_few_large_reads(data, read, most, share):
    file = Counted(data)
    read(file)
    assert len(file.reads) <= most, file.reads
    assert sum(file.reads) <= share * len(data)


def test_the_same_rows():
    for data in (DATA, WIDE):
        whole = mq.read_table(ma.py_buffer(data))
        for name in whole.column_names[:3]:
            for value in (0, 7777, 12):
                filters = mc.field(name) == value
                assert mq.read_table(Counted(data), filters=filters).equals(whole.filter(filters))
