"""Statistics of geometries (Geospatial.md): what the files of parquet-testing say is read, and said again of what is written."""

import os
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as papq
import pytest

import martlet as ma
import martlet.parquet as pq

FOLDER = Path(os.environ.get("PARQUET_TEST_DATA", ""), "geospatial")
FILES = sorted(FOLDER.glob("*.parquet")) if "PARQUET_TEST_DATA" in os.environ else []
needs_files = pytest.mark.skipif(not FILES, reason="PARQUET_TEST_DATA is not set, or has no geospatial files")


def chunks(path, module=pq):
    metadata = module.ParquetFile(path).metadata
    for group in range(metadata.num_row_groups):
        yield [metadata.row_group(group).column(i) for i in range(metadata.num_columns)]


@needs_files
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_statistics_are_read(path):
    some = 0
    for mine, theirs in zip(chunks(path), chunks(path, papq), strict=True):
        for a, b in zip(mine, theirs, strict=True):
            assert a.is_geo_stats_set == b.is_geo_stats_set
            if a.is_geo_stats_set:
                assert a.geo_statistics.to_dict() == b.geo_statistics.to_dict() == a.to_dict()["geo_statistics"]
                assert repr(a.geo_statistics).split("\n")[1:] == repr(b.geo_statistics).split("\n")[1:]
                some += 1
    assert some or path.name == "crs-geography.parquet"


def wkb_field(name, edges=""):
    metadata = {b"ARROW:extension:name": b"geoarrow.wkb", b"ARROW:extension:metadata": b'{"crs": "OGC:CRS84"%s}' % edges.encode()}
    return pa.field(name, pa.binary(), metadata=metadata)


def written(values, path, edges="", **options):
    """The GeoStatistics of one column chunk of Martlet's, the same to pyarrow."""
    table = pa.table([pa.array(values, pa.binary())], pa.schema([wkb_field("g", edges)]))
    pq.write_table(ma.table(table), path, **options)
    mine, theirs = (next(chunks(path, module))[0] for module in (pq, papq))
    assert mine.is_geo_stats_set == theirs.is_geo_stats_set
    if not mine.is_geo_stats_set:
        return None
    assert mine.geo_statistics.to_dict() == theirs.geo_statistics.to_dict()
    return mine.geo_statistics.to_dict()


@needs_files
@pytest.mark.parametrize("options", [{}, {"use_dictionary": False, "max_rows_per_page": 1}])
@pytest.mark.parametrize("name", ["geospatial.parquet", "geospatial-with-nan.parquet", "crs-srid.parquet", "geography-lines.parquet"])
def test_statistics_are_written(name, options, tmp_path):
    file = papq.ParquetFile(FOLDER / name)
    place = file.schema_arrow.get_field_index("geometry")
    is_geography = name.startswith("geography")
    for group, theirs in enumerate(chunks(FOLDER / name, papq)):
        values = file.read_row_group(group, columns=["geometry"]).column(0).to_pylist()
        found = written(values, tmp_path / str(group), ', "edges": "spherical"' if is_geography else "", **options)
        expected = theirs[place].geo_statistics.to_dict()
        if is_geography:
            # Their boxes go around the edges.
            expected = dict.fromkeys(expected) | {"geospatial_types": expected["geospatial_types"]}
        if expected["geospatial_types"] is None:
            assert found is None
        else:
            assert found == expected


def point(*numbers, kind=1, order="<"):
    return struct.pack(f"{order}BI{len(numbers)}d", order == "<", kind, *numbers)


@pytest.mark.parametrize("broken", [
    b"", b"\x01", point(1)[:-1], point(1, 2) + b"\0", point(1, 2, kind=8), point(1, 2, kind=4001), b"\2" + point(1, 2)[1:],
    struct.pack("<BII", 1, 2, 2**32 - 1), struct.pack("<BII", 1, 4, 1) * 1000, point(1, 2, 3, kind=0x80000001),
    b"".join([struct.pack("<BII", 1, 7, 1)] * 100_000), struct.pack("<BII", 1, 3, 2**31) + bytes(4000),
])
def test_nothing_is_said_of_what_is_no_geometry(broken, tmp_path):
    assert written([point(1, 2), broken, point(3, 4)], tmp_path / "f") is None
    assert pq.read_table(tmp_path / "f").column(0).to_pylist()[1] == broken


def test_points(tmp_path):
    nan = float("nan")
    most = dict.fromkeys(["geospatial_types", "xmin", "xmax", "ymin", "ymax", "zmin", "zmax", "mmin", "mmax"])
    box = most | {"geospatial_types": [1], "xmin": -1.0, "xmax": 5.0, "ymin": 2.0, "ymax": 7.0}
    values = [point(5, 2), None, point(-1, 7, order=">"), point(nan, nan)]
    assert written(values, tmp_path / "a") == box
    assert written(values, tmp_path / "b", use_dictionary=False, data_page_version="2.0", max_rows_per_page=1) == box
    assert written([point(nan, nan), point(1, nan)], tmp_path / "c") == most | {"geospatial_types": [1]}
    assert written([None, None], tmp_path / "d") is None
    assert written(values, tmp_path / "f", write_statistics=False) is None
    assert written(values, tmp_path / "g", ', "edges": "spherical"') == most | {"geospatial_types": [1]}
    deep = written([point(1, 2, 3, kind=1001), point(1, 2, 9, kind=2001)], tmp_path / "h")
    assert deep == most | {
        "geospatial_types": [1001, 2001], "xmin": 1.0, "xmax": 1.0, "ymin": 2.0, "ymax": 2.0, "zmin": 3.0, "zmax": 3.0, "mmin": 9.0,
        "mmax": 9.0}
