"""The validation losses of a run, beside that of the untouched base, as events."""

from fluxtune.engine.flux.checkpoint import Progress
from fluxtune.engine.reporter import Reporter
from fluxtune.engine.runfolder import EventLog
from fluxtune.engine.validation import Measured
from fluxtune.engine.workbench import Workbench


class ValidationCurve:
    """Measures when the recipe wants it, and says so."""

    def __init__(self, log: EventLog, reporter: Reporter) -> None:
        self._log = log
        self._reporter = reporter

    def measure_base(self, progress: Progress, bench: Workbench) -> None:
        """Measure the untouched base, unless that is known: once in a run, before anything is learned."""
        if not bench.learner.recipe.validate_every or progress.base_loss.get("key") == bench.validator.key:
            return
        self._reporter.doing = "measuring the validation loss"
        measured = bench.validator.measure_base()
        progress.base_loss = {"key": bench.validator.key, "loss": measured.loss}
        if not progress.step:
            self._say(progress, bench, measured)

    def measure(self, progress: Progress, bench: Workbench) -> None:
        """Measure what the run would hand out now, if it is time."""
        recipe, step = bench.learner.recipe, progress.step
        if recipe.validate_every and (step % recipe.validate_every == 0 or step == recipe.steps):
            self._reporter.doing = "measuring the validation loss"
            self._say(progress, bench, bench.validator.measure())

    def _say(self, progress: Progress, bench: Workbench, measured: Measured) -> None:
        self._log.write(
            "run.validated",
            step=progress.step,
            loss=measured.loss,
            base_loss=progress.base_loss["loss"],
            by_sigma=measured.by_sigma,
            on=bench.validator.on,
            image_count=len(bench.validator.images),
        )
