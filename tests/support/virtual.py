"""An event loop whose time jumps to the next timer instead of passing: hours of a schedule in milliseconds."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("every task waits for something that will never happen")
            self.now += max(timeout, 0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop for code that waits only for timers, futures and other tasks: no sockets, no threads."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # Timers set from a rounded moment must not ring a hair too early for ever.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Seconds of the virtual clock."""
        return self._jumping.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on a virtual loop; a task still alive at its end fails the test."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        result = runner.run(main)
        left = asyncio.all_tasks(runner.get_loop())
        if left:
            raise AssertionError(f"left running: {left}")
        return result


def now() -> float:
    """The virtual clock of the running loop, to be injected as `clock`."""
    return asyncio.get_running_loop().time()
