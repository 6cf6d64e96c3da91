"""The record of an incident for people: the window, both sides, what was possible, and the query that shows its use.

Pure. Every text that somebody else chose is cleaned; names go into the queries as literals.

Sources: the Amazon S3 user guide, "Amazon S3 server access log format" (fields and the form of the time) and "Using
Amazon S3 server access logs to identify requests" (a table in Athena); the AWS CloudTrail user guide, "Create or edit a
query" (CloudTrail Lake's SQL, with the id of the event data store for a table).
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from s3warden.model.event import Trigger
from s3warden.model.finding import ChangeKind, FindingChange
from s3warden.model.incident import Coverage, Incident, Log, Source
from s3warden.respond import render

# Logs are written some time after the request, and clocks differ: a query that begins too late proves nothing.
_MARGIN = timedelta(minutes=5)
_COVERAGE = {
    Coverage.LOGGED: "kept",
    Coverage.NOT_LOGGED: "not kept",
    Coverage.NOT_KNOWN: "not known whether they were kept",
}


def text(incident: Incident, steps: Sequence[FindingChange] = ()) -> str:
    """The whole record. `steps` are the finding's history, for the time line."""
    lines = [
        f"{incident.id}: {render.name(incident.bucket)} was exposed",
        render.line(incident.summary),
        "",
        *(f"{label:<9}{value}" for label, value in _window(incident)),
        "",
        "What was possible",
        *(f"  {render.line(key).replace('_', ' ')}: {render.clean(value)}" for key, value in incident.facts),
        *_time_line(incident, steps),
        "",
        "Was it used?",
        f"  {_use(incident.sources)}",
        *(f"  {_source(source)}" for source in incident.sources),
    ]
    for title, query in queries(incident):
        lines += ["", title, *(f"  {row}" for row in query.splitlines())]
    return "\n".join(lines) + "\n"


def document(incident: Incident, steps: Sequence[FindingChange] = ()) -> str:
    """The record as JSON."""
    return json.dumps(
        {
            "id": incident.id,
            "finding": incident.fingerprint,
            "rule_id": incident.rule_id,
            "account": incident.bucket.account,
            "region": incident.bucket.region,
            "bucket": incident.bucket.name,
            "summary": incident.summary,
            "possible": incident.possible,
            "facts": dict(incident.facts),
            "opened_at": incident.opened_at.isoformat() if incident.opened_at else None,
            "opened_by": _party(incident.opened_by),
            "found_at": incident.found_at.isoformat(),
            "closed_at": incident.closed_at.isoformat(),
            "closed_by": _party(incident.closed_by),
            "reason": incident.reason,
            "logs": [
                {"name": each.name.value, "coverage": each.coverage.value, "place": each.place}
                for each in incident.sources
            ],
            "steps": [{"at": step.at.isoformat(), "kind": step.kind.value, "reason": step.reason} for step in steps],
            "queries": dict(queries(incident)),
        },
        indent=2,
    )


def queries(incident: Incident) -> tuple[tuple[str, str], ...]:
    """A query for each kind of log that could tell, with its title; those for logs that were not kept are left out."""
    begin = (incident.opened_at or incident.found_at) - _MARGIN
    end = incident.closed_at + _MARGIN
    kept = (source for source in incident.sources if source.coverage is not Coverage.NOT_LOGGED)
    return tuple(_QUERIES[source.name](incident, source, begin, end) for source in kept)


def _athena(incident: Incident, source: Source, begin: datetime, end: datetime) -> tuple[str, str]:
    where = f" over {source.place}" if source.place else ""
    query = f"""\
SELECT requestdatetime, remoteip, requester, operation, key, httpstatus, bytessent, useragent
FROM s3_access_logs
WHERE bucket_name = {_literal(incident.bucket.name)}
  AND parse_datetime(requestdatetime, 'dd/MMM/yyyy:HH:mm:ss Z')
      BETWEEN from_iso8601_timestamp({_time(begin)}) AND from_iso8601_timestamp({_time(end)})
  AND httpstatus LIKE '2%'
  AND (requester = '-' OR requester IS NULL OR requester NOT LIKE {_literal(f"%:{incident.bucket.account}:%")})
ORDER BY requestdatetime"""  # noqa: S608 - for a person to read and run; what is put in is quoted
    return f"Athena, a table s3_access_logs{where}:", query


