"""Which flow a packet belongs to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.decode.packet_fields import COUNT, DPORT, DST, SPORT, SRC, VERSION
from analyzer.flows.flow_tables import C_FLOWS
from analyzer.flows.lookup import endpoint_order, endpoints_of, hash_endpoints
from analyzer.flows.table_pages import new_state
from tests.builders import ACK, CLIENT, FIN, SERVER, SYN, Packet, frag_needed, ipv4, ipv6, pcap, tcp
from tests.flows.skimmed_packets import run
from tests.reading import decode, skim
from tests.talk import CLIENT_SIDE, SERVER_SIDE, Talk
from tests.traffic import generated, skimmed

talk = Talk()


def flows_of(*packets: bytes) -> list[int]:
    """The flow number of each packet."""
    return [int(row["flow"]) for row in skim(pcap([Packet(i, packet) for i, packet in enumerate(packets)])).rows()]


@pytest.fixture
def colliding(monkeypatch: pytest.MonkeyPatch) -> None:
    """All flows hash alike, so that only the comparison keeps them apart."""
    monkeypatch.setattr("analyzer.flows.lookup.hash_endpoints", lambda *_: 1020)


def test_both_directions_are_one_flow() -> None:
    skimmed = run(talk.handshake(), talk.data(30, 0, 100), talk.ack(40, 100))
    assert set(skimmed.rows()["flow"]) == {0}
    assert skimmed.rows()["side"].tolist() == [0, 1, 0, 1, 0]


def test_flows_are_numbered_as_they_come() -> None:
    packets = [ipv4(tcp(sport=port)) for port in (5, 3, 5, 9, 3, 1)]
    assert flows_of(*packets) == [0, 1, 0, 2, 1, 3]


@pytest.mark.parametrize(
    "other",
    [
        ipv4(tcp(sport=1, dport=3)),
        ipv4(tcp(sport=3, dport=2)),
        ipv4(tcp(sport=2, dport=1)),  # ports crossed, addresses not
        ipv4(tcp(sport=1, dport=2), src="192.0.2.11"),
        ipv4(tcp(sport=1, dport=2), dst="203.0.113.11"),
        ipv4(tcp(sport=1, dport=2), src=SERVER, dst=CLIENT),  # addresses crossed, ports not
        ipv6(tcp(sport=1, dport=2), src="c000:20a::", dst="cb00:710a::"),  # begins with the same words
    ],
)
def test_every_part_of_the_endpoints_counts(other: bytes, colliding: None) -> None:
    assert flows_of(ipv4(tcp(sport=1, dport=2)), other) == [0, 1]


@pytest.mark.parametrize("word", range(4))
@pytest.mark.parametrize("end", ["src", "dst"])
def test_every_word_of_an_ipv6_address_counts(word: int, end: str, colliding: None) -> None:
    groups = ["1"] * 8
    groups[2 * word] = "2"
    packets = [ipv6(tcp()), ipv6(tcp(), **{end: "1:1:1:1:1:1:1:1"}), ipv6(tcp(), **{end: ":".join(groups)})]  # type: ignore[arg-type]
    assert flows_of(*packets) == [0, 1, 2]


def test_the_client_is_who_sent_the_syn_or_has_the_higher_port() -> None:
    same = Talk(ports=(80, 80))
    for packets, expected in (
        (talk.handshake(), CLIENT_SIDE),
        (talk.handshake()[1:], CLIENT_SIDE),  # the SYN/ACK tells it too
        ([talk.data(0, 0, 10), talk.ack(1, 10)], CLIENT_SIDE),  # without both: servers have the lower port
        ([talk.ack(0, 0), talk.data(1, 0, 10)], CLIENT_SIDE),
        ([same.data(0, 0, 10), same.ack(1, 10)], SERVER_SIDE),  # of equal ports: who was seen first
        ([talk.data(0, 0, 10), *talk.handshake(1)], CLIENT_SIDE),
        (Talk(ports=(22, 80)).handshake(), CLIENT_SIDE),
    ):
        skimmed = run(packets)
        flows = skimmed.state.flows[: skimmed.state.counters[C_FLOWS]]
        assert flows["client"][-1] == expected


def test_reused_ports_open_a_new_flow() -> None:
    again = Talk(client_base=90_000, server_base=70_000)
    close = [talk.from_client(50, flags=FIN | ACK), talk.from_server(60, flags=FIN | ACK)]
    skimmed = run(talk.handshake(), talk.data(30, 0, 10), close, again.handshake(1_000), again.data(1_030, 0, 20))
    assert skimmed.rows()["flow"].tolist() == [0] * 6 + [1] * 4
    assert skimmed.state.flows["packets"][:2].tolist() == [6, 4]
    assert skimmed.state.transfers["payload_bytes"][:4].tolist() == [0, 10, 0, 20]


def test_a_syn_sent_again_does_not() -> None:
    syn, syn_ack, ack = talk.handshake()
    assert set(run(syn, syn, syn_ack, syn_ack, syn, ack).rows()["flow"]) == {0}


words = st.integers(0, 2**32 - 1)
ports = st.integers(0, 2**16 - 1)


@given(
    src=st.lists(words, min_size=4, max_size=4),
    dst=st.lists(words, min_size=4, max_size=4),
    sport=ports,
    dport=ports,
    version=st.sampled_from([4, 6]),
    seed=st.integers(0, 2**31 - 1),
)
def test_order_and_hash_are_the_same_in_both_directions(
    src: list[int], dst: list[int], sport: int, dport: int, version: int, seed: int
) -> None:
    there, back = [0] * COUNT, [0] * COUNT
    there[SRC : SRC + 4], there[DST : DST + 4], there[SPORT], there[DPORT] = src, dst, sport, dport
    back[SRC : SRC + 4], back[DST : DST + 4], back[SPORT], back[DPORT] = dst, src, dport, sport
    there[VERSION] = back[VERSION] = version
    sides = endpoint_order(there), endpoint_order(back)
    assert sides in ({(0, 1), (1, 0)} if (src, sport) != (dst, dport) else {(0, 0)})
    hashes = {hash_endpoints(endpoints_of(there, sides[0]), seed), hash_endpoints(endpoints_of(back, sides[1]), seed)}
    assert len(hashes) == 1
    assert 0 <= hashes.pop() < 2**31  # no product of the hash leaves 63 bits


def test_the_hash_spreads_neighbouring_ports_and_depends_on_the_seed() -> None:
    h, _ = decode(ipv4(tcp(sport=1, dport=443)), 101)

    def slots(seed: int) -> list[int]:
        out = []
        for port in range(1024):
            h[SPORT] = port
            out.append(hash_endpoints(endpoints_of(h, endpoint_order(h)), seed) % 4096)
        return out

    assert len(set(slots(1))) > 850  # 906 is what chance gives
    assert len(set(zip(slots(1), slots(2), strict=True))) > 1000
    assert slots(1) != slots(2)


@pytest.mark.parametrize("word", [0, 3])
def test_the_hash_spreads_neighbouring_addresses(word: int) -> None:
    """A scan: one source, ever new destinations, the same ports."""
    h, _ = decode(ipv6(tcp(sport=40_000, dport=443)), 101)
    hashes = set()
    for number in range(1024):
        h[DST + word] = 0x20010DB8 + number
        hashes.add(hash_endpoints(endpoints_of(h, endpoint_order(h)), 1) % 4096)
    assert len(hashes) > 850  # 906 is what chance gives


def test_a_packet_of_another_flow_is_not_taken_for_the_latest() -> None:
    one, other = ipv4(tcp(sport=1)), ipv4(tcp(sport=2))
    reused = ipv4(tcp(sport=1, flags=SYN, seq=77))
    assert flows_of(one, one, other, one, other, other, reused, reused, one, other, one) == [
        0, 0, 1, 0, 1, 1, 2, 2, 2, 1, 2,
    ]  # fmt: skip


def test_flows_whose_hashes_collide_stay_apart(colliding: None) -> None:
    packets = [ipv4(tcp(sport=port)) for port in range(40)] * 2  # more than fit before the table's end
    assert flows_of(*packets) == list(range(40)) * 2


@pytest.mark.parametrize("seed", [0, 2**31 - 1])
def test_the_seed_does_not_change_the_numbers(seed: int) -> None:
    other = skim(generated()["few flows"], seed=seed)
    np.testing.assert_array_equal(other.rows()["flow"], skimmed("few flows").rows()["flow"])


def test_many_flows_keep_their_numbers_and_the_latest_of_reused_ports() -> None:
    first = [ipv4(tcp(sport=port, flags=SYN, seq=1)) for port in range(1000, 1400)]
    reused = [ipv4(tcp(sport=port, flags=SYN, seq=2)) for port in range(1000, 1400)]
    more = [ipv4(tcp(sport=port)) for port in range(2000, 2800)]
    again = [ipv4(tcp(sport=port)) for port in range(1000, 1400)]
    numbers = flows_of(*first, *reused, *more, *again)
    assert numbers[:1600] == list(range(1600))
    assert numbers[1600:] == list(range(400, 800))


@pytest.mark.parametrize("flows", [1, 255, 256, 257, 1000])
def test_the_slots_are_never_more_than_half_full(flows: int) -> None:
    state = new_state(0, flows=flows)
    assert len(state.slots) >= 2 * len(state.flows)
    assert len(state.slots) & (len(state.slots) - 1) == 0


def test_an_error_is_tied_to_the_flow_it_quotes() -> None:
    quoted = talk.data(30, 0, 1000)
    error = Packet(quoted.ts + 1, ipv4(frag_needed(1400, quoted.data[:60]), src="198.51.100.1", protocol=1))
    [row] = run(talk.handshake(), quoted, error).state.icmps[:1]
    assert (row["flow"], row["side"]) == (0, SERVER_SIDE)
    assert row["seq"] & 0xFFFFFFFF == 1001


def test_a_flow_that_is_only_quoted_has_a_number_and_nothing_else() -> None:
    quoted = talk.data(30, 0, 1000)
    error = Packet(quoted.ts, ipv4(frag_needed(1400, quoted.data[:60]), src="198.51.100.1", protocol=1))
    state = run(error, Packet(quoted.ts + 1, ipv4(tcp(sport=9)))).state
    assert state.counters[C_FLOWS] == 2
    assert state.flows["packets"][:2].tolist() == [0, 1]
    assert state.icmps["flow"][0] == -1
