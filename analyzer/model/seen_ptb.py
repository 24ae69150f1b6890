"""The PTBs of a capture, also those of no TCP flow in it. Emits `SeenPtb`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from analyzer.model.statement import FrameRef

if TYPE_CHECKING:
    from analyzer.model.analysis import Analysis


@dataclass(frozen=True, slots=True)
class SeenPtb:
    """One PTB, and what it quotes. What a flow's verdict says of it is there."""

    frame: FrameRef
    time: int  # ns
    stream: int | None  # the TCP flow that it quotes, if that is in the capture
    router: str  # who sent it
    destination: str  # whom it was sent to
    mtu: int
    protocol: str  # of the quoted packet; empty where the quote was not captured
    source: str  # addresses and ports that it quotes; empty and None where the quote ends before
    source_port: int | None
    receiver: str
    receiver_port: int | None
    ip_len: int  # of the quoted packet
    cut: bool  # the quote ends before all ports were quoted
    effect: str | None = None  # "ignored" where PTBs alone show it
    reason: str | None = None
    verdict: str | None = None  # what PTBs alone show


class ToldPtb(NamedTuple):
    """What verdicts say of a PTB."""

    stream: int | None  # the flow that it is about
    effect: str | None  # accepted, ignored
    reason: str | None
    verdict: str | None  # of that flow, or what PTBs alone show


def told_ptbs(analysis: Analysis) -> Iterator[tuple[SeenPtb, ToldPtb]]:
    """Each PTB, and what is said of it: by the flow that it quotes, or that may be meant, or by PTBs alone."""
    streams = {ptb.stream for ptb in analysis.all_ptbs if ptb.stream is not None}
    if len(streams) < len(analysis.all_ptbs):  # others may be about flows that they do not quote right
        streams |= {stream for stream, _ in analysis.briefs_with({"ptb_ignored"})}
    flows = [flow for stream in sorted(streams) if (flow := analysis.find(stream)) is not None]
    told = {ptb.frame: ToldPtb(flow.stream, ptb.effect, ptb.reason, flow.verdict) for flow in flows for ptb in flow.ptb}
    for ptb in analysis.all_ptbs:
        alone = ToldPtb(ptb.stream, ptb.effect, ptb.reason, ptb.verdict)
        yield ptb, told.get(ptb.frame, alone)
