"""Services switched on where the account has buckets: Macie, Access Analyzer, GuardDuty for S3, Storage Lens."""

from collections.abc import Iterator
from typing import TypeVar

from s3warden.collect.lenses import FIRST_REGIONS
from s3warden.correct.lens_writes import DASHBOARD
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.correct.service_writes import ANALYZER, S3_EVENTS, actions_on
from s3warden.detect.rule import configured
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Absent, Aspect, Present, Reading, Regional
from s3warden.model.services import Analyzers, Detector, Macie, MacieDiscovery, StorageLenses

T = TypeVar("T")
_ON = "ENABLED"


def _regions(scene: Scene, aspect: Aspect, kind: type[T]) -> Iterator[tuple[str, Reading[T]]]:
    """The regions of a regional aspect with their readings."""
    found = configured(scene.state, aspect, Regional)
    for region, reading in found if found is not None else ():
        if not isinstance(reading, Present) or isinstance(reading.value, kind):
            yield region, reading


def _answer(scene: Scene, aspect: Aspect, region: str) -> dict[str, object]:
    """AWS's own answer in the region, empty where nothing is set up."""
    documents = scene.documents.get(aspect) or {}
    known = documents.get(region)
    return dict(known) if isinstance(known, dict) else {}


def _macie(scene: Scene) -> tuple[Edit, ...] | Declined:
    off = [
        region
        for region, reading in _regions(scene, Aspect.MACIE, Macie)
        if not isinstance(reading, Present) or reading.value.status != _ON
    ]
    return tuple(
        Edit(
            Aspect.MACIE,
            {**_answer(scene, Aspect.MACIE, region), "status": _ON},
            f"Switch Macie on in {region}",
            place=region,
        )
        for region in off
    )


def _discovery(scene: Scene) -> tuple[Edit, ...] | Declined:
    edits: list[Edit] = []
    for region, reading in _regions(scene, Aspect.MACIE_DISCOVERY, MacieDiscovery):
        if isinstance(reading, Absent):
            return Declined(
                "macie_off", f"Macie itself is off in {region}: another rule tells, and another fix mends it."
            )
        if isinstance(reading, Present) and reading.value.status != _ON:
            after = {**_answer(scene, Aspect.MACIE_DISCOVERY, region), "status": _ON}
            summary = f"Let Macie search for sensitive data by itself in {region}"
            edits.append(Edit(Aspect.MACIE_DISCOVERY, after, summary, place=region))
    return tuple(edits)


def _analyzers(scene: Scene) -> tuple[Edit, ...] | Declined:
    edits: list[Edit] = []
    for region, reading in _regions(scene, Aspect.ANALYZERS, Analyzers):
        known = reading.value if isinstance(reading, Present) else Analyzers(())
        if known.active:
            continue
        if any(analyzer.name == ANALYZER for analyzer in known.analyzers):
            return Declined("analyzer_broken", f"The analyzer {ANALYZER} in {region} is there and does not work.")
        made = {"analyzer": {"name": ANALYZER, "type": "ACCOUNT"}}
        edits.append(Edit(Aspect.ANALYZERS, made, f"Create an analyzer of external access in {region}", place=region))
    return tuple(edits)


def _guardduty(scene: Scene) -> tuple[Edit, ...] | Declined:
    edits: list[Edit] = []
    for region, reading in _regions(scene, Aspect.GUARDDUTY, Detector):
        detector = reading.value if isinstance(reading, Present) else None
        no = _not_ours(region, detector)
        if no is not None:
            return no
        if detector is not None and not detector.s3_events:
            after = _seeing(_answer(scene, Aspect.GUARDDUTY, region))
            edits.append(Edit(Aspect.GUARDDUTY, after, f"Switch S3 protection on in {region}", place=region))
    return tuple(edits)


def _not_ours(region: str, detector: Detector | None) -> Declined | None:
    """Why somebody else has to switch S3 protection on."""
    if detector is None:
        # CreateDetector switches on all protections that it does not name, and those that come later have no name yet.
        return Declined("no_detector", f"GuardDuty was never set up in {region}: what of it is to be, people decide.")
    if not detector.enabled:
        return Declined("detector_suspended", f"GuardDuty is suspended in {region}: people decide when that ends.")
    if detector.administrator is None:
        return Declined("unreadable", f"Which account decides what GuardDuty does in {region} could not be read.")
    if detector.administrator:
        return Declined(
            "detector_managed",
            f"Account {detector.administrator} decides what GuardDuty does in {region}: do it there.",
        )
    return None


