"""Training one adapter from a run folder: read top to bottom, `Trainer.run` is the whole story."""

import contextlib
import math
import shutil
import threading
import time
from collections.abc import Iterator
from typing import Literal

import torch

from fluxtune.core.errors import DiskFull, InvalidInput, LossNotFinite
from fluxtune.engine.bases import require_base
from fluxtune.engine.captions import fill_trigger, with_trigger
from fluxtune.engine.config import Recipe
from fluxtune.engine.data.cache import Latents, Texts, cache_latents, cache_texts
from fluxtune.engine.data.order import BatchOrder
from fluxtune.engine.data.snapshot import check_snapshot
from fluxtune.engine.events import RunResult
from fluxtune.engine.flux import adapters, checkpoint
from fluxtune.engine.flux.checkpoint import Progress
from fluxtune.engine.flux.family import Conditioning, functions_of
from fluxtune.engine.flux.load import load_image_pipeline
from fluxtune.engine.flux.loss import draw_sigmas, velocity_loss
from fluxtune.engine.flux.sample import draw_image, png_bytes
from fluxtune.engine.recipes import prompts_for
from fluxtune.engine.runfolder import EventLog, RunFolder, write_atomic
from fluxtune.engine.runtime import (
    Device,
    as_fluxtune_error,
    choose_device,
    make_deterministic,
    memory_bytes,
    peak_memory_bytes,
)

HEARTBEAT_SECONDS = 2.0
RECENT = 50  # steps averaged into a result's final loss

Reason = Literal["stop", "cancel", "pause", "shutdown"]


