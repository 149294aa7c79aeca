"""Models leave the catalogue: as files in the layouts other programs read, with a card, and to BFL's service."""

import re
import tempfile
from pathlib import Path

from sqlalchemy.orm import Session

from fluxtune.config import Settings
from fluxtune.engine.known_bases import known_base
from fluxtune.engine.lora_files.convert import Target, convert
from fluxtune.engine.lora_files.keys import TITLES
from fluxtune.engine.lora_files.metadata import carried, modelspec
from fluxtune.engine.lora_files.reading import LoraFile, Reading, recognise_lora
from fluxtune.models import bases
from fluxtune.models.deployed import endpoint_choices
from fluxtune.models.schemas import Card, DeploymentPlan, LintFinding, Model
from fluxtune.models.service import ModelService, VersionFile, slug
from fluxtune.storage import Blobs

LAYOUT_NOTES: dict[Target, str] = {
    "diffusers": "diffusers and PEFT",
    "kohya": "kohya sd-scripts, ComfyUI, Forge",
    "bfl": "BFL, ComfyUI, ai-toolkit",
}
DEPLOYABLE = ("flux2-klein-base-4b", "flux2-klein-base-9b")
LARGEST_BYTES = 2 * 1024**3
LARGEST_RANK = 128
NAME_RULE = re.compile(r"[a-z0-9_-]+")


class ExportService:
    """Writes models for other programs."""

    def __init__(self, session: Session, blobs: Blobs, settings: Settings) -> None:
        self._models = ModelService(session, blobs, settings)
        self._settings = settings

    def find(self, model_id: str, version_id: str) -> tuple[Model, VersionFile]:
        """Return a model and the file of one of its versions."""
        file = self._models.get_version_file(model_id, version_id)
        return self._models.get_model(model_id), file

    def card(self, model_id: str, version_id: str, layout: Target | None = None, filename: str = "") -> Card:
        """Return the model card of a version, as Markdown with the header Hugging Face reads.

        It describes the file as it is kept or as exported in `layout`, under `filename` or its usual name.
        """
        model, file = self.find(model_id, version_id)
        lora = recognise_lora(file.path)
        name = filename or (exported_name(file, layout) if layout else file.name)
        title = TITLES[layout] if layout else lora.layout_title
        return Card(name=f"{Path(name).stem}.md", markdown=card_of(model, lora, name, title))

    def deployment(self, model_id: str, finetune_id: str) -> DeploymentPlan:
        """Check whether BFL's service takes a model, and say how to bring it there."""
        model = self._models.get_model(model_id)
        version = next((each for each in model.versions if each.id == model.default_version_id), None)
        wanted = finetune_id or slug(model.name)
        findings = [_name_finding(wanted), _base_finding(model.base)]
        if version is not None:
            file = self._models.get_version_file(model_id, version.id)
            findings += _file_findings(recognise_lora(file.path), file.path.stat().st_size)
        else:
            findings.append(_no_file(model))
        is_ready = all(each.is_ok for each in findings)
        url = f"/api/models/{model_id}/versions/{version.id}/export?layout=diffusers" if version and is_ready else None
        known = known_base(model.base)
        return DeploymentPlan(
            finetune_id=wanted,
            base=known.title if known else model.base,
            findings=findings,
            is_ready=is_ready,
            file_url=url,
            steps=_steps(model, wanted, known.title if known else model.base) if is_ready else [],
            endpoints=endpoint_choices(model.base),
        )


def write_export(settings: Settings, model: Model, file: VersionFile, layout: Target) -> VersionFile:
    """Convert a version's file into a layout, in a place of its own that the caller removes.

    Raises `InvalidInput` for what the layout can't hold. No transaction may be open: it takes a second for a large one.
    """
    lora = recognise_lora(file.path)
    reading = _reading(settings, model, lora)
    size = bases.defaults_of(bases.find_base(settings, model.base))
    metadata = {
        "modelspec.resolution": f"{size.width}x{size.height}",  # of the base, where the file doesn't say its own
        "modelspec.date": model.created_at.date().isoformat(),
        **carried(lora.header.metadata),
        **modelspec(reading.family, title=model.name, trigger_word=model.trigger_word,
                    description=model.description, licence=model.licence, tags=tuple(model.tags)),
        "fluxtune.base": model.base,
        "fluxtune.trigger_word": model.trigger_word,
        "ss_base_model_version": model.base,
        "ss_network_dim": str(lora.rank),
        "software": "fluxtune",
    }  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="export-", dir=settings.paths.models))
    name = exported_name(file, layout)
    try:
        convert(file.path, folder / name, layout, metadata, reading)
    except BaseException:
        folder.rmdir()
        raise
    return VersionFile(folder / name, name)


def exported_name(file: VersionFile, layout: Target) -> str:
    """Return the file name of a version in a layout."""
    return f"{Path(file.name).stem}-{layout}.safetensors"


def remove_export(file: VersionFile) -> None:
    """Remove what `write_export` made."""
    file.path.unlink(missing_ok=True)
    file.path.parent.rmdir()


def _reading(settings: Settings, model: Model, lora: LoraFile) -> Reading:
    """Return how the file reads for the model's base."""
    base, known = bases.find_base(settings, model.base), known_base(model.base)
    family = base.family if base else known.family if known else None
    return next((each for each in lora.readings if each.family == family), lora.readings[0])


