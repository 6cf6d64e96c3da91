"""Who may knock: the finite list of kinds of callers a policy is asked about.

Takes what the documents mention, hands on callers. A kind is told apart from another only where a mentioned key
tells them apart, so the usual policy is asked about two kinds of strangers.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

ANONYMOUS, ROLE, USER, ROOT, FEDERATED, WEB = "anonymous", "role", "user", "root", "federated-user", "web-identity"
SERVICE = "service"
INTERNET, VPC = "internet", "vpc"


@dataclass(frozen=True, slots=True)
class Caller:
    """One kind of caller. `account` is set for a named account, None for strangers; `listed` is a principal's ARN."""

    kind: str
    network: str = INTERNET
    via_service: bool = False
    account: str | None = None
    listed: str | None = None

    @property
    def signed(self) -> bool:
        """Whether the request carries a signature."""
        return self.kind != ANONYMOUS

    @property
    def stranger(self) -> bool:
        """Whether this is anyone at all, not an account that the policy names."""
        return self.account is None

    @property
    def name(self) -> str:
        """How a proof names this caller."""
        if self.kind == ANONYMOUS:
            who = "anyone, unsigned"
        elif self.account is not None:
            who = self.listed or f"a {self.kind} of account {self.account}"
        elif self.kind == SERVICE:
            who = "an AWS service"
        elif self.kind == WEB:
            who = "anyone with a social login"
        else:
            who = f"any AWS account ({self.kind})"
        return (
            who + (", from a VPC" if self.network == VPC else "") + (", through a service" if self.via_service else "")
        )


NETWORK_KEYS: Final = frozenset(
    {
        "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip", "aws:sourcevpcarn", "aws:vpceaccount",
        "aws:vpceorgid", "aws:vpceorgpaths", "aws:ec2instancesourcevpc", "aws:ec2instancesourceprivateipv4",
    }
)  # fmt: skip
IDENTITY_KEYS: Final = frozenset(
    {
        "aws:principalarn", "aws:principaltype", "aws:userid", "aws:username", "aws:tokenissuetime",
        "aws:federatedprovider", "aws:multifactorauthpresent", "aws:multifactorauthage", "ec2:sourceinstancearn",
        "aws:assumedroot",
    }
)  # fmt: skip
SERVICE_KEYS: Final = frozenset({"aws:viaawsservice", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast"})


def _variants(callers: Iterable[Caller], mentioned: AbstractSet[str]) -> Iterator[Caller]:
    """Each caller from the internet and, where the documents can tell, from a VPC and through a service."""
    vpc = not mentioned.isdisjoint(NETWORK_KEYS)
    service = not mentioned.isdisjoint(SERVICE_KEYS)
    for caller in callers:
        yield caller
        if vpc:
            yield replace(caller, network=VPC)
        if service and caller.signed:
            yield replace(caller, via_service=True)
            if vpc:
                yield replace(caller, network=VPC, via_service=True)


def anonymous(mentioned: AbstractSet[str]) -> tuple[Caller, ...]:
    """Unsigned callers, the plain internet first."""
    return tuple(_variants((Caller(ANONYMOUS),), mentioned))


def strangers(mentioned: AbstractSet[str], *, web: bool) -> tuple[Caller, ...]:
    """Signed callers of accounts that nobody named; `web` adds social logins."""
    kinds = (ROLE, USER, ROOT, FEDERATED) if not mentioned.isdisjoint(IDENTITY_KEYS) else (ROLE,)
    callers = [Caller(kind) for kind in kinds]
    if web:
        callers.append(Caller(WEB))
    return tuple(_variants(callers, mentioned))


def service(mentioned: AbstractSet[str]) -> tuple[Caller, ...]:
    """An AWS service that no document names, acting for itself."""
    return tuple(_variants((Caller(SERVICE),), mentioned))


def members(account: str, listed: Iterable[str], mentioned: AbstractSet[str], *, web: bool) -> tuple[Caller, ...]:
    """Callers of a named account: the principals listed by ARN, then any other."""
    kinds = (ROLE, USER, ROOT, FEDERATED) if not mentioned.isdisjoint(IDENTITY_KEYS) else (ROLE,)
    callers = [Caller(_kind_of(arn), account=account, listed=arn) for arn in listed]
    callers += [Caller(kind, account=account) for kind in kinds]
    if web:
        callers.append(Caller(WEB, account=account))
    return tuple(_variants(callers, mentioned))


def _kind_of(arn: str) -> str:
    resource = arn.split(":", 5)[-1]
    for start, kind in (("user/", USER), ("root", ROOT), ("federated-user/", FEDERATED)):
        if resource.startswith(start):
            return kind
    return ROLE


def as_principal(listed: str) -> str:
    """The value of aws:PrincipalArn for a listed principal: for a role session, the ARN of the role."""
    fields = listed.split(":", 5)
    if len(fields) == 6 and fields[5].startswith("assumed-role/"):
        return ":".join((fields[0], fields[1], "iam", fields[3], fields[4], f"role/{fields[5].split('/')[1]}"))
    return listed
