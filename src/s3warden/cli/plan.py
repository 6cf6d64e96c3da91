"""`s3warden plan`: what s3warden would change about what is wrong now, and what that would do. It changes nothing."""

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry

from s3warden import assembly
from s3warden.aws.errors import AwsError
from s3warden.aws.s3 import S3Reader
from s3warden.aws.secrets import SecretError
from s3warden.cli.explain_exposure import printable
from s3warden.cli.locate import NotFoundError, located
from s3warden.cli.settings import USAGE, ConfigOption, loaded_or_exit
from s3warden.correct import object_acl
from s3warden.correct.look import Looks
from s3warden.correct.object_acl import ObjectRef
from s3warden.correct.plans import Plans
from s3warden.correct.remedy import Look
from s3warden.correct.render_plan import as_cli, as_json, as_terraform, as_text, declined_as_json, grouped, where
from s3warden.correcting import wanted
from s3warden.detect.effective import LAYERS_OF_ACL
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import Kind, Rule, RuleOptions
from s3warden.detect.rules import RULES, UnknownRuleError, find
from s3warden.model.action import Declined, Planned, RemediationPlan
from s3warden.model.bucket import AccountRef, BucketRef, BucketState, Subject
from s3warden.model.finding import Finding, RuleResult, Verdict, fingerprint
from s3warden.settings.load import load
from s3warden.settings.sections import Settings
from s3warden.telemetry import logging
from s3warden.telemetry.metrics import Metrics

_PARALLEL = 8


class Format(StrEnum):
    """How plans are printed."""

    TEXT = "text"
    CLI = "cli"
    TERRAFORM = "terraform"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants planned: of one bucket or of all, by these rules, or for one object."""

    bucket: str | None
    rules: tuple[str, ...]
    account: str | None
    region: str | None
    key: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is planned about one rule that does not pass, or why nothing is."""

    subject: Subject
    rule_id: str
    planned: Planned


