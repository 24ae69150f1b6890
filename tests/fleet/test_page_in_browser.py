"""The page in a real browser: what is wider than the window scrolls by itself, not the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.fleet.answer import answer_of
from analyzer.fleet.fleet_page import page_bytes
from tests.fleet.test_answer import group, stalled
from tests.report.test_browser import CHROMIUM, probed

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_as_wide_as_the_window(width: int, tmp_path: Path) -> None:
    groups = [
        group(f"rack{i}__" + "a_rather_long_name_" * 4, stalled(f"2001:db8:{i:x}:face::1", "203.0.113.7", 1300, 1400))
        for i in range(5)
    ]
    (tmp_path / "page.html").write_bytes(page_bytes(answer_of(groups)))
    seen = probed(tmp_path, width)
    assert seen["wide"] <= width
    assert seen["requests"] == 0
