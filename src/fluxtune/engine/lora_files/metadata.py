"""What the metadata of LoRA files says, in any trainer's spelling, and what fluxtune writes into its own.

modelspec 1.0.1 (Stability AI) is read and written; `ss_` fields are kohya's. Values are strings.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from fluxtune.engine.known_bases import Family

ARCHITECTURES: dict[Family, str] = {"flux1": "flux-1-dev/lora", "flux2": "Flux.2/lora", "flux3": "Flux.3/lora"}
LONGEST_VALUE = 4_000  # recipes fit; thumbnails and the tags of whole datasets do not
LONGEST_TRIGGER = 60
TRIGGERS = ("fluxtune.trigger_word", "modelspec.trigger_phrase", "trigger_word", "trigger_words", "instance_prompt")
TITLES = ("modelspec.title", "ss_output_name", "name")
LICENCES = ("modelspec.license", "license", "licence")


@dataclass(frozen=True)
class Facts:
    """What people want to know of a model, as far as its file says it; empty where it does not."""

    title: str
    trigger_word: str
    description: str
    author: str
    licence: str
    tags: tuple[str, ...]
    steps: int


def facts_of(metadata: Mapping[str, str]) -> Facts:
    """Read a file's metadata; nothing in it is trusted to be sensible."""
    return Facts(
        title=_first(metadata, TITLES, 110),
        trigger_word=_trigger(metadata),
        description=_first(metadata, ("modelspec.description",), 2_000),
        author=_first(metadata, ("modelspec.author",), 120),
        licence=_first(metadata, LICENCES, 200),
        tags=_tags(metadata.get("modelspec.tags", "")),
        steps=_count(metadata, ("fluxtune.steps", "ss_steps", "ss_max_train_steps")),
    )


def carried(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return what of a file's metadata is kept when it is written anew: short values of known kinds."""
    kinds = ("modelspec.", "fluxtune.", "ss_")
    return {
        name: text
        for name, text in metadata.items()
        if name.startswith(kinds) and len(text) <= LONGEST_VALUE and name.isprintable() and len(name) <= 80
    }


def modelspec(
    family: Family, *, title: str, trigger_word: str, description: str, licence: str, tags: tuple[str, ...] = ()
) -> dict[str, str]:
    """Return modelspec's fields for a LoRA; those without a value are left out."""
    fields = {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": ARCHITECTURES[family],
        "modelspec.implementation": "https://github.com/huggingface/diffusers",
        "modelspec.title": title,
        "modelspec.description": description,
        "modelspec.license": licence,
        "modelspec.trigger_phrase": trigger_word,
        "modelspec.tags": ", ".join(tags),
        "modelspec.prediction_type": "flow",
    }
    return {name: text for name, text in fields.items() if text}


def _first(metadata: Mapping[str, str], names: tuple[str, ...], longest: int) -> str:
    texts = (" ".join(metadata.get(name, "").split()) for name in names)
    return next((text[:longest] for text in texts if text), "")


def _trigger(metadata: Mapping[str, str]) -> str:
    said = _first(metadata, TRIGGERS, 300).strip(" ,[]\"'")
    if said:
        first = said.split(",")[0].strip(" \"'")
        return said if len(said) <= LONGEST_TRIGGER and "," not in said else first[:LONGEST_TRIGGER]
    # ai-toolkit keeps its trigger word as the only tag of an invented dataset
    try:
        sets = json.loads(metadata.get("ss_tag_frequency", "{}"))
        tags = [tag for each in sets.values() for tag in each]
    except (ValueError, AttributeError, TypeError, RecursionError):
        return ""
    return tags[0].strip()[:LONGEST_TRIGGER] if len(tags) == 1 and isinstance(tags[0], str) else ""


def _tags(text: str) -> tuple[str, ...]:
    words = (word.strip().lower()[:40] for word in text[:2_000].strip("[]").replace('"', "").split(","))
    return tuple(dict.fromkeys(word for word in words if word))[:20]


def _count(metadata: Mapping[str, str], names: tuple[str, ...]) -> int:
    found = next((metadata[name] for name in names if metadata.get(name, "").isdecimal()), "0")
    return int(found) if len(found) < 9 else 0
