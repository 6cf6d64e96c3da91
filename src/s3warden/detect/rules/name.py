"""Bucket names: usable as a DNS label, and in line with the house convention where the settings give one."""

import re

from s3warden.detect.rule import Example, Judgement, Kind, Rule, RuleOptions, always, fails, passes
from s3warden.detect.samples import bucket
from s3warden.model.bucket import State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{1,61})[a-z0-9]")
_IN_ORDER = passes("The name is in order.")


def _check(state: State, options: RuleOptions) -> Judgement:
    details = dict(_complaints(state, options))
    if not details:
        return _IN_ORDER
    return fails(f"The bucket name {' and '.join(details.values())}.", details)


def _complaints(state: State, options: RuleOptions) -> tuple[tuple[str, str], ...]:
    name, pattern = str(state.ref), options.name_pattern
    dns = () if _LABEL.fullmatch(name) else (("dns", _complaint(name)),)
    if pattern is None or re.fullmatch(pattern, name):
        return dns
    return (*dns, ("convention", f"does not match {pattern}"))


def _complaint(name: str) -> str:
    if "." in name:
        return "contains a dot"
    if not 3 <= len(name) <= 63:
        return f"has {len(name)} characters, not 3 to 63"
    if name.startswith("-") or name.endswith("-"):
        return "begins or ends with a hyphen"
    return "contains other characters than a-z, 0-9 and hyphens"


NAME = Rule(
    RuleInfo(
        id="bucket-name",
        title="The bucket name breaks DNS rules or the naming convention",
        severity=Severity.LOW,
        category=Category.GOVERNANCE,
        needs=frozenset(),
        why=(
            "A name that is no DNS label, or has dots, breaks TLS on virtual-hosted addresses and rules out transfer "
            "acceleration. A name outside the convention hides whose bucket it is."
        ),
        cli="""\
# A bucket cannot be renamed. Set NEW_BUCKET to a better name, and copy the objects:
aws s3 mb "s3://${NEW_BUCKET:?}" --region {region}
aws s3 sync s3://{bucket} "s3://${NEW_BUCKET:?}" --region {region}""",
        terraform="""\
# A bucket cannot be renamed; a new name replaces it. Copy the objects before the old one goes.
resource "aws_s3_bucket" "better_name" {
  bucket = var.better_name
}""",
        console="""\
A bucket cannot be renamed. Open Amazon S3, Buckets: Create bucket, with a better name.
Copy the objects over and move the clients.
Empty and delete {bucket} once nothing names it any more: anyone may take the name then.""",
        cloudformation="""\
# BucketName cannot change in place: a new name makes a new bucket. Copy the objects before the old one goes.
Bucket:
  Type: AWS::S3::Bucket
  DeletionPolicy: Retain
  UpdateReplacePolicy: Retain
  Properties:
    BucketName: better-name""",
        verify="""\
aws s3api head-bucket --bucket "${NEW_BUCKET:?}" --region {region} --expected-bucket-owner {account}
# Expect: an answer, for a name of 3 to 63 characters: a-z, 0-9 and hyphens.""",
        maps=maps({Framework.CONFORMITY: "S3-018", Framework.CLOUDSPLOIT: "bucketDnsCompliantName"}),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",),
    ),
    Kind.BUCKET,
    _check,
    (
        Example("letters, digits, hyphens", bucket(), Verdict.PASS),
        Example("a dot", bucket(name="www.example.net"), Verdict.FAIL),
        Example("an old name in capitals", bucket(name="Example_Data"), Verdict.FAIL),
        Example("an old name, too long", bucket(name="a" * 64), Verdict.FAIL),
        Example(
            "within the convention", bucket(name="acme-logs"), Verdict.PASS, options=RuleOptions(name_pattern="acme-.+")
        ),
        Example("outside the convention", bucket(), Verdict.FAIL, options=RuleOptions(name_pattern="acme-.+")),
    ),
    by_name=always,
    facts=_complaints,
)

RULES = (NAME,)
