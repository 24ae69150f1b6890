"""UDP conversations as the skim follows them: numbers, counts, what is recorded, and both modes alike."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import numpy as np
import pytest

import analyzer
from analyzer.evidence.conversation_rows import Tables
from analyzer.flows import conversations
from analyzer.flows.datagram_keys import datagram_key, is_quic
from analyzer.flows.flow_tables import C_CONVERSATIONS, C_UDP_LOST, C_UDP_PACKETS, C_UDP_ROWS, State
from analyzer.flows.table_pages import new_state
from analyzer.passes import one_packet
from tests.builders import (
    CLIENT,
    ICMP,
    SECOND,
    SERVER,
    TCP,
    UDP,
    Packet,
    ethernet,
    frag_needed,
    ipv4,
    pcap,
    tcp,
    udp,
)
from tests.reading import skim


def datagram(
    at: float, payload: bytes = b"x", *, sport: int = 40000, dport: int = 53, back: bool = False, more: bool = False
) -> Packet:
    message = udp(payload, sport=dport, dport=sport) if back else udp(payload, sport=sport, dport=dport)
    ends = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    return Packet(int(at * SECOND), ipv4(message, src=ends[0], dst=ends[1], protocol=UDP, more=more, df=not more))


def state_of(packets: list[Packet], *, compiled: bool = False) -> State:
    return skim(pcap(packets), compiled=compiled).state


def test_conversations_are_numbered_by_their_first_datagram_in_either_direction() -> None:
    state = state_of([datagram(1), datagram(2, sport=40001), datagram(3, back=True), datagram(4, sport=40002)])
    assert state.counters[C_CONVERSATIONS] == 3
    assert state.counters[C_UDP_PACKETS] == 4
    assert state.udp_sent["packets"].reshape(-1, 2)[:3].sum(axis=1).tolist() == [2, 1, 1]


def test_a_first_fragment_alone_gets_no_number_before_others() -> None:
    state = state_of([datagram(1, bytes(1400), sport=40009, more=True), datagram(2)])
    tables = Tables.of(state)
    assert dict(zip(tables.rows["port_a"].tolist(), tables.numbers.tolist(), strict=True)) == {40009: 1, 40000: 0}


def test_what_an_icmp_error_quotes_is_numbered_but_is_no_conversation() -> None:
    quoted = datagram(0, sport=41000)
    ptb = Packet(SECOND, ipv4(frag_needed(1300, quoted.data[:28]), src="192.0.2.254", dst=CLIENT, protocol=ICMP))
    analysis = analyzer.analyze(io.BytesIO(pcap([ptb, datagram(2)])))
    assert [flow.stream for flow in analysis.all_udp_flows] == [1]


def test_datagrams_are_recorded_once_one_is_sent_again() -> None:
    packets = [datagram(i, bytes([i]) * 40) for i in range(5)]
    assert state_of(packets).counters[C_UDP_ROWS] == 0
    again = state_of([*packets, datagram(9, bytes([3]) * 40)])
    assert again.datagrams["frame"][: again.counters[C_UDP_ROWS]].tolist() == [1, 2, 3, 4, 5, 6]


def test_a_copy_made_by_the_capture_is_not_sent_again() -> None:
    assert state_of([datagram(1), datagram(1.00001), datagram(1.05)]).counters[C_UDP_ROWS] == 0


def test_multicast_is_counted_and_not_recorded() -> None:
    def to_all(at: float) -> Packet:
        message = udp(b"same", sport=5353, dport=5353)
        return Packet(int(at * SECOND), ipv4(message, src=CLIENT, dst="224.0.0.251", protocol=UDP))

    state = state_of([to_all(at) for at in range(1, 6)])
    assert state.udp_sent["packets"][:2].sum() == 5
    assert state.counters[C_UDP_ROWS] == 0


def test_beyond_the_bound_datagrams_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.passes.first.new_state", lambda seed, **_: new_state(seed, flows=8))
    packets = [datagram(i, sport=40000 + i) for i in range(12)]
    state = state_of(packets)
    assert state.counters[C_UDP_LOST] == 4
    notes = analyzer.analyze(io.BytesIO(pcap(packets))).notes
    assert any(note.startswith("4 UDP datagrams") for note in notes)


def key(payload: bytes, checksum: int = 7) -> int:
    data = memoryview(udp(payload, dport=53, checksum=checksum))
    return int(datagram_key(data, 0, len(data), len(data)))


def test_what_makes_a_datagram_the_same() -> None:
    one = bytes(range(200))
    assert key(one) == key(one)
    assert key(one) != key(one, checksum=8)
    assert key(one) != key(one[:-1] + b"\0")
    assert key(one) != key(one[:-1])


def test_dtls_numbers_its_records_anew() -> None:
    def record(number: int, message: int) -> bytes:
        return (
            bytes.fromhex("16fefd0000") + number.to_bytes(6) + bytes.fromhex("00640b000058")
            + message.to_bytes(2) + bytes(3) + (88).to_bytes(3)
        ).ljust(113, bytes([message]))  # fmt: skip

    assert key(record(1, 2), 1) == key(record(9, 2), 2)
    assert key(record(1, 2)) != key(record(1, 3))


def test_quic_packets_of_a_connection_stand_for_one_another() -> None:
    def initial(ident: bytes, number: int) -> bytes:
        return b"\xc3" + (1).to_bytes(4) + b"\x08" + ident + bytes([number]) * 1180

    assert key(initial(b"abcdefgh", 1), 1) == key(initial(b"abcdefgh", 2), 2)
    assert key(initial(b"abcdefgh", 1)) != key(initial(b"abcdefgi", 1))
    assert [is_quic(version) for version in (1, 0x6B3343CF, 0xFF00001D, 0, 0x51303530)] == [True] * 3 + [False] * 2


def tables(state: State) -> list[Any]:
    counts = {"conversations": C_CONVERSATIONS, "datagrams": C_UDP_ROWS}
    found = [getattr(state, name)[: state.counters[place]] for name, place in counts.items()]
    return [*found, state.udp_sent[: 2 * state.counters[C_CONVERSATIONS]], state.counters]


def test_compiled_and_interpreted_find_the_same() -> None:
    random = np.random.default_rng(5)
    packets = []
    for i in range(600):
        payload = bytes([int(random.choice([0, 1, 2, 255]))]) * int(random.choice([5, 40, 900, 1400]))
        if random.random() < 0.2:
            payload = b"\xc3" + (1).to_bytes(4) + b"\x08" + bytes(8) + payload
        packets.append(
            datagram(
                i / 7, payload, sport=40000 + int(random.integers(9)), back=random.random() < 0.4,
                more=random.random() < 0.05,
            )
        )  # fmt: skip
    one, other = (tables(state_of(packets, compiled=compiled)) for compiled in (False, True))
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert len(one[1]) > 100


def mixed(seed: int) -> list[Packet]:
    """UDP of all kinds: plain, of tunnels' ports with and without a tunnel behind them, cut, encrypted, fragmented."""
    random = np.random.default_rng(seed)
    inner = ipv4(udp(b"q" * 40, sport=1111, dport=2222), src="10.0.0.1", dst="10.0.0.2", protocol=UDP)
    payloads = [
        b"",
        b"x" * 15,
        b"y" * 40,
        b"\x45" + bytes(30),
        inner,
        bytes.fromhex("0800000000000100") + ethernet(inner),
    ]
    packets = []
    for i in range(200):
        ports = (40000 + int(random.integers(5)), int(random.choice([53, 443, 4500, 4789, 2152, 1701, 6081, 51820])))
        payload = payloads[int(random.integers(len(payloads)))]
        if random.random() < 0.3:
            payload += bytes([i])
        packet = datagram(i, payload, sport=ports[0], dport=ports[1], back=random.random() < 0.5, more=i % 17 == 3)
        if i % 19 == 5:
            packet = Packet(packet.ts, packet.data[: int(random.integers(14, len(packet.data)))])
        packets.append(packet)
    return packets


