"""What stands for a payload: the same for the same bytes, headers in clear, and nothing else of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence.dns_tries import asked_for
from analyzer.evidence.exchanges import DNS, IKE, RADIUS, ike_part, is_answer, is_question
from analyzer.flows.datagram_keys import datagram_key
from analyzer.redaction.datagram_payload import StandIns
from tests.datagram_talk import answer, question
from tests.verdicts.test_conversation_rules import quic

DNS_PORTS, RADIUS_PORTS, IKE_PORTS = frozenset({53, 4000}), frozenset({1812, 4000}), frozenset({500})
NAME = b"\x06secret\x07example\x00"
EDNS = bytes.fromhex("0000290500000000000004") + b"\x0a\x00\x08cookie.."
LONGEST = 2_000


def padded(text: bytes) -> bytes:
    return text.ljust(200, b"S")


SECRET = {
    "dns question": (question(7, NAME) + EDNS, DNS_PORTS),
    "dns answer": (answer(7, 1400) + NAME, DNS_PORTS),
    "radius": (padded(bytes([1, 9, 0, 200]) + b"S" * 40), RADIUS_PORTS),
    "ike": (padded(bytes(16) + bytes([0x2E, 0x20, 35, 8]) + bytes(8) + b"S"), IKE_PORTS),
    "nfs call": (padded(b"SxTy" + bytes(7) + b"\x02" + b"S" * 40), frozenset({2049, 700})),
    "sip": (padded(b"INVITE sip:S"), frozenset({5060})),
    "syslog": (padded(b"<34>S"), frozenset({514})),
    "tftp": (padded(b"\0\1SSS"), frozenset({69, 4000})),
    "quic": (padded(quic(100, ident=b"SSSSSSSS")), frozenset({443})),
    "dtls": (padded(b"\x16\xfe\xfd" + bytes(22) + b"S"), frozenset({443})),
    "openvpn": (padded(b"\x38S"), frozenset({1194})),
}


@pytest.mark.parametrize("kind", SECRET)
def test_nothing_of_the_payload_is_left(kind: str) -> None:
    payload, ports = SECRET[kind]
    made = StandIns().of(payload, ports)
    assert b"SS" not in made
    assert b"secret" not in made.lower()
    assert b"cookie" not in made
    assert len(made) <= min(len(payload), 64)


@pytest.mark.parametrize("kind", SECRET)
def test_the_same_bytes_have_the_same_number_and_others_another(kind: str) -> None:
    payload, ports = SECRET[kind]
    stand_ins = StandIns()
    first = stand_ins.of(payload, ports)
    other = stand_ins.of(payload.replace(b"S", b"T").replace(b"secret", b"public") + b"!", ports)
    assert stand_ins.of(payload, ports) == first
    assert other != first


def test_dns_questions_tell_what_they_ask_only_whether_it_is_the_same() -> None:
    stand_ins = StandIns()
    made = [
        stand_ins.of(question(i, name) + EDNS, DNS_PORTS) for i, name in ((7, NAME), (8, NAME.upper()), (9, b"\x01x\0"))
    ]
    told = [asked_for(each) for each in made]
    assert told[0] == told[1] != told[2]
    assert all(each is not None and each[1] == 0x500 for each in told)
    assert is_question(DNS, made[0])
    assert is_answer(DNS, made[0], stand_ins.of(answer(7, 900), DNS_PORTS))
    assert not is_answer(DNS, made[1], stand_ins.of(answer(7, 900), DNS_PORTS))


def test_radius_and_ike_tell_which_answer_is_whose() -> None:
    stand_ins = StandIns()
    asked, told = (stand_ins.of(bytes([code, 9, 0, 90]) + b"S" * 86, RADIUS_PORTS) for code in (1, 11))
    assert is_answer(RADIUS, asked, told)
    header = b"\x01" * 16 + bytes([53, 0x20, 35])
    parts = [stand_ins.of(header + bytes([flag]) + bytes(12) + bytes([0, 2, 0, 3]) * 9, IKE_PORTS) for flag in (8, 32)]
    assert is_answer(IKE, *parts)
    assert ike_part(parts[0]) is not None


def test_of_quic_packets_of_one_connection_stay_so() -> None:
    stand_ins = StandIns()
    one, two, other = (
        stand_ins.of(quic(900, ident=ident, number=number), frozenset({443}))
        for ident, number in ((b"abcdefgh", 0), (b"abcdefgh", 1), (b"zyxwvuts", 0))
    )
    keys = [datagram_key(bytes(8) + each, 0, 8 + len(each), 880) for each in (one, two, other)]
    assert keys[0] == keys[1] != keys[2]


@given(st.binary(max_size=LONGEST), st.sets(st.sampled_from([53, 69, 443, 500, 1194, 1812, 4500, 5060, 9]), max_size=2))
def test_it_is_never_longer_than_what_was_captured(payload: bytes, ports: set[int]) -> None:
    assert len(StandIns().of(payload, frozenset(ports))) <= len(payload)
