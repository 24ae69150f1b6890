"""Rates of the packet loop by what is around the packets: `python benchmarks/by_form.py`. It prints the page's table.

For each form a capture of the same traffic, which takes turns with that of plain Ethernet in one process. What is
counted is the processor time of the thread that walks the packets, compiled: reading goes on beside it, in another one.
So it is what more packets cost where the disk keeps up and a second core reads, and start-up is not in it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from analyzer.capture.sources import open_source
from analyzer.flows.flow_tables import C_PACKETS
from analyzer.passes.first import Skimmer
from analyzer.passes.walk import prepare, walk_inputs

from benchmarks.captures import Wanted, make, warm
from benchmarks.figures import number, rates, ratios, spread, summary
from benchmarks.forms import FORMS

PACKETS = 3_000_000


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="by_form.py", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="rounds, after one that is not counted")
    parser.add_argument("--packets", type=int, default=PACKETS, help="of each capture")
    options = parser.parse_args(arguments)
    sys.stdout.write("| form | packets/s | time per packet, Ethernet = 1 |\n|---|---:|---:|\n")
    with tempfile.TemporaryDirectory(prefix="benchmark-forms-") as directory:
        plain = make(Wanted("plain", options.packets), Path(directory)).path
        warm(plain)
        for name, form in FORMS.items():
            path = make(Wanted(name, options.packets), Path(directory)).path
            warm(path)
            rounds = [(seconds_of(path), seconds_of(plain)) for _ in range(options.runs + 1)][1:]
            own, theirs = [one for one, _ in rounds], [one for _, one in rounds]
            rate = number(summary(rates(options.packets, own)).median)
            sys.stdout.write(f"| {form.title} | {rate} | {spread(summary(ratios(own, theirs)))} |\n")
            sys.stdout.flush()
            if path != plain:
                path.unlink()
    return 0


def seconds_of(path: Path) -> float:
    """Processor time that the packet loop takes for the capture."""
    reader = open_source(path, None, None)
    try:
        reader.start()
        skimmer = Skimmer(compiled=True, large=True, input_bytes=path.stat().st_size)
        take, spent = skimmer.take, 0

        def timed(*some: Any) -> int:
            nonlocal spent
            begun = time.thread_time_ns()
            status = take(*some)
            spent += time.thread_time_ns() - begun
            return status

        skimmer.take = timed  # type: ignore[method-assign,assignment]
        for _ in walk_inputs(skimmer, prepare(skimmer, [reader])):
            pass
    finally:
        reader.close()
    if not skimmer.state.counters[C_PACKETS]:
        sys.exit(f"by_form: no packets in {path.name}")
    return spent / 1e9


if __name__ == "__main__":
    sys.exit(main())
