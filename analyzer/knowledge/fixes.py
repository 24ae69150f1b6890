"""What to do about a verdict: commands with this flow's numbers filled in.

Each verdict has a plan: an ordered list of steps. Each step is a text with blanks; steps that differ
between IPv4 and IPv6 have one text for each. Addresses come formatted from packets, so they hold nothing
but digits, letters, dots and colons, and are safe in a command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

IPV4_PING_HEADERS = 28
"""IPv4 header (20) and ICMP echo header (8): `ping -s` counts the bytes behind them."""

IPV6_PING_HEADERS = 48
"""IPv6 header (40) and ICMPv6 echo header (8)."""

IPV4_TCP_HEADERS = 40
"""Full-size packet less MSS, RFC 9293 3.7.1."""

IPV6_TCP_HEADERS = 60

SAFE_MTU = 1280
"""Every IPv6 link carries it (RFC 8200 5), and hardly any IPv4 path in use carries less."""

LEAST_MTU = 68
"""RFC 791: every IPv4 link carries it."""

ETHERNET_MTU = 1500


class Fix(NamedTuple):
    """A command or setting, where to apply it, and why.

    `command` may have several lines, the further ones being alternatives as shell comments; it is empty
    where no command does it.
    """

    where: str
    command: str
    why: str


class Bracket(Protocol):
    """The path MTU as far as known: bytes of IP total length, None where unknown."""

    @property
    def at_least(self) -> int | None: ...  # noqa: D102
    @property
    def at_most(self) -> int | None: ...  # noqa: D102
    @property
    def exact(self) -> int | None: ...  # noqa: D102


_PING_LOST = Fix(
    "on {sender}",
    "ping -M do -c 3 -s {lost_ping} {receiver_scoped}",
    "{lost} bytes with headers get no answer, which shows the fault",
)
_PING_PASSES = Fix(
    "on {sender}",
    "ping -M do -c 3 -s {safe_ping} {receiver_scoped}",
    "{safe} bytes with headers get an answer{guess}; if no size does, echo is filtered",
)
_FIND_HOP = Fix(
    "on {sender}",
    "tracepath -n {receiver_scoped}",
    "the narrow link comes after the last hop that answers",
)
_CAPTURE_AT_SENDER = Fix(
    "on {sender}",
    "tcpdump -ni any -s 128 -w sender.pcap 'host {receiver} or {icmp}'",
    "while it hangs, shows what is sent and whether ICMP comes back",
)
_SET_MTU = Fix(
    "on {sender}, or the router in front of the narrow link",
    "ip {ip6_option}route replace {receiver}/{host_bits} via GATEWAY mtu {safe}\n"
    "# or for all of a tunnel: ip link set dev DEVICE mtu {safe}",
    "gives the sender the size by hand; the only cure where the two ends of one link disagree about its "
    "MTU, for then no router sends ICMP",
)
_MTU_PROBING = Fix(
    "on {sender}",
    "sysctl -w net.ipv4.tcp_mtu_probing=1",
    "as a stopgap TCP shrinks its packets by itself, IPv4 and IPv6, after hanging some 3 s in each new connection",
)
_CHECK_ROUTE = Fix(
    "on {sender}",
    "ip route get {receiver}; sysctl net.ipv4.ip_no_pmtu_disc",
    "a route with `mtu lock`, or a setting other than 0, makes the host ignore PTBs",
)
_CAPTURE_BOTH = Fix(
    "on {sender} and {receiver}, at the same time",
    "tcpdump -ni any -s 128 -w HOST.pcap 'host {sender} or host {receiver} or {icmp}'",
    "two sides tell what the path did to each packet",
)

_TEXTS: dict[str, Fix | dict[int, Fix]] = {
    "ping_lost": _PING_LOST,
    "ping_passes": _PING_PASSES,
    "find_hop": _FIND_HOP,
    "capture_at_sender": _CAPTURE_AT_SENDER,
    "capture_both": _CAPTURE_BOTH,
    "set_mtu": _SET_MTU,
    "mtu_probing": _MTU_PROBING,
    "permit_icmp": {
        4: Fix(
            "on every firewall (and cloud security group) between the narrow link and {sender}",
            "iptables -I FORWARD -p icmp --icmp-type fragmentation-needed -j ACCEPT\n"
            "# or: nft insert rule inet filter forward icmp type destination-unreachable "
            "icmp code frag-needed accept",
            "ICMP type 3 code 4 must reach the sender, from any router: the lasting cure",
        ),
        6: Fix(
            "on every firewall (and cloud security group) between the narrow link and {sender}",
            "ip6tables -I FORWARD -p icmpv6 --icmpv6-type packet-too-big -j ACCEPT\n"
            "# or: nft insert rule inet filter forward icmpv6 type packet-too-big accept",
            "ICMPv6 type 2 must reach the sender, from any router (RFC 4890 4.3.1): the lasting cure",
        ),
    },
    "clamp_mss": {
        4: Fix(
            "on a router between the two, in both directions",
            "iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss {mss}\n"
            "# or: nft add rule inet filter forward tcp flags syn tcp option maxseg size set {mss}",
            "helps all TCP at once, with MSS {mss} = {safe} - 40{guess}",
        ),
        6: Fix(
            "on a router between the two, in both directions",
            "ip6tables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss {mss}\n"
            "# or: nft add rule inet filter forward tcp flags syn tcp option maxseg size set {mss}",
            "helps all TCP at once, with MSS {mss} = {safe} - 60{guess}",
        ),
    },
    # A PTB that had no effect, by reason.
    "accept_on_host": {
        4: Fix(
            "on {sender}",
            "iptables -I INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT\n"
            "# or: nft insert rule inet filter input icmp type destination-unreachable "
            "icmp code frag-needed accept",
            "the PTB is in the capture, but the host keeps its size: a firewall on the host itself, or "
            "between the capture point and the host, is the usual reason",
        ),
        6: Fix(
            "on {sender}",
            "ip6tables -I INPUT -p icmpv6 --icmpv6-type packet-too-big -j ACCEPT\n"
            "# or: nft insert rule inet filter input icmpv6 type packet-too-big accept",
            "the PTB is in the capture, but the host keeps its size: a firewall on the host itself, or "
            "between the capture point and the host, is the usual reason",
        ),
    },
    "check_host": {
        4: _CHECK_ROUTE,
        6: Fix(
            "on {sender}",
            "ip -6 route get {receiver}",
            "a route with `mtu lock` makes the host ignore PTBs",
        ),
    },
    "reverse_path_filter": Fix(
        "on {sender}",
        "sysctl -w net.ipv4.conf.all.rp_filter=2",
        "if the router writes from an address that is not routed back to it, strict filtering drops its PTB",
    ),
    "checksum_counter": Fix(
        "on {sender}",
        "nstat -az IcmpInCsumErrors Icmp6InCsumErrors",
        "rises while the flow hangs, for the PTB's checksum is wrong; repair or update the router, tunnel or "
        "overlay that sends or rewrites it",
    ),
    "nat_quote": Fix(
        "on the NAT or load balancer in front of {sender}",
        "tcpdump -vni any '{ptb_filter}'",
        "the packet quoted in the PTB carries other addresses or ports than the flow; the device must "
        "translate the quoted header too, as it did the outer one (RFC 5508 4.2)",
    ),
    "sequence_counter": Fix(
        "on {sender}",
        "nstat -az TcpExtOutOfWindowIcmps",
        "rises while the flow hangs, for the quoted sequence number is none of this flow's; switch off "
        "sequence number randomisation on the firewall in between, or have it translate the quote",
    ),
    "mtu_zero": Fix(
        "on the router that sent the PTB",
        "",
        "it gives no next-hop MTU (RFC 1191 4 asks for it); update it, or set the MTU by hand as below",
    ),
    "mtu_not_smaller": Fix(
        "on the router that sent the PTB",
        "",
        "it asks for a size no smaller than what it drops, so its configured MTU and the one it enforces "
        "disagree; set them equal",
    ),
    "below_1280": Fix(
        "on the tunnel or link that asks for less than 1280",
        "ip link set dev DEVICE mtu 1280",
        "IPv6 hosts discard such a PTB (RFC 8201 4), so the link must carry 1280 bytes, if need be by "
        "fragmenting its outer packets (RFC 2473 7)",
    ),
    # Large packets without DF.
    "ping_fragments": Fix(
        "on {sender}",
        "ping -M dont -c 3 -s {lost_ping} {receiver_scoped}",
        "{lost} bytes that may be fragmented get no answer, which shows the fault",
    ),
    "permit_fragments": Fix(
        "on every firewall between {sender} and {receiver}",
        "iptables -I FORWARD -f -s {sender} -d {receiver} -j ACCEPT",
        "routers may cut these packets (DF is clear) and something drops the pieces; stateful firewalls need "
        "reassembly, or must let fragments pass",
    ),
    "use_df": Fix(
        "on {sender}",
        "sysctl -w net.ipv4.ip_no_pmtu_disc=0",
        "better not to depend on fragments: with DF the sender learns the size from ICMP",
    ),
    # Not a matter of size.
    "inspect_content": Fix(
        "on firewalls, IPS and proxies between {sender} and {receiver}",
        "",
        "look for a drop at the time of the stalled frames; packets as large pass and this one does not, so "
        "something judges its content",
    ),
    "trace_dead": Fix(
        "on {sender}, while it hangs",
        "ping -c 5 {receiver_scoped}; tracepath -n {receiver_scoped}",
        "nothing passes, whatever its size, so look at routing, link and peer",
    ),
    "slow_reader": Fix(
        "on {receiver}",
        "ss -tinm dst {sender_bracketed}",
        "a full Recv-Q says that the application does not read; the network is not the cause",
    ),
    "measure_loss": Fix(
        "on {sender}",
        "mtr -n -r -c 100 {receiver_scoped}",
        "every packet got through in the end, at its own size; look for the hop that loses some",
    ),
}

_PTB_PLANS: dict[str, tuple[str, ...]] = {
    "host": ("accept_on_host", "check_host", "reverse_path_filter"),
    "checksum": ("checksum_counter",),
    "tuple": ("nat_quote",),
    "sequence": ("sequence_counter",),
    "mtu_zero": ("mtu_zero",),
    "mtu_not_smaller": ("mtu_not_smaller",),
    "below_1280": ("below_1280",),
}
"""What cures each reason for which a PTB had no effect; the steps of `ptb_ignored` follow it."""

_IPV4_ONLY = frozenset({"reverse_path_filter", "ping_fragments", "permit_fragments", "use_df"})

_PLANS: dict[str, tuple[str, ...]] = {
    "blackhole": (
        "ping_lost", "ping_passes", "find_hop", "clamp_mss", "permit_icmp", "set_mtu", "mtu_probing",
    ),
    "blackhole_probable": (
        "ping_lost", "ping_passes", "find_hop", "clamp_mss", "permit_icmp", "set_mtu", "mtu_probing",
    ),
    "blackhole_suspected": (
        "capture_at_sender", "ping_lost", "ping_passes", "find_hop", "clamp_mss", "permit_icmp",
        "mtu_probing",
    ),
    "blackhole_recovered": (
        "ping_lost", "ping_passes", "find_hop", "clamp_mss", "permit_icmp", "set_mtu",
    ),
    "ptb_ignored": ("ping_passes", "clamp_mss", "set_mtu", "mtu_probing"),
    "fragment_loss": ("ping_fragments", "ping_passes", "permit_fragments", "use_df", "clamp_mss"),
    "content_drop": ("inspect_content", "capture_both"),
    "dead_path": ("trace_dead",),
    "zero_window": ("slow_reader",),
    "stall": ("capture_both",),
    "inconclusive": ("capture_both",),
    "loss": ("measure_loss",),
    "pmtud_ok": (),
    "no_df": (),
    "ok": (),
    "not_exercised": (),
}  # fmt: skip

MOST_FIXES = 7


def safe_mtu(bracket: Bracket, version: int) -> tuple[int, bool]:
    """An MTU in bytes to set by hand, and whether it is a guess that must be verified first.

    What was proven delivered is safe, but a small packet delivered is no reason to configure a tiny MTU.
    """
    if bracket.exact is not None:
        return bracket.exact, False
    if bracket.at_least is not None and bracket.at_least >= SAFE_MTU:
        return bracket.at_least, False
    if bracket.at_most is None or bracket.at_most >= SAFE_MTU:
        return SAFE_MTU, version == 4  # IPv6 promises it, IPv4 does not
    if version == 6:
        return SAFE_MTU, True
    return max(bracket.at_least or 0, LEAST_MTU), False


def _lost_size(bracket: Bracket) -> int:
    """Bytes of the smallest packet known to be lost; a full Ethernet packet where none is known."""
    if bracket.at_most is not None:
        return bracket.at_most + 1
    known = bracket.exact if bracket.exact is not None else bracket.at_least
    return max(ETHERNET_MTU, (known or 0) + 1)


def _scoped(ip: str) -> str:
    """The address as a command wants it: link-local ones need their interface (RFC 4007 11)."""
    return f"{ip}%DEVICE" if ip.lower().startswith("fe80:") else ip


def fixes_for(
    verdict: str,
    *,
    sender_ip: str,
    receiver_ip: str,
    path_mtu: Bracket,
    version: int,
    ptb_reasons: Sequence[str] = (),
) -> tuple[Fix, ...]:
    """Steps against `verdict`, the first first; none for healthy verdicts.

    Args:
        verdict: as in the contract; an unknown one gives no fixes.
        sender_ip: the end whose large packets the verdict is about.
        receiver_ip: the other end.
        path_mtu: bracket of the path MTU in that direction.
        version: 4 or 6.
        ptb_reasons: for `ptb_ignored`, why each PTB had no effect.
    """
    plan: list[str] = []
    if verdict == "ptb_ignored":
        for reason in dict.fromkeys(ptb_reasons or ("host",)):
            plan += _PTB_PLANS.get(reason, ())
    plan += _PLANS.get(verdict, ())
    if version == 6:
        plan = [step for step in plan if step not in _IPV4_ONLY]

    safe, is_guess = safe_mtu(path_mtu, version)
    lost = _lost_size(path_mtu)
    ping_headers = IPV6_PING_HEADERS if version == 6 else IPV4_PING_HEADERS
    blanks = {
        "sender": sender_ip,
        "receiver": receiver_ip,
        "receiver_scoped": _scoped(receiver_ip),
        "sender_bracketed": f"[{sender_ip}]" if version == 6 else sender_ip,
        "lost": lost,
        "lost_ping": max(lost - ping_headers, 0),
        "safe": safe,
        "safe_ping": max(safe - ping_headers, 0),
        "mss": safe - (IPV6_TCP_HEADERS if version == 6 else IPV4_TCP_HEADERS),
        "guess": f" ({safe} is a guess to be verified)" if is_guess else "",
        "ip6_option": "-6 " if version == 6 else "",
        "host_bits": 128 if version == 6 else 32,
        "icmp": "icmp6" if version == 6 else "icmp",
        # Offsets: ICMP type and code; the ICMPv6 type comes after 40 bytes of IPv6 header.
        "ptb_filter": "icmp6 and ip6[40] == 2" if version == 6 else "icmp[0] == 3 and icmp[1] == 4",
    }
    fixes: list[Fix] = []
    for step in plan[:MOST_FIXES]:
        text = _TEXTS[step]
        chosen = text[version] if isinstance(text, dict) else text
        fixes.append(Fix(*(part.format_map(blanks) for part in chosen)))
    return tuple(fixes)
