"""The settings that a step leaves behind, as resources of the Terraform provider for AWS.

Takes a step and the name of the bucket or account that it is about, hands on lines of HCL. What is written is the whole
setting; code that already has the resource gets these arguments.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from s3warden.correct.hcl import block, commented, label, literal, policy, quoted, snake
from s3warden.correct.remedies.lifecycle import ABORT, MARKERS
from s3warden.correct.render_terraform_services import SERVICES
from s3warden.model.action import Step
from s3warden.model.bucket import Aspect

Body: TypeAlias = Iterator[str]
_OURS = (ABORT, MARKERS)
_FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def terraform(step: Step, place: str) -> list[str]:
    """The resource for what `step` leaves behind in `place`, the name of a bucket or the number of an account."""
    if step.attribute.startswith("object_acl:"):
        return [f"# The ACL of the object {place} is no resource of Terraform's."]
    aspect = Aspect(step.attribute.partition(":")[0])
    if aspect in _BESIDE:
        return _beside(aspect, place, step)
    if step.after is None:
        return [f"# Remove the setting {aspect.replace('_', ' ')} of {place}."]
    document = json.loads(step.after)
    if aspect is Aspect.TAGGING:
        return [f"# In the aws_s3_bucket resource of {place}:", *block("tags =", _tags(document))]
    if aspect is Aspect.LIFECYCLE:
        known = [] if step.before is None else json.loads(step.before)["Rules"]
        return _resource("aws_s3_bucket_lifecycle_configuration", "bucket", place, _lifecycle(document, known))
    if aspect in SERVICES:
        return SERVICES[aspect](place, document)
    if aspect not in _RESOURCES:
        return [f"# {aspect.replace('_', ' ')} of {place}:", *commented(document)]
    kind, key, body = _RESOURCES[aspect]
    return _resource(kind, key, place, body(document))


def _resource(kind: str, key: str, place: str, body: Body) -> list[str]:
    return block(f'resource "{kind}" "{label(place)}"', [f"{key} = {quoted(place)}", *body])


def _acl(document: Any) -> Body:
    grants = [line for grant in document["Grants"] for line in block("grant", _grant(grant))]
    owner = block("owner", [f"id = {quoted(document['Owner']['ID'])}"])
    yield from block("access_control_policy", [*grants, *owner])


def _grant(grant: Any) -> list[str]:
    grantee = grant["Grantee"]
    names = {"ID": "id", "URI": "uri", "EmailAddress": "email_address"}
    who = [f"{names[key]} = {quoted(value)}" for key, value in grantee.items() if key in names]
    lines = block("grantee", [f"type = {quoted(grantee['Type'])}", *who])
    return [*lines, f"permission = {literal(grant['Permission'])}"]


def _public_access_block(document: Any) -> Body:
    flags = document["PublicAccessBlockConfiguration"]
    for name in _FLAGS:
        yield f"{snake(name)} = {literal(bool(flags.get(name)))}"


def _ownership(document: Any) -> Body:
    [rule] = document["OwnershipControls"]["Rules"]
    yield from block("rule", [f"object_ownership = {quoted(rule['ObjectOwnership'])}"])


def _encryption(document: Any) -> Body:
    for rule in document["ServerSideEncryptionConfiguration"]["Rules"]:
        default = rule["ApplyServerSideEncryptionByDefault"]
        inner = [f"sse_algorithm = {quoted(default['SSEAlgorithm'])}"]
        inner += [f"kms_master_key_id = {quoted(default['KMSMasterKeyID'])}"] if "KMSMasterKeyID" in default else []
        lines = block("apply_server_side_encryption_by_default", inner)
        lines.append(f"bucket_key_enabled = {literal(rule['BucketKeyEnabled'])}")
        blocked = rule.get("BlockedEncryptionTypes", {}).get("EncryptionType", [])
        if blocked:
            lines.append("# This takes the AWS provider of version 6.22 or later.")
            lines.append(f"blocked_encryption_types = [{', '.join(map(quoted, blocked))}]")
        yield from block("rule", lines)


def _versioning(document: Any) -> Body:
    yield from block("versioning_configuration", [f"status = {quoted(document['Status'])}"])


def _logging(document: Any) -> Body:
    enabled = document["LoggingEnabled"]
    yield f"target_bucket = {quoted(enabled['TargetBucket'])}"
    yield f"target_prefix = {quoted(enabled['TargetPrefix'])}"
    for grant in enabled.get("TargetGrants", ()):
        yield from block("target_grant", _grant(grant))
    form = enabled.get("TargetObjectKeyFormat")
    if form is not None:
        dated = form.get("PartitionedPrefix")
        inner = [] if dated is None else [f"partition_date_source = {quoted(dated['PartitionDateSource'])}"]
        kind = "simple_prefix" if dated is None else "partitioned_prefix"
        yield from block("target_object_key_format", block(kind, inner))


def _lifecycle(document: Any, known: Sequence[Any]) -> Body:
    """`known` are the rules of before."""
    for rule in document["Rules"]:
        if rule.get("ID") not in _OURS:
            yield from _theirs(rule, changed=rule not in known)
            continue
        inner = [f"id = {quoted(rule['ID'])}", f"status = {quoted(rule['Status'])}"]
        inner += block("filter", ['prefix = ""'])
        if "Expiration" in rule:
            yield from block("rule", [*inner, *block("expiration", ["expired_object_delete_marker = true"])])
            continue
        days = rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        yield from block(
            "rule", [*inner, *block("abort_incomplete_multipart_upload", [f"days_after_initiation = {days}"])]
        )


def _inventory(document: Any) -> Body:
    made = document["InventoryConfiguration"]
    target = made["Destination"]["S3BucketDestination"]
    yield f"name = {quoted(made['Id'])}"
    yield f"included_object_versions = {quoted(made['IncludedObjectVersions'])}"
    yield f"optional_fields = [{', '.join(map(quoted, made['OptionalFields']))}]"
    yield from block("schedule", [f"frequency = {quoted(made['Schedule']['Frequency'])}"])
    inner = [f"bucket_arn = {quoted(target['Bucket'])}", f"account_id = {quoted(target['AccountId'])}"]
    inner.append(f"format = {quoted(target['Format'])}")
    inner += block("encryption", ["sse_s3 {}"]) if "Encryption" in target else []
    yield from block("destination", block("bucket", inner))


def _theirs(rule: Any, *, changed: bool) -> Body:
    """A rule that is not ours: what may change of it is the days after which it ends objects."""
    if not changed:
        yield f"# The rule {rule.get('ID', '')} stays as it is."
        return
    yield f"# In the rule {rule.get('ID', '')}, all else of which stays as it is:"
    yield from (f"# {line}" for line in block("expiration", [f"days = {rule['Expiration']['Days']}"]))


def _tags(document: Any) -> list[str]:
    return [f"{quoted(tag['Key'])} = {quoted(tag['Value'])}" for tag in document["TagSet"]]


_RESOURCES: Mapping[Aspect, tuple[str, str, Callable[[Any], Body]]] = MappingProxyType(
    {
        Aspect.ACL: ("aws_s3_bucket_acl", "bucket", _acl),
        Aspect.POLICY: ("aws_s3_bucket_policy", "bucket", policy),
        Aspect.PUBLIC_ACCESS_BLOCK: ("aws_s3_bucket_public_access_block", "bucket", _public_access_block),
        Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: (
            "aws_s3_account_public_access_block",
            "account_id",
            _public_access_block,
        ),
        Aspect.OWNERSHIP: ("aws_s3_bucket_ownership_controls", "bucket", _ownership),
        Aspect.ENCRYPTION: ("aws_s3_bucket_server_side_encryption_configuration", "bucket", _encryption),
        Aspect.VERSIONING: ("aws_s3_bucket_versioning", "bucket", _versioning),
        Aspect.LOGGING: ("aws_s3_bucket_logging", "bucket", _logging),
        Aspect.INVENTORY: ("aws_s3_bucket_inventory", "bucket", _inventory),
    }
)


# What is beside a bucket and has a policy: its resource, how that names what it is about, and the policy itself.
_BESIDE: Mapping[Aspect, tuple[str, str, str]] = MappingProxyType(
    {
        Aspect.ACCESS_POINTS: ("aws_s3control_access_point_policy", "access_point_arn", "policy"),
        Aspect.DIRECTORY_BUCKETS: ("aws_s3_bucket_policy", "bucket", "policy"),
        Aspect.TABLE_BUCKETS: ("aws_s3tables_table_bucket_policy", "table_bucket_arn", "resource_policy"),
        Aspect.VECTOR_BUCKETS: ("aws_s3vectors_vector_bucket_policy", "vector_bucket_arn", "policy"),
    }
)


def _beside(aspect: Aspect, place: str, step: Step) -> list[str]:
    kind, key, part = _BESIDE[aspect]
    arn, _, setting = place.partition("#")
    name = arn.rpartition("/")[2] if key == "bucket" else arn
    before, document = (json.loads(each or "null") for each in (step.before, step.after))
    if setting == "encryption":
        inner = [
            f"{snake(key)} = {quoted(value)}" for key, value in sorted(document["encryptionConfiguration"].items())
        ]
        head = f"# In the aws_s3tables_table_bucket resource of {arn}:"
        return [head, *block("encryption_configuration =", inner)]
    if setting == "lifecycle":
        body = _lifecycle(document, before["Rules"] if before else [])
        return _resource("aws_s3_bucket_lifecycle_configuration", key, name, body)
    if document is None:
        return [f"# Remove the {kind} of {arn}."]
    return _resource(kind, key, name, policy(document, part))
