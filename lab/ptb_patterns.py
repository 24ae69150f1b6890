"""Scenarios in which a router answers what is too large: hosts that heed its PTBs, and PTBs that are of no use."""

from __future__ import annotations

from typing import Any, Literal

from lab.conversations import FULL_4, FULL_6, TAIL_4, ask, small_talk, upload
from lab.handmade import Kind
from lab.hazards import NarrowHop
from lab.truths import HOLE, PMTUD_OK, PMTUD_OK_AT_RECEIVER, PTB_IGNORED, at_both_ends
from lab.vocabulary import Capture, Direction, Flow, Path, Scenario, Verdicts

_NARROW = 1400


def ptb_ignored(
    name: str,
    shows: str,
    kind: Kind,
    reasons: Verdicts,
    *,
    accept: Verdicts = PTB_IGNORED,
    said_mtu: int | None = None,
    mtu: int = _NARROW,
    family: Literal[4, 6] = 4,
    data: Direction = "download",
    why: str = "",
    whole: Verdicts = (),
    **settings: Any,
) -> Scenario:
    """PTBs that Linux ignores; `whole` are the reasons that a capture without snap length must find."""
    talk = small_talk(2, every=0.2) + ask(TAIL_4)
    if data == "upload":
        talk = upload(TAIL_4)
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=mtu,
        family=family,
        data=data,
        path=Path(
            round_trip=0.03,
            hazards=(NarrowHop(mtu=mtu, ptb=kind, said_mtu=said_mtu),),
        ),
        flows=(Flow(talk=talk, ends="hangs"),),
        seconds=14,
        captures=(
            *at_both_ends(accept, HOLE, ptb=("ignored", *reasons), why=why),
            *(
                Capture(role="sender", label="whole", accept=accept, ptb=("ignored", *whole), snap_length=2000)
                for _ in whole[:1]
            ),
        ),
        **settings,
    )


def ptb_heeded(name: str, shows: str, hop: NarrowHop, **settings: Any) -> Scenario:
    """PTBs from the middle of the path that do what they are for."""
    settings.setdefault("captures", at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",)))
    settings.setdefault("flows", (Flow(talk=small_talk(2, every=0.2) + ask(TAIL_4)),))
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=hop.mtu,
        path=Path(round_trip=0.03, hazards=(hop,)),
        seconds=14,
        **settings,
    )


def ptb_flows(family: Literal[4, 6], data: Direction, ends: Literal["hangs", "completes"]) -> tuple[Flow, ...]:
    """One flow with four full segments and a small one, in the direction of the data."""
    size = 4 * (FULL_4 if family == 4 else FULL_6) + 350
    talk = small_talk(3, every=0.25) + ask(size) if data == "download" else upload(size)
    return (Flow(talk=talk, ends=ends),)


def ptb_useless(
    name: str,
    shows: str,
    mtu: int,
    kind: Kind,
    reasons: Verdicts,
    *,
    said: int | None = None,
    family: Literal[4, 6] = 4,
    data: Direction = "download",
    accept: Verdicts = PTB_IGNORED,
    why: str = "",
    **settings: Any,
) -> Scenario:
    """As `ptb_ignored`, with other talk on a longer path."""
    settings.setdefault("captures", at_both_ends(accept, HOLE, ptb=("ignored", *reasons), why=why))
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=mtu,
        family=family,
        data=data,
        path=Path(round_trip=0.036, hazards=(NarrowHop(mtu=mtu, ptb=kind, said_mtu=said),)),
        flows=ptb_flows(family, data, "hangs"),
        seconds=14,
        **settings,
    )


def ptb_useful(
    name: str,
    shows: str,
    *hops: NarrowHop,
    family: Literal[4, 6] = 4,
    data: Direction = "download",
    **settings: Any,
) -> Scenario:
    """As `ptb_heeded`, with other talk on a longer path, and one narrow hop or several."""
    settings.setdefault("captures", at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",)))
    settings.setdefault("flows", ptb_flows(family, data, "completes"))
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=min(hop.mtu for hop in hops),
        family=family,
        data=data,
        path=Path(round_trip=0.036, hazards=hops),
        seconds=14,
        **settings,
    )


def answered_flow(family: Literal[4, 6], data: Direction, ends: Literal["hangs", "completes"]) -> Flow:
    """One flow with six full segments and a small one, in the direction of the data."""
    size = 6 * (FULL_4 if family == 4 else FULL_6) + 210
    return Flow(talk=small_talk(2, every=0.3) + ask(size) if data == "download" else upload(size), ends=ends)


def ptb_answered(
    name: str,
    shows: str,
    mtu: int,
    kind: Kind,
    *,
    hop: NarrowHop | None = None,
    family: Literal[4, 6] = 4,
    data: Direction = "download",
    reasons: Verdicts = (),
    accept: Verdicts = PTB_IGNORED,
    ends: Literal["hangs", "completes"] = "hangs",
    **settings: Any,
) -> Scenario:
    """Any answer to what is too large: ignored where the flow hangs, accepted where it completes."""
    ptb: Verdicts = ("ignored", *reasons) if ends == "hangs" else ("accepted", *reasons)
    receiver = HOLE if ends == "hangs" else PMTUD_OK_AT_RECEIVER
    settings.setdefault("captures", at_both_ends(accept, receiver, ptb=ptb))
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=mtu,
        family=family,
        data=data,
        path=Path(round_trip=0.044, hazards=(hop or NarrowHop(mtu=mtu, ptb=kind),)),
        flows=(answered_flow(family, data, ends),),
        seconds=15,
        **settings,
    )
