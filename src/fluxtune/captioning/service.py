"""Automatic captions: who can write them, how many there would be, and the job that writes them."""

from collections import Counter
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from fluxtune.backends.local import readiness
from fluxtune.captioning.prompts import list_prompts, prompt_for
from fluxtune.captioning.schemas import (
    CaptionCounts,
    Captioner,
    CaptionJobCreate,
    CaptionRun,
    CaptionScope,
    CaptionSelection,
)
from fluxtune.captioning.servers import EndpointService
from fluxtune.config import Settings
from fluxtune.core.errors import Conflict, FluxtuneError, InvalidInput, NotFound
from fluxtune.datasets.caption_history.automatic import AutomaticCaptions
from fluxtune.datasets.schemas import Dataset, DatasetImage
from fluxtune.datasets.service import DatasetService
from fluxtune.flags import service as flags
from fluxtune.jobs import service as jobs
from fluxtune.jobs.schemas import Job
from fluxtune.storage import Blobs

ACTIVE_STATES = ("queued", "running", "paused")
POCKET = "pocket"
MODEL = "model"
_ENDPOINT = "endpoint:"


class CaptionerUnknown(NotFound):
    """No captioner has this name."""

    title = "No such captioner"
    action = "`fluxtune caption captioners` lists them."


class CaptionsUnderWay(Conflict):
    """A captioner writes captions of this dataset already."""

    title = "Captions are being written already"
    action = "Wait for its end, or cancel it."


class NoCaptionsUnderWay(Conflict):
    """No captioner is at work on this dataset."""

    title = "No captions are being written"
    action = "Look at the history of the captions."


class NothingToCaption(InvalidInput):
    """No image is left to caption."""

    title = "There is nothing to write"
    action = "Choose other images, or let existing captions be written anew."


