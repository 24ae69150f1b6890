"""The PTBs of a capture, brought to the flows that they are about, or may be. Emits `PtbSeen`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from analyzer.decode.dpkt_decoder import decode_icmp_packet
from analyzer.decode.icmp import KIND_PTB
from analyzer.evidence.ptb import CHECKSUM_WRONG, PtbSeen, steps_down
from analyzer.evidence.ptb_ties import Ends, UntiedPtbs
from analyzer.evidence.row_addresses import row_address
from analyzer.evidence.segments import Segment
from analyzer.flows.icmp_quotes import QUOTED_SEQ
from analyzer.model.statement import FrameRef


class PtbIndex:
    """All PTBs kept of a capture. A `stream` is a row of the flow table."""

    def __init__(self, icmps: Any, header_bytes: Any) -> None:
        self.ptbs = [_ptb(icmps[i], header_bytes[i]) for i in np.flatnonzero(icmps["kind"] == KIND_PTB).tolist()]
        self._of: dict[tuple[int, int], list[PtbSeen]] = defaultdict(list)
        self._told_tunnel: dict[tuple[int, int], list[PtbSeen]] = defaultdict(list)
        told: dict[tuple[str, str], list[PtbSeen]] = defaultdict(list)
        for ptb in self.ptbs:
            if ptb.flow >= 0:
                (self._told_tunnel if ptb.overhead else self._of)[ptb.flow, ptb.side].append(ptb)
                if not ptb.overhead:
                    told[ptb.quoted_src, ptb.quoted_dst].append(ptb)
        self._untied = UntiedPtbs(self.ptbs) if any(ptb.flow < 0 for ptb in self.ptbs) else None
        self._told_hosts = {hosts: steps_down(sorted(ptbs, key=lambda p: p.ts)) for hosts, ptbs in told.items()}

    def about(self, stream: int, side: int, ends: Ends, segments: Sequence[Segment]) -> list[PtbSeen]:
        """Those about one direction of a flow, or that may be, in order of time."""
        packets = ((s.seq, s.ts, s.ip_len) for s in segments if s.side == side and s.data)
        found = self.about_packets(stream, side, ends, packets)
        return [ptb._replace(flow=stream, side=side) if tied else ptb for ptb, tied in found]

    def about_packets(
        self, stream: int, side: int, ends: Ends, packets: Iterable[tuple[int, int, int]]
    ) -> list[tuple[PtbSeen, bool]]:
        """As `about`, and whether each is tied to the flow, whose data packets are given as `UntiedPtbs` takes them."""
        found = [(ptb, False) for ptb in self._of.get((stream, side), ())]
        if self._untied is not None:
            found += self._untied.about(side, ends, packets)
        return sorted(found, key=lambda each: each[0].ts)

    def told(self, stream: int, side: int, ends: Ends) -> tuple[PtbSeen, ...]:
        """What the sender's host was told about the way to the receiver's, by PTBs about other flows."""
        if not self._told_hosts:
            return ()
        told = self._told_hosts.get((ends[side][0], ends[1 - side][0]), ())
        return tuple(ptb for ptb in told if ptb.flow != stream)

    def told_tunnel(self, stream: int, side: int) -> list[PtbSeen]:
        """Those about the packets that carry one direction of a flow."""
        return self._told_tunnel.get((stream, side), [])

    def tells(self, hosts: tuple[str, str]) -> bool:
        """True if one of two hosts was told something about the way to the other."""
        return hosts in self._told_hosts or hosts[::-1] in self._told_hosts

    def rows(self) -> list[int]:
        """Flows that some are about, by their quotes."""
        return [flow for flow, _ in self._of]

    def fit_untied(self, packets: Any) -> Any:
        """Which of some recorded packets (dtype PACKET) one of no known flow may be about, by its quote alone; bool."""
        strangers = [ptb for ptb in self.ptbs if ptb.flow < 0]
        numbers = [ptb.quoted_seq for ptb in strangers if ptb.quoted_seq is not None]
        sizes = [ptb.quoted_len for ptb in strangers if ptb.quoted_ports is None]
        fits = np.isin(packets["seq"] & 0xFFFFFFFF, numbers) | np.isin(packets["ip_len"], sizes)
        return np.asarray(fits & (packets["payload"] > 0))


def _ptb(row: Any, header_bytes: Any) -> PtbSeen:
    full = decode_icmp_packet(header_bytes[: int(row["header_len"])].tobytes())
    quote = full.quote if full is not None else None
    version = int(row["version"])
    flow = int(row["flow"])
    seq: int | None = None
    ports: tuple[int, int] | None = None
    if quote is not None:
        seq = quote.seq
        if quote.sport is not None and quote.dport is not None:
            ports = (quote.sport, quote.dport)
    if flow >= 0 and int(row["quoted"]) == QUOTED_SEQ:
        seq = int(row["seq"])
    return PtbSeen(
        ref=FrameRef(int(row["file"]), int(row["frame"])),
        ts=int(row["ts"]),
        version=version,
        router=row_address(row, "s", version),
        target=row_address(row, "d", version),
        mtu=int(row["mtu"]),
        checksum_wrong=int(row["sum"]) == CHECKSUM_WRONG,
        quoted_len=quote.ip_len if quote is not None else 0,
        quoted_df=quote.df if quote is not None else False,
        quoted_src=quote.src if quote is not None else "",
        quoted_dst=quote.dst if quote is not None else "",
        quoted_ports=ports,
        quoted_seq=seq,
        flow=flow,
        side=int(row["side"]),
        una=int(row["una"]),
        snd_max=int(row["snd_max"]),
        quoted_echo=quote.echo if quote is not None else None,
        quoted_id=quote.ip_id if quote is not None else -1,
        quoted_port=quote.sport if quote is not None else None,
        overhead=int(row["overhead"]),
        quoted_protocol=quote.protocol if quote is not None else -1,
        quoted_transport=quote.transport if quote is not None else b"",
    )
