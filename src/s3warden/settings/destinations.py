"""The kinds of destinations, told apart by `type`. A new kind is a class here and a member of `Destination`."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from s3warden.model.finding import Severity
from s3warden.model.rule import Category
from s3warden.settings.section import Section
from s3warden.settings.values import Name, SecretSetting, TopicArn

# No name of a partition stands in an ARN of the code; this one is only shown.
_PARTITION = "aws"
_TOPIC = f"arn:{_PARTITION}:sns:eu-west-1:111122223333:s3warden"


Rate = Annotated[float, Field(gt=0, le=1000)]
Burst = Annotated[int, Field(ge=1, le=1000)]


class _Common(Section):
    """What all destinations have."""

    name: Name = Field(description="Name of the destination in logs and metrics. Unique.", examples=["oncall"])
    min_severity: Severity = Field(
        default=Severity.HIGH, description="Lowest severity told here: info, low, medium, high or critical."
    )
    categories: Annotated[tuple[Category, ...], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)] = Field(
        default=(),
        description="Told here only: exposure, access, encryption, logging, resilience, governance. Default: all.",
        examples=[["exposure", "access"]],
    )
    send_resolved: bool = Field(default=True, description="Also tell when a finding is resolved.")


class Sns(_Common):
    """An SNS topic, standard or FIFO, published to as the own identity; a foreign topic's policy lets it in."""

    type: Literal["sns"] = Field(description="The kind of destination: `sns`.")
    rate: Rate = Field(default=100.0, description="Messages a second.")
    burst: Burst = Field(default=100, description="Messages that may go at once after a pause.")
    topic_arn: TopicArn = Field(description="ARN of the topic.", examples=[_TOPIC])


class Slack(_Common):
    """A Slack incoming webhook."""

    type: Literal["slack"] = Field(description="The kind of destination: `slack`.")
    rate: Rate = Field(default=1.0, description="Messages a second; Slack takes about one.")
    burst: Burst = Field(default=3, description="Messages that may go at once after a pause.")
    webhook_url: SecretSetting = Field(description="URL of the webhook.", examples=["env:SLACK_WEBHOOK_URL"])


class Webhook(_Common):
    """An HTTP endpoint that takes JSON."""

    type: Literal["webhook"] = Field(description="The kind of destination: `webhook`.")
    rate: Rate = Field(default=20.0, description="Messages a second.")
    burst: Burst = Field(default=20, description="Messages that may go at once after a pause.")
    url: SecretSetting = Field(description="Where to POST.", examples=["file:/run/secrets/webhook-url"])
    signing_secret: SecretSetting | None = Field(
        default=None,
        description="Signs each body with HMAC-SHA256 so that the receiver can tell who sent it.",
        examples=["secretsmanager:s3warden/webhook#signing_secret"],
    )
    format: Literal["s3warden", "alertmanager"] = Field(
        default="s3warden", description="Shape of the body: `s3warden`, or `alertmanager` for its webhook receivers."
    )


Destination: TypeAlias = Annotated[Sns | Slack | Webhook, Field(discriminator="type")]
DESTINATIONS: tuple[type[Section], ...] = (Sns, Slack, Webhook)
