"""Narrowing an analysis to the flows somebody asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TypeVar

from analyzer.errors import UsageError
from analyzer.model.analysis import AddressMap, Analysis
from analyzer.model.flow import Flow
from analyzer.model.text import joined, packed_ip_text, printable
from analyzer.tables.flow_table import flow_table


def check_host(host: str) -> None:
    """Raise UsageError if this is neither an address nor a network."""
    _network(host)


def anonymous_host(host: str, anonymizer: AddressMap) -> str:
    """The address or network that stands for this one: those of a network share its first bits there, too.

    Raises:
        UsageError: it is neither an address nor a network.
    """
    network = _network(host)
    bits = f"/{network.prefixlen}" if "/" in host else ""
    return anonymizer.text(str(network.network_address)) + bits


def _network(host: str) -> IPv4Network | IPv6Network:
    """The addresses meant: one, or those of a network, whichever of them names it."""
    try:
        return ip_network(host, strict=False)
    except ValueError:
        examples = "--host 192.0.2.1 or --host 192.0.2.0/24"
        raise UsageError(
            f"--host needs an IP address or a network, as in {examples}, not {printable(host)!r}"
        ) from None


A = TypeVar("A", bound=Analysis)


def matching(analysis: A, query: str) -> A:
    """The analysis with only the flows whose row in its `flows` matches a pandas query, and their paths."""
    table = flow_table(analysis)
    for name in table.columns:
        table[name.replace(".", "_")] = table[name]  # whichever of its names the query uses
    kept = set(table.query(query)["stream"])
    return replace(
        analysis,
        all_flows=tuple(flow for flow in analysis.all_flows if flow.stream in kept),
        all_paths=tuple(path for path in analysis.all_paths if kept & set(path.streams)),
        all_troubles=(),
        all_ptbs=tuple(ptb for ptb in analysis.all_ptbs if ptb.stream in kept),
        all_fragments=(),
        all_udp_flows=(),
        selection=f"{analysis.selection}, {query}" if analysis.selection else query,
        whole=analysis.whole or analysis,
    )


def narrow(
    analysis: A,
    streams: Sequence[int] = (),
    host: str | None = None,
    port: int | None = None,
) -> A:
    """The analysis with only the flows that match all that is given, and their paths.

    `totals` stay those of the whole capture.

    Args:
        analysis: of the whole capture.
        streams: Wireshark's tcp.stream numbers; empty for all.
        host: IP address that must be one end, or a network that one end must be in: "192.0.2.0/24".
        port: TCP port that must be used at one end.

    Raises:
        UsageError: a stream does not exist, or `host` is neither address nor network.
    """
    if not streams and host is None and port is None:
        return analysis
    found = {stream: analysis.find(stream) for stream in dict.fromkeys(streams)}
    missing = sorted(stream for stream, flow in found.items() if flow is None)
    if missing:
        have = f"they are numbered 0 to {analysis.all_flows[-1].stream}" if analysis.all_flows else "it has no TCP flow"
        raise UsageError(f"no stream {joined([str(n) for n in missing])} in this capture: {have}")
    network = _network(host) if host is not None else None
    # As the analysis writes it, whatever its spelling.
    alone = packed_ip_text(network[0].packed) if network is not None and network.num_addresses == 1 else None

    hosts_only = not streams and port is None  # what no flow shows has neither stream nor ports

    def among(*ends: str) -> bool:
        if alone is not None:
            return alone in ends
        return network is None or any(ip_address(end) in network for end in ends)

    def matches(flow: Flow) -> bool:
        ends = (flow.client, flow.server)
        return among(flow.client.ip, flow.server.ip) and (port is None or any(end.port == port for end in ends))

    candidates = sorted((f for f in found.values() if f), key=lambda f: f.stream) if streams else analysis.all_flows
    flows = tuple(flow for flow in candidates if matches(flow))
    kept = {flow.stream for flow in flows}
    asked = [f"stream {n}" for n in dict.fromkeys(streams)]
    asked = [" or ".join(asked)] if asked else []
    asked += [f"host {host}"] if host is not None else []
    asked += [f"port {port}"] if port is not None else []
    return replace(
        analysis,
        all_flows=flows,
        all_paths=tuple(
            p
            for p in analysis.all_paths
            if kept & set(p.streams) or (hosts_only and not p.streams and among(p.src, p.dst))
        ),
        all_ptbs=tuple(
            ptb for ptb in analysis.all_ptbs if ptb.stream in kept or (hosts_only and among(ptb.source, ptb.receiver))
        ),
        all_fragments=tuple(each for each in analysis.all_fragments if hosts_only and among(each.src, each.dst)),
        all_udp_flows=() if streams else tuple(flow for flow in analysis.all_udp_flows if matches(flow)),
        all_troubles=tuple(t for t in analysis.all_troubles if hosts_only and among(t.sender, t.receiver)),
        selection=joined(asked),
        whole=analysis.whole or analysis,
    )
