"""What the configuration of a drawn scenario says about each flow, and what its capture has to show for it.

The verdicts an honest reader may give are many where several troubles meet; what is never right stays out:
a flow without any limit of sizes must not be called a black hole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from lab.capture_file import CaptureFile, read_capture
from lab.drawn import Drawn, Limit
from lab.hangs import Hang, Streams
from lab.headers import SYN, TCP
from lab.network import ADDRESSES, LaboratoryError
from lab.recorder import Truth, record
from lab.vocabulary import Capture, Flow, Role, Scenario, Verdicts

Way = Literal["data", "back"]
SIZE_VERDICTS = frozenset(
    {
        "blackhole",
        "blackhole_probable",
        "blackhole_suspected",
        "blackhole_recovered",
        "ptb_ignored",
        "fragment_loss",
    }
)
"""What blames a limit of sizes."""
FOUND = frozenset({"blackhole", "blackhole_probable", "blackhole_recovered"})
"""What finds a black hole that the capture of its sender shows."""
_HOLES: Verdicts = ("blackhole", "blackhole_probable", "blackhole_suspected", "blackhole_recovered")
_HARMLESS: Verdicts = ("ok", "loss", "stall", "inconclusive", "not_exercised")
_HEADERS = {4: 40, 6: 60}  # at least; the options come on top
_DEADLY = frozenset({"outage", "vanishing_flow", "payload_filter", "content_filter"})  # nothing more may get through
_HIDING = frozenset({"outage", "vanishing_flow", "payload_filter", "content_filter"})


def record_drawn(drawn: Drawn, targets: dict[Capture, Path]) -> Truth:
    """Record it, and read in the files what happened."""
    truth = record(drawn.scenario, targets)
    for capture, path in targets.items():
        truth[path.name] = truth_of_drawn(drawn, capture.role, read_capture(path), truth[path.name])
    return truth


def truth_of_drawn(drawn: Drawn, role: Role, recorded: CaptureFile, entry: dict[str, Any]) -> dict[str, Any]:
    """The entry of truth.json: that of every scenario, and one for each flow by its server port."""
    if not any(packet.protocol == TCP and packet.flags & SYN for _, _, packet in recorded.packets()):
        raise LaboratoryError(f"{drawn.scenario.name}: not one connection was recorded")
    recorded_ports = {
        port for _, _, packet in recorded.packets() for port in (packet.source_port, packet.destination_port)
    }
    flows = {
        str(flow.port): _flow_entry(drawn, flow, role, recorded)
        for flow in drawn.scenario.flows
        if flow.port in recorded_ports  # else not even its SYN came here
    }
    every = sorted({verdict for flow in flows.values() for verdict in flow["accept"]})
    limit = drawn.limit
    entry |= {"accept": every, "flows": flows, "group": "drawn"}
    entry["limit"] = None if limit is None else limit.kind
    entry["troubles"] = [trouble.kind for trouble in drawn.troubles]
    return entry


def _flow_entry(drawn: Drawn, flow: Flow, role: Role, recorded: CaptureFile) -> dict[str, Any]:
    scenario = drawn.scenario
    hang = visible_hang(drawn, flow, role, recorded)
    entry: dict[str, Any] = {
        "accept": list(accepted(drawn, flow, role, hang)),
        "path_mtu": true_mtus(drawn, flow, "data", role),
        "path_mtu_back": true_mtus(drawn, flow, "back", role),
        "size_limit": bool(limited_ways(drawn, flow)) and not _arrives(drawn, role),
        "troubles": [trouble.kind for trouble in drawn.troubles if trouble.befalls(flow.port)],
        "data": "server_to_client" if scenario.data == "download" else "client_to_server",
        "black_hole_visible_at_sender": hang is not None,
    }
    if hang is not None:
        entry["hang"] = {
            "transmissions": hang.transmissions,
            "seconds": round((hang.last_ns - hang.first_ns) / 1e9, 1),
            "acknowledged_later": hang.acknowledged_later,
        }
    return entry


def true_mtus(drawn: Drawn, flow: Flow, way: Way, role: Role = "sender") -> list[int]:
    """The path MTUs that are right for a flow in one direction, the smallest first."""
    limit = drawn.limit
    if limit is None or not limit.befalls(flow) or (way == "back" and not limit.both_ways):
        return [1500]
    if limit.kind == "host":  # the path is wide, the host is not
        return [1500] if role == "receiver" else [limit.mtu, 1500]
    return [limit.mtu, 1500] if limit.kind == "narrows" else [limit.mtu]


def limited_ways(drawn: Drawn, flow: Flow) -> tuple[Way, ...]:
    """The directions in which the flow says more than fits into one packet of the limit."""
    limit, scenario = drawn.limit, drawn.scenario
    if limit is None or not limit.befalls(flow):
        return ()
    sender = "server" if scenario.data == "download" else "client"
    room = limit.mtu - _HEADERS[scenario.family] - 12
    large = {say.speaker == sender for say in flow.talk if say.size > room}
    ways: tuple[Way, ...] = ("data",) if True in large else ()
    return (*ways, "back") if False in large and limit.both_ways else ways


def visible_hang(drawn: Drawn, flow: Flow, role: Role, recorded: CaptureFile) -> Hang | None:
    """The hang that this capture shows at the sender of the large packets, if nothing but their size explains it."""
    limit = drawn.limit
    way: Way = "data" if role == "sender" else "back"
    if limit is None or limit.kind == "late_ptb" or way not in limited_ways(drawn, flow):
        return None
    if any(trouble.kind in _HIDING and trouble.befalls(flow.port) for trouble in drawn.troubles):
        return None
    if limit.kind == "narrows" and flow.start <= limit.since:
        return None  # large packets of this very flow may have passed
    hang = _streams(drawn.scenario, role, recorded).hang(
        _ports(drawn.scenario, flow, role), limit.mtu, limit.first_mtu if limit.kind == "second_hop" else 1 << 16
    )
    if hang is None or not hang.proves_a_hole:
        return None
    alone = limit.kind in ("member", "narrows") and hang.large_segments < 2
    return None if alone else hang  # else as large ones of other flows pass: it could be the content


def accepted(drawn: Drawn, flow: Flow, role: Role, hang: Hang | None) -> Verdicts:
    """What an honest reader may say of the flow in the capture at `role`."""
    if hang is not None and hang.acknowledged_later:
        return ("blackhole", "blackhole_probable", "blackhole_recovered")
    if hang is not None:
        return ("blackhole", "blackhole_probable")
    allowed = {*_HARMLESS}
    troubles = {trouble.kind for trouble in drawn.troubles if trouble.befalls(flow.port)}
    if troubles & _DEADLY:
        allowed.add("dead_path")
    if troubles & {"content_filter", "payload_filter"}:
        allowed.add("content_drop")
    if "stopped_reader" in troubles:
        allowed.add("zero_window")
    limit = drawn.limit
    if limit is not None and limit.befalls(flow):
        allowed |= _of_limit(limit)
    if limit is not None and limited_ways(drawn, flow):
        # Without anything small that is seen to arrive, the path may as well be dead.
        allowed |= {"blackhole_suspected"} if _arrives(drawn, role) else {*_HOLES, "dead_path"}
    return tuple(sorted(allowed))


def _arrives(drawn: Drawn, role: Role) -> bool:
    """The large packets are in the capture of the very host that then drops them: no hole of the path."""
    return drawn.limit is not None and drawn.limit.kind == "host" and role == "receiver"


def _of_limit(limit: Limit) -> set[str]:
    if limit.kind in ("late_ptb", "second_hop"):
        return {"pmtud_ok"}
    return {"content_drop"} if limit.kind in ("member", "narrows", "host") else set()


def _streams(scenario: Scenario, role: Role, recorded: CaptureFile) -> Streams:
    addresses = ADDRESSES[scenario.family]
    if scenario.node_of(role) == "server":
        return Streams(recorded, addresses.server, addresses.client)
    return Streams(recorded, addresses.client, addresses.server)


def _ports(scenario: Scenario, flow: Flow, role: Role) -> tuple[int, int]:
    """Those of the host at `role` and of its peer."""
    ports = flow.port, flow.client_port or 0
    return ports if scenario.node_of(role) == "server" else ports[::-1]
