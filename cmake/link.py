#!/usr/bin/env python3
"""The linker of libmartlet.so: ld.lld, free to drop every section that nothing refers to.

The Swift compiler marks all that is public as retained (SHF_GNU_RETAIN), in this package and in the runtime's Swift.o,
for programs that look symbols up by name. The library exports martlet_* only, so the mark keeps nothing but dead code:
nearly a tenth of the file. Copies of the objects lose it before the linker sees them. The sections named swift5_* are
the tables that the runtime walks; they keep it.
"""

import os
import shlex
import struct
import subprocess
import sys
import tempfile

SHF_GNU_RETAIN = 1 << 21
SECTION = struct.Struct("<IIQQQQIIQQ")  # Elf64_Shdr: name, type, flags, address, offset, size, link, …


def release(source, target):
    """Copies a little-endian ELF64 object without the mark."""
    with open(source, "rb") as file:
        elf = bytearray(file.read())
    (table,) = struct.unpack_from("<Q", elf, 0x28)
    count, names = struct.unpack_from("<HH", elf, 0x3C)
    # Objects of 65,280 sections or more keep both numbers in the first section's header (gABI, Section Header Table).
    first = SECTION.unpack_from(elf, table)
    count, names = count or first[5], first[6] if names == 0xFFFF else names
    strings = SECTION.unpack_from(elf, table + names * SECTION.size)[4]
    for at in range(table, table + count * SECTION.size, SECTION.size):
        name, _, flags = SECTION.unpack_from(elf, at)[:3]
        if flags & SHF_GNU_RETAIN and not elf.startswith(b"swift5_", strings + name):
            struct.pack_into("<Q", elf, at + 8, flags & ~SHF_GNU_RETAIN)
    with open(target, "wb") as file:
        file.write(elf)


def expanded(arguments):
    for argument in arguments:
        if argument.startswith("@"):
            with open(argument[1:]) as file:
                yield from expanded(shlex.split(file.read()))
        else:
            yield argument


arguments = list(expanded(sys.argv[1:]))
folders = [argument[2:] for argument in arguments if argument.startswith("-L")]
runtime = next(path for folder in folders if os.path.exists(path := f"{folder}/libswiftCore.a"))
with tempfile.TemporaryDirectory() as folder:
    subprocess.run(["ar", "x", "--output", folder, runtime, "Swift.o"], check=True)
    objects = [f"{folder}/Swift.o"]
    release(objects[0], objects[0])
    for place, argument in enumerate(arguments):
        if argument.endswith(".o") and arguments[place - 1] != "-o":
            arguments[place] = f"{folder}/{place}.o"
            release(argument, arguments[place])
    sys.exit(subprocess.run(["ld.lld", *objects, *arguments]).returncode)
