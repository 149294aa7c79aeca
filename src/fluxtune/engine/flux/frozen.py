"""Frozen layers that take less of the device's memory: weights in 8 bits, or kept in main memory, or both.

The linear layers of the transformer's blocks are replaced by `FrozenLinear`, whose weight is made when it is needed,
forward and backward, and forgotten at once. Because a frozen weight needs no gradient, the backward pass needs only
the weight itself; it is made anew there, so autograd keeps no copy of it. 8-bit weights are torchao's (int8 or fp8
e4m3 with a scale for each row).

diffusers' group offloading is not used for training: it puts a block's weights away as soon as its forward pass is
over, and the backward pass then finds them on the wrong device; and it would carry the adapter's weights along.
"""

import contextlib
from typing import Any, cast

import torch
import torch.nn.functional as F

from fluxtune.core.errors import NotReady
from fluxtune.engine.memory import Quantization, can_quantize

TIED = "lm_head"  # shares its weight with the word embeddings, and is not used
BLOCKS = ("transformer_blocks.", "single_transformer_blocks.", "mode_blocks.", "txt_mode_blocks.")


class FrozenLinear(torch.nn.Linear):
    """A linear layer whose weight is no parameter: it is fetched for each use, from 8 bits or from main memory."""

    def __init__(self, layer: torch.nn.Linear, device: str, quantization: Quantization, offload: bool) -> None:
        """`device`: where it computes. The layer's own weight is let go."""
        torch.nn.Module.__init__(self)
        self.in_features, self.out_features = layer.in_features, layer.out_features
        bias = layer.bias
        self.bias = torch.nn.Parameter(bias.detach().to(device), requires_grad=False) if bias is not None else None
        held = layer.weight.detach()
        if quantization != "none":
            held = _quantise(held.to(device), quantization)  # one layer at a time: quicker there, and there is room
        held = held.to("cpu" if offload else device)
        if offload and torch.cuda.is_available() and quantization == "none":
            held = held.pin_memory()  # so that copies to the GPU do not hold the processor up
        self._held = held
        self._device = device
        self._is_quantised = quantization != "none"

    def fetch(self, like: torch.Tensor) -> torch.Tensor:
        """Return the weight on the device and in the number format of another tensor."""
        weight: Any = self._held.to(like.device, non_blocking=True)
        if self._is_quantised:
            weight = weight.dequantize()
        return cast(torch.Tensor, weight.to(like.dtype))

    @property
    def weight(self) -> torch.Tensor:  # type: ignore[override]
        """The weight as others want to see it, on the device it computes on; a new tensor each time."""
        held: Any = self._held.to(self._device)
        return cast(torch.Tensor, held.dequantize() if self._is_quantised else held)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Apply the layer."""
        kind = input.device.type
        if torch.is_autocast_enabled(kind):
            input = input.to(torch.get_autocast_dtype(kind))
        output: torch.Tensor = _multiply(input, self)
        return output if self.bias is None else output + self.bias.to(output.dtype)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Show the weight's shape, which diffusers wants to know when it loads an adapter; never its values."""
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "weight"] = torch.empty(self.out_features, self.in_features, device="meta")

    def _apply(self, fn: Any, recurse: bool = True) -> "FrozenLinear":
        """Stay where it is when the model is moved or converted."""
        return self


class _Multiply(torch.autograd.Function):
    """Input times a weight that is fetched again for the backward pass."""

    @staticmethod
    def forward(ctx: Any, input: torch.Tensor, layer: FrozenLinear) -> torch.Tensor:
        ctx.layer = layer
        return F.linear(input, layer.fetch(input))

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (gradient,) = gradients
        return gradient @ ctx.layer.fetch(gradient), None


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _multiply(input: torch.Tensor, layer: FrozenLinear) -> torch.Tensor:
    return cast(torch.Tensor, _Multiply.apply(input, layer))  # type: ignore[no-untyped-call]


def freeze(model: Any, device: str, quantization: Quantization, offload: bool, only: tuple[str, ...] = ("",)) -> int:
    """Replace a model's linear layers whose names begin so; return how many. Raises `NotReady` without torchao."""
    if quantization != "none" and not can_quantize():
        raise NotReady(
            "8-bit weights need the Python package torchao.",
            title="The base can't be kept in 8 bits",
            action="Run: pip install 'fluxtune[local]', or set quantization to none.",
        )
    chosen = [
        name
        for name, module in model.named_modules()
        if type(module) is torch.nn.Linear and name.startswith(only) and name != TIED
    ]
    for name in chosen:
        parent, _, own = name.rpartition(".")
        place = model.get_submodule(parent)
        place._modules[own] = FrozenLinear(place._modules[own], device, quantization, offload)
    return len(chosen)


def _quantise(weight: torch.Tensor, quantization: Quantization) -> torch.Tensor:
    """Return a weight in 8 bits, as torchao's tensor."""
    with contextlib.redirect_stderr(None):  # says which of its compiled parts are for other devices
        from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig, quantize_
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    layer.weight = torch.nn.Parameter(weight, requires_grad=False)
    quantize_(layer, Int8WeightOnlyConfig() if quantization == "int8" else Float8WeightOnlyConfig())
    return layer.weight.detach()
