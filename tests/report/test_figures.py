from __future__ import annotations

import time
from typing import Any

import pytest
from matplotlib.text import Annotation

from analyzer.errors import UsageError
from analyzer.report.figures import NOTHING_TO_DRAW, timeline, timelines
from analyzer.results import PathMtu
from tests.report.factory import START, make_analysis, make_flow, make_timeline, refs

FLOW = make_flow(0, timeline=make_timeline())


def texts(axes: Any) -> list[str]:
    return [child.get_text() for child in axes.get_children() if isinstance(child, Annotation)]


def labels(axes: Any) -> set[str]:
    return set(axes.get_legend_handles_labels()[1])


def test_a_flow_is_drawn_with_its_stalled_segment_called_out() -> None:
    (axes,) = timeline(make_analysis([FLOW]), FLOW).axes
    assert labels(axes) == {"sent", "sent again", "acknowledged", "SYN"}
    assert "1500-byte packet with DF: sent again 4 times, stalled for 26.6 s" in texts(axes)
    assert axes.get_title(loc="left") == (
        "Stream 0: 10.0.2.2:443 -> 10.0.1.2:40000\nPMTUD black hole, confirmed (blackhole), path MTU 1400..1499 bytes"
    )


def test_near_ptbs_share_a_label() -> None:
    second = 1_000_000_000
    ptbs = tuple((START + int(t * second), 0, 1400, refs(13)[0]) for t in (1.0, 1.1, 20.0))
    other = (START + 5 * second, 7, 1400, refs(14)[0])  # of another flow
    (axes,) = timeline(make_analysis([FLOW], ptb_timeline=(*ptbs, other)), FLOW).axes
    assert [t for t in texts(axes) if "PTB" in t] == ["2 PTBs, MTU 1400", "PTB, MTU 1400"]


def test_a_stall_late_in_a_long_flow_is_shown_close_up() -> None:
    packets = make_timeline()
    packets["ts"][packets["frame"] < 12] -= 3600 * 1_000_000_000
    flow = make_flow(0, timeline=packets, first_time=START - 3600 * 1_000_000_000)
    (axes,) = timeline(make_analysis([flow]), flow).axes
    left, right = axes.get_xlim()
    assert left > 3500
    assert right - left < 60


def test_one_packet_is_enough() -> None:
    flow = make_flow(0, "inconclusive", stalled=None, timeline=make_timeline()[:1])
    timeline(make_analysis([flow]), flow).canvas.draw()


def test_many_packets_are_drawn_in_reasonable_time() -> None:
    flow = make_flow(0, timeline=make_timeline(flights=2000))
    start = time.monotonic()
    timeline(make_analysis([flow]), flow).canvas.draw()
    assert time.monotonic() - start < 10


def test_without_packets_there_is_nothing_to_draw() -> None:
    with pytest.raises(UsageError, match="no packets of stream 0 were recorded"):
        timeline(make_analysis([make_flow()]), make_flow())


def test_all_problem_flows_up_to_a_limit() -> None:
    flows = [make_flow(i, timeline=make_timeline()) for i in range(14)]
    figure = timelines(make_analysis([*flows, make_flow(14, "ok", timeline=make_timeline())]))
    assert len(figure.axes) == 12
    assert figure.get_supxlabel() == "2 more flows with a problem not drawn"


def test_a_healthy_capture_gives_a_figure_that_says_so() -> None:
    figure = timelines(make_analysis([make_flow(0, "pmtud_ok", path_mtu=PathMtu(1400, 1400, 1400))]))
    assert figure.axes == []
    assert figure.get_suptitle().startswith("No problem found")
    assert NOTHING_TO_DRAW in [text.get_text() for text in figure.texts]
