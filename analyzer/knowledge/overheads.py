"""Path MTUs met in the field, and what takes the missing bytes.

A bracket of sizes never proves a tunnel: many share an MTU, and anyone may set any number. So callers say
"consistent with", never "is".

MTUs are IP total lengths in bytes. `overhead` counts from a 1500-byte link; rows without one are numbers
that somebody chose.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

ETHERNET_MTU = 1500
JUMBO_MTUS = (9001, 9000)
"""AWS instances; most switches and other clouds."""


class Candidate(NamedTuple):
    """A path MTU with what it is known from."""

    mtu: int
    name: str
    source: str
    overhead: int | None = None


def _minus(overhead: int, name: str, source: str) -> Candidate:
    return Candidate(ETHERNET_MTU - overhead, name, source, overhead)


CANDIDATES = (
    Candidate(8500, "AWS Transit Gateway", "AWS Transit Gateway quotas"),
    _minus(4, "VLAN tag or MPLS label on a link without room for it", "IEEE 802.1Q, RFC 3032"),
    _minus(8, "PPPoE", "RFC 2516 7"),
    _minus(8, "two VLAN tags or MPLS labels on a link without room for them", "IEEE 802.1ad, RFC 3032"),
    _minus(20, "IPIP or 6in4", "RFC 2003, RFC 4213"),
    _minus(24, "GRE", "RFC 2784"),
    _minus(28, "GRE with key", "RFC 2890"),
    _minus(32, "GRE with key and sequence number", "RFC 2890"),
    _minus(36, "GTP-U", "3GPP TS 29.281"),
    _minus(38, "GRE carrying Ethernet (gretap)", "RFC 2784"),
    _minus(40, "4in6 (DS-Lite)", "RFC 2473, RFC 6333"),
    Candidate(1460, "Google Cloud VPC default", "Google Cloud VPC documentation, MTU"),
    _minus(42, "NVGRE or EoIP", "RFC 7637"),
    _minus(44, "GTP-U with extension header", "3GPP TS 29.281"),
    Candidate(1454, "NTT FLET'S PPPoE", "NTT FLET'S interface specification"),
    _minus(50, "VXLAN or Geneve (Docker overlay, flannel, Cilium)", "RFC 7348, RFC 8926"),
    _minus(54, "IPsec ESP, AES-GCM", "RFC 4106; computed"),
    _minus(54, "VXLAN with inner VLAN tag", "RFC 7348"),
    _minus(58, "Geneve with one 8-byte option (OVN)", "RFC 8926"),
    _minus(60, "WireGuard over IPv4", "WireGuard mailing list, J. Donenfeld 2017"),
    _minus(62, "IPsec ESP, AES-CBC with SHA-1 or SHA-256", "RFC 3602; computed"),
    _minus(62, "IPsec ESP, AES-GCM, NAT traversal", "RFC 3948, RFC 4106; computed"),
    _minus(62, "Geneve with Cilium DSR option", "Cilium pkg/mtu"),
    _minus(70, "VXLAN over IPv6", "RFC 7348"),
    _minus(74, "IPsec ESP over IPv6, AES-GCM", "RFC 4106; computed"),
    _minus(77, "Cilium IPsec", "Cilium pkg/mtu"),
    _minus(78, "IPsec ESP, AES-CBC, NAT traversal", "RFC 3602, RFC 3948; computed"),
    _minus(78, "IPsec ESP, AES-CBC with SHA-384 or SHA-512", "RFC 4868; computed"),
    _minus(80, "WireGuard (default, or over IPv6)", "wg-quick(8)"),
    _minus(82, "IPsec ESP over IPv6, AES-GCM, NAT traversal", "RFC 3948, RFC 4106; computed"),
    _minus(88, "WireGuard over PPPoE", "wg-quick(8), RFC 2516; computed"),
    Candidate(1410, "Calico VXLAN on Google Cloud", "Calico documentation, MTU"),
    _minus(94, "IPsec ESP, AES-CBC with SHA-512, NAT traversal", "RFC 4868; computed"),
    _minus(94, "IPsec ESP over IPv6, AES-CBC", "RFC 3602; computed"),
    Candidate(1400, "GRE with IPsec (Cisco's advice), OPNsense VTI, OpenShift OVN", "vendors' documentation"),
    Candidate(1390, "Google Cloud VPN", "Google Cloud VPN documentation, MTU"),
    _minus(130, "Cilium WireGuard with tunnel", "Cilium pkg/mtu; computed"),
    Candidate(1358, "mobile network (3GPP link MTU)", "3GPP TS 24.301 6.6.4.2"),
    Candidate(1280, "IPv6 minimum (Tailscale, Cloudflare WARP)", "RFC 8200 5"),
    Candidate(1220, "WireGuard inside Tailscale", "1280 less 60; computed"),
)


def _all_candidates() -> Iterator[Candidate]:
    yield from CANDIDATES
    for link in JUMBO_MTUS:
        for row in CANDIDATES:
            if row.overhead is not None:
                name = f"{row.name}, on a {link}-byte link"
                yield Candidate(link - row.overhead, name, row.source, row.overhead)


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
    inside = [row for row in _all_candidates() if low <= row.mtu <= high]
    inside.sort(key=lambda row: -row.mtu)  # stable: rows of one MTU keep the table's order
    return tuple(f"{row.mtu}: {row.name}" for row in inside)
