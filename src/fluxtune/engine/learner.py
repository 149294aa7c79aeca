"""The mathematics of a run: an adapter on a frozen base, its optimizer, and one step at a time."""

import math
from pathlib import Path
from typing import Any

import torch

from fluxtune.core.errors import LossNotFinite
from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.config import Recipe
from fluxtune.engine.data.cache import Latents
from fluxtune.engine.data.order import BatchOrder
from fluxtune.engine.flux import adapters, checkpoint
from fluxtune.engine.flux.checkpoint import Progress
from fluxtune.engine.flux.family import Conditioning, functions_of
from fluxtune.engine.flux.loss import draw_sigmas, velocity_loss
from fluxtune.engine.runtime import Device


class Learner:
    """A transformer with a fresh adapter, and all that its next step depends on.

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
    ) -> None:
        """`encoded` holds every caption and the empty text."""
        self.recipe = recipe
        self.base = base
        self.device = device
        self.family = functions_of(base.family)
        self.transformer = transformer
        self.images = images
        self.captions = captions
        self.encoded = encoded
        self.is_mixed = device.dtype != torch.float32
        torch.manual_seed(recipe.seed)
        self.layers = adapters.attach(transformer, recipe)
        self.parameters = [parameter for _, parameter in adapters.adapter_parameters(transformer)]
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            fused=device.name in ("cpu", "cuda"),
        )
        self.draws = torch.Generator().manual_seed(recipe.seed)
        self.order = BatchOrder([image.grid for image in images], recipe.batch_size)
        self._ids_of: dict[tuple[int, int], dict[str, torch.Tensor]] = {}
        if self._wants_gradient_checkpointing():
            transformer.enable_gradient_checkpointing()
        transformer.train()

    def train_step(self, step: int) -> tuple[float, float]:
        """Make step `step` (0 is the first); return loss and gradient norm. Raises `LossNotFinite`."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate_at(step)
        loss = 0.0
        for _ in range(self.recipe.gradient_accumulation):
            part = self.batch_loss() / self.recipe.gradient_accumulation
            part.backward()  # type: ignore[no-untyped-call]
            loss += part.item()
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters, self.recipe.max_grad_norm))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise LossNotFinite(f"In step {step + 1} the loss was {loss} and its gradient {norm}.")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss, norm

    def batch_loss(self) -> torch.Tensor:
        """Draw a batch, noise levels and noise, and return the loss. All draws are made on the CPU."""
        indexes = self.order.next_batch(self.draws)
        latents = torch.stack([self._draw_side(self.images[index]) for index in indexes])
        sampling = self.base.train_timestep_sampling
        sigmas = draw_sigmas(sampling, len(indexes), latents.shape[1], self.family, self.draws)
        noise = torch.randn(latents.shape, generator=self.draws)
        conditioning = self._draw_captions(indexes)
        device, dtype = self.device.name, self.device.dtype
        with torch.autocast(device, dtype, enabled=self.is_mixed):
            return velocity_loss(
                self.family,
                self.transformer,
                latents.to(device, dtype),
                noise.to(device, dtype),
                sigmas.to(device, dtype),
                {name: tensor.to(device, dtype) for name, tensor in conditioning.items()},
                self._ids(self.images[indexes[0]].grid),
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

    def adapter_file(self, metadata: dict[str, str], dtype: torch.dtype = torch.float32) -> bytes:
        """Return the adapter as the content of a safetensors file."""
        return adapters.adapter_bytes(self.transformer, metadata, dtype)

    def save(self, checkpoints: Path, progress: Progress, metadata: dict[str, str]) -> Path:
        """Write a checkpoint; return its folder. Raises `OSError` when the disk is full."""
        progress.order = self.order.state()
        adapter = self.adapter_file(metadata)
        return checkpoint.save_checkpoint(checkpoints, progress, adapter, self.optimizer, self.draws)

    def restore(self, folder: Path, progress: Progress) -> None:
        """Go on from a checkpoint. Raises `InvalidInput` when its adapter does not fit."""
        adapters.restore(self.transformer, folder / "adapter.safetensors")
        checkpoint.restore_checkpoint(folder, self.optimizer, self.draws)
        self.order.restore(progress.order)

    def _draw_side(self, image: Latents) -> torch.Tensor:
        if len(image.tokens) == 1:
            return image.tokens[0]
        return image.tokens[int(torch.randint(2, (1,), generator=self.draws))]

    def _draw_captions(self, indexes: list[int]) -> Conditioning:
        is_dropped = torch.rand(len(indexes), generator=self.draws) < self.recipe.caption_dropout
        texts = ["" if dropped else self.captions[i] for i, dropped in zip(indexes, is_dropped.tolist(), strict=True)]
        encoded = [self.encoded[text] for text in texts]
        return {name: torch.cat([one[name] for one in encoded]) for name in encoded[0]}

    def _ids(self, grid: tuple[int, int]) -> dict[str, torch.Tensor]:
        if grid not in self._ids_of:
            length = self.encoded[""]["embeds"].shape[1]
            self._ids_of[grid] = self.family.position_ids(grid, length, self.device.name)
        return self._ids_of[grid]

    def _wants_gradient_checkpointing(self) -> bool:
        choice = self.recipe.gradient_checkpointing
        if choice == "auto" and self.device.is_cuda:
            return torch.cuda.get_device_properties(0).total_memory < 2.5 * self.base.transformer_bytes
        return choice == "on"
