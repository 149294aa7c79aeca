"""Bases: folders in the diffusers layout, seen as catalogue entries."""

from datetime import UTC, datetime
from pathlib import Path

from fluxtune.config import Settings
from fluxtune.core.errors import InvalidInput, NotFound, NotReady
from fluxtune.engine.bases import BaseDescription, describe_base, find_bases, shipped_bases
from fluxtune.models.schemas import GenerationDefaults, Model


class BaseUnknown(NotFound):
    """No base has this name."""

    title = "No such base"
    action = "Choose one of the bases of the Models page."


class BaseNotReady(NotReady):
    """Part of the base is missing."""

    title = "The base is not complete"
    action = "Add what is missing to its folder, or choose another base."


def list_bases(settings: Settings) -> list[BaseDescription]:
    """Return all bases of this studio: the shipped ones, those of the data folder, those of the settings."""
    found = {base.name: base for base in find_bases([shipped_bases(), settings.paths.bases])}
    for name, folder in settings.engine.bases.items():
        try:
            base = describe_base(folder)
        except InvalidInput:
            continue  # `fluxtune doctor` names folders of the settings that hold no base
        found.setdefault(name, base.model_copy(update={"name": name}))
    return list(found.values())


def find_base(settings: Settings, name: str) -> BaseDescription | None:
    """Return a base by its name."""
    return next((base for base in list_bases(settings) if base.name == name), None)


def get_base(settings: Settings, name: str) -> BaseDescription:
    """Return a base by its name; raise BaseUnknown naming those there are."""
    bases = list_bases(settings)
    for base in bases:
        if base.name == name:
            return base
    known = ", ".join(base.name for base in bases) or "none"
    raise BaseUnknown(f"There is no base “{name[:64]}”; there are: {known}.")


def require_ready(base: BaseDescription) -> BaseDescription:
    """Return the base; raise BaseNotReady with what is missing."""
    if not base.is_ready:
        raise BaseNotReady(f"{base.title}: {base.missing or 'its weights are missing.'}")
    return base


def defaults_of(base: BaseDescription | None) -> GenerationDefaults:
    """Return what a base wants; for a base that is gone, what FLUX models commonly want."""
    if base is None:
        return GenerationDefaults(
            steps=28, guidance=4.0, width=1024, height=1024, max_width=2048, max_height=2048, max_prompt_tokens=512
        )
    return GenerationDefaults(
        steps=base.default_steps,
        guidance=base.default_guidance,
        width=base.default_width,
        height=base.default_height,
        max_width=base.max_width,
        max_height=base.max_height,
        max_prompt_tokens=base.max_prompt_tokens,
    )


def as_model(base: BaseDescription, image_count: int) -> Model:
    """Return a base as a catalogue entry; its id is its name."""
    return Model(
        id=base.name,
        name=base.title,
        kind="base",
        base=base.name,
        mode=None,
        trigger_word="",
        notes="",
        licence=base.licence,
        description=base.description,
        cover=None,
        prompts=[],
        versions=[],
        defaults=defaults_of(base),
        is_ready=base.is_ready,
        missing=base.missing,
        finetune_id=None,
        dataset_id=None,
        image_count=image_count,
        created_at=_time_of(base.path),
        deleted_at=None,
    )


def _time_of(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp((path / "model_index.json").stat().st_mtime, UTC)
    except OSError:
        return datetime.fromtimestamp(0, UTC)
