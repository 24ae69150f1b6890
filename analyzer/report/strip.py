"""The capture points of a path in their order, and what crosses each leg between them: for a diagnosis, and for a note.

Emits `Strip`. All strings are safe to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyzer.model.analysis import Analysis
from analyzer.model.path import Path
from analyzer.model.points import CapturePoint, Leg
from analyzer.model.text import file_labels, joined, plural, printable

SHOWN_POINTS = 16
"""Points of which the clocks are told."""


@dataclass(frozen=True, slots=True)
class StripLeg:
    """A leg in few words."""

    text: str  # "1400 bytes crossed, 1500 did not (8 of 8)"
    tone: str  # bad: something ends here; plain


@dataclass(frozen=True, slots=True)
class Strip:
    """Points in the direction of the packets, and the legs between each two."""

    points: tuple[str, ...]
    legs: tuple[StripLeg, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """One line a leg."""
        return tuple(
            f"{start} -> {end}: {leg.text}"
            for start, end, leg in zip(self.points, self.points[1:], self.legs, strict=False)
        )


def point_names(analysis: Analysis) -> dict[int, str]:
    """A name for each point: its file, or the first of several, and the interface where that makes the point."""
    labels = file_labels(analysis.files)
    names = {}
    for point in analysis.all_points:
        name = labels[point.files[0]] if point.files else f"point {point.number}"
        more = len(point.files) - 1
        name += f" and {plural(more, 'more file')}" if more > 0 else ""
        names[point.number] = name if point.interface is None else f"{name} ({printable(point.interface)})"
    return names


def strip_of(path: Path | None, names: dict[int, str]) -> Strip | None:
    """The strip of a path; None where it has no legs, or they are no chain (parallel paths)."""
    if path is None or not path.legs:
        return None
    chain = [path.legs[0].start]
    for leg in path.legs:
        if leg.start != chain[-1]:
            return None
        chain.append(leg.end)
    legs = tuple(StripLeg(_told(leg), "bad" if leg.ends or leg.ptb_lost else "plain") for leg in path.legs)
    return Strip(tuple(names[number] for number in chain), legs)


def _told(leg: Leg) -> str:
    parts = []
    counted = f"({leg.lost} of {leg.of} packets)"
    if leg.ends == "size" and leg.at_most is not None:
        crossed = f"{leg.at_least} bytes crossed, " if leg.at_least else ""
        parts.append(f"{crossed}{leg.at_most + 1} did not {counted}")
    elif leg.ends == "all":
        parts.append(f"nothing crosses any more {counted}")
    elif leg.ends == "content":
        parts.append(f"one segment never crosses, others as large do {counted}")
    elif leg.at_least:
        parts.append(f"{leg.at_least} bytes crossed{f', {leg.lost} of {leg.of} packets lost' if leg.lost else ''}")
    elif leg.lost:
        parts.append(f"{leg.lost} of {leg.of} packets lost")
    notes = (
        (leg.altered, f"{plural(leg.altered, 'packet')} damaged"),
        (leg.ptb_lost, "the PTB got lost on its way back"),
        (leg.mss_clamped, "MSS lowered"),
        (leg.translated, "addresses translated"),
        (leg.df_cleared, "DF cleared"),
        (leg.fragmented, "fragments made"),
        (leg.missed, f"{plural(leg.missed, 'packet')} that crossed not captured"),
    )
    parts += [text for found, text in notes if found]
    return "; ".join(parts) or "nothing large was sent"


def clock_lines(analysis: Analysis) -> list[str]:
    """How the clocks of the points stand to each other: one sentence."""
    points = analysis.all_points
    if len(points) < 2:
        return []
    names = point_names(analysis)
    told = [f"{names[point.number]} {_clock(point)}" for point in points[1:SHOWN_POINTS]]
    more = [f"{plural(len(points) - SHOWN_POINTS, 'more point')}"] if len(points) > SHOWN_POINTS else []
    return [f"clocks, added to give the times of {names[points[0].number]}: {joined([*told, *more])}"]


def _clock(point: CapturePoint) -> str:
    clock = point.clock
    if clock.offset_s is None:
        return "unknown"
    doubt = f"±{_short(clock.uncertainty_s)}" if clock.uncertainty_s is not None else "at the least, from one direction"
    drift = (
        f", running {abs(clock.drift_ppm):.0f} ppm {'fast' if clock.drift_ppm > 0 else 'slow'}"
        if clock.drift_ppm
        else ""
    )
    return f"{clock.offset_s:+,.4f} s ({doubt}{drift})"


def _short(seconds: float) -> str:
    return f"{seconds * 1000:.2g} ms" if seconds < 1 else f"{seconds:.1f} s"


def strips_of(analysis: Analysis) -> Sequence[Strip]:
    """The strips of all paths whose points are in different orders, one each."""
    names = point_names(analysis)
    found: dict[tuple[str, ...], Strip] = {}
    for path in analysis.all_paths:
        strip = strip_of(path, names)
        if strip is not None:
            found.setdefault(strip.points, strip)
    return tuple(found.values())
