"""What is kept of an analysis: what was found, not the tables that it was found in."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

import analyzer
from analyzer.report.formats.json_report import to_json
from tests.reading import CAPTURES, ROOT

HANG = ROOT / "sample_pcaps" / "content_drop_at_server.pcap"

KEEP = """
import sys
import analyzer

def used():
    lines = [line.split() for line in open("/proc/self/status") if line.startswith(("VmSize", "VmRSS"))]
    return [int(kilobytes) for _, kilobytes, _ in lines]

kept = [analyzer.analyze(sys.argv[1]) for _ in range(3)]
before = used()
kept += [analyzer.analyze(sys.argv[1]) for _ in range(60)]
print(*(after - then for after, then in zip(used(), before)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_many_analyses_take_little() -> None:
    done = subprocess.run([sys.executable, "-c", KEEP, HANG], capture_output=True, text=True, check=True)
    addresses, resident = (int(kilobytes) / 60 for kilobytes in done.stdout.split())
    assert resident < 250
    assert addresses < 1000


def test_a_pickle_holds_what_was_found() -> None:
    analysis = analyzer.analyze(HANG)
    assert analysis.totals.packets > 40
    assert len(pickle.dumps(analysis)) < 100_000


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_a_pickled_analysis_says_the_same(path: object) -> None:
    analysis = analyzer.analyze(path)  # type: ignore[arg-type]
    again = pickle.loads(pickle.dumps(analysis))  # noqa: S301 - just made
    assert to_json(again) == to_json(analysis)
