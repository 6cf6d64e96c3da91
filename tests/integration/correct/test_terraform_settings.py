"""Settings in which all is set that the API knows, as Terraform: nothing is lost, and the provider takes them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, Shape, StructureShape

from s3warden.correct.remedy import Edit
from s3warden.correct.render_terraform import terraform as rendered
from s3warden.correct.steps import place_of, step
from s3warden.model.bucket import Aspect
from support.scenes import BUCKET
from support.terraform import MISSING, installed, module, parsed

ENABLED, DISABLED = {"Status": "Enabled"}, {"Status": "Disabled"}
TRAIL = f"arn:aws:cloudtrail:eu-west-1:{BUCKET.account}:trail/main"
TARGET = {
    "Id": "all",
    "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
    "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "in/"}, {"Name": "Suffix", "Value": ".csv"}]}},
}
NOTIFICATION = {
    "TopicConfigurations": [{**TARGET, "TopicArn": "arn:aws:sns:eu-west-1:111122223333:topic"}],
    "QueueConfigurations": [{**TARGET, "QueueArn": "arn:aws:sqs:eu-west-1:111122223333:queue"}],
    "LambdaFunctionConfigurations": [
        {**TARGET, "LambdaFunctionArn": "arn:aws:lambda:eu-west-1:111122223333:function:f"}
    ],
    "EventBridgeConfiguration": {},
}
CORS_RULE = {
    "ID": "all",
    "AllowedHeaders": ["*", "x-${a}"],
    "AllowedMethods": ["GET", "PUT"],
    "AllowedOrigins": ["https://example.com"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 3000,
}
COPIES = {
    "ID": "all",
    "Priority": 7,
    **ENABLED,
    "Filter": {"And": {"Prefix": "both/", "Tags": [{"Key": "k", "Value": "v"}]}},
    "SourceSelectionCriteria": {"SseKmsEncryptedObjects": ENABLED, "ReplicaModifications": DISABLED},
    "ExistingObjectReplication": ENABLED,
    "DeleteMarkerReplication": DISABLED,
    "Destination": {
        "Bucket": "arn:aws:s3:::copies",
        "Account": "444455556666",
        "StorageClass": "STANDARD_IA",
        "AccessControlTranslation": {"Owner": "Destination"},
        "EncryptionConfiguration": {"ReplicaKmsKeyID": "arn:aws:kms:eu-west-1:444455556666:key/1234"},
        "ReplicationTime": {**ENABLED, "Time": {"Minutes": 15}},
        "Metrics": {**ENABLED, "EventThreshold": {"Minutes": 15}},
    },
}
ELSEWHERE = {**DISABLED, "Destination": {"Bucket": "arn:aws:s3:::elsewhere"}}
REPLICATION = {
    "Role": "arn:aws:iam::111122223333:role/copy",
    "Rules": [
        COPIES,
        {**ELSEWHERE, "ID": "tag", "Priority": 8, "Filter": {"Tag": {"Key": "tag", "Value": "w"}}},
        {**ELSEWHERE, "ID": "prefix", "Priority": 9, "Filter": {"Prefix": "of-filter/"}},
        {**ELSEWHERE, "ID": "untagged", "Priority": 10, "Filter": {"And": {"Prefix": "alone/"}}},
        {**ELSEWHERE, "ID": "older", "Prefix": "of-rule/"},
    ],
}
CLASSIC = {
    "ReadWriteType": "WriteOnly",
    "IncludeManagementEvents": True,
    "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::a/", "arn:aws:s3:::b/"]}],
    "ExcludeManagementEventSources": ["kms.amazonaws.com"],
}
OPERATORS = ("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith")
FIELD = {"Field": "resources.ARN", **{operator: [f"arn:aws:s3:::{operator}/"] for operator in OPERATORS}}
ADVANCED = {"Name": "all of ${it}", "FieldSelectors": [FIELD]}

# The shape of each in the service's model, a setting of that shape, and the edit that leaves it behind.
WHOLE: Mapping[str, tuple[str, Any, Edit]] = {
    "CORSConfiguration": ("s3", {"CORSRules": [CORS_RULE]}, Edit(Aspect.CORS, {"CORSRules": [CORS_RULE]}, "")),
    "NotificationConfiguration": ("s3", NOTIFICATION, Edit(Aspect.NOTIFICATION, NOTIFICATION, "")),
    "ReplicationConfiguration": (
        "s3",
        REPLICATION,
        Edit(Aspect.REPLICATION, {"ReplicationConfiguration": REPLICATION}, ""),
    ),
    "EventSelectors": ("cloudtrail", [CLASSIC], Edit(Aspect.TRAILS, {"EventSelectors": [CLASSIC]}, "", TRAIL)),
    "AdvancedEventSelectors": (
        "cloudtrail",
        [ADVANCED],
        Edit(Aspect.TRAILS, {"AdvancedEventSelectors": [ADVANCED]}, "", TRAIL),
    ),
}


def code(edit: Edit) -> str:
    """What people are told of what the edit leaves behind."""
    made = step(edit, None, BUCKET)
    return "\n".join(rendered(made, place_of(made, BUCKET)))


def members(shape: Shape) -> Iterator[tuple[str, ...]]:
    """The names of all that a shape of the API may have in it, each behind those that it is in."""
    if isinstance(shape, ListShape):
        yield from members(shape.member)
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield (name,)
            yield from ((name, *rest) for rest in members(member))


def said(value: object) -> Iterator[tuple[str, ...]]:
    """The same of a setting."""
    for each in value if isinstance(value, list) else [value]:
        for name, part in each.items() if isinstance(each, Mapping) else ():
            yield (name,)
            yield from ((name, *rest) for rest in said(part))


def words(value: object) -> Iterator[str]:
    """The values in a setting, and the names in it, since those of tags are values to the API."""
    if isinstance(value, Mapping):
        yield from (str(name).strip('"') for name in value)
    if isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from words(part)
    else:
        yield str(value).strip('"').replace("$${", "${")


def values(value: object) -> Iterator[str]:
    """The values in a setting; the names of filters are told by those of arguments."""
    if isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from values(part)
    elif value not in ("Prefix", "Suffix"):
        yield str(value)


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_is_lost(name: str) -> None:
    """Every value of a setting in which every member of the API is used is in the code, as often as in the setting."""
    service, setting, edit = WHOLE[name]
    shape = botocore.session.get_session().get_service_model(service).shape_for(name)
    assert set(members(shape)) == set(said(setting))
    assert Counter(values(setting)) <= Counter(words(parsed(module(code(edit)))))


def test_order_of_names_of_filters_does_not_matter() -> None:
    """AWS tells them with a capital, and takes them without."""
    lower = [{"Name": "suffix", "Value": ".csv"}, {"Name": "prefix", "Value": "in/"}]
    target = {**TARGET, "Filter": {"Key": {"FilterRules": lower}}, "QueueArn": "arn:aws:sqs:eu-west-1:111122223333:q"}
    text = code(Edit(Aspect.NOTIFICATION, {"QueueConfigurations": [target]}, ""))
    assert 'filter_prefix = "in/"' in text
    assert 'filter_suffix = ".csv"' in text
    assert "eventbridge" not in text


def test_provider_takes_them(tmp_path: Path) -> None:
    """But for what it advises against: the prefix of a rule of the older form, which it sends as no other form."""
    terraform = installed()
    if terraform is None:
        pytest.skip(MISSING)
    found = terraform.complaints({name: module(code(edit)) for name, (_, _, edit) in WHOLE.items()}, tmp_path)
    assert {name: said for name, said in found.items() if name != "ReplicationConfiguration"} == {}
    [advice] = found["ReplicationConfiguration"]
    assert "prefix is deprecated" in advice
