"""Goldens of the terminal's output. To renew them after a wanted change: GOLDEN=write pytest."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest

from analyzer.model.analysis import Analysis
from analyzer.model.comparison import compared
from analyzer.model.flow import Endpoint, PathMtu
from analyzer.model.statement import FrameRef
from analyzer.report.document import document_of
from analyzer.report.formats.terminal_report import continued, lines_of, make_console, show
from tests.report.factory import LONG_1, LONG_2, make_analysis, make_file, make_flow, refs

GOLDEN = Path(__file__).parent / "golden"


def cured() -> Analysis:
    """Two paths, one of them cured."""
    other = {"client": LONG_1, "server": LONG_2}
    before = make_analysis([make_flow(0), make_flow(1, "ptb_ignored", path_mtu=PathMtu(1400, 1400, 1400), **other)])
    better = make_flow(1, "pmtud_ok", path_mtu=PathMtu(1400, 1400, 1400), **other)
    after = make_analysis([make_flow(0), better], files=[make_file("dir/after.pcap")])
    return compared(before, after)


CASES = {
    "compared": cured(),
    "blackhole": make_analysis([make_flow(0), make_flow(1), *(make_flow(i, "ok") for i in range(2, 12))]),
    "ptb_ignored": make_analysis([make_flow(3, "ptb_ignored", path_mtu=PathMtu(1400, 1400, 1400))]),
    "ipv6_suspected": make_analysis(
        [
            make_flow(
                0,
                "blackhole_suspected",
                client=LONG_1,
                server=LONG_2,
                stalled=None,
                confidence="medium",
                evidence=(("a hole", tuple(FrameRef(1, n) for n in (7, 9))),),
            )
        ],
        files=[make_file("dir/a.pcap"), make_file("dir/b.pcapng", format="pcapng")],
    ),
    "healthy": make_analysis([make_flow(0, "pmtud_ok", path_mtu=PathMtu(1400, 1400, 1400)), make_flow(1, "ok")]),
    "no_flows": make_analysis(notes=("The file is odd.",)),
}


def text_of(analysis: Analysis, width: int, *, show_all: bool = False) -> str:
    console = make_console(io.StringIO())
    console.width = width
    lines = lines_of(document_of(analysis, show_all=show_all), console, show_all=show_all)
    return "".join(f"{line.plain.rstrip()}\n" for line in lines)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, width: int) -> None:
    text = text_of(CASES[case], width)
    golden = GOLDEN / f"{case}.{width}.txt"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [70, 80, 97, 120, 200])
def test_no_line_is_too_long(case: str, width: int) -> None:
    for line in text_of(CASES[case], width, show_all=True).splitlines():
        assert len(line) <= width or "'host" in line  # a quoted filter is not broken


def test_piped_output_is_plain_and_80_columns_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    out = io.StringIO()
    show(CASES["blackhole"], file=out)
    assert "\x1b" not in out.getvalue()
    assert max(len(line) for line in out.getvalue().splitlines()) <= 80


def test_a_terminal_gets_colour_and_no_color_takes_it_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    show(CASES["blackhole"], file=out)
    assert "\x1b[1;31m" in out.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    show(CASES["blackhole"], file=out)
    assert "31m" not in out.getvalue()


def test_markup_in_foreign_text_stays_text() -> None:
    analysis = make_analysis(
        [make_flow(0, explanation="[red]no[/red] :bomb:", evidence=(("[bold]x", refs(1)),))],
        files=[make_file("[link=x]y[blink].pcap")],
    )
    text = text_of(analysis, 100)
    assert "[red]no[/red] :bomb:" in text
    assert "[bold]x [frame 1]" in text
    assert "[link=x]y[blink].pcap: 130 packets" in text


def test_many_flows_of_one_network_are_one_finding() -> None:
    analysis = make_analysis([make_flow(i, client=Endpoint(f"10.0.1.{i}", 5)) for i in range(60)])
    text = text_of(analysis, 100)
    assert text.startswith("60 of 60 flows hang in a PMTUD black hole, from 10.0.2.2 to 10.0.1.0/24.")
    assert text.count("PMTUD black hole, confirmed") == 1
    assert "streams 1, 2, 3, 4 and 55 more" in text_of(analysis, 100, show_all=True)
    assert text.count("\n") < 100


def test_a_long_report_shows_fewer_ways_to_mend_it_and_all_of_them_if_asked() -> None:
    notes = tuple(f"Note {i}." for i in range(50))
    analysis = make_analysis([make_flow(0)], notes=notes)
    usual, short = text_of(make_analysis([make_flow(0)]), 80), text_of(analysis, 80)
    cures = [len(re.findall(r"^ {13}\d\. ", text, re.MULTILINE)) for text in (usual, short)]
    assert cures[0] > cures[1] >= 1
    assert "more ways: --all" in short
    assert all(note in short for note in notes)
    assert text_of(analysis, 80, show_all=True).count("more way") == 0


def test_many_findings_are_cut_short_and_all_tells_them() -> None:
    ends = [(Endpoint(f"10.1.{i}.1", 5), Endpoint(f"10.2.{i}.1", 443)) for i in range(60)]
    analysis = make_analysis([make_flow(i, client=client, server=server) for i, (client, server) in enumerate(ends)])
    short, full = text_of(analysis, 100), text_of(analysis, 100, show_all=True)
    assert "55 more findings: --all, --json or -o report.html" in short
    assert "59 more findings told in full by --all" in short
    assert short.count("PMTUD black hole, confirmed") == 1
    assert short.count("\n") < 100
    assert full.count("PMTUD black hole, confirmed") == 60


def test_long_commands_break_so_that_they_paste() -> None:
    command = "iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1360"
    lines = list(continued(command, 40))
    assert all(len(line) <= 40 for line in lines)
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert "".join(line.removesuffix("\\").lstrip() for line in lines) == command
    assert list(continued("tcpdump -w x 'host 10.0.0.1 or icmp'", 20))[-1] == "    'host 10.0.0.1 or icmp'"


def test_two_networks_are_not_written_into_each_other() -> None:
    flows = [
        make_flow(i, client=Endpoint(f"198.51.{100 + i % 2}.{i}", 40000), server=Endpoint(f"203.0.113.{i}", 443))
        for i in range(12)
    ]
    table = text_of(make_analysis(flows), 70)
    assert "-> 198.51.100.0/24 +1\n" in table
    assert ".." not in table.partition("Finding A")[0]
