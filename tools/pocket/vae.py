"""Train the image codec: a stock `AutoencoderKLFlux2` with few channels.

Two stages, because almost all of a decoder's cost is at full resolution. The *encoder* stage
trains the encoder with the lower half of the decoder, read out at half resolution by a
throw-away head: three times as fast. Then the encoder is frozen, so latents can be cached and
the base trained, while the *decoder* stage teaches the whole decoder for as long as there is time.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLFlux2
from torch import Tensor, nn

from tools.pocket import team as teams
from tools.pocket import world
from tools.pocket.common import Log, batch_of, load_state, psnr, save_state
from tools.pocket.doodles import doodle
from tools.pocket.optim import Muon, split_parameters

CHANNELS = (16, 32, 64, 64)
LATENT = 12
CROP = 64
FLOOR = 0.1  # least noise on the latents: what the base need not get exactly right
KL = 3e-4


def build() -> AutoencoderKLFlux2:
    """The codec, untrained."""
    return AutoencoderKLFlux2(
        block_out_channels=CHANNELS,
        decoder_block_out_channels=CHANNELS,
        layers_per_block=1,
        latent_channels=LATENT,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=world.SIZE,
    )


class HalfHead(nn.Module):
    """Reads a picture out of the decoder before its last, full-resolution level."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, CHANNELS[1])
        self.conv = nn.Conv2d(CHANNELS[1], 12, 3, padding=1)

    def forward(self, vae: AutoencoderKLFlux2, z: Tensor) -> Tensor:
        """Decode latents through the lower levels only."""
        decoder = vae.decoder
        x = decoder.mid_block(decoder.conv_in(vae.post_quant_conv(z)))
        for block in decoder.up_blocks[:2]:
            x = block(x)
        for resnet in decoder.up_blocks[2].resnets:
            x = resnet(x, temb=None)
        return F.pixel_shuffle(self.conv(F.silu(self.norm(x))), 2)


def training_pictures(path: Path, count: int = 6000) -> np.ndarray:
    """Pictures to learn from, rendered once and kept."""
    if not path.exists():
        rng = np.random.default_rng(7)
        pictures = [doodle(rng) if i % 3 == 0 else world.render(world.random_scene(rng), rng)[0] for i in range(count)]
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.stack(pictures))
    return np.load(path, mmap_mode="r")


def unseen_pictures(concepts: Path | None = None) -> dict[str, Tensor]:
    """What quality is measured on: held-out scenes, new doodles, and the sample concepts."""
    rng = np.random.default_rng(99)
    sets = {
        "world": batch_of([world.render(world.random_scene(rng, True), rng)[0] for _ in range(48)]),
        "doodles": batch_of([doodle(rng) for _ in range(24)]),
    }
    from tools.pocket.concepts import CONCEPTS, draw_concept

    for name in CONCEPTS:
        sets[name] = batch_of([image for image, _ in draw_concept(name, 8)])
    return sets


def crops(pictures: np.ndarray, rng: np.random.Generator, count: int) -> Tensor:
    """Square crops; of three candidates the busiest, since flat ground teaches nothing."""
    result = []
    span = pictures.shape[1] - CROP
    for index in rng.integers(0, len(pictures), count):
        picture = pictures[index]
        best, most = picture[:CROP, :CROP], -1.0
        for _ in range(3):
            y, x = rng.integers(0, span + 1, 2)
            crop = picture[y : y + CROP, x : x + CROP]
            busy = float(np.abs(np.diff(crop[::2, ::2].astype(np.int16), axis=0)).mean())
            if busy > most:
                best, most = crop, busy
        result.append(best[:, ::-1] if rng.random() < 0.5 else best)
    return batch_of(result)


