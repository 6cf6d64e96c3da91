"""The write of a dashboard of S3 Storage Lens, whose place is its ARN. Pure.

Sources: the S3 Control API reference; the service authorization reference of Amazon S3.
"""

from collections.abc import Mapping

from s3warden.collect.aspects import AspectRead
from s3warden.collect.shapes import Answer, mapping
from s3warden.correct.remedy import Edit
from s3warden.correct.service_row import Asked, ServiceWriting, region_of
from s3warden.model.bucket import Present, Reading, Regional
from s3warden.model.services import StorageLens, StorageLenses

DASHBOARD = "s3warden"
"""The id of the dashboard that a fix makes."""

_CONFIGURATION = "StorageLensConfiguration"


def view(answer: Answer) -> Answer:
    """The dashboard without its ARN, and without what is off or empty, which AWS may tell or leave out."""
    made = mapping(answer.get(_CONFIGURATION), _CONFIGURATION)
    return {"IsEnabled": made.get("IsEnabled"), **_told({k: v for k, v in made.items() if k != "StorageLensArn"})}


def _told(part: Answer) -> dict[str, object]:
    inner = {key: _told(value) if isinstance(value, Mapping) else value for key, value in part.items()}
    return {key: value for key, value in inner.items() if value not in (None, False, {}, [])}


def _calls(place: str, _before: Answer | None, after: Answer) -> tuple[Asked, Asked, Asked]:
    named: Mapping[str, object] = {"AccountId": place.split(":")[4], "ConfigId": place.rpartition("/")[2]}
    put = {**named, _CONFIGURATION: after[_CONFIGURATION]}
    return (
        ("GetStorageLensConfiguration", named),
        ("PutStorageLensConfiguration", put),
        ("DeleteStorageLensConfiguration", named),
    )


def _left(reading: Reading[object], edit: Edit) -> Reading[object]:
    """The dashboard is among those of its region."""
    if not isinstance(reading, Present) or not isinstance(reading.value, Regional):
        return reading
    place = str(edit.place)
    made = StorageLens(place.rpartition("/")[2], enabled=True)

    def beside(old: Reading[object]) -> Reading[object]:
        known = old.value.dashboards if isinstance(old, Present) and isinstance(old.value, StorageLenses) else ()
        return Present(StorageLenses((*known, made)))

    region = region_of(place)
    return Present(Regional(tuple((where, beside(old) if where == region else old) for where, old in reading.value)))


ROWS = (
    ServiceWriting(
        "s3control",
        AspectRead(
            "GetStorageLensConfiguration",
            "s3:GetStorageLensConfiguration",
            view,
            absent_codes=frozenset({"NoSuchConfiguration"}),
        ),
        view,
        _calls,
        _left,
        ("s3:PutStorageLensConfiguration", "s3:DeleteStorageLensConfiguration"),
    ),
)
