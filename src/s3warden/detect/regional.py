"""Judges an account by a service that it has region by region: every region with buckets has to pass."""

from collections.abc import Callable
from typing import TypeVar

from s3warden.detect.rule import Judgement, configured, fails, not_applicable, passes
from s3warden.model.bucket import Aspect, Present, Regional, State, Unreadable

T = TypeVar("T")


def every_region(
    state: State, aspect: Aspect, kind: type[T], wrong: Callable[[T | None], str | None], *, good: str, bad: str
) -> Judgement:
    """What follows from the regions: `wrong` says what is wrong with one, None where all is well.

    It gets None where the service is not set up. `good` and `bad` are summaries; the latter has the regions put in for
    `{}`. Regions that could not be read cannot excuse one that fails.
    """
    regions = tuple(configured(state, aspect, Regional) or ())
    if not regions:
        return not_applicable("The account has no bucket that is guarded.")
    problems = {region: problem for region, reading in regions if (problem := _problem(reading, kind, wrong))}
    if problems:
        return fails(bad.format(", ".join(problems)), problems)
    return passes(good)


def _problem(reading: object, kind: type[T], wrong: Callable[[T | None], str | None]) -> str | None:
    if isinstance(reading, Unreadable):
        return None
    if not isinstance(reading, Present):
        return wrong(None)
    if not isinstance(reading.value, kind):
        raise TypeError(f"a region has a {type(reading.value).__name__}, not a {kind.__name__}")
    return wrong(reading.value)
