"""Annotated captures: nothing is changed but for comments, which are at the frames that prove something."""

from __future__ import annotations

import gzip
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.capture import reader as reading
from analyzer.model.analysis import Analysis
from analyzer.model.display_filter import frames_of
from analyzer.redaction.addresses import Anonymizer
from analyzer.report import frame_comments as commenting
from analyzer.report.save import save
from analyzer.report.wishes import Wishes
from tests.builders import (
    CLIENT,
    END_OF_OPTIONS,
    NANOSECONDS,
    RAW,
    SECOND,
    SERVER,
    Packet,
    address,
    block,
    enhanced,
    interface,
    obsolete,
    option,
    pcap,
    pcap_header,
    section,
    simple,
)
from tests.compare_with_tshark import tshark_fields
from tests.reading import CAPTURES, SAMPLE_FOLDER, records
from tests.report.formats.pcapng_blocks import blocks_of, comments_of, options_of
from tests.report.test_secrets import packets as secret_packets
from tests.wrapping import CONTAINERS, frame, ip_packets, wrapped

BLACKHOLE = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"
PACKETS = wrapped(ip_packets(BLACKHOLE), frame)


def proving(analysis: Analysis) -> set[int]:
    return {ref.frame for flow in analysis.problem_flows for ref in frames_of(flow)}


def annotated(capture: Path, **wishes: Any) -> bytes:
    return annotated_of(analyzer.analyze(capture), capture, **wishes)


