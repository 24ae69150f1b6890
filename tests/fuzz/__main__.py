"""Runs the analysis on mutated captures and keeps those for which something does not hold."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from analyzer.native import is_compiled_before
from tests.fuzz.mutations import capture_number
from tests.fuzz.processes import outcomes
from tests.fuzz.worker import Outcome, keep_inputs

KEPT = Path(__file__).parent.parent / "data" / "fuzz"
TOLD = 10_000


@dataclass
class Figures:
    """The sums of a run."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0  # processor time of one input, s
    memory: int = 0  # most of any process, MB
    seconds: float = 0.0  # by the clock on the wall

    def add(self, outcome: Outcome) -> None:
        """Take one more input into the sums."""
        self.counts.update(outcome.counts)
        self.counts["broken"] += bool(outcome.reason)
        self.slowest = max(self.slowest, outcome.seconds)
        self.memory = max(self.memory, outcome.memory)

    def line(self) -> str:
        """All of them."""
        shown = ", ".join(f"{name} {count}" for name, count in sorted(self.counts.items()))
        return f"{shown}; slowest {self.slowest:.2f} s, memory {self.memory} MB, {self.seconds:.0f} s\n"


def main(words: list[str] | None = None) -> int:
    """Run; returns 1 if something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--budget", type=int, default=1000, metavar="N", help="inputs to try")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="what the inputs follow from")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first input")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes at once")
    parser.add_argument("--keep", type=Path, default=KEPT, metavar="DIR", help="where inputs that break it are put")
    chosen = parser.parse_args(words)
    compile_elsewhere()
    figures = run(chosen.seed, range(chosen.first, chosen.first + chosen.budget), chosen.jobs, chosen.keep)
    return 1 if figures.counts["broken"] else 0


def run(seed: int, numbers: range, jobs: int, keep: Path) -> Figures:
    """Try the inputs of these numbers in so many processes; tells what breaks, and the sums at the end."""
    figures = Figures()
    started = time.monotonic()
    for outcome in outcomes(seed, numbers, jobs):
        figures.add(outcome)
        figures.seconds = time.monotonic() - started
        if outcome.reason:
            sys.stdout.write(f"seed {seed}, input {outcome.number}: {outcome.reason}\n")
            keep_inputs(capture_number(seed, outcome.number), keep)
        if figures.counts["inputs"] % TOLD == 0 and figures.counts["inputs"] < len(numbers):
            sys.stdout.write(figures.line())
        sys.stdout.flush()
    sys.stdout.write(figures.line())
    return figures


def compile_elsewhere() -> None:
    """Have the kernels in the cache: compiling takes time and memory, which are not what is measured here."""
    if not is_compiled_before():
        code = "from analyzer.skim import Skimmer; Skimmer(compiled=True)"
        subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    raise SystemExit(main())
