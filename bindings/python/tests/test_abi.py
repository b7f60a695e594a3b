"""The declarations of _abi.py against the header, and what importing the package costs and loads."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from martlet import _abi

HEADER = Path(__file__).resolve().parents[3] / "include" / "martlet" / "martlet.h"


def letter(declaration):
    """The letter of _abi.py for a parameter or result of the header."""
    declaration = declaration.strip()
    if "*" in declaration or "(" in declaration:
        return "s" if re.fullmatch(r"const char \*\w*", declaration) else "p"
    kind = declaration.replace("const ", "").split()[0]
    return {"int64_t": "q", "int32_t": "i", "uint64_t": "u", "bool": "b", "martlet_status": "t", "void": "v"}[kind]


def parameters(text):
    """Parameters of a prototype; commas inside function pointers do not count."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [p for p in parts + [text[start:]] if p.strip() not in ("", "void")]


def prototypes():
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    text = re.sub(r"MARTLET_CHECKED|^#.*$", "", text, flags=re.M)
    text = " ".join(text.split())
    for match in re.finditer(r"([\w ]+?[ *]+)(martlet_\w+)\(((?:[^()]|\([^()]*\))*)\);", text):
        result, name, arguments = match.groups()
        yield name, letter(result.strip() + " x" if "*" not in result else result) , "".join(map(letter, parameters(arguments)))


@pytest.mark.skipif(not HEADER.exists(), reason="the header is not there")
def test_every_function_is_declared_as_in_the_header():
    found = {name: f"{result}:{arguments}" for name, result, arguments in prototypes()}
    assert len(found) > 90
    declared = {name: text.rstrip("*") for name, text in _abi.PROTOTYPES.items()}
    assert declared == found


def test_import_loads_neither_numpy_nor_pandas():
    code = "import sys, martlet; print([m for m in ('numpy', 'pandas', 'pyarrow', 'typing', 'decimal') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['typing']")


def test_a_missing_library_is_told(tmp_path):
    code = "import martlet"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**__import__("os").environ, "MARTLET_LIBRARY": str(tmp_path / "none.so")})
    assert "ImportError" in done.stderr and "MARTLET_LIBRARY" in done.stderr


def test_progress_cancels_and_raises_what_the_callback_raised():
    from ctypes import CFUNCTYPE, POINTER, c_int32, c_int64, c_void_p, cast
    with pytest.raises(KeyboardInterrupt):
        with _abi.Progress(lambda done, total: (_ for _ in ()).throw(KeyboardInterrupt())) as progress:
            address = progress._struct.callback
            called = cast(address, CFUNCTYPE(c_int32, c_void_p, c_int64, c_int64))
            assert called(None, 1, -1) == 1
    seen = []
    with _abi.Progress(lambda done, total: seen.append((done, total))) as progress:
        called = cast(progress._struct.callback, CFUNCTYPE(c_int32, c_void_p, c_int64, c_int64))
        assert called(None, 1, -1) == 0 and called(None, 2, 5) == 0
    assert seen == [(1, None), (2, 5)]
    with _abi.Progress(lambda done, total: False) as progress:
        called = cast(progress._struct.callback, CFUNCTYPE(c_int32, c_void_p, c_int64, c_int64))
        assert called(None, 1, 2) == 1
