"""The rules of retention at work: after their time, what finetunes can do without goes."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from fluxtune.config import Settings
from fluxtune.db import Database
from fluxtune.finetunes import purging, retention
from fluxtune.images import purging as images

log = structlog.get_logger(__name__)


class Retention:
    """Removes one finetune's part per transaction; files go with the next sweep of the trash."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database

    def apply(self, at: datetime) -> int:
        """Remove what the rules of the settings say; return how many checkpoints, samples and probes that were."""
        rules = self._settings.retention
        count = 0
        if rules.checkpoint_days:
            count += self.drop_checkpoints(at - timedelta(days=rules.checkpoint_days))
        if rules.sample_days:
            count += self.drop_samples(at - timedelta(days=rules.sample_days))
        if rules.probe_days:
            count += self.drop_probes(at - timedelta(days=rules.probe_days))
        if count:
            log.info("removed what was kept long enough", count=count)
        return count

    def drop_checkpoints(self, before: datetime) -> int:
        """Remove all checkpoints but the last of the finetunes that ended before then."""
        paths = self._settings.paths
        return self._each(
            lambda session: retention.list_ended(session, before),
            lambda session, each: retention.drop_early_checkpoints(session, paths, each),
        )

    def drop_samples(self, before: datetime) -> int:
        """Remove all samples but the base's and the last of the finetunes that ended before then."""

        def drop(session: Session, finetune_id: str) -> int:
            count, shown = retention.drop_early_samples(session, self._settings.paths, finetune_id)
            if shown:
                images.remove_unused(session, shown, purging.kept_hashes(session))
            return count

        return self._each(lambda session: retention.list_ended(session, before), drop)

    def drop_probes(self, before: datetime) -> int:
        """Forget what probes measured before then; later estimates learn from the newer ones."""

        def drop(session: Session, probe_id: str) -> int:
            hashes = retention.drop_probe(session, self._settings.paths, probe_id)
            if hashes is None:
                return 0
            images.remove_unused(session, images.find_uploaded(session, hashes), purging.kept_hashes(session))
            return 1

        return self._each(lambda session: retention.list_old_probes(session, before), drop)

    def _each(self, find: Callable[[Session], Sequence[str]], drop: Callable[[Session, str], int]) -> int:
        with self._database.reading() as session:
            ids = find(session)
        count = 0
        for each in ids:
            try:
                with self._database.transaction() as session:
                    count += drop(session, each)
            except Exception:
                log.exception("could not be removed; trying again later", id=each)
        return count
