"""What the worker runs for a probe: fill a folder, take a few steps, keep what they took."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.orm import Session

from fluxtune.backends.base import RunEnd, Steering
from fluxtune.config import Settings
from fluxtune.datasets.snapshot import Manifest
from fluxtune.engine.config import RunConfig
from fluxtune.engine.runfolder import RunFolder
from fluxtune.finetunes import repository
from fluxtune.finetunes.errors import ProbeMissing
from fluxtune.finetunes.folders import write_run_folder
from fluxtune.finetunes.tables import ProbeRow
from fluxtune.jobs.schemas import JobKind
from fluxtune.jobs.tasks import JobContext, StepEnd, TaskStep
from fluxtune.models.service import ModelService
from fluxtune.storage import Blobs

MAX_IMAGES = 4
"""More images would take longer to encode and tell nothing more."""


class Prober(Protocol):
    """A backend that measures a few steps."""

    def probe(self, folder: Path, steering: Steering) -> RunEnd:
        """Measure in a folder like a run's; what the steps took is the end's data."""
        ...


class ProbeTask:
    """One probe from queued to the stored figures."""

    kind: JobKind = "probe"

    def __init__(self, settings: Settings, blobs: Blobs, backend: Prober) -> None:
        self._settings = settings
        self._paths = settings.paths
        self._blobs = blobs
        self._backend = backend

    def steps(self) -> Sequence[tuple[str, TaskStep]]:
        """Return the steps, in order."""
        return [("measure", self._measure)]

    def _measure(self, job: JobContext) -> StepEnd | None:
        job.tell("job.phase", {"phase": "measuring", "done": None, "total": None})
        with job.reading() as session:
            row = _row(session, job)
            base = ModelService(session, self._blobs, self._settings).require_base(row.base)
        folder = RunFolder(self._paths.probe(row.id))
        config = RunConfig.model_validate(
            {
                "id": row.id,
                "name": "Probe",
                "base": row.base,
                "base_path": base.path,
                "mode": row.mode,
                "trigger_word": row.trigger_word,
                "recipe": row.recipe,
            }
        )
        manifest = Manifest.model_validate(row.snapshot)
        few = manifest.model_copy(update={"images": manifest.images[:MAX_IMAGES]})
        write_run_folder(self._blobs, folder, config, few)
        end = self._backend.probe(folder.path, job)
        if end.state == "succeeded":
            return StepEnd("done", {"result": end.data})
        return StepEnd(end.state, {}, end.error)

    def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
        """Store what was measured; the folder is of no use any more."""
        if end.state != "handed_back":
            shutil.rmtree(self._paths.probe(job.target_id), ignore_errors=True)
        if end.state == "done":
            _row(session, job).result = end.data["result"]
        return {}


def _row(session: Session, job: JobContext) -> ProbeRow:
    row = repository.find_probe(session, job.target_id)
    if row is None:
        raise ProbeMissing(f"There is no probe “{job.target_id}”.")
    return row
