import martlet as pa
import numpy as np
import pandas as pd

schema = pa.schema([
    ("feature_a", pa.float64()),
    ("feature_b", pa.float64()),
    ("label", pa.int32()),
])

rng = np.random.default_rng(42)
table = pa.table(
    {
        "feature_a": pa.array(rng.standard_normal(10000), type=pa.float64()),
        "feature_b": pa.array(rng.uniform(0, 10, size=10000), type=pa.float64()),
        "label": pa.array(rng.integers(0, 2, size=10000).astype(np.int32), type=pa.int32()),
    },
    schema=schema,
)

# Arrow -> Pandas (zero-copy for numeric columns without nulls)
df = table.to_pandas(zero_copy_only=False)
print(f"Pandas shape: {df.shape}")  # (10000, 3)

# Arrow -> NumPy (zero-copy for contiguous numeric arrays)
features_a = table.column("feature_a").to_numpy(zero_copy_only=True)
features_b = table.column("feature_b").to_numpy(zero_copy_only=True)
labels = table.column("label").to_numpy(zero_copy_only=True)

# Stack into a feature matrix for sklearn/PyTorch
X = np.column_stack([features_a, features_b])
y = labels
print(f"Feature matrix shape: {X.shape}")  # (10000, 2)
print(f"Labels shape: {y.shape}")  # (10000,)

# Pandas -> Arrow (useful for the reverse direction)
roundtrip_table = pa.Table.from_pandas(df, preserve_index=False)
print(f"Round-trip columns: {roundtrip_table.column_names}")
