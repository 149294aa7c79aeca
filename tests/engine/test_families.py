"""What is particular to single architectures: FLUX.3's text windows, flow maps, FLUX.2 dev, FLUX.1 schnell."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.__main__ import train
from fluxtune.engine.bases import describe_base, find_bases, require_trainable
from fluxtune.engine.config import GenerationRequest, Recipe
from fluxtune.engine.estimate import estimate_finetune
from fluxtune.engine.flux.family import functions_of, join, move
from fluxtune.engine.flux.frozen import BLOCKS
from fluxtune.engine.flux.load import load_image_pipeline, load_text_pipeline
from fluxtune.engine.flux.loss import velocity_loss
from fluxtune.engine.generator import Generator
from fluxtune.engine.known_bases import known_base
from fluxtune.engine.memory import QUANTIZED_SHARE, Machine
from fluxtune.engine.runfolder import RunFolder
from fluxtune.engine.runtime import Device
from tests.engine import tiny
from tests.engine.plain import assert_same, draw_with_diffusers

MakeRun = Callable[..., Path]
CPU = Device("cpu", torch.float32)


@pytest.fixture(scope="session")
def flux2_dev(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_flux2_dev(tmp_path_factory.mktemp("bases") / "tiny-flux2-dev")


@pytest.fixture(scope="session")
def schnell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_flux1(tmp_path_factory.mktemp("bases") / "tiny-schnell", is_schnell=True)


@pytest.fixture(scope="session")
def distilled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_flux3(tmp_path_factory.mktemp("bases") / "tiny-flux3-distilled", is_distilled=True)


def draw(base: Path, folder: Path, **values: Any) -> Image.Image:
    request = {
        "id": "one", "base": base.name, "base_path": base, "prompt": "zwx a", "seeds": [3], "width": 64, "height": 64,
        "steps": 2, "guidance": 2.0, "out_dir": folder,
    }  # fmt: skip
    Generator(lambda type_, /, **data: None).generate(GenerationRequest.model_validate(request | values))
    with Image.open(folder / "0.png") as image:
        return image.convert("RGB")


@pytest.mark.parametrize("name", ["flux2_dev", "schnell"])
def test_the_others_train_resume_and_draw_as_diffusers_does(
    name: str, request: pytest.FixtureRequest, make_run: MakeRun, tmp_path: Path
) -> None:
    base: Path = request.getfixturevalue(name)
    whole, parts = make_run(base, steps=4, sample_every=4), make_run(base, steps=4, sample_every=4)
    assert train(RunFolder(whole)) == 0
    log: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        from fluxtune.engine.learner import Learner

        original = Learner.train_step

        def train_step(self: Learner, step: int) -> tuple[float, float]:
            if step == 2 and not log:
                log.append(step)
                (parts / "control").mkdir(exist_ok=True)
                (parts / "control" / "pause").touch()
            return original(self, step)

        patch.setenv("FLUXTUNE_PAUSE_SECONDS", "0")
        patch.setattr(Learner, "train_step", train_step)
        assert train(RunFolder(parts)) == 0
        assert train(RunFolder(parts)) == 0
    adapter = whole / "adapter.safetensors"
    assert (parts / "adapter.safetensors").read_bytes() == adapter.read_bytes()
    ours = draw(base, tmp_path / "ours", adapter_path=adapter)
    assert_same(ours, draw_with_diffusers(base, adapter))
    assert ours.tobytes() != draw(base, tmp_path / "without").tobytes()


def test_dev_reads_the_whole_prompt_and_counts_its_tokens(flux2_dev: Path) -> None:
    base = describe_base(flux2_dev)
    pipe, family = load_text_pipeline(base, CPU), functions_of("flux2")
    with torch.no_grad():
        one, other = (family.encode_text(pipe, prompt, base)["embeds"] for prompt in ("a", "b"))
    assert one.shape == (1, 400, 32)
    assert not torch.equal(one, other)
    assert family.count_tokens(pipe, "ab") == family.count_tokens(pipe, "a") + 1


def test_the_flux3_step_is_that_of_diffusers(flux3: Path) -> None:
    from diffusers.modular_pipelines.flux3 import before_denoise
    from diffusers.modular_pipelines.flux3.encoders import Flux3VaeEncoderStep

    base = describe_base(flux3)
    pipe, family = load_image_pipeline(base, CPU), functions_of("flux3")
    torch.manual_seed(1)
    pixels, sigmas = torch.randn(2, 3, 64, 96).clamp(-1, 1), torch.tensor([0.3, 0.8])
    embeds = torch.randn(2, 16, 32)
    with torch.no_grad():
        latents = Flux3VaeEncoderStep._patchify_latents(pipe.vae.encode(pixels).latent_dist.mode())
        mean = pipe.vae.bn.running_mean.view(1, -1, 1, 1)
        std = torch.sqrt(pipe.vae.bn.running_var.view(1, -1, 1, 1) + pipe.vae.config.batch_norm_eps)
        latents = ((latents - mean) / std).flatten(2).transpose(1, 2)
        noise = torch.randn_like(latents)
        level = sigmas.view(-1, 1, 1)
        prediction = pipe.transformer(
            hidden_states=(1 - level) * latents + level * noise, encoder_hidden_states=embeds, timestep=sigmas,
            img_ids=before_denoise._prepare_image_ids(4, 6, 0.5),
            txt_ids=before_denoise.Flux3TextRoPEInputsStep._prepare_text_ids(embeds), return_dict=False,
        )[0]  # fmt: skip
        expected = torch.mean((prediction - (noise - latents)) ** 2)
        ours = velocity_loss(
            family, pipe.transformer, family.encode_image(pipe.vae, pixels), noise, sigmas,
            {"embeds": embeds, "window": torch.tensor([16, 16])}, family.position_ids((4, 6), 16, "cpu"),
        )  # fmt: skip
    assert torch.allclose(ours, expected, rtol=1e-5)
    assert family.shift_for(64) == family.shift_for(4096) == 6.93


def test_each_caption_of_a_batch_keeps_its_own_text_window(flux3: Path) -> None:
    """A long caption beside a short one changes nothing of what the short one is told."""
    base = describe_base(flux3).model_copy(update={"max_prompt_tokens": 240})
    text, pipe, family = load_text_pipeline(base, CPU), load_image_pipeline(base, CPU), functions_of("flux3")
    torch.manual_seed(1)
    tokens, sigmas = torch.randn(3, 24, 16), torch.tensor([0.3, 0.8, 0.5])
    ids = family.position_ids((4, 6), 0, "cpu")
    with torch.no_grad():
        encoded = [family.encode_text(text, prompt, base) for prompt in ("a", "a" * 100, "b")]
        assert [one["embeds"].shape[1] for one in encoded] == [80, 160, 80]
        together = join(encoded)
        assert together["embeds"].shape == (3, 160, 32)
        batch = family.predict(pipe.transformer, tokens, sigmas, together, ids)
        for place, one in enumerate(encoded):
            alone = family.predict(pipe.transformer, tokens[place : place + 1], sigmas[place : place + 1], one, ids)
            assert torch.allclose(batch[place], alone[0], atol=1e-5)
    moved = move(together, "cpu", torch.bfloat16)
    assert moved["embeds"].dtype == torch.bfloat16
    assert moved["window"].tolist() == [80, 160, 80]


def test_captions_of_unequal_windows_train(flux3: Path, make_run: MakeRun, tmp_path: Path) -> None:
    import json
    import shutil

    base = shutil.copytree(flux3, tmp_path / "long")
    own = json.loads((base / "fluxtune.json").read_text()) | {"max_sequence_length": 240}
    (base / "fluxtune.json").write_text(json.dumps(own))
    run = make_run(base, steps=3, sample_every=0, batch_size=3, caption_dropout=0.0)
    file = run / "snapshot" / "snapshot.json"
    file.write_text(file.read_text().replace("drawing 0", "a long caption " * 8))
    assert train(RunFolder(run)) == 0
    assert all(event["data"]["loss"] > 0 for event in tiny.events_of(run) if event["type"] == "run.progressed")


def test_a_flow_map_draws_as_diffusers_does(distilled: Path, tmp_path: Path) -> None:
    assert np.array_equal(np.asarray(draw(distilled, tmp_path)), np.asarray(draw_with_diffusers(distilled)))


def test_a_flow_map_uses_adapters_of_its_base(
    distilled: Path, flux3: Path, finished_runs: dict[Path, Path], tmp_path: Path
) -> None:
    adapter = finished_runs[flux3] / "adapter.safetensors"
    with_adapter = draw(distilled, tmp_path / "with", adapter_path=adapter)
    assert with_adapter.tobytes() != draw(distilled, tmp_path / "without").tobytes()


def test_a_flow_map_is_refused_for_training(distilled: Path, make_run: MakeRun) -> None:
    base = describe_base(distilled)
    assert (base.training, base.is_flow_map) == ("no", True)
    with pytest.raises(InvalidInput, match=r"Train on FLUX\.3 klein base"):
        require_trainable(base)
    run = make_run(distilled)
    assert train(RunFolder(run)) == 1
    error = tiny.events_of(run)[-1]["data"]["error"]
    assert error["title"] == "This base is for generating only"


def test_schnell_is_warned_about(schnell: Path, flux2_dev: Path) -> None:
    base, machine = describe_base(schnell), Machine("cpu", 2**36, 2, 2**40)
    assert base.training == "discouraged"
    assert require_trainable(base) is base
    warnings = estimate_finetune(Recipe(), base, 4, 1, machine).warnings
    assert any("FLUX.1 dev" in warning for warning in warnings)
    assert estimate_finetune(Recipe(), describe_base(flux2_dev), 4, 1, machine).warnings == []
    assert (base.default_steps, base.default_guidance) == (2, 2.0)


def test_modular_folders_are_found(flux3: Path) -> None:
    assert [base.name for base in find_bases([flux3.parent])] == ["tiny-flux3"]


TRUE_SIZES: dict[str, tuple[str, dict[str, Any]]] = {
    "flux2-klein-base-4b": (
        "Flux2Transformer2DModel",
        {"num_layers": 5, "num_single_layers": 20, "num_attention_heads": 24, "joint_attention_dim": 7680,
         "guidance_embeds": False},
    ),
    "flux2-klein-base-9b": (
        "Flux2Transformer2DModel",
        {"num_layers": 8, "num_single_layers": 24, "num_attention_heads": 32, "joint_attention_dim": 12288,
         "guidance_embeds": False},
    ),
    "flux2-dev": ("Flux2Transformer2DModel", {}),
    "flux-3-image-klein-base": ("Flux3Transformer2DModel", {}),
    "flux1-dev": ("FluxTransformer2DModel", {"guidance_embeds": True}),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUE_SIZES)
def test_what_is_known_of_published_bases_is_what_their_classes_count(name: str) -> None:
    """Built on the meta device: shapes without memory."""
    import diffusers

    known, (class_name, config) = known_base(name), TRUE_SIZES[name]
    assert known is not None
    with torch.device("meta"):
        transformer = getattr(diffusers, class_name)(**config)
    count = sum(parameter.numel() for parameter in transformer.parameters())
    assert count == pytest.approx(known.transformer_parameters, rel=0.005)
    assert transformer.inner_dim == known.hidden_size
    assert transformer.config.num_layers + transformer.config.num_single_layers == known.block_count
    linear = sum(
        module.weight.numel()
        for path, module in transformer.named_modules()
        if isinstance(module, torch.nn.Linear) and path.startswith(BLOCKS)
    )
    assert linear / count > QUANTIZED_SHARE - 0.001  # what 8 bits and main memory can take away
