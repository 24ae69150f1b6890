"""Conversations seen at three or four points of a path, each with where its packets end, and its harmless twins.

The path is `client`, `router-a`, `router-b`, `server`, with a link between each two. A case says which element is to
blame; whoever has a part of the captures can tell from that which leg it must be.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from lab.headers import TCP, Packet
from lab.simulated.case import DOWN, DOWN_6, LONG, UP, V6, Case
from lab.simulated.elements import (
    Change,
    Drop,
    Element,
    Link,
    Tap,
    Way,
    clamp,
    damaged,
    nat,
    no_icmp,
    without_df,
)
from lab.simulated.hosts import Stack
from lab.simulated.path import Talk

HOLE = frozenset({"blackhole"})
ANY_HOLE = frozenset({"blackhole", "blackhole_probable"})


def _path(*between: Sequence[Element], taps: dict[str, Tap] | None = None) -> list[Element]:
    """Four taps with elements between them; links where nothing is said."""
    taps = taps or {}
    names = ["client", "router-a", "router-b", "server"]
    out: list[Element] = []
    for number, name in enumerate(names):
        if number:
            out += between[number - 1] if number <= len(between) and between[number - 1] else [Link()]
        out.append(taps.get(name) or Tap(name))
    return out


def _blame(elements: Callable[[], Sequence[Element]], test: Callable[[Element], bool]) -> int:
    found = [index for index, element in enumerate(elements()) if test(element)]
    return found[0] if found else -1


def _narrow(element: Element) -> bool:
    return isinstance(element, Link) and min(element.mtu, element.mtu_back) < 1500


def _filter(element: Element) -> bool:
    return isinstance(element, Drop)


def hole(name: str, elements: Callable[[], Sequence[Element]], **changes: object) -> Case:
    """A black hole at the narrow link."""
    case = Case(name, elements, (Talk(DOWN),), "size", blamed=_blame(elements, _narrow), verdicts=HOLE)
    return replace(case, **changes)  # type: ignore[arg-type]


def fine(name: str, elements: Callable[[], Sequence[Element]], **changes: object) -> Case:
    """A path on which nothing is narrow, unless `changes` say so."""
    return replace(Case(name, elements, (Talk(DOWN),)), **changes)  # type: ignore[arg-type]


def talk(**stack: object) -> tuple[Talk, ...]:
    """One conversation of two hosts with such stacks."""
    each = Stack(**stack)  # type: ignore[arg-type]
    return (Talk(DOWN, client_stack=each, server_stack=each),)


def talk6(writes: tuple[tuple[str, float, int], ...] = DOWN_6, **stack: object) -> tuple[Talk, ...]:
    """As `talk`, over IPv6."""
    each = Stack(**({"mss": 1440} | stack))  # type: ignore[arg-type]
    return (Talk(writes, client_stack=each, server_stack=each, client=V6[0], server=V6[1]),)


def silent(mtu: int = 1400, **more: object) -> Link:
    """A link that is narrow towards the client, and whose router sends no PTBs."""
    return Link(mtu_back=mtu, ptb="silent", **more)  # type: ignore[arg-type]


def _large_payload(at: int, span: int = 1) -> Callable[[Packet, bytes, Way, float], bool]:
    """Drops the server's segment that holds this byte, counted from its first."""

    def rule(seen: Packet, data: bytes, way: Way, now: float) -> bool:
        del data, now
        start = (seen.seq - 3_000_000_000) & 0xFFFFFFFF
        return way == "to_client" and seen.protocol == TCP and start <= at < start + seen.payload_len * span

    return rule


def dead(since: float, until: float = 1e9) -> Drop:
    """Drops everything for a time."""
    return Drop(lambda seen, data, way, now: since <= now < until)


def _twice(seen: Packet, data: bytes, way: Way, now: float) -> Sequence[bytes]:
    del seen, way, now
    return [data, data]


def _spoilt(rule: Callable[[Packet, bytes, Way, float], bool]) -> Change:
    return Change(lambda seen, data, way, now: [damaged(seen, data) if rule(seen, data, way, now) else data])


def _some(share: float, seed: int, least: int) -> Drop:
    luck = random.Random(seed)
    return Drop(lambda seen, data, way, now: seen.ip_len >= least and luck.random() < share)


