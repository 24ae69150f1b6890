"""Classic pcap, byte by byte."""

from __future__ import annotations

import pytest

from tests.builders import ByteOrder, Packet, pcap_header, pcap_record
from tests.reading import Record, open_reader, records

LITTLE = bytes.fromhex(
    "d4c3b2a1 0200 0400 00000000 00000000 00000400 65000000"  # micro, 2.4, snap length 262144, RAW
    "15cd5b07 40e20100 03000000 dc050000"  # 123456789 s, 123456 us, 3 bytes captured of 1500
    "450001"
)
BIG = bytes.fromhex(
    "a1b2c3d4 0002 0004 00000000 00000000 00040000 00000065"  # the same in big-endian
    "075bcd15 0001e240 00000003 000005dc"
    "450001"
)
NANO = bytes.fromhex(
    "4d3cb2a1 0200 0400 00000000 00000000 00000400 65000000"
    "15cd5b07 15cd5b07 03000000 dc050000"  # 123456789 s, 123456789 ns
    "450001"
)
NANO_BIG = bytes.fromhex(
    "a1b23c4d 0002 0004 00000000 00000000 00040000 00000065"  # the same in big-endian
    "075bcd15 075bcd15 00000003 000005dc"
    "450001"
)


@pytest.mark.parametrize(
    ("data", "ts"),
    [
        (LITTLE, 123456789_123456_000),
        (BIG, 123456789_123456_000),
        (NANO, 123456789_123456789),
        (NANO_BIG, 123456789_123456789),
    ],
    ids=["little, micro", "big, micro", "little, nano", "big, nano"],
)
def test_both_byte_orders_and_resolutions_give_nanoseconds_and_the_wire_length(data: bytes, ts: int) -> None:
    assert records(data) == [Record(1, ts, 101, 1500, b"\x45\x00\x01")]


def test_modified_format_has_eight_more_bytes_in_each_record_header() -> None:
    data = bytes.fromhex(
        "34cdb2a1 0200 0400 00000000 00000000 00000400 01000000"
        "01000000 02000000 02000000 03000000  05000000 0008 00 00"  # interface 5, protocol, packet type
        "aabb"
        "01000000 03000000 01000000 01000000  05000000 0008 00 00"
        "cc"
    )
    assert records(data) == [
        Record(1, 1_000_002_000, 1, 3, b"\xaa\xbb"),
        Record(2, 1_000_003_000, 1, 1, b"\xcc"),
    ]


def test_upper_bits_of_the_link_type_carry_the_check_sequence_length() -> None:
    data = bytes.fromhex(
        "d4c3b2a1 0200 0400 00000000 00000000 00000400 01000054"  # FCS length 4 bytes present, Ethernet
        "01000000 00000000 01000000 01000000 aa"
    )
    assert [record.link for record in records(data)] == [1]


def test_wire_length_is_never_below_the_captured_length() -> None:
    assert [record.wire_len for record in records(pcap_header() + pcap_record(Packet(0, b"abc", 2)))] == [3]


def test_latest_time_that_pcap_can_say_fits_int64_nanoseconds() -> None:
    record = bytes.fromhex("ffffffff ffffffff 00000000 00000000")
    [got] = records(pcap_header(magic=0xA1B23C4D) + record)
    assert got.ts == 0xFFFFFFFF * 1_000_000_000 + 0xFFFFFFFF < 2**63


def test_a_packet_of_no_bytes_is_a_packet() -> None:
    data = pcap_header() + pcap_record(Packet(0, b"", 60)) + pcap_record(Packet(0, b"x"))
    assert [(record.frame, record.data) for record in records(data)] == [(1, b""), (2, b"x")]


@pytest.mark.parametrize("order", ["little", "big"])
def test_a_packet_that_claims_4_gb_is_damage_at_its_record(order: ByteOrder) -> None:
    good = pcap_record(Packet(0, b"good"), order)
    bad = bytes(8) + b"\xff" * 4 + b"\xff" * 4 + b"rest"
    reader = open_reader(pcap_header(order) + good + bad)
    assert [record.data for record in records(reader)] == [b"good"]
    assert reader.damaged_at == 24 + len(good)
    assert reader.problem == "expected a packet of at most 4 MiB, found an impossible length"


def test_a_cut_last_record_is_damage_where_it_starts() -> None:
    good = pcap_header() + pcap_record(Packet(0, b"good"))
    for left in range(1, 16 + 4):
        reader = open_reader(good + pcap_record(Packet(0, b"lost"))[:left])
        assert [record.data for record in records(reader)] == [b"good"]
        assert reader.damaged_at == len(good)
        assert reader.problem == "expected the rest of a record, found the end of the file"


def test_a_whole_file_is_not_damaged() -> None:
    for data in (pcap_header(), LITTLE, NANO_BIG):
        reader = open_reader(data)
        records(reader)
        assert reader.damaged_at is None
