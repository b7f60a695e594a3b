"""File systems, and files and datasets on them: pyarrow's own do the same, and its file systems can be given here."""

import datetime
import io
import pickle

import pyarrow
import pyarrow.fs
import pyarrow.parquet
import pytest

import martlet as pa
import martlet.dataset as ds
import martlet.fs as fs
import martlet.parquet as pq

BOTH = pytest.mark.parametrize("fs", [pyarrow.fs, fs], ids=["pyarrow", "martlet"])
TABLE = pa.table({"n": list(range(10)), "key": ["a", "b"] * 5})


class Spec:
    """Files in memory with the methods of fsspec."""

    protocol = ("memory", "spec")

    def __init__(self):
        self.files, self.folders = {}, {""}

    def info(self, path):
        path = path.strip("/")
        if path in self.files:
            return {"name": path, "type": "file", "size": len(self.files[path]), "mtime": 1.5}
        if path in self.folders or any(name.startswith(path + "/") for name in self.files):
            return {"name": path, "type": "directory", "size": 0}
        raise FileNotFoundError(path)

    def isfile(self, path):
        return path.strip("/") in self.files

    def exists(self, path):
        return self.isfile(path) or self.isdir(path)

    def isdir(self, path):
        try:
            return self.info(path)["type"] == "directory"
        except FileNotFoundError:
            return False

    def find(self, path, maxdepth=None, withdirs=False, detail=False):
        root = path.strip("/") + "/" if path.strip("/") else ""
        names = set(self.files)
        for name in self.files:
            names.update(name[:i] for i, letter in enumerate(name) if letter == "/")
        return {name: self.info(name) for name in sorted(names | self.folders)
                if name.startswith(root) and name and (maxdepth is None or name[len(root):].count("/") < maxdepth)}

    def listdir(self, path, detail=False):
        if not self.isdir(path):
            raise FileNotFoundError(path)
        return list(self.find(path, maxdepth=1))

    def mkdir(self, path, create_parents=True):
        self.folders.add(path.strip("/"))

    def rm(self, path, recursive=False):
        path = path.strip("/")
        for name in [name for name in self.files if name == path or name.startswith(path + "/")]:
            del self.files[name]
        self.folders.discard(path)

    def open(self, path, mode):
        path, spec = path.strip("/"), self
        if mode == "rb":
            return io.BytesIO(self.files[path])

        class Written(io.BytesIO):
            def close(self):
                if not self.closed:
                    spec.files[path] = self.getvalue()
                super().close()

        return Written()


def spec_type():
    """A class that says that it is one of fsspec's."""
    base = type("AbstractFileSystem", (), {"__module__": "fsspec.spec"})
    return type("Memory", (Spec, base), {})


@BOTH
def test_the_local_file_system(fs, tmp_path):
    local = fs.LocalFileSystem()
    place = str(tmp_path / "a" / "b")
    local.create_dir(place)
    with local.open_output_stream(place + "/x.txt") as stream:
        stream.write(b"hello")
    with local.open_append_stream(place + "/x.txt") as stream:
        stream.write(b" world")
    with local.open_input_stream(place + "/x.txt") as stream:
        assert stream.read() == b"hello world"
    with local.open_output_stream(place + "/z.gz") as stream:
        stream.write(b"packed")
    with local.open_input_stream(place + "/z.gz") as stream:
        assert stream.read() == b"packed"
    with local.open_input_file(place + "/x.txt") as file:
        assert file.seek(6) == 6 and file.read(3) == b"wor" and file.size() == 11
    info = local.get_file_info(place + "/x.txt")
    assert info.is_file and info.size == 11 and info.base_name == "x.txt" and info.extension == "txt"
    assert info.type == fs.FileType.File and info.mtime.tzinfo is not None and info.mtime_ns > 0
    missing, folder = local.get_file_info([place + "/none", place])
    assert missing.type == fs.FileType.NotFound and missing.size is None and folder.type == fs.FileType.Directory
    found = local.get_file_info(fs.FileSelector(str(tmp_path), recursive=True))
    assert sorted(one.path for one in found) == sorted(
        str(tmp_path / name) for name in ("a", "a/b", "a/b/x.txt", "a/b/z.gz"))
    assert [one.path for one in local.get_file_info(fs.FileSelector(str(tmp_path)))] == [str(tmp_path / "a")]
    assert local.get_file_info(fs.FileSelector(str(tmp_path / "none"), allow_not_found=True)) == []
    with pytest.raises(FileNotFoundError):
        local.get_file_info(fs.FileSelector(str(tmp_path / "none")))
    local.copy_file(place + "/x.txt", place + "/y.txt")
    local.move(place + "/y.txt", place + "/w.txt")
    local.delete_file(place + "/w.txt")
    for call in (local.delete_file, local.open_input_file, local.open_input_stream):
        with pytest.raises(FileNotFoundError):
            call(place + "/w.txt")
    with pytest.raises(OSError, match="is a directory"):
        local.open_input_file(place)
    fs.copy_files(str(tmp_path / "a"), str(tmp_path / "c"))
    assert (tmp_path / "c" / "b" / "x.txt").read_bytes() == b"hello world"
    local.delete_dir_contents(place)
    assert local.get_file_info(fs.FileSelector(place)) == []
    local.delete_dir(str(tmp_path / "a"))
    with pytest.raises(FileNotFoundError):
        local.delete_dir(str(tmp_path / "a"))
    assert local.type_name == "local" and local == fs.LocalFileSystem() and pickle.loads(pickle.dumps(local)) == local
    with pytest.raises(ValueError, match="Expected a local filesystem path, got a URI"):
        local.get_file_info("file:///tmp")


