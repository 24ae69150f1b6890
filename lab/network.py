"""Network namespaces: building the chain client - routers - server, and taking it down again."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.vocabulary import Node, Scenario

_CLONE_NEWNET = 0x40000000
_ICMP_DROP = """
table inet icmp_dropped {{
  chain dropped {{
    icmp type destination-unreachable icmp code 4 counter drop
    icmpv6 type packet-too-big counter drop
  }}
  chain i {{ type filter hook input priority 0; jump dropped; }}
  chain f {{ type filter hook forward priority 0; jump dropped; }}
  chain o {{ type filter hook output priority 0; jump dropped; }}
}}
"""
_RULES = """
table inet rules {{
  chain f {{ type filter hook forward priority 10;
    {statements}
  }}
}}
"""
_HOST_RULES = """
table inet host_rules {{
  chain i {{ type filter hook input priority 10;
    {statements}
  }}
}}
"""
_OUTER_RULES = """
table inet outer {{
  chain p {{ type filter hook prerouting priority -450;
    {statements}
  }}
}}
"""


class LaboratoryError(Exception):
    """The machine did not do what the scenario says: the recording is worthless."""


def run(*command: str, stdin: str | None = None) -> str:
    """Run a command and return what it printed; its complaint becomes the error."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LaboratoryError(f"{' '.join(command)}: {done.stderr.strip() or 'failed'}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Addresses:
    """Documentation prefixes (RFC 5737, RFC 3849), so that nobody takes them for real hosts."""

    client: str
    client_gateway: str
    core_client: str  # the two ends of the path between the routers
    core_server: str
    middle_router: str  # between server router and server firewall
    middle_firewall: str
    server_gateway: str
    server: str
    prefix: int
    client_net: str
    server_net: str


ADDRESSES = {
    4: Addresses(
        client="192.0.2.10",
        client_gateway="192.0.2.1",
        core_client="198.51.100.1",
        core_server="198.51.100.2",
        middle_router="198.18.1.1",
        middle_firewall="198.18.1.2",
        server_gateway="203.0.113.1",
        server="203.0.113.10",
        prefix=24,
        client_net="192.0.2.0/24",
        server_net="203.0.113.0/24",
    ),
    6: Addresses(
        client="2001:db8:c::10",
        client_gateway="2001:db8:c::1",
        core_client="2001:db8:ffff::1",
        core_server="2001:db8:ffff::2",
        middle_router="2001:db8:eeee::1",
        middle_firewall="2001:db8:eeee::2",
        server_gateway="2001:db8:5::1",
        server="2001:db8:5::10",
        prefix=64,
        client_net="2001:db8:c::/64",
        server_net="2001:db8:5::/64",
    ),
}
UNDERLAY = ("198.18.0.1", "198.18.0.2")


