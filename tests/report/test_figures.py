from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Annotation, Text

from analyzer.errors import UsageError
from analyzer.report.figures import NOTHING_TO_DRAW, image, overview, timeline, timelines
from analyzer.report.packets import recorded
from analyzer.report.palette import DARK
from analyzer.report.panels import NARROW, WIDE
from analyzer.report.thinning import MOST_MARKS
from analyzer.results import VERDICTS, PathMtu
from tests.report.factory import SECOND, START, make_analysis, make_flow, make_timeline, refs

FLOW = make_flow(0, timeline=make_timeline())


def texts(axes: Any) -> list[str]:
    return [child.get_text() for child in axes.get_children() if isinstance(child, Annotation)]


def labels(axes: Any) -> set[str]:
    return set(axes.get_legend_handles_labels()[1])


def test_a_flow_is_drawn_with_its_stalled_segment_called_out() -> None:
    sequence, sizes = timeline(make_analysis([FLOW]), FLOW).axes
    assert labels(sequence) >= {"delivered", "lost, or never acknowledged", "acknowledged", "sent again", "SYN"}
    assert (
        "1500-byte packet with DF: sent again 4 times, stalled for 26.6 s\nagain after 3.3, 3.3, 6.6, 13\u00a0s"
    ) in texts(sequence)
    assert sequence.get_title(loc="left") == (
        "Stream 0: 10.0.2.2:443 -> 10.0.1.2:40000\nPMTUD black hole, confirmed (blackhole), path MTU 1400..1499 bytes"
    )
    assert texts(sizes) == ["path MTU 1400..1499"]


@pytest.mark.parametrize(
    ("size", "label"),
    [
        (PathMtu(), []),
        (PathMtu(1500), ["path MTU >= 1500"]),
        (PathMtu(None, 1499), ["path MTU <= 1499"]),
        (PathMtu(472, 1499), ["path MTU 472..1499"]),
        (PathMtu(1400, 1400, 1400), ["path MTU 1400"]),
    ],
)
def test_the_sizes_show_where_the_path_mtu_lies(size: PathMtu, label: list[str]) -> None:
    flow = replace(FLOW, path_mtu=size)
    assert texts(timeline(make_analysis([flow]), flow).axes[1]) == label


def test_into_given_axes_only_the_sequence_is_drawn() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    assert timeline(make_analysis([FLOW]), FLOW, figure.add_subplot()) is figure
    assert len(figure.axes) == 1


def test_near_ptbs_share_a_label() -> None:
    ptbs = tuple((START + int(t * SECOND), 0, 1400, refs(13)[0]) for t in (1.0, 1.1, 20.0))
    other = (START + 5 * SECOND, 7, 1400, refs(14)[0])  # of another flow
    axes = timeline(make_analysis([FLOW], ptb_timeline=(*ptbs, other)), FLOW).axes[0]
    assert [t for t in texts(axes) if "PTB" in t] == ["2 PTBs, MTU 1400", "PTB, MTU 1400"]


def test_a_stall_late_in_a_long_flow_is_shown_close_up() -> None:
    packets = make_timeline()
    packets["ts"][packets["frame"] < 12] -= 3600 * SECOND
    flow = make_flow(0, timeline=packets, first_time=START - 3600 * SECOND)
    left, right = timeline(make_analysis([flow]), flow).axes[0].get_xlim()
    assert left > 3500
    assert right - left < 60


def test_one_packet_is_enough() -> None:
    flow = make_flow(0, "inconclusive", stalled=None, timeline=make_timeline()[:1])
    timeline(make_analysis([flow]), flow).canvas.draw()


