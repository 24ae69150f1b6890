"""Blind set: where, how and for how long the recorder wrote, for a hang, for a loss and for a healthy twin."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import ask, small_talk, upload
from lab.edits import (
    ClockOff,
    DropPackets,
    Edit,
    EndAfterRetransmissions,
    EndAfterSeconds,
    EndAfterSegments,
    LoseRecords,
    LoseStretch,
    MirrorTwice,
    PppoeSession,
    StartAtRetransmission,
    VlanTag,
)
from lab.hazards import Bottleneck, RandomLoss
from lab.network import ADDRESSES
from lab.outages import OutageAfterBytes
from lab.table_seen_holes import FULL_4, FULL_6, hole_and_twin
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    DEAD_OR_UNEXPLAINED,
    HOLE,
    LOSS,
    NO_BLACK_HOLE,
    OK,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Scenario, Verdicts

_TAIL_4, _TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300
_NOT_YET: Verdicts = ("inconclusive", "stall", "loss", "ok", "not_exercised")
_SOON: Verdicts = ("inconclusive", "stall", "loss", "blackhole_probable")
_MAYBE: Verdicts = ("blackhole", "blackhole_probable", "inconclusive")
_GAPS: Verdicts = ("blackhole", "blackhole_probable", "inconclusive", "stall")
_HOLE_OR_NOT: Verdicts = ("blackhole_suspected", "inconclusive")
_PARTLY: Verdicts = ("inconclusive", "ok", "loss")
_CLIENT, _SERVER = ADDRESSES[4].client, ADDRESSES[4].server


def _end(*edits: Edit, label: str, accept: Verdicts, why: str = "") -> Capture:
    return Capture(role="sender", label=label, accept=accept, edits=edits, trust=False, why=why)


_FORMS = hole_and_twin(
    "taped",
    "a download into 1402, recorded in many forms",
    1402,
    "ptb",
    talk=small_talk(3, every=0.3) + ask(_TAIL_4),
    captures=(
        Capture(role="sender", label="112", accept=BLACK_HOLE, snap_length=112),
        Capture(role="sender", label="96", accept=BLACK_HOLE, snap_length=96),
        Capture(
            role="sender",
            label="80",
            accept=BLACK_HOLE_BY_ACK,
            snap_length=80,
            trust=False,
            why="two of the blocks' eight bytes are missing: SACK cannot be read",
        ),
        Capture(role="sender", label="68", accept=BLACK_HOLE_BY_ACK, snap_length=68, trust=False),
        Capture(role="sender", label="64", accept=BLACK_HOLE_BY_ACK, snap_length=64, trust=False),
        Capture(role="sender", label="sll", accept=BLACK_HOLE, interface="any", link_type="LINUX_SLL", snap_length=110),
        Capture(role="sender", label="sll2", accept=BLACK_HOLE, interface="any"),
        Capture(role="sender", label="vlan", accept=BLACK_HOLE, edits=(VlanTag(4094),)),
        Capture(role="sender", label="pppoe", accept=BLACK_HOLE, edits=(PppoeSession(),)),
        Capture(role="sender", label="twice", accept=BLACK_HOLE, edits=(MirrorTwice(900_000),)),
        Capture(role="before", label="any", accept=BLACK_HOLE, interface="any"),
        Capture(role="after", label="any", accept=HOLE, interface="any", link_type="LINUX_SLL"),
        Capture(role="receiver", label="vlans", accept=HOLE, edits=(VlanTag(7), VlanTag(1200))),
        Capture(role="receiver", label="twice", accept=HOLE, edits=(MirrorTwice(25_000),)),
    ),
    twin_captures=(
        Capture(role="sender", label="sll", accept=PMTUD_OK, ptb=("accepted",), interface="any", link_type="LINUX_SLL"),
        Capture(role="sender", label="vlans", accept=PMTUD_OK, ptb=("accepted",), edits=(VlanTag(7), VlanTag(1200))),
        Capture(role="sender", label="twice", accept=PMTUD_OK, ptb=("accepted",), edits=(MirrorTwice(900_000),)),
        Capture(
            role="sender",
            label="64",
            accept=("pmtud_ok", "ok", "loss", "inconclusive"),
            ptb=("accepted", "ignored"),
            snap_length=64,
            trust=False,
            why="the quote in the PTB is cut in the quoted ports",
        ),
        Capture(role="after", label="any", accept=PMTUD_OK_AT_RECEIVER, interface="any"),
        Capture(role="receiver", label="twice", accept=PMTUD_OK_AT_RECEIVER, edits=(MirrorTwice(25_000),)),
    ),
)

_ENDS = hole_and_twin(
    "stopped",
    "an upload into 1378 after small messages, the recording stopped at many moments, IPv6",
    1378,
    "wide",
    data="upload",
    family=6,
    talk=small_talk(2, every=0.2) + upload(_TAIL_6),
    seconds=18,
    captures=(
        *(_end(EndAfterSegments(n), label=f"{n}_segments", accept=_NOT_YET) for n in (1, 2, 3, 6, 9)),
        _end(EndAfterRetransmissions(1), label="one", accept=_NOT_YET),
        _end(EndAfterRetransmissions(2), label="two", accept=_SOON),
        _end(EndAfterRetransmissions(3), label="three", accept=(*_MAYBE, "stall")),
        _end(EndAfterRetransmissions(5), label="five", accept=BLACK_HOLE),
        _end(EndAfterSeconds(1.3), label="1_s", accept=(*_NOT_YET, "blackhole_probable")),
        _end(EndAfterSeconds(4.0), label="4_s", accept=BLACK_HOLE_BY_ACK),
        _end(
            StartAtRetransmission(2),
            label="late",
            accept=_MAYBE,
            why="what got through before, and its SACK, is not in the file",
        ),
        Capture(role="receiver", accept=HOLE),
        Capture(role="receiver", label="early", accept=_NOT_YET, edits=(EndAfterSeconds(0.5),), trust=False),
    ),
    twin_captures=(
        Capture(role="sender", accept=OK),
        *(_end(EndAfterSegments(n), label=f"{n}_segments", accept=_NOT_YET) for n in (1, 3, 7, 12, 17)),
        Capture(role="receiver", label="early", accept=_NOT_YET, edits=(EndAfterSeconds(0.5),), trust=False),
    ),
)

_GAPPY = hole_and_twin(
    "gappy",
    "a download into 1434, recorded with losses of the recorder's own, or one way only",
    1434,
    "clamp",
    talk=small_talk(4, every=0.3) + ask(_TAIL_4),
    seconds=18,
    captures=(
        _end(LoseRecords(0.1, seed=51), label="10_percent", accept=_GAPS),
        _end(LoseRecords(0.25, seed=52), label="25_percent", accept=(*_GAPS, "loss", "not_exercised")),
        _end(LoseStretch(0.3, 1.2), label="stretch", accept=_GAPS),
        _end(DropPackets(_CLIENT), label="data", accept=("inconclusive",)),
        _end(DropPackets(_SERVER), label="acks", accept=("inconclusive",)),
        Capture(role="receiver", label="data", accept=_HOLE_OR_NOT, edits=(DropPackets(_CLIENT),), trust=False),
        Capture(role="sender", label="late", accept=BLACK_HOLE_BY_ACK, start=0.9),
    ),
    twin_captures=(
        _end(LoseRecords(0.1, seed=53), label="10_percent", accept=(*_PARTLY, "not_exercised")),
        _end(LoseRecords(0.25, seed=54), label="25_percent", accept=(*_PARTLY, "not_exercised")),
        _end(DropPackets(_CLIENT), label="data", accept=("inconclusive",)),
        Capture(role="sender", label="late", accept=OK, start=0.9),
        Capture(role="sender", label="twice", accept=OK, edits=(MirrorTwice(3_000_000),)),
    ),
)

_LOOK_ALIKES = (
    Scenario(
        name="lossy_and_stopped",
        shows="5 % of the packets are lost on a slow link; the recording is stopped at many moments, or has gaps",
        path_mtu=1500,
        path=Path(
            round_trip=0.04,
            hazards=(RandomLoss(rate=0.05, seed=941), Bottleneck(bytes_per_second=80_000, queue=80_000)),
        ),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(150_000)),),
        seconds=25,
        captures=(
            *(
                _end(EndAfterSeconds(seconds), label=f"{seconds}_s".replace(".", "_"), accept=NO_BLACK_HOLE)
                for seconds in (0.7, 0.9, 1.2, 1.7, 2.4)
            ),
            *(_end(EndAfterSegments(n), label=f"{n}_segments", accept=NO_BLACK_HOLE) for n in (18, 27, 45)),
            _end(LoseRecords(0.06, seed=55), label="6_percent", accept=NO_BLACK_HOLE),
            _end(LoseRecords(0.3, seed=56), label="30_percent", accept=NO_BLACK_HOLE),
            Capture(role="receiver", label="twice", accept=(*LOSS, "stall"), edits=(MirrorTwice(),)),
            Capture(role="receiver", label="late", accept=NO_BLACK_HOLE, start=1.0),
        ),
    ),
    Scenario(
        name="dead_and_stopped",
        shows="the path dies after 30 kB of an upload; the recording is stopped at many moments, IPv6",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.04, hazards=(OutageAfterBytes(payload=30_000),)),
        flows=(Flow(talk=upload(120_000), ends="hangs"),),
        seconds=16,
        captures=(
            Capture(role="sender", accept=DEAD_OR_UNEXPLAINED, facts=("large_delivered",)),
            *(
                _end(EndAfterSeconds(seconds), label=f"{seconds}_s".replace(".", "_"), accept=NO_BLACK_HOLE)
                for seconds in (0.4, 1.0, 2.0, 5.0)
            ),
            Capture(role="sender", label="72", accept=DEAD_OR_UNEXPLAINED, snap_length=72, trust=False),
            Capture(role="sender", label="late", accept=NO_BLACK_HOLE, start=0.6, trust=False),
            Capture(role="receiver", label="sll2", accept=NO_BLACK_HOLE, interface="any"),
        ),
    ),
    Scenario(
        name="mid_stream_healthy",
        shows="a healthy upload of 300 kB over a slow link, recorded from the middle on and up to the middle",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.04, hazards=(Bottleneck(bytes_per_second=120_000, queue=300_000),)),
        flows=(Flow(talk=upload(300_000)),),
        seconds=20,
        captures=(
            Capture(role="sender", label="late", accept=LOSS, start=1.1, facts=("large_delivered",)),
            Capture(role="sender", label="up_to", accept=LOSS, edits=(EndAfterSeconds(1.1),)),
            Capture(role="receiver", label="late", accept=LOSS, start=1.1),
            Capture(role="receiver", label="66", accept=LOSS, snap_length=66),
            Capture(role="before", label="any", accept=LOSS, interface="any"),
            Capture(role="sender", label="data", accept=("inconclusive",), edits=(DropPackets(_SERVER),), trust=False),
        ),
    ),
    Scenario(
        name="recorded_late_ipv6",
        shows="a chat and then a healthy large reply, recorded from the chat on, IPv6, GRO at the client",
        path_mtu=1500,
        family=6,
        receiver_gro=True,
        path=Path(round_trip=0.04),
        flows=(Flow(talk=small_talk(5, every=0.4) + ask(150_000)),),
        captures=(
            Capture(role="sender", label="late", accept=LOSS, start=1.2),
            Capture(role="receiver", label="late", accept=LOSS, start=1.2),
        ),
    ),
)


def _both(pair: tuple[Scenario, ...], seconds: float) -> tuple[Scenario, ...]:
    """Both hosts' captures are also read as one, with the receiver's clock wrong."""
    return tuple(
        replace(
            scenario,
            together=True,
            captures=tuple(
                replace(capture, edits=(ClockOff(seconds),)) if capture.role == "receiver" else capture
                for capture in scenario.captures
            ),
        )
        for scenario in pair
    )


_PAIRS = (
    *_both(
        hole_and_twin(
            "both_hosts_ipv6",
            "a download into 1316 recorded at both hosts, the client's clock 12 s fast, IPv6",
            1316,
            "ptb",
            family=6,
            talk=small_talk(3, every=0.3) + ask(_TAIL_6),
        ),
        12.0,
    ),
    *_both(
        hole_and_twin(
            "both_hosts_upload",
            "an upload into 1462 recorded at both hosts, the server's clock 40 ms slow",
            1462,
            "clamp",
            data="upload",
            talk=upload(_TAIL_4),
        ),
        -0.04,
    ),
    *_both(
        (
            Scenario(
                name="both_hosts_lossy",
                shows="4 % loss recorded at both hosts, the client's clock 0.9 s slow",
                path_mtu=1500,
                path=Path(round_trip=0.04, hazards=(RandomLoss(rate=0.04, seed=942),)),
                flows=(Flow(talk=small_talk(2, every=0.2) + ask(150_000)),),
                seconds=20,
                captures=at_both_ends((*LOSS, "stall"), (*LOSS, "stall")),
            ),
            Scenario(
                name="both_hosts_dead",
                shows="a path that dies after 50 kB recorded at both hosts, the client's clock 0.9 s slow, IPv6",
                path_mtu=1500,
                family=6,
                path=Path(round_trip=0.04, hazards=(OutageAfterBytes(payload=50_000),)),
                flows=(Flow(talk=small_talk(2, every=0.2) + ask(150_000), ends="hangs"),),
                seconds=14,
                captures=at_both_ends(DEAD_OR_UNEXPLAINED, NO_BLACK_HOLE, facts_sender=("large_delivered",)),
            ),
        ),
        -0.9,
    ),
)

BLIND_RECORDINGS: tuple[Scenario, ...] = (*_FORMS, *_ENDS, *_GAPPY, *_LOOK_ALIKES, *_PAIRS)
