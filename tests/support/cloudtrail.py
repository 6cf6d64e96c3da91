"""Message bodies in the shapes that EventBridge and CloudTrail use, with invented accounts and names."""

import json
from typing import Any

OWNER = "700000000001"
CALLER = "700000000002"
ADMINISTRATOR = "700000000009"
BUCKET = "invented-ledger"
REGION = "eu-west-1"
TIME = "2031-05-04T03:02:01Z"

DROP: Any = object()
"""As a value: leave the key out."""


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, keys that are DROP left out."""
    return {key: value for key, value in (base | changes).items() if value is not DROP}


def record(name: str = "PutBucketPolicy", bucket: str = BUCKET, **changes: Any) -> dict[str, Any]:
    """A CloudTrail record of a successful S3 call, as written since 2023."""
    base = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAINVENTED:sam",
            "arn": f"arn:aws:sts::{OWNER}:assumed-role/deployer/sam",
            "accountId": OWNER,
        },
        "eventTime": TIME,
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": "203.0.113.5",
        "userAgent": "[invented-agent/1.0]",
        "requestParameters": {"bucketName": bucket, "Host": f"{bucket}.s3.{REGION}.amazonaws.com"},
        "responseElements": None,
        "requestID": "INVENTEDREQUEST0",
        "eventID": "0c1f0a52-0000-4000-8000-00000000000a",
        "readOnly": False,
        "resources": [{"accountId": OWNER, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"}],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": OWNER,
        "eventCategory": "Management",
    }
    return merged(base, changes)


def envelope(detail: object, **changes: Any) -> dict[str, Any]:
    """The EventBridge event around `detail`. Keys with a hyphen are given with an underscore."""
    base = {
        "version": "0",
        "id": "6a1d9d4e-0000-4000-8000-00000000000b",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3",
        "account": OWNER,
        "time": TIME,
        "region": REGION,
        "resources": [],
        "detail": detail,
    }
    return merged(base, {key.replace("_", "-"): value for key, value in changes.items()})


def call(name: str = "PutBucketPolicy", bucket: str = BUCKET, **changes: Any) -> str:
    """The message body of an S3 call; `changes` are to the record."""
    return json.dumps(envelope(record(name, bucket, **changes)))


def finding(source: str, detail_type: str, detail: object) -> str:
    """The message body of another service's event, sent from an administrator's account."""
    return json.dumps(envelope(detail, source=source, detail_type=detail_type, account=ADMINISTRATOR))
