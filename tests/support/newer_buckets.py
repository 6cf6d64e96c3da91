"""A stand-in for S3 Express, S3 Tables and S3 Vectors: buckets of one region, whose settings are put and read."""

from collections.abc import Mapping
from typing import Any

from s3warden.aws.errors import AwsError
from s3warden.model.action import Call
from s3warden.model.bucket import AccountRef, BucketRef

# By service: how a list names a bucket, the part of the list, what calls name it by.
_LISTS = {
    "s3": ("ListDirectoryBuckets", "Buckets", "Name", "Bucket"),
    "s3tables": ("ListTableBuckets", "tableBuckets", "arn", "tableBucketARN"),
    "s3vectors": ("ListVectorBuckets", "vectorBuckets", "vectorBucketName", "vectorBucketName"),
}
# By service and the operation that reads a setting: the error where it was never put.
_MISSING = {
    ("s3", "GetBucketPolicy"): "NoSuchBucketPolicy",
    ("s3", "GetBucketLifecycleConfiguration"): "NoSuchLifecycleConfiguration",
    ("s3tables", "GetTableBucketPolicy"): "NotFoundException",
    ("s3tables", "GetTableBucketEncryption"): "NotFoundException",
    ("s3vectors", "GetVectorBucketPolicy"): "NotFoundException",
}
_FIXED: Mapping[tuple[str, str], Any] = {
    ("s3", "GetBucketEncryption"): {
        "ServerSideEncryptionConfiguration": {
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        }
    },
    ("s3vectors", "GetVectorBucket"): {"vectorBucket": {"encryptionConfiguration": {"sseType": "aws:kms"}}},
}
# The writing operations, with the reading one of the same setting; None is a deletion.
_PUTS: Mapping[str, tuple[str, str | None]] = {
    "PutBucketPolicy": ("GetBucketPolicy", "Policy"),
    "PutBucketLifecycleConfiguration": ("GetBucketLifecycleConfiguration", "LifecycleConfiguration"),
    "DeleteBucketLifecycle": ("GetBucketLifecycleConfiguration", None),
    "PutTableBucketPolicy": ("GetTableBucketPolicy", "resourcePolicy"),
    "DeleteTableBucketPolicy": ("GetTableBucketPolicy", None),
    "PutTableBucketEncryption": ("GetTableBucketEncryption", "encryptionConfiguration"),
    "DeleteTableBucketEncryption": ("GetTableBucketEncryption", None),
    "PutVectorBucketPolicy": ("GetVectorBucketPolicy", "policy"),
    "DeleteVectorBucketPolicy": ("GetVectorBucketPolicy", None),
}


class NewerBuckets:
    """The services. `settings` by what calls name a bucket by, then by the reading operation; `denied` are refused."""

    def __init__(self, region: str, settings: Mapping[str, Mapping[str, Any]], service: str) -> None:
        self.region = region
        self.of = service
        self.settings: dict[str, dict[str, Any]] = {name: dict(known) for name, known in settings.items()}
        self.denied: set[tuple[str, str]] = set()

    async def bucket(self, ref: BucketRef, operation: str, **parameters: object) -> Mapping[str, object]:
        """Nothing is known of general purpose buckets."""
        raise AwsError("AccessDenied", f"{operation} of {ref} with {parameters}", status=403)

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, object]:
        """Nor of accounts."""
        raise AwsError("AccessDenied", f"{operation} of {ref} in {region} with {parameters}", status=403)

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **parameters: Any
    ) -> Mapping[str, object]:
        """The answer of an operation that reads."""
        listing, items, item, parameter = _LISTS[service]
        if operation == listing:
            here = self.settings if (service, region) == (self.of, self.region) else {}
            return {items: [{item: name} for name in here]}
        name = parameters[parameter]
        assert ref.account in name or "/" not in name
        if set(parameters) != {parameter} or (name, operation) in self.denied:
            raise AwsError("AccessDenied", operation, status=403)
        known = self.settings[name]
        if operation in known:
            return dict(known[operation])
        if (service, operation) in _FIXED:
            return dict(_FIXED[service, operation])
        raise AwsError(_MISSING[service, operation], status=404)

    def make(self, call: Call) -> None:
        """A call that writes, as AWS takes it."""
        given = dict(call.arguments)
        parameter = _LISTS[call.service][3]
        reading, part = _PUTS[call.operation]
        known = self.settings[str(given.pop(parameter))]
        assert (call.service, call.region) == (self.of, self.region)
        if part is None:
            assert not given
            del known[reading]
            return
        [(name, value)] = given.items()
        assert name == part
        known[reading] = value if part == "LifecycleConfiguration" else given
