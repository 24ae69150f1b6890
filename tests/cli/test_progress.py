from __future__ import annotations

import io

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from analyzer.cli.progress import ProgressBar
from tests.reading import ROOT


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watched(stream: io.StringIO, show_after: float) -> str:
    with ProgressBar(stream, show_after) as bar:
        bar.update(0, None, 0)  # a pipe: how much will come is unknown
        for done in range(0, 101, 10):
            bar.update(done << 20, 100 << 20, done * 1000)
    return stream.getvalue()


def test_nobody_watches() -> None:
    assert watched(io.StringIO(), show_after=0) == ""


def test_quick_work_needs_no_bar() -> None:
    assert watched(Terminal(), show_after=60) == ""


def test_long_work_shows_rate_and_bytes() -> None:
    text = watched(Terminal(), show_after=0)
    assert "M packets/s" in text
    assert "104.9/104.9 MB" in text


def test_a_notebook_shows_one_line_that_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    watched = """
import time
import analyzer
bar = analyzer.ProgressBar(show_after=0)
bar.__enter__()
bar.update(0, 10_000_000, 0)
time.sleep(0.25)
bar.update(5_000_000, 10_000_000, 70_000)
"""
    cells = [new_code_cell(source) for source in (watched, "bar.__exit__(None, None, None)")]  # type: ignore[no-untyped-call]
    notebook = new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, timeout=60)
    with client.setup_kernel():
        client.execute_cell(cells[0], 0)
        (line,) = cells[0].outputs
        assert line["data"]["text/plain"].startswith("Reading: 50 %, 5 MB, ")
        client.execute_cell(cells[1], 1)
    assert cells[0].outputs[0]["data"]["text/plain"] == ""
