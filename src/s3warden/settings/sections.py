"""The tree of settings: every section with its fields, defaults, bounds and descriptions.

The descriptions are the documentation: the example file and the reference page are written from them. A value that
an operator cannot usefully change is no setting.
"""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from s3warden.collect.timetable import trigger
from s3warden.detect.own.rule import MOST
from s3warden.settings.approvals import ApiToken, Approvals
from s3warden.settings.destinations import Destination
from s3warden.settings.house import Exempting, Weights
from s3warden.settings.own_rules import OwnRule, names_own_rules
from s3warden.settings.remediation import ChangeFreeze, ChangeWindow, Fix, Remediation
from s3warden.settings.section import Section
from s3warden.settings.values import (
    AccountId,
    Accounts,
    AccountsOrUnits,
    Duration,
    HttpUrl,
    Pattern,
    PolicyText,
    Port,
    Region,
    Regions,
    RulePatterns,
    SecretSetting,
    Span,
    StatementParts,
    StoreUrl,
    Texts,
    between,
    matching,
    split,
    store_url,
)


class Aws(Section):
    """How AWS is reached. Credentials come from the usual chain: task role, pod identity, profile, environment."""

    region: Region | None = Field(
        default=None, description="Home region. Default: AWS_REGION or the profile.", examples=["eu-west-1"]
    )
    endpoint_url: HttpUrl | None = Field(
        default=None,
        description="Replaces the endpoints of all services; for emulators.",
        examples=["http://localhost:5000"],
    )
    role_name: Annotated[
        str, matching(r"/?([A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]{1,64}", "the name of a role, with its path if any")
    ] = Field(
        default="s3warden", description="Role to assume in every account but the own one, with its path if it has one."
    )
    role_session_name: Annotated[
        str, matching(r"[A-Za-z0-9+=,.@_-]{2,64}", "2 to 64 letters, digits or any of +=,.@_-")
    ] = Field(default="s3warden", description="Session name shown in CloudTrail for assumed roles.")
    external_id: SecretSetting | None = Field(
        default=None, description="External id sent when a role is assumed.", examples=["env:S3_EXTERNAL_ID"]
    )
    max_in_flight: int = Field(
        default=200, ge=1, le=2000, description="Calls to AWS under way at once, over all accounts."
    )
    connect_timeout: Annotated[Span, between("100ms", "1m")] = Field(
        default=Duration.parse("5s"), description="How long to wait for a connection."
    )
    read_timeout: Annotated[Span, between("1s", "5m")] = Field(
        default=Duration.parse("30s"), description="How long to wait for an answer."
    )


class Guarded(Section):
    """Which accounts, regions and buckets are guarded. With nothing set: all buckets of the own account."""

    ids: Accounts = Field(default=(), description="Account ids to guard.", examples=[["111122223333", "444455556666"]])
    organization: bool = Field(default=False, description="Guard every active account of the AWS organisation.")
    include: AccountsOrUnits = Field(
        default=(), description="Keep only these accounts, or those below these OUs.", examples=[["ou-ab12-cdefgh34"]]
    )
    exclude: AccountsOrUnits = Field(
        default=(), description="Leave these accounts out, or those below these OUs.", examples=[["777788889999"]]
    )
    regions: Regions = Field(
        default=(), description="Guard only these regions. Default: all.", examples=[["eu-west-1"]]
    )
    exclude_regions: Regions = Field(default=(), description="Leave these regions out.", examples=[["us-west-1"]])
    security: AccountId | None = Field(
        default=None,
        description="Account that has the organisation's access analyzers: what it finds counts for every account.",
        examples=["444455556666"],
    )
    bucket_prefix: str = Field(default="", max_length=63, description="Guard only buckets whose name begins with this.")

    @model_validator(mode="after")
    def _agrees(self) -> "Guarded":
        both = sorted(set(self.regions) & set(self.exclude_regions))
        if both:
            raise ValueError(f"`regions` and `exclude_regions` both name {', '.join(both)}")
        return self


