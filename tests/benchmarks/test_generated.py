"""The benchmark's captures: always the same bytes, consistent TCP, and what is said of them is in them."""

from __future__ import annotations

import hashlib
import io
import shutil
import struct
import subprocess
from collections import Counter
from pathlib import Path

import dpkt
import numpy as np
import pytest

import analyzer
from benchmarks.forms import FORMS
from benchmarks.generate import IN_FORMS, KINDS, write, write_file
from benchmarks.layout import MSS
from benchmarks.lossy import EPISODES, RATE, Lossy, episode
from benchmarks.short import PACKETS

PACKETS_MADE = {
    "bulk": 700,
    "snap96": 3001,
    "turns": 3000,
    "one_flow": 30,
    "flows": 3000,
    "hung": 3000,
    "lossy": 8000,
    "udp": 3000,
    "pcapng": 700,
    "vxlan": 700,
}
DIGESTS = {
    "bulk": "4a5513f6605e0a61",
    "snap96": "0c2b6ebf1b2c3b11",
    "turns": "0cad4dbd432e1f26",
    "one_flow": "12043ddd8a6f2f7a",
    "flows": "24a1c54b5279cb63",
    "hung": "c88f2447c1baf8a4",
    "lossy": "51cae23b4394401a",
    "udp": "e31899f697f35f87",
    "pcapng": "e87066cc49874d52",
    "vxlan": "117f75c933afc98d",
}
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def made(kind: str, packets: int | None = None) -> bytes:
    out = io.BytesIO()
    write(KINDS[kind](packets or PACKETS_MADE[kind]), out)
    return out.getvalue()


def on_disk(kind: str, directory: Path, packets: int | None = None) -> Path:
    path = directory / f"{kind}.pcap"
    path.write_bytes(made(kind, packets))
    return path


