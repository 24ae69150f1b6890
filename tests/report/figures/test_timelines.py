from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Annotation, Text

import analyzer
from analyzer.errors import UsageError
from analyzer.evidence.outcomes import DELIVERED, NONE
from analyzer.model.flow import PathMtu
from analyzer.model.text import clock
from analyzer.model.verdicts import VERDICTS
from analyzer.report.figures.capture_picture import NOTHING_TO_DRAW, timelines
from analyzer.report.figures.drawn_packets import Packets, read_again, recorded
from analyzer.report.figures.palette import DARK
from analyzer.report.figures.panels import NARROW, WIDE
from analyzer.report.figures.thinning import MOST_MARKS
from analyzer.report.figures.timelines import image, overview, timeline
from tests.reading import SAMPLE_FOLDER
from tests.report.factory import SECOND, START, make_analysis, make_flow, make_timeline, refs

FLOW = make_flow(0, timeline=make_timeline())


def texts(axes: Any) -> list[str]:
    return [child.get_text() for child in axes.get_children() if isinstance(child, Annotation)]


def labels(axes: Any) -> set[str]:
    return set(axes.get_legend_handles_labels()[1])


def test_a_flow_is_drawn_with_its_stalled_segment_called_out() -> None:
    sequence, sizes = timeline(make_analysis([FLOW]), FLOW).axes
    assert labels(sequence) >= {"delivered", "lost", "acknowledged", "sent again, lost", "SYN"}
    assert (
        "1500-byte packet with DF: sent again 4 times, stalled for 26.6 s\nagain after 3.3, 3.3, 6.6, 13\u00a0s"
    ) in [text.get_text() for text in sequence.texts]
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


def test_of_axes_deep_in_subfigures_the_whole_figure_is_given_back() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    half = figure.add_subfigure(figure.add_gridspec(1, 2)[1])
    deep = half.add_subfigure(half.add_gridspec(2, 1)[0])
    assert timeline(make_analysis([FLOW]), FLOW, deep.add_subplot()) is figure


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


def test_a_million_packets_take_less_than_five_seconds() -> None:
    count = 1_000_000
    turn = np.arange(count)
    forward = turn % 3 != 2
    sent = np.cumsum(forward) - forward
    resent = turn % 100 == 4
    packets = Packets(
        ts=START + turn * 1_000,
        frame=turn + 1,
        file=np.zeros(count, np.int64),
        forward=forward,
        seq=sent * 1448,
        ack=np.where(forward, 1, sent * 1448),
        payload=np.where(forward, 1448, 0),
        ip_len=np.where(forward, 1500, 52),
        window=np.full(count, 65535),
        flags=np.full(count, 16),
        resent=resent & forward,
        keepalive=np.zeros(count, bool),
        merged=np.zeros(count, bool),
        outcome=np.where(forward, DELIVERED, NONE),
    )
    flow = make_flow(0, packet_count=count, stalled=None)
    begin = time.process_time()
    figure = timeline(make_analysis([flow]), flow, packets=packets)
    size = len(image(figure, "svg"))
    assert time.process_time() - begin < 5
    assert size < 400_000
    assert "delivered (666,667)" in labels(figure.axes[0])


def test_it_is_said_how_much_of_a_flow_is_drawn_and_when_it_was() -> None:
    drawn = len(make_timeline())
    first = START + 3 * SECOND // 20 + SECOND // 20  # of the stalled segment
    long = make_flow(0, timeline=make_timeline(), packet_count=1_000_000, first_time=START)
    for sheet, gaps in ((WIDE, (", ", " (", ")")), (NARROW, ("\n", "\n", ""))):
        label = timeline(make_analysis([long]), long, sheet=sheet).axes[1].get_xlabel()
        told = f"time since the stalled packet was first seen{gaps[0]}{clock(first)}; the wait is logarithmic"
        assert label == f"{told}{gaps[1]}{drawn} of its 1,000,000 packets drawn{gaps[2]}"
    whole = replace(long, packet_count=drawn, verdict="ok", stalled=None)
    label = timeline(make_analysis([whole]), whole).axes[1].get_xlabel()
    assert label == "seconds from the start of the flow, 2026-11-22 13:50:00 UTC"


def test_a_hole_that_only_bare_packets_come_after_is_shaded() -> None:
    rows = make_timeline()[:4]
    later = rows[-1:].copy()
    later["ts"] += SECOND
    later["side"], later["payload"], later["ack"] = 1, 0, 0
    later["seq"] = rows["seq"].max() + 1448 + 10_000
    packets = np.concatenate([rows, later])
    flow = make_flow(0, "blackhole_suspected", stalled=None, timeline=packets)
    sequence = timeline(make_analysis([flow]), flow).axes[0]
    shown = [text.get_text() for text in sequence.texts]
    assert "10,000 bytes never came (shaded), though later ones did" in shown
    assert sequence.get_ylim()[1] > 11_448


