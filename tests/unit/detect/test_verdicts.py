"""Remembered verdicts are those that a fresh evaluation gives, for every name, and no more checks run than have to."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from s3warden.collect.cache import Cache
from s3warden.detect.evaluate import evaluate
from s3warden.detect.own.rule import Written, rule_of
from s3warden.detect.rule import DEFAULT_OPTIONS, Example, Judgement, Kind, Rule, RuleOptions
from s3warden.detect.rules import RULES, find
from s3warden.detect.samples import BUCKET, READ_AT, account, allow, bucket, by_policy, flags, multi_region, policy
from s3warden.detect.service_samples import S3, here, trail, trails
from s3warden.detect.verdicts import Verdicts
from s3warden.model.bucket import ABSENT, Aspect, BucketState, Present, Reading, State
from s3warden.model.changes import Change, Changes
from s3warden.model.configuration import Accelerate, Logging, Policy, Tags
from s3warden.model.finding import RuleResult, Severity, Verdict
from s3warden.model.rule import Category
from s3warden.model.services import BackupCondition, BackupSelection, BackupSelections, LastBackup
from s3warden.model.trails import BasicSelector, Selectors
from s3warden.model.usage import RequestMetrics, StorageCount, StorageMetrics
from support.exposure_states import VECTORS, state_of
from support.policies import BUCKET as POLICY_BUCKET
from support.policies import policy as random_policy

NAMES = ("first-bucket", "x" * 63, "third", "another.bucket-with-quite-a-long-name-2")
PLAN = "bucket-backup-plan"
SINCE = READ_AT - timedelta(days=900)
_NAMED = BackupCondition("StringLike", "Name", "prod-*")
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.info.id}: {example.title}")
    for rule in RULES
    if rule.kind is Kind.BUCKET
    for example in rule.examples
]


def renamed(state: BucketState, name: str) -> BucketState:
    """The same bucket under another name, wherever a template of infrastructure code would have put it."""
    old = state.ref.name

    def of(reading: Reading[object]) -> Reading[object]:
        match reading:
            case Present(value=Policy(text=text)):
                return Present(Policy(text.replace(old, name)))
            case Present(value=Tags(pairs=pairs)):
                return Present(Tags(tuple((key, name if value == old else value) for key, value in pairs)))
            case Present(value=Logging() as logging):
                prefix = logging.target_prefix.replace(old, name)
                target = name if logging.target_bucket == old else logging.target_bucket
                return Present(replace(logging, target_bucket=target, target_prefix=prefix))
        return reading

    readings = {aspect: of(reading) for aspect, reading in state.readings.items()}
    return replace(state, ref=replace(state.ref, name=name), readings=readings)


def by_rule(results: Iterable[RuleResult]) -> Mapping[str, RuleResult]:
    """Results by rule; their order is no promise."""
    return {result.rule_id: result for result in results}


def check_equal(rules: Sequence[Rule], state: BucketState, options: RuleOptions = DEFAULT_OPTIONS) -> Verdicts:
    """Judge `state` under several names, each twice; every verdict is that of a fresh evaluation."""
    verdicts, cache = Verdicts(rules, options), Cache()
    for name in (*NAMES, *NAMES):
        named = cache.shared(renamed(state, name))
        assert by_rule(verdicts.of(named)) == by_rule(evaluate(rules, named, options=options))
    return verdicts


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_every_rule_says_the_same_from_memory(rule: Rule, example: Example) -> None:
    """No rule looks at the name without saying so: else one bucket would get the verdict of another."""
    assert isinstance(example.state, BucketState)
    check_equal((rule,), example.state, example.options)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["id"]))
def test_vectors_say_the_same_from_memory(vector: dict[str, object]) -> None:
    """All rules over all vectors, renamed."""
    check_equal(RULES, state_of(vector))


def _begins(name: str) -> Present[object]:
    selector = BasicSelector(reads=True, writes=True, management=True, objects=(f"{S3}:::{name}",))
    return trails(trail(Selectors((selector,))))


def _backs_up(**more: Any) -> Present[object]:
    return here(BackupSelections((BackupSelection("daily", "data", **more),)))


def test_random_policies_say_the_same_from_memory() -> None:
    """Wildcards, variables and conditions that could tell names apart are noticed."""
    rng = Random(7)
    for _ in range(60):
        text = json.dumps(random_policy(rng)).replace(POLICY_BUCKET, BUCKET)
        check_equal(RULES, bucket({Aspect.POLICY: Present(Policy(text))}))


def test_a_fleet_of_one_template_is_judged_once() -> None:
    """A thousand buckets alike but for their names, the times of their backups and what lies in them cost one."""
    verdicts, cache = Verdicts(RULES), Cache()
    ran = []
    for number in range(1000, 2000):
        backup = Present(LastBackup(READ_AT - timedelta(seconds=number)))
        stored = StorageCount(READ_AT - timedelta(days=1), number**3, number)
        own = {
            Aspect.LAST_BACKUP: backup,
            Aspect.STORAGE_METRICS: Present(StorageMetrics(SINCE, stored.at, stored, week_before=stored)),
            Aspect.REQUEST_METRICS: Present(RequestMetrics("all", SINCE, READ_AT - timedelta(hours=number))),
        }
        alike = renamed(bucket({**by_policy(allow()), **own}), f"fleet-{number}")
        verdicts.of(cache.shared(alike))
        ran.append(verdicts.ran)
    assert ran == [sum(rule.kind is Kind.BUCKET for rule in RULES)] * 1000


def test_a_rule_of_one_s_own_about_sizes_leaves_the_shape_to_others() -> None:
    """It is run for each bucket, and nothing else is."""
    source = "bucket.storage_metrics.latest.objects < 1500"
    own = rule_of(Written("own-size", "Too much", Severity.LOW, Category.GOVERNANCE, Kind.BUCKET, source))
    verdicts, cache = Verdicts((*RULES, own)), Cache()
    found = []
    for number in (1000, 2000, 3000):
        stored = StorageCount(READ_AT - timedelta(days=1), number**3, number)
        readings = {Aspect.STORAGE_METRICS: Present(StorageMetrics(SINCE, stored.at, stored, week_before=stored))}
        results = by_rule(verdicts.of(cache.shared(renamed(bucket(readings), f"fleet-{number}"))))
        found.append((results[own.info.id].verdict, verdicts.ran))
    checks = sum(rule.kind is Kind.BUCKET for rule in RULES) + 1
    assert found == [(Verdict.PASS, checks), (Verdict.FAIL, checks + 1), (Verdict.FAIL, checks + 2)]


@pytest.mark.parametrize(
    ("readings", "names", "rule"),
    [
        ({Aspect.TRAILS: _begins("prod-")}, ("prod-a", "test-a"), "bucket-object-events-write"),
        ({Aspect.BACKUP_SELECTIONS: _backs_up(resources=(f"{S3}:::prod-*",))}, ("prod-a", "test-a"), PLAN),
        ({Aspect.BACKUP_SELECTIONS: _backs_up(any_tag=(_NAMED,))}, ("prod-a", "test-a"), PLAN),
        ({Aspect.LAST_BACKUP: Present(LastBackup(READ_AT))}, ("a.b", "a-b"), "bucket-transfer-acceleration"),
        ({Aspect.POLICY: policy(*[allow()] * 150)}, ("x" * 63, "xyz"), "bucket-policy-size"),
    ],
    ids=["a trail's prefix", "a backup's pattern", "a backup by the tag of the name", "a dot", "a long name"],
)
def test_what_tells_names_apart_is_told(
    readings: Mapping[Aspect, Reading[object]], names: tuple[str, str], rule: str
) -> None:
    """Two buckets alike but for their names get different verdicts where the name decides."""
    verdicts, cache = Verdicts(RULES), Cache()
    tags = Present(Tags((("Name", BUCKET),)))
    found = []
    for name in (*names, *names):
        state = cache.shared(renamed(bucket({Aspect.TAGGING: tags, **readings}), name))
        results = by_rule(verdicts.of(state))
        assert results == by_rule(evaluate(RULES, state))
        found.append(results[rule].verdict)
    assert found[:2] == found[2:]
    assert found[0] is not found[1]


def test_changes_leave_a_bucket_its_shape() -> None:
    """Each has its own; the rules that do not look at them are not run because of them."""
    verdicts, cache = Verdicts(RULES), Cache()
    for number in range(100, 200):
        told = Changes((Change("PutBucketTagging", bucket().read_at, f"event-{number}"),))
        state = cache.shared(renamed(bucket({Aspect.CHANGES: Present(told)}), f"fleet-{number}"))
        assert by_rule(verdicts.of(state)) == by_rule(evaluate(RULES, state))
    assert verdicts.ran == sum(rule.kind is Kind.BUCKET for rule in RULES) + 99


@pytest.mark.parametrize(
    "state",
    [
        bucket(by_policy(allow(resource=f"arn:aws:s3:::{BUCKET[:4]}*"))),
        bucket({Aspect.POLICY: policy({**allow(), "Sid": BUCKET})}),
        bucket({Aspect.MULTI_REGION_ACCESS_POINTS: multi_region()}),
        bucket(by_policy(allow(Condition={"DateLessThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}}))),
    ],
    ids=["a wildcard tells names apart", "a name elsewhere", "the account names it", "a clock"],
)
def test_what_has_no_shape_is_judged_by_itself(state: BucketState) -> None:
    """Where the name means more than itself, no verdict is taken from another bucket."""
    verdicts, cache = Verdicts(RULES), Cache()
    verdicts.of(cache.shared(state))
    before = verdicts.ran
    verdicts.of(cache.shared(replace(renamed(state, "other"), account=state.account)))
    assert verdicts.ran - before == sum(rule.kind is Kind.BUCKET for rule in RULES)


def test_settings_that_one_rule_alone_looks_at_are_told_apart() -> None:
    """They are no part of the shape, and so part of the facts."""
    verdicts, cache = Verdicts(RULES), Cache()
    for number, status in enumerate(("Enabled", "Suspended", "Enabled")):
        readings = {Aspect.ACCELERATE: Present(Accelerate(status))}
        state = cache.shared(renamed(bucket(readings), f"bucket-{number}"))
        assert by_rule(verdicts.of(state)) == by_rule(evaluate(RULES, state))


def test_a_bucket_made_anew_in_another_region_is_judged_anew() -> None:
    """By rules that look at the region, even if nobody saw it gone in between."""
    verdicts, cache = Verdicts(RULES, RuleOptions(allowed_regions=("eu-west-1",))), Cache()
    for region in ("eu-west-1", "us-east-1"):
        state = cache.shared(replace(bucket(), ref=replace(bucket().ref, region=region)))
        options = RuleOptions(allowed_regions=("eu-west-1",))
        assert by_rule(verdicts.of(state)) == by_rule(evaluate(RULES, state, options=options))


def test_only_rules_that_look_at_a_change_run_again() -> None:
    """Versioning is suspended: one rule reads it, and the verdicts of the others stay."""
    verdicts, cache = Verdicts(RULES), Cache()
    # Its name in a place that no shape allows, so that nothing is known of its like.
    state = cache.shared(bucket({Aspect.POLICY: policy({**allow(), "Sid": BUCKET})}))
    verdicts.of(state)
    changed = cache.shared(replace(state, readings={**state.readings, Aspect.VERSIONING: ABSENT}))
    before = verdicts.ran
    results = by_rule(verdicts.of(changed))
    concerned = [
        rule
        for rule in RULES
        if rule.kind is Kind.BUCKET
        and (Aspect.VERSIONING in rule.info.needs | rule.info.hints or rule.by_name(DEFAULT_OPTIONS))
    ]
    assert verdicts.ran - before == len(concerned)
    assert results["bucket-versioning"].verdict is Verdict.FAIL
    assert results == by_rule(evaluate(RULES, changed))


@pytest.mark.parametrize("name", ["Old_Example_Data", "b"])
def test_an_old_name_that_the_account_mentions_has_no_shape(name: str) -> None:
    """Capitals, underscores and any length: the names of early buckets are found like others."""
    named = renamed(bucket({Aspect.MULTI_REGION_ACCESS_POINTS: multi_region(bucket_name=name)}), name)
    other = replace(renamed(named, "other-data"), account=named.account)
    verdicts, cache = Verdicts(RULES), Cache()
    for state in (cache.shared(other), cache.shared(named)):
        assert by_rule(verdicts.of(state)) == by_rule(evaluate(RULES, state))


def test_a_change_of_the_account_is_a_change() -> None:
    """The account's block goes: every rule that looks at it is run again."""
    verdicts, cache = Verdicts(RULES), Cache()
    state = cache.shared(
        bucket({Aspect.POLICY: policy({**allow(), "Sid": BUCKET}), Aspect.PUBLIC_ACCESS_BLOCK: ABSENT})
    )
    verdicts.of(state)
    opened = cache.shared(replace(state, account=account(flags())))
    assert by_rule(verdicts.of(opened)) == by_rule(evaluate(RULES, opened))


