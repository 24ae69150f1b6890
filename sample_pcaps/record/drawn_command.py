"""`drawn`: record scenarios drawn at random, each reproducible from its seed and number."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from .capture_file import read_capture
from .drawn import Drawn, draw
from .drawn_truth import record_drawn, truth_of_drawn
from .laboratory import Truth, merge_truth, truth_of
from .scenario import Capture, Scenario

RecordAll = Callable[
    [list[tuple[Scenario, dict[Capture, Path]]], Path, int, Callable[[Scenario, dict[Capture, Path]], Truth]], int
]


def main(arguments: list[str], record_all: RecordAll) -> int:
    """Draw them, list them or record them; the answer is the exit code."""
    options = _parse(arguments)
    drawn = [draw(options.seed, number) for number in range(options.first, options.first + options.count)]
    if options.list:
        for one in drawn:
            print(f"{one.scenario.name}  {one.scenario.data} {one.scenario.path.round_trip} s  {one.scenario.shows}")
        return 0
    if options.labels:
        return _label(drawn, options.out)
    by_name: dict[str, Drawn] = {one.scenario.name: one for one in drawn}
    options.out.mkdir(parents=True, exist_ok=True)
    jobs = [
        (one.scenario, {capture: options.out / one.scenario.file_of(capture) for capture in one.scenario.captures})
        for one in drawn
    ]

    def recorder(scenario: Scenario, targets: dict[Capture, Path]) -> Truth:
        return record_drawn(by_name[scenario.name], targets)

    return record_all(jobs, options.out, options.jobs, recorder)


def _label(drawn: list[Drawn], out: Path) -> int:
    """Write truth.json anew from the captures that are there."""
    truth: Truth = {}
    for one in drawn:
        for capture in one.scenario.captures:
            path = out / one.scenario.file_of(capture)
            if path.exists():
                recorded = read_capture(path)
                entry = truth_of(one.scenario, capture, recorded)
                truth[path.name] = truth_of_drawn(one, capture.role, recorded, entry)
    merge_truth(out, truth)
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="record drawn", description="Record scenarios drawn at random, with their truth.json."
    )
    parser.add_argument("--count", type=int, default=100, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the series; its scenarios are always the same")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--out", type=Path, default=Path("drawn"), help="output directory")
    parser.add_argument("--jobs", type=int, default=6, help="scenarios recorded at a time")
    parser.add_argument("--labels", action="store_true", help="record nothing, label again what is in --out")
    parser.add_argument("--list", action="store_true", help="say what they are and stop")
    return parser.parse_args(arguments)
