"""Bases: folders in the diffusers layout, seen as catalogue entries."""

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from fluxtune.config import Settings
from fluxtune.core.errors import InvalidInput, NotFound, NotReady
from fluxtune.engine.bases import BaseDescription, describe_base, index_of, shipped_bases
from fluxtune.images.schemas import Image
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
    found: dict[str, BaseDescription] = {}
    for folder in (shipped_bases(), settings.paths.bases):
        for child in sorted(folder.iterdir()) if folder.is_dir() else []:
            base = _describe(child)
            if base is not None:
                found.setdefault(base.name, base)
    for name, folder in settings.engine.bases.items():
        base = _describe(folder)  # `fluxtune doctor` names folders of the settings that hold no base
        if base is not None:
            found.setdefault(name, base.model_copy(update={"name": name}))
    return list(found.values())


def _describe(folder: Path) -> BaseDescription | None:
    """Return what is known of a folder, or None if it holds no base."""
    if index_of(folder) is None:
        return None
    try:
        return _describe_unchanged(folder, _signature(folder))
    except InvalidInput:
        return None


def _signature(folder: Path) -> tuple[tuple[str, int], ...]:
    """Return what changes whenever files come, go or are written anew in a base's folder or its parts."""
    watched = [folder, *(child for child in folder.iterdir() if child.is_dir() or child.suffix == ".json")]
    return tuple(sorted((str(path), path.stat().st_mtime_ns) for path in watched))


# Describing a base hashes its JSON files, tokenizers of many megabytes among them; every list of models asks for it.
@lru_cache(maxsize=64)
def _describe_unchanged(folder: Path, _signature: tuple[tuple[str, int], ...]) -> BaseDescription:
    return describe_base(folder)


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


def as_model(base: BaseDescription, image_count: int, cover: Image | None) -> Model:
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
        cover=cover,
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
        return datetime.fromtimestamp((index_of(path) or path).stat().st_mtime, UTC)
    except OSError:
        return datetime.fromtimestamp(0, UTC)
