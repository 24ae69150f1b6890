"""The whole capture as a pcapng, with comments at the frames that prove something.

Frame numbers, times and bytes are those of the capture; it is read once more and written as it is read. Without
addresses (`--anonymize`) each packet is what it is in an evidence capture, and where nothing may be left of one, its
time and its length are: frame numbers stay.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from analyzer.capture.annotating import FORMATS, Annotator
from analyzer.capture.container import FORMAT, FORMAT_NAMES
from analyzer.capture.reader import CaptureReader
from analyzer.capture.writer import CaptureWriter
from analyzer.decode.packet_fields import END, LINK, PACKET_DIRECTION, START, TS, WIRE_LEN
from analyzer.errors import UsageError
from analyzer.model import tool
from analyzer.model.analysis import Analysis
from analyzer.model.text import printable
from analyzer.passes.reread import every, reader_of
from analyzer.passes.walk import start_all
from analyzer.redaction.packet_rewrite import redacted
from analyzer.report.formats.evidence_capture import earliest_second, filter_of, note_drops
from analyzer.report.frame_comments import frame_comments, left_without, section_comments
from analyzer.report.wishes import Wishes

APPLICATION = f"{tool.NAME} {tool.__version__}"

WHOLE = "The whole capture, unchanged; comments are at the frames that the verdicts rest on (filter: frame.comment)."
HIDDEN = (
    "All frames of the capture, with other addresses and without payload (empty where that is nothing); comments are "
    "at the frames that the verdicts rest on (filter: frame.comment)."
)


class AnnotatedCapture:
    """The whole capture, with comments."""

    def files(self, analysis: Analysis, target: Path, wishes: Wishes) -> dict[Path, Iterable[bytes]]:
        """The one file, in pieces."""
        check_one_file(target, len(analysis.files))
        return {target: annotated(analysis, target, wishes)}


def check_one_file(target: Path | str, files: int) -> None:
    """Raise UsageError unless it is one file: frame numbers are those within a file."""
    if files != 1:
        raise UsageError(
            f"{printable(str(target))}: expected one capture file, whose frame numbers stay as they are, found {files}"
            "; join them first: mergecap -w joined.pcapng FILE..."
        )


def annotated(analysis: Analysis, target: Path, wishes: Wishes) -> Iterator[bytes]:
    """The pieces of an annotated capture.

    Raises:
        UsageError: the capture cannot be read again, or changed since it was analysed.
    """
    commented = frame_comments(analysis)
    comments = {ref.frame: texts for ref, texts in commented.comments.items()}
    hidden = analysis.anonymizer is not None
    about = section_comments(analysis, HIDDEN if hidden else WHOLE, left_without(commented))
    with reader_of(analysis, 0) as reader:
        if hidden:
            yield from _Hidden(analysis, comments, about).pieces(reader)
            return
        for _ in start_all([reader]):
            pass
        _check_format(reader, analysis.files[0].path)
        copy = Annotator(reader, comments, about, APPLICATION)
        yield from copy.pieces(analysis.files[0].damaged_at)
    if copy.frame < max(comments, default=0):
        raise UsageError(f"{printable(analysis.files[0].path)}: changed since it was analysed; analyse it again")
    if copy.secrets and wishes.notify is not None:
        wishes.notify(f"{printable(str(target))}: holds the keys to decrypt it, as the capture does")


def _check_format(reader: CaptureReader, path: str) -> None:
    """Raise UsageError where records of this format cannot be written as blocks."""
    number = int(reader.container[FORMAT])
    if number not in FORMATS:
        raise UsageError(
            f"{printable(path)}: expected a pcap or pcapng file to annotate, found {FORMAT_NAMES[number]}; "
            "convert it first: editcap CAPTURE converted.pcapng"
        )


class _Hidden:
    """Writes all frames without addresses and payload."""

    def __init__(self, analysis: Analysis, comments: dict[int, list[str]], about: list[str]) -> None:
        self._analysis = analysis
        self._comments = comments
        self._out = io.BytesIO()
        self._writer = CaptureWriter(self._out, APPLICATION, about)
        self._interfaces: dict[int, int] = {}  # by link type
        self._frame = 0

    def pieces(self, reader: CaptureReader) -> Iterator[bytes]:
        for _ in every(reader, self._take):
            yield self._drained()
        if self._interfaces:
            note_drops(self._analysis, self._writer, next(iter(self._interfaces.values())))
        yield self._drained()

    def _drained(self) -> bytes:
        piece = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return piece

    def _take(self, view: Any, h: list[int], frame: int) -> None:
        for number in range(self._frame + 1, frame):  # blocks without a packet that have frame numbers
            self._write(number, h, b"", h[LINK], 0)
        self._frame = frame
        data, link_type, wire_len = b"", h[LINK], h[WIRE_LEN]
        kept = redacted(bytes(view[h[START] : h[END]]), link_type, wire_len, anonymizer=self._analysis.anonymizer)
        if kept is not None:
            data, link_type, wire_len = kept.data, kept.link_type, kept.wire_len
        self._write(frame, h, data, link_type, wire_len)

    def _write(self, frame: int, h: list[int], data: bytes, link_type: int, wire_len: int) -> None:
        if link_type not in self._interfaces:
            self._interfaces[link_type] = self._writer.interface(
                link_type, capture_filter=filter_of(self._analysis, 0), since=earliest_second(self._analysis)
            )
        self._writer.packet(
            self._interfaces[link_type],
            h[TS],
            data,
            wire_len,
            comments=self._comments.get(frame, ()),
            direction=h[PACKET_DIRECTION],
        )
