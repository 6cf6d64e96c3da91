"""Which expressions are taken, and what is said of those that are not."""

import pytest

from s3warden.detect.own.expression import DEPTH, LENGTH, LOOPS, NESTED, ExpressionError, compiled
from s3warden.detect.rule import Kind

STATEMENTS = "bucket.policy.statements"


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ('bucket.versioning.status == "Enabled"', {("bucket", "versioning")}),
        ('"Owner" in bucket.tags && bucket.tags.Owner != ""', {("bucket", "tags")}),
        ('["Owner", "Team"].all(tag, tag in bucket.tags)', {("bucket", "tags")}),
        (
            'account.public_access_block.configured || bucket.name.startsWith("x")',
            {("account", "public_access_block"), ("bucket", "name")},
        ),
        (f'{STATEMENTS}.exists(s, s.actions.exists(a, a == "s3:*" && s.effect == "Allow"))', {("bucket", "policy")}),
        (f'{STATEMENTS}.filter(s, s.effect == "Allow").map(s, s.sid).size() < 3', {("bucket", "policy")}),
        (f"has({STATEMENTS}) // bucket.nothing", {("bucket", "policy")}),
        ("'bucket.nothing' == bucket.name", {("bucket", "name")}),
        ('bucket.encryption.rules[0].algorithm == r"aws:\\kms"', {("bucket", "encryption")}),
        ("true", set()),
    ],
)
def test_what_an_expression_speaks_of(source: str, used: set[tuple[str, str]]) -> None:
    """The fields of the view, and nothing in texts and comments."""
    assert compiled(source, Kind.BUCKET).used == used


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("bucket.versionning.status", "`bucket` has no field `versionning`; did you mean `versioning`?"),
        ("bucket.versioning.stauts", "there is no `.stauts` in this place; did you mean `status`?"),
        ("bucket.acl.grants.exists(g, g.permision == 'READ')", "there is no `.permision` in this place; did you mean"),
        ("buckets.name", "nothing is called `buckets` here; did you mean `bucket`?"),
        ("bucket == bucket", "`bucket` must be followed by a field"),
        ('bucket["name"]', "`bucket` must be followed by a field"),
        ("[bucket].exists(b, b.name == 'x')", "`bucket` must be followed by a field"),
        ("bucket.acl.grants.exists(bucket, true)", "`exists` needs a variable of its own"),
        ("bucket.name.lowerAscii() == 'x'", "there is no function `lowerAscii`"),
        ("sizes(bucket.tags) > 1", "there is no function `sizes`; did you mean `size`?"),
        ("bucket.name ==", "is not CEL"),
        ("(" * 400 + "1" + ")" * 400, "is not CEL"),
        ("x" * (LENGTH + 1), f"{LENGTH} is the limit"),
    ],
)
def test_what_is_no_expression_is_told_with_what_was_meant(source: str, complaint: str) -> None:
    """Names that the view does not have are found before anything is evaluated."""
    with pytest.raises(ExpressionError) as caught:
        compiled(source, Kind.BUCKET)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        "bucket.policy.statements.all(a, bucket.policy.statements.all(b, bucket.policy.statements.all(c, true)))",
        "bucket.policy.statements.map(a, bucket.policy.statements)",
        "bucket.policy.statements.exists(a, a.actions.map(b, b).size() > 1)",
        "(bucket.policy.statements + bucket.policy.statements).filter(a, true)",
        "[bucket.policy.statements, bucket.policy.statements].map(a, a)",
        " && ".join(["bucket.cors.rules.all(r, true)"] * (LOOPS + 1)),
        " && ".join(["bucket.cors.rules.all(a, bucket.cors.rules.all(b, true))"] * (NESTED + 1)),
    ],
)
def test_what_could_take_for_ever_is_refused_by_its_form(source: str) -> None:
    """Loops in loops in loops, and what copies the view over and over: the library has no limit of its own."""
    with pytest.raises(ExpressionError):
        compiled(source, Kind.BUCKET)
    assert DEPTH == 2


def test_rules_about_accounts_see_no_bucket() -> None:
    """An account has many."""
    with pytest.raises(ExpressionError, match="nothing is called `bucket`"):
        compiled("bucket.name == 'x'", Kind.ACCOUNT)
