"""Random buckets: whatever is planned changes the planned attribute alone, mends the rule, and can be taken back."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3warden.collect.derived import TARGET_ASPECTS
from s3warden.correct.policy_text import statements_of
from s3warden.correct.remedies import REMEDIES
from s3warden.correct.remedy import Look, Wanted
from s3warden.correct.steps import seen as settled
from s3warden.correct.writes import WRITES
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import Kind, RuleOptions
from s3warden.detect.rules import RULES, find
from s3warden.detect.samples import DENIED
from s3warden.model.action import Declined, RemediationPlan, Step
from s3warden.model.bucket import ABSENT, ACCOUNT_ASPECTS, Aspect, BucketRef, BucketState, Present, Reading
from s3warden.model.finding import Verdict
from s3warden.model.references import LogTarget, Reference, References, Standing, Use
from s3warden.model.references import settings as settings_of
from support.scenes import ARN, BUCKET, acl, block, declined, group, look, plan, policy, user
from support.settings_store import after

RULE_IDS = sorted(
    rule.info.id
    for rule in RULES
    if rule.kind is Kind.BUCKET and any(rule.info.id in remedy.rules for remedy in REMEDIES)
)
REQUIRED = {"Sid": "House", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*"}
OPTIONS = RuleOptions(
    minimum_tls="1.2",
    upload_encryption=("aws:kms",),
    log_prefix="{account}/{bucket}/",
    log_key_format="EventTime",
    kms_keys=("alias/data",),
    organization_id="o-ourownorg1",
    forbidden_statements=('{"Sid": "A"}',),
    required_statements=(json.dumps({**REQUIRED, "Resource": "arn:aws:s3:::{bucket}/*"}),),
)
LOGS = BucketRef(BUCKET.partition, BUCKET.account, "eu-west-1", "example-logs")
WANTED = Wanted(
    log_bucket=LOGS.name,
    inventory_bucket=LOGS.name,
    kms_key="alias/data",
    tags=dict.fromkeys(("Role", "Environment", "Owner"), "x"),
)
FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
PARTNER = "arn:aws:iam::777788889999:root"
DISTRIBUTION = "arn:aws:cloudfront::111122223333:distribution/"

sids = st.sampled_from(["", "A", "B", "S3WardenTlsOnly"])
principals = st.sampled_from(
    [
        "*",
        {"AWS": "*"},
        {"AWS": ["*", PARTNER]},
        {"AWS": PARTNER},
        {"AWS": ["*"], "Service": "logging.s3.amazonaws.com"},
        {"Service": "cloudtrail.amazonaws.com"},
        {"Service": "cloudfront.amazonaws.com"},
        {"CanonicalUser": "f" * 64},
    ]
)
actions = st.sampled_from(
    ["s3:GetObject", "s3:*", ["s3:PutObject", "s3:DeleteObject"], "s3:PutBucketPolicy", "s3:ListBucket"]
)
resources = st.sampled_from([ARN, f"{ARN}/*", [ARN, f"{ARN}/*"]])
conditions = st.sampled_from(
    [
        None,
        {"Bool": {"aws:SecureTransport": "false"}},
        {"StringEquals": {"aws:SourceVpc": "vpc-1a2b3c4d"}},
        {"StringLike": {"aws:Referer": "https://example.com/*"}},
        {"StringEquals": {"aws:PrincipalOrgID": "o-elsewhere1"}},
        {"ArnLike": {"AWS:SourceArn": [f"{DISTRIBUTION}E1", f"{DISTRIBUTION}E2"]}},
        {"StringLike": {"aws:SourceArn": f"{DISTRIBUTION}*"}},
        {"StringEquals": {"aws:SourceArn": f"{DISTRIBUTION}E2"}},
        {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}},
        {"StringEquals": {"s3:DataAccessPointAccount": BUCKET.account}},
    ]
)


@st.composite
def one_statement(draw: st.DrawFn, resources: st.SearchStrategy[Any] = resources) -> dict[str, Any]:
    """A statement that a bucket may have, or an access point whose resources these are."""
    condition, sid = draw(conditions), draw(sids)
    return {
        **({"Sid": sid} if sid else {}),
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Allow", "Deny"])),
        "Principal": draw(principals),
        "Action": draw(actions),
        "Resource": draw(resources),
        **({"Condition": condition} if condition else {}),
    }


some_grants = st.lists(
    st.builds(
        group, st.sampled_from(["AllUsers", "AuthenticatedUsers"]), st.sampled_from(["READ", "WRITE", "READ_ACP"])
    )
    | st.builds(user, st.integers(1, 4))
    | st.just(
        {"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}, "Permission": "WRITE"}
    ),
    max_size=4,
)
some_blocks = st.none() | st.lists(st.sampled_from(FLAGS), max_size=4).map(lambda on: block(*on))
some_rules = st.lists(
    st.sampled_from(
        [
            {"ID": "old", "Status": "Enabled", "Prefix": "tmp/", "Expiration": {"Days": 3}},
            {
                "ID": "new",
                "Status": "Enabled",
                "Filter": {"Prefix": "x/"},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 9},
            },
            {"ID": "moved", "Status": "Disabled", "Filter": {"And": {"Prefix": "y", "Tags": []}}, "Transitions": []},
            {"ID": "dated", "Status": "Enabled", "Filter": {}, "Expiration": {"Date": "2031-01-01T00:00:00+00:00"}},
        ]
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda rule: str(rule["ID"]),
)
some_inventories = st.lists(
    st.builds(
        lambda name, enabled, frequency, more: {
            "Id": name,
            "IsEnabled": enabled,
            "IncludedObjectVersions": "Current",
            "Schedule": {"Frequency": frequency},
            "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::elsewhere", "Format": "CSV"}},
            **more,
        },
        st.sampled_from(["all", "s3warden", "weekly"]),
        st.booleans(),
        st.sampled_from(["Daily", "Weekly"]),
        st.sampled_from([{}, {"Filter": {"Prefix": "x/"}}, {"OptionalFields": ["Size", "EncryptionStatus"]}]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda each: str(each["Id"]),
)
POINTS = tuple(f"arn:aws:s3:{BUCKET.region}:{BUCKET.account}:accesspoint/{name}" for name in ("data", "more"))
some_points = st.fixed_dictionaries(
    {},
    optional={
        arn: st.none()
        | st.lists(one_statement(st.sampled_from([arn, f"{arn}/object/*", "*"])), min_size=1, max_size=3).map(
            lambda found: policy(*found, indent=3)
        )
        for arn in POINTS
    },
)
some_keys = st.sampled_from(["aws:kms", "AES256", "aws:kms:dsse"])
documents = st.fixed_dictionaries(
    {
        Aspect.ACL: some_grants.map(lambda found: acl(*found)),
        Aspect.POLICY: st.none()
        | st.builds(
            lambda found, indent: policy(*found, indent=indent),
            st.lists(one_statement(), min_size=1, max_size=4),
            st.sampled_from([None, 2]),
        ),
        Aspect.ACCESS_POINTS: some_points,
        Aspect.PUBLIC_ACCESS_BLOCK: some_blocks,
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: some_blocks,
        Aspect.OWNERSHIP: st.sampled_from([None, "BucketOwnerEnforced", "BucketOwnerPreferred"]).map(
            lambda name: name and {"OwnershipControls": {"Rules": [{"ObjectOwnership": name}]}}
        ),
        Aspect.VERSIONING: st.sampled_from(
            [None, {"Status": "Suspended"}, {"Status": "Enabled", "MFADelete": "Disabled"}]
        ),
        Aspect.LIFECYCLE: st.none() | some_rules.map(lambda rules: {"Rules": rules}),
        Aspect.TAGGING: st.none()
        | st.dictionaries(st.sampled_from(["owner", "Team", "Name"]), st.text("ab ", max_size=3), min_size=1).map(
            lambda pairs: {"TagSet": [{"Key": key, "Value": value} for key, value in pairs.items()]}
        ),
        Aspect.ENCRYPTION: st.none()
        | st.builds(
            lambda key, more: {
                "ServerSideEncryptionConfiguration": {
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": key}, **more}]
                }
            },
            some_keys,
            st.sampled_from([{}, {"BucketKeyEnabled": True}, {"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}]),
        ),
        Aspect.NOTIFICATION: st.none()
        | st.just(
            {
                "QueueConfigurations": [
                    {"Id": "q", "QueueArn": "arn:aws:sqs:eu-west-1:111122223333:q", "Events": ["s3:ObjectCreated:*"]}
                ]
            }
        ),
        Aspect.LOGGING: st.none()
        | st.builds(
            lambda more: {"LoggingEnabled": {"TargetBucket": "elsewhere", "TargetPrefix": "x", **more}},
            st.sampled_from([{}, {"TargetGrants": [group("AllUsers", "READ")]}]),
        )
        | st.just({"LoggingEnabled": {"TargetBucket": BUCKET.name, "TargetPrefix": ""}})
        | st.just({"LoggingEnabled": {"TargetBucket": LOGS.name, "TargetPrefix": "own/"}}),
        Aspect.CORS: st.none()
        | st.lists(
            st.builds(
                lambda origins: {"AllowedOrigins": origins, "AllowedMethods": ["GET"], "MaxAgeSeconds": 5},
                st.sampled_from([["*"], ["https://example.com"], ["*", "https://example.com"]]),
            ),
            min_size=1,
            max_size=2,
        ).map(lambda rules: {"CORSRules": rules}),
        Aspect.ACCELERATE: st.none() | st.just({"Status": "Suspended"}),
        Aspect.REQUEST_PAYMENT: st.sampled_from([{"Payer": "Requester"}, {"Payer": "BucketOwner"}]),
        Aspect.INVENTORY: st.none() | some_inventories.map(lambda found: {"InventoryConfigurationList": found}),
        Aspect.WEBSITE: st.none() | st.just({"IndexDocument": {"Suffix": "index.html"}}),
    }
)
log_policies = st.none() | st.lists(one_statement(), min_size=1, max_size=2).map(lambda found: policy(*found))


# Every bucket receives logs, and serves a distribution.
POINTING = Present(
    References(
        (
            Reference(Use.ACCESS_LOGS, BUCKET.name, BUCKET.account, "example-source"),
            Reference(Use.ORIGIN, BUCKET.name, BUCKET.account, "E1"),
        )
    )
)


def scene(found: Any, of_logs: Any) -> Look:
    """A bucket beside its log bucket."""
    other = look({Aspect.POLICY: of_logs})
    assert isinstance(other.state, BucketState)
    beside = replace(other, state=replace(other.state, ref=LOGS))
    seen = look(found, readings={Aspect.REFERRERS: POINTING, Aspect.LOG_TARGET: log_target(found, beside)})
    sent_there = found.get(Aspect.LOGGING) == {"LoggingEnabled": {"TargetBucket": LOGS.name, "TargetPrefix": "own/"}}
    return replace(seen, beside=(beside,), target=beside if sent_there else None)


def log_target(found: Any, beside: Look) -> Reading[object]:
    """Where the logs go: nobody's bucket, the bucket itself, or the log bucket."""
    logging = found.get(Aspect.LOGGING)
    if logging is None:
        return ABSENT
    name = logging["LoggingEnabled"]["TargetBucket"]
    known = {BUCKET.name: look(found), LOGS.name: beside}.get(name)
    if known is None:
        return Present(LogTarget(name, Present(Standing(name, exists=False))))
    readings = settings_of({aspect: known.state.reading(aspect) for aspect in TARGET_ASPECTS})
    return Present(LogTarget(name, Present(Standing(name, True, BUCKET.account, BUCKET.region)), readings))


