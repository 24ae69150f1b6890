"""UDP conversations judged packet by packet, and made into flows and troubles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer.decode.tunnel import PROTO_UDP
from analyzer.evidence.dns_tries import Tries, tries_of
from analyzer.evidence.effort import Allowance
from analyzer.evidence.exchanges import talk_of
from analyzer.evidence.unasked import Unasked
from analyzer.flows.flow_tables import C_LAST_TS, State
from analyzer.knowledge.fixes import fixes_for
from analyzer.knowledge.fragment_fixes import fragment_fixes
from analyzer.model.flow import Flow, PathMtu, Ptb, Stalled
from analyzer.model.seen_sizes import together
from analyzer.model.statement import Fix, RuledOut, Statement
from analyzer.model.text import endpoint, plural, seconds
from analyzer.model.trouble import Trouble
from analyzer.model.verdicts import CONFIDENCES, SIZE_PROBLEMS, rank
from analyzer.settings import Settings
from analyzer.verdicts.conversation_around import Around
from analyzer.verdicts.conversation_facts import UdpFacts
from analyzer.verdicts.conversation_hosts import Hosts, TcpToPort53, pieces_of
from analyzer.verdicts.conversation_rules import UDP, UdpRule
from analyzer.verdicts.conversation_sizes import sizes_of
from analyzer.verdicts.plain_conversations import COUNTED, plain_flow
from analyzer.verdicts.rule import decide

if TYPE_CHECKING:
    from analyzer.evidence.conversation_rows import Tables
    from analyzer.evidence.icmp_errors import IcmpErrors
    from analyzer.evidence.ptb import PtbSeen
    from analyzer.verdicts.path_findings import Pools

MOST_FRAMES = 16

NAMES = {
    "dns": "DNS",
    "radius": "RADIUS",
    "ike": "IKE",
    "nfs": "NFS",
    "tftp": "TFTP",
    "dtls": "DTLS",
    "quic": "QUIC",
    "sip": "SIP",
    "udp": "UDP",
}
"""Protocols as people write them."""


class JudgedRecorded(NamedTuple):
    """What was found about the conversations with recorded datagrams."""

    flows: dict[int, Flow]  # by stream number
    troubles: tuple[Trouble, ...]
    unjudged: frozenset[int]  # stream numbers of those that are too many


def judge_recorded(
    tables: Tables,
    state: State,
    ptbs: Sequence[PtbSeen],
    errors: IcmpErrors,
    pools: Pools,
    settings: Settings,
    allowance: Allowance,
) -> JudgedRecorded:
    """Judge the conversations with recorded datagrams; they draw on the allowance."""
    flows = tables.datagrams["flow"]
    order = np.argsort(flows, kind="stable")
    starts = np.flatnonzero(np.diff(flows[order], prepend=-1))
    quoting: dict[tuple[str, int, str, int], list[PtbSeen]] = defaultdict(list)
    for ptb in ptbs:
        if ptb.quoted_protocol == PROTO_UDP and len(ptb.quoted_transport) >= 4:
            ports = ptb.quoted_transport
            key = (ptb.quoted_src, int.from_bytes(ports[:2]), ptb.quoted_dst, int.from_bytes(ports[2:4]))
            quoting[key].append(ptb)
    hosts = Hosts(tables)
    unasked = Unasked(tables)
    end = int(state.counters[C_LAST_TS])
    pieces = pieces_of(state)
    made: dict[int, Flow] = {}
    talks = []
    unjudged: set[int] = set()
    for place, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
        rows = order[place:stop]
        number = int(flows[rows[0]])
        if not tables.rows["first_frame"][number]:
            continue
        if allowance.allows_conversation(stop - place):
            talks.append(talk_of(number, tables.rows[number], tables.datagrams[rows], tables.header_bytes[rows]))
        elif tables.udp[number]:
            unjudged.add(int(tables.numbers[number]))
    tries: dict[int, list[Tries]] = defaultdict(list)
    for each in tries_of(talks, TcpToPort53(state)):
        for number in each.rows:
            tries[number].append(each)
    around = Around(talks, hosts, errors.refused, end)
    for talk in talks:
        number = talk.row
        (a, a_port), (b, b_port) = talk.ends
        about = sorted(
            [*quoting.get((a, a_port, b, b_port), []), *quoting.get((b, b_port, a, a_port), [])], key=lambda p: p.ts
        )
        sent = tables.sent[2 * number : 2 * number + 2]
        sides = [
            UdpFacts(
                talk=talk,
                ptbs=about,
                others=partial(hosts.beside, number, talk, {row for t in tries.get(number, ()) for row in t.rows}),
                carried=tuple(
                    max(pools[ends].at_least, default=0) if ends in pools else 0 for ends in ((a, b), (b, a))
                ),  # type: ignore[arg-type]
                end=end,
                both=bool((sent["packets"] > 0).all()),
                settings=settings,
                large=tables.large(number),
                side=side,
                around=around,
                unasked=partial(unasked.at, number),
                pieces=pieces,
                tunnel=tables.tunnel(number),
                tries=tries.get(number, ()),
            )
            for side in (talk.client, 1 - talk.client)
        ]
        decided = [(decide(UDP, facts), facts) for facts in sides]
        rule, facts = min(decided, key=lambda each: rank(each[0].verdict))
        flow = _flow(tables, number, facts, rule, settings)
        known = made.get(flow.stream)
        made[flow.stream] = flow if known is None else _of_points(known, flow)
    return JudgedRecorded(made, tuple(_troubles(made.values(), settings)), frozenset(unjudged - made.keys()))


HEALTHY = ("ok", "pmtud_ok", "no_df")


def _of_points(one: Flow, other: Flow) -> Flow:
    """Of what two capture points tell of a conversation: that it is healthy, if one does; else the worse."""
    healthy = [flow for flow in (one, other) if flow.verdict in HEALTHY]
    return healthy[0] if healthy else min(one, other, key=lambda flow: rank(flow.verdict))


def _flow(tables: Tables, row: int, facts: UdpFacts, rule: UdpRule, settings: Settings) -> Flow:
    plain = plain_flow(tables, row, int(tables.numbers[row]))
    talk = facts.talk
    side = facts.side
    about_size = rule.verdict in SIZE_PROBLEMS
    if facts.ptb is not None and (facts.ptb.quoted_src, int.from_bytes(facts.ptb.quoted_transport[:2])) in talk.ends:
        side = talk.ends.index((facts.ptb.quoted_src, int.from_bytes(facts.ptb.quoted_transport[:2])))
    size = _bracket(facts, rule) if about_size or facts.ptb is not None else PathMtu()
    return replace(
        plain,
        verdict=rule.verdict,
        confidence=rule.confidence(facts),
        direction=None
        if rule.id in COUNTED and facts.ptb is None
        else "client_to_server"
        if side == talk.client
        else "server_to_client"
        if about_size or facts.ptb is not None or rule.id in OPEN
        else None,
        path_mtu=size,
        stalled=_stalled(facts) if about_size else None,
        ptb=tuple(
            Ptb(
                p.ref,
                p.router,
                p.mtu,
                "ignored" if rule.verdict == "ptb_ignored" else "accepted",
                "host" if rule.verdict == "ptb_ignored" else None,
            )
            for p in facts.valid_ptbs
        ),
        ruled_out=tuple(_ruled_out(facts)) if about_size and facts.stuck else (),
        explanation=rule.words(facts),
        evidence=tuple(_evidence(facts)) if about_size and facts.stuck else (),
        rests_on=rule.frames(facts)[:MOST_FRAMES],
        rule=rule.id,
        protocol=talk.protocol,
        fixes=_fixes(facts, rule.verdict, side, size, settings) if about_size else (),
        seen=sizes_of(facts, side, arrived=rule.id in PARTS_CAME) if about_size or rule.id in OPEN else None,
    )


def _bracket(facts: UdpFacts, rule: UdpRule) -> PathMtu:
    if facts.ptb is not None:
        return PathMtu(None, facts.ptb.mtu, facts.ptb.mtu)
    if rule.verdict == "fragment_loss" or not facts.stuck:
        return PathMtu()
    whole = [s.size for s in facts.delivered if not s.fragmented and s.size < facts.size]
    came = max([*whole, *(size for _, size, _ in facts.controls)], default=None)
    return PathMtu(came, facts.size - 1, None)


def _stalled(facts: UdpFacts) -> Stalled | None:
    if not facts.stuck:
        return None
    best = facts.stuck[0]
    first = best.sent[0]
    return Stalled(
        frames=best.frames[:MOST_FRAMES],
        first_frame=first.ref,
        ip_len=best.size,
        payload_len=first.payload,
        seq=0,
        df=first.df,
        retransmissions=best.times,
        seconds=(best.last - best.first) / 1e9,
        first_time=best.first,
        last_time=best.last,
    )


def _evidence(facts: UdpFacts) -> Iterator[Statement]:
    for each in facts.stuck[:4]:
        span = seconds((each.last - each.first) / 1e9)
        kind = "fragmented by its sender" if each.sent[0].fragmented else "with DF" if each.sent[0].df else "without DF"
        if each.asked:
            frames = tuple(s.ref for s in each.asked)
            yield Statement(
                f"asked again: {plural(len(each.asked) - 1, 'time')} over {span}, although an answer had been sent",
                frames[:MOST_FRAMES],
            )
        yield Statement(
            f"lost: {plural(len(each.sent), 'datagram')} of {each.size} bytes {kind}, over {span}",
            each.frames[:MOST_FRAMES],
        )
    if facts.controls:
        sizes = [size for _, size, _ in facts.controls]
        yield Statement(
            f"control: {plural(len(facts.controls), 'smaller one')} of up to {max(sizes)} bytes came",
            tuple(ref for _, _, ref in facts.controls)[:MOST_FRAMES],
        )
    if facts.on_one_link:
        yield Statement("no packet had passed a router, so that nothing tells at which end it was captured", ())


def _ruled_out(facts: UdpFacts) -> Iterator[RuledOut]:
    yield RuledOut("pmtud_ok", "no PTB about this conversation in this capture", ())
    if facts.control is not None:
        yield RuledOut("dead_path", "a smaller one came meanwhile", (facts.control,))
    yield RuledOut("loss", "none as large is known to come", ())


def _fixes(facts: UdpFacts, verdict: str, side: int, size: PathMtu, settings: Settings) -> tuple[Fix, ...]:
    (sender, _), (receiver, _) = facts.talk.ends[side], facts.talk.ends[1 - side]
    server = facts.talk.ends[1 - facts.talk.client][0]
    ports = {port for _, port in facts.talk.ends}
    if verdict == "fragment_loss":
        return fragment_fixes(sender, receiver, facts.talk.protocol, ports, server=server)
    own = fragment_fixes(sender, receiver, facts.talk.protocol, ports, server=server, came=size.at_least, own_only=True)
    general = fixes_for(
        verdict,
        sender_ip=sender,
        receiver_ip=receiver,
        path_mtu=size,
        version=6 if ":" in sender else 4,
        ptb_reasons=("host",) if verdict == "ptb_ignored" else (),
        platforms=settings.platforms,
    )
    tcp_only = {"clamp_mss", "mtu_probing"}
    kept = [fix for fix in general if fix.step not in tcp_only]
    confirm = [fix for fix in kept if fix.kind in ("confirm", "measure")]
    return (*confirm, *own, *(fix for fix in kept if fix.kind not in ("confirm", "measure")))


def _troubles(flows: Iterable[Flow], settings: Settings) -> Iterator[Trouble]:
    """The conversations that accuse, or that large datagrams keep from going on for whatever reason.

    Those of the same two hosts and service are told as one.
    """
    alike: dict[tuple[object, ...], list[Flow]] = defaultdict(list)
    for flow in sorted(flows, key=lambda flow: flow.stream):
        if flow.verdict in SIZE_PROBLEMS or flow.rule in OPEN:
            kind = flow.verdict if flow.verdict in ("fragment_loss", "inconclusive") else ""
            alike[flow.sender.ip, flow.receiver.ip, kind, flow.protocol].append(flow)
    for members in alike.values():
        best = min(
            members,
            key=lambda f: (
                rank(f.verdict),
                CONFIDENCES.index(f.confidence),
                -(f.stalled.retransmissions if f.stalled else 0),
            ),
        )
        yield _trouble(best, members)


OPEN = frozenset({"udp/moved", "udp/fragments-hidden"})
"""Rules of exchanges that fail on large datagrams, where this end cannot tell why: told with where to capture."""

PARTS_CAME = frozenset({"udp/parts-missing"})
"""Rules whose datagrams all arrived where they were captured: what they lack never did."""

SAYS = {
    "blackhole": "meet a PMTUD black hole",
    "blackhole_probable": "probably meet a PMTUD black hole",
    "blackhole_suspected": "may meet a PMTUD black hole",
    "blackhole_recovered": "met a PMTUD black hole",
    "ptb_ignored": "are sent on although PTBs (ICMP packet too big) came",
    "fragment_loss": "get lost in fragments, as it seems",
    "inconclusive": "get no answer, for their size or for another reason",
}


def _trouble(best: Flow, members: Sequence[Flow]) -> Trouble:
    name = NAMES[best.protocol]
    several = f", as in {plural(len(members) - 1, 'more conversation')}," if len(members) > 1 else ""
    ends = (endpoint(best.sender), endpoint(best.receiver))
    stuck = [flow.stalled for flow in members if flow.stalled is not None]
    return Trouble(
        kind="udp",
        protocol="udp",
        verdict=best.verdict,
        confidence=best.confidence,
        sender=best.sender.ip,
        receiver=best.receiver.ip,
        path_mtu=best.path_mtu,
        lost=min((each.ip_len for each in stuck), default=None),
        headline=f"Large {name} datagrams from {ends[0]} to {ends[1]}{several} {SAYS[best.verdict]}.",
        explanation=best.explanation,
        rests_on=best.rests_on,
        evidence=best.evidence,
        ruled_out=best.ruled_out,
        fixes=best.fixes,
        first_time=min((each.first_time for each in stuck), default=best.first_time),
        last_time=max((each.last_time for each in stuck), default=best.last_time),
        reason="host" if best.verdict == "ptb_ignored" else None,
        ptbs=tuple(ptb.frame for ptb in best.ptb) if best.verdict == "ptb_ignored" else (),
        streams=tuple(flow.stream for flow in members),
        example=best.stream,
        seen=together([flow.seen for flow in members if flow.seen is not None]),
        rule_id=best.rule,
    )