@BOTH
def test_parts_of_file_systems(fs, tmp_path):
    sub = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    sub.create_dir("d")
    with sub.open_output_stream("d/x") as stream:
        stream.write(b"abc")
    assert (tmp_path / "d" / "x").read_bytes() == b"abc"
    assert sub.get_file_info("d/x").path == "d/x" and sub.get_file_info("d/x").size == 3
    assert sorted(one.path for one in sub.get_file_info(fs.FileSelector("", recursive=True))) == ["d", "d/x"]
    assert sub.base_path == str(tmp_path) + "/" and sub.base_fs == fs.LocalFileSystem()
    assert pickle.loads(pickle.dumps(sub)) == sub != fs.SubTreeFileSystem(str(tmp_path / "d"), fs.LocalFileSystem())
    sub.delete_dir("d")
    assert not (tmp_path / "d").exists()


@BOTH
def test_uris(fs, tmp_path):
    for uri, path in ((f"file://{tmp_path}/a%20b", f"{tmp_path}/a b"), (str(tmp_path), str(tmp_path))):
        found, place = fs.FileSystem.from_uri(uri)
        assert isinstance(found, fs.LocalFileSystem) and place == path
    for uri in ("relative/path", "unknown-scheme://x"):
        with pytest.raises(ValueError, match="URI|Unrecognized"):
            fs.FileSystem.from_uri(uri)


@BOTH
def test_infos(fs):
    info = fs.FileInfo("dir/x.tar.gz", fs.FileType.File, mtime=1.25, size=7)
    assert (info.base_name, info.extension, info.size, info.mtime_ns) == ("x.tar.gz", "gz", 7, 1_250_000_000)
    assert info.mtime == datetime.datetime(1970, 1, 1, 0, 0, 1, 250_000, datetime.timezone.utc)
    assert repr(info) == "<FileInfo for 'dir/x.tar.gz': type=FileType.File, size=7>"
    assert repr(fs.FileInfo("d", fs.FileType.Directory)) == "<FileInfo for 'd': type=FileType.Directory>"
    assert repr(fs.FileSelector("a", recursive=True)) == "<FileSelector base_dir='a' recursive=True>"
    with pytest.raises(TypeError):
        fs.FileSystem()


def systems(tmp_path):
    """What can be given as `filesystem=`, with the directory in it that the tests use."""
    yield "local", fs.LocalFileSystem(), str(tmp_path / "local")
    yield "subtree", fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), "subtree"
    yield "URI", f"file://{tmp_path}", "uri"
    yield "pyarrow's local", pyarrow.fs.LocalFileSystem(), str(tmp_path / "theirs")
    yield "pyarrow's subtree", pyarrow.fs.SubTreeFileSystem(str(tmp_path), pyarrow.fs.LocalFileSystem()), "their-subtree"
    yield "pyarrow's in memory", pyarrow.fs._MockFileSystem(), "mock"
    yield "fsspec", spec_type()(), "bucket"


NAMES = ["local", "subtree", "URI", "pyarrow's local", "pyarrow's subtree", "pyarrow's in memory", "fsspec"]


