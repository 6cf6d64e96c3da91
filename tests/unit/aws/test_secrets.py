"""Secrets by reference: where they are read, how long they are believed, what an error may say."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from s3warden.aws.errors import AwsError
from s3warden.aws.secrets import SecretError, SecretResolver
from s3warden.model.bucket import Cause
from s3warden.model.secret import Secret, SecretRef

CANARY = "c4n4ry-5ecret"


class Aws:
    """Secrets Manager and Parameter Store with one answer, and a list of who was asked what."""

    def __init__(self, **answer: object) -> None:
        self.answer: dict[str, object] = dict(answer)
        self.error: AwsError | None = None
        self.asked: list[tuple[str, str | None, dict[str, object]]] = []

    async def client(self, service: str, *, region: str | None = None, account: str | None = None) -> Any:
        assert account is None
        aws = self

        class Client:
            async def get_secret_value(self, **params: object) -> dict[str, object]:
                return aws.reply(service, region, params)

            async def get_parameter(self, **params: object) -> dict[str, object]:
                return aws.reply(service, region, params)

        return Client()

    def reply(self, service: str, region: str | None, params: dict[str, object]) -> dict[str, object]:
        self.asked.append((service, region, params))
        if self.error is not None:
            raise self.error
        return self.answer


class Time:
    """A clock that goes when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _resolver(aws: Aws | None = None, **more: Any) -> SecretResolver:
    return SecretResolver(aws or Aws(), **more)


async def test_a_literal_is_itself() -> None:
    """It works, though it is not advised."""
    assert await _resolver().resolve(SecretRef.parse(CANARY)) == Secret(CANARY)


async def test_a_variable() -> None:
    """`env:NAME`."""
    resolver = _resolver(environ={"NAME": CANARY, "EMPTY": ""})
    assert (await resolver.resolve(SecretRef.parse("env:NAME"))).reveal() == CANARY
    for text in ("env:NONE", "env:EMPTY"):
        with pytest.raises(SecretError, match=f"^{text}: is not set or empty$"):
            await resolver.resolve(SecretRef.parse(text))


@pytest.mark.parametrize(("content", "secret"), [(b"a\n", "a"), (b"a\r\n", "a"), (b"a\n\n", "a\n"), (b" a ", " a ")])
async def test_a_file_loses_one_line_break_at_its_end(content: bytes, secret: str, tmp_path: Path) -> None:
    """Editors and `echo` add one; nothing else is touched."""
    path = tmp_path / "secret"
    path.write_bytes(content)
    assert (await _resolver().resolve(SecretRef.parse(f"file:{path}"))).reveal() == secret


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"\xff" + CANARY.encode(), "not UTF-8"), (b"a" * 70_000, "too large")],
)
async def test_a_file_that_holds_no_secret(content: bytes | None, reason: str, tmp_path: Path) -> None:
    """The error names the file and quotes nothing of it."""
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SecretError, match=reason) as caught:
        await _resolver().resolve(SecretRef.parse(f"file:{path}"))
    assert str(path) in str(caught.value)
    assert CANARY not in str(caught.value)


async def test_secrets_manager_whole_and_by_key() -> None:
    """The region of an ARN is where to ask; a plain name is asked for at home."""
    aws = Aws(SecretString=f'{{"url": "{CANARY}"}}')
    resolver = _resolver(aws)
    whole = await resolver.resolve(SecretRef.parse("secretsmanager:s3warden/slack"))
    field = await resolver.resolve(SecretRef.parse("secretsmanager:arn:x:secretsmanager:eu-west-1:1:secret:s#url"))
    assert (whole.reveal(), field.reveal()) == (f'{{"url": "{CANARY}"}}', CANARY)
    assert aws.asked == [
        ("secretsmanager", None, {"SecretId": "s3warden/slack"}),
        ("secretsmanager", "eu-west-1", {"SecretId": "arn:x:secretsmanager:eu-west-1:1:secret:s"}),
    ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"SecretString": f'{{"token": "{CANARY}"}}'}, "no text under this key"),
        ({"SecretString": f'{{"url": ["{CANARY}"]}}'}, "no text under this key"),
        ({"SecretString": f'["{CANARY}"]'}, "no text under this key"),
        ({"SecretString": CANARY}, "not JSON"),
        ({"SecretBinary": CANARY.encode()}, "binary"),
        ({"SecretString": '{"url": ""}'}, "is not set or empty"),
    ],
)
async def test_secrets_manager_with_something_else(answer: dict[str, object], reason: str) -> None:
    """The error says what is wrong and nothing of what was found, not even in its causes."""
    with pytest.raises(SecretError, match=reason) as caught:
        await _resolver(Aws(**answer)).resolve(SecretRef.parse("secretsmanager:s#url"))
    assert CANARY not in repr([caught.value, caught.value.__cause__])


async def test_parameter_store() -> None:
    """Decrypted; the leading slash belongs to the name."""
    aws = Aws(Parameter={"Value": CANARY})
    assert (await _resolver(aws).resolve(SecretRef.parse("ssm:/s3warden/url"))).reveal() == CANARY
    assert aws.asked == [("ssm", None, {"Name": "/s3warden/url", "WithDecryption": True})]


async def test_an_answer_is_believed_for_five_minutes() -> None:
    """A rotated secret is taken up without a restart, and a thousand alerts ask once."""
    aws, clock = Aws(SecretString="old"), Time()
    resolver, ref = _resolver(aws, clock=clock), SecretRef.parse("secretsmanager:s")
    await resolver.resolve(ref)
    aws.answer = {"SecretString": "new"}
    clock.now = 299
    assert (await resolver.resolve(ref)).reveal() == "old"
    clock.now = 300
    assert (await resolver.resolve(ref)).reveal() == "new"
    assert len(aws.asked) == 2


async def test_an_outage_does_not_take_the_secret_away() -> None:
    """What was known stays known, and the log says why it was not renewed."""
    aws, clock = Aws(SecretString=CANARY), Time()
    resolver, ref = _resolver(aws, clock=clock), SecretRef.parse("secretsmanager:s")
    await resolver.resolve(ref)
    aws.error = AwsError("ThrottlingException", "slow down", cause=Cause.THROTTLED)
    clock.now = 1000
    with capture_logs() as logs:
        assert (await resolver.resolve(ref)).reveal() == CANARY
    assert [line["event"] for line in logs] == ["secret_not_renewed"]
    assert CANARY not in repr(logs)


async def test_a_refusal_before_anything_was_known_is_an_error() -> None:
    """There is nothing to fall back to, and the next try asks again."""
    aws = Aws(SecretString=CANARY)
    aws.error = AwsError("AccessDeniedException", "no", cause=Cause.DENIED)
    resolver, ref = _resolver(aws), SecretRef.parse("secretsmanager:s")
    with pytest.raises(SecretError, match=r"^secretsmanager:s: AccessDeniedException: no$"):
        await resolver.resolve(ref)
    aws.error = None
    assert (await resolver.resolve(ref)).reveal() == CANARY


async def test_every_secret_is_made_known_to_the_log() -> None:
    """So that it is blotted out wherever it turns up."""
    seen: list[str] = []
    await _resolver(Aws(SecretString='{"url": "x"}'), seen=seen.append).resolve(SecretRef.parse("secretsmanager:s#url"))
    assert seen == ["x"]
