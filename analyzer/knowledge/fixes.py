"""What to do about a verdict: commands with this flow's numbers filled in.

Each verdict has a plan: an ordered list of steps. What a step is on a platform stands in `platforms/NAME.toml`,
one `[[fix]]` a variant:

    step     which step of the plans it is
    ip       4 or 6, if it is for that version only
    where    on which machine
    command  what to enter there, one command a line; may be empty
    alternative  another `line` that does the same, and the words that `lead` to it, beginning with "or"; left out where
             the capture does not fill one of its blanks
    why      what it shows or does, without a full stop
    source   where that is documented: one URL, or several separated by a space
    extra    true: not in the short list that is given where no platform is named

Blanks are written `<name>`; `_blanks` has them all. Words in capitals (DEVICE) are the reader's to fill in.
Addresses come formatted from packets, so they hold nothing but digits, letters, dots and colons, and are safe in
a command line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Protocol

from analyzer.knowledge.overheads import DEVICE_KINDS, Tunnel
from analyzer.model.flow import PathMtu
from analyzer.model.statement import Command, Fix, FixKind
from analyzer.model.verdicts import VERDICTS, complete
from analyzer.model.wire_sizes import ETHERNET_MTU, IPV4_TCP_HEADERS, IPV6_TCP_HEADERS, LEAST_V4_MTU, LEAST_V6_MTU
from analyzer.settings import NARROW_BRACKET

Blanks = Mapping[str, "str | int | None"]

_BLANK = re.compile(r"<([a-z][a-z0-9_]*)>")

IPV4_PING_HEADERS = 28
"""IPv4 header (20) and ICMP echo header (8): `ping -s` counts the bytes behind them."""

IPV6_PING_HEADERS = 48
"""IPv6 header (40) and ICMPv6 echo header (8)."""

LEAST_MTU = {4: LEAST_V4_MTU, 6: LEAST_V6_MTU}
"""What every link carries: RFC 791, RFC 8200 5."""

WORTHWHILE_MTU = LEAST_V6_MTU
"""Hardly any path in use carries less; that a smaller packet arrived says little about the path MTU."""


DEFAULT_PLATFORM = "linux"

ALL = "all"
"""Stands for every platform."""

PLATFORMS = (
    "linux",
    "macos",
    "windows",
    "cisco",
    "junos",
    "mikrotik",
    "pf",
    "wireguard",
    "openvpn",
    "docker",
    "calico",
    "cilium",
    "flannel",
    "aws",
    "gcp",
    "azure",
)
"""Names of the files in `platforms`, in the order in which their variants of a step are given."""


class Bracket(Protocol):
    """The path MTU as far as known: bytes of IP total length, None where unknown."""

    @property
    def at_least(self) -> int | None: ...  # noqa: D102
    @property
    def at_most(self) -> int | None: ...  # noqa: D102
    @property
    def exact(self) -> int | None: ...  # noqa: D102


_VERIFY = ("ping_lost", "ping_passes", "measure")
_CURE = ("tunnel_mtu", "permit_icmp", "clamp_mss", "set_mtu", "mtu_probing", "check_fix")

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

_PLANS: dict[str, tuple[str, ...]] = {
    "blackhole": (*_VERIFY, *_CURE),
    "blackhole_probable": (*_VERIFY, *_CURE),
    "blackhole_suspected": (
        "capture_at_sender", *_VERIFY, "tunnel_mtu", "permit_icmp", "clamp_mss", "mtu_probing", "check_fix",
    ),
    "blackhole_recovered": (*_VERIFY, "tunnel_mtu", "permit_icmp", "clamp_mss", "set_mtu", "check_fix"),
    "ptb_ignored": ("ping_passes", "measure", "tunnel_mtu", "clamp_mss", "set_mtu", "mtu_probing", "check_fix"),
    "fragment_loss": (
        "ping_fragments", "ping_passes", "measure", "tunnel_mtu", "permit_fragments", "use_df", "clamp_mss",
        "check_fix",
    ),
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
complete(_PLANS, VERDICTS, "plan of fixes")

KINDS: dict[str, FixKind] = {
    "ping_lost": "confirm",
    "ping_passes": "confirm",
    "ping_fragments": "confirm",
    "trace_dead": "confirm",
    "inspect_content": "confirm",
    "slow_reader": "confirm",
    "capture_at_sender": "confirm",
    "capture_both": "confirm",
    "measure": "measure",
    "measure_loss": "measure",
    "tunnel_mtu": "fix",
    "permit_icmp": "fix",
    "clamp_mss": "fix",
    "set_mtu": "fix",
    "mtu_probing": "fix",
    "permit_fragments": "fix",
    "use_df": "fix",
    "accept_on_host": "fix",
    "reverse_path_filter": "fix",
    "checksum_counter": "fix",
    "nat_quote": "fix",
    "sequence_counter": "fix",
    "mtu_zero": "fix",
    "mtu_not_smaller": "fix",
    "below_1280": "fix",
    "check_host": "confirm",
    "check_fix": "check",
}
"""What each step is for."""

_ORDER = ("confirm", "measure", "fix", "check")
"""First what shows the fault, then what finds the size, then the cures, and in the end whether it is cured."""

SHORT = {
    "tunnel_mtu": "set the MTU of the <tunnel> tunnel to <mtu_words>",
    "permit_icmp": "let <ptb_name> reach <sender>",
    "clamp_mss": "clamp the MSS",
    "set_mtu": "set the MTU of the route or tunnel",
    "permit_fragments": "let fragments pass",
    "use_df": "have <sender> set DF",
    "accept_on_host": "accept <ptb_name> on <sender>",
    "nat_quote": "repair the NAT that rewrites PTBs",
}
"""Cures in a few words, for the first screen."""

if _strange := {step for plan in (*_PLANS.values(), *_PTB_PLANS.values()) for step in plan} ^ KINDS.keys():
    raise LookupError(f"steps without a kind or a plan: {', '.join(sorted(_strange))}")

_ON_A_PLATFORM = frozenset({"tunnel_mtu", "permit_icmp", "clamp_mss", "set_mtu", "mtu_probing", "accept_on_host"})
"""Steps that are left out where the platforms asked for have none. All others look at the hosts, and Linux's way
is shown in their place."""

SIZE_WORDS = frozenset({"MTU", "MSS"})
"""What stands in a command instead of a size that must be measured first."""


@cache
def entries(platform: str) -> tuple[dict[str, Any], ...]:
    """The variants of a platform as its file has them, each with the platform's name."""
    import tomllib  # only where there is something to advise

    text = (Path(__file__).parent / "platforms" / f"{platform}.toml").read_text(encoding="utf-8")
    return tuple({**entry, "platform": platform} for entry in tomllib.loads(text)["fix"])


