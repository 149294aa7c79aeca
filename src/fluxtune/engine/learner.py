"""The mathematics of a run: what is trained on a frozen base, its optimizer, and one step at a time."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save

from fluxtune.core.errors import LossNotFinite
from fluxtune.engine import optimizers
from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import Recipe, preserved_count
from fluxtune.engine.data.cache import Latents
from fluxtune.engine.data.order import BatchOrder
from fluxtune.engine.ema import Average
from fluxtune.engine.flux import adapters, checkpoint
from fluxtune.engine.flux.checkpoint import Files, Progress, copied
from fluxtune.engine.flux.family import Conditioning, functions_of, join, move
from fluxtune.engine.flux.loss import draw_sigmas, mix, sampling_of, velocity_losses
from fluxtune.engine.flux.weights import make_weights, put
from fluxtune.engine.runtime import Device


@dataclass
class Batch:
    """What a step looks at, in main memory: latents and noise (batch, tokens, channels), sigmas (batch,)."""

    indexes: list[int]
    latents: torch.Tensor
    noise: torch.Tensor
    sigmas: torch.Tensor
    texts: list[str]
    grid: tuple[int, int]

    def first(self, count: int) -> "Batch":
        """Return the first so many of the batch."""
        latents, noise, sigmas = (one[:count] for one in (self.latents, self.noise, self.sigmas))
        return Batch(self.indexes[:count], latents, noise, sigmas, self.texts[:count], self.grid)

    def with_(self, other: "Batch") -> "Batch":
        """Return this batch with another one of the same shape behind it."""
        pairs = ((self.latents, other.latents), (self.noise, other.noise), (self.sigmas, other.sigmas))
        latents, noise, sigmas = (torch.cat(pair) for pair in pairs)
        return Batch(self.indexes + other.indexes, latents, noise, sigmas, self.texts + other.texts, self.grid)


class Learner:
    """A transformer with what is trained on it, and all that its next step depends on.

    Everything random comes from generators whose states are saved, so that going on from a checkpoint is exact.
    """

    def __init__(
        self,
        recipe: Recipe,
        base: BaseDescription,
        device: Device,
        transformer: Any,
        images: list[Latents],
        captions: list[str],
        encoded: dict[str, Conditioning],
        plain_captions: Sequence[str] = (),
    ) -> None:
        """Captions are by the images' places in the snapshot; `encoded` holds every one of them and the empty text.

        Of the recipe's settings for the device, "auto" is taken for "off": the memory plan has settled them before.
        `plain_captions`, without the trigger word, are needed where the recipe wants preservation.
        """
        self.recipe = recipe
        self.base = base
        self.device = device
        self.family = functions_of(base.family)
        self.transformer = transformer
        self.images = images
        self.captions = captions
        self.plain_captions = list(plain_captions)
        self.encoded = encoded
        self.is_mixed = device.dtype != torch.float32
        torch.manual_seed(recipe.seed)
        self.weights = make_weights(transformer, recipe)
        self.parameters = list(self.weights.named().values())
        self.optimizer = optimizers.make_optimizer(self.parameters, recipe, device)
        self.average = Average(self.parameters, recipe.ema_decay) if recipe.ema_decay else None
        self.draws = torch.Generator().manual_seed(recipe.seed)
        self.order = BatchOrder(
            [image.grid for image in images], recipe.batch_size, [image.repeats for image in images]
        )
        self.image_losses: dict[int, list[float]] = {}
        """By place in the snapshot: the losses seen since the last checkpoint."""
        self._sampling = sampling_of(recipe, base.train_timestep_sampling)
        self._ids_of: dict[tuple[tuple[int, int], int], dict[str, torch.Tensor]] = {}
        if recipe.gradient_checkpointing == "on":
            transformer.enable_gradient_checkpointing()
        if recipe.compile == "on":
            transformer.compile_repeated_blocks()
        transformer.train()

    @property
    def layers(self) -> list[str]:
        """The layers that are changed."""
        return self.weights.layers

    def train_step(self, step: int) -> tuple[float, float]:
        """Make step `step` (0 is the first); return loss and gradient norm. Raises `LossNotFinite`."""
        optimizers.set_learning_rate(self.optimizer, self.scheduled_rate(step))
        parts, loss = self.recipe.gradient_accumulation, 0.0
        for _ in range(parts):
            batch = self.draw_batch()
            if self.recipe.preservation:
                losses, drift = self.losses_and_drift(batch)
                wanted = losses.mean() + self.recipe.preservation * drift
            else:
                losses = self.losses_of(batch)
                wanted = losses.mean()
            (wanted / parts).backward()  # type: ignore[no-untyped-call]
            seen = losses.detach().tolist()
            loss += sum(seen) / len(seen) / parts
            for index, value in zip(batch.indexes, seen, strict=True):
                self.image_losses.setdefault(self.images[index].image, []).append(value)
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self.recipe.max_grad_norm))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise LossNotFinite(f"In step {step + 1} the loss was {loss} and its gradient {norm}.")
        optimizers.step(self.optimizer, self.device)
        self.optimizer.zero_grad(set_to_none=True)
        if self.average:
            self.average.update(step + 1)
        return loss, norm

    def draw_batch(self) -> Batch:
        """Draw images of one shape, noise levels, noise, and captions. All draws are made on the CPU."""
        indexes = self.order.next_batch(self.draws)
        latents = torch.stack([self._draw_side(self.images[index]) for index in indexes])
        sigmas = draw_sigmas(self._sampling, len(indexes), latents.shape[1], self.family, self.draws)
        noise = torch.randn(latents.shape, generator=self.draws)
        is_dropped = torch.rand(len(indexes), generator=self.draws) < self.recipe.caption_dropout
        captions = [self.captions[self.images[index].image] for index in indexes]
        texts = ["" if dropped else text for text, dropped in zip(captions, is_dropped.tolist(), strict=True)]
        return Batch(indexes, latents, noise, sigmas, texts, self.images[indexes[0]].grid)

    def losses_of(self, batch: Batch) -> torch.Tensor:
        """Return the loss of each image of a batch (batch,)."""
        with self.in_format():
            return velocity_losses(self.family, self.transformer, *self._inputs(batch, batch.texts))

    def losses_and_drift(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of each image (batch,), and how far predictions without the trigger word have moved.

        Differential output preservation, as ai-toolkit does it: the same noisy latents and noise levels, the captions
        without the trigger word, and what the untouched base predicts for them as the target. A few images stand for
        the batch: the mean is the same over many steps. They go through the transformer together with the others, which
        costs less than a pass of their own.
        """
        count, few = len(batch.indexes), batch.first(preserved_count(len(batch.indexes)))
        plain = [self.plain_captions[self.images[index].image] for index in few.indexes]
        latents, noise, sigmas, conditioning, ids = self._inputs(batch.with_(few), [*batch.texts, *plain])
        noisy = mix(latents, noise, sigmas)
        with self.in_format():
            with torch.no_grad(), self.weights.off():
                told = self.conditioning(plain), self.ids(batch.grid, plain)
                kept = self.family.predict(self.transformer, noisy[count:], sigmas[count:], *told)
            predicted = self.family.predict(self.transformer, noisy, sigmas, conditioning, ids)
            errors = F.mse_loss(predicted[:count].float(), (noise - latents)[:count].float(), reduction="none")
            return errors.mean(dim=(1, 2)), F.mse_loss(predicted[count:].float(), kept.float())

    def scheduled_rate(self, step: int) -> float:
        """Return the learning rate the recipe wants at a step (0 is the first): warm-up, then the schedule."""
        recipe = self.recipe
        if step < recipe.warmup_steps:
            return recipe.learning_rate * (step + 1) / recipe.warmup_steps
        if recipe.schedule == "constant":
            return recipe.learning_rate
        done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
        return recipe.learning_rate * (1 - done if recipe.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2)

    def learning_rate_at(self, step: int) -> float:
        """Return how large the steps really are at a step, which Prodigy finds itself."""
        return optimizers.effective_rate(self.optimizer, self.scheduled_rate(step))

    def in_format(self) -> contextlib.AbstractContextManager[None]:
        """Inside, the transformer calculates in the device's number format."""
        autocast: Any = torch.autocast(self.device.name, self.device.dtype, enabled=self.is_mixed)
        return autocast  # type: ignore[no-any-return]

    @contextlib.contextmanager
    def as_result(self) -> Iterator[None]:
        """Inside, the transformer is what the run would hand out now: averaged, extracted, as the recipe says."""
        self.transformer.eval()
        try:
            with self._averaged(), self.weights.handed_out():
                yield
        finally:
            self.transformer.train()

    @contextlib.contextmanager
    def as_base(self) -> Iterator[None]:
        """Inside, the transformer is the untouched base."""
        self.transformer.eval()
        try:
            with self.weights.off():
                yield
        finally:
            self.transformer.train()

    def adapter_file(self, metadata: dict[str, str], dtype: torch.dtype = torch.float32) -> bytes:
        """Return the adapter that the run would hand out now as the content of a safetensors file."""
        with self._averaged():
            return adapters.file_bytes(self.weights.adapter(), metadata, dtype)

    def files(self, progress: Progress, metadata: dict[str, str]) -> Files:
        """Return the files of a checkpoint, with everything copied to main memory, and complete `progress`."""
        progress.order = self.order.state()
        state, progress.optimizer = optimizers.state_of(self.optimizer)
        state |= checkpoint.random_states(self.draws)
        with self._averaged():
            adapter = self.weights.adapter()
        files: dict[str, Any] = {
            "adapter.safetensors": lambda: adapters.file_bytes(adapter, metadata, torch.float32),
            "optimizer.safetensors": lambda: save(state),
        }
        if self.average or not self.weights.is_adapter:
            weights = self._weights()
            files["weights.safetensors"] = lambda: save(weights)
        return files

    def save(self, checkpoints: Path, progress: Progress, metadata: dict[str, str]) -> Path:
        """Write a checkpoint and wait for it; return its folder. Raises `OSError` when the disk is full."""
        return checkpoint.save_checkpoint(checkpoints, progress, self.files(progress, metadata))

    def restore(self, folder: Path, progress: Progress) -> list[str]:
        """Go on from a checkpoint; return what of it does not fit and was left out.

        Raises `InvalidInput` when the trained weights themselves don't fit.
        """
        left_out = []
        file = folder / "weights.safetensors"
        saved = load_file(file) if file.exists() else {}
        trained = {name.removeprefix("trained."): t for name, t in saved.items() if name.startswith("trained.")}
        put(self.weights.named(), trained or load_file(folder / "adapter.safetensors"))
        if self.average:
            averaged = [saved.get(f"average.{name}") for name in self.weights.named()]
            whole = [value for value in averaged if value is not None]
            self.average.put(whole if len(whole) == len(averaged) else [one.detach() for one in self.parameters])
        tensors = load_file(folder / "optimizer.safetensors")
        checkpoint.restore_random_states(tensors, self.draws)
        if not optimizers.restore(self.optimizer, tensors, progress.optimizer):
            left_out.append("the optimizer's state")
        if not self.order.restore(progress.order):
            left_out.append("the order of the images")
        return left_out

    def _averaged(self) -> contextlib.AbstractContextManager[None]:
        return self.average.in_place() if self.average else contextlib.nullcontext()

    def _weights(self) -> dict[str, torch.Tensor]:
        """Return copies of the trained weights and their averages under the names they have in a checkpoint."""
        named = self.weights.named()
        tensors = {f"trained.{name}": copied(value) for name, value in named.items()}
        if self.average:
            averages = zip(named, self.average.values, strict=True)
            tensors |= {f"average.{name}": copied(value) for name, value in averages}
        return tensors

    def _inputs(self, batch: Batch, texts: list[str]) -> tuple[Any, ...]:
        """Bring a batch, with other texts if need be, to the device: what `velocity_losses` takes after the model."""
        device, dtype = self.device.name, self.device.dtype
        tensors = (one.to(device, dtype) for one in (batch.latents, batch.noise, batch.sigmas))
        return *tensors, self.conditioning(texts), self.ids(batch.grid, texts)

    def conditioning(self, texts: Sequence[str]) -> Conditioning:
        """Return what the transformer is told about texts, on the device."""
        return move(join(self.encoded[text] for text in texts), self.device.name, self.device.dtype)

    def ids(self, grid: tuple[int, int], texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the position ids of a grid of image tokens with texts."""
        key = grid, max(self.encoded[text]["embeds"].shape[1] for text in texts)
        if key not in self._ids_of:
            self._ids_of[key] = self.family.position_ids(*key, self.device.name)
        return self._ids_of[key]

    def _draw_side(self, image: Latents) -> torch.Tensor:
        if len(image.tokens) == 1:
            return image.tokens[0]
        return image.tokens[int(torch.randint(2, (1,), generator=self.draws))]
