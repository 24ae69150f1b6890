"""The laboratory: real TCP stacks, real black holes, captures with a known truth. `python -m lab --help`.

    scenarios/  ->  jobs, recorder: network -> path -> traffic, seen by sniffers -> edits -> checks -> truth.json
    (what)                  (namespaces) (what befalls packets)  (tcpdump)         (cuts)   (did it happen?)

`scenarios/` holds the rows, a file for each subject, and `groups.toml` the group of each; `catalogue` reads
both. Rows are written in the words of `vocabulary`, `conversations`, `truths`, `settings`, `patterns` and
`ptb_patterns`, of `edits`, and of what befalls packets on the path: `hazards`, `mishaps`, `outages` and
`filters`; timelines in those of `scripted`. `drawn*` draws scenarios at random instead. `accuracy*`,
`judging`, `poorer` and `drawn_check` hold the analyzer against what was recorded; nothing else knows it, for
the truth of a capture comes from the configuration alone.
"""
