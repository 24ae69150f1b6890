"""First blind set, look-alikes: paths and ends that die, pause, or end the connection."""

from __future__ import annotations

from lab.conversations import ask, pushes, small_talk, upload
from lab.edits import EndAfterRetransmissions
from lab.hazards import Bottleneck, LinkDown
from lab.outages import ForgottenFlow, OutageAfterBytes, OutageAtLarge
from lab.table_seen_holes import FULL_4, FULL_6
from lab.truths import (
    DEAD_OR_UNEXPLAINED,
    LOSS,
    NO_BLACK_HOLE,
    OK,
    TOO_SMALL,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_TAIL_4, _TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300
_SLOW = Bottleneck(bytes_per_second=90_000, queue=50_000)
_UNANSWERED: Verdicts = ("not_exercised", "inconclusive", "dead_path", "stall")

SEEN_ENDINGS: tuple[Scenario, ...] = (
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
        name="dies_under_four_flows",
        shows="four transfers of different sizes stop at the same moment: the client is switched off",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(_SLOW, LinkDown(since=2.0)), hazards_back=(LinkDown(since=2.0),)),
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
                    Say(speaker="server", size=_TAIL_4, heard=False),
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
    Scenario(
        name="never_connected",
        shows="SYNs arrive, everything to the client is lost from the beginning",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(LinkDown(since=0.0),)),
        flows=(Flow(talk=ask(_TAIL_4), ends="hangs"), Flow(port=8081, talk=ask(_TAIL_4), ends="hangs")),
        seconds=10,
        captures=at_both_ends(_UNANSWERED, _UNANSWERED),
    ),
    Scenario(
        name="link_down_5_s_ipv6",
        shows="the link is down for five seconds in an IPv6 upload, then all is well",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(
            hazards=(_SLOW, LinkDown(since=1.4, until=6.4)),
            hazards_back=(LinkDown(since=1.4, until=6.4),),
        ),
        flows=(Flow(talk=upload(220_000)),),
        seconds=30,
        captures=at_both_ends(
            ("loss", "stall"),
            (*LOSS, "stall", "inconclusive"),
            facts_sender=("retransmissions", "large_delivered"),
        ),
    ),
    Scenario(
        name="link_down_20_s",
        shows="the link is down for twenty seconds; one capture ends meanwhile",
        path_mtu=1500,
        path=Path(
            hazards=(_SLOW, LinkDown(since=1.6, until=21.6)),
            hazards_back=(LinkDown(since=1.6, until=21.6),),
        ),
        flows=(
            Flow(talk=ask(250_000), congestion_control="bbr"),
            Flow(port=8081, talk=small_talk(25, every=1.0)),
        ),
        seconds=70,
        captures=(
            Capture(
                role="sender",
                accept=("loss", "stall"),
                flows={8080: ("loss", "stall"), 8081: ("loss", "stall", "not_exercised")},
                facts=("retransmissions", "large_delivered"),
            ),
            Capture(
                role="receiver",
                accept=(*LOSS, "stall"),
                flows={8080: (*LOSS, "stall", "inconclusive"), 8081: ("loss", "stall", "not_exercised")},
            ),
            Capture(
                role="sender",
                label="cut",
                accept=(*DEAD_OR_UNEXPLAINED, "loss"),
                edits=(EndAfterRetransmissions(4, min_payload=1000),),
                trust=False,
                why="packets as large got through before",
            ),
        ),
    ),
    Scenario(
        name="nat_forgets_after_success",
        shows="a NAT forgets an idle connection that moved large replies; the next one gets nowhere",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(ForgottenFlow(port=8080, since=3.0),),
            hazards_back=(ForgottenFlow(port=8080, since=3.0),),
        ),
        flows=(
            Flow(
                talk=(*ask(_TAIL_4), Say(speaker="server", size=_TAIL_4, after=4.0)),
                ends="hangs",
            ),
            Flow(port=8081, start=5.0, talk=ask(20_000)),
        ),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=(*DEAD_OR_UNEXPLAINED, "content_drop"),
                flows={8080: (*DEAD_OR_UNEXPLAINED, "content_drop"), 8081: OK},
                why="packets as large got through before on this connection, and later on another",
            ),
            Capture(role="receiver", accept=NO_BLACK_HOLE, flows={8080: NO_BLACK_HOLE, 8081: OK}),
        ),
    ),
    Scenario(
        name="nat_forgets_before_large",
        shows="a NAT forgets an idle connection right before the first large message of an upload",
        path_mtu=1500,
        data="upload",
        path=Path(
            round_trip=0.03,
            hazards=(ForgottenFlow(port=8080, since=2.0),),
            hazards_back=(ForgottenFlow(port=8080, since=2.0),),
        ),
        flows=(Flow(talk=(*small_talk(2, every=0.3), Say(speaker="client", size=_TAIL_4, after=3.0)), ends="hangs"),),
        seconds=18,
        captures=at_both_ends(
            DEAD_OR_UNEXPLAINED,
            ("inconclusive", "not_exercised"),
            why="the small last segment and its tail-loss probe are not acknowledged either",
        ),
    ),
    Scenario(
        name="nat_resets_mid_transfer",
        shows="a NAT that lost its state resets both ends of an IPv6 upload",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03, hazards=(_SLOW, ForgottenFlow(port=8080, since=1.5, action="reset"))),
        flows=(Flow(talk=upload(300_000), ends="breaks"),),
        captures=at_both_ends(NO_BLACK_HOLE, NO_BLACK_HOLE, facts=("reset",), facts_sender=("large_delivered",)),
    ),
    Scenario(
        name="server_killed",
        shows="the server's process is killed after 30 kB of a reply of 100 kB: its kernel sends a FIN",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(Say(speaker="client", size=180), Say(speaker="server", size=100_000, cut_after=30_000)),
                ends="breaks",
            ),
        ),
        captures=at_both_ends(OK, OK, facts_sender=("large_delivered",)),
    ),
    Scenario(
        name="server_aborts_ipv6",
        shows="the server aborts in the first flight of a large reply: a RST, and nothing more, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.06),
        flows=(
            Flow(
                talk=(
                    *small_talk(3, every=0.2),
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=100_000, cut_after=9_000, cut_by="rst"),
                ),
                ends="breaks",
            ),
        ),
        captures=at_both_ends(NO_BLACK_HOLE, NO_BLACK_HOLE, facts=("reset",)),
    ),
)
