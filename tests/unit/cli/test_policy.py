"""`s3warden policy`, run as the program runs it."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from typer.testing import CliRunner

from s3warden.cli.policy import app
from s3warden.collect.derived import with_sources
from s3warden.correct import planning
from s3warden.detect.rules import find
from s3warden.model.bucket import Aspect
from s3warden.permissions import needed, partition_of
from s3warden.settings.remediation import Fix, Remediation
from s3warden.settings.sections import Rules, Settings

CONFIG = """
queues = ["https://sqs.eu-west-1.example.com/111122223333/events"]

[aws]
region = "{region}"
role_name = "security/reader"
external_id = "secretsmanager:s3warden/external"

[accounts]
{accounts}

[rules]
enable = ["bucket-versioning"]

[[queues]]
url = "https://sqs.eu-west-1.example.com/444455556666/others"
account = "444455556666"

[[destinations]]
type = "webhook"
name = "x"
url = "ssm:/s3warden/url"
"""
QUEUES = CONFIG.replace('queues = ["https://sqs.eu-west-1.example.com/111122223333/events"]\n', "").replace(
    "[[queues]]\n", '[[queues]]\nurl = "https://sqs.eu-west-1.example.com/111122223333/events"\n\n[[queues]]\n'
)


def statements(tmp_path: Path, *arguments: str, accounts: str = "", region: str = "eu-west-1") -> dict[str, Any]:
    """The statements of a policy by their id."""
    path = tmp_path / "config.toml"
    path.write_text(QUEUES.format(accounts=accounts, region=region))
    result = CliRunner().invoke(app, ["iam", "--config", str(path), *arguments])
    assert (result.exit_code, result.stderr) == (0, "")
    return {each["Sid"]: each for each in json.loads(result.stdout)["Statement"]}


def test_reading_takes_what_the_enabled_rules_need(tmp_path: Path) -> None:
    """One rule, one setting; the tags that weigh its severity; and what finds the buckets."""
    found = statements(tmp_path)
    assert found["ReadBuckets"] == {
        "Sid": "ReadBuckets",
        "Effect": "Allow",
        "Action": ["s3:GetBucketLocation", "s3:GetBucketTagging", "s3:GetBucketVersioning", "s3:ListBucket"],
        "Resource": "arn:aws:s3:::*",
    }
    assert found["ReadS3"]["Action"] == ["s3:ListAllMyBuckets"]
    assert found["TakeEvents"]["Resource"] == "arn:aws:sqs:eu-west-1:444455556666:others"
    assert set(found) == {"ReadBuckets", "ReadS3", "ReadEc2", "TakeEvents"}


def test_daemon_may_take_assume_and_look_up_what_the_settings_name(tmp_path: Path) -> None:
    """And nothing beyond it."""
    found = statements(tmp_path, "--role", "daemon", accounts='ids = ["444455556666"]')
    assert {sid: each["Resource"] for sid, each in found.items()} == {
        "TakeEvents": "arn:aws:sqs:eu-west-1:111122223333:events",
        "AssumeRoles": "arn:aws:iam::444455556666:role/security/reader",
        "ReadSecrets": "arn:aws:secretsmanager:*:*:secret:s3warden/external-??????",
        "ReadParameters": "arn:aws:ssm:*:*:parameter/s3warden/url",
    }


@pytest.mark.parametrize(
    ("accounts", "actions"),
    [
        ("organization = true", ["organizations:ListAccounts"]),
        (
            'organization = true\nexclude = ["ou-ab12-cdefgh34"]',
            [
                "organizations:ListAccounts",
                "organizations:ListAccountsForParent",
                "organizations:ListOrganizationalUnitsForParent",
            ],
        ),
        ('organization = true\nexclude = ["444455556666"]', ["organizations:ListAccounts"]),
    ],
)
def test_an_organisation_is_listed_as_deep_as_needed(tmp_path: Path, accounts: str, actions: list[str]) -> None:
    """Units only where they are named."""
    found = statements(tmp_path, "--role", "daemon", accounts=accounts)
    assert found["ListAccounts"]["Action"] == actions
    assert found["AssumeRoles"]["Resource"] == "arn:aws:iam::*:role/security/reader"


def test_units_that_exemptions_or_severities_speak_of_are_looked_up(tmp_path: Path) -> None:
    """Even where the organisation's accounts are named one by one."""
    path = tmp_path / "config.toml"
    path.write_text('[severity]\nproduction_accounts = ["ou-ab12-cdefgh34"]\n')
    result = CliRunner().invoke(app, ["iam", "--config", str(path), "--role", "daemon"])
    (statement,) = json.loads(result.stdout)["Statement"]
    assert statement["Action"] == [
        "organizations:ListAccountsForParent",
        "organizations:ListOrganizationalUnitsForParent",
        "organizations:ListRoots",
    ]


