"""The walk over all inputs: chunks of bytes, handed on in time order.

Several inputs are one capture: while files overlap in time, each is read up to the next packet of the others.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from analyzer.capture.container import COUNT, DAMAGED, I_WIDTH, NEED_BYTES, SKIP
from analyzer.capture.reader import SAMPLED_RECORDS, CaptureReader
from analyzer.passes.first import FOREVER, REACHED_TIME, Skimmer
from analyzer.settings import INTERPRETED_PACKETS, UNCOMPILED_PACKETS

MOST_OPEN = 4
"""Files that are kept open together although they are not due. Of more, each is opened when it is."""

SAMPLED_OF_ALL = 20_000
"""Records that are walked of all files together to estimate how many there are."""

Progress = Callable[[int, "int | None", int], None]
"""Called now and then with (bytes read, bytes in all or None, packets read)."""

Notify = Callable[[str], None]
"""Called with a line for the user."""


@dataclass
class Input:
    """One file being read, with its walk state in the form that the skimmer's mode wants."""

    reader: CaptureReader
    number: int
    point: int
    interfaces: list[Any]
    done: bool = False


def is_small(readers: Sequence[CaptureReader], group: str = "skim") -> bool:
    """True if all inputs together hold few enough packets to walk them interpreted.

    Estimated from the bytes of the first record headers; a pipe counts as small only if it ended already.
    `group` names the kernels that would be loaded or compiled.
    """
    packets = 0.0
    for reader in readers:
        if reader.size is None:
            if not reader.ended:
                return False
            packets += reader.ready / 80
        else:
            packets += reader.size / max(reader.mean_record, 60)
    if packets <= INTERPRETED_PACKETS:
        return True
    from analyzer.kernels.cache import is_compiled_before  # a small capture does without

    return packets <= UNCOMPILED_PACKETS and not is_compiled_before(group)


def tell_of_compiling(what: str, group: str, notify: Notify | None) -> None:
    """Tell the user before something that takes long: compiling, once a machine."""
    from analyzer.kernels.cache import can_be_kept, is_compiled_before

    if notify is not None and not is_compiled_before(group):
        often = "once on this machine" if can_be_kept(group) else "each time: no folder is safe to keep it in"
        notify(f"compiling the {what}; this takes about 8 seconds, {often}")


def start_all(readers: Sequence[CaptureReader]) -> Iterator[CaptureReader]:
    """Start each reader and hand it out, for who wants to look into its first chunk.

    Of many, each lets go of its file again before the next one is opened.

    Raises:
        CaptureError: one is no capture.
    """
    for reader in readers:
        reader.start()
        if len(readers) > MOST_OPEN:
            reader.sampled_records = min(SAMPLED_RECORDS, max(SAMPLED_OF_ALL // len(readers), 1))
        yield reader
        if len(readers) > MOST_OPEN:
            _ = reader.first_time, reader.mean_record  # asked later, when the chunk is gone
            reader.park()


def prepare(skimmer: Skimmer, readers: Sequence[CaptureReader], points: Sequence[int] = ()) -> list[Input]:
    """The started readers as inputs, in the order of their file numbers; `points`: where each was captured."""
    inputs = []
    for number, reader in enumerate(readers):
        container = skimmer.integers(COUNT)
        container[:] = reader.container
        reader.container = container
        if skimmer.compiled and len(readers) <= MOST_OPEN:
            reader.read_ahead()
        inputs.append(Input(reader, number, points[number] if points else 0, [skimmer.integers(16 * I_WIDTH)]))
    return inputs


def walk_inputs(skimmer: Skimmer, inputs: Sequence[Input]) -> Iterator[None]:
    """Hand every packet to the skimmer, several inputs interleaved by time; stops for a breath after each chunk.

    Files are opened when their first packet is due and let go at their end, so that a directory of
    thousands takes no more memory, and no more open files, than overlap in time.
    """
    if len(inputs) == 1:
        yield from _walk_until(skimmer, inputs[0], FOREVER)
        return
    pending: list[tuple[int, int]] = []
    for each in inputs:
        first = each.reader.first_time
        pending.append((-FOREVER if first is None else first, each.number))
    heapq.heapify(pending)
    while pending:
        _, number = heapq.heappop(pending)
        each = inputs[number]
        if each.reader.is_stopped:
            return
        if each.reader.parked:
            each.reader.resume()
        yield from _walk_until(skimmer, each, pending[0][0] if pending else FOREVER)
        if each.done:
            each.reader.park()
        else:
            heapq.heappush(pending, (skimmer.last_time, number))


def _walk_until(skimmer: Skimmer, each: Input, until: int) -> Iterator[None]:
    """Walk one input up to its first packet later than `until` ns, which stays unread, or to its end."""
    reader = each.reader
    skimmer.begin_file(each.number, each.point)
    while True:
        view = skimmer.view(reader.buffer)
        try:
            status = skimmer.take(view, reader.ready, reader.container, each.interfaces, until)
        finally:
            if isinstance(view, memoryview):
                view.release()
        more = True
        if status == REACHED_TIME:
            return
        if status == NEED_BYTES:
            more = reader.fill()
        elif status == SKIP:
            more = reader.skip()
            if not more:
                reader.note_damage()
        elif status == DAMAGED:
            reader.note_damage()
            more = False
        yield
        if not more:
            if reader.damaged_at is None and reader.left_over:
                reader.note_damage()
            each.done = True
            return


def bytes_done(inputs: Sequence[Input]) -> tuple[int, int | None]:
    """Bytes read so far over all inputs, and bytes in all, None if unknown (a pipe, compressed input)."""
    return sum(each.reader.bytes_read for each in inputs), bytes_in([each.reader for each in inputs])


def bytes_in(readers: Sequence[CaptureReader]) -> int | None:
    """Bytes in all inputs, None if unknown: of a pipe, compressed input, or a file that says it is empty (/proc)."""
    sizes = [reader.size for reader in readers]
    return sum(size or 0 for size in sizes) if all(sizes) else None
