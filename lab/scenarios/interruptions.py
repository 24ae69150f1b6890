"""Links that are down for a while, most of them just when something large is sent."""

from __future__ import annotations

from typing import Any

from lab.conversations import BEFORE_LARGE, SMALL_TALK, TAIL_4, TAIL_6, WITHOUT_TAIL, ask, small_talk, upload
from lab.edits import EndAfterRetransmissions, EndAfterSeconds
from lab.hazards import LinkDown
from lab.outages import OutageAtLarge
from lab.patterns import trouble
from lab.settings import PROBING, SLOW_LINE, SLOWER_LINE, SLOWER_LINE_SHORT_QUEUE
from lab.truths import DEAD_OR_UNEXPLAINED, HANGS, HEAVY_LOSS, LOSS, NO_BLACK_HOLE, OK, RETRANSMITS, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_BACK: Verdicts = ("loss", "stall")
_AFTER_A_SECOND = (*small_talk(2, every=0.2), *ask(TAIL_4)[:1], Say(speaker="server", size=TAIL_4, after=0.6))
_WITH_PROBING: dict[str, Any] = {"sysctls": PROBING, "sender": HANGS, "facts": RETRANSMITS, "seconds": 30.0}


def _outage(seconds: float, shows: str) -> Scenario:
    return trouble(
        f"outage_{seconds:g}s_probing",
        shows,
        OutageAtLarge(min_payload=1000, seconds=seconds),
        **_WITH_PROBING,
    )


_BOTH_WAYS = LinkDown(since=0.9, until=6.0)

_LINK_DOWN = (
    Scenario(
        name="link_down_10_s",
        shows="the link is down for ten seconds in the middle of a download, then all is well",
        path_mtu=1500,
        path=Path(
            hazards=(SLOW_LINE, LinkDown(since=1.5, until=11.5)),
            hazards_back=(LinkDown(since=1.5, until=11.5),),
        ),
        flows=(Flow(talk=ask(250_000)),),
        seconds=40,
        captures=at_both_ends(("loss", "stall"), (*LOSS, "stall", "inconclusive")),
    ),
    Scenario(
        name="link_down_at_first_reply",
        shows="the link is down for ten seconds just when the first large reply is sent",
        path_mtu=1500,
        path=Path(
            hazards=(LinkDown(since=1.0, until=11.0),),
            hazards_back=(LinkDown(since=2.6, until=11.0),),
        ),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=180, after=1.5),
                    Say(speaker="server", size=TAIL_4),
                ),
            ),
        ),
        seconds=40,
        captures=at_both_ends(("loss", "stall", "dead_path"), NO_BLACK_HOLE),
    ),
    Scenario(
        name="link_down_5_s_ipv6",
        shows="the link is down for five seconds in an IPv6 upload, then all is well",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(
            hazards=(SLOWER_LINE_SHORT_QUEUE, LinkDown(since=1.4, until=6.4)),
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
            hazards=(SLOWER_LINE_SHORT_QUEUE, LinkDown(since=1.6, until=21.6)),
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
)

_FLAPS = (
    Scenario(
        name="flap_3_s_at_first_large",
        shows="for three seconds from the first large segment of an upload on everything to the server is lost",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(seconds=3.0),)),
        flows=(Flow(talk=SMALL_TALK + upload(TAIL_4)),),
        seconds=20,
        captures=(
            *at_both_ends(_BACK, (*LOSS, "stall", "inconclusive"), facts_sender=("retransmissions",)),
            Capture(
                role="sender",
                label="cut",
                accept=(*DEAD_OR_UNEXPLAINED, "loss"),
                edits=(EndAfterRetransmissions(3, min_payload=1000),),
                trust=False,
                why="the small last segment is lost as well",
            ),
        ),
    ),
    Scenario(
        name="flap_8_s_at_first_large_ipv6",
        shows="for eight seconds from the first of many full segments on everything to the client is lost, IPv6, BBR",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(seconds=8.0),)),
        flows=(Flow(talk=SMALL_TALK + ask(60_000), congestion_control="bbr"),),
        seconds=40,
        captures=at_both_ends(_BACK, (*LOSS, "stall", "inconclusive"), facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="link_down_12_s_three_flows",
        shows="the link is down for twelve seconds under a download, an upload and a chat",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(SLOWER_LINE, LinkDown(since=1.5, until=13.5)),
            hazards_back=(SLOWER_LINE, LinkDown(since=1.5, until=13.5)),
        ),
        flows=(
            Flow(port=8080, talk=ask(250_000)),
            Flow(port=8081, talk=upload(200_000)),
            Flow(port=8082, talk=small_talk(6, every=0.6)),
        ),
        seconds=60,
        captures=tuple(
            Capture(
                role=role,
                accept=(*LOSS, "stall"),
                flows={8080: (*LOSS, "stall"), 8081: (*LOSS, "stall"), 8082: ("not_exercised", "loss", "stall")},
            )
            for role in ("sender", "receiver")
        ),
    ),
    Scenario(
        name="three_flaps",
        shows="the link is away three times, for two to four seconds, IPv6 download",
        path_mtu=1500,
        family=6,
        path=Path(
            round_trip=0.03,
            hazards=(
                SLOWER_LINE,
                *(LinkDown(since=at, until=at + n) for at, n in ((1.0, 2.0), (6.0, 3.0), (12.0, 4.0))),
            ),
            hazards_back=tuple(LinkDown(since=at, until=at + n) for at, n in ((1.0, 2.0), (6.0, 3.0), (12.0, 4.0))),
        ),
        flows=(Flow(talk=SMALL_TALK + ask(600_000), ends="any"),),
        seconds=40,
        captures=(
            *at_both_ends(_BACK, (*LOSS, "stall"), facts_sender=("retransmissions", "large_delivered")),
            *(
                Capture(
                    role="sender",
                    label=f"{seconds}_s",
                    accept=NO_BLACK_HOLE,
                    edits=(EndAfterSeconds(seconds),),
                    trust=False,
                    why="large packets got through before",
                )
                for seconds in (2, 3, 8, 15)
            ),
        ),
    ),
    Scenario(
        name="link_down_15_s_upload",
        shows="the link is down for fifteen seconds in an upload",
        path_mtu=1500,
        data="upload",
        path=Path(
            round_trip=0.03,
            hazards=(SLOWER_LINE, LinkDown(since=1.2, until=16.2)),
            hazards_back=(LinkDown(since=1.2, until=16.2),),
        ),
        flows=(Flow(talk=upload(220_000)),),
        seconds=60,
        captures=at_both_ends(_BACK, (*LOSS, "stall"), facts_sender=("retransmissions", "large_delivered")),
        together=True,
    ),
)

