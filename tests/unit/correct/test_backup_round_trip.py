"""A selection of AWS Backup made and deleted by the mender and the undoer: its id is AWS's, and found by its name."""

from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry

from s3warden.aws.errors import AwsError
from s3warden.correct.apply import Applier
from s3warden.correct.book import Book
from s3warden.correct.circumstances import Surroundings
from s3warden.correct.look import Looks
from s3warden.correct.mend import Mender
from s3warden.correct.notes import Notes
from s3warden.correct.permits import Permit
from s3warden.correct.plans import Plans
from s3warden.correct.remedy import Wanted
from s3warden.correct.situation import GuardRules
from s3warden.correct.undo import Undoer
from s3warden.correct.writers import Own
from s3warden.detect.rule import DEFAULT_OPTIONS
from s3warden.detect.rules import find
from s3warden.model.action import Call, Mode, Result
from s3warden.model.bucket import AccountRef
from s3warden.model.remediation import Remediation
from s3warden.telemetry.metrics import Metrics
from support.mending import BUCKET, NOT_CONFIGURED, Aws, Shelf, now
from support.scenes import finding

RULE = "bucket-backup-plan"
ROLE = f"arn:aws:iam::{BUCKET.account}:role/backup"
THEIRS = {"SelectionName": "theirs", "IamRoleArn": ROLE, "Resources": ["arn:aws:s3:::other"]}


@dataclass
class Backups(Aws):
    """One plan, its selections by id, and a bucket with versioning. `lost`: the answer to the next write is."""

    selections: dict[str, dict[str, Any]] = field(default_factory=lambda: {"id-1": THEIRS})
    made: int = 1
    lost: bool = False

    def __post_init__(self) -> None:
        self.blocks[BUCKET.account] = AwsError("NoSuchPublicAccessBlockConfiguration")
        self.buckets[BUCKET.name] = {**NOT_CONFIGURED, "GetBucketVersioning": {"Status": "Enabled"}}

    async def service(self, ref: AccountRef, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer of AWS Backup, a selection a page."""
        if service != "backup":
            raise AwsError("AccessDenied")
        assert (ref, parameters["region"]) == (BUCKET.owner, BUCKET.region)
        if operation == "ListBackupPlans":
            return {"BackupPlansList": [{"BackupPlanId": "p", "BackupPlanName": "daily"}]}
        assert parameters["BackupPlanId"] == "p"
        if operation == "ListBackupSelections":
            ids = sorted(self.selections)
            at = int(parameters.get("NextToken", 0))
            page = [{"SelectionId": i, "SelectionName": self.selections[i]["SelectionName"]} for i in ids[at : at + 1]]
            more = {"NextToken": str(at + 1)} if at + 1 < len(ids) else {}
            return {"BackupSelectionsList": page, **more}
        assert operation == "GetBackupSelection"
        # Of what is not set AWS tells all the same, with nothing in it.
        unset = {"ListOfTags": [], "NotResources": [], "Conditions": {"StringEquals": [], "StringLike": []}}
        return {"BackupSelection": {**unset, **self.selections[parameters["SelectionId"]]}}

    async def make(self, account: AccountRef, call: Call) -> None:
        """A write."""
        assert account == BUCKET.owner
        arguments: Any = call.arguments
        if call.operation == "CreateBackupSelection":
            self.made += 1
            self.selections[f"id-{self.made}"] = arguments["BackupSelection"]
        else:
            assert call.operation == "DeleteBackupSelection"
            del self.selections[arguments["SelectionId"]]
        if self.lost:
            self.lost = False
            raise AwsError("ReadTimeoutError", "no answer")


@dataclass
class Workshop:
    """The mender and the undoer at work on these backups."""

    aws: Backups = field(default_factory=Backups)

    def __post_init__(self) -> None:
        self.shelf = Shelf()
        metrics, book, looks = Metrics(CollectorRegistry()), Book(self.shelf, now), Looks(self.aws, now)
        applier = Applier(looks, self.aws, book)
        notes = Notes(book, lambda *_arguments: (), metrics)
        self.mender = Mender(
            planner=Plans(looks, lambda: DEFAULT_OPTIONS, Wanted(backup_plan="daily", backup_role="backup")),
            rules={RULE: find(RULE)},
            options=lambda: DEFAULT_OPTIONS,
            guard=GuardRules(permits=(Permit("all", frozenset({RULE}), Mode.AUTO),), quiet=0),
            surroundings=Surroundings(self.shelf, Own(frozenset({"writer"}), "s"), lambda: 1, lambda: None),
            applier=applier,
            book=book,
            notes=notes,
        )
        self.undoer = Undoer(looks, applier, book, notes, metrics)

    async def mended(self) -> Remediation:
        """What came of the finding."""
        await self.mender.mend(finding(RULE, BUCKET))
        (entry,) = self.shelf.entries.values()
        return entry


async def test_selection_is_made_and_only_it_is_deleted_again() -> None:
    """To the letter; what others assigned stays."""
    shop = Workshop()
    entry = await shop.mended()
    assert (entry.result, sorted(shop.aws.selections)) == (Result.FIXED, ["id-1", "id-2"])
    assert shop.aws.selections["id-2"]["Resources"] == [BUCKET.arn]
    answer = await shop.undoer.undo(entry, "ada")
    assert answer.ok, answer.text
    assert shop.aws.selections == {"id-1": THEIRS}


async def test_selection_that_was_made_although_nobody_said_so_is_not_made_twice() -> None:
    """It is found by its name."""
    shop = Workshop()
    shop.aws.lost = True
    entry = await shop.mended()
    assert (entry.result, shop.aws.made) == (Result.FIXED, 2)
    shop.aws.lost = True
    answer = await shop.undoer.undo(entry, "ada")
    assert answer.ok, answer.text
    assert shop.aws.selections == {"id-1": THEIRS}


async def test_selection_that_somebody_changed_since_is_left_to_them() -> None:
    """AWS knows no change, so it was made anew under its name, for more than our bucket."""
    shop = Workshop()
    entry = await shop.mended()
    theirs = {**shop.aws.selections.pop("id-2"), "Resources": ["arn:aws:s3:::*"]}
    shop.aws.selections["id-9"] = theirs
    answer = await shop.undoer.undo(entry, "ada")
    assert not answer.ok
    assert "was changed since" in answer.text
    assert shop.aws.selections["id-9"] == theirs


async def test_selection_that_somebody_deleted_since_needs_no_undo() -> None:
    """There is nothing to be called."""
    shop = Workshop()
    entry = await shop.mended()
    del shop.aws.selections["id-2"]
    assert (await shop.undoer.undo(entry, "ada")).ok
    assert entry.plan is not None
    assert await Looks(shop.aws, now).completed(BUCKET.owner, entry.plan.steps[0].inverse) is None
