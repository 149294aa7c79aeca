"""A LoRA out of a full finetune: the singular value decomposition of what has changed."""

import torch

CLAMP_QUANTILE = 0.99
EXACT_UP_TO = 1024  # shorter side; above that the randomised decomposition is many times faster
SPARE_RANK, ROUNDS = 16, 4


def extract(change: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return `lora_A` (rank, in) and `lora_B` (out, rank) whose product comes nearest to a change (out, in).

    As kohya's `networks/extract_lora_from_models.py` does it: truncated SVD, the singular values multiplied into B,
    and both matrices clamped at the 0.99 quantile of their values' sizes, which takes single outliers out. Large
    matrices are decomposed by the randomised method (Halko et al. 2009) with a fixed seed. The scale is 1 (alpha equal
    to the rank); where the matrix has fewer than `rank` singular values, the rest is zero.
    """
    change = change.float()
    count = min(rank, *change.shape)
    if min(change.shape) <= EXACT_UP_TO:
        left, values, right = torch.linalg.svd(change, full_matrices=False)
    else:
        with torch.random.fork_rng(devices=[change.device] if change.is_cuda else []):
            torch.manual_seed(0)
            left, values, columns = torch.svd_lowrank(change, q=min(*change.shape, count + SPARE_RANK), niter=ROUNDS)
        right = columns.T
    up, down = left[:, :count] * values[:count], right[:count]
    up, down = _clamped(up, down)
    missing = rank - count
    return torch.nn.functional.pad(down, (0, 0, 0, missing)), torch.nn.functional.pad(up, (0, missing))


def _clamped(up: torch.Tensor, down: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Clamp both at the quantile of all their values together, as kohya does."""
    values = torch.cat([up.flatten(), down.flatten()])
    limit = float(torch.kthvalue(values, max(1, int(CLAMP_QUANTILE * values.numel()))).values)
    return up.clamp(-limit, limit), down.clamp(-limit, limit)
