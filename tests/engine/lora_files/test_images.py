"""A LoRA draws the same image whatever layout it has been through: the figures may agree and a name still be wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fluxtune.engine.bases import shipped_bases
from fluxtune.engine.config import GenerationRequest
from fluxtune.engine.generator import Generator
from fluxtune.engine.lora_files.convert import Target, convert
from fluxtune.engine.lora_files.reading import recognise_lora
from tests.engine.lora_files.files import Tensors, diffusers_lora, save

POCKET = shipped_bases() / "pocket"
RANK = 4
Draw = Callable[[Path, Path | None], bytes]


@pytest.fixture(scope="module")
def resident() -> Generator:
    """One generator for all tests, so that a base is loaded once."""
    return Generator(lambda type_, /, **data: None)


@pytest.fixture
def draw(resident: Generator, tmp_path: Path) -> Draw:
    """Draw one small image in two steps."""
    count = 0

    def draw_one(base: Path, adapter: Path | None) -> bytes:
        nonlocal count
        count += 1
        request = GenerationRequest(
            id=f"r{count}", base=base.name, base_path=base, adapter_path=adapter, prompt="a zubo",
            finetune_strength=1.0, seeds=[3], width=64, height=64, steps=2, guidance=2.0,
            out_dir=tmp_path / f"out-{count}",
        )  # fmt: skip
        resident.generate(request)
        return (request.out_dir / "0.png").read_bytes()

    return draw_one


def small(tensors: Tensors) -> Tensors:
    """Make a random LoRA gentle enough that images still differ by what it does, in the format trainers keep."""
    return {name: (tensor * 0.05).bfloat16() for name, tensor in tensors.items()}


def half(tensors: Tensors) -> dict[str, Any]:
    """Return the metadata diffusers writes beside a LoRA whose alpha is half its rank."""
    stems = {name.removeprefix("transformer.").partition(".lora_")[0] for name in tensors}
    values = {"r": RANK, "lora_alpha": RANK // 2, "target_modules": sorted(stems)}
    return {"lora_adapter_metadata": {f"transformer.{key}": value for key, value in values.items()}}


def through(source: Path, *layouts: Target) -> Path:
    """Write a file anew in each layout in turn."""
    for number, layout in enumerate(layouts):
        target = source.with_name(f"{number}-{layout}-{source.name}")
        convert(source, target, layout, {})
        assert recognise_lora(target).layout == layout
        source = target
    return source


@pytest.mark.parametrize("layout", ["diffusers", "kohya", "bfl"])
def test_pocket_draws_the_same_after_every_layout(draw: Draw, tmp_path: Path, layout: Target) -> None:
    tensors = small(diffusers_lora("flux2", width=160, doubles=2, singles=4, rank=RANK))
    source = save(tmp_path / "a.safetensors", tensors, half(tensors))
    wanted = draw(POCKET, source)
    assert wanted != draw(POCKET, None)
    assert draw(POCKET, through(source, layout, "diffusers")) == wanted, "to the bit"


def test_pocket_draws_the_same_from_onetrainer_and_peft(draw: Draw, tmp_path: Path) -> None:
    tensors = small(diffusers_lora("flux2", width=160, doubles=2, singles=4, rank=RANK, only=".attn."))
    plain = save(tmp_path / "a.safetensors", tensors, half(tensors))
    wanted = draw(POCKET, plain)
    onetrainer: Tensors = {}
    for name, tensor in tensors.items():
        stem, _, side = name.removeprefix("transformer.").partition(".lora_")
        stem = "lora_transformer_" + stem.replace(".", "_")
        onetrainer[f"{stem}.lora_{'down' if side[0] == 'A' else 'up'}.weight"] = tensor
        onetrainer[f"{stem}.alpha"] = torch.tensor(RANK / 2)
    peft = {name.replace("transformer.", "base_model.model.", 1): tensor for name, tensor in tensors.items()}
    for layout, given, metadata in (("onetrainer", onetrainer, {}), ("peft", peft, half(tensors))):
        source = save(tmp_path / f"{layout}.safetensors", given, metadata)
        assert recognise_lora(source).layout == layout
        assert draw(POCKET, through(source, "diffusers")) == wanted


def test_xlabs_draws_the_same_as_what_it_is_exported_to(draw: Draw, tmp_path: Path, flux1: Path) -> None:
    generator = torch.Generator().manual_seed(2)
    shapes = {
        "double_blocks.0.processor.qkv_lora1": (32, 96), "double_blocks.0.processor.qkv_lora2": (32, 96),
        "double_blocks.0.processor.proj_lora1": (32, 32), "double_blocks.0.processor.proj_lora2": (32, 32),
        "single_blocks.0.processor.qkv_lora": (32, 96),
    }  # fmt: skip
    tensors: Tensors = {}
    for name, (into, out) in shapes.items():
        tensors[f"{name}.down.weight"] = torch.randn(RANK, into, generator=generator)
        tensors[f"{name}.up.weight"] = torch.randn(out, RANK, generator=generator)
    source = save(tmp_path / "a.safetensors", tensors)
    assert recognise_lora(source).layout == "xlabs"
    ours = through(source, "diffusers")
    wanted = draw(flux1, ours)
    assert wanted != draw(flux1, None)
    for layout in ("kohya", "bfl"):
        assert draw(flux1, through(ours, layout, "diffusers")) == wanted


@pytest.mark.parametrize(
    ("family", "layout", "singles"),
    [("flux1", "kohya", 1), ("flux1", "bfl", 1), ("flux3", "diffusers", 2), ("flux3", "bfl", 2)],
)
def test_the_other_families(
    request: pytest.FixtureRequest, draw: Draw, tmp_path: Path, family: str, layout: Target, singles: int
) -> None:
    base = request.getfixturevalue(family)
    tensors = diffusers_lora(family, width=32, doubles=1, singles=singles, rank=RANK)  # type: ignore[arg-type]
    source = save(tmp_path / "a.safetensors", tensors, half(tensors))
    wanted = draw(base, source)
    assert wanted != draw(base, None)
    assert draw(base, through(source, layout, "diffusers")) == wanted
