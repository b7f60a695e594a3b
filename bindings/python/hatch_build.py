"""How the wheel is made: the version comes from martlet.h, and libmartlet.so goes into the package.

The library speaks C and is loaded with ctypes, so one wheel serves every CPython 3.
"""

import re
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = Path(__file__).resolve().parents[2]


class VersionHook(MetadataHookInterface):
    def update(self, metadata):
        header = (ROOT / "include/martlet/martlet.h").read_text()
        parts = (re.search(rf"MARTLET_VERSION_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH"))
        metadata["version"] = ".".join(parts)


class LibraryHook(BuildHookInterface):
    def initialize(self, version, build_data):
        library = ROOT / "build/libmartlet.so"
        if not library.exists():
            raise FileNotFoundError(f"{library} is missing; `make wheel` builds it first")
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-manylinux_2_34_x86_64"
        build_data["force_include"][str(library)] = "martlet/libmartlet.so"
        build_data["force_include"][str(ROOT / "LICENSE")] = "martlet/LICENSE"
        build_data["force_include"][str(ROOT / "build/THIRD_PARTY_NOTICES")] = "martlet/THIRD_PARTY_NOTICES"
