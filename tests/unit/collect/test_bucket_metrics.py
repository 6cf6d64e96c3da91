"""What CloudWatch counts of buckets: read for many at once, half a day long, and no count is never taken for zero."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s3warden.aws.errors import AwsError
from s3warden.collect.account_services import ServiceReads
from s3warden.collect.request_metrics import RequestMetricReads
from s3warden.collect.storage_metrics import StorageMetricReads
from s3warden.model.bucket import ABSENT, Aspect, Cause, Present, Reading, Unreadable
from s3warden.model.usage import RequestMetrics, StorageCount, StorageMetrics
from support.account_services import DENIED, HERE, THERE, FakeServices, bucket

NOW = datetime(2026, 3, 20, 9, 30, tzinfo=UTC)
MADE = datetime(2024, 1, 1, tzinfo=UTC)
TODAY = NOW.replace(hour=0, minute=0)
Query = Mapping[str, Any]
Counts = Callable[[str, str, str], Mapping[int, float]]


def day(ago: int) -> datetime:
    """The beginning of a day before today."""
    return TODAY - timedelta(days=ago)


def answers(counts: Counts) -> Callable[..., Mapping[str, Any]]:
    """GetMetricData of an AWS where `counts` tells of a bucket, a metric and a dimension's value what was counted.

    Days are told as how long ago they were.
    """

    def data(*, region: str, **asked: Any) -> Mapping[str, Any]:
        assert region in (HERE, THERE)
        assert len(asked["MetricDataQueries"]) <= 500
        assert asked["StartTime"] < NOW < asked["EndTime"]
        return {"MetricDataResults": [result(each) for each in asked["MetricDataQueries"]]}

    def result(query: Query) -> Mapping[str, Any]:
        metric = query["MetricStat"]["Metric"]
        name, other = (each["Value"] for each in metric["Dimensions"])
        found = counts(name, metric["MetricName"], other)
        stamps = [day(ago) for ago in found]
        return {"Id": query["Id"], "StatusCode": "Complete", "Timestamps": stamps, "Values": list(found.values())}

    return data


def listed(*names: str) -> Mapping[str, Any]:
    """ListBuckets."""
    return {"Buckets": [{"Name": name, "CreationDate": MADE} for name in names]}


def typed(*pairs: tuple[str, str]) -> Mapping[str, Any]:
    """ListMetrics: buckets and the types of storage in them."""
    dimensions = [
        [{"Name": "StorageType", "Value": kind}, {"Name": "BucketName", "Value": name}] for name, kind in pairs
    ]
    return {"Metrics": [{"MetricName": "BucketSizeBytes", "Dimensions": each} for each in dimensions]}


def some(name: str, metric: str, value: str) -> Mapping[int, float]:
    """One bucket with two types of storage, in which the size doubled within a week."""
    if name != "full":
        return {}
    if metric == "NumberOfObjects":
        return {1: 20.0, 2: 19.0, 8: 10.0, 9: 8.0}
    return {"StandardStorage": {1: 2e9, 2: 1.9e9, 8: 1e9}, "GlacierStorage": {1: 5.0, 2: 4.0}}[value]


def storage(**more: Any) -> FakeServices:
    """An AWS with three buckets, one of them full."""
    return FakeServices(
        **{
            "ListBuckets": listed("full", "empty", "other"),
            "ListMetrics": typed(("full", "StandardStorage"), ("full", "GlacierStorage"), ("a-zonal-one", "Express")),
            "GetMetricData": answers(some),
            **more,
        }
    )


def reads(reader: FakeServices, clock: Callable[[], datetime] = lambda: NOW) -> StorageMetricReads:
    """What reads storage metrics."""
    return StorageMetricReads(reader, clock)


async def test_sizes_are_read_once_for_a_region_and_split_by_bucket() -> None:
    """Types of storage are added up; what nothing was counted of is no zero, and what is not listed is not known."""
    reader = storage()
    read = reads(reader)
    found = await asyncio.gather(*(read.of_bucket(bucket(name)) for name in ("full", "empty", "new")))
    assert found == [
        Present(
            StorageMetrics(
                MADE,
                filled=day(1),
                latest=StorageCount(day(1), 2_000_000_005, 20),
                day_before=StorageCount(day(2), 1_900_000_004, 19),
                week_before=StorageCount(day(8), 1_000_000_000, 10),
            )
        ),
        Present(StorageMetrics(MADE)),
        ABSENT,
    ]
    assert [reader.count(name) for name in ("ListBuckets", "ListMetrics", "GetMetricData")] == [1, 1, 1]
    asked = reader.parameters[reader.asked.index(("cloudwatch", "GetMetricData", HERE))]["MetricDataQueries"]
    # The number of objects of each bucket, and the sizes that there are; other kinds of buckets are not asked about.
    assert isinstance(asked, list)
    assert len(asked) == 3 + 2


@pytest.mark.parametrize(("buckets", "calls"), [(500, 1), (800, 2), (1800, 4)])
async def test_five_hundred_metrics_go_into_one_call(buckets: int, calls: int) -> None:
    """A thousand buckets are asked about at a time, so that the days of a large region need not be held at once."""
    names = [f"b{number}" for number in range(buckets)]
    reader = storage(ListBuckets=listed(*names), ListMetrics=typed())
    read = reads(reader)
    for name in names[::300]:
        assert await read.of_bucket(bucket(name)) == Present(StorageMetrics(MADE))
    assert len(reader.asked) == 2 + calls


async def test_regions_are_read_by_themselves() -> None:
    """A bucket's metrics are where the bucket is."""
    reader = storage()
    read = reads(reader)
    for region in (HERE, THERE):
        assert isinstance(await read.of_bucket(bucket("full", region)), Present)
    assert {region for _, _, region in reader.asked} == {HERE, THERE}
    assert reader.count("GetMetricData") == 2


