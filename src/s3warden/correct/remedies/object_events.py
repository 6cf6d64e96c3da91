"""CloudTrail's data events of a bucket, recorded by a trail that is there, beside what it records already."""

from collections.abc import Mapping, Sequence

from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.correct.service_writes import actions_on
from s3warden.detect.rule import configured
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect, BucketRef, Present
from s3warden.model.trails import Trail, Trails

SELECTOR = "s3warden"
_OBJECTS = "AWS::S3::Object"
_MOST_SELECTORS, _MOST_RESOURCES, _MOST_VALUES = 5, 250, 500


def _writes(scene: Scene) -> tuple[Edit, ...] | Declined:
    return _recorded(scene, reads=False)


def _reads(scene: Scene) -> tuple[Edit, ...] | Declined:
    return _recorded(scene, reads=True)


def _recorded(scene: Scene, *, reads: bool) -> tuple[Edit, ...] | Declined:
    ref = scene.state.ref
    if not isinstance(ref, BucketRef):
        return Declined("no_bucket", "Only a bucket has objects.")
    trails = _own(scene, ref)
    if any(trail.bucket == ref.name for trail in trails):
        return Declined("trail_bucket", "A trail that records the bucket it writes into feeds itself.")
    if not trails:
        return Declined("no_trail", "No trail of this account records the bucket's region and is switched on.")
    trail = trails[0]
    known = (scene.documents.get(Aspect.TRAILS) or {}).get(trail.arn)
    if not isinstance(known, dict):
        return Declined("unreadable", f"What the trail {trail.name} records could not be read.")
    arn = f"{ref.arn}/"
    if known.get("AdvancedEventSelectors"):
        after = _advanced(known["AdvancedEventSelectors"], arn, reads=reads)
    else:
        after = _classic(known.get("EventSelectors") or [], arn, reads=reads)
    if isinstance(after, Declined):
        return after
    kind = "reading and writing" if reads else "writing"
    return (Edit(Aspect.TRAILS, after, f"Record {kind} of objects by the trail {trail.name}", place=trail.arn),)


def _own(scene: Scene, ref: BucketRef) -> list[Trail]:
    """The trails that may be changed from here and work, those of the account alone first."""
    found = configured(scene.state, Aspect.TRAILS, Trails)
    listed = found.trails if found is not None else ()
    works = [t for t in listed if t.owner == ref.account and isinstance(t.status, Present) and t.status.value.logging]
    return sorted(works, key=lambda trail: (trail.organization, trail.arn))


def _advanced(known: object, arn: str, *, reads: bool) -> Mapping[str, object] | Declined:
    """Our selector, known by its name, with the bucket among what it selects."""
    selectors = list(known) if isinstance(known, list) else []
    name = f"{SELECTOR} reads and writes" if reads else f"{SELECTOR} writes"
    ours = next((each for each in selectors if each.get("Name") == name), None)
    arns = sorted({*_starts(ours), arn})
    fields: list[dict[str, object]] = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": [_OBJECTS]},
        {"Field": "resources.ARN", "StartsWith": arns},
    ]
    fields += [] if reads else [{"Field": "readOnly", "Equals": ["false"]}]
    made = {"Name": name, "FieldSelectors": fields}
    after = [made if each is ours else each for each in selectors] if ours is not None else [*selectors, made]
    if sum(_values(each) for each in after) > _MOST_VALUES:
        return Declined("trail_full", f"CloudTrail takes {_MOST_VALUES} values in the selectors of a trail.")
    return {"AdvancedEventSelectors": after}


def _starts(selector: Mapping[str, object] | None) -> Sequence[str]:
    fields = selector.get("FieldSelectors") if selector is not None else None
    listed = fields if isinstance(fields, list) else []
    return [value for field in listed if field.get("Field") == "resources.ARN" for value in field.get("StartsWith", [])]


def _values(selector: Mapping[str, object]) -> int:
    fields = selector.get("FieldSelectors")
    return sum(
        len(value)
        for field in (fields if isinstance(fields, list) else [])
        for value in field.values()
        if isinstance(value, list)
    )


def _classic(known: object, arn: str, *, reads: bool) -> Mapping[str, object] | Declined:
    """A classic selector for data events alone, with the bucket among its resources."""
    selectors = [dict(each) for each in known] if isinstance(known, list) else []
    if not selectors:
        return Declined(
            "no_selectors", "What the trail records by default is not told, so that nothing is put beside it."
        )
    kind = "All" if reads else "WriteOnly"
    ours = next((each for each in selectors if _is_ours(each, kind)), None)
    if ours is None:
        ours = {"ReadWriteType": kind, "IncludeManagementEvents": False, "DataResources": []}
        selectors = [*selectors, ours]
    [values] = [each["Values"] for each in ours["DataResources"]] or [[]]
    changed = {**ours, "DataResources": [{"Type": _OBJECTS, "Values": sorted({*values, arn})}]}
    after = [changed if each is ours else each for each in selectors]
    resources = sum(len(data.get("Values", [])) for each in after for data in each.get("DataResources", []))
    if len(after) > _MOST_SELECTORS or resources > _MOST_RESOURCES:
        return Declined(
            "trail_full", f"CloudTrail takes {_MOST_SELECTORS} selectors and {_MOST_RESOURCES} resources for a trail."
        )
    return {"EventSelectors": after}


def _is_ours(selector: Mapping[str, object], kind: str) -> bool:
    """Whether a selector records such events of objects of single buckets and nothing else."""
    data = selector.get("DataResources")
    return (
        selector.get("ReadWriteType") == kind
        and selector.get("IncludeManagementEvents") is False
        and isinstance(data, list)
        and len(data) == 1
        and data[0].get("Type") == _OBJECTS
    )


_RISK = "Data events cost by their number."
WRITES = Remedy(
    id="record-object-writes",
    title="Record writing of objects by a trail of the account",
    rules=frozenset({"bucket-object-events-write"}),
    reads=frozenset({Aspect.TRAILS}),
    risk=Risk.LOW,
    risk_text=_RISK,
    iam_actions=actions_on(Aspect.TRAILS),
    plan=_writes,
)
READS = Remedy(
    id="record-object-reads",
    title="Record reading and writing of objects by a trail of the account",
    rules=frozenset({"bucket-object-events-read"}),
    reads=frozenset({Aspect.TRAILS}),
    risk=Risk.LOW,
    risk_text=_RISK,
    iam_actions=actions_on(Aspect.TRAILS),
    plan=_reads,
)

REMEDIES = (WRITES, READS)
