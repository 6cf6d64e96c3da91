"""How a bucket is used: whether anything lies in it, whether anybody asks for it, whether it grows without measure.

S3 hands what it counts to CloudWatch once a day, up to two days late, and nothing at all of an empty bucket: see
"Metrics and dimensions" in the S3 user guide. So no count is no zero until the bucket is old enough to have one.
"""

from collections.abc import Hashable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from s3warden.detect.advice import OWN
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
)
from s3warden.detect.samples import DENIED, READ_AT, bucket
from s3warden.model.bucket import ABSENT, Aspect, BucketState, Present, Reading, State
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.usage import RequestMetrics, StorageCount, StorageMetrics

_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_WINDOWS = {"day": timedelta(days=1), "week": timedelta(days=7)}
_LATE = timedelta(days=3)
_GIGABYTE = 10**9


class _Found(StrEnum):
    """What the counts of a bucket say."""

    YOUNG = "young"
    EMPTY = "empty"
    USED = "used"
    GROWN = "grown"

    __hash__ = str.__hash__


def _dead(state: State, options: RuleOptions) -> Judgement:
    stored = configured(state, Aspect.STORAGE_METRICS, StorageMetrics)
    if stored is None:
        return not_applicable("S3 has not counted the bucket yet.", proven=True)
    match _content(stored, state, options):
        case _Found.YOUNG, _:
            return not_applicable(f"The bucket is younger than {options.empty_days} days.", proven=True)
        case _Found.EMPTY, day:
            return fails(f"Nothing has been counted in the bucket for {options.empty_days} days.", {"last_object": day})
    return _idle(state, options)


def _content(stored: StorageMetrics, state: State, options: RuleOptions) -> tuple[_Found, str]:
    """Whether the bucket is empty, and since which day."""
    limit = state.read_at - _days(options.empty_days)
    if stored.filled is not None and stored.filled >= limit:
        return _Found.USED, ""
    return (_Found.YOUNG, "") if stored.created > limit else (_Found.EMPTY, _day(stored.filled))


def _idle(state: State, options: RuleOptions) -> Judgement:
    """Of a bucket with objects: that nobody asks for them can be told only where requests were counted for so long."""
    counted = configured(state, Aspect.REQUEST_METRICS, RequestMetrics)
    if counted is None:
        return passes("Objects are in the bucket. Nothing counts the requests for all of them.")
    days = options.idle_days
    match _requests(counted, state, options):
        case _Found.YOUNG, _:
            return passes(f"Objects are in the bucket. Requests for them have not been counted for {days} days yet.")
        case _Found.EMPTY, day:
            return fails(f"Nobody has asked for an object for {days} days.", {"last_request": day})
    return passes("Objects are in the bucket and are asked for.")


def _requests(counted: RequestMetrics, state: State, options: RuleOptions) -> tuple[_Found, str]:
    """Whether nobody asks for objects, and since which day."""
    limit = state.read_at - _days(options.idle_days)
    if counted.last is not None and counted.last >= limit:
        return _Found.USED, ""
    young = counted.since is None or counted.since > limit
    return (_Found.YOUNG, "") if young else (_Found.EMPTY, _day(counted.last))


# Asked for each bucket, with the same numbers each time.
@lru_cache(maxsize=16)
def _days(number: int) -> timedelta:
    return timedelta(days=number)


