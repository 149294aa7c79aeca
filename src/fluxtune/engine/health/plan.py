"""What a check draws: which prompts, seeds, checkpoints and strengths."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.captions import fill_trigger, has_trigger
from fluxtune.engine.config import RunConfig
from fluxtune.engine.flux.adapters import file_sha256
from fluxtune.engine.recipes import PROMPTS, prompts_for

MAX_PROMPTS = 4
SEEDS = 2
SHEET_CHECKPOINTS = 2
SHEET_PROMPTS = 2
"""Rows of the sheet of strengths with the trigger word, and without it: as few as say how each measure moves."""
STRENGTHS = (0.6, 0.8, 1.0, 1.2)
LARGE_SIDE = 512
"""Large bases are judged at this size: a quarter of the time of their own, and concepts show as well."""

NEUTRAL = ("a cat at the beach", "a red car at night", "a mushroom in a meadow")
"""Everyday prompts that any base can draw, the small one that ships with the package too."""


@dataclass(frozen=True)
class Checkpoint:
    """One kept checkpoint. `key` names its images: another adapter at the same step has other images."""

    step: int
    adapter: Path
    sha256: str

    @property
    def key(self) -> str:
        """The beginning of its images' names."""
        return f"step-{self.step:06d}-{self.sha256[:8]}"


@dataclass(frozen=True)
class Plan:
    """All that is drawn."""

    prompts: list[str]
    neutral: list[str]
    seeds: list[int]
    checkpoints: list[Checkpoint]
    width: int
    height: int
    strengths: Sequence[float] = STRENGTHS

    @property
    def neutral_seeds(self) -> list[int]:
        """The seeds of prompts without the trigger word."""
        return self.seeds[:1]

    @property
    def sheet_prompts(self) -> list[str]:
        """The rows of the sheet of strengths: some prompts with the trigger word, then some without."""
        return [*self.prompts[:SHEET_PROMPTS], *self.sheet_neutral]

    @property
    def sheet_neutral(self) -> list[str]:
        """Its rows without the trigger word."""
        return self.neutral[:SHEET_PROMPTS]

    @property
    def grid_count(self) -> int:
        """How many images a checkpoint is judged by."""
        return len(self.prompts) * len(self.seeds) + len(self.neutral) * len(self.neutral_seeds)

    @property
    def image_count(self) -> int:
        """How many images a whole check draws."""
        sheets = min(SHEET_CHECKPOINTS, len(self.checkpoints)) * sum(strength != 1 for strength in self.strengths)
        return self.grid_count * (1 + len(self.checkpoints)) + sheets * len(self.sheet_prompts)


def plan_for(run: Path, config: RunConfig, base: BaseDescription) -> Plan:
    """Plan the check of a run folder. Prompts are the run's own samples' that have the trigger word."""
    recipe, word = config.recipe, config.trigger_word
    own = [fill_trigger(prompt, word) for prompt in (*prompts_for(config.mode, recipe), *PROMPTS[config.mode])]
    with_word = [prompt for prompt in dict.fromkeys(own) if has_trigger(prompt, word) or not word]
    limit = max(base.default_width, base.default_height) if base.is_small else min(LARGE_SIDE, recipe.resolution)
    return Plan(
        prompts=[prompt for prompt in with_word if prompt][:MAX_PROMPTS],
        neutral=list(NEUTRAL) if word else [],
        seeds=[(recipe.sample_seed + offset) % 2**32 for offset in range(SEEDS)],
        checkpoints=find_checkpoints(run),
        width=min(base.default_width, limit),
        height=min(base.default_height, limit),
    )


def find_checkpoints(run: Path) -> list[Checkpoint]:
    """Return the kept checkpoints of a run, oldest first."""
    found = []
    for folder in sorted((run / "checkpoints").glob("step-*")):
        adapter = folder / "adapter.safetensors"
        if adapter.is_file():
            found.append(Checkpoint(int(folder.name.split("-")[1]), adapter, file_sha256(adapter)))
    return found
