"""PTBs that quote packets of no TCP flow in the capture: told in full, and whether they are obeyed."""

from __future__ import annotations

import io

import pytest

import analyzer
from tests.builders import (
    CLIENT,
    CLIENT6,
    SECOND,
    SERVER,
    SERVER6,
    TCP,
    UDP,
    Packet,
    frag_needed,
    icmp,
    ipv4,
    ipv6,
    pcap,
    tcp,
    too_big,
    udp,
)

ROUTER, ROUTER6 = "198.51.100.9", "2001:db8:99::9"


def big(size: int, *, seq: int = 5000, protocol: int = TCP, checksum: int = 0x1234, ident: int = 1) -> bytes:
    """A packet of the server with DF."""
    if protocol == TCP:
        content = tcp(bytes(size - 40), sport=443, dport=51000, seq=seq)
    elif protocol == UDP:
        content = udp(bytes(size - 28), sport=443, dport=51000, checksum=checksum)
    else:
        content = bytes(size - 20)
    return ipv4(content, src=SERVER, dst=CLIENT, protocol=protocol, ident=ident)


def ptb(at: float, quoted: bytes, mtu: int = 1420, *, held: int = 28) -> Packet:
    packet = ipv4(frag_needed(mtu, quoted[:held]), src=ROUTER, dst=SERVER, protocol=1)
    return Packet(int(at * SECOND), packet)


def analysed(*packets: Packet) -> analyzer.Analysis:
    return analyzer.analyze(io.BytesIO(pcap(sorted(packets, key=lambda packet: packet.ts))))


def same_again(held: int = 28, **more: int) -> list[Packet]:
    return [ptb(at, big(1500, ident=7 + i, **more), held=held) for i, at in enumerate((0, 0.3, 0.9, 2.1, 4.5))]


@pytest.mark.parametrize("held", [28, 548])
@pytest.mark.parametrize("protocol", [TCP, UDP])
def test_the_same_bytes_again_and_again(protocol: int, held: int) -> None:
    """A capture filtered to ICMP: five PTBs quote the same bytes."""
    found = analysed(*same_again(held, protocol=protocol))
    (trouble,) = found.all_troubles
    assert (trouble.kind, trouble.verdict, trouble.confidence) == (
        "ptbs",
        "ptb_ignored",
        "medium" if protocol == TCP else "low",
    )
    assert (trouble.sender, trouble.receiver, trouble.lost) == (SERVER, CLIENT, 1500)
    assert (trouble.path_mtu.at_most, trouble.path_mtu.exact) == (1420, 1420)
    assert [each.verdict for each in found.all_paths] == ["ptb_ignored"]
    assert "5 PTBs" in trouble.explanation
    assert "4.5 s" in trouble.explanation
    assert {1, 2, 3, 4, 5} <= {ref.frame for ref in trouble.frames}
    told = found.all_ptbs[0]
    assert (told.router, told.destination, told.mtu, told.protocol) == (
        ROUTER,
        SERVER,
        1420,
        "tcp" if protocol == TCP else "udp",
    )
    assert (told.source, told.source_port, told.receiver, told.receiver_port) == (SERVER, 443, CLIENT, 51000)
    assert (told.effect, told.reason, told.verdict) == ("ignored", "host", "ptb_ignored")


OBEYED = {
    "one PTB": [ptb(0, big(1500))],
    "twin: other bytes": [ptb(i, big(1500, seq=5000 + 1448 * i)) for i in range(5)],
    "all within a second": [ptb(i / 10, big(1500)) for i in range(8)],
    "a second, narrower hop": [ptb(0, big(1500)), ptb(3, big(1420), 1380)],
    "UDP without a checksum does not tell": [ptb(i, big(1500, protocol=UDP, checksum=0)) for i in range(5)],
    "other datagrams": [ptb(i, big(1500, protocol=UDP, checksum=100 + i)) for i in range(5)],
    "what GRE begins with is the same for all": [ptb(i, big(1500, protocol=47)) for i in range(5)],
    "the sender forgot the first PTB, and tries again": [
        ptb(at, big(1500, protocol=UDP, ident=i)) for i, at in enumerate((0, 301, 700, 1300), 1)
    ],
    "the same packet, quoted twice": [ptb(at, big(1500, ident=77)) for at in (0, 2, 4)],
    "the same datagram, quoted twice": [ptb(at, big(1500, protocol=UDP, ident=77)) for at in (0, 2, 4)],
    "captured at several interfaces": [ptb(at, big(1500, ident=77)) for at in (0, 0.00001, 0.002, 1.5)],
    "a quote that ends before": [ptb(i, big(1500), held=24) for i in range(5)],
}


@pytest.mark.parametrize("name", OBEYED)
def test_nothing_shows_that_they_are_ignored(name: str) -> None:
    found = analysed(*OBEYED[name])
    assert not found.all_troubles
    assert all((each.effect, each.verdict) == (None, None) for each in found.all_ptbs)


@pytest.mark.parametrize("gap", [2, 60, 299])
@pytest.mark.parametrize("ident", [0, 1])
def test_twin_it_comes_again_before_the_first_ptb_may_be_forgotten(gap: int, ident: int) -> None:
    """Linux gives datagrams with DF the identification 0 (RFC 6864 4.1): then that tells nothing."""
    found = analysed(*(ptb(gap * i, big(1500, protocol=UDP, ident=ident * (7 + i))) for i in range(3)))
    assert [trouble.verdict for trouble in found.all_troubles] == ["ptb_ignored"]


