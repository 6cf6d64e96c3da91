"""Block public access: all four flags, over account and bucket together for a bucket, and for the account itself."""

from s3warden.detect.advice import BLOCK_RESOURCE, BLOCK_STEPS, SHOWS_BLOCK
from s3warden.detect.effective import Flag, block, scopes_of
from s3warden.detect.mappings import ACCOUNT_BLOCK, BUCKET_BLOCK
from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, fails, passes
from s3warden.detect.samples import ALL_ON, DENIED, account, bucket, flags
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
_ALL = "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
_BUCKET_COVERED = passes("All four flags of block public access hold for the bucket.")
_ACCOUNT_COVERED = passes("All four flags of block public access are on for the account.")


def _check_bucket(state: State, _options: RuleOptions) -> Judgement:
    scopes = {flag: scopes_of(flag, state) for flag in Flag}
    missing = [flag for flag, on in scopes.items() if not on]
    if not missing:
        return _BUCKET_COVERED
    details = {flag.value: f"on ({', '.join(on)})" if on else "off" for flag, on in scopes.items()}
    return fails(f"Neither account nor bucket has {', '.join(missing)} on.", {"missing": ", ".join(missing), **details})


def _check_account(state: State, _options: RuleOptions) -> Judgement:
    found = block(state, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK)
    missing = [flag for flag in Flag if not flag.of(found)]
    if not missing:
        return _ACCOUNT_COVERED
    details = {flag.value: "off" if flag in missing else "on" for flag in Flag}
    return fails(f"The account has {', '.join(missing)} off.", {"missing": ", ".join(missing), **details})


BUCKET = Rule(
    RuleInfo(
        id="bucket-public-access-block",
        title="Block public access does not cover the bucket in full",
        severity=Severity.HIGH,
        category=Category.ACCESS,
        needs=frozenset({Aspect.PUBLIC_ACCESS_BLOCK, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK}),
        why=(
            "One wrong ACL or policy makes this bucket public at once, with nothing behind it to stop that. "
            "Each flag counts if either the account or the bucket has it on."
        ),
        cli=(
            "aws s3api put-public-access-block --bucket {bucket} --region {region} \\\n"
            f"  --expected-bucket-owner {{account}} \\\n  --public-access-block-configuration {_ALL}"
        ),
        terraform="""\
resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = "{bucket}"
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}""",
        console=BLOCK_STEPS,
        cloudformation=BLOCK_RESOURCE,
        verify=SHOWS_BLOCK,
        maps=maps(
            {
                **BUCKET_BLOCK,
                Framework.CONFORMITY: "S3-026",
                Framework.SECURITY_HUB: "S3.8",
                Framework.CONFIG: "s3-bucket-level-public-access-prohibited",
                Framework.PROWLER: "s3_bucket_level_public_access_block",
                Framework.CUSTODIAN: "check-public-block",
                Framework.CLOUDSPLOIT: "bucketPublicAccessBlock",
            }
        ),
        default=True,
        references=(_GUIDE,),
    ),
    Kind.BUCKET,
    _check_bucket,
    (
        Example("all on in both", bucket(), Verdict.PASS),
        Example("all on in the account", bucket({Aspect.PUBLIC_ACCESS_BLOCK: ABSENT}), Verdict.PASS),
        Example(
            "two here, two there",
            bucket(
                {
                    Aspect.PUBLIC_ACCESS_BLOCK: flags(acls=True, ignore=True),
                    Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: flags(policy=True, restrict=True),
                }
            ),
            Verdict.PASS,
        ),
        Example(
            "one flag is nowhere",
            bucket(
                {
                    Aspect.PUBLIC_ACCESS_BLOCK: flags(acls=True, ignore=True, policy=True),
                    Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: ABSENT,
                }
            ),
            Verdict.FAIL,
        ),
        Example(
            "not configured, and the account unreadable",
            bucket({Aspect.PUBLIC_ACCESS_BLOCK: ABSENT, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: DENIED}),
            Verdict.UNKNOWN,
        ),
        Example("the bucket's block is unreadable", bucket({Aspect.PUBLIC_ACCESS_BLOCK: DENIED}), Verdict.UNKNOWN),
    ),
)
ACCOUNT = Rule(
    RuleInfo(
        id="account-public-access-block",
        title="Block public access of the account is not fully on",
        severity=Severity.HIGH,
        category=Category.ACCESS,
        needs=frozenset({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK}),
        why=(
            "The account's flags cover every bucket and access point in it, the ones of tomorrow included. "
            "Without them each bucket is one wrong ACL or policy away from being public."
        ),
        cli=(
            "aws s3control put-public-access-block --account-id {account} \\\n"
            f"  --public-access-block-configuration {_ALL}"
        ),
        terraform="""\
resource "aws_s3_account_public_access_block" "this" {
  account_id              = "{account}"
  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}""",
        console="""\
Open Amazon S3, Block Public Access settings for this account: Edit.
Tick Block all public access, with all four boxes below it.
Choose Save changes and type confirm.""",
        cloudformation="""\
# CloudFormation has no resource for the account's own block: use the AWS CLI, or an S3 policy of AWS Organizations.""",
        verify="""\
aws s3control get-public-access-block --account-id {account}
# Expect: true four times.""",
        maps=maps(
            {
                **ACCOUNT_BLOCK,
                Framework.CONFORMITY: "S3-027",
                Framework.SECURITY_HUB: "S3.1",
                Framework.CONFIG: (
                    "s3-account-level-public-access-blocks, s3-account-level-public-access-blocks-periodic"
                ),
                Framework.PROWLER: "s3_account_level_public_access_blocks",
                Framework.CUSTODIAN: "s3-public-block",
            }
        ),
        default=True,
        references=(
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/configuring-block-public-access-account.html",
        ),
    ),
    Kind.ACCOUNT,
    _check_account,
    (
        Example("all on", account(Present(ALL_ON)), Verdict.PASS),
        Example("not configured", account(ABSENT), Verdict.FAIL),
        Example("one flag off", account(flags(acls=True, ignore=True, policy=True)), Verdict.FAIL),
        Example("unreadable", account(DENIED), Verdict.UNKNOWN),
    ),
)

RULES = (BUCKET, ACCOUNT)
