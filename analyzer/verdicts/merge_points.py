"""One answer for a connection that was captured at several points. What they say together is for `points`."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.model.analysis import CaptureFile
from analyzer.model.flow import Flow
from analyzer.model.verdicts import CONFIDENCES, PROBLEMS, rank, those

VAGUE = those(lambda verdict: not verdict.decisive)
"""Verdicts of a point that cannot see enough: another point's plain verdict stands instead."""

HUNG = PROBLEMS - VAGUE
"""A hang that one point saw: the healthy verdict of another, which the packets never reached, does not hide it."""


def chosen_of(flows: Sequence[Flow]) -> int:
    """Index of the flow whose verdict stands: the worst of those that are plain, else the worst of all."""
    there = [index for index, flow in enumerate(flows) if flow.arrived]
    if there:
        return there[0]  # where it is seen to have arrived, no other point can say that the path dropped it

    def gravity(index: int) -> tuple[bool, bool, int, int]:
        flow = flows[index]
        hung, vague = flow.verdict in HUNG, flow.verdict in VAGUE
        return not hung, vague, rank(flow.verdict), CONFIDENCES.index(flow.confidence)

    return min(range(len(flows)), key=gravity)


def notes(files: Sequence[CaptureFile]) -> list[str]:
    """What the user should know when the files are captures of several points."""
    count = len({file.point for file in files})
    if count < 2:
        return []
    return [
        f"The files were captured at {count} points: the same packets are in them. Each flow is listed once, with what "
        "the point says that saw most of it, and what they prove together."
    ]
