"""Which buckets an option is about: names and tags, as the operator lists them.

A selector is a glob over the bucket's name, or `tag:KEY=VALUE` with a glob over the value of that tag. A tag that could
not be read leaves open whether the option is about the bucket, so it raises.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from s3warden.detect.rule import configured
from s3warden.model.bucket import Aspect, State
from s3warden.model.configuration import Tags

_TAG = "tag:"


def selected(selectors: Iterable[str], state: State) -> str | None:
    """The first selector that takes the bucket, those by name first. Raises UnreadableError."""
    listed = tuple(selectors)
    name = str(state.ref)
    for selector in listed:
        if not selector.startswith(_TAG) and fnmatchcase(name, selector):
            return selector
    tagged = [selector for selector in listed if selector.startswith(_TAG)]
    tags = configured(state, Aspect.TAGGING, Tags) if tagged else None
    return None if tags is None else next((selector for selector in tagged if _has(tags, selector)), None)


def _has(tags: Tags, selector: str) -> bool:
    key, _, wanted = selector.removeprefix(_TAG).partition("=")
    value = tags.get(key)
    return value is not None and fnmatchcase(value, wanted or "*")
