"""The services beside S3 whose calls can change a verdict, and what is to be read again after them. Data, no decisions.

Which service a call is of is what CloudTrail's eventSource says before its first dot; names of calls come without the
date of the API that some services add. A call that changes something and that nobody has listed reads again all that is
read of its service.

A call concerns the account in whose trail it is recorded, unless the service's `reach` tells otherwise.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from s3warden.collect import key_calls, organization_calls
from s3warden.collect.triggers import Call
from s3warden.model.bucket import Aspect
from s3warden.model.event import Level, Target

Reach: TypeAlias = Callable[[str, Mapping[str, object], Target], tuple[Target, ...]]
"""Whom a call concerns: its name, its record, and the account where it was recorded; nobody where it has no effect."""


def here(_name: str, _record: Mapping[str, object], own: Target) -> tuple[Target, ...]:
    """The account where the call was recorded, and no other."""
    return (own,)


@dataclass(frozen=True, slots=True)
class Service:
    """What is watched of a service.

    `aspects` is all that is read of it, `calls` what the known calls change. `idle` are known, too, and change nothing
    that is read.
    """

    aspects: frozenset[Aspect]
    calls: Mapping[str, Call]
    idle: frozenset[str] = frozenset()
    reach: Reach = here

    def call(self, name: str) -> Call:
        """What a call of this name changes."""
        return self.calls.get(name) or Call(self.aspects, level=Level.ACCOUNT)


def _calls(names: Iterable[str], *aspects: Aspect, urgent: bool = False) -> dict[str, Call]:
    return dict.fromkeys(names, Call(frozenset(aspects), urgent, Level.ACCOUNT))


# AWS answers for an account with the block in effect, so a policy that blocks, or no longer does, is seen there.
_ORGANIZATIONS = Service(
    aspects=frozenset({Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK}),
    calls=_calls(organization_calls.CHANGES, Aspect.ACCOUNT_PUBLIC_ACCESS_BLOCK, urgent=True),
    idle=organization_calls.IDLE,
    reach=organization_calls.reach,
)

_KEY_ASPECTS = (Aspect.DEFAULT_KEY, Aspect.KEY_ROTATION, Aspect.KEY_POLICY)
_KMS = Service(
    aspects=frozenset(_KEY_ASPECTS),
    calls=_calls(key_calls.CHANGES, *_KEY_ASPECTS) | _calls(key_calls.WIDENS, *_KEY_ASPECTS, urgent=True),
    idle=key_calls.IDLE,
    reach=key_calls.reach,
)

# Both are recorded in one region, whichever region the bucket is in.
_CLOUDFRONT = Service(
    aspects=frozenset({Aspect.DISTRIBUTIONS}),
    calls=_calls(
        (
            "CopyDistribution",
            "CreateDistribution",
            "CreateDistributionWithTags",
            "DeleteDistribution",
            "UpdateDistribution",
            "UpdateDistributionWithStagingConfig",
        ),
        Aspect.DISTRIBUTIONS,
    ),
    idle=frozenset({"CreateInvalidation", "TagResource", "UntagResource"}),
)
_ROUTE_53 = Service(
    aspects=frozenset({Aspect.DNS_RECORDS}),
    calls=_calls(("ChangeResourceRecordSets", "CreateHostedZone", "DeleteHostedZone"), Aspect.DNS_RECORDS),
    idle=frozenset({"ChangeTagsForResource", "CreateHealthCheck", "DeleteHealthCheck", "UpdateHealthCheck"}),
)

SERVICES: Mapping[str, Service] = MappingProxyType(
    {"organizations": _ORGANIZATIONS, "kms": _KMS, "cloudfront": _CLOUDFRONT, "route53": _ROUTE_53}
)
"""By the name that CloudTrail's eventSource begins with."""

NAMES = frozenset(name for service in SERVICES.values() for name in service.calls)
"""The calls that are known: a closed set, fit for a metric label."""
