"""Poorer versions of captures, and what is set apart among them."""

from __future__ import annotations

from collections import Counter

import pytest

from lab.capture_file import RAW, CaptureFile, Record
from lab.poorer import Finding, Tried, ends_in_a_run, poorer_versions, section, to_json
from tests.builders import ACK, CLIENT, SECOND, SERVER, ipv4, tcp


def data(seconds: float, seq: int = 1, *, df: bool = True) -> Record:
    packet = ipv4(tcp(bytes(1000), sport=80, dport=4000, seq=seq, flags=ACK, ack=1), src=SERVER, dst=CLIENT, df=df)
    return Record(int(seconds * SECOND), len(packet), packet)


def ack(seconds: float, number: int) -> Record:
    packet = ipv4(tcp(sport=4000, dport=80, seq=1, flags=ACK, ack=number))
    return Record(int(seconds * SECOND), len(packet), packet)


def capture(*records: Record) -> CaptureFile:
    return CaptureFile(RAW, 262144, records)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([data(0), data(0.2), data(0.6)], True),
        ([data(0), data(0.2)], False),
        ([data(0), data(0.2), data(0.6), ack(0.7, 1001)], False),
        ([data(0), data(0.2), data(0.6), ack(0.7, 1)], True),
        ([data(0, df=False), data(0.2, df=False), data(0.6, df=False)], False),
        ([data(0, 1), data(0.2, 1001), data(0.6, 2001)], False),
        ([data(0, 2**32 - 500), data(0.2, 2**32 - 500), data(0.6, 2**32 - 500), ack(0.7, 500)], False),
    ],
)
def test_a_capture_ends_in_a_run_while_a_segment_waits(records: list[Record], expected: bool) -> None:
    assert ends_in_a_run(capture(*records)) is expected


def test_poorer_versions_are_the_same_each_time_and_never_the_whole() -> None:
    whole = capture(*(data(0.1 * n, 1 + 1000 * n) for n in range(30)))
    versions = list(poorer_versions(whole, "a name", 8, 3))
    assert versions == list(poorer_versions(whole, "a name", 8, 3))
    assert Counter(kind for kind, _, _ in versions) == {"lengths": 8, "snap lengths": 7, "gaps": 3}
    assert all(len(poorer.records) < 30 for kind, _, poorer in versions if kind == "lengths")
    assert all(
        len(record.data) <= 128 for kind, _, poorer in versions if kind == "snap lengths" for record in poorer.records
    )


def test_the_section_counts_what_was_found() -> None:
    whole = Tried()
    finding = Finding("a.pcap", "its first 3 packets", "port 80", "loss (high)", "blackhole (high)")
    whole.add(Tried(Counter(lengths=5), [finding], [], []))
    whole.add(Tried(Counter(lengths=2, gaps=1), [], [finding, finding], []))
    import json

    text = section(json.loads(to_json(2, whole)))
    assert "in 8 ways (1 gaps, 7 lengths)" in text
    assert "| healthy flows accused | 1 |" in text
    assert "| cut within a run, and accused | 2 |" in text
    assert "- a.pcap, its first 3 packets: port 80 was loss (high), now blackhole (high)" in text
