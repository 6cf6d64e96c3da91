"""The refresh queue on virtual time: order, merging, quiet periods, fan-out, bounds, end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from s3warden.collect.fanout import merge_waves
from s3warden.collect.refresh import RefreshLimits, RefreshQueue
from s3warden.model.bucket import AccountRef, Aspect, BucketRef, Subject
from s3warden.model.event import Done, Origin, Outcome, RefreshRequest, Retry, Skipped, Trigger
from s3warden.telemetry.metrics import Metrics
from support import virtual

ACCOUNT = AccountRef("aws", "111111111111")
Script = Callable[[RefreshRequest], Awaitable[Outcome]]


def bucket(name: str, account: str = "111111111111") -> BucketRef:
    """A bucket of `account`."""
    return BucketRef("aws", account, "eu-west-1", name)


def ask(
    subject: Subject | str,
    origin: Origin = Origin.EVENT,
    *,
    urgent: bool = False,
    aspects: Sequence[Aspect] = (Aspect.ACL,),
    event: str = "",
) -> RefreshRequest:
    """A request; a text stands for a bucket of the first account."""
    triggers = (Trigger("PutBucketAcl", "aws.s3", event),) if event else ()
    target = bucket(subject) if isinstance(subject, str) else subject
    return RefreshRequest(target, frozenset(aspects), origin, triggers, urgent)


@dataclass
class Looks:
    """Records every look: when it started and for what; each takes `seconds` unless `script` says otherwise."""

    seconds: float = 0.1
    script: Script | None = None
    started: list[tuple[float, RefreshRequest]] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    most: int = 0

    async def __call__(self, request: RefreshRequest) -> Outcome:
        key = request.subject.key
        assert key not in self.running, "two looks at one subject at once"
        self.started.append((virtual.now(), request))
        self.running.append(key)
        self.most = max(self.most, len(self.running))
        try:
            if self.script is not None:
                return await self.script(request)
            await asyncio.sleep(self.seconds)
            return Done()
        finally:
            self.running.remove(key)

    @property
    def names(self) -> list[str]:
        """The subjects looked at, in order."""
        return [str(request.subject) for _, request in self.started]


@asynccontextmanager
async def running(
    looks: Looks, limits: RefreshLimits | None = None, metrics: Metrics | None = None
) -> AsyncIterator[RefreshQueue]:
    """A queue at work until the end of the block."""
    queue = RefreshQueue(
        looks,
        limits=limits or RefreshLimits(workers=4, quiet=0.0),
        metrics=metrics or Metrics(CollectorRegistry()),
        clock=virtual.now,
    )
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(0)
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """One sample of the registry, 0 where there is none yet."""
    return metrics.registry.get_sample_value(f"s3warden_{name}", labels) or 0.0


def test_a_waiter_gets_the_outcome() -> None:
    """The future ends with what the refresh returned."""

    async def main() -> None:
        async def skip(request: RefreshRequest) -> Outcome:
            return Skipped("out_of_scope")

        metrics = Metrics(CollectorRegistry())
        async with running(Looks(script=skip), metrics=metrics) as queue:
            assert await (await queue.submit(ask("a"))) == Skipped("out_of_scope")
        assert value(metrics, "refreshes_total", origin="event") == 1

    virtual.run(main())


def test_a_burst_is_one_look_after_the_quiet_period() -> None:
    """Requests that come within the quiet period are merged, and the look starts when the last one is old enough."""

    async def main() -> None:
        looks = Looks()
        metrics = Metrics(CollectorRegistry())
        async with running(looks, RefreshLimits(quiet=2.0, max_delay=10.0), metrics) as queue:
            begin = virtual.now()
            first = await queue.submit(ask("a", aspects=[Aspect.ACL], event="1"))
            await asyncio.sleep(1.5)
            second = await queue.submit(ask("a", aspects=[Aspect.POLICY], event="2"))
            assert await asyncio.gather(*[first, second]) == [Done(), Done()]
            [(at, request)] = looks.started
        assert at - begin == 3.5
        assert request.aspects == {Aspect.ACL, Aspect.POLICY}
        assert [trigger.event_id for trigger in request.triggers] == ["1", "2"]
        assert value(metrics, "refreshes_merged_total") == 1

    virtual.run(main())


def test_a_storm_on_one_bucket_is_looked_at_within_the_cap() -> None:
    """A bucket that never keeps quiet is looked at `max_delay` after the first event."""

    async def main() -> None:
        looks = Looks()
        async with running(looks, RefreshLimits(quiet=2.0, max_delay=5.0)) as queue:
            begin = virtual.now()
            for _ in range(19):
                await queue.submit(ask("a"))
                await asyncio.sleep(0.5)
        assert [round(at - begin, 1) for at, _ in looks.started] == [5.0]

    virtual.run(main())


def test_an_urgent_event_ends_the_quiet_period() -> None:
    """A call that can widen access is looked at now, together with what waits for its bucket."""

    async def main() -> None:
        looks = Looks()
        async with running(looks, RefreshLimits(quiet=60.0, max_delay=60.0)) as queue:
            begin = virtual.now()
            waiting = await queue.submit(ask("a", aspects=[Aspect.TAGGING]))
            urgent = await queue.submit(ask("a", urgent=True))
            await asyncio.gather(waiting, urgent)
        assert [(at - begin, sorted(request.aspects)) for at, request in looks.started] == [
            (0.0, [Aspect.ACL, Aspect.TAGGING])
        ]

    virtual.run(main())


def test_sweeps_have_no_quiet_period() -> None:
    """A request of a sweep starts at once."""

    async def main() -> None:
        looks = Looks()
        async with running(looks, RefreshLimits(quiet=60.0, max_delay=60.0)) as queue:
            begin = virtual.now()
            await (await queue.submit(ask("a", Origin.SWEEP)))
        assert looks.started[0][0] == begin

    virtual.run(main())


def test_an_event_gives_a_waiting_sweep_its_quiet_period() -> None:
    """A sweep's request that an event joins waits for the end of the series, like any event."""

    async def main() -> None:
        looks = Looks(seconds=1.0)
        async with running(looks, RefreshLimits(workers=1, quiet=5.0)) as queue:
            begin = virtual.now()
            await queue.submit(ask("busy", Origin.SWEEP))
            swept = await queue.submit(ask("a", Origin.SWEEP))
            await queue.submit(ask("a", Origin.EVENT))
            await swept
        assert [(str(r.subject), at - begin) for at, r in looks.started] == [("busy", 0.0), ("a", 5.0)]

    virtual.run(main())


