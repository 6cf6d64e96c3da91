"""What EventBridge would tell of a change to a bucket of the fake AWS."""

import itertools
import json
from datetime import UTC, datetime
from typing import Any

from support.cloud.world import Bucket
from support.cloudtrail import envelope, record

_NUMBERS = itertools.count(1)
ACTOR = "deployer"


def change(bucket: Bucket, name: str, at: datetime | None = None, **changes: Any) -> str:
    """The message body of a call on `bucket` that has just been made, each with an id of its own."""
    when = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    identity = {
        "type": "AssumedRole",
        "principalId": "AROAINVENTED:sam",
        "arn": f"arn:aws:sts::{bucket.account}:assumed-role/{ACTOR}/sam",
        "accountId": bucket.account,
    }
    detail = record(
        name,
        bucket.name,
        **{
            "eventTime": when,
            "eventID": f"00000000-0000-4000-8000-{next(_NUMBERS):012d}",
            "awsRegion": bucket.region,
            "userIdentity": identity,
            "resources": [{"accountId": bucket.account, "type": "AWS::S3::Bucket", "ARN": bucket.arn}],
            "recipientAccountId": bucket.account,
        }
        | changes,
    )
    return json.dumps(envelope(detail, account=bucket.account, region=bucket.region, time=when))


def object_acl_updated(bucket: Bucket, key: str) -> str:
    """The message body of S3's own event about the ACL of an object that has just been changed."""
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": {"key": key, "etag": "d41d8cd98f00b204e9800998ecf8427e"},
        "request-id": f"INVENTED{next(_NUMBERS):08d}",
        "requester": bucket.account,
        "source-ip-address": "203.0.113.5",
    }
    when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    event = envelope(detail, detail_type="Object ACL Updated", account=bucket.account, region=bucket.region, time=when)
    return json.dumps({**event, "id": f"00000000-0000-4000-8000-{next(_NUMBERS):012d}"})


def wrapped(body: str) -> str:
    """`body` as a queue gets it that is subscribed to an SNS topic without raw delivery."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "6a1d9d4e-0000-4000-8000-00000000000c",
            "TopicArn": "arn:aws:sns:eu-west-1:700000000001:s3-events",
            "Message": body,
            "Timestamp": "2031-05-04T03:02:01.000Z",
            "SignatureVersion": "1",
            "Signature": "invented",
            "SigningCertURL": "https://sns.eu-west-1.example.com/invented.pem",
            "UnsubscribeURL": "https://sns.eu-west-1.example.com/?Action=Unsubscribe",
        }
    )
