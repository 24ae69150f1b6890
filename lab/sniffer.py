"""One tcpdump in one namespace: surely listening before the traffic, surely flushed after it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from pathlib import Path

from lab.network import LaboratoryError, Network
from lab.vocabulary import Capture, Role, Scenario

_LISTENS_WITHIN = 10.0


class Sniffer:
    """A running recorder."""

    def __init__(self, network: Network, capture: Capture, path: Path) -> None:
        self.capture = capture
        self.path = path
        namespace = network.namespace(network.scenario.node_of(capture.role))
        device = capture.interface or device_at(network.scenario, capture.role)
        self._process = subprocess.Popen(
            [
                *("ip", "netns", "exec", namespace, "tcpdump", "-n", "-U", "--immediate-mode"),
                *("-Z", "root", "-B", "4096", "-i", device, "-s", str(capture.snap_length)),
                *(("-y", capture.link_type) if capture.link_type else ()),
                *("-w", str(path), *capture.only.split()),
            ],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C must reach the laboratory first
        )
        self._await_listening()

    def stop(self) -> None:
        """Stop recording; loud if the recorder itself lost packets."""
        if self._process.poll() is None:
            time.sleep(0.15)  # the kernel hands packets over at once, tcpdump still has to write
            self._process.send_signal(signal.SIGINT)
        _, said = self._process.communicate(timeout=10)
        for line in said.decode().splitlines():
            if "dropped by kernel" in line and not line.startswith("0 "):
                raise LaboratoryError(f"{self.path.name}: tcpdump: {line}")

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _await_listening(self) -> None:
        if self._process.stderr is None:
            raise LaboratoryError("tcpdump has no standard error")
        descriptor, said = self._process.stderr.fileno(), b""
        until = time.monotonic() + _LISTENS_WITHIN
        while b"listening on" not in said:
            if time.monotonic() > until or self._process.poll() is not None:
                self.kill()
                raise LaboratoryError(f"tcpdump does not listen: {said.decode().strip()}")
            if select.select([descriptor], [], [], 0.1)[0]:
                said += os.read(descriptor, 4096)


def device_at(scenario: Scenario, role: Role) -> str:
    """The device whose packets a capture at this point shows."""
    if role == "underlay":
        return "under"
    return "eth0" if scenario.node_of(role) in ("client", "server") else "lan"
