"""Two remediations of different buckets that write one setting, as the policy of the bucket that receives logs."""

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any

from s3warden.correct.apply import Applier, Why
from s3warden.correct.remedy import Edit
from s3warden.correct.steps import seen, step
from s3warden.model.action import Call, Effect, RemediationPlan, Risk, Step
from s3warden.model.bucket import AccountRef, Aspect, BucketRef
from s3warden.model.finding import Verdict
from s3warden.model.remediation import Progress, Remediation, Stage
from support.mending import BUCKET, Bench, now, run
from support.scenes import finding, policy

LOGS = replace(BUCKET, name="logs")
OURS = {"Sid": "Ours", "Effect": "Allow", "Principal": {"AWS": BUCKET.account}, "Action": "s3:GetObject"}
PUBLIC = {**OURS, "Sid": "Public", "Principal": "*"}
DELIVERY = {**OURS, "Sid": "Delivery", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject"}
BEFORE = policy(OURS, PUBLIC)


@dataclass
class Slow:
    """One policy, each call to which takes its time."""

    document: dict[str, Any]

    async def now(self, _account: AccountRef, made: Step) -> str | None:
        """Read it."""
        await asyncio.sleep(0.02)
        return seen(made.attribute, self.document)

    async def completed(self, _account: AccountRef, call: Call) -> Call | None:
        """Nothing has to be found."""
        return call

    async def make(self, _account: AccountRef, call: Call) -> None:
        """Write it."""
        await asyncio.sleep(0.02)
        self.document = {"Policy": call.arguments["Policy"]}


def begun(bench: Bench, made: Step, subject: BucketRef) -> Remediation:
    """A remediation of `subject` with this one step."""
    found = finding("bucket-public-effective", subject)
    effect = Effect(None, None, (), (), Verdict.PASS)
    plan = RemediationPlan("x", "r", found.fingerprint, "e", subject, (made,), Risk.LOW, "", effect, now())
    return replace(bench.book.about(found), plan=plan, progress=(Progress(),), stage=Stage.APPLYING)


def test_neither_puts_back_what_the_other_took_out() -> None:
    """Who comes second finds the setting changed, and plans anew."""
    bench, aws = Bench(), Slow(dict(BEFORE))
    close = step(Edit(Aspect.POLICY, policy(OURS), ""), BEFORE, LOGS)
    let_in = step(Edit(Aspect.POLICY, policy(OURS, PUBLIC, DELIVERY), "", bucket=LOGS), BEFORE, BUCKET)
    applier = Applier(aws, aws, bench.book)

    async def both() -> Any:
        return await asyncio.gather(
            applier.apply(begun(bench, close, LOGS)), applier.apply(begun(bench, let_in, BUCKET))
        )

    (_, first), (_, second) = run(both())
    assert first is None
    assert second is not None
    assert second.why is Why.CHANGED
    assert [each["Sid"] for each in json.loads(aws.document["Policy"])["Statement"]] == ["Ours"]