def test_a_request_during_a_look_waits_for_the_next_look() -> None:
    """What is asked while a look runs is answered by a look that started later."""

    async def main() -> None:
        looks = Looks(seconds=1.0)
        async with running(looks) as queue:
            begin = virtual.now()
            first = await queue.submit(ask("a"))
            await asyncio.sleep(0.5)
            second = await queue.submit(ask("a"))
            third = await queue.submit(ask("a"))
            await first
            assert not second.done()
            await asyncio.gather(second, third)
        assert [at - begin for at, _ in looks.started] == [0.0, 1.0]

    virtual.run(main())


def test_buckets_are_looked_at_in_parallel_up_to_the_workers() -> None:
    """No more looks run at once than there are workers."""

    async def main() -> None:
        looks = Looks()
        async with running(looks, RefreshLimits(workers=3, quiet=0.0)) as queue:
            await asyncio.gather(*[await queue.submit(ask(f"b{n}")) for n in range(10)])
        assert looks.most == 3

    virtual.run(main())


def test_events_go_before_fan_out_before_recheck_before_sweep() -> None:
    """The most important origin goes first, whatever came first."""

    async def main() -> None:
        looks = Looks()
        async with running(looks, RefreshLimits(workers=1, quiet=0.0)) as queue:
            futures = [await queue.submit(ask("first", Origin.SWEEP))]
            origins = (Origin.SWEEP, Origin.RECHECK, Origin.ACCOUNT, Origin.EVENT)
            futures += [await queue.submit(ask(f"by-{origin.value}", origin)) for origin in origins]
            futures.append(await queue.submit(ask("by-sweep-2", Origin.SWEEP)))
            await asyncio.gather(*futures)
        assert looks.names == ["first", "by-event", "by-account", "by-recheck", "by-sweep", "by-sweep-2"]

    virtual.run(main())


