import martlet as pa
import martlet.parquet as pq
import numpy as np

schema = pa.schema([
    ("user_id", pa.int64()),
    ("feature_a", pa.float64()),
    ("feature_b", pa.float64()),
    ("label", pa.int32()),
])

output_file = "/tmp/streamed_output.parquet"
writer = pq.ParquetWriter(output_file, schema, compression="zstd")

rng = np.random.default_rng(42)

for i in range(20):
    batch_size = 500
    batch = pa.record_batch(
        [
            pa.array(rng.integers(1000, 9999, size=batch_size), type=pa.int64()),
            pa.array(rng.standard_normal(batch_size), type=pa.float64()),
            pa.array(rng.uniform(0, 10, size=batch_size), type=pa.float64()),
            pa.array(rng.integers(0, 2, size=batch_size).astype(np.int32), type=pa.int32()),
        ],
        schema=schema,
    )
    writer.write_batch(batch)

writer.close()

# Verify the result
result = pq.read_table(output_file)
print(f"Total rows written: {result.num_rows}")  # 10000
print(f"File size: {pq.read_metadata(output_file).serialized_size} bytes")
