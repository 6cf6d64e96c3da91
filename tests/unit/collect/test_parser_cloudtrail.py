"""The tricky CloudTrail records, each case on its own."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from s3warden.collect.parser import parse
from s3warden.collect.triggers import CALLS
from s3warden.model.bucket import ACCOUNT_ASPECTS, BUCKET_ASPECTS, Aspect
from s3warden.model.event import Actor, Level, PointName, Poison, Refresh, Skip, Target
from support.cloudtrail import BUCKET, CALLER, DROP, OWNER, REGION, TIME, call, envelope, record


def refresh(body: str) -> Refresh:
    """The refresh that `body` asks for."""
    parsed = parse(body)
    assert isinstance(parsed, Refresh), parsed
    return parsed


def only_target(body: str) -> Target:
    """The single target of the refresh that `body` asks for."""
    (target,) = refresh(body).targets
    return target


def skipped(body: str) -> str:
    """The reason for which `body` is skipped."""
    parsed = parse(body)
    assert isinstance(parsed, Skip), parsed
    return parsed.reason


def test_plain_change_names_bucket_owner_region_partition_and_aspects() -> None:
    """A successful write gives the bucket in full, with only what the call changes."""
    assert only_target(call("PutBucketPolicy")) == Target(
        Level.BUCKET,
        OWNER,
        REGION,
        BUCKET,
        frozenset({Aspect.POLICY, Aspect.POLICY_STATUS, Aspect.PUBLIC_ACCESS_BLOCK}),
        "aws",
    )


def test_plain_change_tells_who_and_when() -> None:
    """The trigger has what a blame line needs."""
    trigger = refresh(call("PutBucketPolicy")).trigger
    assert trigger.name == "PutBucketPolicy"
    assert trigger.source == "aws.s3"
    assert trigger.event_id == "0c1f0a52-0000-4000-8000-00000000000a"
    assert trigger.event_time == datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
    assert trigger.actor == Actor(
        f"arn:aws:sts::{OWNER}:assumed-role/deployer/sam", "AssumedRole", OWNER, "203.0.113.5", "[invented-agent/1.0]"
    )
    assert not trigger.replay


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "BucketNotEmpty", "MalformedPolicy", 403, ["x"]])
def test_case_01_failed_call_asks_for_nothing(code: object) -> None:
    """A refused call changed nothing, and refreshing on it would let strangers spend our quota."""
    assert skipped(call("PutBucketAcl", errorCode=code)) == "call_failed"


@pytest.mark.parametrize("code", ["", None, DROP])
def test_case_01_empty_error_code_is_success(code: object) -> None:
    """Some pipelines keep the field with nothing in it."""
    assert refresh(call("PutBucketAcl", errorCode=code)).reason == "change"


@pytest.mark.parametrize("code", ["InternalError", "ServiceUnavailable"])
def test_case_02_unknown_outcome_is_looked_at(code: str) -> None:
    """After an error of the 5xx kind the call may have worked all the same."""
    found = refresh(call("DeleteBucketPolicy", errorCode=code))
    assert found.reason == "outcome_unknown"
    assert found.targets[0].bucket == BUCKET


@pytest.mark.parametrize("params", [None, [], ["a"], "text", 7, {}, {"bucketName": None}, {"bucketName": 7}, DROP])
def test_case_03_name_comes_from_the_resources(params: object) -> None:
    """Request parameters of the wrong type, or none, leave the resource's ARN."""
    assert only_target(call("PutBucketPolicy", requestParameters=params)).bucket == BUCKET


@pytest.mark.parametrize("resources", [DROP, None, [], {}, "x", [None], [{"type": "AWS::S3::Bucket"}]])
def test_case_04_nothing_to_name_is_counted(resources: object) -> None:
    """Without any bucket there is nothing to look at, and no crash."""
    assert skipped(call("PutBucketAcl", bucket="", resources=resources)) == "no_bucket"


@pytest.mark.parametrize("name", ["PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock"])
@pytest.mark.parametrize("region", ["us-east-1", "ap-south-1"])
def test_case_05_account_block_is_the_whole_account(name: str, region: str) -> None:
    """The account's block reaches every bucket, from whatever region it was called."""
    host = {"host": [f"{OWNER}.s3-control.{region}.amazonaws.com"]}
    found = refresh(call(name, requestParameters=host, resources=DROP, awsRegion=region))
    assert found.targets == (
        Target(Level.ACCOUNT, OWNER, aspects=frozenset({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK}), partition="aws"),
    )
    assert found.urgent


