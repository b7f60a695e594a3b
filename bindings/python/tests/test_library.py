"""libmartlet.so as a guest in a process: what it shows, what it needs, and how it gets on with other engines."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from martlet import _abi

LIBRARY = Path(_abi.lib.path)


def run(program, **environment):
    """The output of `program` in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tool(name, *arguments):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return subprocess.run([name, *arguments], capture_output=True, text=True, check=True).stdout


def test_only_the_c_door_is_shown():
    names = [line.split()[-1] for line in tool("nm", "-D", "--defined-only", str(LIBRARY)).splitlines()]
    assert names and all(name.startswith("martlet_") for name in names)


def test_only_the_c_and_cxx_runtimes_are_needed():
    needed = [line.split("[")[1].rstrip("]") for line in tool("readelf", "-d", str(LIBRARY)).splitlines() if "NEEDED" in line]
    allowed = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"}
    assert set(needed) <= allowed


def test_every_prototype_has_its_function():
    for name in _abi.PROTOTYPES:
        assert getattr(_abi.lib, name) is not None


PEERS = ["pyarrow", "polars", "duckdb", "numpy", "pandas", "arro3.core"]


@pytest.mark.parametrize("martlet_first", [True, False])
def test_all_engines_in_one_process(martlet_first):
    peers = []
    for peer in PEERS:
        try:
            __import__(peer)
            peers.append(peer)
        except ImportError:
            pass
    imports = [f"import {peer}" for peer in peers]
    imports.insert(0 if martlet_first else len(imports), "import martlet")
    program = "\n".join(imports) + "\n"
    program += "from martlet import _abi; print(_abi.lib.martlet_version().decode())\n"
    if "pyarrow" in peers:
        program += "import pyarrow as pa; assert pa.array([1, 2]).to_pylist() == [1, 2]\n"
    if "polars" in peers:
        program += "import polars as pl; assert pl.Series([1, 2]).sum() == 3\n"
    if "duckdb" in peers:
        program += "import duckdb; assert duckdb.sql('select 1').fetchall() == [(1,)]\n"
    assert run(program).strip().count(".") == 2


def test_no_dependency_is_imported():
    """Neither pyarrow nor NumPy nor pandas comes in with Martlet."""
    loaded = run("import sys, martlet; print([m for m in ('numpy', 'pandas', 'pyarrow', 'polars') if m in sys.modules])")
    assert loaded.strip() == "[]"


SHRINKING_MAP = """
import faulthandler, os
from martlet import _abi
from martlet._abi import BufferHandle, SourceHandle, lib, new, pack_options
faulthandler.enable()
path = os.environ["MAPPED"]
source = SourceHandle(new(lib.martlet_source_open, path.encode(), *pack_options({"memory_map": True})))
buffer = BufferHandle(new(lib.martlet_source_read, source, 0, 1 << 20))
os.truncate(path, 0)
import ctypes
view = ctypes.string_at(lib.martlet_buffer_address(buffer), 1 << 20)
assert set(view) <= {0, 7}
try:
    new(lib.martlet_source_read, source, 0, 10)
except OSError as problem:
    print(problem)
"""


def test_a_mapped_file_that_shrinks_is_an_error(tmp_path):
    path = tmp_path / "mapped"
    path.write_bytes(b"\x07" * (1 << 20))
    assert "file changed while mapped" in run(SHRINKING_MAP, MAPPED=str(path))


FORKING = """
import os
from martlet._abi import SinkHandle, check, lib, new
path = os.environ["TARGET"]
sink = SinkHandle(new(lib.martlet_sink_create, path.encode(), None, 0))
check(lib.martlet_sink_write, sink, b"parent", 6)
child = os.fork()
if child == 0:
    try:
        check(lib.martlet_sink_close, sink)
    except Exception:
        sink.release()
        os._exit(7)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
check(lib.martlet_sink_close, sink)
print(open(path).read(), os.listdir(os.path.dirname(path)))
"""


def test_a_forked_child_cannot_commit(tmp_path):
    assert run(FORKING, TARGET=str(tmp_path / "file")).strip() == "parent ['file']"
