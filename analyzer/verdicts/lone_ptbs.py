"""PTBs that quote packets of no TCP flow in the capture: what they say, and whether the sender goes by them.

Where the same bytes are quoted again, too big as before, more than a second later and before the sender may have
forgotten the first PTB, it sent them again at that size: it does not obey, or the PTBs do not reach it. TCP tells the
same bytes by their sequence number, UDP by its checksum; other protocols do not tell them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from ipaddress import ip_address
from itertools import islice
from typing import Any

import numpy as np

from analyzer.evidence.icmp_errors import IcmpErrors, is_closed
from analyzer.evidence.ptb import PtbSeen
from analyzer.knowledge.fixes import fixes_for
from analyzer.model.flow import PathMtu
from analyzer.model.fragment_count import protocol_name
from analyzer.model.seen_ptb import SeenPtb
from analyzer.model.statement import FrameRef, RuledOut, Statement
from analyzer.model.text import plural, seconds
from analyzer.model.trouble import Trouble
from analyzer.model.wire_sizes import LEAST_V4_MTU, LEAST_V6_MTU
from analyzer.settings import PTB_AGAIN_NS, PTB_FORGOTTEN_NS, Settings

TCP, UDP = 6, 17
WITH_PORTS = frozenset({TCP, UDP, 33, 132, 136})

TOLD_BYTES = 8
"""Of the quoted packet behind its IP header, what every router quotes (RFC 792)."""

WITHOUT_SUM = 24
"""So many where UDP has no checksum."""

MOST_FRAMES = 16

MOST_TROUBLES = 1_000
"""Senders and receivers that are told of."""

NOTED = 5
"""Kinds of PTBs that are told in a note each."""


def judged(
    ptbs: Sequence[PtbSeen],
    flows: Any,
    numbers: Any,
    settings: Settings,
    told: AbstractSet[FrameRef],
    errors: IcmpErrors,
) -> tuple[tuple[SeenPtb, ...], list[Trouble]]:
    """All PTBs, as they are reported, and the senders that do not go by them.

    Args:
        ptbs: of the capture.
        flows: rows of the flow table.
        numbers: the stream of each row of the flow table.
        settings: for the fixes.
        told: PTBs that verdicts of flows tell of.
        errors: the other ICMP errors.
    """
    troubles = list(_not_obeyed(ptbs, settings, told, flows, errors))
    ignored = {ref: trouble for trouble in troubles for ref in trouble.ptbs}
    seen = []
    for ptb in ptbs:
        record = _record(ptb, int(numbers[ptb.flow]) if ptb.flow >= 0 else None)
        trouble = ignored.get(ptb.ref)
        if trouble is not None:
            record = replace(record, effect="ignored", reason=trouble.reason, verdict=trouble.verdict)
        seen.append(record)
    return tuple(seen), troubles


def _record(ptb: PtbSeen, stream: int | None) -> SeenPtb:
    sport, dport = _ports(ptb)
    return SeenPtb(
        frame=ptb.ref,
        time=ptb.ts,
        stream=stream,
        router=ptb.router,
        destination=ptb.target,
        mtu=ptb.mtu,
        protocol=protocol_name(ptb.quoted_protocol) if ptb.quoted_protocol >= 0 else "",
        source=ptb.quoted_src,
        source_port=sport,
        receiver=ptb.quoted_dst,
        receiver_port=dport,
        ip_len=ptb.quoted_len,
        cut=ptb.quoted_protocol < 0 or (ptb.quoted_protocol in WITH_PORTS and dport is None),
    )


def _ports(ptb: PtbSeen) -> tuple[int | None, int | None]:
    quoted = ptb.quoted_transport if ptb.quoted_protocol in WITH_PORTS else b""
    return (
        int.from_bytes(quoted[:2]) if len(quoted) >= 2 else None,
        int.from_bytes(quoted[2:4]) if len(quoted) >= 4 else None,
    )


def _is_alone(ptb: PtbSeen) -> bool:
    """Whether it is about no flow of the capture, and no ping."""
    return ptb.flow < 0 and ptb.quoted_echo is None


def _not_obeyed(
    ptbs: Sequence[PtbSeen], settings: Settings, told: AbstractSet[FrameRef], flows: Any, errors: IcmpErrors
) -> Iterator[Trouble]:
    """The senders that send the same bytes again, too big, although PTBs came."""
    same: dict[tuple[str, str, int, bytes], list[PtbSeen]] = defaultdict(list)
    for ptb in ptbs:
        if _is_alone(ptb) and (known := _same_bytes(ptb)):
            same[ptb.quoted_src, ptb.quoted_dst, ptb.quoted_protocol, known].append(ptb)
    ignored: dict[tuple[str, str, int], list[list[PtbSeen]]] = defaultdict(list)
    for (src, dst, protocol, _), quoting in same.items():
        quoting.sort(key=lambda ptb: ptb.ts)
        if any(_again(*pair) for pair in _in_turn(quoting)) and told.isdisjoint(ptb.ref for ptb in quoting):
            ignored[src, dst, protocol].append(quoting)
    known_ends = _ends_of(flows) if any(protocol == TCP for _, _, protocol in ignored) else None
    for (src, dst, protocol), groups in islice(sorted(ignored.items()), MOST_TROUBLES):
        # Where the receiver has flows here, a NAT may have rewritten one of them: its verdict says so.
        if protocol == TCP and known_ends is not None:
            left = [quoting for quoting in groups if not (known_ends == _end_key(dst, _ports(quoting[0])[1])).any()]
        else:
            left = [quoting for quoting in groups if not _is_probe(quoting[0], errors)]
        if left:
            yield _trouble(src, dst, protocol, left, settings)


def _is_probe(ptb: PtbSeen, errors: IcmpErrors) -> bool:
    """Whether it quotes UDP whose receiver refuses others of it: nobody is served by what probes a path."""
    sport, dport = _ports(ptb)
    if ptb.quoted_protocol != UDP or sport is None or dport is None:
        return False
    return is_closed(errors.refused.about(ptb.quoted_src, sport, ptb.quoted_dst, dport))


def _in_turn(quoting: Sequence[PtbSeen]) -> Iterator[tuple[PtbSeen, PtbSeen]]:
    """Each PTB, and the earliest before it that its sender has not yet forgotten."""
    first = 0
    for ptb in quoting:
        while quoting[first].ts < ptb.ts - PTB_FORGOTTEN_NS:
            first += 1
        yield quoting[first], ptb


def _again(one: PtbSeen, other: PtbSeen) -> bool:
    """Whether the second quotes what was sent again, too big, in spite of the first: not the same packet once more."""
    same = one.quoted_id == other.quoted_id > 0
    return not same and other.ts > one.ts + PTB_AGAIN_NS and other.quoted_len > _limit(one)


def _ends_of(flows: Any) -> Any:
    """A number for each end of each flow, the same for the same address and port."""
    flows = flows[flows["packets"] > 0]  # others were only quoted
    ends = [_key([flows[f"{end}{i}"] for i in range(4)], flows[f"port_{end}"]) for end in "ab"]
    return np.concatenate(ends)


def _end_key(address: str, port: int | None) -> int:
    packed = ip_address(address).packed.ljust(16, b"\0")
    words = [np.array([int.from_bytes(packed[i : i + 4])], np.uint32) for i in range(0, 16, 4)]
    return int(_key(words, np.array([port or 0]))[0])


def _key(words: Sequence[Any], port: Any) -> Any:
    mixed = words[0].astype(np.uint64)
    for word in words[1:]:
        mixed = mixed * np.uint64(0x9E3779B1) + word
    return mixed * np.uint64(1 << 16) + port.astype(np.uint64)


def _same_bytes(ptb: PtbSeen) -> bytes:
    """What two quotes have in common if and only if they are of the same bytes; empty where nothing tells."""
    quoted = ptb.quoted_transport
    if ptb.quoted_protocol not in (TCP, UDP) or len(quoted) < TOLD_BYTES or ptb.quoted_len <= 0:
        return b""
    if ptb.quoted_protocol == UDP and quoted[6:8] == bytes(2):
        return quoted[:WITHOUT_SUM] if len(quoted) >= WITHOUT_SUM else b""
    return quoted[:TOLD_BYTES]


def _limit(ptb: PtbSeen) -> int:
    """Bytes of IP that are not too big, as it says."""
    return ptb.mtu if LEAST_V4_MTU <= ptb.mtu < ptb.quoted_len else ptb.quoted_len - 1


def _reason(ptb: PtbSeen) -> str:
    if ptb.checksum_wrong:
        return "checksum"
    if ptb.version == 6 and ptb.mtu < LEAST_V6_MTU:
        return "below_1280"
    if ptb.mtu < LEAST_V4_MTU:
        return "mtu_zero"
    return "mtu_not_smaller" if ptb.mtu >= ptb.quoted_len else "host"


def _trouble(src: str, dst: str, protocol: int, groups: Sequence[Sequence[PtbSeen]], settings: Settings) -> Trouble:
    ptbs = sorted((ptb for group in groups for ptb in group), key=lambda ptb: ptb.ts)
    longest = max(groups, key=lambda group: group[-1].ts - group[0].ts)
    first, last = longest[0], longest[-1]
    reason, name = _reason(first), protocol_name(protocol).upper()
    valid = [ptb.mtu for ptb in ptbs if ptb.is_valid]
    size = PathMtu(None, min(ptb.quoted_len for ptb in ptbs) - 1, min(valid, default=None))
    if size.exact is not None:
        size = PathMtu(None, size.exact, size.exact)
    lost = min(ptb.quoted_len for ptb in ptbs)
    span = seconds((last.ts - first.ts) / 1e9)
    frames = tuple(ptb.ref for ptb in ptbs)[:MOST_FRAMES]
    sport, dport = _ports(first)
    bytes_of = f"the same {first.quoted_len}-byte {name} packet of {_end(src, sport)} to {_end(dst, dport)}"
    return Trouble(
        kind="ptbs",
        protocol=protocol_name(protocol),
        verdict="ptb_ignored",
        confidence="medium" if protocol == TCP else "low",
        sender=src,
        receiver=dst,
        path_mtu=size,
        lost=lost,
        headline=f"PTBs (ICMP packet too big) do not keep {src} from sending large {name} packets to {dst}.",
        explanation=(
            f"{plural(len(longest), 'PTB')} from {first.router} quote {bytes_of}, MTU {first.mtu}, over {span}: it was "
            "sent again, too big as before. The sender does not go by them, or they do not reach it"
            f"{'' if protocol == TCP else ', or a program probes sizes by itself'}."
        ),
        rests_on=tuple(ptb.ref for ptb in longest)[:MOST_FRAMES],
        evidence=(
            Statement(f"the first PTB about it, sent to {first.target}, MTU {first.mtu}", (first.ref,)),
            Statement(f"the last one, {span} later: the quoted packet still has {last.quoted_len} bytes", (last.ref,)),
            Statement(
                f"{plural(len(groups), 'packet')} that PTBs quote again, {plural(len(ptbs), 'PTB')} in all",
                frames,
            ),
        ),
        ruled_out=(
            RuledOut(
                "pmtud_ok", "the same bytes were sent again at a size that the PTB had said is too big", (last.ref,)
            ),
        ),
        fixes=fixes_for(
            "ptb_ignored",
            sender_ip=src,
            receiver_ip=dst,
            path_mtu=size,
            version=first.version,
            ptb_reasons=(reason,),
            platforms=settings.platforms,
        ),
        first_time=ptbs[0].ts,
        last_time=ptbs[-1].ts,
        reason=reason,
        ptbs=tuple(ptb.ref for ptb in ptbs),
    )


def _end(address: str, port: int | None) -> str:
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def notes_of(ptbs: Iterable[PtbSeen], *, several: bool) -> Iterator[str]:
    """A sentence about the PTBs of each kind, of very many the first. `several`: there are several files."""
    kinds: dict[tuple[object, ...], list[SeenPtb]] = defaultdict(list)
    for ptb in (_record(each, None) for each in ptbs if _is_alone(each)):
        key = (ptb.router, ptb.destination, ptb.mtu, ptb.protocol, ptb.source, ptb.source_port)
        kinds[(*key, ptb.receiver, ptb.receiver_port)].append(ptb)
    for alike in list(kinds.values())[:NOTED]:
        yield _note(alike, several=several)
    if len(kinds) > NOTED:
        more = sum(len(alike) for alike in list(kinds.values())[NOTED:])
        yield f"{plural(more, 'more PTB')} about packets of no TCP flow in this capture: the JSON report lists each."


def _note(alike: Sequence[SeenPtb], *, several: bool) -> str:
    one = alike[0]
    frames = one.frame.name(several=several)
    if len(alike) > 1:
        frames = f"{frames} to {alike[-1].frame.name(several=several)}"
    quoted = "a packet that was not captured"
    if one.protocol:
        ends = f"{_end(one.source, one.source_port)} -> {_end(one.receiver, one.receiver_port)}"
        quoted = f"{one.protocol.upper()} {ends} ({one.ip_len} bytes)"
        if one.cut:
            quoted += ", of which the quote holds no more"
    told = f"{plural(len(alike), 'PTB')} from {one.router} to {one.destination}, MTU {one.mtu}, about {quoted}"
    return f"{told}: no TCP flow in this capture ({frames})."