@pytest.mark.parametrize("seed", range(8))
def test_the_short_way_of_plain_datagrams_finds_what_the_long_way_finds(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = tables(state_of(mixed(seed)))
    monkeypatch.setattr(one_packet, "carries", lambda *_: False)
    for mine, theirs in zip(short, tables(state_of(mixed(seed))), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("places", [1, 4])
def test_conversations_that_share_a_place_are_told_apart(places: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "RECENT_CONVERSATIONS", places)
    random = np.random.default_rng(places)
    ports = [40000 + int(port) for port in random.integers(30, size=300)]
    state = state_of([datagram(i, bytes([i & 0xFF]) * 20, sport=port) for i, port in enumerate(ports)])
    rows = Tables.of(state).rows
    sent = state.udp_sent["packets"].reshape(-1, 2)[: len(rows)].sum(axis=1)
    assert dict(zip(rows["port_a"].tolist(), sent.tolist(), strict=True)) == Counter(ports)


def test_of_udp_inside_of_udp_both_are_conversations() -> None:
    inner = ethernet(ipv4(udp(b"q", sport=1111, dport=2222), src="10.0.0.1", dst="10.0.0.2", protocol=UDP))
    outer = datagram(1, bytes.fromhex("0800000000000100") + inner, sport=5555, dport=4789)
    state = state_of([outer])
    assert Tables.of(state).rows["port_a"].tolist() == [5555, 1111]


@pytest.mark.parametrize("compiled", [False, True])
def test_what_carries_tcp_is_counted_and_nothing_else(compiled: bool) -> None:
    """Whether it is sent again shows inside. The twin carries UDP, of which the same is recorded."""

    def tunnel(inside: bytes, protocol: int) -> State:
        packet = ethernet(ipv4(inside, src="10.0.0.1", dst="10.0.0.2", protocol=protocol))
        outer = [datagram(i, bytes.fromhex("0800000000000100") + packet, sport=5555, dport=4789) for i in range(4)]
        return state_of(outer, compiled=compiled)

    carried, twin = tunnel(tcp(b"x" * 300), TCP), tunnel(udp(b"x" * 300, sport=1111, dport=2222), UDP)
    assert carried.counters[C_UDP_PACKETS] == 4
    assert carried.counters[C_UDP_ROWS] == carried.conversations["last_row"][0] == 0
    assert carried.udp_sent["packets"].reshape(-1, 2)[0].sum() == 4
    assert carried.udp_sent["bytes"].max() == 4 * (20 + 8 + 8 + 14 + 20 + 20 + 300)
    assert carried.conversations["stream"][0] == 1
    assert twin.counters[C_UDP_ROWS] > 0
    assert twin.conversations["last_row"][0] > 0
