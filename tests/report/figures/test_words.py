"""Words above the data hide none of it, whatever is drawn."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from analyzer.model.analysis import Analysis
from analyzer.report.figures.capture_picture import timelines
from analyzer.report.figures.panels import NARROW, WIDE
from analyzer.report.figures.sequence_plot import window_text
from analyzer.report.figures.timelines import timeline
from tests.profiles import examples
from tests.report.factory import make_analysis, make_flow, make_timeline, refs
from tests.report.figures.shapes import SHAPES, Shape, analysed, packets_of


def words_in(axes: Any) -> list[Text]:
    """The callout, or the words without a box."""
    return [text for text in axes.texts if text.get_fontweight() == "bold" and text.get_text()]


def boxes_of(text: Text) -> Bbox:
    patch = text.get_bbox_patch()
    return patch.get_window_extent() if patch is not None else text.get_window_extent()


def inked(axes: Any) -> list[tuple[str, Bbox]]:
    """What is drawn in the axes, as boxes in pixels: each stretch of a line, mark, span and other text."""
    out: list[tuple[str, Bbox]] = []
    for line in axes.lines:
        xy = (
            axes.transData.transform(np.asarray(line.get_xydata(), float))
            if line.get_xydata().size
            else np.zeros((0, 2))
        )
        clip = line.get_clip_box() if line.get_clip_on() else None
        half = max(
            line.get_markersize() / 2 if line.get_marker() not in ("", "None", None) else 0, line.get_linewidth() / 2
        )
        half *= axes.figure.figure.dpi / 72
        for (x0, y0), (x1, y1) in [*pairwise(xy), *zip(xy, xy, strict=True)]:
            if not np.isfinite([x0, y0, x1, y1]).all() or (line.get_linestyle() == "None" and (x0, y0) != (x1, y1)):
                continue
            box = Bbox([[min(x0, x1) - half, min(y0, y1) - half], [max(x0, x1) + half, max(y0, y1) + half]])
            seen = Bbox.intersection(box, clip) if clip is not None else box
            if seen is not None and seen.height > 0.5:
                out.append((line.get_label(), seen))
    for collection in axes.collections:
        clip = collection.get_clip_box()
        for path in collection.get_paths():
            box = path.get_extents(collection.get_transform())
            seen = Bbox.intersection(box, clip)
            out += [("PTB", seen)] if seen is not None else []
    out += [
        (text.get_text(), text.get_window_extent())
        for text in axes.texts
        if text.get_fontweight() != "bold" and text.get_text()
    ]
    return [(name, box) for name, box in out if name or box.height]


def assert_nothing_is_hidden(figure: Figure) -> int:
    figure.draw_without_rendering()
    told = 0
    for axes in figure.axes:
        if axes.get_ylabel() != "sequence number, bytes":
            continue
        for words in words_in(axes):
            told += 1
            box = boxes_of(words)
            edge = axes.get_window_extent()
            assert edge.x0 - 1 <= box.x0 < box.x1 <= edge.x1 + 1
            assert box.y1 <= edge.y1 + 1
            for name, other in inked(axes):
                assert not box.padded(-0.5).overlaps(other), (name, words.get_text())
    return told


SHEETS = pytest.mark.parametrize("sheet", [NARROW, WIDE], ids=["phone", "screen"])


@SHEETS
@pytest.mark.parametrize("shape", SHAPES)
def test_the_callout_hides_nothing(shape: str, sheet: Any) -> None:
    analysis = analysed(packets_of(SHAPES[shape]))
    flow = analysis.flow(0)
    drawn = timeline(analysis, flow, sheet=sheet, titled=sheet is WIDE)
    assert assert_nothing_is_hidden(drawn) == (flow.stalled is not None)


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    return Shape(
        flights=draw(st.integers(0, 12)),
        flight=draw(st.integers(1, 40)),
        timer=draw(st.sampled_from([1.0, 30.0, 200.0, 3000.0])),
        retransmissions=draw(st.integers(3, 10)),
        pause=draw(st.sampled_from([0.0, 5.0, 60_000.0])),
        small=draw(st.booleans()),
        smaller=draw(st.sampled_from([0, 500, 1400])),
        after=draw(st.integers(0, 6)),
        window=draw(st.sampled_from([1, 23, 115, 502, 65535])),
    )


@examples(40)
@given(shapes(), st.booleans(), st.lists(st.floats(0, 1), max_size=12))
def test_the_callout_hides_nothing_of_any_shape(shape: Shape, phone: bool, ptbs: list[float]) -> None:
    analysis = analysed(packets_of(shape))
    flow = analysis.flow(0)
    span = flow.last_time - flow.first_time
    marks = tuple((flow.first_time + int(at * span), 0, 1400, refs(1)[0]) for at in sorted(ptbs))
    assert_nothing_is_hidden(timeline(replace(analysis, ptb_timeline=marks), flow, sheet=NARROW if phone else WIDE))


def test_nor_do_those_of_several_findings() -> None:
    shapes = [SHAPES["first flight"], SHAPES["recovers"], SHAPES["one segment only"]]
    packets = [each for i, shape in enumerate(shapes) for each in packets_of(shape, port=40_000 + i, ends=i + 1)]
    assert assert_nothing_is_hidden(timelines(analysed(packets))) == 3


@pytest.mark.parametrize("verdict", ["zero_window", "blackhole_suspected"])
def test_nor_do_words_without_a_box(verdict: str) -> None:
    rows = make_timeline(retransmissions=0)
    acks = np.flatnonzero((rows["side"] == 0) & (rows["flags"] == 16))
    last = rows[acks[-1:]].copy()
    last["ts"] = rows["ts"][acks[-2]] + 9_000_000_000
    if verdict == "zero_window":
        rows["window"][acks[-2:]] = 0
    else:
        last["side"], last["payload"], last["ack"], last["seq"] = 1, 0, 0, rows["seq"].max() + 20_000
    flow = make_flow(0, verdict, stalled=None, timeline=np.concatenate([rows, last]))
    assert assert_nothing_is_hidden(timeline(make_analysis([flow]), flow)) == 1


def keyed(analysis: Analysis) -> set[str]:
    axes = timeline(analysis, analysis.flow(0)).axes[0]
    return {name for name in axes.get_legend_handles_labels()[1] if "window" in name}


def test_a_window_far_above_the_data_is_told() -> None:
    open_window = analysed(packets_of(SHAPES["first flight"]))
    assert keyed(open_window) == {"window >= 64,256, open"}
    assert keyed(analysed(packets_of(SHAPES["a small window"]))) == {"window edge"}
    assert window_text(np.array([64512, 64512]), known=True) == "window 64,512, open"


def test_a_window_of_unknown_scale_draws_no_edge() -> None:
    """What the header holds is then less than the window: it may be smaller than what was sent within it."""
    late = packets_of(Shape(flights=6, window=46))[3:]
    assert keyed(analysed(late)) == set()
    far = packets_of(Shape(flights=1, window=60_000))[3:]
    assert keyed(analysed(far)) == {"window >= 60,000, open (scale not captured)"}