_AT_FIRST_LARGE = (
    Scenario(
        name="burst_at_first_large",
        shows="for 350 ms from the first large segment on everything to the client is lost",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(seconds=0.35),)),
        flows=(Flow(talk=BEFORE_LARGE + ask(TAIL_4)),),
        captures=(
            *at_both_ends(HEAVY_LOSS, (*LOSS, "stall", "inconclusive"), facts_sender=("retransmissions",)),
            Capture(
                role="sender",
                label="cut",
                accept=NO_BLACK_HOLE,
                edits=(EndAfterRetransmissions(1),),
                trust=False,
                why="one retransmission is nothing unusual",
            ),
        ),
    ),
    Scenario(
        name="outage_at_first_large_ipv6",
        shows="for 2.5 s from the first large segment of an upload on everything to the server is lost, IPv6",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(seconds=2.5),)),
        flows=(Flow(talk=upload(TAIL_6)),),
        seconds=20,
        captures=at_both_ends(("loss", "stall"), (*LOSS, "stall", "inconclusive"), facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="outage_at_first_bulk",
        shows="for 6 s from the first of many full segments on everything to the client is lost",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(seconds=6.0),)),
        flows=(Flow(talk=BEFORE_LARGE + ask(WITHOUT_TAIL)),),
        seconds=30,
        captures=at_both_ends(("loss", "stall"), (*LOSS, "stall", "inconclusive"), facts_sender=("retransmissions",)),
    ),
)

_OUTAGES_WITH_PROBING = (
    _outage(1, "nothing of the server arrives for one second from the reply on; tcp_mtu_probing=1"),
    _outage(4, "the same for four seconds: the sender has begun to shrink before it ends"),
    _outage(9, "the same for nine seconds: what arrives then is small, for the sender shrank in vain"),
    trouble(
        "outage_both_ways_probing",
        "five seconds without anything in either direction; tcp_mtu_probing=1",
        _BOTH_WAYS,
        back=(_BOTH_WAYS,),
        **{**_WITH_PROBING, "flows": (Flow(talk=_AFTER_A_SECOND),)},
    ),
    trouble("no_outage_probing", "twin: no outage", sender=OK, sysctls=PROBING, flows=(Flow(talk=_AFTER_A_SECOND),)),
)

SCENARIOS: tuple[Scenario, ...] = (*_LINK_DOWN, *_FLAPS, *_AT_FIRST_LARGE, *_OUTAGES_WITH_PROBING)