class CaptioningService:
    """Everything a user does with captioners. What the worker does is in `tasks.py`."""

    def __init__(self, session: Session, blobs: Blobs, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._datasets = DatasetService(session, blobs)
        self._automatic = AutomaticCaptions(session)
        self._endpoints = EndpointService(session, settings)

    def list_captioners(self) -> list[Captioner]:
        """Return what can write captions, the simplest first."""
        reason, action = _engine_missing()
        pocket = Captioner(
            id=POCKET, kind="pocket", name="pocket's own", source="pocket",
            what="Knows pocket's drawn world and nothing else: ten subjects, nine places. Takes no time.",
            sends_images=False, takes_prompt=False, is_ready=not reason, reason=reason, action=action,
        )  # fmt: skip
        servers = [
            Captioner(
                id=f"{_ENDPOINT}{each.id}", kind="endpoint", name=each.name, source=each.model[:120],
                what=f"{each.model} at {urlsplit(each.url).netloc}", sends_images=True, takes_prompt=True,
                is_ready=True, reason="", action="",
            )
            for each in self._endpoints.list_endpoints()
        ]  # fmt: skip
        model = self._settings.captions.model
        local = Captioner(
            id=MODEL, kind="model", name=model.rstrip("/").rpartition("/")[2] or "A model on this computer",
            what="Florence-2, Qwen-VL or another vision-language model, from a folder or downloaded by name.",
            source=model[:120], sends_images=False, takes_prompt=True, is_ready=not reason, reason=reason,
            action=action,
        )  # fmt: skip
        return [pocket, *servers, local]

    def count(self, dataset_id: str, selection: CaptionSelection) -> CaptionCounts:
        """Return who wrote the captions of some images."""
        images = self._chosen(dataset_id, selection)
        by = Counter(image.caption_by if image.caption else "none" for image in images)
        return CaptionCounts(
            image_count=len(images),
            empty_count=by["none"],
            auto_count=by["auto"],
            imported_count=by["file"] + by["sample"],
            typed_count=by["person"],
        )

    def start(self, dataset_id: str, create: CaptionJobCreate) -> CaptionRun:
        """Queue a job that writes captions; what it writes is one step of the history."""
        dataset = self._datasets.get_dataset(dataset_id)
        self._datasets.find_row(dataset_id, writable=True)
        flags.require(self._session, "automatic-captions")
        captioner = self._find(create)
        if self._active(dataset_id) is not None:
            raise CaptionsUnderWay(f"“{dataset.name}” has a captioner at work.")
        wanted = [image.id for image in self._chosen(dataset_id, create) if is_in_scope(image, create.scope)]
        if not wanted:
            raise NothingToCaption("None of these images is to get a caption.", field="scope")
        payload = {
            "kind": captioner.kind,
            "endpoint": captioner.id.removeprefix(_ENDPOINT) if captioner.kind == "endpoint" else "",
            "model": (create.model or self._settings.captions.model).strip(),
            "source": captioner.source,
            "scope": create.scope,
            "image_ids": wanted,
            "prompt": self._prompt(dataset, create.prompt),
            "trigger_word": dataset.trigger_word if create.insert_trigger else "",
            "mode": dataset.mode,
        }
        title = f"Captions of “{dataset.name}”"
        lane = "network" if captioner.kind == "endpoint" else "device"
        job = jobs.enqueue(self._session, "captions", dataset_id, title, payload, steps=len(wanted), lane=lane)  # type: ignore[arg-type]
        step = self._automatic.begin(dataset_id, job.id, f"Written by {captioner.source}")
        return CaptionRun(job=job, step=step)

    def list_runs(self, dataset_id: str) -> list[CaptionRun]:
        """Return the captioner at work and those that were, newest first."""
        steps = self._automatic.list_steps(self._datasets.find_row(dataset_id).id)
        known = jobs.get_many(self._session, [step.job_id for step in steps if step.job_id])
        return [CaptionRun(job=known[step.job_id], step=step) for step in steps if step.job_id in known]

    def cancel(self, dataset_id: str) -> Job:
        """Cancel the captioner at work; what it wrote stays, and can be undone."""
        run = self._active(self._datasets.find_row(dataset_id).id)
        if run is None:
            raise NoCaptionsUnderWay("No captioner is at work on this dataset.")
        job = jobs.cancel(self._session, run.job.id)
        if job.state == "cancelled":  # it had not begun, so no worker will end it
            self._automatic.end(job.id)
        return job

    def _active(self, dataset_id: str) -> CaptionRun | None:
        return next((run for run in self.list_runs(dataset_id) if run.job.state in ACTIVE_STATES), None)

    def _chosen(self, dataset_id: str, selection: CaptionSelection) -> list[DatasetImage]:
        images = self._datasets.list_images(dataset_id)
        if selection.dataset_image_ids is None:
            return images
        wanted = set(selection.dataset_image_ids)
        return [image for image in images if image.id in wanted]

    def _find(self, create: CaptionJobCreate) -> Captioner:
        for captioner in self.list_captioners():
            if create.captioner in (captioner.id, captioner.name):
                break
        else:
            raise CaptionerUnknown(f"There is no captioner “{create.captioner[:64]}”.", field="captioner")
        if captioner.kind != "endpoint":
            readiness.require_engine()
        if captioner.kind != "model":
            return captioner
        name = (create.model or self._settings.captions.model).strip()
        if not name:
            raise InvalidInput(
                "No model is named.", field="model", action="Give a folder or the name of a downloaded model."
            )
        return captioner.model_copy(update={"source": name.rstrip("/").rpartition("/")[2][:120]})

    def _prompt(self, dataset: Dataset, given: str | None) -> str:
        text = given or next(each.text for each in list_prompts(self._session) if each.mode == dataset.mode)
        return prompt_for(text, dataset.mode, dataset.trigger_word)


def is_in_scope(image: DatasetImage, scope: CaptionScope) -> bool:
    """Return whether a captioner may write the caption of an image."""
    return scope == "all" or not image.caption or (scope == "auto" and image.caption_by == "auto")


def _engine_missing() -> tuple[str, str]:
    """Return why captioners of this computer can't run and what to do; two empty strings when they can."""
    try:
        readiness.require_engine()
    except FluxtuneError as error:
        return error.detail or error.title, error.action
    return "", ""
