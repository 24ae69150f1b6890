"""What groups say together: findings, what stalls have in common, days."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzer.fleet.answer import Hop, answer_of, common_bracket
from analyzer.fleet.terminal import lines_of
from analyzer.fleet.words import headline, hop_text

DAY = 86_400_000_000_000
FIRST = 20_000 * DAY  # 2024-10-04


def stalled(sender: str, receiver: str, low: int, high: int, **more: Any) -> list[Any]:
    exact, day = more.get("exact"), more.get("day", 0)
    verdict, stream = more.get("verdict", "blackhole"), more.get("stream", 0)
    brief = [
        verdict,
        "high",
        sender,
        receiver,
        [],
        [low, high, exact],
        high + 1,
        FIRST + day * DAY,
        FIRST + day * DAY + 5,
    ]
    return [stream, more.get("routers", []), *brief]


def group(name: str, *problems: list[Any], ways: list[list[Any]] | None = None, **more: Any) -> dict[str, Any]:
    verdicts: dict[str, int] = {}
    for each in problems:
        verdicts[each[2]] = verdicts.get(each[2], 0) + 1
    for way in ways or []:
        for verdict, count in way[3].items():
            verdicts.setdefault(verdict, count)
    return {
        "name": name, "fingerprint": "", "files": 1, "file": f"{name}.pcap", "size": 1, "command": "", "error": None,
        "bytes": 1, "packets": 1, "flows": max(len(problems), 1), "verdicts": verdicts, "headline": "", "notes": [],
        "first_time": FIRST, "last_time": FIRST + DAY, "damaged": [], "problems": list(problems),
        "problems_in_all": len(problems), "troubles": [], "ways": ways or [], "findings": [],
    } | more  # fmt: skip


def test_the_place_where_many_ways_meet_explains_most() -> None:
    groups = [
        group(f"host{i}", stalled(f"10.0.{i}.1", "203.0.113.7", 1300 + i, 1419 + i, stream=i)) for i in range(8)
    ] + [group("other", stalled("10.9.9.9", "192.0.2.1", 500, 600))]
    first, second = answer_of(groups).hops
    assert (first.kind, first.place, first.stalls, first.ends) == ("to", "203.0.113.0/24", 8, 8)
    assert (first.at_least, first.at_most) == (1307, 1419)
    assert len(first.groups) == 8
    assert (second.kind, second.place, second.stalls) == ("way", "10.9.9.0/24 -> 192.0.2.0/24", 1)


def test_brackets_that_do_not_overlap_are_not_one_hop() -> None:
    groups = [
        group("a", stalled("10.0.0.1", "203.0.113.7", 1300, 1419)),
        group("b", stalled("10.1.0.1", "203.0.113.8", 500, 600)),
    ]
    assert [hop.stalls for hop in answer_of(groups).hops] == [1, 1]


def test_a_router_that_says_so_is_named() -> None:
    groups = [
        group(
            name,
            stalled(
                f"10.{i}.0.1", f"203.0.{i}.7", 1300, 1400, exact=1400, verdict="ptb_ignored", routers=["192.0.2.254"]
            ),
        )
        for i, name in enumerate("abc")
    ]
    (hop,) = answer_of(groups).hops
    assert (hop.kind, hop.place, hop.stalls) == ("router", "192.0.2.254", 3)
    assert (hop.at_least, hop.at_most) == (1400, 1400)


def test_larger_packets_that_got_through_are_told() -> None:
    healthy = [["2024-10-04", "10.7.0.0/24", "203.0.113.0/24", {"ok": 5}, 1500]]
    groups = [
        group("a", stalled("10.0.0.1", "203.0.113.7", 1300, 1419)),
        group("b", stalled("10.1.0.1", "203.0.113.8", 1300, 1419), ways=healthy),
    ]
    (hop,) = answer_of(groups).hops
    assert hop.passed == 5
    assert "5 other flows there got larger packets through" in headline(answer_of(groups))


def test_ordinary_trouble_is_explained_by_no_hop() -> None:
    answer = answer_of([group("a", stalled("10.0.0.1", "203.0.113.7", 1300, 1419, verdict="loss"))])
    assert answer.hops == ()
    assert answer.stalls == 0


def test_the_same_trouble_in_many_captures_is_one_finding() -> None:
    groups = [group(f"g{i}", stalled("10.0.0.1", "203.0.113.7", 1300, 1400 + i, day=i, stream=i)) for i in range(4)]
    (finding,) = answer_of(groups).findings
    assert finding.flows == 4
    assert finding.groups == ("g0", "g1", "g2", "g3")
    assert finding.days == ("2024-10-04", "2024-10-05", "2024-10-06", "2024-10-07")
    assert finding.finding.path_mtu[:2] == (1300, 1400)
    assert finding.finding.first_time == FIRST


@pytest.mark.parametrize(
    ("before", "after", "became"),
    [
        ("ok", "blackhole", ["appeared"]),
        ("blackhole", "ok", ["gone"]),
        ("blackhole", "not_exercised", []),  # nothing large was sent: nobody knows
        ("blackhole", "blackhole_probable", []),
        ("blackhole", "ptb_ignored", ["other"]),
        ("ok", "ok", []),
    ],
)
def test_what_changed_between_days(before: str, after: str, became: list[str]) -> None:
    ends = ("10.0.0.0/24", "203.0.113.0/24")
    ways = [["2024-10-04", *ends, {before: 3}, 1500], ["2024-10-06", *ends, {after: 2, "no_df": 1}, 1400]]
    answer = answer_of([group("a", ways=ways[:1]), group("b", ways=ways[1:])])
    assert [change.became for change in answer.changes] == became
    assert answer.days == ("2024-10-04", "2024-10-06")


def test_captures_that_were_not_read() -> None:
    bad = {
        "name": "x",
        "fingerprint": "",
        "files": 1,
        "file": "x",
        "size": 1,
        "command": "",
        "error": "x: no\x1b[2Jcapture",
    }
    answer = answer_of([bad, group("a")])
    assert [each["name"] for each in answer.unread] == ["x"]
    text = "\n".join(lines_of(answer))
    assert "no" in text
    assert "\x1b" not in text


def test_nothing_at_all() -> None:
    answer = answer_of([])
    assert headline(answer) == "No capture could be read."
    assert list(lines_of(answer))


def test_common_bracket_of_nested_and_touching_ranges() -> None:
    assert common_bracket([(0, 10), (10, 20), (5, 10), (30, 40)]) == ((10, 10), [0, 1, 2])


def test_one_stall_shares_nothing_with_others() -> None:
    hop = Hop("way", "10.0.0.0/24 -> 10.0.1.0/24", 1300, 1400, 2, 1, ("a",), 0)
    assert hop_text(hop, 8).startswith("2 of 8 flows limited by size go the same way, 10.0.0.0/24 -> ")
    assert hop_text(replace(hop, stalls=1), 8).startswith("1 of 8 flows limited by size goes the way 10.0.0.0/24 -> ")
