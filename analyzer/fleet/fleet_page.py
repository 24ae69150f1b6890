"""The fleet's answer as one HTML page: nothing loaded from elsewhere, no script, and of use with 10,000 captures."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from analyzer.fleet import words
from analyzer.fleet.answer import Answer, Summary, worst_of
from analyzer.model import tool
from analyzer.model.text import printable
from analyzer.model.verdicts import BY_NAME, SURE_PROBLEMS
from analyzer.report.figures.palette import DARK, LIGHT
from analyzer.report.formats.html_report import TEMPLATES

SHOWN_ROWS = 500
"""Of findings, ways and changes; all are in the Parquet files. Captures are all listed."""


def to_html(answer: Answer) -> str:
    """The page."""
    return (
        _environment()
        .get_template("fleet.html")
        .render(
            answer=answer,
            captures=[_capture(each) for each in answer.groups if SURE_PROBLEMS & _verdicts(each)],
            healthy=[_capture(each) for each in answer.groups if not SURE_PROBLEMS & _verdicts(each)],
            most=SHOWN_ROWS,
            words=words,
            tool=tool,
            printable=printable,
            link=_link,
            light=LIGHT.roles(),
            dark=DARK.roles(),
            tone=lambda verdict: BY_NAME[verdict].tone,
        )
    )


def page_bytes(answer: Answer) -> bytes:
    """The page as it is written."""
    return to_html(answer).encode("utf-8", "backslashreplace")


def _link(name: str) -> str:
    """The name of a file in a link."""
    return quote(name, errors="surrogateescape")


def _verdicts(summary: Summary) -> set[str]:
    return {*summary["verdicts"], *(brief[0] for brief in summary["troubles"])}


def _capture(summary: Summary) -> dict[str, Any]:
    worst = worst_of(summary)
    return {
        "name": printable(summary["name"]),
        "link": f"groups/{_link(summary['name'])}.json",
        "verdict": worst or "-",
        "tone": BY_NAME[worst].tone if worst else "plain",
        "headline": printable(summary["headline"]),
        "problems": summary["problems_in_all"],
        "flows": summary["flows"],
        "packets": summary["packets"],
        "first": words.minute(summary["first_time"]),
        "damaged": [printable(line) for line in summary["damaged"]],
        "command": printable(summary["command"]),
    }


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader([Path(__file__).parent / "templates", TEMPLATES]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
