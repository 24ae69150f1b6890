"""Scenarios of which many rows are variants: black holes, their cured twins, mishaps, troubles of other networks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from lab.conversations import TALK_THEN_TAIL, Talk
from lab.hazards import Hazard
from lab.settings import ROUTERS, clamp
from lab.truths import (
    ARRIVES,
    BLACK_HOLE,
    FILTERED,
    FINE,
    HEAVY_LOSS,
    HOLE,
    NO_BLACK_HOLE_BEYOND,
    OK,
    OK_OR_SMALL,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    RECOVERED,
    RECOVERED_BEYOND,
    SEEN_BEYOND,
    SOME_BLACK_HOLE,
    TOO_EARLY,
    at_both_ends,
)
from lab.vocabulary import Capture, Direction, Fact, Flow, Node, Path, Scenario, Verdicts


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


Cure = Literal["ptb", "clamp", "wide"]


def hole_and_twin(
    name: str,
    shows: str,
    mtu: int,
    cure: Cure,
    *,
    talk: Talk = (),
    flows: tuple[Flow, ...] = (),
    data: Direction = "download",
    family: Literal[4, 6] = 4,
    sender: Verdicts = BLACK_HOLE,
    receiver: Verdicts = HOLE,
    captures: tuple[Capture, ...] = (),
    twin_captures: tuple[Capture, ...] = (),
    path: Path | None = None,
    congestion: str = "cubic",
    seconds: float = 14,
    **settings: Any,
) -> tuple[Scenario, Scenario]:
    """Routers that say nothing; and the same path cured by PTBs, a clamp or a wider hop."""
    path = path or Path(mtu=mtu, round_trip=0.024)
    flows = flows or (Flow(talk=talk, ends="hangs", congestion_control=congestion),)
    bad = Scenario(
        name=name,
        shows=shows,
        path_mtu=mtu,
        data=data,
        family=family,
        path=path,
        flows=flows,
        seconds=seconds,
        icmp_dropped_at=ROUTERS,
        captures=captures or at_both_ends(sender, receiver),
        **settings,
    )
    well = tuple(replace(flow, ends="completes") if flow.ends == "hangs" else flow for flow in flows)
    twin = replace(bad, name=f"{name}_cured", flows=well)
    if cure == "ptb":
        told = at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",))
        twin = replace(twin, shows=f"{shows}; the PTB arrives", icmp_dropped_at=(), captures=told)
    elif cure == "clamp":
        fits = at_both_ends(OK, OK) if mtu > 1280 else at_both_ends(OK_OR_SMALL, OK_OR_SMALL)
        rules: dict[Node, str] = {"server_router": clamp(mtu, family)}
        twin = replace(twin, shows=f"{shows}; both SYNs are clamped", rules=rules, captures=fits)
    else:
        wide = replace(path, mtu=bad.lan_mtu, mtu_back=None)
        twin = replace(
            twin,
            shows=f"{shows}; the path is as wide as the rest",
            path=wide,
            path_mtu=bad.lan_mtu,
            captures=at_both_ends(OK, OK),
        )
    return bad, replace(twin, captures=twin_captures) if twin_captures else twin


def mishap(
    name: str,
    shows: str,
    path: Path,
    flow: Flow,
    *,
    data: Direction = "download",
    family: Literal[4, 6] = 4,
    accept: Verdicts = HEAVY_LOSS,
    seconds: float = 25,
    sysctls: dict[str, str] | None = None,
) -> Scenario:
    """Packets that are lost or late on a path which is wide enough."""
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=1500,
        data=data,
        family=family,
        path=path,
        flows=(flow,),
        seconds=seconds,
        sysctls=sysctls or {},
        captures=at_both_ends(accept, accept, facts_sender=("retransmissions",)),
    )


def trouble(
    name: str,
    shows: str,
    *hazards: Hazard,
    back: tuple[Hazard, ...] = (),
    rtt: float = 0.02,
    sender: Verdicts = FINE,
    receiver: Verdicts = NO_BLACK_HOLE_BEYOND,
    facts: tuple[Fact, ...] = (),
    ptb: Verdicts = (),
    **settings: Any,
) -> Scenario:
    """A trouble of other networks that has nothing to do with sizes: it may not be called a black hole."""
    settings.setdefault("flows", (Flow(talk=TALK_THEN_TAIL, ends="hangs" if sender == FILTERED else "completes"),))
    settings.setdefault("captures", at_both_ends(sender, receiver, facts_sender=facts, ptb=ptb))
    settings.setdefault("seconds", 16.0)
    return Scenario(
        name=f"wild_{name}",
        shows=shows,
        path_mtu=1500,
        path=Path(round_trip=rtt, hazards=hazards, hazards_back=back),
        **settings,
    )


def size_limit(
    name: str,
    shows: str,
    mtu: int,
    *hazards: Hazard,
    back: tuple[Hazard, ...] = (),
    rtt: float = 0.02,
    sender: Verdicts = SOME_BLACK_HOLE,
    receiver: Verdicts = SEEN_BEYOND,
    ptb: Verdicts = (),
    facts: tuple[Fact, ...] = (),
    arrives: bool = False,
    talk: Talk = TALK_THEN_TAIL,
    **settings: Any,
) -> Scenario:
    """A limit of sizes as other networks have it, on the path, on a part of it or at a host."""
    hangs = sender in (SOME_BLACK_HOLE, TOO_EARLY) and mtu < 1500
    settings.setdefault("flows", (Flow(talk=talk, ends="hangs" if hangs else "completes"),))
    settings.setdefault(
        "captures", at_both_ends(sender, receiver, ptb=ptb, facts_sender=facts, facts=ARRIVES if arrives else ())
    )
    settings.setdefault("seconds", 16.0)
    return Scenario(
        name=f"wild_{name}",
        shows=shows,
        path_mtu=mtu,
        path=Path(round_trip=rtt, hazards=hazards, hazards_back=back),
        **settings,
    )


RECOVERS: dict[str, Any] = {"sender": RECOVERED, "receiver": RECOVERED_BEYOND}
