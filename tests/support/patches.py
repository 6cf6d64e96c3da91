"""Scenes in which every remedy has a plan: buckets and accounts with much that is wrong, with names hard to quote.

`patches` has what people are told to change in their Terraform, a text for each step of each plan.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from s3warden.aws.errors import AwsError
from s3warden.collect import objects
from s3warden.collect.cache import Cache
from s3warden.correct import render_terraform
from s3warden.correct.look import Looks
from s3warden.correct.remedy import Edit, Look, Remedy, Scene, Wanted
from s3warden.correct.steps import place_of, step
from s3warden.detect.rule import Kind, RuleOptions, UnreadableError
from s3warden.detect.rules import find
from s3warden.detect.samples import ACCOUNT
from s3warden.model.action import Declined
from s3warden.model.bucket import Aspect, Present, Subject
from s3warden.model.objects import ObjectAcl, ObjectAcls, ObjectName
from s3warden.model.references import Destination, Destinations, Reference, References, Standing, Use
from support.scenes import ARN, BUCKET, account_look, acl, finding, group, look, policy, user
from support.services import Services

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


PARTNER_ACCOUNT = "777788889999"
PARTNER = {"AWS": f"arn:aws:iam::{PARTNER_ACCOUNT}:root"}
POINT = f"arn:aws:s3:{BUCKET.region}:{BUCKET.account}:accesspoint/data"
EVERYWHERE = f"arn:aws:s3::{BUCKET.account}:accesspoint/everywhere.mrap"
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
        Aspect.MULTI_REGION_ACCESS_POINTS: {
            f"us-west-2:{BUCKET.account}/everywhere": {
                "Policy": {
                    "Established": policy(
                        statement("Partner", Principal=PARTNER, Resource=f"{EVERYWHERE}/object/${{aws:username}}/*"),
                        statement(
                            "Ours", Principal={"AWS": f"arn:aws:iam::{BUCKET.account}:role/app"}, Resource=EVERYWHERE
                        ),
                    )
                }
            }
        },
    }
)
SERVED = look(
    {
        Aspect.POLICY: policy(
            statement("Cdn", Principal={"Service": "cloudfront.amazonaws.com"}),
            statement("Ours", Principal={"AWS": f"arn:aws:iam::{BUCKET.account}:role/app"}),
        )
    },
    readings={Aspect.REFERRERS: Present(References((Reference(Use.ORIGIN, BUCKET.name, BUCKET.account, "E1"),)))},
)


def copies() -> Look:
    """Rules of replication of both forms to another account's bucket, and one to our own."""
    home = {"Bucket": "arn:aws:s3:::home", "StorageClass": "GLACIER_IR"}
    away = {"Bucket": "arn:aws:s3:::away", "Account": PARTNER_ACCOUNT}
    both = {"Prefix": "${x}/", "Tags": [{"Key": 'a "b"', "Value": "%{c}"}, {"Key": "d"}]}
    newer = {"Status": "Enabled", "DeleteMarkerReplication": {"Status": "Disabled"}, "Destination": away}
    rules = [
        {**newer, "ID": "both", "Priority": 1, "Filter": {"And": both}},
        {**newer, "ID": "tag", "Priority": 2, "Filter": {"Tag": {"Key": "e"}}},
        {**newer, "ID": "all", "Priority": 3, "Filter": {}, "Destination": home},
        {"ID": "older", "Prefix": "", "Status": "Enabled", "Destination": away},
    ]
    standings = {
        "home": Standing("home", exists=True, owner=BUCKET.account, region="eu-west-1"),
        "away": Standing("away", exists=True, owner=PARTNER_ACCOUNT, region="us-east-1"),
    }
    found = tuple(
        Destination(name, (Reference(Use.REPLICATION, name, BUCKET.account, BUCKET.name),), Present(standing))
        for name, standing in standings.items()
    )
    known = {"ReplicationConfiguration": {"Role": f"arn:aws:iam::{BUCKET.account}:role/copy", "Rules": rules}}
    readings = {Aspect.REPLICATION_DESTINATIONS: Present(Destinations(found))}
    return look({Aspect.REPLICATION: known}, readings=readings)


def open_object() -> Look:
    """An object that its own ACL opens."""
    answer = acl(group("AllUsers", "READ"), user(7))
    known = ObjectAcls((ObjectAcl(ObjectName("a b/${x}"), objects.READ.understood(answer)),))
    seen = look({}, readings={Aspect.OBJECT_ACL: Present(known)})
    return replace(seen, documents={**seen.documents, Aspect.OBJECT_ACL: {"a b/${x}": answer}})


