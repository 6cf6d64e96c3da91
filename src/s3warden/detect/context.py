"""How bad a finding is where it is: the rule's own severity, moved by exposure, data and environment. Pure.

Takes the verdicts on one state, hands them on with the severity in context, the severity before and the reasons. Each
of the three moves by whole levels that the operator sets, and their sum moves by two at most. Sensitive data raises
only where somebody outside may get at it. The bounds, which nobody can set:

| finding | never lower than |
|---|---|
| exposure that works now, of data that is sensitive or of which that cannot be told | the rule's own severity |
| exposure that works now, of other data | high, or the rule's own severity where that is lower |
| anything else | low, or the rule's own severity where that is lower |

So nothing is silenced, and no leak of sensitive data is told as less than it is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from s3warden.detect.exemptions.binding import SHARING
from s3warden.detect.exemptions.scope import any_of
from s3warden.detect.rule import Rule
from s3warden.model.bucket import Absent, Aspect, BucketRef, Cause, Present, State, Unreadable
from s3warden.model.configuration import Tags
from s3warden.model.finding import RuleResult, Severity, Verdict
from s3warden.model.rule import Category
from s3warden.model.services import MacieCoverage

MOST = 2
"""Levels that a severity moves at most, all reasons together."""

# The rules that say whether anybody outside gets in; unless they know, nobody does.
_DECISIVE = frozenset({"bucket-public-effective", "bucket-public-authenticated"})
_LEVELS = tuple(Severity)
# Macie's sensitivityScore: 51 to 100 is sensitive, 50 not looked at yet, 1 to 49 nothing found, -1 failed (Amazon
# Macie user guide, "Sensitivity scoring for S3 buckets").
_SENSITIVE_SCORE = 51


class Exposure(StrEnum):
    """Who outside can get at the bucket: strangers now, strangers after one change, accounts by name, nobody."""

    PUBLIC = "public"
    LATENT = "latent"
    CROSS_ACCOUNT = "cross_account"
    PRIVATE = "private"
    UNKNOWN = "unknown"


class Sensitivity(StrEnum):
    """What the data is, as Macie, tags or the bucket's name tell. UNKNOWN: the tags could not be read."""

    SENSITIVE = "sensitive"
    HARMLESS = "harmless"
    ORDINARY = "ordinary"
    UNKNOWN = "unknown"


class Environment(StrEnum):
    """What the bucket serves."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Context:
    """What the operator sets: how many levels each circumstance moves a severity, and how it is recognised.

    Tags are `Key=Value` globs, compared without case and without `-`, `_`, `.`, `:`, `/` and spaces in the key; names
    are globs over bucket names. `*_places` are account numbers and ids of organisational units.
    """

    public: int = 0
    latent: int = 0
    cross_account: int = 0
    private: int = 0
    sensitive: int = 1
    harmless: int = -1
    production: int = 0
    development: int = -1
    sensitive_tags: tuple[str, ...] = ()
    harmless_tags: tuple[str, ...] = ()
    sensitive_names: tuple[str, ...] = ()
    harmless_names: tuple[str, ...] = ()
    production_tags: tuple[str, ...] = ()
    development_tags: tuple[str, ...] = ()
    production_places: tuple[str, ...] = ()
    development_places: tuple[str, ...] = ()

    @property
    def needs(self) -> frozenset[Aspect]:
        """What must be read of buckets to know their circumstances."""
        tags = (self.sensitive_tags, self.harmless_tags, self.production_tags, self.development_tags)
        return frozenset({Aspect.TAGGING} if any(tags) else ())

    @property
    def asks_for_units(self) -> bool:
        """Whether some place is an organisational unit."""
        return any(not place.isdigit() for place in (*self.production_places, *self.development_places))


NEUTRAL = Context(sensitive=0, harmless=0, development=0)
"""A context in which every severity is the rule's own."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a bucket or an account is, each with what tells so in words; no words where nothing does."""

    exposure: Exposure
    sensitivity: Sensitivity
    environment: Environment
    sensitivity_by: str = ""
    environment_by: str = ""


