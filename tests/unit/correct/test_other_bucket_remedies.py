"""Newer buckets, file systems, Object Lambda: planned by the real readers, carried out, judged again and taken back."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3warden.collect.cache import Cache
from s3warden.correct.look import Looks
from s3warden.correct.plans import Plans
from s3warden.correct.remedies import remedies_for
from s3warden.correct.remedy import DEFAULT_WANTED, Wanted
from s3warden.correct.render_plan import as_cli, as_terraform
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import RuleOptions
from s3warden.detect.rules import find
from s3warden.detect.samples import ACCOUNT
from s3warden.model.action import Call, Declined, Loss, LossKind, Planned, RemediationPlan
from s3warden.model.finding import Verdict
from support.newer_buckets import NewerBuckets
from support.scenes import MADE_AT, finding

REGION = "eu-west-1"
PARTNER = "arn:aws:iam::777788889999:root"
OURS = f"arn:aws:iam::{ACCOUNT.account}:role/reader"
OPTIONS = RuleOptions(trusted_accounts=("111100001111",), organization_id="o-ourownorg1")
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT.account}:key/mrk-1234"
# By kind: service, prefix of actions, how calls name one of them, the reading operation, the part with the policy, and
# whether the policy may be deleted.
KINDS: dict[str, tuple[str, str, str, str, str, bool]] = {
    "directory": ("s3", "s3express", "data--euw1-az1--x-s3", "GetBucketPolicy", "Policy", False),
    "table": (
        "s3tables",
        "s3tables",
        f"arn:aws:s3tables:{REGION}:{ACCOUNT.account}:bucket/data",
        "GetTableBucketPolicy",
        "resourcePolicy",
        True,
    ),
    "vector": ("s3vectors", "s3vectors", "data", "GetVectorBucketPolicy", "policy", True),
    "file-system": ("s3files", "s3files", "fs-data", "GetFileSystemPolicy", "policy", True),
    "object-lambda": ("s3control", "s3-object-lambda", "data", "GetAccessPointPolicyForObjectLambda", "Policy", True),
}
_RULES = {"file-system": "account-s3-files-policy", "object-lambda": "account-object-lambda-exposed"}
QUIET = {kind: row[2].replace("data", "quiet") for kind, row in KINDS.items()}


def rule_of(kind: str) -> str:
    """The rule on whom the policies of the kind let in."""
    return _RULES.get(kind, f"account-{kind}-bucket-external")


def statement(kind: str, principal: object, sid: str, **more: object) -> dict[str, Any]:
    """A statement of a policy of the kind."""
    said = {"Effect": "Allow", "Principal": principal, "Action": f"{KINDS[kind][1]}:*", "Resource": "*"}
    return {"Sid": sid, **said, **more}


def text_of(*statements: Any) -> str:
    """A policy with spaces of somebody's own."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=3)


def buckets(kind: str, *statements: Any, quiet: tuple[Any, ...] = ()) -> NewerBuckets:
    """One of the kind with these statements beside one with others, or without a policy."""
    service, _, name, reading, part, _ = KINDS[kind]
    given = {name: statements, QUIET[kind]: quiet}
    return NewerBuckets(
        REGION, {name: {reading: {part: text_of(*own)}} if own else {} for name, own in given.items()}, service
    )


async def planned(rule_id: str, aws: NewerBuckets, wanted: Wanted = DEFAULT_WANTED) -> Planned:
    """What is planned by a look through the real readers."""
    plans = Plans(Looks(aws, cache=Cache()), lambda: OPTIONS, wanted, lambda _account: (REGION, "us-east-1"))
    rule = find(rule_id)
    return plans.plan(finding(rule_id, ACCOUNT), await plans.look(ACCOUNT, rule), rule, MADE_AT)


async def verdict(rule_id: str, aws: NewerBuckets) -> Verdict:
    """What the rule says of what the services answer."""
    look = await Looks(aws, cache=Cache()).at(ACCOUNT, find(rule_id).info.needs, (REGION, "us-east-1"))
    [result] = evaluate((find(rule_id),), look.state, options=OPTIONS)
    return result.verdict


# By the service authorization references.
_SERVICES = {"s3": "s3express", "s3control": "s3"}
_NAMES = {
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
}


def action(call: Call) -> str:
    """The permission that a writing call takes."""
    return f"{_SERVICES.get(call.service, call.service)}:{_NAMES.get(call.operation, call.operation)}"


