"""Adapters written into the base's own weights, so that an image with one costs what an image without one costs.

PEFT computes two more layers beside every layer, which is half as much again for a narrow transformer. Where there is
room, the weights an adapter touches are kept aside, and W + strength x (alpha / r) x BA (DoRA: that, at its learned
lengths) takes their place. Every change starts from the kept weights: nothing adds up, and the base comes back to the
bit.
"""

from typing import Any

import torch
from peft.tuners.lora import LoraLayer

from fluxtune.engine.bases import BaseDescription
from fluxtune.engine.flux.frozen import FrozenLinear
from fluxtune.engine.flux.load import free_bytes
from fluxtune.engine.memory import DECODING
from fluxtune.engine.runtime import Device

Parameters = dict[torch.nn.Parameter, tuple[torch.Tensor, torch.Tensor]]
"""Of a parameter: the tensor it had at first, and a copy of its values."""


def can_fuse(transformer: Any, base: BaseDescription, device: Device) -> bool:
    """Do the transformer's weights lie on the device as plain numbers, with room for a copy of them?"""
    if any(isinstance(module, FrozenLinear) for module in transformer.modules()):
        return False
    weights = list(transformer.parameters())
    if any(weight.device.type != torch.device(device.name).type for weight in weights):
        return False  # they come and go
    size = sum(weight.numel() * weight.element_size() for weight in weights)
    return base.is_small or free_bytes(device) > size + DECODING[1]


class Fuser:
    """Writes one adapter at a time into a transformer, and takes it out again."""

    def __init__(self, transformer: Any) -> None:
        self._transformer = transformer
        self._kept: Parameters = {}
        self._is_fused = False

    @torch.no_grad()
    def fuse(self, adapter: str) -> None:
        """Write a loaded adapter into the weights, at the strength that PEFT was told."""
        self.restore()
        self._is_fused = True
        for layer in self._layers():
            if adapter in layer.lora_A:
                self._keep(layer)
                layer.merge(adapter_names=[adapter])

    @torch.no_grad()
    def restore(self) -> None:
        """Put the base's own weights back, bit for bit. PEFT may load, delete and switch adapters only then."""
        if not self._is_fused:
            return
        for layer in self._layers():
            layer.merged_adapters.clear()
        for parameter, (own, values) in self._kept.items():
            parameter.data = own.copy_(values)
        self._is_fused = False

    def _keep(self, layer: Any) -> None:
        for parameter in layer.get_base_layer().parameters():
            if parameter not in self._kept:
                self._kept[parameter] = (parameter.data, parameter.data.clone())

    def _layers(self) -> list[Any]:
        return [module for module in self._transformer.modules() if isinstance(module, LoraLayer)]
