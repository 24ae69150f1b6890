"""What takes bytes of each packet: tunnels seen in the capture, and path MTUs met in the field (`overheads.toml`).

A bracket of sizes never proves a tunnel: many share an MTU, and anyone may set any number. So callers say
"consistent with", never "is".
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from analyzer.model.flow import Encapsulation
from analyzer.model.wire_sizes import ETHERNET_MTU

JUMBO_MTUS = (9001, 9000)
"""AWS instances; most switches and other clouds."""


class Candidate(NamedTuple):
    """Path MTUs [least, most] with what they are known from, bytes of IP total length.

    `overhead` is the least number of bytes taken from a 1500-byte link; 0 for numbers that somebody set.
    """

    least: int
    most: int
    name: str
    source: str
    overhead: int = 0

    def __str__(self) -> str:
        """As it is told: "1420: WireGuard", "1460..1464: L2TP"."""
        size = f"{self.least}" if self.least == self.most else f"{self.least}..{self.most}"
        return f"{size}: {self.name}"


@cache
def candidates() -> tuple[Candidate, ...]:
    """The rows of the table, the least overhead first; those of one MTU in the table's order."""
    import tomllib  # only where a narrow link is to be explained

    table = tomllib.loads(Path(__file__).with_name("overheads.toml").read_text(encoding="utf-8"))
    rows = [
        Candidate(
            ETHERNET_MTU - row.get("most", row["bytes"]),
            ETHERNET_MTU - row["bytes"],
            row["name"],
            row["source"],
            row["bytes"],
        )
        for row in table["overhead"]
    ]
    rows += [Candidate(row["mtu"], row["mtu"], row["name"], row["source"]) for row in table["mtu"]]
    return tuple(sorted(rows, key=lambda row: -row.most))


@cache
def _all_candidates() -> tuple[Candidate, ...]:
    rows = list(candidates())
    for link in JUMBO_MTUS:
        more = link - ETHERNET_MTU
        rows += [
            row._replace(least=row.least + more, most=row.most + more, name=f"{row.name}, on a {link}-byte link")
            for row in candidates()
            if row.overhead
        ]
    return tuple(sorted(rows, key=lambda row: -row.most))


def consistent_with(at_least: int | None, at_most: int | None, exact: int | None) -> tuple[str, ...]:
    """Every known path MTU inside the bracket, least overhead first, as "1420: WireGuard".

    Args:
        at_least: largest packet proven delivered, bytes of IP total length; None: nothing known.
        at_most: one less than the smallest packet proven lost; None: nothing was lost, so there is no
            narrow link to explain.
        exact: path MTU from a valid PTB; leaves only the candidates of that very MTU.
    """
    if exact is not None:
        low = high = exact
    elif at_most is not None:
        low, high = at_least or 0, at_most
    else:
        return ()
    return tuple(str(row) for row in _all_candidates() if row.most >= low and row.least <= high)


class Tunnel(NamedTuple):
    """What carries the packets that get lost, as the capture shows it."""

    layers: tuple[str, ...]  # innermost first: "GRE", "IPIP"
    overhead: int  # bytes from the start of the outermost header to the IP header inside
    told: int | None  # MTU for the packets inside, as a router's PTB to the tunnel's end gives it; None: none came

    @property
    def name(self) -> str:
        """As it is told: "VXLAN", "GRE in IPIP"."""
        return " in ".join(self.layers)


DEVICE_KINDS = {
    "GRE": "gre", "gretap/NVGRE": "gretap", "ERSPAN": "erspan", "IPIP": "ipip", "6in4": "sit", "4in6": "ip6tnl",
    "6in6": "ip6tnl", "VXLAN": "vxlan", "VXLAN-GPE": "vxlan", "Geneve": "geneve", "GTP-U": "gtp",
}  # fmt: skip
"""What Linux calls the devices of a tunnel, by the name of the layer: ip-link(8)."""


NO_TUNNEL = frozenset({"MPLS"})
"""Layers without ends that somebody could give an MTU."""


def tunnel_of(inside: Encapsulation | None, told: Iterable[int] = ()) -> Tunnel | None:
    """The tunnel of a flow, None where there is none; `told`: MTUs of which its end was told, for packets inside."""
    layers = tuple(layer for layer in inside.layers if layer not in NO_TUNNEL) if inside is not None else ()
    if inside is None or not layers:
        return None
    return Tunnel(layers[::-1], inside.overhead, min(told, default=None))
