"""Which objects a lifecycle, replication or tiering rule takes: S3's `Filter`, or the `Prefix` of older rules. Pure."""

from s3warden.collect.shapes import Answer, ShapeError, mapping, optional_number, optional_text, sequence, text
from s3warden.model.storage import Selection


def selection(rule: Answer) -> Selection:
    """The selection of a rule. One without filter and prefix is damaged: it must not pass for "all objects"."""
    if "Filter" not in rule:
        if "Prefix" not in rule:
            raise ShapeError("a rule has neither Filter nor Prefix")
        return Selection(optional_text(rule["Prefix"], "Prefix") or "")
    chosen = mapping(rule["Filter"], "Filter")
    parts = mapping(chosen["And"], "And") if "And" in chosen else chosen
    tags = sequence(parts.get("Tags", ()), "Tags")
    named = [*tags, chosen["Tag"]] if "Tag" in chosen else tags
    return Selection(
        prefix=optional_text(parts.get("Prefix"), "Prefix") or "",
        tags=tuple(sorted(_tag(mapping(tag, "Tag")) for tag in named)),
        larger_than=optional_number(parts.get("ObjectSizeGreaterThan"), "ObjectSizeGreaterThan"),
        smaller_than=optional_number(parts.get("ObjectSizeLessThan"), "ObjectSizeLessThan"),
    )


def _tag(tag: Answer) -> tuple[str, str]:
    return text(tag.get("Key"), "Key"), optional_text(tag.get("Value"), "Value") or ""