def picture_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """Absolute, squared and edge error together: sharp, and good by the decibel."""
    error = made - wanted
    edges = (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    edges = edges + (error[..., 1:] - error[..., :-1]).abs().mean()
    return error.abs().mean() + 4 * error.square().mean() + 0.5 * edges


def quality(vae: AutoencoderKLFlux2, sets: dict[str, Tensor], head: HalfHead | None) -> dict[str, float]:
    """Decibels per set of unseen pictures."""
    vae.eval()
    result = {}
    with torch.no_grad():
        for name, pictures in sets.items():
            z = vae.encode(pictures).latent_dist.mode()
            made = head(vae, z) if head is not None else vae.decode(z).sample
            result[name] = round(psnr(made, pictures), 2)
    vae.train()
    return result


def encoder_loss(vae: AutoencoderKLFlux2, head: HalfHead, x: Tensor) -> Tensor:
    """Loss of the first stage: noisy latents, read out at half resolution."""
    mean, logvar = vae.quant_conv(vae.encoder(x)).chunk(2, dim=1)
    spread = (logvar.clamp(-12, 4).exp() + FLOOR**2).sqrt()
    made = head(vae, mean + spread * torch.randn_like(mean))
    kl = 0.5 * (mean.square() + spread.square() - 1 - 2 * spread.log()).mean()
    return picture_loss(made, x) + KL * kl


def decoder_loss(vae: AutoencoderKLFlux2, x: Tensor) -> Tensor:
    """Loss of the second stage: the whole decoder on latents that stay as they are."""
    with torch.no_grad():
        z = vae.encode(x).latent_dist.mode()
        # What the base draws is never quite a picture's latents; the decoder should not mind.
        z = z + 0.1 * torch.randn_like(z)
    return picture_loss(vae.decode(z).sample, x)


def rate(done: float, decay: float) -> float:
    """Learning rate factor when `done` of the time has gone: short warmup, level, decay."""
    if done < 0.01:
        return done / 0.01
    return min(1.0, max(0.0, (1 - done) / decay))


def train(team: teams.Team, work: Path, stage: str, minutes: float, lr: float, batch: int,
          decay: float = 0.5) -> None:  # fmt: skip
    """Run one stage for so many minutes in all; an interrupted run goes on where it stopped."""
    pictures = training_pictures(work / "vae-pictures.npy")
    sets = unseen_pictures()
    log = Log(work / f"vae-{stage}.log")
    path = work / f"vae-{stage}.pt"
    torch.manual_seed(1)
    vae, head = build(), HalfHead()
    half = stage == "encoder"
    if not half:
        vae.load_state_dict(torch.load(work / "vae-encoder.pt", weights_only=True)["vae"])
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    model = nn.ModuleDict({"vae": vae, "head": head}) if half else vae
    optimiser = Muon(*split_parameters(model, ("conv_in", "conv_out", "head", "quant")), lr=lr, weight_decay=0.0)
    state = {"step": 0, "seconds": 0.0}
    if path.exists():
        state = load_state(path, {"vae": vae, "head": head, "optimiser": optimiser})
    seed = int(state["step"]) * 16 + team.rank + (0 if half else 10**6)
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    last_save, losses = time.monotonic(), []
    team.lap()
    while state["seconds"] < minutes * 60:
        for group in optimiser.param_groups:
            group["lr"] = lr * rate(state["seconds"] / (minutes * 60), decay)
        x = crops(pictures, rng, batch)
        loss = encoder_loss(vae, head, x) if half else decoder_loss(vae, x)
        optimiser.zero_grad()
        loss.backward()
        spent, told = team.average(model.parameters(), [team.lap(), loss.item()])
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses.append(told)
        state["seconds"] += spent
        state["step"] += 1
        if not team.leads:
            continue
        if state["step"] % 100 == 0:
            log(f"{stage} step {state['step']} min {state['seconds'] / 60:.1f} loss {np.mean(losses[-100:]):.4f}"
                f" crops/s {state['step'] * batch * team.size / state['seconds']:.1f}")  # fmt: skip
        if state["step"] % 400 == 0:
            log(f"  dB {json.dumps(quality(vae, sets, head if half else None))}")
        if time.monotonic() - last_save > 90:
            save_state(path, state, {"vae": vae, "head": head, "optimiser": optimiser})
            last_save = time.monotonic()
    if not team.leads:
        return
    save_state(path, state, {"vae": vae, "head": head, "optimiser": optimiser})
    log(f"{stage} done, dB {json.dumps(quality(vae, sets, head if half else None))}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=("encoder", "decoder"))
    parser.add_argument("--work", type=Path, default=Path("build/pocket"))
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    training_pictures(options.work / "vae-pictures.npy")
    teams.run(train, options.workers, options.work, options.stage, options.minutes, options.lr, options.batch)


if __name__ == "__main__":
    main()
