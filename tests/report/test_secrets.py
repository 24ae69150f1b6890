"""What the packets carry stays in the capture: no report holds a trace of it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import analyzer
from analyzer.cli.main import main
from analyzer.model.analysis import Analysis
from analyzer.redaction.addresses import Anonymizer
from analyzer.report.formats.terminal_report import show
from analyzer.report.save import ANNOTATED, SUFFIXES, save
from analyzer.report.wishes import Wishes
from tests.builders import (
    CLIENT,
    CLIENT6,
    END_OF_OPTIONS,
    NANOSECONDS,
    RAW,
    SERVER,
    SERVER6,
    Packet,
    address,
    enhanced,
    frag_needed,
    interface,
    ipv4,
    ipv6,
    option,
    pcapng,
    section,
    too_big,
)
from tests.talk import Talk

PASSWORD = "hunter2-correct-horse"  # noqa: S105 - of nobody
SECRET = f"Authorization: Basic {base64.b64encode(PASSWORD.encode()).decode()}\r\npassword={PASSWORD}\r\n".encode()

MILLISECOND = 1_000_000

ROUTER, ROUTER6 = "198.51.100.1", "2001:db8:99::9"


def packets(*, with_ptb: bool, v6: bool = False) -> Iterator[Packet]:
    """A client that logs in, and an answer that hangs; every payload is full of the password."""
    near, far = (CLIENT6, SERVER6) if v6 else (CLIENT, SERVER)
    talk = Talk(client_base=999, server_base=4999, ends=(near, far), start=1_795_355_400_000_000_000, counts_ids=False)
    large, login = (SECRET * 40)[:1460], len(SECRET)

    def stuck(ms: float, at: int = login) -> Packet:
        return talk.from_server(ms, large, at=at, upto=login)

    def ptb(quoted: bytes) -> bytes:
        if v6:
            return ipv6(too_big(1400, quoted[:1232], src=ROUTER6, dst=SERVER6), src=ROUTER6, dst=SERVER6, following=58)
        return ipv4(frag_needed(1400, quoted), src=ROUTER, dst=SERVER, protocol=1)

    yield from talk.handshake(every=1, shifts=(None, None))
    yield talk.from_client(3, SECRET)
    yield talk.from_server(4, SECRET, upto=login)
    yield talk.from_client(5, at=login, upto=login)
    yield stuck(10)
    yield stuck(11, login + 1460)
    if with_ptb:
        yield stuck(12)._replace(data=ptb(stuck(12).data))
    for ms in (240, 700, 1600, 3400, 7000):
        yield stuck(ms)
        yield talk.from_client(ms + 20, SECRET[: ms // 300 + 1], at=login, upto=login)
    yield talk.from_client(7100, SECRET, at=login + 30, upto=login)


@pytest.fixture(params=[False, True], ids=["without PTB", "with PTB"])
def analysis(request: pytest.FixtureRequest, tmp_path: Path) -> Analysis:
    capture = tmp_path / "capture.pcapng"
    capture.write_bytes(pcapng(packets(with_ptb=request.param)))
    result = analyzer.analyze(capture)
    assert result.problem_flows  # so that there is much to tell
    assert result.problem_flows[0].timeline is not None
    return result


def unpacked(suffix: str, content: bytes) -> bytes:
    """The file with what is compressed in it laid open."""
    if suffix == ".parquet":
        return content + json.dumps(pq.read_table(io.BytesIO(content)).to_pylist(), default=str).encode()
    if suffix == ".pdf":
        return content + b"".join(inflated(part) for part in content.split(b"stream\n")[1:])
    return content


def inflated(part: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(part)
    except zlib.error:
        return b""


def assert_no_trace(content: bytes) -> None:
    lower = content.lower()
    for trace in (PASSWORD.encode(), b"hunter2", b"authorization", b"aHVudGVy", SECRET[:8].hex().encode()):
        assert trace.lower() not in lower


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_report_holds_payload(analysis: Analysis, suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    save(analysis, folder / f"report{suffix}")
    written = list(folder.iterdir())
    assert written
    for path in written:
        assert_no_trace(unpacked(path.suffix, path.read_bytes()))


def test_nor_does_the_terminal(analysis: Analysis) -> None:
    out = io.StringIO()
    show(analysis, show_all=True, file=out)
    assert "stream 0" in out.getvalue()
    assert_no_trace(out.getvalue().encode())


def test_the_search_would_find_one(analysis: Analysis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("analyzer.report.document.headline", lambda *_: f"seen: {PASSWORD}")
    for suffix in (".html", ".md"):
        save(analysis, tmp_path / f"report{suffix}", Wishes(plots=False))
        with pytest.raises(AssertionError):
            assert_no_trace((tmp_path / f"report{suffix}").read_bytes())


# Anonymous reports.

FOLDER = "case-of-alice"


def traces() -> list[bytes]:
    """What tells who it was: addresses as text and as bytes, of the flow, its router and in the filter; file names."""
    found = [FOLDER.encode(), b"login-of-bob", b"host-of-carol", b"10.99.88.77"]
    for text in (CLIENT, SERVER, ROUTER, CLIENT6, SERVER6, ROUTER6):
        found += [text.encode(), address(text), re.sub("[.:]", "-", text).encode(), address(text).hex().encode()]
        found.append(ip_address(text).exploded.encode())
    return found


@pytest.fixture(params=[False, True], ids=["IPv4", "IPv6"])
def v6(request: pytest.FixtureRequest) -> bool:
    """Whether the capture is of IPv6."""
    return bool(request.param)


@pytest.fixture
def client(v6: bool) -> str:
    """One end of the flow."""
    return CLIENT6 if v6 else CLIENT


@pytest.fixture
def files(v6: bool, tmp_path: Path) -> tuple[Path, Path]:
    """A capture with a comment, names and a filter, before and after a fix."""
    folder = tmp_path / FOLDER
    folder.mkdir()
    note = option(1, b"host-of-carol") + END_OF_OPTIONS
    names = option(2, b"host-of-carol") + option(11, b"\0tcp and host 10.99.88.77") + NANOSECONDS
    content = section(options=note) + interface(RAW, options=names)
    content += b"".join(enhanced(packet, options=note) for packet in packets(with_ptb=True, v6=v6))
    before, after = folder / "login-of-bob.pcapng", folder / "login-of-bob-2.pcapng"
    before.write_bytes(content)
    after.write_bytes(pcapng(list(packets(with_ptb=False, v6=v6))[:6]))
    return before, after


@pytest.mark.parametrize("suffix", [*SUFFIXES, f"-{ANNOTATED}"])
def test_no_anonymous_report_tells_who_it_was(
    files: tuple[Path, Path], client: str, suffix: str, tmp_path: Path
) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    target = folder / f"report{suffix}"
    words = [str(files[0]), "--compare", str(files[1]), "--anonymize", "--host", client, "-o", str(target)]
    assert main(words) == 0
    for path in folder.iterdir():
        content = unpacked(path.suffix, path.read_bytes())
        for trace in traces():
            assert trace not in content
        assert_no_trace(content)


def test_nor_does_what_is_printed(files: tuple[Path, Path], client: str, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--json"], ["--all"], ["--compare", str(files[1])], ["--host", client]):
        assert main([str(files[0]), "--anonymize", *more]) == 0
        out, err = capsys.readouterr()
        assert len(out) > 500
        for trace in traces():
            assert trace not in (out + err).encode()


def test_one_run_maps_alike_in_all_reports(files: tuple[Path, Path], tmp_path: Path) -> None:
    targets = [tmp_path / name for name in ("a.json", "b.csv", "c.pcapng")]
    assert main([str(files[0]), "--anonymize", *(word for target in targets for word in ("-o", str(target)))]) == 0
    flow = json.loads(targets[0].read_text())["flows"][0]
    ends = {flow["client"]["ip"], flow["server"]["ip"]}
    assert all(end in targets[1].read_text() for end in ends)
    (found,) = analyzer.analyze(targets[2]).all_flows
    assert {found.client.ip, found.server.ip} == ends
    assert found.verdict == flow["verdict"] == "ptb_ignored"
    router = flow["ptb"][0]["router"]
    assert found.ptb[0].router == router
    assert router not in (ROUTER, ROUTER6)


def test_an_anonymous_analysis_can_still_read_its_packets(files: tuple[Path, Path]) -> None:
    plain = analyzer.analyze(files[0]).all_flows[0]
    hidden = analyzer.analyze(files[0], anonymizer=Anonymizer()).all_flows[0]
    assert hidden.client.ip != plain.client.ip
    assert hidden.packets["frame"].tolist() == plain.packets["frame"].tolist()
    assert hidden.events["frame"].tolist() == plain.events["frame"].tolist()
    assert hidden.header_bytes is not None
    for trace in (address(CLIENT), address(SERVER)):
        assert trace not in hidden.header_bytes.tobytes()


def test_the_digest_is_that_of_the_original(files: tuple[Path, Path], tmp_path: Path) -> None:
    target = tmp_path / "report.md"
    assert main([str(files[0]), "--anonymize", "--no-plots", "-o", str(target)]) == 0
    assert hashlib.sha256(files[0].read_bytes()).hexdigest() in target.read_text()