def of_log_bucket(step: Step) -> bool:
    """Whether it is the log bucket's policy that is changed."""
    return step.attribute.startswith(f"{Aspect.POLICY}:")


def carried_out(found: Any, of_logs: Any, made: RemediationPlan) -> tuple[Any, Any]:
    """The settings of both buckets after the calls of the plan."""
    for step in made.steps:
        if of_log_bucket(step):
            of_logs = after({Aspect.POLICY: of_logs}, step.call)[Aspect.POLICY]
        else:
            found = after(found, step.call)
    return found, of_logs


def taken_back(found: Any, of_logs: Any, made: RemediationPlan) -> tuple[Any, Any]:
    """The settings after the inverse calls, the last step first."""
    for step in reversed(made.steps):
        if of_log_bucket(step):
            of_logs = after({Aspect.POLICY: of_logs}, step.inverse)[Aspect.POLICY]
        else:
            found = after(found, step.inverse)
    return found, of_logs


def shown(attribute: str, found: Any, of_logs: Any) -> str | None:
    """A setting as the read of its step shows it."""
    name, _, place = attribute.partition(":")
    if name == Aspect.INVENTORY:
        listed = (found[Aspect.INVENTORY] or {"InventoryConfigurationList": []})["InventoryConfigurationList"]
        one = next((each for each in listed if each["Id"] == place), None)
        return None if one is None else settled(attribute, {"InventoryConfiguration": one})
    if name == Aspect.ACCESS_POINTS:
        return settled(attribute, found[Aspect.ACCESS_POINTS][place])
    return settled(name, of_logs if place else found[Aspect(name)])


