"""IKEv2: messages sent again, messages cut by IKE itself (RFC 7383), the move to port 4500; each with its twin."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer.evidence.exchanges import ike_part
from tests.builders import CLIENT, SERVER, Packet
from tests.datagram_talk import FAR, accused, analysed, rules, sent

INITIATOR, RESPONDER = b"initiate", b"response"
SA_INIT, AUTH, INFORMATIONAL = 34, 35, 37
MARKER = bytes(4)


def message(
    size: int,
    number: int,
    *,
    kind: int = AUTH,
    answers: bool = False,
    part: tuple[int, int] | None = None,
    port: int = 4500,
) -> bytes:
    """An IKEv2 message, or a part of one, in an IP packet of so many bytes."""
    following = 53 if part else 46
    head = INITIATOR + RESPONDER + bytes([following, 0x20, kind, 0x20 if answers else 0x08]) + number.to_bytes(4)
    length = size - 28 - (4 if port == 4500 else 0)
    head += length.to_bytes(4)
    if part:
        head += bytes([36, 0]) + (length - 28).to_bytes(2) + part[0].to_bytes(2) + part[1].to_bytes(2)
    body = head.ljust(length, bytes([number + (part[0] if part else 0)]))
    return (MARKER if port == 4500 else b"") + body


def ike(
    at: float, content: bytes, *, back: bool = False, port: int = 4500, far: bool = False, df: bool = True
) -> Packet:
    """Beside the initiator; `far`: of what it sends, beside the responder."""
    ttl = (64 if back else FAR) if far else (FAR if back else 64)
    return sent(at, content, sport=port, dport=port, back=back, ttl=ttl, df=df)


def begun(port: int = 4500, *, far: bool = False) -> list[Packet]:
    """IKE_SA_INIT, which is answered."""
    return [
        ike(5, message(912, 0, kind=SA_INIT, port=port), port=port, far=far),
        ike(5.1, message(293, 0, kind=SA_INIT, answers=True, port=port), back=True, port=port, far=far),
    ]


TIMES = (6, 10, 17.2, 30.2)
"""strongSwan's: 4 s, and 1.8 times as long each time."""


def again(*contents: bytes, times: tuple[float, ...] = TIMES, far: bool = False, df: bool = True) -> list[Packet]:
    return [ike(at + i / 1000, each, far=far, df=df) for at in times for i, each in enumerate(contents)]


def parts(*sizes: int, number: int = 1, answers: bool = False) -> tuple[bytes, ...]:
    return tuple(message(s, number, part=(i, len(sizes)), answers=answers) for i, s in enumerate(sizes, 1))


def test_a_large_request_that_is_never_answered_after_a_smaller_one_was() -> None:
    [trouble] = accused([*begun(), *again(message(1400, 1))])
    assert (trouble.rule, trouble.sender, trouble.lost) == ("udp/blackhole-probable", CLIENT, 1400)
    assert tuple(trouble.path_mtu) == (912, 1399, None)


def test_of_a_message_that_ike_cut_the_small_last_part_does_not_speak_against_it() -> None:
    [trouble] = accused([*begun(), *again(*parts(1400, 1400, 600))])
    assert (trouble.rule, trouble.lost) == ("udp/blackhole-probable", 1400)


def test_an_answer_of_several_parts_is_asked_for_again() -> None:
    answers = [
        ike(at + 0.01 * i, each, back=True, far=True)
        for at in TIMES
        for i, each in enumerate(parts(1400, 600, answers=True), 1)
    ]
    asked = [ike(at, message(700, 1), far=True) for at in TIMES]
    [trouble] = accused([*begun(far=True), *asked, *answers])
    assert (trouble.rule, trouble.sender, trouble.lost) == ("udp/blackhole-probable", SERVER, 1400)


