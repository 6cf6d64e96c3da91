"""What may be changed in AWS: which findings, where, how far, when, how much, and in whose name. Off by default."""

import re
from datetime import datetime, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from s3warden.settings.section import Section
from s3warden.settings.values import Accounts, Duration, Name, RulePatterns, Span, Text, Texts, between, matching, split

_UNIT = r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32}"

Units = Annotated[
    tuple[Annotated[str, matching(_UNIT, "the id of an organisational unit or a root")], ...], BeforeValidator(split)
]
Role = Annotated[
    str, matching(r"/?([A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]{1,64}", "the name of a role, with its path if any")
]
SessionName = Annotated[str, matching(r"[A-Za-z0-9+=,.@_-]{2,64}", "2 to 64 letters, digits or any of +=,.@_-")]


def _time_of_day(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError("must be a time of the day such as 09:30")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be the name of a time zone such as Europe/Berlin, or UTC") from None
    return value


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("must say its offset, as in 2026-12-20T00:00:00Z")
    return value


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day), PlainSerializer(lambda value: f"{value:%H:%M}")]
Moment = Annotated[datetime, AfterValidator(_aware), PlainSerializer(lambda value: value.isoformat())]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Days = Annotated[tuple[Day, ...], BeforeValidator(split)]
Tag = Annotated[str, matching(r"[^=]+=.*", "a tag with its value, such as s3warden=hands-off")]


class Fix(Section):
    """One row of what may be mended. The first row that names both the rule and the place decides; without any,
    nothing is changed."""

    name: Name = Field(description="Name of the row in logs, in the journal and in alerts. Unique.")
    rules: RulePatterns = Field(
        description="Rules whose findings may be mended, named as in `rules.enable`.",
        examples=[["bucket-acl-public-read", "bucket-acl-public-write"]],
    )
    mode: Literal["off", "plan", "approve", "auto_when_safe", "auto"] = Field(
        default="plan",
        description="How far: `off`, `plan` (say what would be done), `approve` (do it once people agreed), "
        "`auto_when_safe` (do it where nobody would be cut off, else ask), `auto`.",
    )
    accounts: Accounts = Field(default=(), description="Only in these accounts.", examples=[["111122223333"]])
    units: Units = Field(
        default=(), description="Only in accounts below these units or roots.", examples=[["ou-ab12-cdefgh34"]]
    )
    buckets: Texts = Field(
        default=(), description="Only buckets with such names; `*` stands for any text.", examples=[["dev-*"]]
    )
    tags: dict[str, Text] = Field(
        default={},
        description="Only buckets with these tags, each with a value such as this.",
        examples=[{"Environment": "dev*"}],
    )
    keep_for: Annotated[Span, between("1m", "90d")] | None = Field(
        default=None,
        description="A fix ends after this long: it is taken back then, unless somebody decides to keep it "
        "(`s3warden remediations keep ID`). Default: it stays.",
        examples=["2h"],
    )


