import martlet as pa

# Wrong: Arrow guesses the type, sometimes incorrectly
arr = pa.array([1, 2, 3])

# Right: Explicit type
arr = pa.array([1, 2, 3], type=pa.int64())