class Interrupted(Exception):
    """The run was asked to end early."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason)


class Trainer:
    """One run, from its folder. Everything said goes to the event log; everything made goes into the folder."""

    def __init__(self, folder: RunFolder, log: EventLog) -> None:
        self.folder = folder
        self.log = log
        self.config = folder.read_config()
        self.recipe: Recipe = self.config.recipe
        self.snapshot = folder.read_snapshot()
        self.base = require_base(self.config.base_path)
        self.family = functions_of(self.base.family)
        self.device: Device = choose_device(self.recipe.precision)
        self.prompts = [
            fill_trigger(prompt, self.config.trigger_word) for prompt in prompts_for(self.config.mode, self.recipe)
        ]
        self.captions = [with_trigger(image.caption, self.config.trigger_word) for image in self.snapshot.images]
        self.progress = Progress()
        self.doing = "starting"
        self.phase = ""
        self.saved_step = 0
        self.seconds_per_step = 0.0
        self.seconds_per_sample = 0.0
        self.counted_at = time.perf_counter()
        self.is_shutting_down = False

    def run(self) -> None:
        """Train to the end, or to where the user or the system says stop; write the terminal event.

        Success, stop, pause, cancellation and a full disk return; anything else is written as `run.failed` and raised
        as an error of `core.errors`.
        """
        try:
            with self._heartbeat():
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

    def _train(self) -> None:
        check_snapshot(self.folder.snapshot, self.snapshot)
        self._start()
        self.texts = self._prepare_texts()
        self._load_base()
        self.images = self._prepare_images()
        self._attach_adapter()
        self._restore()
        try:
            self._draw_samples(0)
            self._draw_samples(self.progress.step)  # those that a crash has cut off
            while self.progress.step < self.recipe.steps:
                self._check_requests()
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

    # Preparing

    def _start(self) -> None:
        make_deterministic(self.recipe.seed)
        found = checkpoint.newest_checkpoint(self.folder.checkpoints)
        self.resume_from = found[0] if found else None
        if found:
            self.progress = found[1]
            self.saved_step = self.progress.step
            self._check_same_run(found[1])
            torch.set_num_threads(self.progress.thread_count)
        self.progress.base_fingerprint = self.base.fingerprint
        self.progress.snapshot_hash = self.snapshot.hash
        self.progress.thread_count = torch.get_num_threads()
        self.log.write(
            "run.started",
            steps=self.recipe.steps,
            resumed_from=self.progress.step if found else None,
            device=self.device.name,
            image_count=len(self.snapshot.images),
        )
        self._phase("loading")

    def _check_same_run(self, saved: Progress) -> None:
        for what, was, now in (
            ("The base", saved.base_fingerprint, self.base.fingerprint),
            ("The dataset", saved.snapshot_hash, self.snapshot.hash),
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
        texts = cache_texts(
            self.folder.cache, wanted, self.base, self.family, self.device, lambda d, t: self._phase("caching", d, t)
        )
        for text in texts.too_long:
            self._say("warning", f"Longer than the {self.base.max_prompt_tokens} tokens the base reads; "
                      f"the end is left out: {text[:120]}")  # fmt: skip
        return texts

    def _load_base(self) -> None:
        self.doing = "loading the base"
        self._phase("loading")
        self.pipe = load_image_pipeline(self.base, self.device)
        self.transformer = self.pipe.transformer

    def _prepare_images(self) -> list[Latents]:
        self.doing = "encoding the images"
        return cache_latents(
            self.folder.cache, self.folder.snapshot, self.snapshot, self.pipe, self.base, self.family, self.device,
            self.recipe.resolution, self.recipe.flip, lambda d, t: self._phase("caching", d, t),
        )  # fmt: skip

    def _attach_adapter(self) -> None:
        self.doing = "preparing the adapter"
        torch.manual_seed(self.recipe.seed)  # whatever loading has drawn
        self.layers = adapters.attach(self.transformer, self.recipe)
        self.parameters = [parameter for _, parameter in adapters.adapter_parameters(self.transformer)]
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=self.recipe.learning_rate,
            weight_decay=self.recipe.weight_decay,
            fused=self.device.name in ("cpu", "cuda"),
        )
        self.draws = torch.Generator().manual_seed(self.recipe.seed)
        self.order = BatchOrder([image.grid for image in self.images], self.recipe.batch_size)
        self.ids_of: dict[tuple[int, int], dict[str, torch.Tensor]] = {}
        if self._wants_gradient_checkpointing():
            self.transformer.enable_gradient_checkpointing()
        self.transformer.train()

    def _wants_gradient_checkpointing(self) -> bool:
        choice = self.recipe.gradient_checkpointing
        if choice == "auto" and self.device.is_cuda:
            return torch.cuda.get_device_properties(0).total_memory < 2.5 * self.base.transformer_bytes
        return choice == "on"

    def _restore(self) -> None:
        if self.resume_from is None:
            return
        self.doing = "reading the checkpoint"
        adapters.restore(self.transformer, self.resume_from / "adapter.safetensors")
        checkpoint.restore_checkpoint(self.resume_from, self.optimizer, self.draws)
        self.order.restore(self.progress.order)

    # Training

    def _step_and_save(self) -> None:
        self.doing = "training"
        if self.phase != "training":
            self._phase("training", self.progress.step, self.recipe.steps)
        started = time.perf_counter()
        loss, norm = self.train_step()
        seconds = time.perf_counter() - started
        self.seconds_per_step = 0.9 * self.seconds_per_step + 0.1 * seconds if self.seconds_per_step else seconds
        self.progress.step += 1
        self.progress.step_seconds += seconds
        self.progress.recent_losses = [*self.progress.recent_losses, loss][-RECENT:]
        self._report_progress(loss, norm)
        step = self.progress.step
        if step % self.recipe.checkpoint_every == 0 or step == self.recipe.steps:
            self._save_checkpoint()
        if self.recipe.sample_every and step % self.recipe.sample_every == 0:
            self._draw_samples(step)

    def train_step(self) -> tuple[float, float]:
        """Improve the adapter once; return loss and gradient norm. Raises `LossNotFinite`."""
        rate = self.learning_rate_at(self.progress.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = 0.0
        for _ in range(self.recipe.gradient_accumulation):
            part = self.batch_loss() / self.recipe.gradient_accumulation
            part.backward()  # type: ignore[no-untyped-call]
            loss += part.item()
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self.recipe.max_grad_norm))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise LossNotFinite(f"The loss was {loss} in step {self.progress.step + 1}.")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss, norm

    def batch_loss(self) -> torch.Tensor:
        """Draw a batch, noise levels and noise, and return the loss. All draws are made on the CPU."""
        indexes = self.order.next_batch(self.draws)
        latents = torch.stack([self._draw_side(self.images[index]) for index in indexes])
        grid = self.images[indexes[0]].grid
        sampling = self.base.train_timestep_sampling
        sigmas = draw_sigmas(sampling, len(indexes), latents.shape[1], self.family, self.draws)
        noise = torch.randn(latents.shape, generator=self.draws)
        conditioning = self._draw_captions(indexes)
        device, dtype = self.device.name, self.device.dtype
        with torch.autocast(device, dtype, enabled=dtype != torch.float32):
            return velocity_loss(
                self.family,
                self.transformer,
                latents.to(device, dtype),
                noise.to(device, dtype),
                sigmas.to(device),
                {name: tensor.to(device, dtype) for name, tensor in conditioning.items()},
                self._ids(grid),
            )

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of a step (0 is the first): warm-up, then the schedule."""
        recipe = self.recipe
        if step < recipe.warmup_steps:
            return recipe.learning_rate * (step + 1) / recipe.warmup_steps
        if recipe.schedule == "constant":
            return recipe.learning_rate
        done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
        return recipe.learning_rate * (1 - done if recipe.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2)

    def _draw_side(self, image: Latents) -> torch.Tensor:
        if len(image.tokens) == 1:
            return image.tokens[0]
        return image.tokens[int(torch.randint(2, (1,), generator=self.draws))]

    def _draw_captions(self, indexes: list[int]) -> Conditioning:
        is_dropped = torch.rand(len(indexes), generator=self.draws) < self.recipe.caption_dropout
        texts = ["" if dropped else self.captions[i] for i, dropped in zip(indexes, is_dropped.tolist(), strict=True)]
        encoded = [self.texts.encoded[text] for text in texts]
        return {name: torch.cat([one[name] for one in encoded]) for name in encoded[0]}

    def _ids(self, grid: tuple[int, int]) -> dict[str, torch.Tensor]:
        if grid not in self.ids_of:
            length = self.texts.encoded[""]["embeds"].shape[1]
            self.ids_of[grid] = self.family.position_ids(grid, length, self.device.name)
        return self.ids_of[grid]

    # Sampling

    def _draw_samples(self, step: int, is_last: bool = False) -> None:
        """Draw the samples of a step that are not there yet; step 0 is the base without the adapter."""
        every = self.recipe.sample_every
        if not every or not (is_last or step % every == 0):
            return
        missing = [index for index in range(len(self.prompts)) if (step, index) not in self.log.sampled]
        for done, index in enumerate(missing):
            self.doing = "drawing samples"
            self._phase("sampling" if step else "sampling base", done, len(missing))
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
                on_step=lambda _: self._check_requests(),
            )
        file = self.folder.sample_file(step, index)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, png_bytes(image))
        relative = str(file.relative_to(self.folder.path))
        self.log.write("run.sampled", step=step, index=index, prompt=prompt, file=relative, seed=seed)

    @contextlib.contextmanager
    def _for_sampling(self, with_adapter: bool) -> Iterator[None]:
        self.transformer.eval()
        if not with_adapter:
            self.transformer.disable_adapters()
        try:
            with torch.autocast(self.device.name, self.device.dtype, enabled=self.device.dtype != torch.float32):
                yield
        finally:
            if not with_adapter:
                self.transformer.enable_adapters()
            self.transformer.train()

    # Saving and ending

    def _save_checkpoint(self) -> None:
        if self.saved_step == self.progress.step:
            return
        self.doing = "saving a checkpoint"
        self.progress.order = self.order.state()
        self._count_seconds()
        folder = checkpoint.save_checkpoint(
            self.folder.checkpoints, self.progress, self._adapter_bytes(), self.optimizer, self.draws
        )
        checkpoint.prune(self.folder.checkpoints, self.recipe.keep_checkpoints)
        self.saved_step = self.progress.step
        self.log.write(
            "run.checkpointed",
            step=self.saved_step,
            folder=str(folder.relative_to(self.folder.path)),
            byte_count=checkpoint.byte_count(folder),
        )

    def _adapter_bytes(self, dtype: torch.dtype = torch.float32) -> bytes:
        metadata = adapters.metadata_for(self.config, self.base, self.snapshot.hash, self.layers, self.progress.step)
        return adapters.adapter_bytes(self.transformer, metadata, dtype)

    def _finish(self) -> None:
        """Write the result. All of it may be repeated after a crash, and comes out the same."""
        self._save_checkpoint()
        self._draw_samples(self.progress.step, is_last=True)
        self.doing = "saving the result"
        self._phase("saving")
        write_atomic(self.folder.adapter, self._adapter_bytes(self.device.dtype))
        self._count_seconds()
        progress, losses = self.progress, self.progress.recent_losses
        result = RunResult(
            step=progress.step,
            steps=self.recipe.steps,
            seconds=progress.seconds,
            seconds_per_step=progress.step_seconds / max(1, progress.step),
            peak_memory_bytes=peak_memory_bytes(self.device),
            adapter_sha256=adapters.file_sha256(self.folder.adapter),
            adapter_bytes=self.folder.adapter.stat().st_size,
            final_loss=sum(losses) / max(1, len(losses)),
        )
        write_atomic(self.folder.result, result.model_dump_json(indent=2).encode())
        shutil.rmtree(self.folder.cache, ignore_errors=True)
        say_succeeded(self.log, result)
        self.folder.clear_requests()

    def _end_interrupted(self, reason: Reason) -> None:
        """Say how an interrupted run has ended; what could be saved is saved."""
        if reason in ("pause", "shutdown"):
            why = "user" if reason == "pause" else "shutdown"
            self.log.write("run.paused", step=self.progress.step, reason=why)
        else:  # cancelled, or stopped before anything was learned
            shutil.rmtree(self.folder.cache, ignore_errors=True)
            self.log.write("run.cancelled", step=self.progress.step)
        self.folder.clear_requests()

    # Talking

    def shut_down(self) -> None:
        """Ask the run to save and pause at the next step; safe to call from a signal handler."""
        self.is_shutting_down = True

    def _check_requests(self) -> None:
        requested = self.folder.requested()
        if requested:
            raise Interrupted(requested)
        if self.is_shutting_down:
            raise Interrupted("shutdown")

    def _phase(self, phase: str, done: int | None = None, total: int | None = None) -> None:
        self._check_requests()
        self.phase = phase
        self.log.write("run.phase", phase=phase, done=done, total=total)

    def _say(self, level: str, message: str) -> None:
        self.log.write("run.logged", level=level, message=message)

    def _report_progress(self, loss: float, norm: float) -> None:
        step, steps, every = self.progress.step, self.recipe.steps, self.recipe.sample_every
        sheets = (steps // every - step // every + bool(steps % every)) if every else 0
        samples_left = sheets * len(self.prompts)
        self.log.write(
            "run.progressed",
            step=step,
            steps=steps,
            loss=loss,
            learning_rate=self.learning_rate_at(step - 1),
            grad_norm=norm,
            seconds_per_step=self.seconds_per_step,
            eta_s=(steps - step) * self.seconds_per_step + samples_left * self.seconds_per_sample,
            memory_bytes=memory_bytes(self.device),
        )

    def _count_seconds(self) -> None:
        now = time.perf_counter()
        self.progress.seconds += now - self.counted_at
        self.counted_at = now

    @contextlib.contextmanager
    def _heartbeat(self) -> Iterator[None]:
        """Say every two seconds that the process lives, whatever it is busy with."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(HEARTBEAT_SECONDS):
                with contextlib.suppress(OSError):
                    self.log.write("run.heartbeat")

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def say_succeeded(log: EventLog, result: RunResult) -> None:
    """Write the event of a finished run."""
    is_early = result.step < result.steps
    log.write("run.succeeded", step=result.step, adapter="adapter.safetensors", stopped_early=is_early)
