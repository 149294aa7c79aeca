"""What can be asked of a run: stop and keep, cancel, pause, go on, a sample or a checkpoint now."""

from fluxtune.backends.fluxtune.answers import Extension
from fluxtune.backends.local import readiness
from fluxtune.engine.runfolder import RunFolder
from fluxtune.finetunes.ending import tell_end
from fluxtune.finetunes.errors import NotElsewhere
from fluxtune.finetunes.records import FinetuneRecords
from fluxtune.finetunes.schemas import Finetune
from fluxtune.finetunes.tables import FinetuneRow
from fluxtune.jobs import service as jobs
from fluxtune.quotas import service as quotas
from fluxtune.servers.service import ServerService
from fluxtune.storage import is_locked


class FinetuneSteering(FinetuneRecords):
    """Asks things of runs; their worker passes them on."""

    def stop_finetune(self, finetune_id: str) -> Finetune:
        """End the run after the step it is at and make a model of what was learnt."""
        row = self._row(finetune_id)
        jobs.request(self._session, row.job_id, "stop")
        row.is_stopping = True
        return self._show_one(row)

    def cancel_finetune(self, finetune_id: str) -> Finetune:
        """End the run without a model."""
        row = self._row(finetune_id)
        before = self._job(row)
        if before.state == "paused" and row.remote_id is not None:
            jobs.request(self._session, row.job_id, "resume")  # a worker must tell the server, where it waits, too
        after = jobs.cancel(self._session, row.job_id)
        if after.state == "cancelled":
            if before.state == "paused":
                self._let_go(row)
            tell_end(self._session, self._settings, row, "cancelled", None)
        return self._show_one(row)

    def pause_finetune(self, finetune_id: str) -> Finetune:
        """Save the run; its model stays loaded for a while, unless something else needs the device."""
        row = self._row_that_can(finetune_id, "pause")
        jobs.request(self._session, row.job_id, "pause")
        return self._show_one(row)

    def resume_finetune(self, finetune_id: str) -> Finetune:
        """Go on with a paused or failed run from its last checkpoint."""
        row = self._row_in_use(finetune_id)
        if row.server_id is None:
            readiness.require_engine()
        if self._job(row).state == "failed":  # a paused one counts already
            quotas.check_running(self._session)
        jobs.request(self._session, row.job_id, "resume")
        row.is_stopping = False
        return self._show_one(row)

    def sample_finetune(self, finetune_id: str) -> Finetune:
        """Draw the samples now, with what is learnt so far."""
        row = self._row_that_can(finetune_id, "sample")
        jobs.wish(self._session, row.job_id, "sample")
        return self._show_one(row)

    def save_finetune(self, finetune_id: str) -> Finetune:
        """Save a checkpoint now."""
        row = self._row_that_can(finetune_id, "save")
        jobs.wish(self._session, row.job_id, "save")
        return self._show_one(row)

    def _row_that_can(self, finetune_id: str, what: Extension) -> FinetuneRow:
        """Return a finetune that trains here, or at a server that offers this to others; raise `NotElsewhere`."""
        row = self._row(finetune_id)
        if row.server_id is None:
            return row
        if not ServerService(self._session, self._settings).facts_of(row.server_id).can("progress", what):
            raise NotElsewhere(f"“{row.name}” trains at {row.server_name}, which does not offer others to {what}.")
        return row

    def _let_go(self, row: FinetuneRow) -> None:
        """Tell a trainer that waits with its model loaded that nobody will resume it; no worker follows it."""
        folder = RunFolder(self._paths.run(row.id))
        if is_locked(folder.path / "run.lock"):
            control = folder.path / "control"
            control.mkdir(exist_ok=True)
            (control / "cancel").touch()
