"""`s3warden scan` as its users call it, over an AWS of dictionaries: exit codes, forms, and what goes where."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from s3warden.assembly import Reading
from s3warden.aws.errors import AwsError
from s3warden.cli.scan import exit_code, scan
from s3warden.collect.fetch import Fetch
from s3warden.collect.sources.sweep import SweepLimits
from s3warden.model.bucket import AccountRef, BucketRef, Cause
from s3warden.model.event import Listing
from s3warden.report.forms import Form
from s3warden.report.scanned import Scanned
from support.alerts import NIGHT, finding
from support.spine import ACCOUNT, DENIED, HOME, OFF, ON, PUBLIC_READ, THROTTLED, World, bucket

RULES = "bucket-acl-public-read,bucket-required-tags,bucket-versioning,account-public-access-block"
SOUND: dict[str, Any] = {"GetBucketVersioning": {"Status": "Enabled"}}
OTHER = AccountRef("aws", "444455556666")


@dataclass
class Estate:
    """The accounts and buckets of a world; `locked` accounts cannot be listed."""

    aws: World
    locked: dict[str, AwsError] = field(default_factory=dict)
    refusal: AwsError | None = None
    interrupted: bool = False
    home_region: str = "eu-west-1"
    closed: tuple[str, ...] = ()

    async def identify(self) -> None:
        """Who we are does not matter here."""

    async def accounts(self) -> tuple[AccountRef, ...]:
        """All that have a block."""
        if self.refusal is not None:
            raise self.refusal
        return tuple(AccountRef("aws", account) for account in self.aws.blocks)

    async def listing(self, account: AccountRef) -> Listing:
        """The buckets, all of them in the first account."""
        if account.account in self.locked:
            raise self.locked[account.account]
        if self.interrupted and account != ACCOUNT:
            task = next(t for t in asyncio.all_tasks() if "_scan" in repr(t.get_coro()))
            task.cancel()
            await asyncio.get_running_loop().create_future()
        mine = (bucket(name) for name in self.aws.buckets) if account == ACCOUNT else ()
        return Listing(account, tuple(mine))


Scan = Callable[..., Result]


@pytest.fixture
def estate(monkeypatch: pytest.MonkeyPatch) -> Estate:
    """A sound account with one sound bucket."""
    made = Estate(World({HOME: ON}, {"sound": dict(SOUND)}))

    @asynccontextmanager
    async def reading(*_: object) -> AsyncIterator[Reading]:
        anything: Any = made
        yield Reading(sessions=anything, secrets=anything, estate=anything, fetch=Fetch(made.aws), calls=anything)

    monkeypatch.setattr("s3warden.assembly.reading", reading)
    return made


@pytest.fixture
def run(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> Scan:
    """Call the command."""
    # A second try would be five seconds away.
    monkeypatch.setattr("s3warden.assembly.SweepLimits", lambda **_: SweepLimits(parallel=1, attempts=1))
    app = typer.Typer()
    app.command()(scan)

    kept: dict[str, str | None] = {"S3WARDEN_CONFIG": None}

    def call(*words: str, rules: str = RULES, environ: Mapping[str, str] | None = None) -> Result:
        kept.update(environ or {})
        return CliRunner().invoke(app, list(words), env={**kept, "S3WARDEN_RULES__ENABLE": rules})

    return call


def test_a_sound_estate_is_clean(run: Scan) -> None:
    """Exit 0, the summary on standard output, nothing on standard error."""
    result = run()
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Buckets: 1, accounts: 1. Findings: nothing wrong found.\n" in result.stdout
    assert "Coverage: 4 of 4 checks decided." in result.stdout


def test_findings_are_told_with_3(run: Scan, estate: Estate) -> None:
    """One line each, the worst first, and the counts."""
    estate.aws.blocks[HOME] = OFF
    estate.aws.buckets["leaky"] = {"GetBucketAcl": PUBLIC_READ, "GetBucketVersioning": {}}
    result = run()
    assert (result.exit_code, result.stderr) == (3, "")
    rows = [line.split()[:2] for line in result.stdout.splitlines() if HOME in line]
    assert [row[0] for row in rows] == ["live", "high", "low"]
    assert "1 critical, 1 high, 1 low" in result.stdout


@pytest.mark.parametrize(("threshold", "code"), [("low", 3), ("medium", 0), ("critical", 0)])
def test_the_threshold_decides_what_fails(run: Scan, estate: Estate, threshold: str, code: int) -> None:
    """A finding below it is printed all the same."""
    estate.aws.buckets["b"] = {"GetBucketVersioning": {}}
    result = run("--fail-on", threshold)
    assert result.exit_code == code
    assert "bucket-versioning" in result.stdout


@pytest.mark.parametrize("refusal", [DENIED, THROTTLED])
def test_what_cannot_be_read_is_listed_and_told_with_4(run: Scan, estate: Estate, refusal: AwsError) -> None:
    """Never green; the cause is counted."""
    estate.aws.buckets["locked"] = SOUND | {"GetBucketTagging": refusal}
    result = run()
    assert result.exit_code == 4
    [row] = [line for line in result.stdout.splitlines() if "locked" in line]
    assert row.split()[:4] == ["unknown", HOME, "locked", "bucket-required-tags"]
    assert f"unknown: 1 by {refusal.cause}" in result.stdout
    assert "nothing wrong found, but not everything was seen" in result.stdout
    assert "Coverage: 6 of 7 checks decided." in result.stdout


def test_an_account_that_cannot_be_listed_is_told_with_4(run: Scan, estate: Estate) -> None:
    """The others are scanned, and the gap is named."""
    estate.aws.blocks[OTHER.account] = ON
    estate.locked[OTHER.account] = AwsError("AccessDenied", cause=Cause.ASSUME_ROLE)
    result = run()
    assert result.exit_code == 4
    assert f"not listed: account {OTHER.account}: assume_role" in result.stdout


def test_findings_weigh_more_than_gaps(run: Scan, estate: Estate) -> None:
    """3 says that there is something to do; that something is missing is printed."""
    estate.aws.buckets["b"] = {"GetBucketVersioning": {}, "GetBucketTagging": DENIED}
    result = run()
    assert result.exit_code == 3
    assert "unknown: 1 by scp" in result.stdout


def test_one_document_for_machines(run: Scan, estate: Estate) -> None:
    """Coverage, failures and every finding with its place, and nothing else on standard output."""
    estate.aws.buckets["b"] = SOUND | {"GetBucketTagging": DENIED}
    result = run("--format", "json")
    document = json.loads(result.stdout)
    assert result.exit_code == 4
    assert (document["complete"], document["partial"]) == (False, False)
    assert (document["accounts"], document["buckets"], document["failures"]) == (1, 2, [])
    assert document["coverage"] == {"checks": 7, "unknown": 1, "unknown_by_cause": {"scp": 1}}
    [found] = document["findings"]
    assert (found["verdict"], found["cause"], found["rule_id"]) == ("unknown", "scp", "bucket-required-tags")
    assert (found["account"], found["region"], found["arn"]) == (HOME, "eu-west-1", "arn:aws:s3:::b")


def test_one_line_for_each_finding(run: Scan, estate: Estate) -> None:
    """JSON lines: each is a document, an account's has no bucket, and gaps in the listing go to standard error."""
    estate.aws.blocks = {HOME: OFF, OTHER.account: ON}
    estate.locked[OTHER.account] = AwsError("AccessDenied", cause=Cause.ASSUME_ROLE)
    estate.aws.buckets["b"] = {"GetBucketVersioning": {}}
    result = run("--format", "jsonl")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["rule_id"], each["bucket"]) for each in found] == [
        ("account-public-access-block", None),
        ("bucket-versioning", "b"),
    ]
    assert result.stderr == f"not listed: account {OTHER.account}: assume_role\n"


