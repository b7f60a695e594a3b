"""What users give as `filesystem=` or as a URI becomes a file system, or a path of this machine."""

import os
from urllib.parse import unquote, urlsplit

from ._errors import ArrowInvalid


def located(path, filesystem=None):
    """`(path, None)` for a path of this machine, `(path, FileSystem)` for one elsewhere; files and bytes stay as they are."""
    if not isinstance(path, (str, os.PathLike)):
        if filesystem is not None:
            raise ValueError("'filesystem' passed but the specified path is file-like, so there is nothing to open with "
                             "'filesystem'")
        return path, None
    if filesystem is None and (not isinstance(path, str) or "://" not in path):
        return path, None
    given = path
    filesystem, path = resolved(path, filesystem)
    local = filesystem._local_path(path)
    if local is None and not isinstance(given, str):
        raise TypeError(f"Path-like objects with __fspath__ must only be used with local file systems, not {type(filesystem)}")
    return (path, filesystem) if local is None else (local, None)


def opened(path, filesystem=None):
    """What `_io.open_source` takes for a path on a file system."""
    path, filesystem = located(path, filesystem)
    return path if filesystem is None else filesystem.open_input_file(path)


def created(path, filesystem=None):
    """What `_io.open_sink` takes for a path on a file system, and whether it is a file to be closed by who called."""
    path, filesystem = located(path, filesystem)
    return (path, False) if filesystem is None else (filesystem.open_output_stream(path, compression=None), True)


def resolved(path, filesystem=None):
    """`(FileSystem, path in it)` for a path or URI."""
    from .fs import LocalFileSystem
    path = os.fsdecode(os.fspath(path))
    if filesystem is None:
        return from_uri(path) if "://" in path else (LocalFileSystem(), path)
    filesystem = ensure_filesystem(filesystem)
    return filesystem, filesystem.normalize_path(path)


def ensure_filesystem(filesystem, use_mmap=False):
    """A FileSystem of this package for one of pyarrow's or fsspec's, or a URI."""
    from .fs import FileSystem, LocalFileSystem, SubTreeFileSystem
    if isinstance(filesystem, FileSystem):
        return filesystem
    if isinstance(filesystem, (str, os.PathLike)):
        base, path = from_uri(os.fsdecode(os.fspath(filesystem)))
        return SubTreeFileSystem(path, base) if path.strip("/") else base
    kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(filesystem).__mro__]
    if "fsspec.spec.AbstractFileSystem" in kinds:
        if "fsspec.implementations.local.LocalFileSystem" in kinds:
            return LocalFileSystem(use_mmap=use_mmap)
        from ._fs_handlers import FSSpecHandler, PyFileSystem
        return PyFileSystem(FSSpecHandler(filesystem))
    if any(kind.startswith("pyarrow.") and kind.endswith("fs.FileSystem") for kind in kinds):
        if type(filesystem).__name__ == "LocalFileSystem":
            return LocalFileSystem()
        if type(filesystem).__name__ == "SubTreeFileSystem":
            return SubTreeFileSystem(filesystem.base_path, filesystem.base_fs)
        from ._fs_handlers import PyFileSystem, _ArrowHandler
        return PyFileSystem(_ArrowHandler(filesystem))
    raise TypeError(f"Unrecognized filesystem: {type(filesystem)}. `filesystem` argument must be a FileSystem instance or a "
                    "valid file system URI")


def from_uri(uri):
    """`(FileSystem, path)` of a URI or an absolute path."""
    from .fs import LocalFileSystem
    if not isinstance(uri, (str, bytes)):
        return LocalFileSystem(), os.path.abspath(os.path.expanduser(os.fsdecode(os.fspath(uri))))
    uri = os.fsdecode(uri)
    if "://" not in uri and not uri.startswith("file:"):
        if os.path.isabs(uri):
            return LocalFileSystem(), uri
        raise ArrowInvalid(f"URI has empty scheme: '{uri}'; a scheme such as file:// or an absolute path is expected")
    parts = urlsplit(uri)
    scheme = parts.scheme
    if scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise ArrowInvalid(f"Unsupported hostname in non-Windows local URI: '{uri}'")
        path = unquote(parts.path)
        return LocalFileSystem(), "/" + path.lstrip("/")
    if scheme == "mock":
        raise ArrowInvalid(f"Unrecognized filesystem type in URI: {uri}")
    scheme = scheme[7:] if scheme.startswith("fsspec+") else scheme
    return _of_fsspec(scheme, uri)


def _of_fsspec(scheme, uri):
    from ._fs_handlers import FSSpecHandler, PyFileSystem
    rest = uri.split("://", 1)[1]
    if scheme == "hf":
        try:
            from huggingface_hub import HfFileSystem
        except ImportError:
            raise ImportError("`huggingface_hub` is required to handle `hf://` URIs: install it") from None
        return PyFileSystem(FSSpecHandler(HfFileSystem())), rest
    try:
        import fsspec
    except ImportError:
        if "+" in uri.split("://", 1)[0]:
            raise ImportError(
                "`fsspec` is required to handle `fsspec+<filesystem>://` and `hf://` URIs.") from None
        raise ArrowInvalid(f"Unrecognized filesystem type in URI: {uri}; install fsspec and what it needs for "
                           f"'{scheme}://', or open the file and pass the file object") from None
    try:
        found = fsspec.filesystem(scheme)
    except ValueError as problem:
        raise ArrowInvalid(f"Unrecognized filesystem type in URI: {uri}; {problem}") from None
    return PyFileSystem(FSSpecHandler(found)), found._strip_protocol(f"{scheme}://{rest}")
