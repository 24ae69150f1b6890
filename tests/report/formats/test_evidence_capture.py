"""Evidence captures: the same verdicts from them as from the original, and nothing else in them."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import analyzer
from analyzer.model.analysis import Analysis
from analyzer.model.display_filter import frames_of
from analyzer.model.flow import Flow
from analyzer.redaction.addresses import Anonymizer
from analyzer.report.formats import evidence_capture as excerpt
from analyzer.report.formats.evidence_capture import excerpt_of
from analyzer.tables.selection import narrow
from tests.builders import (
    CLIENT,
    END_OF_OPTIONS,
    RAW,
    SECOND,
    Packet,
    address,
    enhanced,
    interface,
    ipv4,
    option,
    pcap,
    pcap_records,
    pcapng,
    section,
    tcp,
)
from tests.reading import CAPTURES, ROOT, SAMPLE_FOLDER
from tests.report.formats.pcapng_blocks import blocks_of, comments_of, options_of
from tests.report.test_secrets import packets as secret_packets
from tests.talk import Talk
from tests.wrapping import cooked2, ip_packets, wrapped

BLACKHOLE = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"


@cache
def analysis_of(path: Path) -> Analysis:
    return analyzer.analyze(path)


def judged(flow: Flow) -> tuple[Any, ...]:
    stalled = flow.stalled
    return (
        flow.client,
        flow.server,
        flow.verdict,
        flow.confidence,
        flow.direction,
        flow.path_mtu,
        stalled and (stalled.ip_len, stalled.payload_len, stalled.df, stalled.retransmissions, stalled.seconds),
        [(ptb.router, ptb.mtu, ptb.effect, ptb.reason) for ptb in flow.ptb],
    )


def problems(analysis: Analysis) -> list[tuple[Any, ...]]:
    return sorted(judged(flow) for flow in analysis.problem_flows)


def again(content: bytes) -> Analysis:
    return analyzer.analyze(io.BytesIO(content))


class Taken(NamedTuple):
    """A packet of an evidence capture."""

    ts: int
    data: bytes
    wire_len: int
    number: int  # its packet id
    comments: list[str]


def captured(content: bytes) -> list[Taken]:
    out = []
    for each in blocks_of(content):
        if each.kind == 6:
            high, low, length, wire = struct.unpack_from(f"{each.order}4I", each.body, 4)
            found = options_of(each)
            (number,) = (int.from_bytes(value, "little") for code, value in found if code == 5)
            comments = [value.decode() for code, value in found if code == 1]
            out.append(Taken(high << 32 | low, each.body[20 : 20 + length], wire, number, comments))
    return out


def section_comments(content: bytes) -> list[str]:
    return comments_of(content).get(0, [])


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_the_evidence_gives_the_same_verdicts(path: Path) -> None:
    original = analysis_of(path)
    taken = excerpt_of(original)
    assert not taken.left_out
    assert problems(again(taken.content)) == problems(original)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_so_does_the_anonymous_evidence(path: Path) -> None:
    original = analysis_of(path)
    anonymizer = Anonymizer()
    hidden = analyzer.analyze(path, anonymizer=anonymizer)
    assert [flow.verdict for flow in hidden.all_flows] == [flow.verdict for flow in original.all_flows]
    assert [flow.client.ip for flow in hidden.all_flows] == [
        anonymizer.text(flow.client.ip) for flow in original.all_flows
    ]
    assert problems(again(excerpt_of(hidden).content)) == problems(hidden)


def test_packets_are_those_of_the_original() -> None:
    """Time and length of each, its headers, and where it comes from."""
    originals = pcap_records(BLACKHOLE.read_bytes())
    found = captured(excerpt_of(analysis_of(BLACKHOLE)).content)
    assert found
    for ts, data, wire, number, _ in found:
        original = originals[number - 1]
        seconds, micros, _, length = (int.from_bytes(original[i : i + 4], "little") for i in (0, 4, 8, 12))
        assert (ts, wire) == (seconds * SECOND + micros * 1000, length)
        assert original[16:].startswith(data)
        assert len(data) <= 14 + 60 + 60


def test_all_that_the_reports_name_is_in_it() -> None:
    for path in CAPTURES:
        analysis = analysis_of(path)
        numbers = {each.number for each in captured(excerpt_of(analysis).content)}
        for flow in analysis.problem_flows:
            named = {ref.frame for _, refs in flow.evidence for ref in refs}
            named |= {ref.frame for each in flow.ruled_out for ref in each.frames}
            assert named <= numbers


def test_only_what_a_verdict_rests_on(tmp_path: Path) -> None:
    """Flows between other hosts, and other protocols, stay out; of the last packet only its time is told."""
    original = ip_packets(BLACKHOLE)
    stranger = "198.51.100.77"
    others = []
    for i in range(50):
        sent = ipv4(tcp(b"private", seq=1000 + 7 * i), src=stranger, dst=CLIENT)
        answer = ipv4(tcp(sport=80, dport=40000, ack=1007 + 7 * i), src=CLIENT, dst=stranger)
        others += [Packet(original[0].ts + i * 1000, sent), Packet(original[0].ts + i * 1000 + 500, answer)]
    last = Packet(original[-1].ts + SECOND, ipv4(b"\0\x35\0\x35\0\x20\0\0 dns private", protocol=17))
    capture = tmp_path / "mixed.pcap"
    capture.write_bytes(pcap(sorted([*original, *others, last], key=lambda packet: packet.ts), link=RAW))
    analysis = analyzer.analyze(capture)
    taken = captured(excerpt_of(analysis).content)
    assert not [each for each in taken if address(stranger) in each.data]
    assert taken[-1][:3] == (last.ts, b"", last.wire_len)
    assert len(taken) < len(original) + 2


def test_a_healthy_capture_gives_its_own_flows() -> None:
    healthy = analysis_of(SAMPLE_FOLDER / "tunnel_pmtud_ok_at_server.pcap")
    assert not healthy.problem_flows
    found = again(excerpt_of(healthy).content)
    assert [judged(flow) for flow in found.all_flows] == [judged(flow) for flow in healthy.all_flows]


def test_a_narrowed_analysis_gives_the_flows_that_were_asked_for() -> None:
    whole = analysis_of(BLACKHOLE)
    one = narrow(whole, streams=[2])
    assert len(excerpt_of(one).content) <= len(excerpt_of(whole).content)
    assert judged(one.all_flows[0]) in problems(again(excerpt_of(one).content))


def test_payload_only_on_demand(tmp_path: Path) -> None:
    capture = tmp_path / "c.pcapng"
    capture.write_bytes(pcapng(secret_packets(with_ptb=True)))
    analysis = analyzer.analyze(capture)
    assert b"hunter2" not in excerpt_of(analysis).content
    kept = excerpt_of(analysis, keep_payload=True).content
    assert b"hunter2" in kept
    assert problems(again(kept)) == problems(again(excerpt_of(analysis).content)) == problems(analysis)
    assert [each.data for each in captured(kept)] == [packet.data for packet in secret_packets(with_ptb=True)]


def test_several_files_and_link_types(tmp_path: Path) -> None:
    packets = ip_packets(BLACKHOLE)
    half = len(packets) // 2
    (tmp_path / "one.pcap").write_bytes(pcap(packets[:half], link=RAW))
    (tmp_path / "two.pcap").write_bytes(pcap(wrapped(packets[half:], cooked2), link=276))
    analysis = analyzer.analyze([tmp_path / "one.pcap", tmp_path / "two.pcap"])
    content = excerpt_of(analysis).content
    assert again(content).files[0].link_types == ("RAW", "LINUX_SLL2")
    assert problems(again(content)) == problems(analysis)
    taken = captured(content)
    assert {each.number // 10_000_000_000 for each in taken} == {0, 1}
    lengths = [
        len(captured(excerpt_of(analyzer.analyze(tmp_path / name)).content)) for name in ("one.pcap", "two.pcap")
    ]
    assert max(each.number % 10_000_000_000 for each in taken) <= max(half, len(packets) - half)
    assert min(lengths) > 0
    told = {text.split(",")[0] for each in taken for text in each.comments}
    assert {text.split(" of ")[1] for text in told} == {"one.pcap", "two.pcap"}
    place = "frame.packet_id is the frame number in one.pcap and two.pcap, and 10000000000 more for each file before"
    assert any(text.startswith(place) for text in section_comments(content))
    for each in taken:
        number, name = (each.number % 10_000_000_000, ("one.pcap", "two.pcap")[each.number // 10_000_000_000])
        assert all(text.startswith(f"frame {number} of {name}, stream ") for text in each.comments)


def test_names_filters_and_comments_of_the_original_stay_at_home(tmp_path: Path) -> None:
    text = b"eth-of-bank host 10.99.88.77 \x1b[2J <script>"
    options = option(1, text) + option(2, text) + option(3, text) + END_OF_OPTIONS
    filtered = option(9, b"\x09") + option(11, b"\0tcp port 80 and host 10.99.88.77") + options
    content = section(options=options) + interface(RAW, options=filtered)
    content += b"".join(
        enhanced(packet, options=option(1, text) + END_OF_OPTIONS) for packet in secret_packets(with_ptb=False)
    )
    capture = tmp_path / "c.pcapng"
    capture.write_bytes(content)
    analysis = analyzer.analyze(capture)
    taken = excerpt_of(analysis).content
    for trace in (b"bank", b"10.99", b"\x1b", b"script"):
        assert trace not in taken
    # That the filter let no ICMP through is part of the evidence.
    assert again(taken).files[0].filters == ("tcp port 80 and host ...",)
    assert problems(again(taken)) == problems(analysis)


def test_a_hostile_file_name_is_written_harmless(tmp_path: Path) -> None:
    capture = tmp_path / "\x1b[31m\u202egpj.pcap"
    shutil.copy(BLACKHOLE, capture)
    content = excerpt_of(analyzer.analyze(capture)).content
    comments = [text for each in captured(content) for text in each.comments] + section_comments(content)
    assert comments
    assert all(comment.isprintable() for comment in comments)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_comments_are_at_the_proving_frames(path: Path) -> None:
    analysis = analysis_of(path)
    commented = {each.number for each in captured(excerpt_of(analysis).content) if each.comments}
    assert commented == {ref.frame for flow in analysis.problem_flows for ref in frames_of(flow)}


def test_the_section_says_what_was_found_and_frames_say_what_they_prove() -> None:
    content = excerpt_of(analysis_of(BLACKHOLE)).content
    first, *rest = section_comments(content)
    assert first.endswith("1500-byte packets vanish, 472-byte packets arrive.")
    assert "Packets that the verdicts rest on, headers only." in rest
    comments = {each.number: each.comments for each in captured(content)}
    assert comments[52] == ["frame 52, stream 1: 1500-byte segment, sent 4 of 7, never acknowledged"]


def test_times_before_1970_are_kept() -> None:
    packets = [packet._replace(ts=packet.ts % (1000 * SECOND)) for packet in ip_packets(BLACKHOLE)]
    offset = option(9, b"\x09") + option(14, (-3000).to_bytes(8, "little", signed=True)) + END_OF_OPTIONS
    content = section() + interface(RAW, options=offset) + b"".join(enhanced(packet) for packet in packets)
    analysis = again(content)
    assert analysis.first_time < 0
    found = again(excerpt_of(analysis).content)
    assert (found.first_time, found.last_time) == (analysis.first_time, analysis.last_time)
    assert problems(found) == problems(analysis)


def test_many_lost_packets_are_told_again(tmp_path: Path) -> None:
    packets = list(secret_packets(with_ptb=False))
    lost = option(4, (500).to_bytes(8, "little")) + END_OF_OPTIONS  # epb_dropcount
    content = section() + interface(RAW, options=option(9, b"\x09") + END_OF_OPTIONS)
    content += b"".join(enhanced(packet, options=lost if i == 3 else b"") for i, packet in enumerate(packets))
    capture = tmp_path / "c.pcapng"
    capture.write_bytes(content)
    analysis = analyzer.analyze(capture)
    assert analysis.files[0].dropped == 500
    found = again(excerpt_of(analysis).content)
    assert found.files[0].dropped == 500
    assert problems(found) == problems(analysis)


def long_flow(packets: int) -> list[Packet]:
    """A download of many small segments whose first large one hangs."""
    talk = Talk(client_base=999, server_base=4999, start=0, counts_ids=False)
    out = talk.handshake(every=0.001, shifts=(None, None))[:2]
    at, ms = 0, 1.0
    for i in range(packets):
        ms += 0.1
        out.append(talk.data(ms, at, 200, ip={"ident": i % 65000 + 1}))
        at += 200
        out.append(talk.ack(ms + 0.05, at))
    return out + [
        talk.data(ms + gap + 0.001, at, 1460, ip={"ident": gap + 3}) for gap in (0, 240, 700, 1600, 3400, 7000)
    ]


def test_of_a_long_flow_the_start_and_the_trouble_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excerpt, "FLOW_PACKETS", 100)
    capture = tmp_path / "long.pcap"
    capture.write_bytes(pcap(long_flow(400), link=RAW))
    analysis = analyzer.analyze(capture)
    assert analysis.problem_flows
    taken = excerpt_of(analysis)
    assert taken.packets <= 100 + len(analysis.problem_flows[0].evidence) * 8
    assert taken.left_out.endswith("packets of stream 0")
    assert taken.left_out.encode() in taken.content  # in the comment of the section
    numbers = [each.number for each in captured(taken.content)]
    assert numbers[:20] == list(range(1, 21))
    assert numbers[-6:] == list(range(803, 809))


def test_the_gravest_flows_come_first_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = analysis_of(BLACKHOLE)
    monkeypatch.setattr(excerpt, "TOTAL_PACKETS", analysis.problem_flows[0].packet_count)
    taken = excerpt_of(analysis)
    assert taken.left_out == "2 flows"
    assert judged(analysis.problem_flows[0])[:2] in [judged(flow)[:2] for flow in again(taken.content).all_flows]


def test_large_captures_are_listed_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiled and the interpreted passes agree on what belongs to the flows, and on what is copied."""
    from analyzer.passes.second import Lister, Picker

    def compiled(*_: Any, **__: Any) -> bool:
        return False

    expected = excerpt_of(analysis_of(BLACKHOLE)).content
    monkeypatch.setattr("analyzer.passes.walk.is_small", compiled)
    made: list[bool] = []
    monkeypatch.setattr(
        "analyzer.passes.reread.Lister",
        lambda *a, **k: (made.append(k["compiled"]), Lister(*a, **k))[1],  # type: ignore[func-returns-value]
    )
    monkeypatch.setattr(
        "analyzer.passes.reread.Picker",
        lambda *a, **k: (made.append(k["compiled"]), Picker(*a, **k))[1],  # type: ignore[func-returns-value]
    )
    assert excerpt_of(analysis_of(BLACKHOLE)).content == expected
    assert made == [True, True]


