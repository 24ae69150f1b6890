"""All rows of all tables."""

from __future__ import annotations

from dataclasses import replace

from .scenario import Scenario
from .scripted import Script
from .table_black_holes import BLACK_HOLES
from .table_blind_endings import BLIND_ENDINGS
from .table_blind_holes import BLIND_HOLES
from .table_blind_losses import BLIND_LOSSES
from .table_blind_paths import BLIND_PATHS
from .table_blind_ptbs import BLIND_PTBS
from .table_blind_recorders import BLIND_RECORDERS
from .table_blind_scripts import BLIND_SCRIPTS
from .table_blind_waiting import BLIND_WAITING
from .table_interruptions import INTERRUPTIONS
from .table_losses import LOSSES
from .table_oddities import ODDITIES
from .table_ptbs import PTBS
from .table_samples import SAMPLES
from .table_scripts import SCRIPTS as EARLIER_SCRIPTS
from .table_vantages import VANTAGES
from .table_working import WORKING

_BLIND = (
    *BLIND_HOLES,
    *BLIND_PATHS,
    *BLIND_PTBS,
    *BLIND_LOSSES,
    *BLIND_ENDINGS,
    *BLIND_WAITING,
    *BLIND_RECORDERS,
)

SCENARIOS: tuple[Scenario, ...] = (
    *SAMPLES,
    *BLACK_HOLES,
    *VANTAGES,
    *WORKING,
    *PTBS,
    *LOSSES,
    *INTERRUPTIONS,
    *ODDITIES,
    *(replace(scenario, blind=True) for scenario in _BLIND),
)
SCRIPTS: tuple[Script, ...] = (
    *EARLIER_SCRIPTS,
    *(replace(script, blind=True) for script in BLIND_SCRIPTS),
)
