"""What engineers know and a capture does not say: tunnel overheads, and what to do about a verdict.

Data, not code. Imports nothing of the project.
"""
