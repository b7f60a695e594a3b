import martlet as pa
import martlet.ipc as ipc
import numpy as np

schema = pa.schema([
    ("feature_a", pa.float64()),
    ("label", pa.int32()),
])

rng = np.random.default_rng(42)

# Write to a stream (could be a socket, pipe, or buffer)
sink = pa.BufferOutputStream()
writer = ipc.new_stream(sink, schema)

for _ in range(3):
    batch = pa.record_batch(
        [
            pa.array(rng.standard_normal(500), type=pa.float64()),
            pa.array(rng.integers(0, 2, size=500).astype(np.int32), type=pa.int32()),
        ],
        schema=schema,
    )
    writer.write_batch(batch)

writer.close()

# Read from the buffer (simulating the receiving end)
buf = sink.getvalue()
reader = ipc.open_stream(buf)

all_batches = [b for b in reader]
print(f"Received {len(all_batches)} batches")  # 3
print(f"Total rows: {sum(b.num_rows for b in all_batches)}")  # 1500
