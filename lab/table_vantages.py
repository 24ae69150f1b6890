"""Black holes: kinds of traffic, capture points, link types, snap lengths, cut captures."""

from __future__ import annotations

from lab.conversations import (
    WITH_TAIL,
    WITHOUT_TAIL,
    ask,
    pushes,
    secure_shell,
    small_talk,
    tls,
    upload,
)
from lab.edits import EndAfterRetransmissions, PppoeSession, StartAtRetransmission, VlanTag
from lab.hazards import Bottleneck, NarrowHop
from lab.table_black_holes import black_hole
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    HOLE,
    NEVER_SHOWN,
    OK,
    PTB_IGNORED,
    TOO_SMALL,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Scenario

_TRAFFIC = (
    black_hole(
        "tls_like",
        "a TLS-like handshake: the ClientHello passes, the server's certificates do not",
        1420,
        talk=tls(hello=517, flight=4200),
    ),
    black_hole(
        "large_hello",
        "a TLS-like handshake whose ClientHello with post-quantum keys is two segments",
        1420,
        data="upload",
        talk=tls(hello=1730, flight=3000),
    ),
    black_hole(
        "ssh_like",
        "an SSH-like handshake: the banners pass, the server's KEXINIT does not",
        1400,
        talk=secure_shell(kexinit=1536),
    ),
    black_hole(
        "keep_alive_hangs",
        "a kept-alive connection works for ten seconds and hangs at its first large reply",
        1420,
        talk=small_talk(10, every=1.0) + ask(WITH_TAIL),
        seconds=28,
    ),
    black_hole(
        "many_flows",
        "six connections: those with small replies finish, those with large ones hang",
        1400,
        flows=tuple(
            Flow(
                port=8080 + n,
                start=0.4 * n,
                talk=small_talk(3, every=0.3) + ask(WITH_TAIL if n % 2 else 900),
                ends="hangs" if n % 2 else "completes",
            )
            for n in range(6)
        ),
        captures=(
            Capture(
                role="sender",
                accept=BLACK_HOLE,
                flows={8080 + n: BLACK_HOLE if n % 2 else TOO_SMALL for n in range(6)},
            ),
            Capture(
                role="receiver",
                accept=HOLE,
                flows={8080 + n: HOLE if n % 2 else TOO_SMALL for n in range(6)},
            ),
        ),
    ),
    black_hole(
        "bulk_beside_pushes",
        "full segments only, but another connection of the pair keeps getting small ones through",
        1400,
        flows=(
            Flow(port=8080, talk=pushes(10, every=1.0)),
            Flow(port=8081, start=1.0, talk=ask(WITHOUT_TAIL), ends="hangs"),
        ),
        captures=(
            Capture(
                role="sender",
                accept=BLACK_HOLE,
                flows={8080: TOO_SMALL, 8081: BLACK_HOLE},
            ),
            Capture(
                role="receiver",
                accept=NEVER_SHOWN,
                flows={8080: TOO_SMALL, 8081: NEVER_SHOWN},
            ),
        ),
    ),
    black_hole(
        "narrows_in_flight",
        "the path narrows to 1400 in the middle of a download, and no PTB comes",
        1400,
        path_mtu_also=1500,
        path=Path(
            round_trip=0.02,
            hazards=(
                Bottleneck(bytes_per_second=100_000, queue=60_000),
                NarrowHop(mtu=1400, since=1.5),
            ),
        ),
        icmp_dropped_at=(),
        flows=(
            Flow(port=8080, talk=ask(600_000), ends="hangs"),
            Flow(port=8081, talk=pushes(16, every=0.7), ends="completes"),
        ),
        captures=(
            Capture(
                role="sender",
                accept=("blackhole", "blackhole_probable", "stall"),
                flows={8080: ("blackhole", "blackhole_probable", "stall"), 8081: TOO_SMALL},
                why="segments of the same size got through before, but none after the change, "
                "while small ones of the other connection still do",
            ),
        ),
    ),
    Scenario(
        name="one_path_narrow",
        shows="several connections, of which only those on one of two parallel paths are hit; the "
        "hop is a switch, so no ICMP can exist",
        path_mtu=1450,
        path_mtu_also=1500,
        path=Path(round_trip=0.02, hazards=(NarrowHop(mtu=1450, port=8081),)),
        flows=(
            Flow(port=8080, talk=small_talk(2, every=0.2) + ask(20_000)),
            Flow(
                port=8081,
                start=1.0,
                talk=small_talk(2, every=0.2) + ask(WITH_TAIL),
                ends="hangs",
            ),
            Flow(port=8080, start=4.0, talk=small_talk(2, every=0.2) + ask(20_000)),
        ),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=("blackhole", "blackhole_probable", "content_drop", "stall"),
                why="within the flow it is a black hole; pooled over the two addresses, packets "
                "as large get through on the other path",
                flows={
                    8080: OK,
                    8081: ("blackhole", "blackhole_probable", "content_drop", "stall"),
                },
            ),
        ),
    ),
)

