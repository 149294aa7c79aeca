"""Everything the studio's API does, one method a route."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fluxtune.api.schemas import SignIn, SystemInfo
from fluxtune.client.admin import AdminCalls
from fluxtune.client.captions import CaptionCalls
from fluxtune.client.datasets import DatasetCalls
from fluxtune.client.deployments import DeploymentCalls
from fluxtune.client.hosted import HostedCalls
from fluxtune.client.http import request_body
from fluxtune.client.servers import ServerCalls
from fluxtune.client.settings import SettingsCalls
from fluxtune.client.tokens import TokenCalls
from fluxtune.client.uploads import UploadCalls
from fluxtune.datasets.schemas import (
    Dataset,
    DatasetCheck,
    DatasetCreate,
    DatasetImage,
    DatasetImageUpdate,
    DatasetUpdate,
    FixRequest,
    FixResult,
    SampleConcept,
)
from fluxtune.deployments.schemas import ImportedModel
from fluxtune.finetunes.schemas import (
    Checkpoint,
    Finetune,
    FinetuneCreate,
    FinetuneExtension,
    FinetunePlan,
    FinetuneRestart,
    ImageLoss,
    LogLine,
    LossPoint,
    Probe,
    SampleSheet,
    ValidationPoint,
)
from fluxtune.generations.schemas import Generation, GenerationCreate
from fluxtune.health.schemas import Comparison, Health
from fluxtune.images.schemas import GalleryImage, GalleryImageUpdate, GalleryRecordsRequest, Image
from fluxtune.jobs.schemas import Job, JobEvent, JobMove
from fluxtune.models.schemas import BaseEntry, Card, Model, ModelUpdate
from fluxtune.recipes.schemas import (
    RecipeDocument,
    RecipeText,
    Template,
    TemplateCreate,
    TemplateImport,
    TemplateUpdate,
)

ENDED = {"job.succeeded", "job.failed", "job.cancelled", "job.paused"}


class Client(
    AdminCalls,
    CaptionCalls,
    DatasetCalls,
    DeploymentCalls,
    TokenCalls,
    HostedCalls,
    ServerCalls,
    SettingsCalls,
    UploadCalls,
):
    """A signed-in client of one studio. Use it as a context manager, or close it."""

    # Studio

    def system(self) -> SystemInfo:
        """Say what is ready and how much room there is."""
        return self.fetch(SystemInfo, "GET", "/api/system")

    def sign_in_link(self) -> str:
        """Return an address that signs in one browser, once."""
        return f"{self.url}/?token={self.fetch(SignIn, 'POST', '/api/session/links').token}"

    def recipe_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a recipe."""
        return self.fetch(dict[str, Any], "GET", "/api/schemas/recipe")

    def jobs(self, *, active: bool = False) -> list[Job]:
        """List jobs, newest first."""
        return self.fetch(list[Job], "GET", "/api/jobs", params={"active": active})

    def get_job(self, job_id: str) -> Job:
        """Return one job."""
        return self.fetch(Job, "GET", f"/api/jobs/{job_id}")

    def queue(self) -> list[Job]:
        """List what runs, then what waits in the order it will run."""
        return self.fetch(list[Job], "GET", "/api/jobs", params={"in_turn": True})

    def move_job(self, job_id: str, before: str | None = None) -> list[Job]:
        """Let a waiting job run before another one, or last; return the queue."""
        body = JobMove(before=before).model_dump(mode="json")
        return self.fetch(list[Job], "POST", f"/api/jobs/{job_id}/move", json=body)

    def follow(self, job_id: str, *, after: int = 0) -> Iterator[JobEvent]:
        """Yield the events of a job from its beginning until it has ended or is paused."""
        for _, data in self.events(f"/api/jobs/{job_id}/events"):
            event = JobEvent.model_validate_json(data)
            if event.id <= after:
                continue
            yield event
            # The history of a resumed job holds earlier pauses: only the state now tells whether it is over.
            if event.type in ENDED and self.get_job(job_id).state not in ("queued", "running"):
                return

    # Datasets

    def samples(self) -> list[SampleConcept]:
        """List the bundled sample concepts."""
        return self.fetch(list[SampleConcept], "GET", "/api/samples")

    def datasets(self) -> list[Dataset]:
        """List datasets, newest first."""
        return self.fetch(list[Dataset], "GET", "/api/datasets")

    def get_dataset(self, dataset_id: str) -> Dataset:
        """Return one dataset."""
        return self.fetch(Dataset, "GET", f"/api/datasets/{dataset_id}")

    def create_dataset(self, request: DatasetCreate | None = None, /, **values: Any) -> Dataset:
        """Create a dataset; with `sample` it is filled with that concept's images."""
        return self.fetch(Dataset, "POST", "/api/datasets", json=request_body(DatasetCreate, request, values))

    def update_dataset(self, dataset_id: str, **values: Any) -> Dataset:
        """Change name, mode, trigger word or notes."""
        return self.fetch(
            Dataset, "PATCH", f"/api/datasets/{dataset_id}", json=request_body(DatasetUpdate, None, values)
        )

    def delete_dataset(self, dataset_id: str) -> None:
        """Move a dataset to the trash."""
        self.send("DELETE", f"/api/datasets/{dataset_id}")

    def restore_dataset(self, dataset_id: str) -> Dataset:
        """Take a dataset out of the trash."""
        return self.fetch(Dataset, "POST", f"/api/datasets/{dataset_id}/restoration")

    def dataset_images(self, dataset_id: str) -> list[DatasetImage]:
        """List the images of a dataset in order."""
        return self.fetch(list[DatasetImage], "GET", f"/api/datasets/{dataset_id}/images")

    def set_caption(self, dataset_id: str, dataset_image_id: str, caption: str) -> DatasetImage:
        """Write the caption of one image."""
        body = DatasetImageUpdate(caption=caption).model_dump(mode="json")
        return self.fetch(DatasetImage, "PATCH", f"/api/datasets/{dataset_id}/images/{dataset_image_id}", json=body)

    def check_dataset(self, dataset_id: str, *, base: str | None = None) -> DatasetCheck:
        """Run the dataset check, for a base if one is named."""
        params = {"base": base} if base else {}
        return self.fetch(DatasetCheck, "GET", f"/api/datasets/{dataset_id}/check", params=params)

    def fix_dataset(self, dataset_id: str, fix: str, *, base: str | None = None) -> FixResult:
        """Apply a fix that the check offers; the answer says how to take it back."""
        body = request_body(FixRequest, None, {"fix": fix, "base": base})
        return self.fetch(FixResult, "POST", f"/api/datasets/{dataset_id}/fixes", json=body)

    # Finetunes

    def plan_finetune(self, request: FinetuneCreate | None = None, /, **values: Any) -> FinetunePlan:
        """Say what a finetune would do and cost."""
        return self.fetch(
            FinetunePlan, "POST", "/api/finetunes/plans", json=request_body(FinetuneCreate, request, values)
        )

    def start_finetune(self, request: FinetuneCreate | None = None, /, **values: Any) -> Finetune:
        """Start a finetune."""
        return self.fetch(Finetune, "POST", "/api/finetunes", json=request_body(FinetuneCreate, request, values))

    def finetunes(self) -> list[Finetune]:
        """List finetunes, newest first."""
        return self.fetch(list[Finetune], "GET", "/api/finetunes")

    def get_finetune(self, finetune_id: str) -> Finetune:
        """Return one finetune."""
        return self.fetch(Finetune, "GET", f"/api/finetunes/{finetune_id}")

    def stop_finetune(self, finetune_id: str) -> Finetune:
        """Stop and keep what was learned so far."""
        return self.fetch(Finetune, "POST", f"/api/finetunes/{finetune_id}/stop")

    def cancel_finetune(self, finetune_id: str) -> Finetune:
        """Stop and throw away."""
        return self.fetch(Finetune, "POST", f"/api/finetunes/{finetune_id}/cancellation")

    def pause_finetune(self, finetune_id: str) -> Finetune:
        """Save and let go of the device until resumed."""
        return self.fetch(Finetune, "POST", f"/api/finetunes/{finetune_id}/pause")

    def resume_finetune(self, finetune_id: str) -> Finetune:
        """Go on from the last checkpoint."""
        return self.fetch(Finetune, "POST", f"/api/finetunes/{finetune_id}/resumption")

    def sample_finetune(self, finetune_id: str) -> Finetune:
        """Draw the samples of a running finetune now."""
        return self.fetch(Finetune, "POST", f"/api/finetunes/{finetune_id}/sample")

    def save_finetune(self, finetune_id: str) -> Finetune:
        """Save a checkpoint of a running finetune now."""
        return self.fetch(Finetune, "POST", f"/api/finetunes/{finetune_id}/save")

    def extend_finetune(self, finetune_id: str, steps: int) -> Finetune:
        """Let a finished run go on for more steps."""
        body = request_body(FinetuneExtension, None, {"steps": steps})
        return self.fetch(Finetune, "POST", f"/api/finetunes/{finetune_id}/extend", json=body)

    def restart_finetune(self, finetune_id: str, step: int, **values: Any) -> Finetune:
        """Start a new finetune from a checkpoint, with changed settings."""
        body = request_body(FinetuneRestart, None, {"step": step, **values})
        return self.fetch(Finetune, "POST", f"/api/finetunes/{finetune_id}/restart", json=body)

    def start_probe(self, request: FinetuneCreate | None = None, /, **values: Any) -> Probe:
        """Measure a few real steps of a finetune without starting it."""
        return self.fetch(Probe, "POST", "/api/finetunes/probes", json=request_body(FinetuneCreate, request, values))

    def get_probe(self, probe_id: str) -> Probe:
        """Return one probe."""
        return self.fetch(Probe, "GET", f"/api/finetunes/probes/{probe_id}")

    def finetune_recipe(self, finetune_id: str) -> str:
        """Return the complete recipe document of a finetune, as YAML."""
        return self.send("GET", f"/api/finetunes/{finetune_id}/recipe").text

    def finetune_validation(self, finetune_id: str) -> list[ValidationPoint]:
        """Return the validation losses."""
        return self.fetch(list[ValidationPoint], "GET", f"/api/finetunes/{finetune_id}/validation")

    def finetune_image_losses(self, finetune_id: str) -> list[ImageLoss]:
        """Return how hard each training image is, the hardest first."""
        return self.fetch(list[ImageLoss], "GET", f"/api/finetunes/{finetune_id}/image-losses")

    def finetune_loss(self, finetune_id: str) -> list[LossPoint]:
        """Return the loss curve."""
        return self.fetch(list[LossPoint], "GET", f"/api/finetunes/{finetune_id}/loss")

    def finetune_samples(self, finetune_id: str) -> SampleSheet:
        """Return the sheet of sample images."""
        return self.fetch(SampleSheet, "GET", f"/api/finetunes/{finetune_id}/samples")

    def finetune_checkpoints(self, finetune_id: str) -> list[Checkpoint]:
        """List the checkpoints that are kept."""
        return self.fetch(list[Checkpoint], "GET", f"/api/finetunes/{finetune_id}/checkpoints")

    def keep_checkpoint(self, finetune_id: str, step: int) -> Model:
        """Make a checkpoint a version of the model its run made; return the model."""
        return self.fetch(Model, "POST", f"/api/finetunes/{finetune_id}/checkpoints/{step}/version")

    def finetune_log(self, finetune_id: str) -> list[LogLine]:
        """Return the log."""
        return self.fetch(list[LogLine], "GET", f"/api/finetunes/{finetune_id}/log")

    def finetune_health(self, finetune_id: str) -> Health:
        """Return how well a finetune turned out, as far as it was measured."""
        return self.fetch(Health, "GET", f"/api/finetunes/{finetune_id}/health")

    def check_finetune(self, finetune_id: str) -> Job:
        """Measure a finished finetune."""
        return self.fetch(Job, "POST", f"/api/finetunes/{finetune_id}/health")

    def cancel_check(self, finetune_id: str) -> Job:
        """Cancel the check of a finetune that waits or runs."""
        return self.fetch(Job, "POST", f"/api/finetunes/{finetune_id}/health/cancellation")

    def compare_finetunes(self, a: str, b: str) -> Comparison:
        """Return two finetunes side by side."""
        return self.fetch(Comparison, "GET", "/api/finetunes/compare", params={"a": a, "b": b})

    # Recipes

    def read_recipe(self, text: str) -> RecipeDocument:
        """Read a recipe document; what is wrong in it is named with its line and field."""
        return self.fetch(
            RecipeDocument, "POST", "/api/recipes/read", json=request_body(RecipeText, None, {"text": text})
        )

    def templates(self) -> list[Template]:
        """List templates by name."""
        return self.fetch(list[Template], "GET", "/api/templates")

    def get_template(self, template_id: str) -> Template:
        """Return one template."""
        return self.fetch(Template, "GET", f"/api/templates/{template_id}")

    def create_template(self, request: TemplateCreate | None = None, /, **values: Any) -> Template:
        """Keep a recipe under a name."""
        return self.fetch(Template, "POST", "/api/templates", json=request_body(TemplateCreate, request, values))

    def update_template(self, template_id: str, **values: Any) -> Template:
        """Change a template."""
        return self.fetch(
            Template, "PATCH", f"/api/templates/{template_id}", json=request_body(TemplateUpdate, None, values)
        )

    def delete_template(self, template_id: str) -> None:
        """Remove a template."""
        self.send("DELETE", f"/api/templates/{template_id}")

    def export_template(self, template_id: str) -> str:
        """Return a template as a recipe document."""
        return self.send("GET", f"/api/templates/{template_id}/file").text

    def import_template(self, text: str, **values: Any) -> Template:
        """Keep a recipe document as a template."""
        body = request_body(TemplateImport, None, {"text": text, **values})
        return self.fetch(Template, "POST", "/api/templates/import", json=body)

    # Models

    def bases(self) -> list[BaseEntry]:
        """List the bases that are here, then the published ones that are not."""
        return self.fetch(list[BaseEntry], "GET", "/api/bases")

    def models(self, *, kind: str | None = None) -> list[Model]:
        """List the catalogue: bases and finetuned models."""
        return self.fetch(list[Model], "GET", "/api/models", params={"kind": kind} if kind else {})

    def get_model(self, model_id: str) -> Model:
        """Return one model; a base's id is its name."""
        return self.fetch(Model, "GET", f"/api/models/{model_id}")

    def update_model(self, model_id: str, **values: Any) -> Model:
        """Change name, notes, trigger word, or the version that is used by default."""
        return self.fetch(Model, "PATCH", f"/api/models/{model_id}", json=request_body(ModelUpdate, None, values))

    def import_model(self, path: str | Path, *, preview: bool = True, **values: str) -> ImportedModel:
        """Add a model from a LoRA file; `name`, `base` and `trigger_word` go before what the file says.

        With `preview` an image is drawn with it where its base is here.
        """
        file = Path(path).expanduser()
        with file.open("rb") as content:
            form = {key: value for key, value in values.items() if value} | {"preview": str(preview).lower()}
            return self.fetch(
                ImportedModel,
                "POST",
                "/api/models/imports",
                files={"file": (file.name, content)},
                data=form,
                timeout=600,
            )

    def model_card(self, model_id: str, version_id: str, *, layout: str | None = None, filename: str = "") -> Card:
        """Return the card of a version, as it is kept or as exported in a layout."""
        params = {"filename": filename} | ({"layout": layout} if layout else {})
        return self.fetch(Card, "GET", f"/api/models/{model_id}/versions/{version_id}/card", params=params)

    def export_model(self, model: Model, target: Path, *, version_id: str | None = None) -> int:
        """Write the adapter of a finetuned model to a file; return its size."""
        wanted = version_id or model.default_version_id
        version = next((version for version in model.versions if version.id == wanted), None)
        if version is None:
            raise KeyError(version_id)
        return self.download(version.file_url, target)

    # Generations and the gallery

    def start_generation(self, request: GenerationCreate | None = None, /, **values: Any) -> Generation:
        """Start making images."""
        return self.fetch(Generation, "POST", "/api/generations", json=request_body(GenerationCreate, request, values))

    def get_generation(self, generation_id: str) -> Generation:
        """Return one generation."""
        return self.fetch(Generation, "GET", f"/api/generations/{generation_id}")

    def cancel_generation(self, generation_id: str) -> Generation:
        """Stop making images; finished ones stay."""
        return self.fetch(Generation, "POST", f"/api/generations/{generation_id}/cancellation")

    def gallery_ids(self, *, model_id: str | None = None, favourite: bool = False, query: str = "") -> list[str]:
        """List the ids of gallery images, newest first."""
        wanted = {"model_id": model_id, "favourite": favourite or None, "query": query or None}
        params = {name: value for name, value in wanted.items() if value is not None}
        return self.fetch(list[str], "GET", "/api/gallery/ids", params=params)

    def gallery_images(self, ids: Sequence[str]) -> list[GalleryImage]:
        """Return gallery images by id, at most 200."""
        body = GalleryRecordsRequest(ids=list(ids)).model_dump(mode="json")
        return self.fetch(list[GalleryImage], "POST", "/api/gallery/records", json=body)

    def set_favourite(self, image_id: str, is_favourite: bool) -> GalleryImage:
        """Mark or unmark a favourite."""
        body = GalleryImageUpdate(is_favourite=is_favourite).model_dump(mode="json")
        return self.fetch(GalleryImage, "PATCH", f"/api/gallery/{image_id}", json=body)

    def save_image(self, image: Image, target: Path) -> int:
        """Write an image's original file; return its size."""
        return self.download(image.url, target)
