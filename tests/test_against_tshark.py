"""tshark as judge: stream numbers, payload lengths and retransmissions are Wireshark's.

Where the two differ on purpose, a test names the difference. With `--captures=DIR` stream numbers
and lengths are compared on every capture below DIR.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from analyzer.decode.packet_fields import UNDECODED_REASONS
from analyzer.errors import CaptureError
from analyzer.flows.flow_tables import MARK_DUPLICATE, MARK_FILLS, MARK_FRAGMENT, MARK_KEEPALIVE, MARK_RESENT
from tests.builders import (
    ACK,
    CLIENT,
    ETHERNET,
    PSH,
    RAW,
    SERVER,
    SYN,
    Packet,
    block,
    enhanced,
    interface,
    ipv4,
    pcap,
    section,
    tcp,
)
from tests.compare_with_tshark import tshark_fields
from tests.reading import CAPTURES, decode, records, skim
from tests.traffic import random_capture

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

FIELDS = (
    "frame.number",
    "frame.len",
    "frame.protocols",
    "ip.len",
    "tcp.stream",
    "tcp.len",
    "tcp.analysis.retransmission",
    "tcp.analysis.fast_retransmission",
    "tcp.analysis.spurious_retransmission",
    "tcp.analysis.out_of_order",
    "tcp.analysis.keep_alive",
)
PLAIN = re.compile(r"(raw|null|sll|eth)(:ethertype|:vlan)*:(ip|ipv6)(:ipv6\.\w+)*:tcp\b(?!.*:(ip|ipv6):)")


class Line(NamedTuple):
    """What tshark says of one frame."""

    protocols: str
    wire_len: int
    ip_len: int  # 0: not IPv4
    stream: str  # "" where there is none, "1,2" where packets are nested
    payload: str
    resent: bool
    keepalive: bool


def tshark(path: Path) -> dict[int, Line]:
    """tshark's view of every frame that it can read."""
    lines = {}
    for number, values in tshark_fields(path, FIELDS):
        wire_len, protocols, ip_len, stream, payload, *analysis = values
        lines[number] = Line(
            protocols,
            int(wire_len),
            int(ip_len) if ip_len.isdigit() else 0,
            stream,
            payload,
            any(analysis[:4]),
            bool(analysis[4]),
        )
    return lines


@pytest.fixture(scope="module")
def of_captures() -> dict[Path, dict[int, Line]]:
    """tshark's view of every capture of the project; two at a time, for it mostly starts up."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(CAPTURES, pool.map(tshark, CAPTURES), strict=True))


def rows_of(path: Path) -> dict[int, Any]:
    """Ring rows of all TCP packets by frame number."""
    return {int(row["frame"]): row for row in skim(path).rows()}


def written(tmp_path: Path, packets: Iterable[bytes | Packet], *, link: int = RAW) -> Path:
    """A capture of packets one millisecond apart."""
    path = tmp_path / "written.pcap"
    timed = [each if isinstance(each, Packet) else Packet(i * 1_000_000, each) for i, each in enumerate(packets, 1)]
    path.write_bytes(pcap(timed, link=link))
    return path


def to_server(payload: bytes = b"", **fields: Any) -> bytes:
    return ipv4(tcp(payload, **fields), src=CLIENT, dst=SERVER)


def to_client(payload: bytes = b"", **fields: Any) -> bytes:
    return ipv4(tcp(payload, sport=80, dport=40000, **fields), src=SERVER, dst=CLIENT)


def streams(path: Path) -> tuple[list[str], list[str]]:
    """Stream numbers of all TCP packets that both decode: ours and tshark's."""
    rows, theirs = rows_of(path), tshark(path)
    frames = sorted(rows)
    return [str(rows[frame]["flow"]) for frame in frames], [theirs[frame].stream for frame in frames]


