"""Marginal rates by what is around the packets: `python benchmarks/by_form.py`. It prints the table of the page.

For each form a small and a large capture of the same traffic, which take turns with those of plain Ethernet; the
difference between the two is free of start-up. Processor time of the tool's process, all threads, is what is compared:
on a machine with other work it is the wall clock without the waiting.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.captures import Made, Wanted, make, warm
from benchmarks.figures import Summary, differences, number, ratios, spread, summary
from benchmarks.forms import FORMS
from benchmarks.measure import ROOT
from benchmarks.programs import TOOL

SMALL, LARGE = 500_000, 5_000_000


class Cost(NamedTuple):
    """What one run took, seconds."""

    wall: float
    processor: float


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="by_form.py", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="rounds, after one that is not counted")
    parser.add_argument("forms", nargs="*", default=[name for name in FORMS if name != "plain"], metavar="FORM")
    options = parser.parse_args(arguments)
    heads = ("form", "processor time, packets/s", "wall clock, packets/s", "time per packet, Ethernet = 1")
    sys.stdout.write(f"| {' | '.join(heads)} |\n|---|---:|---:|---:|\n")
    with tempfile.TemporaryDirectory(prefix="benchmark-forms-") as directory:
        plain = _pair("plain", Path(directory))
        for name in options.forms:
            pair = _pair(name, Path(directory))
            here, there = _alternate(pair, plain, options.runs)
            cells = [_rate([one.processor for one in here]), _rate([one.wall for one in here])]
            ratio = summary(ratios([one.processor for one in here], [one.processor for one in there]))
            sys.stdout.write(f"| {FORMS[name].title} | {' | '.join(cells)} | {spread(ratio)} |\n")
            sys.stdout.flush()
            for made in pair:
                made.path.unlink()
    return 0


def _pair(form: str, directory: Path) -> tuple[Made, Made]:
    small, large = (make(Wanted(form, packets), directory) for packets in (SMALL, LARGE))
    return small, large


def _alternate(pair: tuple[Made, Made], plain: tuple[Made, Made], runs: int) -> tuple[list[Cost], list[Cost]]:
    """What the added packets cost in each round, in the form and as plain Ethernet."""
    files = (*pair, *plain)
    costs: list[list[Cost]] = [[] for _ in files]
    for made in files:
        warm(made.path)
    for turn in range(-1, runs):
        for place in range(len(files)):
            at = (place + turn) % len(files)
            cost = _once(files[at].path)
            if turn >= 0:
                costs[at].append(cost)
    added = []
    for small, large in ((costs[0], costs[1]), (costs[2], costs[3])):
        columns = [differences([s[i] for s in small], [one[i] for one in large]) for i in range(len(Cost._fields))]
        added.append([Cost(*each) for each in zip(*columns, strict=True)])
    return added[0], added[1]


def _once(path: Path) -> Cost:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*TOOL.command[:-1], str(path)], stdout=subprocess.DEVNULL, cwd=ROOT, check=True)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _rate(seconds: list[float]) -> str:
    if min(seconds) <= 0:
        return "less than the noise"
    rates: Summary = summary([(LARGE - SMALL) / one for one in seconds])
    return f"{number(rates.median)} ({number(rates.low)} to {number(rates.high)})"


if __name__ == "__main__":
    sys.exit(main())
