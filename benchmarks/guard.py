"""The short benchmark for every change: `python benchmarks/guard.py`. It fails only on a large loss of speed.

The tool's time on four captures over that of a fixed loop in the same run, medians of five alternating runs, is
compared with the ratio stored in `guard.json`. More than twice it, in two attempts, is a regression; exit code 1. The
peak memory is compared with the stored one, too. `--store` writes today's figures there, after a change that is meant.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.captures import HERE, Made, Wanted, make
from benchmarks.figures import ratios
from benchmarks.measure import alternate
from benchmarks.programs import TOOL, Program

STORED = HERE / "guard.json"
CAPTURES = {
    "small": Wanted("one_flow", 30),
    "snap96": Wanted("snap96", 3_000_000),
    "lossy": Wanted("lossy", 160_000),
    "hung": Wanted("hung", 200_000),
}
YARDSTICK = "snap96"  # the capture that the fixed loop reads
LARGE = 2.0  # times the stored ratio
LARGE_MEMORY = 1.5
ATTEMPTS = 2
RUNS = 5
_PATIENCE = 600
LOOP = Program("loop", "a fixed loop", (sys.executable, str(HERE / "fixed_loop.py"), "{}"))

Figures = dict[str, dict[str, float]]


def main(arguments: list[str] | None = None) -> int:
    """Measure and compare; the exit code: 1 after a regression."""
    parser = argparse.ArgumentParser(prog="guard.py", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--store", action="store_true", help="store today's figures instead of comparing with them")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="benchmark-guard-") as directory:
        made = {name: make(wanted, Path(directory)) for name, wanted in CAPTURES.items()}
        if options.store:
            figures = measured(made)
            STORED.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
            sys.stdout.write(table(figures, figures))
            return 0
        stored: Figures = json.loads(STORED.read_text(encoding="utf-8"))
        for attempt in range(ATTEMPTS):
            figures = measured(made)
            sys.stdout.write(table(figures, stored))
            worse = regressions(figures, stored)
            if not worse:
                return 0
            if attempt + 1 < ATTEMPTS:
                sys.stdout.write("once more: the machine may have been busy\n")
    for line in worse:
        sys.stderr.write(f"guard: {line}\n")
    return 1


def measured(made: dict[str, Made]) -> Figures:
    """For each capture the tool's time over that of the fixed loop, and its peak memory in bytes."""
    jobs = [(LOOP, made[YARDSTICK]), *((TOOL, one) for one in made.values())]
    loop, *tools = alternate(jobs, RUNS, _PATIENCE, lambda _: None)
    for one in (loop, *tools):
        if one.problem:
            sys.exit(f"guard: {one.program} on {one.capture.name}: {one.problem}")
    return {
        name: {"ratio": round(median(ratios(one.seconds, loop.seconds)), 3), "peak": median(one.peaks)}
        for name, one in zip(made, tools, strict=True)
    }


def regressions(figures: Figures, stored: Figures) -> list[str]:
    """What is much worse than stored, one line each."""
    worse = []
    for name, now in figures.items():
        before = stored[name]
        if now["ratio"] > LARGE * before["ratio"]:
            worse.append(f"{name}: {now['ratio']:.2f} times the fixed loop, stored is {before['ratio']:.2f}")
        if now["peak"] > LARGE_MEMORY * before["peak"]:
            worse.append(f"{name}: peak memory {now['peak'] / 1e6:.0f} MB, stored is {before['peak'] / 1e6:.0f} MB")
    return worse


def table(figures: Figures, stored: Figures) -> str:
    """The figures beside the stored ones, for people."""
    lines = [f"{'capture':<10}{'x fixed loop':>14}{'stored':>9}{'peak MB':>10}{'stored':>9}"]
    for name, now in figures.items():
        before = stored[name]
        ratio = f"{now['ratio']:>14.2f}{before['ratio']:>9.2f}"
        lines.append(f"{name:<10}{ratio}{now['peak'] / 1e6:>10.0f}{before['peak'] / 1e6:>9.0f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
