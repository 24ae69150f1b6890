"""The axis of time: even seconds, or, where something waits, a close look at its flight and equal steps for the wait.

A sender that hears nothing doubles its timer: of even seconds, the wait takes nearly all, and the flight that got stuck
is one stroke. So each flow with a segment that was sent at least `LEAST_TRIES` times is drawn on an axis of parts,
which counts from that segment's first transmission, and one whose verdict is a closed window from when it closed:

- what came before, logarithmic backwards;
- its flight, in even seconds;
- the silence until half of the time to the first retransmission in a narrow strip, marked as a break;
- from there logarithmic, so that a doubling timer gives equal steps;
- once the stall is over, even seconds again.

All other flows have even seconds from their start. Coordinates are seconds from the flow's start either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LEAST_TRIES = 3
"""Transmissions of the stuck segment: with two waits, a growing one can be seen."""

LEAST_FLIGHT = 1 / 1000
"""Of the time to the first retransmission: a shorter flight is drawn as if it were so long."""

LIKE_LONGEST = 0.9
"""A silence of so much of the longest is as long: a flight ends with the last of them."""

BREAK = 0.025
"""Share of the width for the silence that is cut short."""

FLIGHT_SHARE = (0.3, 0.42)
"""Of the width, for what comes up to the end of the flight: at least, at most."""

AFTER_SHARE = 0.18
"""Of the width, for what comes once the stall is over."""

LEAD_STEP = 0.3
"""Width for each factor of e that times before zero grow by, as a multiple of the flight's."""

MOST_EXPONENT = 50.0
"""Of places far outside of the axis, which matplotlib may ask for."""

APART = 2.5
"""Letters between the names of two ticks."""

MARGINS = (0.02, 0.04)
"""Of the width, left and right of what is drawn."""


@dataclass(frozen=True, slots=True)
class EvenAxis:
    """Even seconds from the start of the flow."""

    first: float
    last: float

    @property
    def limits(self) -> tuple[float, float]:
        """Both ends in seconds, with a margin."""
        span = (self.last - self.first) or 1.0
        return self.first - MARGINS[0] * span, self.last + MARGINS[1] * span

    def share(self, seconds: Array) -> Array:
        """Where along the axis times are drawn, 0 to 1."""
        left, right = self.limits
        return np.asarray((np.asarray(seconds, float) - left) / (right - left))


