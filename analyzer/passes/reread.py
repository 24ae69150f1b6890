"""Reading the files of an analysis once more, for those who need more than it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import numpy as np

from analyzer.capture.reader import CaptureReader
from analyzer.capture.sources import stamp
from analyzer.errors import UsageError
from analyzer.flows.flow_tables import C_PACKETS
from analyzer.model.analysis import Analysis
from analyzer.model.flow import Endpoint, Flow
from analyzer.model.text import printable
from analyzer.passes.second import KNOWN, EveryPacket, Lister, Picker
from analyzer.passes.walk import (
    Meter,
    Notify,
    Progress,
    bytes_in,
    goes_compiled,
    prepare,
    start_all,
    walk_inputs,
)

Array = np.ndarray[Any, Any]


@contextmanager
def reader_of(analysis: Analysis, number: int) -> Iterator[CaptureReader]:
    """A reader of one of the analysed files, not started yet.

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
        with closing(CaptureReader(again.source, file.path, analysis.settings.max_decompressed_bytes)) as reader:
            yield reader
        return
    try:
        position = again.source.tell()
        again.source.seek(again.start)
    except ValueError:
        raise UsageError(f"{name}: was closed since it was analysed; its packets cannot be read again") from None
    try:
        with closing(CaptureReader(again.source, file.path, analysis.settings.max_decompressed_bytes)) as reader:
            yield reader
    finally:
        again.source.seek(position)


@contextmanager
def closing(reader: CaptureReader) -> Iterator[CaptureReader]:
    """Closes the reader in the end."""
    try:
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
    notify: Notify | None = None,
) -> Iterator[tuple[Array, Array]]:
    """The rows of readers, which it starts, `chunk` at a time; the last portion may be empty.

    `notify` is called with a line for the user before something that takes long: compiling, once a machine.
    """
    for _ in start_all(readers):
        pass
    large = goes_compiled(readers, "packet list", "listing", compiled, notify)
    lister = Lister(watched, compiled=large, rows=chunk, input_bytes=bytes_in(readers))
    inputs = prepare(lister, readers, points)
    meter = Meter(inputs)
    for each in walk_inputs(lister, inputs):
        if progress is not None:
            progress(*meter.after(each), int(lister.state.counters[C_PACKETS]))
        if lister.full:
            yield lister.drain()
    yield lister.rest()


def pick(
    readers: Sequence[CaptureReader],
    wanted: Mapping[int, Iterable[int]],
    moment: int,
    take: Callable[[Any, list[int], int, int, int], None],
    notify: Notify | None = None,
) -> None:
    """Hand single packets of readers, which it starts, to `take`, in the order in which they were analysed.

    `wanted`, `moment` and `take` are those of `Picker`, `notify` is that of `listed`.
    """
    for _ in start_all(readers):
        pass
    large = goes_compiled(readers, "packet list", "listing", None, notify)
    picker = Picker(wanted, moment, take, compiled=large)
    for _ in walk_inputs(picker, prepare(picker, readers)):
        pass


def every(reader: CaptureReader, take: Callable[[Any, list[int], int], None]) -> Iterator[None]:
    """Hand every packet of a reader, which it starts, to `take`: the bytes read, its fields in them, its frame number.

    It stops for a breath after each chunk.
    """
    for _ in start_all([reader]):
        pass
    every_packet = EveryPacket(take)
    for _ in walk_inputs(every_packet, prepare(every_packet, [reader])):
        yield


def rows_of(analysis: Analysis, flow: Flow, *, compiled: bool | None = None) -> tuple[Array, Array]:
    """Every TCP packet of one of the analysis' flows, dtype `second.ROW`, and the edges of their SACK blocks.

    `compiled` forces the compiled or interpreted pass; by default large captures compile.

    Raises:
        UsageError: the capture cannot be read again, or changed since it was analysed.
    """
    with ExitStack() as stack:
        readers = [stack.enter_context(reader_of(analysis, number)) for number in range(len(analysis.files))]
        # One row more than needed, so that the table is never full.
        points = [file.point for file in analysis.files]
        parts = list(listed(readers, _watched(analysis, flow), compiled, None, flow.packet_count + 1, points))
    rows, edges = parts[0] if len(parts) == 1 else (np.concatenate(each) for each in zip(*parts, strict=True))
    rows["stream"] = flow.stream
    return rows, edges


def _watched(analysis: Analysis, flow: Flow) -> Array:
    """The flow as the listing knows it again."""
    watched = np.zeros(1, KNOWN)
    row = watched[0]
    ends = (flow.server, flow.client) if flow.client_side else (flow.client, flow.server)
    for letter, end in zip("ab", ends, strict=True):
        for i, word in enumerate(_words(end, analysis)):
            row[f"{letter}{i}"] = word
        row[f"port_{letter}"] = end.port
    row["version"] = flow.version
    row["file"] = flow.file
    row["first_frame"] = flow.first_frame
    row["point"] = analysis.files[flow.file].point
    return watched


def _words(end: Endpoint, analysis: Analysis) -> list[int]:
    packed = ip_address(end.ip).packed
    if analysis.anonymizer is not None:
        packed = analysis.anonymizer.original(packed)
    return [int.from_bytes(packed[i : i + 4], "big") for i in range(0, len(packed), 4)]
