"""Paths that become narrower or wider while they are in use."""

from __future__ import annotations

from typing import Any

from lab.conversations import TAIL_4, TAIL_6, ask, pushes, small_talk
from lab.hazards import Bottleneck, NarrowHop
from lab.patterns import black_hole, size_limit
from lab.truths import (
    BOTH_SIZES,
    FINE,
    LOSS,
    PMTUD_OK,
    PMTUD_WORKS,
    SEEN_BEYOND,
    SOME_BLACK_HOLE,
    TOO_SMALL,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_REPLIES = (ask(TAIL_4) + small_talk(1, every=0.4)) * 6


def _short_flows(port: int, begin: float, ends: str) -> tuple[Flow, ...]:
    talk = (Say(speaker="client", size=180), Say(speaker="server", size=2 * 1448))
    hangs: Any = ends
    return tuple(Flow(port=port, talk=talk, start=begin + 0.2 * index, ends=hangs) for index in range(8))


def _narrows(*, narrow: bool) -> Scenario:
    later = SOME_BLACK_HOLE if narrow else FINE
    beyond: Verdicts = SEEN_BEYOND if narrow else FINE
    return size_limit(
        "narrows_short_flows" if narrow else "stays_wide_short_flows",
        "many short flows of two full segments each; from the third second on the path is narrower, and they hang"
        if narrow
        else "twin: many short flows of two full segments each on a path that stays as it is",
        1400 if narrow else 1500,
        *((NarrowHop(mtu=1400, since=3.0),) if narrow else ()),
        path_mtu_also=1500 if narrow else None,
        flows=(*_short_flows(8080, 0.0, "completes"), *_short_flows(8081, 3.5, "hangs" if narrow else "completes")),
        seconds=18.0,
        captures=(
            Capture(role="sender", accept=later, flows={8080: FINE, 8081: later}, facts=BOTH_SIZES if narrow else ()),
            Capture(role="receiver", accept=beyond, flows={8080: FINE, 8081: beyond}),
        ),
    )


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="narrows_between_replies",
        shows="the path of a kept-alive connection narrows to 1462 between two large replies, and nobody says so",
        path_mtu=1462,
        path_mtu_also=1500,
        path=Path(round_trip=0.02, hazards=(NarrowHop(mtu=1462, since=1.8),)),
        flows=(
            Flow(talk=_REPLIES, ends="hangs"),
            Flow(port=8081, talk=small_talk(12, every=1.0)),
        ),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=("blackhole", "blackhole_probable", "stall"),
                flows={8080: ("blackhole", "blackhole_probable", "stall"), 8081: TOO_SMALL},
                why="packets as large got through before, none since",
            ),
        ),
    ),
    Scenario(
        name="narrows_between_replies_cured",
        shows="the path of a kept-alive connection narrows to 1462 between two large replies; the PTB arrives",
        path_mtu=1462,
        path_mtu_also=1500,
        path=Path(round_trip=0.02, hazards=(NarrowHop(mtu=1462, since=1.8, ptb="plain"),)),
        flows=(Flow(talk=_REPLIES), Flow(port=8081, talk=small_talk(5, every=1.0))),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=PMTUD_OK,
                flows={8080: PMTUD_OK, 8081: TOO_SMALL},
                ptb=("accepted",),
            ),
            Capture(role="receiver", accept=LOSS, flows={8080: ("ok", "loss", "pmtud_ok"), 8081: TOO_SMALL}),
        ),
    ),
    Scenario(
        name="repaired_while_it_hangs",
        shows="somebody repairs the path while a reply hangs: the same segment gets through at its own size",
        path_mtu=1390,
        path_mtu_also=1500,
        family=6,
        path=Path(round_trip=0.02, hazards=(NarrowHop(mtu=1390, until=5.0),)),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(TAIL_6)),),
        seconds=20,
        captures=at_both_ends(
            ("loss", "stall"),
            (*LOSS, "stall", "blackhole_suspected"),
            why="in the end every segment got through at its own size",
            why_receiver="a hole of full segments that is filled seconds later at full size",
            facts_sender=("retransmissions", "large_delivered"),
        ),
    ),
    Scenario(
        name="port_reused_after_hang",
        shows="a download hangs and the client resets it; from the same port it works a moment later, on a wider path",
        path_mtu=1442,
        path_mtu_also=1500,
        path=Path(round_trip=0.02, hazards=(NarrowHop(mtu=1442, until=7.5),)),
        flows=(
            Flow(
                talk=small_talk(2, every=0.2) + ask(TAIL_4),
                client_port=46_000,
                client_patience=6.5,
                client_aborts=True,
                ends="breaks",
            ),
            Flow(talk=small_talk(1, every=0.2) + ask(TAIL_4), client_port=46_000, start=8.5),
        ),
        seconds=20,
        captures=(
            Capture(
                role="sender",
                accept=("blackhole", "blackhole_probable", "stall"),
                facts=("two_syns", "reset"),
                why="the second connection shows that the path was wide again later",
            ),
            Capture(
                role="receiver",
                accept=("blackhole_suspected", "stall", "inconclusive"),
                facts=("two_syns", "reset"),
            ),
        ),
    ),
    black_hole(
        "narrows_in_flight",
        "the path narrows to 1400 in the middle of a download, and no PTB comes",
        1400,
        path_mtu_also=1500,
        path=Path(
            round_trip=0.02,
            hazards=(
                Bottleneck(bytes_per_second=100_000, queue=60_000),
                NarrowHop(mtu=1400, since=1.5),
            ),
        ),
        icmp_dropped_at=(),
        flows=(
            Flow(port=8080, talk=ask(600_000), ends="hangs"),
            Flow(port=8081, talk=pushes(16, every=0.7), ends="completes"),
        ),
        captures=(
            Capture(
                role="sender",
                accept=("blackhole", "blackhole_probable", "stall"),
                flows={8080: ("blackhole", "blackhole_probable", "stall"), 8081: TOO_SMALL},
                why="segments of the same size got through before, but none after the change, "
                "while small ones of the other connection still do",
            ),
        ),
    ),
    _narrows(narrow=True),
    _narrows(narrow=False),
    Scenario(
        name="pmtud_ok_in_flight",
        shows="the path narrows in the middle of a kept-alive connection, PTB and all",
        path_mtu=1400,
        path_mtu_also=1500,
        path=Path(hazards=(NarrowHop(mtu=1400, ptb="plain", since=2.5),)),
        flows=(Flow(talk=(ask(TAIL_4) + small_talk(1, every=0.5)) * 6),),
        captures=PMTUD_WORKS,
    ),
)
