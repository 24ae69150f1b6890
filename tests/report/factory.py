"""Analyses made by hand, so that the reports can be tested without a capture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import analyzer
from analyzer.flows.flow_tables import MARK_DF, MARK_RESENT, PACKET
from analyzer.knowledge.fixes import fixes_for
from analyzer.knowledge.overheads import consistent_with
from analyzer.model.analysis import Analysis, CaptureFile, Totals
from analyzer.model.flow import Endpoint, Flow, PathMtu, Ptb, Stalled
from analyzer.model.path import Path
from analyzer.model.statement import FrameRef, RuledOut, Statement
from analyzer.model.verdicts import SIZE_PROBLEMS, VERDICTS, worst

START = 1_795_355_400_123_456_789  # 2026-11-22 13:50:00 UTC and some
SECOND = 1_000_000_000

LONG_1 = Endpoint("2001:db8:aaaa:bbbb:cccc:dddd:eeee:1111", 65535)
LONG_2 = Endpoint("2001:db8:aaaa:bbbb:cccc:dddd:eeee:2222", 65535)


def refs(*frames: int, file: int = 0) -> tuple[FrameRef, ...]:
    return tuple(FrameRef(file, frame) for frame in frames)


def make_flow(stream: int = 0, verdict: str = "blackhole", **changes: Any) -> Flow:
    """A flow as a verdict leaves it: server 10.0.2.2:443 sends to client 10.0.1.2."""
    sized = verdict in SIZE_PROBLEMS
    flow = Flow(
        stream=stream,
        client=Endpoint("10.0.1.2", 40000 + stream),
        server=Endpoint("10.0.2.2", 443),
        verdict=verdict,
        confidence="high",
        direction="server_to_client",
        path_mtu=PathMtu(1400, 1499 if sized else None, None),
        stalled=make_stalled() if sized else None,
        ptb=(Ptb(FrameRef(0, 13), "10.0.9.9", 1400, "ignored", "host"),) if verdict == "ptb_ignored" else (),
        ruled_out=(RuledOut("zero_window", "the receiver's window was open", refs(22)),) if sized else (),
        explanation=f"What makes it {verdict}.",
        evidence=(
            Statement("the segment and its retransmissions", refs(12, 14, 17, 18, 19)),
            Statement("a smaller packet got through", refs(15, 16)),
        ),
        packet_count=34,
        bytes=20_000,
        first_time=START,
        last_time=START + 27 * SECOND,
    )
    flow = replace(flow, **changes)
    return replace(flow, fixes=changes.get("fixes") or fixes_of(flow))


def fixes_of(flow: Flow) -> tuple[Any, ...]:
    return fixes_for(
        flow.verdict,
        sender_ip=flow.sender.ip,
        receiver_ip=flow.receiver.ip,
        path_mtu=flow.path_mtu,
        version=flow.version,
        ptb_reasons=tuple(ptb.reason for ptb in flow.ptb if ptb.reason),
    )


def make_stalled() -> Stalled:
    return Stalled(
        frames=refs(12, 14, 17, 18, 19),
        first_frame=FrameRef(0, 12),
        ip_len=1500,
        payload_len=1448,
        seq=1449,
        df=True,
        retransmissions=4,
        seconds=26.6,
        first_time=START + 10**9,
        last_time=START + 27 * 10**9,
    )


def make_file(path: str = "story.pcap", **changes: Any) -> CaptureFile:
    file = CaptureFile(
        path=path,
        format="pcap",
        link_types=("ETHERNET",),
        bytes=10_000,
        packets=130,
        damaged_at=None,
        problem="",
    )
    return replace(file, **changes)


def make_analysis(flows: Sequence[Flow] = (), files: Sequence[CaptureFile] | None = None, **changes: Any) -> Analysis:
    """An analysis of `flows`, with totals and paths that go with them."""
    verdicts = {v: sum(f.verdict == v for f in flows) for v in VERDICTS}
    analysis = Analysis(
        files=tuple(files if files is not None else [make_file()]),
        first_time=START,
        last_time=START + 30 * SECOND,
        totals=Totals(
            packets=130,
            tcp_packets=124,
            icmp_packets=4,
            ptb_packets=1,
            undecoded={"not IP": 2},
            flows=len(flows),
            verdicts={v: n for v, n in verdicts.items() if n},
        ),
        all_flows=tuple(flows),
        all_paths=tuple(_paths(flows)),
        ptb_timeline=(),
        notes=(),
    )
    return replace(analysis, **changes)


def _paths(flows: Iterable[Flow]) -> list[Path]:
    """Brackets pooled per pair of addresses, as the pipeline does."""
    pools: dict[tuple[str, str], list[Flow]] = {}
    for flow in flows:
        pools.setdefault((flow.sender.ip, flow.receiver.ip), []).append(flow)
    paths = []
    for (src, dst), pool in pools.items():
        at_least = max((f.path_mtu.at_least for f in pool if f.path_mtu.at_least), default=None)
        at_most = min((f.path_mtu.at_most for f in pool if f.path_mtu.at_most), default=None)
        exact = min((f.path_mtu.exact for f in pool if f.path_mtu.exact), default=None)
        paths.append(
            Path(
                src=src,
                dst=dst,
                at_least=at_least,
                at_most=at_most,
                exact=exact,
                verdict=worst(f.verdict for f in pool),
                consistent_with=consistent_with(at_least, at_most, exact),
                streams=tuple(f.stream for f in pool),
            )
        )
    return paths


def make_timeline(flights: int = 3, retransmissions: int = 4, seconds: float = 26.6) -> np.ndarray[Any, Any]:
    """A transfer that stops: `flights` delivered, one lost, its first segment sent again and again.

    Side 0 is the client. Frame 12 and on are the stalled segment, as in `make_stalled`.
    """
    rows: list[dict[str, int]] = []
    step = SECOND // 20
    time, seq, frame = START, 1 << 32, 1
    rows.append({"ts": time, "frame": frame, "side": 0, "flags": 2, "seq": seq, "ack": 0})
    rows.append({"ts": time + step, "frame": 2, "side": 1, "flags": 18, "seq": seq, "ack": seq + 1})
    seq, frame = seq + 1, 2 if flights <= 4 else 1000
    for _ in range(flights):
        time, frame = time + step, frame + 1
        rows.append(_data(time, frame, seq))
        seq, frame = seq + 1448, frame + 1
        rows.append({"ts": time + step // 2, "frame": frame, "side": 0, "flags": 16, "seq": 0, "ack": seq})
    stuck, frames = seq, iter((12, 14, 17, 18, 19, *range(20, 20 + max(0, retransmissions))))
    first, later = next(frames), iter(range(101, 200))
    rows.append(_data(time + step, first, stuck))
    rows.extend(_data(time + step, next(later), stuck + i * 1448) for i in range(1, 5))
    gap = seconds / (2 ** max(1, retransmissions))
    rows.extend(
        _data(int(time + step + gap * 2 ** (i + 1) * SECOND), next(frames), stuck, MARK_RESENT)
        for i in range(retransmissions)
    )
    table = np.zeros(len(rows), PACKET)
    for name in ("ts", "frame", "side", "flags", "seq", "ack", "payload", "ip_len", "marks"):
        table[name] = [row.get(name, 0) for row in rows]
    table["window"] = 65535
    return table


def _data(time: int, frame: int, seq: int, marks: int = 0) -> dict[str, int]:
    return {
        "ts": time,
        "frame": frame,
        "side": 1,
        "flags": 16,
        "seq": seq,
        "payload": 1448,
        "ip_len": 1500,
        "marks": marks | MARK_DF,
    }


def handed_out(flows: Sequence[Flow] = (), *args: Any, **changes: Any) -> analyzer.Analysis:
    """As `make_analysis`, as `analyze` hands it out."""
    return analyzer.Analysis.of(make_analysis(flows, *args, **changes))
