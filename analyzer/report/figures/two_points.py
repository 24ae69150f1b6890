"""One flow at both ends of the leg on which its large packets get lost, one above the other, on one time axis."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analyzer.model.points import Located, SeenPacket
from analyzer.model.text import clock
from analyzer.report.figures.own_settings import own_settings
from analyzer.report.figures.palette import LIGHT, Theme
from analyzer.report.figures.panels import WIDE, Sheet, dress
from analyzer.report.figures.size_plot import FULL_SIZE
from analyzer.report.figures.timelines import roomy, settle


def two_points(located: Located | None, *, theme: Theme = LIGHT, sheet: Sheet = WIDE) -> Figure:
    """Draw the packets with data of what is located by time and size: those that left, above those that came.

    Times are those of the first capture point's clock, seconds from the first lost packet.

    Raises:
        ValueError: it is not known between which two points its packets get lost.
    """
    if located is None or not any(located.seen):
        raise ValueError("nothing is known of two points")
    start = min(packet.ts for packets in located.seen for packet in packets)
    lost = [packet.ts for packet in located.seen[0] if packet.lost]
    zero = min(lost, default=start)
    ceiling = 1.2 * max([FULL_SIZE, *(packet.ip_len for packets in located.seen for packet in packets)])
    with own_settings():
        figure = Figure(figsize=(sheet.width, 2 * sheet.sizes_height), facecolor=theme.paper, layout=roomy())
        upper, lower = figure.subplots(2, sharex=True, sharey=True)
        for axes, packets, name, verb in (
            (upper, located.seen[0], located.names[0], "left"),
            (lower, located.seen[1], located.names[1], "came to"),
        ):
            _draw(axes, packets, zero, theme, sheet)
            axes.set_title(f"{verb} {name}", loc="left", fontsize=sheet.letters, color=theme.ink)
            axes.set_ylim(0, ceiling)
        lower.set_xlabel(f"seconds from the first loss, {clock(zero)}", fontsize=sheet.letters)
        settle(figure)
    return figure


def _draw(axes: Axes, packets: tuple[SeenPacket, ...], zero: int, theme: Theme, sheet: Sheet) -> None:
    dress(axes, theme, sheet)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_ylabel("IP length, bytes", fontsize=sheet.letters)
    for lost, marker, color in ((False, "o", theme.delivered), (True, "x", theme.lost)):
        chosen = [packet for packet in packets if packet.lost == lost and packet.ip_len]
        style: dict[str, Any] = {"color": color, "ms": 4.5, "ls": "", "zorder": 3, "mew": 1.2 if lost else 0}
        axes.plot(
            [(packet.ts - zero) / 1e9 for packet in chosen], [packet.ip_len for packet in chosen], marker, **style
        )
