"""Reading one capture: a path or an open binary file, in chunks into one reused buffer.

`CaptureReader.fill` keeps unread bytes, reads behind them and says how many bytes lie ready. Compressed
input is recognised by content. Nothing is ever held but the buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from analyzer.capture.capture_filter import read_filters
from analyzer.capture.compression import decompressed, is_compressed, is_damage
from analyzer.capture.container import (
    BIG,
    COUNT,
    FORMAT,
    FRAME,
    GOT_PACKET,
    I_WIDTH,
    OTHER_FRAMES,
    PCAP,
    PCAPNG,
    POS,
    PROBLEM,
    PROBLEM_COMPRESSION,
    PROBLEM_CUT,
    PROBLEM_DECOMPRESSED,
    PROBLEM_GONE,
    PROBLEM_TRAILER,
    PROBLEMS,
    SKIP_BYTES,
)
from analyzer.capture.foreign_formats import no_capture
from analyzer.capture.pcap import FILE_HEADER, read_file_header
from analyzer.capture.pcapng import next_packet
from analyzer.capture.regular_file import Identity, RegularFile, ReplacedError, opened
from analyzer.decode.integers import int32
from analyzer.decode.packet_fields import COUNT as FIELDS
from analyzer.decode.packet_fields import TS
from analyzer.errors import CaptureError
from analyzer.settings import (
    CHUNK_BYTES,
    DECOMPRESSED_AT_LEAST,
    DECOMPRESSED_RATIO,
    FIRST_BYTES,
    MAX_DECOMPRESSED_BYTES,
    MAX_RECORD_BYTES,
)

if TYPE_CHECKING:
    from analyzer.capture.read_ahead import ReadAhead
    from analyzer.capture.stop import Stop

SAMPLED_RECORDS = 500
BROKEN_OFF = (PROBLEM_COMPRESSION, PROBLEM_DECOMPRESSED, PROBLEM_GONE)
"""What ends the input where it is damage even between two records."""
SECTION_MAGIC = b"\x0a\x0d\x0d\x0a"


class CaptureReader:
    """One capture being read. `size` is the file's length in bytes, or None for a pipe or compressed input.

    Of compressed input, `most_bytes` are read at most, decompressed; None: as many as `Settings` says. Where `stop`
    asks for it, the input ends early, which is no damage.
    """

    def __init__(
        self, source: Path | BinaryIO, name: str, most_bytes: int | None = None, stop: Stop | None = None
    ) -> None:
        self.name = name
        self._most_bytes = most_bytes
        self._stop = stop
        self._lingers = False  # a pipe, which decides itself when to stop
        self.size: int | None = None
        self.bytes_read = 0
        self.bytes_stored = 0  # of these, as they are stored: of compressed input fewer
        self.damaged_at: int | None = None
        self.is_cut = False
        self.problem = ""
        self.filters: tuple[str, ...] = ()  # capture filters that the file names
        self.container: list[int] = [0] * COUNT
        self.sampled_records = SAMPLED_RECORDS
        self.chunk_bytes = CHUNK_BYTES
        self.among = 1  # inputs that share what compressed ones may decompress to
        self._source = source
        self._opened_here = isinstance(source, Path)
        self._identity: Identity | None = None  # of a regular file that was opened
        self._file: Any = None
        self._raw: Any = None
        self._base = 0  # file offset of buffer[0]
        self._end_of_file = False
        self.parked = False
        self.buffer = bytearray()  # made when it is started: as large as a small file
        self.ready = 0  # bytes of the buffer that are filled
        self._ahead: ReadAhead | None = None

    def _open(self) -> Any:
        source = self._source
        file = opened(source, self.name, self._identity, self._stop) if isinstance(source, Path) else source
        if isinstance(file, RegularFile):
            self._identity, self.size = file.identity, file.size
            return file
        piped = file if self._stop is None else self._stop.pipe(file)
        self._lingers = piped is not file
        return piped

    def start(self) -> None:
        """Open it, and read the first chunk and the file header. Raises CaptureError if this is no capture."""
        if self._file is None:
            self._file = self._raw = self._open()
            self.buffer = bytearray(self.chunk_bytes if self.size is None else min(self.size + 1, self.chunk_bytes))
        self._read_first()
        head = bytes(self.buffer[: min(self.ready, 32)])
        if is_compressed(head):
            self._decompress()
            head = bytes(self.buffer[: min(self.ready, 32)])
        if not head and self.container[PROBLEM]:
            raise CaptureError(self.name, 0, PROBLEMS[PROBLEM_COMPRESSION])
        if not head:
            raise CaptureError(self.name, 0, "expected a pcap or pcapng capture, found an empty file")
        if head.startswith(SECTION_MAGIC):
            self.container[FORMAT] = PCAPNG
            self.filters = self.filters or read_filters(bytes(self.buffer[: self.ready]))
            if self.ready < 28:
                raise CaptureError(self.name, self.ready, "expected a pcapng section header, found the end of the file")
            return
        if len(head) >= 4 and read_file_header(head.ljust(FILE_HEADER, b"\0"), self.container):
            if self.ready < self.container[POS]:
                raise CaptureError(self.name, self.ready, "expected a pcap file header, found the end of the file")
            self.container[FORMAT] = PCAP
            return
        with memoryview(self.buffer) as view, view[: self.ready] as start:
            path = self.name if self._opened_here else None
            problem = no_capture(start, whole=self._end_of_file, path=path)
        raise CaptureError(self.name, 0, problem)

    def park(self) -> None:
        """Let go of a regular file until `resume`: of many files, few are open at a time."""
        if isinstance(self._raw, RegularFile):  # a pipe, or an open file, is read as it comes
            self.release()
            self.parked = True

    def resume(self) -> None:
        """Open a parked file again, from its start. Where that is no capture any more, it is damaged there.

        Raises:
            CaptureError: it is as it was, and cannot be opened all the same.
        """
        before = [int(value) for value in self.container]
        self._base = 0
        self.bytes_read = 0
        self._end_of_file = False
        self.parked = False
        self.container[:] = [0] * COUNT
        try:
            self.start()
        except CaptureError as error:
            why = error.__context__
            if isinstance(why, OSError) and not isinstance(why, (FileNotFoundError, ReplacedError)):
                raise
            self.release()
            self._end_of_file = True
            self.container[:] = before
            self.container[POS] = 0
            self.note_damage(0)
            self.problem = error.problem

    def set_aside(self) -> None:
        """Until more of it is read, hold no regular file open, and no bytes but those not walked yet."""
        if isinstance(self._raw, RegularFile):
            self._raw.let_go()
        if self._end_of_file and self._file is not self._raw:
            self._file.close()  # what it takes to decompress
            self._file = self._raw
        if self._end_of_file:
            self._drop(int(self.container[POS]))
            self.container[POS] = 0
            self.buffer = self.buffer[: self.ready]

    @property
    def decompressor_bytes(self) -> int:
        """Memory that is held to decompress what is left, taken roughly; no buffer shows it."""
        return 0 if self._end_of_file or self._file is self._raw else int(self._file.held_bytes)

    def _decompress(self) -> None:
        """Go on reading through a decompressor; the bytes read so far go first."""
        try:
            self._file = decompressed(bytes(self.buffer[: self.ready]), self._raw)
        except ImportError as error:
            missing = f"expected the package {error.name} for a compressed capture, found none"
            raise CaptureError(self.name, 0, missing) from None
        self.size = None
        self.ready = 0
        self.bytes_read = 0
        self._end_of_file = False
        self.buffer = bytearray(self.chunk_bytes)
        self._read_first()

    @property
    def offset(self) -> int:
        """File offset (of the decompressed bytes) where the next record starts."""
        return self._base + int(self.container[POS])

    def read_ahead(self) -> None:
        """From now on read the next chunk while this one is walked. Not of a pipe: its writer runs beside us anyway."""
        if isinstance(self._raw, RegularFile) and not self._end_of_file and self.bytes_read != self.size:
            from analyzer.capture.read_ahead import ReadAhead  # a small capture does without

            self._ahead = ReadAhead(self._read_into, self.chunk_bytes)
            self._ahead.ask()

    def _swap(self, ahead: ReadAhead, position: int) -> bool:
        """Go on with the chunk that was read meanwhile, the unread bytes in front of it; False at the end."""
        got = self._took(ahead.take)
        if not got:
            return False
        rest = self.ready - position
        self.buffer, start = ahead.join(self.buffer, position, self.ready, got)
        self._base += position - start
        self.container[POS] = start
        self.ready = start + rest + got
        ahead.ask()
        return True

    def fill(self) -> bool:
        """Bring more bytes behind the unread ones; False at the end of the file."""
        if self._read_on(int(self.container[POS])):
            return True
        if int(self.container[PROBLEM]) in BROKEN_OFF:
            self.note_damage()
        return False

    def _read_on(self, position: int) -> bool:
        if self._ahead is not None:
            return self._swap(self._ahead, position)
        self._drop(position)
        self.container[POS] = 0
        if self.ready == len(self.buffer):
            if len(self.buffer) > MAX_RECORD_BYTES:
                return False
            # In place would fail while a memoryview of it exists.
            self.buffer = bytearray(self.buffer) + bytearray(len(self.buffer))
        return self._read_more()

    def _drop(self, count: int) -> None:
        rest = self.ready - count
        self.buffer[:rest] = self.buffer[count : self.ready]
        self.ready = rest
        self._base += count

    def skip(self) -> bool:
        """Skip a block of SKIP_BYTES at POS, all but its last word unseen; False if it is damaged."""
        start = self.offset
        length = int(self.container[SKIP_BYTES])
        count = length - 4
        while count or self.left_over < 4:
            here = min(count, self.left_over)
            self.container[POS] += here
            count -= here
            if (count or self.left_over < 4) and not self.fill():
                self.note_damage(start)
                return False
        position = int(self.container[POS])
        if int32(self.buffer, position, int(self.container[BIG])) != length:
            self.container[PROBLEM] = PROBLEM_TRAILER
            self.note_damage(start)
            return False
        self.container[POS] += 4
        return True

    def _read_first(self) -> None:
        """Fill the beginning of the buffer; pipes and decompressors give their bytes in small portions."""
        first = min(FIRST_BYTES, len(self.buffer))
        while self.ready < first and self._read_more(first):
            pass

    def _read_more(self, upto: int | None = None) -> bool:
        if self._end_of_file:
            return False
        with memoryview(self.buffer) as view, view[self.ready : upto] as rest:
            got = self._took(lambda: self._read_into(rest))
        self.ready += got
        return got > 0

    def _read_into(self, target: memoryview) -> int:
        # A plain readinto of a decompressor fills the whole buffer, or loses all when the rest is broken.
        read = getattr(self._file, "readinto1", self._file.readinto)
        return int(read(target) or 0)

    def _took(self, take: Callable[[], int]) -> int:
        """What `take` says it read, counted; 0 at the end, or where the input is broken."""
        if self._end_of_file or (self.is_stopped and not self._lingers):
            self._end_of_file = True
            return 0
        try:
            got = take()
        except Exception as error:
            if not is_damage(error):
                raise
            self._broken(error)
            got = 0
        self.bytes_read += got
        self.bytes_stored = self.bytes_read if self._file is self._raw else int(self._file.compressed_bytes)
        self._end_of_file = not got
        if self._file is not self._raw and self.bytes_read > self._limit():
            self.container[PROBLEM] = PROBLEM_DECOMPRESSED
            self._end_of_file = True
        return got

    def _limit(self) -> int:
        if self._most_bytes is not None:
            return self._most_bytes
        allowed = DECOMPRESSED_AT_LEAST // self.among + DECOMPRESSED_RATIO * int(self._file.compressed_bytes)
        return min(allowed, MAX_DECOMPRESSED_BYTES)

    def _broken(self, error: Exception) -> None:
        if isinstance(self._raw, RegularFile) and self._raw.gone:
            self.container[PROBLEM] = PROBLEM_GONE
            return
        if self._file is self._raw:
            raise CaptureError(self.name, self._base + self.ready, f"expected readable bytes, found: {error}") from None
        self.container[PROBLEM] = PROBLEM_COMPRESSION

    def note_damage(self, offset: int | None = None) -> None:
        """Remember where (by default at POS) and why the walk had to stop; only the first time counts."""
        if self.damaged_at is not None or self.is_stopped:
            return
        self.damaged_at = self.offset if offset is None else offset
        problem = int(self.container[PROBLEM]) or PROBLEM_CUT
        self.problem = PROBLEMS[problem]
        self.is_cut = problem == PROBLEM_CUT

    @property
    def is_stopped(self) -> bool:
        """True if somebody asked to stop reading."""
        return self._stop is not None and self._stop.asked

    @property
    def ended(self) -> bool:
        """True if the end of the input was seen already."""
        return self._end_of_file

    @cached_property
    def mean_record(self) -> float:
        """Mean bytes of a record among the first ones, estimated without decoding them. To be asked once started."""
        start = position = int(self.container[POS])
        count = 0
        for container, _, _ in self.sample(self.sampled_records):
            position = container[POS]
            count += 1
        return (position - start) / max(count, 1)

    def sample(self, most: int) -> Iterator[tuple[list[int], list[int], memoryview]]:
        """Walk up to `most` packets in the buffer without moving on: container, fields and buffer of each."""
        container = [int(value) for value in self.container]
        interfaces = [0] * (64 * I_WIDTH)
        fields = [0] * FIELDS
        with memoryview(self.buffer) as view:
            for _ in range(most):
                if next_packet(view, self.ready, container, interfaces, fields) != GOT_PACKET:
                    return
                yield container, fields, view

    @cached_property
    def first_time(self) -> int | None:
        """Time of the first packet, ns; None if it is not in the first chunk. To be asked once started."""
        return next((fields[TS] for _, fields, _ in self.sample(1)), None)

    @property
    def left_over(self) -> int:
        """Bytes in the buffer that no record has claimed."""
        return self.ready - int(self.container[POS])

    @property
    def packets(self) -> int:
        """Packets read so far."""
        return int(self.container[FRAME]) - int(self.container[OTHER_FRAMES])

    def close(self) -> None:
        """Close the file, if it was opened here. Nothing of it can be read any more."""
        if self._ahead is not None:
            self._ahead.stop()
            self._ahead = None
        if self._raw is not self._file:
            self._file.close()
        if self._opened_here and self._raw is not None:
            self._raw.close()

    def release(self) -> None:
        """As `close`, and let go of the buffer. What was found out about the capture stays."""
        self.close()
        self._file = self._raw = None
        self.buffer = bytearray()
        self.ready = 0
