"""VXLAN overlays, seen inside and outside."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import FULL_4, TAIL_4, TAIL_6, TAIL_DOWNLOAD, ask, small_talk, upload
from lab.patterns import black_hole, hole_and_twin
from lab.settings import NO_FRAGMENTS, ROUTERS, clamp, drop_above
from lab.truths import (
    BLACK_HOLE,
    HOLE,
    LOSS,
    OK,
    OUTSIDE_OF_FRAGMENTS,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    PMTUD_WORKS,
    TOO_SMALL,
    at_both_ends,
    outside,
)
from lab.vocabulary import Capture, Flow, Path, Scenario, Verdicts

_PARTS: Verdicts = ("ok", "loss", "inconclusive", "not_exercised")
_PODS = Scenario(
    name="pods_upload_1400",
    shows="a pod uploads over VXLAN with jumbo frames underneath; a hop behind the overlay passes 1400",
    path_mtu=1400,
    data="upload",
    path=Path(kind="vxlan", mtu=1500, underlay_mtu=1600),
    rules={"server_router": drop_above(1400)},
    flows=(Flow(talk=upload(TAIL_4), ends="hangs"),),
    seconds=14,
    captures=(
        *at_both_ends(BLACK_HOLE, HOLE),
        outside(BLACK_HOLE, why="the large inner packets are still there"),
    ),
)
_MANY_PODS_BAD: dict[int, Verdicts] = {8080 + n: BLACK_HOLE if n % 2 else TOO_SMALL for n in range(6)}
_MANY_PODS_HOLE: dict[int, Verdicts] = {8080 + n: HOLE if n % 2 else TOO_SMALL for n in range(6)}
_MANY_PODS = Scenario(
    name="many_pods_1388",
    shows="six connections over one overlay; those with large replies hang at 1388 behind it",
    path_mtu=1388,
    path=Path(kind="vxlan", mtu=1500, underlay_mtu=1600),
    rules={"client_router": drop_above(1388)},
    flows=tuple(
        Flow(
            port=8080 + n,
            start=0.3 * n,
            talk=small_talk(2, every=0.3) + ask(TAIL_4 if n % 2 else 870),
            ends="hangs" if n % 2 else "completes",
        )
        for n in range(6)
    ),
    seconds=15,
    captures=(
        Capture(role="sender", accept=BLACK_HOLE, flows=_MANY_PODS_BAD),
        Capture(role="receiver", accept=HOLE, flows=_MANY_PODS_HOLE),
        outside(BLACK_HOLE, flows=_MANY_PODS_BAD),
    ),
)
_VXLAN_PATH = Path(kind="vxlan", mtu=1450)

SCENARIOS: tuple[Scenario, ...] = (
    _PODS,
    replace(
        _PODS,
        name="pods_upload_1400_cured",
        shows="a pod uploads over VXLAN with jumbo frames underneath, and nothing is narrow",
        path_mtu=1500,
        rules={},
        flows=(Flow(talk=upload(TAIL_4)),),
        captures=(*at_both_ends(OK, OK), outside(OK)),
    ),
    _MANY_PODS,
    replace(
        _MANY_PODS,
        name="many_pods_1388_cured",
        shows="six connections over one overlay whose SYNs are clamped to 1388",
        rules={"client_router": f"{clamp(1388)}\n    {drop_above(1388)}"},
        flows=tuple(replace(flow, ends="completes") for flow in _MANY_PODS.flows),
        captures=(
            *at_both_ends(OK, OK),
            outside(OK, flows={8080 + n: OK if n % 2 else TOO_SMALL for n in range(6)}),
        ),
    ),
    Scenario(
        name="vxlan_ipv6_1390",
        shows="IPv6 over an overlay of MTU 1390 whose PTBs are dropped",
        path_mtu=1390,
        family=6,
        path=Path(kind="vxlan", mtu=1390),
        icmp_dropped_at=ROUTERS,
        flows=(Flow(talk=small_talk(3, every=0.3) + ask(TAIL_6), ends="hangs"),),
        seconds=14,
        captures=(
            *at_both_ends(BLACK_HOLE, HOLE),
            outside(HOLE, why="the overlay has dropped the large ones already"),
        ),
    ),
    Scenario(
        name="vxlan_ipv6_1390_cured",
        shows="IPv6 over an overlay of MTU 1390 that says so",
        path_mtu=1390,
        family=6,
        path=Path(kind="vxlan", mtu=1390),
        flows=(Flow(talk=small_talk(3, every=0.3) + ask(TAIL_6)),),
        captures=(
            *at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",)),
            outside(PMTUD_OK_AT_RECEIVER),
        ),
    ),
    Scenario(
        name="vxlan_fragments_filtered",
        shows="an overlay of MTU 1500 on links of 1500: outer packets are cut, and a firewall drops the fragments",
        path_mtu=1450,
        path=Path(kind="vxlan", mtu=1500, outer_rules=NO_FRAGMENTS),
        flows=(Flow(talk=small_talk(3, every=0.3) + ask(TAIL_4), ends="hangs"),),
        seconds=14,
        captures=(
            *at_both_ends(BLACK_HOLE, HOLE),
            outside(
                OUTSIDE_OF_FRAGMENTS,
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
            outside(_PARTS, why="outer fragments", trust=False),
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
        captures=(*at_both_ends(LOSS, LOSS), outside(LOSS)),
    ),
    *hole_and_twin(
        "vxlan_1410",
        "a VXLAN overlay of MTU 1410, an upload",
        1410,
        "ptb",
        data="upload",
        path=Path(kind="vxlan", mtu=1410),
        talk=upload(6 * FULL_4 + 420),
    ),
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
    Scenario(
        name="pmtud_ok_vxlan",
        shows="PMTUD into a VXLAN overlay",
        path_mtu=1450,
        path=Path(kind="vxlan", mtu=1450),
        flows=TAIL_DOWNLOAD,
        captures=(
            *PMTUD_WORKS,
            Capture(role="underlay", accept=PMTUD_OK_AT_RECEIVER, snap_length=192),
        ),
    ),
)
