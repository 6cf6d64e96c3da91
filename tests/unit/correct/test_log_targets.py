"""Access logs that do not arrive, or go in a circle: planned by real readers, carried out, judged again, taken back."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.aspects import ASPECTS
from s3warden.collect.cache import Cache
from s3warden.collect.derived import TARGET_ASPECTS
from s3warden.correct.look import Looks
from s3warden.correct.mend import aspects, elsewhere
from s3warden.correct.plans import Plans
from s3warden.correct.remedies.logging import DELIVERY
from s3warden.correct.remedy import Look, Wanted
from s3warden.detect.deliveries import LOGGING_SERVICE
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import RuleOptions
from s3warden.detect.rules import find
from s3warden.detect.samples import READ_AT
from s3warden.model.action import Call, Declined, Loss, LossKind, Planned, RemediationPlan, Result
from s3warden.model.bucket import ABSENT, AccountRef, Aspect, BucketRef, BucketState
from s3warden.model.finding import Verdict
from s3warden.model.remediation import Progress, Remediation, Stage, StepState
from support.scenes import BUCKET, MADE_AT, PRIVATE_ACL, finding, group, policy
from support.settings_store import Documents, after

VALID, CHAIN = "bucket-log-target-valid", "bucket-log-target-chain"
TARGET = replace(BUCKET, name="example-target")
LOGS = replace(BUCKET, name="example-logs")
OTHER = {
    "Sid": "Other",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::777788889999:root"},
    "Action": "s3:GetObject",
    "Resource": f"{TARGET.arn}/*",
}
REFUSES = {**OTHER, "Sid": "Refuses", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}


def delivery(ref: BucketRef, sid: str = DELIVERY.sid) -> dict[str, Any]:
    """The statement that lets the logs of the account in."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": LOGGING_SERVICE},
        "Action": "s3:PutObject",
        "Resource": f"{ref.arn}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": ref.account}},
    }


def sent_to(name: str, **more: object) -> dict[str, Any]:
    """Logging into a bucket."""
    return {"LoggingEnabled": {"TargetBucket": name, "TargetPrefix": "own/", **more}}


NEW: Documents = {Aspect.ACL: PRIVATE_ACL, Aspect.REQUEST_PAYMENT: {"Payer": "BucketOwner"}}
ADMITS: Documents = {Aspect.POLICY: policy(delivery(LOGS, "Theirs"))}
KMS = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
LOCK = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}


class Estate:
    """Buckets of the account, and who may read them; it takes the calls of a plan."""

    def __init__(self, buckets: Mapping[str, Documents]) -> None:
        self.buckets = {name: {**NEW, **documents} for name, documents in buckets.items()}
        self.elsewhere: dict[str, str] = {}

    async def bucket(self, ref: BucketRef, operation: str, **parameters: object) -> Mapping[str, object]:
        """A setting of a bucket."""
        if ref.name not in self.buckets:
            raise AwsError("NoSuchBucket", f"{operation} {parameters}", status=404)
        aspect = next(aspect for aspect, read in ASPECTS.items() if read.operation == operation)
        found = self.buckets[ref.name].get(aspect)
        if found is None and ASPECTS[aspect].absent_codes:
            raise AwsError(min(ASPECTS[aspect].absent_codes), status=404)
        return dict(found or {})

    async def account(
        self, ref: AccountRef, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, object]:
        """Nothing is set for the account."""
        raise AwsError("NoSuchPublicAccessBlockConfiguration", f"{operation} {ref} {region} {parameters}", status=404)

    async def service(
        self, ref: AccountRef, service: str, operation: str, *, region: str | None = None, **parameters: object
    ) -> Mapping[str, object]:
        """Whose a name is, or what a step reads."""
        name = str(parameters.get("Bucket"))
        if operation == "ListBuckets":
            return {"Buckets": []}
        if operation != "HeadBucket":
            return await self.bucket(replace(BUCKET, name=name), operation)
        if name in self.buckets and parameters["ExpectedBucketOwner"] == ref.account:
            return {"BucketRegion": self.elsewhere.get(name, BUCKET.region)}
        status = 403 if name in self.elsewhere else 404
        raise AwsError(str(status), f"{service} {region}", status=status)

    def make(self, call: Call) -> None:
        """Carry out a call."""
        name = str(call.arguments["Bucket"])
        self.buckets[name] = after(self.buckets[name], call)

    @property
    def text(self) -> str:
        """All settings, to the letter."""
        kept = {name: {a: v for a, v in known.items() if v is not None} for name, known in self.buckets.items()}
        return json.dumps(kept, sort_keys=True)