def unknown_platforms(names: Iterable[str]) -> list[str]:
    """Those of the names that no platform has."""
    return [name for name in names if name != ALL and name not in PLATFORMS]


def settled_mtu(bracket: Bracket) -> int | None:
    """An MTU in bytes that the evidence gives to set by hand; None: it must be measured first.

    What was proven delivered fits, but that a small packet was is no reason to configure a tiny MTU.
    """
    if bracket.exact is not None:
        return bracket.exact
    if bracket.at_least is None or bracket.at_least >= WORTHWHILE_MTU:
        return bracket.at_least
    narrow = bracket.at_most is not None and bracket.at_most - bracket.at_least < NARROW_BRACKET
    return bracket.at_least if narrow else None


def inner_mtu(bracket: Bracket, tunnel: Tunnel | None) -> int | None:
    """As `settled_mtu`, for what a tunnel carries: what its headers leave of an Ethernet link fits, too.

    As long as the evidence does not contradict it.
    """
    if tunnel is None or bracket.exact is not None:
        return settled_mtu(bracket)
    for size in (tunnel.told, ETHERNET_MTU - tunnel.overhead):
        at_most = bracket.at_most if bracket.at_most is not None else ETHERNET_MTU
        if size is not None and (bracket.at_least or 0) <= size <= at_most:
            return size
    return settled_mtu(bracket)


