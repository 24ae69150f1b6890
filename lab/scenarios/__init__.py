"""The rows: a file for each subject, with its `SCENARIOS` or `SCRIPTS`; `lab.catalogue` reads them all.

They are written in the laboratory's words and never import one another.
"""
