"""Looks made by hand: documents as AWS answers them, and the state that the readers make of these very documents."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from s3warden.collect.access_points import POLICY
from s3warden.collect.aspects import ASPECTS
from s3warden.collect.multi_region import POLICY as MULTI_REGION_POLICY
from s3warden.collect.multi_region import completed
from s3warden.correct import planning
from s3warden.correct.remedy import DEFAULT_WANTED, Look, Wanted
from s3warden.detect.exposed import analysed, policy_inputs
from s3warden.detect.rule import DEFAULT_OPTIONS, RuleOptions
from s3warden.detect.rules import find
from s3warden.detect.samples import ACCOUNT, OWNER, READ_AT
from s3warden.model.action import Declined, Planned, RemediationPlan, Step
from s3warden.model.bucket import (
    ABSENT,
    ACCOUNT_ASPECTS,
    AccountState,
    Aspect,
    BucketRef,
    BucketState,
    Present,
    Reading,
    Subject,
)
from s3warden.model.configuration import (
    AccessPoint,
    AccessPoints,
    MultiRegionAccessPoint,
    MultiRegionAccessPoints,
    MultiRegionBucket,
    PolicyStatus,
)
from s3warden.model.finding import Evidence, Finding, Severity, Verdict, fingerprint

BUCKET = BucketRef(ACCOUNT.partition, ACCOUNT.account, "eu-west-1", "example-data")
ARN = BUCKET.arn
MADE_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
OWN_GRANT = {"Grantee": {"Type": "CanonicalUser", "ID": OWNER}, "Permission": "FULL_CONTROL"}
PRIVATE_ACL = {"Owner": {"ID": OWNER}, "Grants": [OWN_GRANT]}
Docs = Mapping[Aspect, Mapping[str, Any] | None]

# What AWS answers about a bucket on which nothing was ever set; what is not here is "not configured".
_NEW: dict[Aspect, Mapping[str, Any] | None] = {
    Aspect.ACL: PRIVATE_ACL,
    Aspect.REQUEST_PAYMENT: {"Payer": "BucketOwner"},
}


def group(name: str, permission: str) -> dict[str, Any]:
    """A grant to one of the global groups."""
    uri = f"http://acs.amazonaws.com/groups/global/{name}"
    return {"Grantee": {"Type": "Group", "URI": uri}, "Permission": permission}


def user(number: int, permission: str = "READ") -> dict[str, Any]:
    """A grant to another account's canonical user."""
    return {"Grantee": {"Type": "CanonicalUser", "ID": f"{number:064x}"}, "Permission": permission}


def acl(*grants: Mapping[str, Any]) -> dict[str, Any]:
    """An ACL with these grants beside the owner's."""
    return {**PRIVATE_ACL, "Grants": [OWN_GRANT, *grants]}


def policy(*statements: Mapping[str, Any], indent: int | None = None) -> dict[str, Any]:
    """A policy of these statements."""
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=indent)}


def block(*on: str) -> dict[str, Any]:
    """A public access block with these flags on."""
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return {"PublicAccessBlockConfiguration": {name: name in on for name in names}}


def look(documents: Docs, *, readings: Mapping[Aspect, Reading[object]] | None = None) -> Look:
    """A bucket with these documents, nothing else configured, and `readings` in place of what the documents say.

    The document of the access points is their policies by ARN, of multi-region ones by place, None for one without.
    AWS's status of the policy is the engine's estimate of it, not public where that is open.
    """
    own = {aspect: answer for aspect, answer in documents.items() if aspect not in _BESIDE}
    known = dict.fromkeys(ASPECTS) | _NEW | own
    found: dict[Aspect, Reading[object]] = {
        aspect: ABSENT if answer is None else ASPECTS[aspect].understood(answer) for aspect, answer in known.items()
    }
    found[Aspect.REFERRERS] = ABSENT
    for aspect, read in _BESIDE.items():
        points = documents.get(aspect) or {}
        found[aspect] = read(points)
        known[aspect] = {place: answer for place, answer in points.items() if answer is not None}
    found[Aspect.POLICY_STATUS] = ABSENT
    if known[Aspect.POLICY] is not None:
        state = BucketState(BUCKET, READ_AT, found, AccountState(ACCOUNT, READ_AT))
        public = analysed(policy_inputs(state, DEFAULT_OPTIONS)).policy_status_is_public
        found[Aspect.POLICY_STATUS] = Present(PolicyStatus(is_public=bool(public)))
    found |= readings or {}
    account = AccountState(ACCOUNT, READ_AT, {a: r for a, r in found.items() if a in ACCOUNT_ASPECTS})
    of_bucket = {a: r for a, r in found.items() if a not in ACCOUNT_ASPECTS}
    return Look(BucketState(BUCKET, READ_AT, of_bucket, account), known)


