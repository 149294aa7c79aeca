"""Bases: folders in the diffusers layout, seen as catalogue entries."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fluxtune.config import Settings
from fluxtune.config.defaults import ModeDefaults
from fluxtune.core.errors import InvalidInput, NotFound, NotReady
from fluxtune.engine.bases import PICKLES, BaseDescription, describe_base, index_of, shipped_bases
from fluxtune.engine.config import Recipe
from fluxtune.engine.known_bases import DEFAULT_ON_GPU, KNOWN, KnownBase, in_hub_cache, known_base, name_in_cache
from fluxtune.engine.memory import Machine, Size, generating_memory, training_memory
from fluxtune.engine.recipes import recipe_for
from fluxtune.images.schemas import Image
from fluxtune.models.schemas import BaseEntry, BaseMemory, CommercialUse, GenerationDefaults, Model

DEFAULT_ON_CPU = "pocket"
USUAL_IMAGE_COUNT = 20
WEIGHT_SUFFIXES = {".safetensors", *PICKLES}


class BaseUnknown(NotFound):
    """No base has this name."""

    title = "No such base"
    action = "Choose one of the bases of the Models page."


class BaseNotReady(NotReady):
    """Part of the base is missing."""

    title = "The base is not complete"
    action = "Add what is missing to its folder, or choose another base."


def list_bases(settings: Settings) -> list[BaseDescription]:
    """Return all bases of this studio: shipped, in the data folder, in the settings, published ones `hf` has loaded."""
    found: dict[str, BaseDescription] = {}
    for folder in (shipped_bases(), settings.paths.bases):
        for child in (
            sorted(folder.iterdir(), key=lambda child: (child.is_file(), child.name)) if folder.is_dir() else []
        ):
            base = _describe(child)
            if base is not None:
                found.setdefault(base.name, base)
    for name, folder in settings.engine.bases.items():
        base = _describe(folder)  # `fluxtune doctor` names folders of the settings that hold no base
        if base is not None:
            found.setdefault(name, base.model_copy(update={"name": name}))
    for known in KNOWN:
        snapshot = None if known.name in found else in_hub_cache(known)
        base = _describe(snapshot) if snapshot else None
        if base is not None:
            found.setdefault(known.name, base)
    return list(found.values())


def _describe(folder: Path) -> BaseDescription | None:
    """Return what is known of a folder, or None if it holds no base."""
    if index_of(folder) is None and not _is_weight_file(folder):
        return None
    try:
        return _describe_unchanged(folder, _signature(folder))
    except InvalidInput:
        return None


def _is_weight_file(path: Path) -> bool:
    return path.suffix == ".safetensors" and path.is_file()


def _signature(folder: Path) -> tuple[tuple[str, int], ...]:
    """Return what changes whenever files come, go or are written anew in a base's folder or its parts."""
    if folder.is_file():
        # its other parts lie in a folder beside it
        watched = [path for path in (folder, folder.parent, folder.with_suffix(".json")) if path.exists()]
        return tuple((str(path), path.stat().st_mtime_ns) for path in watched)
    parts = [child for child in folder.iterdir() if child.is_dir() or child.suffix == ".json"]
    # a folder's own time tells of files that come and go, not of one that is written anew
    weights = [file for part in parts if part.is_dir() for file in part.glob("*.safetensors") if file.is_file()]
    return tuple(sorted((str(path), path.stat().st_mtime_ns) for path in (folder, *parts, *weights)))


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
    refuse_absent(settings, name)
    known = ", ".join(base.name for base in bases) or "none"
    raise BaseUnknown(f"There is no base “{name[:64]}”; there are: {known}.")


def refuse_absent(settings: Settings, name: str) -> None:
    """Raise BaseNotReady with the command that gets it when a name is that of a published base that is not here."""
    published = known_base(name)
    if published is not None:
        raise BaseNotReady(
            f"{published.title} is not on this computer.",
            title="The base is not there yet",
            action=f"{published.how_to_get(settings.paths.bases)}.",
        )


