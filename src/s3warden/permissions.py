"""Which permissions s3warden needs under these settings, as IAM policies. Pure: nothing is asked.

There are three: what reads an account (in the role of every guarded account, and in the daemon's own where that is
guarded), what the daemon does as itself, and what the role may do that makes changes. Takes settings, hands on
policies. A test holds what is read against the calls that are made.

Sources: the service authorization reference of each service, for the names of actions and the kinds of resources.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from s3warden import assembly
from s3warden.aws.session import role_arn
from s3warden.collect.aspects import ASPECTS
from s3warden.collect.derived import with_sources
from s3warden.collect.fetch import READS
from s3warden.correct import planning
from s3warden.correct.remedies import remedies_for
from s3warden.correct.remedies.backups import PLAN
from s3warden.correct.remedy import Remedy
from s3warden.correct.service_writes import SERVICES
from s3warden.detect.rule import Rule
from s3warden.detect.rules import needs
from s3warden.detect.selection import names
from s3warden.model.bucket import BUCKET_ASPECTS, Aspect
from s3warden.model.exemption import Exemption
from s3warden.model.secret import SecretPlace, SecretRef
from s3warden.settings.destinations import Sns
from s3warden.settings.load import secrets
from s3warden.settings.sections import Queue, Settings

LISTING: Final[Mapping[str, str]] = {
    "ListBuckets": "s3:ListAllMyBuckets",
    "HeadBucket": "s3:ListBucket",
    "GetBucketLocation": "s3:GetBucketLocation",
    "DescribeRegions": "ec2:DescribeRegions",
}
"""The calls that find buckets and their regions, and the action that each takes."""

QUEUE: Final[Mapping[str, str]] = {
    "ReceiveMessage": "sqs:ReceiveMessage",
    "DeleteMessageBatch": "sqs:DeleteMessage",
    "ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "GetQueueAttributes": "sqs:GetQueueAttributes",
}
"""The calls on a queue of events."""

ORGANIZATION: Final[Mapping[str, str]] = {
    "ListAccounts": "organizations:ListAccounts",
    "ListRoots": "organizations:ListRoots",
    "ListAccountsForParent": "organizations:ListAccountsForParent",
    "ListOrganizationalUnitsForParent": "organizations:ListOrganizationalUnitsForParent",
}
"""The calls that name the accounts of an organisation, and the units above them where these matter."""

_OF_BUCKETS = frozenset({"s3:ListBucket", "s3:GetBucketLocation"})
_CARRIED_OUT = frozenset({"approve", "auto_when_safe", "auto"})
_PLANNED = _CARRIED_OUT | {"plan"}
_PASSING = "iam:PassRole"
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}


def needed(settings: Settings, exemptions: Sequence[Exemption] = ()) -> frozenset[Aspect]:
    """All that the enabled rules look at, what weighs them, and what must be read for it. Raises UnknownRuleError."""
    rules, _options = assembly.rules_and_options(settings)
    looks = (planning.aspects(rule) | {Aspect.TAGGING} for rule in _fixed(settings, rules, _PLANNED))
    return with_sources((needs(rules) | assembly.house(settings, exemptions).needs).union(*looks))


def _fixed(settings: Settings, rules: Iterable[Rule], modes: Container[str]) -> tuple[Rule, ...]:
    """The rules that can be mended and that a row of `fixes` in one of these modes names."""
    patterns = [pattern for fix in settings.fixes if fix.mode in modes for pattern in fix.rules]
    named = (rule for rule in rules if any(names(pattern, rule) for pattern in patterns))
    return tuple(rule for rule in named if remedies_for(rule.info.id))


def partition_of(region: str | None) -> str:
    """The partition of a region by its name; the usual one where none is named."""
    return next((name for prefix, name in _PARTITIONS.items() if region and region.startswith(prefix)), "aws")


def reading(settings: Settings, partition: str, exemptions: Sequence[Exemption] = ()) -> dict[str, Any]:
    """The policy of whoever reads an account. Raises UnknownRuleError."""
    aspects = needed(settings, exemptions)
    plain = {ASPECTS[aspect].iam_action for aspect in aspects & BUCKET_ASPECTS & ASPECTS.keys()}
    of_buckets = plain | _OF_BUCKETS
    others = {read.iam_action for aspect in aspects for read in READS[aspect]} | set(LISTING.values())
    others |= _read_back(settings)
    queues = [queue for queue in settings.queues if queue.account is not None]
    return _policy(
        _statement("ReadBuckets", of_buckets, [f"arn:{partition}:s3:::*"]),
        *_by_service(others - of_buckets),
        *_queues(queues, settings.aws.region, partition),
    )


def writing(settings: Settings, partition: str) -> dict[str, Any]:
    """The policy of the role that makes changes, for what `fixes` let be changed. Raises UnknownRuleError.

    Without any statement where nothing may be changed.
    """
    remedies = _carried_out(settings)
    actions = {action for remedy in remedies for action in remedy.iam_actions}
    of_objects = {action for action in actions if action.startswith("s3:PutObject")}
    of_buckets = {action for action in actions - of_objects if _is_of_a_bucket(action)}
    return _policy(
        _statement("WriteBuckets", of_buckets, [f"arn:{partition}:s3:::*"] if of_buckets else []),
        _statement("WriteObjects", of_objects, [f"arn:{partition}:s3:::*/*"] if of_objects else []),
        _statement("PassRoles", [_PASSING], _passed(settings, remedies, partition)),
        *_by_service(actions - of_buckets - of_objects - {_PASSING}, "Write"),
    )


def _carried_out(settings: Settings) -> tuple[Remedy, ...]:
    """The remedies that the settings let be carried out, with approval or without."""
    rules, _options = assembly.rules_and_options(settings)
    return tuple(remedy for rule in _fixed(settings, rules, _CARRIED_OUT) for remedy in remedies_for(rule.info.id))


def _passed(settings: Settings, remedies: Iterable[Remedy], partition: str) -> list[str]:
    """The roles that are handed to a service: that of the settings, or whichever a bucket has to be given back."""
    passing = {remedy.id for remedy in remedies if _PASSING in remedy.iam_actions}
    if passing - {PLAN.id}:
        return ["*"]
    role = settings.remediation.backup_role
    return [role_arn(partition, "*", role)] if passing and role is not None else []


def _read_back(settings: Settings) -> frozenset[str]:
    """What reads a setting of a service before and after it is changed, beyond what the rules read."""
    changed = {aspect for remedy in _carried_out(settings) for aspect in remedy.reads}
    return frozenset(row.source.iam_action for aspect in changed for row in SERVICES.get(aspect, ()))


def _is_of_a_bucket(action: str) -> bool:
    """Whether the permission is given on buckets; those on accounts and what else they have are named so."""
    service, _, name = action.partition(":")
    return service == "s3" and not any(word in name for word in ("Account", "AccessPoint", "Resource", "StorageLens"))


def daemon(settings: Settings, partition: str, exemptions: Sequence[Exemption] = ()) -> dict[str, Any]:
    """The policy of the daemon's own identity, without what reads its own account."""
    accounts = settings.accounts
    elsewhere = accounts.ids or (("*",) if accounts.organization else ())
    roles = [role_arn(partition, account, settings.aws.role_name) for account in elsewhere]
    if settings.remediation.role_name is not None:
        # To make changes the role is assumed in the own account, too.
        everywhere = accounts.ids or ("*",)
        roles += [role_arn(partition, account, settings.remediation.role_name) for account in everywhere]
    topics = [each.topic_arn for each in settings.destinations if isinstance(each, Sns)]
    listing = [ORGANIZATION[call] for call in _organization_calls(settings, exemptions)]
    refs = [ref for _, ref in secrets(settings)]
    return _policy(
        *_queues((queue for queue in settings.queues if queue.account is None), settings.aws.region, partition),
        _statement("AssumeRoles", ["sts:AssumeRole"], roles),
        _statement("ListAccounts", listing, ["*"] if listing else []),
        _statement("Tell", ["sns:Publish"], topics),
        _statement("ReadSecrets", ["secretsmanager:GetSecretValue"], _secret_arns(refs, partition)),
        _statement("ReadParameters", ["ssm:GetParameter"], _parameter_arns(refs, partition)),
    )