def _tunnel_note(tunnel: Tunnel, mtu: int | None) -> str:
    takes = f"its headers take {tunnel.overhead} bytes of every packet"
    if mtu is None:
        return f"{takes}; MTU is the number that Measure gave"
    if mtu == ETHERNET_MTU - tunnel.overhead:
        return f"{takes}: {ETHERNET_MTU} - {tunnel.overhead} = {mtu}"
    if mtu == tunnel.told:
        return f"{takes}, and a router told the tunnel's end that {mtu + tunnel.overhead} bytes fit"
    return f"{takes}, and packets of {mtu} bytes inside got through"


def _scoped(ip: str) -> str:
    """The address as a command wants it: link-local ones need their interface (RFC 4007 11)."""
    return f"{ip}%DEVICE" if ip.lower().startswith("fe80:") else ip


def _blanks(sender: str, receiver: str, bracket: Bracket, version: int, tunnel: Tunnel | None) -> Blanks:
    """Everything that the texts can name; None for what the capture does not tell.

    Sizes are bytes of IP total length, those in `_ping` of echo data.
    """
    six = version == 6
    ping_headers = IPV6_PING_HEADERS if six else IPV4_PING_HEADERS
    tcp_headers = IPV6_TCP_HEADERS if six else IPV4_TCP_HEADERS
    mtu = inner_mtu(bracket, tunnel)
    passed = bracket.exact if bracket.exact is not None else bracket.at_least or 0
    lost = (bracket.at_most if bracket.at_most is not None else passed) + 1
    big = lost if bracket.at_most is not None else max(ETHERNET_MTU, lost)
    low = max(passed, LEAST_MTU[version])
    if low >= big:
        low = LEAST_MTU[4]  # an IPv6 path that carries less than it must
    middle = (low + big) // 2
    return {
        "sender": sender,
        "receiver": receiver,
        "receiver_scoped": _scoped(receiver),
        "sender_bracketed": f"[{sender}]" if six else sender,
        "receiver_bracketed": f"[{receiver}]" if six else receiver,
        "passed": passed,
        "passed_ping": max(passed - ping_headers, 0),
        "lost": lost,
        "lost_ping": max(lost - ping_headers, 0),
        "big": big,
        "big_ping": max(big - ping_headers, 0),
        "low": low,
        "low_ping": max(low - ping_headers, 0),
        "middle_ping": max(middle - ping_headers, 0),
        "hi": big if bracket.at_most is not None else big + 1,
        "high_ping": max(big - ping_headers, 0),
        "ping_headers": ping_headers,
        "mtu": mtu if mtu is not None else "MTU",
        "mss": mtu - tcp_headers if mtu is not None else "MSS",
        "mtu_note": "" if mtu is not None else ", to the number that Measure gave",
        "mss_note": f"MSS {mtu - tcp_headers} is {mtu} - {tcp_headers}"
        if mtu is not None
        else f"MSS is the number that Measure gave, less {tcp_headers}",
        "mtu_words": mtu if mtu is not None else "what Measure gives",
        "tunnel": tunnel.name if tunnel is not None else "",
        "tunnel_note": _tunnel_note(tunnel, mtu) if tunnel is not None else "",
        "device_kind": DEVICE_KINDS.get(tunnel.layers[0]) if tunnel is not None else None,
        "ip6_option": "-6 " if six else "",
        "host_bits": 128 if six else 32,
        "icmp": "icmp6" if six else "icmp",
        "ptb_name": "ICMPv6 type 2" if six else "ICMP type 3 code 4",
        # Offsets: ICMP type and code; the ICMPv6 type comes after 40 bytes of IPv6 header.
        "ptb_filter": "icmp6 and ip6[40] == 2" if six else "icmp[0] == 3 and icmp[1] == 4",
    }


def _filled(text: str, blanks: Blanks) -> str:
    return _BLANK.sub(lambda blank: str(blanks[blank[1]]), text.strip("\n"))