def _setns(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Network:
    """The namespaces of one scenario. Names carry the process id, so parallel runs never meet."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.addresses = ADDRESSES[scenario.family]
        self.nodes: tuple[Node, ...] = ("client", "client_router", "server_router", "server")
        if scenario.firewall:
            self.nodes = (*self.nodes[:3], "server_firewall", "server")

    def namespace(self, node: Node) -> str:
        return f"{namespace_prefix(os.getpid())}{node.replace('_', '-')}"

    @contextmanager
    def inside(self, node: Node) -> Iterator[None]:
        """Sockets and TUN devices opened here, in this thread, belong to the namespace of `node`."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            there = os.open(f"/run/netns/{self.namespace(node)}", os.O_RDONLY)
            try:
                _setns(there)
            finally:
                os.close(there)
            try:
                yield
            finally:
                _setns(home)
        finally:
            os.close(home)

    def ip(self, node: Node, command: str) -> None:
        run("ip", "-n", self.namespace(node), *command.split())

    def execute(self, node: Node, *command: str, stdin: str | None = None) -> str:
        return run("ip", "netns", "exec", self.namespace(node), *command, stdin=stdin)

    def build(self) -> None:
        """Everything but the user-space path, whose devices the forwarder opens itself."""
        for node in self.nodes:
            run("ip", "netns", "add", self.namespace(node))
            self._prepare(node)
        self._links()
        if self.scenario.path.kind == "veth":
            self._veth_core()
        elif self.scenario.path.kind == "vxlan":
            self._vxlan_core()
        elif self.scenario.path.kind != "userspace":
            self._underlay()

    def finish(self) -> None:
        """Routes, rules and settings: after the devices of the path are there."""
        self._routes()
        for node in self.scenario.icmp_dropped_at:
            self.execute(node, "nft", "-f", "-", stdin=_ICMP_DROP.format())
        for node, statements in self.scenario.rules.items():
            self.execute(node, "nft", "-f", "-", stdin=_RULES.format(statements=statements))
        for node, statements in self.scenario.host_rules.items():
            self.execute(node, "nft", "-f", "-", stdin=_HOST_RULES.format(statements=statements))
        ends: tuple[Node, ...] = ("client_router", "server_router")
        for node in ends if self.scenario.path.outer_rules else ():
            statements = self.scenario.path.outer_rules
            self.execute(node, "nft", "-f", "-", stdin=_OUTER_RULES.format(statements=statements))
        self._sysctls("client", self.scenario.sysctls)
        self._sysctls("server", self.scenario.sysctls)
        for node, settings in self.scenario.node_sysctls.items():
            self._sysctls(node, settings)

    def destroy(self) -> None:
        for node in self.nodes:
            run_quietly("ip", "netns", "del", self.namespace(node))

    def _sysctls(self, node: Node, settings: Mapping[str, str]) -> None:
        for key, value in settings.items():
            self.execute(node, "sysctl", "-qw", f"{key}={value}")
            now = self.execute(node, "sysctl", "-n", key).strip()
            if now.split() != value.split():
                raise LaboratoryError(f"{node}: {key} is {now}, not {value}")

    def _prepare(self, node: Node) -> None:
        settings = {
            "net.ipv4.conf.all.rp_filter": "0",
            "net.ipv4.conf.default.rp_filter": "0",
            "net.ipv6.conf.default.accept_dad": "0",
            "net.ipv6.conf.default.router_solicitations": "0",
            "net.ipv4.icmp_ratelimit": "0",  # a rate limit would make PTBs a matter of luck
            "net.ipv6.icmp.ratelimit": "0",
        }
        if self.scenario.family == 4:
            settings["net.ipv6.conf.default.disable_ipv6"] = "1"  # no neighbour noise in captures
        if node not in ("client", "server"):
            settings |= {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}
        self._sysctls(node, settings)
        self.ip(node, "link set lo up")

    def _pair(self, left: tuple[Node, str], right: tuple[Node, str], mtu: int) -> None:
        self.ip(
            left[0],
            f"link add {left[1]} type veth peer name {right[1]} netns {self.namespace(right[0])}",
        )
        for node, device in (left, right):
            self.ip(node, f"link set {device} mtu {mtu} up")
            self._offloads(node, device)

    def _offloads(self, node: Node, device: str) -> None:
        state = "on" if self.scenario.offloads else "off"
        self.execute(node, "ethtool", "-K", device, "tso", state, "gso", state, "tx", state, "rx", state)
        gro = "on" if self.scenario.receiver_gro else "off"
        self.execute(node, "ethtool", "-K", device, "gro", gro)
        if self.scenario.receiver_gro:  # wait a little, so that there is something to merge
            for setting, value in (("napi_defer_hard_irqs", 10), ("gro_flush_timeout", 1_000_000)):
                path = f"/sys/class/net/{device}/{setting}"
                self.execute(node, "sh", "-c", f"echo {value} > {path}")

    def _links(self) -> None:
        mtu = self.scenario.lan_mtu
        self._pair(("client", "eth0"), ("client_router", "lan"), self.scenario.client_lan_mtu or mtu)
        if self.scenario.firewall:
            self._pair(("server_router", "lan"), ("server_firewall", "wan"), mtu)
            self._pair(("server_firewall", "lan"), ("server", "eth0"), mtu)
        else:
            self._pair(("server_router", "lan"), ("server", "eth0"), mtu)

    def core_mtus(self) -> tuple[int, int]:
        """MTUs of the path's devices in (client_router, server_router): each limits what it sends."""
        path = self.scenario.path
        back = path.mtu if path.mtu_back is None else path.mtu_back
        return (back, path.mtu) if self.scenario.data == "download" else (path.mtu, back)

    def _veth_core(self) -> None:
        up, down = self.core_mtus()
        self._pair(("client_router", "core"), ("server_router", "core"), max(up, down))
        self.ip("client_router", f"link set core mtu {up}")
        self.ip("server_router", f"link set core mtu {down}")

    def _underlay(self, *, wide: bool = False) -> None:
        mtu = 9000 if wide else self.scenario.path.underlay_mtu
        self._pair(("client_router", "under"), ("server_router", "under"), mtu)
        self.ip("client_router", f"addr add {UNDERLAY[0]}/30 dev under")
        self.ip("server_router", f"addr add {UNDERLAY[1]}/30 dev under")

    def _vxlan_core(self) -> None:
        self._underlay(wide=True)  # the kernel checks the overlay's MTU against it when it is set, never again
        ends: tuple[tuple[Node, str, str], ...] = (
            ("client_router", *UNDERLAY),
            ("server_router", UNDERLAY[1], UNDERLAY[0]),
        )
        for (node, local, remote), mtu in zip(ends, self.core_mtus(), strict=True):
            self.ip(
                node,
                f"link add core type vxlan id 42 dstport 4789 dev under local {local} remote {remote}",
            )
            self.ip(node, f"link set core mtu {mtu} up")
            self.execute(node, "ethtool", "-K", "core", "gro", "off")  # merged packets would exceed any limit
            self.ip(node, f"link set under mtu {self.scenario.path.underlay_mtu}")

    def _routes(self) -> None:
        a, six = self.addresses, "nodad" if self.scenario.family == 6 else ""
        ends: tuple[tuple[Node, str, str], ...] = (
            ("client", "eth0", a.client),
            ("client_router", "lan", a.client_gateway),
            ("client_router", "core", a.core_client),
            ("server_router", "core", a.core_server),
            ("server", "eth0", a.server),
        )
        for node, device, address in ends:
            self.ip(node, f"addr add {address}/{a.prefix} dev {device} {six}")
        self.ip("client", f"route add default via {a.client_gateway}")
        self.ip("server", f"route add default via {a.server_gateway}")
        self.ip("client_router", f"route add {a.server_net} via {a.core_server} dev core")
        self.ip("server_router", f"route add {a.client_net} via {a.core_client} dev core")
        if not self.scenario.firewall:
            self.ip("server_router", f"addr add {a.server_gateway}/{a.prefix} dev lan {six}")
            return
        self.ip("server_router", f"addr add {a.middle_router}/{a.prefix} dev lan {six}")
        self.ip("server_firewall", f"addr add {a.middle_firewall}/{a.prefix} dev wan {six}")
        self.ip("server_firewall", f"addr add {a.server_gateway}/{a.prefix} dev lan {six}")
        self.ip("server_router", f"route add {a.server_net} via {a.middle_firewall}")
        self.ip("server_firewall", f"route add default via {a.middle_router}")


def namespace_prefix(process: int) -> str:
    """What the namespaces of one recording process begin with."""
    return f"pmtulab-{process}-"


def run_quietly(*command: str) -> None:
    """For cleaning up: what is gone already is no fault."""
    subprocess.run(command, capture_output=True, check=False)


def sweep(process: int) -> None:
    """Remove what a killed process left behind."""
    directory = Path("/run/netns")
    if directory.is_dir():
        for entry in directory.glob(f"{namespace_prefix(process)}*"):
            run_quietly("ip", "netns", "del", entry.name)