def test_a_noisy_account_takes_turns_with_the_others() -> None:
    """A storm in one account delays another account by one look, not by the storm."""

    async def main() -> None:
        looks = Looks()
        async with running(looks, RefreshLimits(workers=1, quiet=0.0)) as queue:
            futures = [await queue.submit(ask(bucket(f"noisy{n}", "222222222222"))) for n in range(50)]
            futures += [await queue.submit(ask(bucket(f"calm{n}", "333333333333"))) for n in range(2)]
            await asyncio.gather(*futures)
        assert looks.names[:5] == ["noisy0", "noisy1", "calm0", "noisy2", "calm1"]

    virtual.run(main())


def test_a_crash_is_a_retry_and_ends_no_worker() -> None:
    """A refresh that raises, a stray cancellation included, gives Retry, and the next look runs."""

    async def main() -> None:
        async def crash(request: RefreshRequest) -> Outcome:
            if str(request.subject) == "cancelled":
                raise asyncio.CancelledError
            if str(request.subject) == "bad":
                raise RuntimeError("boom")
            return Done()

        metrics = Metrics(CollectorRegistry())
        async with running(Looks(script=crash), RefreshLimits(workers=1, quiet=0.0), metrics) as queue:
            futures = [await queue.submit(ask(name)) for name in ("bad", "cancelled", "good")]
            assert await asyncio.gather(*futures) == [Retry("crashed"), Retry("crashed"), Done()]
        assert value(metrics, "refreshes_failed_total", reason="crashed") == 2

    virtual.run(main())


def test_submit_waits_for_room_and_a_merge_needs_none() -> None:
    """A full queue holds a new subject back, while a request for a waiting subject joins it."""

    async def main() -> None:
        looks = Looks(seconds=10.0)
        async with running(looks, RefreshLimits(workers=1, capacity=2, quiet=0.0)) as queue:
            for name in ("running", "a", "b"):
                await queue.submit(ask(name))
            await queue.submit(ask("a"))
            blocked = asyncio.create_task(queue.submit(ask("c")))
            await asyncio.sleep(9.0)
            assert not blocked.done()
            await asyncio.sleep(2.0)
            assert blocked.done()

    virtual.run(main())


def test_a_sweep_leaves_room_for_events() -> None:
    """A sweep may fill half of the queue; an event still finds room, and goes next."""

    async def main() -> None:
        looks = Looks(seconds=1.0)
        async with running(looks, RefreshLimits(workers=1, capacity=4, quiet=0.0)) as queue:

            async def sweep() -> None:
                for n in range(8):
                    await queue.submit(ask(f"s{n}", Origin.SWEEP))

            sweeping = asyncio.create_task(sweep())
            await asyncio.sleep(0.5)
            assert not sweeping.done()
            await (await queue.submit(ask("event")))
            await sweeping
        assert looks.names[:3] == ["s0", "event", "s1"]

    virtual.run(main())


def test_a_seeker_that_gives_up_passes_the_room_on() -> None:
    """The cancellation of one who waits for room leaves nobody waiting for ever."""

    async def main() -> None:
        looks = Looks(seconds=1.0)
        async with running(looks, RefreshLimits(workers=1, capacity=1, quiet=0.0)) as queue:
            for name in ("running", "waiting"):
                await queue.submit(ask(name))
            seekers = [asyncio.create_task(queue.submit(ask(f"s{n}"))) for n in range(3)]
            await asyncio.sleep(0.5)
            seekers[0].cancel()
            futures = [await seeker for seeker in seekers[1:]]
            assert await asyncio.gather(*futures) == [Done(), Done()]

    virtual.run(main())


