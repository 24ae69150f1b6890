from __future__ import annotations

import pytest

from analyzer.knowledge.overheads import CANDIDATES, ETHERNET_MTU, consistent_with


def mtus(*bracket: int | None) -> list[int]:
    return [int(text.split(":")[0]) for text in consistent_with(*bracket)]


def test_all_candidates_inside_the_bracket_least_overhead_first() -> None:
    found = mtus(1420, 1499, None)
    assert found == sorted(found, reverse=True)
    assert {1420, 1440, 1450, 1476, 1480, 1492, 1496} <= set(found)
    assert all(1420 <= mtu <= 1499 for mtu in found)


def test_both_ends_of_the_bracket_count() -> None:
    assert "1420: WireGuard (default, or over IPv6)" in consistent_with(1420, 1420, None)
    assert consistent_with(1421, 1421, None) == ()


def test_an_exact_mtu_leaves_only_its_own() -> None:
    assert set(mtus(500, 1499, 1400)) == {1400}


def test_an_unknown_lower_end_reaches_down_to_the_least() -> None:
    assert mtus(None, 1300, None) == [1280, 1220]


@pytest.mark.parametrize("bracket", [(None, None, None), (1500, None, None)])
def test_nothing_lost_needs_no_explanation(bracket: tuple[int | None, ...]) -> None:
    assert consistent_with(*bracket) == ()


def test_the_same_overheads_on_jumbo_links() -> None:
    assert "8950: VXLAN or Geneve (Docker overlay, flannel, Cilium), on a 9000-byte link" in consistent_with(
        8940, 8960, None
    )
    assert 8500 in mtus(8400, 8600, None)


def test_the_table_is_consistent_in_itself() -> None:
    for row in CANDIDATES:
        assert row.name
        assert row.source
        assert row.overhead is None or row.mtu + row.overhead == ETHERNET_MTU
    assert [row.mtu for row in CANDIDATES] == sorted((row.mtu for row in CANDIDATES), reverse=True)
