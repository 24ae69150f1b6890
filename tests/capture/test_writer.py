from __future__ import annotations

import io

from analyzer.capture.container import PCAPNG
from analyzer.capture.reader import CaptureReader
from analyzer.capture.writer import CaptureWriter
from tests.builders import END_OF_OPTIONS, Packet, block, enhanced, interface, option, section
from tests.reading import records


def test_it_writes_what_the_draft_says() -> None:
    out = io.BytesIO()
    writer = CaptureWriter(out, "tool 1", ["what it is", "and why"])
    assert writer.interface(101, snap=96, capture_filter="tcp") == 0
    assert writer.interface(1) == 1
    writer.packet(1, 5_000_000_001, b"abcde", 1500, comments=["one", "two"], direction=2, number=7)
    writer.packet(0, 0, b"", 60)
    writer.dropped(0, 9, 12)
    resolution = option(9, b"\x09")
    assert out.getvalue() == (
        section(options=option(1, b"what it is") + option(1, b"and why") + option(4, b"tool 1") + END_OF_OPTIONS)
        + interface(101, snap=96, options=resolution + option(11, b"\0tcp") + END_OF_OPTIONS)
        + interface(1, options=resolution + END_OF_OPTIONS)
        + enhanced(
            Packet(5_000_000_001, b"abcde", 1500),
            number=1,
            options=option(1, b"one")
            + option(1, b"two")
            + option(2, b"\2\0\0\0")
            + option(5, (7).to_bytes(8, "little"))
            + END_OF_OPTIONS,
        )
        + enhanced(Packet(0, b"", 60))
        + block(5, bytes(8) + b"\x09\0\0\0" + option(5, (12).to_bytes(8, "little")) + END_OF_OPTIONS)
    )


def test_what_does_not_fit_is_cut() -> None:
    out = io.BytesIO()
    writer = CaptureWriter(out, "t", ["x" * 100_000])
    writer.interface(1, capture_filter="y" * 100_000)
    writer.packet(0, -5, b"longer than the wire", 3, comments=["\u20ac" * 30_000 + "\udcff"])
    reader = CaptureReader(io.BytesIO(out.getvalue()), "c")
    reader.start()
    assert reader.container[0] == PCAPNG
    assert len(out.getvalue()) < 4 * 66_000


def test_times_before_1970_are_kept() -> None:
    out = io.BytesIO()
    writer = CaptureWriter(out, "t")
    early = writer.interface(101, since=-3)
    late = writer.interface(101)
    times = (-3_000_000_000, -1, 5)
    for ts in times:
        writer.packet(early, ts, b"x", 1)
    writer.packet(late, -1, b"x", 1)
    assert [record.ts for record in records(out.getvalue())] == [*times, 0]
