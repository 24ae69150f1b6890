"""What the laboratory builds is what the tests build, byte by byte, although neither knows the other's code."""

from __future__ import annotations

from typing import Any

import pytest

from lab.headers import build_icmp, build_ip, build_tcp, read_packet, tcp_adds_up
from tests.builders import (
    ACK,
    CLIENT,
    CLIENT6,
    ICMP,
    PSH,
    SERVER,
    SERVER6,
    TCP,
    frag_needed,
    ip,
    ipv4,
    ipv6,
    mss,
    sack,
    tcp,
    too_big,
    with_header_sum,
    with_tcp_sum,
)

ENDS = [(SERVER, CLIENT), (SERVER6, CLIENT6)]


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("options", [b"", mss(1460) + sack((5, 9))])
@pytest.mark.parametrize("payload", [b"", b"odd", bytes(1448)])
def test_segments(ends: tuple[str, str], options: bytes, payload: bytes) -> None:
    numbers: dict[str, Any] = {"seq": 2**32 - 5, "ack": 77, "flags": PSH | ACK, "window": 501}
    built = build_tcp(*ends, (8080, 5000), **numbers, options=options, payload=payload)
    bare = tcp(payload, sport=8080, dport=5000, **numbers, options=options)
    assert built == with_tcp_sum(bare, *ends)
    packet = build_ip(*ends, TCP, built, ttl=63, df=False, identification=9)
    expected = ip(built, src=ends[0], dst=ends[1], ttl=63, df=False, ident=9)
    assert packet == (with_header_sum(expected) if "." in ends[0] else expected)
    seen = read_packet(packet)
    assert seen is not None
    assert (seen.seq, seen.ack, seen.flags, seen.window) == tuple(numbers.values())
    assert (seen.payload_len, seen.has_sack, seen.df) == (len(payload), bool(options), ":" in ends[0])
    assert tcp_adds_up(packet, seen)
    assert not tcp_adds_up(packet[:-1] + bytes([packet[-1] ^ 1]), seen)


def test_answers_of_a_router() -> None:
    quote = ipv4(tcp(bytes(50)))
    assert build_icmp(SERVER, CLIENT, 3, 4, rest=1400, body=quote) == with_header_sum(
        ipv4(frag_needed(1400, quote), src=SERVER, dst=CLIENT, protocol=ICMP, df=False, ident=0)
    )
    quote = ipv6(tcp(bytes(50)))
    assert build_icmp(SERVER6, CLIENT6, 2, 0, rest=1400, body=quote) == ipv6(
        too_big(1400, quote, src=SERVER6, dst=CLIENT6), src=SERVER6, dst=CLIENT6, following=58
    )
