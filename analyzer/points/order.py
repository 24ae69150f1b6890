"""The places of a connection in the order of the path, from side 0 to side 1: by TTL, and by times.

Emits a list of places. Each router takes one from the TTL, so of two places the one where it is higher comes first.
Where it is equal (switches, interfaces of one host), or the directions contradict each other, times decide, of which no
clock need be right.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from analyzer.points.clocks import nearer
from analyzer.points.sightings import Place, Seen, Sighting


def order_of(seen: Seen) -> list[Place]:
    """The places that saw packets of the connection, from side 0's on."""
    places = sorted(place for place, packets in seen.at.items() if packets[0] or packets[1])
    wins: Counter[Place] = Counter()
    for one, two in combinations(places, 2):
        first = _first(seen, one, two)
        if first > 0:
            wins[one] += 1
        elif first < 0:
            wins[two] += 1
    return sorted(places, key=lambda place: (-wins[place], place))


def _first(seen: Seen, one: Place, two: Place) -> int:
    """Positive if `one` is nearer to side 0, negative if `two` is."""
    votes = []
    for side in (0, 1):
        here, there = _ttl(seen.at[one][side]), _ttl(seen.at[two][side])
        if here and there and here != there:
            votes.append((1 if here > there else -1) * (1 if side == 0 else -1))
    if votes and len(set(votes)) == 1:
        return votes[0]
    ways = [seen.shared(one, two, side) for side in (0, 1)]
    return nearer(ways[0], ways[1]) or _more(seen, one, two)


def _ttl(packets: list[Sighting]) -> int:
    """The usual TTL of packets that are no aborts, which others may send in a host's name."""
    found = Counter(packet.ttl for packet in packets if not packet.flags & 4)
    return found.most_common(1)[0][0] if found else 0


def _more(seen: Seen, one: Place, two: Place) -> int:
    """Who saw more of side 0's data is nearer to it, where nothing else tells: packets get lost, none appear."""
    return _data(seen.at[one][0]) - _data(seen.at[two][0]) - _data(seen.at[one][1]) + _data(seen.at[two][1])


def _data(packets: list[Sighting]) -> int:
    return sum(packet.payload for packet in packets)
