"""One training run, from its folder to its adapter: `Trainer.run` is the whole story."""

import contextlib
import copy
import shutil
import time
from pathlib import Path
from typing import Any

import torch

from fluxtune.core.errors import DeviceLost, DiskFull, FluxtuneError, InvalidInput
from fluxtune.engine.bases import require_base, require_trainable
from fluxtune.engine.config import Recipe
from fluxtune.engine.data.snapshot import check_snapshot
from fluxtune.engine.events import RunResult
from fluxtune.engine.flux import adapters, checkpoint
from fluxtune.engine.flux.checkpoint import Progress
from fluxtune.engine.flux.load import release
from fluxtune.engine.healing import Healer, Trouble
from fluxtune.engine.meters import device_load
from fluxtune.engine.reporter import Interrupted, Reason, Reporter, say_succeeded
from fluxtune.engine.runfolder import EventLog, RunFolder, write_atomic
from fluxtune.engine.runtime import (
    as_fluxtune_error,
    choose_device,
    make_deterministic,
    memory_bytes,
    peak_memory_bytes,
)
from fluxtune.engine.saving import Saver
from fluxtune.engine.sheets import SampleSheet
from fluxtune.engine.validation_curve import ValidationCurve
from fluxtune.engine.workbench import Workbench, prepare

SETTLED = ("gradient_checkpointing", "quantization", "offload", "compile")
RECENT = 50  # steps averaged into a result's final loss
TROUBLES: dict[str, Trouble] = {"out-of-memory": "out-of-memory", "loss-not-finite": "loss-not-finite"}  # by slug


