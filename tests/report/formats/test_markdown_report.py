"""Goldens of the Markdown. To renew them after a wanted change: GOLDEN=write pytest."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from analyzer.model.analysis import Analysis
from analyzer.model.flow import Endpoint
from analyzer.report.formats.markdown_report import cell, code, prose, to_markdown
from analyzer.report.page import page_of
from tests.report.factory import make_analysis, make_file, make_flow
from tests.report.formats.test_terminal_report import CASES
from tests.report.hostile import HOSTILE, REFERENCES, hostile_analysis

GOLDEN = Path(__file__).parent / "golden"
GITHUB_LIMIT = 65_536

READER = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"])
HARMLESS = {"text", "code_inline", "softbreak"}


def text_of(analysis: Analysis) -> str:
    return to_markdown(page_of(analysis), {0: "report-stream-0.png"})


def inline(text: str) -> list[Token]:
    return [child for token in READER.parse(text) for child in token.children or ()]


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.model.tool.__version__", "1.2.3")
    text = text_of(CASES[case])
    golden = GOLDEN / f"{case}.md"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_it_reads_as_it_is_meant(case: str) -> None:
    tokens = READER.parse(text_of(CASES[case]))
    assert not any(token.type.startswith("html") for token in tokens)
    headings = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"]
    document = page_of(CASES[case]).document
    assert headings[0] == prose(document.changes.answer if document.changes else document.headline)
    ending = ["The capture", "Tool and settings", "What the verdicts mean"]
    assert ending[: len(headings)] in (headings[-3:], [*headings[-2:], ending[2]])
    commands = [token.content.strip() for token in tokens if token.type == "fence"]
    for diagnosis in page_of(CASES[case]).document.diagnoses:
        assert diagnosis.display_filter in commands
        for fix in diagnosis.fixes:
            assert not fix.command or fix.command.splitlines()[0] in commands


@given(
    st.one_of(
        st.text(), st.sampled_from(HOSTILE + REFERENCES), st.text(alphabet="`*_[]()<>!&|~@:#- a1.\\", max_size=40)
    )
)
def test_no_text_is_markup(text: str) -> None:
    visible = "".join(c if c.isprintable() else "?" for c in text)
    for written in (prose(visible), f"- {prose(visible)}", f"# {prose(visible)}"):
        if written.rstrip() not in ("", "-", "#"):
            assert {token.type for token in inline(written)} <= HARMLESS
            assert len(READER.parse(written)) <= 7  # one paragraph, item or heading
    kept = "".join(token.content for token in inline(prose(visible)))
    assert kept.split() == visible.replace("`", "").split() or "`" in visible


@given(st.text(alphabet="`|\\ ab*<", max_size=30))
def test_a_cell_stays_a_cell(text: str) -> None:
    table = f"| a | b |\n|---|---|\n| {cell(text)} | {cell(text)} |\n"
    assert [token.type for token in READER.parse(table)].count("td_open") == 2


def test_brackets_stay_outside_of_code() -> None:
    assert prose("seen (not_exercised), and (a_b") == "seen (`not_exercised`), and (`a_b`"
    assert prose("((") == "(("


def test_code_spans_hold_any_backticks() -> None:
    for text in ("a", "`a", "a``b`", "``"):
        (token,) = inline(f"x {code(text)}")[1:]
        assert (token.type, token.content) == ("code_inline", text)


def test_hostile_names_stay_text() -> None:
    tokens = READER.parse(text_of(hostile_analysis()))
    assert not any(token.type.startswith("html") for token in tokens)
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= HARMLESS | {"image"}
    links = [child.attrs["src"] for token in tokens for child in token.children or () if child.type == "image"]
    assert links == ["report-stream-0.png"]


ACTS = re.compile(
    r"""
    [@~$\\`*_\[\]{}]               # mentions, labels, snippets, mathematics, iterations, references by kind
    | [#!&%^]["'\w]                # issues, merge requests, entities and epics, milestones, alerts
    | \b[A-Z][A-Z0-9]+-\d          # tickets
    | \b(gh|gl)-\d                 # these in any case
    | \b[0-9a-f]{7,40}\b           # commits
    | /[\w.-]+>                    # projects
    | ://|\bwww\.|\b(mailto|xmpp): # links
    | \b\w+\.[a-z]{2,}\b           # names of hosts
    | :[\w+-]*[a-z][\w+-]*:|:[+-]\d:|:\d{3,}:  # emoji
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What GitHub, GitLab, Jira and their kind look for in text, but not in code."""


def texts(markdown: str) -> list[str]:
    """All that is neither code nor a link of ours."""
    return [child.content for child in inline(markdown) if child.type == "text"]


def test_each_reference_acts_in_plain_text() -> None:
    """Else the tests below would find nothing."""
    assert [text for text in REFERENCES if not ACTS.search(text)] == []


@pytest.mark.parametrize("reference", REFERENCES)
def test_no_text_refers_to_anything(reference: str) -> None:
    for text in (reference, f"seen {reference}, and ({reference}).", f"x-{reference}:", f"({reference})"):
        written = prose(text)
        assert {token.type for token in inline(written)} <= HARMLESS
        assert not [part for part in texts(written) if ACTS.search(part)], written
        shown = "".join(token.content for token in inline(written))
        assert shown.replace(" ", "") == text.replace(" ", "").replace("`", "")  # a reader sees what was there


@pytest.mark.parametrize(
    "text",
    ["at 13:50:00 UTC", "10.0.2.2:443 -> 192.0.2.1:40000", "5 % of 4,470,000 packets, i.e. 1.5 s", "a & b < c > d!"],
)
def test_what_refers_to_nothing_stays_prose(text: str) -> None:
    assert prose(text) == text


@pytest.mark.parametrize("case", [*CASES, "hostile"])
def test_no_report_refers_to_anything(case: str) -> None:
    parts = texts(text_of(CASES[case] if case in CASES else hostile_analysis()))
    assert [part for part in parts if ACTS.search(part.replace("SHA-256", ""))] == []


@pytest.mark.parametrize("command", ["/close", "/assign @someone", "/label ~bug", "/merge"])
def test_no_line_is_a_command(command: str) -> None:
    """GitLab obeys lines of a ticket that begin so (quick actions)."""
    assert prose(command).startswith("`/")


def test_many_flows_still_fit_into_a_ticket() -> None:
    flows = [make_flow(i, client=Endpoint(f"2001:db8:aaaa:bbbb:cccc:dddd:eeee:{i:x}", 65535)) for i in range(500)]
    text = text_of(make_analysis(flows, files=[make_file("a.pcap"), make_file("b.pcap")]))
    assert len(text) < GITHUB_LIMIT
    assert "400 more flows not listed here" in text
    assert text.count("## Finding") == 1
