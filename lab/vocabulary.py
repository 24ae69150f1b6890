"""The words in which the rows are written: `Scenario`, its `Path`, `Flow`s and `Capture`s.

The network is always the same chain; a scenario only says what is peculiar about it:

    client -- client_router == path == server_router -- [server_firewall] -- server
      |            |                         |                                 |
    eth0          lan                       lan                               eth0    capture points

`data` names the direction in which the large packets travel. Capture points are named by their
role in that direction: `sender`, `before` and `after` the path, `receiver`; `underlay` is the
outside of a tunnel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lab.edits import Edit
from lab.hazards import Hazard

Node = Literal["client", "client_router", "server_router", "server_firewall", "server"]
Role = Literal["sender", "before", "after", "receiver", "underlay"]
Direction = Literal["download", "upload"]
Ends = Literal["completes", "hangs", "breaks", "any"]
Group = Literal["tune", "seen", "held_out", "wild"]
Fact = Literal[
    "retransmissions",
    "super_segments",
    "sequence_wraps",
    "two_syns",
    "reset",
    "large_delivered",  # an ACK covers a packet of more than 1280 bytes
    "too_large_delivered",  # an ACK covers a packet above the path MTU: of another path, or of an earlier time
    "wrong_checksum",  # of a whole TCP segment
    "constant_gaps",  # four successive copies of the most repeated segment come at equal distances
    "late_ptb",  # two seconds or more after the first packet above the path MTU
    "closed_before_large",  # the receiver's FIN comes before the first large packet
]
Verdicts = tuple[str, ...]

SERVER_PORT = 8080


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """One message of a conversation: `speaker` sends `size` bytes, the other side reads them all."""

    speaker: Literal["client", "server"]
    size: int
    after: float = 0.0  # seconds of silence before it
    content: bytes = b"The quick brown fox jumps over the lazy dog. "
    reader_pauses: float = 0.0  # seconds during which the reader does not read: its window fills
    reader_pace: float = 0.0  # bytes per second at which the reader reads; 0: as they come
    heard: bool = True  # False: the other side goes on at once and reads these bytes when it next reads
    cut_after: int | None = None  # the speaker's process is killed after so many bytes
    cut_by: Literal["fin", "rst"] = "fin"  # how its kernel then ends the connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One TCP connection, opened by the client to `port` of the server."""

    talk: tuple[Say, ...]
    port: int = SERVER_PORT
    start: float = 0.0
    ends: Ends = "completes"
    listening: bool = True  # False: nobody answers, the SYN is refused
    client_port: int | None = None
    congestion_control: str = "cubic"
    without_df: bool = False  # IP_MTU_DISCOVER = IP_PMTUDISC_DONT on both sides
    receive_buffer: int | None = None
    send_buffer: int | None = None
    pacing: int | None = None  # bytes per second at which either side sends at most
    maximum_segment: int | None = None  # TCP_MAXSEG of the client
    keepalive_seconds: int | None = None
    client_patience: float | None = None  # seconds after which the client closes, come what may
    client_aborts: bool = False  # it closes with a RST
    server_patience: float | None = None  # as of the client, counted from the connection on
    initial_sequence: int | None = None  # of the client
    accept: Verdicts | None = None  # at the sender, when the flows of a scenario differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """What lies between the two routers."""

    kind: Literal["veth", "userspace", "tunnel", "ipip", "gre", "vxlan"] = "userspace"
    mtu: int = 1500  # of the hop in the direction of the data: the kernel's router sends the PTB
    mtu_back: int | None = None  # of the other direction, when it differs
    round_trip: float = 0.02  # seconds added, half in each direction; a veth adds nothing
    hazards: tuple[Hazard, ...] = ()  # in the direction of the data, in this order
    hazards_back: tuple[Hazard, ...] = ()
    underlay_mtu: int = 1500  # outer packets above it are cut into fragments
    outer_rules: str = ""  # nftables statements for the outer packets that reach either end of a tunnel


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One recording at one point, and what an honest reader may say of the worst flow in it."""

    role: Role
    accept: Verdicts
    why: str = ""  # where the answer is not plain: what this point can and cannot see
    flows: Mapping[int, Verdicts] = field(default_factory=dict, hash=False)  # by server port
    ptb: Verdicts = ()  # allowed effects and reasons of the PTBs in it; () means: none in it
    label: str = ""  # distinguishes several captures of one role
    snap_length: int = 128
    interface: str = ""  # "any": all of them
    link_type: str = ""  # as tcpdump -y names it, e.g. LINUX_SLL
    only: str = ""  # a capture filter
    start: float = 0.0  # seconds after the traffic began
    edits: tuple[Edit, ...] = ()
    sample: str = ""  # file name in sample_pcaps/, when it is kept there
    facts: tuple[Fact, ...] = ()  # what must be in it besides what the verdict implies
    trust: bool = True  # False: the edits removed what the checks look for


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One row: what is peculiar about the network, the traffic, and the truth at each point."""

    name: str
    shows: str  # one sentence, for people
    path_mtu: int | None  # the truth in the direction of the data; None: nothing gets through
    captures: tuple[Capture, ...]
    data: Direction = "download"
    family: Literal[4, 6] = 4
    path: Path = field(default_factory=Path)
    lan_mtu: int = 1500
    client_lan_mtu: int | None = None  # of the client's link, when it differs
    icmp_dropped_at: tuple[Node, ...] = ()  # PTBs only: in, through and out of these nodes
    firewall: bool = False  # a second router in front of the server
    rules: Mapping[Node, str] = field(default_factory=dict)  # more nftables statements to forward
    host_rules: Mapping[Node, str] = field(default_factory=dict)  # and to what this host receives
    sysctls: Mapping[str, str] = field(default_factory=dict)  # on client and server
    node_sysctls: Mapping[Node, Mapping[str, str]] = field(default_factory=dict)  # on one node only
    offloads: bool = False  # TSO, GSO and checksum offload of all virtual Ethernet links
    receiver_gro: bool = False
    flows: tuple[Flow, ...] = ()
    path_mtu_also: int | None = None  # the other value, where the path MTU changes or differs between flows
    syn_flood: int = 0  # SYNs to the first flow's port from addresses that nobody has, IPv4
    together: bool = False  # the captures at both hosts are also read as one
    group: Group | None = None  # what the rules have to do with it: groups.toml says so of every row
    pings: tuple[int, ...] = ()  # ICMP echo requests with DF by the sender: IP total lengths
    seconds: float = 12.0  # the recording ends then, or when every flow is done
    linger: float = 0.4  # seconds recorded after the last flow is done

    @property
    def path_mtu_back(self) -> int | None:
        """The true path MTU against the direction of the data."""
        if self.path_mtu is None:
            return None
        back = self.path.mtu if self.path.mtu_back is None else self.path.mtu_back
        return min(back, self.lan_mtu, self.client_lan_mtu or self.lan_mtu)

    def node_of(self, role: Role) -> Node:
        chain: tuple[Node, ...] = ("server", "server_router", "client_router", "client")
        if self.data == "upload":
            chain = ("client", "client_router", "server_router", "server")
        if role == "underlay":
            return "client_router"
        return dict(zip(("sender", "before", "after", "receiver"), chain, strict=True))[role]

    def file_of(self, capture: Capture) -> str:
        label = f".{capture.label}" if capture.label else ""
        return f"{self.name}.{capture.role}{label}.pcap"
