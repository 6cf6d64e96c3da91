"""The policy of the limiter, and its waiting."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from s3warden.aws.limiter import Aimd, Limiter
from s3warden.model.bucket import AccountRef

A, B = AccountRef("aws", "1"), AccountRef("aws", "2")


def test_a_round_of_successes_adds_one_call() -> None:
    """After as many answers as there are places there is one place more."""
    policy = Aimd(limit=10)
    for _ in range(11):
        policy = policy.succeeded()
    assert policy.places == 11


def test_throttling_halves_once_for_all_calls_of_a_round() -> None:
    """Ten calls throttled together say one thing; the first call after it may say another."""
    policy = Aimd(limit=40)
    at_start = policy.cuts
    for _ in range(10):
        policy = policy.throttled(at_start)
    assert policy.places == 20
    assert policy.throttled(policy.cuts).places == 10


@given(st.lists(st.booleans(), max_size=300))
def test_the_limit_stays_within_its_bounds(answers: list[bool]) -> None:
    """No history leads below the floor or above the ceiling."""
    policy = Aimd(limit=5, floor=1, ceiling=8)
    for good in answers:
        policy = policy.succeeded() if good else policy.throttled(policy.cuts)
        assert 1 <= policy.places <= 8


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class Work:
    """Calls that last until released, and what was under way at once."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.running: list[AccountRef] = []
        self.started: list[AccountRef] = []
        self.gates: list[asyncio.Event] = []

    async def call(self, account: AccountRef) -> None:
        async with self.limiter.place(account) as place:
            self.running.append(account)
            self.started.append(account)
            gate = asyncio.Event()
            self.gates.append(gate)
            await gate.wait()
            self.running.remove(account)
            place.answered()

    async def finish_one(self) -> None:
        self.gates.pop(0).set()
        await _settle()


async def test_an_account_keeps_to_its_limit_and_the_process_to_its_own() -> None:
    """Three calls of one account, four in all."""
    work = Work(Limiter(total=4, policy=Aimd(limit=3, ceiling=3)))
    tasks = [asyncio.create_task(work.call(account)) for account in [A] * 5 + [B] * 5]
    await _settle()
    assert (work.running.count(A), work.running.count(B)) == (3, 1)
    while work.gates:
        await work.finish_one()
        assert len(work.running) <= 4
        assert work.running.count(A) <= 3
        assert work.running.count(B) <= 3
    await asyncio.gather(*tasks)
    assert len(work.started) == 10


async def test_accounts_take_turns() -> None:
    """A small account does not wait behind the queue of a large one."""
    work = Work(Limiter(total=1))
    tasks = [asyncio.create_task(work.call(A)) for _ in range(6)]
    await _settle()
    tasks += [asyncio.create_task(work.call(B)) for _ in range(2)]
    await _settle()
    while work.gates:
        await work.finish_one()
    await asyncio.gather(*tasks)
    assert work.started == [A, A, B, A, B, A, A, A]


async def test_a_caller_who_gives_up_leaves_no_trace() -> None:
    """Cancelled while waiting, or in the very moment of being let in: the place goes to the next."""
    limiter = Limiter(total=1)
    work = Work(limiter)
    first, second, third = (asyncio.create_task(work.call(A)) for _ in range(3))
    await _settle()
    second.cancel()
    work.gates.pop(0).set()
    await asyncio.sleep(0)
    await _settle()
    assert work.running == [A]
    await work.finish_one()
    await asyncio.gather(first, third)
    fourth = asyncio.create_task(work.call(A))
    await _settle()
    fifth = asyncio.create_task(work.call(A))
    await _settle()
    work.gates.pop(0).set()
    await asyncio.sleep(0)
    fifth.cancel()
    await asyncio.gather(fourth, fifth, return_exceptions=True)
    async with limiter.place(B):
        pass


@given(st.data())
def test_no_place_is_lost_whatever_is_cancelled(data: st.DataObject) -> None:
    """After any mix of calls, ends and cancellations all places are free again."""
    plan = data.draw(st.lists(st.tuples(st.sampled_from("ABxr"), st.integers(0, 9)), max_size=40))

    async def play() -> None:
        limiter = Limiter(total=2, policy=Aimd(limit=2, ceiling=2))
        work, tasks = Work(limiter), []
        for what, number in plan:
            if what in "AB":
                tasks.append(asyncio.create_task(work.call(A if what == "A" else B)))
            elif what == "x" and tasks:
                tasks[number % len(tasks)].cancel()
            elif work.gates:
                work.gates.pop(0).set()
            await asyncio.sleep(0)
        while not all(task.done() for task in tasks):
            for gate in work.gates:
                gate.set()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        async with limiter.place(A), limiter.place(A):
            pass

    asyncio.run(asyncio.wait_for(play(), 5))


async def test_what_is_learnt_of_one_account_is_not_held_against_another() -> None:
    """Throttling of one account leaves the limit of the others as it was."""
    limiter = Limiter(policy=Aimd(limit=40))
    async with limiter.place(A) as place:
        place.throttled()
    assert (limiter.limit(A), limiter.limit(B)) == (20, 40)
