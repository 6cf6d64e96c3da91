"""Where access points are reached from, and where they lead: the internet or one network, own buckets or others'."""

from itertools import chain

from s3warden.detect.proofs import some
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, configured, fails, not_applicable, passes
from s3warden.detect.samples import ACCOUNT, DENIED, bucket, point, points
from s3warden.detect.surroundings import account_with, reference
from s3warden.model.bucket import ABSENT, AccountState, Aspect, Present, Reading, Regional, State
from s3warden.model.configuration import AccessPoints
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.references import References, Use
from s3warden.model.rule import Category, RuleInfo


def _network(state: State, _options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.ACCESS_POINTS, AccessPoints)
    if found is None:
        return not_applicable("The bucket has no access point.")
    open_ = [each.name for each in found.points if each.network_origin != "VPC"]
    if not open_:
        return passes("Every access point of the bucket serves one network alone.")
    facts = {"access_points": some(open_)}
    return fails(f"Access points can be reached from the internet: {facts['access_points']}.", facts)


def _foreign(state: State, options: RuleOptions) -> Judgement:
    regions = configured(state, Aspect.FOREIGN_ACCESS_POINTS, Regional)
    found = [] if regions is None else list(chain.from_iterable(regions.known(References)))
    strange = [each for each in found if each.owner not in options.trusted_accounts]
    if not strange:
        return passes("Every access point of the account leads to a bucket of an own or trusted account.")
    named = [f"{each.holder} to {each.target} of account {each.owner}" for each in strange]
    facts = {"access_points": some(named)}
    return fails(f"Access points lead to buckets of others: {facts['access_points']}.", facts)


_PARTNER = "444455556666"


def _leading(reading: Reading[References]) -> AccountState:
    return account_with({Aspect.FOREIGN_ACCESS_POINTS: Present(Regional((("eu-west-1", reading),)))})


_POINT = reference(Use.ACCESS_POINT, "their-data", "data", _PARTNER, "eu-west-1")
NETWORK = Rule(
    RuleInfo(
        id="bucket-access-point-vpc-only",
        title="An access point can be reached from the internet",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.ACCESS_POINTS}),
        why=(
            "A point of one network refuses every request from elsewhere, whoever signs it. "
            "Stolen credentials are worth less where the door is in your own network."
        ),
        cli="""\
# The origin of a point is fixed when it is made: make another, move its users, delete the old one.
aws s3control create-access-point --account-id {account} --region {region} --bucket {bucket} \\
  --name "${NEW_NAME:?}" --vpc-configuration VpcId="${VPC_ID:?}\"""",
        terraform="""\
resource "aws_s3_access_point" "data" {
  bucket = "{bucket}"
  name   = "data-vpc"
  vpc_configuration {
    vpc_id = aws_vpc.this.id
  }
}""",
        console="""\
Open Amazon S3, Access Points, Create access point, for {bucket}.
Choose Virtual private cloud (VPC) as its network origin, and name the VPC.
Move its users over, then delete the old access point.""",
        cloudformation="""\
AccessPoint:
  Type: AWS::S3::AccessPoint
  Properties:
    Bucket: "{bucket}"
    Name: data-vpc
    VpcConfiguration:
      VpcId: !Ref Vpc""",
        verify="""\
aws s3control list-access-points --account-id {account} --region {region} --bucket {bucket}
# Expect: NetworkOrigin VPC for each.""",
        maps=maps({Framework.CUSTODIAN: "s3-access-point"}),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-vpc.html",),
    ),
    Kind.BUCKET,
    _network,
    (
        Example("of one network", bucket({Aspect.ACCESS_POINTS: points(point(origin="VPC"))}), Verdict.PASS),
        Example("of the internet", bucket({Aspect.ACCESS_POINTS: points(point())}), Verdict.FAIL),
        Example("no access point", bucket({Aspect.ACCESS_POINTS: ABSENT}), Verdict.NOT_APPLICABLE),
        Example("the list is unreadable", bucket({Aspect.ACCESS_POINTS: DENIED}), Verdict.UNKNOWN),
    ),
)
FOREIGN = Rule(
    RuleInfo(
        id="account-access-point-foreign-bucket",
        title="An access point of the account leads to a stranger's bucket",
        severity=Severity.HIGH,
        category=Category.ACCESS,
        needs=frozenset({Aspect.FOREIGN_ACCESS_POINTS}),
        why=(
            "What clients write through it lands with somebody else, and what they read comes from there. "
            "The name and the ARN look like those of your own data."
        ),
        cli="""\
aws s3control delete-access-point --account-id {account} --region "${REGION:?}" --name "${ACCESS_POINT:?}"
# If the account is trusted: add it to rules.trusted_accounts.""",
        terraform="# Take the aws_s3_access_point whose bucket_account_id is a stranger's out of account {account}.",
        console="""\
Open Amazon S3, Access Points, the access point: see its bucket's owner.
Choose Delete, unless the owner is to be trusted.""",
        cloudformation="# Take the AWS::S3::AccessPoint whose BucketAccountId is a stranger's out of the template.",
        verify="""\
aws s3control list-access-points --account-id {account} --region "${REGION:?}" \\
  --query 'AccessPointList[].[Name, Bucket, BucketAccountId]'
# Expect: accounts that are yours or trusted.""",
        maps=(),
        default=True,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/creating-access-points.html",),
    ),
    Kind.ACCOUNT,
    _foreign,
    (
        Example("none", _leading(ABSENT), Verdict.PASS),
        Example("a stranger's bucket", _leading(Present(References((_POINT,)))), Verdict.FAIL),
        Example(
            "a trusted account's bucket",
            _leading(Present(References((_POINT,)))),
            Verdict.PASS,
            RuleOptions(trusted_accounts=(_PARTNER, ACCOUNT.account)),
        ),
        Example("a region is unreadable", _leading(DENIED), Verdict.UNKNOWN),
    ),
)

RULES = (FOREIGN, NETWORK)