async def there_and_back(rule_id: str, aws: NewerBuckets, wanted: Wanted = DEFAULT_WANTED) -> RemediationPlan:
    """The plan, carried out, verified, and taken back to the letter; with exactly the permissions it names."""
    made = await planned(rule_id, aws, wanted)
    assert isinstance(made, RemediationPlan), made
    before, looks = copy.deepcopy(aws.settings), Looks(aws)
    [remedy] = remedies_for(rule_id)
    assert {action(call) for step in made.steps for call in (step.call, step.inverse)} <= set(remedy.iam_actions)
    for step in made.steps:
        assert await looks.now(ACCOUNT, step) == step.before
        aws.make(step.call)
        assert await looks.now(ACCOUNT, step) == step.after
    assert await verdict(rule_id, aws) is Verdict.PASS
    changed = {name.rpartition("/")[2] for name, known in before.items() if known != aws.settings[name]}
    assert changed == {step.attribute.partition("#")[0].rpartition("/")[2] for step in made.steps}
    for step in reversed(made.steps):
        aws.make(step.inverse)
        assert await looks.now(ACCOUNT, step) == step.undone
    assert aws.settings == before
    return made


@pytest.mark.parametrize("kind", KINDS)
async def test_who_is_not_trusted_goes_and_nobody_else(kind: str) -> None:
    """One of several principals; other statements, Denies and other buckets stay to the letter."""
    own, tls = statement(kind, {"AWS": OURS}, "Own"), statement(kind, "*", "Deny", Effect="Deny", Action="x:y")
    mixed = statement(kind, {"AWS": [OURS, PARTNER, "111100001111"]}, "Mixed")
    aws = buckets(kind, own, mixed, tls, quiet=(own,))
    made = await there_and_back(rule_of(kind), aws)
    [step] = made.steps
    written = json.loads(str(step.call.arguments[KINDS[kind][4]]))["Statement"]
    assert written == [own, {**mixed, "Principal": {"AWS": [OURS, "111100001111"]}}, tls]
    assert step.call.region == REGION
    assert step.call.service == KINDS[kind][0]
    assert made.effect.losses == (Loss(LossKind.ACCOUNT, PARTNER),)
    assert not made.effect.safe


@pytest.mark.parametrize("kind", KINDS)
async def test_everyone_goes_with_the_statement(kind: str) -> None:
    """In each bucket that has such a one."""
    own, all_ = statement(kind, {"AWS": OURS}, "Own"), statement(kind, "*", "All")
    made = await there_and_back(rule_of(kind), buckets(kind, all_, own, quiet=(own, all_)))
    assert len(made.steps) == 2
    assert (made.effect.losses, made.effect.unknown) == ((), ())


@pytest.mark.parametrize("kind", KINDS)
async def test_policy_that_only_lets_in_is_deleted_but_for_directory_buckets(kind: str) -> None:
    """Theirs goes by DeleteBucketPolicy, which no fix calls."""
    rule_id, aws = rule_of(kind), buckets(kind, statement(kind, {"AWS": PARTNER}, "Only"))
    if KINDS[kind][5]:
        made = await there_and_back(rule_id, aws)
        [step] = made.steps
        assert step.call.operation.startswith("Delete")
        assert step.after is None
        return
    found = await planned(rule_id, aws)
    assert isinstance(found, Declined)
    assert found.reason == "only_statement"


@pytest.mark.parametrize("kind", KINDS)
async def test_policy_with_a_deny_is_never_deleted(kind: str) -> None:
    """What refuses stays, even alone."""
    deny = statement(kind, "*", "Deny", Effect="Deny", Action="x:y")
    made = await there_and_back(rule_of(kind), buckets(kind, statement(kind, "*", "All"), deny))
    [step] = made.steps
    assert json.loads(str(step.call.arguments[KINDS[kind][4]]))["Statement"] == [deny]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("condition", [{"aws:UserAgent": "batch"}, {"aws:PrincipalAccount": "777788889999"}])
async def test_conditions_are_told_as_not_known(kind: str, condition: dict[str, str]) -> None:
    """Everyone who says a word, or an account by a condition, may be somebody who is meant."""
    tied = statement(kind, "*", "Tied", Condition={"StringEquals": condition})
    made = await there_and_back(rule_of(kind), buckets(kind, statement(kind, {"AWS": OURS}, "Own"), tied))
    assert made.effect.unknown == ("whom the conditions of statement 1 (Tied) let in",)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_could_not_be_read_stays(kind: str) -> None:
    """And keeps the others from being called mended."""
    aws = buckets(kind, statement(kind, "*", "All"), statement(kind, {"AWS": OURS}, "Own"))
    aws.denied.add((QUIET[kind], KINDS[kind][3]))
    found = await planned(rule_of(kind), aws)
    assert isinstance(found, Declined)
    assert found.reason == "unreadable"


async def test_change_in_between_is_seen() -> None:
    """The setting is neither what the plan was made for nor what it wants."""
    aws = buckets("table", statement("table", "*", "All"), statement("table", {"AWS": OURS}, "Own"))
    made = await planned("account-table-bucket-external", aws)
    assert isinstance(made, RemediationPlan)
    [step] = made.steps
    aws.settings[KINDS["table"][2]]["GetTableBucketPolicy"] = {
        "resourcePolicy": text_of(statement("table", "*", "New"))
    }
    assert await Looks(aws).now(ACCOUNT, step) not in (step.before, step.after)


