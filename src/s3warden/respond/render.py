"""Text for people, shared by the notifiers: who, what, where, when, in words. Pure; plain text without any markup.

Everything here may hold text that an attacker chose (tool names, policy statements). `clean` takes control characters
out; escaping is the business of each notifier, since only it knows its markup.
"""

import re
from datetime import UTC, datetime, timedelta

from s3warden.model.alert import Alert, AlertStatus, Digest, Notice, Notification
from s3warden.model.bucket import BucketRef, Subject
from s3warden.model.event import SELF, Actor

# C0 and C1 controls but tab and newline; line and paragraph separators; marks that turn the direction of reading;
# zero-width characters; lone surrogates, which no encoder takes.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff\ud800-\udfff]"
)

# The beginning or a part of userAgent, and the name people know the tool by. First match wins.
_TOOLS: tuple[tuple[str, str], ...] = (
    ("terraform", "Terraform"),
    ("opentofu", "OpenTofu"),
    ("pulumi", "Pulumi"),
    ("cloudformation", "CloudFormation"),
    ("aws-cli", "AWS CLI"),
    ("console", "AWS console"),
    ("signin", "AWS console"),
    ("boto3", "boto3"),
    ("botocore", "botocore"),
    ("aws-sdk-", "AWS SDK"),
)

_ENDINGS = {
    "fixed": "fixed",
    "not_applicable": "no longer applies",
    "rule_disabled": "the rule was switched off",
    "bucket_deleted": "the bucket was deleted",
    "account_left": "the account is no longer guarded",
    "not_guarded": "the bucket is no longer guarded",
    "eased": "less severe now, still open",
    "exempted": "accepted, still open",
}

_UPDATES = {
    "escalated": "worse than before",
    "eased": "less severe than before",
    "changed": "the facts have changed",
    "exemption_ended": "exempt no more",
}


def clean(text: str) -> str:
    """`text` without characters that cannot be seen or that change how the rest is read."""
    return _UNSEEN.sub("�", text)


def line(text: str) -> str:
    """`text` cleaned, on one line."""
    return " ".join(clean(text).split())


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, with an ellipsis where something is missing."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def name(subject: Subject) -> str:
    """`bucket X` or `account 123456789012`."""
    return f"bucket {subject.name}" if isinstance(subject, BucketRef) else str(subject)


def headline(alert: Alert) -> str:
    """The one line that must be enough: how bad, which bucket, what."""
    summary = line(alert.summary) or line(alert.title)
    text = summary if name(alert.subject).split()[-1] in summary else f"{name(alert.subject)}: {summary}"
    if alert.status is AlertStatus.RESOLVED:
        return f"[RESOLVED] {name(alert.subject)}: {line(alert.title)}"
    return f"[{alert.severity.value.upper()}] {text}"


def moment(at: datetime) -> str:
    """A time as people on call compare it: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(span: timedelta) -> str:
    """`45 s`, `7 min`, `3 h 20 min`, `2 d 4 h`."""
    seconds = max(0, int(span.total_seconds()))
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


def who(alert: Alert) -> str:
    """The actor in short, with address and tool; a plain statement where nobody is known."""
    if alert.trigger is None:
        return "not known: found by a sweep, no event told of it"
    if alert.trigger.actor is None:
        return f"not known: {line(alert.trigger.source)} does not tell"
    actor = alert.trigger.actor
    place = f"from {line(actor.source_ip)}" if actor.source_ip else ""
    means = f"with {tool(actor.user_agent)}" if actor.user_agent else ""
    return " ".join(part for part in (principal(actor), place, means) if part)


def principal(actor: Actor) -> str:
    """`Admin/alice` for a role session, `alice` for a user, `root of 123456789012`; anything else as it is."""
    text = line(actor.principal)
    parts = text.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return text or "not known"
    account, resource = parts[4], parts[5]
    kind, _, rest = resource.partition("/")
    if kind == "root":
        return f"root of {account}"
    # A user may lie under a path; a role session is `role/session`, both of which people need.
    short = rest if kind == "assumed-role" else rest.rsplit("/", 1)[-1]
    return f"{short or resource} ({account})"


def tool(user_agent: str) -> str:
    """The tool's common name, or the beginning of the user agent."""
    text = line(user_agent)
    lowered = text.lower()
    known = next((label for mark, label in _TOOLS if mark in lowered), None)
    return known or shorten(text.strip("[]").split(" ")[0], 60)


def where(subject: Subject) -> str:
    """Account and region; the partition only where it is not the usual one."""
    parts = [f"account {subject.account}"]
    if isinstance(subject, BucketRef):
        parts.append(subject.region)
    if subject.partition != "aws":
        parts.append(f"partition {subject.partition}")
    return ", ".join(parts)


def when(alert: Alert) -> str:
    """The time of the call where an event told it, else when it was found."""
    event_time = alert.trigger.event_time if alert.trigger else None
    return moment(event_time) if event_time else f"{moment(alert.at)} (found)"


def ending(alert: Alert) -> str:
    """How a finding ended and how long it was open."""
    words = _ENDINGS.get(alert.reason, "resolved")
    if alert.exempt is not None:
        words += f" by exemption {line(str(alert.exempt))}"
    return f"{words}, open for {duration(alert.at - alert.starts_at)}"


