"""The estate of the demo: three accounts, three regions, some forty buckets; good, leaky and unreadable ones.

Everything is made through the daemon's own sessions, so that assumed roles, regions and S3 Control work as they do
for the daemon.
"""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.front import HOME_ACCOUNT, Front, Refusal
from s3warden.aws.session import SessionConfig, Sessions

REGION = "eu-west-1"
SHOP, DATA = "111122223333", "444455556666"
ACCOUNTS = (HOME_ACCOUNT, SHOP, DATA)
ALL_ON = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
ALL_OFF = dict.fromkeys(ALL_ON, False)
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIADEMOEXAMPLE00000",
    "AWS_SECRET_ACCESS_KEY": "demo",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}

_DENIED = (
    "User: arn:aws:sts::{account}:assumed-role/s3warden-reader/s3warden is not authorized to perform: s3:{action} on "
    'resource: "arn:aws:s3:::{bucket}" with an explicit deny in a {policy}'
)


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket of the estate: where it is, and what is wrong with it."""

    name: str
    account: str
    region: str = REGION
    flaws: frozenset[str] = frozenset()


def _good(account: str, region: str, names: str) -> tuple[Bucket, ...]:
    return tuple(Bucket(name, account, region) for name in names.split())


def _bad(account: str, region: str, name: str, *flaws: str) -> Bucket:
    return Bucket(name, account, region, frozenset(flaws))


# Where the access logs go: one bucket for each account and region. They log nothing themselves.
LOGS: tuple[Bucket, ...] = (
    Bucket("acme-access-logs", HOME_ACCOUNT, "eu-west-1"),
    Bucket("acme-access-logs-us", HOME_ACCOUNT, "us-east-1"),
    Bucket("shop-access-logs", SHOP, "eu-west-1"),
    Bucket("shop-access-logs-fra", SHOP, "eu-central-1"),
    Bucket("data-access-logs", DATA, "eu-west-1"),
    Bucket("data-access-logs-us", DATA, "us-east-1"),
)
ESTATE: tuple[Bucket, ...] = (
    *_good(HOME_ACCOUNT, "eu-west-1", "acme-audit-trail acme-config-history acme-terraform-state"),
    *_good(HOME_ACCOUNT, "us-east-1", "acme-security-lake acme-inventory acme-flow-logs acme-backup-vault"),
    *_good(SHOP, "eu-west-1", "shop-orders shop-invoices shop-customers shop-returns shop-mail shop-sessions"),
    *_good(SHOP, "eu-central-1", "shop-orders-replica shop-invoices-replica shop-customers-replica shop-images"),
    *_good(DATA, "eu-west-1", "data-raw data-curated data-features data-models data-notebooks data-exports"),
    *_good(DATA, "us-east-1", "data-raw-us data-curated-us data-partner-drop data-scratch"),
    _bad(DATA, "eu-west-1", "data-public-site", "public_policy"),
    _bad(DATA, "eu-west-1", "data-old-dump", "public_acl", "untagged", "unversioned"),
    _bad(SHOP, "eu-west-1", "shop-legacy-assets", "public_acl", "acls", "unlogged"),
    _bad(SHOP, "eu-west-1", "shop-campaign-2019", "public_policy", "untagged", "unlogged"),
    _bad(SHOP, "eu-central-1", "shop-temp", "untagged", "unversioned", "unencrypted"),
    _bad(HOME_ACCOUNT, "us-east-1", "acme.dotted.name", "unlogged"),
    _bad(HOME_ACCOUNT, "us-east-1", "acme-sandbox", "untagged", "unversioned", "unlogged"),
    _bad(DATA, "us-east-1", "data-experiments", "unencrypted", "untagged"),
    _bad(DATA, "us-east-1", "data-lake-landing", "unversioned"),
    _bad(SHOP, "eu-west-1", "shop-logs-old", "acls", "unversioned"),
    _bad(DATA, "eu-west-1", "data-locked", "locked"),
    _bad(SHOP, "eu-west-1", "shop-vault", "no_acl_read"),
    _bad(HOME_ACCOUNT, "eu-west-1", "acme-hr", "no_policy_read"),
)


def public_policy(bucket: str) -> str:
    """A bucket policy that lets anybody read every object."""
    statement = {
        "Sid": "PublicRead",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def sessions(endpoint: str, role: str, actor: str) -> Sessions:
    """Sessions against the emulator, acting as `role` with the session name `actor` in every account but the home."""
    os.environ.update(CREDENTIALS)
    return Sessions(SessionConfig(region=REGION, endpoint_url=endpoint, role_name=role, session_name=actor))


async def build(front: Front, estate: Sequence[Bucket] = ESTATE) -> None:
    """Make the estate, silently: what stood before the daemon came gives no events."""
    front.quiet = True
    async with sessions(front.url, "Provisioner", "terraform") as aws:
        await aws.identify()
        for account in ACCOUNTS:
            # The shop's account has a block; two of its buckets are public only in name.
            await put_account_block(aws, account, ALL_ON if account == SHOP else None)
        gate = asyncio.Semaphore(4)
        await asyncio.gather(*(_make(aws, bucket, gate) for bucket in LOGS))
        await asyncio.gather(*(_make(aws, bucket, gate) for bucket in estate))
    for bucket in estate:
        refusal = _refusal(bucket)
        if refusal is not None:
            front.refusals[bucket.name] = refusal
    front.quiet = False


async def put_account_block(aws: Sessions, account: str, flags: Mapping[str, bool] | None) -> None:
    """Set the account's public access block, or remove it."""
    control = await aws.client("s3control", region=REGION, account=account)
    if flags is None:
        await control.delete_public_access_block(AccountId=account)
    else:
        await control.put_public_access_block(AccountId=account, PublicAccessBlockConfiguration=dict(flags))


