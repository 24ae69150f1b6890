from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import pytest

import analyzer
from analyzer.api.views import Evidence
from analyzer.model.flow import PathMtu
from analyzer.model.statement import FrameRef, Statement
from analyzer.model.verdicts import VERDICTS
from analyzer.notebook.repr_html import SHOWN_ROWS
from tests.reading import SAMPLE_FOLDER
from tests.report.factory import handed_out, make_file, make_flow, make_timeline

STORY = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J\u202e\"'"


class Page(HTMLParser):
    """Tags with their attributes, and whether they are closed in order."""

    VOID = ("br", "img")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(autouse=True)
def _pyplot_is_left_alone() -> Iterator[None]:
    before, settings = plt.get_fignums(), dict(plt.rcParams)
    yield
    assert plt.get_fignums() == before
    assert dict(plt.rcParams) == settings


def images(page: Page) -> list[bytes]:
    out = []
    for tag, attributes in page.tags:
        if tag == "img":
            assert attributes["alt"]
            found = re.fullmatch(r"data:image/png;base64,([A-Za-z0-9+/=]+)", attributes["src"] or "")
            assert found
            out.append(base64.b64decode(found[1]))
    return out


def test_an_analysis_shows_answer_table_and_brackets() -> None:
    page = Page(analyzer.analyze(STORY)._repr_html_())
    assert "2 of 3 flows hang in a PMTUD black hole" in page.text
    assert "203.0.113.10:8082" in page.text
    (image,) = images(page)
    assert image.startswith(b"\x89PNG")


def test_a_flow_shows_why_and_its_timeline() -> None:
    flow = analyzer.analyze(STORY).flow(1)
    page = Page(flow._repr_html_())
    assert flow.explanation in page.text
    assert "frames 24, 37, 41, 52, 73, 85, 111" in page.text
    assert flow.fixes[0].command in page.text
    assert len(images(page)) == 1


def test_a_healthy_flow_has_no_figure_and_no_fix() -> None:
    page = Page(analyzer.analyze(STORY).flow(0)._repr_html_())
    assert "No packet large enough" in page.text
    assert not images(page)
    assert "Fix" not in page.text


def test_no_flows_at_all() -> None:
    page = Page(handed_out()._repr_html_())
    assert "story.pcap" in page.text
    assert not images(page)


def test_many_flows_are_cut_and_counted() -> None:
    page = Page(handed_out([make_flow(i) for i in range(SHOWN_ROWS + 5)])._repr_html_())
    assert sum(tag == "tr" for tag, _ in page.tags) == SHOWN_ROWS + 1
    assert "5 more flows with a problem" in page.text


@pytest.mark.sampled(4)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_can_be_shown(verdict: str) -> None:
    flow = handed_out([make_flow(0, verdict, timeline=make_timeline())]).flow(0)
    assert len(images(Page(flow._repr_html_()))) == 1


def test_nothing_from_a_capture_becomes_markup() -> None:
    made = make_flow(
        explanation=HOSTILE,
        evidence=(Statement(HOSTILE, (FrameRef(0, 1),)),),
        path_mtu=PathMtu(1400, 1499),
        timeline=make_timeline(),
    )
    analysis = handed_out([made], [make_file(HOSTILE)], notes=(HOSTILE,))
    flow = analysis.flow(0)
    assert isinstance(flow.evidence, Evidence)
    for shown in (analysis, flow, flow.evidence):
        page = Page(shown._repr_html_())
        assert "<script>" in page.text  # shown, as text
        assert {tag for tag, _ in page.tags} <= {
            "b", "br", "code", "div", "img", "li", "p", "pre", "span",
            "table", "tbody", "td", "th", "thead", "tr", "ul",
        }  # fmt: skip
        assert all(set(attributes) <= {"alt", "src", "style"} for _, attributes in page.tags)
        assert "\x1b" not in page.text
        assert "\u202e" not in page.text