def require_ready(base: BaseDescription) -> BaseDescription:
    """Return the base; raise BaseNotReady with what is missing."""
    if not base.is_ready:
        published = known_base(base.name)
        action = f"{published.how_to_get(base.path.parent)}." if published else None
        raise BaseNotReady(f"{base.title}: {base.missing or 'its weights are missing.'}", action=action)
    return base


def usual_base(settings: Settings, device: str) -> str:
    """Return the name of the base that is chosen where nobody says otherwise, on this kind of device."""
    names = {base.name for base in list_bases(settings) if base.is_ready}
    return DEFAULT_ON_GPU if device == "cuda" and DEFAULT_ON_GPU in names else DEFAULT_ON_CPU


def list_entries(settings: Settings, machine: Machine) -> list[BaseEntry]:
    """Return the bases that are here, and after them the published ones that are not."""
    here = list_bases(settings)
    wanted = usual_base(settings, machine.device)
    entries = [_entry(base, settings, is_default=base.name == wanted) for base in here]
    entries += list(_refused_entries(settings.paths.bases, {base.path for base in here}))
    absent = [known for known in KNOWN if known.name not in {base.name for base in here}]
    return entries + [_absent_entry(known, settings.paths.bases) for known in absent]


def _entry(base: BaseDescription, settings: Settings, *, is_default: bool) -> BaseEntry:
    known = known_base(base.name)
    is_bundled = base.path.parent == shipped_bases()
    source: Any = (
        "bundled" if is_bundled else "file" if base.parts_path else "cache" if name_in_cache(base.path) else "folder"
    )
    folder = settings.paths.bases if source == "cache" else base.path.parent
    is_lacking = known is not None and not base.is_ready
    return BaseEntry(
        name=base.name,
        title=base.title,
        description=base.description,
        licence=base.licence,
        is_free_commercially=True if is_bundled else known.is_free_commercially if known else None,
        is_gated=False if is_bundled else known.is_gated if known else None,
        size_bytes=base.byte_count if base.is_ready or known is None else known.size_bytes,
        memory=_memory(base if base.is_ready or known is None else known),
        is_ready=base.is_ready,
        missing=base.missing,
        command=known.command(folder) if known and is_lacking else None,
        how_to_get=known.how_to_get(folder) if known and is_lacking else None,
        url=known.url if known else None,
        source=source,
        training=base.training,
        training_note=base.training_note,
        train_on=known.train_on if known else None,
        is_default=is_default,
    )


