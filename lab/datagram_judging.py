"""Holds the analyzer against what `record_datagrams` recorded: `python -m lab.datagram_judging DIR`.

The truth is what the captures of both ends show together. What a capture of one end can show of it is told here, by how
the protocols work.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import analyzer
from analyzer.model.verdicts import SIZE_PROBLEMS

ENDS = {"client": ("client_to_server", "192.0.2.2"), "server": ("server_to_client", "198.51.100.2")}
HEALTHY_STATES = ("healthy", "ptb")
PROBES = ("quic_probing",)
"""Programs that send large ones to see whether they pass: that they do not is no fault."""

CANNOT_TELL = {
    ("quic", "client"): "nothing at all came back: a firewall that lets no QUIC pass looks so",
    ("quic_later", "server"): "all is encrypted by then",
    ("ike", "client"): "nothing of port 4500 came back: a firewall that drops it looks so",
    ("ike_fragmented_large", "client"): "as above",
    ("wireguard_voice", "server"): "voice comes back all the time, so that no silence shows",
    ("ipsec_voice", "server"): "as above",
    ("openvpn_voice", "server"): "as above",
}
"""At the end that sent what got lost."""


def fault(truth: dict[str, Any], end: str) -> bool:
    """Whether large datagrams that this end sent got lost for their size."""
    if truth["state"] in HEALTHY_STATES or truth["program"] in PROBES:
        return False
    return bool(truth[ENDS[end][0]]["large_lost"])


def wrong(analysis: analyzer.Analysis, truth: dict[str, Any], end: str) -> Iterator[str]:
    """What is wrong about what is said of a capture taken at `end`."""
    other = "server" if end == "client" else "client"
    lost = {ENDS[each][1] for each in ENDS if fault(truth, each)}
    accused = [each for each in analysis.all_troubles if each.verdict in SIZE_PROBLEMS]
    for each in accused:
        low, high, _ = each.path_mtu
        if each.sender not in lost:
            yield f"{each.rule} is false: nothing of {each.sender} got lost for its size"
        elif not (low or 0) <= truth["carried"] <= (high or 1 << 16):
            yield f"{each.rule}: {low}..{high} does not hold {truth['carried']}"
    if truth["tunnel"] and accused:
        yield "a tunnel is accused"
    said = [each for each in analysis.all_troubles if each.kind == "tunnels"]
    if said and (end, True) != (end, fault(truth, end)):
        yield "a timer is seen in a tunnel that is not stuck"
    healthy = [flow.rule for flow in analysis.all_udp_flows if flow.verdict in ("ok", "no_df")]
    if lost and healthy:
        yield f"{healthy[0]}: large ones got lost"
    found = said if truth["tunnel"] else [each for each in accused if each.sender == ENDS[end][1]]
    if fault(truth, end) and not found and (truth["program"], end) not in CANNOT_TELL:
        yield f"what {end} sent is not found lost"
    if fault(truth, other) and not accused and any(flow.verdict == "pmtud_ok" for flow in analysis.all_udp_flows):
        yield "pmtud_ok, at the receiver of what got lost"


def main(arguments: Sequence[str]) -> int:
    """Judge all of a folder."""
    folder = Path(arguments[0])
    truths = json.loads((folder / "truth.json").read_text())
    right = total = 0
    for path in sorted(folder.glob("*.pcap")):
        name, _, end = path.stem.rpartition("_")
        words = list(wrong(analyzer.analyze(path), truths[name], end))
        total += 1
        right += not words
        for each in words:
            print(f"{path.stem}: {each}")
    print(f"{right} of {total} right")
    return int(right != total)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
