"""What EventBridge has to pass on: the pattern for the rule that fills the queue. Pure.

Names of calls are not listed: AWS adds new ones, and what they mean is decided here, not there. Object calls, reads and
refused calls stay out, but for changes of the ACLs of objects. CloudTrail records calls of CloudFront, Route 53 and
Organizations in one region only, and those of multi-region access points in another: a rule in each region that sends
to the one queue gets them all.

Source: "Amazon EventBridge event patterns" of the EventBridge user guide.
"""

from collections.abc import Collection, Sequence
from typing import Any

from s3warden.collect.envelope import API_CALL
from s3warden.collect.parsers import access_analyzer, config_item, guardduty, macie, s3_native, security_hub
from s3warden.collect.triggers import PUT_OBJECT_ACL
from s3warden.collect.watched import SERVICES
from s3warden.model.bucket import Aspect

_CHATTY = frozenset({"logs", "monitoring"})
"""Services of which programs make calls that change something all day long: only the calls that matter are let through.
"""


def event_pattern(needed: Collection[Aspect]) -> dict[str, Any]:
    """The pattern for rules that need these aspects: S3's own calls, those of watched services, and all findings."""
    wanted = frozenset(needed)
    services = {name for name, service in SERVICES.items() if service.aspects & wanted}
    clauses = [_calls({"s3", *services} - _CHATTY)]
    if chatty := services & _CHATTY:
        clauses.append(_calls(chatty, sorted(call for name in chatty for call in SERVICES[name].calls)))
    if Aspect.OBJECT_ACL in wanted:
        clauses += _OBJECT_ACLS
    return {"$or": [*clauses, *_FINDINGS]}


def _calls(services: Collection[str], names: Sequence[str] = ()) -> dict[str, Any]:
    changes = {"readOnly": [False], "managementEvent": [True], "errorCode": [{"exists": False}]}
    return {
        "source": sorted(f"aws.{service}" for service in services),
        "detail-type": [API_CALL],
        "detail": {"eventName": list(names), **changes} if names else changes,
    }


_OBJECT_ACLS: tuple[dict[str, Any], ...] = (
    {"source": ["aws.s3"], "detail-type": [s3_native.ACL_UPDATED]},
    {
        "source": ["aws.s3"],
        "detail-type": [API_CALL],
        "detail": {"eventName": [PUT_OBJECT_ACL], "errorCode": [{"exists": False}]},
    },
)
"""Whichever of the two the bucket has: events of S3's own, or a trail that records data events."""
_FINDINGS: tuple[dict[str, Any], ...] = (
    {"source": ["aws.access-analyzer"], "detail-type": [access_analyzer.DETAIL_TYPE]},
    {"source": ["aws.macie"], "detail-type": [macie.DETAIL_TYPE]},
    {
        "source": ["aws.guardduty"],
        "detail-type": [guardduty.DETAIL_TYPE],
        "detail": {"type": [{"prefix": "Policy:S3/"}, {"prefix": "Stealth:S3/"}]},
    },
    {
        "source": ["aws.securityhub"],
        "detail-type": [security_hub.DETAIL_TYPES[0]],
        "detail": {"findings": {"Resources": {"Type": ["AwsS3Bucket"]}}},
    },
    {
        "source": ["aws.config"],
        "detail-type": [config_item.DETAIL_TYPE],
        "detail": {"configurationItem": {"resourceType": ["AWS::S3::Bucket", "AWS::S3::AccountPublicAccessBlock"]}},
    },
)
