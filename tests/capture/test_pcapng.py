"""pcapng, byte by byte."""

from __future__ import annotations

import pytest

from tests.builders import (
    END_OF_OPTIONS,
    SECOND,
    ByteOrder,
    Packet,
    block,
    enhanced,
    interface,
    obsolete,
    option,
    section,
    simple,
)
from tests.reading import Record, open_reader, records, skim

SECTION_HEADER = bytes.fromhex("0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000")
INTERFACE = bytes.fromhex("01000000 14000000 6500 0000 00000400 14000000")  # RAW, snap length 262144
PACKET = bytes.fromhex(
    "06000000 24000000"
    "00000000 74540400 15cd5b07"  # interface 0, 0x0004547407_5bcd15 us
    "03000000 dc050000"  # 3 bytes captured of 1500
    "450001 00"  # data, padding
    "24000000"
)
PACKET_BIG = bytes.fromhex("00000006 00000024 00000000 00045474 075bcd15 00000003 000005dc 450001 00 00000024")
MICROSECONDS = 0x00045474_075BCD15


def test_an_enhanced_packet_block_in_little_endian() -> None:
    assert records(SECTION_HEADER + INTERFACE + PACKET) == [Record(1, MICROSECONDS * 1000, 101, 1500, b"\x45\x00\x01")]


def test_an_enhanced_packet_block_in_big_endian() -> None:
    head = bytes.fromhex("0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c")
    described = bytes.fromhex("00000001 00000014 0065 0000 00040000 00000014")
    assert records(head + described + PACKET_BIG) == [Record(1, MICROSECONDS * 1000, 101, 1500, b"\x45\x00\x01")]


def test_a_simple_packet_block_has_a_wire_length_only() -> None:
    data = bytes.fromhex("03000000 14000000 03000000 450001 00 14000000")
    assert records(SECTION_HEADER + INTERFACE + data) == [Record(1, 0, 101, 3, b"\x45\x00\x01")]


def test_a_simple_packet_block_is_cut_to_the_snap_length() -> None:
    data = section() + interface(snap=2) + simple(Packet(0, b"ab\0\0", 1500))
    assert records(data) == [Record(1, 0, 101, 1500, b"ab")]


def test_a_simple_packet_block_without_snap_length_is_as_long_as_its_block() -> None:
    data = section() + interface(snap=0) + simple(Packet(0, b"abcd", 1500))
    assert records(data) == [Record(1, 0, 101, 1500, b"abcd")]


def test_a_simple_packet_has_the_time_of_the_packet_before_it() -> None:
    data = section() + interface() + enhanced(Packet(5, b"ab")) + simple(Packet(0, b"cd"))
    assert [record.ts for record in records(data)] == [5000, 5000]


def test_an_obsolete_packet_block_has_a_16_bit_interface_and_a_drop_count() -> None:
    data = bytes.fromhex(
        "02000000 24000000"
        "0000 ffff"  # interface 0, drops unknown
        "74540400 15cd5b07 03000000 dc050000 450001 00 24000000"
    )
    expected = [Record(1, MICROSECONDS * 1000, 101, 1500, b"\x45\x00\x01")]
    assert records(SECTION_HEADER + INTERFACE + data) == expected


@pytest.mark.parametrize(
    ("resolution", "ticks", "expected"),
    [
        (0, 7, 7 * SECOND),
        (3, 7_001, 7_001_000_000),
        (6, 7_000_001, 7_000_001_000),
        (9, 7_000_000_001, 7_000_000_001),
        (12, 7_000_000_001_999, 7_000_000_001),  # picoseconds: cut, not rounded
        (18, 7 * 10**18 + 999_999_999_999_999_999, 7 * SECOND + 999_999_999),
        (0x80 | 10, 7 * 1024 + 512, 7_500_000_000),
        (0x80 | 32, (7 << 32) + (1 << 31), 7_500_000_000),
        (0x80 | 60, (7 << 60) + (1 << 59), 7_500_000_000),
    ],
)
def test_time_resolution(resolution: int, ticks: int, expected: int) -> None:
    options = option(9, bytes([resolution])) + END_OF_OPTIONS
    data = section() + interface(options=options) + enhanced(Packet(ticks, b"x"))
    assert [record.ts for record in records(data)] == [expected]


