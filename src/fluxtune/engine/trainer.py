"""One training run, from its folder to its adapter: `Trainer.run` is the whole story."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from fluxtune.core.errors import DiskFull, InvalidInput
from fluxtune.engine.bases import require_base
from fluxtune.engine.captions import fill_trigger, with_trigger
from fluxtune.engine.data.cache import Texts, cache_latents, cache_texts
from fluxtune.engine.data.snapshot import check_snapshot
from fluxtune.engine.events import RunResult
from fluxtune.engine.flux import adapters, checkpoint
from fluxtune.engine.flux.checkpoint import Progress
from fluxtune.engine.flux.family import functions_of
from fluxtune.engine.flux.load import load_image_pipeline
from fluxtune.engine.flux.sample import draw_image, png_bytes
from fluxtune.engine.learner import Learner
from fluxtune.engine.recipes import prompts_for
from fluxtune.engine.reporter import Interrupted, Reason, Reporter, say_succeeded
from fluxtune.engine.runfolder import EventLog, RunFolder, write_atomic
from fluxtune.engine.runtime import (
    as_fluxtune_error,
    choose_device,
    make_deterministic,
    memory_bytes,
    peak_memory_bytes,
)

RECENT = 50  # steps averaged into a result's final loss


class Trainer:
    """One run. Everything said goes to its event log; everything made goes into its folder."""

    def __init__(self, folder: RunFolder, log: EventLog) -> None:
        self.folder = folder
        self.log = log
        self.reporter = Reporter(folder, log)
        self.config = folder.read_config()
        self.recipe = self.config.recipe
        self.snapshot = folder.read_snapshot()
        check_snapshot(folder.snapshot, self.snapshot)
        self.base = require_base(self.config.base_path)
        self.family = functions_of(self.base.family)
        self.device = choose_device(self.recipe.precision)
        trigger_word = self.config.trigger_word
        self.captions = [with_trigger(image.caption, trigger_word) for image in self.snapshot.images]
        self.prompts = [fill_trigger(prompt, trigger_word) for prompt in prompts_for(self.config.mode, self.recipe)]
        self.progress = Progress()
        self.saved_step = 0
        self.seconds_per_step = 0.0
        self.seconds_per_sample = 0.0
        self.counted_at = time.perf_counter()
        self.doing = "starting"

    def run(self) -> None:
        """Train to the end, or to where the user or the system says stop; write the terminal event.

        Success, stop, pause, cancellation and a full disk return; anything else is written as `run.failed` and raised
        as an error of `core.errors`.
        """
        try:
            with self.reporter.heartbeat():
                self._prepare()
                self._train()
        except Interrupted as interruption:
            self._end_interrupted(interruption.reason)
        except Exception as error:
            problem = as_fluxtune_error(error, self.doing)
            with contextlib.suppress(OSError):
                if isinstance(problem, DiskFull):
                    self.log.write("run.paused", step=self.saved_step, reason="disk-full")
                    return
                self.log.write("run.failed", error=problem.as_record())
            raise problem from error

    # Preparing

    def _prepare(self) -> None:
        saved = self._start()
        self.texts = self._prepare_texts()
        self.doing = "loading the base"
        self.reporter.phase("loading")
        self.pipe = load_image_pipeline(self.base, self.device)
        self.doing = "encoding the images"
        images = cache_latents(
            self.folder.cache,
            self.folder.snapshot,
            self.snapshot,
            self.pipe,
            self.base,
            self.device,
            self.recipe,
            self._report_caching,
        )
        self.doing = "preparing the adapter"
        self.learner = Learner(
            self.recipe, self.base, self.device, self.pipe.transformer, images, self.captions, self.texts.encoded
        )
        if saved:
            self.doing = "reading the checkpoint"
            self.learner.restore(saved, self.progress)

    def _start(self) -> Path | None:
        """Say where the run starts from; return the checkpoint's folder."""
        make_deterministic(self.recipe.seed)
        found = checkpoint.newest_checkpoint(self.folder.checkpoints)
        if found:
            self.progress = found[1]
            self.saved_step = self.progress.step
            self._check_same_run()
            torch.set_num_threads(self.progress.thread_count)
        self.progress.base_fingerprint = self.base.fingerprint
        self.progress.snapshot_hash = self.snapshot.hash
        self.progress.thread_count = torch.get_num_threads()
        self.log.write(
            "run.started",
            steps=self.recipe.steps,
            resumed_from=self.saved_step if found else None,
            device=self.device.name,
            image_count=len(self.snapshot.images),
        )
        self.reporter.phase("loading")
        return found[0] if found else None

    def _check_same_run(self) -> None:
        for what, was, now in (
            ("The base", self.progress.base_fingerprint, self.base.fingerprint),
            ("The dataset", self.progress.snapshot_hash, self.snapshot.hash),
        ):
            if was != now:
                raise InvalidInput(
                    f"{what} is not the one this run was started with.",
                    title="The run can't be resumed",
                    action="Start a new finetune.",
                )

    def _prepare_texts(self) -> Texts:
        self.doing = "encoding the captions"
        wanted = [*self.captions, *self.prompts, ""]
        texts = cache_texts(self.folder.cache, wanted, self.base, self.device, self._report_caching)
        for text in texts.too_long:
            limit = self.base.max_prompt_tokens
            self.reporter.say("warning", f"Longer than the {limit} tokens the base reads, cut off: {text[:120]}")
        return texts

    def _report_caching(self, done: int, total: int) -> None:
        self.reporter.phase("caching", done, total)

    # Training

    def _train(self) -> None:
        try:
            self._draw_samples(0)
            self._draw_samples(self.progress.step)  # those that a crash has cut off
            while self.progress.step < self.recipe.steps:
                self.reporter.check_requests()
                self._step_and_save()
            self._finish()
        except Interrupted as interruption:
            if not self.progress.step or interruption.reason == "cancel":
                raise
            self._save_checkpoint()
            if interruption.reason != "stop":
                raise
            self.folder.clear_requests()
            self._finish()

    def _step_and_save(self) -> None:
        if self.reporter.current != "training":
            self.reporter.phase("training", self.progress.step, self.recipe.steps)
        self.doing = "training"
        started = time.perf_counter()
        loss, norm = self.learner.train_step(self.progress.step)
        self._count_step(loss, time.perf_counter() - started)
        self._report_progress(loss, norm)
        step = self.progress.step
        if step % self.recipe.checkpoint_every == 0 or step == self.recipe.steps:
            self._save_checkpoint()
        self._draw_samples(step)

    def _count_step(self, loss: float, seconds: float) -> None:
        self.seconds_per_step = 0.9 * self.seconds_per_step + 0.1 * seconds if self.seconds_per_step else seconds
        self.progress.step += 1
        self.progress.step_seconds += seconds
        self.progress.recent_losses = [*self.progress.recent_losses, loss][-RECENT:]

    def _report_progress(self, loss: float, norm: float) -> None:
        step, steps, every = self.progress.step, self.recipe.steps, self.recipe.sample_every
        sheets = (steps // every - step // every + bool(steps % every)) if every else 0
        samples_left = sheets * len(self.prompts)
        self.log.write(
            "run.progressed",
            step=step,
            steps=steps,
            loss=loss,
            learning_rate=self.learner.learning_rate_at(step - 1),
            grad_norm=norm,
            seconds_per_step=self.seconds_per_step,
            eta_s=(steps - step) * self.seconds_per_step + samples_left * self.seconds_per_sample,
            memory_bytes=memory_bytes(self.device),
        )

    # Sampling

    def _draw_samples(self, step: int, is_last: bool = False) -> None:
        """Draw the samples of a step that are not there yet; step 0 is the base without the adapter."""
        every = self.recipe.sample_every
        if not every or not (is_last or step % every == 0):
            return
        missing = [index for index in range(len(self.prompts)) if (step, index) not in self.log.sampled]
        for done, index in enumerate(missing):
            self.doing = "drawing samples"
            self.reporter.phase("sampling" if step else "sampling base", done, len(missing))
            started = time.perf_counter()
            self._draw_sample(step, index)
            self.seconds_per_sample = time.perf_counter() - started

    def _draw_sample(self, step: int, index: int) -> None:
        base, seed, prompt = self.base, self.recipe.sample_seed, self.prompts[index]
        limit = max(base.default_width, base.default_height) if base.is_small else self.recipe.resolution
        with self._for_sampling(with_adapter=step > 0):
            image = draw_image(
                self.pipe,
                self.family,
                self.device,
                self.texts.encoded[prompt],
                self.texts.encoded[""],
                seed=seed,
                width=min(base.default_width, limit),
                height=min(base.default_height, limit),
                steps=base.default_steps,
                guidance=base.default_guidance,
                on_step=lambda _: self.reporter.check_requests(),
            )
        file = self.folder.sample_file(step, index)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, png_bytes(image))
        relative = str(file.relative_to(self.folder.path))
        self.log.write("run.sampled", step=step, index=index, prompt=prompt, file=relative, seed=seed)

    @contextlib.contextmanager
    def _for_sampling(self, with_adapter: bool) -> Iterator[None]:
        transformer = self.pipe.transformer
        transformer.eval()
        if not with_adapter:
            transformer.disable_adapters()
        try:
            with torch.autocast(self.device.name, self.device.dtype, enabled=self.device.dtype != torch.float32):
                yield
        finally:
            if not with_adapter:
                transformer.enable_adapters()
            transformer.train()

    # Saving and ending

    def _save_checkpoint(self) -> None:
        if self.saved_step == self.progress.step:
            return
        self.doing = "saving a checkpoint"
        self._count_seconds()
        folder = self.learner.save(self.folder.checkpoints, self.progress, self._metadata())
        checkpoint.prune(self.folder.checkpoints, self.recipe.keep_checkpoints)
        self.saved_step = self.progress.step
        relative, size = str(folder.relative_to(self.folder.path)), checkpoint.byte_count(folder)
        self.log.write("run.checkpointed", step=self.saved_step, folder=relative, byte_count=size)

    def _metadata(self) -> dict[str, str]:
        layers, step = self.learner.layers, self.progress.step
        return adapters.metadata_for(self.config, self.base, self.snapshot.hash, layers, step)

    def _finish(self) -> None:
        """Write the result. All of it may be repeated after a crash, and comes out the same."""
        self._save_checkpoint()
        self._draw_samples(self.progress.step, is_last=True)
        self.doing = "saving the result"
        self.reporter.phase("saving")
        write_atomic(self.folder.adapter, self.learner.adapter_file(self._metadata(), self.device.dtype))
        result = self._result()
        write_atomic(self.folder.result, result.model_dump_json(indent=2).encode())
        shutil.rmtree(self.folder.cache, ignore_errors=True)
        say_succeeded(self.log, result)
        self.folder.clear_requests()

    def _result(self) -> RunResult:
        self._count_seconds()
        progress, losses = self.progress, self.progress.recent_losses
        return RunResult(
            step=progress.step,
            steps=self.recipe.steps,
            seconds=progress.seconds,
            seconds_per_step=progress.step_seconds / max(1, progress.step),
            peak_memory_bytes=peak_memory_bytes(self.device),
            adapter_sha256=adapters.file_sha256(self.folder.adapter),
            adapter_bytes=self.folder.adapter.stat().st_size,
            final_loss=sum(losses) / max(1, len(losses)),
        )

    def _count_seconds(self) -> None:
        now = time.perf_counter()
        self.progress.seconds += now - self.counted_at
        self.counted_at = now

    def _end_interrupted(self, reason: Reason) -> None:
        """Say how an interrupted run has ended; what could be saved is saved."""
        if reason in ("pause", "shutdown"):
            why = "user" if reason == "pause" else "shutdown"
            self.log.write("run.paused", step=self.progress.step, reason=why)
        else:  # cancelled, or stopped before anything was learned
            shutil.rmtree(self.folder.cache, ignore_errors=True)
            self.log.write("run.cancelled", step=self.progress.step)
        self.folder.clear_requests()
