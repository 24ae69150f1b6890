"""The user-space path: two TUN devices and a thread that carries packets between them.

The routers' kernels do the routing, the fragmenting and the genuine PTBs; this thread adds what
has happened to packets on the way: delay, hazards, and optionally a tunnel around them.
"""

from __future__ import annotations

import fcntl
import heapq
import itertools
import os
import select
import struct
import threading
import time
from dataclasses import dataclass, field

from lab.hazards import Passage
from lab.network import UNDERLAY, Network
from lab.tunnels import Outer
from lab.vocabulary import Node

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000


@dataclass(slots=True)
class _End:
    """One end of the path: the TUN device of a router and, in a tunnel, its outer socket."""

    tun: int
    outer: Outer | None
    passages: list[Passage]  # what befalls packets that enter here


@dataclass(order=True, slots=True)
class _InFlight:
    due: float
    order: int
    packet: bytes = field(compare=False)
    towards: _End = field(compare=False)


class UserspacePath:
    """The path of one scenario, from the opening of its devices to `close`."""

    def __init__(self, network: Network) -> None:
        self.network = network
        path = network.scenario.path
        onward = [hazard.begin() for hazard in path.hazards]
        backward = [hazard.begin() for hazard in path.hazards_back]
        client_side, server_side = backward, onward
        if network.scenario.data == "upload":
            client_side, server_side = onward, backward
        mtus = network.core_mtus()
        self.client_end = self._open("client_router", mtus[0], client_side)
        self.server_end = self._open("server_router", mtus[1], server_side)
        self.one_way = path.round_trip / 2
        self.errors: list[BaseException] = []
        self._flying: list[_InFlight] = []
        self._order = itertools.count()
        self._stop = threading.Event()
        self._zero = time.monotonic()
        self._thread = threading.Thread(target=self._guarded, daemon=True)

    def start(self) -> None:
        """Set the clock of the hazards to zero and begin to forward."""
        self._zero = time.monotonic()
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for end in (self.client_end, self.server_end):
            os.close(end.tun)
            if end.outer is not None:
                end.outer.socket.close()

    def _open(self, node: Node, mtu: int, passages: list[Passage]) -> _End:
        outer = None
        with self.network.inside(node):
            tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", b"core", _IFF_TUN | _IFF_NO_PI))
            kind = self.network.scenario.path.kind
            if kind in ("tunnel", "ipip", "gre"):
                here, there = UNDERLAY if node == "client_router" else UNDERLAY[::-1]
                outer = Outer.open(kind, self.network.scenario.family, here, there)
        self.network.ip(node, f"link set core mtu {mtu} up")
        return _End(tun, outer, passages)

    def _guarded(self) -> None:
        try:
            self._forward()
        except Exception as error:  # reported by the laboratory, which waits for the traffic
            self.errors.append(error)

    def _forward(self) -> None:
        poll = select.poll()
        ends = {self.client_end.tun: self.client_end, self.server_end.tun: self.server_end}
        outers = {end.outer.socket.fileno(): (end.outer, end.tun) for end in ends.values() if end.outer is not None}
        for descriptor in (*ends, *outers):
            poll.register(descriptor, select.POLLIN)
        while not self._stop.is_set():
            wait = 0.05
            if self._flying:
                wait = min(wait, max(0.0, self._flying[0].due - time.monotonic()))
            for descriptor, _ in poll.poll(wait * 1000):
                if descriptor in ends:
                    self._enter(ends[descriptor])
                else:
                    outer, tun = outers[descriptor]
                    os.write(tun, outer.receive())
            while self._flying and self._flying[0].due <= time.monotonic():
                flying = heapq.heappop(self._flying)
                self._leave(flying.packet, flying.towards)

    def _enter(self, end: _End) -> None:
        packet = os.read(end.tun, 65535)
        now = time.monotonic()
        other = self.server_end if end is self.client_end else self.client_end
        fates = [(packet, 0.0)]
        for passage in end.passages:
            survivors = []
            for data, delay in fates:
                for fate in passage(data, now - self._zero):
                    if fate.back:  # an answer from the middle of the path: half the way, twice
                        self._fly(fate.packet, now + fate.delay + self.one_way, end)
                    else:
                        survivors.append((fate.packet, delay + fate.delay))
            fates = survivors
        for data, delay in fates:
            self._fly(data, now + delay + self.one_way, other)

    def _fly(self, packet: bytes, due: float, towards: _End) -> None:
        heapq.heappush(self._flying, _InFlight(due, next(self._order), packet, towards))

    def _leave(self, packet: bytes, towards: _End) -> None:
        sender = self.server_end if towards is self.client_end else self.client_end
        if sender.outer is None:
            os.write(towards.tun, packet)
        else:
            sender.outer.send(packet)
