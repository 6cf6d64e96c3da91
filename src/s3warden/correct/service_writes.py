"""The table of writes on services beside S3: keys, Macie, Access Analyzer, GuardDuty, CloudTrail.

Takes an edit and the answer before it, hands on the step of exact calls, and the reading that the edit leaves behind.
`Edit.place` says where: a region, the ARN of a trail or of a key. Pure: it calls nobody.

Sources: the API references of the services; the service authorization references for the IAM actions.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from s3warden.collect import detectors, keys, macie, trails
from s3warden.collect.aspects import AspectRead
from s3warden.collect.shapes import Answer, mapping, text
from s3warden.correct.remedy import Edit
from s3warden.model.action import Call, Step, canonical
from s3warden.model.bucket import Aspect, Present, Reading, Regional
from s3warden.model.keys import Key
from s3warden.model.services import Analyzer, AnalyzerKind, Analyzers
from s3warden.model.trails import Trails

S3_EVENTS = "S3_DATA_EVENTS"
ANALYZER = "s3warden"
"""The name of the analyzer that a fix creates."""

_Asked = tuple[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class ServiceWriting:
    """One row. `calls` gives the reading, the writing and the undoing call, each an operation and its parameters.

    `view` cuts an answer down to what is the setting; `left` is the reading of the whole aspect after the edit.
    """

    service: str
    source: AspectRead[object]
    view: Callable[[Answer], Answer | None]
    calls: Callable[[str, Answer | None, Answer], tuple[_Asked, _Asked, _Asked]]
    left: Callable[[Reading[object], Edit], Reading[object]]
    iam_actions: tuple[str, ...]

    def step(self, edit: Edit, before: Answer | None) -> Step:
        """The write that makes of `before` what the edit wants. Raises ValueError for an edit that takes it away."""
        if edit.place is None or edit.after is None:
            raise ValueError("a fix switches services on, in a place of its own")
        read, call, inverse = self.calls(edit.place, before, edit.after)
        known = None if before is None else self.seen(before)
        return Step(
            attribute=f"{edit.aspect}:{edit.place}",
            summary=edit.summary,
            read=self._call(edit.place, read),
            call=self._call(edit.place, call),
            inverse=self._call(edit.place, inverse),
            before=known,
            after=self.seen(edit.after),
            undone=known,
        )

    def seen(self, answer: Answer) -> str | None:
        """The setting as text that is equal for equal settings."""
        found = self.view(answer)
        return None if found is None else canonical(found)

    def _call(self, place: str, asked: _Asked) -> Call:
        operation, parameters = asked
        return Call(self.service, operation, canonical(dict(parameters)), region_of(place))


def region_of(place: str) -> str:
    """The region of a place, which is one or has one in its ARN."""
    return place.split(":")[3] if place.startswith("arn:") else place


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


def _rotation(place: str, _before: Answer | None, _after: Answer) -> tuple[_Asked, _Asked, _Asked]:
    key = {"KeyId": place}
    return ("GetKeyRotationStatus", key), ("EnableKeyRotation", key), ("DisableKeyRotation", key)


def _enabling(place: str, _before: Answer | None, _after: Answer) -> tuple[_Asked, _Asked, _Asked]:
    key = {"KeyId": place}
    return ("DescribeKey", key), ("EnableKey", key), ("DisableKey", key)


def _key_state(answer: Answer) -> Answer:
    return _part("KeyState")(mapping(answer.get("KeyMetadata"), "KeyMetadata"))


def _enabled_left(reading: Reading[object], _edit: Edit) -> Reading[object]:
    if not isinstance(reading, Present) or not isinstance(reading.value, Key):
        return reading
    return Present(replace(reading.value, state="Enabled"))


def _macie(_place: str, before: Answer | None, after: Answer) -> tuple[_Asked, _Asked, _Asked]:
    read: _Asked = ("GetMacieSession", {})
    if before is None:
        return read, ("EnableMacie", {"status": after["status"]}), ("DisableMacie", {})
    update = "UpdateMacieSession"
    return read, (update, {"status": after["status"]}), (update, {"status": before["status"]})


def _discovery(_place: str, before: Answer | None, after: Answer) -> tuple[_Asked, _Asked, _Asked]:
    known = after if before is None else before
    update = "UpdateAutomatedDiscoveryConfiguration"
    return (
        ("GetAutomatedDiscoveryConfiguration", {}),
        (update, {"status": after["status"]}),
        (update, {"status": known["status"]}),
    )


def _analyzer(_place: str, _before: Answer | None, after: Answer) -> tuple[_Asked, _Asked, _Asked]:
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


def _detector(_place: str, before: Answer | None, after: Answer) -> tuple[_Asked, _Asked, _Asked]:
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


def _trail(place: str, before: Answer | None, after: Answer) -> tuple[_Asked, _Asked, _Asked]:
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
    if not isinstance(reading, Present) or not isinstance(reading.value, Regional) or edit.after is None:
        return reading
    new = trails.SELECTORS.understood(edit.after)

    def recording(old: Reading[object]) -> Reading[object]:
        if not isinstance(old, Present) or not isinstance(old.value, Trails):
            return old
        changed = (replace(t, selectors=new) if t.arn == edit.place else t for t in old.value.trails)
        return Present(Trails(tuple(changed)))

    return Present(Regional(tuple((where, recording(old)) for where, old in reading.value)))


def _key_left(reading: Reading[object], edit: Edit) -> Reading[object]:
    return reading if edit.after is None else keys.ROTATION.understood(edit.after)


_ANALYZER_READ = AspectRead(
    "GetAnalyzer",
    "access-analyzer:GetAnalyzer",
    lambda answer: answer.get("analyzer"),
    absent_codes=frozenset({"ResourceNotFoundException"}),
)
SERVICES: Mapping[Aspect, ServiceWriting] = MappingProxyType(
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
                "access-analyzer:GetAnalyzer",
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
