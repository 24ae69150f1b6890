from __future__ import annotations

import re

import pytest

from analyzer.knowledge.overheads import candidates, consistent_with
from analyzer.model.wire_sizes import ETHERNET_MTU


def mtus(*bracket: int | None) -> list[int]:
    return [int(re.findall(r"\d+", text.split(":")[0])[-1]) for text in consistent_with(*bracket)]


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


def test_a_range_counts_where_it_overlaps() -> None:
    l2tp = "1460..1464: L2TP over UDP"
    assert l2tp in consistent_with(None, 1460, None)
    assert l2tp in consistent_with(1464, 1499, None)
    assert l2tp not in consistent_with(1465, 1499, None)
    assert l2tp not in consistent_with(1300, 1459, None)


def test_an_unknown_lower_end_reaches_down_to_the_least() -> None:
    assert mtus(None, 1300, None) == [1280, 1220, 576]


@pytest.mark.parametrize("bracket", [(None, None, None), (1500, None, None)])
def test_nothing_lost_needs_no_explanation(bracket: tuple[int | None, ...]) -> None:
    assert consistent_with(*bracket) == ()


def test_the_same_overheads_on_jumbo_links() -> None:
    vxlan = "8950: VXLAN or Geneve (Docker overlay, flannel, Cilium, Calico), on a 9000-byte link"
    assert vxlan in consistent_with(8940, 8960, None)
    assert 8500 in mtus(8400, 8600, None)
    assert not any("Google" in text and "9000" in text for text in consistent_with(8000, 9000, None))


@pytest.mark.parametrize(
    ("outer", "cipher", "mtu"),
    [  # (outer IP and UDP headers, (IV, ICV, block), what the table says)
        (20, (8, 16, 4), "1446: IPsec ESP, AES-GCM"),
        (28, (8, 16, 4), "1438: IPsec ESP, AES-GCM, NAT traversal"),
        (40, (8, 16, 4), "1426: IPsec ESP over IPv6, AES-GCM"),
        (48, (8, 16, 4), "1418: IPsec ESP over IPv6, AES-GCM, NAT traversal"),
        (20, (16, 12, 16), "1438: IPsec ESP, AES-CBC with SHA-1 or SHA-256"),
        (20, (16, 16, 16), "1438: IPsec ESP, AES-CBC with SHA-1 or SHA-256"),
        (28, (16, 16, 16), "1422: IPsec ESP, AES-CBC, NAT traversal"),
        (20, (16, 32, 16), "1422: IPsec ESP, AES-CBC with SHA-384 or SHA-512"),
        (40, (16, 12, 16), "1422: IPsec ESP over IPv6, AES-CBC with SHA-1"),
        (28, (16, 32, 16), "1406: IPsec ESP, AES-CBC with SHA-512, NAT traversal"),
        (40, (16, 16, 16), "1406: IPsec ESP over IPv6, AES-CBC with SHA-256 or SHA-384"),
        (40, (16, 24, 16), "1406: IPsec ESP over IPv6, AES-CBC with SHA-256 or SHA-384"),
        (40, (16, 32, 16), "1390: IPsec ESP over IPv6, AES-CBC with SHA-512"),
    ],
)
def test_esp_is_as_its_formula_says(outer: int, cipher: tuple[int, int, int], mtu: str) -> None:
    vector, check, block = cipher
    room = (ETHERNET_MTU - outer - 8 - vector - check) // block * block - 2
    assert mtu in consistent_with(room, room, None)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ((20, 8, 8, 14), "VXLAN or Geneve"),
        ((40, 8, 8, 14), "VXLAN over IPv6"),
        ((20, 4), "GRE"),
        ((20, 4, 4), "GRE with key"),
        ((20, 4, 4, 4), "GRE with key and"),
        ((20, 4, 14), "GRE carrying"),
        ((20, 8, 14), "NVGRE"),
        ((20, 8, 8), "GTP-U"),
        ((20, 8, 8, 4, 4), "GTP-U with"),
        ((20, 8, 16, 16), "WireGuard over IPv4"),
        ((40, 8, 16, 16), "WireGuard (default"),
        ((40,), "4in6 (DS-Lite)"),
        ((20,), "IPIP"),
        ((6, 2), "PPPoE"),
        ((20, 8, 4, 4, 16), "OpenVPN over UDP"),
        ((20, 8, 6, 2), "L2TP"),
        ((20, 8, 8, 4), "L2TP"),
        ((20, 8, 8, 2, 8), "PPPoE handed on"),
    ],
)
def test_overheads_are_the_sum_of_their_headers(headers: tuple[int, ...], name: str) -> None:
    mtu = ETHERNET_MTU - sum(headers)
    assert any(row.name.startswith(name) and row.least <= mtu <= row.most for row in candidates())


def test_every_row_has_a_name_and_sources() -> None:
    for row in candidates():
        assert row.name
        assert 68 <= row.least <= row.most
        assert not row.overhead or row.most + row.overhead == ETHERNET_MTU
        assert row.source
        for url in row.source.split():
            assert re.fullmatch(r"https://[\w.-]+/\S*", url)
