"""The training step against diffusers' own scripts, and the distribution of what is drawn."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from diffusers import Flux2KleinPipeline, Flux2Transformer2DModel, FluxPipeline
from diffusers.training_utils import compute_density_for_timestep_sampling

from fluxtune.engine.bases import TimestepSampling, describe_base
from fluxtune.engine.data.order import BatchOrder
from fluxtune.engine.flux.family import functions_of
from fluxtune.engine.flux.load import load_image_pipeline, load_text_pipeline
from fluxtune.engine.flux.loss import draw_sigmas, velocity_loss
from fluxtune.engine.runtime import Device

CPU = Device("cpu", torch.float32)
SIZE = (2, 3, 64, 96)


def test_the_klein_step_is_that_of_diffusers(flux2: Path) -> None:
    base = describe_base(flux2)
    pipe, text = load_image_pipeline(base, CPU), load_text_pipeline(base, CPU)
    family = functions_of("flux2")
    torch.manual_seed(1)
    pixels = torch.randn(SIZE).clamp(-1, 1)
    sigmas = torch.tensor([0.3, 0.8])
    with torch.no_grad():
        # as in train_dreambooth_lora_flux2_klein.py
        embeds, text_ids = text.encode_prompt(["a", "b"], max_sequence_length=16, text_encoder_out_layers=(1, 2))
        latents = Flux2KleinPipeline._patchify_latents(pipe.vae.encode(pixels).latent_dist.mode())
        mean = pipe.vae.bn.running_mean.view(1, -1, 1, 1)
        std = torch.sqrt(pipe.vae.bn.running_var.view(1, -1, 1, 1) + pipe.vae.config.batch_norm_eps)
        latents = (latents - mean) / std
        ids = Flux2KleinPipeline._prepare_latent_ids(latents)
        noise = torch.randn_like(latents)
        level = sigmas.view(-1, 1, 1, 1)
        noisy = (1.0 - level) * latents + level * noise
        prediction = pipe.transformer(
            hidden_states=Flux2KleinPipeline._pack_latents(noisy), timestep=sigmas * 1000 / 1000, guidance=None,
            encoder_hidden_states=embeds, txt_ids=text_ids, img_ids=ids, return_dict=False,
        )[0]  # fmt: skip
        prediction = Flux2KleinPipeline._unpack_latents_with_ids(prediction, ids)
        expected = torch.mean((prediction.float() - (noise - latents).float()) ** 2)

        tokens = family.encode_image(pipe.vae, pixels)
        conditioning = {"embeds": torch.cat([family.encode_text(text, word, base)["embeds"] for word in "ab"])}
        ours = velocity_loss(
            family, pipe.transformer, tokens, Flux2KleinPipeline._pack_latents(noise), sigmas, conditioning,
            family.position_ids((4, 6), 16, "cpu"),
        )  # fmt: skip
    assert torch.allclose(conditioning["embeds"], embeds, atol=1e-5)
    assert torch.allclose(ours, expected, rtol=1e-5)


def test_the_flux1_step_is_that_of_diffusers(flux1: Path) -> None:
    base = describe_base(flux1)
    pipe, text = load_image_pipeline(base, CPU), load_text_pipeline(base, CPU)
    family = functions_of("flux1")
    torch.manual_seed(1)
    pixels = torch.randn(SIZE).clamp(-1, 1)
    sigmas = torch.tensor([0.3, 0.8])
    with torch.no_grad():
        # as in train_dreambooth_lora_flux.py
        embeds, pooled, text_ids = text.encode_prompt(["a", "b"], None, max_sequence_length=16)
        config = pipe.vae.config
        latents = (pipe.vae.encode(pixels).latent_dist.mode() - config.shift_factor) * config.scaling_factor
        noise = torch.randn_like(latents)
        level = sigmas.view(-1, 1, 1, 1)
        noisy = FluxPipeline._pack_latents((1.0 - level) * latents + level * noise, *latents.shape)
        ids = FluxPipeline._prepare_latent_image_ids(2, 4, 6, "cpu", torch.float32)
        prediction = pipe.transformer(
            hidden_states=noisy, timestep=sigmas, guidance=torch.ones(2), pooled_projections=pooled,
            encoder_hidden_states=embeds, txt_ids=text_ids, img_ids=ids, return_dict=False,
        )[0]  # fmt: skip
        prediction = FluxPipeline._unpack_latents(prediction, 64, 96, 8)
        expected = torch.mean((prediction.float() - (noise - latents).float()) ** 2)

        encoded = [family.encode_text(text, word, base) for word in "ab"]
        conditioning = {name: torch.cat([one[name] for one in encoded]) for name in encoded[0]}
        ours = velocity_loss(
            family, pipe.transformer, family.encode_image(pipe.vae, pixels),
            FluxPipeline._pack_latents(noise, *noise.shape), sigmas, conditioning,
            family.position_ids((4, 6), 16, "cpu"),
        )  # fmt: skip
    assert torch.allclose(conditioning["embeds"], embeds, atol=1e-5)
    assert torch.allclose(ours, expected, rtol=1e-5)


def test_embedded_guidance_is_one_in_training(flux2: Path) -> None:
    config = json.loads((flux2 / "transformer" / "config.json").read_text()) | {"guidance_embeds": True}
    transformer: Any = Flux2Transformer2DModel.from_config(config).eval()
    family, tokens, sigmas = functions_of("flux2"), torch.randn(1, 24, 16), torch.tensor([0.4])
    conditioning, ids = {"embeds": torch.randn(1, 16, 32)}, family.position_ids((4, 6), 16, "cpu")
    with torch.no_grad():
        ours = family.predict(transformer, tokens, sigmas, conditioning, ids)
        expected = transformer(
            hidden_states=tokens, timestep=sigmas, guidance=torch.tensor([1.0]), return_dict=False,
            encoder_hidden_states=conditioning["embeds"], **ids,
        )[0]  # fmt: skip
    assert torch.equal(ours, expected)


@pytest.mark.parametrize("name", ["flux1", "flux2"])
def test_decoding_undoes_the_layout_of_encoding(name: str, request: pytest.FixtureRequest) -> None:
    base = describe_base(request.getfixturevalue(name))
    vae, family = load_image_pipeline(base, CPU).vae, functions_of(base.family)
    torch.manual_seed(1)
    pixels = torch.randn(SIZE).clamp(-1, 1)
    with torch.no_grad():
        expected = vae.decode(vae.encode(pixels).latent_dist.mode(), return_dict=False)[0]
        ours = family.decode_image(vae, family.encode_image(vae, pixels), (4, 6))
    assert torch.allclose(ours, expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["uniform", "logit_normal"])
def test_noise_levels_follow_the_distribution(kind: str) -> None:
    generator = torch.Generator().manual_seed(3)
    sampling = TimestepSampling.model_validate({"kind": kind, "mean": 0.2, "std": 0.8})
    family = functions_of("flux2")
    ours = torch.cat([draw_sigmas(sampling, 4, 64, family, generator) for _ in range(1500)])
    theirs = compute_density_for_timestep_sampling(
        "logit_normal" if kind == "logit_normal" else "none", 20_000, 0.2, 0.8, generator=generator
    )
    places = torch.linspace(0.02, 0.98, 25)
    assert torch.allclose(torch.quantile(ours, places), torch.quantile(theirs, places), atol=0.02)


def test_a_shift_pushes_towards_noise() -> None:
    family = functions_of("flux2")

    def draws() -> torch.Generator:
        return torch.Generator().manual_seed(1)

    plain = draw_sigmas(TimestepSampling(), 100, 64, family, draws())
    shifted = draw_sigmas(TimestepSampling(shift=3.0), 100, 64, family, draws())
    dynamic = draw_sigmas(TimestepSampling(dynamic_shift=True), 100, 4096, family, draws())
    assert torch.allclose(shifted, 3 * plain / (1 + 2 * plain), atol=1e-4)
    assert (dynamic > plain).all()
    assert F.mse_loss(torch.tensor(family.shift_for(4096)), torch.tensor(7.5)) < 0.1  # exp(2.02), the published shift


def test_every_image_of_a_shape_comes_once_a_round() -> None:
    order, generator = BatchOrder([(4, 4)] * 5, 2), torch.Generator().manual_seed(1)
    drawn = [index for _ in range(5) for index in order.next_batch(generator)]
    assert sorted(drawn[:5]) == sorted(drawn[5:]) == [0, 1, 2, 3, 4]


def test_batches_hold_one_shape_and_shapes_come_by_their_share() -> None:
    shapes = [(4, 4)] * 6 + [(4, 6)] * 2
    order, generator = BatchOrder(shapes, 4), torch.Generator().manual_seed(1)
    batches = [order.next_batch(generator) for _ in range(400)]
    assert all(len({shapes[index] for index in batch}) == 1 for batch in batches)
    share = sum(index >= 6 for batch in batches for index in batch) / 1600
    assert 0.18 < share < 0.32


def test_an_order_goes_on_from_its_state() -> None:
    shapes = [(4, 4)] * 3 + [(4, 6)] * 2
    one, generator = BatchOrder(shapes, 2), torch.Generator().manual_seed(1)
    one.next_batch(generator)
    two, state = BatchOrder(shapes, 2), generator.get_state()
    two.restore(one.state())
    rest = [one.next_batch(generator) for _ in range(6)]
    generator.set_state(state)
    assert [two.next_batch(generator) for _ in range(6)] == rest


def test_repeated_images_come_so_often_in_each_pass() -> None:
    shapes, repeats = [(8, 8), (8, 8), (4, 16)], [3, 1, 2]
    order, generator = BatchOrder(shapes, 2, repeats), torch.Generator().manual_seed(3)
    seen = Counter(index for _ in range(300) for index in order.next_batch(generator))
    assert seen[0] == pytest.approx(3 * seen[1], abs=3)
    assert seen[2] / 600 == pytest.approx(2 / 6, abs=0.08)
    again, state = BatchOrder(shapes, 2, repeats), generator.get_state()
    assert again.restore(order.state())
    following = order.next_batch(generator)
    assert again.next_batch(generator.set_state(state)) == following
