"""The policy of the bucket's key: whom a fix takes out of it, whom it leaves, and what it never risks."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s3warden.collect.cache import Cache
from s3warden.correct import planning
from s3warden.correct.look import Looks
from s3warden.correct.remedies.key_policies import MAX_BYTES
from s3warden.correct.remedy import Look
from s3warden.correct.render_plan import as_cli, as_terraform
from s3warden.correct.steps import seen
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import RuleOptions
from s3warden.detect.rules import find
from s3warden.model.action import Declined, Loss, LossKind, Planned, RemediationPlan
from s3warden.model.bucket import Aspect, BucketState, Present
from s3warden.model.finding import Verdict
from s3warden.model.keys import Key
from support.scenes import BUCKET, MADE_AT, finding, only
from support.service_answers import KEY, Service, key_answers

RULE = "bucket-kms-key-policy-public"
OPTIONS = RuleOptions(trusted_accounts=("444455556666",))
ROOT = {
    "Sid": "Root",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{BUCKET.account}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
PARTNER = "arn:aws:iam::777788889999:role/reader"
TRUSTED = "arn:aws:iam::444455556666:root"
USE: dict[str, Any] = {
    "Sid": "Use",
    "Effect": "Allow",
    "Principal": "*",
    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
    "Resource": "*",
}
OWN = {"StringEquals": {"kms:CallerAccount": BUCKET.account}}
STRANGER = "999900001111"


def called_by(accounts: object) -> dict[str, Any]:
    """Everyone of these accounts."""
    return {**USE, "Condition": {"StringEquals": {"kms:CallerAccount": accounts}}}


DENY = {**USE, "Sid": "Deny", "Effect": "Deny", "Principal": {"AWS": PARTNER.replace("reader", "writer")}}


def text_of(*statements: Mapping[str, Any]) -> str:
    """A key policy as people write it."""
    return json.dumps({"Version": "2012-10-17", "Id": "own", "Statement": list(statements)}, indent=2)


async def looked(text: str, **more: object) -> Look:
    """A look through the real readers at a bucket whose key has this policy."""
    answers = {**key_answers(**more), "GetKeyPolicy": {"Policy": text, "PolicyName": "default"}}
    return await Looks(Service(answers), cache=Cache()).at(BUCKET, planning.aspects(find(RULE)))


def planned_by(look: Look) -> Planned:
    """What is planned on this look."""
    return planning.plan(finding(RULE), look, rule=find(RULE), made_at=MADE_AT, options=OPTIONS)


async def made_for(text: str) -> tuple[RemediationPlan, list[dict[str, Any]]]:
    """The plan, and the statements that it leaves."""
    found = planned_by(await looked(text))
    assert isinstance(found, RemediationPlan), found
    left: list[dict[str, Any]] = json.loads(str(only(found).call.arguments["Policy"]))["Statement"]
    return found, left


async def reason_for(text: str, **more: object) -> str:
    """Why nothing is planned."""
    found = planned_by(await looked(text, **more))
    assert isinstance(found, Declined), found
    return found.reason


@pytest.mark.parametrize(
    ("open_", "left"),
    [
        (USE, {**USE, "Condition": OWN}),
        ({**USE, "Principal": {"AWS": ["*"]}}, {**USE, "Principal": {"AWS": ["*"]}, "Condition": OWN}),
        (
            {**USE, "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}},
            {
                **USE,
                "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com", **OWN["StringEquals"]}},
            },
        ),
        (called_by(STRANGER), None),
        (called_by([STRANGER, "444455556666"]), called_by("444455556666")),
        (called_by([STRANGER, BUCKET.account]), called_by(BUCKET.account)),
        ({**USE, "Principal": {"AWS": ["*", TRUSTED]}}, {**USE, "Principal": {"AWS": [TRUSTED]}}),
        ({**USE, "Principal": {"AWS": [PARTNER, TRUSTED]}}, {**USE, "Principal": {"AWS": [TRUSTED]}}),
        ({**USE, "Principal": {"AWS": PARTNER}}, None),
    ],
)
async def test_strangers_go_and_all_others_stay_to_the_letter(open_: Any, left: Any) -> None:
    """Everyone becomes everyone of the account where no account is named; what is refused stays refused."""
    trusted = {**USE, "Sid": "Trusted", "Principal": {"AWS": TRUSTED}}
    before = text_of(ROOT, open_, trusted, DENY)
    made, statements = await made_for(before)
    step = only(made)
    assert statements == [ROOT, *([] if left is None else [left]), trusted, DENY]
    assert (step.call.service, step.call.operation, step.call.region) == ("kms", "PutKeyPolicy", "eu-west-1")
    assert step.inverse.arguments == {"KeyId": KEY, "PolicyName": "default", "Policy": before}
    assert step.call.arguments.keys() == step.inverse.arguments.keys()
    assert (step.read.operation, step.attribute) == ("GetKeyPolicy", f"key_policy:{KEY}")
    assert step.undone == step.before == seen(step.attribute, {"Policy": before})
    named = PARTNER in str(open_)
    assert made.effect.losses == ((Loss(LossKind.ACCOUNT, PARTNER),) if named else ())
    assert ("who uses the key by a statement for everyone" in made.effect.unknown) is not named


async def test_administration_of_the_key_is_never_risked() -> None:
    """The policy has to go on to let the account manage the key by plain words, else a person writes it."""
    admin = {**ROOT, "Principal": "*"}
    _, left = await made_for(text_of(admin))
    assert left == [{**admin, "Condition": OWN}]
    shared = {**ROOT, "Principal": {"AWS": ["*", PARTNER]}}
    assert await reason_for(text_of(shared, {**USE, "Principal": {"AWS": TRUSTED}})) == "key_lockout"
    guarded = {**ROOT, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
    assert await reason_for(text_of(guarded, USE)) == "key_lockout"
    assert await reason_for(text_of({**ROOT, "Principal": {"AWS": PARTNER}})) == "policy_not_written"


async def test_key_of_another_account_is_left_to_it() -> None:
    """Nobody else can write its policy."""
    theirs = KEY.replace(BUCKET.account, "444455556666")
    assert await reason_for(text_of(ROOT, USE), Arn=theirs) == "foreign_key"


async def test_statement_without_principals_that_could_go_is_left_to_people() -> None:
    """As one for all but somebody."""
    but = {key: value for key, value in USE.items() if key != "Principal"} | {"NotPrincipal": {"AWS": PARTNER}}
    assert await reason_for(text_of(ROOT, but)) == "not_mended"


async def test_policy_that_s3_would_not_take_fits_a_key() -> None:
    """KMS takes more than S3, and more than that it does not."""
    large = [{**ROOT, "Sid": f"S{number}" + "x" * 900} for number in range(22)]
    made, left = await made_for(text_of(*large, USE))
    assert 20 * 1024 < len(str(only(made).call.arguments["Policy"])) < MAX_BYTES
    assert left[-1]["Condition"] == OWN
    too_large = [{**ROOT, "Sid": f"S{number}" + "x" * 1000} for number in range(40)]
    assert await reason_for(text_of(*too_large, USE)) == "policy_not_written"


async def test_other_buckets_under_the_key_are_told() -> None:
    """By the reverse index, under whichever name they call the key; unknown is said while not all is known."""
    cache, at = Cache(), datetime.now(UTC)
    alias = "arn:aws:kms:eu-west-1:111122223333:alias/data"
    for name, called in (("other-a", KEY), ("other-b", alias), (BUCKET.name, KEY)):
        cache.replace(BucketState(replace(BUCKET, name=name), at, {Aspect.DEFAULT_KEY: Present(Key(called, KEY))}))
    answers = {**key_answers(), "GetKeyPolicy": {"Policy": text_of(ROOT, {**USE, "Principal": {"AWS": PARTNER}})}}
    known = Looks(Service(answers), cache=cache)
    early = Looks(Service(answers), cache=cache, whole=lambda: False)
    unknown = "which other buckets the key encrypts"
    for looks, told in (
        (known, "who reads these buckets, which the key encrypts too: other-a, other-b"),
        (early, unknown),
        (Looks(Service(answers)), unknown),
    ):
        found = planned_by(await looks.at(BUCKET, planning.aspects(find(RULE))))
        assert isinstance(found, RemediationPlan)
        assert found.effect.unknown[0] == told


async def test_what_the_fix_left_is_found_again_and_a_change_is_noticed() -> None:
    """Whatever spaces KMS puts between."""
    made, left = await made_for(text_of(ROOT, USE))
    step = only(made)
    again = {"GetKeyPolicy": {"Policy": json.dumps({"Statement": left, "Id": "own", "Version": "2012-10-17"})}}
    assert await Looks(Service(again)).now(BUCKET.owner, step) == step.after
    touched = {"GetKeyPolicy": {"Policy": text_of(ROOT, USE, DENY)}}
    assert await Looks(Service(touched)).now(BUCKET.owner, step) not in (step.before, step.after)


async def test_plan_is_printed_for_the_shell_and_for_terraform() -> None:
    """The check against locking oneself out is never switched off."""
    made, _ = await made_for(text_of(ROOT, USE))
    assert "aws kms put-key-policy \\" in as_cli(made)
    assert "bypass" not in "\n".join(as_cli(made)).lower()
    lines = as_terraform(made)
    assert f"# In the aws_kms_key or aws_kms_key_policy resource of {KEY}:" in lines
    assert "policy = jsonencode({" in lines


names = st.sampled_from(["*", PARTNER, TRUSTED, f"arn:aws:iam::{BUCKET.account}:role/own", "AROAEXAMPLEID1234567"])
some_statements = st.builds(
    lambda effect, who, action, condition: {
        **USE,
        "Effect": effect,
        "Principal": who,
        "Action": action,
        **({"Condition": condition} if condition else {}),
    },
    st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
    st.just("*")
    | st.lists(names, min_size=1, max_size=3).map(lambda listed: {"AWS": listed})
    | st.just({"AWS": "*", "Service": "logs.eu-west-1.amazonaws.com"}),
    st.sampled_from(["kms:*", "kms:Decrypt", ["kms:PutKeyPolicy", "kms:CreateGrant"]]),
    st.sampled_from([None, None, OWN, {"StringLike": {"kms:ViaService": "s3.*"}}]),
)


@settings(max_examples=60, deadline=None)
@given(listed=st.lists(some_statements, max_size=4), rooted=st.booleans())
async def test_random_policies_are_closed_or_left_alone(listed: list[Any], rooted: bool) -> None:
    """What is planned mends the rule, leaves friends and refusals as they are, and is taken back to the letter."""
    before = text_of(*([ROOT] if rooted or not listed else []), *listed)
    look = await looked(before)
    made = planned_by(look)
    if isinstance(made, Declined):
        assert made.detail.endswith(".")
        return
    step = only(made)
    after = str(step.call.arguments["Policy"])
    [result] = evaluate((find(RULE),), (await looked(after)).state, options=OPTIONS)
    assert result.verdict is Verdict.PASS
    assert step.inverse.arguments["Policy"] == before
    old, new = json.loads(before)["Statement"], json.loads(after)["Statement"]
    assert [one for one in new if one["Effect"] == "Deny"] == [one for one in old if one["Effect"] == "Deny"]
    assert _friends(new) == _friends(old)
    assert isinstance(planned_by(await looked(after)), Declined)


def _friends(listed: list[Any]) -> list[tuple[str, str]]:
    """Whom the statements name of those who are trusted, with what they may do."""
    return [
        (name, str(one["Action"]))
        for one in listed
        if isinstance(one["Principal"], dict)
        for name in one["Principal"].get("AWS", [])
        if name not in ("*", PARTNER)
    ]
