"""Recording one scenario, from empty namespaces to checked captures and their truth."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from lab.capture_file import CaptureFile, read_capture, write_capture
from lab.checks import check_capture, check_outcomes, first_gaps
from lab.network import ADDRESSES, LaboratoryError, Network
from lab.path import UserspacePath
from lab.scripted import Script
from lab.sniffer import Sniffer
from lab.traffic import Traffic
from lab.truths import HOLE
from lab.vocabulary import Capture, Scenario, Verdicts

Truth = dict[str, dict[str, Any]]
_HOLE_OPEN_NS = 3_000_000_000


def record(scenario: Scenario, targets: dict[Capture, Path]) -> Truth:
    """Record the captures in `targets` and return their entries of truth.json, by file name."""
    truth: Truth = {}
    raw = {capture: path.with_name(f".{path.name}.{os.getpid()}.part") for capture, path in targets.items()}
    try:
        outcomes = _record_raw(scenario, raw)
        check_outcomes(scenario, outcomes)
        for capture, path in targets.items():
            recorded = _finish(scenario, capture, raw[capture], path)
            truth[path.name] = truth_of(scenario, capture, recorded)
    finally:
        for path in raw.values():
            path.unlink(missing_ok=True)
    return truth


def write_script(script: Script, path: Path) -> Truth:
    """A scripted timeline needs no network: it is written down as it stands."""
    write_capture(path, script.capture())
    return {path.name: script.truth()}


def merge_truth(out: Path, entries: Truth) -> None:
    """Add to truth.json after every scenario, so that a partial run is of use."""
    path = out / "truth.json"
    truth = json.loads(path.read_text()) if path.exists() else {}
    truth.update(entries)
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(dict(sorted(truth.items())), indent=1) + "\n")
    partial.replace(path)


def _record_raw(scenario: Scenario, raw: dict[Capture, Path]) -> dict[int, str]:
    network = Network(scenario)
    path: UserspacePath | None = None
    sniffers: list[Sniffer] = []
    traffic = Traffic(network)
    try:
        network.build()
        if scenario.path.kind not in ("veth", "vxlan"):
            path = UserspacePath(network)
        network.finish()
        traffic.prepare()
        late = sorted(raw, key=lambda capture: capture.start)
        while late and not late[0].start:
            sniffers.append(Sniffer(network, late[0], raw[late.pop(0)]))
        if path is not None:
            path.start()
        traffic.start()
        begun, done_at = time.monotonic(), None
        while (now := time.monotonic() - begun) < scenario.seconds:
            if late and late[0].start <= now:
                sniffers.append(Sniffer(network, late[0], raw[late.pop(0)]))
            if done_at is None and traffic.all_done():
                done_at = now
            if done_at is not None and now > done_at + scenario.linger:
                break
            time.sleep(0.02)
        for sniffer in sniffers:
            sniffer.stop()
        ended = {index: outcome.ended for index, outcome in enumerate(traffic.outcomes)}
        if path is not None and path.errors:
            raise LaboratoryError(f"the path broke: {path.errors[0]!r}")
        if late:
            raise LaboratoryError("over before the recorder was started")
        return dict(ended)
    finally:
        for sniffer in sniffers:
            sniffer.kill()
        traffic.stop()
        if path is not None:
            path.close()
        network.destroy()


def _finish(scenario: Scenario, capture: Capture, raw: Path, path: Path) -> CaptureFile:
    recorded = read_capture(raw)
    for edit in capture.edits:
        recorded = edit.apply(recorded)
    check_capture(scenario, capture, recorded, path.name)
    write_capture(path, recorded)
    return recorded


def truth_of(scenario: Scenario, capture: Capture, recorded: CaptureFile) -> dict[str, Any]:
    """What the configuration says about one capture.

    Behind the narrow hop it is chance whether anything is recorded after a hole. Where the file ends with it,
    nobody can tell a hole from the first moment of ordinary loss, so `inconclusive` is allowed as well.
    """
    addresses = ADDRESSES[scenario.family]
    ends = (addresses.server, addresses.client)
    sender, receiver = ends if scenario.data == "download" else ends[::-1]
    short = {port for ports in _ending_at_hole(recorded) for port in ports}
    entry: dict[str, Any] = {
        "scenario": scenario.name,
        "shows": scenario.shows,
        "vantage": capture.role,
        "path_mtu": scenario.path_mtu,
        "path_mtu_back": scenario.path_mtu_back,
        "sender": sender,
        "receiver": receiver,
        "accept": list(_or_too_short(capture.accept, short)),
        "ptb": list(capture.ptb),
        "group": scenario.group,
    }
    if scenario.path_mtu_also is not None:
        entry["path_mtu_also"] = scenario.path_mtu_also
    if scenario.together:
        entry["together"] = True
    if capture.flows:
        entry["flows"] = {
            str(port): list(_or_too_short(accept, short & {port})) for port, accept in capture.flows.items()
        }
    if capture.why:
        entry["why"] = capture.why
    return entry


def _ending_at_hole(recorded: CaptureFile) -> list[tuple[int, int]]:
    """Ports of the connections whose first gap comes less than three seconds before the end of the file."""
    end = recorded.records[-1].time_ns
    return [ports for ports, at in first_gaps(recorded).items() if end - at < _HOLE_OPEN_NS]


def _or_too_short(accept: Verdicts, short: set[int]) -> Verdicts:
    return (*accept, "inconclusive") if short and accept == HOLE else accept
