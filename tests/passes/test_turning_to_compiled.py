"""Interpreted until the compiled kernels are there, then compiled: the same as either all the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analyzer.api.pipeline import found_in
from analyzer.kernels import background
from analyzer.kernels.cache import CompileError, load_kernels
from analyzer.passes import walk
from analyzer.passes.first import Skimmer, examples
from analyzer.report.formats.json_report import to_json
from tests.reading import CAPTURES

Kernels = dict[str, Callable[..., int]]


class Late:
    """Kernels that are there once they were asked for so often."""

    def __init__(self, times: int, failing: bool = False) -> None:
        self.times = times
        self.failing = failing

    def kernels(self) -> Kernels | None:
        self.times -= 1
        if self.times >= 0:
            return None
        if self.failing:
            raise CompileError("no such processor")
        return load_kernels(examples, "skim")


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Late]:
    def be(times: int, *, failing: bool = False) -> Late:
        made = Late(times, failing)
        monkeypatch.setattr(background, "coming", lambda *_: made)
        monkeypatch.setattr(walk, "is_small", lambda *_: False)
        monkeypatch.setattr("analyzer.passes.walk.tell_of_compiling", lambda *_, **__: None)
        return made

    monkeypatch.setattr(walk, "LEAST_PIECE_BYTES", 300)
    return be


@pytest.mark.parametrize("path", CAPTURES[::3], ids=lambda path: path.name)
@pytest.mark.parametrize("times", [0, 1, 4, 1000])
def test_nothing_depends_on_when_they_come(path: Path, times: int, late: Callable[..., Late]) -> None:
    usual = to_json(found_in(path, compiled=True))
    late(times)
    assert to_json(found_in(path)) == usual


def test_files_that_overlap_turn_together(late: Callable[..., Late]) -> None:
    paths = [path for path in CAPTURES if "tunnel" in path.name][:4]
    assert len(paths) > 2
    usual = to_json(found_in(paths, compiled=True))
    late(7)
    assert to_json(found_in(paths)) == usual


def test_where_they_never_come_a_note_says_so(late: Callable[..., Late]) -> None:
    late(2, failing=True)
    usual = found_in(CAPTURES[0], compiled=False)
    found = found_in(CAPTURES[0])
    assert found.notes == (
        "The packet loop could not be compiled, which makes it slow: no such processor",
        *usual.notes,
    )
    assert found.totals == usual.totals


def test_what_does_not_wait_is_interpreted_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "coming", lambda *_: Late(1))
    skimmer = Skimmer(compiled=True, wait=False)
    assert (skimmer.compiled, skimmer.turns_to_compiled(), skimmer.compiled) == (False, True, False)
    assert (skimmer.turns_to_compiled(), skimmer.compiled) == (False, True)


@pytest.mark.parametrize(("kept", "before", "processors"), [(True, True, 2), (False, False, 2), (True, False, 1)])
def test_they_are_waited_for_where_that_is_as_good(
    kept: bool, before: bool, processors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(background, "Coming", never)
    monkeypatch.setattr(background, "can_be_kept", lambda _: kept)
    monkeypatch.setattr(background, "is_compiled_before", lambda _: before)
    monkeypatch.setattr(background, "processors", lambda: processors)
    assert background.coming(examples, "skim") is None


def test_they_are_compiled_by_another_process_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Any] = []
    threads: list[Callable[[], None]] = []

    def thread(target: Callable[[], None], daemon: bool) -> Any:
        assert daemon
        threads.append(target)
        return SimpleNamespace(start=lambda: None, is_alive=lambda: not begun)

    monkeypatch.setattr("analyzer.kernels.background.threading.Thread", thread)
    monkeypatch.setattr(background, "_begun", {})  # another test may have begun it
    monkeypatch.setattr(background, "compile_apart", lambda *arguments: begun.append(arguments))
    monkeypatch.setattr(background, "can_be_kept", lambda _: True)
    monkeypatch.setattr(background, "is_compiled_before", lambda _: False)
    monkeypatch.setattr(background, "processors", lambda: 2)
    found = background.coming(examples, "skim")
    assert found is not None
    assert found.kernels() is None
    threads[0]()
    assert begun == [(examples, "skim")]
    assert set(found.kernels() or ()) == {"skim_chunk", "finish_flows"}
