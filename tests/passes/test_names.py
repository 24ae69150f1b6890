"""Names of hosts that the capture itself tells, only for who asks."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import analyzer
from analyzer.cli.main import main
from analyzer.decode.host_names import dns_names, names_in_block, server_name
from analyzer.errors import UsageError
from analyzer.model.host_name import NAMES_PER_ADDRESS, HostName, host_name_of
from analyzer.redaction.addresses import Anonymizer
from analyzer.report.formats.html_report import to_html
from analyzer.report.formats.json_report import schema_text, to_json_dict
from analyzer.report.formats.markdown_report import to_markdown
from analyzer.report.page import page_of
from tests.builders import (
    ACK,
    CLIENT,
    PSH,
    SERVER,
    UDP,
    Packet,
    address,
    block,
    enhanced,
    interface,
    ipv4,
    pcap,
    section,
    tcp,
    udp,
)
from tests.reading import SAMPLE_FOLDER
from tests.wrapping import ip_packets

SAMPLE = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"  # CLIENT hangs at SERVER


def labels(name: str) -> bytes:
    return b"".join(len(part).to_bytes(1) + part.encode("latin-1") for part in name.split(".")) + b"\0"


def record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + kind.to_bytes(2) + b"\0\1" + bytes(4) + len(data).to_bytes(2) + data


def dns_answer(asked: str, *records: bytes, questions: int = 1) -> bytes:
    header = b"\x12\x34\x81\x80" + questions.to_bytes(2) + len(records).to_bytes(2) + bytes(4)
    return header + (labels(asked) + b"\0\1\0\1") * questions + b"".join(records)


ASKED = b"\xc0\x0c"  # a pointer to the question


def client_hello(name: bytes) -> bytes:
    server = b"\0" + len(name).to_bytes(2) + name
    extension = b"\0\0" + (len(server) + 2).to_bytes(2) + len(server).to_bytes(2) + server
    other = b"\0\x17\0\0"
    extensions = other + extension
    body = b"\3\3" + bytes(32) + b"\4" + bytes(4) + b"\0\2\x13\1" + b"\1\0" + len(extensions).to_bytes(2) + extensions
    message = b"\1" + len(body).to_bytes(3) + body
    return b"\x16\3\1" + len(message).to_bytes(2) + message


def dns_packet(message: bytes, sport: int = 53) -> bytes:
    return ipv4(udp(message, sport=sport, dport=40000), src="198.51.100.53", dst=SERVER, protocol=UDP)


def tls_packet(hello: bytes) -> bytes:
    return ipv4(tcp(sport=40000, dport=443, flags=ACK | PSH) + hello, src=CLIENT, dst=SERVER)


def capture(*more: bytes) -> bytes:
    packets = ip_packets(SAMPLE)
    return pcap([*(Packet(packets[0].ts, data) for data in more), *packets])


def named(*more: bytes, compiled: bool = False) -> analyzer.Analysis:
    return analyzer.analyze(capture(*more), names=True, compiled=compiled)


def names_of(*more: bytes) -> dict[str, Any]:
    return dict(named(*more).names or {})


@pytest.mark.parametrize("compiled", [False, True])
def test_each_source(compiled: bool) -> None:
    analysis = named(
        dns_packet(dns_answer("www.Example.com", record(ASKED, 1, address(SERVER)))),
        tls_packet(client_hello(b"shop.example.com")),
        compiled=compiled,
    )
    assert analysis.names == {SERVER: (HostName("www.example.com", ("dns",)), HostName("shop.example.com", ("sni",)))}


def test_a_chain_of_aliases_leads_to_the_name_that_was_asked_for() -> None:
    answer = dns_answer(
        "www.example.com",
        record(ASKED, 5, labels("edge.cdn.example")),
        record(labels("edge.cdn.example"), 1, address(SERVER)),
        record(labels("other.example"), 1, address(CLIENT)),  # nobody asked for that
    )
    assert names_of(dns_packet(answer)) == {SERVER: (HostName("www.example.com", ("dns",)),)}


def test_blocks_of_names_in_pcapng() -> None:
    body = b"\1\0" + (4 + 8).to_bytes(2, "little") + address(SERVER) + b"a.test\0\0" + bytes(4)
    data = section() + interface() + block(4, body) + b"".join(enhanced(packet) for packet in ip_packets(SAMPLE))
    assert analyzer.analyze(data, names=True).names == {SERVER: (HostName("a.test", ("capture",)),)}
    assert list(names_in_block(body, big=False)) == [(address(SERVER), "a.test")]


def test_nobody_asks_and_nothing_is_told() -> None:
    data = capture(dns_packet(dns_answer("www.example.com", record(ASKED, 1, address(SERVER)))))
    analysis = analyzer.analyze(data)
    assert analysis.names is None
    assert "names" not in to_json_dict(analysis)
    assert "example.com" not in to_html(analysis, plots=False)


def test_healthy_twins() -> None:
    """A question, an answer from another port, data that begins like TLS, and a capture without names."""
    question = bytearray(dns_answer("www.example.com", record(ASKED, 1, address(SERVER))))
    question[2] = 1
    other_port = dns_packet(dns_answer("www.example.com", record(ASKED, 1, address(SERVER))), sport=54)
    assert names_of(dns_packet(bytes(question)), other_port, tls_packet(b"\x16\3\1\0\5\2hello")) == {}


HOSTILE = ["<script>.example", "a_b.example", "\x1b[31m.example", "-a.example", "192.0.2.1", "a" * 64, "x." * 130 + "x"]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_name_of_a_host_is_left_out(name: str) -> None:
    assert host_name_of(name.encode("latin-1")) == ""
    assert server_name(client_hello(name.encode("latin-1"))) == ""


@pytest.mark.parametrize("cut", range(0, 90, 3))
def test_messages_that_are_cut(cut: int) -> None:
    answer = dns_answer("www.example.com", record(ASKED, 1, address(SERVER)))
    assert dns_names(answer[:cut]) in ([], [(address(SERVER), "www.example.com")])
    assert server_name(client_hello(b"www.example.com")[:cut]) in ("", "www.example.com")


def test_pointers_that_lead_nowhere() -> None:
    for pointer in (b"\xc0\x0c", b"\xc0\xff", b"\xff\xff"):
        header = b"\x12\x34\x81\x80\0\1\0\1" + bytes(4)
        assert dns_names(header + pointer + b"\0\1\0\1" + record(pointer, 1, address(SERVER))) == []


def test_names_of_one_address_are_bounded() -> None:
    packets = [
        dns_packet(dns_answer(f"host{i}.example", record(ASKED, 1, address(SERVER))))
        for i in range(NAMES_PER_ADDRESS + 3)
    ]
    (found,) = names_of(*packets).values()
    assert [each.name for each in found] == [f"host{i}.example" for i in range(NAMES_PER_ADDRESS)]


def test_reports_show_them_beside_the_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "named.pcap"
    file.write_bytes(capture(dns_packet(dns_answer("www.example.com", record(ASKED, 1, address(SERVER))))))
    assert main([str(file), "--names"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"{SERVER} (www.example.com) -> {CLIENT} (server to client)" in shown
    assert f"{SERVER}: www.example.com (DNS)" in shown
    assert main([str(file), "--names", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, json.loads(schema_text()))
    assert found["names"] == {SERVER: [{"name": "www.example.com", "sources": ["dns"]}]}
    analysis = analyzer.analyze(file, names=True)
    assert "(www.example.com)" in to_html(analysis, plots=False)
    assert "www.example.com" in to_markdown(page_of(analysis))
    assert "example.com" not in "".join(fix.command for flow in analysis for fix in flow.fixes)


def test_never_with_replaced_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="names"):
        analyzer.analyze(SAMPLE, names=True, anonymizer=Anonymizer())
    assert main([str(SAMPLE), "--names", "--anonymize"]) == 2
    assert "--anonymize and --names exclude each other" in capsys.readouterr().err


def test_what_cannot_be_read_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-", "--names"]) == 2
    assert "standard input: cannot be read twice, which --names needs" in capsys.readouterr().err


def test_of_an_open_file() -> None:
    data = capture(dns_packet(dns_answer("www.example.com", record(ASKED, 1, address(SERVER)))))
    assert analyzer.analyze(io.BytesIO(data), names=True).names == {SERVER: (HostName("www.example.com", ("dns",)),)}
