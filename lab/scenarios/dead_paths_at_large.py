"""Paths and hosts that die just before or between large messages: no black holes."""

from __future__ import annotations

from lab.conversations import FULL_4, SMALL_TALK, TAIL_4, TAIL_6, WITHOUT_TAIL, ask, pushes, small_talk, upload
from lab.edits import EndAfterRetransmissions
from lab.hazards import LinkDown
from lab.outages import OutageAfterBytes, OutageAtLarge
from lab.settings import SLOWER_LINE, down
from lab.truths import DEAD_OR_UNEXPLAINED, NO_BLACK_HOLE, QUIET, UNANSWERED, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_OR_SMALL: Verdicts = (*DEAD_OR_UNEXPLAINED, "not_exercised", "loss")

_AT_LARGE = (
    Scenario(
        name="dies_at_first_large_beside_pushes",
        shows="from the first large segment on everything to the client is lost; small pushes of another flow as well",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(),)),
        flows=(
            Flow(port=8080, talk=SMALL_TALK + ask(TAIL_4), ends="hangs"),
            Flow(port=8081, talk=pushes(30, every=0.4), ends="hangs"),
        ),
        seconds=14,
        captures=(
            Capture(role="sender", accept=DEAD_OR_UNEXPLAINED, flows={8080: DEAD_OR_UNEXPLAINED, 8081: _OR_SMALL}),
            Capture(role="receiver", accept=NO_BLACK_HOLE, flows={8080: NO_BLACK_HOLE, 8081: (*NO_BLACK_HOLE,)}),
        ),
    ),
    Scenario(
        name="dies_at_first_large_then_reconnects",
        shows="from the first large segment on all to the client is lost; it tries new connections in vain, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(),)),
        flows=(
            Flow(port=8080, talk=SMALL_TALK + ask(TAIL_6), client_patience=4.0, ends="breaks"),
            Flow(port=8081, start=4.5, talk=ask(300), ends="hangs"),
            Flow(port=8082, start=5.5, talk=ask(300), ends="hangs"),
        ),
        seconds=14,
        captures=(
            Capture(
                role="sender",
                accept=DEAD_OR_UNEXPLAINED,
                flows={8080: DEAD_OR_UNEXPLAINED, 8081: UNANSWERED, 8082: UNANSWERED},
                why="the small SYN+ACKs of the later connections get no answer either",
            ),
        ),
    ),
    Scenario(
        name="dead_path_before_large",
        shows="the path happens to die right before the first large message of an upload",
        path_mtu=None,
        data="upload",
        path=Path(hazards=(LinkDown(since=1.0),), hazards_back=(LinkDown(since=1.0),)),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=TAIL_4, after=1.5),
                ),
                ends="hangs",
            ),
        ),
        seconds=16,
        captures=at_both_ends(
            ("dead_path", "stall", "inconclusive"),
            ("inconclusive", "not_exercised"),
            why="the small last segment and its tail-loss probe are not acknowledged either",
        ),
    ),
    Scenario(
        name="dead_path_before_bulk",
        shows="the path happens to die right before the full segments of an upload",
        path_mtu=None,
        data="upload",
        path=Path(hazards=(LinkDown(since=1.0),), hazards_back=(LinkDown(since=1.0),)),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=WITHOUT_TAIL, after=1.5),
                ),
                ends="hangs",
            ),
        ),
        seconds=16,
        captures=at_both_ends(
            ("dead_path", "stall", "inconclusive", "blackhole_probable"),
            ("inconclusive", "not_exercised"),
            why="nothing small is sent after the path died: nobody can tell this capture from a "
            "black hole, so probable is as far as anybody may go",
        ),
    ),
    Scenario(
        name="dies_at_the_tail",
        shows="only the small last segment of an upload and all that follows is lost",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03, hazards=(OutageAfterBytes(payload=6 * FULL_4),)),
        flows=(Flow(talk=upload(6 * FULL_4 + 250), ends="hangs"),),
        seconds=14,
        captures=at_both_ends(
            DEAD_OR_UNEXPLAINED,
            NO_BLACK_HOLE,
            facts_sender=("retransmissions", "large_delivered"),
        ),
    ),
    Scenario(
        name="one_way_death_while_client_talks",
        shows="from the first large segment on everything to the client is lost, while the client goes on talking",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(),)),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=180, after=0.2),
                    Say(speaker="server", size=TAIL_4, heard=False),
                    *(Say(speaker="client", size=70, after=0.9),) * 6,
                    Say(speaker="server", size=70),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(
            DEAD_OR_UNEXPLAINED,
            (*NO_BLACK_HOLE,),
            why="the client's messages arrive and the server's small ACKs do not stop their retransmission",
            facts_sender=("retransmissions",),
        ),
    ),
)

_SWITCHED_OFF = (
    Scenario(
        name="client_switched_off_before_push",
        shows="the client is switched off just before the server's first large push",
        path_mtu=1500,
        path=down(1.55),
        flows=(
            Flow(
                talk=(*pushes(4, every=0.3), Say(speaker="server", size=TAIL_4, after=0.7), *pushes(4, every=0.5)),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(DEAD_OR_UNEXPLAINED, QUIET, why="the small last segment is lost as well"),
    ),
    Scenario(
        name="server_switched_off_in_upload",
        shows="the server is switched off after 40 kB of an IPv6 upload, SACK off",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03, hazards=(SLOWER_LINE, OutageAfterBytes(payload=40_000))),
        sysctls={"net.ipv4.tcp_sack": "0"},
        flows=(Flow(talk=upload(250_000), ends="hangs"),),
        seconds=14,
        captures=at_both_ends(DEAD_OR_UNEXPLAINED, NO_BLACK_HOLE, facts_sender=("retransmissions", "large_delivered")),
    ),
    Scenario(
        name="dies_between_two_large",
        shows="the path dies between the second and the third large reply, IPv6; recordings of many lengths",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03, hazards=(OutageAfterBytes(payload=2 * TAIL_6 + 100),)),
        flows=(Flow(talk=(ask(TAIL_6) + small_talk(1, every=0.3, reply=50)) * 5, ends="hangs"),),
        seconds=16,
        captures=(
            Capture(role="sender", accept=DEAD_OR_UNEXPLAINED, facts=("retransmissions", "large_delivered")),
            Capture(
                role="sender",
                label="two",
                accept=(*DEAD_OR_UNEXPLAINED, "loss", "ok"),
                edits=(EndAfterRetransmissions(2, min_payload=1000),),
                trust=False,
            ),
            Capture(
                role="sender",
                label="five",
                accept=DEAD_OR_UNEXPLAINED,
                edits=(EndAfterRetransmissions(5, min_payload=1000),),
                trust=False,
            ),
            Capture(role="receiver", accept=NO_BLACK_HOLE),
        ),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_AT_LARGE, *_SWITCHED_OFF)
