"""The sample sheet of a run: the same prompts and seed at many steps, beside the untouched base."""

import contextlib
import time

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import Recipe
from fluxtune.engine.flux.sample import draw_image, png_bytes
from fluxtune.engine.reporter import Reporter
from fluxtune.engine.runfolder import EventLog, RunFolder, write_atomic
from fluxtune.engine.workbench import Workbench


class SampleSheet:
    """Draws what is missing of the sheet, into the run's folder and its log."""

    def __init__(self, folder: RunFolder, log: EventLog, reporter: Reporter, base: BaseDescription) -> None:
        self._folder = folder
        self._log = log
        self._reporter = reporter
        self._base = base
        self.seconds_per_sample = 0.0

    def is_due(self, recipe: Recipe, step: int) -> bool:
        """Does the recipe want samples at this step? Step 0 is the base."""
        return bool(recipe.sample_every) and (step % recipe.sample_every == 0 or step == recipe.steps)

    def samples_left(self, recipe: Recipe, prompt_count: int, step: int) -> int:
        """Count the samples that are still to come after a step."""
        steps, every = recipe.steps, recipe.sample_every
        return (steps // every - step // every + bool(steps % every)) * prompt_count if every else 0

    def draw(self, bench: Workbench, step: int) -> None:
        """Draw the samples of a step that are not there yet. Raises what the reporter's requests raise."""
        missing = [index for index in range(len(bench.prompts)) if (step, index) not in self._log.sampled]
        for done, index in enumerate(missing):
            self._reporter.doing = "drawing samples"
            self._reporter.phase("sampling" if step else "sampling base", done, len(missing))
            started = time.perf_counter()
            self._draw_one(bench, step, index)
            self.seconds_per_sample = time.perf_counter() - started

    def _draw_one(self, bench: Workbench, step: int, index: int) -> None:
        learner, base, prompt = bench.learner, self._base, bench.prompts[index]
        recipe = learner.recipe
        limit = max(base.default_width, base.default_height) if base.is_small else recipe.resolution
        with contextlib.ExitStack() as stack:
            stack.enter_context(learner.as_result() if step else learner.as_base())
            stack.enter_context(learner.in_format())
            image = draw_image(
                bench.pipe,
                learner.family,
                learner.device,
                bench.texts.encoded[prompt],
                bench.texts.encoded[""],
                seed=recipe.sample_seed,
                width=min(base.default_width, limit),
                height=min(base.default_height, limit),
                steps=base.default_steps,
                guidance=base.default_guidance,
                on_step=lambda _: self._reporter.check_requests(),
            )
        file = self._folder.sample_file(step, index)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, png_bytes(image))
        relative = str(file.relative_to(self._folder.path))
        self._log.write("run.sampled", step=step, index=index, prompt=prompt, file=relative, seed=recipe.sample_seed)
