"""`docs/metrics.md` tells what the registry holds, and the registry keeps to the house's rules."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client import CollectorRegistry

from s3warden.telemetry.metrics import Metrics
from s3warden.telemetry.state import StateCollector, View

PAGE = (Path(__file__).parents[3] / "docs/metrics.md").read_text(encoding="utf-8")
NEVER_LABELS = {"arn", "bucket_arn", "principal", "event_id", "message", "region", "owner", "environment", "type"}
NAMED_ON_DEMAND = "s3warden_bucket_exposed_info"


class Family(NamedTuple):
    """A metric as the page shows it."""

    name: str
    type: str
    labels: tuple[str, ...]
    meaning: str


def _in_code() -> set[Family]:
    metrics = [metric for name, metric in vars(Metrics(CollectorRegistry())).items() if name != "registry"]
    own = {
        Family(
            metric._name + ("_total" if metric._type == "counter" else ""),
            metric._type,
            metric._labelnames,
            metric._documentation,
        )
        for metric in metrics
    }
    state = {
        Family(family.name, family.type, tuple(family._labelnames), family.documentation)  # type: ignore[attr-defined]
        for family in StateCollector(lambda: View(named=1)).collect()
    }
    return own | state


def _on_page() -> dict[Family, int]:
    rows = re.findall(r"(?m)^\| `(s3warden_\w+)` \| (\w+) \| (.*?) \| (.*?) \| ([\d,]+) \|$", PAGE)
    return {
        Family(name, kind, tuple(re.findall(r"`(\w+)`", labels)), meaning): int(series.replace(",", ""))
        for name, kind, labels, meaning, series in rows
    }


def test_page_and_registry_are_equal() -> None:
    """Nothing undocumented, nothing that is not there, and every word as `# HELP` has it."""
    assert set(_on_page()) == _in_code()


def test_the_budget_adds_up() -> None:
    """The sum that the page promises is the sum of its rows, the series on demand left out."""
    total = sum(series for family, series in _on_page().items() if not family.name.startswith(NAMED_ON_DEMAND))
    assert f"about {total:,} series" in PAGE
    assert total < 5_000


@pytest.mark.parametrize("family", sorted(_in_code()), ids=lambda family: family.name)
def test_labels_are_closed_sets(family: Family) -> None:
    """No bucket, principal or event in a label, and none that clashes with those of a scrape target."""
    allowed = {"bucket"} if family.name == NAMED_ON_DEMAND else set()
    assert not set(family.labels) & ((NEVER_LABELS | {"bucket"}) - allowed)
    assert family.meaning.endswith(".")
