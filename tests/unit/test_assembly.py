"""Each setting reaches what it is meant for."""

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from s3warden import assembly
from s3warden.aws.session import Sessions
from s3warden.collect.cache import Cache
from s3warden.collect.fetch import Fetch
from s3warden.detect.ledger import Ledger
from s3warden.detect.rules import needs
from s3warden.model.alert import AlertStatus
from s3warden.model.bucket import AccountRef
from s3warden.model.event import Done, Listing, Outcome, RefreshRequest
from s3warden.model.finding import Severity
from s3warden.settings.load import load
from s3warden.settings.sections import Settings
from s3warden.telemetry.metrics import Metrics
from support.alerts import finding
from support.spine import ACCOUNT, Records, World, bucket

WHOLE: dict[str, Any] = {
    "aws": {
        "region": "eu-west-1",
        "endpoint_url": "http://localhost:1",
        "role_name": "path/warden",
        "role_session_name": "warden-1",
        "connect_timeout": "3s",
        "read_timeout": "7s",
    },
    "accounts": {
        "ids": ["111122223333"],
        "include": ["ou-ab12-cdefgh34"],
        "exclude": ["777788889999"],
        "regions": ["eu-west-1"],
        "exclude_regions": ["us-west-1"],
        "bucket_prefix": "team-",
    },
    "queues": [
        {
            "url": "https://sqs.eu-west-2.example.com/111122223333/q",
            "region": "eu-west-3",
            "account": "444455556666",
            "receivers": 5,
        }
    ],
    "events": {"poll": "4s", "visibility": "90s", "max_in_flight": 33},
    "refresh": {
        "workers": 7,
        "capacity": 70,
        "quiet": "3s",
        "max_delay": "9s",
        "account_fanout_per_second": 12.5,
    },
    "rules": {
        "enable": ["bucket-required-tags", "bucket-name", "bucket-access-logging"],
        "disable": ["bucket-access-logging"],
        "required_tags": ["Team"],
        "tag_patterns": {"Team": "[a-z]+"},
        "name_pattern": "acme-.*",
        "log_buckets": ["*-logs"],
    },
    "destinations": [
        {
            "type": "webhook",
            "name": "hook",
            "url": "https://example.com/hook",
            "min_severity": "high",
            "send_resolved": False,
            "rate": 4,
            "burst": 9,
        }
    ],
    "sweep": {"interval": "2h", "jitter": "0s", "accounts_in_parallel": 3},
    "runbook_base_url": "https://wiki.example.com/s3/",
}


@pytest.fixture
def settings() -> Settings:
    """Settings in which nothing is a default."""
    return load(flags={(name,): value for name, value in WHOLE.items()}, environ={}).settings


def test_how_aws_is_reached(settings: Settings) -> None:
    """Region, endpoint, role and patience."""
    config = assembly.session_config(settings)
    assert (config.region, config.endpoint_url) == ("eu-west-1", "http://localhost:1")
    assert (config.role_name, config.session_name) == ("path/warden", "warden-1")
    assert (config.connect_timeout, config.read_timeout, config.external_id) == (3.0, 7.0, None)


def test_what_is_guarded(settings: Settings) -> None:
    """The listing and the intake of events agree about regions and names."""
    listed = assembly.estate_scope(settings)
    assert (listed.accounts, listed.organization) == (("111122223333",), False)
    assert (listed.include, listed.exclude) == (("ou-ab12-cdefgh34",), ("777788889999",))
    assert (listed.regions, listed.excluded_regions, listed.prefix) == (("eu-west-1",), ("us-west-1",), "team-")
    heard = assembly.scope(settings, Sessions(assembly.session_config(settings)))
    assert (heard.partition, heard.home_region, heard.accounts) == ("aws", "eu-west-1", None)
    assert (set(heard.regions), set(heard.excluded_regions)) == ({"eu-west-1"}, {"us-west-1"})
    assert heard.covers(bucket("team-a"))
    assert not heard.covers(bucket("a"))


