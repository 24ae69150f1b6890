"""What tells which of very many flows a report shows, and which of them are one finding. Emits `Brief`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from analyzer.model.flow import Flow, PathMtu, Ptb
from analyzer.model.verdicts import BY_NAME


class Brief(NamedTuple):
    """A flow in short."""

    verdict: str
    confidence: str
    sender: str  # address of the end whose large packets the verdict is about
    receiver: str
    reasons: tuple[str, ...]  # why the PTBs about it had no effect, in order of the alphabet
    path_mtu: PathMtu
    stuck: int | None  # bytes of IP of the packet that got stuck for its size, None where size is no matter, or unknown
    first_time: int  # ns: the first transmission of what got stuck; where nothing did, the flow's first packet
    last_time: int  # and its last transmission


def brief_of(flow: Flow) -> Brief:
    """The brief of a flow."""
    stalled = flow.stalled
    return Brief(
        flow.verdict,
        flow.confidence,
        flow.sender.ip,
        flow.receiver.ip,
        ignored_for(flow.ptb),
        flow.path_mtu,
        stuck_size(flow.verdict, flow.path_mtu, stalled.ip_len if stalled is not None else None),
        stalled.first_time if stalled is not None else flow.first_time,
        stalled.last_time if stalled is not None else flow.last_time,
    )


def ignored_for(ptbs: Iterable[Ptb]) -> tuple[str, ...]:
    """Why those of some PTBs had no effect that had none, in order of the alphabet."""
    return tuple(sorted({ptb.reason or "" for ptb in ptbs if ptb.effect == "ignored"}))


def stuck_size(verdict: str, path_mtu: PathMtu, stalled: int | None) -> int | None:
    """Bytes of IP of what got stuck for its size, which is `stalled` bytes long if it was seen."""
    if not BY_NAME[verdict].limited_by_size:
        return None
    if path_mtu.exact is not None:
        return stalled
    return path_mtu.at_most + 1 if path_mtu.at_most is not None else None
