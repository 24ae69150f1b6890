"""Passes over the packets of a capture: the first over all of them, later ones over those that are asked for."""
