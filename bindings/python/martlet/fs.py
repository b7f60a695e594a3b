"""File systems with pyarrow's names: the machine's own, parts of others, and whatever fsspec or Python code offers."""

import os
import shutil

from . import _io
from ._errors import ArrowInvalid
from ._files import _path_text
from ._fs_files import FileInfo, FileSelector, FileType

__all__ = [
    "FSSpecHandler", "FileInfo", "FileSelector", "FileSystem", "FileSystemHandler", "FileType", "LocalFileSystem",
    "PyFileSystem", "SubTreeFileSystem", "copy_files",
]

_CLOUDS = ("AzureFileSystem", "GcsFileSystem", "HadoopFileSystem", "S3FileSystem")


def __getattr__(name):
    if name in ("FSSpecHandler", "FileSystemHandler", "PyFileSystem"):
        from . import _fs_handlers
        found = globals()[name] = getattr(_fs_handlers, name)
        return found
    if name in _CLOUDS:
        raise ImportError(f"{name} is not part of martlet: use the one of fsspec, such as s3fs.S3FileSystem(), which every "
                          "filesystem= argument takes")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class FileSystem:
    """A tree of files and directories; paths have '/' between names."""

    def __init__(self):
        raise TypeError("FileSystem is an abstract class, instantiate one of the subclasses instead: LocalFileSystem or "
                        "SubTreeFileSystem")

    @staticmethod
    def from_uri(uri):
        """The file system of a URI, and the path in it: `file://` and absolute paths; other schemes through fsspec."""
        from ._fs_resolve import from_uri
        return from_uri(uri)

    def get_file_info(self, paths_or_selector):
        """FileInfo of a path; a list of them for a list of paths or a FileSelector."""
        if isinstance(paths_or_selector, FileSelector):
            return self._selected(paths_or_selector)
        if isinstance(paths_or_selector, (str, os.PathLike)):
            return self._info(_name(paths_or_selector))
        if hasattr(paths_or_selector, "__iter__"):
            return [self._info(_name(path)) for path in paths_or_selector]
        raise TypeError(f"Must pass either path(s) or a FileSelector, got {type(paths_or_selector).__name__}")

    def normalize_path(self, path):
        return _name(path)

    def equals(self, other):
        if not isinstance(other, FileSystem):
            raise TypeError(f"Argument 'other' has incorrect type (expected FileSystem, got {type(other).__name__})")
        return type(self) is type(other) and self._parts() == other._parts()

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, FileSystem) else NotImplemented

    __hash__ = object.__hash__

    def __reduce__(self):
        return type(self), self._parts()

    def _local_path(self, path):
        """The path on this machine, or None when the files lie elsewhere."""
        return None

    def open_input_stream(self, path, compression="detect", buffer_size=None):
        """A file to be read from front to back, decompressed as its ending says."""
        name = _name(path)
        return _decompressed(self._open_input(name, True), name, compression)

    def open_input_file(self, path):
        """A file with random access."""
        return self._open_input(_name(path), False)

    def open_output_stream(self, path, compression="detect", buffer_size=None, metadata=None):
        """A new file to be written, in the place of an older one, compressed as its ending says."""
        name = _name(path)
        return _compressed(self._open_output(name, False, metadata), name, compression)

    def open_append_stream(self, path, compression="detect", buffer_size=None, metadata=None):
        """A file to be written behind what is there."""
        name = _name(path)
        return _compressed(self._open_output(name, True, metadata), name, compression)

    def __repr__(self):
        return f"<martlet.fs.{type(self).__name__}>"


def _decompressed(file, name, compression):
    named = _io._compression_of(name, compression)
    return _io.input_stream(file, compression=named) if named else file


def _compressed(file, name, compression):
    named = _io._compression_of(name, compression)
    return _io.output_stream(file, compression=named) if named else file


def _name(path):
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"expected a path, a string, not {type(path).__name__}")
    return os.fsdecode(os.fspath(path))