_VXLAN_PATH = Path(kind="vxlan", mtu=1450)

_VANTAGE = (
    black_hole(
        "vxlan",
        "a VXLAN overlay of MTU 1450; the underlay shows the inner packets that fit",
        1450,
        path=_VXLAN_PATH,
        captures=(
            *at_both_ends(BLACK_HOLE, HOLE),
            Capture(role="underlay", accept=HOLE, snap_length=192),
        ),
    ),
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
        "ptb_lost_behind_router",
        "a firewall between router and server drops the PTBs; the router still shows them",
        1400,
        firewall=True,
        icmp_dropped_at=("server_firewall",),
        captures=(
            Capture(role="sender", accept=BLACK_HOLE),
            Capture(
                role="before",
                accept=PTB_IGNORED,
                ptb=("ignored", "host"),
                why="from here it looks as if the server ignored the PTB",
            ),
            Capture(role="receiver", accept=HOLE),
        ),
    ),
    black_hole(
        "pings",
        "echo requests with DF narrow the path MTU down beside a hang: 1400 passes, 1420 does not",
        1400,
        pings=(84, 1280, 1500, 1400, 1420),
        captures=(
            Capture(role="sender", accept=BLACK_HOLE),
            Capture(role="receiver", accept=HOLE),
        ),
    ),
    black_hole(
        "wraps_in_hang",
        "an upload hangs just where the sequence numbers pass 2^32",
        1400,
        data="upload",
        flows=(Flow(talk=upload(WITH_TAIL), ends="hangs", initial_sequence=2**32 - 3000),),
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
    black_hole(
        "snap_lengths",
        "snap lengths from 54 to 96 bytes",
        1420,
        captures=(
            Capture(role="sender", label="96", accept=BLACK_HOLE, snap_length=96),
            Capture(role="sender", label="80", accept=BLACK_HOLE_BY_ACK, snap_length=80),
            Capture(
                role="sender",
                label="68",
                accept=BLACK_HOLE_BY_ACK,
                snap_length=68,
                trust=False,
                why="the timestamps fill what is left of the options: SACK is cut off",
            ),
            Capture(role="sender", label="64", accept=BLACK_HOLE_BY_ACK, snap_length=64, trust=False),
            Capture(role="sender", label="54", accept=BLACK_HOLE_BY_ACK, snap_length=54, trust=False),
            Capture(
                role="receiver",
                label="64",
                accept=("blackhole_suspected", "inconclusive"),
                snap_length=64,
                trust=False,
            ),
        ),
    ),
    black_hole(
        "snap_lengths_ipv6",
        "snap lengths of 74 (headers without options), 64 (half a TCP header) and 96, IPv6",
        1420,
        family=6,
        captures=(
            Capture(role="sender", label="96", accept=BLACK_HOLE_BY_ACK, snap_length=96),
            Capture(role="sender", label="74", accept=BLACK_HOLE_BY_ACK, snap_length=74, trust=False),
            Capture(
                role="sender",
                label="64",
                accept=("inconclusive", "blackhole", "blackhole_probable", "stall"),
                snap_length=64,
                trust=False,
                why="ports and sequence number are there, ACK number and flags are not",
            ),
        ),
    ),
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
        talk=small_talk(6, every=0.5) + ask(WITH_TAIL),
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

VANTAGES: tuple[Scenario, ...] = (*_TRAFFIC, *_VANTAGE)
