"""Ping sweeps with DF: a path MTU without any TCP."""

from __future__ import annotations

import io

import pytest

import analyzer
from analyzer.model.path import Path
from tests.builders import CLIENT, CLIENT6, SERVER, SERVER6, Packet, frag_needed, icmp, ipv4, ipv6, pcap, too_big

ROUTER, ROUTER6 = "198.51.100.9", "2001:db8:99::9"


def echo(size: int, number: int, *, reply: bool = False, v6: bool = False, df: bool = True) -> bytes:
    """A ping of `size` bytes IP length, or its reply."""
    rest = (77).to_bytes(2) + number.to_bytes(2)
    if v6:
        src, dst = (SERVER6, CLIENT6) if reply else (CLIENT6, SERVER6)
        return ipv6(icmp(129 if reply else 128, 0, rest, bytes(size - 48)), src=src, dst=dst, following=58)
    src, dst = (SERVER, CLIENT) if reply else (CLIENT, SERVER)
    return ipv4(icmp(0 if reply else 8, 0, rest, bytes(size - 28)), src=src, dst=dst, protocol=1, df=df)


def sweep(packets: list[bytes]) -> dict[tuple[str, str], Path]:
    data = pcap([Packet(i * 1_000_000_000, packet) for i, packet in enumerate(packets)])
    return {(path.src, path.dst): path for path in analyzer.analyze(io.BytesIO(data)).all_paths}


@pytest.mark.parametrize("v6", [False, True])
def test_pings_of_two_sizes_bracket_the_path_mtu(v6: bool) -> None:
    """The story's own test: -s 1372 is answered, -s 1472 is not."""
    packets = [echo(1400, 1, v6=v6), echo(1400, 1, v6=v6, reply=True), *[echo(1500, n, v6=v6) for n in (2, 3, 4)]]
    path = sweep(packets)[(CLIENT6, SERVER6) if v6 else (CLIENT, SERVER)]
    assert (path.at_least, path.at_most, path.exact) == (1400, 1499, None)
    assert any("1420" in text for text in path.consistent_with)
    assert [probe.reply is not None for probe in path.probes] == [True, False, False, False]


def test_one_lost_ping_is_loss() -> None:
    path = sweep([echo(1400, 1), echo(1400, 1, reply=True), echo(1500, 2)])[CLIENT, SERVER]
    assert (path.at_least, path.at_most) == (1400, None)


def test_pings_that_get_no_answer_at_all_say_nothing() -> None:
    path = sweep([echo(1500, 1), echo(1500, 2), echo(1500, 3)])[CLIENT, SERVER]
    assert (path.at_least, path.at_most) == (None, None)


def test_pings_without_df_say_nothing() -> None:
    packets = [echo(1400, 1, df=False), echo(1400, 1, reply=True), *[echo(1500, n, df=False) for n in (2, 3)]]
    path = sweep(packets)[CLIENT, SERVER]
    assert (path.at_least, path.at_most, path.verdict, path.probes) == (None, None, "not_exercised", ())


@pytest.mark.parametrize("v6", [False, True])
def test_a_router_tells_the_size(v6: bool) -> None:
    big = echo(1500, 2, v6=v6)
    if v6:
        told = ipv6(too_big(1420, big, src=ROUTER6, dst=CLIENT6), src=ROUTER6, dst=CLIENT6, following=58)
    else:
        told = ipv4(frag_needed(1420, big[:28]), src=ROUTER, dst=CLIENT, protocol=1)
    path = sweep([echo(1400, 1, v6=v6), echo(1400, 1, v6=v6, reply=True), big, told])[
        (CLIENT6, SERVER6) if v6 else (CLIENT, SERVER)
    ]
    assert (path.at_least, path.at_most, path.exact) == (1400, 1420, 1420)
    assert path.probes[-1].ptb_mtu == 1420
    assert path.verdict == "pmtud_ok"


def test_what_a_router_says_of_another_ping_counts_for_that_one() -> None:
    other = echo(1500, 9)
    told = ipv4(frag_needed(1420, other[:28]), src=ROUTER, dst=CLIENT, protocol=1)
    path = sweep([echo(1400, 1), echo(1400, 1, reply=True), echo(1500, 2), told])[CLIENT, SERVER]
    assert (path.at_most, path.exact) == (None, None)


def test_a_size_that_is_no_help() -> None:
    big = echo(1500, 2)
    told = ipv4(frag_needed(0, big[:28]), src=ROUTER, dst=CLIENT, protocol=1)
    path = sweep([echo(1400, 1), echo(1400, 1, reply=True), big, told])[CLIENT, SERVER]
    assert path.exact is None


@pytest.mark.parametrize(("v6", "least"), [(False, 576), (True, 1280)])
def test_no_ipv6_link_is_narrower_than_1280(v6: bool, least: int) -> None:
    packets = [echo(400, 1, v6=v6), echo(400, 1, v6=v6, reply=True), *[echo(1500, n, v6=v6) for n in (2, 3, 4)]]
    path = sweep(packets)[(CLIENT6, SERVER6) if v6 else (CLIENT, SERVER)]
    assert (path.at_least, path.at_most) == (400, 1499)
    assert min(int(text.split(":")[0].split("..")[0]) for text in path.consistent_with) == least
