"""Table, figure and verdict say the same of each packet, whatever each of them reads it from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import analyzer
from analyzer.evidence.deliveries import Transmission, transmissions_of
from analyzer.evidence.outcomes import DELIVERED, LOST, NAMES, SPURIOUS, UNANSWERED
from analyzer.evidence.segments import segments_of
from analyzer.report.figures.drawn_packets import recorded
from tests.reading import CAPTURES


def told_by(transmission: Transmission) -> int:
    if transmission.lost:
        return LOST
    return UNANSWERED if transmission.covered_by is None else DELIVERED


def compare_recorded(path: Path) -> Counter[str]:
    """Verdict and figure of every recorded packet of a capture; how many of each outcome there were."""
    compared: Counter[str] = Counter()
    analysis = analyzer.analyze(path)
    for flow in analysis.all_flows:
        if flow.timeline is None or flow.header_bytes is None or not len(flow.timeline):
            continue
        segments = segments_of(flow.timeline, flow.header_bytes)
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
            compared[NAMES[outcome]] += 1
    return compared


def test_verdict_and_figure_of_every_recorded_packet() -> None:
    compared = sum((compare_recorded(path) for path in CAPTURES), Counter[str]())
    assert {"delivered", "lost", "unanswered"} <= compared.keys()


def compare_tables(path: Path) -> int:
    """Table and figure of every packet of the flows that are recorded whole; how many packets there were."""
    compared = 0
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
        compared += len(table)
    return compared


def test_table_and_figure_of_every_packet_of_recorded_flows() -> None:
    assert sum(compare_tables(path) for path in CAPTURES) > 100