MERGING = {"server": Tap("server", merges=0.0004), "client": Tap("client", merges=0.0006)}


def offload() -> dict[str, Tap]:
    """Hosts whose captures show super-segments."""
    return {name: replace(tap, seen=[]) for name, tap in MERGING.items()}


NAT = nat("192.0.2.10", "198.51.100.77", 10_000)
OUTSIDE = (("198.51.100.77", 10_000),)

E = Callable[[], Sequence[Element]]


def along(*between: Callable[[], Sequence[Element]] | None, taps: Callable[[], dict[str, Tap]] | None = None) -> E:
    """What makes a path with these elements between the taps."""
    return lambda: _path(*[make() if make else () for make in between], taps=taps() if taps else None)


def single(element: Callable[[], Element]) -> Callable[[], Sequence[Element]]:
    """What makes a list of one element."""
    return lambda: [element()]


def dropping_icmp() -> Sequence[Element]:
    """A link, and what lets no ICMP through."""
    return [Link(), Drop(no_icmp)]


def _cases() -> list[Case]:
    out: list[Case] = []

    def add(case: Case) -> None:
        out.append(case)

    def lost_ptb(name: str, elements: E, **more: object) -> None:
        add(hole(name, elements, ptb_dropped=_blame(elements, _filter), **more))

    middle, first, last = along(None, single(silent)), along(None, None, single(silent)), along(single(silent))
    add(hole("silent_middle", middle))
    add(hole("silent_first_leg", first))
    add(hole("silent_last_leg", last))
    add(hole("silent_switch", along(None, single(lambda: silent(1460, hop=False)))))
    lost_ptb("ptb_lost_at_once", along(None, single(lambda: Link(mtu_back=1400)), dropping_icmp))
    lost_ptb("ptb_lost_later", along(single(lambda: Link(mtu_back=1420)), None, dropping_icmp))
    lost_ptb("ptb_lost_between_routers", along(single(lambda: Link(mtu_back=1420)), lambda: [Link(), Drop(no_icmp)]))
    up = along(None, single(lambda: Link(mtu=1400, ptb="silent")))
    add(hole("upload_silent", up, talks=(Talk(UP),), way="to_server"))
    lost_ptb(
        "upload_ptb_lost", along(lambda: [Drop(no_icmp), Link()], None, single(lambda: Link(mtu=1380))),
        talks=(Talk(UP),), way="to_server",
    )  # fmt: skip
    add(hole("ipv6_silent", along(None, single(lambda: silent(1380))), talks=talk6()))
    add(
        hole(
            "ipv6_bare",
            along(None, single(lambda: silent(1380))),
            talks=talk6(tuple((w, t, 9 * 1440 + 700 if c > 5000 else c) for w, t, c in DOWN), timestamps=False),
        )
    )
    lost_ptb("ipv6_ptb_lost", along(single(lambda: Link(mtu_back=1340)), None, dropping_icmp), talks=talk6())
    add(hole("offload_silent", along(None, single(silent), taps=offload)))
    lost_ptb("offload_ptb_lost", along(None, single(lambda: Link(mtu_back=1400)), dropping_icmp, taps=offload))
    add(hole("nat_before", along(lambda: [Link(), NAT], single(silent)), outside=OUTSIDE))
    add(hole("nat_behind", along(single(silent), lambda: [NAT, Link()]), outside=OUTSIDE))
    lost_ptb(
        "nat_ptb_lost",
        along(single(lambda: Link(mtu_back=1400)), lambda: [NAT, Link()], dropping_icmp),
        outside=OUTSIDE,
    )
    add(hole("clamped_one_way", along(lambda: [Link(), clamp(1360, way="to_client")], single(silent))))
    inside = {"router-b": lambda: Tap("router-b", inside=True)}
    add(hole("underlay", along(None, single(silent), taps=lambda: {"router-b": inside["router-b"]()})))
    add(
        hole(
            "underlay_hole_within",
            along(
                single(lambda: silent(1450)),
                taps=lambda: {"router-a": Tap("router-a", inside=True), "router-b": Tap("router-b", inside=True)},
            ),
        )
    )
    add(
        hole(
            "recovered", middle, talks=talk(falls_back=3), verdicts=frozenset({"blackhole_recovered"}), sure=False,
        )
    )  # fmt: skip
    add(
        hole(
            "ptb_ignored", along(None, single(lambda: Link(mtu_back=1400))), talks=talk(heeds_ptb=False),
            verdicts=frozenset({"ptb_ignored"}),
        )
    )  # fmt: skip
    pieces = along(None, lambda: [Drop(lambda seen, data, way, now: seen.fragment), Link(mtu_back=1400)])
    add(
        hole(
            "fragments_lost",
            pieces,
            talks=talk(df=False),
            blamed=_blame(pieces, _filter),
            verdicts=frozenset({"fragment_loss"}),
            sure=False,
        )
    )
    apart = along(
        None, lambda: [Drop(lambda seen, data, way, now: seen.fragment), Link()], single(lambda: Link(mtu_back=1400))
    )
    add(
        hole(
            "fragments_lost_later",
            apart,
            talks=talk(df=False),
            blamed=_blame(apart, _filter),
            verdicts=frozenset({"fragment_loss"}),
            sure=False,
            certain=False,
        )
    )
    odd = along(None, single(lambda: silent(narrow_for=lambda seen: seen.destination_port % 2 == 1)))
    four = tuple(Talk(DOWN, ports=(40_001 + i, 443), begins=0.05 * i) for i in range(4))
    add(
        hole(
            "parallel_paths",
            odd,
            talks=four,
            ports=frozenset({40_001, 40_003}),
            verdicts=ANY_HOLE | {"content_drop"},
            sure=False,
        )
    )
    add(
        hole(
            "two_of_four_hosts",
            along(None, single(lambda: silent(narrow_for=lambda seen: seen.destination == "192.0.2.10"))),
            talks=(four[0], replace(four[1], client="192.0.2.11"), four[2], replace(four[3], client="192.0.2.12")),
            ports=frozenset({40_001, 40_003}),
        )
    )
    firewall = along(taps=None)
    no_large = partial(Drop, lambda seen, data, way, now: way == "to_client" and seen.ip_len > 1400)
    add(
        hole(
            "host_firewall", lambda: [no_large(), *firewall()],
            blamed=0, verdicts=frozenset({"blackhole", "stall", "blackhole_probable"}), certain=False, sure=False,
        )
    )  # fmt: skip
    add(hole("without_timestamps", middle, talks=talk(timestamps=False)))
    add(hole("without_ids", middle, talks=talk(identifies=False)))
    add(hole("without_either", middle, talks=talk(identifies=False, timestamps=False)))
    add(hole("without_sack", middle, talks=talk(sack=False), verdicts=ANY_HOLE))
    wide = tuple((who, time, 9 * 8948 + 700 if count > 5000 else count) for who, time, count in DOWN)
    add(
        hole(
            "jumbo",
            along(
                *[
                    single(lambda: Link(mtu=9000, mtu_back=9000)),
                    single(lambda: Link(mtu=9000, mtu_back=1500, ptb="silent")),
                    single(lambda: Link(mtu=9000, mtu_back=9000)),
                ]
            ),
            talks=(Talk(wide, client_stack=Stack(mss=8960), server_stack=Stack(mss=8960)),),
            blamed=3,
            sure=False,
        )
    )
    twice = along(single(silent), lambda: [Change(_twice), Link()])
    add(hole("copied_on_the_way", twice))
    one_way = lambda: {"router-a": Tap("router-a", only="to_client"), "router-b": Tap("router-b", only="to_client")}  # noqa: E731
    add(hole("one_direction", along(None, single(silent), taps=one_way)))
    add(
        hole(
            "long_with_drift",
            along(None, single(silent), taps=lambda: {"router-a": Tap("router-a", drift=80e-6)}),
            talks=(Talk(LONG),),
            seconds=330,
        )
    )
    late = lambda: {"router-b": Tap("router-b", begins=0.45), "client": Tap("client", begins=0.25)}  # noqa: E731
    add(hole("begun_later", along(None, single(silent), taps=late)))
    narrower = along(None, single(lambda: silent(since=3.0)))
    twofold = (*DOWN[:6], ("client", 4.0, 100), ("server", 4.05, 9 * 1448 + 700), ("client", 6.0, 50))
    add(hole("narrower_later", narrower, talks=(Talk(twofold),), verdicts=ANY_HOLE, sure=False))
    # Harmless twins, and other troubles.
    add(fine("plain", along()))
    add(fine("plain_ipv6", along(), talks=talk6()))
    add(fine("plain_offload", along(taps=offload)))
    add(fine("plain_nat", along(lambda: [Link(), NAT]), outside=OUTSIDE))
    add(fine("plain_underlay", along(taps=lambda: {"router-b": Tap("router-b", inside=True)})))
    for seed, (share, where) in enumerate(((0.03, 1), (0.1, 2), (0.2, 0), (0.25, 1))):

        def lossy(share: float = share, where: int = where, seed: int = seed) -> Sequence[Element]:
            legs: list[Callable[[], Sequence[Element]] | None] = [None, None, None]
            legs[where] = single(lambda: Link(loss=share, loss_back=share, random=random.Random(seed)))
            return along(*legs)()

        add(fine(f"lossy_{int(share * 100)}", lossy, talks=(Talk((*DOWN, ("server", 3.0, 40_000))),)))
        add(fine(f"lossy_{int(share * 100)}_four_flows", lossy, talks=four, seconds=8))
    add(fine("large_ones_lossy", along(None, lambda: [_some(0.5, 4, 1000), Link()])))
    add(fine("dead", along(None, lambda: [dead(0.62), Link()]), kind="all", blamed=3))
    talkative = (*DOWN, ("server", 1.0, 100), ("server", 2.0, 100))
    add(
        fine(
            "dead_both_talk",
            along(None, lambda: [dead(0.62), Link()]),
            kind="all",
            blamed=3,
            talks=(Talk(talkative), Talk(DOWN, ports=(40_002, 443))),
        )
    )
    add(fine("outage", along(None, lambda: [dead(0.62, 3.0), Link()])))
    add(fine("outage_with_fallback", along(None, lambda: [dead(0.62, 4.0), Link()]), talks=talk(falls_back=3)))
    add(fine("zero_window", along(), talks=(Talk(DOWN, client_stack=Stack(window_shut_after=4000)),)))
    content = along(None, lambda: [Drop(_large_payload(5000)), Link()])
    add(fine("content", content, kind="content", blamed=_blame(content, _filter)))
    payload = along(
        None,
        lambda: [Drop(lambda seen, data, way, now: way == "to_client" and now > 0.62 and seen.payload_len > 0), Link()],
    )
    add(fine("payload_filter", payload))
    add(fine("pmtud_works", along(None, single(lambda: Link(mtu_back=1400))), kind="size", blamed=3, certain=False))
    add(
        fine(
            "pmtud_works_ipv6",
            along(None, None, single(lambda: Link(mtu_back=1380))),
            kind="size",
            blamed=5,
            talks=talk6(),
            certain=False,
        )
    )
    add(fine("clamped", along(lambda: [Link(), clamp(1360)], single(silent))))
    spoilt = along(None, lambda: [_spoilt(_large_payload(5000)), Link()])
    add(fine("damaged", spoilt, kind="damaged", blamed=3))
    add(
        fine(
            "damaged_large",
            along(
                None, lambda: [_spoilt(lambda seen, data, way, now: way == "to_client" and seen.ip_len > 1400), Link()]
            ),
            kind="damaged",
            blamed=3,
        )
    )
    add(fine("fragments_arrive", along(None, single(lambda: Link(mtu_back=1400))), talks=talk(df=False)))
    add(fine("df_cleared", along(None, lambda: [Link(mtu_back=1400), Change(without_df)])))
    add(fine("copied", along(None, lambda: [Change(_twice), Link()])))
    add(fine("peer_gone", lambda: [Drop(lambda seen, data, way, now: now > 0.62), *_path()], certain=False))
    return out


CASES = {case.name: case for case in _cases()}

HELD_OUT = frozenset(sorted(CASES)[1::3])
"""Every third of them was kept out of sight until the first version was complete."""
