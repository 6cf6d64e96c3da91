"""The view of own rules over what is really read: every reading has the form that its field promises."""

import json

import pytest

from s3warden.collect.cache import Cache
from s3warden.collect.derived import with_sources
from s3warden.collect.fetch import Fetch
from s3warden.detect.own.shapes import Plain, Type
from s3warden.detect.own.view import ROOTS, view
from s3warden.detect.rule import Kind, UnreadableError
from s3warden.model.bucket import ACCOUNT_ASPECTS, AccountRef, BucketRef, State
from support.modelled import LEADING, Modelled

BUCKET = BucketRef("aws", "111122223333", "eu-west-1", "ledger")
HOME = AccountRef("aws", "111122223333")
FIELDS = [
    (kind, root, name)
    for kind, roots in ROOTS.items()
    for root, fields in roots.items()
    for name, field in fields.items()
    if field.aspect is not None
]
# AWS's answers made of its models are not sound everywhere; so many fields at most may be unreadable for that.
MALFORMED = 6


async def _read(kind: Kind, root: str, name: str) -> State:
    aspect = ROOTS[kind][root][name].aspect
    assert aspect is not None
    fetch, wanted = Fetch(Modelled({**LEADING, "Name": "ledger--euw1-az1--x-s3"})), with_sources({aspect})
    fetch.neighbours.beside(Cache())
    fetch.neighbours.owners.guard([HOME])
    account = await fetch.account(HOME, wanted & ACCOUNT_ASPECTS, regions=["eu-west-1"])
    if kind is Kind.ACCOUNT:
        return account
    return await fetch.bucket(BUCKET, wanted - ACCOUNT_ASPECTS, account=account)


def _conforms(value: Plain, kind: Type) -> bool:
    match kind.name:
        case "record":
            return set(value) == set(kind.fields) and all(_conforms(value[n], each) for n, each in kind.fields.items())
        case "list":
            return kind.item is not None and all(_conforms(each, kind.item) for each in value)
        case "map":
            return kind.item is not None and all(_conforms(each, kind.item) for each in value.values())
        case "any" | "int or null" | "timestamp or null":
            return True
    return type(value).__name__ == {"string": "str", "double": "float"}.get(kind.name, kind.name)


@pytest.mark.parametrize(("kind", "root", "name"), FIELDS)
async def test_what_is_read_has_the_form_of_its_field(kind: Kind, root: str, name: str) -> None:
    """Whatever AWS answers, it is seen as documented or not at all."""
    state = await _read(kind, root, name)
    try:
        value = view(state, kind, [(root, name)])[root][name]
    except UnreadableError:
        return
    assert _conforms(value, ROOTS[kind][root][name].type), json.dumps(value, default=str)


async def test_nearly_all_fields_can_be_seen() -> None:
    """The test above looks at something."""
    hidden = []
    for kind, root, name in FIELDS:
        try:
            view(await _read(kind, root, name), kind, [(root, name)])
        except UnreadableError as error:
            hidden.append(f"{kind} {root}.{name}: {error.reading.detail}")
    assert len(hidden) <= MALFORMED, hidden
