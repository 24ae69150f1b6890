from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import html5lib
import pytest

import analyzer
from analyzer.model.analysis import Analysis
from analyzer.model.flow import Endpoint, PathMtu
from analyzer.model.verdicts import VERDICTS
from analyzer.report.formats.html_report import SHOWN_DIAGNOSES, SHOWN_FIGURES, rich, to_html
from tests.reading import CAPTURES, SAMPLE_FOLDER
from tests.report.factory import LONG_1, LONG_2, START, make_analysis, make_file, make_flow, make_stalled, make_timeline
from tests.report.formats.test_terminal_report import CASES
from tests.report.hostile import HOSTILE, hostile_analysis

HTML, SVG = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/2000/svg}"

DRAWN = make_analysis([make_flow(0, timeline=make_timeline()), make_flow(1, "ok")])
SAMPLE = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"


def parsed(analysis: Analysis) -> Element:
    """The page, read by a parser that takes no error."""
    tree: Element = html5lib.HTMLParser(strict=True).parse(to_html(analysis))
    return tree


def text_of(tree: Element) -> str:
    return " ".join(" ".join(tree.itertext()).split())


def assert_self_contained(tree: Element) -> None:
    names = [each.tag.rpartition("}")[2] for each in tree.iter() if isinstance(each.tag, str)]
    assert not {"script", "link", "iframe", "object", "embed", "base", "form", "img", "image", "audio"} & set(names)
    for element in tree.iter():
        for name, value in element.attrib.items():
            local = name.rpartition("}")[2]
            assert not local.startswith("on"), (element.tag, name)
            if local in ("href", "src", "srcset", "action", "data", "poster", "background"):
                assert value.startswith("#"), (element.tag, name, value)
            assert not re.search(r"url\((?!#)", value)
    for style in tree.iter(f"{HTML}style"):
        assert not re.search(r"url\(|@import|expression", style.text or "")
    assert not list(tree.iter(f"{SVG}style"))  # would apply to all of the page
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    named = {value[1:] for e in tree.iter() for name, value in e.attrib.items() if name.endswith("href")}
    named |= {
        found for e in tree.iter() for value in e.attrib.values() for found in re.findall(r"url\(#(.+?)\)", value)
    }
    assert named <= set(ids)


def assert_figures_are_told(tree: Element) -> None:
    for figure in tree.iter(f"{SVG}svg"):
        assert figure.get("role") == "img"
        assert len(figure.get("aria-label") or "") > 40


@pytest.mark.parametrize("case", CASES)
def test_pages_of_hand_made_analyses(case: str) -> None:
    tree = parsed(CASES[case])
    assert_self_contained(tree)
    assert_figures_are_told(tree)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("path", CAPTURES[::3], ids=lambda path: path.name)
def test_pages_of_recordings(path: object) -> None:
    analysis = analyzer.analyze(str(path))
    tree = parsed(analysis)
    assert_self_contained(tree)
    assert_figures_are_told(tree)
    assert len(to_html(analysis)) < 1_000_000


