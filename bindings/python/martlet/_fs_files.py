"""What file systems say about files: their type, size and time, and what to look for."""

import datetime
import enum
import os


class FileType(enum.IntEnum):
    """What lies at a path."""

    NotFound = 0
    Unknown = 1
    File = 2
    Directory = 3

    def __repr__(self):
        return f"<FileType.{self.name}: {self.value}>"

    __str__ = enum.Enum.__str__


class FileInfo:
    """A path and what lies there; sizes are those of files, times are None where the file system knows none."""

    __slots__ = ("_path", "_type", "_nanoseconds", "_size")

    def __init__(self, path, type=FileType.Unknown, *, mtime=None, mtime_ns=None, size=None):
        if mtime is not None and mtime_ns is not None:
            raise TypeError("Only one of mtime and mtime_ns can be given")
        self._path = os.fsdecode(os.fspath(path))
        self._type = FileType(type)
        if mtime is not None:
            if isinstance(mtime, datetime.datetime):
                if mtime.tzinfo is None:
                    mtime = mtime.replace(tzinfo=datetime.timezone.utc)
                whole = mtime - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
                mtime_ns = (whole // datetime.timedelta(microseconds=1)) * 1000
            else:
                mtime_ns = int(float(mtime) * 1e9)
        self._nanoseconds = mtime_ns
        self._size = size

    path = property(lambda self: self._path)
    type = property(lambda self: self._type)
    mtime_ns = property(lambda self: self._nanoseconds)
    is_file = property(lambda self: self._type == FileType.File)
    base_name = property(lambda self: self._path.rstrip("/").rsplit("/", 1)[-1])

    @property
    def size(self):
        """The length in bytes, or None where it is not known or nothing is there."""
        return self._size

    @property
    def extension(self):
        """What is behind the last point of the name."""
        return self.base_name.rpartition(".")[2] if "." in self.base_name[1:] else ""

    @property
    def mtime(self):
        """When the file was changed, in UTC."""
        if self._nanoseconds is None:
            return None
        start = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
        return start + datetime.timedelta(microseconds=self._nanoseconds // 1000)

    def _parts(self):
        return self._path, self._type, self._nanoseconds, self._size

    def __eq__(self, other):
        return self._parts() == other._parts() if isinstance(other, FileInfo) else NotImplemented

    def __hash__(self):
        return hash(self._parts())

    def __reduce__(self):
        return _info, self._parts()

    def __repr__(self):
        size = f", size={self._size}" if self.is_file else ""
        return f"<FileInfo for {self._path!r}: type={self._type}{size}>"


def _info(path, type, mtime_ns, size):
    return FileInfo(path, type, mtime_ns=mtime_ns, size=size)


class FileSelector:
    """All that lies in a directory; with `recursive` also in those below it."""

    __slots__ = ("base_dir", "allow_not_found", "recursive")

    def __init__(self, base_dir, allow_not_found=False, recursive=False):
        self.base_dir = os.fsdecode(os.fspath(base_dir))
        self.allow_not_found = bool(allow_not_found)
        self.recursive = bool(recursive)

    def _with_base(self, base):
        return FileSelector(base, self.allow_not_found, self.recursive)

    def __repr__(self):
        return f"<FileSelector base_dir={self.base_dir!r} recursive={self.recursive}>"
