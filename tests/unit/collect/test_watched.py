"""What a call of another service asks for: which account, which aspects, how soon, and why some ask for nothing."""

import json
from typing import Any

import pytest

from s3warden.collect.parser import parse
from s3warden.collect.triggers import READ_VERBS
from s3warden.collect.watched import NAMES, SERVICES
from s3warden.intake import Scope, requests
from s3warden.model.bucket import ACCOUNT_ASPECTS, AccountRef, Aspect, BucketRef
from s3warden.model.event import Level, Refresh, Skip, Skipped, Target
from support.cloudtrail import CALLER, DROP, OWNER, envelope, record

BLOCK = frozenset({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, Aspect.ORGANIZATION_BLOCK})


def body(service: str, name: str, parameters: object = None, **changes: Any) -> str:
    """The message body of a call to `service`; `changes` are to the record."""
    common = {"eventSource": f"{service}.amazonaws.com", "requestParameters": parameters, "resources": DROP}
    return json.dumps(envelope(record(name, **(common | changes)), source=f"aws.{service}"))


def refreshed(text: str) -> Refresh:
    """What the body asks for."""
    parsed = parse(text)
    assert isinstance(parsed, Refresh), parsed
    return parsed


def skipped(text: str) -> str:
    """Why the body asks for nothing."""
    parsed = parse(text)
    assert isinstance(parsed, Skip), parsed
    return parsed.reason


def concerned(text: str) -> list[tuple[Level, str | None]]:
    """Whom the body concerns."""
    return [(target.level, target.account) for target in refreshed(text).targets]


class _Nothing:
    """Knows no bucket."""

    def find(self, partition: str | None, name: str) -> BucketRef | None:
        """None."""


@pytest.mark.parametrize("name", ["AttachPolicy", "DetachPolicy"])
def test_policy_on_an_account_concerns_that_account(name: str) -> None:
    """Not the management account, which records the call."""
    found = refreshed(body("organizations", name, {"policyId": "p-0123456789", "targetId": CALLER}))
    assert found.targets == (Target(Level.ACCOUNT, CALLER, aspects=BLOCK, partition="aws"),)
    assert found.urgent
    assert found.reason == "change"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("DetachPolicy", {"policyId": "p-0123456789", "targetId": "ou-ab12-cdefgh34"}),
        ("AttachPolicy", {"policyId": "p-0123456789", "targetId": "r-ab12"}),
        ("UpdatePolicy", {"policyId": "p-0123456789"}),
        ("DisablePolicyType", {"rootId": "r-ab12", "policyType": "S3_POLICY"}),
        ("UpdatePolicy", None),
    ],
)
def test_policy_on_a_unit_concerns_everybody(name: str, parameters: object) -> None:
    """The record does not tell who is below a unit or a root."""
    assert concerned(body("organizations", name, parameters)) == [(Level.ORGANIZATION, None)]


def test_policy_of_another_type_concerns_nobody() -> None:
    """Where the record says that it is about tags or service control, nothing of S3's has changed."""
    told = {"policy": {"policySummary": {"id": "p-1", "type": "SERVICE_CONTROL_POLICY"}}}
    assert skipped(body("organizations", "UpdatePolicy", {"policyId": "p-1"}, responseElements=told)) == "no_effect"
    tags = {"rootId": "r-ab12", "policyType": "TAG_POLICY"}
    assert skipped(body("organizations", "EnablePolicyType", tags)) == "no_effect"
    told["policy"]["policySummary"]["type"] = "S3_POLICY"
    assert concerned(body("organizations", "UpdatePolicy", {"policyId": "p-1"}, responseElements=told))


def test_accounts_that_move_join_or_leave_are_looked_at() -> None:
    """Other policies hold for them from now on."""
    moved = {"accountId": CALLER, "sourceParentId": "r-ab12", "destinationParentId": "ou-ab12-cdefgh34"}
    assert concerned(body("organizations", "MoveAccount", moved)) == [(Level.ACCOUNT, CALLER)]
    assert concerned(body("organizations", "RemoveAccountFromOrganization", {"accountId": CALLER})) == [
        (Level.ACCOUNT, CALLER)
    ]
    assert concerned(body("organizations", "LeaveOrganization")) == [(Level.ACCOUNT, OWNER)]
    parties = [{"id": "o-a1b2c3d4e5", "type": "ORGANIZATION"}, {"id": CALLER, "type": "ACCOUNT"}]
    joined = body("organizations", "AcceptHandshake", responseElements={"handshake": {"parties": parties}})
    assert concerned(joined) == [(Level.ACCOUNT, CALLER)]
    assert concerned(body("organizations", "AcceptHandshake")) == [(Level.ACCOUNT, OWNER)]


