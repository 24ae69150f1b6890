"""The PTBs of a capture, also those of no TCP flow in it. Emits `SeenPtb`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from analyzer.model.statement import FrameRef


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
