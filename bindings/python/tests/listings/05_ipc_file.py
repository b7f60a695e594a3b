import martlet as pa
import martlet.ipc as ipc
import numpy as np

schema = pa.schema([
    ("feature_a", pa.float64()),
    ("feature_b", pa.float64()),
    ("label", pa.int32()),
])

rng = np.random.default_rng(42)

# Writer: serialize batches to an IPC file
ipc_path = "/tmp/pipeline_output.arrow"
with pa.OSFile(ipc_path, "wb") as f:
    writer = ipc.new_file(f, schema)
    for _ in range(5):
        batch = pa.record_batch(
            [
                pa.array(rng.standard_normal(1000), type=pa.float64()),
                pa.array(rng.uniform(0, 10, size=1000), type=pa.float64()),
                pa.array(rng.integers(0, 2, size=1000).astype(np.int32), type=pa.int32()),
            ],
            schema=schema,
        )
        writer.write_batch(batch)
    writer.close()

# Reader: memory-map the file for zero-copy access
source = pa.memory_map(ipc_path, "r")
reader = ipc.open_file(source)

print(f"Number of record batches: {reader.num_record_batches}")  # 5

batch_0 = reader.get_batch(0)
print(f"First batch rows: {batch_0.num_rows}")  # 1000
