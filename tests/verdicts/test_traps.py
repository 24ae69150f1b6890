"""The traps of the field: without the rule that avoids a trap, some scenario falls into it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import tests.scenarios
from analyzer import analyze
from analyzer.decode.packet_fields import FLAGS, PAYLOAD
from analyzer.decode.tcp import SYN
from analyzer.evidence import direction as conversation
from analyzer.evidence.controls import Control
from analyzer.evidence.direction import Direction
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.ptb import PtbSeen
from analyzer.evidence.ptb_answers import PtbAnswers
from analyzer.evidence.retransmissions import RetransmissionSeries
from analyzer.evidence.segments import Segment
from analyzer.flows import fast_path, sizes
from analyzer.flows import tcp_state as track
from analyzer.flows.flow_tables import MARK_KEEPALIVE, MARK_RESENT
from analyzer.flows.recording import start_recording
from analyzer.knowledge import fixes
from analyzer.settings import AFTERMATH_ROWS, HISTORY_ROWS
from analyzer.verdicts import bulk_verdicts as quiet
from analyzer.verdicts import capture_quality as conditions
from analyzer.verdicts.stalled_facts import StalledFacts
from analyzer.verdicts.unstalled_facts import UnstalledFacts
from tests.builders import NANOSECONDS, Packet, enhanced, interface, option, section
from tests.scenarios.checks import analysis_in, differences
from tests.scenarios.notation import Scenario, load_scenarios
from tests.scenarios.packets import Record
from tests.scenarios.words import Expectation


def always(value: object) -> property:
    """A property that says the same of everything."""
    return property(lambda _: value)


def never(*_: object, **__: object) -> bool:
    """A test that nothing passes."""
    return False


def takes_for_data(shape: Callable[[Any, int], bool]) -> Callable[..., int]:
    """The skim as if it took resends of that shape for resent data."""
    as_it_is = track.note_segment

    def note_segment(
        state: Any, number: int, me: Any, out: Any, odd: Any, peer: Any, h: Any, frame: int, *rest: int
    ) -> int:
        marks: int = as_it_is(state, number, me, out, odd, peer, h, frame, *rest)
        if not shape(h, marks):
            return marks
        if track.note_resent(me, out, odd, h, rest[1], frame, 60):
            start_recording(state, number, HISTORY_ROWS, AFTERMATH_ROWS)
        return MARK_RESENT

    return note_segment


Blind = tuple[Any, str, Callable[..., Any] | property | int]

RESENT: Blind = (UnstalledFacts, "real_losses", property(lambda c: c.direction.count["resent"]))
SAME_SIZE_PASSED: Blind = (StalledFacts, "as_large", always((None, None)))

as_it_was = RetransmissionSeries.is_episode


def any_end_counts(out: Any, odd: Any, ack: int, ack_frame: int, ts: int) -> None:
    """The skim as if an ACK in the middle of a packet told nothing."""
    if out["p0_end"] and out["p0_end"] <= ack:
        sizes.note_delivered(out, odd, ack, ack_frame, ts)


CAPTURED_WHOLE: tuple[Blind, ...] = (
    (Direction, "cut_behind", always(frozenset())),
    (track, "note_delivered", any_end_counts),
    (fast_path, "note_delivered", any_end_counts),
)
RESENDS_AFTER = PtbAnswers.resends_after
BELIEVED: tuple[Blind, ...] = ((PtbAnswers, "obeyed", never),)

TRAPS: list[tuple[str, str, str, tuple[Blind, ...]]] = [
    # (trap, topic, part of the scenario's name, what is taken away)
    ("T1 random loss: packets as large got through", "loss", "", (SAME_SIZE_PASSED,)),
    ("T2 super-segments have no size on the wire", "offload", "", ((sizes, "is_super", never),)),
    (
        "T2a a super-segment resent after a PTB looks unchanged",
        "offload",
        "",
        ((Direction, "size_known_without_ceiling", lambda *_: True),),
    ),
    (
        "T2b after a fallback captured sizes may be two packets",
        "offload",
        "",
        ((Direction, "size_known", lambda *_: True),),
    ),
    (
        "T2c a stuck super-segment has the size of its retransmission",
        "offload",
        "",
        ((RetransmissionSeries, "stuck_segment", property(lambda r: r.first)),),
    ),
    ("T2d the receiver's offload joins packets", "offload", "the receiver's GRO", ((sizes, "is_super", never),)),
    ("T3 a dead path fails small packets too", "dead", "", ((StalledFacts, "failed", always(None)),)),
    ("T4 the window is closed", "window", "", ((StalledFacts, "window_closed", always(False)),)),
    ("T5 one payload is dropped while others as large pass", "content", "", (SAME_SIZE_PASSED,)),
    ("T6 other connections stop at the same time", "blackhole", "", ((Collector, "_siblings", lambda *_: None),)),
    ("T7 the capture loses packets", "capture", "", ((Direction, "missing_share", always(0.0)),)),
    ("T8 one direction only", "capture", "", ((Direction, "one_sided", always(False)),)),
    ("T10 copies made by the capture", "capture", "", ((track, "is_capture_duplicate", never),)),
    (
        "T11 keep-alives are no data",
        "quiet",
        "keep-alives of one byte",
        ((track, "note_segment", takes_for_data(lambda h, marks: marks == MARK_KEEPALIVE and h[PAYLOAD] == 1)),),
    ),
    (
        "T12 an application that is silent",
        "quiet",
        "twin: the application thinks for eight seconds, and the capture ends",
        ((Direction, "at_sender", always(False)),),
    ),
    (
        "T12 a connection that was closed or aborted",
        "quiet",
        "a connection that its server aborts",
        (
            (
                UnstalledFacts,
                "silence_ns",
                property(lambda c: c.direction.capture_end - c.direction.peer["last_data_ts"]),
            ),
        ),
    ),
    (
        "T13 a SYN is no data",
        "quiet",
        "a SYN that nobody answers",
        (
            (track, "note_segment", takes_for_data(lambda h, marks: marks == MARK_RESENT and h[FLAGS] & SYN)),
            (Segment, "data", property(lambda s: s.payload > 0 or s.syn)),
        ),
    ),
    ("T14 a spurious retransmission", "loss", "", (RESENT,)),
    ("T15 a lost probe for a larger path MTU", "recovered", "", ((StalledFacts, "gave_up_size", always(True)),)),
    (
        "T16 ACKs lost on their way back",
        "loss",
        "twin: the ACKs are lost",
        ((RetransmissionSeries, "acked", always(False)),),
    ),
    ("T17 a low MSS is no low path MTU", "suspected", "on a clamped path", ((Direction, "usual_size", always(1500)),)),
    ("T18 late ACKs are slow, not lost", "loss", "twin: delayed ACKs of 500 ms", (RESENT,)),
    (
        "T19 without DF it is fragments that get lost",
        "fragments",
        "twin: large packets without DF vanish",
        ((StalledFacts, "stuck_segment", property(lambda f: f.series.stuck_segment._replace(df=True))),),
    ),
    (
        "T20 the snap length cuts the quoted sequence number",
        "capture",
        "a snap length that cuts the quote",
        (
            (
                PtbAnswers,
                "resends_after",
                lambda self, ptb, delay: iter(()) if ptb.quoted_seq is None else RESENDS_AFTER(self, ptb, delay),
            ),
        ),
    ),
    ("T21 PTBs about something else", "ptb", "", ((PtbSeen, "defect", always(None)),)),
    (
        "T24 data fail whatever their size",
        "arrived",
        "data of a connection fails",
        ((StalledFacts, "failed", always(None)),),
    ),
    (
        "T24 so they do without DF",
        "arrived",
        "twin: without DF its data fails",
        ((StalledFacts, "failed", always(None)),),
    ),
    (
        "T25 the receiving host drops what arrived",
        "arrived",
        "its copies are in",
        ((StalledFacts, "arrived", always(None)),),
    ),
    ("T25 over IPv6", "arrived", "over IPv6, an upload", ((StalledFacts, "arrived", always(None)),)),
    ("T26 a host refuses what arrives", "arrived", "each copy is answered", ((StalledFacts, "refused", always(None)),)),
    ("T26 a RST says that it arrived", "arrived", "answered by a RST, for", ((StalledFacts, "refused", always(None)),)),
    ("T27 the peer had gone", "arrived", "the peer had closed its side", ((StalledFacts, "peer_gone", always(None)),)),
    (
        "T28 one of parallel paths is narrow",
        "siblings",
        "one of parallel paths is narrow",
        ((StalledFacts, "siblings_as_large", always((None, None, None))),),
    ),
    (
        "T28 a path that became narrower",
        "siblings",
        "lose two segments each",
        ((StalledFacts, "siblings_lost", always([])),),
    ),
    (
        "T29 heavy loss hits one segment often",
        "chance",
        "half of the packets",
        ((StalledFacts, "unlucky", always(False)),),
    ),
    (
        "T30 an outage makes a sender shrink, too",
        "recovered",
        "an outage of three seconds",
        ((StalledFacts, "control", always(Control("something passed", ()))),),
    ),
    (
        "T31 a PTB that packets disprove",
        "ptb_several",
        "PTBs about packets that get through",
        ((Direction, "disproved", never),),
    ),
    ("T31 a checksum that is wrong as captured", "ptb_several", "a wrong checksum that the sender obeys", BELIEVED),
    (
        "T32 a second narrow hop that is silent",
        "recovered",
        "a second narrow hop behind",
        ((StalledFacts, "obeyed", property(lambda f: f.about)),),
    ),
    (
        "T34 the sender's own MSS is the lower one",
        "suspected",
        "the server's own MSS",
        ((Direction, "usual_size", property(lambda w: w.full_size)),),
    ),
    (
        "T34 a hole need not be a multiple of the MSS",
        "suspected",
        "several full segments",
        ((UnstalledFacts, "fits_large", never),),
    ),
    ("T35 most of it is not in the capture", "chance", "missed most", ((Direction, "missing_share", always(0.0)),)),
    (
        "T36 a window that holds nobody back",
        "window",
        "both sides have closed",
        ((UnstalledFacts, "held_back", always(True)),),
    ),
    (
        "T37 a packet that left as two",
        "offload",
        "an ACK in the middle",
        CAPTURED_WHOLE,
    ),
    (
        "T38 a late handshake",
        "recovered",
        "the SYN/ACK was late",
        ((Direction, "rtt", property(lambda w: w.handshake_rtt)),),
    ),
    (
        "T39 a timer need not back off",
        "blackhole_odd",
        "a timer that does not back off",
        (
            (
                RetransmissionSeries,
                "is_episode",
                lambda r, s: as_it_was(r, s) and r.tries[-1].ts - r.tries[-2].ts > r.span // 3,
            ),
        ),
    ),
    (
        "T40 a keep-alive comes first",
        "quiet",
        "begins with a keep-alive",
        ((quiet, "LEAST_MISSING", 1), (conversation, "LEAST_MISSING", 1)),
    ),
    ("T22 a policer drops by rate, not by size", "loss", "twin: a policer cuts off bursts", (SAME_SIZE_PASSED,)),
]


def cases(topic: str, name: str = "") -> Iterator[tuple[Scenario, Expectation]]:
    """The scenarios of a topic whose names hold `name`, with each of their expectations."""
    for scenario in load_scenarios(Path(next(iter(tests.scenarios.__path__))))[topic]:
        for expected in scenario.expectations:
            if not expected.xfail and name in scenario.name:
                yield scenario, expected


@pytest.mark.parametrize(("trap", "topic", "name", "taken_away"), TRAPS, ids=[t[0] for t in TRAPS])
def test_without_its_rule_a_scenario_falls_into_the_trap(
    trap: str, topic: str, name: str, taken_away: tuple[Blind, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    if name:  # the scenarios as a whole are tested elsewhere
        assert not any(differences(scenario, expected) for scenario, expected in cases(topic, name))
    for owner, attribute, blind in taken_away:
        monkeypatch.setattr(owner, attribute, blind)
    assert any(differences(scenario, expected) for scenario, expected in cases(topic, name)), trap


@pytest.mark.parametrize(
    "topic", ["blackhole", "blackhole_odd", "probable", "ptb", "ptb_several", "recovered", "suspected", "quiet"]
)
def test_t9_and_t17_nothing_is_claimed_that_a_capture_cannot_show(topic: str) -> None:
    """T9: a capture without ICMP does not tell that ICMP is blocked. T17: a low MSS is not a clamp."""
    for scenario, expected in cases(topic):
        for flow in analysis_in(scenario, expected.view).all_flows:
            said = [flow.explanation, *(r.because for r in flow.ruled_out), *(text for text, _ in flow.evidence)]
            assert not re.search(r"block|filter|clamp", " ".join(said), re.IGNORECASE)


def test_t9_a_capture_filter_that_keeps_icmp_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def confidence() -> str:
        scenario, expected = next(cases("blackhole"))
        found = analyze(BytesIO(pcapng_of(scenario.records(expected.view), b"\0tcp port 443")), compiled=False).flow(0)
        assert found.verdict == "blackhole"
        return found.confidence

    assert confidence() == "medium"
    monkeypatch.setattr(conditions, "excludes_icmp", never)
    assert confidence() == "high"


def pcapng_of(records: list[Record], capture_filter: bytes) -> bytes:
    """A pcapng file whose interface names its capture filter (option if_filter, 11)."""
    options = option(11, capture_filter) + NANOSECONDS
    packets = [enhanced(Packet(record.ts, record.frame)) for record in records]
    return section() + interface(1, options=options) + b"".join(packets)


def cures(scenario: Scenario, expected: Expectation) -> list[str]:
    """The commands advised for the first flow, less those that let ICMP through or only look."""
    flow = analysis_in(scenario, expected.view).flow(0)
    return [fix.command for fix in flow.fixes if re.search(r"mtu \d|(mss|set) \d", fix.command)]


def test_t23_where_no_icmp_can_exist_another_cure_is_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixes, "_filled_steps", fixes._filled_steps.__wrapped__)  # nothing is remembered
    scenario, expected = next(cases("blackhole", "the same over IPv6"))
    assert cures(scenario, expected) == []  # 772..1499 is too wide: a size is measured first
    narrow = Scenario("a jumbo frame behind a switch that takes 8500", None)
    for line in (
        "mss 8961",
        "handshake",
        "0.021  C > S  data 1:100",
        "0.031  S > C  data 1:8449",
        "0.041  C > S  ack 8449",
        "0.042  S > C  data 8449:17398 lost",
        "0.042  S > C  data 17398:17500",
        "0.052  C > S  ack 8449 sack 17398:17500",
        "0.27 0.70 1.56 3.28  S > C  data 8449:17398 lost",
        "expect at S: blackhole s>c 8500..9000",
    ):
        narrow.read(line)
    (expected,) = narrow.expectations
    assert differences(narrow, expected) == []
    assert any("mtu 8500" in command for command in cures(narrow, expected))
    assert any("8460" in command for command in cures(narrow, expected))
    monkeypatch.setitem(fixes._PLANS, "blackhole", ("permit_icmp",))
    assert cures(narrow, expected) == []
