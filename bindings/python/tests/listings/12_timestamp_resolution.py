import martlet as pa
import pandas as pd

ts_series = pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02"]))
# Cast to ms precision before converting
arr = pa.array(ts_series, type=pa.timestamp("ms"))
