"""All rows of all tables, and the group of each table."""

from __future__ import annotations

from dataclasses import replace

from lab.scripted import Script
from lab.table_black_holes import BLACK_HOLES
from lab.table_blind_answers import BLIND_ANSWERS
from lab.table_blind_applications import BLIND_APPLICATIONS
from lab.table_blind_content import BLIND_CONTENT
from lab.table_blind_deaths import BLIND_DEATHS
from lab.table_blind_mishaps import BLIND_MISHAPS
from lab.table_blind_quiet import BLIND_QUIET
from lab.table_blind_recordings import BLIND_RECORDINGS
from lab.table_blind_stacks import BLIND_STACKS
from lab.table_blind_timelines import BLIND_TIMELINES
from lab.table_blind_tunnels import BLIND_TUNNELS
from lab.table_interruptions import INTERRUPTIONS
from lab.table_losses import LOSSES
from lab.table_oddities import ODDITIES
from lab.table_ptbs import PTBS
from lab.table_samples import SAMPLES
from lab.table_scripts import SCRIPTS as EARLIER_SCRIPTS
from lab.table_seen_endings import SEEN_ENDINGS
from lab.table_seen_holes import SEEN_HOLES
from lab.table_seen_losses import SEEN_LOSSES
from lab.table_seen_paths import SEEN_PATHS
from lab.table_seen_ptbs import SEEN_PTBS
from lab.table_seen_recorders import SEEN_RECORDERS
from lab.table_seen_scripts import SEEN_SCRIPTS
from lab.table_seen_waiting import SEEN_WAITING
from lab.table_vantages import VANTAGES
from lab.table_wild import WILD
from lab.table_wild_holes import WILD_HOLES
from lab.table_working import WORKING
from lab.vocabulary import Group, Scenario

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
