"""The exposure engine against an SMT solver, short form (tests/long/exposure_fuzz.py has the long one)."""

from random import Random

from support.exposure_checks import against_solver, compare


def test_solver_finds_no_unsound_verdict() -> None:
    """A thousand random policies: what the engine calls private or proves open, the solver confirms."""
    tally = against_solver(range(1000), milliseconds=300)
    assert tally.wrong == []
    assert tally.confirmed > 800
    assert tally.unknown <= 10, tally.because


def test_two_evaluators_agree_on_random_requests() -> None:
    """Twenty thousand pairs of policy and request without a contradiction."""
    assert [text for seed in range(1000, 1400) for text in compare(Random(seed), 50)[1]] == []
