"""Every layout into ours and back: the same tensors, the same change of the weights, the same as diffusers reads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from diffusers.loaders.lora_pipeline import Flux2LoraLoaderMixin, Flux3LoraLoaderMixin, FluxLoraLoaderMixin

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.known_bases import Family
from fluxtune.engine.lora_files.convert import Target, convert
from fluxtune.engine.lora_files.reading import recognise_lora
from tests.engine.lora_files.files import Tensors, deltas, diffusers_lora, effects, load, save

LAYOUTS: list[tuple[Family, Target]] = [
    ("flux1", "diffusers"), ("flux1", "kohya"), ("flux1", "bfl"),
    ("flux2", "diffusers"), ("flux2", "kohya"), ("flux2", "bfl"),
    ("flux3", "diffusers"), ("flux3", "bfl"),
]  # fmt: skip
LOADERS: dict[Family, Any] = {
    "flux1": FluxLoraLoaderMixin,
    "flux2": Flux2LoraLoaderMixin,
    "flux3": Flux3LoraLoaderMixin,
}
D: Any = diffusers


def config(alpha: float, **more: Any) -> dict[str, Any]:
    """Return the metadata diffusers writes beside a LoRA."""
    values = {"lora_alpha": alpha, **more}
    return {"lora_adapter_metadata": {f"transformer.{key}": value for key, value in values.items()}}


def as_diffusers_reads(path: Path, family: Family) -> Tensors:
    """Return a file's tensors after diffusers' own conversion."""
    found: Tensors = LOADERS[family].lora_state_dict(str(path))
    return found


def same(left: Tensors, right: Tensors, rtol: float = 0, atol: float = 0) -> None:
    assert left.keys() == right.keys()
    for name, tensor in left.items():
        torch.testing.assert_close(tensor, right[name], rtol=rtol, atol=atol)


@pytest.mark.parametrize(("family", "layout"), LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_there_and_back_gives_the_same_tensors(
    tmp_path: Path, family: Family, layout: Target, dtype: torch.dtype
) -> None:
    tensors = diffusers_lora(family, dtype=dtype)
    source = save(tmp_path / "a.safetensors", tensors)
    convert(source, tmp_path / "b.safetensors", layout, {})
    assert recognise_lora(tmp_path / "b.safetensors").layout == layout
    convert(tmp_path / "b.safetensors", tmp_path / "c.safetensors", "diffusers", {})
    same(load(tmp_path / "c.safetensors"), tensors)


@pytest.mark.parametrize(("family", "layout"), LAYOUTS)
@pytest.mark.parametrize("alpha", [2.0, 3.0])
def test_alphas_are_kept(tmp_path: Path, family: Family, layout: Target, alpha: float) -> None:
    tensors = diffusers_lora(family)
    source = save(tmp_path / "a.safetensors", tensors, config(alpha))
    convert(source, tmp_path / "b.safetensors", layout, {})
    convert(tmp_path / "b.safetensors", tmp_path / "c.safetensors", "diffusers", {})
    back = recognise_lora(tmp_path / "c.safetensors")
    # BFL's layout has no alphas: there the scale is in the weights
    assert back.scale == (1.0 if layout == "bfl" else alpha / 4)
    same(effects(load(back.path), back.scale), effects(tensors, alpha / 4), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("family", "layout"), LAYOUTS)
def test_only_attention(tmp_path: Path, family: Family, layout: Target) -> None:
    tensors = diffusers_lora(family, only=".attn.")
    source = save(tmp_path / "a.safetensors", tensors)
    convert(source, tmp_path / "b.safetensors", layout, {})
    convert(tmp_path / "b.safetensors", tmp_path / "c.safetensors", "diffusers", {})
    same(load(tmp_path / "c.safetensors"), tensors)


def test_parts_that_differ_in_rank_and_alpha_keep_what_they_do(tmp_path: Path) -> None:
    tensors = diffusers_lora("flux2", only="attn.to_", rank=4) | diffusers_lora("flux2", only="attn.to_k", rank=2)
    source = save(tmp_path / "a.safetensors", tensors, config(2, alpha_pattern={"attn.to_q": 8}))
    scales = {
        name: 2.0 if name.endswith("to_q") else 1.0 if name.endswith("to_k") else 0.5 for name in effects(tensors)
    }
    wanted = effects(tensors, scales)
    for layout in ("kohya", "bfl"):
        convert(source, tmp_path / "b.safetensors", layout, {})
        convert(tmp_path / "b.safetensors", tmp_path / "c.safetensors", "diffusers", {})
        back = recognise_lora(tmp_path / "c.safetensors")
        alphas = {
            f"transformer.{group.name.blocks.diffusers}.{group.number}.{group.name.parts[0].name}":
                group.alpha / group.rank for group in back.readings[0].groups
        }  # fmt: skip
        same(effects(load(back.path), alphas), wanted, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("family", "layout"), [each for each in LAYOUTS if each[1] != "diffusers"])
def test_diffusers_reads_what_we_write(tmp_path: Path, family: Family, layout: Target) -> None:
    # its converter knows FLUX.1 in its true width only
    size: dict[str, Any] = {"width": 3072, "doubles": 1, "singles": 1, "rank": 2} if family == "flux1" else {}
    tensors = diffusers_lora(family, **size)
    source = save(tmp_path / "a.safetensors", tensors, config(1.0))
    convert(source, tmp_path / "b.safetensors", layout, {})
    if (family, layout) == ("flux1", "bfl"):
        # read by ComfyUI and its like; diffusers only knows these names with lora_down and lora_up
        renamed = {
            name.replace("lora_A", "lora_down").replace("lora_B", "lora_up"): tensor
            for name, tensor in load(tmp_path / "b.safetensors").items()
        }
        save(tmp_path / "b.safetensors", renamed)
    theirs = as_diffusers_reads(tmp_path / "b.safetensors", family)
    rank = 2 if family == "flux1" else 4
    same(effects(theirs), effects(tensors, 1 / rank), rtol=1e-5, atol=1e-4)


def kohya_flux1() -> Tensors:
    """A file as sd-scripts writes it: fused layers with one A for all parts, alphas."""
    generator = torch.Generator().manual_seed(1)
    shapes = {
        "double_blocks_0_img_attn_qkv": (3072, 9216), "double_blocks_0_txt_mlp_0": (3072, 12288),
        "double_blocks_0_img_mod_lin": (3072, 18432), "single_blocks_0_linear1": (3072, 21504),
        "single_blocks_0_linear2": (15360, 3072), "single_blocks_0_modulation_lin": (3072, 9216),
    }  # fmt: skip
    found: Tensors = {}
    for name, (into, out) in shapes.items():
        found[f"lora_unet_{name}.lora_down.weight"] = torch.randn(2, into, generator=generator)
        found[f"lora_unet_{name}.lora_up.weight"] = torch.randn(out, 2, generator=generator)
        found[f"lora_unet_{name}.alpha"] = torch.tensor(1.0)
    return found


def xlabs() -> Tensors:
    """A file as XLabs' trainer writes it."""
    generator = torch.Generator().manual_seed(2)
    shapes = {
        "double_blocks.0.processor.qkv_lora1": (3072, 9216), "double_blocks.0.processor.qkv_lora2": (3072, 9216),
        "double_blocks.0.processor.proj_lora1": (3072, 3072), "double_blocks.0.processor.proj_lora2": (3072, 3072),
        "single_blocks.0.processor.qkv_lora": (3072, 9216), "single_blocks.0.processor.proj_lora": (15360, 3072),
    }  # fmt: skip
    found: Tensors = {}
    for name, (into, out) in shapes.items():
        found[f"{name}.down.weight"] = torch.randn(2, into, generator=generator)
        found[f"{name}.up.weight"] = torch.randn(out, 2, generator=generator)
    return found