async def test_counts_are_believed_half_a_day_and_refusals_ten_minutes() -> None:
    """Who grants the permission need not wait for half a day."""
    now = [NOW]
    reader = storage(GetMetricData=DENIED)
    read = reads(reader, lambda: now[0])
    assert isinstance(await read.of_bucket(bucket("full")), Unreadable)
    reader.answers["GetMetricData"] = answers(some)
    assert isinstance(await read.of_bucket(bucket("full")), Unreadable)
    now[0] += timedelta(minutes=11)
    assert isinstance(await read.of_bucket(bucket("full")), Present)
    now[0] += timedelta(hours=11)
    await read.of_bucket(bucket("other"))
    assert reader.count("GetMetricData") == 2
    now[0] += timedelta(hours=2)
    await read.of_bucket(bucket("other"))
    assert reader.count("GetMetricData") == 3


async def test_pages_of_an_answer_are_put_together() -> None:
    """A metric may be told in parts; the last of them says whether that was all."""

    def pages(**asked: Any) -> Mapping[str, Any]:
        part, status, token = (2, "Complete", None) if asked.get("NextToken") else (1, "PartialData", "more")
        results = [
            {"Id": each["Id"], "StatusCode": status, "Timestamps": [day(part)], "Values": [float(part)]}
            for each in asked["MetricDataQueries"]
        ]
        return {"MetricDataResults": results, "NextToken": token}

    reader = storage(GetMetricData=pages)
    found = await reads(reader).of_bucket(bucket("full"))
    assert isinstance(found, Present)
    assert found.value.latest == StorageCount(day(1), 2, 1)
    assert found.value.day_before == StorageCount(day(2), 4, 2)


async def test_days_that_were_left_out_are_bridged_for_three_days_only() -> None:
    """The count of a week before may be one from ten days before, and no older one; half a count is none."""

    def gaps(name: str, metric: str, _value: str) -> Mapping[int, float]:
        oldest = 11 if name == "full" else 12
        return {0: 7.0, 1: 3.0, oldest: 1.0} if metric == "NumberOfObjects" else {1: 3.0, oldest: 1.0}

    reader = storage(GetMetricData=answers(gaps), ListMetrics=typed(("full", "Standard"), ("other", "Standard")))
    read = reads(reader)
    full, other = [await read.of_bucket(bucket(name)) for name in ("full", "other")]
    assert isinstance(full, Present)
    assert isinstance(other, Present)
    assert full.value.latest == StorageCount(day(1), 3, 3)
    assert full.value.filled == day(0)
    assert full.value.week_before == StorageCount(day(11), 1, 1)
    assert other.value.week_before is None


def changed(**values: object) -> Callable[..., Mapping[str, Any]]:
    """GetMetricData with one result damaged."""
    whole = answers(some)

    def data(**parameters: Any) -> Mapping[str, Any]:
        results = list(whole(**parameters)["MetricDataResults"])
        results[0] = {name: value for name, value in {**results[0], **values}.items() if value is not None}
        return {"MetricDataResults": results}

    return data


def cause(reading: Reading[Any]) -> Cause | None:
    """Why a reading failed."""
    return reading.cause if isinstance(reading, Unreadable) else None


@pytest.mark.parametrize(
    "damaged",
    [
        {"ListBuckets": {}},
        {"ListBuckets": {"Buckets": [{"Name": "full"}]}},
        {"ListBuckets": {"Buckets": [{"CreationDate": MADE}]}},
        {"ListBuckets": {"Buckets": [{"Name": "full", "CreationDate": "2024-01-01"}]}},
        {"ListMetrics": {}},
        {"ListMetrics": {"Metrics": [{}]}},
        {"ListMetrics": {"Metrics": [{"Dimensions": [{"Name": "BucketName"}]}]}},
        {"GetMetricData": {}},
        {"GetMetricData": {"MetricDataResults": []}},
        {"GetMetricData": changed(Id=None)},
        {"GetMetricData": changed(Id="another")},
        {"GetMetricData": changed(StatusCode=None)},
        {"GetMetricData": changed(StatusCode="Fine")},
        {"GetMetricData": changed(Values=[1.0])},
        {"GetMetricData": changed(Timestamps=[day(1)], Values=[-1.0])},
        {"GetMetricData": changed(Timestamps=[day(1)], Values=[float("nan")])},
        {"GetMetricData": changed(Timestamps=[day(1)], Values=["1"])},
        {"GetMetricData": changed(Timestamps=["2026-03-19"], Values=[1.0])},
        {"GetMetricData": changed(Timestamps=[NOW.replace(tzinfo=None)], Values=[1.0])},
    ],
)
async def test_a_damaged_answer_makes_every_bucket_of_the_region_unreadable(damaged: Mapping[str, Any]) -> None:
    """Nothing of it is believed: what was left out could not be told from what is empty."""
    read = reads(storage(**damaged))
    for name in ("full", "empty", "new"):
        assert cause(await read.of_bucket(bucket(name))) is Cause.MALFORMED


