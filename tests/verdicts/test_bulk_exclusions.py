"""Recorded flows that the counters alone decide: conversations with loss, near the bounds of what is ordinary."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import analyzer
from analyzer.evidence.flow_index import Collector
from analyzer.model import flow_list
from analyzer.settings import Settings
from analyzer.verdicts.bulk_exclusions import bulk_judged
from tests.builders import CLIENT, SERVER, ipv4, pcap, sack, tcp
from tests.profiles import examples
from tests.verdicts.losing import LossyTalk
from tests.verdicts.test_bulk_verdicts import check

GAPS = (0, 1, 10, 150, 300, 600, 1000, 3100)  # ms: none, a round trip, and on both sides of what makes a stall
SIZES = (1460, 1460, 1460, 1448, 600, 200)


def plain(t: LossyTalk) -> None:
    t.client(size=200)
    t.stream(10)
    t.lose(10, 20, 30)
    t.stream(3)


def small(t: LossyTalk) -> None:
    """Nothing of full size goes from the server; a segment of which the answer was lost makes it recorded."""
    t.client(size=200)
    t.stream(5, 900)
    t.lose(10, 20, 30, size=900)


def hole(t: LossyTalk, after: float, *pieces: int, size: int = 1460) -> None:
    """Bytes are lost before the capture point, and come after so many ms, whole or in pieces."""
    t.send(size, seen=False)
    t.send(300)
    t.wait(after)
    seq, _ = t.unseen.pop()
    for piece in pieces or (size,):
        t.server(seq, piece)
        t.sent.append((seq, piece))
        seq += piece
    t.wait(10)
    t.ack(0)


def clock_set_back(t: LossyTalk) -> None:
    plain(t)
    t.send(1460)
    t.wait(-1)
    t.ack(0)


def larger_only_selectively_acknowledged(t: LossyTalk) -> None:
    small(t)
    t.send(200)
    t.send(1460)
    t.wait(10)
    t.ack(1, selective=True)


def larger_without_df(t: LossyTalk) -> None:
    t.stream(3)
    t.lose(10, 20, 30)
    t.send(200, df=False)
    t.wait(10)
    t.ack(0)
    t.send(200, df=False)
    t.send(1460, df=False)
    t.wait(10)
    t.client(options=sack((t.next - 1460, t.next)))


def quoted_by_its_number(t: LossyTalk) -> None:
    plain(t)
    quote = t.quote(port=4999)
    t.send(1460)
    t.router(quote)
    t.stream(1)


def quoted_without_ports(t: LossyTalk) -> None:
    plain(t)
    t.router(t.quote(port=4000)[:20])
    t.stream(1)


def a_stranger_quoted(t: LossyTalk) -> None:
    plain(t)
    t.router(ipv4(tcp(bytes(900), sport=1, dport=2, seq=77), src=SERVER, dst=CLIENT))
    t.stream(1)


def without_an_answer(t: LossyTalk) -> None:
    plain(t)
    t.send(1460)
    t.wait(20)
    t.again(0)


def beside_the_oldest_without_an_answer(t: LossyTalk) -> None:
    plain(t)
    t.send(1460)
    t.send(1460)
    t.again(1)
    t.wait(10)
    t.ack(1)


def again_in_another_shape(t: LossyTalk, *, size: int = 0, df: bool = True) -> None:
    t.send(1460, df=df)  # such packets get through
    plain(t)
    t.send(1460)
    t.wait(300)
    t.again(0)
    t.wait(500)
    t.again(0, size=size, df=df)
    t.wait(20)
    t.ack(0)


def again_from_another_byte(t: LossyTalk) -> None:
    plain(t)
    t.send(1460)
    t.again(0)
    t.server(t.next - 1460 + 100, 1348)
    t.wait(20)
    t.ack(0)


def hung(t: LossyTalk) -> None:
    plain(t)
    t.lose(200, 400, 800)


def hung_with_a_late_first_copy(t: LossyTalk) -> None:
    plain(t)
    t.lose(900, 30, 100)


def hung_almost(t: LossyTalk) -> None:
    plain(t)
    t.lose(200, 250, 500)


def twice_in_a_long_time(t: LossyTalk) -> None:
    plain(t)
    t.lose(2000, 4000)


def small_hole_filled_at_once(t: LossyTalk) -> None:
    small(t)
    hole(t, 30, size=900)


def small_hole_filled_late(t: LossyTalk) -> None:
    small(t)
    t.send(1460, seen=False)
    t.send(300)
    t.wait(3000)
    t.client(size=100)
    t.wait(100)
    seq, _ = t.unseen.pop()
    t.server(seq, 730)
    t.server(seq + 730, 730)
    t.client()
    t.una = t.next
    t.client()


def small_hole_open_at_the_end(t: LossyTalk) -> None:
    small(t)
    t.send(1460, seen=False)
    t.send(300)
    t.wait(100)


def hole_open_at_the_end(t: LossyTalk) -> None:
    plain(t)
    t.lose(10, 20, 30)
    t.send(1460, seen=False)
    t.send(1460)
    t.wait(100)


def hole_open_for_long(t: LossyTalk) -> None:
    hole_open_at_the_end(t)
    t.wait(3100)


def pieces_alone(t: LossyTalk) -> None:
    """Nothing else was lost, so the counters take the hole for loss, and the judge for a change of size."""
    t.client(size=200)
    t.stream(3, 900)
    hole(t, 30, 730, 730)


def pieces_beside_loss(t: LossyTalk) -> None:
    small(t)
    hole(t, 30, 730, 730)


def pieces_long_after_the_request(t: LossyTalk) -> None:
    small(t)
    t.wait(3100)
    hole(t, 30, 730, 730)


CASES = [
    (plain, True),
    (clock_set_back, False),
    (small, True),
    (larger_only_selectively_acknowledged, False),
    (larger_without_df, False),
    (quoted_by_its_number, False),
    (quoted_without_ports, False),
    (a_stranger_quoted, True),
    (without_an_answer, False),
    (beside_the_oldest_without_an_answer, False),
    (again_in_another_shape, True),
    (partial(again_in_another_shape, size=1000), False),
    (partial(again_in_another_shape, df=False), False),
    (again_from_another_byte, False),
    (hung, False),
    (hung_with_a_late_first_copy, False),
    (hung_almost, True),
    (twice_in_a_long_time, True),
    (small_hole_filled_at_once, True),
    (small_hole_filled_late, False),
    (small_hole_open_at_the_end, False),
    (hole_open_at_the_end, True),
    (hole_open_for_long, False),
    (pieces_alone, False),
    (pieces_beside_loss, True),
    (pieces_long_after_the_request, False),
]


def _name(case: object) -> str:
    if isinstance(case, partial):
        return " ".join([case.func.__name__, *map(str, case.keywords.items())])
    return getattr(case, "__name__", str(case))


@pytest.mark.parametrize(("case", "alone"), CASES, ids=_name)
def test_at_each_bound(case: Callable[[LossyTalk], None], alone: bool) -> None:
    talk = LossyTalk()
    case(talk)
    talk.other()
    state = talk.state()
    assert state.odd_flows["events"][0] > 0
    assert bulk_judged(Collector(state), Settings())[0] == alone
    check(state)


def test_copies_made_by_the_capture_change_nothing() -> None:
    talk = LossyTalk()
    plain(talk)
    copies = [packet._replace(ts=packet.ts + 8000) for packet in talk.packets]
    talk.packets = sorted([*talk.packets, *copies], key=lambda packet: packet.ts)
    state = talk.state()
    assert state.odd_flows["events"][0] > 0
    assert bulk_judged(Collector(state), Settings())[0]
    check(state)


def test_recorded_loss_is_judged_only_when_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = LossyTalk()
    plain(talk)
    judged = []
    conversation = Collector.conversation

    def counted(self: Collector, stream: int) -> object:
        judged.append(stream)
        return conversation(self, stream)

    monkeypatch.setattr(Collector, "conversation", counted)
    monkeypatch.setattr(flow_list, "KEPT", 0)
    analysis = analyzer.analyze(BytesIO(pcap(talk.packets)))
    assert analysis.totals.verdicts == {"loss": 1}
    assert [path.at_least for path in analysis.all_paths] == [240, 1500]
    assert not judged
    flow = analysis.all_flows[0]
    assert (flow.verdict, flow.path_mtu.at_least, judged) == ("loss", 1500, [0])
    assert flow.timeline is not None


def test_flows_without_a_recorded_packet_are_left_to_the_counters() -> None:
    talk = LossyTalk()
    talk.stream(3)
    assert bulk_judged(Collector(talk.state()), Settings()).tolist() == [True]


def play(talk: LossyTalk, steps: list[tuple[Any, ...]]) -> None:
    for gap, what, *how in steps:
        talk.wait(gap)
        getattr(talk, what)(*how[0], **how[1])


def step(what: str, *args: Any, **kwargs: Any) -> Any:
    return st.tuples(st.sampled_from(GAPS), st.just(what), st.tuples(*args), st.fixed_dictionaries(kwargs))


number = st.sampled_from((0, 0, 0, 1, 2, 5))
whole = st.sampled_from(SIZES)
rarely = st.sampled_from((True,) + (False,) * 9)
mostly = st.sampled_from((False,) + (True,) * 9)
STEPS = st.one_of(
    step("send", whole, df=mostly, seen=mostly),
    step("send", whole),
    step("again", st.just(0)),
    step("again", number, size=st.sampled_from((0,) * 12 + SIZES), df=mostly),
    step("late", st.sampled_from((9999, 9999, 9999, 730, 500))),
    step("ack", number, selective=st.booleans()),
    step("ack", number),
    step("client", size=st.sampled_from((0, 0, 100, 1400))),
)
LOSS: list[tuple[Any, ...]] = [
    (10, "send", (1460,), {}),
    *[(gap, "again", (0,), {}) for gap in (20, 30, 40)],
    (10, "ack", (0,), {}),
]


COMPARED: list[int] = []
"""Flows with recorded packets, or beside them, that were compared in each example."""


@example(  # a hole without a handshake: how long the round trip is, only the recorded packets tell
    announced=1460,
    before=[],
    losses=0,
    after=[
        (0, "send", (1460,), {"df": False, "seen": False}),
        (0, "send", (1460,), {}),
        (150, "late", (9999,), {}),
        (0, "send", (1460,), {"df": False, "seen": False}),
        (0, "ack", (0,), {"selective": False}),
    ],
    back=None,
    rest=0,
)
@examples(400)
@given(
    st.sampled_from((1460, 1460, 1400, None)),
    st.lists(STEPS, max_size=12),
    st.sampled_from((0, 1, 2)),
    st.lists(STEPS, max_size=12),
    st.sampled_from((None, 0, 2)),
    st.sampled_from((0, 100, 2900, 3100, 9000)),
)
def compare_talks(
    announced: int | None, before: list[Any], losses: int, after: list[Any], back: int | None, rest: int
) -> None:
    talk = LossyTalk(announced)
    play(talk, before)
    play(talk, LOSS * losses)
    play(talk, after)
    if back is not None:
        talk.wait(10)
        talk.ack(back)
    talk.wait(rest)
    talk.other()
    COMPARED.append(check(talk.state()))


def test_the_counters_decide_only_what_they_decide_alone() -> None:
    COMPARED.clear()
    compare_talks()
    assert sum(count > 0 for count in COMPARED) > len(COMPARED) // 4 > 10