def onetrainer() -> Tensors:
    """A file as OneTrainer writes it: diffusers' names with underscores, alphas; attention, as diffusers reads it."""
    found: Tensors = {}
    for name, tensor in diffusers_lora("flux1", width=3072, doubles=1, singles=1, rank=2, only=".attn.").items():
        stem, _, side = name.removeprefix("transformer.").partition(".lora_")
        stem = "lora_transformer_" + stem.replace(".", "_")
        found[f"{stem}.lora_{'down' if side[0] == 'A' else 'up'}.weight"] = tensor
        found[f"{stem}.alpha"] = torch.tensor(1.0)
    return found


def ai_toolkit_flux2() -> Tensors:
    """A file as ai-toolkit writes it for FLUX.2: BFL's names, layers fused, no alphas."""
    generator = torch.Generator().manual_seed(3)
    shapes = {
        "double_blocks.1.img_attn.qkv": (32, 96), "double_blocks.0.txt_attn.qkv": (32, 96),
        "double_blocks.0.img_mlp.0": (32, 192), "double_blocks.0.txt_mlp.2": (96, 32),
        "single_blocks.2.linear1": (32, 288), "single_blocks.2.linear2": (128, 32), "img_in": (16, 32),
        "single_stream_modulation.lin": (32, 96),
    }  # fmt: skip
    found: Tensors = {}
    for name, (into, out) in shapes.items():
        found[f"diffusion_model.{name}.lora_A.weight"] = torch.randn(3, into, generator=generator)
        found[f"diffusion_model.{name}.lora_B.weight"] = torch.randn(out, 3, generator=generator)
    return found


