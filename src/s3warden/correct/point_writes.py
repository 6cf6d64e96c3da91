"""The table of writes on the policies of access points.

A fix only takes out what lets somebody in, so that there is a policy before it. Where nothing would be left of it, it
is deleted: all that it said was Allow, and the undo puts it back to the letter. Pure: it calls nobody.

Sources: the S3 Control API reference for the operations, the service authorization reference for the IAM actions.
"""

from collections.abc import Mapping
from dataclasses import replace

from s3warden.collect import access_points
from s3warden.correct.remedy import Edit
from s3warden.correct.service_row import ServiceWriting, Whole
from s3warden.correct.views import policy_view
from s3warden.model.bucket import ABSENT, Present, Reading
from s3warden.model.configuration import AccessPoints


def _point(place: str) -> Mapping[str, object]:
    """The parameters that name an access point, from its ARN."""
    account, name = place.split(":")[4:]
    return {"AccountId": account, "Name": name.partition("/")[2]}


def _left(reading: Reading[object], edit: Edit) -> Reading[object]:
    if not isinstance(reading, Present) or not isinstance(reading.value, AccessPoints):
        return reading
    policy = ABSENT if edit.after is None else access_points.POLICY.understood(edit.after)
    points = (replace(each, policy=policy) if each.arn == edit.place else each for each in reading.value.points)
    return Present(AccessPoints(tuple(points)))


_POLICY = Whole(
    access_points.POLICY.operation,
    _point,
    "PutAccessPointPolicy",
    lambda answer: {"Policy": answer["Policy"]},
    "DeleteAccessPointPolicy",
)
ROW = ServiceWriting(
    "s3control",
    access_points.POLICY,
    policy_view,
    _POLICY.calls,
    _left,
    ("s3:PutAccessPointPolicy", "s3:DeleteAccessPointPolicy"),
    removal=_POLICY.removal,
)
