"""The engine process: sets the parts up, runs them until told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

import uvloop
from django.conf import settings
from django.db import DatabaseError, connection

from watchpost import clock
from watchpost.config.install import locked
from watchpost.engine import changes, keep, load
from watchpost.engine.deliver import Lanes, pending_channels
from watchpost.engine.engine import Engine
from watchpost.engine.figures import store_figures
from watchpost.engine.lead import Deposed, Leadership
from watchpost.engine.references import answers
from watchpost.engine.selfcheck import SelfCheck
from watchpost.engine.weekly import Weekly
from watchpost.incidents import tick
from watchpost.monitors.models import AliveSpan
from watchpost.outbound import Guard, Outbound, Resolver
from watchpost.outbound.courier import Courier
from watchpost.prober.prober import Prober

log = logging.getLogger(__name__)
LEDGER_S = 5.0
TIME_S = 2.0
HOUSE_S = 60.0


def build_outbound() -> Outbound:
    """The probes' way out, as the settings say."""
    values = settings.WATCHPOST
    return Outbound(
        Guard(values["ALLOW_NETWORKS"]),
        Resolver(values["RESOLVERS"]),
        user_agent(),
        max_concurrent=values["MAX_CONCURRENT"],
        folder=settings.DATA_DIR,
        lists={"rdap": values["RDAP_BOOTSTRAP"]},
    )


def user_agent() -> str:
    return f"Watchpost/0.1 (+{settings.SITE_URL})"


def build_engine(outbound: Outbound) -> Engine:
    values = settings.WATCHPOST
    engine: Engine

    def report(watched: Any, seen: Any) -> None:
        engine.report(watched, seen)

    prober = Prober(
        outbound,
        report,
        clock.now,
        values["DEFAULT_LOCATION"],
        values["MAX_CONCURRENT"],
        values["MAX_PER_HOST"],
    )

    async def ask(url: str) -> bool:
        return await answers(outbound, url)

    selfcheck = SelfCheck(values["EGRESS_REFERENCES"], ask)
    lanes = Lanes(Courier.from_settings(), clock.now)
    engine = Engine(prober, selfcheck, lanes, clock.now, values["FLAP_CHANGES"])
    return engine


def serve() -> None:
    """Run the engine until it is told to stop. One that lost its lead waits for its turn again."""
    while True:
        try:
            uvloop.run(run_engine())
            return
        except Deposed as why:
            log.warning("%s; waiting for our turn", why)


async def run_engine() -> None:
    """Until SIGTERM or SIGINT. Holds the lock of the data folder: one engine a folder."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopper = asyncio.create_task(_until(stop))
    lock = settings.DATA_DIR / "engine.lock"
    with locked(lock, wait=False):
        life = asyncio.create_task(_show_life(lock))
        try:
            await _lead(stopper)
        finally:
            life.cancel()


async def _lead(stopper: asyncio.Task[None]) -> None:
    """Once it is our turn, until ``stopper`` is done or a part fails."""
    leadership = Leadership() if connection.vendor == "postgresql" else None
    if leadership is not None and not await _gain(leadership, stopper):
        return
    outbound = build_outbound()
    engine = build_engine(outbound)
    watch = await _hear_for(engine)
    await engine.start()
    _spare_the_collector()
    parts = [
        asyncio.create_task(part)
        for part in (
            engine.prober.run(),
            engine.run_ticks(),
            watch(),
            _keep_ledger(engine),
            _keep_time(engine),
            _keep_house(engine),
            _keep_asking(engine),
            *([leadership.keep()] if leadership is not None else []),
        )
    ]
    weekly = Weekly(engine.lanes.outbound, clock.now)
    weekly.start()
    log.info("the engine watches %d monitors", len(engine.watched))
    done, _ = await asyncio.wait({stopper, *parts}, return_when=asyncio.FIRST_COMPLETED)
    for part in parts:
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)
    weekly.close()
    await engine.close()
    await outbound.close()
    if leadership is not None:
        await leadership.close()
    for part in done - {stopper}:
        part.result()  # a part that ended by itself has failed: the supervisor starts us again


def _spare_the_collector() -> None:
    """What was loaded stays for as long as we run, and a look makes no cycles: searching all of it for
    garbage after every few looks cost three per cent of the engine's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _gain(leadership: Leadership, stopper: asyncio.Task[None]) -> bool:
    """Wait until this engine leads; False when it was told to stop before."""
    gaining = asyncio.create_task(leadership.gain())
    await asyncio.wait({gaining, stopper}, return_when=asyncio.FIRST_COMPLETED)
    if not gaining.done():
        gaining.cancel()
        await asyncio.gather(gaining, return_exceptions=True)
        await leadership.close()
        return False
    gaining.result()
    return True


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


