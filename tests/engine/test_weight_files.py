"""Headers of weight files, and single files as bases."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save, save_file

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.__main__ import train
from fluxtune.engine.bases import describe_base, find_bases
from fluxtune.engine.runfolder import RunFolder
from fluxtune.engine.single_file import architecture_of, recognise
from fluxtune.engine.weight_files import Tensor, read_header, weight_file_problem
from tests.engine.test_generator import Studio

MakeRun = Callable[..., Path]
NAMES = st.text("abc._0123", min_size=1, max_size=12)
SHAPES = st.lists(st.integers(0, 5), max_size=3)
DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "I8": torch.int8}


@settings(max_examples=40)
@given(tensors=st.dictionaries(NAMES, st.tuples(st.sampled_from(sorted(DTYPES)), SHAPES), max_size=5))
def test_a_header_says_what_the_library_wrote(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, tuple[str, list[int]]]
) -> None:
    file = tmp_path_factory.mktemp("header") / "a.safetensors"
    file.write_bytes(save({name: torch.zeros(shape, dtype=DTYPES[kind]) for name, (kind, shape) in tensors.items()}))
    assert read_header(file) == {name: Tensor(kind, tuple(shape)) for name, (kind, shape) in tensors.items()}
    assert weight_file_problem(file) is None


@settings(max_examples=40)
@given(cut=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_anywhere_is_named(tmp_path_factory: pytest.TempPathFactory, cut: float) -> None:
    whole = save({"weight": torch.zeros(40, 3), "bias": torch.zeros(40)})
    file = tmp_path_factory.mktemp("cut") / "a.safetensors"
    file.write_bytes(whole[: int(cut * len(whole))])
    with pytest.raises(InvalidInput, match=r"a\.safetensors"):
        read_header(file)


@settings(max_examples=60)
@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_named(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "a.safetensors"
    file.write_bytes(content)
    problem = weight_file_problem(file)
    assert problem is None or problem.startswith("a.safetensors")


@settings(max_examples=60)
@given(
    header=st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["dtype", "shape", "data_offsets", "w", "__metadata__"]), inner, max_size=4
            )
        ),
    )
)
def test_any_json_is_read_or_named(tmp_path_factory: pytest.TempPathFactory, header: Any) -> None:
    text = json.dumps(header).encode()
    file = tmp_path_factory.mktemp("json") / "a.safetensors"
    file.write_bytes(len(text).to_bytes(8, "little") + text)
    problem = weight_file_problem(file)
    assert problem is None or problem.startswith("a.safetensors")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab", "Git LFS"),
        (b"PK\x03\x04" + b"\x00" * 40, "pickle"),
        (b"\x80\x02}q\x00" + b"\x00" * 40, "pickle"),
        (b"<!DOCTYPE html><html>Access denied</html>", "web page"),
        (b"GGUF\x03\x00\x00\x00" + b"\x00" * 40, "GGUF"),
        (b"hello", "no safetensors"),
    ],
)
def test_what_a_file_is_instead_is_said(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=says) as caught:
        read_header(file)
    assert caught.value.action


# Single files as bases


def bfl_flux2(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Put a FLUX.2 transformer into BFL's naming, the other way round than diffusers' converter."""
    names = {
        "x_embedder": "img_in", "context_embedder": "txt_in", "proj_out": "final_layer.linear",
        "time_guidance_embed.timestep_embedder.linear_1": "time_in.in_layer",
        "time_guidance_embed.timestep_embedder.linear_2": "time_in.out_layer",
        "double_stream_modulation_img.linear": "double_stream_modulation_img.lin",
        "double_stream_modulation_txt.linear": "double_stream_modulation_txt.lin",
        "single_stream_modulation.linear": "single_stream_modulation.lin",
    }  # fmt: skip
    double = {
        "attn.norm_q": "img_attn.norm.query_norm", "attn.norm_k": "img_attn.norm.key_norm",
        "attn.to_out.0": "img_attn.proj", "ff.linear_in": "img_mlp.0", "ff.linear_out": "img_mlp.2",
        "attn.norm_added_q": "txt_attn.norm.query_norm", "attn.norm_added_k": "txt_attn.norm.key_norm",
        "attn.to_add_out": "txt_attn.proj", "ff_context.linear_in": "txt_mlp.0", "ff_context.linear_out": "txt_mlp.2",
    }  # fmt: skip
    single = {"attn.to_qkv_mlp_proj": "linear1", "attn.to_out": "linear2", "attn.norm_q": "norm.query_norm",
              "attn.norm_k": "norm.key_norm"}  # fmt: skip
    result: dict[str, torch.Tensor] = {}
    for name, tensor in weights.items():
        layer = name.removesuffix(".weight")
        block, _, rest = layer.partition(".")
        number, _, inner = rest.partition(".")
        scale = ".scale" if "norm_" in inner else ".weight"
        if layer in names:
            result[names[layer] + ".weight"] = tensor
        elif block == "norm_out":
            result["final_layer.adaLN_modulation.1.weight"] = torch.cat(tensor.chunk(2)[::-1])
        elif block == "single_transformer_blocks":
            result[f"single_blocks.{number}.{single[inner]}{scale}"] = tensor
        elif inner in double:
            result[f"double_blocks.{number}.{double[inner]}{scale}"] = tensor
    for place in range(sum(name.endswith("attn.add_q_proj.weight") for name in weights)):
        for side, parts in (("img", ("to_q", "to_k", "to_v")), ("txt", ("add_q_proj", "add_k_proj", "add_v_proj"))):
            fused = [weights[f"transformer_blocks.{place}.attn.{part}.weight"] for part in parts]
            result[f"double_blocks.{place}.{side}_attn.qkv.weight"] = torch.cat(fused)
    return result