@pytest.mark.parametrize(("mtu", "reason"), [(0, "mtu_zero"), (1500, "mtu_not_smaller")])
def test_ptbs_that_no_host_can_go_by(mtu: int, reason: str) -> None:
    found = analysed(*(ptb(i, big(1500, ident=7 + i), mtu) for i in range(4)))
    (trouble,) = found.all_troubles
    assert (trouble.reason, trouble.path_mtu.exact) == (reason, None)


def test_over_ipv6() -> None:
    packet = ipv6(tcp(bytes(1440), sport=443, dport=51000, seq=9), src=SERVER6, dst=CLIENT6)
    told = ipv6(too_big(1400, packet[:100], src=ROUTER6, dst=SERVER6), src=ROUTER6, dst=SERVER6, following=58)
    (trouble,) = analysed(*(Packet(i * SECOND, told) for i in range(3))).all_troubles
    assert (trouble.sender, trouble.receiver, trouble.path_mtu.exact) == (SERVER6, CLIENT6, 1400)


def test_every_ptb_is_told_in_full() -> None:
    found = analysed(ptb(0, big(1300, protocol=UDP), 1260), ptb(1, big(1300, protocol=50), 1260))
    table = found.ptbs
    assert table["protocol"].tolist() == ["udp", "esp"]
    assert table["quoted.source.port"].tolist()[0] == 443
    assert table["quoted.destination.ip"].tolist() == [CLIENT, CLIENT]
    note = next(note for note in found.notes if "PTB" in note)
    for word in (ROUTER, SERVER, "1260", "UDP", f"{SERVER}:443 -> {CLIENT}:51000", "frame 1"):
        assert word in note
    (path,) = found.all_paths
    assert (path.exact, path.at_most, path.verdict) == (1260, 1260, "inconclusive")


def refused(at: float, size: int, *, df: bool = True, by: str = CLIENT) -> Packet:
    """Nobody listens at the port of a datagram of the server: it came."""
    quoted = ipv4(udp(bytes(size - 28), sport=4000, dport=44444), src=SERVER, dst=CLIENT, protocol=UDP, df=df)
    return Packet(int(at * SECOND), ipv4(icmp(3, 3, bytes(4), quoted[:28]), src=by, dst=SERVER, protocol=1))


def test_tracepath_finds_a_path_that_works() -> None:
    """A router names a size, and a datagram of that size comes to the host, which refuses it."""
    (path,) = analysed(ptb(0, big(1500, protocol=UDP), 1420), refused(1, 1420)).all_paths
    assert (path.at_least, path.at_most, path.exact, path.verdict) == (1420, 1420, 1420, "pmtud_ok")
    (path,) = analysed(refused(0, 1500)).all_paths
    assert (path.at_least, path.verdict) == (1500, "ok")


@pytest.mark.parametrize("packet", [refused(1, 1420, df=False), refused(1, 1420, by=ROUTER), refused(1, 100)])
def test_what_says_nothing_of_large_datagrams(packet: Packet) -> None:
    (path,) = analysed(ptb(0, big(1500, protocol=UDP), 1420), packet).all_paths
    assert (path.at_least, path.verdict) == (None, "inconclusive")


def test_a_quote_cut_by_the_snap_length_says_so() -> None:
    found = analysed(ptb(0, big(1500), held=22))
    (told,) = found.all_ptbs
    assert (told.source_port, told.receiver_port, told.cut) == (443, None, True)
    assert any("the quote holds no more" in note for note in found.notes)


def test_where_the_receiver_has_flows_a_nat_may_have_rewritten_one() -> None:
    flow = [
        Packet(0, ipv4(tcp(flags=2, sport=51000, dport=443, seq=0), src=CLIENT, dst="203.0.113.77")),
        Packet(1_000_000, ipv4(tcp(flags=18, sport=443, dport=51000, seq=9, ack=1), src="203.0.113.77", dst=CLIENT)),
    ]
    assert not analysed(*flow, *same_again()).all_troubles
    assert analysed(*flow, *same_again(protocol=UDP)).all_troubles


def test_what_a_flow_was_told_is_the_flow_s() -> None:
    """The flow is in the capture: its verdict says what became of it."""
    flow = [
        Packet(0, ipv4(tcp(flags=2, sport=51000, dport=443, seq=0), src=CLIENT, dst=SERVER)),
        Packet(1_000_000, ipv4(tcp(flags=18, sport=443, dport=51000, seq=4999, ack=1), src=SERVER, dst=CLIENT)),
        *[Packet(int((0.1 + at) * SECOND), big(1500)) for at in (0, 0.3, 0.9, 2.1, 4.5)],
        *[packet._replace(ts=packet.ts + SECOND // 9) for packet in same_again()],
    ]
    found = analysed(*flow)
    assert not found.all_troubles
    assert {ptb.stream for ptb in found.all_ptbs} == {0}
    assert set(found.ptbs["verdict"]) == {found.flow(0).verdict}
