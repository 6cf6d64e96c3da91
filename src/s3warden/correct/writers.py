"""Which kind of tool made a call: a deploy tool that will come back, a person at the console, or s3warden itself.

Takes the actor of a CloudTrail record, hands on a `Writer`. A user agent is text that its sender chooses: it may choose
the words of an alert and how long to wait, never whether something is a leak.

Sources: AWS CloudTrail user guide, "CloudTrail record contents" (userAgent, sourceIPAddress and userIdentity.invokedBy
carry the service's name where a service calls); the Terraform AWS provider sends `APN/1.0 HashiCorp/1.0 Terraform/…`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from s3warden.model.event import Actor


class WriterKind(StrEnum):
    """Closed: it is a metric label."""

    OWN = "s3warden"
    TERRAFORM = "terraform"
    CLOUDFORMATION = "cloudformation"
    PULUMI = "pulumi"
    SERVICE = "aws_service"
    CONSOLE = "console"
    CLI = "aws_cli"
    SDK = "sdk"
    UNKNOWN = "unknown"

    @property
    def deploys(self) -> bool:
        """Whether such a writer works from code, so that it will write the same again at its next run."""
        return self in (WriterKind.TERRAFORM, WriterKind.CLOUDFORMATION, WriterKind.PULUMI)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: the kind of tool, and the principal behind it as an ARN or a service name; "" where nobody says."""

    kind: WriterKind
    principal: str = ""

    def __str__(self) -> str:
        if self.principal and self.kind is WriterKind.UNKNOWN:
            return self.principal
        return f"{self.kind.value} ({self.principal})" if self.principal else self.kind.value


@dataclass(frozen=True, slots=True)
class Own:
    """How s3warden's own calls look in CloudTrail: names of its roles, its session name, its word in user agents."""

    roles: frozenset[str]
    session: str
    agent: str = "s3warden/"

    def wrote(self, actor: Actor | None) -> bool:
        """Whether the call was one of its own: role, session and user agent have to agree, each alone is cheap."""
        if actor is None or self.agent not in (actor.user_agent or ""):
            return False
        match = _ASSUMED.search(actor.principal)
        return match is not None and match["role"] in self.roles and match["session"] == self.session


_ASSUMED = re.compile(r":assumed-role/(?:.*/)?(?P<role>[^/]+)/(?P<session>[^/]+)$")
# In this order: a Terraform run names the SDK as well, and a browser at the console names itself.
_AGENTS = (
    (WriterKind.TERRAFORM, re.compile(r"hashicorp/|terraform[-/ ]|opentofu", re.IGNORECASE)),
    (WriterKind.PULUMI, re.compile(r"pulumi", re.IGNORECASE)),
    (WriterKind.CLOUDFORMATION, re.compile(r"\bcloudformation\.", re.IGNORECASE)),
    (WriterKind.CONSOLE, re.compile(r"s3console/|\bconsole\.|signin\.|mozilla/", re.IGNORECASE)),
    (WriterKind.CLI, re.compile(r"aws-cli/", re.IGNORECASE)),
    (WriterKind.SDK, re.compile(r"boto3?/|botocore/|aws-sdk-|boto/", re.IGNORECASE)),
)
# A service that calls on behalf of somebody stands where the address of the caller would.
_SERVICE = re.compile(r"^(?P<name>[a-z0-9-]+)(\.[a-z0-9-]+)*\.(amazonaws|amazon)\.[a-z.]+$")


def writer(actor: Actor | None, own: Own | None = None) -> Writer:
    """What kind of writer `actor` is; `own` tells how s3warden itself looks."""
    if actor is None:
        return Writer(WriterKind.UNKNOWN)
    if own is not None and own.wrote(actor):
        return Writer(WriterKind.OWN, actor.principal)
    service = _service(actor)
    if service == "cloudformation":
        return Writer(WriterKind.CLOUDFORMATION, actor.principal)
    agent = actor.user_agent or ""
    kind = next((kind for kind, pattern in _AGENTS if pattern.search(agent)), None)
    if kind is None:
        kind = WriterKind.SERVICE if service else WriterKind.UNKNOWN
    return Writer(kind, actor.principal)


def _service(actor: Actor) -> str:
    for text in (actor.source_ip, actor.user_agent, actor.principal):
        match = _SERVICE.match(text or "")
        if match:
            return match["name"]
    return ""
