"""The packet loop on one processor and on two: captures of many flows, in turn, each run a process of its own.

    python -m benchmarks.two_cores CAPTURE ... [--rounds 5]

The process of one processor may use no other, so reading ahead, too, is its work. Reading is in the time, start-up and
judging are not. Medians of all runs, with the smallest and the largest.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 3
"""Walks through a capture in one process; the first is not counted: it finds the pages of the tables."""


def walk(path: Path) -> list[float]:
    """Nanoseconds a packet of each run but the first."""
    from analyzer.capture.reader import CaptureReader
    from analyzer.flows.flow_tables import C_PACKETS
    from analyzer.passes.first import Skimmer
    from analyzer.passes.walk import prepare, walk_inputs

    found = []
    for _ in range(RUNS):
        reader = CaptureReader(path, path.name)
        reader.start()
        skimmer = Skimmer(compiled=True, large=True, input_bytes=path.stat().st_size)
        begin = time.perf_counter()
        for _each in walk_inputs(skimmer, prepare(skimmer, [reader])):
            pass
        found.append((time.perf_counter() - begin) * 1e9 / int(skimmer.state.counters[C_PACKETS]))
        reader.close()
        del skimmer
    return found[1:]


def apart(path: Path, processors: int) -> list[float]:
    """As `walk`, by a process that may use so many processors."""
    command = [sys.executable, "-m", "benchmarks.two_cores", str(path), "--walk", str(processors)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--walk", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.walk:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: asked.walk])
        sys.stdout.write(" ".join(str(each) for each in walk(asked.captures[0])))
        return
    sys.stdout.write("| capture | one processor | two | ratio |\n|---|---:|---:|---:|\n")
    for path in asked.captures:
        path.read_bytes()  # into the page cache
        times: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(asked.rounds):
            for count in times:
                times[count] += apart(path, count)
        one, two = (f"{statistics.median(each):.0f} ({min(each):.0f} to {max(each):.0f})" for each in times.values())
        ratio = statistics.median(times[1]) / statistics.median(times[2])
        sys.stdout.write(f"| {path.stem} | {one} | {two} | {ratio:.2f} |\n")


if __name__ == "__main__":
    main()
