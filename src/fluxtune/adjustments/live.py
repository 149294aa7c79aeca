"""Settings that change while the program runs."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from sqlalchemy.orm import Session

from fluxtune.adjustments import repository
from fluxtune.adjustments.tables import AdjustmentRow
from fluxtune.config import Settings
from fluxtune.config.registry import adjust
from fluxtune.config.secrets import SecretLost
from fluxtune.db import ChangeWatch, Database

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 1.0

OnChange = Callable[[set[str]], None]


class LiveSettings:
    """Keeps one process's settings as the database says.

    The process that changes a setting calls `refresh` after the commit; others see the change with their next `look`,
    a second later at most. A look costs microseconds where nobody committed anything.
    """

    def __init__(self, settings: Settings, database: Database, on_change: OnChange | None = None) -> None:
        self._settings = settings
        self._database = database
        self._on_change = on_change
        self._watch = ChangeWatch(database)
        self._seen = -1
        self._busy = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def load(self) -> None:
        """Take over all values of the browser, those that are read only at the start as well."""
        with self._busy:
            self._take_over(is_start=True)

    def refresh(self) -> None:
        """Take over what was changed since, if anything was."""
        with self._busy:
            self._take_over(is_start=False)

    def look(self) -> None:
        """Take over what was changed, if anybody committed anything; call it as often as you like, from one thread."""
        if self._watch.has_changed():
            self.refresh()

    def start(self) -> None:
        """Look for changes of other processes from now on, in a thread of its own."""
        self._thread = threading.Thread(target=self._follow, name="settings", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(_LOOK_EVERY_S)
        self._watch.close()

    def _follow(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_S):
            try:
                self.look()
            except Exception:
                log.exception("settings could not be read; trying again")

    def _take_over(self, *, is_start: bool) -> None:
        with self._database.reading() as session:
            newest = repository.newest_change(session)
            if newest == self._seen:
                return
            values = current_values(session, self._settings)
        changed = adjust(self._settings, values, is_start=is_start)
        self._seen = newest
        if "log.level" in changed:
            logging.getLogger().setLevel(self._settings.log.level.upper())
        if changed and not is_start:
            log.info("settings changed", settings=sorted(changed))
            if self._on_change is not None:
                self._on_change(changed)


def current_values(session: Session, settings: Settings) -> Mapping[str, Any]:
    """Return all values of the browser as plain JSON, secrets opened; one that can't be opened is left out."""
    found = {}
    for row in repository.list_adjustments(session):
        try:
            found[row.key] = open_value(settings, row)
        except SecretLost:
            log.warning("a setting was stored with a key that is gone; set it anew", setting=row.key)
    return found


def open_value(settings: Settings, row: AdjustmentRow) -> Any:
    """Return the plain value of a row; raise `SecretLost` if it is a secret whose key is gone."""
    return settings.secrets.open(row.value["sealed"]) if "sealed" in row.value else row.value["value"]
