import martlet as pa

schema = pa.schema([
    ("user_id", pa.int64()),
    ("feature_a", pa.float64()),
    ("feature_b", pa.float64()),
    ("label", pa.int32()),
    ("timestamp", pa.timestamp("ms")),
])

batch = pa.record_batch(
    [
        [1001, 1002, 1003, 1004, 1005],
        [0.23, 0.87, 0.45, 0.12, 0.99],
        [1.5, 2.3, 0.8, 3.1, 1.9],
        [1, 0, 1, 0, 1],
        [1708000000000, 1708000001000, 1708000002000, 1708000003000, 1708000004000],
    ],
    schema=schema,
)

print(batch.num_rows)   # 5
print(batch.nbytes)     # total bytes in memory