def _day(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d") if at is not None else "none counted"


def _use(state: State, options: RuleOptions) -> Hashable:
    """All that the verdict on a dead bucket hangs on."""
    stored, counted = state.reading(Aspect.STORAGE_METRICS), state.reading(Aspect.REQUEST_METRICS)
    content = requests = None
    if isinstance(stored, Present) and isinstance(stored.value, StorageMetrics):
        content = _content(stored.value, state, options)
    if isinstance(counted, Present) and isinstance(counted.value, RequestMetrics):
        requests = _requests(counted.value, state, options)
    return content, requests


def _growth(state: State, options: RuleOptions) -> Judgement:
    stored = configured(state, Aspect.STORAGE_METRICS, StorageMetrics)
    window = options.growth_window
    match _grown(stored, state, options) if stored is not None else (_Found.YOUNG,):
        case _Found.YOUNG, *_:
            return not_applicable(f"The bucket has not been counted for a {window} yet.")
        case _Found.EMPTY, *_:
            return not_applicable("Nothing has been counted in the bucket of late.")
        case _Found.GROWN, what, before, now:
            return fails(f"The bucket grew within a {window}: {before} before, {now} now.", {"grew": what})
    return passes("The bucket has not grown beyond measure.")


def _grown(stored: StorageMetrics, state: State, options: RuleOptions) -> tuple[str, ...]:
    """Whether the bucket has grown beyond measure: in what, and from how much to how much."""
    latest = stored.latest
    if latest is None or latest.at < state.read_at - _LATE:
        return (_Found.YOUNG if stored.created > state.read_at - _LATE else _Found.EMPTY,)
    before = stored.day_before if options.growth_window == "day" else stored.week_before
    if before is None:
        begun = latest.at - _WINDOWS[options.growth_window]
        if stored.created > begun - _LATE:
            return (_Found.YOUNG,)
        before = StorageCount(begun, 0, 0)
    factor, what = options.growth_factor, []
    if _leaps(before.bytes, latest.bytes, options.growth_gigabytes * _GIGABYTE, factor):
        what.append("bytes")
    if _leaps(before.objects, latest.objects, options.growth_objects, factor):
        what.append("objects")
    return (_Found.GROWN, ", ".join(what), _amount(before), _amount(latest)) if what else (_Found.USED,)


def _leaps(before: int, now: int, least: int, factor: float) -> bool:
    return now - before >= least and now >= before * factor


def _size(state: State, options: RuleOptions) -> Hashable:
    """All that the verdict on growth hangs on."""
    match state.reading(Aspect.STORAGE_METRICS):
        case Present(value=StorageMetrics() as stored):
            return _grown(stored, state, options)
    return None


def _amount(count: StorageCount) -> str:
    return f"{count.bytes / _GIGABYTE:,.1f} GB in {count.objects:,} objects"


def _ago(days: int) -> datetime:
    return READ_AT - timedelta(days=days)


def _stored(
    filled: int | None = 1,
    *,
    created: int = 900,
    now: StorageCount | None = None,
    week: StorageCount | None = None,
    day: StorageCount | None = None,
) -> Present[StorageMetrics]:
    """Days ago when it was made and last had an object in it; the latest count, and those a week and a day before."""
    return Present(StorageMetrics(_ago(created), None if filled is None else _ago(filled), now, day, week))


def _counted(since: int | None, last: int | None) -> Present[RequestMetrics]:
    days = (None if each is None else _ago(each) for each in (since, last))
    return Present(RequestMetrics("EntireBucket", *days))


def _held(days: int, gigabytes: float, objects: int = 1000) -> StorageCount:
    return StorageCount(_ago(days), round(gigabytes * _GIGABYTE), objects)


def _used(stored: Reading[object], requests: Reading[object] = ABSENT) -> BucketState:
    return bucket({Aspect.STORAGE_METRICS: stored, Aspect.REQUEST_METRICS: requests})


DEAD = Rule(
    RuleInfo(
        id="bucket-empty-or-idle",
        title="The bucket is empty, or nobody asks for its objects",
        severity=Severity.INFO,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.STORAGE_METRICS, Aspect.REQUEST_METRICS}),
        why=(
            "A bucket that nobody uses is watched by nobody, and what lies in it leaks unseen. "
            "But to delete a bucket frees its name, and whoever takes it gets what is still sent there."
        ),
        cli=f"""\
# Deleting frees the name for anybody. First see that nothing speaks of it any more: no finding of
# account-dns-bucket-missing, account-origin-bucket-missing or account-bucket-name-released may come of it.
aws s3api list-object-versions {OWN} --max-items 1
# An empty bucket that costs nothing may stay, so that the name does; else:
aws s3api delete-bucket {OWN}""",
        terraform="# Remove the bucket's resource only when nothing refers to the name any more: deleting frees it.",
        console="""\
See that no DNS record, distribution, log setting or policy names {bucket} any more: deleting frees the name.
Open Amazon S3, Buckets, choose {bucket}, then Delete.
Type the name and choose Delete bucket.""",
        cloudformation="# Remove the resource only when nothing refers to the name any more: deleting frees it.",
        verify="""\
aws cloudwatch list-metrics --namespace AWS/S3 --metric-name NumberOfObjects --region {region} \\
  --dimensions Name=BucketName,Value={bucket}
# Expect: a metric. There is none of a bucket that has been empty for two weeks.""",
        maps=maps({Framework.CUSTODIAN: "metrics"}),
        default=False,
        references=(
            f"{_GUIDE}metrics-dimensions.html",
            f"{_GUIDE}metrics-configurations.html",
            f"{_GUIDE}delete-bucket.html",
        ),
    ),
    Kind.BUCKET,
    _dead,
    (
        Example("objects in it, nothing counts requests", _used(_stored()), Verdict.PASS),
        Example("objects in it, somebody reads them", _used(_stored(), _counted(400, 3)), Verdict.PASS),
        Example("requests are counted since last week", _used(_stored(), _counted(7, None)), Verdict.PASS),
        Example("requests are to be counted, and none was", _used(_stored(), _counted(None, None)), Verdict.PASS),
        Example("no object was ever counted", _used(_stored(None)), Verdict.FAIL),
        Example("emptied three weeks ago", _used(_stored(21)), Verdict.FAIL),
        Example("empty, whoever may ask", _used(_stored(None), DENIED), Verdict.FAIL),
        Example("emptied a week ago", _used(_stored(7)), Verdict.PASS),
        Example(
            "emptied a week ago, which is long here", _used(_stored(7)), Verdict.FAIL, options=RuleOptions(empty_days=5)
        ),
        Example("nobody asked for a hundred days", _used(_stored(), _counted(400, 100)), Verdict.FAIL),
        Example("nobody ever asked", _used(_stored(), _counted(400, None)), Verdict.FAIL),
        Example(
            "a hundred days are not long here",
            _used(_stored(), _counted(400, 100)),
            Verdict.PASS,
            options=RuleOptions(idle_days=365),
        ),
        Example("made yesterday", _used(_stored(None, created=1)), Verdict.NOT_APPLICABLE),
        Example("made since the last look at its region", _used(ABSENT), Verdict.NOT_APPLICABLE),
        Example("sizes unreadable", _used(DENIED), Verdict.UNKNOWN),
        Example("requests unreadable", _used(_stored(), DENIED), Verdict.UNKNOWN),
    ),
    # How long nothing was counted hangs on when the bucket is looked at.
    by_name=always,
    facts=_use,
    by_time=True,
)

