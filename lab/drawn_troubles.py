"""The further troubles of drawn scenarios: what each puts on the path, and how it changes a flow."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from lab.filters import PayloadFilter
from lab.hazards import ContentFilter, Duplication, Hazard, LinkDown, RandomLoss, Reordering
from lab.mishaps import BitErrors, LateSyn
from lab.outages import ForgottenFlow
from lab.vocabulary import Direction, Flow

TroubleKind = Literal[
    "loss",
    "bit_errors",
    "outage",
    "late_packets",
    "duplication",
    "reordering",
    "late_syn",
    "payload_filter",
    "vanishing_flow",
    "content_filter",
    "stopped_reader",
    "closing_peer",
]
MARKER = b"EICAR-LIKE-PATTERN"
_FOREVER = 1e9
_COUNTS = (20, 35, 30, 15)  # per cent of scenarios with none, one, two and three of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One trouble; `port` names the only flow it befalls, None: all."""

    kind: TroubleKind
    words: str
    onward: tuple[Hazard, ...] = ()
    back: tuple[Hazard, ...] = ()
    port: int | None = None
    change: dict[str, object] = field(default_factory=dict, hash=False)  # fields of that flow

    def befalls(self, port: int) -> bool:
        return self.port in (None, port)

    def changes(self, flow: Flow) -> Flow:
        return replace(flow, **self.change) if self.change and self.befalls(flow.port) else flow  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Table:
    """What a trouble may know when it is drawn."""

    dice: random.Random
    flows: Sequence[Flow]
    data: Direction
    seconds: float

    @property
    def seed(self) -> int:
        return self.dice.randrange(2**31)

    @property
    def speaker(self) -> Literal["client", "server"]:
        return "server" if self.data == "download" else "client"

    def flow(self) -> Flow:
        return self.dice.choice(self.flows)

    def either_way(self, kind: TroubleKind, words: str, onward: Hazard, back: Hazard) -> Trouble:
        """A trouble of one direction or of both; `words` say where its name belongs."""
        which = self.dice.choice(("onward", "back", "both ways"))
        return Trouble(
            kind=kind,
            words=words.format(which),
            onward=(onward,) if which != "back" else (),
            back=(back,) if which != "onward" else (),
        )


def draw_troubles(dice: random.Random, flows: Sequence[Flow], data: Direction, seconds: float) -> tuple[Trouble, ...]:
    """None to three different ones."""
    kinds = dice.sample(tuple(_DRAWN), dice.choices(range(4), _COUNTS)[0])
    return tuple(_DRAWN[kind](_Table(dice, flows, data, seconds)) for kind in kinds)


def _loss(table: _Table) -> Trouble:
    rate = round(table.dice.uniform(0.01, 0.15), 3)
    return table.either_way(
        "loss", f"{rate:.1%} loss {{}}", RandomLoss(rate=rate, seed=table.seed), RandomLoss(rate=rate, seed=table.seed)
    )


def _bit_errors(table: _Table) -> Trouble:
    rate = table.dice.choice((1e-6, 3e-6, 1e-5, 2e-5))
    return table.either_way(
        "bit_errors",
        f"bit errors {rate:g} {{}}",
        BitErrors(rate=rate, seed=table.seed),
        BitErrors(rate=rate, seed=table.seed),
    )


def _outage(table: _Table) -> Trouble:
    since = round(table.dice.uniform(0.1, table.seconds / 4), 2)
    length = table.dice.choice((0.6, 1.5, 3.0, 6.0, 9.0, _FOREVER))
    hazard = LinkDown(since=since, until=since + length)
    until = "for ever" if length == _FOREVER else f"for {length} s"
    return table.either_way("outage", f"outage {{}} at {since} s {until}", hazard, hazard)


def _late_packets(table: _Table) -> Trouble:
    delay, rate = round(table.dice.uniform(0.04, 0.3), 3), round(table.dice.uniform(0.01, 0.1), 3)
    onward, back = (Reordering(rate=rate, delay=delay, seed=table.seed) for _ in range(2))
    return table.either_way("late_packets", f"{rate:.1%} are {delay} s late {{}}", onward, back)


def _duplication(table: _Table) -> Trouble:
    rate, delay = round(table.dice.uniform(0.02, 0.3), 2), table.dice.choice((0.0002, 0.001, 0.03))
    onward, back = (Duplication(rate=rate, delay=delay, seed=table.seed) for _ in range(2))
    return table.either_way("duplication", f"{rate:.0%} arrive twice {{}}", onward, back)


