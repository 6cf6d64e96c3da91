"""Reads where the table buckets of an account are replicated to, region by region.

Takes an account and regions, hands on readings. What a single table says for itself (GetTableReplication) is not read.
Source: GetTableBucketReplication of the S3 Tables API reference; that a table bucket without a configuration is
answered with NotFoundException is how Terraform's provider and Cloud Custodian take it.
"""

import asyncio
from collections.abc import Collection
from functools import partial

from s3warden.collect.aspects import AspectRead
from s3warden.collect.other_buckets import TABLE, listed
from s3warden.collect.pages import Ask
from s3warden.collect.regions import by_region
from s3warden.collect.services import ServiceReader
from s3warden.collect.shapes import Answer, ShapeError, mapping, sequence, text
from s3warden.model.bucket import ABSENT, AccountRef, Present, Reading, Regional
from s3warden.model.other_buckets import TableReplication, TableReplications

_PARTS, _DIGITS = 6, 12


def _destinations(answer: Answer) -> tuple[str, ...]:
    rules = sequence(mapping(answer.get("configuration"), "configuration").get("rules"), "rules")
    return tuple(
        _destination(mapping(each, "destination"))
        for rule in rules
        for each in sequence(mapping(rule, "rule").get("destinations"), "destinations")
    )


def _destination(destination: Answer) -> str:
    arn = text(destination.get("destinationTableBucketARN"), "destinationTableBucketARN")
    parts = arn.split(":", _PARTS - 1)
    if len(parts) != _PARTS or len(parts[4]) != _DIGITS or not parts[4].isdigit():
        raise ShapeError("destinationTableBucketARN is no ARN with an account")
    return arn


REPLICATION = AspectRead(
    "GetTableBucketReplication",
    "s3tables:GetTableBucketReplication",
    _destinations,
    absent_codes=frozenset({"NotFoundException"}),
)


async def of_account(
    reader: ServiceReader, ref: AccountRef, regions: Collection[str]
) -> Present[Regional[TableReplications]]:
    """The destinations of the account's table buckets, region by region; Absent where there are none of the kind."""
    return await by_region(regions, partial(_of_region, reader, ref))


async def _of_region(reader: ServiceReader, ref: AccountRef, region: str) -> Reading[TableReplications]:
    arns = await listed(TABLE, reader, ref, region)
    if not isinstance(arns, tuple):
        return arns
    ask = partial(reader.service, ref, TABLE.service, REPLICATION.operation, region=region)
    found = await asyncio.gather(*(_replication(ask, arn) for arn in sorted(arns)))
    return Present(TableReplications(tuple(found))) if found else ABSENT


async def _replication(ask: Ask, arn: str) -> TableReplication:
    reading = await REPLICATION.reading(ask(**{TABLE.parameter: arn}))
    return TableReplication(arn.rpartition("/")[2], arn, reading)
