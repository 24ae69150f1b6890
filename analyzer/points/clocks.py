"""How the clocks of the places stand to each other, from packets that two of them saw; and who is nearer to the client.

No clock is trusted, and no two packets take the same time. But none arrives before it left: each packet that was seen
at two places is a bound for the offset between them, from below in one direction and from above in the other.

Emits `Clocks`.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from analyzer.point_settings import DRIFT_SPAN_NS, EARLY_NS, LEAST_DRIFT, ROUNDED_NS, TELLING_NS
from analyzer.points.sightings import Place, Seen, Shared

DRIFT_BINS = 12
UNKNOWN_COST = 3_600_000_000_000
"""What an offset from one direction only counts for, ns, where there is another way to a place."""


class Bounds(NamedTuple):
    """What is added to the second place's times to give the first's lies between these, ns; None: no bound."""

    low: int | None
    high: int | None


class PlaceClock(NamedTuple):
    """Of a place, to that of the first one."""

    offset: int  # ns, at `at`
    uncertainty: int | None
    drift: float  # how much faster it runs: 1e-6 is a microsecond in a second
    at: int  # time at that place, ns

    def aligned(self, ts: int) -> int:
        """The time of a packet by the first place's clock."""
        return ts + self.offset - round((ts - self.at) * self.drift) if self.drift else ts + self.offset


class Clocks:
    """The clocks of all places that share packets with the first one, directly or by way of others."""

    def __init__(self, clocks: dict[Place, PlaceClock]) -> None:
        self._clocks = clocks

    def of(self, place: Place) -> PlaceClock | None:
        """That of a place, None where nothing is known."""
        return self._clocks.get(place)

    def time(self, place: Place, ts: int) -> int:
        """A time by the first place's clock; unchanged where nothing is known."""
        clock = self._clocks.get(place)
        return clock.aligned(ts) if clock is not None else ts

    def doubt(self, one: Place, two: Place) -> int | None:
        """How far times of two places may be off from each other, ns; None: unknown."""
        found = [self._clocks.get(place) for place in (one, two)]
        parts = [clock.uncertainty if clock is not None else None for clock in found]
        if parts[0] is None or parts[1] is None:
            return None
        return parts[0] + parts[1]