def _refused_entries(folder: Path, used: set[Path]) -> Iterator[BaseEntry]:
    """Yield files and folders of the bases folder that can't be bases, with the reason."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        is_weights = path.suffix in WEIGHT_SUFFIXES and path.is_file()
        if path in used or not (is_weights or index_of(path)):
            continue
        try:
            describe_base(path)
        except InvalidInput as error:
            yield BaseEntry(
                name=path.stem if is_weights else path.name,
                title=path.name,
                description="",
                licence="not stated; see where it came from",
                is_free_commercially=None,
                is_gated=None,
                size_bytes=path.stat().st_size if is_weights else 0,
                memory=BaseMemory(train_bytes=0, train_least_bytes=0, generate_bytes=0, generate_least_bytes=0),
                is_ready=False,
                missing=error.detail,
                command=None,
                how_to_get=error.action,
                url=None,
                source="file" if is_weights else "folder",
                training="no",
                training_note=None,
                train_on=None,
                is_default=False,
            )


def _absent_entry(known: KnownBase, folder: Path) -> BaseEntry:
    free = shutil.disk_usage(next(place for place in (folder, *folder.parents) if place.exists())).free
    missing = f"It is not on this computer; the download takes {known.size_bytes / 1e9:.0f} GB."
    if free < known.size_bytes:
        missing += f" Only {free / 1e9:.0f} GB of disk are free."
    return BaseEntry(
        name=known.name,
        title=known.title,
        description=known.description,
        licence=known.licence,
        is_free_commercially=known.is_free_commercially,
        is_gated=known.is_gated,
        size_bytes=known.size_bytes,
        memory=_memory(known),
        is_ready=False,
        missing=missing,
        command=known.command(folder),
        how_to_get=known.how_to_get(folder),
        url=known.url,
        source="absent",
        training=known.training,
        training_note=None,
        train_on=known.train_on,
        is_default=False,
    )


def _memory(base: Size) -> BaseMemory:
    """Return what a LoRA of rank 16 and a picture need at 1024 px, from the memory plan.

    A small base can't draw that large: of it, what its usual recipe needs, as the plan of a finetune says it.
    """
    large = Machine("cuda", 2**50, 16, 0, can_quantize=True)
    generating = generating_memory(base)
    if isinstance(base, BaseDescription) and base.is_small:
        usual = recipe_for("character", "balanced", base, USUAL_IMAGE_COUNT)
        low, high = training_memory(usual, base, large, "fp32", False, "none", False)
        return BaseMemory(
            train_bytes=round(high),
            train_least_bytes=round(low),
            generate_bytes=round(generating[1]),
            generate_least_bytes=round(generating[0]),
        )
    recipe = Recipe(resolution=1024)
    least = training_memory(recipe, base, replace(large, memory_bytes=1), "bf16", True, "int8", True)
    return BaseMemory(
        train_bytes=round(training_memory(recipe, base, large, "bf16", False, "none", False)[1]),
        train_least_bytes=round(least[1]),
        generate_bytes=round(generating[1]),
        generate_least_bytes=round(generating[0]),
    )


def defaults_of(base: BaseDescription | None, usual: ModeDefaults | None = None) -> GenerationDefaults:
    """Return what images start from: the studio's settings, then the base; one that is gone counts as a common FLUX."""
    usual = usual or ModeDefaults()
    width, height = (base.default_width, base.default_height) if base else (1024, 1024)
    most = (base.max_width, base.max_height) if base else (2048, 2048)
    own = usual.width or width, usual.height or height
    is_sized = (usual.width or usual.height) and own[0] <= most[0] and own[1] <= most[1]
    return GenerationDefaults(
        steps=usual.steps or (base.default_steps if base else 28),
        guidance=usual.guidance or (base.default_guidance if base else 4.0),
        width=width,
        height=height,
        max_width=most[0],
        max_height=most[1],
        max_prompt_tokens=base.max_prompt_tokens if base else 512,
        count=usual.count,
        finetune_strength=usual.finetune_strength,
        usual_width=own[0] if is_sized else None,
        usual_height=own[1] if is_sized else None,
    )


def as_model(base: BaseDescription, image_count: int, cover: Image | None, usual: ModeDefaults | None = None) -> Model:
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
        tags=[],
        least_strength=0,
        most_strength=0,
        data_rights="unknown",
        data_licence="",
        commercial_use=_commercial_use(base),
        provenance=None,
        training=None,
        deployment=None,
        versions=[],
        default_version_id=None,
        defaults=defaults_of(base, usual),
        is_ready=base.is_ready,
        missing=base.missing,
        finetune_id=None,
        dataset_id=None,
        image_count=image_count,
        created_at=_time_of(base.path),
        deleted_at=None,
    )


def _commercial_use(base: BaseDescription) -> CommercialUse:
    known = known_base(base.name)
    if known is None and base.path.parent != shipped_bases():
        return CommercialUse(answer="unknown", because=f"Nobody has said what its licence allows: {base.licence}.")
    is_free = known is None or known.is_free_commercially
    word = "allows" if is_free else "forbids"
    return CommercialUse(answer="yes" if is_free else "no", because=f"Its licence {word} it: {base.licence}.")


def _time_of(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp((index_of(path) or path).stat().st_mtime, UTC)
    except OSError:
        return datetime.fromtimestamp(0, UTC)
