"""Advice that several rules give: how to mend a bucket policy or block public access, and how to look whether it held.

The names in braces are filled in with the subject's own, as in every fix.
"""

from textwrap import indent

OWN = "--bucket {bucket} --region {region} --expected-bucket-owner {account}"
_OPEN_POLICY = "Open Amazon S3, Buckets, {bucket}, Permissions, Bucket policy: Edit."
_FLAGS = """\
PublicAccessBlockConfiguration:
  BlockPublicAcls: true
  IgnorePublicAcls: true
  BlockPublicPolicy: true
  RestrictPublicBuckets: true"""
NAMED_READER = """\
- Sid: NamedReader
  Effect: Allow
  Principal:
    AWS: arn:{partition}:iam::{account}:role/reader
  Action: s3:GetObject
  Resource: arn:{partition}:s3:::{bucket}/*"""


def policy_steps(what: str) -> str:
    """The steps in the console that edit a bucket policy; `what` is an instruction without its full stop."""
    return f"{_OPEN_POLICY}\n{what[0].upper()}{what[1:]}.\nChoose Save changes."


def policy_resource(statements: str = NAMED_READER, note: str = "") -> str:
    """A bucket policy as a CloudFormation resource: `statements` are a YAML list, `note` a comment above."""
    text = f"""\
BucketPolicy:
  Type: AWS::S3::BucketPolicy
  Properties:
    Bucket: "{{bucket}}"
    PolicyDocument:
      Version: "2012-10-17"
      Statement:
{indent(statements, " " * 8)}"""
    return f"# {note}:\n{text}" if note else text


def bucket_resource(properties: str, note: str = "") -> str:
    """A bucket as a CloudFormation resource: `properties` are a YAML mapping, `note` a comment above."""
    text = f"""\
Bucket:
  Type: AWS::S3::Bucket
  Properties:
    BucketName: "{{bucket}}"
{indent(properties, " " * 4)}"""
    return f"# {note}:\n{text}" if note else text


def shows_policy(expected: str) -> str:
    """The lines that show a bucket policy, with what to expect of it."""
    return (
        "aws s3api get-bucket-policy --bucket {bucket} --region {region} --expected-bucket-owner {account} \\\n"
        f"  --query Policy --output text\n# Expect: {expected}."
    )


BLOCK_STEPS = """\
Open Amazon S3, Buckets, {bucket}, Permissions, Block public access (bucket settings): Edit.
Tick Block all public access, with all four boxes below it.
Choose Save changes and type confirm."""
BLOCK_RESOURCE = bucket_resource(_FLAGS)
SHOWS_BLOCK = """\
aws s3api get-public-access-block --bucket {bucket} --region {region} --expected-bucket-owner {account}
# Expect: true four times, here or in the answer for the account:
aws s3control get-public-access-block --account-id {account} --region {region}"""
NO_ACLS_RESOURCE = bucket_resource(
    "OwnershipControls:\n  Rules:\n    - ObjectOwnership: BucketOwnerEnforced\n" + _FLAGS,
    "Without AccessControl, which grants by ACL",
)
SHOWS_CLOSED = """\
aws s3api get-bucket-policy-status --bucket {bucket} --region {region} --expected-bucket-owner {account}
# Expect: IsPublic false, or NoSuchBucketPolicy. And as a stranger, without credentials:
aws s3api list-objects-v2 --bucket {bucket} --region {region} --max-keys 1 --no-sign-request
# Expect: AccessDenied."""


def property_steps(card: str, *steps: str, tab: str = "Properties") -> str:
    """The steps in the console that edit what the card of that name shows of a bucket."""
    return "\n".join((f"Open Amazon S3, Buckets, {{bucket}}, {tab}, {card}: Edit.", *steps, "Choose Save changes."))


def shows_setting(command: str, expected: str) -> str:
    """The line that shows a setting of the bucket by a command of `aws s3api`, with what to expect of it."""
    return f"aws s3api {command} {OWN}\n# Expect: {expected}."


def adds_lifecycle(rule: str) -> str:
    """The lines that add a lifecycle rule, in JSON, to those that are there."""
    return f"""\
# The second call replaces all rules. Set KEPT to those of the first, each with a comma after it, or to nothing.
aws s3api get-bucket-lifecycle-configuration {OWN} \\
  --query Rules || echo "no rules"
aws s3api put-bucket-lifecycle-configuration {OWN} \\
  --lifecycle-configuration '{{"Rules":['"${{KEPT?}}"'
  {rule}]}}'"""


LIFECYCLE_STEPS = """\
Open Amazon S3, Buckets, {bucket}, Management, Lifecycle rules: Create lifecycle rule.
Choose Apply to all objects in the bucket.
%s.
Choose Create rule."""
