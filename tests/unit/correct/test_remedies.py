"""Every remedy on a bucket that breaks its rule amid settings that must survive."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from s3warden.cli.rule_page import as_markdown
from s3warden.correct.by_hand import REASONS, left_to_people
from s3warden.correct.prediction import predicted
from s3warden.correct.remedies import REMEDIES, remedies_for
from s3warden.correct.remedies.demands import TLS_ONLY
from s3warden.correct.remedies.lifecycle import ABORT
from s3warden.correct.remedies.logging import DELIVERY
from s3warden.correct.remedy import Edit, Look, Wanted
from s3warden.correct.writes import WRITES
from s3warden.detect.rule import RuleOptions
from s3warden.detect.rules import RULES, find
from s3warden.detect.samples import ACCOUNT, DENIED, OWNER
from s3warden.model.action import Declined, Loss, LossKind
from s3warden.model.bucket import Aspect, BucketRef, BucketState, Present, Reading
from s3warden.model.configuration import PolicyStatus
from s3warden.model.keys import Key
from s3warden.model.references import Destination, Destinations, Reference, References, Standing, Use
from support.scenes import (
    ARN,
    BUCKET,
    OWN_GRANT,
    Docs,
    account_look,
    acl,
    block,
    declined,
    group,
    look,
    only,
    plan,
    planned,
    policy,
    user,
    written,
)

PARTNER = "arn:aws:iam::777788889999:root"
READ = {"Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}
SHARED = {
    "Sid": "Partner",
    "Effect": "Allow",
    "Principal": {"AWS": PARTNER},
    "Action": "s3:Get*",
    "Resource": f"{ARN}/*",
}
TLS = {
    "Sid": "TlsOnly",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [ARN, f"{ARN}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
ALL_FLAGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
LIVE = "bucket-public-effective"
LOGS = BucketRef(BUCKET.partition, BUCKET.account, "eu-west-1", "logs-111122223333-eu-west-1")
TO_LOGS = Wanted(log_bucket="logs-{account}-{region}")


def statements(step: Any) -> list[dict[str, Any]]:
    """The statements that a step writes."""
    listed: list[dict[str, Any]] = json.loads(written(step)["Policy"])["Statement"]
    return listed


def grants(step: Any) -> list[dict[str, Any]]:
    """The grants that a step writes."""
    listed: list[dict[str, Any]] = written(step)["AccessControlPolicy"]["Grants"]
    return listed


def log_bucket(documents: Any, **more: Any) -> Look:
    """The bucket that is to receive the logs."""
    found = look(documents, **more)
    assert isinstance(found.state, BucketState)
    return replace(found, state=replace(found.state, ref=LOGS))


# Public ACL grants ----------------------------------------------------------------------------------------------------


def test_every_public_grant_goes_and_no_other() -> None:
    """An open bucket is closed by its ACL; the owner, a partner and the log delivery stay, in their order."""
    delivery = {
        "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"},
        "Permission": "WRITE",
    }
    before = acl(group("AllUsers", "READ"), user(7), delivery, group("AuthenticatedUsers", "WRITE_ACP"))
    made = planned(LIVE, look({Aspect.ACL: before}))
    assert grants(only(made)) == [OWN_GRANT, user(7), delivery]
    assert (made.effect.public_before, made.effect.public_after, made.effect.losses) == (True, False, ())
    assert made.effect.safe


def test_rule_of_one_grant_takes_that_grant() -> None:
    """What other rules find stays theirs."""
    before = acl(group("AllUsers", "READ"), group("AllUsers", "WRITE"), group("AuthenticatedUsers", "READ"))
    made = planned("bucket-acl-public-read", look({Aspect.ACL: before}))
    assert grants(only(made)) == [OWN_GRANT, group("AllUsers", "WRITE"), group("AuthenticatedUsers", "READ")]
    assert made.effect.mends
    assert made.effect.public_after is True


def test_display_names_are_not_written_back() -> None:
    """AWS tells them no more; a grant is known by its id."""
    named = {"Grantee": {"Type": "CanonicalUser", "ID": "f" * 64, "DisplayName": "partner"}, "Permission": "READ"}
    before = {**acl(named, group("AllUsers", "READ")), "Owner": {"ID": OWNER, "DisplayName": "me"}}
    step = only(planned(LIVE, look({Aspect.ACL: before})))
    assert "DisplayName" not in step.call.parameters + step.inverse.parameters
    assert grants(step)[-1]["Grantee"]["ID"] == "f" * 64


def test_under_block_public_acls_no_public_grant_is_written_back() -> None:
    """AWS would refuse an ACL that still has one, so that all of them go."""
    before = acl(group("AllUsers", "READ"), group("AllUsers", "WRITE"))
    made = planned(
        "bucket-acl-public-read", look({Aspect.ACL: before, Aspect.PUBLIC_ACCESS_BLOCK: block(ALL_FLAGS[0])})
    )
    assert grants(only(made)) == [OWN_GRANT]


def test_latent_grants_go_while_they_have_no_effect() -> None:
    """Nobody is cut off by it."""
    state = {Aspect.ACL: acl(group("AllUsers", "READ"), user(1)), Aspect.PUBLIC_ACCESS_BLOCK: block(ALL_FLAGS[1])}
    for rule_id in ("bucket-acl-latent-public", "bucket-public-latent"):
        made = planned(rule_id, look(state))
        assert grants(only(made)) == [OWN_GRANT, user(1)]
        assert (made.effect.public_before, made.effect.public_after) == (False, False)


def test_acl_is_not_written_while_acls_are_disabled() -> None:
    """AWS would refuse it."""
    owned = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
    state = {Aspect.ACL: acl(group("AllUsers", "READ")), Aspect.OWNERSHIP: owned}
    assert declined("bucket-public-latent", look(state)) == "acls_disabled"


# Public statements ----------------------------------------------------------------------------------------------------


def test_public_statement_goes_and_the_others_stay_to_the_letter() -> None:
    """Their text, their order, the Version and the spaces between."""
    before = policy(SHARED, READ, TLS, indent=3)
    made = planned(LIVE, look({Aspect.POLICY: before}))
    assert written(only(made))["Policy"] == policy(SHARED, TLS, indent=3)["Policy"]
    assert only(made).inverse.arguments["Policy"] == before["Policy"]
    assert made.effect.losses == ()


def test_all_public_statements_go() -> None:
    """One that is left would leave the bucket open."""
    lists = {**READ, "Sid": "List", "Action": "s3:ListBucket", "Resource": ARN}
    vpc = {**READ, "Sid": "Vpc", "Condition": {"StringLike": {"aws:SourceVpc": "vpc-*"}}}
    office = {**READ, "Sid": "Office", "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
    made = planned(LIVE, look({Aspect.POLICY: policy(READ, office, SHARED, lists, vpc)}))
    assert statements(only(made)) == [office, SHARED]


def test_who_is_named_beside_everyone_keeps_the_access() -> None:
    """Of a principal that mixes the star and names, only the star goes."""
    mixed = {**READ, "Principal": {"AWS": ["*", PARTNER], "Service": "logging.s3.amazonaws.com"}}
    made = planned(LIVE, look({Aspect.POLICY: policy(mixed)}))
    assert made.remedy == "remove-openings"
    assert statements(only(made)) == [{**READ, "Principal": {"AWS": [PARTNER], "Service": "logging.s3.amazonaws.com"}}]
    assert made.effect.losses == ()


def test_only_statement_is_never_deleted_with_its_policy() -> None:
    """Then the flag that restricts public buckets closes it, with the one that refuses new public policies."""
    made = planned(LIVE, look({Aspect.POLICY: policy(READ)}))
    assert made.remedy == "block-public-access-that-closes"
    assert written(only(made)) == block("BlockPublicPolicy", "RestrictPublicBuckets")
    assert only(made).inverse.operation == "DeletePublicAccessBlock"


def test_only_statement_behind_a_flag_is_left_to_people() -> None:
    """Nothing less than the policy would go."""
    state = {Aspect.POLICY: policy(READ), Aspect.PUBLIC_ACCESS_BLOCK: block("RestrictPublicBuckets")}
    assert declined("bucket-public-latent", look(state)) == "only_statement"


def test_grant_and_statement_close_together() -> None:
    """When no single change is enough the plan has two, or one flag write that does both."""
    both = {Aspect.POLICY: policy(SHARED, READ), Aspect.ACL: acl(group("AllUsers", "READ"))}
    made = planned(LIVE, look(both))
    assert {step.attribute for step in made.steps} == {"acl", "policy"}
    assert (made.effect.public_after, made.effect.losses) == (False, ())


def test_what_aws_would_refuse_is_not_planned() -> None:
    """While BlockPublicPolicy is on AWS takes no policy that is still public."""
    lists = {**READ, "Sid": "Open", "Action": "s3:ListBucket", "Resource": ARN}
    held = block("BlockPublicPolicy", "RestrictPublicBuckets")
    state = {Aspect.POLICY: policy(lists, SHARED), Aspect.PUBLIC_ACCESS_BLOCK: held}
    assert declined("bucket-tls-required", look(state)) == "refused_by_block"


def test_policy_that_is_not_understood_is_not_touched() -> None:
    """Nobody knows what would be left."""
    strange = {**READ, "Condition": {"StringResembles": {"aws:SourceVpc": "x"}}}
    assert declined(LIVE, look({Aspect.POLICY: policy(strange)})) == "unknown"


def test_aws_word_that_a_policy_is_public_is_heard() -> None:
    """The rule on AWS's own status passes by the estimate of what AWS will say."""
    readings = {Aspect.POLICY_STATUS: Present(PolicyStatus(is_public=True))}
    made = planned("bucket-policy-public", look({Aspect.POLICY: policy(SHARED, READ)}, readings=readings))
    assert statements(only(made)) == [SHARED]