def _queue_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.username or parts.password or not parts.path.strip("/"):
        raise ValueError("must be the URL of a queue: https://<endpoint>/<account>/<name>")
    return value


class Queue(Section):
    """A queue of events. A bare URL in place of a table is enough."""

    url: Annotated[HttpUrl, AfterValidator(_queue_url)] = Field(
        description="URL of the queue.", examples=["https://sqs.eu-west-1.example.com/111122223333/s3warden-events"]
    )
    region: Region | None = Field(
        default=None, description="Region of the queue. Default: taken from the URL.", examples=["eu-west-1"]
    )
    account: AccountId | None = Field(
        default=None,
        description="Account whose role reads the queue. Default: the own identity.",
        examples=["111122223333"],
    )
    receivers: int = Field(default=2, ge=1, le=32, description="Long polls under way at once.")


class Events(Section):
    """How messages are taken from the queues."""

    poll: Annotated[Span, between("1s", "20s")] = Field(
        default=Duration.parse("10s"), description="Length of a long poll. Shorter than `shutdown.deadline`."
    )
    visibility: Annotated[Span, between("10s", "1h")] = Field(
        default=Duration.parse("60s"),
        description="How long a message stays hidden while it is worked on; extended as needed.",
    )
    max_in_flight: int = Field(
        default=100, ge=1, le=10_000, description="Messages of one queue being worked on at once."
    )


class Refresh(Section):
    """How buckets are looked at again."""

    workers: int = Field(default=32, ge=1, le=512, description="Buckets read at once.")
    capacity: int = Field(
        default=10_000, ge=10, le=1_000_000, description="Buckets that may wait; the sources pause when full."
    )
    quiet: Annotated[Span, between("0s", "10m")] = Field(
        default=Duration.parse("2s"),
        description="A burst of changes to one bucket is judged once it was quiet this long. "
        "Calls that can widen access do not wait.",
    )
    max_delay: Annotated[Span, between("0s", "1h")] = Field(
        default=Duration.parse("10s"), description="A change waits for quiet no longer than this."
    )
    account_fanout_per_second: float = Field(
        default=100.0,
        gt=0,
        le=10_000,
        description="Buckets a second that are read again after an account-level change.",
    )
    recheck: Annotated[Span, between("0s", "15m")] = Field(
        default=Duration.parse("30s"),
        description="When to look once more after an event of which nothing was to be seen yet: S3 may answer with the "
        "old configuration for a while. `0s`: never.",
    )

    @model_validator(mode="after")
    def _agrees(self) -> "Refresh":
        if self.max_delay < self.quiet:
            raise ValueError("`max_delay` must not be shorter than `quiet`")
        return self


def _cron(value: str) -> str:
    try:
        trigger(interval=None, cron=value, jitter=0)
    except ValueError:
        raise ValueError("must be five cron fields, such as `0 */6 * * *`: minute, hour, day, month, weekday") from None
    return value


class Sweep(Section):
    """The full pass that finds what no event told."""

    on_start: bool = Field(default=True, description="Sweep once when the daemon starts.")
    interval: Annotated[Span, between("1m", "7d")] = Field(
        default=Duration.parse("6h"), description="Time between two sweeps."
    )
    cron: Annotated[str, AfterValidator(_cron)] | None = Field(
        default=None,
        description="Timetable in cron fields, UTC, in place of `interval`. Days of the week are 0 (Sunday) to 6, "
        "or names.",
        examples=["0 */6 * * *"],
    )
    jitter: Annotated[Span, between("0s", "1h")] = Field(
        default=Duration.parse("5m"), description="A sweep starts up to this much later, at random."
    )
    accounts_in_parallel: int = Field(default=8, ge=1, le=100, description="Accounts listed at once.")

    @model_validator(mode="after")
    def _agrees(self) -> "Sweep":
        if self.cron is not None and "interval" in self.model_fields_set:
            raise ValueError("set either `interval` or `cron`, not both")
        return self


