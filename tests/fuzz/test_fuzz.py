"""A short run of the mutation fuzzer, what it found once, and what it must be able to find."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.fuzz import __main__ as fuzz
from tests.fuzz import checks
from tests.fuzz.checks import BrokenError, analyzed, check, check_accounts, check_same
from tests.fuzz.mutations import capture_number

BUDGET = 400


@pytest.fixture(scope="module", autouse=True)
def compiled_before() -> None:
    fuzz.compile_elsewhere()


def kept() -> dict[str, list[Path]]:
    """Inputs that broke something once, by name; the files of one input belong together."""
    found = defaultdict(list)
    for path in sorted(fuzz.KEPT.glob("*.bin")):
        found[path.name.split(".")[0]].append(path)
    return dict(found)


def test_a_short_run(tmp_path: Path) -> None:
    """In a process of its own, since the memory that it may take is bounded."""
    words = ["--budget", str(BUDGET), "--seed", "4", "--keep", str(tmp_path)]
    ran = subprocess.run([sys.executable, "-m", "tests.fuzz", *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"inputs {BUDGET}," in ran.stdout
    assert not list(tmp_path.iterdir())


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


def test_what_breaks_is_kept_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError("a bug")

    monkeypatch.setattr(fuzz, "check", broken)
    assert fuzz.main(["--budget", "2", "--first", "16", "--keep", str(tmp_path)]) == 1
    assert "seed 1, input 16: Traceback" in capsys.readouterr().out
    written = sorted(tmp_path.iterdir())
    assert sorted(path.read_bytes() for path in written) == sorted(capture_number(1, 16) + capture_number(1, 17))


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
