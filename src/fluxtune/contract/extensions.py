"""What goes beyond BFL's API, for programs that ask whether it is there: another fluxtune above all."""

from typing import Any

import fluxtune
from fluxtune.contract import repository
from fluxtune.contract.links import LinkSigner
from fluxtune.contract.records import Caller, ContractRecords, plain_id
from fluxtune.contract.schemas import ExtensionsResponse
from fluxtune.core.clock import now
from fluxtune.core.errors import NotFound
from fluxtune.finetunes.schemas import Finetune
from fluxtune.finetunes.service import FinetuneService
from fluxtune.generations.service import GenerationService
from fluxtune.models.service import VersionFile

EXTENSIONS = ("adapter", "cancel", "preview")
PREVIEW_FORMAT = "png"


class Extensions(ContractRecords):
    """Adapters, cancelling and live samples."""

    def describe(self) -> ExtensionsResponse:
        """Return what this server does beyond BFL's API, and the bases it has."""
        bases = [base.name for base in self._models.list_bases() if base.is_ready]
        return ExtensionsResponse(
            name="fluxtune",
            version=fluxtune.__version__,
            extensions=list(EXTENSIONS),
            bases=bases,
            usual_base=self.usual_base(),
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
            GenerationService(self._session, self._blobs, self._settings).cancel_generation(key)
            return
        FinetuneService(self._session, self._blobs, self._settings).cancel_finetune(key)

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