def in_context(
    results: Sequence[RuleResult],
    state: State,
    rules: Mapping[str, Rule],
    context: Context,
    units: frozenset[str] | None = None,
) -> tuple[RuleResult, ...]:
    """The verdicts with their severity in context. `units` are those above the account, None if not known."""
    if context == NEUTRAL or not any(result.verdict is Verdict.FAIL for result in results):
        return tuple(results)
    found = circumstances(results, state, rules, context, units)
    return tuple(_weighed(each, found, context) if each.verdict is Verdict.FAIL else each for each in results)


def circumstances(
    results: Iterable[RuleResult],
    state: State,
    rules: Mapping[str, Rule],
    context: Context,
    units: frozenset[str] | None = None,
) -> Circumstances:
    """What is known of the subject beyond the single finding."""
    tags, unread = _tags(state)
    sensitivity, told_by = _sensitivity(state, tags, context, unread=unread)
    environment, placed_by = _environment(state, tags, context, units)
    return Circumstances(_exposure(results, state, rules), sensitivity, environment, told_by, placed_by)


def _weighed(result: RuleResult, found: Circumstances, context: Context) -> RuleResult:
    steps = [(step, text) for step, text in _steps(found, context) if step]
    if not steps:
        return result
    base = result.severity
    total = max(-MOST, min(MOST, sum(step for step, _ in steps)))
    wanted = max(0, min(len(_LEVELS) - 1, base.rank + total))
    floor, why = _floor(result, found)
    reasons = [f"{text} ({step:+d})" for step, text in steps]
    if wanted < floor:
        reasons.append(why)
    return replace(result, severity=_LEVELS[max(wanted, floor)], base_severity=base, reasons=_shared(tuple(reasons)))


def _steps(found: Circumstances, context: Context) -> Iterable[tuple[int, str]]:
    exposures = {
        Exposure.PUBLIC: (context.public, "strangers can reach the bucket"),
        Exposure.LATENT: (context.latent, "the bucket is one setting from public"),
        Exposure.CROSS_ACCOUNT: (context.cross_account, "other accounts can reach the bucket"),
        Exposure.PRIVATE: (context.private, "nobody outside can reach the bucket"),
        Exposure.UNKNOWN: (0, ""),
    }
    yield exposures[found.exposure]
    if found.sensitivity is Sensitivity.SENSITIVE and found.exposure is not Exposure.PRIVATE:
        yield context.sensitive, f"sensitive data: {found.sensitivity_by}"
    elif found.sensitivity is Sensitivity.HARMLESS:
        yield context.harmless, f"harmless data: {found.sensitivity_by}"
    if found.environment is not Environment.ANY:
        step = context.production if found.environment is Environment.PRODUCTION else context.development
        yield step, f"{found.environment}: {found.environment_by}"


def _floor(result: RuleResult, found: Circumstances) -> tuple[int, str]:
    own = result.severity.rank
    if not result.evidence.live:
        return min(own, Severity.LOW.rank), "not below low: nothing is silenced by its context"
    if found.sensitivity in (Sensitivity.SENSITIVE, Sensitivity.UNKNOWN):
        why = "sensitive data" if found.sensitivity is Sensitivity.SENSITIVE else "data whose tags could not be read"
        return own, f"not lowered: {why}, and the exposure works now"
    return min(own, Severity.HIGH.rank), "not below high: the exposure works now"


def _exposure(results: Iterable[RuleResult], state: State, rules: Mapping[str, Rule]) -> Exposure:
    if not isinstance(state.ref, BucketRef):
        return Exposure.UNKNOWN
    results = tuple(results)
    failing = [each for each in results if each.verdict is Verdict.FAIL]
    if any(each.evidence.live for each in failing):
        return Exposure.PUBLIC
    categories = {each.rule_id: rules[each.rule_id].info.category for each in failing if each.rule_id in rules}
    if Category.EXPOSURE in categories.values():
        return Exposure.LATENT
    if not SHARING.isdisjoint(categories):
        return Exposure.CROSS_ACCOUNT
    decided = {each.rule_id for each in results if each.verdict is not Verdict.UNKNOWN}
    return Exposure.PRIVATE if decided >= _DECISIVE else Exposure.UNKNOWN


