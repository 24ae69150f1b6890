"""A DNS question asked again from another port and with another identifier, each time with its healthy twin."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer.evidence.dns_tries import asked_for
from tests.builders import CLIENT, SECOND, SERVER, SYN, Packet, ipv4, tcp
from tests.datagram_talk import FAR, accused, answer, rules, sent

LARGE = b"\x05large\x07example\x00"
SMALL = b"\x05small\x07example\x00"


def asks(ident: int, name: bytes = LARGE, *, allowed: int = 4096) -> bytes:
    """A question that allows answers of so many bytes; 0: without EDNS."""
    option = b"\0" + (41).to_bytes(2) + allowed.to_bytes(2) + bytes(6) if allowed else b""
    head = ident.to_bytes(2) + bytes.fromhex("012000010000 0000") + (b"\0\1" if allowed else b"\0\0")
    return head + name + bytes.fromhex("00100001") + option


def one_try(
    at: float, number: int, size: int, name: bytes = LARGE, *, allowed: int = 4096, df: bool = False
) -> list[Packet]:
    """A question from a port of its own, and the answer, beside the server."""
    port = 41000 + number
    return [
        sent(at, asks(number, name, allowed=allowed), sport=port),
        sent(at + 0.001, answer(number, size), sport=port, back=True, df=df),
    ]


def tries(
    *sizes: tuple[int, int], gap: float = 1.0, names: tuple[bytes, ...] = (LARGE,), df: bool = False
) -> list[Packet]:
    """A small question that is answered; then one after the other: bytes allowed, and bytes of the answer."""
    packets = one_try(9, 99, 150, SMALL, df=df)
    for i, (allowed, size) in enumerate(sizes):
        packets += one_try(10 + gap * i, i, size, names[i % len(names)], allowed=allowed, df=df)
    return packets


def by_tcp(at: float, client: str = CLIENT) -> list[Packet]:
    return [
        Packet(int(at * SECOND), ipv4(tcp(seq=1, flags=SYN, sport=42000, dport=53), src=client, dst=SERVER, ttl=FAR))
    ]


FALLS_BACK = ((4096, 1400), (4096, 1400), (1232, 90))


def test_large_answers_are_asked_for_again_and_a_smaller_one_is_not() -> None:
    found = accused(tries(*FALLS_BACK))
    assert [(trouble.rule, trouble.sender, trouble.lost) for trouble in found] == [("udp/fragments", SERVER, 1400)]
    assert len(found[0].streams) == 3, "each try is a conversation of its own"


def test_with_df_it_is_a_black_hole_whose_bracket_holds_what_came() -> None:
    [trouble] = accused(tries(*FALLS_BACK, df=True))
    assert (trouble.rule, tuple(trouble.path_mtu)) == ("udp/blackhole-probable", (150, 1399, None))


def test_the_question_goes_on_by_tcp() -> None:
    assert accused([*tries((4096, 1400), (4096, 1400)), *by_tcp(12)])


def test_some_resolvers_write_the_letters_large_and_small_at_random() -> None:
    assert accused(tries(*FALLS_BACK, names=(LARGE, LARGE.upper().replace(b"\x05", b"\x05"))))


def test_a_resolver_that_gives_up_at_last() -> None:
    """As unbound: with 4,096 and 1,472 bytes by turns, and gaps that grow; then other questions of it."""
    gaps, at, packets = (0.3, 0.3, 0.6, 0.6, 1.2, 1.2), 10.0, one_try(9, 99, 150, SMALL)
    for i, gap in enumerate((*gaps, 0.0)):
        packets += one_try(at, i, 1400, allowed=(4096, 1472)[i % 2])
        at += gap
    assert accused(packets)


TWINS: dict[str, Callable[[], list[Packet]]] = {
    "who asks now and then allows as much each time": lambda: tries((4096, 1400), (4096, 1400), (4096, 1400)),
    "and asks at growing gaps": lambda: [
        packet for i, at in enumerate((10, 10.5, 11.5, 13.5, 17.5)) for packet in one_try(at, i, 1400)
    ],
    "one large answer alone is not acted upon": lambda: tries((4096, 1400), (1232, 90)),
    "the smaller one is asked for first": lambda: tries((1232, 90), (4096, 1400), (4096, 1400)),
    "the answer is small each time": lambda: tries((4096, 1200), (4096, 1200), (1232, 90)),
    "the answer is truncated, and TCP follows": lambda: [*tries((4096, 90), (4096, 90)), *by_tcp(10.1)],
    "another host connects by TCP": lambda: [*tries((4096, 1400), (4096, 1400)), *by_tcp(12, "192.0.2.99")],
    "the TCP connection came before": lambda: [*tries((4096, 1400), (4096, 1400)), *by_tcp(9.5)],
    "these are different questions": lambda: tries(*FALLS_BACK, names=(LARGE, b"\x04huge\x07example\x00", SMALL)),
    "small answers are asked for again, too, since none comes for a while": lambda: tries(
        (4096, 1400), (4096, 1400), (1232, 90), (1232, 90), (1232, 90), (1232, 90)
    ),
    "the tries lie far apart": lambda: tries(*FALLS_BACK, gap=16),
    "another answer as large came, and nobody asked again": lambda: [
        *tries(*FALLS_BACK),
        *one_try(12.5, 70, 1400, b"\x05other\x07example\x00"),
    ],
}


@pytest.mark.parametrize("twin", TWINS)
def test_nobody_is_accused_where(twin: str) -> None:
    assert not accused(TWINS[twin]()), twin


def test_a_question_tells_what_it_asks_and_how_large_the_answer_may_be() -> None:
    assert asked_for(asks(1, allowed=1232)) == (LARGE + bytes.fromhex("00100001"), 1232)
    assert asked_for(asks(1, allowed=0)) == (LARGE + bytes.fromhex("00100001"), 512)
    assert asked_for(asks(1)[:20]) is None, "cut by the snap length"


def first_only(at: float, number: int, ttl: int) -> list[Packet]:
    """A try; of the answer, which has this TTL, the first fragment alone."""
    question, whole = one_try(at, number, 1400)
    part = bytearray(whole.data[:1276])
    part[2:4], part[4:6], part[6:8], part[8] = (1276).to_bytes(2), number.to_bytes(2), (0x2000).to_bytes(2), ttl
    asked = question.data[:8] + bytes([64 if ttl == FAR else FAR]) + question.data[9:]
    return [Packet(question.ts, asked), Packet(whole.ts, bytes(part))]


LAST = [
    sent(12, asks(7, allowed=1232), sport=41007, ttl=64),
    sent(12.1, answer(7, 90), sport=41007, back=True, ttl=FAR, df=False),
]


def test_beside_the_client_first_fragments_show_that_the_rest_got_lost() -> None:
    asked = [packet for i in range(2) for packet in first_only(10 + i, i, FAR)]
    assert [trouble.rule for trouble in accused([*asked, *LAST])] == ["udp/fragments-missing"]
    whole = [packet for i in range(2) for packet in one_try(10 + i, i, 1400)]
    there = [Packet(p.ts, p.data[:8] + bytes([FAR if i % 2 else 64]) + p.data[9:]) for i, p in enumerate(whole)]
    assert not accused([*there, *LAST])
    assert {rule for rule, _ in rules([*there, *LAST])} == {"udp/arrived"}


def test_beside_the_server_a_filter_for_ports_shows_no_more_than_first_fragments() -> None:
    asked = [packet for i in range(2) for packet in first_only(10 + i, i, 64)]
    last = one_try(12, 7, 90, allowed=1232)
    assert [trouble.rule for trouble in accused([*asked, *last])] == ["udp/fragments"]
