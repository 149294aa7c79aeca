"""What goes beyond BFL's API, for programs that ask whether it is there: another fluxtune above all."""

from typing import Any, Literal

import fluxtune
from fluxtune.contract import repository
from fluxtune.contract.links import LinkSigner
from fluxtune.contract.records import Caller, ContractRecords, plain_id
from fluxtune.contract.schemas import AdapterFacts, ExtensionsResponse, LossReading, ProgressResponse, SampleReading
from fluxtune.core.clock import now
from fluxtune.core.errors import NotFound
from fluxtune.finetunes.schemas import Finetune
from fluxtune.finetunes.service import FinetuneService
from fluxtune.generations.service import GenerationService
from fluxtune.models.service import VersionFile
from fluxtune.sharing import service as sharing

EXTENSIONS = ("adapter", "cancel", "draw", "pause", "preview", "progress", "recipe", "sample", "save", "stop")
Asked = Literal["pause", "resume", "sample", "save"]
PREVIEW_FORMAT = "png"


class Extensions(ContractRecords):
    """Adapters, cancelling and live samples."""

    def describe(self) -> ExtensionsResponse:
        """Return what this server does beyond BFL's API, and the bases it has."""
        ready = [base for base in self._models.list_bases() if base.is_ready]
        return ExtensionsResponse(
            name="fluxtune",
            version=fluxtune.__version__,
            extensions=list(EXTENSIONS),
            bases=[base.name for base in ready],
            # where they lie here is nobody's business
            described_bases=[base.model_dump(mode="json", exclude={"path", "parts_path"}) for base in ready],
            usual_base=self.usual_base(),
            max_body_bytes=self._settings.contract.max_body_bytes,
        )

    def get_adapter(self, finetune_id: str) -> VersionFile:
        """Return the adapter a finetune made, or the model of this id or name uses by default."""
        model = self.find_model(finetune_id)
        version_id = model.default_version_id or next((version.id for version in model.versions), "")
        return self._models.get_version_file(model.id, version_id)

    def cancel(self, task_id: str) -> None:
        """End a task; what a generation has finished stays. Raises `NotFound`, or `JobOver` if it has ended already."""
        key = plain_id(task_id)
        row = repository.find_task(self._session, key)
        if row is not None and row.kind == "generation":
            sharing.check(self._session, "generation", key, "change")
            GenerationService(self._session, self._blobs, self._settings).cancel_generation(key)
            return
        sharing.check(self._session, "finetune", key, "change")
        FinetuneService(self._session, self._blobs, self._settings).cancel_finetune(key)

    def stop(self, finetune_id: str) -> None:
        """End a finetune and keep what it has learned. Raises `NotFound`, or `JobOver`."""
        sharing.check(self._session, "finetune", plain_id(finetune_id), "change")
        FinetuneService(self._session, self._blobs, self._settings).stop_finetune(plain_id(finetune_id))

    def ask(self, finetune_id: str, what: Asked) -> None:
        """Pause a finetune, let it go on, or have samples or a checkpoint now. Raises `NotFound` or `Conflict`."""
        key = plain_id(finetune_id)
        sharing.check(self._session, "finetune", key, "change")
        service = FinetuneService(self._session, self._blobs, self._settings)
        does = {
            "pause": service.pause_finetune,
            "resume": service.resume_finetune,
            "sample": service.sample_finetune,
            "save": service.save_finetune,
        }
        does[what](key)

    def progress(self, finetune_id: str, after: int, caller: Caller) -> ProgressResponse:
        """Return how far a finetune is, what was measured after a step, and its samples; raise `NotFound`."""
        service = FinetuneService(self._session, self._blobs, self._settings)
        finetune = service.get_finetune(plain_id(finetune_id))
        signer, at = LinkSigner(self._settings), now()
        sheet = service.get_samples(finetune.id)
        model = self._models.find_by_finetune(finetune.id)
        made = model.versions[0] if model is not None and model.versions else None
        return ProgressResponse(
            id=finetune_id,
            state=finetune.state,
            phase=finetune.phase,
            step=finetune.step,
            steps=finetune.steps,
            eta_s=finetune.eta_s,
            waiting_for=finetune.waiting_for,
            base=finetune.base,
            loss=[
                LossReading.model_validate(point.model_dump())
                for point in service.list_loss(finetune.id)
                if point.step > after
            ],
            samples=[
                SampleReading(
                    step=cell.step,
                    row=cell.row,
                    prompt=sheet.prompts[cell.row],
                    sample=signer.link(caller.origin, cell.image.id, PREVIEW_FORMAT, at),
                )
                for cell in sheet.cells
            ],
            error=finetune.error,
            adapter=AdapterFacts(step=made.step, byte_count=made.byte_count, sha256=made.sha256) if made else None,
        )

    def preview(self, finetune: Finetune, caller: Caller) -> dict[str, Any] | None:
        """Return the newest samples of a run and its loss, or None before there is anything."""
        try:
            sheet = FinetuneService(self._session, self._blobs, self._settings).get_samples(finetune.id)
        except NotFound:
            return None
        newest = max((cell.step for cell in sheet.cells), default=None)
        if newest is None and finetune.loss is None:
            return None
        signer, at = LinkSigner(self._settings), now()
        samples = [
            {
                "step": cell.step,
                "prompt": sheet.prompts[cell.row],
                "sample": signer.link(caller.origin, cell.image.id, PREVIEW_FORMAT, at),
            }
            for cell in sheet.cells
            if cell.step == newest
        ]
        return {
            "step": finetune.step,
            "steps": finetune.steps,
            "loss": finetune.loss,
            "eta_s": finetune.eta_s,
            "samples": samples,
        }
