"""Which rules were told of where."""

from s3warden.model.bucket import AccountRef, BucketRef
from s3warden.respond.baseline import Baseline, dumps, loads

HERE, THERE = AccountRef("aws", "111122223333"), AccountRef("aws", "444455556666")
BUCKET = BucketRef("aws", HERE.account, "eu-west-1", "ledger")
RULES = {"a": "a", "b": "b@1"}


def test_every_rule_is_new_to_an_account_that_joins() -> None:
    """Until the account is settled."""
    baseline = Baseline(RULES)
    assert (sorted(baseline.new(HERE)), len(baseline.accounts)) == (["a", "b"], 0)
    baseline.settle([HERE])
    assert (sorted(baseline.new(HERE)), sorted(baseline.new(THERE))) == ([], ["a", "b"])


def test_a_rule_that_was_rewritten_is_new_again() -> None:
    """It is remembered under another name."""
    assert Baseline(RULES, {HERE: frozenset({"a", "b@0"})}).new(HERE) == {"b"}


def test_a_rule_that_was_off_for_a_while_is_new_again() -> None:
    """What is not enabled is forgotten."""
    while_off = Baseline({"a": "a"}, {HERE: frozenset({"a", "b@1"})})
    assert while_off.new(HERE) == frozenset()
    assert Baseline(RULES, while_off.told).new(HERE) == {"b"}


def test_what_was_judged_is_no_longer_quiet_but_for_a_sweep() -> None:
    """Bucket by bucket, and nothing is kept of accounts to which nothing is new."""
    baseline = Baseline(RULES, {HERE: frozenset({"a"})})
    assert baseline.quiet(BUCKET, sweep=False) == {"b"}
    baseline.judged(BUCKET)
    assert not baseline.quiet(BUCKET, sweep=False)
    assert baseline.quiet(BUCKET, sweep=True) == {"b"}
    assert baseline.quiet(HERE, sweep=False) == {"b"}
    baseline.settle([HERE])
    baseline.judged(BUCKET)
    assert (baseline.quiet(BUCKET, sweep=True), baseline._judged) == (frozenset(), set())


def test_what_was_told_survives_as_a_short_text() -> None:
    """A thousand accounts that know the same rules take the names of the rules once."""
    told = {AccountRef("aws", f"{n:012}"): frozenset({"rule-one", "rule-two"}) for n in range(1000)}
    told[HERE] = frozenset({"rule-one"})
    text = dumps(told)
    assert (loads(text), text.count("rule-two")) == (told, 1)
    assert loads(None) == {}
