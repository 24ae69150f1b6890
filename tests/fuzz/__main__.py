"""Runs the analysis on mutated captures and keeps those for which something does not hold."""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from analyzer.native import is_compiled_before
from tests.fuzz.checks import MOST_MEGABYTES, BrokenError, check, most_memory
from tests.fuzz.mutations import capture_number

KEPT = Path(__file__).parent.parent / "data" / "fuzz"
COMPARED = 8
"""One input in so many is analysed in both modes and compared."""
REPORTED = 128
"""One input in so many is made into reports, too."""
MEASURED = 16
TOLD = 10_000


def main(words: list[str] | None = None) -> int:
    """Run; returns 1 if something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--budget", type=int, default=1000, metavar="N", help="inputs to try")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="what the inputs follow from")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first input")
    parser.add_argument("--keep", type=Path, default=KEPT, metavar="DIR", help="where inputs that break it are put")
    chosen = parser.parse_args(words)
    compile_elsewhere()
    counts: Counter[str] = Counter()
    slowest = 0.0
    memory = most_memory()
    started = time.monotonic()
    for number in range(chosen.first, chosen.first + chosen.budget):
        before = time.process_time()
        counts.update(tried(chosen.seed, number, chosen.keep))
        slowest = max(slowest, time.process_time() - before)
        if (number + 1) % MEASURED == 0:
            memory = watched(memory, number)
        if (number + 1) % TOLD == 0:
            say(counts, slowest, started)
    counts["broken"] += watched(0, chosen.first + chosen.budget) > MOST_MEGABYTES
    say(counts, slowest, started)
    return 1 if counts["broken"] else 0


def watched(before: int, number: int) -> int:
    """The memory taken so far, MB; says so where it went beyond its bound."""
    memory = most_memory()
    if memory > max(before, MOST_MEGABYTES):
        sys.stdout.write(f"up to input {number}: memory {memory} MB\n")
    return memory


def compile_elsewhere() -> None:
    """Have the kernels in the cache: compiling takes time and memory, which are not what is measured here."""
    if not is_compiled_before():
        code = "from analyzer.skim import Skimmer; Skimmer(compiled=True)"
        subprocess.run([sys.executable, "-c", code], check=True)


def tried(seed: int, number: int, keep: Path) -> Counter[str]:
    """What became of one input."""
    inputs = capture_number(seed, number)
    counts = Counter(inputs=1, bytes=sum(map(len, inputs)))
    both = number % COMPARED == 0
    try:
        result = check(inputs, compiled=number % 2 == 1, both=both, reports=number % REPORTED == 0)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever it is, it is what we look for
        counts["broken"] += 1
        keep_inputs(inputs, keep)
        reason = str(error) if isinstance(error, BrokenError) else traceback.format_exc()
        sys.stdout.write(f"seed {seed}, input {number}: {reason}\n")
        return counts
    counts["compared"] += both
    if isinstance(result, str):
        counts["no capture"] += 1
        return counts
    counts["analysed"] += 1
    counts["damaged"] += any(file.damaged_at is not None for file in result.files)
    counts["packets"] += result.totals.packets
    counts["packets decoded"] += result.totals.tcp_packets + result.totals.icmp_packets
    return counts


def keep_inputs(inputs: list[bytes], folder: Path) -> None:
    """Write the files of one input; those of one run share the beginning of their names."""
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(b"".join(inputs)).hexdigest()[:12]
    for number, data in enumerate(inputs):
        (folder / f"{name}.{number}.bin").write_bytes(data)


def say(counts: Counter[str], slowest: float, started: float) -> None:
    """The figures so far, on a line."""
    shown = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    sys.stdout.write(
        f"{shown}; slowest {slowest:.2f} s, memory {most_memory()} MB, {time.monotonic() - started:.0f} s\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
