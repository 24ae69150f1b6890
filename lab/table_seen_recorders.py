"""First blind set: how, where and for how long the recorder wrote, each time for a hang and for a healthy twin."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import ask, small_talk, upload
from lab.edits import (
    ClockOff,
    DropPackets,
    EndAfterRetransmissions,
    LoseRecords,
    LoseStretch,
    MirrorTwice,
    StartAtRetransmission,
    VlanTag,
)
from lab.hazards import Bottleneck, RandomLoss
from lab.network import ADDRESSES
from lab.table_seen_holes import FULL_4, FULL_6, clamp, hole_and_twin
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    HOLE,
    LOSS,
    OK,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    TOO_SMALL,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Scenario, Verdicts

_TAIL_4, _TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300
_QINQ = (VlanTag(30), VlanTag(200))
_NOT_YET: Verdicts = ("inconclusive", "stall", "loss", "ok", "not_exercised")
_MAYBE: Verdicts = ("blackhole", "blackhole_probable", "inconclusive")
_PARTLY: Verdicts = ("inconclusive", "ok", "loss")
_CLIENT, _SERVER = ADDRESSES[4].client, ADDRESSES[4].server

_FORMS = hole_and_twin(
    "recorders_ipv6",
    "an IPv6 upload into 1396, recorded in many forms",
    1396,
    "wide",
    data="upload",
    family=6,
    talk=upload(_TAIL_6),
    captures=(
        Capture(role="sender", label="100", accept=BLACK_HOLE, snap_length=100),
        Capture(
            role="sender",
            label="86",
            accept=BLACK_HOLE_BY_ACK,
            snap_length=86,
            trust=False,
            why="the timestamps fill what is left of the options: SACK is cut off",
        ),
        Capture(role="sender", label="72", accept=BLACK_HOLE_BY_ACK, snap_length=72, trust=False),
        Capture(role="sender", label="sll", accept=BLACK_HOLE, interface="any", link_type="LINUX_SLL"),
        Capture(role="sender", label="sll2", accept=BLACK_HOLE, interface="any"),
        Capture(role="sender", label="qinq", accept=BLACK_HOLE, edits=_QINQ),
        Capture(role="before", accept=BLACK_HOLE),
        Capture(
            role="before",
            label="any",
            accept=BLACK_HOLE,
            interface="any",
            why="packets that are forwarded are there twice, with the hop limit one less; the large ones only once",
        ),
        Capture(role="after", label="raw", accept=HOLE, interface="core"),
        Capture(role="receiver", label="qinq", accept=HOLE, edits=_QINQ),
        Capture(
            role="receiver",
            label="72",
            accept=("blackhole_suspected", "inconclusive"),
            snap_length=72,
            trust=False,
        ),
    ),
    twin_captures=(
        Capture(role="sender", label="86", accept=OK, snap_length=86),
        Capture(role="sender", label="72", accept=OK, snap_length=72),
        Capture(role="sender", label="sll2", accept=OK, interface="any"),
        Capture(role="before", label="any", accept=OK, interface="any"),
        Capture(role="after", label="raw", accept=OK, interface="core"),
        Capture(role="receiver", label="qinq", accept=OK, edits=_QINQ),
    ),
)

_LENGTHS = hole_and_twin(
    "recorders_ipv4",
    "a download into 1414, recorded for too short a time, too late, with gaps, twice, or one way only",
    1414,
    "ptb",
    talk=small_talk(5, every=0.5) + ask(_TAIL_4),
    seconds=18,
    captures=(
        Capture(role="sender", label="one", accept=_NOT_YET, edits=(EndAfterRetransmissions(1),), trust=False),
        Capture(
            role="sender",
            label="two",
            accept=("blackhole_probable", "inconclusive", "stall"),
            edits=(EndAfterRetransmissions(2),),
            trust=False,
        ),
        Capture(
            role="sender",
            label="three",
            accept=_MAYBE,
            edits=(EndAfterRetransmissions(3),),
            why="the first three retransmissions need not span a whole second",
        ),
        Capture(role="sender", label="six", accept=BLACK_HOLE, edits=(EndAfterRetransmissions(6),)),
        Capture(role="sender", label="late", accept=BLACK_HOLE_BY_ACK, start=1.3),
        Capture(
            role="sender",
            label="too_late",
            accept=_MAYBE,
            edits=(StartAtRetransmission(3),),
            trust=False,
            why="only retransmissions are left: the SACK that proved the small one is gone",
        ),
        Capture(role="sender", label="twice", accept=BLACK_HOLE, edits=(MirrorTwice(),)),
        Capture(
            role="sender",
            label="one_twice",
            accept=_NOT_YET,
            edits=(EndAfterRetransmissions(1), MirrorTwice(40_000)),
            trust=False,
            why="a mirrored packet is no retransmission",
        ),
        Capture(role="sender", label="gaps", accept=_MAYBE, edits=(LoseRecords(0.04, seed=40),), trust=False),
        Capture(role="sender", label="data", accept=("inconclusive",), edits=(DropPackets(_CLIENT),), trust=False),
        Capture(role="sender", label="acks", accept=("inconclusive",), edits=(DropPackets(_SERVER),), trust=False),
        Capture(role="receiver", label="late", accept=("blackhole_suspected", "inconclusive"), start=1.3),
    ),
    twin_captures=(
        Capture(role="sender", label="late", accept=PMTUD_OK, ptb=("accepted",), start=1.3),
        Capture(role="sender", label="twice", accept=PMTUD_OK, ptb=("accepted",), edits=(MirrorTwice(),)),
        Capture(role="receiver", label="late", accept=PMTUD_OK_AT_RECEIVER, start=1.3),
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
            Capture(role="sender", label="stretch", accept=_PARTLY, edits=(LoseStretch(1.2, 1.6),)),
            Capture(role="receiver", label="stretch", accept=_PARTLY, edits=(LoseStretch(1.2, 1.6),)),
            Capture(role="sender", label="2_percent", accept=_PARTLY, edits=(LoseRecords(0.02, seed=41),)),
            Capture(role="sender", label="15_percent", accept=_PARTLY, edits=(LoseRecords(0.15, seed=42),)),
            Capture(role="receiver", label="15_percent", accept=_PARTLY, edits=(LoseRecords(0.15, seed=43),)),
            Capture(role="sender", label="twice_64", accept=LOSS, edits=(MirrorTwice(300_000),), snap_length=64),
            Capture(role="before", label="any", accept=LOSS, interface="any"),
            Capture(role="sender", label="data", accept=("inconclusive",), only=f"src host {_SERVER}"),
            Capture(
                role="sender",
                label="acks",
                accept=("inconclusive",),
                only=f"src host {_CLIENT}",
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
            Capture(role="sender", label="8_percent", accept=(*_PARTLY, "stall"), edits=(LoseRecords(0.08, seed=44),)),
            Capture(
                role="receiver", label="8_percent", accept=(*_PARTLY, "stall"), edits=(LoseRecords(0.08, seed=45),)
            ),
            Capture(role="receiver", label="late", accept=(*LOSS, "stall"), start=1.2),
        ),
    ),
    Scenario(
        name="receiver_merges_ipv6",
        shows="the server's GRO merges the segments of an IPv6 upload clamped to 1380",
        path_mtu=1380,
        data="upload",
        family=6,
        receiver_gro=True,
        path=Path(mtu=1380, round_trip=0.02),
        rules={"server_router": clamp(1380, 6)},
        flows=(Flow(talk=upload(120_000)),),
        captures=(
            Capture(
                role="receiver",
                accept=OK,
                why="sizes above the MSS are no sizes on the wire",
                facts=("super_segments",),
            ),
            Capture(role="sender", accept=OK),
        ),
    ),
    Scenario(
        name="wraps_and_loses_ipv6",
        shows="3 % loss while the sequence numbers of an IPv6 upload pass 2^32",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03, hazards=(RandomLoss(rate=0.03, seed=381),)),
        flows=(Flow(talk=upload(150_000), initial_sequence=2**32 - 70_000),),
        seconds=20,
        captures=at_both_ends(LOSS, LOSS, facts=("sequence_wraps",), facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="ports_reused_ipv6",
        shows="three connections in turn from the same client port, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.02),
        sysctls={"net.ipv4.tcp_tw_reuse": "1"},
        flows=(
            Flow(talk=ask(30_000), client_port=47_000),
            Flow(talk=ask(400), client_port=47_000, start=2.5),
            Flow(talk=ask(_TAIL_6), client_port=47_000, start=5.0),
        ),
        captures=at_both_ends(OK, OK, facts=("two_syns",)),
    ),
    Scenario(
        name="pings_find_1372",
        shows="small messages only, and echo requests with DF of which those above 1372 bytes are lost",
        path_mtu=1372,
        path=Path(mtu=1372, round_trip=0.02),
        icmp_dropped_at=("server_router", "client_router"),
        flows=(Flow(talk=small_talk(8, every=0.3)),),
        pings=(84, 1372, 1500, 1373, 1420, 576),
        captures=at_both_ends(TOO_SMALL, TOO_SMALL),
    ),
    Scenario(
        name="pings_find_nothing",
        shows="a healthy upload and echo requests with DF that all come back",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.02),
        flows=(Flow(talk=upload(30_000) + small_talk(6, every=0.4)),),
        pings=(84, 1428, 1500, 1372),
        captures=at_both_ends(OK, OK),
    ),
)

_TWO_CAPTURES = tuple(
    replace(
        scenario,
        together=True,
        captures=tuple(
            replace(capture, edits=(ClockOff(seconds),)) if capture.role == "receiver" else capture
            for capture in scenario.captures
        ),
    )
    for seconds, pair in (
        (
            1.7,
            hole_and_twin(
                "two_captures",
                "a download into 1424 recorded at both ends, with the client's clock 1.7 s fast",
                1424,
                "ptb",
                talk=small_talk(3, every=0.3) + ask(_TAIL_4),
            ),
        ),
        (
            -0.35,
            hole_and_twin(
                "two_captures_ipv6_upload",
                "an IPv6 upload into 1368 recorded at both ends, with the server's clock 0.35 s slow",
                1368,
                "wide",
                data="upload",
                family=6,
                talk=upload(_TAIL_6),
            ),
        ),
    )
    for scenario in pair
)

SEEN_RECORDERS: tuple[Scenario, ...] = (*_FORMS, *_LENGTHS, *_HEALTHY, *_TWO_CAPTURES)
