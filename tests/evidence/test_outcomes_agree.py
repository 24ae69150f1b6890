"""Table, figure and verdict say the same of each packet, whatever each of them reads it from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import analyzer
from analyzer.evidence.deliveries import Transmission, transmissions_of
from analyzer.evidence.outcomes import DELIVERED, LOST, NAMES, SPURIOUS, UNANSWERED
from analyzer.evidence.segments import segments_of
from analyzer.report.figures.drawn_packets import recorded
from tests.reading import CAPTURES

COMPARED: Counter[str] = Counter()


def told_by(transmission: Transmission) -> int:
    if transmission.lost:
        return LOST
    return UNANSWERED if transmission.covered_by is None else DELIVERED


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_of_every_recorded_packet(path: Path) -> None:
    analysis = analyzer.analyze(path)
    for flow in analysis.all_flows:
        if flow.timeline is None or flow.heads is None or not len(flow.timeline):
            continue
        segments = segments_of(flow.timeline, flow.heads)
        verdict = {
            t.segment.ref.frame: told_by(t)
            for side in (0, 1)
            for t in transmissions_of(segments, side, flow.round_trips[side])
        }
        packets = recorded(flow)
        assert packets is not None
        figure = dict(zip(packets.frame.tolist(), packets.outcome.tolist(), strict=True))
        for frame, outcome in verdict.items():
            drawn = figure[frame]
            # What was sent again needlessly arrived, too: the ACK of its bytes covers it.
            assert outcome == (DELIVERED if drawn == SPURIOUS else drawn), (flow.stream, frame, NAMES[outcome])
            COMPARED[NAMES[outcome]] += 1


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_the_table_and_the_figure_of_every_packet_of_recorded_flows(path: Path) -> None:
    analysis = analyzer.analyze(path)
    for flow in analysis.all_flows:
        packets = recorded(flow)
        if packets is None or len(packets) != flow.packet_count:
            continue  # only part of it is recorded
        table = flow.packets
        table = table[~table["duplicate"]]
        fate = table["fate"].cat.codes  # -1 where there is none
        assert tuple(table["fate"].cat.categories) == NAMES
        assert dict(zip(table["frame"], fate, strict=True)) == dict(zip(packets.frame, packets.outcome, strict=True))
        COMPARED["table"] += len(table)


def test_something_of_each_kind_was_compared() -> None:
    """Runs after the others in the same process, or compares some itself."""
    if not COMPARED:
        for path in CAPTURES:
            test_of_every_recorded_packet(path)
    assert {"delivered", "lost", "unanswered"} <= COMPARED.keys()