# Statements that let in too many --------------------------------------------------------------------------------------


def test_services_are_bound_to_the_account() -> None:
    """Beside the conditions that are there; a statement that needs it not stays as it is."""
    bare = {**READ, "Sid": "Trail", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject"}
    acl_too = {**bare, "Sid": "Acl", "Condition": {"StringEquals": {"s3:x-amz-acl": "private"}}}
    own = {**bare, "Sid": "Own", "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}}}
    made = planned("bucket-policy-service-confused-deputy", look({Aspect.POLICY: policy(SHARED, bare, acl_too, own)}))
    account = {"aws:SourceAccount": "111122223333"}
    assert statements(only(made)) == [
        SHARED,
        {**bare, "Condition": {"StringEquals": account}},
        {**acl_too, "Condition": {"StringEquals": {"s3:x-amz-acl": "private", **account}}},
        own,
    ]
    assert not made.effect.safe


def test_cloudfront_is_bound_to_the_distributions_of_the_account() -> None:
    """By the ARN of the distribution, which is what it tells."""
    cdn = {**READ, "Principal": {"Service": "cloudfront.amazonaws.com"}}
    made = planned("bucket-policy-oac-wildcard-sourcearn", look({Aspect.POLICY: policy(SHARED, cdn)}))
    own = "arn:aws:cloudfront::111122223333:distribution/*"
    assert statements(only(made))[1]["Condition"] == {"ArnLike": {"aws:SourceArn": own}}


@pytest.mark.parametrize(
    ("named", "left"),
    [
        ("*:distribution/E1", "111122223333:distribution/E1"),
        (
            ["444455556666:distribution/E1", "*:distribution/E2"],
            ["444455556666:distribution/E1", "111122223333:distribution/E2"],
        ),
    ],
)
def test_a_distribution_that_is_named_stays_the_one(named: str | list[str], left: str | list[str]) -> None:
    """Only the account that was left open is filled in: others of the account, too, were not let in before."""

    def told(ends: str | list[str]) -> object:
        arns = [f"arn:aws:cloudfront::{end}" for end in ([ends] if isinstance(ends, str) else ends)]
        return arns[0] if isinstance(ends, str) else arns

    cdn = {
        **READ,
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Condition": {"ArnLike": {"aws:SourceArn": told(named)}},
    }
    made = planned("bucket-policy-oac-wildcard-sourcearn", look({Aspect.POLICY: policy(SHARED, cdn)}))
    assert statements(only(made))[1]["Condition"] == {"ArnLike": {"aws:SourceArn": told(left)}}


def test_service_beside_others_is_left_to_people() -> None:
    """Who is no service would not meet the condition."""
    mixed = {**READ, "Principal": {"Service": "logging.s3.amazonaws.com", "AWS": PARTNER}}
    assert declined("bucket-policy-service-confused-deputy", look({Aspect.POLICY: policy(mixed)})) == "not_mended"


def test_statement_that_anyone_can_meet_goes() -> None:
    """And one that a named principal guards stays."""
    weak = {**READ, "Condition": {"StringLike": {"aws:Referer": "https://*"}}}
    for rule_id in ("bucket-policy-spoofable-condition",):
        assert statements(only(planned(rule_id, look({Aspect.POLICY: policy(weak, SHARED)})))) == [SHARED]
    wide = {**READ, "Condition": {"IpAddress": {"aws:SourceIp": "52.0.0.0/9"}}}
    made = planned("bucket-policy-broad-source-ip", look({Aspect.POLICY: policy(SHARED, wide)}))
    assert statements(only(made)) == [SHARED]


def test_foreign_account_is_taken_out_and_trusted_ones_stay() -> None:
    """Out of lists, whole statements and the ACL."""
    other = "arn:aws:iam::999988887777:role/reader"
    listed = {**SHARED, "Principal": {"AWS": [PARTNER, other], "Service": "logging.s3.amazonaws.com"}}
    whole = {**SHARED, "Sid": "Whole", "Principal": {"CanonicalUser": "e" * 64}}
    state = {Aspect.POLICY: policy(listed, whole, TLS), Aspect.ACL: acl()}
    made = planned("bucket-cross-account-access", look(state), options=RuleOptions(trusted_accounts=("777788889999",)))
    assert statements(only(made)) == [
        {**listed, "Principal": {"AWS": [PARTNER], "Service": "logging.s3.amazonaws.com"}},
        TLS,
    ]
    assert Loss(LossKind.ACCOUNT, other) in made.effect.losses


def test_only_foreign_statement_is_left_to_people() -> None:
    """A policy is never deleted."""
    assert declined("bucket-cross-account-access", look({Aspect.POLICY: policy(SHARED)})) == "policy_not_written"
    trusted = {**SHARED, "Principal": {"AWS": "444455556666"}}
    options = RuleOptions(trusted_accounts=("444455556666",))
    made = planned("bucket-cross-account-access", look({Aspect.POLICY: policy(SHARED, trusted)}), options=options)
    assert statements(only(made)) == [trusted]


def test_foreign_administration_is_refused_and_access_stays() -> None:
    """By one statement that names the accounts."""
    admin = {**SHARED, "Action": "s3:*", "Resource": [ARN, f"{ARN}/*"]}
    made = planned("bucket-cross-account-admin-actions", look({Aspect.POLICY: policy(admin)}))
    kept, deny = statements(only(made))
    assert kept == admin
    assert (deny["Effect"], deny["Principal"]) == ("Deny", {"AWS": [PARTNER]})
    assert "s3:PutBucketPolicy" in deny["Action"]
    assert made.effect.losses == ()


DISTRIBUTION = "arn:aws:cloudfront::111122223333:distribution/"
SERVES: dict[Aspect, Reading[object]] = {
    Aspect.REFERRERS: Present(References((Reference(Use.ORIGIN, BUCKET.name, BUCKET.account, "E1"),)))
}
SINGLE = "bucket-origin-single-distribution"


def served(*, to: Any = None, by: str = "StringEquals", **more: Any) -> dict[str, Any]:
    """A statement that lets CloudFront in for these distributions."""
    condition = {} if to is None else {"Condition": {by: {"AWS:SourceArn": to}}}
    return {**READ, "Sid": "Cdn", "Principal": {"Service": "cloudfront.amazonaws.com"}, **condition, **more}


@pytest.mark.parametrize(
    ("before", "after", "cut"),
    [
        (served(to=[f"{DISTRIBUTION}E1", f"{DISTRIBUTION}E2"]), served(to=f"{DISTRIBUTION}E1"), f"{DISTRIBUTION}E2"),
        (served(to=f"{DISTRIBUTION}*", by="ArnLike"), served(to=f"{DISTRIBUTION}E1", by="ArnLike"), f"{DISTRIBUTION}*"),
        (served(), served(Condition={"StringEquals": {"aws:SourceArn": f"{DISTRIBUTION}E1"}}), "any distribution"),
        (served(to=f"{DISTRIBUTION}*"), None, f"{DISTRIBUTION}*"),
        (served(to=f"{DISTRIBUTION}E2"), None, f"{DISTRIBUTION}E2"),
    ],
)
def test_distributions_that_do_not_serve_are_let_in_no_longer(before: Any, after: Any, cut: str) -> None:
    """The one that does stays, but gets nothing that it had not; who else is named stays to the letter."""
    made = planned(SINGLE, look({Aspect.POLICY: policy(SHARED, before, TLS)}, readings=SERVES))
    assert statements(only(made)) == [SHARED, *([] if after is None else [after]), TLS]
    assert made.effect.losses == (Loss(LossKind.CDN, f"CloudFront {cut}"),)
    assert made.effect.unknown == ("whether a distribution of an account that is not guarded serves the bucket",)
    assert only(made).inverse.arguments["Policy"] == policy(SHARED, before, TLS)["Policy"]


def test_what_goes_around_cloudfront_goes_with_other_distributions() -> None:
    """In one write of the policy; grants of the ACL go, too."""
    both = served(to=[f"{DISTRIBUTION}E1", f"{DISTRIBUTION}E2"])
    state = {Aspect.POLICY: policy(SHARED, READ, both), Aspect.ACL: acl(group("AllUsers", "READ"), user(1))}
    made = planned(SINGLE, look(state, readings=SERVES))
    grant, text = made.steps
    assert grants(grant) == [OWN_GRANT, user(1)]
    assert statements(text) == [SHARED, served(to=f"{DISTRIBUTION}E1")]
    assert text.summary.startswith(
        "Let CloudFront in for the distributions that serve the bucket alone; Take statement 1"
    )
    assert (made.effect.public_before, made.effect.public_after) == (True, False)
    unsigned = planned(SINGLE, look({Aspect.POLICY: policy(SHARED, READ)}, readings=SERVES))
    assert statements(only(unsigned)) == [SHARED]
    assert unsigned.effect.losses == (Loss(LossKind.CDN, "distribution E1"),)


def test_bucket_of_distributions_that_is_not_understood_is_left_to_people() -> None:
    """Where others are named beside CloudFront, nothing would be left, or not all that points here is known."""
    mixed = served(to=f"{DISTRIBUTION}E2", Principal={"Service": "cloudfront.amazonaws.com", "AWS": PARTNER})
    assert declined(SINGLE, look({Aspect.POLICY: policy(mixed)}, readings=SERVES)) == "not_mended"
    alone = look({Aspect.POLICY: policy(served(to=f"{DISTRIBUTION}E2"))}, readings=SERVES)
    assert declined(SINGLE, alone) == "policy_not_written"
    early = replace(look({Aspect.POLICY: policy(SHARED, served())}, readings=SERVES), whole=False)
    assert declined(SINGLE, early) == "unreadable"


# Block public access --------------------------------------------------------------------------------------------------


def test_all_four_flags_and_who_loses_by_them() -> None:
    """RestrictPublicBuckets cuts the partner of the same public policy; what was on stays on."""
    state = {Aspect.POLICY: policy(READ, SHARED), Aspect.PUBLIC_ACCESS_BLOCK: block("BlockPublicAcls")}
    made = planned("bucket-public-access-block", look(state))
    assert written(only(made)) == block(*ALL_FLAGS)
    assert made.effect.losses == (Loss(LossKind.ACCOUNT, PARTNER),)
    assert not made.effect.safe
    assert only(made).inverse.operation == "PutPublicAccessBlock"


def test_services_are_not_cut_off_by_a_flag() -> None:
    """AWS lets services through, log delivery and origin access control among them; an identity it does not."""
    oac = {
        **READ,
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:cloudfront::111122223333:distribution/E1"}},
    }
    oai = {**READ, "Principal": {"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2"}}
    made = planned("bucket-public-access-block", look({Aspect.POLICY: policy(READ, oac, oai)}))
    assert made.effect.losses == (Loss(LossKind.CDN, "origin access identity E2"),)


def test_account_is_closed_as_a_whole_and_nobody_knows_for_whom() -> None:
    """The effect on the buckets of the account is not told by the account's state."""
    made = planned("account-public-access-block", account_look({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK: None}))
    step = only(made)
    assert (step.call.service, step.call.operation, step.call.region) == ("s3control", "PutPublicAccessBlock", None)
    assert step.call.arguments == {"AccountId": ACCOUNT.account, **block(*ALL_FLAGS)}
    assert step.inverse.arguments == {"AccountId": ACCOUNT.account}
    assert made.effect.unknown
    assert not made.effect.safe


def test_public_objects_are_closed_by_the_flag_that_ignores_acls() -> None:
    """Which objects that cuts off is not known."""
    made = planned("bucket-objects-may-be-public", look({}))
    assert written(only(made)) == block("BlockPublicAcls", "IgnorePublicAcls")
    assert made.effect.unknown == ("which objects are public by ACLs of their own",)


# Who is cut off -------------------------------------------------------------------------------------------------------


def test_website_is_told() -> None:
    """It shows the bucket to strangers; one that only redirects does not."""
    site = {"IndexDocument": {"Suffix": "index.html"}}
    state = {Aspect.POLICY: policy(READ, SHARED), Aspect.WEBSITE: site}
    assert planned(LIVE, look(state)).effect.losses == (Loss(LossKind.WEBSITE, "the website of example-data"),)
    elsewhere = {**state, Aspect.WEBSITE: {"RedirectAllRequestsTo": {"HostName": "example.com"}}}
    assert planned(LIVE, look(elsewhere)).effect.losses == ()


def test_website_speaks_plain_http() -> None:
    """A policy that demands TLS ends it."""
    site = {"IndexDocument": {"Suffix": "index.html"}}
    made = planned("bucket-tls-required", look({Aspect.WEBSITE: site}))
    assert [loss.kind for loss in made.effect.losses] == [LossKind.WEBSITE]


def test_distributions_and_names_that_point_at_a_public_bucket_are_told() -> None:
    """But for a distribution that signs and stays let in."""
    signs = {
        **READ,
        "Sid": "Cdn",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:cloudfront::111122223333:distribution/E1SIGNS"}},
    }
    pointing = References(
        tuple(
            Reference(use, BUCKET.name, BUCKET.account, holder)
            for use, holder in ((Use.ORIGIN, "E1SIGNS"), (Use.ORIGIN, "E2OPEN"), (Use.DNS, "www.example.com"))
        )
    )
    seen = look({Aspect.POLICY: policy(READ, signs)}, readings={Aspect.REFERRERS: Present(pointing)})
    assert planned(LIVE, seen).effect.losses == (
        Loss(LossKind.CDN, "distribution E2OPEN"),
        Loss(LossKind.WEBSITE, "www.example.com (DNS)"),
    )


def test_what_was_not_read_is_said() -> None:
    """And the plan is not safe."""
    readings = {Aspect.WEBSITE: DENIED, Aspect.REFERRERS: DENIED}
    made = planned(LIVE, look({Aspect.POLICY: policy(READ, SHARED)}, readings=readings))
    assert len(made.effect.unknown) == 2
    assert not made.effect.safe


def test_replication_into_the_bucket_is_told() -> None:
    """An account that replicates into it is cut by the flag as any other."""
    copies = {**SHARED, "Action": ["s3:ReplicateObject", "s3:ReplicateDelete"]}
    made = planned("bucket-public-access-block", look({Aspect.POLICY: policy(READ, copies)}))
    assert made.effect.losses == (Loss(LossKind.REPLICATION, PARTNER),)


# The others -----------------------------------------------------------------------------------------------------------


def test_acls_are_disabled_where_they_grant_nothing_to_others() -> None:
    """AWS refuses it otherwise, so then it is not planned; who uses objects' ACLs is not known."""
    made = planned("bucket-acls-disabled", look({}))
    assert written(only(made)) == {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
    assert len(made.effect.unknown) == 2
    assert declined("bucket-acls-disabled", look({Aspect.ACL: acl(user(1))})) == "acl_shares"


def test_default_encryption_where_there_is_none() -> None:
    """By S3's own keys; the inverse takes it away."""
    step = only(planned("bucket-default-encryption", look({})))
    assert step.call.operation == "PutBucketEncryption"
    assert step.inverse.operation == "DeleteBucketEncryption"


@pytest.mark.parametrize(
    "known", [None, policy(SHARED, indent=2), policy(SHARED, {**TLS, "Sid": TLS_ONLY, "Action": "s3:Get*"})]
)
def test_tls_is_demanded_beside_what_the_policy_says(known: Any) -> None:
    """By one statement of ours, however often it is planned; the policy that we made is deleted by an undo alone."""
    made = planned("bucket-tls-required", look({Aspect.POLICY: known}))
    step = only(made)
    assert statements(step) == [*([] if known is None else [SHARED]), {**TLS, "Sid": TLS_ONLY}]
    assert step.inverse.operation == ("DeleteBucketPolicy" if known is None else "PutBucketPolicy")
    assert step.undone == step.before


def test_minimum_version_and_upload_encryption_are_as_the_options_ask() -> None:
    """Statements of their own."""
    options = RuleOptions(minimum_tls="1.3", upload_encryption=("aws:kms", "aws:kms:dsse"))
    version = only(planned("bucket-tls-min-version", look({}), options=options))
    assert statements(version)[0]["Condition"] == {"NumericLessThan": {"s3:TlsVersion": "1.3"}}
    uploads = only(planned("bucket-upload-encryption-enforced", look({}), options=options))
    assert statements(uploads)[0]["Condition"] == {
        "StringNotEquals": {"s3:x-amz-server-side-encryption": ["aws:kms", "aws:kms:dsse"]}
    }


def test_versioning_is_suspended_by_an_undo() -> None:
    """The plan knows that this is not what was."""
    step = only(planned("bucket-versioning", look({})))
    assert written(step) == {"VersioningConfiguration": {"Status": "Enabled"}}
    assert step.inverse.arguments["VersioningConfiguration"] == {"Status": "Suspended"}
    assert (step.before, step.undone) == (None, '{"Status":"Suspended"}')
    assert all(remedy.undo_text for remedy in remedies_for("bucket-versioning"))


def test_versioning_with_mfa_delete_is_left_to_the_root_user() -> None:
    """The daemon has no device."""
    known = {"Status": "Suspended", "MFADelete": "Enabled"}
    assert declined("bucket-versioning", look({Aspect.VERSIONING: known})) == "needs_mfa"


def test_logging_first_lets_the_delivery_in() -> None:
    """Into the account's log bucket, whose policy keeps what it says."""
    target = log_bucket({Aspect.POLICY: policy(SHARED)})
    made = planned("bucket-access-logging", replace(look({}), beside=(target,)), wanted=TO_LOGS)
    admit, log = made.steps
    assert (admit.attribute, log.attribute) == (f"policy:{LOGS.name}", "logging")
    assert admit.call.arguments["Bucket"] == LOGS.name
    listed = json.loads(str(admit.call.arguments["Policy"]))["Statement"]
    assert listed[0] == SHARED
    assert (listed[1]["Sid"], listed[1]["Resource"]) == (DELIVERY.sid, f"{LOGS.arn}/*")
    assert written(log) == {
        "BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": LOGS.name, "TargetPrefix": "example-data/"}}
    }
    assert log.inverse.arguments["BucketLoggingStatus"] == {}
    again = log_bucket({Aspect.POLICY: {"Policy": admit.call.arguments["Policy"]}})
    assert only(planned("bucket-access-logging", replace(look({}), beside=(again,)), wanted=TO_LOGS)) == log


@pytest.mark.parametrize(
    ("documents", "reason"),
    [
        ({Aspect.REQUEST_PAYMENT: {"Payer": "Requester"}}, "log_bucket_unfit"),
        (
            {
                Aspect.OBJECT_LOCK: {
                    "ObjectLockConfiguration": {
                        "ObjectLockEnabled": "Enabled",
                        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
                    }
                }
            },
            "log_bucket_unfit",
        ),
        (
            {
                Aspect.ENCRYPTION: {
                    "ServerSideEncryptionConfiguration": {
                        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
                    }
                }
            },
            "log_bucket_unfit",
        ),
        ({Aspect.POLICY: {"Policy": "no policy"}}, "policy_not_written"),
    ],
)
def test_log_bucket_where_no_log_would_arrive_is_not_used(documents: Any, reason: str) -> None:
    """S3 delivers nothing there, or its policy cannot be changed."""
    seen = replace(look({}), beside=(log_bucket(documents),))
    assert declined("bucket-access-logging", seen, wanted=TO_LOGS) == reason


def test_logging_needs_a_log_bucket_that_can_be_read() -> None:
    """And that is another bucket."""
    assert declined("bucket-access-logging", look({})) == "no_log_bucket"
    blind = replace(look({}), beside=(log_bucket({}, readings={Aspect.POLICY: DENIED}),))
    assert declined("bucket-access-logging", blind, wanted=TO_LOGS) == "log_bucket_unreadable"
    own = replace(look({}), beside=(look({}),))
    assert declined("bucket-access-logging", own, wanted=Wanted(log_bucket=BUCKET.name)) == "log_bucket_itself"


TO_LISTS = Wanted(inventory_bucket="logs-{account}-{region}")
WEEKLY = {
    "Id": "weekly",
    "IsEnabled": True,
    "IncludedObjectVersions": "Current",
    "Schedule": {"Frequency": "Weekly"},
    "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::elsewhere", "Format": "CSV"}},
}