@pytest.mark.parametrize("resolution", [19, 0x7F, 0x80 | 63, 0xFF])
def test_a_resolution_that_64_bits_cannot_count_gives_the_offset_as_time(resolution: int) -> None:
    options = option(9, bytes([resolution])) + option(14, (100).to_bytes(8, "little")) + END_OF_OPTIONS
    data = section() + interface(options=options) + enhanced(Packet(123, b"x"))
    assert [record.ts for record in records(data)] == [100 * SECOND]


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("seconds", [0, 1, 1_700_000_000, -1, -1_700_000_000])
def test_time_offset_is_added(order: ByteOrder, seconds: int) -> None:
    options = option(14, seconds.to_bytes(8, order, signed=True), order) + END_OF_OPTIONS
    data = (
        section(order) + interface(order=order, options=options) + enhanced(Packet(2_000_000_000_000_500, b"x"), order)
    )
    assert [record.ts for record in records(data)] == [2_000_000_000_000_500_000 + seconds * SECOND]


@pytest.mark.parametrize("offset", [2**63 - 1, -(2**63), 2**34, -(2**34)])
@pytest.mark.parametrize("ticks", [0, 2**64 - 1])
@pytest.mark.parametrize("resolution", [0, 6, 9, 18, 19, 0x80, 0xBE, 0xBF])
def test_neither_a_time_nor_a_span_of_times_overflows_int64(resolution: int, ticks: int, offset: int) -> None:
    options = option(9, bytes([resolution])) + option(14, offset.to_bytes(8, "little", signed=True)) + END_OF_OPTIONS
    [got] = records(section() + interface(options=options) + enhanced(Packet(ticks, b"x")))
    assert -(2**62) <= got.ts < 2**62


def test_each_interface_has_its_own_link_type_resolution_and_offset() -> None:
    data = (
        section()
        + interface(link=1)
        + interface(link=113, options=option(9, b"\x09") + END_OF_OPTIONS)
        + enhanced(Packet(5, b"a"), number=1)
        + interface(link=276, options=option(14, (3).to_bytes(8, "little")) + END_OF_OPTIONS)  # amid packets
        + enhanced(Packet(5, b"b"), number=0)
        + enhanced(Packet(5, b"c"), number=2)
        + obsolete(Packet(5, b"d"), number=1)
    )
    assert [(record.link, record.ts, record.data) for record in records(data)] == [
        (113, 5, b"a"),
        (1, 5_000, b"b"),
        (276, 3 * SECOND + 5_000, b"c"),
        (113, 5, b"d"),
    ]


def test_sections_have_their_own_byte_order_and_interfaces_but_frames_count_on() -> None:
    data = (
        section("little")
        + interface(1)
        + enhanced(Packet(1, b"a"))
        + section("big")
        + interface(113, "big")
        + enhanced(Packet(2, b"b"), "big")
        + section("little")
        + interface(101)
        + interface(0)
        + enhanced(Packet(3, b"c"), number=1)
    )
    assert [(record.frame, record.link, record.ts) for record in records(data)] == [
        (1, 1, 1_000),
        (2, 113, 2_000),
        (3, 0, 3_000),
    ]


def test_an_interface_of_the_section_before_is_undefined_in_this_one() -> None:
    first = section() + interface() + interface() + enhanced(Packet(0, b"a"), number=1)
    second = section() + interface()
    reader = open_reader(first + second + enhanced(Packet(0, b"b"), number=1))
    assert [record.data for record in records(reader)] == [b"a"]
    assert reader.damaged_at == len(first + second)
    assert reader.problem == "expected a packet of a described interface, found one of an unknown interface"


@pytest.mark.parametrize("packet", [b(Packet(0, b"a")) for b in (enhanced, obsolete, simple)])
def test_a_packet_before_any_interface_is_damage(packet: bytes) -> None:
    reader = open_reader(section() + packet)
    assert records(reader) == []
    assert reader.damaged_at == 28


def test_options_are_skipped_whatever_they_are() -> None:
    comment = option(1, b"any length, here 21.")
    unknown = option(0x8ABC, b"\xff" * 5)
    data = (
        section(options=comment + unknown + END_OF_OPTIONS)
        + interface(options=comment + unknown + option(9, b"\x09") + END_OF_OPTIONS)
        + enhanced(Packet(7, b"abc"), options=comment + unknown + END_OF_OPTIONS)
        + enhanced(Packet(8, b"abc"), options=comment)  # no end of options: allowed
    )
    assert [(record.ts, record.data) for record in records(data)] == [(7, b"abc"), (8, b"abc")]


@pytest.mark.parametrize(
    "options",
    [
        option(9, b"\x09")[:5] + b"\0\0\0",  # resolution whose value is followed by nothing
        b"\x09\x00\xff\xff\x09\0\0\0",  # an option longer than the block
        b"\x09\x00\x00\x00",  # resolution without a value
        b"\x0e\x00\x04\x00\x01\0\0\0",  # offset of 4 bytes instead of 8
        b"\x01\x00\x03\x00abc\0" + b"\x09\x00\x01",  # an option header that is cut
    ],
)
def test_broken_options_do_no_harm(options: bytes) -> None:
    reader = open_reader(section() + interface(options=options) + enhanced(Packet(7, b"abc")))
    assert [record.data for record in records(reader)] == [b"abc"]
    assert reader.damaged_at is None


