"""Flows judged in the tables get the verdicts that judging them one by one gives, recorded ones included."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import analyzer
from analyzer.evidence.flow_index import Collector
from analyzer.flows.flow_tables import C_FLOWS, C_LAST_TS, State
from analyzer.flows.table_pages import new_state
from analyzer.flows.table_parts import direction_table, flow_table
from analyzer.model.verdicts import VERDICTS
from analyzer.settings import Settings
from analyzer.verdicts.bulk_verdicts import bulk_verdicts, hosts_in_common
from analyzer.verdicts.judge import judge_conversation, judge_direction
from tests.builders import Packet, ipv4, pcap, tcp
from tests.profiles import examples
from tests.reading import CAPTURES, ROOT, skim
from tests.scenarios.notation import load_scenarios
from tests.scenarios.packets import capture_of
from tests.traffic import generated, skimmed

SECOND = 1_000_000_000
SCENARIOS = load_scenarios(ROOT / "tests" / "scenarios")


def check(state: State) -> int:
    """Compare all quiet flows with the judge's answers; returns how many there were."""
    collector = Collector(state)
    thresholds = Settings()
    quiet = bulk_verdicts(collector, thresholds)
    rows = np.flatnonzero(quiet.rows).tolist()
    for row in rows:
        conversation = collector.conversation(row)
        judged = [judge_direction(direction, conversation, thresholds) for direction in conversation.directions]
        said = [VERDICTS[quiet.by_side[side][row]] for side in (0, 1)]
        assert said == [each.verdict for each in judged], row
        assert VERDICTS[quiet.verdicts[row]] == judge_conversation(conversation, judged).verdict
        for side in (0, 1):
            assert (int(quiet.delivered[side][row]) or None) == judged[side].path_mtu.at_least
            assert judged[side].path_mtu.at_most is judged[side].path_mtu.exact is None
    return len(rows)


def test_on_every_capture() -> None:
    """All in one test: of some captures no flow is judged so, but of many are."""
    compared = [check(skim(path).state) for path in CAPTURES]
    assert sum(compared) > 10


def test_on_every_scenario() -> None:
    compared = [
        check(skim(capture_of(scenario.records(view))).state)
        for scenarios in SCENARIOS.values()
        for scenario in scenarios
        for view in {e.view for e in scenario.expectations}
    ]
    assert sum(count > 0 for count in compared) > 50


@pytest.mark.parametrize("name", ["few flows", "many flows"])
def test_on_generated_traffic(name: str) -> None:
    assert check(skimmed(name).state) > 0


def test_flows_of_several_points_are_judged_by_their_own_points_end() -> None:
    state = skim(generated()["few flows"]).state
    alone = check(state)
    assert alone > 1
    state.flows["point"][: state.counters[C_FLOWS]] = 1
    state.flows["point"][0] = 0
    assert check(state) == alone


# Counters that decide something, at the values where they do; those that leave a flow to the judge are rare.
TIMES = (0, 1, 100 * SECOND - 3 * SECOND, 100 * SECOND - 3 * SECOND + 1, 98 * SECOND, 100 * SECOND)
FIELDS: dict[str, tuple[int, ...]] = {
    "packets": (0, 1, 9), "data_packets": (0, 1, 10, 11), "payload_bytes": (0, 99, 100, 5000),
    "last_data_ts": TIMES, "fin_ts": TIMES, "hole_ts": TIMES, "window_zero_ts": (0,) * 60 + TIMES,
    "window_zero_longest": (0, 0, 0, 0, SECOND - 1, SECOND - 1, SECOND, 9 * SECOND),
    "hole_longest": (0, 10_000_000, 10_000_001, 9 * SECOND),
    "mss": (-1, 0, 536, 1220, 1240, 1241, 1460, 8960), "delivered": (0, 576, 1279, 1280, 1281, 1500, 9000),
    "delivered_nodf": (0, 1279, 1280, 1281, 1500), "max_sent": (0, 1280, 1281, 1500), "nodf_packets": (0, 1, 10, 11),
    "super_packets": (0, 1), "una_known": (0, 1), "una": (0, 1, 2, 100), "snd_max": (0, 1, 2, 100, 101, 102),
    "first_seq": (0, 1), "resent": (0, 1, 5), "spurious": (0, 1), "dsacks": (0, 1, 5), "filled": (0, 2),
    "holes": (0, 0, 0, 0, 0, 2), "unseen": (0, 1, 2, 50), "ttl_max": (0, 40, 64, 128), "ptbs": (0,) * 19 + (1,),
    "run_count": (0, 0, 2, 3),
}  # fmt: skip
FLOW_FIELDS: dict[str, tuple[int, ...]] = {
    "packets": (0, 5, 5, 5, 5, 5), "seen": (0, 1, 3, 3, 7, 15, 15, 16 + 3, 512 + 3), "client": (0, 1),
    "version": (4, 6), "odd_syn_ts": (0, 10), "syn_ack_ts": (0, 20, 30_000_000), "ack_ts": (0, 40, 70_000_000),
    "events": (0, 0, 0, 1),
}  # fmt: skip


