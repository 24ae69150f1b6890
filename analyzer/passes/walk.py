"""The walk over all inputs: chunks of bytes, handed on in time order.

Several inputs are one capture: while files overlap in time, each is read up to the next packet of the others.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analyzer.capture.container import (
    COUNT,
    DAMAGED,
    DROPPED,
    FORMAT,
    FORMAT_NAMES,
    I_DROPPED,
    I_LINK,
    I_WIDTH,
    INTERFACES,
    LINK_TYPE,
    NEED_BYTES,
    PCAPNG,
    POS,
    SKIP,
)
from analyzer.capture.reader import SAMPLED_RECORDS, CaptureReader
from analyzer.decode.link_names import NAMES
from analyzer.errors import CaptureError
from analyzer.model.analysis import CaptureFile
from analyzer.passes.first import FOREVER, Skimmer
from analyzer.passes.packet_queue import REACHED_TIME
from analyzer.settings import CHUNK_BYTES, INTERPRETED_PACKETS, UNCOMPILED_PACKETS

MOST_OPEN = 4
"""Files that are kept open together although they are not due. Of more, each is opened when it is."""

BUFFER_BYTES = 16 << 20
"""Bytes that the files of many share for their buffers: of n that overlap in time, the last takes an n-th of it."""

LEAST_BUFFER_BYTES = 4 << 10
"""The smallest buffer to begin with: thousands of files may overlap."""

LEAST_DECOMPRESSED_BYTES = 32 << 10
"""As above, of compressed files: what is decompressed as a whole holds nothing but that."""

DECOMPRESSING_BYTES = 1 << 30
"""Memory that decompressors may take together, of files that overlap in time."""

LEAST_PIECE_BYTES = 128 << 10
"""Bytes that are walked interpreted before somebody looks whether the compiled code has come: some 50 ms."""

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

    def fit(self, skimmer: Skimmer) -> None:
        """Bring the walk state into the form that the skimmer's mode wants by now."""
        if skimmer.compiled and isinstance(self.reader.container, list):
            self.reader.container = _in_mode_of(skimmer, self.reader.container)
            self.interfaces[0] = _in_mode_of(skimmer, self.interfaces[0])

    def described(self, stamped: tuple[int, int] | None) -> CaptureFile:
        """The file as it was read. `stamped`: see `CaptureFile.stamp`."""
        reader = self.reader
        container = reader.container
        dropped = 0
        if int(container[FORMAT]) != PCAPNG:
            links = [int(container[LINK_TYPE])]
        else:
            table = self.interfaces[0]
            counted = sum(int(table[i * I_WIDTH + I_DROPPED]) for i in range(int(container[INTERFACES])))
            dropped = max(counted, int(container[DROPPED]))  # two ways of counting the same
            links = sorted({int(table[i * I_WIDTH + I_LINK]) for i in range(int(container[INTERFACES]))})
        return CaptureFile(
            path=reader.name,
            format=FORMAT_NAMES[int(container[FORMAT])],
            link_types=tuple(NAMES.get(link, str(link)) for link in links),
            bytes=reader.bytes_read,
            packets=reader.packets,
            damaged_at=reader.damaged_at,
            problem=reader.problem,
            stored=reader.bytes_stored,
            is_cut=reader.is_cut,
            stamp=stamped,
            filters=reader.filters,
            dropped=dropped,
            point=self.point,
            interfaces=1 if int(container[FORMAT]) != PCAPNG else int(container[INTERFACES]),
        )


def _in_mode_of(skimmer: Skimmer, values: Sequence[int]) -> Any:
    out = skimmer.integers(len(values))
    out[:] = values
    return out


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


def goes_compiled(
    readers: Sequence[CaptureReader],
    what: str,
    group: str,
    compiled: bool | None,
    notify: Notify | None,
    *,
    wait: bool = True,
) -> bool:
    """Whether a pass over readers goes compiled: as `compiled` says, by default where they are large.

    Where that takes long the user is told, by `notify`, with `what` as the name of what is compiled.
    """
    large = not is_small(readers, group) if compiled is None else compiled
    if large:
        tell_of_compiling(what, group, notify, wait=wait)
    return large


def tell_of_compiling(what: str, group: str, notify: Notify | None, *, wait: bool = True) -> None:
    """Tell the user before something that takes long, or is slow meanwhile: compiling, once a machine."""
    from analyzer.kernels.cache import can_be_kept, is_compiled_before

    if notify is not None and not is_compiled_before(group):
        kept = can_be_kept(group)
        often = "once on this machine" if kept else "each time: no folder is safe to keep it in"
        meanwhile = "" if wait or not kept else " Reading has begun, and is slow until then"
        notify(f"compiling the {what}; this takes about 8 seconds, {often}{meanwhile and '.'}{meanwhile}")


def start_all(
    readers: Sequence[CaptureReader], failed: Callable[[CaptureReader, CaptureError], None] | None = None
) -> Iterator[CaptureReader]:
    """Start each reader and hand it out, for who wants to look into its first chunk.

    Of many, each lets go of its file again before the next one is opened. One that is no capture is handed to `failed`,
    if given, and passed over unless that raises.

    Raises:
        CaptureError: one is no capture.
    """
    for reader in readers:
        reader.among = len(readers)
        try:
            reader.start()
        except CaptureError as error:
            if failed is None:
                raise
            reader.release()
            failed(reader, error)
            continue
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