def bfl_flux3(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Put a FLUX.3 transformer into BFL's naming."""
    exact = {
        "timestep_embedder.linear_1.weight": "time_in.in_layer.weight",
        "timestep_embedder.linear_2.weight": "time_in.out_layer.weight",
        "proj_out.weight": "final_layer.image.linear.weight",
    }  # fmt: skip
    parts = [
        ("x_embedders.", "emb_in."), ("context_embedder.", "txt_in."), ("single_transformer_blocks.", "single_blocks."),
        ("txt_mode_blocks.", "txt_mode_blocks."), ("mode_blocks.", "content_mode_blocks."), ("attn.to_q", "q_proj"),
        ("attn.to_k", "k_proj"), ("attn.to_v", "v_proj"), ("attn.to_out.0", "attn_out"), ("ff.linear_in", "mlp_in"),
        ("ff.linear_out", "mlp_out"), ("attn.norm_q.weight", "norm.query_norm.scale"),
        ("attn.norm_k.weight", "norm.key_norm.scale"), ("modulations.image.linear", "modulations.image.lin"),
        ("modulations.image_cond.linear", "modulations.image_cond.lin"),
        ("modulations.txt.linear", "modulations.txt.lin"),
    ]  # fmt: skip
    result = {}
    for name, tensor in weights.items():
        if name == "norm_out.linear.weight":
            result["final_layer.image.adaLN_modulation.1.weight"] = torch.cat(tensor.chunk(2)[::-1])
            continue
        new = exact.get(name, name)
        for ours, theirs in parts:
            if ours == "mode_blocks." and new.startswith("txt_"):
                continue
            new = new.replace(ours, theirs)
        result[new] = tensor
    return result


def weights_of(base: Path) -> dict[str, torch.Tensor]:
    return load_file(base / "transformer" / "diffusion_pytorch_model.safetensors")


NAMINGS: dict[str, Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]] = {
    "flux2": bfl_flux2,
    "flux3": bfl_flux3,
}


