"""Run one command and print how long it took and what memory it needed, as JSON: `launch.py COMMAND...`.

A program of its own, started with `python -I -S`, because Linux counts the memory of whoever starts a process as the
new process's peak. This one needs some 9 MB; programs that need less are reported with that.
"""

import json
import os
import sys
import time


def main() -> None:
    """Run, wait, report. The command's output is thrown away, its complaints are not."""
    command = sys.argv[1:]
    nowhere = os.open(os.devnull, os.O_RDWR)
    files = [(os.POSIX_SPAWN_DUP2, nowhere, 1)]
    if not os.environ.get("BENCHMARK_STDIN"):
        files.append((os.POSIX_SPAWN_DUP2, nowhere, 0))
    begun = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=files)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - begun
    result = {
        "seconds": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * 1024,
        "code": os.waitstatus_to_exitcode(status),
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
