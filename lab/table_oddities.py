"""Look-alikes: odd but healthy traffic, and captures that miss a part of it."""

from __future__ import annotations

from lab.conversations import WITH_TAIL, ask, small_talk, upload
from lab.edits import DropPackets, LoseRecords, MirrorTwice
from lab.hazards import (
    Bottleneck,
    Duplication,
    LosePureAcks,
    Reordering,
)
from lab.network import ADDRESSES
from lab.table_losses import DOWNLOAD, lossy
from lab.truths import (
    BLACK_HOLE,
    LOSS,
    OK,
    TOO_SMALL,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Scenario

_CLAMP_1380 = "tcp flags & (syn | rst) == syn tcp option maxseg size set 1380"
_SLOW = Bottleneck(bytes_per_second=100_000, queue=60_000)
_CLIENT, _SERVER = ADDRESSES[4].client, ADDRESSES[4].server
# What may be said of a flow of which one side is missing.
_ONE_SIDED = ("inconclusive",)


_ODD = (
    Scenario(
        name="ack_loss",
        shows="half of the ACKs are lost on their way back",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards_back=(LosePureAcks(rate=0.5, seed=5),)),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(200_000)),),
        seconds=20,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="ack_loss_total",
        shows="no ACK at all comes back for six seconds, while the data arrive",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(_SLOW,),
            hazards_back=(LosePureAcks(rate=1.0, since=1.0, until=7.0),),
        ),
        flows=(Flow(talk=ask(250_000)),),
        seconds=30,
        captures=at_both_ends(("loss", "stall"), LOSS),
    ),
    Scenario(
        name="reordering",
        shows="one packet in ten is overtaken by those of the next 5 ms",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(Reordering(rate=0.1, delay=0.005, seed=2),)),
        flows=DOWNLOAD,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="duplicates_on_path",
        shows="the network delivers one packet in five twice",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(Duplication(rate=0.2, seed=2),)),
        flows=DOWNLOAD,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="mirrored_twice",
        shows="a SPAN port that copies every packet twice",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(Flow(talk=ask(60_000)),),
        captures=(
            Capture(role="sender", accept=OK, edits=(MirrorTwice(),)),
            Capture(role="receiver", accept=OK, edits=(MirrorTwice(),)),
            Capture(
                role="before",
                label="any",
                accept=OK,
                interface="any",
                why="every forwarded packet is there twice, the second with a smaller TTL",
            ),
        ),
    ),
    Scenario(
        name="mirrored_twice_lossy",
        shows="a SPAN port that copies every packet twice, and ordinary loss",
        path_mtu=1500,
        path=lossy(0.04, 61),
        flows=(Flow(talk=ask(120_000)),),
        seconds=20,
        captures=(
            Capture(role="sender", accept=LOSS, edits=(MirrorTwice(),)),
            Capture(role="before", label="any", accept=LOSS, interface="any"),
        ),
    ),
    Scenario(
        name="receiver_merges",
        shows="the receiver's GRO merges segments: packets larger than the path MTU at the client",
        path_mtu=1420,
        receiver_gro=True,
        path=Path(mtu=1420, round_trip=0.02),
        rules={"server_router": _CLAMP_1380},
        flows=(Flow(talk=ask(100_000)),),
        captures=(
            Capture(
                role="receiver",
                accept=OK,
                why="sizes above the MSS are no sizes on the wire",
                facts=("super_segments",),
            ),
        ),
    ),
    Scenario(
        name="super_segments_everywhere",
        shows="virtual machines on one host: super-segments cross the whole path uncut",
        path_mtu=1420,
        offloads=True,
        path=Path(kind="veth", mtu=1420),
        rules={"server_router": _CLAMP_1380},
        flows=(Flow(talk=ask(200_000)),),
        captures=at_both_ends(OK, OK, facts=("super_segments",)),
    ),
    Scenario(
        name="ports_reused",
        shows="a second connection from the same client port: new sequence numbers, same tuple",
        path_mtu=1500,
        path=Path(round_trip=0.02),
        sysctls={"net.ipv4.tcp_tw_reuse": "1"},
        flows=(
            Flow(talk=ask(20_000), client_port=45_000),
            Flow(talk=ask(WITH_TAIL), client_port=45_000, start=3.0),
        ),
        captures=at_both_ends(OK, OK, facts=("two_syns",)),
    ),
    Scenario(
        name="sequence_wraps",
        shows="an upload whose sequence numbers pass 2^32",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.02),
        flows=(Flow(talk=upload(100_000), initial_sequence=2**32 - 40_000),),
        captures=at_both_ends(OK, OK, facts=("sequence_wraps",)),
    ),
)

_PARTIAL = (
    Scenario(
        name="one_sided",
        shows="a black hole of which only one direction was recorded",
        path_mtu=1400,
        path=Path(mtu=1400, round_trip=0.02),
        icmp_dropped_at=("server_router",),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(WITH_TAIL), ends="hangs"),),
        seconds=14,
        captures=(
            Capture(
                role="sender",
                label="data_only",
                accept=_ONE_SIDED,
                edits=(DropPackets(_CLIENT),),
                trust=False,
                why="no ACK is seen, so nothing is known of delivery",
            ),
            Capture(
                role="sender",
                label="acks_only",
                accept=_ONE_SIDED,
                edits=(DropPackets(_SERVER),),
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
            Capture(role="sender", label="data_only", accept=_ONE_SIDED, only=f"src host {_SERVER}"),
            Capture(role="sender", label="acks_only", accept=_ONE_SIDED, only=f"src host {_CLIENT}"),
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
            Flow(port=8081, talk=small_talk(2, every=0.2) + ask(WITH_TAIL), ends="hangs"),
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
    Scenario(
        name="no_icmp_in_filter",
        shows="a black hole recorded with the filter `tcp`: a PTB could not be in the file",
        path_mtu=1400,
        path=Path(mtu=1400, round_trip=0.02),
        icmp_dropped_at=("server",),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(WITH_TAIL), ends="hangs"),),
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
    Scenario(
        name="small_download_without_trouble",
        shows="nothing larger than 1280 bytes is ever sent",
        path_mtu=1500,
        path=Path(round_trip=0.02),
        flows=(Flow(talk=small_talk(6, every=0.3)),),
        captures=at_both_ends(TOO_SMALL, TOO_SMALL),
    ),
)

ODDITIES: tuple[Scenario, ...] = (*_ODD, *_PARTIAL)
