"""AWS Backup: whether a plan takes the bucket in, and whether it has done so of late.

How selections work is told in "Assigning resources" of the AWS Backup developer guide. A resource is taken in if a
pattern of ARNs names it and all conditions hold, or if it has any of the listed tags; never if it is excluded.
"""

from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from s3warden.detect.exposure.memo import PLACEHOLDER, tells_names_apart
from s3warden.detect.rule import (
    Example,
    Judgement,
    Kind,
    Rule,
    RuleOptions,
    always,
    configured,
    fails,
    passes,
    without,
)
from s3warden.detect.samples import DENIED, READ_AT, bucket
from s3warden.detect.service_samples import S3, here
from s3warden.model.bucket import ABSENT, Aspect, BucketRef, Present, State
from s3warden.model.configuration import Tags
from s3warden.model.finding import Severity, Verdict
from s3warden.model.framework import Framework, maps
from s3warden.model.rule import Category, RuleInfo
from s3warden.model.services import BackupCondition, BackupSelection, BackupSelections, LastBackup

_GUIDE = "https://docs.aws.amazon.com/aws-backup/latest/devguide/s3-backups.html"


def _planned(state: State, _options: RuleOptions) -> Judgement:
    found = configured(state, Aspect.BACKUP_SELECTIONS, BackupSelections)
    arn = state.ref.arn if isinstance(state.ref, BucketRef) else ""
    selections = found.selections if found is not None else ()
    tags = (
        configured(state, Aspect.TAGGING, Tags) if any(each.any_tag or each.conditions for each in selections) else None
    )
    for each in selections:
        if _takes(each, arn, tags or Tags(())):
            return passes(f"Backup plan {each.plan} takes the bucket in ({each.name}).")
    return fails("No backup plan takes the bucket in.", {"selections": str(len(selections))})


def _takes(selection: BackupSelection, arn: str, tags: Tags) -> bool:
    if any(fnmatchcase(arn, pattern) for pattern in selection.not_resources):
        return False
    if any(_holds(condition, tags) for condition in selection.any_tag):
        return True
    named = any(fnmatchcase(arn, pattern) for pattern in selection.resources)
    everything = not selection.resources and not selection.any_tag
    return (named or everything) and all(_holds(condition, tags) for condition in selection.conditions)


def _holds(condition: BackupCondition, tags: Tags) -> bool:
    value = tags.get(condition.key)
    same = value is not None and (
        fnmatchcase(value, condition.value) if condition.operator.endswith("Like") else value == condition.value
    )
    return same != ("Not" in condition.operator)


def _recent(state: State, options: RuleOptions) -> Judgement:
    last = configured(state, Aspect.LAST_BACKUP, LastBackup)
    if last is None:
        return fails("The bucket was never backed up.", {"last_backup": "never"})
    day = last.at.strftime("%Y-%m-%d")
    if _late(last, state, options):
        return fails(f"The last backup is from {day}.", {"last_backup": last.at.isoformat()})
    return passes(f"The last backup is from {day}.")


def _late(last: LastBackup, state: State, options: RuleOptions) -> bool:
    return state.read_at - last.at > options.backup_age


def _told(state: State, options: RuleOptions) -> tuple[bool, date] | None:
    """What is told of the last backup: of a late one the minute, of another the day."""
    match state.reading(Aspect.LAST_BACKUP):
        case Present(value=LastBackup(at=at) as last):
            return (True, at) if _late(last, state, options) else (False, at.date())
    return None


def _takes_alike(state: State, _options: RuleOptions) -> bool:
    """Whether no selection tells buckets apart by their names, or by a tag that has the name for its value."""
    match state.reading(Aspect.BACKUP_SELECTIONS):
        case Present(value=BackupSelections(selections=selections)):
            head = f"arn:{state.ref.partition}:s3:::"
            return not any(_names_some(each, head) or _asks_for_name(each, state) for each in selections)
    return True


def _names_some(selection: BackupSelection, head: str) -> bool:
    return any(tells_names_apart(each, head) for each in (*selection.resources, *selection.not_resources))


def _asks_for_name(selection: BackupSelection, state: State) -> bool:
    match state.reading(Aspect.TAGGING):
        case Present(value=Tags() as tags):
            asked = {each.key for each in (*selection.any_tag, *selection.conditions)}
            return any(PLACEHOLDER in (tags.get(key) or "") for key in asked)
    return False


def _selected(**more: Any) -> Present[object]:
    selection = BackupSelection("daily", "data", **more)
    return here(BackupSelections((selection,)))


