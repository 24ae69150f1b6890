"""Which flows are one finding, and what it says of them all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.model.brief import Brief
from analyzer.model.finding import Finding, findings_of, listed_addresses, shown_addresses
from analyzer.model.flow import PathMtu
from analyzer.model.verdicts import PROBLEMS, rank


def brief(
    verdict: str = "blackhole",
    sender: str = "203.0.113.10",
    receiver: str = "198.51.100.20",
    size: tuple[int | None, int | None] = (340, 1499),
    *,
    exact: int | None = None,
    confidence: str = "high",
    stuck: int | None = 1500,
    times: tuple[int, int] = (0, 9),
) -> Brief:
    return Brief(verdict, confidence, sender, receiver, (), PathMtu(*size, exact), stuck, *times)


def found(*briefs: Brief) -> tuple[Finding, ...]:
    return findings_of(enumerate(briefs))


def test_forty_flows_over_one_path_are_one_finding() -> None:
    (finding,) = found(*(brief(times=(i, 100 + i)) for i in range(40)))
    assert (finding.id, finding.verdict, len(finding.streams), finding.example) == ("A", "blackhole", 40, 0)
    assert (finding.crossed, finding.lost, finding.first_time, finding.last_time) == (340, 1500, 0, 139)


def test_its_bracket_is_what_those_of_its_flows_have_in_common() -> None:
    (finding,) = found(brief(size=(340, 1499)), brief(size=(1280, None), receiver="198.51.100.21"))
    assert finding.path_mtu == PathMtu(1280, 1499, None)


@pytest.mark.parametrize(
    ("other", "count"),
    [
        (brief("blackhole_probable", confidence="medium"), 1),  # the same trouble, less sure
        (brief("blackhole_suspected"), 1),
        (brief("blackhole_recovered"), 2),
        (brief("dead_path", stuck=None), 2),
        (brief(receiver="198.51.100.99"), 1),
        (brief(receiver="192.0.2.7"), 1),  # the same sender
        (brief(sender="192.0.2.7"), 1),  # the same receiver
        (brief(sender="203.0.113.200", receiver="192.0.2.7"), 1),  # the sender's network
        (brief(sender="192.0.2.8", receiver="192.0.2.7"), 2),
        (brief(sender="198.51.100.20", receiver="203.0.113.10"), 2),  # the other way
        (brief(size=(1500, 8999), stuck=9000), 2),  # another limit
        (brief(size=(None, None), stuck=None), 1),
    ],
)
def test_what_makes_two_flows_one_finding(other: Brief, count: int) -> None:
    assert len(found(brief(), other)) == len(found(other, brief())) == count


def test_the_gravest_is_named_and_the_surest_shown() -> None:
    (finding,) = found(brief("blackhole_probable"), brief(confidence="medium"), brief(size=(340, None)), brief())
    assert (finding.verdict, finding.confidence, finding.example) == ("blackhole", "high", 3)


def test_the_gravest_comes_first_and_then_the_one_with_most_flows() -> None:
    many = [brief("dead_path", "192.0.2.1", "192.0.2.2", stuck=None)] * 3
    more = [brief("dead_path", "198.18.0.1", "198.18.1.1", stuck=None)] * 4
    findings = found(brief("inconclusive", stuck=None), *many, *more, brief())
    assert [(f.id, f.verdict, len(f.streams)) for f in findings] == [
        ("A", "blackhole", 1),
        ("B", "dead_path", 4),
        ("C", "dead_path", 3),
        ("D", "inconclusive", 1),
    ]
    assert [f.lost for f in findings] == [1500, None, None, None]


def test_no_ipv6_link_is_narrower_than_1280() -> None:
    (finding,) = found(brief(sender="2001:db8::1", receiver="2001:db8:1::1", size=(472, 1499)))
    assert (finding.path_mtu.at_least, finding.crossed) == (1280, 472)
    (finding,) = found(brief(sender="2001:db8::1", receiver="2001:db8:1::1", size=(472, 1200), stuck=1201))
    assert finding.path_mtu.at_least == 472


def test_names_go_on_behind_z() -> None:
    briefs = [brief(sender=f"10.{i}.0.1", receiver=f"10.{i}.1.1") for i in range(30)]
    assert [finding.id for finding in found(*briefs)][24:29] == ["Y", "Z", "AA", "AB", "AC"]


def test_three_addresses_of_a_prefix_are_written_as_the_prefix() -> None:
    three = ["192.0.2.1", "192.0.2.9", "192.0.2.5"]
    assert shown_addresses(["198.51.100.1", *three, *three]) == ["198.51.100.1", "192.0.2.0/24"]
    assert shown_addresses(three[:2]) == three[:2]
    assert shown_addresses([f"2001:db8::{i}" for i in range(3)]) == ["2001:db8::/64"]
    assert listed_addresses(three) == three
    assert listed_addresses([f"10.0.0.{i}" for i in range(17)]) == ["10.0.0.0/24"]


ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.1.1", "10.1.0.1", "2001:db8::1", "2001:db8:0:1::1"])
ENDS = st.one_of(st.none(), st.integers(1, 20))
BRIEFS = st.builds(
    brief,
    st.sampled_from(sorted(PROBLEMS)),
    ADDRESSES,
    ADDRESSES,
    st.tuples(ENDS, ENDS).map(lambda ends: (ends[0], ends[1] + 20 if ends[1] is not None else None)),
    confidence=st.sampled_from(["high", "medium", "low"]),
)


@given(st.lists(BRIEFS, max_size=30))
def test_each_flow_is_in_one_finding_that_fits_it(briefs: list[Brief]) -> None:
    findings = found(*briefs)
    assert sorted(stream for finding in findings for stream in finding.streams) == list(range(len(briefs)))
    assert [rank(finding.verdict) for finding in findings] == sorted(rank(finding.verdict) for finding in findings)
    for finding in findings:
        assert finding.example in finding.streams
        assert briefs[finding.example].verdict == finding.verdict
        low, high = finding.path_mtu.at_least or 0, finding.path_mtu.at_most or 1 << 30
        assert low <= high or ":" in briefs[finding.example].sender
        for stream in finding.streams:
            at_least, at_most, _ = briefs[stream].path_mtu
            assert (at_least or 0) <= low
            assert high <= (at_most or 1 << 30)
