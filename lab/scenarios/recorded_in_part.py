"""Recordings that begin late or stop early."""

from __future__ import annotations

from lab.conversations import TAIL_4, TAIL_6, ask, small_talk, upload
from lab.edits import (
    DropPackets,
    EndAfterRetransmissions,
    EndAfterSeconds,
    EndAfterSegments,
    LoseRecords,
    MirrorTwice,
    StartAtRetransmission,
)
from lab.hazards import Bottleneck, RandomLoss
from lab.outages import OutageAfterBytes
from lab.patterns import black_hole, hole_and_twin
from lab.settings import CLIENT_4, SERVER_4
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    DEAD_OR_UNEXPLAINED,
    HOLE,
    LOSS,
    MAYBE,
    NO_BLACK_HOLE,
    NOT_YET,
    OK,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    edited,
)
from lab.vocabulary import Capture, Flow, Path, Scenario, Verdicts

_SOON: Verdicts = ("inconclusive", "stall", "loss", "blackhole_probable")
_ENDS = hole_and_twin(
    "stopped",
    "an upload into 1378 after small messages, the recording stopped at many moments, IPv6",
    1378,
    "wide",
    data="upload",
    family=6,
    talk=small_talk(2, every=0.2) + upload(TAIL_6),
    seconds=18,
    captures=(
        *(edited(EndAfterSegments(n), label=f"{n}_segments", accept=NOT_YET) for n in (1, 2, 3, 6, 9)),
        edited(EndAfterRetransmissions(1), label="one", accept=NOT_YET),
        edited(EndAfterRetransmissions(2), label="two", accept=_SOON),
        edited(EndAfterRetransmissions(3), label="three", accept=(*MAYBE, "stall")),
        edited(EndAfterRetransmissions(5), label="five", accept=BLACK_HOLE),
        edited(EndAfterSeconds(1.3), label="1_s", accept=(*NOT_YET, "blackhole_probable")),
        edited(EndAfterSeconds(4.0), label="4_s", accept=BLACK_HOLE_BY_ACK),
        edited(
            StartAtRetransmission(2),
            label="late",
            accept=MAYBE,
            why="what got through before, and its SACK, is not in the file",
        ),
        Capture(role="receiver", accept=HOLE),
        Capture(role="receiver", label="early", accept=NOT_YET, edits=(EndAfterSeconds(0.5),), trust=False),
    ),
    twin_captures=(
        Capture(role="sender", accept=OK),
        *(edited(EndAfterSegments(n), label=f"{n}_segments", accept=NOT_YET) for n in (1, 3, 7, 12, 17)),
        Capture(role="receiver", label="early", accept=NOT_YET, edits=(EndAfterSeconds(0.5),), trust=False),
    ),
)
_LENGTHS = hole_and_twin(
    "recorders_ipv4",
    "a download into 1414, recorded for too short a time, too late, with gaps, twice, or one way only",
    1414,
    "ptb",
    talk=small_talk(5, every=0.5) + ask(TAIL_4),
    seconds=18,
    captures=(
        Capture(role="sender", label="one", accept=NOT_YET, edits=(EndAfterRetransmissions(1),), trust=False),
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
            accept=MAYBE,
            edits=(EndAfterRetransmissions(3),),
            why="the first three retransmissions need not span a whole second",
        ),
        Capture(role="sender", label="six", accept=BLACK_HOLE, edits=(EndAfterRetransmissions(6),)),
        Capture(role="sender", label="late", accept=BLACK_HOLE_BY_ACK, start=1.3),
        Capture(
            role="sender",
            label="too_late",
            accept=MAYBE,
            edits=(StartAtRetransmission(3),),
            trust=False,
            why="only retransmissions are left: the SACK that proved the small one is gone",
        ),
        Capture(role="sender", label="twice", accept=BLACK_HOLE, edits=(MirrorTwice(),)),
        Capture(
            role="sender",
            label="one_twice",
            accept=NOT_YET,
            edits=(EndAfterRetransmissions(1), MirrorTwice(40_000)),
            trust=False,
            why="a mirrored packet is no retransmission",
        ),
        Capture(role="sender", label="gaps", accept=MAYBE, edits=(LoseRecords(0.04, seed=40),), trust=False),
        Capture(role="sender", label="data", accept=("inconclusive",), edits=(DropPackets(CLIENT_4),), trust=False),
        Capture(role="sender", label="acks", accept=("inconclusive",), edits=(DropPackets(SERVER_4),), trust=False),
        Capture(role="receiver", label="late", accept=("blackhole_suspected", "inconclusive"), start=1.3),
    ),
    twin_captures=(
        Capture(role="sender", label="late", accept=PMTUD_OK, ptb=("accepted",), start=1.3),
        Capture(role="sender", label="twice", accept=PMTUD_OK, ptb=("accepted",), edits=(MirrorTwice(),)),
        Capture(role="receiver", label="late", accept=PMTUD_OK_AT_RECEIVER, start=1.3),
    ),
)

_IN_PART = (
    *_ENDS,
    *_LENGTHS,
    black_hole(
        "short_captures",
        "the recorder is stopped after one, two and three retransmissions of the head",
        1400,
        captures=(
            Capture(
                role="sender",
                label="one",
                accept=("inconclusive", "stall", "loss", "ok", "not_exercised"),
                edits=(EndAfterRetransmissions(1),),
                trust=False,
                why="one retransmission is nothing unusual",
            ),
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
                accept=("blackhole_probable", "blackhole", "inconclusive"),
                edits=(EndAfterRetransmissions(3),),
                why="the first three retransmissions need not span a whole second",
            ),
            Capture(
                role="sender",
                label="five",
                accept=BLACK_HOLE,
                edits=(EndAfterRetransmissions(5),),
            ),
        ),
    ),
    black_hole(
        "starts_in_flow",
        "the recorder is started on a connection that stands: no SYN, so no MSS and window scale",
        1420,
        talk=small_talk(6, every=0.5) + ask(TAIL_4),
        seconds=20,
        captures=(
            Capture(
                role="sender",
                label="before_hang",
                accept=BLACK_HOLE_BY_ACK,
                start=1.5,
            ),
            Capture(
                role="sender",
                label="in_hang",
                accept=("blackhole_probable", "blackhole", "inconclusive"),
                edits=(StartAtRetransmission(2),),
                why="only retransmissions are left: the SACK that proved the small one is gone",
            ),
            Capture(
                role="receiver",
                label="before_hang",
                accept=("blackhole_suspected", "inconclusive"),
                start=1.5,
            ),
        ),
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
                edited(EndAfterSeconds(seconds), label=f"{seconds}_s".replace(".", "_"), accept=NO_BLACK_HOLE)
                for seconds in (0.7, 0.9, 1.2, 1.7, 2.4)
            ),
            *(edited(EndAfterSegments(n), label=f"{n}_segments", accept=NO_BLACK_HOLE) for n in (18, 27, 45)),
            edited(LoseRecords(0.06, seed=55), label="6_percent", accept=NO_BLACK_HOLE),
            edited(LoseRecords(0.3, seed=56), label="30_percent", accept=NO_BLACK_HOLE),
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
                edited(EndAfterSeconds(seconds), label=f"{seconds}_s".replace(".", "_"), accept=NO_BLACK_HOLE)
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
            Capture(role="sender", label="data", accept=("inconclusive",), edits=(DropPackets(SERVER_4),), trust=False),
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

SCENARIOS: tuple[Scenario, ...] = (*_IN_PART, *_LOOK_ALIKES)
