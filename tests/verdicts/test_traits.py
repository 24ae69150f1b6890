"""What else flows show: resets by whom, SYNs without answer, data sent again, and stalls that the capture ends in."""

from __future__ import annotations

import io

import pytest

import analyzer
from analyzer.model.seen import Seen
from analyzer.report.also_seen import also_seen
from tests.builders import ACK, CLIENT, FIN, PSH, RST, SERVER, SYN, Packet, ipv4, pcap, tcp

MS = 1_000_000
SECOND = 1000 * MS


def up(seq: int, ack: int, flags: int = ACK, size: int = 0, port: int = 40000) -> bytes:
    return ipv4(tcp(sport=port, dport=80, seq=seq, ack=ack, flags=flags), total=40 + size)


def down(seq: int, ack: int, flags: int = ACK, size: int = 0, ident: int = 1) -> bytes:
    segment = tcp(sport=80, dport=40000, seq=seq, ack=ack, flags=flags)
    return ipv4(segment, src=SERVER, dst=CLIENT, total=40 + size, ident=ident)


SYNS = [(0, up(1000, 0, SYN)), (10 * MS, down(5000, 1001, SYN | ACK)), (11 * MS, up(1001, 5001))]
REQUEST = (20 * MS, up(1001, 5001, ACK | PSH, 100))
ANSWER = (30 * MS, down(5001, 1101, ACK | PSH, 200))
CLOSED = [(40 * MS, up(1101, 5201, FIN | ACK)), (41 * MS, down(5201, 1102, FIN | ACK)), (42 * MS, up(1102, 5202))]


def analysed(*packets: tuple[int, bytes]) -> analyzer.Analysis:
    start = 1_700_000_000 * SECOND
    return analyzer.analyze(io.BytesIO(pcap(Packet(start + ts, data) for ts, data in packets)))


def seen(*packets: tuple[int, bytes]) -> Seen:
    found = analysed(*packets).seen()
    assert found is not None
    return found


NOTHING = Seen(2, 0, None, None, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("packets", "changes", "said"),
    [
        ([*SYNS, REQUEST, ANSWER, *CLOSED], {}, ""),
        (
            [*SYNS, REQUEST, ANSWER, (50 * MS, up(1101, 5201, RST))],
            {"reset_by_client": 1},
            "Also seen: 1 flow reset by the client.",
        ),
        (
            [*SYNS, REQUEST, ANSWER, (50 * MS, down(5201, 1101, RST))],
            {"reset_by_server": 1},
            "Also seen: 1 flow reset by the server.",
        ),
        ([*SYNS, REQUEST, ANSWER, *CLOSED, (60 * MS, down(5202, 1102, RST))], {}, ""),  # closed before
        (
            [SYNS[0], (5 * MS, down(0, 1001, RST | ACK))],
            {"data_packets": 0, "refused": 1},
            "Also seen: 1 flow refused (RST to the SYN).",
        ),
        (
            [SYNS[0], (SECOND, up(1000, 0, SYN)), (3 * SECOND, up(1000, 0, SYN))],
            {"data_packets": 0, "unanswered": 1},
            "Also seen: 1 flow whose SYN has no answer in the capture.",
        ),
        ([SYNS[0], (5 * MS, up(1000, 0, RST))], {"data_packets": 0, "reset_by_client": 1}, None),
    ],
    ids=["closed", "reset by the client", "reset by the server", "RST after FIN", "refused", "unanswered", "given up"],
)
def test_how_connections_ended(packets: list[tuple[int, bytes]], changes: dict[str, int], said: str | None) -> None:
    assert seen(*packets) == NOTHING._replace(**changes)
    if said is not None:
        assert also_seen(analysed(*packets)) == said


@pytest.mark.parametrize("acked", [False, True])
def test_a_capture_that_ends_in_a_stall(acked: bool) -> None:
    again = [(at * MS, down(5001, 1101, ACK | PSH, 200, ident=at)) for at in (400, 900, 1900)]
    ends = [(1950 * MS, up(1101, 5201))] if acked else []
    found = seen(*SYNS, REQUEST, ANSWER, *again, *ends)
    assert (found.data_packets, found.resent, found.ends_waiting) == (5, 3, 0 if acked else 1)
    assert found.stalled_stream == 0
    assert found.longest_stall == pytest.approx(1.87)


def test_a_selection_tells_of_its_own_flows() -> None:
    other = [(at + 1, up(1000, 0, SYN, port=40001)) for at in (60 * MS, SECOND)]
    analysis = analysed(*SYNS, REQUEST, ANSWER, (50 * MS, up(1101, 5201, RST)), *other)
    assert also_seen(analysis) == (
        "Also seen: 1 flow reset by the client; 1 flow whose SYN has no answer in the capture."
    )
    assert also_seen(analysis.where("stream == 1")) == "Also seen: 1 flow whose SYN has no answer in the capture."