def _points(documents: Mapping[str, Mapping[str, Any] | None]) -> Reading[AccessPoints]:
    """The access points of a bucket with these policies, which anybody can reach."""
    read = [
        AccessPoint(
            arn.rpartition("/")[2], arn, "Internet", ABSENT, ABSENT if answer is None else POLICY.understood(answer)
        )
        for arn, answer in sorted(documents.items())
    ]
    return Present(AccessPoints(tuple(read))) if read else ABSENT


def _multi_region(documents: Mapping[str, Mapping[str, Any] | None]) -> Reading[MultiRegionAccessPoints]:
    """Multi-region access points of the account with these policies, which lead to the bucket and to no other."""
    behind = (MultiRegionBucket(BUCKET.name, BUCKET.region),)
    read = []
    for place, answer in sorted(documents.items()):
        policies = ABSENT if answer is None else MULTI_REGION_POLICY.understood(answer)
        name = place.rpartition("/")[2]
        point = MultiRegionAccessPoint(name, f"{name}.mrap", "READY", behind, ABSENT, ABSENT)
        read.append(completed(point, policies))
    return Present(MultiRegionAccessPoints(tuple(read))) if read else ABSENT


_BESIDE = {Aspect.ACCESS_POINTS: _points, Aspect.MULTI_REGION_ACCESS_POINTS: _multi_region}


def account_look(documents: Docs) -> Look:
    """The account with these documents."""
    readings: dict[Aspect, Reading[object]] = {
        aspect: ABSENT if answer is None else ASPECTS[aspect].understood(answer) for aspect, answer in documents.items()
    }
    return Look(AccountState(ACCOUNT, READ_AT, readings), dict(documents))


def finding(rule_id: str, subject: Subject = BUCKET) -> Finding:
    """A finding that says no more than that the rule fails."""
    return Finding(
        fingerprint(rule_id, subject),
        rule_id,
        subject,
        Verdict.FAIL,
        Severity.HIGH,
        Evidence("It fails."),
        MADE_AT,
        MADE_AT,
    )


def plan(
    rule_id: str, seen: Look, *, options: RuleOptions = DEFAULT_OPTIONS, wanted: Wanted = DEFAULT_WANTED
) -> Planned:
    """What is planned for the rule on this look."""
    return planning.plan(
        finding(rule_id, seen.state.ref), seen, rule=find(rule_id), made_at=MADE_AT, options=options, wanted=wanted
    )


def planned(rule_id: str, seen: Look, **more: Any) -> RemediationPlan:
    """The plan, which there must be."""
    found = plan(rule_id, seen, **more)
    assert isinstance(found, RemediationPlan), found
    return found


def declined(rule_id: str, seen: Look, **more: Any) -> str:
    """The reason why there is no plan."""
    found = plan(rule_id, seen, **more)
    assert isinstance(found, Declined), found
    return found.reason


def only(made: RemediationPlan) -> Step:
    """The one step of a plan."""
    [step] = made.steps
    return step


def written(step: Step) -> Any:
    """What the step writes: its parameters but for those that say where."""
    return {key: value for key, value in step.call.arguments.items() if key not in {"Bucket", "ExpectedBucketOwner"}}