def test_the_story_from_the_top() -> None:
    analysis = analyzer.analyze(SAMPLE)
    page = text_of(next(parsed(analysis).iter(f"{HTML}main")))
    story = (
        "2 of 3 flows hang in a PMTUD black hole, from 203.0.113.10 to 192.0.2.10. 1500-byte packets vanish",
        "When 2026-11-22 14:38:49 - 14:39:06 UTC",
        "Confirm ping -M do -c 3 -s 1472 192.0.2.10",
        "Fix let ICMP type 3 code 4 reach 203.0.113.10, or clamp the MSS",
        "finding flows from to verdict passes lost stalled example A 2 203.0.113.10 192.0.2.10 blackhole 472 1500",
        "captured here",
        "Captured before the narrow part",
        "Finding A: PMTUD black hole, confirmed",
        "sent again 7 times",  # the figure
        "Evidence the segment of 1500 bytes and its retransmissions [frames 57, 64, 65, 69, 74, 81, 92, 118]",
        "Ruled out zero window",
        "Confirm ping -M do -c 3 -s 1472 192.0.2.10",
        "ping -M do -c 3 -s 444 192.0.2.10",
        "Measure lo=472; hi=1500;",
        "Fix iptables -I FORWARD",
        "Check ping -M do",
        "In Wireshark Display filter for the flow: tcp.stream eq 2",
        "frame.number in {42, 43, 57..65, 69, 74, 81, 92, 118}",
        "All flows",
        "3 flows, the worst first",
        "tcp.stream eq 0",
        "The capture File tunnel_blackhole_at_server.pcap: 118 packets",
        "SHA-256 5ba3f7086dd789f88006f72fc3f6fc35191eb3e607ea62311ca30fbb9a036ca5",
        "Time 2026-11-22 14:38:47 UTC to 2026-11-22 14:39:06 UTC",
        "Not decoded 2 not IP",
        "Capture loss none noticed",
        "Tool and settings pmtu-analyze",
        "episode_retransmissions 3",
        "What the verdicts mean blackhole",
    )
    place = -1
    for part in story:
        found = page.find(part, place + 1)
        assert found > place, part
        place = found


def test_hostile_text_stays_text() -> None:
    tree = parsed(hostile_analysis())
    assert_self_contained(tree)
    assert not any(each.get("onload") or each.get("onerror") for each in tree.iter())
    page = "".join(tree.itertext())
    assert "<script>alert(1)</script>" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u200b]", to_html(hostile_analysis()))
    assert {each.tag for each in tree.iter() if isinstance(each.tag, str)} <= {
        each.tag for each in parsed(CASES["ipv6_suspected"]).iter()
    } | {each.tag for each in parsed(DRAWN).iter()} | {f"{HTML}code", f"{HTML}p"}


@pytest.mark.parametrize("text", HOSTILE)
def test_backticks_make_code_and_nothing_else(text: str) -> None:
    tree = html5lib.parseFragment(rich(f"a `{text}` b"))
    assert {each.tag for each in tree.iter() if each.tag != "DOCUMENT_FRAGMENT"} <= {f"{HTML}code"}


def test_many_flows_are_folded_and_bounded() -> None:
    flows = [make_flow(i, VERDICTS[i % 16], client=Endpoint(f"10.{i % 250}.0.1", 5)) for i in range(500)]
    tree = parsed(make_analysis(flows))
    details = next(each for each in tree.iter(f"{HTML}details") if each.get("class") != "members")
    assert details.get("open") is None
    assert len(list(details.iter(f"{HTML}tr"))) == 501
    verdicts = [
        "".join(cell.itertext()) for cell in details.iter(f"{HTML}span") if "badge" in (cell.get("class") or "")
    ]
    assert verdicts == sorted(verdicts, key=VERDICTS.index)
    assert len(list(tree.iter(f"{HTML}article"))) <= len(VERDICTS)
    assert "1,500 more flows not listed here" in to_html(make_analysis([make_flow(i, "ok") for i in range(2000)]))


def test_a_finding_lists_its_worst_flows_with_links_to_and_fro() -> None:
    begin, second = 1_700_000_000_000_000_000, 1_000_000_000
    flows = []
    for i in range(700):
        stalled = make_stalled()._replace(first_time=begin, last_time=begin + (i + 1) * second)
        flows.append(make_flow(i, stalled=stalled))
    tree = parsed(make_analysis(flows))
    (members,) = (each for each in tree.iter(f"{HTML}details") if each.get("class") == "members")
    links = [link.get("href") for link in members.iter(f"{HTML}a")]
    assert links == [f"#stream-{i}" for i in range(200, 700)]  # the 500 that stalled longest
    rows = {row.get("id"): row for row in tree.iter(f"{HTML}tr") if row.get("id")}
    assert {f"#{name}" for name in rows} == set(links)
    for row in rows.values():
        assert [link.get("href") for link in row.iter(f"{HTML}a")] == ["#finding-A"]
    assert "200 more flows, whose stalls were shorter" in "".join(members.itertext())
    (article,) = tree.iter(f"{HTML}article")
    assert article.get("id") == "finding-A"


