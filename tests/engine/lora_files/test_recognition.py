"""LoRA files recognised from their headers, and files that are none."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save as to_bytes

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.known_bases import KNOWN, Family
from fluxtune.engine.lora_files.finite import require_finite
from fluxtune.engine.lora_files.fits import BLOCKS, Candidate, matches
from fluxtune.engine.lora_files.metadata import carried, facts_of
from fluxtune.engine.lora_files.reading import LONGEST_HEADER, LoraFile, recognise_lora
from tests.engine.lora_files.files import diffusers_lora, save


def header_file(path: Path, tensors: dict[str, tuple[str, list[int]]], metadata: dict[str, str] | None = None) -> Path:
    """Write a file of true size whose weights take no room on disk."""
    sizes = {"F32": 4, "BF16": 2, "F16": 2, "F8_E4M3": 1}
    header: dict[str, Any] = {"__metadata__": metadata or {}}
    offset = 0
    for name, (dtype, shape) in tensors.items():
        end = offset + sizes[dtype] * int(torch.Size(shape).numel())
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + offset)
    return path


def published(name: str, rank: int = 16, only: str = "") -> dict[str, tuple[str, list[int]]]:
    """Return the header of a LoRA for a published base."""
    known = next(each for each in KNOWN if each.name == name)
    doubles, singles = BLOCKS[name]
    small = diffusers_lora(known.family, width=1, doubles=doubles, singles=singles, rank=1, only=only)
    return {
        key: ("BF16", [rank, tensor.shape[1] * known.hidden_size])
        if ".lora_A." in key
        else ("BF16", [tensor.shape[0] * known.hidden_size, rank])
        for key, tensor in small.items()
    }


def test_every_published_base_has_its_blocks() -> None:
    assert {each.name: each.block_count for each in KNOWN} == {name: sum(blocks) for name, blocks in BLOCKS.items()}


@pytest.mark.parametrize("name", [each.name for each in KNOWN if each.training == "yes"])
@pytest.mark.parametrize("only", ["", "attn"])
def test_the_base_is_told_from_shapes(tmp_path: Path, name: str, only: str) -> None:
    lora = recognise_lora(header_file(tmp_path / "a.safetensors", published(name, only=only)))
    found = matches(lora)
    assert found[0].candidate.name == name
    assert {each.candidate.width for each in found} == {found[0].candidate.width}
    assert (lora.rank, lora.scale, lora.dtype, lora.layout) == (16, 1.0, "BF16", "diffusers")


def test_metadata_names_one_of_those_that_fit(tmp_path: Path) -> None:
    spelled = {"ss_base_model_version": "flux1", "modelspec.architecture": "flux-1-schnell/lora"}
    for metadata, name in (({}, "flux1-dev"), ({"modelspec.architecture": "flux-1-schnell/lora"}, "flux1-schnell"),
                           (spelled, "flux1-dev"), ({"fluxtune.base": "flux1-schnell"}, "flux1-schnell"),
                           ({"ss_base_model_version": "flux2_klein_4b"}, "flux1-dev")):  # fmt: skip
        file = header_file(tmp_path / "a.safetensors", published("flux1-dev"), metadata)
        assert matches(recognise_lora(file))[0].candidate.name == name


def test_one_that_is_here_comes_first(tmp_path: Path) -> None:
    lora = recognise_lora(save(tmp_path / "a.safetensors", diffusers_lora("flux2")))
    mine = Candidate("mine", "flux2", 32, 2, 3, is_here=True)
    bigger = Candidate("bigger", "flux2", 32, 4, 3, is_here=True)
    assert [each.candidate.name for each in matches(lora, [bigger, mine])] == ["mine", "bigger"]


def test_one_that_fits_nothing_says_what_it_is_for(tmp_path: Path) -> None:
    lora = recognise_lora(save(tmp_path / "a.safetensors", diffusers_lora("flux2")))
    with pytest.raises(InvalidInput, match=r"FLUX\.2 models of width 32 with at least 2 \+ 3 blocks"):
        matches(lora)


def test_a_large_file_is_recognised_without_reading_it(tmp_path: Path) -> None:
    header = published("flux1-dev")
    file = header_file(tmp_path / "a.safetensors", header)
    assert file.stat().st_size > 150_000_000
    started = time.perf_counter()
    matches(recognise_lora(file))
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ({"lora_unet_input_blocks_4_1_proj_in": (8, 8)}, "Stable Diffusion"),
        ({"diffusion_model.blocks.0.self_attn.q": (8, 8)}, "Wan"),
        ({"transformer.transformer_blocks.0.img_mlp.net.2": (8, 8)}, "Qwen-Image"),
        ({"transformer.transformer_blocks.0.attn.to_z": (8, 8)}, "fits no FLUX model"),
        ({"transformer.transformer_blocks.0.attn.to_q": (8, 16)}, "fits no FLUX model"),
    ],
)
def test_loras_of_other_models_are_named(tmp_path: Path, names: dict[str, tuple[int, int]], says: str) -> None:
    tensors: dict[str, torch.Tensor] = {}
    for name, (into, out) in names.items():
        tensors |= {f"{name}.lora_A.weight": torch.ones(2, into), f"{name}.lora_B.weight": torch.ones(out, 2)}
    with pytest.raises(InvalidInput, match=says):
        recognise_lora(save(tmp_path / "a.safetensors", tensors))


STEM = "transformer.transformer_blocks.0.attn.to_q"


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({}, "no tensors at all"),
        ({"double_blocks.0.img_attn.qkv.weight": torch.ones(9, 3)}, "whole weights"),
        ({f"{STEM}.lora_A.weight": torch.ones(2, 8)}, "only one of the two"),
        ({f"{STEM}.lora_A.weight": torch.ones(2, 8), f"{STEM}.lora_B.weight": torch.ones(8, 3)}, "multiplied"),
        ({f"{STEM}.lora_A.weight": torch.ones(2, 8, 1, 1), f"{STEM}.lora_B.weight": torch.ones(8, 2, 1, 1)}, "linear"),
        ({f"{STEM}.lokr_w1": torch.ones(2, 8)}, "LoKr"),
        ({f"{STEM}.hada_w1_a": torch.ones(2, 8)}, "LoHa"),
        ({"lora_te1_text_model_x.lora_down.weight": torch.ones(2, 8)}, "text encoder alone"),
        ({f"{STEM}.lora_A.weight": torch.ones(2, 8, dtype=torch.int8),
          f"{STEM}.lora_B.weight": torch.ones(8, 2, dtype=torch.int8)}, "as I8"),
        ({f"{STEM}.lora_A.weight": torch.ones(2, 8), f"{STEM}.lora_B.weight": torch.ones(8, 2), "more": torch.ones(1)},
         "no part of a LoRA"),
        ({f"{STEM}.lora_A.weight": torch.ones(2, 8), f"{STEM}.lora_B.weight": torch.ones(8, 2),
          f"{STEM}.alpha": torch.tensor(float("nan"))}, "alpha of nan"),
        ({f"{STEM}.lora_A.weight": torch.ones(2, 8), f"{STEM}.lora_B.weight": torch.ones(8, 2),
          f"{STEM}.dora_scale": torch.ones(1, 4)}, "the other way round"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, tensors: dict[str, torch.Tensor], says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        recognise_lora(save(tmp_path / "a.safetensors", tensors))
    assert caught.value.detail.startswith("a.safetensors")
    assert caught.value.action


def test_text_encoders_are_left_out_and_said(tmp_path: Path) -> None:
    tensors = diffusers_lora("flux1") | {"lora_te1_text_model.lora_down.weight": torch.ones(2, 8)}
    lora = recognise_lora(save(tmp_path / "a.safetensors", tensors))
    assert "text encoder" in lora.notes[0]


def test_a_header_bomb_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    with file.open("wb") as bomb:
        bomb.write((LONGEST_HEADER + 1).to_bytes(8, "little") + b'{"a":')
        bomb.truncate(LONGEST_HEADER + 100)
    started = time.perf_counter()
    with pytest.raises(InvalidInput):
        recognise_lora(file)
    assert time.perf_counter() - started < 0.5
    deep = b'{"a":' * 200_000
    file.write_bytes(len(deep).to_bytes(8, "little") + deep)
    with pytest.raises(InvalidInput):
        recognise_lora(file)


def raw(path: Path, header: str, content: bytes = b"") -> Path:
    """Write a safetensors file with this very header."""
    path.write_bytes(len(header.encode()).to_bytes(8, "little") + header.encode() + content)
    return path


@pytest.mark.parametrize(
    "header",
    [
        '{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},'
        ' "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}',
        '{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},'
        ' "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}',
        '{"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}',
        '{"a": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 8]}}',
        '{"a": {"dtype": "F32", "shape": [1e3], "data_offsets": [0, 4000]}}',
        '{"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}',
        '{"a": {"dtype": ["F32"], "shape": [1], "data_offsets": [0, 4]}}',
        '{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]}}',
        '{"a": null}',
        "[]",
        '"a"',
        "{",
    ],
)
def test_headers_that_contradict_themselves(tmp_path: Path, header: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        recognise_lora(raw(tmp_path / "a.safetensors", header, bytes(16)))
    assert caught.value.detail.startswith("a.safetensors")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_named(tmp_path: Path, dtype: torch.dtype, value: float) -> None:
    tensors = {name: tensor.to(dtype) for name, tensor in diffusers_lora("flux2").items()}
    file = save(tmp_path / "a.safetensors", tensors)
    require_finite(file, recognise_lora(file).header)
    name = list(tensors)[3]
    tensors[name][1, 1] = value
    with pytest.raises(InvalidInput, match=re.escape(name)):
        require_finite(save(file, tensors), recognise_lora(file).header)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_largest_numbers_are_numbers(tmp_path: Path, dtype: torch.dtype) -> None:
    most = torch.finfo(dtype).max
    tensors = {f"{STEM}.lora_A.weight": torch.full((2, 8), most), f"{STEM}.lora_B.weight": torch.full((8, 2), -most)}
    file = save(tmp_path / "a.safetensors", {name: tensor.to(dtype) for name, tensor in tensors.items()})
    require_finite(file, recognise_lora(file).header)


def recognised_or_named(file: Path) -> LoraFile | None:
    """Recognise a file, or check that what refuses it names it."""
    try:
        return recognise_lora(file)
    except InvalidInput as error:
        if not error.detail.startswith(file.name):
            raise
        return None


@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_file_is_read_or_named(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(to_bytes(diffusers_lora("flux2", width=2, doubles=1, singles=1, rank=1)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(2_000, len(content) - 1)))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.mktemp("damaged") / "a.safetensors"
    file.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    lora = recognised_or_named(file)
    assert lora is None or lora.rank >= 1


NAMES = st.sampled_from(
    ["transformer", "diffusion_model", "lora_unet", "double_blocks", "single_blocks", "transformer_blocks", "0", "99",
     "img_attn", "qkv", "attn", "to_q", "lora_A", "lora_B", "lora_down", "lora_up", "weight", "alpha", "default", "é"]
)  # fmt: skip


@settings(max_examples=100)
@given(
    tensors=st.dictionaries(
        st.lists(NAMES, min_size=1, max_size=8).map(".".join) | st.lists(NAMES, min_size=1, max_size=8).map("_".join),
        st.tuples(st.sampled_from(["F32", "BF16", "F8_E4M3"]), st.lists(st.integers(0, 8), max_size=3)),
        max_size=6,
    ),
    metadata=st.dictionaries(
        st.sampled_from(["lora_adapter_metadata", "ss_tag_frequency", "modelspec.tags", "trigger_word", "ss_steps"]),
        st.text(max_size=20) | st.sampled_from(["[]", "{}", '{"a":[1]}', '{"transformer.lora_alpha":"x"}', "9" * 30]),
    ),
)
def test_any_names_and_shapes_are_read_or_named(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, tuple[str, list[int]]], metadata: dict[str, str]
) -> None:
    file = header_file(tmp_path_factory.mktemp("any") / "a.safetensors", tensors, metadata)
    lora = recognised_or_named(file)
    assert lora is None or len(facts_of(lora.header.metadata).trigger_word) <= 60


@pytest.mark.parametrize(
    ("metadata", "trigger"),
    [
        ({"modelspec.trigger_phrase": "zubo dog"}, "zubo dog"),
        ({"trigger_words": "zubo, a dog"}, "zubo"),
        ({"ss_tag_frequency": json.dumps({"1_trigger": {"zubo": 1}})}, "zubo"),
        ({"ss_tag_frequency": json.dumps({"10_dog": {"a": 1, "b": 2}})}, ""),
        ({}, ""),
    ],
)
def test_trigger_words(metadata: dict[str, str], trigger: str) -> None:
    assert facts_of(metadata).trigger_word == trigger


def test_what_is_carried_on_is_short_and_known() -> None:
    given = {"modelspec.title": "Rex", "modelspec.thumbnail": "x" * 5_000, "lora_adapter_metadata": "{}", "odd": "1"}
    assert carried(given) == {"modelspec.title": "Rex"}


def test_the_family_of_fused_attention_is_told_by_the_number_of_blocks(tmp_path: Path) -> None:
    """`double_blocks.N.img_attn.qkv` alone is called the same in FLUX.1 and FLUX.2, and as wide in klein 4B."""
    families: dict[int, Family] = {19: "flux1", 5: "flux2"}
    for count, family in families.items():
        tensors: dict[str, tuple[str, list[int]]] = {}
        for number in range(count):
            stem = f"diffusion_model.double_blocks.{number}.img_attn.qkv"
            tensors |= {f"{stem}.lora_A.weight": ("BF16", [8, 3072]), f"{stem}.lora_B.weight": ("BF16", [9216, 8])}
        lora = recognise_lora(header_file(tmp_path / "a.safetensors", tensors))
        assert matches(lora)[0].reading.family == family