def waves_of(*waves: Sequence[str], aspects: Sequence[Aspect] = ()) -> tuple[tuple[RefreshRequest, ...], ...]:
    """Waves of requests for the named buckets, evaluate-only ones unless `aspects` are to be read."""
    return tuple(tuple(ask(name, Origin.ACCOUNT, aspects=aspects) for name in wave) for wave in waves)


def test_followups_run_wave_after_wave_and_end_the_first_future() -> None:
    """The second wave starts when the first has ended, and only then does the account's own future end."""

    async def main() -> None:
        async def script(request: RefreshRequest) -> Outcome:
            await asyncio.sleep(1.0)
            return Done(waves_of(["live"], ["a", "b"])) if request.subject == ACCOUNT else Done()

        looks = Looks(script=script)
        async with running(looks, RefreshLimits(workers=1, quiet=0.0, fanout_per_second=0)) as queue:
            begin = virtual.now()
            assert await (await queue.submit(ask(ACCOUNT, urgent=True))) == Done()
            assert virtual.now() - begin == 4.0
        assert looks.names == ["account 111111111111", "live", "a", "b"]

    virtual.run(main())


def test_followups_are_paced_and_hold_no_worker() -> None:
    """A fan-out at two a second lets an event through between its looks, with one worker."""

    async def main() -> None:
        async def script(request: RefreshRequest) -> Outcome:
            waves = waves_of([f"b{n}" for n in range(6)], aspects=[Aspect.ACL])
            return Done(waves) if request.subject == ACCOUNT else Done()

        looks = Looks(script=script)
        async with running(looks, RefreshLimits(workers=1, quiet=0.0, fanout_per_second=2)) as queue:
            begin = virtual.now()
            future = await queue.submit(ask(ACCOUNT))
            await asyncio.sleep(0.75)
            await (await queue.submit(ask("event")))
            assert virtual.now() - begin == 0.75
            await future
        assert [round(at - begin, 2) for at, r in looks.started if str(r.subject).startswith("b")] == [
            0.0, 0.5, 1.0, 1.5, 2.0, 2.5,
        ]  # fmt: skip

    virtual.run(main())


def test_followups_that_read_nothing_are_not_paced() -> None:
    """Judging anew from what is known costs no call, and may be what tells a leak."""

    async def main() -> None:
        async def script(request: RefreshRequest) -> Outcome:
            return Done(waves_of([f"b{n}" for n in range(50)])) if request.subject == ACCOUNT else Done()

        looks = Looks(script=script)
        async with running(looks, RefreshLimits(workers=1, quiet=0.0, fanout_per_second=1)) as queue:
            begin = virtual.now()
            await (await queue.submit(ask(ACCOUNT)))
            assert virtual.now() - begin < 1.0
        assert len(looks.names) == 51

    virtual.run(main())


def test_one_followup_to_retry_makes_the_whole_a_retry_but_stops_nothing() -> None:
    """The other buckets of a fan-out are looked at, and the message comes back for the failed one."""

    async def main() -> None:
        async def script(request: RefreshRequest) -> Outcome:
            if request.subject == ACCOUNT:
                return Done(waves_of(["bad", "a"], ["b"]))
            return Retry("store") if str(request.subject) == "bad" else Done()

        looks = Looks(script=script)
        async with running(looks) as queue:
            assert await (await queue.submit(ask(ACCOUNT))) == Retry("store")
        assert looks.names[1:] == ["bad", "a", "b"]

    virtual.run(main())


def test_fan_outs_of_one_account_do_not_pile_up() -> None:
    """While one fan-out runs, the next ones join into one that follows; the account itself is looked at each time."""

    async def main() -> None:
        async def script(request: RefreshRequest) -> Outcome:
            waves = waves_of([f"b{n}" for n in range(10)], aspects=[Aspect.ACL])
            return Done(waves) if request.subject == ACCOUNT else Done()

        looks = Looks(script=script)
        async with running(looks, RefreshLimits(quiet=0.0, fanout_per_second=1)) as queue:
            futures = []
            for _ in range(5):
                futures.append(await queue.submit(ask(ACCOUNT)))
                await asyncio.sleep(1.0)
            assert await asyncio.gather(*futures) == [Done()] * 5
        assert looks.names.count("account 111111111111") == 5
        assert looks.names.count("b9") == 2

    virtual.run(main())


