"""Lists that answer for many: shared by who waits together, begun anew for who comes later, and what lasts."""

import asyncio

from s3warden.collect.batches import Batches

SHUT = "shut"


class Lists:
    """Reads that end when told to, and what they were asked for."""

    def __init__(self, outcome: str) -> None:
        self.outcome = outcome
        self.asked: list[frozenset[str]] = []
        self.now = 0.0

    async def read(self, _place: str, names: frozenset[str]) -> str:
        """The outcome, after everybody else had some turns."""
        self.asked.append(names)
        for _ in range(5):
            await asyncio.sleep(0)
        return self.outcome

    def batches(self) -> Batches[str, str]:
        """Batches of these reads, of which `SHUT` lasts."""
        return Batches(self.read, lasts=lambda outcome: outcome == SHUT, clock=lambda: self.now)


async def test_who_waits_together_shares_one_list() -> None:
    """The first is asked for alone, all who come meanwhile together."""
    lists = Lists("open")
    batches = lists.batches()
    first = asyncio.ensure_future(batches.of("here", "a"))
    await asyncio.sleep(0)
    assert await asyncio.gather(first, *(batches.of("here", name) for name in "bcd")) == ["open"] * 4
    assert lists.asked == [frozenset("a"), frozenset("bcd")]


async def test_what_lasts_is_given_to_all_for_a_while() -> None:
    """A service that is off is off for every bucket of the region: it is asked once a minute."""
    lists = Lists(SHUT)
    batches = lists.batches()
    assert [await batches.of("here", name) for name in "abc"] == [SHUT] * 3
    assert [await batches.of("there", "a")] == [SHUT]
    assert len(lists.asked) == 2
    lists.now = 61.0
    assert await batches.of("here", "d") == SHUT
    assert len(lists.asked) == 3


async def test_what_lasts_can_be_forgotten() -> None:
    """Somebody saw it change: who asks from then on gets a new list."""
    lists = Lists(SHUT)
    batches = lists.batches()
    await batches.of("here", "a")
    lists.outcome = "open"
    batches.forget("here")
    assert await batches.of("here", "a") == "open"
    assert await batches.of("here", "a") == "open"
    assert len(lists.asked) == 3
