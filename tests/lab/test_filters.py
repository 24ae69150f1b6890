"""Hazards that choose flows by their ports, packets by their bits, and SYNs by being the first."""

from __future__ import annotations

import pytest

from lab.filters import NarrowMember, PayloadFilter
from lab.hazards import ContentFilter, NarrowHop
from lab.headers import read_packet, tcp_adds_up
from lab.mishaps import BitErrors, Damage, LateSyn
from tests.builders import ACK, RST, SYN
from tests.lab.packets import segment


def packet(size: int, ports: tuple[int, int] = (8080, 5000), flags: int = ACK) -> bytes:
    return segment(b"payload!" * (size // 8), ports=ports, seq=20_000_000, ack=77, flags=flags)


def test_a_payload_filter_lets_bare_acks_and_other_ports_pass() -> None:
    passage = PayloadFilter(port=8080, first=2).begin()
    assert [len(passage(data, 0.0)) for data in (packet(8), packet(8), packet(0), packet(1448))] == [1, 0, 1, 0]
    assert len(passage(packet(8, (8081, 5000)), 0.0)) == 1


@pytest.mark.parametrize(("odd", "ports"), [("client", (8080, 5001)), ("server", (8081, 5000))])
def test_a_narrow_member_takes_odd_ports_in_either_direction(odd: str, ports: tuple[int, int]) -> None:
    passage = NarrowMember(mtu=1400, odd="client" if odd == "client" else "server").begin()
    assert not passage(packet(1448, ports), 0.0)
    assert not passage(packet(1448, ports[::-1]), 0.0)
    assert len(passage(packet(800, ports), 0.0)) == 1
    assert len(passage(packet(1448), 0.0)) == 1


def test_bit_errors_prefer_large_packets() -> None:
    lost = {}
    for size in (0, 1448):
        passage = BitErrors(rate=1e-4, seed=1).begin()
        lost[size] = sum(not passage(packet(size), 0.0) for _ in range(1000)) / 1000
    assert lost[0] == pytest.approx(0.03, abs=0.02)  # 320 bits
    assert lost[1448] == pytest.approx(0.70, abs=0.05)  # 11,904 bits


def test_only_the_first_syn_of_a_connection_is_late() -> None:
    passage = LateSyn(seconds=0.3).begin()
    syn = packet(0, flags=SYN)
    delays = [passage(data, 0.0)[0].delay for data in (syn, syn, packet(8), packet(0, (8080, 5001), SYN))]
    assert delays == [0.3, 0.0, 0.0, 0.3]
    assert passage(packet(0, (8080, 5002), SYN | ACK), 0.0)[0].delay == 0.0


def test_a_ptb_may_come_late() -> None:
    (answer,) = NarrowHop(mtu=1400, ptb="plain", answers_after=3.0).begin()(packet(1448), 0.0)
    assert (answer.back, answer.delay) == (True, 3.0)


def test_a_reset_that_nobody_believes() -> None:
    (answer,) = ContentFilter(marker=b"payload!", action="poor_reset").begin()(packet(8), 0.0)
    seen = read_packet(answer.packet)
    assert seen is not None
    assert answer.back
    assert seen.flags & RST
    assert seen.seq == (77 - 10_000_000) % 2**32


def test_damage_shows_in_the_checksum() -> None:
    passage = Damage(rate=1.0, above=1400).begin()
    for size, right in ((1448, False), (800, True)):
        (fate,) = passage(packet(size), 0.0)
        seen = read_packet(fate.packet)
        assert seen is not None
        assert tcp_adds_up(fate.packet, seen) is right
