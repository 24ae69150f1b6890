"""Several points of simulated paths: which leg, in any order, for any part of them, with any clocks, with gaps."""

from __future__ import annotations

import pytest

from lab.simulated.cases import CASES, HELD_OUT
from lab.simulated.judging import analysed, clocks_wrong, missing, variants, wrong
from lab.simulated.later_cases import ALL


@pytest.mark.parametrize("name", ALL)
def test_all_points_together_tell_the_leg(name: str) -> None:
    case = ALL[name]
    taps = case.run()
    found = analysed(taps)
    names = [tap.name for tap in taps]
    assert list(wrong(case, found, names)) == []
    assert list(missing(case, found, names)) == []


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.sampled(4)) for name in ALL])
def test_no_part_of_them_tells_a_wrong_one(name: str) -> None:
    case = ALL[name]
    taps = case.run()
    for number, (some, offsets, poorer) in enumerate(variants(taps, 7)):
        found = analysed(some, offsets=offsets, poorer=poorer, seed=number)
        names = [tap.name for tap in some]
        assert list(wrong(case, found, names)) == [], (names, offsets, poorer, number)
        if not any(tap.drift for tap in taps):
            assert list(clocks_wrong(found, offsets)) == [], (names, offsets)


def test_there_are_enough_cases_of_each_kind() -> None:
    bad = [case for case in CASES.values() if case.kind == "size"]
    assert len(CASES) >= 40
    assert 3 * len(HELD_OUT) >= len(CASES) - 2
    assert len(bad) >= 25
    assert len(CASES) - len(bad) >= 25


def test_a_receiver_alone_suspects_and_with_the_sender_it_is_known() -> None:
    case = CASES["silent_middle"]
    client, _, _, server = case.run()
    alone = analysed([client]).flow(0)
    assert alone.verdict in ("blackhole_suspected", "inconclusive")
    assert alone.located is None
    both = analysed([client, server], offsets=[0.0, -10_800.0])
    flow = both.flow(0)
    assert (flow.verdict, flow.confidence) == ("blackhole", "high")
    assert flow.located is not None
    assert flow.located.between == (1, 0)
    assert (flow.located.crossed, flow.located.lost) == (752, 1500)
    assert flow.explanation.startswith(
        "Packets of 1500 bytes are lost between server.pcap and client.pcap: 752 crossed"
    )
    assert both.findings["lost"].tolist() == [1500]


def test_the_ptb_is_told_with_the_leg_on_which_it_is_dropped() -> None:
    case = CASES["ptb_lost_later"]
    found = analysed(case.run())
    located = found.flow(0).located
    assert located is not None
    assert (located.between, located.ptb_lost_between) == ((1, 0), (2, 3))
    assert "came back as far as router-b.pcap and never reached server.pcap" in found.flow(0).explanation
    path = next(path for path in found.all_paths if path.src == "203.0.113.10")
    assert [(leg.start, leg.end, leg.ptb_lost, leg.ends) for leg in path.legs] == [
        (3, 2, True, None),
        (2, 1, False, None),
        (1, 0, False, "size"),
    ]
    fixes = {fix.step: fix.why for fix in found.flow(0).fixes}
    assert "between router-b.pcap and server.pcap" in fixes["permit_icmp"]
    assert "between router-a.pcap and client.pcap" in fixes["clamp_mss"]


def test_what_happens_on_a_leg_is_told() -> None:
    def legs(name: str) -> list[tuple[int, int, bool, bool, bool, bool]]:
        found = analysed(CASES[name].run())
        return [
            (leg.start, leg.end, leg.mss_clamped, leg.translated, leg.fragmented, leg.df_cleared)
            for path in found.all_paths
            for leg in path.legs
        ]

    assert (0, 1, True, False, False, False) in legs("clamped")
    assert (0, 1, False, True, False, False) in legs("plain_nat")
    assert (2, 1, False, False, True, False) in legs("fragments_arrive")
    assert any(leg[5] for leg in legs("df_cleared"))
    assert not any(any(leg[2:]) for leg in legs("plain"))


def test_a_drift_is_told() -> None:
    found = analysed(CASES["long_with_drift"].run())
    drifts = [point.clock.drift_ppm for point in found.all_points]
    assert drifts[1] == pytest.approx(80, abs=5)
    assert [drifts[0], *drifts[2:]] == [0, 0, 0]


def test_of_one_point_there_are_no_legs() -> None:
    found = analysed(CASES["silent_middle"].run()[-1:])
    assert [(point.number, point.files, point.clock.offset_s) for point in found.all_points] == [(0, (0,), 0.0)]
    assert all(path.legs == () for path in found.all_paths)
    assert all(flow.located is None for flow in found.all_flows)
