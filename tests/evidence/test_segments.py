from __future__ import annotations

import pytest

from analyzer.evidence import segments
from analyzer.evidence.segments import segments_of
from analyzer.flows.flow_tables import C_EVENTS
from tests.reading import CAPTURES, skim
from tests.traffic import skimmed


def test_comparing_columns_reads_what_dpkt_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [*(skim(path).state for path in CAPTURES), skimmed("few flows").state, skimmed("pcapng").state]
    recorded = [
        (state.events[:count], state.event_header_bytes[:count])
        for state in states
        if (count := state.counters[C_EVENTS])
    ]
    monkeypatch.setattr(segments, "ONE_BY_ONE", 1 << 30)
    one_by_one = [segments_of(rows, heads) for rows, heads in recorded]
    monkeypatch.setattr(segments, "ONE_BY_ONE", 0)
    assert [segments_of(rows, heads) for rows, heads in recorded] == one_by_one
    assert sum(map(len, one_by_one)) > 1000
    assert any(segment.sack for each in one_by_one for segment in each)
