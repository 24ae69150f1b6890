"""What can carry an IP packet besides a link: numbers, names, and the stack of those found.

The stack is one integer, 5 bits a layer, so that a packet and a flow's row hold it for free.
"""

from __future__ import annotations

from analyzer.kernels.marks import inlined

MPLS = 1
PPPOE = 2
GRE = 3
GRETAP = 4
ERSPAN = 5
IPIP = 6
SIX_IN_FOUR = 7
FOUR_IN_SIX = 8
SIX_IN_SIX = 9
VXLAN = 10
VXLAN_GPE = 11
GENEVE = 12
GTP_U = 13
L2TP = 14
FOU = 15
GUE = 16
ETHERIP = 17
PPTP = 18
TEREDO = 19
EOIP = 20

NAMES = (
    "", "MPLS", "PPPoE", "GRE", "gretap/NVGRE", "ERSPAN", "IPIP", "6in4", "4in6", "6in6", "VXLAN", "VXLAN-GPE",
    "Geneve", "GTP-U", "L2TP", "FOU", "GUE", "EtherIP", "PPTP", "Teredo", "EoIP",
)  # fmt: skip
"""Names for reports, by number."""

BITS = 5
MAX_LAYERS = 12
"""Layers that are followed: 60 bits. Deeper nesting is made by hand, not by networks."""


@inlined
def pushed(layers: int, layer: int) -> int:
    """The stack with one layer more; the oldest fall off, which `MAX_LAYERS` prevents."""
    return (layers & ((1 << (BITS * (MAX_LAYERS - 1))) - 1)) << BITS | layer


def layer_names(layers: int) -> tuple[str, ...]:
    """Names of a stack's layers, outermost first."""
    numbers = []
    while layers:
        numbers.append(layers & ((1 << BITS) - 1))
        layers >>= BITS
    return tuple(NAMES[number] for number in reversed(numbers))
