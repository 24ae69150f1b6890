"""Names in whole captures: what is found, in which order, and what bounds it."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

import analyzer
from analyzer.api.pipeline import found_in
from analyzer.capture import reader as reading
from analyzer.errors import UsageError
from analyzer.model.host_name import HostName
from analyzer.passes import names as naming
from analyzer.redaction.addresses import Anonymizer
from tests.builders import (
    RAW,
    SECOND,
    ByteOrder,
    Packet,
    block,
    enhanced,
    interface,
    ipv4,
    pcap,
    pcapng,
    section,
    tcp,
)
from tests.naming import a_record, answer, cname, dns_packet, hello_packet, name_block
from tests.reading import SAMPLE_FOLDER
from tests.wrapping import ENCAPSULATIONS, ip_packets, wrapped

PACKETS = ip_packets(SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap")
CLIENT, SERVER = "192.0.2.10", "203.0.113.10"
START = PACKETS[0].ts


def told(*contents: bytes) -> list[Packet]:
    """The black hole with these packets before it."""
    return [Packet(START - SECOND + i, content) for i, content in enumerate(contents)] + PACKETS


TELLING = told(
    dns_packet(answer("www.example.com", cname("www.example.com", "cdn.example"), a_record("cdn.example", SERVER))),
    dns_packet(answer("www.example.com", a_record("www.example.com", "198.51.100.77"))),  # of nobody here
    hello_packet(b"shop.example.com", server=SERVER),
    hello_packet(b"www.example.com", server=SERVER),
    dns_packet(answer(None, a_record("laptop.local", CLIENT)), port=5353),
    dns_packet(answer("spoofed.example", a_record("spoofed.example", SERVER)), port=1053),  # no port of DNS
    dns_packet(answer("asked.example", a_record("asked.example", SERVER), flags=0x0100)),  # a query
)
FOUND = {
    SERVER: (HostName("www.example.com", ("dns", "sni")), HostName("shop.example.com", ("sni",))),
    CLIENT: (HostName("laptop.local", ("dns",)),),
}


@pytest.mark.parametrize("compiled", [False, True])
def test_names_of_the_hosts_of_flows(compiled: bool) -> None:
    analysis = analyzer.analyze(pcap(TELLING), names=True, compiled=compiled)
    assert analysis.names == FOUND
    assert analysis.named(SERVER) == f"{SERVER} (www.example.com, shop.example.com)"
    assert analysis.named("198.51.100.77") == "198.51.100.77"


def test_what_only_looks_like_a_message_names_nobody() -> None:
    question = answer("www.example.com", a_record("www.example.com", SERVER), flags=0x0100)
    other_port = dns_packet(answer("www.example.com", a_record("www.example.com", SERVER)), port=54)
    like_tls = ipv4(tcp(b"\x16\3\1\0\5\1hello", dport=443), dst=SERVER)
    assert analyzer.analyze(pcap(told(dns_packet(question), other_port, like_tls)), names=True).names == {}


def test_commands_have_addresses_alone() -> None:
    analysis = analyzer.analyze(pcap(TELLING), names=True)
    commands = [fix.command for flow in analysis for fix in flow.fixes]
    assert any(SERVER in command or CLIENT in command for command in commands)
    assert not [command for command in commands if "example.com" in command or "laptop" in command]


def test_nobody_is_named_unless_asked_for() -> None:
    plain, named = analyzer.analyze(pcap(TELLING)), analyzer.analyze(pcap(TELLING), names=True)
    assert plain.names is None
    assert plain.named(SERVER) == SERVER
    assert named.all_flows == plain.all_flows
    assert analyzer.analyze(pcap(PACKETS), names=True).names == {}


def all_in_blocks(order: ByteOrder) -> bytes:
    """A pcapng with names before, between and behind the packets."""
    content = section(order) + interface(RAW, order, options=b"")
    content += name_block({SERVER: [b"first.example", b"bad_name"]}, order) + block(0xBAD, bytes(300_000), order)
    for number, packet in enumerate(PACKETS):
        content += enhanced(packet._replace(ts=packet.ts // 1000), order)
        if number == 3:
            content += block(77, bytes(8), order) + name_block({CLIENT: [b"second.example"]}, order)
    return content + name_block({SERVER: [b"third.example"]}, order)


@pytest.mark.parametrize("chunk", [40, 1000, 1 << 20])
@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("compiled", [False, True])
def test_names_in_blocks(compiled: bool, order: ByteOrder, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    content = all_in_blocks(order) + all_in_blocks("little").replace(b"third", b"other")
    monkeypatch.setattr(reading, "CHUNK_BYTES", chunk)
    analysis = analyzer.analyze(content, names=True, compiled=compiled)
    assert analysis.names == {
        SERVER: tuple(HostName(f"{name}.example", ("capture",)) for name in ("first", "third", "other")),
        CLIENT: (HostName("second.example", ("capture",)),),
    }


def test_names_in_tunnels_of_compressed_captures_and_several_files(tmp_path: Path) -> None:
    wrap, _, _ = ENCAPSULATIONS["VXLAN"]
    (tmp_path / "a.pcap.gz").write_bytes(gzip.compress(pcap(wrapped(TELLING[:3], wrap), link=RAW)))
    (tmp_path / "b.pcapng").write_bytes(pcapng(TELLING[3:]))
    assert analyzer.analyze(tmp_path, names=True).names == {
        SERVER: (HostName("www.example.com", ("dns", "sni")), HostName("shop.example.com", ("sni",))),
        CLIENT: FOUND[CLIENT],
    }


@pytest.mark.parametrize("most", [1, 2])
def test_an_address_has_a_few_names(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "NAMES_PER_ADDRESS", most)
    found = analyzer.analyze(pcap(TELLING), names=True).names
    assert found is not None
    assert found[SERVER] == FOUND[SERVER][:most]


def test_the_gravest_flows_are_named_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "NAMED_ADDRESSES", 1)
    assert analyzer.analyze(pcap(TELLING), names=True).names == {SERVER: FOUND[SERVER]}


def test_of_very_many_messages_the_first_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "MOST_MESSAGES", 1)
    monkeypatch.setattr(reading, "CHUNK_BYTES", 200)
    analysis = analyzer.analyze(pcap(TELLING), names=True)
    assert analysis.names == {SERVER: (HostName("www.example.com", ("dns",)),)}
    assert "Names of hosts are from the first 1 answers of DNS and beginnings of TLS." in analysis.notes


def test_a_cut_capture_names_what_is_in_it() -> None:
    content = pcap(TELLING)
    analysis = analyzer.analyze(content[:-5], names=True)
    assert analysis.files[0].damaged_at is not None
    assert analysis.names == FOUND
    assert analyzer.analyze(all_in_blocks("little")[:-9], names=True).names == {
        SERVER: (HostName("first.example", ("capture",)),),
        CLIENT: (HostName("second.example", ("capture",)),),
    }


def test_never_with_other_addresses_and_never_of_what_cannot_be_read_again() -> None:
    with pytest.raises(UsageError, match="names or an anonymizer"):
        analyzer.analyze(pcap(TELLING), names=True, anonymizer=Anonymizer())

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(UsageError, match="cannot be read again"):
        found_in(Pipe(pcap(TELLING)), names=True)
