"""What fixers of others were seen to get wrong, one test a mistake: ours make none of them."""

import json
from typing import Any

from s3warden.correct.remedies import REMEDIES
from s3warden.correct.remedies.demands import TLS_ONLY
from s3warden.correct.remedies.lifecycle import ABORT
from s3warden.detect.rule import RuleOptions
from s3warden.model.bucket import Aspect
from support.scenes import ARN, OWN_GRANT, acl, block, declined, group, look, only, planned, policy, user, written

READ = {"Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/*"}
OWN = {**READ, "Sid": "Own", "Principal": {"AWS": "arn:aws:iam::111122223333:role/reader"}}
LOGS = {
    "Sid": "Logs",
    "Effect": "Allow",
    "Principal": {"Service": "logging.s3.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": f"{ARN}/*",
    "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
}
LIVE = "bucket-public-effective"


def statements(step: Any) -> list[dict[str, Any]]:
    """The statements that a step writes."""
    listed: list[dict[str, Any]] = json.loads(written(step)["Policy"])["Statement"]
    return listed


def test_auto_remediate_s3_001_no_grant_moves_to_the_next_bucket() -> None:
    """A fixer kept the ACL that it built, and wrote one bucket's grants into the next."""
    first = planned(LIVE, look({Aspect.ACL: acl(user(1), group("AllUsers", "READ"))}))
    second = planned(LIVE, look({Aspect.ACL: acl(user(2), group("AllUsers", "READ"))}))
    assert written(only(first))["AccessControlPolicy"]["Grants"] == [OWN_GRANT, user(1)]
    assert written(only(second))["AccessControlPolicy"]["Grants"] == [OWN_GRANT, user(2)]


def test_auto_remediate_s3_014_star_in_a_map_is_everyone_too() -> None:
    """It looked for the plain star alone, and rewrote every Allow with it, guarded or not."""
    guarded = {**READ, "Sid": "Vpc", "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1a2b3c4d"}}}
    opened = {**READ, "Principal": {"AWS": "*"}}
    step = only(planned(LIVE, look({Aspect.POLICY: policy(guarded, opened, OWN)})))
    assert statements(step) == [guarded, OWN]


def test_auto_remediate_s3_016_bucket_without_a_policy_gets_one() -> None:
    """It failed for every bucket without a policy."""
    options = RuleOptions(upload_encryption=("aws:kms",))
    step = only(planned("bucket-upload-encryption-enforced", look({}), options=options))
    assert len(statements(step)) == 1


def test_prowler_fixer_of_public_write_keeps_the_policy() -> None:
    """It deleted the whole policy, the statements for TLS and for log delivery with it."""
    writes = {**READ, "Sid": "Write", "Action": "s3:PutObject"}
    tls = {
        **READ,
        "Effect": "Deny",
        "Sid": "Tls",
        "Action": "s3:*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    step = only(planned(LIVE, look({Aspect.POLICY: policy(tls, LOGS, writes)})))
    assert step.call.operation == "PutBucketPolicy"
    assert statements(step) == [tls, LOGS]
    assert not any("DeleteBucketPolicy" in remedy.iam_actions for remedy in REMEDIES if LIVE in remedy.rules)


def test_prowler_fixer_of_acls_keeps_grants_and_minds_ownership() -> None:
    """It set the ACL to private, which drops wanted grants and is refused where ACLs are disabled."""
    delivery = {
        "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"},
        "Permission": "WRITE",
    }
    opened = acl(delivery, user(5), group("AllUsers", "READ"))
    step = only(planned("bucket-acl-public-read", look({Aspect.ACL: opened})))
    assert written(step)["AccessControlPolicy"]["Grants"] == [OWN_GRANT, delivery, user(5)]
    enforced = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
    assert (
        declined("bucket-acl-latent-public", look({Aspect.ACL: opened, Aspect.OWNERSHIP: enforced})) == "acls_disabled"
    )


def test_prowler_blocks_need_the_two_flags_that_close() -> None:
    """Flags that refuse new grants close nothing that is there: what is planned turns on the one that does."""
    state = {Aspect.POLICY: policy(READ), Aspect.PUBLIC_ACCESS_BLOCK: block("BlockPublicAcls", "BlockPublicPolicy")}
    step = only(planned(LIVE, look(state)))
    assert written(step)["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"] is True
    assert written(step)["PublicAccessBlockConfiguration"]["BlockPublicAcls"] is True


def test_asr_s3_6_principals_without_colons_stop_nothing() -> None:
    """It took the fifth part of every principal between colons, and died of a star or of a deleted role's id."""
    admin = {
        **OWN,
        "Sid": "Admin",
        "Principal": {"AWS": "777788889999"},
        "Action": "s3:PutBucketAcl",
        "Resource": ARN,
    }
    gone = {**OWN, "Sid": "Gone", "Principal": {"AWS": "AROAEXAMPLEID1234567"}}
    guarded = {**READ, "Principal": {"AWS": "*"}, "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1a2b3c4d"}}}
    found = planned("bucket-cross-account-admin-actions", look({Aspect.POLICY: policy(admin, gone, guarded)}))
    *kept, deny = statements(only(found))
    assert kept == [admin, gone, guarded]
    assert deny["Principal"] == {"AWS": ["arn:aws:iam::777788889999:root"]}


def test_asr_lifecycle_is_merged() -> None:
    """It wrote a fresh configuration over the rules that were there."""
    theirs = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "x"}, "Expiration": {"Days": 9}}
    step = only(planned("bucket-abort-incomplete-mpu", look({Aspect.LIFECYCLE: {"Rules": [theirs]}})))
    rules = written(step)["LifecycleConfiguration"]["Rules"]
    assert [rule["ID"] for rule in rules] == ["theirs", ABORT]


def test_asr_tls_statement_is_not_appended_on_every_run() -> None:
    """Ours is known again by its Sid, and the second run finds nothing to do."""
    step = only(planned("bucket-tls-required", look({Aspect.POLICY: policy(OWN)})))
    fixed = look({Aspect.POLICY: {"Policy": written(step)["Policy"]}})
    assert declined("bucket-tls-required", fixed) == "not_needed"
    damaged = [one if one["Sid"] != TLS_ONLY else {**one, "Resource": ARN} for one in statements(step)]
    again = only(planned("bucket-tls-required", look({Aspect.POLICY: policy(*damaged)})))
    assert [one["Sid"] for one in statements(again)] == ["Own", TLS_ONLY]


def test_asr_log_bucket_gets_a_policy_and_no_acl() -> None:
    """Its log bucket got an ACL for log delivery, which another of its controls then finds."""
    assert not any(
        "s3:PutBucketAcl" in remedy.iam_actions for remedy in REMEDIES if "bucket-access-logging" in remedy.rules
    )
