"""How people agree to fixes: by the command line, by links in alerts, by an HTTP API. The latter two are off first."""

from typing import Annotated

from pydantic import Field, model_validator

from s3warden.settings.section import Section
from s3warden.settings.values import Duration, HttpUrl, Name, SecretSetting, Span, between, matching

HeaderName = Annotated[str, matching(r"[A-Za-z][A-Za-z0-9-]{0,63}", "the name of an HTTP header")]


class Approvals(Section):
    """Who may say yes to a fix that waits for people, and how."""

    valid: Annotated[Span, between("1m", "7d")] = Field(
        default=Duration.parse("1h"), description="How long a link is good, and an approval holds."
    )
    base_url: HttpUrl | None = Field(
        default=None,
        description="Where people reach the daemon's HTTP server. With it alerts carry links to approve or reject; it "
        "needs `signing_key`.",
        examples=["https://s3warden.example.com"],
    )
    signing_key: SecretSetting | None = Field(
        default=None,
        description="Key that signs the links, at least 32 bytes.",
        examples=["env:S3WARDEN_SIGNING_KEY"],
    )
    identity_header: HeaderName | None = Field(
        default=None,
        description="Header in which a proxy that knows who is there names the person. Without it a link counts for "
        "the destination it was sent to, whoever clicks. Set it only where nobody reaches the daemon past the proxy.",
        examples=["X-Forwarded-User"],
    )

    @model_validator(mode="after")
    def _agrees(self) -> "Approvals":
        if (self.base_url is None) != (self.signing_key is None):
            raise ValueError("`base_url` and `signing_key` go together")
        return self


class ApiToken(Section):
    """Somebody who may use the HTTP API."""

    name: Name = Field(description="Who it is, in the journal and in the audit log. Unique.", examples=["ann"])
    token: SecretSetting = Field(
        description="Sent as `Authorization: Bearer …`, at least 32 bytes.", examples=["env:ANN_API_TOKEN"]
    )
