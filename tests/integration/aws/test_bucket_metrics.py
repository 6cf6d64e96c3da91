"""What CloudWatch counts of buckets, over a real wire: what the SDK sends and parses, and what the rules make of it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s3warden.aws.calls import Calls
from s3warden.aws.s3 import S3Reader
from s3warden.aws.session import Sessions
from s3warden.collect.fetch import Fetch
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rules import find
from s3warden.model.bucket import ABSENT, AccountRef, Aspect, BucketRef, BucketState, Cause, Present, Unreadable
from s3warden.model.finding import Verdict
from s3warden.model.usage import RequestMetrics, StorageMetrics
from support.faults import FaultProxy

HERE = "eu-west-1"
# On the wire the list differs from a look at one configuration by what it does not say.
LIST = "*BucketMetricsConfiguration*"
WHOLE = b"""\
<ListMetricsConfigurationsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>
<MetricsConfiguration><Id>Documents</Id><Filter><Prefix>documents/</Prefix></Filter></MetricsConfiguration>
<MetricsConfiguration><Id>EntireBucket</Id></MetricsConfiguration></ListMetricsConfigurationsResult>"""
NO_MORE_THAN_A_PART = b"""\
<ListMetricsConfigurationsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>false</IsTruncated>
<MetricsConfiguration><Id>Documents</Id><Filter><Prefix>documents/</Prefix></Filter></MetricsConfiguration>
</ListMetricsConfigurationsResult>"""


@pytest.fixture
async def bucket(sessions: Sessions, fresh_account: Callable[[], str]) -> BucketRef:
    """A bucket in an account of its own."""
    account = AccountRef("aws", fresh_account())
    ref = BucketRef(account.partition, account.account, HERE, f"counted-{account.account}")
    s3 = await sessions.client("s3", region=HERE, account=account.account)
    await s3.create_bucket(Bucket=ref.name, CreateBucketConfiguration={"LocationConstraint": HERE})
    return ref


async def count(sessions: Sessions, ref: BucketRef, counts: Mapping[tuple[str, str, str, int], float]) -> None:
    """Have CloudWatch know these counts, by metric, dimension, its value and how many days ago the day began."""
    cloudwatch = await sessions.client("cloudwatch", region=ref.region, account=ref.account)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    data: list[dict[str, Any]] = [
        {
            "MetricName": metric,
            "Dimensions": [{"Name": "BucketName", "Value": ref.name}, {"Name": dimension, "Value": value}],
            "Timestamp": today - timedelta(days=ago),
            "Value": number,
        }
        for (metric, dimension, value, ago), number in counts.items()
    ]
    await cloudwatch.put_metric_data(Namespace="AWS/S3", MetricData=data)


def stored(ago: int, standard: float, archived: float, objects: float) -> dict[tuple[str, str, str, int], float]:
    """The counts of one day."""
    return {
        ("BucketSizeBytes", "StorageType", "StandardStorage", ago): standard,
        ("BucketSizeBytes", "StorageType", "GlacierStorage", ago): archived,
        ("NumberOfObjects", "StorageType", "AllStorageTypes", ago): objects,
    }


async def read(calls: Calls, ref: BucketRef, *aspects: Aspect) -> BucketState:
    """The bucket."""
    return await Fetch(S3Reader(calls)).bucket(ref, aspects)


async def test_types_of_storage_are_added_up_day_by_day(sessions: Sessions, calls: Calls, bucket: BucketRef) -> None:
    """A bucket that took in 200 GB within a week has grown beyond measure."""
    await count(sessions, bucket, stored(8, 1e9, 1e9, 100) | stored(1, 100e9, 102e9, 5000))
    state = await read(calls, bucket, Aspect.STORAGE_METRICS)
    found = state.reading(Aspect.STORAGE_METRICS)
    assert isinstance(found, Present)
    assert isinstance(found.value, StorageMetrics)
    before, latest = found.value.week_before, found.value.latest
    assert before is not None
    assert latest is not None
    assert (before.bytes, before.objects) == (2_000_000_000, 100)
    assert (latest.bytes, latest.objects) == (202_000_000_000, 5000)
    [result] = evaluate([find("bucket-oversize-growth")], state)
    assert (result.verdict, result.evidence.details) == (Verdict.FAIL, {"grew": "bytes"})


async def test_requests_are_counted_where_a_configuration_has_no_filter(
    sessions: Sessions, calls: Calls, bucket: BucketRef, proxy: FaultProxy
) -> None:
    """And a bucket of which nobody has read for a hundred days is idle."""
    proxy.answer(LIST, body=WHOLE)
    of_all = {(metric, "FilterId", "EntireBucket", 200): 1.0 for metric in ("AllRequests", "PutRequests")}
    last = {("GetRequests", "FilterId", "EntireBucket", 100): 7.0, ("AllRequests", "FilterId", "EntireBucket", 0): 9.0}
    of_a_part = {("GetRequests", "FilterId", "Documents", 3): 7.0}
    await count(sessions, bucket, of_all | last | of_a_part | stored(1, 1e9, 0, 5))
    state = await read(calls, bucket, Aspect.STORAGE_METRICS, Aspect.REQUEST_METRICS)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert state.reading(Aspect.REQUEST_METRICS) == Present(
        RequestMetrics("EntireBucket", since=today - timedelta(days=200), last=today - timedelta(days=100))
    )
    [result] = evaluate([find("bucket-empty-or-idle")], state)
    assert result.verdict is Verdict.FAIL
    assert set(result.evidence.details) == {"last_request"}


async def test_a_configuration_with_a_filter_is_not_enough(calls: Calls, bucket: BucketRef, proxy: FaultProxy) -> None:
    """What is asked for beside the prefix is not counted."""
    proxy.answer(LIST, body=NO_MORE_THAN_A_PART)
    state = await read(calls, bucket, Aspect.REQUEST_METRICS)
    assert state.reading(Aspect.REQUEST_METRICS) == ABSENT
    assert proxy.count("GetMetricData") == 0


@pytest.mark.parametrize("operation", ["ListBuckets", "ListMetrics", "GetMetricData"])
async def test_a_refusal_is_unknown(calls: Calls, bucket: BucketRef, proxy: FaultProxy, operation: str) -> None:
    """With its cause, whichever call it is."""
    proxy.deny(operation, message="not authorized because no identity-based policy allows the action")
    state = await read(calls, bucket, Aspect.STORAGE_METRICS)
    found = state.reading(Aspect.STORAGE_METRICS)
    assert isinstance(found, Unreadable)
    assert found.cause is Cause.ROLE_PERMISSION
