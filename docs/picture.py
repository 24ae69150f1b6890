"""Draws `docs/terminal.svg`, the picture in the README, from what the command prints: `python docs/picture.py`."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console

import analyzer
from analyzer.report.document import document_of
from analyzer.report.formats.terminal_report import lines_of

ROOT = Path(__file__).parents[1]
CAPTURE = "sample_pcaps/tunnel_blackhole_at_server.pcap"
COLUMNS = 84
LINES = 32


def main() -> None:
    """Record the first lines of the report as SVG."""
    console = Console(record=True, width=COLUMNS, force_terminal=True, color_system="truecolor", file=io.StringIO())
    analysis = analyzer.analyze(ROOT / CAPTURE)
    console.print(f"$ pmtu-analyze {CAPTURE}\n", highlight=False, style="dim")
    for line in list(lines_of(document_of(analysis), console))[:LINES]:
        console.print(line, soft_wrap=True)
    console.print("...", style="dim")
    picture = console.export_svg(title="pmtu-analyze")
    # No font from elsewhere: the reader's own monospaced one will do.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    picture = re.sub(r"<!--.*?-->\s*", "", picture)
    (ROOT / "docs" / "terminal.svg").write_text(picture)


if __name__ == "__main__":
    main()
