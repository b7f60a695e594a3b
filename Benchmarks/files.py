"""What a file is worth besides the time that its writer took: the codec's share of that time, how fast the others read
it beside a file of their own, how large it is, and whether the memory of a long stream stays flat.

Each question is a probe, asked in a fresh process of one engine: `ask` answers, `report` prints the rows.
"""

from __future__ import annotations

import gc
import time
from pathlib import Path

SHAPES = ["numbers", "text", "nested"]
LEVEL = 1


def ask(engine_class, engine: str, question: str, data, repeat: int) -> dict:
    own = engine_class(data)
    kind, _, what = question.partition(":")
    if kind == "stream":
        return _stream(own, what)
    ours = own.work / f"{engine}-{what}.parquet"
    if kind == "codec":
        return _codec(own, what, ours, repeat)
    return _swap(own, what, ours, own.work / f"martlet-{what}.parquet", repeat)


def _codec(own, shape: str, path: Path, repeat: int) -> dict:
    """Writes the file that the others read as well."""
    from codec import floor

    table = own._load(own.data.folder / f"{shape}.arrow")
    write = _best(lambda: own._store(table, path), repeat)
    read = _best(lambda: own._fetch(path, None), repeat)
    return {"write": write, "read": read, "size": path.stat().st_size} | floor(path, LEVEL, repeat)


def _swap(own, shape: str, path: Path, martlet: Path, repeat: int) -> dict:
    """The engine's own file and Martlet's, read in turn."""
    table = own._load(own.data.folder / f"{shape}.arrow")
    own._store(table, path)
    expected = 2 * own.data.rows
    times = {path: [], martlet: []}
    for i in range(2 * repeat + 1):
        for file, collected in times.items():
            gc.collect()
            begin = time.perf_counter()
            result = own._fetch(file, None)
            elapsed = time.perf_counter() - begin
            if own._height(result) != expected:
                raise SystemExit(f"{file.name}: {own._height(result)} rows, not {expected}")
            del result
            if i > 0:
                collected.append(elapsed)
    sizes = {"own_size": path.stat().st_size, "martlet_size": martlet.stat().st_size}
    return {"own": min(times[path]), "martlet": min(times[martlet])} | sizes


def _stream(own, direction: str) -> dict:
    """Peaks of memory (VmHWM) over a quarter of the stream and over all of it, in this order: a process does not give
    back what it once had."""
    from bench import memory

    start = memory("VmRSS")
    found = {"start": start}
    for name, share in (("quarter", 4), ("whole", 1)):
        begin = time.perf_counter()
        rows = own.pass_stream(direction, share)
        found |= {f"{name}_seconds": time.perf_counter() - begin, name: memory("VmHWM"), f"{name}_rows": rows}
    return found


def _best(run, repeat: int) -> float:
    times = []
    for _ in range(repeat + 1):
        gc.collect()
        begin = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - begin)
        del result
    return min(times[1:])


def met(reached: bool) -> str:
    return "yes" if reached else "NO"


def report(run, engines: list[str], sizes: dict) -> dict:
    """`run(engine, question)` asks in a process of its own; `sizes` are {title: {engine: bytes}} of what jobs wrote."""
    found: dict[str, dict] = {}
    if "martlet" not in engines:
        return found
    peers = [engine for engine in engines if engine != "martlet"]

    print(f"\nbeside the codec alone: zstd {LEVEL} of the C library over the same pages on all processors, milliseconds")
    print(f"{'':<10}{'write':>10}{'compress':>10}{'share':>8}{'read':>12}{'decompress':>12}{'share':>8}{'pages, MB':>12}")
    for shape in SHAPES:
        one = found[f"codec:{shape}"] = run("martlet", f"codec:{shape}")
        if "failed" in one:
            print(f"{shape:<10}failed: {one['failed']}")
            continue
        write, read = one["write"], one["read"]
        print(
            f"{shape:<10}{write * 1e3:>10.1f}{one['compress'] * 1e3:>10.1f}{one['compress'] / write:>8.0%}"
            f"{read * 1e3:>12.1f}{one['decompress'] * 1e3:>12.1f}{one['decompress'] / read:>8.0%}{one['bytes'] / 1e6:>12.1f}",
            flush=True,
        )

    print("\nreading Martlet's file beside a file of one's own, milliseconds; ratios above 1: Martlet's is read faster")
    print(f"{'':<10}{'':<10}{'own':>10}{'Martlet':>10}{'ratio':>8}{'own, MB':>12}{'Martlet, MB':>14}  goal met (1x)")
    for shape in SHAPES:
        for peer in peers:
            one = found[f"swap:{shape}:{peer}"] = run(peer, f"swap:{shape}")
            if "failed" in one:
                print(f"{shape:<10}{peer:<10}failed: {one['failed']}")
                continue
            ratio = one["own"] / one["martlet"]
            smaller = one["martlet_size"] <= one["own_size"]
            print(
                f"{shape:<10}{peer:<10}{one['own'] * 1e3:>10.1f}{one['martlet'] * 1e3:>10.1f}{ratio:>8.2f}"
                f"{one['own_size'] / 1e6:>12.1f}{one['martlet_size'] / 1e6:>14.1f}  "
                f"{met(round(ratio, 2) >= 1)}, size {met(smaller)}",
                flush=True,
            )

    for title, row in sizes.items():
        others = {engine: size for engine, size in row.items() if engine != "martlet" and size}
        if row.get("martlet") and others:
            least = min(others, key=others.get)
            share = row["martlet"] / others[least]
            print(f"size, {title}: {share:.3f} of the smallest ({least}): {met(share <= 1)}")

    print("\nmemory of a long stream, MB at the peak of the process; flat: the whole needs no more than a tenth over a quarter")
    print(f"{'':<10}{'':<10}{'rows':>14}{'seconds':>10}{'start':>10}{'quarter':>10}{'whole':>10}  flat")
    for direction in ("write", "read"):
        for engine in ("martlet", "pyarrow"):
            if engine not in engines:
                continue
            one = found[f"stream:{direction}:{engine}"] = run(engine, f"stream:{direction}")
            if "failed" in one:
                print(f"{direction:<10}{engine:<10}failed: {one['failed']}")
                continue
            print(
                f"{direction:<10}{engine:<10}{one['whole_rows']:>14,}{one['whole_seconds']:>10.1f}{one['start'] / 1e6:>10.1f}"
                f"{one['quarter'] / 1e6:>10.1f}{one['whole'] / 1e6:>10.1f}  {met(one['whole'] <= 1.1 * one['quarter'])}",
                flush=True,
            )
    return found
