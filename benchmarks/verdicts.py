"""What all rules over a bucket cost, in multiples of `json.loads` of its policy: afresh, by shape, after one change.

`python -m benchmarks.verdicts` from the project's root. A fleet of one template, each bucket under its own
name, with a last backup of its own time, and with as much in it as in no other. Time is processor time of one core, the
best of five rounds.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from s3warden.collect.cache import Cache
from s3warden.detect.evaluate import evaluate
from s3warden.detect.rule import Rule
from s3warden.detect.rules import RULES
from s3warden.detect.samples import BUCKET, READ_AT, TLS_ONLY, allow, bucket, policy
from s3warden.detect.verdicts import Verdicts
from s3warden.model.bucket import ABSENT, Aspect, BucketState, Present
from s3warden.model.configuration import Policy, Tags
from s3warden.model.services import LastBackup
from s3warden.model.usage import StorageCount, StorageMetrics

FLEET = 1000
ROUNDS = 5
CHANGED = 50
_LONG_AGO = READ_AT - timedelta(days=900)


def fleet(cache: Cache, prefix: str) -> list[BucketState]:
    """Buckets alike but for their names, the times of their last backups and their sizes, as the cache holds them."""
    text = str(policy(TLS_ONLY, allow({"AWS": "444455556666"})).value.text)
    states = []
    for number in range(FLEET):
        name = f"{prefix}-{number}"
        size = StorageCount(READ_AT, number * 1000, number)
        tags = Tags((("Environment", "prod"), ("Name", name), ("Owner", "data-team"), ("Role", "storage")))
        readings = {
            Aspect.POLICY: Present(Policy(text.replace(BUCKET, name))),
            Aspect.TAGGING: Present(tags),
            Aspect.STORAGE_METRICS: Present(StorageMetrics(_LONG_AGO, READ_AT, size, size, size)),
            Aspect.LAST_BACKUP: Present(LastBackup(READ_AT - timedelta(seconds=number))),
        }
        states.append(cache.shared(bucket(readings, name=name)))
    return states


def best(run: Callable[[BucketState], object], states: Sequence[BucketState]) -> float:
    """Processor microseconds for each state, in the best round."""
    return min(spent(run, states) for _ in range(ROUNDS))


def spent(run: Callable[[BucketState], object], states: Sequence[BucketState]) -> float:
    """Processor microseconds for each state."""
    start = time.process_time_ns()
    for state in states:
        run(state)
    return (time.process_time_ns() - start) / 1e3 / len(states)


def rows(
    cache: Cache, rules: Sequence[Rule], named: str, states: Sequence[BucketState]
) -> list[tuple[str, float, int]]:
    """What, processor microseconds a bucket, and checks run, for `rules`."""
    by_shape = Verdicts(rules)
    by_shape.of(states[0])
    fleets = [fleet(cache, f"fresh-{len(rules)}-{number}") for number in range(ROUNDS)]
    first_sight = min(spent(by_shape.of, fresh) for fresh in fleets)
    fresh = fleets[0]
    again = best(by_shape.of, fresh)
    ran = by_shape.ran
    changed = [
        cache.shared(replace(state, readings={**state.readings, Aspect.VERSIONING: ABSENT}))
        for state in fresh[:CHANGED]
    ]
    change = spent(by_shape.of, changed)
    afresh = best(lambda state: evaluate(rules, state), states[:100])
    return [
        (f"{named}, afresh", afresh, len(evaluate(rules, states[0]))),
        (f"{named}, first sight of a known shape", first_sight, 0),
        (f"{named}, the same bucket again", again, 0),
        (f"{named}, versioning changed, no known shape", change, (by_shape.ran - ran) // CHANGED),
    ]


def main() -> None:
    """Print the table."""
    cache = Cache()
    states = fleet(cache, "known")
    text = states[0].readings[Aspect.POLICY].value.text  # type: ignore[union-attr]
    unit = best(lambda state: json.loads(state.readings[Aspect.POLICY].value.text), states)  # type: ignore[union-attr]
    default = tuple(rule for rule in RULES if rule.info.default)
    table = [
        ("json.loads of the policy", unit, 0),
        *rows(cache, default, f"{len(default)} default rules", states),
        *rows(cache, RULES, f"{len(RULES)} rules", states),
    ]
    lines = [
        f"a policy of {len(text)} characters",
        f"{'what':<56}{'us/bucket':>12}{'x json.loads':>14}{'checks run':>12}",
        *(f"{name:<56}{micros:>12.1f}{micros / unit:>14.1f}{checks or '':>12}" for name, micros, checks in table),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
