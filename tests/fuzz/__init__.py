"""Mutated captures: `python -m tests.fuzz --budget 100000 --seed 1`. Each input follows from seed and number alone."""
