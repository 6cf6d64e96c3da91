"""The settings that a step leaves behind, as resources of the Terraform provider for AWS.

Takes a step and the name of the bucket or account that it is about, hands on lines of HCL. What is written is the whole
setting; code that already has the resource gets these arguments.
"""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from s3warden.correct.hcl import block, label, policy, quoted, structure
from s3warden.correct.render_terraform_buckets import RESOURCES, lifecycle, tags
from s3warden.correct.render_terraform_services import SERVICES
from s3warden.model.action import Step
from s3warden.model.bucket import Aspect

# A website is only ever taken away, and the lines of a lifecycle rest on what was before.
_KINDS: Mapping[Aspect, str] = MappingProxyType(
    {
        **{aspect: kind for aspect, (kind, _, _) in RESOURCES.items()},
        Aspect.LIFECYCLE: "aws_s3_bucket_lifecycle_configuration",
        Aspect.WEBSITE: "aws_s3_bucket_website_configuration",
    }
)


def terraform(step: Step, place: str) -> list[str]:
    """The resource for what `step` leaves behind in `place`, the name of a bucket or the number of an account."""
    if step.attribute.startswith("object_acl:"):
        return [f"# The ACL of the object {place} is no resource of Terraform's."]
    aspect = Aspect(step.attribute.partition(":")[0])
    if aspect in _BESIDE:
        return _beside(aspect, place, step)
    if step.after is None:
        return [f"# Remove the {_KINDS[aspect]} of {place}."]
    document = json.loads(step.after)
    if aspect is Aspect.TAGGING:
        return [f"# In the aws_s3_bucket resource of {place}:", *block("tags =", tags(document["TagSet"]))]
    if aspect is Aspect.LIFECYCLE:
        known = [] if step.before is None else json.loads(step.before)["Rules"]
        return _resource(_KINDS[Aspect.LIFECYCLE], "bucket", place, lifecycle(document, known))
    if aspect in SERVICES:
        return SERVICES[aspect](place, document)
    kind, key, body = RESOURCES[aspect]
    return _resource(kind, key, place, body(document))


def _resource(kind: str, key: str, place: str, body: Iterable[str]) -> list[str]:
    return block(f'resource "{kind}" "{label(place)}"', [f"{key} = {quoted(place)}", *body])


# What is beside a bucket and has a policy: its resource, how that names what it is about, and the policy itself.
_BESIDE: Mapping[Aspect, tuple[str, str, str]] = MappingProxyType(
    {
        Aspect.ACCESS_POINTS: ("aws_s3control_access_point_policy", "access_point_arn", "policy"),
        Aspect.DIRECTORY_BUCKETS: ("aws_s3_bucket_policy", "bucket", "policy"),
        Aspect.TABLE_BUCKETS: ("aws_s3tables_table_bucket_policy", "table_bucket_arn", "resource_policy"),
        Aspect.VECTOR_BUCKETS: ("aws_s3vectors_vector_bucket_policy", "vector_bucket_arn", "policy"),
        Aspect.FILE_SYSTEMS: ("aws_s3files_file_system_policy", "file_system_id", "policy"),
        Aspect.OBJECT_LAMBDA_POINTS: ("aws_s3control_object_lambda_access_point_policy", "name", "policy"),
    }
)


def _beside(aspect: Aspect, place: str, step: Step) -> list[str]:
    kind, key, part = _BESIDE[aspect]
    arn, _, setting = place.partition("#")
    name = arn if key.endswith("_arn") else arn.rpartition("/")[2]
    before, document = (json.loads(each or "null") for each in (step.before, step.after))
    if setting == "encryption":
        head = f"# In the aws_s3tables_table_bucket resource of {arn}:"
        return [head, *block("encryption_configuration =", [*structure(document["encryptionConfiguration"])])]
    if setting == "lifecycle":
        body = lifecycle(document, before["Rules"] if before else [])
        return _resource(_KINDS[Aspect.LIFECYCLE], key, name, body)
    if document is None:
        return [f"# Remove the {kind} of {arn}."]
    return _resource(kind, key, name, policy(document, part))
