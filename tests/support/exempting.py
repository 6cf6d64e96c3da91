"""Exemptions and cases for tests, each complete, each with one thing changed by keyword."""

from datetime import UTC, datetime, timedelta
from typing import Any

from s3warden.detect.evaluate import evaluate
from s3warden.detect.exemptions.decision import Case
from s3warden.detect.exemptions.scope import place_of
from s3warden.detect.rule import DEFAULT_OPTIONS, Rule, RuleOptions
from s3warden.detect.rules import find
from s3warden.model.bucket import State
from s3warden.model.exemption import Allowance, Approved, Exemption, Scope

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERY = Scope(buckets=("*",))


def exemption(name: str = "accepted", **fields: Any) -> Exemption:
    """An exemption of every bucket from every rule, with a month to go, that approved nothing."""
    given: dict[str, Any] = {
        "id": name,
        "place": f"exemptions/{name}.toml:1",
        "scope": EVERY,
        "rules": ("*",),
        "owner": "team-web",
        "reason": "agreed",
        "ticket": "SEC-1",
        "ends_at": NOW + timedelta(days=30),
    }
    return Exemption(**(given | fields))


def may(*actions: str) -> tuple[Allowance, ...]:
    """These actions; ` on ` before a pattern of keys."""
    parts = [action.partition(" on ") for action in actions]
    return tuple(Allowance(action, keys or None) for action, _, keys in parts)


def public(*actions: str) -> Approved:
    """These actions for everyone."""
    return Approved(public=may(*actions))


def case(
    rule_id: str | Rule,
    state: State,
    *,
    at: datetime = NOW,
    options: RuleOptions = DEFAULT_OPTIONS,
    units: frozenset[str] | None = None,
    spent: frozenset[tuple[str, str]] = frozenset(),
) -> Case:
    """What a rule says of a state, ready for a decision."""
    rule = find(rule_id) if isinstance(rule_id, str) else rule_id
    (result,) = evaluate((rule,), state, options=options)
    return Case(rule, result, state, place_of(state, units), options, at, spent)
