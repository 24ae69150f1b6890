"""All rows of all tables, and the group of each table."""

from __future__ import annotations

from dataclasses import replace

from .scenario import Group, Scenario
from .scripted import Script
from .table_black_holes import BLACK_HOLES
from .table_blind_answers import BLIND_ANSWERS
from .table_blind_applications import BLIND_APPLICATIONS
from .table_blind_content import BLIND_CONTENT
from .table_blind_deaths import BLIND_DEATHS
from .table_blind_mishaps import BLIND_MISHAPS
from .table_blind_quiet import BLIND_QUIET
from .table_blind_recordings import BLIND_RECORDINGS
from .table_blind_stacks import BLIND_STACKS
from .table_blind_timelines import BLIND_TIMELINES
from .table_blind_tunnels import BLIND_TUNNELS
from .table_interruptions import INTERRUPTIONS
from .table_losses import LOSSES
from .table_oddities import ODDITIES
from .table_ptbs import PTBS
from .table_samples import SAMPLES
from .table_scripts import SCRIPTS as EARLIER_SCRIPTS
from .table_seen_endings import SEEN_ENDINGS
from .table_seen_holes import SEEN_HOLES
from .table_seen_losses import SEEN_LOSSES
from .table_seen_paths import SEEN_PATHS
from .table_seen_ptbs import SEEN_PTBS
from .table_seen_recorders import SEEN_RECORDERS
from .table_seen_scripts import SEEN_SCRIPTS
from .table_seen_waiting import SEEN_WAITING
from .table_vantages import VANTAGES
from .table_wild import WILD
from .table_wild_holes import WILD_HOLES
from .table_working import WORKING

# None: two thirds of these were for tuning, one third was kept apart at first; the names decide which.
_TABLES: tuple[tuple[Group | None, tuple[Scenario, ...]], ...] = (
    (None, SAMPLES),
    (None, BLACK_HOLES),
    (None, VANTAGES),
    (None, WORKING),
    (None, PTBS),
    (None, LOSSES),
    (None, INTERRUPTIONS),
    (None, ODDITIES),
    ("seen", SEEN_HOLES),
    ("seen", SEEN_PATHS),
    ("seen", SEEN_PTBS),
    ("seen", SEEN_LOSSES),
    ("seen", SEEN_ENDINGS),
    ("seen", SEEN_WAITING),
    ("seen", SEEN_RECORDERS),
    ("held_out", BLIND_TUNNELS),
    ("held_out", BLIND_APPLICATIONS),
    ("held_out", BLIND_STACKS),
    ("held_out", BLIND_MISHAPS),
    ("held_out", BLIND_CONTENT),
    ("held_out", BLIND_DEATHS),
    ("held_out", BLIND_QUIET),
    ("held_out", BLIND_ANSWERS),
    ("held_out", BLIND_RECORDINGS),
    ("wild", WILD),
    ("wild", WILD_HOLES),
)
_SCRIPTS: tuple[tuple[Group | None, tuple[Script, ...]], ...] = (
    (None, EARLIER_SCRIPTS),
    ("seen", SEEN_SCRIPTS),
    ("held_out", BLIND_TIMELINES),
)

SCENARIOS: tuple[Scenario, ...] = tuple(
    replace(scenario, assigned=group) for group, table in _TABLES for scenario in table
)
SCRIPTS: tuple[Script, ...] = tuple(replace(script, assigned=group) for group, table in _SCRIPTS for script in table)
GROUPS: dict[str, Group] = {
    **{scenario.name: scenario.group for scenario in SCENARIOS},
    **{script.name: script.group for script in SCRIPTS},
}
