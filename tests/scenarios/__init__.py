"""Scenarios: timelines in a small notation, each with the verdict that TCP and docs/verdicts.md demand."""
