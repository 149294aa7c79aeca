"""Frozen weights in 8 bits and in main memory: the same mathematics, less room."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fluxtune.core.errors import NotReady
from fluxtune.engine.__main__ import train
from fluxtune.engine.bases import describe_base
from fluxtune.engine.flux import frozen
from fluxtune.engine.flux.frozen import FrozenLinear, freeze
from fluxtune.engine.flux.load import load_text_pipeline
from fluxtune.engine.runfolder import RunFolder
from fluxtune.engine.runtime import Device
from tests.engine import tiny

MakeRun = Callable[..., Path]
CPU = Device("cpu", torch.float32)


def layer(bias: bool = False) -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(64, 48, bias=bias).requires_grad_(False)


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_in_main_memory_is_the_same_layer(bias: bool) -> None:
    plain = layer(bias)
    moved = FrozenLinear(plain, "cpu", "none", offload=True)
    x, y = (torch.randn(3, 64, generator=torch.Generator().manual_seed(1)).requires_grad_() for _ in range(2))
    (out, same) = plain(x), moved(y)
    assert torch.equal(out, same)
    out.square().sum().backward()
    same.square().sum().backward()
    assert x.grad is not None
    assert torch.allclose(x.grad, y.grad)  # type: ignore[arg-type]
    assert "weight" not in dict(moved.named_parameters())


@pytest.mark.parametrize(("kind", "tolerance"), [("int8", 0.02), ("fp8", 0.08)])
def test_a_layer_in_8_bits_is_nearly_the_same(kind: Any, tolerance: float) -> None:
    plain = layer().bfloat16()
    small = FrozenLinear(plain, "cpu", kind, offload=False)
    x = torch.randn(16, 64, generator=torch.Generator().manual_seed(1)).bfloat16().requires_grad_()
    out, near = plain(x), small(x)
    assert 0 < (out - near).norm() / out.norm() < tolerance
    near.sum().backward()
    assert x.grad is not None
    assert torch.allclose(x.grad, small.weight.sum(0).expand_as(x), rtol=0.05, atol=0.05)
    assert near.dtype == torch.bfloat16


def test_autograd_keeps_no_weight() -> None:
    """What the backward pass needs is fetched again: nothing of the weight's size is saved."""
    saved: list[int] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        saved.append(tensor.numel())
        return tensor

    small = FrozenLinear(layer().bfloat16(), "cpu", "int8", offload=False)
    x = torch.randn(2, 64).bfloat16().requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        small(x)
    assert sum(saved) < 64 * 48


def test_moving_and_converting_leave_it_alone() -> None:
    holder = torch.nn.Sequential(layer().bfloat16())
    assert freeze(holder, "cpu", "none", offload=True) == 1
    assert holder.to(torch.float64)[0].weight.dtype == torch.bfloat16


def test_8_bits_need_torchao(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, "can_quantize", lambda: False)
    with pytest.raises(NotReady, match="torchao"):
        freeze(torch.nn.Sequential(layer()), "cpu", "int8", offload=False)


def losses_of(run: Path) -> list[float]:
    return [event["data"]["loss"] for event in tiny.events_of(run) if event["type"] == "run.progressed"]


@pytest.mark.parametrize("checkpointing", ["on", "off"])
def test_a_run_with_blocks_in_main_memory_is_the_same_run(base: Path, make_run: MakeRun, checkpointing: str) -> None:
    settings = {"steps": 3, "sample_every": 0, "gradient_checkpointing": checkpointing}
    runs = [make_run(base, **settings), make_run(base, offload="blocks", **settings)]
    for run in runs:
        assert train(RunFolder(run)) == 0
    assert losses_of(runs[0]) == pytest.approx(losses_of(runs[1]), rel=1e-4)


@pytest.mark.parametrize("kind", ["int8", "fp8"])
def test_a_run_on_a_base_in_8_bits_learns_and_resumes(base: Path, make_run: MakeRun, kind: str) -> None:
    settings = {"steps": 4, "quantization": kind}
    plain, run = make_run(base, steps=4, sample_every=0), make_run(base, sample_every=4, **settings)
    for folder in (plain, run):
        assert train(RunFolder(folder)) == 0
    assert losses_of(run) == pytest.approx(losses_of(plain), rel=0.1)
    assert losses_of(run) != losses_of(plain)
    assert (run / "samples" / "step-000004-0.png").is_file()


def test_text_encoders_too_large_for_the_gpu_encode_the_same(base: Path) -> None:
    description = describe_base(base)
    pipe = load_text_pipeline(description, CPU)
    from fluxtune.engine.flux.family import functions_of

    family = functions_of(description.family)
    with torch.no_grad():
        before = family.encode_text(pipe, "zwx a", description)
        for part in ("text_encoder", "text_encoder_2"):
            if getattr(pipe, part, None) is not None:
                assert freeze(getattr(pipe, part), "cpu", "none", offload=True)
        after = family.encode_text(pipe, "zwx a", description)
    assert all(torch.equal(before[name], after[name]) for name in before)
