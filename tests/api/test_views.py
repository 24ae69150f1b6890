"""What is handed out, as those who write Python expect it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import analyzer
from tests.builders import pcap
from tests.reading import SAMPLE_FOLDER

SAMPLE = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"


def test_the_public_names_complete_before_they_are_loaded() -> None:
    code = "import analyzer, sys; print(*dir(analyzer)); print('pandas' in sys.modules, analyzer.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names, rest = done.stdout.splitlines()
    assert {name for name in names.split() if not name.startswith("_")} == set(analyzer.__all__) - {"__version__"}
    assert "__version__" in names.split()
    assert rest == f"False {analyzer.__version__}"


def test_an_analysis_is_its_flows() -> None:
    analysis = analyzer.analyze(SAMPLE)
    assert len(analysis) == 3
    assert [flow.stream for flow in analysis] == [0, 1, 2]
    assert all(isinstance(flow, analyzer.Flow) for flow in analysis)
    assert len(analysis.where("verdict == 'blackhole'")) == 2


def test_an_analysis_without_flows_is_one_all_the_same() -> None:
    empty = analyzer.analyze(pcap([]))
    assert len(empty) == 0
    assert bool(empty)
    assert (empty or None) is empty


def test_names_that_complete() -> None:
    analysis = analyzer.analyze(SAMPLE)
    flat = analysis.flows_flat
    assert all(name.isidentifier() for name in flat.columns)
    assert len(set(flat.columns)) == len(analysis.flows.columns)
    assert flat.server_port.tolist() == analysis.flows["server.port"].tolist()
    assert flat.path_mtu_at_most.dtype == analysis.flows["path_mtu.at_most"].dtype
    assert flat.attrs["units"]["path_mtu_at_most"] == analysis.flows.attrs["units"]["path_mtu.at_most"]
    assert set(flat.attrs["units"]) <= set(flat.columns)


@pytest.mark.parametrize(
    "query", ["server_port == 8081", "`server.port` == 8081", "server_port == 8081 == `server.port`"]
)
def test_a_query_takes_either_name(query: str) -> None:
    assert [flow.stream for flow in analyzer.analyze(SAMPLE).where(query)] == [1]
