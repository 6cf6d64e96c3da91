"""Whether the daemon lives and whether it is ready, told by its own parts.

Takes beats from the loops and conditions from whoever knows them, hands reports on to the HTTP server. Liveness asks
only whether the loops still turn: it must never depend on AWS, since a restart mends nothing there. Readiness says
whether the guard does its work; while it drains it is not ready, though it lives.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a report: `required` checks decide, the others are only shown."""

    name: str
    ok: bool
    detail: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a probe, in the order in which the parts were announced."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether every required check is good."""
        return all(check.ok for check in self.checks if check.required)


@dataclass(slots=True)
class _Loop:
    within: float
    beaten: float


@dataclass(frozen=True, slots=True)
class _Condition:
    ok: bool
    detail: str
    since: datetime


class Health:
    """What the parts say of themselves. `clock` is monotonic seconds, `now` gives the UTC time shown to people."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._now = now
        self._loops: dict[str, _Loop] = {}
        self._conditions: dict[str, _Condition] = {}
        self._draining = False

    def expect(self, name: str, within: float) -> None:
        """The loop `name` is to beat at least every `within` seconds from now on."""
        if within <= 0:
            raise ValueError(f"the limit of loop {name!r} must be above zero")
        self._loops[name] = _Loop(within, self._clock())

    def beat(self, name: str) -> None:
        """The loop `name` turns. A loop that nobody expects, or that was given up, is not watched."""
        loop = self._loops.get(name)
        if loop is not None:
            loop.beaten = self._clock()

    def forget(self, name: str) -> None:
        """The loop or condition `name` has ended as it should; it is no longer asked for."""
        self._loops.pop(name, None)
        self._conditions.pop(name, None)

    def set_ready(self, condition: str, ok: bool, detail: str = "") -> None:
        """Say whether `condition` holds. `detail` is shown to people and must hold no secret.

        Conditions named `kind:name` are alternatives: one queue, or one destination, that works is enough to be ready;
        the broken ones are shown.
        """
        known = self._conditions.get(condition)
        since = known.since if known is not None and known.ok == ok else self._now()
        self._conditions[condition] = _Condition(ok, detail, since)

    def draining(self) -> None:
        """The daemon stops: it is not ready from now on, and its loops may end as they like."""
        self._draining = True
        self._loops.clear()

    def live(self) -> Report:
        """Whether every expected loop beat in time."""
        now = self._clock()
        return Report(
            tuple(
                Check(
                    name,
                    now - loop.beaten <= loop.within,
                    f"last beat {max(0.0, now - loop.beaten):.1f} s ago, limit {loop.within:g} s",
                )
                for name, loop in self._loops.items()
            )
        )

    def ready(self) -> Report:
        """Whether every condition holds and nothing drains. With no condition told yet, it is not ready."""
        checks = [
            Check(name, condition.ok, _told(condition), required=":" not in name)
            for name, condition in self._conditions.items()
        ]
        kinds = dict.fromkeys(name.partition(":")[0] for name in self._conditions if ":" in name)
        checks += [self._any_of(kind) for kind in kinds]
        if not checks:
            checks.append(Check("started", ok=False, detail="nothing is known yet"))
        if self._draining:
            checks.append(Check("draining", ok=False, detail="the daemon is stopping"))
        return Report(tuple(checks))

    def _any_of(self, kind: str) -> Check:
        members = [c.ok for name, c in self._conditions.items() if name.startswith(f"{kind}:")]
        return Check(f"any {kind}", any(members), f"{sum(members)} of {len(members)}, one is enough")


def _told(condition: _Condition) -> str:
    since = condition.since.isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"{condition.detail} (since {since})" if condition.detail else f"since {since}"