def _sensitivity(
    state: State, tags: tuple[tuple[str, str], ...], context: Context, *, unread: Cause | None
) -> tuple[Sensitivity, str]:
    """The worst that Macie or any tag says; else what the name says, but for the better only if tags were read.

    Macie looks at samples: what it has not found is no proof that it is not there.
    """
    match state.reading(Aspect.MACIE_COVERAGE):
        case Present(value=MacieCoverage(sensitivity=int(score))) if score >= _SENSITIVE_SCORE:
            return Sensitivity.SENSITIVE, f"Macie's score of {score}"
    for wanted, kind in (
        (context.sensitive_tags, Sensitivity.SENSITIVE),
        (context.harmless_tags, Sensitivity.HARMLESS),
    ):
        told = _tagged(tags, wanted)
        if told:
            return kind, told
    name = state.ref.name if isinstance(state.ref, BucketRef) else ""
    for globs, kind in (
        (context.sensitive_names, Sensitivity.SENSITIVE),
        (() if unread else context.harmless_names, Sensitivity.HARMLESS),
    ):
        if name and globs and _globs(globs).fullmatch(name):
            return kind, f"the name {name}"
    return (Sensitivity.UNKNOWN, "") if unread else (Sensitivity.ORDINARY, "")


def _environment(
    state: State, tags: tuple[tuple[str, str], ...], context: Context, units: frozenset[str] | None
) -> tuple[Environment, str]:
    """Production as soon as anything says so; else development if anything does."""
    above = (units or frozenset()) | {state.ref.account}
    for wanted, places, kind in (
        (context.production_tags, context.production_places, Environment.PRODUCTION),
        (context.development_tags, context.development_places, Environment.DEVELOPMENT),
    ):
        told = _tagged(tags, wanted)
        if told:
            return kind, told
        within = next((place for place in places if place in above), None)
        if within is not None:
            return kind, f"account {state.ref.account}" if within.isdigit() else f"below {within}"
    return Environment.ANY, ""


def _tags(state: State) -> tuple[tuple[tuple[str, str], ...], Cause | None]:
    if not isinstance(state.ref, BucketRef):
        return (), None
    reading = state.reading(Aspect.TAGGING)
    if isinstance(reading, Unreadable):
        return (), reading.cause
    if isinstance(reading, Absent) or not isinstance(reading.value, Tags):
        return (), None
    return reading.value.pairs, None


@lru_cache(maxsize=4096)
def _tagged(tags: tuple[tuple[str, str], ...], wanted: tuple[str, ...]) -> str:
    """The first tag that matches one of `wanted`, as text; empty if none does."""
    if not tags or not wanted:
        return ""
    pattern = _pairs(wanted)
    return next((f"tag {key}={value}" for key, value in tags if pattern.fullmatch(_plain(key, value))), "")


def _plain(key: str, value: str) -> str:
    return f"{_SEPARATORS.sub('', key)}={value}".casefold()


_SEPARATORS = re.compile(r"[\s_.:/-]+")


@lru_cache(maxsize=64)
def _pairs(wanted: tuple[str, ...]) -> re.Pattern[str]:
    return _globs(tuple(_plain(key, value) for key, _, value in (pair.partition("=") for pair in wanted)))


@lru_cache(maxsize=64)
def _globs(globs: tuple[str, ...]) -> re.Pattern[str]:
    return any_of(globs)


@lru_cache(maxsize=4096)
def _shared(reasons: tuple[str, ...]) -> tuple[str, ...]:
    # The findings of an estate share few texts: one object for each.
    return reasons
