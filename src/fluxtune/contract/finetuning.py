"""`POST /v1/finetune` and what tells of finetunes: the old Finetuning API on the bases of this studio."""

import base64
import binascii
from collections.abc import Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from fluxtune.contract import repository
from fluxtune.contract.errors import FinetuneNotReady, RequestRefused
from fluxtune.contract.inputs import FinetuneInputs, StudioWishes
from fluxtune.contract.records import ACTIVE, Caller, ContractRecords, plain_id, submitted
from fluxtune.contract.schemas import DeleteFinetuneResponse, FinetuneSubmitted
from fluxtune.contract.tables import ContractTaskRow
from fluxtune.core.clock import now
from fluxtune.core.errors import NotFound
from fluxtune.core.text import clean_text
from fluxtune.datasets.archive import looks_like_zip
from fluxtune.datasets.importer import UploadedFile
from fluxtune.datasets.schemas import DatasetCreate, UploadReport
from fluxtune.datasets.uploads import UploadService
from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.recipes import Quality, recipe_for
from fluxtune.finetunes.schemas import Finetune, FinetuneCreate
from fluxtune.finetunes.service import FinetuneService
from fluxtune.flags import service as flags
from fluxtune.jobs import service as jobs
from fluxtune.models.handles import list_handles
from fluxtune.models.schemas import Model
from fluxtune.sharing import service as sharing

QUALITY: dict[str, Quality] = {"speed": "draft", "quality": "balanced", "high_res_only": "best"}
USUAL_RATE = {"full": 1e-5, "lora": 1e-4}
"""BFL's own learning rates: what a given one is compared with."""
RATE_RANGE = (0.1, 3.0)
"""How far from a small base's usual rate a given one may lead: beyond that nothing is learned, or all is lost."""
NAME_LENGTH = 110
LONGEST_LIST = 10_000
SHOWN_REFUSALS = 20
_CHUNK = 4 * 1024**2
_IN_MEMORY = 8 * 1024**2
_NO_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))


