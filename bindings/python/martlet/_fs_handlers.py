"""File systems that Python code makes: fsspec's, pyarrow's own, and those of users."""

import abc
import datetime

from . import _io
from ._fs_files import FileInfo, FileType
from .fs import FileSystem, _name


class FileSystemHandler(abc.ABC):
    """What a class must do to become a file system with `PyFileSystem(handler)`."""

    @abc.abstractmethod
    def get_type_name(self):
        """The name of this kind of file systems."""

    @abc.abstractmethod
    def get_file_info(self, paths):
        """A list of FileInfo of a list of paths."""

    @abc.abstractmethod
    def get_file_info_selector(self, selector):
        """A list of FileInfo of what a FileSelector wants."""

    @abc.abstractmethod
    def create_dir(self, path, recursive):
        """Makes a directory, and those above it when `recursive`."""

    @abc.abstractmethod
    def delete_dir(self, path):
        """Deletes a directory and all in it."""

    @abc.abstractmethod
    def delete_dir_contents(self, path, missing_dir_ok=False):
        """Deletes all in a directory, which is not the root."""

    @abc.abstractmethod
    def delete_root_dir_contents(self):
        """Deletes everything."""

    @abc.abstractmethod
    def delete_file(self, path):
        """Deletes a file."""

    @abc.abstractmethod
    def move(self, src, dest):
        """Gives a file or directory another name."""

    @abc.abstractmethod
    def copy_file(self, src, dest):
        """Copies a file."""

    @abc.abstractmethod
    def open_input_stream(self, path):
        """A file to be read from front to back."""

    @abc.abstractmethod
    def open_input_file(self, path):
        """A file with random access."""

    @abc.abstractmethod
    def open_output_stream(self, path, metadata):
        """A new file to be written."""

    @abc.abstractmethod
    def open_append_stream(self, path, metadata):
        """A file to be written behind what is there."""

    @abc.abstractmethod
    def normalize_path(self, path):
        """The path in the form that this file system likes best."""


class PyFileSystem(FileSystem):
    """A file system over a FileSystemHandler."""

    def __init__(self, handler):
        if not isinstance(handler, FileSystemHandler):
            raise TypeError(f"Expected a FileSystemHandler instance, got {type(handler)}")
        self._handler = handler

    handler = property(lambda self: self._handler)
    type_name = property(lambda self: f"py::{self._handler.get_type_name()}")

    def _parts(self):
        return (self._handler,)

    def normalize_path(self, path):
        return self._handler.normalize_path(_name(path))

    def _info(self, name):
        return self._handler.get_file_info([name])[0]

    def get_file_info(self, paths_or_selector):
        if isinstance(paths_or_selector, (list, tuple)):
            return list(self._handler.get_file_info([_name(path) for path in paths_or_selector]))
        return super().get_file_info(paths_or_selector)

    def _selected(self, selector):
        return list(self._handler.get_file_info_selector(selector))

    def create_dir(self, path, *, recursive=True):
        self._handler.create_dir(_name(path), recursive)

    def delete_dir(self, path):
        self._handler.delete_dir(_name(path))

    def delete_dir_contents(self, path, *, accept_root_dir=False, missing_dir_ok=False):
        name = _name(path)
        if name.strip("/") == "":
            if not accept_root_dir:
                raise ValueError("delete_dir_contents called on root dir")
            self._handler.delete_root_dir_contents()
        else:
            self._handler.delete_dir_contents(name, missing_dir_ok)

    def delete_file(self, path):
        self._handler.delete_file(_name(path))

    def move(self, src, dest):
        self._handler.move(_name(src), _name(dest))

    def copy_file(self, src, dest):
        self._handler.copy_file(_name(src), _name(dest))

    def _open_input(self, name, is_stream):
        opened = self._handler.open_input_stream(name) if is_stream else self._handler.open_input_file(name)
        return opened if isinstance(opened, _io.NativeFile) else _io.PythonFile(opened, "r")

    def _open_output(self, name, appends, metadata):
        open_stream = self._handler.open_append_stream if appends else self._handler.open_output_stream
        opened = open_stream(name, metadata)
        return opened if isinstance(opened, _io.NativeFile) else _io.PythonFile(opened, "w")


