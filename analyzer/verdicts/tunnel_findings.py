"""What large packets of an encrypted tunnel that are sent at the gaps of a timer are consistent with: never more.

Nothing in a tunnel can be read, so this accuses nobody: it says what was seen, and where a capture would tell.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from analyzer.evidence.conversation_rows import Tables
from analyzer.evidence.row_addresses import row_address
from analyzer.evidence.timed_series import TimedSeries, timed_series
from analyzer.model.flow import Endpoint, PathMtu
from analyzer.model.statement import RuledOut, Statement
from analyzer.model.text import endpoint, plural, seconds
from analyzer.model.trouble import Trouble


def judged_tunnels(tables: Tables, end: int) -> Iterator[Trouble]:
    """Of each direction of a tunnel; `end`: of the capture, ns."""
    for series in timed_series(tables, end):
        yield _trouble(tables, series)


def _trouble(tables: Tables, series: TimedSeries) -> Trouble:
    row = tables.rows[series.row]
    ends = [Endpoint(row_address(row, name, int(row["version"])), int(row[f"port_{name}"])) for name in "ab"]
    sender, receiver = ends[series.side], ends[1 - series.side]
    udp = bool(tables.udp[series.row])
    way = f"{endpoint(sender)} -> {endpoint(receiver)}" if udp else f"{sender.ip} -> {receiver.ip}"
    gaps = ", ".join(f"{(b - a) / 1e9:.1f}" for a, b in itertools.pairwise(series.times))
    span = seconds((series.times[-1] - series.times[0]) / 1e9)
    of_size = f"{plural(len(series.times), 'packet')} of {series.size} bytes"
    tunnel = f"{series.tunnel} tunnel {way}"
    back = f"{plural(series.smaller, 'smaller packet')} went the same way meanwhile, and {series.others:,} came back"
    return Trouble(
        kind="tunnels",
        protocol="udp" if udp else "esp",
        verdict="inconclusive",
        confidence="low",
        sender=sender.ip,
        receiver=receiver.ip,
        path_mtu=PathMtu(),
        lost=None,
        headline=(
            f"Packets of {series.size} bytes of the {tunnel} come at the gaps of a retransmission timer, as of TCP "
            "inside that gets no answer."
        ),
        explanation=(
            f"{of_size} of the {tunnel} were sent alone over {span}, at gaps of {gaps} s: each about twice the one "
            "before, as TCP sends a segment again that nobody acknowledges. Smaller packets went both ways meanwhile, "
            f"and {plural(series.later, 'more large one') if series.later else 'no other large one'} followed. That is "
            "consistent with a path MTU black hole under the tunnel, or behind it, and with a receiver inside that "
            "does not answer. What is encrypted does not tell which: capture at the tunnel's inner interface on "
            f"{sender.ip}, and analyse that."
        ),
        rests_on=series.frames,
        evidence=(
            Statement(f"sent alone: {of_size} over {span}", series.frames),
            Statement(
                f"not answered: after {plural(len(series.unanswered), 'packet')} nothing came within the first gap",
                series.unanswered,
            ),
        ),
        ruled_out=(RuledOut("dead_path", back, ()),),
        fixes=(),
        first_time=series.times[0],
        last_time=series.times[-1],
        streams=(int(tables.numbers[series.row]),) if udp else (),
        example=int(tables.numbers[series.row]) if udp else None,
    )
