"""The write of a backup selection: what a plan of AWS Backup takes in. Its place is `REGION:PLAN_ID:NAME`.

AWS knows no change of a selection, and chooses its id; so it is made, found by its name, and deleted. Pure.

Sources: the AWS Backup API reference; the service authorization reference of AWS Backup.
"""

from collections.abc import Mapping
from dataclasses import replace

from s3warden.collect import backups
from s3warden.collect.shapes import Answer, mapping
from s3warden.correct.remedy import Edit
from s3warden.correct.service_row import Asked, ServiceWriting
from s3warden.model.action import Chosen, canonical
from s3warden.model.bucket import Present, Reading, Regional
from s3warden.model.services import BackupSelections

SELECTION = "BackupSelection"


def view(answer: Answer) -> Answer:
    """The selection without what is empty."""
    made = mapping(answer.get(SELECTION), SELECTION)
    # AWS tells of conditions although there are none: every operator with an empty list.
    told = {k: {o: v for o, v in p.items() if v} if isinstance(p, Mapping) else p for k, p in made.items()}
    return {key: value for key, value in told.items() if value}


def _calls(place: str, _before: Answer | None, after: Answer) -> tuple[Asked, Asked, Asked]:
    plan: Mapping[str, object] = {"BackupPlanId": place.split(":")[1]}
    return (
        (backups.SELECTION.operation, plan),
        ("CreateBackupSelection", {**plan, SELECTION: view(after)}),
        ("DeleteBackupSelection", plan),
    )


def _id(place: str) -> Chosen:
    _, plan, name = place.split(":")
    return Chosen(
        parameter="SelectionId",
        operation=backups.SELECTIONS.operation,
        asked=canonical({"BackupPlanId": plan}),
        items="BackupSelectionsList",
        key="SelectionName",
        value=name,
    )


def _left(reading: Reading[object], edit: Edit) -> Reading[object]:
    """The plan takes in what it took in, and the selection."""
    if not isinstance(reading, Present) or not isinstance(reading.value, Regional) or edit.after is None:
        return reading
    region, plan, _ = str(edit.place).split(":")
    made = backups.selection_of(edit.after)

    def beside(old: Reading[object]) -> Reading[object]:
        if not isinstance(old, Present) or not isinstance(old.value, BackupSelections):
            return old
        name = next((each.name for each in old.value.plans if each.id == plan), plan)
        return Present(replace(old.value, selections=(*old.value.selections, replace(made, plan=name))))

    return Present(Regional(tuple((where, beside(old) if where == region else old) for where, old in reading.value)))


ROWS = (
    ServiceWriting(
        "backup",
        backups.SELECTION,
        view,
        _calls,
        _left,
        ("backup:CreateBackupSelection", "backup:DeleteBackupSelection", "iam:PassRole"),
        chosen=_id,
    ),
)
