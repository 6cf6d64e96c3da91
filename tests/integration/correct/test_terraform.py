"""The Terraform that people are given, by plans and on the pages of rules: a parser reads it, the provider takes it."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.cache import Cache
from s3warden.correct import render_terraform, render_terraform_services
from s3warden.correct.look import Looks
from s3warden.correct.remedies import REMEDIES
from s3warden.correct.remedy import Edit, Look, Remedy, Scene, Wanted
from s3warden.correct.steps import place_of, step
from s3warden.detect.rule import Kind, RuleOptions, UnreadableError
from s3warden.detect.rules import RULES, find
from s3warden.detect.samples import ACCOUNT, bucket
from s3warden.model.action import Declined
from s3warden.model.bucket import Aspect, Subject
from support.scenes import ARN, BUCKET, account_look, acl, finding, group, look, policy, user
from support.services import Services
from support.terraform import MISSING, Terraform, installed, module, parsed

# What versions of the provider before 2026 do not know; they name it where they complain.
NEWER = ("blocked_encryption_types", "S3_POLICY", "aws_s3vectors_")
LOGS = replace(BUCKET, name="example-logs")
OPTIONS = RuleOptions(
    minimum_tls="1.2",
    upload_encryption=("aws:kms",),
    log_prefix="{account}/{bucket}/",
    log_key_format="EventTime",
    kms_keys=("alias/data",),
    organization_id="o-ourownorg1",
    forbidden_statements=('{"Sid": "Forbidden"}',),
    required_statements=(
        json.dumps({"Sid": "House", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"{ARN}/x"}),
    ),
)
WANTED = Wanted(
    log_bucket=LOGS.name,
    inventory_bucket=LOGS.name,
    kms_key="alias/data",
    tags=dict.fromkeys(("Role", "Environment", "Owner"), '${x} %{y} "z"'),
    alarm_topic="arn:aws:sns:{region}:{account}:security",
    backup_plan="daily",
    backup_role="backup",
)


def statement(sid: str, **more: Any) -> dict[str, Any]:
    """Everyone may read the objects, unless told otherwise."""
    return {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*", **more}


def encryption(key: str) -> dict[str, Any]:
    """By a KMS key, without a bucket key."""
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": False}]
    return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


PARTNER = {"AWS": "arn:aws:iam::777788889999:root"}
POINT = f"arn:aws:s3:{BUCKET.region}:{BUCKET.account}:accesspoint/data"
LOG_DELIVERY = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}
BAD = look(
    {
        Aspect.ACL: acl(group("AllUsers", "READ"), user(7), {"Grantee": LOG_DELIVERY, "Permission": "WRITE"}),
        Aspect.POLICY: policy(
            statement("Public", Resource=f"{ARN}/home/${{aws:username}}/*"),
            statement("Forbidden"),
            statement("Partner", Principal=PARTNER, Action="s3:PutBucketPolicy"),
            statement("Referer", Condition={"StringLike": {"aws:Referer": "https://example.com/%{x}*"}}),
            statement("Trail", Principal={"Service": "cloudtrail.amazonaws.com"}, Action="s3:PutObject"),
            statement("Ours", Principal={"AWS": f"arn:aws:iam::{BUCKET.account}:role/app"}),
        ),
        Aspect.ENCRYPTION: encryption("alias/own"),
        Aspect.TAGGING: {"TagSet": [{"Key": 'Te"am', "Value": "red"}]},
        Aspect.VERSIONING: {"Status": "Enabled"},
        Aspect.LOGGING: {
            "LoggingEnabled": {
                "TargetBucket": "elsewhere",
                "TargetPrefix": "own/",
                "TargetGrants": [group("AllUsers", "READ")],
            }
        },
        Aspect.LIFECYCLE: {
            "Rules": [
                {
                    "ID": "old",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 9},
                }
            ]
        },
        Aspect.CORS: {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*", "https://example.com"]}]},
        Aspect.REQUEST_PAYMENT: {"Payer": "Requester"},
        Aspect.WEBSITE: {"IndexDocument": {"Suffix": "i"}},
    }
)
MEMBERS = look(
    {
        Aspect.POLICY: policy(
            statement("Members", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-elsewhere1"}}),
            statement("Ours", Principal={"AWS": f"arn:aws:iam::{BUCKET.account}:role/app"}),
        )
    }
)
DELEGATING = look(
    {
        Aspect.POLICY: policy(
            statement("Points", Condition={"StringEquals": {"s3:DataAccessPointAccount": BUCKET.account}})
        ),
        Aspect.ACCESS_POINTS: {
            POINT: policy(
                statement("Partner", Principal=PARTNER, Resource=f"{POINT}/object/*"),
                statement("Ours", Principal={"AWS": f"arn:aws:iam::{BUCKET.account}:role/app"}, Resource=POINT),
            )
        },
    }
)
OURS = f"arn:aws:iam::{BUCKET.account}:role/app"
NEWER_POLICY = policy(
    statement("All", Action="*", Resource="*"), statement("Ours", Principal={"AWS": OURS}, Action="*", Resource="*")
)["Policy"]
TABLES = f"arn:aws:s3tables:eu-west-1:{ACCOUNT.account}:bucket/data"
TRAIL = f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT.account}:trail/main"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT.account}:key/1234"
GROUP = f"arn:aws:logs:eu-west-1:{ACCOUNT.account}:log-group:/aws/trail:*"
FEEDING = {"HomeRegion": "eu-west-1", "IsMultiRegionTrail": True, "CloudWatchLogsLogGroupArn": GROUP}
MANAGEMENT = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}
SERVICES: Mapping[str, Any] = {
    "bucket GetBucketEncryption": encryption(KEY),
    "bucket GetBucketVersioning": {"Status": "Enabled"},
    "kms DescribeKey": {"KeyMetadata": {"Arn": KEY, "KeyManager": "CUSTOMER", "KeyState": "Enabled"}},
    "kms GetKeyRotationStatus": {"KeyRotationEnabled": False, "KeyId": KEY},
    "kms GetKeyPolicy": policy(
        statement("Root", Principal={"AWS": f"arn:aws:iam::{ACCOUNT.account}:root"}, Action="kms:*", Resource="*"),
        statement("All", Action="kms:Decrypt", Resource="*"),
    ),
    "cloudtrail DescribeTrails": {
        "trailList": [{"TrailARN": TRAIL, "Name": "main", "S3BucketName": "logs", **FEEDING}]
    },
    "cloudtrail GetTrailStatus": {"IsLogging": True},
    "cloudtrail GetEventSelectors": {"TrailARN": TRAIL, "EventSelectors": [MANAGEMENT]},
    "cloudtrail ListEventDataStores": {"EventDataStores": []},
    "logs DescribeMetricFilters": {"metricFilters": []},
    "cloudwatch DescribeAlarmsForMetric": {"MetricAlarms": []},
    "macie2 GetMacieSession": AwsError("AccessDeniedException", "Macie is not enabled", status=403),
    "macie2 GetAutomatedDiscoveryConfiguration": {"status": "DISABLED"},
    "accessanalyzer ListAnalyzers": {"analyzers": []},
    "guardduty ListDetectors": {"DetectorIds": ["d1"]},
    "guardduty GetDetector": {"Status": "ENABLED", "Features": []},
    "guardduty GetAdministratorAccount": {},
    "s3 ListDirectoryBuckets": {"Buckets": [{"Name": "data--euw1-az1--x-s3"}]},
    "s3 GetBucketPolicy": policy(
        statement("All", Action="*", Resource="*"), statement("Ours", Principal={"AWS": OURS})
    ),
    "s3 GetBucketEncryption": encryption(KEY),
    "s3 GetBucketLifecycleConfiguration": AwsError("NoSuchLifecycleConfiguration", status=404),
    "s3tables ListTableBuckets": {"tableBuckets": [{"arn": TABLES}]},
    "s3tables GetTableBucketPolicy": {"resourcePolicy": NEWER_POLICY},
    "s3tables GetTableBucketEncryption": AwsError("NotFoundException", status=404),
    "s3vectors ListVectorBuckets": {"vectorBuckets": [{"vectorBucketName": "data"}]},
    "s3vectors GetVectorBucketPolicy": {"policy": NEWER_POLICY},
    "s3vectors GetVectorBucket": {"vectorBucket": {"encryptionConfiguration": {"sseType": "AES256"}}},
    "backup ListBackupPlans": {"BackupPlansList": [{"BackupPlanId": "p", "BackupPlanName": "daily"}]},
    "backup ListBackupSelections": {"BackupSelectionsList": []},
}
DISABLED = {"kms DescribeKey": {"KeyMetadata": {"Arn": KEY, "KeyManager": "CUSTOMER", "KeyState": "Disabled"}}}


async def scenes(remedy: Remedy) -> Sequence[Scene]:
    """Buckets and accounts with much that is wrong, for each rule of the remedy."""
    log_bucket = look({})
    log_bucket = replace(log_bucket, state=replace(log_bucket.state, ref=LOGS))  # type: ignore[arg-type]
    found = []
    for rule in map(find, sorted(remedy.rules)):
        subject: Subject = BUCKET if rule.kind is Kind.BUCKET else ACCOUNT
        seen = [await _read(subject, remedy, SERVICES), await _read(subject, remedy, {**SERVICES, **DISABLED})]
        if rule.kind is Kind.BUCKET:
            seen += [replace(each, beside=(log_bucket,)) for each in (BAD, MEMBERS, DELEGATING, look({}))]
        else:
            seen.append(account_look({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: None}))
        found += [Scene(finding(rule.info.id, subject), rule, each, OPTIONS, WANTED) for each in seen]
        # Table buckets take the ARN of a key.
        by_arn = replace(WANTED, kms_key=KEY)
        found.append(Scene(finding(rule.info.id, subject), rule, seen[0], OPTIONS, by_arn))
    return found


async def _read(subject: Subject, remedy: Remedy, answers: Mapping[str, Any]) -> Look:
    return await Looks(Services(dict(answers)), cache=Cache()).at(subject, remedy.reads, ("eu-west-1",))


async def patch(remedy: Remedy) -> list[str]:
    """What a plan by this remedy says to change in the code, a text for each of its steps; empty if none fits."""
    for scene in await scenes(remedy):
        try:
            edits = remedy.plan(scene)
        except UnreadableError:
            continue
        if not isinstance(edits, Declined) and edits:
            return list(_texts(scene, edits))
    return []


def _texts(scene: Scene, edits: Sequence[Edit]) -> Iterator[str]:
    for edit in edits:
        of = scene.look if edit.bucket is None else scene.at(edit.bucket)
        known = of.documents.get(edit.aspect) if of is not None else None
        before = known if edit.place is None or known is None else known.get(edit.place)
        made = step(edit, before if isinstance(before, Mapping) else None, scene.finding.subject)
        yield "\n".join(render_terraform.terraform(made, place_of(made, scene.finding.subject)))


def page(rule_id: str) -> str:
    """The Terraform on the page of a rule."""
    rule = find(rule_id)
    state = bucket() if rule.kind is Kind.BUCKET else rule.examples[0].state
    return rule.info.fix(state.ref).terraform


@pytest.mark.parametrize("remedy", REMEDIES, ids=lambda remedy: remedy.id)
async def test_patches_are_code(remedy: Remedy) -> None:
    """Whatever is in names and values; lines that belong into a resource belong into one that we know."""
    texts = await patch(remedy)
    assert parsed(module(*texts)) or all(line.startswith("#") for text in texts for line in text.splitlines())


async def test_every_resource_of_patches_is_shown() -> None:
    """Whatever resource a patch may hold is in one of those above, so that the provider is asked about it, too."""
    source = inspect.getsource(render_terraform) + inspect.getsource(render_terraform_services)
    shown = "\n".join([text for remedy in REMEDIES for text in await patch(remedy)])
    assert set(re.findall(r"aws_\w+", source)) <= set(re.findall(r"aws_\w+", shown))


@pytest.mark.parametrize("rule_id", [rule.info.id for rule in RULES])
def test_pages_are_code(rule_id: str) -> None:
    """Each text is a comment, a resource, or lines that belong into one."""
    text = page(rule_id)
    assert parsed(module(text)) or all(line.startswith("#") for line in text.splitlines())


@pytest.fixture(scope="module")
def terraform() -> Terraform:
    """The binary with the provider, where both are there."""
    found = installed()
    if found is None:
        pytest.skip(MISSING)
    return found


async def test_provider_takes_patches_and_pages(terraform: Terraform, tmp_path: Path) -> None:
    """Every argument, block and value, as far as that can be told without an account; each text in a module."""
    modules = {f"rule-{rule.info.id}": module(page(rule.info.id)) for rule in RULES}
    modules |= {f"patch-{remedy.id}": module(*await patch(remedy)) for remedy in REMEDIES}
    found = terraform.complaints(modules, tmp_path)
    assert {name: said for name, said in found.items() if not any(word in str(said) for word in NEWER)} == {}


def test_pages_are_in_the_form_that_terraform_gives(terraform: Terraform, tmp_path: Path) -> None:
    """So that what is copied makes no difference of its own."""
    for rule in RULES:
        (tmp_path / f"{rule.info.id}.tf").write_text(f"{page(rule.info.id)}\n", encoding="utf-8")
    assert terraform.differences(tmp_path) == ""