def test_no_numba_and_no_pandas_for_small_captures() -> None:
    script = (
        "import sys, analyzer\nfrom analyzer.report.formats.evidence_capture import excerpt_of\n"
        f"excerpt_of(analyzer.analyze({str(BLACKHOLE)!r}))\n"
        "sys.exit(int(bool({'numba', 'pandas', 'matplotlib'} & set(sys.modules))))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, cwd=ROOT).returncode == 0


def test_link_types_that_hold_names_are_left_out_when_anonymous(tmp_path: Path) -> None:
    """Of a PKTAP capture (process names) the IP packets are left, of Ethernet the headers without addresses."""
    packets = ip_packets(BLACKHOLE)

    def pktap(packet: bytes, _wire: int) -> bytes:
        head = bytes.fromhex("6c000000 01000000 0c000000") + b"en0-of-alice".ljust(24, b"\0") + bytes(20)
        return (head + b"curl-of-alice").ljust(108, b"\0") + packet

    capture = tmp_path / "c.pcap"
    capture.write_bytes(pcap(wrapped(packets, pktap), link=258))
    hidden = analyzer.analyze(capture, anonymizer=Anonymizer())
    content = excerpt_of(hidden).content
    assert b"alice" not in content
    assert again(content).files[0].link_types == ("RAW",)
    assert problems(again(content)) == problems(hidden)
    assert b"alice" in excerpt_of(analyzer.analyze(capture)).content
