"""The reading policy against the calls that are made: every one of them is in it, and it has no other."""

from collections.abc import Mapping
from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.aws.estate import Estate, Scope
from s3warden.aws.session import Identity
from s3warden.collect.cache import Cache
from s3warden.collect.derived import with_sources
from s3warden.collect.fetch import READS, Fetch
from s3warden.detect.rule import Rule
from s3warden.detect.rules import RULES, needs
from s3warden.model.bucket import ACCOUNT_ASPECTS, AccountRef, Aspect, BucketRef, Cause
from s3warden.model.objects import ObjectAcls, ObjectName
from s3warden.permissions import LISTING, ORGANIZATION, reading
from s3warden.settings.sections import Rules, Settings
from support.modelled import LEADING, Modelled

HOME, OTHER = AccountRef("aws", "111122223333"), AccountRef("aws", "444455556666")
BUCKET = BucketRef("aws", HOME.account, "eu-west-1", "ledger")

EVERY = frozenset(READS)
_READS = [*(read for reads in READS.values() for read in reads)]
_ACTIONS = {(read.operation, read.iam_action) for read in _READS} | set(LISTING.items())
OTHERWISE = {
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "HeadBucket": "ListBucket",
    "ListBucketAnalyticsConfigurations": "GetAnalyticsConfiguration",
    "ListBucketIntelligentTieringConfigurations": "GetIntelligentTieringConfiguration",
    "ListBucketInventoryConfigurations": "GetInventoryConfiguration",
    "ListBucketMetricsConfigurations": "GetMetricsConfiguration",
    "ListBuckets": "ListAllMyBuckets",
    "ListDirectoryBuckets": "ListAllMyDirectoryBuckets",
}


def actions_of(operation: str) -> set[str]:
    """The permissions that a call may take: one of several where several kinds of buckets have the operation."""
    return {action for name, action in _ACTIONS if name == operation}


async def asked_for(aspects: frozenset[Aspect]) -> set[tuple[str, str]]:
    """The calls that reading these aspects makes."""
    aws = Modelled(LEADING)
    fetch = Fetch(aws)
    fetch.neighbours.beside(Cache())
    fetch.neighbours.owners.guard([HOME, OTHER])
    fetch.may_ask(frozenset({HOME, OTHER}))
    account = await fetch.account(HOME, aspects & ACCOUNT_ASPECTS, regions=["eu-west-1"])
    named = ObjectAcls().naming((ObjectName("q1.csv"), ObjectName("q1.csv", "v1")))
    await fetch.bucket(BUCKET, aspects - ACCOUNT_ASPECTS, account=account, named=named)
    return aws.calls


class Listing:
    """AWS for who lists: the first list of all regions is refused, and nothing says where a bucket is."""

    home_region = "eu-west-1"

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.refuses = True

    async def identify(self) -> Identity:
        """Who we are."""
        return Identity("aws", HOME.account, "arn:aws:iam::111122223333:role/s3warden")

    async def ask(
        self, _account: AccountRef, _service: str, operation: str, *, region: str | None = None, **_params: object
    ) -> Mapping[str, Any]:
        """The answer of a call."""
        self.asked.add(operation)
        if operation == "ListBuckets" and region is None and self.refuses:
            raise AwsError("AccessDenied", "with an explicit deny in a service control policy", cause=Cause.SCP)
        answers: dict[str, Mapping[str, Any]] = {
            "ListBuckets": {"Buckets": [{"Name": "ledger"}]},
            "ListAccounts": {"Accounts": [{"Id": "444455556666", "Status": "ACTIVE"}]},
            "ListRoots": {"Roots": [{"Id": "r-ab12"}]},
            "ListAccountsForParent": {"Accounts": [{"Id": "444455556666"}]},
            "ListOrganizationalUnitsForParent": {"OrganizationalUnits": []},
            "DescribeRegions": {"Regions": [{"RegionName": "eu-west-1"}]},
            "GetBucketLocation": {"LocationConstraint": "eu-west-1"},
        }
        return answers.get(operation, {})


async def test_every_call_of_every_rule_is_in_the_policy_and_nothing_else_is() -> None:
    """Each operation of the table is asked for once all of its answers lead on, and none that is missing there."""
    made = {operation for _service, operation in await asked_for(EVERY)}
    assert made == {read.operation for aspect in EVERY for read in READS[aspect]}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.info.id)
async def test_policy_of_one_rule_is_enough_for_its_calls(rule: Rule) -> None:
    """With only this rule enabled, no call is made whose action the policy has not."""
    settings = Settings(rules=Rules(enable=(rule.info.id,)))
    allowed = {action for statement in reading(settings, "aws")["Statement"] for action in statement["Action"]}
    calls = await asked_for(with_sources(needs([rule])))
    assert all(actions_of(operation) & allowed for _service, operation in calls)


async def test_calls_that_list_are_in_the_policy_and_nothing_else_is() -> None:
    """From the refusal of the one list to the region of the last bucket."""
    aws = Listing()
    estate = Estate(aws, aws, Scope())  # type: ignore[arg-type]
    await estate.listing(HOME)
    aws.refuses = False
    await estate.listing(HOME)
    assert aws.asked == set(LISTING)


async def test_calls_to_the_organisation_are_in_the_policy_and_nothing_else_is() -> None:
    """Its accounts, those below a unit, and the tree."""
    aws = Listing()
    estate = Estate(aws, aws, Scope(organization=True, exclude=("ou-ab12-cdefgh34",)))  # type: ignore[arg-type]
    await estate.accounts()
    assert aws.asked == set(ORGANIZATION) - {"ListRoots"}
    await estate.units()
    assert aws.asked == set(ORGANIZATION)


def test_actions_are_spelt_as_iam_spells_them() -> None:
    """An action is the name of the operation, or one of the names that the authorization reference has instead."""
    for operation, action in _ACTIONS:
        name = action.partition(":")[2]
        if operation == "GetPublicAccessBlock":
            assert name in {"GetBucketPublicAccessBlock", "GetAccountPublicAccessBlock"}
        elif operation == "GetObjectAcl":
            assert name in {"GetObjectAcl", "GetObjectVersionAcl"}
        else:
            assert name == OTHERWISE.get(operation, operation)
