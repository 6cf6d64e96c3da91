"""A bucket taken in by the backup plan that the settings name, in a selection of its own.

Source: "Amazon S3 backups" in the AWS Backup developer guide, for what a bucket needs.
"""

import hashlib

from s3warden.correct.backup_writes import SELECTION
from s3warden.correct.remedy import Edit, Remedy, Scene
from s3warden.correct.service_writes import actions_on
from s3warden.detect.rule import configured
from s3warden.model.action import Declined, Risk
from s3warden.model.bucket import Aspect, BucketRef
from s3warden.model.configuration import Versioning
from s3warden.model.services import BackupSelections

_LONGEST = 50


def _taken_in(scene: Scene) -> tuple[Edit, ...] | Declined:
    ref, wanted = scene.state.ref, scene.wanted
    if not isinstance(ref, BucketRef):
        return Declined("no_bucket", "Only a bucket is taken in.")
    if wanted.backup_plan is None or wanted.backup_role is None:
        return Declined(
            "no_backup_plan",
            "Which plan takes buckets in, and by which role, is not set: remediation.backup_plan and backup_role.",
        )
    found = configured(scene.state, Aspect.BACKUP_SELECTIONS, BackupSelections)
    plans = [each for each in (found.plans if found is not None else ()) if each.name == wanted.backup_plan]
    if len(plans) != 1:
        return Declined(
            "backup_plan_unknown", f"{len(plans) or 'No'} plans in {ref.region} have the name {wanted.backup_plan}."
        )
    versioning = configured(scene.state, Aspect.VERSIONING, Versioning)
    if versioning is None or versioning.status != "Enabled":
        return Declined("not_versioned", "AWS Backup backs up buckets with versioning alone: enable that first.")
    name, role = _name(ref), wanted.backup_role.lstrip("/")
    place = f"{ref.region}:{plans[0].id}:{name}"
    if place in (scene.documents.get(Aspect.BACKUP_SELECTIONS) or {}):
        return Declined("selection_broken", f"The selection {name} is there and does not take the bucket in.")
    made = {
        "SelectionName": name,
        "IamRoleArn": f"arn:{ref.partition}:iam::{ref.account}:role/{role}",
        "Resources": [ref.arn],
    }
    doubt = f"whether the role {role} may back up the bucket, and AWS Backup is let at S3 in {ref.region}"
    summary = f"Let the backup plan {wanted.backup_plan} take in {ref}"
    return (Edit(Aspect.BACKUP_SELECTIONS, {SELECTION: made}, summary, place=place, doubts=(doubt,)),)


def _name(ref: BucketRef) -> str:
    """The name of the selection: AWS takes 50 characters, and names of buckets have up to 63."""
    name = f"s3warden-{ref.name}"
    return name if len(name) <= _LONGEST else f"{name[:41]}-{hashlib.sha256(ref.name.encode()).hexdigest()[:8]}"


PLAN = Remedy(
    id="take-into-backup-plan",
    title="Let a backup plan take the bucket in",
    rules=frozenset({"bucket-backup-plan"}),
    reads=frozenset({Aspect.BACKUP_SELECTIONS, Aspect.VERSIONING}),
    risk=Risk.LOW,
    risk_text="Backups cost by what is stored; AWS Backup has EventBridge told of changes of the bucket's objects.",
    iam_actions=actions_on(Aspect.BACKUP_SELECTIONS),
    plan=_taken_in,
    undo_text="Backups that were made meanwhile stay, and cost, until their plan ends them.",
)

REMEDIES = (PLAN,)
