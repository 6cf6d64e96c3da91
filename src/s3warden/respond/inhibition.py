"""Which findings have a cause that is told already: one leak, one page. Pure.

What is inhibited is told to nobody, is stored and counted all the same, and stands in the digest's lines.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from s3warden.model.finding import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While `source` fails, openings of `targets` have a cause already told.

    The source is a finding of the same subject, or one of the account that owns the bucket if `account`.
    """

    source: str
    targets: frozenset[str]
    account: bool = False


_BY_NAME = frozenset(
    {
        "bucket-acl-public-read",
        "bucket-acl-public-write",
        "bucket-acl-authenticated-read",
        "bucket-acl-authenticated-write",
        "bucket-policy-public",
        "bucket-policy-spoofable-condition",
        "bucket-policy-broad-source-ip",
        "bucket-policy-not-principal-allow",
        "bucket-objects-may-be-public",
        "bucket-access-analyzer-finding",
        "bucket-trail-not-public",
    }
)
INHIBITIONS: tuple[Inhibition, ...] = (
    Inhibition(
        "account-public-access-block",
        frozenset({"bucket-public-access-block", "bucket-objects-may-be-public"}),
        account=True,
    ),
    # A trail that was stopped is one cause, however many buckets it recorded.
    Inhibition(
        "account-management-events",
        frozenset({"bucket-object-events-write", "bucket-object-events-read"}),
        account=True,
    ),
    Inhibition("bucket-public-effective", _BY_NAME | {"bucket-log-bucket-not-public", "bucket-public-authenticated"}),
    Inhibition("bucket-public-authenticated", _BY_NAME),
    Inhibition("bucket-public-latent", frozenset({"bucket-acl-latent-public", "bucket-policy-latent-public"})),
    Inhibition("bucket-cross-account-admin-actions", frozenset({"bucket-cross-account-access"})),
    Inhibition("bucket-policy-oac-wildcard-sourcearn", frozenset({"bucket-policy-service-confused-deputy"})),
)


def inhibited(target: Finding, others: Iterable[Finding], inhibitions: Sequence[Inhibition] = INHIBITIONS) -> bool:
    """Whether one of `others`, the open findings of the same subject, tells of the cause of `target` already.

    Only what is as bad and as live can speak for it: who hears of the target would hear of the source.
    """
    sources = {i.source for i in inhibitions if target.rule_id in i.targets and not i.account}
    return bool(sources) and any(_speaks_for(source, target) for source in others if source.rule_id in sources)


def _speaks_for(source: Finding, target: Finding) -> bool:
    if source.verdict is not Verdict.FAIL or not source.is_open:
        return False
    return source.severity.rank >= target.severity.rank and (source.evidence.live or not target.evidence.live)
