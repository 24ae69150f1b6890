"""Fragments that only look lost: late, sampled, cut, or of a receiver that gave up too early; each beside the fault."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.builders import CLIENT, SECOND, SERVER, UDP, Packet, address, cut, ipv4, udp
from tests.verdicts.test_fragment_findings import BOTH, FIRST, OTHER_WAY, analysed, around, datagram, gave_up, small

WAIT = 30
"""Seconds that Linux waits for the rest of a datagram."""


def long_one(at: float, ident: int, size: int = 7_000) -> list[Packet]:
    """A datagram in five fragments."""
    message = udp(bytes(size), sport=1812, dport=40000)
    parts = [message[i : i + 1480] for i in range(0, len(message), 1480)]
    return [
        Packet(
            int((at + i / 1000) * SECOND),
            ipv4(
                part,
                src=SERVER,
                dst=CLIENT,
                protocol=UDP,
                df=False,
                more=i < len(parts) - 1,
                offset=1480 * i,
                ident=ident,
            ),
        )
        for i, part in enumerate(parts)
    ]


def talk(make: Callable[[float, int], list[Packet]], count: int = 40) -> list[Packet]:
    packets = [*around(0), *around(3 + 2 * count)]
    for i in range(count):
        packets += [*make(3 + 2 * i, 100 + i), *small(4 + 2 * i)]
    return packets


def of_two(at: float, ident: int) -> list[Packet]:
    return datagram(at, ident, BOTH)


def sampled(packets: list[Packet], few: int, seed: int) -> list[Packet]:
    lot = np.random.default_rng(seed)
    return [packet for packet in packets if lot.random() * few < 1]


MAKERS = {"of two fragments": of_two, "of five fragments": long_one}


@pytest.mark.parametrize("few", [3, 6])
@pytest.mark.parametrize("make", MAKERS)
def test_one_packet_in_a_few_is_no_loss(make: str, few: int) -> None:
    packets = talk(MAKERS[make])
    for seed in range(12):
        assert not analysed(sampled(packets, few, seed)).all_troubles, seed


@pytest.mark.parametrize("few", [5, 15])
def test_of_few_datagrams_of_a_sampled_capture_those_of_others_tell(few: int) -> None:
    """By chance a few are all without their rest; of the other direction there are more."""
    other = [packet for i in range(80) for packet in datagram(4.5 + i, 900 + i, BOTH, back=True)]
    for seed in range(12):
        assert not analysed(sampled([*talk(of_two), *other], few, seed)).all_troubles, seed


@pytest.mark.parametrize("snap", [34, 40, 68, 200])
def test_a_snap_length_cuts_no_fragment_off(snap: int) -> None:
    """What an IP header says counts, however few bytes were captured; of the fault, too."""
    assert not analysed([cut(packet, snap) for packet in talk(of_two, 5)]).all_troubles
    lost = talk(lambda at, ident: datagram(at, ident, FIRST), 5)
    [trouble] = analysed([cut(packet, snap) for packet in [*lost, *OTHER_WAY]]).all_troubles
    assert trouble.verdict == "fragment_loss"


def late(by: float, *, count: int = 5) -> list[Packet]:
    """Of each datagram the last fragment comes so many seconds late; after 30 s the receiver gives up."""
    packets = [*around(0), *around(120)]
    for i in range(count):
        first, last = datagram(3 + 2 * i, 100 + i, BOTH)
        packets += [first, last._replace(ts=last.ts + int(by * SECOND)), *small(4 + 2 * i)]
        if by > WAIT:
            packets += gave_up(3 + 2 * i + WAIT, 100 + i)
    return packets


@pytest.mark.parametrize("by", [0.5, 5, 20, 35, 50])
def test_fragments_that_come_late_are_not_lost(by: float) -> None:
    found = analysed(late(by))
    assert not found.all_troubles
    [count] = [each for each in found.all_fragments if each.src == SERVER]
    assert (count.complete, count.gave_up) == (5, 5 if by > WAIT else 0), "told all the same"


def test_at_the_sender_the_same_errors_are_about_what_got_lost() -> None:
    packets = [*around(0), *around(120)]
    for i in range(5):
        packets += [*datagram(3 + 2 * i, 100 + i, BOTH), *small(4 + 2 * i), *gave_up(3 + 2 * i + WAIT, 100 + i)]
    [trouble] = analysed(packets).all_troubles
    assert (trouble.verdict, trouble.confidence) == ("fragment_loss", "high")


def test_who_gave_up_is_named_where_it_is_not_the_receiver() -> None:
    packets = [*around(0), *around(120)]
    for i in range(5):
        [told] = gave_up(3 + 2 * i + WAIT, 100 + i)
        by_router = told._replace(data=told.data[:12] + address("198.51.100.77") + told.data[16:])
        packets += [*datagram(3 + 2 * i, 100 + i, BOTH), *small(4 + 2 * i), by_router]
    [trouble] = analysed(packets).all_troubles
    assert trouble.headline.startswith(f"198.51.100.77, on the way to {CLIENT}, could not put together")


def test_where_now_the_beginning_and_now_the_end_is_missing_it_is_chance() -> None:
    def torn(at: float, ident: int) -> list[Packet]:
        return [datagram(at, ident, BOTH)[ident % 2]]

    assert not analysed([*talk(torn, 12), *OTHER_WAY]).all_troubles


@pytest.mark.parametrize("kept", [slice(0, 2), slice(1, None), slice(4, None)])
def test_twin_of_each_the_same_part_is_missing(kept: slice) -> None:
    found = analysed([*talk(lambda at, ident: long_one(at, ident)[kept], 6), *OTHER_WAY])
    assert [trouble.verdict for trouble in found.all_troubles] == ["fragment_loss"]
