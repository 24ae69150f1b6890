"""What pings with DF show by themselves: black holes, and what must not be taken for one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

import pytest

import analyzer
from analyzer.model.trouble import Trouble
from tests.builders import CLIENT, CLIENT6, SECOND, SERVER, SERVER6, Packet, frag_needed, icmp, ipv4, ipv6, pcap, tcp

ROUTER = "198.51.100.9"


class Ping(NamedTuple):
    """A ping of `size` bytes at `at` seconds."""

    at: float
    size: int
    answered: bool = True
    df: bool = True
    told: int = 0  # MTU that a router names
    ttl: int = 64  # of the request
    reply_ttl: int = 57
    rtt: float = 0.02


def story(sizes: str, *, step: float = 1.0) -> list[Ping]:
    """A ping a second: "1400" is answered, "-1500" is not."""
    words = sizes.split()
    return [Ping(i * step, abs(int(word)), not word.startswith("-")) for i, word in enumerate(words)]


def frames_of(pings: Sequence[Ping], *, v6: bool = False) -> list[Packet]:
    packets = []
    for number, ping in enumerate(pings):
        rest = (77).to_bytes(2) + number.to_bytes(2)
        if v6:
            sent = ipv6(icmp(128, 0, rest, bytes(ping.size - 48)), src=CLIENT6, dst=SERVER6, following=58)
            back = ipv6(icmp(129, 0, rest, bytes(ping.size - 48)), src=SERVER6, dst=CLIENT6, following=58, hop_limit=57)
        else:
            sent = ipv4(icmp(8, 0, rest, bytes(ping.size - 28)), protocol=1, df=ping.df, ttl=ping.ttl)
            back = ipv4(
                icmp(0, 0, rest, bytes(ping.size - 28)),
                src=SERVER, dst=CLIENT, protocol=1, df=False, ttl=ping.reply_ttl,
            )  # fmt: skip
        packets.append(Packet(int(ping.at * SECOND), sent))
        if ping.told:
            told = ipv4(frag_needed(ping.told, sent[:28]), src=ROUTER, dst=CLIENT, protocol=1)
            packets.append(Packet(int((ping.at + 0.01) * SECOND), told))
        elif ping.answered:
            packets.append(Packet(int((ping.at + ping.rtt) * SECOND), back))
    return sorted(packets, key=lambda packet: packet.ts)


def end_at(seconds: float) -> Packet:
    """Something else, so that the capture goes on."""
    return Packet(int(seconds * SECOND), ipv4(bytes(8), src="192.0.2.77", dst="192.0.2.78", protocol=89))


def analysed(pings: Sequence[Ping], *more: Packet, v6: bool = False) -> analyzer.Analysis:
    packets = sorted([*frames_of(pings, v6=v6), *more], key=lambda packet: packet.ts)
    return analyzer.analyze(io.BytesIO(pcap(packets)))


def troubles(pings: Sequence[Ping], *more: Packet, v6: bool = False) -> tuple[Trouble, ...]:
    return analysed(pings, *more, v6=v6).all_troubles


SWEEP = "84 84 84 -1500 -1500 -1500 1400 1400 1400 -1450 -1450 -1450 84 84 84"


@pytest.mark.parametrize("v6", [False, True])
def test_a_sweep_shows_a_black_hole(v6: bool) -> None:
    found = analysed(story(SWEEP), v6=v6)
    (trouble,) = found.all_troubles
    assert (trouble.kind, trouble.verdict, trouble.confidence) == ("pings", "blackhole", "medium")
    assert (trouble.path_mtu.at_least, trouble.path_mtu.at_most, trouble.lost) == (1400, 1449, 1450)
    assert (trouble.sender, trouble.receiver) == ((CLIENT6, SERVER6) if v6 else (CLIENT, SERVER))
    assert trouble.protocol == ("icmpv6" if v6 else "icmp")
    assert any(("1402" if v6 else "1422") in command.line for fix in trouble.fixes for command in fix.commands)
    assert {path.verdict for path in found.all_paths if path.src == trouble.sender} == {"blackhole"}
    assert {7, 8, 9} <= {ref.frame for ref in trouble.frames}  # the first of 1500 bytes


HEALTHY = {
    "twin: all are answered": story("84 84 84 1500 1500 1500 84 84 84"),
    "twin: one of them is answered": story("84 84 84 -1500 1500 -1500 -1500 -1500 84 84 84"),
    "one lost ping is loss": story("84 84 84 -1500 84 84 84"),
    "loss of all sizes": story("84 -84 84 -84 -1500 84 -84 -1500 84 -84 -1500 84"),
    "lost by time, not by size": story("84 1400 -84 -1400 -1500 -84 -1400 -1500 84 1400"),
    "nothing is answered": story("-84 -84 -1500 -1500 -1500 -84 -84"),
    "larger ones only after the host died": story("84 84 -1500 -84 -1500 -84 -1500 -84"),
    "twin: a router tells": [
        *story("84 84 84"),
        *[Ping(3 + i, 1500, answered=False, told=1400) for i in range(3)],
        *[Ping(6 + i, 1400) for i in range(3)],
    ],
    "a router tells, but not each time": [
        *story("84 84 84"),
        Ping(3, 1500, answered=False, told=1400),
        *[Ping(4 + i, 1500, answered=False) for i in range(4)],
        *[Ping(8 + i, 1400) for i in range(3)],
    ],
    "without DF": [ping._replace(df=False) for ping in story(SWEEP)],
    "a flood, of which the larger ones came at once": [
        *story("84 84 84"),
        *[Ping(3 + i / 1000, 1500, answered=False) for i in range(50)],
        *[Ping(4.0 + i, 84) for i in range(3)],
    ],
    "hours apart": [Ping(600 * i, abs(s), s > 0) for i, s in enumerate((84, 84, -1500, 84, -1500, 84, -1500, 84))],
    "hardly any path is narrower: small pings only are answered": story("84 84 84 -1000 -1000 -1000 84 84 84"),
    "up to an outage, in which small ones get no answer either": story(
        "84 84 84 1400 1400 1400 -1400 -1400 -1500 -1500 -1500"
    ),
    "captured beside the host that does not answer": [
        ping._replace(ttl=57, reply_ttl=64, rtt=0.0001) for ping in story(SWEEP)
    ],
}


@pytest.mark.parametrize("name", HEALTHY)
def test_no_black_hole(name: str) -> None:
    assert not troubles(HEALTHY[name], end_at(4000))


def test_where_others_get_lost_one_lost_ping_does_not_bound_the_path_mtu() -> None:
    """One of 1430 bytes that might have come: those of 1500 bytes are lost for their size."""
    some = "84 84 84 84 -84 84 84 84 84 84 84 84 -1430 84 1400 -1500 84 1400 -1500 84 1400 -1500 84 -1500 84 84"
    (trouble,) = troubles(story(some))
    assert (trouble.verdict, trouble.path_mtu.at_least, trouble.lost) == ("blackhole", 1400, 1500)
    (trouble,) = troubles(story(some.replace("-84", "84")))
    assert trouble.lost == 1430


def test_the_last_ones_may_be_answered_later() -> None:
    assert not troubles([*story("84 84 84 -1500", step=1), Ping(3.5, 1500, answered=False)])


def test_what_is_not_answered_at_the_end_is_less_sure() -> None:
    (trouble,) = troubles(story("84 84 84 -1500 -1500 -1500"), end_at(60))
    assert (trouble.verdict, trouble.confidence) == ("blackhole_probable", "low")


def test_of_both_ends_on_one_link_less_is_sure() -> None:
    """Where it was captured does not tell then: the pings may have arrived."""
    (trouble,) = troubles([ping._replace(reply_ttl=64) for ping in story(SWEEP)])
    assert (trouble.verdict, trouble.confidence) == ("blackhole_probable", "low")


def test_tcp_that_carries_as_much_speaks_against_it() -> None:
    def segment(seq: int, size: int, side: int) -> bytes:
        if side == 0:
            return ipv4(tcp(bytes(size), seq=seq, ack=1000))
        return ipv4(tcp(sport=80, dport=40000, seq=1000, ack=seq), src=SERVER, dst=CLIENT)

    carried = [
        Packet(int(20.1 * SECOND), segment(1000, 1460, 0)),
        Packet(int(20.2 * SECOND), segment(2460, 0, 1)),
        Packet(int(20.3 * SECOND), segment(2460, 1460, 0)),
        Packet(int(20.4 * SECOND), segment(3920, 0, 1)),
    ]
    assert not troubles(story(SWEEP), *carried)


def test_fragmented_pings_are_told_to_prove_nothing() -> None:
    packets = []
    for number in range(3):
        rest = (77).to_bytes(2) + number.to_bytes(2)
        message = icmp(8, 0, rest, bytes(2000))
        for more, offset, part in ((True, 0, message[:1480]), (False, 1480, message[1480:])):
            packets.append(ipv4(part, protocol=1, df=False, more=more, offset=offset, ident=9 + number))
        reply = icmp(0, 0, rest, bytes(2000))
        for more, offset, part in ((True, 0, reply[:1480]), (False, 1480, reply[1480:])):
            packets.append(
                ipv4(part, src=SERVER, dst=CLIENT, protocol=1, df=False, more=more, offset=offset, ident=9 + number)
            )
    data = pcap([Packet(i * SECOND, packet) for i, packet in enumerate(packets)])
    found = analyzer.analyze(io.BytesIO(data))
    path = next(path for path in found.all_paths if path.src == CLIENT)
    assert (path.at_least, path.verdict) == (None, "not_exercised")
    assert path.without_df == (3, 3, 3)
    assert not found.all_troubles
