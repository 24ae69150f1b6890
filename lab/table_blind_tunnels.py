"""Blind set: overlays and tunnels, seen from the hosts and from the outside of the tunnel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.conversations import ask, small_talk, upload
from lab.hazards import RandomLoss
from lab.outages import OutageAfterBytes
from lab.table_seen_holes import FULL_4, FULL_6, ROUTERS, clamp
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    HOLE,
    LOSS,
    NEVER_SHOWN,
    OK,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    TOO_SMALL,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Scenario, Verdicts

_TAIL_4, _TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300
_NO_FRAGMENTS = "ip frag-off & 0x3fff != 0 drop"
_TOLD_BEFORE: Verdicts = ("blackhole", "blackhole_probable")
_PARTS: Verdicts = ("ok", "loss", "inconclusive", "not_exercised")
_OUTSIDE_OF_FRAGMENTS: Verdicts = ("blackhole", "blackhole_probable", "blackhole_suspected", "inconclusive")


def _outside(accept: Verdicts, why: str = "", **settings: Any) -> Capture:
    return Capture(role="underlay", accept=accept, why=why, snap_length=192, **settings)


def _beyond(mtu: int) -> str:
    """A firewall behind the tunnel that drops what is larger and says nothing."""
    return f"meta length > {mtu} drop"


_PODS = Scenario(
    name="pods_upload_1400",
    shows="a pod uploads over VXLAN with jumbo frames underneath; a hop behind the overlay passes 1400",
    path_mtu=1400,
    data="upload",
    path=Path(kind="vxlan", mtu=1500, underlay_mtu=1600),
    rules={"server_router": _beyond(1400)},
    flows=(Flow(talk=upload(_TAIL_4), ends="hangs"),),
    seconds=14,
    captures=(
        *at_both_ends(BLACK_HOLE, HOLE),
        _outside(BLACK_HOLE, why="the large inner packets are still there"),
    ),
)
_MANY_PODS_BAD: dict[int, Verdicts] = {8080 + n: BLACK_HOLE if n % 2 else TOO_SMALL for n in range(6)}
_MANY_PODS_HOLE: dict[int, Verdicts] = {8080 + n: HOLE if n % 2 else TOO_SMALL for n in range(6)}
_MANY_PODS = Scenario(
    name="many_pods_1388",
    shows="six connections over one overlay; those with large replies hang at 1388 behind it",
    path_mtu=1388,
    path=Path(kind="vxlan", mtu=1500, underlay_mtu=1600),
    rules={"client_router": _beyond(1388)},
    flows=tuple(
        Flow(
            port=8080 + n,
            start=0.3 * n,
            talk=small_talk(2, every=0.3) + ask(_TAIL_4 if n % 2 else 870),
            ends="hangs" if n % 2 else "completes",
        )
        for n in range(6)
    ),
    seconds=15,
    captures=(
        Capture(role="sender", accept=BLACK_HOLE, flows=_MANY_PODS_BAD),
        Capture(role="receiver", accept=HOLE, flows=_MANY_PODS_HOLE),
        _outside(BLACK_HOLE, flows=_MANY_PODS_BAD),
    ),
)
_OVERLAYS = (
    _PODS,
    replace(
        _PODS,
        name="pods_upload_1400_cured",
        shows="a pod uploads over VXLAN with jumbo frames underneath, and nothing is narrow",
        path_mtu=1500,
        rules={},
        flows=(Flow(talk=upload(_TAIL_4)),),
        captures=(*at_both_ends(OK, OK), _outside(OK)),
    ),
    _MANY_PODS,
    replace(
        _MANY_PODS,
        name="many_pods_1388_cured",
        shows="six connections over one overlay whose SYNs are clamped to 1388",
        rules={"client_router": f"{clamp(1388)}\n    {_beyond(1388)}"},
        flows=tuple(replace(flow, ends="completes") for flow in _MANY_PODS.flows),
        captures=(
            *at_both_ends(OK, OK),
            _outside(OK, flows={8080 + n: OK if n % 2 else TOO_SMALL for n in range(6)}),
        ),
    ),
    Scenario(
        name="vxlan_ipv6_1390",
        shows="IPv6 over an overlay of MTU 1390 whose PTBs are dropped",
        path_mtu=1390,
        family=6,
        path=Path(kind="vxlan", mtu=1390),
        icmp_dropped_at=ROUTERS,
        flows=(Flow(talk=small_talk(3, every=0.3) + ask(_TAIL_6), ends="hangs"),),
        seconds=14,
        captures=(
            *at_both_ends(BLACK_HOLE, HOLE),
            _outside(HOLE, why="the overlay has dropped the large ones already"),
        ),
    ),
    Scenario(
        name="vxlan_ipv6_1390_cured",
        shows="IPv6 over an overlay of MTU 1390 that says so",
        path_mtu=1390,
        family=6,
        path=Path(kind="vxlan", mtu=1390),
        flows=(Flow(talk=small_talk(3, every=0.3) + ask(_TAIL_6)),),
        captures=(
            *at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",)),
            _outside(PMTUD_OK_AT_RECEIVER),
        ),
    ),
    Scenario(
        name="vxlan_fragments_filtered",
        shows="an overlay of MTU 1500 on links of 1500: outer packets are cut, and a firewall drops the fragments",
        path_mtu=1450,
        path=Path(kind="vxlan", mtu=1500, outer_rules=_NO_FRAGMENTS),
        flows=(Flow(talk=small_talk(3, every=0.3) + ask(_TAIL_4), ends="hangs"),),
        seconds=14,
        captures=(
            *at_both_ends(BLACK_HOLE, HOLE),
            _outside(
                _OUTSIDE_OF_FRAGMENTS,
                why="the first fragment of each outer packet shows the inner headers",
            ),
        ),
    ),
    Scenario(
        name="vxlan_fragments_filtered_cured",
        shows="an overlay of MTU 1500 on links of 1500: outer packets are cut and put together again",
        path_mtu=1500,
        path=Path(kind="vxlan", mtu=1500),
        flows=(Flow(talk=small_talk(3, every=0.3) + ask(90_000)),),
        captures=(
            *at_both_ends(OK, OK),
            _outside(_PARTS, why="outer fragments", trust=False),
        ),
    ),
    Scenario(
        name="vxlan_lossy_underlay",
        shows="3 % of the packets to the client are lost behind the overlay",
        path_mtu=1450,
        path=Path(kind="vxlan", mtu=1450),
        rules={"client_router": f'{clamp(1450)}\n    iifname "core" numgen random mod 100 < 3 drop'},
        flows=(Flow(talk=small_talk(3, every=0.3) + ask(200_000)),),
        seconds=25,
        captures=(*at_both_ends(LOSS, LOSS), _outside(LOSS)),
    ),
)

_IPIP = Scenario(
    name="ipip_1480",
    shows="an IPIP tunnel of MTU 1480 whose PTBs are dropped, a long download, BBR",
    path_mtu=1480,
    path=Path(kind="ipip", mtu=1480, round_trip=0.03),
    icmp_dropped_at=ROUTERS,
    flows=(Flow(talk=small_talk(4, every=0.3) + ask(70_000), congestion_control="bbr", ends="hangs"),),
    seconds=16,
    captures=(*at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN), _outside(NEVER_SHOWN)),
)
_SIX_IN_FOUR = Scenario(
    name="six_in_four_1280",
    shows="IPv6 through a 6in4 broker's tunnel of 1280 that sends no PTB",
    path_mtu=1280,
    family=6,
    data="upload",
    path=Path(kind="ipip", mtu=1280, round_trip=0.06),
    icmp_dropped_at=ROUTERS,
    flows=(Flow(talk=upload(_TAIL_6), ends="hangs"),),
    seconds=14,
    captures=(*at_both_ends(BLACK_HOLE, HOLE), _outside(HOLE)),
)
_GRE = Scenario(
    name="gre_then_narrower",
    shows="a GRE tunnel of 1476 says so and is believed; behind it only 1420 pass, and nobody says that",
    path_mtu=1420,
    data="upload",
    path=Path(kind="gre", mtu=1476, round_trip=0.03),
    rules={"server_router": _beyond(1420)},
    flows=(Flow(talk=upload(_TAIL_4), ends="hangs"),),
    seconds=16,
    captures=(
        Capture(role="sender", accept=_TOLD_BEFORE, ptb=("accepted",), why="the PTB was obeyed, and did not suffice"),
        Capture(role="receiver", accept=HOLE),
        _outside(_TOLD_BEFORE),
    ),
)
_PLAIN_TUNNELS = (
    _IPIP,
    replace(
        _IPIP,
        name="ipip_1480_cured",
        shows="an IPIP tunnel of MTU 1480; both SYNs are clamped",
        rules={"client_router": clamp(1480)},
        flows=(Flow(talk=small_talk(4, every=0.3) + ask(70_000), congestion_control="bbr"),),
        captures=(*at_both_ends(OK, OK), _outside(OK)),
    ),
    _SIX_IN_FOUR,
    replace(
        _SIX_IN_FOUR,
        name="six_in_four_1280_cured",
        shows="IPv6 through a 6in4 broker's tunnel of 1280 that sends PTBs",
        icmp_dropped_at=(),
        flows=(Flow(talk=upload(_TAIL_6)),),
        captures=(
            *at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",)),
            _outside(PMTUD_OK_AT_RECEIVER),
        ),
    ),
    _GRE,
    replace(
        _GRE,
        name="gre_then_narrower_cured",
        shows="a GRE tunnel of 1476 says so and is believed",
        path_mtu=1476,
        rules={},
        flows=(Flow(talk=upload(_TAIL_4)),),
        captures=(
            *at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",)),
            _outside(PMTUD_OK_AT_RECEIVER),
        ),
    ),
    Scenario(
        name="gre_fragments_filtered",
        shows="a GRE tunnel that claims 1500 and fragments; a firewall drops the fragments, IPv6 inside",
        path_mtu=1476,
        family=6,
        path=Path(kind="gre", mtu=1500, round_trip=0.03, outer_rules=_NO_FRAGMENTS),
        flows=(Flow(talk=small_talk(2, every=0.3) + ask(_TAIL_6), ends="hangs"),),
        seconds=14,
        captures=(*at_both_ends(BLACK_HOLE, HOLE), _outside(_OUTSIDE_OF_FRAGMENTS)),
    ),
    Scenario(
        name="gre_fragments_filtered_cured",
        shows="a GRE tunnel that claims 1500 and fragments; the fragments arrive, IPv6 inside",
        path_mtu=1500,
        family=6,
        path=Path(kind="gre", mtu=1500, round_trip=0.03),
        flows=(Flow(talk=small_talk(2, every=0.3) + ask(_TAIL_6)),),
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
        captures=(*at_both_ends(LOSS, LOSS), _outside(LOSS)),
    ),
)

_ROAD_WARRIOR = Scenario(
    name="road_warrior",
    shows="a VPN of MTU 1420 over a mobile link of 1400: its PTB is believed, then the carrier drops outer fragments",
    path_mtu=1328,
    path=Path(kind="tunnel", mtu=1420, round_trip=0.08, underlay_mtu=1400, outer_rules=_NO_FRAGMENTS),
    flows=(Flow(talk=small_talk(3, every=0.3) + ask(_TAIL_4), ends="hangs"),),
    seconds=18,
    captures=(
        Capture(role="sender", accept=_TOLD_BEFORE, ptb=("accepted",), why="the PTB was obeyed, and did not suffice"),
        Capture(role="receiver", accept=("blackhole_suspected", "inconclusive")),
    ),
)
_VPNS = (
    _ROAD_WARRIOR,
    replace(
        _ROAD_WARRIOR,
        name="road_warrior_cured",
        shows="a VPN of MTU 1420 over a mobile link of 1400 that carries the outer fragments",
        path_mtu=1420,
        path=replace(_ROAD_WARRIOR.path, outer_rules=""),
        flows=(Flow(talk=small_talk(3, every=0.3) + ask(_TAIL_4)),),
        captures=at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",)),
    ),
    Scenario(
        name="vpn_flaps",
        shows="the mobile link of a VPN is away for nine seconds in the middle of a download",
        path_mtu=1420,
        path=Path(
            kind="tunnel",
            mtu=1420,
            round_trip=0.08,
            hazards=(OutageAfterBytes(payload=50_000, seconds=9.0),),
        ),
        rules={"server_router": clamp(1420)},
        flows=(Flow(talk=(*small_talk(3, every=0.3), *ask(120_000))),),
        seconds=35,
        captures=at_both_ends(("loss", "stall"), (*LOSS, "stall"), facts_sender=("retransmissions",)),
    ),
)

BLIND_TUNNELS: tuple[Scenario, ...] = (*_OVERLAYS, *_PLAIN_TUNNELS, *_VPNS)
