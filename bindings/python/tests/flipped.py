"""Reads Parquet files of which one bit was flipped, and judges what comes of it: `python flipped.py folder first count`.

A process of its own, because the question is whether it stays alive. Trial i flips the bit that a generator seeded with i
chooses. Each is told by a line "i file position outcome", where the outcome is "error", "equal", "visible" when the schema,
its metadata or the number of rows differ, and "WRONG" for other values under the same schema."""

import os
import random
import resource
import signal
import sys
import warnings

import martlet as pa
import martlet.parquet as pq

resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
warnings.simplefilter("ignore")


def seen(file):
    """What a reader sees without looking at values."""
    schema = file.schema_arrow
    fields = [(field.name, str(field.type), field.nullable, sorted((field.metadata or {}).items())) for field in schema]
    return fields, sorted((schema.metadata or {}).items()), file.metadata.num_rows


def outcome(data, expected, known):
    signal.alarm(20)
    try:
        file = pq.ParquetFile(data, page_checksum_verification=True)
        table = file.read()
        table.validate(full=True)
        if seen(file) != known or table.num_rows != expected.num_rows:
            return "visible"
        return "equal" if table.equals(expected) else "WRONG"
    except (pa.ArrowException, OSError, MemoryError, OverflowError, UnicodeDecodeError):
        return "error"
    finally:
        signal.alarm(0)


def main(folder, first, count):
    names = sorted(name for name in os.listdir(folder) if name.endswith(".parquet"))
    files = []
    for name in names:
        with open(os.path.join(folder, name), "rb") as source:
            data = source.read()
        file = pq.ParquetFile(data)
        files.append((name, data, file.read(), seen(file)))
    for trial in range(first, first + count):
        rng = random.Random(trial)
        name, data, expected, known = rng.choice(files)
        position = rng.randrange(len(data) * 8)
        flipped = bytearray(data)
        flipped[position // 8] ^= 1 << position % 8
        print(trial, name, position, end=" ", flush=True)
        print(outcome(bytes(flipped), expected, known), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
