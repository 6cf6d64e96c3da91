"""Names and places that AWS services rely on and that may be somebody else's."""

from itertools import chain

from s3warden.detect.proofs import some
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, configured, fails, not_applicable, passes
from s3warden.detect.samples import ACCOUNT, DENIED
from s3warden.detect.surroundings import account_with, destinations, named, reference
from s3warden.detect.whereabouts import Whose, told, whose
from s3warden.model.bucket import ABSENT, Aspect, Present, Reading, Regional, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.references import Destination, Destinations, Standing, Use
from s3warden.model.rule import Category, RuleInfo


def _shadow(state: State, options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.SHADOW_NAMES, Destinations)
    taken = [
        each for each in found or () if _exists(each) and whose(each, state.ref.account, options) is not Whose.OURS
    ]
    if not taken:
        return passes("No name that AWS services predict for the account is a stranger's.")
    facts = {"names": some([f"{each.name} ({each.references[0].holder})" for each in taken])}
    return fails(f"Buckets with names made for this account are not its own: {facts['names']}.", facts)


def _exists(destination: Destination) -> bool:
    return isinstance(destination.standing, Present) and destination.standing.value.exists


def _lake(state: State, options: RuleOptions) -> Judgement:
    regions = configured(state, Aspect.LAKE_LOCATIONS, Regional)
    found = [] if regions is None else list(chain.from_iterable(regions.known(Destinations)))
    if not found:
        return not_applicable("Lake Formation gives access to no place in S3.")
    strange = {
        each: w
        for each in found
        if (w := whose(each, state.ref.account, options)) in {Whose.STRANGER, Whose.NOBODY, Whose.TRUSTED}
    }
    if not strange:
        return passes("Every place that Lake Formation gives access to is in a bucket of the account.")
    facts = {"locations": some([told(each, w) for each, w in strange.items()])}
    trusted = all(w is Whose.TRUSTED for w in strange.values())
    return fails(
        f"Lake Formation gives access to buckets of others: {facts['locations']}.",
        facts,
        severity=Severity.LOW if trusted else None,
    )


_NAME = f"aws-glue-assets-{ACCOUNT.account}-eu-west-1"
_PARTNER = "444455556666"


def _predicted(standing: Reading[Standing]) -> dict[Aspect, Reading[object]]:
    return {
        Aspect.SHADOW_NAMES: destinations((reference(Use.SHADOW, _NAME, "AWS Glue", ACCOUNT.account), standing)),
    }


def _registered(reading: Reading[Destinations]) -> dict[Aspect, Reading[object]]:
    return {Aspect.LAKE_LOCATIONS: Present(Regional((("eu-west-1", reading),)))}


def _at(standing: Reading[Standing]) -> dict[Aspect, Reading[object]]:
    place = reference(Use.LAKE, "example-lake", f"arn:{ACCOUNT.partition}:s3:::example-lake/raw", detail="eu-west-1")
    return _registered(destinations((place, standing)))