def test_few_flows_are_in_sight() -> None:
    details = next(each for each in parsed(DRAWN).iter(f"{HTML}details") if each.get("class") != "members")
    assert details.get("open") is not None


def test_figures_are_bounded_and_can_be_left_out() -> None:
    flows = [
        make_flow(i, client=Endpoint(f"10.1.{i}.1", 5), server=Endpoint(f"10.2.{i}.1", 443), timeline=make_timeline())
        for i in range(SHOWN_FIGURES + 2)
    ]
    page = to_html(make_analysis(flows))
    assert page.count('<figure class="plot">') == SHOWN_FIGURES + 1  # and the overview
    assert len(page) < 1_000_000
    assert 'class="plot"' not in to_html(make_analysis(flows), plots=False)


def test_colours_follow_the_reader() -> None:
    page = to_html(DRAWN)
    figures = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "var(--p-lost)" in figures
    assert not re.search(r"#[0-9a-f]{6}\b", figures)  # nothing is fixed to light paper
    assert "prefers-color-scheme: dark" in page


def test_a_healthy_capture() -> None:
    tree = parsed(make_analysis([make_flow(0, "pmtud_ok", path_mtu=PathMtu(1400, 1400, 1400), first_time=START)]))
    page = text_of(tree)
    assert "No path MTU problem found: the only flow obeyed a PTB." in page
    assert "path MTU 1400" in page
    assert "packets vanish" not in page
    assert not list(tree.iter(f"{HTML}article"))


def test_an_empty_capture() -> None:
    tree = parsed(make_analysis(totals=type(DRAWN.totals)(0, 0, 0, 0, {}, 0, {})))
    assert "The capture holds no packets." in text_of(tree)


def test_long_addresses_fit_their_boxes() -> None:
    flow = make_flow(0, client=LONG_1, server=LONG_2)
    wide = next(each for each in parsed(make_analysis([flow])).iter(f"{SVG}svg") if "wide" in (each.get("class") or ""))
    box = next(wide.iter(f"{SVG}rect"))
    assert float(box.get("width") or 0) >= len(LONG_1.ip) * 7.8  # a monospaced letter of 13 pixels


def test_damage_and_selection_are_told() -> None:
    cut = make_file(damaged_at=1944, problem="expected the rest of a record, found the end of the file", is_cut=True)
    page = text_of(parsed(make_analysis([make_flow()], files=[cut], selection="port 443", notes=("A note.",))))
    assert "is cut off after 130 packets (byte 1944)" in page
    assert "only port 443; the counts below are of the whole capture" in page
    assert "A note." in page


def test_no_verdict_crowds_out_the_others() -> None:
    flows = [
        make_flow(i, client=Endpoint(f"10.1.{i}.1", 1), server=Endpoint(f"10.2.{i}.1", 443), timeline=make_timeline())
        for i in range(30)
    ]
    flows += [make_flow(30, "ptb_ignored", timeline=make_timeline()), make_flow(31, "dead_path")]
    tree = parsed(make_analysis(flows))
    shown = [each.get("id") for each in tree.iter(f"{HTML}article")]
    assert len(shown) == SHOWN_DIAGNOSES
    titles = [text_of(article) for article in tree.iter(f"{HTML}article")]
    assert sum("PTB ignored by the sender" in title for title in titles) == 1
    assert sum("The path is dead" in title for title in titles) == 1
    drawn = [article.get("id") for article in tree.iter(f"{HTML}article") if list(article.iter(f"{HTML}figure"))]
    assert len(drawn) == SHOWN_FIGURES