def test_case_06_event_name_decides_over_a_stray_bucket_name() -> None:
    """An account call stays one, whatever else somebody copied into the record."""
    target = only_target(call("PutAccountPublicAccessBlock"))
    assert (target.level, target.bucket, target.region) == (Level.ACCOUNT, None, None)


def test_case_07_both_copies_of_a_cross_account_call_point_at_the_owner() -> None:
    """The caller's copy has the caller as recipient and envelope; the resource knows better."""
    shared = "5e0d7c11-0000-4000-8000-00000000000c"
    copies = []
    for recipient, event_id in ((OWNER, "copy-1"), (CALLER, "copy-2")):
        detail = record(recipientAccountId=recipient, eventID=event_id, sharedEventID=shared)
        copies.append(refresh(json.dumps(envelope(detail, account=recipient))))
    assert copies[0].targets == copies[1].targets
    assert copies[0].targets[0].account == OWNER
    assert {copy.trigger.event_id for copy in copies} == {shared}


@pytest.mark.parametrize(
    ("identity", "principal"),
    [
        ({}, None),
        (None, None),
        ("text", None),
        ({"type": "AWSService", "invokedBy": "config.amazonaws.com"}, "config.amazonaws.com"),
        ({"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}, "anonymous"),
        ({"type": "AWSAccount", "principalId": "AIDAINVENTED", "accountId": CALLER}, "AIDAINVENTED"),
        ({"type": "SAMLUser", "principalId": "x:y", "userName": "sam"}, "sam"),
        ({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "user-7"}, "accountId": CALLER}, "user-7"),
        ({"type": "Root", "arn": f"arn:aws:iam::{OWNER}:root"}, f"arn:aws:iam::{OWNER}:root"),
    ],
)
def test_case_08_whoever_called_the_target_is_the_same(identity: object, principal: str | None) -> None:
    """The identity gives the actor, never the account."""
    found = refresh(call(userIdentity=identity))
    assert found.targets[0].account == OWNER
    assert (found.trigger.actor.principal if found.trigger.actor else None) == principal


def test_case_09_account_of_the_envelope_stands_in() -> None:
    """Records of 2015 to 2018 have neither recipient nor resources."""
    assert only_target(call(recipientAccountId=DROP, resources=DROP)).account == OWNER


@pytest.mark.parametrize(
    ("recipient", "account", "expected"),
    [
        ("000000054321", 54321, "000000054321"),
        (DROP, 54321, "000000054321"),
        (DROP, "54321", "000000054321"),
        ("54321", OWNER, OWNER),
        (DROP, True, None),
        (DROP, -5, None),
        (DROP, 10**12, None),
        (DROP, 1.5, None),
        (DROP, "\uff17" * 12, None),
        ("anonymous", DROP, None),
    ],
)
def test_case_10_account_ids_get_their_zeros_back(recipient: object, account: object, expected: str | None) -> None:
    """A number lost its leading zeros; what is no account id at all is None."""
    detail = record(recipientAccountId=recipient, resources=DROP)
    assert only_target(json.dumps(envelope(detail, account=account))).account == expected


@pytest.mark.parametrize(
    "params",
    [
        {"host": [f"{BUCKET}.s3.amazonaws.com"], "policy": [""]},
        {"Host": f"s3.{REGION}.amazonaws.com", "policy": ""},
        {"policy": [""]},
    ],
)
def test_case_11_spelling_of_host_and_flags_does_not_matter(params: dict[str, Any]) -> None:
    """Neither list nor capital nor absence changes the target."""
    assert only_target(call(requestParameters={"bucketName": BUCKET, **params})).region == REGION


@pytest.mark.parametrize("grant", ["", [], {}, [{}], {"Grantee": {"URI": "x"}, "Permission": "READ"}, None])
def test_case_12_xml_turned_json_in_any_form(grant: object) -> None:
    """The body of the request is not read, so its form cannot hurt."""
    params = {"bucketName": BUCKET, "AccessControlPolicy": {"AccessControlList": {"Grant": grant}}}
    aspects = only_target(call("PutBucketAcl", requestParameters=params)).aspects
    assert aspects == {Aspect.ACL, Aspect.OWNERSHIP, Aspect.PUBLIC_ACCESS_BLOCK}


@pytest.mark.parametrize("name", ["PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock"])
def test_a_change_of_the_block_reads_the_acl_again(name: str) -> None:
    """S3 answers with the ACL in effect: a public grant comes to light when IgnorePublicAcls goes."""
    assert only_target(call(name)).aspects == {Aspect.ACL, Aspect.PUBLIC_ACCESS_BLOCK}


@pytest.mark.parametrize("value", [True, 1, None, "", "😀"])
def test_case_12_tag_values_of_any_type(value: object) -> None:
    """Tag values arrive typed by guess."""
    params = {"bucketName": BUCKET, "Tagging": {"TagSet": {"Tag": {"Key": "k", "Value": value}}}}
    assert only_target(call("PutBucketTagging", requestParameters=params)).aspects == {Aspect.TAGGING}


@pytest.mark.parametrize(
    "extra",
    [
        {"x-amz-acl": "public-read"},
        {"x-amz-acl": ["public-read"]},
        {"accessControlList": {"x-amz-grant-read": "uri=x"}},
        {"AccessControlList": {"x_amz_grant_read": "uri=x"}},
        {"x_amz_grant_full_control": "id=x"},
        {"x-amz-object-ownership": "ObjectWriter"},
    ],
)
def test_case_13_bucket_born_with_grants_is_urgent(extra: dict[str, Any]) -> None:
    """A bucket can be public from its first second, in any spelling of the headers."""
    found = refresh(call("CreateBucket", requestParameters={"bucketName": BUCKET, **extra}, resources=DROP))
    assert found.urgent


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        (DROP, "us-east-1"),
        (None, "us-east-1"),
        ("", "us-east-1"),
        ({}, "us-east-1"),
        ({"LocationConstraint": ""}, "us-east-1"),
        ({"LocationConstraint": None}, "us-east-1"),
        ({"LocationConstraint": 7}, "us-east-1"),
        ({"LocationConstraint": "EU"}, "eu-west-1"),
        ({"LocationConstraint": "ap-southeast-4", "xmlns": "x"}, "ap-southeast-4"),
    ],
)
def test_case_14_created_bucket_lives_where_it_was_put(configuration: object, expected: str) -> None:
    """The location constraint wins over the region of the endpoint that took the call."""
    params = {"bucketName": BUCKET, "CreateBucketConfiguration": configuration}
    params = {key: value for key, value in params.items() if value is not DROP}
    found = refresh(call("CreateBucket", requestParameters=params, resources=DROP, awsRegion="us-east-1"))
    assert (found.targets[0].region, found.targets[0].account) == (expected, OWNER)
    assert found.targets[0].aspects == BUCKET_ASPECTS
    assert not found.urgent


