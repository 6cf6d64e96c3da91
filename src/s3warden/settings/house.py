"""The sections of the house's own judgement: how severities are weighed, and where accepted risks are written down."""

from datetime import UTC, time, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from s3warden.detect.exemptions.presets import PRESETS
from s3warden.settings.section import Section
from s3warden.settings.values import AccountsOrUnits, Duration, Span, Texts, between, matching, split


def _pair(value: str) -> str:
    if not value.partition("=")[0].strip("*? ") or "=" not in value:
        raise ValueError("must be a tag as `Key=Value`, in whose value `*` stands for any text")
    return value


Pairs = Annotated[tuple[Annotated[str, AfterValidator(_pair)], ...], BeforeValidator(split)]
Step = Annotated[int, Field(ge=-2, le=2)]
Up = Annotated[int, Field(ge=0, le=2)]
Down = Annotated[int, Field(ge=-2, le=0)]

_CLASSES = ("Classification", "DataClassification", "Sensitivity", "DataSensitivity", "Confidentiality")
_STAGES = ("Environment", "Env", "Stage")


def _tags(keys: tuple[str, ...], values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{key}={value}" for key in keys for value in values)


class Weights(Section):
    """How many levels the circumstances of a bucket move the severity of its findings (docs/severity.md).

    The sum moves it by two levels at most. Whatever is set here, a live exposure of sensitive data is never lowered,
    another one not below high, and nothing below low.
    """

    public: Step = Field(default=0, description="Levels for the findings of a bucket that strangers can reach.")
    latent: Step = Field(default=0, description="Levels where one setting stands between the bucket and the public.")
    cross_account: Step = Field(default=0, description="Levels where accounts that are not trusted have access.")
    private: Step = Field(default=0, description="Levels where nobody outside has access.")
    sensitive: Up = Field(
        default=1, description="Levels for a bucket of sensitive data, unless nobody outside can reach it."
    )
    harmless: Down = Field(default=-1, description="Levels for a bucket of harmless data.")
    production: Up = Field(default=0, description="Levels for a bucket of production.")
    development: Down = Field(default=-1, description="Levels for a bucket of development.")
    sensitive_tags: Pairs = Field(
        default=_tags(_CLASSES, ("confidential", "restricted", "secret", "sensitive", "pii", "phi", "pci")),
        description="Tags of sensitive data. Case does not count, nor do `-`, `_`, `.`, `:`, `/` and spaces in keys.",
    )
    harmless_tags: Pairs = Field(
        default=_tags(_CLASSES, ("public", "none")), description="Tags of data that anybody may see."
    )
    sensitive_names: Texts = Field(
        default=(
            "*backup*", "*credential*", "*customer*", "*dump*", "*invoice*", "*payroll*", "*pii*", "*secret*",
            "*terraform-state*", "*tfstate*",
        ),
        description="Names of buckets with sensitive data, where no tag says what it is; `*` stands for any text. "
        "`rules.sensitive_buckets` are added.",
    )  # fmt: skip
    harmless_names: Texts = Field(
        default=("*-access-logs", "*-access-logs-*", "*-alb-logs", "*-elb-logs", "*-nlb-logs"),
        description="Names of buckets with harmless data, where no tag says what it is. `rules.log_buckets` are added.",
    )
    production_tags: Pairs = Field(
        default=_tags(_STAGES, ("prod", "production", "live")), description="Tags of production."
    )
    development_tags: Pairs = Field(
        default=_tags(_STAGES, ("dev", "development", "test", "testing", "sandbox", "sbx", "qa")),
        description="Tags of development. What is production by anything else stays so.",
    )
    production_accounts: AccountsOrUnits = Field(
        default=(), description="Accounts of production, or OUs above them.", examples=[["ou-ab12-cdefgh34"]]
    )
    development_accounts: AccountsOrUnits = Field(
        default=(), description="Accounts of development, or OUs above them.", examples=[["777788889999"]]
    )


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _zone(value: str) -> str:
    try:
        zone(value)
    except (OSError, ValueError, KeyError):
        raise ValueError("must be the name of a time zone, such as Europe/Berlin or UTC") from None
    return value


def zone(name: str) -> tzinfo:
    """The time zone of that name. Raises OSError, ValueError or KeyError where there is none."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _hours(value: str) -> str:
    start, end = span(value)
    if start >= end:
        raise ValueError("must end later than it begins, on the same day")
    return value


def span(value: str) -> tuple[time, time]:
    """The two times of `09:00-17:00`."""
    start, _, end = value.partition("-")
    return time.fromisoformat(start.strip()), time.fromisoformat(end.strip())


def _preset(value: str) -> str:
    known = [preset.id for preset in PRESETS]
    if value not in known:
        raise ValueError(f"must be the id of a preset: {', '.join(known)}")
    return value


Presets = Annotated[tuple[Annotated[str, AfterValidator(_preset)], ...], BeforeValidator(split)]
Day = Annotated[
    str, BeforeValidator(lambda v: v.lower() if isinstance(v, str) else v), matching("|".join(_DAYS), "mon, tue, …")
]


class Exempting(Section):
    """Accepted risks: where they are written down, and how they end (docs/exemptions.md)."""

    directory: str | None = Field(
        default=None,
        min_length=1,
        description="Directory of exemption files (`*.toml`), subdirectories included.",
        examples=["/etc/s3warden/exemptions"],
    )
    max_length: Annotated[Span, between("1d", "730d")] = Field(
        default=Duration.parse("90d"), description="Longest time from `approved_at` to `expires`; whole days."
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="Time zone of the dates in exemptions, and of the working hours."
    )
    working_days: Annotated[tuple[Day, ...], BeforeValidator(split)] = Field(
        default=_DAYS[:5], min_length=1, description="Days on which people are reminded."
    )
    working_hours: Annotated[
        str,
        matching(r"([01]?\d|2[0-3]):[0-5]\d\s*-\s*([01]?\d|2[0-3]):[0-5]\d", "hours such as 09:00-17:00"),
        AfterValidator(_hours),
    ] = Field(
        default="09:00-17:00",
        description="Hours in which people are reminded, 14, 3 and 1 days before an exemption ends.",
    )
    presets_off: Presets = Field(
        default=(),
        description="Built-in exemptions for buckets that platforms make, to be switched off, by id.",
        examples=[["preset-cdk-bootstrap"]],
    )

    @model_validator(mode="after")
    def _whole_days(self) -> "Exempting":
        if self.max_length % 86400:
            raise ValueError("`max_length` must be whole days")
        return self

    @property
    def weekdays(self) -> frozenset[int]:
        """The working days as numbers; 0 is Monday."""
        return frozenset(map(_DAYS.index, self.working_days))