def test_merged_waves_do_the_work_of_both() -> None:
    """The later waves lead; what only the earlier ones had comes last, and aspects add up."""
    earlier = ((ask("a", aspects=[Aspect.ACL]), ask("b")), (ask("a", aspects=[Aspect.CORS]),))
    later = ((ask("c"),), (ask("a", aspects=[Aspect.POLICY]),))
    merged = merge_waves(earlier, later)
    assert [[str(request.subject) for request in wave] for wave in merged] == [["c"], ["a"], ["b"]]
    assert merged[1][0].aspects == {Aspect.ACL, Aspect.CORS, Aspect.POLICY}


def test_drain_does_not_wait_for_a_paced_fan_out() -> None:
    """What a fan-out has not put in yet is given up at once, so that its message is given back."""

    async def main() -> None:
        async def script(request: RefreshRequest) -> Outcome:
            waves = waves_of([f"b{n}" for n in range(1000)], aspects=[Aspect.ACL])
            return Done(waves) if request.subject == ACCOUNT else Done()

        async with running(Looks(script=script), RefreshLimits(quiet=0.0, fanout_per_second=1)) as queue:
            future = await queue.submit(ask(ACCOUNT))
            await asyncio.sleep(3.5)
            begin = virtual.now()
            await queue.drain(begin + 25)
            assert future.result() == Retry("draining")
            assert virtual.now() - begin <= 1

    virtual.run(main())


def test_drain_finishes_what_waits_without_quiet_periods() -> None:
    """At the end all that waits is looked at at once, and new work is turned away."""

    async def main() -> None:
        looks = Looks(seconds=1.0)
        async with running(looks, RefreshLimits(workers=2, quiet=600.0, max_delay=600.0)) as queue:
            futures = [await queue.submit(ask(f"b{n}")) for n in range(4)]
            begin = virtual.now()
            drained = asyncio.create_task(queue.drain(begin + 25))
            await asyncio.sleep(0)
            assert await (await queue.submit(ask("late"))) == Retry("draining")
            await drained
            assert virtual.now() - begin == 2.0
            assert [future.result() for future in futures] == [Done()] * 4

    virtual.run(main())


def test_drain_gives_up_at_the_deadline() -> None:
    """What has not ended at the deadline, running or waiting or seeking room or fanning out, ends with Retry."""

    async def main() -> None:
        async def script(request: RefreshRequest) -> Outcome:
            if request.subject == ACCOUNT:
                return Done(waves_of(["slow"]))
            await asyncio.sleep(1000)
            return Done()

        async with running(Looks(script=script), RefreshLimits(workers=1, capacity=1, quiet=0.0)) as queue:
            fan_out = await queue.submit(ask(ACCOUNT))
            await asyncio.sleep(1)
            waiting = await queue.submit(ask("waiting"))
            seeking = asyncio.create_task(queue.submit(ask("seeking")))
            await asyncio.sleep(1)
            begin = virtual.now()
            await queue.drain(begin + 5)
            assert virtual.now() - begin == 5
            outcomes = [fan_out.result(), waiting.result(), (await seeking).result()]
            assert outcomes == [Retry("draining")] * 3

    virtual.run(main())


def test_the_end_of_run_leaves_no_future_open() -> None:
    """Cancelling `run` ends every future, that of a look not yet started included."""

    async def main() -> None:
        looks = Looks(seconds=1000)
        async with running(looks, RefreshLimits(workers=1, quiet=0.0)) as queue:
            await asyncio.sleep(0)
            futures = [await queue.submit(ask(f"b{n}")) for n in range(3)]
        assert [future.result() for future in futures] == [Retry("draining")] * 3

    virtual.run(main())