@pytest.mark.parametrize(
    ("name", "aspect"),
    [
        ("PutBucketLifecycle", Aspect.LIFECYCLE),
        ("PutBucketNotification", Aspect.NOTIFICATION),
        ("PutBucketPublicAccessBlock", Aspect.PUBLIC_ACCESS_BLOCK),
        ("PutAccelerateConfiguration", Aspect.ACCELERATE),
        ("PutBucketObjectLockConfiguration", Aspect.OBJECT_LOCK),
        ("PutObjectLockConfiguration", Aspect.OBJECT_LOCK),
        ("DeleteBucketLifecycle", Aspect.LIFECYCLE),
        ("PutBucketReplication", Aspect.REPLICATION),
        ("DeleteBucketReplication", Aspect.REPLICATION),
        ("PutBucketWebsite", Aspect.WEBSITE),
        ("DeleteBucketWebsite", Aspect.WEBSITE),
        ("PutBucketCors", Aspect.CORS),
        ("DeleteBucketCors", Aspect.CORS),
        ("PutBucketRequestPayment", Aspect.REQUEST_PAYMENT),
        ("PutBucketAccelerateConfiguration", Aspect.ACCELERATE),
        ("PutInventoryConfiguration", Aspect.INVENTORY),
        ("PutBucketInventoryConfiguration", Aspect.INVENTORY),
        ("DeleteInventoryConfiguration", Aspect.INVENTORY),
        ("DeleteBucketInventoryConfiguration", Aspect.INVENTORY),
        ("PutBucketAbac", Aspect.ABAC),
        ("PutAnalyticsConfiguration", Aspect.ANALYTICS),
        ("PutBucketAnalyticsConfiguration", Aspect.ANALYTICS),
        ("DeleteAnalyticsConfiguration", Aspect.ANALYTICS),
        ("DeleteBucketAnalyticsConfiguration", Aspect.ANALYTICS),
        ("PutIntelligentTieringConfiguration", Aspect.INTELLIGENT_TIERING),
        ("PutBucketIntelligentTieringConfiguration", Aspect.INTELLIGENT_TIERING),
        ("DeleteIntelligentTieringConfiguration", Aspect.INTELLIGENT_TIERING),
        ("DeleteBucketIntelligentTieringConfiguration", Aspect.INTELLIGENT_TIERING),
        ("PutMetricsConfiguration", Aspect.REQUEST_METRICS),
        ("PutBucketMetricsConfiguration", Aspect.REQUEST_METRICS),
        ("DeleteMetricsConfiguration", Aspect.REQUEST_METRICS),
        ("DeleteBucketMetricsConfiguration", Aspect.REQUEST_METRICS),
    ],
)
def test_case_15_names_as_cloudtrail_writes_them(name: str, aspect: Aspect) -> None:
    """CloudTrail's names differ from the API's; what the call changes is read, and not the whole bucket."""
    aspects = only_target(call(name)).aspects
    assert aspect in aspects
    assert aspects < BUCKET_ASPECTS


