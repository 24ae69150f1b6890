"""The page in a real browser: what is wider than the window scrolls by itself, not the page."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from analyzer.fleet.answer import answer_of
from analyzer.fleet.fleet_page import page_bytes
from tests.fleet.test_answer import group, stalled
from tests.report.test_browser import CHROMIUM, PROBE, run

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_as_wide_as_the_window(width: int, tmp_path: Path) -> None:
    groups = [
        group(f"rack{i}__" + "a_rather_long_name_" * 4, stalled(f"2001:db8:{i:x}:face::1", "203.0.113.7", 1300, 1400))
        for i in range(5)
    ]
    (tmp_path / "page.html").write_bytes(page_bytes(answer_of(groups)))
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE % {"width": width}, encoding="utf-8")
    dumped = run(tmp_path, "--virtual-time-budget=5000", "--dump-dom", probe.as_uri())
    body = re.search(r"<body>(\{.*?\})</body>", dumped, re.DOTALL)
    assert body is not None, dumped[-500:]
    seen = json.loads(html.unescape(body[1]))
    assert seen["wide"] <= width
    assert seen["requests"] == 0
