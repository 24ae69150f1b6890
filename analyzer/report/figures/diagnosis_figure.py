"""The figure of a diagnosis: a flow over time, or the datagrams that show it where no flow does."""

from __future__ import annotations

from matplotlib.figure import Figure

from analyzer.model.analysis import Analysis
from analyzer.report.diagnosis import Diagnosis
from analyzer.report.figures.datagram_plot import datagram_figure, datagram_title
from analyzer.report.figures.panels import WIDE, Sheet
from analyzer.report.figures.timelines import timeline


def diagnosis_figure(analysis: Analysis, diagnosis: Diagnosis, *, sheet: Sheet = WIDE, titled: bool = True) -> Figure:
    """Draw it.

    Args:
        analysis: where it comes from.
        diagnosis: must be drawable (`drawable.drawable_of`).
        sheet: paper.
        titled: name the flow, or what shows it, above the plot.

    Raises:
        ValueError: it is not.
    """
    if diagnosis.flow is not None:
        return timeline(analysis, diagnosis.flow, sheet=sheet, titled=titled)
    if diagnosis.trouble is None:
        raise ValueError("there is nothing to draw")
    return datagram_figure(diagnosis.trouble, sheet=sheet, title=datagram_title(diagnosis.trouble) if titled else "")
