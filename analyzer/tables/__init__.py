"""DataFrames of what was found: flows, paths, PTBs, recorded packets, and all packets of a flow."""
