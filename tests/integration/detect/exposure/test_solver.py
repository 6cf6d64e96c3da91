"""The short form of the comparison with an SMT solver (tests/long/exposure_fuzz.py has the long one)."""

from support.exposure_checks import against_solver


def test_solver_finds_no_unsound_no() -> None:
    """Two hundred random policies: what the engine calls private or proves open, the solver confirms."""
    tally = against_solver(range(200), milliseconds=400)
    assert tally.wrong == []
    assert tally.confirmed > 150
    assert tally.unknown <= 2
