"""Own rules as rules: their verdicts, what they say, and what becomes of those that fail or are slow."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from s3warden.detect.evaluate import evaluate
from s3warden.detect.own.example import WrittenExample, complaint
from s3warden.detect.own.expression import ExpressionError
from s3warden.detect.own.rule import Written, check_of, rule_of
from s3warden.detect.own.view import ROOTS
from s3warden.detect.own.watch import PATIENCE, SLOW, watched
from s3warden.detect.rule import Kind, Rule
from s3warden.detect.samples import ALL_ON, DENIED, account, bucket
from s3warden.model.bucket import ABSENT, AccountState, Aspect, Cause, Present, Reading, Regional, State
from s3warden.model.configuration import Tags, Versioning
from s3warden.model.finding import RuleResult, Severity, Verdict
from s3warden.model.rule import Category
from s3warden.model.services import Macie

VERSIONED = Written(
    id="own-versioned",
    title="Data has no versions",
    severity=Severity.HIGH,
    category=Category.RESILIENCE,
    kind=Kind.BUCKET,
    pass_when='bucket.versioning.status == "Enabled"',
    applies_when='bucket.name.endsWith("-data")',
    message='{{ bucket.name }} of {{ bucket.tags.Owner }}: versioning is "{{ bucket.versioning.status }}".',
)
ENABLED = Present(Macie("ENABLED"))
OFF = {Aspect.VERSIONING: Present(Versioning("Suspended"))}


def judged(written: Written, state: State) -> RuleResult:
    """The one result."""
    (result,) = evaluate([rule_of(written)], state)
    return result


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (bucket(), Verdict.PASS),
        (bucket(OFF), Verdict.FAIL),
        (bucket({Aspect.VERSIONING: ABSENT}), Verdict.FAIL),
        (bucket({Aspect.VERSIONING: DENIED}), Verdict.UNKNOWN),
        (bucket(OFF, name="web"), Verdict.NOT_APPLICABLE),
        # Whether it applies is known, yet the unreadable stays in sight.
        (bucket({Aspect.VERSIONING: DENIED}, name="web"), Verdict.UNKNOWN),
    ],
)
def test_verdicts(state: State, verdict: Verdict) -> None:
    """True passes, false fails, what does not apply says so, and what was not read is unknown."""
    assert judged(VERSIONED, state).verdict is verdict


def test_what_is_told_of_a_failure() -> None:
    """The message with its parts filled in; the parts are the facts."""
    result = judged(VERSIONED, bucket(OFF))
    assert result.evidence.summary == 'example-data of data-team: versioning is "Suspended".'
    assert result.evidence.details == {
        "bucket.name": "example-data",
        "bucket.tags.Owner": "data-team",
        "bucket.versioning.status": "Suspended",
    }
    assert (result.severity, result.rule_id) == (Severity.HIGH, "own-versioned")


@pytest.mark.parametrize("tags", [DENIED, Present(Tags((("Team", "x"),)))])
def test_a_part_of_the_message_that_fails_spoils_nothing(tags: object) -> None:
    """The bucket fails all the same, and the rest of the sentence is told."""
    result = judged(VERSIONED, bucket({**OFF, Aspect.TAGGING: tags}))  # type: ignore[dict-item]
    assert result.verdict is Verdict.FAIL
    assert result.evidence.summary == 'example-data of ?: versioning is "Suspended".'


def test_needs_and_hints_follow_from_the_fields() -> None:
    """What the message alone asks for is no need."""
    info = rule_of(VERSIONED).info
    assert info.needs == {Aspect.VERSIONING}
    assert info.hints == {Aspect.TAGGING}
    assert info.default


@pytest.mark.parametrize(
    "source",
    [
        'bucket.tags.Nobody == "x"',
        "bucket.versioning.status",
        "1 / 0 == 1",
        'bucket.versioning.status > 1 || bucket.versioning.status < "x"[0]',
        "bucket.lifecycle.rules[7].enabled",
        '"x".matches("(")',
        "null",
    ],
)
def test_an_error_is_unknown_and_counted_never_a_pass(source: str) -> None:
    """Whatever the expression does but say true or false."""
    errors: list[str] = []
    rule = rule_of(replace(VERSIONED, applies_when="", pass_when=source))
    (result,) = evaluate([rule], bucket({Aspect.LIFECYCLE: ABSENT}), errors.append)
    assert (result.verdict, result.cause, errors) == (Verdict.UNKNOWN, Cause.ERROR, ["own-versioned"])
    assert result.evidence.summary.startswith("Not decided: `")


@pytest.mark.parametrize(
    ("root", "name"),
    [(root, name) for root, fields in ROOTS[Kind.BUCKET].items() for name in fields],
)
def test_no_unreadable_field_ever_passes(root: str, name: str) -> None:
    """A rule that would pass whatever the field holds is unknown where the field could not be read."""
    field = ROOTS[Kind.BUCKET][root][name]
    rule = replace(VERSIONED, applies_when="", pass_when=f"has({root}.{name}) || true")
    if field.aspect is not None:
        assert judged(rule, bucket({field.aspect: DENIED})).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("regions", "of_bucket", "of_account"),
    [
        ({"eu-west-1": ENABLED}, Verdict.PASS, Verdict.PASS),
        ({"eu-west-1": ENABLED, "us-east-1": ABSENT}, Verdict.PASS, Verdict.FAIL),
        ({"eu-west-1": ABSENT, "us-east-1": ENABLED}, Verdict.FAIL, Verdict.FAIL),
        ({"us-east-1": ENABLED}, Verdict.UNKNOWN, Verdict.PASS),
        ({"eu-west-1": ENABLED, "us-east-1": DENIED}, Verdict.PASS, Verdict.UNKNOWN),
    ],
)
def test_rules_over_services_of_regions(
    regions: dict[str, Reading[Macie]], of_bucket: Verdict, of_account: Verdict
) -> None:
    """A rule about buckets sees the bucket's own region, one about accounts a map of all."""
    plain = replace(VERSIONED, applies_when="", message="", pass_when='account.macie.status == "ENABLED"')
    whole = replace(plain, kind=Kind.ACCOUNT, pass_when='account.macie.all(r, account.macie[r].status == "ENABLED")')
    sound = bucket()
    readings: dict[Aspect, Reading[object]] = {Aspect.MACIE: Present(Regional(tuple(regions.items())))}
    its = AccountState(sound.ref.owner, sound.read_at, readings)
    assert judged(plain, replace(sound, account=its)).verdict is of_bucket
    assert judged(whole, its).verdict is of_account


