"""A stand-in for S3 Control that knows access points, and answers of its in the shapes of the API reference."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from s3warden.model.bucket import AccountRef, BucketRef

BLOCK = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": False,
}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})


def listed(name: str, bucket: str, **more: object) -> dict[str, Any]:
    """An item of ListAccessPoints."""
    return {"Name": name, "NetworkOrigin": "Internet", "Bucket": bucket, **more}


def multi_region(name: str, *buckets: str, **more: object) -> dict[str, Any]:
    """An item of ListMultiRegionAccessPoints."""
    regions = [{"Bucket": bucket, "Region": "eu-west-1"} for bucket in buckets]
    return {
        "Name": name,
        "Alias": f"{name}.mrap",
        "Status": "READY",
        "PublicAccessBlock": BLOCK,
        "Regions": regions,
        **more,
    }


@dataclass
class Control:
    """S3 Control. `answers` by operation and name come before those for the operation; an exception is raised.

    Lists are answered from `items`, `size` to a page. Each call waits for `gate`, and is recorded in `asked`,
    the accounts in `accounts`.
    """

    items: list[dict[str, Any]] = field(default_factory=list)
    size: int = 1000
    answers: dict[str | tuple[str, str], object] = field(default_factory=dict)
    asked: list[tuple[str, str | None, dict[str, object]]] = field(default_factory=list)
    accounts: set[AccountRef] = field(default_factory=set)
    gate: asyncio.Event | None = None

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: Any
    ) -> Mapping[str, object]:
        """The answer of an operation."""
        self.asked.append((operation, region, parameters))
        self.accounts.add(ref)
        # What is answered is what was true when the call began.
        answer = self._answer(operation, parameters)
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Mapping)
        return answer

    async def bucket(self, ref: BucketRef, operation: str, **_parameters: object) -> Mapping[str, object]:
        """No bucket is asked for anything here."""
        raise AssertionError(f"{ref}: {operation}")

    async def service(
        self, ref: AccountRef, service: str, operation: str, **_parameters: object
    ) -> Mapping[str, object]:
        """No other service is asked here."""
        raise AssertionError(f"{ref}: {service} {operation}")

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return sum(name == operation for name, _, _ in self.asked)

    def _answer(self, operation: str, parameters: Mapping[str, Any]) -> object:
        for key in ((operation, str(parameters.get("Name"))), operation):
            if key in self.answers:
                return self.answers[key]
        match operation:
            case "ListAccessPoints":
                return self._page("AccessPointList", parameters)
            case "ListMultiRegionAccessPoints":
                return self._page("AccessPoints", parameters)
            case "GetAccessPoint":
                item = next(item for item in self.items if item["Name"] == parameters["Name"])
                return {**item, "PublicAccessBlockConfiguration": BLOCK}
            case "GetAccessPointPolicy":
                return {"Policy": POLICY}
        return {"Policy": {"Established": {"Policy": POLICY}}}

    def _page(self, name: str, parameters: Mapping[str, Any]) -> dict[str, object]:
        bucket, start = parameters.get("Bucket"), int(parameters.get("NextToken", 0))
        items = [item for item in self.items if bucket is None or item["Bucket"] == bucket]
        page: dict[str, object] = {name: items[start : start + self.size]}
        return page if start + self.size >= len(items) else {**page, "NextToken": str(start + self.size)}
