"""The laboratory's rows: names, groups, and truths in the words of the verdicts."""

from __future__ import annotations

import ast
import json

import pytest

from analyzer.model.verdicts import VERDICTS
from lab.capture_file import CaptureFile
from lab.catalogue import GROUPS, SCENARIOS, SCRIPTS, check_names, read_groups
from lab.checks import first_gaps
from lab.judging import ACCUSATIONS
from lab.recorder import truth_of
from lab.vocabulary import Capture, Scenario
from tests.builders import ACK, SECOND, SYN
from tests.lab.packets import recording, segment
from tests.reading import ROOT, SAMPLE_FOLDER


def test_names_and_files_are_unique() -> None:
    names = [scenario.name for scenario in SCENARIOS] + [script.name for script in SCRIPTS]
    files = [scenario.file_of(capture) for scenario in SCENARIOS for capture in scenario.captures]
    assert len(set(names)) == len(names)
    assert len(set(files)) == len(files)


def test_truths_use_the_verdicts_there_are() -> None:
    for scenario in SCENARIOS:
        for capture in scenario.captures:
            for allowed in (capture.accept, *capture.flows.values()):
                assert allowed, scenario.name
                assert set(allowed) <= set(VERDICTS), scenario.name


def test_a_truth_by_port_names_the_ports_of_the_flows() -> None:
    for scenario in SCENARIOS:
        ports = {flow.port for flow in scenario.flows}
        for capture in scenario.captures:
            assert not capture.flows or capture.flows.keys() == ports, scenario.name


def test_every_row_has_the_group_of_the_list() -> None:
    rows = {row.name: row.group for row in SCENARIOS} | {row.name: row.group for row in SCRIPTS}
    assert rows == GROUPS
    assert set(rows.values()) == {"tune", "seen", "held_out", "wild"}


def test_a_row_without_a_group_and_a_group_without_a_row_are_refused() -> None:
    groups = read_groups('tune = ["a"]\nwild = ["b"]')
    assert groups == {"a": "tune", "b": "wild"}
    check_names(["a", "b"], groups)
    for rows in (["a", "b", "c"], ["a"], ["a", "b", "b"]):
        with pytest.raises(ValueError, match=r"groups\.toml"):
            check_names(rows, groups)
    for text in ('tune = ["a"]\nseen = ["a"]', 'tune = ["a", "a"]', 'other = ["a"]'):
        with pytest.raises(ValueError, match=r"no such group|in two places"):
            read_groups(text)


def test_the_files_of_scenarios_do_not_import_one_another() -> None:
    for path in sorted((ROOT / "lab" / "scenarios").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("lab.scenarios"), path.name


def test_the_samples_are_not_held_out() -> None:
    truth = json.loads((SAMPLE_FOLDER / "truth.json").read_text())
    assert {facts["group"] for facts in truth.values()} == {"tune", "seen"}


def test_the_wild_group_has_twins() -> None:
    wild = [scenario for scenario in SCENARIOS if scenario.group == "wild"]
    assert wild == [scenario for scenario in SCENARIOS if scenario.name.startswith("wild_")]
    twins = [scenario for scenario in wild if "twin" in scenario.shows]
    assert len(twins) >= 15
    for scenario in twins:
        for capture in scenario.captures:
            assert not ACCUSATIONS & {
                verdict for allowed in (capture.accept, *capture.flows.values()) for verdict in allowed
            }


def _capture(seconds_after_hole: int) -> CaptureFile:
    packets = (
        (0, SYN, 0, 0),
        (1, ACK, 1, 100),
        (2, ACK, 1101, 100),  # a gap of 1000 bytes
        (2 + seconds_after_hole, ACK, 101, 0),
    )
    return recording(
        (second, segment(bytes(size), seq=seq, ack=1, flags=flags)) for second, flags, seq, size in packets
    )


def test_a_file_that_ends_with_the_hole_may_be_inconclusive() -> None:
    capture = Capture(role="receiver", accept=("blackhole_suspected",))
    scenario = Scenario(name="made_up", shows="a hole", path_mtu=1400, captures=(capture,))
    assert first_gaps(_capture(1)) == {(8080, 5000): 2 * SECOND}
    assert truth_of(scenario, capture, _capture(1))["accept"] == ["blackhole_suspected", "inconclusive"]
    assert truth_of(scenario, capture, _capture(3))["accept"] == ["blackhole_suspected"]
