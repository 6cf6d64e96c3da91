"""The long forms: `python -m long.exposure_fuzz` from tests/, or `pytest tests/long/exposure_fuzz.py -m long`.

`--policies N` random policies against the SMT solver, and `--pairs N` random (policy, request) pairs through both
evaluators. Prints what is undecided and why; ends with 1 if anything was unsound.
"""

import argparse
import sys
from random import Random

import pytest

from support.exposure_checks import Tally, against_solver, compare

REQUESTS = 50
"""Requests tried with each policy."""


def solver_run(policies: int, start: int = 0) -> Tally:
    """The comparison with the solver, with a line of progress now and then."""
    tally = Tally()
    for first in range(start, start + policies, 500):
        part = against_solver(range(first, min(first + 500, start + policies)))
        tally.confirmed += part.confirmed
        tally.unknown += part.unknown
        tally.unsolved += part.unsolved
        tally.wrong += part.wrong
        for cause, count in part.because.items():
            tally.because[cause] = tally.because.get(cause, 0) + count
        print(f"{first + 500 - start}: {tally.confirmed} confirmed, {len(tally.wrong)} wrong", file=sys.stderr)
    return tally


def sampling_run(pairs: int, start: int = 0) -> list[str]:
    """The comparison of the two evaluators on random requests: every contradiction."""
    wrong: list[str] = []
    for seed in range(start, start + pairs // REQUESTS):
        wrong += compare(Random(seed), REQUESTS)[1]
    return wrong


def report(tally: Tally, policies: int) -> None:
    """Say what is unknown, and why."""
    share = 100 * tally.unknown / max(policies, 1)
    print(f"{policies} policies: {tally.confirmed} confirmed, {tally.unsolved} too hard for the solver")
    print(f"unknown: {tally.unknown} ({share:.3f} %)")
    for cause, count in sorted(tally.because.items(), key=lambda item: -item[1]):
        print(f"  {count:6} {cause}")
    for text in tally.wrong:
        print(f"WRONG {text}")


@pytest.mark.long
def test_solver_long() -> None:
    """100,000 policies without one unsound verdict, under 1 % unknown."""
    tally = solver_run(100_000)
    assert tally.wrong == []
    assert tally.unknown < 1_000


@pytest.mark.long
def test_sampling_long() -> None:
    """1,000,000 pairs without one contradiction."""
    assert sampling_run(1_000_000) == []


def main() -> int:
    """Run both with the sizes asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policies", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    asked = parser.parse_args()
    wrong = sampling_run(asked.pairs, asked.start)
    print(f"{asked.pairs} pairs: {len(wrong)} contradictions")
    for text in wrong:
        print(f"WRONG {text}")
    tally = solver_run(asked.policies, asked.start)
    report(tally, asked.policies)
    return 1 if wrong or tally.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
