"""The page in a real browser. Skipped where no Chromium is installed."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from analyzer.model.analysis import Analysis
from analyzer.model.flow import Endpoint
from analyzer.model.verdicts import VERDICTS
from analyzer.report.formats.html_report import to_html
from tests.report.factory import LONG_1, LONG_2, make_analysis, make_file, make_flow, make_timeline
from tests.report.formats.test_terminal_report import CASES
from tests.report.hostile import hostile_analysis

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

PAGES: dict[str, Analysis] = {
    "black hole": make_analysis([make_flow(0, timeline=make_timeline()), make_flow(1, "ok")]),
    "IPv6": make_analysis([make_flow(0, client=LONG_1, server=LONG_2, timeline=make_timeline())]),
    "several files": make_analysis([make_flow(0)], files=[make_file("a" * 100), make_file("b" * 100)]),
    "healthy": CASES["healthy"],
    "500 flows": make_analysis([make_flow(i, VERDICTS[i % 16], client=Endpoint(LONG_1.ip, i)) for i in range(500)]),
    "hostile": hostile_analysis(),
}

# A page around the page, which looks into it: scripts of its own it has none.
PROBE = """<!DOCTYPE html><body><script>
const frame = document.createElement("iframe");
frame.style = "border: 0; width: %(width)dpx; height: 900px";
frame.src = "page.html";
frame.onload = () => {
  const inner = frame.contentDocument, found = [];
  for (const each of inner.querySelectorAll("details")) each.open = true;
  for (const each of inner.querySelectorAll("p, li, pre, h1, h2, h3, dt, dd, td, span, code, text")) {
    const box = each.getBoundingClientRect();
    const svg = each.closest("svg");
    const edge = svg ? svg.getBoundingClientRect() : { left: 0, right: %(width)d };
    if (!box.width || (box.right <= edge.right + 2 && box.left >= edge.left - 2)) continue;
    found.push(each.textContent.slice(0, 60));
  }
  document.body.textContent = JSON.stringify({
    wide: inner.documentElement.scrollWidth, cut: found,
    shown: [...inner.querySelectorAll("svg")].filter((each) => each.getBoundingClientRect().width > 0).length,
    drawn: inner.querySelectorAll("svg").length,
    requests: frame.contentWindow.performance.getEntriesByType("resource").length,
    title: inner.title,
  });
};
document.body.append(frame);
</script></body>
"""


def run(folder: Path, *options: str) -> str:
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    command += [f"--user-data-dir={folder / 'profile'}", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, timeout=120).stdout


def probed(folder: Path, width: int) -> dict[str, Any]:
    """What a browser's window of this width makes of the folder's `page.html`."""
    probe = folder / "probe.html"
    probe.write_text(PROBE % {"width": width}, encoding="utf-8")
    dumped = run(folder, "--virtual-time-budget=5000", "--dump-dom", probe.as_uri())
    body = re.search(r"<body>(\{.*?\})</body>", dumped, re.DOTALL)
    assert body is not None, dumped[-500:]
    found: dict[str, Any] = json.loads(html.unescape(body[1]))
    return found


@pytest.mark.sampled(2)
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("case", PAGES)
def test_nothing_is_cut_off_or_loaded(case: str, width: int, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(to_html(PAGES[case]), encoding="utf-8")
    seen = probed(tmp_path, width)
    assert seen["cut"] == []
    assert seen["wide"] <= width
    assert seen["requests"] == 0
    assert seen["shown"] * 2 == seen["drawn"]  # one of each pair, for wide and narrow screens
    assert seen["title"]


def test_it_prints(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(to_html(PAGES["black hole"]), encoding="utf-8")
    run(tmp_path, f"--print-to-pdf={tmp_path / 'page.pdf'}", (tmp_path / "page.html").as_uri())
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
