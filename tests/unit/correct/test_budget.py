"""Counts of fixes and of those who ask for one, over sliding windows."""

from datetime import UTC, datetime, timedelta

from s3warden.correct.budget import Budget, Spent

START = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def test_counts_by_account_and_overall() -> None:
    """Fixes count for a minute and for an hour, in their account and overall, and then no longer."""
    budget = Budget()
    for second in (0, 30, 59):
        budget.done("a", START + timedelta(seconds=second))
    budget.done("b", START + timedelta(seconds=59))
    now = START + timedelta(seconds=60)
    assert budget.spent("a", now, 10) == Spent(account_minute=2, account_hour=3, minute=3, hour=4, estate=10)
    later = START + timedelta(seconds=59, hours=1)
    assert budget.spent("a", later, 10) == Spent(estate=10)


def test_asking_again_is_no_new_demand() -> None:
    """A subject counts once, from its first demand, for an hour."""
    budget = Budget()
    for minute in (0, 10, 59):
        budget.ask("x", START + timedelta(minutes=minute))
    budget.ask("y", START + timedelta(minutes=30))
    assert budget.spent("a", START + timedelta(minutes=59), 1).asking == 2
    assert budget.spent("a", START + timedelta(minutes=61), 1).asking == 1
    budget.ask("x", START + timedelta(minutes=62))
    assert budget.spent("a", START + timedelta(minutes=62), 1).asking == 2


def test_a_restart_takes_up_what_the_journal_knows() -> None:
    """Killing the daemon gives nobody a new budget."""
    budget = Budget()
    budget.restore([(START, "a", "x"), (START + timedelta(seconds=1), "a", "y")])
    spent = budget.spent("a", START + timedelta(seconds=2), 5)
    assert (spent.account_minute, spent.asking) == (2, 2)
