"""Figures with matplotlib: a flow over time by sequence and by size, and all flows over time.

Figures are made as objects, without pyplot: nothing on a screen. What all of matplotlib shares are its settings: see
`own_settings`.

packets (columns) -> scene (what is worth showing) -> sequence, sizes -> figure
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure, FigureBase
from matplotlib.layout_engine import ConstrainedLayoutEngine

from analyzer.errors import UsageError
from analyzer.model import tool
from analyzer.model.analysis import Analysis
from analyzer.model.flow import Flow
from analyzer.model.text import endpoint
from analyzer.report.figures.drawn_packets import Packets, read_again, recorded
from analyzer.report.figures.overview import draw_overview, overview_height
from analyzer.report.figures.own_settings import own_settings
from analyzer.report.figures.palette import LIGHT, Theme
from analyzer.report.figures.panels import WIDE, Sheet, draw_key
from analyzer.report.figures.scene import Scene
from analyzer.report.figures.sequence_plot import SequencePlot
from analyzer.report.figures.size_plot import draw_sizes, label_of_time
from analyzer.report.verdict_text import WORDS

DOTS_PER_INCH = 110

DECIMALS_OF_PLACES = 6
"""Of shares of a figure's width or height: far less than a pixel."""

BACKENDS = {"png": "agg", "svg": "svg", "pdf": "pdf"}
"""Which part of matplotlib makes each kind of image."""


def timeline(
    analysis: Analysis,
    flow: Flow,
    axes: Axes | None = None,
    *,
    packets: Packets | None = None,
    theme: Theme = LIGHT,
    sheet: Sheet = WIDE,
    titled: bool = True,
) -> Figure:
    """Draw a flow against time, in the direction that its verdict is about: by sequence number and by size.

    Args:
        analysis: where the flow comes from; its PTBs are drawn.
        flow: must have a `timeline`, unless `packets` are given.
        axes: to draw the sequence numbers into, alone, in the style of their owner; by default both go to a new
            figure, with our own settings.
        packets: to draw instead of those recorded. Where none were, as of a healthy flow, the capture is read again.
        theme: colours.
        sheet: paper.
        titled: name the flow above the plot.

    Returns:
        The figure drawn into.

    Raises:
        UsageError: no packets of this flow were recorded, and the capture cannot be read again.
    """
    if packets is None:
        packets = recorded(flow)
    if packets is None:
        packets = read_again(analysis, flow)
    if packets is None or not len(packets):
        raise UsageError(f"no packets of stream {flow.stream} were recorded: there is nothing to draw")
    scene = Scene(analysis, flow, packets)
    if axes is not None:
        plot = SequencePlot(scene, axes, theme, sheet)
        plot.draw()
        axes.set_xlabel(label_of_time(scene, sheet), fontsize=sheet.letters)
        axes.legend(fontsize=sheet.letters - 1, frameon=False, labelcolor=theme.ink)
        figure = axes.figure.figure
        assert figure is not None  # noqa: S101 - axes belong to a figure until they are removed
        plot.call_out()
        return figure
    height = sheet.sequence_height + sheet.sizes_height
    with own_settings():
        figure = Figure(figsize=(sheet.width, height), facecolor=theme.paper, layout=roomy())
        plot = panels(scene, figure, theme, sheet, title=title_of(flow) if titled else "")
        settle(figure)
        plot.call_out()
    return figure


def roomy() -> ConstrainedLayoutEngine:
    """The layout of a figure whose letters a browser sets in its own font: up to a tenth wider than measured here."""
    return ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.05)


def settle(figure: Figure) -> None:
    """Give everything its place, once and for all: laying out takes most of the time.

    Places are rounded, since the last digits depend on where in memory the layout's solver finds its variables.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        part.bbox_relative.set_points(np.round(part.bbox_relative.get_points(), DECIMALS_OF_PLACES))
    for axes in figure.axes:
        left, bottom, width, height = np.round(axes.get_position(original=True).bounds, DECIMALS_OF_PLACES).tolist()
        axes.set_position((left, bottom, width, height))


def panels(scene: Scene, figure: FigureBase, theme: Theme, sheet: Sheet, *, title: str = "") -> SequencePlot:
    """Both plots of a flow, one above the other; the words come when their places are settled."""
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(sheet.sequence_height, sheet.sizes_height))
    plot = SequencePlot(scene, upper, theme, sheet)
    plot.draw()
    draw_sizes(scene, lower, theme, sheet)
    if title:
        size = f", {scene.title}" if scene.title else ""
        verdict = f"{WORDS[scene.flow.verdict].title} ({scene.flow.verdict}){size}"
        style: dict[str, Any] = {"loc": "left", "fontsize": sheet.letters + 1, "color": theme.ink, "pad": 8}
        upper.set_title(f"{title}\n{verdict}", **style)
    draw_key(figure, (upper, lower), theme, sheet)
    return plot


def title_of(flow: Flow) -> str:
    """What heads the picture of a flow."""
    return f"Stream {flow.stream}: {endpoint(flow.sender)} -> {endpoint(flow.receiver)}"


def overview(analysis: Analysis, *, theme: Theme = LIGHT, sheet: Sheet = WIDE) -> Figure:
    """Draw all flows over time, coloured by verdict.

    Raises:
        UsageError: there is no flow.
    """
    if not analysis.all_flows:
        raise UsageError("there is no flow to draw")
    height = overview_height(len(analysis.all_flows))
    with own_settings():
        figure = Figure(figsize=(sheet.width, height), facecolor=theme.paper, layout=roomy())
        draw_overview(analysis, figure, theme, sheet)
        settle(figure)
    return figure


def image(figure: Figure, image_format: str, *, text_as_text: bool = False) -> bytes:
    """The figure as an image file: "png", "svg" or "pdf". The same figure gives the same file.

    `text_as_text` leaves the letters of an SVG to the reader's fonts, which makes it smaller.
    """
    out = io.BytesIO()
    told: dict[str, dict[str, str | None]] = {  # and no time of day
        "svg": {"Date": None},
        "pdf": {"CreationDate": None},
        "png": {"Software": tool.NAME},
    }
    with own_settings({"svg.fonttype": "none" if text_as_text else "path"}):
        figure.savefig(
            out,
            format=image_format,
            dpi=DOTS_PER_INCH,
            metadata=told[image_format],
            backend=BACKENDS[image_format],  # others may have put theirs in its place
        )
    return out.getvalue()


def images_of_pages(figures: Sequence[Figure]) -> bytes:
    """The figures as a PDF, a page each. The same figures give the same file."""
    out = io.BytesIO()
    with own_settings(), PdfPages(out, metadata={"CreationDate": None}) as pages:
        for figure in figures:
            pages.savefig(figure)
    return out.getvalue()
