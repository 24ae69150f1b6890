"""The plot of a trouble that datagrams show: how large each was that either end sent, when, and whether it came."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.ticker import MaxNLocator

from analyzer.model.seen_sizes import SeenDatagram, SeenFragments, SeenSizes
from analyzer.model.text import bracket, clock
from analyzer.model.trouble import Trouble
from analyzer.model.verdicts import SIZE_PROBLEMS
from analyzer.report.figures.drawable import has_sizes
from analyzer.report.figures.own_settings import own_settings
from analyzer.report.figures.palette import LIGHT, Theme
from analyzer.report.figures.panels import WIDE, Sheet, clusters, draw_key, dress, dress_even_time
from analyzer.report.figures.size_plot import FULL_SIZE, LABEL_HEIGHT, LABEL_WIDTH
from analyzer.report.figures.timelines import roomy, settle
from analyzer.report.trouble_told import trouble_title

NS = 1e9

LEAST_SPAN = 1.0
"""The time axis is at least so long, seconds."""

MARGIN = 0.03
"""Of the time axis, at both ends."""

HEADROOM = 1.25
"""The axis of sizes ends so far above the largest."""

BACK_SHARE = 0.62
"""Height of the lower plot, of what came back, as a share of the upper one's."""

MOST_BARS = 60
"""More fragmented datagrams are drawn as thinner bars."""

LEAST_LINE = 0.012
"""A line for another conversation is so long at least, as a share of the time axis."""

BETWEEN = 0.008
"""Gap that tells the bars of two fragments apart, as a share of the height."""

LEAST_LABEL_GAP = 0.14
"""Labels of PTBs are so far apart, as a share of the time axis."""


def datagram_figure(trouble: Trouble, *, theme: Theme = LIGHT, sheet: Sheet = WIDE, title: str = "") -> Figure:
    """Draw the datagrams of a trouble by time and size, to a new figure.

    Raises:
        ValueError: nothing is known of datagrams.
    """
    if not has_sizes(trouble):
        raise ValueError("no datagrams are known of it")
    with own_settings():
        figure = Figure(figsize=(sheet.width, height_of(trouble, sheet)), facecolor=theme.paper, layout=roomy())
        draw_datagrams(trouble, figure, theme, sheet, title=title)
        settle(figure)
    return figure


def datagram_title(trouble: Trouble, finding: str = "") -> str:
    """What heads the picture of a trouble; `finding`: its letters."""
    about = f"Finding {finding}, {trouble.shown_by}" if finding else trouble.shown_by
    return f"{about}: {trouble.sender} -> {trouble.receiver}"


def height_of(trouble: Trouble, sheet: Sheet) -> float:
    """Of its drawing, inches."""
    two = trouble.seen is not None and _both_ways(trouble.seen)
    return sheet.sizes_height * (1.35 + (BACK_SHARE if two else 0)) + 0.7


def draw_datagrams(trouble: Trouble, part: FigureBase, theme: Theme, sheet: Sheet, *, title: str = "") -> None:
    """Draw them into a part of a figure, with their key below; `title` heads them."""
    seen = trouble.seen
    assert seen is not None  # noqa: S101 - `has_sizes` was asked
    plot = _Plot(trouble, seen, theme, sheet)
    if seen.fragmented:
        upper = part.subplots()
        plot.fragments(upper)
        all_axes = [upper]
    elif _both_ways(seen):
        upper, lower = part.subplots(2, sharex=True, height_ratios=(1, BACK_SHARE))
        plot.sizes(upper, forward=True)
        plot.sizes(lower, forward=False)
        all_axes = [upper, lower]
    else:
        upper = part.subplots()
        plot.sizes(upper, forward=True)
        all_axes = [upper]
    all_axes[-1].set_xlabel(plot.time_label, fontsize=sheet.letters)
    if title:
        verdict = f"{trouble_title(trouble)} ({trouble.verdict})"
        style: dict[str, Any] = {"loc": "left", "fontsize": sheet.letters + 1, "color": theme.ink, "pad": 20}
        upper.set_title(f"{title}\n{verdict}", **style)
    draw_key(part, all_axes, theme, sheet)


def _both_ways(seen: SeenSizes) -> bool:
    return any(not each.forward for each in seen.datagrams)


