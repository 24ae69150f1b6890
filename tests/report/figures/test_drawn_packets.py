from __future__ import annotations

from typing import Any

import analyzer
from analyzer.evidence.outcomes import DELIVERED, LOST, UNANSWERED
from analyzer.flows.flow_tables import MARK_DUPLICATE
from analyzer.report.figures.drawn_packets import recorded
from tests.reading import SAMPLE_FOLDER
from tests.report.factory import make_flow, make_timeline


def test_recorded_packets_leave_out_copies_and_scale_the_window() -> None:
    rows = make_timeline()
    rows["marks"][1] |= MARK_DUPLICATE
    packets = recorded(make_flow(timeline=rows, window_scales=(7, 0)))
    assert packets is not None
    assert len(packets) == len(rows) - 1
    assert rows["frame"][1] not in packets.frame
    assert packets.window[0] == 65535  # a SYN's window is never scaled
    assert packets.window[packets.acknowledging][-1] == 65535 << 7
    assert recorded(make_flow()) is None
    rows["marks"] |= MARK_DUPLICATE
    assert len(recorded(make_flow(timeline=rows)) or ()) == len(rows)


def test_sack_blocks_of_recorded_packets_are_read() -> None:
    flow = analyzer.analyze(SAMPLE_FOLDER / "ipv6_upload_blackhole_at_client.pcap").flow(0)
    packets = recorded(flow)
    assert packets is not None
    blocks: Any = {block[1:] for block in packets.sacked}
    (block,) = blocks
    assert block[1] - block[0] == 400
    small = packets.carrying & (packets.ip_len == 472)
    assert packets.outcome[small].tolist() == [DELIVERED]
    assert set(packets.outcome[packets.carrying & (packets.ip_len == 1500)]) == {LOST, UNANSWERED}
