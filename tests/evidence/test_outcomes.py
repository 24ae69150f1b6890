"""What became of packets: small stories, and a slow reading of the same definition as the judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.decode.tcp import ACK_FLAG, FIN, RST, SYN
from analyzer.evidence.outcomes import DELIVERED, LOST, NAMES, NEVER, NONE, SPURIOUS, UNANSWERED, outcomes_of
from analyzer.flows.flow_tables import MARK_DUPLICATE, MARK_KEEPALIVE
from analyzer.passes.second import MAX_BLOCKS, ROW
from tests.profiles import examples

Blocks = tuple[tuple[int, int], ...]


def data(seq: int, length: int, *, side: int = 0, ack: int = 0, marks: int = 0, flags: int = 0) -> dict[str, Any]:
    return {"side": side, "seq": seq, "payload": length, "ack": ack, "marks": marks, "flags": flags | ACK_FLAG}


def ack(number: int, *blocks: tuple[int, int], side: int = 1, flags: int = ACK_FLAG) -> dict[str, Any]:
    return {"side": side, "ack": number, "sack": blocks, "flags": flags}


def table(*packets: dict[str, Any], offset: int = 0) -> tuple[Any, Any]:
    """Rows and SACK edges; numbers on the wire are `offset` higher than the relative ones."""
    rows = np.zeros(len(packets), ROW)
    edges = np.zeros((len(packets), 2 * MAX_BLOCKS), np.uint32)
    for i, packet in enumerate(packets):
        for name, value in packet.items():
            if name != "sack":
                rows[i][name] = value
        rows[i]["raw_ack"] = (int(rows[i]["ack"]) + offset) % 2**32
        rows[i]["blocks"] = len(packet.get("sack", ()))
        for j, edge in enumerate(edge for block in packet.get("sack", ()) for edge in block):
            edges[i, j] = (edge + offset) % 2**32
    return rows, edges


def told(*packets: dict[str, Any], offset: int = 0) -> list[str]:
    outcomes = outcomes_of(*table(*packets, offset=offset)).outcome
    return ["" if outcome == NONE else NAMES[outcome] for outcome in outcomes]


def test_acknowledged_packets_are_delivered_and_bare_acks_have_no_fate() -> None:
    rows = table(data(0, 100), data(100, 100), ack(200), data(200, 100))
    outcomes = outcomes_of(*rows)
    assert outcomes.outcome.tolist() == [DELIVERED, DELIVERED, NONE, UNANSWERED]
    assert outcomes.acked_by.tolist() == [2, 2, NONE, NONE]
    assert outcomes.first_sent.tolist() == [NONE] * 4


def test_what_was_sent_too_late_to_be_what_is_acknowledged_is_spurious() -> None:
    """A timer fires just before the ACK arrives: table and figure called the original lost, the verdict did not."""
    rows, edges = table(data(0, 100), data(0, 100), ack(100))
    rows["ts"] = [0, 95_000_000, 101_000_000]
    assert outcomes_of(rows, edges, (100_000_000, 0)).outcome.tolist() == [DELIVERED, SPURIOUS, NONE]
    rows["ts"] = [0, 300_000_000, 400_000_000]
    assert outcomes_of(rows, edges, (100_000_000, 0)).outcome.tolist() == [LOST, DELIVERED, NONE]


def test_of_several_transmissions_the_last_before_the_ack_is_the_one_that_came() -> None:
    rows = table(data(0, 100), data(0, 100), data(0, 100), ack(100), data(0, 100))
    outcomes = outcomes_of(*rows)
    assert outcomes.outcome.tolist() == [LOST, LOST, DELIVERED, NONE, SPURIOUS]
    assert outcomes.first_sent.tolist() == [NONE, 0, 0, NONE, 0]


def test_a_hang_loses_all_but_the_last_of_which_nobody_knows() -> None:
    assert told(data(0, 100), data(100, 100), data(0, 100), data(0, 100)) == [
        "lost", "unanswered", "lost", "unanswered",
    ]  # fmt: skip


def test_sent_again_in_smaller_pieces() -> None:
    rows = table(data(0, 1000), data(0, 600), data(600, 400), ack(1000))
    outcomes = outcomes_of(*rows)
    assert outcomes.outcome.tolist() == [LOST, DELIVERED, DELIVERED, NONE]
    assert outcomes.first_sent.tolist() == [NONE, 0, 0, NONE]


def test_sent_again_joined_to_later_bytes() -> None:
    rows = table(data(0, 100), data(100, 100), data(0, 300), ack(300))
    outcomes = outcomes_of(*rows)
    assert outcomes.outcome.tolist() == [LOST, LOST, DELIVERED, NONE]
    assert outcomes.first_sent.tolist() == [NONE, NONE, 0, NONE]


def test_a_super_segment_of_which_a_part_was_sent_again_is_lost() -> None:
    assert told(data(0, 4000), data(1000, 1000), ack(4000)) == ["lost", "delivered", ""]


@pytest.mark.parametrize("offset", [0, 2**32 - 150])
def test_sack_delivers_what_its_blocks_cover(offset: int) -> None:
    packets = [data(0, 100), data(100, 100), data(200, 100), ack(0, (100, 200)), data(0, 100), ack(200)]
    outcomes = outcomes_of(*table(*packets, offset=offset))
    assert outcomes.outcome.tolist() == [LOST, DELIVERED, UNANSWERED, NONE, DELIVERED, NONE]
    assert outcomes.acked_by.tolist() == [NONE, 3, NONE, NONE, 5, NONE]


def test_what_was_sacked_is_sent_again_needlessly() -> None:
    assert told(data(0, 100), data(100, 100), ack(0, (100, 200)), data(100, 100)) == [
        "unanswered", "delivered", "", "needless",
    ]  # fmt: skip


def test_two_blocks_that_touch_cover_a_packet_together() -> None:
    assert told(data(0, 10), data(10, 90), ack(0, (50, 100), (10, 50))) == ["unanswered", "delivered", ""]


def test_syn_and_fin_are_acknowledged_like_a_byte() -> None:
    assert told(data(0, 0, flags=SYN), ack(1), data(1, 10, flags=FIN), ack(11)) == ["delivered", "", "unanswered", ""]
    assert told(data(0, 0, flags=SYN), ack(1), data(1, 10, flags=FIN), ack(12)) == ["delivered", "", "delivered", ""]


def test_copies_keepalives_and_resets_have_no_fate() -> None:
    packets = [
        data(0, 100),
        data(0, 100, marks=MARK_DUPLICATE),
        data(99, 1, marks=MARK_KEEPALIVE),
        data(100, 10, flags=RST),
        ack(100),
    ]
    assert told(*packets) == ["delivered", "", "", "", ""]


def test_both_directions_are_told_apart() -> None:
    assert told(data(0, 100), data(0, 50, side=1, ack=100), ack(50, side=0)) == ["delivered", "delivered", ""]


def test_a_stray_ack_delivers_nothing() -> None:
    assert told(data(0, 100), ack(2**31), ack(0)) == ["unanswered", "", ""]


def test_no_packets_at_all() -> None:
    assert all(len(column) == 0 for column in outcomes_of(*table()))


def slowly(rows: Any, edges: Any) -> list[tuple[int, int, int]]:
    """The definition, packet by packet and byte by byte."""
    out = []
    for i in range(len(rows)):
        if not rows[i]["payload"]:
            out.append((NONE, NONE, NONE))
            continue
        acked = max(acked_at(rows, edges, i, byte) for byte in span(rows[i]))
        sent = [j for j in range(len(rows)) if rows[j]["side"] == rows[i]["side"] and overlap(rows[i], rows[j])]
        first = min(sent)
        tries = [j for j in sent if max(acked_at(rows, edges, j, b) for b in span(rows[j])) > j]
        if acked < i:
            out.append((SPURIOUS, NONE, first if first < i else NONE))
        elif any(i < j < acked for j in tries):
            out.append((LOST, NONE, first if first < i else NONE))
        elif acked != NEVER:
            out.append((DELIVERED, acked, first if first < i else NONE))
        else:
            out.append((UNANSWERED, NONE, first if first < i else NONE))
    return out


def span(row: Any) -> range:
    return range(int(row["seq"]), int(row["seq"] + row["payload"]))


def overlap(a: Any, b: Any) -> bool:
    return bool(a["seq"] < b["seq"] + b["payload"] and b["seq"] < a["seq"] + a["payload"])


def acked_at(rows: Any, edges: Any, i: int, byte: int) -> int:
    """Row of the first packet that acknowledges a byte of packet i's direction."""
    for j in range(len(rows)):
        if rows[j]["side"] != rows[i]["side"]:
            blocks = edges[j, : 2 * rows[j]["blocks"]].reshape(-1, 2).tolist()
            if rows[j]["ack"] > byte or any(left <= byte < right for left, right in blocks):
                return j
    return NEVER


segments = st.builds(data, st.integers(0, 30), st.integers(1, 12), side=st.integers(0, 1), ack=st.just(0))
block = st.tuples(st.integers(1, 20), st.integers(1, 20)).map(lambda pair: (pair[0], pair[0] + pair[1]))
answers = st.builds(
    lambda number, side, blocks: ack(number, *blocks, side=side),
    st.integers(0, 42),
    st.integers(0, 1),
    st.lists(block, max_size=2),
)


@examples(300)
@given(st.lists(st.one_of(segments, answers), max_size=14))
def test_whole_columns_give_what_a_reading_byte_by_byte_gives(packets: list[dict[str, Any]]) -> None:
    rows, edges = table(*packets)
    quick = outcomes_of(rows, edges)
    assert list(zip(quick.outcome.tolist(), quick.acked_by.tolist(), quick.first_sent.tolist(), strict=True)) == slowly(
        rows, edges
    )
