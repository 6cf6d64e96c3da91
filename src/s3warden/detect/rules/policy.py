"""Bucket policies that AWS itself calls public (GetBucketPolicyStatus), in effect or held back by one flag."""

from s3warden.detect import powers
from s3warden.detect.advice import BLOCK_RESOURCE, BLOCK_STEPS, SHOWS_CLOSED, policy_resource, policy_steps
from s3warden.detect.effective import LAYERS_OF_POLICY, policy_is_public, policy_restricted_by
from s3warden.detect.exposed import policy_inputs
from s3warden.detect.exposure import actions
from s3warden.detect.mappings import PUBLIC as STANDARDS
from s3warden.detect.questions import understood
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, fails, passes
from s3warden.detect.samples import ARN, DENIED, allow, by_policy, flags, unguarded
from s3warden.model.bucket import ABSENT, Aspect, Present, State, Unreadable
from s3warden.model.configuration import PolicyStatus
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_NEEDS = LAYERS_OF_POLICY | {Aspect.POLICY_STATUS}
# More than a listing or a look at settings: data can be read, changed or lost, or the bucket taken over.
_GRAVE = frozenset({powers.ADMIN, actions.WRITE_ACP, actions.WRITE, actions.DELETE, actions.READ})
_PUBLIC = Present(PolicyStatus(is_public=True))
_FIXED = Present(PolicyStatus(is_public=False))
_LISTING = allow(actions="s3:ListBucket", resource=ARN)
_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
_EDIT = """\
aws s3api get-bucket-policy --bucket {bucket} --region {region} --query Policy --output text > {bucket}.json
# In {bucket}.json, remove the public statement or name its principals, then:
aws s3api put-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --policy file://{bucket}.json"""
_CLOSE = """\
# Close it now; this also cuts what the same policy grants to other accounts:
aws s3api put-public-access-block --bucket {bucket} --region {region} --expected-bucket-owner {account} \\
  --public-access-block-configuration \\
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
# Or mend the policy:
"""
_STEPS = policy_steps("remove the public statement, or name its principals")
_RESOURCE = policy_resource(note="With principals instead of everyone")
_TERRAFORM_EDIT = """\
# In the policy of aws_s3_bucket_policy for {bucket}: remove the public statement,
# or give it principals instead of "*"."""
_TERRAFORM_CLOSE = """\
resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = "{bucket}"
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}"""


def _live(state: State, options: RuleOptions) -> Judgement:
    if not policy_is_public(state):
        return passes("AWS does not call the bucket policy public.")
    layers = policy_restricted_by(state)
    if layers:
        return passes(f"The bucket policy is public, without effect: {' and '.join(layers)}.")
    facts = {"policy_status": "IsPublic", "RestrictPublicBuckets": "off (account), off (bucket)"}
    given = _given(state, options)
    if given:
        facts["actions"] = ", ".join(given)
    return fails(
        "AWS calls the bucket policy public, and RestrictPublicBuckets is off in account and bucket.",
        facts,
        severity=Severity.HIGH if given and _GRAVE.isdisjoint(given) else None,
        live=True,
    )


def _given(state: State, options: RuleOptions) -> list[str]:
    """What the policy gives to strangers, the worst first; nothing where it cannot be read or told."""
    if isinstance(state.reading(Aspect.POLICY), Unreadable):
        return []
    inputs = policy_inputs(state, options)
    if understood(inputs) is not None:
        return []
    found = {power.name for power in (*powers.unsigned(inputs), *powers.signed(inputs))}
    return [name for name in powers.CAN if name in found]


def _latent(state: State, _options: RuleOptions) -> Judgement:
    if not policy_is_public(state):
        return passes("AWS does not call the bucket policy public.")
    layers = policy_restricted_by(state)
    if not layers:
        return passes("The bucket policy is public and in effect.")
    return fails(
        f"AWS calls the bucket policy public, without effect only because of {' and '.join(layers)}.",
        {"policy_status": "IsPublic", "restricted_by": ", ".join(layers)},
    )


