"""A stand-in for all of AWS: answers in the shape that the service models of the SDK, and our additions, give them.

Every list has one item, every flag is on, so that whatever hangs on an answer is asked for, too. `given` are members
whose text means something, by name. Each call is recorded as service and operation.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel, Shape

from s3warden.aws.session import ADDITIONS, MODELS
from s3warden.model.bucket import AccountRef, BucketRef

_DEPTH = 8
_SIMPLE = {
    "boolean": True,
    "integer": 1,
    "long": 1,
    "double": 1.0,
    "float": 1.0,
    "timestamp": datetime(2026, 1, 1, tzinfo=UTC),
}
_NO_MORE = ("token", "marker", "truncated", "nextrecord")


LEADING: Mapping[str, Any] = {
    "SSEAlgorithm": "aws:kms",
    "KMSMasterKeyID": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "TargetBucket": "ledger-logs",
    "Bucket": "ledger",
    "bucket": "arn:aws:s3:::ledger",
    "BucketAccountId": "111122223333",
    "NetworkOrigin": "Internet",
    "KeyManager": "CUSTOMER",
    "KeyState": "Enabled",
    "KeySpec": "SYMMETRIC_DEFAULT",
    "Origin": "AWS_KMS",
    "PrivateZone": False,
    "S3Logs": {"Status": "DISABLED"},
    "CloudWatchLogsLogGroupArn": "arn:aws:logs:eu-west-1:111122223333:log-group:trail:*",
    "Policy": '{"Version": "2012-10-17", "Statement": []}',
    "policy": '{"Version": "2012-10-17", "Statement": []}',
    "resourcePolicy": '{"Version": "2012-10-17", "Statement": []}',
}
"""Answers that lead on to further questions."""


@cache
def operation_model(service: str, name: str) -> OperationModel:
    """What the SDK, with our additions, knows of an operation."""
    models = botocore.session.get_session()
    loader = models.get_component("data_loader")
    loader.search_paths.append(str(MODELS))
    loader.extras_types.append(ADDITIONS)
    return models.get_service_model(service).operation_model(name)


class Modelled:
    """`given` are values by the name of the member, everywhere."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self.calls: set[tuple[str, str]] = set()

    async def bucket(self, ref: BucketRef, operation: str, **_parameters: object) -> Mapping[str, Any]:
        """The answer of an S3 operation on a bucket."""
        return await self.service(ref.owner, "s3", operation)

    async def account(self, ref: AccountRef, operation: str, **_parameters: object) -> Mapping[str, Any]:
        """The answer of S3 Control."""
        return await self.service(ref, "s3control", operation)

    async def service(self, ref: AccountRef, service: str, operation: str, **_parameters: object) -> Mapping[str, Any]:
        """The answer of any service. Raises what botocore raises for an operation that does not exist."""
        assert ref.account.isdigit()
        self.calls.add((service, operation))
        await asyncio.sleep(0)
        shape = operation_model(service, operation).output_shape
        return {} if shape is None else self._structure(shape, 0)

    def _structure(self, shape: Shape, depth: int) -> dict[str, Any]:
        members = shape.members.items()
        ends = {name: False for name, member in members if _pages(name) and member.type_name == "boolean"}
        return ends | {name: self._value(name, member, depth) for name, member in members if not _pages(name)}

    def _value(self, name: str, shape: Shape, depth: int) -> Any:
        if name in self._given or depth > _DEPTH:
            return self._given.get(name)
        match shape.type_name:
            case "structure":
                return self._structure(shape, depth + 1)
            case "list":
                return [self._value(name, shape.member, depth + 1)]
            case "map":
                return {"key": self._value(name, shape.value, depth + 1)}
            case "string":
                return _text(name, shape)
        return _SIMPLE.get(shape.type_name)


def _text(name: str, shape: Shape) -> str:
    if name.lower().endswith("arn"):
        return "arn:aws:some:eu-west-1:111122223333:thing/some"
    return str(shape.enum[0]) if getattr(shape, "enum", None) else f"some-{name.lower()}"


def _pages(name: str) -> bool:
    return any(word in name.lower() for word in _NO_MORE)
