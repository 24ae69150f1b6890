"""TCP followed per direction: numbers, retransmissions, copies, keep-alives, holes, windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.flows.table_parts import flow_table
from analyzer.flows.tcp_state import WRAP, unwrap_seq
from tests.builders import ACK, FIN, RST, SYN, Packet, sack, timestamps
from tests.flows.skimmed_packets import client, marks, run, server
from tests.profiles import examples
from tests.talk import CLIENT_SIDE, IPV6_ENDS, SERVER_SIDE, Talk

talk = Talk()
OPEN = talk.handshake()
EMPTY: set[str] = set()


def after_handshake(*packets: Packet, opened: list[Packet] = OPEN) -> list[set[str]]:
    """Marks of the packets that follow the handshake."""
    return marks(run(opened, list(packets)))[len(opened) :]


# Sequence arithmetic.


@given(reference=st.integers(WRAP, 2**62), distance=st.integers(-(2**31), 2**31 - 1))
def test_unwrap_finds_the_number_nearest_to_the_reference(reference: int, distance: int) -> None:
    assert unwrap_seq((reference + distance) & 0xFFFFFFFF, reference) == reference + distance


def story(base: int) -> list[Packet]:
    """A transfer with a loss, a spurious resend, a keep-alive and a FIN, starting at sequence number `base`."""
    own = Talk(server_base=base, client_base=base ^ 0x80000000)
    return [
        *own.handshake(),
        own.data(30, 0, 1000),
        own.data(31, 1000, 1000),
        own.data(32, 3000, 1000),
        own.ack(33, 2000, options=sack((base + 3001, base + 4001))),
        own.data(60, 2000, 1000),
        own.ack(61, 4000),
        own.data(300, 3000, 1000),
        own.ack(301, 4000, options=sack((base + 3001, base + 4001))),
        own.data(9000, 3999, 1),
        own.ack(9001, 4000),
        own.data(9002, 4000, 0, flags=FIN | ACK),
        own.ack(9003, 4001),
    ]


@examples(60)
@given(st.one_of(st.integers(0, 2**32 - 1), st.integers(2**32 - 5000, 2**32 - 1), st.integers(2**31 - 5000, 2**31)))
def test_a_wrap_of_the_sequence_numbers_changes_nothing(base: int) -> None:
    usual, wrapped = run(story(1_000_000)), run(story(base))
    for field in usual.rows().dtype.names:
        if field in {"seq", "ack", "checksum"}:
            continue
        np.testing.assert_array_equal(usual.rows()[field], wrapped.rows()[field], err_msg=field)
    numbers = {"base", "first_seq", "snd_max", "una", "p0_end", "p1_end", "run_seq", "hole_start", "hole_end"}
    found, expected = server(wrapped).values(), server(usual).values()
    assert numbers < set(expected)
    for field in set(expected) - numbers:
        assert found[field] == expected[field], field
    for field in ("snd_max", "una", "hole_start", "hole_end"):
        assert (
            server(usual)[field] - server(usual)["first_seq"] == server(wrapped)[field] - server(wrapped)["first_seq"]
        )
    seq = wrapped.rows()["seq"]
    np.testing.assert_array_equal(seq & 0xFFFFFFFF, [int.from_bytes(p.data[24:28]) for p in story(base)])


def test_what_the_directions_hold_at_the_end_of_the_story() -> None:
    way = server(run(story(1_000_000)))
    assert way["snd_max"] - way["first_seq"] == 1 + 4000 + 1  # SYN and FIN count
    assert way["una"] == way["snd_max"]
    assert (way["packets"], way["data_packets"], way["payload_bytes"]) == (8, 6, 5001)
    assert (way["resent"], way["spurious"], way["keepalives"]) == (0, 1, 1)
    assert (way["holes"], way["filled"], way["unseen"], way["dsacks"]) == (1, 1, 0, 1)


@pytest.mark.parametrize("distance", [1 << 30, -(1 << 30), 0x7FFFFFFF, -0x80000000])
def test_numbers_too_far_away_move_nothing(distance: int) -> None:
    first = talk.data(30, 0, 100)
    wild_data = talk.data(40, 100 + distance, 100)
    wild_ack = talk.ack(40, 100 + distance)
    usual = server(run(OPEN, first))
    for wild in (wild_data, wild_ack):
        way = server(run(OPEN, first, wild))
        for number in ("snd_max", "una", "unseen", "resent", "holes"):
            assert way[number] == usual[number], number


def test_a_reset_moves_nothing() -> None:
    wild = talk.from_server(40, flags=RST | ACK, seq=900_000, ack=800_000)
    skimmed = run(OPEN, talk.data(30, 0, 100), wild)
    assert server(skimmed)["snd_max"] - server(skimmed)["first_seq"] == 101
    assert client(skimmed)["unseen"] == 0
    assert marks(skimmed)[-1] == EMPTY


# Handshake.


def test_times_frames_and_options_of_the_handshake() -> None:
    skimmed = run(talk.handshake(client_mss=1380, server_mss=1400, shifts=(3, 9)))
    flow = flow_table(skimmed.state)[0]
    assert (flow["syn_ack_ts"] - flow["syn_ts"], flow["ack_ts"] - flow["syn_ack_ts"]) == (10_000_000, 10_000_000)
    assert (client(skimmed)["mss"], server(skimmed)["mss"]) == (1380, 1400)
    assert (client(skimmed)["wscale"], server(skimmed)["wscale"]) == (3, 9)


# Retransmissions.


def test_the_same_bytes_again_are_a_retransmission() -> None:
    assert after_handshake(talk.data(30, 0, 100), talk.data(230, 0, 100)) == [EMPTY, {"resent"}]


@pytest.mark.parametrize(("at", "size"), [(0, 50), (50, 50), (25, 50), (50, 100), (0, 200)])
def test_so_is_any_part_of_them(at: int, size: int) -> None:
    assert after_handshake(talk.data(30, 0, 100), talk.data(230, at, size))[1] == {"resent"}


def test_a_syn_and_a_fin_sent_again_are_retransmissions() -> None:
    syn, syn_ack, ack = talk.handshake()
    again = talk.handshake(1_000)[0]
    assert marks(run(syn, again, syn_ack, ack))[1] == {"resent"}
    fins = [talk.from_server(ms, at=0, flags=FIN | ACK) for ms in (30, 230)]
    assert after_handshake(*fins) == [EMPTY, {"resent"}]


def test_new_bytes_are_none() -> None:
    assert after_handshake(talk.data(30, 0, 100), talk.data(31, 100, 100), talk.data(32, 200, 1)) == [EMPTY] * 3


def test_a_run_counts_resends_of_the_oldest_byte_until_it_is_acknowledged() -> None:
    sent = [talk.data(30, 0, 100), talk.data(31, 100, 100)]
    ladder = [talk.data(ms, 0, 100) for ms in (230, 630, 1430)]
    way = server(run(OPEN, sent, ladder))
    assert (way["run_count"], way["longest_run"], way["resent"], way["run_len"]) == (3, 3, 3, 100)
    assert way["run_ts"] == ladder[0].ts
    way = server(run(OPEN, sent, ladder, talk.ack(1500, 100)))
    assert (way["run_count"], way["longest_run"]) == (0, 3)


def test_resends_of_later_bytes_do_not_break_a_run() -> None:
    sent = [talk.data(30, 0, 100), talk.data(31, 100, 100), talk.ack(32, 0)]
    ladder = [talk.data(230, 0, 100), talk.data(231, 100, 100), talk.data(630, 0, 100)]
    way = server(run(OPEN, sent, ladder))
    assert (way["resent"], way["run_count"]) == (3, 2)
    assert way["run_seq"] & 0xFFFFFFFF == 1001


def test_a_resend_below_the_cumulative_ack_is_spurious() -> None:
    skimmed = run(OPEN, talk.data(30, 0, 100), talk.ack(50, 100), talk.data(230, 0, 100))
    assert marks(skimmed)[-1] == {"resent", "spurious"}
    assert (server(skimmed)["spurious"], server(skimmed)["resent"]) == (1, 0)


def test_a_smaller_resend_caps_the_sizes_that_are_believed() -> None:
    ladder = [talk.data(230, 0, 1460), talk.data(630, 0, 1000)]
    way = server(run(OPEN, talk.data(30, 0, 1460), ladder))
    assert way["size_cap"] == 1040


# Copies made by the capture.


@pytest.mark.parametrize(
    ("ms", "ident", "checksum", "expected"),
    [
        (0.01, 77, 1, "duplicate"),
        (499, 77, 2, "duplicate"),  # the same identification, however different the checksum (NAT)
        (501, 77, 1, "resent"),
        (0.01, 78, 1, "resent"),  # a new identification: sent anew
        (0.01, 0, 1, "resent"),
    ],
)
def test_copies_have_the_same_identification(ms: float, ident: int, checksum: int, expected: str) -> None:
    packets = [
        talk.data(30, 0, 100, ip={"ident": 77}, checksum=1),
        talk.data(30 + ms, 0, 100, ip={"ident": ident}, checksum=checksum),
    ]
    assert after_handshake(*packets) == [EMPTY, {expected}]


@pytest.mark.parametrize("v6", [False, True])
@pytest.mark.parametrize(
    ("ms", "checksum", "expected"), [(2.9, 7, "duplicate"), (3.1, 7, "resent"), (0.01, 8, "resent")]
)
def test_without_identification_time_and_checksum_tell(v6: bool, ms: float, checksum: int, expected: str) -> None:
    own = Talk(ends=IPV6_ENDS) if v6 else Talk()
    ip = {} if v6 else {"ident": 0}
    packets = [
        own.data(30, 0, 100, ip=ip, checksum=7),
        own.data(30 + ms, 0, 100, ip=ip, checksum=checksum),
    ]
    assert after_handshake(*packets, opened=own.handshake()) == [EMPTY, {expected}]


@pytest.mark.parametrize("fields", [{"upto": 1}, {"flags": ACK | 8}, {"at": 1}])
def test_a_packet_that_differs_is_no_copy(fields: dict[str, Any]) -> None:
    first = talk.from_server(30, bytes(100), ip={"ident": 9})
    second = talk.from_server(30.01, bytes(100), ip={"ident": 9}, **fields)
    assert "duplicate" not in after_handshake(first, second)[1]


def test_a_copy_is_counted_but_carries_no_data() -> None:
    twice = [talk.data(30 + i / 100, 0, 100, ip={"ident": 9}) for i in range(2)]
    acks = [talk.ack(40 + i / 100, 100, ip={"ident": 9}) for i in range(2)]
    skimmed = run(OPEN, twice, acks)
    way = server(skimmed)
    assert (way["packets"], way["data_packets"], way["payload_bytes"], way["duplicates"]) == (3, 1, 100, 1)
    assert (way["resent"], client(skimmed)["duplicates"]) == (0, 1)


def test_equal_acks_are_copies_only_with_the_same_identification() -> None:
    assert after_handshake(*[talk.ack(30 + i / 100, 0) for i in range(3)]) == [EMPTY] * 3


def test_a_whole_capture_doubled_gives_the_same_state() -> None:
    packets = [packet for packet in story(1_000) if packet.data[20:24]]
    doubled = [copy for packet in packets for copy in (packet, packet._replace(ts=packet.ts + 8_000))]
    once, twice = run(packets), run(doubled)
    for field in ("snd_max", "una", "data_packets", "payload_bytes", "resent", "holes", "filled", "delivered"):
        for way in (client, server):
            assert way(once)[field] == way(twice)[field], field
    assert server(twice)["duplicates"] == server(once)["packets"]


# Keep-alives.


@pytest.mark.parametrize("size", [0, 1])
def test_a_packet_one_below_the_next_byte_is_a_keepalive(size: int) -> None:
    got = after_handshake(talk.data(30, 0, 100), talk.ack(40, 100), talk.data(9_000, 99, size))
    assert got[-1] == {"keepalive"}


@pytest.mark.parametrize(("at", "size", "flags"), [(98, 1, ACK), (98, 2, ACK), (99, 1, ACK | FIN)])
def test_others_are_none(at: int, size: int, flags: int) -> None:
    got = after_handshake(talk.data(30, 0, 100), talk.ack(40, 99), talk.data(9_000, at, size, flags=flags))
    assert "keepalive" not in got[-1]


# Holes.


def test_a_jump_opens_a_hole_and_late_bytes_fill_it() -> None:
    skimmed = run(
        OPEN, talk.data(30, 0, 100), talk.data(40, 300, 100), talk.data(50, 100, 100), talk.data(3_040, 200, 100)
    )
    assert marks(skimmed)[3:] == [EMPTY, {"hole"}, {"resent", "fills"}, {"resent", "fills"}]
    way = server(skimmed)
    assert (way["holes"], way["filled"], way["hole_ts"]) == (1, 2, 0)
    assert way["hole_longest"] == 3_000_000_000
    assert way["resent"] == 0  # late is not sent again


def test_an_ack_beyond_the_hole_says_that_the_capture_missed_the_bytes() -> None:
    skimmed = run(OPEN, talk.data(30, 0, 100), talk.data(40, 300, 100), talk.ack(50, 400))
    way = server(skimmed)
    assert (way["hole_ts"], way["unseen"]) == (0, 200)


def test_an_ack_below_it_leaves_it_open() -> None:
    way = server(run(OPEN, talk.data(30, 0, 100), talk.data(40, 300, 100), talk.ack(50, 100)))
    assert way["hole_ts"] > 0
    assert (way["hole_start"] - way["first_seq"], way["hole_end"] - way["first_seq"]) == (101, 301)
    assert way["unseen"] == 0


def test_bytes_acknowledged_but_never_seen_are_counted() -> None:
    way = server(run(OPEN, talk.data(30, 0, 100), talk.ack(50, 1_100)))
    assert way["unseen"] == 1_000


def test_a_capture_that_starts_late_has_no_hole() -> None:
    assert marks(run(talk.data(0, 50_000, 100), talk.data(1, 50_100, 100))) == [EMPTY, EMPTY]
    assert marks(run(talk.ack(0, 50_000), talk.data(1, 50_400, 100))) == [EMPTY, EMPTY]


# Windows.


@pytest.mark.parametrize(
    ("shifts", "expected"),
    [((7, 7), 128_000), ((0, 7), 1_000), ((7, 0), 128_000), ((7, None), 1_000), ((None, 7), 1_000)],
)
def test_a_window_is_scaled_when_both_sides_offered_it(shifts: tuple[int | None, int | None], expected: int) -> None:
    assert client(run(talk.handshake(shifts=shifts), talk.ack(30, 0, window=1000)))["window"] == expected


def test_the_window_of_a_syn_is_not_scaled() -> None:
    assert server(run(OPEN[:2]))["window"] == 65535


def test_how_long_a_window_stays_closed() -> None:
    closed = [talk.ack(ms, 0, window=0) for ms in (100, 500, 2_100)]
    way = client(run(OPEN, talk.data(30, 0, 100), closed, talk.ack(4_100, 100, window=9)))
    assert (way["zero_windows"], way["window_zero_longest"], way["window_zero_ts"]) == (3, 4_000_000_000, 0)
    assert way["window_zero_frame"] == 5
    still = client(run(OPEN, talk.data(30, 0, 100), closed))
    assert still["window_zero_ts"] == closed[0].ts


def test_a_reset_with_window_0_closes_nothing() -> None:
    assert client(run(OPEN, talk.from_client(30, flags=RST | ACK, window=0)))["zero_windows"] == 0


# Small things that verdicts use.


def test_hops_and_df_are_noted() -> None:
    packets = [talk.data(30, 0, 100, ip={"ttl": 60}), talk.data(31, 100, 100, ip={"ttl": 58, "df": False})]
    way = server(run(packets))
    assert (way["ttl_min"], way["ttl_max"], way["nodf_packets"]) == (58, 60, 1)


def test_a_reported_duplicate_is_counted_for_the_sender() -> None:
    report = talk.ack(60, 200, options=sack((1001, 1101)))
    skimmed = run(OPEN, talk.data(30, 0, 100), talk.data(31, 100, 100), report)
    assert server(skimmed)["dsacks"] == 1
    assert marks(skimmed)[-1] == {"dsack"}


def test_timestamps_are_noted_from_the_syn() -> None:
    syn = talk.from_client(0, at=-1, flags=SYN, ack=0, options=timestamps(1, 0))
    assert client(run(syn))["has_ts"] == 1
    assert client(run(OPEN))["has_ts"] == 0


def test_the_rows_hold_the_packet() -> None:
    packet = talk.data(30, 0, 100, ip={"ident": 4321, "ttl": 61}, window=777, checksum=0xBEEF)
    skimmed = run(OPEN, packet)
    row = skimmed.rows()[-1]
    assert (row["ts"], row["frame"], row["flow"], row["side"]) == (packet.ts, 4, 0, SERVER_SIDE)
    assert (row["payload"], row["ip_len"], row["ip_id"], row["ttl"]) == (100, 140, 4321, 61)
    assert (row["window"], row["checksum"], row["flags"]) == (777, 0xBEEF, ACK)
    assert skimmed.state.ring_header_bytes[3, : row["header_len"]].tobytes() == packet.data[:40]
    assert run(OPEN).rows()["side"].tolist() == [CLIENT_SIDE, SERVER_SIDE, CLIENT_SIDE]


# Numbers that belong to nothing.


def test_a_single_number_far_outside_of_the_window_is_no_data_and_leaves_no_hole() -> None:
    skimmed = run(
        OPEN, talk.data(30, 0, 1000), talk.data(31, 900_000_000, 1000), talk.data(32, 1000, 1000), talk.ack(42, 2000)
    )
    assert [found & {"stray", "hole", "resent"} for found in marks(skimmed)[-4:]] == [EMPTY, {"stray"}, EMPTY, EMPTY]
    assert server(skimmed)["holes"] == 0
    assert server(skimmed)["data_packets"] == 2


def test_two_that_follow_each_other_there_are_the_connection_after_a_gap_of_the_capture() -> None:
    far = 900_000_000
    skimmed = run(OPEN, talk.data(30, 0, 1000), talk.data(31, far, 1000), talk.data(32, far + 1000, 1000))
    assert [found & {"stray"} for found in marks(skimmed)[-2:]] == [{"stray"}, EMPTY]


def test_an_acknowledgement_of_what_no_window_holds_proves_nothing() -> None:
    skimmed = run(OPEN, talk.data(30, 0, 1000), talk.ack(40, 900_000_000), talk.ack(41, 1000))
    assert server(skimmed)["una"] - server(skimmed)["first_seq"] <= 1001
    assert server(skimmed)["unseen"] == 0


def test_a_syn_ack_with_another_initial_sequence_number_opens_no_hole() -> None:
    """Backscatter of a flood: each SYN/ACK answers another forged SYN."""
    bases = (1_000, 900_000_000, 3_000_000_000, 77)
    skimmed = run([Talk(server_base=base).from_server(10 * i, at=-1, flags=SYN | ACK) for i, base in enumerate(bases)])
    assert server(skimmed)["holes"] == 0
    assert server(skimmed)["data_packets"] == 0
    assert client(skimmed)["unseen"] == 0


def test_once_data_were_sent_a_syn_with_another_number_is_stray() -> None:
    again = Talk(client_base=900_000_000, server_base=800_000_000)
    skimmed = run(
        OPEN,
        talk.data(30, 0, 1000),
        talk.ack(40, 1000),
        again.from_server(50, at=-1, flags=SYN | ACK),
        talk.ack(60, 1000),
    )
    assert "stray" in marks(skimmed)[-2]
    assert server(skimmed)["holes"] == 0
