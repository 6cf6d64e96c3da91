"""Reads GuardDuty: whether it is on in a region, whether it looks at the data events of S3, and who decides that.

Takes an account and regions, hands on readings. Source: the Amazon GuardDuty API reference.
"""

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from s3warden.collect.aspects import AspectRead
from s3warden.collect.regions import by_region
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, mapping, one_of, optional_mapping, optional_text, sequence, text
from s3warden.model.bucket import ABSENT, Absent, AccountRef, Present, Reading, Regional
from s3warden.model.services import Detector

_SERVICE = "guardduty"
_S3 = "S3_DATA_EVENTS"


def _ids(answer: Answer) -> tuple[str, ...]:
    return tuple(text(each, "DetectorId") for each in sequence(answer.get("DetectorIds"), "DetectorIds"))


def _detector(answer: Answer) -> Detector:
    status = one_of(answer.get("Status"), "Status", "ENABLED", "DISABLED")
    return Detector(status == "ENABLED", _sees_s3(answer))


def _sees_s3(answer: Answer) -> bool:
    if "Features" in answer:
        features = [mapping(each, "Feature") for each in sequence(answer["Features"], "Features")]
        named = {text(each.get("Name"), "Name"): optional_text(each.get("Status"), "Status") for each in features}
        if _S3 in named:
            return named[_S3] == "ENABLED"
    # Older regions and emulators know data sources only.
    sources = mapping(answer.get("DataSources", {}), "DataSources")
    return mapping(sources.get("S3Logs", {}), "S3Logs").get("Status") == "ENABLED"


def _administrator(answer: Answer) -> str | None:
    # An account that nobody manages gets an answer without one.
    found = optional_mapping(answer.get("Administrator"), "Administrator").get("AccountId")
    return optional_text(found, "AccountId") or None


LIST = AspectRead("ListDetectors", "guardduty:ListDetectors", _ids)
DETECTOR = AspectRead("GetDetector", "guardduty:GetDetector", _detector)
ADMINISTRATOR = AspectRead("GetAdministratorAccount", "guardduty:GetAdministratorAccount", _administrator)


class DetectorReads:
    """Reads GuardDuty through `reader`."""

    def __init__(self, reader: ServiceReader) -> None:
        self._reader = reader

    async def of_account(self, ref: AccountRef, regions: Collection[str]) -> Present[Regional[Detector]]:
        """GuardDuty region by region; Absent where it was never set up. A region has one detector at most."""
        return await by_region(regions, partial(self._detector, ref))

    async def _detector(self, ref: AccountRef, region: str) -> Reading[Detector]:
        ask = partial(self._reader.service, ref, _SERVICE, region=region)
        ids = await LIST.reading(ask(LIST.operation))
        if not isinstance(ids, Present):
            return ids
        if not ids.value:
            return ABSENT
        found = await DETECTOR.reading(ask(DETECTOR.operation, DetectorId=ids.value[0]))
        if not isinstance(found, Present) or found.value.s3_events:
            return found
        who = await ADMINISTRATOR.reading(ask(ADMINISTRATOR.operation, DetectorId=ids.value[0]))
        known = who.value if isinstance(who, Present) else "" if isinstance(who, Absent) else None
        return Present(replace(found.value, administrator=known))
