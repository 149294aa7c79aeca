"""Muon in 32 bits: orthogonalised momentum for matrices, AdamW for the rest.

`torch.optim.Muon` casts to bfloat16, which on a CPU without bfloat16 units makes a step more
than twenty times slower. The same Newton-Schulz iteration in float32 costs a few per cent.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """Bring all singular values of `matrix` near one, by the quintic Newton-Schulz iteration.

    The iteration is a polynomial in the small Gram matrix. For long matrices it is carried out
    on that alone and applied once at the end, which saves more than half of the work.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    if x.shape[1] >= 3 * x.shape[0]:
        gram = x @ x.T
        eye = torch.eye(len(gram))
        product = eye
        for _ in range(steps):
            factor = a * eye + b * gram + c * gram @ gram
            product = factor @ product
            gram = factor @ gram @ factor
        x = product @ x
    else:
        for _ in range(steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Muon for hidden matrices and convolutions, AdamW for everything else, one object.

    Updates are scaled as in Moonlight (arXiv 2502.16982), so that one learning rate fits both.
    """

    def __init__(self, matrices: Iterable[Tensor], others: Iterable[Tensor], lr: float,
                 weight_decay: float = 0.01, momentum: float = 0.95, other_scale: float = 1.0) -> None:  # fmt: skip
        groups = [
            {"params": list(matrices), "muon": True, "scale": 1.0},
            {"params": list(others), "muon": False, "scale": other_scale},
        ]
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "betas": (0.9, 0.99)}
        super().__init__([g for g in groups if g["params"]], defaults)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            lr = group["lr"] * group["scale"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if group["muon"]:
                    if not state:
                        state["momentum"] = torch.zeros_like(p)
                    buffer = state["momentum"]
                    buffer.lerp_(p.grad, 1 - group["momentum"])
                    update = p.grad.lerp(buffer, group["momentum"]).flatten(1)
                    rows, columns = update.shape
                    update = orthogonalise(update) * (0.2 * max(rows, columns) ** 0.5)
                    p.mul_(1 - lr * group["weight_decay"]).add_(update.view_as(p), alpha=-lr)
                else:
                    if not state:
                        state["step"] = 0
                        state["mean"] = torch.zeros_like(p)
                        state["square"] = torch.zeros_like(p)
                    state["step"] += 1
                    first, second = group["betas"]
                    state["mean"].lerp_(p.grad, 1 - first)
                    state["square"].lerp_(p.grad.square(), 1 - second)
                    mean = state["mean"] / (1 - first ** state["step"])
                    square = state["square"] / (1 - second ** state["step"])
                    if p.ndim > 1:
                        p.mul_(1 - lr * group["weight_decay"])
                    p.addcdiv_(mean, square.sqrt() + 1e-8, value=-lr)


def split_parameters(model: nn.Module, not_muon: tuple[str, ...] = ()) -> tuple[list[Tensor], list[Tensor]]:
    """Which parameters of `model` Muon takes: matrices, except those whose name holds `not_muon`."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        hidden = p.ndim >= 2 and min(p.shape[0], p[0].numel()) > 4
        (matrices if hidden and not any(part in name for part in not_muon) else others).append(p)
    return matrices, others
