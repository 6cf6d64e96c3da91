"""The settings of buckets, and of accounts for their buckets, as the arguments of Terraform's resources for them.

Takes a setting as AWS answers it, hands on lines of HCL.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from s3warden.correct.hcl import block, literal, policy, quoted, snake, structure
from s3warden.correct.remedies.lifecycle import ABORT, MARKERS
from s3warden.model.bucket import Aspect

Body: TypeAlias = Iterator[str]
_OURS = (ABORT, MARKERS)
_FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_TARGETS = {
    "LambdaFunctionConfigurations": "lambda_function",
    "QueueConfigurations": "queue",
    "TopicConfigurations": "topic",
}


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


def lifecycle(document: Any, known: Sequence[Any]) -> Body:
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


def _theirs(rule: Any, *, changed: bool) -> Body:
    """A rule that is not ours: what may change of it is the days after which it ends objects."""
    if not changed:
        yield f"# The rule {rule.get('ID', '')} stays as it is."
        return
    yield f"# In the rule {rule.get('ID', '')}, all else of which stays as it is:"
    yield from (f"# {line}" for line in block("expiration", [f"days = {rule['Expiration']['Days']}"]))


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


def _notification(document: Any) -> Body:
    if "EventBridgeConfiguration" in document:
        yield "eventbridge = true"
    for kind, name in _TARGETS.items():
        for target in document.get(kind, ()):
            plain = {key: value for key, value in target.items() if key != "Filter"}
            for rule in target.get("Filter", {}).get("Key", {}).get("FilterRules", ()):
                # AWS tells the names with a capital, whatever it was given.
                plain[f"filter_{rule['Name'].lower()}"] = rule["Value"]
            yield from block(name, [*structure(plain)])


def _replication(document: Any) -> Body:
    made = document["ReplicationConfiguration"]
    yield f"role = {quoted(made['Role'])}"
    for rule in made["Rules"]:
        # Without a filter the rule is of the older form; the provider sends it as such, with a prefix of nothing, too.
        plain = {key: value for key, value in rule.items() if key != "Filter" and (key, value) != ("Prefix", "")}
        chosen = block("filter", [*_filter(rule["Filter"])]) if "Filter" in rule else []
        yield from block("rule", [*structure(plain), *chosen])


def _filter(chosen: Any) -> Body:
    both = chosen.get("And")
    if both is None:
        yield from structure(chosen)
        return
    plain = {key: value for key, value in both.items() if key != "Tags"}
    named = block("tags =", tags(both["Tags"])) if "Tags" in both else []
    yield from block("and", [*structure(plain), *named])


def _cors(document: Any) -> Body:
    yield from structure(document, {"CORSRules": "cors_rule"})


def _accelerate(document: Any) -> Body:
    yield f"status = {quoted(document['Status'])}"


def _request_payment(document: Any) -> Body:
    yield f"payer = {quoted(document['Payer'])}"


def tags(listed: Any) -> list[str]:
    """Tags as the lines of a map."""
    return [f"{quoted(tag['Key'])} = {quoted(tag['Value'])}" for tag in listed]


RESOURCES: Mapping[Aspect, tuple[str, str, Callable[[Any], Body]]] = MappingProxyType(
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
        Aspect.NOTIFICATION: ("aws_s3_bucket_notification", "bucket", _notification),
        Aspect.REPLICATION: ("aws_s3_bucket_replication_configuration", "bucket", _replication),
        Aspect.CORS: ("aws_s3_bucket_cors_configuration", "bucket", _cors),
        Aspect.ACCELERATE: ("aws_s3_bucket_accelerate_configuration", "bucket", _accelerate),
        Aspect.REQUEST_PAYMENT: ("aws_s3_bucket_request_payment_configuration", "bucket", _request_payment),
    }
)
"""The resource of an aspect, how it names what it is about, and its arguments."""
