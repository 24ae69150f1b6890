"""Capture filters: read from pcapng, and judged by whether ICMP can pass."""

from __future__ import annotations

import pytest

from analyzer.capture.capture_filter import excludes_icmp, read_filters
from tests.builders import END_OF_OPTIONS, interface, option, section


def filtered(text: bytes, order: str = "little") -> bytes:
    options = option(2, b"eth0", order) + option(11, b"\0" + text, order) + END_OF_OPTIONS  # type: ignore[arg-type]
    return section(order) + interface(1, order, options=options)  # type: ignore[arg-type]


@pytest.mark.parametrize("order", ["little", "big"])
def test_filters_are_read(order: str) -> None:
    assert read_filters(filtered(b"tcp port 443", order)) == ("tcp port 443",)


def test_two_interfaces_with_one_filter() -> None:
    data = filtered(b"tcp")
    assert read_filters(data + data[28:]) == ("tcp",)


@pytest.mark.parametrize("length", range(80))
def test_cut_anywhere(length: int) -> None:
    data = filtered(b"tcp port 443")
    assert read_filters(data[:length]) in ((), ("tcp port 443",))


def test_a_compiled_filter_is_no_string() -> None:
    assert read_filters(section() + interface(1, options=option(11, b"\1" + bytes(8)))) == ()


@pytest.mark.parametrize(
    "text", ["tcp", "tcp port 443", "port 80 or port 443", "ip and tcp", "host 192.0.2.1 and tcp", "TCP PORT 443"]
)
def test_filters_that_let_no_icmp_through(text: str) -> None:
    assert excludes_icmp(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "icmp or tcp",
        "host 192.0.2.1",
        "not port 22",
        "tcp or host 192.0.2.1",
        "tcp[13] & 2 != 0",
        "ip",
        "! arp",
        "tcp || ip",
    ],
)
def test_filters_that_may_let_icmp_through(text: str) -> None:
    assert not excludes_icmp(text)