def test_what_is_exempt_is_shown_and_fails_nothing(run: Scan, estate: Estate, tmp_path: Path) -> None:
    """In its own words in the table, with its exemption in JSON; what has ended has no effect here either."""
    estate.aws.buckets["b"] = {"GetBucketVersioning": {}}
    today = datetime.now(UTC).date()

    def written(expires: date) -> dict[str, str]:
        (tmp_path / "a.toml").write_text(
            f"""\
[[exemption]]
id = "agreed"
rules = ["bucket-versioning"]
owner = "team-data"
reason = "can be made again"
ticket = "SEC-1"
approved_at = {today - timedelta(days=20)}
expires = {expires}
scope = {{ buckets = ["b"] }}
""",
            encoding="utf-8",
        )
        return {"S3WARDEN_EXEMPTIONS__DIRECTORY": str(tmp_path)}

    result = run(environ=written(today + timedelta(days=10)))
    assert result.exit_code == 0
    assert "exempt low" in result.stdout
    assert "[exempt by agreed]" in result.stdout
    assert "Exempt: 1, not among these." in result.stdout
    document = json.loads(run("--format", "json").stdout)
    assert document["exempt"] == 1
    (found,) = document["findings"]
    assert (found["exemption"]["id"], found["exemption"]["ticket"]) == ("agreed", "SEC-1")
    ended = run("--format", "json", environ=written(today - timedelta(days=1)))
    assert ended.exit_code == 3
    (found,) = json.loads(ended.stdout)["findings"]
    assert found["exemption"] is None
    assert "does not hold: it ended at" in found["lapsed_exemptions"][0]


def test_no_accounts_no_scan(run: Scan, estate: Estate) -> None:
    """Exit 1 with AWS's own words on standard error."""
    estate.refusal = AwsError("AccessDenied", "not yours", operation="ListAccounts", cause=Cause.DENIED)
    result = run()
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "error: ListAccounts: AccessDenied: not yours\n"


def test_a_rule_that_does_not_exist_is_a_mistake_of_the_caller(run: Scan) -> None:
    """Exit 2, before anything is read."""
    result = run(rules="bucket-acl-pubic-read")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean bucket-acl-public-read" in result.stderr


