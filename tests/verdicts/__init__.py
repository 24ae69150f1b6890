"""The rule tables, held against the scenarios."""
