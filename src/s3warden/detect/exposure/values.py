"""Condition values that are more than text: addresses, numbers, dates. Pure conversions, None for what is neither."""

import ipaddress
import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple


class Span(NamedTuple):
    """A closed interval. `family` is 4 or 6 for addresses, 0 for numbers and for dates in epoch seconds."""

    family: int
    low: float
    high: float

    @property
    def prefix(self) -> int:
        """The prefix length of an address range."""
        return (32 if self.family == 4 else 128) - (int(self.high) - int(self.low)).bit_length()


@lru_cache(maxsize=4096)
def ip_range(text: str) -> Span | None:
    """The addresses of a CIDR range or of one address; host bits are ignored."""
    found = _v4(text)
    if found is not None or ":" not in text:
        return found
    try:
        network = ipaddress.IPv6Network(text, strict=False)
    except ValueError:
        return None
    return Span(6, int(network.network_address), int(network.broadcast_address))


def _v4(text: str) -> Span | None:
    address, _, length = text.partition("/")
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        return None
    if "/" in text and not (length.isascii() and length.isdigit() and len(length) <= 2):
        return None
    octets = [int(part) for part in parts]
    bits = int(length) if length else 32
    if max(octets) > 255 or bits > 32:
        return None
    whole = octets[0] << 24 | octets[1] << 16 | octets[2] << 8 | octets[3]
    low = whole >> (32 - bits) << (32 - bits)
    return Span(4, low, low + (1 << (32 - bits)) - 1)


def show_ip(family: int, value: int) -> str:
    """An address as text."""
    return str(ipaddress.IPv4Address(value) if family == 4 else ipaddress.IPv6Address(value))


def number(text: str) -> Span | None:
    """A decimal number as a span of one point."""
    try:
        value = float(text)
    except ValueError:
        return None
    return Span(0, value, value) if math.isfinite(value) and "_" not in text else None


def date(text: str) -> Span | None:
    """An ISO 8601 date, or seconds since 1970, as a span of one point."""
    seconds = number(text)
    if seconds is not None:
        return seconds
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    value = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return Span(0, value, value)


PRIVATE = tuple(span for span in map(ip_range, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")) if span is not None)
"""RFC 1918: never the source of a request from the internet."""

WIDEST = {4: 8, 6: 32}
"""The shortest prefix that S3 still takes for a fixed range of addresses."""


def is_broad(span: Span) -> bool:
    """Whether a range is so wide that it does not limit callers: wider than /8 (IPv4) or /32 (IPv6)."""
    return span.prefix < WIDEST[span.family]
