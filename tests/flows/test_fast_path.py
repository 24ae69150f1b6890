"""The short way gives what the long way gives, on every packet, and is the way that most packets take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.flows.fast_path import take_fast_path
from analyzer.flows.flow_tables import C_ROWS
from analyzer.passes import one_packet
from tests.builders import (
    ACK,
    ETHERNET,
    FIN,
    PSH,
    RST,
    SYN,
    Packet,
    cut,
    ethernet,
    frag_needed,
    ipv4,
    mss,
    packets_of,
    pcap,
    sack,
    tcp,
    timestamps,
    window_scale,
    with_header_sum,
)
from tests.reading import CAPTURES, Skimmed, same, skim
from tests.talk import CLIENT_SIDE, SERVER_SIDE, Talk
from tests.traffic import generated
from tests.wrapping import ENCAPSULATIONS, MACS, Wrap, around, pppoe, typed

LAST = 2**32
UNSTALLED = 12  # of so many packets one is disturbed
"""Rare enough for flows to get steady, frequent enough for every disturbance to meet a steady flow."""


class Conversation:
    """A connection that mostly goes well: what its two ends send next, in order."""

    def __init__(self, random: np.random.Generator, number: int) -> None:
        self.random = random
        self.v6 = number % 3 == 2
        self.number = number
        ends = ("2001:db8::{}", "2001:db8::ffff") if self.v6 else ("10.0.0.{}", "10.0.0.200")
        self.talk = Talk(ends=(ends[0].format(number + 1), ends[1]), ports=(20_000, 443))
        self.next = [int(random.choice([7, LAST - 3000, 2**31])), int(random.choice([99, LAST - 5000, 2**31 - 4000]))]
        self.acked = list(self.next)
        self.has_ts = number % 2 == 0
        self.ident = 0
        self.history: list[tuple[int, bytes]] = []

    def opening(self) -> list[bytes]:
        """The handshake."""
        options = mss(1460 if self.number % 4 else 536) + (window_scale(7) if self.number % 5 else b"")
        packets = [self.packet(0, b"", flags=SYN, options=options)]
        self.next[0] += 1
        packets.append(self.packet(1, b"", flags=SYN | ACK, options=options))
        self.next[1] += 1
        packets.append(self.packet(0, b""))
        return packets

    def packet(self, side: int, payload: bytes, **other: Any) -> bytes:
        """A frame of `side`; fields of TCP, IP and the link may be given to differ from the usual."""
        ip: dict[str, Any] = {
            name: other.pop(name) for name in ("ttl", "df", "more", "length", "offset") if name in other
        }
        vlan = other.pop("vlan", None)
        segment = {
            "seq": self.next[side],
            "ack": self.next[1 - side],
            "flags": ACK,
            "window": 500,
            "options": b"\x01\x01" + timestamps(self.ident, 1) if self.has_ts else b"",
            "checksum": self.ident & 0xFFFF,
            **other,
        }
        self.ident += 1
        return ethernet(self.talk.ip_packet(side, payload, ip=ip, **segment), vlan=vlan)

    def go_on(self) -> list[bytes]:
        """The next packets: data, or an ACK; now and then something else."""
        side = SERVER_SIDE if self.random.random() < 0.4 else CLIENT_SIDE
        payload = bytes(int(self.random.choice([0, 1, 200, 1448, 1460, 4000], p=[0.4, 0.05, 0.1, 0.3, 0.1, 0.05])))
        flags = ACK | (PSH if payload and self.random.random() < 0.3 else 0)
        if self.random.integers(UNSTALLED):
            made = self.packet(side, payload, flags=flags)
        else:
            names = sorted(DISTURBANCES)
            made = DISTURBANCES[names[int(self.random.integers(len(names)))]](self, side, payload)
        self.history.append((side, made))
        self.next[side] += len(payload)
        return [made]

    def gone_by(self) -> bytes:
        """A packet seen before."""
        return self.history[int(self.random.integers(max(0, len(self.history) - 4), len(self.history)))][1]


Disturb = Callable[[Conversation, int, bytes], bytes]
DISTURBANCES: dict[str, Disturb] = {
    "window closed": lambda c, s, p: c.packet(s, p, window=0),
    "hop limit": lambda c, s, p: c.packet(s, p, ttl=int(c.random.integers(1, 255))),
    "no DF": lambda c, s, p: c.packet(s, p, df=False) if not c.v6 else c.packet(s, p),
    "first fragment": lambda c, s, p: c.packet(s, p, more=True) if not c.v6 else c.packet(s, p),
    "later fragment": lambda c, s, p: c.packet(s, p, offset=800) if not c.v6 else c.packet(s, p),
    "no length": lambda c, s, p: c.packet(s, p, length=0) if not c.v6 else c.packet(s, p),
    "length too small": lambda c, s, p: c.packet(s, p, length=30) if not c.v6 else c.packet(s, p),
    "padding": lambda c, s, p: c.packet(s, p, length=45) if not c.v6 else c.packet(s, p),
    "gap": lambda c, s, p: c.packet(s, p, seq=c.next[s] + 1448),
    "resent": lambda c, s, _: c.packet(s, bytes(1448), seq=c.next[s] - 1448),
    "resent in part": lambda c, s, _: c.packet(s, bytes(700), seq=c.next[s] - 1000),
    "keep-alive": lambda c, s, _: c.packet(s, b"", seq=c.next[s] - 1),
    "old ACK": lambda c, s, p: c.packet(s, p, ack=c.next[1 - s] - 2000),
    "ACK of the unseen": lambda c, s, p: c.packet(s, p, ack=c.next[1 - s] + 3000),
    "far away": lambda c, s, p: c.packet(s, p, seq=c.next[s] + (1 << 30), ack=c.next[1 - s] + (1 << 31)),
    "copy": lambda c, s, p: c.gone_by() if c.history else c.packet(s, p),
    "SACK": lambda c, s, p: c.packet(s, p, options=sack((c.next[1 - s] + 100, c.next[1 - s] + 900))),
    "DSACK": lambda c, s, p: c.packet(s, p, options=sack((c.next[1 - s] - 900, c.next[1 - s] - 100))),
    "more flags": lambda c, s, p: c.packet(s, p, flags=ACK | 0x40),
    "no ACK": lambda c, s, p: c.packet(s, p, flags=PSH),
    "FIN": lambda c, s, p: c.packet(s, p, flags=ACK | FIN),
    "RST": lambda c, s, p: c.packet(s, p, flags=ACK | RST),
    "SYN again": lambda c, s, p: c.packet(s, p, flags=SYN, seq=c.next[s] + 77),
    "header length": lambda c, s, p: c.packet(s, p)[:46] + b"\x30" + c.packet(s, p)[47:],
    "tag": lambda c, s, p: c.packet(s, p, vlan=5),
}


def conversations(seed: int, packets: int) -> bytes:
    """A capture of five conversations, some without a handshake, some cut by a snap length."""
    random = np.random.default_rng(seed)
    talks = [Conversation(random, number + 5 * (seed % 3)) for number in range(5)]
    ts = 1_700_000_000_000_000_000
    snap = int(random.choice([60, 66, 70, 74, 96, 65535]))
    out: list[Packet] = []
    for talk in talks[seed % 2 :]:
        out += [Packet(ts, frame) for frame in talk.opening()]
    while len(out) < packets:
        talk = talks[int(random.integers(len(talks)))]
        ts += int(random.choice([0, 1000, 2_000_000, 400_000_000], p=[0.2, 0.6, 0.19, 0.01]))
        out += [Packet(ts, frame) for frame in talk.go_on()]
        if random.random() < 0.005 and not talk.v6:
            quoted = ipv4(tcp(bytes(1400), sport=443, dport=20_000), src="10.0.0.200", dst=f"10.0.0.{talk.number + 1}")
            out.append(Packet(ts, ethernet(ipv4(frag_needed(1400, quoted), src="10.9.9.9", protocol=1))))
    return pcap([cut(packet, snap) for packet in out], link=ETHERNET)


def wrapped_conversations(seed: int, packets: int, wrap: Wrap) -> bytes:
    """As `conversations`, most of them inside of `wrap`, a few bare or inside of something else."""
    random = np.random.default_rng(seed)
    others = [around(other) for other, _, _ in ENCAPSULATIONS.values()]
    snap = int(random.choice([110, 130, 150, 65535]))
    out = []
    for bare in packets_of(conversations(seed, packets)):
        packet = bare
        if packet.data[12:14] in (b"\x08\x00", b"\x86\xdd"):
            chosen = random.choice(3, p=[0.02, 0.01, 0.97])
            inner, wire = packet.data[14:], packet.wire_len - 14
            if chosen:
                data = (wrap if chosen == 2 else others[int(random.integers(len(others)))])(inner, wire)
                packet = Packet(packet.ts, data, wire + len(data) - len(inner))
        out.append(cut(packet, snap))
    return pcap(out, link=ETHERNET)


FORMS = {name: around(wrap) for name, (wrap, _, _) in ENCAPSULATIONS.items()} | {
    "QinQ": typed(f"{MACS.hex()} 88a8 0007 8100 0005"),
    "PPPoE": pppoe,
}


def the_long_way(monkeypatch: pytest.MonkeyPatch, source: bytes | Path) -> Skimmed:
    with monkeypatch.context() as patch:
        patch.setattr(one_packet, "take_fast_path", lambda *_: False)
        return skim(source)


def taken(monkeypatch: pytest.MonkeyPatch, source: bytes | Path) -> tuple[Skimmed, list[bool]]:
    """The usual run, and which of the packets behind a link header took the short way."""
    found: list[bool] = []

    def watched(*arguments: Any) -> bool:
        found.append(take_fast_path(*arguments))
        return found[-1]

    with monkeypatch.context() as patch:
        patch.setattr(one_packet, "take_fast_path", watched)
        return skim(source), found


@pytest.mark.sampled(4)
@pytest.mark.parametrize("seed", range(24))
def test_both_ways_agree_on_conversations(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    data = conversations(seed, 1500)
    run, found = taken(monkeypatch, data)
    assert sum(found) > len(found) / 20
    same(run, the_long_way(monkeypatch, data))
    same(run, skim(data, compiled=True))


UNCUT = 44
"""A seed whose captures hold enough of each packet for every form: some are known by lengths that have to fit."""


@pytest.mark.sampled(6)
@pytest.mark.parametrize("form", FORMS)
def test_both_ways_agree_inside_of_tunnels(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    data = wrapped_conversations(UNCUT, 1200, FORMS[form])
    run, found = taken(monkeypatch, data)
    assert sum(found) > len(found) / 50
    same(run, the_long_way(monkeypatch, data))
    same(run, skim(data, compiled=True))


@pytest.mark.parametrize("form", FORMS)
def test_nearly_all_packets_in_a_tunnel_take_the_short_way(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    talk = Conversation(np.random.default_rng(1), 1)
    frames = talk.opening()
    for number in range(300):
        side = int(number % 3 == 2)
        payload = b"" if side else bytes(1448)
        frames.append(talk.packet(side, payload))
        talk.next[side] += len(payload)
    data = [FORMS[form](with_header_sum(frame[14:]), len(frame) - 14) for frame in frames]
    run, found = taken(monkeypatch, pcap([Packet(i, frame) for i, frame in enumerate(data, 1)], link=ETHERNET))
    assert run.state.counters[C_ROWS] == len(frames)
    assert sum(found) > len(frames) - 10


@pytest.mark.parametrize("name", ["few flows", "many flows", "pcapng"])
def test_both_ways_agree_on_traffic_without_sense(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    same(skim(generated()[name]), the_long_way(monkeypatch, generated()[name]))


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_both_ways_agree_on_captures(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    same(skim(path), the_long_way(monkeypatch, path))


def test_nearly_all_packets_of_a_bulk_transfer_take_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Conversation(np.random.default_rng(1), 1)
    frames = talk.opening()
    for number in range(600):
        side = int(number % 3 == 2)
        payload = b"" if side else bytes(1448)
        frames.append(talk.packet(side, payload))
        talk.next[side] += len(payload)
    _, found = taken(monkeypatch, pcap([Packet(i, frame) for i, frame in enumerate(frames, 1)], link=ETHERNET))
    assert sum(found) > 595


@pytest.mark.parametrize("name", sorted(DISTURBANCES))
def test_what_is_not_usual_takes_the_long_way(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    talk = Conversation(np.random.default_rng(3), 1)
    frames = talk.opening()
    for number in range(9):
        side = number % 2
        frames.append(talk.packet(side, bytes(200)))
        talk.history.append((side, frames[-1]))
        talk.next[side] += 200
    frames.append(DISTURBANCES[name](talk, 1, bytes(200)))
    _, found = taken(monkeypatch, pcap([Packet(i, frame) for i, frame in enumerate(frames, 1)], link=ETHERNET))
    assert found[5:12] == [True] * 7  # the flow was steady
    # DF is counted on the way; what stands before the IP header, or behind the packet, does not matter.
    assert found[-1] == (name in ("no DF", "tag", "padding"))