def test_time_passes_for_policies_that_speak_of_it() -> None:
    """An unchanged policy may let somebody in today whom it kept out yesterday."""
    until = {"DateLessThan": {"aws:CurrentTime": "2026-01-02T00:00:00Z"}}
    open_ = {Aspect.PUBLIC_ACCESS_BLOCK: ABSENT, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: ABSENT}
    verdicts, cache = Verdicts(RULES), Cache()
    state = cache.shared(bucket({**by_policy(allow(Condition=until)), **open_}))
    first = by_rule(verdicts.of(state))["bucket-public-effective"].verdict
    later = replace(state, read_at=state.read_at + timedelta(days=3))
    second = by_rule(verdicts.of(later))["bucket-public-effective"].verdict
    assert (first, second) == (Verdict.FAIL, Verdict.PASS)


def test_other_options_forget_what_was_judged_by_these() -> None:
    """An account that is trusted from now on is no outsider, in buckets already judged too."""
    state = Cache().shared(bucket(by_policy(allow({"AWS": "444455556666"}), public=False)))
    verdicts = Verdicts(RULES)
    rule = "bucket-cross-account-access"
    assert by_rule(verdicts.of(state))[rule].verdict is Verdict.FAIL
    verdicts.suppose(RuleOptions(trusted_accounts=("444455556666",)))
    assert by_rule(verdicts.of(state))[rule].verdict is Verdict.PASS


def test_a_crash_is_not_remembered() -> None:
    """A rule that crashed is run, and counted, each time."""
    crashes: list[str] = []

    def check(_state: State, _options: RuleOptions) -> Judgement:
        raise RuntimeError("broken")

    broken = replace(find("bucket-versioning"), check=check)
    verdicts, state = Verdicts((broken,), on_error=crashes.append), Cache().shared(bucket())
    for _ in range(3):
        [result] = verdicts.of(state)
        assert result.verdict is Verdict.UNKNOWN
    assert len(crashes) == 3


def test_a_bucket_that_is_gone_has_no_verdicts() -> None:
    """And what was known of it is forgotten: one of the same name later is judged afresh."""
    verdicts, state = Verdicts(RULES), Cache().shared(bucket())
    assert verdicts.of(state)
    assert verdicts.of(replace(state, exists=False)) == ()
    verdicts.forget(state.ref)
    assert by_rule(verdicts.of(state)) == by_rule(evaluate(RULES, state))


def test_accounts_are_judged_too() -> None:
    """Rules about accounts are few and run each time."""
    state = account(ABSENT)
    assert by_rule(Verdicts(RULES).of(state)) == by_rule(evaluate(RULES, state))
