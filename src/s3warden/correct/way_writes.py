"""The table of writes on other ways to a bucket's objects: policies of file systems and of Object Lambda access points.

A fix only takes out what lets somebody in, so that there is a policy before it. Where nothing would be left of it, it
is deleted: all that it said was Allow, and the undo puts it back to the letter. That opens nothing. A file system of S3
Files without a policy is mounted by whom the account's own policies allow `s3files:ClientMount`, which they do beside
a policy that only allows, too; unlike EFS, whose file systems without a policy let in everyone, it has no default that
grants. Whom a Deny keeps out is kept out: a policy with one is never left empty. Pure: it calls nobody.

Sources: the S3 Files and S3 Control API references for the operations, the service authorization references for the
IAM actions; the chapters "How S3 Files works with IAM" (an empty default policy, an Allow in either policy is enough)
and "Control client access to an S3 Files file system" (without a policy the identity policies alone decide) of the
Amazon S3 user guide; "Using IAM to control access to file systems" of the Amazon EFS user guide.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from s3warden.collect import file_systems, object_lambda
from s3warden.correct.remedy import Edit
from s3warden.correct.service_row import ServiceWriting, Whole, in_regions
from s3warden.correct.views import policy_view
from s3warden.model.bucket import ABSENT, Aspect, Reading
from s3warden.model.other_buckets import FileSystems, ObjectLambdaPoints


def _file_system(place: str) -> Mapping[str, object]:
    return {"fileSystemId": place.rpartition("/")[2]}


def _point(place: str) -> Mapping[str, object]:
    return {"AccountId": place.split(":")[4], "Name": place.rpartition("/")[2]}


def _file_system_left(reading: Reading[object], edit: Edit) -> Reading[object]:
    policy = ABSENT if edit.after is None else file_systems.POLICY.understood(edit.after)

    def changed(known: FileSystems) -> FileSystems:
        return FileSystems(tuple(replace(each, policy=policy) if each.arn == edit.place else each for each in known))

    return in_regions(reading, FileSystems, changed)


def _point_left(reading: Reading[object], edit: Edit) -> Reading[object]:
    policy = ABSENT if edit.after is None else object_lambda.POLICY.understood(edit.after)

    def changed(known: ObjectLambdaPoints) -> ObjectLambdaPoints:
        points = (replace(each, policy=policy) if each.arn == edit.place else each for each in known)
        return ObjectLambdaPoints(tuple(points))

    return in_regions(reading, ObjectLambdaPoints, changed)


_FILE_SYSTEM = Whole(
    file_systems.POLICY.operation,
    _file_system,
    "PutFileSystemPolicy",
    lambda answer: {"policy": answer["policy"]},
    "DeleteFileSystemPolicy",
)
FILE_SYSTEM = ServiceWriting(
    "s3files",
    file_systems.POLICY,
    lambda answer: policy_view({"Policy": answer["policy"]}),
    _FILE_SYSTEM.calls,
    _file_system_left,
    ("s3files:PutFileSystemPolicy", "s3files:DeleteFileSystemPolicy"),
    removal=_FILE_SYSTEM.removal,
)
_POINT = Whole(
    object_lambda.POLICY.operation,
    _point,
    "PutAccessPointPolicyForObjectLambda",
    lambda answer: {"Policy": answer["Policy"]},
    "DeleteAccessPointPolicyForObjectLambda",
)
POINT = ServiceWriting(
    "s3control",
    object_lambda.POLICY,
    policy_view,
    _POINT.calls,
    _point_left,
    ("s3:PutAccessPointPolicyForObjectLambda", "s3:DeleteAccessPointPolicyForObjectLambda"),
    removal=_POINT.removal,
)
ROWS: Mapping[Aspect, tuple[ServiceWriting, ...]] = MappingProxyType(
    {Aspect.FILE_SYSTEMS: (FILE_SYSTEM,), Aspect.OBJECT_LAMBDA_POINTS: (POINT,)}
)