def annotated_of(analysis: Analysis, beside: Path, **wishes: Any) -> bytes:
    target = beside.with_name("x-annotated.pcapng")
    save(analysis, target, Wishes(**wishes))
    return target.read_bytes()


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes a capture."""

    def write(content: bytes, name: str = "c.cap") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_only_comments_are_added_and_only_at_proving_frames(path: Path, written: Any) -> None:
    capture = written(path.read_bytes())
    analysis = analyzer.analyze(capture)
    content = annotated(capture)
    assert records(content) == records(capture)
    found = comments_of(content)
    assert found.keys() == {0} | proving(analysis)
    again = analyzer.analyze(content)
    assert [(f.verdict, f.stalled, f.evidence) for f in again.all_flows] == [
        (f.verdict, f.stalled, f.evidence) for f in analysis.all_flows
    ]


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container(name: str, written: Any) -> None:
    capture = written(CONTAINERS[name](PACKETS))
    content = annotated(capture)
    assert records(content) == records(capture)
    ours = {number for number, texts in comments_of(content).items() if texts[0].startswith("stream ")}
    assert ours == proving(analyzer.analyze(capture))


def test_the_parts_of_frames(written: Any) -> None:
    found = comments_of(annotated(written(BLACKHOLE.read_bytes(), "hang.pcap")))
    assert found[0][0].endswith(
        ": 2 of 3 flows hang in a PMTUD black hole, from 203.0.113.10 to 192.0.2.10. 1500-byte packets vanish, "
        "472-byte packets arrive."
    )
    assert any(line.startswith("hang.pcap: 118 packets") for line in found[0])
    assert found[52] == ["stream 1: 1500-byte segment, sent 4 of 7, never acknowledged"]
    assert found[62] == ["stream 2: control: 352 bytes acknowledged"]
    assert found[42][0] == "stream 2: MSS 1460 (SYN)"
    assert found[43] == ["stream 2: MSS 1460 (SYN/ACK)"]
    assert found[58] == ["stream 2: 1500-byte segment, lost as well"]
    ignored = comments_of(annotated(written((SAMPLE_FOLDER / "ptb_ignored_by_host_at_server.pcap").read_bytes())))
    assert ignored[16] == ["stream 0: PTB from 203.0.113.1: MTU 1400, ignored, valid, but the host did not heed it"]
    recovered = comments_of(
        annotated(written((SAMPLE_FOLDER / "recovered_by_mtu_probing_at_server.pcap").read_bytes()))
    )
    assert recovered[24] == ["stream 0: 1500-byte segment, sent 5 of 5, acknowledged only when sent as 1076 bytes"]
    assert recovered[25] == ["stream 0: bytes of the 1500-byte segment, sent as 1076 bytes"]
    assert recovered[26][0] == "stream 0: acknowledges the bytes of the 1500-byte segment"


def test_a_healthy_capture_gets_the_answer_alone(written: Any) -> None:
    found = comments_of(annotated(written((SAMPLE_FOLDER / "tunnel_pmtud_ok_at_server.pcap").read_bytes())))
    assert found.keys() == {0}
    assert "No path MTU problem found" in found[0][0]


def all_blocks(order: Any) -> bytes:
    """A pcapng with all that one can hold beside packets, in one byte order; sections with their lengths."""
    remark = option(1, b"theirs", order)
    end = END_OF_OPTIONS
    names = block(
        4, (1).to_bytes(2, order) + (8).to_bytes(2, order) + bytes([192, 0, 2, 1]) + b"abc\0" + bytes(4), order
    )
    fine = option(9, b"\xa0", order) + end  # ticks of 2**-32 s
    early = option(9, b"\x09", order) + option(14, (-70 * 365 * 86400).to_bytes(8, order, signed=True), order) + end
    body = interface(1, order, options=option(2, b"eth0", order) + end) + interface(1, order, options=fine)
    body += interface(1, order, options=early) + names + block(10, b"TLSK" + bytes(8), order)
    body += block(0xBAD, bytes(8), order) + simple(PACKETS[0], order)
    for number, packet in enumerate(PACKETS):
        micros = packet._replace(ts=packet.ts // 1000)
        if number % 3 == 0:
            body += enhanced(micros, order, options=remark + option(2, bytes(4), order) + end)
        elif number % 3 == 1:
            body += obsolete(micros, order)
        else:
            body += enhanced(packet._replace(ts=(packet.ts << 32) // SECOND), order, number=1)
    body += enhanced(Packet(5, PACKETS[0].data), order, number=2) + block(5, bytes(12), order)
    body += block(0x40000BAD, bytes(200_000), order) + block(77, bytes(9), order)
    magic = (0x1A2B3C4D).to_bytes(4, order) + (1).to_bytes(2, order) + bytes(2)
    head = option(1, b"section of theirs", order) + option(3, b"an os", order) + end
    return block(0x0A0D0D0A, magic + len(body).to_bytes(8, order) + head, order) + body


@pytest.mark.parametrize("chunk", [64, 1000, 1 << 20])
@pytest.mark.parametrize("orders", [("little", "big"), ("big", "little")])
def test_all_else_of_a_pcapng_stays(
    orders: tuple[Any, Any], chunk: int, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = written(b"".join(all_blocks(order) for order in orders))
    before = blocks_of(capture.read_bytes())
    told: list[str] = []
    analysis = analyzer.analyze(capture)
    monkeypatch.setattr(reading, "CHUNK_BYTES", chunk)
    content = annotated_of(analysis, capture, notify=told.append)
    after = blocks_of(content)
    assert [(each.kind, each.order) for each in before] == [(each.kind, each.order) for each in after]
    wanted = proving(analysis)
    assert wanted
    number, sections = 0, 0
    for old, new in zip(before, after, strict=True):
        number += old.kind in (2, 3, 6, 9, 0xBAD, 0x40000BAD)
        if old.kind == 0x0A0D0D0A:
            assert (new.body[:8], new.body[8:16]) == (old.body[:8], b"\xff" * 8)
            added = len(options_of(new)) - len(options_of(old))
            assert (added > 0) == (sections == 0)
            assert options_of(new)[added:] == options_of(old)
            sections += 1
        elif old.kind in (2, 6) and number in wanted:
            fixed = 20 + (struct.unpack_from(f"{old.order}I", old.body, 12)[0] + 3) // 4 * 4
            assert new.body[:fixed] == old.body[:fixed]
            ours = options_of(new)[: len(options_of(new)) - len(options_of(old))]
            assert ours
            assert all(code == 1 and value.startswith(b"stream ") for code, value in ours)
            assert options_of(new)[len(ours) :] == options_of(old)
        else:
            assert new == old
    assert sections == 2
    assert told == [f"{capture.with_name('x-annotated.pcapng')}: holds the keys to decrypt it, as the capture does"]


@pytest.mark.parametrize("chunk", [24, 333, 1 << 20])
def test_a_pcap_in_small_chunks(chunk: int, written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    capture = written(BLACKHOLE.read_bytes())
    analysis = analyzer.analyze(capture)
    expected = annotated_of(analysis, capture)
    monkeypatch.setattr(reading, "CHUNK_BYTES", chunk)
    assert annotated_of(analysis, capture) == expected


def test_nothing_is_held_but_a_chunk(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer.report.formats.annotated_capture import annotated as pieces_of

    monkeypatch.setattr(reading, "CHUNK_BYTES", 2000)
    capture = written(BLACKHOLE.read_bytes())
    pieces = [len(piece) for piece in pieces_of(analyzer.analyze(capture), Path("x"), Wishes())]
    assert len(pieces) > 5
    assert max(pieces) < 8000


def test_lengths_that_are_strange_stay_as_they_are(written: Any) -> None:
    """A record longer than its packet was, and a fraction of more than a second, are what somebody wrote."""
    header = pcap_header(magic=0xA1B2C3D4, link=RAW, snap=77)
    record = struct.pack("<4I", 7, 1_500_000, 8, 3) + b"abcdefgh"
    (packet,) = [each for each in blocks_of(annotated(written(header + record))) if each.kind == 6]
    assert struct.unpack_from("<5I", packet.body) == (0, 0, 8_500_000, 8, 3)


def test_the_frame_check_sequence_is_told(written: Any) -> None:
    header = pcap_header(link=0x44000001)
    content = annotated(written(header + b"".join(pcap([Packet(0, bytes(64))], link=1)[24:].split(b"never"))))
    assert b"\x0d\0\x01\0\x08" in content


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("form", ["pcap, big-endian", "pcapng, sections, interfaces, all blocks"])
def test_of_a_damaged_file_the_part_before_the_damage_is_there(form: str, compress: Any, written: Any) -> None:
    whole = CONTAINERS[form](PACKETS)
    for cut in (len(whole) - 3, len(whole) * 2 // 3):
        capture = written(compress(whole[:cut]))
        assert records(annotated(capture)) == records(capture)
    spoilt = bytearray(whole)
    spoilt[len(whole) // 2 :] = b"\xff" * (len(whole) - len(whole) // 2)
    capture = written(compress(bytes(spoilt)))
    analysis = analyzer.analyze(capture)
    assert analysis.files[0].damaged_at is not None
    content = annotated(capture)
    assert records(content) == records(capture)
    assert len(records(content)) == analysis.files[0].packets > 10


def test_of_a_pcapng_that_is_damaged_at_once_the_answer_is_there(written: Any) -> None:
    content = bytearray(all_blocks("little"))
    content[8] ^= 1
    found = annotated(written(bytes(content)))
    assert records(found) == []
    assert comments_of(found).keys() == {0}


def test_without_addresses_frames_and_times_stay(tmp_path: Path) -> None:
    """As in an evidence capture: headers, other addresses, nothing of names; what is neither TCP nor ICMP is empty."""
    remark = option(1, b"host-of-alice") + END_OF_OPTIONS
    secret = list(secret_packets(with_ptb=True))
    content = section(options=remark) + interface(RAW, options=option(2, b"eth-of-alice") + NANOSECONDS)
    content += block(4, struct.pack("<HH", 1, 10) + address(CLIENT) + b"alice\0" + bytes(6))
    for number, packet in enumerate(secret):
        content += enhanced(packet, options=remark)
        if number == 2:
            content += block(0xBAD, b"alice...")
            content += enhanced(Packet(packet.ts, b"\x45" + bytes(27) + b"dns of alice"))
    capture = tmp_path / "of-alice.pcapng"
    capture.write_bytes(content)
    hidden = analyzer.analyze(capture, anonymizer=Anonymizer())
    found = annotated_of(hidden, capture)
    for trace in (b"alice", b"hunter2", address(CLIENT), address(SERVER), CLIENT.encode(), SERVER.encode()):
        assert trace not in found
    places = {record.frame: (record.ts, record.wire_len) for record in records(capture)}
    again = {record.frame: (record.ts, record.wire_len) for record in records(found)}
    assert {frame: again[frame] for frame in places} == places
    assert again.keys() - places.keys() == {4}  # the custom block
    assert comments_of(found).keys() == {0} | proving(hidden)
    (flow,), (same,) = hidden.all_flows, analyzer.analyze(found).all_flows
    assert (flow.verdict, flow.stalled, flow.client, flow.ptb) == (same.verdict, same.stalled, same.client, same.ptb)
    router = flow.ptb[0].router
    assert any(router in text for texts in comments_of(found).values() for text in texts)


def test_comments_are_harmless(tmp_path: Path) -> None:
    capture = tmp_path / "\x1b[31m\u202egpj\n.pcap"
    shutil.copy(BLACKHOLE, capture)
    found = comments_of(annotated(capture))
    assert "x1b[31m" in " ".join(found[0])
    assert all(text.isprintable() for texts in found.values() for text in texts)


def test_payload_is_in_packets_only(tmp_path: Path) -> None:
    capture = tmp_path / "c.pcap"
    capture.write_bytes(pcap(secret_packets(with_ptb=True)))
    content = annotated(capture)
    assert b"hunter2" in content
    assert not any("hunter2" in text for texts in comments_of(content).values() for text in texts)


def test_of_very_many_flows_the_examples_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commenting, "COMMENTED_FLOWS", 1)
    capture = tmp_path / "c.pcap"
    shutil.copy(BLACKHOLE, capture)
    analysis = analyzer.analyze(capture)
    example = analysis.all_findings[0].example
    found = comments_of(annotated(capture))
    assert example is not None
    assert found.keys() - {0} == {ref.frame for ref in frames_of(analysis.flow(example))}
    more = len(analysis.problem_flows) - 1
    assert f"Of {more} more flow{'s' if more > 1 else ''} with a problem no frame has a comment." in found[0]


def test_a_frame_of_many_flows_has_a_few_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commenting, "FRAME_COMMENTS", 1)
    capture = tmp_path / "c.pcap"
    shutil.copy(BLACKHOLE, capture)
    found = comments_of(annotated(capture))
    del found[0]
    assert {len(texts) for texts in found.values()} == {1}


# Wireshark's own reading.

FIELDS = (
    "frame.number",
    "frame.time_epoch",
    "frame.len",
    "frame.cap_len",
    "frame.encap_type",
    "frame.protocols",
    "frame.interface_id",
)

NOT_OF_TSHARK = {"pcap.xz", "pcap.bz2", "pcap of Ixia, nanoseconds"}
"""Containers that tshark does not read; of the last it takes nanoseconds for microseconds."""


def bytes_by_tshark(path: Path) -> str:
    command = ["tshark", "-n", "-r", str(path), "-x", "--hexdump", "frames", "-T", "text"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize(
    "name", [*(each for each in CONTAINERS if each not in NOT_OF_TSHARK), "all blocks", "Ethernet with check sequence"]
)
def test_wireshark_sees_the_same_frames(name: str, written: Any) -> None:
    if name == "all blocks":
        content = all_blocks("little")
    elif name == "Ethernet with check sequence":
        content = pcap_header(link=0x44000001, magic=0xA1B23C4D) + pcap(PACKETS, link=1)[24:]
    else:
        content = CONTAINERS[name](PACKETS)
    capture = written(content)
    target = written(annotated(capture), "y-annotated.pcapng")
    fields = FIELDS if content.startswith(bytes.fromhex("0a0d0d0a")) else FIELDS[:-1]
    assert list(tshark_fields(target, fields)) == list(tshark_fields(capture, fields))
    assert bytes_by_tshark(target) == bytes_by_tshark(capture)
    theirs = {number for number, _ in tshark_fields(capture, FIELDS[:2], "-Y", "frame.comment")}
    commented = {number for number, _ in tshark_fields(target, FIELDS[:2], "-Y", "frame.comment")}
    simple_block = {2} if name == "all blocks" else set()  # such a block has no room for a comment
    assert commented == (proving(analyzer.analyze(capture)) | theirs) - simple_block
    facts = subprocess.run(["capinfos", "-k", str(target)], capture_output=True, text=True, check=True).stdout
    assert "hang in a PMTUD black hole" in facts
    expert = subprocess.run(
        ["tshark", "-n", "-r", str(target), "-q", "-z", "expert,comment"], capture_output=True, text=True, check=True
    ).stdout
    assert "sent 4 of 7, never acknowledged" in expert


def test_a_format_whose_records_cannot_become_blocks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.report.formats.annotated_capture.FORMATS", frozenset())
    with pytest.raises(analyzer.UsageError, match="expected a pcap or pcapng file to annotate, found pcap; convert it"):
        save(analyzer.analyze(BLACKHOLE), tmp_path / "annotated.pcapng")
    assert not (tmp_path / "annotated.pcapng").exists()
