"""Wireshark display filters: for a flow, and for the frames that a finding rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analyzer.model.flow import Flow
from analyzer.model.statement import FrameRef
from analyzer.model.text import runs_of


class FrameFilter(NamedTuple):
    """A display filter, and the file (a safe name; empty where there is only one) that it belongs to."""

    file: str
    text: str


def flow_filter(flow: Flow, *, several_files: bool) -> str:
    """The filter for a flow. With several files tcp.stream counts anew in each, so that addresses serve."""
    if not several_files:
        return flow.display_filter
    ip = "ipv6" if flow.version == 6 else "ip"
    ports = [f"tcp.port eq {port}" for port in dict.fromkeys((flow.client.port, flow.server.port))]
    return " and ".join([f"{ip}.addr eq {flow.client.ip}", f"{ip}.addr eq {flow.server.ip}", *ports])


def frame_filters(frames: Iterable[FrameRef], labels: Sequence[str] = ()) -> tuple[FrameFilter, ...]:
    """One filter a file for exactly these frames, "frame.number in {12, 14, 17..19}".

    Args:
        frames: in any order, also several times.
        labels: names of the files; with more than one, each filter says which it is for.
    """
    by_file: dict[int, list[int]] = {}
    for file, frame in sorted(set(frames)):
        by_file.setdefault(file, []).append(frame)
    return tuple(
        FrameFilter(
            labels[file] if len(labels) > 1 else "",
            f"frame.number in {{{', '.join(str(a) if a == b else f'{a}..{b}' for a, b in runs_of(numbers))}}}",
        )
        for file, numbers in by_file.items()
    )


def frames_of(flow: Flow) -> list[FrameRef]:
    """All frames that speak for a flow's verdict."""
    frames = [ref for _, refs in flow.evidence for ref in refs]
    if flow.stalled is not None:
        frames += [flow.stalled.first_frame, *flow.stalled.frames]
    frames += [ptb.frame for ptb in flow.ptb]
    frames += [ref for each in flow.ruled_out for ref in each.frames]
    return sorted(set(frames))
