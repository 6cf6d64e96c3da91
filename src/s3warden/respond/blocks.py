"""Notifications as Slack Block Kit. Pure.

Text that somebody else chose goes into `plain_text` objects, where Slack parses no formatting and no mentions, or into
code blocks whose end it cannot write; `mrkdwn` carries only our own words. Everything is escaped and cut to Slack's
limits: a message that Slack refuses is an alert that nobody sees.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from s3warden.model.alert import Alert, AlertStatus, Digest, DigestLine, Notice, Notification
from s3warden.model.finding import Severity
from s3warden.respond import render

Block: TypeAlias = dict[str, Any]

# Slack's limits: 50 blocks, header 150, section 3,000 characters (field 2,000, which no line reaches). All blocks
# together are refused somewhere above 13,000 characters, which is not documented (slackapi/bolt-js issue 2509).
MAX_BLOCKS = 50
MAX_TEXT = 12_000
HEADER = 150
SECTION = 3000
FALLBACK = 3000
LINE = 280
CODE = 1500
FULL = 3
RESERVE = 200

_MARKS = {
    Severity.CRITICAL: "🔴",
    Severity.HIGH: "🟠",
    Severity.MEDIUM: "🟡",
    Severity.LOW: "🔵",
    Severity.INFO: "⚪",
}
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Look-alikes that mean nothing to Slack; only where formatting cannot be switched off.
_GRAVE = "\N{MODIFIER LETTER GRAVE ACCENT}"
_FENCE = re.compile("`{3,}")
_NEUTRAL = str.maketrans(
    {"*": "\N{ASTERISK OPERATOR}", "_": "\N{MODIFIER LETTER LOW MACRON}", "~": "\N{TILDE OPERATOR}", "`": _GRAVE}
)


def message(notifications: Sequence[Notification]) -> dict[str, Any]:
    """The JSON body for an incoming webhook that tells all of these, the worst first."""
    digest = next((n.digest for n in notifications if n.digest is not None), None)
    if digest is not None:
        return _body(f"s3warden: {render.digest_title(digest)}", _digest(digest))
    notice = next((n.notice for n in notifications if n.notice is not None), None)
    if notice is not None:
        return _body(f"s3warden: {notice.title}", _notice(notice))
    alerts = sorted((alert for n in notifications for alert in n.alerts), key=_urgency)
    page = _Page()
    if len(alerts) > 1:
        page.add(_header(_title(alerts)))
    # Where many come at once, the list must stay readable: two in full, the others in a line each.
    full = FULL if len(alerts) <= FULL else FULL - 1
    for alert in alerts[:full]:
        page.add(*_alert(alert))
    rest = alerts[full:]
    page.lines([_line(alert) for alert in rest], lambda told: _more(rest[told:]))
    return _body(_title(alerts), page.blocks)


def escape(text: str, limit: int) -> str:
    """`text` with Slack's three characters escaped, at most `limit` wide, and no entity cut in two."""
    parts: list[str] = []
    room = limit - 1  # one is kept for the ellipsis
    for char in render.clean(text):
        part = _ENTITIES.get(char, char)
        room -= width(part)
        if room < 0:
            return "".join(parts) + "…"
        parts.append(part)
    return "".join(parts)


def width(text: str) -> int:
    """Length in UTF-16 units, the stricter of the two ways in which Slack may count."""
    return len(text) + sum(char > "\uffff" for char in text)


