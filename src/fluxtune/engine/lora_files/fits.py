"""Which models a LoRA file belongs to: by family, width and blocks, and by what its metadata says."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.known_bases import KNOWN, Family, known_base
from fluxtune.engine.lora_files.reading import REFUSED, LoraFile, Reading
from fluxtune.engine.single_file import architecture_of

# Blocks for image and text apart, and together, from the published configurations.
BLOCKS: dict[str, tuple[int, int]] = {
    "flux2-klein-base-4b": (5, 20),
    "flux2-klein-4b": (5, 20),
    "flux2-klein-base-9b": (8, 24),
    "flux2-klein-9b": (8, 24),
    "flux2-dev": (8, 48),
    "flux-3-image-klein-base": (5, 28),
    "flux-3-image-klein": (5, 28),
    "flux1-dev": (19, 38),
    "flux1-schnell": (19, 38),
}
# How trainers call the bases in `ss_base_model_version`, `modelspec.architecture` and the like, squeezed.
SPELLINGS: tuple[tuple[str, str], ...] = (
    ("flux1schnell", "flux1-schnell"),
    ("flux1dev", "flux1-dev"),
    ("flux1", "flux1-dev"),
    ("flux2kleinbase4b", "flux2-klein-base-4b"),
    ("flux2klein4b", "flux2-klein-base-4b"),
    ("flux2kleinbase9b", "flux2-klein-base-9b"),
    ("flux2klein9b", "flux2-klein-base-9b"),
    ("flux2dev", "flux2-dev"),
    ("flux3imagekleinbase", "flux-3-image-klein-base"),
    ("flux3", "flux-3-image-klein-base"),
)
NAMED_IN = ("fluxtune.base", "ss_base_model_version", "modelspec.architecture", "ss_sd_model_name", "base_model")


@dataclass(frozen=True)
class Candidate:
    """A base one might have: here, or published."""

    name: str
    family: Family
    width: int
    doubles: int
    singles: int
    is_here: bool = False
    is_for_training: bool = True


@dataclass(frozen=True)
class Match:
    """A base a file fits, and how the file is read for it."""

    candidate: Candidate
    reading: Reading


def published() -> list[Candidate]:
    """Return the published models as candidates."""
    return [
        Candidate(each.name, each.family, each.hidden_size, *BLOCKS[each.name], is_for_training=each.training == "yes")
        for each in KNOWN
    ]


def candidate_of(base: BaseDescription) -> Candidate | None:
    """Return a base that is here as a candidate, or None where its shapes are not known."""
    shape = architecture_of(base.folder)
    if shape is None:
        return None
    return Candidate(
        base.name,
        shape.family,
        shape.hidden_size,
        shape.double_blocks,
        shape.single_blocks,
        is_here=base.is_ready,
        is_for_training=base.training == "yes",
    )


def matches(lora: LoraFile, here: Iterable[Candidate] = ()) -> list[Match]:
    """Return the bases a file fits, the likeliest first; raise `InvalidInput` where there is none.

    The one its metadata names comes first; then those whose blocks it covers exactly, those that are here, those one
    trains on (adapters are trained on the undistilled base and used with both).
    """
    here = list(here)
    candidates = here + [each for each in published() if each.name not in {own.name for own in here}]
    found = [
        Match(candidate, reading)
        for candidate in candidates
        for reading in lora.readings
        if (candidate.family, candidate.width) == (reading.family, reading.width)
        and reading.doubles <= candidate.doubles
        and reading.singles <= candidate.singles
    ]
    if not found:
        raise _fits_none(lora, candidates)
    named = named_base(lora.header.metadata, [each.name for each in candidates])

    def rank(match: Match) -> tuple[bool, bool, bool, bool]:
        candidate, reading = match.candidate, match.reading
        covered = all(
            count in (0, whole)
            for count, whole in ((reading.doubles, candidate.doubles), (reading.singles, candidate.singles))
        )
        return candidate.name != named, not covered, not candidate.is_here, not candidate.is_for_training

    return sorted(found, key=rank)


def named_base(metadata: dict[str, str], names: Sequence[str]) -> str | None:
    """Return the base that a file's metadata names, in whichever trainer's spelling."""
    for field in NAMED_IN:
        said = metadata.get(field, "")[:200].lower()
        if said in names:
            return said
        plain = re.sub(r"[^a-z0-9]", "", said.removesuffix("/lora"))
        found = next((name for spelling, name in SPELLINGS if spelling in plain), None)
        if found is not None:
            return found
    return None


def _fits_none(lora: LoraFile, candidates: Sequence[Candidate]) -> InvalidInput:
    titles = {"flux1": "FLUX.1", "flux2": "FLUX.2", "flux3": "FLUX.3"}
    read = lora.readings[0]
    known = {f"{titles[each.family]} {each.doubles} + {each.singles} blocks of {each.width}" for each in candidates}
    return InvalidInput(
        f"{lora.path.name} is a LoRA for {titles[read.family]} models of width {read.width} with at least "
        f"{read.doubles} + {read.singles} blocks; no base here or published is like that.",
        title=REFUSED,
        action="Add its base first (Models → Bases), or choose a LoRA made for another one.",
        technical="; ".join(sorted(known)),
    )


def title_of(name: str) -> str:
    """Return a base's title, or its name."""
    known = known_base(name)
    return known.title if known else name