FIXES = """
[rules]
enable = ["bucket-versioning", "bucket-acl-public-read"]

[remediation]
role_name = "s3warden-writer"

[[fixes]]
name = "keep"
rules = ["bucket-versioning"]
mode = "{mode}"
"""


def test_writing_takes_what_the_fixes_let_be_done(tmp_path: Path) -> None:
    """Of the rules that a row names, and only where it goes beyond a plan; the daemon may assume the role."""
    path = tmp_path / "config.toml"
    path.write_text(FIXES.format(mode="approve"))
    result = CliRunner().invoke(app, ["iam", "--config", str(path), "--remediation"])
    assert json.loads(result.stdout)["Statement"] == [
        {
            "Sid": "WriteBuckets",
            "Effect": "Allow",
            "Action": ["s3:PutBucketVersioning"],
            "Resource": "arn:aws:s3:::*",
        }
    ]
    result = CliRunner().invoke(app, ["iam", "--config", str(path), "--role", "daemon"])
    (statement,) = json.loads(result.stdout)["Statement"]
    assert statement["Resource"] == "arn:aws:iam::*:role/s3warden-writer"
    path.write_text(FIXES.format(mode="plan"))
    result = CliRunner().invoke(app, ["iam", "--config", str(path), "--remediation"])
    assert (result.exit_code, result.stdout) == (2, "")


def test_writing_of_objects_is_given_on_objects(tmp_path: Path) -> None:
    """Not on buckets, which have no such permission."""
    path = tmp_path / "config.toml"
    path.write_text(FIXES.replace("bucket-versioning", "bucket-object-acl-public").format(mode="auto"))
    result = CliRunner().invoke(app, ["iam", "--config", str(path), "--remediation"])
    (statement,) = json.loads(result.stdout)["Statement"]
    assert statement["Action"] == ["s3:PutObjectAcl", "s3:PutObjectVersionAcl"]
    assert statement["Resource"] == "arn:aws:s3:::*/*"


@pytest.mark.parametrize(
    ("rule", "sid", "service", "policy"),
    [
        ("account-s3-files-policy", "WriteS3Files", "s3files", "FileSystemPolicy"),
        ("account-object-lambda-exposed", "WriteS3", "s3", "AccessPointPolicyForObjectLambda"),
    ],
)
def test_writing_of_policies_beside_buckets_is_not_given_on_buckets(
    rule: str, sid: str, service: str, policy: str, tmp_path: Path
) -> None:
    """To put one, and to delete it; nothing else of the service."""
    path = tmp_path / "config.toml"
    path.write_text(FIXES.replace("bucket-versioning", rule).format(mode="auto"))
    result = CliRunner().invoke(app, ["iam", "--config", str(path), "--remediation"])
    (statement,) = json.loads(result.stdout)["Statement"]
    assert statement == {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [f"{service}:Delete{policy}", f"{service}:Put{policy}"],
        "Resource": "*",
    }


