"""The laboratory's tunnels: what goes in comes out, and an outside capture can be read from the inside."""

from __future__ import annotations

from functools import partial

import pytest

from lab.capture_file import CaptureFile, inside_tunnel
from lab.edits import EndAfterSeconds, EndAfterSegments
from lab.tunnels import Kind, unwrap, wrap
from tests.builders import CLIENT, CLIENT6, SERVER, SERVER6, UDP, ethernet, ipv4, udp
from tests.lab.packets import recording, segment


def recorded(*packets: bytes) -> CaptureFile:
    return recording(enumerate(packets))


INNER_4 = segment(b"abc", seq=7, ack=9)
INNER_6 = segment(b"abc", ends=(SERVER6, CLIENT6), seq=7, ack=9)


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
    outside = partial(ipv4, src="198.18.0.1", dst="198.18.0.2")
    vxlan = b"\x08" + bytes(7) + ethernet(INNER_4)
    capture = recorded(
        outside(wrap("ipip", INNER_4, 1), protocol=4),
        outside(wrap("ipip", INNER_6, 1), protocol=41),
        outside(wrap("gre", INNER_6, 1), protocol=47),
        outside(udp(vxlan, sport=1000, dport=4789), protocol=UDP),
        INNER_4,  # not in a tunnel
    )
    seen = inside_tunnel(capture)
    assert [record.data for record in seen.records] == [INNER_4, INNER_6, INNER_6, INNER_4]
    assert [record.wire_len for record in seen.records] == [len(record.data) for record in seen.records]


def test_a_file_is_cut_by_segments_or_seconds() -> None:
    other = ipv4(bytes(8), src=SERVER, dst=CLIENT, protocol=UDP)
    capture = recorded(other, INNER_4, other, INNER_4, INNER_4)
    assert len(EndAfterSegments(2).apply(capture).records) == 4
    assert len(EndAfterSeconds(2.5).apply(capture).records) == 3
    with pytest.raises(ValueError, match="only 3 segments"):
        EndAfterSegments(4).apply(capture)