def undo(alert: Alert) -> str:
    """How to take back the fix that ended the finding; empty where it was none of s3warden's."""
    kind, _, name = alert.trigger.event_id.partition("/") if alert.trigger is not None else ("", "", "")
    closed = alert.status is AlertStatus.RESOLVED and kind == "remediation"
    return f"s3warden undo {name}" if closed and alert.trigger and alert.trigger.source == SELF else ""


def update(alert: Alert) -> str:
    """What is new about a finding that was open already; empty for one that has just opened."""
    words = _UPDATES.get(alert.reason)
    return f"{words}, open for {duration(alert.at - alert.starts_at)}" if words else ""


def facts(alert: Alert) -> tuple[tuple[str, str], ...]:
    """What a reader asks first, in the order of asking: labels and values of one line each."""
    call = (("What", line(alert.trigger.name)),) if alert.trigger and alert.trigger.name else ()
    if alert.status is AlertStatus.RESOLVED:
        return (
            ("Ended", ending(alert)),
            ("Who", who(alert)),
            *call,
            ("Where", where(alert.subject)),
            ("When", when(alert)),
            *((("Record", f"s3warden incident {alert.incident}"),) if alert.incident else ()),
        )
    news = (("Update", update(alert)),) if update(alert) else ()
    return (*news, ("Who", who(alert)), *call, ("Where", where(alert.subject)), ("When", when(alert)))


def evidence(alert: Alert) -> tuple[tuple[str, str], ...]:
    """The decisive grant, statement or flag; before it, exemptions that do not hold and what moved the severity."""
    lapsed = [("exempt no more", clean(text)) for text in alert.lapsed]
    weighed = [("severity", severity(alert))] if alert.base_severity is not None else []
    return (*lapsed, *weighed, *((line(key).replace("_", " "), clean(value)) for key, value in alert.details))


def severity(alert: Alert) -> str:
    """How the severity came about: `high, by itself critical; harmless data: tag Classification=public (-1)`."""
    base = f", by itself {alert.base_severity.value}" if alert.base_severity not in (None, alert.severity) else ""
    return "; ".join([f"{alert.severity.value}{base}", *map(line, alert.reasons)])


def text(notification: Notification) -> str:
    """The whole message as plain text."""
    if notification.digest is not None:
        return digest_text(notification.digest)
    if notification.notice is not None:
        return notice_text(notification.notice)
    return "\n\n".join(alert_text(alert) for alert in notification.alerts)


def alert_text(alert: Alert) -> str:
    """One alert as plain text."""
    lines = [headline(alert), *(f"{label}: {value}" for label, value in facts(alert))]
    if alert.status is AlertStatus.FIRING:
        lines += [f"{label}: {value}" for label, value in evidence(alert)]
        lines += [f"Why it matters: {clean(alert.why)}"] if alert.why else []
        lines += ["Fix:", clean(alert.fix.cli)] if alert.fix.cli else []
    lines += [f"Take it back: {undo(alert)}"] if undo(alert) else []
    lines += [f"{words}: {url}" for words, url in alert.links]
    lines += [f"Runbook: {alert.runbook_url}"] if alert.runbook_url else []
    return "\n".join(lines)


def notice_text(notice: Notice) -> str:
    """A notice as plain text."""
    return "\n".join([line(notice.title), *(f"- {line(each)}" for each in notice.lines)])


def digest_title(digest: Digest) -> str:
    """The digest in one line."""
    findings = _count(sum(item.findings for item in digest.lines), "finding")
    live = _count(len(digest.live), "live exposure") if digest.live else "no live exposure"
    new = f"{_count(len(digest.new_rules), 'new rule')}: " if digest.new_rules else ""
    return f"{new}{findings} in {_count(digest.buckets, 'bucket')} of {_count(digest.accounts, 'account')}, {live}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def coverage(digest: Digest) -> str:
    """What was not seen, said plainly."""
    if digest.checks_unknown == 0 and not digest.failures:
        return f"Every one of {digest.checks} checks could be decided."
    known = digest.checks - digest.checks_unknown
    share = 100 * known / digest.checks if digest.checks else 0.0
    # Rounded down: 99.96 % must not read as 100 %.
    parts = [f"{known} of {digest.checks} checks could be decided ({int(share * 10) / 10} %)."]
    causes = ", ".join(f"{line(cause)}: {count}" for cause, count in digest.unknown_by_cause)
    parts += [f"Not decided: {causes}."] if causes else []
    return " ".join(parts)


def exempt(digest: Digest) -> str:
    """How much of what is wrong is accepted."""
    return f"Exempt, and in none of these lines: {_count(digest.exempt, 'finding')}."


def digest_text(digest: Digest) -> str:
    """The digest as plain text: live exposure, findings by rule, coverage and blind spots."""
    lines = [digest_title(digest)]
    lines += ["", "Live exposure:"] if digest.live else []
    lines += [f"- {headline(alert)} ({where(alert.subject)})" for alert in digest.live]
    lines += ["", "By rule:"] if digest.lines else []
    for item in digest.lines:
        examples = ", ".join(item.examples)
        lines.append(f"- {item.findings} x [{item.severity.value.upper()}] {line(item.title)} ({examples})")
    lines += ["", exempt(digest)] if digest.exempt else []
    lines += ["", f"Coverage: {coverage(digest)}"]
    lines += ["", "Could not be listed:"] if digest.failures else []
    lines += [f"- {line(failure)}" for failure in digest.failures]
    return "\n".join(lines)
