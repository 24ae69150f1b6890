"""Finds Path MTU Discovery black holes in packet captures, flow by flow, with the frames that prove it.

capture file -> chunk of bytes -> skim -> events and flow state -> evidence -> verdict -> Analysis -> report

import analyzer
analysis = analyzer.analyze("capture.pcap")
analysis.flows            # a pandas DataFrame
analysis.flow(0).verdict
analysis.save("report.json")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyzer.comparison import Comparison
    from analyzer.errors import CaptureError, PmtuAnalyzeError, UsageError
    from analyzer.findings import Evidence, Flow, Path
    from analyzer.packets import read_packets
    from analyzer.pipeline import analyze, compare
    from analyzer.redaction.addresses import Anonymizer
    from analyzer.report.progress import ProgressBar
    from analyzer.results import Analysis
    from analyzer.settings import Settings

_HOMES = {
    "analyze": "analyzer.pipeline",
    "compare": "analyzer.pipeline",
    "Anonymizer": "analyzer.redaction.addresses",
    "Comparison": "analyzer.comparison",
    "read_packets": "analyzer.packets",
    "ProgressBar": "analyzer.report.progress",
    "Evidence": "analyzer.findings",
    "Analysis": "analyzer.results",
    "Flow": "analyzer.findings",
    "Path": "analyzer.findings",
    "Settings": "analyzer.settings",
    "CaptureError": "analyzer.errors",
    "PmtuAnalyzeError": "analyzer.errors",
    "UsageError": "analyzer.errors",
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
    "analyze",
    "compare",
    "read_packets",
]


def __getattr__(name: str) -> Any:
    """Public names are loaded on first use, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