def mends_alone_and_is_taken_back(rule_id: str, found: Any, of_logs: Any) -> None:
    """By the calls alone: what differs is what the steps name; the rule passes; the inverse restores everything."""
    made = plan(rule_id, scene(found, of_logs), options=OPTIONS, wanted=WANTED)
    if isinstance(made, Declined):
        assert made.reason
        assert made.detail.endswith(".")
        return
    fixed, logs = carried_out(found, of_logs, made)
    named = {step.attribute.partition(":")[0] for step in made.steps if not of_log_bucket(step)}
    assert {aspect.value for aspect in found if fixed.get(aspect) != found[aspect]} == named
    points = {arn for arn, own in fixed[Aspect.ACCESS_POINTS].items() if own != found[Aspect.ACCESS_POINTS][arn]}
    assert points <= {step.attribute.partition(":")[2] for step in made.steps}
    [result] = evaluate((find(rule_id),), scene(fixed, logs).state, options=OPTIONS)
    assert result.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE), result.evidence.summary
    assert declined(rule_id, scene(fixed, logs), options=OPTIONS, wanted=WANTED) == "not_needed"
    for step in made.steps:
        assert shown(step.attribute, fixed, logs) == step.after
    back, logs_back = taken_back(fixed, logs, made)
    assert logs_back == of_logs
    for step in made.steps:
        assert shown(step.attribute, back, logs_back) == step.undone
    limited = {aspect for aspect in (Aspect.VERSIONING, Aspect.ACCELERATE) if found[aspect] is None}
    assert {aspect for aspect in found if back[aspect] != found[aspect]} <= limited


