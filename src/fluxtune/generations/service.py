"""Generations: one request, every setting spelled out, images as they finish."""

import secrets

from sqlalchemy.orm import Session

from fluxtune.backends.bfl.endpoints import is_hosted, require_usable
from fluxtune.backends.local.readiness import require_engine
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict, InvalidInput, NotFound
from fluxtune.core.ids import new_id
from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.captions import fill_trigger
from fluxtune.generations import features, hosted, repository
from fluxtune.generations.elsewhere import endpoint_named, is_at_server, plan_elsewhere
from fluxtune.generations.inputs import ParameterRefused
from fluxtune.generations.schemas import (
    Generation,
    GenerationCost,
    GenerationCreate,
    GenerationEstimate,
    GenerationSlot,
)
from fluxtune.generations.tables import GenerationRow
from fluxtune.generations.usual import with_usual
from fluxtune.hosted import ledger
from fluxtune.hosted.ledger import OPEN
from fluxtune.images.gallery import GalleryService
from fluxtune.images.schemas import GalleryImage
from fluxtune.jobs import service as jobs
from fluxtune.jobs.schemas import Job
from fluxtune.models.service import ModelService
from fluxtune.quotas import service as quotas
from fluxtune.servers.models import is_elsewhere
from fluxtune.sharing import service as sharing
from fluxtune.storage import Blobs

LIST_LIMIT = 50
SEEDS = 2**32


class GenerationMissing(NotFound):
    """No such generation."""

    title = "No such generation"
    action = "Look for its images in the gallery."


class PromptEmpty(InvalidInput):
    """The prompt holds nothing but blanks."""

    title = "The prompt is empty"
    action = "Say what the image should show."


class NotSent(Conflict):
    """A paid request that never left."""

    title = "It was not sent"
    action = "Nothing was charged."


class SizeTooLarge(InvalidInput):
    """The base can't make images of this size."""

    title = "The image would be too large"
    action = "Choose a smaller size, or another base."