@pytest.mark.parametrize(
    "name",
    ["PutPublicAccessBlock", "PutBucketLifecycleConfiguration", "CreateBucketMetadataConfiguration"],
)
def test_case_15_names_of_the_api_work_too(name: str) -> None:
    """Should CloudTrail ever write the API's name, the whole bucket is read."""
    assert refresh(call(name)).reason == "unknown_call"


def test_case_16_unknown_write_refreshes_the_whole_bucket() -> None:
    """A call that S3 learns tomorrow is not missed."""
    found = refresh(call("PutBucketTimeTravel"))
    assert found.reason == "unknown_call"
    assert found.targets[0].aspects == BUCKET_ASPECTS


@pytest.mark.parametrize(
    ("name", "flag"),
    [("ListBuckets", True), ("GetBucketAcl", DROP), ("HeadBucket", "true"), ("ProbeBucket", "true"), ("GetX", False)],
)
def test_case_17_read_only_call_asks_for_nothing(name: str, flag: object) -> None:
    """The verb tells, or the flag, also as text."""
    assert skipped(call(name, readOnly=flag, sharedEventID="s", errorCode="InternalError")) == "read_only"


@pytest.mark.parametrize("flag", ["false", False, None, DROP])
def test_case_17_read_only_false_as_text_is_false(flag: object) -> None:
    """The text `false` is not taken for true."""
    assert refresh(call("PutBucketTimeTravel", readOnly=flag)).reason == "unknown_call"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("PutObject", {}),
        ("DeleteObjects", {}),
        ("CopyObject", {}),
        ("PutObjectThing", {"eventCategory": "Data"}),
        ("PutObjectThing", {"managementEvent": False}),
        ("PutObjectThing", {"managementEvent": "false"}),
        ("PutObjectThing", {"requestParameters": {"bucketName": BUCKET, "key": "k"}}),
    ],
)
def test_case_18_object_level_call_asks_for_nothing(name: str, changes: dict[str, Any]) -> None:
    """Calls on objects change nothing that is read of a bucket, with or without their category."""
    assert skipped(call(name, **changes)) == "object_level"


def test_case_19_bucket_in_another_services_call_is_left_alone() -> None:
    """CreateTrail names a bucket and changes none: it is the account's trails that are looked at."""
    params = {"s3BucketName": BUCKET, "bucketName": BUCKET}
    detail = record("CreateTrail", eventSource="cloudtrail.amazonaws.com", requestParameters=params)
    found = parse(json.dumps(envelope(detail, source="aws.cloudtrail")))
    assert isinstance(found, Refresh)
    assert [(target.bucket, Aspect.TRAILS in target.aspects) for target in found.targets] == [(None, True)]
    assert skipped(json.dumps(envelope(detail))) == "other_service"


