"""A bucket's settings as a store that takes the calls of a plan, as AWS does: the calls alone tell what changes."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from s3warden.model.action import Call
from s3warden.model.bucket import Aspect

Documents = dict[Aspect, Any]


def _acl(given: Mapping[str, Any]) -> Any:
    return given["AccessControlPolicy"]


def _logging(given: Mapping[str, Any]) -> Any:
    return given["BucketLoggingStatus"] or None


def _notification(given: Mapping[str, Any]) -> Any:
    return given["NotificationConfiguration"] or None


def _lifecycle(given: Mapping[str, Any]) -> Any:
    size = "TransitionDefaultMinimumObjectSize"
    return {"Rules": given["LifecycleConfiguration"]["Rules"], **({size: given[size]} if size in given else {})}


def _inventories(documents: Documents, given: Mapping[str, Any], *made: Any) -> Documents:
    name = "InventoryConfigurationList"
    listed = (documents.get(Aspect.INVENTORY) or {name: []})[name]
    kept = [each for each in listed if each["Id"] != given["Id"]]
    at = next((at for at, each in enumerate(listed) if each["Id"] == given["Id"]), len(kept))
    after = [*kept[:at], *made, *kept[at:]]
    return {**documents, Aspect.INVENTORY: {name: after} if after else None}


def _part(*names: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda given: {name: given[name] for name in names}


_PUTS: Mapping[tuple[str, str], tuple[Aspect, Callable[[Mapping[str, Any]], Any]]] = {
    ("s3", "PutBucketAcl"): (Aspect.ACL, _acl),
    ("s3", "PutBucketPolicy"): (Aspect.POLICY, _part("Policy")),
    ("s3", "PutPublicAccessBlock"): (Aspect.PUBLIC_ACCESS_BLOCK, _part("PublicAccessBlockConfiguration")),
    ("s3control", "PutPublicAccessBlock"): (
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK,
        _part("PublicAccessBlockConfiguration"),
    ),
    ("s3", "PutBucketOwnershipControls"): (Aspect.OWNERSHIP, _part("OwnershipControls")),
    ("s3", "PutBucketEncryption"): (Aspect.ENCRYPTION, _part("ServerSideEncryptionConfiguration")),
    ("s3", "PutBucketVersioning"): (Aspect.VERSIONING, lambda given: given["VersioningConfiguration"]),
    ("s3", "PutBucketLogging"): (Aspect.LOGGING, _logging),
    ("s3", "PutBucketLifecycleConfiguration"): (Aspect.LIFECYCLE, _lifecycle),
    ("s3", "PutBucketAccelerateConfiguration"): (Aspect.ACCELERATE, lambda given: given["AccelerateConfiguration"]),
    ("s3", "PutBucketRequestPayment"): (Aspect.REQUEST_PAYMENT, lambda given: given["RequestPaymentConfiguration"]),
    ("s3", "PutBucketNotificationConfiguration"): (Aspect.NOTIFICATION, _notification),
    ("s3", "PutBucketWebsite"): (Aspect.WEBSITE, lambda given: given["WebsiteConfiguration"]),
    ("s3", "PutBucketReplication"): (Aspect.REPLICATION, _part("ReplicationConfiguration")),
    ("s3", "PutBucketCors"): (Aspect.CORS, lambda given: given["CORSConfiguration"]),
    ("s3", "PutBucketTagging"): (Aspect.TAGGING, lambda given: given["Tagging"]),
}
_DELETES = {
    ("s3", "DeleteBucketPolicy"): Aspect.POLICY,
    ("s3", "DeletePublicAccessBlock"): Aspect.PUBLIC_ACCESS_BLOCK,
    ("s3control", "DeletePublicAccessBlock"): Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK,
    ("s3", "DeleteBucketOwnershipControls"): Aspect.OWNERSHIP,
    ("s3", "DeleteBucketEncryption"): Aspect.ENCRYPTION,
    ("s3", "DeleteBucketLifecycle"): Aspect.LIFECYCLE,
    ("s3", "DeleteBucketWebsite"): Aspect.WEBSITE,
    ("s3", "DeleteBucketCors"): Aspect.CORS,
    ("s3", "DeleteBucketTagging"): Aspect.TAGGING,
}


def after(documents: Documents, call: Call) -> Documents:
    """The settings after a call. What AWS keeps of what is not sent, MFADelete, stays."""
    key, given = (call.service, call.operation), json.loads(call.parameters)
    if key in _DELETES:
        return {**documents, _DELETES[key]: None}
    if key[1] in ("TagResource", "UntagResource"):
        return {**documents, Aspect.TAGGING: _tagged(documents.get(Aspect.TAGGING), given)}
    if key[1] == "PutBucketInventoryConfiguration":
        return _inventories(documents, given, given["InventoryConfiguration"])
    if key[1] == "DeleteBucketInventoryConfiguration":
        return _inventories(documents, given)
    if key[1].endswith("AccessPointPolicy"):
        return {**documents, Aspect.ACCESS_POINTS: _pointed(documents[Aspect.ACCESS_POINTS], call)}
    aspect, taken = _PUTS[key]
    value = taken(given)
    if aspect is Aspect.VERSIONING:
        value = {**(documents.get(aspect) or {}), **value}
    return {**documents, aspect: value}


def _pointed(known: Any, call: Call) -> Any:
    """The policies of access points by ARN; AWS knows a point by its account, its region and its name."""
    given = call.arguments
    arn = f"arn:aws:s3:{call.region}:{given['AccountId']}:accesspoint/{given['Name']}"
    if arn not in known:
        raise KeyError(arn)
    return {**known, arn: {"Policy": given["Policy"]} if "Policy" in given else None}


def _tagged(known: Any, given: Mapping[str, Any]) -> Any:
    pairs = {tag["Key"]: tag["Value"] for tag in (known or {"TagSet": []})["TagSet"]}
    pairs |= {tag["Key"]: tag["Value"] for tag in given.get("Tags", ())}
    kept = {key: value for key, value in pairs.items() if key not in given.get("TagKeys", ())}
    return {"TagSet": [{"Key": key, "Value": value} for key, value in kept.items()]} if kept else None
