"""Names beside addresses in every report, when they are asked for, and harmless there."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

import analyzer
from analyzer.cli.main import main
from analyzer.model.analysis import Analysis
from analyzer.report.formats.html_report import to_html
from analyzer.report.formats.json_report import schema_text, to_json_dict
from analyzer.report.formats.markdown_report import to_markdown
from analyzer.report.formats.terminal_report import show
from analyzer.report.page import page_of
from analyzer.report.save import save
from tests.builders import pcap, pcapng
from tests.decode.test_host_names import HOSTILE
from tests.naming import A, answer, dns_packet, hello_packet, labels, name_block, record
from tests.passes.test_names import CLIENT, FOUND, PACKETS, SERVER, TELLING, told
from tests.reading import ROOT, SAMPLE_FOLDER
from tests.report.formats.pcapng_blocks import comments_of

LONG = f"{'x' * 60}.{'y' * 60}.owner.example"


def analysis_of(content: bytes) -> Analysis:
    return analyzer.analyze(content, names=True)


def on_terminal(analysis: Analysis, *, show_all: bool = False) -> str:
    out = io.StringIO()
    show(analysis, file=out, show_all=show_all)
    return out.getvalue()


REPORTS: dict[str, Callable[[Analysis], str]] = {
    "terminal": on_terminal,
    "terminal, all": lambda analysis: on_terminal(analysis, show_all=True),
    "HTML": lambda analysis: to_html(analysis, plots=False),
    "Markdown": lambda analysis: to_markdown(page_of(analysis)),
}


@pytest.fixture(params=REPORTS)
def report(request: pytest.FixtureRequest) -> Callable[[Analysis], str]:
    return REPORTS[request.param]


def flat(text: str) -> str:
    """Text without its lines, and code of Markdown as text."""
    return " ".join(text.replace("`", "").split())


def test_names_stand_beside_addresses(report: Callable[[Analysis], str]) -> None:
    text = flat(report(analysis_of(pcap(TELLING))))
    named = "(www.example.com, shop.example.com)"
    assert f"from {SERVER} {named} to {CLIENT} (laptop.local)." in text  # the headline
    assert f":8082 {named}" in text  # the ends of the diagnosis
    assert f"{SERVER}: www.example.com (DNS, TLS), shop.example.com (TLS)" in text
    assert f"{CLIENT}: laptop.local (DNS)" in text


def test_tables_on_paper_have_them() -> None:
    analysis = analysis_of(pcap(TELLING))
    flow = f"{SERVER}:8082 (www.example.com, shop.example.com)"
    finding = f"{SERVER} (www.example.com, shop.example.com)"
    lines = [flat(line) for line in to_markdown(page_of(analysis)).splitlines()]
    cells = [line.split(" | ") for line in lines if line.startswith("| ")]
    assert any(finding in row and f"{CLIENT} (laptop.local)" in row for row in cells)
    assert any(flow in cell for row in cells for cell in row)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in to_html(analysis, plots=False).split("<tr")]
    assert any(finding in row and f"{CLIENT} (laptop.local)" in row for row in cells)
    assert any(flow in cell for row in cells for cell in row)


def test_without_asking_there_are_none(report: Callable[[Analysis], str]) -> None:
    analysis = analyzer.analyze(pcap(TELLING))
    text = report(analysis)
    assert "www.example.com" not in text
    assert "laptop" not in text


def test_in_json_by_address() -> None:
    found = to_json_dict(analysis_of(pcap(TELLING)))
    assert found["names"] == {
        ip: [{"name": each.name, "sources": list(each.sources)} for each in names] for ip, names in FOUND.items()
    }
    jsonschema.Draft202012Validator(json.loads(schema_text())).validate(found)
    without = to_json_dict(analyzer.analyze(pcap(TELLING)))
    assert "names" not in without
    del found["names"]
    assert found == without
    assert to_json_dict(analysis_of(pcap(PACKETS)))["names"] == {}


def test_long_names_and_many_take_little_room(report: Callable[[Analysis], str]) -> None:
    many = [hello_packet(f"n{i}.example".encode(), server=SERVER) for i in range(100)]
    text = flat(report(analysis_of(pcap(told(hello_packet(LONG.encode(), server=SERVER), *many)))))
    assert f"from {SERVER} (..{LONG[-46:]}, n0.example +2)" in text
    assert "n3.example" not in text


def hostile() -> bytes:
    packets = []
    for label in HOSTILE:
        if len(label) < 64:
            owner = [label, b"example"]
            packets.append(dns_packet(answer(owner, record(labels(owner), A, bytes([203, 0, 113, 10])))))
        if b"." not in label:
            packets.append(hello_packet(label + b".example", server=SERVER))
    return pcap(told(*packets))


def test_what_is_no_name_is_nowhere(report: Callable[[Analysis], str]) -> None:
    analysis = analysis_of(hostile())
    assert analysis.names == {}
    plain = analyzer.analyze(hostile())
    assert report(analysis) == report(plain)


def test_comments_in_captures_have_names_only_if_asked_for(tmp_path: Path) -> None:
    capture = tmp_path / "c.pcap"
    capture.write_bytes(pcap(TELLING))
    target = tmp_path / "annotated.pcapng"
    for names in (False, True):
        save(analyzer.analyze(capture, names=names), target)
        first = comments_of(target.read_bytes())[0][0]
        assert (f"{SERVER} (www.example.com, shop.example.com)" in first) == names


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(words)
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = tmp_path / "c.pcap"
    capture.write_bytes(pcap(TELLING))
    code, out, err = run([str(capture), "--names", "--json"], capsys)
    assert (code, err) == (0, "")
    assert json.loads(out)["names"][CLIENT] == [{"name": "laptop.local", "sources": ["dns"]}]
    code, out, err = run([str(capture), "--names", "--stream", "2", "--brief"], capsys)
    assert "www.example.com" in out


def test_what_does_not_go_with_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = tmp_path / "c.pcap"
    capture.write_bytes(pcap(TELLING))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for words, told_of in (
        ([str(capture), "--anonymize"], "--anonymize and --names exclude each other"),
        (["-"], "standard input: cannot be read twice, which --names needs; save it to a file first"),
        ([str(pipe)], "pipe: cannot be read twice, which --names needs"),
        ([str(capture), "--compare", "-"], "standard input: cannot be read twice"),
        ([str(capture), "--each"], "--each prints a line for each capture, for which --names has no meaning"),
    ):
        code, out, err = run([*words, "--names"], capsys)
        assert (code, out) == (2, "")
        assert told_of in err
        assert err.count("\n") == 1


def test_a_small_capture_loads_no_names() -> None:
    script = (
        f"import sys, analyzer\nanalyzer.analyze({str(SAMPLE_FOLDER / 'tunnel_blackhole_at_server.pcap')!r})\n"
        "print(sorted(each for each in sys.modules if 'name' in each.rpartition('.')[2] and 'analyzer' in each))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "host_name" not in done.stdout
    assert "passes.names" not in done.stdout


def test_names_of_blocks_in_a_report() -> None:
    content = pcapng(PACKETS) + name_block({SERVER: [b"files.example"]})
    analysis = analysis_of(content)
    assert f"{SERVER}: files.example (the capture file)" in on_terminal(analysis)
