"""The evidence of the rules about policy, block public access, versioning, ownership and logging."""

from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import RuleOptions
from s3warden.detect.rules import find
from s3warden.detect.samples import account, bucket, flags, unguarded
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.configuration import Ownership, PolicyStatus, Versioning
from s3warden.model.finding import RuleResult, Verdict

PUBLIC = Present(PolicyStatus(is_public=True))


def judge(rule_id: str, state: State, options: RuleOptions | None = None) -> RuleResult:
    """One rule's verdict."""
    [result] = evaluate((find(rule_id),), state, options=options or RuleOptions())
    return result


def test_missing_flags_are_told_with_the_scope_of_the_others() -> None:
    """The bucket's block is the account's or the bucket's, flag by flag."""
    state = bucket(
        {
            Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(acls=True, ignore=True),
            Aspect.PUBLIC_ACCESS_BLOCK: flags(ignore=True),
        }
    )
    assert judge("bucket-public-access-block", state).evidence.details == {
        "missing": "BlockPublicPolicy, RestrictPublicBuckets",
        "BlockPublicAcls": "on (account)",
        "IgnorePublicAcls": "on (account, bucket)",
        "BlockPublicPolicy": "off",
        "RestrictPublicBuckets": "off",
    }


def test_accounts_block_tells_each_flag() -> None:
    """The account's evidence names what is off."""
    result = judge("account-public-access-block", account(flags(acls=True, ignore=True, policy=True)))
    assert result.evidence.details["missing"] == "RestrictPublicBuckets"
    assert result.evidence.details["BlockPublicPolicy"] == "on"
    assert result.evidence.summary == "The account has RestrictPublicBuckets off."


def test_restricted_public_policy_is_latent_and_names_the_layer() -> None:
    """One public policy fails one of the two rules."""
    state = unguarded({Aspect.POLICY_STATUS: PUBLIC, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(restrict=True)})
    latent = judge("bucket-policy-latent-public", state)
    assert latent.evidence.details == {"policy_status": "IsPublic", "restricted_by": "account RestrictPublicBuckets"}
    assert not latent.evidence.live
    assert judge("bucket-policy-public", state).verdict is Verdict.PASS


def test_suspended_versioning_is_its_own_state() -> None:
    """Suspended and never enabled give different evidence, so that the step from one to the other is a change."""
    suspended = judge("bucket-versioning", bucket({Aspect.VERSIONING: Present(Versioning("Suspended"))}))
    never = judge("bucket-versioning", bucket({Aspect.VERSIONING: ABSENT}))
    assert (suspended.evidence.details, never.evidence.details) == (
        {"versioning": "Suspended"},
        {"versioning": "never enabled"},
    )


def test_ownership_is_named() -> None:
    """The evidence tells the two kinds of ownership apart that leave ACLs enabled."""
    found = [
        judge("bucket-acls-disabled", bucket({Aspect.OWNERSHIP: reading})).evidence.details["ownership"]
        for reading in (ABSENT, Present(Ownership("BucketOwnerPreferred")))
    ]
    assert found == ["ObjectWriter", "BucketOwnerPreferred"]


def test_log_buckets_are_named_by_the_operator_only() -> None:
    """A bucket whose name merely looks like a log bucket is judged as any other."""
    state = bucket({Aspect.LOGGING: ABSENT}, name="example-logs")
    assert judge("bucket-access-logging", state).verdict is Verdict.FAIL
    named = judge("bucket-access-logging", state, RuleOptions(log_buckets=("other", "*-logs")))
    assert named.verdict is Verdict.NOT_APPLICABLE