@pytest.mark.parametrize("rule_id", RULE_IDS)
@settings(max_examples=20, deadline=None)
@given(found=documents, of_logs=log_policies)
def test_plan_mends_its_rule_alone_and_is_taken_back(rule_id: str, found: Any, of_logs: Any) -> None:
    """Or there is no plan, with a reason."""
    mends_alone_and_is_taken_back(rule_id, found, of_logs)


DELEGATING = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [ARN, f"{ARN}/*"],
    "Condition": {"StringEquals": {"s3:DataAccessPointAccount": BUCKET.account}},
}


@st.composite
def delegating(draw: st.DrawFn) -> Any:
    """A bucket whose policy leaves the decision to access points, which let in this one and that one."""
    other = draw(st.lists(one_statement(), max_size=1))
    blocks = draw(st.sampled_from([None, None, None, block("RestrictPublicBuckets")]))
    listed = st.lists(one_statement(st.just("*")), min_size=1, max_size=3)
    points = {arn: policy(*draw(listed), indent=3) for arn in POINTS}
    given = {Aspect.POLICY: policy(DELEGATING, *other), Aspect.ACCESS_POINTS: points}
    return {**draw(documents), Aspect.PUBLIC_ACCESS_BLOCK: blocks, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: None, **given}


@pytest.mark.parametrize(
    "rule_id",
    [
        "bucket-access-point-cross-account",
        "bucket-public-authenticated",
        "bucket-public-effective",
        "bucket-public-latent",
    ],
)
@settings(max_examples=40, deadline=None)
@given(found=delegating())
def test_plan_about_access_points_mends_alone_and_is_taken_back(rule_id: str, found: Any) -> None:
    """The same where they open the bucket."""
    mends_alone_and_is_taken_back(rule_id, found, None)