@pytest.mark.parametrize("status", ["InternalError", "PartialData", "Forbidden"])
async def test_what_was_not_told_whole_is_unreadable(status: str) -> None:
    """And says with which words of CloudWatch."""
    found = await reads(storage(GetMetricData=changed(StatusCode=status))).of_bucket(bucket("empty"))
    assert found == Unreadable(Cause.ERROR, f"GetMetricData: {status}")


@pytest.mark.parametrize("operation", ["ListBuckets", "ListMetrics", "GetMetricData"])
async def test_a_refusal_is_no_empty_bucket(operation: str) -> None:
    """Of none of the three calls."""
    assert cause(await reads(storage(**{operation: DENIED})).of_bucket(bucket("empty"))) is Cause.DENIED


WHOLE = {"IsTruncated": False, "MetricsConfigurationList": [{"Id": "EntireBucket"}]}


def requests(**more: Any) -> FakeServices:
    """An AWS that counts all requests; settings are looked at each day, objects were read a hundred days ago."""

    def counts(_name: str, metric: str, _value: str) -> Mapping[int, float]:
        return {"AllRequests": {400: 3.0, 100: 3.0, 0: 3.0}, "GetRequests": {100: 1.0, 50: 0.0}}.get(metric, {})

    return FakeServices(**{"ListBucketMetricsConfigurations": WHOLE, "GetMetricData": answers(counts), **more})


async def test_requests_are_read_together_where_they_are_counted() -> None:
    """The first asks alone, those who come meanwhile together; looks at settings are no requests for objects."""
    reader = requests()
    read = RequestMetricReads(reader, lambda: NOW)
    found = await asyncio.gather(*(read.of_bucket(bucket(f"b{number}")) for number in range(60)))
    assert found == [Present(RequestMetrics("EntireBucket", since=day(400), last=day(100)))] * 60
    # Six metrics each.
    assert reader.count("GetMetricData") == 1 + 1
    await read.of_bucket(bucket("b7"))
    assert (reader.count("ListBucketMetricsConfigurations"), reader.count("GetMetricData")) == (61, 2)


@pytest.mark.parametrize(
    "configurations",
    [[], [{"Id": "logs", "Filter": {"Prefix": "logs/"}}]],
    ids=["nothing", "requests for a part"],
)
async def test_requests_for_all_objects_are_counted_only_without_a_filter(configurations: list[object]) -> None:
    """Then nothing is asked of CloudWatch."""
    reader = requests(
        ListBucketMetricsConfigurations={"IsTruncated": False, "MetricsConfigurationList": configurations}
    )
    assert await RequestMetricReads(reader, lambda: NOW).of_bucket(bucket("b")) == ABSENT
    assert reader.count("GetMetricData") == 0


async def test_nothing_counted_is_known_as_such() -> None:
    """The configuration may be new: when it was made is nowhere told."""
    reader = requests(GetMetricData=answers(lambda *_series: {}))
    assert await RequestMetricReads(reader, lambda: NOW).of_bucket(bucket("b")) == Present(
        RequestMetrics("EntireBucket")
    )


@pytest.mark.parametrize(
    ("operation", "answer", "expected"),
    [
        ("ListBucketMetricsConfigurations", DENIED, Cause.DENIED),
        ("ListBucketMetricsConfigurations", {}, Cause.MALFORMED),
        ("ListBucketMetricsConfigurations", {"IsTruncated": False, "MetricsConfigurationList": [{}]}, Cause.MALFORMED),
        ("GetMetricData", DENIED, Cause.DENIED),
        ("GetMetricData", {"MetricDataResults": []}, Cause.MALFORMED),
    ],
)
async def test_requests_that_cannot_be_read_are_not_idleness(
    operation: str, answer: Mapping[str, Any] | AwsError, expected: Cause
) -> None:
    """Refused or damaged, either way."""
    found = await RequestMetricReads(requests(**{operation: answer}), lambda: NOW).of_bucket(bucket("b"))
    assert cause(found) is expected


async def test_both_are_read_by_the_table_of_services() -> None:
    """With the clock that was given."""
    services = ServiceReads(storage(ListBucketMetricsConfigurations=WHOLE), clock=lambda: NOW)
    for aspect in (Aspect.STORAGE_METRICS, Aspect.REQUEST_METRICS):
        assert isinstance(await services.bucket[aspect](bucket("other")), Present)