def test_options_behind_the_end_of_options_do_not_count() -> None:
    data = section() + interface(options=END_OF_OPTIONS + option(9, b"\x09")) + enhanced(Packet(7, b"abc"))
    assert [record.ts for record in records(data)] == [7_000]


def test_unknown_blocks_are_skipped() -> None:
    statistics = block(5, bytes(20))
    decryption_secrets = block(10, b"any")
    empty = block(0x80000001, b"")
    data = (
        section()
        + decryption_secrets
        + interface()
        + empty
        + enhanced(Packet(0, b"a"))
        + statistics
        + simple(Packet(0, b"bc"))
    )
    assert [record.data for record in records(data)] == [b"a", b"bc"]


def test_an_unknown_block_longer_than_the_buffer_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.capture.reader.CHUNK_BYTES", 64)
    data = section() + interface() + block(10, bytes(100_000)) + enhanced(Packet(0, b"a"))
    reader = open_reader(data)
    assert [record.data for record in records(reader)] == [b"a"]
    assert reader.damaged_at is None
    assert len(reader.buffer) == 64


@pytest.mark.parametrize("order", ["little", "big"])
def test_a_skipped_block_is_checked_like_any_other(monkeypatch: pytest.MonkeyPatch, order: ByteOrder) -> None:
    good = section(order) + interface(order=order) + enhanced(Packet(0, b"a"), order)
    long = block(10, bytes(500), order)
    for size in (64, 100, 600, 2 << 20):
        monkeypatch.setattr("analyzer.capture.reader.CHUNK_BYTES", size)
        reader = open_reader(good + long[:-4] + b"oops" + enhanced(Packet(0, b"b"), order))
        assert [record.data for record in records(reader)] == [b"a"]
        assert reader.damaged_at == len(good)
        assert reader.problem.startswith("expected the block length repeated")


def test_blocks_that_wireshark_numbers_are_numbered() -> None:
    custom, not_copied, journal = (block(kind, b"1234") for kind in (0xBAD, 0x40000BAD, 9))
    data = section() + custom + interface() + journal + enhanced(Packet(0, b"a")) + not_copied + simple(Packet(0, b"b"))
    reader = open_reader(data)
    assert [record.frame for record in records(reader)] == [3, 5]
    assert reader.packets == 2


def test_an_unknown_block_that_claims_4_gb_is_damage_at_that_block() -> None:
    good = section() + interface() + enhanced(Packet(0, b"a"))
    reader = open_reader(good + bytes.fromhex("0a000000 fcffffff") + bytes(100))
    assert [record.data for record in records(reader)] == [b"a"]
    assert reader.damaged_at == len(good)
    assert reader.problem == "expected the rest of a record, found the end of the file"


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (enhanced(Packet(0, b"a"))[:-4] + b"\0\0\0\0", "block length repeated"),
        (enhanced(Packet(0, b"a"))[:-4] + b"\x28\0\0\0", "block length repeated"),
        (bytes.fromhex("06000000 25000000") + bytes(40), "multiple of 4"),
        (bytes.fromhex("06000000 1c000000") + bytes(40), "multiple of 4"),  # too small for its own fields
        (bytes.fromhex("06000000 00000000") + bytes(40), "multiple of 4"),
        (bytes.fromhex("99000000 08000000") + bytes(40), "multiple of 4"),
        (bytes.fromhex("06000000 fcffffff") + bytes(40), "impossible length"),
        (enhanced(Packet(0, b"a"), number=1), "unknown interface"),
        # Captured length beyond the block.
        (block(6, bytes(12) + b"\x05\0\0\0\x05\0\0\0" + b"abcd"), "fits the block"),
        (block(6, bytes(12) + b"\xff\xff\xff\xff" * 2 + b"abcd"), "fits the block"),
        (block(0x0A0D0D0A, b"\x99" * 16), "byte-order magic"),
        (enhanced(Packet(0, b"a"))[:-1], "found the end of the file"),
    ],
)
def test_damage_is_found_at_the_block_where_it_is(bad: bytes, problem: str) -> None:
    good = section() + interface() + enhanced(Packet(0, b"good"))
    reader = open_reader(good + bad)
    assert [record.data for record in records(reader)] == [b"good"]
    assert reader.damaged_at == len(good)
    assert problem in reader.problem


def test_many_interfaces_make_the_table_grow() -> None:
    data = section() + b"".join(interface(101 if i == 299 else 1) for i in range(300))
    run = skim(data + enhanced(Packet(0, b"\x45"), number=299))
    assert run.readers[0].packets == 1
    assert run.readers[0].damaged_at is None