OrganizationId = Annotated[str, matching(r"o-[a-z0-9]{10,32}", "the id of an organisation, such as o-a1b2c3d4e5")]
CanonicalId = Annotated[str, matching(r"[0-9a-f]{64}", "a canonical user id: 64 hexadecimal digits")]
CanonicalIds = Annotated[tuple[CanonicalId, ...], BeforeValidator(split)]
Selectors = Annotated[
    tuple[Annotated[str, matching(r"tag:[^=]+=.+|(?!tag:).+", "a bucket name, or tag:KEY=VALUE")], ...],
    BeforeValidator(split),
]
UploadEncryption = Annotated[tuple[Literal["AES256", "aws:kms", "aws:kms:dsse"], ...], BeforeValidator(split)]


class Rules(Section):
    """Which rules are applied, and what they ask for."""

    enable: RulePatterns = Field(
        default=("default",),
        description="Rules to apply: a pack (`default`, `all`), a category, a framework such as `cis-5.0`, a severity "
        "such as `severity>=high`, or an id, in which `*` stands for any text.",
        examples=[["default", "cis-5.0"]],
    )
    disable: RulePatterns = Field(
        default=(),
        description="Rules to leave out, named as in `enable`, which it beats.",
        examples=[["bucket-versioning"]],
    )
    required_tags: Texts = Field(
        default=("Name", "Role", "Environment", "Owner"), description="Tags that every bucket needs. Case counts."
    )
    tag_patterns: dict[str, Pattern] = Field(
        default={},
        description="Regular expression that the whole value of a tag must match, by tag.",
        examples=[{"Environment": "dev|test|prod"}],
    )
    name_pattern: Pattern | None = Field(
        default=None,
        description="Regular expression that the whole name of every bucket must match.",
        examples=["acme-[a-z0-9-]+"],
    )
    log_buckets: Texts = Field(
        default=(),
        description="Buckets that receive access logs; `*` stands for any text.",
        examples=[["*-access-logs"]],
    )
    trusted_accounts: Accounts = Field(
        default=(),
        description="Accounts that bucket policies may give access to. Those that are guarded are trusted anyway.",
        examples=[["777788889999"]],
    )
    organization_id: OrganizationId | None = Field(
        default=None,
        description="Id of the own organisation: its members are no outsiders, those of another one are.",
        examples=["o-a1b2c3d4e5"],
    )
    minimum_tls: Literal["1.2", "1.3"] | None = Field(
        default=None,
        description="Lowest TLS version that bucket policies have to insist on. Default: none is asked for.",
        examples=["1.2"],
    )
    upload_encryption: UploadEncryption = Field(
        default=(),
        description="Bucket policies have to refuse uploads that do not ask for one of these: AES256, aws:kms or "
        "aws:kms:dsse. Default: nothing is asked for.",
        examples=[["aws:kms"]],
    )
    widest_ipv4: Annotated[int, Field(ge=8, le=32)] = Field(
        default=16,
        description="Length of the prefix of the widest range of IPv4 addresses that counts as a limit; within a wider "
        "one anyone may rent an address.",
    )
    widest_ipv6: Annotated[int, Field(ge=32, le=128)] = Field(default=48, description="The same for IPv6 addresses.")
    trusted_canonical_ids: CanonicalIds = Field(
        default=(),
        description="Canonical ids that bucket ACLs may grant access to, beside the owner's and AWS's own.",
        examples=[["79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"]],
    )
    allowed_grantees: Texts = Field(
        default=(),
        description="Everyone whom bucket policies may admit beside the owner's account: account ids, ARNs, services "
        "and identity providers by name (`*` stands for any text), CIDRs, ids of VPCs, VPC endpoints and "
        "organisations. Default: no list.",
        examples=[["777788889999", "203.0.113.0/24", "o-a1b2c3d4e5"]],
    )
    control_policy: PolicyText | None = Field(
        default=None,
        description="Policy, as JSON, that no bucket policy may go beyond. `{bucket}`, `{account}`, `{region}` and "
        "`{partition}` stand for the bucket's own. Default: none.",
        examples=['{"Version": "2012-10-17", "Statement": []}'],
    )
    required_statements: StatementParts = Field(
        default=(),
        description="Parts of statements, each as JSON, that every bucket policy has to have a statement for; names in "
        "braces as in `control_policy`, `*` in a Sid stands for any text.",
        examples=[['{"Sid": "TlsOnly", "Effect": "Deny"}']],
    )
    forbidden_statements: StatementParts = Field(
        default=(),
        description="Parts of statements, each as JSON, that no bucket policy may have a statement for.",
        examples=[['{"Effect": "Allow", "Principal": "*"}']],
    )
    sensitive_buckets: Selectors = Field(
        default=(),
        description="Buckets, by name or as `tag:KEY=VALUE`, that must refuse presigned URLs older than "
        "`presigned_minutes`; `*` stands for any text.",
        examples=[["*-customers", "tag:Data=personal"]],
    )
    presigned_minutes: int = Field(
        default=60, ge=1, le=10_080, description="How long a presigned URL of a sensitive bucket may work."
    )
    kms_keys: Texts = Field(
        default=(),
        description="Keys that may be default keys, as buckets name them: ARNs, ids or aliases; `*` stands for any "
        "text. Default: any.",
        examples=[["arn:aws:kms:*:111122223333:key/*"]],
    )
    dsse_buckets: Selectors = Field(
        default=(),
        description="Buckets, by name or as `tag:KEY=VALUE`, whose objects must be encrypted twice (DSSE-KMS).",
        examples=[["tag:Class=secret"]],
    )
    allowed_regions: Regions = Field(
        default=(), description="Regions where buckets may be. Default: any.", examples=[["eu-west-1", "eu-central-1"]]
    )
    own_domains: Texts = Field(
        default=(),
        description="Domains that websites may send visitors to, with all below them. Default: none is asked for.",
        examples=[["example.com"]],
    )
    log_prefix: str | None = Field(
        default=None,
        min_length=1,
        description="Prefix that access logs must have; `{bucket}`, `{account}` and `{region}` are filled in.",
        examples=["{account}/{bucket}/"],
    )
    log_key_format: Literal["SimplePrefix", "EventTime", "DeliveryTime"] | None = Field(
        default=None,
        description="Format that the keys of access logs must have: SimplePrefix, or partitioned by EventTime or "
        "DeliveryTime.",
        examples=["EventTime"],
    )
    object_lock_mode: Literal["GOVERNANCE", "COMPLIANCE"] | None = Field(
        default=None,
        description="Mode that the default retention of a locked bucket must have at least.",
        examples=["COMPLIANCE"],
    )
    log_retention_days: int = Field(
        default=365, ge=1, le=36_500, description="Days that access logs must be kept for at least."
    )
    object_lock_days: int = Field(
        default=0, ge=0, le=36_500, description="Days that the default retention of a locked bucket must have at least."
    )
    abort_uploads_days: int = Field(
        default=7, ge=1, le=365, description="Days after which unfinished uploads must be aborted at the latest."
    )
    mass_expiry_days: int = Field(
        default=7,
        ge=1,
        le=365,
        description="A lifecycle rule that ends all objects of a bucket within so many days counts as deletion.",
    )
    short_lived_buckets: Selectors = Field(
        default=(),
        description="Buckets, by name or as `tag:KEY=VALUE`, whose objects are meant to end that soon.",
        examples=[["*-scratch"]],
    )
    requester_pays_buckets: Selectors = Field(
        default=(),
        description="Buckets, by name or as `tag:KEY=VALUE`, whose readers are to pay for their requests.",
        examples=[["tag:Shared=yes"]],
    )
    transfer_acceleration: Literal["on", "off"] = Field(
        default="on", description="What bucket-transfer-acceleration asks for: `on` or `off`."
    )

    trail_buckets: Texts = Field(
        default=(),
        description="Buckets that CloudTrail trails should deliver to; `*` stands for any text. Default: any bucket of "
        "a guarded account.",
        examples=[["acme-trail-*"]],
    )
    object_events_log: bool = Field(
        default=False,
        description="A bucket needs no access logs where CloudTrail records all reads and writes of its objects.",
    )
    backup_age: Annotated[Span, between("1h", "3650d")] = Field(
        default=Duration.parse("2d"), description="How old the last backup of a bucket may be."
    )
    empty_days: int = Field(
        default=14, ge=3, le=14, description="Days without any object after which a bucket counts as empty."
    )
    idle_days: int = Field(
        default=90,
        ge=3,
        le=400,
        description="Days without a request for an object after which a bucket counts as idle. It is told only where a "
        "metrics configuration without a filter has S3 count the requests.",
    )
    growth_window: Literal["day", "week"] = Field(
        default="week", description="The time within which a bucket must not grow beyond measure: `day` or `week`."
    )
    growth_factor: float = Field(
        default=2, ge=1, le=1000, description="Growth beyond measure makes a bucket at least so many times as large."
    )
    growth_gigabytes: int = Field(
        default=100,
        ge=1,
        le=1_000_000,
        description="Growth beyond measure adds at least so many gigabytes (10^9 bytes).",
    )
    growth_objects: int = Field(
        default=1_000_000, ge=1, le=1_000_000_000, description="Growth beyond measure adds at least so many objects."
    )
    changes_within: Annotated[Span, between("1m", "30d")] = Field(
        default=Duration.parse("24h"),
        description="How long bucket-config-changed tells that somebody changed the configuration of a bucket.",
    )
    expected_changers: Texts = Field(
        default=(),
        description="Who may change buckets without being told of by bucket-config-changed: ARNs, services, or names "
        "of roles in the bucket's own account; `*` stands for any text. ARNs of roles are written without a path.",
        examples=[["deploy", "arn:aws:iam::777788889999:role/release-*", "cloudformation.amazonaws.com"]],
    )