def test_inventory_is_made_beside_those_that_are_there() -> None:
    """Its bucket lets S3 deliver first; the undo deletes our inventory alone."""
    seen = look({Aspect.INVENTORY: {"InventoryConfigurationList": [WEEKLY]}})
    made = planned("bucket-inventory", replace(seen, beside=(log_bucket({}),)), wanted=TO_LISTS)
    admit, listing = made.steps
    [statement] = statements(admit)
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": BUCKET.account}}
    assert (listing.attribute, listing.before, listing.undone) == ("inventory:s3warden", None, None)
    assert listing.read.arguments["Id"] == listing.inverse.arguments["Id"] == written(listing)["Id"] == "s3warden"
    assert (listing.read.operation, listing.inverse.operation) == (
        "GetBucketInventoryConfiguration",
        "DeleteBucketInventoryConfiguration",
    )
    target = written(listing)["InventoryConfiguration"]["Destination"]["S3BucketDestination"]
    assert target == {
        "AccountId": BUCKET.account,
        "Bucket": LOGS.arn,
        "Format": "Parquet",
        "Encryption": {"SSES3": {}},
    }
    again = log_bucket({Aspect.POLICY: {"Policy": admit.call.arguments["Policy"]}})
    assert only(planned("bucket-inventory", replace(seen, beside=(again,)), wanted=TO_LISTS)) == listing


