"""The table of writes on policies of what is beside the bucket: its access points.

A fix only takes out what lets somebody in, so that there is a policy before it. Where nothing would be left of it, it
is deleted: all that it said was Allow, and the undo puts it back to the letter. Pure: it calls nobody.

Sources: the S3 Control API reference for the operations, the service authorization reference for the IAM actions.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from s3warden.collect import access_points
from s3warden.collect.shapes import Answer
from s3warden.correct.remedy import Edit
from s3warden.correct.service_row import Asked, Asking, ServiceWriting
from s3warden.correct.views import policy_view
from s3warden.model.bucket import ABSENT, Aspect, Present, Reading
from s3warden.model.configuration import AccessPoints


def _point(place: str) -> Mapping[str, object]:
    """The parameters that name an access point, from its ARN."""
    account, name = place.split(":")[4:]
    return {"AccountId": account, "Name": name.partition("/")[2]}


def _point_calls(place: str, before: Answer | None, after: Answer) -> Asking:
    return _point_read(place), _point_put(place, after), _point_put(place, before or {})


def _point_removal(place: str, before: Answer) -> Asking:
    return _point_read(place), ("DeleteAccessPointPolicy", _point(place)), _point_put(place, before)


def _point_read(place: str) -> Asked:
    return access_points.POLICY.operation, _point(place)


def _point_put(place: str, answer: Answer) -> Asked:
    return "PutAccessPointPolicy", {**_point(place), "Policy": answer["Policy"]}


def _points_left(reading: Reading[object], edit: Edit) -> Reading[object]:
    if not isinstance(reading, Present) or not isinstance(reading.value, AccessPoints):
        return reading
    policy = ABSENT if edit.after is None else access_points.POLICY.understood(edit.after)
    points = reading.value.points
    return Present(
        AccessPoints(tuple(replace(each, policy=policy) if each.arn == edit.place else each for each in points))
    )


ROWS: Mapping[Aspect, tuple[ServiceWriting, ...]] = MappingProxyType(
    {
        Aspect.ACCESS_POINTS: (
            ServiceWriting(
                "s3control",
                access_points.POLICY,
                policy_view,
                _point_calls,
                _points_left,
                ("s3:PutAccessPointPolicy", "s3:DeleteAccessPointPolicy"),
                removal=_point_removal,
            ),
        ),
    }
)