def test_rules_about_accounts() -> None:
    """They judge accounts and nothing else."""
    written = replace(VERSIONED, kind=Kind.ACCOUNT, applies_when="", message="", pass_when="account.id != '1'")
    assert judged(written, account(Present(ALL_ON))).verdict is Verdict.PASS
    assert evaluate([rule_of(written)], bucket()) == ()


@pytest.mark.parametrize("part", ["pass_when", "applies_when", "message"])
def test_complaints_name_the_part(part: str) -> None:
    """Where to look."""
    wrong = replace(VERSIONED, **{part: "{{ bucket.nmae }}" if part == "message" else "bucket.nmae"})  # type: ignore[arg-type]
    with pytest.raises(ExpressionError, match=f"`{part}` `bucket` has no field `nmae`; did you mean `name`"):
        rule_of(wrong)


def test_a_rewritten_rule_has_another_revision() -> None:
    """Another title has not: it finds the same."""
    assert rule_of(VERSIONED).revision == rule_of(replace(VERSIONED, title="Other words")).revision
    assert rule_of(VERSIONED).revision != rule_of(replace(VERSIONED, pass_when="true")).revision


def slowly(*seconds: float) -> tuple[Rule, list[tuple[str, float, bool]]]:
    """The rule under a clock by which evaluations take so long, and what is heard of it."""

    def ticks() -> Iterator[float]:
        now = 0.0
        for each in seconds:
            yield now
            now += each
            yield now

    heard: list[tuple[str, float, bool]] = []
    clock = ticks()
    return watched(rule_of(VERSIONED), lambda: next(clock), lambda *what: heard.append(what)), heard


def test_a_slow_rule_is_told_and_then_switched_off() -> None:
    """From then on it is unknown, without being run: the clock is not asked again."""
    rule, heard = slowly(*[SLOW * 2] * PATIENCE)
    verdicts = [evaluate([rule], bucket())[0].verdict for _ in range(PATIENCE + 2)]
    assert verdicts == [Verdict.PASS] * PATIENCE + [Verdict.UNKNOWN] * 2
    assert [off for _, _, off in heard] == [False, False, True]


def test_a_pause_now_and_then_switches_nothing_off() -> None:
    """Only slow evaluations in a row count."""
    rule, heard = slowly(1.0, 1.0, 0.0, 1.0, 1.0)
    assert {evaluate([rule], bucket())[0].verdict for _ in range(5)} == {Verdict.PASS}
    assert len(heard) == 4


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (WrittenExample("x", Verdict.PASS, {"name": "a-data", "versioning": {"status": "Enabled"}}), None),
        (WrittenExample("x", Verdict.FAIL, {"name": "a-data"}), None),
        (WrittenExample("x", Verdict.NOT_APPLICABLE), None),
        (WrittenExample("x", Verdict.UNKNOWN, {"name": "a-data", "versioning": "unreadable"}), None),
        (WrittenExample("x", Verdict.FAIL, {"name": "a-data", "tags": "unreadable"}), None),
        (WrittenExample("x", Verdict.FAIL, {"name": "a-data", "cors": {"rules": [{"origins": ["*"]}]}}), None),
        (
            WrittenExample("x", Verdict.PASS, {"name": "a-data"}),
            'expected pass, but the rule says fail: a-data of ?: versioning is "".',
        ),
        (WrittenExample("x", Verdict.PASS, {"nmae": "a-data"}), "`bucket` has no field `nmae`"),
        (WrittenExample("x", Verdict.PASS, {"versioning": {"on": True}}), "`bucket.versioning` has no field `on`"),
        (WrittenExample("x", Verdict.PASS, {"versioning": True}), "`bucket.versioning` is no record"),
        (
            WrittenExample("x", Verdict.PASS, {"lifecycle": {"rules": [{"expires_after": "7"}]}}),
            "`bucket.lifecycle.rules[0].expires_after` is no int or null",
        ),
        (WrittenExample("x", Verdict.PASS, {"tags": {"Owner": 7}}), "`bucket.tags.Owner` is no string"),
    ],
)
def test_examples_come_true_or_are_complained_of(example: WrittenExample, expected: str | None) -> None:
    """By their form first, then by their verdict."""
    assert complaint(check_of(VERSIONED), example) == expected


def test_an_example_of_an_account_has_no_bucket() -> None:
    """It would never be looked at."""
    check = check_of(replace(VERSIONED, kind=Kind.ACCOUNT, applies_when="", message="", pass_when="account.id == ''"))
    assert complaint(check, WrittenExample("x", Verdict.PASS, {"name": "b"})) == (
        "a rule about one account sees no `bucket`"
    )
