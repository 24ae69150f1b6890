"""Firewalls that put in initial sequence numbers of their own: one connection, with other numbers at two points."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import pytest

import analyzer
from lab.simulated.case import DOWN
from lab.simulated.elements import Link, Tap, renumbered
from lab.simulated.hosts import Stack
from lab.simulated.judging import analysed
from lab.simulated.later_cases import FOUR, LATER
from lab.simulated.path import Run, Talk, capture_of
from tests.builders import pcap_records

NAMES = [name for name in LATER if name.startswith("renumbered")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("offset", [0.0, -10_800.0])
def test_both_sides_of_the_firewall_are_one_connection(name: str, offset: float) -> None:
    case = LATER[name]
    taps = case.run()
    found = analysed([taps[0], taps[3]], offsets=[0.0, offset])
    assert [file.point for file in found.files] == [0, 1]
    assert len(found) == len(case.talks)
    assert (found.flow(0).located is not None) == (case.kind == "size")
    assert all(leg.translated for path in found.all_paths for leg in path.legs)


def test_the_stuck_segment_is_found_whichever_side_tells_of_it() -> None:
    taps = LATER["renumbered_before"].run()
    for some in (taps[:3], taps[::-1], taps[1:], [taps[0], taps[2]]):
        flow = analysed(some).flow(0)
        assert flow.located is not None
        names = [some[n].name if n is not None else None for n in flow.located.between]
        assert names[0] in ("router-b", "server")
        assert flow.located.lost == 1500


def at_two_points(talks: Sequence[Talk], shift: int, stack: Stack | None = None) -> tuple[Tap, Tap]:
    inner, outer = Tap("inner"), Tap("outer")
    stack = stack or Stack()
    talks = [replace(talk, client_stack=stack, server_stack=stack) for talk in talks]
    Run([inner, renumbered(shift, shift // 3), Link(), outer], talks, 300)
    return inner, outer


def test_another_connection_of_the_same_ends_is_not_taken_for_it() -> None:
    """At one point only the first of two is captured, at the other only the second: their ports are the same."""
    shared, lone = Talk(DOWN), Talk(DOWN, ports=(40_002, 443), begins=0.3)
    later = Talk(DOWN, ports=(40_002, 443), begins=100.0)
    first, _ = at_two_points([shared, lone], 77_777)
    _, second = at_two_points([shared, later], 77_777)
    found = analysed([first, second])
    assert [file.point for file in found.files] == [0, 1]
    assert sorted(flow.client.port for flow in found.all_flows) == [40_001, 40_002, 40_002]


def test_files_that_share_nothing_but_their_ends_are_one_point() -> None:
    first, _ = at_two_points([Talk(DOWN)], 77_777)
    _, second = at_two_points([Talk(DOWN, begins=50.0)], 77_777)
    assert {file.point for file in analysed([first, second]).files} == {0}


@pytest.mark.parametrize("stack", [Stack(), Stack(timestamps=False), Stack(identifies=False)])
@pytest.mark.parametrize("parts", [2, 5])
def test_files_of_a_ring_buffer_are_one_point(stack: Stack, parts: int) -> None:
    data = capture_of(at_two_points(FOUR, 5, stack)[1])
    records = pcap_records(data)
    cut = [records[i * len(records) // parts : (i + 1) * len(records) // parts] for i in range(parts)]
    files = [io.BytesIO(data[:24] + b"".join(part)) for part in cut]
    assert {file.point for file in analyzer.analyze(files).files} == {0}


@pytest.mark.parametrize("stack", [Stack(), Stack(timestamps=False)])
def test_connections_that_are_alike_are_not_one(stack: Stack) -> None:
    """Other ports and numbers, but the same sizes, and the same timestamps: hosts that count them from 0."""
    same = replace(stack, identifies=False)
    first, _ = at_two_points([Talk(DOWN)], 0, same)
    second, _ = at_two_points([Talk(DOWN, ports=(40_002, 443))], 5_000_000, same)
    assert {file.point for file in analysed([first, second]).files} == {0}
