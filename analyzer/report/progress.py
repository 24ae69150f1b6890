"""A progress bar on standard error, for long work watched by a person."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SHOW_AFTER_SECONDS = 1.0
"""Quicker work needs no bar."""


class ProgressBar:
    """Shows rate and remaining time; nothing at all where nobody watches, or the work is done at once.

    A context manager; `update` is the callback that `pipeline.analyze` takes.
    """

    def __init__(self, stream: TextIO | None = None, show_after: float = SHOW_AFTER_SECONDS) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._show_after = show_after
        self._watched = self._stream.isatty()
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

    def update(self, bytes_done: int, bytes_total: int | None, packets: int) -> None:
        """Tell how far the work is.

        Args:
            bytes_done: read so far, over all inputs.
            bytes_total: to be read, None if unknown (a pipe).
            packets: read so far.
        """
        if not self._watched:
            return
        elapsed = time.monotonic() - self._started
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