def _reordering(table: _Table) -> Trouble:
    rate, delay = round(table.dice.uniform(0.05, 0.3), 2), round(table.dice.uniform(0.001, 0.02), 4)
    onward, back = (Reordering(rate=rate, delay=delay, seed=table.seed) for _ in range(2))
    return table.either_way("reordering", f"{rate:.0%} are overtaken by {delay} s {{}}", onward, back)


def _late_syn(table: _Table) -> Trouble:
    hazards: tuple[Hazard, ...] = (LateSyn(seconds=0.3),)
    onward, back = ((), hazards) if table.data == "download" else (hazards, ())
    return Trouble(kind="late_syn", words="the first SYN is 0.3 s late", onward=onward, back=back)


def _payload_filter(table: _Table) -> Trouble:
    flow, first, onward = table.flow(), table.dice.randint(1, 8), table.dice.random() < 0.7
    hazards: tuple[Hazard, ...] = (PayloadFilter(port=flow.port, first=first),)
    return Trouble(
        kind="payload_filter",
        words=f"payload of port {flow.port} is dropped {'onward' if onward else 'back'} from packet {first} on",
        onward=hazards if onward else (),
        back=() if onward else hazards,
        port=flow.port,
    )


def _vanishing_flow(table: _Table) -> Trouble:
    flow, since = table.flow(), round(table.dice.uniform(0.2, 3.5), 2)
    hazards: tuple[Hazard, ...] = (ForgottenFlow(port=flow.port, since=since),)
    words = f"all of port {flow.port} vanishes from {since} s on"
    return Trouble(kind="vanishing_flow", words=words, onward=hazards, back=hazards, port=flow.port)


def _content_filter(table: _Table) -> Trouble:
    """One message begins with what a middlebox does not like."""
    flow = table.flow()
    mine = [index for index, say in enumerate(flow.talk) if say.speaker == table.speaker]
    chosen = table.dice.choice(mine)
    talk = list(flow.talk)
    content = MARKER + b" and so on " * 20_000  # once, at its beginning
    talk[chosen] = replace(talk[chosen], content=content)
    return Trouble(
        kind="content_filter",
        words=f"message {chosen + 1} of port {flow.port} begins with what a middlebox drops",
        onward=(ContentFilter(marker=MARKER),),
        port=flow.port,
        change={"talk": tuple(talk)},
    )


def _stopped_reader(table: _Table) -> Trouble:
    flow, pause = table.flow(), table.dice.choice((3.0, 6.0, 30.0))
    talk = list(flow.talk)
    mine = [index for index, say in enumerate(talk) if say.speaker == table.speaker]
    last = mine[-1]
    talk[last] = replace(talk[last], size=200_000, reader_pauses=pause, heard=True)
    change: dict[str, object] = {"talk": tuple(talk), "receive_buffer": 24_000}
    words = f"the reader of port {flow.port} stops for {pause} s"
    return Trouble(kind="stopped_reader", words=words, port=flow.port, change=change)


def _closing_peer(table: _Table) -> Trouble:
    flow, after = table.flow(), round(table.dice.uniform(0.3, 7.0), 2)
    change: dict[str, object] = {"server_patience": after}
    words = f"the server of port {flow.port} closes after {after} s"
    if table.data == "download" or table.dice.random() < 0.2:
        aborts = table.dice.random() < 0.4
        change = {"client_patience": after, "client_aborts": aborts}
        words = f"the client of port {flow.port} {'aborts' if aborts else 'closes'} after {after} s"
    return Trouble(kind="closing_peer", words=words, port=flow.port, change=change)


_DRAWN: dict[TroubleKind, Callable[[_Table], Trouble]] = {
    "loss": _loss,
    "bit_errors": _bit_errors,
    "outage": _outage,
    "late_packets": _late_packets,
    "duplication": _duplication,
    "reordering": _reordering,
    "late_syn": _late_syn,
    "payload_filter": _payload_filter,
    "vanishing_flow": _vanishing_flow,
    "content_filter": _content_filter,
    "stopped_reader": _stopped_reader,
    "closing_peer": _closing_peer,
}
TROUBLES: tuple[TroubleKind, ...] = tuple(_DRAWN)