def told() -> Look:
    """Targets of notifications, one of them another account's, and one alone."""
    events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"]
    rules = [{"Name": "Prefix", "Value": "${x}/"}, {"Name": "Suffix", "Value": ".csv"}]
    mine = {"Id": "q", "QueueArn": f"arn:aws:sqs:eu-west-1:{BUCKET.account}:q", "Events": events}
    theirs = {"Id": "t", "TopicArn": f"arn:aws:sns:eu-west-1:{PARTNER_ACCOUNT}:t", "Events": events}
    filtered = {**mine, "Filter": {"Key": {"FilterRules": rules}}}
    known = {"QueueConfigurations": [filtered], "TopicConfigurations": [theirs], "EventBridgeConfiguration": {}}
    return look({Aspect.NOTIFICATION: known})


LOOKS = (BAD, MEMBERS, DELEGATING, SERVED, copies(), open_object(), told(), look({}))
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
SELECTOR = {
    "Name": "management",
    "FieldSelectors": [
        {"Field": "eventCategory", "Equals": ["Management"]},
        {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]},
    ],
}
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
    "s3files ListFileSystems": {"fileSystems": [{"fileSystemId": "fs-1", "bucket": "arn:aws:s3:::data"}]},
    "s3files GetFileSystemPolicy": {"policy": NEWER_POLICY},
    "s3control ListAccessPointsForObjectLambda": {"ObjectLambdaAccessPointList": [{"Name": "data"}]},
    "s3control GetAccessPointPolicyForObjectLambda": {"Policy": NEWER_POLICY},
    "backup ListBackupPlans": {"BackupPlansList": [{"BackupPlanId": "p", "BackupPlanName": "daily"}]},
    "backup ListBackupSelections": {"BackupSelectionsList": []},
}
DISABLED = {"kms DescribeKey": {"KeyMetadata": {"Arn": KEY, "KeyManager": "CUSTOMER", "KeyState": "Disabled"}}}
ADVANCED = {"cloudtrail GetEventSelectors": {"TrailARN": TRAIL, "AdvancedEventSelectors": [SELECTOR]}}


async def scenes(remedy: Remedy) -> Sequence[Scene]:
    """Buckets and accounts with much that is wrong, for each rule of the remedy."""
    log_bucket = look({})
    log_bucket = replace(log_bucket, state=replace(log_bucket.state, ref=LOGS))  # type: ignore[arg-type]
    found = []
    for rule in map(find, sorted(remedy.rules)):
        subject: Subject = BUCKET if rule.kind is Kind.BUCKET else ACCOUNT
        seen = [await _read(subject, remedy, {**SERVICES, **other}) for other in ({}, DISABLED, ADVANCED)]
        if rule.kind is Kind.BUCKET:
            seen += [replace(each, beside=(log_bucket,)) for each in LOOKS]
        else:
            seen.append(account_look({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: None}))
        found += [Scene(finding(rule.info.id, subject), rule, each, OPTIONS, WANTED) for each in seen]
        # Table buckets take the ARN of a key.
        by_arn = replace(WANTED, kms_key=KEY)
        found.append(Scene(finding(rule.info.id, subject), rule, seen[0], OPTIONS, by_arn))
    return found


async def _read(subject: Subject, remedy: Remedy, answers: Mapping[str, Any]) -> Look:
    return await Looks(Services(dict(answers)), cache=Cache()).at(subject, remedy.reads, ("eu-west-1",))


async def patches(remedy: Remedy) -> list[tuple[str, ...]]:
    """What each plan by this remedy says to change in the code, a text for each of its steps."""
    found: dict[tuple[str, ...], None] = {}
    for scene in await scenes(remedy):
        try:
            edits = remedy.plan(scene)
        except UnreadableError:
            continue
        if not isinstance(edits, Declined) and edits:
            found[tuple(_texts(scene, edits))] = None
    return list(found)


def _texts(scene: Scene, edits: Sequence[Edit]) -> Iterator[str]:
    for edit in edits:
        of = scene.look if edit.bucket is None else scene.at(edit.bucket)
        known = of.documents.get(edit.aspect) if of is not None else None
        before = known if edit.place is None or known is None else known.get(edit.place)
        made = step(edit, before if isinstance(before, Mapping) else None, scene.finding.subject)
        yield "\n".join(render_terraform.terraform(made, place_of(made, scene.finding.subject)))
