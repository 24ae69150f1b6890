"""Comparing what the tool says of a capture with what a scenario expects."""

from __future__ import annotations

from io import BytesIO

from analyzer import analyze
from analyzer.model.analysis import Analysis
from analyzer.model.flow import Flow
from tests.scenarios.notation import Scenario
from tests.scenarios.packets import Record, capture_of
from tests.scenarios.words import ACCUSING, Expectation, View


def analysis_of(records: list[Record], snap: int = 262144) -> Analysis:
    """The tool's analysis of some records."""
    return analyze(BytesIO(capture_of(records, snap)), compiled=False)


def analysis_in(scenario: Scenario, view: View) -> Analysis:
    """The tool's analysis of a scenario in one view."""
    return analysis_of(scenario.records(view), view.snap)


def accusations(analysis: Analysis) -> list[str]:
    """Verdicts that blame size or host, and what is said for them."""
    return [f"{f.verdict}: {f.explanation}" for f in analysis.all_flows if f.verdict in ACCUSING]


def differences(scenario: Scenario, expected: Expectation) -> list[str]:
    """What is wrong about the tool's answer; empty if nothing is."""
    analysis = analysis_in(scenario, expected.view)
    flow = analysis.flow(scenario.flow_order(expected.view).index(expected.flow))
    wrong = []
    if flow.verdict not in expected.verdicts:
        wrong.append(f"verdict {flow.verdict} ({flow.confidence}), not {'|'.join(sorted(expected.verdicts))}")
    for name, wanted, got in (
        ("confidence", expected.confidence, flow.confidence),
        ("direction", expected.direction, flow.direction),
        ("exact", expected.exact, flow.path_mtu.exact),
        ("stalled", expected.stalled, flow.stalled.ip_len if flow.stalled else 0),
        ("retransmissions", expected.retransmissions, flow.stalled.retransmissions if flow.stalled else 0),
        ("bracket", expected.bracket, (flow.path_mtu.at_least, flow.path_mtu.at_most)),
    ):
        if wanted is not None and wanted != got:
            wrong.append(f"{name} {got}, not {wanted}")
    if expected.reason is not None and expected.reason not in [p.reason for p in flow.ptb if p.effect == "ignored"]:
        wrong.append(f"reasons {[p.reason for p in flow.ptb]}, not {expected.reason}")
    if expected.says is not None and expected.says not in flow.explanation:
        wrong.append(f"does not say {expected.says!r}")
    if expected.seconds is not None:
        shortest, longest = expected.seconds
        lasted = flow.stalled.seconds if flow.stalled else -1.0
        if not shortest <= lasted <= longest:
            wrong.append(f"stalled for {lasted:.3f} s, not {shortest} to {longest}")
    said = [flow.explanation, *(r.because for r in flow.ruled_out)]
    if flow.ptb and any("holds no PTB" in s or "no PTB about this flow" in s for s in said):
        wrong.append(f"says that there is no PTB, and names frame {flow.ptb[0].frame.frame}")
    wrong += _untrue(scenario, flow)
    if wrong:
        wrong.append(flow.explanation)
    return wrong


def _untrue(scenario: Scenario, flow: Flow) -> list[str]:
    """A bracket that does not hold the true path MTU, where the scenario tells it."""
    direction = {"server_to_client": "S>C", "client_to_server": "C>S"}.get(flow.direction or "", "")
    truth = scenario.truth().get(direction)
    if truth is None:
        return []
    low, high, exact = flow.path_mtu
    wrong = []
    if low is not None and low > truth:
        wrong.append(f"at_least {low} is more than the true {truth}")
    if high is not None and high < truth:
        wrong.append(f"at_most {high} is less than the true {truth}")
    if exact is not None and exact != truth:
        wrong.append(f"exact {exact} is not the true {truth}")
    return wrong
