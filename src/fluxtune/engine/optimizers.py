"""Optimizers: made from a recipe, and their state as tensors and numbers that can be saved and gone on with exactly."""

import contextlib
import io
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import torch

from fluxtune.core.errors import NotReady
from fluxtune.engine.config import Recipe
from fluxtune.engine.flux.checkpoint import copied
from fluxtune.engine.runtime import Device

MOVING = ("d", "d_max", "d_numerator", "d_denom", "d_hat", "k")  # what Prodigy keeps in its group
PACKAGES = {"adamw8bit": "torchao", "prodigy": "prodigyopt"}


def make_optimizer(parameters: list[torch.nn.Parameter], recipe: Recipe, device: Device) -> torch.optim.Optimizer:
    """Make the recipe's optimizer. Raises `NotReady` when its package is missing.

    AdamW: Loshchilov and Hutter 2019, PyTorch's fused one where there is one. AdamW with 8-bit moments: Dettmers et al.
    2022, torchao's. Prodigy: Mishchenko and Defazio 2024, by its authors, with bias correction and safeguarded warm-up
    as in diffusers' training scripts.
    """
    package = PACKAGES.get(recipe.optimizer)
    if package and find_spec(package) is None:
        raise NotReady(
            f"The optimizer {recipe.optimizer} needs the package {package}.",
            title="A package is missing",
            action=f"Run: pip install {package}, or choose the optimizer adamw.",
        )
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "adamw8bit":
        import torchao.optim

        eight_bit: Any = torchao.optim.AdamW8bit
        return eight_bit(parameters, lr=rate, weight_decay=decay)  # type: ignore[no-any-return]
    if recipe.optimizer == "prodigy":
        import prodigyopt

        with contextlib.redirect_stdout(io.StringIO()):  # it greets
            prodigy: Any = prodigyopt.Prodigy
            return prodigy(  # type: ignore[no-any-return]
                parameters, lr=rate, weight_decay=decay, use_bias_correction=True, safeguard_warmup=True
            )
    return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=device.name in ("cpu", "cuda"))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def effective_rate(optimizer: torch.optim.Optimizer, rate: float) -> float:
    """Return how large steps really are: Prodigy multiplies the rate by what it has found."""
    return rate * float(optimizer.param_groups[0].get("d", 1.0))


def step(optimizer: torch.optim.Optimizer, device: Device) -> None:
    """Make one step. torchao compiles its own, which needs a compiler; where there is none it runs as it stands."""
    is_to_compile = device.is_cuda and _has_compiler()
    if is_to_compile or not type(optimizer).__module__.startswith("torchao"):
        optimizer.step()
    else:
        with torch.compiler.set_stance("force_eager"):
            optimizer.step()


def state_of(optimizer: torch.optim.Optimizer) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return copies of the state as tensors ("optimizer.<parameter>.<part>") and as plain JSON values."""
    tensors: dict[str, torch.Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, parts in optimizer.state_dict()["state"].items():
        for part, value in parts.items():
            name = f"optimizer.{index}.{part}"
            if not isinstance(value, torch.Tensor):
                numbers[name] = value
            elif hasattr(value, "__tensor_flatten__"):  # torchao's 8-bit tensors
                inner = value.__tensor_flatten__()[0]
                tensors |= {f"{name}.{one}": copied(getattr(value, one)) for one in inner}
            else:
                tensors[name] = copied(value)
    group = optimizer.param_groups[0]
    numbers["group"] = {name: float(group[name]) for name in MOVING if name in group}
    return tensors, {"name": type(optimizer).__name__, "numbers": numbers}


def restore(optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor], values: Mapping[str, Any]) -> bool:
    """Put saved state back; return False, with nothing changed, when it is of another optimizer or other shapes."""
    if values.get("name", type(optimizer).__name__) != type(optimizer).__name__:
        return False
    numbers = dict(values.get("numbers", {}))
    group = numbers.pop("group", {})
    state = _gather(tensors, numbers)
    parameters = [parameter for one in optimizer.param_groups for parameter in one["params"]]
    if not all(index < len(parameters) and _fits(parts, parameters[index]) for index, parts in state.items()):
        return False
    own = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": own})
    for one in optimizer.param_groups:
        one |= {name: int(value) if name == "k" else value for name, value in group.items()}
    return True


def _gather(tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """Sort saved tensors and numbers by parameter and part."""
    state: dict[int, dict[str, Any]] = {}
    for name, value in [*tensors.items(), *numbers.items()]:
        if not name.startswith("optimizer."):
            continue
        _, index, part, *inner = name.split(".")
        parts = state.setdefault(int(index), {})
        if inner:
            parts.setdefault(part, {})[inner[0]] = value
        else:
            parts[part] = value
    for parts in state.values():
        for part, value in parts.items():
            if isinstance(value, dict):
                parts[part] = _eight_bit(value, is_signed=part == "exp_avg")
    return state


def _eight_bit(parts: dict[str, torch.Tensor], is_signed: bool) -> torch.Tensor:
    from torchao.optim.subclass_8bit import OptimState8bit

    make: Any = OptimState8bit
    made: torch.Tensor = make(parts["codes"], parts["scale"], parts["qmap"], is_signed)
    return made


def _fits(parts: Mapping[str, Any], parameter: torch.nn.Parameter) -> bool:
    return all(parts[name].shape == parameter.shape for name in ("exp_avg", "exp_avg_sq") if name in parts)


def _has_compiler() -> bool:
    return any(shutil.which(name) for name in ("cc", "gcc", "clang"))