@pytest.mark.parametrize("seconds", [0.2, 26.6, 924.0])
@pytest.mark.parametrize("sheet", [NARROW, WIDE], ids=["phone", "screen"])
def test_no_text_leaves_the_paper_or_covers_another(seconds: float, sheet: Any) -> None:
    stalled = make_flow().stalled
    assert stalled is not None
    flow = make_flow(
        0,
        timeline=make_timeline(seconds=seconds),
        stalled=stalled._replace(seconds=seconds),
        path_mtu=PathMtu(472, 1499),
    )
    ptbs = tuple((START + int(t * seconds * SECOND), 0, 1400, refs(13)[0]) for t in (0.1, 0.5, 0.9))
    figure = timeline(make_analysis([flow], ptb_timeline=ptbs), flow, sheet=sheet, titled=sheet is WIDE)
    figure.canvas.draw()
    boxes = []
    for axes in figure.axes:
        marked = [child for child in axes.get_children() if isinstance(child, Text) and child.get_text()]
        marked += [axes.xaxis.label, axes.yaxis.label]
        boxes += [(each.get_text(), each.get_window_extent()) for each in marked if each.get_text()]
    assert len(boxes) >= 6
    width, height = figure.canvas.get_width_height()
    for text, box in boxes:
        assert box.x0 >= 0, text
        assert box.x1 <= width, text
        assert 0 <= box.y0 < box.y1 <= height, text
    for i, (text, box) in enumerate(boxes):
        for other, its in boxes[i + 1 :]:
            assert not box.padded(-1).overlaps(its), (text, other)


def test_of_many_packets_only_what_can_be_told_apart_is_drawn() -> None:
    flow = make_flow(0, timeline=make_timeline(flights=20_000))
    figure = timeline(make_analysis([flow]), flow)
    sequence, sizes = figure.axes
    for axes in (sequence, sizes):
        for line in axes.lines:
            assert np.size(line.get_xdata()) <= 3 * MOST_MARKS  # three points a bar
    assert len(image(figure, "svg")) < 400_000


def test_any_table_of_packets_can_be_drawn() -> None:
    packets = recorded(FLOW)
    assert packets is not None
    bare = replace(FLOW, timeline=None)
    figure = timeline(make_analysis([bare]), bare, packets=packets)
    assert len(figure.axes) == 2


def test_without_packets_there_is_nothing_to_draw() -> None:
    with pytest.raises(UsageError, match="no packets of stream 0 were recorded"):
        timeline(make_analysis([make_flow()]), make_flow())
    with pytest.raises(UsageError, match="no flow"):
        overview(make_analysis())


def test_all_problem_flows_up_to_a_limit() -> None:
    flows = [make_flow(i, timeline=make_timeline()) for i in range(14)]
    figure = timelines(make_analysis([*flows, make_flow(14, "ok", timeline=make_timeline())]))
    assert len([axes for axes in figure.axes if axes.get_title(loc="left").startswith("Stream")]) == 12
    assert figure.get_supxlabel() == "2 more flows with a problem not drawn"


def test_a_healthy_capture_gives_a_figure_that_says_so() -> None:
    figure = timelines(make_analysis([make_flow(0, "pmtud_ok", path_mtu=PathMtu(1400, 1400, 1400))]))
    assert figure.axes == []
    assert figure.get_suptitle().startswith("No problem found")
    assert figure.get_supxlabel() == NOTHING_TO_DRAW


def test_the_overview_names_few_flows_and_counts_many() -> None:
    (axes,) = overview(make_analysis([make_flow(0), make_flow(1, "ok")])).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["stream 0: blackhole", "stream 1: ok"]
    flows = [make_flow(i, VERDICTS[min(i // 40, 3)]) for i in range(3000)]
    figure = overview(make_analysis(flows), theme=DARK)
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["40 blackhole", "40 ptb_ignored", "40 blackhole_probable", "2,880 blackhole_suspected"]
    assert axes.get_title(loc="right") == "600 of 3,000 flows drawn"
    (lines,) = axes.collections
    segments: Any = lines
    heights = np.array([segment[0][1] for segment in segments.get_segments()])
    assert len(np.unique(heights)) == len(heights)
    assert np.diff([label.get_window_extent().y0 for label in axes.get_yticklabels()]).max() < 0


def test_the_same_figure_gives_the_same_file() -> None:
    for kind in ("svg", "pdf", "png"):
        assert image(timeline(make_analysis([FLOW]), FLOW), kind) == image(timeline(make_analysis([FLOW]), FLOW), kind)