def test_case_19_odd_name_from_s3_with_a_bucket_is_looked_at() -> None:
    """With S3 as the source, any write that names a bucket counts."""
    assert refresh(call("CreateServiceLinkedRole")).reason == "unknown_call"


def test_case_20_outposts_are_left_alone() -> None:
    """Their buckets are no general purpose buckets."""
    detail = record("PutBucketPolicy", eventSource="s3-outposts.amazonaws.com")
    assert skipped(json.dumps(envelope(detail, source="aws.s3-outposts"))) == "other_service"


@pytest.mark.parametrize(
    ("service", "aspects"),
    [
        ("s3express", {Aspect.DIRECTORY_BUCKETS}),
        ("s3tables", {Aspect.TABLE_BUCKETS, Aspect.TABLE_REPLICATIONS}),
        ("s3vectors", {Aspect.VECTOR_BUCKETS}),
        ("s3files", {Aspect.FILE_SYSTEMS}),
    ],
)
def test_case_20_buckets_of_newer_kinds_are_the_accounts(service: str, aspects: set[Aspect]) -> None:
    """A general purpose bucket of the same name is left alone: the account's buckets of the kind are looked at."""
    detail = record("PutBucketPolicy", eventSource=f"{service}.amazonaws.com")
    found = parse(json.dumps(envelope(detail, source=f"aws.{service}")))
    assert isinstance(found, Refresh)
    assert [(target.bucket, target.aspects) for target in found.targets] == [(None, frozenset(aspects))]


def test_case_20_directory_bucket_is_left_alone() -> None:
    """Its name tells, even where the source does not."""
    assert skipped(call(bucket="invented--euw1-az1--x-s3")) == "not_general_purpose"


@pytest.mark.parametrize("partition", ["aws-us-gov", "aws-cn", "aws-eusc", "aws-iso-b"])
def test_case_21_partition_comes_from_the_records_arns(partition: str) -> None:
    """The bucket's ARN tells it, or else the caller's."""
    resources = [{"accountId": OWNER, "type": "AWS::S3::Bucket", "ARN": f"arn:{partition}:s3:::{BUCKET}"}]
    identity = {"arn": f"arn:{partition}:iam::{OWNER}:user/sam"}
    for changes in ({"resources": resources}, {"resources": DROP, "userIdentity": identity}):
        assert only_target(call(eventSource="s3.amazonaws.com.cn", **changes)).partition == partition
    block = call("DeleteAccountPublicAccessBlock", userIdentity=identity)
    assert only_target(block).partition == partition


@pytest.mark.parametrize(
    "name", ["a.b.c", "Old_Bucket", "0start", "__class__", "keys", "100%25", "x" * 255, "-odd-", "1234567"]
)
def test_case_22_strange_but_possible_names_pass_as_they_are(name: str) -> None:
    """Old buckets have capitals, underscores and up to 255 characters."""
    assert only_target(call(bucket=name)).bucket == name


@pytest.mark.parametrize(
    "name", ["a/b", "../x", "..", ".", "x" * 256, "a b", "a\nb", "a\x00b", "é", "\ud800", "a:b", "%"]
)
def test_case_22_impossible_names_are_refused(name: str) -> None:
    """What S3 cannot have called a bucket is named in no request of ours."""
    assert skipped(call(bucket=name, resources=DROP)) == "bad_bucket_name"


@pytest.mark.parametrize(
    "resource",
    [
        {"type": "AWS::S3::Bucket", "ARN": f"arn:aws:::{BUCKET}"},
        {"type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{BUCKET}/some/key"},
        {"ARN": f"arn:aws:s3:::{BUCKET}"},
    ],
)
def test_case_23_malformed_arns_still_name_the_bucket(resource: dict[str, str]) -> None:
    """The service may be missing, a key may follow, the type may be lost."""
    target = only_target(call(requestParameters=None, resources=resource | {"accountId": CALLER}))
    assert (target.bucket, target.account, target.partition) == (BUCKET, CALLER, "aws")


