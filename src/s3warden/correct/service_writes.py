"""The table of writes beside a bucket: on keys, Macie, CloudTrail and other services, on policies of access points.

Takes an edit and the answer before it, hands on the step of exact calls, and the reading that the edit leaves behind.
`Edit.place` says where: a region, what begins with one, the ARN of a trail or of a key. Pure: it calls nobody.

Sources: the API references of the services; the service authorization references for the IAM actions.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from s3warden.collect import detectors, keys, macie, trails
from s3warden.collect.aspects import AspectRead
from s3warden.collect.shapes import Answer, mapping, text
from s3warden.correct import (
    alarm_writes,
    backup_writes,
    lens_writes,
    multi_region_writes,
    other_bucket_writes,
    point_writes,
    way_writes,
)
from s3warden.correct.remedy import Edit
from s3warden.correct.service_row import Asked, ServiceWriting, in_regions
from s3warden.correct.views import policy_view
from s3warden.model.bucket import Aspect, Present, Reading, Regional
from s3warden.model.keys import Key
from s3warden.model.services import Analyzer, AnalyzerKind, Analyzers
from s3warden.model.trails import Trails

S3_EVENTS = "S3_DATA_EVENTS"
ANALYZER = "s3warden"
"""The name of the analyzer that a fix creates."""


def _part(*names: str) -> Callable[[Answer], Answer]:
    return lambda answer: {name: answer[name] for name in names if name in answer}


def _in_region(source: AspectRead[object]) -> Callable[[Reading[object], Edit], Reading[object]]:
    """The regional reading with the edit's region as `source` understands it."""

    def left(reading: Reading[object], edit: Edit) -> Reading[object]:
        if not isinstance(reading, Present) or not isinstance(reading.value, Regional) or edit.after is None:
            return reading
        new = source.understood(edit.after)
        return Present(Regional(tuple((where, new if where == edit.place else old) for where, old in reading.value)))

    return left


def _rotation(place: str, _before: Answer | None, _after: Answer) -> tuple[Asked, Asked, Asked]:
    key = {"KeyId": place}
    return ("GetKeyRotationStatus", key), ("EnableKeyRotation", key), ("DisableKeyRotation", key)


def _enabling(place: str, _before: Answer | None, _after: Answer) -> tuple[Asked, Asked, Asked]:
    key = {"KeyId": place}
    return ("DescribeKey", key), ("EnableKey", key), ("DisableKey", key)


def _key_state(answer: Answer) -> Answer:
    return _part("KeyState")(mapping(answer.get("KeyMetadata"), "KeyMetadata"))


def _enabled_left(reading: Reading[object], _edit: Edit) -> Reading[object]:
    if not isinstance(reading, Present) or not isinstance(reading.value, Key):
        return reading
    return Present(replace(reading.value, state="Enabled"))


def _key_policy(place: str, before: Answer | None, after: Answer) -> tuple[Asked, Asked, Asked]:
    # KMS itself refuses a policy by which the caller could not put the next one, unless told not to look.
    key = {"KeyId": place, "PolicyName": "default"}
    put = "PutKeyPolicy"
    return (
        ("GetKeyPolicy", key),
        (put, {**key, "Policy": after["Policy"]}),
        (put, {**key, "Policy": (before or after)["Policy"]}),
    )


def _key_policy_left(reading: Reading[object], edit: Edit) -> Reading[object]:
    return reading if edit.after is None else keys.POLICY.understood(edit.after)


def _macie(_place: str, before: Answer | None, after: Answer) -> tuple[Asked, Asked, Asked]:
    read: Asked = ("GetMacieSession", {})
    if before is None:
        return read, ("EnableMacie", {"status": after["status"]}), ("DisableMacie", {})
    update = "UpdateMacieSession"
    return read, (update, {"status": after["status"]}), (update, {"status": before["status"]})


def _discovery(_place: str, before: Answer | None, after: Answer) -> tuple[Asked, Asked, Asked]:
    known = after if before is None else before
    update = "UpdateAutomatedDiscoveryConfiguration"
    return (
        ("GetAutomatedDiscoveryConfiguration", {}),
        (update, {"status": after["status"]}),
        (update, {"status": known["status"]}),
    )


def _analyzer(_place: str, _before: Answer | None, after: Answer) -> tuple[Asked, Asked, Asked]:
    made = mapping(after["analyzer"], "analyzer")
    name = {"analyzerName": made["name"]}
    return ("GetAnalyzer", name), ("CreateAnalyzer", {**name, "type": made["type"]}), ("DeleteAnalyzer", name)


def _analyzer_view(answer: Answer) -> Answer:
    return _part("name", "type")(mapping(answer.get("analyzer"), "analyzer"))


def _analyzer_left(reading: Reading[object], edit: Edit) -> Reading[object]:
    if not isinstance(reading, Present) or not isinstance(reading.value, Regional):
        return reading
    made = Analyzer(f"{edit.place}/{ANALYZER}", ANALYZER, AnalyzerKind.ACCOUNT, "ACTIVE")

    def beside(old: Reading[object]) -> Reading[object]:
        known = old.value.analyzers if isinstance(old, Present) and isinstance(old.value, Analyzers) else ()
        return Present(Analyzers((*known, made)))

    return Present(
        Regional(tuple((where, beside(old) if where == edit.place else old) for where, old in reading.value))
    )


def _detector(_place: str, before: Answer | None, after: Answer) -> tuple[Asked, Asked, Asked]:
    which = {"DetectorId": text(after.get("DetectorId"), "DetectorId")}
    return (
        ("GetDetector", which),
        ("UpdateDetector", {**which, **_seeing(after)}),
        ("UpdateDetector", {**which, **_seeing(before if before is not None else after)}),
    )


