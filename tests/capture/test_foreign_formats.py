"""Captures in other formats: named, with the command that converts them."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import analyzer
from analyzer.capture.foreign_formats import is_erf
from analyzer.errors import CaptureError
from tests.builders import Packet, ethernet, ipv4, pcap, tcp


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"snoop\0\0\0", "a snoop"),
        (b"TRSNIFF data    \x1a", "a Sniffer"),
        (b"XCP\0", "a NetXRay"),
        (b"GMBU", "a Microsoft Network Monitor"),
        (b"RTSS", "a Microsoft Network Monitor 1"),
        (b"\x7fver", "an OmniPeek"),
        (b"ObserverPktBufferVersion=15.00", "an Observer"),
        (b"iptrace 2.0", "an AIX iptrace"),
        (b"\x05VNF", "a Visual Networks"),
    ],
)
def test_other_formats_are_named_with_the_command_that_converts_them(tmp_path: Path, start: bytes, what: str) -> None:
    path = tmp_path / "of a customer.cap"
    for content in (start + bytes(50), gzip.compress(start + bytes(50))):
        path.write_bytes(content)
        with pytest.raises(CaptureError) as caught:
            analyzer.analyze(path)
        assert str(caught.value) == (
            f"{path}: at byte 0: expected a pcap or pcapng capture, found {what} capture; "
            f"convert it: editcap -F pcapng '{path}' '{path}.pcapng'"
        )
        with pytest.raises(CaptureError, match="convert it: editcap -F pcapng IN OUT"):
            analyzer.analyze(io.BytesIO(content))


@pytest.mark.skipif(shutil.which("editcap") is None, reason="editcap is not installed")
def test_the_command_that_is_named_converts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain.pcap").write_bytes(pcap([Packet(1, ethernet(ipv4(tcp())))], link=1))
    subprocess.run(["editcap", "-F", "snoop", "plain.pcap", "./-o old.cap"], check=True)
    with pytest.raises(CaptureError) as caught:
        analyzer.analyze("-o old.cap")
    subprocess.run(str(caught.value).split("convert it: ")[1], shell=True, check=True)  # noqa: S602 - as a user would
    assert analyzer.analyze("-o old.cap.pcapng").totals.tcp_packets == 1


def erf_file(times: list[float], *, kind: int = 2) -> bytes:
    """Records of Ethernet, one for each time in seconds."""
    frame = bytes(2) + ethernet(ipv4(tcp()))
    rest = bytes([kind, 4]) + (16 + len(frame)).to_bytes(2) + bytes(2) + (len(frame) - 2).to_bytes(2) + frame
    return b"".join(int(time * 2**32).to_bytes(8, "little") + rest for time in times)


ERF = erf_file([1e9, 1e9 + 0.5, 1e9 + 1])
ERF_PAD = bytes(8) + b"\x30\4" + (16).to_bytes(2) + bytes(4)
ERF_WITH_EXTENSIONS = (
    (10**9 << 32).to_bytes(8, "little") + b"\x82\4\0\x30\0\0\0\x40" + b"\x81" + bytes(7) + b"\1" + bytes(23)
)


@pytest.mark.parametrize(
    "content",
    [
        ERF,
        ERF[:-1],
        ERF + b"a fourth record is not looked at",
        erf_file([1e9]),
        erf_file([1e9, 1e9 - 0.9]),  # of two ports
        erf_file([1e9]) + ERF_PAD + erf_file([1e9 + 1]),
        erf_file([1e9], kind=1) + erf_file([1e9], kind=27),
        ERF_WITH_EXTENSIONS,
        gzip.compress(ERF, mtime=0),
    ],
)
def test_erf_is_known_by_its_records(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "of a card.erf"
    path.write_bytes(content)
    with pytest.raises(CaptureError) as caught:
        analyzer.analyze(path)
    assert str(caught.value) == (
        f"{path}: at byte 0: expected a pcap or pcapng capture, found an ERF capture; "
        f"convert it: editcap -F pcapng '{path}' '{path}.pcapng'"
    )


@pytest.mark.parametrize(
    "content",
    [
        erf_file([1e9])[:-1],
        erf_file([1e9, 1e9 + 1])[:-1],
        erf_file([1e9, 1e9 - 3, 1e9]),  # backwards
        erf_file([1e9, 2e9, 2e9]),  # a pause of 30 years
        erf_file([1e9], kind=0),
        erf_file([1e9], kind=48),
        ERF_WITH_EXTENSIONS[:11] + b"\x1f" + ERF_WITH_EXTENSIONS[12:31],  # the second is longer than the record
        ERF[:10] + b"\0\x0f" + ERF[12:],
        ERF[:14] + b"\0\0" + ERF[16:],
        bytes(1000),
        b"\n" * 100_000,
        b"\r\n" * 100_000,
        b"20260101\n" * 100_000,
        "Line for line, nothing but text.\r\n".encode("utf-16") * 10_000,
    ],
)
def test_what_is_not_quite_erf_is_another_kind_of_file(content: bytes) -> None:
    with pytest.raises(CaptureError, match=r"found another kind of file$"):
        analyzer.analyze(io.BytesIO(content))


@given(st.binary(min_size=1, max_size=200), st.integers(1, 31))
def test_no_beginning_breaks_the_look_for_other_formats(data: bytes, kind: int) -> None:
    is_erf(data, whole=True)
    is_erf(data[:8] + bytes([kind | 0x80]) + data[9:], whole=False)


@pytest.mark.skipif(shutil.which("editcap") is None, reason="editcap is not installed")
def test_the_command_that_is_named_converts_erf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "card.erf").write_bytes(ERF)
    with pytest.raises(CaptureError) as caught:
        analyzer.analyze("card.erf")
    subprocess.run(str(caught.value).split("convert it: ")[1], shell=True, check=True)  # noqa: S602 - as a user would
    assert analyzer.analyze("card.erf.pcapng").totals.tcp_packets == 3
