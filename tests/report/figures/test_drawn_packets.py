from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import analyzer
from analyzer.flows.flow_tables import MARK_DUPLICATE
from analyzer.report.figures.drawn_packets import DELIVERED, LOST, NO_DATA, OPEN, Packets, outcomes, recorded
from tests.reading import SAMPLE_FOLDER
from tests.report.factory import SECOND, make_flow, make_timeline


def table(*rows: tuple[float, str, int, int]) -> Packets:
    """(seconds, "data" or "ack" or "again", sequence number or ACK, payload)"""
    count = len(rows)
    kind = np.array([row[1] for row in rows])
    zeros = np.zeros(count, np.int64)
    number = np.array([row[2] for row in rows])
    return Packets(
        ts=np.array([int(row[0] * SECOND) for row in rows]),
        frame=np.arange(1, count + 1),
        file=zeros,
        forward=kind != "ack",
        seq=np.where(kind == "ack", 0, number),
        ack=np.where(kind == "ack", number, 0),
        payload=np.array([row[3] for row in rows]),
        ip_len=zeros + 1500,
        window=zeros + 65535,
        flags=zeros + 16,
        resent=kind == "again",
        keepalive=zeros != 0,
        merged=zeros != 0,
    )


def of(packets: Packets, until: float = 100) -> list[int]:
    return [int(outcome) for outcome in outcomes(packets, int(until * SECOND))]


def test_acknowledged_in_time_is_delivered() -> None:
    assert of(table((0, "data", 1000, 100), (1, "ack", 1100, 0))) == [DELIVERED, NO_DATA]


def test_sent_again_before_its_ack_is_lost_and_the_copy_delivered() -> None:
    packets = table((0, "data", 1000, 100), (1, "again", 1000, 100), (2, "ack", 1100, 0))
    assert of(packets) == [LOST, DELIVERED, NO_DATA]


def test_a_needless_copy_is_delivered_too() -> None:
    packets = table((0, "data", 1000, 100), (1, "ack", 1100, 0), (2, "again", 1000, 100))
    assert of(packets) == [DELIVERED, NO_DATA, DELIVERED]


def test_the_same_bytes_cut_smaller_count_as_sent_again() -> None:
    packets = table((0, "data", 1000, 100), (1, "again", 1000, 60), (1, "again", 1060, 40), (2, "ack", 1100, 0))
    assert of(packets) == [LOST, DELIVERED, DELIVERED, NO_DATA]


def test_without_ack_time_decides() -> None:
    packets = table((0, "data", 1000, 100), (1, "ack", 1000, 0))
    assert of(packets, until=0.9) == [OPEN, NO_DATA]
    assert of(packets, until=3) == [LOST, NO_DATA]


def test_selectively_acknowledged_is_delivered() -> None:
    packets = table((0, "data", 1000, 100), (0.1, "data", 1100, 100), (0.2, "ack", 1000, 0))
    packets = replace(packets, sacked=[(int(0.2 * SECOND), 1100, 1200)])
    assert of(packets) == [LOST, DELIVERED, NO_DATA]


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
    assert outcomes(packets, flow.last_time)[small].tolist() == [DELIVERED]
    assert set(outcomes(packets, flow.last_time)[packets.carrying & (packets.ip_len == 1500)][:-1]) == {LOST}
