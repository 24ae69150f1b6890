"""Plain functions that run interpreted or compiled: how they are marked, compiled, and kept as object code."""
