"""What was found, as plain data that nothing changes afterwards: verdicts, flows, paths, the analysis as a whole.

Knows nothing of captures, rules or reports. What can show, draw and save itself is made of it in `api`.
"""
