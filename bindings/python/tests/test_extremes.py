"""Numbers at the ends of their range, through every function of the C door and every option of compute: in children that may
neither die nor hang nor balloon."""

import ctypes
import faulthandler
import itertools
import os
import re
import resource
import signal
import struct
from ctypes import byref, c_void_p

import pytest

import martlet
import martlet.compute
import martlet.dataset
import martlet.ipc
import martlet.parquet
from martlet import _abi
from test_abi import HEADER, parameters

SECONDS = 30
MEMORY = 1 << 30
LOW, HIGH = -(1 << 63), (1 << 63) - 1
FEW = [0, 1, -1, 3, LOW, HIGH, 1 << 62]
MANY = FEW + [2, 7, 8, LOW + 1, HIGH - 1, 1 << 31, (1 << 31) - 1, -(1 << 31), 1 << 32, (1 << 40) + 1, 1 << 61, HIGH // 8]


def in_child(calls):
    """Runs `calls`, pairs of a name and a function without arguments, in a child; what became of the last one, None for good."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        faulthandler.disable()
        os.close(read)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        status = 1
        try:
            for number, (_, function) in enumerate(calls):
                os.write(write, struct.pack("q", number))
                signal.alarm(SECONDS)
                function()
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    reached = b"".join(iter(lambda: os.read(read, 1 << 16), b""))
    os.close(read)
    _, status = os.waitpid(child, 0)
    if status == 0:
        return None
    name = calls[struct.unpack("q", reached[-8:])[0]][0] if reached else "the start"
    how = f"signal {signal.Signals(os.WTERMSIG(status)).name}" if os.WIFSIGNALED(status) else f"status {status >> 8}"
    return f"{name}: {how}"


# ---- the C door ------------------------------------------------------------------------------------------------------


def declarations():
    """Functions of the header that take integers: their names, and their parameters as pairs of declaration and name."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    text = " ".join(re.sub(r"MARTLET_CHECKED|^#.*$", "", text, flags=re.M).split())
    for match in re.finditer(r"[\w ]+?[ *]+(martlet_\w+)\(((?:[^()]|\([^()]*\))*)\);", text):
        name, arguments = match.groups()
        found = [p.strip() for p in parameters(arguments)]
        if any(re.match(r"(u?int64_t|int32_t) \w+$", p) for p in found):
            yield name, found


@pytest.fixture(scope="module")
def handles(tmp_path_factory):
    """One handle of each kind, by its type; the objects live as long as the module's tests."""
    folder = tmp_path_factory.mktemp("extremes")
    table = martlet.table({"a": [1, None, 3], "b": ["x", "y", None], "c": [[1], [], None]})
    batch = table.to_batches()[0]
    martlet.parquet.write_table(table, folder / "one.parquet")
    sink = martlet.BufferOutputStream()
    with martlet.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    data = sink.getvalue()
    made = {
        "martlet_buffer": data._handle, "martlet_schema": table.schema._handle, "martlet_array": batch._handle,
        "martlet_ipc_file": martlet.ipc.open_file(data), "martlet_source": martlet.BufferReader(data)._source,
        "martlet_parquet_file": martlet.parquet.ParquetFile(folder / "one.parquet"),
        "martlet_dataset": martlet.dataset.dataset(folder), "keep": (table, data),
    }
    return folder, made


def address_of(kind, made, keep):
    """The address of a handle; streams and writers, which calls use up, are made anew."""
    if kind == "martlet_stream":
        handle = made["keep"][0]._stream()
    elif kind == "martlet_sink":
        handle = _abi.SinkHandle(_abi.new(_abi.lib.martlet_sink_to_memory))
    elif kind == "martlet_ipc_writer":
        sink = address_of("martlet_sink", made, keep)
        schema = made["martlet_schema"]
        handle = _abi.IpcWriterHandle(_abi.new(_abi.lib.martlet_ipc_writer_open, sink, schema, None, 0, None))
    elif kind == "martlet_parquet_writer":
        sink = address_of("martlet_sink", made, keep)
        handle = _abi.ParquetWriterHandle(
            _abi.new(_abi.lib.martlet_parquet_writer_open, sink, made["martlet_schema"], None, 0))
    elif kind == "martlet_expression":
        handle = martlet.compute.field("a")._handle
    else:
        handle = made.get(kind)
        handle = getattr(handle, "_handle", handle)
    keep.append(handle)
    return None if handle is None else handle._as_parameter_


TEXTS = {"codec": b"zstd", "name": b"add", "function": b"add"}


def call(name, declared, numbers, made):
    function, keep, numbers = getattr(_abi.lib, name), [], iter(numbers)
    given = []
    for parameter in declared:
        kind = re.match(r"(?:const )?(martlet_\w+) \*\w+$", parameter)
        if re.match(r"(u?int64_t|int32_t) \w+$", parameter):
            given.append(next(numbers))
        elif parameter.startswith("bool "):
            given.append(True)
        elif parameter.startswith("martlet_error"):
            given.append(byref(_abi._ErrorStruct()))
        elif re.fullmatch(r"const char \*\w+", parameter):
            given.append(TEXTS.get(parameter.split("*")[1], b"/nowhere/at/all"))
        elif kind and kind[1] in made or kind and kind[1] in (
                "martlet_stream", "martlet_sink", "martlet_ipc_writer", "martlet_parquet_writer", "martlet_expression"):
            given.append(address_of(kind[1], made, keep))
        elif re.match(r"(martlet_\w+|void) \*\*out\w*$", parameter) or re.match(
                r"(int64_t|int32_t|bool|double) \*\w+$", parameter) or "_info *" in parameter or "Arrow" in parameter:
            keep.append(ctypes.create_string_buffer(8192))
            given.append(ctypes.addressof(keep[-1]))
        else:
            # Memory whose size is a parameter of its own: there is none, so only 0 is right.
            given.append(None)
    function(*given)


@pytest.mark.skipif(not HEADER.exists(), reason="the header is not there")
@pytest.mark.parametrize("name, declared", list(declarations()) if HEADER.exists() else [], ids=lambda x: x if isinstance(x, str) else "")
def test_integers_of_the_c_door(name, declared, handles):
    _, made = handles
    widths = [p.split()[0] for p in declared if re.match(r"(u?int64_t|int32_t) \w+$", p)]
    values = MANY if len(widths) <= 2 else FEW if len(widths) == 3 else [0, 1, -1, LOW, HIGH]

    def fitted(value, width):
        if width == "int32_t":
            return {LOW: -(1 << 31), HIGH: (1 << 31) - 1}.get(value, max(-(1 << 31), min(value, (1 << 31) - 1)))
        return value % (1 << 64) if width == "uint64_t" else value
    if name == "martlet_source_from_descriptor" or name == "martlet_sink_to_descriptor":
        values = [value for value in values if not 0 <= value <= 1 << 20]  # what is open belongs to others
    combinations = {tuple(map(fitted, row, widths)) for row in itertools.product(values, repeat=len(widths))}
    calls = [
        (f"{name}{row}", lambda row=row: call(name, declared, row, made)) for row in sorted(combinations)]
    assert in_child(calls) is None


# ---- options of compute ----------------------------------------------------------------------------------------------

NUMBERS = {
    "width", "max_splits", "max_replacements", "start", "stop", "step", "ndigits", "n", "k", "pivot", "period", "ddof",
    "min_count", "max_index", "multiple", "week_start", "delta", "buffer_size", "length", "initializer", "q", "indices",
    "row_offset", "lower_limit", "upper_limit",
}


def arguments():
    texts = martlet.array(["abc", None, "déf", ""])
    times = martlet.array([0, None, 86_400_000_000_000, -1]).cast(martlet.timestamp("ns"))
    lists = martlet.array([[1, 2], None, [], [3]])
    numbers = martlet.array([3, None, -1, 2])
    yield from ([texts], [times], [lists], [numbers], [numbers.cast("double")], [numbers, numbers], [times, times], [])
    yield [martlet.array([{"a": 1}, None])]


def tried(name, row, options):
    try:
        martlet._compute.call(name, row, options=options)
    except (martlet.ArrowException, ValueError, KeyError, TypeError, NotImplementedError, IndexError, MemoryError) as problem:
        return str(problem)
    return ""


def functions_with_numbers():
    """Functions that have such options: all of their options, and the arguments that they take in number."""
    for name in martlet.compute.list_functions():
        for count in (1, 2, 0):
            row = next(row for row in arguments() if len(row) == count)
            _, refused, known = tried(name, row, {"unheard of": "1"}).partition("has no option 'unheard of'; it takes ")
            if refused:
                known = set(known.split(", "))
                if known & NUMBERS:
                    yield name, known, [row for row in arguments() if len(row) == count]
                break


MORE = {
    "pattern": "b", "replacement": "x", "padding": " ", "unit": "day", "characters": "a", "lower_limit": "0.1", "upper_limit": "0.9",
    "k": "2", "n": "2", "width": "5", "start": "0", "stop": "2", "multiple": "1",
}


def test_options_of_compute():
    calls, seen = [], set()
    for name, known, rows in functions_with_numbers():
        for option in sorted(known & NUMBERS):
            seen.add(option)
            rest = {k: v for k, v in MORE.items() if k in known and k != option}
            for row, value in itertools.product(rows, MANY):
                options = {**rest, option: str(value)}
                calls.append((f"{name} {options}", lambda n=name, r=row, o=options: tried(n, r, o)))
    assert len(calls) > 5_000 and len(seen) > 15
    assert in_child(calls) is None