def _seeing(answer: Answer) -> Mapping[str, object]:
    """The parameters that switch S3 protection as in an answer."""
    on = events_of(answer)
    if "Features" in answer:
        return {"Features": [{"Name": S3_EVENTS, "Status": "ENABLED" if on else "DISABLED"}]}
    return {"DataSources": {"S3Logs": {"Enable": on}}}


def events_of(answer: Answer) -> bool:
    """Whether GetDetector's answer says that GuardDuty looks at the data events of S3."""
    reading = detectors.DETECTOR.understood(answer)
    return isinstance(reading, Present) and reading.value.s3_events


def _trail(place: str, before: Answer | None, after: Answer) -> tuple[Asked, Asked, Asked]:
    name = {"TrailName": place}
    put = "PutEventSelectors"
    return (
        ("GetEventSelectors", name),
        (put, {**name, **_selectors(after)}),
        (put, {**name, **_selectors(before or {})}),
    )


def _selectors(answer: Answer) -> Answer:
    """The selectors of an answer: of one kind, since a trail has either."""
    kinds: Iterable[str] = ("AdvancedEventSelectors", "EventSelectors")
    return next(({kind: answer[kind]} for kind in kinds if answer.get(kind)), {})


def _trail_left(reading: Reading[object], edit: Edit) -> Reading[object]:
    if edit.after is None:
        return reading
    new = trails.SELECTORS.understood(edit.after)

    def recording(known: Trails) -> Trails:
        return Trails(tuple(replace(t, selectors=new) if t.arn == edit.place else t for t in known.trails))

    return in_regions(reading, Trails, recording)


def _key_left(reading: Reading[object], edit: Edit) -> Reading[object]:
    return reading if edit.after is None else keys.ROTATION.understood(edit.after)


_ANALYZER_READ = AspectRead(
    "GetAnalyzer",
    "access-analyzer:GetAnalyzer",
    lambda answer: answer.get("analyzer"),
    absent_codes=frozenset({"ResourceNotFoundException"}),
)
_ROWS: Mapping[Aspect, ServiceWriting] = MappingProxyType(
    {
        Aspect.DEFAULT_KEY: ServiceWriting(
            "kms", keys.DESCRIBE, _key_state, _enabling, _enabled_left, ("kms:EnableKey", "kms:DisableKey")
        ),
        Aspect.KEY_ROTATION: ServiceWriting(
            "kms",
            keys.ROTATION,
            _part("KeyRotationEnabled"),
            _rotation,
            _key_left,
            ("kms:EnableKeyRotation", "kms:DisableKeyRotation"),
        ),
        Aspect.KEY_POLICY: ServiceWriting(
            "kms", keys.POLICY, policy_view, _key_policy, _key_policy_left, ("kms:PutKeyPolicy",)
        ),
        Aspect.MACIE: ServiceWriting(
            "macie2",
            macie.SESSION,
            _part("status"),
            _macie,
            _in_region(macie.SESSION),
            ("macie2:EnableMacie", "macie2:DisableMacie", "macie2:UpdateMacieSession", "iam:CreateServiceLinkedRole"),
        ),
        Aspect.MACIE_DISCOVERY: ServiceWriting(
            "macie2",
            macie.DISCOVERY,
            _part("status"),
            _discovery,
            _in_region(macie.DISCOVERY),
            ("macie2:UpdateAutomatedDiscoveryConfiguration",),
        ),
        Aspect.ANALYZERS: ServiceWriting(
            "accessanalyzer",
            _ANALYZER_READ,
            _analyzer_view,
            _analyzer,
            _analyzer_left,
            (
                "access-analyzer:CreateAnalyzer",
                "access-analyzer:DeleteAnalyzer",
                "iam:CreateServiceLinkedRole",
            ),
        ),
        Aspect.GUARDDUTY: ServiceWriting(
            "guardduty",
            detectors.DETECTOR,
            lambda answer: {S3_EVENTS: events_of(answer)},
            _detector,
            _in_region(detectors.DETECTOR),
            ("guardduty:UpdateDetector", "iam:CreateServiceLinkedRole"),
        ),
        Aspect.TRAILS: ServiceWriting(
            "cloudtrail",
            trails.SELECTORS,
            _selectors,
            _trail,
            _trail_left,
            ("cloudtrail:PutEventSelectors",),
        ),
    }
)
SERVICES: Mapping[Aspect, tuple[ServiceWriting, ...]] = MappingProxyType(
    {
        **{aspect: (row,) for aspect, row in _ROWS.items()},
        Aspect.METRIC_FILTERS: alarm_writes.ROWS,
        Aspect.ACCESS_POINTS: (point_writes.ROW,),
        Aspect.MULTI_REGION_ACCESS_POINTS: (multi_region_writes.ROW,),
        **other_bucket_writes.ROWS,
        **way_writes.ROWS,
        Aspect.BACKUP_SELECTIONS: backup_writes.ROWS,
        Aspect.STORAGE_LENSES: lens_writes.ROWS,
    }
)


def row_of(aspect: Aspect, place: str | None) -> ServiceWriting | None:
    """The row for a place of an aspect; None for what is no service's."""
    return next((row for row in SERVICES.get(aspect, ()) if row.takes(place or "")), None)


def actions_on(aspect: Aspect) -> tuple[str, ...]:
    """The permissions that writing an aspect of a service may take, the undo included."""
    return tuple(action for row in SERVICES[aspect] for action in row.iam_actions)
