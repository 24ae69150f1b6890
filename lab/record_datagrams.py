"""Records real programs that speak over UDP, at both ends of a path of two routers, in namespaces.

    python -m lab.record_datagrams OUT [PROGRAM[:STATE]...] [--jobs 4]

`datagram_programs` and `datagram_tunnels` have the programs and what must be installed for them. States of the path:

    healthy    nothing is narrow
    ptb        1,300 bytes between the routers, which say so
    silent     1,300 bytes, and the routers' ICMP errors are dropped: what has DF gets lost
    fragments  as silent, and all fragments but the first are dropped behind the routers
    switch     something without an address drops all packets of more than 1,300 bytes, with and without DF

Of tunnels the outer path is meant. For each recording `truth.json` says which of the large datagrams that one end
sent did not come to the other: read from the two captures packet by packet, never from what the analyzer says.
Needs Linux, root, `ip`, `nft`, `ethtool` and `tcpdump`. `tests/data/udp` was recorded so.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from lab.datagram_programs import PROGRAMS as PLAIN
from lab.datagram_truth import compared
from lab.datagram_tunnels import PROGRAMS as TUNNELS

CLIENT, SERVER = "192.0.2.2", "198.51.100.2"
FILTER = f"host {CLIENT} and host {SERVER} or icmp or arp"
NARROW = 1300
SNAP, SNAP_ENCRYPTED = 144, 80
STATES = ("healthy", "ptb", "silent", "fragments", "switch")
NODES = ("client", "right", "left", "server")
LINKS = (
    ("server", "s0", f"{SERVER}/24", "left", "s1", "198.51.100.1/24"),
    ("left", "m0", "203.0.113.1/24", "right", "m1", "203.0.113.2/24"),
    ("right", "c1", "192.0.2.1/24", "client", "c0", f"{CLIENT}/24"),
)
NO_ERRORS = "add rule ip f o icmp type destination-unreachable drop"
STATES_RULES: Mapping[str, tuple[str, ...]] = {
    "healthy": (),
    "ptb": (),
    "silent": (NO_ERRORS,),
    "fragments": (NO_ERRORS, "add rule ip f p ip frag-off & 0x1fff != 0 drop"),
    "switch": (f"add rule ip f p iifname {{m0, m1}} ip length > {NARROW} drop",),
}
PROGRAMS = {**PLAIN, **TUNNELS}


@dataclass
class Stage:
    """The path, and what runs on it. The names of its namespaces carry its number."""

    number: int
    state: str
    folder: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def namespace(self, node: str) -> str:
        return f"dgl{self.number}{node}"

    def inside(self, node: str, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.namespace(node), *command]

    def run(self, node: str | None, command: str | Sequence[str], *, timeout: float = 60, must: bool = True) -> str:
        """Run a command to its end and return what it printed."""
        words = shlex.split(command) if isinstance(command, str) else list(command)
        try:
            done = subprocess.run(
                self.inside(node, *words) if node else words,
                check=must,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return ""
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"{' '.join(words)[:300]}: {error.stderr.strip()[-400:]}") from None
        return done.stdout

    def start(self, node: str, command: str | Sequence[str], **environment: str) -> subprocess.Popen[bytes]:
        """Start what runs until the end of the recording; what it prints goes to `log` in the folder."""
        words = shlex.split(command) if isinstance(command, str) else list(command)
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                self.inside(node, "env", *(f"{k}={v}" for k, v in environment.items()), *words),
                stdout=log,
                stderr=log,
                stdin=subprocess.PIPE,
                cwd=self.folder,
            )
        self.started.append(process)
        return process

    def rule(self, node: str, text: str) -> None:
        """Add a rule to the chains `p` (prerouting) and `o` (output) of a node."""
        self.run(node, ["nft", text])

    def build(self) -> None:
        """The path."""
        self.destroy()
        for node in NODES:
            self.run(None, f"ip netns add {self.namespace(node)}")
            self.run(node, "ip link set lo up")
            self.run(node, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")
            chains = "add chain ip f p { type filter hook prerouting priority -500; }; "
            chains += "add chain ip f o { type filter hook output priority 0; }"
            self.run(node, ["nft", f"add table ip f; {chains}"])
        for left, device, address, right, other, far in LINKS:
            self.run(None, f"ip link add {device} netns {self.namespace(left)} type veth "
                           f"peer name {other} netns {self.namespace(right)}")  # fmt: skip
            for node, name, ip in ((left, device, address), (right, other, far)):
                self.run(node, f"ip addr add {ip} dev {name}")
                self.run(node, f"ip link set {name} up")
                self.run(node, f"ethtool -K {name} tso off gso off gro off tx off")
        self.run("server", "ip route add default via 198.51.100.1")
        self.run("client", "ip route add default via 192.0.2.1")
        self.run("left", "ip route add 192.0.2.0/24 via 203.0.113.2")
        self.run("right", "ip route add 198.51.100.0/24 via 203.0.113.1")
        for node in ("left", "right"):
            self.run(node, "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0")
            for rule in STATES_RULES[self.state]:
                self.rule(node, rule)
        if self.state in ("ptb", "silent", "fragments"):
            self.run("left", f"ip link set m0 mtu {NARROW}")
            self.run("right", f"ip link set m1 mtu {NARROW}")

    def stop(self) -> None:
        """End all that was started, last first."""
        for process in reversed(self.started):
            process.terminate()
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.started.clear()

    def destroy(self) -> None:
        for node in NODES:
            self.run(None, f"ip netns del {self.namespace(node)}", must=False)


def record(out: Path, number: int, name: str, state: str) -> None:
    """Record one program on one path."""
    program = PROGRAMS[name]
    snap = SNAP_ENCRYPTED if name in TUNNELS or name.startswith("quic") else SNAP
    with tempfile.TemporaryDirectory(prefix="datagrams-") as folder:
        Path(folder).chmod(0o777)
        stage = Stage(number, state, Path(folder))
        stage.build()
        try:
            taps = []
            for node, device in (("client", "c0"), ("server", "s0")):
                file = out / f"{name}_{state}_{node}.pcap"
                command = f"tcpdump --immediate-mode -i {device} -s {snap} -U -Z root -w {file} '{FILTER}'"
                taps.append(subprocess.Popen(stage.inside(node, *shlex.split(command)), stderr=subprocess.DEVNULL))
            time.sleep(0.7)
            program.talk(stage)
            time.sleep(0.5)
            for tap in taps:
                tap.terminate()
                tap.wait()
            log = Path(folder, "log")
            if log.exists():
                (out / f"{name}_{state}.log").write_bytes(log.read_bytes())
        finally:
            stage.stop()
            stage.destroy()
    files = [out / f"{name}_{state}_{node}.pcap" for node in ("client", "server")]
    truth = {"program": name, "state": state, "carried": 1500 if state == "healthy" else NARROW}
    truth |= compared(*files, tunnel=name in TUNNELS)
    (out / f"{name}_{state}.json").write_text(json.dumps(truth, indent=1))


def main(arguments: Sequence[str]) -> int:
    """Record what is asked for: all, or PROGRAM or PROGRAM:STATE; then write `truth.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", metavar="PROGRAM[:STATE]")
    parser.add_argument("--jobs", type=int, default=4)
    asked = parser.parse_args(arguments)
    out = asked.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    todo = []
    for text in asked.names or PROGRAMS:
        name, _, state = text.partition(":")
        todo += [(name, each) for each in ([state] if state else PROGRAMS[name].states or STATES)]
    with ThreadPoolExecutor(asked.jobs) as pool:
        made = [pool.submit(record, out, 100 + i, *each) for i, each in enumerate(todo)]
        for each in made:
            each.result()
    truths = {path.stem: json.loads(path.read_text()) for path in sorted(out.glob("*_*.json"))}
    (out / "truth.json").write_text(json.dumps(truths, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
