"""What CloudTrail's selectors see of a bucket's objects: each operator, each field, and how they go together."""

from typing import Any

import pytest

from s3warden.collect.selectors import selectors
from s3warden.detect.recorded import Share, objects_seen, settings_seen
from s3warden.model.trails import Selectors

ARN = "arn:aws:s3:::ledger"
NONE, PART, WHOLE = Share.NONE, Share.PART, Share.WHOLE


def classic(kind: str, *values: str, management: bool = True) -> Selectors:
    """One classic selector with these objects."""
    item = {
        "ReadWriteType": kind,
        "IncludeManagementEvents": management,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": list(values)}] if values else [],
    }
    return selectors({"EventSelectors": [item]})


def advanced(*more: dict[str, Any], category: str = "Data", kind: str | None = "AWS::S3::Object") -> Selectors:
    """One advanced selector for objects, with more conditions."""
    fields = [{"Field": "eventCategory", "Equals": [category]}]
    if kind is not None:
        fields.append({"Field": "resources.type", "Equals": [kind]})
    return selectors({"AdvancedEventSelectors": [{"FieldSelectors": [*fields, *more]}]})


def arns(**operators: list[str]) -> Selectors:
    """An advanced selector with conditions on the object's ARN."""
    return advanced({"Field": "resources.ARN", **operators})


@pytest.mark.parametrize(
    ("found", "write", "read"),
    [
        (classic("All", "arn:aws:s3"), WHOLE, WHOLE),
        (classic("All", "arn:aws:s3:::"), WHOLE, WHOLE),
        (classic("WriteOnly", f"{ARN}/"), WHOLE, NONE),
        (classic("ReadOnly", f"{ARN}/"), NONE, WHOLE),
        (classic("All", f"{ARN}/logs/"), PART, PART),
        (classic("All", f"{ARN}-of-others/"), NONE, NONE),
        (classic("All", "arn:aws:s3:::other/", f"{ARN}/"), WHOLE, WHOLE),
        (classic("All"), NONE, NONE),
        (Selectors(), NONE, NONE),
        (advanced(), WHOLE, WHOLE),
        (advanced(category="Management"), NONE, NONE),
        (advanced(kind="AWS::Lambda::Function"), NONE, NONE),
        (advanced(kind=None), NONE, NONE),
        (advanced({"Field": "readOnly", "Equals": ["false"]}), WHOLE, NONE),
        (advanced({"Field": "readOnly", "Equals": ["true"]}), NONE, WHOLE),
        (advanced({"Field": "readOnly", "NotEquals": ["true"]}), WHOLE, NONE),
        (arns(StartsWith=[f"{ARN}/"]), WHOLE, WHOLE),
        (arns(StartsWith=["arn:aws:s3:::led"]), WHOLE, WHOLE),
        (arns(StartsWith=["arn:aws:s3:::other/"]), NONE, NONE),
        (arns(StartsWith=["arn:aws:s3:::other/", f"{ARN}/"]), WHOLE, WHOLE),
        (arns(StartsWith=[f"{ARN}/secret/"]), PART, PART),
        (arns(Equals=[f"{ARN}/secret/one"]), PART, PART),
        (arns(Equals=[ARN]), NONE, NONE),
        (arns(EndsWith=[".csv"]), PART, PART),
        (arns(NotStartsWith=["arn:aws:s3:::other/"]), WHOLE, WHOLE),
        (arns(NotStartsWith=[f"{ARN}/"]), NONE, NONE),
        (arns(NotStartsWith=["arn:aws:s3:::other/", f"{ARN}/"]), NONE, NONE),
        (arns(NotStartsWith=[f"{ARN}/tmp/"]), PART, PART),
        (arns(NotEquals=[f"{ARN}/tmp/x"]), PART, PART),
        (arns(NotEndsWith=[".tmp"]), PART, PART),
        (arns(StartsWith=[f"{ARN}/"], NotStartsWith=[f"{ARN}/tmp/"]), PART, PART),
        (arns(StartsWith=["arn:aws:s3:::"], NotStartsWith=["arn:aws:s3:::led"]), NONE, NONE),
        (advanced({"Field": "eventName", "Equals": ["PutObject"]}), PART, NONE),
        (advanced({"Field": "eventName", "NotEquals": ["GetObject"]}), WHOLE, PART),
        (advanced({"Field": "eventName", "StartsWith": ["Delete"]}), PART, NONE),
        (advanced({"Field": "eventSource", "Equals": ["s3.amazonaws.com"]}), WHOLE, WHOLE),
        (advanced({"Field": "eventSource", "NotEquals": ["s3.amazonaws.com"]}), NONE, NONE),
        (advanced({"Field": "eventType", "Equals": ["AwsApiCall"]}), WHOLE, WHOLE),
        (advanced({"Field": "userIdentity.arn", "NotStartsWith": ["arn:aws:sts::1:assumed-role/batch"]}), PART, PART),
    ],
)
def test_selectors_see_so_much(found: Selectors, write: Share, read: Share) -> None:
    """All of a bucket's objects, some of them, or none."""
    assert objects_seen(found, ARN, write=True) is write
    assert objects_seen(found, ARN, write=False) is read


def test_the_best_of_several_selectors_counts() -> None:
    """A trail records what any of its selectors selects, in whatever order they come."""
    some, all_ = classic("All", f"{ARN}/x/").basic, classic("All", "arn:aws:s3").basic
    for order in (some + all_, all_ + some):
        assert objects_seen(Selectors(basic=order), ARN, write=True) is WHOLE


@pytest.mark.parametrize(
    ("found", "seen"),
    [
        (classic("All"), True),
        (classic("WriteOnly"), True),
        (classic("ReadOnly"), False),
        (classic("All", management=False), False),
        (advanced(category="Management", kind=None), True),
        (advanced(category="Data"), False),
        (advanced({"Field": "readOnly", "Equals": ["true"]}, category="Management", kind=None), False),
        (
            advanced(
                {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]},
                category="Management",
                kind=None,
            ),
            True,
        ),
        (advanced({"Field": "eventSource", "Equals": ["ec2.amazonaws.com"]}, category="Management", kind=None), False),
    ],
)
def test_changes_of_settings_are_seen(found: Selectors, seen: bool) -> None:
    """What is recorded of the calls that change buckets."""
    assert settings_seen(found) is seen
