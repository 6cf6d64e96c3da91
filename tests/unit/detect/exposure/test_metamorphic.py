"""What must not matter does not matter: every vector, told in other words, has the same verdict."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from s3warden.detect.exposure.engine import analyse
from s3warden.detect.exposure.inputs import inputs_of

VECTORS: list[dict[str, Any]] = json.loads(Path("tests/data/exposure-dev.json").read_text(encoding="utf-8"))
KEYS = (
    "public",
    "public_actions",
    "authenticated_only",
    "cross_account",
    "policy_status_is_public",
    "via",
    "blocked_by",
)
Json = dict[str, Any]


def policies(vector: Json) -> Iterator[Json]:
    """The policies of a vector that are objects: the bucket's and its access points'."""
    for holder in (vector, *vector["access_points"]):
        if isinstance(holder["policy"], dict):
            yield holder["policy"]


def statements(policy: Json) -> list[Json]:
    """The statements of a policy as a list."""
    found = policy["Statement"]
    return list(found) if isinstance(found, list) else [found]


def each(change: Callable[[Json], list[Json]]) -> Callable[[Json], None]:
    """A change of every statement into one or several."""

    def apply(vector: Json) -> None:
        for policy in policies(vector):
            policy["Statement"] = [new for one in statements(policy) for new in change(one)]

    return apply


def reverse(vector: Json) -> None:
    """The statements from last to first."""
    for policy in policies(vector):
        policy["Statement"] = statements(policy)[::-1]


def as_text(vector: Json) -> None:
    """Each policy as the API delivers it."""
    for holder in (vector, *vector["access_points"]):
        if isinstance(holder["policy"], dict):
            holder["policy"] = json.dumps(holder["policy"], indent=3)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _scalar(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _convert(one: Json, convert: Callable[[Any], Any]) -> Json:
    new = dict(one)
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        if name in new:
            new[name] = convert(new[name])
    for name in ("Principal", "NotPrincipal"):
        if isinstance(new.get(name), dict):
            new[name] = {kind: convert(names) for kind, names in new[name].items()}
    if "Condition" in new:
        new["Condition"] = {
            op: {key: convert(values) for key, values in block.items()} for op, block in new["Condition"].items()
        }
    return new


def _cased(one: Json) -> Json:
    new = dict(one)
    for name in ("Action", "NotAction"):
        if name in new:
            new[name] = [text.swapcase() for text in _listed(new[name])]
    if "Condition" in new:
        new["Condition"] = {
            op.swapcase(): {key.swapcase(): values for key, values in block.items()}
            for op, block in new["Condition"].items()
        }
    return new


def _split(one: Json) -> list[Json]:
    found = [one]
    for name in ("Action", "Resource"):
        if name in one:
            found = [{**part, name: value} for part in found for value in _listed(one[name])]
    principal = one.get("Principal")
    if isinstance(principal, dict):
        found = [
            {**part, "Principal": {kind: name}}
            for part in found
            for kind, names in principal.items()
            for name in _listed(names)
        ]
    return found


def _spread(one: Json) -> list[Json]:
    """A positive condition with several values as several statements, one value each."""
    for op, block in one.get("Condition", {}).items():
        for key, values in block.items():
            plain = "Not" not in op and ":" not in op
            if isinstance(values, list) and len(values) > 1 and plain:
                return [{**one, "Condition": {**one["Condition"], op: {**block, key: value}}} for value in values]
    return [one]


def _everyone(one: Json) -> Json:
    return {**one, "Principal": {"AWS": ["*"]}} if one.get("Principal") == "*" else one


CHANGES: dict[str, Callable[[Json], None]] = {
    "reversed": reverse,
    "as text": as_text,
    "all lists": each(lambda one: [_convert(one, _listed)]),
    "all scalars": each(lambda one: [_convert(one, _scalar)]),
    "letter case": each(lambda one: [_cased(one)]),
    "split": each(_split),
    "values spread": each(_spread),
    "said twice": each(lambda one: [one, copy.deepcopy(one)]),
    "with sids": each(lambda one: [{**one, "Sid": "Some"}]),
    "everyone in the other form": each(lambda one: [_everyone(one)]),
    "a Deny that meets nothing": each(
        lambda one: (
            [one, {**one, "Effect": "Deny", "Resource": "arn:aws:s3:::elsewhere/*"}]
            if "Resource" in one and one["Effect"] == "Deny"
            else [one]
        )
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_verdict_stays(vector: Json, change: str) -> None:
    """The same policy in other words has the same verdict in every key."""
    told = copy.deepcopy(vector)
    CHANGES[change](told)
    before, after = analyse(inputs_of(vector)).as_dict(), analyse(inputs_of(told)).as_dict()
    assert {key: after[key] for key in KEYS} == {key: before[key] for key in KEYS}


NAMES = {
    "acme-data": "b0.other-name",
    "111111111111": "444455556666",
    "222222222222": "000000000001",
    "333333333333": "777788889999",
    "o-acme123456": "o-zz00000000",
    "vpc-91237329": "vpc-0a",
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_names_do_not_matter(vector: Json) -> None:
    """Buckets, accounts, organisations and networks renamed throughout: the verdict is renamed with them."""
    text = json.dumps(vector)
    for old, new in NAMES.items():
        text = text.replace(old, new)
    before, after = analyse(inputs_of(vector)).as_dict(), analyse(inputs_of(json.loads(text))).as_dict()
    expected = {key: before[key] for key in KEYS}
    expected["cross_account"] = sorted(NAMES[account] for account in vector["expect"]["cross_account"])
    assert {key: after[key] for key in KEYS} == expected
