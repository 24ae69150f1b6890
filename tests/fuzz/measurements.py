"""What hostile captures take: `python -m tests.fuzz.measurements [PART OF A NAME]`, each in a process of its own."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import analyzer
from tests.fuzz.checks import compile_elsewhere, most_memory
from tests.fuzz.hostile import CASES
from tests.fuzz.products import PRODUCTS

ALL_CASES = {**CASES, **PRODUCTS}

LEAST_SECONDS = 0.3
"""Below, what a process does anyway is more than what grows."""

MOST_SECONDS = 600


class Measured(NamedTuple):
    """What one capture took: processor time of the analysis, and most memory of its process."""

    name: str
    megabytes: float
    packets: int
    flows: int
    left_out: str  # as the report says; empty: nothing
    seconds: float
    memory: int  # MB
    exponent: str = "-"  # of the time by the number of packets, from half the size to this; "-": too quick to tell

    def cells(self) -> tuple[str, ...]:
        """For a table."""
        return (
            self.name,
            f"{self.megabytes:.0f} MB",
            f"{self.packets:,}",
            f"{self.flows:,}",
            self.left_out or "nothing",
            f"{self.seconds:.1f} s",
            self.exponent,
            f"{self.memory} MB",
        )


def measurements(part: str = "") -> Iterator[Measured]:
    """Every case whose name holds `part`, at its full size."""
    compile_elsewhere()
    for name in ALL_CASES:
        if part in name:
            half, full = (_measured(name, share) for share in (2, 1))
            quick = min(half.seconds, full.seconds) < LEAST_SECONDS
            yield full if quick else full._replace(exponent=f"{math.log2(full.seconds / half.seconds):.1f}")


def _measured(name: str, share: int) -> Measured:
    """One case at that share of its full size."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile"
        _in_a_process("make", name, str(path), str(share))
        size = path.stat().st_size / 1e6
        return Measured(name, size, **json.loads(_in_a_process("read", name, str(path), str(share))))


def _in_a_process(*words: str) -> str:
    code = "import sys; from tests.fuzz.measurements import work; work(*sys.argv[1:])"
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=MOST_SECONDS, check=True).stdout


def work(what: str, name: str, path: str, share: str) -> None:
    """Make the capture, or analyse it and print what that took."""
    if what == "make":
        make, count = ALL_CASES[name]
        Path(path).write_bytes(make(count // int(share)))
        return
    before = time.process_time()
    analysis = analyzer.analyze(path, compiled=True)
    seconds = time.process_time() - before
    beyond = analysis.totals.undecoded.get("flow limit reached", 0)
    left_out = [f"{beyond:,} packets of further flows"] if beyond else []
    found = (re.match(r"(\d+) (ICMP messages|packets of troubled flows) ", note) for note in analysis.notes)
    left_out += [f"{int(each[1]):,} {each[2]}" for each in found if each]
    unjudged = (re.match(r"([\d,]+) (flows|UDP conversations) .*not judged", note) for note in analysis.notes)
    left_out += [f"{each[1]} {each[2]} not judged" for each in unjudged if each]
    taken = {
        "packets": analysis.totals.packets,
        "flows": len(analysis.all_flows),
        "left_out": ", ".join(left_out),
        "seconds": seconds,
        "memory": most_memory(),
    }
    sys.stdout.write(json.dumps(taken))


def main() -> None:
    """Print a table."""
    for measured in measurements(*sys.argv[1:2]):
        sys.stdout.write(f"| {' | '.join(measured.cells())} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
