"""Feather files: pyarrow reads ours, and we read pyarrow's."""

import io

import pandas as pd
import pyarrow
import pyarrow.feather
import pytest

import martlet as pa
import martlet.feather as feather

COLUMNS = {"a": [1, None, 3], "b": ["x", "yy", None], "c": [0.5, 1.5, 2.5]}
MODULES = [(pyarrow, pyarrow.feather), (pa, feather)]


@pytest.mark.parametrize("options", [
    {}, {"compression": "zstd", "compression_level": 3}, {"compression": "uncompressed"}, {"chunksize": 2}], ids=str)
def test_both_ways(options, path):
    for module, writer in MODULES:
        writer.write_feather(module.table(COLUMNS), str(path), **options)
        for other, reader in MODULES:
            found = reader.read_table(path)
            assert found.to_pydict() == COLUMNS
            assert found.column(0).num_chunks == (2 if "chunksize" in options else 1)
            for columns, names in ((["c", "a"], ["c", "a"]), ([0, 1], ["a", "b"]), (["b", "b"], ["b", "b"])):
                assert reader.read_table(path, columns=columns).column_names == names
            assert reader.read_table(path, columns=["b"]).column(0).to_pylist() == COLUMNS["b"]


def test_frames(path):
    frame = pd.DataFrame({"n": [1.0, None], "s": ["a", "b"], "k": pd.Categorical(["x", "y"])})
    feather.write_feather(frame, path)
    pd.testing.assert_frame_equal(feather.read_feather(path), pyarrow.feather.read_feather(path))
    pd.testing.assert_frame_equal(feather.read_feather(path, columns=["s"]), frame[["s"]].astype(
        feather.read_feather(path)["s"].dtype))
    sink = io.BytesIO()
    feather.write_feather(frame, sink)
    pd.testing.assert_frame_equal(feather.read_feather(io.BytesIO(sink.getvalue())), feather.read_feather(path))


def test_several_files(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    for path in paths:
        feather.write_feather(pa.table(COLUMNS), path)
    assert feather.FeatherDataset(paths).read_table(["a"]).num_rows == 6
    feather.write_feather(pa.table({"other": [1]}), paths[1])
    with pytest.raises(ValueError, match="was different"):
        feather.FeatherDataset(paths).read_table()


@pytest.mark.parametrize("module, feather", MODULES, ids=["pyarrow", "martlet"])
def test_what_is_refused(module, feather, path):
    for options in ({"compression": "snappy"}, {"version": 3}):
        with pytest.raises(ValueError):
            feather.write_feather(pd.DataFrame(COLUMNS), str(path), **options)
    feather.write_feather(module.table(COLUMNS), str(path))
    for columns, error in ((["none"], ValueError), ([7], ValueError), ([1.5], TypeError), (["a", 1], TypeError)):
        with pytest.raises(error):
            feather.read_table(path, columns=columns)


def test_the_first_version_is_refused(path):
    with pytest.raises(pa.ArrowNotImplementedError, match="version 1"):
        feather.write_feather(pa.table(COLUMNS), path, version=1)