async def _hear_for(engine: Engine) -> Callable[[], Coroutine[Any, Any, None]]:
    async def handle(found: set[tuple[str, str]]) -> None:
        await handle_changes(engine, found)

    async def reload_all() -> None:
        engine.planned = await engine.call(load.load_windows, engine.now())
        known = {watched.id for watched in await engine.call(load.load_monitors)}
        await engine.reload(sorted(known | set(engine.watched)))

    return await changes.hear(engine.call, handle, reload_all)


async def handle_changes(engine: Engine, found: set[tuple[str, str]]) -> None:
    """Bring memory in line with what other processes wrote."""
    topics = {topic for topic, _ in found}
    ids = sorted(int(key) for topic, key in found if topic == "monitor" and key.isdecimal())
    if "window" in topics:
        engine.planned = await engine.call(load.load_windows, engine.now())
        ids = sorted(set(ids) | set(engine.watched))
    if "project" in topics:
        ids = sorted(set(ids) | set(engine.watched))
    if ids:
        await engine.reload(ids)
    await engine.signals.hear(sorted(int(key) for topic, key in found if topic == "beat" and key.isdecimal()))
    engine.look_now(sorted(int(key) for topic, key in found if topic == "look" and key.isdecimal()))
    if topics & {"channel", "incident"}:
        engine.lanes.poke(await engine.call(pending_channels, engine.now()))


async def _keep_ledger(engine: Engine) -> None:
    """The liveness ledger: a row a run, its end moved on every five seconds. After a long stall or a
    suspend a new row begins, so that the gap is known to be ours."""
    span, away_s = await engine.call(load.open_ledger, engine.now())
    if away_s is not None:
        log.info("we were away for %.0f s; that time is nobody's outage", away_s)
    alive: datetime = engine.now()
    await engine.call(store_figures, figures_of(engine), alive)
    while True:
        await asyncio.sleep(LEDGER_S)
        now = engine.now()
        try:
            if not -LEDGER_S <= (now - alive).total_seconds() <= LEDGER_S * 3:
                span, _ = await engine.call(load.open_ledger, now)
            else:
                await engine.call(_stay_alive, span, now)
            await engine.call(store_figures, figures_of(engine), now)
            alive = now
        except DatabaseError as error:
            log.error("the ledger cannot be written: %s", error)


async def _show_life(file: Path) -> None:
    """For the supervisor, which knows no database: a loop that hangs does not touch the file."""
    while True:
        os.utime(file)
        await asyncio.sleep(LEDGER_S)


def _stay_alive(span: int, now: datetime) -> None:
    AliveSpan.objects.filter(pk=span).update(alive_at=now)


def figures_of(engine: Engine) -> dict[str, Any]:
    """What /metrics shows of the engine."""
    lag = sorted(engine.prober.lag.recent)
    return {
        **engine.figures,
        "monitors": len(engine.watched),
        "running": len(engine.prober.tasks),
        "skipped": engine.prober.lag.skipped,
        "schedule_lag_p99_s": round(lag[int(len(lag) * 0.99)], 4) if lag else 0.0,
        "loop_lag_s": round(engine.loop_lag_s, 4),
        "batch_mean": round(sum(engine.batches) / len(engine.batches), 2) if engine.batches else 0.0,
        "waiting_looks": len(engine.digest.looks),
        "own_fault": engine.selfcheck.fault.sentence if engine.selfcheck.fault else "",
        "trouble": engine.trouble,
    }


async def _keep_time(engine: Engine) -> None:
    """What only time does: resends, snoozes, flapping that stopped, rows of the outbox that came due."""
    while True:
        await asyncio.sleep(TIME_S)
        engine.settle_flapping()
        try:
            await engine.call(tick.pass_time, engine.now())
            engine.lanes.poke(await engine.call(pending_channels, engine.now()))
        except DatabaseError as error:
            log.error("open incidents could not be looked after: %s", error)


async def _keep_house(engine: Engine) -> None:
    """Roll-ups and retention in small steps; when all is done, once a minute is enough."""
    values, cursor, rolled, rolled_at_s = settings.WATCHPOST, 0, 0, -HOUSE_S
    loop = asyncio.get_running_loop()
    while True:
        try:
            if rolled or loop.time() - rolled_at_s >= HOUSE_S:
                rolled = await engine.call(keep.roll_up, int(engine.now().timestamp() * 1000))
                rolled_at_s = loop.time()
            cursor = await engine.call(
                keep.forget, engine.now(), values["RETENTION_RAW"], values["RETENTION_ROLLUP"], cursor
            )
        except DatabaseError as error:
            log.error("roll-ups and retention wait: %s", error)
            rolled = 0
        await asyncio.sleep(0.2 if rolled else (2 if cursor else HOUSE_S))


async def _keep_asking(engine: Engine) -> None:
    """One reference must answer once before its silence means anything; while our network is down,
    ask again until it is back."""
    while True:
        task = engine.selfcheck.start(asyncio.get_running_loop().time())
        if task is not None:
            await asyncio.wait({task})
        known = engine.selfcheck.answered and engine.selfcheck.fault is None
        await asyncio.sleep(300 if known or not engine.selfcheck.references else 10)
