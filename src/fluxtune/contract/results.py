"""`GET /v1/get_result`: how far a task is, in BFL's words, and links to what it made."""

from datetime import timedelta
from typing import Any

from fluxtune.contract import repository
from fluxtune.contract.errors import ResultGone
from fluxtune.contract.extensions import Extensions
from fluxtune.contract.links import LinkSigner
from fluxtune.contract.records import ACTIVE, FREE, Caller, ContractRecords, plain_id
from fluxtune.contract.schemas import ResultResponse, Status
from fluxtune.contract.tables import ContractTaskRow
from fluxtune.core.clock import now
from fluxtune.core.errors import NotFound, Problem
from fluxtune.finetunes.schemas import Finetune
from fluxtune.finetunes.service import FinetuneService
from fluxtune.generations.schemas import Generation
from fluxtune.generations.service import GenerationService
from fluxtune.images.gallery import GalleryService
from fluxtune.images.service import ImageService

NOT_FOUND: Status = "Task not found"
DEFAULT_FORMAT = "jpeg"


class Results(ContractRecords):
    """Tells how far tasks are and hands out what they made."""

    def get_result(self, task_id: str, caller: Caller) -> ResultResponse:
        """Return how far a task is; one that is not known, or was removed, is `Task not found`."""
        key = plain_id(task_id)
        row = repository.find_task(self._session, key)
        if row is not None and row.kind == "generation":
            return self._generation(row, task_id, caller)
        try:
            finetune = FinetuneService(self._session, self._blobs, self._settings).get_finetune(key)
        except NotFound:
            return ResultResponse(id=task_id, status=NOT_FOUND)
        if finetune.deleted_at is not None:
            return ResultResponse(id=task_id, status=NOT_FOUND)
        told = _finetune(row, finetune, task_id)
        if finetune.state not in ACTIVE:
            return told
        preview = Extensions(self._session, self._blobs, self._settings).preview(finetune, caller)
        return told.model_copy(update={"preview": preview})

    def read_sample(self, image_id: str) -> bytes:
        """Return the image a link leads to; raise `ResultGone` once it is in the trash or gone for good."""
        images = ImageService(self._session, self._blobs)
        image = images.get_images([image_id]).get(image_id)
        # Samples of runs are in no gallery.
        is_shown = image is not None and (
            image.origin == "sample" or bool(GalleryService(self._session).get_records([image_id]))
        )
        if not is_shown:
            raise ResultGone("It was removed in the studio.")
        return images.get_file(image_id).read()

    def _generation(self, row: ContractTaskRow, task_id: str, caller: Caller) -> ResultResponse:
        try:
            generation = GenerationService(self._session, self._blobs, self._settings).get_generation(row.id)
        except NotFound:
            return ResultResponse(id=task_id, status=NOT_FOUND)
        if generation.state in ACTIVE:
            slots = generation.slots
            done = slots[0].step / generation.steps if slots and slots[0].step else None
            return _pending(row, task_id, done)
        if generation.state != "succeeded":
            return _failed(row.details, task_id, generation.state, generation.error)
        made = sample_of(generation)
        if made is None:
            return ResultResponse(id=task_id, status=NOT_FOUND)
        image_id, result = made
        link = LinkSigner(self._settings).link(caller.origin, image_id, format_of(row), now())
        return ResultResponse(
            id=task_id, status="Ready", result={"sample": link, **result}, progress=1.0, details=row.details, cost=FREE
        )


def format_of(row: ContractTaskRow) -> str:
    """Return the format a task's image was asked for in."""
    return str(row.request.get("output_format") or DEFAULT_FORMAT)


def sample_of(generation: Generation) -> tuple[str, dict[str, Any]] | None:
    """Return the id of the finished image and what else a result says, or None if the image was removed."""
    slot = next((each for each in generation.slots if each.result is not None), None)
    if slot is None or slot.result is None:
        return None
    facts: dict[str, Any] = {"prompt": generation.prompt, "seed": slot.seed}
    if generation.finished_at is not None:
        facts["duration"] = round((generation.finished_at - generation.created_at) / timedelta(seconds=1), 3)
    return slot.result.image.id, facts


def reason_of(state: str, error: Problem | None) -> str:
    """Return why a task has not succeeded, in a sentence or two."""
    if error is None:
        return f"It was {state} in the studio."
    return " ".join(part for part in (f"{error.title}.", error.detail, error.action) if part)


def _finetune(row: ContractTaskRow | None, finetune: Finetune, task_id: str) -> ResultResponse:
    details = row.details if row else None
    if finetune.state in ACTIVE:
        done = finetune.step / finetune.steps if finetune.step and finetune.steps else None
        return _pending(row, task_id, done)
    if finetune.state != "succeeded":
        return _failed(details, task_id, finetune.state, finetune.error)
    result = {"finetune_id": finetune.id, "model_id": finetune.model_id}
    return ResultResponse(id=task_id, status="Ready", result=result, progress=1.0, details=details, cost=FREE)


def _pending(row: ContractTaskRow | None, task_id: str, done: float | None) -> ResultResponse:
    progress = min(round(done, 4), 1.0) if done is not None else None
    return ResultResponse(id=task_id, status="Pending", progress=progress, details=row.details if row else None)


def _failed(details: dict[str, Any] | None, task_id: str, state: str, error: Problem | None) -> ResultResponse:
    return ResultResponse(
        id=task_id, status="Error", details={**(details or {}), "error": reason_of(state, error)}, cost=FREE
    )
