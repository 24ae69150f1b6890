"""What pings, PTBs, fragments and UDP show without a TCP flow, in every output."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

import analyzer
from analyzer.cli.main import main
from analyzer.model.analysis import Analysis
from analyzer.redaction.addresses import Anonymizer
from analyzer.report.document import document_of
from analyzer.report.formats.json_report import to_json_dict
from tests.builders import CLIENT, Packet, pcap
from tests.datagram_talk import EDGES
from tests.report.factory import make_analysis, make_flow
from tests.report.test_schema import STRICT
from tests.verdicts import test_udp_probes
from tests.verdicts.test_conversation_rules import dns
from tests.verdicts.test_fragment_findings import FIRST, OTHER_WAY, mixed
from tests.verdicts.test_lone_ptbs import same_again
from tests.verdicts.test_ping_sweeps import SWEEP, frames_of, story

CAPTURES: dict[str, list[Packet]] = {
    "pings": frames_of(story(SWEEP)),
    "probes": [*test_udp_probes.frames_of(test_udp_probes.story(SWEEP)), *EDGES],
    "ptbs": same_again(),
    "fragments": [*mixed(FIRST), *OTHER_WAY],
    "udp": [*dns(), *EDGES],
}
VERDICT = {
    "pings": "blackhole",
    "probes": "blackhole",
    "ptbs": "ptb_ignored",
    "fragments": "fragment_loss",
    "udp": "blackhole_probable",
}
PROTOCOL = {"pings": "icmp", "probes": "udp", "ptbs": "tcp", "fragments": "udp", "udp": "udp"}
RULE = {kind: f"{kind}/{verdict}" for kind, verdict in VERDICT.items()} | {"udp": "udp/blackhole-probable"}
SHOWN_BY = {"pings": "pings", "probes": "UDP probes", "ptbs": "PTBs", "fragments": "fragments", "udp": "udp 1"}
HEADLINE = {
    "pings": "Pings from 192.0.2.10 to 203.0.113.10 show a PMTUD black hole. 1450-byte packets vanish, 1400-byte",
    "probes": "UDP probes from 192.0.2.10 to 203.0.113.10 show a PMTUD black hole. 1450-byte packets vanish, 1400-byte",
    "ptbs": "PTBs (ICMP packet too big) do not keep 203.0.113.10 from sending large TCP packets to 192.0.2.10.",
    "fragments": "Of 5 fragmented UDP datagrams 203.0.113.10 -> 192.0.2.10 none is complete at this point",
    "udp": "Large DNS datagrams from 203.0.113.10:53 to 192.0.2.10:40000 probably meet a PMTUD black hole.",
}
KINDS = tuple(CAPTURES)


def written(kind: str, folder: Path) -> Path:
    path = folder / "capture.pcap"
    path.write_bytes(pcap(sorted(CAPTURES[kind], key=lambda packet: packet.ts)))
    return path


def analysed(kind: str) -> analyzer.Analysis:
    return analyzer.analyze(io.BytesIO(pcap(sorted(CAPTURES[kind], key=lambda packet: packet.ts))))


def frames(found: Analysis) -> set[int]:
    (trouble,) = found.all_troubles
    return {ref.frame for ref in trouble.frames}


@pytest.mark.parametrize("kind", KINDS)
def test_the_terminal_tells_it(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(written(kind, tmp_path))]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert HEADLINE[kind] in out
    assert "No TCP flow is in this capture." in out
    for words in (f"rule {RULE[kind]}", "Finding A", SHOWN_BY[kind], "Wireshark frame.number in", "Fix "):
        assert words in out


@pytest.mark.parametrize("kind", KINDS)
def test_the_papers_tell_it(kind: str, tmp_path: Path) -> None:
    found = analyzer.analyze(written(kind, tmp_path))
    for name in ("r.html", "r.md"):
        found.save(tmp_path / name)
        text = " ".join((tmp_path / name).read_text(encoding="utf-8").replace("`", "").split())
        text = text.replace("\N{RIGHTWARDS ARROW}", "->")
        assert HEADLINE[kind][:40] in text
        assert RULE[kind] in text
        assert "Display filter for these packets:" in text
        assert all(fix.source not in text or fix.why[:20] in text for fix in found.all_troubles[0].fixes)


@pytest.mark.parametrize("kind", KINDS)
def test_the_json_tells_it(kind: str) -> None:
    found = analysed(kind)
    told = json.loads(json.dumps(to_json_dict(found)))
    STRICT.validate(told)
    (finding,) = told["findings"]
    assert (finding["id"], finding["verdict"], finding["protocol"]) == ("A", VERDICT[kind], PROTOCOL[kind])
    assert (finding["flows"], finding["streams"], finding["example"]) == (0, [], None)
    assert finding["fixes"]
    assert finding["explanation"] == found.all_troubles[0].explanation
    if kind == "ptbs":
        assert {each["verdict"] for each in told["ptbs"]} == {"ptb_ignored"}
        assert told["ptbs"][0]["quoted"]["source"] == {"ip": "203.0.113.10", "port": 443}
    if kind == "fragments":
        assert {each["verdict"] for each in told["fragments"]} == {"fragment_loss", None}
        assert sum(each["first_only"] for each in told["fragments"]) == 5
    assert [path["verdict"] for path in told["paths"]] == [VERDICT[kind]]
    assert kind != "fragments" or told["paths"][0]["consistent_with"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_tables_tell_it(kind: str) -> None:
    found = analysed(kind)
    row = found.findings.iloc[0]
    assert (row["verdict"], row["protocol"], row["flows"]) == (VERDICT[kind], PROTOCOL[kind], 0)
    assert row.isna()["example"]
    table = found.fragments
    assert len(table) == (2 if kind == "fragments" else 0)
    if kind == "fragments":
        assert table["first_only"].tolist() == [0, 5]


@pytest.mark.parametrize("kind", KINDS)
def test_fail_on_counts_it(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(written(kind, tmp_path))
    assert main([path, "--fail-on", VERDICT[kind], "--brief"]) == 1
    assert main([path, "--fail-on", "size", "--brief"]) == 1
    assert main([path, "--fail-on", "stall", "--brief"]) == 0
    assert HEADLINE[kind] in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
def test_a_selection_has_it_where_the_host_is_its_own(kind: str, tmp_path: Path) -> None:
    path = str(written(kind, tmp_path))
    assert main([path, "--fail-on", "size", "--brief", "--host", CLIENT]) == 1
    assert main([path, "--fail-on", "size", "--brief", "--host", "192.0.2.200"]) == 0
    assert main([path, "--fail-on", "size", "--brief", "--port", "443"]) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_evidence_capture_shows_the_same(kind: str, tmp_path: Path) -> None:
    found = analyzer.analyze(written(kind, tmp_path))
    found.save(tmp_path / "evidence.pcapng")
    assert bytes(64) not in (tmp_path / "evidence.pcapng").read_bytes()  # no payload
    again = analyzer.analyze(tmp_path / "evidence.pcapng")
    # Unfragmented packets beside fragments are not all copied; what answers what stands in the payload of datagrams.
    if kind not in ("fragments", "udp"):
        assert [(t.verdict, t.path_mtu) for t in again.all_troubles] == [
            (t.verdict, t.path_mtu) for t in found.all_troubles
        ]
    assert again.totals.packets >= len(frames(found))


@pytest.mark.parametrize("kind", KINDS)
def test_the_annotated_capture_says_what_each_frame_shows(kind: str, tmp_path: Path) -> None:
    found = analyzer.analyze(written(kind, tmp_path))
    found.save(tmp_path / "annotated.pcapng")
    data = (tmp_path / "annotated.pcapng").read_bytes()
    assert data.count(f"{SHOWN_BY[kind]}: ".encode()) >= len(frames(found))


@pytest.mark.parametrize("kind", KINDS)
def test_anonymized_no_address_is_left(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(written(kind, tmp_path)), "--anonymize", "--json"]) == 0
    out = capsys.readouterr().out
    for address in ("192.0.2.10", "203.0.113.10", "198.51.100.9"):
        assert address not in out
    assert VERDICT[kind] in out


def key_to_multicast(address: str) -> bytes:
    """A key that maps an address among those of multicast."""
    keys = (bytes([number]) * 32 for number in range(256))
    return next(key for key in keys if ip_address(Anonymizer(key).text(address)).is_multicast)


@pytest.mark.parametrize("host", ["192.0.2.10", "203.0.113.10"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_address_stands_for_a_host_changes_no_verdict(kind: str, host: str, tmp_path: Path) -> None:
    (plain,) = analyzer.analyze(written(kind, tmp_path)).all_troubles
    hidden = analyzer.analyze(written(kind, tmp_path), anonymizer=Anonymizer(key_to_multicast(host)))
    (trouble,) = hidden.all_troubles
    assert (trouble.verdict, trouble.confidence, trouble.frames) == (plain.verdict, plain.confidence, plain.frames)


def test_beside_healthy_flows_it_comes_first() -> None:
    """That no flow has a problem is not the answer then."""
    found = analysed("pings")
    both = make_analysis([make_flow(0, verdict="ok")], all_troubles=found.all_troubles)
    document = document_of(both)
    assert document.headline.startswith(HEADLINE["pings"])
    assert "In TCP flows no path MTU problem was found" in document.headline
    assert document.tone == "bad"


@pytest.mark.parametrize("kind", KINDS)
def test_a_later_capture_is_compared_with_it(kind: str) -> None:
    before, nothing = analysed(kind), analyzer.analyze(io.BytesIO(pcap([])))
    assert analyzer.compare(before, nothing).outcome == "cannot_tell"
    assert analyzer.compare(before, before).outcome == "not_fixed"
    assert analyzer.compare(nothing, before).outcome == "new_problem"


def test_a_flow_that_tells_the_same_is_the_finding() -> None:
    (trouble,) = analysed("pings").all_troubles
    flow = make_flow(0)
    same = replace(trouble, sender=flow.sender.ip, receiver=flow.receiver.ip)
    assert [finding.protocol for finding in make_analysis([flow], all_troubles=(same,)).all_findings] == ["tcp"]
    assert len(make_analysis([flow], all_troubles=(trouble,)).all_findings) == 2
