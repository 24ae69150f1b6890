"""The report as one HTML file: nothing loaded from elsewhere, no script, light, dark, phone and paper."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from analyzer.model.analysis import Analysis
from analyzer.model.points import Located
from analyzer.report import labels
from analyzer.report.diagnosis import Diagnosis
from analyzer.report.document import advice, fair_choice, rule_suffix, with_name
from analyzer.report.figures.drawable import drawable_of, name_of
from analyzer.report.figures.own_settings import load_matplotlib
from analyzer.report.figures.palette import DARK, LIGHT
from analyzer.report.page import Page, page_of
from analyzer.report.wishes import Wishes

TEMPLATES = Path(__file__).parents[1] / "templates"

SHOWN_DIAGNOSES = 20
SHOWN_FIGURES = 6
"""Figures are most of a report's bytes: some 50 kB a flow."""

SHOWN_FINDINGS = 100
SHOWN_ROWS = 500
SHOWN_CHANGES = 100
OPEN_ROWS = 12
"""A longer table of flows is folded."""

BOX_LETTER, BOX_MARGIN, LEAST_BOX = 8.0, 24, 130
"""Pixels: width of a letter in the path picture, both margins of a host's box, its least width."""


class FlowFigure(NamedTuple):
    """A figure for screens and paper, and one for phones."""

    wide: Markup
    narrow: Markup


class HtmlReport:
    """The report as one HTML file."""

    def files(self, analysis: Analysis, target: Path, wishes: Wishes) -> dict[Path, Iterable[bytes]]:
        """The one file."""
        return {target: [to_html(analysis, plots=wishes.plots, alone=wishes.alone).encode("utf-8", "backslashreplace")]}


def to_html(analysis: Analysis, *, plots: bool = True, alone: bool = False) -> str:
    """The report as HTML. `plots` False leaves the figures out; `alone` is that of `Wishes`."""
    page = page_of(analysis)
    diagnoses = fair_choice(page.document.diagnoses, SHOWN_DIAGNOSES)
    rows = page.document.rows[:SHOWN_ROWS]
    return (
        _environment()
        .get_template("report.html")
        .render(
            words=labels,
            page=page,
            document=page.document,
            diagnoses=diagnoses,
            told={diagnosis.finding for diagnosis in diagnoses},
            hidden_diagnoses=max(len(page.document.diagnoses) - SHOWN_DIAGNOSES, 0),
            findings=page.document.findings[:SHOWN_FINDINGS],
            hidden_findings=max(len(page.document.findings) - SHOWN_FINDINGS, 0),
            rows=rows,
            listed={row.stream for row in rows if row.protocol == "tcp"},
            hidden_rows=max(len(page.document.rows) - SHOWN_ROWS, 0),
            open_rows=OPEN_ROWS,
            shown_changes=SHOWN_CHANGES,
            figures=_diagnosis_figures(analysis, page, alone=alone) if plots else {},
            both_ends=_figures_of_both_ends(page, alone=alone) if plots and analysis.joined_points else {},
            overview=_overview(analysis, alone=alone) if plots and len(analysis.all_flows) > 1 else None,
            light=LIGHT.roles(),
            dark=DARK.roles(),
            advice=advice,
            rule_suffix=rule_suffix,
            rich=rich,
            arrows=arrows,
            with_name=with_name,
            box_width=_box_width(page),
        )
    )


def rich(text: str) -> Markup:
    """Text with what stands in backticks as code, and arrows that no line end tears apart."""
    parts = re.split(r"`([^`]+)`", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if i % 2 else arrows(part) for i, part in enumerate(parts)
    )


def arrows(text: str) -> str:
    """Text with real arrows."""
    return text.replace("->", "\N{RIGHTWARDS ARROW}").replace("<-", "\N{LEFTWARDS ARROW}")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _box_width(page: Page) -> float:
    if page.picture is None:
        return LEAST_BOX
    letters = max(len(page.picture.sender), len(page.picture.receiver))
    return max(LEAST_BOX, letters * BOX_LETTER + BOX_MARGIN)


def _diagnosis_figures(analysis: Analysis, page: Page, *, alone: bool) -> dict[int | str, FlowFigure]:
    """Figures by `Diagnosis.drawn_as`, of the flows and of the datagrams that stand for a diagnosis."""
    drawable = drawable_of(fair_choice(page.document.diagnoses, SHOWN_DIAGNOSES))
    if not drawable:
        return {}
    load_matplotlib(alone=alone)
    from analyzer.report.figures.diagnosis_figure import diagnosis_figure
    from analyzer.report.figures.inline_svg import inline_svg
    from analyzer.report.figures.panels import NARROW, WIDE

    return {
        diagnosis.drawn_as: FlowFigure(
            *(
                Markup(  # noqa: S704 - our own drawing; all text in it is escaped by the XML writer
                    inline_svg(
                        diagnosis_figure(analysis, diagnosis, sheet=sheet, titled=False),
                        f"s{diagnosis.drawn_as}{name}-",
                        figure_description(diagnosis),
                    )
                )
                for name, sheet in (("w", WIDE), ("n", NARROW))
            )
        )
        for diagnosis in fair_choice(drawable, SHOWN_FIGURES)
    }


def _figures_of_both_ends(page: Page, *, alone: bool) -> dict[int | str, FlowFigure]:
    """Figures by `Diagnosis.drawn_as`, of those whose large packets get lost between two capture points."""
    shown = [each for each in fair_choice(page.document.diagnoses, SHOWN_DIAGNOSES) if is_between_two(each.located)]
    if not shown:
        return {}
    load_matplotlib(alone=alone)
    from analyzer.report.figures.inline_svg import inline_svg
    from analyzer.report.figures.panels import NARROW, WIDE
    from analyzer.report.figures.two_points import two_points

    return {
        each.drawn_as: FlowFigure(
            *(
                Markup(  # noqa: S704 - as above
                    inline_svg(
                        two_points(each.located, sheet=sheet),
                        f"b{each.drawn_as}{name}-",
                        f"Packets of {each.shown_by} by time and size, at both ends of the leg on which "
                        f"large ones get lost. {each.what.text}",
                    )
                )
                for name, sheet in (("w", WIDE), ("n", NARROW))
            )
        )
        for each in shown[:SHOWN_FIGURES]
    }


def is_between_two(located: Located | None) -> bool:
    """True if it is known between which two points packets get lost, and what these saw."""
    return located is not None and all(located.names) and any(located.seen)


def figure_description(diagnosis: Diagnosis) -> str:
    """What a timeline shows, for those who cannot see it."""
    if diagnosis.trouble is not None:
        return f"{name_of(diagnosis)}. {diagnosis.what.text}"
    return (
        f"Stream {diagnosis.stream} over time: sequence numbers sent and acknowledged, and below them the "
        f"size of each packet, delivered or lost, with the range of the path MTU. {diagnosis.what.text}"
    )


def _overview(analysis: Analysis, *, alone: bool) -> FlowFigure:
    load_matplotlib(alone=alone)
    from analyzer.report.figures.inline_svg import inline_svg
    from analyzer.report.figures.panels import NARROW, WIDE
    from analyzer.report.figures.timelines import overview

    description = (
        "All flows over time, one line each, grouped and coloured by verdict, thick while it stalled; "
        "the table below lists them."
    )
    return FlowFigure(
        *(
            Markup(inline_svg(overview(analysis, sheet=sheet), f"all{name}-", description))  # noqa: S704 - as above
            for name, sheet in (("w", WIDE), ("n", NARROW))
        )
    )
