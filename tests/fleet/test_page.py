"""The page: whatever names hold, it is one file that shows them as text, and it stays usable."""

from __future__ import annotations

import html5lib
import pytest

from analyzer.fleet.answer import answer_of
from analyzer.fleet.fleet_page import page_bytes
from tests.fleet.test_answer import group, stalled

EVIL = "<script>alert(1)</script>\"'&\x1b[31m"


def test_names_are_shown_and_nothing_more() -> None:
    groups = [
        group(EVIL, stalled("10.0.0.1", "203.0.113.7", 1300, 1400), headline=EVIL, damaged=[EVIL], command=EVIL),
        {"name": EVIL, "fingerprint": "", "files": 1, "file": EVIL, "size": 1, "command": "", "error": EVIL},
    ]
    page = page_bytes(answer_of(groups)).decode()
    assert "<script" not in page
    assert "\x1b" not in page
    document = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    assert not list(document.iter("script"))
    for element in document.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name not in ("src", "srcset")
            if name == "href":
                assert value.startswith(("groups/", "#"))


def test_each_capture_has_its_link() -> None:
    page = page_bytes(answer_of([group("a b__ü#1.pcap", stalled("10.0.0.1", "203.0.113.7", 1300, 1400))])).decode()
    assert 'href="groups/a%20b__%C3%BC%231.pcap.json"' in page


def test_ten_thousand_captures() -> None:
    groups = [
        group(f"host{i:05}", *([stalled(f"10.{i % 200}.{i % 250}.1", "203.0.113.7", 1300, 1400)] if i % 4 == 0 else []))
        for i in range(10_000)
    ]
    page = page_bytes(answer_of(groups))
    assert page.count(b"groups/host") == 10_000
    assert len(page) < 6_000_000


@pytest.mark.parametrize("waiting", [0, 3])
def test_an_interruption_is_told(waiting: int) -> None:
    assert (b"Interrupted" in page_bytes(answer_of([group("a")], waiting))) == bool(waiting)
