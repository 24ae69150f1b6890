"""Scenarios drawn at random: reproducible, of every kind, and with a truth that follows from what was drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.model.verdicts import VERDICTS
from lab.capture_file import CaptureFile
from lab.drawn import LIMITS, TALKS, Drawn, Limit, draw
from lab.drawn_check import Said, Tally, accuses_falsely, compare, is_undecidable
from lab.drawn_troubles import TROUBLES, Trouble
from lab.drawn_truth import SIZE_VERDICTS, accepted, limited_ways, true_mtus, truth_of_drawn
from lab.filters import NarrowMember
from lab.vocabulary import Flow, Path, Say, Scenario
from tests.builders import ACK, CLIENT, SERVER, SYN
from tests.lab.packets import recording, segment

CLIENT_PORT = 40_001
MANY = [draw(3, number) for number in range(300)]
ASKS = Flow(
    talk=(Say(speaker="client", size=180), Say(speaker="server", size=5000)),
    port=8080,
    client_port=CLIENT_PORT,
    ends="any",
)
HOP = Limit(kind="hop", mtu=1400)


def drawn(limit: Limit | None, *troubles: Trouble, flow: Flow = ASKS) -> Drawn:
    scenario = Scenario(name="drawn", shows="made up", path_mtu=1400, captures=(), flows=(flow,), path=Path())
    return Drawn(scenario=scenario, limit=limit, troubles=troubles)


def capture(*packets: tuple[float, str, int, int, int]) -> CaptureFile:
    """Of (second, sender, seq, ack, payload) of the one flow; a SYN goes before them."""
    sent = []
    for second, source, seq, ack, size in ((0.0, CLIENT, 0, 0, 0), *packets):
        ends, ports = (SERVER, CLIENT), (8080, CLIENT_PORT)
        if source == CLIENT:
            ends, ports = ends[::-1], ports[::-1]
        flags = ACK if seq or ack else SYN
        sent.append((second, segment(bytes(size), ends=ends, ports=ports, seq=seq, ack=ack, flags=flags)))
    return recording(sent)


REQUEST = (0.1, CLIENT, 1, 1, 180)
HEAD = tuple((at, SERVER, 1, 181, 1448) for at in (0.2, 0.4, 0.8, 1.6, 3.2))
TAIL, TAIL_ARRIVES = (0.21, SERVER, 1449, 181, 300), (0.23, CLIENT, 181, 1, 0)
HANGS = capture(REQUEST, HEAD[0], TAIL, TAIL_ARRIVES, *HEAD[1:])


def test_the_same_seed_and_number_give_the_same_scenario() -> None:
    assert [draw(3, number) for number in range(300)] == MANY
    assert draw(4, 0).scenario != replace(MANY[0].scenario, name="drawn_4_0000")


def test_a_scenario_does_not_depend_on_those_before_it() -> None:
    assert draw(3, 299) == MANY[299]


def test_everything_is_drawn() -> None:
    assert {one.limit.kind for one in MANY if one.limit} == set(LIMITS)
    assert {trouble.kind for one in MANY for trouble in one.troubles} == set(TROUBLES)
    assert {len(one.troubles) for one in MANY} == {0, 1, 2, 3}
    assert {(one.scenario.data, one.scenario.family) for one in MANY} == {
        (data, family) for data in ("download", "upload") for family in (4, 6)
    }
    assert {len(one.scenario.flows) for one in MANY} == {2, 3, 4}
    assert {one.scenario.path.round_trip for one in MANY} == {0.001, 0.02, 0.25, 2.0}
    assert {one.scenario.offloads for one in MANY} == {True, False}
    assert {one.scenario.captures[0].snap_length for one in MANY} == {128, 65535}
    assert len(TALKS) == 5


def test_about_half_of_them_have_a_limit() -> None:
    assert 0.4 < sum(one.limit is not None for one in MANY) / len(MANY) < 0.6


def test_the_host_that_refuses_is_the_receiver() -> None:
    for one in MANY:
        if one.limit is not None and one.limit.kind == "host":
            receiver = "client" if one.scenario.data == "download" else "server"
            assert one.scenario.host_rules == {receiver: f"meta length > {one.limit.mtu} drop"}


def test_truths_use_the_verdicts_there_are() -> None:
    for one in MANY:
        for flow in one.scenario.flows:
            for role in ("sender", "receiver"):
                allowed = accepted(one, flow, role, None)
                assert set(allowed) <= set(VERDICTS)
                assert one.limit is not None or not SIZE_VERDICTS & set(allowed)


def test_only_flows_that_meet_the_limit_and_exceed_it_are_limited() -> None:
    small = replace(ASKS, talk=(Say(speaker="client", size=180), Say(speaker="server", size=900)))
    both = replace(HOP, both_ways=True)
    hello = replace(ASKS, talk=(Say(speaker="client", size=1700), Say(speaker="server", size=5000)))
    assert limited_ways(drawn(None), ASKS) == ()
    assert limited_ways(drawn(HOP), ASKS) == ("data",)
    assert limited_ways(drawn(HOP), small) == ()
    assert limited_ways(drawn(HOP), hello) == ("data",)
    assert limited_ways(drawn(both), hello) == ("data", "back")


def test_a_narrow_member_is_met_by_odd_ports_only() -> None:
    limit = Limit(kind="member", mtu=1400, member=NarrowMember(mtu=1400, odd="client"))
    even = replace(ASKS, client_port=CLIENT_PORT + 1)
    assert true_mtus(drawn(limit), ASKS, "data") == [1400]
    assert true_mtus(drawn(limit), even, "data") == [1500]
    assert "content_drop" in accepted(drawn(limit), ASKS, "sender", None)
    assert not SIZE_VERDICTS & set(accepted(drawn(limit), even, "sender", None))


def test_true_mtus_of_the_other_limits() -> None:
    host, narrows = Limit(kind="host", mtu=1400), Limit(kind="narrows", mtu=1400, since=1.0)
    assert true_mtus(drawn(None), ASKS, "data") == [1500]
    assert true_mtus(drawn(HOP), ASKS, "back") == [1500]
    assert true_mtus(drawn(replace(HOP, both_ways=True)), ASKS, "back") == [1400]
    assert true_mtus(drawn(host), ASKS, "data", "receiver") == [1500]
    assert true_mtus(drawn(narrows), ASKS, "data") == [1400, 1500]


def test_what_a_trouble_allows_it_allows_for_its_flow_only() -> None:
    filtered = Trouble(kind="payload_filter", words="", port=8080)
    stopped = Trouble(kind="stopped_reader", words="", port=8081)
    other = replace(ASKS, port=8081)
    one = drawn(None, filtered, stopped)
    assert {"content_drop", "dead_path"} <= set(accepted(one, ASKS, "sender", None))
    assert "zero_window" not in accepted(one, ASKS, "sender", None)
    assert "zero_window" in accepted(one, other, "sender", None)
    assert "content_drop" not in accepted(one, other, "sender", None)


def label(one: Drawn, recorded: CaptureFile = HANGS, role: str = "sender") -> dict[str, object]:
    truth = truth_of_drawn(one, "sender" if role == "sender" else "receiver", recorded, {})
    flow: dict[str, object] = truth["flows"]["8080"]
    return flow


def test_a_black_hole_that_the_sender_shows() -> None:
    flow = label(drawn(HOP))
    assert flow["black_hole_visible_at_sender"] is True
    assert flow["accept"] == ["blackhole", "blackhole_probable"]
    assert flow["hang"] == {"transmissions": 5, "seconds": 3.0, "acknowledged_later": False}
    assert flow["size_limit"] is True


@pytest.mark.parametrize(
    ("limit", "kinds"),
    [
        (None, ()),
        (Limit(kind="late_ptb", mtu=1400), ()),
        (Limit(kind="narrows", mtu=1400, since=1.0), ()),  # the flow is older
        (Limit(kind="hop", mtu=1500), ()),  # nothing exceeds it
        (HOP, ("outage",)),
        (HOP, ("content_filter",)),
        (HOP, ("payload_filter",)),
        (HOP, ("vanishing_flow",)),
    ],
)
def test_no_black_hole_is_visible_where_something_else_explains_the_hang(
    limit: Limit | None, kinds: tuple[str, ...]
) -> None:
    troubles = [Trouble(kind=kind, words="") for kind in TROUBLES if kind in kinds]
    assert label(drawn(limit, *troubles))["black_hole_visible_at_sender"] is False


def test_a_trouble_of_another_flow_hides_nothing() -> None:
    troubles = Trouble(kind="payload_filter", words="", port=8081)
    assert label(drawn(HOP, troubles))["black_hole_visible_at_sender"] is True


def test_where_the_large_packets_arrive_nothing_limits_the_path() -> None:
    host = Limit(kind="host", mtu=1400)
    assert label(drawn(host))["size_limit"] is True
    assert label(drawn(host), role="receiver")["size_limit"] is False
    assert "blackhole" not in accepted(drawn(host), ASKS, "receiver", None)


def test_a_flow_of_which_nothing_was_recorded_is_not_in_the_truth() -> None:
    other = replace(ASKS, port=8081)
    one = drawn(HOP)
    one = replace(one, scenario=replace(one.scenario, flows=(ASKS, other)))
    assert truth_of_drawn(one, "sender", HANGS, {})["flows"].keys() == {"8080"}


def said(verdict: str, **bracket: int) -> Said:
    return Said(port=8080, verdict=verdict, confidence="high", direction="server_to_client", **bracket)


def tally(answer: Said, one: Drawn) -> Tally:
    result = Tally()
    facts = truth_of_drawn(one, "sender", HANGS, {"shows": "made up"})
    compare(result, "one.pcap", facts, [answer])
    return result


def test_the_check_finds_false_accusations() -> None:
    assert tally(said("blackhole"), drawn(None)).failed
    assert tally(said("content_drop"), drawn(HOP)).failed
    assert not tally(said("ok"), drawn(None)).failed
    assert accuses_falsely("zero_window", {"size_limit": True, "accept": ["blackhole"]})
    assert not accuses_falsely("stall", {"size_limit": False, "accept": ["ok"]})


def test_where_payload_is_dropped_a_size_may_be_blamed_but_not_surely() -> None:
    said = Said(port=8080, verdict="blackhole", confidence="medium")
    assert is_undecidable(said, {"troubles": ["payload_filter"]})
    assert not is_undecidable(said, {"troubles": ["outage"]})
    assert not is_undecidable(Said(port=8080, verdict="blackhole", confidence="high"), {"troubles": ["content_filter"]})
    assert not is_undecidable(Said(port=8080, verdict="fragment_loss"), {"troubles": ["payload_filter"]})


def test_the_check_finds_wrong_brackets_and_missed_black_holes() -> None:
    good = tally(said("blackhole", at_least=340, at_most=1499), drawn(HOP))
    assert (good.failed, good.visible, good.missed, good.outside) == (False, 1, [], [])
    assert tally(said("blackhole", at_least=340, at_most=1399), drawn(HOP)).wrong_brackets
    assert tally(said("blackhole", exact=1450), drawn(HOP)).wrong_brackets
    missed = tally(said("stall"), drawn(HOP))
    assert (missed.failed, len(missed.missed), len(missed.outside)) == (False, 1, 1)
    assert "0 of 1 (0.0%)" in "\n".join(missed.lines())


def test_the_check_names_flows_that_nobody_mentioned() -> None:
    result = Tally()
    compare(result, "one.pcap", truth_of_drawn(drawn(HOP), "sender", HANGS, {"shows": ""}), [])
    assert result.outside == ["one.pcap, port 8080: no flow"]
