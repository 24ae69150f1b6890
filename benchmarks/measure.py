"""Runs: one process at a time, the programs in turn, the order turned by one in each round."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence

from benchmarks.captures import HERE, Made, warm
from benchmarks.programs import CAT, TOOL, Program
from benchmarks.results import CaptureFacts, Sample, Series

ROOT = HERE.parent
SLOW_RUNS = 3  # of programs that need minutes for what others do in a second
Say = Callable[[str], None]
_COUNT = """
import json, sys
from collections import Counter
from analyzer import analyze
found = analyze(sys.argv[1])
counted = Counter(found.totals.verdicts) + Counter(found.totals.udp_verdicts)
print(json.dumps([counted, list(found.notes)]))
"""


class ProgramError(Exception):
    """The program failed or took too long; the message is one line."""


def once(command: Sequence[str], patience: float, *, fed_by: Sequence[str] = ()) -> Sample:
    """Run one command, its output thrown away. `fed_by` is a command whose output it reads.

    Raises:
        ProgramError: It ended with an error, or after more than `patience` seconds it had not ended.
    """
    feeder = subprocess.Popen(fed_by, stdout=subprocess.PIPE, cwd=ROOT) if fed_by else None
    environment = {**os.environ, "BENCHMARK_STDIN": "1" if feeder else ""}
    launcher = subprocess.Popen(
        [sys.executable, "-I", "-S", HERE / "launch.py", *command],
        stdin=feeder.stdout if feeder else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )
    if feeder and feeder.stdout:
        feeder.stdout.close()
    try:
        out, said = launcher.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        os.killpg(launcher.pid, 9)
        launcher.communicate()
        raise ProgramError(f"not done after {patience:.0f} s") from None
    finally:
        if feeder:
            feeder.wait()
    result = json.loads(out) if out else {"code": -1}
    if result.pop("code"):
        lines = said.decode(errors="replace").strip().splitlines()
        raise ProgramError(lines[-1] if lines else "failed")
    return Sample(**result)


def facts(made: Made) -> CaptureFacts:
    """What the page says about a capture."""
    return CaptureFacts(made.wanted.name, made.packets, made.flows, made.size)


def alternate(jobs: Sequence[tuple[Program, Made]], runs: int, patience: float, say: Say) -> list[Series]:
    """Every program on its capture, `runs` rounds, after one round that is not counted (slow programs: without)."""
    series = [Series(program.name, facts(made)) for program, made in jobs]
    for made in {made.path: made for _, made in jobs}.values():
        warm(made.path)
    for turn in range(-1, runs):
        for place in range(len(jobs)):
            at = (place + turn) % len(jobs)
            (program, made), one = jobs[at], series[at]
            if one.problem or (program.slow and not 0 <= turn < SLOW_RUNS):
                continue
            command = program.on(made.path)
            if command is None:
                one.problem = "cannot read it"
                continue
            say(f"{made.wanted.name}: {program.name}, " + (f"run {turn + 1} of {runs}" if turn >= 0 else "warming up"))
            try:
                sample = once(command, patience)
            except ProgramError as error:
                one.samples, one.problem = [], str(error)
                continue
            if turn >= 0:
                one.samples.append(sample)
    return series


def verdicts(made: Made) -> tuple[dict[str, int], list[str]]:
    """The tool's verdicts on a capture, TCP's and UDP's, counted, and its notes. Raises ProgramError if it fails."""
    done = subprocess.run(
        [sys.executable, "-c", _COUNT, str(made.path)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if done.returncode:
        raise ProgramError(f"the tool failed on {made.wanted.name}: {done.stderr.strip().splitlines()[-1:]}")
    counted, notes = json.loads(done.stdout)
    return counted, notes


def through_a_pipe(packets: int, runs: int, patience: float, say: Say) -> list[Series]:
    """A capture too large to keep: generated while it is read, by the tool and, as the floor, by `cat`."""
    feeder = [sys.executable, str(HERE / "generate.py"), "snap96", str(packets), "-"]
    series = [Series(program.name, CaptureFacts("-", packets, 10, 102 * packets)) for program in (TOOL, CAT)]
    for turn in range(runs):
        for one, command in zip(series, ([*TOOL.command[:-1], "-"], ["cat"]), strict=True):
            say(f"{packets:,} packets through a pipe: {one.program}, run {turn + 1} of {runs}")
            one.samples.append(once(command, patience, fed_by=feeder))
    return series
