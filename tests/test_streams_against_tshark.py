"""Where tshark's stream numbers differ from ours, as `docs/limits.md` says: it numbers what we do not follow."""

from __future__ import annotations

import shutil
import struct
import zlib
from pathlib import Path

import pytest

from tests.builders import CLIENT, SERVER, Packet, ethernet, ipv4, pcap, tcp
from tests.compare_with_tshark import tshark_fields
from tests.reading import ROOT, skim
from tests.wrapping import MACS, WIFI, Wrap, frame, in_ipv4, in_udp, then, typed

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

HELLO = ipv4(tcp(b"hello", sport=4711, dport=5000))
OTHER = ipv4(tcp(b"other", sport=6000, dport=6001))
LLC = "aaaa03 000000"


def sflow(packet: bytes, wire: int) -> bytes:
    """sFlow version 5: a datagram of one sample of one header."""
    header = frame(packet, wire)
    raw = struct.pack(">4I", 1, len(header), 0, len(header)) + header + bytes(-len(header) % 4)
    sample = struct.pack(">10I", 1, 3, 1000, 1, 0, 1, 2, 1, 1, len(raw)) + raw
    return struct.pack(">9I", 5, 1, 0x0A000001, 0, 1, 1000, 1, 1, len(sample)) + sample


def compressed(packet: bytes, _wire: int) -> bytes:
    """IPComp of the TCP in an IPv4 packet, with DEFLATE (RFC 2394)."""
    deflate = zlib.compressobj(wbits=-15)
    return bytes.fromhex("06 00 0002") + deflate.compress(packet[20:]) + deflate.flush()


def aggregate(packet: bytes, _wire: int) -> bytes:
    """An A-MSDU of one packet."""
    data = bytes.fromhex(LLC + "0800") + packet
    return bytes.fromhex(f"88{WIFI[2:]} 8000") + MACS + len(data).to_bytes(2) + data


def packet_in(packet: bytes, wire: int) -> bytes:
    """A frame that an OpenFlow 1.0 switch hands to its controller, on a connection of its own."""
    data = frame(packet, wire)
    message = struct.pack(">BBHI IHHBB", 1, 10, 18 + len(data), 1, 0xFFFFFFFF, len(data), 1, 0, 0) + data
    return ethernet(ipv4(tcp(message, sport=4000, dport=6653)))


def behind_ethernet(wrap: Wrap) -> Wrap:
    return lambda packet, wire: frame(wrap(packet, wire), wire)


# Name in `docs/limits.md`; link type; what carries the packet; how many connections of both we see in it.
CARRIERS: dict[str, tuple[int, Wrap, int]] = {
    "A-MSDU": (105, aggregate, 0),
    "CAPWAP": (1, behind_ethernet(in_udp(5247, then("00 10 40 00 00000000", frame))), 0),
    "HSR": (1, typed(f"{MACS.hex()} 892f 0034 0001"), 0),
    "IPComp": (1, behind_ethernet(in_ipv4(108, compressed)), 0),
    "LISP": (1, behind_ethernet(in_udp(4341, then("08000000 00000000", lambda packet, _wire: packet))), 0),
    "MPLS in UDP": (1, behind_ethernet(in_udp(6635, then("00010140", lambda packet, _wire: packet))), 0),
    "NSH": (1, then(f"{MACS.hex()} 894f 0fc2 02 01 00000105", lambda packet, _wire: packet), 0),
    "OpenFlow": (1, packet_in, 1),
    "sFlow": (1, behind_ethernet(in_udp(6343, sflow)), 0),
    "TRILL": (1, then(f"{MACS.hex()} 22f3 003f 0001 0002", frame), 0),
    "TZSP": (1, behind_ethernet(in_udp(37008, then("01 00 0001 01", frame))), 0),
}


def streams_of_tshark(path: Path) -> list[str]:
    return [values[0] for _, values in tshark_fields(path, ("frame.number", "tcp.stream"))]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", CARRIERS)
def test_a_connection_that_only_tshark_sees_has_a_number(tmp_path: Path, name: str) -> None:
    link, wrap, seen = CARRIERS[name]
    plain = frame(OTHER, len(OTHER)) if link == 1 else bytes.fromhex(f"{WIFI} {LLC} 0800") + OTHER
    path = tmp_path / "capture.pcap"
    path.write_bytes(
        pcap([Packet(n, data, len(data)) for n, data in enumerate((wrap(HELLO, len(HELLO)), plain))], link=link)
    )
    assert streams_of_tshark(path) == [",".join(map(str, range(seen + 1))), str(seen + 1)]
    assert [int(row["flow"]) for row in skim(path).rows()] == [*range(seen), seen]


def test_a_connection_through_socks_has_a_number_that_no_frame_shows(tmp_path: Path) -> None:
    asked, granted = bytes.fromhex("05010001 c0000201 0050"), bytes.fromhex("05000001 c0000201 0050")
    told = [(True, b"\5\1\0"), (False, b"\5\0"), (True, asked), (False, granted), (True, b"GET / HTTP/1.1\r\n\r\n")]
    sent = {True: 1, False: 1}
    frames = []
    for out, data in told:
        ports = (4000, 1080) if out else (1080, 4000)
        ends = (CLIENT, SERVER) if out else (SERVER, CLIENT)
        segment = tcp(data, sport=ports[0], dport=ports[1], seq=sent[out], ack=sent[not out], flags=0x18)
        frames.append(ethernet(ipv4(segment, src=ends[0], dst=ends[1])))
        sent[out] += len(data)
    frames.append(ethernet(OTHER))
    path = tmp_path / "capture.pcap"
    path.write_bytes(pcap([Packet(n, data, len(data)) for n, data in enumerate(frames)], link=1))
    assert streams_of_tshark(path) == ["0"] * 5 + ["2"]
    assert [int(row["flow"]) for row in skim(path).rows()] == [0] * 5 + [1]


def test_the_page_names_them() -> None:
    _, _, section = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8").partition("## Stream numbers")
    section = section.partition("\n## ")[0]
    assert [name for name in (*CARRIERS, "SOCKS") if name not in section] == []
