"""A capture once more, as pcapng, with comments at some frames, and else as it was.

Blocks of a pcapng are copied as they are, in their order and byte order; only the headers of sections change (the
length of a section, which grows, is left open, as the draft allows) and the packet blocks that get comments, in front
of their own options. Records of a pcap become enhanced packet blocks of one interface, with the resolution of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence

from analyzer.capture.container import (
    BIG,
    FORMAT,
    FRACTION_NS,
    LENGTHS,
    LENGTHS_UNSURE,
    LENGTHS_WIRE_FIRST,
    LINK_TYPE,
    PCAP,
    PCAPNG,
    POS,
    RECORD_HEADER,
)
from analyzer.capture.pcapng import (
    BYTE_ORDER_MAGIC,
    CUSTOM,
    CUSTOM_NOT_COPIED,
    ENHANCED_PACKET,
    INTERFACE,
    JOURNAL,
    OBSOLETE_PACKET,
    OPTION_TSRESOL,
    SECTION,
    SIMPLE_PACKET,
)
from analyzer.capture.reader import CaptureReader
from analyzer.capture.writer import (
    END_OF_OPTIONS,
    NANOSECONDS,
    UNKNOWN_LENGTH,
    ByteOrder,
    block,
    comment_options,
    option,
    section_header,
)
from analyzer.settings import MAX_RECORD_BYTES

NUMBERED = frozenset({ENHANCED_PACKET, OBSOLETE_PACKET, SIMPLE_PACKET, CUSTOM, CUSTOM_NOT_COPIED, JOURNAL})
"""Blocks that have frame numbers in Wireshark."""

FORMATS = frozenset({PCAP, PCAPNG})
"""Formats of captures that can be annotated: of each other one, records would have to be made blocks first."""

COMMENTABLE = frozenset({ENHANCED_PACKET, OBSOLETE_PACKET})
"""Those that can hold a comment. A simple packet block has no options."""

SECRETS = 10
"""Decryption secrets block."""

OPTION_FCS_LENGTH = 13
FCS_PRESENT = 0x04000000  # in the link type of a pcap: its upper four bits are the length, in 16-bit words
FCS_SHIFT = 28
MICROSECONDS = 6  # if_tsresol: a power of ten
PACKET_HEAD = 28  # bytes of an enhanced or obsolete packet block before its data
SECTION_HEAD = 24  # and of a section header before its options

LONG_BLOCK = 1 << 16
"""Bytes of a block from which on it is copied piece by piece, if nothing in it changes."""


class Annotator:
    """Copies a capture with comments, in pieces.

    `frame` is the number of the last frame that was copied; `secrets` tells that there are blocks with keys.
    """

    def __init__(
        self, reader: CaptureReader, comments: Mapping[int, Sequence[str]], about: Sequence[str], application: str
    ) -> None:
        """Prepare to copy.

        Args:
            reader: started, and read no further.
            comments: by frame number.
            about: comments of the first section.
            application: what writes the section of a pcap.
        """
        self.frame = 0
        self.secrets = False
        self._reader = reader
        self._comments = comments
        self._wanted = iter([*sorted(comments), 1 << 62])
        self._next = next(self._wanted)
        self._about = about
        self._begun = False  # a section of a pcapng was written
        self._application = application
        self._order: ByteOrder = ">" if int(reader.container[BIG]) else "<"
        self._passing = 0  # bytes of a long block that are to be copied

    def pieces(self, end: int | None = None) -> Iterator[bytes]:
        """The annotated capture. What starts at the offset `end` (decompressed) or behind it is left out."""
        is_pcap = int(self._reader.container[FORMAT]) == PCAP
        if is_pcap:
            yield self._opening()
        yield from self._copied(self._records if is_pcap else self._blocks, end)
        if not is_pcap and not self._begun:  # damaged where it begins
            yield section_header(self._about, self._application)

    def _copied(self, copy: Callable[[bytearray, int, int], tuple[bytes, int]], end: int | None) -> Iterator[bytes]:
        reader, container = self._reader, self._reader.container
        while end is None or reader.offset < end:
            position = int(container[POS])
            until = reader.ready if end is None else min(reader.ready, position + end - reader.offset)
            piece, container[POS] = copy(reader.buffer, position, until)
            yield piece
            if not reader.fill():
                return

    def _texts(self) -> Sequence[str]:
        """The comments of the frame that is reached, which is the next one wanted."""
        texts = self._comments[self._next]
        self._next = next(self._wanted)
        return texts

    # pcap

    def _opening(self) -> bytes:
        """Section and interface of a pcap."""
        container, header = self._reader.container, self._reader.buffer
        snap, link = struct.unpack_from(f"{self._order}II", header, 16)
        digits = NANOSECONDS if int(container[FRACTION_NS]) == 1 else MICROSECONDS
        options = option(OPTION_TSRESOL, bytes([digits]))
        if link & FCS_PRESENT:
            options += option(OPTION_FCS_LENGTH, bytes([(link >> FCS_SHIFT) * 2]))
        fixed = struct.pack("<HHI", int(container[LINK_TYPE]), 0, snap)
        return section_header(self._about, self._application) + block(INTERFACE, fixed + options + END_OF_OPTIONS)

    def _records(self, buffer: bytearray, o: int, until: int) -> tuple[bytes, int]:
        """The whole records of buffer[o:until] as blocks, and where they end."""
        container = self._reader.container
        header, order = int(container[RECORD_HEADER]), int(container[LENGTHS])
        units = 1_000_000_000 // int(container[FRACTION_NS])
        words = struct.Struct(f"{self._order}4I")
        head, tail, pad = struct.Struct("<8I").pack, struct.Struct("<I").pack, (b"", b"\0\0\0", b"\0\0", b"\0")
        out: list[bytes | bytearray] = []
        while o + header <= until:
            seconds, fraction, length, wire = words.unpack_from(buffer, o)
            if order == LENGTHS_WIRE_FIRST or (order == LENGTHS_UNSURE and length > wire):
                length, wire = wire, length
            start = o + header
            if length > MAX_RECORD_BYTES or start + length > until:
                break
            o = start + length
            self.frame += 1
            options = b""
            if self.frame == self._next:
                options = comment_options(self._texts()) + END_OF_OPTIONS
            ticks = seconds * units + fraction
            size = 32 + length + (-length & 3) + len(options)
            out += (
                head(ENHANCED_PACKET, size, 0, ticks >> 32, ticks & 0xFFFFFFFF, length, wire, 0)[:28],
                buffer[start:o],
                pad[length & 3],
                options,
                tail(size),
            )
        return b"".join(out), o

    # pcapng

    def _blocks(self, buffer: bytearray, o: int, until: int) -> tuple[bytes, int]:
        """The whole blocks of buffer[o:until], annotated, and where they end."""
        out: list[bytes | bytearray] = []
        run = o  # from here on nothing changes
        if self._passing:
            o += min(self._passing, until - o)
            self._passing -= o - run
        words = struct.Struct(f"{self._order}II")
        while o + 12 <= until:
            kind, length = words.unpack_from(buffer, o)
            if kind == SECTION:
                self._order = "<" if struct.unpack_from("<I", buffer, o + 8)[0] == BYTE_ORDER_MAGIC else ">"
                words = struct.Struct(f"{self._order}II")
                length = words.unpack_from(buffer, o)[1]
            if length < 12 or length & 3:
                break
            numbered = kind in NUMBERED
            changes = kind == SECTION or (numbered and self.frame + 1 == self._next)
            if o + length > until:
                if changes or length < LONG_BLOCK:
                    break
                self._passing = length - (until - o)
            self.secrets = self.secrets or kind == SECRETS
            self.frame += numbered
            end = min(o + length, until)
            if changes:
                out += (buffer[run:o], self._changed(kind, bytes(buffer[o:end])))
                run = end
            o = end
        out.append(buffer[run:o])
        return b"".join(out), o

    def _changed(self, kind: int, whole: bytes) -> bytes:
        if kind == SECTION:
            added: Sequence[str] = () if self._begun else self._about
            self._begun = True
            fixed = whole[8:16] + struct.pack(f"{self._order}Q", UNKNOWN_LENGTH)
            return self._with_comments(kind, fixed, whole[SECTION_HEAD:-4], added)
        texts = self._texts()
        if kind not in COMMENTABLE:
            return whole
        captured = struct.unpack_from(f"{self._order}I", whole, 20)[0]
        data_end = PACKET_HEAD + captured + (-captured & 3)
        return self._with_comments(kind, whole[8:data_end], whole[data_end:-4], texts)

    def _with_comments(self, kind: int, fixed: bytes, options: bytes, texts: Sequence[str]) -> bytes:
        added = comment_options(texts, self._order)
        return block(kind, fixed + added + (options or (END_OF_OPTIONS if added else b"")), self._order)
