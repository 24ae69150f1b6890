"""What axe-core finds wrong with the page for people who see, hear or move otherwise: nothing, light and dark.

Skipped where no Chromium is installed.
"""

from __future__ import annotations

import html
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from analyzer.model.analysis import Analysis
from analyzer.report.formats.html_report import to_html
from tests.report.factory import make_analysis
from tests.report.formats.test_terminal_report import CASES
from tests.report.test_browser import CHROMIUM, PAGES, run

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

ALL: dict[str, Analysis] = {**CASES, **PAGES}
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
"""The page allows no script; axe-core is one."""

ASK = """<script>
for (const each of document.querySelectorAll("details")) each.open = true;
axe.run().then((found) => {
  const wrong = found.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 90))}`);
  document.title = "AXE" + JSON.stringify({ wrong, passed: found.passes.length });
});
</script>"""


def found_in(page: str, folder: Path, *, dark: bool = False, width: int = 1280) -> tuple[list[str], int]:
    """What is wrong with a page, and how many rules it follows."""
    axe = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8").replace("</script", r"<\/script")
    asked = f"<script>{axe}</script>{ASK}</body>"
    path = folder / "page.html"
    path.write_text(POLICY.sub("", page).replace("</body>", asked), encoding="utf-8")
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    window = f"--window-size={width},900"
    dumped = run(folder, scheme, window, "--virtual-time-budget=60000", "--dump-dom", path.as_uri())
    told = re.search(r"<title>AXE(.*?)</title>", dumped)
    assert told is not None, dumped[:200]
    seen = json.loads(html.unescape(told[1]))
    return seen["wrong"], seen["passed"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("case", ALL)
def test_axe_finds_nothing(case: str, dark: bool, tmp_path: Path) -> None:
    wrong, passed = found_in(to_html(ALL[case]), tmp_path, dark=dark)
    assert wrong == []
    assert passed > 15


def test_axe_finds_nothing_on_a_phone(tmp_path: Path) -> None:
    assert found_in(to_html(PAGES["black hole"]), tmp_path, width=500)[0] == []


def test_axe_finds_what_is_wrong(tmp_path: Path) -> None:
    page = to_html(make_analysis()).replace("<html lang=", "<html data-lang=").replace("</main>", '<img src=""></main>')
    wrong, _ = found_in(page, tmp_path)
    assert {each.partition(":")[0] for each in wrong} >= {"html-has-lang", "image-alt"}
