"""Tags that the house requires: the keys, and where asked for, what their values look like."""

import re

from s3warden.detect.advice import bucket_resource
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    configured,
    fails,
    not_applicable,
    passes,
)
from s3warden.detect.samples import DENIED, bucket
from s3warden.model.bucket import ABSENT, Aspect, Present, State
from s3warden.model.configuration import Tags, plain_key
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo

_NO_TAGS = Tags(())
_COMPLETE = passes("Every required tag is there.")


def _check(state: State, options: RuleOptions) -> Judgement:
    if not options.required_tags and not options.tag_patterns:
        return not_applicable("The settings require no tags.")
    tags = configured(state, Aspect.TAGGING, Tags) or _NO_TAGS
    missing = [key for key in options.required_tags if tags.get(key) is None]
    empty = [key for key in options.required_tags if (value := tags.get(key)) is not None and not value.strip()]
    odd = [
        key for key, pattern in sorted(options.tag_patterns.items()) if key not in empty and _odd(tags, key, pattern)
    ]
    if not missing and not empty and not odd:
        return _COMPLETE
    details = {
        "missing": ", ".join(missing),
        "empty": ", ".join(empty),
        "unexpected_value": ", ".join(f"{key}={tags.get(key)}" for key in odd),
        "near_miss": ", ".join(f"{near} for {key}" for key in missing for near in _near(tags, key)),
    }
    complaints = [f"{name.replace('_', ' ')}: {text}" for name, text in details.items() if text]
    return fails(f"Required tags are not in order ({'; '.join(complaints)}).", {k: v for k, v in details.items() if v})


def _odd(tags: Tags, key: str, pattern: str) -> bool:
    value = tags.get(key)
    return value is not None and re.fullmatch(pattern, value) is None


def _near(tags: Tags, wanted: str) -> list[str]:
    """Keys that a person would take for `wanted`: AWS tells `owner` from `Owner`."""
    return [key for key, _value in tags.pairs if key != wanted and plain_key(key) == plain_key(wanted)]


def _tags(**pairs: str) -> Present[Tags]:
    return Present(Tags(tuple(sorted(pairs.items()))))


REQUIRED_TAGS = Rule(
    RuleInfo(
        id="bucket-required-tags",
        title="Required tags are missing or not as agreed",
        severity=Severity.LOW,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.TAGGING}),
        why=(
            "Without an owner's name nobody can be asked when something is wrong with the bucket. "
            "Keys are compared as AWS does: owner is not Owner."
        ),
        cli="""\
# Adds to the tags that are there. Set ROLE, ENVIRONMENT and OWNER first.
aws s3control tag-resource --account-id {account} --region {region} --resource-arn arn:{partition}:s3:::{bucket} \\
  --tags Key=Name,Value={bucket} "Key=Role,Value=${ROLE:?}" \\
  "Key=Environment,Value=${ENVIRONMENT:?}" "Key=Owner,Value=${OWNER:?}\"""",
        terraform="""\
# In the aws_s3_bucket resource of {bucket}:
tags = {
  Name        = "{bucket}"
  Role        = var.role
  Environment = var.environment
  Owner       = var.owner
}""",
        console="""\
Open Amazon S3, Buckets, {bucket}, Properties, Tags: Edit.
Add the tags that are missing, with their values.
Choose Save changes.""",
        cloudformation=bucket_resource("""\
Tags:
  - Key: Name
    Value: "{bucket}"
  - Key: Role
    Value: storage
  - Key: Environment
    Value: production
  - Key: Owner
    Value: data-team"""),
        verify="""\
aws s3api get-bucket-tagging --bucket {bucket} --region {region} --expected-bucket-owner {account}
# Expect: every key that rules.required_tags names, spelled alike, with a value.""",
        maps=maps({Framework.CUSTODIAN: "tag", Framework.CLOUDSPLOIT: "s3BucketHasTags"}),
        default=True,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging.html",),
    ),
    Kind.BUCKET,
    _check,
    (
        Example("all four there", bucket(), Verdict.PASS),
        Example("no tags at all", bucket({Aspect.TAGGING: ABSENT}), Verdict.FAIL),
        Example(
            "owner is not Owner",
            bucket({Aspect.TAGGING: _tags(Name="x", Role="y", Environment="prod", owner="me")}),
            Verdict.FAIL,
        ),
        Example(
            "an empty value tells nothing",
            bucket({Aspect.TAGGING: _tags(Name="x", Role="y", Environment="prod", Owner=" ")}),
            Verdict.FAIL,
        ),
        Example(
            "a value outside its pattern",
            bucket(),
            Verdict.FAIL,
            options=RuleOptions(tag_patterns={"Environment": "dev|test|production"}),
        ),
        Example(
            "nothing required",
            bucket({Aspect.TAGGING: ABSENT}),
            Verdict.NOT_APPLICABLE,
            options=RuleOptions(required_tags=()),
        ),
        Example("unreadable", bucket({Aspect.TAGGING: DENIED}), Verdict.UNKNOWN),
    ),
    by_name=lambda options: bool(options.tag_patterns),
)

RULES = (REQUIRED_TAGS,)