def test_a_closed_window_is_shaded() -> None:
    packets = make_timeline(retransmissions=0)
    acks = np.flatnonzero((packets["side"] == 0) & (packets["flags"] == 16))
    packets["window"][acks[-2:]] = 0
    last = packets[acks[-1:]].copy()
    last["ts"], last["window"] = packets["ts"][acks[-2]] + 9 * SECOND, 65535
    flow = make_flow(0, "zero_window", timeline=np.concatenate([packets, last]))
    sequence = timeline(make_analysis([flow]), flow).axes[0]
    assert "the receiver's window was closed for 9.0 s (shaded)" in [text.get_text() for text in sequence.texts]


def test_healthy_flows_are_read_again_to_be_drawn() -> None:
    analysis = analyzer.analyze(SAMPLE_FOLDER / "tunnel_mss_clamped_at_server.pcap")
    assert all(flow.timeline is None for flow in analysis.all_flows)
    titles = [axes.get_title(loc="left").split(":")[0] for axes in timelines(analysis).axes]
    assert [title for title in titles if title] == ["Stream 1", "Stream 2", "Stream 0"]


def test_packets_read_again_tell_what_the_recorded_ones_do() -> None:
    analysis = analyzer.analyze(SAMPLE_FOLDER / "ptb_ignored_by_host_at_server.pcap")
    (flow,) = analysis.problem_flows
    ours, theirs = recorded(flow), read_again(analysis, flow)
    assert ours is not None
    assert theirs is not None
    assert ours.frame.tolist() == theirs.frame.tolist()
    for name in ("ts", "forward", "payload", "ip_len", "flags", "resent", "merged"):
        assert getattr(ours, name).tolist() == getattr(theirs, name).tolist(), name
    data = ours.carrying
    assert ours.outcome[data].tolist() == theirs.outcome[data].tolist()
    assert np.diff(ours.seq[data]).tolist() == np.diff(theirs.seq[data]).tolist()
    assert [high - low for _, low, high in ours.sacked] == [high - low for _, low, high in theirs.sacked]


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


def test_a_healthy_capture_gives_a_figure_that_says_so() -> None:
    figure = timelines(make_analysis([make_flow(0, "pmtud_ok", path_mtu=PathMtu(1400, 1400, 1400))]))
    assert figure.axes == []
    assert figure.get_suptitle().startswith("No path MTU problem found")
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
    assert np.diff([label.get_window_extent().y0 for label in axes.get_yticklabels()]).max() < 0
    heights = np.concatenate([drawn(axes, "never stalled")[:, 0, 1], drawn(axes, "stalled")[:, 0, 1]])
    assert len(heights) == 600
    assert len(np.unique(heights)) == len(heights)


def drawn(axes: Any, kind: str) -> Any:
    """Ends of the lines of a kind: (count, 2, 2)."""
    lines = [line.get_xydata() for line in axes.lines if str(line.get_gid()).startswith(f"{kind},")]
    return np.concatenate([np.zeros((0, 2)), *lines]).reshape(-1, 3, 2)[:, :2]


def test_the_overview_tells_when_flows_stalled_and_the_hour() -> None:
    """Also without colours: by a thicker line."""
    flow = make_flow(0, last_time=START + 29 * SECOND)
    (axes,) = overview(make_analysis([flow, make_flow(1, "ok")])).axes
    assert drawn(axes, "stalled")[0, :, 0].tolist() == [1, 27]
    assert drawn(axes, "while not stalled")[0, :, 0].tolist() == [0, 29]
    assert drawn(axes, "never stalled")[0, :, 0].tolist() == [0, 27]
    widths = {line.get_gid(): line.get_linewidth() for line in axes.lines}
    assert widths["stalled, hole"] > 2 * widths["while not stalled, hole"]
    assert labels(axes) == {"stalled: first to last transmission", "before and afterwards"}
    assert axes.get_xlabel() == "seconds from the start of the capture, 2026-11-22 13:50:00 UTC"


def test_the_same_figure_gives_the_same_file() -> None:
    for kind in ("svg", "pdf", "png"):
        assert image(timeline(make_analysis([FLOW]), FLOW), kind) == image(timeline(make_analysis([FLOW]), FLOW), kind)
