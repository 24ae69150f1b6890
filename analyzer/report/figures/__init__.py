"""Figures: packets (columns) -> scene (what is worth showing) -> sequence and size plot -> timelines."""