class _Page:
    """Blocks under Slack's limits for one message: what no longer fits is left out, never cut in two."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._room = MAX_TEXT

    def add(self, *blocks: Block, reserve: int = RESERVE) -> bool:
        """Add all of `blocks` or none; `reserve` characters and one block stay free for what must be said last."""
        size = sum(map(size_of, blocks))
        if len(self.blocks) + len(blocks) > MAX_BLOCKS - (1 if reserve else 0) or size > self._room - reserve:
            return False
        self.blocks += blocks
        self._room -= size
        return True

    def lines(self, lines: Sequence[str], more: Callable[[int], str], *, limit: int | None = None) -> None:
        """Add as many lines as fit, `limit` at most, and `more(told)` where some were left out. Lines are escaped."""
        told = 0
        wanted = lines[:limit]
        while told < len(wanted):
            taken = _filled(wanted[told:], min(SECTION, self._room - RESERVE))
            if not taken or not self.add({"type": "section", "text": _plain("\n".join(taken))}):
                break
            told += len(taken)
        if told < len(lines):
            self.add(_plain_section(more(told)), reserve=0)


def size_of(block: Block) -> int:
    """The width of all texts in a block."""
    texts = [block["text"]] if "text" in block else []
    texts += block.get("fields", []) + block.get("elements", [])
    return sum(width(text["text"]) for text in texts)


def _filled(lines: Sequence[str], room: int) -> list[str]:
    """As many of `lines` as go into `room` with a line break each."""
    taken: list[str] = []
    for text in lines:
        room -= width(text) + 1
        if room < 0:
            break
        taken.append(text)
    return taken


def _urgency(alert: Alert) -> tuple[bool, bool, int]:
    return alert.status is AlertStatus.RESOLVED, not alert.live, -alert.severity.rank


def _title(alerts: Sequence[Alert]) -> str:
    if len(alerts) == 1:
        return render.headline(alerts[0])
    subjects = {alert.subject.key for alert in alerts}
    about = render.name(alerts[0].subject) if len(subjects) == 1 else f"{len(subjects)} buckets and accounts"
    return f"s3warden: {_counts(alerts)} on {about}"


def _counts(alerts: Iterable[Alert]) -> str:
    """`2 critical, 1 low, 4 resolved`."""
    counts = Counter("resolved" if alert.status is AlertStatus.RESOLVED else alert.severity.value for alert in alerts)
    order = [severity.value for severity in reversed(Severity)] + ["resolved"]
    return ", ".join(f"{counts[key]} {key}" for key in order if counts[key])


def _more(alerts: Sequence[Alert]) -> str:
    return f"… and {len(alerts)} more: {_counts(alerts)}"


def _alert(alert: Alert) -> list[Block]:
    """One alert in full."""
    blocks = [_header(render.headline(alert)), _facts(alert)]
    if alert.status is AlertStatus.FIRING:
        evidence = "\n".join(f"{label}: {value}" for label, value in render.evidence(alert))
        blocks += [_code("Decisive facts", evidence)] if evidence else []
        blocks += [_plain_section(f"Why it matters: {alert.why}", CODE)] if alert.why else []
        blocks += [_code("Fix", alert.fix.cli)] if alert.fix.cli else []
    return [*blocks, _footer(alert)]


def _line(alert: Alert) -> str:
    """One alert in one line, escaped."""
    if alert.status is AlertStatus.RESOLVED:
        text = f"✅ {render.headline(alert)}, {render.ending(alert)}"
    else:
        text = f"{_MARKS[alert.severity]} {render.headline(alert)} ({render.where(alert.subject)}; {render.who(alert)})"
    return escape(text, LINE)


def _facts(alert: Alert) -> Block:
    """A table of two columns: our label, and the value as it is."""
    fields: list[Block] = []
    for label, value in render.facts(alert)[:5]:
        fields += [{"type": "mrkdwn", "text": f"*{label}*"}, _plain(escape(value, LINE))]
    return {"type": "section", "fields": fields}


def _footer(alert: Alert) -> Block:
    record = f", record: s3warden incident {alert.incident}" if alert.incident else ""
    back = f", take it back: {render.undo(alert)}" if render.undo(alert) else ""
    known = f"rule {alert.rule_id}, finding {alert.fingerprint[:12]}{record}{back}"
    elements: list[Block] = [_plain(escape(known, LINE))]
    links = [*alert.links, *([("Runbook", alert.runbook_url)] if alert.runbook_url else [])]
    elements += [{"type": "mrkdwn", "text": _link(words, url)} for words, url in links]
    return {"type": "context", "elements": elements}


def _notice(notice: Notice) -> list[Block]:
    page = _Page()
    page.add(_header(f"s3warden: {notice.title}"))
    lines = [escape(f"• {render.line(each)}", LINE) for each in notice.lines]
    page.lines(lines, lambda told: f"… and {len(lines) - told} more")
    return page.blocks


def _link(words: str, url: str) -> str:
    # A bar or an angle bracket would end the address; neither belongs into one unencoded.
    return f"<{escape(url.replace('|', '%7C').replace('<', '%3C').replace('>', '%3E'), 1500)}|{words}>"


def _digest(digest: Digest) -> list[Block]:
    page = _Page()
    page.add(_header("s3warden digest"), _plain_section(render.digest_title(digest)))
    # What was not seen is said before the long lists, so that it is never the part left out.
    page.add(_label("Coverage"), _plain_section(render.coverage(digest)))
    if digest.exempt:
        page.add(_plain_section(render.exempt(digest)))
    if digest.failures:
        failures = [escape(render.line(failure), LINE) for failure in digest.failures]
        page.add(_label("Could not be listed"))
        page.lines(failures, lambda told: f"… and {len(failures) - told} more", limit=10)
    if digest.live:
        live = [escape(f"🔴 {render.headline(a)} ({render.where(a.subject)})", LINE) for a in digest.live]
        page.add(_label("Live exposure"))
        page.lines(live, lambda told: f"… and {len(live) - told} more", limit=20)
    if digest.lines:
        page.add(_label("By rule"))
        page.lines([_rule_line(item) for item in digest.lines], lambda told: f"… and {len(digest.lines) - told} more")
    return page.blocks


def _rule_line(item: DigestLine) -> str:
    examples = f" ({', '.join(item.examples)})" if item.examples else ""
    return escape(f"{_MARKS[item.severity]} {item.findings} x {render.line(item.title)}{examples}", LINE)


def _body(title: str, blocks: list[Block]) -> dict[str, Any]:
    """`text` is what the notification on a telephone shows, and the fallback where blocks cannot be drawn."""
    return {"text": escape(title.translate(_NEUTRAL), FALLBACK), "blocks": blocks}


def _plain(text: str) -> Block:
    # Slack refuses a message with an empty text anywhere in it.
    return {"type": "plain_text", "text": text if text.strip() else "-", "emoji": False}


def _header(text: str) -> Block:
    return {"type": "header", "text": _plain(escape(text, HEADER))}


def _plain_section(text: str, limit: int = SECTION) -> Block:
    return {"type": "section", "text": _plain(escape(text, limit))}


def _label(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": f"*{text}*"}}


def _code(label: str, text: str) -> Block:
    # Three backticks would end the code; fewer must stay as they are, since people copy commands from here. On lines of
    # their own the fences meet no backtick of the text.
    fenceless = _FENCE.sub(lambda run: _GRAVE * len(run[0]), text)
    return {"type": "section", "text": {"type": "mrkdwn", "text": f"*{label}*\n```\n{escape(fenceless, CODE)}\n```"}}
