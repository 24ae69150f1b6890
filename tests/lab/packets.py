"""Packets and recordings for the tests of the laboratory, not built by the laboratory's own header code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lab.capture_file import ETHERNET, CaptureFile, Record
from tests.builders import CLIENT, SECOND, SERVER, ethernet, ip, tcp, with_header_sum, with_tcp_sum

PORTS = (8080, 5000)  # the server's, the client's


def segment(
    payload: bytes, *, ends: tuple[str, str] = (SERVER, CLIENT), ports: tuple[int, int] = PORTS, **fields: Any
) -> bytes:
    """A packet from the first of `ends` to the second, with right checksums; `fields` as in the builder of TCP."""
    bare = tcp(payload, sport=ports[0], dport=ports[1], **fields)
    packet = ip(with_tcp_sum(bare, *ends), src=ends[0], dst=ends[1])
    return packet if ":" in ends[0] else with_header_sum(packet)


def recording(packets: Iterable[tuple[float, bytes]]) -> CaptureFile:
    """Of (second, IP packet)."""
    frames = [(round(at * SECOND), ethernet(packet)) for at, packet in packets]
    return CaptureFile(ETHERNET, 2000, tuple(Record(ns, len(frame), frame) for ns, frame in frames))
