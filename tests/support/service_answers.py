"""A reader of AWS's services that answers what it was told to, and what it answers about a key."""

from collections.abc import Mapping
from typing import Any

from s3warden.aws.errors import AwsError
from s3warden.detect.samples import ACCOUNT
from s3warden.model.bucket import AccountRef, BucketRef

KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT.account}:key/1234"


class Service:
    """A reader that answers by operation and region, else by operation, and records what it was asked."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[object, ...]] = []

    async def bucket(self, ref: BucketRef, operation: str, **parameters: object) -> Mapping[str, object]:
        """The answer about the bucket."""
        self.asked.append((ref, operation, parameters))
        return self._answer(operation)

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, object]:
        """The answer about the account."""
        self.asked.append((ref, operation, region, parameters))
        return self._answer(operation)

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, object]:
        """The answer in the region."""
        self.asked.append((ref, service, operation, region, parameters))
        return self._answer(f"{operation} {region}", operation)

    def _answer(self, *names: str) -> Mapping[str, object]:
        answer = next((self.answers[name] for name in names if name in self.answers), AwsError("AccessDenied"))
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Mapping)
        return answer


def key_answers(**more: object) -> dict[str, Any]:
    """A bucket with a key that does not rotate."""
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    metadata = {"Arn": KEY, "KeyManager": "CUSTOMER", "KeyState": "Enabled", **more}
    rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
    return {
        "GetBucketEncryption": {"ServerSideEncryptionConfiguration": rules},
        "DescribeKey": {"KeyMetadata": metadata},
        "GetKeyRotationStatus": {"KeyRotationEnabled": False, "KeyId": KEY},
    }
