"""The fuzzer's processes: hands out inputs, adds up outcomes, and ends a process that hangs, dies or grows.

A hang in compiled code cannot be interrupted from inside, and a crash there takes the process along; so
both are noticed from here, by the input that the process was at.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from tests.fuzz.checks import MOST_MEGABYTES
from tests.fuzz.worker import Outcome, serve, try_input

BATCH = 256
"""Inputs handed to a process at once."""
STUCK_SECONDS = 30.0
"""A process that tells nothing for so long hangs. By the clock on the wall, of a machine that others use, too."""
START_SECONDS = 60.0
"""The same for the first input, before which modules are loaded and seeds are read."""


@dataclass
class Worker:
    """A process, and the numbers of the inputs that it was given and has not told of."""

    process: BaseProcess
    pipe: Connection
    numbers: list[int] = field(default_factory=list)
    patience: float = START_SECONDS
    heard: float = field(default_factory=time.monotonic)

    def give(self, numbers: list[int]) -> None:
        """Hand it a run of numbers; none: it ends."""
        self.numbers = numbers
        self.heard = time.monotonic()
        self.pipe.send(numbers or None)

    def end(self) -> int | None:
        """Kill it; returns the exit code it had already, if any."""
        self.process.join(1)
        code = self.process.exitcode
        self.process.kill()
        self.process.join()
        self.pipe.close()
        return code


def outcomes(
    seed: int,
    numbers: range,
    jobs: int,
    attempt: Callable[[int, int], Outcome] = try_input,
    stuck: float = STUCK_SECONDS,
) -> Iterator[Outcome]:
    """What became of each input, in the order in which they end. `attempt` must be importable by name."""
    pending = [list(numbers[i : i + BATCH]) for i in range(0, len(numbers), BATCH)][::-1]
    workers = [_start(seed, attempt) for _ in range(min(jobs, len(pending)))]
    try:
        for worker in workers:
            worker.give(pending.pop())
        while workers:
            ready = wait([worker.pipe for worker in workers], timeout=1)
            for worker in list(workers):
                outcome = _told(worker, stuck) if worker.pipe in ready else _silent(worker)
                if outcome is None:
                    continue
                yield outcome
                worker.numbers.remove(outcome.number)
                if not outcome.memory or outcome.memory > MOST_MEGABYTES:  # it cannot go on, or must not
                    worker.end()
                    workers.remove(worker)
                    if worker.numbers:
                        pending.append(worker.numbers)
                    if pending:
                        workers.append(_start(seed, attempt))
                        workers[-1].give(pending.pop())
                elif not worker.numbers:
                    worker.give(pending.pop() if pending else [])
                    if not worker.numbers:
                        workers.remove(worker)
                        worker.process.join()
    finally:
        for worker in workers:
            worker.end()


def _start(seed: int, attempt: Callable[[int, int], Outcome]) -> Worker:
    """A process of a program started anew, whose memory is its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, seed, attempt), daemon=True)
    process.start()
    theirs.close()
    return Worker(process, ours)


def _told(worker: Worker, stuck: float) -> Outcome | None:
    """What it says; if it is dead, that."""
    try:
        outcome: Outcome = worker.pipe.recv()
    except (EOFError, ConnectionError):
        worker.process.join(1)
        return _lost(worker, f"the process died, exit code {worker.process.exitcode}")
    worker.heard, worker.patience = time.monotonic(), stuck
    if outcome.memory > MOST_MEGABYTES:
        reason = f"memory {outcome.memory} MB, of which {MOST_MEGABYTES} MB are allowed"
        return outcome._replace(reason=f"{outcome.reason}\n{reason}".strip())
    return outcome


def _silent(worker: Worker) -> Outcome | None:
    """None while it may still be at work."""
    if time.monotonic() - worker.heard <= worker.patience:
        return None
    return _lost(worker, f"hangs: nothing heard for {worker.patience:g} s")


def _lost(worker: Worker, reason: str) -> Outcome:
    return Outcome(worker.numbers[0], Counter(inputs=1), reason)
