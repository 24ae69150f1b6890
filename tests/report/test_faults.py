"""Faults that were found by reading: what a report must not do again."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

import analyzer
from analyzer.knowledge.fixes import PLATFORMS
from analyzer.model.statement import FrameRef
from analyzer.model.text import seconds
from analyzer.report.document import document_of
from analyzer.report.formats.html_report import to_html
from analyzer.report.formats.markdown_report import to_markdown
from analyzer.report.page import page_of
from analyzer.settings import Settings
from tests.builders import Packet, pcap
from tests.reading import ROOT
from tests.report.factory import make_analysis, make_flow
from tests.scenarios.checks import analysis_in
from tests.scenarios.notation import parse_scenarios
from tests.verdicts.test_probes import echo

SAMPLES = ROOT / "sample_pcaps"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_steps_are_in_one_order_on_every_platform(platform: str) -> None:
    """What verifies was made of the commands that began as Linux's do."""
    sample = SAMPLES / "tunnel_blackhole_at_server.pcap"
    analysis = analyzer.analyze(sample, settings=Settings(platforms=(platform,)))
    (diagnosis,) = document_of(analysis).diagnoses
    kinds = [kind for kind, _ in diagnosis.steps]
    assert kinds in (["confirm", "measure", "fix", "check"], ["confirm", "measure", "check"])
    for text in (to_html(analysis, plots=False), to_markdown(page_of(analysis))):
        places = [text.index(word, text.index("Ruled out")) for word in ("Confirm", "Measure", "Check")]
        assert places == sorted(places)


def test_a_path_of_pings_alone_is_judged_by_the_settings_of_the_caller() -> None:
    capture = pcap([Packet(i, packet) for i, packet in enumerate((echo(1400, 1), echo(1400, 1, reply=True)))])

    def verdicts(settings: Settings) -> list[str]:
        return [path.verdict for path in analyzer.analyze(io.BytesIO(capture), settings=settings).all_paths]

    assert verdicts(Settings()) == ["ok"]
    assert verdicts(Settings(exercised_bytes=1401)) == ["not_exercised"]


def test_a_frame_is_told_though_a_size_is_the_same_number() -> None:
    """352 bytes are not frame 352."""
    refs = (FrameRef(0, 352), FrameRef(0, 19))
    text = "A packet of 352 bytes (frame 19)."
    flow = replace(make_flow(0, "zero_window", explanation=text, evidence=()), rests_on=refs, named=(FrameRef(0, 19),))
    (diagnosis,) = document_of(make_analysis([flow])).diagnoses
    assert diagnosis.what.frames == "frame 352"


def test_frames_that_the_explanation_names_are_not_listed_behind_it() -> None:
    for path in sorted(SAMPLES.glob("*.pcap")):
        for flow in analyzer.analyze(path).problem_flows:
            for ref in flow.named:
                assert ref.name(several=False) in flow.explanation


@pytest.mark.parametrize(("value", "text"), [(0.35, "0.35 s"), (14.2, "14.2 s"), (99.94, "99.9 s"), (924, "924 s")])
def test_a_duration_is_written_in_one_way(value: float, text: str) -> None:
    """The sentence said 15 min, and the table beside it 924 s."""
    assert seconds(value) == text


LONG_STALL = """
=== a stall of a quarter of an hour
mtu S>C 1420
handshake
0.021                           C > S  data 1:518
0.031                           S > C  ack 518
0.031                           S > C  data 1:2897 by 1448 lost
0.031                           S > C  data 2897:3597
0.041                           C > S  ack 1 sack 2897:3597
0.25 0.68 1.54 3.26 6.7 13.6 27.4 55.0 110.0 220.1 340.2 460.3 580.4 700.5 820.6 924.13   S > C  data 1:1449 lost
expect at S: blackhole high s>c 752..1499 stalled 1500 retransmissions 16
"""


def test_the_sentence_and_the_table_name_the_same_duration() -> None:
    (scenario,) = parse_scenarios(LONG_STALL)
    document = document_of(analysis_in(scenario, scenario.expectations[0].view))
    assert document.rows[0].stalled == "924 s"
    assert "within 924 s" in document.diagnoses[0].what.text