@pytest.mark.parametrize(
    "resource",
    [
        {"type": "AWS::S3::AccessPoint", "ARN": f"arn:aws:s3:{REGION}:{CALLER}:accesspoint/ap"},
        {"type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:{REGION}:{CALLER}:accesspoint/ap"},
        {"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::other/"},
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::other/key", "accountId": CALLER},
        {"ARN": "...", "type": "...", "accountId": "12345"},
        {"ARN": "arn:", "type": 7},
        {"ARN": None, "type": None, "accountId": CALLER},
    ],
)
def test_case_23_arns_of_other_things_name_no_bucket(resource: dict[str, Any]) -> None:
    """An access point's or an object's ARN is not taken for the bucket's."""
    assert skipped(call(requestParameters=None, resources=[resource])) == "no_bucket"
    assert only_target(call(resources=[resource])).account == OWNER


def test_case_23_owner_is_that_of_the_matching_resource() -> None:
    """With two buckets in the record, the owner is looked up by name."""
    resources = [
        {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::other", "accountId": CALLER},
        {"type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{BUCKET}", "accountId": OWNER},
    ]
    assert only_target(call(resources=resources, recipientAccountId=CALLER)).account == OWNER


def test_case_23_owner_survives_a_broken_arn() -> None:
    """The account beside a broken bucket ARN is still the owner's."""
    resources = [{"type": "AWS::S3::Bucket", "ARN": "garbage", "accountId": OWNER}]
    assert only_target(call(resources=resources, recipientAccountId=CALLER)).account == OWNER


def test_case_24_deleted_bucket_is_looked_at_in_full() -> None:
    """The fresh look finds nothing and the state goes away."""
    assert only_target(call("DeleteBucket")).aspects == BUCKET_ASPECTS


def test_case_25_duplicates_carry_the_same_id() -> None:
    """A repeated delivery can be told by its trigger."""
    assert parse(call()) == parse(call())


def test_case_25_replay_is_marked() -> None:
    """A replayed event is a hint to look, and is known for what it is."""
    assert refresh(json.dumps(envelope(record(), replay_name="drill"))).trigger.replay


def test_case_25_without_any_id_different_events_stay_apart() -> None:
    """Two events without ids are not merged into one trigger, a repeat of one is."""
    bodies = [json.dumps(envelope(record(bucket=name, eventID=DROP), id=DROP)) for name in ("one", "two", "one")]
    ids = [refresh(body).trigger.event_id for body in bodies]
    assert ids[0] == ids[2] != ids[1]
    assert all(ids)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2031-05-04T03:02:01.500Z", datetime(2031, 5, 4, 3, 2, 1, 500000, tzinfo=UTC)),
        ("2031-05-04T05:02:01+02:00", datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)),
        ("2031-05-04T03:02:01", datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)),
        ("2999-01-01T00:00:00Z", datetime(2999, 1, 1, tzinfo=UTC)),
        ("1999-01-01T00:00:00Z", datetime(1999, 1, 1, tzinfo=UTC)),
    ],
)
def test_case_26_times_in_any_form_come_out_as_utc(text: str, expected: datetime) -> None:
    """Fractions, offsets, the far past and the future are told as they are."""
    assert refresh(call(eventTime=text)).trigger.event_time == expected


@pytest.mark.parametrize("text", ["2031-05-04T10:83:28Z", "soon", "", None, 7, DROP, "0001-01-01T00:00:00+14:00"])
def test_case_26_unusable_times_fall_back_to_the_envelopes(text: object) -> None:
    """A broken time costs nothing but itself."""
    assert refresh(call(eventTime=text)).trigger.event_time == datetime.fromisoformat(TIME)
    body = json.dumps(envelope(record(eventTime=text), time="None"))
    assert refresh(body).trigger.event_time is None


def test_case_33_event_of_an_unknown_account_is_parsed_like_any() -> None:
    """Whether the account is guarded is for the pipeline to say."""
    detail = record(recipientAccountId="799999999999", resources=DROP, awsRegion="xx-nowhere-9")
    target = only_target(json.dumps(envelope(detail)))
    assert (target.account, target.region) == ("799999999999", "xx-nowhere-9")


def test_case_34_own_remediation_can_be_recognised() -> None:
    """Role session and user agent come through, and the bucket is looked at once more."""
    arn = f"arn:aws:sts::{OWNER}:assumed-role/s3warden/remediation"
    found = refresh(call(userIdentity={"type": "AssumedRole", "arn": arn}, userAgent=["s3warden/0.1"]))
    assert found.trigger.actor is not None
    assert (found.trigger.actor.principal, found.trigger.actor.user_agent) == (arn, "s3warden/0.1")


