"""Makes the package of this checkout importable, also in the processes that tests start."""

import os
import sys
from pathlib import Path

import pytest

BINDINGS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BINDINGS))
sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(BINDINGS), os.environ.get("PYTHONPATH")]))


@pytest.fixture
def path(tmp_path):
    """The name of a file that does not exist yet."""
    return tmp_path / "file"