class LocalFileSystem(FileSystem):
    """The files of this machine. A file that is written gets its name when it is closed."""

    type_name = "local"

    def __init__(self, *, use_mmap=False):
        self._use_mmap = bool(use_mmap)

    def _parts(self):
        return (self._use_mmap,)

    def __reduce__(self):
        return _local, self._parts()

    def _local_path(self, path):
        return self._checked(_name(path))

    @staticmethod
    def _checked(name):
        if "://" in name:
            raise ArrowInvalid(f"Expected a local filesystem path, got a URI: '{name}'")
        return _path_text(name)

    def _info(self, name):
        return _stat(self._checked(name), name)

    def _selected(self, selector):
        base = self._checked(selector.base_dir)
        try:
            entries = os.scandir(base)
        except FileNotFoundError:
            if selector.allow_not_found:
                return []
            raise FileNotFoundError(2, f"Cannot list directory '{selector.base_dir}'. Detail: [errno 2] No such file or "
                                    "directory") from None
        except NotADirectoryError:
            raise NotADirectoryError(20, f"Cannot list directory '{selector.base_dir}'. Detail: [errno 20] Not a directory"
                                     ) from None
        found = []
        with entries:
            for entry in entries:
                one = _stat(entry.path, selector.base_dir.rstrip("/") + "/" + entry.name if selector.base_dir else entry.name)
                found.append(one)
                if selector.recursive and one.type == FileType.Directory:
                    found += self._selected(selector._with_base(one.path))
        return found

    def create_dir(self, path, *, recursive=True):
        path = self._local_path(path)
        if recursive:
            os.makedirs(path, exist_ok=True)
        elif not os.path.isdir(path):
            os.mkdir(path)

    def delete_dir(self, path):
        self._check_directory(path, "delete directory")
        shutil.rmtree(self._local_path(path))

    def delete_dir_contents(self, path, *, accept_root_dir=False, missing_dir_ok=False):
        if not accept_root_dir and _name(path).strip("/") == "":
            raise ValueError("delete_dir_contents called on root dir")
        if missing_dir_ok and not os.path.exists(self._local_path(path)):
            return
        self._check_directory(path, "list directory")
        with os.scandir(self._local_path(path)) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    os.unlink(entry.path)

    def _check_directory(self, path, doing):
        local = self._local_path(path)
        if not os.path.exists(local):
            raise FileNotFoundError(2, f"Cannot {doing} '{path}'. Detail: [errno 2] No such file or directory")
        if not os.path.isdir(local):
            raise NotADirectoryError(20, f"Cannot {doing} '{path}'. Detail: [errno 20] Not a directory")

    def delete_file(self, path):
        local = self._local_path(path)
        if os.path.isdir(local):
            raise IsADirectoryError(21, f"Cannot delete file '{path}'. Detail: [errno 21] Is a directory")
        os.unlink(local)

    def move(self, src, dest):
        os.replace(self._local_path(src), self._local_path(dest))

    def copy_file(self, src, dest):
        shutil.copyfile(self._local_path(src), self._local_path(dest))

    def _open_input(self, name, is_stream):
        path = self._checked(name)
        if os.path.isdir(path):
            raise IsADirectoryError(21, f"Cannot open for reading: path '{name}' is a directory")
        return _io.memory_map(path) if self._use_mmap else _io.OSFile(path)

    def _open_output(self, name, appends, metadata):
        return _io.OSFile(self._checked(name), "ab" if appends else "wb")


def _local(use_mmap):
    return LocalFileSystem(use_mmap=use_mmap)


def _stat(path, name):
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return FileInfo(name, FileType.NotFound)
    import stat
    kind = (
        FileType.File if stat.S_ISREG(found.st_mode) else FileType.Directory if stat.S_ISDIR(found.st_mode) else
        FileType.Unknown
    )
    return FileInfo(name, kind, mtime_ns=found.st_mtime_ns, size=found.st_size if kind == FileType.File else None)


