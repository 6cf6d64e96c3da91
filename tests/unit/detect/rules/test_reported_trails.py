"""What the trackers of other tools tell of trails and the events on objects, and that we do not repeat it."""

import json
from typing import Any

import pytest

from s3warden.collect.selectors import selectors
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import DEFAULT_OPTIONS, RuleOptions
from s3warden.detect.rules import find
from s3warden.detect.samples import DENIED, account_with, allow, bucket, by_policy, granting, unguarded
from s3warden.detect.service_samples import ALL_OBJECTS, feeds, here, trail, trails
from s3warden.model.bucket import ABSENT, Aspect, State
from s3warden.model.configuration import AUTHENTICATED_USERS
from s3warden.model.finding import Verdict
from s3warden.model.trails import EventDataStores, Selectors

WRITES, READS = "bucket-object-events-write", "bucket-object-events-read"


def verdict(rule_id: str, state: State, options: RuleOptions = DEFAULT_OPTIONS) -> Verdict:
    """What one rule says of a state."""
    [result] = evaluate((find(rule_id),), state, options=options)
    return result.verdict


def recording(found: Selectors, **more: Any) -> State:
    """The sample bucket under one trail with these selectors."""
    return bucket({Aspect.TRAILS: trails(trail(found, **more)), Aspect.EVENT_DATA_STORES: here(EventDataStores(()))})


def answered(**answer: Any) -> Selectors:
    """The selectors in GetEventSelectors' answer, as it comes over the wire."""
    return selectors(json.loads(json.dumps(answer)))


_ADVANCED = {
    "Name": "objects",
    "FieldSelectors": [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        {"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::example-data/"]},
    ],
}


@pytest.mark.parametrize("rule_id", [WRITES, READS])
def test_prowler_1795_1814_custodian_8969_advanced_selectors_count(rule_id: str) -> None:
    """A trail with advanced selectors has no classic ones, and records all the same."""
    assert verdict(rule_id, recording(answered(AdvancedEventSelectors=[_ADVANCED]))) is Verdict.PASS


@pytest.mark.parametrize("order", [1, -1])
def test_scoutsuite_1674_no_selector_overwrites_another(order: int) -> None:
    """Whichever comes last, what one of them selects is recorded."""
    objects = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": False,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
    }
    nothing = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}
    found = answered(EventSelectors=[objects, nothing][::order])
    assert verdict(WRITES, recording(found)) is Verdict.PASS


def test_landing_zone_accelerator_1162_a_trail_need_not_record_its_own_bucket() -> None:
    """To ask for that is to ask for deliveries about deliveries, without end."""
    state = bucket({Aspect.TRAILS: trails(trail()), Aspect.REFERRERS: feeds("example-data")})
    assert verdict(WRITES, state) is Verdict.NOT_APPLICABLE
    assert verdict(READS, state) is Verdict.NOT_APPLICABLE
    # The deliveries of access logs make no such loop, so those are asked for.
    unlogged = bucket({Aspect.LOGGING: ABSENT, Aspect.REFERRERS: feeds("example-data")})
    assert verdict("bucket-trail-access-logging", unlogged) is Verdict.FAIL


def test_account_factory_513_receivers_of_logs_are_left_alone() -> None:
    """Those that the settings name are not asked to have their objects' events recorded."""
    state = bucket({Aspect.TRAILS: trails()})
    assert verdict(WRITES, state, RuleOptions(log_buckets=("example-*",))) is Verdict.NOT_APPLICABLE


def test_prowler_code_reads_and_writes_are_told_apart() -> None:
    """A selector for reads alone records no write; readOnly counts in advanced selectors, too."""
    fields = [*_ADVANCED["FieldSelectors"], {"Field": "readOnly", "Equals": ["true"]}]
    state = recording(answered(AdvancedEventSelectors=[{"FieldSelectors": fields}]))
    assert verdict(READS, state) is Verdict.PASS
    assert verdict(WRITES, state) is Verdict.FAIL


def test_prowler_code_arns_of_other_buckets_do_not_count() -> None:
    """What is selected of another bucket records nothing of this one."""
    other = json.loads(json.dumps(_ADVANCED).replace("example-data", "example-database"))
    assert verdict(WRITES, recording(answered(AdvancedEventSelectors=[other]))) is Verdict.FAIL


def test_prowler_code_a_stopped_trail_records_nothing() -> None:
    """However much it selects."""
    assert verdict(WRITES, recording(ALL_OBJECTS, logging=False)) is Verdict.FAIL
    assert verdict("account-management-events", account_with({Aspect.TRAILS: trails(trail(logging=False))})) is (
        Verdict.FAIL
    )


def test_prowler_code_a_trail_bucket_is_public_by_more_than_all_users() -> None:
    """Any AWS account by ACL, and everyone by policy, are strangers just as well."""
    held = {Aspect.REFERRERS: feeds("example-data")}
    by_acl = unguarded({**held, Aspect.ACL: granting((AUTHENTICATED_USERS, "READ"))})
    assert verdict("bucket-trail-not-public", unguarded({**held, **by_policy(allow())})) is Verdict.FAIL
    assert verdict("bucket-trail-not-public", by_acl) is Verdict.FAIL


def test_scoutsuite_1424_an_answer_without_classic_selectors_is_an_answer() -> None:
    """Its other half is there; an answer with neither half is damaged, and never taken for silence."""
    assert answered(AdvancedEventSelectors=[_ADVANCED]).basic == ()


def test_denied_selectors_are_unknown_unless_another_trail_proves_it() -> None:
    """One trail that records everything is enough, whatever a second one hides."""
    assert verdict(WRITES, bucket({Aspect.TRAILS: trails(trail(DENIED))})) is Verdict.UNKNOWN
    both = bucket({Aspect.TRAILS: trails(trail(DENIED), trail(ALL_OBJECTS))})
    assert verdict(WRITES, both) is Verdict.PASS


def test_trail_in_another_guarded_account_makes_a_trail_bucket() -> None:
    """The bucket's own account need not have a trail."""
    state = unguarded({Aspect.TRAILS: trails(), Aspect.REFERRERS: feeds("example-data"), **by_policy(allow())})
    assert verdict("bucket-trail-not-public", state) is Verdict.FAIL