class GenerationService:
    """Starts, shows and cancels generations. What the worker does is in `tasks.py`."""

    def __init__(self, session: Session, blobs: Blobs, settings: Settings) -> None:
        self._session = session
        self._blobs = blobs
        self._settings = settings
        self._models = ModelService(session, blobs, settings)
        self._gallery = GalleryService(session)

    def as_allowed(self, create: GenerationCreate) -> GenerationCreate:
        """Return what somebody asks for as the features that are on for them allow it; raise `FlagOff`."""
        return features.allowed(self._session, hosted.placed(self._session, create))

    def estimate_generation(self, create: GenerationCreate) -> GenerationEstimate:
        """Return what a hosted generation would cost; raise what stands in its way, a budget for one."""
        create = hosted.placed(self._session, create)
        made = hosted.plan(self._session, self._blobs, self._settings, create)
        return hosted.estimate(self._session, made, create.count)

    def retry_generation(self, generation_id: str, send_again: bool) -> Generation:
        """Fetch images that were paid and did not come; with `send_again`, pay once more for what nobody has."""
        row = self.find_row(generation_id)
        job = jobs.get_(self._session, row.job_id)
        lines = ledger.newest_lines(self._session, row.id) if row.hosted is not None else {}
        again = [slot for slot, line in lines.items() if line.state in ("unknown", "failed")] if send_again else []
        if job.state in ("queued", "running") or not (again or any(line.state in OPEN for line in lines.values())):
            raise hosted.GenerationUnpaid(f"It is {job.state}.")
        if again and row.hosted is not None:
            name = row.hosted["endpoint"]
            endpoint = endpoint_named(name) if is_at_server(row) else require_usable(name)
            if not is_at_server(row):
                features.require_hosted(self._session, endpoint)
            each = max(line.estimate for line in lines.values())
            ledger.reserve(self._session, row.id, again, row.hosted["key_name"], endpoint, each)
        count = len(row.seeds)
        title = _title(count, row.prompt)
        row.job_id = jobs.enqueue(self._session, "generation", row.id, title, {}, steps=count, lane="network").id
        return self._show([row])[0]

    def _create_hosted(self, create: GenerationCreate) -> Generation:
        """Set the money aside and queue the work: both or neither."""
        made = hosted.plan(self._session, self._blobs, self._settings, create)
        prompt = str(made.values.get("prompt", ""))
        seed = create.seed if create.seed is not None else secrets.randbelow(SEEDS)
        generation_id = self._begin(create.count)
        slots = range(create.count)
        title = _title(create.count, prompt or made.endpoint.title)
        job = jobs.enqueue(self._session, "generation", generation_id, title, {}, steps=create.count, lane="network")
        ledger.reserve(self._session, generation_id, slots, made.key_name, made.endpoint, made.each, is_new=True)
        row = GenerationRow(
            id=generation_id,
            job_id=job.id,
            prompt=prompt,
            model_id=made.endpoint.model_id,
            model_name=made.model_name,
            base=made.endpoint.model_id,
            finetune_strength=float(made.values.get("finetune_strength", 1.0)),
            width=made.width,
            height=made.height,
            steps=int(made.values.get("steps") or 0),
            guidance=float(made.values.get("guidance") or 0),
            seeds=[(seed + index) % SEEDS for index in slots],
            hosted=made.record(),
            created_at=now(),
        )
        repository.add(self._session, row)
        cost = GenerationCost(estimate=made.each * create.count / ledger.PER_CREDIT, cost=0.0, owed=[])
        return _to_schema(row, job, {}, {}, cost)

    def _create_elsewhere(self, create: GenerationCreate) -> Generation:
        """Queue the work for a server of one's own: a line for each image, so that none is drawn twice."""
        made = plan_elsewhere(self._session, self._settings, create)
        features.require_size(self._session, made.width, made.height)
        seed = create.seed if create.seed is not None else secrets.randbelow(SEEDS)
        generation_id = self._begin(create.count)
        slots = range(create.count)
        ledger.reserve(
            self._session, generation_id, slots, made.key_name, endpoint_named(made.endpoint), 0, is_new=True
        )
        title = _title(create.count, made.prompt)
        job = jobs.enqueue(self._session, "generation", generation_id, title, {}, steps=create.count, lane="network")
        row = GenerationRow(
            id=generation_id,
            job_id=job.id,
            prompt=made.prompt,
            model_id=create.model_id,
            model_name=made.model_name,
            base=made.base,
            finetune_strength=create.finetune_strength,
            width=made.width,
            height=made.height,
            steps=made.steps,
            guidance=made.guidance,
            seeds=[(seed + index) % SEEDS for index in slots],
            hosted=made.record(),
            created_at=now(),
        )
        repository.add(self._session, row)
        return _to_schema(row, job, {}, {}, None)

    def create_generation(self, create: GenerationCreate) -> Generation:
        """Fill in what was left open, and queue the work."""
        if is_elsewhere(create.model_id):
            return self._create_elsewhere(create)
        create = hosted.placed(self._session, create)
        if is_hosted(create.model_id):
            return self._create_hosted(create)
        if create.parameters or create.key_name is not None:
            raise ParameterRefused("Only hosted models take parameters and keys.", field="parameters")
        model = self._models.require_usable(create.model_id, create.version_id)
        usual = self._settings.defaults.of(model.mode)
        create = with_usual(create, usual, model.base, is_base=model.version_id is None)
        prompt = fill_trigger(create.prompt.replace("\x00", ""), model.trigger_word)
        if not prompt:
            raise PromptEmpty("It holds no words.", field="prompt")
        width = create.width or model.base.default_width
        height = create.height or model.base.default_height
        _check_size(width, height, model.base)
        features.require_size(self._session, width, height)
        require_engine()
        seed = create.seed if create.seed is not None else secrets.randbelow(SEEDS)
        steps = create.steps or model.base.default_steps
        generation_id = self._begin(create.count)
        job = jobs.enqueue(
            self._session, "generation", generation_id, _title(create.count, prompt), {}, steps=create.count * steps
        )
        row = GenerationRow(
            id=generation_id,
            job_id=job.id,
            prompt=prompt,
            model_id=model.id,
            model_name=model.name,
            version_id=model.version_id,
            base=model.base.name,
            finetune_strength=create.finetune_strength,
            width=width,
            height=height,
            steps=steps,
            guidance=model.base.default_guidance if create.guidance is None else create.guidance,
            seeds=[(seed + index) % SEEDS for index in range(create.count)],
            created_at=now(),
        )
        repository.add(self._session, row)
        return _to_schema(row, job, {}, {}, None)

    def _begin(self, count: int) -> str:
        """Return the id of a new generation, which is the actor's; raise `QuotaReached` if it is too much for them."""
        quotas.begin_images(self._session, count)
        generation_id = new_id()
        sharing.own(self._session, "generation", generation_id)
        return generation_id

    def list_generations(self) -> list[Generation]:
        """Return the newest generations."""
        return self._show(repository.list_generations(self._session, LIST_LIMIT))

    def get_generation(self, generation_id: str) -> Generation:
        """Return one generation with the images finished so far."""
        return self._show([self.find_row(generation_id)])[0]

    def cancel_generation(self, generation_id: str) -> Generation:
        """End the work; images finished before stay."""
        row = self.find_row(generation_id)
        jobs.cancel(self._session, row.job_id)
        ledger.release(self._session, row.id, NotSent("You cancelled the generation before.").problem())
        return self._show([row])[0]

    def find_row(self, generation_id: str) -> GenerationRow:
        """Return a generation's row."""
        row = repository.find_generation(self._session, generation_id)
        if row is None:
            raise GenerationMissing(f"There is no generation “{generation_id[:64]}”.")
        sharing.check(self._session, "generation", row.id)
        return row

    def _show(self, rows: list[GenerationRow]) -> list[Generation]:
        known = jobs.get_many(self._session, [row.job_id for row in rows])
        finished = repository.list_images(self._session, [row.id for row in rows])
        ids = [image_id for row in rows for image_id in finished[row.id].values()]
        records = {record.image.id: record for record in self._gallery.get_records(ids)}
        costs = hosted.costs_of(self._session, [row for row in rows if not is_at_server(row)])
        return [_to_schema(row, known[row.job_id], finished[row.id], records, costs.get(row.id)) for row in rows]


