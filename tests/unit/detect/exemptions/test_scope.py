"""What an exemption is about: union within a field, intersection between fields, and nothing by what was not read."""

import pytest

from s3warden.detect.exemptions.scope import Place, may_concern, mismatch, place_of
from s3warden.detect.samples import ACCOUNT, DENIED, bucket
from s3warden.model.bucket import ABSENT, Aspect, BucketRef, Present
from s3warden.model.configuration import Tags
from s3warden.model.exemption import Scope

REF = BucketRef("aws", "111122223333", "eu-west-1", "www-assets")
UNITS = frozenset({"r-ab12", "ou-ab12-cdefgh34"})
PLACE = Place(REF, (("Public", "yes"), ("Tier", "web")), UNITS)


@pytest.mark.parametrize(
    "scope",
    [
        Scope(accounts=("111122223333",)),
        Scope(accounts=("999999999999", "111122223333")),
        Scope(units=("ou-ab12-cdefgh34",)),
        Scope(units=("r-ab12",)),
        Scope(buckets=("www-assets",)),
        Scope(buckets=("other", "www-*")),
        Scope(buckets=("ww?-asset?",)),
        Scope(arns=(REF.arn,)),
        Scope(arns=("arn:*:s3:::www-*",)),
        Scope(tags=("Public=yes",)),
        Scope(tags=("Public=no", "Tier=w*")),
        Scope(("111122223333",), ("r-ab12",), ("www-*",), (REF.arn,), ("Tier=web",)),
    ],
)
def test_one_match_in_each_field_is_enough(scope: Scope) -> None:
    """Within a field the values are alternatives."""
    assert mismatch(scope, PLACE) is None


@pytest.mark.parametrize(
    ("scope", "why"),
    [
        (Scope(accounts=("999999999999",), buckets=("www-assets",)), "accounts"),
        (Scope(accounts=("111122223333",), buckets=("ftp-*",)), "buckets"),
        (Scope(units=("ou-ab12-elsewher",)), "units"),
        (Scope(arns=("arn:*:s3:::ftp",)), "ARNs"),
        (Scope(tags=("Public=Yes",)), "tags"),
        (Scope(tags=("public=yes",)), "tags"),
        (Scope(buckets=("WWW-ASSETS",)), "buckets"),
        (Scope(buckets=("[w]ww-assets",)), "buckets"),
        (Scope(buckets=("www",)), "buckets"),
    ],
)
def test_every_field_that_is_given_must_match(scope: Scope, why: str) -> None:
    """One field that matches does not make up for another; case counts, brackets mean themselves."""
    found = mismatch(scope, PLACE)
    assert found is not None
    assert why in found.text
    assert not found.unread


def test_unreadable_tags_never_match() -> None:
    """Not even a glob that any tag would match; and the reason is named."""
    place = place_of(bucket({Aspect.TAGGING: DENIED}), UNITS)
    found = mismatch(Scope(tags=("Public=*",)), place)
    assert found is not None
    assert found.unread
    assert "could not be read (role permission)" in found.text


def test_no_tags_are_no_match() -> None:
    """A bucket without tags is known not to have them."""
    found = mismatch(Scope(tags=("Public=*",)), place_of(bucket({Aspect.TAGGING: ABSENT}), UNITS))
    assert found is not None
    assert not found.unread


def test_unknown_units_never_match() -> None:
    """While the organisation does not tell, nothing is below any unit."""
    found = mismatch(Scope(units=("r-ab12",)), Place(REF, (), None))
    assert found is not None
    assert found.unread


def test_what_is_known_not_to_match_comes_first() -> None:
    """An exemption of other buckets is not said to fail for want of tags."""
    found = mismatch(Scope(buckets=("ftp",), tags=("A=b",)), place_of(bucket({Aspect.TAGGING: DENIED}), None))
    assert found is not None
    assert not found.unread


@pytest.mark.parametrize("scope", [Scope(buckets=("*",)), Scope(arns=("*",)), Scope(tags=("A=*",))])
def test_the_account_is_no_bucket(scope: Scope) -> None:
    """A scope that names buckets is never about the account itself."""
    assert mismatch(scope, Place(ACCOUNT, (), UNITS)) is not None
    assert mismatch(Scope(accounts=(ACCOUNT.account,)), Place(ACCOUNT, (), UNITS)) is None


def test_what_may_be_meant_is_told_from_the_name_alone() -> None:
    """Tags and units are not asked for: they might match."""
    assert may_concern(Scope(buckets=("www-*",), tags=("A=b",), units=("r-zz99",)), REF)
    assert not may_concern(Scope(buckets=("ftp-*",)), REF)


def test_the_tags_of_a_state_are_its_own() -> None:
    """Keys and values as AWS has them."""
    state = bucket({Aspect.TAGGING: Present(Tags((("A", "b"),)))})
    assert place_of(state, None).tags == (("A", "b"),)