class Finetuning(ContractRecords):
    """Starts, tells of and removes finetunes."""

    def create(self, inputs: FinetuneInputs, caller: Caller) -> FinetuneSubmitted:
        """Make a dataset of the ZIP and start a finetune on it."""
        self.check_hook(inputs)
        wishes = inputs.fluxtune or StudioWishes()
        if wishes.recipe is not None or inputs.learning_rate is not None:
            flags.require(self._session, "advanced-parameters", field="learning_rate")
        known = repository.find_by_key(self._session, wishes.key) if wishes.key else None
        if known is not None:
            return FinetuneSubmitted(finetune_id=known.id, **submitted(known))
        uploads = UploadService(self._session, self._blobs)
        # Decoding takes seconds and touches no table: nobody waits for it.
        with _unpacked(inputs.file_data) as archive:
            imported = uploads.read_files([UploadedFile("file_data.zip", archive)])
        self.check_room()
        trigger_word = clean_text(inputs.trigger_word)
        name = clean_text(wishes.name or inputs.finetune_comment)[:NAME_LENGTH] or "Finetune"
        dataset = uploads.create_dataset(DatasetCreate(name=name, mode=inputs.mode, trigger_word=trigger_word))
        report = uploads.add_import(dataset.id, imported)
        if not report.image_count:
            raise _nothing_usable(report)
        base = self._models.get_base(wishes.base or self.usual_base())
        if wishes.recipe is not None:
            recipe, notes = wishes.recipe, [f"Trained on {base.title} with the recipe that was sent."]
        else:
            recipe, notes = map_training(inputs, base, report.image_count, has_trigger=bool(trigger_word))
        create = FinetuneCreate(
            name=name,
            dataset_id=dataset.id,
            base=base.name,
            mode=inputs.mode,
            quality=wishes.quality or QUALITY[inputs.priority],
            trigger_word=trigger_word,
            recipe=recipe,
        )
        finetune = FinetuneService(self._session, self._blobs, self._settings).create_finetune(create)
        details = {"notes": [*notes, *_about_images(inputs, report)], "base": base.name}
        request = inputs.model_dump(mode="json", exclude={"file_data", "webhook_url", "webhook_secret"})
        row = self.file("finetune", finetune.id, finetune.job_id, caller, "finetune", inputs, request, details)
        return FinetuneSubmitted(finetune_id=row.id, **submitted(row))

    def details(self, finetune_id: str) -> dict[str, Any]:
        """Return what is known of a finetune, also of one that was started in the studio."""
        try:
            finetune = self._find(finetune_id)
        except FinetuneNotReady:
            return _described_model(self.find_model(finetune_id))
        row = repository.find_task(self._session, finetune.id)
        asked = {key: value for key, value in row.request.items() if value is not None} if row else {}
        return {**_described(finetune), **asked, **_state_of(finetune, row)}

    def list_ids(self) -> list[str]:
        """Return the ids of finetunes that are usable or will be, newest first, and of models that came otherwise."""
        made = {each.finetune_id or each.id for each in list_handles(self._session)}
        at_work = jobs.list_(self._session, active=True, kind="finetune", limit=LONGEST_LIST)
        return sorted(made | {job.target_id for job in at_work}, reverse=True)

    def delete(self, finetune_id: str) -> DeleteFinetuneResponse:
        """Put a finetune and its model into the trash; one that still runs is cancelled."""
        try:
            finetune = self._find(finetune_id)
        except FinetuneNotReady:
            return self._delete_model(finetune_id)
        sharing.check(self._session, "finetune", finetune.id, "change")
        service = FinetuneService(self._session, self._blobs, self._settings)
        if finetune.state in ACTIVE:
            finetune = service.cancel_finetune(finetune.id)
        model = self._models.find_by_finetune(finetune.id)
        if model is not None:
            sharing.check(self._session, "model", model.id, "change")
            self._models.delete_model(model.id)
        if finetune.state in ACTIVE:
            return _deleted(finetune.id, "The finetune is being cancelled.")
        service.delete_finetune(finetune.id)
        return _deleted(finetune.id, "The finetune was put into the trash of the studio.")

    def _delete_model(self, wanted: str) -> DeleteFinetuneResponse:
        model = self.find_model(wanted)
        sharing.check(self._session, "model", model.id, "change")
        self._models.delete_model(model.id)
        return _deleted(wanted, "The model was put into the trash of the studio.")

    def _find(self, finetune_id: str) -> Finetune:
        """Return a finetune by its id, or by that or the name of its model; raise `FinetuneNotReady`."""
        service = FinetuneService(self._session, self._blobs, self._settings)
        try:
            finetune = service.get_finetune(plain_id(finetune_id))
        except NotFound:
            model = self.find_model(finetune_id)
            try:
                finetune = service.get_finetune(model.finetune_id or "")
            except NotFound as error:
                raise FinetuneNotReady(f"“{model.name}” was not trained here.") from error
        if finetune.deleted_at is not None:
            raise FinetuneNotReady("It was deleted.")
        return finetune


