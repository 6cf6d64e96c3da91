"""A plan in print: for people, for a shell, for Terraform, for machines."""

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from s3warden.correct.hcl import quoted
from s3warden.correct.remedy import Wanted
from s3warden.correct.render_plan import as_cli, as_json, as_terraform, as_text, command, difference, grouped, kebab
from s3warden.detect.rule import RuleOptions
from s3warden.model.action import Call, canonical
from s3warden.model.bucket import Aspect, Present
from s3warden.model.references import Reference, References, Use
from support.scenes import ARN, BUCKET, Docs, account_look, acl, block, group, look, planned, policy

READ = {"Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}
SHARED = {
    "Sid": "O'Neil",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::777788889999:root"},
    "Action": "s3:GetObject",
    "Resource": f"{ARN}/home/${{aws:username}}/*",
}
PUBLIC = planned("bucket-public-effective", look({Aspect.POLICY: policy(SHARED, READ)}))


def test_text_says_what_changes_and_what_that_does() -> None:
    """Fix, risk, exposure, who is cut off, undo, and each step with its difference."""
    text = "\n".join(as_text(PUBLIC, ["bucket-policy-public"]))
    assert text.startswith(
        "bucket example-data (account 111122223333, eu-west-1): bucket-public-effective, bucket-policy-public\n"
        "  fix      Take out the grants and statements that open the bucket (remove-openings)\n"
        "  risk     medium: Whoever reaches"
    )
    assert "  exposed  public (read) now, private afterwards\n  cut off  nobody who is known\n  undo     While" in text
    assert "  1. Take statement 1 (Read) out of the bucket policy\n     s3 PutBucketPolicy in eu-west-1\n" in text
    assert '     -        "Sid": "Read"' in text
    assert not any(line.strip().startswith("+ ") for line in text.splitlines())


def test_text_names_losses_and_what_is_not_known() -> None:
    """Each kind of loss by its word."""
    state = {Aspect.POLICY: policy(READ, SHARED), Aspect.WEBSITE: {"IndexDocument": {"Suffix": "i"}}}
    text = "\n".join(as_text(planned("bucket-public-access-block", look(state))))
    assert "cut off  account: arn:aws:iam::777788889999:root; website: the website of example-data" in text
    assert "unknown  which objects are public by ACLs of their own" in text


def test_difference_of_something_new_is_all_plus() -> None:
    """And of nothing at all it is nothing."""
    [step] = planned("bucket-tls-required", look({})).steps
    lines = difference(step)
    assert lines
    assert all(line.startswith("+") for line in lines)
    assert difference(replace(step, before=step.after)) == []


def test_command_is_one_that_a_shell_takes_apart_again() -> None:
    """Quotes, spaces and dollars come through; booleans are options of their own."""
    [step] = PUBLIC.steps
    words = shlex.split("\n".join(command(step.call)).replace("\\\n", ""))
    assert words[:3] == ["aws", "s3api", "put-bucket-policy"]
    given = dict(zip(words[3::2], words[4::2], strict=True))
    assert given["--policy"] == step.call.arguments["Policy"]
    assert given["--expected-bucket-owner"] == "111122223333"
    assert given["--region"] == "eu-west-1"
    call = Call("guardduty", "UpdateDetector", canonical({"DetectorId": "d", "Enable": True, "Other": False}))
    assert shlex.split(" ".join(command(call)).replace("\\", ""))[3:] == [
        "--detector-id",
        "d",
        "--enable",
        "--no-other",
    ]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("PutBucketAcl", "put-bucket-acl"),
        ("CORSConfiguration", "cors-configuration"),
        ("findingPublishingFrequency", "finding-publishing-frequency"),
        ("KeyId", "key-id"),
    ],
)
def test_names_are_spelt_as_the_command_line_does(name: str, word: str) -> None:
    """With hyphens, capitals or not."""
    assert kebab(name) == word


def test_commands_are_followed_by_those_that_take_them_back() -> None:
    """As comments, the last step first."""
    lines = as_cli(PUBLIC)
    assert lines[0].startswith("# bucket example-data")
    at = lines.index("# To take it back:")
    assert all(line.startswith("# ") for line in lines[at:])
    assert "# aws s3api put-bucket-policy \\" in lines[at:]


