"""Packets read are packets decoded and those that were not, by reason: in every report, for every capture there is."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

import analyzer
from analyzer.model.analysis import Analysis
from analyzer.report.formats.csv_report import to_csv
from analyzer.report.formats.html_report import to_html
from analyzer.report.formats.json_report import to_json
from analyzer.report.formats.markdown_report import to_markdown
from analyzer.report.formats.terminal_report import show
from analyzer.report.page import page_of
from tests.builders import ETHERNET, Packet, ethernet, icmp, ipv4, ipv6, pcap, pcapng, tcp
from tests.reading import CAPTURES, ROOT

KEPT = sorted((ROOT / "tests" / "data" / "fuzz").glob("*.bin"))

ODD = [
    ethernet(ipv4(tcp())),
    ethernet(ipv4(icmp(8, 0, bytes(4)), protocol=1)),
    ethernet(b"\0\1" + bytes(26), 0x0806),
    ethernet(ipv4(bytes(8), protocol=17)),
    ethernet(ipv4(bytes(8), protocol=17)),
    ethernet(ipv4(tcp())[:25]),
    ethernet(ipv4(tcp(bytes(80)), df=False, offset=80)),
    ethernet(ipv6(bytes(20), following=50), 0x86DD),
]
MADE = {
    "odd packets": pcap([Packet(i, data) for i, data in enumerate(ODD)], link=ETHERNET),
    "no TCP": pcap([Packet(i, data) for i, data in enumerate(ODD[1:])], link=ETHERNET),
    "only ARP": pcap([Packet(0, ODD[2])], link=ETHERNET),
    "a link type that is not decoded": pcap([Packet(0, bytes(60))] * 3, link=107),
    "nothing": pcapng([]),
}


def number(text: str) -> int:
    return int(text.replace(",", ""))


def undecoded(text: str) -> int:
    """The sum of "48 not TCP or ICMP, 2 not IP"."""
    return sum(number(count) for count in re.findall(r"(?:^|, )([\d,]*\d) ", text))


def of_terminal(analysis: Analysis) -> tuple[int, int]:
    """Packets read, and those accounted for, as the report says."""
    out = io.StringIO()
    show(analysis, file=out)
    text = re.sub(r"\s+", " ", out.getvalue())
    read = sum(number(found) for found in re.findall(r": ([\d,]+) packets?, pcap", text))
    tcp_packets = re.search(r"; ([\d,]+) TCP in ", text)
    icmp_packets = re.search(r" flows?; ([\d,]+) ICMP \(", text)
    udp_packets = re.search(r"; ([\d,]+) UDP in ", text)
    others = re.search(r"; not decoded: (.*?)(?: pings | large pings | fragmented |$)", text)
    counted = sum(number(found[1]) for found in (tcp_packets, icmp_packets, udp_packets) if found)
    return read, counted + (undecoded(others[1]) if others else 0)


def of_page(text: str) -> tuple[int, int]:
    """The same of a report on paper."""
    found = re.search(r"Packets:? ([\d,]+): ([\d,]+) TCP in [\d,]+ flows?, ([\d,]+) ICMP", text)
    others = re.search(r"Not decoded:? (.*?) (?:- )?Capture loss", text)
    assert found
    assert others
    udp_packets = re.search(r" PTBs?; ([\d,]+) UDP in ", text)
    counted = number(found[2]) + number(found[3]) + (number(udp_packets[1]) if udp_packets else 0)
    return number(found[1]), counted + undecoded(others[1])


def of_json(analysis: Analysis) -> tuple[int, int]:
    totals = json.loads(to_json(analysis))["totals"]
    return totals["packets"], sum(totals[f"{kind}_packets"] for kind in ("tcp", "icmp", "udp")) + sum(
        totals["undecoded"].values()
    )


def check(analysis: Analysis) -> int:
    """Every report accounts for as many packets as were read; returns how many."""
    read = sum(file.packets for file in analysis.files)
    words = re.sub(r"<style.*?</style>|<[^>]+>", " ", to_html(analysis, plots=False), flags=re.DOTALL)
    expected = (read, read)
    assert of_json(analysis) == expected
    assert of_terminal(analysis) == expected
    assert of_page(re.sub(r"\s+", " ", words)) == expected
    assert of_page(re.sub(r"\s+", " ", to_markdown(page_of(analysis), {}))) == expected
    # A table of flows has no place for totals; what it lists are the TCP packets.
    rows = csv.DictReader(io.StringIO(to_csv(analysis)))
    assert sum(int(row["packets"]) for row in rows) == analysis.totals.tcp_packets
    return read


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_captures(path: Path) -> None:
    assert check(analyzer.analyze(path)) > 0


@pytest.mark.parametrize("name", MADE)
def test_captures_of_other_things(name: str) -> None:
    analysis = analyzer.analyze(io.BytesIO(MADE[name]))
    assert check(analysis) == {"odd packets": 8, "no TCP": 7, "only ARP": 1, "nothing": 0}.get(name, 3)


def test_what_the_fuzzer_found() -> None:
    seen = 0
    for path in KEPT:
        try:
            analysis = analyzer.analyze(path)
        except analyzer.CaptureError:
            continue
        seen += check(analysis)
    assert seen > 0 or not KEPT


def test_several_files() -> None:
    assert check(analyzer.analyze([io.BytesIO(MADE["odd packets"]), io.BytesIO(MADE["only ARP"])])) == 9