def _organization_calls(settings: Settings, exemptions: Sequence[Exemption]) -> frozenset[str]:
    """What is asked of the organisation: its accounts if they are guarded, its tree where units are spoken of."""
    accounts, below = settings.accounts, {"ListAccountsForParent", "ListOrganizationalUnitsForParent"}
    calls = {"ListAccounts"} if accounts.organization else set[str]()
    if accounts.organization and any(not each.isdigit() for each in (*accounts.include, *accounts.exclude)):
        calls |= below
    if assembly.house(settings, exemptions).asks_for_units:
        calls |= below | {"ListRoots"}
    return frozenset(calls)


def _policy(*statements: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [dict(each) for each in statements if each is not None]}


def _statement(sid: str, actions: Iterable[str], resources: Iterable[str]) -> Mapping[str, Any] | None:
    """A statement that allows; None where there is nothing to allow it on."""
    on = sorted(set(resources))
    if not on:
        return None
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": on[0] if len(on) == 1 else on}


def _by_service(actions: Iterable[str], verb: str = "Read") -> Iterator[Mapping[str, Any] | None]:
    services: defaultdict[str, set[str]] = defaultdict(set)
    for action in actions:
        services[action.partition(":")[0]].add(action)
    for name, its in sorted(services.items()):
        yield _statement(f"{verb}{name.title().replace('-', '')}", its, ["*"])


def _queues(queues: Iterable[Queue], home: str | None, partition: str) -> Iterator[Mapping[str, Any] | None]:
    addresses = [assembly.queue_address(queue) for queue in queues]
    # Of a queue whose URL tells no region, that of the settings is meant.
    arns = (f"arn:{partition}:sqs:{each.region or home or '*'}:{each.label.partition(':')[2]}" for each in addresses)
    yield _statement("TakeEvents", QUEUE.values(), arns)


def _secret_arns(refs: Iterable[SecretRef], partition: str) -> Iterator[str]:
    """Secrets by name have six characters of AWS's own behind them in their ARN."""
    for ref in refs:
        if ref.place is SecretPlace.SECRETS_MANAGER:
            named = f"arn:{partition}:secretsmanager:*:*:secret:{ref.target}-??????"
            yield ref.target if ref.target.startswith("arn:") else named


def _parameter_arns(refs: Iterable[SecretRef], partition: str) -> Iterator[str]:
    for ref in refs:
        if ref.place is SecretPlace.PARAMETER_STORE:
            named = f"arn:{partition}:ssm:*:*:parameter/{ref.target.lstrip('/')}"
            yield ref.target if ref.target.startswith("arn:") else named
