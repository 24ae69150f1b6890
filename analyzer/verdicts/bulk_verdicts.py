"""Flows without trouble, most of any capture: judged from their counters, whole columns at a time.

What acquits a flow, or leaves it undecided, is in its row of the tables, unless what is recorded of its packets says
more, which `bulk_judged` tells. The rules are those of `unstalled_rules` for a direction without recorded packets and
PTBs; a test compares the two on every capture and on made-up counters. The words, the frames and all else come from
`judge` when somebody asks for the flow.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from analyzer.evidence.flow_index import Block, Collector
from analyzer.evidence.handshake import handshake_trips
from analyzer.evidence.row_addresses import host_keys
from analyzer.flows.flow_tables import SAW_BACKWARDS, SAW_FRAGMENT, SAW_MORE, SAW_SYN_ACK
from analyzer.model.verdicts import BY_NAME, VERDICTS
from analyzer.settings import INITIAL_TTLS, JITTER_NS, LEAST_MISSING, REQUEST_PACKETS, Settings
from analyzer.verdicts.bulk_exclusions import bulk_judged

Column = np.ndarray[Any, Any]

CODES = {verdict: np.uint8(code) for code, verdict in enumerate(VERDICTS)}
"""Verdicts as small numbers: the worse, the smaller."""


class BulkVerdicts(NamedTuple):
    """What the counters say of the rows of the flow table. Of rows that are not in `rows`, nothing."""

    rows: Column  # bool: flows that were seen and need no judge
    shown: Column  # bool: one of the rows of each such connection, of the point that saw most
    verdicts: Column  # uint8: VERDICTS index of each flow
    by_side: tuple[Column, Column]  # uint8: of the direction from endpoint 0, and from endpoint 1
    delivered: tuple[Column, Column]  # int32: largest packet with DF proven delivered, IP length; 0 if none


def bulk_verdicts(collector: Collector, settings: Settings) -> BulkVerdicts:
    """Judge all flows of which the counters decide. One that several points saw is left to the judge if one row is."""
    flows = collector.flows
    rows = bulk_judged(collector, settings)
    by_side = np.zeros((2, len(flows)), np.uint8)
    delivered = np.zeros((2, len(flows)), np.int32)
    for at, block in collector.blocks():
        rows[at] &= _counters_decide(block, settings)
        for side in (0, 1):
            by_side[side, at] = _judged(block, settings, side)
            delivered[side, at] = _delivered(block, side)
    rows[[ptb.flow for ptb in collector.ptbs if ptb.flow >= 0]] = False
    verdicts = np.minimum(*by_side)
    shown = rows
    if flows["point"].any():
        numbers = np.asarray(collector.numbers)
        judged = np.unique(numbers[~rows & (flows["packets"] > 0)])
        rows &= ~np.isin(numbers, judged)
        shown = _shown(numbers, rows, verdicts)
    return BulkVerdicts(
        rows=np.asarray(rows),
        shown=np.asarray(shown),
        verdicts=verdicts,
        by_side=(by_side[0], by_side[1]),
        delivered=(delivered[0], delivered[1]),
    )


def _counters_decide(block: Block, settings: Settings) -> Column:
    """Whether nothing in the rows needs a judge, bool."""
    flows, directions = block.flows, block.directions
    rows = (flows["packets"] > 0) & (flows["seen"] & SAW_BACKWARDS == 0)
    for side in (0, 1):
        rows &= directions["ptbs"][side::2] == 0
        rows &= ~_late_or_lost(flows, directions[side::2], side)
        # Whether a closed window held somebody back, only the packets tell.
        rows &= (directions["window_zero_ts"][side::2] == 0) & (
            _closed_ns(block, directions[side::2]) < settings.episode_span_ns
        )
    return np.asarray(rows)


def _shown(numbers: Column, rows: Column, verdicts: Column) -> Column:
    """Of each connection the row whose verdict stands, as `merge_points.chosen_of` picks it."""
    vague = np.array([not BY_NAME[name].decisive for name in VERDICTS])
    found = np.flatnonzero(rows)
    order = found[np.lexsort((found, verdicts[found], vague[verdicts[found]], numbers[found]))]
    shown = np.zeros(len(rows), bool)
    if len(order):
        shown[order[np.concatenate([[True], numbers[order][1:] != numbers[order][:-1]])]] = True
    return shown


def _judged(block: Block, settings: Settings, side: int) -> Column:
    """VERDICTS indices of one direction: the first rule of `plain.UNSTALLED` that applies."""
    flows = block.flows
    me, peer = block.directions[side::2], block.directions[1 - side :: 2]
    header = np.where(flows["version"] == 4, 40, 60)
    full = np.where(peer["mss"] > 0, peer["mss"] + header, 0)
    goal = np.where(full > 0, np.minimum(full, settings.exercised_bytes), settings.exercised_bytes)
    supers, nodf = me["super_packets"] > 0, me["nodf_packets"]
    cut = supers & (peer["mss"] <= 0)
    ok = (np.where(cut, 0, me["delivered"]) >= goal) | (supers & (me["una"] > me["first_seq"]) & (nodf == 0))
    own, others = _absent(me, peer), _absent(peer, me)
    lossy = _share(own, me["payload_bytes"], flows) > settings.capture_loss
    useless = _share(own + others, me["payload_bytes"] + peer["payload_bytes"], flows) > settings.capture_useless
    delivered_nodf = np.where(cut, 0, me["delivered_nodf"])
    no_df = (delivered_nodf > 0) & (nodf > 0) & (nodf < me["data_packets"])
    no_df |= (delivered_nodf >= goal) | (supers & (nodf > 0))
    out = np.full(len(flows), CODES["not_exercised"], np.uint8)
    for verdict, applies in (  # the last rule first: earlier ones overwrite it
        ("inconclusive", me["max_sent"] >= settings.exercised_bytes),
        ("no_df", no_df),
        ("inconclusive", lossy),
        ("ok", ok),
        ("loss", _losses(flows, me, side) > 0),
        ("inconclusive", _silent(block, settings, side)),
        ("inconclusive", _unrecorded_stall(flows, me, settings)),
        ("inconclusive", useless),
        ("inconclusive", (me["data_packets"] > 0) & (peer["packets"] == 0)),
    ):
        out[applies] = CODES[verdict]
    return out


def _unrecorded_stall(flows: Any, me: Any, settings: Settings) -> Column:
    """`UnstalledFacts.unrecorded_stall`."""
    hangs = (me["run_count"] >= settings.episode_retransmissions) & (me["una"] < me["snd_max"])
    return np.asarray((flows["seen"] & SAW_MORE != 0) & hangs)


def _delivered(block: Block, side: int) -> Column:
    """`Direction.delivered` of a direction of which nothing is recorded."""
    me, peer = block.directions[side::2], block.directions[1 - side :: 2]
    return np.asarray(np.where((me["super_packets"] > 0) & (peer["mss"] <= 0), 0, me["delivered"]))


def _absent(me: Any, peer: Any) -> Column:
    """`conversation.absent`."""
    arrive = (peer["packets"] > 0) & (peer["ttl_max"][:, None] == np.array(INITIAL_TTLS)).any(axis=1)
    return np.asarray(me["unseen"] + np.where(arrive, me["unseen_before"], 0))


def _share(unseen: Column, seen: Column, flows: Any) -> Column:
    """`conversation.missing_share`."""
    hidden = (flows["seen"] & SAW_FRAGMENT != 0) | (unseen < LEAST_MISSING)
    return np.asarray(np.where(hidden, 0, unseen) / np.maximum(unseen + seen, 1))


def _closed_ns(block: Block, peer: Any) -> Column:
    since = peer["window_zero_ts"]
    return np.asarray(np.maximum(peer["window_zero_longest"], np.where(since > 0, block.ends - since, 0)))


def _losses(flows: Any, me: Any, side: int) -> Column:
    """`UnstalledFacts.real_losses` where no hole decides."""
    longest = np.maximum(_handshake_rtt(flows, side), JITTER_NS)
    return np.asarray(_resent(me) + np.where(me["hole_longest"] > longest, me["filled"], 0))


def _late_or_lost(flows: Any, me: Any, side: int) -> Column:
    """Directions of which a hole alone is the loss, if longer than the round trip, which data may tell better."""
    rtt = _handshake_rtt(flows, side)
    may_be_less = (flows["events"] > 0) & ((rtt == 0) | (me["hole_longest"] <= rtt))
    return np.asarray((me["filled"] > 0) & (_resent(me) == 0) & (me["hole_longest"] > JITTER_NS) & may_be_less)


def _resent(me: Any) -> Column:
    return np.asarray(np.maximum(0, me["resent"] - me["spurious"] - me["dsacks"]))


def _handshake_rtt(flows: Any, side: int) -> Column:
    there, back = handshake_trips(flows)
    return np.where(flows["client"] == side, there, back)


def _silent(block: Block, settings: Settings, side: int) -> Column:
    """`UnstalledFacts.silence_ns` is long, and the capture was not taken at the one who is silent."""
    flows = block.flows
    me, peer = block.directions[side::2], block.directions[1 - side :: 2]
    answered = (me["una_known"] > 0) | (peer["una_known"] > 0)
    spoke = (me["data_packets"] > 0) | (peer["data_packets"] > 0)
    established = np.where(flows["seen"] & SAW_SYN_ACK, answered, spoke)
    at_sender = (me["packets"] > 0) & (me["ttl_max"][:, None] == np.array(INITIAL_TTLS)).any(axis=1)
    asked = (flows["client"] != side) & established
    asked &= (peer["last_data_ts"] > me["last_data_ts"]) & (peer["last_data_ts"] != 0)
    asked &= peer["una"] >= peer["snd_max"] - 1
    asked &= (peer["data_packets"] <= REQUEST_PACKETS) | (me["data_packets"] > 0)
    asked &= (me["fin_ts"] == 0) | (me["hole_ts"] != 0) | (me["una"] < me["snd_max"])
    long = block.ends - peer["last_data_ts"] >= settings.silence_ns
    return np.asarray(asked & long & ~at_sender)


def hosts_in_common(flows: Any, rows: Column, judged: Column, most: int) -> tuple[list[Column], int]:
    """The flows chosen by `rows` (bool), those between the same two addresses together: their numbers, ascending.

    All pairs of addresses that one of the `judged` (bool) has, too, and of the others the `most` seen first; and how
    many are left out.
    """
    found: list[Column] = []
    left_out = 0
    for version in (4, 6):
        of_version = flows["version"] == version
        members, known = np.flatnonzero(rows & of_version), np.flatnonzero(judged & of_version)
        if not len(members):
            continue
        keys = host_keys(flows, members, version)
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.concatenate([[True], keys[order][1:] != keys[order][:-1]]))
        ends = np.append(starts[1:], len(order))
        needed = np.isin(keys[order][starts], host_keys(flows, known, version))
        others = np.flatnonzero(~needed)
        others = others[np.argsort(order[starts][others], kind="stable")]  # by the first flow of each
        room = most - len(found)
        left_out += max(len(others) - room, 0)
        groups = np.concatenate([np.flatnonzero(needed), others[:room]]).tolist()
        del keys
        found += [members[order[starts[group] : ends[group]]] for group in groups]
    return found, left_out