_PROD = BackupCondition("StringEquals", "Environment", "prod")
PLANNED = Rule(
    RuleInfo(
        id="bucket-backup-plan",
        title="No plan of AWS Backup takes the bucket in",
        severity=Severity.LOW,
        category=Category.RESILIENCE,
        needs=frozenset({Aspect.BACKUP_SELECTIONS}),
        hints=frozenset({Aspect.TAGGING}),
        why=(
            "What is deleted or encrypted here, versions included, cannot be brought back. "
            "Backups lie in a vault of their own, where the bucket's administrators need not have any rights."
        ),
        cli="""\
# PLAN is the id of a backup plan, ROLE a role that AWS Backup may use; the bucket needs versioning.
aws backup create-backup-selection --region {region} --backup-plan-id "${PLAN:?}" --backup-selection \\
  "{\\"SelectionName\\":\\"{bucket}\\",\\"IamRoleArn\\":\\"${ROLE:?}\\",\\"Resources\\":[\\"arn:{partition}:s3:::{bucket}\\"]}\"""",
        terraform="""\
resource "aws_backup_selection" "this" {
  name         = "{bucket}"
  plan_id      = var.plan_id
  iam_role_arn = var.backup_role
  resources    = ["arn:{partition}:s3:::{bucket}"]
}""",
        console="""\
Open AWS Backup in {region}, Backup plans, a plan, Assign resources.
Choose S3 and the bucket {bucket}, then Assign resources.""",
        cloudformation="""\
Selection:
  Type: AWS::Backup::BackupSelection
  Properties:
    BackupPlanId: !Ref Plan
    BackupSelection:
      SelectionName: "{bucket}"
      IamRoleArn: !GetAtt BackupRole.Arn
      Resources: ["arn:{partition}:s3:::{bucket}"]""",
        verify="""\
aws backup get-backup-selection --region {region} --backup-plan-id "${PLAN:?}" --selection-id "${SELECTION:?}"
# Expect: the bucket's ARN, a pattern that names it, or tags that it has.""",
        maps=maps({Framework.CONFIG: "s3-resources-protected-by-backup-plan"}),
        default=False,
        references=(_GUIDE, "https://docs.aws.amazon.com/aws-backup/latest/devguide/assigning-resources.html"),
    ),
    Kind.BUCKET,
    _planned,
    (
        Example(
            "by its name",
            bucket({Aspect.BACKUP_SELECTIONS: _selected(resources=(f"{S3}:::example-data",))}),
            Verdict.PASS,
        ),
        Example("by a pattern", bucket({Aspect.BACKUP_SELECTIONS: _selected(resources=("*",))}), Verdict.PASS),
        Example("by a tag", bucket({Aspect.BACKUP_SELECTIONS: _selected(any_tag=(_PROD,))}), Verdict.PASS),
        Example(
            "by a condition",
            bucket({Aspect.BACKUP_SELECTIONS: _selected(resources=("*",), conditions=(_PROD,))}),
            Verdict.PASS,
        ),
        Example("by nothing", bucket({Aspect.BACKUP_SELECTIONS: here(BackupSelections(()))}), Verdict.FAIL),
        Example(
            "another bucket",
            bucket({Aspect.BACKUP_SELECTIONS: _selected(resources=(f"{S3}:::other",))}),
            Verdict.FAIL,
        ),
        Example(
            "excluded",
            bucket({Aspect.BACKUP_SELECTIONS: _selected(resources=("*",), not_resources=(f"{S3}:::example-*",))}),
            Verdict.FAIL,
        ),
        Example(
            "a condition that does not hold",
            bucket(
                {
                    Aspect.BACKUP_SELECTIONS: _selected(
                        resources=("*",), conditions=(BackupCondition("StringNotLike", "Environment", "pr*"),)
                    )
                }
            ),
            Verdict.FAIL,
        ),
        Example(
            "the tags it hangs on are unreadable",
            bucket({Aspect.BACKUP_SELECTIONS: _selected(any_tag=(_PROD,)), Aspect.TAGGING: DENIED}),
            Verdict.UNKNOWN,
        ),
        Example("unreadable", bucket({Aspect.BACKUP_SELECTIONS: here(DENIED)}), Verdict.UNKNOWN),
    ),
    by_name=always,
    nameless=_takes_alike,
)
RECENT = Rule(
    RuleInfo(
        id="bucket-backup-recent",
        title="The bucket has no recent backup",
        severity=Severity.LOW,
        category=Category.RESILIENCE,
        needs=frozenset({Aspect.LAST_BACKUP}),
        why=(
            "A plan that takes the bucket in is no backup: jobs fail, roles lose their rights, vaults fill up. "
            "What counts is when a recovery point was last made."
        ),
        cli="""\
# Read why it failed, if it did:
aws backup list-backup-jobs --region {region} --by-resource-arn arn:{partition}:s3:::{bucket} --max-results 5
# Then back it up now:
aws backup start-backup-job --region {region} --backup-vault-name "${VAULT:?}" \\
  --resource-arn arn:{partition}:s3:::{bucket} --iam-role-arn "${ROLE:?}\"""",
        terraform="# Nothing to declare: the plan is there or is not, see bucket-backup-plan.",
        console="""\
Open AWS Backup in {region}, Jobs, and look for those of {bucket} that failed.
Then choose Protected resources, {bucket}, Create on-demand backup.""",
        cloudformation="# Nothing to declare: the plan is there or is not, see bucket-backup-plan.",
        verify="""\
aws backup describe-protected-resource --region {region} --resource-arn arn:{partition}:s3:::{bucket} \\
  --query LastBackupTime
# Expect: a recent time.""",
        maps=maps({Framework.CONFIG: "s3-last-backup-recovery-point-created"}),
        default=False,
        references=(_GUIDE,),
    ),
    Kind.BUCKET,
    _recent,
    (
        Example(
            "yesterday", bucket({Aspect.LAST_BACKUP: Present(LastBackup(READ_AT - timedelta(days=1)))}), Verdict.PASS
        ),
        Example(
            "long ago",
            bucket({Aspect.LAST_BACKUP: Present(LastBackup(datetime(2025, 6, 1, tzinfo=UTC)))}),
            Verdict.FAIL,
        ),
        Example(
            "recent enough for the settings",
            bucket({Aspect.LAST_BACKUP: Present(LastBackup(READ_AT - timedelta(days=5)))}),
            Verdict.PASS,
            options=RuleOptions(backup_age=timedelta(days=7)),
        ),
        Example("never", bucket({Aspect.LAST_BACKUP: ABSENT}), Verdict.FAIL),
        Example("unreadable", bucket({Aspect.LAST_BACKUP: DENIED}), Verdict.UNKNOWN),
    ),
    # Whether a backup is recent hangs on when the bucket is looked at.
    by_name=always,
    nameless=without(Aspect.LAST_BACKUP),
    facts=_told,
    by_time=True,
)

RULES = (PLANNED, RECENT)
