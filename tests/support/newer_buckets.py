"""A stand-in for S3 Express, S3 Tables, S3 Vectors, S3 Files and Object Lambda: what has settings in one region."""

from collections.abc import Mapping
from typing import Any

from botocore.validate import ParamValidator

from s3warden.aws.errors import AwsError
from s3warden.model.action import Call
from s3warden.model.bucket import AccountRef, BucketRef
from support.modelled import operation_model

# By service: the list, the part of it with the items, how it names one of them, what calls name it by.
_LISTS = {
    "s3": ("ListDirectoryBuckets", "Buckets", "Name", "Bucket"),
    "s3tables": ("ListTableBuckets", "tableBuckets", "arn", "tableBucketARN"),
    "s3vectors": ("ListVectorBuckets", "vectorBuckets", "vectorBucketName", "vectorBucketName"),
    "s3files": ("ListFileSystems", "fileSystems", "fileSystemId", "fileSystemId"),
    "s3control": ("ListAccessPointsForObjectLambda", "ObjectLambdaAccessPointList", "Name", "Name"),
}
# What else a list tells of each.
_TOLD = {"s3files": {"bucket": "arn:aws:s3:::invented-ledger"}}
# By service and the operation that reads a setting: the error where it was never put.
_MISSING = {
    ("s3", "GetBucketPolicy"): "NoSuchBucketPolicy",
    ("s3", "GetBucketLifecycleConfiguration"): "NoSuchLifecycleConfiguration",
    ("s3tables", "GetTableBucketPolicy"): "NotFoundException",
    ("s3tables", "GetTableBucketEncryption"): "NotFoundException",
    ("s3vectors", "GetVectorBucketPolicy"): "NotFoundException",
    ("s3files", "GetFileSystemPolicy"): "ResourceNotFoundException",
    ("s3control", "GetAccessPointPolicyForObjectLambda"): "NoSuchAccessPointPolicy",
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
    "PutFileSystemPolicy": ("GetFileSystemPolicy", "policy"),
    "DeleteFileSystemPolicy": ("GetFileSystemPolicy", None),
    "PutAccessPointPolicyForObjectLambda": ("GetAccessPointPolicyForObjectLambda", "Policy"),
    "DeleteAccessPointPolicyForObjectLambda": ("GetAccessPointPolicyForObjectLambda", None),
}


class NewerBuckets:
    """The services. `settings` by what calls name a thing by, then by the reading operation; `denied` are refused."""

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
        """The answer of S3 Control, which is asked with the account; of accounts themselves nothing is known."""
        if "ForObjectLambda" not in operation:
            raise AwsError("AccessDenied", f"{operation} of {ref} in {region} with {parameters}", status=403)
        return await self.service(ref, "s3control", operation, region=region, AccountId=ref.account, **parameters)

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **parameters: Any
    ) -> Mapping[str, object]:
        """The answer of an operation that reads."""
        listing, items, item, parameter = _LISTS[service]
        assert parameters.pop("AccountId", None) == (ref.account if service == "s3control" else None)
        if operation == listing:
            here = self.settings if (service, region) == (self.of, self.region) else {}
            return {items: [{item: name, **_TOLD.get(service, {})} for name in here]}
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
        """A call that writes, as the SDK and AWS take it."""
        given = dict(call.arguments)
        report = ParamValidator().validate(given, operation_model(call.service, call.operation).input_shape)
        assert not report.has_errors(), report.generate_report()
        parameter = _LISTS[call.service][3]
        reading, part = _PUTS[call.operation]
        known = self.settings[str(given.pop(parameter))]
        assert (call.service, call.region) == (self.of, self.region)
        assert ("AccountId" in given) is (self.of == "s3control")
        given.pop("AccountId", None)
        if part is None:
            assert not given
            del known[reading]
            return
        [(name, value)] = given.items()
        assert name == part
        known[reading] = value if part == "LifecycleConfiguration" else given
