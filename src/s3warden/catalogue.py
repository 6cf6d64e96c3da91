"""Every rule there is under these settings: the built-in ones, and those of one's own."""

import time
from functools import partial

import structlog

from s3warden.detect.own.rule import rule_of
from s3warden.detect.own.watch import watched
from s3warden.detect.rule import Rule
from s3warden.detect.rules import RULES
from s3warden.settings.sections import Settings
from s3warden.telemetry.metrics import Metrics

log = structlog.get_logger("s3warden.catalogue")


def catalogue(settings: Settings) -> tuple[Rule, ...]:
    """All rules, enabled or not, the own ones last."""
    return (*RULES, *(rule_of(own.written) for own in settings.own_rules))


def under_watch(rules: tuple[Rule, ...], settings: Settings, metrics: Metrics) -> tuple[Rule, ...]:
    """The rules, the own ones with an eye on the time that they take: it is the processor's, not the wall's."""
    own = {each.id for each in settings.own_rules}
    metrics.own_rules_off.clear()
    slow = partial(_slow, metrics)
    return tuple(watched(rule, time.thread_time, slow) if rule.info.id in own else rule for rule in rules)


def _slow(metrics: Metrics, rule_id: str, seconds: float, off: bool) -> None:
    metrics.own_rule_slow.labels(rule_id).inc()
    log.warning("own_rule_slow", rule_id=rule_id, seconds=round(seconds, 3), off=off)
    if off:
        metrics.own_rules_off.labels(rule_id).set(1)
