"""Large datagrams without an answer, of each protocol and seen from each place, beside twins that differ in the reason.

What got lost for its size is told where it shows; nobody is accused where small ones fared no better, where somebody
says another reason, where the answer was late, and where the capture cannot tell.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.model.verdicts import SIZE_PROBLEMS
from tests.builders import Packet
from tests.datagram_story import ASKING, POINTS, SPEECHES, UNREACHABLE_BY, Speech, Told, cut_at, one_in, refusals, seen
from tests.datagram_talk import accused, analysed
from tests.profiles import examples

START = 10.0
"""When the large one is sent first, or asked for."""

DOUBLING = (0.0, 1.0, 3.0, 7.0, 15.0)
END = START + DOUBLING[-1]

REQUESTS = [(name, "request") for name in SPEECHES]
REPLIES = [(name, "reply") for name in ASKING]
KINDS = [*REQUESTS, *REPLIES]
"""Protocol, and which of the two is large; where nothing tells what answers what, any answer is one to all before."""


def small(
    speech: Speech, at: float, number: int, *, port: int = 40001, df: bool = True, wait: float = 0.05
) -> list[Told]:
    """A small question and its answer."""
    return [
        Told(at, speech.ask(number, 120), port=port, df=df),
        Told(at + wait, speech.answer(number, 130), back=True, port=port, df=df),
    ]


def large(
    speech: Speech,
    kind: str,
    *,
    size: int = 1400,
    gaps: tuple[float, ...] = DOUBLING,
    df: bool = True,
    comes: bool = False,
) -> list[Told]:
    """A large question again and again; or a small one of which each large answer gets lost."""
    found = []
    for gap in gaps:
        if kind == "request":
            found.append(Told(START + gap, speech.ask(50, size), comes=comes, df=df, port=40001))
        else:
            found.append(Told(START + gap, speech.ask(50, 130), df=df, port=40001))
            found.append(Told(START + gap + 0.05, speech.answer(50, size), back=True, comes=comes, df=df, port=40001))
    return found


def before(speech: Speech, *, df: bool = True) -> list[Told]:
    return [*small(speech, 5, 1, df=df), *small(speech, 6, 2, df=df)]


def fault(name: str, kind: str, *, df: bool = True) -> list[Told]:
    speech = SPEECHES[name]
    return [*before(speech, df=df), *large(speech, kind, df=df)]


def beside(kind: str) -> str:
    """Where the sender of the large ones is."""
    return "client" if kind == "request" else "server"


@pytest.mark.parametrize("df", [True, False])
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_the_fault_is_told_where_it_shows(name: str, kind: str, point: str, df: bool) -> None:
    """Behind the loss nothing shows but that there is no answer."""
    found = accused(seen(fault(name, kind, df=df), SPEECHES[name], point))
    verdict = "blackhole_probable" if df else "fragment_loss"
    assert [trouble.verdict for trouble in found] == ([verdict] if point in ("before", beside(kind)) else [])


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_smaller_ones_that_pass_meanwhile_do_not_excuse_it(name: str, kind: str, point: str) -> None:
    """Of another conversation of the hosts, as here, or of the same."""
    speech = SPEECHES[name]
    meanwhile = [one for i in range(3) for one in small(speech, START + 2 + 4 * i, 60 + i, port=40002 + i)]
    found = accused(seen([*fault(name, kind), *meanwhile], speech, point))
    assert bool(found) is (point in ("before", beside(kind)))


def unanswered(speech: Speech, numbers: range, ports: tuple[int, ...], *, comes: bool = False) -> Iterator[Told]:
    """Small questions, each sent once."""
    for i, number in enumerate(numbers):
        yield Told(START + 1.5 + i, speech.ask(number, 120), comes=comes, port=ports[i % len(ports)])


def again(speech: Speech, kind: str, *, port: int = 40003) -> Iterator[Told]:
    """A small one of another conversation, which was answered before, sent or asked for again all the time."""
    yield from small(speech, 5.5, 30, port=port)
    for gap in DOUBLING:
        yield Told(START + 0.2 + gap, speech.ask(31, 120), comes=kind == "reply", port=port)
        if kind == "reply":
            yield Told(START + 0.25 + gap, speech.answer(31, 140), back=True, comes=False, port=port)


def after(speech: Speech) -> list[Told]:
    """The outage ends."""
    return [one for i in range(4) for one in small(speech, END + 3 + i, 80 + i, port=40020 + i)]


Twin = Callable[[Speech, str], list[Told]]

OUTAGES: dict[str, Twin] = {
    "another conversation hangs": lambda speech, kind: list(again(speech, kind)),
    "another conversation hangs, then all go on": lambda speech, kind: [*again(speech, kind), *after(speech)],
    "other hosts' programs, too": lambda speech, kind: [*again(speech, kind), *again(speech, kind, port=40004)],
}
SILENCE: dict[str, Twin] = {
    "it answers no small ones of the conversation": lambda speech, _: list(
        unanswered(speech, range(70, 74), (40001,))
    ),
    "it answers no small ones of other ports": lambda speech, _: list(
        unanswered(speech, range(70, 74), (40010, 40011, 40012, 40013))
    ),
    "they come, and are not answered": lambda speech, _: list(
        unanswered(speech, range(70, 74), (40010, 40011, 40012, 40013), comes=True)
    ),
    "then it answers again": lambda speech, _: [
        *unanswered(speech, range(70, 74), (40010, 40011, 40012, 40013)), *after(speech),
    ],
}  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("twin", OUTAGES)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_in_an_outage_small_ones_hang_likewise(name: str, kind: str, twin: str, point: str) -> None:
    speech = SPEECHES[name]
    story = [*fault(name, kind), *OUTAGES[twin](speech, kind)]
    found = analysed(seen(story, speech, point))
    assert not {flow.verdict for flow in found.all_udp_flows} & SIZE_PROBLEMS


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("twin", SILENCE)
@pytest.mark.parametrize(("name", "kind"), REQUESTS)
def test_a_server_that_answers_nobody_says_nothing_of_sizes(name: str, kind: str, twin: str, point: str) -> None:
    speech = SPEECHES[name]
    assert not accused(seen([*fault(name, kind), *SILENCE[twin](speech, kind)], speech, point))


def test_one_small_one_without_an_answer_may_be_bad_luck() -> None:
    speech = SPEECHES["RADIUS"]
    assert accused(seen([*fault("RADIUS", "request"), *unanswered(speech, range(70, 71), (40010,))], speech, "client"))


@pytest.mark.parametrize("df", [True, False])
@pytest.mark.parametrize("why", UNREACHABLE_BY)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_an_icmp_error_tells_another_reason(name: str, kind: str, why: str, df: bool) -> None:
    """The server is gone, or the client; or a router has no way to it, or may not pass it on."""
    story, speech = fault(name, kind, df=df), SPEECHES[name]
    packets = seen(story, speech, beside(kind))
    assert accused(packets)
    assert not accused([*packets, *refusals(story, speech, why)])


@pytest.mark.parametrize("why", UNREACHABLE_BY)
def test_errors_about_another_conversation_do_not_excuse_it(why: str) -> None:
    """But that nobody listens at another port, says the receiver of what came to it, which is as large."""
    speech = SPEECHES["RADIUS"]
    other = [told._replace(port=40099) for told in large(speech, "request")]
    found = accused([*seen(fault("RADIUS", "request"), speech, "client"), *refusals(other, speech, why)])
    assert bool(found) is (why != "port")


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(("name", "kind"), REQUESTS)
def test_an_answer_that_is_late_is_one(name: str, kind: str, point: str) -> None:
    speech = SPEECHES[name]
    late = [
        *before(speech),
        *large(speech, kind, comes=True),
        Told(END + 1, speech.answer(50, 130), back=True, port=40001),
    ]
    assert not accused(seen(late, speech, point))


@pytest.mark.parametrize("back", [True, False])
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_of_one_direction_nothing_is_known(name: str, kind: str, point: str, back: bool) -> None:
    story = [told for told in fault(name, kind) if told.back is back]
    assert not accused(seen(story, SPEECHES[name], point))


sizes = st.integers(1300, 1500)


def timer(factors: list[float]) -> tuple[float, ...]:
    """When something is sent, after gaps each of which is so many times the one before."""
    gaps = itertools.accumulate(factors, operator.mul, initial=0.7)
    return tuple(itertools.accumulate(gaps, initial=0.0))


timers = st.lists(st.floats(1.5, 3), min_size=2, max_size=4).map(timer)
SPEECH_KINDS = st.sampled_from(KINDS)


@examples(120)
@given(SPEECH_KINDS, sizes, timers, st.sampled_from(POINTS), st.integers(1, 5), st.booleans())
def test_whatever_the_sizes_gaps_and_counts_a_twin_accuses_nobody(
    kinds: tuple[str, str], size: int, gaps: tuple[float, ...], point: str, count: int, df: bool
) -> None:
    """As many small ones lost as passed meanwhile, or more."""
    kind, speech = kinds[1], SPEECHES[kinds[0]]
    lost = large(speech, kind, size=size, gaps=gaps, df=df)
    hung = [
        Told(told.at + 0.01 * i, (speech.answer if told.back else speech.ask)(30 + i, 140), told.back,
             told.comes, 40030 + i, df)
        for i in range(1, count + 1)
        for told in lost
    ]  # fmt: skip
    early = [one for i in range(1, count + 1) for one in small(speech, 4 + i / 10, 10 + i, port=40030 + i, df=df)]
    assert not accused(seen([*before(speech, df=df), *lost, *early, *hung], speech, point))


@examples(120)
@given(SPEECH_KINDS, sizes, timers, st.sampled_from(POINTS), st.booleans())
def test_the_same_with_small_ones_that_pass_is_told_at_the_sender(
    kinds: tuple[str, str], size: int, gaps: tuple[float, ...], point: str, df: bool
) -> None:
    kind, speech = kinds[1], SPEECHES[kinds[0]]
    lost = large(speech, kind, size=size, gaps=gaps, df=df)
    passing = [one for i in range(3) for one in small(speech, START + 0.3 + i, 30 + i, port=40030 + i, df=df)]
    found = accused(seen([*before(speech, df=df), *lost, *passing], speech, point))
    assert bool(found) is (point in ("before", beside(kind)))


def healthy(speech: Speech, *, slow: bool, count: int = 12) -> list[Told]:
    """Small questions and answers; one large question, answered at once or after it was sent again."""
    found = [one for i in range(count) for one in small(speech, 5 + i, 1 + i)]
    found += large(speech, "request", gaps=DOUBLING[:4] if slow else DOUBLING[:1], comes=True)
    return [*found, Told(START + (8 if slow else 0.1), speech.answer(50, 130), back=True, port=40001)]


@pytest.mark.parametrize("slow", [True, False])
@pytest.mark.parametrize("few", [1.3, 2, 4])
@pytest.mark.parametrize("name", SPEECHES)
def test_one_packet_in_a_few_accuses_hardly_anybody(name: str, few: float, slow: bool) -> None:
    """Answers without their questions show that the capture misses packets; by chance there is none."""
    speech = SPEECHES[name]
    captures = [one_in(seen(healthy(speech, slow=slow), speech, "client"), few, seed) for seed in range(40)]
    assert sum(bool(accused(packets)) for packets in captures) <= (1 if slow else 0)


@pytest.mark.parametrize("snap", [42, 60, 96, 200])
@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_snap_length_makes_no_fault(name: str, kind: str, snap: int) -> None:
    speech = SPEECHES[name]
    packets: list[Packet] = [
        packet for slow in (True, False) for packet in seen(healthy(speech, slow=slow), speech, "client")
    ]
    assert not accused(cut_at(packets, snap))
    outage = seen([*fault(name, kind), *again(speech, kind)], speech, beside(kind))
    assert not accused(cut_at(outage, snap))


def flight(speech: Speech) -> list[Told]:
    """Large handshake messages of a client that starts again and again, after a smaller exchange of its own."""
    found = [*small(speech, 5, 1), *small(speech, 6, 2)]
    for i, gap in enumerate(DOUBLING):
        found.append(Told(START + gap, opening(speech, i, 1400), comes=False, port=40001))
    return found


def opening(speech: Speech, record: int, size: int) -> bytes:
    """QUIC's first packet, or a record of DTLS, written anew each time."""
    if speech.port == 443:
        head = bytes([0xC3]) + (1).to_bytes(4) + bytes([8]) + b"abcdefgh" + b"\0" + record.to_bytes(4)
    else:
        head = bytes([22, 0xFE, 0xFD, 0, 0]) + record.to_bytes(6) + (size - 41).to_bytes(2) + bytes([1]) + bytes(11)
    return head.ljust(size - 28, bytes([record]))


FLIGHTS = {"QUIC": Speech(443), "DTLS": Speech(5684)}


@pytest.mark.parametrize("name", FLIGHTS)
def test_a_flight_that_gets_lost_is_told_at_its_sender(name: str) -> None:
    speech = FLIGHTS[name]
    found = accused(seen(flight(speech), speech, "client"))
    assert [trouble.verdict for trouble in found] == ["blackhole_probable"]
    assert not accused(seen(flight(speech), speech, "server"))


@pytest.mark.parametrize("name", FLIGHTS)
def test_twins_of_a_flight(name: str) -> None:
    speech = FLIGHTS[name]
    story = flight(speech)
    packets = seen(story, speech, "client")
    for why in UNREACHABLE_BY:
        assert not accused([*packets, *refusals(story, speech, why)]), why
    shut = [Told(START + 2 + i, opening(speech, 0, 1250), comes=False, port=40010 + i) for i in range(3)]
    assert not accused(seen([*story, *shut], speech, "client")), "other programs get no answer to small ones"
    late = Told(END + 1, speech.answer(9, 200), back=True, port=40001)
    assert not accused(seen([*story, late], speech, "client"))
    assert not accused(seen([told for told in story if not told.back], speech, "client"))
