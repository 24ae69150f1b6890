"""Recorders that lose packets, see one direction only, or have a filter without ICMP."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import DOWNLOAD, TAIL_4, ask, small_talk
from lab.edits import DropPackets, LoseRecords, LoseStretch, MirrorTwice
from lab.hazards import Bottleneck, RandomLoss
from lab.patterns import hole_and_twin
from lab.ptb_patterns import answered_flow
from lab.settings import CLIENT_4, SERVER_4
from lab.truths import BLACK_HOLE, BLACK_HOLE_BY_ACK, HOLE, LOSS, OK, PARTLY, PMTUD_OK_AT_RECEIVER, edited
from lab.vocabulary import Capture, Flow, Path, Scenario, Verdicts

_GAPS: Verdicts = ("blackhole", "blackhole_probable", "inconclusive", "stall")
_HOLE_OR_NOT: Verdicts = ("blackhole_suspected", "inconclusive")
_GAPPY = hole_and_twin(
    "gappy",
    "a download into 1434, recorded with losses of the recorder's own, or one way only",
    1434,
    "clamp",
    talk=small_talk(4, every=0.3) + ask(TAIL_4),
    seconds=18,
    captures=(
        edited(LoseRecords(0.1, seed=51), label="10_percent", accept=_GAPS),
        edited(LoseRecords(0.25, seed=52), label="25_percent", accept=(*_GAPS, "loss", "not_exercised")),
        edited(LoseStretch(0.3, 1.2), label="stretch", accept=_GAPS),
        edited(DropPackets(CLIENT_4), label="data", accept=("inconclusive",)),
        edited(DropPackets(SERVER_4), label="acks", accept=("inconclusive",)),
        Capture(role="receiver", label="data", accept=_HOLE_OR_NOT, edits=(DropPackets(CLIENT_4),), trust=False),
        Capture(role="sender", label="late", accept=BLACK_HOLE_BY_ACK, start=0.9),
    ),
    twin_captures=(
        edited(LoseRecords(0.1, seed=53), label="10_percent", accept=(*PARTLY, "not_exercised")),
        edited(LoseRecords(0.25, seed=54), label="25_percent", accept=(*PARTLY, "not_exercised")),
        edited(DropPackets(CLIENT_4), label="data", accept=("inconclusive",)),
        Capture(role="sender", label="late", accept=OK, start=0.9),
        Capture(role="sender", label="twice", accept=OK, edits=(MirrorTwice(3_000_000),)),
    ),
)
# What may be said of a flow of which one side is missing.
_ONE_SIDE = ("inconclusive",)
_UNSEEN: Verdicts = ("ok", "loss", "not_exercised", "inconclusive")
_FILTERED = Scenario(
    name="recorded_without_icmp",
    shows="PMTUD works, but the recorder's filter is `tcp`: the PTB is not in the file",
    path_mtu=1394,
    path=Path(mtu=1394, round_trip=0.03),
    flows=(answered_flow(4, "download", "completes"),),
    captures=(
        Capture(role="sender", accept=_UNSEEN, only="tcp", why="large packets once, smaller ones within an RTT"),
        Capture(role="receiver", accept=PMTUD_OK_AT_RECEIVER, only="tcp"),
    ),
)

_HEALTHY = (
    Scenario(
        name="recorders_healthy",
        shows="a healthy download of 300 kB over a slow link, recorded late, with gaps, twice, or one way only",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(Bottleneck(bytes_per_second=150_000, queue=300_000),)),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(300_000)),),
        seconds=20,
        captures=(
            Capture(role="sender", accept=LOSS, facts=("large_delivered",)),
            Capture(role="sender", label="late", accept=LOSS, start=1.2, facts=("large_delivered",)),
            Capture(role="receiver", label="late", accept=LOSS, start=1.2),
            Capture(role="sender", label="stretch", accept=PARTLY, edits=(LoseStretch(1.2, 1.6),)),
            Capture(role="receiver", label="stretch", accept=PARTLY, edits=(LoseStretch(1.2, 1.6),)),
            Capture(role="sender", label="2_percent", accept=PARTLY, edits=(LoseRecords(0.02, seed=41),)),
            Capture(role="sender", label="15_percent", accept=PARTLY, edits=(LoseRecords(0.15, seed=42),)),
            Capture(role="receiver", label="15_percent", accept=PARTLY, edits=(LoseRecords(0.15, seed=43),)),
            Capture(role="sender", label="twice_64", accept=LOSS, edits=(MirrorTwice(300_000),), snap_length=64),
            Capture(role="before", label="any", accept=LOSS, interface="any"),
            Capture(role="sender", label="data", accept=("inconclusive",), only=f"src host {SERVER_4}"),
            Capture(
                role="sender",
                label="acks",
                accept=("inconclusive",),
                only=f"src host {CLIENT_4}",
                trust=False,
            ),
        ),
    ),
    Scenario(
        name="lossy_and_recorded_badly",
        shows="4 % of the packets are lost, and the recorder writes packets twice, loses some, or starts late",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(RandomLoss(rate=0.04, seed=371), Bottleneck(bytes_per_second=100_000, queue=100_000)),
        ),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(160_000)),),
        seconds=25,
        captures=(
            Capture(role="sender", label="twice", accept=(*LOSS, "stall"), edits=(MirrorTwice(),)),
            Capture(role="sender", label="8_percent", accept=(*PARTLY, "stall"), edits=(LoseRecords(0.08, seed=44),)),
            Capture(role="receiver", label="8_percent", accept=(*PARTLY, "stall"), edits=(LoseRecords(0.08, seed=45),)),
            Capture(role="receiver", label="late", accept=(*LOSS, "stall"), start=1.2),
        ),
    ),
)

_ONE_SIDED = (
    *_GAPPY,
    Scenario(
        name="one_sided",
        shows="a black hole of which only one direction was recorded",
        path_mtu=1400,
        path=Path(mtu=1400, round_trip=0.02),
        icmp_dropped_at=("server_router",),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(TAIL_4), ends="hangs"),),
        seconds=14,
        captures=(
            Capture(
                role="sender",
                label="data_only",
                accept=_ONE_SIDE,
                edits=(DropPackets(CLIENT_4),),
                trust=False,
                why="no ACK is seen, so nothing is known of delivery",
            ),
            Capture(
                role="sender",
                label="acks_only",
                accept=_ONE_SIDE,
                edits=(DropPackets(SERVER_4),),
                trust=False,
            ),
        ),
    ),
    Scenario(
        name="one_sided_healthy",
        shows="a healthy download of which only one direction was recorded",
        path_mtu=1500,
        path=Path(round_trip=0.02),
        flows=(Flow(talk=ask(60_000)),),
        captures=(
            Capture(role="sender", label="data_only", accept=_ONE_SIDE, only=f"src host {SERVER_4}"),
            Capture(role="sender", label="acks_only", accept=_ONE_SIDE, only=f"src host {CLIENT_4}"),
        ),
    ),
    Scenario(
        name="recorder_lost",
        shows="a healthy download whose recorder lost packets itself",
        path_mtu=1500,
        path=Path(round_trip=0.02),
        flows=DOWNLOAD,
        captures=(
            Capture(
                role="sender",
                label="5_percent",
                accept=("inconclusive", "ok", "loss"),
                edits=(LoseRecords(0.05, seed=1),),
            ),
            Capture(
                role="sender",
                label="30_percent",
                accept=("inconclusive", "ok", "loss"),
                edits=(LoseRecords(0.30, seed=2),),
            ),
            Capture(
                role="receiver",
                label="5_percent",
                accept=("inconclusive", "ok", "loss"),
                edits=(LoseRecords(0.05, seed=3),),
            ),
        ),
    ),
    Scenario(
        name="recorder_lost_hang",
        shows="a black hole whose recorder lost every tenth packet itself",
        path_mtu=1420,
        path=Path(mtu=1420, round_trip=0.02),
        icmp_dropped_at=("server_router",),
        flows=(
            Flow(port=8080, talk=small_talk(12, every=1.0)),
            Flow(port=8081, talk=small_talk(2, every=0.2) + ask(TAIL_4), ends="hangs"),
        ),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=("blackhole", "blackhole_probable", "inconclusive"),
                edits=(LoseRecords(0.10, seed=4),),
                trust=False,
            ),
        ),
    ),
)

_WITHOUT_ICMP = (
    _FILTERED,
    replace(
        _FILTERED,
        name="recorded_without_icmp_hole",
        shows="PTBs are dropped before they reach the server, and the recorder's filter is `tcp`",
        icmp_dropped_at=("server_router",),
        flows=(answered_flow(4, "download", "hangs"),),
        seconds=14,
        captures=(
            Capture(role="sender", accept=BLACK_HOLE, only="tcp"),
            Capture(role="receiver", accept=HOLE, only="tcp"),
        ),
    ),
    Scenario(
        name="no_icmp_in_filter",
        shows="a black hole recorded with the filter `tcp`: a PTB could not be in the file",
        path_mtu=1400,
        path=Path(mtu=1400, round_trip=0.02),
        icmp_dropped_at=("server",),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(TAIL_4), ends="hangs"),),
        seconds=14,
        captures=(
            Capture(
                role="sender",
                accept=BLACK_HOLE,
                only="tcp",
                why="PTBs did reach this host; the filter hides them",
            ),
        ),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_HEALTHY, *_ONE_SIDED, *_WITHOUT_ICMP)