def walk_inputs(skimmer: Skimmer, inputs: Sequence[Input]) -> Iterator[Input]:
    """Hand every packet to the skimmer, several inputs interleaved by time; stops for a breath after each chunk.

    Only those of one capture point are: what others saw is followed apart, and by clocks that may differ.

    It hands out the input whose chunk that was. Files are opened when their first packet is due and let go at their
    end. Of those that overlap in time few are open at once, and their buffers are the smaller the more they are, so
    that a directory of thousands takes little memory, and few open files.

    Raises:
        CaptureError: compressed files overlap that take too much memory together.
    """
    if len(inputs) == 1:
        yield from _walk_until(skimmer, inputs[0], FOREVER)
        return
    overlap = _Overlap() if len(inputs) > MOST_OPEN else None
    for point in dict.fromkeys(each.point for each in inputs):
        yield from _walk_point(skimmer, {each.number: each for each in inputs if each.point == point}, overlap)


def _walk_point(skimmer: Skimmer, inputs: Mapping[int, Input], overlap: _Overlap | None) -> Iterator[Input]:
    """As `walk_inputs`, of one point's inputs by their numbers. `overlap`: there are too many to be all open."""
    pending: list[tuple[int, int]] = []
    for each in inputs.values():
        first = each.reader.first_time
        pending.append((-FOREVER if first is None else first, each.number))
    heapq.heapify(pending)
    while pending:
        _, number = heapq.heappop(pending)
        each = inputs[number]
        if each.reader.is_stopped:
            return
        if overlap is not None:
            overlap.take_up(each.reader)
        yield from _walk_until(skimmer, each, pending[0][0] if pending else FOREVER)
        if not each.done:
            heapq.heappush(pending, (skimmer.last_time, number))
        if overlap is not None:
            overlap.put_down(each.reader, done=each.done)
        if each.done:
            each.reader.release()


class _Overlap:
    """The files that are read by turns, of which few are open."""

    def __init__(self) -> None:
        self._begun: set[CaptureReader] = set()
        self._open: list[CaptureReader] = []  # the one used last at the end
        self._decompressing: dict[CaptureReader, int] = {}
        self._decompressing_bytes = 0

    def take_up(self, reader: CaptureReader) -> None:
        """It is the reader's turn."""
        if reader in self._open:
            self._open.remove(reader)
        self._decompressing_bytes -= self._decompressing.pop(reader, 0)
        if reader.parked:
            self._begun.add(reader)
            least = LEAST_DECOMPRESSED_BYTES if reader.size is None else LEAST_BUFFER_BYTES
            reader.chunk_bytes = min(max(BUFFER_BYTES // len(self._begun), least), CHUNK_BYTES)
            reader.resume()

    def put_down(self, reader: CaptureReader, *, done: bool) -> None:
        """It is another one's turn, and it may take long until it is this one's again."""
        if done:
            self._begun.discard(reader)
            return
        self._open.append(reader)
        if len(self._open) < MOST_OPEN:
            return
        longest = self._open.pop(0)
        longest.set_aside()
        self._decompressing[longest] = longest.decompressor_bytes
        self._decompressing_bytes += longest.decompressor_bytes
        if self._decompressing_bytes > DECOMPRESSING_BYTES:
            problem = "expected compressed files of which few overlap in time, found too many: decompress them first"
            raise CaptureError(longest.name, None, problem)


def _walk_until(skimmer: Skimmer, each: Input, until: int) -> Iterator[Input]:
    """Walk one input up to its first packet later than `until` ns, which stays unread, or to its end."""
    reader = each.reader
    skimmer.begin_file(each.number, each.point)
    piece = LEAST_PIECE_BYTES
    while True:
        waiting = skimmer.turns_to_compiled()
        each.fit(skimmer)
        begin = int(reader.container[POS])
        end = min(begin + piece, reader.ready) if waiting else reader.ready
        view = skimmer.view(reader.buffer)
        try:
            status = skimmer.take(view, end, reader.container, each.interfaces, until)
        finally:
            if isinstance(view, memoryview):
                view.release()
        more = True
        if status == REACHED_TIME:
            return
        if status == NEED_BYTES and end < reader.ready:
            piece = LEAST_PIECE_BYTES if reader.container[POS] > begin else 2 * piece  # a record is longer
        elif status == NEED_BYTES:
            more = reader.fill()
        elif status == SKIP:
            more = reader.skip()
            if not more:
                reader.note_damage()
        elif status == DAMAGED:
            reader.note_damage()
            more = False
        yield each
        if not more:
            if reader.damaged_at is None and reader.left_over:
                reader.note_damage()
            each.done = True
            return


class Meter:
    """How far a walk is, told after each chunk."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self._counted = [0] * len(inputs)
        self._done = 0
        self._in_all = bytes_in([each.reader for each in inputs])

    def after(self, each: Input) -> tuple[int, int | None]:
        """Bytes read so far over all inputs, the last of them of this one, and bytes in all, None if unknown."""
        read = each.reader.bytes_read
        self._done += read - self._counted[each.number]
        self._counted[each.number] = read
        return self._done, self._in_all


def bytes_in(readers: Sequence[CaptureReader]) -> int | None:
    """Bytes in all inputs, None if unknown: of a pipe, compressed input, or a file that says it is empty (/proc)."""
    sizes = [reader.size for reader in readers]
    return sum(size or 0 for size in sizes) if all(sizes) else None
