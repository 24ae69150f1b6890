"""Many captures, on many machines: groups of files, each one capture, analysed side by side, and one answer of all.

    fleet = analyzer.fleet.analyze(["captures/", "s3://bucket/day/*.pcap.gz"], client=Client("tcp://scheduler:8786"))

- `fleet_sources`: what was named, as files; `plan`: which of them are one capture. Emits `Group`.
- `cutting`: the files of a group as they are read, or cut to their headers. `ranges`: parts of files.
- `judging`: one group to its JSON, its flows and what the fleet needs of it. Emits `Judged`.
- `spreading`: which groups are cut by whichever workers are free.
- `crossing`: which groups saw the same flows. `joining`: these judged together, by their tables (`kept_tables`).
- `running`: in this process, or on Dask. Only that file knows `distributed`. `sealed`: what schedulers pass on unread.
- `keeping`: the folder of results, and what of it stands from a run before.
- `answer`: what all groups say together. `fleet_page`, `terminal`, `day_tables`: how that is shown.
- `fleet_entry`: `analyze`; `fleet_command`: `pmtu-fleet`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyzer.fleet.fleet_entry import Fleet, analyze

__all__ = ["Fleet", "analyze"]


def __getattr__(name: str) -> Any:
    """Public names are loaded on first use: a scheduler, which passes tasks on, needs `sealed` alone."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from analyzer.fleet import fleet_entry

    return getattr(fleet_entry, name)
