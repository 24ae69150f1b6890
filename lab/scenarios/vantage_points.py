"""Where the recorder stands: routers, link types, mirror ports, hosts that merge segments."""

from __future__ import annotations

from lab.conversations import ask, upload
from lab.edits import MirrorTwice, PppoeSession, VlanTag
from lab.patterns import black_hole
from lab.settings import CLAMP_1380, clamp, lossy
from lab.truths import BLACK_HOLE, HOLE, LOSS, OK
from lab.vocabulary import Capture, Flow, Path, Scenario

_POINTS = (
    black_hole(
        "before_and_after",
        "captures at the routers: Ethernet, and the bare IP packets of the tunnel device",
        1400,
        captures=(
            Capture(role="before", accept=BLACK_HOLE),
            Capture(role="after", accept=HOLE),
            Capture(role="after", label="raw", accept=HOLE, interface="core"),
        ),
    ),
    black_hole(
        "pppoe",
        "a PPPoE path of 1492, recorded inside the PPPoE session behind the narrow hop",
        1492,
        captures=(Capture(role="after", accept=HOLE, edits=(PppoeSession(),)),),
    ),
    black_hole(
        "link_types",
        "the same at the server as `tcpdump -i any` writes it (SLL and SLL2), and with a VLAN tag",
        1420,
        captures=(
            Capture(role="sender", label="sll2", accept=BLACK_HOLE, interface="any"),
            Capture(
                role="sender",
                label="sll",
                accept=BLACK_HOLE,
                interface="any",
                link_type="LINUX_SLL",
            ),
            Capture(role="sender", label="vlan", accept=BLACK_HOLE, edits=(VlanTag(),)),
            Capture(
                role="before",
                label="any",
                accept=("blackhole",),
                interface="any",
                why="every packet that is forwarded is there twice, with the TTL one less; the large ones only once",
            ),
        ),
    ),
)

_TWICE = (
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
)

_MERGED = (
    Scenario(
        name="receiver_merges",
        shows="the receiver's GRO merges segments: packets larger than the path MTU at the client",
        path_mtu=1420,
        receiver_gro=True,
        path=Path(mtu=1420, round_trip=0.02),
        rules={"server_router": CLAMP_1380},
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
)

SCENARIOS: tuple[Scenario, ...] = (*_POINTS, *_TWICE, *_MERGED)
