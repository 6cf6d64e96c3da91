"""A scripted stand-in for the SDK's clients: answers by operation, and a record of what was asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from s3warden.aws.session import Identity


def refusal(code: str, status: int = 403, message: str = "", **headers: str) -> ClientError:
    """An error as AWS answers it."""
    metadata: Any = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "Operation")


@dataclass(frozen=True)
class Asked:
    """One call: which method of which service, where, for whom, with what."""

    service: str
    method: str
    region: str | None
    account: str | None
    params: dict[str, Any]


class FakeAws:
    """Clients that answer by operation, whoever asks. Access is denied where nothing was scripted."""

    def __init__(self, *, partition: str = "aws", account: str = "1" * 12, home_region: str = "us-west-2") -> None:
        self.home_region = home_region
        self.asked: list[Asked] = []
        self._identity = Identity(partition, account, f"arn:{partition}:sts::{account}:assumed-role/s3warden/x")
        self._script: dict[str, object] = {}

    def on(self, operation: str, answer: object) -> None:
        """Answer `operation` so from now on: a value, an exception, or a function of the parameters."""
        self._script[xform_name(operation)] = answer

    def count(self, operation: str) -> int:
        """How often `operation` was asked."""
        return sum(call.method == xform_name(operation) for call in self.asked)

    async def identify(self) -> Identity:
        """Who we are."""
        return self._identity

    async def offers(self, _service: str, _region: str) -> bool:
        """Everything is everywhere."""
        return True

    async def client(self, service: str, *, region: str | None = None, account: str | None = None) -> "FakeClient":
        """A client that records for whom it was made."""
        return FakeClient(self, service, region, account)

    def answer(self, asked: Asked) -> object:
        """What the script says."""
        self.asked.append(asked)
        answer = self._script.get(asked.method, refusal("AccessDenied"))
        if callable(answer):
            answer = answer(**asked.params)
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeClient:
    """One client of the fake."""

    def __init__(self, aws: FakeAws, service: str, region: str | None, account: str | None) -> None:
        self._aws = aws
        self._for = (service, region, account)

    def __getattr__(self, method: str) -> Callable[..., Awaitable[object]]:
        service, region, account = self._for

        async def call(**params: Any) -> object:
            return self._aws.answer(Asked(service, method, region, account, params))

        return call
