"""The comparison of whole folders with tshark: what it counts, what it names, and that it notices what has no name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analyzer.decode.packet_fields import UNDECODED_REASONS
from tests import compare_with_tshark as comparison
from tests.builders import ETHERNET, Packet, block, enhanced, ethernet, interface, ipv4, pcap, section, tcp
from tests.compare_with_tshark import PROTOCOLS, TOLD_PORTS, UNDECODED, compare, main
from tests.reading import ROOT, SAMPLE_FOLDER
from tests.wrapping import ENCAPSULATIONS, around

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

PACKET = ipv4(tcp(bytes(100)), total=140)


def write(folder: Path, *frames: bytes) -> Path:
    path = folder / "made.pcap"
    path.write_bytes(pcap([Packet(i * 1_000_000, frame) for i, frame in enumerate(frames)], link=ETHERNET))
    return path


def test_equal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(SAMPLE_FOLDER / "tunnel_pmtud_ok_at_server.pcap", tmp_path)
    (tmp_path / "notes.txt").write_text("no capture")
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 captures; 1 files that one of the two does not read",
        "TCP packets: 201, tshark 201",
        "streams: 3, tshark 3",
        "PTBs: 10, tshark 10",
    ]


def test_named_differences(tmp_path: Path) -> None:
    wrap = around(ENCAPSULATIONS["GUE"][0])
    path = write(
        tmp_path,
        ethernet(PACKET),
        wrap(PACKET, len(PACKET)),
        ethernet(PACKET[:32] + b"\x40" + PACKET[33:]),
    )
    found = compare(path)
    assert found is not None
    assert found.named == {"GUE": 1, "Cut and malformed TCP headers": 1}
    assert not found.unnamed


def test_damage_and_blocks_without_a_packet(tmp_path: Path) -> None:
    path = tmp_path / "made.pcapng"
    whole = section() + interface(ETHERNET) + enhanced(Packet(1, ethernet(PACKET)))
    path.write_bytes(whole + block(0xBAD, (32473).to_bytes(4, "little")) + section()[:20])
    found = compare(path)
    assert found is not None
    assert found.named == {"Frames that hold no packet": 1}
    assert not found.unnamed


def test_what_has_no_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, ethernet(PACKET), ethernet(PACKET))
    see = comparison.seen_by_us
    monkeypatch.setattr(comparison, "seen_by_us", lambda path: {1: see(path)[1]})
    assert main([str(tmp_path)]) == 1
    assert "made.pcap: frame 2: None Frame(tcp=True" in capsys.readouterr().out


def test_streams_that_do_not_belong_together_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, ethernet(PACKET), ethernet(PACKET))
    frames = {number: frame._replace(stream=str(number)) for number, frame in comparison.seen_by_us(path).items()}
    monkeypatch.setattr(comparison, "seen_by_us", lambda _: frames)
    found = compare(path)
    assert found is not None
    assert found.unnamed == [f"{path}: streams do not belong together one to one"]


def test_every_name_is_explained() -> None:
    _, _, explained = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8").partition("## Differences from tshark")
    names = {*TOLD_PORTS.values(), *UNDECODED.values(), *PROTOCOLS.values(), *comparison.OTHER_NAMES}
    assert [name for name in sorted(names) if f"**{name}**" not in explained] == []
    assert set(UNDECODED) <= set(UNDECODED_REASONS)
