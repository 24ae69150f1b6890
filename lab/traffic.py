"""The applications: both ends of a conversation, as ordinary blocking sockets in threads."""

from __future__ import annotations

import random
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from lab.headers import SYN, TCP, build_icmp, build_ip, build_tcp
from lab.network import Network
from lab.vocabulary import Flow, Say

_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _PMTUDISC_DONT, _PMTUDISC_PROBE = 10, 23, 0, 3
_ECHO_REQUEST, _PING_IDENTIFIER = 8, 0x4D54
_TCP_REPAIR, _TCP_REPAIR_QUEUE, _TCP_QUEUE_SEQ, _TCP_SEND_QUEUE = 19, 20, 21, 2
_SO_MAX_PACING_RATE = 47
_TICK = 0.05


class _StoppedError(Exception):
    """The recording is over while the conversation still hangs."""


@dataclass(slots=True)
class Outcome:
    """How far the two ends of one flow came."""

    flow: Flow
    said: dict[str, int] = field(default_factory=lambda: {"client": 0, "server": 0})
    errors: list[str] = field(default_factory=list)
    running: int = 0  # ends of it that still talk

    @property
    def ended(self) -> Literal["completes", "hangs", "breaks"]:
        if self.errors:
            return "breaks"
        done = min(self.said.values()) == len(self.flow.talk)
        return "completes" if done else "hangs"


