"""Martlet beside pyarrow, polars, duckdb and arro3: one run, one table.

    python Benchmarks/bench.py [--quick | --full] [--jobs NAME,...] [--engines NAME,...] [--json FILE]

Every job runs in a fresh process for every engine, the engines one after the other and that several times, so that a busy
moment of the machine does not fall on one of them alone. A process makes its inputs in its engine's own structures, runs
the job once to warm up (that run measures the memory), then repeats it. All engines use their default threads, and the
same codec at the same level. `best` is the fastest repetition, `median` the middle one; memory is the peak of the process (VmHWM),
and what of it the job added on top of its inputs.

The main table has 5,000,000 rows, the shapes of Parquet and the columns of kernels twice as many, the stream 100,000,000. At
the end come questions about the files (`files.py`): the codec alone, Martlet's files in the hands of the others, sizes,
and the memory of a stream of which nobody ever holds more than a batch.
"""

from __future__ import annotations

import argparse
import functools
import gc
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import files
from engines import CLASSES
from inputs import Data, Skip

ENGINES = ["martlet", "pyarrow", "polars", "duckdb", "arro3"]

# name: (title, goal). A goal compares with pyarrow ("2.5x pyarrow"), with the fastest peer ("best"), or is met by either of
# them or by nine tenths of the bandwidth of memory ("1.5x or best").
JOBS = {
    "parquet_write": ("Parquet write, zstd 1", "2.5x pyarrow"),
    "parquet_stream_write": ("batches of 5,000 rows through a writer, zstd 1", "5x pyarrow"),
    "parquet_read": ("Parquet read all, zstd 1", "best"),
    "parquet_read_2_of_50": ("Parquet read 2 of 50 columns", "best"),
    "parquet_read_1_of_5000": ("Parquet open, 5,000 columns x 20 row groups, read one", "best"),
    "parquet_encrypted_write": ("Parquet write, zstd 1, AES-GCM", "2x pyarrow"),
    "parquet_encrypted_read": ("Parquet read all, zstd 1, AES-GCM", "1.5x pyarrow"),
    "parquet_filter": ("Parquet 1 % filter on a sorted column", "2x pyarrow"),
    "write_numbers": ("Parquet write, numbers", "best"),
    "read_numbers": ("Parquet read, numbers", "best"),
    "write_text": ("Parquet write, text", "best"),
    "read_text": ("Parquet read, text", "best"),
    "write_nested": ("Parquet write, nested", "best"),
    "read_nested": ("Parquet read, nested", "best"),
    "read_nested_leaf": ("Parquet read, one nested column of three", "best"),
    "write_stream": ("Parquet write, 100 million rows as a stream", "best"),
    "read_stream": ("Parquet read, 100 million rows as a stream", "best"),
    "dataset_write_3": ("partitioned write, 3 keys", "3x pyarrow"),
    "dataset_write_1000": ("partitioned write, 1,000 keys", "25x pyarrow"),
    "dataset_read_1_of_3": ("partitioned read, one key of three", "1.3x pyarrow"),
    "ipc_write": ("IPC file write", "best"),
    "ipc_mmap_sum": ("IPC file mmap, sum all columns", "best"),
    "ipc_pipe": ("IPC stream through a pipe", "best"),
    "list_to_array_ints": ("list to array, ints", "1x pyarrow"),
    "list_to_array_floats": ("list to array, floats with None", "1x pyarrow"),
    "list_to_array_strings": ("list to array, strings", "1x pyarrow"),
    "array_to_list_ints": ("array to list, ints", "1x pyarrow"),
    "array_to_list_floats": ("array to list, floats with None", "1x pyarrow"),
    "array_to_list_strings": ("array to list, strings", "1x pyarrow"),
    "ipc_zstd": ("IPC file write, zstd", "1.5x or best"),
    "ipc_lz4": ("IPC file write, lz4", "1.5x or best"),
    "ipc_open": ("IPC file of 10,000 batches, mmap", "1.5x or best"),
    "share_batches": ("100,000 small batches through the C interface", "1.5x or best"),
    "cast_text": ("cast, string to int64", "1.5x or best"),
    "cast_time": ("cast, timestamp ns to ms", "1.5x or best"),
    "filter": ("filter, half of the rows", "1.5x or best"),
    "take": ("take, rows in random order", "1.5x or best"),
    "group_by": ("group_by, 1,000 keys", "1.5x or best"),
    "compare_scalar": ("int64 above a number", "1x pyarrow"),
    "is_in_text": ("is_in, strings", "1x pyarrow"),
    "starts_with": ("starts_with", "1x pyarrow"),
    "match_substring": ("match_substring", "1x pyarrow"),
    "compare_text": ("strings below a string", "1x pyarrow"),
    "match_like": ("match_like, text anywhere", "1x pyarrow"),
    "trim_text": ("utf8_trim_whitespace", "1x pyarrow"),
    "text_upper": ("utf8_upper", "1x pyarrow"),
    "split_text": ("split_pattern", "1x pyarrow"),
    "year": ("year of timestamps", "1x pyarrow"),
    "hour": ("hour of timestamps", "1x pyarrow"),
    "float_text": ("cast, float64 to string", "1x pyarrow"),
    "stddev": ("stddev", "1x pyarrow"),
}


