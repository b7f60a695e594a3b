import martlet as pa

# Ensure all arrays have matching length
arrays = [col_a, col_b, col_c]
lengths = [len(a) for a in arrays]
if len(set(lengths)) > 1:
    min_len = min(lengths)
    arrays = [a[:min_len] for a in arrays]
