"""UDP conversations in which datagrams are sent again, each with a twin: the same but for what makes it harmless."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer.verdicts.conversation_rules import UDP
from tests.builders import CLIENT, ICMP, SECOND, SERVER, Packet, frag_needed, ipv4
from tests.datagram_talk import FAR, accused, answer, question, rules, sent


def dns(
    size: int = 1400, *, asked: int = 4, df: bool = True, also: bool = True, ttl: int | None = None, v6: bool = False
) -> list[Packet]:
    """A question asked again although it was answered; meanwhile another one is answered, and not asked again."""
    more = 20 if v6 else 0
    packets = []
    for i in range(asked):
        packets.append(sent(10 + i, question(77), v6=v6, ttl=None if ttl is None else 64))
        packets.append(sent(10.01 + i, answer(77, size - more), back=True, df=df, v6=v6, ttl=ttl))
    if also:
        packets += [
            sent(11.2, question(5), sport=40001, v6=v6, ttl=None if ttl is None else 64),
            sent(11.21, answer(5, 120), sport=40001, back=True, df=df, v6=v6, ttl=ttl),
        ]
    return packets


def test_an_answer_that_is_asked_for_again_while_smaller_ones_are_not_is_probably_in_a_black_hole() -> None:
    assert rules(dns()) == [("udp/blackhole-probable", "low")]
    [trouble] = accused(dns())
    assert (trouble.sender, trouble.receiver, trouble.lost) == (SERVER, CLIENT, 1400)
    assert tuple(trouble.path_mtu) == (120, 1399, None)
    assert trouble.streams == (trouble.example,)
    assert trouble.display_filter == f"udp.stream eq {trouble.example}"
    assert "edns" in " ".join(fix.command for fix in trouble.fixes)


def test_without_df_fragments_get_lost() -> None:
    [trouble] = accused(dns(df=False))
    assert trouble.rule == "udp/fragments"
    assert tuple(trouble.path_mtu) == (None, None, None)


def test_of_ipv6_routers_fragment_nothing() -> None:
    assert rules(dns(v6=True)) == [("udp/blackhole-probable", "low")]


def test_several_datagrams_that_are_stuck_while_smaller_ones_pass_are_a_black_hole() -> None:
    two = [
        *dns(),
        *(sent(20 + i, question(78)) for i in range(4)),
        *(sent(20.01 + i, answer(78, 1401), back=True) for i in range(4)),
    ]
    assert rules(two) == [("udp/blackhole", "medium")]


TWINS: dict[str, Callable[[], list[Packet]]] = {
    "the answer is small": lambda: dns(1200),
    "it is asked for again only once": lambda: dns(asked=2),
    "it was captured where it had arrived": lambda: dns(ttl=FAR),
    "the one asking polls": lambda: dns(asked=12),
    "an answer as large is not asked for again": lambda: [
        *dns(),
        sent(12.4, question(6), sport=40002),
        sent(12.41, answer(6, 1400), sport=40002, back=True),
    ],
    "small answers are asked for again, too": lambda: [
        *dns(),
        *(sent(30 + i, question(9)) for i in range(4)),
        *(sent(30.01 + i, answer(9, 120), back=True) for i in range(4)),
    ],
    "the server is slow: it answers after it was asked again": lambda: [
        *(sent(10 + i, question(77)) for i in range(4)),
        *(sent(13.5 + i / 10, answer(77, 1400), back=True) for i in range(4)),
        *dns(120, asked=1),
    ],
    "the copies are the capture's": lambda: [
        Packet(int(10 * SECOND + i * 1000), packet.data) for i, packet in enumerate(dns(also=False))
    ],
}


@pytest.mark.parametrize("twin", TWINS)
def test_nobody_is_accused_where(twin: str) -> None:
    assert not accused(TWINS[twin]()), twin
    assert accused(dns())


def test_without_a_control_it_is_no_more_than_a_guess() -> None:
    assert rules(dns(also=False)) == [("udp/suspected", "low")]


def large_question(times: int = 4, *, size: int = 1400, port: int = 1812) -> list[Packet]:
    """A RADIUS request sent again and again by the client, beside which the capture is taken."""
    request = (bytes([1, 9]) + (size - 28).to_bytes(2)).ljust(size - 28, b"\x05")
    small = (bytes([1, 8]) + (100).to_bytes(2)).ljust(100, b"\x06")
    challenge = (bytes([11, 8]) + (90).to_bytes(2)).ljust(90, b"\x07")
    return [
        sent(5, small, dport=port, ttl=64),
        sent(5.1, challenge, dport=port, back=True, ttl=FAR),
        *(sent(6 + 3 * i, request, dport=port, ttl=64) for i in range(times)),
    ]


def test_a_large_request_that_is_never_answered_after_smaller_ones_were() -> None:
    [trouble] = accused(large_question())
    assert trouble.rule == "udp/blackhole-probable"
    assert (trouble.sender, trouble.receiver, trouble.lost) == (CLIENT, SERVER, 1400)
    assert "Framed-MTU" in " ".join(fix.command for fix in trouble.fixes)


def test_a_request_that_is_answered_at_last_is_none() -> None:
    response = (bytes([2, 9]) + (90).to_bytes(2)).ljust(90, b"\x07")
    answered = [*large_question(), sent(20, response, dport=1812, back=True, ttl=FAR)]
    assert not accused(answered)


@pytest.mark.parametrize("size", [60, 1400])
def test_questions_that_nobody_answers_accuse_nobody(size: int) -> None:
    unanswered = [sent(5 + i, question(3).ljust(size, b"\0")) for i in range(4)]
    assert not accused(unanswered)
    assert rules(unanswered) == [("udp/no-answer", "low")]


@pytest.mark.parametrize("port", [514, 123, 5004, 5353, 6343])
def test_traffic_that_wants_no_answer_accuses_nobody(port: int) -> None:
    one_way = [sent(5 + i / 10, bytes(1440), dport=port) for i in range(100)]
    assert rules(one_way) == []
    assert not accused(one_way)


def test_what_is_sent_again_at_regular_times_is_no_retransmission() -> None:
    """A camera that repeats a picture while the other end now and then sends a keep-alive."""
    regular = [sent(5 + i, b"q" * 1400, dport=7000, ttl=64) for i in range(30)]
    alive = [sent(4.5, b"up", dport=7000, ttl=64), sent(4.6, b"up", dport=7000, back=True, ttl=FAR)]
    assert not accused([*regular, *alive])


def test_a_timer_that_doubles_shows_a_retransmission_of_any_protocol() -> None:
    doubled = [sent(5 + at, b"q" * 1400, dport=7000, ttl=64) for at in (0, 1, 3, 7, 15)]
    before = [sent(4.5, b"up", dport=7000, ttl=64), sent(4.6, b"up", dport=7000, back=True, ttl=FAR)]
    assert [trouble.rule for trouble in accused([*doubled, *before])] == ["udp/blackhole-probable"]


def quic(size: int, kind: int = 0xC3, ident: bytes = b"abcdefgh", number: int = 0) -> bytes:
    header = bytes([kind]) + (1).to_bytes(4) + bytes([len(ident)]) + ident + b"\0" + number.to_bytes(4)
    return header.ljust(size - 28, bytes([number]))


def test_quic_probing_sizes_by_itself_is_normal() -> None:
    """RFC 9000 14.3, RFC 8899: probes of growing size that get lost, among packets that pass."""
    talk = [sent(5, quic(1250), ttl=64, dport=443), sent(5.1, quic(1250, ident=b"zyx"), back=True, ttl=FAR, dport=443)]
    for i in range(6):
        probe = bytes([0x40, i]) * ((1400 + 10 * i) // 2)
        talk.append(sent(6 + i, probe, ttl=64, dport=443))
        talk.append(sent(6.1 + i, bytes([0x41, i]) * 20, ttl=64, dport=443))
        talk.append(sent(6.2 + i, bytes([0x42, i]) * 20, back=True, ttl=FAR, dport=443))
    assert not accused(talk)


def test_initials_that_nobody_answers_accuse_nobody() -> None:
    """A firewall that lets no QUIC pass looks so (the program falls back to TCP)."""
    initials = [sent(5 + 2**i / 5, quic(1350, number=i), ttl=64, dport=443) for i in range(6)]
    assert not accused(initials)
    assert rules(initials) == [("udp/no-answer", "low")]


def told(mtu: int, at: float, datagram: Packet) -> Packet:
    message = frag_needed(mtu, datagram.data[:60])
    return Packet(int(at * SECOND), ipv4(message, src="192.0.2.254", dst=SERVER, protocol=ICMP))


def test_a_ptb_that_is_obeyed_is_pmtud_at_work() -> None:
    large = sent(5, b"L" * 1400, back=True, dport=7000)
    after = sent(7, b"l" * 1200, back=True, dport=7000)
    assert rules([large, told(1300, 5.01, large), after]) == [("udp/pmtud-works", "medium")]


def test_the_same_datagram_sent_again_in_spite_of_a_ptb_ignores_it() -> None:
    larges = [sent(5 + 3 * i, b"L" * 1400, back=True, dport=7000) for i in range(3)]
    assert rules([*larges, told(1300, 5.01, larges[0])]) == [("udp/ptb-ignored", "medium")]


@pytest.mark.parametrize(("gap", "rule"), [(0.5, "ptb-pending"), (3, "ptb-ignored"), (299, "ptb-ignored")])
def test_until_it_may_have_forgotten_the_ptb(gap: float, rule: str) -> None:
    """RFC 1191 6.3: after five minutes a host may try larger ones again."""
    larges = [sent(5 + at, b"L" * 1400, back=True, dport=7000) for at in (0, gap)]
    assert rules([*larges, told(1300, 5.01, larges[0])]) == [(f"udp/{rule}", "medium" if gap > 1 else "low")]


@pytest.mark.parametrize("gap", [301, 660, 3600])
def test_twin_that_is_tried_again_later_is_not_ignored(gap: float) -> None:
    larges = [sent(5 + at, b"L" * 1400, back=True, dport=7000) for at in (0, gap)]
    once = [*larges, told(1300, 5.01, larges[0])]
    assert rules(once) == [("udp/ptb-pending", "low")]
    assert rules([*once, told(1300, 5.01 + gap, larges[1])]) == [("udp/ptb-pending", "low")]
    soon = sent(8 + gap, b"L" * 1400, back=True, dport=7000)
    assert rules([*once, told(1300, 5.01 + gap, larges[1]), soon]) == [("udp/ptb-ignored", "medium")]


def test_each_rule_has_an_id_of_its_own() -> None:
    assert len({rule.id for rule in UDP}) == len(UDP)
    assert all(rule.id.startswith("udp/") for rule in UDP)
