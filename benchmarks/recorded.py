"""Record bulk transfers of a real TCP stack, with loss, in the laboratory: `recorded.py MEGABYTES OUT`.

Linux and root, as for all recordings. What is in the file is printed as JSON. Not the same from one time to the next:
the kernel decides when it sends.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from lab.capture_file import read_capture
from lab.conversations import ask
from lab.hazards import RandomLoss
from lab.network import LaboratoryError
from lab.recorder import record
from lab.vocabulary import Capture, Flow, Scenario
from lab.vocabulary import Path as NetworkPath

FLOWS = 4


def scenario(megabytes: float) -> Scenario:
    """Four downloads side by side at 2 MB/s each, 10 ms away, 0.2 % of the packets lost; seen at the sender."""
    talk = ask(int(megabytes * 1e6 / FLOWS))
    return Scenario(
        name="benchmark",
        shows="Four bulk transfers over a slightly lossy path",
        path_mtu=1500,
        path=NetworkPath(round_trip=0.01, hazards=(RandomLoss(rate=0.002, seed=5),)),
        flows=tuple(Flow(talk=talk, port=8080 + number, pacing=2_000_000) for number in range(FLOWS)),
        seconds=30 + megabytes,
        captures=(Capture(role="sender", accept=("ok", "loss"), snap_length=96),),
    )


def main() -> None:
    """Record, or say in one line why not."""
    if len(sys.argv) != 3:
        sys.exit("usage: recorded.py MEGABYTES OUT")
    wanted, out = scenario(float(sys.argv[1])), Path(sys.argv[2])
    try:
        record(wanted, {wanted.captures[0]: out})
    except (LaboratoryError, OSError) as error:
        sys.exit(f"cannot record: {error}")
    packets = len(read_capture(out).records)
    sys.stdout.write(json.dumps({"packets": packets, "flows": FLOWS}) + "\n")


if __name__ == "__main__":
    main()