PUBLIC = Rule(
    RuleInfo(
        id="bucket-policy-public",
        title="The bucket policy is public",
        severity=Severity.CRITICAL,
        category=Category.EXPOSURE,
        needs=_NEEDS,
        hints=frozenset({Aspect.POLICY}),
        why=(
            "The bucket policy allows something to callers that it does not tie to fixed accounts, networks or "
            "organisations, and nothing restricts it. A listing alone is less grave than reading, writing or deleting."
        ),
        cli=_CLOSE + _EDIT,
        terraform=_TERRAFORM_CLOSE,
        console=f"{BLOCK_STEPS}\nOr mend the policy:\n{_STEPS}",
        cloudformation=f"{BLOCK_RESOURCE}\n{_RESOURCE}",
        verify=SHOWS_CLOSED,
        maps=maps(
            {
                **STANDARDS,
                Framework.CIS_7_0: "2.21",
                Framework.CONFORMITY: "S3-014",
                Framework.SECURITY_HUB: "S3.2, S3.3",
                Framework.CONFIG: "s3-bucket-public-read-prohibited, s3-bucket-public-write-prohibited",
                Framework.PROWLER: "s3_bucket_public_access, s3_bucket_policy_public_write_access",
                Framework.CLOUDSPLOIT: "bucketAllUsersPolicy",
            }
        ),
        default=True,
        references=(_GUIDE,),
    ),
    Kind.BUCKET,
    _live,
    (
        Example("no policy", unguarded({Aspect.POLICY_STATUS: ABSENT}), Verdict.PASS),
        Example("everyone may read", unguarded(by_policy(allow())), Verdict.FAIL, live=True),
        Example("everyone may write", unguarded(by_policy(allow(actions="s3:PutObject"))), Verdict.FAIL, live=True),
        Example("everyone may delete", unguarded(by_policy(allow(actions="s3:Delete*"))), Verdict.FAIL, live=True),
        Example(
            "everyone may change the settings",
            unguarded(by_policy(allow(actions="s3:PutBucket*", resource=ARN))),
            Verdict.FAIL,
            live=True,
        ),
        Example(
            "everyone may list, no more",
            unguarded(by_policy(_LISTING)),
            Verdict.FAIL,
            severity=Severity.HIGH,
            live=True,
        ),
        Example(
            "what is open is not understood: the worst is assumed",
            unguarded(
                by_policy(allow(actions="s3:ListBucket", resource=ARN), allow(Condition={"Stringy": {"a": "b"}}))
            ),
            Verdict.FAIL,
            live=True,
        ),
        Example(
            "what is open is not known: the worst is assumed",
            unguarded({Aspect.POLICY_STATUS: _PUBLIC, Aspect.POLICY: DENIED}),
            Verdict.FAIL,
            live=True,
        ),
        Example("a policy for fixed principals", unguarded({Aspect.POLICY_STATUS: _FIXED}), Verdict.PASS),
        Example("public, nothing restricts it", unguarded({Aspect.POLICY_STATUS: _PUBLIC}), Verdict.FAIL, live=True),
        Example(
            "blocking new policies does not close an old one",
            unguarded(
                {
                    Aspect.POLICY_STATUS: _PUBLIC,
                    Aspect.PUBLIC_ACCESS_BLOCK: flags(acls=True, ignore=True, policy=True),
                    Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(policy=True),
                }
            ),
            Verdict.FAIL,
            live=True,
        ),
        Example(
            "the account restricts it",
            unguarded({Aspect.POLICY_STATUS: _PUBLIC, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(restrict=True)}),
            Verdict.PASS,
        ),
        Example(
            "the bucket's block is unreadable",
            unguarded({Aspect.POLICY_STATUS: _PUBLIC, Aspect.PUBLIC_ACCESS_BLOCK: DENIED}),
            Verdict.UNKNOWN,
        ),
        Example("the status is unreadable", unguarded({Aspect.POLICY_STATUS: DENIED}), Verdict.UNKNOWN),
    ),
)
LATENT_PUBLIC = Rule(
    RuleInfo(
        id="bucket-policy-latent-public",
        title="The bucket policy is public and held back by one setting",
        severity=Severity.MEDIUM,
        category=Category.EXPOSURE,
        needs=_NEEDS,
        why=(
            "RestrictPublicBuckets alone keeps a public policy from taking effect; the bucket opens when it goes. "
            "Meanwhile it also cuts every grant that the same policy gives to other accounts."
        ),
        cli=_EDIT,
        terraform=_TERRAFORM_EDIT,
        console=_STEPS,
        cloudformation=_RESOURCE,
        verify="""\
aws s3api get-bucket-policy-status --bucket {bucket} --region {region} --expected-bucket-owner {account}
# Expect: IsPublic false, or NoSuchBucketPolicy.""",
        maps=(),
        default=True,
        references=(_GUIDE,),
    ),
    Kind.BUCKET,
    _latent,
    (
        Example("no policy", unguarded({Aspect.POLICY_STATUS: ABSENT}), Verdict.PASS),
        Example("public and live: another rule tells", unguarded({Aspect.POLICY_STATUS: _PUBLIC}), Verdict.PASS),
        Example(
            "restricted by the bucket, whatever the account says",
            unguarded(
                {
                    Aspect.POLICY_STATUS: _PUBLIC,
                    Aspect.PUBLIC_ACCESS_BLOCK: flags(restrict=True),
                    Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: DENIED,
                }
            ),
            Verdict.FAIL,
        ),
        Example(
            "live or held back is not known",
            unguarded({Aspect.POLICY_STATUS: _PUBLIC, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: DENIED}),
            Verdict.UNKNOWN,
        ),
    ),
)

RULES = (PUBLIC, LATENT_PUBLIC)