SHADOW = Rule(
    RuleInfo(
        id="account-shadow-resource",
        title="A bucket that AWS services expect to be yours is a stranger's",
        severity=Severity.HIGH,
        category=Category.EXPOSURE,
        needs=frozenset({Aspect.SHADOW_NAMES}),
        why=(
            "Some services write scripts and templates into a bucket whose name follows from account and region. "
            "Whoever registered it first reads them, and can put his own in their place."
        ),
        cli="""\
# A name that a stranger has cannot be taken back. See that no service of account {account} uses it,
# and make the other names yours before somebody else does:
aws s3api create-bucket --bucket "${NAME:?}" --region "${REGION:?}" \\
  --create-bucket-configuration LocationConstraint="${REGION:?}\"""",
        terraform="""\
# One for each predictable name, with account {account} and the region in it:
resource "aws_s3_bucket" "glue_assets" {
  bucket = "aws-glue-assets-{account}-${data.aws_region.current.name}"
}""",
        console="""\
Open the service that the name belongs to and choose a bucket of yours for its assets.
Open Amazon S3 and create the buckets of the other predictable names, with public access blocked.""",
        cloudformation="""\
GlueAssets:
  Type: AWS::S3::Bucket
  Properties:
    BucketName: !Sub "aws-glue-assets-{account}-${AWS::Region}\"""",
        verify="""\
aws s3api head-bucket --bucket "${NAME:?}" --expected-bucket-owner {account}
# Expect: an answer, or 404; 403 means that somebody else has it.""",
        maps=maps({Framework.PROWLER: "s3_bucket_shadow_resource_vulnerability"}),
        default=True,
        references=("https://www.aquasec.com/blog/bucket-monopoly-breaching-aws-accounts-through-shadow-resources/",),
    ),
    Kind.ACCOUNT,
    _shadow,
    (
        Example("nobody has them", account_with(_predicted(named(_NAME, exists=False))), Verdict.PASS),
        Example("ours", account_with(_predicted(named(_NAME))), Verdict.PASS),
        Example("no region with buckets", account_with({Aspect.SHADOW_NAMES: ABSENT}), Verdict.PASS),
        Example("a stranger's", account_with(_predicted(named(_NAME, owner=None))), Verdict.FAIL),
        Example("another account's", account_with(_predicted(named(_NAME, owner=_PARTNER))), Verdict.FAIL),
        Example("unreadable", account_with(_predicted(DENIED)), Verdict.UNKNOWN),
    ),
)
LAKE = Rule(
    RuleInfo(
        id="account-lake-formation-foreign-bucket",
        title="Lake Formation gives access to a bucket of another account",
        severity=Severity.MEDIUM,
        category=Category.ACCESS,
        needs=frozenset({Aspect.LAKE_LOCATIONS}),
        why=(
            "Who has the table in Lake Formation reads what the bucket's owner puts there, and writes where he reads. "
            "A bucket that is gone or changed hands feeds a stranger's data into your queries."
        ),
        cli="""\
# In account {account}:
aws lakeformation deregister-resource --region "${REGION:?}" --resource-arn "${LOCATION_ARN:?}\"""",
        terraform="# Take the aws_lakeformation_resource for the other account's bucket out, in account {account}.",
        console="""\
Open AWS Lake Formation, Data lake locations.
Choose the location in the other account's bucket, then Actions, Remove.""",
        cloudformation="# Take the AWS::LakeFormation::Resource for the other account's bucket out of the template.",
        verify="""\
aws lakeformation list-resources --region "${REGION:?}" --query 'ResourceInfoList[].ResourceArn'
# Expect: buckets of this account alone.""",
        maps=maps({Framework.CUSTODIAN: "lakeformation-s3-cross-account"}),
        default=False,
        references=("https://docs.aws.amazon.com/lake-formation/latest/dg/register-data-lake.html",),
    ),
    Kind.ACCOUNT,
    _lake,
    (
        Example("an own bucket", account_with(_at(named("example-lake"))), Verdict.PASS),
        Example("a stranger's", account_with(_at(named("example-lake", owner=None))), Verdict.FAIL),
        Example("gone", account_with(_at(named("example-lake", exists=False))), Verdict.FAIL),
        Example(
            "a trusted account's",
            account_with(_at(named("example-lake", owner=_PARTNER))),
            Verdict.FAIL,
            RuleOptions(trusted_accounts=(_PARTNER,)),
            severity=Severity.LOW,
        ),
        Example("no location", account_with(_registered(ABSENT)), Verdict.NOT_APPLICABLE),
        Example("a region is unreadable", account_with(_registered(DENIED)), Verdict.UNKNOWN),
        Example("whose it is, is unreadable", account_with(_at(DENIED)), Verdict.UNKNOWN),
    ),
)

RULES = (SHADOW, LAKE)
