"""What a rule is: metadata for people, the subject it judges, a pure check, and examples that prove the check.

A check takes a state and the options and hands on a judgement. It asks for configuration through `configured`, which
raises `UnreadableError` for what could not be read, so that no check can take the unreadable for the absent. It must
never do I/O, read a clock or keep anything between two calls.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from s3warden.model.bucket import Absent, Aspect, BucketState, State, Unreadable
from s3warden.model.finding import Evidence, Severity, Verdict
from s3warden.model.rule import RuleInfo

T = TypeVar("T")
_NO_PATTERNS: Mapping[str, str] = MappingProxyType({})
_NO_DETAILS: Mapping[str, str] = MappingProxyType({})


class Kind(StrEnum):
    """What a rule judges: one bucket (with its account's readings beside it), or one account."""

    BUCKET = "bucket"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """What the operator may set about rules, and what is known of the whole house.

    Patterns are regular expressions that must match the whole text.
    `required_tags` are tag keys, compared as AWS does: case counts. `tag_patterns` maps a tag key to the pattern of
    its value. `name_pattern` is the house convention for bucket names. `log_buckets` are name globs (`*`, `?`, `[…]`)
    of the buckets that receive access logs. `trusted_accounts` are account numbers that may be given access,
    `organization_id` (`o-…`) is the own organisation, `closed_accounts` are those of its accounts that AWS closed or
    suspended. `minimum_tls` is the lowest TLS version to be accepted, and
    `upload_encryption` the values of x-amz-server-side-encryption one of which every upload must carry; both ask for
    nothing while empty. `trusted_canonical_ids` may be granted access by ACL. `allowed_grantees` is everyone whom a
    policy may admit: account numbers, ARNs and services (`*`, `?`), CIDRs, ids of VPCs, endpoints and organisations.
    `control_policy` is a policy that bucket policies must not go beyond, `required_statements` and
    `forbidden_statements` are parts of statements, all of them as JSON, with the bucket's names in braces. A range of
    addresses wider than a prefix of `widest_ipv4` or `widest_ipv6` bits is no limit.
    `trail_buckets` are name globs of the buckets that trails should deliver to. `object_events_log` lets CloudTrail's
    events on objects stand in for access logs. A backup older than `backup_age` is no recent one. A bucket is empty
    or idle after `empty_days` without objects or `idle_days` without requests. It has grown beyond measure if within
    `growth_window`, `day` or `week`, it took in `growth_gigabytes` or `growth_objects` and became `growth_factor` times
    as large. A change of a bucket is told for `changes_within`, but for those of `expected_changers`: globs of ARNs,
    services and names of roles. A pattern that does not compile raises ValueError.

    `…_buckets` below are selectors of buckets (`detect.selectors`): name globs or `tag:KEY=VALUE`. Sensitive ones must
    refuse presigned URLs older than `presigned_minutes`, `dsse_buckets` must be encrypted twice, short-lived ones may
    be emptied within `mass_expiry_days`. `kms_keys` are globs of the keys that may be default keys, `allowed_regions`
    where buckets may be, `own_domains` where websites may redirect to. `log_prefix` may hold `{bucket}`, `{account}`
    and `{region}`; `log_key_format` is `SimplePrefix`, `EventTime` or `DeliveryTime`. `object_lock_days` and
    `object_lock_mode` (`GOVERNANCE` or `COMPLIANCE`) are the least that a default retention has to be.
    `transfer_acceleration` is `on` or `off`. All ask for nothing while empty. Access logs must be kept for
    `log_retention_days`.
    """

    required_tags: tuple[str, ...] = ("Name", "Role", "Environment", "Owner")
    tag_patterns: Mapping[str, str] = field(default_factory=lambda: _NO_PATTERNS)
    name_pattern: str | None = None
    log_buckets: tuple[str, ...] = ()
    trusted_accounts: tuple[str, ...] = ()
    closed_accounts: tuple[str, ...] = ()
    organization_id: str | None = None
    minimum_tls: str | None = None
    upload_encryption: tuple[str, ...] = ()
    trusted_canonical_ids: tuple[str, ...] = ()
    allowed_grantees: tuple[str, ...] = ()
    control_policy: str | None = None
    required_statements: tuple[str, ...] = ()
    forbidden_statements: tuple[str, ...] = ()
    widest_ipv4: int = 16
    widest_ipv6: int = 48
    sensitive_buckets: tuple[str, ...] = ()
    dsse_buckets: tuple[str, ...] = ()
    short_lived_buckets: tuple[str, ...] = ()
    requester_pays_buckets: tuple[str, ...] = ()
    kms_keys: tuple[str, ...] = ()
    allowed_regions: tuple[str, ...] = ()
    own_domains: tuple[str, ...] = ()
    log_prefix: str | None = None
    log_key_format: str | None = None
    object_lock_mode: str | None = None
    object_lock_days: int = 0
    log_retention_days: int = 365
    abort_uploads_days: int = 7
    mass_expiry_days: int = 7
    presigned_minutes: int = 60
    transfer_acceleration: str = "on"
    trail_buckets: tuple[str, ...] = ()
    object_events_log: bool = False
    backup_age: timedelta = timedelta(days=2)
    empty_days: int = 14
    idle_days: int = 90
    growth_window: str = "week"
    growth_factor: float = 2
    growth_gigabytes: int = 100
    growth_objects: int = 1_000_000
    changes_within: timedelta = timedelta(days=1)
    expected_changers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        patterns = {f"tag_patterns.{key}": pattern for key, pattern in self.tag_patterns.items()}
        if self.name_pattern is not None:
            patterns["name_pattern"] = self.name_pattern
        for place, pattern in patterns.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{place}: not a regular expression: {error}") from error


DEFAULT_OPTIONS = RuleOptions()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a check says; UNKNOWN where all was read and nothing follows. `severity` only if not the rule's own.

    `proven`: whether it holds whatever the parts are that could not be read, as where one trail of several is enough.
    """

    verdict: Verdict
    evidence: Evidence
    severity: Severity | None = None
    proven: bool = False


def passes(summary: str, *, proven: bool = False) -> Judgement:
    """The subject keeps the rule."""
    return Judgement(Verdict.PASS, Evidence(summary), proven=proven)


def not_applicable(summary: str, *, proven: bool = False) -> Judgement:
    """The rule has nothing to say about this subject; `summary` tells why."""
    return Judgement(Verdict.NOT_APPLICABLE, Evidence(summary), proven=proven)


def undecided(summary: str, details: Mapping[str, str]) -> Judgement:
    """Everything was read, and what it means cannot be decided; `details` say why."""
    return Judgement(Verdict.UNKNOWN, _shared(summary, tuple(details.items()), live=False))


def fails(
    summary: str,
    details: Mapping[str, str] = _NO_DETAILS,
    *,
    severity: Severity | None = None,
    live: bool = False,
) -> Judgement:
    """The subject breaks the rule; `details` are the decisive facts, `live` marks an exposure that works right now."""
    return Judgement(Verdict.FAIL, _shared(summary, tuple(details.items()), live), severity)


# Most buckets that break a rule break it in the same way: one evidence serves them all.
@lru_cache(maxsize=4096)
def _shared(summary: str, details: tuple[tuple[str, str], ...], live: bool) -> Evidence:
    return Evidence(summary, dict(details), live)


class UnreadableError(Exception):
    """A check needs an aspect that could not be read."""

    def __init__(self, aspect: Aspect, reading: Unreadable) -> None:
        super().__init__(f"{aspect} could not be read: {reading.cause}")
        self.aspect = aspect
        self.reading = reading


class RuleFailedError(Exception):
    """A check that came to no verdict, of its own knowledge; the text says why, for people."""


def configured(state: State, aspect: Aspect, kind: type[T]) -> T | None:
    """The value of `aspect`, None where it is not configured.

    Raises UnreadableError where it could not be read, and TypeError where the value is not a `kind`: a rule must not
    guess about a value that it does not understand.
    """
    reading = state.reading(aspect)
    if isinstance(reading, Unreadable):
        raise UnreadableError(aspect, reading)
    if isinstance(reading, Absent):
        return None
    if not isinstance(reading.value, kind):
        raise TypeError(f"{aspect} is a {type(reading.value).__name__}, not a {kind.__name__}")
    return reading.value


def never(_options: RuleOptions) -> bool:
    """For `Rule.by_name`: the name means nothing to the check."""
    return False


def always(_options: RuleOptions) -> bool:
    """For `Rule.by_name`: the check looks at the name."""
    return True


def in_no_state(_state: "State", _options: RuleOptions) -> bool:
    """For `Rule.nameless`: the check looks at the name whatever is configured."""
    return False


def without(*aspects: Aspect) -> "Callable[[State, RuleOptions], bool]":
    """For `Rule.nameless`: where none of `aspects` is configured there is nothing to hold the name against."""

    def nameless(state: State, _options: RuleOptions) -> bool:
        return all(isinstance(state.reading(aspect), Absent) for aspect in aspects)

    return nameless


Check: TypeAlias = Callable[[State, RuleOptions], Judgement]
Facts: TypeAlias = Callable[[State, RuleOptions], Hashable]


@dataclass(frozen=True, slots=True)
class Example:
    """A state and what the rule must say of it; documentation that a test runs."""

    title: str
    state: State
    verdict: Verdict
    options: RuleOptions = DEFAULT_OPTIONS
    severity: Severity | None = None
    live: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what people read (`info`), what it judges (`kind`), how (`check`), and the examples that prove it.

    `revision` tells apart the forms of a rule that may be changed under its id.
    `by_name`: whether, with these options, the check looks at the bucket's name itself or matches texts in which it may
    stand, so that two buckets alike but for their names may differ. Else one verdict serves for all of a shape.
    `nameless`: whether in this state of a shape neither the name nor the time decides after all.
    `facts`: all that the verdict of such a rule hangs on beside the shape, for less than the check costs. Equal facts
    in one shape have equal verdicts; what no other kind of rule looks at is no part of the shape, and has to be among
    them. None where the check has to be run for each bucket.
    `by_time`: whether a verdict may change with nothing but time and use, so that a sweep that finds another one is no
    proof of an event that got lost.
    """

    info: RuleInfo
    kind: Kind
    check: Check
    examples: tuple[Example, ...] = ()
    revision: str = ""
    by_name: Callable[[RuleOptions], bool] = never
    nameless: Callable[[State, RuleOptions], bool] = in_no_state
    facts: Facts | None = None
    by_time: bool = False

    @property
    def looks(self) -> frozenset[Aspect]:
        """The aspects that the check looks at."""
        return self.info.needs | self.info.hints

    def applies_to(self, state: State) -> bool:
        """Whether this rule judges such a state."""
        return (self.kind is Kind.BUCKET) == isinstance(state, BucketState)