# Equal in every way.


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_streams_lengths_and_retransmissions_of_every_capture(
    path: Path, of_captures: dict[Path, dict[int, Line]]
) -> None:
    rows, theirs = rows_of(path), of_captures[path]
    # In ICMP errors tshark numbers the quoted packet too; those frames hold no TCP packet of their own.
    tcp_frames = {frame: line for frame, line in theirs.items() if line.stream and "icmp" not in line.protocols}
    assert {frame: str(row["flow"]) for frame, row in rows.items()} == {
        frame: line.stream for frame, line in tcp_frames.items()
    }
    assert {frame: str(row["payload"]) for frame, row in rows.items()} == {
        frame: line.payload for frame, line in tcp_frames.items()
    }
    # A copy made by the capture is a retransmission to tshark (see below).
    copies = {frame for frame, row in rows.items() if row["marks"] & MARK_DUPLICATE and theirs[frame].resent}
    assert {frame for frame, row in rows.items() if row["marks"] & MARK_RESENT} | copies == {
        frame for frame, line in tcp_frames.items() if line.resent
    }
    assert {frame for frame, row in rows.items() if row["marks"] & MARK_KEEPALIVE and row["payload"]} == {
        frame for frame, line in tcp_frames.items() if line.keepalive and line.payload != "0"
    }


@pytest.mark.parametrize("flows", [5, 400])
def test_stream_numbers_of_traffic_without_sense(tmp_path: Path, flows: int) -> None:
    """Ports reused in every way, errors quoting known and unknown flows, malformed and cut packets."""
    packets = [each for each in random_capture(4 + flows, flows, 1_500) if whole_or_ours(each)]
    path = tmp_path / "random.pcap"
    path.write_bytes(pcap(packets, link=ETHERNET))
    ours, theirs = streams(path)
    assert len(set(ours)) > flows
    assert ours == theirs


def whole_or_ours(packet: Packet) -> bool:
    """False for a first fragment, whose stream tshark numbers only when it is reassembled."""
    frame = packet.data
    return not (frame[12:14] == b"\x08\x00" and len(frame) > 34 and frame[20] & 0x3F)


def test_frame_numbers_of_a_pcapng_with_foreign_blocks(tmp_path: Path) -> None:
    path = tmp_path / "custom.pcapng"
    custom = block(0xBAD, (32473).to_bytes(4, "little") + b"data")
    path.write_bytes(
        section()
        + custom
        + interface()
        + block(5, bytes(12))  # statistics: not numbered
        + enhanced(Packet(1, ipv4(tcp(sport=1))))
        + block(0x40000BAD, (32473).to_bytes(4, "little") + b"data")
        + enhanced(Packet(2, ipv4(tcp(sport=2))))
    )
    theirs = tshark(path)
    assert {frame: str(row["flow"]) for frame, row in rows_of(path).items()} == {
        frame: line.stream for frame, line in theirs.items() if line.stream
    }
    assert set(rows_of(path)) == {2, 4}


# Differences with names.


def test_a_copy_made_by_the_capture_is_no_retransmission(tmp_path: Path) -> None:
    segment = to_server(b"data", seq=1, ack=1)
    path = written(tmp_path, [segment, segment])
    assert rows_of(path)[2]["marks"] & (MARK_DUPLICATE | MARK_RESENT) == MARK_DUPLICATE
    assert tshark(path)[2].resent


def test_bytes_that_only_a_bare_ack_has_passed_fill_a_gap(tmp_path: Path) -> None:
    """An ACK that overtook its data: tshark takes the data for sent before."""
    path = written(tmp_path, [to_server(b"1234", seq=1), to_server(seq=9), to_server(b"5678", seq=5, flags=PSH | ACK)])
    assert not rows_of(path)[3]["marks"] & MARK_RESENT
    assert tshark(path)[3].resent


def test_an_overlap_of_one_byte_is_a_retransmission(tmp_path: Path) -> None:
    """tshark supposes that the byte was a window probe."""
    path = written(tmp_path, [to_server(b"1234", seq=1), to_server(b"4567", seq=4)])
    assert rows_of(path)[2]["marks"] & MARK_RESENT
    assert not tshark(path)[2].resent


