"""Adapters in the base's own weights: what PEFT computes beside them, and the base back to the bit."""

from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from peft import LoraConfig

from fluxtune.engine.bases import describe_base
from fluxtune.engine.flux import fusing
from fluxtune.engine.flux.adapters import target_layers
from fluxtune.engine.flux.frozen import BLOCKS, freeze
from fluxtune.engine.flux.fusing import Fuser, can_fuse
from fluxtune.engine.runtime import Device

CPU = Device("cpu", torch.float32)
Weights = dict[str, torch.Tensor]


def load(base: Path) -> Any:
    transformer_class: Any = diffusers.Flux2Transformer2DModel
    return transformer_class.from_pretrained(base / "transformer").requires_grad_(False).eval()


def with_adapters(base: Path, method: str, *names: str) -> Any:
    """A transformer with adapters that have learned something, all of them off."""
    transformer = load(base)
    layers, draws = target_layers(transformer, "all"), torch.Generator().manual_seed(0)
    for name in names:
        config = LoraConfig(r=4, lora_alpha=8, target_modules=layers, use_dora=method == "dora")
        transformer.add_adapter(config, adapter_name=name)
        for key, parameter in transformer.named_parameters():
            if f".{name}" in key and ".lora_A." not in key:
                parameter.data += 0.1 * torch.randn(parameter.shape, generator=draws)
    transformer.requires_grad_(False).disable_adapters()
    return transformer


def act(transformer: Any, name: str, strength: float) -> None:
    """As diffusers' pipelines choose an adapter and its strength."""
    transformer.enable_adapters()
    transformer.set_adapters([name], [strength])


@torch.no_grad()
def answer(transformer: Any) -> torch.Tensor:
    draws = torch.Generator().manual_seed(1)
    image, text = torch.randn(1, 16, 16, generator=draws), torch.randn(1, 3, 32, generator=draws)
    rows, columns = torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")
    places = torch.stack([torch.zeros(16), rows.flatten(), columns.flatten(), torch.zeros(16)], -1)[None]
    output: torch.Tensor = transformer(
        hidden_states=image, encoder_hidden_states=text, timestep=torch.tensor([0.5]), img_ids=places,
        txt_ids=torch.zeros(1, 3, 4), return_dict=False,
    )[0]  # fmt: skip
    return output


def weights_of(transformer: Any) -> Weights:
    return {name: parameter.clone() for name, parameter in transformer.named_parameters() if ".lora_" not in name}


@pytest.mark.parametrize("method", ["lora", "dora"])
@pytest.mark.parametrize("strength", [0.6, 1.0, 1.7])
def test_a_fused_adapter_does_what_it_does_beside_the_weights(flux2: Path, method: str, strength: float) -> None:
    transformer = with_adapters(flux2, method, "one")
    base = answer(transformer)
    act(transformer, "one", strength)
    beside = answer(transformer)
    Fuser(transformer).fuse("one")
    fused = answer(transformer)
    change = (beside - base).norm()
    assert change > 0.1 * base.norm()
    assert (fused - beside).norm() < 1e-4 * change


@pytest.mark.parametrize("method", ["lora", "dora"])
def test_nothing_adds_up_and_the_base_comes_back_to_the_bit(flux2: Path, method: str) -> None:
    transformer = with_adapters(flux2, method, "one", "two")
    before, base = weights_of(transformer), answer(transformer)
    fuser = Fuser(transformer)
    seen: list[Weights] = []
    for name, strength in [("one", 0.7), *[("two", 1.3), ("one", 2.0), ("two", 0.1)] * 3, ("one", 0.7)]:
        fuser.restore()
        act(transformer, name, strength)
        fuser.fuse(name)
        seen.append(weights_of(transformer))
    assert all(torch.equal(seen[0][key], seen[-1][key]) for key in before)
    assert any(not torch.equal(seen[0][key], before[key]) for key in before)
    fuser.restore()
    fuser.restore()
    transformer.disable_adapters()
    assert all(torch.equal(value, before[key]) for key, value in weights_of(transformer).items())
    assert torch.equal(answer(transformer), base)


def test_it_is_done_where_the_weights_lie_still_and_there_is_room(flux2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = describe_base(flux2)
    large = base.model_copy(update={"is_small": False})
    transformer = load(flux2)
    monkeypatch.setattr(fusing, "free_bytes", lambda _: 1 << 40)
    assert can_fuse(transformer, base, CPU)
    assert can_fuse(transformer, large, CPU)
    monkeypatch.setattr(fusing, "free_bytes", lambda _: 1 << 30)
    assert can_fuse(transformer, base, CPU)
    assert not can_fuse(transformer, large, CPU)
    assert not can_fuse(transformer, base, Device("cuda", torch.bfloat16))  # the weights wait in main memory
    freeze(transformer, "cpu", "none", offload=True, only=BLOCKS)
    assert not can_fuse(transformer, base, CPU)
