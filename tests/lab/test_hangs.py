"""Hangs read from the bytes of a capture at the sender."""

from __future__ import annotations

from lab.hangs import Hang, Streams
from tests import builders
from tests.builders import ACK, RST
from tests.builders import CLIENT as PEER
from tests.builders import SERVER as HOST
from tests.lab.packets import PORTS, recording, segment

OTHER = (8081, 5001)
Sent = tuple[float, bytes]


def packet(
    at: float,
    seq: int,
    size: int,
    *,
    ports: tuple[int, int] = PORTS,
    ack: int | None = None,
    window: int = 500,
    flags: int = ACK,
    sack: bool = False,
) -> Sent:
    """A packet of the host; with `ack` one of its peer."""
    blocks = builders.sack((7000, 8000)) if sack else b""
    ends, way = ((HOST, PEER), ports) if ack is None else ((PEER, HOST), ports[::-1])
    fields = {"seq": seq, "ack": ack or 0, "flags": flags, "window": window, "options": blocks}
    return at, segment(bytes(size), ends=ends, ports=way, **fields)


def hang(*packets: Sent, told: int = 1 << 16) -> Hang | None:
    recorded = recording(sorted(packets, key=lambda sent: sent[0]))
    return Streams(recorded, HOST, PEER).hang(PORTS, 1400, told)


HEAD = [packet(at, 1000, 1448) for at in (1.0, 1.2, 1.6, 2.4, 4.0)]
TAIL, SACKED = packet(1.01, 2448, 200), packet(1.05, 1, 0, ack=1000, sack=True)


def proves(*packets: Sent) -> bool:
    found = hang(*packets)
    return found is not None and found.proves_a_hole


def test_a_head_that_is_repeated_while_a_small_tail_arrives() -> None:
    found = hang(*HEAD, TAIL, SACKED)
    assert found is not None
    assert (found.seq, found.transmissions, found.large_segments) == (1000, 5, 1)
    assert found.proves_a_hole
    assert not found.acknowledged_later


def test_too_short_too_few_or_without_anything_small() -> None:
    assert not proves(*HEAD[:4], TAIL, SACKED)  # 1.4 seconds
    assert not proves(HEAD[0], HEAD[3], HEAD[4], TAIL, SACKED)
    assert not proves(*HEAD)
    assert not proves(*HEAD, SACKED)
    assert hang(packet(1.0, 1000, 1300), packet(5.0, 1000, 1300)) is None  # they fit


def test_another_flow_shows_that_small_packets_arrive() -> None:
    small = packet(2.0, 50, 100, ports=OTHER)
    assert proves(*HEAD, small, packet(2.1, 1, 0, ports=OTHER, ack=150))
    assert not proves(*HEAD, small, packet(2.1, 1, 0, ports=OTHER, ack=50))
    assert not proves(*HEAD, small, packet(1.9, 1, 0, ports=OTHER, ack=150), packet(2.1, 1, 0, ports=OTHER, ack=150))


def test_what_ends_it() -> None:
    recovered = hang(*HEAD, TAIL, SACKED, packet(4.1, 1, 0, ack=2648))
    assert recovered is not None
    assert recovered.acknowledged_later
    assert hang(*HEAD, TAIL, packet(1.1, 1, 0, ack=2648)) is None


def test_a_receiver_that_does_not_want_more() -> None:
    assert not proves(*HEAD, TAIL, SACKED, packet(3.0, 1, 0, ack=1000, window=0))
    assert not proves(*HEAD, TAIL, SACKED, packet(3.0, 1, 0, ack=1000, flags=RST | ACK))


def test_what_a_ptb_explains_does_not_count() -> None:
    assert hang(*HEAD, TAIL, SACKED, told=1450) is None
