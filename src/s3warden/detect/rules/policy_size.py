"""The size of the bucket policy: whether the next statement still fits."""

from s3warden.detect.advice import policy_resource, policy_steps
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, always, configured, fails, passes, without
from s3warden.detect.samples import DENIED, allow, bucket, policy
from s3warden.model.bucket import ABSENT, Aspect, BucketState, Present, State
from s3warden.model.configuration import Policy
from s3warden.model.finding import Severity, Verdict
from s3warden.model.rule import Category, RuleInfo

# S3 takes policies of up to 20 KB. Source: quotas of Amazon S3, AWS General Reference.
_LIMIT = 20 * 1024
_FULL = 0.9
_FIX = "merge statements, use wildcards in lists of resources, or move readers to access points of their own"


def _check(state: State, _options: RuleOptions) -> Judgement:
    policy = configured(state, Aspect.POLICY, Policy)
    size = 0 if policy is None else len(policy.text.encode())
    if size < _FULL * _LIMIT:
        return passes("The policy has room for more statements.")
    # In whole percent, so that a finding does not change with each letter.
    share = 100 * size // _LIMIT
    return fails(f"The policy takes {share} % of the 20 KB that S3 allows.", {"share": f"{share} %"})


def _length(state: State, _options: RuleOptions) -> int:
    """The name is part of the policy's length.

    Whatever its letters are, a text a quarter as long as what passes does pass: none takes more than four bytes.
    """
    policy = state.reading(Aspect.POLICY)
    text = policy.value.text if isinstance(policy, Present) and isinstance(policy.value, Policy) else ""
    return len(text.encode()) if len(text) > _FULL * _LIMIT / 4 else 0


def _of(statements: int) -> BucketState:
    return bucket({Aspect.POLICY: policy(*[allow()] * statements)})


SIZE = Rule(
    RuleInfo(
        id="bucket-policy-size",
        title="The policy is near the limit of its size",
        severity=Severity.LOW,
        category=Category.RESILIENCE,
        needs=frozenset({Aspect.POLICY}),
        why=(
            "S3 refuses a policy of more than 20 KB, and this one is nearly there. "
            "When a leak has to be closed by a Deny, the statement may not fit."
        ),
        cli=f"""\
aws s3api get-bucket-policy --bucket {{bucket}} --region {{region}} --query Policy --output text > {{bucket}}.json
# In {{bucket}}.json, {_FIX}, then:
aws s3api put-bucket-policy --bucket {{bucket}} --region {{region}} --expected-bucket-owner {{account}} \\
  --policy file://{{bucket}}.json""",
        terraform=f"# In the policy of aws_s3_bucket_policy for {{bucket}}:\n# {_FIX}.",
        console=policy_steps(_FIX),
        cloudformation=policy_resource(),
        verify="""\
aws s3api get-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --query Policy --output text | wc -c
# Expect: less than 18432, which is 90 % of 20 KB.""",
        maps=(),
        default=False,
        references=("https://docs.aws.amazon.com/general/latest/gr/s3.html",),
    ),
    Kind.BUCKET,
    _check,
    (
        Example("a short policy", bucket(), Verdict.PASS),
        Example("no policy", bucket({Aspect.POLICY: ABSENT}), Verdict.PASS),
        Example("half full", _of(100), Verdict.PASS),
        Example("nearly full", _of(190), Verdict.FAIL),
        Example("unreadable", bucket({Aspect.POLICY: DENIED}), Verdict.UNKNOWN),
    ),
    by_name=always,
    nameless=without(Aspect.POLICY),
    facts=_length,
)

RULES = (SIZE,)