def test_case_35_every_event_of_a_storm_gives_the_same_target() -> None:
    """So that the refresh queue can merge them."""
    targets = {only_target(call("PutBucketPolicy", eventID=f"event-{number}")) for number in range(100)}
    assert len(targets) == 1


@pytest.mark.parametrize("policy", ["{cut", {"Statement": [{"Effect": "Allow", "Principal": "*"}]}, None, []])
def test_case_36_the_policy_in_the_event_decides_nothing(policy: object) -> None:
    """Public or not, the answer is to look."""
    params = {"bucketName": BUCKET, "bucketPolicy": policy}
    assert refresh(call(requestParameters=params)) == refresh(call())


def test_case_38_texts_are_printable_and_bounded() -> None:
    """Control characters, line breaks and bidirectional overrides do not get through, nor does a kilobyte of junk."""
    nasty = "a\x1b[31m\r\nb\u202ec\u2028d\ud800" + "x" * 3000
    found = refresh(
        call(
            userIdentity={"arn": nasty, "type": nasty},
            userAgent=nasty,
            sourceIPAddress=nasty,
            sharedEventID=nasty,
        )
    )
    actor = found.trigger.actor
    assert actor is not None
    for text in (actor.principal, actor.kind, actor.user_agent, actor.source_ip, found.trigger.event_id):
        assert text
        assert text.isprintable()
        assert text.startswith("a [31m  b c d ")
        assert len(text) <= 512


@pytest.mark.parametrize("name", [None, "", 7, [], DROP])
def test_record_without_a_name_is_poison(name: object) -> None:
    """Without an event name nobody can say what happened."""
    parsed = parse(call(eventName=name))
    assert isinstance(parsed, Poison)
    assert parsed.reason == "no_event_name"


def test_record_with_a_cut_request_uses_the_resources() -> None:
    """CloudTrail cuts fields over their cap and marks them."""
    assert only_target(call(requestParameters={"omitted": True})).bucket == BUCKET


def test_account_call_without_any_account_is_skipped() -> None:
    """An account that nobody names cannot be looked at."""
    detail = record("DeleteAccountPublicAccessBlock", recipientAccountId=DROP)
    assert skipped(json.dumps(envelope(detail, account=DROP))) == "no_account"


def test_access_point_leads_to_its_bucket_and_the_buckets_account() -> None:
    """The bucket may belong to another account than the access point."""
    request = {"Bucket": BUCKET, "BucketAccountId": CALLER}
    params = {"name": "ap", "CreateAccessPointRequest": request}
    resources = [{"type": "AWS::S3::AccessPoint", "ARN": f"arn:aws:s3:{REGION}:{OWNER}:accesspoint/ap"}]
    target = only_target(call("CreateAccessPoint", requestParameters=params, resources=resources))
    assert (target.bucket, target.account) == (BUCKET, CALLER)
    del request["BucketAccountId"]
    assert only_target(call("CreateAccessPoint", requestParameters=params, resources=resources)).account == OWNER


def points_at(body: str) -> tuple[str | None, str | None, PointName | None]:
    """Account, partition and access point of the single target, which is nothing but that."""
    target = only_target(body)
    assert (target.level, target.region, target.bucket) == (Level.ACCOUNT, None, None)
    assert target.aspects == {Aspect.ACCESS_POINTS}
    return target.account, target.partition, target.access_point


@pytest.mark.parametrize(
    "name",
    [
        *("DeleteAccessPoint", "PutAccessPointPolicy", "DeleteAccessPointPolicy"),
        *("PutAccessPointScope", "DeleteAccessPointScope"),
    ],
)
def test_access_point_without_its_bucket_is_handed_on_by_name(name: str) -> None:
    """These records have the access point's name only; the ARN beside it tells account and region for certain."""
    params = {"name": "ap1", "Host": f"{OWNER}.s3-control.{REGION}.amazonaws.com"}
    plain = call(name, requestParameters=params, resources=DROP)
    assert points_at(plain) == (OWNER, "aws", PointName("ap1", REGION))
    arn = f"arn:aws-us-gov:s3:us-gov-west-1:{CALLER}:accesspoint/ap2"
    told = call(name, requestParameters=params, resources=[{"type": "AWS::S3::AccessPoint", "ARN": arn}])
    assert points_at(told) == (CALLER, "aws-us-gov", PointName("ap2", "us-gov-west-1"))