def test_unknown_call_of_a_watched_service_reads_all_of_it() -> None:
    """AWS adds calls; what may have changed is read."""
    found = refreshed(body("organizations", "ReshapeEverything"))
    assert found.reason == "unknown_call"
    assert found.targets[0].aspects == SERVICES["organizations"].aspects


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (body("organizations", "ListPolicies"), "read_only"),
        (body("organizations", "PeekPolicies", readOnly=True), "read_only"),
        (body("organizations", "CreatePolicy"), "no_effect"),
        (body("organizations", "DetachPolicy", errorCode="AccessDenied"), "call_failed"),
        (body("organizations", "ShapeData", eventCategory="Data"), "no_effect"),
        (body("ec2", "RunInstances"), "other_service"),
    ],
)
def test_what_changes_nothing_asks_for_nothing(text: str, reason: str) -> None:
    """Each kind is counted by its reason."""
    assert skipped(text) == reason


def test_record_without_an_account_is_told_apart() -> None:
    """Neither the record nor the envelope says whose it is."""
    detail = record("DetachPolicy", eventSource="organizations.amazonaws.com", recipientAccountId=DROP)
    assert skipped(json.dumps(envelope(detail, source="aws.organizations", account=DROP))) == "no_account"


def test_call_that_may_have_worked_is_looked_at() -> None:
    """An error of the 5xx kind does not tell."""
    found = refreshed(body("organizations", "LeaveOrganization", errorCode="InternalFailure"))
    assert found.reason == "outcome_unknown"


def test_date_of_the_api_behind_a_name_does_not_count() -> None:
    """CloudFront and Lambda write it there."""
    assert (
        refreshed(body("organizations", "MoveAccount2020_05_31", {"accountId": CALLER})).trigger.name == "MoveAccount"
    )
    assert (
        refreshed(body("organizations", "MoveAccount20150331v2", {"accountId": CALLER})).trigger.name == "MoveAccount"
    )


def test_service_is_told_by_the_record() -> None:
    """The envelope's source may be another name, the domain another partition's, and the envelope may be missing."""
    detail = record("LeaveOrganization", eventSource="organizations.amazonaws.com.cn", resources=DROP)
    for text in (envelope(detail, source="aws.whatever"), detail | {"eventSource": "organizations.amazonaws.com"}):
        assert concerned(json.dumps(text)) == [(Level.ACCOUNT, OWNER)]


def test_everybody_is_every_guarded_account_once() -> None:
    """Each gets a request of its own, so that none hides another's trouble."""
    accounts = frozenset({AccountRef("aws", OWNER), AccountRef("aws", CALLER)})
    event = refreshed(body("organizations", "UpdatePolicy"))
    found = requests(event, Scope("aws", "eu-west-1", accounts), _Nothing())
    assert isinstance(found, tuple)
    assert [(request.subject, request.aspects) for request in found] == [(ref, BLOCK) for ref in sorted(accounts)]


def test_change_that_no_rule_reads_is_told_as_such() -> None:
    """It was understood, and nothing enabled looks at it."""
    scope = Scope("aws", "eu-west-1", frozenset({AccountRef("aws", OWNER)}))
    event = refreshed(body("organizations", "LeaveOrganization"))
    assert requests(event, scope, _Nothing(), frozenset({Aspect.ACL})) == Skipped("no_rule_needs_it")
    assert isinstance(requests(event, scope, _Nothing(), BLOCK), tuple)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_service_is_described_soundly(name: str) -> None:
    """Calls change what the service is watched for, at the level of accounts, and no call is in two lists."""
    service = SERVICES[name]
    assert service.aspects <= ACCOUNT_ASPECTS | frozenset(Aspect)
    assert not service.idle & service.calls.keys()
    for call_name, call in service.calls.items():
        assert call.aspects <= service.aspects
        assert call.level is Level.ACCOUNT
        assert not call_name.startswith(READ_VERBS)
    assert service.calls.keys() <= NAMES