def tshark(path: Path, *options: str) -> list[str]:
    done = subprocess.run(["tshark", "-n", "-r", str(path), *options], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bytes_every_time(kind: str) -> None:
    """Captures are kept and compared from one machine to the next, so a change of their bytes must be meant."""
    assert hashlib.sha256(made(kind)).hexdigest()[:16] == DIGESTS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_every_packet_that_was_promised(kind: str, tmp_path: Path) -> None:
    source = KINDS[kind](PACKETS_MADE[kind])
    path = on_disk(kind, tmp_path)
    with path.open("rb") as file:
        records = list(dpkt.pcap.UniversalReader(file))
    assert len(records) == source.packets
    times = [time for time, _ in records]
    assert times == sorted(times)
    flows = set()
    for _, packet in records:
        ip = dpkt.ethernet.Ethernet(packet).data
        header = bytes(packet[14:34])
        assert dpkt.in_cksum(header) == 0, "the checksum of the IP header"
        if kind == "vxlan":
            inner = bytes(ip.data.data)[8:]
            assert dpkt.in_cksum(inner[14:34]) == 0
            ip = dpkt.ethernet.Ethernet(inner).data
        tcp = ip.data  # or a UDP datagram: both have ports
        flows.add(frozenset(((ip.src, tcp.sport), (ip.dst, tcp.dport))))
    assert len(flows) == source.flows


@pytest.mark.parametrize("form", FORMS)
def test_the_tool_sees_the_same_transfers_in_every_form(form: str) -> None:
    out = io.BytesIO()
    write(IN_FORMS[form](700), out)
    found = analyzer.analyze(io.BytesIO(out.getvalue()))
    assert (found.totals.tcp_packets, found.totals.flows, found.totals.verdicts) == (700, 10, {"ok": 10})
    assert not found.totals.undecoded


@pytest.mark.parametrize("packets", [1, 3, 4, 5, 41, 42, 60, 141, 142, 143, 144])
def test_a_capture_ends_after_any_packet(packets: int) -> None:
    assert len(list(dpkt.pcap.Reader(io.BytesIO(made("snap96", packets))))) == packets


def test_long_captures_go_on_where_the_chunk_ended() -> None:
    """Two chunks and a bit: every byte is sent once and in order, across the borders of chunks."""
    packets = 3 * 65_536
    data = made("one_flow", packets)
    expected: int | None = None
    seen = 0
    for _, packet in dpkt.pcap.Reader(io.BytesIO(data)):
        seen += 1
        sport, _, seq = struct.unpack_from(">HHI", packet, 34)
        if sport == 443 and packet[16:18] == b"\x05\xdc":
            assert expected in {None, seq}
            expected = (seq + MSS) & 0xFFFF_FFFF
    assert seen == packets


@pytest.mark.parametrize("suffix", [".pcap.gz", ".pcap.zst"])
def test_compressed_captures_hold_the_same(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"capture{suffix}"
    source = KINDS["snap96"](3001)
    write_file(source, path)
    first = path.read_bytes()
    write_file(source, path)
    assert path.read_bytes() == first
    assert analyzer.analyze(path).totals == analyzer.analyze(on_disk("snap96", tmp_path)).totals


@needs_tshark
def test_wireshark_sees_four_retransmissions_of_each_hung_flow(tmp_path: Path) -> None:
    path = on_disk("hung", tmp_path)
    flagged = tshark(path, "-Y", "tcp.analysis.flags || _ws.malformed || !tcp", "-T", "fields", "-e", "tcp.stream")
    again = tshark(path, "-Y", "tcp.analysis.retransmission", "-T", "fields", "-e", "tcp.stream")
    assert flagged == again
    assert Counter(Counter(again).values()) == {4: PACKETS_MADE["hung"] // 10}


def test_each_hung_flow_hangs_between_the_same_hosts() -> None:
    analysis = analyzer.analyze(io.BytesIO(made("hung")))
    assert analysis.totals.verdicts == {"blackhole_probable": PACKETS_MADE["hung"] // 10}
    assert len(analysis.all_findings) == 1


@needs_tshark
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("hung", "lossy")])
def test_wireshark_has_nothing_to_object_to(kind: str, tmp_path: Path) -> None:
    path = on_disk(kind, tmp_path)
    transport = "udp" if kind == "udp" else "tcp"
    assert tshark(path, "-Y", f"tcp.analysis.flags || _ws.malformed || !{transport}") == []


def test_the_tool_follows_every_conversation_of_udp_and_accuses_none() -> None:
    found = analyzer.analyze(io.BytesIO(made("udp")))
    assert found.totals.udp_flows == KINDS["udp"](PACKETS_MADE["udp"]).flows
    assert sum(flow.packet_count for flow in found.all_udp_flows) == PACKETS_MADE["udp"]
    assert found.totals.udp_verdicts == {"ok": 60, "not_exercised": 240}


@needs_tshark
def test_wireshark_sees_the_losses_that_were_played(tmp_path: Path) -> None:
    source = Lossy(8000, 1)
    path = on_disk("lossy", tmp_path)
    again = tshark(path, "-Y", "tcp.analysis.retransmission || tcp.analysis.out_of_order")
    assert len(again) == source.retransmitted
    assert tshark(path, "-Y", "_ws.malformed || tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment") == []


@pytest.mark.parametrize("seed", range(EPISODES))
def test_an_episode_loses_one_in_twenty_and_ends_complete(seed: int) -> None:
    played = episode(seed)
    data = played.rows[played.rows[:, 1] == 1]
    acks = played.rows[played.rows[:, 1] == 0]
    segments = Counter(data[:, 2].tolist())
    assert set(segments) == set(range(len(segments)))
    assert sum(segments.values()) - len(segments) == played.retransmitted
    assert 0.8 * RATE < played.retransmitted / len(segments) < 1.25 * RATE
    assert acks[-1, 2] == len(segments)
    assert (np.diff(acks[:, 2]) >= 0).all(), "the cumulative ACK never goes back"


@pytest.mark.parametrize("seed", range(EPISODES))
def test_sack_blocks_name_what_was_sent_and_is_still_beyond_the_ack(seed: int) -> None:
    sent: set[int] = set()
    for row in episode(seed).rows.tolist():
        _, data, number, blocks, *edges = row
        if data:
            sent.add(number)
            continue
        assert number == 0 or number - 1 in sent
        named: set[int] = set()
        for left, right in zip(edges[: 2 * blocks : 2], edges[1 : 2 * blocks : 2], strict=True):
            assert number < left < right
            block = set(range(left, right))
            assert block <= sent
            assert not block & named
            named |= block


def test_the_tool_says_of_them_what_was_played(tmp_path: Path) -> None:
    verdicts = {"lossy": {"loss"}, "flows": {"ok"}, "snap96": {"ok"}, "vxlan": {"ok"}, "bulk": {"ok"}}
    for kind, expected in verdicts.items():
        analysis = analyzer.analyze(on_disk(kind, tmp_path))
        source = KINDS[kind](PACKETS_MADE[kind])
        assert analysis.totals.packets == source.packets
        assert len(analysis.flows) == source.flows
        assert set(analysis.flows["verdict"]) == expected


def test_a_short_flow_is_whole(tmp_path: Path) -> None:
    packets = analyzer.analyze(on_disk("flows", tmp_path, 300)).flow(17).packets
    assert len(packets) == PACKETS
    assert packets["fate"].eq("lost").sum() == 0
    assert packets["flags"].str.contains("F").sum() == 2