@pytest.mark.parametrize("name", [None, "", 7, [], {}, "UPPER", "a b", "x" * 300, "../..", "no_score", "ap/../x"])
def test_what_no_access_point_can_be_called_names_nothing(name: object) -> None:
    """A name goes into a request to AWS, so only a possible one may."""
    assert skipped(call("PutAccessPointPolicy", requestParameters={"name": name}, resources=DROP)) == "no_bucket"


def test_access_point_of_nobody_is_skipped() -> None:
    """Without an account there is nobody to ask."""
    detail = record("DeleteAccessPoint", requestParameters={"name": "ap1"}, resources=DROP, recipientAccountId=DROP)
    assert skipped(json.dumps(envelope(detail, account=DROP))) == "no_bucket"


def test_access_point_policy_cannot_wait_and_a_new_access_point_can() -> None:
    """Only a policy lets somebody in."""
    params = {"name": "ap1", "CreateAccessPointRequest": {"Bucket": BUCKET}}
    assert refresh(call("PutAccessPointPolicy", requestParameters=params)).urgent
    assert not refresh(call("CreateAccessPoint", requestParameters=params)).urgent


@pytest.mark.parametrize(
    "name", ["CreateMultiRegionAccessPoint", "DeleteMultiRegionAccessPoint", "PutMultiRegionAccessPointPolicy"]
)
def test_multi_region_access_point_is_the_accounts(name: str) -> None:
    """It reaches buckets of many regions, so it is read once for the account, whatever region the record is from."""
    found = refresh(call(name, awsRegion="us-west-2", requestParameters={"name": "m"}, resources=DROP))
    aspects = frozenset({Aspect.MULTI_REGION_ACCESS_POINTS})
    assert found.targets == (Target(Level.ACCOUNT, OWNER, aspects=aspects, partition="aws"),)
    assert found.urgent is name.startswith("Put")


@pytest.mark.parametrize("verb", ["Create", "Delete"])
@pytest.mark.parametrize("what", ["AccessPoint", "AccessPointPolicy"])
def test_object_lambda_access_point_is_the_accounts(verb: str, what: str) -> None:
    """Only a policy lets somebody in; it is an access point of its own, not the one of that name."""
    name = f"{'Put' if (verb, what) == ('Create', 'AccessPointPolicy') else verb}{what}ForObjectLambda"
    found = refresh(call(name, requestParameters={"name": "ap1"}, resources=DROP))
    aspects = frozenset({Aspect.OBJECT_LAMBDA_POINTS})
    assert found.targets == (Target(Level.ACCOUNT, OWNER, aspects=aspects, partition="aws"),)
    assert found.urgent is what.endswith("Policy")


def test_two_access_points_in_one_message_stay_two() -> None:
    """A log file may tell of several; none may swallow the other."""
    records = [record("DeleteAccessPoint", requestParameters={"name": n}, resources=DROP) for n in ("ap1", "ap2")]
    targets = refresh(json.dumps({"Records": records})).targets
    assert [target.access_point for target in targets] == [PointName("ap1", REGION), PointName("ap2", REGION)]


def test_tagged_bucket_is_found_by_the_arn_in_the_request() -> None:
    """TagResource names its resource by ARN."""
    params = {"resourceArn": f"arn:aws:s3:::{BUCKET}"}
    target = only_target(call("TagResource", requestParameters=params, resources=DROP))
    assert (target.bucket, target.aspects) == (BUCKET, frozenset({Aspect.TAGGING}))


def test_every_known_call_gives_aspects_of_its_level() -> None:
    """No call of the table asks for a look at nothing."""
    for name, known in CALLS.items():
        possible = ACCOUNT_ASPECTS if known.level is Level.ACCOUNT else BUCKET_ASPECTS
        found = refresh(call(name))
        assert found.targets[0].aspects
        assert found.targets[0].aspects <= possible
        assert found.urgent == known.urgent


@pytest.mark.parametrize("part", ["Acl", "Policy", "PublicAccessBlock", "OwnershipControls"])
def test_calls_that_widen_access_are_urgent(part: str) -> None:
    """No quiet period for what can open a bucket."""
    names = [name for name in CALLS if part in name]
    assert names
    assert all(CALLS[name].urgent for name in names)
