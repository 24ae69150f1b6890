from __future__ import annotations

import html
import io

import pytest

import analyzer
from analyzer.api.views import Evidence
from analyzer.model.statement import FrameRef, Statement
from analyzer.notebook.repr_text import Explanation
from tests.reading import LAB, SAMPLE_FOLDER
from tests.report.factory import handed_out, make_file, make_flow

STORY = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"


def test_an_analysis_shows_the_answer_and_the_table() -> None:
    text = repr(analyzer.analyze(STORY))
    assert text.startswith("2 of 3 flows hang in a PMTUD black hole")
    assert "203.0.113.10 -> 192.0.2.10  blackhole" in text
    assert "tunnel_blackhole_at_server.pcap: 118 packets" in text


def test_a_flow_shows_itself_in_two_lines() -> None:
    flow = analyzer.analyze(STORY).flow(2)
    first, second = repr(flow).splitlines()
    assert first == (
        "Flow 2: 192.0.2.10:44260 <- 203.0.113.10:8082, blackhole (high confidence), path MTU 472..1499 bytes"
    )
    assert second == flow.explanation


def test_evidence_shows_its_frames() -> None:
    evidence = analyzer.analyze(STORY).flow(1).evidence
    assert repr(evidence).splitlines()[0] == (
        "the segment of 1500 bytes and its retransmissions [frames 24, 37, 41, 52, 73, 85, 111]"
    )


def test_evidence_of_several_files_names_them() -> None:
    paths = [path for path in LAB if path.name.startswith("blackhole_gso_off.")]
    flow = analyzer.analyze(paths).flow(0)
    assert "blackhole_gso_off.sender.pcap: frames" in repr(flow.evidence)


@pytest.mark.parametrize("stream", [0, 1])
def test_the_explanation_is_that_of_the_command(stream: int) -> None:
    flow = analyzer.analyze(STORY).flow(stream)
    told = flow.explain()
    assert isinstance(told, str)
    assert repr(told) == str(told)
    assert told.startswith(f"Stream {stream}: ")
    assert " ".join(flow.explanation.split()) in " ".join(told.split())
    assert ("Fix" in told) == bool(flow.fixes)


def test_explanations_are_escaped_on_a_page() -> None:
    assert "<script>" not in Explanation("<script>")._repr_html_()
    assert html.escape("<script>") in Explanation("<script>")._repr_html_()


def test_what_could_steer_a_terminal_is_written_out() -> None:
    hostile = "\x1b[31mred\u202e"
    made = make_flow(explanation=hostile, evidence=(Statement(hostile, (FrameRef(0, 1),)),))
    analysis = handed_out([made], [make_file(f"{hostile}.pcap")])
    flow = analysis.flow(0)
    for text in (repr(analysis), repr(flow), repr(flow.evidence), str(flow.explain())):
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_evidence_is_still_a_tuple_of_statements() -> None:
    flow = analyzer.analyze(io.BytesIO(STORY.read_bytes())).flow(1)
    assert isinstance(flow.evidence, Evidence)
    text, frames = flow.evidence[0]
    assert (text, frames[0]) == ("the segment of 1500 bytes and its retransmissions", FrameRef(0, 24))
