"""Real stacks, recorded at four points at once (`lab/record_points.py`), with offload but for one of them.

`KINDS` there says what each of them is.
"""

from __future__ import annotations

from itertools import combinations, permutations

import pytest

import analyzer
from tests.reading import ROOT

FOLDER = ROOT / "tests" / "data" / "points"
ORDER = ("client", "router-a", "router-b", "server")
"""The link from router-a to the client is narrow; router-b drops PTBs, but for the recording `none`."""

PARTS = [some for count in (2, 3, 4) for some in combinations(ORDER, count)]


def found_at(name: str, points: tuple[str, ...]) -> analyzer.Analysis:
    return analyzer.analyze([FOLDER / name / f"{point}.pcap" for point in points])


def neighbours(points: tuple[str, ...]) -> tuple[str | None, str | None]:
    """The last point before the narrow link, from the server on, and the first behind it."""
    before = [point for point in ORDER[1:] if point in points]
    return before[0] if before else None, "client" if "client" in points else None


@pytest.mark.parametrize("points", PARTS, ids="+".join)
@pytest.mark.parametrize("name", ["ptb", "ptb_no_offload", "nat"])
def test_the_leg_is_told(name: str, points: tuple[str, ...]) -> None:
    found = found_at(name, points)
    assert len(found.all_points) == len(points)
    flow = found.flow(0)
    assert len(found) == 1
    assert flow.verdict in ("blackhole", "ptb_ignored")  # without the server nobody knows that the PTBs get lost
    assert flow.located is not None
    between = tuple(points[number] if number is not None else None for number in flow.located.between)
    assert between == neighbours(points)
    assert flow.located.lost == 1500
    told = flow.located.ptb_lost_between
    seen = [point for point in ("router-a",) if point in points]
    not_seen = [point for point in ("router-b", "server") if point in points]
    assert (told is not None) == bool(seen and not_seen)
    if told is not None:
        assert (points[told[0]], points[told[1]]) == ("router-a", not_seen[0])
        assert (flow.verdict, flow.confidence, flow.path_mtu.exact) == ("blackhole", "high", 1400)


def neighbours_of(points: tuple[str, ...], before: str, behind: str) -> tuple[str | None, str | None]:
    """The last point up to `before` and the first from `behind` on, in the direction of the packets."""
    way = ORDER if ORDER.index(before) < ORDER.index(behind) else ORDER[::-1]
    first = [point for point in way[: way.index(before) + 1] if point in points]
    then = [point for point in way[way.index(behind) :] if point in points]
    return first[-1] if first else None, then[0] if then else None


@pytest.mark.parametrize("points", PARTS, ids="+".join)
@pytest.mark.parametrize(
    ("name", "leg", "ptb"),
    [
        ("masquerade", ("router-a", "client"), ("router-a", "router-b")),
        ("ipv6", ("router-a", "client"), ("router-a", "router-b")),
        ("silent", ("router-b", "router-a"), None),
        ("clamp_one_way", ("client", "router-a"), None),
    ],
)
def test_other_paths_are_told_as_well(
    name: str, leg: tuple[str, str], ptb: tuple[str, str] | None, points: tuple[str, ...]
) -> None:
    found = found_at(name, points)
    assert (len(found.all_points), len(found)) == (len(points), 1)
    flow = found.flow(0)
    sides = neighbours_of(points, *leg)
    if sides[0] is None:  # behind the narrow link nobody knows what was sent
        assert flow.verdict in ("inconclusive", "blackhole_suspected", "not_exercised", "ok")
        return
    assert flow.verdict in ("blackhole", "blackhole_probable", "ptb_ignored")
    assert flow.located is not None
    assert tuple(points[n] if n is not None else None for n in flow.located.between) == sides
    assert flow.located.lost == 1500
    told = flow.located.ptb_lost_between
    if ptb is None or ptb[0] not in points or not {"router-b", "server"} & set(points):
        assert told is None
    else:
        assert told is not None
        assert points[told[0]] == ptb[0]
        assert (flow.verdict, flow.confidence, flow.path_mtu.exact) == ("blackhole", "high", 1400)


@pytest.mark.parametrize("points", PARTS, ids="+".join)
@pytest.mark.parametrize("name", ["none", "masquerade_none", "ipv6_none", "silent_none", "clamp_both_ways"])
def test_where_nothing_gets_lost_nothing_is_located(name: str, points: tuple[str, ...]) -> None:
    found = found_at(name, points)
    assert (len(found.all_points), len(found)) == (len(points), 1)
    assert all(leg.ends is None for path in found.all_paths for leg in path.legs)
    for flow in found.all_flows:
        assert flow.located is None
        assert flow.verdict in ("pmtud_ok", "not_exercised", "ok", "inconclusive", "loss")


def test_the_order_of_the_files_does_not_matter() -> None:
    for points in permutations(ORDER):
        flow = found_at("ptb", points).flow(0)
        assert flow.located is not None
        assert [points[number] for number in flow.located.between if number is not None] == ["router-a", "client"]


def test_a_point_that_a_hang_never_reached_does_not_acquit_it() -> None:
    """The path became narrower in the middle: full-size packets came to the client, and those of the hang did not."""
    server, client = (FOLDER / "narrowed" / f"{end}.pcap.gz" for end in ("server", "client"))
    assert analyzer.analyze(client).flow(1).verdict == "ok"
    for files in ([server, client], [client, server]):
        flow = analyzer.analyze(files).flow(1)
        assert flow.verdict in ("blackhole_probable", "blackhole")
        assert flow.confidence == analyzer.analyze(server).flow(1).confidence == "low"


@pytest.mark.parametrize(
    "name", ["ptb", "ptb_no_offload", "nat", "none", "masquerade", "ipv6", "silent_none", "clamp_one_way"]
)
@pytest.mark.parametrize("points", [ORDER[2:], ORDER[::-1], ("server", "client", "router-b")], ids="+".join)
def test_the_points_are_in_the_order_of_the_path(name: str, points: tuple[str, ...]) -> None:
    """Between router-b and the server there is no router, and a packet takes some microseconds."""
    for path in found_at(name, points).all_paths:
        if not path.legs:
            continue
        shown = [points[path.legs[0].start], *(points[leg.end] for leg in path.legs)]
        expected = [point for point in ORDER if point in points]
        assert shown == (expected[::-1] if path.src in ("10.71.3.2", "fd71:3::2") else expected)
