"""Finds Path MTU Discovery black holes in packet captures, flow by flow, with the frames that prove it.

    analysis = analyzer.analyze("capture.pcap"); analysis.flows; analysis.flow(0).verdict; analysis.save("report.html")

General layout (each folder imports only from those above it; data flow in this order, but from `capture` to `decode`):

- `model`: what is found, as plain data: verdicts, flows, paths, the analysis. `kernels`: how loops are compiled.
- `decode`: a packet's headers. `capture`: files to chunks of bytes to packets.
- `knowledge`: fixes, platforms, overheads of tunnels. `flows`: the state of each connection.
- `passes`: the first pass over all packets (`first`), further ones for whoever asks (`second`, `reread`).
- `redaction`: addresses and payload taken out.
- `evidence`: what is recorded of a flow's packets, turned into facts, each with its frames.
- `verdicts`: facts to one verdict a flow, by two tables of rules; most flows at once, from their counters.
- `points`: several capture points of one path, joined: clocks, order, legs, and where packets get lost.
- `tables`: DataFrames. `report`: pages, text, data, figures. `notebook`: how things show themselves.
- `api`: `analyze`, and `Analysis` and `Flow` as handed out. `cli`: the command `pmtu-analyze`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyzer.api.entry import analyze, compare
    from analyzer.api.packets import read_packets
    from analyzer.api.views import Analysis, Comparison, Evidence, Flow
    from analyzer.cli.progress import ProgressBar
    from analyzer.errors import CaptureError, PmtuAnalyzeError, UsageError
    from analyzer.model.path import Path
    from analyzer.model.tool import __version__
    from analyzer.redaction.addresses import Anonymizer
    from analyzer.settings import Settings

_HOMES = {
    "Analysis": "analyzer.api.views",
    "Anonymizer": "analyzer.redaction.addresses",
    "CaptureError": "analyzer.errors",
    "Comparison": "analyzer.api.views",
    "Evidence": "analyzer.api.views",
    "Flow": "analyzer.api.views",
    "Path": "analyzer.model.path",
    "PmtuAnalyzeError": "analyzer.errors",
    "ProgressBar": "analyzer.cli.progress",
    "Settings": "analyzer.settings",
    "UsageError": "analyzer.errors",
    "__version__": "analyzer.model.tool",
    "analyze": "analyzer.api.entry",
    "compare": "analyzer.api.entry",
    "read_packets": "analyzer.api.packets",
}

__all__ = [
    "Analysis",
    "Anonymizer",
    "CaptureError",
    "Comparison",
    "Evidence",
    "Flow",
    "Path",
    "PmtuAnalyzeError",
    "ProgressBar",
    "Settings",
    "UsageError",
    "__version__",
    "analyze",
    "compare",
    "read_packets",
]


def __dir__() -> list[str]:
    """What there is for others, whether or not it is loaded: shells and notebooks complete these names."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


def __getattr__(name: str) -> Any:
    """Public names are loaded on first use, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
