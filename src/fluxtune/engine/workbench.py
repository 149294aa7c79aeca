"""What a run works with: the base without its text encoders, encoded captions and images, and a `Learner` on them.

The trainer and the probe of a few steps both start here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.captions import fill_trigger, with_trigger, without_trigger
from fluxtune.engine.config import RunConfig, Snapshot
from fluxtune.engine.data.cache import Texts, cache_latents, cache_texts
from fluxtune.engine.flux.load import load_image_pipeline
from fluxtune.engine.learner import Learner
from fluxtune.engine.memory import require_room, resolve, settled
from fluxtune.engine.recipes import prompts_for
from fluxtune.engine.runtime import Device, machine_of
from fluxtune.engine.validation import Validator, hold_out, split


class Voice(Protocol):
    """Who is told what is being done; a run's `Reporter`, or anything with these."""

    doing: str

    def phase(self, phase: str, done: int | None = None, total: int | None = None) -> None:
        """Say what is being done, `done` of `total`; may raise to stop."""

    def say(self, level: str, message: str) -> None:
        """Put a line into the log."""


@dataclass
class Workbench:
    """Everything a step, a sample and a validation need."""

    pipe: Any
    learner: Learner
    validator: Validator
    texts: Texts
    prompts: list[str]


def prepare(
    config: RunConfig, snapshot: Snapshot, base: BaseDescription, device: Device, folder: Path, voice: Voice
) -> Workbench:
    """Encode texts and images (or read them from `folder`/cache), load the base, and attach what is trained.

    Raises `OSError` when the disk is full, `InvalidInput` for an image that can't be read, and what `voice` raises.
    """
    recipe, trigger_word = config.recipe, config.trigger_word
    captions = [with_trigger(image.caption, trigger_word) for image in snapshot.images]
    if recipe.preservation and not trigger_word.strip():
        raise InvalidInput(
            "Preservation keeps the base's images where the trigger word is not, and there is no trigger word.",
            field="preservation",
            action="Choose a trigger word, or set preservation to 0.",
        )
    plain = [without_trigger(caption, trigger_word) for caption in captions] if recipe.preservation else []
    prompts = [fill_trigger(prompt, trigger_word) for prompt in prompts_for(config.mode, recipe)]
    held_out = hold_out(snapshot, recipe.validation_images, recipe.seed)

    def report(done: int, total: int) -> None:
        voice.phase("caching", done, total)

    voice.doing = "looking for room"
    machine = machine_of(device)
    plan = resolve(recipe, base, machine)
    require_room(plan, base, machine)
    recipe = settled(recipe, plan)
    if not base.is_small:
        voice.say("info", str(plan))
    voice.doing = "encoding the captions"
    texts = cache_texts(folder / "cache", [*captions, *plain, *prompts, ""], base, device, report)
    for text in texts.too_long:
        limit = base.max_prompt_tokens
        voice.say("warning", f"Longer than the {limit} tokens the base reads, cut off: {text[:120]}")
    voice.doing = "loading the base"
    voice.phase("loading")
    pipe = load_image_pipeline(base, device, plan)
    voice.doing = "encoding the images"
    images = cache_latents(folder / "cache", folder / "snapshot", snapshot, pipe, base, device, recipe, report)
    training, measured = split(images, held_out)
    voice.doing = "preparing the adapter"
    learner = Learner(recipe, base, device, pipe.transformer, training, captions, texts.encoded, plain)
    validator = Validator(learner, measured, "held-out" if held_out else "training")
    return Workbench(pipe, learner, validator, texts, prompts)
