"""Reading the files of an analysis once more, for those who need more than it holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from analyzer.capture.reader import CaptureReader
from analyzer.errors import UsageError
from analyzer.flows.tables import C_PACKETS
from analyzer.inputs import Progress, bytes_done, is_small, prepare, stamp, walk_inputs
from analyzer.listing import Lister
from analyzer.native import is_compiled_before
from analyzer.report.text import printable
from analyzer.results import Analysis

Array = np.ndarray[Any, Any]


@contextmanager
def reader_of(analysis: Analysis, number: int) -> Iterator[CaptureReader]:
    """A started reader of one of the analysed files.

    Raises:
        UsageError: it cannot be read again, as a pipe, or changed since it was analysed.
    """
    file = analysis.files[number]
    name = printable(file.path)
    again = analysis.sources[number] if number < len(analysis.sources) else None
    if again is None:
        raise UsageError(f"{name}: cannot be read again, as a pipe; save it to a file first, or use `events`")
    if isinstance(again.source, Path):
        now = stamp(again.source)
        if now is None:
            raise UsageError(f"{name}: is not there any more; its packets cannot be read again")
        if now != file.stamp:
            raise UsageError(f"{name}: changed since it was analysed; analyse it again")
        with closing(CaptureReader(again.source, file.path)) as reader:
            yield reader
        return
    try:
        position = again.source.tell()
        again.source.seek(again.start)
    except ValueError:
        raise UsageError(f"{name}: was closed since it was analysed; its packets cannot be read again") from None
    try:
        with closing(CaptureReader(again.source, file.path)) as reader:
            yield reader
    finally:
        again.source.seek(position)


@contextmanager
def closing(reader: CaptureReader) -> Iterator[CaptureReader]:
    """Starts the reader, and closes it in the end."""
    try:
        reader.start()
        yield reader
    finally:
        reader.close()


def listed(
    readers: Sequence[CaptureReader],
    watched: Array | None,
    compiled: bool | None,
    progress: Progress | None,
    chunk: int,
    points: Sequence[int] = (),
) -> Iterator[tuple[Array, Array]]:
    """The rows of started readers, `chunk` at a time; the last portion may be empty."""
    large = not is_small(readers, "listing") if compiled is None else compiled
    if large and not is_compiled_before("listing"):
        sys.stderr.write("pmtu-analyze: compiling the packet list; this takes about 20 seconds, once on this machine\n")
    lister = Lister(watched, compiled=large, rows=chunk)
    inputs = prepare(lister, readers, points)
    for _ in walk_inputs(lister, inputs):
        if progress is not None:
            progress(*bytes_done(inputs), int(lister.state.counters[C_PACKETS]))
        if lister.full:
            yield lister.drain()
    yield lister.rest()