GROWTH = Rule(
    RuleInfo(
        id="bucket-oversize-growth",
        title="The bucket grows beyond measure",
        severity=Severity.INFO,
        category=Category.GOVERNANCE,
        needs=frozenset({Aspect.STORAGE_METRICS}),
        why=(
            "Data that is to be carried off is often gathered in one bucket first, and a job in a loop fills one by "
            "night. Either shows in the size before it shows in the bill."
        ),
        cli=f"""\
# Nothing to set: find out who writes. The access logs or CloudTrail's data events name them.
aws s3api get-bucket-logging {OWN}
# Old versions and unfinished uploads count as well:
aws s3api list-multipart-uploads {OWN} --max-items 5""",
        terraform="# Nothing to declare: find out who writes. A lifecycle rule ends what is not needed.",
        console="""\
Open Amazon S3, Buckets, {bucket}, Metrics, and look at the total size and the number of objects.
Find out from the access logs, or from CloudTrail's data events, who writes.""",
        cloudformation="# Nothing to declare: find out who writes. A lifecycle rule ends what is not needed.",
        verify="""\
aws cloudwatch get-metric-statistics --namespace AWS/S3 --metric-name NumberOfObjects --region {region} \\
  --dimensions Name=BucketName,Value={bucket} Name=StorageType,Value=AllStorageTypes \\
  --statistics Average --period 86400 --start-time "${FROM_DAY:?}" --end-time "${TO_DAY:?}"
# Expect: numbers that have stopped growing.""",
        maps=maps({Framework.CUSTODIAN: "metrics"}),
        default=False,
        references=(f"{_GUIDE}metrics-dimensions.html",),
    ),
    Kind.BUCKET,
    _growth,
    (
        Example("as large as a week ago", _used(_stored(week=_held(8, 500), now=_held(1, 501))), Verdict.PASS),
        Example(
            "much more, not many times as much", _used(_stored(week=_held(8, 5000), now=_held(1, 5500))), Verdict.PASS
        ),
        Example("many times as much, not much", _used(_stored(week=_held(8, 1), now=_held(1, 50))), Verdict.PASS),
        Example("three times as large", _used(_stored(week=_held(8, 500), now=_held(1, 1500))), Verdict.FAIL),
        Example(
            "a flood of small objects",
            _used(_stored(week=_held(8, 1, 1000), now=_held(1, 9, 5_000_000))),
            Verdict.FAIL,
        ),
        Example("from nothing, in an old bucket", _used(_stored(now=_held(1, 900))), Verdict.FAIL),
        Example(
            "three times as large, as agreed",
            _used(_stored(week=_held(8, 500), now=_held(1, 1500))),
            Verdict.PASS,
            options=RuleOptions(growth_factor=5),
        ),
        Example(
            "grown since yesterday",
            _used(_stored(week=_held(8, 500), day=_held(2, 200), now=_held(1, 900))),
            Verdict.FAIL,
            options=RuleOptions(growth_window="day"),
        ),
        Example("emptied", _used(_stored(21, now=_held(10, 900))), Verdict.NOT_APPLICABLE),
        Example("empty from the first", _used(_stored(None)), Verdict.NOT_APPLICABLE),
        Example("filled in its first week", _used(_stored(now=_held(1, 900), created=5)), Verdict.NOT_APPLICABLE),
        Example("made yesterday", _used(_stored(None, created=1)), Verdict.NOT_APPLICABLE),
        Example("made since the last look at its region", _used(ABSENT), Verdict.NOT_APPLICABLE),
        Example("unreadable", _used(DENIED), Verdict.UNKNOWN),
    ),
    by_name=always,
    facts=_size,
    by_time=True,
)

RULES = (DEAD, GROWTH)