class ChangeWindow(Section):
    """When changes are allowed. Without any window: always."""

    days: Days = Field(default=DAYS, min_length=1, description="Days of the week: mon, tue, wed, thu, fri, sat, sun.")
    start: TimeOfDay = Field(description="When it opens.", examples=["09:00"])
    end: TimeOfDay = Field(
        description="When it closes; a time at or before `start` is on the next day.", examples=["17:00"]
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field(default="UTC", description="Time zone of both.")


class ChangeFreeze(Section):
    """A time in which nothing is changed."""

    start: Moment = Field(description="When it begins.", examples=["2026-12-20T00:00:00Z"])
    end: Moment = Field(description="When it ends.", examples=["2027-01-04T00:00:00Z"])
    reason: Text = Field(description="Shown to whoever asks why nothing happened.", examples=["end of year"])

    @model_validator(mode="after")
    def _agrees(self) -> "ChangeFreeze":
        if self.end <= self.start:
            raise ValueError("`end` must come after `start`")
        return self


class Remediation(Section):
    """How leaks are closed. Nothing is changed but by a row of `fixes`, and nothing without a role to write with."""

    role_name: Role | None = Field(
        default=None,
        description="Role to assume for changes, in every account, the own one included; with its path if it has one. "
        "Default: none, so that nothing can be changed.",
        examples=["s3warden-remediation"],
    )
    same_role: bool = Field(default=False, description="Make changes as the identity that reads. Instead of a role.")
    role_session_name: SessionName = Field(
        default="s3warden-remediation", description="Session name shown in CloudTrail for changes by `role_name`."
    )
    kill_file: Text | None = Field(
        default=None,
        description="While this file exists nothing is changed, from the next call on. So does the variable "
        "S3WARDEN_REMEDIATION_KILL.",
        examples=["/etc/s3warden/stop"],
    )
    quiet: Annotated[Span, between("0s", "1h")] = Field(
        default=Duration.parse("60s"),
        description="What is no live exposure is mended once nobody changed the bucket for this long: a deploy tool "
        "may not be done.",
    )
    live_always: bool = Field(
        default=True, description="Close live public exposure outside of change windows and in a freeze, too."
    )
    opt_out_tag: Annotated[str, matching(r"[^=]+=.*", "a tag with its value, such as s3warden=hands-off")] | None = (
        Field(
            default=None,
            description="A tag by which a bucket's owner refuses fixes, honoured in `opt_out_accounts` alone.",
            examples=["s3warden=hands-off"],
        )
    )
    opt_out_accounts: Accounts = Field(
        default=(), description="Accounts where `opt_out_tag` is honoured.", examples=[["111122223333"]]
    )
    attempts: int = Field(
        default=3, ge=1, le=20, description="Failed tries of one finding before it is left to people, loudly."
    )
    parallel: int = Field(default=8, ge=1, le=64, description="Buckets mended at once.")
    account_per_minute: int = Field(default=5, ge=0, description="Fixes in one account within a minute, at most.")
    account_per_hour: int = Field(default=30, ge=0, description="Fixes in one account within an hour, at most.")
    per_minute: int = Field(default=20, ge=0, description="Fixes within a minute, at most.")
    per_hour: int = Field(default=100, ge=0, description="Fixes within an hour, at most.")
    breaker_share: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="If more than this share of all buckets asks for a fix within an hour, nothing more is changed: so "
        "many leaks at once have one cause, which a person has to find.",
    )
    breaker_least: int = Field(default=25, ge=0, description="So many may ask whatever the share says.")
    retention: Annotated[Span, between("30d", "3650d")] = Field(
        default=Duration.parse("730d"),
        description="How long the journal and the audit log are kept, but never shorter than `store.retention`.",
    )
    log_bucket: Text | None = Field(
        default=None,
        description="Bucket that is to receive access logs; `{account}` and `{region}` stand for the bucket's own.",
        examples=["access-logs-{account}-{region}"],
    )
    log_prefix: str = Field(
        default="{bucket}/", description="Prefix of access logs; `{bucket}` stands for the bucket's name."
    )
    inventory_bucket: Text | None = Field(
        default=None,
        description="Bucket that is to receive daily lists of objects; `{account}` and `{region}` as in `log_bucket`.",
        examples=["inventories-{account}-{region}"],
    )
    kms_key: Text | None = Field(
        default=None,
        description="Key or alias for default encryption, where a rule asks for KMS; table buckets need its ARN.",
        examples=["alias/s3-default"],
    )
    tags: dict[str, str] = Field(
        default={}, description="Values for required tags that are missing.", examples=[{"Owner": "platform"}]
    )
    tag_resource: bool = Field(
        default=False, description="Tag by TagResource, as buckets with attribute based access control need it."
    )
    abort_days: int = Field(
        default=7, ge=1, le=365, description="Days after which an upload that was never finished is cleared away."
    )
    alarm_topic: Text | None = Field(
        default=None,
        description="SNS topic that CloudWatch's alarms on changes of buckets tell, by its ARN; `{account}` and "
        "`{region}` stand for those of the trail's log group.",
        examples=["arn:aws:sns:{region}:{account}:security"],
    )
    backup_plan: Text | None = Field(
        default=None,
        description="Plan of AWS Backup, by its name, that takes in buckets that none takes in.",
        examples=["daily"],
    )
    backup_role: Role | None = Field(
        default=None,
        description="Role with which AWS Backup backs up what a fix puts into `backup_plan` (with its path, if any).",
        examples=["service-role/AWSBackupDefaultServiceRole"],
    )

    @model_validator(mode="after")
    def _agrees(self) -> "Remediation":
        if self.role_name is not None and self.same_role:
            raise ValueError("set either `role_name` or `same_role`, not both")
        if self.opt_out_accounts and self.opt_out_tag is None:
            raise ValueError("`opt_out_accounts` needs `opt_out_tag`")
        return self

    @property
    def writes(self) -> bool:
        """Whether anything could be changed at all."""
        return self.role_name is not None or self.same_role
