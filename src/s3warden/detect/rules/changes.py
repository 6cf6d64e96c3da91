"""Changes of a bucket's configuration: a notice of who changed what, for as long as the settings say.

A change by itself breaks nothing, so this is no verdict on the configuration. What no event told of is not known here:
a sweep that finds something else than before says so by the rules about it.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from s3warden.detect.changes import RULE, expected, facts, recent
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    always,
    configured,
    fails,
    not_applicable,
    passes,
    without,
)
from s3warden.detect.samples import ACCOUNT, DENIED, READ_AT, bucket
from s3warden.model.bucket import Aspect, BucketState, Present, State
from s3warden.model.changes import Change, Changes
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo


def _changed(state: State, options: RuleOptions) -> Judgement:
    known = configured(state, Aspect.CHANGES, Changes) or Changes(())
    late = recent(known, state.read_at, options)
    if not late:
        return not_applicable("No event of late tells of a change of the configuration.")
    told = [change for change in late if not change.own and not expected(change, state.ref.account, options)]
    if not told:
        return passes("Of late only s3warden, or who is expected to, changed the configuration.")
    return fails(_summary(told), facts(known))


def _summary(told: list[Change]) -> str:
    last = told[-1]
    who = last.principal or "somebody whom no event names"
    what = ", ".join(last.aspects).replace("_", " ")
    before = f", after {len(told) - 1} more" if len(told) > 1 else ""
    return f"Changed by {who} with {last.call}{f' ({what})' if what else ''} at {_moment(last.at)}{before}."


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


_SESSION = f"arn:{ACCOUNT.partition}:sts::{ACCOUNT.account}:assumed-role/admin/alice"
_TAGGED = Change(
    call="PutBucketTagging",
    at=READ_AT - timedelta(hours=1),
    event_id="7a6c1d0e-0000-4000-8000-000000000001",
    principal=_SESSION,
    source_ip="203.0.113.7",
    user_agent="aws-cli/2.31.0",
    aspects=(Aspect.TAGGING,),
)
_FIX = Change("Remediation", READ_AT, "remediation/r-1", principal="s3warden, remediation r-1", own=True)


def _known(*changes: Change) -> BucketState:
    return bucket({Aspect.CHANGES: Present(Changes(changes))})


CHANGED = Rule(
    RuleInfo(
        id=RULE,
        title="Somebody changed the configuration of the bucket",
        severity=Severity.INFO,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.CHANGES}),
        why=(
            "A change that nobody planned is the first trace of a mistake or of a stolen key. "
            "By itself it breaks nothing: what it opens is told by the rules about that."
        ),
        cli="""\
# Ask whoever it was. All calls on the bucket of the last 90 days, the latest first:
aws cloudtrail lookup-events --region {region} \\
  --lookup-attributes AttributeKey=ResourceName,AttributeValue={bucket} --max-results 20
# Who is expected to change buckets belongs in rules.expected_changers of s3warden's settings.""",
        terraform="# Nothing to declare: terraform plan shows what differs from the code.",
        console="""\
Open CloudTrail in {region}, Event history, Resource name, {bucket}.
Open the event and ask whoever made the call.""",
        cloudformation="# Nothing to declare: drift detection of the stack shows what differs from the template.",
        verify="""\
aws cloudtrail lookup-events --region {region} --max-results 20 --query "Events[].[EventTime,EventName,Username]" \\
  --lookup-attributes AttributeKey=ResourceName,AttributeValue={bucket}
# Expect: no call of late that nobody expected. The finding ends by itself when changes_within is over.""",
        maps=maps({Framework.CONFORMITY: "S3-022"}),
        default=False,
        references=("https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html",),
    ),
    Kind.BUCKET,
    _changed,
    (
        Example("no event told of a change", bucket(), Verdict.NOT_APPLICABLE),
        Example("somebody changed the tags", _known(_TAGGED), Verdict.FAIL),
        Example("no event says who", _known(replace(_TAGGED, principal="", aspects=())), Verdict.FAIL),
        Example(
            "an expected role",
            _known(_TAGGED),
            Verdict.PASS,
            options=RuleOptions(expected_changers=("deploy", "admin")),
        ),
        Example(
            "a role of the same name in another account",
            _known(replace(_TAGGED, principal=_SESSION.replace(ACCOUNT.account, "444455556666"))),
            Verdict.FAIL,
            options=RuleOptions(expected_changers=("admin",)),
        ),
        Example("a fix of s3warden's own", _known(_FIX), Verdict.PASS),
        Example("a fix after a change", _known(_TAGGED, _FIX), Verdict.FAIL),
        Example("two days ago", _known(replace(_TAGGED, at=READ_AT - timedelta(days=2))), Verdict.NOT_APPLICABLE),
        Example(
            "two days ago, within the settings",
            _known(replace(_TAGGED, at=READ_AT - timedelta(days=2))),
            Verdict.FAIL,
            options=RuleOptions(changes_within=timedelta(days=7)),
        ),
        Example("not known", bucket({Aspect.CHANGES: DENIED}), Verdict.UNKNOWN),
    ),
    # What is known is the bucket's own, and how late it is hangs on when the bucket is looked at.
    by_name=always,
    nameless=without(Aspect.CHANGES),
    by_time=True,
)

RULES = (CHANGED,)