def test_a_syn_behind_its_answer_was_seen_late(tmp_path: Path) -> None:
    path = written(tmp_path, [to_client(flags=SYN | ACK, seq=100, ack=2), to_server(flags=SYN, seq=1)])
    assert rows_of(path)[2]["marks"] & MARK_RESENT
    assert not tshark(path)[2].resent


def test_a_length_beyond_the_frame_is_believed(tmp_path: Path) -> None:
    """Capture tools that cut packets often forget their wire length; the IP header keeps the truth."""
    path = written(tmp_path, [Packet(0, to_server(bytes(1000))[:40], 40)])
    assert rows_of(path)[1]["payload"] == 1000
    assert tshark(path)[1].payload in ("", "0")


def test_a_fragmented_segment_counts_at_its_first_fragment(tmp_path: Path) -> None:
    """tshark decodes it in the frame that completes it; the skim does not reassemble."""
    whole = tcp(bytes(300), sport=9)
    first = ipv4(whole[:216], df=False, more=True)
    last = ipv4(whole[216:], df=False, offset=216)
    path = written(tmp_path, [first, last])
    assert {frame: row["payload"] for frame, row in rows_of(path).items()} == {1: 196}
    assert rows_of(path)[1]["marks"] & MARK_FRAGMENT
    assert {frame: line.payload for frame, line in tshark(path).items() if line.stream} == {2: "300"}


def test_an_overtaken_segment_fills_the_hole(tmp_path: Path) -> None:
    """tshark calls it out of order or retransmitted, by its distance in time; here it has both marks."""
    path = written(tmp_path, [to_server(b"1234", seq=1), to_server(b"9", seq=9), to_server(b"5678", seq=5)])
    assert rows_of(path)[3]["marks"] & (MARK_FILLS | MARK_RESENT) == MARK_FILLS | MARK_RESENT
    assert tshark(path)[3].resent


# Any captures, on demand.


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "foreign_capture" in metafunc.fixturenames:
        folder = metafunc.config.getoption("--captures")
        paths = sorted(path for path in Path(folder).rglob("*") if path.is_file()) if folder else []
        metafunc.parametrize("foreign_capture", paths, ids=str)


def test_any_capture(foreign_capture: Path) -> None:
    """Every plain TCP packet has tshark's stream number and length.

    Where tshark numbers packets that the skim does not look into (tunnels) or numbers at another frame
    (fragments), the numbers need only belong together one to one.
    """
    theirs = tshark(foreign_capture)
    try:
        rows = rows_of(foreign_capture)
        reasons = {
            record.frame: decode(record.data, record.link, record.wire_len)[1] for record in records(foreign_capture)
        }
    except CaptureError as error:
        pytest.skip(str(error))
    if not theirs:
        pytest.skip("tshark cannot read it")
    shifted = False
    for frame, line in theirs.items():
        if line.stream and frame not in rows and "icmp" not in line.protocols:
            shifted = True
            assert not PLAIN.match(line.protocols) or reasons[frame] in UNDECODED_REASONS[5:], (frame, line)
    shifted |= any(row["marks"] & MARK_FRAGMENT for row in rows.values())
    forward: dict[int, str] = {}
    backward: dict[str, int] = {}
    for frame, row in rows.items():
        if frame not in theirs or row["marks"] & MARK_FRAGMENT or not theirs[frame].stream:
            continue
        line = theirs[frame]
        ours, stream = int(row["flow"]), line.stream.split(",")[0]
        if not shifted:
            assert str(ours) == stream, frame
        assert forward.setdefault(ours, stream) == stream, frame
        assert backward.setdefault(stream, ours) == ours, frame
        beyond = line.ip_len and line.ip_len > line.wire_len - 14
        assert str(row["payload"]) == line.payload or beyond or not line.payload, (frame, line)
