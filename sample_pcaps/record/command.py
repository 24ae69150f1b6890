"""The command line: pick scenarios, record them a few at a time, write truth.json."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.context import ForkProcess
from pathlib import Path

from . import accuracy, drawn_check, drawn_command, poorer
from .laboratory import Truth, merge_truth, record, write_script
from .network import LaboratoryError, sweep
from .scenario import Capture, Scenario
from .scripted import Script
from .tables import SCENARIOS, SCRIPTS

_TOOLS = ("ip", "nft", "ethtool", "tcpdump", "sysctl")
_SAMPLES = Path(__file__).resolve().parent.parent
_FATAL_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FORK = multiprocessing.get_context("fork")  # other ways would start this program again

Job = tuple[Scenario, dict[Capture, Path]]
Recorder = Callable[[Scenario, dict[Capture, Path]], Truth]


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; the answer is the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["accuracy"]:
        return accuracy.main(arguments[1:])
    if arguments[:1] == ["poorer"]:
        return poorer.main(arguments[1:])
    if arguments[:1] == ["drawn"]:
        return drawn_command.main(arguments[1:], record_all)
    if arguments[:1] == ["drawn-check"]:
        return drawn_check.main(arguments[1:])
    options = _parse(arguments)
    if options.list:
        _print_list()
        return 0
    try:
        jobs, scripts = _chosen(options)
    except LaboratoryError as error:
        print(f"record: {error}", file=sys.stderr)
        return 2
    out: Path = _SAMPLES if options.samples else options.out
    out.mkdir(parents=True, exist_ok=True)
    for script, path in scripts:
        merge_truth(out, write_script(script, path))
    return record_all(jobs, out, options.jobs)


def record_all(jobs: list[Job], out: Path, at_a_time: int, recorder: Recorder = record) -> int:
    """Record them, `at_a_time` at once, and keep `truth.json` in `out`; the answer is the exit code."""
    obstacle = _obstacle() if jobs else ""
    if obstacle:
        print(f"record: {obstacle}", file=sys.stderr)
        return 2
    for number in _FATAL_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        failed = _Recordings(jobs, out, at_a_time, recorder).run()
    except KeyboardInterrupt:
        print("record: interrupted", file=sys.stderr)
        return 130
    if failed:
        print(f"record: not recorded: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _interrupt(number: int, frame: object) -> None:
    """The first signal starts the cleaning up, which further ones must not disturb."""
    for fatal in _FATAL_SIGNALS:
        signal.signal(fatal, lambda *_: None)
    raise KeyboardInterrupt


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="record",
        description="Record real captures of the Linux TCP stack in network namespaces.",
        epilog="`record accuracy --help`: measure the analyzer on recorded captures; `record poorer --help`: on poorer "
        "versions of them; `record drawn --help` and `record drawn-check --help`: scenarios drawn at random.",
    )
    parser.add_argument("names", nargs="*", help="scenarios to record (default: all)")
    parser.add_argument("--list", action="store_true", help="list the scenarios and stop")
    parser.add_argument("--out", type=Path, default=Path("captures"), help="output directory")
    parser.add_argument("--jobs", type=int, default=4, help="scenarios recorded at a time")
    parser.add_argument("--samples", action="store_true", help="re-record exactly the captures kept here")
    return parser.parse_args(arguments)


def _print_list() -> None:
    for scenario in SCENARIOS:
        print(f"{scenario.name:44} {scenario.group:9} {scenario.shows}")
    for script in SCRIPTS:
        print(f"{script.name:44} {script.group:9} scripted: {script.shows}")


def _obstacle() -> str:
    """Why nothing can be recorded here, in a few words; empty when it can."""
    if not sys.platform.startswith("linux"):
        return "network namespaces need Linux"
    if os.geteuid():
        return "network namespaces need root"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        return f"missing tools: {', '.join(missing)}"
    return "" if Path("/dev/net/tun").exists() else "missing device: /dev/net/tun"


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


class _Recordings:
    """A few scenarios at a time, each in a process of its own, so that one failure stays alone."""

    def __init__(self, jobs: list[Job], out: Path, at_a_time: int, recorder: Recorder) -> None:
        # The long ones first: they decide when the last one ends.
        self.waiting = sorted(jobs, key=lambda job: job[0].seconds)
        self.out = out
        self.recorder = recorder
        self.at_a_time = max(1, at_a_time)
        self.running: dict[ForkProcess, tuple[Job, Path]] = {}
        self.failed: list[str] = []

    def run(self) -> list[str]:
        with tempfile.TemporaryDirectory(prefix="record-") as scratch:
            try:
                while self.waiting or self.running:
                    while self.waiting and len(self.running) < self.at_a_time:
                        self._begin(self.waiting.pop(), Path(scratch))
                    self._collect()
                    time.sleep(0.05)
            finally:
                self._abandon()
        return self.failed

    def _begin(self, job: Job, scratch: Path) -> None:
        answer = scratch / f"{job[0].name}.json"
        process = _FORK.Process(target=_record_into, args=(self.recorder, *job, answer))
        process.start()
        self.running[process] = job, answer

    def _collect(self) -> None:
        for process in [process for process in self.running if not process.is_alive()]:
            (scenario, _), answer = self.running.pop(process)
            process.join()
            sweep(process.pid or 0)
            if process.exitcode == 0 and answer.exists():
                merge_truth(self.out, json.loads(answer.read_text()))
                print(f"recorded {scenario.name}", flush=True)
            else:
                self.failed.append(scenario.name)

    def _abandon(self) -> None:
        for process in self.running:
            process.terminate()  # it cleans up on the way out; Ctrl-C may have reached it before
        for process in self.running:
            process.join(timeout=15)
            if process.is_alive():
                process.kill()
                process.join()
            sweep(process.pid or 0)


def _record_into(recorder: Recorder, scenario: Scenario, targets: dict[Capture, Path], answer: Path) -> None:
    try:
        answer.write_text(json.dumps(recorder(scenario, targets)))
    except (LaboratoryError, ValueError, OSError) as error:
        print(f"record: {scenario.name}: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
