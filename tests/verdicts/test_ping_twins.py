"""Pings of which the large ones got no answer for another reason than their size; each beside the same sweep, lost."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest

import analyzer
from analyzer.model.verdicts import SIZE_PROBLEMS
from tests.builders import (
    CLIENT,
    CLIENT6,
    ICMP,
    ICMPV6,
    SECOND,
    SERVER6,
    Packet,
    cut,
    icmp,
    ipv4,
    ipv6,
    pcap,
    pseudo_header,
)
from tests.verdicts.test_ping_sweeps import SWEEP, Ping, analysed, end_at, frames_of, story, troubles

ROUTER, ROUTER6 = "198.51.100.9", "2001:db8:99::9"

LOST = story(SWEEP)
SIZES = "84 84 84 1500 1500 1500 1400 1400 1400 1450 1450 1450 84 84 84"


def error(pings: Sequence[Ping], number: int, kind: int, code: int, *, v6: bool = False) -> Packet:
    """An ICMP error of a router about one ping."""
    ping = pings[number]
    rest = (77).to_bytes(2) + number.to_bytes(2)
    if v6:
        quoted = ipv6(icmp(128, 0, rest, bytes(ping.size - 48)), src=CLIENT6, dst=SERVER6, following=ICMPV6)[:48]
        pseudo = pseudo_header(ROUTER6, CLIENT6, ICMPV6, 8 + len(quoted))
        packet = ipv6(icmp(kind, code, bytes(4), quoted, pseudo=pseudo), src=ROUTER6, dst=CLIENT6, following=ICMPV6)
    else:
        quoted = ipv4(icmp(8, 0, rest, bytes(ping.size - 28)), protocol=ICMP)[:28]
        packet = ipv4(icmp(kind, code, bytes(4), quoted), src=ROUTER, dst=CLIENT, protocol=ICMP)
    return Packet(int((ping.at + 0.01) * SECOND), packet)


@pytest.mark.parametrize(
    ("kind", "code", "v6"),
    [(3, 0, False), (3, 1, False), (3, 13, False), (11, 0, False), (1, 0, True), (1, 1, True), (3, 0, True)],
)
def test_a_router_says_that_it_is_not_the_size(kind: int, code: int, v6: bool) -> None:
    """Unreachable, prohibited, or a TTL that ran out: traceroute beside ping."""
    errors = [error(LOST, i, kind, code, v6=v6) for i, ping in enumerate(LOST) if not ping.answered]
    found = analysed(LOST, *errors, v6=v6)
    assert not found.all_troubles
    assert all(path.at_most is None for path in found.all_paths)
    assert sum(probe.reply is None for path in found.all_paths for probe in path.probes) == 6, "they are still told"
    assert [trouble.verdict for trouble in troubles(LOST, v6=v6)] == ["blackhole"]


def test_errors_about_others_do_not_excuse_those() -> None:
    other = story("84 84 84 84")
    assert troubles(LOST, *(error(other, i, 3, 1) for i in range(3)))


def test_answers_that_come_late_are_answers() -> None:
    slow = [ping._replace(answered=True, rtt=0.02 if ping.answered else 4.5) for ping in LOST]
    assert not troubles(slow, end_at(60))


@pytest.mark.parametrize("snap", [42, 68, 96])
def test_a_snap_length_cuts_no_ping_off(snap: int) -> None:
    for pings, verdicts in ((LOST, ["blackhole"]), (story(SIZES), [])):
        data = pcap([cut(packet, snap) for packet in frames_of(pings)])
        assert [trouble.verdict for trouble in analyzer.analyze(io.BytesIO(data)).all_troubles] == verdicts


@pytest.mark.parametrize("few", [2, 3])
def test_one_packet_in_a_few_shows_no_black_hole(few: int) -> None:
    """Of answers whose pings are not there one knows that the capture misses answers, too."""
    accused = 0
    for seed in range(100):
        lot = np.random.default_rng(seed)
        packets = [packet for packet in frames_of(story(SIZES)) if lot.random() * few < 1]
        if packets:
            accused += any(t.verdict in SIZE_PROBLEMS for t in analyzer.analyze(io.BytesIO(pcap(packets))).all_troubles)
    assert accused <= 2


def test_of_a_capture_that_misses_pings_their_sizes_bound_no_path() -> None:
    packets = frames_of(LOST)
    asked = [packet for packet in packets if packet.data[20] == 8]
    [found] = analyzer.analyze(io.BytesIO(pcap([p for p in packets if p != asked[1] and p != asked[-2]]))).all_paths[:1]
    assert found.at_most is None or found.verdict in SIZE_PROBLEMS


@pytest.mark.parametrize("back", [True, False])
def test_one_direction_only_says_nothing(back: bool) -> None:
    kind = 0 if back else 8
    packets = [packet for packet in frames_of(LOST) if packet.data[20] == kind]
    assert not analyzer.analyze(io.BytesIO(pcap(packets))).all_troubles


@pytest.mark.parametrize("step", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("small", [84, 576, 1272])
def test_an_outage_takes_small_ones_likewise(small: int, step: float) -> None:
    sizes = f"{small} {small} 1500 -{small} -1500 -{small} -1500 -{small} -1500 {small} {small} 1500"
    assert not troubles(story(sizes, step=step), end_at(90))
    without = sizes.replace(" 1500", "")
    assert not troubles(story(without, step=step), end_at(90))
    assert troubles(story(without.replace(f"-{small}", str(small)), step=step), end_at(90))
