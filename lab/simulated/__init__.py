"""Conversations on a made-up path of several capture points: taps, links, routers, NAT, filters, tunnels.

No kernel is asked: hosts, links and taps are a few lines each, so that any number of points, clocks and troubles can be
had in a moment, and the truth is what the path was made of. Nothing here uses `analyzer`.
"""
