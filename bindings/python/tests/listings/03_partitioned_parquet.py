import martlet as pa
import martlet.parquet as pq
import numpy as np
import os

schema = pa.schema([
    ("user_id", pa.int64()),
    ("feature_a", pa.float64()),
    ("feature_b", pa.float64()),
    ("label", pa.int32()),
    ("split", pa.string()),
])


def create_training_table(num_rows=5000):
    rng = np.random.default_rng(42)
    splits = rng.choice(["train", "val", "test"], size=num_rows, p=[0.7, 0.15, 0.15])

    return pa.table(
        {
            "user_id": pa.array(rng.integers(1000, 9999, size=num_rows), type=pa.int64()),
            "feature_a": pa.array(rng.standard_normal(num_rows), type=pa.float64()),
            "feature_b": pa.array(rng.uniform(0, 10, size=num_rows), type=pa.float64()),
            "label": pa.array(rng.integers(0, 2, size=num_rows).astype(np.int32), type=pa.int32()),
            "split": pa.array(splits, type=pa.string()),
        },
        schema=schema,
    )


table = create_training_table(num_rows=5000)

# Write partitioned by split — creates train/, val/, test/ subdirectories
output_path = "/tmp/ml_dataset"
pq.write_to_dataset(
    table,
    root_path=output_path,
    partition_cols=["split"],
)

# Read back only the training split — Parquet skips val/test files entirely
train_table = pq.read_table(output_path, filters=[("split", "=", "train")])
print(f"Training rows: {train_table.num_rows}")
print(f"Columns: {train_table.column_names}")