def _lake(incident: Incident, _source: Source, begin: datetime, end: datetime) -> tuple[str, str]:
    query = f"""\
SELECT eventTime, eventName, userIdentity.type, userIdentity.arn, userIdentity.accountId, sourceIPAddress, userAgent,
       element_at(requestParameters, 'key') AS key
FROM EVENT_DATA_STORE_ID
WHERE eventCategory = 'Data'
  AND eventSource LIKE 's3.%'
  AND element_at(requestParameters, 'bucketName') = {_literal(incident.bucket.name)}
  AND eventTime BETWEEN TIMESTAMP {_stamp(begin)} AND TIMESTAMP {_stamp(end)}
  AND errorCode IS NULL
  AND (userIdentity.accountId IS NULL OR userIdentity.accountId <> {_literal(incident.bucket.account)})
ORDER BY eventTime"""  # noqa: S608 - for a person to read and run; what is put in is quoted
    return "CloudTrail Lake, or the same in Athena over a trail's own logs:", query


_QUERIES = {Log.ACCESS: _athena, Log.DATA_EVENTS: _lake}


def _literal(value: str) -> str:
    return "'" + render.clean(value).replace("'", "''") + "'"


def _time(at: datetime) -> str:
    return f"'{at.isoformat(timespec='seconds')}'"


def _stamp(at: datetime) -> str:
    return f"'{at.strftime('%Y-%m-%d %H:%M:%S')}'"


def _window(incident: Incident) -> tuple[tuple[str, str], ...]:
    opened = render.moment(incident.opened_at) if incident.opened_at else "at an unknown time before it was found"
    open_for = incident.closed_at - (incident.opened_at or incident.found_at)
    least = "" if incident.opened_at else "at least "
    return (
        ("Opened", f"{opened}, by {_who(incident.opened_by)}"),
        ("Found", render.moment(incident.found_at)),
        (
            "Closed",
            f"{render.moment(incident.closed_at)} ({render.line(incident.reason)}), by {_who(incident.closed_by)}",
        ),
        ("Open for", f"{least}{render.duration(open_for)}"),
        ("Where", render.where(incident.bucket)),
    )


def _who(trigger: Trigger | None) -> str:
    if trigger is None or trigger.actor is None:
        return "somebody whom no event named"
    actor = trigger.actor
    means = f" with {render.tool(actor.user_agent)}" if actor.user_agent else ""
    place = f" from {render.line(actor.source_ip)}" if actor.source_ip else ""
    return f"{render.principal(actor)}{place}{means} ({render.line(trigger.name)})"


def _party(trigger: Trigger | None) -> dict[str, str | None] | None:
    if trigger is None:
        return None
    actor = trigger.actor
    return {
        "call": trigger.name,
        "event_id": trigger.event_id,
        "principal": actor.principal if actor else None,
        "source_ip": actor.source_ip if actor else None,
        "user_agent": actor.user_agent if actor else None,
    }


def _time_line(incident: Incident, steps: Sequence[FindingChange]) -> list[str]:
    """What happened in between: the steps of this exposure, from its opening on."""
    own = [step for step in steps if incident.found_at <= step.at <= incident.closed_at]
    if len(own) <= 1:
        return []
    rows = [f"  {render.moment(step.at)}  {_step(step)}" for step in own]
    return ["", "Time line", *rows]


def _step(step: FindingChange) -> str:
    words = step.kind.value if step.kind is not ChangeKind.UPDATED else step.reason or step.kind.value
    return f"{words}: {render.line(step.finding.evidence.summary)}"


def _use(sources: Sequence[Source]) -> str:
    coverages = {source.coverage for source in sources}
    if Coverage.LOGGED in coverages:
        return "Requests were logged; the query below shows those of strangers."
    if coverages <= {Coverage.NOT_LOGGED}:
        return "It cannot be known: no log of requests was kept."
    return "It is not known whether requests were logged; the query below finds them if they were."


def _source(source: Source) -> str:
    place = f" ({source.place})" if source.place else ""
    return f"{source.name.value}: {_COVERAGE[source.coverage]}{place}"
