"""Runs the analysis on mutated captures and keeps those for which something does not hold."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tests.fuzz.checks import compile_elsewhere
from tests.fuzz.figures import Figures
from tests.fuzz.measurements import measurements
from tests.fuzz.mutations import capture_number
from tests.fuzz.page import page
from tests.fuzz.processes import outcomes
from tests.fuzz.worker import keep_inputs

KEPT = Path(__file__).parent.parent / "data" / "fuzz"
TOLD = 10_000


def main(words: list[str] | None = None) -> int:
    """Run; returns 1 if something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--budget", type=int, default=1000, metavar="N", help="inputs to try")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="what the inputs follow from")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first input")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes at once")
    parser.add_argument("--keep", type=Path, default=KEPT, metavar="DIR", help="where inputs that break it are put")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="measure hostile captures, too, and write docs/reliability.md there"
    )
    chosen = parser.parse_args(words)
    compile_elsewhere()
    figures = run(chosen.seed, range(chosen.first, chosen.first + chosen.budget), chosen.jobs, chosen.keep)
    if chosen.page is not None:
        command = f"python -m tests.fuzz --budget {chosen.budget} --seed {chosen.seed} --page {chosen.page}"
        chosen.page.write_text(page(command, figures, measurements()), encoding="utf-8")
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


if __name__ == "__main__":
    raise SystemExit(main())