def test_inventory_of_ours_that_somebody_changed_is_put_right_and_back() -> None:
    """By its id; what it was comes back to the letter."""
    ours = {**WEEKLY, "Id": "s3warden", "OptionalFields": ["Size", "ETag"]}
    seen = look({Aspect.INVENTORY: {"InventoryConfigurationList": [ours]}})
    made = planned("bucket-inventory", replace(seen, beside=(log_bucket({}),)), wanted=TO_LISTS)
    listing = made.steps[-1]
    assert listing.inverse.operation == "PutBucketInventoryConfiguration"
    assert listing.inverse.arguments["InventoryConfiguration"] == ours


def test_inventory_under_a_key_is_left_to_the_default_of_its_bucket() -> None:
    """Whether S3 may use that key is nothing that a plan can tell."""
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
    by_key = log_bucket({Aspect.ENCRYPTION: {"ServerSideEncryptionConfiguration": {"Rules": rules}}})
    made = planned("bucket-inventory", replace(look({}), beside=(by_key,)), wanted=TO_LISTS)
    target = written(made.steps[-1])["InventoryConfiguration"]["Destination"]["S3BucketDestination"]
    assert "Encryption" not in target
    assert not made.effect.safe


def test_inventory_goes_where_it_can_arrive() -> None:
    """Into a bucket that is set, readable, another one, and whose policy does not refuse it."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"{LOGS.arn}/*"}

    def reason(*beside: Look, wanted: Wanted = TO_LISTS) -> str:
        return declined("bucket-inventory", replace(look({}), beside=beside), wanted=wanted)

    assert reason(log_bucket({}), wanted=Wanted()) == "no_inventory_bucket"
    assert reason(log_bucket({}, readings={Aspect.POLICY: DENIED})) == "inventory_bucket_unreadable"
    assert reason(log_bucket({}, readings={Aspect.ENCRYPTION: DENIED})) == "inventory_bucket_unreadable"
    assert reason(log_bucket({Aspect.POLICY: policy(deny)})) == "inventory_bucket_unfit"
    assert reason(log_bucket({Aspect.POLICY: {"Policy": "no policy"}})) == "policy_not_written"
    assert reason(look({}), wanted=Wanted(inventory_bucket=BUCKET.name)) == "inventory_bucket_unfit"
    missing = log_bucket({})
    assert isinstance(missing.state, BucketState)
    assert reason(replace(missing, state=replace(missing.state, exists=False))) == "inventory_bucket_unfit"


def test_inventory_that_goes_to_strangers_is_not_mended_by_another() -> None:
    """The rule would still find the one that leaks."""
    leak = {
        **WEEKLY,
        "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::x", "Format": "CSV", "AccountId": "4" * 12}},
    }
    seen = look({Aspect.INVENTORY: {"InventoryConfigurationList": [leak]}})
    assert declined("bucket-inventory", replace(seen, beside=(log_bucket({}),)), wanted=TO_LISTS) == "not_mended"


def test_logs_and_inventories_may_go_into_two_buckets() -> None:
    """Looked at together, each plan takes its own."""
    lists = log_bucket({})
    assert isinstance(lists.state, BucketState)
    other = replace(LOGS, name="lists")
    both = replace(look({}), beside=(log_bucket({}), replace(lists, state=replace(lists.state, ref=other))))
    wanted = Wanted(log_bucket=LOGS.name, inventory_bucket="lists")
    log, listing = (planned(rule, both, wanted=wanted) for rule in ("bucket-access-logging", "bucket-inventory"))
    assert [step.attribute for step in log.steps] == [f"policy:{LOGS.name}", "logging"]
    assert [step.attribute for step in listing.steps] == ["policy:lists", "inventory:s3warden"]


def test_tags_are_added_to_those_that_are_there() -> None:
    """By values of the settings, of a key spelt differently, and the name; without a value there is no plan."""
    known = {"TagSet": [{"Key": "owner", "Value": "blue"}, {"Key": "Team", "Value": "b"}, {"Key": "Role", "Value": ""}]}
    wanted = Wanted(tags={"Environment": "prod", "Role": "storage"})
    step = only(planned("bucket-required-tags", look({Aspect.TAGGING: known}), wanted=wanted))
    values = {tag["Key"]: tag["Value"] for tag in written(step)["Tagging"]["TagSet"]}
    assert values == {
        "owner": "blue",
        "Team": "b",
        "Name": "example-data",
        "Owner": "blue",
        "Environment": "prod",
        "Role": "storage",
    }
    assert declined("bucket-required-tags", look({Aspect.TAGGING: known})) == "no_value"


def test_tags_are_added_key_by_key_where_aws_takes_no_set() -> None:
    """What is new and what changes are taken back in two ways."""
    known = {"TagSet": [{"Key": "Role", "Value": " "}, {"Key": "Team", "Value": "b"}]}
    tags = dict.fromkeys(("Role", "Environment", "Owner"), "x")
    made = planned("bucket-required-tags", look({Aspect.TAGGING: known}), wanted=Wanted(tags=tags, tag_resource=True))
    added, changed = made.steps
    assert [step.call.operation for step in made.steps] == ["TagResource", "TagResource"]
    assert added.inverse.arguments["TagKeys"] == ["Environment", "Name", "Owner"]
    assert changed.call.arguments["Tags"] == [{"Key": "Role", "Value": "x"}]
    assert changed.inverse.arguments["Tags"] == [{"Key": "Role", "Value": " "}]
    assert (added.after, changed.undone, added.undone) == (changed.before, changed.before, added.before)
    assert {call.service for step in made.steps for call in (step.call, step.inverse)} == {"s3control"}


def test_website_goes_and_comes_back() -> None:
    """Its whole configuration is in the inverse; whoever visits it is told as cut off."""
    site = {"IndexDocument": {"Suffix": "i"}, "RoutingRules": [{"Redirect": {"HostName": "example.com"}}]}
    made = planned("bucket-website-enabled", look({Aspect.WEBSITE: site}))
    step = only(made)
    assert (step.call.operation, step.inverse.arguments["WebsiteConfiguration"]) == ("DeleteBucketWebsite", site)
    assert made.effect.losses == (Loss(LossKind.WEBSITE, "the website of example-data"),)


def test_named_origins_stay() -> None:
    """The star goes out of each rule, and a rule of nothing else goes."""
    both = {"AllowedOrigins": ["*", "https://a.example"], "AllowedMethods": ["GET"], "MaxAgeSeconds": 9}
    star = {"AllowedOrigins": ["*"], "AllowedMethods": ["PUT"]}
    made = planned("bucket-cors-wildcard", look({Aspect.CORS: {"CORSRules": [both, star]}}))
    kept = [{**both, "AllowedOrigins": ["https://a.example"]}]
    assert written(only(made)) == {"CORSConfiguration": {"CORSRules": kept}}
    alone = planned("bucket-cors-wildcard", look({Aspect.CORS: {"CORSRules": [star]}}))
    assert only(alone).call.operation == "DeleteBucketCors"
    assert not alone.effect.safe


def test_required_statements_are_added_where_they_are_whole() -> None:
    """One that is only outlined says too little to be written."""
    form = '{"Sid": "House", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "{arn}/x"}'
    whole = form.replace("{arn}", "arn:{partition}:s3:::{bucket}")
    options = RuleOptions(required_statements=(whole,))
    made = planned("bucket-policy-required-statements", look({Aspect.POLICY: policy(SHARED)}), options=options)
    kept, added = statements(only(made))
    assert (kept, added["Sid"], added["Resource"]) == (SHARED, "House", f"{ARN}/x")
    outlined = RuleOptions(required_statements=('{"Effect": "Deny"}',))
    assert declined("bucket-policy-required-statements", look({}), options=outlined) == "no_statement"


def test_logs_of_others_that_would_end_are_told() -> None:
    """S3 delivers none where a KMS key encrypts, nor where the requester pays."""
    pointing = References((Reference(Use.ACCESS_LOGS, BUCKET.name, BUCKET.account, "example-source"),))
    seen = look({}, readings={Aspect.REFERRERS: Present(pointing)})
    made = planned("bucket-encryption-kms", seen, wanted=Wanted(kms_key="alias/data"))
    assert made.effect.losses == (Loss(LossKind.LOGS, "access logs of example-source"),)
    assert written(only(made))["ServerSideEncryptionConfiguration"]["Rules"][0]["BucketKeyEnabled"] is True
    assert declined("bucket-encryption-kms", look({})) == "no_key"


def test_payer_is_not_changed_where_that_would_let_the_unsigned_in() -> None:
    """Who pays signs; who need not pay need not sign."""
    requester = {Aspect.REQUEST_PAYMENT: {"Payer": "Requester"}}
    step = only(planned("bucket-requester-pays", look(requester)))
    assert written(step) == {"RequestPaymentConfiguration": {"Payer": "BucketOwner"}}
    opened = {**requester, Aspect.POLICY: policy(READ, SHARED)}
    assert declined("bucket-requester-pays", look(opened)) == "would_open"


def test_key_of_the_settings_is_taken_for_one_of_yours() -> None:
    """Unless its alias is AWS's own; that it is there and can be used nobody has looked up."""
    managed = Present(Key("alias/aws/s3", "alias/aws/s3", "AWS"))
    default = {"SSEAlgorithm": "aws:kms"}
    known = {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}}
    seen = look({Aspect.ENCRYPTION: known}, readings={Aspect.DEFAULT_KEY: managed})
    made = planned("bucket-encryption-cmk", seen, wanted=Wanted(kms_key="alias/data-{region}"))
    rule = written(only(made))["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == "alias/data-eu-west-1"
    assert not made.effect.safe
    assert declined("bucket-encryption-cmk", seen, wanted=Wanted(kms_key="alias/aws/s3")) == "not_mended"


def test_log_settings_keep_what_is_not_asked_about() -> None:
    """The target and its grants, where only the keys are to change; nothing of the keys, where the grants go."""
    enabled = {"TargetBucket": "l", "TargetPrefix": "old", "TargetGrants": [user(1)]}
    seen = look({Aspect.LOGGING: {"LoggingEnabled": enabled}})
    options = RuleOptions(log_prefix="{account}/{bucket}/", log_key_format="EventTime")
    keys = planned("bucket-log-target-prefix", seen, options=options)
    assert written(only(keys))["BucketLoggingStatus"]["LoggingEnabled"] == {
        **enabled,
        "TargetPrefix": "111122223333/example-data/",
        "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
    }
    bare = planned("bucket-log-target-grants", seen)
    assert written(only(bare))["BucketLoggingStatus"]["LoggingEnabled"] == {"TargetBucket": "l", "TargetPrefix": "old"}


def test_delivery_by_policy_comes_before_the_grant_goes() -> None:
    """So that no log is lost in between."""
    delivery = {
        "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"},
        "Permission": "WRITE",
    }
    options = RuleOptions(log_buckets=(BUCKET.name,))
    made = planned("bucket-log-target-acl-delivery", look({Aspect.ACL: acl(delivery, user(2))}), options=options)
    admit, ungrant = made.steps
    assert statements(admit)[0]["Sid"] == DELIVERY.sid
    assert grants(ungrant) == [OWN_GRANT, user(2)]
    source = planned("bucket-acl-log-delivery-on-source", look({Aspect.ACL: acl(delivery, user(2))}))
    assert grants(only(source)) == [OWN_GRANT, user(2)]


