"""Pictures of a whole capture: all flows at a glance, then each finding by the flow that shows it best."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from matplotlib.figure import Figure, FigureBase

from analyzer.model.analysis import Analysis
from analyzer.model.finding import Finding
from analyzer.model.flow import Flow
from analyzer.model.text import endpoint, plural
from analyzer.model.trouble import Trouble
from analyzer.model.verdicts import rank
from analyzer.report.document import fair_places
from analyzer.report.figures.datagram_plot import datagram_title, draw_datagrams, height_of
from analyzer.report.figures.drawable import has_sizes
from analyzer.report.figures.drawn_packets import Packets, is_drawable, read_again, recorded
from analyzer.report.figures.overview import draw_overview, overview_height
from analyzer.report.figures.own_settings import own_settings
from analyzer.report.figures.palette import LIGHT, Theme
from analyzer.report.figures.panels import WIDE
from analyzer.report.figures.scene import Scene
from analyzer.report.figures.sequence_plot import SequencePlot
from analyzer.report.figures.timelines import DOTS_PER_INCH, image, images_of_pages, panels, settle, title_of
from analyzer.report.findings import ends_text
from analyzer.report.verdict_text import headline

ON_ONE = 3
"""Findings, or flows without one, in an image that is one sheet (PNG, SVG): one that fits two screens."""

MOST_PAGES = 20
"""Of a PDF: a finding each."""

MOST_READ_AGAIN = 3
"""Flows drawn of which no packets were recorded: each takes another pass over the capture."""

LOOKED_AT = 50
"""Flows of a finding among which one is sought of which packets were recorded, if there are none of its example."""

LINE_LETTERS = 105
"""Letters of the headline on one line."""

NOTHING_TO_DRAW = "No timelines: no packets of these flows were recorded, and the capture cannot be read again."


class Drawn(NamedTuple):
    """A flow to be drawn, and what is said above it."""

    flow: Flow
    packets: Packets
    title: str

    @property
    def height(self) -> float:
        """Inches."""
        return WIDE.sequence_height + WIDE.sizes_height + 0.4

    def draw(self, analysis: Analysis, part: FigureBase, theme: Theme) -> SequencePlot:
        """Draw it into a part of a figure; the plot's words come later."""
        return panels(Scene(analysis, self.flow, self.packets), part, theme, WIDE, title=self.title)


class DrawnDatagrams(NamedTuple):
    """What datagrams show, to be drawn, and what is said above it."""

    trouble: Trouble
    title: str

    @property
    def height(self) -> float:
        """Inches."""
        return height_of(self.trouble, WIDE) + 0.4

    def draw(self, analysis: Analysis, part: FigureBase, theme: Theme) -> None:
        """Draw it into a part of a figure."""
        draw_datagrams(self.trouble, part, theme, WIDE, title=self.title)


AnyDrawn = Drawn | DrawnDatagrams


def timelines(analysis: Analysis, *, theme: Theme = LIGHT) -> Figure:
    """All flows at a glance, then the findings, the gravest first, on one sheet; see `ON_ONE`.

    Each finding is drawn by one flow, its example. Where there is no finding, flows without one are drawn: those of
    which packets were recorded, and of the others the longest, whose packets are read again.
    """
    shown, remark = _chosen(analysis, ON_ONE)
    with own_settings():
        return _sheet(analysis, shown, theme, remark=remark, opening=True)


def timeline_pages(analysis: Analysis, *, theme: Theme = LIGHT) -> list[Figure]:
    """As `timelines`, a page for each finding; see `MOST_PAGES`. All flows are on the first one."""
    shown, remark = _chosen(analysis, MOST_PAGES)
    with own_settings():
        first = _sheet(analysis, shown[:1], theme, remark=remark, opening=True)
        return [first, *(_sheet(analysis, [each], theme) for each in shown[1:])]


def timelines_image(analysis: Analysis, image_format: str) -> bytes:
    """The picture of a capture as an image file: "png" or "svg" of `timelines`, or "pdf" of `timeline_pages`."""
    if image_format == "pdf":
        return images_of_pages(timeline_pages(analysis))
    return image(timelines(analysis), image_format)


