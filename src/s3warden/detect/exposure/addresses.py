"""Keys whose value is an IP address."""

from bisect import bisect_right
from collections.abc import Iterable

from s3warden.detect.exposure.domains import Choice, Domain, choice
from s3warden.detect.exposure.facts import Ask
from s3warden.detect.exposure.values import PRIVATE, Span, ip_range, is_broad, show_ip

_FAMILY_END = {4: (1 << 32) - 1, 6: (1 << 128) - 1}
_NICE = {4: (0xC6336407, 0x09090909, 0x57570101), 6: (0x2A00_0000 << 96 | 7,)}


def addresses(ask: Ask, *, closed_to_strangers: bool) -> Domain:
    """One address of each interval that the ranges of the documents cut out.

    With `closed_to_strangers` a stranger is in no private range and in none that is not broad: that is a fixed value.
    """
    mention = ask.mention
    spans = (*mention.spans, *filter(None, map(ip_range, mention.literals)))
    closed: list[Span] = []
    if closed_to_strangers and ask.caller.stranger:
        closed = [*PRIVATE, *(span for span in spans if not is_broad(span))]
    found: list[str] = []
    for family, end in _FAMILY_END.items():
        cuts = {0}
        for span in (*spans, *closed):
            if span.family == family:
                cuts |= {int(span.low), int(span.high) + 1}
        starts = sorted(cut for cut in cuts if cut <= end)
        shut = _Union(span for span in closed if span.family == family)
        for low, following in zip(starts, [*starts[1:], end + 1], strict=True):
            if low not in shut:
                found.append(show_ip(family, _nice(family, low, following - 1)))
    return Choice(ask.key, {ask.key: tuple(found)}, is_open=True) if found else choice(ask.key, None)


class _Union:
    """A union of closed intervals, for membership only."""

    __slots__ = ("ends", "starts")

    def __init__(self, spans: Iterable[Span]) -> None:
        self.starts: list[float] = []
        self.ends: list[float] = []
        for span in sorted(spans, key=lambda span: span.low):
            if self.ends and span.low <= self.ends[-1] + 1:
                self.ends[-1] = max(self.ends[-1], span.high)
            else:
                self.starts.append(span.low)
                self.ends.append(span.high)

    def __contains__(self, value: float) -> bool:
        at = bisect_right(self.starts, value) - 1
        return at >= 0 and value <= self.ends[at]


def _nice(family: int, low: int, high: int) -> int:
    """An address of the interval, a plausible one where there is one."""
    for value in _NICE[family]:
        if low <= value <= high:
            return value
    return low if low == high else low + 1
