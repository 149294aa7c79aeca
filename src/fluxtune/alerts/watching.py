"""Looks for what needs somebody: failed jobs, budgets, the disk, backends that are down, backups."""

import shutil
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from fluxtune.alerts import repository, service
from fluxtune.alerts.schemas import AlertKind
from fluxtune.alerts.tables import AlertCursorRow
from fluxtune.backups import service as backups
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.db import Database
from fluxtune.hosted import ledger
from fluxtune.hosted.service import HostedService
from fluxtune.jobs import service as jobs
from fluxtune.jobs.schemas import JobEvent
from fluxtune.metrics.following import cause
from fluxtune.metrics.sources import host

_BATCH = 500
_CALM = timedelta(hours=1)
"""After so long without another failure of the same cause the next one is news again."""


class Down(NamedTuple):
    """A backend that does not answer: its name for people, what tells it apart, and why."""

    name: str
    target: str
    reason: str


Look = Callable[[], Iterable[Down]]
"""Asks backends elsewhere; may take as long as they take to answer. Yields those that don't."""


class Watch:
    """One per worker; they take turns. `look` asks backends of one's own elsewhere."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        look: Look = lambda: (),
        *,
        clock: Callable[[], datetime] = now,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._database = database
        self._look = look
        self._clock = clock
        self._ticks = ticks
        # Since when something is down, as this worker sees it, by what tells it apart.
        self._since: dict[str, float] = {}

    def look_around(self) -> None:
        """Raise alerts for what is wrong, and end those of what is right again."""
        down = list(self._look()) if self._settings.alerts.backend_minutes else []
        with self._database.transaction() as session:
            repository.lock(session)
            self._watch_jobs(session)
            self._watch_budget(session)
            self._watch_disk(session)
            self._watch_backends(session, down)
            self._watch_backups(session)

    def _watch_jobs(self, session: Session) -> None:
        row = repository.cursor(session)
        if row is None:
            # What failed before anybody watched is no news.
            repository.add(session, AlertCursorRow(id=1, event_id=jobs.newest_event_id(session)))
            return
        for alert in repository.list_open(session, "job-failed"):
            if self._clock() - alert.last_at > _CALM:
                service.clear(session, "job-failed", alert.target)
        while events := jobs.list_events(session, row.event_id, limit=_BATCH):
            row.event_id = events[-1].id
            failed = [event for event in events if event.type == "job.failed" and not _is_scheduled(session, event)]
            titles = {job.id: job.title for job in jobs.get_many(session, [event.job_id for event in failed]).values()}
            for event in failed if self._settings.alerts.failed_jobs else ():
                error = event.data.get("error") or {}
                title = str(error.get("title") or "A job failed")
                detail = f"{titles.get(event.job_id, 'A job')}: {error.get('detail', '')} {error.get('action', '')}"
                service.raise_(session, "job-failed", title, detail.strip(), cause(event))

    def _watch_budget(self, session: Session) -> None:
        share = self._settings.alerts.budget_percent / 100
        budget, spent = HostedService(session, self._settings).get_budget(), ledger.spent(session)
        for name, limit, units in (
            ("today", budget.per_day, spent.today), ("this month", budget.per_month, spent.this_month),
        ):  # fmt: skip
            credits = units / ledger.PER_CREDIT
            if limit and share and credits >= share * limit:
                percent = round(100 * credits / limit)
                title = f"{percent} % of what may be spent {name} is spent"
                detail = (
                    f"{credits:g} of {limit:g} credits are spent or set aside. At the limit images at BFL are refused; "
                    "it is set under Admin, Hosted."
                )
                self._once(session, "budget", title, detail, name)
            else:
                service.clear(session, "budget", name)

    def _watch_disk(self, session: Session) -> None:
        least = self._settings.alerts.disk_free_bytes
        free = shutil.disk_usage(self._settings.data).free
        if free < least:
            title = f"The disk of {host()} is nearly full"
            detail = (
                f"{free / 1e9:.1f} GB are left where {self._settings.data} is. Finetunes pause when there is no room "
                "left. Admin, Storage shows what takes it."
            )
            self._once(session, "disk", title, detail, host())
        else:
            service.clear(session, "disk", host())

    def _watch_backends(self, session: Session, down: Iterable[Down]) -> None:
        patience = self._settings.alerts.backend_minutes * 60
        found = {each.target: each for each in down} if patience else {}
        at = self._ticks()
        self._since = {target: self._since.get(target, at) for target in found}
        for target, each in found.items():
            if at - self._since[target] >= patience:
                detail = f"{each.reason} Work that is there waits; it goes on once {each.name} answers."
                self._once(session, "backend-down", f"{each.name} does not answer", detail, target)
        for alert in repository.list_open(session, "backend-down"):
            if alert.target not in found and alert.target != WORKER:
                service.clear(session, "backend-down", alert.target)

    def _watch_backups(self, session: Session) -> None:
        wrong = backups.what_is_wrong(session, self._settings, self._clock()) if self._settings.alerts.backups else None
        if wrong is None:
            service.clear(session, "backup")
        else:
            self._once(session, "backup", *wrong, "")

    def _once(self, session: Session, kind: AlertKind, title: str, detail: str, target: str) -> None:
        """Raise an alert about a state; that it lasts is nothing that happens again."""
        row = repository.find_open(session, kind, target[:64])
        if row is None:
            service.raise_(session, kind, title, detail, target)
        else:
            row.title, row.detail, row.last_at = title, detail, self._clock()


WORKER = "worker"


class WorkerWatch:
    """Looks, from a server, whether jobs wait that nobody takes: a worker can't say of itself that it is gone."""

    def __init__(self, settings: Settings, database: Database, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._database = database
        self._ticks = ticks
        self._since: float | None = None

    def look_around(self) -> bool:
        """Raise an alert when jobs have waited for so long and no worker lives, and end it when one does.

        Returns whether the alert is open.
        """
        patience = self._settings.alerts.backend_minutes * 60
        with self._database.reading() as session:
            is_stuck = bool(patience) and not jobs.is_worker_alive(session) and _count_waiting(session) > 0
            is_open = repository.find_open(session, "backend-down", WORKER) is not None
        if not is_stuck:
            self._since = None
            if is_open:
                with self._database.transaction() as session:
                    service.clear(session, "backend-down", WORKER)
            return False
        self._since = self._ticks() if self._since is None else self._since
        if is_open or self._ticks() - self._since < patience:
            return is_open
        with self._database.transaction() as session:
            title = "Jobs wait and no worker lives"
            detail = "Start one with `fluxtune worker`, or look into the log for why it ended (Admin, Logs)."
            service.raise_(session, "backend-down", title, detail, WORKER)
        return True


def _is_scheduled(session: Session, event: JobEvent) -> bool:
    """Return whether a job was a scheduled backup, which has an alert of its own."""
    return event.kind == "backup" and backups.origin_of(session, event.target_id) == "scheduled"


def _count_waiting(session: Session) -> int:
    return sum(count for (state, _lane), count in jobs.count_by_lane(session).items() if state == "queued")
