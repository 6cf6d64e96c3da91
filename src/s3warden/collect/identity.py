"""Takes CloudTrail's userIdentity and hands on the actor for blame lines. It never says whose bucket it is."""

from collections.abc import Mapping

from s3warden.collect.fields import account_id, clean, first_text, mapping
from s3warden.model.event import Actor

ANONYMOUS = "anonymous"

_PRINCIPAL_LIMIT = 512
_AGENT_LIMIT = 256
_SHORT_LIMIT = 64


def actor(record: Mapping[str, object]) -> Actor | None:
    """Who made the call of a CloudTrail `record`; None where the record does not say."""
    identity = mapping(record.get("userIdentity"))
    principal = _principal(identity)
    if not principal:
        return None
    return Actor(
        principal=principal,
        kind=clean(identity.get("type"), _SHORT_LIMIT),
        account=account_id(identity.get("accountId")),
        source_ip=first_text(record.get("sourceIPAddress"), _SHORT_LIMIT) or None,
        user_agent=first_text(record.get("userAgent"), _AGENT_LIMIT) or None,
    )


def _principal(identity: Mapping[str, object]) -> str:
    # An anonymous caller comes as type AWSAccount with the word where the account id should be.
    if ANONYMOUS in (identity.get("accountId"), identity.get("principalId")):
        return ANONYMOUS
    for value in (
        identity.get("arn"),
        identity.get("invokedBy"),
        identity.get("userName"),
        mapping(identity.get("onBehalfOf")).get("userId"),
        identity.get("principalId"),
        identity.get("accountId"),
    ):
        principal = clean(value, _PRINCIPAL_LIMIT)
        if principal:
            return principal
    return ""