def row_of(fields: dict[str, tuple[int, ...]]) -> Any:
    return st.fixed_dictionaries({name: st.sampled_from(values) for name, values in fields.items()})


COMPARED: list[int] = []
"""Rows compared in each example."""


@examples(1500)
@given(st.lists(st.tuples(row_of(FLOW_FIELDS), row_of(FIELDS), row_of(FIELDS)), min_size=1, max_size=4))
def compare_counters(rows: list[tuple[dict[str, int], ...]]) -> None:
    state = new_state(0, flows=len(rows), events=1, icmps=1)
    state.counters[C_FLOWS], state.counters[C_LAST_TS] = len(rows), 100 * SECOND
    flows, directions = flow_table(state), direction_table(state)
    for number, (flow, *sides) in enumerate(rows):
        for name, value in flow.items():
            flows[name][number] = value
        for side, fields in enumerate(sides):
            directions["wscale"][2 * number + side] = -1
            for name, value in fields.items():
                directions[name][2 * number + side] = value
    flows["events"][flows["events"] > 0] = 0  # no rows stand behind them here
    COMPARED.append(check(state))


def test_on_counters_that_no_capture_has() -> None:
    COMPARED.clear()
    compare_counters()
    assert sum(COMPARED) > len(COMPARED) // 2 > 100


def test_hosts_are_grouped_by_both_addresses() -> None:
    state = new_state(0, flows=8, events=1, icmps=1)
    state.counters[C_FLOWS] = 8
    flows = flow_table(state)
    flows["version"] = [4, 6, 4, 6, 4, 4, 6, 4]
    flows["a0"] = [1, 1, 2, 1, 1, 1, 1, 9]
    flows["a3"] = [0, 7, 0, 7, 0, 0, 8, 0]
    flows["b0"] = [5, 5, 5, 5, 5, 6, 5, 9]
    chosen = np.array([True] * 7 + [False])
    none = np.zeros(8, bool)

    def grouped(judged: list[int], most: int) -> tuple[list[list[int]], int]:
        known = none.copy()
        known[judged] = True
        groups, left_out = hosts_in_common(flows, chosen, known, most)
        return sorted(members.tolist() for members in groups), left_out

    assert grouped([], 9) == ([[0, 4], [1, 3], [2], [5], [6]], 0)
    assert grouped([], 5) == ([[0, 4], [1, 3], [2], [5], [6]], 0)
    assert grouped([], 1) == ([[0, 4]], 4)  # those seen first, IPv4 before IPv6
    assert grouped([3, 5], 3) == ([[0, 4], [1, 3], [2], [5]], 1)  # who shares a judged flow's addresses is in anyway
    assert hosts_in_common(flows, none, none, 9) == ([], 0)


def test_paths_beyond_the_bound_are_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three pairs of hosts exchange a few bytes."""
    frames = []
    for number in range(3):
        there: dict[str, Any] = {"src": f"10.0.0.{number}", "dst": "10.1.0.1"}
        back: dict[str, Any] = {"src": there["dst"], "dst": there["src"]}
        frames += [ipv4(tcp(b"x" * 100), **there), ipv4(tcp(seq=1, ack=1100, sport=80, dport=40000), **back)]
    capture = pcap([Packet(SECOND * i, frame) for i, frame in enumerate(frames, 1)])
    assert len(analyzer.analyze(io.BytesIO(capture)).all_paths) == 6
    monkeypatch.setattr("analyzer.verdicts.path_findings.MAX_HEALTHY_PAIRS", 2)
    found = analyzer.analyze(io.BytesIO(capture))
    assert {path.src for path in found.all_paths} == {"10.0.0.0", "10.0.0.1", "10.1.0.1"}
    assert any("1 more pairs of addresses are not listed" in note for note in found.notes)
