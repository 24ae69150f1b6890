from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.redaction.addresses import Anonymizer

PUBLISHED_KEY = bytes.fromhex("1522178d33a4cf80130a5b1649907d10 d8988f837979652762574c2d2a842202")
"""Key and addresses of the sample trace that the authors of Crypto-PAn published with it."""

FIXED = Anonymizer(PUBLISHED_KEY)


@pytest.mark.parametrize(
    ("address", "mapped"),
    [
        ("128.11.68.132", "135.242.180.132"),
        ("129.118.74.4", "134.136.186.123"),
        ("130.132.252.244", "133.68.164.234"),
        ("141.223.7.43", "141.167.8.160"),
        ("152.163.225.39", "151.140.114.167"),
    ],
)
def test_the_published_sample(address: str, mapped: str) -> None:
    assert FIXED.text(address) == mapped


def shared_bits(one: bytes, other: bytes) -> int:
    return 8 * len(one) - (int.from_bytes(one) ^ int.from_bytes(other)).bit_length()


@pytest.mark.parametrize("length", [4, 16])
@given(data=st.data())
def test_as_many_leading_bits_are_shared_as_before(length: int, data: st.DataObject) -> None:
    one = data.draw(st.binary(min_size=length, max_size=length))
    kept = data.draw(st.integers(0, 8 * length))
    other = (int.from_bytes(one) ^ (data.draw(st.integers(0, 2 ** (8 * length) - 1)) >> kept)).to_bytes(length)
    known = 24 if length == 4 else 128  # within a /24, one host changes places
    shared = shared_bits(FIXED.packed(one), FIXED.packed(other))
    before = shared_bits(one, other)
    if length == 16 and before < 8:
        assert shared < 8  # one /8 changes places with that of multicast
    else:
        assert min(shared, known) == min(before, known)


@given(network=st.binary(min_size=3, max_size=3))
def test_what_may_be_a_broadcast_address_remains_one_and_nothing_else_becomes_one(network: bytes) -> None:
    mapped = [FIXED.packed(network + bytes([host])) for host in range(256)]
    assert len(set(mapped)) == 256
    assert [each[-1] == 255 for each in mapped] == [host == 255 for host in range(256)]
    bits = [
        shared_bits(mapped[one], mapped[other]) == shared_bits(bytes([one]), bytes([other])) + 24
        for one in range(254)
        for other in range(one)
    ]
    assert bits.count(False) <= 2 * 256  # but for the host that has the place of the broadcast address


def test_groups_of_ipv6_remain_groups_and_nothing_else_becomes_one() -> None:
    mapped = [FIXED.packed(bytes([first]) + bytes(14) + b"\1")[0] for first in range(256)]
    assert mapped[0xFF] == 0xFF
    assert len(set(mapped)) == 256
    own = FIXED.packed(bytes([0xFF, 2]) + bytes(13) + b"\1")
    assert shared_bits(own, FIXED.packed(bytes([0xFF, 2]) + bytes(13) + b"\2")) == 126


def test_the_way_back_is_known_for_addresses_that_were_mapped() -> None:
    original = ip_address("2001:db8::1").packed
    assert FIXED.original(FIXED.packed(original)) == original
    with pytest.raises(KeyError):
        FIXED.original(bytes(16))


def test_each_run_has_its_own_key_and_shows_it_nowhere() -> None:
    one, other = Anonymizer(), Anonymizer()
    addresses = [f"192.0.2.{i}" for i in range(32)]
    assert [one.text(a) for a in addresses] != [other.text(a) for a in addresses]
    assert repr(FIXED) == "<Anonymizer>"


def test_files_are_counted() -> None:
    anonymizer = Anonymizer()
    assert [anonymizer.file_name(kind) for kind in ("pcap", "pcapng")] == ["capture-1.pcap", "capture-2.pcapng"]


def test_hosts_stay_hosts_and_groups_stay_groups() -> None:
    for _ in range(20):
        anonymizer = Anonymizer()
        assert anonymizer.packed(bytes([224, 0, 0, 251]))[0] >= 224
        assert all(anonymizer.packed(bytes([first, 0, 0, 1]))[0] < 224 for first in (10, 127, 172, 192, 198, 223))
