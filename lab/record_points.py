"""Records real stacks at four points of a path at once: client, two routers and server in namespaces.

    python -m lab.record_points OUT KIND [--no-offload]

The host at one end announces an MSS of 1460, and a link carries 1400 bytes. Kinds, each with its twin in which nothing
gets lost; Needs Linux, root, `ip`, `iptables`, `nft`, `ethtool`, `tc` and `tcpdump`.
`tests/data/points` was recorded so.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NODES = {"client": "pts-c", "router-a": "pts-a", "router-b": "pts-b", "server": "pts-s"}
NETS = {4: ("10.71.1.", "10.71.2.", "10.71.3."), 6: ("fd71:1::", "fd71:2::", "fd71:3::")}
LINKS = (("client", "router-a"), ("router-a", "router-b"), ("router-b", "server"))
TAPS = {"client": "right", "router-a": "right", "router-b": "right", "server": "left"}
SERVER = """
import socket, time
s = socket.create_server(("{server}", 8080), family=socket.{family})
c, _ = s.accept(); c.recv(1000); c.sendall(b"a" * 300); c.recv(1000)
c.sendall(b"b" * 20000 + b"c" * 700); time.sleep(0.5); c.sendall(b"d" * 300); time.sleep(12)
"""
CLIENT = """
import socket, time
c = socket.create_connection(("{server}", 8080)); c.sendall(b"x" * 100); c.recv(300); c.sendall(b"y" * 100)
c.settimeout(8); start = time.time()
while time.time() - start < 8 and c.recv(65536): pass
"""
TAKING = """
import socket
s = socket.create_server(("{server}", 8080), family=socket.{family}); c, _ = s.accept()
c.recv(1000); c.sendall(b"a" * 300)
while c.recv(65536): pass
"""
GIVING = """
import socket, time
c = socket.create_connection(("{server}", 8080)); c.sendall(b"x" * 100); c.recv(300)
c.sendall(b"y" * 20000 + b"z" * 700); time.sleep(0.5); c.sendall(b"d" * 300); time.sleep(8)
"""


@dataclass(frozen=True)
class Kind:
    """What is between the hosts."""

    version: int = 4
    narrow: str = "client"  # 1400 bytes: the link between the client and router-a, or that between the routers
    rules: tuple[tuple[str, str], ...] = ()  # commands in the namespaces of nodes
    upload: bool = False  # the client sends


DROP_4 = ("router-b", "iptables -A FORWARD -p icmp --icmp-type 3/4 -j DROP")
DROP_6 = ("router-b", "ip6tables -A FORWARD -p icmpv6 --icmpv6-type packet-too-big -j DROP")
DROP_OWN = ("router-a", "iptables -A OUTPUT -p icmp --icmp-type 3/4 -j DROP")
MASQUERADE = (
    ("router-b", "nft add table ip nat"),
    ("router-b", "nft add chain ip nat out '{ type nat hook postrouting priority 100; }'"),
    ("router-b", "nft add rule ip nat out oifname right masquerade"),
)
CLAMP = "iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN {} -j TCPMSS --set-mss 1360"
CLAMPED = ("router-a", CLAMP.format("-o right"))
CLAMPED_BACK = ("router-a", CLAMP.format("-o left"))

KINDS = {
    "none": Kind(),
    "ptb": Kind(rules=(DROP_4,)),
    "nat": Kind(rules=(DROP_4, ("router-a", "iptables -t nat -A POSTROUTING -o right -j MASQUERADE"))),
    # The narrow link is behind a NAT of nftables, whose router drops the PTBs.
    "masquerade": Kind(rules=(*MASQUERADE, DROP_4)),
    "masquerade_none": Kind(rules=MASQUERADE),
    # Between the routers it is narrow: the MSS is clamped for what the server sends, and the client uploads.
    "clamp_one_way": Kind(narrow="routers", rules=(CLAMPED, DROP_OWN), upload=True),
    "clamp_both_ways": Kind(narrow="routers", rules=(CLAMPED, CLAMPED_BACK, DROP_OWN), upload=True),
    # The router of the narrow link sends PTBs, and the next one drops them.
    "ipv6": Kind(version=6, rules=(DROP_6,)),
    "ipv6_none": Kind(version=6),
    # Between the routers, and the PTBs never leave the router that makes them.
    "silent": Kind(narrow="routers", rules=(("router-b", DROP_OWN[1]),)),
    "silent_none": Kind(narrow="routers"),
}


def inside(node: str) -> list[str]:
    """What runs a command in the namespace of a node."""
    return ["ip", "netns", "exec", NODES[node]]


def run(node: str | None, command: str, *, must: bool = True) -> None:
    """Run a command, in the namespace of a node."""
    subprocess.run([*(inside(node) if node else []), *shlex.split(command)], check=must, capture_output=True)


def build(kind: Kind, *, offload: bool) -> None:
    """The path."""
    for name in NODES.values():
        run(None, f"ip netns del {name}", must=False)
        run(None, f"ip netns add {name}")
    length = 24 if kind.version == 4 else 64
    nets = NETS[kind.version]
    for (left, right), net in zip(LINKS, nets, strict=True):
        run(None, f"ip link add right netns {NODES[left]} type veth peer name left netns {NODES[right]}")
        for node, device, host in ((left, "right", 1), (right, "left", 2)):
            run(node, f"ip addr add {net}{host}/{length} dev {device}" + (" nodad" if kind.version == 6 else ""))
            run(node, f"ip link set {device} up")
            if not offload:
                run(node, f"ethtool -K {device} tso off gso off gro off", must=False)
    run("client", f"ip -{kind.version} route add default via {nets[0]}2 advmss {1460 if kind.version == 4 else 1440}")
    run("server", f"ip -{kind.version} route add default via {nets[2]}1")
    run("router-a", f"ip -{kind.version} route add {nets[2]}{'0/24' if kind.version == 4 else '/64'} via {nets[1]}2")
    run("router-b", f"ip -{kind.version} route add {nets[0]}{'0/24' if kind.version == 4 else '/64'} via {nets[1]}1")
    for node in ("router-a", "router-b"):
        run(node, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
    for node in ("client", "router-a", "router-b"):
        run(node, "tc qdisc add dev right root netem delay 3ms", must=False)
    ends = (("router-a", "left"), ("client", "right"))
    for node, device in ends if kind.narrow == "client" else (("router-a", "right"), ("router-b", "left")):
        run(node, f"ip link set {device} mtu 1400")
    for node, command in kind.rules:
        run(node, command)


def main(arguments: Sequence[str]) -> int:
    """Record one conversation."""
    out, kind = Path(arguments[0]).resolve(), KINDS[arguments[1]]
    told = {"server": f"{NETS[kind.version][2]}2", "family": "AF_INET" if kind.version == 4 else "AF_INET6"}
    scripts = (TAKING, GIVING) if kind.upload else (SERVER, CLIENT)
    out.mkdir(parents=True, exist_ok=True)
    build(kind, offload="--no-offload" not in arguments)
    try:
        taps = [
            subprocess.Popen(
                [*inside(node), "tcpdump", "-i", device, "-s", "128", "-U", "-w", f"{out}/{node}.pcap"],
                stderr=subprocess.DEVNULL,
            )
            for node, device in TAPS.items()
        ]
        time.sleep(1)
        server = subprocess.Popen([*inside("server"), sys.executable, "-c", scripts[0].format(**told)])
        time.sleep(0.5)
        client = [*inside("client"), sys.executable, "-c", scripts[1].format(**told)]
        subprocess.run(client, check=False, timeout=12, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        for process in (server, *taps):
            process.terminate()
            process.wait()
    finally:
        for name in NODES.values():
            run(None, f"ip netns del {name}", must=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
