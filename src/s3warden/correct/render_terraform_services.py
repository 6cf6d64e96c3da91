"""What steps on services beside S3 leave behind, as Terraform for where it belongs.

Takes a place and the setting, hands on lines of HCL.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from s3warden.correct.alarm_writes import NAME
from s3warden.correct.hcl import block, label, listed, literal, policy, quoted, structure
from s3warden.model.bucket import Aspect

_SELECTORS = MappingProxyType(
    {
        "AdvancedEventSelectors": "advanced_event_selector",
        "FieldSelectors": "field_selector",
        "EventSelectors": "event_selector",
        "DataResources": "data_resource",
    }
)


def _macie(place: str, document: Any) -> list[str]:
    return [
        f"# With the provider of {place}:",
        *block(f'resource "aws_macie2_account" "{label(place)}"', _status(document)),
    ]


def _status(document: Any) -> list[str]:
    return [f"status = {quoted(document['status'])}"]


def _discovery(place: str, document: Any) -> list[str]:
    return [f"# Macie's automated discovery in {place} is {document['status']}; the provider has no resource for it."]


def _analyzer(place: str, document: Any) -> list[str]:
    inner = [f"analyzer_name = {quoted(document['name'])}", f"type = {quoted(document['type'])}"]
    head = f'resource "aws_accessanalyzer_analyzer" "{label(place)}"'
    return [f"# With the provider of {place}:", *block(head, inner)]


def _detector(place: str, document: Any) -> list[str]:
    [(name, on)] = document.items()
    inner = ["detector_id = aws_guardduty_detector.this.id", f"name = {quoted(name)}"]
    head = f'resource "aws_guardduty_detector_feature" "{label(place)}"'
    return [
        f"# With the provider of {place}:",
        *block(head, [*inner, f"status = {quoted('ENABLED' if on else 'DISABLED')}"]),
    ]


def _rotation(place: str, _document: Any) -> list[str]:
    return [f"# In the aws_kms_key resource of {place}:", "enable_key_rotation = true"]


def _enabled_key(place: str, document: Any) -> list[str]:
    on = document.get("KeyState") == "Enabled"
    return [f"# In the aws_kms_key resource of {place}:", f"is_enabled = {literal(on)}"]


def _key_policy(place: str, document: Any) -> list[str]:
    return [f"# In the aws_kms_key or aws_kms_key_policy resource of {place}:", *policy(document)]


def _trail(place: str, document: Any) -> list[str]:
    return [f"# In the aws_cloudtrail resource of {place}, as all its selectors:", *structure(document, _SELECTORS)]


def _alarm(place: str, document: Any) -> list[str]:
    """A filter on a log group, or an alarm: what the document is tells."""
    region, _, group = place.partition(":")
    lines = [f"# With the provider of {region}:"]
    if "filterPattern" not in document:
        head = f'resource "aws_cloudwatch_metric_alarm" "{label(place)}"'
        return [*lines, *block(head, [f"alarm_name = {quoted(NAME)}", *structure(document)])]
    inner = [f"name = {quoted(NAME)}", f"log_group_name = {quoted(group)}"]
    inner.append(f"pattern = {quoted(document['filterPattern'])}")
    for metric in document["metricTransformations"]:
        inner += block(
            "metric_transformation",
            [f"{key.removeprefix('metric').lower()} = {quoted(value)}" for key, value in sorted(metric.items())],
        )
    return [*lines, *block(f'resource "aws_cloudwatch_log_metric_filter" "{label(place)}"', inner)]


def _selection(place: str, document: Any) -> list[str]:
    region, plan, name = place.split(":")
    inner = [f"name = {quoted(document['SelectionName'])}", f"plan_id = {quoted(plan)}"]
    inner += [f"iam_role_arn = {quoted(document['IamRoleArn'])}", f"resources = {listed(document['Resources'])}"]
    return [f"# With the provider of {region}:", *block(f'resource "aws_backup_selection" "{label(name)}"', inner)]


def _lens(place: str, document: Any) -> list[str]:
    inner = [f"enabled = {literal(document['IsEnabled'])}", *block("account_level", ["bucket_level {}"])]
    name = place.rpartition("/")[2]
    lines = [f"config_id = {quoted(name)}", *block("storage_lens_configuration", inner)]
    head = f'resource "aws_s3control_storage_lens_configuration" "{label(name)}"'
    return [f"# With the provider of {place.split(':')[3]}:", *block(head, lines)]


def _multi_region(place: str, document: Any) -> list[str]:
    name = place.rpartition("/")[2]
    head = f'resource "aws_s3control_multi_region_access_point_policy" "{label(name)}"'
    return block(head, block("details", [f"name = {quoted(name)}", *policy(document)]))


SERVICES: Mapping[Aspect, Callable[[str, Any], list[str]]] = MappingProxyType(
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
        Aspect.MULTI_REGION_ACCESS_POINTS: _multi_region,
    }
)
