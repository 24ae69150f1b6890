"""Pings of a path: which sizes were answered, and whether those that were not show a black hole.

A ping that an ICMP error of another kind than PTB is about tells nothing of sizes; answers whose pings are not there
tell that the capture misses packets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analyzer.decode.icmp import KIND_ECHO_REPLY, KIND_ECHO_REQUEST
from analyzer.evidence.icmp_errors import Echo
from analyzer.evidence.ptb import PtbSeen
from analyzer.evidence.row_addresses import row_address
from analyzer.model.path import Probe, Unprobing
from analyzer.model.statement import FrameRef
from analyzer.model.trouble import Trouble
from analyzer.settings import ANSWERED_BY_NS, Settings
from analyzer.verdicts.sweep import Hosts, Sweep, Trial, Words, judged_sweep

PINGS = Words(
    kind="pings",
    one="ping",
    plain="pings",
    answer="",
    doubt="whether the pings or their answers were lost, pings do not tell",
)


@dataclass(slots=True)
class Pings:
    """The pings from one address to another."""

    probes: list[Probe] = field(default_factory=list)  # with DF, as captured
    trials: list[Trial] = field(default_factory=list)  # in order of time
    unprobing: list[tuple[int, bool, bool]] = field(default_factory=list)  # size, in fragments, answered
    refused: set[FrameRef] = field(default_factory=set)  # of `probes`, those that got an ICMP error other than a PTB
    missed: int = 0  # answers to pings that are not there, although the capture had begun

    @property
    def without_df(self) -> Unprobing | None:
        """The others: what they say of the path MTU is nothing."""
        if not self.unprobing:
            return None
        answered = [each for each in self.unprobing if each[2]]
        return Unprobing(len(self.unprobing), len(answered), sum(fragmented for _, fragmented, _ in self.unprobing))


def pings_of(icmps: Any, errors: Collection[Echo], ptbs: Sequence[PtbSeen], settings: Settings) -> dict[Hosts, Pings]:
    """All pings by source and destination; those without DF only where they are large, or in fragments.

    Args:
        icmps: the table of ICMP messages.
        errors: the pings about which there are errors other than PTBs.
        ptbs: of the capture.
        settings: thresholds.
    """
    told = {
        (ptb.quoted_src, ptb.quoted_dst, *ptb.quoted_echo): ptb.mtu
        for ptb in reversed(ptbs)
        if ptb.quoted_echo is not None and ptb.is_valid
    }
    replies: dict[tuple[str, str, int, int], tuple[FrameRef, int, int]] = {}
    for index in np.flatnonzero(icmps["kind"] == KIND_ECHO_REPLY).tolist():
        row = icmps[index]
        dst, src = _ends(row)
        replies.setdefault(
            (src, dst, int(row["echo_id"]), int(row["echo_seq"])), (_ref(row), int(row["ttl"]), int(row["ts"]))
        )
    found: dict[Hosts, Pings] = defaultdict(Pings)
    known: dict[Hosts, dict[tuple[int, int, int], Trial]] = defaultdict(dict)
    first: dict[Hosts, int] = {}
    asked = set()
    for index in np.flatnonzero(icmps["kind"] == KIND_ECHO_REQUEST).tolist():
        row = icmps[index]
        hosts, size = _ends(row), int(row["ip_len"])
        key = (*hosts, int(row["echo_id"]), int(row["echo_seq"]))
        reply, reply_ttl, _ = replies.get(key, (None, 0, 0))
        first.setdefault(hosts, int(row["ts"]))
        asked.add(key)
        if row["fragment"] or not row["df"]:
            if row["fragment"] or size >= settings.exercised_bytes:
                found[hosts].unprobing.append((size, bool(row["fragment"]), reply is not None))
            continue
        found[hosts].probes.append(Probe(_ref(row), size, reply, told.get(key)))
        if key in errors and reply is None:
            found[hosts].refused.add(_ref(row))
            continue
        trial = Trial(_ref(row), int(row["ts"]), size, reply, told.get(key), int(row["ttl"]), reply_ttl)
        known[hosts].setdefault((key[2], key[3], size), trial)
    for key in replies.keys() - asked:
        hosts = (key[0], key[1])
        if hosts in found and replies[key][2] > first[hosts] + ANSWERED_BY_NS:
            found[hosts].missed += 1
    for hosts, trials in known.items():
        found[hosts].trials = sorted(trials.values(), key=lambda trial: trial.ts)
    return found


def _ends(row: Any) -> Hosts:
    version = int(row["version"])
    return row_address(row, "s", version), row_address(row, "d", version)


def _ref(row: Any) -> FrameRef:
    return FrameRef(int(row["file"]), int(row["frame"]))


def judged_pings(hosts: Hosts, pings: Pings, carried: int, end: int, settings: Settings) -> Trouble | None:
    """The black hole that pings show, or None.

    Args:
        hosts: from where, and to where.
        pings: all between them.
        carried: bytes of IP of the largest other packet that is known to get through this way, 0 unknown.
        end: when the capture ends, ns.
        settings: thresholds.
    """
    protocol = "icmpv6" if ":" in hosts[0] else "icmp"
    return judged_sweep(hosts, Sweep(pings.trials, end, pings.missed), PINGS, protocol, carried, settings)
