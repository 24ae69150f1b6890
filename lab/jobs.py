"""Recording many scenarios, a few at a time, each in a process of its own."""

from __future__ import annotations

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

from lab.network import LaboratoryError, sweep
from lab.recorder import Truth, merge_truth, record
from lab.vocabulary import Capture, Scenario

_TOOLS = ("ip", "nft", "ethtool", "tcpdump", "sysctl")
_FATAL_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FORK = multiprocessing.get_context("fork")  # other ways would start this program again

Job = tuple[Scenario, dict[Capture, Path]]
Recorder = Callable[[Scenario, dict[Capture, Path]], Truth]


def record_all(jobs: list[Job], out: Path, at_a_time: int, recorder: Recorder = record) -> int:
    """Record them, `at_a_time` at once, and keep `truth.json` in `out`; the answer is the exit code."""
    obstacle = _obstacle() if jobs else ""
    if obstacle:
        print(f"lab: {obstacle}", file=sys.stderr)
        return 2
    for number in _FATAL_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        failed = _Recordings(jobs, out, at_a_time, recorder).run()
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130
    if failed:
        print(f"lab: not recorded: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _interrupt(number: int, frame: object) -> None:
    """The first signal starts the cleaning up, which further ones must not disturb."""
    for fatal in _FATAL_SIGNALS:
        signal.signal(fatal, lambda *_: None)
    raise KeyboardInterrupt


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
        with tempfile.TemporaryDirectory(prefix="lab-") as scratch:
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
        print(f"lab: {scenario.name}: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
