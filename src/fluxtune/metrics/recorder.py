"""Writes measures down every half minute: what this process counted, what is so now, what happened to jobs."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.db import Database
from fluxtune.metrics import repository
from fluxtune.metrics.catalogue import MEASURES
from fluxtune.metrics.following import Seen, follow
from fluxtune.metrics.meter import METER, Cell, Key, Meter
from fluxtune.metrics.service import GRAINS, floor
from fluxtune.metrics.sources import Sample, Source, watch_computer, watch_queue, watch_storage

log = structlog.get_logger(__name__)

_PRUNE_EVERY = timedelta(hours=1)
_SIZE_EVERY = timedelta(minutes=15)
# Who keeps images elsewhere pays for every list of them.
_SIZE_ELSEWHERE_EVERY = timedelta(hours=1)
# A studio that was just updated has years of events to count; it takes them in pieces and lets others write between.
_BATCHES_AT_ONCE = 40
_FIRST_AFTER_S = 3.0
_JOIN_S = 5.0


class Recorder:
    """One per process. Use `start` and `stop`, or `record` by hand.

    `sources` are looked at besides the computer and the queue. With `is_keeper` it also does what one process of the
    studio should: count jobs' events, measure the data folder, remove what is old. Several may; they take turns.
    `besides` is done in the same thread, as often.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        sources: Sequence[Source] = (),
        *,
        is_keeper: bool = False,
        besides: Callable[[], object] = lambda: None,
        meter: Meter = METER,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._settings = settings
        self._database = database
        self._sources = (watch_queue, *sources)
        self._is_keeper = is_keeper
        self._besides = besides
        self._meter = meter
        self._clock = clock
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="measures", daemon=True)

    def start(self) -> None:
        """Record from now on, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Record once more and end."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        wait_s = _FIRST_AFTER_S
        while not self._ended.wait(wait_s):
            self._record_safely()
            wait_s = self._settings.metrics.every_seconds
        self._record_safely()

    def _record_safely(self) -> None:
        try:
            self.record()
            if not self._ended.is_set():
                self._besides()
        except Exception:
            log.exception("measures could not be written; going on")

    def record(self) -> None:
        """Write down everything that is not written yet."""
        at = self._clock()
        samples = list(watch_computer(self._settings))
        with self._database.reading() as session:
            for source in self._sources:
                samples.extend(source(session))
        counted = self._meter.take()
        cells = {(at, key): cell for key, cell in counted.items()}
        cells.update({(at, key): cell for key, cell in _gauges(samples).items()})
        try:
            with self._database.transaction() as session:
                repository.lock(session)
                self._write(session, cells, at)
        except Exception:
            self._meter.give_back(counted)
            raise
        if self._is_keeper:
            self._follow(at)
            self._measure_storage(at)
            self._prune(at)

    def _follow(self, at: datetime) -> None:
        for _ in range(_BATCHES_AT_ONCE):
            with self._database.transaction() as session:
                seen, has_more = follow(session)
                self._write(session, _gather(seen), at)
                repository.merge_totals(session, _whole(seen))
            if not has_more or self._ended.is_set():
                return
            time.sleep(0)

    def _measure_storage(self, at: datetime) -> None:
        """Measure what is stored, if nobody has lately; looking takes long and is done outside a transaction."""
        every = _SIZE_EVERY if self._settings.storage_url is None else _SIZE_ELSEWHERE_EVERY
        with self._database.transaction() as session:
            cursor = repository.lock(session)
            if cursor.sized_at is not None and abs(at - cursor.sized_at) < every:
                return
            cursor.sized_at = at
        samples = list(watch_storage(self._settings))
        with self._database.transaction() as session:
            repository.lock(session)
            self._write(session, {(at, key): cell for key, cell in _gauges(samples).items()}, at)

    def _prune(self, at: datetime) -> None:
        with self._database.transaction() as session:
            cursor = repository.lock(session)
            if cursor.pruned_at is not None and abs(at - cursor.pruned_at) < _PRUNE_EVERY:
                return
            cursor.pruned_at = at
            for grain in GRAINS:
                repository.prune(session, grain.seconds, at - grain.keep)

    def _write(self, session: Session, cells: dict[tuple[datetime, Key], Cell], at: datetime) -> None:
        """Add cells to the points of every grain that is kept long enough for them."""
        for grain in GRAINS:
            merged: dict[tuple[datetime, Key], Cell] = {}
            for (seen_at, key), cell in cells.items():
                if at - seen_at < grain.keep:
                    merged.setdefault((floor(seen_at, grain.seconds), key), Cell()).merge(cell)
            repository.merge_points(session, grain.seconds, merged)


def _gauges(samples: Iterable[Sample]) -> dict[Key, Cell]:
    cells: dict[Key, Cell] = {}
    for sample in samples:
        cells.setdefault((sample.name, sample.label), Cell()).add(sample.value)
    return cells


def _gather(seen: Iterable[Seen]) -> dict[tuple[datetime, Key], Cell]:
    """Return one cell for all that was seen in the same stretch of the finest grain."""
    cells: dict[tuple[datetime, Key], Cell] = {}
    for one in seen:
        cell = cells.setdefault((floor(one.at, GRAINS[0].seconds), one.key), Cell())
        cell.add(one.value, is_timed=MEASURES[one.key[0]].kind == "histogram")
    return cells


def _whole(seen: Iterable[Seen]) -> dict[Key, Cell]:
    cells: dict[Key, Cell] = {}
    for one in seen:
        cells.setdefault(one.key, Cell()).add(one.value, is_timed=MEASURES[one.key[0]].kind == "histogram")
    return cells
