"""Draws the pictures of `docs/plots.md`, into `docs/plots/`: `python docs/plots.py`."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

import analyzer
from analyzer.report.figures.capture_picture import timelines
from analyzer.report.figures.datagram_plot import datagram_figure, datagram_title
from analyzer.report.figures.own_settings import own_settings
from analyzer.report.figures.timelines import image, overview, timeline

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_pcaps"

DRAWN_WITH = "3.11."
"""The version of matplotlib: with it, a test compares the pictures."""

OF_FLOWS = {
    "black-hole": ("tunnel_blackhole_at_server", 2),
    "recovered": ("recovered_by_mtu_probing_at_server", 0),
    "at-the-receiver": ("tunnel_blackhole_at_client", 2),
    "ptb-ignored": ("ptb_ignored_by_host_at_server", 0),
    "zero-window": ("zero_window_at_server", 0),
    "loss": ("random_loss_at_server", 0),
}
"""Pictures of one flow: the sample capture, and the stream."""


OF_DATAGRAMS = {"datagrams": "dtls_silent_server", "fragments": "recorded/dns_fragments_client"}
"""Pictures of what datagrams show: the recording."""

RECORDINGS = ROOT / "tests" / "data" / "udp"


def pictures() -> dict[str, bytes]:
    """Each picture as PNG, by its name."""
    out = {}
    for name, (sample, stream) in OF_FLOWS.items():
        analysis = analyzer.analyze(SAMPLES / f"{sample}.pcap")
        out[name] = image(timeline(analysis, analysis.flow(stream)), "png")
    for name, recording in OF_DATAGRAMS.items():
        [trouble] = analyzer.analyze(RECORDINGS / f"{recording}.pcap").all_troubles
        out[name] = image(datagram_figure(trouble, title=datagram_title(trouble)), "png")
    everything = analyzer.analyze(sorted(SAMPLES.glob("*_at_server.pcap")))
    out["all-flows"] = image(overview(everything), "png")
    out["findings"] = image(timelines(analyzer.analyze(SAMPLES / "tunnel_blackhole_at_server.pcap")), "png")
    two = [SAMPLES / f"{name}.pcap" for name in ("tunnel_blackhole_at_server", "ipv6_upload_blackhole_at_client")]
    with own_settings():
        figure = Figure(figsize=(9, 1.6), layout="constrained")
        analyzer.analyze(two).plot(figure.add_subplot())
        out["paths"] = drawn(figure)
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        analyzer.analyze(SAMPLES / "random_loss_at_server.pcap").flow(0).plot_sizes(figure.add_subplot())
        out["sizes"] = drawn(figure)
    return out


def drawn(figure: Figure) -> bytes:
    """A figure of the notebook's plots as PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None}, backend="agg")
    return file.getvalue()


def main(folder: Path) -> None:
    """Write all pictures."""
    mpl.use("agg")
    folder.mkdir(exist_ok=True)
    for name, content in pictures().items():
        (folder / f"{name}.png").write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "plots")
