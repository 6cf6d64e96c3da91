"""Tools are told apart by what they send, and s3warden knows its own calls and nobody else's."""

from dataclasses import replace

import pytest

from s3warden.correct.writers import Own, WriterKind, writer
from s3warden.model.event import Actor

ROLE = "arn:aws:sts::111122223333:assumed-role/s3warden-fix/s3warden"
OWN = Own(frozenset({"s3warden-fix"}), "s3warden")
OURS = Actor(ROLE, "AssumedRole", "111122223333", "203.0.113.7", "[aiobotocore/2.25.1 botocore/1.40.61 s3warden/0.1.0]")
CFN = ".".join(("cloudformation", "amazonaws", "com"))  # noqa: FLY002 - as the record has it


def agent(text: str | None, ip: str | None = "203.0.113.7") -> Actor:
    """Somebody with this user agent."""
    return Actor("arn:aws:iam::111122223333:user/ann", "IAMUser", "111122223333", ip, text)


@pytest.mark.parametrize(
    ("actor", "kind"),
    [
        (agent("APN/1.0 HashiCorp/1.0 Terraform/1.9.5 (+https://www.terraform.io) aws-sdk-go-v2/1"), "terraform"),
        (agent("[APN/1.0 Pulumi/1.0 (+https://www.pulumi.com) aws-sdk-go-v2/1.2]"), "pulumi"),
        (agent(CFN, CFN), "cloudformation"),
        (agent("[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.590 Linux]"), "console"),
        (agent("[Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) Gecko/20100101 Firefox/139.0]"), "console"),
        (agent("[aws-cli/1.11.10 Python/2.7.8 Linux botocore/1.4.67]"), "aws_cli"),
        (agent("[Boto3/1.40.1 md/Botocore#1.40.1]"), "sdk"),
        (agent("config." + CFN.partition(".")[2], "config." + CFN.partition(".")[2]), "aws_service"),
        (agent(None, None), "unknown"),
        (agent("sample"), "unknown"),
        (None, "unknown"),
    ],
)
def test_kinds(actor: Actor | None, kind: str) -> None:
    """Each tool is known by its own mark."""
    assert writer(actor).kind.value == kind


def test_deploy_tools_come_back() -> None:
    """Only what works from code will write the same again."""
    assert {kind for kind in WriterKind if kind.deploys} == {
        WriterKind.TERRAFORM,
        WriterKind.CLOUDFORMATION,
        WriterKind.PULUMI,
    }


def test_own_calls() -> None:
    """A call is its own if role, session and user agent all say so."""
    assert writer(OURS, OWN).kind is WriterKind.OWN
    assert writer(OURS).kind is not WriterKind.OWN


@pytest.mark.parametrize(
    "actor",
    [
        replace(OURS, user_agent="[aws-cli/2.1]"),
        replace(OURS, user_agent=None),
        replace(OURS, principal=ROLE.replace("/s3warden-fix/", "/admin/")),
        replace(OURS, principal=ROLE + "-else"),
        replace(OURS, principal="arn:aws:iam::111122223333:user/s3warden"),
        None,
    ],
)
def test_not_its_own(actor: Actor | None) -> None:
    """One mark alone is cheap to copy: a stranger's call is never taken for its own."""
    assert writer(actor, OWN).kind is not WriterKind.OWN
