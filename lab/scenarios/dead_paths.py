"""Paths that die for good, under transfers and small talk."""

from __future__ import annotations

from lab.conversations import SMALL_TALK, ask, pushes, small_talk
from lab.hazards import LinkDown
from lab.outages import OutageAfterBytes
from lab.settings import SLOW_LINE, SLOWER_LINE, SLOWER_LINE_SHORT_QUEUE, down
from lab.truths import DEAD_OR_UNEXPLAINED, NO_BLACK_HOLE, TOO_SMALL, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Scenario

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="dead_and_given_up",
        shows="the path dies after 80 kB and the sender, with tcp_retries2=3, gives up soon",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(SLOWER_LINE, OutageAfterBytes(payload=80_000))),
        sysctls={"net.ipv4.tcp_retries2": "3"},
        flows=(Flow(talk=SMALL_TALK + ask(300_000), ends="breaks"),),
        seconds=25,
        captures=at_both_ends(DEAD_OR_UNEXPLAINED, NO_BLACK_HOLE, facts_sender=("large_delivered",)),
    ),
    Scenario(
        name="dies_under_small_pushes",
        shows="a connection of small messages whose path dies; what the server pushes gets no answer",
        path_mtu=1500,
        path=down(2.0),
        flows=(Flow(talk=small_talk(2, every=0.3) + pushes(30, every=0.3), keepalive_seconds=1, ends="any"),),
        seconds=14,
        captures=at_both_ends(
            ("dead_path", "stall", "inconclusive", "not_exercised"),
            ("dead_path", "stall", "inconclusive", "not_exercised"),
        ),
    ),
    Scenario(
        name="dead_path_bulk",
        shows="the path dies under a download; nothing small is ever sent again",
        path_mtu=None,
        path=Path(hazards=(SLOW_LINE, LinkDown(since=1.5)), hazards_back=(LinkDown(since=1.5),)),
        flows=(Flow(talk=ask(400_000), ends="hangs"),),
        seconds=16,
        captures=at_both_ends(
            DEAD_OR_UNEXPLAINED,
            (*NO_BLACK_HOLE,),
            why="to the sender this looks the same as a path that narrows in flight; but as large ones got through",
        ),
    ),
    Scenario(
        name="dead_path_small",
        shows="the path dies under a connection that never sent anything large",
        path_mtu=None,
        path=Path(hazards=(LinkDown(since=2.5),), hazards_back=(LinkDown(since=2.5),)),
        flows=(Flow(talk=pushes(12, every=0.5), ends="hangs"),),
        seconds=16,
        captures=at_both_ends(("dead_path", "not_exercised"), ("inconclusive", "not_exercised", "ok")),
    ),
    Scenario(
        name="dies_after_60_kb",
        shows="after 60 kB everything to the client is lost, an IPv6 download",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.04, hazards=(OutageAfterBytes(payload=60_000),)),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(200_000), ends="hangs"),),
        seconds=16,
        captures=at_both_ends(
            DEAD_OR_UNEXPLAINED,
            NO_BLACK_HOLE,
            why="packets as large got through before",
            facts_sender=("retransmissions", "large_delivered"),
        ),
    ),
    Scenario(
        name="dies_under_four_flows",
        shows="four transfers of different sizes stop at the same moment: the client is switched off",
        path_mtu=1500,
        path=Path(
            round_trip=0.03, hazards=(SLOWER_LINE_SHORT_QUEUE, LinkDown(since=2.0)), hazards_back=(LinkDown(since=2.0),)
        ),
        flows=(
            Flow(port=8080, talk=ask(400_000), ends="hangs"),
            Flow(port=8081, start=0.2, talk=ask(200_000), ends="hangs"),
            Flow(port=8082, start=0.4, talk=pushes(30, every=0.35), ends="hangs"),
            Flow(port=8083, start=0.2, talk=ask(900)),
        ),
        seconds=14,
        captures=(
            Capture(
                role="sender",
                accept=("dead_path", "stall"),
                flows={
                    8080: DEAD_OR_UNEXPLAINED,
                    8081: DEAD_OR_UNEXPLAINED,
                    8082: (*DEAD_OR_UNEXPLAINED, "not_exercised"),
                    8083: (*TOO_SMALL, "loss"),
                },
                why="the slow link delays the answers so long that small replies are repeated without need",
            ),
        ),
    ),
)
