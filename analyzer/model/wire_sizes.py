"""Sizes that protocols fix, in bytes."""

from __future__ import annotations

ETHERNET_MTU = 1500
"""IEEE 802.3: the largest payload of a frame that is no jumbo."""

LEAST_V6_MTU = 1280
"""RFC 8200 5: what every IPv6 link carries; RFC 8201 4: a PTB that names less is discarded."""

LEAST_V4_MTU = 68
"""RFC 791: what every IPv4 link carries."""

EVERY_HOST_TAKES = 576
"""RFC 791: IP length that every host takes; no path in use carries less."""

IPV4_TCP_HEADERS = 40
"""IPv4 (20) and TCP (20) without options: full-size packet less MSS, RFC 9293 3.7.1."""

IPV6_TCP_HEADERS = 60
"""IPv6 (40) and TCP (20) without options."""

ETHERNET_MSS = ETHERNET_MTU - IPV4_TCP_HEADERS
"""Payload of a full segment without options: RFC 9293 3.7.1."""