class SubTreeFileSystem(FileSystem):
    """What lies below one directory of another file system, as a file system."""

    def __init__(self, base_path, base_fs):
        from ._fs_resolve import ensure_filesystem
        self._base_fs = ensure_filesystem(base_fs)
        base_path = self._base_fs.normalize_path(_name(base_path)).rstrip("/")
        self._base = base_path + "/"

    base_path = property(lambda self: self._base)
    base_fs = property(lambda self: self._base_fs)
    type_name = property(lambda self: "subtree")

    def _parts(self):
        return self._base, self._base_fs

    def _whole(self, path):
        name = _name(path)
        return self._base + name.lstrip("/") if name else self._base.rstrip("/") or "/"

    def _cut(self, info):
        path = info.path
        if path.startswith(self._base):
            path = path[len(self._base):]
        elif path == self._base.rstrip("/"):
            path = ""
        return FileInfo(path, info.type, mtime_ns=info.mtime_ns, size=info.size)

    def _local_path(self, path):
        return self._base_fs._local_path(self._whole(path))

    def normalize_path(self, path):
        return _name(path)

    def _info(self, name):
        return self._cut(self._base_fs._info(self._whole(name)))

    def _selected(self, selector):
        inner = selector._with_base(self._whole(selector.base_dir))
        return [self._cut(one) for one in self._base_fs._selected(inner)]

    def create_dir(self, path, *, recursive=True):
        self._base_fs.create_dir(self._whole(path), recursive=recursive)

    def delete_dir(self, path):
        self._base_fs.delete_dir(self._whole(path))

    def delete_dir_contents(self, path, *, accept_root_dir=False, missing_dir_ok=False):
        if not accept_root_dir and _name(path).strip("/") == "":
            raise ValueError("delete_dir_contents called on root dir")
        self._base_fs.delete_dir_contents(self._whole(path), accept_root_dir=True, missing_dir_ok=missing_dir_ok)

    def delete_file(self, path):
        self._base_fs.delete_file(self._whole(path))

    def move(self, src, dest):
        self._base_fs.move(self._whole(src), self._whole(dest))

    def copy_file(self, src, dest):
        self._base_fs.copy_file(self._whole(src), self._whole(dest))

    def _open_input(self, name, is_stream):
        return self._base_fs._open_input(self._whole(name), is_stream)

    def _open_output(self, name, appends, metadata):
        return self._base_fs._open_output(self._whole(name), appends, metadata)

    def __repr__(self):
        return f"SubTreeFileSystem(base_path={self._base}, base_fs={self._base_fs})"


def copy_files(
    source, destination, source_filesystem=None, destination_filesystem=None, *, chunk_size=1024 * 1024, use_threads=True
):
    """Copies a file, or all files below a directory, from one file system to another or within one."""
    from ._fs_resolve import resolved
    here, source = resolved(source, source_filesystem)
    there, destination = resolved(destination, destination_filesystem)
    info = here.get_file_info(source)
    if info.type == FileType.NotFound:
        raise FileNotFoundError(2, f"Cannot copy '{source}': there is no such file or directory")
    pairs = [(source, destination)]
    if info.type == FileType.Directory:
        base = source.rstrip("/") + "/"
        pairs = []
        there.create_dir(destination)
        for one in sorted(here.get_file_info(FileSelector(source, recursive=True)), key=lambda found: found.path):
            target = destination.rstrip("/") + "/" + one.path[len(base):]
            if one.type == FileType.Directory:
                there.create_dir(target)
            elif one.is_file:
                pairs.append((one.path, target))
    for path, target in pairs:
        with here.open_input_stream(path, compression=None) as reader:
            with there.open_output_stream(target, compression=None) as writer:
                while data := reader.read(chunk_size):
                    writer.write(data)