class _Plot:
    def __init__(self, trouble: Trouble, seen: SeenSizes, theme: Theme, sheet: Sheet) -> None:
        self._trouble = trouble
        self._seen = seen
        self._theme = theme
        self._sheet = sheet
        times = [*(each.ts for each in seen.datagrams), *(each.ts for each in seen.fragmented)]
        self._begin: int = min(times)
        last = max((max(times), *seen.gave_up, *(ts for ts, _ in seen.ptbs)))
        self._span = max((last - self._begin) / NS, LEAST_SPAN)

    @property
    def time_label(self) -> str:
        """What the time axis counts, and how much is not drawn."""
        left_out = f" ({self._seen.left_out:,} more not drawn)" if self._seen.left_out else ""
        separator = ", " if self._sheet is WIDE else "\n"
        return f"seconds from the first datagram{separator}{clock(self._begin)}{left_out}"

    def _x(self, ts: int) -> float:
        return (ts - self._begin) / NS

    def _dress(self, axes: Axes, ceiling: float, ylabel: str, head: str) -> None:
        dress(axes, self._theme, self._sheet)
        axes.set_xlim(-MARGIN * self._span, (1 + MARGIN) * self._span)
        dress_even_time(axes, self._sheet)
        axes.set_ylim(0, ceiling)
        axes.yaxis.set_major_locator(
            MaxNLocator(5 if self._sheet is WIDE else 4, integer=True, steps=[1, 2, 2.5, 5, 10])
        )
        axes.set_ylabel(ylabel, fontsize=self._sheet.letters)
        axes.text(
            0,
            1.02,
            head,
            transform=axes.transAxes,
            fontsize=self._sheet.letters,
            color=self._theme.ink,
            ha="left",
            va="bottom",
        )

    # Whole datagrams, as dots.

    def sizes(self, axes: Axes, *, forward: bool) -> None:
        """The datagrams of one end."""
        shown = [each for each in self._seen.datagrams if each.forward == forward]
        known = [value for value in self._trouble.path_mtu if value is not None] if forward else []
        largest = max([each.size for each in shown] + known + ([FULL_SIZE] if forward else []), default=FULL_SIZE)
        sender = self._trouble.sender if forward else self._trouble.receiver
        self._dress(axes, HEADROOM * largest, "IP length, bytes", f"sent by {sender}")
        if forward:
            self._band(axes, shown)
            self._ptbs(axes)
            self._beside(axes)
        lost = "lost" if self._trouble.verdict in SIZE_PROBLEMS else "sent again, without answer"
        known_as: tuple[tuple[bool | None, Literal["s", "o", "x"], str, str], ...] = (
            (True, "o", self._theme.delivered, "came"),
            (False, "x", self._theme.lost, lost),
            (None, "s", self._theme.unsure, "nothing tells whether it came"),
        )
        for came, marker, color, label in known_as:
            if mine := [each for each in shown if each.came is came]:
                self._marks(axes, mine, marker, color, label)

    def _marks(
        self, axes: Axes, shown: list[SeenDatagram], marker: Literal["s", "o", "x"], color: str, label: str
    ) -> None:
        style: dict[str, Any] = {"color": color, "ms": 5.5 if marker == "x" else 4.5, "ls": "", "zorder": 3}
        if marker == "s":
            style["mfc"] = "none"
        axes.plot(
            [self._x(each.ts) for each in shown],
            [each.size for each in shown],
            marker,
            mew={"o": 0, "s": 1.1, "x": 1.7}[marker],
            label=label,
            **style,
        )

    def _beside(self, axes: Axes) -> None:
        """Other conversations of the same hosts, by their largest packet: what shows that smaller ones come."""
        first, last = axes.get_xlim()
        spans = [(max(self._x(a), first), min(self._x(b), last), size) for a, b, size in self._seen.beside]
        spans = [(a, max(b, a + LEAST_LINE * self._span), size) for a, b, size in spans if a < last and b > first]
        if spans:
            begins, ends, sizes = zip(*spans, strict=True)
            style: dict[str, Any] = {"color": self._theme.delivered, "lw": 2.2, "zorder": 2.5}
            axes.hlines(sizes, begins, ends, label="came in another conversation", **style)

    def _band(self, axes: Axes, shown: list[SeenDatagram]) -> None:
        """Where the path MTU lies: between the largest size that came and the smallest that did not."""
        size = self._trouble.path_mtu.on_links_of(self._trouble.sender)
        edges = [value for value in (size.at_least, size.at_most) if value is not None]
        style: dict[str, Any] = {"color": self._theme.band, "zorder": 1}
        if size.exact is not None:
            axes.axhline(size.exact, lw=1.6, **style)
            edges = [size.exact]
        elif len(edges) == 2 and edges[1] > edges[0]:
            axes.axhspan(edges[0], edges[1] + 1, alpha=0.25, lw=0, **style)
        elif edges:
            axes.axhline(edges[0], lw=1.2, ls="--", **style)
        if not edges:
            return
        middle = sum(edges) / len(edges)
        place, align = self._freest(shown, middle, axes)
        axes.annotate(
            f"path MTU {bracket(size)}",
            (place, middle),
            xycoords=("axes fraction", "data"),
            xytext=(0, 0 if len(edges) > 1 else -9),  # a line alone stays to be seen
            textcoords="offset points",
            ha=align,
            va="center",
            fontsize=self._sheet.letters - 0.5,
            color=self._theme.ink,
            fontweight="bold",
            bbox={"boxstyle": "round,pad=0.15", "fc": self._theme.paper, "ec": "none", "alpha": 0.75},
            zorder=5,
        )

    def _freest(self, shown: list[SeenDatagram], middle: float, axes: Axes) -> tuple[float, str]:
        """Where along the axis fewest datagrams of about this size lie, and how to align a label there."""
        near = LABEL_HEIGHT * axes.get_ylim()[1]
        at = np.array([self._x(each.ts) for each in shown if abs(each.size - middle) < near]) / self._span
        share = LABEL_WIDTH / self._sheet.width
        places = {
            (0.995, "right"): at > 1 - share,
            (0.5, "center"): np.abs(at - 0.5) < share / 2,
            (0.005, "left"): at < share,
        }
        return min(places, key=lambda place: int(places[place].sum()))

    def _ptbs(self, axes: Axes) -> None:
        marks = [(self._x(ts), mtu) for ts, mtu in self._seen.ptbs]
        for i, (x, _) in enumerate(marks):
            axes.axvline(x, color=self._theme.ptb, lw=1.2, ls=(0, (4, 2)), zorder=2, label="PTB" if not i else None)
        for group in clusters(marks, LEAST_LABEL_GAP * self._span):
            x, mtu = group[0]
            text = f"MTU {mtu}" if len(group) == 1 else f"MTU {mtu}, {len(group)} PTBs"
            late = x > 0.8 * self._span
            axes.annotate(
                text,
                (x, 0.97),
                xycoords=("data", "axes fraction"),
                xytext=(-3 if late else 3, 0),
                textcoords="offset points",
                ha="right" if late else "left",
                va="top",
                fontsize=self._sheet.letters - 1,
                color=self._theme.ptb,
                bbox={"boxstyle": "round,pad=0.1", "fc": self._theme.paper, "ec": "none", "alpha": 0.75},
                zorder=4,
            )

    # Fragmented ones, as bars of the bytes that came.

    def fragments(self, axes: Axes) -> None:
        """Each fragmented datagram as a bar of the bytes of it that came, with a cross where some are missing."""
        shown = self._seen.fragmented
        ceiling = HEADROOM * max(each.end for each in shown)
        self._dress(
            axes, ceiling, "bytes of the datagram", f"fragments of {self._trouble.sender} -> {self._trouble.receiver}"
        )
        pieces = [(self._x(each.ts), start, end) for each in shown for start, end in each.pieces]
        x, low, high = (np.array(column) for column in zip(*pieces, strict=True))
        tops = np.maximum(high - BETWEEN * ceiling, low + 1)
        width = 5.0 if len(shown) <= MOST_BARS else 2.0
        axes.vlines(x, low, tops, color=self._theme.delivered, lw=width, label="fragment that came", zorder=3)
        missing = [(self._x(each.ts), middle) for each in shown for middle in _missing(each, ceiling)]
        if missing:
            axes.plot(
                *zip(*missing, strict=True),
                "x",
                color=self._theme.lost,
                ms=6,
                mew=1.7,
                ls="",
                zorder=4,
                label="did not come",
            )
        if self._seen.gave_up:
            axes.plot(
                [self._x(ts) for ts in self._seen.gave_up],
                [0.95 * ceiling] * len(self._seen.gave_up),
                "v",
                color=self._theme.ptb,
                ms=5,
                ls="",
                zorder=4,
                label="receiver gave up (ICMP)",
            )


def _missing(fragments: SeenFragments, ceiling: float) -> list[float]:
    """Where the bytes lie that did not come: in the middle of each gap, and above where the end is unknown."""
    found = [(start + end) / 2 for start, end in fragments.gaps]
    return found if fragments.ended else [*found, fragments.end + 0.07 * ceiling]