def test_what_a_fix_reads_back_is_read_by_who_reads(tmp_path: Path) -> None:
    """Where something is carried out; the role that writes reads nothing."""
    path = tmp_path / "config.toml"
    for rule, read, writes in (
        ("account-access-analyzer", "access-analyzer:GetAnalyzer", "access-analyzer:CreateAnalyzer"),
        ("account-storage-lens", "s3:GetStorageLensConfiguration", "s3:PutStorageLensConfiguration"),
        ("account-bucket-change-alarm", "cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"),
    ):
        path.write_text(FIXES.replace("bucket-versioning", rule).format(mode="auto"))
        reading, writing = (
            {action for each in json.loads(result.stdout)["Statement"] for action in each["Action"]}
            for result in (
                CliRunner().invoke(app, ["iam", "--config", str(path), *more]) for more in ((), ("--remediation",))
            )
        )
        assert (read in reading, read in writing) == (True, False)
        assert (writes in reading, writes in writing) == (False, True)
        path.write_text(FIXES.replace("bucket-versioning", rule).format(mode="plan"))
        assert f'"{read}"' not in CliRunner().invoke(app, ["iam", "--config", str(path)]).stdout


def test_role_that_is_handed_to_a_service_is_the_one_of_the_settings(tmp_path: Path) -> None:
    """And any only where a bucket has to get its own again."""
    path = tmp_path / "config.toml"

    def passed(*rules: str, role: str) -> object:
        text = FIXES.replace('["bucket-versioning"]', json.dumps(rules)).format(mode="auto")
        text = text.replace("bucket-versioning", '", "'.join(rules)).replace("[remediation]", f"[remediation]\n{role}")
        path.write_text(text)
        result = CliRunner().invoke(app, ["iam", "--config", str(path), "--remediation"])
        found = {each["Sid"]: each for each in json.loads(result.stdout)["Statement"]}
        assert "iam:PassRole" not in found.get("WriteIam", {}).get("Action", ())
        return found["PassRoles"]["Resource"] if "PassRoles" in found else None

    role = 'backup_role = "service-role/backup"'
    assert passed("bucket-backup-plan", role=role) == "arn:aws:iam::*:role/service-role/backup"
    assert passed("bucket-backup-plan", role="") is None
    assert passed("bucket-backup-plan", "bucket-replication-external", role=role) == "*"


@pytest.mark.parametrize(("mode", "more"), [("off", False), ("plan", True), ("auto_when_safe", True)])
def test_what_a_fix_looks_at_is_read_too(mode: Literal["off", "plan", "auto_when_safe"], more: bool) -> None:
    """Even where it only plans."""
    chosen = Settings(rules=Rules(enable=("bucket-acls-disabled",)), remediation=Remediation(same_role=True))
    fixing = chosen.model_copy(update={"fixes": (Fix(name="x", rules=("all",), mode=mode),)})
    reads = planning.aspects(find("bucket-acls-disabled"))
    assert Aspect.ACL in reads - needed(chosen)
    assert needed(fixing) == (needed(chosen) | with_sources(reads) if more else needed(chosen))


def test_partition_follows_the_region_or_the_flag(tmp_path: Path) -> None:
    """No ARN of another partition."""
    assert statements(tmp_path, region="cn-north-1")["ReadBuckets"]["Resource"] == "arn:aws-cn:s3:::*"
    assert statements(tmp_path, "--partition", "aws-eusc")["ReadBuckets"]["Resource"] == "arn:aws-eusc:s3:::*"
    assert [partition_of(region) for region in ("us-gov-west-1", "eusc-de-east-1", None)] == [
        "aws-us-gov",
        "aws-eusc",
        "aws",
    ]


def test_event_pattern_is_json(tmp_path: Path) -> None:
    """With the services of the enabled rules only."""
    path = tmp_path / "config.toml"
    path.write_text('[rules]\nenable = ["bucket-versioning"]\n')
    result = CliRunner().invoke(app, ["event-pattern", "--config", str(path)])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["$or"][0]["source"] == ["aws.s3"]
