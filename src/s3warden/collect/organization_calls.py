"""Which accounts a call to AWS Organizations concerns: its policies reach accounts that record nothing of it.

Takes the record of a call, as the management account keeps it in us-east-1, hands on accounts, or all that are guarded
where it names a unit, a root or nothing: what is under a unit is not the record's to tell. Pure.
"""

from collections.abc import Mapping
from dataclasses import replace

from s3warden.collect.fields import account_id, items, mapping
from s3warden.collect.record import answer, parameters
from s3warden.model.event import Level, Target

CHANGES = frozenset(
    {
        "AcceptHandshake",
        "AttachPolicy",
        "DetachPolicy",
        "DisablePolicyType",
        "EnablePolicyType",
        "LeaveOrganization",
        "MoveAccount",
        "RemoveAccountFromOrganization",
        "UpdatePolicy",
    }
)
"""After these another policy may be in effect."""

IDLE = frozenset(
    {
        # A policy has an effect only once it is attached, and none is deleted that still is.
        "CreatePolicy",
        "DeletePolicy",
        # Nobody is in an organisation before he has accepted, and a new account has no bucket.
        "CancelHandshake",
        "CloseAccount",
        "CreateAccount",
        "CreateAccountResult",
        "CreateGovCloudAccount",
        "DeclineHandshake",
        "InviteAccountToOrganization",
        # An empty unit holds nobody.
        "CreateOrganizationalUnit",
        "DeleteOrganizationalUnit",
        "UpdateOrganizationalUnit",
        "DeregisterDelegatedAdministrator",
        "DisableAWSServiceAccess",
        "EnableAWSServiceAccess",
        "RegisterDelegatedAdministrator",
        "TagResource",
        "UntagResource",
    }
)
"""These have no effect on any account that has buckets."""

# The type of the policies that say what S3 may do in the accounts below: "S3 policies" of the Organizations user guide.
_S3_POLICY = "S3_POLICY"


def reach(name: str, record: Mapping[str, object], own: Target) -> tuple[Target, ...]:
    """The accounts that the call concerns; nobody if it is told to be about a policy of another type."""
    if _policy_type(record) not in (None, _S3_POLICY):
        return ()
    if name == "LeaveOrganization":
        return (own,)
    if name == "AcceptHandshake":
        return tuple(replace(own, account=account) for account in _parties(record)) or (own,)
    asked = parameters(record)
    account = account_id(asked.get("targetId"), asked.get("accountId"))
    if account is not None:
        return (replace(own, account=account),)
    return (replace(own, level=Level.ORGANIZATION, account=None),)


def _policy_type(record: Mapping[str, object]) -> object:
    summary = mapping(mapping(answer(record).get("policy")).get("policySummary"))
    return parameters(record).get("policyType") or summary.get("type")


def _parties(record: Mapping[str, object]) -> tuple[str, ...]:
    parties = map(mapping, items(mapping(answer(record).get("handshake")).get("parties")))
    found = (account_id(party.get("id")) for party in parties if party.get("type") == "ACCOUNT")
    return tuple(account for account in found if account is not None)
