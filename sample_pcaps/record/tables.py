"""All rows of all tables."""

from __future__ import annotations

from .scenario import Scenario
from .table_black_holes import BLACK_HOLES
from .table_interruptions import INTERRUPTIONS
from .table_losses import LOSSES
from .table_oddities import ODDITIES
from .table_ptbs import PTBS
from .table_samples import SAMPLES
from .table_scripts import SCRIPTS
from .table_vantages import VANTAGES
from .table_working import WORKING

SCENARIOS: tuple[Scenario, ...] = (
    *SAMPLES,
    *BLACK_HOLES,
    *VANTAGES,
    *WORKING,
    *PTBS,
    *LOSSES,
    *INTERRUPTIONS,
    *ODDITIES,
)

__all__ = ["SCENARIOS", "SCRIPTS"]
