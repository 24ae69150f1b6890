"""PTBs that do not get to the sender's TCP: its own firewall, one before it, or another kind of ICMP."""

from __future__ import annotations

from dataclasses import replace

from lab.patterns import black_hole
from lab.ptb_patterns import answered_flow, ptb_answered, ptb_flows, ptb_ignored, ptb_useless
from lab.truths import BLACK_HOLE, HOLE, PTB_IGNORED, at_both_ends
from lab.vocabulary import Capture, Path, Scenario

_PROHIBITED = Scenario(
    name="prohibited_instead_of_too_big",
    shows="a firewall answers packets above 1400 with `administratively prohibited`, which tells TCP nothing",
    path_mtu=1400,
    path=Path(round_trip=0.03),
    rules={"server_router": "meta length > 1400 reject with icmp type admin-prohibited"},
    flows=(answered_flow(4, "download", "hangs"),),
    seconds=14,
    captures=at_both_ends(BLACK_HOLE, HOLE),
)

_BY_HOST = (
    ptb_answered(
        "own_firewall_upload",
        "the client's own firewall drops the PTBs, an upload into 1424",
        1424,
        "plain",
        data="upload",
        reasons=("host",),
        icmp_dropped_at=("client",),
    ),
    ptb_ignored(
        "ptb_dropped_by_host_upload",
        "the client's own firewall drops the PTBs, IPv6 upload",
        "plain",
        ("host",),
        family=6,
        data="upload",
        icmp_dropped_at=("client",),
    ),
    ptb_ignored(
        "ptb_dropped_by_host_offloads",
        "the server's own firewall drops the PTBs, segmentation offload",
        "plain",
        ("host",),
        offloads=True,
        icmp_dropped_at=("server",),
    ),
    ptb_useless(
        "own_firewall_ipv6",
        "the server's own firewall drops the PTBs, IPv6, path MTU 1346",
        1346,
        "plain",
        ("host",),
        family=6,
        icmp_dropped_at=("server",),
    ),
)

_BEFORE_HOST = (
    _PROHIBITED,
    replace(
        _PROHIBITED,
        name="prohibited_instead_of_too_big_ipv6",
        shows="a firewall answers packets above 1350 of an IPv6 upload with `administratively prohibited`",
        path_mtu=1350,
        family=6,
        data="upload",
        rules={"client_router": "meta length > 1350 reject with icmpv6 type admin-prohibited"},
        flows=(answered_flow(6, "upload", "hangs"),),
    ),
    Scenario(
        name="ptb_lost_at_firewall_ipv6",
        shows="a firewall between router and server drops the PTBs, IPv6, path MTU 1408; the router still shows them",
        path_mtu=1408,
        family=6,
        firewall=True,
        icmp_dropped_at=("server_firewall",),
        path=Path(mtu=1408, round_trip=0.03),
        flows=ptb_flows(6, "download", "hangs"),
        seconds=14,
        captures=(
            Capture(role="sender", accept=BLACK_HOLE),
            Capture(role="before", accept=PTB_IGNORED, ptb=("ignored", "host")),
            Capture(role="after", accept=HOLE),
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
)

SCENARIOS: tuple[Scenario, ...] = (*_BY_HOST, *_BEFORE_HOST)
