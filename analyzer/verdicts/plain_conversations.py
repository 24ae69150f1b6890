"""The flows of UDP conversations that nobody judges packet by packet: their counters decide, or there are too many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from analyzer.evidence.exchanges import OTHER
from analyzer.evidence.row_addresses import row_address
from analyzer.model.flow import Endpoint, Flow, PathMtu
from analyzer.model.statement import FrameRef, Statement
from analyzer.model.text import plural
from analyzer.verdicts.conversation_rules import UDP
from analyzer.verdicts.rule import decide
from analyzer.verdicts.unjudged_rules import TOO_MANY, UNJUDGED

if TYPE_CHECKING:
    from analyzer.evidence.conversation_rows import Tables


def plain_flow(tables: Tables, row: int, stream: int) -> Flow:
    """A conversation without trouble."""
    each, sent = tables.rows[row], tables.sent[2 * row : 2 * row + 2]
    version, client = int(each["version"]), int(each["client"])
    ends = [Endpoint(row_address(each, name, version), int(each[f"port_{name}"])) for name in "ab"]
    facts = _Counted(bool((sent["packets"] > 0).all()), tables.large(row), tables.tunnel(row))
    rule = next(rule for rule in UDP if rule.id in COUNTED and rule.applies(facts))  # type: ignore[arg-type]
    return Flow(
        stream=stream,
        client=ends[client],
        server=ends[1 - client],
        verdict=rule.verdict,
        confidence=rule.confidence(facts),  # type: ignore[arg-type]
        direction=None,
        path_mtu=PathMtu(),
        stalled=None,
        ptb=(),
        ruled_out=(),
        explanation=rule.words(facts),  # type: ignore[arg-type]
        evidence=(),
        packet_count=int(sent["packets"].sum()),
        bytes=int(sent["bytes"].sum()),
        first_time=int(each["first_ts"]),
        last_time=int(each["last_ts"]),
        file=int(each["file"]),
        first_frame=int(each["first_frame"]),
        rule=rule.id,
        protocol=_protocol(ends),
    )


def unjudged_flow(tables: Tables, row: int, stream: int) -> Flow:
    """A conversation that is not judged, since there are too many."""
    plain = plain_flow(tables, row, stream)
    frame = FrameRef(plain.file, plain.first_frame)
    text = (
        "Too much to judge: more UDP conversations of this capture have trouble than are judged of a compressed file "
        f"of its size; this one has {plural(plain.packet_count, 'datagram')}, {int(tables.rows['resent'][row])} of "
        "them sent again. Decompress the capture, and all are judged"
    )
    decided = decide(UNJUDGED, TOO_MANY)
    return replace(
        plain,
        verdict=decided.verdict,
        rule=decided.id,
        confidence=decided.confidence(TOO_MANY),
        explanation=text,
        evidence=(Statement(text, (frame,)),),
        rests_on=(frame,),
    )


COUNTED = frozenset({"udp/in-tunnel", "udp/one-direction", "udp/full-size", "udp/without-df", "udp/small"})
"""Rules that counters alone decide."""


class _Counted:
    """The facts that counters tell."""

    def __init__(self, both: bool, large: tuple[int, int, int], tunnel: int) -> None:
        self.both = both
        self.large = large
        self.tunnel = tunnel


def _protocol(ends: Iterable[Endpoint]) -> str:
    ports = {end.port for end in ends}
    known = {53: "dns", 1812: "radius", 1813: "radius", 500: "ike", 2049: "nfs", 69: "tftp"}
    return next((name for port, name in known.items() if port in ports), OTHER)
