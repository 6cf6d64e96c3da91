"""The links that go out with a plan that waits for people: one pair for each receiver, each used once."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from s3warden.correct.links import Answer, Link, signed
from s3warden.model.remediation import Remediation
from s3warden.model.secret import Secret

PATH = "/remediations/answer"
_WORDS = {Answer.APPROVE: "Approve the fix", Answer.REJECT: "Leave it as it is"}


def _nonce() -> str:
    return secrets.token_urlsafe(12)


@dataclass(frozen=True, slots=True)
class Invitations:
    """Makes links below `base_url`, signed with `key`, good for `valid`."""

    base_url: str
    key: Secret
    valid: timedelta
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    draw: Callable[[], str] = _nonce

    def links(self, entry: Remediation, receiver: str) -> tuple[tuple[str, str], ...]:
        """Words and URL of each answer that `receiver` may give; none where there is no plan to answer to."""
        if entry.plan is None:
            return ()
        digest, until = entry.plan.digest, self.clock() + self.valid
        return tuple(
            (words, self._url(Link(entry.id, digest, answer, receiver, self.draw(), until)))
            for answer, words in _WORDS.items()
        )

    def _url(self, link: Link) -> str:
        return f"{self.base_url.rstrip('/')}{PATH}?link={quote(signed(link, self.key))}"
