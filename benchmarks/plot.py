"""The picture of the page: time and peak memory against packets."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from benchmarks.page import LEAST_PEAK
from benchmarks.programs import ALL
from benchmarks.results import Results

_COLOURS = {"tool": "#0b5cad", "tcptrace": "#b3541e", "tcpdump": "#5f7d2b", "cat": "#8a8a8a"}


def draw(results: Results, path: Path) -> None:
    """Write the picture of the scaling runs, as PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, (time, memory) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for program in ALL:
        series = [one for one in results.scaling if one.program == program.name and one.samples]
        series.sort(key=lambda one: one.capture.packets)
        if not series:
            continue
        packets = [one.capture.packets for one in series]
        label = program.label.replace("`", "")
        style = {"color": _COLOURS.get(program.name, "#444444"), "marker": "o", "markersize": 4, "label": label}
        time.plot(packets, [median(one.seconds) for one in series], **style)
        memory.plot(packets, [median(one.peaks) / 1e6 for one in series], **style)
    for axes, title in ((time, "Seconds, whole process"), (memory, "Peak memory, MB (grey: not told apart)")):
        axes.set_xscale("log")
        axes.set_xlabel("Packets (96-byte snap length, 10 flows)")
        axes.set_title(title, loc="left")
        axes.grid(visible=True, which="major", color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    time.set_yscale("log")
    memory.set_ylim(bottom=0)
    memory.axhspan(0, LEAST_PEAK / 1e6, color="#eeeeee", linewidth=0)
    handles, labels = time.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