class Store(Section):
    """Where findings and outgoing messages survive a restart."""

    url: StoreUrl = Field(
        default=store_url("sqlite:///s3warden.db"),
        description="Database: `sqlite:///relative/path`, `sqlite:////absolute/path` or "
        "`postgresql://user:password@host/name`; a reference such as `env:DATABASE_URL` keeps the password out of "
        "this file.",
    )
    retention: Annotated[Span, between("1d", "3650d")] = Field(
        default=Duration.parse("90d"), description="How long the history of resolved findings is kept."
    )


class Http(Section):
    """The daemon's own HTTP server: metrics and probes. No secret is served, and there is no login."""

    host: str = Field(default="0.0.0.0", min_length=1, description="Address to listen on.")  # noqa: S104 - probes come from outside the container
    port: Port = Field(default=9456, description="Port to listen on; 0 takes any free one.")
    reload_endpoint: bool = Field(
        default=False, description="Let `POST /-/reload` load the settings again, as SIGHUP does."
    )


class MetricsOptions(Section):
    """Metrics beyond the bounded set."""

    exposed_buckets: bool = Field(
        default=False, description="Name each exposed bucket in `s3warden_bucket_exposed_info`: one series a bucket."
    )
    exposed_buckets_limit: int = Field(
        default=500, ge=1, le=10_000, description="At most this many series of that kind."
    )


