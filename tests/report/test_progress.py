from __future__ import annotations

import io

from analyzer.report.progress import ProgressBar


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
