"""What the worker runs for a generation. Images are stored as they finish; a repeated run makes only the rest."""

import shutil
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.orm import Session

from fluxtune.backends.base import GenerationSink, RunEnd, Steering
from fluxtune.config import Settings
from fluxtune.engine.config import GenerationRequest
from fluxtune.engine.events import GeneratorEvent
from fluxtune.generations import repository
from fluxtune.generations.elsewhere import GenerationElsewhere, is_at_server
from fluxtune.generations.hosted import HostedGeneration
from fluxtune.generations.service import GenerationMissing, NotSent
from fluxtune.generations.tables import GenerationImageRow, GenerationRow
from fluxtune.hosted import ledger
from fluxtune.hosted.keys import Clients
from fluxtune.hosted.places import Places
from fluxtune.images.gallery import GalleryService
from fluxtune.images.schemas import GenerationFacts
from fluxtune.images.service import ImageService, store_content
from fluxtune.imaging import embed_recipe
from fluxtune.jobs.schemas import JobKind
from fluxtune.jobs.tasks import JobContext, StepEnd, TaskStep
from fluxtune.models.service import ModelService
from fluxtune.storage import Blobs


class ImageMaker(Protocol):
    """A backend that generates."""

    def generate(self, request: GenerationRequest, sink: GenerationSink, steering: Steering) -> RunEnd:
        """Make the images of a request."""
        ...


class GenerationTask:
    """One generation from queued to the last image."""

    kind: JobKind = "generation"

    def __init__(self, settings: Settings, blobs: Blobs, backend: ImageMaker) -> None:
        self._settings = settings
        self._blobs = blobs
        self._backend = backend
        self._clients = Clients(settings)
        self._places: Places | None = None
        self._lock = threading.Lock()

    def steps(self) -> Sequence[tuple[str, TaskStep]]:
        """Return the one step."""
        return [("generate", self._generate)]

    def _generate(self, job: JobContext) -> StepEnd | None:
        with job.reading() as session:
            row = _row(session, job)
        if row.hosted is not None:
            return self._generate_hosted(job, row)
        with job.reading() as session:
            finished = repository.list_images(session, [row.id])[row.id]
            models = ModelService(session, self._blobs, self._settings)
            model = models.require_usable(row.model_id, row.version_id)
        pending = [index for index in range(len(row.seeds)) if index not in finished]
        if not pending:
            return None
        out_dir = self._settings.paths.generation(row.id)
        out_dir.mkdir(parents=True, exist_ok=True)
        request = GenerationRequest(
            id=row.id,
            base=row.base,
            base_path=model.base.path,
            adapter_path=model.adapter,
            finetune_strength=row.finetune_strength,
            prompt=row.prompt,
            seeds=[row.seeds[index] for index in pending],
            width=row.width,
            height=row.height,
            steps=row.steps,
            guidance=row.guidance,
            out_dir=out_dir,
        )
        end = self._backend.generate(request, GenerationRecorder(job, self._blobs, row, pending, out_dir), job)
        if end.state == "succeeded":
            return None
        return StepEnd(end.state, {}, end.error)

    def _generate_hosted(self, job: JobContext, row: GenerationRow) -> StepEnd | None:
        with self._lock:
            # One for all: they share the places their accounts have.
            places = self._places = self._places or Places(partial(job.transaction, durable=True))
        if is_at_server(row):
            end = GenerationElsewhere(self._settings, self._blobs, places, job, row).run(job)
        else:
            end = HostedGeneration(self._settings, self._blobs, self._clients, places, job, row).run(job)
        return None if end.state == "succeeded" else StepEnd(end.state, {}, end.error)

    def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
        """Tidy up: the images are stored, their files are not needed any more; what was never sent costs nothing."""
        ledger.release(session, job.target_id, NotSent("The generation ended before.").problem())
        shutil.rmtree(self._settings.paths.generation(job.target_id), ignore_errors=True)
        return {}


class GenerationRecorder:
    """Stores what the generator makes; the sink of its backend. `pending` maps its numbers to ours."""

    def __init__(
        self, job: JobContext, blobs: Blobs, row: GenerationRow, pending: Sequence[int], out_dir: Path
    ) -> None:
        self._job = job
        self._blobs = blobs
        self._row = row
        self._pending = pending
        self._out_dir = out_dir
        self._first: tuple[float, int] | None = None

    def receive(self, event: GeneratorEvent) -> None:
        """Store one event."""
        if event.type == "generation.phase":
            self._job.tell("job.phase", {"phase": event.data["phase"], "done": None, "total": None})
            if event.data.get("note"):
                self._job.tell("job.logged", {"level": "warning", "message": str(event.data["note"])})
        elif event.type == "generation.progressed":
            self._progressed(self._pending[int(event.data["index"])], int(event.data["step"]))
        elif event.type == "generation.image":
            index = self._pending[int(event.data["index"])]
            self._finished(index, self._out_dir / Path(str(event.data["file"])).name)

    def _progressed(self, index: int, step: int) -> None:
        total = len(self._row.seeds) * self._row.steps
        done = index * self._row.steps + step
        data = {"step": done, "steps": total, "eta_s": self._eta(done, total), "index": index}
        self._job.tell("job.progressed", data)

    def _eta(self, done: int, total: int) -> float | None:
        if self._first is None:
            self._first = (time.monotonic(), done)
            return None
        at, first = self._first
        if done <= first:
            return None
        return round((time.monotonic() - at) / (done - first) * (total - done), 1)

    def _finished(self, index: int, file: Path) -> None:
        facts = _facts(self._row, index)
        png = embed_recipe(file.read_bytes(), {"kind": "generation", **facts.model_dump(mode="json")}, _text(facts))
        content = store_content(self._blobs, png)
        with self._job.transaction() as session:
            if repository.find_image(session, self._row.id, index) is not None:
                return
            image = ImageService(session, self._blobs).create_image(content, "generated")
            result = GalleryService(session).add_image(image, facts)
            row = GenerationImageRow(generation_id=self._row.id, index=index, image_id=image.id)
            repository.add(session, row)
            data = {"index": index, "result": result.model_dump(mode="json")}
            self._job.emit(session, "job.image_finished", data)
        file.unlink(missing_ok=True)


def _row(session: Session, job: JobContext) -> GenerationRow:
    row = repository.find_generation(session, job.target_id)
    if row is None:
        raise GenerationMissing(f"There is no generation “{job.target_id}”.")
    return row


def _facts(row: GenerationRow, index: int) -> GenerationFacts:
    return GenerationFacts(
        generation_id=row.id,
        prompt=row.prompt,
        seed=row.seeds[index],
        model_id=row.model_id,
        model_name=row.model_name,
        version_id=row.version_id,
        base=row.base,
        finetune_strength=row.finetune_strength,
        width=row.width,
        height=row.height,
        steps=row.steps,
        guidance=row.guidance,
    )


def _text(facts: GenerationFacts) -> str:
    """Return the recipe the way other programs show it."""
    return (
        f"{facts.prompt}\nSteps: {facts.steps}, CFG scale: {facts.guidance:g}, Seed: {facts.seed}, "
        f"Size: {facts.width}x{facts.height}, Model: {facts.model_name}, Base: {facts.base}, "
        f"Strength: {facts.finetune_strength:g}"
    )
