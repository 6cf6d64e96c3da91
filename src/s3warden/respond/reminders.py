"""Who is reminded of an exemption before it ends, and when. Pure: the moment is given.

Takes exemptions and how many findings each holds back, hands on notices for every destination. A reminder is due from
the last working hours that begin before its day, so that nobody hears of a Monday's end on that Monday. Each has one
key for ever: the outbox takes it once, also over restarts.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from s3warden.model.alert import Notice, Notification
from s3warden.model.exemption import Exemption
from s3warden.model.finding import Severity
from s3warden.respond.render import duration, moment

DAYS = (1, 3, 14)
"""How many days before the end people are reminded; the nearest one first."""

KIND = "exemption-ends"


class WorkingHours(Protocol):
    """When people are at work."""

    def is_open(self, at: datetime) -> bool:
        """Whether `at` lies in working hours."""

    def opens(self, after: datetime) -> datetime:
        """When the next working hours after `after` begin."""


def due(exemption: Exemption, hours: WorkingHours, now: datetime) -> int | None:
    """Which of `DAYS` people are to be reminded of at `now`; None for no reminder."""
    ends_at = exemption.ends_at
    if ends_at is None or now >= ends_at or not hours.is_open(now):
        return None
    again = hours.opens(now)
    return next((days for days in DAYS if ends_at - timedelta(days=days) < again), None)


def reminders(
    exemptions: Iterable[Exemption],
    held: Mapping[str, int],
    destinations: Iterable[str],
    hours: WorkingHours,
    now: datetime,
) -> tuple[Notification, ...]:
    """What to tell at `now`. `held` are the findings that each exemption holds back, by its id."""
    found = [(each, days) for each in exemptions if (days := due(each, hours, now)) is not None]
    names = tuple(destinations)
    return tuple(_told(name, each, days, held.get(each.id, 0), now) for each, days in found for name in names)


def _told(destination: str, exemption: Exemption, days: int, held: int, now: datetime) -> Notification:
    ends_at = exemption.ends_at or now
    group = f"s3warden/{KIND}/{exemption.id}"
    findings = "nothing: it matches no finding" if not held else f"{held} finding{'s' if held > 1 else ''}"
    lines = (
        f"It holds back {findings}." + (" They will be told as news." if held else " It can be removed."),
        f"Reason: {exemption.reason}",
        f"Owner: {exemption.owner}",
        f"Ticket: {exemption.ticket}",
        f"Ends: {moment(ends_at)}",
        f"Written in: {exemption.place}",
    )
    title = f"exemption {exemption.id} ends in {duration(ends_at - now)}"
    return Notification(
        destination=destination,
        group_key=group,
        dedup_key=f"{group}/{ends_at.isoformat()}/{days}",
        severity=Severity.MEDIUM,
        notice=Notice(KIND, now, title, lines),
    )
