"""`python benchmarks`: the directory is run as a program, so its parent is put first."""

import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.command import main

sys.exit(main())
