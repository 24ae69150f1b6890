"""The size plot of what datagrams show: of UDP conversations, and of fragments by the bytes that came."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.text import Annotation

import analyzer
from analyzer.model.seen_sizes import MOST_SEEN, SeenDatagram, SeenFragments, SeenSizes, together
from analyzer.model.trouble import Trouble
from analyzer.report.figures.capture_picture import NOTHING_TO_DRAW, timelines
from analyzer.report.figures.datagram_plot import datagram_figure
from analyzer.report.figures.panels import NARROW, WIDE
from analyzer.report.formats.html_report import to_html
from tests.builders import CLIENT, SERVER, Packet, pcap
from tests.datagram_talk import EDGES, sent
from tests.verdicts.test_conversation_rules import dns, told
from tests.verdicts.test_fragment_findings import BOTH, FIRST, LATER, datagram, small


def analysed(packets: Iterable[Packet]) -> analyzer.Analysis:
    return analyzer.analyze(io.BytesIO(pcap(sorted([*packets, *EDGES], key=lambda packet: packet.ts))))


def fragments(which: str = LATER) -> list[Packet]:
    """One that came back is whole: no filter hides later fragments."""
    parts = [packet for i in range(8) for packet in [*datagram(5 + i, i, which), *small(5.5 + i)]]
    return [*parts, *datagram(9, 99, BOTH, back=True)]


def trouble_of(packets: Iterable[Packet]) -> Trouble:
    [trouble] = analysed(packets).all_troubles
    return trouble


def points(axes: Any, label: str) -> list[tuple[float, float]]:
    [line] = [line for line in axes.lines if line.get_label() == label]
    return sorted(zip(line.get_xdata(), line.get_ydata(), strict=True))


def words(axes: Any) -> list[str]:
    return [child.get_text() for child in axes.get_children() if isinstance(child, Annotation)]


def test_each_datagram_lies_at_its_size_and_its_time() -> None:
    figure = datagram_figure(trouble_of(dns()))
    upper, lower = figure.axes
    assert [size for _, size in points(upper, "lost")] == [1400] * 3
    assert [round(at, 1) for at, _ in points(upper, "lost")] == [0.0, 1.0, 2.0]
    assert upper.texts[0].get_text() == f"sent by {SERVER}"
    assert lower.texts[0].get_text() == f"sent by {CLIENT}"
    assert words(upper) == ["path MTU 120..1399"]
    assert not [line for line in lower.lines if line.get_label() == "lost"]


def test_what_nothing_is_known_of_is_neither_lost_nor_come() -> None:
    """The last answer: nobody asked again, but the capture may have ended before."""
    upper, lower = datagram_figure(trouble_of(dns())).axes
    assert [size for _, size in points(upper, "nothing tells whether it came")] == [1400]
    assert points(lower, "came")


def test_smaller_ones_of_another_conversation_are_lines() -> None:
    upper: Any = datagram_figure(trouble_of(dns())).axes[0]
    [lines] = [c for c in upper.collections if c.get_label() == "came in another conversation"]
    assert {y for segment in lines.get_segments() for _, y in segment} == {120}
    assert not datagram_figure(trouble_of(dns(also=False))).axes[0].collections


def test_ptbs_are_drawn_with_their_mtu() -> None:
    larges = [sent(5 + 3 * i, b"L" * 1400, back=True, dport=7000) for i in range(3)]
    upper = datagram_figure(trouble_of([*larges, told(1300, 5.01, larges[0])])).axes[0]
    assert sorted(words(upper)) == ["MTU 1300", "path MTU 1300"]


@pytest.mark.parametrize(("which", "low", "high", "cross"), [(FIRST, 0, 1400, 1522), (LATER, 1400, 1608, 700)])
def test_fragments_are_bars_of_the_bytes_that_came_with_a_cross_where_others_did_not(
    which: str, low: int, high: int, cross: int
) -> None:
    [axes] = datagram_figure(trouble_of(fragments(which))).axes
    bars: Any = axes.collections[0]
    assert len(bars.get_segments()) == 8
    for (_, start), (_, end) in bars.get_segments():
        assert start == low
        assert high - 20 <= end <= high
    assert {round(y) for _, y in points(axes, "did not come")} == {cross}


def test_gaps_are_told_apart_from_what_came() -> None:
    seen = SeenFragments(0, ((0, 100), (50, 200), (300, 400)), ended=True)
    assert seen.gaps == ((200, 300),)
    assert seen.end == 400


def test_of_very_many_those_around_the_first_loss_are_drawn() -> None:
    many = tuple(SeenDatagram(i, 100, True, i != 9_000) for i in range(10_000))
    seen = together([SeenSizes(datagrams=many[:5_000]), SeenSizes(datagrams=many[5_000:])])
    assert (len(seen.datagrams), seen.left_out) == (MOST_SEEN, 10_000 - MOST_SEEN)
    assert any(each.came is False for each in seen.datagrams)


@pytest.mark.parametrize("sheet", [WIDE, NARROW])
@pytest.mark.parametrize("packets", [dns, fragments])
def test_html_has_it_beside_the_diagnosis(packets: Any, sheet: Any) -> None:
    analysis = analysed(packets())
    assert to_html(analysis).count('class="plot"') == 1
    assert to_html(analysis, plots=False).count('class="plot"') == 0
    assert datagram_figure(analysis.all_troubles[0], sheet=sheet).axes


def test_markdown_has_it_as_an_image(tmp_path: Path) -> None:
    analysed(dns()).save(tmp_path / "case.md")
    analysed(fragments()).save(tmp_path / "parts.md")
    assert {path.name for path in tmp_path.glob("*.png")} == {"case-udp-1.png", "parts-finding-A.png"}
    assert "](case-udp-1.png)" in (tmp_path / "case.md").read_text()
    assert "](parts-finding-A.png)" in (tmp_path / "parts.md").read_text()


@pytest.mark.parametrize("packets", [dns, fragments])
def test_the_picture_of_a_capture_has_it(packets: Any, tmp_path: Path) -> None:
    analysis = analysed(packets())
    figure = timelines(analysis)
    assert figure.axes or any(part.axes for part in figure.subfigs)
    for suffix in ("png", "svg", "pdf"):
        analysis.save(tmp_path / f"case.{suffix}")
        assert (tmp_path / f"case.{suffix}").stat().st_size > 5_000


def test_what_is_about_no_datagrams_is_not_drawn() -> None:
    healthy = analysed(fragments(BOTH))
    assert not healthy.all_troubles
    assert NOTHING_TO_DRAW in str([text.get_text() for text in timelines(healthy).texts])