def test_notifications_of_others_stay() -> None:
    """EventBridge is told beside the queue; destinations are not checked anew, since they were when they were put."""
    queue = {"Id": "q", "QueueArn": "arn:aws:sqs:eu-west-1:111122223333:q", "Events": ["s3:ObjectCreated:*"]}
    seen = look({Aspect.NOTIFICATION: {"QueueConfigurations": [queue]}})
    assert written(only(planned("bucket-eventbridge-enabled", seen))) == {
        "NotificationConfiguration": {"QueueConfigurations": [queue], "EventBridgeConfiguration": {}},
        "SkipDestinationValidation": True,
    }


def test_lifecycle_rule_of_ours_is_merged_in_the_form_of_the_others() -> None:
    """S3 takes rules with a prefix of their own beside none with a filter; what no rule knows of survives."""
    old = {"ID": "old", "Status": "Enabled", "Prefix": "tmp/", "Expiration": {"Days": 3}, "Unknown": {"x": 1}}
    new = {"ID": "new", "Status": "Enabled", "Filter": {"And": {"Prefix": "y", "Tags": [{"Key": "k", "Value": "v"}]}}}
    size = {"TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}
    for rule, form in ((old, {"Prefix": ""}), (new, {"Filter": {"Prefix": ""}})):
        step = only(planned("bucket-abort-incomplete-mpu", look({Aspect.LIFECYCLE: {"Rules": [rule], **size}})))
        ours = {"ID": ABORT, "Status": "Enabled", **form, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
        assert written(step) == {"LifecycleConfiguration": {"Rules": [rule, ours]}, **size}
        assert step.inverse.arguments["LifecycleConfiguration"] == {"Rules": [rule]}


RECEIVES: dict[Aspect, Reading[object]] = {
    Aspect.REFERRERS: Present(References((Reference(Use.ACCESS_LOGS, BUCKET.name, BUCKET.account, "example-source"),)))
}


def test_logs_are_kept_longer_by_the_rules_that_end_them() -> None:
    """Those that end too early end later; what is off, long enough, dated or ends nothing stays to the letter."""
    ends = {
        "ID": "ends",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Days": 30},
        "Unknown": {"x": 1},
    }
    tagged = {
        "ID": "tag",
        "Status": "Enabled",
        "Filter": {"Tag": {"Key": "k", "Value": ""}},
        "Expiration": {"Days": 364},
    }
    others = [
        {"ID": "off", "Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}},
        {"ID": "long", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 365}},
        {
            "ID": "dated",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"Date": "2031-01-01T00:00:00+00:00"},
        },
        {
            "ID": "old",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 3},
        },
    ]
    known = {"Rules": [ends, *others, tagged]}
    seen = look({Aspect.LIFECYCLE: known, Aspect.VERSIONING: {"Status": "Enabled"}}, readings=RECEIVES)
    made = planned("bucket-log-bucket-retention", seen)
    year = {"Days": 365}
    rules = [{**ends, "Expiration": year}, *others, {**tagged, "Expiration": year}]
    assert written(only(made)) == {"LifecycleConfiguration": {"Rules": rules}}
    assert only(made).inverse.arguments["LifecycleConfiguration"] == known
    assert made.effect.losses == ()
    longer = planned("bucket-log-bucket-retention", seen, options=RuleOptions(log_retention_days=40))
    assert written(only(longer))["LifecycleConfiguration"]["Rules"] == [
        {**ends, "Expiration": {"Days": 40}},
        *others,
        tagged,
    ]


