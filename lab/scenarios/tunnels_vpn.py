"""Encrypted tunnels, laid out like WireGuard."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import TAIL_4, ask, small_talk
from lab.outages import OutageAfterBytes
from lab.patterns import hole_and_twin
from lab.settings import NO_FRAGMENTS, clamp
from lab.truths import (
    BLACK_HOLE_BY_ACK,
    LOSS,
    NEVER_SHOWN,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    SOME_BLACK_HOLE,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Scenario

_ROAD_WARRIOR = Scenario(
    name="road_warrior",
    shows="a VPN of MTU 1420 over a mobile link of 1400: its PTB is believed, then the carrier drops outer fragments",
    path_mtu=1328,
    path=Path(kind="tunnel", mtu=1420, round_trip=0.08, underlay_mtu=1400, outer_rules=NO_FRAGMENTS),
    flows=(Flow(talk=small_talk(3, every=0.3) + ask(TAIL_4), ends="hangs"),),
    seconds=18,
    captures=(
        Capture(
            role="sender", accept=SOME_BLACK_HOLE, ptb=("accepted",), why="the PTB was obeyed, and did not suffice"
        ),
        Capture(role="receiver", accept=("blackhole_suspected", "inconclusive")),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (
    _ROAD_WARRIOR,
    replace(
        _ROAD_WARRIOR,
        name="road_warrior_cured",
        shows="a VPN of MTU 1420 over a mobile link of 1400 that carries the outer fragments",
        path_mtu=1420,
        path=replace(_ROAD_WARRIOR.path, outer_rules=""),
        flows=(Flow(talk=small_talk(3, every=0.3) + ask(TAIL_4)),),
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
    *hole_and_twin(
        "tunnel_1372_offloads",
        "a tunnel of MTU 1372, segmentation offload, a long download",
        1372,
        "clamp",
        offloads=True,
        path=Path(kind="tunnel", mtu=1372, round_trip=0.05),
        talk=small_talk(2, every=0.3) + ask(50_000),
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
        seconds=18,
    ),
)