def card_of(model: Model, lora: LoraFile, filename: str, layout_title: str) -> str:
    """Return a model card in Markdown."""
    known = known_base(model.base)
    head = ["---", "library_name: diffusers", "tags:", *(f"- {tag}" for tag in ("lora", "flux", *model.tags))]
    if known is not None:
        head.append(f"base_model: {known.repository}")
    if model.trigger_word:
        head.append(f"instance_prompt: {_quoted(model.trigger_word)}")
    text = [*head, "---", "", f"# {model.name}", ""]
    if model.description:
        text += [model.description, ""]
    rows = [
        ("Base", f"[{known.title}]({known.url})" if known else model.base),
        ("Kind", model.mode or ""),
        ("Trigger word", f"`{model.trigger_word}`" if model.trigger_word else "none"),
        ("Strength", f"{model.least_strength:g} to {model.most_strength:g}; 1 is as trained"),
        ("Rank", str(lora.rank) + (f", scale {lora.scale:g}" if lora.scale is not None else "")),
        ("Layout", layout_title),
        ("Licence of the base", model.licence),
        ("Training images", model.data_licence or model.data_rights),
        ("Commercial use", f"{model.commercial_use.answer}: {model.commercial_use.because}"),
    ]
    if model.provenance is not None:
        rows.append(("Imported from", f"{model.provenance.file} ({model.provenance.layout_title})"))
    text += ["| | |", "|---|---|", *(f"| {name} | {_cell(value)} |" for name, value in rows if value), ""]
    if model.prompts:
        text += ["## Prompts", "", *(f"- {_cell(prompt)}" for prompt in model.prompts), ""]
    if model.notes:
        text += ["## Notes", "", model.notes, ""]
    where = known.repository if known else "BASE"
    text += [
        "## Use", "", "```python", "import torch", "from diffusers import DiffusionPipeline", "",
        f'pipe = DiffusionPipeline.from_pretrained("{where}", torch_dtype=torch.bfloat16).to("cuda")',
        f'pipe.load_lora_weights(".", weight_name="{filename}")',
        f"image = pipe({_quoted((model.prompts or [model.trigger_word])[0])}).images[0]", "```", "",
    ]  # fmt: skip
    return "\n".join(text)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _quoted(text: str) -> str:
    return '"' + " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _name_finding(name: str) -> LintFinding:
    is_ok = NAME_RULE.fullmatch(name) is not None
    return LintFinding(
        name="Name",
        is_ok=is_ok,
        detail=f"“{name}” has only small letters, digits, - and _." if is_ok else f"“{name}” has other characters.",
        action=None if is_ok else "Use small letters, digits, - and _ only.",
    )


def _base_finding(name: str) -> LintFinding:
    known = known_base(name)
    title = known.title if known else name
    is_ok = name in DEPLOYABLE
    return LintFinding(
        name="Base",
        is_ok=is_ok,
        detail=f"{title} is one of the bases BFL hosts finetunes of." if is_ok else f"BFL hosts none of {title}.",
        action=None if is_ok else "Finetune FLUX.2 klein base 4B or 9B: BFL takes those.",
    )


def _no_file(model: Model) -> LintFinding:
    if model.deployment is not None:
        return LintFinding(
            name="File", is_ok=False, detail="Its weights are at BFL already, and not here.", action="Draw it there."
        )
    return LintFinding(name="File", is_ok=False, detail="A base has no adapter.", action="Choose a finetuned one.")


def _file_findings(lora: LoraFile, size: int) -> list[LintFinding]:
    rank = max(lora.ranks)
    is_16_bit = lora.dtype in ("BF16", "F16")
    found = [
        LintFinding(
            name="Names",
            is_ok=not lora.is_dora,
            detail="It is a DoRA; BFL takes LoRA." if lora.is_dora else "The tensors are named as diffusers does.",
            action="Finetune with the method LoRA." if lora.is_dora else None,
        ),
        LintFinding(name="Rank", is_ok=rank <= LARGEST_RANK, detail=f"Its rank is {rank}.",
                    action=None if rank <= LARGEST_RANK else f"Finetune with a rank of {LARGEST_RANK} or less."),
        LintFinding(name="Precision", is_ok=True, detail=f"Its weights are {lora.dtype}."
                    + ("" if is_16_bit else " 16 bits would do, at half the size."), action=None),
        LintFinding(name="Size", is_ok=size <= LARGEST_BYTES,
                    detail=f"The file has {max(size, 100_000) / 1e6:,.1f} MB.",
                    action=None if size <= LARGEST_BYTES else "Finetune with a smaller rank."),
    ]  # fmt: skip
    return found


def _steps(model: Model, finetune_id: str, base: str) -> list[str]:
    """Say what is done by hand, as BFL's documentation of LoRA inference describes it (in public beta)."""
    trigger = f"“{model.trigger_word}” as trigger phrase" if model.trigger_word else "no trigger phrase"
    other = " (BF16 only to draw with the endpoint 9b-kv-bf16)" if "9B" in base else ""
    return [
        "Sign in at dashboard.bfl.ai and open Customization → Finetunes → Add.",
        f"Choose {base} as the base and FP8 as the precision{other}, and drop the file.",
        f"Name it {finetune_id} and enter {trigger}.",
        f"Call the endpoint of the base that ends in -finetuned with finetune_id “{finetune_id}”.",
    ]
