"""Black holes: path MTUs, directions, families, offloads, the stack's settings."""

from __future__ import annotations

from typing import Any

from lab.conversations import (
    WITH_TAIL,
    WITHOUT_TAIL,
    Talk,
    ask,
    small_talk,
    upload,
)
from lab.hazards import NarrowHop
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    BLACK_HOLE_WITHOUT_CONTROL,
    HOLE,
    HOLE_OR_NOTHING,
    NEVER_SHOWN,
    NOTHING_ASKED,
    at_both_ends,
)
from lab.vocabulary import Capture, Direction, Flow, Node, Path, Scenario

TALK_THEN_TAIL = small_talk(2, every=0.2) + ask(WITH_TAIL)
_JUMBO_WITH_TAIL = 3 * 8948 + 300


def black_hole(
    name: str,
    shows: str,
    mtu: int,
    *,
    talk: Talk = TALK_THEN_TAIL,
    data: Direction = "download",
    rtt: float = 0.02,
    congestion: str = "cubic",
    captures: tuple[Capture, ...] = (),
    **settings: Any,
) -> Scenario:
    """The usual black hole: the router nearest to the sender drops its PTBs; a row says what differs."""
    near_sender: tuple[Node, ...] = ("server_router",) if data == "download" else ("client_router",)
    path = Path(mtu=mtu, round_trip=rtt) if rtt else Path(kind="veth", mtu=mtu)
    settings.setdefault("path", path)
    settings.setdefault("icmp_dropped_at", near_sender)
    settings.setdefault("seconds", 14)
    settings.setdefault("flows", (Flow(talk=talk, ends="hangs", congestion_control=congestion),))
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=mtu,
        data=data,
        captures=captures or at_both_ends(BLACK_HOLE, HOLE),
        **settings,
    )


_SIZES = (
    black_hole("mtu_576", "path MTU 576, the smallest that IPv4 hosts must take", 576),
    black_hole("mtu_1006", "path MTU 1006 (SLIP's old value)", 1006),
    black_hole("mtu_1280", "path MTU 1280, IPv4", 1280),
    black_hole("mtu_1280_ipv6", "path MTU 1280, the IPv6 minimum", 1280, family=6, rtt=0.05),
    black_hole("mtu_1320", "path MTU 1320, tunnel in a tunnel", 1320, rtt=0.04),
    black_hole("mtu_1454", "path MTU 1454", 1454, rtt=0.01),
    black_hole("mtu_1476", "path MTU 1476, as behind GRE", 1476, rtt=0.08),
    black_hole("mtu_1492", "path MTU 1492, as behind PPPoE", 1492),
    black_hole("mtu_1492_ipv6", "path MTU 1492, as behind PPPoE, IPv6", 1492, family=6),
    black_hole("mtu_1496", "path MTU 1496: a link that has no room for one VLAN tag", 1496, rtt=0.0),
    black_hole(
        "jumbo_8500",
        "jumbo frames of 9001 bytes into a path of 8500",
        8500,
        lan_mtu=9001,
        talk=small_talk(2, every=0.2) + ask(_JUMBO_WITH_TAIL),
    ),
    black_hole(
        "jumbo_into_1500",
        "jumbo frames of 9000 bytes into an ordinary path of 1500",
        1500,
        lan_mtu=9000,
        talk=small_talk(2, every=0.2) + ask(_JUMBO_WITH_TAIL),
    ),
    black_hole(
        "jumbo_switch",
        "jumbo hosts behind a switch of MTU 1500 on one segment: no router, no ICMP at all",
        1500,
        lan_mtu=9000,
        path=Path(mtu=9000, round_trip=0.0005, hazards=(NarrowHop(mtu=1500),)),
        talk=small_talk(2, every=0.2) + ask(_JUMBO_WITH_TAIL),
    ),
    black_hole(
        "single_segment",
        "the reply is one segment: the only packet that is too large",
        1400,
        talk=small_talk(2, every=0.2) + ask(1448),
        captures=at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN),
    ),
    black_hole(
        "just_too_large",
        "a reply in one packet that is a single byte too large",
        1400,
        talk=small_talk(2, every=0.2) + ask(1400 - 52 + 1),
        captures=at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN),
    ),
)