def test_work_submitted_before_run_waits_for_it() -> None:
    """Nothing is looked at before `run`, and nothing submitted before is lost."""

    async def main() -> None:
        looks = Looks()
        queue = RefreshQueue(
            looks, limits=RefreshLimits(quiet=0.0), metrics=Metrics(CollectorRegistry()), clock=virtual.now
        )
        future = await queue.submit(ask("a"))
        await asyncio.sleep(1)
        assert looks.started == []
        task = asyncio.create_task(queue.run())
        assert await future == Done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    virtual.run(main())


def test_a_look_does_not_inherit_the_log_context_of_who_asked() -> None:
    """A merged look belongs to several messages, so it carries the correlation of none."""

    async def main() -> None:
        seen: list[dict[str, object]] = []

        async def script(request: RefreshRequest) -> Outcome:
            seen.append(dict(structlog.contextvars.get_contextvars()))
            return Done()

        async with running(Looks(script=script)) as queue:
            await asyncio.sleep(0)
            with structlog.contextvars.bound_contextvars(event_id="e-1"):
                await (await queue.submit(ask("a")))
        assert seen == [{}]

    virtual.run(main())


@st.composite
def schedules(draw: st.DrawFn) -> list[tuple[float, RefreshRequest, float]]:
    """Requests with the pause before each and the duration of the look each would cause."""
    steps = draw(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4), st.integers(0, 8)), max_size=40))
    schedule = []
    for pause, subject, seconds in steps:
        target = bucket(f"b{subject}", f"{subject % 2:012d}")
        request = ask(
            target,
            draw(st.sampled_from(Origin)),
            urgent=draw(st.booleans()),
            aspects=draw(st.lists(st.sampled_from(Aspect), max_size=2)),
        )
        schedule.append((pause / 4, request, seconds / 4))
    return schedule


@settings(max_examples=150, deadline=None)
@given(schedules(), st.integers(1, 3), st.integers(1, 4), st.booleans())
def test_any_schedule_is_served(
    schedule: list[tuple[float, RefreshRequest, float]], workers: int, capacity: int, drained: bool
) -> None:
    """No subject is ever looked at twice at once, every future ends, every aspect is covered by a later look.

    A drain may give up what only sweeps ask for, and nothing else.
    """

    async def main() -> None:
        seconds = iter([step[2] for step in schedule] * 2)

        async def script(request: RefreshRequest) -> Outcome:
            await asyncio.sleep(next(seconds, 0))
            return Done()

        looks = Looks(script=script)
        limits = RefreshLimits(workers=workers, capacity=capacity, quiet=1.0, max_delay=3.0)
        async with running(looks, limits) as queue:
            await asyncio.sleep(0)
            asked = []
            for pause, request, _ in schedule:
                await asyncio.sleep(pause)
                at = virtual.now()
                asked.append((at, request, await queue.submit(request)))
            if drained:
                await queue.drain(virtual.now() + 3600)
            outcomes = await asyncio.gather(*[future for _, _, future in asked])
        for (at, request, _), outcome in zip(asked, outcomes, strict=True):
            if drained and request.origin is Origin.SWEEP and outcome == Retry("draining"):
                continue
            assert outcome == Done()
            later = [look for began, look in looks.started if began >= at and look.subject == request.subject]
            assert any(request.aspects <= look.aspects for look in later)
        assert looks.most <= workers

    virtual.run(main())


def test_drain_gives_up_what_only_a_sweep_asks_for() -> None:
    """A thousand buckets of a sweep do not hold up the end; an event among them is still worked off."""

    async def main() -> None:
        looks = Looks(seconds=1.0)
        async with running(looks, RefreshLimits(workers=1, quiet=0.0)) as queue:
            swept = [await queue.submit(ask(f"b{n}", Origin.SWEEP)) for n in range(1000)]
            told = await queue.submit(ask("b500", urgent=True))
            await asyncio.sleep(0.5)
            begin = virtual.now()
            await queue.drain(begin + 25)
            assert virtual.now() - begin <= 2.0
            assert told.result() == Done()
            assert swept[500].result() == Done()
            assert sum(future.result() == Retry("draining") for future in swept) == 998

    virtual.run(main())