class Trainer:
    """One run. Everything said goes to its event log; everything made goes into its folder."""

    bench: Workbench
    """What the run works with, made by `_prepare`."""

    def __init__(self, folder: RunFolder, log: EventLog) -> None:
        self.folder = folder
        self.log = log
        self.reporter = Reporter(folder, log)
        asked = folder.read_config()
        self.healer = Healer(folder, asked.recipe)
        self.config = asked.model_copy(update={"recipe": self.healer.recipe})
        self.snapshot = folder.read_snapshot()
        check_snapshot(folder.snapshot, self.snapshot)
        self.base = require_trainable(require_base(self.config.base_path))
        self.device = choose_device(self.config.recipe.precision)
        self.sheet = SampleSheet(folder, log, self.reporter, self.base)
        self.curve = ValidationCurve(log, self.reporter)
        self.progress = Progress()
        self.saver = Saver(folder.checkpoints, self.config.recipe.keep_checkpoints)
        self.saved_step = 0
        self.seconds_per_step = 0.0
        self.counted_at = time.perf_counter()
        folder.clear_requests("resume", "leave")  # meant for a process that is no more

    def run(self) -> None:
        """Train to the end, or to where the user or the system says stop; write the terminal event.

        Success, stop, pause, cancellation and a full disk return; anything else is written as `run.failed` and raised
        as an error of `core.errors`.
        """
        try:
            with self.reporter.heartbeat():
                try:
                    self._run_and_heal()
                finally:  # a checkpoint that is being written is finished, however the run ends
                    self._collect_checkpoint(is_to_wait=True)
        except Interrupted as interruption:
            self._end_interrupted(interruption.reason)
        except Exception as error:
            problem = as_fluxtune_error(error, self.reporter.doing)
            with contextlib.suppress(OSError):
                if isinstance(problem, DiskFull):
                    self.log.write("run.paused", step=self.saved_step, reason="disk-full", is_loaded=False)
                    return
                self.log.write("run.failed", error=problem.as_record())
            raise problem from error

    def _run_and_heal(self) -> None:
        """Train; when memory runs out or the loss is no number, change what helps and go on from the last checkpoint.

        Everything is loaded anew: whatever the trouble has left behind is gone with the old base.
        """
        is_first = True
        while True:
            try:
                self._prepare(is_first)
                self._train()
                return
            except Exception as error:
                problem = as_fluxtune_error(error, self.reporter.doing)
                if problem.slug not in TROUBLES:
                    raise
                if not self._heal(problem):
                    raise problem from error
            # outside the handler, so that the error no longer holds the memory that ran out
            self.__dict__.pop("bench", None)
            release()
            is_first = False

    def _heal(self, problem: FluxtuneError) -> bool:
        """Step down the ladder; say what has changed, and tell whether there was a rung left."""
        trouble, recipe = TROUBLES[problem.slug], self.config.recipe
        self._collect_checkpoint(is_to_wait=True)
        settled = self.bench.learner.recipe if hasattr(self, "bench") else None
        changes = self.healer.heal(trouble, self.reporter.doing, self.device.name, settled)
        if changes is None:
            problem.action = self.healer.advice(trouble, recipe) or problem.action
            return False
        self.config = self.config.model_copy(update={"recipe": self.healer.recipe})
        found = checkpoint.newest_checkpoint(self.folder.checkpoints)
        self.log.write(
            "run.healed",
            step=self.progress.step,
            trouble=trouble,
            message=f"{problem.detail} {self.healer.say(changes)}",
            changes=changes,
            goes_on_from=found[1].step if found else 0,
        )
        return True

    # Preparing

    def _prepare(self, is_first: bool = True) -> None:
        saved = self._start(is_first)
        config = self.config.model_copy(update={"recipe": self._as_before(self.config.recipe)})
        bench = prepare(config, self.snapshot, self.base, self.device, self.folder.path, self.reporter)
        self.bench = bench
        settings = {name: getattr(bench.learner.recipe, name) for name in SETTLED}
        self.progress.settled = {"device": self.device.name, **settings}
        self.curve.measure_base(self.progress, bench)
        if saved:
            self.reporter.doing = "reading the checkpoint"
            for what in bench.learner.restore(saved, self.progress):
                self.reporter.say("info", f"The checkpoint is of other settings; not taken over: {what}.")

    def _as_before(self, recipe: Recipe) -> Recipe:
        """Return the recipe with the answers for "auto" that the run was trained with so far on this device."""
        saved = self.progress.settled if self.progress.settled.get("device") == self.device.name else {}
        known = {name: saved[name] for name in SETTLED if name in saved and getattr(recipe, name) == "auto"}
        return recipe.model_copy(update=known)

    def _start(self, is_first: bool) -> Path | None:
        """Say where the run starts from; return the checkpoint's folder."""
        make_deterministic(self.config.recipe.seed)
        found = checkpoint.newest_checkpoint(self.folder.checkpoints)
        self.progress = found[1] if found else Progress()
        self.saved_step = self.progress.step
        if found:
            self._check_same_run()
            self._check_same_device()
            torch.set_num_threads(self.progress.thread_count)
        self.progress.run = self.config.id
        self.progress.base_fingerprint = self.base.fingerprint
        self.progress.snapshot_hash = self.snapshot.hash
        self.progress.thread_count = torch.get_num_threads()
        if is_first:
            self.log.write(
                "run.started",
                steps=self.config.recipe.steps,
                resumed_from=self.saved_step if found else None,
                device=self.device.name,
                image_count=len(self.snapshot.images),
            )
        self.reporter.phase("loading")
        return found[0] if found else None

    def _check_same_run(self) -> None:
        """Raise `InvalidInput` for a checkpoint of other things; a run begun from another's may have other images."""
        progress = self.progress
        is_of_other = self.config.started_from is not None and progress.run != self.config.id
        if is_of_other:
            progress.seconds, progress.step_seconds, progress.timed_steps = 0.0, 0.0, 0
            progress.recent_losses, progress.base_loss, progress.settled = [], {}, {}
        for what, was, now in (
            ("The base", progress.base_fingerprint, self.base.fingerprint),
            ("The dataset", progress.snapshot_hash, self.snapshot.hash),
        ):
            if was != now and not (is_of_other and what == "The dataset"):
                raise InvalidInput(
                    f"{what} is not the one this run was started with.",
                    title="The run can't be resumed",
                    action="Start a new finetune.",
                )

    def _check_same_device(self) -> None:
        """Raise `DeviceLost` where a large base was trained on a GPU that is not there any more.

        A processor would go on with it for weeks, and nobody has asked for that.
        """
        was = str(self.progress.settled.get("device", ""))
        if was.startswith("cuda") and self.device.name == "cpu" and not self.base.is_small:
            raise DeviceLost("This run was begun on a GPU, and there is none now.")

    # Training

    def _train(self) -> None:
        """Train to the end; wait where it is paused, and end where it is told to."""
        while True:
            try:
                self._train_on()
                return
            except Interrupted as interruption:
                reason = interruption.reason
            if self.progress.step and reason != "cancel":
                self._save_checkpoint()
            answer = self._wait() if reason == "pause" else reason
            if answer == "stop" and self.progress.step:
                self.folder.clear_requests()
                self._finish()
                return
            if answer is not None:
                raise Interrupted(answer)

    def _wait(self) -> Reason | None:
        """Wait, paused; return None when the run goes on, else how it ends."""
        self._count_seconds()
        try:
            self.reporter.wait(self.progress.step)
        except Interrupted as interruption:
            return interruption.reason
        finally:
            self.counted_at = time.perf_counter()
        return None

    def _train_on(self) -> None:
        recipe, step = self.config.recipe, self.progress.step
        for due in sorted({0, step}):  # the base's, and those that a crash or a pause has cut off
            if self.sheet.is_due(recipe, due):
                self.sheet.draw(self.bench, due)
        while self.progress.step < recipe.steps:
            self.reporter.check_requests()
            self._grant_wishes()
            self._step_and_save()
        self._finish()

    def _grant_wishes(self) -> None:
        """Draw samples or save a checkpoint now, where that is asked for and something has been learned."""
        step = self.progress.step
        if self.folder.wishes("save"):
            if step:
                self._save_checkpoint()
            self.folder.clear_requests("save")
        if self.folder.wishes("sample"):
            self.sheet.draw(self.bench, step)
            self.folder.clear_requests("sample")

    def _step_and_save(self) -> None:
        recipe = self.config.recipe
        if self.reporter.current != "training":
            self.reporter.phase("training", self.progress.step, recipe.steps)
        self.reporter.doing = "training"
        started = time.perf_counter()
        loss, norm = self.bench.learner.train_step(self.progress.step)
        self._count_step(loss, time.perf_counter() - started)
        self._report_progress(loss, norm)
        step = self.progress.step
        self.curve.measure(self.progress, self.bench)
        self._collect_checkpoint()
        if step % recipe.checkpoint_every == 0 or step == recipe.steps:
            self._save_checkpoint(is_to_wait=False)
        if self.sheet.is_due(recipe, step):
            self.sheet.draw(self.bench, step)

    def _count_step(self, loss: float, seconds: float) -> None:
        self.seconds_per_step = 0.9 * self.seconds_per_step + 0.1 * seconds if self.seconds_per_step else seconds
        self.progress.step += 1
        self.progress.timed_steps += 1
        self.progress.step_seconds += seconds
        self.progress.recent_losses = [*self.progress.recent_losses, loss][-RECENT:]

    def _report_progress(self, loss: float, norm: float) -> None:
        recipe, step = self.config.recipe, self.progress.step
        samples_left = self.sheet.samples_left(recipe, len(self.bench.prompts), step)
        self.log.write(
            "run.progressed",
            step=step,
            steps=recipe.steps,
            loss=loss,
            learning_rate=self.bench.learner.learning_rate_at(step - 1),
            grad_norm=norm,
            seconds_per_step=self.seconds_per_step,
            eta_s=(recipe.steps - step) * self.seconds_per_step + samples_left * self.sheet.seconds_per_sample,
            memory_bytes=memory_bytes(self.device),
            device_load=device_load(self.device),
        )

    # Saving and ending

    def _save_checkpoint(self, is_to_wait: bool = True) -> None:
        """Save this step, unless it is saved; without waiting, the disk does its work while the run goes on."""
        self._collect_checkpoint(is_to_wait=True)
        if self.saved_step != self.progress.step:
            self.reporter.doing = "saving a checkpoint"
            self._count_seconds()
            learner = self.bench.learner
            files = learner.files(self.progress, self._metadata())
            self.saver.start(copy.deepcopy(self.progress), files)
            losses = [
                {"index": image, "loss": sum(values) / len(values), "count": len(values)}
                for image, values in sorted(learner.image_losses.items())
            ]
            learner.image_losses.clear()
            self.log.write("run.image_losses", step=self.progress.step, losses=losses)
        self._collect_checkpoint(is_to_wait)

    def _collect_checkpoint(self, is_to_wait: bool = False) -> None:
        """Say that a checkpoint is there. Raises `OSError` when there was no room for it."""
        doing, self.reporter.doing = self.reporter.doing, "saving a checkpoint"
        folder = self.saver.collect(is_to_wait)
        self.reporter.doing = doing
        if folder is not None:
            self.saved_step = int(folder.name.removeprefix("step-"))
            relative, size = str(folder.relative_to(self.folder.path)), checkpoint.byte_count(folder)
            self.log.write("run.checkpointed", step=self.saved_step, folder=relative, byte_count=size)

    def _metadata(self) -> dict[str, str]:
        layers, step = self.bench.learner.layers, self.progress.step
        return adapters.metadata_for(self.config, self.base, self.snapshot.hash, layers, step)

    def _finish(self) -> None:
        """Write the result. All of it may be repeated after a crash, and comes out the same."""
        self._save_checkpoint()
        if self.config.recipe.sample_every:
            self.sheet.draw(self.bench, self.progress.step)
        self.reporter.doing = "saving the result"
        self.reporter.phase("saving")
        write_atomic(self.folder.adapter, self.bench.learner.adapter_file(self._metadata(), self.device.dtype))
        result = self._result()
        write_atomic(self.folder.result, result.model_dump_json(indent=2).encode())
        shutil.rmtree(self.folder.cache, ignore_errors=True)
        say_succeeded(self.log, result)
        self.folder.clear_requests()

    def _result(self) -> RunResult:
        self._count_seconds()
        progress, losses = self.progress, self.progress.recent_losses
        values: dict[str, Any] = {
            "step": progress.step,
            "steps": self.config.recipe.steps,
            "seconds": progress.seconds,
            "seconds_per_step": progress.step_seconds / max(1, progress.timed_steps),
            "peak_memory_bytes": peak_memory_bytes(self.device),
            "adapter_sha256": adapters.file_sha256(self.folder.adapter),
            "adapter_bytes": self.folder.adapter.stat().st_size,
            "final_loss": sum(losses) / max(1, len(losses)),
        }
        return RunResult(**values)

    def _count_seconds(self) -> None:
        now = time.perf_counter()
        self.progress.seconds += now - self.counted_at
        self.counted_at = now

    def _end_interrupted(self, reason: Reason) -> None:
        """Say how an interrupted run has ended; what could be saved is saved."""
        if reason in ("pause", "shutdown"):
            why = "user" if reason == "pause" else "shutdown"
            self.log.write("run.paused", step=self.progress.step, reason=why, is_loaded=False)
        elif reason in ("cancel", "stop"):  # cancelled, or stopped before anything was learned
            shutil.rmtree(self.folder.cache, ignore_errors=True)
            self.log.write("run.cancelled", step=self.progress.step)
        self.folder.clear_requests()