TERRAFORM: dict[str, tuple[Any, tuple[str, ...]]] = {
    "bucket-acl-public-read": (
        look({Aspect.ACL: acl(group("AllUsers", "READ"))}),
        ('resource "aws_s3_bucket_acl" "example-data" {', '      permission = "FULL_CONTROL"', "    owner {"),
    ),
    "bucket-public-access-block": (
        look({}),
        ("  block_public_acls = true", "  restrict_public_buckets = true", '  bucket = "example-data"'),
    ),
    "bucket-acls-disabled": (look({}), ('    object_ownership = "BucketOwnerEnforced"',)),
    "bucket-default-encryption": (look({}), ('      sse_algorithm = "AES256"', "    bucket_key_enabled = false")),
    "bucket-versioning": (look({}), ('    status = "Enabled"',)),
    "bucket-tls-required": (look({}), ("  policy = jsonencode({", '        "Sid": "S3WardenTlsOnly"')),
    "bucket-required-tags": (
        look({Aspect.TAGGING: {"TagSet": [{"Key": "Team", "Value": "${x}"}]}}),
        ("# In the aws_s3_bucket resource of example-data:", '  "Team" = "$${x}"'),
    ),
}


@pytest.mark.parametrize("rule_id", TERRAFORM)
def test_terraform_has_the_resource_as_it_will_be(rule_id: str) -> None:
    """With balanced braces, and the arguments of the provider."""
    seen, expected = TERRAFORM[rule_id]
    lines = as_terraform(
        planned(rule_id, seen, wanted=Wanted(tags=dict.fromkeys(("Role", "Environment", "Owner"), "x")))
    )
    assert [line for line in expected if line not in lines] == []
    code = "\n".join(line for line in lines if not line.startswith("#"))
    assert code.count("{") == code.count("}")
    assert code.count("(") == code.count(")")


def test_terraform_tells_which_lifecycle_rule_ends_later() -> None:
    """And leaves the others to the code that has them."""
    early: dict[str, Any] = {"ID": "early", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    moves: dict[str, Any] = {
        "ID": "moves",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 9},
    }
    pointing = References((Reference(Use.ACCESS_LOGS, BUCKET.name, BUCKET.account, "example-source"),))
    documents: Docs = {Aspect.LIFECYCLE: {"Rules": [early, moves]}, Aspect.VERSIONING: {"Status": "Enabled"}}
    seen = look(documents, readings={Aspect.REFERRERS: Present(pointing)})
    text = "\n".join(as_terraform(planned("bucket-log-bucket-retention", seen)))
    assert (
        "  # In the rule early, all else of which stays as it is:\n  # expiration {\n  #   days = 365\n  # }\n" in text
    )
    assert "  # The rule moves stays as it is.\n}" in text


def test_terraform_has_the_keys_of_logs_and_who_reads_them() -> None:
    """Or the next apply would take both away."""
    enabled = {"TargetBucket": "l", "TargetPrefix": "old", "TargetGrants": [group("AllUsers", "READ")]}
    seen = look({Aspect.LOGGING: {"LoggingEnabled": enabled}})
    dated = as_terraform(planned("bucket-log-target-prefix", seen, options=RuleOptions(log_key_format="EventTime")))
    assert '      partition_date_source = "EventTime"' in dated
    assert '      uri = "http://acs.amazonaws.com/groups/global/AllUsers"' in dated
    plain = {**enabled, "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}}
    seen = look({Aspect.LOGGING: {"LoggingEnabled": plain}})
    simple = as_terraform(planned("bucket-log-target-prefix", seen, options=RuleOptions(log_key_format="SimplePrefix")))
    assert "    simple_prefix {" in simple


def test_terraform_of_the_account() -> None:
    """A label may not begin with a digit."""
    made = planned("account-public-access-block", account_look({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: None}))
    lines = as_terraform(made)
    assert 'resource "aws_s3_account_public_access_block" "_111122223333" {' in lines
    assert '  account_id = "111122223333"' in lines


def test_policy_variables_are_no_interpolation() -> None:
    """Terraform would take `${aws:username}` for its own."""
    text = "\n".join(as_terraform(PUBLIC))
    assert "$${aws:username}" in text
    assert quoted('a "b" %{c}') == '"a \\"b\\" %%{c}"'


def test_json_has_the_whole_plan() -> None:
    """Calls and inverses with decoded parameters, the digest that an approval is bound to, and the effect."""
    found = json.loads(json.dumps(as_json(PUBLIC)))
    assert found["digest"] == PUBLIC.digest
    assert found["effect"]["public_before"] is True
    assert found["effect"]["safe"] is True
    [step] = found["steps"]
    assert step["call"]["parameters"]["Policy"] == policy(SHARED)["Policy"]
    assert step["inverse"]["parameters"]["Policy"] == policy(SHARED, READ)["Policy"]
    account = planned("account-public-access-block", account_look({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: block()}))
    assert "bucket" not in as_json(account)


def test_same_steps_are_printed_once() -> None:
    """With every rule that they mend."""
    seen = look({Aspect.POLICY: policy(SHARED, READ)})
    again = planned("bucket-policy-public", seen)
    other = planned("bucket-tls-required", seen)
    assert grouped([PUBLIC, again, other]) == [(PUBLIC, ["bucket-policy-public"]), (other, [])]