def test_beside_the_receiver_the_last_part_comes_again_and_the_first_never() -> None:
    last = parts(1400, 600)[1]
    [trouble] = accused([*begun(far=True), *again(last, far=True)])
    assert (trouble.rule, trouble.sender, trouble.confidence) == ("udp/parts-missing", CLIENT, "low")


TWINS: dict[str, Callable[[], list[Packet]]] = {
    "it is answered at last": lambda: [
        *begun(),
        *again(message(1400, 1)),
        ike(31, message(1200, 1, answers=True), back=True),
    ],
    "all parts are small": lambda: [*begun(), *again(*parts(1200, 1200, 600))],
    "another small message is not answered either": lambda: [
        *begun(),
        *again(message(1400, 1)),
        *again(message(200, 2, kind=INFORMATIONAL), times=(7, 11, 18)),
    ],
    "it was sent twice": lambda: [*begun(), *again(message(1400, 1), times=TIMES[:2])],
    "both parts come": lambda: [*begun(far=True), *again(*parts(1400, 600), far=True)],
    "the first part came once": lambda: [
        *begun(far=True),
        *again(*parts(1200, 600), times=TIMES[:1], far=True),
        *again(parts(1200, 600)[1], times=TIMES[1:], far=True),
    ],
    "it was answered: the capture misses a part": lambda: [
        *begun(far=True),
        *again(parts(1400, 600)[1], far=True),
        *(ike(at + 0.1, message(700, 1, answers=True), back=True, far=True) for at in TIMES),
    ],
    "the first part comes again, and the last never": lambda: [*begun(far=True), *again(parts(1200, 600)[0], far=True)],
    "the last part came twice": lambda: [*begun(far=True), *again(parts(1400, 600)[1], times=TIMES[:2], far=True)],
    "the first part is missing in the sender's capture": lambda: [*begun(), *again(parts(1400, 600)[1])],
}


@pytest.mark.parametrize("twin", TWINS)
def test_nobody_is_accused_where(twin: str) -> None:
    assert not accused(TWINS[twin]()), twin


@pytest.mark.parametrize("df", [True, False])
def test_where_nothing_of_port_4500_comes_back_a_firewall_may_drop_that_port(df: bool) -> None:
    moved = [*begun(500), *again(message(1400, 1), df=df)]
    assert not accused(moved)
    assert rules(moved) == [("udp/moved", "low")]
    [trouble] = analysed(moved).all_troubles
    assert (trouble.verdict, trouble.sender, trouble.lost) == ("inconclusive", CLIENT, None)
    assert "Capture at the other end" in trouble.explanation


def test_first_fragments_alone_beside_the_receiver() -> None:
    def first(packet: Packet, ident: int) -> Packet:
        part = bytearray(packet.data[:1276])
        part[2:4], part[4:6], part[6:8] = (1276).to_bytes(2), ident.to_bytes(2), (0x2000).to_bytes(2)
        return Packet(packet.ts, bytes(part))

    cut = [first(each, i) for i, each in enumerate(again(message(2176, 1), far=True, df=False))]
    assert not accused([*begun(far=True), *cut])
    assert rules([*begun(far=True), *cut]) == [("udp/fragments-hidden", "low")], "a filter for ports shows no more"
    later = Packet(cut[0].ts, cut[0].data[:6] + (1 + 100).to_bytes(2) + cut[0].data[8:])
    shown = Packet(later.ts, later.data[:12] + bytes(3) + b"\x09" + later.data[16:])
    [trouble] = accused([*begun(far=True), *cut, shown])
    assert (trouble.rule, trouble.sender) == ("udp/fragments-missing", CLIENT)


def test_parts_are_read_whichever_port_they_came_by() -> None:
    assert ike_part(parts(1400, 600)[1]) == (2, 2)
    assert ike_part(message(900, 1, part=(1, 3), port=500)) == (1, 3)
    assert ike_part(message(900, 1)) is None
    assert ike_part(parts(1400, 600)[1][:36]) is None, "cut by the snap length"
