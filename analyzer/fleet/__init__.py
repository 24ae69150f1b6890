"""Many captures, on many machines: groups of files, each one capture, analysed side by side, and one answer of all.

    fleet = analyzer.fleet.analyze(["captures/", "s3://bucket/day/*.pcap.gz"], client=Client("tcp://scheduler:8786"))

- `fleet_sources`: what was named, as files; `plan`: which of them are one capture. Emits `Group`.
- `judging`: one group to its JSON, its flows and what the fleet needs of it. Emits `Judged`.
- `spreading`: the files of a group cut to their headers, each by whichever worker is free. `ranges`: parts of files.
- `running`: in this process, or on Dask. Only that file knows `distributed`.
- `keeping`: the folder of results, and what of it stands from a run before.
- `answer`: what all groups say together. `fleet_page`, `terminal`, `day_tables`: how that is shown.
- `fleet_entry`: `analyze`; `fleet_command`: `pmtu-fleet`.
"""

from analyzer.fleet.fleet_entry import Fleet, analyze

__all__ = ["Fleet", "analyze"]
