"""`python sample_pcaps/record`: the directory is run as a program, so its parent is put first."""

import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from record.command import main

sys.exit(main())