@pytest.fixture(params=["flux1", "flux2", "flux3", "flux2 bfl", "flux3 bfl"])
def single(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A folder and, beside a copy of it, its transformer as one file, in diffusers' naming or BFL's."""
    name, _, naming = request.param.partition(" ")
    folder = shutil.copytree(request.getfixturevalue(name), tmp_path / "parts")
    weights = weights_of(folder)
    if naming:
        weights = {f"model.diffusion_model.{key}": value for key, value in NAMINGS[name](weights).items()}
    save_file({key: value.contiguous() for key, value in weights.items()}, tmp_path / "mine.safetensors")
    return folder, tmp_path / "mine.safetensors"


def test_a_single_file_is_recognised_and_linked(single: tuple[Path, Path]) -> None:
    folder, file = single
    assert recognise(read_header(file), file.name) == architecture_of(folder)
    base = describe_base(file)
    assert (base.name, base.path, base.folder, base.is_ready) == ("mine", file, folder, True)
    assert base.fingerprint != describe_base(folder).fingerprint
    assert "one file" in base.description
    assert {each.name for each in find_bases([folder.parent])} == {"mine", "parts"}


def test_a_single_file_draws_what_its_folder_draws(single: tuple[Path, Path], tmp_path: Path) -> None:
    folder, file = single
    images = [Studio(path, tmp_path / path.stem).draw("one") for path in (folder, file)]
    assert images[0] == images[1]


def test_a_single_file_trains(flux2: Path, tmp_path: Path, make_run: MakeRun) -> None:
    shutil.copytree(flux2, tmp_path / "parts")
    save_file(bfl_flux2(weights_of(flux2)), tmp_path / "mine.safetensors")
    runs = [make_run(tmp_path / name, steps=2, sample_every=0) for name in ("parts", "mine.safetensors")]
    for run in runs:
        assert train(RunFolder(run)) == 0
    one, two = (load_file(run / "adapter.safetensors") for run in runs)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_file_names_its_parts(flux2: Path, tmp_path: Path) -> None:
    save_file(weights_of(flux2), tmp_path / "mine.safetensors")
    with pytest.raises(InvalidInput, match="text encoder and VAE are not here") as caught:
        describe_base(tmp_path / "mine.safetensors")
    assert "mine.json" in caught.value.action
    (tmp_path / "mine.json").write_text(json.dumps({"parts": str(flux2)}))
    assert describe_base(tmp_path / "mine.safetensors").folder == flux2


def test_parts_of_another_architecture_are_refused(flux2: Path, flux3: Path, tmp_path: Path) -> None:
    save_file(weights_of(flux2), tmp_path / "mine.safetensors")
    (tmp_path / "mine.json").write_text(json.dumps({"parts": str(flux3)}))
    with pytest.raises(InvalidInput, match=r"tiny-flux3, which is FLUX\.3"):
        describe_base(tmp_path / "mine.safetensors")
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(InvalidInput, match="does not name"):
        describe_base(tmp_path / "mine.safetensors")


def test_the_likeliest_folder_is_taken(flux2: Path, tmp_path: Path) -> None:
    for name, is_distilled in (("a-klein", True), ("b-klein-base", False), ("c", False)):
        folder = shutil.copytree(flux2, tmp_path / name)
        index = json.loads((folder / "model_index.json").read_text()) | {"is_distilled": is_distilled}
        (folder / "model_index.json").write_text(json.dumps(index))
    for stem, expected in (("other", "b-klein-base"), ("A_Klein", "a-klein"), ("c", "c")):
        save_file(weights_of(flux2), tmp_path / f"{stem}.safetensors")
        assert describe_base(tmp_path / f"{stem}.safetensors").folder.name == expected


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: {f"{name}.lora_A.weight": tensor for name, tensor in w.items()}, "adapter"),
        (lambda w: {"decoder.conv_in.weight": torch.zeros(2, 2)}, "no transformer of FLUX"),
        (lambda w: w | {"x_embedder.weight_scale": torch.ones(1)}, "quantised with scales"),
        (lambda w: w | {"x_embedder.weight": torch.zeros(2, 2, dtype=torch.int8)}, r"quantised \(I8\)"),
        (lambda w: {k: v for k, v in w.items() if not k.startswith("single_transformer_blocks.0.")}, "lacks blocks"),
    ],
)
def test_other_files_are_refused_by_name(flux2: Path, tmp_path: Path, change: Any, says: str) -> None:
    save_file(change(weights_of(flux2)), tmp_path / "mine.safetensors")
    with pytest.raises(InvalidInput, match=says) as caught:
        describe_base(tmp_path / "mine.safetensors")
    assert "mine.safetensors" in caught.value.detail
    assert caught.value.action


def test_a_file_that_lacks_a_tensor_is_refused_when_it_is_read(flux2: Path, tmp_path: Path) -> None:
    shutil.copytree(flux2, tmp_path / "parts")
    weights = weights_of(flux2)
    del weights["single_transformer_blocks.1.attn.to_out.weight"]
    save_file(weights, tmp_path / "mine.safetensors")
    with pytest.raises(InvalidInput, match="lacks weights"):
        Studio(tmp_path / "mine.safetensors", tmp_path).draw("one")


def test_truncated_weights_of_a_folder_are_named(flux2: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(flux2, tmp_path / "cut")
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    base = describe_base(folder)
    assert not base.is_ready
    assert base.missing is not None
    assert "vae: diffusion_pytorch_model.safetensors is cut short" in base.missing


def test_pictures_of_two_files_differ(flux2: Path, tmp_path: Path) -> None:
    """The transformer of the file is used, not that of the folder."""
    shutil.copytree(flux2, tmp_path / "parts")
    save_file({name: 0.5 * tensor for name, tensor in weights_of(flux2).items()}, tmp_path / "mine.safetensors")
    for path in (tmp_path / "parts", tmp_path / "mine.safetensors"):
        Studio(path, tmp_path / "out" / path.stem).draw("one")
    one, two = (np.asarray(Image.open(tmp_path / "out" / stem / "one" / "0.png")) for stem in ("parts", "mine"))
    assert not np.array_equal(one, two)