class FSSpecHandler(FileSystemHandler):
    """A file system of fsspec: `PyFileSystem(FSSpecHandler(s3fs.S3FileSystem()))`."""

    def __init__(self, fs):
        self.fs = fs

    def __eq__(self, other):
        return self.fs == other.fs if isinstance(other, FSSpecHandler) else NotImplemented

    __hash__ = object.__hash__

    def get_type_name(self):
        protocol = self.fs.protocol
        return f"fsspec+{protocol[0] if isinstance(protocol, (list, tuple)) else protocol}"

    def normalize_path(self, path):
        return path

    @staticmethod
    def _made(path, info):
        kind = {"file": FileType.File, "directory": FileType.Directory}.get(info["type"], FileType.Unknown)
        size = info["size"] if kind == FileType.File else None
        for key in ("mtime", "LastModified", "last_modified", "updated", "modified"):
            time = info.get(key)
            if isinstance(time, (int, float, datetime.datetime)):
                return FileInfo(path, kind, mtime=time, size=size)
        return FileInfo(path, kind, size=size)

    def get_file_info(self, paths):
        found = []
        for path in paths:
            try:
                found.append(self._made(path, self.fs.info(path)))
            except FileNotFoundError:
                found.append(FileInfo(path, FileType.NotFound))
        return found

    def get_file_info_selector(self, selector):
        if not self.fs.isdir(selector.base_dir):
            if self.fs.exists(selector.base_dir):
                raise NotADirectoryError(selector.base_dir)
            if selector.allow_not_found:
                return []
            raise FileNotFoundError(selector.base_dir)
        depth = None if selector.recursive else 1
        listed = self.fs.find(selector.base_dir, maxdepth=depth, withdirs=True, detail=True)
        own = selector.base_dir.strip("/")
        return [self._made(path, info) for path, info in listed.items() if path.strip("/") != own]

    def create_dir(self, path, recursive):
        try:
            self.fs.mkdir(path, create_parents=recursive)
        except FileExistsError:
            pass

    def delete_dir(self, path):
        self.fs.rm(path, recursive=True)

    def delete_dir_contents(self, path, missing_dir_ok=False):
        try:
            listed = self.fs.listdir(path, detail=False)
        except FileNotFoundError:
            if missing_dir_ok:
                return
            raise
        for one in listed:
            self.fs.rm(one, recursive=self.fs.isdir(one))

    def delete_root_dir_contents(self):
        self.delete_dir_contents("/")

    def delete_file(self, path):
        if not self.fs.exists(path):
            raise FileNotFoundError(path)
        self.fs.rm(path)

    def move(self, src, dest):
        self.fs.mv(src, dest, recursive=True)

    def copy_file(self, src, dest):
        self.fs.copy(src, dest)

    def open_input_stream(self, path):
        return self.open_input_file(path)

    def open_input_file(self, path):
        if not self.fs.isfile(path):
            raise FileNotFoundError(path)
        return self.fs.open(path, mode="rb")

    def open_output_stream(self, path, metadata):
        return self.fs.open(path, mode="wb")

    def open_append_stream(self, path, metadata):
        return self.fs.open(path, mode="ab")


class _ArrowHandler(FileSystemHandler):
    """A file system of pyarrow, which knows paths and selectors by the same names."""

    def __init__(self, fs):
        self.fs = fs

    def __eq__(self, other):
        return isinstance(other, _ArrowHandler) and self.fs == other.fs

    __hash__ = object.__hash__

    @staticmethod
    def _made(info):
        return FileInfo(info.path, FileType[info.type.name], mtime_ns=info.mtime_ns, size=info.size)

    def get_type_name(self):
        return self.fs.type_name

    def normalize_path(self, path):
        return self.fs.normalize_path(path)

    def get_file_info(self, paths):
        return [self._made(info) for info in self.fs.get_file_info(list(paths))]

    def get_file_info_selector(self, selector):
        from pyarrow.fs import FileSelector as Theirs
        theirs = Theirs(selector.base_dir, selector.allow_not_found, selector.recursive)
        return [self._made(info) for info in self.fs.get_file_info(theirs)]

    def create_dir(self, path, recursive):
        self.fs.create_dir(path, recursive=recursive)

    def delete_dir(self, path):
        self.fs.delete_dir(path)

    def delete_dir_contents(self, path, missing_dir_ok=False):
        self.fs.delete_dir_contents(path, missing_dir_ok=missing_dir_ok)

    def delete_root_dir_contents(self):
        self.fs.delete_dir_contents("/", accept_root_dir=True)

    def delete_file(self, path):
        self.fs.delete_file(path)

    def move(self, src, dest):
        self.fs.move(src, dest)

    def copy_file(self, src, dest):
        self.fs.copy_file(src, dest)

    def open_input_stream(self, path):
        return self.fs.open_input_stream(path, compression=None)

    def open_input_file(self, path):
        return self.fs.open_input_file(path)

    def open_output_stream(self, path, metadata):
        return self.fs.open_output_stream(path, compression=None, metadata=metadata)

    def open_append_stream(self, path, metadata):
        return self.fs.open_append_stream(path, compression=None, metadata=metadata)