def _commands(entry: Mapping[str, Any], blanks: Blanks) -> tuple[Command, ...]:
    """The lines of a platform's entry, and the alternative to the last of them."""
    out = [Command("", line) for line in _filled(entry["command"], blanks).splitlines()]
    other = entry.get("alternative")
    if other is not None and all(blanks[name] is not None for name in _BLANK.findall(other["line"])):
        out.append(Command(f"{other['lead']}: ", _filled(other["line"], blanks)))
    return tuple(out)


def _variants(step: str, version: int, platforms: Sequence[str]) -> list[dict[str, Any]]:
    """The entries of a step on the platforms asked for, or of Linux; without any asked for its short list."""
    wanted = platforms or (DEFAULT_PLATFORM,)
    found = [
        entry
        for platform in PLATFORMS
        if platform in wanted or ALL in wanted
        for entry in entries(platform)
        if entry["step"] == step and entry.get("ip", version) == version and (platforms or not entry.get("extra"))
    ]
    if not found and step not in _ON_A_PLATFORM and DEFAULT_PLATFORM not in wanted:
        return _variants(step, version, (DEFAULT_PLATFORM,))
    return found


def _steps(verdict: str, bracket: Bracket, ptb_reasons: Sequence[str], tunnel: Tunnel | None) -> list[str]:
    plan: list[str] = []
    if verdict == "ptb_ignored":
        for reason in dict.fromkeys(ptb_reasons or ("host",)):
            plan += _PTB_PLANS.get(reason, ())
    plan += _PLANS[verdict]
    if settled_mtu(bracket) is None or (bracket.at_most is None and bracket.exact is None):
        pointless = set() if bracket.at_least is not None else {"ping_passes"}  # no size is known to pass
    else:
        pointless = {"measure"}
    if bracket.at_most is None:
        pointless.add("ping_lost")  # no size is known to be lost
    if tunnel is None:
        pointless.add("tunnel_mtu")
    return [step for step in plan if step not in pointless]


def fixes_for(
    verdict: str,
    *,
    sender_ip: str,
    receiver_ip: str,
    path_mtu: Bracket,
    version: int,
    ptb_reasons: Sequence[str] = (),
    platforms: Sequence[str] = (),
    tunnel: Tunnel | None = None,
) -> tuple[Fix, ...]:
    """Steps against `verdict`, the first first; none for healthy verdicts.

    Args:
        verdict: one of `VERDICTS`.
        sender_ip: the end whose large packets the verdict is about.
        receiver_ip: the other end.
        path_mtu: bracket of the path MTU in that direction.
        version: 4 or 6.
        ptb_reasons: for `ptb_ignored`, why each PTB had no effect.
        platforms: names from `PLATFORMS`, or "all"; without any, a short list for Linux.
        tunnel: what carries the packets where they were captured, None: nothing.
    """
    reasons = tuple(dict.fromkeys(ptb_reasons))
    size = PathMtu(path_mtu.at_least, path_mtu.at_most, path_mtu.exact)
    return _filled_steps(verdict, sender_ip, receiver_ip, size, version, reasons, tuple(platforms), tunnel)


@lru_cache(maxsize=1024)  # many flows hang on one path
def _filled_steps(
    verdict: str,
    sender_ip: str,
    receiver_ip: str,
    path_mtu: PathMtu,
    version: int,
    ptb_reasons: tuple[str, ...],
    platforms: tuple[str, ...],
    tunnel: Tunnel | None,
) -> tuple[Fix, ...]:
    blanks = _blanks(sender_ip, receiver_ip, path_mtu, version, tunnel)
    return tuple(
        Fix(
            kind=KINDS[step],
            where=_filled(entry["where"], blanks),
            commands=_commands(entry, blanks),
            why=_filled(entry["why"], blanks),
            platform=entry["platform"],
            source=entry["source"],
            short=_filled(SHORT.get(step, ""), blanks),
            step=step,
        )
        for step in sorted(_steps(verdict, path_mtu, ptb_reasons, tunnel), key=lambda step: _ORDER.index(KINDS[step]))
        for entry in _variants(step, version, platforms)
    )