@pytest.mark.parametrize(
    ("make", "family", "layout"),
    [
        (kohya_flux1, "flux1", "kohya"),
        (xlabs, "flux1", "xlabs"),
        (onetrainer, "flux1", "onetrainer"),
        (ai_toolkit_flux2, "flux2", "bfl"),
    ],
)
def test_we_read_what_others_write_as_diffusers_does(
    tmp_path: Path, make: Callable[[], Tensors], family: Family, layout: str
) -> None:
    source = save(tmp_path / "a.safetensors", make())
    lora = recognise_lora(source)
    assert (lora.layout, lora.readings[0].family) == (layout, family)
    convert(source, tmp_path / "b.safetensors", "diffusers", {})
    ours = recognise_lora(tmp_path / "b.safetensors")
    theirs = as_diffusers_reads(source, family)
    assert ours.scale is not None
    same(effects(load(ours.path), ours.scale), effects(theirs), rtol=1e-5, atol=1e-4)


def test_the_other_spellings_of_onetrainer_and_peft(tmp_path: Path) -> None:
    tensors = diffusers_lora("flux1")
    numbered = {"attn.to_q": "img_attn.qkv.0", "attn.to_k": "img_attn.qkv.1", "attn.to_v": "img_attn.qkv.2"}
    omi: Tensors = {}
    for name, tensor in tensors.items():
        inner = name.split(".", 3)[3].partition(".lora_")
        if name.startswith("transformer.transformer_blocks.0.") and inner[0] in numbered:
            side = "down" if inner[2].startswith("A") else "up"
            omi[f"transformer.double_blocks.0.{numbered[inner[0]]}.lora_{side}.weight"] = tensor
    raw = {name.replace("transformer.", "base_model.model.", 1): tensor for name, tensor in tensors.items()}
    for given, layout in ((omi, "onetrainer"), (raw, "peft")):
        source = save(tmp_path / "a.safetensors", given)
        assert recognise_lora(source).layout == layout
        convert(source, tmp_path / "b.safetensors", "diffusers", {})
        back = load(tmp_path / "b.safetensors")
        same(back, {name: tensors[name] for name in back})
    assert back.keys() == tensors.keys()


def test_the_final_modulation_is_turned_round(tmp_path: Path) -> None:
    up = torch.arange(64.0)[:, None].repeat(1, 2)
    tensors = diffusers_lora("flux2", rank=2) | {
        "transformer.norm_out.linear.lora_A.weight": torch.ones(2, 32),
        "transformer.norm_out.linear.lora_B.weight": up,
    }
    source = save(tmp_path / "a.safetensors", tensors)
    convert(source, tmp_path / "b.safetensors", "bfl", {})
    written = load(tmp_path / "b.safetensors")["diffusion_model.final_layer.adaLN_modulation.1.lora_B.weight"]
    assert torch.equal(written, torch.cat([up[32:], up[:32]]))
    convert(tmp_path / "b.safetensors", tmp_path / "c.safetensors", "diffusers", {})
    same(load(tmp_path / "c.safetensors"), tensors)