@dataclass(frozen=True, slots=True)
class WaitingAxis:
    """The axis of parts; see above. `share` and `seconds` are each other's inverse."""

    zero: float  # seconds from the flow's start at which the stuck segment was sent first; the others count from there
    first: float  # left end
    flight: float  # end of the flight
    waiting: float  # from here on logarithmic
    over: float  # end of the stall; infinite where nothing follows it
    last: float  # right end

    @property
    def broken(self) -> bool:
        """Whether some silence is cut short."""
        return self.waiting > 2 * self.flight

    @property
    def limits(self) -> tuple[float, float]:
        """Both ends in seconds from the flow's start, with a margin."""
        left, right = self.seconds(np.array([0.0, 1.0])).tolist()
        return left, right

    def _widths(self) -> tuple[float, float, float, float]:
        """Shares of the width: of the flight, the break, the wait for each factor of e, and of a second after it."""
        units = 1 + self._lead()
        end = min(self.over, self.last)
        steps = max(float(np.log(end / self.waiting)), 1e-9)
        free = 1 - sum(MARGINS)
        low, high = FLIGHT_SHARE
        flight = free * min(max(units / (units + steps), low), high)
        cut = BREAK if self.broken else 0.0
        after = AFTER_SHARE * free if self.over < self.last else 0.0
        wait = free - flight - cut - after
        return flight / units, cut, wait / steps, after / (self.last - end) if after else 0.0

    def _lead(self) -> float:
        """Width of what comes before zero, as a multiple of the flight's."""
        return LEAD_STEP * float(np.log1p(-self.first / self.flight))

    def share(self, seconds: Array) -> Array:
        """Where along the axis times (seconds from the flow's start) are drawn, 0 to 1."""
        unit, cut, step, second = self._widths()
        t = np.asarray(seconds, float) - self.zero
        end = min(self.over, self.last)
        origin = MARGINS[0] + unit * self._lead()
        reach = origin + unit  # the end of the flight
        done = reach + cut + step * float(np.log(end / self.waiting))
        strip = np.clip((t - self.flight) / max(self.waiting - self.flight, 1e-12), 0, 1)
        parts = [
            origin - unit * LEAD_STEP * np.log1p(np.maximum(-t, 0) / self.flight),
            origin + unit * t / self.flight,
            reach + cut * strip,
            reach + cut + step * np.log(np.maximum(t, self.waiting) / self.waiting),
        ]
        chosen = [t < 0, t <= self.flight, t <= self.waiting, (t <= end) | (second == 0)]
        return np.asarray(np.select(chosen, parts, done + second * (t - end)))

    def seconds(self, shares: Array) -> Array:
        """The times (seconds from the flow's start) that are drawn at some places."""
        unit, cut, step, second = self._widths()
        place = np.asarray(shares, float)
        end = min(self.over, self.last)
        origin = MARGINS[0] + unit * self._lead()
        reach = origin + unit
        done = reach + cut + step * float(np.log(end / self.waiting))
        parts = [
            -self.flight * np.expm1(np.clip((origin - place) / unit / LEAD_STEP, 0, MOST_EXPONENT)),
            self.flight * (place - origin) / unit,
            self.flight + (self.waiting - self.flight) * np.clip((place - reach) / (cut or 1), 0, 1),
            self.waiting * np.exp(np.clip((place - reach - cut) / step, 0, MOST_EXPONENT)),
        ]
        chosen = [place < origin, place <= reach, place <= reach + cut, (place <= done) | (second == 0)]
        after = end + (place - done) / (second or 1)
        return np.asarray(np.select(chosen, parts, after) + self.zero)

    @property
    def borders(self) -> list[float]:
        """Seconds from the flow's start at which the scale changes: the break, and the end of the stall."""
        at_flight = [] if self.broken else [self.zero + self.flight]
        return at_flight + ([self.zero + self.over] if self.over < self.last else [])

    def ticks(self, letters: float) -> tuple[list[float], list[str]]:
        """Places (seconds from the flow's start) and names of the ticks that find room.

        Args:
            letters: so many find room side by side along the axis.
        """
        ends = self.first, self.last
        times = [0.0]
        exponents = range(-7, 7)
        for digit in (1, 2, 5):
            for sign in (1, -1):
                times += [sign * digit * 10.0**n for n in exponents]
        if self.over < self.last:
            after = self.last - self.over
            step = 10.0 ** np.floor(np.log10(after))
            times = [0.0, float(np.ceil(self.over / step) * step), *times[1:]]
        chosen: list[tuple[float, float, str]] = []
        for time in times:
            if not ends[0] <= time <= ends[1] or self.flight < time < self.waiting:
                continue
            name = span_text(time)
            place = float(self.share(np.array([time + self.zero]))[0])
            half = (len(name) + APART) / (2 * letters)
            if all(abs(place - other) >= half + (len(its) + APART) / (2 * letters) for other, _, its in chosen):
                chosen.append((place, time, name))
        chosen.sort()
        return [time + self.zero for _, time, _ in chosen], [name for _, _, name in chosen]


TimeAxis = EvenAxis | WaitingAxis


def span_text(seconds: float) -> str:
    """A time from zero for a tick: "-20 ms", "0", "0.5 s", "20 s"."""
    if seconds == 0:
        return "0"
    if abs(seconds) < 0.001:
        return f"{seconds * 1e6:.4g} \N{MICRO SIGN}s"
    return f"{seconds * 1e3:.4g} ms" if abs(seconds) < 0.1 else f"{seconds:.6g} s"


def axis_of(times: Array, tries: Sequence[float], over: float | None, last: float) -> TimeAxis:
    """The axis for a flow.

    Args:
        times: seconds from the flow's start at which the packets that are drawn were captured, in order.
        tries: the same of what the wait is counted from, and of what broke its silence: the transmissions of a stuck
            segment. Fewer than two where there was no wait.
        over: and of the end of the wait, if other data followed it.
        last: right end, seconds from the flow's start.
    """
    first = float(times[0])
    if len(tries) < 2 or tries[1] <= tries[0]:
        return EvenAxis(first, last)
    zero, again = tries[0], tries[1] - tries[0]
    inside = np.concatenate([[0.0], times[(times > zero) & (times < tries[1])] - zero, [again]])
    gaps = np.diff(inside)
    silence = int(np.flatnonzero(gaps >= gaps.max() * LIKE_LONGEST)[-1])
    flight = max(float(inside[silence]), LEAST_FLIGHT * again)
    return WaitingAxis(
        zero=zero,
        first=min(first - zero, 0.0),
        flight=flight,
        waiting=max(flight, again / 2),
        over=over - zero if over is not None else np.inf,
        last=float(max(last, tries[-1]) - zero),
    )
