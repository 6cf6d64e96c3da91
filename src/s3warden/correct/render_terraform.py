"""The settings that a step leaves behind, as resources of the Terraform provider for AWS.

Takes a step and the name of the bucket or account that it is about, hands on lines of HCL. What is written is the whole
setting; code that already has the resource gets these arguments.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from s3warden.correct.alarm_writes import NAME
from s3warden.correct.remedies.lifecycle import ABORT, MARKERS
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
    if step.after is None and aspect in _POLICIES:
        return [f"# Remove the {_POLICIES[aspect][0]} of {place}."]
    if step.after is None:
        return [f"# Remove the setting {aspect.replace('_', ' ')} of {place}."]
    document = json.loads(step.after)
    if aspect is Aspect.TAGGING:
        return [f"# In the aws_s3_bucket resource of {place}:", *_block("tags =", _tags(document))]
    if aspect is Aspect.LIFECYCLE:
        known = [] if step.before is None else json.loads(step.before)["Rules"]
        return _resource("aws_s3_bucket_lifecycle_configuration", "bucket", place, _lifecycle(document, known))
    if aspect in _SERVICES:
        return _SERVICES[aspect](place, document)
    found = _POLICIES.get(aspect) or _RESOURCES.get(aspect)
    if found is None:
        return [f"# {aspect.replace('_', ' ')} of {place}:", *_commented(document)]
    kind, key, body = found
    return _resource(kind, key, place, body(document))


def _resource(kind: str, key: str, place: str, body: Body) -> list[str]:
    return _block(f'resource "{kind}" "{_label(place)}"', [f"{key} = {quoted(place)}", *body])


def _commented(document: object) -> list[str]:
    return [f"#   {line}" for line in json.dumps(document, indent=2, ensure_ascii=False).splitlines()]


def quoted(text: object) -> str:
    """A string of HCL."""
    plain = json.dumps(str(text), ensure_ascii=False)
    return plain.replace("${", "$${").replace("%{", "%%{")


def _label(place: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]", "_", place)
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"


def _block(head: str, inner: Sequence[str]) -> list[str]:
    return [f"{head} {{", *(f"  {line}" if line else "" for line in inner), "}"]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if isinstance(value, int) else quoted(value)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _acl(document: Any) -> Body:
    grants: list[str] = []
    for grant in document["Grants"]:
        grantee = grant["Grantee"]
        names = {"ID": "id", "URI": "uri", "EmailAddress": "email_address"}
        who = [f"{names[key]} = {quoted(value)}" for key, value in grantee.items() if key in names]
        one = [
            *_block("grantee", [f"type = {quoted(grantee['Type'])}", *who]),
            f"permission = {_value(grant['Permission'])}",
        ]
        grants += _block("grant", one)
    owner = _block("owner", [f"id = {quoted(document['Owner']['ID'])}"])
    yield from _block("access_control_policy", [*grants, *owner])


def _policy(document: Any) -> Body:
    text = json.dumps(document["Policy"], indent=2, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    first, *rest = text.splitlines()
    yield f"policy = jsonencode({first}"
    yield from rest[:-1]
    yield f"{rest[-1]})" if rest else ")"


def _public_access_block(document: Any) -> Body:
    flags = document["PublicAccessBlockConfiguration"]
    for name in _FLAGS:
        yield f"{_snake(name)} = {_value(bool(flags.get(name)))}"


def _ownership(document: Any) -> Body:
    [rule] = document["OwnershipControls"]["Rules"]
    yield from _block("rule", [f"object_ownership = {quoted(rule['ObjectOwnership'])}"])


def _encryption(document: Any) -> Body:
    for rule in document["ServerSideEncryptionConfiguration"]["Rules"]:
        default = rule["ApplyServerSideEncryptionByDefault"]
        inner = [f"sse_algorithm = {quoted(default['SSEAlgorithm'])}"]
        inner += [f"kms_master_key_id = {quoted(default['KMSMasterKeyID'])}"] if "KMSMasterKeyID" in default else []
        lines = _block("apply_server_side_encryption_by_default", inner)
        lines.append(f"bucket_key_enabled = {_value(rule['BucketKeyEnabled'])}")
        blocked = rule.get("BlockedEncryptionTypes", {}).get("EncryptionType", [])
        if blocked:
            lines.append("# This takes the AWS provider of version 6.22 or later.")
            lines.append(f"blocked_encryption_types = [{', '.join(map(quoted, blocked))}]")
        yield from _block("rule", lines)


def _versioning(document: Any) -> Body:
    yield from _block("versioning_configuration", [f"status = {quoted(document['Status'])}"])


def _logging(document: Any) -> Body:
    enabled = document["LoggingEnabled"]
    yield f"target_bucket = {quoted(enabled['TargetBucket'])}"
    yield f"target_prefix = {quoted(enabled['TargetPrefix'])}"


def _lifecycle(document: Any, known: Sequence[Any]) -> Body:
    """`known` are the rules of before."""
    for rule in document["Rules"]:
        if rule.get("ID") not in _OURS:
            yield from _theirs(rule, changed=rule not in known)
            continue
        inner = [f"id = {quoted(rule['ID'])}", f"status = {quoted(rule['Status'])}"]
        inner += _block("filter", ['prefix = ""'])
        if "Expiration" in rule:
            yield from _block("rule", [*inner, *_block("expiration", ["expired_object_delete_marker = true"])])
            continue
        days = rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        yield from _block(
            "rule", [*inner, *_block("abort_incomplete_multipart_upload", [f"days_after_initiation = {days}"])]
        )


def _inventory(document: Any) -> Body:
    made = document["InventoryConfiguration"]
    target = made["Destination"]["S3BucketDestination"]
    yield f"name = {quoted(made['Id'])}"
    yield f"included_object_versions = {quoted(made['IncludedObjectVersions'])}"
    yield f"optional_fields = [{', '.join(map(quoted, made['OptionalFields']))}]"
    yield from _block("schedule", [f"frequency = {quoted(made['Schedule']['Frequency'])}"])
    inner = [f"bucket_arn = {quoted(target['Bucket'])}", f"account_id = {quoted(target['AccountId'])}"]
    inner.append(f"format = {quoted(target['Format'])}")
    inner += _block("encryption", ["sse_s3 {}"]) if "Encryption" in target else []
    yield from _block("destination", _block("bucket", inner))


def _theirs(rule: Any, *, changed: bool) -> Body:
    """A rule that is not ours: what may change of it is the days after which it ends objects."""
    if not changed:
        yield f"# The rule {rule.get('ID', '')} stays as it is."
        return
    yield f"# In the rule {rule.get('ID', '')}, all else of which stays as it is:"
    yield from (f"# {line}" for line in _block("expiration", [f"days = {rule['Expiration']['Days']}"]))


def _tags(document: Any) -> list[str]:
    return [f"{quoted(tag['Key'])} = {quoted(tag['Value'])}" for tag in document["TagSet"]]


_RESOURCES: Mapping[Aspect, tuple[str, str, Callable[[Any], Body]]] = MappingProxyType(
    {
        Aspect.ACL: ("aws_s3_bucket_acl", "bucket", _acl),
        Aspect.POLICY: ("aws_s3_bucket_policy", "bucket", _policy),
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


_POLICIES: Mapping[Aspect, tuple[str, str, Callable[[Any], Body]]] = MappingProxyType(
    {Aspect.ACCESS_POINTS: ("aws_s3control_access_point_policy", "access_point_arn", _policy)}
)


def _macie(place: str, document: Any) -> list[str]:
    return [
        f"# With the provider of {place}:",
        *_block(f'resource "aws_macie2_account" "{_label(place)}"', _status(document)),
    ]


def _status(document: Any) -> list[str]:
    return [f"status = {quoted(document['status'])}"]


def _discovery(place: str, document: Any) -> list[str]:
    return [f"# Macie's automated discovery in {place} is {document['status']}."]


def _analyzer(place: str, document: Any) -> list[str]:
    inner = [f"analyzer_name = {quoted(document['name'])}", f"type = {quoted(document['type'])}"]
    head = f'resource "aws_accessanalyzer_analyzer" "{_label(place)}"'
    return [f"# With the provider of {place}:", *_block(head, inner)]


def _detector(place: str, document: Any) -> list[str]:
    [(name, on)] = document.items()
    inner = ["detector_id = aws_guardduty_detector.this.id", f"name = {quoted(name)}"]
    head = f'resource "aws_guardduty_detector_feature" "{_label(place)}"'
    return [
        f"# With the provider of {place}:",
        *_block(head, [*inner, f"status = {quoted('ENABLED' if on else 'DISABLED')}"]),
    ]


def _rotation(place: str, _document: Any) -> list[str]:
    return [f"# In the aws_kms_key resource of {place}:", "enable_key_rotation = true"]


def _enabled_key(place: str, document: Any) -> list[str]:
    on = document.get("KeyState") == "Enabled"
    return [f"# In the aws_kms_key resource of {place}:", f"is_enabled = {_value(on)}"]


def _key_policy(place: str, document: Any) -> list[str]:
    return [f"# In the aws_kms_key or aws_kms_key_policy resource of {place}:", *_policy(document)]


def _trail(place: str, document: Any) -> list[str]:
    return [f"# In the aws_cloudtrail resource of {place}, as its selectors:", *_commented(document)]


def _alarm(place: str, document: Any) -> list[str]:
    """A filter on a log group, or an alarm: what the document is tells."""
    region, _, group = place.partition(":")
    lines = [f"# With the provider of {region}:"]
    if "filterPattern" not in document:
        inner = [f"{_snake(key)} = {_listed(value)}" for key, value in sorted(document.items())]
        head = f'resource "aws_cloudwatch_metric_alarm" "{_label(place)}"'
        return [*lines, *_block(head, [f"alarm_name = {quoted(NAME)}", *inner])]
    inner = [f"name = {quoted(NAME)}", f"log_group_name = {quoted(group)}"]
    inner.append(f"pattern = {quoted(document['filterPattern'])}")
    for metric in document["metricTransformations"]:
        inner += _block(
            "metric_transformation",
            [f"{key.removeprefix('metric').lower()} = {quoted(value)}" for key, value in sorted(metric.items())],
        )
    return [*lines, *_block(f'resource "aws_cloudwatch_log_metric_filter" "{_label(place)}"', inner)]


def _selection(place: str, document: Any) -> list[str]:
    region, plan, name = place.split(":")
    inner = [f"name = {quoted(document['SelectionName'])}", f"plan_id = {quoted(plan)}"]
    inner += [f"iam_role_arn = {quoted(document['IamRoleArn'])}", f"resources = {_listed(document['Resources'])}"]
    return [f"# With the provider of {region}:", *_block(f'resource "aws_backup_selection" "{_label(name)}"', inner)]


def _lens(place: str, document: Any) -> list[str]:
    inner = [f"enabled = {_value(document['IsEnabled'])}", *_block("account_level", ["bucket_level {}"])]
    name = place.rpartition("/")[2]
    lines = [f"config_id = {quoted(name)}", *_block("storage_lens_configuration", inner)]
    head = f'resource "aws_s3control_storage_lens_configuration" "{_label(name)}"'
    return [f"# With the provider of {place.split(':')[3]}:", *_block(head, lines)]


def _listed(value: object) -> str:
    return f"[{', '.join(map(quoted, value))}]" if isinstance(value, list) else _value(value)


_SERVICES: Mapping[Aspect, Callable[[str, Any], list[str]]] = MappingProxyType(
    {
        Aspect.MACIE: _macie,
        Aspect.MACIE_DISCOVERY: _discovery,
        Aspect.ANALYZERS: _analyzer,
        Aspect.GUARDDUTY: _detector,
        Aspect.DEFAULT_KEY: _enabled_key,
        Aspect.KEY_POLICY: _key_policy,
        Aspect.KEY_ROTATION: _rotation,
        Aspect.TRAILS: _trail,
        Aspect.METRIC_FILTERS: _alarm,
        Aspect.STORAGE_LENSES: _lens,
        Aspect.BACKUP_SELECTIONS: _selection,
    }
)