def test_a_dora_keeps_its_lengths_where_the_layout_has_room(tmp_path: Path) -> None:
    tensors = diffusers_lora("flux2")
    stems = [name.removesuffix(".lora_B.weight") for name in tensors if name.endswith(".lora_B.weight")]
    tensors |= {
        f"{stem}.lora_magnitude_vector": torch.rand(tensors[f"{stem}.lora_B.weight"].shape[0]) for stem in stems
    }
    source = save(tmp_path / "a.safetensors", tensors, config(4, use_dora=True))
    assert recognise_lora(source).is_dora
    convert(source, tmp_path / "b.safetensors", "kohya", {})
    convert(tmp_path / "b.safetensors", tmp_path / "c.safetensors", "diffusers", {})
    same(load(tmp_path / "c.safetensors"), tensors)
    with pytest.raises(InvalidInput, match="DoRA"):
        convert(source, tmp_path / "d.safetensors", "bfl", {})
    assert not (tmp_path / "d.safetensors").exists()


def test_diffusers_weighs_every_layer_as_we_say(tmp_path: Path) -> None:
    """The file we make of one with differing ranks and alphas changes a true transformer's weights by just that."""
    tensors = diffusers_lora("flux2", doubles=1, singles=2) | diffusers_lora(
        "flux2", doubles=1, singles=2, rank=2, only="to_out"
    )
    source = save(tmp_path / "a.safetensors", tensors, config(2, alpha_pattern={"attn.to_q": 8}))
    convert(source, tmp_path / "b.safetensors", "diffusers", {})
    transformer = D.Flux2Transformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False, timestep_guidance_channels=16,
    )  # fmt: skip
    before = {name: each.detach().clone() for name, each in transformer.state_dict().items()}
    pipe = D.Flux2KleinPipeline(scheduler=None, vae=None, text_encoder=None, tokenizer=None, transformer=transformer)
    pipe.load_lora_weights(tmp_path, weight_name="b.safetensors", local_files_only=True)
    transformer.fuse_lora()
    after = dict(transformer.named_parameters())
    for stem, change in deltas(tensors).items():
        layer = stem.removeprefix("transformer.")
        scale = 8 / 4 if layer.endswith("to_q") else 2 / 2 if "to_out" in layer else 2 / 4
        found = after[f"{layer}.base_layer.weight"] - before[f"{layer}.weight"]
        torch.testing.assert_close(found.double(), scale * change, rtol=1e-4, atol=1e-4)


def test_flux3_has_no_kohya(tmp_path: Path) -> None:
    source = save(tmp_path / "a.safetensors", diffusers_lora("flux3"))
    with pytest.raises(InvalidInput, match=r"FLUX\.3"):
        convert(source, tmp_path / "b.safetensors", "kohya", {})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_scaling_rounds_as_torch_does(tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = diffusers_lora("flux2", only="linear", dtype=dtype)
    source = save(tmp_path / "a.safetensors", tensors, config(0.3 * 4))
    convert(source, tmp_path / "b.safetensors", "bfl", {})
    ours = load(tmp_path / "b.safetensors")["diffusion_model.double_blocks.0.img_mlp.0.lora_B.weight"]
    given = tensors["transformer.transformer_blocks.0.ff.linear_in.lora_B.weight"]
    torch.testing.assert_close(
        ours, (given.double() * 0.3).to(dtype), rtol=1e-6 if dtype == torch.float32 else 0, atol=0
    )


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    source = save(tmp_path / "a.safetensors", diffusers_lora("flux1"))
    for name in ("b", "c"):
        convert(source, tmp_path / f"{name}.safetensors", "kohya", {"modelspec.title": "Rex"})
    assert (tmp_path / "b.safetensors").read_bytes() == (tmp_path / "c.safetensors").read_bytes()
