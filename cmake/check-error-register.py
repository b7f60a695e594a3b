#!/usr/bin/env python3
"""Finds functions that the Swift compiler broke: `check-error-register.py libmartlet.so`.

A Swift function that throws returns its error in a register, zero for none. Where its last act is a copy or fill of
memory, the optimiser (LLVM in Swift 6.3) may jump to memcpy, memmove or memset instead of calling it, and then leaves
in that register whatever was computed there: the caller sees an error that nobody threw. The cure is in the source:
copy earlier, so that something else comes last.
"""
import re
import subprocess
import sys

REGISTER = "%r12"
WRITES = re.compile(r"^(?!test|cmp|push|bt )\S+ .*,%r12[dwb]?$|^(?:pop|inc|dec|neg|not|set\w+|shl|shr|sar) +%r12[dwb]?$")
JUMP = re.compile(r"^(j\w+) +([0-9a-f]+) <(.*)>$")


def is_broken(code):
    """Whether a path leads to a jump to memcpy with something in the register. `code`: (address, instruction)."""
    if any(text.startswith("push ") and REGISTER in text for _, text in code):
        return False  # the register is an ordinary one here: saved and restored
    place = {address: i for i, (address, _) in enumerate(code)}
    seen, paths = set(), [(0, False)]
    while paths:
        i, is_used = paths.pop()
        while i < len(code) and (i, is_used) not in seen:
            seen.add((i, is_used))
            text = code[i][1]
            jump = JUMP.match(text)
            if jump:
                kind, target, name = jump.groups()
                if kind == "jmp" and re.match(r"mem(cpy|move|set)", name):
                    if is_used:
                        return True
                    break
                # No error: the register is zero behind the jump.
                is_checked = i > 0 and code[i - 1][1] == f"test   {REGISTER},{REGISTER}"
                if target in place:
                    paths.append((place[target], is_used and not (is_checked and kind == "je")))
                if kind == "jmp":
                    break
                is_used = is_used and not (is_checked and kind == "jne")
            elif text.startswith(("ret", "ud2", "jmp")):
                break
            elif text.startswith("xor") and text.endswith("%r12d,%r12d"):
                is_used = False
            elif WRITES.match(text):
                is_used = True
            i += 1
    return False


def broken_functions(library):
    name, code, is_candidate = None, [], False
    with subprocess.Popen(["objdump", "-d", "--no-show-raw-insn", library], stdout=subprocess.PIPE, text=True) as dump:
        for line in dump.stdout:
            if line[:1] == " ":
                address, _, text = line.partition(":\t")
                text = text.partition("#")[0].strip()
                code.append((address.strip(), text))
                is_candidate = is_candidate or (text.startswith("jmp") and "<mem" in text)
            elif line.endswith(">:\n"):
                if is_candidate and is_broken(code):
                    yield name
                name, code, is_candidate = line.split("<")[1][:-3], [], False
    if is_candidate and is_broken(code):
        yield name


if __name__ == "__main__":
    found = list(broken_functions(sys.argv[1]))
    for name in found:
        print(f"{name} jumps to memcpy, memmove or memset with its error register in use: see CONTRIBUTING.md", file=sys.stderr)
    sys.exit(1 if found else 0)
