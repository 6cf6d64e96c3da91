"""Reads AWS Backup: what the backup plans of a region take in, and when a bucket was last backed up.

Takes an account and regions, or a bucket, hands on readings. When each bucket was backed up is listed once for all
buckets of an account and region that are looked at together.

Source: the AWS Backup API reference.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import TypeAlias

from s3warden.collect.aspects import AspectRead
from s3warden.collect.regions import Listed, by_region, every_item
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, mapping, sequence, text
from s3warden.collect.shared import Shared
from s3warden.model.bucket import ABSENT, AccountRef, BucketRef, Present, Reading, Regional, Unreadable
from s3warden.model.services import BackupCondition, BackupPlan, BackupSelection, BackupSelections, LastBackup

_SERVICE = "backup"
_OPERATORS = ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike")
_Place: TypeAlias = tuple[AccountRef, str]
_Plan: TypeAlias = tuple[str, str]
_Saved: TypeAlias = Mapping[str, LastBackup | None]


def _plan(item: Answer) -> _Plan:
    return text(item.get("BackupPlanId"), "BackupPlanId"), text(item.get("BackupPlanName"), "BackupPlanName")


def _selection_id(item: Answer) -> str:
    return text(item.get("SelectionId"), "SelectionId")


def selection_of(answer: Answer) -> BackupSelection:
    """What one selection takes in; of which plan is not in the answer."""
    item = mapping(answer.get("BackupSelection"), "BackupSelection")
    conditions = mapping(item.get("Conditions") or {}, "Conditions")
    return BackupSelection(
        plan="",
        name=text(item.get("SelectionName"), "SelectionName"),
        resources=_texts(item, "Resources"),
        not_resources=_texts(item, "NotResources"),
        any_tag=tuple(_condition("StringEquals", each) for each in _mappings(item, "ListOfTags")),
        conditions=tuple(
            _condition(operator, each, prefix="aws:ResourceTag/")
            for operator in _OPERATORS
            for each in _mappings(conditions, operator)
        ),
    )


def _condition(operator: str, item: Answer, prefix: str = "") -> BackupCondition:
    key = text(item.get("ConditionKey"), "ConditionKey").removeprefix(prefix)
    value = item.get("ConditionValue")
    if not isinstance(value, str):
        raise ShapeError("ConditionValue is no text")
    return BackupCondition(operator, key, value)


def _mappings(item: Answer, name: str) -> tuple[Answer, ...]:
    return tuple(mapping(each, name) for each in sequence(item.get(name) or (), name))


def _texts(item: Answer, name: str) -> tuple[str, ...]:
    return tuple(text(each, name) for each in sequence(item.get(name) or (), name))


def _protected(item: Answer) -> tuple[str, LastBackup | None]:
    at = item.get("LastBackupTime")
    if at is None:
        return text(item.get("ResourceArn"), "ResourceArn"), None
    if not isinstance(at, datetime):
        raise ShapeError("LastBackupTime is no time")
    return text(item.get("ResourceArn"), "ResourceArn"), LastBackup(at.astimezone(UTC))


PLANS = AspectRead("ListBackupPlans", "backup:ListBackupPlans", _plan)
SELECTIONS = AspectRead("ListBackupSelections", "backup:ListBackupSelections", _selection_id)
SELECTION = AspectRead("GetBackupSelection", "backup:GetBackupSelection", selection_of)
PROTECTED = AspectRead("ListProtectedResources", "backup:ListProtectedResources", _protected)


class BackupReads:
    """Reads AWS Backup through `reader`."""

    def __init__(self, reader: ServiceReader) -> None:
        self._reader = reader
        # There is no list of some: one of all serves for a while.
        self._saved: Shared[_Place, _Saved] = Shared()

    async def selections(self, ref: AccountRef, regions: Collection[str]) -> Present[Regional[BackupSelections]]:
        """All that the backup plans take in, region by region."""
        return await by_region(regions, partial(self._selections, ref))

    async def last(self, ref: BucketRef) -> Reading[LastBackup]:
        """When the bucket was last backed up; Absent if never."""
        found = await self._saved.reading((ref.owner, ref.region), lambda: self._listed(ref.owner, ref.region))
        if not isinstance(found, Present):
            return found
        last = found.value.get(ref.arn)
        return ABSENT if last is None else Present(last)

    async def _selections(self, ref: AccountRef, region: str) -> Reading[BackupSelections]:
        ask = partial(self._reader.service, ref, _SERVICE, region=region)
        plans: Listed[_Plan] = await every_item(
            partial(ask, PLANS.operation), PLANS, _plan, items="BackupPlansList", paging="NextToken"
        )
        if isinstance(plans, Unreadable):
            return plans
        read = await asyncio.gather(*(self._of_plan(ref, region, plan) for plan in sorted(plans)))
        failed = next((each for each in read if isinstance(each, Unreadable)), None)
        if failed is not None:
            return failed
        selections = tuple(chain.from_iterable(each for each in read if isinstance(each, tuple)))
        return Present(BackupSelections(selections, tuple(BackupPlan(*plan) for plan in sorted(plans))))

    async def _of_plan(self, ref: AccountRef, region: str, plan: _Plan) -> Listed[BackupSelection]:
        plan_id, name = plan
        ask = partial(self._reader.service, ref, _SERVICE, region=region, BackupPlanId=plan_id)
        ids: Listed[str] = await every_item(
            partial(ask, SELECTIONS.operation),
            SELECTIONS,
            _selection_id,
            items="BackupSelectionsList",
            paging="NextToken",
        )
        if isinstance(ids, Unreadable):
            return ids
        read = await asyncio.gather(
            *(SELECTION.reading(ask(SELECTION.operation, SelectionId=each)) for each in sorted(ids))
        )
        failed = next((each for each in read if isinstance(each, Unreadable)), None)
        if failed is not None:
            return failed
        return tuple(replace(each.value, plan=name) for each in read if isinstance(each, Present))

    async def _listed(self, ref: AccountRef, region: str) -> Reading[_Saved]:
        ask = partial(self._reader.service, ref, _SERVICE, PROTECTED.operation, region=region)
        listed = await every_item(ask, PROTECTED, _protected, items="Results", paging="NextToken")
        return listed if isinstance(listed, Unreadable) else Present(dict(listed))