async def _make(aws: Sessions, bucket: Bucket, gate: asyncio.Semaphore) -> None:
    async with gate:
        s3 = await aws.client("s3", region=bucket.region, account=bucket.account)
        where = {"CreateBucketConfiguration": {"LocationConstraint": bucket.region}}
        await s3.create_bucket(Bucket=bucket.name, **({} if bucket.region == "us-east-1" else where))
        await _protect(s3, bucket)
        await _describe(s3, bucket)
        await _spoil(s3, bucket)


async def _protect(s3: Any, bucket: Bucket) -> None:
    name, flaws = bucket.name, bucket.flaws
    if not flaws & {"public_acl", "public_policy"}:
        await s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=ALL_ON)
    if not flaws & {"acls", "public_acl"}:
        rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        await s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=rules)
    if "unencrypted" not in flaws:
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        await s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})


async def _describe(s3: Any, bucket: Bucket) -> None:
    name, flaws = bucket.name, bucket.flaws
    if "unversioned" not in flaws:
        await s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if "untagged" not in flaws:
        tags = {"Name": name, "Role": "storage", "Environment": "production", "Owner": f"team-{name.split('-')[0]}"}
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        await s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs})
    if bucket in LOGS:
        await s3.put_bucket_policy(Bucket=name, Policy=private_policy(name))
    elif "unlogged" not in flaws:
        logs = next(each.name for each in LOGS if (each.account, each.region) == (bucket.account, bucket.region))
        target = {"TargetBucket": logs, "TargetPrefix": f"{name}/"}
        await s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": target})


async def _spoil(s3: Any, bucket: Bucket) -> None:
    if "public_acl" in bucket.flaws:
        await s3.put_bucket_acl(Bucket=bucket.name, ACL="public-read")
    if "public_policy" in bucket.flaws:
        await s3.put_bucket_policy(Bucket=bucket.name, Policy=public_policy(bucket.name))


def private_policy(bucket: str) -> str:
    """A bucket policy that admits nobody but the log delivery of S3."""
    statement = {
        "Sid": "AccessLogs",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _refusal(bucket: Bucket) -> Refusal | None:
    kinds = {
        "locked": ("*", "GetBucketPolicy", "resource-based policy"),
        "no_acl_read": ("GetBucketAcl", "GetBucketAcl", "service control policy"),
        "no_policy_read": ("GetBucketPolicyStatus", "GetBucketPolicyStatus", "service control policy"),
    }
    kind = next((kinds[flaw] for flaw in bucket.flaws if flaw in kinds), None)
    if kind is None:
        return None
    operation, action, policy = kind
    message = _DENIED.format(account=bucket.account, action=action, bucket=bucket.name, policy=policy)
    return Refusal(frozenset({operation}), message)
