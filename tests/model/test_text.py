from __future__ import annotations

import pytest

from analyzer.model.flow import Endpoint, PathMtu
from analyzer.model.text import bracket, endpoint, file_labels, frames_text, lost_packets, names_of, printable
from tests.report.factory import make_file, refs


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("plain name.pcap", "plain name.pcap"),
        ("größe.pcap", "größe.pcap"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\nb\tc\x00", r"a\x0ab\x09c\x00"),
        ("evil\u202efdp.exe", r"evil\u202efdp.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("no utf-8 \udcff", r"no utf-8 \xff"),
        ("c1 \x9b31m", r"c1 \x9b31m"),
        ("line\u2028end", r"line\u2028end"),
        ("tag \U000e0041", r"tag \U000e0041"),
    ],
)
def test_nothing_invisible_is_printed(hostile: str, shown: str) -> None:
    assert printable(hostile) == shown


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        ((), ""),
        ((12,), "frame 12"),
        ((12, 13), "frames 12, 13"),
        ((21, 12, 14, 17, 18, 19, 20), "frames 12, 14, 17-21"),
        ((5, 5, 5), "frame 5"),
        (tuple(range(2, 60, 2)), "frames 2, 4, 6, 8, 10, 12, 14, 16 and 21 more"),
        (tuple(range(1, 5000)), "frames 1-4999"),
    ],
)
def test_frames(frames: tuple[int, ...], text: str) -> None:
    assert frames_text(refs(*frames)) == text


def test_names_of_files_are_all_different() -> None:
    assert names_of(["a/x.pcap", "b/y.pcap"]) == ("x.pcap", "y.pcap")
    assert names_of(["a/x.pcap", "b/x.pcap", "b/x.pcap"]) == ("a/x.pcap", "b/x.pcap", "b/x.pcap (2)")


def test_frames_of_several_files_come_with_their_file() -> None:
    labels = file_labels([make_file("x/a.pcap"), make_file("x/b.pcap")])
    assert frames_text([*refs(12, file=1), *refs(3, 4), *refs(14, file=1)], labels) == (
        "a.pcap: frames 3, 4; b.pcap: frames 12, 14"
    )


def test_files_of_one_name_are_told_apart_by_their_path() -> None:
    assert file_labels([make_file("x/a.pcap"), make_file("y/a.pcap"), make_file("y/b\x1b.pcap")]) == (
        "x/a.pcap",
        "y/a.pcap",
        r"b\x1b.pcap",
    )


@pytest.mark.parametrize(
    ("size", "cell", "words"),
    [
        (PathMtu(1400, 1499, None), "1400..1499", "packets of 1500 bytes"),
        (PathMtu(1400, 1400, None), "1400", "packets of 1401 bytes"),
        (PathMtu(900, 1499, 1420), "1420", "packets above 1420 bytes"),
        (PathMtu(1400, None, None), ">= 1400", "packets larger than 1400 bytes"),
        (PathMtu(None, 1499, None), "<= 1499", "packets of 1500 bytes"),
        (PathMtu(), "-", "large packets"),
    ],
)
def test_path_mtu(size: PathMtu, cell: str, words: str) -> None:
    assert bracket(size) == cell
    assert lost_packets(size) == words


def test_an_ipv6_endpoint_is_bracketed() -> None:
    assert endpoint(Endpoint("2001:db8::1", 443)) == "[2001:db8::1]:443"
    assert endpoint(Endpoint("10.0.0.1", 443)) == "10.0.0.1:443"
