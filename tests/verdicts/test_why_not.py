"""Why a flow has not some other verdict: the condition that is lacking, with frames of this capture."""

from __future__ import annotations

from pathlib import Path

import pytest

import analyzer
from analyzer.errors import UsageError
from analyzer.model.verdicts import VERDICTS
from analyzer.report.rule_book import RULES
from tests.reading import CAPTURES, ROOT

SAMPLES = ROOT / "sample_pcaps"
VERDICT_OF = {rule.id: rule.verdict for rule in RULES}


def flow_of(name: str, verdict: str) -> analyzer.Flow:
    analysis = analyzer.analyze(SAMPLES / f"{name}.pcap")
    return next(flow for flow in analysis.all_flows if flow.verdict == verdict)


@pytest.mark.parametrize(
    ("name", "verdict", "other", "words"),
    [
        (
            "recovered_by_mtu_probing_at_server",
            "blackhole_recovered",
            "blackhole",
            "is excluded where the stuck",
        ),
        (
            "tunnel_blackhole_at_server",
            "blackhole",
            "content_drop",
            "stalled/content needs that a packet as large",
        ),
        ("tunnel_blackhole_at_server", "blackhole", "dead_path", "stalled/dead-path "),
        ("zero_window_at_server", "zero_window", "blackhole", "no segment was sent again so often"),
        ("ptb_ignored_by_host_at_server", "ptb_ignored", "blackhole", "stalled/ptb-ignored comes before it"),
        ("tunnel_mss_clamped_at_server", "ok", "blackhole_suspected", "unstalled/hole needs that a hole"),
    ],
)
def test_the_condition_that_is_lacking(name: str, verdict: str, other: str, words: str) -> None:
    reason = flow_of(name, verdict).why_not(other)
    assert reason is not None
    assert words in reason


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_every_flow_has_a_reason_for_every_other_verdict(path: Path) -> None:
    analysis = analyzer.analyze(path)
    for flow in list(analysis.all_flows)[:40]:
        assert VERDICT_OF[flow.rule] == flow.verdict
        for verdict in VERDICTS:
            reason = flow.why_not(verdict)
            if verdict == flow.verdict:
                assert reason is None
                continue
            assert reason is not None
            own = [rule.id for rule in RULES if rule.verdict == verdict]
            assert any(name in reason for name in own), reason


def test_what_was_stuck_is_named_with_its_frames() -> None:
    flow = flow_of("tunnel_blackhole_at_server", "blackhole")
    assert flow.stalled is not None
    reason = flow.why_not("content_drop")
    assert reason is not None
    assert all(str(ref.frame) in reason for ref in flow.stalled.frames[:4])


def test_a_narrowed_analysis_knows_the_reasons_too() -> None:
    whole = analyzer.analyze(SAMPLES / "tunnel_blackhole_at_server.pcap")
    (flow,) = whole.where("stream == 1").all_flows
    assert flow.why_not("stall") == whole.flow(1).why_not("stall")


def test_a_verdict_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="'nothing' is no verdict"):
        flow_of("zero_window_at_server", "zero_window").why_not("nothing")


def test_on_the_command_line_a_line_a_flow(capsys: pytest.CaptureFixture[str]) -> None:
    from analyzer.cli.main import main

    sample = str(SAMPLES / "tunnel_blackhole_at_server.pcap")
    assert main([sample, "--why-not", "blackhole"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("stream 0: not_exercised (unstalled/nothing-large), not blackhole: ")
    assert lines[1] == "stream 1: blackhole it is (stalled/blackhole)"
    assert main([sample, "--why-not", "blackhole", "--stream", "2"]) == 0
    assert capsys.readouterr().out == "stream 2: blackhole it is (stalled/blackhole)\n"
    assert main([sample, "--why-not", "black hole"]) == 2
    assert "'black hole' is no verdict" in capsys.readouterr().err
    assert main([sample, "--why-not", "blackhole", "--json"]) == 2


def test_files_of_several_points(tmp_path: Path) -> None:
    """The reason is about the point whose verdict stands."""
    folder = ROOT / "tests" / "data" / "lab"
    pair = [folder / "blackhole_gso_off.sender.pcap", folder / "blackhole_gso_off.receiver.pcap"]
    analysis = analyzer.analyze(pair)
    for flow in analysis.all_flows:
        assert (flow.why_not("blackhole") is None) == (flow.verdict == "blackhole")