def test_an_interrupted_scan_prints_what_it_knows(run: Scan, estate: Estate) -> None:
    """Marked as partial, and never clean."""
    estate.aws.blocks[OTHER.account] = ON
    estate.interrupted = True
    result = run("--format", "json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["partial"], document["complete"]) == (4, True, False)
    assert document["coverage"]["checks"] == 3 + 2
    assert result.stderr == "interrupted: the report is partial\n"


def test_a_known_failure_that_cannot_be_read_again_counts_as_both(estate: Estate) -> None:
    """It fails, and its present state is not known."""
    stale = replace(finding(subject=BucketRef("aws", HOME, "eu-west-1", "b")), unknown_since=NIGHT)
    scanned = Scanned((stale,), {}, accounts=1, buckets=1, checks=1)
    assert scanned.unknown == (stale,)
    assert not scanned.complete
    assert exit_code(scanned, stale.severity) == 3


def test_only_the_buckets_asked_for_are_looked_at(run: Scan, estate: Estate) -> None:
    """And no rule about accounts is applied then; a name that nobody has is no sound bucket."""
    estate.aws.blocks[HOME] = OFF
    estate.aws.buckets |= {"one": {"GetBucketVersioning": {}}, "other": {"GetBucketVersioning": {}}}
    found = json.loads(run("--bucket", "on*", "--format", "json").stdout)
    assert ([each["bucket"] for each in found["findings"]], found["buckets"]) == (["one"], 1)
    result = run("--bucket", "misspelt")
    assert result.exit_code == 4
    assert "not listed: no bucket is called misspelt" in result.stdout


def test_only_the_accounts_asked_for_are_looked_at(run: Scan, estate: Estate) -> None:
    """One that is not guarded makes the report incomplete."""
    estate.aws.blocks |= {HOME: OFF, OTHER.account: OFF}
    found = json.loads(run("--account", OTHER.account, "--format", "json").stdout)
    assert [each["account"] for each in found["findings"]] == [OTHER.account]
    result = run("--account", "999999999999")
    assert (result.exit_code, "account 999999999999 is not guarded" in result.stdout) == (4, True)


@pytest.mark.parametrize(
    ("words", "rules"),
    [
        (("--rules", "bucket-versioning"), {"bucket-versioning"}),
        (("--rules", "bucket-versioning, bucket-required-tags"), {"bucket-versioning", "bucket-required-tags"}),
        (("--severity", "high"), {"account-public-access-block"}),
        (("--framework", "cis-5.0", "--rules", RULES), {"account-public-access-block"}),
    ],
)
def test_only_the_rules_asked_for_are_applied(
    run: Scan, estate: Estate, words: tuple[str, ...], rules: set[str]
) -> None:
    """In place of those that the settings enable, or of them those severe enough, or those of a framework."""
    estate.aws.blocks[HOME] = OFF
    estate.aws.buckets["bad"] = {"GetBucketVersioning": {}, "GetBucketTagging": {"TagSet": []}}
    found = json.loads(run(*words, "--format", "json").stdout)
    assert {each["rule_id"] for each in found["findings"]} == rules


def test_nothing_left_to_apply_is_a_mistake_of_the_caller(run: Scan) -> None:
    """A scan by no rule would be clean whatever there is."""
    result = run("--severity", "critical", "--rules", "bucket-required-tags")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: no rule is left to apply: widen --rules, --framework or --severity\n"


def test_a_framework_is_reported_by_its_controls(run: Scan, estate: Estate) -> None:
    """With what passes counted, rules that are not enabled named, and no claim of compliance."""
    estate.aws.blocks[HOME] = OFF
    words = ("--framework", "cis-5.0", "--rules", "account-public-access-block")
    report = json.loads(run(*words, "--format", "json").stdout)["framework"]
    (control,) = [each for each in report["controls"] if each["id"] == "2.1.4"]
    assert (control["status"], control["counts"]["fail"]) == ("fail", 1)
    assert control["rules"] == ["account-public-access-block"]
    assert "bucket-public-access-block" in control["rules_not_enabled"]
    assert {each["status"] for each in report["controls"] if not each["rules"]} == {"not_checked"}
    text = run(*words).stdout
    assert "maps to" in text
    assert "complies" not in text.lower()


def test_checks_that_pass_are_told_where_asked_for(run: Scan) -> None:
    """They are counted in any case."""
    result = run("--passed", "--format", "jsonl")
    assert result.exit_code == 0
    assert {json.loads(line)["outcome"] for line in result.stdout.splitlines()} == {"pass"}
    assert len(result.stdout.splitlines()) == 4


@pytest.mark.parametrize("form", list(Form))
def test_every_form_goes_to_a_file(run: Scan, estate: Estate, tmp_path: Path, form: Form) -> None:
    """The same bytes as on standard output, which stays empty."""
    estate.aws.buckets["bad"] = {"GetBucketVersioning": {}}
    path = tmp_path / "report"
    result = run("--format", form.value, "--output", str(path))
    assert (result.exit_code, result.stdout) == (3, "")
    assert "bucket-versioning" in path.read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written_is_told(run: Scan, tmp_path: Path) -> None:
    """Exit 1, no traceback."""
    result = run("--output", str(tmp_path / "nowhere" / "report"))
    assert result.exit_code == 1
    assert result.stderr.endswith("report cannot be written: No such file or directory\n")
