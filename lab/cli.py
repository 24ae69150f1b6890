"""The command line: pick or draw scenarios, list them, record them, hold the analyzer against them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lab import accuracy, drawn_check, poorer
from lab.capture_file import read_capture
from lab.catalogue import SCENARIOS, SCRIPTS
from lab.drawn import Drawn, draw
from lab.drawn_truth import record_drawn, truth_of_drawn
from lab.jobs import Job, record_all
from lab.network import LaboratoryError
from lab.recorder import Truth, merge_truth, truth_of, write_script
from lab.scripted import Script
from lab.vocabulary import Capture, Scenario

_SAMPLES = Path(__file__).resolve().parents[1] / "sample_pcaps"


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; the answer is the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["accuracy"]:
        return accuracy.main(arguments[1:])
    if arguments[:1] == ["poorer"]:
        return poorer.main(arguments[1:])
    if arguments[:1] == ["drawn"]:
        return _record_drawn(arguments[1:])
    if arguments[:1] == ["drawn-check"]:
        return drawn_check.main(arguments[1:])
    options = _parse(arguments)
    if options.list:
        _print_list()
        return 0
    try:
        jobs, scripts = _chosen(options)
    except LaboratoryError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2
    out: Path = _SAMPLES if options.samples else options.out
    out.mkdir(parents=True, exist_ok=True)
    for script, path in scripts:
        merge_truth(out, write_script(script, path))
    return record_all(jobs, out, options.jobs)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab",
        description="Record real captures of the Linux TCP stack in network namespaces.",
        epilog="Other commands, each with its --help: `accuracy` holds the analyzer against recorded captures, "
        "`poorer` against poorer versions of them; `drawn` records scenarios drawn at random, `drawn-check` judges.",
    )
    parser.add_argument("names", nargs="*", help="scenarios to record (default: all)")
    parser.add_argument("--list", action="store_true", help="list the scenarios and stop")
    parser.add_argument("--out", type=Path, default=Path("captures"), help="output directory")
    parser.add_argument("--jobs", type=int, default=4, help="scenarios recorded at a time")
    parser.add_argument("--samples", action="store_true", help="re-record exactly the captures kept in sample_pcaps/")
    return parser.parse_args(arguments)


def _print_list() -> None:
    for scenario in SCENARIOS:
        print(f"{scenario.name:44} {scenario.group:9} {scenario.shows}")
    for script in SCRIPTS:
        print(f"{script.name:44} {script.group:9} scripted: {script.shows}")


def _chosen(options: argparse.Namespace) -> tuple[list[Job], list[tuple[Script, Path]]]:
    known = {scenario.name for scenario in SCENARIOS} | {script.name for script in SCRIPTS}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        raise LaboratoryError(f"no such scenario: {', '.join(unknown)} (see --list)")
    wanted = set(options.names) or known
    jobs: list[Job] = []
    for scenario in SCENARIOS:
        targets = {
            capture: _SAMPLES / capture.sample if options.samples else options.out / scenario.file_of(capture)
            for capture in scenario.captures
            if capture.sample or not options.samples
        }
        if scenario.name in wanted and targets:
            jobs.append((scenario, targets))
    scripts = [
        (script, options.out / f"{script.name}.pcap")
        for script in SCRIPTS
        if script.name in wanted and not options.samples
    ]
    return jobs, scripts


def _record_drawn(arguments: list[str]) -> int:
    """Scenarios drawn at random, each reproducible from its seed and number: list them, record them, or label them."""
    options = _parse_drawn(arguments)
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


def _parse_drawn(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab drawn", description="Record scenarios drawn at random, with their truth.json."
    )
    parser.add_argument("--count", type=int, default=100, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the series; its scenarios are always the same")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--out", type=Path, default=Path("drawn"), help="output directory")
    parser.add_argument("--jobs", type=int, default=6, help="scenarios recorded at a time")
    parser.add_argument("--labels", action="store_true", help="record nothing, label again what is in --out")
    parser.add_argument("--list", action="store_true", help="say what they are and stop")
    return parser.parse_args(arguments)
