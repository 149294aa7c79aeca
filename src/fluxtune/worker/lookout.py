"""Looks for what needs somebody, and tells them: a thread of the worker."""

import threading
from collections.abc import Iterator

import structlog

from fluxtune.alerts.telling import AlertTeller
from fluxtune.alerts.watching import Down, Watch
from fluxtune.config import Settings
from fluxtune.db import Database
from fluxtune.servers.silence import find_silent

log = structlog.get_logger(__name__)

_EVERY_S = 30.0
_JOIN_S = 2.0


class Lookout:
    """Use `start` and `stop`."""

    def __init__(self, settings: Settings, database: Database) -> None:
        def look() -> Iterator[Down]:
            for name, target, reason in find_silent(database, settings):
                yield Down(name, target, reason)

        self._watch = Watch(settings, database, look)
        self._teller = AlertTeller(settings, database)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)

    def start(self) -> None:
        """Look now and every half minute."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; what is being sent is sent again by the next worker, should it not get through."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_S):
            for what in (self._watch.look_around, self._teller.tell):
                try:
                    what()
                except Exception:
                    log.exception("nobody could look for what needs somebody; going on")