def _sheet(
    analysis: Analysis, shown: Sequence[AnyDrawn], theme: Theme, *, remark: str = "", opening: bool = False
) -> Figure:
    """One figure with some flows one above the other, below the headline and the overview if it is the `opening`."""
    several = opening and len(analysis.all_flows) > 1
    heights = [overview_height(len(analysis.all_flows))] if several else []
    heights += [each.height for each in shown]
    title = textwrap.fill(headline(analysis), LINE_LETTERS) if opening else ""
    banner = (0.4 + 0.2 * title.count("\n") if opening else 0) + (0.3 if remark else 0)
    figure = Figure(
        figsize=(WIDE.width, sum(heights) + banner),
        dpi=DOTS_PER_INCH,
        facecolor=theme.paper,
        layout="constrained",
    )
    style: dict[str, Any] = {"x": 0.01, "ha": "left", "color": theme.ink}
    if title:
        figure.suptitle(title, fontsize=11, fontweight="bold", **style)
    if remark:
        figure.supxlabel(remark, fontsize=9, **style)
    plots: list[SequencePlot] = []
    if heights:
        parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        if several:
            draw_overview(analysis, parts[0], theme, WIDE)
        for each, part in zip(shown, parts[several:], strict=True):
            plot = each.draw(analysis, part, theme)
            plots += [plot] if plot is not None else []
    settle(figure)
    for plot in plots:
        plot.call_out()
    return figure


def _chosen(analysis: Analysis, most: int) -> tuple[Sequence[AnyDrawn], str]:
    """At most so many flows to draw, and a remark on what is left out."""
    findings = [each for each in analysis.all_findings if each.example is not None or _has_sizes(each)]
    shown = _of_findings(analysis, findings, most) if findings else _of_flows(analysis, most)
    left_out = len(findings or analysis.all_flows) - len(shown)
    if not shown:
        return shown, NOTHING_TO_DRAW
    if not left_out:
        return shown, ""
    remark = f"{plural(left_out, 'more finding' if findings else 'more flow')} not drawn"
    if findings and most < len(findings) and most < MOST_PAGES:
        remark += f"; a PDF has a page for each, up to {MOST_PAGES}"
    return shown, remark


def _has_sizes(finding: Finding) -> bool:
    return finding.trouble is not None and has_sizes(finding.trouble)


def _of_findings(analysis: Analysis, findings: Sequence[Finding], most: int) -> list[AnyDrawn]:
    shown: list[AnyDrawn] = []
    again = 0
    for i in fair_places([finding.verdict for finding in findings], most):
        finding = findings[i]
        if finding.trouble is not None:
            shown.append(DrawnDatagrams(finding.trouble, datagram_title(finding.trouble, finding.id)))
            continue
        flow = _recorded_one(analysis, finding)
        packets = recorded(flow)
        if packets is None and again < MOST_READ_AGAIN:
            again += 1
            packets = read_again(analysis, flow)
        if packets is not None:
            shown.append(Drawn(flow, packets, finding_title(finding, flow)))
    return shown


def _recorded_one(analysis: Analysis, finding: Finding) -> Flow:
    """The example of a finding, or another of its flows if only of that packets were recorded."""
    example = analysis.flow(finding.streams[0] if finding.example is None else finding.example)
    if is_drawable(example):
        return example
    others = (analysis.flow(stream) for stream in finding.streams[:LOOKED_AT])
    return next((flow for flow in others if flow.verdict == finding.verdict and is_drawable(flow)), example)


def _of_flows(analysis: Analysis, most: int) -> list[AnyDrawn]:
    known = list(islice(((f, p) for f in analysis.all_flows if (p := recorded(f)) is not None), most))
    others = sorted((flow for flow in analysis.all_flows if not is_drawable(flow)), key=lambda flow: -flow.packet_count)
    for flow in others[: max(min(MOST_READ_AGAIN, most) - len(known), 0)]:
        packets = read_again(analysis, flow)
        known += [(flow, packets)] if packets is not None else []
    known.sort(key=lambda drawn: (rank(drawn[0].verdict), drawn[0].stream))
    return [Drawn(flow, packets, title_of(flow)) for flow, packets in known]


def finding_title(finding: Finding, flow: Flow) -> str:
    """What heads the picture of a finding, drawn by one of its flows."""
    if len(finding.streams) == 1:
        return f"Finding {finding.id}, {title_of(flow)[:1].lower()}{title_of(flow)[1:]}"
    between = f"from {ends_text(finding.senders)} to {ends_text(finding.receivers)}"
    about = f"Finding {finding.id}: {plural(len(finding.streams), 'flow')} {between}"
    return f"{about}\nDrawn is stream {flow.stream}: {endpoint(flow.sender)} -> {endpoint(flow.receiver)}"
