"""Object Lambda access points: whom their policies let in; one finding an account, by name.

Block public access is on for every one of them, so AWS takes no public policy, but any account by name. The policies
speak the language of bucket policies.
"""

from itertools import chain

from s3warden.detect.outsiders import Outsiders, Resource, judged, outsiders
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, configured, not_applicable
from s3warden.detect.samples import ACCOUNT, DENIED, allow, policy
from s3warden.detect.surroundings import OURS, account_with
from s3warden.model.bucket import ABSENT, AccountState, Aspect, Present, Reading, Regional, State
from s3warden.model.configuration import Policy
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import maps
from s3warden.model.other_buckets import ObjectLambdaPoint, ObjectLambdaPoints
from s3warden.model.rule import Category, RuleInfo

_ACTIONS = (
    "s3-object-lambda:GetObject",
    "s3-object-lambda:ListBucket",
    "s3-object-lambda:PutObject",
    "s3-object-lambda:DeleteObject",
)
_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/olap-policies.html"


def _check(state: State, options: RuleOptions) -> Judgement:
    regions = configured(state, Aspect.OBJECT_LAMBDA_POINTS, Regional)
    listed = [] if regions is None else list(chain.from_iterable(regions.known(ObjectLambdaPoints)))
    if not listed:
        return not_applicable("The account has no Object Lambda access point.")
    found = {each.name: _outsiders(each, state, options) for each in listed}
    return judged(found, "an Object Lambda access point", "access_points")


def _outsiders(each: ObjectLambdaPoint, state: State, options: RuleOptions) -> Outsiders:
    if not isinstance(each.policy, Present):
        return Outsiders()
    resource = Resource(each.arn, state.ref.account, state.ref.partition, _ACTIONS)
    return outsiders(each.policy.value.text, resource, options)


_PARTNER = "444455556666"
_ARN = f"arn:{ACCOUNT.partition}:s3-object-lambda:eu-west-1:{ACCOUNT.account}:accesspoint/example"


def _shared(reading: Reading[Policy]) -> AccountState:
    """The sound account with one Object Lambda access point that has this policy."""
    return _regional(Present(ObjectLambdaPoints((ObjectLambdaPoint("example", _ARN, reading),))))


def _regional(reading: Reading[ObjectLambdaPoints]) -> AccountState:
    return account_with({Aspect.OBJECT_LAMBDA_POINTS: Present(Regional((("eu-west-1", reading),)))})


def _open(principal: object, actions: object = "s3-object-lambda:GetObject", **more: object) -> AccountState:
    return _shared(policy(allow(principal, actions, f"{_ARN}/object/*", **more)))


EXPOSED = Rule(
    RuleInfo(
        id="account-object-lambda-exposed",
        title="Others are let into an Object Lambda access point",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.OBJECT_LAMBDA_POINTS}),
        why=(
            "Who reads through it gets what its function makes of the objects, by a policy that nobody sees at the "
            "bucket. The access point behind it and the function have to agree; often they were opened together."
        ),
        cli="""\
aws s3control get-access-point-policy-for-object-lambda --account-id {account} --name "${NAME:?}" \\
  --region "${REGION:?}" --query Policy --output text
# Put it into policy.json without the principal that needs no access, then:
aws s3control put-access-point-policy-for-object-lambda --account-id {account} --name "${NAME:?}" \\
  --region "${REGION:?}" --policy file://policy.json
# If the access is wanted: add the account to rules.trusted_accounts.""",
        terraform=(
            "# In the aws_s3control_object_lambda_access_point_policy in account {account}: "
            "take out the principal that needs no access."
        ),
        console="""\
Open Amazon S3, Object Lambda Access Points, the access point, Permissions, policy: Edit.
Take out the principal that needs no access, and save.""",
        cloudformation="# In the AWS::S3ObjectLambda::AccessPointPolicy: take out the principal that needs no access.",
        verify="""\
aws s3control list-access-points-for-object-lambda --account-id {account} --region "${REGION:?}"
aws s3control get-access-point-policy-for-object-lambda --account-id {account} --name "${NAME:?}" \\
  --region "${REGION:?}"
# Expect: NoSuchAccessPointPolicy, or principals of own and trusted accounts alone.""",
        maps=maps({}),
        default=False,
        references=(_GUIDE,),
    ),
    Kind.ACCOUNT,
    _check,
    (
        Example("no policy", _shared(ABSENT), Verdict.PASS),
        Example("the own account", _open({"AWS": OURS}), Verdict.PASS),
        Example("another account", _open({"AWS": _PARTNER}), Verdict.FAIL),
        Example("another account may do all", _open({"AWS": _PARTNER}, "s3-object-lambda:*"), Verdict.FAIL),
        Example(
            "everyone of an organisation",
            _open("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-ourownorg1"}}),
            Verdict.PASS,
        ),
        Example("a trusted account", _open({"AWS": _PARTNER}), Verdict.PASS, RuleOptions(trusted_accounts=(_PARTNER,))),
        Example("none", _regional(ABSENT), Verdict.NOT_APPLICABLE),
        Example("a policy that is none", _shared(Present(Policy("{"))), Verdict.UNKNOWN),
        Example("a policy is unreadable", _shared(DENIED), Verdict.UNKNOWN),
        Example("a region is unreadable", _regional(DENIED), Verdict.UNKNOWN),
    ),
)

RULES = (EXPOSED,)
