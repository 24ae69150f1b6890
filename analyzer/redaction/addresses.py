"""Prefix-preserving anonymisation of IP addresses (Crypto-PAn; Xu, Fan, Ammar, Moon, ICNP 2002).

Addresses that share a prefix share one of the same length afterwards, so that networks remain networks. Of IPv4, what
ends in 255 goes on to do so, since it may be a broadcast address, and nothing else does: for that, one host of a /24
changes places with it. So does one /8 with that of IPv6 multicast.
"""

from __future__ import annotations

import os
from ipaddress import ip_address
from typing import Any

from analyzer.model.text import packed_ip_text

KEY_BYTES = 32

MULTICAST = 0xE0000000
"""From this IPv4 address on there are no hosts (RFC 1112 4)."""

BROADCAST = 0xFF
"""The last byte of addresses that may be a network's broadcast address: of these, nobody expects an answer either."""


GROUP, GROUP_SHIFT = 0xFF, 120
"""First byte of IPv6 multicast addresses (RFC 4291 2.7), and where it is."""


class Anonymizer:
    """Maps addresses, the same one always to the same; another object maps them differently.

    To anonymise several analyses alike, as those of a comparison, hand the same object to each.
    """

    def __init__(self, key: bytes | None = None) -> None:
        from yacryptopan import CryptoPAn

        self._cipher: Any = CryptoPAn(os.urandom(KEY_BYTES) if key is None else key)
        while key is None and not self._keeps_multicast():
            self._cipher = CryptoPAn(os.urandom(KEY_BYTES))
        self._mapped: dict[bytes, bytes] = {}
        self._original: dict[bytes, bytes] = {}
        self._files = 0

    def _keeps_multicast(self) -> bool:
        """Whether IPv4 hosts stay hosts: of groups, nobody expects an answer. Of all keys, one in eight."""
        return int(self._cipher.anonymize_bin(MULTICAST, 4)) >= MULTICAST

    def packed(self, address: bytes) -> bytes:
        """The address that stands for `address`; both 4 or both 16 bytes in network order."""
        found = self._mapped.get(address)
        if found is None:
            length = len(address)
            number = int.from_bytes(address)
            found = (self._mapped_v4(number) if length == 4 else self._mapped_v6(number)).to_bytes(length)
            self._mapped[address] = found
            self._original[found] = address
        return found

    def _mapped_v4(self, number: int) -> int:
        mapped = int(self._cipher.anonymize_bin(number, 4))
        if number & BROADCAST == BROADCAST:
            return mapped | BROADCAST
        if mapped & BROADCAST == BROADCAST:  # the place of the one above, which took this one's
            return int(self._cipher.anonymize_bin(number | BROADCAST, 4))
        return mapped

    def _mapped_v6(self, number: int) -> int:
        mapped = int(self._cipher.anonymize_bin(number, 6))
        if number >> GROUP_SHIFT == GROUP:
            return mapped & (1 << GROUP_SHIFT) - 1 | GROUP << GROUP_SHIFT
        if mapped >> GROUP_SHIFT == GROUP:  # the place of groups, which took this one's
            groups = int(self._cipher.anonymize_bin(GROUP << GROUP_SHIFT, 6))
            return mapped & (1 << GROUP_SHIFT) - 1 | groups >> GROUP_SHIFT << GROUP_SHIFT
        return mapped

    def text(self, address: str) -> str:
        """As `packed`, for the usual text form."""
        return packed_ip_text(self.packed(ip_address(address).packed))

    def original(self, address: bytes) -> bytes:
        """The address that was mapped to `address` before. Raises KeyError if none was."""
        return self._original[address]

    def file_name(self, kind: str) -> str:
        """A name for the next capture file of this kind: "capture-1.pcap"."""
        self._files += 1
        return f"capture-{self._files}.{kind}"

    def __repr__(self) -> str:
        return "<Anonymizer>"  # never the key
