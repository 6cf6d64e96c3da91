"""What a fix wrote beside its subject, in the eyes of the daemon: seen at once, not when CloudTrail tells of it."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from s3warden.aws.errors import AwsError
from s3warden.correct.mend import aspects, elsewhere
from s3warden.correcting import delivering, seen_beside
from s3warden.detect.deliveries import LOGGING_SERVICE
from s3warden.model.action import Call, Effect, RemediationPlan, Risk, Step
from s3warden.model.bucket import AccountRef, Aspect, BucketRef
from s3warden.model.event import Done, Outcome, RefreshRequest
from s3warden.model.finding import Verdict
from s3warden.model.remediation import Progress, Remediation, Stage, StepState
from s3warden.pipeline import Pipeline
from support.spine import HOME, ON, Answer, Records, World, bucket, event, pipeline, sweep

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = f"arn:aws:kms:eu-west-1:{HOME}:key/1234"
TARGET: dict[str, Answer | AwsError] = {
    "GetBucketLogging": {},
    "GetBucketEncryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        }
    },
    "GetBucketOwnershipControls": {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
    "GetObjectLockConfiguration": AwsError("ObjectLockConfigurationNotFoundError", status=404),
    "GetBucketPolicy": AwsError("NoSuchBucketPolicy", status=404),
}
BY_KEY: Answer = {
    "ServerSideEncryptionConfiguration": {
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}}]
    }
}


class Estate(World):
    """The world with a key; every name that is asked about is a bucket of the account."""

    key_policy = ""

    async def service(self, ref: AccountRef, service: str, operation: str, **parameters: object) -> Answer:
        """Whose a name is, and what a key is and may be used for."""
        self.asked.append(f"{ref.account} {operation} {parameters}")
        answers: dict[tuple[str, str], Answer] = {
            ("s3", "HeadBucket"): {},
            ("kms", "DescribeKey"): {"KeyMetadata": {"Arn": KEY, "KeyManager": "CUSTOMER", "KeyState": "Enabled"}},
            ("kms", "GetKeyPolicy"): {"Policy": self.key_policy},
        }
        return answers[service, operation]


def statement(principal: object, action: str, resource: str) -> dict[str, object]:
    """One that allows something."""
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}


def policy(*statements: dict[str, object]) -> str:
    """A policy of these."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def fixed(rule_id: str, subject: BucketRef, attribute: str) -> Remediation:
    """A remediation that wrote one attribute, and so has nothing more to do."""
    call = Call("s3", "PutBucketPolicy", "{}")
    step = Step(attribute, "", call, call, call, None, "{}", None)
    effect = Effect(None, None, (), (), Verdict.PASS)
    plan = RemediationPlan("any", rule_id, "f", "e", subject, (step,), Risk.LOW, "Nothing.", effect, AT)
    progress = (Progress(state=StepState.WRITTEN),)
    return Remediation("r", "f", rule_id, subject, "e", AT, AT, Stage.ENDED, plan=plan, progress=progress, ended_at=AT)


async def seen_after(path: Pipeline, entry: Remediation) -> Sequence[BucketRef]:
    """Whatever the worker has looked at after a fix, in the order in which it is asked for."""
    asked: list[RefreshRequest] = []

    async def submit(request: RefreshRequest) -> "asyncio.Future[Outcome]":
        asked.append(request)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        future.set_result(Done())
        return future

    await seen_beside(path, submit, entry)
    await submit(event(entry.subject, *aspects(entry)))
    for request in asked:
        outcome = await path.refresh(request)
        assert isinstance(outcome, Done)
        for following in (each for wave in outcome.followups for each in wave):
            await path.refresh(following)
    return [request.subject for request in asked if isinstance(request.subject, BucketRef)]


async def test_policy_of_a_log_target_is_seen_before_its_source_is() -> None:
    """What the daemon remembers of the target would have the source fail still."""
    logging: Any = {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}}
    aws, store = Estate({HOME: ON}, {"a": {"GetBucketLogging": logging}, "logs": dict(TARGET)}), Records()
    path = pipeline(aws, store, rules=["bucket-log-target-valid"])
    for name in ("logs", "a"):
        await path.refresh(sweep(bucket(name)))
    assert store.steps == ["opened bucket-log-target-valid a fail"]
    admits = policy(statement({"Service": LOGGING_SERVICE}, "s3:PutObject", "arn:aws:s3:::logs/*"))
    aws.buckets["logs"]["GetBucketPolicy"] = {"Policy": admits}
    entry = fixed("bucket-log-target-valid", bucket("a"), "policy:logs")
    assert elsewhere(entry) == (bucket("logs"),)
    assert await seen_after(path, entry) == [bucket("logs"), bucket("a")]
    assert [step.split()[0] for step in store.steps[1:]] == ["resolved"]


async def test_bucket_that_is_not_guarded_is_not_looked_at() -> None:
    """A log bucket may be beyond the scope of the settings."""
    path = pipeline(Estate({HOME: ON}, {"a": {}}), Records(), rules=["bucket-log-target-valid"])
    await path.refresh(sweep(bucket("a")))
    assert await seen_after(path, fixed("bucket-log-target-valid", bucket("a"), "policy:logs")) == [bucket("a")]


async def test_policy_of_a_key_is_read_anew_after_a_fix() -> None:
    """And not taken from what its buckets were told of it."""
    aws, store = Estate({HOME: ON}, {"a": {"GetBucketEncryption": BY_KEY}}), Records()
    root = statement({"AWS": f"arn:aws:iam::{HOME}:root"}, "kms:*", "*")
    aws.key_policy = policy(root, statement("*", "kms:Decrypt", "*"))
    path = pipeline(aws, store, rules=["bucket-kms-key-policy-public"])
    await path.refresh(sweep(bucket("a")))
    assert store.steps == ["opened bucket-kms-key-policy-public a fail"]
    aws.key_policy = policy(root)
    entry = fixed("bucket-kms-key-policy-public", bucket("a"), f"{Aspect.KEY_POLICY}:{KEY}")
    assert await seen_after(path, entry) == [bucket("a")]
    assert [step.split()[0] for step in store.steps[1:]] == ["resolved"]


async def test_buckets_that_deliver_into_one_are_known() -> None:
    """So that an undo leaves let in what others rely on."""
    logging: Any = {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": ""}}
    settings: dict[str, Answer | AwsError] = {"GetBucketLogging": logging}
    aws = Estate({HOME: ON}, {"a": dict(settings), "b": dict(settings), "c": {"GetBucketLogging": {}}})
    path = pipeline(aws, Records(), rules=["bucket-log-target-valid"])
    for name in "abc":
        await path.refresh(sweep(bucket(name)))
    assert delivering(path, bucket("logs")) == frozenset({"a", "b"})
    assert delivering(path, bucket("c")) == frozenset()
    path.fetch.neighbours.whole = False
    assert delivering(path, bucket("logs")) is None
