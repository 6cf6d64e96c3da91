"""What a call to KMS, CloudFront or Route 53 asks for."""

import json
from typing import Any

import pytest

from s3warden.collect.locate import KeyUsers
from s3warden.collect.parser import parse
from s3warden.model.bucket import Aspect, BucketRef, Subject
from s3warden.model.event import Level, Refresh, Skip
from support.cloudtrail import DROP, OWNER, REGION, envelope, record

ARN = f"arn:aws:kms:{REGION}:{OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ALIAS = f"arn:aws:kms:{REGION}:{OWNER}:alias/data"


def body(service: str, name: str, parameters: object = None, **changes: Any) -> str:
    """The message body of a call to `service`."""
    common = {"eventSource": f"{service}.amazonaws.com", "requestParameters": parameters, "resources": DROP}
    return json.dumps(envelope(record(name, **(common | changes)), source=f"aws.{service}"))


@pytest.mark.parametrize(
    ("parameters", "changes", "keys"),
    [
        ({"keyId": "1234abcd-12ab-34cd-56ef-1234567890ab"}, {}, [ARN]),
        ({"keyId": ARN}, {"resources": [{"ARN": ARN, "accountId": OWNER, "type": "AWS::KMS::Key"}]}, [ARN]),
        ({"aliasName": "alias/data", "targetKeyId": ARN}, {}, [ALIAS, ARN]),
        (None, {"resources": [{"ARN": ARN}]}, [ARN]),
        ({"keyId": "1234abcd-12ab-34cd-56ef-1234567890ab"}, {"responseElements": {"keyId": ARN}}, [ARN]),
    ],
)
def test_keys_and_aliases_are_named_in_full(parameters: object, changes: dict[str, Any], keys: list[str]) -> None:
    """However the record names them."""
    found = parse(body("kms", "ScheduleKeyDeletion", parameters, **changes))
    assert isinstance(found, Refresh)
    assert [target.key for target in found.targets] == keys
    assert {target.aspects for target in found.targets} == {
        frozenset({Aspect.DEFAULT_KEY, Aspect.KEY_ROTATION, Aspect.KEY_POLICY})
    }
    assert not found.urgent


def test_key_policy_is_urgent() -> None:
    """It may let others in."""
    found = parse(body("kms", "PutKeyPolicy", {"keyId": ARN}))
    assert isinstance(found, Refresh)
    assert found.urgent


@pytest.mark.parametrize(
    ("name", "parameters", "changes"),
    [
        ("CreateGrant", {"keyId": ARN}, {}),
        ("Decrypt", None, {"readOnly": True}),
        ("DisableKey", None, {}),
        ("DisableKey", {"keyId": ARN}, {"errorCode": "AccessDenied"}),
    ],
)
def test_other_calls_ask_for_nothing(name: str, parameters: object, changes: dict[str, Any]) -> None:
    """The use of keys, grants, what names no key, what was refused."""
    assert isinstance(parse(body("kms", name, parameters, **changes)), Skip)


@pytest.mark.parametrize(
    ("service", "name", "aspect"),
    [
        ("cloudfront", "UpdateDistribution2020_05_31", Aspect.DISTRIBUTIONS),
        ("cloudfront", "CreateDistribution", Aspect.DISTRIBUTIONS),
        ("cloudfront", "SomethingNew2031_01_01", Aspect.DISTRIBUTIONS),
        ("route53", "ChangeResourceRecordSets", Aspect.DNS_RECORDS),
        ("route53", "DeleteHostedZone", Aspect.DNS_RECORDS),
    ],
)
def test_distributions_and_records_are_the_accounts(service: str, name: str, aspect: Aspect) -> None:
    """With the date of the API behind the name, and without."""
    found = parse(body(service, name, {}, awsRegion="us-east-1"))
    assert isinstance(found, Refresh)
    [target] = found.targets
    assert (target.level, target.account, target.aspects) == (Level.ACCOUNT, OWNER, frozenset({aspect}))


class _Index:
    """Two buckets of two accounts use the key."""

    refs = (BucketRef("aws", OWNER, REGION, "a"), BucketRef("aws", "444455556666", REGION, "b"))

    def referrers(self, partition: str, name: str) -> frozenset[Subject]:
        """Those that point at the key."""
        return frozenset(self.refs) if (partition, name) == ("aws", ARN) else frozenset()


class _Keys:
    """Counts how often keys are to be read anew."""

    forgotten = 0

    def forget(self) -> None:
        """Once more."""
        self.forgotten += 1


def test_buckets_of_a_key_are_found_in_all_accounts_and_keys_are_read_anew() -> None:
    """A key may encrypt for others."""
    keys = _Keys()
    assert KeyUsers(_Index(), keys).of(ARN) == _Index.refs[::-1]
    assert KeyUsers(_Index(), keys).of(ALIAS) == ()
    assert keys.forgotten == 2
