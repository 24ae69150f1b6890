from __future__ import annotations

import io

from analyzer.capture.container import PCAPNG
from analyzer.capture.reader import CaptureReader
from analyzer.capture.writer import CaptureWriter
from tests.builders import END_OF_OPTIONS, Packet, block, enhanced, interface, option, section


def test_it_writes_what_the_draft_says() -> None:
    out = io.BytesIO()
    writer = CaptureWriter(out, "tool 1", "what it is")
    assert writer.interface(101, snap=96, capture_filter="tcp") == 0
    assert writer.interface(1) == 1
    writer.packet(1, 5_000_000_001, b"abcde", 1500, comment="frame 7", direction=2)
    writer.packet(0, 0, b"", 60)
    writer.dropped(0, 9, 12)
    resolution = option(9, b"\x09")
    assert out.getvalue() == (
        section(options=option(1, b"what it is") + option(4, b"tool 1") + END_OF_OPTIONS)
        + interface(101, snap=96, options=resolution + option(11, b"\0tcp") + END_OF_OPTIONS)
        + interface(1, options=resolution + END_OF_OPTIONS)
        + enhanced(
            Packet(5_000_000_001, b"abcde", 1500),
            number=1,
            options=option(1, b"frame 7") + option(2, b"\2\0\0\0") + END_OF_OPTIONS,
        )
        + enhanced(Packet(0, b"", 60))
        + block(5, bytes(8) + b"\x09\0\0\0" + option(5, (12).to_bytes(8, "little")) + END_OF_OPTIONS)
    )


def test_what_does_not_fit_is_cut() -> None:
    out = io.BytesIO()
    writer = CaptureWriter(out, "t", "x" * 100_000)
    writer.interface(1, capture_filter="y" * 100_000)
    writer.packet(0, -5, b"longer than the wire", 3, comment="\u20ac" * 30_000 + "\udcff")
    reader = CaptureReader(io.BytesIO(out.getvalue()), "c")
    reader.start()
    assert reader.container[0] == PCAPNG
    assert len(out.getvalue()) < 4 * 66_000
