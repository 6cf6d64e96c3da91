"""A bucket that does not let itself be read: the cheapest hiding place there is.

Every rule that needs what was refused says UNKNOWN by itself, for each reading anew. This one says once that somebody
denies us, as a finding with an age. Where our own role is at fault it adds nothing: then all buckets are alike, and it
is UNKNOWN like the others.
"""

from s3warden.detect.advice import policy_resource, policy_steps, shows_policy
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, UnreadableError, fails, passes
from s3warden.detect.samples import DENIED, bucket
from s3warden.model.bucket import Aspect, Cause, State, Unreadable
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_KEY = (Aspect.ACL, Aspect.OWNERSHIP, Aspect.POLICY, Aspect.PUBLIC_ACCESS_BLOCK)
# AWS says that the bucket's own policy refuses, or does not say who does.
_AIMED = frozenset({Cause.BUCKET_POLICY, Cause.DENIED})


def _check(state: State, _options: RuleOptions) -> Judgement:
    readings = {aspect: state.reading(aspect) for aspect in _KEY}
    failed = {aspect: reading for aspect, reading in readings.items() if isinstance(reading, Unreadable)}
    refused = {aspect: reading for aspect, reading in failed.items() if reading.cause in _AIMED}
    if refused:
        names = ", ".join(sorted(aspect.replace("_", " ") for aspect in refused))
        by_policy = any(reading.cause is Cause.BUCKET_POLICY for reading in refused.values())
        who = "its own policy" if by_policy else "AWS, which does not say by which policy"
        # Whoever it is, it may be all buckets alike and not this one's doing.
        lesser = None if by_policy else Severity.MEDIUM
        return fails(f"The bucket hides its {names}: refused by {who}.", {"refused": names, "by": who}, severity=lesser)
    if failed:
        raise UnreadableError(*next(iter(failed.items())))
    return passes("What decides over access can be read.")


_HIDDEN = Unreadable(Cause.BUCKET_POLICY, "explicit deny in a resource-based policy")

UNREADABLE = Rule(
    RuleInfo(
        id="bucket-unreadable",
        title="The bucket refuses to be read by its guard",
        severity=Severity.HIGH,
        category=Category.GOVERNANCE,
        needs=frozenset(_KEY),
        why=(
            "Who denies the auditor hides a policy, an ACL or their absence: an attacker's cheapest trick. "
            "No rule about access can be decided for this bucket until it is read again."
        ),
        cli="""\
# As an administrator of the account, see what is refused; if even that is denied, only the root user gets in.
aws s3api get-bucket-policy --bucket {bucket} --region {region} --query Policy --output text > {bucket}.json
# In {bucket}.json, leave the role of s3warden out of the Deny, then:
aws s3api put-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --policy file://{bucket}.json""",
        terraform="# In the policy of aws_s3_bucket_policy for {bucket}: leave the role of s3warden out of the Deny.",
        console=policy_steps("leave the role of s3warden out of the Deny"),
        cloudformation=policy_resource(
            """\
- Sid: OnlyTheApplication
  Effect: Deny
  Principal: "*"
  Action: s3:*
  Resource:
    - arn:{partition}:s3:::{bucket}
    - arn:{partition}:s3:::{bucket}/*
  Condition:
    ArnNotEquals:
      aws:PrincipalArn:
        - arn:{partition}:iam::{account}:role/application
        - arn:{partition}:iam::{account}:role/s3warden""",
            "With the role of s3warden among those that the Deny leaves out",
        ),
        verify=shows_policy("no Deny that hits the role of s3warden"),
        maps=maps({Framework.ATTACK: "T1562"}),
        default=True,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html",),
    ),
    Kind.BUCKET,
    _check,
    (
        Example("everything was read", bucket(), Verdict.PASS),
        Example("the policy hides itself", bucket({Aspect.POLICY: _HIDDEN}), Verdict.FAIL),
        Example(
            "refused without a reason",
            bucket({Aspect.ACL: Unreadable(Cause.DENIED, "Access Denied")}),
            Verdict.FAIL,
            severity=Severity.MEDIUM,
        ),
        Example("hidden, and throttled", bucket({Aspect.POLICY: _HIDDEN, Aspect.ACL: DENIED}), Verdict.FAIL),
        Example("the own role lacks a permission", bucket({Aspect.POLICY: DENIED}), Verdict.UNKNOWN),
        Example("throttled", bucket({Aspect.ACL: Unreadable(Cause.THROTTLED)}), Verdict.UNKNOWN),
    ),
)

RULES = (UNREADABLE,)
