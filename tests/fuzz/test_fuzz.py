"""A short run of the mutation fuzzer, what it found once, and what it must be able to find."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz import __main__ as fuzz
from tests.fuzz import checks, worker
from tests.fuzz.checks import MOST_MEGABYTES, BrokenError, analyzed, check, check_accounts, check_same
from tests.fuzz.mutations import capture_number
from tests.fuzz.processes import outcomes
from tests.fuzz.worker import Outcome, try_input

BUDGET = 400


@pytest.fixture(scope="module", autouse=True)
def compiled_before() -> None:
    checks.compile_elsewhere()


def kept() -> dict[str, list[Path]]:
    """Inputs that broke something once, by name; the files of one input belong together."""
    found = defaultdict(list)
    for path in sorted(fuzz.KEPT.glob("*.bin")):
        found[path.name.split(".")[0]].append(path)
    return dict(found)


def test_a_short_run(tmp_path: Path) -> None:
    """As a command, in two processes; each has its memory to itself."""
    words = ["--budget", str(BUDGET), "--seed", "4", "--jobs", "2", "--keep", str(tmp_path)]
    ran = subprocess.run([sys.executable, "-m", "tests.fuzz", *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(ran.stdout.splitlines()) == 1
    assert f"inputs {BUDGET}," in ran.stdout
    assert "broken 0," in ran.stdout
    assert not list(tmp_path.iterdir())


def test_an_input_has_the_same_outcome_in_any_process() -> None:
    numbers = range(300, 340)
    here = [try_input(3, number).counts for number in numbers]
    there = sorted(outcomes(3, numbers, 2), key=lambda outcome: outcome.number)
    assert [outcome.counts for outcome in there] == here


@pytest.mark.parametrize("compiled", [False, True], ids=["interpreted", "compiled"])
@pytest.mark.parametrize("paths", kept().values(), ids=kept())
def test_what_was_found_once(paths: list[Path], compiled: bool) -> None:
    check([path.read_bytes() for path in paths], compiled=compiled, both=True, reports=True)


def test_an_input_follows_from_seed_and_number() -> None:
    inputs = [capture_number(7, number) for number in range(40)]
    assert inputs == [capture_number(7, number) for number in range(40)]
    assert len({data for each in inputs for data in each}) > 40
    assert capture_number(8, 1) != capture_number(7, 1)
    assert {len(each) for each in inputs} == {1, 2}


def test_inputs_reach_what_lies_behind_the_containers() -> None:
    """Most are analysed, some are damaged, few are refused; packets of all kinds are decoded."""
    results = [analyzed(capture_number(7, number), compiled=True) for number in range(300)]
    analyses = [result for result in results if not isinstance(result, str)]
    assert 200 < len(analyses) < 300
    assert 30 < sum(any(file.damaged_at is not None for file in analysis.files) for analysis in analyses) < 200
    assert len({reason for analysis in analyses for reason in analysis.totals.undecoded}) >= 10
    assert len({link for analysis in analyses for file in analysis.files for link in file.link_types}) >= 15
    assert len({flow.encapsulation for analysis in analyses for flow in analysis.all_flows}) >= 15


def test_an_exception_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError("a bug")

    monkeypatch.setattr(worker, "check", broken)
    assert "Traceback" in try_input(1, 16).reason
    assert "IndexError: a bug" in try_input(1, 16).reason


def test_what_breaks_is_kept_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_seed: int, numbers: range, _jobs: int) -> Iterator[Outcome]:
        return (Outcome(number, Counter(inputs=1), "a bug") for number in numbers)

    monkeypatch.setattr(fuzz, "outcomes", broken)
    assert fuzz.main(["--budget", "2", "--first", "16", "--keep", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "seed 1, input 16: a bug\nseed 1, input 17: a bug\nbroken 2, inputs 2;" in told
    written = sorted(tmp_path.iterdir())
    assert sorted(path.read_bytes() for path in written) == sorted(capture_number(1, 16) + capture_number(1, 17))


def hang_die_or_grow(seed: int, number: int) -> Outcome:
    """Stands for an input on which compiled code never returns, crashes, or takes memory without end."""
    if number == 3:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF, signal.SIGTERM])
        time.sleep(600)
    if number == 300:
        os.abort()
    return Outcome(number, Counter(inputs=1), memory=MOST_MEGABYTES + (number == 305))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("jobs", [1, 3])
def test_a_process_that_hangs_dies_or_grows_is_noticed_and_replaced(jobs: int) -> None:
    found = list(outcomes(1, range(600), jobs, attempt=hang_die_or_grow, stuck=0.5))
    assert sorted(outcome.number for outcome in found) == list(range(600))
    assert {outcome.number: outcome.reason for outcome in found if outcome.reason} == {
        3: "hangs: nothing heard for 0.5 s",
        300: "the process died, exit code -6",
        305: f"memory {MOST_MEGABYTES + 1} MB, of which {MOST_MEGABYTES} MB are allowed",
    }


def test_wrong_accounts_and_different_modes_are_noticed() -> None:
    results = [analyzed(capture_number(7, number), compiled=False) for number in (2, 3)]
    one, other = (result for result in results if not isinstance(result, str))
    check_accounts(one)
    check_same(one, one)
    with pytest.raises(BrokenError, match="differ"):
        check_same(one, other)
    object.__setattr__(one.totals, "tcp_packets", one.totals.tcp_packets + 1)
    with pytest.raises(BrokenError, match="accounted"):
        check_accounts(one)


def test_a_run_that_takes_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: object, **__: object) -> None:
        while True:
            pass

    monkeypatch.setattr(checks, "MOST_SECONDS", 0.05)
    monkeypatch.setattr(checks, "analyzed", endless)
    with pytest.raises(BrokenError, match=r"more than 0\.05 s"):
        check([b""], compiled=False)