async def test_new_tables_are_encrypted_with_the_key_of_the_settings() -> None:
    """Where nothing is configured the undo deletes it again, elsewhere it puts back what was there."""
    aws = buckets("table")
    plain = {"encryptionConfiguration": {"sseAlgorithm": "AES256"}}
    aws.settings[QUIET["table"]]["GetTableBucketEncryption"] = plain
    wanted = Wanted(kms_key="arn:aws:kms:{region}:{account}:key/mrk-1234")
    made = await there_and_back("account-table-bucket-encryption", aws, wanted)
    first, second = made.steps
    assert first.call.arguments["encryptionConfiguration"] == {"sseAlgorithm": "aws:kms", "kmsKeyArn": KEY}
    assert (first.inverse.operation, second.inverse.operation) == (
        "DeleteTableBucketEncryption",
        "PutTableBucketEncryption",
    )
    assert not made.effect.safe
    for key in (None, "alias/data", KEY.replace(REGION, "us-east-1")):
        found = await planned("account-table-bucket-encryption", aws, Wanted(kms_key=key))
        assert isinstance(found, Declined)
        assert found.reason == "no_key"


async def test_unfinished_uploads_to_directory_buckets_are_cleared_away() -> None:
    """Beside the rules that are there, switched off as they are; nothing of ours expires an object."""
    aws = buckets("directory")
    off = {"ID": "off", "Status": "Disabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 3}}
    aws.settings[QUIET["directory"]]["GetBucketLifecycleConfiguration"] = {"Rules": [off]}
    made = await there_and_back("account-directory-bucket-lifecycle", aws)
    first, second = made.steps
    assert first.inverse.operation == "DeleteBucketLifecycle"
    rules: Any = second.call.arguments["LifecycleConfiguration"]
    assert rules["Rules"][0] == off
    assert rules["Rules"][1].keys() == {"ID", "Status", "Filter", "AbortIncompleteMultipartUpload"}
    assert made.effect.safe


async def test_printed_forms() -> None:
    """A shell and Terraform, for each kind."""
    for kind, resource in (
        ("directory", "aws_s3_bucket_policy"),
        ("table", "aws_s3tables_table_bucket_policy"),
        ("vector", "aws_s3vectors_vector_bucket_policy"),
        ("file-system", "aws_s3files_file_system_policy"),
        ("object-lambda", "aws_s3control_object_lambda_access_point_policy"),
    ):
        aws = buckets(kind, statement(kind, {"AWS": OURS}, "Own"), statement(kind, "*", "All"))
        made = await planned(rule_of(kind), aws)
        assert isinstance(made, RemediationPlan)
        assert f'resource "{resource}"' in "\n".join(as_terraform(made))
        assert "expected-bucket-owner" not in "\n".join(as_cli(made))
    tables = await planned("account-table-bucket-encryption", buckets("table"), Wanted(kms_key=KEY))
    assert isinstance(tables, RemediationPlan)
    assert f'kms_key_arn = "{KEY}"' in "\n".join(as_terraform(tables))
    assert "aws s3tables put-table-bucket-encryption" in "\n".join(as_cli(tables))
    uploads = await planned("account-directory-bucket-lifecycle", buckets("directory"))
    assert isinstance(uploads, RemediationPlan)
    assert "abort_incomplete_multipart_upload" in "\n".join(as_terraform(uploads))


_principals = st.sampled_from(["*", {"AWS": "*"}, {"AWS": PARTNER}, {"AWS": [OURS, PARTNER]}, {"AWS": OURS}])
_conditions = st.sampled_from(
    [{}, {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-ourownorg1"}}}, {"Condition": {"Bool": {"a:b": "c"}}}]
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
async def test_whatever_is_planned_mends_and_is_taken_back(kind: str, data: st.DataObject) -> None:
    """Random policies of two buckets; statements that stay are those that were there, in their order."""
    one = st.builds(
        lambda who, effect, more: statement(kind, who, "S", Effect=effect, **more),
        _principals,
        st.sampled_from(["Allow", "Allow", "Deny"]),
        _conditions,
    )
    own, other = (data.draw(st.lists(one, max_size=3)) for _ in range(2))
    aws = buckets(kind, *own, quiet=tuple(other))
    if isinstance(await planned(rule_of(kind), aws), RemediationPlan):
        made = await there_and_back(rule_of(kind), aws)
        for step in made.steps:
            if step.after is not None and step.before is not None:
                before, after = (json.loads(text)["Policy"]["Statement"] for text in (step.before, step.after))
                assert [each for each in before if each["Effect"] == "Deny"] == [
                    each for each in after if each["Effect"] == "Deny"
                ]