def test_what_stops_a_trail_is_urgent() -> None:
    """It stops the events that tell of everything else."""
    for name in ("StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"):
        assert refreshed(body("cloudtrail", name, {"name": "main"})).urgent, name
    assert not refreshed(body("cloudtrail", "StopEventDataStoreIngestion")).urgent


def test_trail_of_the_organization_concerns_everybody() -> None:
    """All accounts get it, whether they know of it yet or not."""
    made = body("cloudtrail", "CreateTrail", {"name": "t", "isOrganizationTrail": True})
    assert concerned(made) == [(Level.ACCOUNT, OWNER), (Level.ORGANIZATION, None)]
    changed = body("cloudtrail", "UpdateTrail", {"name": "t"}, responseElements={"isOrganizationTrail": True})
    assert concerned(changed) == [(Level.ACCOUNT, OWNER), (Level.ORGANIZATION, None)]
    assert concerned(body("cloudtrail", "CreateTrail", {"name": "t"})) == [(Level.ACCOUNT, OWNER)]


def test_trail_by_its_name_concerns_those_under_it() -> None:
    """Who stops a trail does not say that it is the organisation's: who is under it is looked up."""
    for name, parameters in (("StopLogging", {"name": "t"}), ("PutEventSelectors", {"trailName": "t"})):
        targets = refreshed(body("cloudtrail", name, parameters)).targets
        assert [(target.account, target.trail) for target in targets] == [(OWNER, None), (OWNER, "t")]


def test_analyzer_of_the_organization_concerns_everybody() -> None:
    """So may the deletion of one, which does not say of what kind it was."""
    for text in (
        body("access-analyzer", "CreateAnalyzer", {"type": "ORGANIZATION"}),
        body("access-analyzer", "DeleteAnalyzer"),
    ):
        assert concerned(text) == [(Level.ORGANIZATION, None)]
    assert concerned(body("access-analyzer", "CreateAnalyzer", {"type": "ACCOUNT"})) == [(Level.ACCOUNT, OWNER)]


@pytest.mark.parametrize(
    ("service", "name", "parameters"),
    [
        ("macie2", "UpdateMemberSession", {"id": CALLER, "status": "PAUSED"}),
        (
            "macie2",
            "BatchUpdateAutomatedDiscoveryAccounts",
            {"accounts": [{"accountId": CALLER, "status": "DISABLED"}]},
        ),
        ("guardduty", "UpdateMemberDetectors", {"detectorId": "d", "accountIds": [CALLER]}),
        ("guardduty", "CreateMembers", {"accountDetails": [{"accountId": CALLER, "email": "a@example.com"}]}),
    ],
)
def test_member_that_an_administrator_names_is_concerned(service: str, name: str, parameters: object) -> None:
    """What is changed for a member is not recorded in the member's account."""
    assert concerned(body(service, name, parameters)) == [(Level.ACCOUNT, OWNER), (Level.ACCOUNT, CALLER)]


@pytest.mark.parametrize(
    ("service", "name", "aspect"),
    [
        ("cloudtrail", "StopLogging", Aspect.TRAILS),
        ("cloudtrail", "DeleteEventDataStore", Aspect.EVENT_DATA_STORES),
        ("macie2", "DisableMacie", Aspect.MACIE),
        ("macie2", "UpdateAutomatedDiscoveryConfiguration", Aspect.MACIE_DISCOVERY),
        ("access-analyzer", "DeleteAnalyzer", Aspect.ANALYZERS),
        ("guardduty", "UpdateDetector", Aspect.GUARDDUTY),
        ("backup", "DeleteBackupSelection", Aspect.BACKUP_SELECTIONS),
        ("logs", "DeleteMetricFilter", Aspect.METRIC_FILTERS),
        ("monitoring", "DisableAlarmActions", Aspect.METRIC_FILTERS),
    ],
)
def test_call_has_its_aspect_read(service: str, name: str, aspect: Aspect) -> None:
    """Each service's calls by what they change."""
    assert aspect in refreshed(body(service, name)).targets[0].aspects