class Traffic:
    """All flows of a scenario. `stop` ends the conversations that hang."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.outcomes = [Outcome(flow) for flow in network.scenario.flows]
        self._stop = threading.Event()
        self._deadlines: dict[int, float] = {}  # by thread, where somebody loses patience
        self._threads: list[threading.Thread] = []
        self._listeners: dict[int, socket.socket] = {}
        self._accepting = threading.Lock()
        self._accepted: dict[tuple[int, tuple[str, int]], socket.socket] = {}

    def prepare(self) -> None:
        """Open every listening socket, so that no SYN comes too early."""
        for flow in self.network.scenario.flows:
            if flow.listening and flow.port not in self._listeners:
                self._listeners[flow.port] = self._listener(flow)

    def start(self) -> None:
        if self.network.scenario.pings:
            self._spawn(self._ping)
        if self.network.scenario.syn_flood:
            self._spawn(self._flood)
        for outcome in self.outcomes:
            outcome.running = 1
            self._spawn(self._client, outcome)

    def all_done(self) -> bool:
        return not any(outcome.running for outcome in self.outcomes)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for listener in self._listeners.values():
            listener.close()

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _socket(self, flow: Flow) -> socket.socket:
        six = self.network.scenario.family == 6
        made = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, flow.congestion_control.encode())
        if flow.without_df and not six:
            made.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DONT)
        if flow.without_df and six:
            made.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_DONT)
        if flow.receive_buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, flow.receive_buffer)
        if flow.send_buffer is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, flow.send_buffer)
        if flow.pacing is not None:
            made.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, flow.pacing)
        if flow.keepalive_seconds is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
                made.setsockopt(socket.IPPROTO_TCP, option, flow.keepalive_seconds)
        return made

    def _listener(self, flow: Flow) -> socket.socket:
        with self.network.inside("server"):
            listener = self._socket(flow)
        listener.bind((self.network.addresses.server, flow.port))
        listener.listen(16)
        return listener

    def _client(self, outcome: Outcome) -> None:
        flow = outcome.flow
        made = None
        try:
            self._sleep(flow.start)
            with self.network.inside("client"):
                made = self._socket(flow)
            if flow.maximum_segment is not None:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, flow.maximum_segment)
            if flow.client_port is not None:
                made.bind((self.network.addresses.client, flow.client_port))
            server: socket.socket | None = None
            if flow.initial_sequence is not None:
                _set_initial_sequence(made, flow.initial_sequence)
            self._connect(made, flow.port)
            if flow.client_patience is not None:
                self._deadlines[threading.get_ident()] = time.monotonic() + flow.client_patience
            if flow.listening:
                server = self._accept(flow.port, made)
                outcome.running += 1
                self._spawn(self._serve, outcome, server)
            self._converse(outcome, made, "client")
        except _StoppedError:
            pass
        except OSError as error:
            outcome.errors.append(f"client: {error}")
        finally:
            if made is not None:
                made.close()
            outcome.running -= 1

    def _serve(self, outcome: Outcome, made: socket.socket) -> None:
        if outcome.flow.server_patience is not None:
            self._deadlines[threading.get_ident()] = time.monotonic() + outcome.flow.server_patience
        self._converse(outcome, made, "server")
        outcome.running -= 1

    def _connect(self, made: socket.socket, port: int) -> None:
        made.setblocking(False)
        error = made.connect_ex((self.network.addresses.server, port))
        while error in (115, 114):  # EINPROGRESS, EALREADY
            self._check()
            select.select([], [made], [], _TICK)
            error = made.connect_ex((self.network.addresses.server, port))
        if error not in (0, 106):  # EISCONN
            raise OSError(error, "connect")

    def _accept(self, port: int, client: socket.socket) -> socket.socket:
        """The server's end of this very connection: several flows may share a port."""
        me = client.getsockname()[:2]
        while True:
            self._check()
            with self._accepting:
                if (port, me) in self._accepted:
                    return self._accepted.pop((port, me))
                ready, _, _ = select.select([self._listeners[port]], [], [], _TICK)
                if ready:
                    server, peer = self._listeners[port].accept()
                    self._accepted[port, peer[:2]] = server

    def _converse(self, outcome: Outcome, made: socket.socket, me: str) -> None:
        made.setblocking(False)
        unread = 0  # bytes that the other side may have sent by now and that nobody waited for
        try:
            for message in outcome.flow.talk:
                if message.speaker == me:
                    self._sleep(message.after)
                    unread -= self._send(made, message, unread)
                elif message.heard:
                    self._receive(made, message, message.size + unread)
                    unread = 0
                else:
                    unread += message.size
                outcome.said[me] += 1
            self._receive_bytes(made, unread)
            if me == "server":  # the client closes first
                self._until_closed(made)
        except _StoppedError:
            pass
        except OSError as error:
            outcome.errors.append(f"{me}: {error}")
            if me == "client" and outcome.flow.client_aborts:
                _reset_on_close(made)
        finally:
            made.close()

    def _send(self, made: socket.socket, message: Say, unread: int) -> int:
        """Send all of it, and read meanwhile what is unread; the answer is how much was."""
        size = message.size if message.cut_after is None else message.cut_after
        data = (message.content * (size // len(message.content) + 1))[:size]
        got = 0
        while data:
            self._check()
            readable, writable, _ = select.select([made] if got < unread else [], [made], [], _TICK)
            if readable:
                got += self._read(made, unread - got)
            if writable:
                data = data[made.send(data) :]
        if message.cut_after is not None:
            if message.cut_by == "rst":
                _reset_on_close(made)
            raise OSError("killed")
        return got

    def _receive(self, made: socket.socket, message: Say, size: int) -> None:
        if message.reader_pauses:
            self._sleep(message.after + message.reader_pauses)
        self._receive_bytes(made, size, message.reader_pace)

    def _receive_bytes(self, made: socket.socket, missing: int, pace: float = 0.0) -> None:
        while missing:
            self._check()
            if select.select([made], [], [], _TICK)[0]:
                most = int(pace * _TICK) if pace else 65536
                missing -= self._read(made, min(missing, most))
                if pace:
                    self._sleep(_TICK)

    @staticmethod
    def _read(made: socket.socket, most: int) -> int:
        got = made.recv(most)
        if not got:
            raise OSError("closed by the other side")
        return len(got)

    def _until_closed(self, made: socket.socket) -> None:
        while True:
            self._check()
            if select.select([made], [], [], _TICK)[0] and not made.recv(65536):
                return

    def _ping(self) -> None:
        """Echo requests that carry DF whatever the host knows of the path MTU; replies are recorded."""
        scenario, addresses = self.network.scenario, self.network.addresses
        ends = addresses.server, addresses.client
        sender, receiver = ends if scenario.data == "download" else ends[::-1]
        with self.network.inside(scenario.node_of("sender")):
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        with raw, suppress(_StoppedError):
            raw.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_PROBE)
            for number, ip_len in enumerate(scenario.pings, start=1):
                self._sleep(0.3)
                request = build_icmp(
                    sender,
                    receiver,
                    _ECHO_REQUEST,
                    0,
                    rest=_PING_IDENTIFIER << 16 | number,
                    body=bytes(ip_len - 28),
                )
                raw.sendto(request[20:], (receiver, 0))  # the kernel writes the IP header

    def _flood(self) -> None:
        """SYNs in the names of hosts that are not there, in a second or so."""
        scenario, addresses = self.network.scenario, self.network.addresses
        chance = random.Random(7)
        with self.network.inside("client"):
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        with raw, suppress(_StoppedError):
            for number in range(scenario.syn_flood):
                self._sleep(1.0 / scenario.syn_flood)
                source = addresses.client_net.replace(".0/24", f".{100 + number % 150}")
                ends = source, addresses.server
                ports = chance.randrange(1024, 65536), scenario.flows[0].port
                options = struct.pack("!BBH", 2, 4, 1460)
                syn = build_tcp(*ends, ports, seq=chance.randrange(2**32), ack=0, flags=SYN, options=options)
                raw.sendto(build_ip(*ends, TCP, syn, df=False), (addresses.server, 0))

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, _TICK))

    def _check(self) -> None:
        if self._stop.is_set():
            raise _StoppedError
        if time.monotonic() > self._deadlines.get(threading.get_ident(), float("inf")):
            raise OSError("out of patience")


def _set_initial_sequence(made: socket.socket, number: int) -> None:
    """Repair mode lets root choose the sequence number with which `connect` will begin."""
    made.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
    made.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR_QUEUE, _TCP_SEND_QUEUE)
    made.setsockopt(socket.IPPROTO_TCP, _TCP_QUEUE_SEQ, struct.pack("I", number))
    made.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 0)


def _reset_on_close(made: socket.socket) -> None:
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
