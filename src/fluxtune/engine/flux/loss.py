"""Flow matching: noise levels, noisy latents, and the loss."""

from typing import Any

import torch
import torch.nn.functional as F

from fluxtune.engine.bases import TimestepSampling
from fluxtune.engine.config import Recipe
from fluxtune.engine.flux.family import Conditioning, FamilyFunctions

LEAST_SIGMA = 1e-3  # diffusers' schedule of 1000 levels ends there


def sampling_of(recipe: Recipe, own: TimestepSampling) -> TimestepSampling:
    """Return how noise levels are drawn: by the base's own rule, except for what the recipe says.

    A shift of the recipe takes the place of the base's, fixed or dynamic (kohya's `discrete_flow_shift`).
    """
    changes: dict[str, Any] = {}
    if recipe.timestep_sampling != "auto":
        changes |= {"kind": recipe.timestep_sampling, "mean": 0.0, "std": 1.0}
    if recipe.timestep_shift is not None:
        changes |= {"shift": recipe.timestep_shift, "dynamic_shift": False}
    return own.model_copy(update=changes)


def draw_sigmas(
    sampling: TimestepSampling, count: int, token_count: int, family: FamilyFunctions, generator: torch.Generator
) -> torch.Tensor:
    """Draw `count` noise levels (count,) in 0.001 … 1 by the base's rule.

    They are stratified: one from each of `count` equal parts of the distribution, in random order. Each level alone
    is distributed as the rule says; a batch covers the range evenly, which takes noise out of the gradient.
    """
    places = torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)
    u = (places / count).clamp(1e-5, 1 - 1e-5)
    if sampling.kind == "logit_normal":
        u = torch.sigmoid(sampling.mean + sampling.std * torch.special.ndtri(u))
    shift = sampling.shift * (family.shift_for(token_count) if sampling.dynamic_shift else 1.0)
    return (shift * u / (1 + (shift - 1) * u)).clamp(LEAST_SIGMA, 1.0)


def mix(latents: torch.Tensor, noise: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
    """Return noisy latents: (1 - sigma) latents + sigma noise, by batch."""
    level = sigmas.view(-1, 1, 1)
    return (1.0 - level) * latents + level * noise


def velocity_losses(
    family: FamilyFunctions,
    transformer: Any,
    latents: torch.Tensor,
    noise: torch.Tensor,
    sigmas: torch.Tensor,
    conditioning: Conditioning,
    ids: dict[str, torch.Tensor],
) -> torch.Tensor:
    """Return for each image (batch,) the mean squared error of the velocity against noise - latents, in 32-bit.

    latents, noise: (batch, tokens, channels); sigmas: (batch,).
    """
    prediction = family.predict(transformer, mix(latents, noise, sigmas), sigmas, conditioning, ids)
    return F.mse_loss(prediction.float(), (noise - latents).float(), reduction="none").mean(dim=(1, 2))


def velocity_loss(*arguments: Any) -> torch.Tensor:
    """Return the mean of `velocity_losses` (same arguments)."""
    return velocity_losses(*arguments).mean()
