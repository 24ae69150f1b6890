"""The laboratory's tunnels: what goes in comes out, and an outside capture can be read from the inside."""

from __future__ import annotations

import pytest

from lab.capture_file import ETHERNET, CaptureFile, Record, inside_tunnel
from lab.edits import EndAfterSeconds, EndAfterSegments
from lab.headers import ACK, TCP, UDP, build_ip, build_tcp
from lab.tunnels import Kind, unwrap, wrap

INNER_4 = build_ip(
    "203.0.113.10",
    "192.0.2.10",
    TCP,
    build_tcp("203.0.113.10", "192.0.2.10", (8080, 5000), seq=7, ack=9, flags=ACK, payload=b"abc"),
)
INNER_6 = build_ip(
    "2001:db8:5::10",
    "2001:db8:c::10",
    TCP,
    build_tcp("2001:db8:5::10", "2001:db8:c::10", (8080, 5000), seq=7, ack=9, flags=ACK, payload=b"abc"),
)


def _ethernet(*packets: bytes) -> CaptureFile:
    frames = [bytes(12) + b"\x08\x00" + packet for packet in packets]
    records = tuple(Record(second * 1_000_000_000, len(frame), frame) for second, frame in enumerate(frames))
    return CaptureFile(ETHERNET, 2000, records)


@pytest.mark.parametrize("kind", ["tunnel", "ipip", "gre"])
@pytest.mark.parametrize("inner", [INNER_4, INNER_6])
def test_what_goes_in_comes_out(kind: Kind, inner: bytes) -> None:
    assert unwrap(kind, wrap(kind, inner, 3)) == inner


def test_the_overhead_is_that_of_the_protocols() -> None:
    assert len(wrap("ipip", INNER_4, 1)) == len(INNER_4)
    assert len(wrap("gre", INNER_4, 1)) == len(INNER_4) + 4
    padded = len(INNER_4) + -len(INNER_4) % 16
    assert len(wrap("tunnel", INNER_4, 1)) == padded + 32


def test_an_outside_capture_is_read_from_the_inside() -> None:
    ends = "198.18.0.1", "198.18.0.2"
    vxlan = b"\x08" + bytes(7) + bytes(12) + b"\x08\x00" + INNER_4
    udp = (1000).to_bytes(2, "big") + (4789).to_bytes(2, "big") + (8 + len(vxlan)).to_bytes(2, "big") + bytes(2) + vxlan
    capture = _ethernet(
        build_ip(*ends, 4, wrap("ipip", INNER_4, 1)),
        build_ip(*ends, 41, wrap("ipip", INNER_6, 1)),
        build_ip(*ends, 47, wrap("gre", INNER_6, 1)),
        build_ip(*ends, UDP, udp),
        INNER_4,  # not in a tunnel
    )
    seen = inside_tunnel(capture)
    assert [record.data for record in seen.records] == [INNER_4, INNER_6, INNER_6, INNER_4]
    assert [record.wire_len for record in seen.records] == [len(record.data) for record in seen.records]


def test_a_file_is_cut_by_segments_or_seconds() -> None:
    other = build_ip("203.0.113.10", "192.0.2.10", UDP, bytes(8))
    capture = _ethernet(other, INNER_4, other, INNER_4, INNER_4)
    assert len(EndAfterSegments(2).apply(capture).records) == 4
    assert len(EndAfterSeconds(2.5).apply(capture).records) == 3
    with pytest.raises(ValueError, match="only 3 segments"):
        EndAfterSegments(4).apply(capture)
