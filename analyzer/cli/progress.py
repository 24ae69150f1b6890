"""A progress bar for long work watched by a person: on standard error, or below the cell of a notebook."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SHOW_AFTER_SECONDS = 1.0
"""Quicker work needs no bar."""


def in_notebook() -> bool:
    """True if the code runs in a kernel whose output is a notebook's page."""
    ipython = sys.modules.get("IPython")  # who has not loaded it is not in one
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None


class ProgressBar:
    """Shows rate and remaining time; nothing at all where nobody watches, or the work is done at once.

    A context manager; `update` is the callback that `analyze` and `read_packets` take:

        with analyzer.ProgressBar() as bar:
            analysis = analyzer.analyze("large.pcap", progress=bar.update)

    Args:
        stream: where to show it; by default standard error, in a notebook the page.
        show_after: quicker work shows nothing, seconds.
    """

    def __init__(self, stream: TextIO | None = None, show_after: float = SHOW_AFTER_SECONDS) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._show_after = show_after
        self._page = _Page() if stream is None and in_notebook() else None
        self._watched = self._page is None and self._stream.isatty()
        self._started = time.monotonic()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressBar:
        self._started = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if self._page is not None:
            self._page.clear()

    def update(self, bytes_done: int, bytes_total: int | None, packets: int) -> None:
        """Tell how far the work is.

        Args:
            bytes_done: read so far, over all inputs.
            bytes_total: to be read, None if unknown (a pipe).
            packets: read so far.
        """
        elapsed = time.monotonic() - self._started
        if self._page is not None and elapsed >= self._show_after:
            self._page.show(bytes_done, bytes_total, packets, elapsed)
        if not self._watched:
            return
        if self._bar is None:
            if elapsed < self._show_after:
                return
            self._open()
        assert self._bar is not None  # noqa: S101 - _open has just made it
        assert self._task is not None  # noqa: S101
        self._bar.update(
            self._task,
            completed=bytes_done,
            total=bytes_total,
            rate=f"{packets / max(elapsed, 1e-9) / 1e6:.1f} M packets/s",
        )

    def _open(self) -> None:
        # Imported late: short runs, which are most, shall not pay for it.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._bar = Progress(
            TextColumn("Reading"),
            BarColumn(bar_width=None),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(file=self._stream),
            transient=True,
        )
        self._task = self._bar.add_task("Reading", total=None, rate="")
        self._bar.start()


class _Page:
    """A line of a notebook's page that is written anew, at most five times a second."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._next = 0.0

    def show(self, bytes_done: int, bytes_total: int | None, packets: int, elapsed: float) -> None:
        if elapsed < self._next:
            return
        self._next = elapsed + 0.2
        share = f"{100 * bytes_done / bytes_total:.0f} %, " if bytes_total else ""
        self._write(f"Reading: {share}{bytes_done / 1e6:,.0f} MB, {packets / 1e6 / max(elapsed, 1e-9):.1f} M packets/s")

    def clear(self) -> None:
        if self._handle is not None:
            self._write("")

    def _write(self, text: str) -> None:
        from IPython.display import display

        line = {"text/plain": text}
        if self._handle is None:
            self._handle = display(line, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(line, raw=True)