class Log(Section):
    """The log, on standard output."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], BeforeValidator(lambda v: v.lower() if isinstance(v, str) else v)
    ] = Field(default="info", description="Lowest level shown: debug, info, warning or error.")
    format: Literal["auto", "json", "console"] = Field(
        default="auto", description="`json` lines, `console` for people, or `auto`: console on a terminal, else JSON."
    )


class Shutdown(Section):
    """How the daemon stops."""

    deadline: Annotated[Span, between("1s", "10m")] = Field(
        default=Duration.parse("25s"),
        description="Time to finish what is under way; the container runtime should wait longer.",
    )


def _queues(value: object) -> object:
    """A bare URL, several with commas between them, or a list of URLs and tables."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, list | tuple):
        return [{"url": item} if isinstance(item, str) else item for item in value]
    return value


class Settings(BaseSettings):
    """Everything that can be set. `Settings()` are the defaults: it reads neither a file nor the environment."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=False,
        case_sensitive=True,
    )

    queues: Annotated[tuple[Queue, ...], BeforeValidator(_queues)] = Field(
        default=(), description="The queues that EventBridge fills. With none, only the sweep finds changes."
    )
    destinations: tuple[Destination, ...] = Field(
        default=(), description="Who is told. With none, findings are only stored and counted."
    )
    own_rules: Annotated[tuple[OwnRule, ...], Field(max_length=MOST)] = Field(
        default=(), description="Rules of one's own, beside the built-in ones."
    )
    own_rules_directory: str | None = Field(
        default=None,
        min_length=1,
        description="Directory of files (`*.toml`, subdirectories included) with more `[[own_rules]]`.",
        examples=["/etc/s3warden/rules"],
    )
    runbook_base_url: HttpUrl | None = Field(
        default=None,
        description="Alerts link to this URL with the rule's id at its end.",
        examples=["https://wiki.example.com/s3warden/"],
    )
    fixes: tuple[Fix, ...] = Field(
        default=(), description="What may be mended where, and how far. With none, nothing is ever changed."
    )
    change_windows: tuple[ChangeWindow, ...] = Field(
        default=(), description="When changes are allowed. With none: always."
    )
    change_freezes: tuple[ChangeFreeze, ...] = Field(default=(), description="When nothing is changed.")
    aws: Aws = Aws()
    accounts: Guarded = Guarded()
    events: Events = Events()
    refresh: Refresh = Refresh()
    sweep: Sweep = Sweep()
    rules: Rules = Rules()
    severity: Weights = Weights()
    exemptions: Exempting = Exempting()
    store: Store = Store()
    http: Http = Http()
    metrics: MetricsOptions = MetricsOptions()
    log: Log = Log()
    shutdown: Shutdown = Shutdown()
    remediation: Remediation = Remediation()
    approvals: Approvals = Approvals()
    api_tokens: tuple[ApiToken, ...] = Field(
        default=(), description="Who may use the HTTP API for remediations. With none there is no such API."
    )

    @model_validator(mode="after")
    def _agrees(self) -> "Settings":
        for what, names in (
            ("destinations have the name", [d.name for d in self.destinations]),
            ("queues have the URL", [q.url for q in self.queues]),
            ("fixes have the name", [fix.name for fix in self.fixes]),
            ("API tokens have the name", [token.name for token in self.api_tokens]),
            ("own rules have the id", [rule.id for rule in self.own_rules]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"several {what} {', '.join(twice)}")
        if any(fix.mode not in ("off", "plan") for fix in self.fixes) and not self.remediation.writes:
            raise ValueError(
                "`fixes` need a role to write with: set `remediation.role_name` or `remediation.same_role`"
            )
        named = (pattern for fix in self.fixes for pattern in fix.rules)
        names_own_rules((*self.rules.enable, *self.rules.disable, *named), self.own_rules)
        if self.queues and self.events.poll >= self.shutdown.deadline:
            raise ValueError("`events.poll` must be shorter than `shutdown.deadline`")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' own signature
        init_settings: PydanticBaseSettingsSource,
        *_sources: PydanticBaseSettingsSource,
        **_more: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what is handed in: `load` names the sources itself, with their origins."""
        return (init_settings,)
