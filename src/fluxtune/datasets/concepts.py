"""Sample concepts that ship with the package: images, captions and what to draw with them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fluxtune.core.errors import NotFound
from fluxtune.datasets.importer import UploadedFile, from_bytes
from fluxtune.datasets.schemas import SampleConcept

_FOLDER = Path(__file__).with_name("samples")
_IMAGES = {".png", ".jpg", ".webp"}


class SampleUnknown(NotFound):
    """No sample concept has this name."""

    title = "No such sample"
    action = "Choose one of the samples of the list."


@dataclass(frozen=True, slots=True)
class _Concept:
    facts: SampleConcept
    folder: Path


def list_concepts() -> list[SampleConcept]:
    """Return the bundled concepts, the easiest first."""
    return [concept.facts for concept in _concepts().values()]


def get_concept(name: str) -> SampleConcept:
    """Return one concept."""
    return _concept(name).facts


def read_cover(name: str) -> bytes:
    """Return the PNG that stands for a concept."""
    return _images(_concept(name).folder)[0].read_bytes()


def read_files(name: str) -> Iterator[UploadedFile]:
    """Yield a concept's images and captions as if they were uploaded."""
    for image in _images(_concept(name).folder):
        yield from_bytes(image.name, image.read_bytes())
        caption = image.with_suffix(".txt")
        if caption.is_file():
            yield from_bytes(caption.name, caption.read_bytes())


def _concept(name: str) -> _Concept:
    concept = _concepts().get(name)
    if concept is None:
        known = ", ".join(_concepts()) or "none"
        raise SampleUnknown(f"There is no sample “{name[:60]}”; there are: {known}.")
    return concept


def _images(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in _IMAGES)


@cache
def _concepts() -> dict[str, _Concept]:
    found: dict[str, _Concept] = {}
    files = sorted(_FOLDER.glob("*/sample.json")) if _FOLDER.is_dir() else []
    for file in files:
        values = json.loads(file.read_text(encoding="utf-8"))
        images = _images(file.parent)
        if not images:
            continue
        name = str(values.get("name") or file.parent.name)
        facts = SampleConcept(
            name=name,
            title=values["title"],
            mode=values["mode"],
            trigger_word=values["trigger_word"],
            description=values["description"],
            prompts=values["prompts"],
            image_count=len(images),
            cover_url=f"/api/samples/{name}/cover",
        )
        found[name] = _Concept(facts, file.parent)
    return found