_DIRECTIONS = (
    black_hole(
        "upload_with_tail",
        "an upload whose small last segment arrives",
        1400,
        data="upload",
        talk=upload(WITH_TAIL),
    ),
    black_hole(
        "upload_without_tail",
        "an upload of full segments only: nothing small follows them",
        1400,
        data="upload",
        talk=upload(WITHOUT_TAIL),
        captures=at_both_ends(BLACK_HOLE_WITHOUT_CONTROL, NOTHING_ASKED),
    ),
    black_hole(
        "download_without_tail",
        "a download of full segments only, IPv4",
        1400,
        talk=ask(WITHOUT_TAIL),
        seconds=20,
        captures=at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN),
    ),
    black_hole(
        "download_without_tail_ipv6",
        "a download of full segments only, IPv6",
        1420,
        family=6,
        talk=ask(WITHOUT_TAIL),
        captures=at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN),
    ),
    black_hole(
        "both_directions",
        "a large request that arrives, as it fits, and a large reply that does not",
        1400,
        path=Path(mtu=1400, mtu_back=1500, round_trip=0.03),
        talk=ask(WITH_TAIL, request=4000),
    ),
    black_hole(
        "long_hang",
        "thirty seconds of a hang: eight copies of the head",
        1420,
        seconds=32,
        rtt=0.05,
    ),
    black_hole("no_delay", "the same with no delay at all: veth only", 1400, rtt=0.0),
    black_hole(
        "slow_round_trip",
        "RTT 80 ms, IPv6 upload",
        1400,
        rtt=0.08,
        family=6,
        data="upload",
        talk=upload(WITH_TAIL),
        seconds=20,
    ),
)

_STACK = (
    black_hole(
        "no_sack",
        "SACK off: nothing shows that the small last segment arrived",
        1400,
        sysctls={"net.ipv4.tcp_sack": "0"},
        captures=at_both_ends(
            BLACK_HOLE_BY_ACK,
            ("blackhole_suspected", "inconclusive"),
            why="the receiver's duplicate ACK proves that something arrived behind the hole",
            why_receiver="the hole is there, but no SACK says so",
        ),
    ),
    black_hole(
        "no_timestamps",
        "timestamps off: full segments carry 1460 bytes",
        1400,
        sysctls={"net.ipv4.tcp_timestamps": "0"},
    ),
    black_hole(
        "no_sack_no_timestamps",
        "neither SACK nor timestamps, IPv6",
        1400,
        family=6,
        sysctls={"net.ipv4.tcp_sack": "0", "net.ipv4.tcp_timestamps": "0"},
        captures=at_both_ends(
            BLACK_HOLE_BY_ACK,
            ("blackhole_suspected", "inconclusive"),
            why="the receiver's duplicate ACK proves that something arrived behind the hole",
        ),
    ),
    black_hole("bbr", "BBR congestion control", 1400, congestion="bbr"),
    black_hole("reno", "Reno congestion control", 1400, congestion="reno"),
    black_hole(
        "bbr_offloads",
        "BBR and segmentation offload",
        1420,
        congestion="bbr",
        offloads=True,
        captures=at_both_ends(BLACK_HOLE, HOLE_OR_NOTHING),
    ),
    black_hole(
        "offloads_without_tail",
        "segmentation offload, a long download",
        1400,
        offloads=True,
        talk=small_talk(1, every=0.2) + ask(WITHOUT_TAIL),
        captures=at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN),
    ),
    black_hole(
        "offloads_ipv6_upload",
        "segmentation offload, IPv6 upload, no delay",
        1400,
        rtt=0.0,
        offloads=True,
        family=6,
        data="upload",
        talk=upload(WITH_TAIL),
        captures=at_both_ends(BLACK_HOLE, HOLE_OR_NOTHING),
    ),
    black_hole(
        "gives_up",
        "tcp_retries2=4: the sender gives the connection up without a FIN or RST",
        1400,
        sysctls={"net.ipv4.tcp_retries2": "4"},
        flows=(Flow(talk=TALK_THEN_TAIL, ends="breaks"),),
        seconds=20,
    ),
    black_hole(
        "client_gives_up",
        "the client closes the connection after five seconds of waiting",
        1400,
        flows=(Flow(talk=TALK_THEN_TAIL, ends="breaks", client_patience=5.0),),
        captures=at_both_ends(BLACK_HOLE, HOLE),
        seconds=16,
    ),
)

BLACK_HOLES: tuple[Scenario, ...] = (*_SIZES, *_DIRECTIONS, *_STACK)
