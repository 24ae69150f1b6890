"""`docs/reliability.md` is of the shape that the program writes; its bounds are those of the code."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz import __main__ as fuzz
from tests.fuzz.checks import MOST_MEGABYTES, MOST_SECONDS
from tests.fuzz.figures import Figures
from tests.fuzz.measurements import ALL_CASES, Measured, measurements
from tests.fuzz.page import MEMORY_BOUND, bounds, page
from tests.fuzz.worker import Outcome
from tests.reading import ROOT

PAGE = ROOT / "docs" / "reliability.md"
LEFT_OUT = re.compile(r"\| (nothing|[\d,]+ [a-zA-Z ]+(, [\d,]+ [a-zA-Z ]+)*) \|(?= [\d.]+ s)")


EXPONENT = re.compile(r"(?<=\d )s \| (-|-?\d\.\d) \|")


def sample() -> str:
    """A page with figures of no run."""
    figures = Figures(Counter(inputs=3, analysed=2), 0.5, 100, 9)
    measured = [Measured(name, 1.5, 2, 3, "", 0.5, 100) for name in ALL_CASES]
    return page("python -m tests.fuzz --budget 3 --seed 1 --page docs/reliability.md", figures, measured)


def shape(text: str) -> str:
    """The page without its figures."""
    told = EXPONENT.sub("s | E |", LEFT_OUT.sub("| what was left out |", text))
    return re.sub(r"[\d,.]*\d", "N", told)


def test_the_page_has_the_shape_that_the_program_writes() -> None:
    assert shape(PAGE.read_text(encoding="utf-8")) == shape(sample())
    assert PAGE.read_text(encoding="utf-8").endswith(bounds())


def test_the_page_tells_of_a_run_in_which_all_held() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "| **for which something did not hold** | **0** |" in text
    slowest = re.search(r"\| slowest input \| ([\d.]+) s", text)
    memory = re.search(r"\| most memory of a process \| (\d+) MB", text)
    assert slowest
    assert float(slowest[1]) < 3 * MOST_SECONDS  # an analysis, its other mode, and the reports
    assert memory
    assert int(memory[1]) <= MOST_MEGABYTES
    rows = re.findall(r"\| [\d.]+ s \| [-\d.]+ \| (\d+) MB \|", text)
    assert len(rows) == len(ALL_CASES)
    assert max(map(int, rows)) < MEMORY_BOUND


def test_the_page_is_written_by_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "outcomes", lambda *_: iter([Outcome(0, Counter(inputs=1, analysed=1), "", 0.1, 90)]))
    monkeypatch.setattr(fuzz, "measurements", lambda: iter([Measured("bombs", 1, 2, 3, "4 things", 5, 6)]))
    target = tmp_path / "page.md"
    assert fuzz.main(["--budget", "1", "--page", str(target)]) == 0
    text = target.read_text(encoding="utf-8")
    assert f"Written by `python -m tests.fuzz --budget 1 --seed 1 --page {target}`." in text
    assert "| bombs | 1 MB | 2 | 3 | 4 things | 5.0 s | - | 6 MB |" in text


def test_a_measurement_says_what_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """In processes of its own: a case at full size that takes a second."""
    (measured,) = measurements("interfaces")
    assert (measured.packets, measured.flows, measured.left_out) == (65_535, 1, "")
    assert 0 < measured.seconds < 30
    assert 40 < measured.memory < 200
