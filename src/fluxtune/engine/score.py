"""How much a finetune moved its samples towards the training images: one number, and how it comes about.

Method. Every image is encoded by the base's own VAE into tokens, the patches the transformer works on (16 x 16 pixels),
without their places. The distance of an image from the training images is the mean distance of its tokens to the
nearest of theirs: is what is seen here seen anywhere there?
`gain` = 1 - distance of the finetuned samples / distance of the base's samples, for the same prompts, those with the
trigger word, and the same seeds. 0: they came no closer. 1: every patch is one of a training image's.

What it is not: a judgement of beauty, or of obedience to the prompt. A model that only repeats its training images
scores high. Look at the sample sheet.
"""

from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel

from fluxtune.core.errors import InvalidInput, NotFound
from fluxtune.engine.bases import BaseDescription, require_base
from fluxtune.engine.captions import fill_trigger, has_trigger
from fluxtune.engine.data.snapshot import read_pixels
from fluxtune.engine.flux.family import functions_of
from fluxtune.engine.flux.load import load_image_pipeline
from fluxtune.engine.recipes import prompts_for
from fluxtune.engine.runfolder import RunFolder
from fluxtune.engine.runtime import Device


class Score(BaseModel):
    """Distances are in units of normalised latents; smaller is closer."""

    gain: float
    base_distance: float
    finetuned_distance: float
    step: int
    sample_count: int


def score_run(path: Path) -> Score:
    """Compare the samples of a run's last sampled step, and those of the base, with its training images.

    Raises `NotFound` when there are no samples yet, `InvalidInput` when no sample prompt has the trigger word.
    """
    folder = RunFolder(path)
    config, snapshot = folder.read_config(), folder.read_snapshot()
    prompts = [fill_trigger(prompt, config.trigger_word) for prompt in prompts_for(config.mode, config.recipe)]
    rows = [i for i, prompt in enumerate(prompts) if has_trigger(prompt, config.trigger_word)]
    if not rows:
        raise InvalidInput("None of the sample prompts has the trigger word.", title="There is nothing to compare")
    step = _last_step(folder)
    base = require_base(config.base_path)
    vae = load_image_pipeline(base, Device("cpu", torch.float32)).vae
    own = torch.cat([_tokens(vae, base, folder.snapshot / image.file) for image in snapshot.images])
    base_distance, finetuned_distance = (
        distance(torch.cat([_tokens(vae, base, folder.sample_file(at, row)) for row in rows]), own) for at in (0, step)
    )
    return Score(
        gain=1 - finetuned_distance / base_distance,
        base_distance=base_distance,
        finetuned_distance=finetuned_distance,
        step=step,
        sample_count=len(rows),
    )


def distance(tokens: torch.Tensor, others: torch.Tensor) -> float:
    """Mean distance of tokens (count, channels) to the nearest of the others."""
    return float(torch.cdist(tokens, others).amin(1).mean())


def _tokens(vae: Any, base: BaseDescription, file: Path) -> torch.Tensor:
    pixels = torch.from_numpy(read_pixels(file, base.train_resolution)).unsqueeze(0)
    with torch.no_grad():
        return functions_of(base.family).encode_image(vae, pixels)[0]


def _last_step(folder: RunFolder) -> int:
    steps = [int(file.stem.split("-")[1]) for file in folder.samples.glob("step-*-0.png")]
    if not steps or not folder.sample_file(0, 0).is_file():
        raise NotFound("The run has drawn no samples.", title="There is nothing to compare")
    return max(steps)
