"""The comparison of the two evaluators: a request that the concrete one allows must not be called impossible."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from s3warden.detect.exposure import actions, concrete
from s3warden.detect.exposure.engine import analyse
from s3warden.detect.exposure.inputs import inputs_of
from s3warden.detect.exposure.parse import parse
from s3warden.detect.exposure.verdict import Exposure
from support.policies import NAMED, document, named, policy, sent, show

_OBTAINABLE = [name for name, of in zip(actions.NAMES, actions.CLASS, strict=True) if of != actions.POLICY]
_LIKELY = ["s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject", "s3:GetBucketAcl", "s3:PutBucketAcl"]


def contradiction(found: Exposure, who: str, action: str) -> str | None:
    """What is wrong with a verdict, given that `who` may do `action`; None if it agrees or owns up to not knowing."""
    if who in NAMED:
        known = who in found.cross_account or any(text.startswith(f"account {who}") for text in found.unknown_because)
        return None if known else f"account {who} gets {action} and is not listed"
    if found.public is False:
        return f"{who} gets {action} and the bucket is called private"
    of = actions.CLASS[actions.INDEX[action.lower()]]
    if who == "internet" and of not in found.public_actions and not any(of in text for text in found.unknown_because):
        return f"anyone gets {action} and {of} is not listed"
    return None


def compare(rng: Random, requests: int) -> tuple[Exposure, list[str]]:
    """One random policy against `requests` random requests: the verdict, and every contradiction found."""
    made: dict[str, Any] = policy(rng)
    found = analyse(inputs_of(document(made)))
    normal, names = parse(made), named(made)
    wrong: list[str] = []
    for _ in range(requests):
        action = rng.choice(_LIKELY if rng.random() < 0.8 else _OBTAINABLE)
        if action == "s3:PutBucketObjectLockConfiguration":
            continue
        one = sent(rng, action)
        if one.who in NAMED and one.who not in names:
            continue
        if concrete.decide(one.request, normal) is concrete.Decision.ALLOWED:
            text = contradiction(found, one.who, action)
            if text is not None:
                wrong.append(f"{text}: {one.request} {show(made)}")
    return found, wrong


@dataclass(slots=True)
class Tally:
    """What a comparison found: how many verdicts were confirmed, refuted (with the policy), undecided by each side."""

    confirmed: int = 0
    unknown: int = 0
    unsolved: int = 0
    wrong: list[str] = field(default_factory=list)
    because: dict[str, int] = field(default_factory=dict)


def against_solver(seeds: Iterable[int], *, milliseconds: int = 2000) -> Tally:
    """Random policies, engine against SMT solver: a `no` must be unsatisfiable, a `yes` is checked by its witness."""
    from support.exposure_z3 import solve

    tally = Tally()
    for seed in seeds:
        made = policy(Random(seed))
        found = analyse(inputs_of(document(made)))
        for text in found.unknown_because[:1]:
            tally.unknown += 1
            cause = text.rpartition(": ")[2]
            tally.because[cause] = tally.because.get(cause, 0) + 1
        if found.public is None:
            continue
        witness = next((one for one in found.witnesses if one.caller.startswith("any")), None)
        solved = solve(made, witness=witness, milliseconds=milliseconds)
        if solved is None:
            tally.unsolved += 1
        elif solved == found.public:
            tally.confirmed += 1
        else:
            tally.wrong.append(f"engine {found.public}, solver {solved}: {show(made)}")
    return tally
