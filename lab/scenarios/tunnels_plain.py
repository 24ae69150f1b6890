"""IPIP, 6in4 and GRE tunnels."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import TAIL_4, TAIL_6, ask, small_talk, upload
from lab.hazards import RandomLoss
from lab.settings import NO_FRAGMENTS, ROUTERS, clamp, drop_above
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    HOLE,
    LOSS,
    NEVER_SHOWN,
    OK,
    OUTSIDE_OF_FRAGMENTS,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    SOME_BLACK_HOLE,
    at_both_ends,
    outside,
)
from lab.vocabulary import Capture, Flow, Path, Scenario

_IPIP = Scenario(
    name="ipip_1480",
    shows="an IPIP tunnel of MTU 1480 whose PTBs are dropped, a long download, BBR",
    path_mtu=1480,
    path=Path(kind="ipip", mtu=1480, round_trip=0.03),
    icmp_dropped_at=ROUTERS,
    flows=(Flow(talk=small_talk(4, every=0.3) + ask(70_000), congestion_control="bbr", ends="hangs"),),
    seconds=16,
    captures=(*at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN), outside(NEVER_SHOWN)),
)
_SIX_IN_FOUR = Scenario(
    name="six_in_four_1280",
    shows="IPv6 through a 6in4 broker's tunnel of 1280 that sends no PTB",
    path_mtu=1280,
    family=6,
    data="upload",
    path=Path(kind="ipip", mtu=1280, round_trip=0.06),
    icmp_dropped_at=ROUTERS,
    flows=(Flow(talk=upload(TAIL_6), ends="hangs"),),
    seconds=14,
    captures=(*at_both_ends(BLACK_HOLE, HOLE), outside(HOLE)),
)
_GRE = Scenario(
    name="gre_then_narrower",
    shows="a GRE tunnel of 1476 says so and is believed; behind it only 1420 pass, and nobody says that",
    path_mtu=1420,
    data="upload",
    path=Path(kind="gre", mtu=1476, round_trip=0.03),
    rules={"server_router": drop_above(1420)},
    flows=(Flow(talk=upload(TAIL_4), ends="hangs"),),
    seconds=16,
    captures=(
        Capture(
            role="sender", accept=SOME_BLACK_HOLE, ptb=("accepted",), why="the PTB was obeyed, and did not suffice"
        ),
        Capture(role="receiver", accept=HOLE),
        outside(SOME_BLACK_HOLE),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (
    _IPIP,
    replace(
        _IPIP,
        name="ipip_1480_cured",
        shows="an IPIP tunnel of MTU 1480; both SYNs are clamped",
        rules={"client_router": clamp(1480)},
        flows=(Flow(talk=small_talk(4, every=0.3) + ask(70_000), congestion_control="bbr"),),
        captures=(*at_both_ends(OK, OK), outside(OK)),
    ),
    _SIX_IN_FOUR,
    replace(
        _SIX_IN_FOUR,
        name="six_in_four_1280_cured",
        shows="IPv6 through a 6in4 broker's tunnel of 1280 that sends PTBs",
        icmp_dropped_at=(),
        flows=(Flow(talk=upload(TAIL_6)),),
        captures=(
            *at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",)),
            outside(PMTUD_OK_AT_RECEIVER),
        ),
    ),
    _GRE,
    replace(
        _GRE,
        name="gre_then_narrower_cured",
        shows="a GRE tunnel of 1476 says so and is believed",
        path_mtu=1476,
        rules={},
        flows=(Flow(talk=upload(TAIL_4)),),
        captures=(
            *at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",)),
            outside(PMTUD_OK_AT_RECEIVER),
        ),
    ),
    Scenario(
        name="gre_fragments_filtered",
        shows="a GRE tunnel that claims 1500 and fragments; a firewall drops the fragments, IPv6 inside",
        path_mtu=1476,
        family=6,
        path=Path(kind="gre", mtu=1500, round_trip=0.03, outer_rules=NO_FRAGMENTS),
        flows=(Flow(talk=small_talk(2, every=0.3) + ask(TAIL_6), ends="hangs"),),
        seconds=14,
        captures=(*at_both_ends(BLACK_HOLE, HOLE), outside(OUTSIDE_OF_FRAGMENTS)),
    ),
    Scenario(
        name="gre_fragments_filtered_cured",
        shows="a GRE tunnel that claims 1500 and fragments; the fragments arrive, IPv6 inside",
        path_mtu=1500,
        family=6,
        path=Path(kind="gre", mtu=1500, round_trip=0.03),
        flows=(Flow(talk=small_talk(2, every=0.3) + ask(TAIL_6)),),
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="ipip_lossy",
        shows="2 % loss in front of an IPIP tunnel with clamped SYNs, an upload",
        path_mtu=1480,
        data="upload",
        path=Path(kind="ipip", mtu=1480, round_trip=0.03, hazards=(RandomLoss(rate=0.02, seed=911),)),
        rules={"client_router": clamp(1480)},
        flows=(Flow(talk=upload(200_000)),),
        seconds=20,
        captures=(*at_both_ends(LOSS, LOSS), outside(LOSS)),
    ),
)
