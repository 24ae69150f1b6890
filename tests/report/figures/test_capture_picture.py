from __future__ import annotations

import re
from typing import Any

import pytest
from matplotlib.figure import Figure

from analyzer.model.flow import Endpoint, Flow
from analyzer.report.figures.capture_picture import (
    MOST_PAGES,
    NOTHING_TO_DRAW,
    ON_ONE,
    timeline_pages,
    timelines,
    timelines_image,
)
from tests.report.factory import make_analysis, make_flow, make_timeline


def of_way(way: int, stream: int, verdict: str = "blackhole", **more: Any) -> Flow:
    """A flow between hosts of networks that only flows of this way have."""
    client, server = Endpoint(f"10.1.{way}.2", 40000 + stream), Endpoint(f"10.2.{way}.2", 443)
    return make_flow(stream, verdict, **{"timeline": make_timeline(), "client": client, "server": server, **more})


def headed(figure: Figure) -> list[str]:
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    return [title for title in titles if "stream" in title.lower()]


def test_a_finding_of_many_flows_is_one_picture() -> None:
    analysis = make_analysis([of_way(0, i) for i in range(40)])
    figure = timelines(analysis)
    assert headed(figure) == [
        "Finding A: 40 flows from 10.2.0.2 to 10.1.0.2\nDrawn is stream 0: 10.2.0.2:443 -> 10.1.0.2:40000\n"
        "PMTUD black hole, confirmed (blackhole), path MTU 1400..1499 bytes"
    ]
    assert figure.get_supxlabel() == ""
    assert len(timeline_pages(analysis)) == 1


def test_a_finding_of_one_flow_names_it() -> None:
    (title,) = headed(timelines(make_analysis([of_way(0, 7)])))
    assert title.startswith("Finding A, stream 7: 10.2.0.2:443 -> 10.1.0.2:40007\n")


def test_one_sheet_has_the_gravest_findings_and_says_what_is_left_out() -> None:
    analysis = make_analysis([of_way(way, 10 * way + i) for way in range(5) for i in range(2)])
    figure = timelines(analysis)
    assert [title[:9] for title in headed(figure)] == ["Finding A", "Finding B", "Finding C"]
    assert figure.get_supxlabel() == "2 more findings not drawn; a PDF has a page for each, up to 20"
    assert figure.get_size_inches()[1] < 26


def test_each_verdict_has_its_turn_on_the_sheet() -> None:
    verdicts = ["blackhole"] * 4 + ["ptb_ignored"]
    analysis = make_analysis([of_way(way, way, verdict) for way, verdict in enumerate(verdicts)])
    assert any("(ptb_ignored)" in title for title in headed(timelines(analysis)))
    assert len(headed(timelines(analysis))) == ON_ONE


def test_a_pdf_has_a_page_for_each_finding_up_to_a_bound() -> None:
    analysis = make_analysis([of_way(way, way) for way in range(4)])
    pages = timeline_pages(analysis)
    assert [headed(page)[0][:9] for page in pages] == [f"Finding {name}" for name in "ABCD"]
    assert pages[0].get_suptitle()
    assert not any(page.get_suptitle() for page in pages[1:])
    many = make_analysis([of_way(way, way) for way in range(MOST_PAGES + 3)])
    pages = timeline_pages(many)
    assert len(pages) == MOST_PAGES
    assert pages[0].get_supxlabel() == "3 more findings not drawn"


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_capture_gives_the_same_image(kind: str) -> None:
    analysis = make_analysis([of_way(way, way) for way in range(2)])
    once = timelines_image(analysis, kind)
    assert once == timelines_image(analysis, kind)
    if kind == "pdf":
        assert len(re.findall(rb"/Type /Page\b", once)) == 2


def test_where_the_example_was_not_recorded_another_flow_is_drawn() -> None:
    bare = of_way(0, 0, timeline=None)
    (title,) = headed(timelines(make_analysis([bare, of_way(0, 1)])))
    assert "Drawn is stream 1:" in title
    nothing = timelines(make_analysis([bare]))
    assert headed(nothing) == []
    assert nothing.get_supxlabel() == NOTHING_TO_DRAW


def test_healthy_flows_are_drawn_where_there_is_no_finding() -> None:
    flows = [make_flow(i, "ok", stalled=None, timeline=make_timeline(retransmissions=0)) for i in range(5)]
    figure = timelines(make_analysis(flows))
    assert [title[:9] for title in headed(figure)] == ["Stream 0:", "Stream 1:", "Stream 2:"]
    assert figure.get_supxlabel() == "2 more flows not drawn"