def plans(estate: Estate, *, log_bucket: str | None = LOGS.name) -> Plans:
    """The planner over these buckets, with something older remembered of a target that is where the bucket is."""
    known = Cache()
    if TARGET.name in estate.buckets and TARGET.name not in estate.elsewhere:
        known.replace(BucketState(TARGET, READ_AT, dict.fromkeys(TARGET_ASPECTS, ABSENT)))
    return Plans(Looks(estate, cache=known), RuleOptions, Wanted(log_bucket=log_bucket))


async def planned_in(estate: Estate, rule_id: str, **more: Any) -> tuple[Planned, Look, Plans]:
    """What is planned about the bucket, on which look."""
    planner = plans(estate, **more)
    look = await planner.look(BUCKET, find(rule_id))
    return planner.plan(finding(rule_id), look, find(rule_id), MADE_AT), look, planner


async def round_trip(estate: Estate, rule_id: str) -> RemediationPlan:
    """The plan, after it was found to mend the rule, by what is read again, and to be taken back to the letter."""
    before = estate.text
    made, look, planner = await planned_in(estate, rule_id)
    assert isinstance(made, RemediationPlan), made
    assert made.effect.mends
    for step in made.steps:
        assert await planner.looks.now(BUCKET.owner, step) == step.before
        estate.make(step.call)
        assert await planner.looks.now(BUCKET.owner, step) == step.after
    [result] = evaluate((find(rule_id),), await planner.again(look, aspects(entry_of(made))))
    assert result.verdict is Verdict.PASS, result.evidence.summary
    done, _, _ = await planned_in(estate, rule_id)
    assert isinstance(done, Declined)
    assert done.reason == "not_needed"
    for step in reversed(made.steps):
        estate.make(step.inverse)
        assert await planner.looks.now(BUCKET.owner, step) == step.undone
    assert estate.text == before
    return made


def entry_of(made: RemediationPlan) -> Remediation:
    """The entry of a plan whose steps were all written."""
    return Remediation(
        id="r1",
        fingerprint=made.fingerprint,
        rule_id=made.rule_id,
        subject=made.subject,
        evidence=made.evidence,
        created_at=MADE_AT,
        changed_at=MADE_AT,
        stage=Stage.ENDED,
        result=Result.FIXED,
        plan=made,
        progress=tuple(Progress(state=StepState.WRITTEN) for _ in made.steps),
    )


def statements(call: Call) -> list[dict[str, Any]]:
    """The statements that a call writes."""
    listed: list[dict[str, Any]] = json.loads(str(call.arguments["Policy"]))["Statement"]
    return listed


@pytest.mark.parametrize("known", [None, policy(OTHER, indent=2), policy(OTHER, {**delivery(LOGS), "Sid": "Else"})])
async def test_delivery_is_let_in_where_the_logs_are_sent(known: Any) -> None:
    """By one statement more, whatever is remembered of the target; logging itself stays as it is."""
    estate = Estate({BUCKET.name: {Aspect.LOGGING: sent_to(TARGET.name)}, TARGET.name: {Aspect.POLICY: known}})
    made = await round_trip(estate, VALID)
    [step] = made.steps
    assert step.attribute == f"policy:{TARGET.name}"
    others = [] if known is None else json.loads(known["Policy"])["Statement"]
    assert statements(step.call) == [*others, delivery(TARGET)]
    assert made.effect.safe
    entry = entry_of(made)
    assert elsewhere(entry) == (TARGET,)
    assert aspects(entry) == {Aspect.LOG_TARGET}