def test_logs_that_can_be_overwritten_get_versions_and_no_end() -> None:
    """Where no rule ends them none does afterwards; a lock is enough."""
    [step] = planned("bucket-log-bucket-retention", look({}, readings=RECEIVES)).steps
    assert (step.attribute, written(step)) == ("versioning", {"VersioningConfiguration": {"Status": "Enabled"}})
    early = {"Rules": [{"ID": "e", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}
    both = planned("bucket-log-bucket-retention", look({Aspect.LIFECYCLE: early}, readings=RECEIVES))
    assert [step.attribute for step in both.steps] == ["lifecycle", "versioning"]
    locked: Docs = {
        Aspect.LIFECYCLE: early,
        Aspect.OBJECT_LOCK: {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
    }
    assert only(planned("bucket-log-bucket-retention", look(locked, readings=RECEIVES))).attribute == "lifecycle"


def test_sse_c_is_blocked_beside_what_is_blocked() -> None:
    """Algorithm, key and bucket key stay."""
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"},
        "BucketKeyEnabled": True,
    }
    known = {
        "ServerSideEncryptionConfiguration": {
            "Rules": [{**rule, "BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}]
        }
    }
    step = only(planned("bucket-ssec-blocked", look({Aspect.ENCRYPTION: known})))
    assert written(step)["ServerSideEncryptionConfiguration"]["Rules"] == [
        {**rule, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}
    ]


def copied(name: str, **more: Any) -> dict[str, Any]:
    """A replication rule to a bucket."""
    return {
        "ID": name,
        "Status": "Enabled",
        "Priority": 1,
        "Filter": {"Tag": {"Key": "k", "Value": ""}},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{name}", **more},
    }


def test_replication_to_a_stranger_is_switched_off_and_kept() -> None:
    """Other destinations go on, and the rule is still there to be switched on again."""
    rules = [copied("mine"), copied("theirs", Account="444455556666"), copied("theirs", Account="444455556666")]
    standings = {
        "mine": Present(Standing("mine", exists=True, owner=BUCKET.account, region="eu-west-1")),
        "theirs": Present(Standing("theirs", exists=True, owner="444455556666", region="us-east-1")),
    }
    found = Destinations(
        tuple(
            Destination(name, (Reference(Use.REPLICATION, name, BUCKET.account, BUCKET.name),), standing)
            for name, standing in standings.items()
        )
    )
    known = {"ReplicationConfiguration": {"Role": "arn:aws:iam::111122223333:role/copy", "Rules": rules}}
    seen = look({Aspect.REPLICATION: known}, readings={Aspect.REPLICATION_DESTINATIONS: Present(found)})
    made = planned("bucket-replication-external", seen)
    off = [{**rule, "Status": "Disabled"} for rule in rules[1:]]
    assert written(only(made))["ReplicationConfiguration"]["Rules"] == [rules[0], *off]
    assert made.effect.losses == (Loss(LossKind.REPLICATION, "copies in theirs"),)
    assert only(made).inverse.arguments["ReplicationConfiguration"] == known["ReplicationConfiguration"]


def test_foreign_target_of_notifications_goes_and_others_stay() -> None:
    """Whoever is told in an account that is trusted is told on."""
    mine = {"Id": "q", "QueueArn": f"arn:aws:sqs:eu-west-1:{BUCKET.account}:q", "Events": ["s3:ObjectCreated:*"]}
    theirs: dict[str, Any] = {
        "Id": "t",
        "TopicArn": "arn:aws:sns:eu-west-1:444455556666:t",
        "Events": ["s3:ObjectCreated:*"],
    }
    known = {"QueueConfigurations": [mine], "TopicConfigurations": [theirs], "EventBridgeConfiguration": {}}
    made = planned("bucket-notification-confused-destination", look({Aspect.NOTIFICATION: known}))
    assert written(only(made))["NotificationConfiguration"] == {
        "QueueConfigurations": [mine],
        "EventBridgeConfiguration": {},
    }
    assert made.effect.losses == (Loss(LossKind.ACCOUNT, theirs["TopicArn"]),)
    alone = planned(
        "bucket-notification-confused-destination", look({Aspect.NOTIFICATION: {"TopicConfigurations": [theirs]}})
    )
    assert written(only(alone))["NotificationConfiguration"] == {}


# All of them ----------------------------------------------------------------------------------------------------------


def test_remedies_say_what_people_need() -> None:
    """A sentence on the risk, permissions of the services they call, rules that exist, ids of their own."""
    ids = {rule.info.id for rule in RULES}
    assert len({remedy.id for remedy in REMEDIES}) == len(REMEDIES)
    for remedy in REMEDIES:
        assert remedy.risk_text.endswith("."), remedy.id
        assert not remedy.undo_text or remedy.undo_text.endswith("."), remedy.id
        assert remedy.iam_actions, remedy.id
        assert all(":" in action for action in remedy.iam_actions), remedy.id
        assert remedy.reads, remedy.id
        assert remedy.rules <= ids, remedy.id


def test_nothing_is_ever_deleted_by_a_fix() -> None:
    """No row writes by an operation that deletes something, nor asks for the permission to delete data."""
    operations = {row.put for row in WRITES.values()}
    assert not any(name.startswith("Delete") for name in operations)
    asked = {action for remedy in REMEDIES for action in remedy.iam_actions}
    forbidden = {
        "s3:DeleteObject",
        "s3:DeleteBucket",
        "s3:PutBucketObjectLockConfiguration",
        "s3:BypassGovernanceRetention",
    }
    assert not asked & forbidden
    assert Aspect.OBJECT_LOCK not in WRITES


def test_fixed_is_not_needed() -> None:
    """And gone is gone."""
    assert declined(LIVE, look({})) == "not_needed"
    assert declined("bucket-name", look({})) == "not_needed"
    found = look({})
    assert isinstance(found.state, BucketState)
    assert declined(LIVE, replace(found, state=replace(found.state, exists=False))) == "gone"


def test_rule_without_a_remedy_says_so() -> None:
    """A person has to do it."""
    named = {**READ, "Principal": {"AWS": "AROAEXAMPLEID1234567"}}
    assert declined("bucket-policy-dangling-principal", look({Aspect.POLICY: policy(named)})) == "no_remedy"


def test_reasons_for_no_remedy_are_told() -> None:
    """Each a sentence or two, on the page of a rule that there is, and where a plan is asked for."""
    assert REASONS.keys() <= {rule.info.id for rule in RULES}
    assert all(text.endswith(".") for text in REASONS.values())
    assert all(reason in as_markdown(find(rule_id)) for rule_id, reason in REASONS.items())
    seen = look({Aspect.VERSIONING: {"Status": "Enabled"}})
    for rule_id in ("bucket-lifecycle", "bucket-lifecycle-noncurrent"):
        found = plan(rule_id, seen)
        assert isinstance(found, Declined)
        assert found.detail == left_to_people(rule_id)
        assert "no fix deletes data" in found.detail
    assert left_to_people("bucket-kms-key-usable", mended=True) == REASONS["bucket-kms-key-usable"]


def test_what_a_remedy_reads_must_be_readable() -> None:
    """Even where the rule can tell without it."""
    assert declined("bucket-acls-disabled", look({}, readings={Aspect.ACL: DENIED})) == "unreadable"


def test_dates_survive_a_prediction() -> None:
    """A document is plain text, and is parsed as AWS's own answer is."""
    rule = {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Date": "2030-01-01T00:00:00+00:00"},
    }
    found = look({})
    after = predicted(found, [Edit(Aspect.LIFECYCLE, {"Rules": [rule]}, "")], RuleOptions())
    real = {**rule, "Expiration": {"Date": datetime(2030, 1, 1, tzinfo=UTC)}}
    assert after.reading(Aspect.LIFECYCLE) == look({Aspect.LIFECYCLE: {"Rules": [real]}}).state.reading(
        Aspect.LIFECYCLE
    )
