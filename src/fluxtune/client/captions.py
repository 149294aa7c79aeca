"""Captions: changes to many at once, their history, and captioners."""

from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from fluxtune.captioning.schemas import (
    CaptionCounts,
    CaptionEndpoint,
    CaptionEndpointCreate,
    Captioner,
    CaptionJobCreate,
    CaptionPrompt,
    CaptionRun,
)
from fluxtune.client.http import Connection
from fluxtune.datasets.caption_history.schemas import (
    CaptionFrequencies,
    CaptionPreview,
    CaptionStep,
    CaptionStepCreate,
    CaptionSteps,
    CaptionVersion,
    StepRestored,
)
from fluxtune.datasets.captions_edits import CaptionEdit
from fluxtune.engine.config import Mode
from fluxtune.jobs.schemas import Job


class CaptionCalls(Connection):
    """The part of a studio's client that has to do with captions."""

    def preview_captions(
        self, dataset_id: str, edit: CaptionEdit | dict[str, Any], ids: list[str] | None = None
    ) -> CaptionPreview:
        """Show what a change to many captions would do."""
        return self.fetch(CaptionPreview, "POST", f"/api/datasets/{dataset_id}/captions/preview", json=_step(edit, ids))

    def edit_captions(
        self, dataset_id: str, edit: CaptionEdit | dict[str, Any], ids: list[str] | None = None
    ) -> CaptionStep:
        """Change many captions at once."""
        return self.fetch(CaptionStep, "POST", f"/api/datasets/{dataset_id}/captions/steps", json=_step(edit, ids))

    def caption_steps(self, dataset_id: str) -> CaptionSteps:
        """List the changes to many captions, newest first."""
        return self.fetch(CaptionSteps, "GET", f"/api/datasets/{dataset_id}/captions/steps")

    def undo_captions(self, dataset_id: str, step_id: str | None = None) -> StepRestored:
        """Take the last change to many captions back."""
        return self.fetch(StepRestored, "POST", f"/api/datasets/{dataset_id}/captions/undo", json={"step_id": step_id})

    def redo_captions(self, dataset_id: str, step_id: str | None = None) -> StepRestored:
        """Do the change again that was undone last."""
        return self.fetch(StepRestored, "POST", f"/api/datasets/{dataset_id}/captions/redo", json={"step_id": step_id})

    def caption_versions(self, dataset_id: str, dataset_image_id: str) -> list[CaptionVersion]:
        """List what the caption of an image was, newest first."""
        path = f"/api/datasets/{dataset_id}/images/{dataset_image_id}/captions"
        return self.fetch(list[CaptionVersion], "GET", path)

    def caption_frequencies(self, dataset_id: str) -> CaptionFrequencies:
        """Count in how many captions each tag and each word is."""
        return self.fetch(CaptionFrequencies, "GET", f"/api/datasets/{dataset_id}/captions/frequencies")

    def count_captions(self, dataset_id: str, ids: list[str] | None = None) -> CaptionCounts:
        """Count who wrote the captions of some images."""
        body = {"dataset_image_ids": ids}
        return self.fetch(CaptionCounts, "POST", f"/api/datasets/{dataset_id}/captions/counts", json=body)

    def write_captions(self, dataset_id: str, request: CaptionJobCreate) -> CaptionRun:
        """Let a captioner write captions."""
        body = request.model_dump(mode="json", exclude_unset=True)
        return self.fetch(CaptionRun, "POST", f"/api/datasets/{dataset_id}/captions/jobs", json=body)

    def caption_runs(self, dataset_id: str) -> list[CaptionRun]:
        """List the captioner at work and those that were, newest first."""
        return self.fetch(list[CaptionRun], "GET", f"/api/datasets/{dataset_id}/captions/jobs")

    def cancel_captions(self, dataset_id: str) -> Job:
        """Cancel the captioner at work."""
        return self.fetch(Job, "POST", f"/api/datasets/{dataset_id}/captions/jobs/cancellation")

    def captioners(self) -> list[Captioner]:
        """List what can write captions."""
        return self.fetch(list[Captioner], "GET", "/api/captioners")

    def caption_endpoints(self) -> list[CaptionEndpoint]:
        """List the servers that may be asked for captions."""
        return self.fetch(list[CaptionEndpoint], "GET", "/api/captioners/endpoints")

    def add_caption_endpoint(self, name: str, url: str, model: str, key: str = "") -> CaptionEndpoint:
        """Add a server that describes images."""
        body = CaptionEndpointCreate(name=name, url=url, model=model, key=key).model_dump(mode="json")
        return self.fetch(CaptionEndpoint, "POST", "/api/captioners/endpoints", json=body)

    def remove_caption_endpoint(self, name: str) -> None:
        """Forget a server and its key."""
        self.send("DELETE", f"/api/captioners/endpoints/{quote(name, safe='')}")

    def caption_prompts(self) -> list[CaptionPrompt]:
        """List what captioners are asked for each mode."""
        return self.fetch(list[CaptionPrompt], "GET", "/api/captioners/prompts")

    def set_caption_prompt(self, mode: Mode, text: str) -> CaptionPrompt:
        """Ask captioners something else for a mode; an empty text brings the usual back."""
        return self.fetch(CaptionPrompt, "PUT", f"/api/captioners/prompts/{mode}", json={"text": text})


def _step(edit: CaptionEdit | dict[str, Any], ids: list[str] | None) -> dict[str, Any]:
    checked: CaptionEdit = TypeAdapter(CaptionEdit).validate_python(edit)
    return CaptionStepCreate(edit=checked, dataset_image_ids=ids).model_dump(mode="json")