def map_training(
    inputs: FinetuneInputs, base: BaseDescription, image_count: int, *, has_trigger: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return the recipe settings that stand for what was asked, and a sentence for each that is not the very same."""
    notes = [f"Trained on {base.title}, a base of this studio."]
    recipe: dict[str, Any] = {"steps": inputs.iterations, "rank": inputs.lora_rank}
    if inputs.learning_rate is not None:
        usual = recipe_for(
            inputs.mode, QUALITY[inputs.priority], base, image_count, recipe, has_trigger=has_trigger
        ).learning_rate
        recipe["learning_rate"] = rate = map_rate(inputs, base, usual)
        if rate != inputs.learning_rate:
            notes.append(
                f"learning_rate {inputs.learning_rate:g} was meant for FLUX.1 [pro]; here it became {rate:g}, as far "
                f"from this base's usual {usual:g}."
            )
    if "finetune_type" in inputs.model_fields_set and inputs.finetune_type == "full":
        notes.append(f"finetune_type full: trained as a LoRA of rank {inputs.lora_rank}, in which full ended too.")
    if inputs.priority == "high_res_only":
        notes.append(f"priority high_res_only: trained at up to {base.train_resolution} px, what this base draws best.")
    return recipe, notes


def map_rate(inputs: FinetuneInputs, base: BaseDescription, usual: float) -> float:
    """Return the learning rate that does here what the given one did there.

    Rates of full finetunes are ten times smaller than those of the LoRA that stands for it. A small base needs rates
    that would ruin a large one: there the ratio to the usual rate counts.
    """
    asked = inputs.learning_rate or USUAL_RATE[inputs.finetune_type]
    ratio = asked / USUAL_RATE[inputs.finetune_type]
    if base.is_small:
        return float(f"{usual * min(max(ratio, RATE_RANGE[0]), RATE_RANGE[1]):.3g}")
    return float(f"{ratio * USUAL_RATE['lora']:.3g}")


def _unpacked(text: str) -> IO[bytes]:
    """Return the ZIP behind base64 text, with or without the head of a data URL.

    Decoded piece by piece into a file that leaves memory when it is large: the text is a hundred megabytes already.
    Characters that are not of base64 are passed over, as most decoders do.
    """
    comma = text.find(",", 0, 200)
    rest = b""
    archive = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by the caller
    try:
        for start in range(comma + 1 if text.startswith("data:") else 0, len(text), _CHUNK):
            piece = rest + text[start : start + _CHUNK].encode("ascii").translate(None, _NO_BASE64)
            whole = len(piece) - len(piece) % 4
            archive.write(base64.b64decode(piece[:whole]))
            rest = piece[whole:]
        base64.b64decode(rest)
    except (binascii.Error, ValueError) as error:
        archive.close()
        raise RequestRefused("It is not base64.", field="file_data", technical=str(error)) from error
    archive.seek(0)
    if not looks_like_zip(archive.read(4)):
        archive.close()
        raise RequestRefused("It is not a ZIP.", field="file_data")
    archive.seek(0)
    return archive


def _nothing_usable(report: UploadReport) -> RequestRefused:
    reasons = "; ".join(f"{each.name}: {each.reason}" for each in report.refused[:3])
    return RequestRefused(
        f"The ZIP holds no image that can be used.{' ' + reasons if reasons else ''}",
        action="Pack JPEG, PNG or WebP images.",
        field="file_data",
    )


def _about_images(inputs: FinetuneInputs, report: UploadReport) -> list[str]:
    notes = list(report.notes)
    bare = sum(1 for image in report.added if not image.caption)
    if inputs.captioning and bare:
        notes.append(
            f"captioning: {bare} of {len(report.added)} images have no .txt and learn from the trigger word alone; "
            "no captions are written here."
        )
    notes += [f"Left out: {each.name}. {each.reason}" for each in report.refused[:SHOWN_REFUSALS]]
    if report.duplicates:
        notes.append(f"Left out as duplicates: {', '.join(report.duplicates[:SHOWN_REFUSALS])}.")
    return notes


def _described(finetune: Finetune) -> dict[str, Any]:
    """Return a finetune of the studio in BFL's words."""
    return {
        "finetune_comment": finetune.name,
        "trigger_word": finetune.trigger_word,
        "mode": finetune.mode,
        "finetune_type": "full" if finetune.recipe.method == "full" else "lora",
        "lora_rank": finetune.recipe.rank,
        "iterations": finetune.recipe.steps,
        "learning_rate": finetune.recipe.learning_rate,
        "priority": next(key for key, value in QUALITY.items() if value == finetune.quality),
    }


def _described_model(model: Model) -> dict[str, Any]:
    """Return a model whose training is not known here, in the same words; what nobody knows is null."""
    return {
        "finetune_comment": model.name,
        "trigger_word": model.trigger_word,
        "mode": model.mode,
        **dict.fromkeys(("finetune_type", "lora_rank", "iterations", "learning_rate", "priority")),
        "finetune_id": model.finetune_id or model.id,
        "timestamp": model.created_at.isoformat(),
        "state": "succeeded",
        "base": model.base,
        "model_id": model.id,
        "notes": [],
    }


def _state_of(finetune: Finetune, row: ContractTaskRow | None) -> dict[str, Any]:
    """Return what has become of it; what was really trained stands here where it differs from what was asked."""
    notes: Sequence[str] = row.details.get("notes", []) if row else []
    return {
        "finetune_id": finetune.id,
        "timestamp": finetune.created_at.isoformat(),
        "state": finetune.state,
        "step": finetune.step,
        "base": finetune.base,
        "model_id": finetune.model_id,
        "image_count": finetune.image_count,
        "trained_with": {"learning_rate": finetune.recipe.learning_rate, "method": finetune.recipe.method},
        "notes": list(notes),
    }


def _deleted(finetune_id: str, message: str) -> DeleteFinetuneResponse:
    return DeleteFinetuneResponse(
        status="success", message=message, deleted_finetune_id=finetune_id, timestamp=now().isoformat()
    )