@pytest.mark.parametrize("name", NAMES)
def test_files_and_datasets_on_file_systems(name, tmp_path):
    (_, system, root), = (one for one in systems(tmp_path) if one[0] == name)
    from martlet._fs_resolve import ensure_filesystem
    ensure_filesystem(system).create_dir(root)
    file = root + "/x.parquet"
    pq.write_table(TABLE, file, filesystem=system)
    assert pq.read_table(file, filesystem=system).equals(TABLE)
    assert pq.read_table(file, filesystem=system, columns=["n"], filters=[("n", ">", 7)])["n"].to_pylist() == [8, 9]
    assert pq.read_schema(file, filesystem=system).equals(TABLE.schema)
    assert pq.read_metadata(file, filesystem=system).num_rows == 10
    with pq.ParquetWriter(root + "/y.parquet", TABLE.schema, filesystem=system) as writer:
        writer.write_table(TABLE)
    with pq.ParquetFile(root + "/y.parquet", filesystem=system) as reader:
        assert reader.read().equals(TABLE)
    assert reader.closed
    pq.write_metadata(TABLE.schema, root + "/_common_metadata", filesystem=system)
    assert pq.read_table(root, filesystem=system).num_rows == 20
    assert ds.dataset(root, filesystem=system).count_rows() == 20
    assert ds.dataset([file, file], filesystem=system).to_table(filter=ds.field("n") == 3).num_rows == 2
    tree = root + "/tree"
    pq.write_to_dataset(TABLE, tree, partition_cols=["key"], filesystem=system)
    for flavor in ("hive", ds.partitioning(pa.schema([("key", pa.string())]), flavor="hive")):
        found = ds.dataset(tree, filesystem=system, partitioning=flavor)
        assert found.schema.field("key").type == pa.string()
        assert sorted(found.to_table()["n"].to_pylist()) == list(range(10))
        assert found.to_table(filter=ds.field("key") == "b")["key"].to_pylist() == ["b"] * 5
    dataset = pq.ParquetDataset(tree, filesystem=system, filters=[("key", "=", "a")])
    assert sorted(dataset.read()["n"].to_pylist()) == [0, 2, 4, 6, 8] and len(dataset.fragments) == 1
    plain = root + "/plain"
    for format in ("parquet", "ipc"):
        ds.write_dataset(TABLE, plain, format=format, partitioning=["key"], filesystem=system,
                         existing_data_behavior="delete_matching")
        found = ds.dataset(plain, format=format, partitioning=["key"], filesystem=system)
        assert found.to_table().sort_by("n").equals(TABLE.cast(found.schema))
    with pytest.raises(FileNotFoundError):
        ds.dataset(root + "/none", filesystem=system)
    with pytest.raises(FileNotFoundError):
        pq.read_table(root + "/none", filesystem=system)


def test_uris_are_paths(tmp_path):
    uri = f"file://{tmp_path}/x.parquet"
    pq.write_table(TABLE, uri)
    assert (tmp_path / "x.parquet").exists()
    assert pq.read_table(uri).equals(TABLE) and pq.ParquetFile(uri).read().equals(TABLE)
    assert pq.read_metadata("x.parquet", filesystem=f"file://{tmp_path}").num_rows == 10
    assert ds.dataset(uri).count_rows() == 10
    ds.write_dataset(TABLE, f"file://{tmp_path}/d", format="parquet")
    assert ds.dataset(f"file://{tmp_path}/d").to_table().equals(TABLE)


def test_what_is_refused(tmp_path):
    with pytest.raises(ValueError, match="specified path is file-like"):
        pq.ParquetWriter(pa.BufferOutputStream(), TABLE.schema, filesystem=fs.LocalFileSystem())
    with pytest.raises(ValueError, match="specified path is file-like"):
        pq.read_table(io.BytesIO(), filesystem=fs.LocalFileSystem())
    with pytest.raises(TypeError, match="Unrecognized filesystem"):
        pq.read_table("x", filesystem=3)
    with pytest.raises(ImportError, match="s3fs"):
        fs.S3FileSystem
    with pytest.raises(FileNotFoundError):
        ds.dataset(tmp_path / "none")


def test_a_write_that_fails_leaves_nothing(tmp_path):
    system = spec_type()()
    batches = TABLE.to_batches()

    def some():
        yield batches[0]
        raise OSError("the source broke")

    for filesystem, root in ((system, "bucket"), (None, str(tmp_path / "d"))):
        with pytest.raises(OSError, match="the source broke"):
            ds.write_dataset(some(), root, schema=TABLE.schema, format="ipc", partitioning=["key"], filesystem=filesystem)
    assert not system.files and not [path for path in (tmp_path / "d").rglob("*") if path.is_file()]
