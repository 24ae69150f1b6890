"""The recording laboratory: real TCP stacks, real black holes, captures with a known truth.

    table_*  ->  recorder: network -> path -> traffic, seen by sniffers  ->  edits -> checks -> truth.json
    (what)       (namespaces)   (delay, loss, narrow hop)  (tcpdump)           (cuts)   (did it happen?)

A scenario is one row of a table. It says how the network is configured and, from that alone, what
each capture shows. Nothing here knows the analyzer: the truth comes from the configuration.
"""
