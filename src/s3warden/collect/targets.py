"""Hands on what an event points at, in the forms that all parsers share."""

from collections.abc import Iterable
from dataclasses import replace

from s3warden.model.bucket import BUCKET_ASPECTS, Aspect
from s3warden.model.event import Level, Target


def whole_bucket(name: str, *, account: str | None, region: str | None, partition: str | None) -> Target:
    """Every aspect of one bucket."""
    return Target(Level.BUCKET, account, region, name, BUCKET_ASPECTS, partition)


def account_block(account: str, *, partition: str | None) -> Target:
    """The account's public access block, which reaches every bucket of it. It has no region."""
    return Target(Level.ACCOUNT, account, aspects=frozenset({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK}), partition=partition)


def unique(targets: Iterable[Target]) -> tuple[Target, ...]:
    """`targets` in order of first mention, with those of the same subject made one."""
    merged: dict[tuple[object, ...], Target] = {}
    for target in targets:
        key = (
            target.level,
            target.account,
            target.region,
            target.bucket,
            target.access_point,
            target.key,
            target.trail,
            target.object,
        )
        known = merged.get(key)
        merged[key] = target if known is None else replace(known, aspects=known.aspects | target.aspects)
    return tuple(merged.values())