@pytest.mark.parametrize("rule_id", RULE_IDS)
@settings(max_examples=6, deadline=None)
@given(found=documents, data=st.data())
def test_what_could_not_be_read_is_not_changed(rule_id: str, found: Any, data: st.DataObject) -> None:
    """Whatever else a plan rests on."""
    blind = data.draw(st.sampled_from(sorted({*WRITES, Aspect.ACCESS_POINTS} - {Aspect.REQUEST_PAYMENT})))
    seen = scene(found, None)
    documents = {aspect: answer for aspect, answer in seen.documents.items() if aspect is not blind}
    state = seen.state
    assert isinstance(state, BucketState)
    account = state.account
    if blind in ACCOUNT_ASPECTS and account is not None:
        account = replace(account, readings={**account.readings, blind: DENIED})
    else:
        state = replace(state, readings={**state.readings, blind: DENIED})
    made = plan(rule_id, replace(seen, state=replace(state, account=account), documents=documents), options=OPTIONS)
    if isinstance(made, RemediationPlan):
        assert blind.value not in {step.attribute.partition(":")[0] for step in made.steps if not of_log_bucket(step)}


@pytest.mark.parametrize("rule_id", RULE_IDS)
@settings(max_examples=6, deadline=None)
@given(found=documents, of_logs=log_policies)
def test_plan_is_the_same_for_the_same_look(rule_id: str, found: Any, of_logs: Any) -> None:
    """And so is its digest, which an approval is bound to."""
    once, again = (plan(rule_id, scene(found, of_logs), options=OPTIONS, wanted=WANTED) for _ in range(2))
    assert once == again
    if isinstance(once, RemediationPlan) and isinstance(again, RemediationPlan):
        assert once.digest == again.digest


@settings(max_examples=20, deadline=None)
@given(found=documents)
def test_nothing_named_is_lost_by_taking_out_what_is_public(found: Any) -> None:
    """Statements and grants that stay are those that were there, in their order; nobody with a name loses."""
    made = plan("bucket-public-effective", scene(found, None))
    if isinstance(made, Declined) or made.remedy != "remove-openings":
        return
    fixed, _ = carried_out(found, None, made)
    if any(step.attribute == "policy" for step in made.steps):
        before, now = statements_of(found[Aspect.POLICY]["Policy"]), statements_of(fixed[Aspect.POLICY]["Policy"])
        kept = [json.dumps(one) for one in now if one in before]
        assert kept == [json.dumps(one) for one in before if one in now]
        assert all(one["Effect"] == "Allow" for one in before if one not in now)
    grants = [grant for grant in found[Aspect.ACL]["Grants"] if "URI" not in grant["Grantee"]]
    assert [grant for grant in fixed[Aspect.ACL]["Grants"] if "URI" not in grant["Grantee"]] == grants
    assert made.effect.public_after is False