@pytest.mark.parametrize(
    "unfit",
    [
        {Aspect.POLICY: policy(OTHER, REFUSES)},
        {Aspect.ENCRYPTION: {"ServerSideEncryptionConfiguration": KMS}},
        {Aspect.OBJECT_LOCK: {"ObjectLockConfiguration": LOCK}},
        {Aspect.REQUEST_PAYMENT: {"Payer": "Requester"}},
        {Aspect.POLICY: {"Policy": "no policy"}, Aspect.REQUEST_PAYMENT: {"Payer": "Requester"}},
    ],
)
@pytest.mark.parametrize("admitted", [True, False])
async def test_logs_go_to_the_log_bucket_where_none_can_arrive(unfit: Documents, admitted: bool) -> None:
    """The target stays as it is; the form of the keys goes along."""
    form = {"TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}}
    estate = Estate(
        {
            BUCKET.name: {Aspect.LOGGING: sent_to(TARGET.name, **form)},
            TARGET.name: unfit,
            LOGS.name: ADMITS if admitted else {},
        }
    )
    made = await round_trip(estate, VALID)
    *admit, log = made.steps
    assert [step.attribute for step in admit] == ([] if admitted else [f"policy:{LOGS.name}"])
    enabled = {"TargetBucket": LOGS.name, "TargetPrefix": "example-data/", **form}
    assert log.call.arguments["BucketLoggingStatus"] == {"LoggingEnabled": enabled}


async def test_target_that_is_gone_or_elsewhere_is_left() -> None:
    """Nobody's, another account's, in another region, or the bucket itself."""
    gone = Estate({BUCKET.name: {Aspect.LOGGING: sent_to(TARGET.name)}, LOGS.name: ADMITS})
    assert [step.attribute for step in (await round_trip(gone, VALID)).steps] == ["logging"]
    gone.elsewhere[TARGET.name] = "us-east-1"
    assert [step.attribute for step in (await round_trip(gone, VALID)).steps] == ["logging"]
    far = Estate({BUCKET.name: {Aspect.LOGGING: sent_to(TARGET.name)}, TARGET.name: {}, LOGS.name: ADMITS})
    far.elsewhere[TARGET.name] = "us-east-1"
    assert [step.attribute for step in (await round_trip(far, VALID)).steps] == ["logging"]
    itself = Estate({BUCKET.name: {Aspect.LOGGING: sent_to(BUCKET.name)}, LOGS.name: ADMITS})
    assert [step.attribute for step in (await round_trip(itself, VALID)).steps] == ["logging"]


async def test_who_reads_logs_by_a_grant_is_told() -> None:
    """Grants of the logs stay behind: the log bucket may take none."""
    logging = sent_to("gone", TargetGrants=[group("AllUsers", "READ")])
    made = await round_trip(Estate({BUCKET.name: {Aspect.LOGGING: logging}, LOGS.name: ADMITS}), VALID)
    assert made.effect.losses == (Loss(LossKind.ACCOUNT, "AllUsers READ of logs"),)
    assert made.steps[-1].inverse.arguments["BucketLoggingStatus"] == logging


@pytest.mark.parametrize(
    ("logs", "log_bucket", "reason"),
    [
        (ADMITS, None, "no_log_bucket"),
        (ADMITS, BUCKET.name, "log_bucket_itself"),
        ({Aspect.REQUEST_PAYMENT: {"Payer": "Requester"}}, LOGS.name, "log_bucket_unfit"),
        ({Aspect.POLICY: policy({**REFUSES, "Resource": f"{LOGS.arn}/*"})}, LOGS.name, "not_mended"),
    ],
)
async def test_without_a_log_bucket_that_takes_them_a_person_decides(
    logs: Documents, log_bucket: str | None, reason: str
) -> None:
    """For the reasons that any fix of logging has."""
    found, _, _ = await planned_in(
        Estate({BUCKET.name: {Aspect.LOGGING: sent_to("gone")}, LOGS.name: logs}), VALID, log_bucket=log_bucket
    )
    assert isinstance(found, Declined)
    assert found.reason == reason


async def test_circle_is_left_for_the_log_bucket() -> None:
    """If that ends it; who reads the logs where they went is not known."""
    circle: dict[str, Documents] = {
        BUCKET.name: {Aspect.LOGGING: sent_to(TARGET.name)},
        TARGET.name: {Aspect.LOGGING: sent_to(BUCKET.name), Aspect.POLICY: policy(delivery(TARGET))},
    }
    made = await round_trip(Estate({**circle, LOGS.name: {}}), CHAIN)
    assert [step.attribute for step in made.steps] == [f"policy:{LOGS.name}", "logging"]
    assert made.effect.unknown == ("who reads the logs where they go now",)
    assert aspects(entry_of(made)) == {Aspect.LOGGING, Aspect.LOG_TARGET}
    for back in (BUCKET.name, LOGS.name):
        found, _, _ = await planned_in(Estate({**circle, LOGS.name: {Aspect.LOGGING: sent_to(back)}}), CHAIN)
        assert isinstance(found, Declined)
        assert found.reason == "not_mended"


async def test_look_has_what_was_answered_about_each_bucket() -> None:
    """The bucket's own answers, and the target's beside them."""
    estate = Estate(
        {
            BUCKET.name: {Aspect.LOGGING: sent_to(TARGET.name), Aspect.POLICY: policy(OTHER)},
            TARGET.name: {Aspect.POLICY: policy(REFUSES)},
        }
    )
    _, look, _ = await planned_in(estate, VALID)
    assert look.documents[Aspect.POLICY] == policy(OTHER)
    assert look.target is not None
    assert look.target.state.ref == TARGET
    assert look.target.documents[Aspect.POLICY] == policy(REFUSES)
    assert look.target.documents.keys() == TARGET_ASPECTS
