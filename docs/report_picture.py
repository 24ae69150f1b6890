"""Renews the picture of the HTML report in the README: `python docs/report_picture.py`. Needs Chromium."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import analyzer

ROOT = Path(__file__).parents[1]
CAPTURE = "sample_pcaps/tunnel_blackhole_at_server.pcap"
SIZE = "1180,1440"


def main() -> None:
    """Take a picture of the top of the report."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("Chromium is not installed")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        analyzer.analyze(ROOT / CAPTURE).save(page)
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += [f"--user-data-dir={folder}/profile", f"--window-size={SIZE}"]
        command += ["--blink-settings=preferredColorScheme=1", f"--screenshot={ROOT / 'docs' / 'report.png'}"]
        subprocess.run([*command, page.as_uri()], check=True, capture_output=True)  # noqa: S603


if __name__ == "__main__":
    main()