# ---- one process: one engine, one job --------------------------------------------------------------------------------


def pipe_writer(engine: str, data: Data) -> None:
    stream = os.fdopen(os.dup(1), "wb")
    write = CLASSES[engine](data).pipe_writer(stream)
    stream.write(b"R")
    stream.flush()
    if sys.stdin.buffer.read(1) == b"G":
        write()
    stream.close()


def memory(key: str) -> int:
    """Bytes from /proc/self/status: VmRSS, VmHWM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    return 0


def size_of(path: Path | None) -> int | None:
    if path is None:
        return None
    if path.is_dir():
        return sum(file.stat().st_size for file in path.glob("**/*") if file.is_file())
    return path.stat().st_size


def measure(engine: str, name: str, data: Data, repeat: int) -> dict:
    try:
        job = getattr(CLASSES[engine](data), name)()
    except Skip:
        return {"skipped": "not offered"}

    times, added, peak = [], 0, 0
    for i in range(repeat + 1):
        if job.before:
            job.before()
        if job.output:
            # What the last repetition left for the disk is not this one's work.
            os.sync()
        gc.collect()
        if i == 0:
            # Makes the peak of the process start again from what it holds now.
            Path("/proc/self/clear_refs").write_text("5")
            start = memory("VmRSS")
        begin = time.perf_counter()
        result = job.run()
        elapsed = time.perf_counter() - begin
        if i == 0:
            peak = memory("VmHWM")
            added = max(peak - start, 0)
        else:
            times.append(elapsed)
        if job.rows and not job.rows(result):
            raise SystemExit(f"{engine} {name}: wrong result")
        del result
    return {"times": times, "added": added, "peak": peak, "size": size_of(job.output), "moved": job.moved}


# ---- all of them -----------------------------------------------------------------------------------------------------


def run_child(engine: str, job: str, data: Data, repeat: int, work: Path, limit: int = 600) -> dict:
    command = [sys.executable, __file__, "--child", engine, job, "--repeat", str(repeat)]
    command += ["--data", str(data.folder), "--rows", str(data.rows)]
    environment = os.environ | {"MARTLET_BENCH_WORK": str(work)}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"failed": f"more than {limit} s"}
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line.removeprefix("RESULT "))
    lines = (done.stderr or done.stdout).strip().splitlines()
    return {"failed": lines[-1] if lines else f"exit status {done.returncode}"}


def merge(rounds: list[dict]) -> dict:
    good = [r for r in rounds if "times" in r]
    if not good:
        return rounds[-1]
    times = [t for r in good for t in r["times"]]
    return {
        "best": min(times),
        "median": statistics.median(times),
        "added": min(r["added"] for r in good),
        "peak": min(r["peak"] for r in good),
        "size": good[-1]["size"],
        "moved": good[-1]["moved"],
    }


def verdict(name: str, results: dict) -> tuple[str, str, str]:
    """Ratios of pyarrow and of the best peer to Martlet (above 1: Martlet is faster), and whether the goal is met."""
    ours = results.get("martlet", {})
    peers = {e: r["best"] for e, r in results.items() if e != "martlet" and "best" in r}
    if "best" not in ours or not peers:
        return "", "", "-"
    best_peer = min(peers, key=peers.get)
    to_best = peers[best_peer] / ours["best"]
    to_pyarrow = peers["pyarrow"] / ours["best"] if "pyarrow" in peers else None
    goal = JOBS[name][1]
    if goal == "best":
        met = to_best >= 1
    elif goal == "1.5x or best":
        reached = ours["moved"] / ours["best"] if ours["moved"] else 0
        met = to_best >= 1 or (to_pyarrow or 0) >= 1.5 or reached >= 0.9 * memory_bandwidth()
    else:
        met = to_pyarrow is not None and to_pyarrow >= float(goal.split("x")[0])
    return (
        f"{to_pyarrow:.2f}" if to_pyarrow else "",
        f"{to_best:.2f} {best_peer}",
        f"{'yes' if met else 'NO'} ({goal})",
    )


@functools.cache
def memory_bandwidth() -> float:
    """Bytes a second that all processors read and write together when they copy large arrays."""
    import numpy as np
    from concurrent.futures import ThreadPoolExecutor

    count = len(os.sched_getaffinity(0))
    pairs = [(np.ones(1 << 25), np.ones(1 << 25)) for _ in range(count)]
    with ThreadPoolExecutor(count) as pool:
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            list(pool.map(lambda pair: np.copyto(*pair), pairs))
            times.append(time.perf_counter() - begin)
    return count * 2 * pairs[0][0].nbytes / min(times)


def cell(result: dict | None, key: str) -> str:
    if not result or "skipped" in result:
        return "-"
    if "failed" in result:
        return "failed"
    value = result.get(key)
    if value is None:
        return "-"
    if key in ("best", "median"):
        return f"{value * 1000:.1f}"
    return f"{value / 1e6:.1f}"


def print_table(title: str, results: dict, engines: list[str], key: str) -> None:
    if not results:
        return
    width = max(len(JOBS[name][0]) for name in results) + 1
    print(f"\n{title}")
    print(" " * width + "".join(f"{engine:>10}" for engine in engines))
    for name, row in results.items():
        if any(cell(row.get(engine), key) not in ("-", "failed") for engine in engines):
            print(JOBS[name][0].ljust(width) + "".join(f"{cell(row.get(e), key):>10}" for e in engines))


def import_times(engines: list[str]) -> dict:
    """Milliseconds that `import` adds to a bare interpreter, the best of seven."""

    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def best(code: str) -> float:
        times = []
        for _ in range(8):
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
            times.append(time.perf_counter() - begin)
        return min(times[1:])

    # Compiled modules count, as after an installation.
    with tempfile.TemporaryDirectory() as compiled:
        environment["PYTHONPYCACHEPREFIX"] = compiled
        bare = best("pass")
        modules = {"arro3": "arro3.core"}
        result = {}
        for engine in engines:
            module = modules.get(engine, engine)
            if importlib.util.find_spec(module.split(".")[0]):
                result[engine] = best(f"import {module}") - bare
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, one round")
    parser.add_argument("--full", action="store_true", help="the size that goals are judged at, two rounds: the default")
    parser.add_argument("--rows", type=int, help="rows of the main table (5,000,000)")
    parser.add_argument("--rounds", type=int, help="processes for each engine and job (2)")
    parser.add_argument("--repeat", type=int, default=3, help="timed repetitions in each process (3)")
    parser.add_argument("--files", action="store_true", help="only the questions about files, no jobs")
    parser.add_argument("--jobs", help="only these, comma-separated: " + ", ".join(JOBS))
    parser.add_argument("--engines", default=",".join(ENGINES), help="only these, comma-separated")
    parser.add_argument("--json", help="also write all numbers to this file")
    parser.add_argument("--dir", help="where to keep inputs and write outputs (the system's temporary directory)")
    parser.add_argument("--child", nargs=2, metavar=("ENGINE", "JOB"), help=argparse.SUPPRESS)
    parser.add_argument("--pipe-writer", metavar="ENGINE", help=argparse.SUPPRESS)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    arguments = parser.parse_args()

    # The package of this checkout comes before an installed one.
    bindings = str(Path(__file__).resolve().parent.parent / "bindings" / "python")
    sys.path.insert(0, bindings)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [bindings, os.environ.get("PYTHONPATH")]))

    if arguments.quick and arguments.full:
        parser.error("--quick and --full exclude each other")
    if arguments.child:
        engine, job = arguments.child
        data = Data(Path(arguments.data), arguments.rows)
        if ":" in job:
            print("RESULT " + json.dumps(files.ask(CLASSES[engine], engine, job, data, arguments.repeat)), flush=True)
            return 0
        result = measure(engine, job, data, arguments.repeat)
        print("RESULT " + json.dumps(result), flush=True)
        return 0
    if arguments.pipe_writer:
        pipe_writer(arguments.pipe_writer, Data(Path(arguments.data), arguments.rows))
        return 0

    rows = arguments.rows or (500_000 if arguments.quick else 5_000_000)
    rounds = arguments.rounds or (1 if arguments.quick else 2)
    engines = [e for e in arguments.engines.split(",") if e]
    jobs = [] if arguments.files else [j for j in (arguments.jobs or ",".join(JOBS)).split(",") if j]
    for name in jobs:
        if name not in JOBS:
            parser.error(f"no job {name!r}; the jobs are {', '.join(JOBS)}")
    base = Path(arguments.dir or tempfile.gettempdir()) / f"martlet-bench-{os.getuid()}"
    data = Data(base / f"inputs-{rows}", rows)
    print(f"preparing {rows:,} rows in {data.folder}", flush=True)
    data.prepare()
    work = base / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)

    results: dict[str, dict[str, dict]] = {}
    width = max((len(JOBS[name][0]) for name in jobs), default=0) + 1
    print(f"\nbest of {rounds * arguments.repeat}, milliseconds; ratios above 1: Martlet is faster\n")
    header = "".join(f"{engine:>10}" for engine in engines)
    print(" " * width + header + f"{'vs pyarrow':>12}  {'vs best':<14}{'goal met':<20}")
    for name in jobs:
        collected: dict[str, list[dict]] = {engine: [] for engine in engines}
        for _ in range(rounds):
            for engine in engines:
                collected[engine].append(run_child(engine, name, data, arguments.repeat, work))
        results[name] = {engine: merge(runs) for engine, runs in collected.items()}
        to_pyarrow, to_best, met = verdict(name, results[name])
        cells = "".join(f"{cell(results[name][engine], 'best'):>10}" for engine in engines)
        print(JOBS[name][0].ljust(width) + cells + f"{to_pyarrow:>12}  {to_best:<14}{met:<20}", flush=True)

    print_table("median, milliseconds", results, engines, "median")
    print_table("peak memory of the process, MB", results, engines, "peak")
    print_table("of that, what the job added to its inputs, MB", results, engines, "added")
    print_table("size of what was written, MB", results, engines, "size")
    for name, row in results.items():
        if moved := row.get("martlet", {}).get("moved"):
            reached, limit = moved / row["martlet"]["best"] / 1e9, memory_bandwidth() / 1e9
            print(f"\n{JOBS[name][0]}: {reached:.1f} GB/s read and written; copying reaches {limit:.1f}")
    about_files = {}
    if arguments.files or not arguments.jobs:
        sizes = {
            JOBS[name][0]: {engine: result.get("size") for engine, result in row.items()}
            for name, row in results.items()
            if name.startswith(("parquet_", "write_"))
        }
        about_files = files.report(
            lambda engine, question: run_child(engine, question, data, arguments.repeat, work, limit=1800), engines, sizes
        )
    shutil.rmtree(work, ignore_errors=True)

    imports = import_times(engines)
    print("\nimport over a bare interpreter, ms: " + ", ".join(f"{e} {t * 1000:.0f}" for e, t in imports.items()))
    for name, row in results.items():
        for engine, result in row.items():
            if "failed" in result:
                print(f"failed: {engine}, {JOBS[name][0]}: {result['failed']}")

    if arguments.json:
        document = {"rows": rows, "rounds": rounds, "repeat": arguments.repeat, "jobs": results}
        document |= {"files": about_files, "import": imports}
        Path(arguments.json).write_text(json.dumps(document, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
