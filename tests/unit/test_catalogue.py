"""Own rules among the others."""

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from s3warden import assembly
from s3warden.catalogue import catalogue, under_watch
from s3warden.detect.evaluate import evaluate
from s3warden.detect.own import watch
from s3warden.detect.rules import RULES
from s3warden.detect.samples import bucket
from s3warden.model.finding import Severity, Verdict
from s3warden.model.rule import Category
from s3warden.settings.own_rules import OwnRule
from s3warden.settings.sections import Rules, Settings
from s3warden.telemetry.metrics import Metrics

OWN = OwnRule(
    id="own-named",
    title="A bucket is called otherwise",
    severity=Severity.LOW,
    category=Category.GOVERNANCE,
    pass_when='bucket.name.startsWith("acme-")',
)


def settings(*enable: str) -> Settings:
    """Settings with one own rule and these enabled."""
    return Settings(own_rules=(OWN,), rules=Rules(enable=enable or ("default",)))


def test_own_rules_come_last_and_are_of_the_default_pack() -> None:
    """Whoever writes a rule wants it applied."""
    assert [rule.info.id for rule in catalogue(settings())] == [*(rule.info.id for rule in RULES), "own-named"]
    assert assembly.rules_and_options(settings())[0][-1].info.id == "own-named"
    assert assembly.rule_infos(settings())["own-named"].title == OWN.title


@pytest.mark.parametrize("pattern", ["own-named", "own-*", "governance", "severity=low", "all"])
def test_own_rules_are_chosen_like_others(pattern: str) -> None:
    """By id, glob, category, severity and pack; and they can be disabled."""
    assert "own-named" in {rule.info.id for rule in assembly.rules_and_options(settings(pattern))[0]}
    off = settings(pattern).model_copy(update={"rules": Rules(enable=("all",), disable=("own-*",))})
    assert "own-named" not in {rule.info.id for rule in assembly.rules_and_options(off)[0]}


def test_only_own_rules_are_watched_and_slow_ones_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metric tells which rule is off; new settings begin anew."""
    metrics = Metrics(CollectorRegistry())
    chosen = settings("bucket-name", "own-named")
    builtin, own = under_watch(assembly.rules_and_options(chosen)[0], chosen, metrics)
    assert not isinstance(builtin.check, watch.Watched)
    assert isinstance(own.check, watch.Watched)
    own = replace(own, check=replace(own.check, clock=iter(range(100)).__next__))
    verdicts = [evaluate([own], bucket())[0].verdict for _ in range(watch.PATIENCE + 1)]
    assert verdicts == [Verdict.FAIL] * watch.PATIENCE + [Verdict.UNKNOWN]
    value = metrics.registry.get_sample_value
    assert value("s3warden_own_rule_slow_total", {"rule_id": "own-named"}) == watch.PATIENCE
    assert value("s3warden_own_rule_off", {"rule_id": "own-named"}) == 1
    under_watch((), chosen, metrics)
    assert value("s3warden_own_rule_off", {"rule_id": "own-named"}) is None
