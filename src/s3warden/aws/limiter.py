"""How many calls may be under way: a limit for each account that adapts, and one for the whole process.

Hands out places in turn, account by account, so that a large account does not starve the small ones. The policy
(`Aimd`) is pure and knows no waiting; `Limiter` waits and knows no policy. Neither knows what the calls are.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from s3warden.model.bucket import AccountRef


@dataclass(frozen=True, slots=True)
class Aimd:
    """Additive increase, multiplicative decrease of how many calls an account may have under way.

    A success adds one call per full round of calls, a throttled call halves. `cuts` counts the halvings: calls that
    started before the last one say nothing new when AWS throttles them too.
    """

    limit: float = 50.0
    floor: float = 1.0
    ceiling: float = 100.0
    cuts: int = 0

    @property
    def places(self) -> int:
        """Calls that may be under way at once."""
        return int(self.limit)

    def succeeded(self) -> "Aimd":
        """What one answered call teaches."""
        return replace(self, limit=min(self.ceiling, self.limit + 1 / self.limit))

    def throttled(self, cuts_at_start: int) -> "Aimd":
        """What one throttled call teaches that started when `cuts` was `cuts_at_start`."""
        if cuts_at_start != self.cuts:
            return self
        return replace(self, limit=max(self.floor, self.limit / 2), cuts=self.cuts + 1)


@dataclass(slots=True)
class _Account:
    policy: Aimd
    under_way: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    @property
    def has_room(self) -> bool:
        return self.under_way < self.policy.places


class Place:
    """The right to have one call under way. Say how it ended; a call that AWS never answered teaches nothing."""

    def __init__(self, state: _Account) -> None:
        self._state = state
        self._cuts = state.policy.cuts

    def answered(self) -> None:
        """AWS answered, be it with a refusal: there may be room for more."""
        self._state.policy = self._state.policy.succeeded()

    def throttled(self) -> None:
        """AWS asked to slow down."""
        self._state.policy = self._state.policy.throttled(self._cuts)


class Limiter:
    """Places for calls. `total` bounds the process, `policy` is where each account starts."""

    def __init__(self, *, total: int = 200, policy: Aimd | None = None) -> None:
        self._free = total
        self._policy = policy or Aimd()
        self._accounts: dict[AccountRef, _Account] = {}
        # Accounts with somebody waiting and room for him, in the order in which they get the next place.
        self._ready: OrderedDict[AccountRef, None] = OrderedDict()

    @asynccontextmanager
    async def place(self, account: AccountRef) -> AsyncIterator[Place]:
        """Wait for a place for one call in `account`, and hold it inside the block."""
        state = self._accounts.setdefault(account, _Account(self._policy))
        await self._enter(account, state)
        try:
            yield Place(state)
        finally:
            self._leave(account, state)

    def limit(self, account: AccountRef) -> int:
        """How many calls may be under way in `account` now."""
        state = self._accounts.get(account)
        return self._policy.places if state is None else state.policy.places

    async def _enter(self, account: AccountRef, state: _Account) -> None:
        if self._free and state.has_room and not state.waiting:
            self._take(state)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        state.waiting.append(turn)
        self._offer(account, state)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):
                    state.waiting.remove(turn)
                self._offer(account, state)
            else:
                self._leave(account, state)  # the place was given in the same moment: pass it on
            raise

    def _take(self, state: _Account) -> None:
        self._free -= 1
        state.under_way += 1

    def _leave(self, account: AccountRef, state: _Account) -> None:
        self._free += 1
        state.under_way -= 1
        self._offer(account, state)
        self._grant()

    def _offer(self, account: AccountRef, state: _Account) -> None:
        """Keep `account` in the round exactly while it has somebody waiting and room for him."""
        if state.waiting and state.has_room:
            self._ready.setdefault(account)
        else:
            self._ready.pop(account, None)

    def _grant(self) -> None:
        while self._free and self._ready:
            account, _ = self._ready.popitem(last=False)
            state = self._accounts[account]
            turn = state.waiting.popleft()
            if not turn.done():
                self._take(state)
                turn.set_result(None)
            self._offer(account, state)
