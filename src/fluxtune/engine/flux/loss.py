"""Flow matching: noise levels, noisy latents, and the loss."""

from typing import Any

import torch
import torch.nn.functional as F

from fluxtune.engine.bases import TimestepSampling
from fluxtune.engine.flux.family import Conditioning, FamilyFunctions

LEAST_SIGMA = 1e-3  # diffusers' schedule of 1000 levels ends there


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


def velocity_loss(
    family: FamilyFunctions,
    transformer: Any,
    latents: torch.Tensor,
    noise: torch.Tensor,
    sigmas: torch.Tensor,
    conditioning: Conditioning,
    ids: dict[str, torch.Tensor],
) -> torch.Tensor:
    """Mean squared error of the predicted velocity against noise - latents, in 32-bit.

    latents, noise: (batch, tokens, channels); sigmas: (batch,).
    """
    level = sigmas.view(-1, 1, 1)
    noisy = (1.0 - level) * latents + level * noise
    prediction = family.predict(transformer, noisy, sigmas, conditioning, ids)
    return F.mse_loss(prediction.float(), (noise - latents).float())
