import martlet as pa
import martlet.compute as pc

string_arr = pa.array(["1", "2", "3"])
int_arr = pc.cast(string_arr, pa.int64())
