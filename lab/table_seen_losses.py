"""First blind set, look-alikes: packets that are lost for any reason but their size."""

from __future__ import annotations

from typing import Literal

from lab.conversations import WITHOUT_TAIL, ask, small_talk, upload
from lab.edits import EndAfterRetransmissions
from lab.hazards import (
    Bottleneck,
    BurstLoss,
    ContentFilter,
    Duplication,
    LoseData,
    LosePureAcks,
    Policer,
    RandomLoss,
    Reordering,
)
from lab.outages import OutageAtLarge
from lab.table_seen_holes import FULL_4, FULL_6
from lab.truths import (
    CONTENT_DROP,
    CONTENT_DROP_AT_RECEIVER,
    LOSS,
    NO_BLACK_HOLE,
    OK,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_MARKER = b"X5O!P%-LIKE-TEST-STRING"
_TAIL_4, _TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300
_HEAVY: Verdicts = (*LOSS, "stall")
_BEFORE_LARGE = small_talk(2, every=0.2)


def _both(rate: float, seed: int, rtt: float = 0.03) -> Path:
    return Path(
        round_trip=rtt,
        hazards=(RandomLoss(rate=rate, seed=seed),),
        hazards_back=(RandomLoss(rate=rate, seed=seed + 1),),
    )


def _marked(speaker: Literal["client", "server"], size: int, after: float = 0.0) -> Say:
    return Say(speaker=speaker, size=size, content=_MARKER.ljust(size, b"."), after=after)


_BY_CHANCE = (
    Scenario(
        name="loss_2_percent_ipv6_reno",
        shows="2 % of the packets are lost, both directions, IPv6, Reno",
        path_mtu=1500,
        family=6,
        path=_both(0.02, 311),
        flows=(Flow(talk=_BEFORE_LARGE + ask(260_000), congestion_control="reno"),),
        seconds=25,
        captures=at_both_ends(LOSS, LOSS, facts_sender=("retransmissions",)),
        together=True,
    ),
    Scenario(
        name="loss_5_percent_upload_offloads",
        shows="5 % of the packets are lost, an upload with segmentation offload",
        path_mtu=1500,
        data="upload",
        offloads=True,
        path=_both(0.05, 321),
        flows=(Flow(talk=upload(200_000)),),
        seconds=30,
        captures=at_both_ends(_HEAVY, _HEAVY, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="loss_8_percent_bbr",
        shows="8 % of the packets are lost, BBR, no timestamps",
        path_mtu=1500,
        path=_both(0.08, 331, rtt=0.05),
        sysctls={"net.ipv4.tcp_timestamps": "0"},
        flows=(Flow(talk=_BEFORE_LARGE + ask(200_000), congestion_control="bbr", ends="any"),),
        seconds=25,
        captures=at_both_ends(_HEAVY, _HEAVY, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="loss_15_percent",
        shows="15 % of the packets are lost, both directions, no SACK",
        path_mtu=1500,
        path=_both(0.15, 341),
        sysctls={"net.ipv4.tcp_sack": "0"},
        flows=(Flow(talk=small_talk(4, every=0.2) + ask(60_000), ends="any"),),
        seconds=40,
        captures=at_both_ends(NO_BLACK_HOLE, NO_BLACK_HOLE, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="loss_15_percent_small_replies",
        shows="15 % of the packets are lost on three connections whose replies are one full segment each, IPv6",
        path_mtu=1500,
        family=6,
        path=_both(0.15, 351),
        flows=tuple(
            Flow(port=8080 + n, start=0.3 * n, talk=(_BEFORE_LARGE + ask(FULL_6)) * 4, ends="any") for n in range(3)
        ),
        seconds=25,
        captures=at_both_ends(NO_BLACK_HOLE, NO_BLACK_HOLE),
    ),
    Scenario(
        name="bursts_ipv6_upload",
        shows="short bursts of loss, an IPv6 upload",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.04, hazards=(BurstLoss(enter=0.02, leave=0.4, seed=12),)),
        flows=(Flow(talk=upload(250_000)),),
        seconds=30,
        captures=at_both_ends(_HEAVY, _HEAVY, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="third_time_lucky",
        shows="the first large segment is lost three times, those behind it arrive; then it does, too, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03, hazards=(LoseData(which=frozenset({1, 6, 7}), min_payload=1000),)),
        flows=(Flow(talk=_BEFORE_LARGE + ask(_TAIL_6)),),
        seconds=20,
        captures=at_both_ends(_HEAVY, _HEAVY, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="unlucky_single_upload",
        shows="the only full segment of an upload is lost four times by chance and then gets through as it is",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.05, hazards=(LoseData(which=frozenset({1, 2, 3, 4}), min_payload=1000),)),
        flows=(Flow(talk=_BEFORE_LARGE + upload(FULL_4)),),
        seconds=20,
        captures=(
            *at_both_ends(("loss", "stall"), (*LOSS, "stall", "inconclusive")),
            Capture(
                role="sender",
                label="cut",
                accept=NO_BLACK_HOLE,
                edits=(EndAfterRetransmissions(1, min_payload=1000),),
                trust=False,
                why="one retransmission is nothing unusual",
            ),
        ),
    ),
)

_BY_RATE = (
    Scenario(
        name="policed_to_small_ones",
        shows="a policer whose bucket seldom holds enough for a full segment, while small ones pass",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(Policer(bytes_per_second=6_000, bucket=1_600),)),
        flows=(
            Flow(port=8080, talk=_BEFORE_LARGE + ask(4 * FULL_4 + 300), ends="any"),
            Flow(port=8081, talk=small_talk(20, every=0.5, request=60, reply=80), ends="any"),
        ),
        seconds=20,
        captures=(
            Capture(role="sender", accept=NO_BLACK_HOLE, facts=("retransmissions", "large_delivered")),
            Capture(role="receiver", accept=NO_BLACK_HOLE),
        ),
    ),
    Scenario(
        name="policed_ipv6_upload",
        shows="a policer without a queue drops what exceeds 60 kB/s, an IPv6 upload",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.04, hazards=(Policer(bytes_per_second=60_000, bucket=8_000),)),
        flows=(Flow(talk=upload(150_000)),),
        seconds=30,
        captures=at_both_ends(_HEAVY, _HEAVY, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="full_queue_offloads",
        shows="a slow link whose short queue overflows, an upload with segmentation offload",
        path_mtu=1500,
        data="upload",
        offloads=True,
        path=Path(round_trip=0.02, hazards=(Bottleneck(bytes_per_second=80_000, queue=9_000),)),
        flows=(Flow(talk=upload(200_000), congestion_control="reno"),),
        seconds=20,
        captures=at_both_ends(_HEAVY, _HEAVY, facts_sender=("retransmissions",)),
    ),
)

_AT_THE_WRONG_MOMENT = (
    Scenario(
        name="burst_at_first_large",
        shows="for 350 ms from the first large segment on everything to the client is lost",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(seconds=0.35),)),
        flows=(Flow(talk=_BEFORE_LARGE + ask(_TAIL_4)),),
        captures=(
            *at_both_ends(_HEAVY, (*LOSS, "stall", "inconclusive"), facts_sender=("retransmissions",)),
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
        flows=(Flow(talk=upload(_TAIL_6)),),
        seconds=20,
        captures=at_both_ends(("loss", "stall"), (*LOSS, "stall", "inconclusive"), facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="outage_at_first_bulk",
        shows="for 6 s from the first of many full segments on everything to the client is lost",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(OutageAtLarge(seconds=6.0),)),
        flows=(Flow(talk=_BEFORE_LARGE + ask(WITHOUT_TAIL)),),
        seconds=30,
        captures=at_both_ends(("loss", "stall"), (*LOSS, "stall", "inconclusive"), facts_sender=("retransmissions",)),
    ),
)

_BY_CONTENT = (
    Scenario(
        name="small_message_dropped",
        shows="a message of 500 bytes is dropped for its content, full segments behind it arrive",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=_MARKER),)),
        flows=(
            Flow(
                talk=(
                    *ask(2 * FULL_4),
                    Say(speaker="client", size=180, after=0.3),
                    _marked("server", 500),
                    Say(speaker="server", size=4 * FULL_4 + 100),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(CONTENT_DROP, CONTENT_DROP_AT_RECEIVER),
    ),
    Scenario(
        name="hello_blocked_ipv6",
        shows="a ClientHello of 517 bytes is dropped for its content, IPv6: no path may be that narrow",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.05, hazards=(ContentFilter(marker=_MARKER),)),
        flows=(
            Flow(
                talk=(_marked("client", 517, after=0.1), Say(speaker="server", size=4000)),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(
            ("stall", "dead_path", "inconclusive", "content_drop", "not_exercised"),
            ("not_exercised", "inconclusive"),
            why="589 bytes are less than IPv6 allows as a path MTU",
            why_receiver="a connection on which the client says nothing",
        ),
    ),
    Scenario(
        name="upload_dropped_beside_other",
        shows="one segment of an upload is dropped for its content; those behind it and another upload go on",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=_MARKER),)),
        sysctls={"net.ipv4.tcp_timestamps": "0"},
        flows=(
            Flow(port=8080, talk=(upload(20_000) + small_talk(1, every=1.0)) * 6),
            Flow(
                port=8081,
                start=0.5,
                talk=(
                    Say(speaker="server", size=90),
                    Say(speaker="client", size=2 * 1460, after=0.2),
                    _marked("client", 1460, after=0.3),
                    Say(speaker="client", size=3 * 1460 + 200),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=(
            Capture(role="sender", accept=CONTENT_DROP, flows={8080: OK, 8081: CONTENT_DROP}),
            Capture(role="receiver", accept=CONTENT_DROP_AT_RECEIVER, flows={8080: OK, 8081: CONTENT_DROP_AT_RECEIVER}),
        ),
    ),
)

_ACKS_AND_ORDER = (
    Scenario(
        name="acks_lost_80_percent_ipv6",
        shows="four of five ACKs are lost, an IPv6 upload",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.04, hazards_back=(LosePureAcks(rate=0.8, seed=15),)),
        flows=(Flow(talk=upload(200_000)),),
        seconds=30,
        captures=at_both_ends(_HEAVY, LOSS),
    ),
    Scenario(
        name="acks_lost_at_first_large",
        shows="no ACK comes back for five seconds from the first large reply on, while the data arrive",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards_back=(LosePureAcks(rate=1.0, since=0.55, until=5.5),)),
        flows=(Flow(talk=_BEFORE_LARGE + ask(_TAIL_4)),),
        seconds=25,
        captures=at_both_ends(("loss", "stall"), LOSS, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="overtaken_ipv6",
        shows="three packets in ten are overtaken by those of the next 40 ms, an IPv6 upload",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.05, hazards=(Reordering(rate=0.3, delay=0.04, seed=8),)),
        flows=(Flow(talk=upload(200_000)),),
        seconds=20,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="duplicated_and_lost",
        shows="the network delivers two packets in five twice and loses 3 %",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(Duplication(rate=0.4, delay=0.02, seed=4), RandomLoss(rate=0.03, seed=361)),
        ),
        flows=(Flow(talk=_BEFORE_LARGE + ask(200_000)),),
        seconds=20,
        captures=at_both_ends(LOSS, LOSS),
    ),
)

SEEN_LOSSES: tuple[Scenario, ...] = (*_BY_CHANCE, *_BY_RATE, *_AT_THE_WRONG_MOMENT, *_BY_CONTENT, *_ACKS_AND_ORDER)
