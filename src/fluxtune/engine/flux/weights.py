"""What a run trains: an adapter beside the frozen base (LoRA, DoRA), or the base's own weights (full)."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import torch

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.config import Recipe
from fluxtune.engine.flux import adapters
from fluxtune.engine.flux.checkpoint import copied
from fluxtune.engine.flux.extraction import extract

Tensors = dict[str, torch.Tensor]


class Weights(Protocol):
    """The trained weights, whatever the method: 32-bit parameters by name, and how they become an adapter file."""

    layers: list[str]
    """The linear layers that are changed."""
    is_adapter: bool
    """Are the trained weights themselves what the adapter's file holds?"""

    def named(self) -> dict[str, torch.nn.Parameter]:
        """Return the trained parameters under the names they have in files, always in the same order."""

    def adapter(self) -> Tensors:
        """Return the adapter that the weights amount to, as tensors by their names in its file."""

    def off(self) -> contextlib.AbstractContextManager[None]:
        """Inside, the transformer is the untouched base."""

    def handed_out(self) -> contextlib.AbstractContextManager[None]:
        """Inside, the transformer is the base with the adapter of `adapter`."""


class AdapterWeights:
    """A LoRA (Hu et al. 2021) or DoRA (Liu et al. 2024) through PEFT; it starts as no change at all."""

    is_adapter = True

    def __init__(self, transformer: Any, recipe: Recipe) -> None:
        self._transformer = transformer
        self.layers = adapters.attach(transformer, recipe)
        self._named = dict(adapters.adapter_parameters(transformer))

    def named(self) -> dict[str, torch.nn.Parameter]:
        """Return the adapter's weights under the names they have in its file."""
        return self._named

    def adapter(self) -> Tensors:
        """Return copies of the adapter's weights in main memory."""
        return {name: copied(parameter) for name, parameter in self._named.items()}

    @contextlib.contextmanager
    def off(self) -> Iterator[None]:
        """Switch the adapter off: its layers then do exactly what the base's do."""
        self._transformer.disable_adapters()
        try:
            yield
        finally:
            self._transformer.enable_adapters()

    def handed_out(self) -> contextlib.AbstractContextManager[None]:
        """Change nothing: the adapter is what is trained."""
        return contextlib.nullcontext()


class FullWeights:
    """The weights of the blocks' linear layers themselves, trained in 32-bit (BFL's `finetune_type: full`).

    Only what an adapter can hold is trained: a change of norms or biases would be lost when the adapter is extracted.
    The base's own values are kept in main memory, to extract the difference from and to go back to.
    """

    is_adapter = False

    def __init__(self, transformer: Any, recipe: Recipe) -> None:
        self.layers = adapters.target_layers(transformer, recipe.target_layers)
        self._rank = recipe.rank
        modules = dict(transformer.named_modules())
        self._named: dict[str, torch.nn.Parameter] = {}
        self._before: Tensors = {}
        for layer in self.layers:
            parameter = modules[layer].weight
            if not parameter.is_floating_point() or parameter.element_size() < 2:
                raise InvalidInput("A quantised base can't be trained itself.", field="quantization")
            self._before[layer] = parameter.detach().to("cpu", copy=True)
            parameter.data = parameter.data.float()
            parameter.requires_grad_(True)
            self._named[f"{adapters.PREFIX}{layer}.weight"] = parameter

    def named(self) -> dict[str, torch.nn.Parameter]:
        """Return the trained weights by layer."""
        return self._named

    def adapter(self) -> Tensors:
        """Extract the LoRA of the recipe's rank that comes nearest to what was learned."""
        tensors: Tensors = {}
        for layer, parameter in zip(self.layers, self._named.values(), strict=True):
            change = parameter.detach() - self._before[layer].to(parameter)
            down, up = extract(change, self._rank)
            tensors[f"{adapters.PREFIX}{layer}.lora_A.weight"] = down.to("cpu").contiguous()
            tensors[f"{adapters.PREFIX}{layer}.lora_B.weight"] = up.to("cpu").contiguous()
        return tensors

    @contextlib.contextmanager
    def off(self) -> Iterator[None]:
        """Put the base's values in place of the trained ones, and back."""
        with self._swapped({}):
            yield

    @contextlib.contextmanager
    def handed_out(self) -> Iterator[None]:
        """Put the base's values and what an adapter of the rank keeps of the change in place of the trained ones."""
        with self._swapped(self.adapter()):
            yield

    @contextlib.contextmanager
    def _swapped(self, adapter: Tensors) -> Iterator[None]:
        trained = [parameter.data for parameter in self._named.values()]
        for layer, parameter in zip(self.layers, self._named.values(), strict=True):
            values = self._before[layer].to(parameter)
            if adapter:
                name = f"{adapters.PREFIX}{layer}.lora"
                down, up = (adapter[f"{name}_{side}.weight"].to(parameter) for side in "AB")
                values = values + up @ down
            parameter.data = values
        try:
            yield
        finally:
            for parameter, values in zip(self._named.values(), trained, strict=True):
                parameter.data = values


def make_weights(transformer: Any, recipe: Recipe) -> Weights:
    """Make what the recipe's method trains. Draws from torch's global generator."""
    return FullWeights(transformer, recipe) if recipe.method == "full" else AdapterWeights(transformer, recipe)


def put(named: Mapping[str, torch.nn.Parameter], saved: Mapping[str, torch.Tensor]) -> None:
    """Put saved values into the trained parameters. Raises `InvalidInput` when they are of another run."""
    fits = saved.keys() == named.keys() and all(saved[name].shape == named[name].shape for name in named)
    if not fits:
        raise InvalidInput("The checkpoint belongs to another base or recipe.", title="The run can't be resumed")
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(saved[name])