def test_how_a_queue_is_polled(settings: Settings) -> None:
    """Where it is, as whom, and how much at once."""
    [queue] = settings.queues
    address = assembly.queue_address(queue)
    assert (address.url, address.region, address.account) == (queue.url, "eu-west-3", "444455556666")
    limits = assembly.sqs_limits(settings, queue)
    assert (limits.receivers, limits.in_flight, limits.wait, limits.visibility) == (5, 33, 4, 90)


def test_how_much_is_looked_at(settings: Settings) -> None:
    """At once, waiting, and after which quiet."""
    limits = assembly.refresh_limits(settings)
    assert (limits.workers, limits.capacity, limits.fanout_per_second) == (7, 70, 12.5)
    assert (limits.quiet, limits.max_delay) == (3.0, 9.0)


def test_which_rules_ask_for_what(settings: Settings) -> None:
    """Only what is enabled and not disabled, with the operator's own patterns; and only its aspects are read."""
    rules, options = assembly.rules_and_options(settings)
    assert [rule.info.id for rule in rules] == ["bucket-required-tags", "bucket-name"]
    assert (options.required_tags, options.tag_patterns) == (("Team",), {"Team": "[a-z]+"})
    assert (options.name_pattern, options.log_buckets) == ("acme-.*", ("*-logs",))
    path = assembly.pipeline(
        settings,
        Fetch(World()),
        Cache(),
        store=Records(),
        ledger=Ledger(),
        committed=lambda: None,
        metrics=Metrics(CollectorRegistry()),
    )
    assert (path.rules, path.options, path.needed) == (rules, options, needs(rules))


def test_who_hears_what(settings: Settings) -> None:
    """Severity, resolves, pace and the link to the runbook."""
    [destination] = assembly.routing(settings)._destinations
    assert (destination.name, destination.min_severity, destination.send_resolved) == ("hook", Severity.HIGH, False)
    limits = assembly.delivery_limits(settings)["hook"]
    assert (limits.rate, limits.burst) == (4, 9)
    alert = assembly.routing(settings).describe(finding(), status=AlertStatus.FIRING, at=finding().first_seen)
    assert alert.runbook_url == "https://wiki.example.com/s3/bucket-acl-public"


def test_what_the_sweep_looks_for_beside_the_cache(settings: Settings) -> None:
    """Buckets with open findings from before the start, of the account that is swept."""
    mine = finding(subject=bucket("mine"))
    others = finding(subject=bucket("others", "444455556666"))
    account = finding(subject=ACCOUNT)
    path = assembly.pipeline(
        settings,
        Fetch(World()),
        Cache(),
        store=Records(),
        ledger=Ledger([mine, others, account]),
        committed=lambda: None,
        metrics=Metrics(CollectorRegistry()),
    )
    sweep = assembly.sweep(settings, World(), lambda _: None, path, path.metrics)  # type: ignore[arg-type, return-value]
    assert tuple(sweep._known(ACCOUNT)) == (bucket("mine"),)
    assert sweep._limits.parallel == 3


class _Places:
    """An estate of two accounts without buckets."""

    closed: tuple[str, ...] = ()

    async def accounts(self) -> tuple[AccountRef, ...]:
        return (ACCOUNT, AccountRef("aws", "444455556666"))

    async def listing(self, account: AccountRef) -> Listing:
        return Listing(account, ())


async def test_the_sweep_lets_the_rules_know_the_accounts_before_it_looks(settings: Settings) -> None:
    """So the first look takes no access between guarded accounts for a stranger's."""
    path = assembly.pipeline(
        settings,
        Fetch(World()),
        Cache(),
        store=Records(),
        ledger=Ledger(),
        committed=lambda: None,
        metrics=Metrics(CollectorRegistry()),
    )
    seen: list[tuple[str, ...]] = []

    async def submit(_: RefreshRequest) -> "asyncio.Future[Outcome]":
        seen.append(path.options.trusted_accounts)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        future.set_result(Done())
        return future

    await assembly.sweep(settings, _Places(), submit, path, path.metrics).run_once()  # type: ignore[arg-type]
    assert seen
    assert all({ACCOUNT.account, "444455556666"} <= set(trusted) for trusted in seen)
