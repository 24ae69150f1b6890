"""Hazards that are no narrow hop: what they lose, delay, damage or answer, and what they leave alone."""

from __future__ import annotations

from lab.headers import read_packet
from lab.mishaps import Damage, DelayBetween, FalseWarning, LoseControl, LoseMarked, LossyPort, Sprayed
from tests.builders import ACK, FIN, SYN
from tests.lab.packets import segment


def _packet(size: int, *, port: int = 8080, flags: int = ACK, content: bytes = b"") -> bytes:
    payload = content.ljust(size, b".")
    return segment(payload, ports=(port, 5000), seq=1, ack=1, flags=flags)


def test_delay_loses_nothing_and_ends() -> None:
    passage = DelayBetween(since=1.0, until=2.0, seconds=3.0).begin()
    assert [passage(_packet(10), now)[0].delay for now in (0.5, 1.0, 1.9, 2.0)] == [0.0, 3.0, 3.0, 0.0]


def test_damage_changes_the_payload_only() -> None:
    packet, pure_ack = _packet(10), _packet(0)
    passage = Damage(rate=1.0).begin()
    (damaged,) = passage(packet, 0.0)
    assert damaged.packet[:-1] == packet[:-1]
    assert damaged.packet != packet
    assert passage(pure_ack, 0.0)[0].packet == pure_ack


def test_one_port_of_two_is_lossy() -> None:
    passage = LossyPort(port=8081, rate=1.0).begin()
    assert not passage(_packet(10, port=8081), 0.0)
    assert passage(_packet(10), 0.0)


def test_spraying_spares_small_packets() -> None:
    passage = Sprayed(mtu=500, share=0.5, seed=1).begin()
    assert all(passage(_packet(460), 0.0) for _ in range(50))
    large = [bool(passage(_packet(461), 0.0)) for _ in range(50)]
    assert 10 < sum(large) < 40


def test_control_segments_are_lost_so_many_times() -> None:
    passage = LoseControl(flags=SYN | ACK, times=2).begin()
    assert [
        bool(passage(_packet(0, flags=flags), 0.0)) for flags in (SYN, SYN | ACK, FIN | ACK, SYN | ACK, SYN | ACK)
    ] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_bad_luck_ends() -> None:
    passage = LoseMarked(marker=b"XYZ", times=2).begin()
    assert [bool(passage(_packet(50, content=b"XYZ"), 0.0)) for _ in range(3)] == [False, False, True]
    assert passage(_packet(50), 0.0)


def test_a_false_warning_does_not_stop_the_packet() -> None:
    passage = FalseWarning(above=1000, said_mtu=900, limit=1).begin()
    packet = _packet(1200)
    through, warning = passage(packet, 0.0)
    assert through.packet == packet
    assert warning.back
    seen = read_packet(warning.packet)
    assert seen is not None
    assert seen.is_ptb
    assert len(passage(packet, 0.0)) == 1
    assert len(passage(_packet(100), 0.0)) == 1