def plan(
    bucket: Annotated[
        str | None, typer.Argument(metavar="[BUCKET]", help="One bucket by name. Default: all that is guarded.")
    ] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Only for this rule. May be given more than once.")] = None,
    account: Annotated[str | None, typer.Option(help="The account that owns the bucket. Default: looked for.")] = None,
    region: Annotated[str | None, typer.Option(help="The bucket's region. Default: looked for.")] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--object", metavar="KEY", help="The ACL of this object; ?versionId=ID at its end names a version."
        ),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="For people, as commands, as code, or as JSON.")
    ] = Format.TEXT,
    config: ConfigOption = None,
    log_level: Annotated[str, typer.Option(help="Lowest level of log lines on standard error.")] = "error",
) -> None:
    """Show what would mend what is wrong now: each change, what it may break, and how it is taken back.

    Reads AWS and changes nothing, whatever the settings allow.

    Example: s3warden plan payroll-exports --rule bucket-public-effective --format cli
    """
    if key is not None and bucket is None:
        raise typer.BadParameter("name the bucket of the object", param_hint="BUCKET")
    settings = loaded_or_exit(lambda: load(config, flags={("log", "level"): log_level})).settings
    logging.configure(settings.log.level, settings.log.format, stream=sys.stderr)
    try:
        answers = asyncio.run(_planned(settings, Asked(bucket, tuple(rule or ()), account, region, key)))
    except UnknownRuleError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USAGE) from None
    except (AwsError, SecretError, NotFoundError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo("\n".join(printed(answers, form)))


async def _planned(settings: Settings, asked: Asked) -> list[Answer]:
    enabled, options = assembly.rules_and_options(settings)
    rules = tuple(find(rule_id, RULES) for rule_id in asked.rules) or enabled
    async with assembly.reading(settings, Metrics(CollectorRegistry())) as parts:
        identity = await parts.sessions.identify()
        accounts = await parts.estate.accounts()
        options = replace(options, trusted_accounts=(*options.trusted_accounts, *(each.account for each in accounts)))
        subjects: Sequence[Subject] = await _subjects(parts, identity.partition, accounts, asked)
        looks = Looks(S3Reader(parts.calls))
        if asked.key is not None:
            return [await _object(looks, subject, asked) for subject in subjects if isinstance(subject, BucketRef)]
        lives_in = {(each.owner, each.region) for each in subjects if isinstance(each, BucketRef)}
        planner = Plans(
            looks,
            lambda: options,
            wanted(settings),
            regions=lambda ref: {place for owner, place in lives_in if owner == ref},
        )
        turn = asyncio.Semaphore(_PARALLEL)

        async def one(subject: Subject) -> list[Answer]:
            async with turn:
                return await _about(planner, subject, rules, options)

        found = await asyncio.gather(*(one(subject) for subject in subjects))
    return [answer for answers in found for answer in answers]


async def _subjects(
    parts: assembly.Reading, partition: str, accounts: Sequence[AccountRef], asked: Asked
) -> list[Subject]:
    """What is asked about: one bucket, or everything. Raises AwsError, NotFoundError."""
    if asked.bucket is None:
        return await _all(parts, accounts)
    if asked.account and asked.region:
        return [BucketRef(partition, asked.account, asked.region, asked.bucket)]
    owners = [AccountRef(partition, asked.account)] if asked.account else accounts
    return [await located(parts, owners, asked.bucket)]


async def _object(looks: Looks, bucket: BucketRef, asked: Asked) -> Answer:
    """What is planned about the ACL of one object. Raises AwsError."""
    key, _, version = str(asked.key).partition("?versionId=")
    ref = ObjectRef(bucket, key, version or None)
    acl = await looks.object_acl(ref)
    look = await looks.at(bucket, LAYERS_OF_ACL)
    return Answer(bucket, object_acl.RULE, object_acl.plan(ref, acl, look, datetime.now(UTC)))


async def _all(parts: assembly.Reading, accounts: Sequence[AccountRef]) -> list[Subject]:
    """Every guarded account with its buckets. Raises AwsError where one cannot be listed."""
    subjects: list[Subject] = []
    for account in accounts:
        listing = await parts.estate.listing(account)
        subjects += [account, *listing.buckets]
    return subjects


async def _about(planner: Plans, subject: Subject, rules: Sequence[Rule], options: RuleOptions) -> list[Answer]:
    """What is planned about every rule that does not pass."""
    mine = [rule for rule in rules if (rule.kind is Kind.ACCOUNT) == isinstance(subject, AccountRef)]
    look = await planner.look(subject, *mine)
    if isinstance(look.state, BucketState) and not look.state.exists:
        raise NotFoundError(f"there is no {where(subject)}")
    found: list[Answer] = []
    for rule in mine:
        [result] = evaluate((rule,), look.state, options=options)
        if result.verdict in (Verdict.FAIL, Verdict.UNKNOWN):
            found.append(Answer(subject, rule.info.id, _one(planner, look, rule, result)))
    return found


def _one(planner: Plans, look: Look, rule: Rule, result: RuleResult) -> Planned:
    now = datetime.now(UTC)
    ref = look.state.ref
    finding = Finding(
        fingerprint(rule.info.id, ref), rule.info.id, ref, result.verdict, result.severity, result.evidence, now, now
    )
    return planner.plan(finding, look, rule, now)


def printed(answers: Sequence[Answer], form: Format) -> list[str]:
    """The answers, line by line."""
    if form is Format.JSON:
        return json.dumps([_document(answer) for answer in answers], indent=2).split("\n")
    plans = grouped(answer.planned for answer in answers if isinstance(answer.planned, RemediationPlan))
    lines: list[str] = []
    for made, also in plans:
        block = _block(made, also, form)
        lines += [*([""] if lines else []), *(block if form is not Format.TEXT else map(printable, block))]
    left = [f"{'# ' if form is not Format.TEXT else ''}{printable(line)}" for line in _left(answers)]
    end = [] if plans else ["Nothing to change." if form is Format.TEXT else "# Nothing to change."]
    return [*lines, *([""] if lines and left else []), *left, *end]


def _block(made: RemediationPlan, also: Sequence[str], form: Format) -> list[str]:
    if form is Format.CLI:
        return as_cli(made)
    return as_terraform(made) if form is Format.TERRAFORM else as_text(made, also)


def _left(answers: Iterable[Answer]) -> Iterator[str]:
    """What is wrong and not planned, with the reason."""
    for answer in answers:
        if isinstance(answer.planned, Declined):
            yield f"{where(answer.subject)}: {answer.rule_id}: {answer.planned.detail} ({answer.planned.reason})"


def _document(answer: Answer) -> dict[str, object]:
    if isinstance(answer.planned, Declined):
        return declined_as_json(answer.subject, answer.rule_id, answer.planned)
    return as_json(answer.planned)