def _check_size(width: int, height: int, base: BaseDescription) -> None:
    for field, value, limit in (("width", width, base.max_width), ("height", height, base.max_height)):
        if value > limit:
            raise SizeTooLarge(f"{base.title} makes images of at most {limit} pixels in {field}.", field=field)


def _title(count: int, prompt: str) -> str:
    shown = prompt if len(prompt) <= 60 else prompt[:59].rstrip() + "…"
    return f"{count} image{'' if count == 1 else 's'} “{shown}”"


def _slots(
    row: GenerationRow, job: Job, finished: dict[int, str], records: dict[str, GalleryImage]
) -> list[GenerationSlot]:
    slots: list[GenerationSlot] = []
    for index, seed in enumerate(row.seeds):
        image_id = finished.get(index)
        if image_id is None and job.state == "succeeded":
            continue  # it was removed for good
        if image_id is None:
            # Images are made one after another here, so the job's step tells how far each is; BFL does not tell.
            step = 0 if row.hosted is not None else min(max(job.step - index * row.steps, 0), row.steps)
            slots.append(GenerationSlot(index=index, seed=seed, step=step, result=None))
        elif image_id in records:  # else it is in the trash, and its place with it
            slots.append(GenerationSlot(index=index, seed=seed, step=row.steps, result=records[image_id]))
    return slots


def _to_schema(
    row: GenerationRow,
    job: Job,
    finished: dict[int, str],
    records: dict[str, GalleryImage],
    cost: GenerationCost | None,
) -> Generation:
    return Generation(
        id=row.id,
        job_id=row.job_id,
        state=job.state,
        phase=job.phase,
        waiting_for=job.waiting_for,
        prompt=row.prompt,
        model_id=row.model_id,
        model_name=row.model_name,
        version_id=row.version_id,
        base=row.base,
        finetune_strength=row.finetune_strength,
        width=row.width,
        height=row.height,
        steps=row.steps,
        guidance=row.guidance,
        slots=_slots(row, job, finished, records),
        cost=cost,
        parameters={} if is_at_server(row) else hosted.parameters_of(row),
        error=job.error,
        created_at=row.created_at,
        finished_at=job.finished_at,
    )
