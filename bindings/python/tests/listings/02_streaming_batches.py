import martlet as pa
import numpy as np

schema = pa.schema([
    ("user_id", pa.int64()),
    ("feature_a", pa.float64()),
    ("feature_b", pa.float64()),
    ("label", pa.int32()),
    ("timestamp", pa.timestamp("ms")),
])


def generate_batches(num_batches=10, batch_size=1000):
    """Simulate a streaming data source producing Arrow record batches."""
    rng = np.random.default_rng(42)
    base_ts = 1708000000000

    for i in range(num_batches):
        user_ids = rng.integers(1000, 9999, size=batch_size)
        feature_a = rng.standard_normal(batch_size)
        feature_b = rng.uniform(0.0, 10.0, size=batch_size)
        labels = rng.integers(0, 2, size=batch_size).astype(np.int32)
        timestamps = np.arange(
            base_ts + i * batch_size, base_ts + (i + 1) * batch_size, dtype=np.int64
        )

        batch = pa.record_batch(
            [
                pa.array(user_ids, type=pa.int64()),
                pa.array(feature_a, type=pa.float64()),
                pa.array(feature_b, type=pa.float64()),
                pa.array(labels, type=pa.int32()),
                pa.array(timestamps, type=pa.timestamp("ms")),
            ],
            schema=schema,
        )
        yield batch


# Process batches one at a time — memory stays flat
total_rows = 0
for batch in generate_batches(num_batches=10, batch_size=1000):
    total_rows += batch.num_rows

print(f"Processed {total_rows} rows in streaming fashion")  # 10000
