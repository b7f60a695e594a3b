"""Feeds files to `hostile_reader.py` and tells what became of each."""

import subprocess
import sys
from pathlib import Path

READER = Path(__file__).with_name("hostile_reader.py")


def outcomes(files):
    """`{path: outcome}` for pairs (kind, path). A reader that died is an outcome that begins with "DIED"."""
    found = {}
    left = [(kind, str(path)) for kind, path in files]
    while left:
        lines = "".join(f"{kind} {path}\n" for kind, path in left)
        done = subprocess.run([sys.executable, READER], input=lines, capture_output=True, text=True, timeout=1_800)
        begun = None
        for line in done.stdout.splitlines():
            word, rest = line.split(" ", 1)
            if word == "begin":
                begun = rest
            else:
                found[begun] = rest[len(begun) + 1 :]
        if begun is not None and begun not in found:
            found[begun] = f"DIED with {done.returncode}: {done.stderr[-600:]}"
        rest = [(kind, path) for kind, path in left if path not in found]
        assert len(rest) < len(left), f"the reader did not start: {done.stderr}"
        left = rest
    return found


def deaths(found):
    return {path: outcome for path, outcome in found.items() if outcome.startswith("DIED")}
