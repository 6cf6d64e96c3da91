"""Whatever the text: one of three answers, never an exception, and targets that can be trusted."""

import json
import random
import re
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from s3warden.collect.parser import PARSERS, parse
from s3warden.collect.reasons import PoisonReason, RefreshReason, SkipReason
from s3warden.model.bucket import ACCOUNT_ASPECTS, BUCKET_ASPECTS
from s3warden.model.event import Level, Parsed, Poison, Refresh, Skip, Target, Trigger
from support.cloudtrail import BUCKET, OWNER, REGION, call, envelope, record

ACCOUNT = re.compile(r"[0-9]{12}")

SEEDS: tuple[dict[str, Any], ...] = (
    envelope(record()),
    envelope(record("CreateBucket", requestParameters={"bucketName": BUCKET, "CreateBucketConfiguration": {}})),
    envelope(record("DeleteAccountPublicAccessBlock")),
    envelope(json.dumps(record("PutBucketTimeTravel"))),
    {"Records": [record(), record("PutBucketAcl", "other")]},
    {"Type": "Notification", "Message": call()},
    envelope(
        {"configurationItem": {"resourceType": "AWS::S3::Bucket", "resourceId": BUCKET, "awsAccountId": OWNER}},
        source="aws.config",
        detail_type="Config Configuration Item Change",
    ),
    envelope(
        {"resource": f"arn:aws:s3:::{BUCKET}", "accountId": OWNER, "region": REGION},
        source="aws.access-analyzer",
        detail_type="Access Analyzer Finding",
    ),
    envelope(
        {"resourcesAffected": {"s3Bucket": {"name": BUCKET}}, "type": "Policy:x", "archived": "true"},
        source="aws.macie",
        detail_type="Macie Finding",
    ),
    envelope(
        {"resource": {"s3BucketDetails": [{"name": BUCKET}]}, "service": {}, "accountId": OWNER},
        source="aws.guardduty",
        detail_type="GuardDuty Finding",
    ),
    envelope(
        {"findings": [{"Resources": [{"Type": "AwsS3Bucket", "Id": f"arn:aws:s3:::{BUCKET}"}], "Compliance": {}}]},
        source="aws.securityhub",
        detail_type="Security Hub Findings - Imported",
    ),
)

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


def well_formed_target(target: Target) -> None:
    """Hold a target against what the next stage may rely on."""
    assert target.account is None or ACCOUNT.fullmatch(target.account)
    assert target.region is None or re.fullmatch(r"[a-z0-9-]{3,128}", target.region)
    assert target.partition is None or re.fullmatch(r"[a-z][a-z0-9-]*", target.partition)
    if target.level is Level.ACCOUNT:
        assert target.account
        assert target.bucket is target.region is None
        point = target.access_point
        assert target.aspects
        assert target.aspects <= (ACCOUNT_ASPECTS if point is None else BUCKET_ASPECTS)
        assert point is None or re.fullmatch(r"[a-z0-9-]{3,50}", point.name)
    else:
        assert target.bucket
        assert re.fullmatch(r"[A-Za-z0-9._%-]{1,255}", target.bucket)
        assert target.aspects
        assert target.aspects <= BUCKET_ASPECTS


def well_formed_trigger(trigger: Trigger) -> None:
    """Hold a trigger against what logs, alerts and the store may rely on."""
    actor = trigger.actor
    texts = [trigger.name, trigger.source, trigger.event_id]
    texts += [actor.principal, actor.kind, actor.source_ip or "", actor.user_agent or ""] if actor else []
    assert all(text.isprintable() and len(text) <= 512 for text in texts)
    assert trigger.event_id
    assert trigger.event_time is None or trigger.event_time.utcoffset() is not None


def checked(body: str) -> Parsed:
    """Parse `body` and hold the answer against every promise."""
    parsed = parse(body)
    if isinstance(parsed, Refresh):
        assert parsed.targets
        assert parsed.reason in set(RefreshReason)
        for target in parsed.targets:
            well_formed_target(target)
        well_formed_trigger(parsed.trigger)
    elif isinstance(parsed, Skip):
        assert parsed.reason in set(SkipReason)
        if parsed.trigger is not None:
            well_formed_trigger(parsed.trigger)
    else:
        assert isinstance(parsed, Poison)
        assert parsed.reason in set(PoisonReason)
        assert parsed.detail.isprintable()
    return parsed


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path into a JSON value."""
    found = [path]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += places(inner, (*path, key))
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """`value` with the place at `path` set to `new`."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """What is at `path`."""
    for key in path:
        value = value[key]
    return value


@given(st.text() | st.text(alphabet='{}[]":,0123456789eE.-tfn \\u', max_size=60))
@example("\ud800")
@example('{"detail": "\\ud800"}')
@example("-")
def test_any_text_gives_an_answer(body: str) -> None:
    """No text raises."""
    checked(body)


@given(junk)
def test_any_json_gives_an_answer(value: object) -> None:
    """No JSON value raises."""
    checked(json.dumps(value))


@given(st.sampled_from(sorted(PARSERS)), junk)
def test_any_detail_gives_an_answer(key: tuple[str, str], detail: object) -> None:
    """No detail of a known event raises."""
    checked(json.dumps(envelope(detail, source=key[0], detail_type=key[1])))


@given(st.sampled_from(SEEDS), st.integers(min_value=0))
def test_cut_event_gives_an_answer(seed: dict[str, Any], cut: int) -> None:
    """A body cut anywhere is poison."""
    body = json.dumps(seed)
    assert isinstance(checked(body[: cut % len(body)]), Poison)


@settings(max_examples=400)
@given(st.sampled_from(SEEDS), st.data(), junk)
def test_event_with_one_value_replaced_gives_an_answer(seed: dict[str, Any], data: st.DataObject, new: object) -> None:
    """Any one field may hold anything."""
    path = data.draw(st.sampled_from(places(seed)))
    checked(json.dumps(replaced(seed, path, new)))


@settings(max_examples=300)
@given(st.sampled_from(SEEDS), st.sampled_from(SEEDS), st.data())
def test_event_with_parts_of_another_gives_an_answer(
    seed: dict[str, Any], other: dict[str, Any], data: st.DataObject
) -> None:
    """Parts of one event in the places of another, objects where texts were and the reverse."""
    value: Any = seed
    for _ in range(3):
        new = at(other, data.draw(st.sampled_from(places(other))))
        value = replaced(value, data.draw(st.sampled_from(places(value))), new)
    checked(json.dumps(value))


@given(st.sampled_from(SEEDS), st.integers())
def test_order_of_keys_does_not_matter(seed: dict[str, Any], number: int) -> None:
    """The same event with its keys shuffled is the same event."""

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            random.Random(number).shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        return [shuffled(inner) for inner in value] if isinstance(value, list) else value

    assert checked(json.dumps(shuffled(seed))) == checked(json.dumps(seed))


@given(st.text(min_size=1, max_size=300))
def test_bucket_name_is_taken_as_it_is_or_not_at_all(name: str) -> None:
    """No name is mended on its way."""
    parsed = checked(call(bucket=name, resources=None))
    if isinstance(parsed, Refresh):
        assert parsed.targets[0].bucket == name
    else:
        assert parsed.reason in ("bad_bucket_name", "not_general_purpose")