def trimmed(delays: list[int]) -> list[int]:
    """Differences without those that are too small or too large to be of one packet, ascending."""
    ordered = sorted(delays)
    if len(ordered) < 3:
        return ordered
    middle = ordered[len(ordered) // 2]
    low = ordered[len(ordered) // 10]
    return [value for value in ordered if low - EARLY_NS <= value <= middle + 60 * 1_000_000_000] or ordered


def nearer(forth: Shared, back: Shared) -> int:
    """1 if the first place is nearer to where `forth` comes from, -1 if the second is, 0 if the times do not tell.

    Forth takes a packet from the first to the second, if that is the order, and back another one from the second to the
    first: both together take some time, whatever the clocks say.
    """
    if not forth.first or not back.first:
        return 0
    ahead = trimmed([b - a for a, b in zip(forth.first, forth.second, strict=True)])
    behind = trimmed([b - a for a, b in zip(back.first, back.second, strict=True)])
    if_first, if_second = ahead[0] - behind[-1], behind[0] - ahead[-1]  # the shortest round trips, were it so
    if max(if_first, if_second) <= TELLING_NS:
        # Both ends of one cable: nothing is that short, but in one of the orders packets would arrive before they left.
        return int(if_first >= -ROUNDED_NS > if_second) - int(if_second >= -ROUNDED_NS > if_first)
    return 1 if if_first > if_second else -1


class Pairing:
    """What two places have in common, over all connections."""

    def __init__(self) -> None:
        self.down = Shared([], [])  # packets that pass the first place first
        self.up = Shared([], [])

    def add(self, packets: Shared, *, first_first: bool) -> None:
        """Packets that both saw; `first_first`: they passed the first place first."""
        into = self.down if first_first else self.up
        into.first.extend(packets.first)
        into.second.extend(packets.second)

    def drift(self) -> tuple[float, int]:
        """How much faster the second clock runs, and the time there from which that is counted."""
        times = [*self.down.second, *self.up.second]
        if not times:
            return 0.0, 0
        start, span = min(times), max(times) - min(times)
        if span < DRIFT_SPAN_NS:
            return 0.0, start
        marks = [_extremes(way, start, span, pick) for way, pick in ((self.down, min), (self.up, max))]
        both = [index for index in marks[0] if index in marks[1]]
        if len(both) >= 3:
            points = [(index, (marks[0][index] + marks[1][index]) / 2) for index in both]
        else:
            points = list(max(marks, key=len).items())
        if len(points) < 3:
            return 0.0, start
        slope = _slope([((index + 0.5) * span / DRIFT_BINS, value) for index, value in points])
        return (slope if abs(slope) >= LEAST_DRIFT else 0.0), start

    def bounds(self, drift: float, start: int) -> Bounds:
        """Bounds of the offset, the drift taken out."""
        ahead, behind = (
            trimmed([round(b - (b - start) * drift) - a for a, b in zip(way.first, way.second, strict=True)])
            for way in (self.down, self.up)
        )
        return Bounds(-ahead[0] if ahead else None, -behind[-1] if behind else None)


def _extremes(way: Shared, start: int, span: int, pick: object) -> dict[int, int]:
    bins: dict[int, list[int]] = defaultdict(list)
    for a, b in zip(way.first, way.second, strict=True):
        bins[min((b - start) * DRIFT_BINS // max(span, 1), DRIFT_BINS - 1)].append(b - a)
    return {index: (min(values) if pick is min else max(values)) for index, values in sorted(bins.items())}


def _slope(points: list[tuple[float, float]]) -> float:
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def clocks_of(places: Sequence[Place], pairings: dict[tuple[Place, Place], Pairing]) -> Clocks:
    """The clocks of the places to that of the first, by the surest ways."""
    edges: dict[Place, list[tuple[Place, int, int | None, float, int]]] = defaultdict(list)
    for (one, two), pairing in pairings.items():
        drift, start = pairing.drift()
        bounds = pairing.bounds(drift, start)
        if bounds.low is None and bounds.high is None:
            continue
        offset, doubt = _middle(bounds)
        edges[one].append((two, offset, doubt, drift, start))
        edges[two].append((one, -offset, doubt, -drift, start + offset))
    clocks: dict[Place, PlaceClock] = {}
    waiting: list[tuple[int, Place, PlaceClock]] = [(0, places[0], PlaceClock(0, 0, 0.0, 0))] if places else []
    while waiting:
        cost, place, clock = heapq.heappop(waiting)
        if place in clocks:
            continue
        clocks[place] = clock
        for other, offset, doubt, drift, start in edges[place]:
            if other in clocks:
                continue
            known = clock.uncertainty is not None and doubt is not None
            total = (clock.uncertainty or 0) + (doubt or 0) if known else None
            # The other's time `start` is `start + offset` at this place, and so much at the first one.
            together = drift + clock.drift
            gains = together if abs(together) >= LEAST_DRIFT else 0.0
            made = PlaceClock(clock.aligned(start + offset) - start, total, gains, start)
            heapq.heappush(waiting, (cost + (UNKNOWN_COST if doubt is None else doubt), other, made))
    return Clocks(clocks)


def _middle(bounds: Bounds) -> tuple[int, int | None]:
    if bounds.low is None or bounds.high is None:
        return (bounds.low if bounds.low is not None else bounds.high) or 0, None
    return (bounds.low + bounds.high) // 2, abs(bounds.high - bounds.low) // 2


def pairings_of(seen: Iterable[Seen], order_of: dict[int, list[Place]]) -> dict[tuple[Place, Place], Pairing]:
    """What each two places have in common; `order_of` has the places of a connection from the client's side on."""
    found: dict[tuple[Place, Place], Pairing] = {}
    for each in seen:
        order = order_of.get(each.stream, [])
        for near, far in combinations(order, 2):
            one, two = min(near, far), max(near, far)
            pairing = found.setdefault((one, two), Pairing())
            for side in (0, 1):
                # Packets of side 0 pass the near place first, those of side 1 the far one.
                pairing.add(each.shared(one, two, side), first_first=(one == near) == (side == 0))
    return found