def _seeing(answer: dict[str, object]) -> dict[str, object]:
    """GetDetector's answer with S3 protection, in the terms that it has."""
    features = answer.get("Features")
    if isinstance(features, list):
        others = [each for each in features if each.get("Name") != S3_EVENTS]
        return {**answer, "Features": [*others, {"Name": S3_EVENTS, "Status": _ON}]}
    sources = answer.get("DataSources")
    return {**answer, "DataSources": {**(sources if isinstance(sources, dict) else {}), "S3Logs": {"Status": _ON}}}


def _lens(scene: Scene) -> tuple[Edit, ...] | Declined:
    regions = dict(_regions(scene, Aspect.STORAGE_LENSES, StorageLenses))
    region = FIRST_REGIONS.get(scene.state.ref.partition, "")
    region = region if region in regions else next(iter(regions), region)
    found = regions.get(region)
    known = found.value.dashboards if isinstance(found, Present) else ()
    if any(each.id == DASHBOARD for each in known):
        return Declined("dashboard_off", f"The dashboard {DASHBOARD} in {region} was switched off by somebody.")
    ref = scene.state.ref
    made = {"StorageLensConfiguration": {"Id": DASHBOARD, "IsEnabled": True, "AccountLevel": {"BucketLevel": {}}}}
    place = f"arn:{ref.partition}:s3:{region}:{ref.account}:storage-lens/{DASHBOARD}"
    return (Edit(Aspect.STORAGE_LENSES, made, f"Make a Storage Lens dashboard in {region}", place=place),)


MACIE = Remedy(
    id="enable-macie",
    title="Switch Macie on where the account has buckets",
    rules=frozenset({"account-macie-enabled"}),
    reads=frozenset({Aspect.MACIE}),
    risk=Risk.LOW,
    risk_text="Macie costs by bucket and by what it looks into, after a trial of 30 days.",
    iam_actions=actions_on(Aspect.MACIE),
    plan=_macie,
    undo_text="Switching Macie off again deletes what it has found meanwhile.",
)
DISCOVERY = Remedy(
    id="enable-macie-discovery",
    title="Let Macie search for sensitive data by itself",
    rules=frozenset({"account-macie-auto-discovery"}),
    reads=frozenset({Aspect.MACIE_DISCOVERY}),
    risk=Risk.LOW,
    risk_text="Macie costs by what it looks into.",
    iam_actions=actions_on(Aspect.MACIE_DISCOVERY),
    plan=_discovery,
)
ANALYZERS = Remedy(
    id="create-access-analyzer",
    title="Create an analyzer of external access where the account has buckets",
    rules=frozenset({"account-access-analyzer"}),
    reads=frozenset({Aspect.ANALYZERS}),
    risk=Risk.LOW,
    risk_text="Nothing breaks, and it costs nothing.",
    iam_actions=actions_on(Aspect.ANALYZERS),
    plan=_analyzers,
    undo_text="Deleting the analyzer again deletes what it has found meanwhile.",
)
GUARDDUTY = Remedy(
    id="enable-guardduty-s3",
    title="Switch on GuardDuty's S3 protection",
    rules=frozenset({"account-guardduty-s3"}),
    reads=frozenset({Aspect.GUARDDUTY}),
    risk=Risk.LOW,
    risk_text="GuardDuty costs by the number of data events that it looks at.",
    iam_actions=actions_on(Aspect.GUARDDUTY),
    plan=_guardduty,
)
LENS = Remedy(
    id="make-storage-lens",
    title="Make a Storage Lens dashboard of free metrics",
    rules=frozenset({"account-storage-lens"}),
    reads=frozenset({Aspect.STORAGE_LENSES}),
    risk=Risk.LOW,
    risk_text="Nothing breaks, and the metrics that it shows cost nothing.",
    iam_actions=actions_on(Aspect.STORAGE_LENSES),
    plan=_lens,
    undo_text="Deleting the dashboard again deletes what it has gathered meanwhile.",
)

REMEDIES = (MACIE, DISCOVERY, ANALYZERS, GUARDDUTY, LENS)
